"""Invitations as the invited see them: what the mailed link leads to (mission 0.8, 0.9, P3, P9).

The link opens one gallery and nothing else. Whoever has no account is registered, activated and let
in by one POST; he is unproved until he types a code mailed to the address, for links are forwarded.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, Token
from foyer.operations import doors, joining, sessions
from foyer.operations.events import happened
from foyer.operations.joining import Joining
from foyer.operations.passwords import check_password, enter_again, has_password
from foyer.operations.registration import check_terms
from foyer.operations.sessions import (
    RETRIES,
    Presence,
    Visitor,
    allow_mail,
    arrive,
    asked_mail,
    new_session,
)
from foyer.rules.galleries import Gallery, together
from foyer.rules.invitations import (
    ASK_AGAIN,
    Invitation,
    State,
    Transfer,
    answerable,
    invited_again,
)
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import DEFAULT
from foyer.rules.sessions import Level
from foyer.rules.users import Profile, User, masked
from foyer.rules.users import State as Status
from foyer.storage import (
    carts,
    catalogue,
    digests,
    grants,
    keys,
    limits,
    organizations,
    receipts,
    requests,
    users,
)
from foyer.storage.grants import Held
from foyer.storage.keys import Key
from foyer.storage.limits import Limit
from foyer.storage.receipts import Receipt
from foyer.storage.requests import AccessRequest
from foyer.storage.secrets import link_keys
from foyer.storage.table import Change, ConditionFailed, Item, read, write

AT_ONCE = 8  # grants renamed in one transaction


@dataclass(frozen=True)
class Link:
    """A genuine link: the invitation it is of and its gallery, as they are now, and whose the
    invited address is. What is None is not there any more."""

    token: Token
    invitation: Invitation | None
    gallery: Gallery | None
    address: Item | None  # the row of the invited address
    owner: User | None  # whose it is
    held: Held | None  # what who is signed in may do in the gallery already
    rows: Mapping[Key, Item]

    @property
    def is_in(self) -> bool:
        """Whether who is signed in may enter anyway."""
        return self.held is not None and self.held.rights.enter

    @property
    def is_known(self) -> bool:
        """Whether the address has an account; a rejected person's is as if it had none (0.4)."""
        return self.owner is not None and self.owner.state is not Status.REJECTED

    def is_for(self, user: User) -> bool:
        """Whether it is his to take: bound to him, or naming the address he has, and mailed since
        the address is his to have."""
        invitation = self.invitation
        if invitation is None or invitation.bound_to is not None:
            return invitation is not None and invitation.bound_to == user.id
        his = users.owner_of(self.address) == user.id
        return his and invitation.invited_at > users.left_at(self.address)


def _open(visitor: Visitor, text: str, now: int) -> Link:
    token = Token.parse("inv", text)
    if token is None or not token.is_genuine(link_keys(now)):
        raise Refusal(Reason.LINK_INVALID)
    key = keys.grant(token.owner, token.subject)
    by_cookie = doors.keys_by_cookie(visitor, token.owner)
    wanted = [*visitor.row_keys(), key, keys.gallery(token.owner), *by_cookie]
    rows = read(wanted, consistent=True)
    visitor.recognise(rows, now)
    invitation, owner, address = grants.from_item(rows.get(key)), None, None
    if invitation is not None:
        at = keys.email(invitation.email)
        address = read([at], consistent=True).get(at)
        owner_id = users.owner_of(address)
        if visitor.user is not None and owner_id == visitor.user.id:
            owner = visitor.user
        elif owner_id is not None:
            found = read([keys.user(owner_id)], consistent=True)
            owner = users.from_item(found.get(keys.user(owner_id)))
    gallery = doors.gallery_in(rows, token.owner)
    held = grants.held_from(rows.get(by_cookie[0])) if by_cookie else None
    if visitor.level is not Level.SIGNED_IN:
        held = None
    return Link(token, invitation, gallery, address, owner, held, rows)


def _good(link: Link, now: int) -> tuple[Invitation, Gallery]:
    """Refuses LINK_INVALID, LINK_REVOKED, LINK_REPLACED, LINK_EXPIRED."""
    if link.invitation is None or link.gallery is None or link.gallery.is_over(now):
        raise Refusal(Reason.LINK_EXPIRED, facts=ASK_AGAIN)
    return answerable(link.invitation, link.token.link_id, now), link.gallery


def _signed_in(visitor: Visitor) -> User | None:
    return visitor.user if visitor.level is Level.SIGNED_IN else None


@dataclass(frozen=True)
class Preview:
    """What a link would do in this browser. `address` is masked; `next` is one of accept,
    register, sign_in, switch_account, ask_again."""

    gallery_id: str
    title: str
    studio: str
    address: str
    state: State
    next: str
    may_transfer: bool = False
    may_decline: bool = False
    message: str | None = None


def preview(visitor: Visitor, text: str, now: int) -> Preview:
    """What the page shows before anything happens. Refuses LINK_INVALID alone: to whoever holds any
    other link of ours it says what can be done."""
    link = _open(visitor, text, now)
    invitation, gallery = link.invitation, link.gallery
    if invitation is None or gallery is None:
        return Preview(link.token.owner, "", "", "", State.EXPIRED, "ask_again")
    state = State.EXPIRED if gallery.is_over(now) else invitation.state(now)
    following = _next(visitor, link, gallery, now)
    return Preview(
        gallery.id,
        gallery.title,
        gallery.studio,
        masked(invitation.address),
        state,
        following,
        may_transfer=following == "switch_account" and gallery.transfers == "approve",
        may_decline=following != "ask_again" and state is State.PENDING and not link.is_in,
        message=invitation.message if following != "ask_again" else None,
    )


def _next(visitor: Visitor, link: Link, gallery: Gallery, now: int) -> str:
    if link.is_in and not gallery.is_over(now):
        return "accept"
    try:
        invitation, _ = _good(link, now)
    except Refusal:
        return "ask_again"
    user = _signed_in(visitor)
    if user is not None:
        if link.is_for(user):
            return "accept"
        void = invitation.bound_to is None and users.owner_of(link.address) == user.id
        return "ask_again" if void else "switch_account"
    return "sign_in" if link.is_known or invitation.bound_to is not None else "register"


# ---- accepting -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """What is sent with the link. What is None was not sent."""

    name: str | None = None
    password: str | None = None
    terms: str | None = None
    newsletter: bool = False
    take_over: bool | None = None


@dataclass(frozen=True)
class Accepted:
    """`presence` is None where staff must approve the new account first."""

    presence: Presence | None
    gallery: Gallery
    invitation: Invitation
    receipt: Receipt | None = None


def accept(
    visitor: Visitor, text: str, choice: Choice, now: int, entropy: Entropy = token_bytes
) -> Accepted:
    """Lets the invited in, once and for good. Who has no account is registered by it, this
    browser's guest promoted; who has one must be signed in. Whoever did it may ask again for ten
    minutes (0.18). Refuses SIGN_IN_REQUIRED, OTHER_ADDRESS, NAME_REQUIRED, TERMS_REQUIRED, and
    what the link is not good for any more."""
    for _ in range(RETRIES + 1):
        link = _open(visitor, text, now)
        inside = _inside(visitor, link, now)
        if inside is not None:
            return inside
        invitation, gallery = _good(link, now)
        try:
            if visitor.session is not None and visitor.user is not None:
                return _accept_signed_in(visitor, link, invitation, gallery, now, entropy)
            if invitation.bound_to is not None:
                return _again(visitor, link, invitation, gallery, choice, now, entropy)
            if link.is_known:
                if _has_changed(invitation):  # taken between our two reads, perhaps by this browser
                    continue
                raise _sign_in(invitation)
            return _register(visitor, link, invitation, gallery, choice, now, entropy)
        except ConditionFailed:
            continue
        except Refusal as refusal:
            if refusal.reason is not Reason.ALREADY_ACTIVE or invitation.bound_to is not None:
                raise
            continue  # somebody else came to have the address just now
    raise Refusal(Reason.BUSY, retry_after=1)


def _inside(visitor: Visitor, link: Link, now: int) -> Accepted | None:
    """Who may enter by another invitation, or by one that took the place of this when his address
    changed, goes in by this link too; unless it is his to take."""
    user, gallery, invitation = visitor.user, link.gallery, link.invitation
    if not link.is_in or user is None or gallery is None or invitation is None:
        return None
    if gallery.is_over(now) or (link.is_for(user) and invitation.bound_to is None):
        return None
    own = replace(invitation, rights=link.held.rights if link.held else invitation.rights)
    return Accepted(_presence(user, link), gallery, own)


def _presence(user: User, link: Link) -> Presence:
    cart = carts.from_item(link.rows.get(keys.cart(user.id))).cart
    return Presence(user, Level.SIGNED_IN, len(cart.lines))


def _has_changed(invitation: Invitation) -> bool:
    key = keys.grant(invitation.gallery_id, invitation.id)
    now_there = grants.from_item(read([key], consistent=True).get(key))
    return now_there is None or now_there.version != invitation.version


def _sign_in(invitation: Invitation) -> Refusal:
    return Refusal(Reason.SIGN_IN_REQUIRED, facts={"address": masked(invitation.address)})


def _accept_signed_in(
    visitor: Visitor,
    link: Link,
    invitation: Invitation,
    gallery: Gallery,
    now: int,
    entropy: Entropy,
) -> Accepted:
    user = visitor.user
    assert user is not None  # noqa: S101 - he is signed in
    other = Refusal(Reason.OTHER_ADDRESS, facts={"address": masked(invitation.address)})
    if not link.is_for(user):
        his = invitation.bound_to is None and users.owner_of(link.address) == user.id
        raise Refusal(Reason.LINK_EXPIRED, facts=ASK_AGAIN) if his else other
    if visitor.level is not Level.SIGNED_IN:
        raise Refusal(Reason.SIGN_IN_AGAIN)
    presence = _presence(user, link)
    if invitation.bound_to == user.id:
        return Accepted(presence, gallery, invitation)
    taken = _taken_by(invitation, user.id, now)
    write(
        users.acts(user),
        catalogue.still_there(gallery),
        *_binding(invitation, taken, user.id, now, entropy),
    )
    return Accepted(presence, gallery, taken)


def _taken_by(invitation: Invitation, user_id: str, now: int) -> Invitation:
    return replace(
        invitation,
        answer=State.ACCEPTED,
        bound_to=user_id,
        accepted_at=now,
        accepted_with=None,
        accepted_epoch=None,
        transfers=_others(invitation, user_id),
        version=invitation.version + 1,
    )


def _binding(
    invitation: Invitation, taken: Invitation, user_id: str, now: int, entropy: Entropy
) -> list[Change]:
    """It is his from now on."""
    facts = {"gallery_id": taken.gallery_id, "user_id": user_id}
    return [
        grants.change(invitation, taken),
        grants.hold(user_id, taken),
        happened("invitation.accepted", facts, now, entropy),
    ]


def _others(invitation: Invitation, user_id: str) -> dict[str, Transfer]:
    """Who else asks to be admitted by it."""
    return {id_: one for id_, one in invitation.transfers.items() if id_ != user_id}


def _register(
    visitor: Visitor,
    link: Link,
    invitation: Invitation,
    gallery: Gallery,
    choice: Choice,
    now: int,
    entropy: Entropy,
) -> Accepted:
    """The account, the grant bound to it and the session, in one transaction."""
    if choice.name is None:
        raise Refusal(Reason.NAME_REQUIRED, pointer="#/name")
    if choice.terms is None:
        raise Refusal(Reason.TERMS_REQUIRED, pointer="#/consents")
    check_terms(choice.terms)
    if choice.password is not None:
        check_password(choice.password, invitation.address)
    joining.refuse_taken(link.address, now, asked_at=invitation.invited_at, own=visitor.user)
    joins = Joining(
        email=invitation.email,
        address=invitation.address,
        asked_at=invitation.invited_at,
        profile=Profile(choice.name, "C"),
        kind="invitation",
        terms=choice.terms,
        newsletter=choice.newsletter,
        password=choice.password,
        is_proved=False,  # links are forwarded (0.9)
    )
    key = keys.organization(DEFAULT)
    home = read([key], consistent=False)
    line = organizations.line_of(home.get(key), home)
    before = _promoted(visitor, invitation)
    account = joining.account(visitor, joins, line, before, now, entropy)
    bearer, session = new_session(visitor, account.id, now, entropy)
    waits = account.status is Status.PENDING_APPROVAL
    if not waits:
        account = replace(account, sessions={session.id: session})
    taken = replace(
        _taken_by(invitation, account.id, now),
        accepted_with=visitor.cookie_hash,
        accepted_epoch=account.epoch,
    )
    bound: list[Change] = [
        catalogue.still_there(gallery),
        *_binding(invitation, taken, account.id, now, entropy),
        requests.answered(gallery.id, invitation.email, now),
    ]
    made = joining.changes(visitor, joins, before, account, now, entropy)
    joining.join(joins, account, [*bound, *made], [], now, entropy)
    if waits:
        return Accepted(None, gallery, taken)
    cart = carts.from_item(link.rows.get(keys.cart(account.id))).cart
    arrive(visitor, bearer, account, session, now, entropy, len(cart.lines))
    return Accepted(Presence(account, Level.SIGNED_IN, len(cart.lines)), gallery, taken)


def _promoted(visitor: Visitor, invitation: Invitation) -> User | None:
    """This browser's guest, who becomes the client; one who was rejected only under his address."""
    if visitor.user is None or visitor.level is not Level.GUEST:
        return None
    applies_again = visitor.user.state is Status.REJECTED and visitor.user.email == invitation.email
    return visitor.user if visitor.user.state is Status.GUEST or applies_again else None


def _again(
    visitor: Visitor,
    link: Link,
    invitation: Invitation,
    gallery: Gallery,
    choice: Choice,
    now: int,
    entropy: Entropy,
) -> Accepted:
    """Somebody took it. Whoever registered by it, known by his cookie or his password, gets a
    session where his answer was lost; anybody else signs in, by a mailed code if need be."""
    user_id = invitation.bound_to or ""
    fresh = now - (invitation.accepted_at or 0) < POLICY.links.repeat_seconds
    sign_in = _sign_in(invitation)
    if not fresh or invitation.accepted_epoch is None:
        raise sign_in
    wanted = [keys.user(user_id), keys.credential(user_id), keys.cart(user_id)]
    if visitor.bearer is not None:
        wanted.append(keys.receipt(user_id, visitor.bearer.user_id))
    rows = {**link.rows, **read(wanted, consistent=True)}
    user = users.from_item(rows.get(keys.user(user_id)))
    if user is None or user.epoch != invitation.accepted_epoch:
        raise sign_in
    cookie = visitor.cookie_hash
    did_it = cookie is not None and cookie == invitation.accepted_with
    if not did_it and choice.password is not None:
        stored = users.password_of(user, rows)
        did_it = has_password(visitor, invitation.email, stored, choice.password, now)
        if not did_it:
            raise Refusal(Reason.ALREADY_ACTIVE)
    if not did_it:
        raise sign_in
    if user.status is Status.PENDING_APPROVAL:
        return Accepted(None, gallery, invitation)
    done = enter_again(visitor, user, rows, choice.take_over, now, entropy)
    earlier = receipts.from_item(rows.get(wanted[-1])) if len(wanted) > 3 else None
    return Accepted(done.presence, gallery, invitation, done.receipt or earlier)


# ---- other answers -------------------------------------------------------------------------------


def decline(visitor: Visitor, text: str, now: int) -> None:
    """No, thank you; the same link may still be accepted. Refuses ALREADY_ACTIVE where somebody
    took it."""
    for _ in range(RETRIES + 1):
        link = _open(visitor, text, now)
        invitation, _ = _good(link, now)
        if invitation.answer is State.ACCEPTED:
            raise Refusal(Reason.ALREADY_ACTIVE)
        if invitation.answer is State.DECLINED:
            return
        declined = replace(invitation, answer=State.DECLINED, version=invitation.version + 1)
        try:
            write(grants.change(invitation, declined))
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def ask_transfer(visitor: Visitor, text: str, now: int) -> None:
    """Asks the photographer to admit the account that is signed in, as well (N4). Refuses
    NOT_OFFERED where the gallery does not allow it, PROVE_ADDRESS to who has not proved his own,
    ALREADY_ACTIVE to who may enter anyway."""
    for _ in range(RETRIES + 1):
        link = _open(visitor, text, now)
        user, _ = sessions.signed_in(visitor, link.rows, now, changing=True)
        invitation, gallery = _good(link, now)
        if link.is_for(user) or link.is_in:
            raise Refusal(Reason.ALREADY_ACTIVE)
        if gallery.transfers != "approve":
            raise Refusal(Reason.NOT_OFFERED)
        sessions.address_proved(user)
        if user.id in invitation.transfers:
            return
        if len(invitation.transfers) >= POLICY.invitations.transfers:
            raise Refusal(Reason.TOO_MANY_REQUESTS, retry_after=POLICY.mails.digest_seconds)
        asked = Transfer(user.id, now)
        after = replace(
            invitation,
            transfers={**invitation.transfers, user.id: asked},
            version=invitation.version + 1,
        )
        try:
            write(
                users.acts(user),
                grants.change(invitation, after),
                digests.ask(gallery.path, now, kind="access", about=gallery.id),
            )
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def ask_again(visitor: Visitor, text: str, now: int, entropy: Entropy = token_bytes) -> None:
    """What to do with a link that leads nowhere (0.9): while the invitation is good its newest link
    is mailed to the invited address again, unchanged; where it is over the photographer is asked.
    """
    link = _open(visitor, text, now)
    invitation, gallery = link.invitation, link.gallery
    if invitation is None or gallery is None or gallery.is_over(now):
        raise Refusal(Reason.LINK_EXPIRED)  # there is nothing to be let into any more
    if invitation.is_live(now):
        allow_mail(visitor, invitation.email, now)
        write(invitation_mail(visitor, invitation, now, entropy))
        return
    most = POLICY.galleries.requests_per_source_per_hour
    limit = Limit("access", visitor.source, most)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_REQUESTS, retry_after=limit.retry_after(now))
    asked = AccessRequest(gallery.id, invitation.email, invitation.address, None, now)
    write(
        requests.put(asked, now),
        digests.ask(gallery.path, now, kind="access", about=gallery.id),
    )


def invitation_mail(visitor: Visitor, invitation: Invitation, now: int, entropy: Entropy) -> Change:
    facts = {
        "gallery": invitation.gallery_id,
        "grant": invitation.id,
        "link": invitation.link_id or "",
    }
    return asked_mail("invitation", visitor, invitation.address, now, entropy, **facts)


# ---- an address that changes ---------------------------------------------------------------------


def keep_all(user: User, email: str, now: int) -> None:
    """What names the address he has just left names the user instead: it stays his, and the next
    owner of the address may be invited anew (mission 0.8). May be repeated; what somebody else does
    meanwhile wins."""
    key = keys.email(email)
    void_until = users.left_before(read([key], consistent=True).get(key))
    after: Item | None = None
    while True:
        page = grants.naming(email, limit=AT_ONCE, after=after)
        found = [one for item in page.items if (one := grants.from_item(item)) is not None]
        his = [
            one
            for one in found
            if one.bound_to == user.id or one.admits(now, void_until=void_until)
        ]
        try:
            _rename(his, user, now)
        except ConditionFailed:
            for one in his:  # those that are still as they were read
                with suppress(ConditionFailed):
                    _rename([one], user, now)
        after = page.last
        if after is None:
            return


def _rename(invitations: Sequence[Invitation], user: User, now: int) -> None:
    """From the address to the user, with who else asks to be admitted by them."""
    if not invitations:
        return
    owns = [grants.to_user(user, one, one.by, now) for one in invitations]
    rows = read([keys.grant(own.gallery_id, own.id) for own in owns], consistent=True)
    changes: list[Change] = []
    for one, fresh in zip(invitations, owns, strict=True):
        own, before = replace(fresh, transfers=_others(one, user.id)), None
        before = grants.invitation_in(rows, own.gallery_id, own.id)
        if before is not None:
            own = invited_again(before, own)
            if before.bound_to == user.id:
                rights = together((before.rights, own.rights))
                waiting = {**_others(before, user.id), **own.transfers}
                own = replace(own, rights=rights, transfers=waiting)
        moved = replace(
            one,
            answer=State.REVOKED,
            bound_to=None,
            accepted_with=None,
            accepted_epoch=None,
            transfers={},
            moved_to=user.id,
            version=one.version + 1,
        )
        changes += [
            grants.change(one, moved),
            grants.put(own, before),
            grants.hold(user.id, own, instead_of=one),
        ]
    write(*changes)
