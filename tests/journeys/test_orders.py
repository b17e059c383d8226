"""Placing orders, over HTTP (P4, P7, P12, P13; mission 0.11)."""

from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.ordering import POSTAL, contact, new_key, place
from tests.people import STUDIO, plant
from tests.visiting import CALENDAR, PRINT, TERMS, VOUCHER, Browser, said


def test_p7_a_guest_orders_without_an_account_and_gets_a_number_and_a_mail(
    browser: Browser,
) -> None:
    browser.add(PRINT)
    browser.add({**VOUCHER, "quantity": 2})
    answer = place(browser, "nina@example.org")
    assert answer.status_code == 201, answer.json
    order = answer.json
    assert order["status"] == "placed"
    assert [line["quantity"] for line in order["lines"]] == [1, 2]
    assert order["total"] == {"amount": 6500 + 2 * 15000 + 590, "currency": "EUR"}
    assert order["shipping"] == {"amount": 590, "currency": "EUR"}
    assert browser.cart()["lines"] == []
    (mail,) = browser.mails("nina@example.org")
    assert order["number"] in mail["subject"]
    for text in (mail["text"], mail["html"]):
        assert "Low tide" in text
        assert "370.90" in text
        assert "Sea Road" not in text
        assert "Marchetti" not in text
    assert browser.session()["authentication"] == "guest"


def test_p4_the_confirmations_link_opens_the_space_of_the_same_user_with_the_order_in_it(
    browser: Browser,
) -> None:
    browser.add(PRINT)
    order = place(browser, "nina@example.org").json
    who = browser.who()
    answer = browser.activate(browser.token("nina@example.org"))
    assert answer.json["status"] == "approved", answer.json
    assert browser.who() == who
    assert "prove_address" not in browser.session()["next"]
    listed = browser.get("/v1/account/orders").json
    assert [one["id"] for one in listed["items"]] == [order["id"]]
    (mine,) = listed["items"]
    assert mine["contact"]["name"] == "Nina Marchetti"
    assert mine["contact"]["address"]["line1"] == "12 Sea Road"
    assert [entry["status"] for entry in mine["history"]] == ["placed"]
    assert not mine["masked"]


def test_p12_who_ordered_once_types_nothing_again(browser: Browser) -> None:
    browser.add(PRINT)
    place(browser, "nina@example.org")
    browser.activate(browser.token("nina@example.org"))
    browser.add(PRINT)
    entry = browser.gateway.site.cloud.row(f"USER#{browser.who()}", "ADDRESSES")
    assert entry is not None
    (address_id,) = entry["entries"]["M"]
    body = {"contact": {"address_id": address_id}}
    answer = browser.post("/v1/orders", body, Idempotency_Key=new_key())
    assert answer.status_code == 201, answer.json
    mine = browser.get(f"/v1/account/orders/{answer.json['id']}").json
    assert mine["contact"]["email"] == "nina@example.org"
    assert mine["contact"]["address"]["city"] == "Concarneau"
    assert "12 Sea Road" in browser.mails("nina@example.org")[0]["text"]


def test_r51_a28_the_same_key_is_the_same_order(browser: Browser) -> None:
    browser.add(VOUCHER)
    key = new_key()
    first, again = (place(browser, "nina@example.org", key=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert len(browser.mails("nina@example.org")) == 1
    other = browser.post(
        "/v1/orders", {"contact": contact("other@example.org")}, Idempotency_Key=key
    )
    assert said(other) == (422, "idempotency_key_reused")


def test_an_order_needs_a_key_a_cart_and_for_a_print_an_address(browser: Browser) -> None:
    assert said(place(browser, "nina@example.org")) == (409, "cart_empty")
    browser.add(PRINT)
    body: dict[str, Any] = {"contact": {"email": "nina@example.org", "name": "Nina"}}
    assert said(browser.post("/v1/orders", body)) == (428, "idempotency_key_required")
    answer = browser.post("/v1/orders", body, Idempotency_Key=new_key())
    assert said(answer) == (422, "address_required")
    assert answer.json["errors"][0]["pointer"] == "#/contact/address"
    assert len(browser.cart()["lines"]) == 1


def test_a_price_that_changed_is_refused_with_the_new_cart(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    ana = plant(site, "ana", role=("photographer", STUDIO), org=STUDIO).browser
    price = {"price": {"amount": 17000, "currency": "EUR"}}
    assert ana.send("PATCH", "/v1/staff/products/voucher", json=price).status_code == 200
    key = new_key()
    refused = place(browser, "nina@example.org", key=key)
    assert said(refused) == (409, "price_changed")
    assert refused.json["cart"]["total"]["amount"] == 17000
    # an answer that was lost told nobody the price: the same request is not an order
    assert said(place(browser, "nina@example.org", key=key)) == (409, "price_changed")
    placed = place(browser, "nina@example.org")
    assert placed.json["total"]["amount"] == 17000


def test_three_orders_a_day_to_an_address_that_is_not_known_to_be_his(
    gateway: Gateway,
) -> None:
    for number in range(4):
        browser = Browser(gateway, address=f"192.0.2.{number}")
        browser.add(VOUCHER)
        answer = place(browser, "Nina.M+shop@example.org")
        if number < 3:
            assert answer.status_code == 201
        else:
            assert said(answer) == (429, "too_many_orders")
            assert int(answer.headers["Retry-After"]) > 0
            assert browser.quantities() == {"voucher": 1}


def test_one_source_orders_so_often_in_an_hour_to_addresses_that_are_not_known_to_be_its(
    site: Site, gateway: Gateway
) -> None:
    most = site.module("foyer.rules.policy").POLICY.orders.per_source_per_hour
    browser = Browser(gateway)
    for number in range(most + 1):
        browser.add(VOUCHER)
        answer = place(browser, f"n{number}@example.org")
        assert answer.status_code == (201 if number < most else 429)
    assert browser.quantities() == {"voucher": 1}
    site.advance(3600)
    assert place(browser, "later@example.org").status_code == 201


def test_p7_where_the_policy_forbids_guests_an_order_asks_for_an_account(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    policy = site.module("foyer.rules.policy").POLICY
    members = replace(policy, actions=replace(policy.actions, order=("R", "A", "S")))
    monkeypatch.setattr(site.module("foyer.operations.orders"), "POLICY", members)
    browser.add(VOUCHER)
    assert said(place(browser, "nina@example.org")) == (401, "sign_in_required")
    assert said(place(Browser(browser.gateway), "nina@example.org")) == (401, "sign_in_required")
    assert browser.quantities() == {"voucher": 1}
    browser.register("nina@example.org")
    assert place(browser, "nina@example.org").status_code == 201


def test_p13_a_client_orders_as_often_as_he_likes_and_sees_his_past_orders(site: Site) -> None:
    carla = plant(site, "clara").browser
    for _ in range(5):
        carla.add(CALENDAR)
        body = {"contact": {"email": "clara@example.com", "name": "Clara"}}
        answer = carla.post("/v1/orders", body, Idempotency_Key=new_key())
        assert answer.status_code == 201, answer.json
    assert len(carla.get("/v1/account/orders?limit=3").json["items"]) == 3


def test_the_link_opened_elsewhere_makes_an_unproved_account_and_shows_no_address(
    gateway: Gateway, browser: Browser
) -> None:
    browser.add(PRINT)
    order = place(browser, "nina@example.org").json
    token = browser.token("nina@example.org")
    there = Browser(gateway, address="203.0.113.9")
    preview = there.post("/v1/activations/preview", {"token": token})
    assert preview.json["name"] == ""
    assert there.elsewhere(token, take_over=True).json["status"] == "approved"
    assert there.session()["next"][0] == "prove_address"
    assert said(there.get("/v1/account/orders")) == (403, "prove_address")
    assert said(there.get(f"/v1/orders/{order['id']}")) == (404, "not_found")
    there.post("/v1/account/proof", {})
    there.post("/v1/account/proof", {"code": there.code("nina@example.org")})
    (mine,) = there.get("/v1/account/orders").json["items"]
    assert mine["number"] == order["number"]
    assert mine["masked"]
    assert mine["contact"] == {
        "email": "n…@e….org",
        "name": None,
        "phone": None,
        "address": None,
    }
    wrong = there.post(f"/v1/account/claims/{order['id']}", {"postal_code": "29901"})
    assert said(wrong) == (409, "wrong_postal_code")
    right = there.post(f"/v1/account/claims/{order['id']}", {"postal_code": " 29 900"})
    assert right.json["contact"]["address"]["line1"] == POSTAL["line1"]


def test_n7_a_known_address_is_answered_alike_and_its_owner_claims_the_order(
    site: Site, browser: Browser
) -> None:
    owner = plant(site, "olga")
    browser.add(PRINT)
    order = place(browser, owner.email).json
    (mail,) = browser.mails(owner.email)
    assert "Was this order" in mail["subject"]
    assert owner.browser.get("/v1/account/orders").json["items"] == []
    (offer,) = owner.browser.get("/v1/account/claims").json["items"]
    assert offer["number"] == order["number"]
    assert "Sea Road" not in str(offer)
    assert "Marchetti" not in str(offer)
    claimed = owner.browser.post(f"/v1/account/claims/{order['id']}", {})
    assert claimed.json["masked"]
    assert claimed.json["contact"]["address"] is None
    assert owner.browser.get("/v1/account/claims").json["items"] == []
    (mine,) = owner.browser.get("/v1/account/orders").json["items"]
    assert mine["id"] == order["id"]


def test_a_claim_may_be_refused_and_is_offered_no_more(site: Site, browser: Browser) -> None:
    owner = plant(site, "olga")
    browser.add(VOUCHER)
    order = place(browser, owner.email).json
    path = f"/v1/account/claims/{order['id']}"
    assert owner.browser.send("DELETE", path).status_code == 204
    assert owner.browser.send("DELETE", path).status_code == 204
    assert owner.browser.get("/v1/account/claims").json["items"] == []
    assert said(owner.browser.post(path, {})) == (404, "not_found")
    mails = len(owner.browser.mails(owner.email))
    ana = plant(site, "ana", role=("photographer", STUDIO), org=STUDIO).browser
    assert ana.post(f"/v1/staff/orders/{order['id']}/confirm", {}).status_code == 200
    assert len(owner.browser.mails(owner.email)) == mails  # it is none of his business


def test_a_guest_who_orders_loses_the_answer_signs_in_and_retries_has_one_order(
    site: Site, browser: Browser
) -> None:
    plant(site, "olga")
    browser.add(VOUCHER)
    key = new_key()
    first = place(browser, "nina@example.org", key=key)
    assert browser.sign_in("olga@example.com").status_code == 200
    again = place(browser, "nina@example.org", key=key)
    assert again.status_code == 201
    assert again.json == first.json
    assert browser.get("/v1/account/orders").json["items"] == []  # it was a guest's (0.11)


def test_n15_p20_what_is_agreed_to_with_an_order_stands_in_the_ledger(browser: Browser) -> None:
    """A guest's says so once the account is his; a client's at once. Nothing is ever ticked."""
    browser.add(VOUCHER)
    wrong = place(browser, "nina@example.org", consents={"terms": "1999-01-01"})
    assert said(wrong) == (422, "terms_changed")
    place(browser, "nina@example.org", consents={"terms": TERMS, "newsletter": True})
    browser.activate(browser.token("nina@example.org"))
    ledger = browser.get("/v1/account/consents").json
    told = {(one["document"], one["given"], one["channel"]) for one in ledger["items"]}
    assert told == {("terms", True, "order"), ("newsletter", True, "order")}
    browser.send("POST", "/v1/account/consents", json={"newsletter": False})
    browser.add(VOUCHER)
    place(browser, "nina@example.org")  # says nothing: nothing changes
    assert not browser.get("/v1/account").json["newsletter"]
    browser.add(VOUCHER)
    place(browser, "nina@example.org", consents={"terms": TERMS, "newsletter": True})
    newest = browser.get("/v1/account/consents").json["items"][0]
    assert (newest["document"], newest["given"], newest["channel"]) == ("newsletter", True, "order")
    assert browser.get("/v1/account").json["newsletter"]
