"""Users: the one generic user, guests, and (as they come) registered clients and staff.

The generic user (H1-H3) is a constant, not a row: everybody who only looks is he. The first
operation that needs an identity makes a guest (H4-H6), who keeps his id for life (mission 0.2).
"""

from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest

GENERIC_ID = "-1002"
DAY = 86_400

# A request may push the idle clock of a guest at most so often (mission 0.13).
SEEN_EVERY = DAY

# How long a cookie that died still gets "your session changed" in place of a new guest (0.17).
JUST_ENDED = 120


@dataclass(frozen=True)
class User:
    """A user as stored. Times are epoch seconds."""

    id: str
    secret_hash: str
    seen_at: int
    language: str
    ended_at: int | None = None

    @property
    def registration_type(self) -> str:
        return "G"


class Standing(Enum):
    """What a cookie that names a user is worth."""

    LIVE = "live"
    JUST_ENDED = "just ended"
    WORTHLESS = "worthless"


def standing(user: User | None, secret_hash: str, now: int) -> Standing:
    """A cookie is live while its user holds its secret and has not ended (mission 0.17)."""
    if user is None or not compare_digest(user.secret_hash, secret_hash):
        return Standing.WORTHLESS
    if user.ended_at is None:
        return Standing.LIVE
    return Standing.JUST_ENDED if now - user.ended_at < JUST_ENDED else Standing.WORTHLESS


def idle_clock_is_due(user: User, now: int) -> bool:
    return now - user.seen_at >= SEEN_EVERY
