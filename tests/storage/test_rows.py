"""What rows look like and how big they may get."""

from dataclasses import replace

import pytest
from boto3.dynamodb.types import TypeSerializer

from foyer.credentials import Bearer, fingerprint, new_id
from foyer.rules.carts import Cart, Thing, add
from foyer.rules.policy import POLICY
from foyer.storage import keys
from foyer.storage.carts import from_item, new_cart
from local.cloud import size
from local.site import Site
from tests.people import plant

NOW = 1_800_000_000


def full_cart() -> Cart:
    cart = Cart()
    for _ in range(POLICY.carts.lines):
        cart = add(cart, Thing(new_id(), new_id(), new_id()), 99, NOW, POLICY.carts)
    return cart


def test_a_full_cart_is_at_most_11_kb() -> None:
    item = new_cart(new_id(), full_cart(), "write-id", NOW).item
    typed = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    assert size(typed) <= 11 * 1024


def test_rows_are_noted_as_boto3_notes_them(site: Site) -> None:
    table = site.module("foyer.storage.table")
    row = {
        "text": "é",
        "number": -12,
        "yes": True,
        "list": [1, None, "two", ["three"]],
        "map": {"inner": {"none": None, "no": False}, "empty": {}},
        "one": {"of a set"},
    }
    typed = table._typed({**row, "left_out": None})
    assert typed == {name: TypeSerializer().serialize(value) for name, value in row.items()}
    assert table._plain(typed) == row
    assert table._plain(table._typed({"set": frozenset("ab")})) == {"set": {"a", "b"}}
    for wrong in (1.5, set(), {1}, b"bytes"):
        with pytest.raises(TypeError):
            table._typed({"wrong": wrong})


def test_a_cart_comes_back_as_it_was_written() -> None:
    cart = full_cart()
    stored = from_item(new_cart("somebody", cart, "write-id", NOW).item)
    assert stored.cart == cart
    assert stored.exists


def test_what_waits_is_spread_over_all_shards() -> None:
    shards = [keys.shard_of(new_id()) for _ in range(800)]
    assert set(shards) == set(range(keys.SHARDS))
    assert max(shards.count(shard) for shard in set(shards)) < 200


def test_write_ids_are_forgotten_by_the_next_write_a_minute_later(site: Site) -> None:
    from local.gateway import Gateway
    from tests.visiting import VOUCHER, Browser

    browser = Browser(Gateway(site))
    for _ in range(5):
        browser.add(VOUCHER)
    key = keys.cart(browser.session()["user"]["id"])
    assert len((site.cloud.row(*key) or {})["writes"]["M"]) == 5
    site.advance(61)
    browser.add(VOUCHER)
    assert len((site.cloud.row(*key) or {})["writes"]["M"]) == 1


def test_a_bearers_secret_shows_in_no_traceback() -> None:
    bearer = Bearer.new_guest()
    assert bearer.secret not in repr(bearer)
    assert Bearer.parse(str(bearer)) == bearer


def test_a_fingerprint_depends_on_each_part_and_on_its_use() -> None:
    seen = {
        fingerprint(b"key", use, *parts)
        for use in ("limits", "idempotency")
        for parts in [("a", "b"), ("ab",), ("a\nb",), ("a", "", "b"), ("b", "a")]
    }
    assert len(seen) == 10
    assert fingerprint(b"key", "limits", "a") != fingerprint(b"other", "limits", "a")


def test_0_10_the_last_site_administrator_cannot_leave_their_number(site: Site) -> None:
    """Whoever asks: the row itself refuses."""
    kept = site.module("foyer.storage.administrators").kept
    users, table = site.module("foyer.storage.users"), site.module("foyer.storage.table")
    key = keys.user("demo-administrator-001")
    last = users.from_item(table.read([key], consistent=True)[key])
    gone = replace(last, roles=())
    with pytest.raises(table.ConditionFailed):
        table.write(*kept(last, gone))
    plant(site, "second", role=("site_administrator", "root"), org="root")
    table.write(*kept(last, gone))
    row = site.cloud.row("ORG#root", "ADMINISTRATORS") or {}
    assert row["ids"]["SS"] == ["second________________"]
