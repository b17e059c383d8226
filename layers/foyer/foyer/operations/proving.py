"""The first proof of an address by somebody whose account was made by a link that people forward
(mission 0.9): from another browser it voids every password, session and profile set before."""

from collections.abc import Iterable
from dataclasses import replace

from foyer.credentials import Entropy, new_id
from foyer.rules.consents import changed
from foyer.rules.policy import POLICY
from foyer.rules.sessions import Session
from foyer.rules.users import Profile, User
from foyer.storage import consents, members, users
from foyer.storage.table import Change
from foyer.storage.users import Record


def own_now(account: User, session: Session, guests: Iterable[str]) -> User:
    """The account in the hands of who has proved its address: his alone, with this one session and
    what these guests hand over. What it is called, its password, what somebody else agreed to and
    every other session are none of his."""
    named = Profile(account.address or "", "C", account.organization_id)
    return replace(
        account,
        is_proved=True,
        profile=named,
        password_id=None,
        terms=None,
        newsletter=False,
        owned_at=session.started_at,
        sessions={session.id: session},
        took=dict.fromkeys(guests, session.started_at),
        epoch=account.epoch + 1,
        version=account.version + 1,
    )


def changes(before: User, account: User, now: int, entropy: Entropy) -> list[Change]:
    """What is written then: browsers known before are known no longer, and the ledger says what is
    none of his."""
    void = changed(POLICY.shop, "proof", now, before, account)
    return [
        users.change(before, account, now),
        users.proved_anew(account.email or "", account.id, now),
        members.put(account),
        users.audit(account, new_id(entropy), Record("proved", account.id, now)),
        *(consents.add(account, entry) for entry in void),
    ]
