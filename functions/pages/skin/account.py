"""The client's own space: what is next, passwords, sessions, his address, his history, and the
proof some of it needs."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from foyer import clock
from foyer.operations import account, address
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import what_is_next
from foyer.web import cursors
from foyer.web.api import request
from foyer.web.models import Address, Body, Code, GivenPassword, NewPassword, Token, timestamp
from skin.page import (
    MINE,
    POSTED,
    SCRIPT,
    Brought,
    Page,
    Typed,
    documented,
    form_page,
    own_path,
    page,
    read,
    see_other,
)
from skin.registration import pasted_token

router = Router()

SECURITY = "/account/security"  # where most of what needs a proof is done
AT_ONCE = 20


@router.get("/account", responses=documented(*MINE), tags=["pages"])
def space(brought: Brought = "") -> Page:
    asked = request()
    user, _ = account.signed_in(asked.visitor, clock.now())
    return page(
        "account.html",
        done=asked.query.get("done", ""),
        brought=brought,
        next=what_is_next(user, POLICY.shop.terms.version),
    )


@router.get("/account/security", responses=documented(*MINE), tags=["pages"])
def security() -> Page:
    return _security_page(done=request().query.get("done", ""))


class PasswordForm(Body):
    new: NewPassword


@router.post(
    "/account/security/password",
    status_code=303,
    responses=documented(*POSTED, *MINE, Reason.PROOF_REQUIRED, success=303),
    tags=["pages"],
)
def choose_password(new: Typed = "") -> Page:
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    form, wrong = read(PasswordForm, new=new)
    if form is None:
        return _security_page(Refusal(Reason.INVALID_INPUT), wrong)
    try:
        account.choose_password(visitor, form.new, now)
    except Refusal as refusal:
        if refusal.reason is not Reason.WEAK_PASSWORD:
            raise
        return _security_page(refusal)
    return see_other("/account", done="password")


@router.post(
    "/account/security/sessions",
    status_code=303,
    responses=documented(*POSTED, *MINE, Reason.PROOF_REQUIRED, success=303),
    tags=["pages"],
)
def end_sessions(session_id: Typed = "") -> Page:
    visitor, now = request().visitor, clock.now()
    if session_id == "others":
        account.end_other_sessions(visitor, now)
    else:
        account.end_session(visitor, session_id, now)
    return see_other("/account/security", done="ended")


def _security_page(
    refusal: Refusal | None = None, wrong: Mapping[str, str] | None = None, done: str = ""
) -> Page:
    found = account.list_sessions(request().visitor, clock.now())
    listed = [
        {"id": s.id, "browser": s.browser, "seen": timestamp(s.seen_at)[:16].replace("T", " ")}
        for s in found
    ]
    return form_page("security.html", refusal, wrong, sessions=listed, done=done)


class ProofForm(Body):
    password: GivenPassword | None
    code: Code | None


@router.post(
    "/account/proof",
    status_code=303,
    responses=documented(
        *POSTED, *MINE, Reason.WRONG_CREDENTIALS, Reason.TOO_MANY_ATTEMPTS, success=303
    ),
    tags=["pages"],
)
def prove(password: Typed = "", code: Typed = "", back: Typed = SECURITY) -> Page:
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    form, wrong = read(ProofForm, password=password or None, code=code or None)
    if form is None or (form.password is None and form.code is None):
        return proof_page(Refusal(Reason.INVALID_INPUT), wrong, mailed=bool(code), back=back)
    try:
        account.prove(visitor, password=form.password, code=form.code, now=now)
    except Refusal as refusal:
        if refusal.reason not in {Reason.WRONG_CREDENTIALS, Reason.TOO_MANY_ATTEMPTS}:
            raise
        if refusal.reason is Reason.WRONG_CREDENTIALS:
            refusal = Refusal(Reason.WRONG_CODE if code else Reason.WRONG_PASSWORD)
        return proof_page(refusal, mailed=bool(code), back=back)
    return see_other(quote(own_path(back)), done="proved")


@router.post(
    "/account/proof/code",
    responses=documented(*POSTED, *MINE, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def ask_proof(back: Typed = SECURITY) -> Page:
    try:
        account.ask_proof(request().visitor, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_MAILS:
            raise
        return proof_page(refusal, mailed=True, back=back)
    return proof_page(None, mailed=True, back=back)


def proof_page(
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    *,
    mailed: bool = False,
    back: str = SECURITY,
) -> Page:
    """`back` is where he was, and is again once he has proved it."""
    return form_page("proof.html", refusal, wrong, mailed=mailed, back=own_path(back))


# ---- another address -----------------------------------------------------------------------------

ADDRESS = "/account/address"
LINK = (
    Reason.LINK_INVALID,
    Reason.LINK_EXPIRED,
    Reason.LINK_REPLACED,
    Reason.OTHER_ADDRESS,
    Reason.ADDRESS_TAKEN,
)


@router.get(ADDRESS, responses=documented(*MINE), tags=["pages"])
def address_page() -> Page:
    account.signed_in(request().visitor, clock.now())
    return _address_page(done=request().query.get("done", ""))


class AddressForm(Body):
    email: Address


@router.post(
    ADDRESS,
    responses=documented(
        *POSTED, *MINE, Reason.PROOF_REQUIRED, Reason.PROVE_ADDRESS, Reason.TOO_MANY_MAILS
    ),
    tags=["pages"],
)
def ask_address(email: Typed = "") -> Page:
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    form, wrong = read(AddressForm, email=email)
    if form is None:
        return _address_page(Refusal(Reason.INVALID_INPUT), wrong, email=email)
    try:
        address.ask(visitor, form.email, now)
    except Refusal as refusal:
        if refusal.reason not in {Reason.INVALID_INPUT, Reason.TOO_MANY_MAILS}:
            raise
        return _address_page(refusal, email=email)
    return _address_page(email=form.email, done="mailed")


class LinkForm(Body):
    token: Token


@router.post(
    "/account/address/confirm",
    status_code=303,
    responses=documented(*POSTED, *MINE, *LINK, success=303),
    tags=["pages"],
)
def confirm_address(token: Typed = "") -> Page:
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    form, wrong = read(LinkForm, token=pasted_token(token))
    if form is None:
        return _address_page(Refusal(Reason.INVALID_INPUT), wrong)
    try:
        address.redeem(visitor, form.token, now)
    except Refusal as refusal:
        if refusal.reason not in LINK:
            raise
        return _address_page(refusal, token=form.token)
    return see_other("/account", done="address")


def _address_page(
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    email: str = "",
    token: str = "",
    done: str = "",
) -> Page:
    typed = {"email": email, "token": token}
    return form_page("address.html", refusal, wrong, typed=typed, done=done, **SCRIPT)


# ---- what happened -------------------------------------------------------------------------------


@router.get("/account/history", responses=documented(*MINE, Reason.INVALID_CURSOR), tags=["pages"])
def history(cursor: Annotated[str | None, Query(max_length=2000)] = None) -> Page:
    visitor, now, query = request().visitor, clock.now(), "my history"
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    records, last = account.history(visitor, now, limit=AT_ONCE, after=after)
    return page(
        "history.html",
        records=records,
        me=me,
        later=cursor is not None,
        following=cursors.sign(last, query, me, now),
    )
