"""Mails to send and events to publish, as rows that ride in the transaction of the state they tell
of.

A row waits in `due` until it is sent. Whoever sends takes it for some seconds first (a lease), so
that two who hold the same row send it once; who dies in between leaves a lease that ends by
itself. Once sent, its text, facts and address go; that it was stays for a month.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from foyer.rules.policy import POLICY
from foyer.rules.sessions import DAY
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import ABSENT, ConditionFailed, Item, Put, Update, due, write


@dataclass(frozen=True)
class Mail:
    id: str
    kind: str
    to: str
    language: str
    facts: Mapping[str, str]
    queued_at: int


@dataclass(frozen=True)
class Event:
    """Something that happened, for whoever listens on the bus: ids alone, no contacts."""

    id: str
    kind: str
    facts: Mapping[str, Any]
    at: int


def new_mail(mail: Mail) -> Put:
    said = {"kind": mail.kind, "to": mail.to, "language": mail.language, "facts": dict(mail.facts)}
    return _waiting(keys.mail(mail.id), said, mail.queued_at)


def new_event(event: Event) -> Put:
    return _waiting(keys.event(event.id), {"kind": event.kind, "facts": event.facts}, event.at)


def _waiting(key: Key, said: Mapping[str, Any], now: int) -> Put:
    item = {
        **key._asdict(),
        **said,
        "queued_at": now,
        "due": keys.unsent(keys.shard_of(keys.id_in(key.pk))),
        "due_at": now + POLICY.outbox.redrive_after_seconds,
    }
    return Put(item, condition=ABSENT)


class AlreadySent(Exception):
    """Nothing to do: it went out, was given up, or is not there any more."""


class Leased(Exception):
    """Somebody else is sending it just now."""


def take(key: Key, lease: str, now: int) -> Item:
    """The row, ours to send until the lease (an id of this attempt) ends. Raises AlreadySent,
    Leased.

    The row comes back as it stands: what is in it may have been written by an older or a newer
    version of us, so nothing is assumed of it here.
    """
    update = Update(
        key,
        "SET lease_until = :until, lease_by = :lease",
        condition="attribute_exists(due) AND "
        "(attribute_not_exists(lease_until) OR lease_until <= :now OR lease_by = :lease)",
        values={
            ":until": now + POLICY.outbox.lease_seconds,
            ":now": now,
            ":lease": lease,
        },
    )
    try:
        row = write(update)
    except ConditionFailed as failed:
        old = failed.items[0]
        if old is not None and "due" in old:
            raise Leased(key.pk) from failed
        raise AlreadySent(key.pk) from failed
    assert row is not None  # noqa: S101 - an Update always answers
    return row


def from_item(row: Item) -> Mail | Event:
    id_ = keys.id_in(row["pk"])
    if keys.is_event(row["sk"]):
        return Event(id=id_, kind=row["kind"], facts=row["facts"], at=row["queued_at"])
    return Mail(
        id=id_,
        kind=row["kind"],
        to=row["to"],
        language=row["language"],
        facts=row["facts"],
        queued_at=row["queued_at"],
    )


def mark_sent(key: Key, message_id: str, now: int) -> None:
    write(
        Update(
            key,
            "SET sent_at = :now, message_id = :id, expires = :expires "
            "REMOVE due, due_at, lease_until, lease_by, facts, #to",
            condition="attribute_exists(pk)",
            names={"#to": "to"},
            values={
                ":now": now,
                ":id": message_id,
                ":expires": now + POLICY.outbox.kept_days * DAY,
            },
        )
    )


def drop(key: Key, why: str, now: int) -> None:
    """Not sent, and never will be: nothing is left to tell, or nobody could read it."""
    expires = now + POLICY.outbox.kept_days * DAY
    write(
        Update(
            key,
            "SET dropped_at = :now, why = :why, expires = :expires "
            "REMOVE due, due_at, lease_until, lease_by, facts, #to",
            condition="attribute_exists(pk)",
            names={"#to": "to"},
            values={":now": now, ":why": why, ":expires": expires},
        )
    )


def give_up(key: Key, now: int, *, queued_before: int | None = None) -> bool:
    """Dead: nobody tries again. With `queued_before` only if it has waited since then; a row that
    does not even say when it was queued counts as old. Its text stays as long as the row, for
    whoever has to look."""
    condition = "attribute_exists(due)"
    values = {":now": now, ":expires": now + POLICY.outbox.kept_days * DAY}
    if queued_before is not None:
        condition += " AND (attribute_not_exists(queued_at) OR queued_at <= :old)"
        values[":old"] = queued_before
    gone = "REMOVE due, due_at, lease_until, lease_by"
    update = Update(key, f"SET dead_at = :now, expires = :expires {gone}", condition, values=values)
    try:
        write(update)
    except ConditionFailed:
        return False
    return True


def release(key: Key, lease: str, now: int) -> None:
    """Not sent: the next attempt need not wait for our lease to end, nor the 15-minute trigger for
    more than its own time."""
    update = Update(
        key,
        "SET due_at = :again REMOVE lease_until, lease_by",
        condition="attribute_exists(due) AND lease_by = :lease",
        values={":again": now + POLICY.outbox.redrive_after_seconds, ":lease": lease},
    )
    with suppress(ConditionFailed):
        write(update)


def doubt(key: Key, now: int) -> int:
    """It may have been sent; how often that was so by now. The lease stays."""
    update = Update(
        key,
        "SET due_at = :again ADD doubts :one",
        condition="attribute_exists(due)",
        values={":again": now + POLICY.outbox.redrive_after_seconds, ":one": 1},
    )
    row = write(update)
    return int(row["doubts"]) if row is not None else 0


def unsent(now: int, limit: int) -> list[Key]:
    """What has waited too long, over all shards, at most `limit` of each."""
    return [
        key
        for shard in range(keys.SHARDS)
        for key in due(keys.unsent(shard), before=now, limit=limit)
    ]
