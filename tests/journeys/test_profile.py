"""A client's profile: what he is called and how he is reached, changed by himself alone."""

from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.conftest import SCHEDULES
from tests.people import Person, administrator, is_consistent, plant
from tests.visiting import DONE, PASSWORD, VOUCHER, Answer, Browser, orders, said

HOUR = 3_600
CHANGED = (412, "version_mismatch")


@pytest.fixture
def nina(site: Site) -> Person:
    return plant(site, "nina")


def see(browser: Browser) -> Any:
    answer = browser.get("/v1/account")
    assert answer.status_code == 200, answer.json
    return answer.json


def change(browser: Browser, *, if_match: str | None = None, **body: Any) -> Answer:
    headers = {} if if_match is None else {"If-Match": if_match}
    return browser.send("PATCH", "/v1/account", json=body, headers=headers)


def events(browser: Browser) -> list[str]:
    items = browser.get("/v1/account/audit?limit=100").json["items"]
    return [one["event"] for one in items if one["actor"] == "you"]


def test_he_sees_what_is_known_of_him_and_which_version_it_is(nina: Person) -> None:
    answer = nina.browser.get("/v1/account")
    assert answer.json == {
        "id": nina.id,
        "email": "nina@example.com",
        "name": "Nina",
        "phone": None,
        "company": None,
        "profile_type": "C",
        "locale": "en",
        "organization_id": "default",
        "proved": True,
        "terms": "2026-11-01",
        "newsletter": False,
        "version": 1,
    }
    assert answer.headers["ETag"] == '"1"'
    head = nina.browser.send("HEAD", "/v1/account")
    assert (head.status_code, head.data) == (200, b"")


def test_what_is_not_sent_stays_and_null_clears_phone_and_company(site: Site, nina: Person) -> None:
    full = change(nina.browser, name="Nina López", phone="+34 600 000 000", company="Hotel")
    assert full.status_code == 200
    assert full.headers["ETag"] == '"2"'
    part = change(nina.browser, phone=None).json
    assert (part["name"], part["phone"], part["company"]) == ("Nina López", None, "Hotel")
    assert change(nina.browser, company=None).json["company"] is None
    assert see(nina.browser)["version"] == 4
    assert events(nina.browser) == ["profile_changed"] * 3
    is_consistent(site)  # the list of people says the same


def test_nothing_is_written_where_nothing_differs(site: Site, nina: Person) -> None:
    change(nina.browser, name="Nina López", phone="12345")
    before = site.cloud.rows()
    for body in ({}, {"name": "Nina López"}, {"phone": "12345", "company": None, "locale": "en"}):
        answer = change(nina.browser, **body)
        assert (answer.status_code, answer.json["version"]) == (200, 2)
    assert site.cloud.rows() == before


def test_another_language_is_that_of_the_pages_and_mails_from_now_on(nina: Person) -> None:
    assert change(nina.browser, locale="fr").json["locale"] == "fr"
    assert nina.browser.get("/account").headers["Content-Language"] == "fr"
    nina.browser.choose_password("another lantern by the sea")
    assert "mot de passe" in nina.browser.mails(nina.email)[0]["subject"]


def test_if_match_of_another_version_changes_nothing(site: Site, nina: Person) -> None:
    assert said(change(nina.browser, if_match='"1"', name="First")) == DONE
    before = site.cloud.rows()
    for stale in ('"1"', 'W/"2"', '"x"', ""):
        assert said(change(nina.browser, if_match=stale, name="Second")) == CHANGED, stale
    assert site.cloud.rows() == before
    assert change(nina.browser, if_match='"1", "2"', name="Second").json["name"] == "Second"
    assert change(nina.browser, if_match="*", name="Third").json["name"] == "Third"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"name": "  "}, "#/name"),
        ({"name": "x" * 101}, "#/name"),
        ({"name": "Nina\r\nBcc: x"}, "#/name"),
        ({"name": 7}, "#/name"),
        ({"phone": "call me"}, "#/phone"),
        ({"company": ["Hotel"]}, "#/company"),
        ({"locale": "de"}, "#/locale"),
        ({"locale": "FR"}, "#/locale"),
        ({"email": "other@example.com"}, "#/email"),
        ({"profile_type": "B"}, "#/profile_type"),
        ({"organization_id": "hotel-miramar"}, "#/organization_id"),
        ({"proved": True}, "#/proved"),
        ({"newsletter": True}, "#/newsletter"),
        ({"terms": "2026-11-01"}, "#/terms"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    site: Site, nina: Person, body: dict[str, Any], pointer: str
) -> None:
    before = site.cloud.rows()
    answer = nina.browser.send("PATCH", "/v1/account", json={"company": "Hotel", **body})
    assert said(answer) == (422, "invalid_input")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert site.cloud.rows() == before


def test_it_is_for_who_is_signed_in_not_for_who_is_only_remembered(
    site: Site, gateway: Gateway, nina: Person
) -> None:
    generic, guest, remembered = (Browser(gateway, address=f"192.0.2.{n}") for n in (60, 61, 62))
    guest.add(VOUCHER)
    remembered.sign_in(nina.email, PASSWORD, remember=True)
    site.advance(2 * HOUR)
    assert remembered.session()["authentication"] == "remembered"
    before = site.cloud.rows()
    for browser, code in (
        (generic, "sign_in_required"),
        (guest, "sign_in_required"),
        (remembered, "sign_in_again"),
    ):
        for answer in (browser.get("/v1/account"), change(browser, name="Otto")):
            assert said(answer) == (401, code)
            assert "Nina" not in answer.text
    assert site.cloud.rows() == before


def test_who_has_not_proved_his_address_may_say_what_he_is_called(site: Site) -> None:
    unproved = plant(site, "kim", proved=False)
    assert see(unproved.browser)["proved"] is False
    assert change(unproved.browser, name="Kim Ito").json["name"] == "Kim Ito"


# ---- races ---------------------------------------------------------------------------------------


def test_profile_x_profile_both_changes_are_there(site: Site, nina: Person) -> None:
    tab = nina.browser.twin()
    flows = [lambda: change(nina.browser, phone="12345"), lambda: change(tab, company="Hotel")]
    for results in orders(site, flows, SCHEDULES):
        assert [said(one) for one in results] == [DONE, DONE]
        now = see(nina.browser)
        assert (now["phone"], now["company"], now["version"]) == ("12345", "Hotel", 3)
        assert events(nina.browser) == ["profile_changed"] * 2
        is_consistent(site)


def test_profile_x_the_same_profile_is_one_change(site: Site, nina: Person) -> None:
    tabs, same = (nina.browser, nina.browser.twin()), {"name": "Nina López"}
    flows = [lambda: change(tabs[0], **same), lambda: change(tabs[1], **same)]
    for results in orders(site, flows, SCHEDULES):
        assert [said(one) for one in results] == [DONE, DONE]
        assert see(nina.browser)["version"] == 2
        assert events(nina.browser) == ["profile_changed"]


def test_of_two_who_name_the_version_one_wins_and_the_other_looks_again(
    site: Site, nina: Person
) -> None:
    tab = nina.browser.twin()
    flows = [
        lambda: change(nina.browser, if_match='"1"', name="First"),
        lambda: change(tab, if_match='"1"', name="Second"),
    ]
    seen = set()
    for results in orders(site, flows, SCHEDULES):
        answers = [said(one) for one in results]
        assert sorted(answers) == [DONE, CHANGED]
        assert see(nina.browser)["name"] == ("First", "Second")[answers.index(DONE)]
        seen.add(answers.index(DONE))
    assert seen == {0, 1}


def test_profile_x_what_staff_correct_loses_neither(site: Site, nina: Person) -> None:
    boss = administrator(site).browser
    path = f"/v1/staff/users/{nina.id}"
    flows = [
        lambda: change(nina.browser, phone="12345"),
        lambda: boss.send("PATCH", path, json={"company": "Hotel"}),
    ]
    for results in orders(site, flows, SCHEDULES):
        assert [said(one) for one in results] == [DONE, DONE]
        now = see(nina.browser)
        assert (now["phone"], now["company"]) == ("12345", "Hotel")
        is_consistent(site)


def test_profile_x_sign_out_who_left_changes_nothing_more(site: Site, nina: Person) -> None:
    tab, other = nina.browser.twin(), Browser(nina.browser.gateway, address="192.0.2.60")
    other.sign_in(nina.email)
    done: list[str] = []

    def changes() -> Answer:
        done.clear()
        answer = change(nina.browser, name="Nina López")
        done.append("changed")
        return answer

    def leaves() -> Answer:
        answer = tab.send("DELETE", "/v1/session")
        done.append("left")
        return answer

    seen = set()
    for results in orders(site, [changes, leaves], SCHEDULES):
        answer = said(results[0])
        assert answer == (DONE if done[0] == "changed" else (409, "session_changed"))
        assert see(other)["name"] == ("Nina López" if answer == DONE else "Nina")
        seen.add(answer)
    assert len(seen) == 2
