"""Galleries: the list, the door in each of its states, the pictures; those shared with a client."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from aws_lambda_powertools.event_handler.openapi.params import Query

from foyer import clock
from foyer.operations import galleries, selections
from foyer.rules.galleries import Door, Gallery, entry
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.selections import UNNAMED, Selection
from foyer.rules.sessions import Level
from foyer.rules.users import GENERIC_ID, what_is_next
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Address, Body, GivenPassword, Id, Message
from skin.page import (
    IDENTIFYING,
    MINE,
    Brought,
    Kept,
    Page,
    Typed,
    back_to_its_page,
    documented,
    form_page,
    page,
    read,
    see_other,
)

AT_ONCE = 24
SELECTIONS = 20  # from which a client chooses one

router = Router()

CLOSED = {
    Reason.DOOR_PASSWORD: Door.PASSWORD,
    Reason.DOOR_SIGN_IN: Door.SIGN_IN,
    Reason.NOT_INVITED: Door.NOT_INVITED,
}

GalleryId = Annotated[str, InPath(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Count = Annotated[int, Query(ge=0, le=1000)]
Given = Annotated[Id | None, Query()]


# ---- the list ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Card:
    """A gallery in a list, and how its door stands for somebody nobody knows."""

    gallery: Gallery
    door: str


def cards(found: Iterable[Gallery], now: int) -> list[Card]:
    return [
        Card(one, entry(one, now, signed_in=False, passed=False, grant=None).door.value)
        for one in found
    ]


@router.get("/galleries", responses=documented(Reason.INVALID_CURSOR), tags=["pages"])
def listed(cursor: Cursor = None) -> Page:
    now, query = clock.now(), "galleries"
    after = cursors.read(cursor, query, GENERIC_ID, now)
    found, last = galleries.public(now, limit=AT_ONCE, after=after)
    return page(
        "galleries.html",
        cards=cards(found, now),
        later=cursor is not None,
        following=cursors.sign(last, query, GENERIC_ID, now),
    )


# ---- one of them ---------------------------------------------------------------------------------


@router.get(
    "/galleries/<gallery_id>",
    responses=documented(Reason.NOT_FOUND, Reason.SIGN_IN_AGAIN, *CLOSED),
    tags=["pages"],
)
def gallery(
    gallery_id: GalleryId,
    after: Given = None,
    into: Given = None,
    brought: Brought = "",
) -> Page:
    """`into` is the selection that pictures are kept in."""
    done = request().query.get("done", "")
    try:
        return gallery_page(gallery_id, after, into, done=done, brought=brought)
    except Refusal as refusal:
        if refusal.reason in CLOSED:
            return _door_page(gallery_id, None)
        if refusal.reason is Reason.NOT_FOUND and request().visitor.level is Level.REMEMBERED:
            raise Refusal(Reason.SIGN_IN_AGAIN) from refusal  # it may be one he is invited to
        raise


def gallery_page(
    gallery_id: str,
    after: str | None,
    into: str | None,
    refusal: Refusal | None = None,
    *,
    done: str = "",
    brought: str = "",
) -> Page:
    """The pictures, each with whether it is kept. Refuses as the door stands."""
    visitor, now = request().visitor, clock.now()
    room = galleries.enter(visitor, gallery_id, now, limit=AT_ONCE, after=after)
    mine = _selections()
    chosen = next((one for one in mine if one.id == into), None)
    chosen = chosen or next((one for one in mine if one.id == UNNAMED), Selection(UNNAMED))
    user = visitor.user if visitor.level is Level.SIGNED_IN else None
    return form_page(
        "gallery.html",
        refusal,
        room=room,
        after=after,
        done=done,
        brought=brought,
        next=what_is_next(user, POLICY.shop.terms.version) if user is not None else (),
        named=[one for one in mine if one.name is not None],
        chosen=chosen,
        into=chosen.id if chosen.id != UNNAMED else None,
        unnamed=UNNAMED,
        kept={one.picture_id for one in chosen.pictures if one.gallery_id == gallery_id},
    )


def _selections() -> list[Selection]:
    """Of who may see them: who is only remembered signs in first."""
    try:
        found, _ = selections.listed(request().visitor, clock.now(), limit=SELECTIONS)
    except Refusal as refusal:
        if refusal.reason is not Reason.SIGN_IN_AGAIN:
            raise
        return []
    return found


# ---- its door ------------------------------------------------------------------------------------


def _door_page(
    gallery_id: str,
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    asking: Mapping[str, str] | None = None,
) -> Page:
    """What stands between a visitor and the pictures, and each way past it. `asking` is what was
    typed into the form that asks the photographer."""
    visitor, now = request().visitor, clock.now()
    seen = galleries.see(visitor, gallery_id, now)
    if seen.entry.is_open:  # since it was refused
        return see_other(f"/galleries/{seen.gallery.id}")
    closed = next(reason for reason, door in CLOSED.items() if door is seen.entry.door)
    title, detail = problems.words(closed, visitor.language)
    user = visitor.user if visitor.level is Level.SIGNED_IN else None
    own = user.address if user is not None and user.address is not None else ""
    answer = form_page(
        "door.html",
        refusal,
        wrong,
        gallery=seen.gallery,
        door=seen.entry.door.value,
        title=title,
        detail=detail,
        own=own,
        asking={"email": own, "message": "", **(asking or {})},
        asks=asking is not None,
        back=f"/galleries/{seen.gallery.id}",
        typed=dict.fromkeys(("email", "remember", "take_over"), ""),
        kept={},
        code_asked=False,
        older_cart=None,
    )
    if refusal is None:
        answer.status_code = problems.status(closed).value
    return answer


class DoorForm(Body):
    password: GivenPassword


@router.post(
    "/galleries/<gallery_id>/door",
    status_code=303,
    responses=documented(
        *IDENTIFYING,
        Reason.NOT_FOUND,
        Reason.WRONG_PASSWORD,
        Reason.TOO_MANY_GUESSES,
        success=303,
    ),
    tags=["pages"],
)
def open_door(gallery_id: GalleryId, password: Typed = "") -> Page:
    form, wrong = read(DoorForm, password=password)
    if form is None:
        return _door_page(gallery_id, Refusal(Reason.INVALID_INPUT), wrong)
    try:
        galleries.open_door(request().visitor, gallery_id, form.password, clock.now())
    except Refusal as refusal:
        if refusal.reason not in {Reason.WRONG_PASSWORD, Reason.TOO_MANY_GUESSES}:
            raise
        return _door_page(gallery_id, refusal)
    return see_other(f"/galleries/{gallery_id}", done="opened")


class AskForm(Body):
    email: Address
    message: Message | None


@router.post(
    "/galleries/<gallery_id>/access",
    responses=documented(*IDENTIFYING, Reason.NOT_FOUND, Reason.TOO_MANY_REQUESTS)
    | documented(success=303),
    tags=["pages"],
)
def ask_access(gallery_id: GalleryId, email: Typed = "", message: Kept = "") -> Page:
    asking = {"email": email, "message": message}
    form, wrong = read(AskForm, email=email, message=message.strip() or None)
    if form is None:
        return _door_page(gallery_id, Refusal(Reason.INVALID_INPUT), wrong, asking)
    visitor, now = request().visitor, clock.now()
    try:
        galleries.ask_access(visitor, gallery_id, form.email, form.message, now)
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_REQUESTS:
            raise
        return _door_page(gallery_id, refusal, None, asking)
    return page("answered.html", answer="asked", address=form.email)


@router.get(
    "/galleries/<gallery_id>/door",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
@router.get(
    "/galleries/<gallery_id>/access",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
def back_to_the_gallery(gallery_id: GalleryId) -> Page:  # noqa: ARG001 - it is in the path
    return back_to_its_page()


# ---- shared with me ------------------------------------------------------------------------------


@router.get(
    "/account/galleries", responses=documented(*MINE, Reason.INVALID_CURSOR), tags=["pages"]
)
def shared_with_me(cursor: Cursor = None) -> Page:
    visitor, now, query = request().visitor, clock.now(), "galleries shared with me"
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    found, last = galleries.shared_with(visitor, now, limit=AT_ONCE, after=after)
    facts: dict[str, Any] = {
        "shared": [one.gallery for one in found if one.gallery is not None],
        "locked": sum(1 for one in found if one.gallery is None),
    }
    return page(
        "shared-with-me.html",
        **facts,
        done=request().query.get("done", ""),
        later=cursor is not None,
        following=cursors.sign(last, query, me, now),
    )
