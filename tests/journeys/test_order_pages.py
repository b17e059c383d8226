"""Ordering, one's orders and the orders one may claim as pages: forms without scripts, what is
wrong said at its field, nothing typed lost (P4, P7, P12, P13)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_account_pages import hidden, text
from tests.journeys.test_cart import update
from tests.ordering import POSTAL, contact, place
from tests.people import plant
from tests.visiting import CALENDAR, PASSWORD, PRINT, VOUCHER, Answer, Browser, said

NINA = "nina@example.org"
WHO = {"email": NINA, "name": "Nina López", "terms": "yes"}
HOUR, DAY = 3_600, 86_400


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="203.0.113.77")


def form(browser: Browser) -> dict[str, str]:
    """What stands hidden in the form as it is now."""
    return hidden(browser.get("/checkout"), "/checkout")


def order(browser: Browser, **typed: str) -> Answer:
    """All that is in the cart, by the page as it is now."""
    return browser.submit("/checkout", **form(browser), **typed)


def at(answer: Answer) -> str:
    """Where a form leads when it did what it is for."""
    assert answer.status_code == 303, text(answer)
    return answer.headers["Location"]


def placed(answer: Answer) -> str:
    """The id of the order it led to."""
    found = re.fullmatch(r"/orders/([\w-]+)\?done=placed", at(answer))
    assert found is not None, at(answer)
    return found[1]


def number_of(site: Site, order_id: str) -> str:
    row = site.cloud.row(f"ORDER#{order_id}", "ORDER")
    assert row is not None
    return str(row["number"]["S"])


def orders(site: Site) -> list[Any]:
    return [row for row in site.cloud.rows() if row["sk"]["S"] == "ORDER"]


def set_price(site: Site, product: str, amount: int) -> None:
    update(site, f"PRODUCT#{product}", "PRODUCT", "amount", {"N": str(amount)})


def client(browser: Browser, thing: Any = PRINT) -> str:
    """Nina, a client by her first order, whose address is in her book: its id."""
    browser.add(thing)
    placed(order(browser, **WHO, **POSTAL))
    assert browser.activate(browser.token(NINA)).json["status"] == "approved"
    row = browser.gateway.site.cloud.row(f"USER#{browser.who()}", "ADDRESSES")
    assert row is not None
    (entry,) = row["entries"]["M"]
    return str(entry)


@contextmanager
def guests_may_not_order(site: Site) -> Iterator[None]:
    actions = site.module("foyer.rules.policy").POLICY.actions
    before = actions.order
    object.__setattr__(actions, "order", ("R", "A", "S"))
    try:
        yield
    finally:
        object.__setattr__(actions, "order", before)


# ---- the page ------------------------------------------------------------------------------------


def test_p7_all_of_the_order_is_on_one_page_and_nothing_is_ticked(browser: Browser) -> None:
    browser.add(PRINT)
    browser.add({**VOUCHER, "quantity": 2})
    page = browser.get("/checkout")
    assert page.status_code == 200
    shown = text(page)
    assert "1 × Print 30 × 45 cm – Low tide €65.00" in shown
    assert "2 × Gift voucher for a portrait session €150.00 each €300.00" in shown
    assert "Shipping €5.90 Total, tax included €370.90" in shown
    assert "Order for €370.90" in shown
    for name, token in (
        ("email", "email"),
        ("name", "name"),
        ("phone", "tel"),
        ("line1", "address-line1"),
        ("postal_code", "postal-code"),
        ("city", "address-level2"),
    ):
        assert re.search(rf'<input id="{name}"[^>]* autocomplete="{token}"', page.text), name
        assert f'<label for="{name}">' in page.text
    assert "checked" not in page.text
    assert "Send me the newsletter. I can end it at any time." in shown
    assert '<option value="FR">France</option>' in page.text
    assert browser.cost()["writes"] == 0


def test_without_a_print_no_postal_address_is_asked_for(browser: Browser) -> None:
    browser.add(VOUCHER)
    page = browser.get("/checkout")
    assert "Where should it be sent?" not in text(page)
    assert 'name="line1"' not in page.text
    assert "Shipping" not in text(page)
    assert placed(order(browser, **WHO))


def test_the_cart_leads_to_it(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    browser.add(CALENDAR)
    assert '<a class="button" href="/checkout">Order</a>' in browser.get("/cart").text
    update(site, "PRODUCT#voucher", "PRODUCT", "active", {"BOOL": False})
    some = browser.get("/cart")
    assert "Remove it, then you can order the rest." in text(some)
    assert 'href="/checkout"' in some.text
    update(site, "PRODUCT#calendar", "PRODUCT", "active", {"BOOL": False})
    none = browser.get("/cart")
    assert "Nothing of it can be ordered any more." in text(none)
    assert 'href="/checkout"' not in none.text


def test_an_empty_cart_shows_the_way_to_the_galleries_and_costs_nothing(browser: Browser) -> None:
    page = browser.get("/checkout")
    assert page.status_code == 200
    assert "There is nothing in your cart." in text(page)
    assert 'href="/galleries"' in page.text
    assert browser.cost() == {"calls": 0, "reads": 0, "writes": 0, "index_writes": 0}
    sent = browser.submit("/checkout", **WHO, key="k" * 22)
    assert sent.status_code == 409
    assert "If you have just ordered, the order was placed" in text(sent)


# ---- ordering ------------------------------------------------------------------------------------


def test_p7_a_guest_orders_and_sees_what_was_ordered_and_nothing_personal(
    site: Site, browser: Browser
) -> None:
    browser.add(PRINT)
    id_ = placed(order(browser, **WHO, **POSTAL, phone="+33 1 23", note="By the stairs\nplease"))
    page = browser.get(f"/orders/{id_}?done=placed")
    assert page.status_code == 200
    shown = text(page)
    number = number_of(site, id_)
    assert "Thank you for your order" in shown
    assert f"Its number is {number} ." in shown
    assert "1 × Print 30 × 45 cm – Low tide €65.00" in shown
    assert "Total, tax included €70.90" in shown
    assert "We have written to the address you gave" in shown
    assert "Its link opens a space of your own" in shown
    for personal in (NINA, "López", "Sea Road", "29900", "Concarneau", "stairs"):
        assert personal not in page.text
    assert browser.cart()["lines"] == []
    (mail,) = browser.mails(NINA)
    assert number in mail["subject"]
    row = site.cloud.row(f"ORDER#{id_}", "ORDER")
    assert row is not None
    assert row["note"]["S"] == "By the stairs\nplease"
    assert row["contact"]["M"]["phone"]["S"] == "+33 1 23"


def test_0_19_the_page_says_the_same_whoever_lives_at_the_address(
    site: Site, gateway: Gateway
) -> None:
    plant(site, "olga")
    told = []
    for number, email in enumerate(("olga@example.com", "nobody@example.com")):
        browser = Browser(gateway, address=f"192.0.2.{number}")
        browser.add(VOUCHER)
        answer = order(browser, **{**WHO, "email": email})
        page = browser.get(at(answer))
        own = number_of(site, placed(answer))
        told.append((page.status_code, text(page).replace(own, "…"), sorted(browser.cookies)))
    assert told[0] == told[1]


def test_of_an_order_that_is_not_his_nobody_sees_a_thing(browser: Browser, other: Browser) -> None:
    browser.add(VOUCHER)
    id_ = placed(order(browser, **WHO))
    other.add(VOUCHER)
    for who in (other, Browser(browser.gateway)):
        for path in (f"/orders/{id_}", "/orders/nothing"):
            assert who.get(path).status_code == 404
    other.register("otto@example.com")
    for path in (f"/orders/{id_}", f"/account/orders/{id_}", "/account/orders/nothing"):
        assert other.get(path).status_code == 404
    assert other.submit(f"/account/claims/{id_}", was="mine").status_code == 404
    assert other.submit(f"/account/orders/{id_}", postal_code="29900").status_code == 404


def test_the_same_form_sent_twice_is_one_order(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    typed = {**form(browser), **WHO}
    first, again = (browser.submit("/checkout", **typed) for _ in range(2))
    assert at(first) == at(again)
    assert len(orders(site)) == 1
    assert len(browser.mails(NINA)) == 1


def test_the_same_form_sent_again_with_something_else_in_it_orders_nothing(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    typed = {**form(browser), **WHO}
    placed(browser.submit("/checkout", **typed))
    again = browser.submit("/checkout", **{**typed, "name": "Otto"})
    assert again.status_code == 412
    assert "the order was placed" in text(again)
    browser.add(VOUCHER)
    with_more = browser.submit("/checkout", **{**typed, "name": "Otto"})
    assert with_more.status_code == 412
    assert "It has changed in the meantime" in text(with_more)
    assert hidden(with_more, "/checkout")["key"] != typed["key"]
    assert "Idempotency" not in with_more.text
    assert len(orders(site)) == 1


def test_reloading_what_was_ordered_orders_nothing(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    path = at(order(browser, **WHO))
    before = site.cloud.rows()
    assert browser.get(path).status_code == browser.get(path).status_code == 200
    assert site.cloud.rows() == before


def test_each_form_has_a_key_of_its_own_and_keeps_it_while_only_a_field_is_wrong(
    browser: Browser,
) -> None:
    browser.add(VOUCHER)
    first, second = form(browser), form(browser)
    assert first["key"] != second["key"]
    assert first["quote"] == second["quote"]
    wrong = browser.submit("/checkout", **{**first, **WHO, "email": "nina"})
    assert hidden(wrong, "/checkout") == first
    missing = browser.submit("/checkout", **{**first, **WHO, "email": ""})
    assert hidden(missing, "/checkout") == first
    assert placed(browser.submit("/checkout", **{**hidden(missing, "/checkout"), **WHO}))


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    site: Site, browser: Browser
) -> None:
    browser.add(PRINT)
    before = site.cloud.rows()
    typed = {
        "email": "nina at home",
        "name": "Nina López",
        "phone": "call me",
        "line1": "12 Sea Road",
        "postal_code": "",
        "city": "Concarneau",
        "country": "FR",
        "note": "see www.example.com",
        "newsletter": "yes",
    }
    page = order(browser, **typed)
    assert page.status_code == 422
    shown = text(page)
    assert "<title>Error:" in page.text
    assert "E-mail address : This is not an address mail can be sent to." in shown
    assert "Postal code : This is missing." in shown
    assert "Telephone : This is not as it should be." in shown
    assert "A note for the studio : Please write no links and no web addresses here." in shown
    assert "I agree to the terms : Please agree to this first." in shown
    for name in ("email", "phone", "postal_code", "note", "terms"):
        assert f'<a href="#{name}">' in page.text
        assert f'id="{name}-wrong"' in page.text
        assert re.search(rf'id="{name}"[^>]*aria-invalid="true"', page.text), name
    for name in ("email", "name", "phone", "line1", "city"):
        assert f'value="{typed[name]}"' in page.text
    assert "see www.example.com</textarea>" in page.text
    assert '<option value="FR" selected>' in page.text
    assert re.search(r'name="newsletter" value="yes" checked', page.text)
    assert site.cloud.rows() == before


def test_all_that_is_missing_is_said_at_once(site: Site, browser: Browser) -> None:
    browser.add(PRINT)
    before = site.cloud.rows()
    page = order(browser)
    assert page.status_code == 422
    for name in ("email", "name", "line1", "postal_code", "city", "country", "terms"):
        assert f'id="{name}-wrong"' in page.text, name
    for name in ("phone", "line2", "region", "note", "newsletter"):
        assert f'id="{name}-wrong"' not in page.text, name
    no_address = order(browser, **WHO, country="FR")
    assert no_address.status_code == 422
    assert "Where should it be sent?" in text(no_address)
    assert "Street and number : This is missing." in text(no_address)
    assert site.cloud.rows() == before


@pytest.mark.parametrize("terms", ["", "no", "true"])
def test_p20_without_the_terms_a_guest_orders_nothing_on_the_page(
    site: Site, browser: Browser, terms: str
) -> None:
    browser.add(VOUCHER)
    page = order(browser, **{**WHO, "terms": terms})
    assert page.status_code == 422
    assert "Please agree to this first." in text(page)
    assert orders(site) == []


def test_a_price_that_changed_since_the_page_was_shown_is_said_and_nothing_is_ordered(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    typed = {**form(browser), **WHO}
    set_price(site, "voucher", 17000)
    page = browser.submit("/checkout", **typed)
    assert page.status_code == 409
    shown = text(page)
    assert "A price has changed" in shown
    assert "Total, tax included €170.00" in shown
    assert 'value="Nina López"' in page.text
    fresh = hidden(page, "/checkout")
    assert fresh["quote"] != typed["quote"]
    assert fresh["key"] != typed["key"]
    assert orders(site) == []
    assert browser.submit("/checkout", **typed).status_code == 409  # the old form still is
    id_ = placed(browser.submit("/checkout", **{**fresh, **WHO}))
    row = site.cloud.row(f"ORDER#{id_}", "ORDER")
    assert row is not None
    assert row["total"]["N"] == "17000"


def test_a_price_that_changed_while_a_field_was_wrong_is_said_as_well(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    typed = {**form(browser), **WHO, "email": "nina"}
    set_price(site, "voucher", 17000)
    page = browser.submit("/checkout", **typed)
    assert page.status_code == 422
    assert "The cart is not as you saw it" in text(page)
    assert "This is not an address mail can be sent to." in text(page)
    assert hidden(page, "/checkout")["key"] != typed["key"]


def test_a_price_that_changed_between_cart_and_page_is_the_pages(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    set_price(site, "voucher", 17000)
    assert "€170.00" in text(browser.get("/checkout"))
    assert placed(order(browser, **WHO))


def test_what_cannot_be_had_is_taken_out_and_the_rest_is_ordered(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.add(CALENDAR)
    typed = {**form(browser), **WHO, "note": "Thank you"}
    update(site, "PRODUCT#voucher", "PRODUCT", "active", {"BOOL": False})
    page = browser.submit("/checkout", **typed)
    assert page.status_code == 409
    assert "Something in your cart cannot be had any more" in text(page)
    assert "Gift voucher for a portrait session – This cannot be had any more. Take it out" in text(
        page
    )
    assert "What you typed is kept." in text(page)
    assert orders(site) == []
    line = re.search(r'name="remove" value="([\w-]+)"', page.text)
    assert line is not None
    rest = browser.submit("/checkout", **hidden(page, "/checkout"), remove=line[1])
    assert rest.status_code == 200
    assert "voucher" not in text(rest)
    assert f'value="{NINA}"' in rest.text
    assert "Thank you</textarea>" in rest.text
    assert 'name="terms" value="yes" checked' in rest.text
    again = {"email": NINA, "name": "Nina", "terms": "yes", **hidden(rest, "/checkout")}
    id_ = placed(browser.submit("/checkout", **again))
    row = site.cloud.row(f"ORDER#{id_}", "ORDER")
    assert row is not None
    assert [entry["M"]["p"]["S"] for entry in row["lines"]["L"]] == ["calendar"]


def test_before_what_cannot_be_had_is_taken_out_nothing_is_asked(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    update(site, "PRODUCT#voucher", "PRODUCT", "active", {"BOOL": False})
    page = browser.get("/checkout")
    assert "Nothing of it can be ordered any more." in text(page)
    assert 'id="email"' not in page.text
    line = re.search(r'name="remove" value="([\w-]+)"', page.text)
    assert line is not None
    none = browser.submit("/checkout", remove=line[1])
    assert "There is nothing in your cart." in text(none)
    assert browser.cart()["lines"] == []


def test_too_many_orders_to_an_address_are_refused_with_when_to_come_back(
    gateway: Gateway,
) -> None:
    for number in range(4):
        browser = Browser(gateway, address=f"192.0.2.{number}")
        browser.add(VOUCHER)
        page = order(browser, **WHO)
    assert page.status_code == 429
    assert "So many orders with this address are enough for today" in text(page)
    assert "You can try again in" in text(page)
    assert 'href="/sign-in?back=/checkout"' in page.text
    assert f'value="{NINA}"' in page.text
    assert browser.quantities() == {"voucher": 1}


HOSTILE = {
    "email": ["x" * 401, "a@b\r\nBcc: c@example.com", "<script>@x", "\x00@example.com"],
    "name": ["x" * 101, "Nina\r\nX: y", "\u202eNina", " "],
    "phone": ["0" * 41, "<b>", "\x00"],
    "line1": ["x" * 101, "a\nb"],
    "country": ["France", "XX", "../", ""],
    "note": ["x" * 1001, "http://evil.example", "\x07"],
    "address_id": ["../x", "x" * 64, "no-such-entry", "<script>alert(1)</script>"],
    "quote": ["x" * 41, "nonsense", "<script>alert(1)</script>"],
    "key": ["short", "k" * 65, "é" * 20, "<script>alert(1)</script>"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in HOSTILE.items() for v in vs])
def test_r48_hostile_input_is_a_clear_4xx_and_changes_nothing(
    site: Site, browser: Browser, name: str, value: str
) -> None:
    browser.add(PRINT)
    typed = {**form(browser), **WHO, **POSTAL, name: value}
    before = site.cloud.rows()
    page = browser.submit("/checkout", **typed)
    assert 400 <= page.status_code < 500, name
    assert "<script>" not in page.text
    assert orders(site) == []
    if name != "quote":
        assert site.cloud.rows() == before


def test_a_form_without_its_key_is_shown_again_with_one(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    page = browser.submit("/checkout", **WHO)
    assert page.status_code == 412
    assert "Idempotency" not in page.text
    assert placed(browser.submit("/checkout", **{**hidden(page, "/checkout"), **WHO}))


def test_a_removal_of_what_is_not_there_changes_nothing(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    before = browser.cart()
    for line in ("x", "../..", "<script>"):
        page = browser.submit("/checkout", remove=line)
        assert page.status_code in {200, 404, 422}
        assert "<script>" not in page.text
    assert browser.cart() == before


def test_what_is_typed_is_shown_as_text(browser: Browser) -> None:
    browser.add(VOUCHER)
    evil = '"><script>alert(1)</script>'
    page = order(browser, email=evil, name=evil, note=evil, phone=evil)
    assert page.status_code == 422
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


# ---- where guests may not order ------------------------------------------------------------------


def test_p7_where_guests_may_not_order_one_signs_in_and_goes_on(
    site: Site, browser: Browser, other: Browser
) -> None:
    other.register("otto@example.com")
    browser.add(VOUCHER)
    typed = {**form(browser), **WHO}
    with guests_may_not_order(site):
        asked = browser.get("/checkout")
        assert asked.status_code == 401
        assert "To order here one needs an account. Your cart is kept" in text(asked)
        assert 'href="/sign-up"' in asked.text
        fields = hidden(asked, "/sign-in")
        assert fields["back"] == "/checkout"
        sent = browser.submit("/checkout", **typed)  # of before it was so
        assert sent.status_code == 401
        assert "Nina López" in text(sent)
        assert orders(site) == []
        arrived = browser.submit("/sign-in", **fields, email="otto@example.com", password=PASSWORD)
        assert at(arrived) == "/checkout?done=signed-in&brought=max.1.0.0.0"
        page = browser.get(at(arrived))
        assert "You are signed in. 1 item was brought along" in text(page)
        assert placed(order(browser))


def test_where_guests_may_not_order_who_signs_up_with_a_cart_goes_on_to_the_order(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    with guests_may_not_order(site):
        browser.submit("/sign-up", email=NINA, name="Nina", terms="yes")
        arrived = browser.submit("/activate", token=browser.token(NINA))
        assert at(arrived) == "/checkout?done=activated"
        assert "Nothing in your cart was lost." in text(browser.get(at(arrived)))
        assert placed(order(browser))


# ---- a client ------------------------------------------------------------------------------------


def test_p12_a_client_orders_again_by_one_click(site: Site, browser: Browser) -> None:
    entry = client(browser)
    browser.add(PRINT)
    page = browser.get("/checkout")
    shown = text(page)
    assert f"Nina López {NINA}" in shown
    assert 'id="email"' not in page.text
    assert 'id="terms"' not in page.text
    assert re.search(rf'name="address_id" value="{entry}" checked', page.text)
    assert "12 Sea Road 29900 Concarneau France" in shown
    assert page.text.count("checked") == 1
    typed = hidden(page, "/checkout") | {"address_id": entry, "name": "Nina López"}
    id_ = placed(browser.submit("/checkout", **typed, **dict.fromkeys(("line1", "city"), "")))
    thanks = text(browser.get(f"/orders/{id_}"))
    assert f"We have written to {NINA}" in thanks
    mine = browser.get(f"/v1/account/orders/{id_}").json
    assert mine["contact"]["address"]["line1"] == "12 Sea Road"
    assert "12 Sea Road" in browser.mails(NINA)[0]["text"]


def test_p12_another_address_is_typed_once_and_then_chosen(site: Site, browser: Browser) -> None:
    client(browser)
    site.advance(60)
    browser.add(PRINT)
    there = {"line1": "3 Hill Street", "postal_code": "1010", "city": "Wien", "country": "AT"}
    id_ = placed(order(browser, address_id="another", name="Oma Marie", **there))
    mine = browser.get(f"/v1/account/orders/{id_}").json
    assert mine["contact"]["name"] == "Oma Marie"
    assert mine["contact"]["email"] == NINA
    site.advance(60)
    browser.add(PRINT)
    page = browser.get("/checkout")
    chosen = re.search(r'name="address_id" value="([\w-]+)" checked> <span>(.*?)<br>', page.text)
    assert chosen is not None
    assert chosen[2] == "Oma Marie"  # used last
    assert text(page).index("Hill Street") < text(page).index("Sea Road")
    id_ = placed(order(browser, address_id=chosen[1], name="Nina López"))
    assert browser.get(f"/v1/account/orders/{id_}").json["contact"]["name"] == "Oma Marie"


def test_an_address_that_was_taken_out_meanwhile_is_no_longer_chosen(
    site: Site, browser: Browser
) -> None:
    client(browser)
    browser.add(PRINT)
    page = order(browser, address_id="no-such-entry")
    assert page.status_code == 422
    assert "This is not there any more." in text(page)
    assert '<a href="#address_id">' in page.text
    missing = order(browser, address_id="another", country="FR")
    assert missing.status_code == 422
    assert 'id="line1-wrong"' in missing.text
    assert re.search(r'name="address_id" value="another" checked', missing.text)
    assert len(orders(site)) == 1


def test_who_has_not_agreed_to_the_terms_as_they_are_is_asked(site: Site, browser: Browser) -> None:
    person = plant(site, "clara")
    update(site, f"USER#{person.id}", "USER", "terms", {"S": "2020-01-01"})
    person.browser.add(VOUCHER)
    page = person.browser.get("/checkout")
    assert 'id="terms"' in page.text
    assert "checked" not in page.text
    refused = order(person.browser)
    assert refused.status_code == 422
    assert "Please agree to this first." in text(refused)
    assert placed(order(person.browser, terms="yes", newsletter="yes"))
    ledger = person.browser.get("/v1/account/consents").json["items"]
    said_here = {one["document"] for one in ledger if one["channel"] == "order"}
    assert said_here == {"terms", "newsletter"}
    person.browser.add(VOUCHER)
    again = person.browser.get("/checkout")
    assert 'id="terms"' not in again.text
    assert 'id="newsletter"' not in again.text
    assert placed(order(person.browser))


def test_who_has_the_newsletter_is_not_asked_for_it_again(site: Site) -> None:
    person = plant(site, "clara")
    update(site, f"USER#{person.id}", "USER", "terms", {"S": "2020-01-01"})
    update(site, f"USER#{person.id}", "USER", "newsletter", {"BOOL": True})
    person.browser.add(VOUCHER)
    page = person.browser.get("/checkout")
    assert 'id="terms"' in page.text
    assert 'id="newsletter"' not in page.text


def test_who_has_not_proved_his_address_says_for_whom_it_is(site: Site, browser: Browser) -> None:
    person = plant(site, "clara", proved=False)
    person.browser.add(VOUCHER)
    page = person.browser.get("/checkout")
    assert 'value="clara@example.com"' in page.text
    id_ = placed(order(person.browser, email="clara@example.com", name="Clara"))
    shown = person.browser.get(f"/orders/{id_}")
    assert "as soon as you have shown that the address you sign in with is yours" in text(shown)


def test_a_link_that_was_passed_on_shows_no_address_of_the_book(
    site: Site, browser: Browser
) -> None:
    client(browser)
    update(site, f"USER#{browser.who()}", "USER", "unproved", {"BOOL": True})
    browser.add(PRINT)
    page = browser.get("/checkout")
    assert "Sea Road" not in page.text
    assert 'id="line1"' in page.text


def test_of_a_session_that_has_ended_nobody_says_the_cart_is_empty(
    site: Site, browser: Browser
) -> None:
    client(browser)
    browser.add(VOUCHER)
    site.advance(3 * HOUR)
    assert said(place(browser, NINA)) == (401, "sign_in_required")


def test_a_session_that_ended_while_somebody_ordered_loses_nothing(
    site: Site, browser: Browser
) -> None:
    entry = client(browser)
    browser.choose_password()
    browser.add(PRINT)
    typed = {**form(browser), "address_id": entry, "note": "Thank you"}
    site.advance(3 * HOUR)
    asked = browser.get("/checkout")
    assert asked.status_code == 401
    assert hidden(asked, "/sign-in")["back"] == "/checkout"
    ended = browser.submit("/checkout", **typed)
    assert ended.status_code == 401
    assert "Your session has ended" in text(ended)
    assert "Thank you" in text(ended)
    page = browser.submit("/sign-in/continue", **hidden(ended, "/sign-in/continue"))
    fields = hidden(page, "/sign-in")
    page = browser.submit("/sign-in", **fields, email=NINA, password=PASSWORD)
    assert placed(browser.submit("/checkout", **hidden(page, "/checkout")))


def test_who_is_only_remembered_signs_in_again_to_order(site: Site, browser: Browser) -> None:
    browser.register(NINA)
    browser.sign_in(NINA, remember=True)
    browser.add(VOUCHER)
    site.advance(3 * HOUR)
    assert "voucher" in text(browser.get("/cart"))
    asked = browser.get("/checkout")
    assert asked.status_code == 401
    assert "Please sign in again" in text(asked)
    assert NINA not in asked.text


def test_a_guest_who_orders_loses_the_answer_signs_in_and_sends_it_again_sees_his_order(
    site: Site, browser: Browser
) -> None:
    plant(site, "olga")
    browser.add(VOUCHER)
    typed = {**form(browser), **WHO}
    id_ = placed(browser.submit("/checkout", **typed))
    assert browser.sign_in("olga@example.com").status_code == 200
    again = browser.submit("/checkout", **typed)
    assert again.status_code == 200
    assert number_of(site, id_) in text(again)
    assert NINA not in again.text
    assert len(orders(site)) == 1


# ---- from the mail to the space ------------------------------------------------------------------


def test_p4_the_mails_link_leads_to_the_order_in_a_space_of_ones_own(
    site: Site, browser: Browser
) -> None:
    browser.add(PRINT)
    id_ = placed(order(browser, **WHO, **POSTAL))
    token, before = browser.token(NINA), browser.twin()
    shown = text(browser.submit("/activate/link", token=token))
    assert "This opens a space of your own for n…@e….org, with the order in it." in shown
    arrived = browser.submit("/activate", token=token)
    assert at(arrived) == f"/account/orders/{id_}?done=activated"
    page = text(browser.get(at(arrived)))
    assert "Your account is active, and this order is in it." in page
    assert "Nina López 12 Sea Road 29900 Concarneau France" in page
    assert browser.session()["next"][0] != "prove_address"
    again = before.submit("/activate", token=token)  # the answer was lost
    assert at(again) == at(arrived)


def test_p4_in_another_browser_a_code_comes_before_the_order(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.add(PRINT)
    id_ = placed(order(browser, **WHO, **POSTAL))
    token = browser.token(NINA)
    page = text(other.submit("/activate/link", token=token))
    assert "Somebody ordered with n…@e….org in another browser." in page
    assert "López" not in page
    made = {"token": token, "password": PASSWORD, "name": "Nina", "terms": "yes"}
    arrived = other.submit("/activate", **made)
    assert at(arrived) == f"/account/orders/{id_}?done=activated"
    asked = other.get(at(arrived))
    assert asked.status_code == 403
    assert "Your account is active." in text(asked)
    assert "Low tide" not in asked.text
    for path in ("/account/orders", "/account/claims"):
        waits = other.get(path)
        assert waits.status_code == 403
        assert hidden(waits, "/account/proof/code") == {"back": path}
    fields = hidden(asked, "/account/proof/code")
    assert fields == {"back": f"/account/orders/{id_}"}
    code = hidden(other.submit("/account/proof/code", **fields), "/account/proof")
    proved = other.submit("/account/proof", **code, code=other.code(NINA))
    assert at(proved) == f"/account/orders/{id_}?done=proved"
    seen = other.get(at(proved))
    assert "Type the order’s postal code to see all of it." in text(seen)
    assert "It was ordered with n…@e….org" in text(seen)
    for personal in (NINA, "López", "Sea Road", "29900"):
        assert personal not in seen.text
    empty = other.submit(f"/account/orders/{id_}", postal_code=" ")
    assert (empty.status_code, 'id="postal_code-wrong"' in empty.text) == (422, True)
    wrong = other.submit(f"/account/orders/{id_}", postal_code="29901")
    assert wrong.status_code == 409
    assert "This is not the order’s postal code" in text(wrong)
    assert 'value="29901"' in wrong.text
    right = other.submit(f"/account/orders/{id_}", postal_code=" 29 900")
    assert at(right) == f"/account/orders/{id_}?done=whole"
    assert "12 Sea Road" in text(other.get(at(right)))


def test_guesses_at_a_postal_code_come_to_an_end(site: Site, browser: Browser) -> None:
    owner = plant(site, "olga")
    browser.add(PRINT)
    id_ = place(browser, owner.email).json["id"]
    assert at(owner.browser.submit(f"/account/claims/{id_}", was="mine"))
    for number in range(6):
        page = owner.browser.submit(f"/account/orders/{id_}", postal_code=f"2990{number + 1}")
    assert page.status_code == 429
    assert "You can try again in" in text(page)
    assert owner.browser.submit(f"/account/orders/{id_}", postal_code="29900").status_code == 429
    assert "Sea Road" not in owner.browser.get(f"/account/orders/{id_}").text


# ---- my orders -----------------------------------------------------------------------------------


def test_p13_my_orders_say_what_was_bought_where_it_goes_and_how_it_stands(
    site: Site, browser: Browser
) -> None:
    client(browser)
    number = number_of(site, browser.get("/v1/account/orders").json["items"][0]["id"])
    page = text(browser.get("/account/orders"))
    assert f"Order {number}" in page
    assert "Placed, waits for the studio · €70.90" in page
    assert "1 × Print 30 × 45 cm – Low tide" in page
    assert "To Nina López, 29900 Concarneau" in page
    assert "Ordered · 2026-11-22 08:00 UTC" in page
    space = browser.get("/account").text
    assert 'href="/account/orders"' in space
    assert 'href="/account/claims"' in space


def test_orders_are_shown_page_by_page_to_their_client_alone(site: Site, other: Browser) -> None:
    clara = plant(site, "clara").browser
    for number in range(12):
        clara.add(VOUCHER)
        placed(order(clara))
        site.advance(number + 1)
    first = clara.get("/account/orders")
    assert first.text.count("<h2>") == 10
    more = re.search(r'href="(/account/orders\?cursor=[^"]+)"', first.text)
    assert more is not None
    second = clara.get(unescape(more[1]))
    assert second.text.count("<h2>") == 2
    assert "Back to the newest" in text(second)
    seen = re.findall(r"/account/orders/([\w-]+)", first.text + second.text)
    assert len(set(seen)) == 12
    assert seen == sorted(seen, reverse=True)
    other.register("otto@example.com")
    assert other.get(unescape(more[1])).status_code == 422  # it is not his
    assert "None yet." in text(other.get("/account/orders"))


@pytest.mark.parametrize("path", ["/account/orders", "/account/orders/x", "/account/claims"])
def test_signed_out_one_signs_in_and_comes_back(browser: Browser, path: str) -> None:
    asked = browser.get(path)
    assert asked.status_code == 401
    assert hidden(asked, "/sign-in")["back"] == path


def test_what_the_studio_did_and_why_is_in_an_orders_history(site: Site) -> None:
    clara = plant(site, "clara").browser
    clara.add(VOUCHER)
    id_ = placed(order(clara))
    orders_, table = site.module("foyer.storage.orders"), site.module("foyer.storage.table")
    rules = site.module("foyer.rules.orders")
    before = orders_.read([id_], consistent=True)[id_]
    after = rules.stepped(before, rules.Step.CANCEL, "ana", site.now() + HOUR, "We are <ill>.")
    table.write(*orders_.change(before, after))
    page = clara.get(f"/account/orders/{id_}")
    assert "The order was cancelled. Nothing of it will be made or sent." in text(page)
    assert "Cancelled by the studio · 2026-11-22 09:00 UTC The studio writes: We are <ill>." in (
        text(page)
    )
    assert "Cancelled · €150.00" in text(clara.get("/account/orders"))
    shown = text(clara.get(f"/orders/{id_}"))
    assert "Thank you" not in shown
    assert "The order was cancelled." in shown


# ---- claims --------------------------------------------------------------------------------------


def test_orders_that_name_my_address_are_offered_one_by_one_and_masked(
    site: Site, browser: Browser
) -> None:
    owner = plant(site, "olga")
    number = {}
    for thing, where in ((PRINT, POSTAL), (VOUCHER, None)):
        browser.add(thing)
        site.advance(60)
        whom = contact(owner.email, address=where)
        number[thing["product_id"]] = place(browser, owner.email, contact=whom).json["number"]
    page = owner.browser.get("/account/claims")
    shown = text(page)
    for one in number.values():
        assert f"Order {one}" in shown
    assert shown.index(number["voucher"]) < shown.index(number["print-30x45"])
    assert "1 × Print 30 × 45 cm – Low tide" in shown
    for personal in ("Marchetti", "Sea Road", "29900", "Concarneau"):
        assert personal not in page.text
    assert page.text.count('name="postal_code"') == 1  # nothing is sent of the other
    assert "None yet." in text(owner.browser.get("/account/orders"))


@pytest.mark.parametrize(("postal_code", "whole"), [("", False), ("29900", True)])
def test_what_was_mine_is_in_my_space_from_then_on(
    site: Site, browser: Browser, postal_code: str, whole: bool
) -> None:
    owner = plant(site, "olga")
    browser.add(PRINT)
    id_ = place(browser, owner.email).json["id"]
    for _ in range(2):  # sent twice it is the same
        done = owner.browser.submit(f"/account/claims/{id_}", was="mine", postal_code=postal_code)
        assert at(done) == f"/account/orders/{id_}?done=claimed"
    page = owner.browser.get(at(done))
    assert "It is in your space from now on." in text(page)
    assert ("12 Sea Road" in page.text) == whole
    assert "None waits." in text(owner.browser.get("/account/claims"))
    listed = text(owner.browser.get("/account/orders"))
    assert ("To Nina Marchetti, 29900 Concarneau" in listed) == whole
    assert ("Where it goes is hidden" in listed) == (not whole)


def test_a_wrong_postal_code_is_said_at_its_order_and_claims_nothing(
    site: Site, browser: Browser
) -> None:
    owner = plant(site, "olga")
    ids = []
    for _ in range(2):
        browser.add(PRINT)
        ids.append(place(browser, owner.email).json["id"])
    page = owner.browser.submit(f"/account/claims/{ids[0]}", was="mine", postal_code="29901")
    assert page.status_code == 409
    assert f'href="#claim-{ids[0]}"' in page.text
    assert f'id="postal_code-{ids[0]}-wrong"' in page.text
    assert f'id="postal_code-{ids[1]}-wrong"' not in page.text
    assert page.text.count('value="29901"') == 1
    assert "Back to the newest" not in text(page)
    garbled = owner.browser.submit(f"/account/claims/{ids[0]}", postal_code="\u202e1")
    assert garbled.status_code == 422
    assert "None yet." in text(owner.browser.get("/account/orders"))


def test_a_wrong_postal_code_is_said_on_the_page_of_the_list_it_was_typed_on(
    site: Site, gateway: Gateway
) -> None:
    owner = plant(site, "olga")
    for number in range(11):
        if number % 3 == 0:
            site.advance(DAY)
        browser = Browser(gateway, address=f"192.0.2.{number}")
        browser.add(PRINT)
        assert place(browser, owner.email).status_code == 201
    assert owner.browser.sign_in(owner.email).status_code == 200
    first = owner.browser.get("/account/claims")
    assert first.text.count("<h2>") == 10
    more = re.search(r'href="(/account/claims\?cursor=[^"]+)"', first.text)
    assert more is not None
    second = owner.browser.get(unescape(more[1]))
    (id_,) = re.findall(r'id="claim-([\w-]+)"', second.text)
    fields = hidden(second, f"/account/claims/{id_}")
    page = owner.browser.submit(f"/account/claims/{id_}", **fields, postal_code="29901")
    assert page.status_code == 409
    assert re.findall(r'id="claim-([\w-]+)"', page.text) == [id_]
    assert "Back to the newest" in text(page)


def test_what_was_not_mine_is_not_shown_again(site: Site, browser: Browser) -> None:
    owner = plant(site, "olga")
    browser.add(VOUCHER)
    id_ = place(browser, owner.email).json["id"]
    for _ in range(2):
        done = owner.browser.submit(f"/account/claims/{id_}", was="another")
        assert at(done) == "/account/claims?done=refused"
    page = text(owner.browser.get(at(done)))
    assert "It is not shown to you again" in page
    assert "None waits." in page
    assert owner.browser.submit(f"/account/claims/{id_}", was="mine").status_code == 404


def test_claims_are_for_who_has_proved_the_address(site: Site, browser: Browser) -> None:
    person = plant(site, "clara", proved=False)
    browser.add(VOUCHER)
    id_ = place(browser, person.email).json["id"]
    before = len(site.cloud.rows())
    page = person.browser.submit(f"/account/claims/{id_}", was="mine")
    assert page.status_code == 403
    assert hidden(page, "/account/proof/code") == {"back": "/account/claims"}
    assert len(site.cloud.rows()) == before


@pytest.mark.parametrize(
    "sent", [{"was": "somebody's"}, {"cursor": "nonsense"}, {"postal_code": "x" * 401}]
)
def test_r48_hostile_answers_to_a_claim_change_nothing(
    site: Site, browser: Browser, sent: dict[str, str]
) -> None:
    owner = plant(site, "olga")
    browser.add(PRINT)
    id_ = place(browser, owner.email).json["id"]
    before = site.cloud.rows()
    page = owner.browser.submit(f"/account/claims/{id_}", **{"postal_code": "\x00", **sent})
    assert page.status_code == 422
    assert site.cloud.rows() == before


def test_the_addresses_of_answers_lead_back_to_the_claims(site: Site) -> None:
    owner = plant(site, "olga")
    answer = owner.browser.get("/account/claims/x")
    assert at(answer) == "/account/claims"
