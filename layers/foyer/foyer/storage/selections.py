"""Selections as rows: one item each, its pictures a set, so that adding twice is adding once and
two meet in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from foyer.rules.selections import Kept, Selection
from foyer.rules.sessions import DAY
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import (
    ABSENT,
    Change,
    Delete,
    Item,
    Page,
    Put,
    Update,
    family,
    listing,
    setting,
)


def from_item(item: Item | None) -> Selection | None:
    if item is None:
        return None
    return Selection(
        id=keys.id_in(item["sk"]),
        name=item.get("name"),
        pictures=frozenset(_kept(text) for text in item.get("pictures", ())),
        version=item["version"],
        made_at=item["made_at"],
        share_id=item.get("share"),
        shared_at=item.get("shared_at", 0),
        submitted=item["submitted"],
    )


def _kept(text: str) -> Kept:
    gallery_id, _, picture_id = text.partition("/")
    return Kept(gallery_id, picture_id)


def _texts(pictures: Iterable[Kept]) -> set[str]:
    return {f"{kept.gallery_id}/{kept.picture_id}" for kept in pictures}


def put(user_id: str, selection: Selection, before: Selection | None = None) -> Put:
    """The whole of it: new, or in place of the version that was read."""
    item = {
        **keys.selection(user_id, selection.id)._asdict(),
        "name": selection.name,
        "pictures": _texts(selection.pictures) or None,
        "version": selection.version,
        "made_at": selection.made_at,
        "share": selection.share_id,
        "shared_at": selection.shared_at or None,
        "submitted": dict(selection.submitted),
    }
    if before is None or before.version == 0:
        return Put(item, condition=ABSENT)
    return Put(item, "#version = :read", {"#version": "version"}, {":read": before.version})


def add(user_id: str, before: Selection, kept: Kept) -> Update:
    """One picture more, in the version that was read."""
    return _picture(user_id, before, kept, "ADD pictures :kept SET version = :next")


def remove(user_id: str, before: Selection, kept: Kept) -> Update:
    return _picture(user_id, before, kept, "DELETE pictures :kept SET version = :next")


def _picture(user_id: str, before: Selection, kept: Kept, expression: str) -> Update:
    values: dict[str, Any] = {":kept": _texts([kept])}
    values |= {":read": before.version, ":next": before.version + 1}
    key = keys.selection(user_id, before.id)
    return Update(key, expression, condition="version = :read", values=values)


def change(user_id: str, before: Selection, *, removes: Iterable[str] = (), **sets: Any) -> Update:
    return setting(
        keys.selection(user_id, before.id),
        {**sets, "version": before.version + 1},
        removes=list(removes),
        condition="version = :read",
        values={":read": before.version},
    )


def drop(user_id: str, before: Selection) -> Delete:
    """Gone, as it was read."""
    return Delete(
        keys.selection(user_id, before.id),
        condition="version = :read",
        values={":read": before.version},
    )


def none(user_id: str, selection_id: str) -> Delete:
    """There is still none, as it was read. A deletion of nothing: what hands over may delete, and
    need not be allowed to check as well."""
    return Delete(keys.selection(user_id, selection_id), condition=ABSENT)


def of_user(user_id: str, *, limit: int, after: Key | None = None) -> Page:
    first = keys.selection(user_id, "")
    return family(first, first.sk, limit=limit, after=after)


# ---- sent to the photographer --------------------------------------------------------------------


KEPT_OF_A_GUEST = 90 * DAY


@dataclass(frozen=True)
class Submitted:
    """What the photographer of a gallery gets of a selection: its pictures of that gallery, as
    they were then. `address` is of a client, `name` what he is or calls himself."""

    gallery_id: str
    user_id: str
    selection_id: str
    at: int
    pictures: tuple[str, ...]
    name: str | None
    address: str | None
    message: str | None


def submit(submitted: Submitted) -> Change:
    key = keys.submitted(submitted.gallery_id, submitted.user_id, submitted.selection_id)
    return Put(
        {
            **key._asdict(),
            "at": submitted.at,
            "user": submitted.user_id,
            "pictures": list(submitted.pictures),
            "name": submitted.name,
            "address": submitted.address,
            "message": submitted.message,
            "expires": None if submitted.address else submitted.at + KEPT_OF_A_GUEST,
            "list": keys.sent_by(submitted.user_id),
            "list_at": f"{submitted.at:012d}#{submitted.gallery_id}#{submitted.selection_id}",
        }
    )


def unsubmit(gallery_id: str, user_id: str, selection_id: str) -> Delete:
    return Delete(keys.submitted(gallery_id, user_id, selection_id))


def submitted_from(item: Item) -> Submitted:
    return Submitted(
        gallery_id=keys.id_in(item["pk"]),
        user_id=item["user"],
        selection_id=keys.id_in(item["sk"]),
        at=item["at"],
        pictures=tuple(item["pictures"]),
        name=item.get("name"),
        address=item.get("address"),
        message=item.get("message"),
    )


def sent_by(user_id: str, *, limit: int, after: Item | None = None) -> Page:
    """What somebody sent to photographers, also of a selection he has no more."""
    return listing(keys.sent_by(user_id), limit=limit, after=after)


def submitted_of(gallery_id: str, *, limit: int, after: Mapping[str, Any] | None = None) -> Page:
    first = keys.submitted_to(gallery_id)
    start = None if after is None else Key(after["pk"], after["sk"])
    return family(first, first.sk, limit=limit, after=start)
