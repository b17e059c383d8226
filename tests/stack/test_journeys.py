"""The journeys of visitors, through the deployed template: real HTTP, real functions, streams and
schedules, and the policies of the template enforced."""

from collections.abc import Callable
from typing import Any

import pytest

from local import administrator, feedback
from local.seed import PASSWORD as DEMO_PASSWORD
from local.stack import NAME
from tests.inviting import accept, invite, is_in, line
from tests.ordering import new_key, place
from tests.stack.conftest import Overdue
from tests.stack.wire import NO_MAILBOX, SCHEDULE, Cloud, Wire, eventually
from tests.visiting import OTHER_PASSWORD, PASSWORD, VOUCHER, Browser, said

pytestmark = pytest.mark.stack

Visitor = Callable[[], Browser]
Address = Callable[[str], str]


@pytest.fixture
def thing(browser: Browser) -> dict[str, Any]:
    """The first that is sold here, and needs no picture."""
    items = browser.get("/v1/products").json["items"]
    assert items, "nothing is sold here, and a visitor needs something to put in the cart"
    return {"product_id": items[0]["id"], "quantity": 1}


# ---- whatever site it is ------------------------------------------------------------------------


def test_who_only_looks_leaves_nothing_behind(browser: Browser) -> None:
    for path in ("/", "/galleries", "/cart", "/v1/session", "/v1/store", "/v1/products"):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert not answer.headers.getlist("Set-Cookie")
    assert browser.session()["user"]["id"] == "-1002"
    assert browser.send("HEAD", "/v1/store").status_code == 200


def test_what_no_route_matches_is_told_so(browser: Browser) -> None:
    assert said(browser.get("/v1/nothing-here")) == (404, "not_found")
    wrong = browser.send("PUT", "/v1/store", json={})
    assert wrong.status_code == 405
    assert "GET" in wrong.headers["Allow"]


def test_the_first_thing_in_the_cart_makes_the_guest(
    browser: Browser, thing: dict[str, Any]
) -> None:
    assert browser.add(thing).status_code == 201
    assert browser.session()["authentication"] == "guest"
    guest = browser.who()
    assert browser.add(thing).status_code == 201
    assert browser.quantities() == {thing["product_id"]: 2}
    assert browser.who() == guest
    assert all(name.startswith("__Host-") for name in browser.cookies)


def test_another_site_changes_nothing(browser: Browser, thing: dict[str, Any]) -> None:
    assert said(browser.add(thing, Sec_Fetch_Site="cross-site")) == (403, "foreign_origin")
    assert not browser.cookies


# ---- with the mailbox, the bus and the table ----------------------------------------------------


@pytest.mark.usefixtures("mailbox")
def test_a_guest_signs_up_and_the_mailed_link_makes_him_a_client(
    browser: Browser, address: Address
) -> None:
    browser.add(VOUCHER)
    guest, nora = browser.who(), address("nora")
    assert browser.sign_up(nora).status_code == 202
    answer = browser.activate(browser.token(nora), password=PASSWORD)
    assert answer.json["status"] == "approved"
    assert browser.who() == guest
    assert browser.session()["authentication"] == "signed_in"
    assert browser.quantities() == {"voucher": 1}
    assert [event["user_id"] for event in browser.events("guest.promoted")].count(guest) == 1


@pytest.mark.usefixtures("mailbox")
def test_who_signs_in_elsewhere_takes_along_what_he_put_in_the_cart(
    visitor: Visitor, browser: Browser, address: Address
) -> None:
    otto = address("otto")
    home = browser.register(otto)
    home.add(VOUCHER)
    away = visitor()
    away.add({"product_id": "calendar", "quantity": 2})
    answer = away.sign_in(otto)
    assert answer.status_code == 200, answer.json
    assert answer.json["transfer"]["lines"]
    assert away.who() == home.who()
    assert away.quantities() == home.quantities() == {"voucher": 1, "calendar": 2}
    assert away.send("DELETE", "/v1/session").status_code == 204
    assert away.session()["authentication"] == "generic"


@pytest.mark.usefixtures("mailbox")
def test_a_forgotten_password_is_chosen_anew(
    visitor: Visitor, browser: Browser, address: Address
) -> None:
    paul = address("paul")
    browser.register(paul)
    other = visitor()
    assert other.post("/v1/password-resets", {"email": paul}).status_code == 202
    assert other.reset(other.token(paul)).status_code == 200
    assert other.who() == other.who() != "-1002"
    assert browser.session()["authentication"] == "generic"
    assert visitor().sign_in(paul, OTHER_PASSWORD).status_code == 200


@pytest.fixture(scope="module")
def ana(wire: Wire) -> Browser:
    """The demo studio's photographer, signed in as staff are: with a password and a mailed code."""
    browser = Browser(wire)  # type: ignore[arg-type]
    if not wire.mails_can_be_read():
        pytest.skip(NO_MAILBOX)
    email = "ana@studio.example.com"
    assert said(browser.sign_in(email, DEMO_PASSWORD)) == (401, "code_required")
    answer = browser.sign_in(email, DEMO_PASSWORD, code=browser.code(email))
    assert answer.status_code == 200, answer.json
    return browser


def test_who_is_invited_is_in_by_one_link(
    ana: Browser, browser: Browser, wire: Wire, address: Address
) -> None:
    """And the board says what SES told of the mail."""
    rosa = address("rosa")
    (result,) = invite(ana, rosa, key=new_key()).json["results"]
    assert result["result"] == "invited"
    assert not is_in(browser)
    token = browser.token(rosa)
    tell(wire)
    eventually(lambda: line(ana, rosa)["delivery"] == "delivered", "the board")
    assert accept(browser, token).status_code == 200
    assert is_in(browser)
    assert line(ana, rosa)["state"] == "accepted"
    assert browser.events("invitation.accepted")


def test_a_mail_that_comes_back_shows_on_the_board(
    ana: Browser, wire: Wire, address: Address
) -> None:
    lost = address("bounce+")
    invite(ana, lost, key=new_key())
    ana.mails(lost)
    tell(wire)
    eventually(lambda: line(ana, lost)["delivery"] == "bounced", "the board")


def tell(wire: Wire) -> None:
    """As SES would of all mails about invitations; bounce…@… comes back. `make run` tells by
    itself."""
    if wire.cloud is None:
        return
    for row in wire.cloud.rows():
        if row.get("delivery", {}).get("S") == "sent":
            wire.cloud.ses_says(feedback.told(row))


def test_a_guest_orders_and_the_studio_confirms(
    ana: Browser, browser: Browser, address: Address
) -> None:
    sara = address("sara")
    browser.add(VOUCHER)
    order = place(browser, sara)
    assert order.status_code == 201, order.json
    id_ = order.json["id"]
    assert browser.quantities() == {}
    assert sara not in browser.get(f"/v1/orders/{id_}").text
    assert order.json["number"] in browser.mails(sara)[0]["text"]
    assert ana.post(f"/v1/staff/orders/{id_}/confirm", {}).json["status"] == "confirmed"
    told = {event["type"] for event in browser.events() if event.get("order_id") == id_}
    assert told == {"order.placed", "order.confirmed"}


# ---- of the stack alone: the operator, and time --------------------------------------------------


def test_from_nothing_to_the_first_administrator_signed_in(
    cloud: Cloud,
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`make administrator EMAIL= STACK=`, by whoever deployed; then a mail, a link, a password."""
    owner, home, away = "owner@example.com", visitor(), visitor()
    monkeypatch.setenv("EMAIL", owner)
    monkeypatch.setenv("STACK", NAME)
    assert administrator.main() == 0
    assert "A link is on its way" in capsys.readouterr().out
    answer = home.activate(home.token(owner), password=PASSWORD)
    assert answer.json["status"] == "approved", answer.json
    assert said(away.sign_in(owner)) == (401, "code_required")
    assert away.sign_in(owner, code=away.code(owner)).status_code == 200
    assert away.get("/v1/staff/guests/abandoned").status_code == 200
    assert administrator.main() == 0
    assert "Nothing was changed" in capsys.readouterr().out


def test_a_guest_nobody_came_back_to_is_taken_by_the_schedule(
    cloud: Cloud, overdue: Overdue
) -> None:
    eventually(lambda: not cloud.row(f"USER#{overdue.guest}", "USER"), "the schedule", SCHEDULE)
    assert not [row for row in cloud.rows() if row["pk"]["S"] == f"USER#{overdue.guest}"]


def test_a_guest_whose_order_is_under_way_stays(cloud: Cloud, overdue: Overdue) -> None:
    row = f"USER#{overdue.waiting}"
    eventually(lambda: not cloud.is_overdue(row, "USER"), "the schedule", SCHEDULE)
    assert cloud.row(row, "USER")


def test_what_closing_left_for_later_the_schedule_erases(cloud: Cloud, overdue: Overdue) -> None:
    cart = f"USER#{overdue.closed}"
    eventually(lambda: not cloud.row(cart, "CART"), "the schedule", SCHEDULE)
    assert not cloud.row("EMAIL#tina@example.com", "EMAIL")
