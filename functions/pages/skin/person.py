"""One person, as staff see him: who he is, what can be done now, what happened."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, quote, urlencode

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import on_behalf, staff
from foyer.operations.on_behalf import OPERATOR
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import (
    ADMINISTRATIVE,
    ROOT,
    SITE_ADMINISTRATOR,
    Power,
    Role,
    may_give,
    rank,
    reach,
)
from foyer.rules.users import Edit, User
from foyer.storage.users import Record
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Body, Line, Note, Offered, Phone
from skin.page import POSTED, Kept, Page, Typed, documented, form_page, read, see_other, seen_at
from skin.staff import (
    STAFF,
    Cursor,
    Key,
    Place,
    actor,
    choices,
    names,
    once,
    reached,
    sent_before,
)

router = Router()

PersonId = Annotated[str, InPath(max_length=64)]
HISTORY = 20
COLLEAGUES = 5  # whose names a page looks up

# What the person's page itself says of what was tried there.
SHOWN = {
    Reason.WRONG_STATUS,
    Reason.OWN_ACCOUNT,
    Reason.LAST_ADMINISTRATOR,
    Reason.ROLE_NOT_ALLOWED,
    Reason.NOT_ELIGIBLE,
    Reason.TOO_MANY_MAILS,
    Reason.VERSION_MISMATCH,
    Reason.KEY_REUSED,
    Reason.BUSY,
}
DEEDS = (*POSTED, *STAFF, Reason.OWN_ACCOUNT, Reason.WRONG_STATUS)
ROLES = ADMINISTRATIVE | set(POLICY.roles.of_clients)


@router.get(
    "/staff/people/<user_id>", responses=documented(*STAFF, Reason.INVALID_CURSOR), tags=["pages"]
)
def see(user_id: PersonId, cursor: Cursor = None) -> Page:
    return person_page(user_id, cursor=cursor, done=request().query.get("done", ""))


def person_page(
    user_id: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    cursor: str | None = None,
    done: str = "",
) -> Page:
    visitor, now, me = request().visitor, clock.now(), actor()
    person = staff.explain(visitor, user_id, now).user
    query = f"staff audit {user_id}"
    after = cursors.read(cursor, query, me.id, now)
    past = staff.history(visitor, user_id, now, limit=HISTORY, after=after)
    known, offered = reached(), staff.possible(me, person)
    said = {
        "name": person.profile.name if person.profile else "",
        "company": (person.profile.company if person.profile else None) or "",
        "phone": (person.profile.phone if person.profile else None) or "",
        "locale": person.language,
        "reason": "",
        "role": "",
        "organization_id": "",
    }
    return form_page(
        "person.html",
        refusal,
        wrong,
        person=person,
        said=said,
        shown=urlencode({n: said[n] for n in ("name", "company", "phone", "locale")}),
        typed={**said, **(typed or {})},
        done=done,
        key=new_id(),
        offered=offered,
        deeds=offered - {"edit", "roles"},
        own=me.id == person.id,
        held=[_held(me, role, known) for role in person.roles],
        had=_written(person.roles),
        eligible=person.may_have_roles,
        to_give=[(role, role) for role in sorted(ROLES) if _might_give(me, role)],
        in_organizations=choices(known, me, Power.GRANT),
        names=names(known),
        records=past.records,
        earlier=past.earlier,
        following=cursors.sign(past.last, query, me.id, now),
        later=cursor is not None,
        who=_who(me, person, past.records),
    )


@dataclass(frozen=True)
class Held:
    """A role he has; `mine` where it is mine to take."""

    role: Role
    mine: bool
    rule: str | None

    @property
    def written(self) -> str:
        return f"{self.role.role} {self.role.organization_id}"


def _held(me: User, role: Role, known: list[Place]) -> Held:
    paths = {place.organization.id: place.organization.path for place in known}
    path = paths.get(role.organization_id)
    rule = role.by.removeprefix("rule:") if role.by.startswith("rule:") else None
    return Held(role, path is not None and may_give(me.roles, role, path), rule)


def _written(roles: tuple[Role, ...]) -> str:
    return ",".join(sorted(f"{role.role} {role.organization_id}" for role in roles))


def _might_give(me: User, role: str) -> bool:
    """Somewhere at least: where exactly, the operation decides."""
    if role == SITE_ADMINISTRATOR:
        return reach(me.roles, Power.GRANT, [ROOT]) == rank(role)
    return any(
        may_give(me.roles, Role(role, own.organization_id), [own.organization_id])
        for own in me.roles
    )


def _who(me: User, person: User, records: list[Record]) -> dict[str, str | None]:
    """The names of those who did it, by id, as far as I may know them; None where I may not."""
    acted = [record.actor for record in records]
    acted += [role.by for role in person.roles if not role.by.startswith("rule:")]
    acted += [person.created_by] if person.created_by else []
    strangers = [id_ for id_ in dict.fromkeys(acted) if id_ not in {me.id, person.id, OPERATOR, ""}]
    found: dict[str, str | None] = dict.fromkeys(acted)
    for id_ in strangers[:COLLEAGUES]:
        with suppress(Refusal):
            profile = staff.see(request().visitor, id_, clock.now()).profile
            found[id_] = profile.name if profile else None
    return found


# ---- what is done --------------------------------------------------------------------------------


def _done(
    user_id: str,
    deed: Callable[[], object],
    done: str,
    typed: Mapping[str, str] | None = None,
) -> Page:
    try:
        deed()
    except Refusal as refusal:
        if refusal.reason not in SHOWN:
            raise
        return person_page(user_id, sent_before(refusal), typed=typed)
    return see_other(f"/staff/people/{quote(user_id)}", done=done)


@router.post(
    "/staff/people/<user_id>/approve",
    status_code=303,
    responses=documented(*DEEDS, success=303),
    tags=["pages"],
)
def approve(user_id: PersonId, key: Key = "") -> Page:
    visitor, now = request().visitor, clock.now()
    return _done(user_id, lambda: staff.approve(visitor, user_id, now, once=once(key)), "approved")


class Rejection(Body):
    reason: Note


@router.post(
    "/staff/people/<user_id>/reject",
    status_code=303,
    responses=documented(*DEEDS, success=303),
    tags=["pages"],
)
def reject(user_id: PersonId, reason: Kept = "", key: Key = "") -> Page:
    visitor, now, typed = request().visitor, clock.now(), {"reason": reason}
    form, wrong = read(Rejection, reason=reason)
    if form is None:
        return person_page(user_id, Refusal(Reason.INVALID_INPUT), wrong, typed)
    said = form.reason
    attempt = once(key, reason=said)
    return _done(
        user_id, lambda: staff.reject(visitor, user_id, said, now, once=attempt), "rejected", typed
    )


@router.post(
    "/staff/people/<user_id>/disable",
    status_code=303,
    responses=documented(*DEEDS, Reason.LAST_ADMINISTRATOR, success=303),
    tags=["pages"],
)
def disable(user_id: PersonId, key: Key = "") -> Page:
    visitor, now = request().visitor, clock.now()
    return _done(user_id, lambda: staff.disable(visitor, user_id, now, once=once(key)), "disabled")


@router.post(
    "/staff/people/<user_id>/enable",
    status_code=303,
    responses=documented(*DEEDS, success=303),
    tags=["pages"],
)
def enable(user_id: PersonId, key: Key = "") -> Page:
    visitor, now = request().visitor, clock.now()
    return _done(user_id, lambda: staff.enable(visitor, user_id, now, once=once(key)), "enabled")


@router.post(
    "/staff/people/<user_id>/resend",
    status_code=303,
    responses=documented(*DEEDS, Reason.TOO_MANY_MAILS, success=303),
    tags=["pages"],
)
def resend(user_id: PersonId, key: Key = "") -> Page:
    visitor, now = request().visitor, clock.now()
    return _done(user_id, lambda: on_behalf.resend(visitor, user_id, now, once=once(key)), "resent")


@router.post(
    "/staff/people/<user_id>/password-reset",
    status_code=303,
    responses=documented(*DEEDS, Reason.TOO_MANY_MAILS, success=303),
    tags=["pages"],
)
def mail_reset(user_id: PersonId, key: Key = "") -> Page:
    visitor, now = request().visitor, clock.now()
    return _done(
        user_id, lambda: on_behalf.mail_reset(visitor, user_id, now, once=once(key)), "reset-mailed"
    )


class EditForm(Body):
    name: Line
    company: Line | None
    phone: Phone | None
    locale: Offered


@router.post(
    "/staff/people/<user_id>/edit",
    status_code=303,
    responses=documented(*DEEDS, Reason.VERSION_MISMATCH, success=303),
    tags=["pages"],
)
def edit(
    user_id: PersonId,
    name: Typed = "",
    company: Typed = "",
    phone: Typed = "",
    locale: Typed = "",
    version: Typed = "",
    shown: Kept = "",
    key: Key = "",
) -> Page:
    """Of the version that was shown: what somebody else changed meanwhile is not written over, and
    what was not touched here is shown as it is by now."""
    visitor, now = request().visitor, clock.now()
    typed = {"name": name, "company": company, "phone": phone, "locale": locale}
    were = dict(parse_qsl(shown, keep_blank_values=True))
    touched = {n: value for n, value in typed.items() if value != were.get(n)}
    form, wrong = read(
        EditForm, name=name, company=company or None, phone=phone or None, locale=locale
    )
    if form is None:
        return person_page(user_id, Refusal(Reason.INVALID_INPUT), wrong, typed)
    cleared = frozenset(n for n, given in (("company", company), ("phone", phone)) if not given)
    change = Edit(form.name, form.phone, form.company, form.locale, cleared)
    attempt, match = once(key, **typed), frozenset({version})
    return _done(
        user_id,
        lambda: staff.edit(visitor, user_id, change, now, if_match=match, once=attempt),
        "edited",
        touched,
    )


@router.post(
    "/staff/people/<user_id>/roles",
    status_code=303,
    responses=documented(
        *DEEDS,
        Reason.PROOF_REQUIRED,
        Reason.ROLE_NOT_ALLOWED,
        Reason.NOT_ELIGIBLE,
        Reason.LAST_ADMINISTRATOR,
        success=303,
    ),
    tags=["pages"],
)
def give_roles(
    user_id: PersonId,
    keep: Annotated[list[str], Form(max_length=50)] = [],  # noqa: B006 - a default of the schema
    had: Typed = "",
    role: Typed = "",
    organization_id: Typed = "",
    key: Key = "",
) -> Page:
    visitor, now = request().visitor, clock.now()
    typed = {"role": role, "organization_id": organization_id}
    wrong = _wrong_role(role, organization_id)
    if wrong:
        return person_page(user_id, Refusal(Reason.INVALID_INPUT), wrong, typed)
    kept = [one.split(" ") for one in keep if one in had.split(",") and one.count(" ") == 1]
    wanted = [Role(name, held_in) for name, held_in in kept]
    wanted += [Role(role, organization_id)] if role else []

    def give() -> None:
        now_has = _written(staff.see(visitor, user_id, now).roles)
        if now_has not in {had, _written(tuple(dict.fromkeys(wanted)))}:
            raise Refusal(Reason.VERSION_MISMATCH)  # what was given meanwhile is not taken away
        attempt = once(key, keep=sorted(keep), **typed)
        try:
            staff.give_roles(visitor, user_id, wanted, now, once=attempt)
        except Refusal as refusal:
            if refusal.reason is not Reason.ROLE_NOT_ALLOWED:
                raise
            raise Refusal(refusal.reason, pointer="#/role") from refusal

    return _done(user_id, give, "roles", typed)


def _wrong_role(role: str, organization_id: str) -> dict[str, str]:
    """Both or neither, and one of this shop's."""
    language = request().visitor.language
    if role and role not in ROLES:
        return {"role": problems.field_words("unknown_role", language)}
    missing = problems.field_words("missing", language)
    if role and not organization_id:
        return {"organization_id": missing}
    return {"role": missing} if organization_id and not role else {}


_BACK = documented(Reason.NOT_FOUND, success=303)


@router.get("/staff/people/<user_id>/approve", status_code=303, responses=_BACK, tags=["pages"])
@router.get("/staff/people/<user_id>/reject", status_code=303, responses=_BACK, tags=["pages"])
@router.get("/staff/people/<user_id>/disable", status_code=303, responses=_BACK, tags=["pages"])
@router.get("/staff/people/<user_id>/enable", status_code=303, responses=_BACK, tags=["pages"])
@router.get("/staff/people/<user_id>/resend", status_code=303, responses=_BACK, tags=["pages"])
@router.get(
    "/staff/people/<user_id>/password-reset", status_code=303, responses=_BACK, tags=["pages"]
)
@router.get("/staff/people/<user_id>/edit", status_code=303, responses=_BACK, tags=["pages"])
@router.get("/staff/people/<user_id>/roles", status_code=303, responses=_BACK, tags=["pages"])
def back_to_the_person(user_id: PersonId) -> Page:  # noqa: ARG001 - stands in the path
    return see_other(quote(seen_at(request().path)))
