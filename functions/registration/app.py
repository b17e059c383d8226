"""From guest to client: sign up, the mailed link, a forgotten password. And away from the
newsletter, which nobody need sign in for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from pydantic import BaseModel, Field

from foyer import clock
from foyer.operations import activation, consents, passwords, registration
from foyer.operations.activation import Choice
from foyer.rules.policy import ProfileType
from foyer.rules.refusals import Reason
from foyer.storage.idempotency import Once
from foyer.web.api import CHANGING, IDENTIFYING, answers, new_api, request, serve
from foyer.web.models import (
    Address,
    Applicant,
    Body,
    Consents,
    Id,
    IdempotencyKey,
    Line,
    NewPassword,
    Notice,
    SessionAnswer,
    Token,
    TransferAnswer,
    session_answer,
    timestamp,
    transfer_answer,
)

app = new_api()

MAILED = Notice(code="check_your_mail")
LINK = (
    Reason.LINK_INVALID,
    Reason.LINK_EXPIRED,
    Reason.LINK_REPLACED,
    Reason.ALREADY_ACTIVE,
    Reason.TOO_MANY_APPLICATIONS,
)


class SignUp(Applicant):
    consents: Consents


@app.post(
    "/v1/registrations",
    status_code=202,
    responses=answers(
        202,
        Notice,
        *CHANGING,
        Reason.TOO_MANY_MAILS,
        Reason.TOO_MANY_GUESTS,
        Reason.TERMS_CHANGED,
        Reason.KEY_REUSED,
        Reason.NOT_OFFERED,
    ),
    tags=["registration"],
)
def sign_up(form: SignUp, idempotency_key: IdempotencyKey = None) -> Notice:  # noqa: ARG001
    wish = registration.SignUp(
        address=form.email,
        profile=form.profile(),
        terms=form.consents.terms,
        newsletter=form.consents.newsletter,
        language=form.locale,
        gallery_id=form.gallery_id,
    )
    registration.sign_up(request().visitor, wish, clock.now(), once=_once(form))
    return MAILED  # the same answer, the same work, whether or not the address is known


class AnAddress(Body):
    email: Address


@app.post(
    "/v1/registrations/resend",
    status_code=202,
    responses=answers(202, Notice, *CHANGING, Reason.TOO_MANY_MAILS, Reason.KEY_REUSED),
    tags=["registration"],
)
def resend(form: AnAddress, idempotency_key: IdempotencyKey = None) -> Notice:  # noqa: ARG001
    registration.resend(request().visitor, form.email, clock.now(), once=_once(form))
    return MAILED


def _once(form: Body) -> Once:
    return Once(request().idempotency_key, form.model_dump_json())


class AToken(Body):
    token: Token


class WaitingCart(BaseModel):
    line_count: int
    begun: str | None


class PreviewAnswer(BaseModel):
    """What the link would do in this browser. `address` is masked."""

    this_browser: bool
    address: str
    name: str
    organization: str | None = Field(description="The wish; elsewhere it counts if sent again.")
    organization_id: str | None
    cart: WaitingCart
    terms_accepted: bool
    on_behalf: bool = Field(description="Staff opened it: a password is chosen, no name asked.")


@app.post(
    "/v1/activations/preview",
    responses=answers(200, PreviewAnswer, *IDENTIFYING, *LINK, Reason.OTHER_ADDRESS),
    tags=["registration"],
)
def preview(form: AToken) -> PreviewAnswer:
    shown = activation.preview(request().visitor, form.token, clock.now())
    begun = None if shown.begun_at is None else timestamp(shown.begun_at)
    return PreviewAnswer(
        this_browser=shown.this_browser,
        address=shown.address,
        name=shown.name,
        organization=shown.organization,
        organization_id=shown.organization_id,
        cart=WaitingCart(line_count=shown.line_count, begun=begun),
        terms_accepted=shown.terms_accepted,
        on_behalf=shown.on_behalf,
    )


class Activation(Body):
    token: Token
    password: NewPassword | None = None
    name: Line | None = None
    profile_type: ProfileType | None = None
    organization_id: Id | None = None
    consents: Consents | None = None
    take_over: bool | None = Field(
        default=None, description="Elsewhere: whether the cart of who signed up comes along."
    )


class ActivatedAnswer(BaseModel):
    status: Literal["approved", "pending_approval"]
    session: SessionAnswer | None = None
    transfer: TransferAnswer | None = None
    gallery_id: str | None = Field(
        default=None, description="At whose door he signed up, in this browser."
    )
    order_id: str | None = Field(
        default=None, description="Of the order whose confirmation brought the link."
    )


@app.post(
    "/v1/activations",
    responses=answers(
        200,
        ActivatedAnswer,
        *IDENTIFYING,
        *LINK,
        Reason.OTHER_ADDRESS,
        Reason.PASSWORD_REQUIRED,
        Reason.NAME_REQUIRED,
        Reason.WEAK_PASSWORD,
        Reason.TERMS_CHANGED,
        Reason.TAKE_OVER_REQUIRED,
        Reason.TOO_MANY_ATTEMPTS,
    ),
    tags=["registration"],
)
def activate(form: Activation) -> ActivatedAnswer:
    choice = Choice(
        password=form.password,
        name=form.name,
        profile_type=form.profile_type,
        organization_id=form.organization_id,
        terms=form.consents.terms if form.consents else None,
        newsletter=bool(form.consents and form.consents.newsletter),
        take_over=form.take_over,
    )
    done = activation.activate(request().visitor, form.token, choice, clock.now())
    if done.presence is None:
        return ActivatedAnswer(status="pending_approval")
    return ActivatedAnswer(
        status="approved",
        session=session_answer(done.presence),
        transfer=transfer_answer(done.receipt),
        gallery_id=done.gallery_id,
        order_id=done.order_id,
    )


@app.post(
    "/v1/password-resets",
    status_code=202,
    responses=answers(202, Notice, *IDENTIFYING, Reason.TOO_MANY_MAILS, Reason.KEY_REUSED),
    tags=["registration"],
)
def ask_reset(form: AnAddress, idempotency_key: IdempotencyKey = None) -> Notice:  # noqa: ARG001
    passwords.ask_reset(request().visitor, form.email, clock.now(), once=_once(form))
    return MAILED


class Reset(Body):
    token: Token
    password: NewPassword
    take_over: bool | None = None


class ResetAnswer(BaseModel):
    session: SessionAnswer
    transfer: TransferAnswer | None


@app.post(
    "/v1/password-resets/redeem",
    responses=answers(
        200,
        ResetAnswer,
        *IDENTIFYING,
        *LINK,
        Reason.WEAK_PASSWORD,
        Reason.TAKE_OVER_REQUIRED,
        Reason.APPROVAL_PENDING,
        Reason.REGISTRATION_REJECTED,
        Reason.ACCOUNT_DISABLED,
        Reason.TOO_MANY_ATTEMPTS,
    ),
    tags=["registration"],
)
def reset(form: Reset) -> ResetAnswer:
    visitor, now = request().visitor, clock.now()
    done = passwords.reset(visitor, form.token, form.password, now, take_over=form.take_over)
    return ResetAnswer(
        session=session_answer(done.presence), transfer=transfer_answer(done.receipt)
    )


class Unsubscribed(BaseModel):
    newsletter: Literal[False] = False


@app.post(
    "/v1/unsubscribe/<token>",
    responses=answers(200, Unsubscribed, Reason.LINK_INVALID, Reason.TOO_LARGE, Reason.BUSY),
    tags=["registration"],
)
def unsubscribe(token: Annotated[str, InPath(max_length=200)]) -> Unsubscribed:
    """Of a newsletter's `List-Unsubscribe` header (RFC 8058): called by mail programs, from
    anywhere, with whatever body; as often as it is called the answer is the same."""
    consents.unsubscribe(token, clock.now())
    return Unsubscribed()


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
