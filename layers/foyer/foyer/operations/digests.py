"""What staff are asked to decide reaches them in one mail a quarter of an hour (mission 0.16)."""

from collections.abc import Iterable
from secrets import token_bytes

from foyer.credentials import Entropy
from foyer.operations.sessions import notice
from foyer.rules.roles import POWERS, Power, reach
from foyer.rules.users import State, User
from foyer.storage import digests, keys, members, organizations, users
from foyer.storage.table import ConditionFailed, read, write

AT_ONCE = 20  # organizations told of in one sweep; the next takes the others
STAFF = 25  # people of one organization and role who are told
DECIDING = [role for role, powers in POWERS.items() if Power.DECIDE in powers]
PEOPLE = 50  # people told in one sweep


def tell(now: int, entropy: Entropy = token_bytes) -> int:
    """Mails who may decide how many wait now, once, and in one mail whatever the organizations.
    Answers how many mails that makes. Of two sweeps at once one does."""
    due = digests.ready(now, AT_ONCE)
    rows = read(due, consistent=True) if due else {}
    ready = [digests.from_item(row) for row in rows.values()]
    if not ready:
        return 0
    waiting = {path: _waiting(path[-1]) for path in sorted({digest.path for digest in ready})}
    asked = [path for path, number in waiting.items() if number]
    mails = [
        notice(
            "approval_asked",
            user,
            now,
            entropy,
            waiting=str(sum(waiting[path] for path in mine)),
            organizations=", ".join(_names(mine)),
        )
        for user in _deciders(asked)
        if (mine := [path for path in asked if _decides(user, path)])
    ]
    if asked and not mails:
        return 0  # nobody may decide yet: they are told when somebody may
    try:
        write(*(digests.settle(digest) for digest in ready), *mails)
    except ConditionFailed:
        return 0
    return len(mails)


def _waiting(org_id: str) -> int:
    return len(members.of(org_id, State.PENDING_APPROVAL, limit=100).items)


def _decides(user: User, path: tuple[str, ...]) -> bool:
    return reach(user.roles, Power.DECIDE, path) is not None


def _deciders(paths: Iterable[tuple[str, ...]]) -> list[User]:
    """Who may decide for one of these organizations, at most PEOPLE."""
    above = sorted({org_id for path in paths for org_id in path})
    ids = dict.fromkeys(
        id_
        for org_id in above
        for role in DECIDING
        for id_ in members.staff_of(org_id, role, limit=STAFF)
    )
    rows = read([keys.user(id_) for id_ in list(ids)[:PEOPLE]], consistent=True)
    found = [users.from_item(row) for row in rows.values()]
    return [user for user in found if user is not None and user.status is State.APPROVED]


def _names(paths: Iterable[tuple[str, ...]]) -> list[str]:
    rows = read([keys.organization(path[-1]) for path in paths], consistent=False)
    found = [organizations.from_item(row) for row in rows.values()]
    return sorted(one.name for one in found if one is not None)
