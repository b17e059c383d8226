"""Closing an account (N19): what is kept of its orders is their number, lines, totals and country;
all else of him goes. The account is closed in one transaction; then what names him is erased, bit
by bit, and gone on with by the schedule where it was cut short."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from hmac import compare_digest
from secrets import token_bytes

from foyer.credentials import Entropy
from foyer.operations import sessions
from foyer.operations.events import happened
from foyer.operations.sessions import RETRIES, Visitor, notice
from foyer.rules.orders import Order, nameless, struck
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import Event, User, stepped
from foyer.storage import (
    administrators,
    claims,
    grants,
    keys,
    members,
    orders,
    receipts,
    requests,
    selections,
    users,
)
from foyer.storage.keys import Key
from foyer.storage.table import Change, ConditionFailed, Delete, Item, Page, read, write
from foyer.storage.users import Closed

AT_ONCE = 20  # rows erased in one transaction

TimeIsLeft = Callable[[], bool]


def close(
    visitor: Visitor, now: int, *, time_is_left: TimeIsLeft, entropy: Entropy = token_bytes
) -> None:
    """Closes his account, which he is told by mail; the same browser may ask again. Refuses
    PROOF_REQUIRED, PROVE_ADDRESS, LAST_ADMINISTRATOR."""
    for _ in range(RETRIES + 1):
        rows = read(visitor.row_keys()[:1], consistent=True) if visitor.bearer else {}
        closed = next(filter(None, map(users.closed_from, rows.values())), None)
        if closed is not None and compare_digest(closed.cookie_hash, visitor.cookie_hash or ""):
            break
        user, session = sessions.signed_in(visitor, rows, now, changing=True)
        sessions.proved(session, now)
        if not user.is_proved:
            raise Refusal(Reason.PROVE_ADDRESS)
        last = administrators.kept(user, stepped(user, Event.CLOSE, now))
        try:
            write(*last, *_changes(user, session.id, session.secret_hash, now, entropy))
        except ConditionFailed as failed:
            if last and failed.items[0] is not None:
                raise Refusal(Reason.LAST_ADMINISTRATOR) from failed
            continue
        emails = (user.email or "", *user.left)
        closed = Closed(user.id, session.secret_hash, emails)
        break
    else:
        raise Refusal(Reason.BUSY, retry_after=1)
    erase(closed, time_is_left)
    visitor.leave()


def _changes(
    user: User, session_id: str, cookie_hash: str, now: int, entropy: Entropy
) -> list[Change]:
    return [
        users.close(user, session_id, cookie_hash, now),
        users.give_up_address(user.email or "", user.id),
        users.drop_password(user.id),
        members.drop(user.id),
        *members.works(user.id, user.roles, ()),
        notice("closed", user, now, entropy),
        happened("account.closed", {"user_id": user.id}, now, entropy),
    ]


def go_on(now: int, *, limit: int, time_is_left: TimeIsLeft) -> tuple[int, bool]:
    """Erases what is left of closed accounts: how many are done, and whether some are not."""
    waiting = users.closing(now, limit)
    done = 0
    for key in waiting:
        if not time_is_left():
            break
        closed = users.closed_from(read([key], consistent=True).get(key))
        done += closed is None or erase(closed, time_is_left)
    return done, done < len(waiting) or len(waiting) >= limit


def erase(closed: Closed, time_is_left: TimeIsLeft) -> bool:
    """Everything that names him; True once nothing is left. May be cut short anywhere, and done
    twice at once."""
    if closed.emails is None:
        return True
    for _ in _erasing(closed.user_id, closed.emails):
        if not time_is_left():
            return False
    with suppress(ConditionFailed):
        users.erased(closed.user_id)
    return True


def _erasing(me: str, emails: tuple[str, ...]) -> Iterator[None]:
    """Stops after each bit. What is found by what stands beside him comes before that."""
    for row in _all(partial(orders.of_user, me, limit=AT_ONCE)):
        _strike(me, keys.id_in(row["sk"]))
        yield
    for email in emails:
        for row in _all(partial(orders.named_by, email, limit=AT_ONCE)):
            _unname(email, keys.id_in(row["sk"]))
            yield
    for batch in _batches(_found(me, emails)):
        write(*(Delete(key) for key in batch))
        yield
    for email in emails[1:]:
        with suppress(ConditionFailed):
            write(users.forget_address(email))
        yield
    while rest := users.rest_of(me, limit=AT_ONCE):
        write(*(Delete(_key(row)) for row in rest))
        yield


def _strike(me: str, order_id: str) -> None:
    """His order: nobody's who could be named. One that is somebody else's too stays that, without
    his address; one he placed as a guest and somebody else claimed is that one's."""
    pointer = Delete(keys.order_of(me, order_id))
    for _ in range(RETRIES + 1):
        order = orders.read([order_id], consistent=True).get(order_id)
        if order is None or order.contact is None:
            write(pointer)
            return
        try:
            write(pointer, *_stripped(me, order))
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def _stripped(me: str, order: Order) -> list[Change]:
    mine, theirs = keys.order_of(me, order.id), keys.order_of(order.placed_by, order.id)
    named = keys.order_to(order.email or "", order.id)
    rows = read([mine, theirs, *([named] if order.email else [])], consistent=True)
    if order.placed_by != me and orders.shown_from(rows.get(theirs)) is not None:
        return []  # his address goes with the pointer that stands beside it
    claim = orders.named_from(rows.get(named))
    claimed_by = None if claim is None else claim.claimed_by
    if orders.shown_from(rows.get(mine)) is None and claimed_by not in {None, me}:
        return []
    gone = [orders.forget(order.email, order.id)] if order.email is not None else []
    return [*orders.change(order, struck(order)), *gone]


def _unname(email: str, order_id: str) -> None:
    """An order that names his address and is nobody's, or somebody else's."""
    pointer = orders.forget(email, order_id)
    for _ in range(RETRIES + 1):
        order = orders.read([order_id], consistent=True).get(order_id)
        changes: list[Change] = [pointer]
        if order is not None and order.email == email:
            changes += orders.change(order, nameless(order))
        try:
            write(*changes)
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def _found(me: str, emails: tuple[str, ...]) -> Iterator[Key]:
    """The rows elsewhere that name him."""
    for row in _all(partial(grants.held_by, me, limit=AT_ONCE)):
        yield from grants.granted_by(row)
    yield from _naming_address(emails[0])
    yield keys.delivery(emails[0])
    for email in emails[1:]:
        yield from _naming_address_he_left(me, email)
    for user_id in (me, *receipts.guests_of(me)):
        yield from (_key(row) for row in selections.sent_by(user_id, limit=100).items)


def _naming_address(email: str) -> Iterator[Key]:
    for listed in (claims.naming, grants.naming, requests.naming):
        yield from (_key(row) for row in _all(partial(listed, email, limit=AT_ONCE)))


def _naming_address_he_left(me: str, email: str) -> Iterator[Key]:
    """What is of his time, or his; not what is its next owner's."""
    at = keys.email(email)
    left_at = users.left_at(read([at], consistent=True).get(at))
    for row in _all(partial(claims.naming, email, limit=AT_ONCE)):
        if row["made_at"] <= left_at:
            yield _key(row)
    for row in _all(partial(grants.naming, email, limit=AT_ONCE)):
        if me in {row.get("moved_to"), row.get("bound_to")}:
            yield _key(row)
    for row in _all(partial(requests.naming, email, limit=AT_ONCE)):
        if row["at"] <= left_at:
            yield _key(row)


def _all(page: Callable[..., Page]) -> Iterator[Item]:
    after: Item | None = None
    while True:
        found = page(after=after)
        yield from found.items
        after = found.last
        if after is None:
            return


def _batches(found: Iterator[Key]) -> Iterator[list[Key]]:
    batch: dict[Key, None] = {}
    for key in found:
        batch[key] = None
        if len(batch) >= AT_ONCE:
            yield list(batch)
            batch = {}
    if batch:
        yield list(batch)


def _key(row: Item) -> Key:
    return Key(row["pk"], row["sk"])
