"""Orders: what is frozen when one is placed, how it goes on, and how much of it who may see
(mission 0.11)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from foyer.rules.addresses import Postal
from foyer.rules.carts import Known, PricedCart, Thing
from foyer.rules.refusals import Reason, Refusal


class Status(StrEnum):
    PLACED = "placed"
    CONFIRMED = "confirmed"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What staff do with an order."""

    CONFIRM = "confirm"
    FULFIL = "fulfil"
    CANCEL = "cancel"


LIFE: Mapping[tuple[Status, Step], Status] = {
    (Status.PLACED, Step.CONFIRM): Status.CONFIRMED,
    (Status.PLACED, Step.CANCEL): Status.CANCELLED,
    (Status.CONFIRMED, Step.FULFIL): Status.FULFILLED,
    (Status.CONFIRMED, Step.CANCEL): Status.CANCELLED,
}
LEADS_TO = {step: to for (_, step), to in LIFE.items()}
LIVE = frozenset({Status.PLACED, Status.CONFIRMED})  # somebody still has to do something


@dataclass(frozen=True)
class OrderLine:
    """What was bought, by the name and at the price of that moment: minor units, tax included."""

    thing: Thing
    name: str
    kind: str
    quantity: int
    unit_price: int

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True)
class Contact:
    """Whom the order is for. `address` is of mail, as he wrote it; empty once its owner has closed
    his account."""

    address: str
    name: str
    phone: str | None = None
    postal: Postal | None = None


@dataclass(frozen=True)
class Entry:
    """One of an order's history: since when it had this status, who did it, what he said of it."""

    status: Status
    at: int
    actor: str
    reason: str | None = None


@dataclass(frozen=True)
class Order:
    """As stored. Times are epoch seconds. `paths` are of the organizations whose things are in it;
    `email` is the key of the contact's address. `is_own`: whoever placed it had proved that address
    to be his. Of a closed account's order no contact is left, and no note: only the country."""

    id: str
    number: str
    placed_by: str
    placed_at: int
    language: str
    lines: tuple[OrderLine, ...]
    shipping: int
    currency: str
    paths: tuple[tuple[str, ...], ...]
    contact: Contact | None
    email: str | None
    country: str | None = None
    note: str | None = None
    is_own: bool = False
    history: tuple[Entry, ...] = ()
    version: int = 1
    strike_at_end: bool = False  # whom it may be of closed his account while it was under way

    @property
    def status(self) -> Status:
        return self.history[-1].status

    @property
    def total(self) -> int:
        return self.shipping + sum(line.total for line in self.lines)

    @property
    def organization_ids(self) -> list[str]:
        return [path[-1] for path in self.paths]


# ---- whose it is ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """An order an account shows, `whole` or with its contact masked (0.11), since then."""

    order_id: str
    whole: bool
    at: int

    def is_whole(self, owned_at: int) -> bool:
        """What was shown to somebody who had the account before its owner proved the address, at
        `owned_at`, is masked to the owner (0.9)."""
        return self.whole and self.at > owned_at


class Answer(StrEnum):
    """What the owner of an address says to an order that names it."""

    CLAIMED = "claimed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Named:
    """An order that names an address, and what its owner said to it, if he did: `by` is his id."""

    order_id: str
    placed_at: int
    answer: Answer | None = None
    by: str | None = None

    @property
    def claimed_by(self) -> str | None:
        return self.by if self.answer is Answer.CLAIMED else None

    def is_offered(self, left_at: int) -> bool:
        """To the owner of the address, unless it was placed while somebody else had it (0.11)."""
        return self.answer is None and self.placed_at > left_at


# ---- placing, and what comes after ---------------------------------------------------------------


def frozen(cart: PricedCart, known: Known) -> tuple[OrderLine, ...]:
    """What is ordered of the cart as it is shown: all of it or nothing. Refuses CART_EMPTY, and
    LINE_UNAVAILABLE with the cart."""
    if not cart.lines:
        raise Refusal(Reason.CART_EMPTY)
    lines = []
    for line in cart.lines:
        if line.unit_price is None:
            raise Refusal(Reason.LINE_UNAVAILABLE, facts={"cart": cart})
        kind = known.products[line.thing.product_id].kind
        lines.append(OrderLine(line.thing, line.name, kind, line.quantity, line.unit_price))
    return tuple(lines)


def needs_postal(lines: tuple[OrderLine, ...]) -> bool:
    return any(line.kind == "print" for line in lines)


def studios(lines: tuple[OrderLine, ...], known: Known, most: int) -> tuple[tuple[str, ...], ...]:
    """The organizations that have to do something for these: a picture's is its gallery's, any
    other thing's the product's. Refuses TOO_MANY_STUDIOS."""
    found = dict.fromkeys(_path(line.thing, known) for line in lines)
    if len(found) > most:
        raise Refusal(Reason.TOO_MANY_STUDIOS)
    return tuple(sorted(found))


def _path(thing: Thing, known: Known) -> tuple[str, ...]:
    if thing.gallery_id is not None:
        return known.galleries[thing.gallery_id].path
    return known.products[thing.product_id].path


def stepped(order: Order, step: Step, actor: str, now: int, reason: str | None = None) -> Order:
    """The order after the step; the same one where it has been done already, whoever did it.
    Refuses WRONG_STATUS for a step that is not drawn."""
    to = LIFE.get((order.status, step))
    if to is None:
        if order.status is LEADS_TO[step]:
            return order
        raise Refusal(Reason.WRONG_STATUS, facts={"order_status": order.status.value})
    entry = Entry(to, now, actor, reason)
    after = replace(order, history=(*order.history, entry), version=order.version + 1)
    return _blank(after) if after.strike_at_end and to not in LIVE else after


def struck(order: Order) -> Order:
    """What is kept of the order of somebody who closed his account (N19): number, lines, totals and
    the country."""
    return replace(_blank(nameless(order)), version=order.version + 1)


def nameless(order: Order) -> Order:
    """The order without the address of mail, whose owner closed his account; it stays whose else it
    is."""
    contact = None if order.contact is None else replace(order.contact, address="")
    return replace(order, contact=contact, email=None, version=order.version + 1)


def left_behind(order: Order) -> Order:
    """An order that may have been his and may have been another's: done, it names nobody any more;
    under way, it finds whom it is for until it is done."""
    if order.status in LIVE:
        return replace(order, strike_at_end=True, version=order.version + 1)
    return replace(_blank(order), version=order.version + 1)


def _blank(order: Order) -> Order:
    """Without whom it was for, but for an address of mail it still has."""
    contact = Contact(order.contact.address, "") if order.contact and order.email else None
    return replace(without_reasons(order), contact=contact, note=None, strike_at_end=False)


def without_reasons(order: Order) -> Order:
    return replace(order, history=tuple(replace(entry, reason=None) for entry in order.history))
