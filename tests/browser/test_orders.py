"""Ordering as a person does it: the seed's own sentence as one walk, every page and state of an
order, and the keyboard."""

import itertools
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from local.gateway import Gateway
from tests.browser.chromium import LANGUAGES, LOOKS, Place, chromium, look_at, place, visit
from tests.browser.test_account import code_in_mail, link_in_mail, press, sign_in
from tests.journeys.test_cart import update
from tests.ordering import place as order_by_program
from tests.people import plant
from tests.visiting import PASSWORD, PRINT, VOUCHER
from tests.visiting import Browser as Program

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

HOUR, DAY = 3_600, 86_400
LONG = "Wolfeschlegelsteinhausenbergerdorff"
_number = itertools.count(1)


def fill(page: Page, **typed: str) -> None:
    for name, value in typed.items():
        page.fill(f"main form.order [name={name}]", value)


def fill_address(page: Page) -> None:
    fill(page, line1="12 Sea Road", postal_code="29900", city="Concarneau")
    page.select_option("[name=country]", "FR")


def set_active(place: Place, product: str, *, active: bool) -> None:
    update(place.site, f"PRODUCT#{product}", "PRODUCT", "active", {"BOOL": active})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_seeds_sentence_select_order_without_an_account_open_the_space_order_again(
    place: Place, chromium: Browser, language: str
) -> None:
    """Select pictures and order without an account; the mail of the order opens a space of one's
    own; past orders and the selection are in it; the next order asks for nothing again (P2, P4, P7,
    P8, P12, P13)."""
    email = f"walk{next(_number)}@example.com"
    context = visit(chromium, language, 320, "light")
    page = context.new_page()
    page.goto(place.url)
    page.locator("a.card[href*='/galleries/coast']").click()
    page.locator("form.keep button").first.click()
    page.wait_for_url(re.compile("/galleries/coast#picture-"))
    page.locator("form.buy button").first.click()
    page.wait_for_url(re.compile(r"/cart\?done=added"))
    page.locator("a.button[href*='/checkout']").click()
    page.wait_for_url(re.compile("/checkout"))
    assert page.locator("main [type=checkbox]:checked").count() == 0
    fill(page, email=email, name="Nina López")
    fill_address(page)
    page.check("[name=terms]")
    press(page)
    page.wait_for_url(re.compile(r"/orders/[\w-]+\?done=placed"))
    expect(page.get_by_role("status")).to_be_visible()
    assert email not in page.content()
    order_id = page.url.partition("/orders/")[2].partition("?")[0]
    page.reload()  # orders nothing
    who = page.request.get(f"{place.url}/v1/session").json()
    assert (who["authentication"], who["cart"]) == ("guest", {"line_count": 0})

    page.goto(link_in_mail(place, page, email))
    page.wait_for_url(re.compile("/activate/link"))
    press(page)
    page.wait_for_url(re.compile(rf"/account/orders/{order_id}\?done=activated"))
    assert page.locator("html").get_attribute("lang") == language
    expect(page.locator("main")).to_contain_text("12 Sea Road")
    expect(page.locator("main")).to_contain_text("30 × 45")
    assert page.request.get(f"{place.url}/v1/session").json()["user"]["id"] == who["user"]["id"]
    page.goto(f"{place.url}/account")
    page.locator("main a[href*='/account/orders']").click()
    assert page.locator("ul.orders > li").count() == 1
    page.goto(f"{place.url}/selections")
    assert page.locator("ul.people > li").count() == 1

    place.site.advance(60)
    page.goto(f"{place.url}/galleries/coast")
    page.locator("form.buy button").nth(1).click()
    page.locator("a.button[href*='/checkout']").click()
    page.wait_for_url(re.compile("/checkout"))
    assert page.locator("main form.order input:visible:not([type=radio])").count() == 0
    press(page)
    page.wait_for_url(re.compile(r"/orders/[\w-]+\?done=placed"))
    page.locator("main a.button[href*='/account/orders']").click()
    expect(page.locator("main")).to_contain_text("12 Sea Road")
    page.goto(f"{place.url}/account/orders")
    assert page.locator("ul.orders > li").count() == 2
    context.close()


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_of_an_order_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    number = next(_number)
    email = f"{LONG.lower()}{number}@example.com"
    place.site.advance(HOUR)
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str, at: Page = page) -> None:
        wrong.extend(look_at(at, f"order-{name}-{language}-{width}-{scheme}"))
        assert at.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    def send() -> None:
        """Sends the order, whatever the browser itself would say of it."""
        page.locator("form.order").evaluate("e => e.noValidate = true")
        press(page)

    go("/checkout")
    look("empty")
    go("/galleries/coast")
    page.locator("form.buy button").first.click()
    go("/")
    for button in (0, 0, 1):
        page.locator("#shop ~ ul button").nth(button).click()
        go("/")
    go("/cart")
    look("cart")
    go("/checkout")
    look("checkout")
    fill(page, email="nina at home", name=LONG * 2, note="see www.example.com")
    send()
    expect(page.get_by_role("alert")).to_be_visible()
    look("checkout-wrong")
    fill(page, email=email, note="By the stairs, please.")
    fill_address(page)
    page.check("[name=terms]")
    set_active(place, "voucher", active=False)
    send()
    look("checkout-line-gone")
    page.locator("button[name=remove]").first.click()
    set_active(place, "voucher", active=True)
    look("checkout-line-taken-out")
    update(place.site, "PRODUCT#calendar", "PRODUCT", "amount", {"N": "123456789"})
    send()
    expect(page.get_by_role("alert")).to_be_visible()
    look("checkout-price-changed")
    update(place.site, "PRODUCT#calendar", "PRODUCT", "amount", {"N": "2800"})
    go("/checkout")
    fill(page, email=email, name=f"Nina {LONG}", note="By the stairs, please.")
    fill_address(page)
    page.check("[name=terms]")
    send()
    page.wait_for_url(re.compile("done=placed"))
    look("placed")

    # the same mail, opened elsewhere
    link = link_in_mail(place, page, email)
    there = visit(chromium, language, width, scheme)
    tab = there.new_page()
    tab.goto(link)
    tab.wait_for_url(re.compile("/activate/link"))
    look("activate-elsewhere", tab)
    tab.fill("[name=password]", PASSWORD)
    tab.fill("[name=name]", "Nina")
    tab.check("[name=terms]")
    press(tab)
    tab.wait_for_url(re.compile("/account/orders/.*done=activated"))
    look("prove-first", tab)
    press(tab)
    tab.fill("[name=code]", code_in_mail(place, tab, email))
    tab.locator("form:has([name=code]) button").click()
    tab.wait_for_url(re.compile("done=proved"))
    look("masked", tab)
    tab.fill("[name=postal_code]", "29901")
    press(tab)
    expect(tab.get_by_role("alert")).to_be_visible()
    look("masked-wrong-postal-code", tab)
    tab.fill("[name=postal_code]", "29900")
    press(tab)
    tab.wait_for_url(re.compile("done=whole"))
    look("whole", tab)
    there.close()

    # a client with two addresses, orders to claim and a history
    olga = plant(place.site, f"olga{number}{language}")
    for thing in (PRINT, VOUCHER):
        guest = Program(Gateway(place.site), address=f"203.0.113.{number}")
        guest.add(thing)
        assert order_by_program(guest, olga.email).status_code == 201
    mine = visit(chromium, language, width, scheme)
    tab = mine.new_page()
    sign_in(place, tab, olga.email)
    expect(tab.get_by_role("status")).to_be_visible()
    tab.locator(f"footer button[value={language}]").click()
    tab.goto(f"{place.url}/account")
    look("my-space", tab)
    tab.goto(f"{place.url}/account/orders")
    look("mine-none", tab)
    tab.goto(f"{place.url}/account/claims")
    look("claims", tab)
    tab.locator("[name=postal_code]").first.fill("29901")
    press(tab)
    expect(tab.get_by_role("alert")).to_be_visible()
    look("claims-wrong-postal-code", tab)
    tab.locator("summary").first.click()
    look("claims-not-mine", tab)
    tab.locator("[name=postal_code]").first.fill("")
    tab.locator("button[value=mine]").first.click()
    tab.wait_for_url(re.compile("done=claimed"))
    look("claimed", tab)
    tab.goto(f"{place.url}/account/claims")
    tab.locator("summary").first.click()
    tab.locator("button[value=another]").first.click()
    tab.wait_for_url(re.compile("done=refused"))
    look("claims-none", tab)
    for name in (f"Oma Marie {LONG}", "Olga"):
        place.site.advance(60)
        tab.goto(f"{place.url}/galleries/coast")
        tab.locator("form.buy button").first.click()
        tab.goto(f"{place.url}/checkout")
        if tab.locator("[value=another]").count():
            tab.check("[value=another]")
        fill(tab, name=name)
        fill_address(tab)
        press(tab)
        tab.wait_for_url(re.compile("done=placed"))
    look("placed-by-a-client", tab)
    tab.goto(f"{place.url}/galleries/coast")
    tab.locator("form.buy button").first.click()
    tab.goto(f"{place.url}/checkout")
    expect(tab.locator("[name=line1]")).to_be_hidden()
    look("checkout-of-a-client", tab)
    tab.check("[value=another]")
    expect(tab.locator("[name=line1]")).to_be_visible()
    look("checkout-another-address", tab)
    step(place, tab)
    tab.goto(f"{place.url}/account/orders")
    look("mine", tab)
    tab.locator("h2 a").nth(0).click()
    look("mine-cancelled", tab)
    mine.close()
    context.close()
    assert wrong == []


def step(place: Place, page: Page) -> None:
    """The studio cancels the newest order of the list and says why."""
    item: Any = page.request.get(f"{place.url}/v1/account/orders").json()["items"][0]
    orders, table = (
        place.site.module("foyer.storage.orders"),
        place.site.module("foyer.storage.table"),
    )
    rules = place.site.module("foyer.rules.orders")
    order = orders.read([item["id"]], consistent=True)[item["id"]]
    for what, why in ((rules.Step.CONFIRM, None), (rules.Step.CANCEL, f"The paper {LONG}.")):
        after = rules.stepped(order, what, "ana", place.site.now(), why)
        table.write(*orders.change(order, after))
        order = after


def test_the_order_can_be_placed_by_keyboard_and_without_scripts(
    place: Place, chromium: Browser
) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(place.url)
    page.locator("#shop ~ ul button").first.click()
    page.get_by_role("link", name="Order", exact=True).click()
    page.get_by_label("E-mail address").focus()
    for typed in (f"keys{next(_number)}@example.com", "Nina López", "", "Thank you"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.get_attribute("name") == "terms"
    page.keyboard.press("Space")
    page.get_by_label("Your name").focus()
    page.keyboard.press("Enter")  # sends what the page is for, and takes nothing out
    expect(page).to_have_url(re.compile(r"/orders/[\w-]+\?done=placed"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for your order")
    context.close()


def test_targets_of_the_order_are_large_enough_for_a_thumb(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "en", 320, "light")
    page = context.new_page()
    page.goto(f"{place.url}/galleries/coast")
    page.locator("form.buy button").first.click()
    page.goto(f"{place.url}/checkout")
    small = page.evaluate(
        """() => [...document.querySelectorAll('main a, main button, main input, main select')]
            .filter(e => e.type != 'hidden' && !e.closest('p.small, label'))
            .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 || box.width < 24).map(([html]) => html)"""
    )
    assert small == []
    context.close()


def test_the_pages_of_orders_keep_their_content_policy(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "en", 1280, "light")
    page = context.new_page()
    said: list[str] = []
    page.goto(f"{place.url}/galleries/coast")
    page.locator("form.buy button").first.click()
    page.on("console", lambda message: said.append(message.text))
    answer = page.goto(f"{place.url}/checkout")
    assert answer is not None
    assert "script-src" not in answer.headers["content-security-policy"]
    assert page.locator("script").count() == 0
    page.wait_for_load_state("networkidle")
    assert said == []
    context.close()
