"""Prices as people type them. Nothing is guessed, nothing rounded: money is whole minor units."""

import re

MOST = 99_999_999  # minor units, of one product

_TYPED = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{2}))?")


def minor_units(typed: str) -> int | None:
    """The amount of "45", "45.00" or "45,00"; None for anything else. "1,250" may mean two things,
    so it means none."""
    found = _TYPED.fullmatch(typed.strip())
    if found is None:
        return None
    whole, minor = found.groups(default="00")
    return int(whole + minor)


def as_typed(amount: int, mark: str = ".") -> str:
    """What `minor_units` reads as this amount."""
    whole, minor = divmod(amount, 100)
    return f"{whole}{mark}{minor:02}"
