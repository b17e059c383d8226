"""The address book as a row: ONE item a user, so that it is read with him, changes in an order's
own transaction, and its limit is exact."""

from collections.abc import Mapping
from typing import Any

from foyer.rules.addresses import Book, Entry, Postal
from foyer.storage import keys
from foyer.storage.table import ABSENT, Item, Put


def from_item(item: Item | None) -> Book:
    if item is None:
        return Book()
    entries = {
        id_: Entry(id_, raw["name"], postal_from(raw["postal"]), raw["used_at"])
        for id_, raw in item["entries"].items()
    }
    return Book(entries, item["version"])


def replace(user_id: str, before: Book, after: Book) -> Put:
    """The book in place of the one that was read; fails where that changed meanwhile."""
    entries = {
        id_: {"name": one.name, "postal": postal_raw(one.postal), "used_at": one.used_at}
        for id_, one in after.entries.items()
    }
    item = {**keys.addresses(user_id)._asdict(), "entries": entries, "version": after.version}
    if before.version == 0:
        return Put(item, condition=ABSENT)
    return Put(item, "#version = :read", {"#version": "version"}, {":read": before.version})


def postal_raw(postal: Postal) -> dict[str, Any]:
    return {name: value for name, value in vars(postal).items() if value is not None}


def postal_from(raw: Mapping[str, Any]) -> Postal:
    return Postal(
        raw["line1"],
        raw["postal_code"],
        raw["city"],
        raw["country"],
        raw.get("line2"),
        raw.get("region"),
    )
