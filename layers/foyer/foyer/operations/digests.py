"""What staff are asked to decide reaches them in one mail a quarter of an hour (mission 0.16)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    mail whatever it is. What nobody may do anything about yet waits until somebody may. Answers how
    many mails that makes. Of two sweeps at once one does."""
    due = digests.ready(now, AT_ONCE)
    rows = read(due, consistent=True) if due else {}
    ready = [digests.from_item(row) for row in rows.values()]
    titles = _titles([digest for digest in ready if digest.kind != "approval"])
    told: dict[str, _Told] = {}
    settled: list[Digest] = []
    for digest in sorted(ready, key=lambda one: (one.path, one.kind, one.about)):
        if _is_moot(digest, titles):
            settled.append(digest)
            continue
        whom = _for(digest)
        if not whom or len(told.keys() | {user.id for user in whom}) > PEOPLE:
            continue  # the next sweep takes it
        settled.append(digest)
        for user in whom:
            told.setdefault(user.id, _Told(user)).digests.append(digest)
    mails = [
        notice("digest", one.user, now, entropy, **_facts(one.digests, titles))
        for one in told.values()
    ]
    if not settled:
        return 0
    try:
        write(*(digests.settle(digest) for digest in settled), *mails)
    except ConditionFailed:
        return 0
    return len(mails)


@dataclass(frozen=True)
class _Told:
    user: User
    digests: list[Digest] = field(default_factory=list)


def _is_moot(digest: Digest, titles: Mapping[str, str]) -> bool:
    """Nobody waits any more, or the gallery is gone."""
    if digest.kind == "approval":
        return not _waiting(digest.path[-1])
    return digest.about not in titles


def _for(digest: Digest) -> list[User]:
    """Who is told of it: who may decide; of galleries their photographers and, where there are
    none, who administers the site."""
    if digest.kind == "approval":
        return _who(digest.path, Power.DECIDE)
    found = _who(digest.path, Power.HANG)
    return [user for user in found if not user.is_site_administrator] or found


def _facts(about: list[Digest], titles: Mapping[str, str]) -> dict[str, str]:
    facts = {}
    paths = sorted({digest.path for digest in about if digest.kind == "approval"})
    if paths:
        number = sum(_waiting(path[-1]) for path in paths)
        facts = {"waiting": str(number), "organizations": ", ".join(_names(paths))}
    for kind in ("access", "selection"):
        names = sorted({titles[digest.about] for digest in about if digest.kind == kind})
        if names:
            facts[kind] = ", ".join(names)
    return facts


def _waiting(org_id: str) -> int:
    return len(members.of(org_id, State.PENDING_APPROVAL, limit=100).items)


def _who(path: Sequence[str], power: Power) -> list[User]:
    """Who has this power over an organization, at most PEOPLE."""
    ids = dict.fromkeys(
        id_
        for org_id in reversed(path)
        for role, powers in POWERS.items()
        if power in powers
        for id_ in members.staff_of(org_id, role, limit=STAFF)
    )
    rows = read([keys.user(id_) for id_ in list(ids)[:PEOPLE]], consistent=True)
    found = [users.from_item(row) for row in rows.values()]
    return [
        user
        for user in found
        if user is not None
        and user.status is State.APPROVED
        and reach(user.roles, power, path) is not None
    ]


def _titles(about: list[Digest]) -> dict[str, str]:
    """Of the galleries that are still there."""
    wanted = sorted({keys.gallery(digest.about) for digest in about})
    rows = read(wanted, consistent=False) if wanted else {}
    return {row["id"]: catalogue.gallery(row).title for row in rows.values()}


def _names(paths: Iterable[tuple[str, ...]]) -> list[str]:
    rows = read([keys.organization(path[-1]) for path in paths], consistent=False)
    found = [organizations.from_item(row) for row in rows.values()]
    return sorted(one.name for one in found if one is not None)
