"""A client in his own space: proving to be himself, his password, his sessions."""

from dataclasses import replace
from secrets import token_bytes

from foyer import passwords
from foyer.credentials import Asked, Entropy, new_id
from foyer.operations import sessions
from foyer.operations.passwords import check_password, new_password
from foyer.operations.sessions import RETRIES, Visitor, code_mail, cost
from foyer.rules import sessions as rules
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import Level, Session
from foyer.rules.users import User
from foyer.storage import keys, limits, users
from foyer.storage.limits import Limit
from foyer.storage.secrets import link_keys, site_key
from foyer.storage.table import Change, ConditionFailed, Item, read, write
from foyer.storage.users import Record


def signed_in(visitor: Visitor, now: int, *, changing: bool = False) -> tuple[User, Session]:
    """The client whose session this is. Refuses SIGN_IN_REQUIRED, and SIGN_IN_AGAIN to who is only
    remembered."""
    found = read(visitor.row_keys(), consistent=True) if visitor.bearer else {}
    return sessions.signed_in(visitor, found, now, changing=changing)


def _proved(visitor: Visitor, now: int) -> tuple[User, Session]:
    user, session = signed_in(visitor, now, changing=True)
    sessions.proved(session, now)
    return user, session


def ask_proof(visitor: Visitor, now: int, entropy: Entropy = token_bytes) -> None:
    """Mails him a code, good in this browser."""
    user, _ = signed_in(visitor, now, changing=True)
    limit = Limit("mail-account", user.id, POLICY.mails.per_device_per_hour)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_MAILS, retry_after=limit.retry_after(now))
    write(code_mail(visitor, user.address or "", now, entropy))


def prove(visitor: Visitor, *, password: str | None, code: str | None, now: int) -> None:
    """A fresh proof for this session, by password or mailed code; tries are counted as at sign-in.
    Refuses WRONG_CREDENTIALS."""
    user, session = signed_in(visitor, now, changing=True)
    email, settled = user.email or "", list[Change]()
    wait = limits.sign_ins(visitor.source, with_password=password is not None, now=now)
    right = True
    if wait is None and password is not None:
        device = visitor.known_device(email, now)
        guesses = limits.guesses(email, device.id if device else None, now)
        right, wait = guesses.count(now)
        settled += [guesses.forget(), limits.no_failure(visitor.source, now)]
    if wait is not None:
        raise Refusal(Reason.TOO_MANY_ATTEMPTS, retry_after=wait)
    if password is not None:
        key = keys.credential(user.id)
        stored = users.password_of(user, read([key], consistent=True))
        right = passwords.verify(password, stored, cost()).right and right
    if code is not None:
        fits, done = _code_is_right(visitor, email, code, now)
        right, settled = right and fits, [*settled, *done]
    if not right:
        raise Refusal(Reason.WRONG_CREDENTIALS)
    try:
        by_mail = code is not None  # which proves the address as well, if a link alone did (0.9)
        write(users.prove_session(user, session, now, address=by_mail), *settled)
    except ConditionFailed as failed:
        spent = code is not None and failed.items[0] is None
        raise Refusal(Reason.WRONG_CREDENTIALS if spent else Reason.SESSION_CHANGED) from failed


def _code_is_right(visitor: Visitor, email: str, code: str, now: int) -> tuple[bool, list[Change]]:
    asked = Asked.read(site_key(now), visitor.asked, email, now)
    if asked is None or not limits.count_code(asked.nonce, email, digits=len(code) == 6, now=now):
        return False, []
    right = asked.is_answered(link_keys(now), email, code)
    return right, [limits.spend_code(asked.nonce, now), limits.no_wrong_codes(email, now)]


def choose_password(
    visitor: Visitor, password: str, now: int, entropy: Entropy = token_bytes
) -> None:
    """A first or another password. Every other session ends, and so do links mailed before; its
    owner is told by mail."""
    for _ in range(RETRIES + 1):
        user, session = _proved(visitor, now)
        check_password(password, user.address or "", pointer="#/new")
        try:
            changed = replace(user, password_id=new_id(entropy))
            write(
                users.replace_sessions(user, session, now, changed.password_id),
                *new_password(visitor, changed, password, now, entropy),
            )
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def list_sessions(visitor: Visitor, now: int) -> list[Session]:
    """Where he is signed in or remembered, the newest first."""
    user, _ = signed_in(visitor, now)
    staff = user.is_staff
    live = [
        session
        for session in user.sessions.values()
        if rules.level(session, now, POLICY.sessions, staff=staff) is not Level.GENERIC
    ]
    return sorted(live, key=lambda session: (session.started_at, session.id), reverse=True)


def end_session(visitor: Visitor, session_id: str, now: int) -> None:
    """Ends one of his sessions; needs a proof unless it is this one. One that is not there is
    NOT_FOUND."""
    user, own = signed_in(visitor, now, changing=True)
    if session_id != own.id:
        sessions.proved(own, now)
    if session_id not in user.sessions:
        raise Refusal(Reason.NOT_FOUND)
    write(users.end_session(user.id, session_id, now))
    if session_id == own.id:
        visitor.leave()


def end_other_sessions(visitor: Visitor, now: int) -> None:
    for _ in range(RETRIES + 1):
        user, own = _proved(visitor, now)
        try:
            write(users.replace_sessions(user, own, now))
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def history(
    visitor: Visitor, now: int, *, limit: int, after: Item | None = None
) -> tuple[list[Record], Item | None]:
    """What happened to his account and who did it, the newest first (N18)."""
    user, _ = signed_in(visitor, now)
    page = users.history(user.id, limit=limit, after=after)
    return [users.record_from(item) for item in page.items], page.last
