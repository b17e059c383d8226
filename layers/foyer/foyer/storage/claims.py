"""Claims: who signed up with which address, and the one live link of each. A claim reserves nothing
and can do nothing; once the address is somebody's it is void by condition (mission 0.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foyer.rules.policy import POLICY
from foyer.rules.sessions import DAY
from foyer.rules.users import Profile, User
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import (
    ABSENT,
    Delete,
    Item,
    Page,
    Put,
    Update,
    listing,
    setting,
    waiting,
)
from foyer.storage.users import profile_from, profile_raw


@dataclass(frozen=True)
class Claim:
    """`owner` is the guest who signed up, or the claim's own id where nobody's guest did. Times are
    epoch seconds. `terms` and `newsletter` are the versions that were said yes to. `redeemed_by` is
    the user it made, of this epoch, `redeemed_with` the hash of the cookie that did it."""

    id: str
    owner: str
    email: str
    address: str
    profile: Profile
    language: str
    terms: str | None
    newsletter: str | None
    made_at: int
    expires: int
    link_id: str
    link_until: int
    redeemed_at: int | None = None
    redeemed_by: str | None = None
    redeemed_with: str | None = None
    redeemed_epoch: int | None = None
    on_behalf: bool = False  # `owner` is the user it opens
    gallery_id: str | None = None  # at whose door he signed up, and where he goes afterwards
    order_id: str | None = None  # whose confirmation carries its link: people forward that (0.9)

    @property
    def key(self) -> Key:
        return keys.claim(self.owner, self.id)

    def is_open(self, left_at: int) -> bool:
        """Neither redeemed nor of a time when the address was still somebody's who left it."""
        return self.redeemed_at is None and self.made_at > left_at

    @property
    def guest_id(self) -> str | None:
        return None if self.owner == self.id or self.on_behalf else self.owner


def from_item(item: Item | None, now: int) -> Claim | None:
    if item is None or item["expires"] <= now:
        return None
    redeemed: Mapping[str, Any] = item.get("redeemed", {})
    return Claim(
        id=keys.id_in(item["sk"]),
        owner=keys.id_in(item["pk"]),
        email=item["email"],
        address=item["address"],
        profile=profile_from(item["profile"]),
        language=item["language"],
        terms=item.get("terms"),
        newsletter=item.get("newsletter"),
        made_at=item["made_at"],
        expires=item["expires"],
        link_id=item["link"],
        link_until=item["link_until"],
        redeemed_at=redeemed.get("at"),
        redeemed_by=redeemed.get("by"),
        redeemed_with=redeemed.get("with"),
        redeemed_epoch=redeemed.get("epoch"),
        on_behalf=item.get("on_behalf", False),
        gallery_id=item.get("gallery"),
        order_id=item.get("order"),
    )


def new_claim(claim: Claim) -> Put:
    return Put(
        {
            **claim.key._asdict(),
            "email": claim.email,
            "address": claim.address,
            "profile": profile_raw(claim.profile),
            "language": claim.language,
            "terms": claim.terms,
            "newsletter": claim.newsletter,
            "made_at": claim.made_at,
            "expires": claim.expires,
            "link": claim.link_id,
            "link_until": claim.link_until,
            "on_behalf": claim.on_behalf or None,
            "gallery": claim.gallery_id,
            "order": claim.order_id,
            "list": keys.claims_on(claim.email),
            "list_at": f"{claim.made_at:012d}#{claim.id}",
            "due": keys.expiring_claims(keys.shard_of(claim.id)),
            "due_at": claim.expires,
        },
        condition=ABSENT,
    )


def drop(owner: str, claim_id: str) -> Delete:
    return Delete(keys.claim(owner, claim_id))


def forget_profile(owner: str, claim_id: str) -> Update:
    """What was said with it; its address may be another's, who can still redeem it."""
    nothing = profile_raw(Profile("", "C"))
    return setting(
        keys.claim(owner, claim_id), {"profile": nothing}, condition="attribute_exists(pk)"
    )


def new_link(claim: Claim, link_id: str, now: int) -> Update:
    """Another link in place of the one that was read; who reads the older mail is told so."""
    until = now + POLICY.links.activation_seconds
    # what staff opened ends when it ends, but for the link they mail again
    expires = max(claim.expires, until if claim.on_behalf else now + POLICY.claims.days * DAY)
    return setting(
        claim.key,
        {"link": link_id, "link_until": until, "expires": expires, "due_at": expires},
        condition="#link = :link AND attribute_not_exists(redeemed)",
        names={"#link": "link"},
        values={":link": claim.link_id},
    )


def redeem(claim: Claim, user: User, cookie_hash: str | None, now: int) -> Update:
    """Redeemed, once, while its link is the one that was read. It stays, for who asks again."""
    how = {"at": now, "by": user.id, "with": cookie_hash, "epoch": user.epoch}
    return setting(
        claim.key,
        {"redeemed": {name: value for name, value in how.items() if value is not None}},
        condition="#link = :link AND attribute_not_exists(redeemed)",
        names={"#link": "link"},
        values={":link": claim.link_id},
    )


def expired(shard: int, now: int, *, limit: int, after: Item | None = None) -> Page:
    """Those whose time is over, redeemed or not, the oldest first."""
    return waiting(keys.expiring_claims(shard), before=now, limit=limit, after=after)


def remove(key: Key, now: int) -> Delete:
    """Gone, unless it was renewed meanwhile."""
    return Delete(key, "expires <= :now", {}, {":now": now})


def newest(email: str, now: int, *, after: int) -> Claim | None:
    """The claim on this address that was made last, after that time, and is still open, for a mail
    to its owner."""
    page = listing(keys.claims_on(email), limit=20, newest_first=True)
    found = (from_item(item, now) for item in page.items)
    return next((c for c in found if c is not None and c.is_open(after)), None)


def naming(email: str, *, limit: int, after: Item | None = None) -> Page:
    """All claims on an address, whoever made them and whatever became of them."""
    return listing(keys.claims_on(email), limit=limit, after=after)


def opened_for(email: str, now: int, *, after: int = 0) -> list[str]:
    """The users staff opened for this address, after that time, who wait for its owner."""
    page = listing(keys.claims_on(email), limit=20, newest_first=True)
    found = (from_item(item, now) for item in page.items)
    return [c.owner for c in found if c is not None and c.on_behalf and c.is_open(after)]
