"""Invitations: a grant that names an address, from the mail to the door (mission 0.8, P14, P15).

The row that invites is the row that grants. It is pending until its person takes it, and then bound
to that user for good: whoever has the address later finds nothing behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from foyer.rules.galleries import Rights
from foyer.rules.refusals import Reason, Refusal


class State(StrEnum):
    """As the board shows it (A18)."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"
    TRANSFERRING = "transferring"  # another account asks to be admitted as well


class Delivery(StrEnum):
    """What became of the mail (A20), the later words the stronger."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"

    @property
    def rank(self) -> int:
        return list(Delivery).index(self)


@dataclass(frozen=True)
class Transfer:
    """An account, signed in under another address, that asks to be admitted as well (N4). The row
    names the account alone; `address` is what it has when somebody looks, empty where nobody did
    or it is gone."""

    user_id: str
    at: int
    address: str = ""


@dataclass(frozen=True)
class Invitation:
    """Times are epoch seconds. `answer` is what was last said to it; `bound_to` the user it is of;
    `mail_id` the outbox row of the newest mail about it; `batch` the call that made it. `link_id`
    is None where it was never mailed: an account admitted by name."""

    id: str
    gallery_id: str
    email: str
    address: str
    rights: Rights
    invited_at: int
    until: int
    link_id: str | None
    by: str
    language: str
    message: str | None = None
    answer: State = State.PENDING
    bound_to: str | None = None
    accepted_at: int | None = None
    accepted_with: str | None = None  # the hash of the cookie that did it
    accepted_epoch: int | None = None
    mail_id: str | None = None
    delivery: Delivery = Delivery.QUEUED
    transfers: Mapping[str, Transfer] = field(default_factory=dict)
    asked_again_at: int | None = None
    batch: str | None = None
    moved_to: str | None = None  # the user whom it names since he left the address
    version: int = 1

    def state(self, now: int) -> State:
        if self.answer is State.PENDING and now >= self.until:
            return State.EXPIRED
        if self.answer in {State.PENDING, State.ACCEPTED} and self.transfers:
            return State.TRANSFERRING
        return self.answer

    def is_live(self, now: int) -> bool:
        """Whether its link leads in, for whom it was meant."""
        if not self.rights.enter or self.answer is State.ACCEPTED:
            return self.rights.enter
        return self.answer in {State.PENDING, State.DECLINED} and now < self.until

    def admits(self, now: int, *, void_until: int) -> bool:
        """Whether it opens the door to who has proved its address, before anybody took it; not what
        was meant for an earlier owner of the address, who left it at `void_until`."""
        pending = self.answer is State.PENDING and now < self.until
        return pending and self.bound_to is None and self.invited_at > void_until


def invited_again(old: Invitation, new: Invitation) -> Invitation:
    """The row as it is once somebody is invited whose earlier invitation is over."""
    return replace(new, version=old.version + 1)


def answerable(invitation: Invitation | None, link_id: str, now: int) -> Invitation:
    """The invitation, where its link is good. Refuses LINK_INVALID, LINK_REPLACED, LINK_REVOKED,
    LINK_EXPIRED."""
    if invitation is None:
        raise Refusal(Reason.LINK_INVALID)
    if invitation.answer is State.REVOKED or not invitation.rights.enter:
        raise Refusal(Reason.LINK_REVOKED, facts=ASK_AGAIN)
    if invitation.link_id != link_id:
        raise Refusal(Reason.LINK_REPLACED, facts=ASK_AGAIN)
    if not invitation.is_live(now):
        raise Refusal(Reason.LINK_EXPIRED, facts=ASK_AGAIN)
    return invitation


ASK_AGAIN = {"next": "ask_again"}
