"""No body of any route sets what is the server's: type, roles, status, organization beyond the
wish, verified, epoch, id. Injected at every depth: 422, and nothing is written (R36, A14)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import ROOT, Site
from tests.inviting import KEY, PARTY, UNNAMED, WEDDING, invited
from tests.ordering import place
from tests.people import administrator, plant
from tests.visiting import PASSWORD, TERMS, VOUCHER, Browser

DOCUMENT = json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())
SERVERS = {
    "registration_type": "S",
    "type": "S",
    "role": "site_administrator",
    "roles": [{"role": "site_administrator", "organization_id": "root"}],
    "status": "approved",
    "state": "approved",
    "organization": "root",
    "parent": "root",
    "path": ["root"],
    "verified": True,
    "is_proved": True,
    "unproved": False,
    "epoch": 9,
    "version": 9,
    "id": "-1002",
    "user_id": "-1002",
    "created_by": "x",
    "approved_before": True,
    "kind": "on_behalf",
    "unit_price": {"amount": 1, "currency": "EUR"},
    "shipping": 0,
    "total": 1,
    "lines": [],
    "number": "261122-AAAA-AAAA",
    "placed_by": "-1002",
    "is_own": True,
}
HOME = {"line1": "Rambla 1", "postal_code": "08002", "city": "Barcelona", "country": "ES"}
CONSENTS = {"terms": TERMS, "newsletter": False}
WHO = "somebody______________"
GOOD: dict[str, dict[str, Any]] = {
    "POST /v1/session": {"email": "a@example.com", "password": PASSWORD},
    "POST /v1/session/codes": {"email": "a@example.com"},
    "POST /v1/cart/lines": dict(VOUCHER),
    "PATCH /v1/cart/lines/{line_id}": {"quantity": 2},
    "POST /v1/registrations": {
        "email": "a@example.com",
        "name": "A",
        "profile_type": "C",
        "consents": CONSENTS,
    },
    "POST /v1/registrations/resend": {"email": "a@example.com"},
    "POST /v1/activations/preview": {"token": "act_x"},
    "POST /v1/activations": {"token": "act_x", "name": "A", "consents": CONSENTS},
    "POST /v1/password-resets": {"email": "a@example.com"},
    "POST /v1/password-resets/redeem": {"token": "rst_x", "password": PASSWORD},
    "PATCH /v1/account": {"name": "A", "phone": "12345", "company": "B", "locale": "fr"},
    "POST /v1/account/addresses": dict(HOME),
    "PUT /v1/account/addresses/{address_id}": dict(HOME),
    "POST /v1/account/consents": dict(CONSENTS),
    "POST /v1/account/claims/{order_id}": {"postal_code": "08002"},
    "POST /v1/account/proof": {"password": PASSWORD},
    "PUT /v1/account/password": {"new": PASSWORD},
    "POST /v1/account/email": {"email": "a@example.com"},
    "POST /v1/account/email/redeem": {"token": "eml_x"},
    "POST /v1/selections": {"name": "Hall"},
    "PATCH /v1/selections/{selection_id}": {"name": "Hall"},
    "POST /v1/selections/{selection_id}/submit": {"name": "A", "message": "Thank you"},
    "POST /v1/selections/shared": {"token": "sel_x"},
    "POST /v1/galleries/{gallery_id}/door": {"password": "open sesame"},
    "POST /v1/galleries/{gallery_id}/access-requests": {
        "email": "a@example.com",
        "message": "Please",
    },
    "POST /v1/invitations/preview": {"token": "inv_x"},
    "POST /v1/invitations/accept": {
        "token": "inv_x",
        "name": "A",
        "password": PASSWORD,
        "consents": CONSENTS,
    },
    "POST /v1/invitations/decline": {"token": "inv_x"},
    "POST /v1/invitations/transfer": {"token": "inv_x"},
    "POST /v1/invitations/ask-again": {"token": "inv_x"},
    "POST /v1/orders": {
        "contact": {"email": "a@example.com", "name": "A", "address": dict(HOME)},
        "consents": CONSENTS,
        "note": "Ring twice",
    },
    "POST /v1/staff/orders/{order_id}/cancel": {"reason": "Sold out."},
    "POST /v1/staff/organizations": {"name": "A", "parent_id": "root", "approval": "inherit"},
    "PATCH /v1/staff/organizations/{org_id}": {"name": "A"},
    "POST /v1/staff/users": {"email": "a@example.com", "name": "A", "profile_type": "C"},
    "PATCH /v1/staff/users/{user_id}": {"name": "A"},
    "POST /v1/staff/users/{user_id}/approve": {},
    "POST /v1/staff/users/{user_id}/reject": {"reason": "No."},
    "POST /v1/staff/users/{user_id}/disable": {},
    "POST /v1/staff/users/{user_id}/enable": {},
    "POST /v1/staff/users/{user_id}/resend": {},
    "POST /v1/staff/users/{user_id}/password-reset": {},
    "PUT /v1/staff/users/{user_id}/roles": {
        "roles": [{"role": "photographer", "organization_id": "studio-ana"}]
    },
    "POST /v1/staff/galleries": {"title": "A", "everybody": {"enter": True, "download": "web"}},
    "PATCH /v1/staff/galleries/{gallery_id}": {"title": "A", "everybody": {"enter": True}},
    "POST /v1/staff/galleries/{gallery_id}/pictures": {"title": "A", "src": "/a.svg"},
    "PATCH /v1/staff/galleries/{gallery_id}/pictures/{picture_id}": {"hidden": True},
    "POST /v1/staff/products": {
        "name": "A",
        "kind": "print",
        "price": {"amount": 4500, "currency": "EUR"},
    },
    "PATCH /v1/staff/products/{product_id}": {"price": {"amount": 4500, "currency": "EUR"}},
    "POST /v1/staff/galleries/{gallery_id}/invitations": {
        "addresses": ["a@example.com"],
        "rights": {"download": "web"},
    },
    "PATCH /v1/staff/galleries/{gallery_id}/invitations/{invitation_id}": {"enter": False},
    "POST /v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/correct": {
        "address": "b@example.com"
    },
    "POST /v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/transfer/approve": {},
    "POST /v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/transfer/decline": {},
}
ASKING = "/v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/transfer"
# What some route takes of these words, where it takes it.
ITS_OWN = {
    ("POST /v1/staff/products", "#", "kind"),
    ("PUT /v1/staff/users/{user_id}/roles", "#", "roles"),
    ("PUT /v1/staff/users/{user_id}/roles", "#/roles/0", "role"),
    (f"POST {ASKING}/approve", "#", "user_id"),  # whom of several to admit
    (f"POST {ASKING}/decline", "#", "user_id"),
}


def injected(body: Any, name: str, value: Any, at: str = "#") -> Iterator[tuple[str, Any]]:
    """The body with one more field, in each object of it."""
    if isinstance(body, dict):
        yield at, {**body, name: value}
        for key, inner in body.items():
            for where, changed in injected(inner, name, value, f"{at}/{key}"):
                yield where, {**body, key: changed}
    elif isinstance(body, list):
        for number, inner in enumerate(body):
            for where, changed in injected(inner, name, value, f"{at}/{number}"):
                yield where, [*body[:number], changed, *body[number + 1 :]]


def test_every_route_that_takes_a_body_is_tried() -> None:
    described = {
        f"{method.upper()} {path}"
        for path, operations in DOCUMENT["paths"].items()
        if path.startswith("/v1/")
        for method, operation in operations.items()
        if "requestBody" in operation
    }
    assert described == set(GOOD)


@pytest.mark.parametrize("route", GOOD)
def test_r36_what_is_the_servers_is_refused_at_every_depth(
    site: Site, gateway: Gateway, route: str
) -> None:
    boss = administrator(site)
    plant(site, "somebody", org="hotel-miramar", status="pending_approval")
    invitation = invited(boss.browser, "a@example.com")
    personal = any(part in route for part in ("/staff/", "/account", "/selections"))
    browser = boss.browser if personal else Browser(gateway)
    if route == "POST /v1/orders":
        browser.add(VOUCHER)
    buyer = Browser(gateway, address="192.0.2.9")
    buyer.add(VOUCHER)
    order = place(buyer, boss.email).json["id"]  # his to claim, and his studios' to cancel
    method, path = route.split()
    galleries = (("/door", PARTY), ("/invitations", WEDDING), ("", "coast"))
    gallery = next(id_ for part, id_ in galleries if part in path)
    path = path.format(
        user_id=WHO,
        org_id="default",
        line_id="x",
        selection_id=UNNAMED,
        gallery_id=gallery,
        picture_id="low-tide",
        product_id="voucher",
        invitation_id=invitation,
        address_id="x",
        order_id=order,
    )
    assert boss.browser.post("/v1/selections", {}).json["id"] == UNNAMED
    browser.get("/v1/session")
    before = site.cloud.rows()
    for name, value in SERVERS.items():
        for where, body in injected(GOOD[route], name, value):
            if (route, where, name) in ITS_OWN:
                continue
            answer = browser.send(method, path, json=body, headers={"Idempotency-Key": KEY})
            assert answer.status_code == 422, (name, where, answer.json)
            codes = {(e["pointer"], e["code"]) for e in answer.json["errors"]}
            assert (f"{where}/{name}", "unknown_field") in codes
    assert site.cloud.rows() == before


def test_an_organization_at_sign_up_is_a_wish_and_no_more(site: Site, browser: Browser) -> None:
    """Unknown ones are ignored, one that requires approval waits for its staff (0.5)."""
    browser.sign_up("a@example.com", organization_id="root", profile_type="B")
    assert browser.activate(browser.token("a@example.com")).json["status"] == "pending_approval"
    other = Browser(browser.gateway, address="192.0.2.9")
    other.sign_up("b@example.com", organization_id="no-such-thing", profile_type="B")
    assert other.activate(other.token("b@example.com")).json["status"] == "approved"
    assert {r["organization_id"] for r in other.session()["user"]["roles"]} == {"default"}
