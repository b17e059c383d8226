"""What other programs are told of visitors and clients: once, when it is so, by ids alone."""

import json

from local.gateway import Gateway
from local.site import Site
from tests.inviting import WEDDING, accept, invite, invited, photographer, step
from tests.ordering import new_key, place
from tests.people import HOTEL, STUDIO, administrator, plant
from tests.schemas import schemas
from tests.visiting import PASSWORD, PRINT, VOUCHER, Browser, orders

NINA = "nina@example.com"
PROMOTED, ACCEPTED = "guest.promoted", "invitation.accepted"


def facts(browser: Browser) -> list[tuple[str, str]]:
    """Each event's type and user, in the order they were told."""
    return [(event["type"], event["user_id"]) for event in reversed(browser.events())]


def test_a_guest_who_activates_here_is_promoted_once(browser: Browser) -> None:
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up(NINA)
    token = browser.token(NINA)
    lost = browser.twin()
    assert browser.activate(token).status_code == 200
    assert lost.activate(token).status_code == 200  # the answer was lost
    (event,) = browser.events()
    assert event.keys() == {"id", "type", "at", "user_id"}
    assert (event["type"], event["user_id"]) == (PROMOTED, guest)
    assert browser.events(PROMOTED) == [event]
    assert browser.events(ACCEPTED) == []


def test_who_becomes_a_client_otherwise_promotes_no_guest(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    """Elsewhere a fresh user is made, at a sign-in a guest hands over, staff open accounts."""
    browser.sign_up(NINA)
    elsewhere = Browser(gateway, address="192.0.2.9")
    assert elsewhere.elsewhere(browser.token(NINA), take_over=True).status_code == 200
    other = Browser(gateway, address="192.0.2.10")
    other.add(VOUCHER)
    assert other.sign_in(NINA).json["transfer"]["lines"]
    boss = administrator(site).browser
    form = {"email": "otto@example.com", "name": "Otto", "profile_type": "C"}
    boss.post("/v1/staff/users", form)
    opened = Browser(gateway, address="192.0.2.11")
    opened.add(VOUCHER)
    assert opened.activate(opened.token("otto@example.com"), password=PASSWORD).status_code == 200
    assert browser.events() == []


def test_a_guest_who_must_be_approved_is_promoted_when_he_is(site: Site, browser: Browser) -> None:
    boss = administrator(site).browser
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up(NINA, organization_id=HOTEL)
    assert browser.activate(browser.token(NINA)).json["status"] == "pending_approval"
    assert browser.events() == []
    for _ in range(2):
        boss.post(f"/v1/staff/users/{guest}/approve", {}, Idempotency_Key="a-key-of-twenty-char")
    assert facts(browser) == [(PROMOTED, guest)]
    boss.post(f"/v1/staff/users/{guest}/disable", {})
    boss.post(f"/v1/staff/users/{guest}/enable", {})
    assert facts(browser) == [(PROMOTED, guest)]


def test_a_guest_who_is_rejected_and_applies_again_is_promoted_once(
    site: Site, browser: Browser
) -> None:
    boss = administrator(site).browser
    browser.sign_up(NINA, organization_id=HOTEL)
    browser.activate(browser.token(NINA))
    guest = browser.who()
    boss.post(f"/v1/staff/users/{guest}/reject", {"reason": "No."})
    assert browser.events() == []
    browser.sign_up(NINA)
    assert browser.activate(browser.token(NINA)).json["status"] == "approved"
    assert facts(browser) == [(PROMOTED, guest)]


def test_who_waits_elsewhere_and_is_approved_was_no_guest(site: Site, browser: Browser) -> None:
    waiting = plant(site, "waiting", org=HOTEL, status="pending_approval")
    boss = administrator(site).browser
    assert boss.post(f"/v1/staff/users/{waiting.id}/approve", {}).status_code == 200
    assert browser.events() == []


def test_a_guest_who_accepts_an_invitation_is_promoted_and_has_accepted(
    site: Site, browser: Browser
) -> None:
    invited(photographer(site).browser, NINA)
    browser.add(VOUCHER)
    guest, token = browser.who(), browser.token(NINA)
    lost = browser.twin()
    for tab in (browser, lost, browser):  # the answer was lost; and he clicks again
        assert accept(tab, token).status_code == 200
    assert sorted(facts(browser)) == [(PROMOTED, guest), (ACCEPTED, guest)]
    (event,) = browser.events(ACCEPTED)
    assert event.keys() == {"id", "type", "at", "gallery_id", "user_id"}
    assert event["gallery_id"] == WEDDING


def test_who_accepts_with_an_empty_browser_promotes_nobody(site: Site, browser: Browser) -> None:
    invited(photographer(site).browser, NINA)
    assert accept(browser, browser.token(NINA)).status_code == 200
    assert facts(browser) == [(ACCEPTED, browser.who())]


def test_a_client_who_accepts_has_accepted_once_and_once_more_where_he_was_invited_anew(
    site: Site, browser: Browser
) -> None:
    boss, client = photographer(site).browser, plant(site, "client")
    id_ = invited(boss, client.email)
    token = browser.token(client.email)
    client.browser.post("/v1/invitations/decline", {"token": token})
    assert browser.events() == []
    for _ in range(2):
        assert accept(client.browser, token, name=None).status_code == 200
    assert facts(browser) == [(ACCEPTED, client.id)]
    step(boss, id_, "")
    invite(boss, client.email, key="another-key-of-twenty")
    assert accept(client.browser, browser.token(client.email), name=None).status_code == 200
    assert facts(browser) == [(ACCEPTED, client.id)] * 2
    assert len({event["id"] for event in browser.events()}) == 2


def test_two_tabs_that_accept_at_once_tell_it_once_in_every_order(
    site: Site, browser: Browser
) -> None:
    boss, client = photographer(site).browser, plant(site, "client")
    invited(boss, client.email)
    token = browser.token(client.email)
    tabs = [client.browser, client.browser.twin()]
    flows = [lambda tab=tab: accept(tab, token, name=None) for tab in tabs]
    for answers in orders(site, flows, most=60):
        assert [answer.status_code for answer in answers] == [200, 200]
        assert facts(browser) == [(ACCEPTED, client.id)]


def test_an_order_is_told_of_at_each_step_and_once(site: Site, browser: Browser) -> None:
    """What a lab needs: what of which picture, how often, for whom, and no contact."""
    ana = plant(site, "ana_two", role=("photographer", STUDIO), org=STUDIO).browser
    browser.add({**PRINT, "quantity": 2})
    browser.add(VOUCHER)
    key = new_key()
    order = place(browser, NINA, key=key).json
    assert place(browser, NINA, key=key).json == order  # the answer was lost
    (placed,) = browser.events()
    prices = {line["product_id"]: line["unit_price"] for line in order["lines"]}
    assert placed.pop("id")
    lines = sorted(placed.pop("lines"), key=lambda line: str(line["product_id"]))
    picture = {name: PRINT[name] for name in ("product_id", "gallery_id", "picture_id")}
    none = {"product_id": "voucher", "gallery_id": None, "picture_id": None}
    assert lines == [
        {**picture, "quantity": 2, "unit_price": prices[PRINT["product_id"]]},
        {**none, "quantity": 1, "unit_price": prices["voucher"]},
    ]
    assert placed == {
        "type": "order.placed",
        "at": order["placed_at"],
        "order_id": order["id"],
        "number": order["number"],
        "user_id": browser.who(),
        "organization_ids": [STUDIO],
        "status": "placed",
        "shipping": order["shipping"],
        "total": order["total"],
        "country": "FR",
    }
    for step_, status in (("confirm", "confirmed"), ("fulfil", "fulfilled")):
        for _ in range(2):
            assert ana.post(f"/v1/staff/orders/{order['id']}/{step_}", {}).status_code == 200
        (event,) = browser.events(f"order.{status}")
        assert event["status"] == status
        assert event["order_id"] == order["id"]
    assert ana.post(f"/v1/staff/orders/{order['id']}/cancel", {}).status_code == 409
    assert len(browser.events()) == 3


def test_a_cancelled_order_is_told_of_and_the_reason_is_not(site: Site, browser: Browser) -> None:
    ana = plant(site, "ana_two", role=("photographer", STUDIO), org=STUDIO).browser
    browser.add(VOUCHER)
    order = place(browser, NINA).json
    ana.post(f"/v1/staff/orders/{order['id']}/cancel", {"reason": "Nina moved house."})
    (event,) = browser.events("order.cancelled")
    assert event["number"] == order["number"]
    assert "moved" not in json.dumps(site.cloud.published)


def test_events_of_one_order_that_leave_together_say_each_its_own_status(
    site: Site, browser: Browser
) -> None:
    """What is told of an order is read when it leaves, and by then it may have gone on."""
    ana = plant(site, "ana_two", role=("photographer", STUDIO), org=STUDIO).browser
    browser.add(VOUCHER)
    order = place(browser, NINA).json
    ana.post(f"/v1/staff/orders/{order['id']}/confirm", {})
    statuses = [event["detail"]["status"] for event in site.cloud.published]
    assert statuses == []  # nothing has left yet
    assert [event["status"] for event in browser.events()] == ["confirmed", "placed"]


def test_an_account_that_is_closed_is_told_of_once(site: Site, browser: Browser) -> None:
    client = plant(site, "client")
    client.browser.post("/v1/account/proof", {"password": PASSWORD})
    for _ in range(2):  # the answer was lost
        assert client.browser.twin().send("DELETE", "/v1/account").status_code == 204
    assert facts(browser) == [("account.closed", client.id)]


def test_what_is_refused_is_not_told(site: Site, browser: Browser) -> None:
    invited(photographer(site).browser, NINA)
    token = browser.token(NINA)
    browser.add(VOUCHER)
    assert accept(browser, token, name=None).status_code == 422
    assert accept(browser, token, password="short").status_code == 422
    assert accept(browser, token[:-22] + "A" * 22).status_code == 404
    assert browser.events() == []


def test_no_event_holds_a_personal_datum(site: Site, browser: Browser) -> None:
    boss = administrator(site).browser
    ana = plant(site, "ana_two", role=("photographer", STUDIO), org=STUDIO).browser
    told = {
        "name": "Nadezhda Vorobyova",
        "phone": "+34 600 123 456",
        "company": "Vorobyova Hotels",
        "profile_type": "B",
    }
    browser.add(PRINT)
    browser.sign_up("nadezhda@example.com", organization_id=HOTEL, **told)
    browser.activate(browser.token("nadezhda@example.com"))
    boss.post(f"/v1/staff/users/{browser.who()}/approve", {})
    invited(ana, NINA)
    guest = Browser(browser.gateway, address="192.0.2.9")
    guest.add(VOUCHER)
    assert accept(guest, guest.token(NINA), name=told["name"]).status_code == 200
    for step_ in ("confirm", "fulfil", "cancel"):
        guest.add(PRINT)
        order = place(guest, NINA, note="Ring twice at Vorobyova’s").json
        ana.post(f"/v1/staff/orders/{order['id']}/confirm", {})
        ana.post(f"/v1/staff/orders/{order['id']}/{step_}", {})
    client = plant(site, "client").browser
    client.post("/v1/account/proof", {"password": PASSWORD})
    assert client.send("DELETE", "/v1/account").status_code == 204
    kinds = {kind for kind, _ in facts(browser)}
    assert kinds == schemas().keys()
    published = json.dumps(site.cloud.published).casefold()
    for datum in (
        "nadezhda",
        "vorobyova",
        "+34",
        "123 456",
        "hotels",
        "marchetti",
        "sea road",
        "29900",
        "concarneau",
        "ring twice",
        "@",
        "192.0.2",
    ):
        assert datum not in published, datum


def test_what_was_published_is_shown_newest_first_as_a_target_gets_it(
    site: Site, browser: Browser
) -> None:
    browser.register(NINA)
    invited(photographer(site).browser, NINA)
    site.advance(60)
    accept(browser, browser.token(NINA), name=None)
    newest, older = browser.get("/_dev/events.json").json
    assert (newest["detail-type"], older["detail-type"]) == (ACCEPTED, PROMOTED)
    assert newest["source"] == "foyer"
    assert newest["time"] > older["time"]
    assert newest["detail"]["gallery_id"] == WEDDING
    assert "/_dev/events.json" in browser.get("/_dev/mail").text
