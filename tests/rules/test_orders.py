"""The rules of orders, pure: sums, the life of an order, its number, and what stands for a cart."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foyer.credentials import new_order_id, new_order_number
from foyer.rules.carts import Cart, Known, Line, PricedCart, Product, Thing, priced, told_anew
from foyer.rules.galleries import Gallery, Picture
from foyer.rules.orders import (
    LEADS_TO,
    LIFE,
    LIVE,
    Contact,
    Entry,
    Order,
    OrderLine,
    Status,
    Step,
    frozen,
    needs_postal,
    stepped,
    struck,
    studios,
)
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.storage import orders as rows
from foyer.storage.table import Put, _plain, _typed

NOW = 1_800_000_000
DEAREST = 99_999_999  # minor units, of one
CONTACT = Contact("Nina@example.org", "Nina")

quantities = st.integers(1, POLICY.carts.quantity)
prices = st.integers(0, DEAREST) | st.just(DEAREST)
baskets = st.lists(st.tuples(quantities, prices), min_size=1, max_size=POLICY.carts.merged_lines)


def order(*lines: OrderLine, shipping: int = 0, status: Status = Status.PLACED) -> Order:
    history = [Entry(Status.PLACED, NOW, "guest")]
    if status is not Status.PLACED:
        history.append(Entry(status, NOW, "staff", "Because."))
    return Order(
        id=new_order_id(NOW),
        number=new_order_number(NOW),
        placed_by="guest",
        placed_at=NOW,
        language="en",
        lines=lines or (OrderLine(Thing("voucher"), "Voucher", "other", 1, 100),),
        shipping=shipping,
        currency="EUR",
        paths=(("root", "studio"),),
        contact=CONTACT,
        email="nina@example.org",
        country="FR",
        note="Ring twice.",
        history=tuple(history),
    )


# ---- sums ----------------------------------------------------------------------------------------


def filled(basket: list[tuple[int, int]]) -> tuple[Cart, Known]:
    """A cart of so many different things at these prices, and the shop that has them."""
    things = [Thing(f"p{number}") for number in range(len(basket))]
    lines = {
        thing.line_id: Line(thing, quantity, NOW, place)
        for place, (thing, (quantity, _)) in enumerate(zip(things, basket, strict=True))
    }
    shop = {
        thing.product_id: Product(thing.product_id, "Thing", "print", amount)
        for thing, (_, amount) in zip(things, basket, strict=True)
    }
    return Cart(lines, 1), Known(products=shop)


@given(baskets)
def test_what_is_shown_ordered_and_stored_is_one_sum_to_the_last_cent(
    basket: list[tuple[int, int]],
) -> None:
    cart, known = filled(basket)
    shown = priced(cart, known, POLICY.shop)
    placed = order(*frozen(shown, known), shipping=shown.shipping)
    made = POLICY.shop.shipping + sum(quantity * amount for quantity, amount in basket)
    assert shown.total == placed.total == made
    assert [line.total for line in placed.lines] == [
        quantity * amount for quantity, amount in basket
    ]
    row = rows.place(placed)[0]
    assert isinstance(row, Put)
    stored = _plain(_typed(row.item))  # as DynamoDB keeps it
    assert stored["total"] == made
    assert rows.from_item(stored) == placed


def test_the_greatest_order_there_can_be_is_exact_in_every_program_that_reads_it() -> None:
    most = [(POLICY.carts.quantity, DEAREST)] * POLICY.carts.merged_lines
    cart, known = filled(most)
    shown = priced(cart, known, POLICY.shop)
    assert shown.total == 200 * 99 * 99_999_999 + POLICY.shop.shipping
    assert shown.total < 2**53  # beyond that JavaScript rounds


def test_shipping_is_flat_and_for_prints_alone() -> None:
    things = [Product("a", "A", "print", 1), Product("b", "B", "download", 1)]
    known = Known(products={one.id: one for one in things})

    def shipping(*ids: str) -> int:
        lines = {Thing(id_).line_id: Line(Thing(id_), 2, NOW, 1) for id_ in ids}
        shown = priced(Cart(lines, 1), known, POLICY.shop)
        assert needs_postal(frozen(shown, known)) == ("a" in ids)
        return shown.shipping

    assert shipping("a") == shipping("a", "b") == POLICY.shop.shipping
    assert shipping("b") == 0


def test_all_of_the_cart_is_ordered_or_nothing() -> None:
    cart, known = filled([(1, 100), (2, 200)])
    with pytest.raises(Refusal) as empty:
        frozen(priced(Cart(), known, POLICY.shop), known)
    assert empty.value.reason is Reason.CART_EMPTY
    gone = replace(known, products={"p0": known.products["p0"]})
    shown = priced(cart, gone, POLICY.shop)
    with pytest.raises(Refusal) as unavailable:
        frozen(shown, gone)
    assert unavailable.value.reason is Reason.LINE_UNAVAILABLE
    assert unavailable.value.facts == {"cart": shown}


# ---- whose order it is ---------------------------------------------------------------------------


def test_a_picture_is_its_gallerys_studios_and_anything_else_the_products() -> None:
    known = Known(
        products={
            "print": Product("print", "Print", "print", 1, of_picture=True, path=("root", "lab")),
            "voucher": Product("voucher", "V", "other", 1, path=("root", "lab")),
        },
        galleries={"coast": Gallery("coast", "C", "S", "public", "public", path=("root", "ana"))},
        pictures={("coast", "tide"): Picture("tide", "coast", "T", "/t.svg", ("print",))},
        open=frozenset({"coast"}),
    )

    def of(*things: Thing, most: int = 8) -> tuple[tuple[str, ...], ...]:
        lines = tuple(OrderLine(thing, "", "other", 1, 1) for thing in things)
        return studios(lines, known, most)

    tide = Thing("print", "coast", "tide")
    assert of(tide) == (("root", "ana"),)
    assert of(Thing("voucher"), tide, tide) == (("root", "ana"), ("root", "lab"))
    with pytest.raises(Refusal) as many:
        of(Thing("voucher"), tide, most=1)
    assert many.value.reason is Reason.TOO_MANY_STUDIOS


# ---- the life of an order ------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "step"), list(product(Status, Step)))
def test_an_order_goes_only_where_it_is_drawn_to(status: Status, step: Step) -> None:
    before = order(status=status)
    if (status, step) in LIFE:
        after = stepped(before, step, "staff", NOW + 1, "Because.")
        assert after.status is LIFE[status, step]
        assert after.history == (*before.history, Entry(after.status, NOW + 1, "staff", "Because."))
        assert after.version == before.version + 1
        assert replace(after, history=before.history, version=before.version) == before
    elif status is LEADS_TO[step]:
        assert stepped(before, step, "somebody else", NOW + 1) is before
    else:
        with pytest.raises(Refusal) as refused:
            stepped(before, step, "staff", NOW + 1)
        assert refused.value.reason is Reason.WRONG_STATUS
        assert refused.value.facts == {"order_status": status.value}


def test_what_is_drawn_is_what_the_contract_says() -> None:
    """`placed -> confirmed -> fulfilled | cancelled` (0.11); what is over stays over."""
    drawn = {(str(was), str(step), str(after)) for (was, step), after in LIFE.items()}
    assert drawn == {
        ("placed", "confirm", "confirmed"),
        ("placed", "cancel", "cancelled"),
        ("confirmed", "fulfil", "fulfilled"),
        ("confirmed", "cancel", "cancelled"),
    }
    assert {status for status, _ in LIFE} == LIVE


@given(st.lists(st.sampled_from(Step), max_size=8))
def test_whatever_is_tried_the_history_is_a_path_and_its_end_the_status(steps: list[Step]) -> None:
    current = order()
    for number, step in enumerate(steps, 1):
        try:
            current = stepped(current, step, "staff", NOW + number)
        except Refusal:
            continue
    taken = [entry.status for entry in current.history]
    edges = {(was, after) for (was, _), after in LIFE.items()}
    assert taken[0] is Status.PLACED
    assert all(edge in edges for edge in pairwise(taken))
    assert current.status is taken[-1]
    assert current.version == len(taken)
    assert current.total == order().total


def test_n19_of_a_closed_accounts_order_number_lines_totals_and_country_are_left() -> None:
    before = order(shipping=590, status=Status.CANCELLED)
    after = struck(before)
    assert (after.contact, after.email, after.note) == (None, None, None)
    assert [entry.reason for entry in after.history] == [None, None]
    assert after.version == before.version + 1
    kept = ("id", "number", "lines", "shipping", "total", "currency", "country", "status", "paths")
    for name in kept:
        assert getattr(after, name) == getattr(before, name)
    stored = rows.place(after)[0]
    assert isinstance(stored, Put)
    for datum in ("Nina", "nina", "Ring", "Because"):
        assert datum not in str({n: v for n, v in stored.item.items() if v is not None})


# ---- its number and id ---------------------------------------------------------------------------


@given(st.integers(946_684_800, 4_102_444_799), st.binary(min_size=16, max_size=16))
def test_a_number_is_its_day_and_eight_characters_nobody_mistakes(now: int, chance: bytes) -> None:
    number = new_order_number(now, lambda size: chance[:size])
    assert re.fullmatch(r"\d{6}(-[0-9ABCDEFGHJKMNPQRSTVWXYZ]{4}){2}", number)
    assert number[:6] == datetime.fromtimestamp(now, UTC).strftime("%y%m%d")
    bits = sum(
        "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character) << 5 * place
        for place, character in enumerate(reversed(number[7:].replace("-", "")))
    )
    assert bits == int.from_bytes(chance[:5], "big"), "all 40 random bits are in it"


@given(st.integers(0, 2**32 - 2), st.integers(1, 2**16))
def test_ids_sort_by_when_they_were_made(now: int, later: int) -> None:
    then = min(now + later, 2**32 - 1)
    assert new_order_id(now) < new_order_id(then)
    assert len(new_order_id(now)) == len(new_order_id(then)) <= 64


def test_two_of_one_moment_differ() -> None:
    assert len({new_order_number(NOW) for _ in range(1000)}) == 1000
    assert len({new_order_id(NOW) for _ in range(1000)}) == 1000


# ---- what stands for a cart as it was looked at --------------------------------------------------


def shown(basket: list[tuple[int, int]]) -> PricedCart:
    cart, known = filled(basket)
    return priced(cart, known, POLICY.shop)


@given(baskets, baskets)
def test_a_quote_is_of_these_quantities_at_these_prices_and_of_no_other(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    assert (shown(one).quote == shown(other).quote) == (one == other)


@given(baskets, st.data())
def test_a_quote_differs_where_any_one_price_or_quantity_does(
    basket: list[tuple[int, int]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(basket) - 1))
    quantity, amount = basket[at]
    before = shown(basket)
    for changed in ((quantity, amount + 1), (quantity + 1, amount), (amount, quantity)):
        if changed != basket[at]:
            after = shown([*basket[:at], changed, *basket[at + 1 :]])
            assert after.quote != before.quote
    assert replace(before, shipping=before.shipping + 1).quote != before.quote
    assert replace(before, currency="CHF").quote != before.quote
    # the same to look at, though the cart was touched meanwhile
    assert replace(before, version=before.version + 1).quote == before.quote


def test_a_quote_differs_where_a_line_went_away() -> None:
    cart, known = filled([(1, 100), (2, 200)])
    before = priced(cart, known, POLICY.shop)
    gone = replace(known, products={"p0": known.products["p0"]})
    assert priced(cart, gone, POLICY.shop).quote != before.quote


@given(baskets, st.data())
def test_what_was_told_is_told_anew_only_where_it_costs_otherwise(
    basket: list[tuple[int, int]], data: st.DataObject
) -> None:
    cart, known = filled(basket)
    told = told_anew(cart, priced(cart, known, POLICY.shop))
    assert [line.told for line in told.lines.values()] == [amount for _, amount in basket]
    assert told_anew(told, priced(told, known, POLICY.shop)) is told
    at = f"p{data.draw(st.integers(0, len(basket) - 1))}"
    dearer = replace(known.products[at], amount=known.products[at].amount + 1)
    changed = replace(known, products={**known.products, at: dearer})
    again = told_anew(told, priced(told, changed, POLICY.shop))
    assert again.version == told.version + 1
    differing = [id_ for id_, line in again.lines.items() if line != told.lines[id_]]
    assert differing == [Thing(at).line_id]
