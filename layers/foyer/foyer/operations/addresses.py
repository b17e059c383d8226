"""A client's address book (P12): where things are sent, kept so that he types it once. It is for
who has proved the address he signs in with: a link that was passed on shows nobody where somebody
lives (mission 0.9)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.operations import sessions
from foyer.operations.sessions import RETRIES, Visitor, attempt_of
from foyer.rules import addresses as rules
from foyer.rules.addresses import Book, Entry, Postal
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import User
from foyer.storage import addresses, keys, users
from foyer.storage.idempotency import UNKEYED, Attempt, Once
from foyer.storage.table import Change, ConditionFailed, Item, read, write


def book(visitor: Visitor, now: int) -> Book:
    """Refuses SIGN_IN_REQUIRED, SIGN_IN_AGAIN, PROVE_ADDRESS."""
    return _mine(visitor, now)[1]


def find(visitor: Visitor, entry_id: str, now: int) -> Entry:
    """One of his; NOT_FOUND for any other."""
    return _entry(book(visitor, now), entry_id)


def add(
    visitor: Visitor,
    name: str | None,
    postal: Postal,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Entry:
    """Another entry, or the one that says the same already. Without a name it is for himself.
    Refuses TOO_MANY_ADDRESSES; NOT_FOUND where the request is repeated and the entry was taken out
    since."""
    attempt = attempt_of(visitor, once, "addresses")
    for _ in range(RETRIES + 1):
        user, before, made = _mine(visitor, now, attempt, changing=True)
        if attempt is not None and attempt.is_repeat(made, now):
            return _entry(before, (made or {}).get("made", ""))
        entry = Entry(new_id(entropy), name or _own_name(user), postal, now)
        same = rules.same(before, entry)
        after = before if same else rules.put(before, entry, POLICY.orders.addresses)
        records = [attempt.record(now, made=(same or entry).id)] if attempt else []
        if _write(user, before, after, records):
            return same or entry
    raise Refusal(Reason.BUSY, retry_after=1)


def change(visitor: Visitor, entry_id: str, name: str | None, postal: Postal, now: int) -> Entry:
    """The entry with another name and address; without a name it is for himself. NOT_FOUND where it
    is not in his book."""

    def decide(user: User, before: Book) -> Book:
        entry = _entry(before, entry_id)
        changed = replace(entry, name=name or _own_name(user), postal=postal)
        if changed == entry:
            return before
        return rules.put(before, changed, POLICY.orders.addresses)

    return _entry(_change(visitor, decide, now), entry_id)


def take_out(visitor: Visitor, entry_id: str, now: int) -> None:
    """Once more is the same. Orders keep where they were sent."""
    _change(visitor, lambda _, before: rules.without(before, entry_id), now)


def _change(visitor: Visitor, decide: Callable[[User, Book], Book], now: int) -> Book:
    for _ in range(RETRIES + 1):
        user, before, _row = _mine(visitor, now, changing=True)
        after = decide(user, before)
        if _write(user, before, after):
            return after
    raise Refusal(Reason.BUSY, retry_after=1)


def _mine(
    visitor: Visitor, now: int, attempt: Attempt | None = None, *, changing: bool = False
) -> tuple[User, Book, Item | None]:
    """Whose book it is, the book, and the row of the attempt: one read."""
    rows = {}
    if visitor.bearer is not None:
        wanted = [*visitor.row_keys()[:1], keys.addresses(visitor.bearer.user_id)]
        rows = read([*wanted, *([attempt.row_key] if attempt else [])], consistent=True)
    user, _ = sessions.signed_in(visitor, rows, now, changing=changing)
    sessions.address_proved(user)
    found = addresses.from_item(rows.get(keys.addresses(user.id)))
    return user, found, rows.get(attempt.row_key) if attempt else None


def _write(user: User, before: Book, after: Book, records: Sequence[Change] = ()) -> bool:
    """False where somebody else was quicker. The book of who was shut out or left meanwhile stays
    as it is."""
    changes = [] if after == before else [addresses.replace(user.id, before, after)]
    if not changes and not records:
        return True
    try:
        write(*changes, *records, users.acts(user))
    except ConditionFailed:
        return False
    return True


def _entry(book: Book, entry_id: str) -> Entry:
    if entry_id not in book.entries:
        raise Refusal(Reason.NOT_FOUND)
    return book.entries[entry_id]


def _own_name(user: User) -> str:
    return user.profile.name if user.profile else ""
