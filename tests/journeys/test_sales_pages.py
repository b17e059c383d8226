"""The pages on which a studio sees its orders, confirms, fulfils and cancels them."""

import re
from html import unescape
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_account_pages import text
from tests.journeys.test_closing import close
from tests.journeys.test_studio_pages import act, done, hidden, photographer, send
from tests.ordering import POSTAL, contact, new_key, place
from tests.people import HOTEL, STUDIO, administrator, plant
from tests.visiting import PRINT, VOUCHER, Answer, Browser

ORDERS = "/staff/orders"
NINA = "nina@example.org"
DEEDS = ("confirm", "fulfil", "cancel")
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def ana(site: Site) -> Browser:
    return photographer(site)


@pytest.fixture
def order(browser: Browser) -> Any:
    """Nina's, of a print and two vouchers, without an account."""
    browser.add(PRINT)
    browser.add({**VOUCHER, "quantity": 2})
    address = {**POSTAL, "line2": "3rd floor", "region": "Brittany"}
    whom = contact(NINA, phone="+33 (0)2 98", address=address)
    answer = place(browser, NINA, contact=whom, note="Please ring twice,\nthe bell is tired.")
    assert answer.status_code == 201, answer.json
    return answer.json


def path_of(order: Any) -> str:
    return f"{ORDERS}/{order['id']}"


def step(who: Browser, order: Any, deed: str, **typed: str) -> Answer:
    return act(who, path_of(order), f"{path_of(order)}/{deed}", **typed)


def offered(who: Browser, order: Any) -> list[str]:
    """What the page has a form for."""
    return re.findall(rf'action="{path_of(order)}/([a-z]+)"', who.get(path_of(order)).text)


def numbers(page: Answer) -> list[str]:
    return re.findall(r">Order ([^<]+)</a>", page.text)


def vouchers(browser: Browser, *emails: str) -> list[Any]:
    """An order of each, a minute apart."""
    made = []
    for email in emails:
        browser.add(VOUCHER)
        made.append(place(browser, email).json)
        browser.gateway.site.advance(60)
    return made


# ---- who may see what ----------------------------------------------------------------------------


def test_orders_are_kept_by_who_sells_alone(
    site: Site, gateway: Gateway, browser: Browser, ana: Browser, order: Any
) -> None:
    for path in (ORDERS, path_of(order)):
        nobody = Browser(gateway).get(path)
        assert nobody.status_code == 401
        assert hidden(nobody, "/sign-in")["back"] == path
        assert browser.get(path).status_code == 401  # the guest who ordered
        client = plant(site, f"client{len(path)}", role=None).browser
        role = ("customer_service_supervisor", STUDIO)
        clerk = plant(site, f"clerk{len(path)}", role=role, org=STUDIO).browser
        for other in (client, clerk):
            assert other.get(path).status_code == 404
        assert ana.get(path).status_code == 200
        assert f'href="{ORDERS}"' not in clerk.get("/staff").text
    stranger = photographer(site, "otto", HOTEL)
    assert "Nobody has ordered yet" in text(stranger.get(ORDERS))
    assert stranger.get(path_of(order)).status_code == 404
    assert stranger.get(f"{ORDERS}?organization_id={STUDIO}").status_code == 404
    assert f'href="{ORDERS}"' in ana.get("/staff").text


def test_nobody_else_can_send_a_form_about_an_order(
    site: Site, gateway: Gateway, browser: Browser, order: Any
) -> None:
    client = plant(site, "carol", role=None).browser
    stranger = photographer(site, "otto", HOTEL)
    before = site.cloud.rows()
    for deed in DEEDS:
        path = f"{path_of(order)}/{deed}"
        for who, status in (
            (Browser(gateway), 401),
            (browser, 401),
            (client, 404),
            (stranger, 404),
        ):
            assert send(who, path, {}).status_code == status, deed
            assert send(who, path, {}, reason="No.").status_code == status, deed
    answers = [send(stranger, f"{path}/confirm", {}) for path in (path_of(order), f"{ORDERS}/x")]
    said = {text(answer).partition("reference")[0] for answer in answers}
    assert len(said) == 1
    assert site.cloud.rows() == before


def test_looking_changes_nothing(site: Site, ana: Browser, order: Any) -> None:
    ana.get(ORDERS)
    before = site.cloud.rows()
    for path in (ORDERS, path_of(order), *(f"{path_of(order)}/{deed}" for deed in DEEDS)):
        for method in ("GET", "HEAD"):
            assert ana.send(method, path).status_code in {200, 303}
    for deed in DEEDS:
        assert ana.get(f"{path_of(order)}/{deed}").headers["Location"] == path_of(order)
    assert ana.get(f"{ORDERS}/nothing").status_code == 404
    assert site.cloud.rows() == before


# ---- the list ------------------------------------------------------------------------------------


def test_the_list_says_who_ordered_what_when_and_how_it_stands(ana: Browser, order: Any) -> None:
    page = ana.get(ORDERS)
    assert f'href="{path_of(order)}"' in page.text
    assert (
        f"Order {order['number']} €370.90 · placed, waits to be confirmed "
        "Nina Marchetti 1 × Print 30 × 45 cm – Low tide and 1 more thing 2026-11-22 08:00 UTC"
    ) in text(page)


def test_what_waits_comes_first_and_can_be_asked_for_alone(browser: Browser, ana: Browser) -> None:
    made = vouchers(browser, *(f"nina{n}@example.org" for n in range(5)))
    step(ana, made[4], "cancel")
    step(ana, made[3], "confirm")
    step(ana, made[2], "confirm")
    step(ana, made[2], "fulfil")
    number = [one["number"] for one in made]
    assert numbers(ana.get(ORDERS)) == [number[n] for n in (1, 0, 3, 2, 4)]
    for status, expected in (
        ("placed", [number[1], number[0]]),
        ("confirmed", [number[3]]),
        ("fulfilled", [number[2]]),
        ("cancelled", [number[4]]),
    ):
        page = ana.get(f"{ORDERS}?status={status}")
        assert numbers(page) == expected
        assert f'<option value="{status}" selected>' in page.text
    step(ana, made[3], "cancel")
    assert "no order like that" in text(ana.get(f"{ORDERS}?status=confirmed"))


@pytest.mark.parametrize("status", ["lost", "PLACED", EVIL, "placed\x00", "x" * 200])
def test_a_state_there_is_none_of_is_refused_and_the_form_is_there(
    ana: Browser, order: Any, status: str
) -> None:
    page = ana.send("GET", ORDERS, query_string={"status": status})
    assert page.status_code == 422
    assert 'href="#status"' in page.text
    assert 'id="status-wrong"' in page.text
    assert numbers(page) == []
    assert "<script>" not in page.text


def test_orders_are_read_page_by_page(site: Site, browser: Browser, ana: Browser) -> None:
    made = vouchers(browser, *(f"nina{n}@example.org" for n in range(22)))
    newest_first = [one["number"] for one in reversed(made)]
    for query in ("", "?status=placed"):
        first = ana.get(f"{ORDERS}{query}")
        (following,) = re.findall(r'href="([^"]+cursor=[^"]+)"', first.text)
        second = ana.get(unescape(following))
        assert numbers(first) + numbers(second) == newest_first
        assert "cursor=" not in second.text.replace(following, "")
        assert f'href="{ORDERS}{query}"' in second.text  # back to the first
        refused = ana.get(unescape(following)[:-1])
        assert refused.status_code == 422
        assert "cannot be found again" in text(refused)
    other = unescape(following).replace("status=placed", "status=cancelled")
    assert ana.get(other).status_code == 422
    colleague = photographer(site, "eva")
    assert colleague.get(unescape(following)).status_code == 422


def test_who_reaches_many_organizations_is_asked_for_one(
    site: Site, browser: Browser, order: Any
) -> None:
    boss = administrator(site).browser
    seen = boss.get(ORDERS)
    assert numbers(seen) == [order["number"]]
    assert "Studio Ana" in text(seen)
    for number in range(20):
        new = {"name": f"Team {number}", "parent_id": HOTEL, "approval": "inherit"}
        assert boss.post("/v1/staff/organizations", new).status_code == 201
    page = boss.get(ORDERS)
    assert page.status_code == 200
    assert "choose one of them" in text(page)
    assert numbers(boss.get(f"{ORDERS}?organization_id={STUDIO}")) == [order["number"]]
    assert boss.get(f"{ORDERS}?organization_id=nowhere").status_code == 404


# ---- one of them ---------------------------------------------------------------------------------


def test_an_order_tells_all_one_needs_to_make_and_send_it(ana: Browser, order: Any) -> None:
    page = ana.get(path_of(order))
    for said in (
        "Status placed, waits to be confirmed",
        "1 × Print 30 × 45 cm – Low tide from The coast, early and late · €65.00 each €65.00",
        "2 × Gift voucher for a portrait session €150.00 each €300.00",
        "Shipping €5.90 Total, tax included €370.90",
        "Nina Marchetti 12 Sea Road 3rd floor 29900 Concarneau Brittany France",
        "E-mail address nina@example.org Telephone +33 (0)2 98",
        "Please ring twice, the bell is tired.",
        "Ordered 2026-11-22 08:00 UTC · by the client",
    ):
        assert said in text(page), said
    assert 'href="/staff/galleries/coast"' in page.text
    assert 'href="mailto:nina@example.org"' in page.text
    assert 'href="tel:+330298"' in page.text
    assert offered(ana, order) == ["confirm", "cancel"]


def test_nothing_anybody_typed_does_anything_on_the_page(
    site: Site, browser: Browser, ana: Browser
) -> None:
    browser.add({**VOUCHER})
    whom = {"email": "a?subject=x&bcc=y@example.org", "name": f"{EVIL}%(name)s{{{{ 7*7 }}}}"}
    answer = browser.post(
        "/v1/orders", {"contact": whom, "note": "</p><b>bold</b>"}, Idempotency_Key=new_key()
    )
    assert answer.status_code == 201, answer.json
    order = answer.json
    for path in (ORDERS, path_of(order)):
        page = ana.get(path)
        assert "<script>" not in page.text
        assert whom["name"] in text(page).replace(" ", "") or whom["name"] in unescape(page.text)
    page = ana.get(path_of(order))
    assert "<b>" not in page.text
    assert 'href="mailto:a%3Fsubject%3Dx%26bcc%3Dy@example.org"' in page.text
    answer = step(ana, order, "cancel", reason=f"{EVIL} 100 % %s")
    page = ana.get(answer.headers["Location"])
    assert "<script>" not in page.text
    assert f"{EVIL} 100 % %s" in unescape(page.text)


def test_what_is_typed_into_the_address_of_a_page_says_nothing_that_is_not_so(
    ana: Browser, order: Any
) -> None:
    for word in ("confirmed", "fulfilled", "cancelled", "placed", "before", EVIL):
        page = ana.send("GET", path_of(order), query_string={"done": word})
        assert 'role="status"' not in page.text, word


# ---- what is done --------------------------------------------------------------------------------


def test_an_order_is_confirmed_and_done_each_with_a_mail(
    browser: Browser, ana: Browser, order: Any
) -> None:
    count = len(browser.mails(NINA))
    for deed, became, said, then in (
        ("confirm", "confirmed", "was mailed that it is confirmed.", ["fulfil", "cancel"]),
        ("fulfil", "fulfilled", "was mailed that it is done.", []),
    ):
        answer = step(ana, order, deed)
        assert done(answer) == became
        assert answer.headers["Location"].startswith(f"{path_of(order)}?")
        page = ana.get(answer.headers["Location"])
        assert f'<p class="done" role="status">Nina Marchetti {said}</p>' in page.text
        count += 1
        assert len(browser.mails(NINA)) == count
        assert order["number"] in browser.mails(NINA)[0]["subject"]
        assert offered(ana, order) == then
    whole = text(ana.get(path_of(order)))
    assert "What can be done now" not in whole
    assert re.search(r"Ordered .* by the client Confirmed .* by you Done .* by you", whole)


def test_a_cancelled_orders_reason_is_mailed_and_kept(
    browser: Browser, ana: Browser, order: Any
) -> None:
    assert "It is mailed" in text(ana.get(path_of(order)))
    answer = step(ana, order, "cancel", reason="  The picture is lost.\r\n\r\nWe are sorry. ")
    assert done(answer) == "cancelled"
    page = text(ana.get(answer.headers["Location"]))
    assert "Nina Marchetti was mailed that it is cancelled, and your reason." in page
    assert "The reason given: The picture is lost. We are sorry." in page
    mail = browser.mails(NINA)[0]
    assert "cancelled" in mail["subject"]
    for part in (mail["text"], mail["html"]):
        assert "The picture is lost. We are sorry." in part
    assert offered(ana, order) == []


def test_a_reason_need_not_be_given(browser: Browser, ana: Browser, order: Any) -> None:
    answer = step(ana, order, "cancel", reason=" \r\n ")
    page = text(ana.get(answer.headers["Location"]))
    assert "was mailed that it is cancelled. " in page
    assert "The reason given" not in page
    assert "The studio writes" not in browser.mails(NINA)[0]["text"]


@pytest.mark.parametrize("reason", ["x" * 401, "back\u202ewards", "a\x00b", EVIL + "\x07"])
def test_a_reason_that_cannot_be_mailed_is_given_back(
    site: Site, browser: Browser, ana: Browser, order: Any, reason: str
) -> None:
    browser.mails(NINA)
    before = site.cloud.rows()
    refused = step(ana, order, "cancel", reason=reason)
    assert refused.status_code == 422
    assert "<title>Error:" in refused.text
    assert 'href="#reason"' in refused.text
    assert 'id="reason-wrong"' in refused.text
    assert "<script>" not in refused.text
    assert reason[:5] in unescape(refused.text.partition("<textarea")[2])
    assert step(ana, order, "cancel", reason="x" * 5000).status_code in {413, 422}
    assert site.cloud.rows() == before


def test_a_double_click_does_it_once(browser: Browser, ana: Browser, order: Any) -> None:
    count = len(browser.mails(NINA))
    for deed, became in (("confirm", "confirmed"), ("fulfil", "fulfilled")):
        fields = hidden(ana.get(path_of(order)), f"{path_of(order)}/{deed}")
        for _ in range(3):
            assert done(send(ana, f"{path_of(order)}/{deed}", fields)) == became
        count += 1
        assert len(browser.mails(NINA)) == count
    (other,) = vouchers(browser, NINA)
    path = f"{path_of(other)}/cancel"
    fields = hidden(ana.get(path_of(other)), path)
    for _ in range(2):
        assert done(send(ana, path, fields, reason="Sold out.")) == "cancelled"
    changed = send(ana, path, fields, reason="Ill.")
    assert changed.status_code == 412
    assert "cancelled" in text(changed)
    assert len(browser.mails(NINA)) == count + 2  # of the other order: placed, cancelled


def test_what_a_colleague_did_before_is_not_said_to_be_ones_own(
    site: Site, browser: Browser, ana: Browser, order: Any
) -> None:
    eva = photographer(site, "eva")
    path = f"{path_of(order)}/cancel"
    late = hidden(ana.get(path_of(order)), path)
    step(eva, order, "cancel", reason="Eva is ill.")
    count = len(browser.mails(NINA))
    answer = send(ana, path, late, reason="The paper is gone.")
    page = text(ana.get(answer.headers["Location"]))
    assert "was done before" in page
    assert "was mailed that" not in page
    assert "by the studio The reason given: Eva is ill." in page
    assert "The paper is gone." not in page
    assert len(browser.mails(NINA)) == count


def test_what_is_not_possible_any_more_says_how_it_stands(
    site: Site, browser: Browser, ana: Browser, order: Any
) -> None:
    pages = {deed: hidden(ana.get(path_of(order)), f"{path_of(order)}/confirm") for deed in DEEDS}
    step(ana, order, "cancel")
    browser.mails(NINA)
    before = site.cloud.rows()
    for deed in ("confirm", "fulfil"):
        refused = send(ana, f"{path_of(order)}/{deed}", pages[deed])
        assert refused.status_code == 409
        assert 'role="alert"' in refused.text
        assert "The order is now: cancelled." in text(refused)
        assert f'name="back" value="{path_of(order)}"' in refused.text
    assert site.cloud.rows() == before
    (other,) = vouchers(browser, NINA)
    skipped = send(ana, f"{path_of(other)}/fulfil", {})
    assert skipped.status_code == 409
    assert "placed, waits to be confirmed" in text(skipped)


def test_a_reason_is_given_back_where_too_much_happens_at_once(
    site: Site, ana: Browser, order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = site.module("foyer.rules.refusals")

    def busy(*_: object, **__: object) -> None:
        raise refusals.Refusal(refusals.Reason.BUSY, retry_after=1)

    fields = hidden(ana.get(path_of(order)), f"{path_of(order)}/cancel")
    monkeypatch.setattr(site.module("foyer.operations.sales"), "step", busy)
    refused = send(ana, f"{path_of(order)}/cancel", fields, reason="The picture is lost.")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert ">The picture is lost.</textarea>" in refused.text


def test_of_a_closed_account_only_the_country_is_kept_and_nobody_is_told(
    site: Site, gateway: Gateway, ana: Browser
) -> None:
    nina = plant(site, "nina", role=None).browser
    nina.add(PRINT)
    order = place(nina, "nina@example.com", note="Ring twice.").json
    assert close(nina).status_code == 204
    site.drain()
    page = text(ana.get(path_of(order)))
    assert "Of a closed account: only the country is kept. France" in page
    assert "Nobody is told by mail" in page
    listed = text(ana.get(ORDERS))
    assert "a closed account 1 × Print" in listed
    for gone in ("Marchetti", "nina@", "Sea Road", "Concarneau", "Ring twice", "mailto:"):
        assert gone not in page.replace("Questions?", "")
        assert gone not in listed
    count = len(ana.mails("nina@example.com"))
    answer = step(ana, order, "confirm")
    assert "Nobody was told by mail" in text(ana.get(answer.headers["Location"]))
    answer = step(ana, order, "cancel", reason="It is too late.")
    assert "Nobody was told by mail" in text(ana.get(answer.headers["Location"]))
    assert len(ana.mails("nina@example.com")) == count


def test_of_an_order_whose_addresss_owner_left_the_rest_is_kept(
    site: Site, browser: Browser, ana: Browser
) -> None:
    """Placed by somebody else, and naming an address whose owner closed his account."""
    owner = plant(site, "owner", role=None)
    other = plant(site, "other", role=None).browser
    other.add(PRINT)
    order = place(other, owner.email).json
    assert close(owner.browser).status_code == 204
    site.drain()
    page = ana.get(path_of(order))
    assert "gone: its owner closed the account" in text(page)
    assert "Nina Marchetti 12 Sea Road" in text(page)
    assert "Nobody is told by mail" in text(page)
    assert owner.email not in page.text
    answer = step(ana, order, "confirm")
    assert "Nobody was told by mail" in text(ana.get(answer.headers["Location"]))


def test_of_an_order_of_several_studios_the_sites_administrator_decides(
    site: Site, browser: Browser, ana: Browser
) -> None:
    hugo = photographer(site, "hugo", HOTEL)
    ring = {"name": "Key ring", "kind": "other", "price": {"amount": 900, "currency": "EUR"}}
    made = hugo.post("/v1/staff/products", ring)
    browser.add(PRINT)
    browser.add({"product_id": made.json["id"], "quantity": 2})
    order = place(browser, NINA).json
    for person, from_coast in ((ana, True), (hugo, False)):
        assert numbers(person.get(ORDERS)) == [order["number"]]
        page = person.get(path_of(order))
        assert "order of several studios" in text(page)
        assert "administrator decides" in text(page)
        assert ("The coast" in text(page)) is from_coast
        assert offered(person, order) == []
        for deed in DEEDS:
            assert send(person, f"{path_of(order)}/{deed}", {}).status_code == 404
    boss = administrator(site).browser
    assert numbers(boss.get(ORDERS)) == [order["number"]]
    whole = text(boss.get(path_of(order)))
    assert "Of the studios Hotel Miramar, Studio Ana" in whole
    assert "administrator decides" not in whole
    assert done(step(boss, order, "confirm")) == "confirmed"
    assert "by the studio" in text(ana.get(path_of(order)))


# ---- as on every page ----------------------------------------------------------------------------


def test_another_language_is_chosen_and_the_page_stays(ana: Browser, order: Any) -> None:
    for path in (ORDERS, path_of(order)):
        assert f'name="back" value="{path}"' in ana.get(path).text
        assert '<html lang="es"' in ana.get(f"{path}?lang=es").text
    answer = act(ana, f"{path_of(order)}?lang=fr", f"{path_of(order)}/confirm")
    assert done(answer) == "confirmed"
    assert "370,90\u00a0€" in ana.get(f"{path_of(order)}?lang=fr").text


def test_a_session_that_ended_while_a_reason_was_typed_loses_nothing(
    site: Site, browser: Browser, ana: Browser, order: Any
) -> None:
    cancel = hidden(ana.get(path_of(order)), f"{path_of(order)}/cancel")
    site.advance(7200)
    browser.mails(NINA)
    before = site.cloud.rows()
    ended = send(ana, f"{path_of(order)}/cancel", cancel, reason="The picture is lost.")
    assert ended.status_code == 401
    assert "The reason The picture is lost." in text(ended)
    ended = send(ana, f"{path_of(order)}/confirm", cancel)
    assert ended.status_code == 401
    assert hidden(ended, "/sign-in")["back"] == path_of(order)
    assert site.cloud.rows() == before
