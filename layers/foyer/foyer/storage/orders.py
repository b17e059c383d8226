"""Orders as rows. The order stands alone under its id, so that whoever may see it finds it there
and nothing is ever re-keyed; what makes it somebody's is a pointer beside him or an address."""

from collections.abc import Mapping
from typing import Any

from foyer.rules.carts import Thing
from foyer.rules.orders import Answer, Contact, Entry, Named, Order, OrderLine, Shown, Status
from foyer.storage import keys, table
from foyer.storage.addresses import postal_from, postal_raw
from foyer.storage.keys import Key
from foyer.storage.table import ABSENT, Change, Delete, Item, Page, Put, Update, setting

# What still waits comes first where the list is read backwards.
_RANKS = {Status.CANCELLED: 1, Status.FULFILLED: 2, Status.CONFIRMED: 3, Status.PLACED: 4}


def from_item(item: Item | None) -> Order | None:
    if item is None:
        return None
    contact = item.get("contact")
    return Order(
        id=keys.id_in(item["pk"]),
        number=item["number"],
        placed_by=item["by"],
        placed_at=item["placed_at"],
        language=item["language"],
        lines=tuple(_line(raw) for raw in item["lines"]),
        shipping=item["shipping"],
        currency=item["currency"],
        paths=tuple(tuple(path) for path in item["paths"]),
        contact=None if contact is None else _contact(contact),
        email=item.get("email"),
        country=item.get("country"),
        note=item.get("note"),
        is_own=item.get("own", False),
        history=tuple(_entry(raw) for raw in item["history"]),
        version=item["version"],
        strike_at_end=item.get("strike_at_end", False),
    )


def place(order: Order) -> list[Change]:
    """The order, and where the staff of each of its studios find it."""
    return [_put(order, ABSENT), *_listed(order)]


def change(before: Order, after: Order) -> list[Change]:
    """The order as it is from now on; fails where it was changed meanwhile."""
    kept = _put(after, "#version = :read", {"#version": "version"}, {":read": before.version})
    return [kept, *(_listed(after) if after.status is not before.status else [])]


def _put(
    order: Order,
    condition: str,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Put:
    item = {
        **keys.order(order.id)._asdict(),
        "number": order.number,
        "by": order.placed_by,
        "placed_at": order.placed_at,
        "language": order.language,
        "lines": [_line_raw(line) for line in order.lines],
        "shipping": order.shipping,
        "total": order.total,
        "currency": order.currency,
        "paths": [list(path) for path in order.paths],
        "contact": None if order.contact is None else _contact_raw(order.contact),
        "email": order.email,
        "country": order.country,
        "note": order.note,
        "own": order.is_own or None,
        "history": [_entry_raw(entry) for entry in order.history],
        "strike_at_end": order.strike_at_end or None,
        "version": order.version,
    }
    return Put(item, condition, names or {}, values or {})


def _listed(order: Order) -> list[Change]:
    return [
        Put(
            {
                **keys.order_of_studio(order.id, org_id)._asdict(),
                "list": keys.orders_of(org_id),
                "list_at": f"{_RANKS[order.status]}#{order.id}",
            }
        )
        for org_id in order.organization_ids
    ]


def of_studio(org_id: str, status: Status | None, *, limit: int, after: Item | None) -> Page:
    """Pointers to the orders of an organization, those that wait first, each kind newest first."""
    prefix = "" if status is None else f"{_RANKS[status]}#"
    name = keys.orders_of(org_id)
    return table.listing(name, prefix=prefix, limit=limit, after=after, newest_first=True)


def read(order_ids: list[str], *, consistent: bool) -> dict[str, Order]:
    rows = table.read([keys.order(id_) for id_ in order_ids], consistent=consistent)
    found = (from_item(row) for row in rows.values())
    return {order.id: order for order in found if order is not None}


# ---- in an account -------------------------------------------------------------------------------


def shown_from(item: Item | None) -> Shown | None:
    """None for one he placed as a guest, which no account shows before it is claimed."""
    if item is None or "whole" not in item:
        return None
    return Shown(keys.id_in(item["sk"]), item["whole"], item["at"])


def placed_by(user_id: str, order_id: str, now: int) -> Put:
    """The order is a guest's: known as his, shown in no account."""
    return Put({**keys.order_of(user_id, order_id)._asdict(), "at": now}, condition=ABSENT)


def show(user_id: str, order_id: str, now: int, *, whole: bool) -> Update:
    """Fails where the account shows it already."""
    key = keys.order_of(user_id, order_id)
    facts = {"whole": whole, "at": now}
    return setting(key, facts, condition="attribute_not_exists(whole)")


def show_whole(user_id: str, order_id: str, now: int) -> Update:
    """Who typed its postal code sees all of it."""
    key = keys.order_of(user_id, order_id)
    return setting(key, {"whole": True, "at": now}, condition="attribute_exists(pk)")


def of_user(user_id: str, *, limit: int, after: Item | None = None) -> Page:
    """Pointers to what he placed and what his account shows, the newest order first."""
    return _family(keys.order_of(user_id, ""), limit, after)


# ---- beside an address ---------------------------------------------------------------------------


def named_from(item: Item | None) -> Named | None:
    if item is None:
        return None
    answer = Answer(item["answer"]) if "answer" in item else None
    return Named(keys.id_in(item["sk"]), item["placed_at"], answer, item.get("answered_by"))


def name(order: Order) -> Put:
    key = keys.order_to(order.email or "", order.id)
    return Put({**key._asdict(), "placed_at": order.placed_at}, condition=ABSENT)


def answer(email: str, order_id: str, user_id: str, answer: Answer, now: int) -> Update:
    """Once."""
    return setting(
        keys.order_to(email, order_id),
        {"answer": answer.value, "answered_by": user_id, "answered_at": now},
        condition="attribute_exists(pk) AND attribute_not_exists(answer)",
    )


def named_by(email: str, *, limit: int, after: Item | None = None) -> Page:
    """Pointers to the orders that name the address, the newest first: read consistently."""
    return _family(keys.order_to(email, ""), limit, after)


def forget(email: str, order_id: str) -> Delete:
    return Delete(keys.order_to(email, order_id))


def _family(head: Key, limit: int, after: Item | None) -> Page:
    start = None if after is None else Key(after["pk"], after["sk"])
    return table.family(head, head.sk, limit=limit, after=start, newest_first=True, consistent=True)


# ---- parts of the row ----------------------------------------------------------------------------


def _line_raw(line: OrderLine) -> dict[str, Any]:
    raw = {
        "p": line.thing.product_id,
        "n": line.name,
        "k": line.kind,
        "q": line.quantity,
        "u": line.unit_price,
    }
    if line.thing.gallery_id is not None:
        raw["g"] = line.thing.gallery_id
    if line.thing.picture_id is not None:
        raw["i"] = line.thing.picture_id
    return raw


def _line(raw: Mapping[str, Any]) -> OrderLine:
    thing = Thing(raw["p"], raw.get("g"), raw.get("i"))
    return OrderLine(thing, raw["n"], raw["k"], raw["q"], raw["u"])


def _contact_raw(contact: Contact) -> dict[str, Any]:
    raw: dict[str, Any] = {"address": contact.address, "name": contact.name}
    if contact.phone is not None:
        raw["phone"] = contact.phone
    if contact.postal is not None:
        raw["postal"] = postal_raw(contact.postal)
    return raw


def _contact(raw: Mapping[str, Any]) -> Contact:
    postal = raw.get("postal")
    return Contact(
        raw["address"],
        raw["name"],
        raw.get("phone"),
        None if postal is None else postal_from(postal),
    )


def _entry_raw(entry: Entry) -> dict[str, Any]:
    raw = {"status": entry.status.value, "at": entry.at, "by": entry.actor}
    return raw if entry.reason is None else {**raw, "reason": entry.reason}


def _entry(raw: Mapping[str, Any]) -> Entry:
    return Entry(Status(raw["status"]), raw["at"], raw["by"], raw.get("reason"))
