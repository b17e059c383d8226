"""What an attack on orders and closing found, and is not so any more: whose an order is when an
address changes hands, when people share a computer, when one of them leaves."""

import json
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_closing import close
from tests.ordering import contact, new_key, place
from tests.people import STUDIO, Person, administrator, is_consistent, plant
from tests.visiting import CALENDAR, PASSWORD, PRINT, VOUCHER, Browser, said

STREET = "12 Sea Road"


def move_to(browser: Browser, address: str) -> None:
    browser.post("/v1/account/proof", {"password": PASSWORD})
    browser.post("/v1/account/email", {"email": address})
    body = {"token": browser.token(address)}
    assert browser.post("/v1/account/email/redeem", body).status_code == 200


def cut_short(site: Site, person: Person) -> None:
    """He closes his account, and the erasure ends after its first bit."""
    person.browser.post("/v1/account/proof", {"password": PASSWORD})
    site.drain()
    cookie = person.browser.cookies["__Host-foyer"]
    bearer = site.module("foyer.credentials").Bearer.parse(cookie)
    visitor = site.module("foyer.operations.sessions").Visitor(bearer, "192.0.2.9")
    closing = site.module("foyer.operations.closing")
    closing.close(visitor, site.now(), time_is_left=lambda: False)


def guest(gateway: Gateway, number: int, thing: Any = PRINT) -> Browser:
    browser = Browser(gateway, address=f"203.0.113.{number}")
    browser.add(thing)
    return browser


def swept(site: Site) -> None:
    site.drain()
    site.advance(900)
    site.drain()
    is_consistent(site)


def test_whoever_had_an_address_before_closes_and_its_owner_keeps_his_orders(
    site: Site, gateway: Gateway
) -> None:
    olga = plant(site, "olga")
    move_to(olga.browser, "olga.new@example.org")
    site.advance(60)
    later = Browser(gateway, address="203.0.113.11").register(olga.email)
    claimed = place(guest(gateway, 12), olga.email).json
    place(guest(gateway, 13, VOUCHER), olga.email)
    later.post(f"/v1/account/claims/{claimed['id']}", {"postal_code": "29900"})
    assert close(olga.browser).status_code == 204
    swept(site)
    assert later.get("/v1/account/claims").json["items"]
    mine = later.get(f"/v1/account/orders/{claimed['id']}").json
    assert mine["contact"]["email"] == olga.email


def test_an_erasure_cut_short_touches_nothing_of_the_addresss_next_owner(
    site: Site, gateway: Gateway
) -> None:
    ana = plant(site, "ana", role=("photographer", STUDIO), org=STUDIO)
    nina = plant(site, "nina")
    for number in range(50, 53):
        place(guest(gateway, number), nina.email)
    site.advance(60)
    cut_short(site, nina)
    site.advance(60)
    new = Browser(gateway, address="203.0.113.61").register(nina.email)
    assert new.get("/v1/account/claims").json["items"] == []
    ana.browser.post(
        "/v1/staff/galleries/lea-and-tom-2026-06-13/invitations",
        {"addresses": [nina.email], "rights": {"download": "web"}},
        Idempotency_Key=new_key(),
    )
    token = new.token(nina.email)
    site.advance(86_400)  # the address may be ordered to again
    order = place(guest(gateway, 70, VOUCHER), nina.email).json
    swept(site)
    new.sign_in(nina.email)
    assert new.post("/v1/invitations/accept", {"token": token}).status_code == 200
    assert [c["id"] for c in new.get("/v1/account/claims").json["items"]] == [order["id"]]


def test_mails_about_an_order_follow_its_client_and_never_the_next_owner_of_his_address(
    site: Site, gateway: Gateway
) -> None:
    boss, olga = administrator(site), plant(site, "olga")
    olga.browser.add(PRINT)
    body = {"contact": {"address": contact("x")["address"]}}
    order = olga.browser.post("/v1/orders", body, Idempotency_Key=new_key()).json
    olga.browser.mails(olga.email)
    move_to(olga.browser, "olga.new@example.org")
    site.advance(60)
    later = Browser(gateway, address="203.0.113.11").register(olga.email)
    cancel = {"reason": "Dear Olga, it is not deliverable"}
    boss.browser.post(f"/v1/staff/orders/{order['id']}/cancel", cancel)
    assert not [m for m in later.mails(olga.email) if "cancelled" in m["subject"]]
    mails = later.mails("olga.new@example.org")
    assert [m for m in mails if order["number"] in m["subject"]]


def test_two_shared_a_computer_the_first_closes_and_the_second_gets_his_order(
    site: Site, gateway: Gateway
) -> None:
    boss, browser = administrator(site), guest(gateway, 21)
    place(browser, "first@example.org")
    browser.add(PRINT)
    to = {**contact("second@example.org"), "name": "Second Person"}
    second = place(browser, "second@example.org", contact=to).json
    token = browser.token("second@example.org")
    browser.activate(browser.token("first@example.org"), password=PASSWORD)
    assert close(browser).status_code == 204
    swept(site)
    path = f"/v1/staff/orders/{second['id']}"
    assert boss.browser.get(path).json["contact"]["name"] == "Second Person"
    assert Browser(gateway, address="203.0.113.22").elsewhere(token).status_code == 200
    for step in ("confirm", "fulfil"):  # once it is done nobody need be found any more
        assert boss.browser.post(f"{path}/{step}", {}).status_code == 200
    assert "Second Person" not in json.dumps(site.cloud.rows(), ensure_ascii=False)
    swept(site)


def test_whose_address_was_mistyped_leaves_and_the_order_still_finds_its_owner(
    site: Site, gateway: Gateway
) -> None:
    boss, sam = administrator(site), plant(site, "sam")
    order = place(guest(gateway, 31), sam.email).json
    sam.browser.post(f"/v1/account/claims/{order['id']}", {})  # masked
    assert close(sam.browser).status_code == 204
    swept(site)
    path = f"/v1/staff/orders/{order['id']}"
    contact_ = boss.browser.get(path).json["contact"]
    assert (contact_["email"], contact_["address"]["line1"]) == (None, STREET)
    boss.browser.post(f"{path}/cancel", {})
    assert boss.browser.get(path).json["contact"] is None


@pytest.mark.parametrize("done", [True, False])
def test_his_own_order_as_a_guest_that_he_never_claimed_names_him_no_longer_once_done(
    site: Site, gateway: Gateway, done: bool
) -> None:
    boss, nina = administrator(site), plant(site, "nina")
    order = place(guest(gateway, 52), nina.email).json
    path = f"/v1/staff/orders/{order['id']}/cancel"
    if done:
        boss.browser.post(path, {})
    assert close(nina.browser).status_code == 204
    swept(site)
    assert ("Sea Road" in json.dumps(site.cloud.rows())) == (not done)
    boss.browser.post(path, {})
    assert "Sea Road" not in json.dumps(site.cloud.rows())


def test_who_ordered_for_another_leaves_and_the_other_keeps_what_he_claimed(
    site: Site, gateway: Gateway
) -> None:
    bert, otto = plant(site, "bert"), plant(site, "otto")
    bert.browser.add(PRINT)
    order = place(bert.browser, otto.email).json
    otto.browser.post(f"/v1/account/claims/{order['id']}", {"postal_code": "29900"})
    assert close(bert.browser).status_code == 204
    swept(site)
    mine = otto.browser.get(f"/v1/account/orders/{order['id']}").json
    assert mine["contact"]["address"]["line1"] == STREET
    assert close(otto.browser).status_code == 204
    assert "Sea Road" not in json.dumps(site.cloud.rows())


def test_who_declines_to_take_the_guests_cart_along_still_has_one_order_under_one_key(
    site: Site, gateway: Gateway
) -> None:
    person = plant(site, "clara")
    person.browser.add(CALENDAR)
    browser, key = guest(gateway, 9, VOUCHER), new_key()
    body = {"contact": {"email": person.email, "name": "Clara"}}
    order = browser.post("/v1/orders", body, Idempotency_Key=key).json
    browser.sign_in(person.email, take_over=False)
    again = browser.post("/v1/orders", body, Idempotency_Key=key)
    assert again.json["id"] == order["id"]
    assert browser.quantities() == {"calendar": 1}


def test_so_it_is_where_he_opens_the_link_of_a_sign_up_from_another_browser(
    gateway: Gateway,
) -> None:
    Browser(gateway, address="203.0.113.30").sign_up("olga@example.org")
    browser, key = guest(gateway, 31, VOUCHER), new_key()
    body = {"contact": {"email": "otto@example.org", "name": "Otto"}}
    order = browser.post("/v1/orders", body, Idempotency_Key=key).json
    browser.add(CALENDAR)
    token = browser.token("olga@example.org")
    assert browser.elsewhere(token, take_over=False).status_code == 200
    again = browser.post("/v1/orders", body, Idempotency_Key=key)
    assert (again.status_code, again.json["id"]) == (201, order["id"])


def test_whom_the_link_was_forwarded_to_is_turned_away_and_the_order_waits_for_its_owner(
    site: Site, gateway: Gateway
) -> None:
    boss, browser = administrator(site), guest(gateway, 9)
    order = place(browser, "nina@example.org").json
    there = Browser(gateway, address="203.0.113.10")
    token = there.token("nina@example.org")
    waits = there.elsewhere(token, organization_id="hotel-miramar")
    assert waits.json["status"] == "pending_approval"
    listed = boss.browser.get("/v1/staff/users?email=nina@example.org").json["items"]
    boss.browser.post(f"/v1/staff/users/{listed[0]['id']}/reject", {"reason": "no"})
    again = Browser(gateway, address="203.0.113.11").register("nina@example.org")
    assert [c["id"] for c in again.get("/v1/account/claims").json["items"]] == [order["id"]]


@pytest.mark.parametrize("what", ["selection", "picture", "line"])
def test_what_a_request_writes_while_the_account_closes_goes_with_it(site: Site, what: str) -> None:
    person = plant(site, "wilma")
    browser = person.browser
    browser.post("/v1/account/proof", {"password": PASSWORD})
    other = browser.twin()
    kept = "/v1/selections/my-unnamed-selection--/pictures/coast/low-tide"
    deeds = {
        "selection": lambda: browser.post("/v1/selections", {"name": "Quartz album"}),
        "picture": lambda: browser.send("PUT", kept),
        "line": lambda: browser.add(VOUCHER),
    }

    def listen(operation: str, body: Any, send: Any) -> Any:
        writes = operation in {"TransactWriteItems", "PutItem", "UpdateItem"}
        if writes and "LIMIT#" not in json.dumps(body, default=str):
            site.cloud.intercept = None
            assert other.send("DELETE", "/v1/account").status_code == 204
        return send()

    site.cloud.intercept = listen
    deeds[what]()
    site.cloud.intercept = None
    swept(site)
    mine = [r["sk"]["S"] for r in site.cloud.rows() if r["pk"]["S"] == f"USER#{person.id}"]
    assert mine == ["USER"]


def test_a_list_of_claims_does_not_go_on_under_another_address(
    site: Site, gateway: Gateway
) -> None:
    nina = plant(site, "nina")
    for number in range(60, 63):
        place(guest(gateway, number, VOUCHER), nina.email)
    cursor = nina.browser.get("/v1/account/claims?limit=1").json["next"]
    move_to(nina.browser, "nina.new@example.org")
    answer = nina.browser.get(f"/v1/account/claims?limit=1&cursor={cursor}")
    assert said(answer) == (422, "invalid_cursor")


def test_a_claimed_orders_address_never_comes_before_those_in_the_book(
    site: Site, gateway: Gateway
) -> None:
    nina = plant(site, "nina")
    evil = {"line1": "1 Mallory Lane", "postal_code": "29900", "city": "Elsewhere", "country": "FR"}
    to = {"email": nina.email, "name": "Nina", "address": evil}
    order = place(guest(gateway, 66), nina.email, contact=to).json
    nina.browser.post("/v1/account/addresses", {**contact("x")["address"], "name": "Nina"})
    site.advance(5)
    nina.browser.post(f"/v1/account/claims/{order['id']}", {"postal_code": "29900"})
    book = nina.browser.get("/v1/account/addresses").json["items"]
    assert [one["line1"] for one in book] == [STREET]
