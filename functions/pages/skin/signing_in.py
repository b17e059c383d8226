"""Signing in and out; a session that ended while somebody typed."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from foyer import clock
from foyer.operations import sessions
from foyer.rules.refusals import Reason, Refusal
from foyer.web import problems
from foyer.web.api import request
from foyer.web.models import Address, Body, Code, GivenPassword
from foyer.web.request import Request
from skin.page import (
    IDENTIFYING,
    SCRIPT,
    Kept,
    Page,
    Typed,
    Yes,
    documented,
    form_page,
    own_path,
    page,
    read,
    see_other,
    seen_at,
    yes_or_no,
)
from skin.registration import LINK, AnAddress, activation_page, on_to, pasted_token, what_moved

router = Router()

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


@router.get("/sign-in", responses=documented(), tags=["pages"])
def sign_in_page(back: Annotated[str, Query(max_length=200)] = "") -> Page:
    return sign_in_form(None, back=back)


@router.post("/sign-in/continue", responses=documented(*IDENTIFYING), tags=["pages"])
def sign_in_to_continue(then: Typed = "", kept: Kept = "", by: Yes = "") -> Page:
    keep = {"then": own_path(then), "kept": kept}
    return _code_page(None, kept=keep) if by == "code" else sign_in_form(None, kept=keep)


@router.post(
    "/sign-in", status_code=303, responses=documented(*SIGN_IN, success=303), tags=["pages"]
)
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
    form, wrong = read(SignInForm, email=email, password=password, code=code or None)
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
        return sign_in_form(refusal, wrong, typed, back=back, kept=keep, code=code)
    given = sessions.Given(
        form.email, form.password, form.code, remember == "yes", yes_or_no(take_over)
    )
    try:
        done = sessions.sign_in(request().visitor, given, clock.now())
    except Refusal as refusal:
        return sign_in_form(refusal, None, typed, back=back, kept=keep, code=code)
    return _arrived(done, back, keep)


def sign_in_form(
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    back: str = "",
    kept: Mapping[str, str] | None = None,
    code: str = "",
) -> Page:
    empty = dict.fromkeys(("email", "remember", "take_over"), "")
    return form_page(
        "sign-in.html",
        refusal,
        wrong,
        typed={**empty, **(typed or {})},
        back=_own_place(back) if back else "",
        kept=kept or {},
        code_asked=bool(code) or (refusal is not None and refusal.reason is Reason.CODE_REQUIRED),
        older_cart=refusal.facts.get("cart") if refusal is not None else None,
    )


@router.get("/sign-in/code", responses=documented(), tags=["pages"])
def code_page(back: Annotated[str, Query(max_length=200)] = "") -> Page:
    return _code_page(None, back=back)


@router.post(
    "/sign-in/code", responses=documented(*IDENTIFYING, Reason.TOO_MANY_MAILS), tags=["pages"]
)
def ask_code(email: Typed = "", back: Typed = "", then: Typed = "", kept: Kept = "") -> Page:
    typed, keep = {"email": email}, _keep(then, kept)
    form, wrong = read(AnAddress, email=email)
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
        return _code_page(refusal, wrong, typed, back=back, kept=keep)
    try:
        sessions.ask_code(request().visitor, form.email, clock.now())
    except Refusal as refusal:
        return _code_page(refusal, None, typed, back=back, kept=keep)
    return _code_page(None, None, {"email": form.email}, mailed=True, back=back, kept=keep)


@router.post(
    "/sign-in/code/enter",
    status_code=303,
    responses=documented(*SIGN_IN, success=303),
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
    form, wrong = read(SignInForm, email=email, password=None, code=pasted_token(code))
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
        return _code_page(refusal, wrong, typed, mailed=asked, back=back, kept=keep)
    given = sessions.Given(form.email, None, form.code, remember == "yes", yes_or_no(take_over))
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
    return {"then": own_path(then), "kept": kept} if then else {}


def _arrived(done: sessions.SignedIn, back: str, keep: Mapping[str, str]) -> Page:
    if keep:
        return _continue_page(keep["then"], keep["kept"], done.presence.line_count)
    path, _, query = _own_place(back or "/account").partition("?")
    wanted = {**dict(parse_qsl(query)), "done": "signed-in", **what_moved(done.receipt)}
    return on_to(done.presence, path, **wanted)


# Of a query, what a mailed or kept link to a list of staff asks for.
_WANTED = {"status", "organization_id"}


def _own_place(back: str) -> str:
    """A path of this site (R29), and what of its query says which page it is."""
    path, _, query = back.partition("?")
    wanted = [(name, value) for name, value in parse_qsl(query) if name in _WANTED]
    return own_path(path) + ("?" + urlencode(wanted) if wanted else "")


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
    return form_page(
        "code.html",
        refusal,
        wrong,
        typed={**empty, **(typed or {})},
        mailed=mailed,
        back=_own_place(back) if back else "",
        kept=kept or {},
        older_cart=refusal.facts.get("cart") if refusal is not None else None,
        **SCRIPT,
    )


@router.post(
    "/sign-out",
    status_code=303,
    responses=documented(*IDENTIFYING, *LINK, success=303),
    tags=["pages"],
)
def sign_out(token: Typed = "") -> Page:
    """With the token of a link that this session stood in the way of: then that link is opened."""
    sessions.sign_out(request().visitor, clock.now())
    if token:
        return activation_page(pasted_token(token))
    return see_other("/", done="signed-out")


# ---- a session that ended while somebody typed ---------------------------------------------------

SECRET = {"password", "new", "code", "token"}


def ended_page(asked: Request, refusal: Refusal) -> Page:
    """What was typed is kept, passwords and codes apart: to be sent again, signed in or not."""
    kept = [(n, v) for n, v in parse_qsl(asked.body) if n not in SECRET]
    if refusal.reason is not Reason.SESSION_CHANGED and not TOLD & dict(kept).keys():
        # nothing a person typed but a password
        return sign_in_form(refusal, back=seen_at(asked.path))
    title, detail = problems.words(refusal.reason, asked.visitor.language)
    whole = urlencode(kept)
    return page(
        "ended.html",
        problems.status(refusal.reason),
        title=title,
        detail=detail,
        again=asked.path,
        kept=kept,
        shown={n: v for n, v in kept if n in TOLD},
        sign_in={"then": asked.path, "kept": whole} if len(whole) <= KEPT_AT_MOST else {},
        too_long=len(whole) > KEPT_AT_MOST,
        # sent again by nobody, it would be refused again
        may_send=refusal.reason is Reason.SESSION_CHANGED,
    )


# Of what is kept, what a person typed.
TOLD = {"email", "name", "company", "phone", "reason", "quantity"}
TOLD |= {"title", "message", "addresses", "pictures", "price"}
TOLD |= {"line1", "line2", "postal_code", "city", "region", "note"}
KEPT_AT_MOST = 4000  # characters of a form: `Kept`


def _continue_page(then: str, kept: str, line_count: int) -> Page:
    """Signed in: what was typed before can be sent now."""
    typed = parse_qsl(kept)
    return page(
        "ended.html",
        title=None,
        detail=None,
        again=then,
        kept=[(n, v) for n, v in typed if n not in SECRET],
        shown={n: v for n, v in typed if n in TOLD},
        sign_in={},
        too_long=False,
        may_send=True,
        line_count=line_count,
    )
