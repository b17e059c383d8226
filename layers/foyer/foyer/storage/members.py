"""Who belongs to an organization and who works there, for staff to find: pointer rows beside the
user, written with every change of his account. They decide nothing."""

from dataclasses import dataclass

from foyer.rules.policy import ProfileType, RegistrationType
from foyer.rules.roles import ADMINISTRATIVE, Role
from foyer.rules.users import State, User, registration_type
from foyer.storage import keys
from foyer.storage.table import Change, Delete, Item, Page, Put, listing


@dataclass(frozen=True)
class Member:
    """What a list shows of a person."""

    id: str
    address: str
    name: str
    company: str | None
    profile_type: ProfileType
    path: tuple[str, ...]  # of his organization
    status: State
    since: int
    roles: tuple[Role, ...]

    @property
    def registration_type(self) -> RegistrationType:
        return registration_type(self.status, self.roles)


def of_user(user: User) -> Member:
    """The same, of a user who was read himself."""
    assert user.status is not None  # noqa: S101 - who is listed has registered
    assert user.profile is not None  # noqa: S101
    return Member(
        user.id,
        user.address or "",
        user.profile.name,
        user.profile.company,
        user.profile.profile_type,
        user.path,
        user.status,
        user.status_at,
        user.roles,
    )


def from_item(item: Item, path: tuple[str, ...]) -> Member:
    """`path` is of the organization whose list it stands in."""
    return Member(
        id=keys.id_in(item["pk"]),
        address=item["address"],
        name=item["name"],
        company=item.get("company"),
        profile_type=item["profile_type"],
        path=path,
        status=State(item["status"]),
        since=item["since"],
        roles=tuple(Role(role["role"], role["organization_id"]) for role in item["roles"]),
    )


def put(user: User) -> Put:
    """The user as lists show him from now on."""
    member = of_user(user)
    return Put(
        {
            **keys.member(user.id)._asdict(),
            "address": member.address,
            "name": member.name,
            "company": member.company,
            "profile_type": member.profile_type,
            "status": member.status.value,
            "since": member.since,
            "roles": [{"role": r.role, "organization_id": r.organization_id} for r in user.roles],
            "list": keys.members_of(member.path[-1]),
            "list_at": f"{member.status.value}#{member.since:012d}#{user.id}",
        }
    )


def drop(user_id: str) -> Delete:
    return Delete(keys.member(user_id))


def of(org_id: str, status: State | None, *, limit: int, after: Item | None = None) -> Page:
    """Who belongs to this one organization, by status and how long; the longest first."""
    prefix = "" if status is None else f"{status.value}#"
    return listing(keys.members_of(org_id), limit=limit, prefix=prefix, after=after)


# ---- who works there -----------------------------------------------------------------------------


def works(user_id: str, before: tuple[Role, ...], after: tuple[Role, ...]) -> list[Change]:
    """What changes in who works where when his roles do."""
    had, has = (
        [role for role in roles if role.role in ADMINISTRATIVE] for roles in (before, after)
    )
    return [
        *(Delete(keys.role(user_id, r.role, r.organization_id)) for r in had if r not in has),
        *(_put_role(user_id, role) for role in has if role not in had),
    ]


def _put_role(user_id: str, role: Role) -> Put:
    return Put(
        {
            **keys.role(user_id, role.role, role.organization_id)._asdict(),
            "list": keys.staff_of(role.organization_id),
            "list_at": f"{role.role}#{user_id}",
        }
    )


def staff_of(org_id: str, role: str, *, limit: int) -> list[str]:
    """The ids of who holds this administrative role in this one organization."""
    page = listing(keys.staff_of(org_id), limit=limit, prefix=f"{role}#")
    return [keys.id_in(item["pk"]) for item in page.items]
