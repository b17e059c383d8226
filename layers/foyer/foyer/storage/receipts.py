"""Receipts: what a guest handed over, kept so that asking again gets the same answer."""

from dataclasses import dataclass
from typing import Any

from foyer.rules.carts import Merged, Thing
from foyer.rules.policy import MergeMode
from foyer.rules.sessions import DAY
from foyer.storage import keys
from foyer.storage.table import Item, Put, family

KEPT = 90 * DAY


@dataclass(frozen=True)
class Receipt:
    """What moved and what merged, with the quantities before and after (N2): the lines of a cart,
    and how many pictures of an unnamed selection."""

    lines: tuple[Merged, ...]
    mode: MergeMode = "max"
    pictures: tuple[int, int, int] = (0, 0, 0)  # the guest's, the account's before and after


def from_item(item: Item | None) -> Receipt | None:
    if item is None:
        return None
    lines = tuple(_line(raw) for raw in item["lines"])
    guest, before, after = item.get("pictures", (0, 0, 0))
    return Receipt(lines, item.get("mode", "max"), (guest, before, after))


def put(account_id: str, guest_id: str, receipt: Receipt, now: int) -> Put:
    lines = [_raw(line) for line in receipt.lines]
    key = keys.receipt(account_id, guest_id)._asdict()
    facts = {"lines": lines, "mode": receipt.mode, "pictures": list(receipt.pictures), "at": now}
    return Put({**key, **facts, "expires": now + KEPT})


def guests_of(account_id: str) -> list[str]:
    """Who handed over to the account lately."""
    head = keys.receipt(account_id, "")
    return [keys.id_in(item["sk"]) for item in family(head, head.sk, limit=100).items]


def _raw(line: Merged) -> dict[str, Any]:
    raw: dict[str, Any] = {"p": line.thing.product_id, "n": line.guest, "b": line.before}
    raw["a"] = line.after
    if line.thing.gallery_id is not None:
        raw["g"] = line.thing.gallery_id
    if line.thing.picture_id is not None:
        raw["i"] = line.thing.picture_id
    return raw


def _line(raw: Any) -> Merged:
    return Merged(Thing(raw["p"], raw.get("g"), raw.get("i")), raw["n"], raw["b"], raw["a"])
