"""Who am I, signing in and out, my sessions; and what a browser must know before anything else."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.operations import account, sessions, shopping
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason
from foyer.rules.users import GENERIC_ID
from foyer.settings import settings
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
    Body,
    Code,
    GivenPassword,
    Id,
    Money,
    Notice,
    SessionAnswer,
    TransferAnswer,
    session_answer,
    timestamp,
    transfer_answer,
)

app = new_api()


@app.get("/v1/session", responses=answers(200, SessionAnswer), tags=["session"])
def who_am_i() -> SessionAnswer:
    return session_answer(sessions.current(request().visitor, clock.now()))


class SignIn(Body):
    """With a password or a mailed code; staff on a browser we do not know with both."""

    email: Address
    password: GivenPassword | None = None
    code: Code | None = None
    remember: bool = False
    take_over: bool | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> "SignIn":
        if self.password is None and self.code is None:
            raise PydanticCustomError("missing", "password or code")
        return self


class SignInAnswer(SessionAnswer):
    transfer: TransferAnswer | None


@app.post(
    "/v1/session",
    responses=answers(
        200,
        SignInAnswer,
        *IDENTIFYING,
        Reason.WRONG_CREDENTIALS,
        Reason.CODE_REQUIRED,
        Reason.APPROVAL_PENDING,
        Reason.REGISTRATION_REJECTED,
        Reason.ACCOUNT_DISABLED,
        Reason.TAKE_OVER_REQUIRED,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.TOO_MANY_MAILS,
    ),
    tags=["session"],
)
def sign_in(form: SignIn) -> SignInAnswer:
    given = sessions.Given(form.email, form.password, form.code, form.remember, form.take_over)
    done = sessions.sign_in(request().visitor, given, clock.now())
    return SignInAnswer(
        **session_answer(done.presence).model_dump(), transfer=transfer_answer(done.receipt)
    )


class AskCode(Body):
    email: Address


@app.post(
    "/v1/session/codes",
    status_code=202,
    responses=answers(202, Notice, *IDENTIFYING, Reason.TOO_MANY_MAILS),
    tags=["session"],
)
def ask_code(form: AskCode) -> Notice:
    sessions.ask_code(request().visitor, form.email, clock.now())
    return Notice(code="check_your_mail")


@app.delete("/v1/session", status_code=204, responses=nothing(*IDENTIFYING), tags=["session"])
def sign_out() -> Response[None]:
    sessions.sign_out(request().visitor, clock.now())
    return NOTHING


class SessionItem(BaseModel):
    id: str
    current: bool
    browser: str = Field(description='Like "Firefox, Windows"; empty where we do not know it.')
    started_at: str
    seen_at: str = Field(description="To the hour: the clock is pushed no more often.")
    remember: bool


class SessionsAnswer(BaseModel):
    items: list[SessionItem]
    next: None = None


@app.get(
    "/v1/account/sessions",
    responses=answers(200, SessionsAnswer, *SIGNED_IN),
    tags=["account"],
)
def my_sessions() -> SessionsAnswer:
    visitor = request().visitor
    found = account.list_sessions(visitor, clock.now())
    own = visitor.session.id if visitor.session else None
    return SessionsAnswer(
        items=[
            SessionItem(
                id=session.id,
                current=session.id == own,
                browser=session.browser,
                started_at=timestamp(session.started_at),
                seen_at=timestamp(session.seen_at),
                remember=session.remember,
            )
            for session in found
        ]
    )


@app.delete(
    "/v1/account/sessions/<session_id>",
    status_code=204,
    responses=nothing(*CHANGING, *SIGNED_IN, Reason.PROOF_REQUIRED, Reason.NOT_FOUND),
    tags=["account"],
)
def end_session(session_id: Annotated[str, InPath(max_length=64)]) -> Response[None]:
    account.end_session(request().visitor, session_id, clock.now())
    return NOTHING


@app.delete(
    "/v1/account/sessions",
    status_code=204,
    responses=nothing(*CHANGING, *SIGNED_IN, Reason.PROOF_REQUIRED),
    tags=["account"],
)
def end_other_sessions() -> Response[None]:
    account.end_other_sessions(request().visitor, clock.now())
    return NOTHING


class StoreTerms(BaseModel):
    version: str
    url: str


class StoreAnswer(BaseModel):
    name: str
    locales: list[str]
    currency: str
    terms: StoreTerms
    sign_up: bool
    guest_orders: bool
    selection_label: str


@app.get("/v1/store", responses=answers(200, StoreAnswer), tags=["session"])
def store() -> Response[StoreAnswer]:
    shop = POLICY.shop
    body = StoreAnswer(
        name=settings().site_name,
        locales=list(settings().locales),
        currency=shop.currency,
        terms=StoreTerms(version=shop.terms.version, url=shop.terms.url),
        sign_up="G" in POLICY.actions.sign_up,
        guest_orders="G" in POLICY.actions.order,
        selection_label=shop.selection_label,
    )
    # The same for everybody: the one JSON answer a cache may keep.
    headers = {"Cache-Control": "public, max-age=300", "Vary": "Accept-Encoding"}
    return Response(200, content_type="application/json", body=body, headers=headers)


class ProductAnswer(BaseModel):
    id: str
    name: str
    kind: Literal["print", "download", "other"]
    price: Money
    gallery_id: str | None
    of_picture: bool = Field(description="Whether a line of it needs a picture.")


class ProductsAnswer(BaseModel):
    items: list[ProductAnswer]
    next: str | None


@app.get(
    "/v1/products",
    responses=answers(200, ProductsAnswer, Reason.NOT_FOUND, Reason.INVALID_CURSOR),
    tags=["session"],
)
def products(
    gallery_id: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> ProductsAnswer:
    now, query = clock.now(), f"products {gallery_id or ''}"
    after = cursors.read(cursor, query, GENERIC_ID, now)
    page = shopping.products(request().visitor, gallery_id, now, limit=limit, after=after)
    return ProductsAnswer(
        items=[
            ProductAnswer(
                id=product.id,
                name=product.name,
                kind=product.kind,
                price=Money(amount=product.amount, currency=POLICY.shop.currency),
                gallery_id=product.gallery_id,
                of_picture=product.of_picture,
            )
            for product in page.items
        ],
        next=cursors.sign(page.last, query, GENERIC_ID, now),
    )


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
