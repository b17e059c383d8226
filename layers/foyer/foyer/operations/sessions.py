"""Who is visiting, and how he comes to be somebody: guests, signing in, signing out."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from secrets import token_bytes

from foyer import passwords
from foyer.credentials import Asked, Bearer, Device, Entropy, new_id
from foyer.operations import proving
from foyer.operations.hand_over import Guest, arriving, wanted
from foyer.passwords import Cost
from foyer.rules import sessions as rules
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import Level, Session
from foyer.rules.users import (
    Standing,
    User,
    became_a_client,
    guest_standing,
    logon_id,
    may_sign_in,
    rate_id,
    session_standing,
)
from foyer.settings import own_language, settings
from foyer.storage import carts, keys, limits, receipts, users
from foyer.storage.idempotency import Attempt, Once
from foyer.storage.keys import Key
from foyer.storage.limits import Limit
from foyer.storage.outbox import Mail, new_mail
from foyer.storage.receipts import Receipt
from foyer.storage.secrets import link_keys, site_key
from foyer.storage.table import Change, ConditionFailed, Item, Put, Unavailable, read, write

RETRIES = 3
NOBODY = "nobody"  # whose rows are read where an address is nobody's: the same work (0.19)


@dataclass
class Visitor:
    """Whoever sends a request. Nothing is read until an operation asks who he is.

    `device`, `asked` and `passes` are cookies as they came; `browser` is what mails and lists call
    it by.
    """

    bearer: Bearer | None
    source: str  # the address he comes from
    chosen_language: str | None = None  # by ?lang=
    preferred_language: str = field(default_factory=own_language)  # by the browser's settings
    device: str = ""
    asked: str = ""
    passes: str = ""
    browser: str = ""
    # once recognised
    user: User | None = field(default=None, init=False)
    level: Level = field(default=Level.GENERIC, init=False)
    session: Session | None = field(default=None, init=False)
    line_count: int | None = field(default=None, init=False)  # None where it was not read
    has_account: bool = field(default=False, init=False)  # by now, and the cookie is of before
    # what this request made, for the answer's cookies
    minted: "Minted | None" = field(default=None, init=False)
    opened: "Opened | None" = field(default=None, init=False)
    left: bool = field(default=False, init=False)
    new_asked: str | None = field(default=None, init=False)
    new_passes: str | None = field(default=None, init=False)

    @property
    def language(self) -> str:
        if self.chosen_language is not None:
            return self.chosen_language
        if self.user is not None and self.user.language in settings().locales:
            return self.user.language
        return self.preferred_language

    @property
    def named_id(self) -> str:
        """Whom his cookie names, recognised or not; empty where it names nobody."""
        return "" if self.bearer is None else self.bearer.user_id

    def row_keys(self) -> list[Key]:
        """What must be read (consistently) to recognise him, with his cart."""
        if self.bearer is None:
            return []
        return [keys.user(self.bearer.user_id), keys.cart(self.bearer.user_id)]

    def recognise(
        self,
        found: Mapping[Key, Item],
        now: int,
        *,
        changing: bool = False,
    ) -> User | None:
        """The user this visitor's cookie stands for, from the rows just read, or None where it
        stands for nobody: then he is the generic user, whatever the cookie says. `changing` is for
        operations that write: there a cookie that died a moment ago is SESSION_CHANGED, lest it
        become a second guest (0.17). Pushes the idle clock when it is time (0.13)."""
        self.user, self.level, self.session, self.line_count = None, Level.GENERIC, None, 0
        if self.bearer is None:
            return None
        user = users.from_item(found.get(keys.user(self.bearer.user_id)))
        state, level = self._standing(user, now)
        if state is Standing.LIVE and user is not None:
            session = user.sessions.get(self.bearer.session_id or "")
            if _clock_is_due(user, session, level, now):
                user = _pushed(user, session, now, changing=changing)
                state, level = self._standing(user, now)
        self.has_account = became_a_client(user, self.bearer.secret_hash)
        if state is Standing.JUST_ENDED and changing:
            raise Refusal(Reason.SESSION_CHANGED)
        if state is not Standing.LIVE or user is None:
            return None
        self.user, self.level = user, level
        self.session = user.sessions.get(self.bearer.session_id or "")
        cart = keys.cart(user.id)
        self.line_count = len(carts.from_item(found[cart]).cart.lines) if cart in found else None
        return user

    def _standing(self, user: User | None, now: int) -> tuple[Standing, Level]:
        assert self.bearer is not None  # noqa: S101 - asked only of who has one
        session_id, secret_hash = self.bearer.session_id, self.bearer.secret_hash
        if session_id is None:
            return guest_standing(user, secret_hash, now), Level.GUEST
        return session_standing(user, session_id, secret_hash, now, POLICY.sessions)

    def leave(self) -> None:
        """Signed out: this answer takes the cookie away."""
        self.user, self.level, self.session, self.line_count = None, Level.GENERIC, None, 0
        self.left = True

    @property
    def cookie_hash(self) -> str | None:
        """By which the same browser is known again, whatever its cookie is worth."""
        return None if self.bearer is None else self.bearer.secret_hash

    def guest(self, found: Mapping[Key, Item]) -> Guest | None:
        """The guest he is, with the cart that was read."""
        if self.user is None or self.level is not Level.GUEST:
            return None
        return Guest(self.user, carts.from_item(found.get(keys.cart(self.user.id))))

    def known_device(self, email: str, now: int) -> Device | None:
        lasts = POLICY.sessions.device_days * rules.DAY
        return Device.read(site_key(now), self.device, email, now, lasts) if self.device else None


def _pushed(user: User, session: Session | None, now: int, *, changing: bool) -> User | None:
    """Looking does not fail where AWS fails to push: the next request does. What a guest adds does,
    and all of one whom the clean-up may be about to take."""
    try:
        return users.push_idle_clock(user, session, now)
    except Unavailable:
        overdue = now - user.seen_at >= POLICY.guests.idle_days * rules.DAY
        if session is None and (changing or overdue):
            raise
        return user


def _clock_is_due(user: User, session: Session | None, level: Level, now: int) -> bool:
    if session is None:
        return now - user.seen_at >= rules.GUEST_SEEN_EVERY
    # to push the clock of who is only remembered would sign him in again
    return level is Level.SIGNED_IN and rules.clock_is_due(session, now, staff=user.is_staff)


@dataclass(frozen=True)
class Minted:
    """A guest who was just made, and how many his source has made within the hour."""

    bearer: Bearer
    of_source: int


@dataclass(frozen=True)
class Opened:
    """A session that was just opened, and the browser it is known by from now on."""

    bearer: Bearer
    remember: bool
    device: str


def mint(visitor: Visitor, now: int, entropy: Entropy) -> User:
    """A new guest (H4), to be written together with what makes him one. Counts him against his
    source first (R10); refuses TOO_MANY_GUESTS past the limit."""
    limit = Limit("guest", visitor.source, POLICY.guests.per_source_per_hour)
    of_source = limits.count(limit, now)
    if of_source is None:
        raise Refusal(Reason.TOO_MANY_GUESTS, retry_after=limit.retry_after(now))
    bearer = Bearer.new_guest(entropy)
    visitor.minted = Minted(bearer, of_source)
    return User(bearer.user_id, visitor.language, now, bearer.secret_hash)


@dataclass(frozen=True)
class Presence:
    """Who this is, how sure we are, and how much is in his cart."""

    user: User | None
    level: Level
    line_count: int


def current(visitor: Visitor, now: int) -> Presence:
    """Who this is: nothing is read for the generic user (H1-H3), two rows in one call for a guest
    or client."""
    wanted_rows = visitor.row_keys()
    if not wanted_rows:
        return Presence(None, Level.GENERIC, 0)
    found = read(wanted_rows, consistent=True)
    user = visitor.recognise(found, now)
    if user is None:
        return Presence(None, Level.GENERIC, 0)
    lines = carts.from_item(found.get(keys.cart(user.id))).cart.lines
    return Presence(user, visitor.level, len(lines))


def signed_in(
    visitor: Visitor, found: Mapping[Key, Item], now: int, *, changing: bool = False
) -> tuple[User, Session]:
    """The client whose session this is, from the rows just read. Refuses SIGN_IN_REQUIRED, and
    SIGN_IN_AGAIN to who is only remembered."""
    user = visitor.recognise(found, now, changing=changing)
    if visitor.level is Level.REMEMBERED:
        raise Refusal(Reason.SIGN_IN_AGAIN)
    if user is None or visitor.session is None:
        raise Refusal(Reason.SIGN_IN_REQUIRED)
    return user, visitor.session


def proved(session: Session, now: int) -> None:
    """Refuses PROOF_REQUIRED where he has not proved to be himself within ten minutes (0.14)."""
    if not rules.is_proved(session, now, POLICY.sessions):
        raise Refusal(Reason.PROOF_REQUIRED)


def address_proved(user: User) -> None:
    """Refuses PROVE_ADDRESS to whose account was made by a link that people forward, until he types
    a code mailed to its address (0.9)."""
    if not user.is_proved:
        raise Refusal(Reason.PROVE_ADDRESS)


def line_count(visitor: Visitor, now: int) -> int:
    """How much is in his cart, for a page that has perhaps asked already who he is: that is not
    asked twice, for the second answer may be another."""
    if visitor.line_count is None and visitor.user is None:
        return current(visitor, now).line_count
    if visitor.line_count is None and visitor.user is not None:
        cart = keys.cart(visitor.user.id)
        visitor.line_count = len(
            carts.from_item(read([cart], consistent=True).get(cart)).cart.lines
        )
    return visitor.line_count or 0


def choose_language(visitor: Visitor, language: str, now: int) -> None:
    """A guest's or client's choice is kept; the generic user's travels in the address (0.20)."""
    wanted_rows = visitor.row_keys()[:1]
    found = read(wanted_rows, consistent=True) if wanted_rows else {}
    user = visitor.recognise(found, now, changing=True)
    if user is not None and user.language != language:
        users.set_language(user.id, language)


# ---- mails that strangers cause ------------------------------------------------------------------


def allow_mail(visitor: Visitor, email: str, now: int) -> None:
    """Counts a mail to this address against who asks for it (0.16), known address or not. Refuses
    TOO_MANY_MAILS."""
    rules_, typed = POLICY.mails, rate_id(email)
    device = visitor.known_device(email, now)
    if device is not None:
        allowed = [Limit("mail-device", device.id, rules_.per_device_per_hour)]
    else:
        pair = f"{visitor.source} {typed}"
        allowed = [
            Limit("mail-pair", pair, rules_.per_source_and_address_per_hour),
            Limit("mail-address", typed, rules_.per_address_per_day, rules.DAY),
            Limit("mail-source", visitor.source, rules_.per_source_per_hour),
        ]
    reached = limits.count_all(allowed, now)
    if reached is not None:
        raise Refusal(Reason.TOO_MANY_MAILS, retry_after=reached.retry_after(now))


def ask_code(visitor: Visitor, address: str, now: int, entropy: Entropy = token_bytes) -> None:
    """A code for this browser to whoever the address is; the same answer and work for every one.
    Who lives there is looked up when the mail is written. No Idempotency-Key here: each request
    gives its browser a code of its own."""
    found = read(visitor.row_keys()[:1], consistent=True) if visitor.bearer else {}
    visitor.recognise(found, now)
    email = logon_id(address)
    allow_mail(visitor, email, now)
    write(code_mail(visitor, address, now, entropy))


def attempt_of(visitor: Visitor, once: Once, route: str) -> Attempt | None:
    """None where he sent no key, or his cookie names nobody."""
    return once.of(visitor.named_id or None, route)


def begun(
    visitor: Visitor, once: Once, route: str, now: int, *, changing: bool = False
) -> tuple[Attempt | None, bool]:
    """Recognises who asks: his attempt, where he sent a key, and whether it was done before."""
    attempt = attempt_of(visitor, once, route)
    wanted_rows = visitor.row_keys()[:1] + ([attempt.row_key] if attempt else [])
    found = read(wanted_rows, consistent=True) if wanted_rows else {}
    if visitor.recognise(found, now, changing=changing) is None or attempt is None:
        return None, False
    return attempt, attempt.is_repeat(found.get(attempt.row_key), now)


def done_before(attempt: Attempt, user: User, found: Mapping[Key, Item], now: int) -> Item | None:
    """The record of the same request, where it was done before: by him, or by a guest he took over
    since (0.18). Refuses KEY_REUSED."""
    row = found.get(attempt.row_key)
    if attempt.is_repeat(row, now):
        return row
    if not user.took:
        return None
    theirs = [replace(attempt, user_id=guest) for guest in user.took]
    rows = read([each.row_key for each in theirs], consistent=True)
    return next((r for e in theirs if e.is_repeat(r := rows.get(e.row_key), now)), None)


def code_mail(visitor: Visitor, address: str, now: int, entropy: Entropy) -> Put:
    """The outbox row of a code good in this browser alone, which is given its cookie."""
    asked = Asked(new_id(entropy), now + POLICY.codes.seconds)
    visitor.new_asked = asked.signed(site_key(now), logon_id(address))
    return asked_mail("code", visitor, address, now, entropy, nonce=asked.nonce)


def asked_mail(
    kind: str, visitor: Visitor, address: str, now: int, entropy: Entropy, **facts: str
) -> Put:
    """The outbox row of a mail somebody asked for from this browser."""
    told = {"browser": visitor.browser, **facts}
    return new_mail(Mail(new_id(entropy), kind, address, visitor.language, told, now))


def notice(kind: str, user: User, now: int, entropy: Entropy, **facts: str) -> Put:
    """The outbox row of a mail that tells a user what happened to his account, in his language."""
    to = user.address or ""
    return new_mail(Mail(new_id(entropy), kind, to, user.language, facts, now))


def mail_once(mail: Put, records: list[Put]) -> None:
    """The mail, unless the same request asked for it meanwhile."""
    with suppress(ConditionFailed):
        write(mail, *records)


# ---- signing in ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """What somebody signs in with. `take_over`: whether an older guest's cart comes along."""

    address: str
    password: str | None = None
    code: str | None = None
    remember: bool = False
    take_over: bool | None = None


@dataclass(frozen=True)
class SignedIn:
    presence: Presence
    receipt: Receipt | None


def sign_in(visitor: Visitor, given: Given, now: int, entropy: Entropy = token_bytes) -> SignedIn:
    """A session for who gives the right password or mailed code. This browser's guest hands his
    cart over. Refuses WRONG_CREDENTIALS the same way whether or not there is such a user, and says
    what keeps an account out only to who proved to be its owner (H19, 0.19)."""
    email = logon_id(given.address)
    asked = Asked.read(site_key(now), visitor.asked, email, now) if given.code else None
    mine = [*visitor.row_keys(), keys.email(email)]
    if asked is not None:
        mine.append(limits.code_key(asked.nonce, now))
    found = read(mine, consistent=True)
    visitor.recognise(found, now)
    device = visitor.known_device(email, now)
    owner = users.owner_of(found.get(keys.email(email)))
    if device is not None and device.since < users.proved_at(found.get(keys.email(email))):
        device = None  # the address was somebody else's then
    counted = _count_attempt(visitor, given, email, asked, device, now)
    rows = read(_account_keys(owner or NOBODY, given, visitor), consistent=True)
    proven = _prove(given, owner, rows, email, asked, found, counted, now)
    if proven is None or _spent_while_signed_in(visitor, asked, found, now):
        raise Refusal(Reason.WRONG_CREDENTIALS)
    taken_back, settled = _settled(visitor, given, email, asked, counted, now)
    try:
        may_sign_in(proven)
        _check_staff(visitor, given, proven, device, now, entropy)
        wanted(visitor.guest(found), given.take_over, now)
    except Refusal:
        if taken_back:  # he was right: it was no failure
            write(*taken_back)
        raise
    for _ in range(RETRIES + 1):
        account = users.from_item(rows.get(keys.user(proven.id)))
        if account is None or account.epoch != proven.epoch:
            raise Refusal(Reason.WRONG_CREDENTIALS)  # the password was changed meanwhile
        moved = arriving(visitor.guest(found), given.take_over, account.id, rows, now)
        bearer, session = new_session(visitor, account.id, now, entropy, remember=given.remember)
        dropped = set(rules.to_drop(account.sessions.values(), now, POLICY.sessions))
        dropped |= set(replaced(visitor, account))
        by_mail = given.code is not None
        anew = by_mail and not account.is_proved and device is None
        if anew:
            entered = proving.own_now(account, session, moved.guests)
        else:
            entered = replace(account, is_proved=account.is_proved or by_mail)
        opening = users.open_session(account, session, dropped, moved.guests, proves=by_mail)
        try:
            write(
                *(proving.changes(account, entered, now, entropy) if anew else [opening]),
                *left_elsewhere(visitor, account, now),
                *moved.changes,
                *taken_back,
                *settled,
                *_notice(visitor, account, device, now, entropy),
            )
        except ConditionFailed:
            found = read(mine, consistent=True)
            visitor.recognise(found, now)
            rows = read(_account_keys(proven.id, given, visitor), consistent=True)
            continue
        receipt = moved.receipt or _earlier_receipt(visitor, account.id, rows)
        arrive(visitor, bearer, entered, session, now, entropy, len(moved.cart.lines))
        return SignedIn(Presence(entered, Level.SIGNED_IN, len(moved.cart.lines)), receipt)
    raise Refusal(Reason.BUSY, retry_after=1)


def _notice(
    visitor: Visitor, user: User, device: Device | None, now: int, entropy: Entropy
) -> list[Change]:
    """Staff are told of each browser we did not know (R45)."""
    if device is not None or not user.is_staff:
        return []
    return [notice("new_device", user, now, entropy, browser=visitor.browser)]


def _account_keys(user_id: str, given: Given, visitor: Visitor) -> list[Key]:
    wanted_rows = [keys.user(user_id), keys.cart(user_id)]
    if given.password is not None:
        wanted_rows.append(keys.credential(user_id))
    if visitor.bearer is not None and (visitor.user is None or visitor.user.lives_on):
        # a repeat, perhaps
        wanted_rows.append(keys.receipt(user_id, visitor.bearer.user_id))
    return wanted_rows


def _count_attempt(
    visitor: Visitor,
    given: Given,
    email: str,
    asked: Asked | None,
    device: Device | None,
    now: int,
) -> "Counted":
    """Counts the attempt against source and account before anything is compared (R6-R8). Refuses
    TOO_MANY_ATTEMPTS, known address or not."""
    with_password = given.password is not None
    wait = limits.sign_ins(visitor.source, with_password=with_password, now=now)
    if wait is not None:
        raise Refusal(Reason.TOO_MANY_ATTEMPTS, retry_after=wait)
    may_try, good = True, given.code is None
    guesses = limits.guesses(email, device.id if device else None, now)
    if with_password:
        may_try, wait = guesses.count(now)
        if wait is not None:
            raise Refusal(Reason.TOO_MANY_ATTEMPTS, retry_after=wait)
    if given.code is not None and asked is not None:
        good = limits.count_code(asked.nonce, email, digits=len(given.code) == 6, now=now)
    return Counted(guesses if with_password else None, may_try=good and may_try)


@dataclass(frozen=True)
class Counted:
    """An attempt that was counted; `may_try` where what was given is compared at all."""

    guesses: limits.Guesses | None
    may_try: bool


def _prove(
    given: Given,
    owner: str | None,
    rows: Mapping[Key, Item],
    email: str,
    asked: Asked | None,
    found: Mapping[Key, Item],
    counted: Counted,
    now: int,
) -> User | None:
    """The user, if what was given is his; one hash for any password, whoever it is of (R14)."""
    user_id = owner or NOBODY
    user = users.from_item(rows.get(keys.user(user_id)))
    right = counted.may_try and user is not None
    if given.password is not None:
        stored = users.password_of(user, rows)
        verdict = passwords.verify(given.password, stored, cost())
        right = right and verdict.right
        if right and verdict.outdated and user is not None and stored is not None:
            _rehash(user, given.password, stored, now)
    if given.code is not None:
        right = right and asked is not None and asked.is_answered(link_keys(now), email, given.code)
        spent = _spent_at(asked, found, now)
        right = right and (spent is None or now - spent < POLICY.codes.repeat_seconds)
        # one asked for before his sessions were ended died with them (R19, R27)
        asked_at = 0 if asked is None else asked.until - POLICY.codes.seconds
        right = right and user is not None and asked_at >= user.epoch_at
    return user if right else None


def _spent_at(asked: Asked | None, found: Mapping[Key, Item], now: int) -> int | None:
    if asked is None:
        return None
    at = found.get(limits.code_key(asked.nonce, now), {}).get("spent_at")
    return None if at is None else int(at)


def _spent_while_signed_in(
    visitor: Visitor, asked: Asked | None, found: Mapping[Key, Item], now: int
) -> bool:
    """A spent code is good again for an answer that was lost, not for who got it (0.15)."""
    return visitor.session is not None and _spent_at(asked, found, now) is not None


def _rehash(user: User, password: str, stored: str, now: int) -> None:
    """The same password at today's cost (R3), unless it was changed meanwhile."""
    hashed = passwords.hashed(password, cost())
    with suppress(ConditionFailed):
        write(users.put_password(user, hashed, now, instead_of=stored))


def _settled(
    visitor: Visitor,
    given: Given,
    email: str,
    asked: Asked | None,
    counted: Counted,
    now: int,
) -> tuple[list[Change], list[Change]]:
    """The attempt was right: what takes back the failure that was counted in advance, and what
    spends the code."""
    taken_back, spent = list[Change](), list[Change]()
    if counted.guesses is not None:
        taken_back = [counted.guesses.forget(), limits.no_failure(visitor.source, now)]
    if given.code is not None and asked is not None:
        spent = [limits.spend_code(asked.nonce, now), limits.no_wrong_codes(email, now)]
    return taken_back, spent


def _check_staff(
    visitor: Visitor, given: Given, user: User, device: Device | None, now: int, entropy: Entropy
) -> None:
    """Staff need both on a browser we do not know; a code alone never signs them in (0.10)."""
    known = device is not None or given.code is not None
    if not user.is_staff or (known and given.password):
        return
    if given.password is None:
        raise Refusal(Reason.WRONG_CREDENTIALS)
    limit = Limit("mail-account", user.id, POLICY.mails.per_device_per_hour)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_MAILS, retry_after=limit.retry_after(now))
    write(code_mail(visitor, user.address or given.address, now, entropy))
    raise Refusal(Reason.CODE_REQUIRED)


def _earlier_receipt(visitor: Visitor, account_id: str, rows: Mapping[Key, Item]) -> Receipt | None:
    """What this browser's guest handed over before, where the answer was lost. The receipt stands
    under the account, and only who holds the guest's cookie asks for it."""
    if visitor.bearer is None:
        return None
    return receipts.from_item(rows.get(keys.receipt(account_id, visitor.bearer.user_id)))


def cost() -> Cost:
    return Cost.parse(settings().password_cost)


def new_session(
    visitor: Visitor, user_id: str, now: int, entropy: Entropy, *, remember: bool = False
) -> tuple[Bearer, Session]:
    bearer = Bearer.new_session(user_id, entropy)
    assert bearer.session_id is not None  # noqa: S101 - it is of a session
    hash_ = bearer.secret_hash
    return bearer, Session(bearer.session_id, hash_, now, now, now, remember, visitor.browser)


def replaced(visitor: Visitor, account: User) -> list[str]:
    """The session this browser had of the same user: it gives way to the new one (R26)."""
    own = visitor.session is not None and visitor.user is not None
    return [visitor.session.id] if own and visitor.user.id == account.id else []  # type: ignore[union-attr]


def left_elsewhere(visitor: Visitor, account: User, now: int) -> list[Change]:
    """Ends the session this browser had of another user."""
    if visitor.session is None or visitor.user is None or visitor.user.id == account.id:
        return []
    return [users.end_session(visitor.user.id, visitor.session.id, now)]


def arrive(
    visitor: Visitor,
    bearer: Bearer,
    user: User,
    session: Session,
    now: int,
    entropy: Entropy,
    line_count: int,
) -> None:
    """From now on this request is the user's; its answer sets the cookies."""
    known = Device(new_id(entropy), now).signed(site_key(now), user.email or "")
    visitor.bearer = bearer
    visitor.user, visitor.level, visitor.session = user, Level.SIGNED_IN, session
    visitor.line_count = line_count
    visitor.opened = Opened(bearer, session.remember, known)


def sign_out(visitor: Visitor, now: int) -> None:
    """Ends this browser's session; once more is the same. A guest stays who he is: he has nothing
    to come back with but his cookie."""
    if visitor.bearer is None or visitor.bearer.session_id is None:
        return
    found = read(visitor.row_keys()[:1], consistent=True)
    if visitor.recognise(found, now) is not None:
        assert visitor.session is not None  # noqa: S101 - a session's cookie
        with suppress(ConditionFailed):
            write(users.end_session(visitor.bearer.user_id, visitor.session.id, now))
    visitor.leave()
