"""Inviting to a gallery, and the board of who was (P14, P15, A18-A20, N9)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_bytes

from foyer.credentials import Entropy, fingerprint, new_id
from foyer.operations.sessions import RETRIES, Visitor, attempt_of
from foyer.operations.studio import hanging
from foyer.rules.galleries import Gallery, Rights
from foyer.rules.invitations import Delivery, Invitation, State, Transfer, invited_again
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY
from foyer.rules.users import State as Status
from foyer.rules.users import User, logon_id
from foyer.storage import catalogue, deliveries, grants, keys, limits, requests, users
from foyer.storage.idempotency import UNKEYED, Attempt, Once
from foyer.storage.keys import Key
from foyer.storage.limits import Limit
from foyer.storage.outbox import Mail, new_mail
from foyer.storage.secrets import site_key
from foyer.storage.table import Change, ConditionFailed, Item, Put, read, write

INVITED = Rights()  # what somebody is invited to, where nothing else is said
READ_AT_ONCE = 100  # addresses looked up in one call
PAGES = 10  # of so many invitations, looked through for those that are asked for
AT_ONCE = 7  # addresses invited in one transaction


@dataclass(frozen=True)
class Inviting:
    """Whom to invite: each address as typed, and as one can be mailed to, or None. `language` is of
    the mail to who has no account."""

    addresses: Sequence[tuple[str, str | None]]
    rights: Rights
    message: str | None
    language: str


@dataclass(frozen=True)
class Result:
    """What became of one address; `id` of its invitation."""

    address: str
    id: str | None
    result: str  # invited | already_invited | malformed


@dataclass(frozen=True)
class Invited:
    results: list[Result]
    remaining: int


def invite(
    visitor: Visitor,
    gallery_id: str,
    form: Inviting,
    now: int,
    *,
    once: Once,
    time_is_left: Callable[[], bool],
    entropy: Entropy = token_bytes,
) -> Invited:
    """Authorises and mails each address, once: an invitation that is good stays as it is, one that
    is over begins anew. Stops where time runs out; the same key goes on where it stopped, for what
    this call made says so. Refuses TOO_MANY_INVITATIONS where nobody more could be invited."""
    attempt = attempt_of(visitor, once, f"invitations#{gallery_id}")
    if attempt is None:  # the route asks for a key: who sends one and has no cookie is nobody
        raise Refusal(Reason.SIGN_IN_REQUIRED)
    actor, gallery, rows = hanging(visitor, gallery_id, now, more=[attempt.row_key], changing=True)
    attempt.is_repeat(rows.get(attempt.row_key), now)
    batch = _Batch(visitor, actor, gallery, form, attempt, now, entropy)
    wanted = list(batch.typed)
    done: dict[str, Result] = {}
    wrote = False
    for start in range(0, len(wanted), READ_AT_ONCE):
        group = wanted[start : start + READ_AT_ONCE]
        known = _known(gallery.id, group, now)
        todo = []
        for email in group:
            result = batch.result(email, known.get(email))
            if result is None:
                todo.append(email)
            else:
                done[email] = result
        for first in range(0, len(todo), AT_ONCE):
            if not time_is_left():
                return batch.answer(done)
            chunk = todo[first : first + AT_ONCE]
            made = batch.write(chunk, known)
            if made is None:
                if not wrote:
                    limit = batch.limit(1)
                    raise Refusal(Reason.TOO_MANY_INVITATIONS, retry_after=limit.retry_after(now))
                return batch.answer(done)
            done |= made
            wrote = True
    return batch.answer(done)


def _known(gallery_id: str, emails: Sequence[str], now: int) -> dict[str, Invitation]:
    wanted = [keys.grant(gallery_id, grants.id_of_address(gallery_id, e, now)) for e in emails]
    found = map(grants.from_item, read(wanted, consistent=True).values())
    return {one.email: one for one in found if one is not None}


@dataclass
class _Batch:
    """One call that invites."""

    visitor: Visitor
    actor: User
    gallery: Gallery
    form: Inviting
    attempt: Attempt
    now: int
    entropy: Entropy
    typed: dict[str, str] = field(init=False)  # each address once, by the key it is known by
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.typed = {}
        for _, address in self.form.addresses:
            if address is not None:
                self.typed.setdefault(logon_id(address), address)
        said = (self.attempt.user_id, self.attempt.route, self.attempt.key)
        self.id = fingerprint(site_key(self.now), "batch", *said)

    def result(self, email: str, old: Invitation | None) -> Result | None:
        """What became of an address before now; None where it is still to be invited."""
        if old is None:
            return None
        if old.batch == self.id and old.invited_at + DAY > self.now:
            return Result(self.typed[email], old.id, "invited")
        over = {State.DECLINED, State.REVOKED, State.EXPIRED}
        if old.state(self.now) in over:
            return None
        return Result(self.typed[email], old.id, "already_invited")

    def limit(self, weight: int) -> Limit:
        most = POLICY.invitations.per_staff_per_day
        return Limit("invitations", self.actor.id, most, DAY, weight)

    def write(
        self, chunk: Sequence[str], known: Mapping[str, Invitation]
    ) -> dict[str, Result] | None:
        """Invites these, in one transaction with what says that this call did; None where no more
        may be invited today."""
        for _ in range(RETRIES + 1):
            before = {email: self.result(email, known.get(email)) for email in chunk}
            todo = [email for email, result in before.items() if result is None]
            done = {email: result for email, result in before.items() if result is not None}
            if not todo:
                return done
            rows, made = list[Change](), dict[str, Result]()
            for email in todo:
                changes, id_ = self._one(email, known.get(email))
                rows += changes
                made[email] = Result(self.typed[email], id_, "invited")
            common: list[Change] = [
                self.limit(len(todo)).one_more(self.now),
                users.acts(self.actor),
                catalogue.still_there(self.gallery),
                self.attempt.going_on(self.now),
            ]
            try:
                write(*common, *rows)
            except ConditionFailed as failed:
                if failed.items[0] is not None and not any(failed.items[1:]):
                    return None
                # something changed: is it still his to do, and what is there now?
                self.actor, self.gallery, _ = hanging(
                    self.visitor, self.gallery.id, self.now, changing=True
                )
                known = _known(self.gallery.id, chunk, self.now)
                continue
            return done | made
        raise Refusal(Reason.BUSY, retry_after=1)

    def _one(self, email: str, old: Invitation | None) -> tuple[list[Change], str]:
        invitation, mail = new(
            self.gallery,
            self.typed[email],
            self.actor.id,
            self.now,
            rights=self.form.rights,
            message=self.form.message,
            language=self.form.language,
            entropy=self.entropy,
        )
        invitation = replace(invitation, batch=self.id)
        if old is not None:
            invitation = invited_again(old, invitation)
        asked = requests.answered(self.gallery.id, email, self.now)
        return [grants.put(invitation, old), mail, asked], invitation.id

    def answer(self, done: Mapping[str, Result]) -> Invited:
        """By the order of the call. Who stands in it twice was invited by the first."""
        results, seen, remaining = list[Result](), set[str](), 0
        for typed, address in self.form.addresses:
            if address is None:
                results.append(Result(typed, None, "malformed"))
                continue
            email = logon_id(address)
            if email not in done:
                remaining += 1
            elif email in seen:
                results.append(replace(done[email], address=typed, result="already_invited"))
            else:
                results.append(replace(done[email], address=typed))
                seen.add(email)
        return Invited(results, remaining)


def new(
    gallery: Gallery,
    address: str,
    by: str,
    now: int,
    *,
    language: str,
    rights: Rights = INVITED,
    message: str | None = None,
    entropy: Entropy = token_bytes,
) -> tuple[Invitation, Put]:
    """A new invitation by this member of staff, and its mail: rows to be written together."""
    email = logon_id(address)
    invitation = Invitation(
        id=grants.id_of_address(gallery.id, email, now),
        gallery_id=gallery.id,
        email=email,
        address=address,
        rights=rights,
        invited_at=now,
        until=now + POLICY.invitations.days * DAY,
        link_id=new_id(entropy),
        by=by,
        language=language,
        message=message,
        mail_id=new_id(entropy),
    )
    return invitation, _mail(invitation, now)


def _mail(invitation: Invitation, now: int) -> Put:
    facts = {
        "gallery": invitation.gallery_id,
        "grant": invitation.id,
        "link": invitation.link_id or "",
    }
    id_, to = invitation.mail_id or "", invitation.address
    return new_mail(Mail(id_, "invitation", to, invitation.language, facts, now))


# ---- the board -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Board:
    gallery: Gallery
    invitations: list[Invitation]
    last: Item | None


def board(
    visitor: Visitor,
    gallery_id: str,
    now: int,
    *,
    limit: int,
    address: str | None = None,
    state: State | None = None,
    delivery: Delivery | None = None,
    after: Item | None = None,
) -> Board:
    """A page of who was invited, perhaps only in this state, or those whose mail became of this;
    or the one invitation of an address."""
    _, gallery, _ = hanging(visitor, gallery_id, now)
    if address is not None:
        found = _followed(_known(gallery_id, [logon_id(address)], now).values(), now)
        return Board(gallery, _named(found), None)
    everything = state is None and delivery is None
    listed: list[Invitation] = []
    for _ in range(PAGES):
        page = grants.of_gallery(
            gallery_id, limit=limit if everything else READ_AT_ONCE, after=after
        )
        rows = [one for item in page.items if (one := grants.from_item(item)) is not None]
        listed += [
            one
            for one in rows
            if one.moved_to is None
            and state in {None, one.state(now)}
            and delivery in {None, one.delivery}
        ]
        after = page.last
        if after is None or everything or len(listed) >= limit:
            break
    if len(listed) > limit:
        listed = listed[:limit]
        after = keys.grant(gallery_id, listed[-1].id)._asdict()
    return Board(gallery, _named(listed), after)


def _named(found: Sequence[Invitation]) -> list[Invitation]:
    """With the addresses of the accounts that ask to be admitted, as they are now."""
    wanted = [keys.user(id_) for one in found for id_ in one.transfers]
    rows = read(wanted, consistent=False) if wanted else {}
    people = {key: users.from_item(row) for key, row in rows.items()}

    def named(asked: Transfer) -> Transfer:
        user = people.get(keys.user(asked.user_id))
        return replace(asked, address=(user.address or "") if user is not None else "")

    return [
        replace(one, transfers={id_: named(asked) for id_, asked in one.transfers.items()})
        for one in found
    ]


def _followed(found: Iterable[Invitation], now: int) -> list[Invitation]:
    """Of who left the address he was invited at, what he has now."""
    listed = list[Invitation]()
    for one in found:
        if one.moved_to is None:
            listed.append(one)
            continue
        id_ = grants.id_of_user(one.gallery_id, one.moved_to, now)
        key = keys.grant(one.gallery_id, id_)
        own = grants.from_item(read([key], consistent=True).get(key))
        listed += [own] if own is not None else []
    return listed


@dataclass(frozen=True)
class Deed:
    """Who acts, in which gallery, on which invitation, as they were read."""

    actor: User
    gallery: Gallery
    invitation: Invitation


# What becomes of the invitation and what is written beside it; None: it is so already.
Decide = Callable[[Deed], tuple[Invitation, list[Change]] | None]


def _change(
    visitor: Visitor,
    gallery_id: str,
    grant_id: str,
    route: str,
    decide: Decide,
    now: int,
    once: Once = UNKEYED,
    *,
    more: Sequence[Key] = (),
) -> Invitation:
    """One step of an invitation, while it is what was read and whoever acts still may. Under the
    same Idempotency-Key it happens once."""
    key = keys.grant(gallery_id, grant_id)
    attempt = attempt_of(visitor, once, f"{route}#{gallery_id}#{grant_id}")
    for _ in range(RETRIES + 1):
        wanted = [key, *more, *([attempt.row_key] if attempt else [])]
        actor, gallery, rows = hanging(visitor, gallery_id, now, more=wanted, changing=True)
        invitation = grants.from_item(rows.get(key))
        if invitation is None:
            raise Refusal(Reason.NOT_FOUND)
        if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
            return _named([invitation])[0]
        if invitation.moved_to is not None:  # he left the address: it is his own row that counts
            key = keys.grant(gallery_id, grants.id_of_user(gallery_id, invitation.moved_to, now))
            continue
        decided = decide(Deed(actor, gallery, invitation))
        if decided is None:
            return _named([invitation])[0]
        after, beside = decided
        after = replace(after, version=invitation.version + 1)
        try:
            write(
                users.acts(actor),
                catalogue.still_there(gallery),
                grants.change(invitation, after),
                *beside,
                *([attempt.record(now)] if attempt else []),
            )
        except ConditionFailed:
            continue
        return _named([after])[0]
    raise Refusal(Reason.BUSY, retry_after=1)


def _wrong_state(invitation: Invitation, now: int) -> Refusal:
    return Refusal(Reason.WRONG_STATE, facts={"state": invitation.state(now).value})


def resend(
    visitor: Visitor,
    gallery_id: str,
    grant_id: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Invitation:
    """A new link, good for 30 days from now; the one before says that it was replaced. Refuses
    WRONG_STATE where it was taken or revoked, ADDRESS_SUPPRESSED where mails to the address come
    back: then it wants correcting."""
    counted: list[bool] = []

    def decide(deed: Deed) -> tuple[Invitation, list[Change]]:
        invitation = deed.invitation
        if invitation.answer in {State.ACCEPTED, State.REVOKED}:
            raise _wrong_state(invitation, now)
        _refuse_suppressed(invitation.email, now)
        if not counted:
            _count_resend(deed, invitation.email, now)
            counted.append(True)
        after = replace(
            invitation,
            answer=State.PENDING,
            invited_at=now,
            until=now + POLICY.invitations.days * DAY,
            link_id=new_id(entropy),
            mail_id=new_id(entropy),
            delivery=Delivery.QUEUED,
        )
        return after, [_mail(after, now)]

    return _change(visitor, gallery_id, grant_id, "invitation-resend", decide, now, once)


def _refuse_suppressed(email: str, now: int) -> None:
    key = keys.delivery(email)
    row = read([key], consistent=True).get(key)
    if deliveries.from_item(row, now).stops(needed=False) is not None:
        raise Refusal(Reason.ADDRESS_SUPPRESSED)


def _count_resend(deed: Deed, email: str, now: int) -> None:
    """So many mails a day to one address, whichever invitation they are of, and in all."""
    rules = POLICY.invitations
    reached = limits.count_all(
        [
            Limit(
                "invitation-mail",
                f"{deed.actor.id} {email}",
                rules.resends_per_address_per_day,
                DAY,
            ),
            Limit("invitations", deed.actor.id, rules.per_staff_per_day, DAY),
        ],
        now,
    )
    if reached is not None:
        raise Refusal(Reason.TOO_MANY_MAILS, retry_after=reached.retry_after(now))


def correct(
    visitor: Visitor,
    gallery_id: str,
    grant_id: str,
    address: str,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Invitation:
    """Invites another address in place of a wrong one, which from now on opens nothing, whoever
    took it: in one transaction (A8). Answers with the new invitation, or the one the right address
    had already. Refuses WRONG_STATE where it was revoked before."""
    email = logon_id(address)
    id_ = grants.id_of_address(gallery_id, email, now)
    key, made = keys.grant(gallery_id, id_), list[Invitation]()
    counted: list[bool] = []

    def decide(deed: Deed) -> tuple[Invitation, list[Change]]:
        invitation = deed.invitation
        if invitation.id == id_ or invitation.email == email:
            raise Refusal(Reason.INVALID_INPUT, pointer="#/address")
        if invitation.answer is State.REVOKED:
            raise _wrong_state(invitation, now)
        _refuse_suppressed(email, now)
        if not counted:
            _count_resend(deed, email, now)
            counted.append(True)
        other = grants.from_item(read([key], consistent=True).get(key))
        fresh, mail = new(
            deed.gallery,
            address,
            deed.actor.id,
            now,
            rights=invitation.rights,
            message=invitation.message,
            language=invitation.language,
            entropy=entropy,
        )
        beside: list[Change] = [*_let_go(invitation)]
        over = {State.DECLINED, State.REVOKED, State.EXPIRED}
        if other is not None and other.state(now) not in over:
            made[:] = [other]
        else:
            made[:] = [fresh if other is None else invited_again(other, fresh)]
            beside += [grants.put(made[0], other), mail]
        return _revoked(invitation), beside

    _change(visitor, gallery_id, grant_id, "invitation-correct", decide, now, once)
    if not made:  # done before, under the same key
        found = grants.from_item(read([key], consistent=True).get(key))
        if found is None:
            raise Refusal(Reason.NOT_FOUND)
        return found
    return made[0]


def _revoked(invitation: Invitation) -> Invitation:
    return replace(
        invitation,
        answer=State.REVOKED,
        bound_to=None,
        accepted_with=None,
        accepted_epoch=None,
        transfers={},
    )


def _let_go(invitation: Invitation) -> list[Change]:
    if invitation.bound_to is None:
        return []
    return [grants.let_go(invitation.bound_to, invitation)]


def revoke(visitor: Visitor, gallery_id: str, grant_id: str, now: int) -> None:
    """From now on it opens nothing, whoever took it. Once more is the same."""

    def decide(deed: Deed) -> tuple[Invitation, list[Change]] | None:
        invitation = deed.invitation
        if invitation.answer is State.REVOKED:
            return None
        return _revoked(invitation), _let_go(invitation)

    _change(visitor, gallery_id, grant_id, "invitation-revoke", decide, now)


def change_rights(
    visitor: Visitor, gallery_id: str, grant_id: str, rights: Rights, now: int
) -> Invitation:
    """What this person may do in the gallery; without entering he is shut out of it (A10)."""

    def decide(deed: Deed) -> tuple[Invitation, list[Change]] | None:
        invitation = deed.invitation
        if invitation.answer is State.REVOKED:
            raise _wrong_state(invitation, now)
        if rights == invitation.rights:
            return None
        after = replace(invitation, rights=rights)
        user_id = invitation.bound_to
        return after, [] if user_id is None else [grants.hold(user_id, after)]

    return _change(visitor, gallery_id, grant_id, "invitation-rights", decide, now)


# ---- another account, admitted as well -----------------------------------------------------------


def admit(
    visitor: Visitor,
    gallery_id: str,
    grant_id: str,
    now: int,
    *,
    user_id: str | None = None,
    strike_out: bool = False,
    entropy: Entropy = token_bytes,
) -> Invitation:
    """Admits an account that asks to be let in as well: it is granted what the invitation is, and
    mailed so. The invited address stays invited, unless it is struck out, and is told (N4). Refuses
    WRONG_STATE where nobody asks."""
    made: list[Invitation] = []

    def decide(deed: Deed) -> tuple[Invitation, list[Change]]:
        invitation = deed.invitation
        asked = _asking(invitation, user_id, now)
        id_ = grants.id_of_user(gallery_id, asked.user_id, now)
        if asked.user_id == invitation.bound_to:  # it is his by now: he only stops asking
            made[:] = [invitation]
            return _without(invitation, asked), []
        key, who = keys.grant(gallery_id, id_), keys.user(asked.user_id)
        rows = read([key, who], consistent=True)
        user, old = users.from_item(rows.get(who)), grants.from_item(rows.get(key))
        if user is None or user.status is not Status.APPROVED:
            raise _wrong_state(invitation, now)
        admitted = grants.to_user(user, invitation, deed.actor.id, now)
        admitted = replace(admitted, mail_id=new_id(entropy))
        if old is not None:
            admitted = invited_again(old, admitted)
        made[:] = [admitted]
        facts = {"gallery": gallery_id, "grant": id_, "title": deed.gallery.title}
        told = {"title": deed.gallery.title, "other": user.address or ""}
        beside: list[Change] = [
            grants.put(admitted, old),
            grants.hold(user.id, admitted),
            _told(
                admitted.mail_id or "", "admitted", user.address or "", user.language, facts, now
            ),
            _told(
                new_id(entropy), "also_admitted", invitation.address, invitation.language, told, now
            ),
        ]
        if strike_out:
            return _revoked(invitation), [*beside, *_let_go(invitation)]
        return _without(invitation, asked), beside

    _change(visitor, gallery_id, grant_id, "transfer-approve", decide, now)
    return made[0]


def _told(id_: str, kind: str, to: str, language: str, facts: Mapping[str, str], now: int) -> Put:
    return new_mail(Mail(id_, kind, to, language, facts, now))


def turn_down(
    visitor: Visitor,
    gallery_id: str,
    grant_id: str,
    now: int,
    *,
    user_id: str | None = None,
    entropy: Entropy = token_bytes,
) -> Invitation:
    """The account that asked is not admitted, and told so; the invitation stays as it is."""

    def decide(deed: Deed) -> tuple[Invitation, list[Change]]:
        invitation = deed.invitation
        asked = _asking(invitation, user_id, now)
        who = keys.user(asked.user_id)
        user = users.from_item(read([who], consistent=True).get(who))
        if user is None or user.address is None:  # he closed his account: nobody to tell
            return _without(invitation, asked), []
        to, facts = user.address, {"title": deed.gallery.title}
        mail = _told(new_id(entropy), "not_admitted", to, user.language, facts, now)
        return _without(invitation, asked), [mail]

    return _change(visitor, gallery_id, grant_id, "transfer-decline", decide, now)


def _without(invitation: Invitation, asked: Transfer) -> Invitation:
    rest = {id_: one for id_, one in invitation.transfers.items() if id_ != asked.user_id}
    return replace(invitation, transfers=rest)


def _asking(invitation: Invitation, user_id: str | None, now: int) -> Transfer:
    """Who asks: the one that is named, else who asked first."""
    waiting = sorted(invitation.transfers.values(), key=lambda one: (one.at, one.user_id))
    asking = [one for one in waiting if user_id in {None, one.user_id}]
    if not asking or invitation.answer is State.REVOKED:
        raise _wrong_state(invitation, now)
    return asking[0]
