"""Galleries: who may enter, what he may do there, and what is inside."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from unicodedata import category, normalize

Visibility = Literal["public", "unlisted", "private"]
Access = Literal["public", "password", "login"]
Download = Literal["none", "web", "original"]
Transfers = Literal["strict", "approve"]


@dataclass(frozen=True)
class Rights:
    """What somebody may do in a gallery (A10)."""

    enter: bool = True
    download: Download = "none"


_DOWNLOADS: tuple[Download, ...] = ("none", "web", "original")


def together(granted: Iterable[Rights]) -> Rights:
    """What somebody may do who was granted all of these: shut out by one of them, he is out."""
    rights = list(granted)
    best = max((one.download for one in rights), key=_DOWNLOADS.index)
    return Rights(all(one.enter for one in rights), best)


@dataclass(frozen=True)
class Gallery:
    """Visibility x access (A9). Times are epoch seconds.

    `path` is of the organization it belongs to. `everybody` are the rights of whoever satisfies the
    access. `password_id` names the password: another one closes every pass. `transfers`: whether an
    invitation may be asked to count for another account as well (N4). `quota`: so many of its
    pictures one visitor may keep in a selection (A17). `product_version` counts the changes of its
    products, whose lists follow its door.
    """

    id: str
    title: str
    studio: str
    visibility: Visibility
    access: Access
    cover: str | None = None
    expires_at: int | None = None
    path: tuple[str, ...] = ()
    everybody: Rights = Rights()
    password_id: str | None = None
    transfers: Transfers = "strict"
    quota: int | None = None
    made_at: int = 0
    version: int = 1
    product_version: int = 0
    leaving: bool = False  # being taken away, with all that is in it

    def is_over(self, now: int) -> bool:
        return self.leaving or (self.expires_at is not None and now >= self.expires_at)

    @property
    def is_free(self) -> bool:
        """Whether anybody at all may enter, known or not."""
        return self.visibility != "private" and self.access == "public" and self.everybody.enter


@dataclass(frozen=True)
class Picture:
    """`src` is an https address or a path of this site; `products` are those offered of it."""

    id: str
    gallery_id: str
    title: str
    src: str
    products: tuple[str, ...] = ()
    hidden: bool = False


class Door(StrEnum):
    """How a gallery's door stands for somebody."""

    OPEN = "open"
    PASSWORD = "password"  # noqa: S105 - a word of the contract
    SIGN_IN = "sign_in"
    NOT_INVITED = "not_invited"
    HIDDEN = "hidden"  # to him there is no such gallery


@dataclass(frozen=True)
class Entry:
    door: Door
    rights: Rights = Rights(enter=False)

    @property
    def is_open(self) -> bool:
        return self.door is Door.OPEN


HIDDEN = Entry(Door.HIDDEN)


def entry(
    gallery: Gallery | None, now: int, *, signed_in: bool, passed: bool, grant: Rights | None
) -> Entry:
    """The truth table of the door. `passed`: he holds a pass of today's password; `grant` are the
    rights of the row that names him, which wins over everybody's (A10) – but bars nobody from what
    anybody may enter. A private gallery is there for the invited alone, and their invitation is all
    they need; a gallery that is over is there for nobody."""
    if gallery is None or gallery.is_over(now):
        return HIDDEN
    if grant is not None and grant.enter:
        return Entry(Door.OPEN, grant)
    if gallery.visibility == "private":
        return HIDDEN
    if gallery.is_free:
        return Entry(Door.OPEN, gallery.everybody)
    if grant is not None:
        return Entry(Door.NOT_INVITED)
    if gallery.access == "password" and not passed:
        return Entry(Door.PASSWORD)
    if gallery.everybody.enter and (signed_in or gallery.access == "password"):
        return Entry(Door.OPEN, gallery.everybody)
    return Entry(Door.NOT_INVITED if signed_in else Door.SIGN_IN)


def default_rights(access: Access) -> Rights:
    """Everybody's, where staff say nothing: whoever knows the password may enter, whoever merely
    has an account may not."""
    return Rights(enter=access != "login")


# Marks and letters that people and keyboards take for each other, on a card or a screen.
_MARKS = str.maketrans("’‘`´“”„«»‐‑–—−", '\'\'\'\'"""""-----')
_LETTERS = str.maketrans("0|1i", "olll")


def forgiven(password: str) -> str:
    """A gallery's password as it is compared: spaces around it, letters in another case, and
    characters that look alike make no difference (P10)."""
    text = normalize("NFKC", password.translate(_MARKS))
    text = "".join(c for c in text if category(c) not in {"Cc", "Cf"} or c.isspace())
    return " ".join(text.casefold().split()).translate(_LETTERS)


def visible(pictures: Iterable[Picture]) -> list[Picture]:
    return [picture for picture in pictures if not picture.hidden]
