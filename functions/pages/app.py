"""The pages: the same operations as the JSON routes, as HTML that needs no JavaScript. `$default`
belongs here, so this is also who says 404 and 405, for pages and for /v1."""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Form, Query
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from foyer import clock
from foyer.operations import sessions, shopping
from foyer.rules.carts import PricedCart, Thing
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.settings import settings
from foyer.storage.table import Unavailable
from foyer.web import problems
from foyer.web.api import new_api, refuse_as_problem, request, serve
from foyer.web.language import translations
from foyer.web.models import Id
from foyer.web.problems import FieldError
from foyer.web.request import FORM, Request
from foyer.web.routes import DOCUMENT, check_route

HERE = Path(__file__).parent
HTML = "text/html; charset=utf-8"
POLICY_OF_PAGES = (
    "default-src 'none'; style-src 'self'; img-src 'self' https:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
FOR_EVER = "public, max-age=31536000, immutable"
ON_THE_FRONT = 24
IN_A_GALLERY = 24

Page = Response[str]


def refuse(asked: Request, refusal: Refusal, errors: list[FieldError]) -> Page:
    """A page that says what happened and what to do; a problem for programs."""
    if asked.path.startswith("/v1/"):
        return refuse_as_problem(asked, refusal, errors)
    return _error_page(asked, refusal)


def _error_page(
    asked: Request, refusal: Refusal, *, wrong_quantity: bool = False, back: str = ""
) -> Page:
    status = problems.status(refusal.reason)
    line_count = 0
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:  # else the page does not risk another failure
        with suppress(Unavailable):
            line_count = _line_count()
    title, detail = problems.words(refusal.reason, asked.visitor.language)
    return _page(
        "error.html",
        status,
        back=back,
        wrong_quantity=wrong_quantity,
        line_count=line_count,
        headers=problems.headers(refusal),
        title=title,
        detail=detail,
        reference=asked.id,
    )


app = new_api(refuse=refuse)


TEXT = {"schema": {"type": "string"}}
PAGE = {"text/html": TEXT}


def _documented(
    *reasons: Reason, success: int = 200, content: Mapping[str, Any] = PAGE
) -> dict[int, Any]:
    """What the OpenAPI document says of a page: its own answer, and a page for each refusal."""
    own = {"description": HTTPStatus(success).phrase, "content": content}
    entries: dict[int, Any] = {success: own}
    for reason in (*reasons, Reason.INVALID_INPUT, Reason.UNAVAILABLE):
        status = problems.status(reason).value
        entries.setdefault(status, {"description": reason.value, "content": PAGE})
    return entries


POSTED = (
    Reason.FOREIGN_ORIGIN,
    Reason.TOO_LARGE,
    Reason.UNSUPPORTED_MEDIA_TYPE,
    Reason.SESSION_CHANGED,
    Reason.NOT_FOUND,
)


@app.get("/", responses=_documented(), tags=["pages"])
def home() -> Page:
    front = shopping.front(ON_THE_FRONT, clock.now())
    return _page(
        "home.html",
        galleries=front.galleries,
        alone=[product for product in front.products if not product.of_picture],
        of_pictures=[product for product in front.products if product.of_picture],
    )


@app.get("/galleries/<gallery_id>", responses=_documented(Reason.NOT_FOUND), tags=["pages"])
def gallery(
    gallery_id: Annotated[str, InPath(max_length=64)],
    after: Annotated[Id | None, Query()] = None,
) -> Page:
    room = shopping.enter(gallery_id, clock.now(), limit=IN_A_GALLERY, after=after)
    return _page("gallery.html", room=room, after=after)


@app.get("/cart", responses=_documented(), tags=["pages"])
def cart() -> Page:
    asked = request()
    cart = shopping.see_cart(asked.visitor, clock.now())
    return _cart_page(cart, done=asked.query.get("done", ""))


@app.post(
    "/cart/lines",
    status_code=303,
    responses=_documented(
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
        return _error_page(request(), wrong, wrong_quantity=True, back=back)
    try:
        shopping.put_into_cart(visitor, thing, number, now=now)
    except Refusal as refusal:
        if refusal.reason not in {Reason.QUANTITY_LIMIT, Reason.CART_FULL}:
            raise
        return _cart_page(shopping.see_cart(visitor, now), refusal, thing.line_id)
    return _see_other("/cart", done="added")


@app.post(
    "/cart/lines/<line_id>",
    status_code=303,
    responses=_documented(*POSTED, success=303),
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
        return _see_other("/cart", done="removed")
    number = _quantity(quantity)
    if number is None:
        wrong = Refusal(Reason.INVALID_INPUT)
        return _cart_page(shopping.see_cart(visitor, now), wrong, line_id, typed=quantity)
    shopping.change_line(visitor, line_id, number, now=now)
    return _see_other("/cart", done="changed")


def _quantity(typed: str) -> int | None:
    """The whole number somebody typed, if a cart takes so many."""
    text = typed.strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= POLICY.carts.quantity):
        return None
    return int(text)


@app.post("/language", status_code=303, responses=_documented(*POSTED, success=303), tags=["pages"])
def choose_language(
    language: Annotated[Literal["en", "fr", "es"], Form()],
    back: Annotated[str, Form(max_length=200)] = "/",
) -> Page:
    visitor = request().visitor
    sessions.choose_language(visitor, language, clock.now())
    # who turns out to be nobody's guest takes his choice along in the address
    visitor.chosen_language = language if visitor.user is None else None
    return _see_other(_own_path(back))


@app.get("/terms", responses=_documented(), tags=["pages"])
def terms() -> Page:
    return _page("terms.html", terms=POLICY.shop.terms, days=POLICY.guests.idle_days)


@app.get("/problems/<code>", responses=_documented(Reason.NOT_FOUND), tags=["pages"])
def problem(code: Annotated[str, InPath(max_length=64)]) -> Page:
    """Where the `type` of a problem leads."""
    if code not in {reason.value for reason in Reason}:
        raise Refusal(Reason.NOT_FOUND)
    reason = Reason(code)
    title, detail = problems.words(reason, request().visitor.language)
    return _page(
        "problem.html",
        reason=reason,
        title=title,
        detail=detail,
        number=problems.status(reason).value,
    )


@app.get(
    "/openapi.json",
    responses=_documented(content={"application/json": {"schema": {"type": "object"}}}),
    tags=["pages"],
)
def openapi() -> Page:
    return Response(200, "application/json", DOCUMENT.read_text(encoding="utf-8"))


STATIC = {"site.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


@app.get(
    "/static/<name>",
    responses=_documented(Reason.NOT_FOUND, content={"text/css": TEXT, "image/svg+xml": TEXT}),
    tags=["pages"],
)
def static(name: Annotated[str, InPath(max_length=64)]) -> Page:
    if name not in STATIC:
        raise Refusal(Reason.NOT_FOUND)
    return Response(200, STATIC[name], _static(name), headers={"Cache-Control": FOR_EVER})


# ---- rendering -------------------------------------------------------------------------------


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
        error = problems.words(refusal.reason, request().visitor.language)
    return _page(
        "cart.html", status, cart=cart, error=error, at_line=line_id, typed=typed, done=done
    )


def _page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **facts: Any
) -> Page:
    asked = request()
    visitor = asked.visitor
    if "cart" in facts:
        facts["line_count"] = len(facts["cart"].lines)
    elif "line_count" not in facts:
        facts["line_count"] = _line_count()
    body = (
        _templates(visitor.language)
        .get_template(template)
        .render(
            **facts,
            asked=asked,
            here=quote(_own_path(asked.path)),
            visitor=visitor,
            link=lambda path, **query: _link(visitor, path, **query),
            site_name=settings().site_name,
            contact=os.environ["CONTACT"],
        )
    )
    return Response(int(status), HTML, body, headers=dict(headers or {}))


def _line_count() -> int:
    """For the head of the page; also tells us who this is, and so his language."""
    return sessions.current(request().visitor, clock.now()).line_count


def _link(visitor: sessions.Visitor, path: str, **query: str) -> str:
    """A link within the site; a language chosen by the address goes along."""
    if visitor.chosen_language is not None:
        query.setdefault("lang", visitor.chosen_language)
    return path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")


def _see_other(path: str, **query: str) -> Page:
    location = _link(request().visitor, path, **query)
    return Response(303, HTML, "", headers={"Location": location})


def _own_path(path: str) -> str:
    """A path of this site or the front (R29): nothing a browser could read as another host."""
    ok = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ok and path.isascii() and "?" not in path and "\\" not in path else "/"


@cache
def _static(name: str) -> str:
    return (HERE / "static" / name).read_text(encoding="utf-8")


def _asset(name: str) -> str:
    """Its address, which changes when it does."""
    return f"/static/{name}?v={sha256(_static(name).encode()).hexdigest()[:10]}"


_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}


def _money(amount: int, language: str) -> str:
    """An amount in minor units as people of that language write it."""
    currency = POLICY.shop.currency
    symbol = _SYMBOLS.get(currency, currency)
    whole, minor = divmod(amount, 100)
    if language == "en":
        return f"{symbol}{whole:,}.{minor:02}"
    grouped = f"{whole:,}".replace(",", "\u202f" if language == "fr" else ".")
    return f"{grouped},{minor:02}\u00a0{symbol}"


@cache
def _templates(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = translations("pages", HERE / "locales", language)
    environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["money"] = lambda amount: _money(amount, language)
    environment.globals |= {
        "asset": _asset,
        "language": language,
        "languages": {"en": "English", "fr": "Français", "es": "Español"},
        "most": POLICY.carts.quantity,
    }
    return environment


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(
        app,
        event,
        context,
        accepted=FORM,
        refuse=refuse,
        policy=POLICY_OF_PAGES,
        check_route=check_route,
    )
