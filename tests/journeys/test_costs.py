"""What each use may cost: house.md's budget, by DynamoDB's arithmetic, with 1 line and with 100."""

import math

import pytest

from local.cloud import size
from local.site import Site
from tests.journeys.test_cart import fill
from tests.visiting import CALENDAR, PRINT, VOUCHER, Browser


@pytest.fixture
def warm(browser: Browser) -> Browser:
    """A browser whose containers have fetched the site's key: that is counted apart."""
    Browser(browser.gateway).add(VOUCHER)
    return browser


def kilobytes(site: Site, browser: Browser) -> int:
    """K: the cart in KB, rounded up."""
    user = browser.session()["user"]["id"]
    return math.ceil(size(site.cloud.row(f"USER#{user}", "CART")) / 1024)


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
