"""Sessions: how long they last, and what a cookie is worth."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from foyer.rules.policy import Sessions

DAY = 86_400
HOUR = 3_600

# How often a request may push the idle clock (mission 0.13).
GUEST_SEEN_EVERY = DAY
CLIENT_SEEN_EVERY = HOUR
STAFF_SEEN_EVERY = 600

# How long a cookie that died still gets "your session changed" in place of a new guest (0.17).
JUST_ENDED = 120


class Level(StrEnum):
    """How sure we are of who it is."""

    GENERIC = "generic"
    GUEST = "guest"
    REMEMBERED = "remembered"  # may see and change the cart, and nothing else (0.14)
    SIGNED_IN = "signed_in"


@dataclass(frozen=True)
class Session:
    """One browser in which somebody signed in. Times are epoch seconds; `proved_at` is when he
    last typed a password or a code; `browser` is for him to know it by."""

    id: str
    secret_hash: str
    started_at: int
    seen_at: int
    proved_at: int
    remember: bool
    browser: str


def level(session: Session, now: int, rules: Sessions, *, staff: bool) -> Level:
    """SIGNED_IN until idle for too long; then REMEMBERED for as long as asked, counted from
    signing in; else GENERIC: over. Staff are never remembered (0.14, R24)."""
    age, idle = now - session.started_at, now - session.seen_at
    if age >= (rules.staff_most_seconds if staff else rules.remembered_days * DAY):
        return Level.GENERIC
    if idle < (rules.staff_idle_seconds if staff else rules.idle_seconds):
        return Level.SIGNED_IN
    return Level.REMEMBERED if session.remember and not staff else Level.GENERIC


def clock_is_due(session: Session, now: int, *, staff: bool) -> bool:
    return now - session.seen_at >= (STAFF_SEEN_EVERY if staff else CLIENT_SEEN_EVERY)


def is_proved(session: Session, now: int, rules: Sessions) -> bool:
    """Whether he proved recently enough to be himself for what matters (0.14)."""
    return now - session.proved_at < rules.proof_seconds


def to_drop(sessions: Iterable[Session], now: int, rules: Sessions) -> list[str]:
    """The sessions that make room for one more: those that are over, and the oldest past the most
    (R24)."""
    live = sorted(sessions, key=lambda s: (s.started_at, s.id))
    over = [s.id for s in live if now - s.started_at >= rules.remembered_days * DAY]
    rest = [s.id for s in live if s.id not in over]
    return over + rest[: max(0, len(rest) - rules.most + 1)]
