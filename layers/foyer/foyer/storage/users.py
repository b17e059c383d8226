"""Users as rows."""

from contextlib import suppress

from foyer.rules.policy import POLICY
from foyer.rules.users import DAY, User
from foyer.storage import keys
from foyer.storage.table import ABSENT, ConditionFailed, Item, Put, Unavailable, Update, write


def from_item(item: Item | None) -> User | None:
    if item is None:
        return None
    return User(
        id=item["pk"].removeprefix("USER#"),
        secret_hash=item["secret"],
        seen_at=item["seen_at"],
        language=item["language"],
        ended_at=item.get("ended_at"),
    )


def new_guest(user: User) -> Put:
    """The row of a guest who has just been made; stands among the idle from the start."""
    key = keys.user(user.id)
    return Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "secret": user.secret_hash,
            "seen_at": user.seen_at,
            "language": user.language,
            "due": keys.idle_guests(keys.shard_of(user.id)),
            "due_at": _abandoned_at(user.seen_at),
        },
        condition=ABSENT,
    )


def push_idle_clock(user: User, now: int) -> None:
    """He was here. Of two requests at once one pushes; a guest who ended meanwhile stays ended.
    What is asked for does not fail with it: the next request pushes."""
    update = Update(
        keys.user(user.id),
        "SET seen_at = :now, due_at = :due",
        condition="seen_at = :seen AND attribute_not_exists(ended_at)",
        values={":now": now, ":due": _abandoned_at(now), ":seen": user.seen_at},
    )
    with suppress(ConditionFailed, Unavailable):
        write(update)


def set_language(user_id: str, language: str) -> None:
    update = Update(
        keys.user(user_id),
        "SET #language = :language",
        condition="attribute_exists(pk) AND attribute_not_exists(ended_at)",
        names={"#language": "language"},
        values={":language": language},
    )
    with suppress(ConditionFailed):  # he is gone: there is nobody whose language it would be
        write(update)


def _abandoned_at(seen_at: int) -> int:
    return seen_at + POLICY.guests.idle_days * DAY
