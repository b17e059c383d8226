"""Becoming a client, as a person does it: the walk in three languages, every page and state of it,
without scripts, and a session that ends while somebody types."""

import itertools
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import LANGUAGES, LOOKS, Place, chromium, look_at, place, visit
from tests.visiting import OTHER_PASSWORD, PASSWORD

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

_number = itertools.count(1)
HOUR, DAY = 3_600, 86_400


def link_in_mail(place: Place, page: Page, to: str) -> str:
    """The newest link with a token, as the mailbox's owner sees it."""
    found = page.request.get(f"{place.url}/_dev/mail.json").json()
    links = [link for mail in found if mail["to"] == to for link in mail["links"] if "#" in link]
    return str(links[0])


def code_in_mail(place: Place, page: Page, to: str) -> str:
    found = page.request.get(f"{place.url}/_dev/mail.json").json()
    (code,) = re.findall(r"\b\d{6}\b", next(mail["text"] for mail in found if mail["to"] == to))
    return str(code)


def press(page: Page) -> None:
    """The one button that matters on the page."""
    page.locator("main button.primary").first.click()


def sign_up(place: Place, page: Page, email: str) -> None:
    page.goto(f"{place.url}/sign-up")
    page.fill("[name=email]", email)
    page.fill("[name=name]", "Nina López")
    page.check("[name=terms]")
    press(page)
    expect(page.get_by_text(email)).to_be_visible()


def sign_in(place: Place, page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto(f"{place.url}/sign-in")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    press(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_walk_look_add_sign_up_activate_sign_out_and_find_it_all_elsewhere(
    place: Place, chromium: Browser, language: str
) -> None:
    email = f"walk{next(_number)}@example.com"
    place.site.advance(HOUR)
    here = visit(chromium, language, 320, "light")
    page = here.new_page()
    page.goto(f"{place.url}/galleries/coast")
    for number in range(2):
        page.goto(f"{place.url}/galleries/coast")
        page.locator("form.buy button").nth(number).click()
    sign_up(place, page, email)
    page.goto(link_in_mail(place, page, email))
    expect(page).to_have_url(re.compile("/activate/link"))  # the script took the token along
    assert "#" not in page.url
    expect(page.get_by_text("n…@e….com".replace("n", email[0]))).to_be_visible()
    press(page)
    expect(page.get_by_role("status")).to_be_visible()
    assert "/account?done=activated" in page.url
    assert page.locator("html").get_attribute("lang") == language
    expect(page.get_by_text("Nina López")).to_be_visible()
    page.goto(f"{place.url}/cart")
    assert page.locator("ul.lines > li").count() == 2
    page.goto(f"{place.url}/account")
    page.locator("form[action^='/sign-out'] button").click()
    page.goto(f"{place.url}/cart")
    assert page.locator("ul.lines > li").count() == 0

    elsewhere = visit(chromium, language, 1280, "dark")
    page = elsewhere.new_page()
    page.goto(f"{place.url}/sign-in/code")
    page.locator("form").first.locator("[name=email]").fill(email)
    press(page)
    page.fill("[name=code]", code_in_mail(place, page, email))
    press(page)
    assert "/account?done=signed-in" in page.url
    page.goto(f"{place.url}/cart")
    assert page.locator("ul.lines > li").count() == 2
    here.close()
    elsewhere.close()


def ask_for_link(place: Place, chromium: Browser, language: str, email: str) -> BrowserContext:
    """Somebody signs up in a browser of his own, with something in his cart."""
    context = visit(chromium, language, 1280, "light")
    page = context.new_page()
    page.goto(place.url)
    page.locator("#shop ~ ul button").first.click()
    sign_up(place, page, email)
    return context


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    number = next(_number)
    email, second = f"look{number}@example.com", f"other{number}@example.com"
    place.site.advance(HOUR)
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language, name

    for name in ("sign-up", "activate", "sign-in", "sign-in/code", "forgotten-password", "reset"):
        page.goto(f"{place.url}/{name}")
        look(name.replace("/", "-"))
    for name in ("sign-up", "sign-in", "forgotten-password", "reset"):
        page.goto(f"{place.url}/{name}")
        page.locator("main form").first.evaluate("e => e.noValidate = true")
        press(page)
        look(f"{name}-empty")
    page.goto(f"{place.url}/account")
    look("account-signed-out")

    # the link, in another browser and in all its states
    other = ask_for_link(place, chromium, language, second)
    link = link_in_mail(place, page, second)
    page.goto(link)
    look("activate-elsewhere")
    page.fill("[name=password]", "passwordpassword")
    page.check("[name=terms]")
    press(page)
    look("activate-elsewhere-weak")
    page.goto(f"{place.url}/activate")
    page.fill("[name=token]", "https://example.com/activate#t=act_nothing")
    press(page)
    look("link-garbled")
    others_page = other.pages[0]
    others_page.locator("form[action^='/sign-up/again'] button").click()
    page.goto("about:blank")
    page.goto(link)
    look("link-replaced")
    link = link_in_mail(place, page, second)
    place.site.advance(DAY)
    page.goto("about:blank")
    page.goto(link)
    look("link-expired")
    other.close()

    # here: sign up, mail again, activate, be signed in
    sign_up(place, page, email)
    look("check-your-mail")
    page.locator("form[action^='/sign-up/again'] button").click()
    look("check-your-mail-again")
    for _ in range(2):
        page.locator("form[action^='/sign-up/again'] button").click()
    look("check-your-mail-wait")
    link = link_in_mail(place, page, email)
    page.goto(link)
    look("activate-here")
    page.locator("summary").click()
    page.fill("[name=password]", PASSWORD)
    press(page)
    look("account-activated")
    page.goto("about:blank")
    page.goto(link)
    look("link-used")
    page.goto(f"{place.url}/account/security")
    look("security")

    # a link while signed in as somebody else
    other = ask_for_link(place, chromium, language, f"third{number}@example.com")
    page.goto(link_in_mail(place, page, f"third{number}@example.com"))
    look("link-signed-in-as-somebody-else")
    press(page)
    look("activate-after-signing-out")
    other.close()

    # signing in: wrong, by code, with an older cart
    sign_in(place, page, email, OTHER_PASSWORD)
    look("sign-in-wrong")
    page.goto(f"{place.url}/sign-in/code")
    page.locator("form").first.locator("[name=email]").fill(email)
    press(page)
    look("code-mailed")
    page.fill("[name=code]", "000000")
    press(page)
    look("code-wrong")
    page.goto(f"{place.url}/forgotten-password")
    page.fill("[name=email]", email)
    press(page)
    look("forgotten-password-mailed")
    page.goto(place.url)
    page.locator("#shop ~ ul button").first.click()
    place.site.advance(DAY)
    sign_in(place, page, email)
    look("sign-in-older-cart")
    page.fill("[name=password]", PASSWORD)
    page.locator("[name=take_over]").first.check()
    press(page)
    expect(page.get_by_role("status")).to_be_visible()
    look("account-with-receipt")

    # proof, and a session that ended
    place.site.advance(601)
    page.goto(f"{place.url}/account/security")
    page.fill("[name=new]", OTHER_PASSWORD)
    press(page)
    look("proof")
    page.locator("form[action^='/account/proof/code'] button").click()
    look("proof-mailed")
    page.goto(f"{place.url}/cart")
    page.locator("input[type=number]").first.fill("7")
    place.site.advance(3 * HOUR)
    page.locator("button[value=set]").first.click()
    expect(page.locator("dd", has_text="7")).to_be_visible()
    look("session-ended")
    page.locator("form[action^='/sign-in/continue'] button").click()
    look("sign-in-to-continue")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    press(page)
    look("continue")
    press(page)
    expect(page.locator("input[type=number]").first).to_have_value("7")
    context.close()
    assert wrong == []


def test_without_scripts_the_link_is_pasted(place: Place, chromium: Browser) -> None:
    email = f"plain{next(_number)}@example.com"
    place.site.advance(HOUR)
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    sign_up(place, page, email)
    link = link_in_mail(place, page, email)
    page.goto(link)
    page.get_by_label("The link from the mail").fill(link)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Confirm and open my account").click()
    expect(page.get_by_role("status")).to_contain_text("Your account is active")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{place.url}/forgotten-password")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Mail me the link").click()
    link = link_in_mail(place, page, email)
    page.goto(link)
    page.get_by_label("The link from the mail").fill(link)
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_role("status")).to_contain_text("Your new password is saved")
    context.close()


def test_a_password_manager_is_told_what_the_fields_are(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "en", 1280, "light")
    page = context.new_page()
    page.goto(f"{place.url}/sign-in")
    assert page.get_attribute("[name=email]", "autocomplete") == "username"
    assert page.get_attribute("[name=password]", "autocomplete") == "current-password"
    page.goto(f"{place.url}/reset")
    assert page.get_attribute("[name=password]", "autocomplete") == "new-password"
    page.goto(f"{place.url}/sign-in/code")
    assert page.get_attribute("[name=code]", "autocomplete") == "one-time-code"
    context.close()


def test_the_new_pages_keep_their_content_policy(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "en", 1280, "light")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("/sign-up", "/activate", "/sign-in", "/sign-in/code", "/reset"):
        answer = page.goto(place.url + path)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert ("script-src" in policy) == (path in {"/activate", "/sign-in/code", "/reset"})
        page.wait_for_load_state("networkidle")
    assert said == []
    context.close()
