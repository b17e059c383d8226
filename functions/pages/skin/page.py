"""What every page needs: how it is rendered and documented, how a form is read and given back."""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Form, Query
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ValidationError

from foyer import clock
from foyer.operations import sessions
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import Level
from foyer.settings import settings
from foyer.storage.table import Unavailable
from foyer.web import problems
from foyer.web.api import request
from foyer.web.language import money, translations
from foyer.web.models import timestamp
from foyer.web.request import Request

FOLDER = Path(__file__).parent.parent  # of the function: its templates, words and assets
HTML = "text/html; charset=utf-8"
POLICY_OF_PAGES = (
    "default-src 'none'; style-src 'self'; img-src 'self' https:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Only what reads a mailed link's fragment, or goes on by itself, runs a script.
POLICY_WITH_SCRIPT = POLICY_OF_PAGES.replace("style-src", "script-src 'self'; style-src", 1)
SCRIPT: dict[str, Any] = {"headers": {"Content-Security-Policy": POLICY_WITH_SCRIPT}}
FOR_EVER = "public, max-age=31536000, immutable"
STATIC = {
    "site.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "link.js": "text/javascript; charset=utf-8",
    "go-on.js": "text/javascript; charset=utf-8",
}

Page = Response[str]
M = TypeVar("M", bound=BaseModel)

# As typed: what is wrong with it is said at its field, and it stays in the form.
Typed = Annotated[str, Form(max_length=400)]
Yes = Annotated[str, Form(max_length=10)]
Kept = Annotated[str, Form(max_length=4000)]
# What a page says of a receipt: the mode; things that came, that were in both, that found no room;
# and pictures.
Brought = Annotated[str, Query(pattern=r"^((max|sum|keep)(\.\d{1,4}){4})?$")]

# ---- what the OpenAPI document says --------------------------------------------------------------

TEXT = {"schema": {"type": "string"}}
PAGE = {"text/html": TEXT}


def documented(
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
IDENTIFYING = tuple(r for r in POSTED if r not in {Reason.SESSION_CHANGED, Reason.NOT_FOUND})
MINE = (Reason.SIGN_IN_REQUIRED, Reason.SIGN_IN_AGAIN)


# ---- rendering -------------------------------------------------------------------------------


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


def read(form: type[M], **typed: Any) -> tuple[M | None, dict[str, str]]:
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


def yes_or_no(typed: str) -> bool | None:
    return {"yes": True, "no": False}.get(typed)


def form_page(
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
            at[re.split("[/:]", refusal.pointer)[-1]] = error.title
    return page(template, status, {**more, **(headers or {})}, error=error, wrong=at, **facts)


def page(
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
            here=quote(own_path(seen_at(asked.path))),
            visitor=visitor,
            link=lambda path, **query: _link(visitor, path, **query),
            site_name=settings().site_name,
            site_url=settings().site_url,
            may_sign_up="G" in POLICY.actions.sign_up,
            contact=os.environ["CONTACT"],
        )
    )
    return Response(int(status), HTML, body, headers=dict(headers or {}))


def error_page(
    asked: Request, refusal: Refusal, *, wrong_quantity: bool = False, back: str = ""
) -> Page:
    status = problems.status(refusal.reason)
    line_count = 0
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:  # else the page does not risk another failure
        with suppress(Unavailable):
            line_count = _line_count()
    title, detail = problems.words(refusal.reason, asked.visitor.language)
    return page(
        "error.html",
        status,
        back=back,
        wrong_quantity=wrong_quantity,
        line_count=line_count,
        headers=problems.headers(refusal),
        sign_in=_for_the_invited(asked) if refusal.reason is Reason.NOT_FOUND else "",
        title=title,
        detail=detail,
        reference=asked.id,
    )


def _for_the_invited(asked: Request) -> str:
    """Where somebody comes back to who signs in first: to a gallery that is there for him then. The
    same for every gallery there is not."""
    known = asked.visitor.level is Level.SIGNED_IN
    return "" if known or not asked.path.startswith("/galleries/") else own_path(asked.path)


def _line_count() -> int:
    """For the head of the page; also tells us who this is, and so his language."""
    return sessions.line_count(request().visitor, clock.now())


def _link(visitor: sessions.Visitor, path: str, **query: str) -> str:
    """A link within the site; a language chosen by the address goes along."""
    if visitor.chosen_language is not None:
        query.setdefault("lang", visitor.chosen_language)
    return path + ("?" + urlencode(query, safe="/") if query else "")


def see_other(path: str, **query: str) -> Page:
    location = _link(request().visitor, path, **query)
    return Response(303, HTML, "", headers={"Location": location})


def back_to_its_page() -> Page:
    """From the address of a page that answered a form, typed or bookmarked: where the form is."""
    return see_other(quote(own_path(seen_at(request().path))))


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
    "/account/address/confirm": "/account/address",
    "/selections/pictures": "/selections",
}
_SEEN_ABOVE = re.compile(
    r"(/cart|/invitation|/account/claims|/account/addresses/[^/]+|/galleries/[^/]+"
    r"|/selections/[^/]+|/staff/organizations|/staff/people/[^/]+|/staff/products/[^/]+"
    r"|/staff/orders/[^/]+)/[^/]+"
)
_SEEN_IN_GALLERY = re.compile(
    r"(/staff/galleries/[^/]+(?:/invitations|/requests|/selections|(?=/pictures)))(?:/[^/]+){1,3}"
)


def seen_at(path: str) -> str:
    above = _SEEN_ABOVE.fullmatch(path) or _SEEN_IN_GALLERY.fullmatch(path)
    return above[1] if above else _SEEN_AT.get(path, path)


def own_path(path: str) -> str:
    """A path of this site or the front (R29): nothing a browser could read as another host."""
    ok = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ok and path.isascii() and "?" not in path and "\\" not in path else "/"


@cache
def static_text(name: str) -> str:
    return (FOLDER / "static" / name).read_text(encoding="utf-8")


def _asset(name: str) -> str:
    """Its address, which changes when it does."""
    return f"/static/{name}?v={sha256(static_text(name).encode()).hexdigest()[:10]}"


def _moment(seconds: int) -> Markup:
    """A point in time: people read it as they do a form's date, programs exactly."""
    exact = timestamp(seconds)
    return Markup('<time datetime="{}">{} {} UTC</time>').format(exact, exact[:10], exact[11:16])


def _called(text: str, language: str) -> str:
    """A text about selections with the word this shop uses; it is an English one."""
    label = POLICY.shop.selection_label
    if language != "en" or label == "selection":
        return text
    for ours, theirs in (("selection", label), ("Selection", label.capitalize())):
        text = text.replace(f"{ours}s", theirs).replace(ours, theirs)
    return text


@cache
def _countries(language: str) -> dict[str, str]:
    """The names by their codes, in the order of the names."""
    names = json.loads((FOLDER / "skin" / "countries.json").read_text(encoding="utf-8"))
    found: dict[str, str] = names[language]
    return found


_LANGUAGES = {"en": "English", "fr": "Français", "es": "Español"}


@cache
def _templates(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = translations("pages", FOLDER / "locales", language)
    environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["money"] = lambda amount, currency=POLICY.shop.currency: money(
        amount, currency, language
    )
    environment.filters["moment"] = _moment
    environment.filters["called"] = lambda text: _called(text, language)
    environment.globals |= {
        "asset": _asset,
        "countries": _countries(language),
        "language": language,
        "languages": {code: _LANGUAGES[code] for code in settings().locales},
        "most": POLICY.carts.quantity,
    }
    return environment
