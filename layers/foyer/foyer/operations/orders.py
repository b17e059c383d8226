"""Placing an order, and seeing one's own (mission 0.11).

An order is placed in one transaction: what was bought at the price of that moment, the cart it
came from emptied, the claim or the pointer by which it comes into an account, the mail and the
event that tell of it, and the record of its Idempotency-Key.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_bytes

from foyer.credentials import Entropy, new_id, new_order_id, new_order_number
from foyer.operations import doors, sessions
from foyer.operations.consents import having_said, rows_of
from foyer.operations.events import order_event
from foyer.operations.registration import check_terms, email_hash, new_claim, oldest_claim
from foyer.operations.sessions import RETRIES, Visitor, attempt_of, done_before
from foyer.rules.addresses import Book, Postal, used
from foyer.rules.addresses import Entry as Address
from foyer.rules.carts import Cart, Known, PricedCart, priced, told_anew
from foyer.rules.consents import changed
from foyer.rules.orders import (
    Contact,
    Entry,
    Order,
    Status,
    frozen,
    needs_postal,
    studios,
    without_reasons,
)
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY, Level
from foyer.rules.users import Profile, User, logon_id, may, rate_id
from foyer.storage import addresses, carts, catalogue, claims, keys, orders, users
from foyer.storage.carts import Stored
from foyer.storage.idempotency import Attempt, Once
from foyer.storage.keys import Key
from foyer.storage.limits import Limit
from foyer.storage.outbox import Mail, new_mail
from foyer.storage.table import Change, ConditionFailed, Contended, Item, read, write

ROUTE = "orders"


@dataclass(frozen=True)
class Checkout:
    """What is said where an order is placed; what is None is not said. `saved` is an address of the
    book; `quote` stands for the cart and the prices that were looked at. Who is signed in and has
    proved his address need say nothing twice (P12). `asks_terms`: it was said on a page, which asks
    for the terms whoever has not agreed to them."""

    address: str | None = None
    name: str | None = None
    phone: str | None = None
    postal: Postal | None = None
    saved: str | None = None
    note: str | None = None
    terms: str | None = None
    newsletter: bool = False
    quote: str | None = None
    asks_terms: bool = False


def place(
    visitor: Visitor, checkout: Checkout, once: Once, now: int, entropy: Entropy = token_bytes
) -> Order:
    """The order of all that is in his cart; asked for again under the same key, the same one.
    Refuses, each with the cart as it is, PRICE_CHANGED and LINE_UNAVAILABLE; ADDRESS_REQUIRED where
    a print is in it; TERMS_REQUIRED; TOO_MANY_ORDERS to an address that is not known to be his."""
    if once.key is None:
        raise Refusal(Reason.KEY_REQUIRED)
    if checkout.terms is not None:
        check_terms(checkout.terms)
    reached: Limit | None = None
    for _ in range(RETRIES + 1):
        here = _here(visitor, once, now)
        done = done_before(here.attempt, here.user, here.found, now)
        if done is not None:
            return _again(visitor, here, done, now)
        if reached is not None:
            raise Refusal(Reason.TOO_MANY_ORDERS, retry_after=reached.retry_after(now))
        if checkout.asks_terms and checkout.terms is None and not _has_agreed(visitor):
            raise Refusal(Reason.TERMS_REQUIRED, pointer="#/consents/terms")
        order = _drawn_up(visitor, here, checkout, now, entropy)
        limits = [] if order.is_own else _limits(visitor, order.email or "")
        try:
            write(
                *(limit.one_more(now) for limit in limits),
                *orders.place(order),
                carts.replace(here.user.id, here.cart, Cart({}, here.cart.cart.version + 1)),
                *_somebodys(visitor, here.user, order, checkout, now, entropy),
                *_kept(here, order, now, entropy),
                order_event(order, now, entropy),
                here.attempt.record(now, made=order.id),
            )
        except Contended:
            continue
        except ConditionFailed as failed:
            rows = zip(limits, failed.items, strict=False)
            reached = next((limit for limit, row in rows if row is not None), None)
            continue
        visitor.line_count = 0
        return order
    raise Refusal(Reason.BUSY, retry_after=1)


@dataclass(frozen=True)
class _Here:
    """Who orders, under which key, from which cart, and the rows that were read with them."""

    user: User
    attempt: Attempt
    cart: Stored
    found: Mapping[Key, Item]
    is_client: bool  # signed in, his address proved


def _here(visitor: Visitor, once: Once, now: int) -> _Here:
    attempt = attempt_of(visitor, once, ROUTE)
    wanted = visitor.row_keys()
    if attempt is not None:
        wanted += [attempt.row_key, keys.addresses(attempt.user_id)]
    found = read(wanted, consistent=True) if wanted else {}
    user = visitor.recognise(found, now, changing=True)
    _check_session(visitor)
    may(user, POLICY.actions.order)
    if user is None or attempt is None:
        raise Refusal(Reason.CART_EMPTY)
    if visitor.level is Level.REMEMBERED:
        raise Refusal(Reason.SIGN_IN_AGAIN)
    cart = carts.from_item(found.get(keys.cart(user.id)))
    return _Here(user, attempt, cart, found, _is_client(visitor))


def _is_client(visitor: Visitor) -> bool:
    return visitor.level is Level.SIGNED_IN and visitor.user is not None and visitor.user.is_proved


def _has_agreed(visitor: Visitor) -> bool:
    """Whether who is signed in agreed to the terms as they are now: a guest says so each time."""
    user = visitor.user if visitor.level is Level.SIGNED_IN else None
    return user is not None and user.terms == POLICY.shop.terms.version


def _check_session(visitor: Visitor) -> None:
    """Of whose session has ended the cart is not empty: he is asked to sign in."""
    bearer = visitor.bearer
    if visitor.user is None and bearer is not None and bearer.session_id is not None:
        raise Refusal(Reason.SIGN_IN_REQUIRED)


def _drawn_up(
    visitor: Visitor, here: _Here, checkout: Checkout, now: int, entropy: Entropy
) -> Order:
    """The order as it would be placed now."""
    contact = _contact(here, checkout)
    known, shown = _priced(visitor, here.user, here.cart.cart, now)
    lines = frozen(shown, known)
    _check_prices(here, shown, checkout, now)
    if needs_postal(lines) and contact.postal is None:
        raise Refusal(Reason.ADDRESS_REQUIRED, pointer="#/contact/address")
    email = logon_id(contact.address)
    return Order(
        id=new_order_id(now, entropy),
        number=new_order_number(now, entropy),
        placed_by=here.user.id,
        placed_at=now,
        language=visitor.language,
        lines=lines,
        shipping=shown.shipping,
        currency=shown.currency,
        paths=studios(lines, known, POLICY.orders.studios),
        contact=contact,
        email=email,
        country=contact.postal.country if contact.postal else None,
        note=checkout.note,
        is_own=here.is_client and email == here.user.email,
        history=(Entry(Status.PLACED, now, here.user.id),),
    )


@dataclass(frozen=True)
class Counter:
    """What the page knows on which one orders: the cart as it would be ordered now and, of who is
    signed in, what he need not say again. Of a guest it knows nothing (A9)."""

    cart: PricedCart
    user: User | None = None  # signed in
    is_client: bool = False  # and his address is proved
    has_agreed: bool = False  # to the terms as they are now
    book: Book = field(default_factory=Book)


def at_the_counter(visitor: Visitor, now: int) -> Counter:
    """Refuses as `place` would, whoever may not order; nobody is asked who he is over an empty
    cart."""
    wanted = visitor.row_keys()
    if visitor.bearer is not None:
        wanted.append(keys.addresses(visitor.bearer.user_id))
    found = read(wanted, consistent=True) if wanted else {}
    user = visitor.recognise(found, now)
    _check_session(visitor)
    cart = carts.from_item(found.get(keys.cart(user.id))).cart if user is not None else Cart()
    if user is None or not cart.lines:
        return Counter(priced(Cart(), Known(), POLICY.shop))
    may(user, POLICY.actions.order)
    if visitor.level is Level.REMEMBERED:
        raise Refusal(Reason.SIGN_IN_AGAIN)
    is_client = _is_client(visitor)
    return Counter(
        cart=_priced(visitor, user, cart, now)[1],
        user=user if visitor.level is Level.SIGNED_IN else None,
        is_client=is_client,
        has_agreed=_has_agreed(visitor),
        book=addresses.from_item(found.get(keys.addresses(user.id))) if is_client else Book(),
    )


def _again(visitor: Visitor, here: _Here, done: Item, now: int) -> Order:
    """What the same request got: its order as it is now, or that a price had changed."""
    if done.get("made") is None:
        shown = _priced(visitor, here.user, here.cart.cart, now)[1]
        raise Refusal(Reason.PRICE_CHANGED, facts={"cart": shown})
    order = orders.read([done["made"]], consistent=True).get(done["made"])
    if order is None:
        raise Refusal(Reason.NOT_FOUND)
    return order


def _contact(here: _Here, checkout: Checkout) -> Contact:
    """Whom it is for: as he says, and where he says nothing, as his account does."""
    account = here.user if here.is_client else None
    profile = account.profile if account is not None else None
    address = checkout.address or (account.address if account is not None else None)
    name = checkout.name or (profile.name if profile is not None else None)
    postal = checkout.postal
    if checkout.saved is not None and postal is None:
        row = here.found.get(keys.addresses(here.user.id)) if here.is_client else None
        saved = addresses.from_item(row).entries.get(checkout.saved)
        if saved is None:
            raise Refusal(Reason.INVALID_INPUT, pointer="#/contact/address_id")
        postal, name = saved.postal, checkout.name or saved.name
    if address is None:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/contact/email")
    if name is None:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/contact/name")
    phone = checkout.phone or (profile.phone if profile is not None else None)
    return Contact(address, name, phone, postal)


def _priced(visitor: Visitor, user: User, cart: Cart, now: int) -> tuple[Known, PricedCart]:
    things = [line.thing for line in cart.lines.values()]
    wanted = doors.keys_of(user, (t.gallery_id for t in things if t.gallery_id), now)
    rows = catalogue.look_up(things, wanted) if things else {}
    known = doors.opened(visitor, catalogue.known(rows), rows, now)
    return known, priced(cart, known, POLICY.shop)


def _check_prices(here: _Here, shown: PricedCart, checkout: Checkout, now: int) -> None:
    """Nothing is ordered at another price than the visitor was told: on the page he orders from,
    which says so by its quote, else when he put the thing in. Told by this refusal, he orders under
    another key; under this one, whose answer he may never have seen, it is refused again."""
    refused = Refusal(Reason.PRICE_CHANGED, facts={"cart": shown})
    if checkout.quote is not None:
        if checkout.quote != shown.quote:
            raise refused
        return
    after = told_anew(here.cart.cart, shown)
    if after is here.cart.cart:
        return
    # outrun by another change, nothing is written and it is refused all the same
    with suppress(ConditionFailed, Contended):
        write(carts.replace(here.user.id, here.cart, after), here.attempt.record(now))
    raise refused


def _limits(visitor: Visitor, email: str) -> list[Limit]:
    """Mails that a stranger may cause by ordering (0.11, 0.16), counted with the order itself."""
    rules = POLICY.orders
    return [
        Limit("orders-to", rate_id(email), rules.per_unproved_address_per_day, DAY),
        Limit("orders-source", visitor.source, rules.per_source_per_hour),
    ]


def _somebodys(
    visitor: Visitor, user: User, order: Order, checkout: Checkout, now: int, entropy: Entropy
) -> list[Change]:
    """By which it comes into an account: the pointer of who is signed in; under an address that is
    not known to be his, the pointer of that and a claim on an account (P4). The same rows whether
    or not the address is somebody's; whose it is decides the mail, when it is written."""
    changes: list[Change] = []
    facts = {"order": order.id}
    if visitor.level is Level.SIGNED_IN:
        changes += _agreed(visitor, user, checkout, now, entropy)
        changes.append(orders.show(user.id, order.id, now, whole=True))
    else:
        changes.append(orders.placed_by(user.id, order.id, now))
    if not order.is_own:
        assert order.contact is not None  # noqa: S101 - it is being placed
        guest = visitor.level is Level.GUEST
        claim = new_claim(
            owner=user.id if guest else None,
            address=order.contact.address,
            profile=Profile(order.contact.name, "C", phone=order.contact.phone),
            language=order.language,
            terms=checkout.terms,
            newsletter=POLICY.shop.newsletter.version if checkout.newsletter else None,
            now=now,
            entropy=entropy,
            order_id=order.id,
        )
        changes += [orders.name(order), claims.new_claim(claim)]
        facts |= {"owner": claim.owner, "claim": claim.id}
        if guest:
            oldest, hashed = oldest_claim(user), email_hash(claim.email, now, user)
            changes.append(users.hold_claim(user, claim.id, hashed, oldest, ordered_at=now))
            if oldest is not None:
                changes.append(claims.drop(user.id, oldest))
    to = order.contact.address if order.contact is not None else ""
    browser = visitor.browser
    mail = Mail(new_id(entropy), "order", to, order.language, {"browser": browser, **facts}, now)
    return [*changes, new_mail(mail)]


def _agreed(
    visitor: Visitor, user: User, checkout: Checkout, now: int, entropy: Entropy
) -> list[Change]:
    """What a client says to the terms and the newsletter as he orders stands in his ledger; he is
    who he was in any case."""
    account = having_said(user, checkout.terms, checkout.newsletter or None)
    if account is user or visitor.session is None:
        return [users.acts(user)]
    entries = changed(POLICY.shop, "order", now, user, account)
    return [
        users.change(user, account, now, session=visitor.session.id),
        *rows_of(account, entries, now, entropy),
    ]


def _kept(here: _Here, order: Order, now: int, entropy: Entropy) -> list[Change]:
    """What a client need not say again."""
    if not here.is_client:
        return []
    return in_the_book(
        here.user.id, order, here.found.get(keys.addresses(here.user.id)), now, entropy
    )


def in_the_book(
    user_id: str, order: Order, row: Item | None, now: int, entropy: Entropy
) -> list[Change]:
    """Where it goes is in the client's address book from now on: he types it once (P12). `row` is
    of the book as it was read."""
    if order.contact is None or order.contact.postal is None:
        return []
    before = addresses.from_item(row)
    entry = Address(new_id(entropy), order.contact.name, order.contact.postal, now)
    return [addresses.replace(user_id, before, used(before, entry, POLICY.orders.addresses))]


# ---- seeing one's own ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """An order as somebody may see it: `whole`, or with its contact and note masked."""

    order: Order
    whole: bool


def seen(order: Order, *, whole: bool) -> Seen:
    """What a studio wrote of it may name somebody."""
    return Seen(order if whole else without_reasons(order), whole)


def see(visitor: Visitor, order_id: str, now: int) -> Seen:
    """His own: one his account shows, or one he placed as the guest he is, of which he is told
    nothing personal again (A9). Any other is NOT_FOUND."""
    wanted = [keys.order(order_id)]
    if visitor.bearer is not None:
        wanted += [*visitor.row_keys()[:1], keys.order_of(visitor.bearer.user_id, order_id)]
    rows = read(wanted, consistent=True) if visitor.bearer else {}
    user = visitor.recognise(rows, now)
    if visitor.level is Level.REMEMBERED:
        raise Refusal(Reason.SIGN_IN_AGAIN)
    order = orders.from_item(rows.get(keys.order(order_id)))
    if user is None or order is None:
        raise Refusal(Reason.NOT_FOUND)
    if visitor.level is Level.GUEST:
        if order.placed_by != user.id:
            raise Refusal(Reason.NOT_FOUND)
        return seen(order, whole=False)
    shown = orders.shown_from(rows.get(keys.order_of(user.id, order_id)))
    if shown is None or not (user.is_proved or order.placed_by == user.id):
        raise Refusal(Reason.NOT_FOUND)
    return seen(order, whole=user.is_proved and shown.is_whole(user.owned_at))


def see_mine(visitor: Visitor, order_id: str, now: int) -> Seen:
    """One his account shows. Refuses PROVE_ADDRESS, NOT_FOUND for any other."""
    mine = visitor.named_id
    wanted = [keys.order(order_id), keys.order_of(mine, order_id)]
    user, rows = signed_in_and_proved(visitor, now, more=wanted)
    order = orders.from_item(rows.get(keys.order(order_id)))
    shown = orders.shown_from(rows.get(keys.order_of(user.id, order_id)))
    if order is None or shown is None:
        raise Refusal(Reason.NOT_FOUND)
    return seen(order, whole=shown.is_whole(user.owned_at))


def mine(
    visitor: Visitor, now: int, *, limit: int, after: Item | None = None
) -> tuple[list[Seen], Item | None]:
    """A page of what his account shows, the newest first. Refuses PROVE_ADDRESS while his address
    is not proved (0.9)."""
    user, _ = signed_in_and_proved(visitor, now)
    page = orders.of_user(user.id, limit=limit, after=after)
    pointers = [shown for row in page.items if (shown := orders.shown_from(row)) is not None]
    found = orders.read([one.order_id for one in pointers], consistent=True) if pointers else {}
    return [
        seen(found[one.order_id], whole=one.is_whole(user.owned_at))
        for one in pointers
        if one.order_id in found
    ], page.last


def signed_in_and_proved(
    visitor: Visitor, now: int, *, more: Sequence[Key] = (), changing: bool = False
) -> tuple[User, Mapping[Key, Item]]:
    """The client whose session this is, his address proved, and the rows that were read with him.
    Refuses PROVE_ADDRESS."""
    wanted = [*visitor.row_keys()[:1], *more]
    rows = read(wanted, consistent=True) if visitor.bearer else {}
    user, _ = sessions.signed_in(visitor, rows, now, changing=changing)
    sessions.address_proved(user)
    return user, rows
