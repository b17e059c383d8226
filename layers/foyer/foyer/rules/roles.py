"""Roles: held in an organization, they reach over everything below it. What each may do, and to
whom; nobody reaches his equals or those above him (mission 0.10, R37)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ROOT, DEFAULT = "root", "default"

SITE_ADMINISTRATOR = "site_administrator"


class Power(StrEnum):
    """What staff may do with people, organizations, galleries and what is sold."""

    SEE = "see"
    OPEN_ACCOUNTS = "open_accounts"
    EDIT = "edit"
    MAIL_LINKS = "mail_links"
    DECIDE = "decide"  # approve, reject
    SWITCH = "switch"  # disable, enable
    GRANT = "grant"
    HANG = "hang"  # galleries, their pictures, who is invited
    SELL = "sell"  # products and orders of one's studio
    SEE_ORGANIZATIONS = "see_organizations"
    ORGANIZE = "organize"
    HOUSEKEEP = "housekeep"  # what the clean-up takes


_SERVICE = frozenset(
    {Power.SEE, Power.OPEN_ACCOUNTS, Power.EDIT, Power.MAIL_LINKS, Power.SEE_ORGANIZATIONS}
)
_SUPERVISION = _SERVICE | {Power.DECIDE, Power.SWITCH}

POWERS: Mapping[str, frozenset[Power]] = {
    SITE_ADMINISTRATOR: frozenset(Power),
    "buyer_administrator": _SUPERVISION | {Power.GRANT},
    "customer_service_supervisor": _SUPERVISION,
    "customer_service_representative": _SERVICE,
    "photographer": frozenset({Power.SEE_ORGANIZATIONS, Power.HANG, Power.SELL}),
}
ADMINISTRATIVE = frozenset(POWERS)

_RANKS = {SITE_ADMINISTRATOR: 3, "buyer_administrator": 2}


@dataclass(frozen=True)
class Role:
    """A role is held in an organization (H12). `by` is who gave it, a user's id or "rule:" and the
    rule's name, and `at` when (epoch seconds): they make no other role of it."""

    role: str
    organization_id: str
    by: str = field(default="", compare=False)
    at: int = field(default=0, compare=False)


def rank(role: str) -> int:
    """Clients 0, those who serve them 1, who administers an organization 2, the site 3."""
    return _RANKS.get(role, 1 if role in ADMINISTRATIVE else 0)


def highest(roles: Iterable[Role]) -> int:
    return max((rank(role.role) for role in roles), default=0)


def reach(roles: Iterable[Role], power: Power, path: Iterable[str]) -> int | None:
    """The highest rank by which this power is had over the organization whose path (from the root
    down to itself) this is; None where it is not."""
    over = set(path)
    ranks = [
        rank(role.role)
        for role in roles
        if power in POWERS.get(role.role, ()) and role.organization_id in over
    ]
    return max(ranks, default=None)


def has(roles: Iterable[Role], power: Power) -> bool:
    """Whether this power is had anywhere: what somebody may do nowhere he need not be shown."""
    return any(power in POWERS.get(role.role, ()) for role in roles)


def may_act_on(
    actor: Iterable[Role], power: Power, target: Iterable[Role], path: Iterable[str]
) -> bool:
    """Whether staff with these roles may do this to a person of this organization: only to who
    ranks below. Above site administrators is nobody, so they may to each other."""
    own = reach(actor, power, path)
    return own is not None and (own > highest(target) or own == _RANKS[SITE_ADMINISTRATOR])


def may_give(actor: Iterable[Role], role: Role, path: Iterable[str]) -> bool:
    """Whether staff with these roles may give or take this one, held in the organization of this
    path: nobody above his own rank or equal to it, the site administrator apart."""
    own = reach(actor, Power.GRANT, path)
    return own is not None and (own > rank(role.role) or own == _RANKS[SITE_ADMINISTRATOR])
