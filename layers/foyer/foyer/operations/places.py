"""The organizations in which somebody may do something, and lists that go through all of them."""

from collections.abc import Callable, Mapping, Sequence

from foyer.operations.organizations import bases
from foyer.operations.people import spread
from foyer.operations.sessions import Visitor
from foyer.operations.staff import acting
from foyer.rules.organizations import Organization
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, reach
from foyer.rules.users import User
from foyer.storage import keys, organizations
from foyer.storage.keys import Key
from foyer.storage.table import Item, Page


def reached(visitor: Visitor, power: Power, organization_id: str | None, now: int) -> list[str]:
    """The ids of all organizations in which whoever asks has this power, or of the one named.
    Refuses NOT_FOUND where there are none, TOO_MANY_ORGANIZATIONS where one must be named."""
    if organization_id is None:
        actor, _ = acting(visitor, now)
        found = bases(actor, power)
        if not found:
            raise Refusal(Reason.NOT_FOUND)
        return [one.id for one in spread(found)]
    actor, rows = acting(visitor, now, more=[keys.organization(organization_id)])
    return [chosen(actor, power, organization_id, rows).id]


def chosen(
    actor: User, power: Power, organization_id: str | None, rows: Mapping[Key, Item]
) -> Organization:
    """The organization named, whose row was read, or the one he works for. Refuses NOT_FOUND where
    he has not this power in it."""
    if organization_id is None:
        own = bases(actor, power)
        found = own[0] if own else None
    else:
        found = organizations.from_item(rows.get(keys.organization(organization_id)))
    if found is None or reach(actor.roles, power, found.path) is None:
        raise Refusal(Reason.NOT_FOUND)
    return found


def through(
    ids: Sequence[str],
    page_of: Callable[[str, int, Item | None], Page],
    *,
    limit: int,
    after: Item | None,
) -> Page:
    """A page of the lists of these organizations, one after the other; `page_of` reads so many of
    one of them."""
    start = dict(after or {})
    begun = start.pop("organization", ids[0])
    if begun not in ids:  # out of reach since
        start, begun = {}, ids[0]
    found: list[Item] = []
    for number in range(ids.index(begun), len(ids)):
        page = page_of(ids[number], limit - len(found), start or None)
        found += page.items
        if page.last is not None:
            return Page(found, {**page.last, "organization": ids[number]})
        start = {}
        if len(found) >= limit and number + 1 < len(ids):
            return Page(found, {"organization": ids[number + 1]})
    return Page(found, None)
