"""Secrets and what is made of them: pure, no I/O. Randomness comes in as an argument."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Self

Entropy = Callable[[int], bytes]

_ID_LENGTH = 22  # 128 bits in base64url
_SECRET_LENGTH = 43  # 256 bits


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def new_id(entropy: Entropy = token_bytes) -> str:
    """128 random bits, for everything that has an id."""
    return _text(entropy(16))


def new_write_id(entropy: Entropy = token_bytes) -> str:
    """48 random bits: enough to tell apart the writes one cart saw within a minute."""
    return _text(entropy(6))


@dataclass(frozen=True)
class Bearer:
    """What the cookie of a guest holds: whose it is, and the secret that proves it. The table
    keeps only the secret's SHA-256."""

    user_id: str
    secret: str

    @property
    def secret_hash(self) -> str:
        return sha256(self.secret.encode()).hexdigest()

    @classmethod
    def new(cls, entropy: Entropy = token_bytes) -> Self:
        return cls(new_id(entropy), _text(entropy(32)))

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """The bearer a cookie's value names, or None for whatever we never issued."""
        kind, _, rest = (text or "").partition(".")
        user_id, _, secret = rest.partition(".")
        if kind != "g" or len(user_id) != _ID_LENGTH or len(secret) != _SECRET_LENGTH:
            return None
        if not all(c.isascii() and (c.isalnum() or c in "-_") for c in user_id + secret):
            return None
        return cls(user_id, secret)

    def __str__(self) -> str:
        return f"g.{self.user_id}.{self.secret}"

    def __repr__(self) -> str:
        return f"Bearer({self.user_id!r})"  # never the secret: this ends up in tracebacks


def derived(key: bytes, use: str) -> bytes:
    """One key a use, so that what one signs never passes for another's."""
    return hmac.digest(key, b"foyer/" + use.encode(), "sha256")


def fingerprint(key: bytes, use: str, *parts: str) -> str:
    """A keyed hash by which equal things are known as equal and nothing can be read back."""
    message = "\n".join(f"{len(part)}:{part}" for part in parts)
    return _text(hmac.digest(derived(key, use), message.encode(), "sha256")[:16])
