"""Organizations as rows. The ids `root` and `default` are fixed."""

from foyer.storage import keys
from foyer.storage.table import ABSENT, Put

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
