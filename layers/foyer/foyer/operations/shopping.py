"""What a visitor does in the shop: look, put into the cart, change it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_bytes

from foyer.credentials import Entropy, new_write_id
from foyer.operations import doors
from foyer.operations.sessions import Visitor, done_before, mint
from foyer.rules.carts import (
    Cart,
    Known,
    PricedCart,
    Product,
    Thing,
    add,
    is_on_show,
    offered,
    priced,
    remove,
    set_quantity,
)
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import may
from foyer.storage import carts, catalogue, keys, users
from foyer.storage.carts import Stored
from foyer.storage.idempotency import Attempt
from foyer.storage.keys import Key
from foyer.storage.table import ConditionFailed, Contended, Item, read, write

RETRIES = 3  # of a change that others outran (api.md, "Lost updates")


@dataclass(frozen=True)
class Terms:
    """The terms under which a change of a cart is asked for.

    `if_match`: the versions it may apply to ("*": any), None where the visitor does not mind.
    `key`: the Idempotency-Key and the body it stands for.
    """

    if_match: frozenset[str] | None = None
    key: str | None = None
    body: str = ""


def see_cart(visitor: Visitor, now: int) -> PricedCart:
    """His cart at what its lines cost now; the generic user's is empty and is not looked for."""
    wanted = visitor.row_keys()
    found = read(wanted, consistent=True) if wanted else {}
    user = visitor.recognise(found, now)
    if user is None:
        return _shown(Cart(), Known())
    cart = carts.from_item(found.get(keys.cart(user.id))).cart
    things = [line.thing for line in cart.lines.values()]
    wanted_too = doors.keys_of(user, (t.gallery_id for t in things if t.gallery_id), now)
    rows = catalogue.look_up(things, wanted_too)
    return _shown(cart, doors.opened(visitor, catalogue.known(rows), rows, now))


def put_into_cart(
    visitor: Visitor,
    thing: Thing,
    quantity: int,
    *,
    now: int,
    terms: Terms = Terms(),
    entropy: Entropy = token_bytes,
) -> PricedCart:
    """So many more of the thing in his cart. The first time, this makes the guest (H4)."""
    wanted = catalogue.keys_of(thing)
    mine = [*visitor.row_keys(), *_key_row(visitor, terms)]
    found = read(
        [*mine, *wanted, *doors.keys_by_cookie(visitor, thing.gallery_id)], consistent=bool(mine)
    )
    catalogue.remember(wanted, found, now)
    user = visitor.recognise(found, now, changing=True)
    may(user, POLICY.actions.fill_cart)
    if user is None:
        known = doors.opened(visitor, catalogue.known(found), found, now)
        told = offered(thing, known).amount
        return _first_line(visitor, thing, quantity, told, known, terms, now, entropy)
    before = carts.from_item(found.get(keys.cart(user.id)))
    attempt = _attempt(user.id, terms)
    if attempt is not None and done_before(attempt, user, found, now) is not None:
        return _answer(visitor, before.cart, found, now)
    known = doors.opened(visitor, catalogue.known(found), found, now, read_more=True)
    told = offered(thing, known).amount
    after = _change(
        user.id,
        before,
        decide=lambda cart: add(cart, thing, quantity, now, POLICY.carts, told),
        what=lambda stored: carts.put_more(stored, thing, quantity, now, told),
        attempt=attempt,
        terms=terms,
        now=now,
        entropy=entropy,
    )
    return _answer(visitor, after, found, now)


def change_line(
    visitor: Visitor,
    line_id: str,
    quantity: int,
    *,
    now: int,
    terms: Terms = Terms(),
    entropy: Entropy = token_bytes,
) -> PricedCart:
    """Exactly so many of a line that is there; NOT_FOUND for any other, and for who has no cart."""
    return _alter(
        visitor,
        lambda cart: set_quantity(cart, line_id, quantity),
        carts.put_quantity(line_id, quantity),
        now,
        terms,
        entropy,
    )


def remove_line(
    visitor: Visitor,
    line_id: str,
    *,
    now: int,
    terms: Terms = Terms(),
    entropy: Entropy = token_bytes,
) -> PricedCart:
    """The cart without the line; the same answer for one that is not there."""
    what = carts.take_out(line_id)
    return _alter(visitor, lambda cart: remove(cart, line_id), what, now, terms, entropy)


def _alter(
    visitor: Visitor,
    decide: Callable[[Cart], Cart],
    what: carts.Write,
    now: int,
    terms: Terms,
    entropy: Entropy,
) -> PricedCart:
    """Changes a line of the cart he has; who has none has an empty one, and no guest is made."""
    found = read(visitor.row_keys(), consistent=True) if visitor.bearer else {}
    user = visitor.recognise(found, now, changing=True)
    if user is None:
        return _shown(decide(Cart()), Known())
    after = _change(
        user.id,
        carts.from_item(found.get(keys.cart(user.id))),
        decide=decide,
        what=lambda _: what,
        attempt=None,
        terms=terms,
        now=now,
        entropy=entropy,
    )
    return _answer(visitor, after, found, now)


def _first_line(
    visitor: Visitor,
    thing: Thing,
    quantity: int,
    told: int,
    known: Known,
    terms: Terms,
    now: int,
    entropy: Entropy,
) -> PricedCart:
    """Guest and cart in one transaction: there is no guest without a cart, and no half of one."""
    _check_version(Cart(), terms)
    cart = add(Cart(), thing, quantity, now, POLICY.carts, told)
    user = mint(visitor, now, entropy)
    try:
        write(users.new_guest(user), carts.new_cart(user.id, cart, new_write_id(entropy), now))
    except Exception:
        visitor.minted = None  # no cookie for a guest who may not exist
        raise
    visitor.user = user
    return _shown(cart, known)


def _change(
    user_id: str,
    before: Stored,
    *,
    decide: Callable[[Cart], Cart],
    what: Callable[[Stored], "carts.Write"],
    attempt: Attempt | None,
    terms: Terms,
    now: int,
    entropy: Entropy,
) -> Cart:
    """Decides on the cart as read and writes under the conditions that make the decision right.
    Outrun by others, it decides again on what they left: three times, then BUSY."""
    write_id = new_write_id(entropy)
    for _ in range(RETRIES + 1):
        _check_version(before.cart, terms)
        after = decide(before.cart)
        if after is before.cart:
            return after
        exactly = terms.if_match is not None
        change = (
            carts.change(user_id, before, what(before), write_id, now, exactly=exactly)
            if before.exists
            else carts.new_cart(user_id, after, write_id, now)
        )
        try:
            if attempt is not None:
                write(change, attempt.record(now))
                return _read_cart(user_id)
            row = write(change)
            return after if row is None else carts.from_item(row).cart
        except Contended:
            break
        except ConditionFailed as failed:
            if len(failed.items) > 1 and failed.items[1] is not None:
                return _repeated(attempt, failed.items[1], now)
            existed, before = before.exists, carts.from_item(failed.items[0])
            if write_id in before.writes:
                return before.cart  # done by an attempt whose answer was lost
            if before.closed or (existed and not before.exists):
                raise Refusal(Reason.SESSION_CHANGED) from failed
    raise Refusal(Reason.BUSY, retry_after=1)


def _repeated(attempt: Attempt | None, row: Item, now: int) -> Cart:
    """The cart, where the same request was done under this key meanwhile; KEY_REUSED else."""
    assert attempt is not None  # noqa: S101 - the row is its record
    attempt.is_repeat(row, now)
    return _read_cart(attempt.user_id)


def _read_cart(user_id: str) -> Cart:
    key = keys.cart(user_id)
    return carts.from_item(read([key], consistent=True).get(key)).cart


def _check_version(cart: Cart, terms: Terms) -> None:
    if terms.if_match is None or str(cart.version) in terms.if_match:
        return
    if "*" in terms.if_match and cart.version > 0:
        return
    raise Refusal(Reason.VERSION_MISMATCH)


def _attempt(user_id: str, terms: Terms) -> Attempt | None:
    if terms.key is None:
        return None
    return Attempt(user_id, "cart-lines", terms.key, terms.body)


def _key_row(visitor: Visitor, terms: Terms) -> list[Key]:
    """The record of the key, read along with the cart; the generic user's key is not honoured."""
    if visitor.bearer is None:
        return []
    attempt = _attempt(visitor.bearer.user_id, terms)
    return [] if attempt is None else [attempt.row_key]


def _answer(visitor: Visitor, cart: Cart, found: Mapping[Key, Item], now: int) -> PricedCart:
    things = [line.thing for line in cart.lines.values()]
    known = catalogue.recall(things, found, now)
    return _shown(cart, doors.opened(visitor, known, found, now, read_more=True))


def _shown(cart: Cart, known: Known) -> PricedCart:
    return priced(cart, known, POLICY.shop)


@dataclass(frozen=True)
class ProductPage:
    items: tuple[Product, ...]
    last: Item | None


def products(
    visitor: Visitor, gallery_id: str | None, now: int, *, limit: int, after: Item | None
) -> ProductPage:
    """The products everybody may see or, with `gallery_id`, those of a gallery whose door is open
    to this visitor; any other gallery is NOT_FOUND."""
    gallery = None
    if gallery_id is not None:
        gallery, rows = doors.read_gallery(visitor, gallery_id, now)
        if not doors.at(visitor, gallery_id, gallery, rows, now).is_open:
            raise Refusal(Reason.NOT_FOUND)
    page = catalogue.products(gallery, limit=limit, after=after)
    items = tuple(catalogue.product(item) for item in page.items)
    return ProductPage(tuple(p for p in items if is_on_show(p, now)), page.last)
