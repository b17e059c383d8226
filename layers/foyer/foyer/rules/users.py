"""Users, from the first visit to the end: one state machine.

Everybody who only looks is the generic user, a constant and no row (H1-H3). The first operation
that needs an identity makes a guest (H4-H6), who keeps his id for life (mission 0.2): registering
promotes that same user (H9). The machine is drawn in users.md beside this file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from hmac import compare_digest

from foyer.rules.organizations import DEFAULT_PATH
from foyer.rules.policy import Approvals, Claims, Kind, ProfileType, RegistrationType, Sessions
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import ADMINISTRATIVE, SITE_ADMINISTRATOR, Role
from foyer.rules.sessions import DAY, JUST_ENDED, Level, Session, level

GENERIC_ID = "-1002"


class State(StrEnum):
    """Where a user stands in his life. What lies between GUEST and CLOSED is his status."""

    NOBODY = "nobody"  # not made yet
    GENERIC = "generic"
    GUEST = "guest"
    PENDING_EMAIL_ACTIVATION = "pending_email_activation"
    PENDING_APPROVAL = "pending_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    DISABLED = "disabled"
    HANDED_OVER = "handed_over"
    SUPERSEDED = "superseded"
    CLOSED = "closed"
    GONE = "gone"


class Event(StrEnum):
    IDENTIFY = "identify"  # an operation that needs to know who it is for
    SIGN_UP = "sign_up"
    OPEN_ON_BEHALF = "open_on_behalf"
    ACTIVATE = "activate"  # the mailed link, where nobody need approve
    ASK_APPROVAL = "ask_approval"  # the mailed link, where somebody must
    APPROVE = "approve"
    REJECT = "reject"
    DISABLE = "disable"
    ENABLE = "enable"
    HAND_OVER = "hand_over"
    LOSE_ADDRESS = "lose_address"  # a rejected person registers anew, elsewhere
    CLOSE = "close"
    EXPIRE = "expire"


LIFE: Mapping[tuple[State, Event], State] = {
    (State.NOBODY, Event.ACTIVATE): State.APPROVED,  # in another browser than the guest's
    (State.NOBODY, Event.ASK_APPROVAL): State.PENDING_APPROVAL,
    (State.NOBODY, Event.OPEN_ON_BEHALF): State.PENDING_EMAIL_ACTIVATION,
    (State.GENERIC, Event.IDENTIFY): State.GUEST,
    (State.GUEST, Event.SIGN_UP): State.GUEST,  # a sign-up is a claim, not an account
    (State.GUEST, Event.ACTIVATE): State.APPROVED,
    (State.GUEST, Event.ASK_APPROVAL): State.PENDING_APPROVAL,
    (State.GUEST, Event.HAND_OVER): State.HANDED_OVER,
    (State.GUEST, Event.EXPIRE): State.GONE,
    (State.HANDED_OVER, Event.EXPIRE): State.GONE,
    (State.PENDING_EMAIL_ACTIVATION, Event.ACTIVATE): State.APPROVED,
    (State.PENDING_EMAIL_ACTIVATION, Event.ASK_APPROVAL): State.PENDING_APPROVAL,
    (State.PENDING_EMAIL_ACTIVATION, Event.EXPIRE): State.GONE,
    (State.PENDING_APPROVAL, Event.APPROVE): State.APPROVED,
    (State.PENDING_APPROVAL, Event.REJECT): State.REJECTED,
    (State.REJECTED, Event.ACTIVATE): State.APPROVED,
    (State.REJECTED, Event.ASK_APPROVAL): State.PENDING_APPROVAL,
    (State.REJECTED, Event.LOSE_ADDRESS): State.SUPERSEDED,
    (State.APPROVED, Event.DISABLE): State.DISABLED,
    (State.DISABLED, Event.ENABLE): State.APPROVED,
    (State.APPROVED, Event.CLOSE): State.CLOSED,
}


class ImpossibleStep(ValueError):
    """An edge that is not drawn."""


def after(state: State, event: Event) -> State:
    """Where the event leads. Raises ImpossibleStep for an edge that is not drawn."""
    try:
        return LIFE[state, event]
    except KeyError:
        raise ImpossibleStep(f"{state}: {event}") from None


@dataclass(frozen=True)
class Profile:
    """What a person says of himself when he signs up."""

    name: str
    profile_type: ProfileType
    organization_id: str | None = None
    phone: str | None = None
    company: str | None = None


@dataclass(frozen=True)
class Edit:
    """What may be changed of a profile; what is None stays, what is in `cleared` goes."""

    name: str | None = None
    phone: str | None = None
    company: str | None = None
    language: str | None = None
    cleared: frozenset[str] = frozenset()


@dataclass(frozen=True)
class User:
    """A user as stored, guest and registered alike. Times are epoch seconds.

    `secret_hash` is of the guest's cookie; `was` the same, once it is promoted. `claims` are the
    sign-ups this guest waits for: a keyed hash of the address each. `epoch` counts what ends all
    sessions and links: activation, a new password or address, other roles, being disabled.
    `version` counts what changes the account; `path` is of his organization, from the root down.
    """

    id: str
    language: str
    seen_at: int
    secret_hash: str | None = None
    ended_at: int | None = None
    handed_to: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    status: State | None = None
    email: str | None = None  # the logon id
    address: str | None = None  # the same as its owner writes it: where mail goes
    profile: Profile | None = None
    roles: tuple[Role, ...] = ()
    epoch: int = 0
    sessions: Mapping[str, Session] = field(default_factory=dict)
    sessions_ended_at: int | None = None
    was: str | None = None
    promoted_at: int | None = None
    password_id: str | None = None  # which of the passwords ever set is his
    terms: str | None = None  # the version he agreed to
    newsletter: bool = False
    took: Mapping[str, int] = field(default_factory=dict)  # guests taken over lately, and when
    path: tuple[str, ...] = DEFAULT_PATH
    version: int = 0
    status_at: int = 0  # since when he has this status
    kind: Kind = "sign_up"  # of registration
    created_by: str | None = None  # the member of staff who opened the account
    claim_id: str | None = None  # of an account opened on behalf: the claim its owner redeems
    approved_before: bool = False  # a site administrator opened it: nobody need approve (H16)
    is_proved: bool = True  # of his address, by more than a link that people forward (0.9)
    epoch_at: int = 0  # since when it is this epoch
    owned_at: int = 0  # when he first proved the address, where somebody else had the account
    ordered_at: int | None = None  # when he last ordered as a guest
    left: tuple[str, ...] = ()  # the logon ids he had before

    @property
    def organization_id(self) -> str:
        return self.path[-1]

    @property
    def has_password(self) -> bool:
        return self.password_id is not None

    @property
    def registration_type(self) -> RegistrationType:
        return registration_type(self.status, self.roles)

    @property
    def is_staff(self) -> bool:
        return self.registration_type in {"A", "S"}

    @property
    def may_have_roles(self) -> bool:
        """Staff give roles to approved people with a password and a proved address (0.10)."""
        return self.status is State.APPROVED and self.has_password and self.is_proved

    @property
    def is_site_administrator(self) -> bool:
        """One who may act: who is disabled is none meanwhile."""
        return self.status is State.APPROVED and self.registration_type == "S"

    @property
    def lives_on(self) -> bool:
        """Whether a guest stays when he hands over what he has (0.7)."""
        return self.status is not None or self.ordered_at is not None

    @property
    def state(self) -> State:
        if self.handed_to is not None:
            return State.HANDED_OVER
        return self.status or State.GUEST


def registration_type(status: State | None, roles: Iterable[Role]) -> RegistrationType:
    """Derived (H8, H11, H14, H15): who waits for approval goes on as the guest he was."""
    if status not in {State.APPROVED, State.DISABLED}:
        return "G"
    held = {role.role for role in roles}
    if SITE_ADMINISTRATOR in held:
        return "S"
    return "A" if held & ADMINISTRATIVE else "R"


def stepped(user: User, event: Event, now: int, *, out: bool = False) -> User:
    """The account after the event, its next version; `out` where every session ends with it (R27).
    Raises ImpossibleStep."""
    status = after(user.state, event)
    account = replace(user, status=status, status_at=now, version=user.version + 1)
    return replace(account, epoch=user.epoch + 1, sessions={}) if out else account


class Keeps(StrEnum):
    """What keeps somebody whom the clean-up would take (0.13, N11)."""

    ORDER = "order"  # of his is under way
    SELECTION = "selection"  # of his was sent to a photographer, who has it still
    GRANT = "grant"  # opens a gallery to him


def is_promotion(before: User | None, after: User) -> bool:
    """Whether a guest becomes a client by this step, in place: the same user, whose guest's cookie
    ends with it (H9). Who waits for approval goes on as the guest he was, until he is approved."""
    was_guest = before is not None and before.secret_hash is not None
    return was_guest and after.status is State.APPROVED


def days_to_take(user: User, rules: Claims) -> int:
    """How long an account staff opened waits for its owner: one that gives a role ends soon."""
    return rules.days if user.roles else rules.on_behalf_days


def edited(user: User, edit: Edit) -> User | None:
    """The account with another profile or language, its next version; None where nothing of it
    differs."""
    before = user.profile or Profile("", "C")
    profile = replace(
        before,
        name=edit.name or before.name,
        phone=None if "phone" in edit.cleared else edit.phone or before.phone,
        company=None if "company" in edit.cleared else edit.company or before.company,
    )
    language = edit.language or user.language
    if (profile, language) == (user.profile, user.language):
        return None
    return replace(user, profile=profile, language=language, version=user.version + 1)


class Standing(Enum):
    """What a cookie that names a user is worth."""

    LIVE = "live"
    JUST_ENDED = "just ended"
    WORTHLESS = "worthless"


def guest_standing(user: User | None, secret_hash: str, now: int) -> Standing:
    """A guest's cookie is live until he ends or is promoted (mission 0.17)."""
    if user is None:
        return Standing.WORTHLESS
    if _same(user.secret_hash, secret_hash):
        return Standing.LIVE if user.ended_at is None else _ended(user.ended_at, now)
    return _ended(user.promoted_at, now) if _same(user.was, secret_hash) else Standing.WORTHLESS


def became_a_client(user: User | None, secret_hash: str) -> bool:
    """Whether a guest's cookie is of one who has an account by now: what he had is there."""
    return user is not None and _same(user.was, secret_hash)


def session_standing(
    user: User | None, session_id: str, secret_hash: str, now: int, rules: Sessions
) -> tuple[Standing, Level]:
    """A session's cookie is live while the session stands in its approved user's row. Of one that
    does not, all we know is when any of his was last ended: that is enough to ask for a reload."""
    if user is None:
        return Standing.WORTHLESS, Level.GENERIC
    session = user.sessions.get(session_id)
    if session is None or user.status is not State.APPROVED:
        return _ended(user.sessions_ended_at, now), Level.GENERIC
    if not compare_digest(session.secret_hash, secret_hash):
        return Standing.WORTHLESS, Level.GENERIC
    reached = level(session, now, rules, staff=user.is_staff)
    return (Standing.WORTHLESS if reached is Level.GENERIC else Standing.LIVE), reached


def _same(stored: str | None, given: str) -> bool:
    return stored is not None and compare_digest(stored, given)


def _ended(at: int | None, now: int) -> Standing:
    return Standing.JUST_ENDED if at is not None and now - at < JUST_ENDED else Standing.WORTHLESS


def may_sign_in(user: User) -> None:
    """Only approved users can log on (H19). Refuses with what keeps him out: to be said only to
    who proved to be him (0.19)."""
    reasons = {
        State.PENDING_APPROVAL: Reason.APPROVAL_PENDING,
        State.REJECTED: Reason.REGISTRATION_REJECTED,
        State.DISABLED: Reason.ACCOUNT_DISABLED,
    }
    if user.status is not State.APPROVED:
        reason = None if user.status is None else reasons.get(user.status)
        raise Refusal(reason or Reason.WRONG_CREDENTIALS)


def apply_again(times: Sequence[int], now: int, rules: Approvals) -> None:
    """A rejected person may register again, so often in so many days (0.4): `times` are when the
    address did. Refuses TOO_MANY_APPLICATIONS, with when it may be tried."""
    window = rules.again_days * DAY
    lately = sorted(at for at in times if now - at < window)
    if len(lately) >= rules.again:
        wait = lately[-rules.again] + window - now
        raise Refusal(Reason.TOO_MANY_APPLICATIONS, retry_after=wait)


def what_is_next(user: User, terms: str) -> tuple[str, ...]:
    """What a signed-in person is asked to do: nothing of it keeps him from anything yet."""
    asked = []
    if not user.is_proved:
        asked.append("prove_address")
    if not user.has_password:
        asked.append("choose_password")
    if user.terms != terms:
        asked.append("accept_terms")
    return tuple(asked)


def may(user: User | None, action: tuple[RegistrationType, ...]) -> None:
    """What this shop lets nobody do without an account it refuses to guests: SIGN_IN_REQUIRED; what
    it lets his kind of user not do at all, to anybody: NOT_OFFERED (H7, H8)."""
    kind = "G" if user is None else user.registration_type
    if kind not in action:
        signed_in = "R" in action and kind == "G"
        raise Refusal(Reason.SIGN_IN_REQUIRED if signed_in else Reason.NOT_OFFERED)


def logon_id(address: str) -> str:
    """The key an address is unique by, of one whose domain is in ASCII already: the case of neither
    part makes another person (R31). Tags and dots do."""
    return address.casefold()


def rate_id(email: str) -> str:
    """What limits count an address under: tags and dots, by which one mailbox has many addresses,
    are dropped (R31)."""
    local, _, domain = email.rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def masked(address: str) -> str:
    """As much of an address as tells its owner which it is, and nobody else."""
    local, _, domain = address.rpartition("@")
    name, dot, rest = domain.rpartition(".")
    return f"{local[:1]}…@{name[:1]}…{dot}{rest}" if dot else f"{local[:1]}…@{domain[:1]}…"
