"""Every page as a person sees it: Debian's Chromium, three languages, phone and desk, light and
dark. Nothing axe objects to, nothing that sticks out; and the walk, by keyboard, without scripts.
"""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import EVERY_LOOK, Place, chromium, look_at, picture, place, visit

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures


@pytest.mark.parametrize(("language", "width", "scheme"), EVERY_LOOK)
def test_every_page_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language

    page.goto(place.url)
    look("home")
    page.goto(f"{place.url}/galleries/coast")
    look("gallery")
    page.goto(f"{place.url}/cart")
    look("cart-empty")
    page.goto(f"{place.url}/terms")
    look("terms")
    page.goto(f"{place.url}/nothing")
    look("not-found")
    page.goto(f"{place.url}/problems/cart_full")
    look("problem")
    for number in range(2):
        page.goto(f"{place.url}/galleries/coast")
        page.locator("form.buy button").nth(number).click()
    look("cart")
    page.goto(place.url)
    page.locator("#shop ~ ul button").first.click()
    close(place, "first-light")
    page.goto(f"{place.url}/cart")
    look("cart-line-gone")
    close(place, "first-light", hidden=False)
    page.locator("input[type=number]").first.evaluate("e => e.form.noValidate = true")
    page.locator("input[type=number]").first.fill("500")
    page.locator("button[value=set]").first.click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("cart-wrong-quantity")
    context.close()
    assert wrong == []


def close(place: Place, picture: str, *, hidden: bool = True) -> None:
    place.site.cloud.client("dynamodb").update_item(
        TableName=place.site.cloud.table_name,
        Key={"pk": {"S": "GALLERY#coast"}, "sk": {"S": f"GALLERY#PICTURE#{picture}"}},
        UpdateExpression="SET #hidden = :hidden",
        ExpressionAttributeNames={"#hidden": "hidden"},
        ExpressionAttributeValues={":hidden": {"BOOL": hidden}},
    )


def test_the_walk_needs_no_script(place: Place, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(place.url)
    assert context.cookies() == []  # whoever looks gets no cookie
    page.get_by_role("link", name="The coast, early and late").click()
    assert context.cookies() == []
    page.get_by_label("Quantity").first.fill("3")
    page.get_by_role("button", name=re.compile("Add to cart.*First light")).click()
    expect(page).to_have_url(f"{place.url}/cart?done=added")
    (cookie,) = context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == ("__Host-foyer", True, True)
    expect(page.get_by_role("status")).to_contain_text("It is in your cart")
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("status")).to_contain_text("The quantity was changed")
    expect(page.locator(".total dd")).to_have_text("€135.90")
    page.get_by_role("button", name="Français").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre panier")
    page.get_by_role("button", name="Retirer").click()
    expect(page.get_by_text("Il est vide")).to_be_visible()
    context.close()


def test_the_walk_can_be_done_by_keyboard(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "en", 1280, "light")
    page = context.new_page()
    page.goto(f"{place.url}/galleries/hills")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert (focused.get_attribute("class"), focused.evaluate("e => e.tagName")) == (
        "primary",
        "BUTTON",
    )
    assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{place.url}/cart?done=added")
    context.close()


def test_targets_are_large_enough_for_a_thumb(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "fr", 320, "light")
    page = context.new_page()
    page.goto(f"{place.url}/galleries/coast")
    small = page.evaluate(
        """() => [...document.querySelectorAll('a:not(.skip), button, input, select')]
            .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 || box.width < 24)
            .filter(([html]) => !html.includes('hidden')).map(([html]) => html)"""
    )
    assert small == []
    context.close()


def test_no_page_breaks_its_own_content_policy(place: Place, chromium: Browser) -> None:
    context = visit(chromium, "en", 1280, "light")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url))
    for path in ("/", "/galleries/coast", "/cart", "/terms", "/_dev/mail"):
        page.goto(place.url + path)
        page.wait_for_load_state("networkidle")
    assert said == []
    context.close()


def test_the_mailbox_shows_the_welcome(place: Place, chromium: Browser) -> None:
    place.site.drain()
    for width, scheme in ((320, "light"), (1280, "dark")):
        context = visit(chromium, "en", width, scheme)
        page = context.new_page()
        page.goto(f"{place.url}/_dev/mail")
        frame = page.frame_locator("iframe").first
        expect(frame.get_by_role("link", name="Visit the site")).to_be_visible()
        picture(page, f"mailbox-{width}-{scheme}")
        context.close()
