"""Organizations as rows. The ids `root` and `default` are fixed."""

from foyer.storage import keys
from foyer.storage.table import ABSENT, Item, Put, read

ROOT, DEFAULT = "root", "default"


def new_organization(org_id: str, name: str, parent: str | None, approval: str) -> Put:
    """`approval`: required | not_required | inherit (mission 0.5)."""
    key = keys.organization(org_id)
    return Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "id": org_id,
            "name": name,
            "parent": parent,
            "approval": approval,
        },
        condition=ABSENT,
    )


def needs_approval(item: Item | None) -> bool:
    """Whether who registers under this organization waits for its staff: its own setting, or that
    of the nearest ancestor that has one (H16). One nobody decided for asks nobody."""
    while item is not None and item["approval"] == "inherit" and item.get("parent"):
        key = keys.organization(item["parent"])
        item = read([key], consistent=False).get(key)
    return item is not None and bool(item["approval"] == "required")
