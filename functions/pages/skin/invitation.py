"""Invitations, as the invited see them: one page behind the link, one form on it."""

from collections.abc import Mapping
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import AfterValidator

from foyer import clock
from foyer.operations import invitations, sessions
from foyer.operations.invitations import Accepted, Choice
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.storage.receipts import Receipt
from foyer.web import problems
from foyer.web.api import request
from foyer.web.models import Address, Body, Code, GivenPassword, Line, NewPassword
from skin.page import (
    IDENTIFYING,
    POSTED,
    SCRIPT,
    Page,
    Typed,
    Yes,
    documented,
    form_page,
    page,
    read,
    see_other,
    yes_or_no,
)
from skin.registration import AnAddress, agreed, on_to, pasted_token, what_moved

router = Router()

LINK = (
    Reason.LINK_INVALID,
    Reason.LINK_EXPIRED,
    Reason.LINK_REPLACED,
    Reason.LINK_REVOKED,
)
ACCEPTING = (
    *IDENTIFYING,
    *LINK,
    Reason.SIGN_IN_REQUIRED,
    Reason.OTHER_ADDRESS,
    Reason.WEAK_PASSWORD,
    Reason.TOO_MANY_ATTEMPTS,
    Reason.APPROVAL_PENDING,
)


@router.get("/invitation", responses=documented(), tags=["pages"])
def link_page() -> Page:
    return _link_page(None, "")


@router.post("/invitation/link", responses=documented(*IDENTIFYING, *LINK), tags=["pages"])
def open_link(token: Typed = "") -> Page:
    return invitation_page(pasted_token(token))


@router.get("/invitation/link", status_code=303, responses=documented(success=303), tags=["pages"])
@router.get(
    "/invitation/sign-in", status_code=303, responses=documented(success=303), tags=["pages"]
)
@router.get("/invitation/code", status_code=303, responses=documented(success=303), tags=["pages"])
@router.get(
    "/invitation/switch", status_code=303, responses=documented(success=303), tags=["pages"]
)
@router.get(
    "/invitation/transfer", status_code=303, responses=documented(success=303), tags=["pages"]
)
@router.get(
    "/invitation/ask-again", status_code=303, responses=documented(success=303), tags=["pages"]
)
@router.get(
    "/invitation/decline", status_code=303, responses=documented(success=303), tags=["pages"]
)
def back_to_the_link() -> Page:
    """Where a form was answered by a page: reloaded or bookmarked, the link is opened anew."""
    return see_other("/invitation")


# ---- accepting -----------------------------------------------------------------------------------


class AcceptanceForm(Body):
    """What may be wrong before it is known what is needed."""

    name: Line | None
    password: NewPassword | None


class NewcomerForm(Body):
    name: Line
    terms: Annotated[str, AfterValidator(agreed)]


@router.post(
    "/invitation",
    status_code=303,
    responses=documented(*ACCEPTING, success=303),
    tags=["pages"],
)
def accept(
    token: Typed = "",
    name: Typed = "",
    password: Typed = "",
    terms: Yes = "",
    newsletter: Yes = "",
) -> Page:
    token = pasted_token(token)
    typed = {"name": name, "terms": terms, "newsletter": newsletter}
    form, wrong = read(AcceptanceForm, name=name or None, password=password or None)
    if form is None:
        return invitation_page(token, Refusal(Reason.INVALID_INPUT), wrong, typed)
    choice = Choice(
        name=form.name,
        password=form.password,
        terms=POLICY.shop.terms.version if terms == "yes" else None,
        newsletter=newsletter == "yes",
    )
    try:
        done = invitations.accept(request().visitor, token, choice, clock.now())
    except Refusal as refusal:
        if refusal.reason in {Reason.NAME_REQUIRED, Reason.TERMS_REQUIRED}:
            _, wrong = read(NewcomerForm, name=name, terms=terms)
            return invitation_page(token, Refusal(Reason.INVALID_INPUT), wrong, typed)
        return invitation_page(token, _shown(refusal), None, typed)
    return _inside(done, done.receipt)


class SignInForm(Body):
    email: Address
    password: GivenPassword | None
    code: Code | None


@router.post(
    "/invitation/sign-in",
    status_code=303,
    responses=documented(
        *ACCEPTING, Reason.WRONG_CREDENTIALS, Reason.TAKE_OVER_REQUIRED, success=303
    ),
    tags=["pages"],
)
def sign_in(
    token: Typed = "",
    email: Typed = "",
    password: Typed = "",
    code: Typed = "",
    take_over: Yes = "",
    by: Yes = "",
) -> Page:
    """Signs in and accepts, in this order. `by` is the way he chose: password or code."""
    token = pasted_token(token)
    typed = {"email": email, "code": code, "take_over": take_over, "by": by}
    typed["with_code"] = code
    given, needed = (code, "code") if by == "code" else (password, "password")
    form, wrong = read(
        SignInForm, email=email, password=password or None, code=pasted_token(code) or None
    )
    if form is None or not given:
        missing = problems.field_words("missing", request().visitor.language)
        wrong = wrong if given else {**wrong, needed: missing}
        return invitation_page(token, Refusal(Reason.INVALID_INPUT), wrong, typed)
    visitor, now = request().visitor, clock.now()
    who = sessions.Given(
        form.email,
        None if by == "code" else form.password,
        form.code,
        take_over=yes_or_no(take_over),
    )
    try:
        invitations.preview(visitor, token, now)  # what is no link of ours signs nobody in
        entered = sessions.sign_in(visitor, who, now)
    except Refusal as refusal:
        if refusal.reason is not Reason.TAKE_OVER_REQUIRED:
            typed["code"] = ""
        if refusal.reason is Reason.WRONG_CREDENTIALS and by == "code":
            refusal = Refusal(Reason.WRONG_CODE)
        return invitation_page(token, _shown(refusal), None, typed)
    try:
        done = invitations.accept(visitor, token, Choice(), now)
    except Refusal as refusal:
        return invitation_page(token, _shown(refusal), None, typed)
    return _inside(done, entered.receipt, signed_in=True)


@router.post(
    "/invitation/code",
    responses=documented(*IDENTIFYING, *LINK, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def ask_code(token: Typed = "", email: Typed = "") -> Page:
    token, typed = pasted_token(token), {"email": email, "by": "code"}
    form, wrong = read(AnAddress, email=email)
    if form is None:
        typed["by"] = ""
        return invitation_page(token, Refusal(Reason.INVALID_INPUT), wrong, typed)
    try:
        invitations.preview(request().visitor, token, clock.now())
        sessions.ask_code(request().visitor, form.email, clock.now())
    except Refusal as refusal:
        return invitation_page(token, _shown(refusal), None, typed)
    return invitation_page(token, None, None, typed, mailed=form.email)


def _inside(done: Accepted, receipt: Receipt | None, *, signed_in: bool = False) -> Page:
    if done.presence is None:
        return page("answered.html", answer="waiting")
    path = f"/galleries/{done.gallery.id}"
    told = {"done": "accepted", **what_moved(receipt)}
    return on_to(done.presence, path, **told) if signed_in else see_other(path, **told)


def _shown(refusal: Refusal) -> Refusal:
    """What is said on the page of the invitation; what is nobody's fault has a page of its own."""
    if refusal.reason is Reason.BUSY:
        raise refusal
    return refusal


# ---- other answers -------------------------------------------------------------------------------


@router.post("/invitation/switch", responses=documented(*IDENTIFYING, *LINK), tags=["pages"])
def switch_account(token: Typed = "") -> Page:
    """Signs out, and shows what the link does for somebody nobody knows."""
    token = pasted_token(token)
    visitor, now = request().visitor, clock.now()
    try:
        invitations.preview(visitor, token, now)
    except Refusal as refusal:
        return _link_page(refusal, token)
    sessions.sign_out(visitor, now)
    return invitation_page(token)


@router.post(
    "/invitation/transfer",
    responses=documented(
        *POSTED,
        *LINK,
        Reason.SIGN_IN_REQUIRED,
        Reason.ALREADY_ACTIVE,
        Reason.NOT_OFFERED,
        Reason.TOO_MANY_REQUESTS,
    ),
    tags=["pages"],
)
def ask_transfer(token: Typed = "") -> Page:
    token = pasted_token(token)
    try:
        invitations.ask_transfer(request().visitor, token, clock.now())
    except Refusal as refusal:
        return invitation_page(token, _shown(refusal))
    return page("answered.html", answer="transfer")


@router.post(
    "/invitation/ask-again",
    responses=documented(*IDENTIFYING, *LINK, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def ask_again(token: Typed = "") -> Page:
    token = pasted_token(token)
    try:
        invitations.ask_again(request().visitor, token, clock.now())
    except Refusal as refusal:
        if refusal.reason is Reason.LINK_EXPIRED:
            return page("answered.html", 410, answer="over")
        return invitation_page(token, _shown(refusal))
    return page("answered.html", answer="asked-again")


class DeclineForm(Body):
    confirm: Annotated[str, AfterValidator(agreed)]


@router.post(
    "/invitation/decline",
    responses=documented(*IDENTIFYING, *LINK, Reason.ALREADY_ACTIVE),
    tags=["pages"],
)
def decline(token: Typed = "", confirm: Yes = "") -> Page:
    token = pasted_token(token)
    form, wrong = read(DeclineForm, confirm=confirm)
    if form is None:
        return invitation_page(token, Refusal(Reason.INVALID_INPUT), wrong)
    try:
        invitations.decline(request().visitor, token, clock.now())
    except Refusal as refusal:
        return invitation_page(token, _shown(refusal))
    return page("answered.html", answer="declined")


# ---- the page ------------------------------------------------------------------------------------

# What was refused says more of who asks than the preview, which takes a session that is only
# remembered for none.
_NEXT = {
    Reason.OTHER_ADDRESS: "switch_account",
    Reason.SIGN_IN_REQUIRED: "sign_in",
    Reason.SIGN_IN_AGAIN: "sign_in",
}


def invitation_page(
    token: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    mailed: str = "",
) -> Page:
    """What the link would do here. Nothing is done yet."""
    visitor = request().visitor
    try:
        shown = invitations.preview(visitor, token, clock.now())
    except Refusal as refused:
        return _link_page(refused, token)
    following = _NEXT.get(refusal.reason, shown.next) if refusal is not None else shown.next
    empty = dict.fromkeys(("name", "terms", "newsletter", "email", "code", "take_over", "by"), "")
    return form_page(
        "invitation.html",
        refusal,
        wrong,
        token=token,
        shown=shown,
        next=following,
        mailed=mailed,
        code_asked=bool((typed or {}).get("with_code"))
        or (refusal is not None and refusal.reason is Reason.CODE_REQUIRED),
        older_cart=refusal.facts.get("cart") if refusal is not None else None,
        typed={**empty, **(typed or {})},
    )


def _link_page(refusal: Refusal | None, token: str) -> Page:
    return form_page("open-link.html", refusal, token=token, of="invitation", **SCRIPT)
