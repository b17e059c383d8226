"""What staff are asked to decide, gathered for a quarter of an hour (mission 0.16)."""

from dataclasses import dataclass

from foyer.rules.policy import POLICY
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import Delete, Item, Update, due, setting


@dataclass(frozen=True)
class Digest:
    """`path` is of the organization somebody asked to belong to."""

    key: Key
    path: tuple[str, ...]


def ask(path: tuple[str, ...], now: int) -> Update:
    """Somebody waits for the staff of this organization."""
    window = now // POLICY.mails.digest_seconds
    return setting(
        keys.digest(path[-1], window),
        {
            "path": list(path),
            "due": keys.DIGESTS,
            "due_at": (window + 1) * POLICY.mails.digest_seconds,
        },
    )


def from_item(item: Item) -> Digest:
    return Digest(Key(item["pk"], item["sk"]), tuple(item["path"]))


def ready(now: int, limit: int) -> list[Key]:
    return due(keys.DIGESTS, before=now, limit=limit)


def settle(digest: Digest) -> Delete:
    """Told; fails where another sweep did so."""
    return Delete(digest.key, condition="attribute_exists(pk)")
