"""What staff do with people: find them, decide, help, give roles. Each within the reach of his
roles, and to nobody of his own rank or above (mission 0.10, rules/roles.py)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.operations import sessions
from foyer.operations.events import happened
from foyer.operations.sessions import RETRIES, Visitor, attempt_of, notice
from foyer.rules import registration as rules
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.registration import Newcomer, Tried
from foyer.rules.roles import DEFAULT, ROOT, SITE_ADMINISTRATOR, Power, Role, may_act_on, may_give
from foyer.rules.users import (
    LIFE,
    Edit,
    Event,
    ImpossibleStep,
    State,
    User,
    edited,
    is_promotion,
    stepped,
)
from foyer.storage import administrators, keys, members, organizations, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.keys import Key
from foyer.storage.table import Change, ConditionFailed, Item, read, write
from foyer.storage.users import Application, Record


def acting(
    visitor: Visitor, now: int, *, more: Sequence[Key] = (), changing: bool = False
) -> tuple[User, Mapping[Key, Item]]:
    """The member of staff who asks, and the rows that were read with him. To anybody else there is
    nothing here: NOT_FOUND."""
    wanted = [*visitor.row_keys()[:1], *more]
    rows = read(wanted, consistent=True) if visitor.bearer else {}
    user, _ = sessions.signed_in(visitor, rows, now, changing=changing)
    if not user.is_staff:
        raise Refusal(Reason.NOT_FOUND)
    return user, rows


def person(actor: User, power: Power, item: Item | None) -> User:
    """The person of this row, if he is within reach; anybody else is NOT_FOUND."""
    target = users.from_item(item)
    if (
        target is None
        or target.status is None
        or not may_act_on(actor.roles, power, target.roles, target.path)
    ):
        raise Refusal(Reason.NOT_FOUND)
    return target


@dataclass(frozen=True)
class Deed:
    """What somebody of the staff is about to do to a person; `repeated` where it was done before
    under the same Idempotency-Key, which `records` writes down."""

    actor: User
    target: User
    repeated: bool
    records: tuple[Change, ...]


def begun(visitor: Visitor, user_id: str, power: Power, route: str, now: int, once: Once) -> Deed:
    """Who acts and on whom, as they are now. Refuses NOT_FOUND where the person is out of reach."""
    attempt = attempt_of(visitor, once, f"{route}#{user_id}")
    more = [keys.user(user_id), *([attempt.row_key] if attempt else [])]
    actor, rows = acting(visitor, now, more=more, changing=True)
    if actor.id == user_id:
        raise Refusal(Reason.OWN_ACCOUNT)
    target = person(actor, power, rows.get(keys.user(user_id)))
    if attempt is None:
        return Deed(actor, target, repeated=False, records=())
    repeated = attempt.is_repeat(rows.get(attempt.row_key), now)
    return Deed(actor, target, repeated, (attempt.record(now),))


def wrong_status(target: User) -> Refusal:
    """This cannot be done to the account as it is."""
    return Refusal(Reason.WRONG_STATUS, facts={"user_status": target.state.value})


# What may be done to a person while he has this status, and the power it takes: the edges of his
# life that are staff's, and the links they may mail.
_STEPS = {
    "approve": (Event.APPROVE, Power.DECIDE),
    "reject": (Event.REJECT, Power.DECIDE),
    "disable": (Event.DISABLE, Power.SWITCH),
    "enable": (Event.ENABLE, Power.SWITCH),
}
_LINKS = {
    "resend": State.PENDING_EMAIL_ACTIVATION,
    "password-reset": State.APPROVED,
}


def possible(actor: User, target: User) -> set[str]:
    """What the actor may do to this person now, by the last word of its route."""
    if actor.id == target.id:
        return set()
    steps = {deed: power for deed, (e, power) in _STEPS.items() if (target.state, e) in LIFE}
    steps |= {d: Power.MAIL_LINKS for d, state in _LINKS.items() if target.state is state}
    if target.state is not State.SUPERSEDED:
        steps |= {"edit": Power.EDIT, "roles": Power.GRANT}
    return {
        deed
        for deed, power in steps.items()
        if may_act_on(actor.roles, power, target.roles, target.path)
    }


def see(visitor: Visitor, user_id: str, now: int) -> User:
    actor, rows = acting(visitor, now, more=[keys.user(user_id)])
    return person(actor, Power.SEE, rows.get(keys.user(user_id)))


@dataclass(frozen=True)
class History:
    """What happened to an account, the newest first; `earlier` are the registrations of the same
    address that were rejected before this one."""

    records: list[Record]
    last: Item | None
    earlier: list[Application]


def history(
    visitor: Visitor, user_id: str, now: int, *, limit: int, after: Item | None = None
) -> History:
    target = see(visitor, user_id, now)
    address = keys.email(target.email or "")
    row = read([address], consistent=False).get(address)
    own = row is not None and users.owner_of(row) == user_id
    earlier = _within_reach(visitor, users.applications_of(row)) if own else []
    page = users.history(user_id, limit=limit, after=after)
    records = [users.record_from(item) for item in page.items]
    return History(records, page.last, earlier)


def _within_reach(visitor: Visitor, applications: list[Application]) -> list[Application]:
    """Those of people whom the member of staff sees."""
    rows = read([keys.user(one.user_id) for one in applications], consistent=False)
    found = {user.id: user for row in rows.values() if (user := users.from_item(row)) is not None}
    roles = visitor.user.roles if visitor.user else ()
    return [
        one
        for one in applications
        if (user := found.get(one.user_id)) is not None
        and may_act_on(roles, Power.SEE, user.roles, user.path)
    ]


@dataclass(frozen=True)
class Explanation:
    """Why somebody has these roles: what each came from, and a dry run of the rules (N17)."""

    user: User
    tried: list[Tried]


def explain(visitor: Visitor, user_id: str, now: int) -> Explanation:
    target = see(visitor, user_id, now)
    profile_type = target.profile.profile_type if target.profile else "C"
    newcomer = Newcomer(target.kind, profile_type, target.path)
    return Explanation(target, rules.tried(POLICY.registration, newcomer))


# ---- changing somebody's account -----------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """The account as it will be, what its history says of it, and who is told what."""

    account: User
    record: Record
    told: tuple[Change, ...] = ()


Decide = Callable[[User, User], Step | None]  # of who acts and of whom; None: as it is already


def approve(
    visitor: Visitor,
    user_id: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> User:
    """Lets in who waits; his guest's cookie ends, his cart is his (0.4, H18)."""

    def decide(actor: User, target: User) -> Step:
        account = _stepped(target, Event.APPROVE, now)
        told = [notice("approved", target, now, entropy)]
        if is_promotion(target, account):
            told.append(happened("guest.promoted", {"user_id": account.id}, now, entropy))
        return Step(account, Record("approved", actor.id, now), tuple(told))

    return _change(visitor, user_id, Power.DECIDE, "approve", decide, now, once, entropy)


def reject(
    visitor: Visitor,
    user_id: str,
    reason: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> User:
    """Says no, with a reason he reads in the mail; he may register again (0.4, H20)."""

    def decide(actor: User, target: User) -> Step:
        account = _stepped(target, Event.REJECT, now, out=True)
        again = "" if target.organization_id == DEFAULT else target.organization_id
        mail = notice("rejected", target, now, entropy, reason=reason, organization_id=again)
        return Step(account, Record("rejected", actor.id, now, note=reason), (mail,))

    return _change(visitor, user_id, Power.DECIDE, "reject", decide, now, once, entropy)


def disable(
    visitor: Visitor,
    user_id: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> User:
    """Nobody gets in any more, at once; what is in it stays. Refuses LAST_ADMINISTRATOR."""

    def decide(actor: User, target: User) -> Step:
        account = _stepped(target, Event.DISABLE, now, out=True)
        mail = notice("disabled", target, now, entropy)
        return Step(account, Record("disabled", actor.id, now), (mail,))

    return _change(visitor, user_id, Power.SWITCH, "disable", decide, now, once, entropy)


def enable(
    visitor: Visitor,
    user_id: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> User:
    def decide(actor: User, target: User) -> Step:
        mail = notice("enabled", target, now, entropy)
        account = _stepped(target, Event.ENABLE, now)
        return Step(account, Record("enabled", actor.id, now), (mail,))

    return _change(visitor, user_id, Power.SWITCH, "enable", decide, now, once, entropy)


def edit(
    visitor: Visitor,
    user_id: str,
    form: Edit,
    now: int,
    *,
    if_match: frozenset[str] | None = None,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> User:
    """Name, phone, company and language, and nothing else (0.10). Refuses VERSION_MISMATCH where
    `if_match` names another version."""

    def decide(actor: User, target: User) -> Step | None:
        if if_match is not None and not if_match & {"*", str(target.version)}:
            raise Refusal(Reason.VERSION_MISMATCH)
        account = edited(target, form)
        if account is None:
            return None
        return Step(account, Record("edited", actor.id, now))

    return _change(visitor, user_id, Power.EDIT, "edit", decide, now, once, entropy)


def _stepped(target: User, event: Event, now: int, *, out: bool = False) -> User:
    """Refuses WRONG_STATUS for an edge that is not drawn (rules/users.md)."""
    try:
        return stepped(target, event, now, out=out)
    except ImpossibleStep as error:
        raise wrong_status(target) from error


def _change(
    visitor: Visitor,
    user_id: str,
    power: Power,
    route: str,
    decide: Decide,
    now: int,
    once: Once,
    entropy: Entropy,
) -> User:
    """One step in somebody's account, while who acts is still who he was and the account still what
    was read. Once more under the same Idempotency-Key it is left as it is."""
    for _ in range(RETRIES + 1):
        deed = begun(visitor, user_id, power, route, now, once)
        target = deed.target
        if deed.repeated:
            return target
        if target.state is State.SUPERSEDED:  # his address is another user's: he is history
            raise wrong_status(target)
        step = decide(deed.actor, target)
        if step is None:
            return target
        last = administrators.kept(target, step.account)
        try:
            write(
                users.acts(deed.actor),
                *last,
                users.change(target, step.account, now),
                *beside(target, step, entropy),
                *deed.records,
            )
        except ConditionFailed as failed:
            who_acts, *others = failed.items
            if who_acts is None and last and others[0] is not None:
                raise Refusal(Reason.LAST_ADMINISTRATOR) from failed
            continue
        return step.account
    raise Refusal(Reason.BUSY, retry_after=1)


def beside(target: User, step: Step, entropy: Entropy) -> list[Change]:
    """What is written with any change of an account: how lists show it, its history, the mails
    and events that tell of it."""
    return [
        members.put(step.account),
        *members.works(target.id, target.roles, step.account.roles),
        users.audit(step.account, new_id(entropy), step.record),
        *step.told,
    ]


# ---- roles ---------------------------------------------------------------------------------------


def give_roles(
    visitor: Visitor,
    user_id: str,
    wanted: Sequence[Role],
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> User:
    """Exactly these roles from now on; every session of his ends, and he is told (R27, R45). Only
    what changes must be in the power of who gives it. Refuses PROOF_REQUIRED, ROLE_NOT_ALLOWED,
    NOT_ELIGIBLE, LAST_ADMINISTRATOR."""

    def decide(actor: User, target: User) -> Step | None:
        assert visitor.session is not None  # noqa: S101 - staff act signed in
        sessions.proved(visitor.session, now)
        gained = [role for role in dict.fromkeys(wanted) if role not in target.roles]
        lost = [role for role in target.roles if role not in wanted]
        if not gained and not lost:
            return None
        _check_roles(actor, wanted, gained, lost)
        if gained and not target.may_have_roles:
            raise Refusal(Reason.NOT_ELIGIBLE)
        kept = tuple(role for role in target.roles if role in wanted)
        given = tuple(replace(role, by=actor.id, at=now) for role in gained)
        return changed_roles(target, (*kept, *given), actor.id, now, entropy)

    return _change(visitor, user_id, Power.GRANT, "roles", decide, now, once, entropy)


def changed_roles(
    target: User, roles: tuple[Role, ...], actor: str, now: int, entropy: Entropy
) -> Step:
    version, epoch = target.version + 1, target.epoch + 1
    account = replace(target, roles=roles, version=version, epoch=epoch, sessions={})
    record = Record(
        "roles_changed",
        actor,
        now,
        gained=_names(role for role in roles if role not in target.roles),
        lost=_names(role for role in target.roles if role not in roles),
    )
    return Step(account, record, (notice("roles_changed", target, now, entropy),))


def _names(roles: Iterable[Role]) -> tuple[str, ...]:
    return tuple(f"{role.role} {role.organization_id}" for role in roles)


def _check_roles(
    actor: User, wanted: Sequence[Role], gained: Sequence[Role], lost: Sequence[Role]
) -> None:
    changing = [*gained, *lost]
    rows = read([keys.organization(role.organization_id) for role in changing], consistent=True)
    for role in changing:
        pointer = f"#/roles/{wanted.index(role)}" if role in gained else "#/roles"
        organization = organizations.from_item(rows.get(keys.organization(role.organization_id)))
        if role.role == SITE_ADMINISTRATOR and role.organization_id != ROOT:
            organization = None
        if organization is None or not may_give(actor.roles, role, organization.path):
            raise Refusal(Reason.ROLE_NOT_ALLOWED, pointer=pointer)
