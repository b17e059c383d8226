"""The guest's cart at sign-in: what moves, what merges, and the same answer however often."""

from dataclasses import replace

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.carts import fill
from tests.journeys.test_account_pages import text
from tests.journeys.test_registration import refused, require_approval
from tests.seam import Fault, Killed, killed_after
from tests.visiting import CALENDAR, PASSWORD, PRINT, VOUCHER, Browser

NINA = "nina@example.com"
DAY = 86_400


@pytest.fixture
def nina(browser: Browser) -> Browser:
    return browser.register(NINA)


@pytest.fixture
def guest(gateway: Gateway, nina: Browser) -> Browser:
    return Browser(gateway, address="198.51.100.7")


def test_0_7_a_guests_cart_comes_along_at_sign_in_and_the_larger_quantity_stays(
    nina: Browser, guest: Browser
) -> None:
    nina.add({**VOUCHER, "quantity": 2})
    nina.add(CALENDAR)
    guest.add({**VOUCHER, "quantity": 5})
    guest.add(PRINT)
    answer = guest.sign_in(NINA)
    assert guest.quantities() == {"voucher": 5, "calendar": 1, "print-30x45": 1}
    assert answer.json["cart"]["line_count"] == 3
    assert answer.json["transfer"] == {
        "mode": "max",
        "lines": [
            {
                "product_id": "voucher",
                "gallery_id": None,
                "picture_id": None,
                "quantity": 5,
                "before": 2,
                "after": 5,
            },
            {
                "product_id": "print-30x45",
                "gallery_id": "coast",
                "picture_id": "low-tide",
                "quantity": 1,
                "before": 0,
                "after": 1,
            },
        ],
        "selection": None,
    }
    names = [line["product_id"] for line in guest.cart()["lines"]]
    assert names == ["voucher", "calendar", "print-30x45"]  # the account's own order, then his


def decide(site: Site, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """The shop's policy on what is in both carts."""
    hand_over = site.module("foyer.operations.hand_over")
    carts = replace(hand_over.POLICY.carts, mode=mode)
    monkeypatch.setattr(hand_over, "POLICY", replace(hand_over.POLICY, carts=carts))


@pytest.mark.parametrize(("mode", "vouchers"), [("max", 70), ("sum", 99), ("keep", 60)])
def test_0_7_the_shop_decides_what_becomes_of_a_thing_in_both_and_five_times_is_once(
    site: Site,
    nina: Browser,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    vouchers: int,
) -> None:
    decide(site, monkeypatch, mode)
    nina.add({**VOUCHER, "quantity": 60})
    guest.add({**VOUCHER, "quantity": 70})
    guest.add(PRINT)
    tabs = [guest.twin() for _ in range(5)]
    receipts = [tab.sign_in(NINA).json["transfer"] for tab in tabs]
    assert nina.quantities() == {"voucher": vouchers, "print-30x45": 1}
    assert receipts == [receipts[0]] * 5
    assert receipts[0]["mode"] == mode
    first = receipts[0]["lines"][0]
    assert (first["quantity"], first["before"], first["after"]) == (70, 60, vouchers)
    monkeypatch.undo()  # what was told stays so, whatever the shop decides later
    assert guest.sign_in(NINA).json["transfer"] == receipts[0]


@pytest.mark.parametrize(
    ("mode", "guests", "own", "words"),
    [
        ("sum", 2, 2, "1 item was brought along into your account's cart. Of 1 thing you had in"),
        ("sum", 5, 99, "For 1 thing there was no room"),
        ("keep", 5, 2, "Of 1 thing you had in both, we kept the quantity of your account"),
        ("max", 2, 5, "Of 1 thing you had in both, we kept the larger quantity"),
    ],
)
def test_n2_the_page_counts_as_brought_what_came(
    site: Site,
    nina: Browser,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    guests: int,
    own: int,
    words: str,
) -> None:
    decide(site, monkeypatch, mode)
    nina.add({**VOUCHER, "quantity": own})
    guest.add({**VOUCHER, "quantity": guests})
    answer = guest.submit("/sign-in", email=NINA, password=PASSWORD)
    page = text(guest.get(answer.headers["Location"]))
    assert words in page
    assert ("brought along" in page) == (guest.quantities()["voucher"] > own)


@pytest.mark.parametrize(("mode", "vouchers"), [("max", 70), ("sum", 99), ("keep", 70)])
def test_0_7_what_two_guests_of_one_person_bring_is_one_line_and_one_of_the_receipt(
    site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, mode: str, vouchers: int
) -> None:
    """The guest who signed up, and the one of the browser the link was opened in."""
    decide(site, monkeypatch, mode)
    one, two = (Browser(gateway, address=f"192.0.2.{n}") for n in (31, 32))
    one.add({**VOUCHER, "quantity": 70})
    one.sign_up("otto@example.com")
    two.add({**VOUCHER, "quantity": 60})
    done = two.elsewhere(one.token("otto@example.com"), take_over=True).json
    assert two.quantities() == {"voucher": vouchers}
    (line,) = done["transfer"]["lines"]
    brought = 130 if mode == "sum" else 70
    assert (line["quantity"], line["before"], line["after"]) == (brought, 0, vouchers)


@pytest.mark.parametrize(("mode", "vouchers"), [("max", 3), ("sum", 5), ("keep", 2)])
def test_n2_killed_after_the_hand_over_and_asked_again_it_is_done_once_and_told(
    site: Site,
    nina: Browser,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    vouchers: int,
) -> None:
    decide(site, monkeypatch, mode)
    nina.add({**VOUCHER, "quantity": 2})
    guest.add({**VOUCHER, "quantity": 3})
    site.cloud.intercept = Fault(killed_after, 0, operation="TransactWriteItems")
    with pytest.raises(Killed):
        guest.sign_in(NINA)
    site.cloud.intercept = None
    assert nina.quantities() == {"voucher": vouchers}  # it was done
    answer = guest.sign_in(NINA)
    assert answer.json["transfer"]["lines"][0]["after"] == vouchers
    assert guest.quantities() == {"voucher": vouchers}


@pytest.mark.parametrize(
    ("mode", "told"), [("max", "larger"), ("sum", "added"), ("keep", "of your account.")]
)
def test_n2_the_page_says_in_a_sentence_what_came_along(
    site: Site,
    nina: Browser,
    guest: Browser,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    told: str,
) -> None:
    decide(site, monkeypatch, mode)
    nina.add({**VOUCHER, "quantity": 60})
    guest.add({**VOUCHER, "quantity": 70})
    guest.add(PRINT)
    path = "/v1/selections/my-unnamed-selection--/pictures/coast/low-tide"
    assert guest.send("PUT", path, json={}).status_code == 204
    answer = guest.submit("/sign-in", email=NINA, password=PASSWORD)
    page = text(guest.get(answer.headers["Location"]))
    came = 1 if mode == "keep" else 2  # of the voucher nothing came where the account's is kept
    assert ("1 item was" if came == 1 else "2 items were") + " brought along" in page
    assert told in page.partition("Of 1 thing you had in both")[2]
    assert ("For 1 thing there was no room" in page) == (mode == "sum")
    assert "1 picture you had chosen came along" in page


def test_signing_out_leaves_nobodys_cart_behind_on_a_shared_computer(
    site: Site, nina: Browser, guest: Browser
) -> None:
    """Neither the account's, nor that of the guest he did not want to take along (R25, A10)."""
    guest.add(VOUCHER)
    site.advance(2 * DAY)
    before = guest.twin()
    assert guest.sign_in(NINA, take_over=False).status_code == 200
    guest.add(CALENDAR)
    assert guest.send("DELETE", "/v1/session").status_code == 204
    assert guest.cookies["__Host-foyer"] == ""
    assert guest.cart()["lines"] == []
    guest.add(PRINT)
    assert guest.quantities() == {"print-30x45": 1}
    assert before.quantities() == {"voucher": 1}  # whoever it is that has this cookie
    nina.sign_in(NINA)
    assert nina.quantities() == {"calendar": 1}


def test_a_guest_handed_over_is_dead(site: Site, nina: Browser, guest: Browser) -> None:
    guest.add(VOUCHER)
    old = guest.twin()
    guest.sign_in(NINA)
    assert old.session()["authentication"] == "generic"
    assert refused(old.add(VOUCHER)) == (409, "session_changed")
    assert refused(old.sign_up("x@example.com")) == (409, "session_changed")
    site.advance(120)
    assert old.add(CALENDAR).status_code == 201
    assert guest.quantities() == {"voucher": 1}


def test_0_18_a_lost_answer_to_a_sign_in_is_repeated_with_its_receipt(
    nina: Browser, guest: Browser
) -> None:
    guest.add(VOUCHER)
    lost, guests_cookie = guest.twin(), guest.cookies["__Host-foyer"]
    first = guest.sign_in(NINA)
    again = lost.sign_in(NINA)
    assert again.json["transfer"] == first.json["transfer"]
    assert lost.quantities() == {"voucher": 1}
    stranger = Browser(guest.gateway, address="203.0.113.3").register("eve@example.com")
    stranger.cookies["__Host-foyer"] = guests_cookie
    assert stranger.sign_in("eve@example.com").json["transfer"] is None


def test_0_7_an_older_guest_is_asked_about_after_the_right_password_and_nothing_changes(
    site: Site, nina: Browser, guest: Browser
) -> None:
    guest.add(VOUCHER)
    guest.add(PRINT)
    begun = guest.cart()
    site.advance(DAY)
    assert refused(guest.sign_in(NINA, "not the right passphrase")) == (401, "wrong_credentials")
    for _ in range(7):  # being asked is no failure
        answer = guest.sign_in(NINA)
        assert refused(answer) == (409, "take_over_required")
    assert answer.json["cart"]["line_count"] == 2
    assert answer.json["cart"]["begun"].endswith("Z")
    assert "Set-Cookie" not in answer.headers
    assert guest.cart() == begun
    assert guest.sign_in(NINA, take_over=True).json["transfer"]["lines"]
    assert guest.quantities() == {"voucher": 1, "print-30x45": 1}


def test_0_7_take_over_false_leaves_the_guest_alive_without_his_browser(
    site: Site, nina: Browser, guest: Browser
) -> None:
    guest.add(VOUCHER)
    site.advance(DAY)
    old = guest.twin()
    assert guest.sign_in(NINA, take_over=False).json["transfer"] is None
    assert guest.quantities() == {}
    assert old.quantities() == {"voucher": 1}


def test_0_7_the_code_is_not_spent_by_being_asked(
    site: Site, nina: Browser, guest: Browser
) -> None:
    guest.add(VOUCHER)
    site.advance(DAY)
    guest.ask_code(NINA)
    code = guest.code(NINA)
    assert refused(guest.sign_in_by_code(NINA, code)) == (409, "take_over_required")
    assert guest.sign_in_by_code(NINA, code, take_over=True).status_code == 200


def test_an_older_guest_with_an_empty_cart_is_not_asked_about(
    site: Site, nina: Browser, guest: Browser
) -> None:
    guest.sign_up("somebody@example.com")
    site.advance(DAY)
    answer = guest.sign_in(NINA)
    assert (answer.status_code, answer.json["transfer"]) == (200, None)


def test_every_road_to_a_session_brings_the_cart_along(
    site: Site, nina: Browser, guest: Browser
) -> None:
    """Sign-in by code, and a reset; activation elsewhere has its own tests."""
    guest.add(VOUCHER)
    guest.ask_code(NINA)
    assert guest.sign_in_by_code(NINA, guest.code(NINA)).json["transfer"]["lines"]
    third = Browser(guest.gateway, address="203.0.113.5")
    third.add(CALENDAR)
    third.post("/v1/password-resets", {"email": NINA})
    assert third.reset(third.token(NINA)).json["transfer"]["lines"]
    assert third.quantities() == {"voucher": 1, "calendar": 1}


def test_two_full_carts_lose_nothing_and_cost_as_many_calls_as_two_small_ones(
    site: Site, nina: Browser, guest: Browser
) -> None:
    costs = []
    for lines in (1, 100):
        visitor = guest.twin()
        fill(site, visitor, lines, prefix="mine")
        fill(site, nina, lines, prefix="hers")
        items: list[int] = []

        def count(operation, body, send, items=items):  # type: ignore[no-untyped-def]
            if operation == "TransactWriteItems":
                items.append(len(body["TransactItems"]))
            return send()

        site.cloud.intercept = count
        answer = visitor.sign_in(NINA)
        site.cloud.intercept = None
        assert answer.status_code == 200
        assert len(answer.json["transfer"]["lines"]) == lines
        assert answer.json["cart"]["line_count"] == 2 * lines
        costs.append((visitor.cost()["calls"], items))
        nina.sign_in(NINA)
    assert costs[0] == costs[1]
    assert costs[0][0] <= 6


def test_what_finds_no_room_is_named_and_not_dropped_in_silence(
    site: Site, nina: Browser, guest: Browser
) -> None:
    fill(site, nina, 100, prefix="a")
    first, second = guest.twin(), guest.twin()
    fill(site, first, 100, prefix="b")
    first.sign_in(NINA)
    second.add(VOUCHER)
    (line,) = second.sign_in(NINA).json["transfer"]["lines"]
    assert (line["product_id"], line["quantity"], line["after"]) == ("voucher", 1, 0)
    assert refused(second.add(CALENDAR)) == (409, "cart_full")
    assert second.session()["cart"]["line_count"] == 200


def test_0_7_a_guest_who_waits_for_approval_lives_on_with_an_empty_cart(
    site: Site, nina: Browser, guest: Browser
) -> None:
    guest.add(VOUCHER)
    guest.sign_up("otto@example.com")
    require_approval(site)
    assert guest.activate(guest.token("otto@example.com")).json["status"] == "pending_approval"
    waiting = guest.twin()
    assert guest.sign_in(NINA).json["transfer"]["lines"]
    assert guest.quantities() == {"voucher": 1}
    assert waiting.session()["authentication"] == "guest"
    assert waiting.quantities() == {}
    assert waiting.add(CALENDAR).status_code == 201


def test_0_18_an_idempotency_key_is_followed_from_the_guest_into_the_account(
    nina: Browser, guest: Browser
) -> None:
    key = "a-key-of-twenty-char"
    guest.add(VOUCHER)
    assert guest.add(VOUCHER, Idempotency_Key=key).status_code == 201
    guest.sign_in(NINA)
    assert guest.add(VOUCHER, Idempotency_Key=key).status_code == 201
    assert guest.quantities() == {"voucher": 2}
    assert refused(guest.add(CALENDAR, Idempotency_Key=key)) == (422, "idempotency_key_reused")
    assert guest.add(VOUCHER, Idempotency_Key=key + "-2").status_code == 201
    assert guest.quantities() == {"voucher": 3}
