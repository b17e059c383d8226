"""What a studio does with its orders, over HTTP (issue: orders; mission 0.11)."""

from typing import Any

import pytest

from local.site import Site
from tests.journeys.test_cart import update
from tests.ordering import place
from tests.people import HOTEL, STUDIO, Person, administrator, plant
from tests.visiting import PRINT, VOUCHER, Browser, said

STEPS = ("confirm", "fulfil", "cancel")


@pytest.fixture
def ana(site: Site) -> Person:
    return plant(site, "ana", role=("photographer", STUDIO), org=STUDIO)


def step(person: Person, order: Any, what: str, **body: Any) -> Any:
    return person.browser.post(f"/v1/staff/orders/{order['id']}/{what}", body)


def test_an_order_is_confirmed_and_fulfilled_each_with_its_mail(
    browser: Browser, ana: Person
) -> None:
    browser.add(PRINT)
    order = place(browser, "nina@example.org").json
    (listed,) = ana.browser.get("/v1/staff/orders").json["items"]
    assert listed["contact"]["address"]["line1"] == "12 Sea Road"
    assert listed["may"] == ["cancel", "confirm"]
    for what, status, words in (
        ("confirm", "confirmed", "is confirmed"),
        ("fulfil", "fulfilled", "is done"),
    ):
        answer = step(ana, order, what)
        assert answer.json["status"] == status
        mails = browser.mails("nina@example.org")
        assert words in mails[0]["subject"]
        assert order["number"] in mails[0]["subject"]
        assert "€70.90" in mails[0]["text"]
        assert "Sea Road" not in mails[0]["text"]
        count = len(mails)
        assert step(ana, order, what).json == answer.json  # once more is the same
        assert len(browser.mails("nina@example.org")) == count
    assert said(step(ana, order, "cancel")) == (409, "wrong_status")
    assert ana.browser.get("/v1/staff/orders?status=placed").json["items"] == []
    (done,) = ana.browser.get("/v1/staff/orders?status=fulfilled").json["items"]
    assert [entry["by"] for entry in done["history"]] == ["client", "studio", "studio"]
    assert browser.get(f"/v1/orders/{order['id']}").json["status"] == "fulfilled"


def test_a_cancelled_order_says_why(browser: Browser, ana: Person) -> None:
    browser.add(VOUCHER)
    order = place(browser, "nina@example.org").json
    assert step(ana, order, "cancel", reason="The voucher is sold out.").status_code == 200
    (mail, _) = browser.mails("nina@example.org")
    assert "cancelled" in mail["subject"]
    assert "The voucher is sold out." in mail["text"]
    for what in ("confirm", "fulfil"):
        assert said(step(ana, order, what)) == (409, "wrong_status")


def test_what_waits_comes_first_and_the_newest_of_it(
    site: Site, browser: Browser, ana: Person
) -> None:
    orders = []
    for number in range(4):
        browser.add(VOUCHER)
        orders.append(place(browser, f"nina{number}@example.org").json)
        site.advance(60)
    step(ana, orders[3], "cancel")
    step(ana, orders[2], "confirm")
    ids, cursor = [], ""
    for _ in range(5):
        page = ana.browser.get(f"/v1/staff/orders?limit=2{cursor}").json
        ids += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert ids == [orders[n]["id"] for n in (1, 0, 2, 3)]


def test_another_studio_sees_nothing_of_it(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    order = place(browser, "nina@example.org").json
    hotel = plant(site, "hugo", role=("photographer", HOTEL), org=HOTEL)
    clerk = plant(site, "cleo", role=("customer_service_supervisor", "root"), org="root")
    client = plant(site, "clara")
    assert hotel.browser.get("/v1/staff/orders").json["items"] == []
    for other in (hotel, clerk, client):
        assert said(other.browser.get(f"/v1/staff/orders/{order['id']}")) == (404, "not_found")
        for what in STEPS:
            assert said(step(other, order, what)) == (404, "not_found")
    for other in (clerk, client):
        assert said(other.browser.get("/v1/staff/orders")) == (404, "not_found")
    boss = administrator(site)
    assert boss.browser.get(f"/v1/staff/orders/{order['id']}").status_code == 200


def test_an_order_of_two_studios_is_seen_by_both_and_goes_on_by_who_reaches_both(
    site: Site, browser: Browser, ana: Person
) -> None:
    hugo = plant(site, "hugo", role=("photographer", HOTEL), org=HOTEL)
    made = hugo.browser.post(
        "/v1/staff/products",
        {"name": "Key ring", "kind": "other", "price": {"amount": 900, "currency": "EUR"}},
    )
    assert made.status_code == 201, made.json
    browser.add(VOUCHER)
    browser.add({"product_id": made.json["id"], "quantity": 2})
    order = place(browser, "nina@example.org").json
    for person in (ana, hugo):
        (seen,) = person.browser.get("/v1/staff/orders").json["items"]
        assert seen["may"] == []
        assert said(step(person, order, "confirm")) == (404, "not_found")
    boss = administrator(site)
    assert len(boss.browser.get("/v1/staff/orders?limit=10").json["items"]) == 1
    assert step(boss, order, "confirm").json["status"] == "confirmed"
    for person in (ana, hugo):
        (seen,) = person.browser.get("/v1/staff/orders?status=confirmed").json["items"]
        assert seen["id"] == order["id"]


def test_a_page_that_began_where_he_sells_no_more_goes_on_where_he_does(
    site: Site, browser: Browser
) -> None:
    hugo = plant(site, "hugo", role=("photographer", HOTEL), org=HOTEL)
    ring = {"name": "Key ring", "kind": "other", "price": {"amount": 900, "currency": "EUR"}}
    made = hugo.browser.post("/v1/staff/products", ring).json["id"]
    for number in range(2):
        browser.add(VOUCHER)
        place(browser, f"nina{number}@example.org")
    site.advance(60)
    browser.add({"product_id": made, "quantity": 1})
    newest = place(browser, "nina@example.org").json
    eva = plant(site, "eva", role=("photographer", STUDIO), org=STUDIO)
    cursor = eva.browser.get("/v1/staff/orders?limit=1").json["next"]
    row = site.cloud.row(f"USER#{eva.id}", "USER")
    assert row is not None
    (role,) = row["roles"]["L"]
    moved = {"M": {**role["M"], "organization_id": {"S": HOTEL}}}
    update(site, f"USER#{eva.id}", "USER", "roles", {"L": [moved]})
    page = eva.browser.get(f"/v1/staff/orders?limit=1&cursor={cursor}").json
    assert [one["id"] for one in page["items"]] == [newest["id"]]
