"""A photographer's galleries, a new one among them, and the selections clients send of one."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import quote

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import studio
from foyer.operations.studio import Wish
from foyer.rules.galleries import Access, Download, Gallery, Rights, Visibility
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, has
from foyer.rules.users import User
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Body, DoorPassword, Id, Source, Title
from skin.page import (
    POSTED,
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
from skin.staff import STAFF, Asked, Cursor, Key, actor, choices, once, reached, sent_before

router = Router()

GalleryId = Annotated[str, InPath(max_length=64)]
PartId = Annotated[str, InPath(max_length=64)]
# The address of a picture is longer than what people type elsewhere.
Where = Annotated[str, Form(max_length=1000)]

AT_ONCE = 20  # galleries, or selections, in a list
DEEDS = (*POSTED, *STAFF, Reason.BUSY)


def photographer() -> User:
    """Whoever asks, if he keeps galleries anywhere. To anybody else there is nothing here."""
    user = actor()
    if not has(user.roles, Power.HANG):
        raise Refusal(Reason.NOT_FOUND)
    return user


def path_of(gallery_id: str) -> str:
    return f"/staff/galleries/{quote(gallery_id, safe='')}"


# ---- what is said of a gallery -------------------------------------------------------------------


def _day(text: str) -> str:
    """As a date field sends it."""
    try:
        year = date.fromisoformat(text).year
    except ValueError as error:
        raise PydanticCustomError("malformed", "no date") from error
    if len(text) != len("2026-01-31") or not 2000 <= year <= 9000:
        raise PydanticCustomError("malformed", "no date")
    return text


class GalleryForm(Body):
    title: Title
    organization_id: Id | None = None
    visibility: Visibility
    access: Access
    password: DoorPassword | None
    expires_at: Annotated[str, AfterValidator(_day)] | None
    download: Download
    selection_quota: Annotated[int | None, Field(ge=1, le=300)]
    cover: Source | None


EMPTY = {
    "title": "",
    "organization_id": "",
    "visibility": "private",
    "access": "login",
    "password": "",
    "expires_at": "",
    "download": "none",
    "enter": "",
    "selection_quota": "",
    "transfers": "",
    "cover": "",
}


def read_form(
    typed: Mapping[str, str], gallery: Gallery | None
) -> tuple[GalleryForm | None, dict[str, str]]:
    """What was typed; a gallery behind a password needs one, unless it has one already."""
    quota = typed["selection_quota"].strip()
    boxes = {"enter", "transfers", "selection_quota"}
    form, wrong = read(
        GalleryForm,
        **{n: value or None for n, value in typed.items() if n not in boxes},
        selection_quota=int(quota) if re.fullmatch("[1-9][0-9]{0,3}", quota) else quota or None,
    )
    there = gallery is not None and gallery.access == "password"
    if typed["access"] == "password" and not typed["password"] and not there:
        language = request().visitor.language
        return None, {**wrong, "password": problems.field_words("missing", language)}
    return form, wrong


def said_of(gallery: Gallery) -> dict[str, str]:
    return {
        "title": gallery.title,
        "visibility": gallery.visibility,
        "access": gallery.access,
        "password": "",
        "expires_at": _last_day(gallery),
        "download": gallery.everybody.download,
        "enter": "yes" if gallery.access == "login" and gallery.everybody.enter else "",
        "selection_quota": str(gallery.quota or ""),
        "transfers": "yes" if gallery.transfers == "approve" else "",
        "cover": gallery.cover or "",
    }


def _last_day(gallery: Gallery) -> str:
    if gallery.expires_at is None:
        return ""
    return str(datetime.fromtimestamp(gallery.expires_at - 1, UTC).date())


def _end_of(day: str) -> int:
    after = date.fromisoformat(day) + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=UTC).timestamp())


def wish_of(form: GalleryForm, typed: Mapping[str, str], gallery: Gallery | None = None) -> Wish:
    """A day left as it stood keeps the hour it has; `enter` is asked of doors with a sign-in."""
    enter = typed["enter"] == "yes"
    if form.access != "login":
        enter = gallery.everybody.enter if gallery and gallery.access == form.access else True
    unchanged = gallery is not None and form.expires_at == _last_day(gallery)
    optional = {
        "expires_at": form.expires_at,
        "quota": form.selection_quota,
        "cover": form.cover,
    }
    return Wish(
        title=form.title,
        visibility=form.visibility,
        access=form.access,
        password=form.password,
        expires_at=_end_of(form.expires_at) if form.expires_at and not unchanged else None,
        transfers="approve" if typed["transfers"] == "yes" else "strict",
        everybody=Rights(enter, form.download),
        quota=form.selection_quota,
        cover=form.cover,
        cleared=frozenset(name for name, value in optional.items() if value is None),
    )


# ---- all of them ---------------------------------------------------------------------------------


@router.get(
    "/staff/galleries",
    responses=documented(*STAFF, Reason.INVALID_CURSOR, Reason.TOO_MANY_ORGANIZATIONS),
    tags=["pages"],
)
def galleries(organization_id: Asked = "", cursor: Cursor = None) -> Page:
    return _list_page(of=organization_id, cursor=cursor, done=request().query.get("done", ""))


@router.post(
    "/staff/galleries",
    status_code=303,
    responses=documented(*DEEDS, Reason.TOO_MANY_ORGANIZATIONS, success=303),
    tags=["pages"],
)
def create(
    title: Typed = "",
    organization_id: Typed = "",
    visibility: Typed = "",
    access: Typed = "",
    password: Typed = "",
    expires_at: Typed = "",
    download: Typed = "",
    enter: Yes = "",
    selection_quota: Typed = "",
    transfers: Yes = "",
    cover: Where = "",
    key: Key = "",
) -> Page:
    typed = {"title": title, "visibility": visibility, "access": access, "password": password}
    typed |= {"organization_id": organization_id, "expires_at": expires_at, "download": download}
    typed |= {"enter": enter, "selection_quota": selection_quota, "transfers": transfers}
    typed["cover"] = cover
    form, wrong = read_form(typed, None)
    if form is None:
        return _list_page(Refusal(Reason.INVALID_INPUT), wrong, typed)
    visitor, now, wish = request().visitor, clock.now(), wish_of(form, typed)
    try:
        made = studio.create(visitor, wish, form.organization_id, now, once=once(key, **typed))
    except Refusal as refusal:
        if refusal.reason not in {Reason.INVALID_INPUT, Reason.KEY_REUSED, Reason.BUSY}:
            raise
        return _list_page(sent_before(refusal), None, typed)
    return see_other(path_of(made.id), done="made")


def _list_page(
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    of: str = "",
    cursor: str | None = None,
    done: str = "",
) -> Page:
    """Where there are too many organizations for one list, it asks for one of them."""
    me, visitor, now, query = photographer(), request().visitor, clock.now(), f"galleries {of}"
    organizations = choices(reached(), me, Power.HANG)
    found, following, too_many = list[Gallery](), None, False
    try:
        after = cursors.read(cursor, query, me.id, now)
        found, last = studio.galleries(
            visitor, now, limit=AT_ONCE, organization_id=of or None, after=after
        )
        following = cursors.sign(last, query, me.id, now)
    except Refusal as refused:
        if refused.reason not in {Reason.TOO_MANY_ORGANIZATIONS, Reason.INVALID_CURSOR}:
            raise
        too_many = refused.reason is Reason.TOO_MANY_ORGANIZATIONS
        refusal = refusal or (None if too_many and not of else refused)
    return form_page(
        "studio-galleries.html",
        refusal,
        wrong,
        typed={**EMPTY, **(typed or {})},
        galleries=found,
        organizations=organizations,
        of=of,
        too_many=too_many,
        following={"cursor": following, **({"organization_id": of} if of else {})}
        if following
        else None,
        now=now,
        key=new_id(),
        done=done,
    )


# ---- what clients send ---------------------------------------------------------------------------


@router.get(
    "/staff/galleries/<gallery_id>/selections",
    responses=documented(*STAFF, Reason.INVALID_CURSOR),
    tags=["pages"],
)
def selections(gallery_id: GalleryId, cursor: Cursor = None) -> Page:
    me, visitor, now = photographer(), request().visitor, clock.now()
    query = f"studio selections {gallery_id}"
    gallery = studio.see(visitor, gallery_id, now)
    after = cursors.read(cursor, query, me.id, now)
    found, last = studio.received(visitor, gallery_id, now, limit=AT_ONCE, after=after)
    return page(
        "studio-selections.html",
        gallery=gallery,
        act=path_of(gallery_id),
        received=found,
        following=cursors.sign(last, query, me.id, now),
    )


@router.post(
    "/staff/galleries/<gallery_id>/selections/<user_id>/<selection_id>",
    status_code=303,
    responses=documented(*DEEDS, success=303),
    tags=["pages"],
)
def put_away(gallery_id: GalleryId, user_id: PartId, selection_id: PartId) -> Page:
    visitor, now = request().visitor, clock.now()
    studio.put_away(visitor, gallery_id, user_id, selection_id, now)
    return see_other(f"{path_of(gallery_id)}/selections")


@router.get(
    "/staff/galleries/<gallery_id>/selections/<user_id>/<selection_id>",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
def back_to_the_selections(gallery_id: GalleryId, user_id: PartId, selection_id: PartId) -> Page:  # noqa: ARG001
    return see_other(quote(seen_at(request().path)))
