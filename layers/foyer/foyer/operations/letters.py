"""What a mail somebody asked for turns into, once it is written: who lives at the address decides,
and only now is that looked up. So the request itself did the same for every address (0.19), and
what its owner reads is true when it leaves."""

from collections.abc import Mapping
from dataclasses import replace
from secrets import token_bytes

from foyer.credentials import Asked, Entropy, Token, new_id
from foyer.rules.addresses import Postal
from foyer.rules.invitations import Delivery
from foyer.rules.orders import Answer, Named, Order
from foyer.rules.policy import POLICY
from foyer.rules.sessions import DAY
from foyer.rules.users import State, User, logon_id
from foyer.storage import (
    catalogue,
    claims,
    deliveries,
    grants,
    keys,
    limits,
    links,
    orders,
    users,
)
from foyer.storage.claims import Claim
from foyer.storage.links import Link
from foyer.storage.outbox import Mail
from foyer.storage.secrets import link_keys
from foyer.storage.table import ConditionFailed, Item, read, write

ASKED = frozenset({"sign_up", "resend", "opened", "new_address", "code", "reset"})
ABOUT_ORDERS = frozenset({"order", "order_confirmed", "order_fulfilled", "order_cancelled"})
ABOUT_INVITATIONS = frozenset({"invitation", "admitted"})
# What strangers and photographers cause: not mailed to who complained (mission 0.16).
UNASKED = frozenset(
    {
        "activation",
        "already_registered",
        "also_admitted",
        "invitation",
        "new_address",
        "newsletter",  # wanted, and yet a complaint stops newsletters
        "no_account",
        "not_admitted",
    }
)
REGISTERING = frozenset({"sign_up", "resend", "opened"})

TRIES = 3  # to write a link beside others who do


class Moot(Exception):
    """There is nothing to tell any more."""


class Undeliverable(Exception):
    """Nobody would read it: mails to the address come back, or its owner wants none."""

    def __init__(self, why: Delivery) -> None:
        super().__init__(why.value)
        self.why = why


def written(mail: Mail, now: int, entropy: Entropy = token_bytes) -> Mail:
    """The mail as it leaves: its kind, to whom, in which language, with which token or code. Facts
    are texts; those that end in `_minutes` say how long something is good. Raises Moot,
    Undeliverable."""
    letter = _written(mail, now, entropy)
    key = keys.delivery(logon_id(letter.to))
    row = read([key], consistent=True).get(key)
    why = deliveries.from_item(row, now).stops(needed=letter.kind not in UNASKED)
    if why is not None:
        raise Undeliverable(why)
    return letter


def _written(mail: Mail, now: int, entropy: Entropy) -> Mail:
    if mail.kind == "invitation":
        return _invitation(mail, now)
    if mail.kind in ABOUT_ORDERS:
        return _order(mail, now, entropy)
    if mail.kind == "newsletter":
        return _newsletter(mail, now)
    if mail.kind not in ASKED:
        return mail
    email = logon_id(mail.to)
    row = read([keys.email(email)], consistent=True).get(keys.email(email))
    user = _owner(row)
    if user is not None and not (user.state is State.REJECTED and mail.kind in REGISTERING):
        return _to_owner(mail, user, email, now, entropy)
    if mail.kind == "new_address":
        return _new_address(mail, now)
    claim = _claim(mail, email, users.left_at(row), now)
    if claim is None:
        return replace(mail, kind="no_account")
    return _activation(mail, claim, now, entropy)


def _owner(row: Item | None) -> User | None:
    """The user whose proved address it is."""
    owner = users.owner_of(row)
    if owner is None:
        return None
    return users.from_item(read([keys.user(owner)], consistent=True).get(keys.user(owner)))


def _to_owner(mail: Mail, user: User, email: str, now: int, entropy: Entropy) -> Mail:
    """To the address as its owner writes it, in his language (R31)."""
    mail = replace(mail, to=user.address or mail.to, language=user.language)
    if mail.kind in REGISTERING or mail.kind == "new_address":
        return _told(mail, "already_registered")
    if user.status is not State.APPROVED:
        return _told(mail, "not_open", status=user.state.value)
    if mail.kind == "reset":
        return _reset(mail, user, now, entropy)
    return _code(mail, user, email, now)


def _newsletter(mail: Mail, now: int) -> Mail:
    """To who asked for it, where he is now; who has withdrawn it since is told nothing. Its token
    ends it, for ever and as often as it is used: there is nothing else it could do."""
    key = keys.user(mail.facts["owner"])
    user = users.from_item(read([key], consistent=True).get(key))
    if user is None or not user.newsletter:
        raise Moot
    token = Token.made(link_keys(now).key, "uns", user.id, user.id, user.id)
    mail = replace(mail, to=user.address or mail.to, language=user.language)
    return _told(mail, "newsletter", token=str(token))


def _new_address(mail: Mail, now: int) -> Mail:
    """The link by which the mailbox of the new address is read."""
    owner, link_id = mail.facts["owner"], mail.facts["link"]
    token = Token.made(link_keys(now).key, "eml", owner, owner, link_id)
    minutes = str(POLICY.links.address_seconds // 60)
    return _told(mail, "new_address", token=str(token), good_minutes=minutes)


def _code(mail: Mail, user: User, email: str, now: int) -> Mail:
    """Six digits; a link where too many guessed at them (0.15)."""
    asked = Asked(mail.facts["nonce"], 0)
    minutes = str(POLICY.codes.seconds // 60)
    key = limits.wrong_codes_key(email, now)
    if limits.too_many_wrong_codes(read([key], consistent=True).get(key)):
        token = asked.long_code(link_keys(now), email)
        return _told(mail, "sign_in_link", token=token, good_minutes=minutes)
    code = asked.code(link_keys(now), email)
    works_here = "yes" if user.is_staff else ""
    return _told(mail, "sign_in_code", code=code, good_minutes=minutes, staff=works_here)


def _reset(mail: Mail, user: User, now: int, entropy: Entropy) -> Mail:
    """The live link if there is one, else a new one."""
    key = keys.link(user.id, "reset")
    for _ in range(TRIES):
        old = links.from_item(read([key], consistent=True).get(key))
        link = old if old is not None and old.is_live(user.epoch, now) else None
        if link is None:
            until = now + POLICY.links.reset_seconds
            link = Link(new_id(entropy), user.id, "reset", user.epoch, until)
            try:
                write(links.replace(old, link))
            except ConditionFailed:
                continue
        token = Token.made(link_keys(now).key, "rst", user.id, user.id, link.id)
        minutes = str(max(1, (link.until - now) // 60))
        by = mail.facts.get("by", "")
        return _told(mail, "password_reset", token=str(token), good_minutes=minutes, by=by)
    raise ConditionFailed([])


def _claim(mail: Mail, email: str, left_at: int, now: int) -> Claim | None:
    """The claim the mail is about, or the newest open one on the address."""
    if "claim" in mail.facts:
        key = keys.claim(mail.facts["owner"], mail.facts["claim"])
        claim = claims.from_item(read([key], consistent=True).get(key), now)
        if claim is not None and claim.is_open(left_at):
            return claim
    return claims.newest(email, now, after=left_at)


def _activation(mail: Mail, claim: Claim, now: int, entropy: Entropy) -> Mail:
    """The claim's live link, unchanged; a dead one is renewed, for that replaces nothing."""
    if now >= claim.link_until:
        fresh, until = new_id(entropy), now + POLICY.links.activation_seconds
        write(claims.new_link(claim, fresh, now))  # outrun, the mail is tried again
        claim = replace(claim, link_id=fresh, link_until=until)
    token = Token.made(link_keys(now).key, "act", claim.owner, claim.id, claim.link_id)
    minutes = str(max(1, (claim.link_until - now) // 60))
    mail = replace(mail, to=claim.address, language=claim.language)
    kind = "opened" if claim.on_behalf else "activation"
    return _told(mail, kind, token=str(token), good_minutes=minutes)


def _invitation(mail: Mail, now: int) -> Mail:
    """The invitation as it is now, to its person as he is now: who has an account signs in, anybody
    else gives a name. One that was revoked or mailed anew meanwhile is not mailed."""
    facts = mail.facts
    door = keys.gallery(facts["gallery"])
    key = keys.grant(facts["gallery"], facts["grant"])
    rows = read([key, door], consistent=True)
    invitation = grants.from_item(rows.get(key))
    gallery = catalogue.gallery(rows[door]) if door in rows else None
    if invitation is None or gallery is None or gallery.is_over(now):
        raise Moot
    if invitation.link_id != facts["link"] or not invitation.is_live(now):
        raise Moot
    at = keys.email(invitation.email)
    owner = _owner(read([at], consistent=True).get(at))
    known = owner is not None and owner.state is not State.REJECTED
    token = Token.made(
        link_keys(now).key, "inv", gallery.id, invitation.id, invitation.link_id or ""
    )
    letter = _told(
        mail,
        "invitation",
        token=str(token),
        title=gallery.title,
        studio=gallery.studio,
        message=invitation.message or "",
        known="yes" if known else "",
        good_days=str(max(1, (invitation.until - now) // DAY)),
        gallery=gallery.id,
        grant=invitation.id,
    )
    if known and owner is not None:
        return replace(letter, to=owner.address or letter.to, language=owner.language)
    return replace(letter, to=invitation.address, language=invitation.language)


def _order(mail: Mail, now: int, entropy: Entropy) -> Mail:
    """What was ordered, to whom it is of: the client who placed it to an address of his or claimed
    it, wherever he is reached now; else the address that was given for it, which may have an owner,
    who is asked whether it was he, or none, who is mailed the link by which it comes into an
    account (P4). Where the address is not known to be of who ordered, no postal address and no name
    is told: somebody may have mistyped it (0.11)."""
    key = keys.order(mail.facts["order"])
    order = orders.from_item(read([key], consistent=True).get(key))
    if order is None or order.contact is None or order.email is None:
        raise Moot
    at, named = keys.email(order.email), keys.order_to(order.email, order.id)
    rows = read([at, named], consistent=True)
    row, answer = rows.get(at), orders.named_from(rows.get(named))
    client = _client_of(order, answer)
    if client is None and _is_moot(order, answer, users.left_at(row)):
        raise Moot
    owner, facts = client or _owner(row), dict(mail.facts) | _of_order(order)
    if owner is not None and owner.state is not State.REJECTED:
        mail = replace(mail, to=owner.address or mail.to, language=owner.language)
    if mail.kind != "order":
        return replace(mail, facts=facts)
    if client is not None and order.is_own:
        postal = order.contact.postal
        where = "" if postal is None else "\n".join(_lines_of(order.contact.name, postal))
        return replace(mail, kind="order_placed", facts=facts | {"where": where})
    if owner is not None and owner.state is not State.REJECTED:
        return replace(mail, kind="order_for_you", facts=facts)
    return _received(mail, order, facts, users.left_at(row), now, entropy)


def _client_of(order: Order, answer: Named | None) -> User | None:
    """In whose account it is known to be."""
    id_ = order.placed_by if order.is_own else answer.claimed_by if answer is not None else None
    if id_ is None:
        return None
    user = users.from_item(read([keys.user(id_)], consistent=True).get(keys.user(id_)))
    return None if user is None or user.address is None else user


def _is_moot(order: Order, answer: Named | None, left_at: int) -> bool:
    """Its owner said that it was none of his, or the address is not whose it was."""
    return (answer is not None and answer.answer is Answer.REFUSED) or order.placed_at <= left_at


def _received(
    mail: Mail, order: Order, facts: dict[str, str], left_at: int, now: int, entropy: Entropy
) -> Mail:
    """To an address that is nobody's, with the link of the claim that came with the order."""
    claim = _claim(mail, order.email or "", left_at, now)
    if claim is None or claim.order_id != order.id:
        return replace(mail, kind="order_received", facts=facts | {"token": ""})
    letter = _activation(mail, claim, now, entropy)
    days = str(max(1, POLICY.links.order_seconds // DAY))
    said = {"token": letter.facts["token"], "good_days": days}
    return replace(mail, kind="order_received", facts=facts | said)


def _of_order(order: Order) -> dict[str, str]:
    return {
        "number": order.number,
        "lines": "\n".join(f"{line.quantity} × {line.name}" for line in order.lines),
        "shipping": str(order.shipping),
        "total": str(order.total),
        "currency": order.currency,
    }


def _lines_of(name: str, postal: Postal) -> list[str]:
    town = f"{postal.postal_code} {postal.city}"
    parts = [name, postal.line1, postal.line2, town, postal.region, postal.country]
    return [part for part in parts if part]


def _told(mail: Mail, kind: str, **facts: str) -> Mail:
    told: Mapping[str, str] = {"browser": mail.facts.get("browser", ""), **facts}
    return replace(mail, kind=kind, facts=told)
