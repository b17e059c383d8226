"""Closing an account (N19): what is kept of its orders is their number, lines, totals and country;
all else of him goes. The account is closed in one transaction; then what names him is erased, bit
by bit, and gone on with by the schedule where it was cut short."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from hmac import compare_digest
from secrets import token_bytes

from foyer.credentials import Entropy
from foyer.operations import sessions
from foyer.operations.events import happened
from foyer.operations.sessions import RETRIES, Visitor, notice
from foyer.rules.orders import Named, Order, left_behind, nameless, struck
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
from foyer.storage.table import (
    Change,
    ConditionFailed,
    Delete,
    Item,
    Unavailable,
    everything,
    read,
    write,
)
from foyer.storage.users import Closed

AT_ONCE = 20  # rows erased in one transaction
LOOK_AGAIN = 900  # seconds: longer than any request takes

TimeIsLeft = Callable[[], bool]
Failed = Callable[[str, Exception], None]  # told which row or queue, and why


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
        sessions.address_proved(user)
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
    if closed.emails:
        erase(closed, now, time_is_left)
    visitor.leave()


def _changes(
    user: User, session_id: str, cookie_hash: str, now: int, entropy: Entropy
) -> list[Change]:
    return [
        users.close(user, session_id, cookie_hash, now),
        users.leave_address(user.email or "", user.id, now),
        users.drop_password(user.id),
        members.drop(user.id),
        *members.works(user.id, user.roles, ()),
        notice("closed", user, now, entropy),
        happened("account.closed", {"user_id": user.id}, now, entropy),
    ]


def go_on(
    now: int, *, limit: int, time_is_left: TimeIsLeft, failed: Failed
) -> tuple[int, int, bool]:
    """Erases what is left of closed accounts: how many are done, how many could not be (`failed`
    is told of each), and whether some are left."""
    done = wrong = looked = 0
    try:
        for row in everything(partial(users.closing, now, limit=limit)):
            if not time_is_left() or looked >= limit:
                return done, wrong, True
            looked, key = looked + 1, _key(row)
            try:
                closed = users.closed_from(read([key], consistent=True).get(key))
                done += closed is None or erase(closed, now, time_is_left)
            except Exception as error:
                failed(key.pk, error)
                wrong += 1
    except Unavailable as error:
        failed(keys.CLOSING, error)
        wrong += 1
    return done, wrong, done < looked


def erase(closed: Closed, now: int, time_is_left: TimeIsLeft) -> bool:
    """Everything that names him; True once nothing is left. May be cut short anywhere, and done
    twice at once. The first time through, the schedule is to look again, beside him alone, for what
    a request of his that was under way wrote meanwhile."""
    if closed.emails is None:
        return True
    for _ in _erasing(closed.user_id, closed.emails):
        if not time_is_left():
            return False
    with suppress(ConditionFailed):
        users.erased(closed.user_id, now + LOOK_AGAIN if closed.emails else None)
    return True


def _erasing(me: str, emails: tuple[str, ...]) -> Iterator[None]:
    """Stops after each bit. What is found by what stands beside him comes before that."""
    for row in everything(partial(orders.of_user, me, limit=AT_ONCE)):
        _strike(me, keys.id_in(row["sk"]))
        yield
    left_at = _left(emails)
    for email in emails:
        for row in everything(partial(orders.named_by, email, limit=AT_ONCE)):
            named = orders.named_from(row)
            if named is not None and named.placed_at <= left_at[email]:
                _unname(me, email, named)
            yield
    for batch in _batches(_found(me, left_at)):
        write(*(Delete(key) for key in batch))
        yield
    for batch in _batches(_beside(me, emails)):
        write(*(Delete(key) for key in batch))
        yield
    for email in emails:
        with suppress(ConditionFailed):
            write(users.forget_address(email))
        yield


def _left(emails: tuple[str, ...]) -> dict[str, int]:
    """When he left each of these addresses: what names one of them since then is its next owner's.
    Of one whose row is gone nothing is left."""
    wanted = [keys.email(email) for email in emails]
    rows = read(wanted, consistent=True) if wanted else {}
    return {email: users.left_at(rows.get(keys.email(email))) for email in emails}


def _strike(me: str, order_id: str) -> None:
    """An order he placed or his account shows."""
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
    """What is known to be his names nobody any more. What is somebody else's stays that: who placed
    it in his account, or claimed it knowing its postal code. What may be either's, placed in a
    browser they shared or to an address that was mistyped, is left behind."""
    named_key = keys.order_to(order.email or "", order.id)
    mine_key, theirs_key = keys.order_of(me, order.id), keys.order_of(order.placed_by, order.id)
    rows = read([mine_key, theirs_key, *([named_key] if order.email else [])], consistent=True)
    mine, named = orders.shown_from(rows.get(mine_key)), orders.named_from(rows.get(named_key))
    others = [orders.shown_from(rows.get(theirs_key))] if order.placed_by != me else []
    claimed_by = None if named is None else named.claimed_by
    if claimed_by is not None and claimed_by != me:
        key = keys.order_of(claimed_by, order.id)
        others.append(orders.shown_from(read([key], consistent=True).get(key)))
    if any(one is not None and one.whole for one in others):
        return []
    gone = [orders.forget(order.email, order.id)] if order.email is not None else []
    if mine is None:  # a guest's, to whatever address
        return orders.change(order, left_behind(order))
    if not mine.whole:
        return [*orders.change(order, nameless(left_behind(order))), *gone]
    return [*orders.change(order, struck(order)), *gone]


def _unname(me: str, email: str, named: Named) -> None:
    """An order that names an address he had, and that no account of his shows: what nobody has
    answered may be his, what he refused is another's."""
    if named.claimed_by not in {None, me}:
        return  # by who had the address before or after him
    pointer = orders.forget(email, named.order_id)
    for _ in range(RETRIES + 1):
        order = orders.read([named.order_id], consistent=True).get(named.order_id)
        changes: list[Change] = [pointer]
        if order is not None and order.email == email:
            open_ = named.answer is None and not _is_shown(order)
            changes += orders.change(order, nameless(left_behind(order) if open_ else order))
        try:
            write(*changes)
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def _is_shown(order: Order) -> bool:
    """Whether who placed it sees it in his account."""
    key = keys.order_of(order.placed_by, order.id)
    return orders.shown_from(read([key], consistent=True).get(key)) is not None


def _found(me: str, left_at: Mapping[str, int]) -> Iterator[Key]:
    """The rows elsewhere that name him."""
    for row in everything(partial(grants.held_by, me, limit=AT_ONCE)):
        yield from grants.granted_by(row)
    for email, until in left_at.items():
        yield from _naming_address(me, email, until)
    for user_id in (me, *receipts.guests_of(me)):
        yield from (
            _key(row) for row in everything(partial(selections.sent_by, user_id, limit=AT_ONCE))
        )


def _naming_address(me: str, email: str, until: int) -> Iterator[Key]:
    """What is of his time, or his; not what is its next owner's, nor its last one's."""
    for row in everything(partial(claims.naming, email, limit=AT_ONCE)):
        if row["made_at"] <= until:
            yield _key(row)
    for row in everything(partial(grants.naming, email, limit=AT_ONCE)):
        whose = {row.get("moved_to"), row.get("bound_to")} - {None}
        if me in whose or (not whose and row["invited_at"] <= until):
            yield _key(row)
    for row in everything(partial(requests.naming, email, limit=AT_ONCE)):
        if row["at"] <= until:
            yield _key(row)
    owner = keys.email(email)
    if users.owner_of(read([owner], consistent=True).get(owner)) is None:
        yield keys.delivery(email)


def _beside(me: str, emails: tuple[str, ...]) -> Iterator[Key]:
    """What stands beside him, but for claims that were made in his browser on addresses of others:
    they may redeem them still."""
    for row in everything(partial(users.beside, me, limit=AT_ONCE)):
        if keys.is_claim(row["sk"]) and row["email"] not in emails and "redeemed" not in row:
            with suppress(ConditionFailed):
                write(claims.forget_profile(me, keys.id_in(row["sk"])))
        elif row["sk"] != keys.user(me).sk:
            yield _key(row)


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
