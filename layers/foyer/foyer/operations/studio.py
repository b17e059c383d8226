"""What photographers do with galleries: make them, hang pictures, look at what clients send. Each
within the organizations his role reaches; anything else is not there to him."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer import passwords
from foyer.credentials import Entropy, new_id
from foyer.operations import doors, places
from foyer.operations.sessions import RETRIES, Visitor, attempt_of, cost
from foyer.operations.staff import acting
from foyer.rules.galleries import (
    Access,
    Gallery,
    Picture,
    Rights,
    Transfers,
    Visibility,
    default_rights,
    forgiven,
)
from foyer.rules.invitations import Invitation
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, reach
from foyer.rules.users import User
from foyer.storage import catalogue, grants, keys, requests, selections, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.keys import Key
from foyer.storage.requests import AccessRequest
from foyer.storage.selections import Submitted
from foyer.storage.table import Change, ConditionFailed, Item, Page, read, write

PRODUCTS = 40  # of one gallery: their lists change with its door, in one transaction
SWEPT = 20  # rows taken away in one transaction
NUMBER = 4  # hexadecimal digits that count the pictures hung within a second


def hanging(
    visitor: Visitor,
    gallery_id: str,
    now: int,
    *,
    more: Sequence[Key] = (),
    changing: bool = False,
    leaving: bool = False,
) -> tuple[User, Gallery, Mapping[Key, Item]]:
    """The photographer who asks, his gallery, and the rows that were read with them. Any other
    gallery is NOT_FOUND, and so is one that is being taken away, unless `leaving`."""
    wanted = [keys.gallery(gallery_id), *more]
    actor, rows = acting(visitor, now, more=wanted, changing=changing)
    gallery = doors.gallery_in(rows, gallery_id)
    if gallery is None or reach(actor.roles, Power.HANG, gallery.path) is None:
        raise Refusal(Reason.NOT_FOUND)
    if gallery.leaving and not leaving:
        raise Refusal(Reason.NOT_FOUND)
    return actor, gallery, rows


def galleries(
    visitor: Visitor,
    now: int,
    *,
    limit: int,
    organization_id: str | None = None,
    after: Item | None = None,
) -> tuple[list[Gallery], Item | None]:
    """A page of those he looks after, one organization after the other, the newest first; those
    that are being taken away among them, for somebody must go on with that."""
    ids = places.reached(visitor, Power.HANG, organization_id, now)

    def of(id_: str, most: int, behind: Item | None) -> Page:
        return catalogue.galleries_of(id_, limit=most, after=behind)

    page = places.through(ids, of, limit=limit, after=after)
    wanted = [keys.gallery(keys.id_in(item["pk"])) for item in page.items]
    rows = read(wanted, consistent=False) if wanted else {}
    return [catalogue.gallery(rows[key]) for key in wanted if key in rows], page.last


def see(visitor: Visitor, gallery_id: str, now: int) -> Gallery:
    _, gallery, _ = hanging(visitor, gallery_id, now)
    return gallery


@dataclass(frozen=True)
class Wish:
    """What is said of a gallery. What is None is not said; what is in `cleared` goes."""

    title: str | None = None
    visibility: Visibility | None = None
    access: Access | None = None
    password: str | None = None
    expires_at: int | None = None
    transfers: Transfers | None = None
    everybody: Rights | None = None
    quota: int | None = None
    cover: str | None = None
    cleared: frozenset[str] = frozenset()


def create(
    visitor: Visitor,
    wish: Wish,
    organization_id: str | None,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Gallery:
    """Another gallery, empty, of the studio named or the one he works for. Refuses NOT_FOUND for an
    organization out of reach, INVALID_INPUT for a password door without a password."""
    attempt = attempt_of(visitor, once, "galleries")
    more = [attempt.row_key] if attempt else []
    if organization_id is not None:
        more.append(keys.organization(organization_id))
    actor, rows = acting(visitor, now, more=more, changing=True)
    if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
        made_id = rows[attempt.row_key].get("made", "")
        made = doors.gallery_in(read([keys.gallery(made_id)], consistent=True), made_id)
        if made is None:  # taken away since
            raise Refusal(Reason.NOT_FOUND)
        return made
    studio = places.chosen(actor, Power.HANG, organization_id, rows)
    bare = Gallery(new_id(entropy), wish.title or "", studio.name, "private", "login")
    access = wish.access or "login"
    everybody = wish.everybody or default_rights(access)
    bare = replace(bare, path=studio.path, made_at=now, everybody=everybody)
    gallery, password = _wished(bare, wish, entropy)
    records = [attempt.record(now, made=gallery.id)] if attempt else []
    try:
        write(
            users.acts(actor),
            catalogue.put_gallery(gallery),
            catalogue.list_for_studio(gallery),
            *_password(gallery, password, now),
            *records,
        )
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed
    return gallery


def _wished(gallery: Gallery, wish: Wish, entropy: Entropy) -> tuple[Gallery, str | None]:
    """The gallery as it is wished for, and the password that is new. Another password closes every
    pass of the one before; so does another kind of door, whose password is none any more."""
    access = wish.access or gallery.access
    everybody = wish.everybody or gallery.everybody
    if wish.everybody is None and access != gallery.access:
        everybody = replace(everybody, enter=default_rights(access).enter)
    after = replace(
        gallery,
        title=wish.title or gallery.title,
        visibility=wish.visibility or gallery.visibility,
        access=access,
        expires_at=None if "expires_at" in wish.cleared else wish.expires_at or gallery.expires_at,
        transfers=wish.transfers or gallery.transfers,
        everybody=everybody,
        quota=None if "quota" in wish.cleared else wish.quota or gallery.quota,
        cover=None if "cover" in wish.cleared else wish.cover or gallery.cover,
    )
    if after.access != "password":
        return replace(after, password_id=None), None
    if wish.password is not None:
        return replace(after, password_id=new_id(entropy)), wish.password
    if after.password_id is None:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/password")
    return after, None


def _password(gallery: Gallery, password: str | None, now: int) -> list[Change]:
    if password is None:
        return []
    kept = passwords.hashed(forgiven(password), cost())
    return [catalogue.put_gallery_password(gallery, kept, now)]


def change(
    visitor: Visitor,
    gallery_id: str,
    wish: Wish,
    now: int,
    *,
    if_match: frozenset[str] | None = None,
    entropy: Entropy = token_bytes,
) -> Gallery:
    """The gallery as it is wished for. Its products are listed where its door lets them be seen.
    Refuses VERSION_MISMATCH where `if_match` names another version."""
    for _ in range(RETRIES + 1):
        actor, gallery, _ = hanging(visitor, gallery_id, now, changing=True)
        if if_match is not None and not if_match & {"*", str(gallery.version)}:
            raise Refusal(Reason.VERSION_MISMATCH)
        after, password = _wished(gallery, wish, entropy)
        if after == gallery:
            return gallery
        after = replace(after, version=gallery.version + 1)
        try:
            write(
                users.acts(actor),
                catalogue.put_gallery(after, gallery),
                *_password(after, password, now),
                *_relisted(gallery, after),
            )
        except ConditionFailed:
            continue
        return after
    raise Refusal(Reason.BUSY, retry_after=1)


def _relisted(before: Gallery, after: Gallery) -> list[Change]:
    """Its products, where lists must show them otherwise. Refuses TOO_MANY_PRODUCTS."""
    seen = [(g.visibility, g.access, g.expires_at, g.leaving) for g in (before, after)]
    if seen[0] == seen[1]:
        return []
    page = catalogue.products_in(before.id, limit=PRODUCTS)
    if page.last is not None:
        raise Refusal(Reason.TOO_MANY_PRODUCTS)
    wanted = [catalogue.product_of(pointer) for pointer in page.items]
    rows = read(wanted, consistent=True) if wanted else {}
    sold = [row for row in rows.values() if row["active"]]
    return [catalogue.relist_product(item, after) for item in sold]


def delete(
    visitor: Visitor, gallery_id: str, now: int, *, time_is_left: Callable[[], bool]
) -> bool:
    """Takes the gallery away: at once nobody finds it any more, then what is in it goes, its own
    row last. True once all is gone; where time ran out, asked again it goes on."""
    for _ in range(RETRIES + 1):
        actor, gallery, _ = hanging(visitor, gallery_id, now, changing=True, leaving=True)
        if gallery.leaving:
            break
        leaving = replace(gallery, leaving=True, version=gallery.version + 1)
        try:
            write(users.acts(actor), catalogue.put_gallery(leaving, gallery))
        except ConditionFailed:
            continue
        gallery = leaving
        break
    else:
        raise Refusal(Reason.BUSY, retry_after=1)
    while time_is_left():
        rest = catalogue.rest_of_gallery(gallery_id, SWEPT)
        if not rest:
            with suppress(ConditionFailed):  # somebody else did it meanwhile
                write(*catalogue.delete_gallery(gallery))
            return True
        bound = {one.bound_to for item in rest if (one := _grant(item)) is not None}
        gone = [change for item in rest for change in catalogue.take_away(item)]
        gone += [grants.take_away_from(id_, gallery_id) for id_ in sorted(filter(None, bound))]
        write(*gone)
    return False


def _grant(item: Item) -> Invitation | None:
    return grants.from_item(item) if keys.is_grant(item["sk"]) else None


# ---- pictures ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewPicture:
    title: str
    src: str
    products: tuple[str, ...] = ()
    hidden: bool = False


def pictures(
    visitor: Visitor, gallery_id: str, now: int, *, limit: int, after: str | None = None
) -> tuple[Gallery, list[Picture], str | None]:
    """A page of its pictures, hidden ones among them, in the order they were hung; and the last one
    shown, where there are more."""
    _, gallery, _ = hanging(visitor, gallery_id, now)
    found, more = catalogue.pictures_after(gallery_id, after, limit)
    return gallery, found, found[-1].id if more and found else None


def hang(
    visitor: Visitor,
    gallery_id: str,
    wanted: Sequence[NewPicture],
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> list[Picture]:
    """So many pictures more, at most 20 at once, behind those that hang there. Refuses
    UNKNOWN_PRODUCT for a product that cannot be made of a picture here."""
    attempt = attempt_of(visitor, once, f"pictures#{gallery_id}")
    more = [attempt.row_key] if attempt else []
    actor, gallery, rows = hanging(visitor, gallery_id, now, more=more, changing=True)
    if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
        made = str(rows[attempt.row_key].get("made", "")).split()
        found = read([keys.picture(gallery_id, id_) for id_ in made], consistent=True)
        return [catalogue.picture(row) for _, row in sorted(found.items())]
    _check_products(gallery, [id_ for one in wanted for id_ in one.products])
    # ids in the order of hanging, also within a second: pictures are shown by them
    second = f"{now:010x}"
    last = catalogue.last_picture(gallery_id, second)
    first = 0 if last is None else int(last[len(second) :][:NUMBER], 16) + 1
    hung = [
        Picture(
            f"{second}{number:0{NUMBER}x}{new_id(entropy)[:10]}",
            gallery_id,
            one.title,
            one.src,
            one.products,
            one.hidden,
        )
        for number, one in enumerate(wanted, first)
    ]
    made_ids = " ".join(picture.id for picture in hung)
    records = [attempt.record(now, made=made_ids)] if attempt else []
    try:
        write(
            users.acts(actor),
            catalogue.still_there(gallery),
            *(catalogue.put_picture(picture, new=True) for picture in hung),
            *records,
        )
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed
    return hung


def _check_products(gallery: Gallery, ids: Sequence[str]) -> None:
    wanted = [keys.product(id_) for id_ in dict.fromkeys(ids)]
    known = catalogue.known(read(wanted, consistent=True) if wanted else {}).products
    for id_ in ids:
        product = known.get(id_)
        if product is None or product.gallery_id not in {None, gallery.id}:
            raise Refusal(Reason.UNKNOWN_PRODUCT, pointer="#/products")


@dataclass(frozen=True)
class PictureWish:
    """What is said of a picture; what is None stays."""

    title: str | None = None
    src: str | None = None
    products: tuple[str, ...] | None = None
    hidden: bool | None = None


def change_picture(
    visitor: Visitor, gallery_id: str, picture_id: str, wish: PictureWish, now: int
) -> Picture:
    key = keys.picture(gallery_id, picture_id)
    actor, gallery, rows = hanging(visitor, gallery_id, now, more=[key], changing=True)
    if key not in rows:
        raise Refusal(Reason.NOT_FOUND)
    picture = catalogue.picture(rows[key])
    if wish.products is not None:
        _check_products(gallery, wish.products)
    said = {name: value for name, value in vars(wish).items() if value is not None}
    if not said:
        return picture
    after = replace(picture, **said)
    try:
        write(users.acts(actor), catalogue.change_picture(after, said))
    except ConditionFailed as failed:
        raise Refusal(Reason.NOT_FOUND) from failed
    return after


def take_down(visitor: Visitor, gallery_id: str, picture_id: str, now: int) -> None:
    """Once more is the same."""
    actor, _, _ = hanging(visitor, gallery_id, now, changing=True)
    try:
        write(users.acts(actor), catalogue.take_down(gallery_id, picture_id))
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed


# ---- what clients send ---------------------------------------------------------------------------


def access_requests(
    visitor: Visitor, gallery_id: str, now: int, *, limit: int, after: Item | None = None
) -> tuple[list[tuple[str, AccessRequest]], Item | None]:
    """Who would like to be invited, by the id of each."""
    hanging(visitor, gallery_id, now)
    page = requests.of_gallery(gallery_id, limit=limit, after=after)
    return [requests.from_item(item) for item in page.items if item["expires"] > now], page.last


def dismiss(visitor: Visitor, gallery_id: str, request_id: str, now: int) -> None:
    """The request is gone; whoever made it is told nothing."""
    actor, _, _ = hanging(visitor, gallery_id, now, changing=True)
    try:
        write(users.acts(actor), requests.drop(gallery_id, request_id))
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed


@dataclass(frozen=True)
class Received:
    """A selection that was sent to the photographer, with its pictures as they hang now."""

    submitted: Submitted
    pictures: tuple[Picture, ...]


def received(
    visitor: Visitor, gallery_id: str, now: int, *, limit: int, after: Item | None = None
) -> tuple[list[Received], Item | None]:
    hanging(visitor, gallery_id, now)
    page = selections.submitted_of(gallery_id, limit=limit, after=after)
    there = [item for item in page.items if item.get("expires", now + 1) > now]
    found = [selections.submitted_from(item) for item in there]
    wanted = [keys.picture(gallery_id, id_) for one in found for id_ in one.pictures]
    rows = read(wanted, consistent=False) if wanted else {}
    return [
        Received(
            one,
            tuple(
                catalogue.picture(rows[key])
                for id_ in one.pictures
                if (key := keys.picture(gallery_id, id_)) in rows
            ),
        )
        for one in found
    ], page.last


def put_away(visitor: Visitor, gallery_id: str, user_id: str, selection_id: str, now: int) -> None:
    """A selection that was sent is in the list no more; whoever sent it keeps his own."""
    actor, _, _ = hanging(visitor, gallery_id, now, changing=True)
    try:
        write(users.acts(actor), selections.unsubmit(gallery_id, user_id, selection_id))
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed
