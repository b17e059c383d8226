"""Becoming somebody, when things race or go wrong: every order of two flows' calls, and a fault at
each call (trust.md T2, G1, G3). One wins, the other is told what to do, and no line is lost or
doubled.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from local.cloud import Send
from local.gateway import Gateway
from local.site import Site
from tests.conftest import SCHEDULES
from tests.journeys.test_hand_over import decide
from tests.ordering import new_key, place
from tests.people import is_consistent
from tests.seam import (
    TRANSIENT,
    Fault,
    Killed,
    calls_of,
    killed_after,
    killed_before,
    lost_answer,
)
from tests.visiting import (
    CALENDAR,
    DONE,
    OTHER_PASSWORD,
    PASSWORD,
    VOUCHER,
    Answer,
    Browser,
    orders,
    said,
)

_number = count(1)


class Cast:
    """The people of one schedule: an address, the browser that signed up with it, another."""

    def __init__(self, gateway: Gateway) -> None:
        number = next(_number)
        self.email = f"n{number}@example.com"
        self.here = Browser(gateway, address=f"10.{number // 250}.{number % 250}.1")
        self.there = Browser(gateway, address=f"10.{number // 250}.{number % 250}.2")
        self.token = ""

    def signed_up(self) -> "Cast":
        self.here.add(VOUCHER)
        self.here.sign_up(self.email)
        self.token = self.here.token(self.email)
        return self

    def registered(self) -> "Cast":
        self.here.register(self.email)
        return self

    def owners(self) -> list[str]:
        """Ids of the users this address was ever given to, and is now."""
        row = self.here.gateway.site.cloud.row(f"EMAIL#{self.email}", "EMAIL")
        return [] if row is None else [row["user"]["S"]]

    def mails(self, subject: str) -> int:
        return sum(subject in mail["subject"] for mail in self.here.mails(self.email))


@pytest.fixture(autouse=True)
def warm(gateway: Gateway) -> None:
    """Keys are fetched before anything is counted."""
    Cast(gateway).registered()


def schedules(
    site: Site,
    gateway: Gateway,
    flows: Callable[[Cast], list[Callable[[], Any]]],
    most: int = SCHEDULES,
) -> Iterator[tuple[Cast, list[Any]]]:
    """Every order of the flows' calls: the scene is set once, and is as it was before each."""
    cast = Cast(gateway)
    made = flows(cast)
    for results in orders(site, made, most):
        yield cast, results


ALREADY = (409, "already_active")


def test_redeem_x_redeem_in_two_browsers_one_wins_and_the_other_is_told_to_sign_in(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.signed_up()
        return [
            lambda: cast.here.activate(cast.token, password=PASSWORD),
            lambda: cast.there.elsewhere(cast.token, password=OTHER_PASSWORD, take_over=True),
        ]

    seen = set()
    for cast, (here, there) in schedules(site, gateway, flows):
        assert sorted([said(here), said(there)]) == [DONE, ALREADY]
        winner = cast.here if said(here) == DONE else cast.there
        assert cast.owners() == [winner.who()]
        assert winner.quantities() == {"voucher": 1}
        loser = cast.there if winner is cast.here else cast.here
        assert loser.session()["authentication"] == "generic" or loser is cast.here
        assert cast.mails("is active") == 1
        seen.add(winner is cast.here)
    assert seen == {True, False}


def test_redeem_x_redeem_in_one_browser_is_one_account_and_two_good_answers(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.signed_up()
        tab = cast.here.twin()
        return [lambda: cast.here.activate(cast.token), lambda: tab.activate(cast.token)]

    for cast, (one, other) in schedules(site, gateway, flows):
        assert [said(one), said(other)] == [DONE, DONE]
        assert one.json["session"]["user"] == other.json["session"]["user"]
        assert cast.owners() == [cast.here.who()]
        assert cast.here.quantities() == {"voucher": 1}
        assert cast.mails("is active") == 1


def test_two_claims_on_one_address_redeemed_at_once_make_one_account(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.signed_up()
        cast.there.sign_up(cast.email)
        other = cast.there.token(cast.email)
        return [lambda: cast.here.activate(cast.token), lambda: cast.there.activate(other)]

    for cast, (one, other) in schedules(site, gateway, flows):
        assert sorted([said(one), said(other)]) == [DONE, ALREADY]
        winner, loser = (cast.here, cast.there) if said(one) == DONE else (cast.there, cast.here)
        assert cast.owners() == [winner.who()]
        assert loser.session()["authentication"] == "guest"  # nothing he had is lost


def test_redeem_x_resend_the_old_link_or_the_new_one_wins_never_both(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.signed_up()
        tab = cast.here.twin()
        return [
            lambda: cast.here.activate(cast.token),
            lambda: tab.post("/v1/registrations/resend", {"email": cast.email}),
        ]

    seen = set()
    for cast, (redeemed, resent) in schedules(site, gateway, flows):
        assert said(resent) in {(202, "check_your_mail"), (409, "session_changed")}
        assert said(redeemed) in {DONE, (410, "link_replaced")}
        if said(redeemed) != DONE:
            newest = cast.here.token(cast.email)
            assert said(cast.here.activate(newest)) == DONE
        assert cast.owners() == [cast.here.who()]
        assert cast.here.quantities() == {"voucher": 1}
        seen.add(said(redeemed)[0])
    assert seen == {200, 410}


def test_sign_in_x_reset_no_session_of_the_old_password_survives(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.registered()
        cast.there.post("/v1/password-resets", {"email": cast.email})
        token = cast.there.token(cast.email)
        intruder = Browser(gateway, address=cast.there.address)
        cast.intruder = intruder  # type: ignore[attr-defined]
        return [
            lambda: intruder.sign_in(cast.email, PASSWORD),
            lambda: cast.there.reset(token),
        ]

    seen = set()
    for cast, (signed_in, reset) in schedules(site, gateway, flows):
        assert said(reset) == DONE
        assert said(signed_in) in {DONE, (401, "wrong_credentials")}
        intruder = cast.intruder  # type: ignore[attr-defined]
        assert intruder.session()["authentication"] == "generic"
        assert cast.there.session()["authentication"] == "signed_in"
        assert said(intruder.sign_in(cast.email, PASSWORD)) == (401, "wrong_credentials")
        seen.add(said(signed_in)[0])
    assert seen == {200, 401}


@pytest.mark.parametrize("before", [9, 10])
def test_r24_sign_in_x_sign_in_there_are_never_more_sessions_than_one_may_have(
    site: Site, gateway: Gateway, before: int
) -> None:
    """One place is left, or none: each of two that come at once needs one of its own."""

    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.registered()
        for number in range(before - 1):
            site.advance(1)
            Browser(gateway, address=f"203.0.113.{number}").sign_in(cast.email)
        two = [Browser(gateway, address=f"203.0.113.{n}") for n in (100, 101)]
        return [lambda b=b: b.sign_in(cast.email) for b in two]  # type: ignore[misc]

    for cast, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers] == [DONE, DONE]
        (owner,) = cast.owners()
        row = site.cloud.row(f"USER#{owner}", "USER")
        assert row is not None
        assert len(row["sessions"]["M"]) == 10


def test_ending_a_session_x_what_that_session_does_it_does_not_come_back(
    site: Site, gateway: Gateway
) -> None:
    for deed in ("ends all others", "changes the password", "proves"):

        def flows(cast: Cast, deed: str = deed) -> list[Callable[[], Any]]:
            cast.registered()
            cast.there.sign_in(cast.email)
            items = cast.here.get("/v1/account/sessions").json["items"]
            (theirs,) = [item["id"] for item in items if not item["current"]]
            deeds: dict[str, Callable[[], Any]] = {
                "ends all others": lambda: cast.there.send("DELETE", "/v1/account/sessions"),
                "changes the password": lambda: cast.there.choose_password(OTHER_PASSWORD),
                "proves": lambda: cast.there.post("/v1/account/proof", {"password": PASSWORD}),
            }
            path = f"/v1/account/sessions/{theirs}"
            return [lambda: cast.here.send("DELETE", path), deeds[deed]]

        for cast, (ended, _) in schedules(site, gateway, flows):
            if ended.status_code == 204:
                assert cast.there.session()["authentication"] == "generic"
            else:  # the other was first and ended this one
                assert said(ended) in {(401, "sign_in_required"), (409, "session_changed")}


def test_add_x_activate_here_every_acknowledged_line_is_in_the_clients_cart(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.signed_up()
        tab = cast.here.twin()
        return [lambda: cast.here.activate(cast.token), lambda: tab.add(CALENDAR)]

    for cast, (activated, added) in schedules(site, gateway, flows):
        assert said(activated) == DONE
        expected = {"voucher": 1}
        if added.status_code == 201:
            expected["calendar"] = 1
        else:
            assert said(added) == (409, "session_changed")
        assert cast.here.quantities() == expected


@pytest.mark.parametrize("empty", [True, False])
def test_add_x_activate_elsewhere_with_take_over_a_line_is_taken_along_or_refused(
    site: Site, gateway: Gateway, empty: bool
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        if empty:  # a guest by signing up, who has no cart yet
            cast.here.sign_up(cast.email)
            cast.token = cast.here.token(cast.email)
        else:
            cast.signed_up()
        return [
            lambda: cast.there.elsewhere(cast.token, take_over=True),
            lambda: cast.here.add(CALENDAR),
        ]

    seen = set()
    for cast, (activated, added) in schedules(site, gateway, flows):
        assert said(activated) == DONE
        expected = {} if empty else {"voucher": 1}
        if added.status_code == 201:
            expected["calendar"] = 1
        else:
            assert said(added) == (409, "session_changed")
        assert cast.there.quantities() == expected
        seen.add(added.status_code)
    assert seen == {201, 409}


@pytest.mark.parametrize(("mode", "vouchers"), [("max", 3), ("sum", 4), ("keep", 1)])
def test_transfer_x_transfer_of_one_guest_by_two_tabs_moves_each_line_once(
    site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, mode: str, vouchers: int
) -> None:
    decide(site, monkeypatch, mode)

    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.registered()
        cast.here.add(VOUCHER)
        cast.there.add({**VOUCHER, "quantity": 3})
        cast.there.add(CALENDAR)
        tab = cast.there.twin()
        return [lambda: cast.there.sign_in(cast.email), lambda: tab.sign_in(cast.email)]

    for cast, (one, other) in schedules(site, gateway, flows):
        assert [said(one), said(other)] == [DONE, DONE]
        assert one.json["transfer"] == other.json["transfer"]
        assert one.json["transfer"]["lines"]
        assert cast.here.quantities() == {"voucher": vouchers, "calendar": 1}


def test_transfer_x_transfer_of_two_guests_into_one_account_loses_nothing(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.registered()
        third = Browser(gateway, address=cast.there.address)
        cast.there.add({**VOUCHER, "quantity": 3})
        third.add({**VOUCHER, "quantity": 2})
        third.add(CALENDAR)
        return [lambda: cast.there.sign_in(cast.email), lambda: third.sign_in(cast.email)]

    for cast, (one, other) in schedules(site, gateway, flows):
        assert [said(one), said(other)] == [DONE, DONE]
        assert cast.here.quantities() == {"voucher": 3, "calendar": 1}


def test_transfer_x_transfer_of_one_guest_into_two_accounts_gives_it_to_one(
    site: Site, gateway: Gateway
) -> None:
    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.registered()
        second = Cast(gateway).registered()
        cast.second = second  # type: ignore[attr-defined]
        cast.there.add(CALENDAR)
        tab = cast.there.twin()
        return [lambda: cast.there.sign_in(cast.email), lambda: tab.sign_in(second.email)]

    for cast, (one, other) in schedules(site, gateway, flows):
        assert [said(one), said(other)] == [DONE, DONE]
        second = cast.second  # type: ignore[attr-defined]
        carts = [cast.here.quantities(), second.here.quantities()]
        assert sorted(carts, key=len) == [{}, {"calendar": 1}]


def test_transfer_x_add_line_of_the_guest_or_of_the_account_loses_nothing(
    site: Site, gateway: Gateway
) -> None:
    for tab_of in ("guest", "account"):

        def flows(cast: Cast, tab_of: str = tab_of) -> list[Callable[[], Any]]:
            cast.registered()
            cast.here.add(VOUCHER)
            cast.there.add(VOUCHER)
            tab = cast.there.twin() if tab_of == "guest" else cast.here
            return [lambda: cast.there.sign_in(cast.email), lambda: tab.add(CALENDAR)]

        for cast, (signed_in, added) in schedules(site, gateway, flows):
            assert said(signed_in) == DONE
            expected = {"voucher": 1}
            if added.status_code == 201:
                expected["calendar"] = 1
            else:
                assert (tab_of, said(added)) == ("guest", (409, "session_changed"))
            assert cast.here.quantities() == expected


@pytest.mark.parametrize("mode", ["max", "sum", "keep"])
def test_transfer_x_order_every_line_is_ordered_or_came_along_and_the_receipt_says_which(
    site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Of the guest in one tab, while he signs in in another (I6)."""
    decide(site, monkeypatch, mode)
    key = new_key()

    def flows(cast: Cast) -> list[Callable[[], Any]]:
        cast.registered()
        cast.here.add({**VOUCHER, "quantity": 2})
        cast.there.add({**VOUCHER, "quantity": 3})
        cast.there.add(CALENDAR)
        tab = cast.there.twin()
        return [
            lambda: cast.there.sign_in(cast.email),
            lambda: place(tab, "other@example.com", key=key),
        ]

    outcomes = set()
    together = {"max": 3, "sum": 5, "keep": 2}[mode]
    for cast, (signed_in, placed) in schedules(site, gateway, flows):
        assert said(signed_in) == DONE
        is_consistent(site)
        if placed.status_code == 201:
            lines = {line["product_id"]: line["quantity"] for line in placed.json["lines"]}
            assert lines == {"voucher": 3, "calendar": 1}
            assert signed_in.json["transfer"] is None
            assert cast.here.quantities() == {"voucher": 2}
        else:
            assert said(placed) in {(409, "session_changed"), (409, "cart_empty")}
            told = {
                line["product_id"]: line["after"] for line in signed_in.json["transfer"]["lines"]
            }
            assert told == {"voucher": together, "calendar": 1}
            assert cast.here.quantities() == told
        outcomes.add(placed.status_code)
    assert outcomes == {201, 409}


def test_r17_fifty_clicks_at_once_make_one_account(site: Site, gateway: Gateway) -> None:
    from concurrent.futures import ThreadPoolExecutor

    cast = Cast(gateway).signed_up()
    crowd = [Browser(gateway, address=f"172.16.0.{n}") for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[1].elsewhere(cast.token, password=f"{PASSWORD} {pair[0]}"),
                enumerate(crowd),
            )
        )
    told = [said(answer) for answer in answers]
    assert told.count(DONE) == 1
    # who sends a password with a used link may be its owner: that is a guess, and counted as one
    assert set(told) == {DONE, ALREADY, (429, "too_many_attempts")}
    assert cast.mails("is active") == 1


def test_r8_fifty_guesses_at_once_are_five(site: Site, gateway: Gateway) -> None:
    from concurrent.futures import ThreadPoolExecutor

    cast = Cast(gateway).registered()
    crowd = [Browser(gateway, address=f"172.16.1.{n}") for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda b: b.sign_in(cast.email, OTHER_PASSWORD), crowd))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (5, 45)


# ---- faults --------------------------------------------------------------------------------------


def _activate(cast: Cast) -> Callable[[Browser], Answer]:
    cast.signed_up()
    return lambda browser: browser.activate(cast.token, password=PASSWORD)


def _activate_elsewhere(cast: Cast) -> Callable[[Browser], Answer]:
    cast.there.add(VOUCHER)
    cast.there.sign_up(cast.email)
    token = cast.there.token(cast.email)
    return lambda browser: browser.elsewhere(token, take_over=True)


def _sign_in(cast: Cast) -> Callable[[Browser], Answer]:
    Browser(cast.here.gateway, address=cast.there.address).register(cast.email)
    cast.here.add(VOUCHER)
    return lambda browser: browser.sign_in(cast.email)


def _sign_in_by_code(cast: Cast) -> Callable[[Browser], Answer]:
    Browser(cast.here.gateway, address=cast.there.address).register(cast.email)
    cast.here.add(VOUCHER)
    cast.here.ask_code(cast.email)
    code = cast.here.code(cast.email)
    return lambda browser: browser.sign_in_by_code(cast.email, code)


def _reset(cast: Cast) -> Callable[[Browser], Answer]:
    Browser(cast.here.gateway, address=cast.there.address).register(cast.email)
    cast.here.add(VOUCHER)
    cast.here.post("/v1/password-resets", {"email": cast.email})
    token = cast.here.token(cast.email)
    return lambda browser: browser.reset(token)


FLOWS = {
    "activation": _activate,
    "activation elsewhere": _activate_elsewhere,
    "sign-in": _sign_in,
    "sign-in by code": _sign_in_by_code,
    "reset": _reset,
}


def places(site: Site, gateway: Gateway, flow: str) -> int:
    cast = Cast(gateway)
    go = FLOWS[flow](cast)
    return calls_of(site.cloud, lambda: go(cast.here))


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("flow", FLOWS)
def test_f1_f5_one_fault_at_any_call_is_mended_and_nothing_is_lost(
    site: Site, gateway: Gateway, flow: str, fault: str
) -> None:
    for at in range(places(site, gateway, flow)):
        cast = Cast(gateway)
        go = FLOWS[flow](cast)
        site.cloud.intercept = Fault(TRANSIENT[fault], at)
        answer = go(cast.here)
        site.cloud.intercept = None
        if answer.status_code == 503:  # a plain read or write that met a conflict
            answer = go(cast.here)
        assert answer.status_code == 200, (at, answer.json)
        assert cast.here.quantities() == {"voucher": 1}


@pytest.mark.parametrize("flow", FLOWS)
def test_0_18_a_lost_answer_the_same_browser_asks_again_and_a_stranger_does_not_get_in(
    site: Site, gateway: Gateway, flow: str
) -> None:
    """Every answer from the call on is lost, as far as anybody can see: 503. Then all is well."""
    for at in range(places(site, gateway, flow)):
        cast = Cast(gateway)
        go = FLOWS[flow](cast)
        site.cloud.intercept = Fault(lost_answer, *range(at, 99))
        answer = go(cast.here)
        site.cloud.intercept = None
        assert said(answer) == (503, "unavailable"), at
        assert int(answer.headers["Retry-After"]) > 0
        assert "__Host-foyer" not in str(answer.headers.getlist("Set-Cookie"))
        again = go(cast.here)
        assert again.status_code == 200, (at, again.json)
        assert cast.here.session()["authentication"] == "signed_in"
        assert cast.here.quantities() == {"voucher": 1}


@pytest.mark.parametrize("flow", ["activation", "sign-in by code", "reset"])
def test_0_18_after_a_lost_answer_a_stranger_who_has_the_link_or_code_does_not_get_in(
    site: Site, gateway: Gateway, flow: str
) -> None:
    cast = Cast(gateway)
    go = FLOWS[flow](cast)
    site.cloud.intercept = Fault(lost_answer, *range(99), operation="TransactWriteItems")
    if flow == "sign-in by code":  # its tries are counted in a transaction, too
        site.cloud.intercept = Fault(lost_answer, *range(1, 99), operation="TransactWriteItems")
    go(cast.here)
    site.cloud.intercept = None
    stranger = Browser(gateway, address="172.16.2.1")
    if flow == "activation":
        token = cast.token
        assert said(stranger.activate(token, password=OTHER_PASSWORD, name="x")) == ALREADY
    elif flow == "reset":
        token = cast.here.token(cast.email)
        assert said(stranger.reset(token, "quite another passphrase 7")) == ALREADY
    else:
        assert go(stranger).status_code == 401
    assert stranger.session()["authentication"] == "generic"
    assert go(cast.here).status_code == 200


@pytest.mark.parametrize("death", [killed_before, killed_after])
@pytest.mark.parametrize("flow", FLOWS)
def test_f8_a_process_that_dies_half_way_leaves_nothing_half_done(
    site: Site, gateway: Gateway, flow: str, death: Callable[[Send], Any]
) -> None:
    for at in range(places(site, gateway, flow)):
        cast = Cast(gateway)
        go = FLOWS[flow](cast)
        site.cloud.intercept = Fault(death, at)
        with pytest.raises(Killed):
            go(cast.here)
        site.cloud.intercept = None
        answer = go(cast.here)
        assert answer.status_code == 200, (at, answer.json)
        assert cast.here.quantities() == {"voucher": 1}
        assert len(cast.owners()) == 1


def test_a_sign_up_that_failed_can_be_sent_again_and_gives_no_cookie_of_a_guest_who_may_not_be(
    site: Site, gateway: Gateway
) -> None:
    for at in range(3):
        cast = Cast(gateway)
        site.cloud.intercept = Fault(lost_answer, *range(at, 99))
        answer = cast.here.sign_up(cast.email)
        site.cloud.intercept = None
        assert answer.status_code == 503
        assert "Set-Cookie" not in answer.headers
        assert cast.here.sign_up(cast.email).status_code == 202
        assert said(cast.here.activate(cast.here.token(cast.email))) == DONE
