"""Closing an account (N19): orders keep what the law asks for, all else goes."""

import json
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.ordering import contact, new_key, place
from tests.people import PASSWORD, STUDIO, Person, plant
from tests.visiting import CALENDAR, PRINT, TERMS, VOUCHER, Browser, said

NAME = "Wilhelmina Quartz"
PERSONAL = (
    "wilma",
    "quartz",
    "sea road",
    "29900",
    "concarneau",
    "+33 6 11",
    "please ring twice",
)


def close(browser: Browser) -> Any:
    browser.post("/v1/account/proof", {"password": PASSWORD})
    return browser.send("DELETE", "/v1/account")


def named(site: Site, words: tuple[str, ...] = PERSONAL) -> list[str]:
    """What of somebody stands in the table: the row's keys, that is all a failure says."""
    site.drain()
    found = []
    for row in site.cloud.rows():
        text = json.dumps(row, ensure_ascii=False).casefold()
        found += [f"{row['pk']['S']} {row['sk']['S']}: {word}" for word in words if word in text]
    return found


@pytest.fixture
def ana(site: Site) -> Person:
    return plant(site, "ana", role=("photographer", STUDIO), org=STUDIO)


def wilma_has_everything(site: Site, gateway: Gateway, ana: Person) -> tuple[Browser, Any]:
    """A client with every kind of row there is, and her first order."""
    browser = Browser(gateway, address="198.51.100.77")
    elsewhere = Browser(gateway, address="198.51.100.78")
    # ordered as a guest, to two addresses; signed up twice; asked to be let in; sent a selection
    browser.send("PUT", "/v1/selections/my-unnamed-selection--/pictures/coast/low-tide")
    browser.add(PRINT)
    more = {"name": NAME, "phone": "+33 6 11 22 33 44"}
    body = {"contact": contact("wilma@example.org", **more), "note": "Please ring twice"}
    order = browser.post("/v1/orders", body, Idempotency_Key=new_key()).json
    browser.add(VOUCHER)
    browser.post(
        "/v1/orders", {"contact": contact("other@example.org", **more)}, Idempotency_Key=new_key()
    )
    elsewhere.sign_up("wilma@example.org", name=NAME)
    body = {"email": "wilma@example.org", "message": "It is Wilhelmina Quartz"}
    elsewhere.post("/v1/galleries/summer-party-2026-0815/access-requests", body)
    consents = {"terms": TERMS, "newsletter": True}
    token = browser.token("wilma@example.org")
    activated = browser.activate(token, password=PASSWORD, consents=consents)
    assert activated.json["status"] == "approved", activated.json
    browser.post("/v1/selections/my-unnamed-selection--/submit", {"message": "Quartz chose these"})
    # invited, an unclaimed order and a refused one, another address, a session elsewhere, a cart
    ana.browser.post(
        "/v1/staff/galleries/lea-and-tom-2026-06-13/invitations",
        {"addresses": ["wilma@example.org"], "rights": {"enter": True, "download": "web"}},
        Idempotency_Key=new_key(),
    )
    browser.post("/v1/invitations/accept", {"token": browser.token("wilma@example.org")})
    browser.post("/v1/account/proof", {"password": PASSWORD})
    browser.post("/v1/account/email", {"email": "wilma.q@example.org"})
    browser.post("/v1/account/email/redeem", {"token": browser.token("wilma.q@example.org")})
    for visitor in (elsewhere, Browser(gateway, address="198.51.100.79")):
        visitor.add(VOUCHER)
        to = {"line1": "1 Other Street", "postal_code": "10115", "city": "Berlin", "country": "DE"}
        placed = place(
            visitor,
            "wilma.q@example.org",
            contact={"email": "wilma.q@example.org", "name": "Somebody Else", "address": to},
        ).json
    browser.send("DELETE", f"/v1/account/claims/{placed['id']}")
    elsewhere.post("/v1/password-resets", {"email": "wilma.q@example.org"})
    elsewhere.mails("wilma.q@example.org")
    elsewhere.sign_in("wilma.q@example.org")
    browser.add(CALENDAR)
    browser.post("/v1/account/addresses", {**contact("x")["address"], "name": NAME})
    browser.post("/v1/selections", {"name": "Quartz album"})
    site.drain()
    return browser, order


def test_n19_after_closing_nothing_personal_is_left_anywhere(
    site: Site, gateway: Gateway, ana: Person
) -> None:
    browser, order = wilma_has_everything(site, gateway, ana)
    assert named(site)
    who = browser.who()
    assert close(browser).status_code == 204
    assert browser.session()["authentication"] == "generic"
    (mail, *_) = browser.mails("wilma.q@example.org")
    assert "is closed" in mail["subject"]
    assert named(site) == []
    kept = ana.browser.get(f"/v1/staff/orders/{order['id']}").json
    assert kept["number"] == order["number"]
    assert kept["total"] == order["total"]
    assert kept["lines"] == order["lines"]
    assert (kept["country"], kept["contact"], kept["note"]) == ("FR", None, None)
    left = [r["sk"]["S"] for r in site.cloud.rows() if r["pk"]["S"] == f"USER#{who}"]
    assert left == ["USER"]
    assert said(Browser(gateway).sign_in("wilma.q@example.org")) == (401, "wrong_credentials")
