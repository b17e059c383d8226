"""The pages: the same operations as the JSON routes, as HTML that needs no JavaScript. `$default`
belongs here, so this is also who says 404 and 405, for pages and for /v1."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Form, Query
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.operations import account, registration, sessions, shopping
from foyer.operations.registration import Choice
from foyer.rules.carts import PricedCart, Thing
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import Profile, what_is_next
from foyer.settings import settings
from foyer.storage.receipts import Receipt
from foyer.storage.table import Unavailable
from foyer.web import problems
from foyer.web.api import new_api, refuse_as_problem, request, serve
from foyer.web.language import translations
from foyer.web.models import (
    Address,
    Body,
    Code,
    GivenPassword,
    Id,
    Line,
    NewPassword,
    Token,
    timestamp,
)
from foyer.web.problems import FieldError
from foyer.web.request import FORM, Request
from foyer.web.routes import DOCUMENT, check_route

HERE = Path(__file__).parent
HTML = "text/html; charset=utf-8"
POLICY_OF_PAGES = (
    "default-src 'none'; style-src 'self'; img-src 'self' https:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Only what reads a mailed link's fragment runs a script.
POLICY_WITH_SCRIPT = POLICY_OF_PAGES.replace("style-src", "script-src 'self'; style-src", 1)
FOR_EVER = "public, max-age=31536000, immutable"
ON_THE_FRONT = 24
IN_A_GALLERY = 24

Page = Response[str]


def refuse(asked: Request, refusal: Refusal, errors: list[FieldError]) -> Page:
    """A page that says what happened and what to do; a problem for programs."""
    if asked.path.startswith("/v1/"):
        return refuse_as_problem(asked, refusal, errors)
    if refusal.reason is Reason.PROOF_REQUIRED:
        return _proof_page(refusal)
    wants_session = {Reason.SIGN_IN_REQUIRED, Reason.SIGN_IN_AGAIN}
    if _is_over(asked) and refusal.reason in {*wants_session, Reason.NOT_FOUND}:
        refusal = Refusal(Reason.SESSION_ENDED)
        wants_session.add(Reason.SESSION_ENDED)
    if asked.method != "POST" and refusal.reason in wants_session:
        return _sign_in_page(refusal, back=asked.path)
    if asked.method == "POST" and refusal.reason in {*wants_session, Reason.SESSION_CHANGED}:
        return _ended_page(asked, refusal)
    return _error_page(asked, refusal)


def _is_over(asked: Request) -> bool:
    """Whether this browser had a session that is worth nothing any more."""
    bearer = asked.visitor.bearer
    return bearer is not None and bearer.session_id is not None and asked.visitor.user is None


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


# ---- signing up, the mailed link ----------------------------------------------------------------

IDENTIFYING = tuple(r for r in POSTED if r not in {Reason.SESSION_CHANGED, Reason.NOT_FOUND})
LINK = (
    Reason.LINK_INVALID,
    Reason.LINK_EXPIRED,
    Reason.LINK_REPLACED,
    Reason.ALREADY_ACTIVE,
    Reason.OTHER_ADDRESS,
)
# As typed: what is wrong with it is said at its field, and it stays in the form.
Typed = Annotated[str, Form(max_length=400)]
Yes = Annotated[str, Form(max_length=10)]
Kept = Annotated[str, Form(max_length=4000)]


def _agreed(typed: str) -> str:
    if typed != "yes":
        raise PydanticCustomError("agree", "not agreed")
    return typed


class SignUpForm(Body):
    email: Address
    name: Line
    company: Line | None
    terms: Annotated[str, AfterValidator(_agreed)]
    newsletter: bool


@app.get("/sign-up", responses=_documented(), tags=["pages"])
def sign_up_page() -> Page:
    return _sign_up_page({})


@app.post(
    "/sign-up",
    responses=_documented(*POSTED, Reason.TOO_MANY_MAILS, Reason.TOO_MANY_GUESTS),
    tags=["pages"],
)
def sign_up(
    email: Typed = "",
    name: Typed = "",
    company: Typed = "",
    terms: Yes = "",
    newsletter: Yes = "",
) -> Page:
    typed = {"email": email, "name": name, "company": company}
    typed |= {"terms": terms, "newsletter": newsletter}
    form, wrong = _read(
        SignUpForm, **{**typed, "company": company or None, "newsletter": newsletter == "yes"}
    )
    if form is None:
        return _sign_up_page(typed, Refusal(Reason.INVALID_INPUT), wrong)
    profile = Profile(form.name, "B" if form.company else "C", company=form.company)
    wish = registration.SignUp(form.email, profile, POLICY.shop.terms.version, form.newsletter)
    try:
        registration.sign_up(request().visitor, wish, clock.now())
    except Refusal as refusal:
        if refusal.reason not in {Reason.TOO_MANY_MAILS, Reason.TOO_MANY_GUESTS}:
            raise
        return _sign_up_page(typed, refusal)
    return _form("check-your-mail.html", None, **_sent(form.email))


def _sign_up_page(
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
) -> Page:
    empty = dict.fromkeys(("email", "name", "company", "terms", "newsletter"), "")
    return _form("sign-up.html", refusal, wrong, typed={**empty, **typed})


class AnAddress(Body):
    email: Address


@app.post(
    "/sign-up/again",
    responses=_documented(*POSTED, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def mail_again(email: Typed = "") -> Page:
    form, wrong = _read(AnAddress, email=email)
    if form is None:
        return _sign_up_page({"email": email}, Refusal(Reason.INVALID_INPUT), wrong)
    try:
        registration.resend(request().visitor, form.email, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_MAILS:
            raise
        return _form("check-your-mail.html", refusal, **_sent(form.email))
    return _form("check-your-mail.html", None, **_sent(form.email, again=True))


def _sent(address: str, *, again: bool = False) -> dict[str, Any]:
    return {"address": address, "again": again}


@app.get("/activate", responses=_documented(), tags=["pages"])
def link_page() -> Page:
    return _link_page(None, "")


@app.post(
    "/activate/link",
    responses=_documented(*IDENTIFYING, *LINK),
    tags=["pages"],
)
def open_link(token: Typed = "") -> Page:
    return _activation_page(_token(token))


class ActivationForm(Body):
    password: NewPassword | None
    name: Line | None


@app.post(
    "/activate",
    status_code=303,
    responses=_documented(
        *IDENTIFYING,
        *LINK,
        Reason.TAKE_OVER_REQUIRED,
        Reason.TOO_MANY_ATTEMPTS,
        success=303,
    ),
    tags=["pages"],
)
def activate(
    token: Typed = "",
    password: Typed = "",
    name: Typed = "",
    terms: Yes = "",
    newsletter: Yes = "",
    take_over: Yes = "",
) -> Page:
    token = _token(token)
    typed = {"name": name, "terms": terms, "newsletter": newsletter, "take_over": take_over}
    form, wrong = _read(ActivationForm, password=password or None, name=name or None)
    if form is None:
        return _activation_page(token, Refusal(Reason.INVALID_INPUT), wrong, typed)
    choice = Choice(
        password=form.password,
        name=form.name,
        terms=POLICY.shop.terms.version if terms == "yes" else None,
        newsletter=newsletter == "yes",
        take_over=_yes_or_no(take_over),
    )
    try:
        done = registration.activate(request().visitor, token, choice, clock.now())
    except Refusal as refusal:
        if refusal.reason in {*LINK, Reason.SESSION_CHANGED}:
            return _link_page(refusal, token)
        return _activation_page(token, refusal, None, typed)
    if done.presence is None:
        return _page("waiting.html")
    return _see_other("/account", done="activated", **_moved(done.receipt))


def _activation_page(
    token: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Page:
    """What the link would do here; nothing is done yet."""
    try:
        shown = registration.preview(request().visitor, token, clock.now())
    except Refusal as refused:
        return _link_page(refused, token)
    own_cart = refusal.facts.get("cart") if refusal is not None else None
    empty = dict.fromkeys(("name", "terms", "newsletter", "take_over"), "")
    return _form(
        "activate.html",
        refusal,
        wrong,
        token=token,
        shown=shown,
        own_cart=own_cart,
        typed={**empty, **(typed or {})},
    )


def _link_page(refusal: Refusal | None, token: str) -> Page:
    following = "" if refusal is None else problems.NEXT.get(refusal.reason, "")
    return _form("link.html", refusal, token=token, next=following, **SCRIPT)


def _token(typed: str) -> str:
    """The token, also where the whole link was pasted."""
    return typed.strip().rpartition("#t=")[2]


def _yes_or_no(typed: str) -> bool | None:
    return {"yes": True, "no": False}.get(typed)


def _moved(receipt: Receipt | None) -> dict[str, str]:
    """What the next page says of a receipt, in one sentence."""
    if receipt is None:
        return {}
    told = {"moved": str(len(receipt.lines))}
    raised = sum(1 for line in receipt.lines if line.before and line.before != line.guest)
    return told | ({"raised": str(raised)} if raised else {})


# ---- signing in and out --------------------------------------------------------------------------

SIGN_IN = (
    *IDENTIFYING,
    Reason.WRONG_CREDENTIALS,
    Reason.APPROVAL_PENDING,
    Reason.TAKE_OVER_REQUIRED,
    Reason.TOO_MANY_ATTEMPTS,
)


class SignInForm(Body):
    email: Address
    password: GivenPassword | None
    code: Code | None


@app.get("/sign-in", responses=_documented(), tags=["pages"])
def sign_in_page(back: Annotated[str, Query(max_length=200)] = "") -> Page:
    return _sign_in_page(None, back=back)


@app.post("/sign-in/continue", responses=_documented(*IDENTIFYING), tags=["pages"])
def sign_in_to_continue(then: Typed = "", kept: Kept = "", by: Yes = "") -> Page:
    keep = {"then": _own_path(then), "kept": kept}
    return _code_page(None, kept=keep) if by == "code" else _sign_in_page(None, kept=keep)


@app.post("/sign-in", status_code=303, responses=_documented(*SIGN_IN, success=303), tags=["pages"])
def sign_in(
    email: Typed = "",
    password: Typed = "",
    code: Typed = "",
    remember: Yes = "",
    take_over: Yes = "",
    back: Typed = "",
    then: Typed = "",
    kept: Kept = "",
) -> Page:
    typed = {"email": email, "remember": remember, "take_over": take_over}
    keep = _keep(then, kept)
    form, wrong = _read(SignInForm, email=email, password=password, code=code or None)
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
        return _sign_in_page(refusal, wrong, typed, back=back, kept=keep, code=code)
    given = sessions.Given(
        form.email, form.password, form.code, remember == "yes", _yes_or_no(take_over)
    )
    try:
        done = sessions.sign_in(request().visitor, given, clock.now())
    except Refusal as refusal:
        return _sign_in_page(refusal, None, typed, back=back, kept=keep, code=code)
    return _arrived(done, back, keep)


def _sign_in_page(
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    back: str = "",
    kept: Mapping[str, str] | None = None,
    code: str = "",
) -> Page:
    empty = dict.fromkeys(("email", "remember", "take_over"), "")
    return _form(
        "sign-in.html",
        refusal,
        wrong,
        typed={**empty, **(typed or {})},
        back=_own_path(back) if back else "",
        kept=kept or {},
        code_asked=bool(code) or (refusal is not None and refusal.reason is Reason.CODE_REQUIRED),
        older_cart=refusal.facts.get("cart") if refusal is not None else None,
    )


@app.get("/sign-in/code", responses=_documented(), tags=["pages"])
def code_page(back: Annotated[str, Query(max_length=200)] = "") -> Page:
    return _code_page(None, back=back)


@app.post(
    "/sign-in/code", responses=_documented(*IDENTIFYING, Reason.TOO_MANY_MAILS), tags=["pages"]
)
def ask_code(email: Typed = "", back: Typed = "", then: Typed = "", kept: Kept = "") -> Page:
    typed, keep = {"email": email}, _keep(then, kept)
    form, wrong = _read(AnAddress, email=email)
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
        return _code_page(refusal, wrong, typed, back=back, kept=keep)
    try:
        sessions.ask_code(request().visitor, form.email, clock.now())
    except Refusal as refusal:
        return _code_page(refusal, None, typed, back=back, kept=keep)
    return _code_page(None, None, {"email": form.email}, mailed=True, back=back, kept=keep)


@app.post(
    "/sign-in/code/enter",
    status_code=303,
    responses=_documented(*SIGN_IN, success=303),
    tags=["pages"],
)
def enter_code(
    email: Typed = "",
    code: Typed = "",
    remember: Yes = "",
    take_over: Yes = "",
    mailed: Yes = "",
    back: Typed = "",
    then: Typed = "",
    kept: Kept = "",
) -> Page:
    typed = {"email": email, "code": code, "remember": remember, "take_over": take_over}
    asked, keep = mailed == "yes", _keep(then, kept)
    form, wrong = _read(SignInForm, email=email, password=None, code=_token(code))
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
        return _code_page(refusal, wrong, typed, mailed=asked, back=back, kept=keep)
    given = sessions.Given(form.email, None, form.code, remember == "yes", _yes_or_no(take_over))
    try:
        done = sessions.sign_in(request().visitor, given, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.TAKE_OVER_REQUIRED:
            typed["code"] = ""
        if refusal.reason is Reason.WRONG_CREDENTIALS:
            refusal = Refusal(Reason.WRONG_CODE)
        return _code_page(refusal, None, typed, mailed=asked, back=back, kept=keep)
    return _arrived(done, back, keep)


def _keep(then: str, kept: str) -> dict[str, str]:
    """What was typed before the session ended, and where it belongs."""
    return {"then": _own_path(then), "kept": kept} if then else {}


def _arrived(done: sessions.SignedIn, back: str, keep: Mapping[str, str]) -> Page:
    if keep:
        return _continue_page(keep["then"], keep["kept"], done.presence.line_count)
    return _see_other(_own_path(back or "/account"), done="signed-in", **_moved(done.receipt))


def _code_page(
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    mailed: bool = False,
    back: str = "",
    kept: Mapping[str, str] | None = None,
) -> Page:
    empty = dict.fromkeys(("email", "code", "remember", "take_over"), "")
    return _form(
        "code.html",
        refusal,
        wrong,
        typed={**empty, **(typed or {})},
        mailed=mailed,
        back=_own_path(back) if back else "",
        kept=kept or {},
        older_cart=refusal.facts.get("cart") if refusal is not None else None,
        **SCRIPT,
    )


@app.post(
    "/sign-out",
    status_code=303,
    responses=_documented(*IDENTIFYING, *LINK, success=303),
    tags=["pages"],
)
def sign_out(token: Typed = "") -> Page:
    """With the token of a link that this session stood in the way of: then that link is opened."""
    sessions.sign_out(request().visitor, clock.now())
    if token:
        return _activation_page(_token(token))
    return _see_other("/", done="signed-out")


# ---- a forgotten password ------------------------------------------------------------------------


@app.get("/forgotten-password", responses=_documented(), tags=["pages"])
def forgotten_page() -> Page:
    return _form("forgotten-password.html", None, typed={"email": ""}, mailed=False)


@app.post(
    "/forgotten-password",
    responses=_documented(*IDENTIFYING, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def ask_reset(email: Typed = "") -> Page:
    page, typed = "forgotten-password.html", {"email": email}
    form, wrong = _read(AnAddress, email=email)
    if form is None:
        return _form(page, Refusal(Reason.INVALID_INPUT), wrong, typed=typed, mailed=False)
    try:
        registration.ask_reset(request().visitor, form.email, clock.now())
    except Refusal as refusal:
        return _form(page, refusal, typed=typed, mailed=False)
    return _form(page, None, typed=typed, mailed=True)


class ResetForm(Body):
    token: Token
    password: NewPassword


@app.get("/reset", responses=_documented(), tags=["pages"])
def reset_page() -> Page:
    return _reset_page(None)


@app.post(
    "/reset",
    status_code=303,
    responses=_documented(
        *IDENTIFYING,
        *LINK,
        Reason.TAKE_OVER_REQUIRED,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.APPROVAL_PENDING,
        success=303,
    ),
    tags=["pages"],
)
def reset(token: Typed = "", password: Typed = "", take_over: Yes = "") -> Page:
    typed = {"token": _token(token), "take_over": take_over}
    form, wrong = _read(ResetForm, token=typed["token"], password=password)
    if form is None:
        return _reset_page(Refusal(Reason.INVALID_INPUT), wrong, typed)
    wanted = _yes_or_no(take_over)
    try:
        done = registration.reset(
            request().visitor, form.token, form.password, clock.now(), take_over=wanted
        )
    except Refusal as refusal:
        if refusal.reason is Reason.ALREADY_ACTIVE:
            refusal = Refusal(Reason.LINK_USED)
        return _reset_page(refusal, None, typed)
    return _see_other("/account", done="reset", **_moved(done.receipt))


def _reset_page(
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Page:
    return _form(
        "reset.html",
        refusal,
        wrong,
        typed={"token": "", "take_over": "", **(typed or {})},
        next="" if refusal is None else problems.NEXT.get(refusal.reason, ""),
        older_cart=refusal.facts.get("cart") if refusal is not None else None,
        **SCRIPT,
    )


# ---- the client's own space ----------------------------------------------------------------------

MINE = (Reason.SIGN_IN_REQUIRED, Reason.SIGN_IN_AGAIN)
Count = Annotated[int, Query(ge=0, le=1000)]


@app.get("/account", responses=_documented(*MINE), tags=["pages"])
def space(moved: Count = 0, raised: Count = 0) -> Page:
    asked = request()
    user, _ = account.signed_in(asked.visitor, clock.now())
    return _page(
        "account.html",
        done=asked.query.get("done", ""),
        moved=moved,
        raised=raised,
        next=what_is_next(user, POLICY.shop.terms.version),
    )


@app.get("/account/security", responses=_documented(*MINE), tags=["pages"])
def security() -> Page:
    return _security_page(done=request().query.get("done", ""))


class PasswordForm(Body):
    new: NewPassword


@app.post(
    "/account/security/password",
    status_code=303,
    responses=_documented(*POSTED, *MINE, Reason.PROOF_REQUIRED, success=303),
    tags=["pages"],
)
def choose_password(new: Typed = "") -> Page:
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    form, wrong = _read(PasswordForm, new=new)
    if form is None:
        return _security_page(Refusal(Reason.INVALID_INPUT), wrong)
    try:
        account.choose_password(visitor, form.new, now)
    except Refusal as refusal:
        if refusal.reason is not Reason.WEAK_PASSWORD:
            raise
        return _security_page(refusal)
    return _see_other("/account", done="password")


@app.post(
    "/account/security/sessions",
    status_code=303,
    responses=_documented(*POSTED, *MINE, Reason.PROOF_REQUIRED, success=303),
    tags=["pages"],
)
def end_sessions(session_id: Typed = "") -> Page:
    visitor, now = request().visitor, clock.now()
    if session_id == "others":
        account.end_other_sessions(visitor, now)
    else:
        account.end_session(visitor, session_id, now)
    return _see_other("/account/security", done="ended")


def _security_page(
    refusal: Refusal | None = None, wrong: Mapping[str, str] | None = None, done: str = ""
) -> Page:
    found = account.list_sessions(request().visitor, clock.now())
    listed = [
        {"id": s.id, "browser": s.browser, "seen": timestamp(s.seen_at)[:16].replace("T", " ")}
        for s in found
    ]
    return _form("security.html", refusal, wrong, sessions=listed, done=done)


class ProofForm(Body):
    password: GivenPassword | None
    code: Code | None


@app.post(
    "/account/proof",
    status_code=303,
    responses=_documented(
        *POSTED, *MINE, Reason.WRONG_CREDENTIALS, Reason.TOO_MANY_ATTEMPTS, success=303
    ),
    tags=["pages"],
)
def prove(password: Typed = "", code: Typed = "") -> Page:
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    form, wrong = _read(ProofForm, password=password or None, code=code or None)
    if form is None or (form.password is None and form.code is None):
        return _proof_page(Refusal(Reason.INVALID_INPUT), wrong, mailed=bool(code))
    try:
        account.prove(visitor, password=form.password, code=form.code, now=now)
    except Refusal as refusal:
        if refusal.reason not in {Reason.WRONG_CREDENTIALS, Reason.TOO_MANY_ATTEMPTS}:
            raise
        if refusal.reason is Reason.WRONG_CREDENTIALS:
            refusal = Refusal(Reason.WRONG_CODE if code else Reason.WRONG_PASSWORD)
        return _proof_page(refusal, mailed=bool(code))
    return _see_other("/account/security", done="proved")


@app.post(
    "/account/proof/code",
    responses=_documented(*POSTED, *MINE, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def ask_proof() -> Page:
    try:
        account.ask_proof(request().visitor, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_MAILS:
            raise
        return _proof_page(refusal, mailed=True)
    return _proof_page(None, mailed=True)


def _proof_page(
    refusal: Refusal | None, wrong: Mapping[str, str] | None = None, *, mailed: bool = False
) -> Page:
    return _form("proof.html", refusal, wrong, mailed=mailed)


# ---- a session that ended while somebody typed ---------------------------------------------------

SECRET = {"password", "new", "code", "token"}


def _ended_page(asked: Request, refusal: Refusal) -> Page:
    """What was typed is kept, passwords and codes apart: to be sent again, signed in or not."""
    kept = {n: v for n, v in parse_qsl(asked.body) if n not in SECRET}
    if refusal.reason is not Reason.SESSION_CHANGED and not TOLD & kept.keys():
        # nothing a person typed but a password
        return _sign_in_page(refusal, back=_seen_at(asked.path))
    title, detail = problems.words(refusal.reason, asked.visitor.language)
    return _page(
        "ended.html",
        problems.status(refusal.reason),
        title=title,
        detail=detail,
        again=asked.path,
        kept=kept,
        shown={n: v for n, v in kept.items() if n in TOLD},
        sign_in={"then": asked.path, "kept": urlencode(kept)},
        # sent again by nobody, it would be refused again
        may_send=refusal.reason is Reason.SESSION_CHANGED,
    )


TOLD = {"email", "name", "company", "quantity"}  # of what is kept, what a person typed


def _continue_page(then: str, kept: str, line_count: int) -> Page:
    """Signed in: what was typed before can be sent now."""
    typed = dict(parse_qsl(kept))
    return _page(
        "ended.html",
        title=None,
        detail=None,
        again=then,
        kept={n: v for n, v in typed.items() if n not in SECRET},
        shown={n: v for n, v in typed.items() if n in TOLD},
        sign_in={},
        may_send=True,
        line_count=line_count,
    )


@app.get("/activate/link", status_code=303, responses=_documented(success=303), tags=["pages"])
@app.get("/sign-up/again", status_code=303, responses=_documented(success=303), tags=["pages"])
@app.get("/sign-in/continue", status_code=303, responses=_documented(success=303), tags=["pages"])
@app.get("/sign-in/code/enter", status_code=303, responses=_documented(success=303), tags=["pages"])
@app.get("/account/proof", status_code=303, responses=_documented(success=303), tags=["pages"])
@app.get("/account/proof/code", status_code=303, responses=_documented(success=303), tags=["pages"])
def back_to_the_form() -> Page:
    """The address of a page that answered a form, typed or bookmarked: the form itself."""
    return _see_other(_seen_at(request().path))


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


STATIC = {
    "site.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "link.js": "text/javascript; charset=utf-8",
}


@app.get(
    "/static/<name>",
    responses=_documented(
        Reason.NOT_FOUND, content={name.partition(";")[0]: TEXT for name in STATIC.values()}
    ),
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
        error = Wrong.of(refusal)
    return _page(
        "cart.html", status, cart=cart, error=error, at_line=line_id, typed=typed, done=done
    )


SCRIPT: dict[str, Any] = {"headers": {"Content-Security-Policy": POLICY_WITH_SCRIPT}}

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Wrong:
    """What a page says was wrong, and in how many minutes it may be tried again."""

    reason: str
    title: str
    detail: str
    minutes: int

    @classmethod
    def of(cls, refusal: Refusal) -> "Wrong":
        title, detail = problems.words(refusal.reason, request().visitor.language)
        return cls(refusal.reason.value, title, detail, -(-(refusal.retry_after or 0) // 60))


def _read(form: type[M], **typed: Any) -> tuple[M | None, dict[str, str]]:
    """What was typed, or what is wrong with it, in words, by field."""
    try:
        return form.model_validate(typed), {}
    except ValidationError as error:
        language = request().visitor.language
        codes = {
            str(e["loc"][0]): problems.field_code(_kind(e["type"], e["input"]))
            for e in error.errors()
        }
        return None, {n: problems.field_words(code, language) for n, code in codes.items()}


def _kind(kind: str, typed: object) -> str:
    """What is empty is missing, whatever else it lacks."""
    return "missing" if kind != "agree" and not typed else kind


def _form(
    template: str,
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    **facts: Any,
) -> Page:
    """A page with a form: as it is, or given back with what is wrong and where."""
    status, error, at = HTTPStatus.OK, None, dict(wrong or {})
    more: dict[str, str] = {}
    if refusal is not None:
        status = problems.status(refusal.reason)
        error = Wrong.of(refusal)
        more = problems.headers(refusal)
        if refusal.pointer is not None:
            at[refusal.pointer.rpartition("/")[2]] = error.title
    return _page(template, status, {**more, **(headers or {})}, error=error, wrong=at, **facts)


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
            here=quote(_own_path(_seen_at(asked.path))),
            visitor=visitor,
            link=lambda path, **query: _link(visitor, path, **query),
            site_name=settings().site_name,
            contact=os.environ["CONTACT"],
        )
    )
    return Response(int(status), HTML, body, headers=dict(headers or {}))


def _line_count() -> int:
    """For the head of the page; also tells us who this is, and so his language."""
    return sessions.line_count(request().visitor, clock.now())


def _link(visitor: sessions.Visitor, path: str, **query: str) -> str:
    """A link within the site; a language chosen by the address goes along."""
    if visitor.chosen_language is not None:
        query.setdefault("lang", visitor.chosen_language)
    return path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")


def _see_other(path: str, **query: str) -> Page:
    location = _link(request().visitor, path, **query)
    return Response(303, HTML, "", headers={"Location": location})


# Where a person may stay who got a page in answer to a form.
_SEEN_AT = {
    "/cart/lines": "/cart",
    "/activate/link": "/activate",
    "/sign-up/again": "/sign-up",
    "/sign-in/continue": "/sign-in",
    "/sign-in/code/enter": "/sign-in/code",
    "/sign-out": "/account",
    "/account/proof": "/account/security",
    "/account/proof/code": "/account/security",
    "/account/security/password": "/account/security",
    "/account/security/sessions": "/account/security",
}


def _seen_at(path: str) -> str:
    return "/cart" if path.startswith("/cart/") else _SEEN_AT.get(path, path)


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
