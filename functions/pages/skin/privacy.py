"""What somebody agreed to and can take back: the terms, the newsletter, the ledger of both."""

from collections.abc import Mapping
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form, Query
from pydantic import AfterValidator

from foyer import clock
from foyer.operations import account, consents
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import what_is_next
from foyer.web import cursors
from foyer.web.api import request
from foyer.web.models import Body
from skin.page import (
    IDENTIFYING,
    MINE,
    POSTED,
    SCRIPT,
    Brought,
    Page,
    Typed,
    Yes,
    documented,
    form_page,
    own_path,
    read,
    see_other,
)
from skin.registration import ASK_TERMS, agreed, pasted_token

router = Router()

PRIVACY = "/account/privacy"
SHOWN = {Reason.TERMS_CHANGED, Reason.TOO_MANY_MAILS}

Version = Annotated[str, Form(max_length=40)]


class Agreement(Body):
    terms: Annotated[str, AfterValidator(agreed)]


# ---- all of it -----------------------------------------------------------------------------------


@router.get(PRIVACY, responses=documented(*MINE, Reason.INVALID_CURSOR), tags=["pages"])
def privacy(cursor: Annotated[str | None, Query(max_length=2000)] = None) -> Page:
    return _privacy_page(cursor=cursor, done=request().query.get("done", ""))


@router.post(
    PRIVACY,
    status_code=303,
    responses=documented(*POSTED, *MINE, *SHOWN, success=303),
    tags=["pages"],
)
def say(
    terms: Yes = "",
    version: Version = "",
    newsletter: Annotated[Literal["yes", "no", ""], Form()] = "",
) -> Page:
    """By the button of the newsletter, or that of the terms: `version` is of those that were
    shown."""
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    if not newsletter:
        form, wrong = read(Agreement, terms=terms)
        if form is None:
            return _privacy_page(Refusal(Reason.INVALID_INPUT), wrong)
    try:
        if not newsletter:
            consents.say(visitor, now, terms=version)
            return see_other(PRIVACY, done="agreed")
        consents.say(visitor, now, newsletter=newsletter == "yes")
    except Refusal as refusal:
        if refusal.reason not in SHOWN:
            raise
        return _privacy_page(refusal)
    return see_other(PRIVACY, done="newsletter" if newsletter == "yes" else "ended")


def _privacy_page(
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    cursor: str | None = None,
    done: str = "",
) -> Page:
    visitor, now, query = request().visitor, clock.now(), "my consents"
    me = visitor.named_id
    found = consents.ledger(visitor, now, after=cursors.read(cursor, query, me, now))
    return form_page(
        "privacy.html",
        refusal,
        wrong,
        user=found.user,
        terms=POLICY.shop.terms,
        entries=found.entries,
        done=done,
        later=cursor is not None,
        following=cursors.sign(found.last, query, me, now),
    )


# ---- asked after signing in ----------------------------------------------------------------------


@router.get(ASK_TERMS, responses=documented(*MINE) | documented(*MINE, success=303), tags=["pages"])
def ask(back: Annotated[str, Query(max_length=200)] = "/account", brought: Brought = "") -> Page:
    """Who has agreed already goes on at once."""
    user, _ = account.signed_in(request().visitor, clock.now())
    if "accept_terms" not in what_is_next(user, POLICY.shop.terms.version):
        return see_other(own_path(back))
    done = request().query.get("done", "")
    return _ask_page(back=back, done=done, brought=brought)


@router.post(
    ASK_TERMS,
    status_code=303,
    responses=documented(*POSTED, *MINE, *SHOWN, success=303),
    tags=["pages"],
)
def answer(
    terms: Yes = "", version: Version = "", newsletter: Yes = "", back: Typed = "/account"
) -> Page:
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    form, wrong = read(Agreement, terms=terms)
    if form is None:
        return _ask_page(Refusal(Reason.INVALID_INPUT), wrong, back=back, newsletter=newsletter)
    wants = True if newsletter == "yes" else None
    try:
        consents.say(visitor, now, terms=version, newsletter=wants)
    except Refusal as refusal:
        if refusal.reason not in SHOWN:
            raise
        return _ask_page(refusal, back=back, newsletter=newsletter)
    return see_other(own_path(back), done="agreed")


def _ask_page(
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    back: str,
    newsletter: str = "",
    done: str = "",
    brought: str = "",
) -> Page:
    return form_page(
        "ask-terms.html",
        refusal,
        wrong,
        user=request().visitor.user,
        terms=POLICY.shop.terms,
        back=own_path(back),
        typed={"newsletter": newsletter},
        done=done,
        brought=brought,
    )


# ---- away from the newsletter --------------------------------------------------------------------


@router.get("/unsubscribe", responses=documented(), tags=["pages"])
def unsubscribe_page() -> Page:
    return _unsubscribe_page()


@router.post(
    "/unsubscribe",
    responses=documented(*IDENTIFYING, Reason.LINK_INVALID),
    tags=["pages"],
)
def unsubscribe(token: Typed = "") -> Page:
    """By whoever has the mail, signed in or not."""
    token = pasted_token(token)
    try:
        consents.unsubscribe(token, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.LINK_INVALID:
            raise
        return _unsubscribe_page(refusal, token=token)
    return _unsubscribe_page(done=True)


def _unsubscribe_page(
    refusal: Refusal | None = None, *, token: str = "", done: bool = False
) -> Page:
    facts = {"token": token, "done": done, **SCRIPT}
    return form_page("unsubscribe.html", refusal, **facts)
