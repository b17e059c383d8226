"""Signing up: a claim, not an account (mission 0.3). Only the mailed link makes the account."""

from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, fingerprint, new_id
from foyer.operations.sessions import (
    RETRIES,
    Visitor,
    allow_mail,
    asked_mail,
    begun,
    mail_once,
    mint,
)
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY, Level
from foyer.rules.users import Profile, User, logon_id, may
from foyer.storage import claims, keys, users
from foyer.storage.claims import Claim
from foyer.storage.idempotency import UNKEYED, Attempt, Once
from foyer.storage.keys import Key
from foyer.storage.secrets import site_key
from foyer.storage.table import Change, ConditionFailed, read, write


@dataclass(frozen=True)
class SignUp:
    """What somebody fills in. `terms` is the version he agreed to."""

    address: str
    profile: Profile
    terms: str
    newsletter: bool = False
    language: str | None = None
    gallery_id: str | None = None  # at whose door he is: it grants nothing (P9)


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
    may(user, POLICY.actions.sign_up)
    check_terms(form.terms)
    allow_mail(visitor, email, now)
    claim_id, hashed = new_id(entropy), email_hash(email, now, user)
    changes: list[Change] = []
    owner: str | None
    if user is None:
        guest = mint(visitor, now, entropy)
        changes.append(users.new_guest(replace(guest, claims={claim_id: hashed})))
        owner = guest.id
    else:
        owner = user.id if visitor.level is Level.GUEST else None
    claim = new_claim(
        owner=owner,
        address=form.address,
        profile=form.profile,
        language=form.language or visitor.language,
        terms=form.terms,
        newsletter=POLICY.shop.newsletter.version if form.newsletter else None,
        now=now,
        entropy=entropy,
        claim_id=claim_id,
        gallery_id=form.gallery_id,
    )
    changes.append(claims.new_claim(claim))
    mail = asked_mail("sign_up", visitor, claim.address, now, entropy, **_names(claim))
    changes += [mail, *([attempt.record(now)] if attempt else [])]
    try:
        _write_claim(visitor, claim, hashed, changes, attempt, now)
    except Exception:
        visitor.minted = None  # no cookie for a guest who may not exist
        raise


def _write_claim(
    visitor: Visitor,
    claim: Claim,
    hashed: str,
    changes: list[Change],
    attempt: Attempt | None,
    now: int,
) -> None:
    """Keeps a guest's claims at the most there may be: one more replaces the oldest."""
    for _ in range(RETRIES + 1):
        guest, held = visitor.user, list[Change]()
        if guest is not None and claim.guest_id is not None:
            oldest = oldest_claim(guest)
            held.append(users.hold_claim(guest, claim.id, hashed, oldest))
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


def new_claim(
    *,
    owner: str | None,
    address: str,
    profile: Profile,
    language: str,
    terms: str | None,
    newsletter: str | None,
    now: int,
    entropy: Entropy,
    claim_id: str | None = None,
    gallery_id: str | None = None,
    order_id: str | None = None,
) -> Claim:
    """A claim with its first link; `owner` is the guest who makes it, None where it is nobody's."""
    id_, rules = claim_id or new_id(entropy), POLICY.links
    good = rules.activation_seconds if order_id is None else rules.order_seconds
    return Claim(
        id=id_,
        owner=owner or id_,
        email=logon_id(address),
        address=address,
        profile=profile,
        language=language,
        terms=terms,
        newsletter=newsletter,
        made_at=now,
        expires=now + POLICY.claims.days * DAY,
        link_id=new_id(entropy),
        link_until=now + good,
        gallery_id=gallery_id,
        order_id=order_id,
    )


def oldest_claim(guest: User) -> str | None:
    """The one that must go where the guest has one more, or None while there is room."""
    return next(iter(_by_age(guest))) if len(guest.claims) >= POLICY.claims.most else None


def _by_age(guest: User) -> list[str]:
    return sorted(guest.claims, key=lambda id_: guest.claims[id_])


def email_hash(email: str, now: int, guest: User | None) -> str:
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
    own = own_claims(visitor, email, now)
    if not own:
        mail_once(asked_mail("resend", visitor, address, now, entropy), records)
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
        mail_once(asked_mail("resend", visitor, address, now, entropy), records)


def own_claims(visitor: Visitor, email: str, now: int) -> list[Key]:
    """The claims of this browser's guest on the address, the newest last."""
    if visitor.user is None or visitor.level is not Level.GUEST:
        return []
    guest, wanted_hash = visitor.user, fingerprint(site_key(now), "claims", email)
    return [
        keys.claim(guest.id, id_)
        for id_ in _by_age(guest)
        if guest.claims[id_].partition(".")[2] == wanted_hash
    ]


def check_terms(version: str, *, pointer: str = "#/consents/terms") -> None:
    if version != POLICY.shop.terms.version:
        raise Refusal(Reason.TERMS_CHANGED, pointer=pointer)
