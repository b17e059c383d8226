"""Another address for an account: asked for with a proof, made true by a link that reads the new
mailbox, in a session of the same account and nowhere else; both addresses are told (R45, A4)."""

from dataclasses import replace
from secrets import token_bytes

from foyer.credentials import Entropy, Token, new_id
from foyer.operations import sessions
from foyer.operations.invitations import keep_all
from foyer.operations.sessions import RETRIES, Visitor, allow_mail, asked_mail, notice
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import User, logon_id
from foyer.storage import keys, links, members, users
from foyer.storage.links import Link
from foyer.storage.secrets import link_keys
from foyer.storage.table import ConditionFailed, read, write
from foyer.storage.users import Record

PURPOSE = "email"


def ask(visitor: Visitor, address: str, now: int, entropy: Entropy = token_bytes) -> None:
    """Mails the new address a link and tells the old one; the same answer and work whether or not
    the new one is somebody's. Refuses PROOF_REQUIRED, and PROVE_ADDRESS to who has not proved the
    one he has (0.9)."""
    email, mailed = logon_id(address), False
    for _ in range(RETRIES + 1):
        found = read(visitor.row_keys()[:1], consistent=True) if visitor.bearer else {}
        user, session = sessions.signed_in(visitor, found, now, changing=True)
        sessions.proved(session, now)
        sessions.address_proved(user)
        if email == user.email:
            raise Refusal(Reason.INVALID_INPUT, pointer="#/email")
        if not mailed:
            allow_mail(visitor, email, now)
            mailed = True
        key = keys.link(user.id, PURPOSE)
        old = links.from_item(read([key], consistent=True).get(key))
        until = now + POLICY.links.address_seconds
        link = Link(
            new_id(entropy),
            user.id,
            PURPOSE,
            user.epoch,
            until,
            address=address,
            asked_at=now,
            left=user.email,
        )
        facts = {"owner": user.id, "link": link.id}
        try:
            write(
                users.acts(user),
                links.replace(old, link),
                asked_mail("new_address", visitor, address, now, entropy, **facts),
                notice("address_changing", user, now, entropy, browser=visitor.browser),
            )
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def redeem(visitor: Visitor, text: str, now: int, entropy: Entropy = token_bytes) -> User:
    """The new address is his from now on: he signs in with it, every other session ends and so do
    links mailed before. Once more is the same. Refuses OTHER_ADDRESS in a session of another
    account, ADDRESS_TAKEN where somebody else registered it meanwhile."""
    token = Token.parse("eml", text)
    if token is None or not token.is_genuine(link_keys(now)):
        raise Refusal(Reason.LINK_INVALID)
    key = keys.link(token.owner, PURPOSE)
    for _ in range(RETRIES + 1):
        found = read([*visitor.row_keys()[:1], key], consistent=True) if visitor.bearer else {}
        user, session = sessions.signed_in(visitor, found, now, changing=True)
        if user.id != token.owner:
            raise Refusal(Reason.OTHER_ADDRESS)
        link = links.from_item(found.get(key))
        if link is None:
            raise Refusal(Reason.LINK_EXPIRED)
        if link.id != token.link_id:
            raise Refusal(Reason.LINK_REPLACED)
        address = link.address or ""
        if link.used_at is not None and user.email == logon_id(address):
            keep_all(user, link.left or "", now)  # as far as it was cut short
            return user
        if not link.is_live(user.epoch, now):
            raise Refusal(Reason.LINK_EXPIRED)
        account = replace(
            user,
            email=logon_id(address),
            address=address,
            left=tuple(dict.fromkeys((*user.left, user.email or ""))),
            epoch=user.epoch + 1,
            version=user.version + 1,
            sessions={session.id: session},
        )
        told = {"new": address, "old": user.address or ""}
        try:
            write(
                users.own_address(logon_id(address), user.id, now, asked_at=link.asked_at),
                users.change(user, account, now, session=session.id),
                users.leave_address(user.email or "", user.id, now),
                links.use(link, visitor.cookie_hash, now),
                users.audit(account, new_id(entropy), Record("address_changed", user.id, now)),
                members.put(account),
                notice("address_changed", user, now, entropy, **told),
                notice("address_changed", account, now, entropy, **told),
            )
        except ConditionFailed as failed:
            row = failed.items[0]
            if row is None or users.owner_of(row) == user.id:
                continue
            gone = users.owner_of(row) is None  # taken and left again since this was asked for
            raise Refusal(Reason.LINK_EXPIRED if gone else Reason.ADDRESS_TAKEN) from failed
        visitor.user = account
        keep_all(account, user.email or "", now)
        return account
    raise Refusal(Reason.BUSY, retry_after=1)
