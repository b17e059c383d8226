"""Products and orders of a studio."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from foyer import clock
from foyer.operations import products, sales
from foyer.operations.products import NewProduct, Price, Wish
from foyer.rules.carts import Kind, Product
from foyer.rules.orders import Order, Status, Step
from foyer.rules.policy import POLICY
from foyer.rules.prices import MOST
from foyer.rules.refusals import Reason
from foyer.storage.idempotency import Once
from foyer.web import cursors
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import (
    Body,
    Id,
    IdempotencyKey,
    Money,
    Note,
    Title,
    WholeOrderAnswer,
    timestamp,
    whole_order_answer,
)

app = new_api()

STAFF = (*SIGNED_IN, Reason.NOT_FOUND)
SELLING = (*CHANGING, *STAFF)
InPathId = Annotated[str, InPath(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Limit = Annotated[int, Query(ge=1, le=100)]


def _once(form: Body) -> Once:
    return Once(request().idempotency_key, form.model_dump_json())


# ---- products ------------------------------------------------------------------------------------


class PriceForm(Body):
    """Minor units of the shop's currency, tax included."""

    amount: Annotated[int, Field(ge=0, le=MOST)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", max_length=3)]

    def price(self) -> Price:
        return Price(self.amount, self.currency)


class StudioProduct(BaseModel):
    id: str
    name: str
    kind: Kind
    price: Money
    organization_id: str
    gallery_id: str | None
    of_picture: bool = Field(description="Whether a line of it needs a picture.")
    active: bool
    created_at: str
    version: int


class StudioProducts(BaseModel):
    items: list[StudioProduct]
    next: str | None


def _product(product: Product) -> StudioProduct:
    return StudioProduct(
        id=product.id,
        name=product.name,
        kind=product.kind,
        price=Money(amount=product.amount, currency=POLICY.shop.currency),
        organization_id=product.path[-1],
        gallery_id=product.gallery_id,
        of_picture=product.of_picture,
        active=product.active,
        created_at=timestamp(product.made_at),
        version=product.version,
    )


def _tagged(product: Product) -> StudioProduct:
    request().etag = str(product.version)
    return _product(product)


@app.get(
    "/v1/staff/products",
    responses=answers(
        200, StudioProducts, *STAFF, Reason.INVALID_CURSOR, Reason.TOO_MANY_ORGANIZATIONS
    ),
    tags=["sales"],
)
def listed(
    organization_id: Annotated[Id | None, Query()] = None,
    gallery_id: Annotated[Id | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> StudioProducts:
    """Sold just now or not, the newest first."""
    visitor, now = request().visitor, clock.now()
    query = f"studio products {organization_id} {gallery_id}"
    found, last = products.listed(
        visitor,
        now,
        limit=limit,
        organization_id=organization_id,
        gallery_id=gallery_id,
        after=cursors.read(cursor, query, request().visitor.named_id, now),
    )
    return StudioProducts(
        items=[_product(one) for one in found],
        next=cursors.sign(last, query, request().visitor.named_id, now),
    )


class NewProductForm(Body):
    name: Title
    kind: Kind
    price: PriceForm
    organization_id: Id | None = None
    gallery_id: Id | None = None
    of_picture: bool = False
    active: bool = True


@app.post(
    "/v1/staff/products",
    status_code=201,
    responses=answers(201, StudioProduct, *SELLING, Reason.TOO_MANY_PRODUCTS, Reason.KEY_REUSED),
    tags=["sales"],
)
def create(form: NewProductForm, idempotency_key: IdempotencyKey = None) -> StudioProduct:  # noqa: ARG001
    """Without `gallery_id` it is sold in the whole shop. What it is stays: another kind of thing is
    another product."""
    new = NewProduct(
        form.name, form.kind, form.price.price(), form.gallery_id, form.of_picture, form.active
    )
    made = products.create(
        request().visitor, new, form.organization_id, clock.now(), once=_once(form)
    )
    return _tagged(made)


@app.get(
    "/v1/staff/products/<product_id>",
    responses=answers(200, StudioProduct, *STAFF),
    tags=["sales"],
)
def see(product_id: InPathId) -> StudioProduct:
    return _tagged(products.see(request().visitor, product_id, clock.now()))


class ProductChange(Body):
    """What is not sent stays."""

    name: Title | None = None
    price: PriceForm | None = None
    active: bool | None = None


@app.patch(
    "/v1/staff/products/<product_id>",
    responses=answers(200, StudioProduct, *SELLING, Reason.VERSION_MISMATCH),
    tags=["sales"],
)
def change(product_id: InPathId, form: ProductChange) -> StudioProduct:
    """Carts show the new price at once; what was ordered keeps its own."""
    asked = request()
    wish = Wish(form.name, form.price.price() if form.price else None, form.active)
    return _tagged(
        products.change(asked.visitor, product_id, wish, clock.now(), if_match=asked.if_match)
    )


@app.delete(
    "/v1/staff/products/<product_id>",
    status_code=204,
    responses=nothing(*SELLING),
    tags=["sales"],
)
def delete(product_id: InPathId) -> Response[None]:
    """Lines of carts that hold it say that it cannot be had any more."""
    products.delete(request().visitor, product_id, clock.now())
    return NOTHING


# ---- orders --------------------------------------------------------------------------------------


class StudioOrder(WholeOrderAnswer):
    """`studio_ids` are of the organizations whose things are in it; `may` says what whoever asks
    can do with it now. Of a closed account's order there is no contact but the country."""

    studio_ids: list[str]
    country: str | None
    may: list[Literal["confirm", "fulfil", "cancel"]]


class StudioOrders(BaseModel):
    items: list[StudioOrder]
    next: str | None


def _order(order: Order, may: Collection[Step]) -> StudioOrder:
    return StudioOrder.model_validate(
        {
            **whole_order_answer(order, whole=True, seen_by_studio=True).model_dump(),
            "studio_ids": order.organization_ids,
            "country": order.country,
            "may": sorted(step.value for step in may),
        }
    )


@app.get(
    "/v1/staff/orders",
    responses=answers(
        200, StudioOrders, *STAFF, Reason.INVALID_CURSOR, Reason.TOO_MANY_ORGANIZATIONS
    ),
    tags=["sales"],
)
def orders_listed(
    status: Annotated[Status | None, Query()] = None,
    organization_id: Annotated[Id | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> StudioOrders:
    """Those that wait first, the newest of each kind first."""
    visitor, now = request().visitor, clock.now()
    query = f"studio orders {status} {organization_id}"
    found, last = sales.listed(
        visitor,
        now,
        limit=limit,
        status=status,
        organization_id=organization_id,
        after=cursors.read(cursor, query, request().visitor.named_id, now),
    )
    return StudioOrders(
        items=[_order(order, may) for order, may in found],
        next=cursors.sign(last, query, request().visitor.named_id, now),
    )


@app.get("/v1/staff/orders/<order_id>", responses=answers(200, StudioOrder, *STAFF), tags=["sales"])
def see_order(order_id: InPathId) -> StudioOrder:
    return _order(*sales.see(request().visitor, order_id, clock.now()))


class Words(Body):
    """What whoever ordered is told of it."""

    reason: Note | None = None


STEPPING = answers(200, StudioOrder, *SELLING, Reason.WRONG_STATUS, Reason.KEY_REUSED)


@app.post("/v1/staff/orders/<order_id>/confirm", responses=STEPPING, tags=["sales"])
def confirm(order_id: InPathId, idempotency_key: IdempotencyKey = None) -> StudioOrder:  # noqa: ARG001
    """Once more is the same; whoever ordered is told by mail, once."""
    return _stepped(order_id, Step.CONFIRM)


@app.post("/v1/staff/orders/<order_id>/fulfil", responses=STEPPING, tags=["sales"])
def fulfil(order_id: InPathId, idempotency_key: IdempotencyKey = None) -> StudioOrder:  # noqa: ARG001
    return _stepped(order_id, Step.FULFIL)


@app.post("/v1/staff/orders/<order_id>/cancel", responses=STEPPING, tags=["sales"])
def cancel(
    order_id: InPathId,
    form: Words | None = None,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> StudioOrder:
    return _stepped(order_id, Step.CANCEL, form.reason if form is not None else None)


def _stepped(order_id: str, step: Step, reason: str | None = None) -> StudioOrder:
    once = Once(request().idempotency_key, reason or "")
    visitor, now = request().visitor, clock.now()
    return _order(*sales.step(visitor, order_id, step, now, reason=reason, once=once))


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
