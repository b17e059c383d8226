"""What a studio sells, and at which price: in the whole shop, or in one of its galleries."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, quote, urlencode

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import products
from foyer.operations.products import NewProduct, Price, Wish
from foyer.rules.carts import Kind, Product
from foyer.rules.policy import POLICY
from foyer.rules.prices import MOST, as_typed, minor_units
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, has
from foyer.rules.users import User
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Body, Id, Title
from skin.page import Kept, Page, Typed, Yes, documented, form_page, read, see_other
from skin.staff import (
    STAFF,
    Asked,
    Cursor,
    Key,
    actor,
    choices,
    names,
    once,
    reached,
    sent_before,
)
from skin.studio import DEEDS, GalleryId, path_of

router = Router()

ProductId = Annotated[str, InPath(max_length=64)]

AT_ONCE = 20  # products in a list
PRODUCTS = "/staff/products"


def seller() -> User:
    """Whoever asks, if he sells anything anywhere. To anybody else there is nothing here."""
    user = actor()
    if not has(user.roles, Power.SELL):
        raise Refusal(Reason.NOT_FOUND)
    return user


def product_path(product_id: str) -> str:
    return f"{PRODUCTS}/{quote(product_id, safe='')}"


def shelf_path(gallery_id: str | None) -> str:
    """The list a product stands in."""
    return PRODUCTS if gallery_id is None else f"{path_of(gallery_id)}/products"


# ---- what is said of a product -------------------------------------------------------------------


def _amount(typed: str) -> int:
    amount = minor_units(typed)
    if amount is None:
        raise PydanticCustomError("price", "no price")
    return amount


class ProductForm(Body):
    name: Title
    price: Annotated[int, BeforeValidator(_amount), Field(ge=0, le=MOST)]

    def in_shops_currency(self) -> Price:
        return Price(self.price, POLICY.shop.currency)


class NewProductForm(ProductForm):
    kind: Kind
    organization_id: Id | None


def _shown(amount: int) -> str:
    """A price in a form, as people of the language write it."""
    return as_typed(amount, "." if request().visitor.language == "en" else ",")


def _said_of(product: Product) -> dict[str, str]:
    return {
        "name": product.name,
        "price": _shown(product.amount),
        "active": "yes" if product.active else "",
    }


# ---- the lists -----------------------------------------------------------------------------------

LISTING = (*STAFF, Reason.INVALID_CURSOR, Reason.TOO_MANY_ORGANIZATIONS)
MAKING = (*DEEDS, Reason.TOO_MANY_ORGANIZATIONS, Reason.TOO_MANY_PRODUCTS, Reason.VERSION_MISMATCH)


@router.get(PRODUCTS, responses=documented(*LISTING), tags=["pages"])
def all_of_them(organization_id: Asked = "", cursor: Cursor = None) -> Page:
    return _shelf_page(None, of=organization_id, cursor=cursor)


@router.get(
    "/staff/galleries/<gallery_id>/products", responses=documented(*LISTING), tags=["pages"]
)
def of_gallery(gallery_id: GalleryId, cursor: Cursor = None) -> Page:
    return _shelf_page(gallery_id, cursor=cursor)


@router.post(PRODUCTS, status_code=303, responses=documented(*MAKING, success=303), tags=["pages"])
def create(
    name: Typed = "",
    price: Typed = "",
    kind: Typed = "",
    of_picture: Yes = "",
    active: Yes = "",
    organization_id: Typed = "",
    key: Key = "",
) -> Page:
    typed = {"name": name, "price": price, "kind": kind, "of_picture": of_picture}
    typed |= {"active": active, "organization_id": organization_id}
    return _create(None, typed, key)


@router.post(
    "/staff/galleries/<gallery_id>/products",
    status_code=303,
    responses=documented(*MAKING, success=303),
    tags=["pages"],
)
def create_in_gallery(
    gallery_id: GalleryId,
    name: Typed = "",
    price: Typed = "",
    kind: Typed = "",
    of_picture: Yes = "",
    active: Yes = "",
    key: Key = "",
) -> Page:
    typed = {"name": name, "price": price, "kind": kind, "of_picture": of_picture}
    return _create(gallery_id, {**typed, "active": active, "organization_id": ""}, key)


def _create(gallery_id: str | None, typed: Mapping[str, str], key: str) -> Page:
    form, wrong = read(
        NewProductForm,
        name=typed["name"],
        price=typed["price"].strip(),
        kind=typed["kind"],
        organization_id=typed["organization_id"] or None,
    )
    if form is None:
        return _shelf_page(gallery_id, Refusal(Reason.INVALID_INPUT), wrong, typed)
    new = NewProduct(
        form.name,
        form.kind,
        form.in_shops_currency(),
        gallery_id,
        of_picture=typed["of_picture"] == "yes",
        active=typed["active"] == "yes",
    )
    visitor, attempt = request().visitor, once(key, gallery_id=gallery_id, **typed)
    try:
        products.create(visitor, new, form.organization_id, clock.now(), once=attempt)
    except Refusal as refusal:
        if refusal.reason not in {Reason.TOO_MANY_PRODUCTS, Reason.KEY_REUSED, Reason.BUSY}:
            raise
        return _shelf_page(gallery_id, sent_before(refusal), None, typed)
    return see_other(shelf_path(gallery_id), done="made")


def _shelf_page(
    gallery_id: str | None,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    of: str = "",
    cursor: str | None = None,
) -> Page:
    """Those of the gallery, or all. Where there are too many organizations for one list, it asks
    for one of them."""
    me, asked, now = seller(), request(), clock.now()
    visitor, query = asked.visitor, f"products {of} {gallery_id}"
    gallery = None if gallery_id is None else products.gallery_of(visitor, gallery_id, now)
    known = reached() if gallery is None else []
    found, following, too_many = list[Product](), None, False
    try:
        after = cursors.read(cursor, query, me.id, now)
        found, last = products.listed(
            visitor,
            now,
            limit=AT_ONCE,
            organization_id=of or None,
            gallery_id=gallery_id,
            after=after,
        )
        following = cursors.sign(last, query, me.id, now)
    except Refusal as refused:
        if refused.reason not in {Reason.TOO_MANY_ORGANIZATIONS, Reason.INVALID_CURSOR}:
            raise
        too_many = refused.reason is Reason.TOO_MANY_ORGANIZATIONS
        refusal = refusal or (None if too_many and not of else refused)
    empty = {"name": "", "price": "", "kind": "", "of_picture": "", "active": "yes"}
    return form_page(
        "studio-products.html",
        refusal,
        wrong,
        typed={**empty, "organization_id": "", **(typed or {})},
        gallery=gallery,
        act=shelf_path(gallery_id),
        products=found,
        titles=products.titles(found) if gallery is None else {},
        organizations=choices(known, me, Power.SELL),
        names=names(known),
        of=of,
        too_many=too_many,
        following={"cursor": following, **({"organization_id": of} if of else {})}
        if following
        else None,
        currency=POLICY.shop.currency,
        examples=[str(45), _shown(4500)],
        key=new_id(),
        done=asked.query.get("done", "") if asked.method != "POST" else "",
    )


# ---- one of them ---------------------------------------------------------------------------------


@router.get(f"{PRODUCTS}/<product_id>", responses=documented(*STAFF), tags=["pages"])
def see(product_id: ProductId) -> Page:
    return _product_page(product_id)


def _product_page(
    product_id: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Page:
    seller()
    product = products.see(request().visitor, product_id, clock.now())
    said = _said_of(product)
    return form_page(
        "studio-product.html",
        refusal,
        wrong,
        product=product,
        act=product_path(product_id),
        shelf=shelf_path(product.gallery_id),
        title=products.titles([product]).get(product.gallery_id or "", ""),
        typed={**said, **(typed or {})},
        shown=urlencode(said),
        currency=POLICY.shop.currency,
        examples=[str(45), _shown(4500)],
    )


@router.post(
    f"{PRODUCTS}/<product_id>",
    status_code=303,
    responses=documented(*DEEDS, Reason.VERSION_MISMATCH, success=303),
    tags=["pages"],
)
def change(
    product_id: ProductId,
    name: Typed = "",
    price: Typed = "",
    active: Yes = "",
    version: Typed = "",
    shown: Kept = "",
) -> Page:
    """Of the version that was shown: what was not touched here is given back as it is by now."""
    typed = {"name": name, "price": price, "active": active}
    form, wrong = read(ProductForm, name=name, price=price.strip())
    if form is None:
        return _product_page(product_id, Refusal(Reason.INVALID_INPUT), wrong, typed)
    wish, match = Wish(form.name, form.in_shops_currency(), active == "yes"), frozenset({version})
    try:
        product = products.change(request().visitor, product_id, wish, clock.now(), if_match=match)
    except Refusal as refusal:
        if refusal.reason not in {Reason.VERSION_MISMATCH, Reason.BUSY}:
            raise
        were = dict(parse_qsl(shown, keep_blank_values=True))
        touched = {n: value for n, value in typed.items() if value != were.get(n, "")}
        return _product_page(product_id, refusal, None, touched)
    return see_other(shelf_path(product.gallery_id), done="changed")


@router.post(
    f"{PRODUCTS}/<product_id>/delete",
    status_code=303,
    responses=documented(*DEEDS, success=303),
    tags=["pages"],
)
def delete(product_id: ProductId, sure: Yes = "") -> Page:
    visitor, now = request().visitor, clock.now()
    if sure != "yes":
        wrong = {"sure": problems.field_words("missing", visitor.language)}
        return _product_page(product_id, Refusal(Reason.INVALID_INPUT), wrong)
    product = _still_there(product_id)
    products.delete(visitor, product_id, now)
    return see_other(shelf_path(product.gallery_id if product else None), done="deleted")


@router.get(
    f"{PRODUCTS}/<product_id>/delete",
    status_code=303,
    responses=documented(*STAFF, success=303),
    tags=["pages"],
)
def back_from_deleting(product_id: ProductId) -> Page:
    """To the product, while it is there."""
    if _still_there(product_id) is None:
        seller()
        return see_other(PRODUCTS)
    return see_other(product_path(product_id))


def _still_there(product_id: str) -> Product | None:
    try:
        return products.see(request().visitor, product_id, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.NOT_FOUND:
            raise
        return None
