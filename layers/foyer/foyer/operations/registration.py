"""From guest to client: signing up, the mailed link, a forgotten password.

A sign-up is a claim, not an account (mission 0.3). Only the mailed link makes the account: in the
browser that holds the guest, that guest becomes the client; anywhere else a fresh user is made, who
takes the guest's things along if he asks for them.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer import passwords
from foyer.credentials import Entropy, Token, fingerprint, new_id
from foyer.operations.hand_over import Guest, HandOver, hand_over, wanted
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
    mint,
    new_session,
    replaced,
)
from foyer.rules.carts import Cart
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY, Level, to_drop
from foyer.rules.users import (
    Event,
    Profile,
    State,
    User,
    after,
    logon_id,
    masked,
    may_sign_in,
)
from foyer.settings import settings
from foyer.storage import carts, claims, keys, limits, links, organizations, receipts, users
from foyer.storage.carts import Stored
from foyer.storage.claims import Claim
from foyer.storage.idempotency import UNKEYED, Attempt, Once
from foyer.storage.keys import Key
from foyer.storage.links import Link
from foyer.storage.receipts import Receipt
from foyer.storage.secrets import link_keys, site_key
from foyer.storage.table import Change, ConditionFailed, Item, Put, read, write

NO_CART = Stored(Cart(), {}, exists=False)


@dataclass(frozen=True)
class SignUp:
    """What somebody fills in. `terms` is the version he agreed to."""

    address: str
    profile: Profile
    terms: str
    newsletter: bool = False
    language: str | None = None


def sign_up(
    visitor: Visitor,
    form: SignUp,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> None:
    """Writes down who wants which address, and has its owner mailed. The same answer, rows and
    calls for every address; no password is asked for and nothing is promised. The generic user
    becomes a guest by it."""
    attempt, repeated = begun(visitor, once, "registrations", now, changing=True)
    if repeated:
        return
    user, email = visitor.user, logon_id(form.address)
    _check_terms(form.terms)
    allow_mail(visitor, email, now)
    claim_id, email_hash = new_id(entropy), _email_hash(email, now, user)
    changes: list[Change] = []
    if user is None:
        guest, _ = mint(visitor, now, entropy)
        changes.append(users.new_guest(replace(guest, claims={claim_id: email_hash})))
        owner = guest.id
    else:
        owner = user.id if visitor.level is Level.GUEST else claim_id
    claim = Claim(
        id=claim_id,
        owner=owner,
        email=email,
        address=form.address,
        profile=form.profile,
        language=form.language or visitor.language,
        terms=form.terms,
        newsletter=form.newsletter,
        made_at=now,
        expires=now + POLICY.claims.days * DAY,
        link_id=new_id(entropy),
        link_until=now + POLICY.links.activation_seconds,
    )
    changes.append(claims.new_claim(claim))
    mail = asked_mail("sign_up", visitor, claim.address, now, entropy, **_names(claim))
    changes += [mail, *([attempt.record(now)] if attempt else [])]
    try:
        _write_claim(visitor, claim, email_hash, changes, attempt, now)
    except Exception:
        visitor.minted = None  # no cookie for a guest who may not exist
        raise


def _write_claim(
    visitor: Visitor,
    claim: Claim,
    email_hash: str,
    changes: list[Change],
    attempt: Attempt | None,
    now: int,
) -> None:
    """Keeps a guest's claims at the most there may be: one more replaces the oldest."""
    for _ in range(RETRIES + 1):
        guest, held = visitor.user, list[Change]()
        if guest is not None and claim.guest_id is not None:
            oldest = next(iter(_by_age(guest))) if len(guest.claims) >= POLICY.claims.most else None
            held.append(users.hold_claim(guest, claim.id, email_hash, oldest))
            if oldest is not None:
                held.append(claims.drop(guest.id, oldest))
        try:
            write(*held, *changes)
        except ConditionFailed:
            again = UNKEYED if attempt is None else Once(attempt.key, attempt.body)
            _, repeated = begun(visitor, again, "registrations", now, changing=True)
            if repeated:
                return
            if visitor.user is None or visitor.user.id != claim.guest_id:
                raise Refusal(Reason.SESSION_CHANGED) from None
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def _by_age(guest: User) -> list[str]:
    return sorted(guest.claims, key=lambda id_: guest.claims[id_])


def _email_hash(email: str, now: int, guest: User | None) -> str:
    """The guest's own row says which claim is on which address, without saying the address; what
    it begins with puts claims in order."""
    held = guest.claims.values() if guest is not None else ()
    number = 1 + max((int(value.partition(".")[0]) for value in held), default=0)
    return f"{number:06d}.{fingerprint(site_key(now), 'claims', email)}"


def _names(claim: Claim) -> dict[str, str]:
    return {"owner": claim.owner, "claim": claim.id}


def resend(
    visitor: Visitor,
    address: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> None:
    """Another mail to the address. Only the browser that holds a claim on it replaces the link; to
    anybody else's wish the newest link goes out again, unchanged (0.3)."""
    attempt, repeated = begun(visitor, once, "resend", now, changing=True)
    if repeated:
        return
    email, records = logon_id(address), [attempt.record(now)] if attempt else []
    allow_mail(visitor, email, now)
    own = _own_claims(visitor, email, now)
    if not own:
        _mail_once(asked_mail("resend", visitor, address, now, entropy), records)
        return
    rows = read([own[-1]], consistent=True)
    claim = claims.from_item(rows.get(own[-1]), now)
    changes: list[Change] = []
    if claim is not None and claim.redeemed_at is None:
        changes.append(claims.new_link(claim, new_id(entropy), now))
        changes.append(asked_mail("resend", visitor, claim.address, now, entropy, **_names(claim)))
    else:
        changes.append(asked_mail("resend", visitor, address, now, entropy))
    try:
        write(*changes, *records)
    except ConditionFailed:  # replaced or redeemed meanwhile: whatever is true then is mailed
        _mail_once(asked_mail("resend", visitor, address, now, entropy), records)


def _mail_once(mail: Put, records: list[Put]) -> None:
    """The mail, unless the same request asked for it meanwhile."""
    with suppress(ConditionFailed):
        write(mail, *records)


def _own_claims(visitor: Visitor, email: str, now: int) -> list[Key]:
    """The claims of this browser's guest on the address, the newest last."""
    if visitor.user is None or visitor.level is not Level.GUEST:
        return []
    guest, wanted_hash = visitor.user, fingerprint(site_key(now), "claims", email)
    return [
        keys.claim(guest.id, id_)
        for id_ in _by_age(guest)
        if guest.claims[id_].partition(".")[2] == wanted_hash
    ]


# ---- the link ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """What a link would do in this browser. `address` is masked; times are epoch seconds."""

    this_browser: bool
    address: str
    name: str
    organization: str | None
    line_count: int
    begun_at: int | None
    terms_accepted: bool


@dataclass(frozen=True)
class Choice:
    """What is sent with the link. What is None was not sent."""

    password: str | None = None
    name: str | None = None
    profile_type: str | None = None
    organization_id: str | None = None
    terms: str | None = None
    newsletter: bool = False
    take_over: bool | None = None


@dataclass(frozen=True)
class Activated:
    """`presence` is None where staff must approve first."""

    status: State
    presence: Presence | None
    receipt: Receipt | None


@dataclass(frozen=True)
class _Link:
    """A genuine link of a claim in this browser: the claim that was mailed, and the one this
    browser's own guest holds on the same address, if any."""

    mailed: Claim
    own: Claim | None


def preview(visitor: Visitor, text: str, now: int) -> Preview:
    """What the page shows before anything happens. Refuses what `activate` would."""
    link = _open(visitor, text, now)
    _refuse_session(visitor, link.mailed)
    claim = link.own or link.mailed
    owner = link.mailed.guest_id
    wanted_rows = [keys.email(claim.email), keys.organization(_organization(claim.profile, None))]
    if owner is not None:
        wanted_rows += [keys.user(owner), keys.cart(owner)]
    if visitor.user is not None:
        wanted_rows.append(keys.cart(visitor.user.id))
    rows = read(wanted_rows, consistent=True)
    _refuse_taken(rows, claim, visitor)
    guest = _their_guest(link, rows) if link.own is None else visitor.guest(rows)
    organization = rows.get(wanted_rows[1])
    return Preview(
        this_browser=link.own is not None,
        address=masked(claim.address),
        name=claim.profile.name,
        organization=None if organization is None else organization["name"],
        line_count=0 if guest is None else len(guest.cart.cart.lines),
        begun_at=None if guest is None else guest.begun_at(),
        terms_accepted=link.own is not None and claim.terms == POLICY.shop.terms.version,
    )


def _refuse_taken(rows: Mapping[Key, Item], claim: Claim, visitor: Visitor) -> None:
    """Once an address is somebody's, claims on it are void; a rejected person's may be."""
    owner = users.owner_of(rows.get(keys.email(claim.email)))
    if owner is None or (visitor.user is not None and visitor.user.id == owner):
        return
    user = users.from_item(read([keys.user(owner)], consistent=True).get(keys.user(owner)))
    if user is None or user.state is not State.REJECTED:
        raise Refusal(Reason.ALREADY_ACTIVE)


def activate(
    visitor: Visitor, text: str, choice: Choice, now: int, entropy: Entropy = token_bytes
) -> Activated:
    """The link redeemed, once: this browser's guest becomes the client, the same user; in another
    browser a fresh user is made, with a password chosen there. Whoever did it may ask again for ten
    minutes: a new session, and nothing else. Refuses what is in the way and changes nothing."""
    for _ in range(RETRIES + 1):
        try:
            link = _open(visitor, text, now)
        except _Redeemed as redeemed:
            return _again(visitor, redeemed.claim, choice, now, entropy)
        try:
            return _redeem(visitor, link, choice, now, entropy)
        except ConditionFailed:
            continue
    raise Refusal(Reason.BUSY, retry_after=1)


class _Redeemed(Refusal):
    """The link was used: by whom, the claim says."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(Reason.ALREADY_ACTIVE)
        self.claim = claim


def _open(visitor: Visitor, text: str, now: int) -> _Link:
    """Reads who visits and what the link is about; refuses a link that is not good any more."""
    token = Token.parse("act", text)
    if token is None or not token.is_genuine(link_keys(now)):
        raise Refusal(Reason.LINK_INVALID)
    key = keys.claim(token.owner, token.subject)
    found = read([*visitor.row_keys()[:1], key], consistent=True)
    visitor.recognise(found, now)
    mailed = claims.from_item(found.get(key), now)
    if mailed is None:
        raise Refusal(Reason.LINK_EXPIRED)
    if mailed.redeemed_at is not None:
        raise _Redeemed(mailed)
    if mailed.link_id != token.link_id:
        raise Refusal(Reason.LINK_REPLACED)
    if now >= mailed.link_until:
        raise Refusal(Reason.LINK_EXPIRED)
    return _Link(mailed, _own_claim(visitor, mailed, now))


def _own_claim(visitor: Visitor, mailed: Claim, now: int) -> Claim | None:
    """In a browser whose own guest has a claim on the address, a valid link redeems that one. Who
    waits for approval already is no guest to promote; who was rejected is, under his own address
    alone: a row that is another person's is never made anybody's."""
    if visitor.user is None or visitor.level is not Level.GUEST:
        return None
    applies_again = visitor.user.state is State.REJECTED and visitor.user.email == mailed.email
    if visitor.user.state is not State.GUEST and not applies_again:
        return None
    if mailed.guest_id == visitor.user.id:
        return mailed
    own = _own_claims(visitor, mailed.email, now)
    rows = read(own, consistent=True) if own else {}
    found = [claims.from_item(rows.get(key), now) for key in own]
    return next((c for c in reversed(found) if c is not None and c.redeemed_at is None), None)


def _refuse_session(visitor: Visitor, claim: Claim) -> None:
    if visitor.session is None or visitor.user is None:
        return
    own = visitor.user.email == claim.email
    raise Refusal(
        Reason.ALREADY_ACTIVE if own else Reason.OTHER_ADDRESS,
        facts={"address": masked(claim.address)},
    )


def _redeem(visitor: Visitor, link: _Link, choice: Choice, now: int, entropy: Entropy) -> Activated:
    """One attempt; raises ConditionFailed where something changed since it was read."""
    _refuse_session(visitor, link.mailed)
    _check_choice(link, choice)
    claim = link.own or link.mailed
    profile = _profile(link, choice)
    wanted_rows = [keys.organization(organizations.DEFAULT)]
    if profile.organization_id is not None:
        wanted_rows.append(keys.organization(profile.organization_id))
    if visitor.user is not None:
        wanted_rows.append(keys.cart(visitor.user.id))
    if _takes_theirs(link, choice):
        wanted_rows += [keys.user(link.mailed.owner), keys.cart(link.mailed.owner)]
    # in this browser nothing that is read here decides anything that is not a condition as well
    rows = read(wanted_rows, consistent=link.own is None)
    organization = rows.get(keys.organization(profile.organization_id or ""))
    if organization is None:  # a wish for one that is not there is ignored (0.5)
        profile = replace(profile, organization_id=organizations.DEFAULT)
        organization = rows.get(wanted_rows[0])
    waits = organizations.needs_approval(organization)
    account = _account(visitor, link, choice, profile, now, entropy, waits=waits)
    bearer, session = new_session(visitor, account.id, now, entropy)
    if not waits:
        account = replace(account, sessions={session.id: session})
    move = _move(visitor, link, choice, rows, account, now)
    account = replace(account, took=dict.fromkeys(move.guests, now))
    changes = _changes(visitor, link, choice, account, now, entropy)
    try:
        write(*changes, *move.changes)
    except ConditionFailed as failed:
        owner = _taken_by(failed, changes, claim)
        if owner is None:
            raise
        lost = _losing(owner, account)
        own = _with_address(changes, users.own_address(claim.email, account.id, now, of=owner))
        write(*own, *lost, *move.changes)
    if waits:
        return Activated(State.PENDING_APPROVAL, None, None)
    line_count = len(move.cart.lines)
    arrive(visitor, bearer, account, session, now, entropy, line_count)
    return Activated(State.APPROVED, Presence(account, Level.SIGNED_IN, line_count), move.receipt)


def _check_choice(link: _Link, choice: Choice) -> None:
    if choice.terms is not None:
        _check_terms(choice.terms)
    if link.own is None:
        if choice.password is None:
            raise Refusal(Reason.PASSWORD_REQUIRED, pointer="#/password")
        if choice.name is None:
            raise Refusal(Reason.NAME_REQUIRED, pointer="#/name")
    if choice.password is not None:
        check_password(choice.password, link.mailed.address)


def check_password(password: str, address: str, pointer: str = "#/password") -> None:
    """Refuses WEAK_PASSWORD."""
    if passwords.is_weak(password, (address, settings().site_name, settings().site_url)):
        raise Refusal(Reason.WEAK_PASSWORD, pointer=pointer)


def _check_terms(version: str) -> None:
    if version != POLICY.shop.terms.version:
        raise Refusal(Reason.TERMS_CHANGED, pointer="#/consents/terms")


def _profile(link: _Link, choice: Choice) -> Profile:
    """Elsewhere a claim gives only its address: the rest counts if sent again (0.3)."""
    said = link.own.profile if link.own is not None else Profile(choice.name or "", "C")
    return replace(
        said,
        name=choice.name or said.name,
        profile_type=choice.profile_type or said.profile_type,
        organization_id=choice.organization_id or said.organization_id,
    )


def _organization(profile: Profile, choice: Choice | None) -> str:
    wish = None if choice is None else choice.organization_id
    return wish or profile.organization_id or organizations.DEFAULT


def _account(
    visitor: Visitor,
    link: _Link,
    choice: Choice,
    profile: Profile,
    now: int,
    entropy: Entropy,
    *,
    waits: bool,
) -> User:
    """The user as he will be: the guest of this browser, or a fresh one."""
    claim = link.own or link.mailed
    same = visitor.user if link.own is not None else None
    event = Event.ASK_APPROVAL if waits else Event.ACTIVATE
    status = after(State.NOBODY if same is None else same.state, event)
    terms = choice.terms or (claim.terms if link.own is not None else None)
    return User(
        id=new_id(entropy) if same is None else same.id,
        language=visitor.chosen_language or (same.language if same else visitor.language),
        seen_at=now,
        secret_hash=None if same is None else same.secret_hash,
        status=status,
        email=claim.email,
        address=claim.address,
        profile=profile,
        roles=(),
        epoch=1 if same is None else same.epoch + 1,
        password_id=None if choice.password is None else new_id(entropy),
        terms=terms,
    )


def _takes_theirs(link: _Link, choice: Choice) -> bool:
    return link.own is None and choice.take_over is True and link.mailed.guest_id is not None


def _move(
    visitor: Visitor,
    link: _Link,
    choice: Choice,
    rows: Mapping[Key, Item],
    account: User,
    now: int,
) -> HandOver:
    """In this browser nothing moves: what the guest owns stands under the id he keeps. Elsewhere
    the claim's guest hands over if asked for, this browser's own as at sign-in (0.7)."""
    if link.own is not None:
        cart = carts.from_item(rows.get(keys.cart(account.id))).cart
        return HandOver((), (), cart, None)
    if account.status is not State.APPROVED:
        return HandOver((), (), Cart(), None)
    guests = [wanted(visitor.guest(rows), choice.take_over, now)]
    if _takes_theirs(link, choice):
        guests.append(_their_guest(link, rows))
    present = [guest for guest in guests if guest is not None]
    return hand_over(present, account.id, NO_CART, now)


def _their_guest(link: _Link, rows: Mapping[Key, Item]) -> Guest | None:
    """The guest who signed up, only while he is an unpromoted one."""
    owner = link.mailed.guest_id
    user = None if owner is None else users.from_item(rows.get(keys.user(owner)))
    if user is None or user.state is not State.GUEST or user.ended_at is not None:
        return None
    return Guest(user, carts.from_item(rows.get(keys.cart(user.id))))


def _changes(
    visitor: Visitor, link: _Link, choice: Choice, account: User, now: int, entropy: Entropy
) -> list[Change]:
    """What makes the account, in one transaction; as many items for an empty cart as for a full
    one."""
    claim, same = link.own or link.mailed, visitor.user if link.own is not None else None
    assert account.email is not None  # noqa: S101 - of the claim
    changes: list[Change] = [
        users.new_account(account) if same is None else users.promote(same, account, now),
        claims.redeem(claim, account, visitor.cookie_hash, now),
        users.own_address(account.email, account.id, now),
        users.audit(account.id, new_id(entropy), "activated", account.id, now),
    ]
    if link.mailed is not claim:
        changes.append(claims.redeem(link.mailed, account, visitor.cookie_hash, now))
    if choice.password is not None:
        changes.append(users.put_password(account, passwords.hashed(choice.password, cost()), now))
    if account.terms is not None:
        newsletter = choice.newsletter if choice.terms is not None else claim.newsletter
        changes.append(users.consent(account.id, new_id(entropy), account.terms, newsletter, now))
    if account.status is State.APPROVED:
        address = account.address or account.email
        changes.append(asked_mail("activated", visitor, address, now, entropy))
    return changes


def _taken_by(failed: ConditionFailed, changes: list[Change], claim: Claim) -> str | None:
    """Whose the address is, where that alone stood in the way."""
    at = next(i for i, change in enumerate(changes) if _is_address(change, claim))
    others = [item for i, item in enumerate(failed.items) if i != at]
    return None if any(item is not None for item in others) else users.owner_of(failed.items[at])


def _is_address(change: Change, claim: Claim) -> bool:
    item = getattr(change, "item", None)
    return item is not None and item["pk"] == keys.email(claim.email).pk


def _with_address(changes: list[Change], own: Change) -> list[Change]:
    """The same changes, the address taken over from its owner."""
    pk = own.item["pk"]  # type: ignore[union-attr]
    return [own if getattr(c, "item", {"pk": ""})["pk"] == pk else c for c in changes]


def _losing(owner_id: str, account: User) -> list[Change]:
    """The address is somebody's. A rejected person may register again, and it moves (0.4); of
    anybody else the claim is void."""
    if owner_id == account.id:
        return []
    key = keys.user(owner_id)
    owner = users.from_item(read([key], consistent=True).get(key))
    if owner is None or owner.state is not State.REJECTED:
        raise Refusal(Reason.ALREADY_ACTIVE)
    return [users.supersede(owner)]


def _again(visitor: Visitor, claim: Claim, choice: Choice, now: int, entropy: Entropy) -> Activated:
    """The link was redeemed. Whoever did it, known by his cookie or his password, gets a session:
    his answer may have been lost (0.18)."""
    _refuse_session(visitor, claim)
    assert claim.redeemed_at is not None  # noqa: S101 - it was redeemed
    assert claim.redeemed_by is not None  # noqa: S101
    user_id = claim.redeemed_by
    if now - claim.redeemed_at >= POLICY.links.repeat_seconds:
        raise Refusal(Reason.ALREADY_ACTIVE)
    wanted_rows = [keys.user(user_id), keys.credential(user_id), keys.cart(user_id)]
    guests = {claim.owner} | ({visitor.bearer.user_id} if visitor.bearer else set())
    wanted_rows += [keys.receipt(user_id, guest) for guest in sorted(guests)]
    wanted_rows += visitor.row_keys()[1:]
    rows = read(wanted_rows, consistent=True)
    user = users.from_item(rows.get(keys.user(user_id)))
    stored = users.password_of(user, rows)
    did_it = visitor.cookie_hash is not None and visitor.cookie_hash == claim.redeemed_with
    if choice.password is not None:
        did_it = _has_password(visitor, claim.email, stored, choice.password, now)
    if user is None or not did_it or user.epoch != claim.redeemed_epoch:
        raise Refusal(Reason.ALREADY_ACTIVE)
    if user.status is State.PENDING_APPROVAL:
        return Activated(State.PENDING_APPROVAL, None, None)
    told = [receipts.from_item(rows.get(keys.receipt(user_id, guest))) for guest in sorted(guests)]
    done = _enter_again(visitor, user, rows, choice.take_over, now, entropy)
    earlier = next((receipt for receipt in told if receipt is not None), None)
    return Activated(State.APPROVED, done.presence, done.receipt or earlier)


def _enter_again(
    visitor: Visitor,
    user: User,
    rows: Mapping[Key, Item],
    take_over: bool | None,
    now: int,
    entropy: Entropy,
) -> "Reset":
    """Another session for who redeemed a link; a guest he has become meanwhile hands over."""
    may_sign_in(user)
    guest = wanted(visitor.guest(rows), take_over, now)
    account_cart = carts.from_item(rows.get(keys.cart(user.id)))
    move = hand_over([guest] if guest else [], user.id, account_cart, now)
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


def _has_password(
    visitor: Visitor, email: str, stored: str | None, password: str, now: int
) -> bool:
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


# ---- a forgotten password ------------------------------------------------------------------------


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
    _mail_once(asked_mail("reset", visitor, address, now, entropy), records)


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
    guest = wanted(visitor.guest(found), take_over, now)
    account_cart = carts.from_item(found.get(keys.cart(user.id)))
    move = hand_over([guest] if guest else [], user.id, account_cart, now)
    bearer, session = new_session(visitor, user.id, now, entropy)
    changed = replace(user, password_id=new_id(entropy), epoch=user.epoch + 1)
    write(
        users.replace_sessions(user, session, now, changed.password_id, move.guests),
        links.use(link, visitor.cookie_hash, now),
        *new_password(visitor, changed, password, now, entropy),
        *left_elsewhere(visitor, user, now),
        *move.changes,
    )
    arrive(visitor, bearer, changed, session, now, entropy, len(move.cart.lines))
    return Reset(Presence(changed, Level.SIGNED_IN, len(move.cart.lines)), move.receipt)


def new_password(
    visitor: Visitor, user: User, password: str, now: int, entropy: Entropy
) -> list[Change]:
    """The password, its notice by mail, its audit; failures counted before begin anew."""
    assert user.email is not None  # noqa: S101 - an account has one
    address = user.address or user.email
    return [
        users.put_password(user, passwords.hashed(password, cost()), now),
        users.audit(user.id, new_id(entropy), "password_changed", user.id, now),
        limits.guesses(user.email, None, now).forget(),
        asked_mail("password_changed", visitor, address, now, entropy),
    ]


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
    if not _has_password(visitor, user.email or "", stored, password, now):
        raise Refusal(Reason.ALREADY_ACTIVE)
    earlier = receipts.from_item(rows.get(wanted_rows[-1])) if len(wanted_rows) > 1 else None
    done = _enter_again(visitor, user, found, take_over, now, entropy)
    return replace(done, receipt=done.receipt or earlier)
