"""The client's own space: proving to be himself, his password, his address, his history."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

from foyer import clock
from foyer.operations import account, address, galleries, sessions
from foyer.rules.refusals import Reason
from foyer.web import cursors
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import (
    Address,
    Body,
    Code,
    GivenPassword,
    NewPassword,
    Notice,
    RecordAnswer,
    RightsAnswer,
    SessionAnswer,
    Token,
    record_answer,
    session_answer,
)

app = new_api()


class Proof(Body):
    """Empty: a code is mailed. With a password or that code: proved for ten minutes."""

    password: GivenPassword | None = None
    code: Code | None = None


@app.post(
    "/v1/account/proof",
    responses=answers(
        200,
        Notice,
        *CHANGING,
        *SIGNED_IN,
        Reason.WRONG_CREDENTIALS,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.TOO_MANY_MAILS,
    )
    | nothing(),
    tags=["account"],
)
def prove(form: Proof) -> Response[Any]:
    visitor, now = request().visitor, clock.now()
    if form.password is None and form.code is None:
        account.ask_proof(visitor, now)
        return Response(200, "application/json", Notice(code="check_your_mail"))
    account.prove(visitor, password=form.password, code=form.code, now=now)
    return NOTHING


class ChosenPassword(Body):
    new: NewPassword


@app.put(
    "/v1/account/password",
    status_code=204,
    responses=nothing(*CHANGING, *SIGNED_IN, Reason.PROOF_REQUIRED, Reason.WEAK_PASSWORD),
    tags=["account"],
)
def choose_password(form: ChosenPassword) -> Response[None]:
    account.choose_password(request().visitor, form.new, clock.now())
    return NOTHING


class NewAddress(Body):
    email: Address


@app.post(
    "/v1/account/email",
    responses=answers(
        200,
        Notice,
        *CHANGING,
        *SIGNED_IN,
        Reason.PROOF_REQUIRED,
        Reason.PROVE_ADDRESS,
        Reason.TOO_MANY_MAILS,
    ),
    tags=["account"],
)
def ask_address(form: NewAddress) -> Notice:
    address.ask(request().visitor, form.email, clock.now())
    return Notice(code="check_your_mail")  # the same, whether or not the address is somebody's


class AToken(Body):
    token: Token


@app.post(
    "/v1/account/email/redeem",
    responses=answers(
        200,
        SessionAnswer,
        *CHANGING,
        *SIGNED_IN,
        Reason.LINK_INVALID,
        Reason.LINK_EXPIRED,
        Reason.LINK_REPLACED,
        Reason.OTHER_ADDRESS,
        Reason.ADDRESS_TAKEN,
    ),
    tags=["account"],
)
def change_address(form: AToken) -> SessionAnswer:
    visitor, now = request().visitor, clock.now()
    user = address.redeem(visitor, form.token, now)
    count = sessions.line_count(visitor, now)
    return session_answer(sessions.Presence(user, visitor.level, count))


class SharedGallery(BaseModel):
    """`locked` while the address is not proved: then only that there is one is told."""

    id: str
    title: str | None
    studio: str | None
    door: Literal["open", "password", "sign_in", "not_invited"]
    locked: bool
    rights: RightsAnswer


class SharedGalleries(BaseModel):
    items: list[SharedGallery]
    next: str | None


@app.get(
    "/v1/account/galleries",
    responses=answers(200, SharedGalleries, *SIGNED_IN, Reason.INVALID_CURSOR),
    tags=["account"],
)
def shared_with_me(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> SharedGalleries:
    """Every gallery this account may enter by invitation, however long before there was one."""
    visitor, now, query = request().visitor, clock.now(), "galleries shared with me"
    me = visitor.bearer.user_id if visitor.bearer else ""
    after = cursors.read(cursor, query, me, now)
    found, last = galleries.shared_with(visitor, now, limit=limit, after=after)
    return SharedGalleries(
        items=[
            SharedGallery.model_validate(
                {
                    "id": one.gallery_id,
                    "title": one.gallery.title if one.gallery else None,
                    "studio": one.gallery.studio if one.gallery else None,
                    "door": one.entry.door.value,
                    "locked": one.gallery is None,
                    "rights": vars(one.entry.rights),
                }
            )
            for one in found
        ],
        next=cursors.sign(last, query, me, now),
    )


class HistoryAnswer(BaseModel):
    items: list[RecordAnswer]
    next: str | None


@app.get(
    "/v1/account/audit",
    responses=answers(200, HistoryAnswer, *SIGNED_IN, Reason.INVALID_CURSOR),
    tags=["account"],
)
def history(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> HistoryAnswer:
    """What happened to the account; `actor` is "you" or "studio"."""
    visitor, now, query = request().visitor, clock.now(), "my audit"
    me = visitor.bearer.user_id if visitor.bearer else ""
    after = cursors.read(cursor, query, me, now)
    records, last = account.history(visitor, now, limit=limit, after=after)
    return HistoryAnswer(
        items=[record_answer(one, "you" if one.actor == me else "studio") for one in records],
        next=cursors.sign(last, query, me, now),
    )


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
