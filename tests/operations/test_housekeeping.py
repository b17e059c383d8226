"""What time alone brings to an end (mission 0.13, N11, A27): who goes, who stays and why, and that
whoever comes back while the clean-up runs loses nothing."""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from foyer.storage.keys import Key
from local.cloud import Send, metered
from local.gateway import Gateway
from local.site import Site
from tests.carts import fill
from tests.conftest import SCHEDULES
from tests.journeys.test_registration import require_approval
from tests.ordering import move, new_key, place
from tests.people import STUDIO, administrator, is_consistent, plant
from tests.seam import TRANSIENT, Fault, Killed, calls_of, killed_after, killed_before
from tests.visiting import CALENDAR, DONE, PRINT, VOUCHER, Answer, Browser, orders, said

DAY = 86_400
NINA = "nina@example.com"
UNNAMED = "my-unnamed-selection--"
_number = count(1)


def sweep(site: Site) -> Any:
    return site.invoke("CleanupFunction", {"trigger": "sweep"})


def keys_in(site: Site) -> Iterator[Key]:
    return (Key(row["pk"]["S"], row["sk"]["S"]) for row in site.cloud.rows())


def rows_of(site: Site, user_id: str) -> list[str]:
    return sorted(key.sk for key in keys_in(site) if key.pk == f"USER#{user_id}")


def keep(browser: Browser, picture: str = "low-tide") -> None:
    path = f"/v1/selections/{UNNAMED}/pictures/coast/{picture}"
    assert browser.send("PUT", path).status_code == 204


def guest(gateway: Gateway) -> Browser:
    number = next(_number)
    return Browser(gateway, address=f"10.7.{number // 250}.{number % 250}")


def everything_of_a_guest(gateway: Gateway) -> Browser:
    """Who has all that a guest can have and be taken for all that."""
    browser = guest(gateway)
    browser.add(VOUCHER, Idempotency_Key=new_key())
    browser.add(PRINT)
    keep(browser)
    browser.sign_up(f"g{next(_number)}@example.com")
    return browser


def idle_for(site: Site, user_id: str, days: int) -> None:
    """As if he had not been here for so many days; the links he has were mailed just now."""
    row = site.cloud.row(f"USER#{user_id}", "USER")
    assert row is not None
    for name in ("seen_at", "due_at"):
        row[name] = {"N": str(int(row[name]["N"]) - days * DAY)}
    site.cloud.client("dynamodb").put_item(TableName=site.cloud.table_name, Item=row)


# ---- who goes, and when --------------------------------------------------------------------------


def test_0_13_a_guest_nobody_came_back_to_goes_after_30_days_with_all_he_had(
    site: Site, gateway: Gateway
) -> None:
    browser = everything_of_a_guest(gateway)
    user_id = browser.who()
    site.advance(30 * DAY - 1)
    assert {"CART", f"SELECTION#{UNNAMED}", "USER"} <= set(rows_of(site, user_id))
    site.advance(1)
    sweep(site)
    assert rows_of(site, user_id) == []
    assert user_id not in str(site.cloud.rows())
    is_consistent(site)
    assert browser.session()["authentication"] == "generic"
    assert browser.cart()["lines"] == []
    assert browser.add(CALENDAR).status_code == 201  # no friction: somebody new
    assert browser.who() != user_id


def test_0_13_n12_what_a_guest_said_of_himself_goes_after_7_days_and_his_cart_stays(
    site: Site, gateway: Gateway
) -> None:
    browser = guest(gateway)
    browser.add(VOUCHER)
    browser.sign_up(NINA, name="Nina López")
    site.drain()
    site.advance(7 * DAY - 1)
    assert "nina lópez" in str(site.cloud.rows()).lower()
    site.advance(1)
    report = sweep(site)
    assert report["claims"] + report["guests"] <= 1
    told = str([row for row in site.cloud.rows() if not row["pk"]["S"].startswith("OUTBOX#")])
    assert "nina" not in told.lower()
    row = site.cloud.row(f"USER#{browser.who()}", "USER")
    assert row is not None
    assert row["claims"] == {"M": {}}  # nor a keyed hash of his address
    assert browser.quantities() == {"voucher": 1}
    is_consistent(site)


def test_0_13_a_claim_made_while_signed_in_and_one_that_was_redeemed_go_as_well(
    site: Site, gateway: Gateway
) -> None:
    nina = guest(gateway).register(NINA)
    nina.sign_up("second@example.com")
    assert claims_in(site) == 2
    site.advance(7 * DAY)
    sweep(site)
    assert claims_in(site) == 0
    nina.sign_in(NINA)
    assert nina.session()["authentication"] == "signed_in"


def claims_in(site: Site) -> int:
    return sum(key.sk.startswith("CLAIM#") for key in keys_in(site))


def test_a_claim_whose_link_was_mailed_again_lives_as_long_as_that(
    site: Site, gateway: Gateway
) -> None:
    browser = guest(gateway)
    browser.sign_up(NINA)
    site.advance(6 * DAY)
    browser.post("/v1/registrations/resend", {"email": NINA})
    token = browser.token(NINA)
    site.advance(DAY - 1)
    sweep(site)
    assert claims_in(site) == 1
    assert browser.activate(token).status_code == 200


def test_0_13_an_account_staff_opened_goes_after_90_days_if_nobody_took_it(
    site: Site, gateway: Gateway
) -> None:
    boss = administrator(site).browser
    ids = {}
    for name in ("taken", "left"):
        form = {"email": f"{name}@example.com", "name": "Otto", "profile_type": "C"}
        ids[name] = boss.post("/v1/staff/users", form).json["id"]
    otto = guest(gateway)
    otto.elsewhere(otto.token("taken@example.com"))
    site.advance(90 * DAY - 1)
    assert rows_of(site, ids["left"])
    site.advance(1)
    sweep(site)
    assert rows_of(site, ids["left"]) == []
    assert "left@example.com" not in str(
        [row for row in site.cloud.rows() if not row["pk"]["S"].startswith("OUTBOX#")]
    )
    assert rows_of(site, ids["taken"])
    is_consistent(site)


def test_a_guest_who_handed_over_goes_and_the_receipt_stays(site: Site, gateway: Gateway) -> None:
    guest(gateway).register(NINA)
    browser = guest(gateway)
    browser.add(VOUCHER)
    old = browser.who()
    browser.sign_in(NINA)
    nina = browser.who()
    site.advance(30 * DAY)
    sweep(site)
    assert rows_of(site, old) == []
    assert any(row.startswith("RECEIPT#") for row in rows_of(site, nina))
    is_consistent(site)


# ---- who stays -----------------------------------------------------------------------------------


def test_a_guest_who_looks_at_his_cart_every_day_for_a_year_is_never_removed(
    site: Site, gateway: Gateway
) -> None:
    browser = guest(gateway)
    browser.add(VOUCHER)
    for day in range(365):
        site.advance(DAY, schedules=day % 7 == 0)
        assert browser.quantities() == {"voucher": 1}
    assert browser.session()["authentication"] == "guest"


def test_n5_a_crawler_that_follows_everything_for_a_year_makes_nothing_to_remove(
    site: Site, gateway: Gateway
) -> None:
    before = [row for row in site.cloud.rows() if row["pk"]["S"] != "SWEEP"]
    for _ in range(12):
        site.advance(30 * DAY)
        crawl(guest(gateway))
    site.drain()
    assert [row for row in site.cloud.rows() if row["pk"]["S"] != "SWEEP"] == before
    assert sum(sweep(site)[name] for name in ("guests", "accounts", "claims", "kept")) == 0


def crawl(browser: Browser) -> None:
    """Every page a link leads to, from the front door, by GET and HEAD."""
    found, seen = ["/"], set[str]()
    while found:
        path = found.pop()
        if path in seen:
            continue
        seen.add(path)
        page = browser.get(path)
        assert browser.send("HEAD", path).status_code == page.status_code
        assert "Set-Cookie" not in page.headers
        found += re.findall(r'(?:href|action)="(/[^"#]*)"', page.text)
    assert len(seen) > 10


@pytest.mark.parametrize("end", ["fulfilled", "cancelled"])
def test_n11_a_guest_with_an_order_under_way_stays_until_it_is_done_and_the_order_for_good(
    site: Site, gateway: Gateway, end: str
) -> None:
    browser = guest(gateway)
    browser.add(PRINT)
    order = place(browser, NINA).json
    user_id = browser.who()
    for _ in range(10):
        site.advance(7 * DAY)
    assert "CART" in rows_of(site, user_id)
    is_consistent(site)
    order_ends(site, order["id"], end)
    site.advance(60 * DAY)
    sweep(site)
    assert rows_of(site, user_id) == []
    assert site.cloud.row(f"ORDER#{order['id']}", "ORDER") is not None
    is_consistent(site)


def order_ends(site: Site, order_id: str, end: str) -> None:
    boss = plant(site, f"boss{next(_number)}", role=("photographer", STUDIO), org=STUDIO).browser
    for step in ("confirm", "fulfil") if end == "fulfilled" else ("cancel",):
        assert move(boss, order_id, step) == DONE


def test_n11_a_guest_whose_selection_a_photographer_has_stays(site: Site, gateway: Gateway) -> None:
    browser = guest(gateway)
    keep(browser)
    sent = browser.send("POST", f"/v1/selections/{UNNAMED}/submit", json={"name": "Nina"})
    assert sent.status_code < 300
    user_id = browser.who()
    site.advance(60 * DAY)
    sweep(site)
    assert f"SELECTION#{UNNAMED}" in rows_of(site, user_id)
    site.advance(31 * DAY)  # the photographer has it no more
    sweep(site)
    site.advance(7 * DAY)
    sweep(site)
    assert rows_of(site, user_id) == []


def test_0_13_who_waits_for_approval_stays(site: Site, gateway: Gateway) -> None:
    browser = guest(gateway)
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    require_approval(site)
    assert browser.activate(browser.token(NINA)).json["status"] == "pending_approval"
    user_id = browser.who()
    site.advance(400 * DAY)
    sweep(site)
    assert "CART" in rows_of(site, user_id)


def test_a_client_is_never_taken(site: Site, gateway: Gateway) -> None:
    nina = guest(gateway).register(NINA)
    nina.add(VOUCHER)
    before = rows_of(site, nina.who())
    user_id = nina.who()
    site.advance(4_000 * DAY)
    sweep(site)
    assert [sk for sk in before if not sk.startswith("CLAIM#")] == rows_of(site, user_id)


# ---- whoever comes back wins ---------------------------------------------------------------------


Flow = Callable[[], Any]


class Return:
    """Somebody idle for 31 days, whose links are of today, and what he does while the clean-up
    runs."""

    def __init__(self, site: Site, gateway: Gateway) -> None:
        self.site, self.browser = site, guest(gateway)
        self.email = f"r{next(_number)}@example.com"
        self.browser.add(VOUCHER)
        keep(self.browser)
        self.browser.sign_up(self.email)
        self.token = self.browser.token(self.email)
        self.id = self.browser.who()
        idle_for(site, self.id, 31)

    def sweep(self) -> Any:
        return sweep(self.site)


def races(site: Site, scene: Return, flow: Flow) -> Iterator[tuple[Any, bool]]:
    """The flow's answer and whether the guest is there, in every order of its and a sweep's
    calls."""
    for answer, report in orders(site, [flow, scene.sweep], SCHEDULES):
        assert report["failed"] == 0
        is_consistent(site)
        assert rows_of(site, scene.id) == [] or "USER" in rows_of(site, scene.id)
        yield answer, bool(rows_of(site, scene.id))


def test_return_x_clean_up_he_has_what_he_was_told_he_has(site: Site, gateway: Gateway) -> None:
    scene, seen = Return(site, gateway), set()
    for cart, there in races(site, scene, scene.browser.twin().quantities):
        assert cart == ({"voucher": 1} if there else {})
        seen.add(there)
    assert seen == {True, False}


def test_add_x_clean_up_what_was_put_in_is_in(site: Site, gateway: Gateway) -> None:
    scene, seen = Return(site, gateway), set()
    tab = scene.browser
    for added, there in races(site, scene, lambda: tab.add(CALENDAR)):
        assert added.status_code == 201
        held = {"voucher": 1, "calendar": 1} if there else {"calendar": 1}
        assert tab.quantities() == held
        seen.add(there)
    assert seen == {True, False}


def test_keep_a_picture_x_clean_up_it_is_kept(site: Site, gateway: Gateway) -> None:
    scene, seen = Return(site, gateway), set()
    tab = scene.browser
    for kept, there in races(site, scene, lambda: keep_again(tab)):
        assert kept.status_code == 204
        (mine,) = tab.get("/v1/selections").json["items"]
        assert mine["picture_count"] == (2 if there else 1)
        seen.add(there)
    assert seen == {True, False}


def test_a27_what_a_guest_adds_waits_where_aws_cannot_note_that_he_is_back(
    site: Site, gateway: Gateway
) -> None:
    """Else the clean-up might take him with what he was just told is in his cart."""
    scene = Return(site, gateway)
    tab = scene.browser
    throttled = Fault(TRANSIENT["throttled"], *range(99), operation="UpdateItem")
    for does in (partial(tab.add, CALENDAR), partial(keep_again, tab)):
        site.cloud.intercept = throttled
        answer = does()
        assert answer.status_code == 503
        assert tab.get("/v1/cart").status_code == 503  # nor is he told that he has it
        site.cloud.intercept = None
    assert sweep(site)["guests"] == 1


def keep_again(browser: Browser) -> Answer:
    return browser.send("PUT", f"/v1/selections/{UNNAMED}/pictures/coast/first-light")


def test_promote_x_clean_up_the_client_has_all_the_guest_had(site: Site, gateway: Gateway) -> None:
    scene, seen = Return(site, gateway), set()
    tab = scene.browser
    for activated, there in races(site, scene, lambda: tab.activate(scene.token)):
        if there:
            assert said(activated) == DONE
            assert tab.who() == scene.id
            assert tab.quantities() == {"voucher": 1}
        else:
            assert activated.status_code in {409, 410, 422}
            assert tab.session()["authentication"] == "generic"
        seen.add(there)
    assert seen == {True, False}


def test_order_x_clean_up_an_order_that_was_placed_stays_and_so_does_who_placed_it(
    site: Site, gateway: Gateway
) -> None:
    scene, seen, key = Return(site, gateway), set(), new_key()
    tab = scene.browser
    for placed, there in races(site, scene, lambda: place(tab, scene.email, key=key)):
        if placed.status_code == 201:
            assert there
            assert tab.get(f"/v1/orders/{placed.json['id']}").status_code == 200
        else:
            assert said(placed) in {(409, "cart_empty"), (409, "session_changed")}
            assert not there
        seen.add(there)
    assert seen == {True, False}


def test_sign_in_x_clean_up_the_receipt_tells_what_came_along(site: Site, gateway: Gateway) -> None:
    scene, seen = Return(site, gateway), set()
    nina = guest(gateway).register(NINA)
    tab = scene.browser
    for signed_in, there in races(site, scene, lambda: tab.sign_in(NINA, take_over=True)):
        assert said(signed_in) == DONE
        assert tab.who() == nina.who()
        held = {"voucher": 1} if there else {}
        assert tab.quantities() == held
        assert bool(signed_in.json["transfer"]) == there
        seen.add(there)
    assert seen == {True, False}


def test_clean_up_x_clean_up_harm_nothing_and_count_nobody_twice(
    site: Site, gateway: Gateway
) -> None:
    scene = Return(site, gateway)
    for one, other in orders(site, [scene.sweep, scene.sweep], SCHEDULES):
        assert one["failed"] == other["failed"] == 0
        assert (one["guests"] + other["guests"], one["returned"] + other["returned"]) == (1, 0)
        assert rows_of(site, scene.id) == []
        is_consistent(site)


# ---- cut short anywhere --------------------------------------------------------------------------


def abandoned(site: Site, gateway: Gateway) -> None:
    """One of every kind the clean-up takes or leaves."""
    boss = administrator(site).browser
    everything_of_a_guest(gateway)
    nina = guest(gateway).register(NINA)
    nina.sign_up("second@example.com")
    other = guest(gateway)
    other.add(VOUCHER)
    other.sign_in(NINA)
    form = {"email": "left@example.com", "name": "Otto", "profile_type": "C"}
    boss.post("/v1/staff/users", form)
    ordering = guest(gateway)
    ordering.add(PRINT)
    place(ordering, "otto@example.com")
    site.drain()
    site.cloud.intercept = None
    site.advance(91 * DAY, schedules=False)


def what_is_there(site: Site) -> list[Any]:
    return sorted(
        str(sorted(row.items())) for row in site.cloud.rows() if row["pk"]["S"] != "SWEEP"
    )


@pytest.mark.parametrize("fault", [killed_before, killed_after])
def test_r58_killed_at_any_call_and_run_again_it_ends_as_if_it_had_not_been(
    site: Site, gateway: Gateway, fault: Any
) -> None:
    abandoned(site, gateway)
    back = site.remember()
    calls = calls_of(site.cloud, lambda: sweep(site))
    end = what_is_there(site)
    assert calls > 30
    for at in range(calls):
        back()
        site.cloud.intercept = Fault(fault, at)
        with pytest.raises(Killed):
            sweep(site)
        site.cloud.intercept = None
        is_consistent(site)
        sweep(site)
        assert what_is_there(site) == end
    is_consistent(site)


@pytest.mark.parametrize("fault", sorted(TRANSIENT))
def test_f1_a_fault_at_any_call_of_it_is_mended_by_itself_or_by_the_next(
    site: Site, gateway: Gateway, fault: str
) -> None:
    abandoned(site, gateway)
    back = site.remember()
    calls = calls_of(site.cloud, lambda: sweep(site))
    end = what_is_there(site)
    for at in range(calls):
        back()
        site.cloud.intercept = Fault(TRANSIENT[fault], at)
        sweep(site)
        site.cloud.intercept = None
        sweep(site)
        assert what_is_there(site) == end


def test_one_row_that_cannot_be_read_keeps_no_other_from_going(
    site: Site, gateway: Gateway
) -> None:
    poisoned, other = everything_of_a_guest(gateway).who(), everything_of_a_guest(gateway).who()
    key = {"pk": {"S": f"USER#{poisoned}"}, "sk": {"S": "CART"}}
    site.cloud.client("dynamodb").put_item(
        TableName=site.cloud.table_name, Item={**key, "lines": {"S": "?"}}
    )
    site.advance(31 * DAY, schedules=False)
    report = sweep(site)
    assert (report["failed"], report["left"]) == (1, 1)
    assert rows_of(site, other) == []
    assert rows_of(site, poisoned)


def test_a_sweep_without_time_says_what_is_left_and_the_next_goes_on(
    site: Site, gateway: Gateway
) -> None:
    ids = [everything_of_a_guest(gateway).who() for _ in range(3)]
    site.advance(31 * DAY, schedules=False)
    housekeeping = site.module("foyer.operations.housekeeping")
    looks = count()
    done = housekeeping.sweep(
        site.now(), time_is_left=lambda: next(looks) < 3, failed=lambda *_: None
    )
    assert done.more
    assert done.left > 0
    while housekeeping.sweep(site.now(), time_is_left=lambda: True, failed=print, most=4).more:
        pass
    assert [rows_of(site, id_) for id_ in ids] == [[], [], []]


def test_a_queue_whose_first_rows_cannot_be_read_keeps_no_other_waiting(
    site: Site, gateway: Gateway
) -> None:
    many = site.module("foyer.operations.housekeeping").FAILURES
    site.cloud.plant(poisoned(site, many))
    other = everything_of_a_guest(gateway)
    while site.module("foyer.storage.keys").shard_of(other.who()) == 0:
        other = everything_of_a_guest(gateway)  # in another queue
    site.advance(31 * DAY, schedules=False)
    assert sweep(site)["failed"] == many
    assert other.session()["authentication"] == "generic"


def poisoned(site: Site, many: int) -> Iterator[Any]:
    """Guests of one queue whose carts nobody can read."""
    for row in guests(site, many, "poisoned", site.now() - 2 * DAY):
        yield {**row, "due": {"S": "GUEST#0"}}
        yield {"pk": row["pk"], "sk": {"S": "CART"}, "lines": {"S": "?"}}


def test_a_closed_account_that_cannot_be_erased_keeps_no_other_and_the_alarm_hears_of_it(
    site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing, ids = site.module("foyer.operations.closing"), list[str]()
    for number in range(2):
        person = plant(site, f"closing{number}")
        person.browser.add(VOUCHER)
        ids.append(person.id)
        with monkeypatch.context() as patched:
            patched.setattr(closing, "erase", lambda *_: False)
            assert person.browser.send("DELETE", "/v1/account").status_code == 204
    erase = closing.erase

    def first_fails(closed: Any, *more: Any) -> Any:
        if closed.user_id == ids[0]:
            raise ValueError(closed)
        return erase(closed, *more)

    monkeypatch.setattr(closing, "erase", first_fails)
    site.advance(DAY, schedules=False)
    report = sweep(site)
    assert (report["failed"], report["left"] > 0) == (1, True)
    assert "CART" in rows_of(site, ids[0])
    assert rows_of(site, ids[1]) == ["USER"]


def test_what_is_left_and_cannot_be_counted_is_told_all_the_same(
    site: Site, gateway: Gateway
) -> None:
    everything_of_a_guest(gateway)
    site.advance(31 * DAY, schedules=False)
    done = site.module("foyer.operations.housekeeping").sweep(
        site.now(), time_is_left=lambda: False, failed=lambda *_: None
    )
    assert (done.more, done.left > 0) == (True, True)
    calls = count()

    def throttled_after_the_first(operation: str, _: Any, send: Send) -> AWSResponse:
        if operation == "Query" and next(calls) > 1:
            return TRANSIENT["throttled"](send)
        return send()

    site.cloud.intercept = throttled_after_the_first
    report = sweep(site)
    site.cloud.intercept = None
    assert report["more"]
    assert report["left"] >= 1
    assert site.cloud.row("SWEEP", "SWEEP") is not None


# ---- accounts staff opened -----------------------------------------------------------------------


def opened(boss: Browser, name: str = "left") -> str:
    form = {"email": f"{name}@example.com", "name": "Otto", "profile_type": "C"}
    return str(boss.post("/v1/staff/users", form).json["id"])


def test_r59_who_is_half_removed_is_in_no_list_of_staff(site: Site) -> None:
    boss = administrator(site).browser
    id_ = opened(boss)
    site.drain()
    site.advance(91 * DAY, schedules=False)
    for at in range(10):
        back = site.remember()
        site.cloud.intercept = Fault(killed_after, at, operation="TransactWriteItems")
        with suppress(Killed):
            sweep(site)
        site.cloud.intercept = None
        row = site.cloud.row(f"USER#{id_}", "USER")
        if row is not None and "removed_at" in row:
            other = plant(site, "other", role=("site_administrator", "root"), org="root").browser
            assert id_ not in other.get("/v1/staff/users?organization_id=default").text
            assert other.get(f"/v1/staff/users/{id_}").status_code == 404
            sweep(site)
            assert rows_of(site, id_) == []
            return
        back()
    raise AssertionError("never half removed")


def test_an_invited_administrator_nobody_became_goes_when_the_link_does(site: Site) -> None:
    invite = site.module("foyer.operations.on_behalf").invite_administrator
    invite("chief@example.com", "Studio Ana", "en", site.now())
    (row,) = [row for row in site.cloud.rows("USER") if "chief" in str(row)]
    site.advance(7 * DAY)
    sweep(site)
    assert rows_of(site, row["pk"]["S"].removeprefix("USER#")) == []


def test_a_link_staff_mail_again_on_the_last_day_is_good_for_as_long_as_it_says(
    site: Site, gateway: Gateway
) -> None:
    id_ = opened(administrator(site).browser)
    site.advance(90 * DAY - 3_600, schedules=False)
    boss = plant(site, "other", role=("site_administrator", "root"), org="root").browser
    assert boss.post(f"/v1/staff/users/{id_}/resend", {}).status_code == 204
    otto = guest(gateway)
    token = otto.token("left@example.com")
    site.advance(23 * 3_600)
    sweep(site)
    assert otto.elsewhere(token).status_code == 200
    assert otto.who() == id_


def test_resend_x_clean_up_a_link_that_was_mailed_again_works_and_nothing_is_left_of_who_went(
    site: Site, gateway: Gateway
) -> None:
    id_ = opened(administrator(site).browser)
    site.drain()
    site.advance(90 * DAY - 1, schedules=False)
    boss = plant(site, "other", role=("site_administrator", "root"), org="root").browser
    housekeeping = site.module("foyer.operations.housekeeping")

    def sweeps() -> Any:
        return housekeeping.sweep(site.now() + 1, time_is_left=lambda: True, failed=print)

    resend = partial(boss.post, f"/v1/staff/users/{id_}/resend", {})
    seen = set()
    for resent, _ in orders(site, [resend, sweeps], SCHEDULES):
        there = "USER" in rows_of(site, id_)
        assert there or rows_of(site, id_) == []
        if resent.status_code == 204:
            assert there
        seen.add(there)
    assert seen == {True, False}


# ---- what it costs -------------------------------------------------------------------------------


def test_n11_30_expired_among_100_000_are_all_that_is_read(site: Site) -> None:
    back = site.remember()
    site.cloud.plant(guests(site, 100_000, "alive", site.now()))
    site.cloud.plant(guests(site, 30, "expired", site.now() - 31 * DAY))
    read: list[str] = []

    def note(operation: str, body: Any, send: Send) -> AWSResponse:
        answer = send()
        if operation == "Query":
            found = json.loads(answer.raw.getvalue())["Items"]
            read.extend(item["pk"]["S"] for item in found)
        return answer

    site.cloud.intercept = note
    with metered() as cost:
        report = sweep(site)
    site.cloud.intercept = None
    left = site.cloud.row("USER#alive99999", "USER"), site.cloud.row("USER#expired29", "USER")
    back()
    assert report["guests"] == 30
    assert left[0] is not None
    assert left[1] is None
    assert set(read) == {f"USER#expired{number}" for number in range(30)}
    assert len(read) == 2 * 30  # once in the index, once each with what he has
    assert cost.calls <= 20 + 3 * 30


def guests(site: Site, many: int, name: str, seen_at: int) -> Iterator[Any]:
    made = site.module("foyer.storage.users").new_guest(
        site.module("foyer.rules.users").User(name, "en", seen_at, "hash")
    )
    row = site.module("foyer.storage.table")._typed(made.item)
    for number in range(many):
        due = f"GUEST#{number % 8}"
        yield {**row, "pk": {"S": f"USER#{name}{number}"}, "due": {"S": due}}


@pytest.mark.parametrize("lines", [1, 100])
def test_a_guest_costs_three_calls_whatever_is_in_his_cart(
    site: Site, gateway: Gateway, lines: int
) -> None:
    browser = guest(gateway)
    browser.add(VOUCHER)
    fill(site, browser, lines)
    site.advance(31 * DAY, schedules=False)
    with metered() as cost:
        assert sweep(site)["guests"] == 1
    with metered() as nothing:
        sweep(site)
    k = math.ceil(lines * 120 / 1024)
    assert cost.calls - nothing.calls == 3
    assert cost.writes - nothing.writes <= 1 + 2 * (2 + k)
