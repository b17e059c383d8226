"""What somebody agrees to and takes back, himself: the terms and, apart from them, the newsletter
(N15, P20)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, Token
from foyer.operations import sessions
from foyer.operations.registration import check_terms
from foyer.operations.sessions import RETRIES, Visitor, attempt_of, notice
from foyer.rules.consents import Consent, changed
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import User
from foyer.storage import consents, keys, limits, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.limits import Limit
from foyer.storage.secrets import link_keys
from foyer.storage.table import Change, ConditionFailed, Item, read, write

LEDGER = 20  # entries of it in one answer


@dataclass(frozen=True)
class Ledger:
    """How he stands now, a page of what he said, the newest first, and where the next begins."""

    user: User
    entries: list[Consent]
    last: Item | None


def ledger(visitor: Visitor, now: int, *, limit: int = LEDGER, after: Item | None = None) -> Ledger:
    found = read(visitor.row_keys()[:1], consistent=True) if visitor.bearer else {}
    user, _ = sessions.signed_in(visitor, found, now)
    return _page(user, limit=limit, after=after)


def _page(user: User, *, limit: int = LEDGER, after: Item | None = None) -> Ledger:
    page = consents.of(user.id, limit=limit, after=after)
    return Ledger(user, [consents.from_item(item) for item in page.items], page.last)


def say(
    visitor: Visitor,
    now: int,
    *,
    terms: str | None = None,
    newsletter: bool | None = None,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Ledger:
    """He agrees to these terms, wants the newsletter or no longer does; what is None is left as it
    is. Said once more it is the same. Refuses TERMS_CHANGED for another version of the terms."""
    attempt = attempt_of(visitor, once, "consents")
    records = [attempt.record(now)] if attempt else []
    allowed = False
    for _ in range(RETRIES + 1):
        wanted = visitor.row_keys()[:1] + ([attempt.row_key] if attempt else [])
        rows = read(wanted, consistent=True) if visitor.bearer else {}
        user, session = sessions.signed_in(visitor, rows, now, changing=True)
        if terms is not None:
            check_terms(terms, pointer="#/terms")
        if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
            return _page(user)
        account = having_said(user, terms, newsletter)
        if account.newsletter and not user.newsletter and not allowed:
            _allow_mail(user, now)
            allowed = True
        changes: list[Change] = []
        if account is not user:
            entries = changed(POLICY.shop, "account", now, user, account)
            changes = [
                users.change(user, account, now, session=session.id),
                *rows_of(account, entries, now, entropy),
            ]
        try:
            if changes or records:
                write(*changes, *records)
        except ConditionFailed:
            continue
        visitor.user = account
        return _page(account)
    raise Refusal(Reason.BUSY, retry_after=1)


def having_said(user: User, terms: str | None, newsletter: bool | None) -> User:
    """Himself where that is how he stands already."""
    told = (
        user.terms if terms is None else terms,
        user.newsletter if newsletter is None else newsletter,
    )
    if told == (user.terms, user.newsletter):
        return user
    return replace(user, terms=told[0], newsletter=told[1], version=user.version + 1)


def rows_of(account: User, entries: Iterable[Consent], now: int, entropy: Entropy) -> list[Change]:
    """What is written beside an account in which something was agreed to or taken back: the entries
    and, where he asked for the newsletter, the mail by which one click ends it."""
    rows: list[Change] = []
    for entry in entries:
        rows.append(consents.add(account, entry))
        if entry.document == "newsletter" and entry.given:
            rows.append(notice("newsletter", account, now, entropy, owner=account.id))
    return rows


def _allow_mail(user: User, now: int) -> None:
    limit = Limit("mail-newsletter", user.id, POLICY.mails.per_device_per_hour)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_MAILS, retry_after=limit.retry_after(now))


def unsubscribe(text: str, now: int) -> None:
    """No more newsletters to whoever this token was mailed to, and nothing else; whoever has it may
    do that, as often as he likes (RFC 8058). Refuses LINK_INVALID."""
    token = Token.parse("uns", text)
    if token is None or not token.is_genuine(link_keys(now)):
        raise Refusal(Reason.LINK_INVALID)
    key = keys.user(token.owner)
    for _ in range(RETRIES + 1):
        user = users.from_item(read([key], consistent=True).get(key))
        if user is None or user.status is None or not user.newsletter:
            return
        account = replace(user, newsletter=False, version=user.version + 1)
        (entry,) = changed(POLICY.shop, "mail", now, user, account)
        try:
            write(users.change(user, account, now), consents.add(account, entry))
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)
