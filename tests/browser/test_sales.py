"""What a studio does with its orders, in the browser: every page and state of it."""

import itertools
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from local.gateway import Gateway
from tests.browser.chromium import LOOKS, Place, chromium, look_at, place, visit
from tests.browser.test_studio import LONG, photographer, send, sign_in
from tests.journeys.test_closing import close
from tests.ordering import POSTAL, contact
from tests.ordering import place as order_by_program
from tests.people import HOTEL, STUDIO, administrator, plant
from tests.visiting import PRINT, VOUCHER
from tests.visiting import Browser as Program

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

ORDERS = "/staff/orders"
_number = itertools.count(1)


def ordered(place: Place, *things: Any, who: Program | None = None, **whom: Any) -> Any:
    """An order of all these, of somebody new each time."""
    number = next(_number)
    browser = who or Program(Gateway(place.site), address=f"198.51.100.{number % 250}")
    for thing in things:
        browser.add(thing)
    email = whom.pop("email", f"nina{number}@example.org")
    note = f"Please ring twice,\n{LONG}"
    answer = order_by_program(browser, email, contact=contact(email, **whom), note=note)
    assert answer.status_code == 201, answer.json
    return answer.json


def key_ring(place: Place) -> dict[str, Any]:
    """Something another studio sells."""
    hugo = plant(place.site, f"hugo{next(_number)}", role=("photographer", HOTEL), org=HOTEL)
    price = {"amount": 99_999_999, "currency": "EUR"}
    made = hugo.browser.post(
        "/v1/staff/products", {"name": f"Key ring {LONG[:60]}", "kind": "other", "price": price}
    )
    return {"product_id": made.json["id"], "quantity": 99}


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_of_orders_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    context = photographer(place, chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"sales-{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    def path_of(order: Any) -> str:
        return f"{ORDERS}/{order['id']}"

    go("/staff")
    look("desk")
    go(ORDERS)
    look(f"list-{'nobody' if language == 'en' else 'before'}")
    long = {"line1": LONG, "line2": "3rd floor", "region": LONG[:40]}
    order = ordered(
        place,
        PRINT,
        {**VOUCHER, "quantity": 99},
        name=f"{LONG} & Söhne",
        email=f"{LONG[:60]}{next(_number)}@example.org".lower(),
        phone="+33 (0)2 98 00 00 00",
        address={**POSTAL, **long},
    )
    several = ordered(place, PRINT, key_ring(place))
    client = plant(place.site, f"closed{next(_number)}")
    closed = ordered(place, PRINT, who=client.browser, email=client.email)
    assert close(client.browser).status_code == 204
    place.site.drain()
    go(ORDERS)
    look("list")
    go(f"{ORDERS}?status=fulfilled")
    look("list-none")
    go(f"{ORDERS}?status=nonsense")
    look("list-refused")
    go(path_of(several))
    look("several")
    go(path_of(closed))
    look("closed")
    go(path_of(order))
    look("placed")
    stale = context.new_page()
    stale.goto(f"{place.url}{path_of(order)}")
    page.evaluate("document.querySelector('#reason').removeAttribute('maxlength')")
    page.fill("[name=reason]", "x" * 401)
    send(page, f"{path_of(order)}/cancel")
    expect(page.get_by_role("alert")).to_be_visible()
    look("refused")
    send(page, f"{path_of(order)}/confirm")
    expect(page.get_by_role("status")).to_be_visible()
    look("confirmed")
    send(page, f"{path_of(order)}/fulfil")
    look("done")
    send(stale, f"{path_of(order)}/cancel")
    expect(stale.get_by_role("alert")).to_be_visible()
    wrong.extend(look_at(stale, f"sales-stale-{language}-{width}-{scheme}"))
    stale.close()
    go(path_of(closed))
    page.fill("[name=reason]", f"The picture is lost, {LONG}.")
    send(page, f"{path_of(closed)}/cancel")
    expect(page.get_by_role("status")).to_be_visible()
    look("cancelled")
    context.close()
    assert wrong == []


def test_an_order_is_confirmed_with_the_keyboard_alone(place: Place, chromium: Browser) -> None:
    """By who looks after several studios, on a phone, from the staff page on."""
    order = ordered(place, VOUCHER)
    context = visit(chromium, "en", 320, "light")
    sign_in(place, context, administrator(place.site))
    page = context.new_page()
    page.goto(f"{place.url}/staff")
    page.get_by_role("link", name="Orders").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/orders")
    look_at(page, "sales-list-of-several-en-320-light")
    page.get_by_label("Status").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    for _ in range(4):  # behind all,  the whole site, who names none and the hotel
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**status=placed&organization_id={STUDIO}")
    page.get_by_role("link", name=order["number"]).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ORDERS}/{order['id']}")
    page.get_by_role("button", name="Confirm the order").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("was mailed that it is confirmed")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    context.close()
