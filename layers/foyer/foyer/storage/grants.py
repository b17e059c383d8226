"""Invitations as rows, which are the grants themselves, and the pointers of who took one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foyer.credentials import fingerprint
from foyer.rules.galleries import Rights, together
from foyer.rules.invitations import Delivery, Invitation, State, Transfer
from foyer.rules.users import User
from foyer.storage import keys
from foyer.storage.catalogue import rights_from, rights_raw
from foyer.storage.keys import Key
from foyer.storage.secrets import site_key
from foyer.storage.table import ABSENT, Delete, Item, Page, Put, Update, family, listing, setting


def id_of_address(gallery_id: str, email: str, now: int) -> str:
    """The id of the grant that names this address in this gallery: there is never a second."""
    return fingerprint(site_key(now), "grants", gallery_id, email)


def id_of_user(gallery_id: str, user_id: str, now: int) -> str:
    """Likewise of the one that names an account, admitted as well."""
    return fingerprint(site_key(now), "grants to users", gallery_id, user_id)


def to_user(user: User, like: Invitation, by: str, now: int) -> Invitation:
    """A grant that names an account, whatever address it has: what the other one grants, taken."""
    return Invitation(
        id=id_of_user(like.gallery_id, user.id, now),
        gallery_id=like.gallery_id,
        email=user.email or "",
        address=user.address or "",
        rights=like.rights,
        invited_at=now,
        until=now,
        link_id=None,
        by=by,
        language=user.language,
        answer=State.ACCEPTED,
        bound_to=user.id,
        accepted_at=now,
    )


def from_item(item: Item | None) -> Invitation | None:
    if item is None:
        return None
    return Invitation(
        id=keys.id_in(item["sk"]),
        gallery_id=keys.id_in(item["pk"]),
        email=item["email"],
        address=item["address"],
        rights=rights_from(item["rights"]),
        invited_at=item["invited_at"],
        until=item["until"],
        link_id=item.get("link"),
        by=item["by"],
        language=item["language"],
        message=item.get("message"),
        answer=State(item["answer"]),
        bound_to=item.get("bound_to"),
        accepted_at=item.get("accepted_at"),
        accepted_with=item.get("accepted_with"),
        accepted_epoch=item.get("accepted_epoch"),
        mail_id=item.get("mail"),
        delivery=Delivery(item["delivery"]),
        transfers={id_: Transfer(id_, raw["at"]) for id_, raw in item.get("transfers", {}).items()},
        asked_again_at=item.get("asked_again_at"),
        batch=item.get("batch"),
        moved_to=item.get("moved_to"),
        version=item["version"],
    )


def _facts(invitation: Invitation) -> dict[str, Any]:
    """All of it but what SES tells: that comes when it comes, and changes no version."""
    return {
        "email": invitation.email,
        "address": invitation.address,
        "rights": rights_raw(invitation.rights),
        "invited_at": invitation.invited_at,
        "until": invitation.until,
        "link": invitation.link_id,
        "by": invitation.by,
        "language": invitation.language,
        "message": invitation.message,
        "answer": invitation.answer.value,
        "bound_to": invitation.bound_to,
        "accepted_at": invitation.accepted_at,
        "accepted_with": invitation.accepted_with,
        "accepted_epoch": invitation.accepted_epoch,
        "transfers": {one.user_id: {"at": one.at} for one in invitation.transfers.values()},
        "asked_again_at": invitation.asked_again_at,
        "batch": invitation.batch,
        "moved_to": invitation.moved_to,
        "version": invitation.version,
    }


def put(invitation: Invitation, before: Invitation | None = None) -> Put:
    """A new one, or one that starts anew in place of the version that was read."""
    item = {
        **keys.grant(invitation.gallery_id, invitation.id)._asdict(),
        **_facts(invitation),
        "mail": invitation.mail_id,
        "delivery": invitation.delivery.value,
        "rank": invitation.delivery.rank,
        # one that names an account is found beside its user, not by an address
        "list": keys.grants_on(invitation.email) if invitation.link_id else None,
        "list_at": f"{invitation.invited_at:012d}#{invitation.gallery_id}"
        if invitation.link_id
        else None,
    }
    if before is None:
        return Put(item, condition=ABSENT)
    return Put(item, "#version = :read", {"#version": "version"}, {":read": before.version})


def change(before: Invitation, after: Invitation) -> Update:
    """What has changed in it, the next version; fails where that happened meanwhile."""
    assert after.version == before.version + 1  # noqa: S101
    was, is_ = _facts(before), _facts(after)
    sets = {name: value for name, value in is_.items() if value != was[name] and value is not None}
    if after.mail_id != before.mail_id:
        sets |= {"mail": after.mail_id, "delivery": after.delivery.value}
        sets["rank"] = after.delivery.rank
    return setting(
        keys.grant(before.gallery_id, before.id),
        sets,
        removes=[n for n, value in is_.items() if value is None and was[n] is not None],
        condition="version = :read",
        values={":read": before.version},
    )


def tell(gallery_id: str, grant_id: str, mail_id: str, delivery: Delivery) -> Update:
    """What became of the mail `mail_id`; fails where a newer one went out, or worse is known."""
    return setting(
        keys.grant(gallery_id, grant_id),
        {"delivery": delivery.value, "rank": delivery.rank},
        condition="mail = :mail AND #rank < :rank",
        names={"#rank": "rank"},
        values={":mail": mail_id, ":rank": delivery.rank},
    )


def of_gallery(gallery_id: str, *, limit: int, after: Item | None = None) -> Page:
    """The board of a gallery."""
    first = keys.grant(gallery_id, "")
    start = None if after is None else Key(after["pk"], after["sk"])
    return family(first, first.sk, limit=limit, after=start)


def naming(email: str, *, limit: int, after: Item | None = None) -> Page:
    """The grants that name an address, the newest first: for lists, never to decide."""
    return listing(keys.grants_on(email), limit=limit, after=after, newest_first=True)


# ---- who took it ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """A gallery somebody may enter for good, and what he may do there by all that was granted."""

    gallery_id: str
    rights: Rights


_BY = "by_"  # and the id of a grant: its rights, so that whichever comes or goes leaves the others


def hold(user_id: str, invitation: Invitation, instead_of: Invitation | None = None) -> Update:
    """In the pointer beside the user, written with what binds the grant to him: it alone decides.
    Perhaps in place of another grant."""
    gone = [] if instead_of is None else [f"{_BY}{instead_of.id}"]
    return setting(
        keys.held(user_id, invitation.gallery_id),
        {f"{_BY}{invitation.id}": rights_raw(invitation.rights)},
        removes=gone,
    )


def let_go(user_id: str, invitation: Invitation) -> Update:
    """Not by this grant any more."""
    key = keys.held(user_id, invitation.gallery_id)
    return Update(key, "REMOVE #grant", names={"#grant": f"{_BY}{invitation.id}"})


def take_away_from(user_id: str, gallery_id: str) -> Delete:
    """By none: the gallery goes."""
    return Delete(keys.held(user_id, gallery_id))


def held_from(item: Item | None) -> Held | None:
    """What the pointer says; None where nothing is left of it."""
    if item is None:
        return None
    granted = [rights_from(raw) for name, raw in item.items() if name.startswith(_BY)]
    if not granted:
        return None
    return Held(keys.id_in(item["sk"]), together(granted))


def granted_by(item: Item) -> list[Key]:
    """The grants by which a pointer says so."""
    gallery_id = keys.id_in(item["sk"])
    ids = [name.removeprefix(_BY) for name in item if name.startswith(_BY)]
    return [keys.grant(gallery_id, id_) for id_ in ids]


def held_by(user_id: str, *, limit: int, after: Item | None = None) -> Page:
    first = keys.held(user_id, "")
    start = None if after is None else Key(after["pk"], after["sk"])
    return family(first, first.sk, limit=limit, after=start)


def invitation_in(rows: Mapping[Key, Item], gallery_id: str, grant_id: str) -> Invitation | None:
    return from_item(rows.get(keys.grant(gallery_id, grant_id)))
