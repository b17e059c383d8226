"""What each use may cost: house.md's budget, by DynamoDB's arithmetic, with 1 line and with 100."""

import math

import pytest

from local.site import Site
from tests.carts import fill, kilobytes
from tests.people import HOTEL, administrator, plant
from tests.visiting import CALENDAR, PASSWORD, PRINT, TERMS, VOUCHER, Browser


@pytest.fixture
def warm(browser: Browser) -> Browser:
    """A browser whose containers have fetched the site's key: that is counted apart."""
    Browser(browser.gateway).add(VOUCHER)
    return browser


@pytest.mark.parametrize("thing", [VOUCHER, PRINT])
def test_the_first_add_costs_3_calls(warm: Browser, thing: dict[str, object]) -> None:
    assert warm.add(thing).status_code == 201
    cost = warm.cost()
    assert cost["calls"] <= 3
    assert cost["reads"] <= 2
    assert cost["writes"] <= 6


@pytest.mark.parametrize("lines", [1, 99])
def test_the_next_add_costs_2_calls_and_a_write_of_the_cart(
    site: Site, warm: Browser, lines: int
) -> None:
    fill(site, warm, lines)
    warm.add({"product_id": f"thing-{0:016}", "quantity": 1})  # the container has seen this cart
    for thing in (CALENDAR, CALENDAR):  # a new line, then more of it
        assert warm.add(thing).status_code == 201
        cost, k = warm.cost(), kilobytes(site, warm)
        assert cost["calls"] <= 2
        assert cost["reads"] <= 3 + k / 4
        assert cost["writes"] <= k
        assert cost["index_writes"] == 0


def test_the_next_add_of_a_picture_reads_the_picture_and_its_gallery_as_well(
    site: Site, warm: Browser
) -> None:
    warm.add(VOUCHER)
    warm.add(PRINT)
    cost, k = warm.cost(), kilobytes(site, warm)
    assert cost["calls"] <= 2
    assert cost["reads"] <= 3 + k / 4 + 2
    assert cost["writes"] <= k


def test_a_cold_container_reads_once_more_to_describe_the_lines_that_were_there(
    site: Site, warm: Browser
) -> None:
    warm.add(VOUCHER)
    site.reload()
    warm.add(CALENDAR)
    assert warm.cost()["calls"] == 3
    warm.add(CALENDAR)
    assert warm.cost()["calls"] == 2


@pytest.mark.parametrize("lines", [1, 100])
def test_the_cart_costs_2_calls_and_a_half_each_thing(
    site: Site, warm: Browser, lines: int
) -> None:
    fill(site, warm, lines)
    warm.get("/v1/cart")
    cost, k = warm.cost(), kilobytes(site, warm)
    assert cost["calls"] <= 2
    assert cost["reads"] <= 2 + k / 4 + lines / 2
    assert cost["writes"] == cost["index_writes"] == 0


@pytest.mark.parametrize("lines", [1, 100])
def test_the_session_costs_1_call(site: Site, warm: Browser, lines: int) -> None:
    fill(site, warm, lines)
    warm.get("/v1/session")
    cost, k = warm.cost(), kilobytes(site, warm)
    assert cost["calls"] == 1
    assert cost["reads"] <= 2 + k / 4
    assert cost["writes"] == 0


def test_changing_and_taking_out_cost_2_calls_and_a_write_of_the_cart(
    site: Site, warm: Browser
) -> None:
    fill(site, warm, 99)
    warm.add(CALENDAR)  # the container has seen this cart
    line = warm.cart()["lines"][0]["id"]
    for method, body in (("PATCH", {"quantity": 5}), ("DELETE", None)):
        assert warm.send(method, f"/v1/cart/lines/{line}", json=body).status_code == 200
        cost, k = warm.cost(), kilobytes(site, warm)
        assert cost["calls"] <= 2
        assert cost["reads"] <= 1 + math.ceil(k / 4)
        assert cost["writes"] <= k


def test_an_idempotency_key_costs_a_read_a_row_and_the_doubling(site: Site, warm: Browser) -> None:
    warm.add(VOUCHER)
    warm.add(VOUCHER, Idempotency_Key="a-key-of-twenty-char")
    cost, k = warm.cost(), kilobytes(site, warm)
    assert cost["writes"] <= 2 * k + 2
    warm.add(VOUCHER, Idempotency_Key="a-key-of-twenty-char")
    assert warm.cost()["writes"] == 0


NINA = "nina@example.com"


def test_signing_up_costs_3_calls(site: Site, warm: Browser) -> None:
    for visitor in (warm, Browser(warm.gateway)):  # a guest, and who becomes one by it
        visitor.sign_up(NINA)
        cost = visitor.cost()
        assert cost["calls"] <= 3
        assert cost["reads"] <= 3
        assert cost["writes"] <= 18


@pytest.mark.parametrize("lines", [1, 100])
def test_activating_here_costs_3_calls_whatever_the_cart_holds(
    site: Site, warm: Browser, lines: int
) -> None:
    fill(site, warm, lines)
    warm.sign_up(NINA)
    for body in ({}, {"password": PASSWORD}):
        visitor = warm if not body else Browser(warm.gateway, address="192.0.2.9")
        if body:
            fill(site, visitor, lines)
            visitor.sign_up("otto@example.com")
        token = visitor.token("otto@example.com" if body else NINA)
        assert visitor.activate(token, **body).status_code == 200
        cost = visitor.cost()
        assert cost["calls"] <= 3
        assert cost["reads"] <= 4
        assert cost["writes"] <= 30


def test_activating_costs_as_much_with_the_newsletter(site: Site, warm: Browser) -> None:
    """Its entry in the ledger and its mail are within the budget."""
    warm.sign_up(NINA, consents={"terms": TERMS, "newsletter": True})
    assert warm.activate(warm.token(NINA), password=PASSWORD).status_code == 200
    cost = warm.cost()
    assert cost["calls"] <= 3
    assert cost["reads"] <= 4
    assert cost["writes"] <= 30


@pytest.mark.parametrize("lines", [1, 100])
def test_activating_elsewhere_with_take_over_costs_4_calls(
    site: Site, warm: Browser, lines: int
) -> None:
    fill(site, warm, lines)
    warm.sign_up(NINA)
    other = Browser(warm.gateway, address="192.0.2.9")
    token = warm.token(NINA)
    assert other.elsewhere(token, take_over=True).json["transfer"]["lines"]
    cost, k = other.cost(), kilobytes(site, other)
    assert cost["calls"] <= 4
    assert cost["reads"] <= 6 + k / 2
    assert cost["writes"] <= 30 + 6 * k


def test_signing_in_costs_5_calls_by_password_and_by_code(site: Site, warm: Browser) -> None:
    warm.register(NINA)
    other = Browser(warm.gateway, address="192.0.2.9")
    for number in range(11):  # as many sessions as there may be, and one more
        if number % 2:
            site.advance(3600)
            other.ask_code(NINA)
            answer = other.sign_in_by_code(NINA, other.code(NINA))
        else:
            answer = other.sign_in(NINA)
        assert answer.status_code == 200
        cost = other.cost()
        assert cost["calls"] <= 5
        assert cost["reads"] <= 4
        if number < 5:  # each session adds a sixth of a KB to the user's row
            assert cost["writes"] <= 12
        assert cost["writes"] <= 15
        other.cookies.clear()


@pytest.mark.parametrize("lines", [1, 100])
def test_signing_in_with_a_cart_costs_6_calls(site: Site, warm: Browser, lines: int) -> None:
    warm.register(NINA)
    fill(site, warm, lines, prefix="hers")
    guest = Browser(warm.gateway, address="192.0.2.9")
    fill(site, guest, lines, prefix="mine")
    assert guest.sign_in(NINA).json["transfer"]["lines"]
    cost, k = guest.cost(), kilobytes(site, guest)
    assert cost["calls"] <= 6
    assert cost["reads"] <= 8 + k / 2
    assert cost["writes"] <= 20 + 6 * k


@pytest.mark.parametrize("lines", [1, 100])
def test_the_session_of_a_client_costs_1_call(site: Site, warm: Browser, lines: int) -> None:
    warm.register(NINA)
    fill(site, warm, lines)
    warm.get("/v1/session")
    cost, k = warm.cost(), kilobytes(site, warm)
    assert cost["calls"] == 1
    assert cost["reads"] <= 2 + k / 4
    assert cost["writes"] == 0


def test_a_refusal_writes_nothing(warm: Browser) -> None:
    warm.add({**VOUCHER, "quantity": 99})
    for body in (VOUCHER, {"product_id": "nothing", "quantity": 1}, {"quantity": 1}):
        assert warm.add(body).status_code >= 400
        assert warm.cost()["writes"] == 0


def test_background_work_is_not_counted(site: Site, warm: Browser) -> None:
    warm.get("/v1/session")
    site.drain()
    warm.get("/_dev/mail.json")
    assert warm.cost()["calls"] == 0


# ---- staff ---------------------------------------------------------------------------------------


def test_a_decision_costs_2_calls_whatever_the_person_owns(site: Site, warm: Browser) -> None:
    boss = administrator(site)
    for lines in (1, 100):
        visitor = Browser(warm.gateway, address=f"192.0.2.{lines}")
        fill(site, visitor, lines)
        visitor.sign_up(f"n{lines}@example.com", organization_id=HOTEL)
        visitor.activate(visitor.token(f"n{lines}@example.com"))
        path = f"/v1/staff/users/{visitor.who()}"
        for method, what, body in (
            ("POST", "/approve", {}),
            ("PATCH", "", {"name": "Another"}),
            ("POST", "/disable", {}),
            ("POST", "/enable", {}),
        ):
            assert boss.browser.send(method, path + what, json=body).status_code == 200
            cost = boss.browser.cost()
            assert cost["calls"] <= 2
            assert cost["reads"] <= 4
            assert cost["writes"] <= 16


def test_asking_for_approval_costs_as_activating(site: Site, warm: Browser) -> None:
    warm.sign_up(NINA, organization_id=HOTEL)
    assert warm.activate(warm.token(NINA)).json["status"] == "pending_approval"
    cost = warm.cost()
    assert cost["calls"] <= 3
    assert cost["reads"] <= 4
    assert cost["writes"] <= 30


def test_a_page_of_people_is_a_call_for_each_organization_however_many_they_are(
    site: Site, warm: Browser
) -> None:
    boss = administrator(site)
    path = f"/v1/staff/users?organization_id={HOTEL}&limit=5"
    for people in (3, 30):
        for number in range(people):
            plant(site, f"p{people}_{number}", org=HOTEL)
        boss.browser.get(path)
        assert boss.browser.cost()["calls"] <= 4
        assert boss.browser.cost()["reads"] <= 8
