"""Whether a gallery's door is open to a visitor: the rule is `rules/galleries.entry`, here is where
its facts come from. Only rows read by their keys decide (mission 0.8), never a list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from foyer.credentials import Pass
from foyer.operations.sessions import Visitor
from foyer.rules.carts import Known
from foyer.rules.galleries import Door, Entry, Gallery, Rights, entry
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import Level
from foyer.rules.users import User
from foyer.storage import catalogue, grants, keys, users
from foyer.storage.grants import Held
from foyer.storage.keys import Key
from foyer.storage.secrets import site_key
from foyer.storage.table import Item, read

_CLOSED = {
    Door.PASSWORD: Reason.DOOR_PASSWORD,
    Door.SIGN_IN: Reason.DOOR_SIGN_IN,
    Door.NOT_INVITED: Reason.NOT_INVITED,
}


def refuse_closed(found: Entry) -> None:
    """Refuses where the door is not open: NOT_FOUND where there is no gallery to this visitor."""
    if not found.is_open:
        raise Refusal(_CLOSED.get(found.door, Reason.NOT_FOUND))


def keys_by_cookie(visitor: Visitor, gallery_id: str | None) -> list[Key]:
    """What can be read of a door before it is known who comes: the pointer beside the user."""
    bearer = visitor.bearer
    if gallery_id is None or bearer is None or bearer.session_id is None:
        return []
    return [keys.held(bearer.user_id, gallery_id)]


def keys_of(user: User | None, gallery_ids: Iterable[str], now: int) -> list[Key]:
    """What decides for this client: what he holds, and what names the address he has proved."""
    if user is None or user.email is None:
        return []
    ids = sorted(set(gallery_ids))
    wanted = [keys.held(user.id, id_) for id_ in ids]
    if ids and user.is_proved:
        wanted += [keys.grant(id_, grants.id_of_address(id_, user.email, now)) for id_ in ids]
        wanted.append(keys.email(user.email))
    return wanted


def look(
    visitor: Visitor,
    gallery: Gallery | None,
    rows: Mapping[Key, Item],
    now: int,
    *,
    known_by_cookie: bool = False,
) -> Entry:
    """How the door stands for a visitor who was recognised, by the rows of `keys_of` as far as they
    were read. Who is only remembered is nobody here, unless `known_by_cookie`."""
    levels = {Level.SIGNED_IN, Level.REMEMBERED} if known_by_cookie else {Level.SIGNED_IN}
    user = visitor.user if visitor.level in levels else None
    return entry(
        gallery,
        now,
        signed_in=user is not None,
        passed=gallery is not None and _has_pass(visitor, gallery, now),
        grant=None if user is None or gallery is None else _grant(user, gallery, rows, now),
    )


def _held(user: User, gallery_id: str, rows: Mapping[Key, Item]) -> Held | None:
    return grants.held_from(rows.get(keys.held(user.id, gallery_id)))


def _grant(user: User, gallery: Gallery, rows: Mapping[Key, Item], now: int) -> Rights | None:
    held = _held(user, gallery.id, rows)
    if held is not None:
        return held.rights
    if user.email is None or not user.is_proved:
        return None
    id_ = grants.id_of_address(gallery.id, user.email, now)
    invitation = grants.invitation_in(rows, gallery.id, id_)
    address = rows.get(keys.email(user.email))
    if invitation is None or users.owner_of(address) != user.id:
        return None
    admitted = invitation.admits(now, void_until=users.left_at(address))
    return invitation.rights if admitted else None


def _has_pass(visitor: Visitor, gallery: Gallery, now: int) -> bool:
    if gallery.password_id is None or not visitor.passes:
        return False
    held = Pass.read_all(site_key(now), visitor.passes, now)
    return any((p.gallery_id, p.password_id) == (gallery.id, gallery.password_id) for p in held)


def at(
    visitor: Visitor,
    gallery_id: str,
    gallery: Gallery | None,
    rows: Mapping[Key, Item],
    now: int,
) -> Entry:
    """The same, with what names his address read where it may matter and was not yet: also where
    there is no such gallery, for that must look the same."""
    if visitor.user is None or visitor.level is not Level.SIGNED_IN:
        return look(visitor, gallery, rows, now)
    if _held(visitor.user, gallery_id, rows) is None:
        more = [key for key in keys_of(visitor.user, [gallery_id], now) if key not in rows]
        rows = {**rows, **read(more, consistent=True)}
    return look(visitor, gallery, rows, now)


def opened(
    visitor: Visitor, known: Known, rows: Mapping[Key, Item], now: int, *, read_more: bool = False
) -> Known:
    """What is known, with which of its galleries are open to this visitor; his cart he sees also
    while he is only remembered (0.14). With `read_more` what decides is read where it was not."""
    if read_more and visitor.user is not None:
        closed = [
            id_
            for id_, gallery in known.galleries.items()
            if not gallery.is_free and _held(visitor.user, id_, rows) is None
        ]
        more = [key for key in keys_of(visitor.user, closed, now) if key not in rows]
        rows = {**rows, **(read(more, consistent=False) if closed and more else {})}
    open_ = {
        id_
        for id_, gallery in known.galleries.items()
        if look(visitor, gallery, rows, now, known_by_cookie=True).is_open
    }
    return replace(known, open=frozenset(open_))


def gallery_in(rows: Mapping[Key, Item], gallery_id: str) -> Gallery | None:
    row = rows.get(keys.gallery(gallery_id))
    return None if row is None else catalogue.gallery(row)


def read_gallery(
    visitor: Visitor, gallery_id: str, now: int, *, more: Sequence[Key] = (), changing: bool = False
) -> tuple[Gallery | None, Mapping[Key, Item]]:
    """The gallery and what decides about its door, in one call; recognises a client."""
    by_cookie = keys_by_cookie(visitor, gallery_id)
    mine = visitor.row_keys()[:1] if by_cookie or more else []
    rows = read([keys.gallery(gallery_id), *mine, *by_cookie, *more], consistent=True)
    if mine:
        visitor.recognise(rows, now, changing=changing)
    return gallery_in(rows, gallery_id), rows
