"""What staff are asked to decide reaches them in one mail a quarter of an hour (mission 0.16)."""

from collections.abc import Iterable
from secrets import token_bytes

from foyer.credentials import Entropy
from foyer.operations.sessions import notice
from foyer.rules.roles import POWERS, Power, reach
from foyer.rules.users import State, User
from foyer.storage import catalogue, digests, keys, members, organizations, users
from foyer.storage.digests import Digest
from foyer.storage.table import ConditionFailed, read, write

AT_ONCE = 20  # things told of in one sweep; the next takes the others
STAFF = 25  # people of one organization and role who are told
PEOPLE = 50  # people told in one sweep


def tell(now: int, entropy: Entropy = token_bytes) -> int:
    """Mails each of the staff who may do something about it what waits for them: once, and in one
    mail whatever it is. Answers how many mails that makes. Of two sweeps at once one does."""
    due = digests.ready(now, AT_ONCE)
    rows = read(due, consistent=True) if due else {}
    ready = [digests.from_item(row) for row in rows.values()]
    if not ready:
        return 0
    waiting = {
        path: _waiting(path[-1])
        for path in sorted({digest.path for digest in ready if digest.kind == "approval"})
    }
    asked = [path for path, number in waiting.items() if number]
    about = [digest for digest in ready if digest.kind != "approval"]
    titles = _titles(about)
    told: dict[str, tuple[User, dict[str, str]]] = {}
    for user in _who(asked, Power.DECIDE):
        mine = [path for path in asked if reach(user.roles, Power.DECIDE, path) is not None]
        if mine:
            number = str(sum(waiting[path] for path in mine))
            facts = {"waiting": number, "organizations": ", ".join(_names(mine))}
            told[user.id] = (user, facts)
    for user in _photographers([digest.path for digest in about]):
        _, facts = told.setdefault(user.id, (user, {}))
        for kind in ("access", "selection"):
            names = sorted(
                titles[digest.about]
                for digest in about
                if digest.kind == kind
                and digest.about in titles
                and reach(user.roles, Power.HANG, digest.path) is not None
            )
            if names:
                facts[kind] = ", ".join(names)
    mails = [
        notice("digest", user, now, entropy, **facts) for user, facts in told.values() if facts
    ]
    if (asked or titles) and not mails:
        return 0  # nobody may decide yet: they are told when somebody may
    try:
        write(*(digests.settle(digest) for digest in ready), *mails)
    except ConditionFailed:
        return 0
    return len(mails)


def _waiting(org_id: str) -> int:
    return len(members.of(org_id, State.PENDING_APPROVAL, limit=100).items)


def _who(paths: Iterable[tuple[str, ...]], power: Power) -> list[User]:
    """Who has this power over one of these organizations, at most PEOPLE."""
    above = sorted({org_id for path in paths for org_id in path})
    ids = dict.fromkeys(
        id_
        for org_id in above
        for role, powers in POWERS.items()
        if power in powers
        for id_ in members.staff_of(org_id, role, limit=STAFF)
    )
    rows = read([keys.user(id_) for id_ in list(ids)[:PEOPLE]], consistent=True)
    found = [users.from_item(row) for row in rows.values()]
    return [user for user in found if user is not None and user.status is State.APPROVED]


def _photographers(paths: list[tuple[str, ...]]) -> list[User]:
    """Those of these studios; where there are none, who administers the site."""
    found = _who(paths, Power.HANG) if paths else []
    return [user for user in found if not user.is_site_administrator] or found


def _titles(about: list[Digest]) -> dict[str, str]:
    """Of the galleries that are still there."""
    wanted = sorted({keys.gallery(digest.about) for digest in about})
    rows = read(wanted, consistent=False) if wanted else {}
    return {row["id"]: catalogue.gallery(row).title for row in rows.values()}


def _names(paths: Iterable[tuple[str, ...]]) -> list[str]:
    rows = read([keys.organization(path[-1]) for path in paths], consistent=False)
    found = [organizations.from_item(row) for row in rows.values()]
    return sorted(one.name for one in found if one is not None)
