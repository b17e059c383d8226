"""The same answer and the same work, whoever lives at an address (0.19, N16, R12-R14)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local.cloud import Send
from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_registration import require_approval, set_status
from tests.journeys.test_sign_in import make_staff
from tests.visiting import OTHER_PASSWORD, TERMS, Answer, Browser

NINA = "nina@example.com"


def _unknown(site: Site, gateway: Gateway) -> None:
    """Somebody asked before, as in all the other states: the day's counter is there."""
    Browser(gateway, address="203.0.113.1").ask_code(NINA)


def _claimed(site: Site, gateway: Gateway) -> None:
    Browser(gateway, address="203.0.113.1").sign_up(NINA)


def _active(site: Site, gateway: Gateway) -> Browser:
    return Browser(gateway, address="203.0.113.1").register(NINA)


def _pending(site: Site, gateway: Gateway) -> None:
    require_approval(site)
    browser = Browser(gateway, address="203.0.113.1")
    browser.sign_up(NINA)
    browser.activate(browser.token(NINA))


def _rejected(site: Site, gateway: Gateway) -> None:
    set_status(site, _active(site, gateway).who(), "rejected")


def _disabled(site: Site, gateway: Gateway) -> None:
    set_status(site, _active(site, gateway).who(), "disabled")


def _staff(site: Site, gateway: Gateway) -> None:
    make_staff(site, _active(site, gateway).who(), "site_administrator")


STATES: dict[str, Callable[[Site, Gateway], object]] = {
    "unknown": _unknown,
    "claimed": _claimed,
    "pending": _pending,
    "active": _active,
    "rejected": _rejected,
    "disabled": _disabled,
    "staff": _staff,
}

SIGN_UP = {"email": NINA, "name": "N", "profile_type": "C", "consents": {"terms": TERMS}}
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "sign up": ("/v1/registrations", SIGN_UP),
    "resend": ("/v1/registrations/resend", {"email": NINA}),
    "code": ("/v1/session/codes", {"email": NINA}),
    "reset": ("/v1/password-resets", {"email": NINA}),
    "wrong password": ("/v1/session", {"email": NINA, "password": OTHER_PASSWORD}),
}

# What the owner reads, and nobody else.
MAIL = {
    "sign up": {
        "unknown": "confirm your address",
        "claimed": "confirm your address",
        "rejected": "confirm your address",
        "": "already have an account",
    },
    "resend": {
        "unknown": "no account",
        "claimed": "confirm your address",
        "rejected": "no account",
        "": "already have an account",
    },
    "code": {
        "unknown": "no account",
        "claimed": "confirm your address",
        "active": "Your code",
        "staff": "Your code",
        "": "Your account at",
    },
    "reset": {
        "unknown": "no account",
        "claimed": "confirm your address",
        "active": "Choose a new password",
        "staff": "Choose a new password",
        "": "Your account at",
    },
}


def normal(answer: Answer) -> tuple[object, ...]:
    """An answer without what differs each time: the request id, random bytes of equal length."""
    headers = [
        (name, re.sub(r"[A-Za-z0-9_-]{20,}", lambda m: "x" * len(m.group()), value))
        for name, value in answer.headers.items()
        if name != "X-Request-Id"
    ]
    body = re.sub(r'"instance": "[^"]*"', "", answer.text)
    return answer.status_code, sorted(headers), body


def shape(body: Mapping[str, Any]) -> object:
    """A call to DynamoDB without its values: which kinds of rows, which attributes, conditions."""

    def kind(row: Mapping[str, Any]) -> tuple[str, str]:
        return row["pk"]["S"].partition("#")[0], row["sk"]["S"].partition("#")[0]

    if "RequestItems" in body:
        (wanted,) = body["RequestItems"].values()
        return [kind(key) for key in wanted["Keys"]]
    actions = [next(iter(a.values())) for a in body.get("TransactItems", [])] or [body]
    return [
        (
            kind(a.get("Key") or a["Item"]),
            sorted(a.get("Item", {})),
            a.get("UpdateExpression"),
            a.get("ConditionExpression"),
        )
        for a in actions
    ]


def watched(site: Site, work: Callable[[], Answer]) -> tuple[Answer, list[object]]:
    """What it answers and the calls it makes, in order."""
    trace: list[object] = []

    def note(operation: str, body: Mapping[str, Any], send: Send) -> Any:
        trace.append((operation, shape(body) if operation[0].isupper() and body else None))
        return send()

    site.cloud.intercept = note
    answer = work()
    site.cloud.intercept = None
    return answer, trace


@pytest.mark.parametrize("request_", REQUESTS)
def test_n16_r12_the_states_of_an_account_cannot_be_told_apart(
    site: Site, gateway: Gateway, house: Any, request_: str
) -> None:
    path, body = REQUESTS[request_]
    seen: dict[str, object] = {}
    for state, make in STATES.items():
        house.planted()
        Browser(gateway, address="203.0.113.2").sign_up("warm@example.com")  # keys are fetched
        make(site, gateway)
        stranger = Browser(gateway, address="198.51.100.7")
        before = len(stranger.mails(NINA))
        rows = len(site.cloud.rows())
        answer, trace = watched(site, lambda b=stranger: b.post(path, body))  # type: ignore[misc]
        grown = len(site.cloud.rows()) - rows
        session = normal(stranger.get("/v1/session"))
        mails = stranger.mails(NINA)
        if request_ in MAIL:
            assert len(mails) == before + 1, state  # one mail each
            expected = MAIL[request_].get(state, MAIL[request_][""])
            assert expected in mails[0]["subject"], (state, mails[0]["subject"])
        session = session if request_ != "sign up" else session[:2]  # each guest has his own id
        seen[state] = (normal(answer), trace, grown, session, sorted(stranger.cookies))
    for state, what in seen.items():
        assert what == seen["unknown"], state


def test_r13_the_owner_is_told_who_asked_from_which_browser_and_when(
    site: Site, gateway: Gateway
) -> None:
    _active(site, gateway)
    stranger = Browser(gateway, address="198.51.100.7")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    for path, body in list(REQUESTS.values())[:4]:
        stranger.address = f"198.51.100.{len(path)}"
        stranger.send("POST", path, json=body, headers={"User-Agent": agent})
    for mail in stranger.mails(NINA)[:4]:
        for part in (mail["text"], mail["html"]):
            assert "Firefox, Linux" in part
            assert "22 November 2026 at 08:00 UTC" in part
            assert "It was not you?" in part


def test_a_suppressed_address_is_asked_for_like_any_other(site: Site, gateway: Gateway) -> None:
    """SES itself drops what goes to an address on its suppression list: the request cannot know."""
    stranger = Browser(gateway, address="198.51.100.7")
    assert stranger.ask_code("bounce@simulator.amazonses.com").status_code == 202
