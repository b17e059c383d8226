"""What photographers do: galleries, their pictures, who is invited, what clients send."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.operations import inviting, studio
from foyer.operations.inviting import Inviting
from foyer.operations.studio import NewPicture, PictureWish, Wish
from foyer.rules.galleries import Access, Download, Gallery, Picture, Rights, Transfers, Visibility
from foyer.rules.invitations import Delivery, Invitation, State
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.storage.idempotency import Once
from foyer.web import cursors
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import (
    Address,
    Body,
    DoorPassword,
    Id,
    IdempotencyKey,
    Message,
    Offered,
    RightsAnswer,
    Source,
    Title,
    mailable,
    timestamp,
)

app = new_api()

STAFF = (*SIGNED_IN, Reason.NOT_FOUND)
HANGING = (*CHANGING, *STAFF)
InPathId = Annotated[str, InPath(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Limit = Annotated[int, Query(ge=1, le=100)]


def _once(form: Body | None = None) -> Once:
    return Once(request().idempotency_key, form.model_dump_json() if form else "")


# ---- galleries -----------------------------------------------------------------------------------


class RightsForm(Body):
    enter: bool = True
    download: Download = "none"

    def rights(self) -> Rights:
        return Rights(self.enter, self.download)


def _moment(text: str) -> str:
    """RFC 3339, with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("malformed", "no time") from error
    if moment.tzinfo is None or not 2000 <= moment.year <= 9000:
        raise PydanticCustomError("malformed", "no time")
    return text


Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


def _seconds(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


class StudioGallery(BaseModel):
    id: str
    title: str
    studio: str
    organization_id: str
    visibility: Visibility
    access: Access
    has_password: bool
    expires_at: str | None
    transfers: Transfers
    everybody: RightsAnswer = Field(description="The rights of whoever satisfies the access.")
    selection_quota: int | None
    cover: str | None
    created_at: str
    leaving: bool = Field(description="Being taken away: `DELETE` goes on with it.")
    version: int


class StudioGalleries(BaseModel):
    items: list[StudioGallery]
    next: str | None


def _gallery(gallery: Gallery) -> StudioGallery:
    return StudioGallery(
        id=gallery.id,
        title=gallery.title,
        studio=gallery.studio,
        organization_id=gallery.path[-1],
        visibility=gallery.visibility,
        access=gallery.access,
        has_password=gallery.password_id is not None,
        expires_at=None if gallery.expires_at is None else timestamp(gallery.expires_at),
        transfers=gallery.transfers,
        everybody=_rights(gallery.everybody),
        selection_quota=gallery.quota,
        cover=gallery.cover,
        created_at=timestamp(gallery.made_at),
        leaving=gallery.leaving,
        version=gallery.version,
    )


def _tagged(gallery: Gallery) -> StudioGallery:
    request().etag = str(gallery.version)
    return _gallery(gallery)


def _rights(rights: Rights) -> RightsAnswer:
    return RightsAnswer(enter=rights.enter, download=rights.download)


@app.get(
    "/v1/staff/galleries",
    responses=answers(
        200, StudioGalleries, *STAFF, Reason.INVALID_CURSOR, Reason.TOO_MANY_ORGANIZATIONS
    ),
    tags=["studio"],
)
def listed(
    organization_id: Annotated[Id | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> StudioGalleries:
    visitor, now, query = request().visitor, clock.now(), f"studio galleries {organization_id}"
    after = cursors.read(cursor, query, request().visitor.named_id, now)
    found, last = studio.galleries(
        visitor, now, limit=limit, organization_id=organization_id, after=after
    )
    return StudioGalleries(
        items=[_gallery(one) for one in found],
        next=cursors.sign(last, query, request().visitor.named_id, now),
    )


class NewGallery(Body):
    title: Title
    visibility: Visibility = "private"
    access: Access = "login"
    password: DoorPassword | None = None
    organization_id: Id | None = None
    expires_at: Moment | None = None
    transfers: Transfers = "strict"
    everybody: RightsForm | None = None
    selection_quota: Annotated[int | None, Field(ge=1, le=300)] = None
    cover: Source | None = None


@app.post(
    "/v1/staff/galleries",
    status_code=201,
    responses=answers(201, StudioGallery, *HANGING, Reason.KEY_REUSED),
    tags=["studio"],
)
def create(form: NewGallery, idempotency_key: IdempotencyKey = None) -> StudioGallery:  # noqa: ARG001
    """`everybody.enter` says of a gallery behind a sign-in whether every client may enter, or the
    invited alone (as it is where nothing is said)."""
    made = studio.create(
        request().visitor, _wish(form), form.organization_id, clock.now(), once=_once(form)
    )
    return _tagged(made)


class GalleryChange(Body):
    """What is not sent stays; `expires_at`, `selection_quota` and `cover` sent as null are
    cleared."""

    title: Title | None = None
    visibility: Visibility | None = None
    access: Access | None = None
    password: DoorPassword | None = None
    expires_at: Moment | None = None
    transfers: Transfers | None = None
    everybody: RightsForm | None = None
    selection_quota: Annotated[int | None, Field(ge=1, le=300)] = None
    cover: Source | None = None


def _wish(form: NewGallery | GalleryChange) -> Wish:
    sent = {n for n in form.model_fields_set if getattr(form, n) is None}
    names = {"expires_at": "expires_at", "selection_quota": "quota", "cover": "cover"}
    return Wish(
        title=form.title,
        visibility=form.visibility,
        access=form.access,
        password=form.password,
        expires_at=_seconds(form.expires_at),
        transfers=form.transfers,
        everybody=form.everybody.rights() if form.everybody else None,
        quota=form.selection_quota,
        cover=form.cover,
        cleared=frozenset(names[name] for name in sent if name in names),
    )


@app.get(
    "/v1/staff/galleries/<gallery_id>",
    responses=answers(200, StudioGallery, *STAFF),
    tags=["studio"],
)
def see(gallery_id: InPathId) -> StudioGallery:
    return _tagged(studio.see(request().visitor, gallery_id, clock.now()))


@app.patch(
    "/v1/staff/galleries/<gallery_id>",
    responses=answers(
        200, StudioGallery, *HANGING, Reason.VERSION_MISMATCH, Reason.TOO_MANY_PRODUCTS
    ),
    tags=["studio"],
)
def change(gallery_id: InPathId, form: GalleryChange) -> StudioGallery:
    """Another password, or another kind of door, closes every pass."""
    asked = request()
    return _tagged(
        studio.change(asked.visitor, gallery_id, _wish(form), clock.now(), if_match=asked.if_match)
    )


class Going(BaseModel):
    """Nobody finds the gallery any more; the same request goes on taking away what is in it."""

    remaining: bool


@app.delete(
    "/v1/staff/galleries/<gallery_id>",
    responses=answers(202, Going, *HANGING, Reason.TOO_MANY_PRODUCTS) | {204: nothing()[204]},
    tags=["studio"],
)
def delete(gallery_id: InPathId) -> Response[Any]:
    asked = request()
    gone = studio.delete(asked.visitor, gallery_id, clock.now(), time_is_left=asked.time_is_left)
    return NOTHING if gone else Response(202, "application/json", Going(remaining=True))


# ---- pictures ------------------------------------------------------------------------------------

Products = Annotated[list[Id], Field(max_length=20)]


class StudioPicture(BaseModel):
    id: str
    title: str
    src: str
    products: list[str]
    hidden: bool


class StudioPictures(BaseModel):
    items: list[StudioPicture]
    next: str | None


def _picture(picture: Picture) -> StudioPicture:
    return StudioPicture(
        id=picture.id,
        title=picture.title,
        src=picture.src,
        products=list(picture.products),
        hidden=picture.hidden,
    )


@app.get(
    "/v1/staff/galleries/<gallery_id>/pictures",
    responses=answers(200, StudioPictures, *STAFF, Reason.INVALID_CURSOR),
    tags=["studio"],
)
def pictures(gallery_id: InPathId, limit: Limit = 20, cursor: Cursor = None) -> StudioPictures:
    visitor, now, query = request().visitor, clock.now(), f"studio pictures {gallery_id}"
    after = cursors.read(cursor, query, request().visitor.named_id, now) or {}
    _, found, last = studio.pictures(visitor, gallery_id, now, limit=limit, after=after.get("id"))
    following = {"id": last} if last else None
    return StudioPictures(
        items=[_picture(one) for one in found],
        next=cursors.sign(following, query, request().visitor.named_id, now),
    )


class NewPictureForm(Body):
    title: Title
    src: Source
    products: Products = Field(default_factory=list)
    hidden: bool = False


@app.post(
    "/v1/staff/galleries/<gallery_id>/pictures",
    status_code=201,
    responses=answers(201, StudioPicture, *HANGING, Reason.UNKNOWN_PRODUCT, Reason.KEY_REUSED),
    tags=["studio"],
)
def hang(
    gallery_id: InPathId,
    form: NewPictureForm,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> StudioPicture:
    """Behind those that hang there."""
    new = NewPicture(form.title, form.src, tuple(dict.fromkeys(form.products)), form.hidden)
    (made,) = studio.hang(request().visitor, gallery_id, [new], clock.now(), once=_once(form))
    return _picture(made)


class PictureChange(Body):
    title: Title | None = None
    src: Source | None = None
    products: Products | None = None
    hidden: bool | None = None


@app.patch(
    "/v1/staff/galleries/<gallery_id>/pictures/<picture_id>",
    responses=answers(200, StudioPicture, *HANGING, Reason.UNKNOWN_PRODUCT),
    tags=["studio"],
)
def change_picture(
    gallery_id: InPathId, picture_id: InPathId, form: PictureChange
) -> StudioPicture:
    products = None if form.products is None else tuple(dict.fromkeys(form.products))
    wish = PictureWish(form.title, form.src, products, form.hidden)
    return _picture(
        studio.change_picture(request().visitor, gallery_id, picture_id, wish, clock.now())
    )


@app.delete(
    "/v1/staff/galleries/<gallery_id>/pictures/<picture_id>",
    status_code=204,
    responses=nothing(*HANGING),
    tags=["studio"],
)
def take_down(gallery_id: InPathId, picture_id: InPathId) -> Response[None]:
    studio.take_down(request().visitor, gallery_id, picture_id, clock.now())
    return NOTHING


# ---- invitations ---------------------------------------------------------------------------------


class InvitedRights(Body):
    download: Download = "none"


class InvitingForm(Body):
    addresses: Annotated[
        list[Annotated[str, Field(max_length=320)]],
        Field(min_length=1, max_length=POLICY.invitations.addresses),
    ]
    rights: InvitedRights = InvitedRights()
    message: Message | None = None
    locale: Offered | None = None


class InvitingResult(BaseModel):
    address: str
    id: str | None
    result: Literal["invited", "already_invited", "malformed"]


class InvitingAnswer(BaseModel):
    """By the order of the addresses. Where some remain, the same request under the same key goes
    on."""

    results: list[InvitingResult]
    remaining: int


@app.post(
    "/v1/staff/galleries/<gallery_id>/invitations",
    responses=answers(
        200,
        InvitingAnswer,
        *HANGING,
        Reason.KEY_REQUIRED,
        Reason.KEY_REUSED,
        Reason.TOO_MANY_INVITATIONS,
    ),
    tags=["studio"],
)
def invite(
    gallery_id: InPathId,
    form: InvitingForm,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> InvitingAnswer:
    asked = request()
    if asked.idempotency_key is None:
        raise Refusal(Reason.KEY_REQUIRED, pointer="header:Idempotency-Key")
    wish = Inviting(
        [(typed, mailable(typed)) for typed in form.addresses],
        Rights(enter=True, download=form.rights.download),
        form.message,
        form.locale or asked.visitor.language,
    )
    done = inviting.invite(
        asked.visitor,
        gallery_id,
        wish,
        clock.now(),
        once=_once(form),
        time_is_left=asked.time_is_left,
    )
    return InvitingAnswer(
        results=[InvitingResult.model_validate(vars(one)) for one in done.results],
        remaining=done.remaining,
    )


class TransferItem(BaseModel):
    user_id: str
    address: str
    asked_at: str


StateName = Literal["pending", "accepted", "declined", "revoked", "expired", "transferring"]
DeliveryName = Literal["queued", "sent", "delivered", "bounced", "complained"]


class InvitationItem(BaseModel):
    id: str
    address: str
    state: StateName
    delivery: DeliveryName
    rights: RightsAnswer
    invited_at: str
    expires_at: str | None
    accepted_at: str | None
    transfers: list[TransferItem]


class BoardAnswer(BaseModel):
    items: list[InvitationItem]
    next: str | None


def _item(one: Invitation) -> InvitationItem:
    accepted = one.accepted_at if one.answer is State.ACCEPTED else None
    waiting = sorted(one.transfers.values(), key=lambda asked: (asked.at, asked.user_id))
    return InvitationItem.model_validate(
        {
            "id": one.id,
            "address": one.address,
            "state": one.state(clock.now()).value,
            "delivery": one.delivery.value,
            "rights": {"enter": one.rights.enter, "download": one.rights.download},
            "invited_at": timestamp(one.invited_at),
            "expires_at": timestamp(one.until) if one.answer is State.PENDING else None,
            "accepted_at": None if accepted is None else timestamp(accepted),
            "transfers": [
                {"user_id": t.user_id, "address": t.address, "asked_at": timestamp(t.at)}
                for t in waiting
            ],
        }
    )


@app.get(
    "/v1/staff/galleries/<gallery_id>/invitations",
    responses=answers(200, BoardAnswer, *STAFF, Reason.INVALID_CURSOR),
    tags=["studio"],
)
def board(
    gallery_id: InPathId,
    email: Annotated[Address | None, Query()] = None,
    state: Annotated[StateName | None, Query()] = None,
    delivery: Annotated[DeliveryName | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> BoardAnswer:
    """Asked for by state or delivery, a page may be short and yet have a next one."""
    visitor, now = request().visitor, clock.now()
    query = f"board {gallery_id} {state} {delivery}"
    found = inviting.board(
        visitor,
        gallery_id,
        now,
        limit=limit,
        address=email,
        state=State(state) if state else None,
        delivery=Delivery(delivery) if delivery else None,
        after=cursors.read(cursor, query, request().visitor.named_id, now),
    )
    return BoardAnswer(
        items=[_item(one) for one in found.invitations],
        next=cursors.sign(found.last, query, request().visitor.named_id, now),
    )


INVITATION = "/v1/staff/galleries/<gallery_id>/invitations/<invitation_id>"
STEP = (*HANGING, Reason.WRONG_STATE)


@app.patch(INVITATION, responses=answers(200, InvitationItem, *STEP), tags=["studio"])
def change_rights(
    gallery_id: InPathId, invitation_id: InPathId, form: RightsForm
) -> InvitationItem:
    """Without `enter` this person is shut out, whatever others may."""
    visitor, now = request().visitor, clock.now()
    return _item(inviting.change_rights(visitor, gallery_id, invitation_id, form.rights(), now))


@app.delete(INVITATION, status_code=204, responses=nothing(*HANGING), tags=["studio"])
def revoke(gallery_id: InPathId, invitation_id: InPathId) -> Response[None]:
    inviting.revoke(request().visitor, gallery_id, invitation_id, clock.now())
    return NOTHING


@app.post(
    f"{INVITATION}/resend",
    responses=answers(
        200,
        InvitationItem,
        *STEP,
        Reason.ADDRESS_SUPPRESSED,
        Reason.TOO_MANY_MAILS,
        Reason.KEY_REUSED,
    ),
    tags=["studio"],
)
def resend(
    gallery_id: InPathId,
    invitation_id: InPathId,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> InvitationItem:
    visitor, now = request().visitor, clock.now()
    return _item(inviting.resend(visitor, gallery_id, invitation_id, now, once=_once()))


class Correction(Body):
    address: Address


@app.post(
    f"{INVITATION}/correct",
    responses=answers(200, InvitationItem, *STEP, Reason.KEY_REUSED),
    tags=["studio"],
)
def correct(
    gallery_id: InPathId,
    invitation_id: InPathId,
    form: Correction,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> InvitationItem:
    """The invitation of the right address; the wrong one opens nothing any more."""
    visitor, now = request().visitor, clock.now()
    return _item(
        inviting.correct(visitor, gallery_id, invitation_id, form.address, now, once=_once(form))
    )


class Admission(Body):
    """Whom to admit where several ask; `strike_out` the address that was invited."""

    user_id: Id | None = None
    strike_out: bool = False


@app.post(
    f"{INVITATION}/transfer/approve",
    responses=answers(200, InvitationItem, *STEP),
    tags=["studio"],
)
def admit(gallery_id: InPathId, invitation_id: InPathId, form: Admission) -> InvitationItem:
    """The admitted account's own line on the board."""
    return _item(
        inviting.admit(
            request().visitor,
            gallery_id,
            invitation_id,
            clock.now(),
            user_id=form.user_id,
            strike_out=form.strike_out,
        )
    )


class TurningDown(Body):
    user_id: Id | None = None


@app.post(
    f"{INVITATION}/transfer/decline",
    responses=answers(200, InvitationItem, *STEP),
    tags=["studio"],
)
def turn_down(gallery_id: InPathId, invitation_id: InPathId, form: TurningDown) -> InvitationItem:
    return _item(
        inviting.turn_down(
            request().visitor, gallery_id, invitation_id, clock.now(), user_id=form.user_id
        )
    )


# ---- what clients send ---------------------------------------------------------------------------


class AccessRequestItem(BaseModel):
    id: str
    address: str
    message: str | None
    asked_at: str


class AccessRequestsAnswer(BaseModel):
    items: list[AccessRequestItem]
    next: str | None


@app.get(
    "/v1/staff/galleries/<gallery_id>/access-requests",
    responses=answers(200, AccessRequestsAnswer, *STAFF, Reason.INVALID_CURSOR),
    tags=["studio"],
)
def access_requests(
    gallery_id: InPathId, limit: Limit = 20, cursor: Cursor = None
) -> AccessRequestsAnswer:
    visitor, now, query = request().visitor, clock.now(), f"access {gallery_id}"
    after = cursors.read(cursor, query, request().visitor.named_id, now)
    found, last = studio.access_requests(visitor, gallery_id, now, limit=limit, after=after)
    return AccessRequestsAnswer(
        items=[
            AccessRequestItem(
                id=id_, address=one.address, message=one.message, asked_at=timestamp(one.at)
            )
            for id_, one in found
        ],
        next=cursors.sign(last, query, request().visitor.named_id, now),
    )


@app.delete(
    "/v1/staff/galleries/<gallery_id>/access-requests/<request_id>",
    status_code=204,
    responses=nothing(*HANGING),
    tags=["studio"],
)
def dismiss(gallery_id: InPathId, request_id: InPathId) -> Response[None]:
    """Inviting the address takes it away as well."""
    studio.dismiss(request().visitor, gallery_id, request_id, clock.now())
    return NOTHING


class SubmittedItem(BaseModel):
    selection_id: str
    user_id: str
    name: str | None
    address: str | None
    message: str | None
    submitted_at: str
    pictures: list[StudioPicture]


class SubmittedAnswer(BaseModel):
    items: list[SubmittedItem]
    next: str | None


@app.get(
    "/v1/staff/galleries/<gallery_id>/selections",
    responses=answers(200, SubmittedAnswer, *STAFF, Reason.INVALID_CURSOR),
    tags=["studio"],
)
def submitted(
    gallery_id: InPathId,
    limit: Annotated[int, Query(ge=1, le=20)] = 10,
    cursor: Cursor = None,
) -> SubmittedAnswer:
    """The selections clients have sent, with their pictures as they hang now."""
    visitor, now, query = request().visitor, clock.now(), f"submitted {gallery_id}"
    after = cursors.read(cursor, query, request().visitor.named_id, now)
    found, last = studio.received(visitor, gallery_id, now, limit=limit, after=after)
    return SubmittedAnswer(
        items=[
            SubmittedItem(
                selection_id=one.submitted.selection_id,
                user_id=one.submitted.user_id,
                name=one.submitted.name,
                address=one.submitted.address,
                message=one.submitted.message,
                submitted_at=timestamp(one.submitted.at),
                pictures=[_picture(picture) for picture in one.pictures],
            )
            for one in found
        ],
        next=cursors.sign(last, query, request().visitor.named_id, now),
    )


@app.delete(
    "/v1/staff/galleries/<gallery_id>/selections/<user_id>/<selection_id>",
    status_code=204,
    responses=nothing(*HANGING),
    tags=["studio"],
)
def put_away(gallery_id: InPathId, user_id: InPathId, selection_id: InPathId) -> Response[None]:
    """Out of this list; whoever sent it keeps his own."""
    studio.put_away(request().visitor, gallery_id, user_id, selection_id, clock.now())
    return NOTHING


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
