"""Sending what the outbox holds: each row once, whoever asks, however often."""

from collections.abc import Callable
from dataclasses import dataclass

from foyer.rules.policy import POLICY
from foyer.storage import outbox
from foyer.storage.keys import Key
from foyer.storage.outbox import AlreadySent, Leased, Mail

# Renders and sends; answers with the message id the mail service gave.
Send = Callable[[Mail], str]


def send_one(key: Key, send: Send, now: int) -> None:
    """Sends the row unless that was done. Raises whatever kept it from being sent, and Leased
    while somebody else is at it: both mean "try again".

    Dying between the send and the mark sends this one mail twice, never none (R57: the mail
    service knows no idempotency token).
    """
    try:
        row = outbox.take(key, now)
    except AlreadySent:
        return
    try:
        message_id = send(outbox.mail_from(row))
    except Exception:
        outbox.release(key, now)
        raise
    outbox.mark_sent(key, message_id, now)


@dataclass(frozen=True)
class Redriven:
    """What a sweep did: how many were sent, failed again, were given up; whether some are left
    for the next one."""

    sent: int
    failed: int
    dead: int
    more: bool


def redrive(
    send: Send,
    now: int,
    *,
    failed: Callable[[Key, Exception], None],
    time_is_left: Callable[[], bool],
    limit: int = 25,
) -> Redriven:
    """Tries again what has been unsent too long, the oldest of each shard first; gives up what is a
    day old. Bounded by `limit` rows a shard and by time."""
    waiting = outbox.unsent(now, limit)
    sent = failures = dead = done = 0
    for key in waiting:
        if not time_is_left():
            break
        done += 1
        try:
            send_one(key, send, now)
            sent += 1
        except Leased:
            failures += 1
        except Exception as error:
            failed(key, error)
            failures += 1
            dead += outbox.give_up_if_old(key, now - POLICY.outbox.give_up_after_seconds, now)
    more = done < len(waiting) or len(waiting) >= limit
    return Redriven(sent, failures, dead, more)
