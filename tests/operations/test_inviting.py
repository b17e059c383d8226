"""Invitations while others act, and while calls fail: every order of two flows' calls, a fault at
each call, and a thousand addresses whose call dies again and again (G1, G3; P14, N9)."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from local.verify import plain, plain_row
from tests.conftest import SCHEDULES
from tests.inviting import (
    WEDDING,
    accept,
    invite,
    invited,
    is_in,
    line,
    photographer,
    preview,
    step,
)
from tests.people import is_consistent
from tests.seam import TRANSIENT, Fault, Killed, calls_of, killed_after, killed_before
from tests.visiting import CALENDAR, PASSWORD, VOUCHER, Browser, orders, said

_number = count(1)
Flow = Callable[[], Any]


class Scene:
    """The people of one schedule."""

    def __init__(self, site: Site, gateway: Gateway) -> None:
        number = next(_number)
        self.site, self.number = site, number
        self.email = f"i{number}@example.com"
        self.boss = photographer(site, f"boss{number}").browser
        self.second = photographer(site, f"second{number}").browser
        self.client = Browser(gateway, address=f"10.5.{number % 250}.1")
        self.other = Browser(gateway, address=f"10.5.{number % 250}.2")
        self.id = ""
        self.token = ""

    def invited(self) -> "Scene":
        self.id = invited(self.boss, self.email)
        self.token = self.client.token(self.email)
        return self

    def state(self) -> str:
        return str(line(self.boss, self.email)["state"])


@pytest.fixture(autouse=True)
def warm(site: Site, gateway: Gateway) -> None:
    """Keys are fetched before anything is counted."""
    Browser(gateway, address="10.8.0.1").register("warm@example.com")


def schedules(
    site: Site, gateway: Gateway, flows: Callable[[Scene], list[Flow]], most: int = SCHEDULES
) -> Iterator[tuple[Scene, list[Any]]]:
    scene = Scene(site, gateway)
    for results in orders(site, flows(scene), most):
        yield scene, results
        is_consistent(site)
        what_waits_was_mailed_once(site)


def what_waits_was_mailed_once(site: Site) -> None:
    rows = [plain_row(row) for row in site.cloud.rows()]
    mails = Counter(row["pk"] for row in rows if row["sk"] == "MAIL")
    for row in rows:
        if row["sk"].startswith("GRANT#") and "link" in row:
            assert mails[f"OUTBOX#{row['mail']}"] == 1


# ---- races ---------------------------------------------------------------------------------------


def test_accept_x_revoke_nobody_is_in_who_was_revoked(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.client.add(VOUCHER)
        scene.invited()
        return [
            lambda: accept(scene.client, scene.token),
            lambda: step(scene.boss, scene.id, ""),
        ]

    seen = set()
    for scene, (accepted, revoked) in schedules(site, gateway, flows):
        assert said(revoked) == (204, "")
        assert said(accepted) in {(200, ""), (410, "link_revoked")}
        assert not is_in(scene.client)
        assert scene.client.quantities() == {"voucher": 1}
        assert preview(scene.other, scene.token)["next"] == "ask_again"
        seen.add(said(accepted))
    assert len(seen) == 2


def test_accept_x_accept_in_two_browsers_one_account_and_no_cart_lost(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.client.add(VOUCHER)
        scene.other.add(CALENDAR)
        scene.invited()
        return [
            lambda: accept(scene.client, scene.token, name="One"),
            lambda: accept(scene.other, scene.token, name="Two"),
        ]

    winners = set()
    for scene, answers in schedules(site, gateway, flows):
        outcomes = [said(answer) for answer in answers]
        assert sorted(outcomes) == [(200, ""), (401, "sign_in_required")]
        won = outcomes.index((200, ""))
        inside, outside = (scene.client, scene.other)[won], (scene.other, scene.client)[won]
        assert is_in(inside)
        assert not is_in(outside)
        assert scene.client.quantities() == {"voucher": 1}
        assert scene.other.quantities() == {"calendar": 1}
        winners.add(won)
    assert winners == {0, 1}


def test_accept_x_accept_by_a_double_click_is_one(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.client.add(VOUCHER)
        scene.invited()
        tab = scene.client.twin()
        return [lambda: accept(scene.client, scene.token), lambda: accept(tab, scene.token)]

    for scene, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers] == [(200, ""), (200, "")]
        ids = {answer.json["session"]["user"]["id"] for answer in answers}
        assert len(ids) == 1
        assert is_in(scene.client)


def test_accept_x_accept_signed_in_twice_is_one(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.client.register(scene.email)
        scene.invited()
        tab = scene.client.twin()
        return [
            lambda: accept(scene.client, scene.token, name=None),
            lambda: accept(tab, scene.token, name=None),
        ]

    for scene, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers] == [(200, ""), (200, "")]
        assert is_in(scene.client)


@pytest.mark.parametrize("known", [True, False])
def test_accept_x_correct_the_wrong_address_ends_outside(
    site: Site, gateway: Gateway, known: bool
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        if known:
            scene.client.register(scene.email)
        scene.invited()
        right = f"right{scene.number}@example.com"
        return [
            lambda: accept(scene.client, scene.token),
            lambda: step(scene.boss, scene.id, "correct", address=right),
        ]

    for scene, (accepted, corrected) in schedules(site, gateway, flows):
        assert corrected.json["state"] == "pending"
        assert said(accepted) in {(200, ""), (410, "link_revoked")}
        assert not is_in(scene.client)
        right = f"right{scene.number}@example.com"
        assert accept(scene.other, scene.other.token(right)).status_code == 200
        assert is_in(scene.other)


def test_accept_x_resend_the_old_link_the_new_one_or_in(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.invited()
        return [
            lambda: accept(scene.client, scene.token),
            lambda: step(scene.boss, scene.id, "resend"),
        ]

    for scene, (accepted, resent) in schedules(site, gateway, flows):
        assert {said(accepted), said(resent)} in (
            {(200, ""), (409, "wrong_state")},
            {(410, "link_replaced"), (200, "")},
        )
        if not is_in(scene.client):
            assert accept(scene.client, scene.client.token(scene.email)).status_code == 200


def test_accept_x_activation_of_a_sign_up_one_account_has_the_address(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.other.sign_up(scene.email)
        claim = scene.other.token(scene.email)
        scene.invited()
        return [
            lambda: accept(scene.client, scene.token),
            lambda: scene.other.activate(claim),
        ]

    for scene, (accepted, activated) in schedules(site, gateway, flows):
        assert {said(accepted), said(activated)} in (
            {(200, ""), (409, "already_active")},
            {(401, "sign_in_required"), (200, "")},
        )
        # the owner of the mailbox comes in either way
        scene.other.ask_code(scene.email)
        scene.other.sign_in_by_code(scene.email, scene.other.code(scene.email))
        assert is_in(scene.other)


def test_invite_x_invite_one_invitation_and_one_mail(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        return [
            lambda: invite(scene.boss, scene.email, key="first-key-of-20-chars"),
            lambda: invite(scene.second, scene.email, key="second-key-of-20-char"),
        ]

    for scene, answers in schedules(site, gateway, flows):
        results = sorted(answer.json["results"][0]["result"] for answer in answers)
        assert results == ["already_invited", "invited"]
        assert len(scene.client.mails(scene.email)) == 1


def test_invite_x_the_same_invite_again_one_mail(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        tab, many = scene.boss.twin(), [scene.email, *(f"x{n}@example.com" for n in range(8))]
        return [lambda: invite(scene.boss, *many), lambda: invite(tab, *many)]

    for scene, answers in schedules(site, gateway, flows):
        for answer in answers:
            assert {one["result"] for one in answer.json["results"]} == {"invited"}
        assert len(scene.client.mails(scene.email)) == 1


def test_admit_x_revoke_and_admit_x_admit_leave_one_truth(site: Site, gateway: Gateway) -> None:
    def asked(scene: Scene) -> None:
        scene.client.register(scene.email)
        work = f"work{scene.number}@example.com"
        scene.id = invited(scene.boss, work)
        scene.token = scene.client.token(work)
        scene.client.post("/v1/invitations/transfer", {"token": scene.token})

    def with_revoke(scene: Scene) -> list[Flow]:
        asked(scene)
        return [
            lambda: step(scene.boss, scene.id, "transfer/approve"),
            lambda: step(scene.second, scene.id, ""),
        ]

    def twice(scene: Scene) -> list[Flow]:
        asked(scene)
        return [
            lambda: step(scene.boss, scene.id, "transfer/approve"),
            lambda: step(scene.second, scene.id, "transfer/approve"),
        ]

    for scene, (admitted, revoked) in schedules(site, gateway, with_revoke):
        assert said(revoked) == (204, "")
        assert said(admitted) in {(200, ""), (409, "wrong_state")}
        assert is_in(scene.client) == (said(admitted) == (200, ""))
    for scene, answers in schedules(site, gateway, twice):
        assert sorted(said(one) for one in answers) == [(200, ""), (409, "wrong_state")]
        assert is_in(scene.client)
        assert len(scene.client.mails(scene.email)) == 1


def test_a_changed_address_x_an_invitation_of_it_loses_no_gallery(
    site: Site, gateway: Gateway
) -> None:
    """Whatever was mailed before the change took effect is still his afterwards."""

    def flows(scene: Scene) -> list[Flow]:
        scene.client.register(scene.email)
        scene.invited()
        new = f"new{scene.number}@example.com"
        scene.client.post("/v1/account/email", {"email": new})
        token = scene.client.token(new)
        club = scene.boss.post("/v1/staff/galleries", {"title": "Club"}).json["id"]
        scene.id = club
        return [
            lambda: invite(scene.boss, scene.email, gallery=club, key="second-key-of-20-char"),
            lambda: scene.client.post("/v1/account/email/redeem", {"token": token}),
        ]

    kept = set()
    for scene, (also, changed) in schedules(site, gateway, flows):
        assert changed.status_code == 200
        assert also.json["results"][0]["result"] == "invited"
        assert is_in(scene.client)
        kept.add(is_in(scene.client, scene.id))
        site.advance(60)
        scene.other.register(scene.email)
        assert not is_in(scene.other)
        assert not is_in(scene.other, scene.id)
    assert True in kept


def test_delete_x_accept_leaves_nothing_behind(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.client.register(scene.email)
        club = scene.boss.post("/v1/staff/galleries", {"title": "Club"}).json["id"]
        invited(scene.boss, scene.email, gallery=club)
        scene.id, token = club, scene.client.token(scene.email)
        return [
            lambda: accept(scene.client, token, name=None),
            lambda: scene.boss.send("DELETE", f"/v1/staff/galleries/{club}"),
        ]

    for scene, (accepted, deleted) in schedules(site, gateway, flows):
        assert deleted.status_code == 204
        assert said(accepted) in {(200, ""), (410, "link_expired")}
        assert not is_in(scene.client, scene.id)
        left = [
            r for r in site.cloud.rows() if scene.id in r["pk"]["S"] or scene.id in r["sk"]["S"]
        ]
        assert [r["sk"]["S"] for r in left if not r["sk"]["S"].startswith("KEY#")] == []


def test_revoke_x_change_of_address_nobody_stays_in_who_was_withdrawn(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.client.register(scene.email)
        scene.invited()
        accept(scene.client, scene.token, name=None)
        new = f"new{scene.number}@example.com"
        scene.client.post("/v1/account/email", {"email": new})
        token = scene.client.token(new)
        return [
            lambda: scene.client.post("/v1/account/email/redeem", {"token": token}),
            lambda: step(scene.boss, scene.id, ""),
        ]

    for scene, (changed, revoked) in schedules(site, gateway, flows):
        assert changed.status_code == 200
        assert said(revoked) == (204, "")
        assert not is_in(scene.client)


def test_f7_a_change_of_address_killed_anywhere_and_asked_again_keeps_every_gallery(
    site: Site, gateway: Gateway
) -> None:
    scene = Scene(site, gateway)
    scene.client.register(scene.email)
    clubs = []
    for number in range(10):
        club = scene.boss.post("/v1/staff/galleries", {"title": f"Club {number}"}).json["id"]
        invited(scene.boss, scene.email, gallery=club, key=f"a-key-number-{number:08}")
        clubs.append(club)
    scene.client.post("/v1/account/email", {"email": "new@example.com"})
    token = scene.client.token("new@example.com")
    site.advance(60)
    site.drain()
    back = site.remember()

    def act() -> Any:
        return scene.client.post("/v1/account/email/redeem", {"token": token})

    for number in range(calls_of(site.cloud, act)):
        for death in (killed_before, killed_after):
            back()
            site.cloud.intercept = Fault(death, number)
            with pytest.raises(Killed):
                act()
            site.cloud.intercept = None
            assert act().status_code == 200
            assert all(is_in(scene.client, club) for club in clubs), number
            what_waits_was_mailed_once(site)


def test_two_who_take_a_gallery_away_at_once_are_both_told_it_is_gone(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        club = scene.boss.post("/v1/staff/galleries", {"title": "Club"}).json["id"]
        path = f"/v1/staff/galleries/{club}"
        return [lambda: scene.boss.send("DELETE", path), lambda: scene.second.send("DELETE", path)]

    for _, answers in schedules(site, gateway, flows):
        assert {said(answer) for answer in answers} <= {(204, ""), (404, "not_found")}


def test_a_gallery_goes_with_everybody_who_came_in_by_two_invitations(
    site: Site, gateway: Gateway
) -> None:
    scene = Scene(site, gateway)
    club = scene.boss.post("/v1/staff/galleries", {"title": "Club", "transfers": "approve"}).json[
        "id"
    ]
    scene.client.register(scene.email)
    work = f"work{scene.number}@example.com"
    first = invited(scene.boss, work, gallery=club)
    token = scene.client.token(work)
    scene.client.post("/v1/invitations/transfer", {"token": token})
    step(scene.boss, first, "transfer/approve", gallery=club)
    invited(scene.boss, scene.email, gallery=club, key="second-key-of-20-char")
    accept(scene.client, scene.client.token(scene.email), name=None)
    assert scene.boss.send("DELETE", f"/v1/staff/galleries/{club}").status_code == 204
    assert not [r for r in site.cloud.rows() if r["sk"]["S"] == f"GRANT#{club}"]


def test_pictures_hidden_and_renamed_at_once_are_both(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        path = "/v1/staff/galleries/coast/pictures/low-tide"
        return [
            lambda: scene.boss.send("PATCH", path, json={"hidden": True}),
            lambda: scene.second.send("PATCH", path, json={"title": "Ebb"}),
        ]

    for _, answers in schedules(site, gateway, flows):
        assert [answer.status_code for answer in answers] == [200, 200]
        row = plain({"M": site.cloud.row("GALLERY#coast", "GALLERY#PICTURE#low-tide") or {}})
        assert (row["title"], row["hidden"]) == ("Ebb", True)


# ---- faults --------------------------------------------------------------------------------------


def _invite(scene: Scene) -> Flow:
    return lambda: invite(scene.boss, scene.email)


def _accept_new(scene: Scene) -> Flow:
    scene.client.add(VOUCHER)
    scene.invited()
    return lambda: accept(scene.client, scene.token, password=PASSWORD)


def _accept_known(scene: Scene) -> Flow:
    scene.client.register(scene.email)
    scene.invited()
    return lambda: accept(scene.client, scene.token, name=None)


def _resend(scene: Scene) -> Flow:
    scene.invited()
    key = {"Idempotency-Key": "a-key-of-twenty-char"}
    path = f"/v1/staff/galleries/{WEDDING}/invitations/{scene.id}/resend"
    return lambda: scene.boss.send("POST", path, headers=key, json={})


def _correct(scene: Scene) -> Flow:
    scene.invited()
    key = {"Idempotency-Key": "a-key-of-twenty-char"}
    path = f"/v1/staff/galleries/{WEDDING}/invitations/{scene.id}/correct"
    body = {"address": f"right{scene.number}@example.com"}
    return lambda: scene.boss.send("POST", path, headers=key, json=body)


def _revoke(scene: Scene) -> Flow:
    scene.invited()
    accept(scene.client, scene.token)
    return lambda: step(scene.boss, scene.id, "")


def _decline(scene: Scene) -> Flow:
    scene.invited()
    return lambda: scene.client.post("/v1/invitations/decline", {"token": scene.token})


def _transfer(scene: Scene) -> Flow:
    scene.other.register(f"other{scene.number}@example.com")
    scene.invited()
    return lambda: scene.other.post("/v1/invitations/transfer", {"token": scene.token})


FLOWS: dict[str, Callable[[Scene], Flow]] = {
    "invite": _invite,
    "accept, new": _accept_new,
    "accept, known": _accept_known,
    "resend": _resend,
    "correct": _correct,
    "revoke": _revoke,
    "decline": _decline,
    "transfer": _transfer,
}


def ends_well(site: Site, scene: Scene, flow: str) -> None:
    site.drain()
    is_consistent(site)
    what_waits_was_mailed_once(site)
    state = {
        "accept, new": "accepted",
        "accept, known": "accepted",
        "correct": "revoked",
        "revoke": "revoked",
        "decline": "declined",
        "transfer": "transferring",
    }.get(flow, "pending")
    assert scene.state() == state
    if flow == "accept, new":
        assert scene.client.quantities() == {"voucher": 1}
    if flow.startswith("accept"):
        assert is_in(scene.client)
    if flow in {"invite", "resend"}:
        assert len(scene.client.mails(scene.email)) == 1  # since the flow began
    if flow == "correct":
        assert len(scene.client.mails(f"right{scene.number}@example.com")) == 1


@pytest.mark.parametrize("flow", FLOWS)
def test_g1_a_fault_at_any_call_ends_as_if_there_had_been_none(
    site: Site, gateway: Gateway, flow: str
) -> None:
    scene = Scene(site, gateway)
    act = FLOWS[flow](scene)
    site.drain()
    back = site.remember()
    cookies = dict(scene.client.cookies)
    calls = calls_of(site.cloud, act)
    assert calls
    for number in range(calls):
        for fault in TRANSIENT.values():
            back()
            scene.client.cookies = dict(cookies)
            site.cloud.intercept = Fault(fault, number)
            answer = act()
            site.cloud.intercept = None
            if answer.status_code == 503:
                answer = act()
            assert answer.status_code < 300, (number, answer.json)
            ends_well(site, scene, flow)


@pytest.mark.parametrize("flow", FLOWS)
def test_f7_killed_at_any_call_and_asked_again_it_ends_the_same(
    site: Site, gateway: Gateway, flow: str
) -> None:
    scene = Scene(site, gateway)
    act = FLOWS[flow](scene)
    site.drain()
    back = site.remember()
    cookies = dict(scene.client.cookies)
    for number in range(calls_of(site.cloud, act)):
        for death in (killed_before, killed_after):
            back()
            scene.client.cookies = dict(cookies)
            site.cloud.intercept = Fault(death, number)
            with pytest.raises(Killed):
                act()
            site.cloud.intercept = None
            answer = act()
            assert answer.status_code < 300, (number, answer.json)
            ends_well(site, scene, flow)


# ---- a thousand at once --------------------------------------------------------------------------


def test_p14_a_thousand_addresses_killed_after_each_write_and_asked_again_are_all_invited_once(
    site: Site, gateway: Gateway
) -> None:
    """The first attempt dies right after its first write, the next after its second, and so on;
    each goes on under the same key where the one before stopped."""
    boss = photographer(site).browser
    many = [f"guest{n:04}@example.com" for n in range(1000)]
    deaths = 0
    while True:
        site.cloud.intercept = Fault(killed_after, deaths, operation="TransactWriteItems")
        try:
            answer = invite(boss, *many)
        except Killed:
            deaths += 1
            continue
        break
    site.cloud.intercept = None
    assert deaths == 16  # 1 + 2 + … + 16 writes, of 150: seven addresses each, fifteen to a hundred
    assert answer.json["remaining"] == 0
    assert Counter(one["result"] for one in answer.json["results"]) == {"invited": 1000}
    rows = [row for row in site.cloud.rows() if row["pk"]["S"].startswith("OUTBOX#")]
    mailed = Counter(row["to"]["S"] for row in rows if row.get("kind", {}).get("S") == "invitation")
    assert mailed == Counter(many)
    again = invite(boss, *many)
    assert again.json == answer.json
    assert boss.cost()["writes"] == 0
    what_waits_was_mailed_once(site)


def test_p14_killed_before_or_after_any_call_of_a_batch_nobody_is_forgotten_or_mailed_twice(
    site: Site, gateway: Gateway
) -> None:
    boss = photographer(site).browser
    many = [f"guest{n:04}@example.com" for n in range(16)]
    site.drain()
    back = site.remember()
    for number in range(calls_of(site.cloud, lambda: invite(boss, *many))):
        for death in (killed_before, killed_after):
            back()
            site.cloud.intercept = Fault(death, number)
            with pytest.raises(Killed):
                invite(boss, *many)
            site.cloud.intercept = None
            answer = invite(boss, *many).json
            assert {one["result"] for one in answer["results"]} == {"invited"}
            site.drain()
            sent = Counter(mail["to"] for mail in boss.get("/_dev/mail.json").json)
            assert {address: sent[address] for address in many} == dict.fromkeys(many, 1)


def test_p14_a_call_that_runs_out_of_time_says_how_many_remain_and_goes_on(
    site: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = photographer(site).browser
    many = [f"guest{n:04}@example.com" for n in range(40)]
    request = site.module("foyer.web.request").Request
    left = iter([True, True, False, True, False, *[True] * 9])
    monkeypatch.setattr(request, "time_is_left", lambda _: next(left))
    answers = [invite(boss, *many).json for _ in range(3)]
    assert [one["remaining"] for one in answers] == [26, 19, 0]
    assert [len(one["results"]) for one in answers] == [14, 21, 40]


def test_p14_units_grow_with_the_addresses_and_with_nothing_else(
    site: Site, gateway: Gateway
) -> None:
    boss = photographer(site).browser
    costs = []
    for number, size in enumerate((70, 140, 280)):
        many = [f"g{number}x{n:04}@example.com" for n in range(size)]
        invite(boss, *many, key=f"key-number-{number}-of-20")
        costs.append(boss.cost())
    per = [cost["writes"] / size for cost, size in zip(costs, (70, 140, 280), strict=True)]
    # invitation, mail, request that is answered: two each in a transaction; and what seven share
    assert max(per) <= 6 + 9 / 7
    assert max(per) - min(per) < 0.3
    assert [cost["calls"] for cost in costs] == [12, 24, 46]
