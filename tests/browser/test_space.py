"""A client's own space in Chromium: every page and state of profile, addresses and privacy, the
question after signing in, and the link that ends the newsletter."""

import itertools

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import LOOKS, Place, chromium, look_at, place, visit
from tests.browser.test_account import link_in_mail, press, sign_in
from tests.people import plant
from tests.visiting import PASSWORD

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

_number = itertools.count(1)
HOUR = 3_600


def unasked(place: Place) -> str:
    """The address of somebody who has agreed to nothing yet."""
    return plant(place.site, f"space{next(_number)}", agreed=False).email


def type_address(page: Page, line1: str = "Carrer de la Marina 12") -> None:
    for name, text in (("line1", line1), ("postal_code", "08005"), ("city", "Barcelona")):
        page.fill(f"[name={name}]", text)
    page.select_option("[name=country]", "ES")


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    place.site.advance(HOUR)
    email = unasked(place)
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"{name}-{language}-{width}-{scheme}"))

    sign_in(place, page, email)
    assert "/account/terms" in page.url
    look("ask-terms")
    page.locator("main form").evaluate("e => e.noValidate = true")
    press(page)
    look("ask-terms-empty")
    page.goto(f"{place.url}/account?lang={language}")
    look("account-not-agreed")
    page.goto(f"{place.url}/account/privacy?lang={language}")
    look("privacy-not-agreed")
    page.check("[name=terms]")
    press(page)
    look("privacy-agreed")
    page.locator("button[value=yes]").click()
    expect(page.get_by_role("status")).to_be_visible()
    look("privacy-newsletter")

    page.goto(f"{place.url}/account/profile?lang={language}")
    look("profile")
    page.fill("[name=name]", "María de los Ángeles Fernández-Villaverde y Hohenzollern")
    page.fill("[name=phone]", "+34 600 000 000")
    page.select_option("[name=locale]", language)
    press(page)
    expect(page.get_by_role("status")).to_be_visible()
    look("profile-saved")
    page.fill("[name=phone]", "call me")
    press(page)
    look("profile-wrong")

    page.goto(f"{place.url}/account/addresses?lang={language}")
    look("addresses-none")
    page.locator("main form").evaluate("e => e.noValidate = true")
    press(page)
    look("addresses-empty")
    type_address(page)
    press(page)
    expect(page.get_by_role("status")).to_be_visible()
    type_address(page, "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch 1")
    page.fill("[name=region]", "Cataluña")
    press(page)
    look("addresses")
    page.locator("ul.people a").first.click()
    look("address-entry")
    page.locator("form[action*='/delete'] button").click()
    expect(page.get_by_role("status")).to_be_visible()

    page.goto(f"{place.url}/unsubscribe?lang={language}")
    look("unsubscribe")
    press(page)
    page.locator("main form").evaluate("e => e.noValidate = true")
    press(page)
    look("unsubscribe-wrong")
    page.goto("about:blank")
    page.goto(link_in_mail(place, page, email))
    expect(page.locator("[name=token]")).to_be_hidden()
    look("unsubscribe-by-link")
    press(page)
    expect(page.get_by_role("status")).to_be_visible()
    look("unsubscribed")
    page.goto(f"{place.url}/account/privacy?lang={language}")
    look("privacy-ended")
    context.close()
    assert wrong == []


def test_somebody_asked_after_signing_in_goes_on_where_he_was_going(
    place: Place, chromium: Browser
) -> None:
    email = unasked(place)
    context = visit(chromium, "en", 320, "light")
    page = context.new_page()
    page.goto(f"{place.url}/account/addresses")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    press(page)
    expect(page.get_by_label("I agree to the terms")).not_to_be_checked()
    expect(page.get_by_label("Send me the newsletter")).not_to_be_checked()
    page.get_by_role("link", name="Not now").click()
    expect(page.get_by_role("heading", name="My addresses", level=1)).to_be_visible()
    page.goto(f"{place.url}/account")
    page.get_by_role("link", name="Read them and say so").click()
    page.get_by_label("I agree to the terms").check()
    page.get_by_role("button", name="Agree and go on").click()
    expect(page.get_by_role("status")).to_contain_text("You have agreed to the terms")
    context.close()


def test_without_scripts_the_link_of_a_newsletter_is_pasted(
    place: Place, chromium: Browser
) -> None:
    email = unasked(place)
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    sign_in(place, page, email)
    page.goto(f"{place.url}/account/privacy")
    page.get_by_role("button", name="Send me the newsletter").click()
    link = link_in_mail(place, page, email)
    page.goto(link)
    page.get_by_label("The link from the mail").fill(link)
    page.get_by_role("button", name="End the newsletter").click()
    expect(page.get_by_role("status")).to_contain_text("You will not get our newsletter any more")
    context.close()


def test_the_new_pages_keep_their_content_policy(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "en", 1280, "light")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    sign_in(place, page, unasked(place))
    for path in ("/account/terms", "/account/profile", "/account/addresses", "/account/privacy"):
        answer = page.goto(place.url + path)
        assert answer is not None
        assert "script-src" not in answer.headers["content-security-policy"]
        page.wait_for_load_state("networkidle")
    answer = page.goto(f"{place.url}/unsubscribe")
    assert answer is not None
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert said == []
    context.close()
