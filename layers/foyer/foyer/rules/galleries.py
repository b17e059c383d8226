"""Galleries: who may enter, and what is inside."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gallery:
    """Visibility x access (A9). `expires_at` in epoch seconds."""

    id: str
    title: str
    studio: str
    visibility: str  # public | unlisted | private
    access: str  # public | password | login
    cover: str | None = None
    expires_at: int | None = None


@dataclass(frozen=True)
class Picture:
    """`src` is an https address or a path of this site; `products` are those offered of it."""

    id: str
    gallery_id: str
    title: str
    src: str
    products: tuple[str, ...] = ()
    hidden: bool = False


def is_open(gallery: Gallery | None, now: int) -> bool:
    """The door as far as it goes without invitations and passwords: only what is public in both
    senses and not over. Any other gallery is to a visitor as if it were not there (P8)."""
    return (
        gallery is not None
        and gallery.visibility == "public"
        and gallery.access == "public"
        and (gallery.expires_at is None or now < gallery.expires_at)
    )
