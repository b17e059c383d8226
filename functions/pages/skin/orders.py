"""Ordering on one page, one's orders in one's space, and those one may claim (P7, P12, P13)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form, Query
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import claiming, orders, shopping
from foyer.operations.orders import Checkout, Counter, Seen
from foyer.rules.addresses import Postal
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import masked
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Address, Body, Id, Line, Message, Phone, PostalAddress, PostalCode
from skin.page import (
    MINE,
    POSTED,
    Brought,
    Kept,
    Page,
    Typed,
    Yes,
    back_to_its_page,
    documented,
    form_page,
    page,
    read,
    see_other,
)
from skin.staff import Key, once, sent_before

router = Router()

AT_ONCE = 10

Cursor = Annotated[str | None, Query(max_length=2000)]
OrderId = Annotated[str, InPath(max_length=64)]
Long = Annotated[str, Form(max_length=4000)]


# ---- ordering ------------------------------------------------------------------------------------

ORDERING = (
    Reason.CART_EMPTY,
    Reason.PRICE_CHANGED,
    Reason.LINE_UNAVAILABLE,
    Reason.ADDRESS_REQUIRED,
    Reason.TERMS_REQUIRED,
    Reason.TERMS_CHANGED,
    Reason.TOO_MANY_ORDERS,
    Reason.TOO_MANY_STUDIOS,
    Reason.BUSY,
)
# Something in the form is missing or wrong: the same order is sent once more, under the same key.
OF_A_FIELD = {
    Reason.INVALID_INPUT,
    Reason.ADDRESS_REQUIRED,
    Reason.TERMS_REQUIRED,
    Reason.TOO_MANY_ORDERS,
    Reason.BUSY,
}
POSTAL = ("line1", "line2", "postal_code", "city", "region", "country")
AS_SHOWN = ("email", "name", "phone", "address_id", *POSTAL, "note", "terms")
ANOTHER = "another"  # address than those in the book


@router.get(
    "/checkout",
    responses=documented(*MINE, Reason.NOT_OFFERED),
    tags=["pages"],
)
def checkout_page(brought: Brought = "") -> Page:
    done = request().query.get("done", "")
    return _checkout_page({}, done=done, brought=brought)


class ContactForm(Body):
    email: Address | None
    name: Line | None
    phone: Phone | None
    note: Message | None
    address_id: Id | None


@router.post(
    "/checkout",
    status_code=303,
    responses=documented(*POSTED, *MINE, *ORDERING, Reason.NOT_OFFERED, Reason.VERSION_MISMATCH)
    | documented(success=303),
    tags=["pages"],
)
def place(
    email: Typed = "",
    name: Typed = "",
    phone: Typed = "",
    address_id: Typed = "",
    line1: Typed = "",
    line2: Typed = "",
    postal_code: Typed = "",
    city: Typed = "",
    region: Typed = "",
    country: Typed = "",
    note: Long = "",
    terms: Yes = "",
    newsletter: Yes = "",
    quote: Typed = "",
    key: Key = "",
    remove: Typed = "",
) -> Page:
    """`remove` is a line that cannot be had: it is taken out, and what was typed stays."""
    typed = {"email": email, "name": name, "phone": phone, "address_id": address_id}
    typed |= {"line1": line1, "line2": line2, "postal_code": postal_code, "city": city}
    typed |= {"region": region, "country": country, "note": note, "quote": quote}
    typed |= {"terms": terms, "newsletter": newsletter}
    visitor, now = request().visitor, clock.now()
    if remove:
        shopping.remove_line(visitor, remove, now=now)
        return _checkout_page({**typed, "quote": ""})
    said = {n: typed[n].strip() or None for n in ("email", "name", "phone", "note")}
    saved = None if address_id in {"", ANOTHER} else address_id
    form, wrong = read(ContactForm, **said, address_id=saved)
    postal, wrong_postal = _postal(typed) if saved is None else (None, {})
    if form is None or wrong_postal:
        wrong = {**wrong, **wrong_postal}
        return _checkout_page(typed, Refusal(Reason.INVALID_INPUT), wrong, key=key)
    wanted = Checkout(
        address=form.email,
        name=form.name if saved is None else None,  # who receives it there stands in the book
        phone=form.phone,
        postal=postal,
        saved=form.address_id,
        note=form.note,
        terms=POLICY.shop.terms.version if terms == "yes" else None,
        newsletter=newsletter == "yes",
        quote=quote or None,
        asks_terms=True,
    )
    try:
        placed = orders.place(visitor, wanted, once(key, **typed), now)
    except Refusal as refusal:
        again = {*ORDERING, Reason.INVALID_INPUT, Reason.KEY_REUSED, Reason.KEY_REQUIRED}
        if refusal.reason not in again:
            raise
        return _checkout_page(typed, refusal, key=key)
    if visitor.user is None or visitor.user.id != placed.placed_by:
        # he signed in since, and it is not in his account (0.11)
        return _order_page(Seen(placed, whole=False))
    return see_other(f"/orders/{placed.id}", done="placed")


def _postal(typed: Mapping[str, str]) -> tuple[Postal | None, dict[str, str]]:
    """The address that was typed, if any was: the country alone, which is chosen, is none."""
    said = {name: typed[name].strip() for name in POSTAL}
    if not any(text for name, text in said.items() if name != "country"):
        return None, {}
    optional = {name: said[name] or None for name in ("line2", "region")}
    form, wrong = read(PostalAddress, **{**said, **optional})
    return (None if form is None else form.postal()), wrong


def _sent_before(refusal: Refusal) -> Refusal:
    """Nobody knows of keys."""
    keyless = refusal.reason is Reason.KEY_REQUIRED
    return Refusal(Reason.VERSION_MISMATCH) if keyless else sent_before(refusal)


def _checkout_page(
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    key: str = "",
    **facts: Any,
) -> Page:
    """The cart as it would be ordered, and the form; given back with what was typed. Only while
    nothing but a field was wrong it is the same form, under the same key."""
    counter = orders.at_the_counter(request().visitor, clock.now())
    typed = {**_known(counter), **typed}
    changed = typed["quote"] not in {"", counter.cart.quote}
    if refusal is not None and refusal.reason in OF_A_FIELD:
        refusal, wrong = _where(refusal, counter, typed, wrong or {})
    same = bool(key) and refusal is not None and refusal.reason in OF_A_FIELD and not changed
    return form_page(
        "checkout.html",
        None if refusal is None else _sent_before(refusal),
        wrong,
        cart=counter.cart,
        counter=counter,
        typed=typed,
        kept={name: value for name, value in typed.items() if name != "quote"},
        key=key if same else new_id(),
        changed=changed,
        another=ANOTHER,
        **{"done": "", "brought": "", **facts},
    )


def _known(counter: Counter) -> dict[str, str]:
    """What stands in a form that nobody has filled in yet: of who is signed in what his account
    says; the address that was used last."""
    names = ("email", "name", "phone", "note", "terms", "newsletter", "quote", *POSTAL)
    known = {**dict.fromkeys(names, ""), "address_id": ANOTHER}
    user = counter.user
    if user is not None and user.profile is not None:
        known |= {"email": user.address or "", "name": user.profile.name}
        known["phone"] = user.profile.phone or ""
    for entry in counter.book.by_use()[:1]:
        known |= {"address_id": entry.id, "country": entry.postal.country}
    return known


def _where(
    refusal: Refusal, counter: Counter, typed: Mapping[str, str], wrong: Mapping[str, str]
) -> tuple[Refusal, dict[str, str]]:
    """The same refusal, and at each field what it lacks: whatever was refused first, all of it is
    said at once."""
    language = request().visitor.language
    missing = problems.field_words("missing", language)
    asked = [] if counter.is_client else ["email", "name"]
    saved = typed["address_id"] in counter.book.entries
    if counter.cart.shipped and not saved:
        asked += ["line1", "postal_code", "city", "country"]
    found = {name: missing for name in asked if not typed[name].strip()}
    if not saved and typed["address_id"] not in {"", ANOTHER}:
        found["address_id"] = problems.field_words("gone", language)
    if typed["terms"] != "yes" and not counter.has_agreed:
        found["terms"] = problems.field_words("not_agreed", language)
    if refusal.reason is Reason.TERMS_REQUIRED:
        refusal = Refusal(Reason.INVALID_INPUT)
    plain = Refusal(refusal.reason, retry_after=refusal.retry_after)
    at = {**found, **wrong}
    return plain, {name: at[name] for name in AS_SHOWN if name in at}


# ---- the order, as whoever placed it sees it -----------------------------------------------------


@router.get(
    "/orders/<order_id>",
    responses=documented(Reason.NOT_FOUND, Reason.SIGN_IN_AGAIN),
    tags=["pages"],
)
def placed(order_id: OrderId) -> Page:
    return _order_page(orders.see(request().visitor, order_id, clock.now()))


def _order_page(seen: Seen) -> Page:
    return page(
        "order-placed.html",
        order=seen.order,
        whole=seen.whole,
        done=request().query.get("done", ""),
    )


# ---- in one's space ------------------------------------------------------------------------------

PROVED = (*MINE, Reason.PROVE_ADDRESS)


@router.get("/account/orders", responses=documented(*PROVED, Reason.INVALID_CURSOR), tags=["pages"])
def mine(cursor: Cursor = None) -> Page:
    visitor, now, query = request().visitor, clock.now(), "my orders"
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    try:
        found, last = orders.mine(visitor, now, limit=AT_ONCE, after=after)
    except Refusal as refusal:
        return _prove_first(refusal)
    return page(
        "my-orders.html",
        found=found,
        done=request().query.get("done", ""),
        later=cursor is not None,
        following=cursors.sign(last, query, me, now),
    )


@router.get(
    "/account/orders/<order_id>", responses=documented(*PROVED, Reason.NOT_FOUND), tags=["pages"]
)
def see_mine(order_id: OrderId, brought: Brought = "") -> Page:
    try:
        seen = orders.see_mine(request().visitor, order_id, clock.now())
    except Refusal as refusal:
        return _prove_first(refusal, brought=brought)
    return _my_order_page(seen, brought=brought)


class WholeForm(Body):
    postal_code: PostalCode


@router.post(
    "/account/orders/<order_id>",
    status_code=303,
    responses=documented(
        *POSTED, *PROVED, Reason.WRONG_POSTAL_CODE, Reason.TOO_MANY_ATTEMPTS, success=303
    ),
    tags=["pages"],
)
def see_whole(order_id: OrderId, postal_code: Typed = "") -> Page:
    """Who types its postal code sees all of it."""
    visitor, now = request().visitor, clock.now()
    form, wrong = read(WholeForm, postal_code=postal_code.strip())
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
    else:
        try:
            claiming.claim(visitor, order_id, now, postal_code=form.postal_code)
        except Refusal as refused:
            if refused.reason not in WRONG_CODE:
                raise
            refusal = refused
        else:
            return see_other(f"/account/orders/{order_id}", done="whole")
    seen = orders.see_mine(visitor, order_id, now)
    return _my_order_page(seen, refusal, wrong, postal_code=postal_code)


def _my_order_page(
    seen: Seen,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    **facts: Any,
) -> Page:
    contact = seen.order.contact
    return form_page(
        "my-order.html",
        refusal,
        wrong,
        order=seen.order,
        whole=seen.whole,
        hint="" if contact is None else masked(contact.address),
        done=request().query.get("done", ""),
        **{"brought": "", "postal_code": "", **facts},
    )


def _prove_first(refusal: Refusal, **facts: Any) -> Page:
    """Of who came by a link that may have been passed on: what he does to see his orders (0.9)."""
    if refusal.reason is not Reason.PROVE_ADDRESS:
        raise refusal
    return page(
        "prove-first.html",
        problems.status(refusal.reason),
        back=request().path,
        done=request().query.get("done", ""),
        **{"brought": "", **facts},
    )


# ---- orders that name one's address --------------------------------------------------------------

WRONG_CODE = {Reason.WRONG_POSTAL_CODE, Reason.TOO_MANY_ATTEMPTS}


@router.get("/account/claims", responses=documented(*PROVED, Reason.INVALID_CURSOR), tags=["pages"])
def offered(cursor: Cursor = None) -> Page:
    try:
        return _claims_page(cursor, done=request().query.get("done", ""))
    except Refusal as refusal:
        return _prove_first(refusal)


class ClaimForm(Body):
    postal_code: PostalCode | None


@router.post(
    "/account/claims/<order_id>",
    status_code=303,
    responses=documented(
        *POSTED,
        *PROVED,
        Reason.WRONG_POSTAL_CODE,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.INVALID_CURSOR,
        success=303,
    ),
    tags=["pages"],
)
def answer(
    order_id: OrderId,
    was: Annotated[Literal["mine", "another"], Form()] = "mine",
    postal_code: Typed = "",
    cursor: Kept = "",
) -> Page:
    """`cursor` is of the page of the list on which it was answered."""
    visitor, now = request().visitor, clock.now()
    if was == "another":
        claiming.refuse(visitor, order_id, now)
        return see_other("/account/claims", done="refused")
    form, wrong = read(ClaimForm, postal_code=postal_code.strip() or None)
    refusal = Refusal(Reason.INVALID_INPUT)
    if form is not None:
        try:
            claiming.claim(visitor, order_id, now, postal_code=form.postal_code)
        except Refusal as refused:
            if refused.reason not in WRONG_CODE:
                raise
            refusal = refused
        else:
            return see_other(f"/account/orders/{order_id}", done="claimed")
    return _claims_page(cursor or None, refusal, wrong, at=order_id, postal_code=postal_code)


def _claims_page(
    cursor: str | None,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    **facts: Any,
) -> Page:
    visitor, now, query = request().visitor, clock.now(), "orders to claim"
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    found, last = claiming.offered(visitor, now, limit=AT_ONCE, after=after)
    return form_page(
        "claims.html",
        refusal,
        wrong,
        found=found,
        cursor=cursor or "",
        following=cursors.sign(last, query, me, now),
        **{"at": "", "postal_code": "", "done": "", **facts},
    )


@router.get(
    "/account/claims/<order_id>",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
def back_to_the_claims(order_id: OrderId) -> Page:  # noqa: ARG001 - it is in the path
    return back_to_its_page()
