"""Mailed links about a user who exists: one live link a purpose, in its own row."""

from dataclasses import dataclass

from foyer.rules.sessions import DAY
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import Item, Put, Update, setting


@dataclass(frozen=True)
class Link:
    """Good until `until` (epoch seconds) and while the user is of this epoch."""

    id: str
    user_id: str
    purpose: str
    epoch: int
    until: int
    used_at: int | None = None
    used_with: str | None = None  # the hash of the cookie that did it
    address: str | None = None  # of a change of address: the new one
    asked_at: int = 0
    left: str | None = None  # the address it is instead of

    @property
    def key(self) -> Key:
        return keys.link(self.user_id, self.purpose)

    def is_live(self, epoch: int, now: int) -> bool:
        return self.used_at is None and now < self.until and self.epoch == epoch


def from_item(item: Item | None) -> Link | None:
    if item is None:
        return None
    return Link(
        item["link"],
        keys.id_in(item["pk"]),
        keys.id_in(item["sk"]),
        item["epoch"],
        item["until"],
        item.get("used_at"),
        item.get("used_with"),
        item.get("address"),
        item.get("asked_at", 0),
        item.get("left"),
    )


def replace(old: Link | None, new: Link) -> Put:
    """The new link in place of the old one; fails where somebody else did so meanwhile."""
    item = {
        **new.key._asdict(),
        "link": new.id,
        "epoch": new.epoch,
        "until": new.until,
        "address": new.address,
        "asked_at": new.asked_at,
        "left": new.left,
        "expires": new.until + DAY,
    }
    if old is None:
        return Put(item, condition="attribute_not_exists(pk)")
    return Put(item, "#link = :old", {"#link": "link"}, {":old": old.id})


def use(link: Link, cookie_hash: str | None, now: int) -> Update:
    """Used, once, while it is the one that was read."""
    return setting(
        link.key,
        {"used_at": now, "used_with": cookie_hash},
        condition="#link = :link AND attribute_not_exists(used_at)",
        names={"#link": "link"},
        values={":link": link.id},
    )
