"""The cart. The first POST makes the guest."""

from collections.abc import Mapping
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from foyer import clock
from foyer.operations import shopping
from foyer.operations.shopping import Terms
from foyer.rules.carts import PricedCart, Thing
from foyer.rules.refusals import Reason
from foyer.web.api import CHANGING, answers, new_api, request, serve
from foyer.web.models import Id, IdempotencyKey, Money

app = new_api()


def _number(value: Any) -> Any:
    """JSON's own numbers only: pydantic would also take "2" and true."""
    if isinstance(value, bool | str):
        raise ValueError("not a number")
    return value


Quantity = Annotated[int, Field(ge=1, le=99), BeforeValidator(_number)]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The cart's ETag.")]
LineId = Annotated[str, Path(min_length=1, max_length=64)]


class NewLine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product_id: Id
    gallery_id: Id | None = None
    picture_id: Id | None = None
    quantity: Quantity


class NewQuantity(BaseModel):
    model_config = ConfigDict(extra="forbid")
    quantity: Quantity


class LineAnswer(BaseModel):
    """A line at what the shop charges now. What can no longer be had is not `available`, has no
    price and counts nothing."""

    id: str
    product_id: str
    gallery_id: str | None
    picture_id: str | None
    name: str
    quantity: int
    unit_price: Money | None
    total: Money | None
    available: bool


class CartAnswer(BaseModel):
    lines: list[LineAnswer]
    shipping: Money
    total: Money
    version: int


@app.get("/v1/cart", responses=answers(200, CartAnswer), tags=["cart"])
def see() -> CartAnswer:
    return _answer(shopping.see_cart(request().visitor, clock.now()))


@app.post(
    "/v1/cart/lines",
    status_code=201,
    responses=answers(
        201,
        CartAnswer,
        Reason.NOT_FOUND,
        Reason.PICTURE_REQUIRED,
        Reason.QUANTITY_LIMIT,
        Reason.CART_FULL,
        Reason.TOO_MANY_GUESTS,
        Reason.SIGN_IN_REQUIRED,
        Reason.NOT_OFFERED,
        Reason.VERSION_MISMATCH,
        Reason.KEY_REUSED,
        *CHANGING,
    ),
    tags=["cart"],
)
def add(
    line: Annotated[NewLine, Body()],
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001 - documented here, read by the request
    if_match: IfMatch = None,  # noqa: ARG001
) -> CartAnswer:
    asked = request()
    cart = shopping.put_into_cart(
        asked.visitor,
        Thing(line.product_id, line.gallery_id, line.picture_id),
        line.quantity,
        now=clock.now(),
        terms=Terms(asked.if_match, asked.idempotency_key, line.model_dump_json()),
    )
    return _answer(cart)


@app.patch(
    "/v1/cart/lines/<line_id>",
    responses=answers(
        200,
        CartAnswer,
        Reason.NOT_FOUND,
        Reason.VERSION_MISMATCH,
        *CHANGING,
    ),
    tags=["cart"],
)
def change(
    line_id: LineId,
    line: Annotated[NewQuantity, Body()],
    if_match: IfMatch = None,  # noqa: ARG001
) -> CartAnswer:
    asked = request()
    terms = Terms(asked.if_match)
    return _answer(
        shopping.change_line(asked.visitor, line_id, line.quantity, now=clock.now(), terms=terms)
    )


@app.delete(
    "/v1/cart/lines/<line_id>",
    responses=answers(200, CartAnswer, Reason.NOT_FOUND, Reason.VERSION_MISMATCH, *CHANGING),
    tags=["cart"],
)
def remove(line_id: LineId, if_match: IfMatch = None) -> CartAnswer:  # noqa: ARG001
    asked = request()
    terms = Terms(asked.if_match)
    return _answer(shopping.remove_line(asked.visitor, line_id, now=clock.now(), terms=terms))


def _answer(cart: PricedCart) -> CartAnswer:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=cart.currency)

    request().etag = str(cart.version)
    return CartAnswer(
        lines=[
            LineAnswer(
                id=line.id,
                product_id=line.thing.product_id,
                gallery_id=line.thing.gallery_id,
                picture_id=line.thing.picture_id,
                name=line.name,
                quantity=line.quantity,
                unit_price=None if line.unit_price is None else money(line.unit_price),
                total=None if line.total is None else money(line.total),
                available=line.available,
            )
            for line in cart.lines
        ],
        shipping=money(cart.shipping),
        total=money(cart.total),
        version=cart.version,
    )


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
