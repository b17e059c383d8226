"""Galleries and invitations as tests need them."""

from typing import Any
from urllib.parse import quote

from local.site import Site
from tests.people import STUDIO, Person, plant
from tests.visiting import TERMS, Answer, Browser

WEDDING = "lea-and-tom-2026-06-13"  # private, for the invited alone
PARTY = "summer-party-2026-0815"  # behind a password
PARTY_PASSWORD = "open sesame"
UNNAMED = "my-unnamed-selection--"
FIRST_DANCE = {
    "product_id": "print-30x45",
    "gallery_id": WEDDING,
    "picture_id": "after-rain",
    "quantity": 1,
}
KEY = "a-key-of-twenty-char"
CONSENTS = {"terms": TERMS, "newsletter": False}


def photographer(site: Site, name: str = "ana_two", org: str = STUDIO) -> Person:
    return plant(site, name, role=("photographer", org), org=org)


def invite(
    who: Browser, *addresses: str, gallery: str = WEDDING, key: str | None = KEY, **more: Any
) -> Answer:
    return who.send(
        "POST",
        f"/v1/staff/galleries/{gallery}/invitations",
        headers={"Idempotency-Key": key},
        json={"addresses": list(addresses), **more},
    )


def invited(who: Browser, address: str, gallery: str = WEDDING, key: str = KEY) -> str:
    """The id of the invitation of one address, just made."""
    (result,) = invite(who, address, gallery=gallery, key=key).json["results"]
    assert result["result"] == "invited", result
    return str(result["id"])


def line(who: Browser, address: str, gallery: str = WEDDING) -> Any:
    """What the board says of an address, or None."""
    board = f"/v1/staff/galleries/{gallery}/invitations"
    items = who.get(f"{board}?email={quote(address)}").json["items"]
    return items[0] if items else None


def step(who: Browser, id_: str, what: str, gallery: str = WEDDING, **body: Any) -> Answer:
    """`what`: resend, correct, transfer/approve, transfer/decline, or "" to revoke."""
    path = f"/v1/staff/galleries/{gallery}/invitations/{id_}"
    if not what:
        return who.send("DELETE", path)
    return who.post(f"{path}/{what}", body)


def preview(browser: Browser, token: str) -> Any:
    return browser.post("/v1/invitations/preview", {"token": token}).json


def accept(browser: Browser, token: str, name: str | None = "Nina", **more: Any) -> Answer:
    body: dict[str, Any] = {"token": token, **more}
    if name is not None:
        body = {"name": name, "consents": CONSENTS, **body}
    return browser.post("/v1/invitations/accept", body)


def pictures(browser: Browser, gallery: str = WEDDING) -> Answer:
    return browser.get(f"/v1/galleries/{gallery}/pictures")


def is_in(browser: Browser, gallery: str = WEDDING) -> bool:
    return pictures(browser, gallery).status_code == 200
