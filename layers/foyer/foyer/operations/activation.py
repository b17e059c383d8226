"""The mailed link of a sign-up, or of an account staff opened: redeemed, it makes the account.

In the browser that holds the guest, that guest becomes the client; anywhere else a fresh user is
made, who takes the guest's things along if he asks for them (mission 0.2, 0.3). An account opened
on behalf becomes its owner's, with what staff said of him and a password of his own (P16-P19).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, Token
from foyer.operations import joining
from foyer.operations.hand_over import Guest, HandOver, hand_over, remembering, wanted
from foyer.operations.joining import Joining
from foyer.operations.orders import in_the_book
from foyer.operations.passwords import check_password, enter_again, has_password
from foyer.operations.registration import check_terms, own_claims
from foyer.operations.sessions import (
    RETRIES,
    Presence,
    Visitor,
    arrive,
    new_session,
)
from foyer.rules.carts import Cart
from foyer.rules.orders import Answer
from foyer.rules.policy import POLICY, Kind, ProfileType
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import DEFAULT
from foyer.rules.sessions import Level
from foyer.rules.users import Profile, State, User, masked
from foyer.storage import carts, claims, keys, orders, organizations, receipts, users
from foyer.storage.carts import Stored
from foyer.storage.claims import Claim
from foyer.storage.keys import Key
from foyer.storage.receipts import Receipt
from foyer.storage.secrets import link_keys
from foyer.storage.table import Change, ConditionFailed, Item, read

NO_CART = Stored(Cart(), {}, exists=False)


@dataclass(frozen=True)
class Preview:
    """What a link would do in this browser. `address` is masked; times are epoch seconds."""

    this_browser: bool
    address: str
    name: str
    organization: str | None
    organization_id: str | None
    line_count: int
    begun_at: int | None
    terms_accepted: bool
    on_behalf: bool
    order_id: str | None  # whose confirmation the link was mailed with


@dataclass(frozen=True)
class Choice:
    """What is sent with the link. What is None was not sent."""

    password: str | None = None
    name: str | None = None
    profile_type: ProfileType | None = None
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
    gallery_id: str | None = None  # at whose door he signed up, in this browser
    order_id: str | None = None  # whose confirmation the link was mailed with


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
    organization_id = claim.profile.organization_id or DEFAULT
    wanted_rows = [keys.email(claim.email), keys.organization(organization_id)]
    if owner is not None:
        wanted_rows += [keys.user(owner), keys.cart(owner)]
    if visitor.user is not None:
        wanted_rows.append(keys.cart(visitor.user.id))
    if claim.on_behalf:
        wanted_rows.append(keys.user(claim.owner))
    rows = read(wanted_rows, consistent=True)
    row = rows.get(keys.email(claim.email))
    joining.refuse_taken(row, now, asked_at=claim.made_at, own=visitor.user)
    opened = _before(visitor, link, rows) if claim.on_behalf else None
    profile = opened.profile if opened is not None and opened.profile else claim.profile
    guest = _their_guest(link, rows) if link.own is None else visitor.guest(rows)
    organization = organizations.from_item(rows.get(wanted_rows[1]))
    return Preview(
        this_browser=link.own is not None,
        address=masked(claim.address),
        # an order's link may have been forwarded, or mailed to a mistyped address
        name=profile.name if link.own is not None or claim.order_id is None else "",
        organization=None if organization is None else organization.name,
        organization_id=None if organization is None else organization.id,
        line_count=0 if guest is None else len(guest.cart.cart.lines),
        begun_at=None if guest is None else guest.begun_at(),
        terms_accepted=link.own is not None and claim.terms == POLICY.shop.terms.version,
        on_behalf=claim.on_behalf,
        order_id=claim.order_id,
    )


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
    alone: a row that is another person's is never made anybody's. What staff opened is redeemed
    itself: it is what they approved. So is an order's, which people forward: it is its own only of
    the browser that ordered."""
    if visitor.user is None or visitor.level is not Level.GUEST or mailed.on_behalf:
        return None
    if mailed.order_id is not None and mailed.guest_id != visitor.user.id:
        return None
    applies_again = visitor.user.state is State.REJECTED and visitor.user.email == mailed.email
    if visitor.user.state is not State.GUEST and not applies_again:
        return None
    if mailed.guest_id == visitor.user.id:
        return mailed
    own = own_claims(visitor, mailed.email, now)
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
    wish = keys.organization(profile.organization_id or DEFAULT)  # no organization ever moves
    wanted_rows = [keys.organization(DEFAULT), wish]
    if visitor.user is not None:
        wanted_rows.append(keys.cart(visitor.user.id))
    if _takes_theirs(link, choice):
        wanted_rows += [keys.user(link.mailed.owner), keys.cart(link.mailed.owner)]
    if claim.on_behalf:
        wanted_rows.append(keys.user(claim.owner))
    if claim.order_id is not None and link.own is not None:
        wanted_rows += [keys.order(claim.order_id), keys.addresses(claim.owner)]
    # in this browser all that is read here and decides is a condition as well, whether the
    # organization asks for approval apart: there what it asked a moment ago is good enough
    rows = read(wanted_rows, consistent=link.own is None)
    # a wish for one that is not there is ignored (0.5)
    line = organizations.line_of(rows.get(wish) or rows.get(wanted_rows[0]), rows)
    before = _before(visitor, link, rows)
    if claim.on_behalf and before is not None and before.profile is not None:
        profile = before.profile  # staff may have corrected it since
    joins = _joining(link, choice, profile, before)
    account = joining.account(visitor, joins, line, before, now, entropy)
    bearer, session = new_session(visitor, account.id, now, entropy)
    waits = account.status is State.PENDING_APPROVAL
    if not waits:
        account = replace(account, sessions={session.id: session})
    move = _move(visitor, link, choice, rows, account, now)
    account = replace(account, took=dict.fromkeys(move.guests, now))
    redeemed = [claims.redeem(claim, account, visitor.cookie_hash, now)]
    if link.mailed is not claim:
        redeemed.append(claims.redeem(link.mailed, account, visitor.cookie_hash, now))
    made = joining.changes(visitor, joins, before, account, now, entropy)
    made += _order(link, claim, rows, account, now, entropy)
    joining.join(joins, account, [*redeemed, *made], move.changes, now, entropy)
    if waits:
        return Activated(State.PENDING_APPROVAL, None, None)
    line_count = len(move.cart.lines)
    arrive(visitor, bearer, account, session, now, entropy, line_count)
    presence = Presence(account, Level.SIGNED_IN, line_count)
    gallery_id = link.own.gallery_id if link.own is not None else None
    return Activated(State.APPROVED, presence, move.receipt, gallery_id, claim.order_id)


def _order(
    link: _Link,
    claim: Claim,
    rows: Mapping[Key, Item],
    account: User,
    now: int,
    entropy: Entropy,
) -> list[Change]:
    """The order whose confirmation made the account is its own at once (0.11): in the browser that
    ordered with all that was typed there, and its address in the book; elsewhere masked, and not
    before staff let him in: whoever it was forwarded to may be turned away."""
    here = link.own is not None
    if claim.order_id is None or (not here and account.status is not State.APPROVED):
        return []
    changes: list[Change] = [
        orders.show(account.id, claim.order_id, now, whole=here),
        orders.answer(claim.email, claim.order_id, account.id, Answer.CLAIMED, now),
    ]
    order = orders.from_item(rows.get(keys.order(claim.order_id)))
    if here and order is not None:
        book = rows.get(keys.addresses(account.id))
        changes += in_the_book(account.id, order, book, now, entropy)
    return changes


def _check_choice(link: _Link, choice: Choice) -> None:
    if choice.terms is not None:
        check_terms(choice.terms)
    if link.own is None:
        if choice.password is None:
            raise Refusal(Reason.PASSWORD_REQUIRED, pointer="#/password")
        if choice.name is None and not link.mailed.on_behalf:
            raise Refusal(Reason.NAME_REQUIRED, pointer="#/name")
    if choice.password is not None:
        check_password(choice.password, link.mailed.address)


def _profile(link: _Link, choice: Choice) -> Profile:
    """Elsewhere a claim gives only its address: the rest counts if sent again (0.3). What staff
    said of somebody they opened an account for stays."""
    if link.mailed.on_behalf:
        return link.mailed.profile
    said = link.own.profile if link.own is not None else Profile(choice.name or "", "C")
    return replace(
        said,
        name=choice.name or said.name,
        profile_type=choice.profile_type or said.profile_type,
        organization_id=choice.organization_id or said.organization_id,
    )


def _before(visitor: Visitor, link: _Link, rows: Mapping[Key, Item]) -> User | None:
    """The user the account is made of: this browser's guest, or the one staff opened it for; None
    where it is a fresh one."""
    if link.own is not None:
        return visitor.user
    if not link.mailed.on_behalf:
        return None
    opened = users.from_item(rows.get(keys.user(link.mailed.owner)))
    if opened is None or opened.state is not State.PENDING_EMAIL_ACTIVATION:
        raise Refusal(Reason.LINK_EXPIRED)
    return opened


def _joining(link: _Link, choice: Choice, profile: Profile, before: User | None) -> Joining:
    """With what was sent, and in this browser what was said at the sign-up, where it was said of
    what is in force today."""
    claim, shop = link.own or link.mailed, POLICY.shop
    terms, newsletter = choice.terms, choice.newsletter
    if terms is None and link.own is not None:
        terms = shop.terms.version if claim.terms == shop.terms.version else None
        newsletter = claim.newsletter == shop.newsletter.version
    opened = before.roles if claim.on_behalf and before is not None else ()
    return Joining(
        email=claim.email,
        address=claim.address,
        asked_at=claim.made_at,
        profile=profile,
        kind=_kind(claim),
        terms=terms,
        newsletter=newsletter,
        password=choice.password,
        roles=opened,
        is_proved=link.own is not None or claim.order_id is None,
    )


def _kind(claim: Claim) -> Kind:
    if claim.order_id is not None:
        return "order"
    return "on_behalf" if claim.on_behalf else "sign_up"


def _takes_theirs(link: _Link, choice: Choice) -> bool:
    """Whoever an order's confirmation was forwarded to takes nothing else of who ordered (0.9)."""
    theirs = link.mailed.guest_id is not None and link.mailed.order_id is None
    return link.own is None and choice.take_over is True and theirs


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
    return remembering(visitor.guest(rows), hand_over(present, account.id, NO_CART, now))


def _their_guest(link: _Link, rows: Mapping[Key, Item]) -> Guest | None:
    """The guest who signed up, only while he is an unpromoted one."""
    owner = link.mailed.guest_id if link.mailed.order_id is None else None
    user = None if owner is None else users.from_item(rows.get(keys.user(owner)))
    if user is None or user.state is not State.GUEST or user.ended_at is not None:
        return None
    return Guest(user, carts.from_item(rows.get(keys.cart(user.id))))


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
        did_it = has_password(visitor, claim.email, stored, choice.password, now)
    if user is None or not did_it or user.epoch != claim.redeemed_epoch:
        raise Refusal(Reason.ALREADY_ACTIVE)
    if user.status is State.PENDING_APPROVAL:
        return Activated(State.PENDING_APPROVAL, None, None)
    told = [receipts.from_item(rows.get(keys.receipt(user_id, guest))) for guest in sorted(guests)]
    done = enter_again(visitor, user, rows, choice.take_over, now, entropy)
    earlier = next((receipt for receipt in told if receipt is not None), None)
    receipt = done.receipt or earlier
    return Activated(State.APPROVED, done.presence, receipt, order_id=claim.order_id)
