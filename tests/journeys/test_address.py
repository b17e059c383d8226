"""Another address for an account (R19, R26, R27, R45, A4): proved by its mailbox, redeemed only in
a session of the same account, told to both."""

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.people import plant
from tests.visiting import OTHER_PASSWORD, PASSWORD, VOUCHER, Answer, Browser

NINA, NEW = "nina@example.com", "Nina.New@example.com"
HOUR = 3_600


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="192.0.2.88")


def ask(browser: Browser, email: str = NEW) -> Answer:
    return browser.post("/v1/account/email", {"email": email})


def redeem(browser: Browser, token: str) -> Answer:
    return browser.post("/v1/account/email/redeem", {"token": token})


def test_both_addresses_are_told_and_the_account_moves_with_all_it_has(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    browser.add(VOUCHER)
    other.sign_in(NINA)
    user_id = browser.who()
    answer = ask(browser)
    assert (answer.status_code, answer.json) == (200, {"code": "check_your_mail"})
    assert "Another address" in browser.mails(NINA)[0]["subject"]
    assert "not you?" in browser.mails(NINA)[0]["text"]
    assert browser.session()["user"]["email"] == NINA, "nothing has changed yet"
    changed = redeem(browser, browser.token(NEW))
    assert changed.status_code == 200
    assert changed.json["user"]["email"] == NEW
    assert changed.json["cart"]["line_count"] == 1
    assert browser.who() == user_id
    assert browser.quantities() == {"voucher": 1}
    assert other.session()["authentication"] == "generic", "every other session ends"
    for address in (NINA, NEW):
        told = browser.mails(address)[0]
        assert "was changed" in told["subject"]
        assert NINA in told["text"]
        assert NEW in told["text"]
    assert other.sign_in(NINA).status_code == 401
    assert other.sign_in(NEW.upper()).status_code == 200
    events = [one["event"] for one in browser.get("/v1/account/audit").json["items"]]
    assert events == ["address_changed", "activated"]


def test_the_old_address_is_free_and_who_takes_it_gets_nothing_of_the_account(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    ask(browser)
    redeem(browser, browser.token(NEW))
    site.advance(1)
    other.register(NINA)
    assert other.who() != browser.who()
    assert other.quantities() == {}


def test_the_link_is_worth_nothing_in_another_session_or_in_none(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    ask(browser)
    token = browser.token(NEW)
    before = site.cloud.rows()
    assert redeem(other, token).json["code"] == "sign_in_required"
    assert site.cloud.rows() == before
    other.register("otto@example.com")
    before = site.cloud.rows()
    answer = redeem(other, token)
    assert (answer.status_code, answer.json["code"]) == (409, "other_address")
    assert NINA not in answer.text
    assert site.cloud.rows() == before
    assert other.session()["user"]["email"] == "otto@example.com"
    assert redeem(browser, token).status_code == 200


def test_another_wish_replaces_the_link_and_a_used_one_repeats_and_nothing_else(
    site: Site, browser: Browser
) -> None:
    browser.register(NINA)
    ask(browser)
    first = browser.token(NEW)
    ask(browser, "third@example.com")
    assert redeem(browser, first).json["code"] == "link_replaced"
    second = browser.token("third@example.com")
    assert redeem(browser, second).status_code == 200
    before = site.cloud.rows()
    assert redeem(browser, second).status_code == 200, "his answer may have been lost"
    assert site.cloud.rows() == before


@pytest.mark.parametrize(("seconds", "status"), [(HOUR - 1, 200), (HOUR, 410)])
def test_r18_the_link_is_good_for_an_hour(
    site: Site, browser: Browser, seconds: int, status: int
) -> None:
    browser.register(NINA)
    ask(browser)
    token = browser.token(NEW)
    site.advance(seconds)
    assert redeem(browser, token).status_code == status


def test_a4_a_link_asked_for_before_the_owner_recovered_is_dead(
    browser: Browser, other: Browser
) -> None:
    """An intruder in the session asked for his own address; the owner chooses a new password."""
    browser.register(NINA)
    ask(browser, "intruder@example.com")
    token = browser.token("intruder@example.com")
    other.post("/v1/password-resets", {"email": NINA})
    assert other.reset(other.token(NINA)).status_code == 200
    browser.cookies.clear()
    assert redeem(browser, token).json["code"] == "sign_in_required"
    # even signed in again, the link is of an earlier epoch
    assert browser.sign_in(NINA, OTHER_PASSWORD).status_code == 200
    assert redeem(browser, token).json["code"] == "link_expired"


def test_a_reset_mailed_to_the_old_address_is_dead_after_the_change(
    browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    other.post("/v1/password-resets", {"email": NINA})
    reset = other.token(NINA)
    ask(browser)
    redeem(browser, browser.token(NEW))
    assert other.reset(reset).json["code"] == "link_expired"


def test_0_14_it_needs_a_proof_no_older_than_ten_minutes(site: Site, browser: Browser) -> None:
    browser.register(NINA)
    site.advance(601)
    answer = ask(browser)
    assert (answer.status_code, answer.json["code"]) == (401, "proof_required")
    assert browser.mails(NEW) == []
    browser.post("/v1/account/proof", {"password": PASSWORD})
    assert ask(browser).status_code == 200


def test_0_9_who_has_not_proved_his_address_proves_it_first(site: Site, browser: Browser) -> None:
    person = plant(site, "somebody", proved=False)
    assert person.browser.session()["next"] == ["prove_address"]
    answer = ask(person.browser)
    assert (answer.status_code, answer.json["code"]) == (403, "prove_address")
    person.browser.post("/v1/account/proof", {"password": PASSWORD})
    assert ask(person.browser).status_code == 403, "a password proves no address"
    person.browser.post("/v1/account/proof", {})
    code = person.browser.code(person.email)
    assert person.browser.post("/v1/account/proof", {"code": code}).status_code == 204
    assert person.browser.session()["next"] == []
    assert ask(person.browser).status_code == 200


def test_0_19_the_answer_and_the_work_are_the_same_for_an_address_that_is_somebodys(
    site: Site, browser: Browser, other: Browser
) -> None:
    other.register("otto@example.com")
    browser.register(NINA)
    answers, costs = [], []
    for email in ("otto@example.com", "nobody@example.com"):
        answers.append(ask(browser, email).json)
        costs.append(browser.cost())
    assert answers[0] == answers[1]
    assert costs[0] == costs[1]
    assert "already have an account" in other.mails("otto@example.com")[0]["subject"]
    assert other.mails("nobody@example.com")[0]["subject"].startswith("Confirm your new address")


def test_an_address_that_became_somebodys_meanwhile_is_said_to_who_reads_its_mail(
    browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    ask(browser)
    token = browser.token(NEW)
    other.register(NEW)
    answer = redeem(browser, token)
    assert (answer.status_code, answer.json["code"]) == (409, "address_taken")
    assert browser.session()["user"]["email"] == NINA


def test_his_own_address_is_no_other(browser: Browser) -> None:
    browser.register(NINA)
    assert ask(browser, NINA.upper()).status_code == 422
    assert len(browser.mails(NINA)) == 2  # the link, the account


def test_mails_to_new_addresses_are_limited_as_strangers_are(browser: Browser) -> None:
    browser.register(NINA)
    statuses = [ask(browser).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
