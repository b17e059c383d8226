"""Accounts staff open for somebody: the same registration, begun by them and finished by its owner,
who alone chooses a password and says yes to anything (P16-P20). And the links staff may mail."""

from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.operations import staff
from foyer.operations.organizations import bases, ensure_open
from foyer.operations.sessions import RETRIES, Visitor, attempt_of
from foyer.operations.staff import (
    acting,
    begun,
    beside,
    changed_roles,
    wrong_status,
)
from foyer.rules.organizations import Organization
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import DEFAULT, ROOT, SITE_ADMINISTRATOR, Power, Role, may_act_on, reach
from foyer.rules.sessions import DAY
from foyer.rules.users import Event, Profile, State, User, after, days_to_take, logon_id
from foyer.settings import own_language
from foyer.storage import administrators, claims, keys, limits, organizations, users
from foyer.storage.claims import Claim
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.limits import Limit
from foyer.storage.outbox import Mail, new_mail
from foyer.storage.table import Change, ConditionFailed, Item, Put, read, write
from foyer.storage.users import Record

OPERATOR = "operator"  # who acts from the command line, on the cloud itself


@dataclass(frozen=True)
class Opening:
    """What staff say of the person they open an account for."""

    address: str
    profile: Profile
    language: str | None = None


def open_account(
    visitor: Visitor,
    form: Opening,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> User:
    """An account that waits for its owner, who is mailed the link that makes it his. Refuses
    NOT_FOUND for an organization out of reach, ADDRESS_TAKEN where the address is of somebody whom
    this member of staff sees; of anybody else the answer tells nothing."""
    attempt = attempt_of(visitor, once, "open-account")
    email, wish = logon_id(form.address), form.profile.organization_id
    more = [
        keys.email(email),
        keys.organization(wish or DEFAULT),
        *([attempt.row_key] if attempt else []),
    ]
    actor, rows = acting(visitor, now, more=more, changing=True)
    if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
        key = keys.user(rows[attempt.row_key].get("made", ""))
        made = users.from_item(read([key], consistent=True).get(key))
        if made is not None:
            return made
    organization = organizations.from_item(rows.get(keys.organization(wish or DEFAULT)))
    organization = _reached(actor, organization, named=wish is not None)
    _refuse_known(actor, email, rows.get(keys.email(email)), now)
    user = _opened(form, organization, actor.id, now, entropy)
    user = replace(user, approved_before=actor.is_site_administrator)
    _allow_mail(actor, user, now)
    records = [attempt.record(now, made=user.id)] if attempt else []
    try:
        write(users.acts(actor), *_rows(user, now, entropy), *records)
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed
    return user


def _reached(actor: User, organization: Organization | None, *, named: bool) -> Organization:
    """Where none is named it is the default, or the first that he reaches."""
    power = Power.OPEN_ACCOUNTS
    if organization is not None and reach(actor.roles, power, organization.path) is not None:
        return organization
    own = [] if named else bases(actor, power)
    if not own:
        raise Refusal(Reason.NOT_FOUND)
    return own[0]


def _refuse_known(actor: User, email: str, row: Item | None, now: int) -> None:
    """Whose the address is, or for whom an account waits already, if this member of staff sees him.
    A rejected person may register again, and so staff may for him (0.4)."""
    owner_id = users.owner_of(row)
    waiting = claims.opened_for(email, now, after=users.left_at(row))
    ids = [*([owner_id] if owner_id is not None else []), *waiting]
    rows = read([keys.user(id_) for id_ in ids], consistent=True)
    for known in filter(None, (users.from_item(rows.get(keys.user(id_))) for id_ in ids)):
        waits = known.state is State.PENDING_EMAIL_ACTIVATION
        his = known.id == owner_id and known.state is not State.REJECTED
        seen = may_act_on(actor.roles, Power.SEE, known.roles, known.path)
        if seen and (waits or his):
            raise Refusal(Reason.ADDRESS_TAKEN, pointer="#/email", facts={"user_id": known.id})


def _opened(form: Opening, organization: Organization, by: str, now: int, entropy: Entropy) -> User:
    return User(
        id=new_id(entropy),
        language=form.language or own_language(),
        seen_at=now,
        status=after(State.NOBODY, Event.OPEN_ON_BEHALF),
        status_at=now,
        email=logon_id(form.address),
        address=form.address,
        profile=replace(form.profile, organization_id=organization.id),
        path=organization.path,
        kind="on_behalf",
        created_by=by,
        claim_id=new_id(entropy),
    )


def _rows(user: User, now: int, entropy: Entropy) -> list[Change]:
    """The account that waits, its claim, its history, its mail."""
    step = staff.Step(user, Record("opened", user.created_by or "", now))
    claim = _claim(user, now, entropy)
    return [
        users.new_account(user),
        claims.new_claim(claim),
        _link_mail(user, claim, now, entropy),
        *beside(replace(user, roles=()), step, entropy),
    ]


def _claim(user: User, now: int, entropy: Entropy) -> Claim:
    assert user.claim_id is not None  # noqa: S101 - it was opened
    assert user.profile is not None  # noqa: S101
    return Claim(
        id=user.claim_id,
        owner=user.id,
        email=user.email or "",
        address=user.address or "",
        profile=user.profile,
        language=user.language,
        terms=None,  # nobody says yes for another (P20)
        newsletter=None,
        made_at=now,
        expires=now + days_to_take(user, POLICY.claims) * DAY,
        link_id=new_id(entropy),
        link_until=now + POLICY.links.activation_seconds,
        on_behalf=True,
    )


def _link_mail(user: User, claim: Claim, now: int, entropy: Entropy) -> Put:
    facts = {"owner": claim.owner, "claim": claim.id}
    return new_mail(Mail(new_id(entropy), "opened", claim.address, user.language, facts, now))


def _linked_anew(user: User, claim: Claim, now: int, entropy: Entropy) -> list[Change]:
    """Another link in place of the one mailed before; the account waits for as long as it says."""
    return [
        claims.new_link(claim, new_id(entropy), now),
        users.waits(user, now + POLICY.links.activation_seconds),
        _link_mail(user, claim, now, entropy),
    ]


def _allow_mail(actor: User, target: User, now: int) -> None:
    """What staff cause has its own allowance (0.16). Refuses TOO_MANY_MAILS."""
    rules = POLICY.mails
    reached = limits.count_all(
        [
            Limit("mail-staff", actor.id, rules.per_staff_per_hour),
            Limit("mail-person", f"{actor.id} {target.email}", rules.per_person_by_staff_per_hour),
        ],
        now,
    )
    if reached is not None:
        raise Refusal(Reason.TOO_MANY_MAILS, retry_after=reached.retry_after(now))


def resend(
    visitor: Visitor,
    user_id: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> None:
    """Another link to who has not taken his account yet; the one before is replaced. Refuses
    WRONG_STATUS to who has."""
    deed = begun(visitor, user_id, Power.MAIL_LINKS, "resend", now, once)
    target = deed.target
    if deed.repeated:
        return
    if target.status is not State.PENDING_EMAIL_ACTIVATION or target.claim_id is None:
        raise wrong_status(target)
    _allow_mail(deed.actor, target, now)
    key = keys.claim(target.id, target.claim_id)
    for _ in range(RETRIES + 1):
        claim = claims.from_item(read([key], consistent=True).get(key), now)
        if claim is None or claim.redeemed_at is not None:
            raise wrong_status(target)
        try:
            write(
                users.acts(deed.actor),
                *_linked_anew(target, claim, now, entropy),
                users.audit(target, new_id(entropy), Record("link_mailed", deed.actor.id, now)),
                *deed.records,
            )
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def mail_reset(
    visitor: Visitor,
    user_id: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> None:
    """A link to a new password, to the client himself: staff see neither (0.10, P19)."""
    deed = begun(visitor, user_id, Power.MAIL_LINKS, "password-reset", now, once)
    target = deed.target
    if deed.repeated:
        return
    if target.status is not State.APPROVED:
        raise wrong_status(target)
    _allow_mail(deed.actor, target, now)
    facts = {"by": "studio"}
    mail = Mail(new_id(entropy), "reset", target.address or "", target.language, facts, now)
    try:
        write(
            users.acts(deed.actor),
            new_mail(mail),
            users.audit(target, new_id(entropy), Record("reset_mailed", deed.actor.id, now)),
            *deed.records,
        )
    except ConditionFailed as failed:
        raise Refusal(Reason.BUSY, retry_after=1) from failed


def invite_administrator(
    address: str,
    site_name: str,
    language: str,
    now: int,
    *,
    entropy: Entropy = token_bytes,
) -> str:
    """Makes somebody site administrator, from the command line: who has an account and a password
    is one at once ("granted"; "already" where he was), anybody else is mailed a link ("invited").
    Opens the site first where it is not. Answers "no_password" or "not_approved" where the account
    cannot be one yet."""
    ensure_open(site_name)
    email = logon_id(address)
    for _ in range(RETRIES + 1):
        row = read([keys.email(email)], consistent=True).get(keys.email(email))
        owner_id = users.owner_of(row)
        try:
            if owner_id is None:
                _invite(address, language, users.left_at(row), now, entropy)
                return "invited"
            return _grant(owner_id, now, entropy)
        except ConditionFailed:
            continue
    raise Refusal(Reason.BUSY, retry_after=1)


def _invite(address: str, language: str, left_at: int, now: int, entropy: Entropy) -> None:
    """One invitation an address: one that waits is mailed again, with a link of its own."""
    email = logon_id(address)
    waiting = claims.opened_for(email, now, after=left_at)
    rows = read([keys.user(id_) for id_ in waiting], consistent=True)
    for opened in filter(None, map(users.from_item, rows.values())):
        key = keys.claim(opened.id, opened.claim_id or "")
        claim = claims.from_item(read([key], consistent=True).get(key), now)
        if claim is not None and opened.created_by == OPERATOR:
            write(*_linked_anew(opened, claim, now, entropy))
            return
    root = organizations.find(ROOT)
    assert root is not None  # noqa: S101 - it was made sure of
    form = Opening(address, Profile(email.partition("@")[0], "B"), language)
    role = Role(SITE_ADMINISTRATOR, ROOT, by=OPERATOR, at=now)
    user = replace(_opened(form, root, OPERATOR, now, entropy), roles=(role,))
    write(*_rows(replace(user, approved_before=True), now, entropy))


def _grant(owner_id: str, now: int, entropy: Entropy) -> str:
    role = Role(SITE_ADMINISTRATOR, ROOT, by=OPERATOR, at=now)
    owner = users.from_item(read([keys.user(owner_id)], consistent=True).get(keys.user(owner_id)))
    if owner is None or owner.status is not State.APPROVED:
        return "not_approved"
    if role in owner.roles:
        return "already"
    if not owner.may_have_roles:
        return "no_password"
    step = changed_roles(owner, (*owner.roles, role), OPERATOR, now, entropy)
    write(
        users.change(owner, step.account, now),
        *administrators.kept(owner, step.account),
        *beside(owner, step, entropy),
    )
    return "granted"
