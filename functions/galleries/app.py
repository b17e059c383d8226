"""Galleries as their visitors find them: the list, the door, the pictures; and invitations as the
invited see them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from foyer import clock
from foyer.operations import galleries, invitations
from foyer.operations.invitations import Choice
from foyer.rules.galleries import entry
from foyer.rules.refusals import Reason
from foyer.rules.users import GENERIC_ID
from foyer.web import cursors
from foyer.web.api import (
    CHANGING,
    IDENTIFYING,
    NOTHING,
    SIGNED_IN,
    answers,
    new_api,
    nothing,
    request,
    serve,
)
from foyer.web.models import (
    Address,
    Asked,
    Body,
    Consents,
    GalleryAnswer,
    GivenPassword,
    Line,
    Message,
    NewPassword,
    SessionAnswer,
    Token,
    TransferAnswer,
    gallery_answer,
    session_answer,
    transfer_answer,
)

app = new_api()

GalleryId = Annotated[str, InPath(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Limit = Annotated[int, Query(ge=1, le=100)]
LINK = (
    Reason.LINK_INVALID,
    Reason.LINK_EXPIRED,
    Reason.LINK_REPLACED,
    Reason.LINK_REVOKED,
)


class GalleriesAnswer(BaseModel):
    items: list[GalleryAnswer]
    next: str | None


@app.get(
    "/v1/galleries",
    responses=answers(200, GalleriesAnswer, Reason.INVALID_CURSOR),
    tags=["galleries"],
)
def listed(limit: Limit = 20, cursor: Cursor = None) -> GalleriesAnswer:
    """The public ones, the newest first; `door` is how it stands for somebody nobody knows."""
    now, query = clock.now(), "galleries"
    after = cursors.read(cursor, query, GENERIC_ID, now)
    found, last = galleries.public(now, limit=limit, after=after)
    anybody = {"signed_in": False, "passed": False, "grant": None}
    return GalleriesAnswer(
        items=[gallery_answer(one, entry(one, now, **anybody)) for one in found],  # type: ignore[arg-type]
        next=cursors.sign(last, query, GENERIC_ID, now),
    )


@app.get(
    "/v1/galleries/<gallery_id>",
    responses=answers(200, GalleryAnswer, Reason.NOT_FOUND),
    tags=["galleries"],
)
def see(gallery_id: GalleryId) -> GalleryAnswer:
    seen = galleries.see(request().visitor, gallery_id, clock.now())
    return gallery_answer(seen.gallery, seen.entry)


class PictureAnswer(BaseModel):
    id: str
    title: str
    src: str
    products: list[str] = Field(description="What is sold of it just now.")


class PicturesAnswer(BaseModel):
    items: list[PictureAnswer]
    next: str | None


@app.get(
    "/v1/galleries/<gallery_id>/pictures",
    responses=answers(
        200,
        PicturesAnswer,
        Reason.NOT_FOUND,
        Reason.DOOR_PASSWORD,
        Reason.DOOR_SIGN_IN,
        Reason.NOT_INVITED,
        Reason.INVALID_CURSOR,
    ),
    tags=["galleries"],
)
def pictures(gallery_id: GalleryId, limit: Limit = 20, cursor: Cursor = None) -> PicturesAnswer:
    visitor, now, query = request().visitor, clock.now(), f"pictures {gallery_id}"
    who = visitor.bearer.user_id if visitor.bearer else GENERIC_ID
    after = cursors.read(cursor, query, who, now) or {}
    room = galleries.enter(visitor, gallery_id, now, limit=limit, after=after.get("id"))
    following = {"id": room.more_after} if room.more_after else None
    return PicturesAnswer(
        items=[
            PictureAnswer(
                id=p.id,
                title=p.title,
                src=p.src,
                products=[id_ for id_ in p.products if id_ in room.products],
            )
            for p in room.pictures
        ],
        next=cursors.sign(following, query, who, now),
    )


class DoorForm(Body):
    password: GivenPassword


@app.post(
    "/v1/galleries/<gallery_id>/door",
    status_code=204,
    responses=nothing(
        *IDENTIFYING, Reason.NOT_FOUND, Reason.WRONG_PASSWORD, Reason.TOO_MANY_GUESSES
    ),
    tags=["galleries"],
)
def open_door(gallery_id: GalleryId, form: DoorForm) -> Response[None]:
    galleries.open_door(request().visitor, gallery_id, form.password, clock.now())
    return NOTHING


class AccessRequestForm(Body):
    email: Address
    message: Message | None = None


@app.post(
    "/v1/galleries/<gallery_id>/access-requests",
    status_code=202,
    responses=answers(202, Asked, *IDENTIFYING, Reason.NOT_FOUND, Reason.TOO_MANY_REQUESTS),
    tags=["galleries"],
)
def ask_access(gallery_id: GalleryId, form: AccessRequestForm) -> Asked:
    galleries.ask_access(request().visitor, gallery_id, form.email, form.message, clock.now())
    return Asked()


# ---- invitations ---------------------------------------------------------------------------------


class AToken(Body):
    token: Token


class InvitedTo(BaseModel):
    id: str
    title: str


class PreviewAnswer(BaseModel):
    """What the link would do in this browser. `address` is masked."""

    gallery: InvitedTo
    studio: str
    address: str
    state: Literal["pending", "accepted", "declined", "revoked", "expired", "transferring"]
    next: Literal["accept", "register", "sign_in", "switch_account", "ask_again"]
    may_transfer: bool = Field(description="Whether this account may ask to be admitted as well.")
    may_decline: bool
    message: str | None


@app.post(
    "/v1/invitations/preview",
    responses=answers(200, PreviewAnswer, *IDENTIFYING, Reason.LINK_INVALID),
    tags=["invitations"],
)
def preview(form: AToken) -> PreviewAnswer:
    shown = invitations.preview(request().visitor, form.token, clock.now())
    return PreviewAnswer.model_validate(
        {
            "gallery": {"id": shown.gallery_id, "title": shown.title},
            "studio": shown.studio,
            "address": shown.address,
            "state": shown.state.value,
            "next": shown.next,
            "may_transfer": shown.may_transfer,
            "may_decline": shown.may_decline,
            "message": shown.message,
        }
    )


class Acceptance(Body):
    token: Token
    name: Line | None = None
    password: NewPassword | None = None
    consents: Consents | None = None
    take_over: bool | None = None


class AcceptedAnswer(BaseModel):
    status: Literal["approved", "pending_approval"]
    session: SessionAnswer | None
    gallery: GalleryAnswer
    transfer: TransferAnswer | None


@app.post(
    "/v1/invitations/accept",
    responses=answers(
        200,
        AcceptedAnswer,
        *IDENTIFYING,
        *LINK,
        *SIGNED_IN,
        Reason.OTHER_ADDRESS,
        Reason.ALREADY_ACTIVE,
        Reason.NAME_REQUIRED,
        Reason.TERMS_REQUIRED,
        Reason.TERMS_CHANGED,
        Reason.WEAK_PASSWORD,
        Reason.TAKE_OVER_REQUIRED,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.TOO_MANY_APPLICATIONS,
        Reason.APPROVAL_PENDING,
        Reason.ACCOUNT_DISABLED,
    ),
    tags=["invitations"],
)
def accept(form: Acceptance) -> AcceptedAnswer:
    choice = Choice(
        name=form.name,
        password=form.password,
        terms=form.consents.terms if form.consents else None,
        newsletter=bool(form.consents and form.consents.newsletter),
        take_over=form.take_over,
    )
    now = clock.now()
    done = invitations.accept(request().visitor, form.token, choice, now)
    found = entry(done.gallery, now, signed_in=True, passed=False, grant=done.invitation.rights)
    return AcceptedAnswer(
        status="approved" if done.presence is not None else "pending_approval",
        session=None if done.presence is None else session_answer(done.presence),
        gallery=gallery_answer(done.gallery, found),
        transfer=transfer_answer(done.receipt),
    )


@app.post(
    "/v1/invitations/decline",
    status_code=204,
    responses=nothing(*IDENTIFYING, *LINK, Reason.ALREADY_ACTIVE),
    tags=["invitations"],
)
def decline(form: AToken) -> Response[None]:
    invitations.decline(request().visitor, form.token, clock.now())
    return NOTHING


@app.post(
    "/v1/invitations/transfer",
    status_code=202,
    responses=answers(
        202,
        Asked,
        *CHANGING,
        *SIGNED_IN,
        *LINK,
        Reason.ALREADY_ACTIVE,
        Reason.NOT_OFFERED,
        Reason.PROVE_ADDRESS,
        Reason.TOO_MANY_REQUESTS,
    ),
    tags=["invitations"],
)
def transfer(form: AToken) -> Asked:
    """Asks the photographer to admit the account that is signed in, as well."""
    invitations.ask_transfer(request().visitor, form.token, clock.now())
    return Asked()


@app.post(
    "/v1/invitations/ask-again",
    status_code=202,
    responses=answers(
        202,
        Asked,
        *IDENTIFYING,
        Reason.LINK_INVALID,
        Reason.LINK_EXPIRED,
        Reason.TOO_MANY_MAILS,
        Reason.TOO_MANY_REQUESTS,
    ),
    tags=["invitations"],
)
def ask_again(form: AToken) -> Asked:
    """What `next: ask_again` does: the newest link is mailed to the invited address once more or,
    where the invitation is over, the photographer is asked for another."""
    invitations.ask_again(request().visitor, form.token, clock.now())
    return Asked()


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
