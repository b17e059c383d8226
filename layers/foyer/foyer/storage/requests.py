"""Who would like to be invited to a gallery, for its photographer; one row an address."""

from dataclasses import dataclass

from foyer.credentials import fingerprint
from foyer.rules.sessions import DAY
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.secrets import site_key
from foyer.storage.table import Delete, Item, Page, Put, family, listing

KEPT = 90 * DAY


@dataclass(frozen=True)
class AccessRequest:
    """`at` in epoch seconds."""

    gallery_id: str
    email: str
    address: str
    message: str | None
    at: int


def put(request: AccessRequest, now: int) -> Put:
    """The newest of an address counts."""
    key = keys.access_request(request.gallery_id, _id(request.gallery_id, request.email, now))
    return Put(
        {
            **key._asdict(),
            "email": request.email,
            "address": request.address,
            "message": request.message,
            "at": request.at,
            "expires": request.at + KEPT,
            "list": keys.requests_of(request.email),
            "list_at": f"{request.at:012d}#{request.gallery_id}",
        }
    )


def _id(gallery_id: str, email: str, now: int) -> str:
    return fingerprint(site_key(now), "access requests", gallery_id, email)


def from_item(item: Item) -> tuple[str, AccessRequest]:
    """Its id, and what it says."""
    request = AccessRequest(
        keys.id_in(item["pk"]), item["email"], item["address"], item.get("message"), item["at"]
    )
    return keys.id_in(item["sk"]), request


def of_gallery(gallery_id: str, *, limit: int, after: Item | None = None) -> Page:
    first = keys.access_request(gallery_id, "")
    start = None if after is None else Key(after["pk"], after["sk"])
    return family(first, first.sk, limit=limit, after=start)


def naming(email: str, *, limit: int, after: Item | None = None) -> Page:
    return listing(keys.requests_of(email), limit=limit, after=after)


def drop(gallery_id: str, request_id: str) -> Delete:
    return Delete(keys.access_request(gallery_id, request_id))


def answered(gallery_id: str, email: str, now: int) -> Delete:
    """Who is invited need not ask any more."""
    return Delete(keys.access_request(gallery_id, _id(gallery_id, email, now)))
