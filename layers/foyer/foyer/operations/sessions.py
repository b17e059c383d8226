"""Who is visiting: the generic user, or the guest whose cookie this is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from foyer.credentials import Bearer, Entropy
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import Standing, User, idle_clock_is_due, standing
from foyer.storage import carts, keys, limits, users
from foyer.storage.keys import Key
from foyer.storage.table import Item, Put, read


@dataclass
class Visitor:
    """Whoever sends a request. Nothing is read until an operation asks who he is."""

    bearer: Bearer | None
    source: str  # the address he comes from
    chosen_language: str | None = None  # by ?lang=
    preferred_language: str = POLICY.languages.default  # by the browser's settings
    user: User | None = field(default=None, init=False)  # once recognised
    minted: "Minted | None" = field(default=None, init=False)  # once this request made him a guest

    @property
    def language(self) -> str:
        if self.chosen_language is not None:
            return self.chosen_language
        return self.user.language if self.user is not None else self.preferred_language

    def row_keys(self) -> list[Key]:
        """What must be read (consistently) to recognise him, with his cart."""
        if self.bearer is None:
            return []
        return [keys.user(self.bearer.user_id), keys.cart(self.bearer.user_id)]

    def recognise(
        self, found: Mapping[Key, Item], now: int, *, changing: bool = False
    ) -> User | None:
        """The user this visitor's cookie stands for, from the rows just read, or None where it
        stands for nobody: then he is the generic user, whatever the cookie says. `changing` is for
        operations that write: there a cookie that died a moment ago is SESSION_CHANGED, lest it
        become a second guest (0.17). Pushes the idle clock when a day has gone by (0.13)."""
        if self.bearer is None:
            return None
        user = users.from_item(found.get(keys.user(self.bearer.user_id)))
        state = standing(user, self.bearer.secret_hash, now)
        if state is Standing.JUST_ENDED and changing:
            raise Refusal(Reason.SESSION_CHANGED)
        if state is not Standing.LIVE or user is None:
            return None
        if idle_clock_is_due(user, now):
            users.push_idle_clock(user, now)
        self.user = user
        return user


@dataclass(frozen=True)
class Minted:
    """A guest who was just made, and how many his source has made within the hour."""

    bearer: Bearer
    of_source: int


def mint(visitor: Visitor, now: int, entropy: Entropy) -> tuple[User, list[Put]]:
    """A new guest (H4) as rows to write together with what makes him one. Counts him against his
    source first (R10); refuses TOO_MANY_GUESTS past the limit."""
    of_source = limits.count("guest", visitor.source, POLICY.guests.per_source_per_hour, now)
    if of_source is None:
        raise Refusal(Reason.TOO_MANY_GUESTS, retry_after=limits.retry_after(now))
    bearer = Bearer.new(entropy)
    user = User(bearer.user_id, bearer.secret_hash, now, visitor.language)
    visitor.minted = Minted(bearer, of_source)
    return user, [users.new_guest(user)]


@dataclass(frozen=True)
class Session:
    user: User | None
    line_count: int


def current(visitor: Visitor, now: int) -> Session:
    """Who this is: nothing is read for the generic user (H1-H3), two rows in one
    call for a guest."""
    wanted = visitor.row_keys()
    if not wanted:
        return Session(None, 0)
    found = read(wanted, consistent=True)
    user = visitor.recognise(found, now)
    if user is None:
        return Session(None, 0)
    return Session(user, len(carts.from_item(found.get(keys.cart(user.id))).cart.lines))


def choose_language(visitor: Visitor, language: str, now: int) -> None:
    """A guest's choice is kept; the generic user's travels in the address (mission 0.20)."""
    wanted = visitor.row_keys()[:1]
    found = read(wanted, consistent=True) if wanted else {}
    user = visitor.recognise(found, now, changing=True)
    if user is not None and user.language != language:
        users.set_language(user.id, language)
