"""Refusals as HTTP: the one table of statuses and words (RFC 9457, translated)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from foyer.rules.carts import PricedCart
from foyer.rules.refusals import Reason, Refusal
from foyer.web.language import translations
from foyer.web.models import cart_answer, timestamp

CONTENT_TYPE = "application/problem+json"
_LOCALES = Path(__file__).with_name("locales")


def _(message: str) -> str:
    """Marks a text for the translators; it is looked up when it is said."""
    return message


@dataclass(frozen=True)
class Words:
    status: HTTPStatus
    title: str
    detail: str


TABLE: dict[Reason, Words] = {
    Reason.NOT_FOUND: Words(
        HTTPStatus.NOT_FOUND,
        _("Page not found"),
        _("What you asked for is not here, or you may not see it."),
    ),
    Reason.METHOD_NOT_ALLOWED: Words(
        HTTPStatus.METHOD_NOT_ALLOWED,
        _("This cannot be done here"),
        _("This address exists, but not for this method."),
    ),
    Reason.INVALID_INPUT: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Please check what you sent"),
        _("Something in it is missing or not as it should be. Nothing was changed."),
    ),
    Reason.INVALID_CURSOR: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("This page of the list cannot be found again"),
        _("Begin the list anew, without a cursor."),
    ),
    Reason.PICTURE_REQUIRED: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Which picture?"),
        _("This product is made from a picture. Choose one in a gallery. Nothing was changed."),
    ),
    Reason.FOREIGN_ORIGIN: Words(
        HTTPStatus.FORBIDDEN,
        _("This did not come from our site"),
        _("For your safety we only accept changes sent from our own pages. Nothing was changed."),
    ),
    Reason.UNSUPPORTED_MEDIA_TYPE: Words(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        _("We cannot read this format"),
        _("Nothing was changed."),
    ),
    Reason.TOO_LARGE: Words(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        _("Too much at once"),
        _("What you sent is larger than we accept. Nothing was changed."),
    ),
    Reason.QUANTITY_LIMIT: Words(
        HTTPStatus.CONFLICT,
        _("That is more than a cart takes"),
        _("Your cart was left as it was. For a larger quantity, please write to us."),
    ),
    Reason.CART_FULL: Words(
        HTTPStatus.CONFLICT,
        _("Your cart is full"),
        _("It was left as it was. Remove something to add more."),
    ),
    Reason.DOOR_PASSWORD: Words(
        HTTPStatus.UNAUTHORIZED,
        _("This gallery asks for a password"),
        _("Its photographer gave it to those who are invited. No account is needed."),
    ),
    Reason.DOOR_SIGN_IN: Words(
        HTTPStatus.UNAUTHORIZED,
        _("Please sign in to enter this gallery"),
        _("Sign in, and if the photographer lets you in, you are inside."),
    ),
    Reason.NOT_INVITED: Words(
        HTTPStatus.FORBIDDEN,
        _("This gallery is for invited clients"),
        _("Your account is not among them. You can ask the photographer to invite you."),
    ),
    Reason.TOO_MANY_GUESSES: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("Too many attempts"),
        _("Please wait a few minutes. If you do not have the password, ask the photographer."),
    ),
    Reason.TOO_MANY_REQUESTS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("You have asked several times already"),
        _("The photographer has been told. Please wait for an answer, or try again later."),
    ),
    Reason.SELECTION_FULL: Words(
        HTTPStatus.CONFLICT,
        _("This selection is full"),
        _("It was left as it was. Begin another one, or take something out of it."),
    ),
    Reason.SELECTION_QUOTA: Words(
        HTTPStatus.CONFLICT,
        _("You have chosen as many pictures of this gallery as agreed"),
        _("Your selection was left as it was. Take one out to choose another."),
    ),
    Reason.TOO_MANY_SELECTIONS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("That is a lot of selections for one day"),
        _("Please use one you have, or begin another tomorrow. Nothing was changed."),
    ),
    Reason.SELECTION_EMPTY: Words(
        HTTPStatus.CONFLICT,
        _("There is nothing in this selection to send"),
        _("Choose some pictures first. Nothing was sent."),
    ),
    Reason.SESSION_CHANGED: Words(
        HTTPStatus.CONFLICT,
        _("Your session has changed"),
        _(
            "You signed in or out a moment ago, perhaps in another tab. "
            "Reload the page and try again."
        ),
    ),
    Reason.TOO_MANY_GUESTS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("Too many new carts from your network"),
        _("Please try again a little later. Nothing was changed."),
    ),
    Reason.VERSION_MISMATCH: Words(
        HTTPStatus.PRECONDITION_FAILED,
        _("It has changed in the meantime"),
        _("Look at it as it is now and try again. Nothing was changed."),
    ),
    Reason.KEY_REUSED: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("This Idempotency-Key was used for something else"),
        _("Use a new key for a new request. Nothing was changed."),
    ),
    Reason.KEY_REQUIRED: Words(
        HTTPStatus.PRECONDITION_REQUIRED,
        _("This request needs an Idempotency-Key"),
        _("It makes sure that nothing happens twice. Nothing was changed."),
    ),
    Reason.TOO_MANY_MAILS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("We have sent enough mails to this address for now"),
        _("Please look into the mailbox, the spam folder too, or try again later."),
    ),
    Reason.TOO_MANY_ATTEMPTS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("Too many attempts"),
        _("Please wait a little, or choose a new password by mail: that always works."),
    ),
    Reason.WRONG_CREDENTIALS: Words(
        HTTPStatus.UNAUTHORIZED,
        _("That did not fit"),
        _("Check the address and what you typed, or have a code mailed to you."),
    ),
    Reason.CODE_REQUIRED: Words(
        HTTPStatus.UNAUTHORIZED,
        _("We do not know this browser yet"),
        _("We have mailed you a code. Enter it together with your password."),
    ),
    Reason.APPROVAL_PENDING: Words(
        HTTPStatus.FORBIDDEN,
        _("Your account waits for approval"),
        _("The studio looks at it and tells you by mail. Nothing you had is lost."),
    ),
    Reason.REGISTRATION_REJECTED: Words(
        HTTPStatus.FORBIDDEN,
        _("Your registration was not accepted"),
        _("You may sign up again, or write to us."),
    ),
    Reason.ACCOUNT_DISABLED: Words(
        HTTPStatus.FORBIDDEN,
        _("This account is closed for now"),
        _("Please write to us. Nothing in it is lost."),
    ),
    Reason.TAKE_OVER_REQUIRED: Words(
        HTTPStatus.CONFLICT,
        _("There is an older cart in this browser"),
        _("Say whether it is yours and should come along. Nothing was changed."),
    ),
    Reason.LINK_INVALID: Words(
        HTTPStatus.NOT_FOUND,
        _("This link is not complete"),
        _("Copy it from the mail once more, all of it, or ask for a new one."),
    ),
    Reason.LINK_EXPIRED: Words(
        HTTPStatus.GONE,
        _("This link is too old"),
        _("Ask for a new one: it comes to the same address. Nothing you had is lost."),
    ),
    Reason.LINK_REPLACED: Words(
        HTTPStatus.GONE,
        _("A newer link was mailed since"),
        _("Use the one in the newest mail, or ask for another."),
    ),
    Reason.LINK_REVOKED: Words(
        HTTPStatus.GONE,
        _("This invitation was withdrawn"),
        _("You can ask the photographer to invite you again."),
    ),
    Reason.ALREADY_ACTIVE: Words(
        HTTPStatus.CONFLICT,
        _("This was done already"),
        _("Sign in with your password or a mailed code: you are told how your account stands."),
    ),
    Reason.OTHER_ADDRESS: Words(
        HTTPStatus.CONFLICT,
        _("You are signed in under another address"),
        _("Sign out first, then open the link again. Nothing was changed."),
    ),
    Reason.PASSWORD_REQUIRED: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Please choose a password"),
        _("This is not the browser that signed up, so the account gets a password here."),
    ),
    Reason.NAME_REQUIRED: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Please give your name"),
        _("Nothing was changed."),
    ),
    Reason.WEAK_PASSWORD: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("This password is too easy to guess"),
        _("Choose another, of several words that do not belong together. Nothing was changed."),
    ),
    Reason.TERMS_CHANGED: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Our terms have changed"),
        _("Please read them as they are now and agree again. Nothing was changed."),
    ),
    Reason.TERMS_REQUIRED: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Please agree to the terms"),
        _("An account needs your agreement. Nothing was changed."),
    ),
    Reason.WRONG_CODE: Words(
        HTTPStatus.UNAUTHORIZED,
        _("This code does not fit"),
        _("It may be mistyped, too old, used, or asked for in another browser. Ask for a new one."),
    ),
    Reason.WRONG_PASSWORD: Words(
        HTTPStatus.UNAUTHORIZED,
        _("That did not fit"),
        _("Please type the password again."),
    ),
    Reason.LINK_USED: Words(
        HTTPStatus.CONFLICT,
        _("This link has set a password already"),
        _("Sign in with it, or have a new link mailed to you."),
    ),
    Reason.NOT_OFFERED: Words(
        HTTPStatus.FORBIDDEN,
        _("This is not offered here"),
        _("Please write to us if you miss it. Nothing was changed."),
    ),
    Reason.TOO_MANY_APPLICATIONS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("You have registered again several times"),
        _("They were not accepted. Please write to us, or try again later. Nothing was changed."),
    ),
    Reason.PROVE_ADDRESS: Words(
        HTTPStatus.FORBIDDEN,
        _("Please show that the address is yours"),
        _("Have a code mailed to you under “Security” and enter it: that shows it."),
    ),
    Reason.WRONG_STATUS: Words(
        HTTPStatus.CONFLICT,
        _("As it is now, this cannot be done"),
        _("Somebody may have decided in the meantime. Look at it again. Nothing was changed."),
    ),
    Reason.ADDRESS_TAKEN: Words(
        HTTPStatus.CONFLICT,
        _("There is an account with this address already"),
        _("Use that one, or another address. Nothing was changed."),
    ),
    Reason.OWN_ACCOUNT: Words(
        HTTPStatus.FORBIDDEN,
        _("This is your own account"),
        _("Ask somebody else on the staff to do this. Nothing was changed."),
    ),
    Reason.ROLE_NOT_ALLOWED: Words(
        HTTPStatus.FORBIDDEN,
        _("You cannot give or take away this role"),
        _("It is not below your own, or is of an organization you do not look after."),
    ),
    Reason.NOT_ELIGIBLE: Words(
        HTTPStatus.CONFLICT,
        _("This person cannot have a role yet"),
        _("Roles need an approved account with a password and a confirmed address."),
    ),
    Reason.LAST_ADMINISTRATOR: Words(
        HTTPStatus.CONFLICT,
        _("This is the last site administrator"),
        _("Make another person site administrator first. Nothing was changed."),
    ),
    Reason.TOO_DEEP: Words(
        HTTPStatus.CONFLICT,
        _("There are enough levels already"),
        _("Put it under an organization further up. Nothing was changed."),
    ),
    Reason.TOO_MANY_ORGANIZATIONS: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Too many organizations for one list"),
        _("Choose one of them for the list."),
    ),
    Reason.TOO_MANY_INVITATIONS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("That is as many invitations as we send for you in one day"),
        _("Nobody else was invited. Please go on tomorrow."),
    ),
    Reason.ADDRESS_SUPPRESSED: Words(
        HTTPStatus.CONFLICT,
        _("Mails to this address come back, or are not wanted"),
        _("Correct the address, and the invitation goes to the right one."),
    ),
    Reason.WRONG_STATE: Words(
        HTTPStatus.CONFLICT,
        _("This cannot be done to the invitation as it is now"),
        _("Somebody may have answered it in the meantime. Look at it again. Nothing was changed."),
    ),
    Reason.UNKNOWN_PRODUCT: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("This product cannot be offered here"),
        _("It is not there, or belongs to another gallery. Nothing was changed."),
    ),
    Reason.TOO_MANY_PRODUCTS: Words(
        HTTPStatus.CONFLICT,
        _("This gallery has too many products of its own for that"),
        _("Take some of them away first. Nothing was changed."),
    ),
    Reason.SESSION_ENDED: Words(
        HTTPStatus.UNAUTHORIZED,
        _("Your session has ended"),
        _(
            "A while has passed, or something about your account has changed. "
            "What is in it is kept: sign in again."
        ),
    ),
    Reason.SIGN_IN_REQUIRED: Words(
        HTTPStatus.UNAUTHORIZED,
        _("Please sign in"),
        _("This is only for people who are signed in."),
    ),
    Reason.SIGN_IN_AGAIN: Words(
        HTTPStatus.UNAUTHORIZED,
        _("Please sign in again"),
        _("You have been away for a while. Your cart is still here; the rest asks who you are."),
    ),
    Reason.PROOF_REQUIRED: Words(
        HTTPStatus.UNAUTHORIZED,
        _("Please show that it is you"),
        _(
            "For this we ask for your password or a mailed code, "
            "typed no more than ten minutes ago."
        ),
    ),
    Reason.CART_EMPTY: Words(
        HTTPStatus.CONFLICT,
        _("There is nothing in your cart"),
        _("Put something into it first. If you just ordered, your order was placed."),
    ),
    Reason.PRICE_CHANGED: Words(
        HTTPStatus.CONFLICT,
        _("A price has changed"),
        _("Nothing was ordered. Look at the cart as it is now, and order again if it suits you."),
    ),
    Reason.LINE_UNAVAILABLE: Words(
        HTTPStatus.CONFLICT,
        _("Something in your cart cannot be had any more"),
        _("Nothing was ordered. Take it out of the cart, and order the rest."),
    ),
    Reason.ADDRESS_REQUIRED: Words(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        _("Where should it be sent?"),
        _("There is a print in your cart: give a postal address. Nothing was ordered."),
    ),
    Reason.TOO_MANY_ORDERS: Words(
        HTTPStatus.TOO_MANY_REQUESTS,
        _("So many orders with this address are enough for today"),
        _(
            "Sign in with the address to order more, or come back tomorrow. "
            "Your cart is kept; nothing was ordered."
        ),
    ),
    Reason.TOO_MANY_STUDIOS: Words(
        HTTPStatus.CONFLICT,
        _("These are things of too many studios for one order"),
        _("Order from some of them first. Nothing was ordered; your cart is kept."),
    ),
    Reason.WRONG_POSTAL_CODE: Words(
        HTTPStatus.CONFLICT,
        _("This is not the order’s postal code"),
        _("Look at it again, or claim the order without it. Nothing was changed."),
    ),
    Reason.TOO_MANY_ADDRESSES: Words(
        HTTPStatus.CONFLICT,
        _("Your address book is full"),
        _("Take an address out first. Nothing was changed."),
    ),
    Reason.BUSY: Words(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("Too many changes at the same time"),
        _("Please try again in a moment. Nothing was changed."),
    ),
    Reason.UNAVAILABLE: Words(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("We cannot answer just now"),
        _("Nothing you had is lost. Please try again in a moment."),
    ),
    Reason.UNEXPECTED: Words(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        _("This should not have happened"),
        _("The mistake is ours and has been noted. Please try again, or write to us."),
    ),
}

# What a program, or a page, offers next.
NEXT = {
    Reason.LINK_EXPIRED: "resend",
    Reason.LINK_REPLACED: "resend",
    Reason.LINK_REVOKED: "ask_again",
    Reason.ALREADY_ACTIVE: "sign_in",
    Reason.OTHER_ADDRESS: "sign_out",
    Reason.LINK_USED: "sign_in",
    Reason.SESSION_ENDED: "sign_in",
    Reason.SIGN_IN_REQUIRED: "sign_in",
    Reason.SIGN_IN_AGAIN: "sign_in",
    Reason.PROOF_REQUIRED: "prove",
    Reason.PROVE_ADDRESS: "prove_address",
}

# Our own stable codes of what is wrong with a field, by the kind of error pydantic reports.
_FIELD_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "malformed",
    "address": "malformed_address",
    "agree": "not_agreed",
    "unknown_role": "unknown_role",
    "link": "no_links",
    "picture_address": "picture_address",
    "country": "unknown_country",
    "price": "malformed_price",
}
_FIELD_WORDS = {
    "missing": _("This is missing."),
    "unknown_field": _("Unknown field."),
    "out_of_range": _("This is too small or too large."),
    "not_agreed": _("Please agree to this first."),
    "too_short": _("This is too short."),
    "too_long": _("This is too long."),
    "malformed_address": _("This is not an address mail can be sent to."),
    "unknown_role": _("There is no such role."),
    "no_links": _("Please write no links and no web addresses here."),
    "gone": _("This is not there any more."),
    "unknown_country": _("This is no country’s code of two letters."),
    "malformed_price": _(
        "Please write the price in figures, as 45 or 45.00: "
        "no sign of the currency, and nothing between the thousands."
    ),
    "picture_address": _("This is neither an https address nor a path of this site."),
}
_OTHER_FIELD = _("This is not as it should be.")


def field_code(kind: str) -> str:
    """Our code for a kind of error pydantic reports."""
    return _FIELD_CODES.get(kind, "malformed")


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with what was sent. `pointer` is RFC 6901 into the body ("#/quantity"), or
    names where else it stands ("query:limit")."""

    pointer: str
    code: str


def status(reason: Reason) -> HTTPStatus:
    return TABLE[reason].status


def words(reason: Reason, language: str) -> tuple[str, str]:
    """Title and detail for people."""
    say = translations("problems", _LOCALES, language).gettext
    return say(TABLE[reason].title), say(TABLE[reason].detail)


def field_words(code: str, language: str) -> str:
    say = translations("problems", _LOCALES, language).gettext
    return say(_FIELD_WORDS.get(code, _OTHER_FIELD))


def problem(
    refusal: Refusal, language: str, request_id: str, errors: Iterable[FieldError] = ()
) -> dict[str, Any]:
    """The body of application/problem+json."""
    title, detail = words(refusal.reason, language)
    wrong = list(errors)
    if refusal.pointer is not None:
        wrong.append(FieldError(refusal.pointer, refusal.reason.value))
    following = {"next": NEXT[refusal.reason]} if refusal.reason in NEXT else {}
    return {
        **following,
        **_facts(refusal.facts),
        "type": f"/problems/{refusal.reason.value}",
        "title": title,
        "status": status(refusal.reason).value,
        "detail": detail,
        "instance": request_id,
        "code": refusal.reason.value,
        "errors": [
            {
                "pointer": error.pointer,
                "code": error.code,
                "detail": detail
                if error.code == refusal.reason.value
                else field_words(error.code, language),
            }
            for error in wrong
        ],
    }


def _facts(facts: Mapping[str, object]) -> dict[str, object]:
    """What else the answer says; the one time in it as the other times of the interface."""
    told = dict(facts)
    cart = told.get("cart")
    if isinstance(cart, PricedCart):
        told["cart"] = cart_answer(cart).model_dump()
    elif isinstance(cart, dict):
        told["cart"] = {**cart, "begun": timestamp(cart["begun"])}
    return told


def headers(refusal: Refusal) -> dict[str, str]:
    """What else an answer must say: when to come back (429, 503), what is allowed (405)."""
    extra = {}
    if refusal.retry_after is not None:
        extra["Retry-After"] = str(refusal.retry_after)
    if refusal.allow:
        extra["Allow"] = ", ".join(refusal.allow)
    return extra
