"""Finding people: who waits, who belongs to an organization, whose an address is."""

from dataclasses import dataclass

from foyer.operations.organizations import REACHED, bases
from foyer.operations.sessions import Visitor
from foyer.operations.staff import acting
from foyer.rules.organizations import Organization
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, may_act_on, reach
from foyer.rules.users import State, User, logon_id
from foyer.storage import claims, keys, members, organizations, users
from foyer.storage.members import Member
from foyer.storage.table import Item, read

QUERIES = 25  # at most for one page: where there are more, it ends early


@dataclass(frozen=True)
class Found:
    """A page of people; `last` is where the next one begins, or None."""

    items: list[Member]
    last: Item | None


def find(
    visitor: Visitor,
    now: int,
    *,
    limit: int,
    status: State | None = None,
    address: str | None = None,
    organization_id: str | None = None,
    after: Item | None = None,
) -> Found:
    """The people below who asks, in his organizations and those below them or in one of these;
    those who wait longest for a status first. Refuses NOT_FOUND where he reaches nobody there,
    TOO_MANY_ORGANIZATIONS where one must be named."""
    actor, _ = acting(visitor, now)
    if organization_id is None:
        tops = bases(actor, Power.SEE)
    else:
        top = organizations.find(organization_id)
        seen = top is not None and reach(actor.roles, Power.SEE, top.path) is not None
        tops = [top] if top is not None and seen else []
    if not tops:
        raise Refusal(Reason.NOT_FOUND)
    if address is not None:
        found = [m for m in _by_address(logon_id(address), now) if status in {None, m.status}]
        below = {top.id for top in tops}
        return Found([m for m in found if below & set(m.path) and _visible(actor, m)], None)
    return _listed(actor, spread(tops), status, limit, after)


def spread(tops: list[Organization]) -> list[Organization]:
    """These and all below them."""
    found = list[Organization]()
    for top in tops:
        page = organizations.below(top, limit=REACHED)
        found += [one for item in page.items if (one := organizations.from_item(item))]
        if page.last is not None or len(found) > REACHED:
            raise Refusal(Reason.TOO_MANY_ORGANIZATIONS, pointer="query:organization_id")
    return found


def _listed(
    actor: User,
    spread: list[Organization],
    status: State | None,
    limit: int,
    after: Item | None,
) -> Found:
    """One organization after the other, each in its own order."""
    items, start = list[Member](), dict(after or {})
    waiting, begun = spread, start.pop("organization", None)
    while waiting and begun is not None and waiting[0].id != begun:
        waiting = waiting[1:]
    for _ in range(QUERIES):
        if not waiting:
            return Found(items, None)
        here = waiting[0]
        page = members.of(here.id, status, limit=limit - len(items), after=start or None)
        listed = [members.from_item(item, here.path) for item in page.items]
        items += [member for member in listed if _visible(actor, member)]
        start = dict(page.last or {})
        if not start:
            waiting = waiting[1:]
        if len(items) == limit:
            break
    return Found(items, {**start, "organization": waiting[0].id} if waiting else None)


def _visible(actor: User, member: Member) -> bool:
    return may_act_on(actor.roles, Power.SEE, member.roles, member.path)


def _by_address(email: str, now: int) -> list[Member]:
    """Whose the address is, and the accounts staff opened for it that wait for their owner."""
    owner = users.owner_of(read([keys.email(email)], consistent=True).get(keys.email(email)))
    ids = [owner] if owner is not None else []
    ids += [id_ for id_ in claims.opened_for(email, now) if id_ not in ids]
    rows = read([keys.user(id_) for id_ in ids], consistent=True) if ids else {}
    found = [users.from_item(rows.get(keys.user(id_))) for id_ in ids]
    return [members.of_user(user) for user in found if user is not None and user.status is not None]
