"""The tree of organizations: opening the site, adding one, changing what it asks."""

from contextlib import suppress
from dataclasses import replace
from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.operations.sessions import Visitor, attempt_of
from foyer.operations.staff import acting
from foyer.rules.organizations import DEEPEST, Approval, Organization, new
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import DEFAULT, ROOT, Power, reach
from foyer.rules.users import User
from foyer.storage import keys, organizations, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.outbox import Mail, new_mail
from foyer.storage.table import ConditionFailed, Item, read, write

REACHED = 20  # organizations a list of people may fan out over (house.md, section 3)


def open_site(
    name: str, administrator: str, language: str, now: int, entropy: Entropy = token_bytes
) -> bool:
    """Makes the two organizations every site has and welcomes its administrator by mail, all in
    one transaction. False where the site was open already: then nothing changes, nobody is mailed.
    """
    root, default = _first_two(name)
    welcome = Mail(new_id(entropy), "welcome", administrator, language, {}, now)
    try:
        write(
            organizations.new_organization(root),
            organizations.new_organization(default),
            new_mail(welcome),
        )
    except ConditionFailed:
        return False
    return True


def ensure_open(name: str) -> None:
    """The same without a mail; a site that is open stays as it is."""
    with suppress(ConditionFailed):
        write(*(organizations.new_organization(one) for one in _first_two(name)))


def _first_two(name: str) -> tuple[Organization, Organization]:
    root = new(ROOT, name, None, Approval.REQUIRED)
    return root, new(DEFAULT, name, root, Approval.NOT_REQUIRED)


def see(visitor: Visitor, org_id: str, now: int) -> Organization:
    """One that lies within the reach of who asks; any other is NOT_FOUND."""
    actor, rows = acting(visitor, now, more=[keys.organization(org_id)])
    organization = organizations.from_item(rows.get(keys.organization(org_id)))
    return _reached(actor, organization, Power.SEE_ORGANIZATIONS)


def _reached(actor: User, organization: Organization | None, power: Power) -> Organization:
    if organization is None or reach(actor.roles, power, organization.path) is None:
        raise Refusal(Reason.NOT_FOUND)
    return organization


def bases(actor: User, power: Power) -> list[Organization]:
    """The organizations under which he has this power, none below another."""
    held = {
        role.organization_id
        for role in actor.roles
        if reach([role], power, [role.organization_id]) is not None
    }
    rows = read([keys.organization(id_) for id_ in sorted(held)], consistent=False)
    found = [organizations.from_item(row) for row in rows.values()]
    highest = [one for one in found if one is not None and not held & set(one.path[:-1])]
    return sorted(highest, key=lambda one: one.path)


def tree(
    visitor: Visitor, now: int, *, limit: int, after: Item | None = None
) -> tuple[list[Organization], Item | None]:
    """A page of all he reaches, parents before children."""
    actor, _ = acting(visitor, now)
    items, start = list[Organization](), dict(after or {})
    tops, base = bases(actor, Power.SEE_ORGANIZATIONS), start.pop("base", None)
    while tops and base is not None and tops[0].id != base:
        tops = tops[1:]
    for number, top in enumerate(tops, 1):
        page = organizations.below(top, limit=limit - len(items), after=start or None)
        items += [one for item in page.items if (one := organizations.from_item(item)) is not None]
        if page.last is not None:
            return items, {**page.last, "base": top.id}
        start = {}
        if len(items) == limit and number < len(tops):
            return items, {"base": tops[number].id}
    return items, None


def create(
    visitor: Visitor,
    name: str,
    parent_id: str,
    approval: Approval,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Organization:
    """One more, below the parent. Site administrators alone; no deeper than DEEPEST."""
    attempt = attempt_of(visitor, once, "organizations")
    more = [keys.organization(parent_id), *([attempt.row_key] if attempt else [])]
    actor, rows = acting(visitor, now, more=more, changing=True)
    parent = organizations.from_item(rows.get(keys.organization(parent_id)))
    parent = _reached(actor, parent, Power.ORGANIZE)
    if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
        made = organizations.find(rows[attempt.row_key].get("made", ""))
        if made is not None:
            return made
    if len(parent.path) >= DEEPEST:
        raise Refusal(Reason.TOO_DEEP, pointer="#/parent_id")
    organization = new(new_id(entropy), name, parent, approval)
    records = [attempt.record(now, made=organization.id)] if attempt else []
    try:
        write(
            users.acts(actor),
            organizations.new_organization(organization),
            organizations.audit(organization, new_id(entropy), "created", actor.id, now),
            *records,
        )
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed
    return organization


def change(
    visitor: Visitor,
    org_id: str,
    now: int,
    *,
    name: str | None = None,
    approval: Approval | None = None,
    entropy: Entropy = token_bytes,
) -> Organization:
    """Its name, or whether its people wait for approval. The root inherits from nobody."""
    actor, rows = acting(visitor, now, more=[keys.organization(org_id)], changing=True)
    organization = organizations.from_item(rows.get(keys.organization(org_id)))
    organization = _reached(actor, organization, Power.ORGANIZE)
    if org_id == ROOT and approval is Approval.INHERIT:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/approval")
    changed = replace(
        organization,
        name=name or organization.name,
        approval=approval or organization.approval,
    )
    if changed == organization:
        return organization
    try:
        write(
            users.acts(actor),
            organizations.change(org_id, name, approval),
            organizations.audit(changed, new_id(entropy), "changed", actor.id, now),
        )
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed
    return changed
