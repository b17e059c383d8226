"""Organizations as rows; their ids `root` and `default` are fixed. A path never changes, so who is
below whom is told by a list in the order of paths."""

from collections.abc import Mapping

from foyer.rules.organizations import Approval, Organization
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import ABSENT, Item, Page, Put, Update, listing, read, setting


def from_item(item: Item | None) -> Organization | None:
    if item is None:
        return None
    path = tuple(item["path"])
    return Organization(path[-1], item["name"], path, Approval(item["approval"]))


def new_organization(organization: Organization) -> Put:
    return Put(
        {
            **keys.organization(organization.id)._asdict(),
            "name": organization.name,
            "path": list(organization.path),
            "approval": organization.approval.value,
            "list": keys.ORGANIZATIONS,
            "list_at": _position(organization.path),
        },
        condition=ABSENT,
    )


def _position(path: tuple[str, ...]) -> str:
    return "".join(f"{id_}/" for id_ in path)


def change(org_id: str, name: str | None, approval: Approval | None) -> Update:
    """What is given of its name and setting; there must be one."""
    return setting(
        keys.organization(org_id),
        {"name": name, "approval": None if approval is None else approval.value},
        condition="attribute_exists(pk)",
    )


def audit(organization: Organization, record_id: str, event: str, actor: str, now: int) -> Put:
    """What was done to it and by whom, and how it stands since."""
    facts = {"event": event, "actor": actor, "at": now}
    facts |= {"name": organization.name, "approval": organization.approval.value}
    key = keys.organization_audit(organization.id, now, record_id)
    return Put({**key._asdict(), **facts}, condition=ABSENT)


def find(org_id: str) -> Organization | None:
    key = keys.organization(org_id)
    return from_item(read([key], consistent=True).get(key))


def line_of(item: Item | None, rows: Mapping[Key, Item]) -> list[Organization]:
    """An organization and its ancestors, the nearest first; read only where its own setting does
    not say. `rows` were read before."""
    organization = from_item(item)
    if organization is None:
        return []
    if organization.approval is not Approval.INHERIT:
        return [organization]
    above = [keys.organization(id_) for id_ in reversed(organization.path[:-1])]
    known = {key: rows[key] for key in above if key in rows}
    missing = [key for key in above if key not in known]
    found = {**known, **(read(missing, consistent=False) if missing else {})}
    ancestors = [from_item(found.get(key)) for key in above]
    return [organization, *(one for one in ancestors if one is not None)]


def below(organization: Organization, *, limit: int, after: Item | None = None) -> Page:
    """The organization and all below it, parents before children."""
    prefix = _position(organization.path)
    return listing(keys.ORGANIZATIONS, limit=limit, prefix=prefix, after=after)
