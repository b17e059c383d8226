"""Sending what the outbox holds: each row once, whoever asks, however often."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_bytes

from foyer.credentials import Entropy, new_write_id
from foyer.operations import events, letters
from foyer.rules.invitations import Delivery
from foyer.rules.policy import POLICY
from foyer.storage import grants, outbox
from foyer.storage.keys import Key
from foyer.storage.outbox import AlreadySent, Event, Leased, Mail
from foyer.storage.table import ConditionFailed, Unavailable, write

# Sends a mail or publishes an event; answers with the id the service gave it.
Post = Callable[[Mail | Event], str]

DOUBTS = 2  # times a mail may be sent without our learning of it, before it is given up in sight


class MaybeSent(Exception):
    """The mail service was asked and never answered."""


def send_one(key: Key, post: Post, now: int, entropy: Entropy = token_bytes) -> bool:
    """Sends the row; False where that was done before. Raises whatever kept it from being sent, and
    Leased while somebody else is at it: both mean "try again".

    Dying between the send and the mark sends this one twice, never not at all (R57: neither the
    mail service nor the bus knows an idempotency token).
    """
    lease = new_write_id(entropy)
    try:
        row = outbox.take(key, lease, now)
    except AlreadySent:
        return False
    try:
        waiting = outbox.from_item(row)
        message_id = post(_as_it_leaves(waiting, now))
    except letters.Moot:
        outbox.drop(key, "moot", now)
        return False
    except letters.Undeliverable as error:
        outbox.drop(key, error.why.value, now)
        _tell(waiting, error.why)
        return False
    except MaybeSent:
        if outbox.doubt(key, now) >= DOUBTS:
            outbox.give_up(key, now)
        raise
    except Exception:
        outbox.release(key, lease, now)
        raise
    outbox.mark_sent(key, message_id, now)
    _tell(waiting, Delivery.SENT)
    return True


def _as_it_leaves(waiting: Mail | Event, now: int) -> Mail | Event:
    """What it says is written only now."""
    if isinstance(waiting, Mail):
        return letters.written(waiting, now)
    return events.written(waiting)


def _tell(mail: Mail | Event, became: Delivery) -> None:
    """The board of invitations, where the mail was about one. What it misses SES tells as well."""
    if isinstance(mail, Mail) and mail.kind in letters.ABOUT_INVITATIONS:
        with suppress(ConditionFailed, Unavailable):
            write(grants.tell(mail.facts["gallery"], mail.facts["grant"], mail.id, became))


@dataclass(frozen=True)
class Redriven:
    """What a sweep did: how many were sent, failed again, were given up; whether some are left
    for the next one."""

    sent: int
    failed: int
    dead: int
    more: bool


def redrive(
    post: Post,
    clock: Callable[[], int],
    *,
    failed: Callable[[Key, Exception], None],
    time_is_left: Callable[[], bool],
    limit: int = 25,
) -> Redriven:
    """Tries again what has been unsent too long, the oldest of each shard first; gives up what is a
    day old. Bounded by `limit` rows a shard and by time; the clock is read for each row, for
    sending takes time."""
    waiting = outbox.unsent(clock(), limit)
    sent = failures = dead = done = 0
    for key in waiting:
        if not time_is_left():
            break
        done += 1
        now = clock()
        try:
            sent += send_one(key, post, now)
        except Leased:
            failures += 1
        except Exception as error:
            failed(key, error)
            failures += 1
            old = now - POLICY.outbox.give_up_after_seconds
            dead += outbox.give_up(key, now, queued_before=old)
    more = done < len(waiting) or len(waiting) >= limit
    return Redriven(sent, failures, dead, more)
