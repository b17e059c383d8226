"""What time alone brings to an end (mission 0.13, N11): guests nobody came back to, accounts staff
opened that nobody took, claims that are over, and what is left of closed accounts.

Whoever comes back, registers or orders meanwhile wins: he is taken in one transaction, on condition
that nothing of him was changed. Then what he had goes, and he last (R59); cut short anywhere, the
next sweep goes on. All of it is found in the index `due`: what is not over is never read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from foyer.operations import closing
from foyer.operations.closing import Failed, TimeIsLeft
from foyer.operations.sessions import Visitor
from foyer.operations.staff import acting
from foyer.rules import orders as life
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import ROOT, Power, reach
from foyer.rules.selections import UNNAMED, Selection
from foyer.rules.sessions import DAY
from foyer.rules.users import LIFE, Event, Keeps, User
from foyer.storage import carts, claims, keys, orders, selections, sweeps, users
from foyer.storage.carts import Stored
from foyer.storage.keys import SHARDS, Key
from foyer.storage.sweeps import Sweep
from foyer.storage.table import (
    ConditionFailed,
    Delete,
    Item,
    Page,
    Unavailable,
    everything,
    write,
)

AT_ONCE = 25  # rows in one transaction, and keys in one page of a queue
MOST = 5_000  # taken in one sweep
FAILURES = 10  # in one queue
COUNTED = 1_000  # of each queue


@dataclass(frozen=True)
class Idle:
    """Somebody whose time is over, and what he has. `user` is None where it is being taken away
    already; `kept` says what keeps him."""

    id: str
    user: User | None
    cart: Stored
    unnamed: Selection | None
    beside: tuple[Key, ...]
    kept: Keeps | None
    is_account: bool  # that staff opened

    @property
    def kind(self) -> Literal["guest", "handed_over", "opened_for_somebody", "going"]:
        if self.user is None:
            return "going"
        if self.is_account:
            return "opened_for_somebody"
        return "guest" if self.user.handed_to is None else "handed_over"


def look(user_id: str, now: int) -> Idle | None:
    """None where he is gone, or none of those whom time brings to an end."""
    found = everything(partial(users.beside, user_id, limit=100))
    rows = {Key(row["pk"], row["sk"]): row for row in found}
    row = rows.pop(keys.user(user_id), None)
    user = users.from_item(row)
    if row is None or (user is None and not users.is_being_removed(row)):
        return None
    if user is not None and (user.state, Event.EXPIRE) not in LIFE:
        return None
    return Idle(
        id=user_id,
        user=user,
        cart=carts.from_item(rows.get(keys.cart(user_id))),
        unnamed=selections.from_item(rows.get(keys.selection(user_id, UNNAMED))),
        beside=tuple(rows),
        kept=None if user is None else _kept(rows, now),
        is_account=users.is_account(row),
    )


def _kept(rows: Mapping[Key, Item], now: int) -> Keeps | None:
    if any(keys.is_grant(key.sk) for key in rows):
        return Keeps.GRANT
    for key, row in rows.items():
        selection = selections.from_item(row) if keys.is_selection(key.sk) else None
        sent = () if selection is None else selection.submitted.values()
        if any(now < at + selections.KEPT_OF_A_GUEST for at in sent):
            return Keeps.SELECTION
    placed = [keys.id_in(key.sk) for key in rows if keys.is_order(key.sk)]
    found = orders.read(placed, consistent=True) if placed else {}
    return Keeps.ORDER if any(o.status in life.LIVE for o in found.values()) else None


# ---- the sweep -----------------------------------------------------------------------------------


def sweep(now: int, *, time_is_left: TimeIsLeft, failed: Failed, most: int = MOST) -> Sweep:
    """Takes what is over, as far as there is time. May be cut short anywhere, and done twice at
    once. `failed` is told of what could not be done: the others are."""
    done = Sweep(now)
    erased = closing.go_on(now, limit=AT_ONCE, time_is_left=time_is_left, failed=failed)
    done.closed, done.failed, done.more = erased
    for page, end in _queues(now):
        if not time_is_left() or done.handled >= most:
            done.more = True
            break
        _work_off(page, end, done, time_is_left, failed, most)
    if done.more or done.failed:
        try:
            done.left = _left(now)
        except Unavailable:
            done.left = max(1, done.failed)  # at least
    write(sweeps.put(done))
    return done


End = Callable[[Key, Sweep, TimeIsLeft], None]
Queue = Callable[..., Page]


def _queues(now: int) -> Iterator[tuple[Queue, End]]:
    """Where what is over waits, and how it is ended. Each sweep begins elsewhere, lest one queue
    wait longest."""
    for turn in range(SHARDS):
        shard = (now // 900 + turn) % SHARDS
        yield partial(claims.expired, shard, now, limit=AT_ONCE), _end_claim
        yield partial(users.idle, shard, now, limit=AT_ONCE), _end_user


def _work_off(
    queue: Queue, end: End, done: Sweep, time_is_left: TimeIsLeft, failed: Failed, most: int
) -> None:
    """From who waits longest. Where so many fail, the rest of the queue is for the next sweep."""
    failures = 0
    try:
        for row in everything(queue):
            if not time_is_left() or done.handled >= most or failures >= FAILURES:
                done.more = True
                return
            key = Key(row["pk"], row["sk"])
            try:
                end(key, done, time_is_left)
            except Exception as error:
                failed(key.pk, error)
                failures += 1
                done.failed += 1
    except Unavailable as error:
        failed("what is due", error)
        done.failed, done.more = done.failed + 1, True


def _end_claim(key: Key, done: Sweep, _: TimeIsLeft) -> None:
    """The guest who made it forgets it as well."""
    gone = claims.remove(key, done.at)
    try:
        write(gone, users.forget_claim(keys.id_in(key.pk), keys.id_in(key.sk)))
    except ConditionFailed:
        try:  # there is no such guest
            write(gone)
        except ConditionFailed:
            return  # renewed, or another sweep was first
    done.claims += 1


def _end_user(key: Key, done: Sweep, time_is_left: TimeIsLeft) -> None:
    one = look(keys.id_in(key.pk), done.at)
    if one is None:
        return
    try:
        if one.user is not None and one.kept is not None:
            again = done.at + POLICY.guests.look_again_days * DAY
            write(users.look_again(one.user, again, done.at))
            done.kept += 1
            return
        if one.user is not None:  # he is nobody from now on, and in no list
            listed = (Delete(key) for key in one.beside if keys.is_listed_with_user(key.sk))
            write(users.remove(one.user, done.at), *listed)
    except ConditionFailed as failed:
        row = failed.items[0]
        # else another sweep was first, and takes what he had
        done.returned += row is not None and not users.is_being_removed(row)
        return
    if not _take_away(one, time_is_left):
        return
    if one.is_account:
        done.accounts += 1
    else:
        done.guests += 1


def _take_away(one: Idle, time_is_left: TimeIsLeft) -> bool:
    """What he had, and in the end himself; False where there was no time for all of it, or another
    sweep was first."""
    gone = list(one.beside)
    while len(gone) >= AT_ONCE:
        if not time_is_left():
            return False
        batch, gone = gone[: AT_ONCE - 1], gone[AT_ONCE - 1 :]
        write(*(Delete(key) for key in batch))
    try:
        write(*(Delete(key) for key in gone), users.removed(one.id))
    except ConditionFailed:
        return False
    return True


def _left(now: int) -> int:
    queues: list[Queue] = [partial(users.closing, now), *(queue for queue, _ in _queues(now))]
    return sum(len(queue(limit=COUNTED).items) for queue in queues)


# ---- what the next one would take ----------------------------------------------------------------


@dataclass(frozen=True)
class Abandoned:
    """A page of those the next sweep looks at; how many there are, as far as was counted; and what
    the last one did. `last` is where the next page begins."""

    items: list[Idle]
    last: Item | None
    users: int
    claims: int
    more: bool
    sweep: Sweep | None


def abandoned(visitor: Visitor, now: int, *, limit: int, after: Item | None = None) -> Abandoned:
    """A dry run of the clean-up, for site administrators; to anybody else NOT_FOUND."""
    actor, rows = acting(visitor, now, more=[keys.sweep()])
    if reach(actor.roles, Power.HOUSEKEEP, (ROOT,)) is None:
        raise Refusal(Reason.NOT_FOUND)
    idle = [len(users.idle(shard, now, limit=COUNTED).items) for shard in range(SHARDS)]
    over = [len(claims.expired(shard, now, limit=COUNTED).items) for shard in range(SHARDS)]
    items, last = _page(now, limit, after, idle)
    return Abandoned(
        items=items,
        last=last,
        users=sum(idle),
        claims=sum(over),
        more=COUNTED in {*idle, *over},
        sweep=sweeps.from_item(rows.get(keys.sweep())),
    )


def _page(
    now: int, limit: int, after: Item | None, counted: Sequence[int]
) -> tuple[list[Idle], Item | None]:
    """One shard after the other, each from who is idle longest."""
    found = list[Idle]()
    first = 0 if after is None else int(keys.id_in(after["due"]))
    for shard in range(first, SHARDS):
        if len(found) == limit:
            return found, {"due": keys.idle_guests(shard)} if any(counted[shard:]) else None
        start = after if after is not None and shard == first and "pk" in after else None
        page = users.idle(shard, now, limit=limit - len(found), after=start)
        looked = (look(keys.id_in(row["pk"]), now) for row in page.items)
        found += [one for one in looked if one is not None]
        if page.last is not None:
            return found, page.last
    return found, None
