"""What a studio sells, in the browser: every page and state of it."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import LOOKS, Place, chromium, look_at, place, visit
from tests.browser.test_studio import LONG, photographer, send, sign_in
from tests.people import administrator

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

PRODUCTS = "/staff/products"
COAST = "/staff/galleries/coast/products"


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_of_products_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    context = photographer(place, chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"products-{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    go(PRODUCTS)
    look("all")
    page.fill("[name=name]", "www.evil.example")
    page.fill("[name=price]", "€ 1,250")
    send(page, PRODUCTS)
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("[name=price]")).to_have_value("€ 1,250")
    look("refused")
    page.fill("[name=name]", f"{LONG} & Söhne")
    page.fill("[name=price]", "999999,99")
    page.check("[name=kind][value=print]")
    page.check("[name=of_picture]")
    page.uncheck("[name=active]")
    send(page, PRODUCTS)
    expect(page.get_by_role("status")).to_be_visible()
    look("made")

    go("/staff/galleries/hills/products")
    look("gallery-none")
    go(COAST)
    page.fill("[name=name]", "A mug")
    page.fill("[name=price]", "12.50")
    page.check("[name=kind][value=other]")
    send(page, COAST)
    expect(page.get_by_role("status")).to_be_visible()
    look("gallery-made")
    page.get_by_role("link", name="A mug").first.click()
    look("one")
    mug = page.url.removeprefix(place.url).partition("?")[0]
    stale = context.new_page()
    stale.goto(place.url + mug)
    page.fill("[name=price]", "")
    send(page, mug)
    look("one-refused")
    page.fill("[name=price]", "13")
    send(page, mug)
    look("gallery-changed")
    stale.fill("[name=price]", "14")
    send(stale, mug)
    expect(stale.get_by_role("alert")).to_be_visible()
    expect(stale.locator("[name=price]")).to_have_value("14")
    wrong.extend(look_at(stale, f"products-stale-{language}-{width}-{scheme}"))
    stale.close()
    go(mug)
    send(page, f"{mug}/delete")
    look("one-not-sure")
    page.check("#sure")
    send(page, f"{mug}/delete")
    expect(page.get_by_role("status")).to_be_visible()
    look("gallery-deleted")
    context.close()
    assert wrong == []


def test_a_product_is_sold_with_the_keyboard_alone(place: Place, chromium: Browser) -> None:
    """By who looks after several studios, on a phone; and then it is in the shop."""
    context = visit(chromium, "en", 320, "light")
    sign_in(place, context, administrator(place.site))
    page = context.new_page()
    page.goto(place.url + PRODUCTS)
    look_at(page, "products-all-of-several-en-320-light")
    page.get_by_label("It belongs to").focus()
    for _ in range(2):  # behind the whole site and who names none
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("A bathrobe")
    page.keyboard.press("Tab")
    page.keyboard.type("45,00")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    line = page.get_by_role("listitem").filter(has_text="A bathrobe")
    expect(line).to_contain_text("€45.00")
    expect(line).to_contain_text("Hotel Miramar")
    expect(line).to_contain_text("something else")
    page.goto(place.url)
    expect(page.get_by_role("heading", name="A bathrobe")).to_be_visible()
    context.close()
