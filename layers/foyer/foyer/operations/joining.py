"""What makes an account, by whichever road somebody comes to it: the mailed link of a sign-up, an
account staff opened, an invitation. One transaction, as many items for an empty cart as for a full
one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from foyer import passwords
from foyer.credentials import Entropy, new_id
from foyer.operations import consents
from foyer.operations.events import happened
from foyer.operations.sessions import Visitor, asked_mail, cost
from foyer.rules import registration as rules
from foyer.rules.consents import OF_KIND, said
from foyer.rules.organizations import Organization, needs_approval
from foyer.rules.policy import POLICY, Kind
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.registration import Newcomer
from foyer.rules.roles import Role
from foyer.rules.users import (
    Event,
    Profile,
    State,
    User,
    after,
    apply_again,
    is_promotion,
    stepped,
)
from foyer.storage import administrators, digests, keys, members, users
from foyer.storage.table import Change, ConditionFailed, Item, Update, read, write
from foyer.storage.users import Application, Record

REMEMBERED_APPLICATIONS = 10


@dataclass(frozen=True)
class Joining:
    """What somebody joins with. `asked_at` is when the mail was asked for that proves his address;
    `terms` the version in force, where he agreed to it himself; `is_proved` whether the link was
    his alone to have (0.9)."""

    email: str
    address: str
    asked_at: int
    profile: Profile
    kind: Kind = "sign_up"
    terms: str | None = None
    newsletter: bool = False
    password: str | None = None
    roles: tuple[Role, ...] = ()
    is_proved: bool = True


def account(
    visitor: Visitor,
    joining: Joining,
    line: Sequence[Organization],
    before: User | None,
    now: int,
    entropy: Entropy,
) -> User:
    """The user as he will be: `before`, or a fresh one. `line` is his organization and those above
    it."""
    fresh = before or User(new_id(entropy), visitor.language, now)
    path = line[0].path if line else fresh.path
    waits = needs_approval(line) and not fresh.approved_before
    event = Event.ASK_APPROVAL if waits else Event.ACTIVATE
    newcomer = Newcomer(joining.kind, joining.profile.profile_type, path)
    return replace(
        fresh,
        language=visitor.chosen_language or fresh.language,
        seen_at=now,
        claims={},
        status=after(State.NOBODY if before is None else before.state, event),
        status_at=now,
        email=joining.email,
        address=joining.address,
        profile=replace(joining.profile, organization_id=path[-1]),
        path=path,
        kind=joining.kind,
        roles=(*joining.roles, *rules.roles(POLICY.registration, newcomer, now)),
        epoch=fresh.epoch + 1,
        version=fresh.version + 1,
        sessions={},
        password_id=None if joining.password is None else new_id(entropy),
        terms=joining.terms,
        newsletter=joining.newsletter,
        is_proved=joining.is_proved,
    )


def changes(
    visitor: Visitor,
    joining: Joining,
    before: User | None,
    made: User,
    now: int,
    entropy: Entropy,
) -> list[Change]:
    """What makes the account. Fails where the address is somebody's."""
    approved = made.status is State.APPROVED
    event = "activated" if approved else "approval_asked"
    gained = tuple(f"{role.role} {role.organization_id}" for role in made.roles)
    record = Record(event, made.id, now, gained=gained)
    rows: list[Change] = [
        _made(before, made, now),
        users.own_address(joining.email, made.id, now, asked_at=joining.asked_at),
        users.audit(made, new_id(entropy), record),
        members.put(made),
        *members.works(made.id, (), made.roles),
        *administrators.kept(before, made),
    ]
    if joining.password is not None:
        rows.append(users.put_password(made, passwords.hashed(joining.password, cost()), now))
    wanted_it = before is not None and before.newsletter
    entries = said(
        POLICY.shop,
        OF_KIND[joining.kind],
        now,
        terms=True if made.terms is not None else None,
        newsletter=made.newsletter if made.newsletter or wanted_it else None,
    )
    rows += consents.rows_of(made, entries, now, entropy)
    if approved:
        rows.append(asked_mail("activated", visitor, joining.address, now, entropy))
    else:
        rows.append(digests.ask(made.path, now))
    if is_promotion(before, made):
        rows.append(happened("guest.promoted", {"user_id": made.id}, now, entropy))
    return rows


def _made(before: User | None, made: User, now: int) -> Change:
    if before is None:
        return users.new_account(made)
    if before.status is State.PENDING_EMAIL_ACTIVATION:
        return users.change(before, made, now)
    return users.promote(before, made, now)


def join(
    joining: Joining,
    made: User,
    rows: Sequence[Change],
    moving: Sequence[Change],
    now: int,
    entropy: Entropy,
) -> None:
    """Writes what makes the account and what moves with it. An address that is a rejected person's
    is taken over (0.4). Raises ConditionFailed where something changed meanwhile; refuses
    ALREADY_ACTIVE where the address is somebody's, LINK_EXPIRED where it was left by its owner
    after this was asked for."""
    try:
        write(*rows, *moving)
    except ConditionFailed as failed:
        taken = _taken(failed, rows, joining.email)
        if taken is None:
            raise
        if users.owner_of(taken) is None:
            raise Refusal(Reason.LINK_EXPIRED) from failed
        write(*_taking_over(taken, joining, rows, made, now, entropy), *moving)


def _taken(failed: ConditionFailed, rows: Sequence[Change], email: str) -> Item | None:
    """The row of the address, where it is somebody's and that alone stood in the way, or what he
    answered for an order that names it."""
    at = next(i for i, change in enumerate(rows) if _is_address(change, email))
    beside = {i for i, change in enumerate(rows) if _is_beside(change, email)}
    others = [item for i, item in enumerate(failed.items) if i not in beside]
    return None if any(item is not None for item in others) else failed.items[at]


def _is_address(change: Change, email: str) -> bool:
    return isinstance(change, Update) and change.key == keys.email(email)


def _is_beside(change: Change, email: str) -> bool:
    return isinstance(change, Update) and change.key.pk == keys.email(email).pk


def _taking_over(
    taken: Item,
    joining: Joining,
    rows: Sequence[Change],
    made: User,
    now: int,
    entropy: Entropy,
) -> list[Change]:
    """The same changes, the address taken over from a rejected person, who may be this very user:
    he may register again, so often, and the address remembers each time (0.4)."""
    owner_id, earlier = users.owner_of(taken) or "", users.applications_of(taken)
    lost = list[Change]()
    if owner_id != made.id:
        owner = rejected(owner_id)
        gone = stepped(owner, Event.LOSE_ADDRESS, now)
        lost = [
            users.change(owner, gone, now),
            members.drop(owner_id),
            users.audit(gone, new_id(entropy), Record("superseded", owner_id, now)),
        ]
    apply_again([one.at for one in earlier], now, POLICY.approvals)
    remembered = [*earlier, Application(owner_id, now)][-REMEMBERED_APPLICATIONS:]
    own = users.own_address(
        joining.email, made.id, now, asked_at=joining.asked_at, of=owner_id, earlier=remembered
    )
    return [own if _is_address(change, joining.email) else change for change in rows] + lost


def rejected(owner_id: str, owner: User | None = None) -> User:
    """The owner of an address who was rejected: it may move (0.4). Refuses ALREADY_ACTIVE."""
    if owner is None:
        key = keys.user(owner_id)
        owner = users.from_item(read([key], consistent=True).get(key))
    if owner is None or owner.state is not State.REJECTED:
        raise Refusal(Reason.ALREADY_ACTIVE)
    return owner


def refuse_taken(row: Item | None, now: int, *, asked_at: int, own: User | None = None) -> None:
    """Once an address is somebody's, what was asked for before is void; a rejected person's may be
    taken, `own` perhaps."""
    owner_id = users.owner_of(row)
    if owner_id is None:
        if asked_at <= users.left_at(row):
            raise Refusal(Reason.LINK_EXPIRED)
        return
    rejected(owner_id, own if own is not None and own.id == owner_id else None)
    apply_again([one.at for one in users.applications_of(row)], now, POLICY.approvals)
