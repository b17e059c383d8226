"""Secrets and what is made of them: pure, no I/O. Randomness comes in as an argument."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Self

Entropy = Callable[[int], bytes]

_ID_LENGTH = 22  # 128 bits in base64url
_SESSION_ID_LENGTH = 8  # 48 bits: tells apart the ten sessions of one user
_SECRET_LENGTH = 43  # 256 bits
_LENGTHS = {
    "g": [_ID_LENGTH, _SECRET_LENGTH],
    "s": [_ID_LENGTH, _SESSION_ID_LENGTH, _SECRET_LENGTH],
}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def new_id(entropy: Entropy = token_bytes) -> str:
    """128 random bits, for everything that has an id."""
    return _text(entropy(16))


def new_write_id(entropy: Entropy = token_bytes) -> str:
    """48 random bits: enough to tell apart the writes one cart saw within a minute."""
    return _text(entropy(6))


def new_order_id(now: int, entropy: Entropy = token_bytes) -> str:
    """128 random bits behind the time, so that orders sort by when they were placed."""
    return f"{now:08x}{new_id(entropy)}"


_READABLE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter looks like a digit


def new_order_number(now: int, entropy: Entropy = token_bytes) -> str:
    """For people to read out: the day (UTC) and 40 random bits. It opens nothing."""
    number = int.from_bytes(entropy(5), "big")
    text = "".join(_READABLE[number >> shift & 31] for shift in range(35, -1, -5))
    return f"{datetime.fromtimestamp(now, UTC):%y%m%d}-{text[:4]}-{text[4:]}"


def hashed(secret: str) -> str:
    """What the table keeps of a secret of 256 bits."""
    return sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Bearer:
    """What the session cookie holds: whose it is, and the secret that proves it. A guest's names
    no session; a signed-in user's does."""

    user_id: str
    secret: str
    session_id: str | None = None

    @property
    def secret_hash(self) -> str:
        return hashed(self.secret)

    @classmethod
    def new_guest(cls, entropy: Entropy = token_bytes) -> Self:
        return cls(new_id(entropy), _text(entropy(32)))

    @classmethod
    def new_session(cls, user_id: str, entropy: Entropy = token_bytes) -> Self:
        return cls(user_id, _text(entropy(32)), _text(entropy(6)))

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """The bearer a cookie's value names, or None for whatever we never issued."""
        kind, *parts = (text or "").split(".")
        if [len(part) for part in parts] != _LENGTHS.get(kind):
            return None
        if not all(_is_ours(part) for part in parts):
            return None
        return cls(parts[0], parts[-1], parts[1] if kind == "s" else None)

    def __str__(self) -> str:
        if self.session_id is None:
            return f"g.{self.user_id}.{self.secret}"
        return f"s.{self.user_id}.{self.session_id}.{self.secret}"

    def __repr__(self) -> str:
        return f"Bearer({self.user_id!r})"  # never the secret: this ends up in tracebacks


def _is_ours(text: str) -> bool:
    return all(c.isascii() and (c.isalnum() or c in "-_") for c in text)


def derived(key: bytes, use: str) -> bytes:
    """One key a use, so that what one signs never passes for another's."""
    return hmac.digest(key, b"foyer/" + use.encode(), "sha256")


def _mac(key: bytes, use: str, *parts: str) -> bytes:
    message = "\n".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(derived(key, use), message.encode(), "sha256")


def fingerprint(key: bytes, use: str, *parts: str) -> str:
    """A keyed hash by which equal things are known as equal and nothing can be read back."""
    return _text(_mac(key, use, *parts)[:16])


@dataclass(frozen=True)
class KeyRing:
    """The keys of links and codes. New ones are made with the current key; what an older key made
    is good until it ends (house.md, section 3)."""

    current: str
    keys: Mapping[str, bytes]

    @property
    def key(self) -> bytes:
        return self.keys[self.current]


@dataclass(frozen=True)
class Token:
    """What a mailed link carries: which row it is about (`owner` and `subject`, ids), the id of
    the link, and what proves that we mailed it. Nothing derived from it is ever stored.

    `purpose`: "act" activates a claim, "rst" sets a new password, "eml" changes the address, "inv"
    invites to a gallery, "sel" shows a selection, "uns" ends the newsletter.
    """

    purpose: str
    owner: str
    subject: str
    link_id: str
    proof: str

    @classmethod
    def made(cls, key: bytes, purpose: str, owner: str, subject: str, link_id: str) -> Self:
        proof = fingerprint(key, f"link {purpose}", owner, subject, link_id)
        return cls(purpose, owner, subject, link_id, proof)

    @classmethod
    def parse(cls, purpose: str, text: str) -> Self | None:
        """The token a text names, or None. It proves nothing before `is_genuine` says so."""
        prefix, _, rest = text.partition("_")
        if prefix != purpose or len(rest) != 4 * _ID_LENGTH or not _is_ours(rest):
            return None
        parts = [rest[i : i + _ID_LENGTH] for i in range(0, len(rest), _ID_LENGTH)]
        return cls(purpose, *parts)

    def is_genuine(self, ring: KeyRing) -> bool:
        return any(
            hmac.compare_digest(self.proof, self.made(key, *self._what).proof)
            for key in ring.keys.values()
        )

    @property
    def _what(self) -> tuple[str, str, str, str]:
        return self.purpose, self.owner, self.subject, self.link_id

    def __str__(self) -> str:
        return f"{self.purpose}_{self.owner}{self.subject}{self.link_id}{self.proof}"

    def __repr__(self) -> str:
        return f"Token({self.purpose!r})"


@dataclass(frozen=True)
class Asked:
    """A code was asked for in this browser: what its cookie remembers of it, the same for every
    address. `until` in epoch seconds."""

    nonce: str
    until: int

    def code(self, ring: KeyRing, email: str) -> str:
        """The six digits mailed to this address for this browser; stored nowhere."""
        number = int.from_bytes(_mac(ring.key, "code", self.nonce, email)[:8], "big")
        return f"{number % 1_000_000:06}"

    def long_code(self, ring: KeyRing, email: str) -> str:
        """What the link carries that stands in for the digits where somebody guessed too often."""
        return fingerprint(ring.key, "long code", self.nonce, email)

    def is_answered(self, ring: KeyRing, email: str, answer: str) -> bool:
        """Whether somebody read the mail, whichever key was the current one then."""
        given, right = answer.encode(), False
        for version in ring.keys:
            older = KeyRing(version, ring.keys)
            for code in (self.code(older, email), self.long_code(older, email)):
                right |= hmac.compare_digest(code.encode(), given)
        return right

    def signed(self, key: bytes, email: str) -> str:
        proof = fingerprint(key, "asked", self.nonce, str(self.until), email)
        return f"{self.nonce}.{self.until}.{proof}"

    @classmethod
    def read(cls, key: bytes, text: str, email: str, now: int) -> Self | None:
        """What was asked for in this browser for this address, if that was not too long ago."""
        nonce, _, rest = text.partition(".")
        until, _, _ = rest.partition(".")
        if not _is_time(until):
            return None
        asked = cls(nonce, int(until))
        genuine = hmac.compare_digest(asked.signed(key, email).encode(), text.encode())
        return asked if genuine and now < asked.until else None


@dataclass(frozen=True)
class Device:
    """A browser in which the owner of an address signed in before (R7). The cookie tells nobody
    the address: it only fits it."""

    id: str
    since: int

    def signed(self, key: bytes, email: str) -> str:
        return (
            f"{self.id}.{self.since}.{fingerprint(key, 'device', self.id, str(self.since), email)}"
        )

    @classmethod
    def read(cls, key: bytes, text: str, email: str, now: int, lasts: int) -> Self | None:
        """The device this cookie names, if it is known to this address and not too long ago."""
        id_, _, rest = text.partition(".")
        since, _, _ = rest.partition(".")
        if not _is_time(since):
            return None
        device = cls(id_, int(since))
        genuine = hmac.compare_digest(device.signed(key, email).encode(), text.encode())
        return device if genuine and now - device.since < lasts else None


@dataclass(frozen=True)
class Pass:
    """Whoever holds it typed the password of a gallery (P10): which password, and until when it is
    good (epoch seconds). It says nothing of who he is."""

    gallery_id: str
    password_id: str
    until: int

    def signed(self, key: bytes) -> str:
        said = (self.gallery_id, self.password_id, str(self.until))
        return ".".join((*said, fingerprint(key, "door", *said)))

    @classmethod
    def read_all(cls, key: bytes, text: str, now: int) -> list[Self]:
        """The passes a cookie holds that are ours and still good, the newest first."""
        return [one for part in text.split("~") if (one := cls._read(key, part, now)) is not None]

    @classmethod
    def _read(cls, key: bytes, text: str, now: int) -> Self | None:
        parts = text.split(".")
        if len(parts) != 4 or not _is_time(parts[2]):
            return None
        door = cls(parts[0], parts[1], int(parts[2]))
        genuine = hmac.compare_digest(door.signed(key).encode(), text.encode())
        return door if genuine and now < door.until else None


def joined(passes: Iterable[Pass], key: bytes) -> str:
    """Passes as one cookie holds them."""
    return "~".join(one.signed(key) for one in passes)


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12
