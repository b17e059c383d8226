"""`policy.toml` as frozen values. Everything a shop may decide without touching code."""

import tomllib
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True)
class Terms:
    version: str
    url: str


@dataclass(frozen=True)
class Shop:
    currency: str
    shipping: int
    guest_orders: bool
    selection_label: str
    terms: Terms


@dataclass(frozen=True)
class Languages:
    offered: tuple[str, ...]
    default: str


@dataclass(frozen=True)
class Carts:
    lines: int
    quantity: int
    merged_lines: int
    taken_over_unasked_seconds: int


@dataclass(frozen=True)
class Guests:
    per_source_per_hour: int
    alarm_at: int
    idle_days: int


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


@dataclass(frozen=True)
class Links:
    activation_seconds: int
    reset_seconds: int
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


@dataclass(frozen=True)
class Outbox:
    lease_seconds: int
    redrive_after_seconds: int
    give_up_after_seconds: int
    kept_days: int


@dataclass(frozen=True)
class Policy:
    shop: Shop
    languages: Languages
    carts: Carts
    guests: Guests
    sessions: Sessions
    claims: Claims
    links: Links
    codes: Codes
    sign_in: SignIn
    mails: Mails
    outbox: Outbox


class BrokenPolicy(ValueError):
    """The policy says something we do not understand; the message names it."""


def parse(text: str) -> Policy:
    """The policy a TOML text states. Raises BrokenPolicy naming the key that is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenPolicy(f"policy.toml: {error}") from error
    policy = _build(Policy, data, "")
    if policy.languages.default not in policy.languages.offered:
        raise BrokenPolicy("policy.toml: languages.default is not among languages.offered")
    if not (1 <= policy.carts.lines <= 100 and 1 <= policy.carts.quantity <= 99):
        raise BrokenPolicy("policy.toml: carts.lines goes to 100, carts.quantity to 99, no further")
    return policy


def _build(kind: type[T], data: Any, path: str) -> T:
    if not isinstance(data, dict):
        raise BrokenPolicy(f"policy.toml: {path} must be a table")
    assert is_dataclass(kind)  # noqa: S101 - a mistake of ours, not of the shop's
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    for key in data:
        if key not in names:
            raise BrokenPolicy(f"policy.toml: unknown key {path}{key}")
    for name in names:
        if name not in data:
            raise BrokenPolicy(f"policy.toml: {path}{name} is missing")
    return kind(**{n: _value(hints[n], data[n], f"{path}{n}") for n in names})


def _value(kind: Any, value: Any, path: str) -> Any:
    if is_dataclass(kind):
        return _build(kind, value, f"{path}.")  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise BrokenPolicy(f"policy.toml: {path} must be a list")
        return tuple(_value(get_args(kind)[0], item, path) for item in value)
    # bool is an int in Python, not in a shop's policy
    if type(value) is not kind:
        raise BrokenPolicy(f"policy.toml: {path} must be of type {kind.__name__}")
    if kind is int and value < 0:
        raise BrokenPolicy(f"policy.toml: {path} must not be negative")
    return value


POLICY = parse(Path(__file__).with_name("policy.toml").read_text(encoding="utf-8"))
