"""One gallery, as its photographer sees it: what is said of it, and what hangs there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, quote, urlencode

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import studio
from foyer.operations.studio import NewPicture, PictureWish
from foyer.rules.carts import Product
from foyer.rules.galleries import Gallery, Picture
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import User
from foyer.storage import catalogue
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Body, Id, Source, Title
from skin.page import (
    SCRIPT,
    Kept,
    Page,
    Typed,
    Yes,
    documented,
    form_page,
    page,
    read,
    see_other,
    seen_at,
)
from skin.staff import STAFF, Cursor, Key, once, sent_before
from skin.studio import (
    DEEDS,
    EMPTY,
    GalleryId,
    Where,
    path_of,
    photographer,
    read_form,
    said_of,
    wish_of,
)

router = Router()

PictureId = Annotated[str, InPath(max_length=64)]
Lines = Annotated[str, Form(max_length=14_000)]
Chosen = Annotated[list[str], Form(max_length=50)]

ON_A_PAGE = 20
AT_ONCE = 20  # pictures hung in one go
PRODUCTS = 40  # read of a list, to choose from


@router.get(
    "/staff/galleries/<gallery_id>",
    responses=documented(*STAFF, Reason.INVALID_CURSOR),
    tags=["pages"],
)
def see(gallery_id: GalleryId, cursor: Cursor = None) -> Page:
    return gallery_page(gallery_id, cursor=cursor, done=request().query.get("done", ""))


def gallery_page(
    gallery_id: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    cursor: str | None = None,
    done: str = "",
    hanging: Mapping[str, object] | None = None,
) -> Page:
    """The gallery with what hangs in it. `hanging` is what was typed of its pictures."""
    found = _shown(gallery_id, photographer(), cursor)
    gallery, said = found.gallery, said_of(found.gallery)
    empty: dict[str, object] = {"pictures": "", "products": [], "at": "", "title": "", "src": ""}
    return form_page(
        "studio-gallery.html",
        refusal,
        wrong,
        gallery=gallery,
        act=path_of(gallery_id),
        said=said,
        shown=urlencode(said),
        typed={**EMPTY, **said, **(typed or {})},
        hanging={**empty, **(hanging or {})},
        pictures=found.pictures,
        products=found.products,
        cursor=cursor or "",
        following=found.following,
        now=clock.now(),
        key=new_id(),
        done=done,
    )


@dataclass(frozen=True)
class Shown:
    """A page of the pictures, and what may be offered of them."""

    gallery: Gallery
    pictures: list[Picture]
    products: list[Product]
    following: str | None


def _shown(gallery_id: str, me: User, cursor: str | None) -> Shown:
    visitor, now, query = request().visitor, clock.now(), f"studio pictures {gallery_id}"
    after = cursors.read(cursor, query, me.id, now) or {}
    gallery, found, last = studio.pictures(
        visitor, gallery_id, now, limit=ON_A_PAGE, after=after.get("id")
    )
    following = cursors.sign({"id": last} if last else None, query, me.id, now)
    return Shown(gallery, found, _offered(gallery), following)


def _offered(gallery: Gallery) -> list[Product]:
    """What is made of pictures here: the store-wide products, then the gallery's own."""
    rows = [row for of in (None, gallery) for row in _listed(of)]
    products = {one.id: one for one in map(catalogue.product, rows)}
    return [
        one
        for one in products.values()
        if one.of_picture and one.active and one.gallery_id in {None, gallery.id}
    ]


def _listed(of: Gallery | None) -> list[Mapping[str, object]]:
    return list(catalogue.products(of, limit=PRODUCTS, after=None).items)


# ---- the gallery itself ----


@router.post(
    "/staff/galleries/<gallery_id>",
    status_code=303,
    responses=documented(*DEEDS, Reason.VERSION_MISMATCH, Reason.TOO_MANY_PRODUCTS, success=303),
    tags=["pages"],
)
def change(
    gallery_id: GalleryId,
    title: Typed = "",
    visibility: Typed = "",
    access: Typed = "",
    password: Typed = "",
    expires_at: Typed = "",
    download: Typed = "",
    enter: Yes = "",
    selection_quota: Typed = "",
    transfers: Yes = "",
    cover: Where = "",
    version: Typed = "",
    shown: Kept = "",
) -> Page:
    """Of the version that was shown: what was not touched here is given back as it is by now."""
    visitor, now = request().visitor, clock.now()
    typed = {"title": title, "visibility": visibility, "access": access, "password": password}
    typed |= {"expires_at": expires_at, "download": download, "enter": enter, "cover": cover}
    typed |= {"selection_quota": selection_quota, "transfers": transfers}
    gallery = studio.see(visitor, gallery_id, now)
    form, wrong = read_form(typed, gallery)
    if form is None:
        return gallery_page(gallery_id, Refusal(Reason.INVALID_INPUT), wrong, typed)
    wish, match = wish_of(form, typed, gallery), frozenset({version})
    try:
        studio.change(visitor, gallery_id, wish, now, if_match=match)
    except Refusal as refusal:
        if refusal.reason not in {
            Reason.VERSION_MISMATCH,
            Reason.TOO_MANY_PRODUCTS,
            Reason.INVALID_INPUT,
            Reason.BUSY,
        }:
            raise
        were = dict(parse_qsl(shown, keep_blank_values=True))
        touched = {n: value for n, value in typed.items() if value != were.get(n, "")}
        return gallery_page(gallery_id, refusal, None, touched)
    return see_other(path_of(gallery_id), done="changed")


@router.post(
    "/staff/galleries/<gallery_id>/delete",
    status_code=303,
    responses=documented() | documented(*DEEDS, Reason.TOO_MANY_PRODUCTS, success=303),
    tags=["pages"],
)
def delete(gallery_id: GalleryId, sure: Yes = "") -> Page:
    """Bit by bit where much hangs in it: from the first on nobody finds it any more."""
    asked, now = request(), clock.now()
    if sure != "yes":
        wrong = {"sure": problems.field_words("missing", asked.visitor.language)}
        return gallery_page(gallery_id, Refusal(Reason.INVALID_INPUT), wrong)
    try:
        gone = studio.delete(asked.visitor, gallery_id, now, time_is_left=asked.time_is_left)
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_PRODUCTS:
            raise
        return gallery_page(gallery_id, refusal)
    if not gone:
        return page("studio-going.html", act=f"{path_of(gallery_id)}/delete", **SCRIPT)
    return see_other("/staff/galleries", done="deleted")


@router.get(
    "/staff/galleries/<gallery_id>/delete",
    status_code=303,
    responses=documented(*STAFF, success=303),
    tags=["pages"],
)
def back_from_deleting(gallery_id: GalleryId) -> Page:
    """To the gallery, while it is there."""
    try:
        studio.see(request().visitor, gallery_id, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.NOT_FOUND:
            raise
        photographer()
        return see_other("/staff/galleries")
    return see_other(path_of(gallery_id))


# ---- hanging them --------------------------------------------------------------------------------


class PictureForm(Body):
    title: Title
    src: Source


@router.post(
    "/staff/galleries/<gallery_id>/pictures",
    status_code=303,
    responses=documented(*DEEDS, Reason.UNKNOWN_PRODUCT, Reason.VERSION_MISMATCH, success=303),
    tags=["pages"],
)
def hang(
    gallery_id: GalleryId,
    pictures: Lines = "",
    products: Chosen = [],  # noqa: B006 - a default of the schema
    key: Key = "",
) -> Page:
    """One picture a line: its address, then its title."""
    typed = {"pictures": pictures, "products": products}
    offered = tuple(dict.fromkeys(products))
    new, wrong = _lines(pictures, offered)
    if wrong:
        refusal = Refusal(Reason.INVALID_INPUT)
        return gallery_page(gallery_id, refusal, {"pictures": wrong}, hanging=typed)
    visitor, now = request().visitor, clock.now()
    attempt = once(key, pictures=pictures, products=list(offered))
    try:
        studio.hang(visitor, gallery_id, new, now, once=attempt)
    except Refusal as refusal:
        if refusal.reason not in {Reason.UNKNOWN_PRODUCT, Reason.KEY_REUSED, Reason.BUSY}:
            raise
        return gallery_page(gallery_id, sent_before(refusal), hanging=typed)
    return see_other(path_of(gallery_id), done="hung")


def _lines(text: str, products: tuple[str, ...]) -> tuple[list[NewPicture], str]:
    """The pictures, or what is wrong with which line."""
    language = request().visitor.language
    typed = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not typed or len(typed) > AT_ONCE:
        return [], problems.field_words("too_long" if typed else "missing", language)
    new, wrong = list[NewPicture](), list[str]()
    for number, line in typed:
        src, _, title = line.partition(" ")
        form, said = read(PictureForm, src=src.rstrip(","), title=title.strip())
        if form is None:
            wrong.append(f"{number}: {said.get('src') or said['title']}")
        else:
            new.append(NewPicture(form.title, form.src, products))
    return new, " ".join(wrong)


# ---- one picture ---------------------------------------------------------------------------------


class ProductsForm(PictureForm):
    products: list[Id]


PICTURE = "/staff/galleries/<gallery_id>/pictures/<picture_id>"


@router.post(
    PICTURE,
    status_code=303,
    responses=documented(*DEEDS, Reason.UNKNOWN_PRODUCT, success=303),
    tags=["pages"],
)
def change_picture(
    gallery_id: GalleryId,
    picture_id: PictureId,
    title: Typed = "",
    src: Where = "",
    products: Chosen = [],  # noqa: B006 - a default of the schema
    cursor: Kept = "",
) -> Page:
    typed = {"title": title, "src": src, "products": products, "at": picture_id}
    form, wrong = read(ProductsForm, title=title, src=src, products=products)
    refusal = Refusal(Reason.INVALID_INPUT)
    if form is not None:
        wish = PictureWish(form.title, form.src, tuple(dict.fromkeys(form.products)))
        try:
            studio.change_picture(request().visitor, gallery_id, picture_id, wish, clock.now())
        except Refusal as refused:
            if refused.reason is not Reason.UNKNOWN_PRODUCT:
                raise
            refusal = refused
            title_of, _ = problems.words(refused.reason, request().visitor.language)
            wrong = {"products": title_of}
        else:
            return _back(gallery_id, cursor, "picture-changed")
    at_picture = {f"{name}-{picture_id}": words for name, words in wrong.items()}
    refusal = Refusal(refusal.reason)
    return gallery_page(
        gallery_id, refusal, at_picture, hanging=typed, cursor=_known(cursor, gallery_id)
    )


@router.post(
    f"{PICTURE}/hidden", status_code=303, responses=documented(*DEEDS, success=303), tags=["pages"]
)
def hide(gallery_id: GalleryId, picture_id: PictureId, hidden: Yes = "", cursor: Kept = "") -> Page:
    wish = PictureWish(hidden=hidden == "yes")
    studio.change_picture(request().visitor, gallery_id, picture_id, wish, clock.now())
    return _back(gallery_id, cursor, "hidden" if wish.hidden else "shown")


@router.post(
    f"{PICTURE}/down", status_code=303, responses=documented(*DEEDS, success=303), tags=["pages"]
)
def take_down(
    gallery_id: GalleryId, picture_id: PictureId, sure: Yes = "", cursor: Kept = ""
) -> Page:
    visitor, now = request().visitor, clock.now()
    if sure != "yes":
        words = problems.field_words("missing", visitor.language)
        return gallery_page(
            gallery_id,
            Refusal(Reason.INVALID_INPUT),
            {f"sure-{picture_id}": words},
            hanging={"at": picture_id},
            cursor=_known(cursor, gallery_id),
        )
    studio.take_down(visitor, gallery_id, picture_id, now)
    return _back(gallery_id, cursor, "taken-down")


def _known(cursor: str, gallery_id: str) -> str | None:
    """Where in the list he was, if that can be found again."""
    bearer, now = request().visitor.bearer, clock.now()
    try:
        query = f"studio pictures {gallery_id}"
        cursors.read(cursor or None, query, bearer.user_id if bearer else "", now)
    except Refusal:
        return None
    return cursor or None


def _back(gallery_id: str, cursor: str, done: str) -> Page:
    there = _known(cursor, gallery_id)
    return see_other(path_of(gallery_id), done=done, **({"cursor": there} if there else {}))


_BACK = documented(Reason.NOT_FOUND, success=303)


@router.get(PICTURE, status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{PICTURE}/hidden", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{PICTURE}/down", status_code=303, responses=_BACK, tags=["pages"])
def back_to_the_pictures(gallery_id: GalleryId, picture_id: PictureId) -> Page:  # noqa: ARG001
    return see_other(quote(seen_at(request().path)))


@router.get(
    "/staff/galleries/<gallery_id>/pictures", status_code=303, responses=_BACK, tags=["pages"]
)
def back_to_the_gallery(gallery_id: GalleryId) -> Page:  # noqa: ARG001 - stands in the path
    return see_other(quote(seen_at(request().path)))
