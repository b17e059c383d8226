"""Carts as rows: ONE item a user, its lines a map under short names, so that two carts meet in one
transaction and 100 lines stay under 11 KB.

Every change names the lines it touches and nothing else, so that concurrent changes of one cart
do not undo each other. A quantity grows by an increment: 64 adds at once are 64 pieces and no
retry. What makes an increment exact is its write id, kept in the row for a minute: when an answer
is lost and the SDK asks again, the second attempt finds it and is refused, which we read as "done".
"""

from dataclasses import dataclass
from typing import Any

from foyer.rules.carts import Cart, Line, Thing
from foyer.rules.policy import POLICY
from foyer.storage import keys
from foyer.storage.table import ABSENT, Item, Put, Update

# Longer than all attempts of the SDK together take.
WRITE_IDS_KEPT = 60
# So many at most: more than any person makes in a minute, and the row stays small.
WRITE_IDS_MOST = 128
# So many old ones go with each write, so that its expression stays far below DynamoDB's 4 KB.
WRITE_IDS_SWEPT = 16


@dataclass(frozen=True)
class Stored:
    """A cart as read, with the write ids the row remembers and when each was used."""

    cart: Cart
    writes: dict[str, int]
    exists: bool
    closed: bool = False  # what was in it is elsewhere: nothing may be put in any more

    @property
    def changed_at(self) -> int:
        """When it was last changed, epoch seconds: the newest write id is never swept."""
        return max(self.writes.values(), default=0)


def from_item(item: Item | None) -> Stored:
    if item is None:
        return Stored(Cart(), {}, exists=False)
    lines = {line_id: _line(raw) for line_id, raw in item["lines"].items()}
    cart = Cart(lines, item["version"])
    return Stored(cart, dict(item["writes"]), exists=True, closed="closed_at" in item)


def new_cart(user_id: str, cart: Cart, write_id: str, now: int) -> Put:
    key = keys.cart(user_id)
    lines = {line_id: _raw(line) for line_id, line in cart.lines.items()}
    return Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "lines": lines,
            "version": cart.version,
            "writes": {write_id: now},
        },
        condition=ABSENT,
    )


@dataclass(frozen=True)
class Write:
    """What one change of a cart consists of: set, remove, and on which condition."""

    sets: list[str]
    removes: list[str]
    conditions: list[str]
    names: dict[str, str]
    values: dict[str, Any]


def put_more(before: Stored, thing: Thing, quantity: int, now: int, told: int) -> Write:
    """So many more of the thing, at the price that is told of one; refused by its condition where
    the limits would be passed."""
    names = {"#lines": "lines", "#line": thing.line_id}
    if thing.line_id in before.cart.lines:
        return Write(
            ["#lines.#line.q = #lines.#line.q + :n", "#lines.#line.a = :told"],
            [],
            ["#lines.#line.q <= :room"],
            names,
            {":n": quantity, ":told": told, ":room": POLICY.carts.quantity - quantity},
        )
    return Write(
        ["#lines.#line = :line"],
        [],
        ["attribute_not_exists(#lines.#line)", "size(#lines) < :most"],
        names,
        {
            ":line": _raw(Line(thing, quantity, now, before.cart.version + 1, told)),
            ":most": POLICY.carts.lines,
        },
    )


def put_quantity(line_id: str, quantity: int) -> Write:
    return Write(
        ["#lines.#line.q = :q"],
        [],
        ["attribute_exists(#lines.#line)"],
        {"#lines": "lines", "#line": line_id},
        {":q": quantity},
    )


def take_out(line_id: str) -> Write:
    return Write(
        [],
        ["#lines.#line"],
        ["attribute_exists(#lines.#line)"],
        {"#lines": "lines", "#line": line_id},
        {},
    )


def change(
    user_id: str, before: Stored, what: Write, write_id: str, now: int, *, exactly: bool
) -> Update:
    """The update that does it. With `exactly`, only on the version that was read."""
    stale = [used for used, at in before.writes.items() if now - at > WRITE_IDS_KEPT]
    stale = stale[:WRITE_IDS_SWEPT]
    names = {**what.names, "#writes": "writes", "#own": write_id, "#version": "version"}
    names |= {f"#stale{i}": used for i, used in enumerate(stale)}
    values = {**what.values, ":one": 1, ":now": now}
    conditions = [_OPEN, "attribute_not_exists(#writes.#own)", *what.conditions]
    if not stale:
        conditions.append("size(#writes) < :writes")
        values[":writes"] = WRITE_IDS_MOST
    if exactly:
        conditions.append("#version = :version")
        values[":version"] = before.cart.version
    sets = [*what.sets, "#version = #version + :one", "#writes.#own = :now"]
    removes = [*what.removes, *(f"#writes.#stale{i}" for i in range(len(stale)))]
    expression = "SET " + ", ".join(sets)
    if removes:
        expression += " REMOVE " + ", ".join(removes)
    return Update(keys.cart(user_id), expression, " AND ".join(conditions), names, values)


_OPEN = "attribute_exists(pk) AND attribute_not_exists(closed_at)"


def close(user_id: str, before: Stored, now: int) -> Put:
    """An empty cart in place of the one that was read, for good: what comes too late is refused and
    not lost. Fails where it changed meanwhile."""
    emptied = Stored(Cart({}, before.cart.version + 1), {}, exists=True)
    return _whole(user_id, before, emptied, closed_at=now)


def replace(user_id: str, before: Stored, cart: Cart) -> Put:
    """The cart in place of the one that was read; fails where that changed meanwhile."""
    return _whole(user_id, before, Stored(cart, before.writes, exists=True))


def _whole(user_id: str, before: Stored, after: Stored, closed_at: int | None = None) -> Put:
    item = {
        **keys.cart(user_id)._asdict(),
        "lines": {line_id: _raw(line) for line_id, line in after.cart.lines.items()},
        "version": after.cart.version,
        "writes": after.writes,
        "closed_at": closed_at,
    }
    if not before.exists:
        return Put(item, condition=ABSENT)
    condition = f"{_OPEN} AND #version = :version"
    return Put(item, condition, {"#version": "version"}, {":version": before.cart.version})


def _raw(line: Line) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "p": line.thing.product_id,
        "q": line.quantity,
        "t": line.added_at,
        "v": line.place,
    }
    if line.told is not None:
        raw["a"] = line.told
    if line.thing.gallery_id is not None:
        raw["g"] = line.thing.gallery_id
    if line.thing.picture_id is not None:
        raw["i"] = line.thing.picture_id
    return raw


def _line(raw: Any) -> Line:
    thing = Thing(raw["p"], raw.get("g"), raw.get("i"))
    return Line(thing, raw["q"], raw["t"], raw["v"], raw.get("a"))
