"""Who am I, and what a browser must know before anything else: session, store, products."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from foyer import clock
from foyer.operations import sessions, shopping
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason
from foyer.rules.users import GENERIC_ID
from foyer.settings import settings
from foyer.web import cursors
from foyer.web.api import answers, new_api, request, serve
from foyer.web.models import Id, Money

app = new_api()


class SessionUser(BaseModel):
    id: str
    registration_type: Literal["G", "R", "A", "S"]
    profile_type: Literal["B", "C"] | None
    status: str | None
    email: str | None
    name: str | None
    roles: list[dict[str, str]]


class SessionCart(BaseModel):
    line_count: int


class SessionAnswer(BaseModel):
    user: SessionUser
    authentication: Literal["generic", "guest", "remembered", "signed_in"]
    cart: SessionCart
    next: list[str]


@app.get("/v1/session", responses=answers(200, SessionAnswer), tags=["session"])
def who_am_i() -> SessionAnswer:
    session = sessions.current(request().visitor, clock.now())
    user = session.user
    return SessionAnswer(
        user=SessionUser(
            id=user.id if user else GENERIC_ID,
            registration_type="G",
            profile_type=None,
            status=None,
            email=None,
            name=None,
            roles=[],
        ),
        authentication="guest" if user else "generic",
        cart=SessionCart(line_count=session.line_count),
        next=[],
    )


class StoreTerms(BaseModel):
    version: str
    url: str


class StoreAnswer(BaseModel):
    name: str
    locales: list[str]
    currency: str
    terms: StoreTerms
    guest_orders: bool
    selection_label: str


@app.get("/v1/store", responses=answers(200, StoreAnswer), tags=["session"])
def store() -> Response[StoreAnswer]:
    shop = POLICY.shop
    body = StoreAnswer(
        name=settings().site_name,
        locales=list(POLICY.languages.offered),
        currency=shop.currency,
        terms=StoreTerms(version=shop.terms.version, url=shop.terms.url),
        guest_orders=shop.guest_orders,
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
    page = shopping.products(gallery_id, limit=limit, after=after, now=now)
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
