"""Staff decide while others act: every order of two flows' calls, and a fault at each call. One
winner, one administrator, and no session that should be dead (G1, G3, R27, A13)."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from local.cloud import Send
from local.gateway import Gateway
from local.site import Site
from tests.conftest import SCHEDULES
from tests.people import HOTEL, STUDIO, Person, administrator, is_consistent, plant
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
    DONE,
    OTHER_PASSWORD,
    PASSWORD,
    VOUCHER,
    Answer,
    Browser,
    orders,
    said,
    settled,
)

_number = count(1)
Flow = Callable[[], Any]


class Scene:
    """The people of one schedule."""

    def __init__(self, site: Site, gateway: Gateway) -> None:
        number = next(_number)
        self.site = site
        self.number = number
        self.email = f"d{number}@example.com"
        self.boss = administrator(site)
        self.second = plant(site, "second", role=("site_administrator", "root"), org="root")
        self.client = Browser(gateway, address=f"10.9.{number % 250}.1")
        self.other = Browser(gateway, address=f"10.9.{number % 250}.2")
        self.id = ""
        # the demo's own administrator is not of this scene
        give(self.boss, "demo-administrator-001")

    def waiting(self) -> "Scene":
        self.client.add(VOUCHER)
        self.client.sign_up(self.email, organization_id=HOTEL)
        self.client.activate(self.client.token(self.email))
        self.id = self.client.who()
        return self

    def registered(self) -> "Scene":
        self.client.register(self.email)
        self.client.add(VOUCHER)
        self.id = self.client.who()
        return self

    def status(self) -> str:
        row = self.site.cloud.row(f"USER#{self.id}", "USER") or {}
        return str(row["status"]["S"])

    def mails(self, part: str) -> int:
        return sum(part in mail["subject"] for mail in self.client.mails(self.email))


@pytest.fixture(autouse=True)
def warm(site: Site, gateway: Gateway) -> None:
    """Keys are fetched before anything is counted."""
    Browser(gateway, address="10.8.0.1").register("warm@example.com")


def schedules(
    site: Site, gateway: Gateway, flows: Callable[[Scene], list[Flow]], most: int = SCHEDULES
) -> Iterator[tuple[Scene, list[Any]]]:
    """Every order of the flows' calls: the scene is set once, and is as it was before each."""
    scene = Scene(site, gateway)
    made = flows(scene)
    for results in orders(site, made, most):
        yield scene, results
        is_consistent(site)


def do(who: Person, user_id: str, what: str, **body: Any) -> Answer:
    return who.browser.post(f"/v1/staff/users/{user_id}/{what}", body)


def give(who: Person, user_id: str, *roles: tuple[str, str]) -> Answer:
    given = [{"role": role, "organization_id": org} for role, org in roles]
    return who.browser.send("PUT", f"/v1/staff/users/{user_id}/roles", json={"roles": given})


LATE = (409, "wrong_status")


def test_a13_approve_x_reject_one_wins_and_one_mail_goes_out(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.waiting()
        return [
            lambda: do(scene.boss, scene.id, "approve"),
            lambda: do(scene.second, scene.id, "reject", reason="No."),
        ]

    seen = set()
    for scene, (approved, rejected) in schedules(site, gateway, flows):
        assert sorted([said(approved), said(rejected)]) == [DONE, LATE]
        won = "approved" if said(approved) == DONE else "rejected"
        assert scene.status() == won
        assert scene.mails("is approved") + scene.mails("Your registration") == 1
        guest = scene.client.session()["authentication"]
        assert guest == ("generic" if won == "approved" else "guest")
        seen.add(won)
    assert seen == {"approved", "rejected"}


def test_approve_x_what_the_waiting_guest_does_loses_no_line(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.waiting()
        tab = scene.client.twin()
        return [
            lambda: do(scene.boss, scene.id, "approve"),
            lambda: tab.add({**VOUCHER, "product_id": "calendar"}),
        ]

    for scene, (approved, added) in schedules(site, gateway, flows):
        assert said(approved) == DONE
        assert added.status_code == 201 or said(added) == (409, "session_changed")
        scene.other.ask_code(scene.email)
        code = scene.other.code(scene.email)
        assert scene.other.sign_in_by_code(scene.email, code).status_code == 200
        assert ("calendar" in scene.other.quantities()) == (added.status_code == 201)


def test_reject_x_approve_x_register_again_elsewhere_leaves_one_owner_of_the_address(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.waiting()
        do(scene.boss, scene.id, "reject", reason="No.")
        scene.other.sign_up(scene.email)
        token = scene.other.token(scene.email)
        scene.client.sign_up(scene.email, organization_id=HOTEL)
        mine = scene.client.token(scene.email)
        return [lambda: scene.other.activate(token), lambda: scene.client.activate(mine)]

    for scene, (elsewhere, here) in schedules(site, gateway, flows):
        outcomes = {said(elsewhere), said(here)}
        assert DONE in outcomes
        assert outcomes <= {
            DONE,
            (409, "already_active"),
            (409, "session_changed"),
            (422, "password_required"),  # his address has gone to another user: as elsewhere
        }
        row = site.cloud.row(f"EMAIL#{scene.email}", "EMAIL") or {}
        assert row["user"]["S"] in {scene.id, scene.other.who()}


@pytest.mark.parametrize("change", ["roles", "disable"])
@pytest.mark.parametrize("by", ["password", "code"])
def test_r27_role_change_or_disable_x_sign_in_no_session_survives_that_should_be_dead(
    site: Site, gateway: Gateway, change: str, by: str
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.registered()
        code = ""
        if by == "code":
            scene.other.ask_code(scene.email)
            code = scene.other.code(scene.email)
        enter = {
            "password": lambda: scene.other.sign_in(scene.email),
            "code": lambda: scene.other.sign_in_by_code(scene.email, code),
        }[by]
        changes = {
            "roles": lambda: give(scene.boss, scene.id, ("photographer", STUDIO)),
            "disable": lambda: do(scene.boss, scene.id, "disable"),
        }
        return [enter, changes[change]]

    for scene, (entered, changed) in schedules(site, gateway, flows):
        assert said(changed) == DONE
        assert said(entered) in {
            DONE,
            (401, "wrong_credentials"),
            (401, "code_required"),
            (403, "account_disabled"),
        }
        session = scene.other.session()
        if session["authentication"] == "signed_in":
            # he came in after the change, with the roles he has now
            assert change == "roles"
            assert session["user"]["registration_type"] == "A"
            assert by == "password", "a code alone never signs staff in (0.10)"
        assert scene.client.session()["authentication"] == "generic"
        if change == "disable":
            do(scene.boss, scene.id, "enable")
            assert scene.client.session()["authentication"] == "generic"
            assert scene.other.session()["authentication"] == "generic"


DEEDS: dict[str, Callable[[Scene], Flow]] = {
    "look": lambda s: lambda: s.client.get("/v1/cart"),
    "add": lambda s: lambda: s.client.add(VOUCHER),
    "password": lambda s: lambda: s.client.choose_password(OTHER_PASSWORD),
    "proof": lambda s: lambda: s.client.post("/v1/account/proof", {"password": PASSWORD}),
    "address": lambda s: lambda: s.client.post("/v1/account/email", {"email": "x@example.com"}),
    "sign out": lambda s: lambda: s.client.send("DELETE", "/v1/session"),
    "end others": lambda s: lambda: s.client.send("DELETE", "/v1/account/sessions"),
}


@pytest.mark.parametrize("deed", [*DEEDS, "reset", "confirm"])
def test_r27_disable_x_any_request_of_his_leaves_him_out(
    site: Site, gateway: Gateway, deed: str
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.registered()
        if deed == "reset":
            scene.other.post("/v1/password-resets", {"email": scene.email})
            token = scene.other.token(scene.email)
            act: Flow = lambda: scene.other.reset(token)  # noqa: E731
        elif deed == "confirm":
            scene.client.post("/v1/account/email", {"email": f"x{scene.number}@example.com"})
            token = scene.client.token(f"x{scene.number}@example.com")
            act = lambda: scene.client.post("/v1/account/email/redeem", {"token": token})  # noqa: E731
        else:
            act = DEEDS[deed](scene)
        return [lambda: do(scene.boss, scene.id, "disable"), act]

    for scene, (disabled, acted) in schedules(site, gateway, flows):
        assert said(disabled) == DONE
        assert acted.status_code < 500
        assert scene.status() == "disabled"
        for browser in (scene.client, scene.other):
            assert browser.session()["authentication"] == "generic"
        do(scene.boss, scene.id, "enable")
        for browser in (scene.client, scene.other):
            assert browser.session()["authentication"] == "generic"


@pytest.mark.parametrize("how", ["demote", "disable"])
def test_0_10_two_administrators_who_remove_each_other_leave_one(
    site: Site, gateway: Gateway, how: str
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        def remove(actor: Person, target: Person) -> Flow:
            if how == "demote":
                return lambda: give(actor, target.id)
            return lambda: do(actor, target.id, "disable")

        return [remove(scene.boss, scene.second), remove(scene.second, scene.boss)]

    winners = set()
    for scene, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers].count(DONE) == 1
        winner, loser = (
            (scene.boss, scene.second) if said(answers[0]) == DONE else (scene.second, scene.boss)
        )
        assert {said(answer) for answer in answers} <= {
            DONE,
            (401, "sign_in_required"),
            (409, "session_changed"),
            (409, "last_administrator"),
            (404, "not_found"),
        }
        assert winner.browser.session()["user"]["registration_type"] == "S"
        assert loser.browser.session()["authentication"] == "generic"
        winners.add(winner.id)
    assert len(winners) == 2


def test_0_10_three_administrators_two_removed_at_once_by_the_third_and_each_other(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        third = plant(site, "third", role=("site_administrator", "root"), org="root")
        return [
            lambda: give(scene.boss, scene.second.id),
            lambda: give(scene.second, third.id),
        ]

    for _, answers in schedules(site, gateway, flows):
        assert all(answer.status_code < 500 for answer in answers)


def test_edit_x_approve_lists_show_both(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.waiting()
        path = f"/v1/staff/users/{scene.id}"
        return [
            lambda: scene.boss.browser.send("PATCH", path, json={"name": "New Name"}),
            lambda: do(scene.second, scene.id, "approve"),
        ]

    for scene, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers] == [DONE, DONE]
        (found,) = scene.boss.browser.get(f"/v1/staff/users?email={scene.email}").json["items"]
        assert (found["name"], found["status"]) == ("New Name", "approved")


def test_resend_x_activate_of_an_opened_account_the_old_link_or_the_new_one(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        form = {"email": scene.email, "name": "Nina", "profile_type": "C"}
        scene.id = scene.boss.browser.post("/v1/staff/users", form).json["id"]
        token = scene.client.token(scene.email)
        return [
            lambda: scene.client.activate(token, password=PASSWORD),
            lambda: do(scene.boss, scene.id, "resend"),
        ]

    for scene, (activated, resent) in schedules(site, gateway, flows):
        assert said(resent) in {(204, ""), LATE}
        assert said(activated) in {DONE, (410, "link_replaced")}
        if said(activated) != DONE:
            newest = scene.client.token(scene.email)
            assert said(scene.client.activate(newest, password=PASSWORD)) == DONE
        assert scene.client.who() == scene.id


ACTS: dict[str, Callable[[Scene], Answer]] = {
    "approve": lambda s: do(s.boss, s.id, "approve"),
    "reject": lambda s: do(s.boss, s.id, "reject", reason="No."),
    "roles": lambda s: give(s.boss, "demo-client-0000000001", ("photographer", STUDIO)),
    "edit": lambda s: s.boss.browser.send(
        "PATCH", f"/v1/staff/users/{s.id}", json={"name": "New Name"}
    ),
    "open": lambda s: s.boss.browser.post(
        "/v1/staff/users", {"email": "o@example.com", "name": "O", "profile_type": "C"}
    ),
    "reset": lambda s: do(s.boss, "demo-client-0000000001", "password-reset"),
    "organization": lambda s: s.boss.browser.post(
        "/v1/staff/organizations", {"name": "O", "parent_id": "root"}
    ),
    "setting": lambda s: s.boss.browser.send(
        "PATCH", f"/v1/staff/organizations/{HOTEL}", json={"approval": "not_required"}
    ),
}


@pytest.mark.parametrize("how", ["disable", "demote"])
@pytest.mark.parametrize("act", ACTS)
def test_f6_a15_who_loses_his_powers_while_he_decides_decides_nothing(
    site: Site, gateway: Gateway, act: str, how: str
) -> None:
    """The other's whole deed happens just before his own is written."""
    scene = Scene(site, gateway).waiting()
    written: list[Any] = []

    def meanwhile(send: Send) -> Any:
        site.cloud.intercept = None
        removed = (
            do(scene.second, scene.boss.id, "disable")
            if how == "disable"
            else give(scene.second, scene.boss.id)
        )
        assert said(removed) == DONE
        site.drain()
        written.append(site.cloud.rows())
        return send()

    # limits are counted before, in a transaction as well where they are several
    at = 1 if act in {"open", "reset"} else 0
    site.cloud.intercept = Fault(meanwhile, at, operation="TransactWriteItems")
    answer = ACTS[act](scene)
    site.cloud.intercept = None
    assert said(answer) in {(401, "sign_in_required"), (409, "session_changed"), (503, "busy")}
    assert [site.cloud.rows()] == written
    is_consistent(site)


# ---- the address ---------------------------------------------------------------------------------


def asked_for(scene: Scene) -> tuple[str, str]:
    """The new address and the token mailed to it."""
    new = f"new{scene.number}@example.com"
    assert scene.client.post("/v1/account/email", {"email": new}).status_code == 200
    return new, scene.client.token(new)


def test_address_change_x_registration_of_it_by_somebody_else_one_has_it(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.registered()
        new, token = asked_for(scene)
        scene.other.sign_up(new)
        theirs = scene.other.token(new)
        return [
            lambda: scene.client.post("/v1/account/email/redeem", {"token": token}),
            lambda: scene.other.activate(theirs),
        ]

    seen = set()
    for scene, (changed, registered) in schedules(site, gateway, flows):
        assert {said(changed), said(registered)} in (
            {DONE, (409, "already_active")},
            {DONE, (409, "address_taken")},
        )
        assert scene.client.session()["authentication"] == "signed_in"
        seen.add(said(changed))
    assert len(seen) == 2


def test_a4_address_change_x_reset_the_link_is_dead_or_the_old_sessions_are(
    site: Site, gateway: Gateway
) -> None:
    """An intruder in the session asks for his own address; the owner chooses a new password."""

    def flows(scene: Scene) -> list[Flow]:
        scene.registered()
        scene.other.post("/v1/password-resets", {"email": scene.email})
        reset = scene.other.token(scene.email)
        _, token = asked_for(scene)
        return [
            lambda: scene.client.post("/v1/account/email/redeem", {"token": token}),
            lambda: scene.other.reset(reset),
        ]

    seen = set()
    for scene, (changed, reset) in schedules(site, gateway, flows):
        outcome = said(changed), said(reset)
        # whichever came first made the other void: the owner is told of either by mail
        assert DONE in outcome
        assert outcome != (DONE, DONE)
        winner, loser = (
            (scene.client, scene.other) if outcome[0] == DONE else (scene.other, scene.client)
        )
        assert winner.session()["authentication"] == "signed_in"
        assert loser.session()["authentication"] == "generic"
        seen.add(outcome[0] == DONE)
    assert seen == {True, False}


@pytest.mark.parametrize("end", ["sign out", "ended elsewhere"])
def test_address_change_x_the_end_of_its_session_does_not_bring_it_back(
    site: Site, gateway: Gateway, end: str
) -> None:
    """The client's browser is a thief's, perhaps: his session is ended while he redeems."""

    def flows(scene: Scene) -> list[Flow]:
        scene.registered()
        scene.other.sign_in(scene.email)
        _, token = asked_for(scene)
        items = scene.other.get("/v1/account/sessions").json["items"]
        (theirs,) = [item["id"] for item in items if not item["current"]]
        ends = {
            "sign out": lambda: scene.client.twin().send("DELETE", "/v1/session"),
            "ended elsewhere": lambda: scene.other.send("DELETE", f"/v1/account/sessions/{theirs}"),
        }
        return [
            lambda: scene.client.post("/v1/account/email/redeem", {"token": token}),
            ends[end],
        ]

    for scene, (_, ended) in schedules(site, gateway, flows):
        if ended.status_code == 204:
            assert scene.client.session()["authentication"] == "generic"
        else:
            assert said(ended) in {(401, "sign_in_required"), (409, "session_changed")}


def test_two_changes_of_an_organization_lose_neither(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        path = f"/v1/staff/organizations/{HOTEL}"
        scene.boss.browser.send("PATCH", path, json={"approval": "not_required"})
        return [
            lambda: scene.boss.browser.send("PATCH", path, json={"approval": "required"}),
            lambda: scene.second.browser.send("PATCH", path, json={"name": "Miramar"}),
        ]

    for scene, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers] == [DONE, DONE]
        seen = scene.boss.browser.get(f"/v1/staff/organizations/{HOTEL}").json
        assert (seen["name"], seen["approval"]) == ("Miramar", "required")


def test_two_clicks_on_the_link_change_the_address_once(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.registered()
        scene.new, token = asked_for(scene)  # type: ignore[attr-defined]
        tab = scene.client.twin()
        return [
            lambda: scene.client.post("/v1/account/email/redeem", {"token": token}),
            lambda: tab.post("/v1/account/email/redeem", {"token": token}),
        ]

    for scene, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers] == [DONE, DONE]
        new = scene.new  # type: ignore[attr-defined]
        assert scene.client.session()["user"]["email"] == new
        assert sum("was changed" in mail["subject"] for mail in scene.client.mails(new)) == 1


# ---- faults --------------------------------------------------------------------------------------


def _approve(scene: Scene) -> Callable[[], Answer]:
    scene.waiting()
    return lambda: do(scene.boss, scene.id, "approve")


def _reject(scene: Scene) -> Callable[[], Answer]:
    scene.waiting()
    return lambda: do(scene.boss, scene.id, "reject", reason="No.")


def _disable(scene: Scene) -> Callable[[], Answer]:
    return lambda: do(scene.boss, scene.second.id, "disable")


def _roles(scene: Scene) -> Callable[[], Answer]:
    scene.registered()
    return lambda: give(scene.boss, scene.id, ("site_administrator", "root"))


def _edit(scene: Scene) -> Callable[[], Answer]:
    scene.registered()
    path = f"/v1/staff/users/{scene.id}"
    return lambda: scene.boss.browser.send("PATCH", path, json={"name": "New Name"})


def _open(scene: Scene) -> Callable[[], Answer]:
    form = {"email": scene.email, "name": "Nina", "profile_type": "C"}
    key = {"Idempotency_Key": f"open-an-account-{scene.number}"}
    return lambda: scene.boss.browser.post("/v1/staff/users", form, **key)


def _ask_approval(scene: Scene) -> Callable[[], Answer]:
    scene.client.sign_up(scene.email, organization_id=HOTEL)
    token = scene.client.token(scene.email)
    return lambda: scene.client.activate(token)


def _take_opened(scene: Scene) -> Callable[[], Answer]:
    form = {"email": scene.email, "name": "Nina", "profile_type": "C"}
    scene.boss.browser.post("/v1/staff/users", form)
    token = scene.client.token(scene.email)
    return lambda: scene.client.activate(token, password=PASSWORD)


def _address(scene: Scene) -> Callable[[], Answer]:
    scene.registered()
    _, token = asked_for(scene)
    return lambda: scene.client.post("/v1/account/email/redeem", {"token": token})


FLOWS = {
    "approve": _approve,
    "reject": _reject,
    "disable": _disable,
    "roles": _roles,
    "edit": _edit,
    "open": _open,
    "ask approval": _ask_approval,
    "take an opened account": _take_opened,
    "change the address": _address,
}
# What was done is not done again: asked once more, the answer says how it stands.
AGAIN = {DONE, (201, ""), LATE}


def trials(
    site: Site, gateway: Gateway, flow: str
) -> Iterator[tuple[Scene, Callable[[], Answer], int]]:
    """The flow, ready to go, once for each call it makes."""
    scene = Scene(site, gateway)
    go = FLOWS[flow](scene)
    back = settled(site)
    for at in range(calls_of(site.cloud, go)):
        back()
        yield scene, go, at


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("flow", FLOWS)
def test_f1_f5_one_fault_at_any_call_is_mended(
    site: Site, gateway: Gateway, flow: str, fault: str
) -> None:
    for _, go, at in trials(site, gateway, flow):
        site.cloud.intercept = Fault(TRANSIENT[fault], at)
        answer = go()
        site.cloud.intercept = None
        if answer.status_code == 503:  # a plain read or write that met a conflict
            answer = go()
        assert said(answer) in {DONE, (201, "")}, (at, answer.json)
        is_consistent(site)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_lost_answer_can_be_asked_for_again_and_nothing_is_done_twice(
    site: Site, gateway: Gateway, flow: str
) -> None:
    for scene, go, at in trials(site, gateway, flow):
        site.cloud.intercept = Fault(lost_answer, *range(at, 99))
        answer = go()
        site.cloud.intercept = None
        assert said(answer) == (503, "unavailable"), (at, answer.json)
        assert said(go()) in AGAIN, at
        is_consistent(site)
        mails = scene.client.get("/_dev/mail.json").json
        kinds = [(mail["to"], mail["subject"]) for mail in mails]
        assert len(kinds) == len(set(kinds)), "each mail once"


@pytest.mark.parametrize("death", [killed_before, killed_after])
@pytest.mark.parametrize("flow", FLOWS)
def test_f8_a_process_that_dies_half_way_leaves_nothing_half_done(
    site: Site, gateway: Gateway, flow: str, death: Callable[[Send], Any]
) -> None:
    for _, go, at in trials(site, gateway, flow):
        site.cloud.intercept = Fault(death, at)
        with pytest.raises(Killed):
            go()
        site.cloud.intercept = None
        is_consistent(site)
        assert said(go()) in AGAIN
        is_consistent(site)


def test_two_sweeps_at_once_tell_staff_once(site: Site, gateway: Gateway) -> None:
    digests = site.module("foyer.operations.digests")

    def flows(scene: Scene) -> list[Flow]:
        scene.waiting()
        return [lambda: digests.tell(site.now() + 900) for _ in range(2)]

    for scene, told in schedules(site, gateway, flows):
        assert sorted(told) == [0, 2]
        for person in (scene.boss, scene.second):
            mails = scene.client.mails(person.email)
            assert sum("for approval" in mail["subject"] for mail in mails) == 1


def test_g4_fifty_who_approve_and_reject_at_once_are_one_decision(
    site: Site, gateway: Gateway
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    scene = Scene(site, gateway).waiting()
    crowd = [scene.boss.browser.twin() for _ in range(25)]
    crowd += [scene.second.browser.twin() for _ in range(25)]

    def decide(pair: tuple[int, Browser]) -> Answer:
        what = "approve" if pair[0] % 2 else "reject"
        body = {} if pair[0] % 2 else {"reason": "No."}
        return pair[1].post(f"/v1/staff/users/{scene.id}/{what}", body)

    with ThreadPoolExecutor(50) as pool:
        told = [said(answer) for answer in pool.map(decide, enumerate(crowd))]
    assert told.count(DONE) == 1
    assert set(told) <= {DONE, LATE, (503, "busy"), (503, "unavailable")}
    assert scene.mails("is approved") + scene.mails("Your registration") == 1
    is_consistent(site)
