"""Fifty at once, over HTTP: one of each, whoever comes first."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.ordering import new_key, place
from tests.stack.wire import Cloud
from tests.visiting import PASSWORD, VOUCHER, Answer, Browser, said

pytestmark = pytest.mark.stack

Visitor = Callable[[], Browser]
MANY = 50
PATIENCE = 90  # seconds
TRY_AGAIN = {(503, "busy"), (503, "unavailable")}  # the emulator is slow under fifty


def at_once(asked: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """As many are in the functions at once as the emulator lets in; the others ask again."""

    def through(ask: Callable[[], Answer]) -> Answer:
        until = time.monotonic() + PATIENCE
        while (answer := ask()).status_code == 429 and answer.mimetype == "application/json":
            assert time.monotonic() < until, "never let in"
            time.sleep(0.5)
        return answer

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(through, asked))


def test_fifty_sign_ups_with_one_address_come_to_one_account(
    visitor: Visitor, cloud: Cloud
) -> None:
    """Each browser asks as the guest it is. Three mails are sent to one address because of one
    source, which all of the emulator's visitors are; then their links are redeemed at once, by who
    asked and by who did not."""
    email = "uma@example.com"
    browsers = [visitor() for _ in range(MANY)]
    answers = at_once([lambda b=b: b.sign_up(email) for b in browsers])  # type: ignore[misc]
    found = Counter(map(said, answers))
    taken = (202, "check_your_mail")
    assert found.keys() <= {taken, (429, "too_many_mails"), *TRY_AGAIN}, found
    assert 1 <= found[taken] <= 3
    cloud.settle()
    links = [link for mail in browsers[0].mails(email) for link in mail["links"] if "#t=" in link]
    tokens = {link.partition("#t=")[2] for link in links}
    assert found[taken] <= len(tokens) <= 3
    asked = [b for b, answer in zip(browsers, answers, strict=True) if answer.status_code == 202]
    redeemed = at_once(
        [
            lambda b=b, t=t: b.activate(t, password=PASSWORD, name="Uma")  # type: ignore[misc]
            for b in [*asked, visitor()]
            for t in tokens
        ]
    )
    won = [answer for answer in redeemed if answer.status_code == 200]
    users = {answer.json["session"]["user"]["id"] for answer in won}
    assert len(users) == 1, Counter(map(said, redeemed))
    assert all(answer.status_code < 500 or said(answer) in TRY_AGAIN for answer in redeemed)
    owner = cloud.row(f"EMAIL#{email}", "EMAIL")
    assert owner is not None
    assert users == {owner["user"]["S"]}


def test_fifty_redemptions_of_one_link_promote_one_guest_once(
    browser: Browser, cloud: Cloud
) -> None:
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up("vera@example.com")
    token = browser.token("vera@example.com")
    tabs = [browser.twin() for _ in range(MANY)]
    answers = at_once([lambda t=t: t.activate(token, password=PASSWORD) for t in tabs])  # type: ignore[misc]
    done = [answer for answer in answers if answer.status_code == 200]
    assert done
    rest = Counter(said(answer) for answer in answers if answer.status_code != 200)
    # of one source, so many in a minute
    assert rest.keys() <= {(429, "too_many_attempts"), *TRY_AGAIN}, rest
    assert {answer.json["session"]["user"]["id"] for answer in done} == {guest}
    cloud.settle()
    assert [event["user_id"] for event in browser.events("guest.promoted")].count(guest) == 1


def test_fifty_orders_with_one_key_are_one_order(browser: Browser, cloud: Cloud) -> None:
    browser.add(VOUCHER)
    key, tabs = new_key(), [browser.twin() for _ in range(MANY)]
    answers = at_once([lambda t=t: place(t, "willa@example.com", key=key) for t in tabs])  # type: ignore[misc]
    placed = {answer.json["id"] for answer in answers if answer.status_code == 201}
    assert len(placed) == 1
    rest = Counter(said(answer) for answer in answers if answer.status_code != 201)
    assert rest.keys() <= {(409, "still_running"), *TRY_AGAIN}, rest
    found = [row["sk"]["S"] for row in cloud.rows() if row["pk"]["S"] == f"USER#{browser.who()}"]
    assert [sk for sk in found if sk.startswith("ORDER#")] == [f"ORDER#{placed.pop()}"]
