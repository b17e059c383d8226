"""Galleries as their visitors find them: which there are, the door, the pictures inside."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_bytes

from foyer import passwords
from foyer.credentials import Entropy, Pass, joined
from foyer.operations import doors, sessions, shopping
from foyer.operations.sessions import Visitor, cost
from foyer.rules.carts import Product, Thing
from foyer.rules.galleries import Door, Entry, Gallery, Picture, forgiven, visible
from foyer.rules.invitations import Invitation
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY, HOUR
from foyer.rules.users import User, logon_id
from foyer.storage import catalogue, digests, grants, keys, limits, requests, users
from foyer.storage.limits import Limit
from foyer.storage.requests import AccessRequest
from foyer.storage.secrets import site_key
from foyer.storage.table import Item, read, write

QUERIES = 5  # for one page at most, where many pictures are hidden


@dataclass(frozen=True)
class Front:
    """What the home page shows."""

    galleries: tuple[Gallery, ...]
    products: tuple[Product, ...]


def front(visitor: Visitor, limit: int, now: int) -> Front:
    found, _ = public(now, limit=limit)
    page = shopping.products(visitor, None, now, limit=limit, after=None)
    return Front(tuple(found), page.items)


def public(now: int, *, limit: int, after: Item | None = None) -> tuple[list[Gallery], Item | None]:
    """A page of those that are listed for everybody, the newest first; not all are open."""
    page = catalogue.public_galleries(limit, after)
    found = [catalogue.gallery(item) for item in page.items]
    return [gallery for gallery in found if not gallery.is_over(now)], page.last


@dataclass(frozen=True)
class Seen:
    gallery: Gallery
    entry: Entry


def see(visitor: Visitor, gallery_id: str, now: int) -> Seen:
    """A gallery and how its door stands. NOT_FOUND where to this visitor there is none."""
    gallery, rows = doors.read_gallery(visitor, gallery_id, now)
    found = doors.at(visitor, gallery_id, gallery, rows, now)
    if gallery is None or found.door is Door.HIDDEN:
        raise Refusal(Reason.NOT_FOUND)
    return Seen(gallery, found)


@dataclass(frozen=True)
class Room:
    """A gallery whose door is open, what this visitor may do there, some of its pictures and what
    is for sale of them. `more_after` names the picture behind which the next ones hang."""

    gallery: Gallery
    entry: Entry
    pictures: tuple[Picture, ...]
    products: Mapping[str, Product]
    more_after: str | None


def enter(
    visitor: Visitor, gallery_id: str, now: int, *, limit: int, after: str | None = None
) -> Room:
    """The first `limit` pictures, or those behind the picture `after`. Refuses as the door stands:
    NOT_FOUND, DOOR_PASSWORD, DOOR_SIGN_IN, NOT_INVITED."""
    hung: list[Picture] = []
    more = True
    if after is None and not doors.keys_by_cookie(visitor, gallery_id):
        gallery, hung, more = catalogue.gallery_with_pictures(gallery_id, limit)
        found = doors.look(visitor, gallery, {}, now)
    else:
        gallery, rows = doors.read_gallery(visitor, gallery_id, now)
        found = doors.at(visitor, gallery_id, gallery, rows, now)
    doors.refuse_closed(found)
    assert gallery is not None  # noqa: S101 - else its door is not open
    seen = visible(hung)
    place = hung[-1].id if hung else after
    for _ in range(QUERIES):
        if len(seen) >= limit or not more:
            break
        hung, more = catalogue.pictures_after(gallery_id, place, limit)
        seen += visible(hung)
        place = hung[-1].id if hung else place
    more, seen = more or len(seen) > limit, seen[:limit]
    # the last one shown: a hidden picture is named nowhere
    last = (seen[-1].id if seen else place) if more else None
    things = [Thing(p) for p in dict.fromkeys(p for picture in seen for p in picture.products)]
    known = catalogue.known(catalogue.look_up(things))
    active = {id_: product for id_, product in known.products.items() if product.active}
    return Room(gallery, found, tuple(seen), active, last)


# ---- the password --------------------------------------------------------------------------------


def open_door(visitor: Visitor, gallery_id: str, password: str, now: int) -> None:
    """A pass for who knows the gallery's password, kept by his browser alone: no identity is made
    and nothing of him is written (P10, R11). Refuses NOT_FOUND where there is no such door,
    TOO_MANY_GUESSES, WRONG_PASSWORD."""
    key = keys.gallery_password(gallery_id)
    gallery, rows = doors.read_gallery(visitor, gallery_id, now, more=[key])
    found = doors.at(visitor, gallery_id, gallery, rows, now)
    if gallery is None or found.door is Door.HIDDEN or gallery.access != "password":
        raise Refusal(Reason.NOT_FOUND)
    _count_guess(visitor, gallery, now)
    stored = catalogue.password_of(gallery, rows)
    if not passwords.verify(forgiven(password), stored, cost()).right:
        raise Refusal(Reason.WRONG_PASSWORD, pointer="#/password")
    until = now + POLICY.galleries.pass_days * DAY
    held = Pass.read_all(site_key(now), visitor.passes, now)
    others = [one for one in held if one.gallery_id != gallery.id]
    passes = [Pass(gallery.id, gallery.password_id or "", until), *others]
    visitor.new_passes = joined(passes[: POLICY.galleries.passes], site_key(now))
    visitor.passes = visitor.new_passes


def _count_guess(visitor: Visitor, gallery: Gallery, now: int) -> None:
    """Before anything is compared. Many guesses at one gallery leave each source fewer of its own,
    and never close the door to everybody (0.12); who holds a pass counts for himself."""
    rules = POLICY.galleries
    many = False
    if not any(p.gallery_id == gallery.id for p in _passes(visitor, now)):
        unlimited = Limit("door-gallery", gallery.id, 1_000_000_000, HOUR)
        number = limits.count(unlimited, now)
        many = number is None or number > rules.tries_per_gallery_per_hour
    most = rules.tries_when_many if many else rules.tries_per_source
    subject = f"{gallery.id} {visitor.source}"
    limit = Limit("door-source", subject, most, rules.tries_window_seconds)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_GUESSES, retry_after=limit.retry_after(now))


def _passes(visitor: Visitor, now: int) -> list[Pass]:
    return Pass.read_all(site_key(now), visitor.passes, now) if visitor.passes else []


# ---- asking to be let in -------------------------------------------------------------------------


def ask_access(
    visitor: Visitor,
    gallery_id: str,
    address: str,
    message: str | None,
    now: int,
    entropy: Entropy = token_bytes,  # noqa: ARG001 - as every operation that writes
) -> None:
    """Tells the photographer, in his next digest, who would like to be invited (A12). The same
    answer for every address; to who may not even know of the gallery, NOT_FOUND."""
    gallery, rows = doors.read_gallery(visitor, gallery_id, now)
    found = doors.at(visitor, gallery_id, gallery, rows, now)
    if gallery is None or found.door is Door.HIDDEN:
        raise Refusal(Reason.NOT_FOUND)
    most = POLICY.galleries.requests_per_source_per_hour
    limit = Limit("access", visitor.source, most)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_REQUESTS, retry_after=limit.retry_after(now))
    asked = AccessRequest(gallery.id, logon_id(address), address, message, now)
    write(
        requests.put(asked, now),
        digests.ask(gallery.path, now, kind="access", about=gallery.id),
    )


# ---- galleries shared with me --------------------------------------------------------------------


@dataclass(frozen=True)
class Shared:
    """A gallery somebody was invited to. `gallery` is None while his address is not proved: then
    only that there is one is told (0.9)."""

    gallery_id: str
    gallery: Gallery | None
    entry: Entry


def shared_with(
    visitor: Visitor, now: int, *, limit: int, after: Item | None = None
) -> tuple[list[Shared], Item | None]:
    """A page of every gallery this client may enter by invitation: first those he took, then those
    that name the address he has, however long before his account (0.8)."""
    wanted = visitor.row_keys()[:1] if visitor.bearer else []
    user, _ = sessions.signed_in(visitor, read(wanted, consistent=True) if wanted else {}, now)
    start = dict(after or {})
    found: list[Shared] = []
    if start.pop("phase", "held") == "held":
        page = grants.held_by(user.id, limit=limit, after=start or None)
        held = [one for item in page.items if (one := grants.held_from(item)) is not None]
        found = _galleries(visitor, user, [one.gallery_id for one in held], now)
        if page.last is not None:
            return found, {**page.last, "phase": "held"}
        if len(found) >= limit:
            return found, {"phase": "named"}
        start = {}
    rest = grants.naming(user.email or "", limit=limit - len(found), after=start or None)
    named = [i for item in rest.items if (i := grants.from_item(item)) is not None]
    following = None if rest.last is None else {**rest.last, "phase": "named"}
    fresh = [one for one in named if one.bound_to is None]
    if user.is_proved:
        found += _galleries(visitor, user, [one.gallery_id for one in fresh], now)
    else:
        closed = Entry(Door.SIGN_IN)
        found += [Shared(one.gallery_id, None, closed) for one in _unbound(user, fresh, now)]
    return found, following


def _unbound(user: User, named: list[Invitation], now: int) -> list[Invitation]:
    address = keys.email(user.email or "")
    row = read([address], consistent=True).get(address) if named else None
    return [one for one in named if one.admits(now, void_until=users.left_at(row))]


def _galleries(visitor: Visitor, user: User, ids: list[str], now: int) -> list[Shared]:
    """Of these galleries those whose door is open to him."""
    if not ids:
        return []
    wanted = [*(keys.gallery(id_) for id_ in ids), *doors.keys_of(user, ids, now)]
    rows = read(wanted, consistent=False)
    found = []
    for id_ in ids:
        gallery = doors.gallery_in(rows, id_)
        entry = doors.look(visitor, gallery, rows, now)
        if gallery is not None and entry.is_open:
            found.append(Shared(id_, gallery, entry))
    return found
