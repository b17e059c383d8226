"""Signing up, the mailed link, a forgotten password."""

from collections.abc import Mapping
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.operations import activation, passwords, registration
from foyer.operations.activation import Activated, Choice
from foyer.operations.sessions import Presence
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import Profile, what_is_next
from foyer.storage.receipts import Receipt
from foyer.web import problems
from foyer.web.api import request
from foyer.web.models import Address, Body, Id, Line, NewPassword, Token
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

router = Router()

LINK = (
    Reason.LINK_INVALID,
    Reason.LINK_EXPIRED,
    Reason.LINK_REPLACED,
    Reason.ALREADY_ACTIVE,
    Reason.OTHER_ADDRESS,
    Reason.TOO_MANY_APPLICATIONS,
)


def agreed(typed: str) -> str:
    if typed != "yes":
        raise PydanticCustomError("agree", "not agreed")
    return typed


class SignUpForm(Body):
    email: Address
    name: Line
    company: Line | None
    organization_id: Id | None
    gallery_id: Id | None
    terms: Annotated[str, AfterValidator(agreed)]
    newsletter: bool


@router.get("/sign-up", responses=documented(Reason.NOT_OFFERED), tags=["pages"])
def sign_up_page(
    organization_id: Annotated[Id | None, Query()] = None,
    gallery_id: Annotated[Id | None, Query()] = None,
) -> Page:
    """`organization_id` is in the link that staff hand out to an organization's people,
    `gallery_id` in that of a gallery's door, where one goes afterwards (P9)."""
    refusal = None if "G" in POLICY.actions.sign_up else Refusal(Reason.NOT_OFFERED)
    typed = {"organization_id": organization_id or "", "gallery_id": gallery_id or ""}
    return _sign_up_page(typed, refusal)


@router.post(
    "/sign-up",
    responses=documented(
        *POSTED, Reason.TOO_MANY_MAILS, Reason.TOO_MANY_GUESTS, Reason.NOT_OFFERED
    ),
    tags=["pages"],
)
def sign_up(
    email: Typed = "",
    name: Typed = "",
    company: Typed = "",
    organization_id: Typed = "",
    gallery_id: Typed = "",
    terms: Yes = "",
    newsletter: Yes = "",
) -> Page:
    typed = {"email": email, "name": name, "company": company, "gallery_id": gallery_id}
    typed |= {"organization_id": organization_id, "terms": terms, "newsletter": newsletter}
    given = {"company": company or None, "organization_id": organization_id or None}
    given["gallery_id"] = gallery_id or None
    form, wrong = read(SignUpForm, **{**typed, **given, "newsletter": newsletter == "yes"})
    if form is None:
        return _sign_up_page(typed, Refusal(Reason.INVALID_INPUT), wrong)
    business = form.company is not None or form.organization_id is not None
    profile = Profile(
        form.name, "B" if business else "C", form.organization_id, company=form.company
    )
    wish = registration.SignUp(
        form.email,
        profile,
        POLICY.shop.terms.version,
        form.newsletter,
        gallery_id=form.gallery_id,
    )
    try:
        registration.sign_up(request().visitor, wish, clock.now())
    except Refusal as refusal:
        shown = {Reason.TOO_MANY_MAILS, Reason.TOO_MANY_GUESTS, Reason.NOT_OFFERED}
        if refusal.reason not in shown:
            raise
        return _sign_up_page(typed, refusal)
    sent = _sent(form.email, form.organization_id or "")
    return form_page("check-your-mail.html", None, **sent)


def _sign_up_page(
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
) -> Page:
    fields = ("email", "name", "company", "organization_id", "gallery_id", "terms", "newsletter")
    empty = dict.fromkeys(fields, "")
    return form_page("sign-up.html", refusal, wrong, typed={**empty, **typed})


class AnAddress(Body):
    email: Address


@router.post(
    "/sign-up/again",
    responses=documented(*POSTED, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def mail_again(email: Typed = "", organization_id: Typed = "") -> Page:
    form, wrong = read(AnAddress, email=email)
    if form is None:
        return _sign_up_page({"email": email}, Refusal(Reason.INVALID_INPUT), wrong)
    try:
        registration.resend(request().visitor, form.email, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_MAILS:
            raise
        return form_page("check-your-mail.html", refusal, **_sent(form.email, organization_id))
    return form_page("check-your-mail.html", None, **_sent(form.email, organization_id, again=True))


def _sent(address: str, organization_id: str, *, again: bool = False) -> dict[str, Any]:
    return {"address": address, "organization_id": organization_id, "again": again}


@router.get("/activate", responses=documented(), tags=["pages"])
def link_page() -> Page:
    return _link_page(None, "")


@router.post(
    "/activate/link",
    responses=documented(*IDENTIFYING, *LINK),
    tags=["pages"],
)
def open_link(token: Typed = "") -> Page:
    return activation_page(pasted_token(token))


class ActivationForm(Body):
    password: NewPassword | None
    name: Line | None
    organization_id: Id | None


@router.post(
    "/activate",
    status_code=303,
    responses=documented(
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
    belongs: Yes = "",
    organization_id: Typed = "",
) -> Page:
    """`belongs`: whether he is of the organization that was named at the sign-up elsewhere."""
    token = pasted_token(token)
    typed = {"name": name, "terms": terms, "newsletter": newsletter, "take_over": take_over}
    typed |= {"belongs": belongs}
    named = organization_id if belongs == "yes" else None
    form, wrong = read(
        ActivationForm, password=password or None, name=name or None, organization_id=named
    )
    if form is None:
        return activation_page(token, Refusal(Reason.INVALID_INPUT), wrong, typed)
    choice = Choice(
        password=form.password,
        name=form.name,
        profile_type="B" if form.organization_id else None,
        organization_id=form.organization_id,
        terms=POLICY.shop.terms.version if terms == "yes" else None,
        newsletter=newsletter == "yes",
        take_over=yes_or_no(take_over),
    )
    try:
        done = activation.activate(request().visitor, token, choice, clock.now())
    except Refusal as refusal:
        if refusal.reason in {*LINK, Reason.SESSION_CHANGED}:
            return _link_page(refusal, token)
        return activation_page(token, refusal, None, typed)
    if done.presence is None:
        return page("waiting.html")
    return see_other(_after(done), done="activated", **what_moved(done.receipt))


def _after(done: Activated) -> str:
    """Where somebody goes on for whom an account was made: to what he made it for."""
    if done.order_id is not None:
        return f"/account/orders/{done.order_id}"
    if done.gallery_id is not None:
        return f"/galleries/{done.gallery_id}"
    waits = done.presence is not None and done.presence.line_count > 0
    return "/checkout" if waits and "G" not in POLICY.actions.order else "/account"


def activation_page(
    token: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Page:
    """What the link would do here; nothing is done yet."""
    try:
        shown = activation.preview(request().visitor, token, clock.now())
    except Refusal as refused:
        return _link_page(refused, token)
    own_cart = refusal.facts.get("cart") if refusal is not None else None
    empty = dict.fromkeys(("name", "terms", "newsletter", "take_over", "belongs"), "")
    return form_page(
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
    return form_page("link.html", refusal, token=token, next=following, **SCRIPT)


def pasted_token(typed: str) -> str:
    """The token, also where the whole link was pasted."""
    return typed.strip().rpartition("#t=")[2]


ASK_TERMS = "/account/terms"


def on_to(presence: Presence, path: str, **told: str) -> Page:
    """Where somebody goes who has just signed in. Who has not agreed to the terms as they are is
    asked on the way (P20); he may say "not now"."""
    user, terms = presence.user, POLICY.shop.terms
    if user is not None and "accept_terms" in what_is_next(user, terms.version):
        return see_other(ASK_TERMS, back=path, **told)
    return see_other(path, **told)


def what_moved(receipt: Receipt | None) -> dict[str, str]:
    """What the next page says of a receipt, in one sentence."""
    if receipt is None:
        return {}
    came = sum(line.after > line.before for line in receipt.lines)
    in_both = sum(line.differed(receipt.mode) for line in receipt.lines)
    left = sum(line.found_no_room(receipt.mode) for line in receipt.lines)
    _, before, after = receipt.pictures
    return {"brought": f"{receipt.mode}.{came}.{in_both}.{left}.{after - before}"}


# ---- a forgotten password ------------------------------------------------------------------------


@router.get("/forgotten-password", responses=documented(), tags=["pages"])
def forgotten_page() -> Page:
    return form_page("forgotten-password.html", None, typed={"email": ""}, mailed=False)


@router.post(
    "/forgotten-password",
    responses=documented(*IDENTIFYING, Reason.TOO_MANY_MAILS),
    tags=["pages"],
)
def ask_reset(email: Typed = "") -> Page:
    template, typed = "forgotten-password.html", {"email": email}
    form, wrong = read(AnAddress, email=email)
    if form is None:
        return form_page(template, Refusal(Reason.INVALID_INPUT), wrong, typed=typed, mailed=False)
    try:
        passwords.ask_reset(request().visitor, form.email, clock.now())
    except Refusal as refusal:
        return form_page(template, refusal, typed=typed, mailed=False)
    return form_page(template, None, typed=typed, mailed=True)


class ResetForm(Body):
    token: Token
    password: NewPassword


@router.get("/reset", responses=documented(), tags=["pages"])
def reset_page() -> Page:
    return _reset_page(None)


@router.post(
    "/reset",
    status_code=303,
    responses=documented(
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
    typed = {"token": pasted_token(token), "take_over": take_over}
    form, wrong = read(ResetForm, token=typed["token"], password=password)
    if form is None:
        return _reset_page(Refusal(Reason.INVALID_INPUT), wrong, typed)
    wanted = yes_or_no(take_over)
    try:
        done = passwords.reset(
            request().visitor, form.token, form.password, clock.now(), take_over=wanted
        )
    except Refusal as refusal:
        if refusal.reason is Reason.ALREADY_ACTIVE:
            refusal = Refusal(Reason.LINK_USED)
        return _reset_page(refusal, None, typed)
    return on_to(done.presence, "/account", done="reset", **what_moved(done.receipt))


def _reset_page(
    refusal: Refusal | None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Page:
    return form_page(
        "reset.html",
        refusal,
        wrong,
        typed={"token": "", "take_over": "", **(typed or {})},
        next="" if refusal is None else problems.NEXT.get(refusal.reason, ""),
        older_cart=refusal.facts.get("cart") if refusal is not None else None,
        **SCRIPT,
    )
