"""Everything the person's own pages show, in one piece (N19)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from foyer.operations import (
    account,
    addresses,
    claiming,
    consents,
    galleries,
    orders,
    selections,
    sessions,
)
from foyer.operations.galleries import Shared
from foyer.operations.orders import Seen
from foyer.operations.selections import View
from foyer.operations.sessions import Visitor
from foyer.operations.shopping import see_cart
from foyer.rules.addresses import Book
from foyer.rules.carts import PricedCart
from foyer.rules.consents import Consent
from foyer.rules.orders import Order
from foyer.rules.sessions import Session
from foyer.rules.users import User
from foyer.storage.keys import Key
from foyer.storage.table import Item
from foyer.storage.users import Record

T = TypeVar("T")

AT_ONCE = 100
ORDERS = 100  # in one answer, which may be 6 MB: a cursor goes on with older ones


@dataclass(frozen=True)
class Export:
    """`last` is where the rest of the orders begins; what comes after holds nothing else."""

    user: User
    orders: list[Seen]
    last: Item | None
    rest: "Rest | None"


@dataclass(frozen=True)
class Rest:
    """All but the orders."""

    sessions: list[Session]
    book: Book
    offered: list[Order]
    cart: PricedCart
    selections: list[View]
    galleries: list[Shared]
    consents: list[Consent]
    history: list[Record]


def export(visitor: Visitor, now: int, *, after: Item | None = None) -> Export:
    """Refuses PROOF_REQUIRED, and PROVE_ADDRESS to who has not proved his address (0.9)."""
    user, session = account.signed_in(visitor, now)
    sessions.proved(session, now)
    sessions.address_proved(user)
    found, last = orders.mine(visitor, now, limit=ORDERS, after=after)
    return Export(user, found, last, None if after is not None else _rest(visitor, now))


def _rest(visitor: Visitor, now: int) -> Rest:
    def offered(after: Item | None) -> tuple[list[Order], Item | None]:
        return claiming.offered(visitor, now, limit=AT_ONCE, after=after)

    def shared(after: Item | None) -> tuple[list[Shared], Item | None]:
        return galleries.shared_with(visitor, now, limit=AT_ONCE, after=after)

    def records(after: Item | None) -> tuple[list[Record], Item | None]:
        return account.history(visitor, now, limit=AT_ONCE, after=after)

    def said(after: Item | None) -> tuple[list[Consent], Item | None]:
        ledger = consents.ledger(visitor, now, limit=AT_ONCE, after=after)
        return ledger.entries, ledger.last

    def kept(after: Item | None) -> tuple[list[Any], Item | None]:
        start = Key(after["pk"], after["sk"]) if after else None
        return selections.listed(visitor, now, limit=AT_ONCE, after=start)

    return Rest(
        sessions=account.list_sessions(visitor, now),
        book=addresses.book(visitor, now),
        offered=list(_all(offered)),
        cart=see_cart(visitor, now),
        selections=[selections.see(visitor, one.id, now) for one in _all(kept)],
        galleries=list(_all(shared)),
        consents=list(_all(said)),
        history=list(_all(records)),
    )


def _all(page: Callable[[Item | None], tuple[list[T], Item | None]]) -> Iterator[T]:
    after: Item | None = None
    while True:
        found, after = page(after)
        yield from found
        if after is None:
            return
