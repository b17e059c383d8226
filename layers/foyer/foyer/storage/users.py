"""Users as rows, their sessions within: who it is and whether he still may is one read."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from foyer.rules.organizations import DEFAULT_PATH
from foyer.rules.policy import POLICY
from foyer.rules.roles import Role
from foyer.rules.sessions import DAY, Session
from foyer.rules.users import Profile, State, User, days_to_take, is_promotion
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import (
    ABSENT,
    Check,
    ConditionFailed,
    Delete,
    Item,
    Page,
    Put,
    Update,
    family,
    partition,
    setting,
    waiting,
    write,
)


def from_item(item: Item | None) -> User | None:
    """None also for one of whom the clean-up has begun to take away what he had (R59)."""
    if item is None or "removed_at" in item:
        return None
    return User(
        id=keys.id_in(item["pk"]),
        secret_hash=item.get("secret"),
        seen_at=item["seen_at"],
        language=item["language"],
        ended_at=item.get("ended_at"),
        handed_to=item.get("handed_to"),
        claims=item.get("claims", {}),
        status=State(item["status"]) if "status" in item else None,
        email=item.get("email"),
        address=item.get("address"),
        profile=profile_from(item["profile"]) if "profile" in item else None,
        roles=tuple(_role(raw) for raw in item.get("roles", [])),
        epoch=item.get("epoch", 0),
        sessions={id_: _session(id_, raw) for id_, raw in item.get("sessions", {}).items()},
        sessions_ended_at=item.get("sessions_ended_at"),
        was=item.get("was"),
        promoted_at=item.get("promoted_at"),
        password_id=item.get("password"),
        terms=item.get("terms"),
        newsletter=item.get("newsletter", False),
        took=item.get("took", {}),
        path=tuple(item.get("path", DEFAULT_PATH)),
        version=item.get("version", 0),
        status_at=item.get("status_at", 0),
        kind=item.get("kind", "sign_up"),
        created_by=item.get("created_by"),
        claim_id=item.get("claim"),
        approved_before=item.get("approved_before", False),
        is_proved=not item.get("unproved", False),
        epoch_at=item.get("epoch_at", 0),
        owned_at=item.get("owned_at", 0),
        ordered_at=item.get("ordered_at"),
        left=tuple(item.get("left", ())),
    )


def new_guest(user: User) -> Put:
    """The row of a guest who has just been made; stands among the idle from the start."""
    key = keys.user(user.id)
    return Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "secret": user.secret_hash,
            "seen_at": user.seen_at,
            "language": user.language,
            "claims": dict(user.claims),
            "due": keys.idle_guests(keys.shard_of(user.id)),
            "due_at": _abandoned_at(user.seen_at),
        },
        condition=ABSENT,
    )


_LIVE_GUEST = "secret = :secret AND attribute_not_exists(ended_at)"


def hold_claim(
    guest: User,
    claim_id: str,
    email_hash: str,
    dropped: str | None,
    *,
    ordered_at: int | None = None,
) -> Update:
    """The guest waits for one more claim, in place of `dropped` where he had the most;
    `ordered_at` where it is an order's."""
    room = "size(claims) < :most" if dropped is None else "attribute_exists(claims.#dropped)"
    values: dict[str, Any] = {":secret": guest.secret_hash}
    if dropped is None:
        values[":most"] = POLICY.claims.most
    return setting(
        keys.user(guest.id),
        {f"claims.{claim_id}": email_hash, "ordered_at": ordered_at},
        removes=[] if dropped is None else [f"claims.{dropped}"],
        condition=f"{_LIVE_GUEST} AND {room}",
        names={} if dropped is None else {"#dropped": dropped},
        values=values,
    )


def promote(before: User, after: User, now: int) -> Update:
    """The same user, registered (H9). Fails where the guest ended or was promoted meanwhile. Who
    waits for approval goes on as the guest he was, but no clean-up takes him."""
    facts = {name: value for name, value in _account(after).items() if value is not None}
    # what an earlier application said, a password first of all, is none of this one's
    gone = ["due", "due_at", *(name for name in _account(after) if name not in facts)]
    if is_promotion(before, after):
        gone.append("secret")
        facts |= {"was": before.secret_hash, "promoted_at": now}
    status = "attribute_not_exists(#status)" if before.status is None else "#status = :status"
    values: dict[str, Any] = {":secret": before.secret_hash}
    if before.status is not None:
        values[":status"] = before.status.value
    return setting(
        keys.user(before.id),
        facts | {"claims": {}},
        removes=gone,
        condition=f"{_LIVE_GUEST} AND {status}",
        names={"#status": "status"},
        values=values,
    )


def new_account(user: User) -> Put:
    """A fresh registered user. One whom staff opened an account for waits among the idle."""
    item = {**keys.user(user.id)._asdict(), **_account(user)}
    if user.status is State.PENDING_EMAIL_ACTIVATION:
        item["due"] = keys.idle_guests(keys.shard_of(user.id))
        item["due_at"] = user.seen_at + days_to_take(user, POLICY.claims) * DAY
    return Put(item, condition=ABSENT)


def _account(user: User) -> dict[str, Any]:
    assert user.status is not None  # noqa: S101 - only who registers has an account
    return {
        "status": user.status.value,
        "email": user.email,
        "address": user.address,
        "profile": profile_raw(user.profile),
        "language": user.language,
        "seen_at": user.seen_at,
        "roles": [_role_raw(role) for role in user.roles],
        "epoch": user.epoch,
        "sessions": {session.id: _raw(session) for session in user.sessions.values()},
        "password": user.password_id,
        "terms": user.terms,
        "newsletter": user.newsletter or None,
        "took": dict(user.took),
        "path": list(user.path),
        "version": user.version,
        "status_at": user.status_at,
        "kind": user.kind,
        "created_by": user.created_by,
        "claim": user.claim_id,
        "approved_before": user.approved_before or None,
        "unproved": None if user.is_proved else True,
        "owned_at": user.owned_at or None,
        "left": list(user.left) or None,
    }


def change(before: User, after: User, now: int, *, session: str | None = None) -> Update:
    """The account as it is from now on, the next version; fails where anything of it was changed
    meanwhile. Where the epoch rises every session ends but those `after` has (R27); approval ends
    the guest's cookie. With `session` only while that one stands: who was signed out meanwhile
    does not come back by it."""
    assert after.version == before.version + 1  # noqa: S101
    was, is_ = _account(before), _account(after)
    sets = {name: value for name, value in is_.items() if value != was[name] and value is not None}
    gone = [name for name, value in is_.items() if value is None and was[name] is not None]
    if after.epoch != before.epoch:
        sets |= {"sessions": is_["sessions"], "sessions_ended_at": now, "epoch_at": now}
    if before.status is State.PENDING_EMAIL_ACTIVATION:
        gone += ["due", "due_at"]
    if is_promotion(before, after):
        sets |= {"was": before.secret_hash, "promoted_at": now}
        gone.append("secret")
    condition = "#status = :status AND epoch = :epoch AND version = :version"
    return setting(
        keys.user(before.id),
        sets,
        removes=gone,
        condition=condition + (" AND attribute_exists(sessions.#session)" if session else ""),
        names={"#status": "status"} | ({"#session": session} if session else {}),
        values={
            ":status": was["status"],
            ":epoch": before.epoch,
            ":version": before.version,
        },
    )


def acts(actor: User) -> Check:
    """Whoever acts is still who he was when he was asked: approved, with the same roles."""
    return Check(
        keys.user(actor.id),
        "#status = :approved AND epoch = :epoch",
        {"#status": "status"},
        {":approved": State.APPROVED.value, ":epoch": actor.epoch},
    )


def open_session(
    user: User,
    session: Session,
    dropped: Iterable[str],
    guests: Sequence[str] = (),
    *,
    proves: bool = False,
) -> Update:
    """One more session, where nothing has ended all of them since the user was read; the guests
    are those who handed over to him by it. `proves`: and that the address is his. Fails where
    others have come meanwhile and there would be more than one may have (R24)."""
    now, ended = session.started_at, [f"sessions.{id_}" for id_ in dropped]
    sets: dict[str, Any] = {
        f"sessions.{session.id}": _raw(session),
        "sessions_ended_at": now if ended else None,
        "took": _took(user, guests, now),
    }
    opening = _if_current(user, sets, removes=[*ended, *(["unproved"] if proves else [])])
    free = "size(sessions) < :most"
    ending = {f"#d{i}": id_ for i, id_ in enumerate(sorted({*dropped} & user.sessions.keys()))}
    stand = "".join(f" AND attribute_exists(sessions.{alias})" for alias in ending)
    return replace(
        opening,
        condition=f"{opening.condition} AND ({free} OR size(sessions) < :room{stand})",
        names={**opening.names, **ending},
        values={
            **opening.values,
            ":most": POLICY.sessions.most,
            ":room": POLICY.sessions.most + len(ending),
        },
    )


def end_session(user_id: str, session_id: str, now: int) -> Update:
    """Ended; once more is the same."""
    return setting(
        keys.user(user_id),
        {"sessions_ended_at": now},
        removes=[f"sessions.{session_id}"],
        condition="attribute_exists(sessions)",
    )


def replace_sessions(
    user: User,
    session: Session,
    now: int,
    password_id: str | None = None,
    guests: Sequence[str] = (),
) -> Update:
    """All sessions end but this one; so do the links mailed before (R19, R27). One that the user
    had must still stand: who was signed out meanwhile does not come back by it."""
    sets: dict[str, Any] = {
        "sessions": {session.id: _raw(session)},
        "sessions_ended_at": now,
        "epoch": user.epoch + 1,
        "epoch_at": now,
        "password": password_id,
        "took": _took(user, guests, now),
    }
    return _if_current(user, sets, session=session.id if session.id in user.sessions else None)


def _took(user: User, guests: Sequence[str], now: int) -> dict[str, int] | None:
    """What somebody did as a guest is known for a day as done by the account (0.18)."""
    if not guests:
        return None
    lately = {id_: at for id_, at in user.took.items() if now - at < DAY}
    newest = sorted(lately, key=lambda id_: lately[id_])[-4:]
    return {id_: lately[id_] for id_ in newest} | dict.fromkeys(guests, now)


def prove_session(user: User, session: Session, now: int, *, address: bool) -> Update:
    """He proved to be himself just now; with `address` that it is his as well."""
    proof, gone = {f"sessions.{session.id}.p": now}, ["unproved"] if address else []
    return _if_current(user, proof, removes=gone, session=session.id)


def _if_current(
    user: User,
    sets: Mapping[str, Any],
    *,
    removes: Iterable[str] = (),
    session: str | None = None,
) -> Update:
    """Only while he is approved and of the epoch that was read."""
    condition, names = "#status = :approved AND epoch = :epoch", {"#status": "status"}
    if session is not None:
        condition += " AND attribute_exists(sessions.#session)"
        names["#session"] = session
    return setting(
        keys.user(user.id),
        sets,
        removes=list(removes),
        condition=condition,
        names=names,
        values={":approved": State.APPROVED.value, ":epoch": user.epoch},
    )


def hand_over(guest: User, account_id: str, now: int) -> Update:
    """The guest is dead: what he had is the account's. Fails where it was so already."""
    return setting(
        keys.user(guest.id),
        {"ended_at": now, "handed_to": account_id, "claims": {}, "due_at": _abandoned_at(now)},
        condition=f"{_LIVE_GUEST} AND attribute_not_exists(#status)",
        names={"#status": "status"},
        values={":secret": guest.secret_hash},
    )


# ---- those who never came back -------------------------------------------------------------------


def idle(shard: int, now: int, *, limit: int, after: Item | None = None) -> Page:
    """Guests, and accounts staff opened, whose time is over, the longest idle first."""
    return waiting(keys.idle_guests(shard), before=now, limit=limit, after=after)


def is_being_removed(item: Item) -> bool:
    return "removed_at" in item


def is_account(item: Item) -> bool:
    return "status" in item


def forget_claim(guest_id: str, claim_id: str) -> Update:
    """The claim is over. Fails where there is no such guest."""
    return setting(
        keys.user(guest_id),
        {},
        removes=[f"claims.{claim_id}"],
        condition="attribute_exists(claims)",
    )


def remove(user: User, now: int) -> Update:
    """From now on he is nobody, and what he had can be taken away bit by bit. Fails where he came
    back, registered or was changed since he was read (R58, N11)."""
    condition = "due_at <= :now AND seen_at = :seen AND attribute_not_exists(removed_at)"
    values: dict[str, Any] = {":now": now, ":seen": user.seen_at}
    names = {"#status": "status"}
    if user.status is None:
        condition += " AND attribute_not_exists(#status)"
    else:
        condition += " AND #status = :status AND version = :version"
        values |= {":status": user.status.value, ":version": user.version}
    sets = {"removed_at": now, "ended_at": user.ended_at or now, "version": user.version + 1}
    return setting(keys.user(user.id), sets, condition=condition, names=names, values=values)


def removed(user_id: str) -> Delete:
    """The last of him."""
    return Delete(keys.user(user_id), "attribute_exists(removed_at)")


def look_again(user: User, at: int, now: int) -> Update:
    """Something keeps him: until then he is not looked at any more."""
    condition = "due_at <= :now AND seen_at = :seen AND attribute_not_exists(removed_at)"
    values = {":now": now, ":seen": user.seen_at}
    return setting(keys.user(user.id), {"due_at": at}, condition=condition, values=values)


def waits(target: User, until: int) -> Update:
    """An account staff opened waits for its owner, so long at least. Fails where he took it
    meanwhile, or the clean-up did."""
    return setting(
        keys.user(target.id),
        {"due_at": max(until, target.status_at + days_to_take(target, POLICY.claims) * DAY)},
        condition="#status = :status AND version = :version AND attribute_not_exists(removed_at)",
        names={"#status": "status"},
        values={
            ":status": State.PENDING_EMAIL_ACTIVATION.value,
            ":version": target.version,
        },
    )


# ---- closing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Closed:
    """An account that was closed by the session whose cookie hashes so; `emails` are the addresses
    he had, the last one first, while what names them is still being erased."""

    user_id: str
    cookie_hash: str
    emails: tuple[str, ...] | None


def close(user: User, session_id: str, cookie_hash: str, now: int) -> Put:
    """All that is left of him: that there was somebody, and what is still to be erased. Fails where
    anything of the account was changed meanwhile."""
    item: dict[str, Any] = {
        **keys.user(user.id)._asdict(),
        "status": State.CLOSED.value,
        "status_at": now,
        "seen_at": now,
        "language": user.language,
        "epoch": user.epoch + 1,
        "version": user.version + 1,
        "sessions": {},
        "sessions_ended_at": now,
        "closed_with": cookie_hash,
        "erasing": [user.email, *user.left],
        "due": keys.CLOSING,
        "due_at": now,
    }
    return Put(
        item,
        "#status = :status AND epoch = :epoch AND version = :version"
        " AND attribute_exists(sessions.#session)",
        {"#status": "status", "#session": session_id},
        {":status": State.APPROVED.value, ":epoch": user.epoch, ":version": user.version},
    )


def closed_from(item: Item | None) -> Closed | None:
    if item is None or "closed_with" not in item:
        return None
    emails = item.get("erasing")
    return Closed(
        keys.id_in(item["pk"]), item["closed_with"], None if emails is None else tuple(emails)
    )


def closing(now: int, *, limit: int, after: Item | None = None) -> Page:
    """Accounts of which something is still to be erased."""
    return waiting(keys.CLOSING, before=now, limit=limit, after=after)


def erased(user_id: str, again_at: int | None) -> None:
    """Nothing names him any more; at `again_at` it is looked once more whether a request that was
    under way has left something beside him."""
    update = setting(
        keys.user(user_id),
        {} if again_at is None else {"erasing": [], "due_at": again_at},
        removes=["erasing", "due", "due_at"] if again_at is None else [],
        condition="attribute_exists(erasing)",
    )
    write(update)


def forget_address(email: str) -> Delete:
    """Nothing tells that the address was ever his; unless it is somebody's by now."""
    return Delete(keys.email(email), "attribute_not_exists(#user)", {"#user": "user"})


def drop_password(user_id: str) -> Delete:
    return Delete(keys.credential(user_id))


def beside(user_id: str, *, limit: int, after: Item | None = None) -> Page:
    """What stands beside a user, his own row among it."""
    start = None if after is None else Key(after["pk"], after["sk"])
    return partition(keys.user(user_id), limit=limit, after=start)


def push_idle_clock(user: User, session: Session | None, now: int) -> User | None:
    """He was here. Answers with who he is: of two requests at once one pushes; who ended meanwhile
    stays ended, and the clean-up, where it came first, has taken him. Raises Unavailable."""
    if session is None:
        waits = user.status is not None  # for approval: nothing may take him
        update = setting(
            keys.user(user.id),
            {"seen_at": now, "due_at": None if waits else _abandoned_at(now)},
            condition=f"seen_at = :seen AND {_LIVE_GUEST}",
            values={":seen": user.seen_at, ":secret": user.secret_hash},
        )
    else:
        path = f"sessions.{session.id}.s"
        update = setting(
            keys.user(user.id),
            {path: now, "seen_at": now},
            condition="sessions.#session.s = :seen",
            names={"#session": session.id},
            values={":seen": session.seen_at},
        )
    try:
        return from_item(write(update))
    except ConditionFailed as failed:
        return from_item(failed.items[0])


def still_guest(guest: User) -> Check:
    """The guest has not ended, nor become a client, while something is added to what he has."""
    return Check(keys.user(guest.id), _LIVE_GUEST, {}, {":secret": guest.secret_hash})


def set_language(user_id: str, language: str) -> None:
    update = setting(
        keys.user(user_id),
        {"language": language},
        condition="attribute_exists(pk) AND attribute_not_exists(ended_at)",
    )
    with suppress(ConditionFailed):  # he is gone: there is nobody whose language it would be
        write(update)


# ---- what stands beside the user -----------------------------------------------------------------


def put_password(user: User, password_hash: str, now: int, *, instead_of: str | None = None) -> Put:
    """The password the user's row names. With `instead_of` only in place of that hash."""
    key = keys.credential(user.id)
    item = {**key._asdict(), "id": user.password_id, "hash": password_hash, "set_at": now}
    if instead_of is None:
        return Put(item)
    return Put(item, "#hash = :old", {"#hash": "hash"}, {":old": instead_of})


def password_of(user: User | None, rows: Mapping[Key, Item]) -> str | None:
    """The hash of the user's password, if the row that was read beside his is the one he names: two
    rows of one read need not be of one moment, and a password of an earlier life is none."""
    if user is None or user.password_id is None:
        return None
    row = rows.get(keys.credential(user.id), {})
    return row["hash"] if row.get("id") == user.password_id else None


def owner_of(item: Item | None) -> str | None:
    """Whose an address is, from its row: nobody's any more where its owner left it."""
    return None if item is None else item.get("user")


def left_at(item: Item | None) -> int:
    """When an owner of the address last left it for another, whoever has it now: claims made and
    invitations mailed until then are void."""
    return 0 if item is None else int(item.get("left_at", 0))


def proved_at(item: Item | None) -> int:
    """Since when an address is its owner's."""
    return 0 if item is None else int(item.get("proved_at", 0))


@dataclass(frozen=True)
class Application:
    """An address was rejected as that user and asked again at that time (epoch seconds)."""

    user_id: str
    at: int


def applications_of(item: Item | None) -> list[Application]:
    """The earlier registrations of an address, from its row."""
    told = [] if item is None else item.get("applications", [])
    return [Application(raw["user"], raw["at"]) for raw in told]


def own_address(
    email: str,
    user_id: str,
    now: int,
    *,
    asked_at: int,
    of: str | None = None,
    earlier: Sequence[Application] = (),
) -> Update:
    """The address is this user's from now on; fails where it is anybody's but `of`, or where its
    last owner left it only after this was asked for. `earlier` are the registrations of it that
    were rejected, where they are new: the row remembers them whoever comes after."""
    facts: dict[str, Any] = {"user": user_id, "proved_at": now}
    if earlier:
        facts["applications"] = [{"user": one.user_id, "at": one.at} for one in earlier]
    condition, values = "#user = :of", {":of": of}
    if of is None:
        condition = f"{ABSENT} OR (attribute_not_exists(#user) AND left_at < :asked)"
        values = {":asked": asked_at}  # type: ignore[dict-item]
    return setting(
        keys.email(email),
        facts,
        condition=condition,
        names={"#user": "user"},
        values=values,
    )


def proved_anew(email: str, user_id: str, now: int) -> Update:
    """Since now the address is known to be his: browsers known before are not (0.9)."""
    return setting(
        keys.email(email),
        {"proved_at": now},
        condition="#user = :of",
        names={"#user": "user"},
        values={":of": user_id},
    )


def leave_address(email: str, user_id: str, now: int) -> Update:
    """The address is nobody's any more, and what was mailed to it until now opens nothing; fails
    where it is not his. When it was left before stays known: what was mailed since then was his."""
    return Update(
        keys.email(email),
        "SET left_before = if_not_exists(left_at, :never), left_at = :now REMOVE #user",
        condition="#user = :of",
        names={"#user": "user"},
        values={":of": user_id, ":now": now, ":never": 0},
    )


def left_before(item: Item | None) -> int:
    """When an address was left by an owner before the one who left it last."""
    return 0 if item is None else int(item.get("left_before", 0))


@dataclass(frozen=True)
class Record:
    """Something that happened to an account. `actor` is the id of who did it; `note` what staff
    wrote beside it; `gained` and `lost` are roles, as "role organization"."""

    event: str
    actor: str
    at: int
    note: str | None = None
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def audit(account: User, record_id: str, record: Record) -> Put:
    """Only ever added to. `account` as it is afterwards."""
    key = keys.audit(account.id, record.at, account.version, record_id)
    facts: dict[str, Any] = {"event": record.event, "actor": record.actor, "at": record.at}
    if record.note is not None:
        facts["note"] = record.note
    for name, roles in (("gained", record.gained), ("lost", record.lost)):
        if roles:
            facts[name] = list(roles)
    return Put({"pk": key.pk, "sk": key.sk, **facts}, condition=ABSENT)


def record_from(item: Item) -> Record:
    return Record(
        item["event"],
        item["actor"],
        item["at"],
        item.get("note"),
        tuple(item.get("gained", ())),
        tuple(item.get("lost", ())),
    )


def history(user_id: str, *, limit: int, after: Item | None = None) -> Page:
    """What happened to the account, the newest first."""
    start = None if after is None else Key(after["pk"], after["sk"])
    head = keys.audit_of(user_id)
    return family(head, head.sk, limit=limit, after=start, newest_first=True)


# ---- parts of the row ----------------------------------------------------------------------------


def profile_raw(profile: Profile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {name: value for name, value in vars(profile).items() if value is not None}


def profile_from(raw: Mapping[str, Any]) -> Profile:
    return Profile(
        raw["name"],
        raw["profile_type"],
        raw.get("organization_id"),
        raw.get("phone"),
        raw.get("company"),
    )


def _role(raw: Mapping[str, Any]) -> Role:
    return Role(raw["role"], raw["organization_id"], raw.get("by", ""), raw.get("at", 0))


def _role_raw(role: Role) -> dict[str, Any]:
    return {
        "role": role.role,
        "organization_id": role.organization_id,
        "by": role.by,
        "at": role.at,
    }


def _raw(session: Session) -> dict[str, Any]:
    return {
        "h": session.secret_hash,
        "t": session.started_at,
        "s": session.seen_at,
        "p": session.proved_at,
        "r": session.remember,
        "b": session.browser,
    }


def _session(id_: str, raw: Mapping[str, Any]) -> Session:
    return Session(id_, raw["h"], raw["t"], raw["s"], raw["p"], raw["r"], raw["b"])


def _abandoned_at(seen_at: int) -> int:
    return seen_at + POLICY.guests.idle_days * DAY
