"""Orders while others act, and while calls fail: every order of two flows' calls, fifty at once, a
fault at each call (R51, A28, I4, G1, G3, G4). One order, one mail, equal answers; what was in the
cart is in the order or still in a cart, and `verify` finds nothing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from local.cloud import Send
from local.gateway import Gateway
from local.site import Site
from local.verify import plain_row
from tests.conftest import SCHEDULES
from tests.ordering import contact, move, new_key, place
from tests.people import administrator, is_consistent, plant
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
    PASSWORD,
    PRINT,
    VOUCHER,
    Answer,
    Browser,
    orders,
    said,
    settled,
)

_number = count(1)
Flow = Callable[[], Any]

PLACED = (201, "")
EMPTY = (409, "cart_empty")
CHANGED = (409, "session_changed")
LATE = (409, "wrong_status")
ALREADY = (409, "already_active")
NONE = (404, "not_found")


class Scene:
    """The people of one schedule, and the order it is about."""

    def __init__(self, site: Site, gateway: Gateway) -> None:
        number = next(_number)
        self.site, self.number = site, number
        self.email = f"o{number}@example.com"
        self.here = Browser(gateway, address=f"10.6.{number % 250}.1")
        self.there = Browser(gateway, address=f"10.6.{number % 250}.2")
        self.boss = administrator(site).browser
        self.second = plant(site, "second", role=("site_administrator", "root"), org="root").browser
        self.id = ""

    def filled(self) -> "Scene":
        self.here.add(PRINT)
        self.here.add({**VOUCHER, "quantity": 2})
        return self

    def ordered(self) -> "Scene":
        """A guest's order, to his address."""
        self.filled()
        self.id = str(place(self.here, self.email).json["id"])
        return self

    def registered(self) -> "Scene":
        self.here.register(self.email)
        return self

    def owned(self) -> "Scene":
        """A guest's order, to the address of somebody who is signed in `there`."""
        self.there.register(self.email)
        return self.ordered()

    def placed(self) -> list[Any]:
        """The orders that name the address, as rows."""
        rows = [plain_row(row) for row in self.site.cloud.rows() if row["sk"]["S"] == "ORDER"]
        return [row for row in rows if row["email"] == self.email]

    def mails(self, part: str = "") -> int:
        """How many mails of orders came to the address."""
        found = self.here.mails(self.email)
        return sum("order" in mail["subject"] and part in mail["subject"] for mail in found)

    def mine(self, browser: Browser) -> list[str]:
        return [one["id"] for one in browser.get("/v1/account/orders").json["items"]]

    def offered(self, browser: Browser) -> list[str]:
        return [one["id"] for one in browser.get("/v1/account/claims").json["items"]]


@pytest.fixture(autouse=True)
def warm(site: Site, gateway: Gateway) -> None:
    """Keys are fetched before anything is counted."""
    Browser(gateway, address="10.8.0.1").register("warm@example.com")


def schedules(
    site: Site, gateway: Gateway, flows: Callable[[Scene], list[Flow]], most: int = SCHEDULES
) -> Iterator[tuple[Scene, list[Any]]]:
    """Every order of the flows' calls: the scene is set once, and is as it was before each."""
    scene = Scene(site, gateway)
    for results in orders(site, flows(scene), most):
        yield scene, results
        site.drain()
        is_consistent(site)


# ---- placing -------------------------------------------------------------------------------------


def test_g4_fifty_posts_with_one_key_at_once_are_one_order_one_mail_and_equal_answers(
    site: Site, gateway: Gateway
) -> None:
    scene, key = Scene(site, gateway).filled(), new_key()
    tabs = [scene.here.twin() for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda tab: place(tab, scene.email, key=key), tabs))
    assert {said(answer) for answer in answers} == {PLACED}
    assert len({answer.text for answer in answers}) == 1
    assert len(scene.placed()) == 1
    assert scene.mails() == 1
    assert scene.here.quantities() == {}
    other = {"contact": contact("other@example.com")}
    answer = scene.here.post("/v1/orders", other, Idempotency_Key=key)
    assert said(answer) == (422, "idempotency_key_reused")
    is_consistent(site)


def test_g4_fifty_posts_with_a_key_each_order_one_cart_once(site: Site, gateway: Gateway) -> None:
    scene = Scene(site, gateway).filled()
    tabs = [scene.here.twin() for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        told = [said(a) for a in pool.map(lambda tab: place(tab, scene.email), tabs)]
    assert told.count(PLACED) == 1
    assert set(told) == {PLACED, EMPTY}
    assert len(scene.placed()) == scene.mails() == 1
    is_consistent(site)


def test_a28_a_double_click_in_every_order_is_one_order(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.filled()
        key, tab = new_key(), scene.here.twin()
        return [lambda b=b: place(b, scene.email, key=key) for b in (scene.here, tab)]  # type: ignore[misc]

    for scene, (one, other) in schedules(site, gateway, flows):
        assert (said(one), said(other)) == (PLACED, PLACED)
        assert one.json == other.json
        assert len(scene.placed()) == scene.mails() == 1
        assert scene.here.quantities() == {}


@pytest.mark.parametrize("who", ["guest", "client"])
def test_a28_two_tabs_that_order_one_cart_in_every_order_order_it_once(
    site: Site, gateway: Gateway, who: str
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        other = scene.here.twin()
        if who == "client":
            other = scene.there  # another computer of his
            scene.registered()
            other.sign_in(scene.email)
        scene.filled()
        if who == "guest":
            other = scene.here.twin()
        return [lambda b=b: place(b, scene.email) for b in (scene.here, other)]  # type: ignore[misc]

    winners = set()
    for scene, answers in schedules(site, gateway, flows):
        told = [said(answer) for answer in answers]
        assert sorted(told) == [PLACED, EMPTY]
        assert len(scene.placed()) == scene.mails() == 1
        assert scene.here.quantities() == {}
        winners.add(told.index(PLACED))
    assert winners == {0, 1}


def test_order_x_add_a_line_is_ordered_or_stays_in_the_cart(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.filled()
        tab = scene.here.twin()
        return [lambda: place(scene.here, scene.email), lambda: tab.add(CALENDAR)]

    seen = set()
    for scene, (placed, added) in schedules(site, gateway, flows):
        assert (said(placed), said(added)) == (PLACED, PLACED)
        (order,) = scene.placed()
        ordered = {line["p"] for line in order["lines"]}
        left = scene.here.quantities()
        assert left in ({}, {"calendar": 1})
        assert ("calendar" in ordered) != ("calendar" in left)
        assert {"print-30x45", "voucher"} <= ordered
        seen.add("calendar" in ordered)
    assert seen == {True, False}


def test_order_x_another_quantity_orders_what_was_there_or_what_is(
    site: Site, gateway: Gateway
) -> None:
    """A line that changed while it was ordered is gone: who changes it is told what is left."""

    def flows(scene: Scene) -> list[Flow]:
        line = scene.here.add(VOUCHER).json["lines"][0]["id"]
        tab, path = scene.here.twin(), f"/v1/cart/lines/{line}"
        return [
            lambda: place(scene.here, scene.email),
            lambda: tab.send("PATCH", path, json={"quantity": 7}),
        ]

    seen = set()
    for scene, (placed, changed) in schedules(site, gateway, flows):
        assert said(placed) == PLACED
        assert said(changed) in {DONE, NONE}
        (order,) = scene.placed()
        assert order["lines"][0]["q"] == (7 if said(changed) == DONE else 1)
        assert scene.here.quantities() == {}
        seen.add(said(changed))
    assert seen == {DONE, NONE}


def test_order_x_sign_in_orders_the_cart_or_hands_it_over_never_both(
    site: Site, gateway: Gateway
) -> None:
    """He asks again under his key, as the client he is by then."""

    def flows(scene: Scene) -> list[Flow]:
        scene.there.register(f"client-{scene.email}")
        scene.filled()
        scene.key = new_key()  # type: ignore[attr-defined]
        tab = scene.here.twin()
        scene.tab = tab  # type: ignore[attr-defined]
        return [
            lambda: place(scene.here, scene.email, key=scene.key),  # type: ignore[attr-defined]
            lambda: tab.sign_in(f"client-{scene.email}"),
        ]

    seen = set()
    for scene, (placed, entered) in schedules(site, gateway, flows):
        assert said(entered) == DONE
        assert said(placed) in {PLACED, CHANGED}
        tab, key = scene.tab, scene.key  # type: ignore[attr-defined]
        if said(placed) == PLACED:
            assert len(scene.placed()) == 1
            assert tab.quantities() == {}
        else:
            assert scene.placed() == []
            assert tab.quantities() == {"print-30x45": 1, "voucher": 2}
        again = place(tab, scene.email, key=key)
        assert said(again) == PLACED
        assert len(scene.placed()) == scene.mails() == 1
        if said(placed) == PLACED:
            assert again.json == placed.json
        assert tab.quantities() == {}
        seen.add(said(placed))
    assert seen == {PLACED, CHANGED}


def test_order_x_the_link_of_an_earlier_one_loses_no_line(site: Site, gateway: Gateway) -> None:
    """He becomes a client in another tab while he orders once more."""

    def flows(scene: Scene) -> list[Flow]:
        scene.ordered()
        token = scene.here.token(scene.email)
        scene.here.add(CALENDAR)
        tab = scene.here.twin()
        scene.tab = tab  # type: ignore[attr-defined]
        return [lambda: place(scene.here, scene.email), lambda: tab.activate(token)]

    seen = set()
    for scene, (placed, activated) in schedules(site, gateway, flows):
        assert said(activated) == DONE
        assert said(placed) in {PLACED, CHANGED}
        tab = scene.tab  # type: ignore[attr-defined]
        assert scene.id in scene.mine(tab)
        ordered = said(placed) == PLACED
        assert len(scene.placed()) == 1 + ordered
        assert tab.quantities() == ({} if ordered else {"calendar": 1})
        # the account has the order whose link made it; another is offered
        assert len(scene.offered(tab)) == ordered
        seen.add(ordered)
    assert seen == {True, False}


def test_order_x_order_to_an_address_that_may_have_one_more_today_is_one(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        for number in range(2):
            guest = Browser(gateway, address=f"10.7.0.{number}")
            guest.add(VOUCHER)
            place(guest, scene.email)
        scene.here.add(VOUCHER)
        scene.there.add(VOUCHER)
        return [lambda b=b: place(b, scene.email) for b in (scene.here, scene.there)]  # type: ignore[misc]

    for scene, answers in schedules(site, gateway, flows):
        told = [said(answer) for answer in answers]
        assert sorted(told) == [PLACED, (429, "too_many_orders")]
        assert len(scene.placed()) == 3
        loser = (scene.here, scene.there)[1 - told.index(PLACED)]
        assert loser.quantities() == {"voucher": 1}


# ---- coming into an account ----------------------------------------------------------------------


def claim(browser: Browser, order_id: str, **body: Any) -> Answer:
    return browser.post(f"/v1/account/claims/{order_id}", body)


def refuse(browser: Browser, order_id: str) -> Answer:
    return browser.send("DELETE", f"/v1/account/claims/{order_id}")


def test_claim_x_refuse_one_answer_counts(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.owned()
        tab = scene.there.twin()
        return [lambda: claim(scene.there, scene.id), lambda: refuse(tab, scene.id)]

    seen = set()
    for scene, (claimed, refused) in schedules(site, gateway, flows):
        assert said(refused) == (204, "")
        assert said(claimed) in {DONE, NONE}
        assert scene.mine(scene.there) == ([scene.id] if said(claimed) == DONE else [])
        assert scene.offered(scene.there) == []
        seen.add(said(claimed))
    assert seen == {DONE, NONE}


@pytest.mark.parametrize("codes", [("29900", "29900"), ("29900", None)])
def test_claim_x_claim_is_in_the_account_once_and_whole_where_its_code_was_typed(
    site: Site, gateway: Gateway, codes: tuple[str | None, str | None]
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.owned()
        tabs = scene.there, scene.there.twin()
        return [
            lambda tab=tab, code=code: claim(tab, scene.id, postal_code=code)  # type: ignore[misc]
            for tab, code in zip(tabs, codes, strict=True)
        ]

    for scene, answers in schedules(site, gateway, flows):
        assert [said(answer) for answer in answers] == [DONE, DONE]
        assert not answers[0].json["masked"]
        (mine,) = scene.there.get("/v1/account/orders").json["items"]
        assert (mine["id"], mine["masked"]) == (scene.id, False)
        book = site.cloud.row(f"USER#{scene.there.who()}", "ADDRESSES") or {}
        assert len(book["entries"]["M"]) == 1


def test_the_orders_link_x_its_owner_signing_up_is_one_account(
    site: Site, gateway: Gateway
) -> None:
    """The link was forwarded; the address's owner signs up beside it."""

    def flows(scene: Scene) -> list[Flow]:
        scene.ordered()
        link = scene.here.token(scene.email)
        owner = Browser(gateway, address=f"10.6.{scene.number % 250}.3")
        owner.sign_up(scene.email)
        own = owner.token(scene.email)
        scene.owner = owner  # type: ignore[attr-defined]
        return [lambda: scene.there.elsewhere(link), lambda: owner.activate(own)]

    seen = set()
    for scene, (by_link, by_himself) in schedules(site, gateway, flows):
        owner = scene.owner  # type: ignore[attr-defined]
        assert sorted([said(by_link), said(by_himself)]) == [DONE, ALREADY]
        if said(by_himself) == DONE:
            assert scene.mine(owner) == []
            assert scene.offered(owner) == [scene.id]
            assert scene.there.session()["authentication"] == "generic"
        else:
            assert "prove_address" in scene.there.session()["next"]
            assert said(scene.there.get("/v1/account/orders")) == (403, "prove_address")
        seen.add(said(by_link))
    assert seen == {DONE, ALREADY}


def test_the_orders_link_here_x_the_same_elsewhere_is_one_account_that_has_the_order(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.ordered()
        link = scene.here.token(scene.email)
        return [lambda: scene.here.activate(link), lambda: scene.there.elsewhere(link)]

    seen = set()
    for scene, (here, there) in schedules(site, gateway, flows):
        assert sorted([said(here), said(there)]) == [DONE, ALREADY]
        if said(here) == DONE:
            assert scene.mine(scene.here) == [scene.id]
        else:
            assert scene.here.session()["authentication"] == "guest"
            assert said(scene.here.get(f"/v1/orders/{scene.id}")) == DONE
        seen.add(said(here))
    assert seen == {DONE, ALREADY}


@pytest.mark.parametrize("answered", ["claimed", "refused"])
def test_the_orders_link_after_its_owner_answered_says_that_there_is_an_account(
    site: Site, gateway: Gateway, answered: str
) -> None:
    scene = Scene(site, gateway).ordered()
    link = scene.here.token(scene.email)
    scene.there.register(scene.email)
    {"claimed": claim, "refused": refuse}[answered](scene.there, scene.id)
    assert said(scene.here.activate(link)) == ALREADY
    assert said(Browser(gateway, address="10.6.0.9").elsewhere(link)) == ALREADY
    is_consistent(site)


def test_what_he_ordered_himself_before_he_proved_the_address_is_not_offered_to_him(
    site: Site, gateway: Gateway
) -> None:
    scene = Scene(site, gateway).ordered()
    scene.there.elsewhere(scene.here.token(scene.email))
    scene.there.add(VOUCHER)
    own = place(scene.there, scene.email).json["id"]
    scene.there.post("/v1/account/proof", {})
    code = scene.there.code(scene.email)
    assert said(scene.there.post("/v1/account/proof", {"code": code})) in {DONE, (204, "")}
    assert set(scene.mine(scene.there)) == {scene.id, own}
    assert scene.offered(scene.there) == []
    is_consistent(site)


# ---- going on ------------------------------------------------------------------------------------


def test_confirm_x_cancel_one_wins_or_the_other_follows_it(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.ordered()
        return [
            lambda: move(scene.boss, scene.id, "confirm"),
            lambda: move(scene.second, scene.id, "cancel"),
        ]

    seen = set()
    for scene, (confirmed, cancelled) in schedules(site, gateway, flows):
        assert cancelled == DONE
        assert confirmed in {DONE, LATE}
        (order,) = scene.placed()
        steps = [entry["status"] for entry in order["history"]]
        assert steps == ["placed", *(["confirmed"] if confirmed == DONE else []), "cancelled"]
        assert scene.mails("confirmed") == (confirmed == DONE)
        assert scene.mails("cancelled") == 1
        seen.add(confirmed)
    assert seen == {DONE, LATE}


def test_confirm_x_confirm_is_one_step_and_one_mail(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.ordered()
        return [
            lambda: move(scene.boss, scene.id, "confirm"),
            lambda: move(scene.second, scene.id, "confirm"),
        ]

    for scene, answers in schedules(site, gateway, flows):
        assert answers == [DONE, DONE]
        (order,) = scene.placed()
        assert [entry["status"] for entry in order["history"]] == ["placed", "confirmed"]
        assert scene.mails("confirmed") == 1


def test_fulfil_x_cancel_ends_once(site: Site, gateway: Gateway) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.ordered()
        move(scene.boss, scene.id, "confirm")
        return [
            lambda: move(scene.boss, scene.id, "fulfil"),
            lambda: move(scene.second, scene.id, "cancel"),
        ]

    seen = set()
    for scene, answers in schedules(site, gateway, flows):
        assert sorted(answers) == [DONE, LATE]
        (order,) = scene.placed()
        ended = order["history"][-1]["status"]
        assert ended == ("fulfilled" if answers[0] == DONE else "cancelled")
        assert len(order["history"]) == 3
        seen.add(ended)
    assert len(seen) == 2


def test_confirm_x_claim_and_x_the_orders_link_disturb_each_other_not(
    site: Site, gateway: Gateway
) -> None:
    def flows(scene: Scene) -> list[Flow]:
        scene.owned()
        return [
            lambda: move(scene.boss, scene.id, "confirm"),
            lambda: claim(scene.there, scene.id, postal_code="29900"),
        ]

    for scene, (confirmed, claimed) in schedules(site, gateway, flows):
        assert (confirmed, said(claimed)) == (DONE, DONE)
        (mine,) = scene.there.get("/v1/account/orders").json["items"]
        assert mine["status"] == "confirmed"


@pytest.mark.parametrize("step", ["confirm", "cancel"])
def test_f6_a15_who_is_disabled_while_he_decides_decides_nothing(
    site: Site, gateway: Gateway, step: str
) -> None:
    """The other's whole deed happens just before his own is written."""
    scene = Scene(site, gateway).ordered()
    boss, written = scene.boss.who(), list[Any]()

    def meanwhile(send: Send) -> Any:
        site.cloud.intercept = None
        assert said(scene.second.post(f"/v1/staff/users/{boss}/disable", {})) == DONE
        site.drain()
        written.append(site.cloud.rows())
        return send()

    site.cloud.intercept = Fault(meanwhile, 0, operation="TransactWriteItems")
    answer = move(scene.boss, scene.id, step)
    site.cloud.intercept = None
    assert answer in {CHANGED, (401, "sign_in_required")}
    assert [site.cloud.rows()] == written
    is_consistent(site)


def test_f6_a27_who_became_a_client_while_he_ordered_orders_nothing_as_the_guest_he_was(
    site: Site, gateway: Gateway
) -> None:
    """The link of his earlier order is opened in another tab just before this one is written."""
    scene = Scene(site, gateway).ordered()
    token, tab = scene.here.token(scene.email), scene.here.twin()
    scene.here.add(CALENDAR)

    def meanwhile(send: Send) -> Any:
        site.cloud.intercept = None
        assert said(tab.activate(token)) == DONE
        return send()

    site.cloud.intercept = Fault(meanwhile, 0, operation="TransactWriteItems")
    answer = place(scene.here, scene.email)
    site.cloud.intercept = None
    assert said(answer) == CHANGED
    assert len(scene.placed()) == 1
    assert tab.quantities() == {"calendar": 1}
    is_consistent(site)


def test_f6_a_client_who_is_disabled_while_he_orders_orders_nothing(
    site: Site, gateway: Gateway
) -> None:
    scene = Scene(site, gateway).registered().filled()
    who = scene.here.who()

    def meanwhile(send: Send) -> Any:
        site.cloud.intercept = None
        assert said(scene.boss.post(f"/v1/staff/users/{who}/disable", {})) == DONE
        return send()

    site.cloud.intercept = Fault(meanwhile, 0, operation="TransactWriteItems")
    answer = place(scene.here, scene.email)
    site.cloud.intercept = None
    assert said(answer) == CHANGED
    assert scene.placed() == []
    is_consistent(site)


# ---- faults --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deed:
    """What is done and asked for again, how it is answered in the end, and what the subject of the
    one mail about the order says that there is then; None where there is none."""

    go: Callable[[], tuple[int, str]]
    answer: tuple[int, str] = DONE
    mail: str | None = None


def _place_as_a_guest(scene: Scene) -> Deed:
    scene.filled()
    key = new_key()
    return Deed(lambda: said(place(scene.here, scene.email, key=key)), PLACED, "order")


def _place_as_a_client(scene: Scene) -> Deed:
    scene.registered().filled()
    key = new_key()
    return Deed(lambda: said(place(scene.here, scene.email, key=key)), PLACED, "order")


def _place_for_somebody(scene: Scene) -> Deed:
    """A client, to the address of another."""
    scene.there.register(scene.email)
    scene.here.register(f"client-{scene.email}")
    scene.filled()
    key = new_key()
    return Deed(lambda: said(place(scene.here, scene.email, key=key)), PLACED, "order")


def _claim(scene: Scene) -> Deed:
    scene.owned()
    return Deed(lambda: said(claim(scene.there, scene.id, postal_code="29900")))


def _refuse(scene: Scene) -> Deed:
    scene.owned()
    return Deed(lambda: said(refuse(scene.there, scene.id)), (204, ""))


def _activate(scene: Scene) -> Deed:
    scene.ordered()
    token = scene.here.token(scene.email)
    return Deed(lambda: said(scene.here.activate(token, password=PASSWORD)))


def _activate_elsewhere(scene: Scene) -> Deed:
    scene.ordered()
    token = scene.here.token(scene.email)
    return Deed(lambda: said(scene.there.elsewhere(token)))


def _confirm(scene: Scene) -> Deed:
    scene.ordered()
    return Deed(lambda: move(scene.boss, scene.id, "confirm"), mail="confirmed")


def _cancel(scene: Scene) -> Deed:
    scene.ordered()
    return Deed(lambda: move(scene.boss, scene.id, "cancel"), mail="cancelled")


FLOWS: dict[str, Callable[[Scene], Deed]] = {
    "place as a guest": _place_as_a_guest,
    "place as a client": _place_as_a_client,
    "place for somebody": _place_for_somebody,
    "claim": _claim,
    "refuse": _refuse,
    "activate": _activate,
    "activate elsewhere": _activate_elsewhere,
    "confirm": _confirm,
    "cancel": _cancel,
}


def trials(site: Site, gateway: Gateway, flow: str) -> Iterator[tuple[Scene, Deed, int]]:
    """The flow, ready to go, once for each call it makes."""
    scene = Scene(site, gateway)
    deed = FLOWS[flow](scene)
    back = settled(site)
    for at in range(calls_of(site.cloud, deed.go)):
        back()
        yield scene, deed, at


def asked_again(scene: Scene, deed: Deed, flow: str, before: tuple[int, str] | None) -> None:
    """Answered 2xx if and only if it is done; asked again it is done, once."""
    placing = flow.startswith("place")
    if placing and before == deed.answer:
        assert len(scene.placed()) == 1
    if before != deed.answer:
        again = deed.go()
        assert again == deed.answer, again
    (order,) = scene.placed()
    lines = sum(line["q"] * line["u"] for line in order["lines"])
    assert order["total"] == lines + order["shipping"] == 6500 + 2 * 15000 + 590
    assert scene.mails() == scene.mails(deed.mail or "none") == (deed.mail is not None)
    assert scene.here.quantities() == {}
    is_consistent(scene.site)
    if flow in ENDED:
        ENDED[flow](scene)


def _is_his(scene: Scene) -> None:
    assert scene.mine(scene.there) == [scene.id]
    assert scene.offered(scene.there) == []


def _is_not_his(scene: Scene) -> None:
    assert scene.mine(scene.there) == scene.offered(scene.there) == []


def _is_here(scene: Scene) -> None:
    assert scene.mine(scene.here) == [order["pk"][6:] for order in scene.placed()]


def _is_to_be_proved(scene: Scene) -> None:
    assert "prove_address" in scene.there.session()["next"]


ENDED: dict[str, Callable[[Scene], None]] = {
    "claim": _is_his,
    "refuse": _is_not_his,
    "activate": _is_here,
    "activate elsewhere": _is_to_be_proved,
    "place as a client": _is_here,
    "place for somebody": _is_here,
}


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("flow", FLOWS)
def test_f1_f5_one_fault_at_any_call_is_mended(
    site: Site, gateway: Gateway, flow: str, fault: str
) -> None:
    for scene, deed, at in trials(site, gateway, flow):
        site.cloud.intercept = Fault(TRANSIENT[fault], at)
        answer = deed.go()
        site.cloud.intercept = None
        assert answer in {deed.answer, (503, "unavailable"), (503, "busy")}, (at, answer)
        asked_again(scene, deed, flow, answer)


@pytest.mark.parametrize("flow", FLOWS)
def test_0_18_an_answer_lost_for_good_at_any_call_can_be_asked_for_again(
    site: Site, gateway: Gateway, flow: str
) -> None:
    for scene, deed, at in trials(site, gateway, flow):
        site.cloud.intercept = Fault(lost_answer, *range(at, 99))
        answer = deed.go()
        site.cloud.intercept = None
        assert answer == (503, "unavailable"), at
        asked_again(scene, deed, flow, answer)


@pytest.mark.parametrize("death", [killed_before, killed_after])
@pytest.mark.parametrize("flow", FLOWS)
def test_f8_a_process_that_dies_at_any_call_leaves_nothing_half_done(
    site: Site, gateway: Gateway, flow: str, death: Callable[[Send], Any]
) -> None:
    for scene, deed, at in trials(site, gateway, flow):
        site.cloud.intercept = Fault(death, at)
        with pytest.raises(Killed):
            deed.go()
        site.cloud.intercept = None
        is_consistent(site)
        asked_again(scene, deed, flow, None)


# ---- its mails -----------------------------------------------------------------------------------

SES = "POST /v2/email/outbound-emails"
MAILED = ["place as a guest", "place as a client", "place for somebody", "confirm"]
OF_A_MAIL = {SES, "UpdateItem", "BatchGetItem", "PutItem", "TransactWriteItems", "Query"}
FAILING: dict[str, Callable[[Send], Any]] = {
    **{name: TRANSIENT[name] for name in ("request lost", "answer lost")},
    "killed before": killed_before,
    "killed after": killed_after,
}


def sending(site: Site) -> list[tuple[int, str]]:
    """The calls by which the mails that wait are sent: the number and name of each."""
    calls: list[tuple[str, str]] = []

    def noted(operation: str, body: Any, send: Send) -> Any:
        calls.append((operation, str(body)))
        return send()

    site.cloud.intercept = noted
    site.drain()
    site.cloud.intercept = None
    # events go another way
    return [
        (n, op) for n, (op, body) in enumerate(calls) if op in OF_A_MAIL and "EVENT" not in body
    ]


@pytest.mark.parametrize("flow", MAILED)
def test_f15_a_fault_at_any_call_of_the_mailer_loses_no_mail_of_an_order(
    site: Site, gateway: Gateway, flow: str
) -> None:
    scene = Scene(site, gateway)
    deed = FLOWS[flow](scene)
    site.drain()
    assert deed.go() == deed.answer
    waiting = site.remember()
    calls = sending(site)
    sent = next(n for n, (_, operation) in enumerate(calls) if operation == SES)
    # between the two SES has the mail and nobody knows: it knows no idempotency token (R57)
    doubtful = {(sent, "answer lost"), (sent, "killed after"), (sent + 1, "killed before")}
    for name, fault in FAILING.items():
        for number, (at, operation) in enumerate(calls):
            waiting()
            site.cloud.intercept = Fault(fault, at)
            site.drain()
            site.cloud.intercept = None
            site.advance(900)  # the 15-minute trigger
            mails = 1 + ((number, name) in doubtful)
            assert scene.mails(deed.mail or "") == mails, (name, at, operation)
            is_consistent(site)
