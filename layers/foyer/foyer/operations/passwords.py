"""Passwords: a first one, another, a forgotten one; and coming back after a lost answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer import passwords
from foyer.credentials import Entropy, Token, new_id
from foyer.operations import proving
from foyer.operations.hand_over import arriving
from foyer.operations.sessions import (
    RETRIES,
    Presence,
    Visitor,
    allow_mail,
    arrive,
    asked_mail,
    begun,
    cost,
    left_elsewhere,
    mail_once,
    new_session,
    replaced,
)
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import Level, to_drop
from foyer.rules.users import State, User, logon_id, may_sign_in
from foyer.settings import settings
from foyer.storage import keys, limits, links, receipts, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.keys import Key
from foyer.storage.links import Link
from foyer.storage.receipts import Receipt
from foyer.storage.secrets import link_keys
from foyer.storage.table import Change, ConditionFailed, Item, read, write
from foyer.storage.users import Record


def check_password(password: str, address: str, pointer: str = "#/password") -> None:
    """Refuses WEAK_PASSWORD."""
    if passwords.is_weak(password, (address, settings().site_name, settings().site_url)):
        raise Refusal(Reason.WEAK_PASSWORD, pointer=pointer)


def new_password(
    visitor: Visitor, user: User, password: str, now: int, entropy: Entropy
) -> list[Change]:
    """The password, its notice by mail, its audit; failures counted before begin anew."""
    assert user.email is not None  # noqa: S101 - an account has one
    address = user.address or user.email
    return [
        users.put_password(user, passwords.hashed(password, cost()), now),
        users.audit(user, new_id(entropy), Record("password_changed", user.id, now)),
        limits.guesses(user.email, None, now).forget(),
        asked_mail("password_changed", visitor, address, now, entropy),
    ]


# ---- a forgotten one -----------------------------------------------------------------------------


def ask_reset(
    visitor: Visitor,
    address: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> None:
    """A link to whoever the address is; the same answer and work for every one. While one is live
    the same link goes out again."""
    attempt, repeated = begun(visitor, once, "password-resets", now)
    if repeated:
        return
    allow_mail(visitor, logon_id(address), now)
    records = [attempt.record(now)] if attempt else []
    mail_once(asked_mail("reset", visitor, address, now, entropy), records)


@dataclass(frozen=True)
class Reset:
    presence: Presence
    receipt: Receipt | None


def reset(
    visitor: Visitor,
    text: str,
    password: str,
    now: int,
    *,
    take_over: bool | None = None,
    entropy: Entropy = token_bytes,
) -> Reset:
    """A new password by the mailed link, once: every other session ends, this browser gets one.
    Whoever did it may ask again for ten minutes."""
    token = Token.parse("rst", text)
    if token is None or not token.is_genuine(link_keys(now)):
        raise Refusal(Reason.LINK_INVALID)
    user_id = token.owner
    wanted_rows = [
        *visitor.row_keys(),
        keys.user(user_id),
        keys.cart(user_id),
        keys.link(user_id, "reset"),
    ]
    for _ in range(RETRIES + 1):
        found = read(wanted_rows, consistent=True)
        visitor.recognise(found, now)
        link = links.from_item(found.get(keys.link(user_id, "reset")))
        user = users.from_item(found.get(keys.user(user_id)))
        if link is None or user is None:
            raise Refusal(Reason.LINK_EXPIRED)
        if link.id != token.link_id:
            raise Refusal(Reason.LINK_REPLACED)
        if link.used_at is not None:
            return _reset_again(visitor, link, user, password, take_over, found, now, entropy)
        if not link.is_live(user.epoch, now):
            raise Refusal(Reason.LINK_EXPIRED)
        may_sign_in(user)
        check_password(password, user.address or "")
        try:
            return _set_password(visitor, link, user, password, take_over, found, now, entropy)
        except ConditionFailed:
            continue
    raise Refusal(Reason.BUSY, retry_after=1)


def _set_password(
    visitor: Visitor,
    link: Link,
    user: User,
    password: str,
    take_over: bool | None,
    found: Mapping[Key, Item],
    now: int,
    entropy: Entropy,
) -> Reset:
    move = arriving(visitor.guest(found), take_over, user.id, found, now)
    bearer, session = new_session(visitor, user.id, now, entropy)
    ending: list[Change]
    if user.is_proved:
        changed = replace(user, password_id=new_id(entropy), epoch=user.epoch + 1)
        ending = [users.replace_sessions(user, session, now, changed.password_id, move.guests)]
    else:  # the mailbox is read for the first time: what was set before is nobody's (0.9)
        own = proving.own_now(user, session, move.guests)
        changed = replace(own, password_id=new_id(entropy))
        ending = proving.changes(user, changed, now, entropy)
    write(
        *ending,
        links.use(link, visitor.cookie_hash, now),
        *new_password(visitor, changed, password, now, entropy),
        *left_elsewhere(visitor, user, now),
        *move.changes,
    )
    arrive(visitor, bearer, changed, session, now, entropy, len(move.cart.lines))
    return Reset(Presence(changed, Level.SIGNED_IN, len(move.cart.lines)), move.receipt)


def _reset_again(
    visitor: Visitor,
    link: Link,
    user: User,
    password: str,
    take_over: bool | None,
    found: Mapping[Key, Item],
    now: int,
    entropy: Entropy,
) -> Reset:
    """The link was used. Whoever did it gets a session, nothing else changes (0.18)."""
    assert link.used_at is not None  # noqa: S101 - it was used
    if now - link.used_at >= POLICY.links.repeat_seconds or user.status is not State.APPROVED:
        raise Refusal(Reason.ALREADY_ACTIVE)
    key = keys.credential(user.id)
    wanted_rows = [key]
    if visitor.bearer is not None:
        wanted_rows.append(keys.receipt(user.id, visitor.bearer.user_id))
    rows = read(wanted_rows, consistent=True)
    stored = users.password_of(user, rows)
    if not has_password(visitor, user.email or "", stored, password, now):
        raise Refusal(Reason.ALREADY_ACTIVE)
    earlier = receipts.from_item(rows.get(wanted_rows[-1])) if len(wanted_rows) > 1 else None
    done = enter_again(visitor, user, found, take_over, now, entropy)
    return replace(done, receipt=done.receipt or earlier)


# ---- after a lost answer -------------------------------------------------------------------------


def enter_again(
    visitor: Visitor,
    user: User,
    rows: Mapping[Key, Item],
    take_over: bool | None,
    now: int,
    entropy: Entropy,
) -> Reset:
    """Another session for who redeemed a link; a guest he has become meanwhile hands over."""
    may_sign_in(user)
    move = arriving(visitor.guest(rows), take_over, user.id, rows, now)
    bearer, session = new_session(visitor, user.id, now, entropy)
    dropped = {*to_drop(user.sessions.values(), now, POLICY.sessions), *replaced(visitor, user)}
    try:
        write(
            users.open_session(user, session, dropped, move.guests),
            *left_elsewhere(visitor, user, now),
            *move.changes,
        )
    except ConditionFailed:
        raise Refusal(Reason.BUSY, retry_after=1) from None
    arrive(visitor, bearer, user, session, now, entropy, len(move.cart.lines))
    return Reset(Presence(user, Level.SIGNED_IN, len(move.cart.lines)), move.receipt)


def has_password(visitor: Visitor, email: str, stored: str | None, password: str, now: int) -> bool:
    """Whether this is the account's password: an attempt like any other, and counted (R6)."""
    if stored is None:
        return False
    guesses, may_try = limits.guesses(email, None, now), False
    wait = limits.sign_ins(visitor.source, with_password=True, now=now)
    if wait is None:
        may_try, wait = guesses.count(now)
    if wait is not None:
        raise Refusal(Reason.TOO_MANY_ATTEMPTS, retry_after=wait)
    if not passwords.verify(password, stored, cost()).right or not may_try:
        return False
    write(guesses.forget(), limits.no_failure(visitor.source, now))
    return True
