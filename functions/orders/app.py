"""Placing an order, and seeing again what one ordered."""

from collections.abc import Mapping
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BaseModel

from foyer import clock
from foyer.operations import claiming, orders
from foyer.operations.orders import Checkout
from foyer.rules.orders import Order
from foyer.rules.refusals import Reason
from foyer.storage.idempotency import Once
from foyer.web import cursors
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import (
    Address,
    Body,
    Consents,
    Id,
    IdempotencyKey,
    Line,
    Message,
    Money,
    OrderAnswer,
    OrderStatus,
    Phone,
    PostalAddress,
    PostalCode,
    Quote,
    WholeOrderAnswer,
    order_answer,
    timestamp,
    whole_order_answer,
)

app = new_api()

OrderId = Annotated[str, Path(max_length=64)]


class OrderContact(Body):
    """Whom the order is for. Who is signed in and has proved his address need say nothing again:
    `address_id` is of his address book."""

    email: Address | None = None
    name: Line | None = None
    phone: Phone | None = None
    address: PostalAddress | None = None
    address_id: Id | None = None


class NewOrder(Body):
    """All that is in the cart, at what the shop charges. `quote` is of the cart that was looked at:
    of any other nothing is ordered."""

    contact: OrderContact = OrderContact()
    consents: Consents | None = None
    note: Message | None = None
    quote: Quote | None = None


@app.post(
    "/v1/orders",
    status_code=201,
    responses=answers(
        201,
        OrderAnswer,
        *CHANGING,
        Reason.KEY_REQUIRED,
        Reason.KEY_REUSED,
        Reason.CART_EMPTY,
        Reason.PRICE_CHANGED,
        Reason.LINE_UNAVAILABLE,
        Reason.ADDRESS_REQUIRED,
        Reason.TERMS_CHANGED,
        Reason.TOO_MANY_ORDERS,
        Reason.TOO_MANY_STUDIOS,
        Reason.SIGN_IN_REQUIRED,
        Reason.SIGN_IN_AGAIN,
        Reason.NOT_OFFERED,
    ),
    tags=["orders"],
)
def place(form: NewOrder, idempotency_key: IdempotencyKey = None) -> OrderAnswer:  # noqa: ARG001
    asked, contact, consents = request(), form.contact, form.consents
    checkout = Checkout(
        address=contact.email,
        name=contact.name,
        phone=contact.phone,
        postal=contact.address.postal() if contact.address else None,
        saved=contact.address_id,
        note=form.note,
        terms=consents.terms if consents else None,
        newsletter=consents.newsletter if consents else False,
        quote=form.quote,
    )
    once = Once(asked.idempotency_key, form.model_dump_json())
    return order_answer(orders.place(asked.visitor, checkout, once, clock.now()))


@app.get(
    "/v1/orders/<order_id>",
    responses=answers(200, WholeOrderAnswer, Reason.NOT_FOUND, Reason.SIGN_IN_AGAIN),
    tags=["orders"],
)
def see(order_id: OrderId) -> WholeOrderAnswer:
    """One's own: to a guest it tells nothing personal."""
    seen = orders.see(request().visitor, order_id, clock.now())
    return whole_order_answer(seen.order, whole=seen.whole)


# ---- in one's account ---------------------------------------------------------------------------

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=2000)]
PROVED = (*SIGNED_IN, Reason.PROVE_ADDRESS)


class OrdersAnswer(BaseModel):
    items: list[WholeOrderAnswer]
    next: str | None


@app.get(
    "/v1/account/orders",
    responses=answers(200, OrdersAnswer, *PROVED, Reason.INVALID_CURSOR),
    tags=["account"],
)
def mine(limit: Limit = 20, cursor: Cursor = None) -> OrdersAnswer:
    """The newest first; of those claimed without their postal code the contact is masked."""
    visitor, now, query = request().visitor, clock.now(), "my orders"
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    found, last = orders.mine(visitor, now, limit=limit, after=after)
    return OrdersAnswer(
        items=[whole_order_answer(one.order, whole=one.whole) for one in found],
        next=cursors.sign(last, query, me, now),
    )


@app.get(
    "/v1/account/orders/<order_id>",
    responses=answers(200, WholeOrderAnswer, *PROVED, Reason.NOT_FOUND),
    tags=["account"],
)
def see_mine(order_id: OrderId) -> WholeOrderAnswer:
    visitor, now = request().visitor, clock.now()
    seen = orders.see_mine(visitor, order_id, now)
    return whole_order_answer(seen.order, whole=seen.whole)


class ClaimLine(BaseModel):
    name: str
    quantity: int


class ClaimItem(BaseModel):
    """An order that names this account's address: as much of it as tells its owner which it is."""

    id: str
    number: str
    status: OrderStatus
    placed_at: str
    lines: list[ClaimLine]
    total: Money
    has_postal_code: bool


class ClaimsAnswer(BaseModel):
    items: list[ClaimItem]
    next: str | None


@app.get(
    "/v1/account/claims",
    responses=answers(200, ClaimsAnswer, *PROVED, Reason.INVALID_CURSOR),
    tags=["account"],
)
def offered(limit: Limit = 20, cursor: Cursor = None) -> ClaimsAnswer:
    visitor, now, query = request().visitor, clock.now(), "orders to claim"
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    found, last = claiming.offered(visitor, now, limit=limit, after=after)
    return ClaimsAnswer(
        items=[_claim(order) for order in found], next=cursors.sign(last, query, me, now)
    )


def _claim(order: Order) -> ClaimItem:
    return ClaimItem(
        id=order.id,
        number=order.number,
        status=order.status.value,
        placed_at=timestamp(order.placed_at),
        lines=[ClaimLine(name=line.name, quantity=line.quantity) for line in order.lines],
        total=Money(amount=order.total, currency=order.currency),
        has_postal_code=order.contact is not None and order.contact.postal is not None,
    )


class ClaimForm(Body):
    """With its postal code all of the order is shown; without, its contact stays masked."""

    postal_code: PostalCode | None = None


@app.post(
    "/v1/account/claims/<order_id>",
    responses=answers(
        200,
        WholeOrderAnswer,
        *CHANGING,
        *PROVED,
        Reason.NOT_FOUND,
        Reason.WRONG_POSTAL_CODE,
        Reason.TOO_MANY_ATTEMPTS,
    ),
    tags=["account"],
)
def claim(order_id: OrderId, form: ClaimForm) -> WholeOrderAnswer:
    seen = claiming.claim(request().visitor, order_id, clock.now(), postal_code=form.postal_code)
    return whole_order_answer(seen.order, whole=seen.whole)


@app.delete(
    "/v1/account/claims/<order_id>",
    status_code=204,
    responses=nothing(*CHANGING, *PROVED, Reason.NOT_FOUND),  # of what is no id at all
    tags=["account"],
)
def refuse(order_id: OrderId) -> Response[None]:
    """It was not his: it is offered no more."""
    claiming.refuse(request().visitor, order_id, clock.now())
    return NOTHING


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
