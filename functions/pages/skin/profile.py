"""What a client is called, how he is reached, and where things are sent to him."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.operations import account, addresses, profile
from foyer.rules.addresses import Entry
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import User
from foyer.web.api import request
from foyer.web.models import BookEntry, Line, ProfileChange
from skin.page import (
    MINE,
    POSTED,
    Kept,
    Page,
    Typed,
    back_to_its_page,
    documented,
    form_page,
    read,
    see_other,
)

router = Router()

PROFILE = "/account/profile"
OPTIONAL = ("company", "phone")  # left empty, they are cleared


@router.get(PROFILE, responses=documented(*MINE), tags=["pages"])
def profile_page() -> Page:
    user, _ = account.signed_in(request().visitor, clock.now())
    return _profile_page(_said(user), done=request().query.get("done", ""))


@router.post(
    PROFILE,
    status_code=303,
    responses=documented(*POSTED, *MINE, success=303),
    tags=["pages"],
)
def change_profile(
    name: Typed = "", company: Typed = "", phone: Typed = "", locale: Typed = "", shown: Kept = ""
) -> Page:
    """Only what was touched is changed: `shown` is what the form said before."""
    visitor, now = request().visitor, clock.now()
    account.signed_in(visitor, now, changing=True)
    typed = {"name": name, "company": company, "phone": phone, "locale": locale}
    were = dict(parse_qsl(shown, keep_blank_values=True))
    touched = {n: text for n, text in typed.items() if text != were.get(n)}
    given = {n: text or (None if n in OPTIONAL else "") for n, text in touched.items()}
    form, wrong = read(ProfileChange, **given)
    if form is None:
        return _profile_page(typed, Refusal(Reason.INVALID_INPUT), wrong, shown=shown)
    profile.change(visitor, form.edit(), now)
    return see_other(PROFILE, done="saved")


def _said(user: User) -> dict[str, str]:
    said = user.profile
    return {
        "name": said.name if said else "",
        "company": (said.company if said else None) or "",
        "phone": (said.phone if said else None) or "",
        "locale": user.language,
    }


def _profile_page(
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    shown: str = "",
    done: str = "",
) -> Page:
    shown = shown or urlencode(typed)
    return form_page("profile.html", refusal, wrong, typed=typed, shown=shown, done=done)


# ---- the address book ----------------------------------------------------------------------------

BOOK = "/account/addresses"
HIS_BOOK = (*MINE, Reason.PROVE_ADDRESS)
EntryId = Annotated[str, InPath(max_length=64)]


class EntryForm(BookEntry):
    name: Line


@router.get(BOOK, responses=documented(*HIS_BOOK), tags=["pages"])
def book_page() -> Page:
    return _book_page(done=request().query.get("done", ""))


@router.post(
    BOOK,
    status_code=303,
    responses=documented(*POSTED, *HIS_BOOK, Reason.TOO_MANY_ADDRESSES, success=303),
    tags=["pages"],
)
def add_address(
    name: Typed = "",
    line1: Typed = "",
    line2: Typed = "",
    postal_code: Typed = "",
    city: Typed = "",
    region: Typed = "",
    country: Typed = "",
) -> Page:
    visitor, now = request().visitor, clock.now()
    addresses.book(visitor, now)
    typed = _typed(name, line1, line2, postal_code, city, region, country)
    form, wrong = _read(typed)
    if form is None:
        return _book_page(Refusal(Reason.INVALID_INPUT), wrong, typed)
    try:
        addresses.add(visitor, form.name, form.postal(), now)
    except Refusal as refusal:
        if refusal.reason is not Reason.TOO_MANY_ADDRESSES:
            raise
        return _book_page(refusal, None, typed)
    return see_other(BOOK, done="added")


@router.get(
    BOOK + "/<address_id>", responses=documented(*HIS_BOOK, Reason.NOT_FOUND), tags=["pages"]
)
def entry_page(address_id: EntryId) -> Page:
    return _entry_page(addresses.find(request().visitor, address_id, clock.now()))


@router.post(
    BOOK + "/<address_id>",
    status_code=303,
    responses=documented(*POSTED, *HIS_BOOK, success=303),
    tags=["pages"],
)
def change_address(
    address_id: EntryId,
    name: Typed = "",
    line1: Typed = "",
    line2: Typed = "",
    postal_code: Typed = "",
    city: Typed = "",
    region: Typed = "",
    country: Typed = "",
) -> Page:
    visitor, now = request().visitor, clock.now()
    entry = addresses.find(visitor, address_id, now)
    typed = _typed(name, line1, line2, postal_code, city, region, country)
    form, wrong = _read(typed)
    if form is None:
        return _entry_page(entry, Refusal(Reason.INVALID_INPUT), wrong, typed)
    addresses.change(visitor, address_id, form.name, form.postal(), now)
    return see_other(BOOK, done="changed")


@router.post(
    BOOK + "/<address_id>/delete",
    status_code=303,
    responses=documented(*POSTED, *HIS_BOOK, success=303),
    tags=["pages"],
)
def take_out(address_id: EntryId) -> Page:
    addresses.take_out(request().visitor, address_id, clock.now())
    return see_other(BOOK, done="deleted")


@router.get(
    BOOK + "/<address_id>/delete",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
def back_to_the_entry(address_id: EntryId) -> Page:  # noqa: ARG001 - it is in the path
    return back_to_its_page()


def _typed(*values: str) -> dict[str, str]:
    names = ("name", "line1", "line2", "postal_code", "city", "region", "country")
    return dict(zip(names, values, strict=True))


def _read(typed: Mapping[str, str]) -> tuple[EntryForm | None, dict[str, str]]:
    optional = {name: typed[name] or None for name in ("line2", "region")}
    return read(EntryForm, **{**typed, **optional})


def _book_page(
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    done: str = "",
) -> Page:
    visitor, now = request().visitor, clock.now()
    book = addresses.book(visitor, now)
    own_name = visitor.user.profile.name if visitor.user and visitor.user.profile else ""
    return form_page(
        "addresses.html",
        refusal,
        wrong,
        entries=book.by_use(),
        most_addresses=POLICY.orders.addresses,
        typed=typed or _typed(own_name, *[""] * 6),
        done=done,
    )


def _entry_page(
    entry: Entry,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Page:
    kept = {name: value or "" for name, value in vars(entry.postal).items()}
    said = {"name": entry.name, **kept}
    return form_page("address-entry.html", refusal, wrong, entry=entry, typed=typed or said)
