"""Nobody sees an order, a name or a postal address that is not his (mission 0.9, 0.11; A1, A5)."""

import json
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_flat import NINA, STATES, normal
from tests.ordering import contact, new_key, place
from tests.people import plant
from tests.visiting import CALENDAR, PASSWORD, PRINT, VOUCHER, Browser, said

POSTAL_AND_NAME = ("Sea Road", "Marchetti", "29900")


def knows(browser: Browser, words: tuple[str, ...] = POSTAL_AND_NAME) -> list[str]:
    """What of somebody this browser can get to see, by any of its own doors."""
    paths = ["/v1/account", "/v1/account/orders", "/v1/account/claims", "/v1/account/addresses"]
    seen = [browser.get(path).text for path in (*paths, "/v1/session", "/v1/cart")]
    items = [
        item
        for path in ("/v1/account/orders", "/v1/account/claims")
        for item in (browser.get(path).json or {}).get("items", [])
    ]
    seen += [browser.get(f"/v1/orders/{item['id']}").text for item in items]
    return [word for word in words if any(word in text for text in seen)]


@pytest.mark.parametrize("state", sorted(STATES))
def test_r12_an_order_is_answered_alike_whoever_lives_at_the_address(
    site: Site, gateway: Gateway, state: str
) -> None:
    answers: list[Any] = []
    for lives_there in (state, "unknown"):
        browser = Browser(gateway, address=f"192.0.2.{len(answers) + 1}")
        if lives_there == state:
            STATES[state](site, gateway)
            Browser(gateway, address="203.0.113.2").ask_code(NINA)
            to = NINA
        else:
            to = "fred@example.com"
        browser.add(PRINT)
        calls: list[str] = []

        def listen(operation: str, body: Any, send: Any, calls: list[str] = calls) -> Any:
            calls.append(f"{operation} {len(body.get('TransactItems', ()))}")
            return send()

        site.cloud.intercept = listen
        answer = place(browser, to)
        site.cloud.intercept = None
        assert answer.status_code == 201
        status, headers, body = normal(answer)
        for own in ("id", "number", "placed_at"):
            body = str(body).replace(answer.json[own], own)
        answers.append((status, headers, body, calls, browser.session()["next"]))
        assert len(browser.mails(to)) >= 1
        site.advance(0)
    assert answers[0] == answers[1]


def test_a_mistyped_address_tells_its_owner_number_and_products_and_nothing_of_who_ordered(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    stranger = plant(site, "sam")
    browser.add(PRINT)
    order = place(browser, stranger.email).json
    (mail,) = stranger.browser.mails(stranger.email)
    assert order["number"] in mail["text"]
    assert not [w for w in POSTAL_AND_NAME if w in mail["text"] + mail["html"]]
    assert knows(stranger.browser) == []
    stranger.browser.post(f"/v1/account/claims/{order['id']}", {})
    assert knows(stranger.browser) == []
    for _ in range(5):
        stranger.browser.post(f"/v1/account/claims/{order['id']}", {"postal_code": "00000"})
    tried = stranger.browser.post(f"/v1/account/claims/{order['id']}", {"postal_code": "29900"})
    assert said(tried) == (429, "too_many_attempts")
    assert knows(stranger.browser) == []


def test_a_mistyped_address_of_nobody_makes_its_owner_an_account_that_sees_no_name(
    gateway: Gateway, browser: Browser
) -> None:
    browser.add(PRINT)
    place(browser, "nobody@example.org")
    there = Browser(gateway, address="203.0.113.7")
    token = there.token("nobody@example.org")
    assert "Marchetti" not in there.post("/v1/activations/preview", {"token": token}).text
    assert "Marchetti" not in there.submit("/activate", token=token).text
    browser.add(VOUCHER)  # who mistyped it shops on
    there.elsewhere(token, take_over=True)
    assert browser.quantities() == {"voucher": 1}
    assert there.quantities() == {}
    there.post("/v1/account/proof", {})
    there.post("/v1/account/proof", {"code": there.code("nobody@example.org")})
    assert len(there.get("/v1/account/orders").json["items"]) == 1
    assert knows(there) == []


def test_two_people_on_one_computer(gateway: Gateway, browser: Browser) -> None:
    """The first orders and registers by his link; the second orders in the same browser."""
    browser.add(PRINT)
    place(browser, "first@example.org")
    browser.activate(browser.token("first@example.org"), password=PASSWORD)
    browser.send("DELETE", "/v1/session")
    browser.add(VOUCHER)
    second = place(
        browser,
        "second@example.org",
        contact={"email": "second@example.org", "name": "Second Person"},
    )
    assert second.status_code == 201
    assert knows(browser) == []
    browser.activate(browser.token("second@example.org"))
    assert knows(browser) == []
    (mine,) = browser.get("/v1/account/orders").json["items"]
    assert mine["contact"]["name"] == "Second Person"


def test_an_older_guest_on_the_same_computer_orders_and_his_successor_sees_no_address(
    gateway: Gateway, browser: Browser
) -> None:
    """A guest's own answers tell nothing personal again (A9)."""
    browser.add(PRINT)
    order = place(browser, "first@example.org").json
    seen = browser.get(f"/v1/orders/{order['id']}")
    assert seen.json["masked"]
    assert not [w for w in POSTAL_AND_NAME if w in seen.text]
    assert knows(browser) == []


def test_one_guest_orders_for_two_addresses_each_sees_his_own(
    gateway: Gateway, browser: Browser
) -> None:
    browser.add(PRINT)
    mine = place(browser, "nina@example.org").json
    browser.add(VOUCHER)
    other = {"email": "otto@example.org", "name": "Otto Gift"}
    gift = browser.post("/v1/orders", {"contact": other}, Idempotency_Key=new_key()).json
    browser.activate(browser.token("nina@example.org"), password=PASSWORD)
    listed = browser.get("/v1/account/orders").json["items"]
    assert [one["id"] for one in listed] == [mine["id"]]
    assert said(browser.get(f"/v1/account/orders/{gift['id']}")) == (404, "not_found")
    assert said(browser.get(f"/v1/orders/{gift['id']}")) == (404, "not_found")
    assert browser.get("/v1/account/claims").json["items"] == []
    otto = Browser(gateway, address="203.0.113.8").register("otto@example.org")
    assert otto.get("/v1/account/orders").json["items"] == []
    (offer,) = otto.get("/v1/account/claims").json["items"]
    assert offer["id"] == gift["id"]
    assert knows(otto) == []


def test_promotion_by_a_sign_up_brings_no_order_it_is_claimed(browser: Browser) -> None:
    browser.add(PRINT)
    order = place(browser, "nina@example.org").json
    browser.sign_up("nina@example.org")
    claims = [
        m for m in browser.mails("nina@example.org") if "confirm your address" in m["subject"]
    ]
    (link,) = [link for link in claims[0]["links"] if "#t=" in link]
    browser.activate(link.partition("#t=")[2])
    # in this browser the newest claim of its guest is redeemed, whichever was mailed
    ids = [one["id"] for one in browser.get("/v1/account/orders").json["items"]]
    offered = [one["id"] for one in browser.get("/v1/account/claims").json["items"]]
    assert sorted(ids + offered) == [order["id"]]


def test_pre_who_registers_a_strangers_address_sees_none_of_his_orders(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    """Mallory signs up with the address in her browser, the owner orders in his and forwards the
    confirmation: it opens no proved account in hers."""
    mallory = Browser(gateway, address="203.0.113.66")
    mallory.add(CALENDAR)
    mallory.sign_up("nina@example.org")
    browser.add(PRINT)
    order = place(browser, "nina@example.org").json
    mails = browser.mails("nina@example.org")
    forwarded = next(m for m in mails if order["number"] in m["subject"])
    (link,) = [link for link in forwarded["links"] if "#t=" in link]
    token = link.partition("#t=")[2]
    assert said(mallory.activate(token)) == (422, "password_required")
    assert mallory.elsewhere(token).json["status"] == "approved"
    assert mallory.session()["next"][0] == "prove_address"
    assert knows(mallory) == []
    for path in ("orders", "claims", "addresses"):
        assert said(mallory.get(f"/v1/account/{path}")) == (403, "prove_address")
    # the owner proves the address elsewhere: what Mallory set is void
    browser.ask_code("nina@example.org")
    assert browser.sign_in_by_code("nina@example.org", browser.code("nina@example.org")).json
    assert mallory.session()["authentication"] == "generic"
    (mine,) = browser.get("/v1/account/orders").json["items"]
    assert mine["id"] == order["id"]


def test_what_was_ordered_in_an_account_before_its_owner_proved_it_is_masked_to_him(
    gateway: Gateway, browser: Browser
) -> None:
    browser.add(VOUCHER)
    place(browser, "nina@example.org")
    mallory = Browser(gateway, address="203.0.113.66")
    mallory.elsewhere(mallory.token("nina@example.org"))
    mallory.add(PRINT)
    hers = {"email": "mallory@example.net", "name": "Mallory M", "address": contact("x")["address"]}
    placed = mallory.post("/v1/orders", {"contact": hers}, Idempotency_Key=new_key())
    assert placed.status_code == 201
    owner = Browser(gateway, address="203.0.113.10")
    owner.ask_code("nina@example.org")
    owner.sign_in_by_code("nina@example.org", owner.code("nina@example.org"))
    assert "Mallory" not in json.dumps(owner.get("/v1/account/orders").json)
    assert knows(owner, ("Mallory", "Sea Road")) == []


def test_an_address_that_changed_hands_brings_no_order_of_its_last_owner(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    owner = plant(site, "olga")
    browser.add(PRINT)
    place(browser, owner.email)
    mine = owner.browser
    mine.add(VOUCHER)
    mine.post("/v1/orders", {"contact": {}}, Idempotency_Key=new_key())
    site.advance(60)
    mine.post("/v1/account/proof", {"password": PASSWORD})
    mine.post("/v1/account/email", {"email": "olga.new@example.org"})
    answer = mine.post("/v1/account/email/redeem", {"token": mine.token("olga.new@example.org")})
    assert answer.status_code == 200
    assert len(mine.get("/v1/account/orders").json["items"]) == 1  # what he ordered stays his
    site.advance(60)
    later = Browser(gateway, address="203.0.113.11").register(owner.email)
    assert later.get("/v1/account/claims").json["items"] == []
    assert later.get("/v1/account/orders").json["items"] == []


def test_a_remembered_client_is_asked_to_sign_in_before_anything_of_his_orders(
    site: Site, browser: Browser
) -> None:
    person = plant(site, "clara")
    assert browser.sign_in(person.email, remember=True).status_code == 200
    browser.add(VOUCHER)
    order = browser.post("/v1/orders", {"contact": {}}, Idempotency_Key=new_key()).json
    site.advance(3 * 3600)
    browser.add(CALENDAR)  # the cart he may change
    for path in (
        f"/v1/orders/{order['id']}",
        "/v1/account/orders",
        f"/v1/account/orders/{order['id']}",
        "/v1/account/claims",
    ):
        assert said(browser.get(path)) == (401, "sign_in_again"), path
    tried = browser.post("/v1/orders", {"contact": {}}, Idempotency_Key=new_key())
    assert said(tried) == (401, "sign_in_again")
