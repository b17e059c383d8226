"""What an order may cost: house.md's budget, by DynamoDB's arithmetic, with 1 line and with 100."""

import math

import pytest

from local.cloud import size
from local.site import Site
from tests.carts import fill, kilobytes
from tests.ordering import new_key, place
from tests.people import plant
from tests.visiting import VOUCHER, Browser

RECORD = 2 * 1  # of the idempotency key: counted apart, and it doubles nothing here


@pytest.fixture
def warm(browser: Browser) -> Browser:
    other = Browser(browser.gateway, address="192.0.2.99")
    other.add(VOUCHER)
    place(other, "warm@example.org")
    return browser


@pytest.mark.parametrize("lines", [1, 100])
def test_a_guests_order_costs_at_most_4_calls(site: Site, warm: Browser, lines: int) -> None:
    fill(site, warm, lines)
    k = kilobytes(site, warm)
    answer = place(warm, "nina@example.org", note="n" * 400)
    assert answer.status_code == 201, answer.json
    cost = warm.cost()
    assert cost["calls"] <= 4
    assert cost["reads"] <= 6 + k / 4 + lines / 2
    assert cost["writes"] - RECORD <= 18 + 6 * k, cost
    row = site.cloud.row(f"ORDER#{answer.json['id']}", "ORDER")
    assert math.ceil(size(row) / 1024) <= 2 * k + 1


@pytest.mark.parametrize("lines", [1, 100])
def test_a_clients_order_costs_at_most_4_calls(site: Site, warm: Browser, lines: int) -> None:
    client = plant(site, "clara").browser
    fill(site, client, lines)
    k = kilobytes(site, client)
    answer = place(client, "clara@example.com")
    assert answer.status_code == 201, answer.json
    cost = client.cost()
    assert cost["calls"] <= 4
    assert cost["reads"] <= 6 + k / 4 + lines / 2
    assert cost["writes"] - RECORD <= 18 + 6 * k, cost


def test_activating_from_an_order_costs_3_calls_as_from_a_sign_up(warm: Browser) -> None:
    warm.add(VOUCHER)
    place(warm, "nina@example.org")
    token = warm.token("nina@example.org")
    assert warm.activate(token).status_code == 200
    cost = warm.cost()
    assert cost["calls"] <= 3
    assert cost["reads"] <= 4 + 1  # and the order
    assert cost["writes"] <= 30


@pytest.mark.parametrize("orders", [1, 12])
def test_seeing_ones_orders_reads_what_is_shown(site: Site, warm: Browser, orders: int) -> None:
    client = plant(site, "clara").browser
    for _ in range(orders):
        client.add(VOUCHER)
        client.post("/v1/orders", {"contact": {}}, Idempotency_Key=new_key())
    client.get("/v1/account/orders?limit=5")
    cost = client.cost()
    assert cost["calls"] == 3
    assert cost["reads"] <= 2 + min(orders, 5)
    assert cost["writes"] == 0
