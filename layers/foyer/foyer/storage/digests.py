"""What staff are asked to decide, gathered for a quarter of an hour (mission 0.16)."""

from dataclasses import dataclass
from typing import Literal

from foyer.rules.policy import POLICY
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import Delete, Item, Update, due, setting

Kind = Literal["approval", "access", "selection"]


@dataclass(frozen=True)
class Digest:
    """Somebody asked to belong to the organization of this `path`; or, of one of its galleries
    (`about`), to be let in, or sent a selection."""

    key: Key
    path: tuple[str, ...]
    kind: Kind = "approval"
    about: str = ""


def ask(path: tuple[str, ...], now: int, *, kind: Kind = "approval", about: str = "") -> Update:
    """Something waits for the staff of this organization."""
    window = now // POLICY.mails.digest_seconds
    return setting(
        keys.digest(path[-1], window, f"{kind}#{about}"),
        {
            "path": list(path),
            "kind": kind,
            "about": about or None,
            "due": keys.DIGESTS,
            "due_at": (window + 1) * POLICY.mails.digest_seconds,
        },
    )


def from_item(item: Item) -> Digest:
    key = Key(item["pk"], item["sk"])
    return Digest(key, tuple(item["path"]), item.get("kind", "approval"), item.get("about", ""))


def ready(now: int, limit: int) -> list[Key]:
    return due(keys.DIGESTS, before=now, limit=limit)


def settle(digest: Digest) -> Delete:
    """Told; fails where another sweep did so."""
    return Delete(digest.key, condition="attribute_exists(pk)")
