"""Passwords: what is accepted, and how they are kept (R1-R3). The libraries are imported where they
are used: no request that knows no password pays for them."""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 15, 256  # code points

# zxcvbn takes time with the length of what it judges; what is weak is so in its first part.
JUDGED = 72
GUESSES = 100_000_000  # zxcvbn's "safely unguessable"


@dataclass(frozen=True)
class Cost:
    """What one hash costs: memory in KiB, passes, lanes (argon2id)."""

    memory: int
    passes: int
    lanes: int

    @classmethod
    def parse(cls, text: str) -> "Cost":
        memory, passes, lanes = (int(part) for part in text.split(","))
        return cls(memory, passes, lanes)


def is_weak(password: str, own_words: Iterable[str]) -> bool:
    """Whether it is common, a pattern, or made of words anybody would try here: those of the
    address and of the site (R2)."""
    from zxcvbn import zxcvbn

    words = sorted({word for text in own_words for word in _words(text)}, key=len, reverse=True)
    folded = password.casefold()
    rest = "".join(_words(_without(folded, words), least=1))
    if words and rest != "".join(_words(folded, least=1)) and len(rest) < 8:
        return True
    squeezed = "".join(_words(folded, least=1))
    judged = {password[:JUDGED]}
    if len(squeezed) >= SHORTEST:
        judged.add(squeezed[:JUDGED])
    return any(zxcvbn(_legible(text), user_inputs=words)["guesses"] < GUESSES for text in judged)


# zxcvbn tries every way to read look-alike characters, which are many ways where there are many.
_LOOK_ALIKE = str.maketrans("4@8({[<3691!|70$5+%2", "aabcccceggiiltosstxz")
_MOST_LOOK_ALIKES = 4


def _legible(text: str) -> str:
    """Read in one way where it could be read in very many; digits alone are what they are."""
    marks = {c for c in text if ord(c) in _LOOK_ALIKE}
    many = len(marks) > _MOST_LOOK_ALIKES and not text.isdigit()
    return text.translate(_LOOK_ALIKE) if many else text


def _words(text: str, *, least: int = 3) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", text.casefold()) if len(word) >= least]


def _without(text: str, words: Iterable[str]) -> str:
    for word in words:
        text = text.replace(word, " ")
    return text


def hashed(password: str, cost: Cost) -> str:
    return str(_hasher(cost).hash(_as_bytes(password)))


@dataclass(frozen=True)
class Verdict:
    right: bool
    outdated: bool = False  # right, but kept at another cost than today's


def verify(password: str, stored: str | None, cost: Cost) -> Verdict:
    """One hash, whether or not there is a password to compare with (R14)."""
    from argon2.exceptions import VerifyMismatchError

    hasher = _hasher(cost)
    try:
        hasher.verify(stored or _nobodys(cost), _as_bytes(password))
    except VerifyMismatchError:
        return Verdict(False)
    if stored is None:
        return Verdict(False)
    return Verdict(True, outdated=hasher.check_needs_rehash(stored))


def _hasher(cost: Cost) -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(cost.passes, cost.memory, cost.lanes)


def _as_bytes(password: str) -> bytes:
    """Composed (NFC), so that two keyboards type the same password; otherwise as it is."""
    return normalize("NFC", password).encode()


def _nobodys(cost: Cost) -> str:
    """A hash no password has."""
    salt, digest = (b64encode(bytes(n)).decode().rstrip("=") for n in (16, 32))
    return f"$argon2id$v=19$m={cost.memory},t={cost.passes},p={cost.lanes}${salt}${digest}"
