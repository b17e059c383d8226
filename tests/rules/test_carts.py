"""The rules of carts, pure."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foyer.rules.carts import (
    Cart,
    Known,
    Product,
    Thing,
    add,
    merge,
    offered,
    priced,
    remove,
    set_quantity,
)
from foyer.rules.galleries import Gallery, Picture
from foyer.rules.policy import POLICY, MergeMode
from foyer.rules.refusals import Reason, Refusal

NOW = 1_800_000_000
LIMITS = POLICY.carts
COAST = Gallery("coast", "The coast", "Studio", "public", "public")
TIDE = Picture("tide", "coast", "Low tide", "/tide.svg", ("print", "poster"))
KNOWN = Known(
    products={
        "voucher": Product("voucher", "Voucher", "other", 15000),
        "print": Product("print", "Print", "print", 6500, of_picture=True),
        "poster": Product("poster", "Poster", "print", 3900, "coast", of_picture=True),
        "gone": Product("gone", "Gone", "other", 100, active=False),
    },
    galleries={"coast": COAST},
    pictures={("coast", "tide"): TIDE},
    open=frozenset({"coast"}),
)
things = st.builds(Thing, st.sampled_from(["voucher", "print", "a", "b"]))


def test_an_empty_cart_costs_nothing() -> None:
    cart = priced(Cart(), KNOWN, POLICY.shop)
    assert (cart.lines, cart.shipping, cart.total) == ((), 0, 0)


@given(st.lists(st.tuples(things, st.integers(1, 20)), max_size=12))
def test_quantities_add_up_by_thing_and_each_change_is_a_version(
    added: list[tuple[Thing, int]],
) -> None:
    cart, wanted = Cart(), dict[Thing, int]()
    for thing, quantity in added:
        if wanted.get(thing, 0) + quantity > LIMITS.quantity:
            with pytest.raises(Refusal):
                add(cart, thing, quantity, NOW, LIMITS)
            continue
        cart = add(cart, thing, quantity, NOW, LIMITS)
        wanted[thing] = wanted.get(thing, 0) + quantity
    assert {line.thing: line.quantity for line in cart.lines.values()} == wanted
    shown = [line.thing for line in priced(cart, KNOWN, POLICY.shop).lines]
    assert shown == list(wanted)  # in the order it was filled


def test_the_limits_are_where_the_policy_puts_them() -> None:
    cart = Cart()
    for number in range(LIMITS.lines):
        cart = add(cart, Thing(f"p{number}"), 1, NOW, LIMITS)
    with pytest.raises(Refusal) as full:
        add(cart, Thing("one more"), 1, NOW, LIMITS)
    assert full.value.reason is Reason.CART_FULL
    cart = add(cart, Thing("p0"), LIMITS.quantity - 1, NOW, LIMITS)
    with pytest.raises(Refusal) as many:
        add(cart, Thing("p0"), 1, NOW, LIMITS)
    assert many.value.reason is Reason.QUANTITY_LIMIT


def test_things_that_differ_are_lines_that_differ() -> None:
    ids = {
        Thing(*parts).line_id
        for parts in [("a",), ("a", "b"), ("a", "b", "c"), ("a", "bc"), ("ab", "c"), ("b", "a")]
    }
    assert len(ids) == 6
    assert all(len(line_id) == 12 for line_id in ids)


def test_taking_out_what_is_not_there_changes_nothing() -> None:
    cart = add(Cart(), Thing("a"), 1, NOW, LIMITS)
    assert remove(cart, "nothing") is cart
    assert remove(cart, Thing("a").line_id).lines == {}
    with pytest.raises(Refusal):
        set_quantity(cart, "nothing", 1)


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        (Thing("voucher"), None),
        (Thing("print", "coast", "tide"), None),
        (Thing("poster", "coast", "tide"), None),
        (Thing("nothing"), Reason.NOT_FOUND),
        (Thing("gone"), Reason.NOT_FOUND),
        (Thing("print"), Reason.PICTURE_REQUIRED),
        (Thing("print", "coast"), Reason.PICTURE_REQUIRED),
        (Thing("print", None, "tide"), Reason.INVALID_INPUT),
        (Thing("print", "coast", "nothing"), Reason.NOT_FOUND),
        (Thing("print", "nothing", "tide"), Reason.NOT_FOUND),
        (Thing("voucher", "coast", "tide"), Reason.NOT_FOUND),  # not offered of the picture
        (Thing("poster"), Reason.NOT_FOUND),  # its gallery is not named
        (Thing("voucher", "coast"), Reason.INVALID_INPUT),  # else a voucher could be two lines
    ],
)
def test_what_is_offered(thing: Thing, reason: Reason | None) -> None:
    if reason is None:
        assert offered(thing, KNOWN).id == thing.product_id
        return
    with pytest.raises(Refusal) as refusal:
        offered(thing, KNOWN)
    assert refusal.value.reason is reason


def test_what_hangs_behind_a_closed_door_is_not_there() -> None:
    with pytest.raises(Refusal) as refusal:
        offered(Thing("print", "coast", "tide"), replace(KNOWN, open=frozenset()))
    assert refusal.value.reason is Reason.NOT_FOUND


def test_shipping_is_flat_and_only_where_a_print_can_be_had() -> None:
    cart = add(Cart(), Thing("voucher"), 2, NOW, LIMITS)
    assert priced(cart, KNOWN, POLICY.shop).shipping == 0
    cart = add(cart, Thing("print", "coast", "tide"), 3, NOW, LIMITS)
    shown = priced(cart, KNOWN, POLICY.shop)
    assert shown.shipping == POLICY.shop.shipping
    assert shown.total == 2 * 15000 + 3 * 6500 + POLICY.shop.shipping
    closed = replace(KNOWN, pictures={("coast", "tide"): replace(TIDE, hidden=True)})
    shown = priced(cart, closed, POLICY.shop)
    assert (shown.shipping, shown.total) == (0, 2 * 15000)


def test_what_went_away_stays_in_the_cart_and_tells_no_more_than_it_may() -> None:
    cart = add(Cart(), Thing("poster", "coast", "tide"), 1, NOW, LIMITS)
    closed = replace(KNOWN, open=frozenset())
    (line,) = priced(cart, closed, POLICY.shop).lines
    assert (line.available, line.name, line.picture) == (False, "", None)


# ---- two carts that meet -------------------------------------------------------------------------


carts = st.dictionaries(things, st.integers(1, LIMITS.quantity), max_size=12)


def filled(quantities: dict[Thing, int]) -> Cart:
    cart = Cart()
    for thing, quantity in quantities.items():
        cart = add(cart, thing, quantity, NOW, LIMITS)
    return cart


TOGETHER: dict[str, Callable[[int, int], int]] = {
    "max": max,
    "sum": lambda guest, own: min(guest + own, LIMITS.quantity),
    "keep": lambda guest, own: own or guest,
}


@pytest.mark.parametrize("mode", TOGETHER)
@given(guest=carts, own=carts)
def test_0_7_i6_two_carts_that_meet_hold_what_the_policy_says_and_the_receipt_tells_all_of_it(
    mode: MergeMode, guest: dict[Thing, int], own: dict[Thing, int]
) -> None:
    cart, told = merge(filled(guest), filled(own), replace(LIMITS, mode=mode))
    held = {line.thing: line.quantity for line in cart.lines.values()}
    wanted = {thing: TOGETHER[mode](guest[thing], own.get(thing, 0)) for thing in guest}
    assert held == {**own, **wanted}
    assert {line.thing: (line.guest, line.before, line.after) for line in told} == {
        thing: (guest[thing], own.get(thing, 0), held[thing]) for thing in guest
    }
    short = [line for line in told if line.found_no_room(mode)]
    assert all(mode == "sum" and line.after == LIMITS.quantity for line in short)
    assert len(short) == sum(mode == "sum" and guest[t] + own.get(t, 0) > held[t] for t in guest)


@pytest.mark.parametrize("mode", TOGETHER)
def test_what_finds_no_room_is_told_and_what_was_there_stays(mode: MergeMode) -> None:
    limits = replace(LIMITS, mode=mode, merged_lines=2)
    own, guest = {Thing("a"): 2, Thing("b"): 3}, {Thing("c"): 1, Thing("a"): 1}
    cart, told = merge(filled(guest), filled(own), limits)
    assert {line.thing.product_id for line in cart.lines.values()} == {"a", "b"}
    assert [(line.thing.product_id, line.after) for line in told if line.found_no_room(mode)] == [
        ("c", 0)
    ]
