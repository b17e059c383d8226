"""Selections: kept together by a guest or a client, shown to others, sent to the photographer. What
anybody sees in one is what he may see in its galleries (mission 0.12, P8, P11)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, KeyRing, Token, derived, new_id
from foyer.operations import doors
from foyer.operations.sessions import RETRIES, Visitor, mint
from foyer.rules.galleries import Gallery, Picture
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.selections import UNNAMED, Kept, Selection, check_room, galleries_of
from foyer.rules.sessions import DAY, Level
from foyer.rules.users import User
from foyer.storage import catalogue, digests, keys, limits, selections, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.keys import Key
from foyer.storage.limits import Limit
from foyer.storage.secrets import site_key
from foyer.storage.selections import Submitted
from foyer.storage.table import Change, Check, ConditionFailed, Item, read, write


def _owner(
    visitor: Visitor, rows: Mapping[Key, Item], now: int, *, changing: bool = False
) -> User | None:
    """The guest or client whose selections these are; None for the generic user. Refuses
    SIGN_IN_AGAIN to who is only remembered (0.14)."""
    user = visitor.recognise(rows, now, changing=changing)
    if visitor.level is Level.REMEMBERED:
        raise Refusal(Reason.SIGN_IN_AGAIN)
    return user


def _still(visitor: Visitor, user: User) -> list[Check]:
    """A guest has not ended meanwhile: what he adds would be nobody's."""
    return [users.still_guest(user)] if visitor.level is Level.GUEST else []


def _mine(visitor: Visitor, more: Sequence[Key] = ()) -> Mapping[Key, Item]:
    wanted = [*visitor.row_keys()[:1], *more]
    return read(wanted, consistent=True) if wanted else {}


def _stored(visitor: Visitor, selection_id: str, rows: Mapping[Key, Item]) -> Selection | None:
    if visitor.bearer is None:
        return None
    return selections.from_item(rows.get(keys.selection(visitor.bearer.user_id, selection_id)))


def _key(visitor: Visitor, selection_id: str) -> list[Key]:
    if visitor.bearer is None:
        return []
    return [keys.selection(visitor.bearer.user_id, selection_id)]


def listed(
    visitor: Visitor, now: int, *, limit: int, after: Key | None = None
) -> tuple[list[Selection], Item | None]:
    """A page of his selections; the generic user has none."""
    if _owner(visitor, _mine(visitor), now) is None or visitor.user is None:
        return [], None
    page = selections.of_user(visitor.user.id, limit=limit, after=after)
    found = [one for item in page.items if (one := selections.from_item(item)) is not None]
    return found, page.last


def create(
    visitor: Visitor,
    name: str | None,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Selection:
    """Another selection of a client; a guest's one, which this may make, and the guest with it. A
    name is for clients alone: theirs are kept apart by it."""
    bearer = visitor.bearer
    attempt = once.of(bearer.user_id if bearer else None, "selections")
    more = [*_key(visitor, UNNAMED), *([attempt.row_key] if attempt else [])]
    rows = _mine(visitor, more)
    user = _owner(visitor, rows, now, changing=True)
    if user is None or visitor.level is Level.GUEST or name is None:
        own = _stored(visitor, UNNAMED, rows) if user is not None else None
        try:
            return own or _first(visitor, user, frozenset(), now, entropy)
        except ConditionFailed as failed:
            made = selections.from_item(failed.items[0])  # another tab of his was quicker
            if made is None:
                raise Refusal(Reason.BUSY, retry_after=1) from failed
            return made
    if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
        made = rows[attempt.row_key].get("made", "")
        found = selections.from_item(
            read([keys.selection(user.id, made)], consistent=True).get(
                keys.selection(user.id, made)
            )
        )
        if found is not None:
            return found
    limit = Limit("selections", user.id, POLICY.selections.most, DAY)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_SELECTIONS, retry_after=limit.retry_after(now))
    selection = Selection(new_id(entropy), name, version=1, made_at=now)
    records = [attempt.record(now, made=selection.id)] if attempt else []
    try:
        write(selections.put(user.id, selection), *records)
    except ConditionFailed as failed:
        if failed.items[0] is not None:  # by our own first attempt: nobody else knows its id
            return selection
        raise Refusal(Reason.BUSY, retry_after=1) from failed
    return selection


def _first(
    visitor: Visitor,
    user: User | None,
    pictures: frozenset[Kept],
    now: int,
    entropy: Entropy,
) -> Selection:
    """The unnamed selection, with the guest where there is none yet."""
    selection = Selection(UNNAMED, None, pictures, version=1, made_at=now)
    if user is not None:
        try:
            write(selections.put(user.id, selection), *_still(visitor, user))
        except ConditionFailed as failed:
            if len(failed.items) > 1 and failed.items[1] is not None:
                raise Refusal(Reason.SESSION_CHANGED) from failed
            raise
        return selection
    guest = mint(visitor, now, entropy)
    try:
        write(users.new_guest(guest), selections.put(guest.id, selection))
    except Exception:
        visitor.minted = None  # no cookie for a guest who may not exist
        raise
    visitor.user = guest
    return selection


@dataclass(frozen=True)
class Shown:
    """A picture of a selection, as far as this visitor may see it now: `picture` is None where it
    went away or its gallery's door is closed to him."""

    kept: Kept
    gallery: Gallery | None
    picture: Picture | None


@dataclass(frozen=True)
class View:
    selection: Selection
    pictures: tuple[Shown, ...]


def see(visitor: Visitor, selection_id: str, now: int) -> View:
    """One of his, with its pictures. NOT_FOUND for any other."""
    rows = _mine(visitor, _key(visitor, selection_id))
    user = _owner(visitor, rows, now)
    selection = _stored(visitor, selection_id, rows) if user is not None else None
    if selection is None:
        raise Refusal(Reason.NOT_FOUND)
    return View(selection, _shown(visitor, selection, now))


def _shown(visitor: Visitor, selection: Selection, now: int) -> tuple[Shown, ...]:
    """By his own rights, never by those of who made it."""
    ids = galleries_of(selection.pictures)
    kept = sorted(selection.pictures)
    wanted = [
        *(keys.gallery(id_) for id_ in ids),
        *doors.keys_of(visitor.user if visitor.level is Level.SIGNED_IN else None, ids, now),
        *(keys.picture(one.gallery_id, one.picture_id) for one in kept),
    ]
    rows = read(wanted, consistent=True) if wanted else {}
    open_ = {
        id_: gallery
        for id_ in ids
        if (gallery := doors.gallery_in(rows, id_)) is not None
        and doors.look(visitor, gallery, rows, now).is_open
    }
    shown = []
    for one in kept:
        row = rows.get(keys.picture(one.gallery_id, one.picture_id))
        picture = None if row is None or one.gallery_id not in open_ else catalogue.picture(row)
        if picture is not None and picture.hidden:
            picture = None
        shown.append(Shown(one, open_.get(one.gallery_id), picture))
    return tuple(shown)


Decide = Callable[[User, Selection], Sequence[Change]]


def _change(
    visitor: Visitor,
    selection_id: str,
    decide: Decide,
    now: int,
    if_match: frozenset[str] | None = None,
) -> Selection:
    """One change of a selection of his, while it is the version that was read: three times, then
    BUSY. Refuses VERSION_MISMATCH where `if_match` names another."""
    for _ in range(RETRIES + 1):
        rows = _mine(visitor, _key(visitor, selection_id))
        user = _owner(visitor, rows, now, changing=True)
        selection = _stored(visitor, selection_id, rows) if user is not None else None
        if user is None or selection is None:
            raise Refusal(Reason.NOT_FOUND)
        if if_match is not None and not if_match & {"*", str(selection.version)}:
            raise Refusal(Reason.VERSION_MISMATCH)
        changes = decide(user, selection)
        if not changes:
            return selection
        try:
            write(*changes, *_still(visitor, user))
        except ConditionFailed:
            continue
        return replace(selection, version=selection.version + 1)
    raise Refusal(Reason.BUSY, retry_after=1)


def rename(
    visitor: Visitor,
    selection_id: str,
    name: str,
    now: int,
    *,
    if_match: frozenset[str] | None = None,
) -> Selection:
    """Another name, of one that has a name: the unnamed one stays so. Refuses INVALID_INPUT."""
    if selection_id == UNNAMED:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/name")

    def decide(user: User, selection: Selection) -> Sequence[Change]:
        return [] if selection.name == name else [selections.change(user.id, selection, name=name)]

    return replace(_change(visitor, selection_id, decide, now, if_match), name=name)


def delete(visitor: Visitor, selection_id: str, now: int) -> None:
    """Gone; once more is the same. What was sent to a photographer stays with him."""

    def decide(user: User, selection: Selection) -> Sequence[Change]:
        return [selections.drop(user.id, selection)]

    rows = _mine(visitor, _key(visitor, selection_id))
    if _owner(visitor, rows, now, changing=True) is None:
        raise Refusal(Reason.NOT_FOUND)
    if _stored(visitor, selection_id, rows) is None:
        return
    try:
        _change(visitor, selection_id, decide, now)
    except Refusal as refusal:
        if refusal.reason is not Reason.NOT_FOUND:  # gone meanwhile, perhaps by our first attempt
            raise


# ---- its pictures --------------------------------------------------------------------------------


def add(
    visitor: Visitor,
    selection_id: str,
    kept: Kept,
    now: int,
    *,
    if_match: frozenset[str] | None = None,
    entropy: Entropy = token_bytes,
) -> None:
    """Keeps a picture; once more is the same. The first into the unnamed selection makes that, and
    the guest where there is none. Refuses NOT_FOUND for what this visitor may not see,
    SELECTION_FULL, SELECTION_QUOTA."""
    hung = [
        keys.gallery(kept.gallery_id),
        keys.picture(kept.gallery_id, kept.picture_id),
        *doors.keys_by_cookie(visitor, kept.gallery_id),
    ]
    for _ in range(RETRIES + 1):
        rows = _mine(visitor, [*hung, *_key(visitor, selection_id)])
        user = _owner(visitor, rows, now, changing=True)
        gallery = _hung(visitor, kept, rows, now)
        before = _stored(visitor, selection_id, rows) if user is not None else None
        if before is None and selection_id != UNNAMED:
            raise Refusal(Reason.NOT_FOUND)
        if if_match is not None and (before is None or not if_match & {"*", str(before.version)}):
            raise Refusal(Reason.VERSION_MISMATCH)
        check_room(before or Selection(UNNAMED), kept, gallery.quota, POLICY.selections)
        if before is not None and kept in before.pictures:
            return
        try:
            if before is None or user is None:
                _first(visitor, user, frozenset({kept}), now, entropy)
            else:
                write(selections.add(user.id, before, kept), *_still(visitor, user))
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def _hung(visitor: Visitor, kept: Kept, rows: Mapping[Key, Item], now: int) -> Gallery:
    """The gallery of a picture this visitor may see; NOT_FOUND for any other."""
    gallery = doors.gallery_in(rows, kept.gallery_id)
    row = rows.get(keys.picture(kept.gallery_id, kept.picture_id))
    found = doors.at(visitor, kept.gallery_id, gallery, rows, now)
    if gallery is None or not found.is_open or row is None or catalogue.picture(row).hidden:
        raise Refusal(Reason.NOT_FOUND)
    return gallery


def remove(
    visitor: Visitor,
    selection_id: str,
    kept: Kept,
    now: int,
    *,
    if_match: frozenset[str] | None = None,
) -> None:
    """Keeps it no longer; what is not there is not there."""

    def decide(user: User, selection: Selection) -> Sequence[Change]:
        if kept not in selection.pictures:
            return []
        return [selections.remove(user.id, selection, kept)]

    _change(visitor, selection_id, decide, now, if_match)


# ---- showing it to others ------------------------------------------------------------------------


def _ring(now: int) -> KeyRing:
    """Links people keep and hand on: the site's own key, for they last as long as the selection."""
    return KeyRing("1", {"1": derived(site_key(now), "selection links")})


def share(visitor: Visitor, selection_id: str, now: int, entropy: Entropy = token_bytes) -> str:
    """The token of its read-only link: the same while it is shared."""
    made: list[str] = []

    def decide(user: User, selection: Selection) -> Sequence[Change]:
        shared = selection.share_id is not None and selection.shared_at > user.owned_at
        made[:] = [selection.share_id if shared and selection.share_id else new_id(entropy)]
        if shared:
            return []
        return [selections.change(user.id, selection, share=made[0], shared_at=now)]

    _change(visitor, selection_id, decide, now)
    assert visitor.user is not None  # noqa: S101 - it was his
    token = Token.made(_ring(now).key, "sel", visitor.user.id, selection_id, made[0])
    return str(token)


def unshare(visitor: Visitor, selection_id: str, now: int) -> None:
    """The link shows nothing any more; another will be another."""

    def decide(user: User, selection: Selection) -> Sequence[Change]:
        if selection.share_id is None:
            return []
        return [selections.change(user.id, selection, removes=["share"])]

    _change(visitor, selection_id, decide, now)


def shared(visitor: Visitor, text: str, now: int) -> View:
    """What a link shows to whoever opens it: of its pictures those he may see himself, and nothing
    of who made it. Refuses LINK_INVALID."""
    token = Token.parse("sel", text)
    if token is None or not token.is_genuine(_ring(now)):
        raise Refusal(Reason.LINK_INVALID)
    key, whose = keys.selection(token.owner, token.subject), keys.user(token.owner)
    rows = _mine(visitor, [key, whose])
    visitor.recognise(rows, now)
    selection, owner = selections.from_item(rows.get(key)), users.from_item(rows.get(whose))
    good = selection is not None and selection.share_id == token.link_id
    # what somebody else shared before the account came into its owner's hands is not his
    if selection is None or owner is None or not good or selection.shared_at <= owner.owned_at:
        raise Refusal(Reason.LINK_EXPIRED, facts={"next": "ask_again"})
    return View(selection, _shown(visitor, selection, now))


# ---- sending it to the photographer --------------------------------------------------------------


def submit(
    visitor: Visitor,
    selection_id: str,
    now: int,
    *,
    name: str | None = None,
    message: str | None = None,
) -> Selection:
    """Sends it to the photographers of its galleries, each what is of his; they are told in their
    next digest. Once more sends it as it is now. Refuses SELECTION_EMPTY where nothing in it can be
    seen."""
    view = see(visitor, selection_id, now)
    seen: dict[str, list[str]] = {}
    galleries: dict[str, Gallery] = {}
    for shown in view.pictures:
        if shown.picture is not None and shown.gallery is not None:
            seen.setdefault(shown.kept.gallery_id, []).append(shown.kept.picture_id)
            galleries[shown.kept.gallery_id] = shown.gallery
    if not seen:
        raise Refusal(Reason.SELECTION_EMPTY)
    if len(seen) > POLICY.selections.submitted_galleries:
        raise Refusal(Reason.SELECTION_FULL)
    limit = Limit("submit", visitor.source, POLICY.selections.submissions_per_source_per_hour)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_REQUESTS, retry_after=limit.retry_after(now))

    def decide(user: User, selection: Selection) -> Sequence[Change]:
        sent = {**selection.submitted, **dict.fromkeys(seen, now)}
        rows: list[Change] = [selections.change(user.id, selection, submitted=sent)]
        for gallery_id, pictures in seen.items():
            kept = [id_ for id_ in pictures if Kept(gallery_id, id_) in selection.pictures]
            rows.append(
                selections.submit(_submitted(user, selection, gallery_id, kept, name, message, now))
            )
            path = galleries[gallery_id].path
            rows.append(digests.ask(path, now, kind="selection", about=gallery_id))
        return rows

    sent = _change(visitor, selection_id, decide, now)
    return replace(sent, submitted={**sent.submitted, **dict.fromkeys(seen, now)})


def _submitted(
    user: User,
    selection: Selection,
    gallery_id: str,
    pictures: Iterable[str],
    name: str | None,
    message: str | None,
    now: int,
) -> Submitted:
    own = user.profile.name if user.profile is not None and user.status is not None else None
    return Submitted(
        gallery_id=gallery_id,
        user_id=user.id,
        selection_id=selection.id,
        at=now,
        pictures=tuple(pictures),
        name=own or name,
        address=user.address,
        message=message,
    )
