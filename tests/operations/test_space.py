"""The client's own space when things go wrong: a fault at every call of what he does there. Asked
again it is done, once, and he stands as he is told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_addresses import HOME, WORK, add, book, put, take_out
from tests.journeys.test_consents import SUBSCRIBED, YES, ledger, stands_as_it_says, unsubscribe
from tests.journeys.test_consents import say as say_yes
from tests.people import Person, is_consistent, plant
from tests.seam import TRANSIENT, Fault, Killed, calls_of, killed_after, killed_before, lost_answer
from tests.visiting import Answer, Browser, settled

Go = Callable[[], Answer]
TERMS_SAID = ("terms", True, "account")
KEY = {"Idempotency_Key": "a-key-of-twenty-char"}


@dataclass
class Flow:
    """What is done, and what must hold once it was."""

    go: Go
    holds: Callable[[], Any]


def _profile(nina: Person, _: Browser) -> Flow:
    def holds() -> None:
        events = [one["event"] for one in nina.browser.get("/v1/account/audit").json["items"]]
        assert events == ["profile_changed"]

    body = {"name": "Nina López", "phone": "12345"}
    return Flow(lambda: nina.browser.send("PATCH", "/v1/account", json=body), holds)


def _add(nina: Person, _: Browser) -> Flow:
    def holds() -> None:
        assert [entry["line1"] for entry in book(nina.browser)] == [HOME["line1"]]

    return Flow(lambda: add(nina.browser), holds)


def _add_once(nina: Person, _: Browser) -> Flow:
    flow = _add(nina, _)
    return Flow(lambda: add(nina.browser, HOME, **KEY), flow.holds)


def _change(nina: Person, _: Browser) -> Flow:
    id_ = add(nina.browser).json["id"]

    def holds() -> None:
        assert [entry["line1"] for entry in book(nina.browser)] == [WORK["line1"]]

    return Flow(lambda: put(nina.browser, id_, WORK), holds)


def _take_out(nina: Person, _: Browser) -> Flow:
    id_ = add(nina.browser).json["id"]

    def holds() -> None:
        assert book(nina.browser) == []

    return Flow(lambda: take_out(nina.browser, id_), holds)


def _say(nina: Person, _: Browser) -> Flow:
    def holds() -> None:
        assert ledger(nina.browser) == [TERMS_SAID, ("newsletter", True, "account")]
        stands_as_it_says(nina.browser)
        mails = [mail["subject"] for mail in nina.browser.mails(nina.email)]
        assert sum(SUBSCRIBED in subject for subject in mails) == 1

    return Flow(lambda: say_yes(nina.browser, **YES), holds)


def _unsubscribe(nina: Person, other: Browser) -> Flow:
    say_yes(nina.browser, newsletter=True)
    token = nina.browser.token(nina.email)

    def holds() -> None:
        assert ledger(nina.browser)[0] == ("newsletter", False, "mail")
        assert len(ledger(nina.browser)) == 2
        stands_as_it_says(nina.browser)

    return Flow(lambda: unsubscribe(other, token), holds)


FLOWS = {
    "profile": _profile,
    "add": _add,
    "add once": _add_once,
    "change": _change,
    "take out": _take_out,
    "say": _say,
    "unsubscribe": _unsubscribe,
}


def trials(site: Site, gateway: Gateway, name: str) -> Iterator[tuple[Flow, int]]:
    """The flow, ready to go, once for each call it makes."""
    nina, other = plant(site, "nina", agreed=False), Browser(gateway, address="192.0.2.88")
    add(plant(site, "warm").browser, HOME, **KEY)  # keys are fetched
    flow = FLOWS[name](nina, other)
    back = settled(site)
    for at in range(calls_of(site.cloud, flow.go)):
        back()
        yield flow, at


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("name", FLOWS)
def test_f1_f5_one_fault_at_any_call_is_mended(
    site: Site, gateway: Gateway, name: str, fault: str
) -> None:
    for flow, at in trials(site, gateway, name):
        site.cloud.intercept = Fault(TRANSIENT[fault], at)
        answer = flow.go()
        site.cloud.intercept = None
        if answer.status_code == 503:  # a plain read or write that met a conflict
            answer = flow.go()
        assert answer.status_code in {200, 201, 204}, (at, answer.json)
        flow.holds()
        is_consistent(site)


@pytest.mark.parametrize("name", FLOWS)
def test_a_lost_answer_can_be_asked_for_again_and_nothing_is_done_twice(
    site: Site, gateway: Gateway, name: str
) -> None:
    for flow, at in trials(site, gateway, name):
        site.cloud.intercept = Fault(lost_answer, *range(at, 99))
        assert flow.go().status_code == 503, at
        site.cloud.intercept = None
        assert flow.go().status_code in {200, 201, 204}, at
        flow.holds()


@pytest.mark.parametrize("death", [killed_before, killed_after])
@pytest.mark.parametrize("name", FLOWS)
def test_f7_f8_a_death_at_any_call_leaves_all_or_nothing(
    site: Site, gateway: Gateway, name: str, death: Any
) -> None:
    for flow, at in trials(site, gateway, name):
        site.cloud.intercept = Fault(death, at)
        with pytest.raises(Killed):
            flow.go()
        site.cloud.intercept = None
        assert flow.go().status_code in {200, 201, 204}, at
        flow.holds()
        is_consistent(site)
