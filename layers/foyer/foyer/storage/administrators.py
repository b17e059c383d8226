"""Who may administer the site, as one set: so that the last one cannot go (mission 0.10)."""

from foyer.rules.users import User
from foyer.storage import keys
from foyer.storage.table import Change, Update


def kept(before: User | None, after: User) -> list[Change]:
    """What changes in the set when this user does. Fails where the last one would go."""
    was = before is not None and before.is_site_administrator
    if was == after.is_site_administrator:
        return []
    values = {":id": {after.id}}
    if not was:
        return [Update(keys.administrators(), "ADD ids :id", values=values)]
    return [
        Update(
            keys.administrators(),
            "DELETE ids :id",
            condition="size(ids) > :one",
            values={**values, ":one": 1},
        )
    ]
