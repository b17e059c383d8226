"""`policy.toml` as frozen values. Everything a shop may decide without touching code.

Read strictly: what it says wrongly stops build and start, with the line and what to do about it.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from foyer.rules.roles import ADMINISTRATIVE, ROOT


@dataclass(frozen=True)
class Terms:
    version: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Newsletter:
    version: str
    sha256: str


@dataclass(frozen=True)
class Shop:
    currency: str
    shipping: int
    selection_label: str
    terms: Terms
    newsletter: Newsletter


RegistrationType = Literal["G", "R", "A", "S"]
ProfileType = Literal["C", "B"]  # consumer, business (H21, H22)
Kind = Literal["sign_up", "on_behalf", "invitation", "order"]  # how somebody came to an account


MergeMode = Literal["max", "sum", "keep"]  # of a thing in both of two carts (0.7)


@dataclass(frozen=True)
class Actions:
    """The registration types (H8, H11, H14, H15) that may do it (H7)."""

    sign_up: tuple[RegistrationType, ...]
    fill_cart: tuple[RegistrationType, ...]
    order: tuple[RegistrationType, ...]


@dataclass(frozen=True)
class Roles:
    """Those this shop gives its clients: they administer nothing."""

    of_clients: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """A role and the organization it is held in: an id, or "own"."""

    role: str
    organization: str


@dataclass(frozen=True)
class Rule:
    """Who fits all it names gets its roles. `organization` is his own or one above it."""

    name: str
    roles: tuple[Given, ...]
    kind: Kind | None = None
    organization: str | None = None
    profile_type: ProfileType | None = None


@dataclass(frozen=True)
class Approvals:
    again: int
    again_days: int


@dataclass(frozen=True)
class Carts:
    lines: int
    quantity: int
    mode: MergeMode
    merged_lines: int
    taken_over_unasked_seconds: int


@dataclass(frozen=True)
class Guests:
    per_source_per_hour: int
    alarm_at: int
    idle_days: int
    look_again_days: int


@dataclass(frozen=True)
class Sessions:
    idle_seconds: int
    remembered_days: int
    staff_idle_seconds: int
    staff_most_seconds: int
    most: int
    proof_seconds: int
    device_days: int


@dataclass(frozen=True)
class Claims:
    most: int
    days: int
    on_behalf_days: int


@dataclass(frozen=True)
class Links:
    activation_seconds: int
    reset_seconds: int
    address_seconds: int
    order_seconds: int
    repeat_seconds: int


@dataclass(frozen=True)
class Codes:
    seconds: int
    tries: int
    wrong_before_links: int
    repeat_seconds: int


@dataclass(frozen=True)
class SignIn:
    per_source_per_minute: int
    failures_per_source_per_minute: int
    free_failures: int
    longest_wait_seconds: int
    password_ends_after: int
    failures_per_device: int
    device_window_seconds: int


@dataclass(frozen=True)
class Mails:
    per_source_and_address_per_hour: int
    per_address_per_day: int
    per_device_per_hour: int
    per_source_per_hour: int
    per_staff_per_hour: int
    per_person_by_staff_per_hour: int
    digest_seconds: int
    bounced_days: int


@dataclass(frozen=True)
class Galleries:
    pass_days: int
    passes: int
    tries_per_source: int
    tries_window_seconds: int
    tries_per_gallery_per_hour: int
    tries_when_many: int
    requests_per_source_per_hour: int


@dataclass(frozen=True)
class Invitations:
    days: int
    addresses: int
    per_staff_per_day: int
    resends_per_address_per_day: int
    transfers: int


@dataclass(frozen=True)
class Selections:
    most: int
    pictures: int
    submitted_galleries: int
    submissions_per_source_per_hour: int
    merged: int


@dataclass(frozen=True)
class Orders:
    per_unproved_address_per_day: int
    per_source_per_hour: int
    studios: int
    addresses: int
    postal_code_tries_per_day: int


@dataclass(frozen=True)
class Outbox:
    lease_seconds: int
    redrive_after_seconds: int
    give_up_after_seconds: int
    kept_days: int


@dataclass(frozen=True)
class Policy:
    shop: Shop
    actions: Actions
    roles: Roles
    registration: tuple[Rule, ...]
    approvals: Approvals
    carts: Carts
    guests: Guests
    sessions: Sessions
    claims: Claims
    links: Links
    codes: Codes
    sign_in: SignIn
    mails: Mails
    galleries: Galleries
    invitations: Invitations
    selections: Selections
    orders: Orders
    outbox: Outbox


class BrokenPolicy(ValueError):
    """The policy says something we do not understand; the message names file, line and cure."""


FILE = Path(__file__).with_name("policy.toml")


class _Wrong(Exception):
    """What is wrong, at which key ("registration[1].roles"), and what to do about it."""

    def __init__(self, path: str, what: str, cure: str) -> None:
        super().__init__(f"{what}. {cure}")
        self.path = path


def parse(text: str) -> Policy:
    """The policy a TOML text states. Raises BrokenPolicy."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        where = f", line {line[1]}" if line else ""
        raise BrokenPolicy(f"{FILE.name}{where}: this is no TOML: {error}") from error
    try:
        policy: Policy = _build(Policy, data, "")
        _check(policy)
    except _Wrong as wrong:
        line_number = _line(text, wrong.path)
        raise BrokenPolicy(f"{FILE.name}, line {line_number}: {wrong}") from wrong
    return policy


def _check(policy: Policy) -> None:
    """What no type can say."""
    carts = policy.carts
    for name, value, most in (("lines", carts.lines, 100), ("quantity", carts.quantity, 99)):
        if not 1 <= value <= most:
            raise _Wrong(f"carts.{name}", f"carts.{name} is {value}", f"It goes from 1 to {most}")
    shop = policy.shop
    for name, sha256 in (("terms", shop.terms.sha256), ("newsletter", shop.newsletter.sha256)):
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise _Wrong(
                f"shop.{name}.sha256",
                f"shop.{name}.sha256 is no SHA-256",
                "`make test` says which it is",
            )
    for role in policy.roles.of_clients:
        if role in ADMINISTRATIVE:
            raise _Wrong(
                "roles.of_clients",
                f'"{role}" is an administrative role',
                "Take it out: only staff give those, to a person they know",
            )
    _check_rules(policy.registration, policy.roles.of_clients)


def _check_rules(rules: Sequence[Rule], known: Sequence[str]) -> None:
    for number, rule in enumerate(rules):
        path = f"registration[{number}]"
        for given in rule.roles:
            if given.role in ADMINISTRATIVE:
                raise _Wrong(
                    f"{path}.roles",
                    f'rule "{rule.name}" gives the administrative role "{given.role}"',
                    "No registration may: take it out and let an administrator grant it",
                )
            if given.role not in known:
                raise _Wrong(
                    f"{path}.roles",
                    f'rule "{rule.name}" gives the unknown role "{given.role}"',
                    f"Name one of {', '.join(known)}, or add it to roles.of_clients",
                )
        for earlier in rules[:number]:
            if earlier.name == rule.name:
                raise _Wrong(
                    f"{path}.name",
                    f'two rules are called "{rule.name}"',
                    "Give each a name of its own: explanations name them",
                )
        taken_by = _taken_by(rules[:number], rule)
        if taken_by:
            raise _Wrong(
                path,
                f'rule "{rule.name}" can never match: all it would is taken by {taken_by}',
                "Put it before, or remove it",
            )


def _taken_by(earlier: Sequence[Rule], rule: Rule) -> str:
    """The earlier rules that between them fit whoever fits this one; empty where somebody is left.
    Everything is below the root."""
    over = [one for one in earlier if one.organization in {None, ROOT, rule.organization}]
    for kind in get_args(Kind) if rule.kind is None else (rule.kind,):
        for profile_type in (
            get_args(ProfileType) if rule.profile_type is None else (rule.profile_type,)
        ):
            if not any(
                one.kind in {None, kind} and one.profile_type in {None, profile_type}
                for one in over
            ):
                return ""
    return " and ".join(f'"{one.name}"' for one in over)


def _line(text: str, path: str) -> int:
    """The line a key stands on, or its table begins; the first for what is nowhere."""
    at, table, counted = dict[str, int](), "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]", line):
            table = header[2]
            if header[1] == "[[":
                counted[table] = counted.get(table, -1) + 1
                table = f"{table}[{counted[table]}]"
            at.setdefault(table, number)
        elif key := re.match(r"\s*([\w-]+)\s*=", line):
            at.setdefault(f"{table}.{key[1]}".lstrip("."), number)
    while path and path not in at:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return at.get(path, 1)


def _build(kind: Any, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise _Wrong(path, f"{path} must be a table", "Give it one, as the file that ships does")
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}
    within = f"{path}." if path else ""
    for key in data:
        if key not in known:
            raise _Wrong(
                f"{within}{key}",
                f"unknown key {within}{key}",
                f"Known here: {', '.join(sorted(known))}",
            )
    for name, field in known.items():
        if name not in data and field.default is MISSING:
            raise _Wrong(path, f"{within}{name} is missing", "Say what it is")
    return kind(**{n: _value(hints[n], data[n], f"{within}{n}") for n in known if n in data})


_WORDS = {int: "a whole number", bool: "true or false", str: "a text"}


def _value(kind: Any, value: Any, path: str) -> Any:
    if is_dataclass(kind):
        return _build(kind, value, path)
    if get_origin(kind) in {Union, UnionType}:
        (kind,) = [one for one in get_args(kind) if one is not NoneType]
        return _value(kind, value, path)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise _Wrong(path, f"{path} must be a list", "Put it in brackets")
        inner = get_args(kind)[0]
        return tuple(_value(inner, item, f"{path}[{i}]") for i, item in enumerate(value))
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            allowed = ", ".join(get_args(kind))
            raise _Wrong(path, f"{path} is {value!r}", f"Name one of {allowed}")
        return value
    # bool is an int in Python, not in a shop's policy
    if type(value) is not kind:
        raise _Wrong(path, f"{path} is {value!r}", f"It must be {_WORDS[kind]}")
    if kind is int and value < 0:
        raise _Wrong(path, f"{path} is {value}", "It must not be negative")
    return value


POLICY = parse(FILE.read_text(encoding="utf-8"))
