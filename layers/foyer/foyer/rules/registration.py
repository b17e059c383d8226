"""Which roles a newcomer gets: the registration attributes of `policy.toml`, first match wins
(H12, H13, mission 0.6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from foyer.rules.policy import Kind, ProfileType, Rule
from foyer.rules.roles import Role

OWN = "own"  # in a rule: held in the organization the newcomer belongs to


@dataclass(frozen=True)
class Newcomer:
    """What rules look at. `path` is of the ids of his organization and its ancestors."""

    kind: Kind
    profile_type: ProfileType
    path: tuple[str, ...]


@dataclass(frozen=True)
class Tried:
    """A rule that was looked at: `fails` names what in it did not fit, nothing where it matched."""

    rule: Rule
    fails: tuple[str, ...]


def tried(rules: Sequence[Rule], newcomer: Newcomer) -> list[Tried]:
    """The rules up to the one that matches: the dry run behind "why these roles?" (N17)."""
    looked_at = []
    for rule in rules:
        fails = tuple(
            name
            for name, fits in (
                ("kind", rule.kind in {None, newcomer.kind}),
                ("organization", rule.organization is None or rule.organization in newcomer.path),
                ("profile_type", rule.profile_type in {None, newcomer.profile_type}),
            )
            if not fits
        )
        looked_at.append(Tried(rule, fails))
        if not fails:
            break
    return looked_at


def roles(rules: Sequence[Rule], newcomer: Newcomer, now: int) -> tuple[Role, ...]:
    """The roles of the first rule that matches, none where none does."""
    looked_at = tried(rules, newcomer)
    if not looked_at or looked_at[-1].fails:
        return ()
    rule = looked_at[-1].rule
    return tuple(
        Role(
            given.role,
            newcomer.path[-1] if given.organization == OWN else given.organization,
            by=f"rule:{rule.name}",
            at=now,
        )
        for given in rule.roles
    )
