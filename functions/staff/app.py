"""What staff do: organizations; people found, let in, helped, given roles."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.operations import housekeeping, on_behalf, organizations, people, staff
from foyer.operations.on_behalf import Opening
from foyer.rules.organizations import Approval, Organization
from foyer.rules.policy import POLICY, ProfileType
from foyer.rules.refusals import Reason
from foyer.rules.roles import ADMINISTRATIVE, Role
from foyer.rules.users import Profile, State, User
from foyer.storage.idempotency import Once
from foyer.storage.members import Member
from foyer.web import cursors
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import (
    Address,
    Applicant,
    Body,
    Id,
    IdempotencyKey,
    Line,
    Note,
    ProfileChange,
    RecordAnswer,
    RoleAnswer,
    record_answer,
    timestamp,
)

app = new_api()

STAFF = (*SIGNED_IN, Reason.NOT_FOUND)
DECIDING = (*CHANGING, *STAFF, Reason.OWN_ACCOUNT, Reason.KEY_REUSED)
InPathId = Annotated[str, InPath(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Limit = Annotated[int, Query(ge=1, le=100)]


def _once(form: Body | None = None) -> Once:
    return Once(request().idempotency_key, form.model_dump_json() if form else "")


def _me() -> str:
    user = request().visitor.user
    return user.id if user else ""


# ---- organizations -------------------------------------------------------------------------------


class OrganizationAnswer(BaseModel):
    id: str
    name: str
    parent_id: str | None
    approval: Literal["required", "not_required", "inherit"]
    path: list[str] = Field(description="The ids from the root down to this one.")


class OrganizationsAnswer(BaseModel):
    items: list[OrganizationAnswer]
    next: str | None


def _organization(one: Organization) -> OrganizationAnswer:
    return OrganizationAnswer(
        id=one.id,
        name=one.name,
        parent_id=one.parent_id,
        approval=one.approval.value,
        path=list(one.path),
    )


@app.get(
    "/v1/staff/organizations",
    responses=answers(200, OrganizationsAnswer, *STAFF, Reason.INVALID_CURSOR),
    tags=["staff"],
)
def tree(limit: Limit = 20, cursor: Cursor = None) -> OrganizationsAnswer:
    now, query = clock.now(), "organizations"
    after = cursors.read(cursor, query, request().visitor.named_id, now)
    items, last = organizations.tree(request().visitor, now, limit=limit, after=after)
    return OrganizationsAnswer(
        items=[_organization(one) for one in items],
        next=cursors.sign(last, query, _me(), now),
    )


class NewOrganization(Body):
    name: Line
    parent_id: Id
    approval: Literal["required", "not_required", "inherit"] = "inherit"


@app.post(
    "/v1/staff/organizations",
    status_code=201,
    responses=answers(
        201, OrganizationAnswer, *CHANGING, *STAFF, Reason.TOO_DEEP, Reason.KEY_REUSED
    ),
    tags=["staff"],
)
def add_organization(
    form: NewOrganization,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> OrganizationAnswer:
    approval = Approval(form.approval)
    visitor, now = request().visitor, clock.now()
    made = organizations.create(visitor, form.name, form.parent_id, approval, now, once=_once(form))
    return _organization(made)


@app.get(
    "/v1/staff/organizations/<org_id>",
    responses=answers(200, OrganizationAnswer, *STAFF),
    tags=["staff"],
)
def see_organization(org_id: InPathId) -> OrganizationAnswer:
    return _organization(organizations.see(request().visitor, org_id, clock.now()))


class OrganizationChange(Body):
    name: Line | None = None
    approval: Literal["required", "not_required", "inherit"] | None = None


@app.patch(
    "/v1/staff/organizations/<org_id>",
    responses=answers(200, OrganizationAnswer, *CHANGING, *STAFF),
    tags=["staff"],
)
def change_organization(org_id: InPathId, form: OrganizationChange) -> OrganizationAnswer:
    approval = Approval(form.approval) if form.approval else None
    visitor, now = request().visitor, clock.now()
    return _organization(
        organizations.change(visitor, org_id, now, name=form.name, approval=approval)
    )


# ---- people --------------------------------------------------------------------------------------

Status = Literal["pending_email_activation", "pending_approval", "approved", "rejected", "disabled"]


class PersonItem(BaseModel):
    id: str
    email: str
    name: str
    company: str | None
    profile_type: ProfileType
    organization_id: str
    status: str
    since: str = Field(description="When he came to have this status.")
    registration_type: Literal["G", "R", "A", "S"]
    roles: list[RoleAnswer]


class PeopleAnswer(BaseModel):
    items: list[PersonItem]
    next: str | None


class PersonAnswer(PersonItem):
    phone: str | None
    locale: str
    created_by: str | None
    has_password: bool
    version: int


def _roles(roles: tuple[Role, ...]) -> list[RoleAnswer]:
    return [RoleAnswer(role=r.role, organization_id=r.organization_id) for r in roles]


def _item(member: Member) -> PersonItem:
    return PersonItem(
        id=member.id,
        email=member.address,
        name=member.name,
        company=member.company,
        profile_type=member.profile_type,
        organization_id=member.path[-1],
        status=member.status.value,
        since=timestamp(member.since),
        registration_type=member.registration_type,
        roles=_roles(member.roles),
    )


def _person(user: User) -> PersonAnswer:
    request().etag = str(user.version)
    profile = user.profile or Profile("", "C")
    return PersonAnswer(
        id=user.id,
        email=user.address or "",
        name=profile.name,
        company=profile.company,
        profile_type=profile.profile_type,
        organization_id=user.organization_id,
        status=user.state.value,
        since=timestamp(user.status_at),
        registration_type=user.registration_type,
        roles=_roles(user.roles),
        phone=profile.phone,
        locale=user.language,
        created_by=user.created_by,
        has_password=user.has_password,
        version=user.version,
    )


@app.get(
    "/v1/staff/users",
    responses=answers(
        200, PeopleAnswer, *STAFF, Reason.INVALID_CURSOR, Reason.TOO_MANY_ORGANIZATIONS
    ),
    tags=["staff"],
)
def find(
    status: Annotated[Status | None, Query()] = None,
    email: Annotated[Address | None, Query()] = None,
    organization_id: Annotated[Id | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> PeopleAnswer:
    """With `email` whose that address is, and accounts opened for it. Otherwise those of one
    organization and all below it, or of all the staff member reaches."""
    now, query = clock.now(), f"users {status} {organization_id}"
    found = people.find(
        request().visitor,
        now,
        limit=limit,
        status=State(status) if status else None,
        address=email,
        organization_id=organization_id,
        after=cursors.read(cursor, query, request().visitor.named_id, now),
    )
    return PeopleAnswer(
        items=[_item(member) for member in found.items],
        next=cursors.sign(found.last, query, _me(), now),
    )


class NewPerson(Applicant):
    """A sign-up without consents: those only the person himself can give (P20)."""


@app.post(
    "/v1/staff/users",
    status_code=201,
    responses=answers(
        201,
        PersonAnswer,
        *CHANGING,
        *STAFF,
        Reason.ADDRESS_TAKEN,
        Reason.TOO_MANY_MAILS,
        Reason.KEY_REUSED,
    ),
    tags=["staff"],
)
def open_account(
    form: NewPerson,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> PersonAnswer:
    opening = Opening(form.email, form.profile(), form.locale)
    return _person(
        on_behalf.open_account(request().visitor, opening, clock.now(), once=_once(form))
    )


@app.get("/v1/staff/users/<user_id>", responses=answers(200, PersonAnswer, *STAFF), tags=["staff"])
def see(user_id: InPathId) -> PersonAnswer:
    return _person(staff.see(request().visitor, user_id, clock.now()))


@app.patch(
    "/v1/staff/users/<user_id>",
    responses=answers(200, PersonAnswer, *DECIDING, Reason.VERSION_MISMATCH),
    tags=["staff"],
)
def edit(
    user_id: InPathId,
    form: ProfileChange,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> PersonAnswer:
    asked = request()
    return _person(
        staff.edit(
            asked.visitor,
            user_id,
            form.edit(),
            clock.now(),
            if_match=asked.if_match,
            once=_once(form),
        )
    )


class Nothing(Body):
    """An empty object."""


WRONG_STATUS = (*DECIDING, Reason.WRONG_STATUS)


@app.post(
    "/v1/staff/users/<user_id>/approve",
    responses=answers(200, PersonAnswer, *WRONG_STATUS),
    tags=["staff"],
)
def approve(
    user_id: InPathId,
    form: Nothing | None = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> PersonAnswer:
    return _person(staff.approve(request().visitor, user_id, clock.now(), once=_once()))


class Rejection(Body):
    reason: Annotated[Note, Field(description="The person reads it in the mail.")]


@app.post(
    "/v1/staff/users/<user_id>/reject",
    responses=answers(200, PersonAnswer, *WRONG_STATUS),
    tags=["staff"],
)
def reject(
    user_id: InPathId,
    form: Rejection,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> PersonAnswer:
    visitor, now = request().visitor, clock.now()
    return _person(staff.reject(visitor, user_id, form.reason, now, once=_once(form)))


@app.post(
    "/v1/staff/users/<user_id>/disable",
    responses=answers(200, PersonAnswer, *WRONG_STATUS, Reason.LAST_ADMINISTRATOR),
    tags=["staff"],
)
def disable(
    user_id: InPathId,
    form: Nothing | None = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> PersonAnswer:
    return _person(staff.disable(request().visitor, user_id, clock.now(), once=_once()))


@app.post(
    "/v1/staff/users/<user_id>/enable",
    responses=answers(200, PersonAnswer, *WRONG_STATUS),
    tags=["staff"],
)
def enable(
    user_id: InPathId,
    form: Nothing | None = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> PersonAnswer:
    return _person(staff.enable(request().visitor, user_id, clock.now(), once=_once()))


MAILING = (*WRONG_STATUS, Reason.TOO_MANY_MAILS)


@app.post(
    "/v1/staff/users/<user_id>/resend",
    status_code=204,
    responses=nothing(*MAILING),
    tags=["staff"],
)
def resend(
    user_id: InPathId,
    form: Nothing | None = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> Response[None]:
    on_behalf.resend(request().visitor, user_id, clock.now(), once=_once())
    return NOTHING


@app.post(
    "/v1/staff/users/<user_id>/password-reset",
    status_code=204,
    responses=nothing(*MAILING),
    tags=["staff"],
)
def mail_reset(
    user_id: InPathId,
    form: Nothing | None = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> Response[None]:
    on_behalf.mail_reset(request().visitor, user_id, clock.now(), once=_once())
    return NOTHING


# ---- roles ---------------------------------------------------------------------------------------

ROLES = ADMINISTRATIVE | set(POLICY.roles.of_clients)


def _known(role: str) -> str:
    if role not in ROLES:
        raise PydanticCustomError("unknown_role", "no role of this shop")
    return role


RoleName = Annotated[str, Field(json_schema_extra={"enum": sorted(ROLES)}), AfterValidator(_known)]


class RoleGiven(Body):
    role: RoleName
    organization_id: Id


class RolesGiven(Body):
    roles: Annotated[list[RoleGiven], Field(max_length=20)]


class RolesAnswer(BaseModel):
    roles: list[RoleAnswer]


@app.get(
    "/v1/staff/users/<user_id>/roles", responses=answers(200, RolesAnswer, *STAFF), tags=["staff"]
)
def see_roles(user_id: InPathId) -> RolesAnswer:
    return RolesAnswer(roles=_roles(staff.see(request().visitor, user_id, clock.now()).roles))


@app.put(
    "/v1/staff/users/<user_id>/roles",
    responses=answers(
        200,
        RolesAnswer,
        *DECIDING,
        Reason.PROOF_REQUIRED,
        Reason.ROLE_NOT_ALLOWED,
        Reason.NOT_ELIGIBLE,
        Reason.LAST_ADMINISTRATOR,
    ),
    tags=["staff"],
)
def give_roles(
    user_id: InPathId,
    form: RolesGiven,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> RolesAnswer:
    wanted = [Role(given.role, given.organization_id) for given in form.roles]
    visitor, now = request().visitor, clock.now()
    return RolesAnswer(
        roles=_roles(staff.give_roles(visitor, user_id, wanted, now, once=_once(form)).roles)
    )


class RoleExplained(RoleAnswer):
    because: Literal["rule", "granted"]
    rule: str | None = Field(description="The rule of policy.toml that gave it.")
    by: str | None = Field(description="The member of staff who gave it.")
    at: str


class RuleTried(BaseModel):
    rule: str
    matched: bool
    fails: list[Literal["kind", "organization", "profile_type"]]


class Explained(BaseModel):
    """Where each role comes from; and the rules as they would be tried today, in order."""

    roles: list[RoleExplained]
    rule: str | None = Field(description="The rule that matches today.")
    tried: list[RuleTried]


@app.get(
    "/v1/staff/users/<user_id>/roles/explain",
    responses=answers(200, Explained, *STAFF),
    tags=["staff"],
)
def explain(user_id: InPathId) -> Explained:
    found = staff.explain(request().visitor, user_id, clock.now())
    tried = [
        RuleTried.model_validate(
            {"rule": one.rule.name, "matched": not one.fails, "fails": list(one.fails)}
        )
        for one in found.tried
    ]
    return Explained(
        roles=[_explained(role) for role in found.user.roles],
        rule=next((one.rule for one in tried if one.matched), None),
        tried=tried,
    )


def _explained(role: Role) -> RoleExplained:
    rule = role.by.removeprefix("rule:") if role.by.startswith("rule:") else None
    return RoleExplained(
        role=role.role,
        organization_id=role.organization_id,
        because="rule" if rule is not None else "granted",
        rule=rule,
        by=None if rule is not None else role.by,
        at=timestamp(role.at),
    )


# ---- history -------------------------------------------------------------------------------------


class EarlierAnswer(BaseModel):
    user_id: str
    at: str


class HistoryAnswer(BaseModel):
    items: list[RecordAnswer]
    next: str | None
    earlier: list[EarlierAnswer] = Field(
        description="Registrations of the same address that were rejected before, and when it "
        "registered again."
    )


@app.get(
    "/v1/staff/users/<user_id>/audit",
    responses=answers(200, HistoryAnswer, *STAFF, Reason.INVALID_CURSOR),
    tags=["staff"],
)
def audit(user_id: InPathId, limit: Limit = 20, cursor: Cursor = None) -> HistoryAnswer:
    now, query = clock.now(), f"audit {user_id}"
    after = cursors.read(cursor, query, request().visitor.named_id, now)
    found = staff.history(request().visitor, user_id, now, limit=limit, after=after)
    return HistoryAnswer(
        items=[record_answer(record, record.actor) for record in found.records],
        next=cursors.sign(found.last, query, _me(), now),
        earlier=[EarlierAnswer(user_id=e.user_id, at=timestamp(e.at)) for e in found.earlier],
    )


# ---- what the clean-up takes ---------------------------------------------------------------------


class AbandonedItem(BaseModel):
    id: str
    kind: Literal["guest", "handed_over", "opened_for_somebody", "going"] = Field(
        description="`going`: of whom a sweep that was cut short has taken away a part."
    )
    idle_since: str | None
    line_count: int
    picture_count: int
    kept_by: Literal["order", "selection", "grant"] | None = Field(
        description="What keeps him: an order under way, a selection a photographer has, a gallery."
    )


class SweepAnswer(BaseModel):
    at: str
    guests: int
    accounts: int = Field(description="Opened by staff, and taken by nobody.")
    claims: int
    closed: int = Field(description="Closed accounts of which nothing is left since.")
    kept: int
    returned: int = Field(description="Who came back meanwhile.")
    failed: int
    left: int
    more: bool


class AbandonedAnswer(BaseModel):
    """A dry run: whom the next sweep looks at, the longest idle of each shard first."""

    items: list[AbandonedItem]
    next: str | None
    users: int
    claims: int
    more: bool = Field(description="There are more than were counted.")
    last_sweep: SweepAnswer | None


@app.get(
    "/v1/staff/guests/abandoned",
    responses=answers(200, AbandonedAnswer, *STAFF, Reason.INVALID_CURSOR),
    tags=["staff"],
)
def abandoned(limit: Limit = 20, cursor: Cursor = None) -> AbandonedAnswer:
    now, query = clock.now(), "abandoned"
    after = cursors.read(cursor, query, request().visitor.named_id, now)
    found = housekeeping.abandoned(request().visitor, now, limit=limit, after=after)
    last = None if found.sweep is None else vars(found.sweep) | {"at": timestamp(found.sweep.at)}
    return AbandonedAnswer(
        items=[_abandoned(one) for one in found.items],
        next=cursors.sign(found.last, query, _me(), now),
        users=found.users,
        claims=found.claims,
        more=found.more,
        last_sweep=None if last is None else SweepAnswer.model_validate(last),
    )


def _abandoned(one: housekeeping.Idle) -> AbandonedItem:
    return AbandonedItem(
        id=one.id,
        kind=one.kind,
        idle_since=None if one.user is None else timestamp(one.user.seen_at),
        line_count=len(one.cart.cart.lines),
        picture_count=0 if one.unnamed is None else len(one.unnamed.pictures),
        kept_by=None if one.kept is None else one.kept.value,
    )


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
