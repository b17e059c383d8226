"""What staff do, in the browser: somebody who waits is let in; every page and state of it."""

import itertools
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local.gateway import Gateway
from tests.browser.chromium import LOOKS, Place, chromium, look_at, place, visit
from tests.browser.test_account import code_in_mail, link_in_mail, press
from tests.ordering import place as order
from tests.visiting import PASSWORD, TERMS, VOUCHER
from tests.visiting import Browser as Visitor

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

ADMIN, DEMO = "admin@studio.example.com", "a long demo passphrase"
HOUR, MINUTE, DAY = 3_600, 60, 86_400
HOSTILE = '<b onmouseover="alert(1)">Nina</b> ' + "Wolfeschlegelsteinhausenbergerdorffwelche"
_number = itertools.count(1)


def staff(place: Place, chromium: Browser, language: str, width: int, scheme: str) -> Page:
    """The administrator, signed in: a password, and a code on a browser we do not know."""
    page = visit(chromium, language, width, scheme).new_page()
    page.goto(f"{place.url}/sign-in?lang={language}")
    for _ in range(2):
        page.fill("[name=email]", ADMIN)
        page.fill("[name=password]", DEMO)
        if page.locator("[name=code]").count():
            page.fill("[name=code]", code_in_mail(place, page, ADMIN))
        press(page)
    expect(page.get_by_role("status")).to_be_visible()
    page.goto(f"{place.url}/account")
    page.locator(f"footer button[value={language}]").click()
    return page


def newcomer(place: Place, chromium: Browser, email: str, name: str = "Nina") -> BrowserContext:
    """Somebody with something in the cart, who registers with the hotel and waits."""
    context = visit(chromium, "en", 1280, "light")
    page = context.new_page()
    page.goto(place.url)
    page.locator("#shop ~ ul button").first.click()
    ours = {"Sec-Fetch-Site": "same-origin"}
    form = {
        "email": email,
        "name": name,
        "profile_type": "C",
        "organization_id": "hotel-miramar",
        "consents": {"terms": TERMS, "newsletter": False},
    }
    page.request.post(f"{place.url}/v1/registrations", data=form, headers=ours)
    page.goto(link_in_mail(place, page, email))
    page.locator("summary").click()
    page.fill("[name=password]", PASSWORD)
    press(page)
    expect(page.get_by_text("The studio looks at each new account")).to_be_visible()
    return context


def test_who_waits_is_let_in_and_signs_in_with_the_cart(place: Place, chromium: Browser) -> None:
    email = f"waits{next(_number)}@example.com"
    place.site.advance(HOUR)
    guest = newcomer(place, chromium, email)
    page = staff(place, chromium, "en", 320, "light")
    page.get_by_role("link", name="For staff").click()
    page.get_by_role("link", name="See all who wait").click()
    page.get_by_role("listitem").filter(has_text=email).get_by_role("link").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("the cart is kept")
    theirs = guest.pages[0]
    theirs.goto(f"{place.url}/sign-in")
    theirs.fill("[name=email]", email)
    theirs.fill("[name=password]", PASSWORD)
    press(theirs)
    expect(theirs.get_by_role("status")).to_be_visible()
    theirs.goto(f"{place.url}/cart")
    assert theirs.locator("ul.lines > li").count() == 1
    guest.close()
    page.context.close()


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_of_staff_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    number = next(_number)
    email, opened = f"staff{number}@example.com", f"opened{number}@example.com"
    place.site.advance(HOUR)
    page = staff(place, chromium, language, width, scheme)
    wrong: list[str] = []

    def look(name: str, at: Page = page) -> None:
        wrong.extend(look_at(at, f"staff-{name}-{language}-{width}-{scheme}"))
        assert at.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    def send(action: str) -> None:
        """Sends the form, whatever the browser itself would say of it."""
        form = page.locator(f"form[action^='{action}']").last
        form.evaluate("e => e.noValidate = true")
        form.locator("button").last.click()

    go("/account")
    look("my-space")
    if number == 2:
        go("/staff")
        look("desk-nobody")
    guest = newcomer(place, chromium, email, HOSTILE)
    go("/staff")
    look("desk")
    go("/staff/people")
    look("people")
    go("/staff/people?status=rejected")
    look("people-nobody")
    go("/staff/people?email=x")
    look("people-refused")

    # deciding
    go(f"/staff/people?email={email}")
    page.locator("ul.people a").first.click()
    person = page.url.removeprefix(place.url)
    look("person-waits")
    send(f"{person}/reject")
    look("person-reject-refused")
    stale = page.context.new_page()
    stale.goto(place.url + person)
    send(f"{person}/approve")
    look("person-approved")
    stale.locator(f"form[action^='{person}/approve'] button").click()
    expect(stale.get_by_role("alert").or_(stale.get_by_role("status")).first).to_be_visible()
    stale.close()
    send(f"{person}/password-reset")
    look("person-reset-mailed")
    send(f"{person}/disable")
    look("person-disabled")
    send(f"{person}/enable")
    page.fill("[name=phone]", "call me")
    send(f"{person}/edit")
    look("person-edit-refused")

    # roles, with a proof
    go(person)
    page.select_option("[name=role]", "buyer_administrator")
    send(f"{person}/roles")
    look("person-role-refused")
    place.site.advance(11 * MINUTE)
    page.select_option("[name=role]", "buyer_administrator")
    page.select_option("[name=organization_id]", "hotel-miramar")
    send(f"{person}/roles")
    look("proof")
    page.fill("[name=password]", DEMO)
    press(page)
    expect(page).to_have_url(re.compile(rf"{person}\?done=proved"))
    look("person-proved")
    page.select_option("[name=role]", "buyer_administrator")
    page.select_option("[name=organization_id]", "hotel-miramar")
    send(f"{person}/roles")
    look("person-roles-saved")
    guest.close()

    # an account for somebody
    go("/staff/people/new")
    look("new-person")
    send("/staff/people/new")
    look("new-person-refused")
    page.fill("[name=email]", "carla@example.com")
    page.fill("[name=name]", "Carla")
    send("/staff/people/new")
    look("new-person-taken")
    page.fill("[name=email]", opened)
    page.fill("[name=name]", "Otto")
    send("/staff/people/new")
    look("person-opened")
    theirs = visit(chromium, language, width, scheme)
    owner = theirs.new_page()
    owner.goto(f"{link_in_mail(place, owner, opened)}".replace("lang=en", f"lang={language}"))
    expect(owner).to_have_url(re.compile("/activate/link"))
    look("activate-on-behalf", owner)
    theirs.close()

    # organizations
    go("/staff/organizations")
    look("organizations")
    page.fill("[name=name]", f"Group {number}")
    page.select_option("[name=parent_id]", "hotel-miramar")
    send("/staff/organizations")
    look("organizations-added")
    go("/staff/organizations?change=hotel-miramar")
    page.fill("[name=name]", "")
    send("/staff/organizations")
    look("organizations-change-refused")
    go("/staff/people/demo-administrator-001")
    look("own-account")
    page.context.close()
    assert wrong == []


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_another_address_and_the_history_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    number = next(_number)
    email, new = f"moves{number}@example.com", f"moved{number}@example.com"
    place.site.advance(HOUR)
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language, name

    page.goto(f"{place.url}/account/address")
    look("address-signed-out")
    page.goto(f"{place.url}/sign-up")
    page.fill("[name=email]", email)
    page.fill("[name=name]", "Nina López")
    page.check("[name=terms]")
    press(page)
    page.goto(link_in_mail(place, page, email))
    expect(page).to_have_url(re.compile("/activate/link"))
    press(page)
    page.goto(f"{place.url}/account/address")
    look("address")
    page.fill("[name=email]", email)
    press(page)
    look("address-refused")
    page.fill("[name=email]", new)
    press(page)
    look("address-mailed")
    page.goto(link_in_mail(place, page, new))
    expect(page.locator("[name=email]")).to_be_hidden()
    look("address-link")
    page.locator("details button").click()
    expect(page.get_by_role("status")).to_contain_text(new)
    look("account-other-address")
    page.goto(f"{place.url}/account/history")
    look("history")
    page.goto(f"{place.url}/account/address")
    page.locator("summary").click()
    page.fill("[name=token]", "eml_nothing")
    page.locator("details button").click()
    look("address-link-garbled")
    context.close()
    assert wrong == []


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_state_of_the_clean_up_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    wrong: list[str] = []
    gone, ordering = (Visitor(Gateway(place.site), address=f"203.0.113.{n}") for n in (1, 2))
    gone.add(VOUCHER)
    ordering.add(VOUCHER)
    order(ordering, f"cleanup{next(_number)}@example.com")
    place.site.advance(31 * DAY, schedules=False)
    page = staff(place, chromium, language, width, scheme)
    for name in ("waiting", "taken"):
        page.goto(f"{place.url}/staff/guests/abandoned")
        wrong.extend(look_at(page, f"staff-clean-up-{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language
        assert (page.locator("ul.people li").count() > 0) == (name == "waiting")
        page.request.post(f"{place.url}/_dev/cleanup")
    page.context.close()
    assert wrong == []
