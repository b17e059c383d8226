"""What staff come for: who waits, who is who, an account opened for somebody."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form, Query

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import on_behalf, people
from foyer.operations import organizations as tree_of
from foyer.operations.on_behalf import Opening
from foyer.operations.people import Found
from foyer.operations.staff import acting
from foyer.rules.organizations import Organization
from foyer.rules.policy import ProfileType
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, has, reach
from foyer.rules.users import Profile, State, User
from foyer.settings import own_language
from foyer.storage.idempotency import Once
from foyer.web import cursors
from foyer.web.api import request
from foyer.web.models import Address, Body, Id, Line, Offered, Phone
from skin.page import MINE, POSTED, Page, Typed, documented, form_page, page, read, see_other

router = Router()

STAFF = (*MINE, Reason.NOT_FOUND)
STATUSES = (
    State.PENDING_APPROVAL,
    State.APPROVED,
    State.PENDING_EMAIL_ACTIVATION,
    State.REJECTED,
    State.DISABLED,
)
AT_ONCE = 20  # people in a list
SHOWN_WAITING = 5
CHOICES = 100  # organizations read at once, of at most five times as many

Cursor = Annotated[str | None, Query(max_length=2000)]
Asked = Annotated[str, Query(max_length=254)]
# Made with each form: sent twice, it is done once.
Key = Annotated[str, Form(max_length=64, pattern=r"^([A-Za-z0-9_-]{16,})?$")]


def actor() -> User:
    """The member of staff who asks. To anybody else there is nothing here: NOT_FOUND."""
    user, _ = acting(request().visitor, clock.now())
    return user


def once(key: str, **form: object) -> Once:
    return Once(key or None, json.dumps(form, sort_keys=True))


def sent_before(refusal: Refusal) -> Refusal:
    """A form sent again with something else in it: keys are nothing people know of."""
    return Refusal(Reason.VERSION_MISMATCH) if refusal.reason is Reason.KEY_REUSED else refusal


# ---- organizations to choose from ----------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """An organization as a list shows it; `depth` below the highest he reaches."""

    organization: Organization
    depth: int

    @property
    def label(self) -> str:
        return "– " * self.depth + self.organization.name


def places(found: list[Organization]) -> list[Place]:
    lengths = {one.id: len(one.path) for one in found}
    depths = [sum(1 for id_ in one.path[:-1] if id_ in lengths) for one in found]
    return [Place(one, depth) for one, depth in zip(found, depths, strict=True)]


def reached() -> list[Place]:
    """All organizations whoever asks sees, parents before children; a page shows no more of them
    than a select can hold."""
    return places(list(_reached()))


def _reached() -> Iterator[Organization]:
    visitor, now, last = request().visitor, clock.now(), None
    for _ in range(5):
        found, last = tree_of.tree(visitor, now, limit=CHOICES, after=last)
        yield from found
        if last is None:
            return


def choices(known: list[Place], user: User, power: Power) -> list[tuple[str, str]]:
    """Those in which he has this power."""
    return [
        (place.organization.id, place.label)
        for place in known
        if reach(user.roles, power, place.organization.path) is not None
    ]


def names(known: list[Place]) -> dict[str, str]:
    return {place.organization.id: place.organization.name for place in known}


# ---- the desk ------------------------------------------------------------------------------------


@router.get("/staff", responses=documented(*STAFF), tags=["pages"])
def desk() -> Page:
    user = actor()
    waiting: Found | None = Found([], None)
    if has(user.roles, Power.SEE):
        visitor, now = request().visitor, clock.now()
        try:
            waiting = people.find(visitor, now, limit=AT_ONCE, status=State.PENDING_APPROVAL)
        except Refusal as refusal:
            if refusal.reason is not Reason.TOO_MANY_ORGANIZATIONS:
                raise
            waiting = None  # he chooses one on the next page
    return page(
        "staff.html",
        may={power.value for power in Power if has(user.roles, power)},
        waiting=waiting,
        shown=SHOWN_WAITING,
    )


# ---- finding people ------------------------------------------------------------------------------


class Filter(Body):
    status: (
        Literal["pending_email_activation", "pending_approval", "approved", "rejected", "disabled"]
        | None
    )
    email: Address | None
    organization_id: Id | None


@router.get(
    "/staff/people",
    responses=documented(*STAFF, Reason.TOO_MANY_ORGANIZATIONS, Reason.INVALID_CURSOR),
    tags=["pages"],
)
def find(
    status: Asked = "", email: Asked = "", organization_id: Asked = "", cursor: Cursor = None
) -> Page:
    """A list with what it was asked by; refused, the same page says what to ask instead."""
    user = actor()
    if not has(user.roles, Power.SEE):
        raise Refusal(Reason.NOT_FOUND)
    typed = {"status": status, "email": email.strip(), "organization_id": organization_id}
    form, wrong = read(Filter, **{name: value or None for name, value in typed.items()})
    if form is None:
        return _people_page(user, typed, Found([], None), Refusal(Reason.INVALID_INPUT), wrong)
    now, query = clock.now(), f"staff people {status} {typed['email']} {organization_id}"
    try:
        found = people.find(
            request().visitor,
            now,
            limit=AT_ONCE,
            status=State(form.status) if form.status else None,
            address=form.email,
            organization_id=form.organization_id,
            after=cursors.read(cursor, query, user.id, now),
        )
    except Refusal as refusal:
        if refusal.reason not in {Reason.TOO_MANY_ORGANIZATIONS, Reason.INVALID_CURSOR}:
            raise
        return _people_page(user, typed, Found([], None), refusal)
    following = cursors.sign(found.last, query, user.id, now)
    return _people_page(user, typed, found, following=following)


def _people_page(
    user: User,
    typed: Mapping[str, str],
    found: Found,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    following: str | None = None,
) -> Page:
    known = reached()
    asked_by = {name: value for name, value in typed.items() if value}
    return form_page(
        "people.html",
        refusal,
        wrong,
        typed=typed,
        found=found.items,
        following={**asked_by, "cursor": following} if following else None,
        asked_by=asked_by,
        statuses=[status.value for status in STATUSES],
        organizations=choices(known, user, Power.SEE),
        names=names(known),
        may_open=has(user.roles, Power.OPEN_ACCOUNTS),
    )


# ---- an account for somebody ---------------------------------------------------------------------


class NewPersonForm(Body):
    email: Address
    name: Line
    company: Line | None
    phone: Phone | None
    locale: Offered | None
    organization_id: Id | None
    profile_type: ProfileType


@router.get("/staff/people/new", responses=documented(*STAFF), tags=["pages"])
def new_person(email: Asked = "", name: Asked = "", organization_id: Asked = "") -> Page:
    return _new_person_page({"email": email, "name": name, "organization_id": organization_id})


@router.post(
    "/staff/people/new",
    status_code=303,
    responses=documented(*POSTED, *STAFF, Reason.ADDRESS_TAKEN, Reason.TOO_MANY_MAILS, success=303),
    tags=["pages"],
)
def open_account(
    email: Typed = "",
    name: Typed = "",
    company: Typed = "",
    phone: Typed = "",
    locale: Typed = "",
    organization_id: Typed = "",
    profile_type: Typed = "",
    key: Key = "",
) -> Page:
    typed = {"email": email, "name": name, "company": company, "phone": phone, "locale": locale}
    typed |= {"organization_id": organization_id, "profile_type": profile_type}
    needed = {"email": email, "name": name, "profile_type": profile_type or "C"}
    optional = {n: value or None for n, value in typed.items() if n not in needed}
    form, wrong = read(NewPersonForm, **needed, **optional)
    if form is None:
        return _new_person_page(typed, Refusal(Reason.INVALID_INPUT), wrong)
    profile = Profile(form.name, form.profile_type, form.organization_id, form.phone, form.company)
    opening = Opening(form.email, profile, form.locale)
    try:
        person = on_behalf.open_account(
            request().visitor, opening, clock.now(), once=once(key, **typed)
        )
    except Refusal as refusal:
        shown = {Reason.ADDRESS_TAKEN, Reason.TOO_MANY_MAILS, Reason.KEY_REUSED}
        if refusal.reason not in shown:
            raise
        return _new_person_page(typed, sent_before(refusal))
    return see_other(f"/staff/people/{person.id}", done="opened")


def _new_person_page(
    typed: Mapping[str, str],
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
) -> Page:
    user = actor()
    if not has(user.roles, Power.OPEN_ACCOUNTS):
        raise Refusal(Reason.NOT_FOUND)
    empty = dict.fromkeys(("email", "name", "company", "phone", "organization_id"), "")
    empty |= {"locale": own_language(), "profile_type": "C"}
    return form_page(
        "new-person.html",
        refusal,
        wrong,
        typed={**empty, **typed},
        key=new_id(),
        organizations=choices(reached(), user, Power.OPEN_ACCOUNTS),
        taken=refusal.facts.get("user_id") if refusal is not None else None,
    )
