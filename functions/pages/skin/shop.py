"""The shop: the front, the cart; what anybody may read or choose."""

from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.operations import galleries, sessions, shopping
from foyer.rules.carts import PricedCart, Thing
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.web import problems
from foyer.web.api import request
from foyer.web.models import Id
from skin.galleries import cards
from skin.page import POSTED, Page, Wrong, documented, error_page, own_path, page, see_other

ON_THE_FRONT = 24

router = Router()


@router.get("/", responses=documented(), tags=["pages"])
def home() -> Page:
    now = clock.now()
    front = galleries.front(request().visitor, ON_THE_FRONT, now)
    return page(
        "home.html",
        cards=cards(front.galleries, now),
        alone=[product for product in front.products if not product.of_picture],
        of_pictures=[product for product in front.products if product.of_picture],
    )


@router.get("/cart", responses=documented(), tags=["pages"])
def cart() -> Page:
    asked = request()
    cart = shopping.see_cart(asked.visitor, clock.now())
    return _cart_page(cart, done=asked.query.get("done", ""))


@router.post(
    "/cart/lines",
    status_code=303,
    responses=documented(
        *POSTED,
        Reason.PICTURE_REQUIRED,
        Reason.QUANTITY_LIMIT,
        Reason.CART_FULL,
        Reason.TOO_MANY_GUESTS,
        success=303,
    ),
    tags=["pages"],
)
def add(
    product_id: Annotated[Id, Form()],
    gallery_id: Annotated[Id | None, Form()] = None,
    picture_id: Annotated[Id | None, Form()] = None,
    quantity: Annotated[str, Form(max_length=20)] = "1",
) -> Page:
    visitor, now = request().visitor, clock.now()
    thing = Thing(product_id, gallery_id, picture_id)
    number = _quantity(quantity)
    if number is None:
        back = f"/galleries/{gallery_id}" if gallery_id else ""
        wrong = Refusal(Reason.INVALID_INPUT)
        return error_page(request(), wrong, wrong_quantity=True, back=back)
    try:
        shopping.put_into_cart(visitor, thing, number, now=now)
    except Refusal as refusal:
        if refusal.reason not in {Reason.QUANTITY_LIMIT, Reason.CART_FULL}:
            raise
        return _cart_page(shopping.see_cart(visitor, now), refusal, thing.line_id)
    return see_other("/cart", done="added")


@router.post(
    "/cart/lines/<line_id>",
    status_code=303,
    responses=documented(*POSTED, success=303),
    tags=["pages"],
)
def change(
    line_id: Annotated[str, InPath(max_length=64)],
    action: Annotated[Literal["set", "remove"], Form()] = "set",
    quantity: Annotated[str, Form(max_length=20)] = "",
) -> Page:
    """`quantity` is taken as typed: the page gives it back with what is wrong."""
    visitor, now = request().visitor, clock.now()
    if action == "remove" or quantity.strip() == "0":
        shopping.remove_line(visitor, line_id, now=now)
        return see_other("/cart", done="removed")
    number = _quantity(quantity)
    if number is None:
        wrong = Refusal(Reason.INVALID_INPUT)
        return _cart_page(shopping.see_cart(visitor, now), wrong, line_id, typed=quantity)
    shopping.change_line(visitor, line_id, number, now=now)
    return see_other("/cart", done="changed")


def _quantity(typed: str) -> int | None:
    """The whole number somebody typed, if a cart takes so many."""
    text = typed.strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= POLICY.carts.quantity):
        return None
    return int(text)


@router.post(
    "/language", status_code=303, responses=documented(*POSTED, success=303), tags=["pages"]
)
def choose_language(
    language: Annotated[Literal["en", "fr", "es"], Form()],
    back: Annotated[str, Form(max_length=200)] = "/",
) -> Page:
    visitor = request().visitor
    sessions.choose_language(visitor, language, clock.now())
    # who turns out to be nobody's guest takes his choice along in the address
    visitor.chosen_language = language if visitor.user is None else None
    return see_other(own_path(back))


def _cart_page(
    cart: PricedCart,
    refusal: Refusal | None = None,
    line_id: str = "",
    typed: str | None = None,
    done: str = "",
) -> Page:
    """The cart, with what was done or what was wrong, and at which line."""
    status, error = HTTPStatus.OK, None
    if refusal is not None:
        status = problems.status(refusal.reason)
        error = Wrong.of(refusal)
    return page(
        "cart.html", status, cart=cart, error=error, at_line=line_id, typed=typed, done=done
    )


@router.get("/terms", responses=documented(), tags=["pages"])
def terms() -> Page:
    return page("terms.html", terms=POLICY.shop.terms, days=POLICY.guests.idle_days)
