"""The address book (P12): where things are sent, kept by who proved his address, seen by nobody
else."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.conftest import SCHEDULES
from tests.people import Person, plant
from tests.visiting import DONE, PASSWORD, VOUCHER, Answer, Browser, orders, said

HOUR = 3_600
BOOK = "/v1/account/addresses"
HOME = {
    "line1": "Carrer de la Marina 12",
    "postal_code": "08005",
    "city": "Barcelona",
    "country": "ES",
}
WORK = {**HOME, "line1": "Rambla 1", "line2": "3º 2ª", "region": "Cataluña", "name": "Hotel"}
MADE, FULL, GONE = (201, ""), (409, "too_many_addresses"), (404, "not_found")
MOST = 20
_number = count(1)


@pytest.fixture
def nina(site: Site) -> Person:
    return plant(site, "nina")


@pytest.fixture
def otto(site: Site) -> Person:
    return plant(site, "otto")


def add(browser: Browser, entry: Mapping[str, Any] = HOME, /, **headers: str) -> Answer:
    return browser.post(BOOK, entry, **headers)


def put(browser: Browser, id_: str, entry: Mapping[str, Any]) -> Answer:
    return browser.send("PUT", f"{BOOK}/{id_}", json=entry)


def take_out(browser: Browser, id_: str) -> Answer:
    return browser.send("DELETE", f"{BOOK}/{id_}")


def book(browser: Browser) -> list[Any]:
    answer = browser.get(BOOK)
    assert answer.status_code == 200, answer.json
    assert answer.json["next"] is None
    return list(answer.json["items"])


def fill(browser: Browser, entries: int) -> None:
    for _ in range(entries):
        assert said(add(browser, {**HOME, "line1": f"Street {next(_number)}"})) == MADE


def test_p12_an_address_is_kept_as_it_was_typed(site: Site, nina: Person) -> None:
    assert book(nina.browser) == []
    made = add(nina.browser)
    assert made.status_code == 201
    assert made.json == {
        "id": made.json["id"],
        "name": "Nina",  # his own, where none was given
        "line1": "Carrer de la Marina 12",
        "line2": None,
        "postal_code": "08005",
        "city": "Barcelona",
        "region": None,
        "country": "ES",
        "used_at": "2026-11-22T08:00:00Z",
    }
    assert book(nina.browser) == [made.json]
    site.advance(1)
    work = add(nina.browser, {**WORK, "country": "es"}).json
    assert (work["name"], work["region"], work["country"]) == ("Hotel", "Cataluña", "ES")
    assert book(nina.browser) == [work, made.json], "the newest first"


def test_it_is_put_right_and_taken_out(site: Site, nina: Person) -> None:
    made = add(nina.browser).json
    site.advance(60)
    changed = put(nina.browser, made["id"], WORK)
    expected = {**WORK, "id": made["id"], "used_at": made["used_at"]}
    assert (changed.status_code, changed.json) == (200, expected)
    assert put(nina.browser, made["id"], HOME).json == made, "without a name it is his own again"
    for _ in range(2):
        answer = take_out(nina.browser, made["id"])
        assert (answer.status_code, answer.data) == (204, b"")
    assert book(nina.browser) == []
    assert said(put(nina.browser, made["id"], HOME)) == GONE


def test_nothing_is_written_where_nothing_differs(site: Site, nina: Person) -> None:
    made = add(nina.browser).json
    before = site.cloud.rows()
    assert (said(add(nina.browser)), add(nina.browser).json) == (MADE, made)
    assert put(nina.browser, made["id"], HOME).json == made
    assert take_out(nina.browser, "not-there").status_code == 204
    assert site.cloud.rows() == before


def test_r51_a_repeat_under_one_key_makes_one_entry(site: Site, nina: Person) -> None:
    key = {"Idempotency_Key": "a-key-of-twenty-char"}
    made = add(nina.browser, **key).json
    assert (said(add(nina.browser, **key)), add(nina.browser, **key).json) == (MADE, made)
    assert said(add(nina.browser, WORK, **key)) == (422, "idempotency_key_reused")
    take_out(nina.browser, made["id"])
    assert said(add(nina.browser, **key)) == GONE, "what it made was taken out since"
    assert book(nina.browser) == []
    assert add(nina.browser).json["id"] != made["id"]


def test_a_full_book_takes_no_more_and_keeps_what_it_has(site: Site, nina: Person) -> None:
    fill(nina.browser, MOST)
    before = site.cloud.rows()
    assert said(add(nina.browser)) == FULL
    assert site.cloud.rows() == before
    first = book(nina.browser)[0]
    assert put(nina.browser, first["id"], WORK).status_code == 200, "one of them may change"
    take_out(nina.browser, first["id"])
    assert said(add(nina.browser)) == MADE
    assert len(book(nina.browser)) == MOST


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"line1": ""}, "#/line1"),
        ({"line1": "x" * 101}, "#/line1"),
        ({"line1": "Street 1\nCity"}, "#/line1"),
        ({"line1": None}, "#/line1"),
        ({"line2": " "}, "#/line2"),
        ({"postal_code": "x" * 17}, "#/postal_code"),
        ({"city": "\u202eanolecraB"}, "#/city"),
        ({"region": 8}, "#/region"),
        ({"country": "XX"}, "#/country"),
        ({"country": "Spain"}, "#/country"),
        ({"name": ""}, "#/name"),
        ({"id": "mine"}, "#/id"),
        ({"used_at": "2030-01-01T00:00:00Z"}, "#/used_at"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    site: Site, nina: Person, wrong: dict[str, Any], pointer: str
) -> None:
    made = add(nina.browser, WORK).json
    before = site.cloud.rows()
    for answer in (
        add(nina.browser, {**HOME, **wrong}),
        put(nina.browser, made["id"], {**HOME, **wrong}),
    ):
        assert said(answer) == (422, "invalid_input")
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    missing = add(nina.browser, {"line1": "Street 1"}).json["errors"]
    assert {e["pointer"] for e in missing} == {"#/postal_code", "#/city", "#/country"}
    assert site.cloud.rows() == before


def test_r38_nobody_sees_or_changes_the_book_of_another(
    site: Site, nina: Person, otto: Person
) -> None:
    made = add(nina.browser, WORK).json
    add(otto.browser)
    before = site.cloud.rows()
    assert [entry["name"] for entry in book(otto.browser)] == ["Otto"]
    foreign, missing = (
        {**put(otto.browser, id_, HOME).json, "instance": ""} for id_ in (made["id"], "not-there")
    )
    assert foreign == missing
    assert take_out(otto.browser, made["id"]).status_code == 204, "as for one that is not there"
    assert site.cloud.rows() == before


def test_it_is_for_who_is_signed_in_and_proved_not_for_who_is_only_remembered(
    site: Site, gateway: Gateway, nina: Person
) -> None:
    made = add(nina.browser, WORK).json
    generic, guest, remembered = (Browser(gateway, address=f"192.0.2.{n}") for n in (60, 61, 62))
    guest.add(VOUCHER)
    remembered.sign_in(nina.email, PASSWORD, remember=True)
    site.advance(2 * HOUR)
    unproved = plant(site, "kim", proved=False).browser
    before = site.cloud.rows()
    for browser, status, code in (
        (generic, 401, "sign_in_required"),
        (guest, 401, "sign_in_required"),
        (remembered, 401, "sign_in_again"),
        (unproved, 403, "prove_address"),
    ):
        for answer in (
            browser.get(BOOK),
            add(browser),
            put(browser, made["id"], HOME),
            take_out(browser, made["id"]),
        ):
            assert said(answer) == (status, code)
            assert "Rambla" not in answer.text
    assert site.cloud.rows() == before


def test_reading_costs_a_call_and_changing_two_however_full_the_book(nina: Person) -> None:
    for entries in (1, MOST - 3):
        fill(nina.browser, entries)
        book(nina.browser)
        assert nina.browser.cost()["calls"] == 1
        add(nina.browser, {**HOME, "line1": f"Street {next(_number)}"})
        assert nina.browser.cost()["calls"] == 2


# ---- races ---------------------------------------------------------------------------------------


def test_addresses_x_addresses_none_is_lost(site: Site, nina: Person) -> None:
    tab, old = nina.browser.twin(), add(nina.browser, {**HOME, "line1": "Old Street"}).json
    flows = [
        lambda: add(nina.browser),
        lambda: put(tab, old["id"], WORK),
        lambda: take_out(tab, old["id"]),
    ]
    seen = set()
    for one, other, gone in orders(site, flows, SCHEDULES):
        assert said(one) == MADE
        assert gone.status_code == 204
        assert said(other) in {DONE, GONE}
        assert [entry["line1"] for entry in book(nina.browser)] == [HOME["line1"]]
        seen.add(said(other))
    assert seen == {DONE, GONE}


def test_addresses_x_addresses_at_the_limit_one_goes_in(site: Site, nina: Person) -> None:
    fill(nina.browser, MOST - 1)
    tab = nina.browser.twin()
    flows = [lambda: add(nina.browser), lambda: add(tab, WORK)]
    seen = set()
    for results in orders(site, flows, SCHEDULES):
        answers = [said(one) for one in results]
        assert sorted(answers) == [MADE, FULL]
        assert len(book(nina.browser)) == MOST
        seen.add(answers.index(MADE))
    assert seen == {0, 1}


def test_a_double_click_is_one_entry_and_the_same_answer(site: Site, nina: Person) -> None:
    tab, key = nina.browser.twin(), {"Idempotency_Key": "a-key-of-twenty-char"}
    for headers in ({}, key):
        flows = [
            lambda headers=headers: add(nina.browser, **headers),
            lambda headers=headers: add(tab, **headers),
        ]
        for one, other in orders(site, flows, SCHEDULES):
            assert [said(one), said(other)] == [MADE, MADE]
            assert one.json == other.json
            assert book(nina.browser) == [one.json]


def test_addresses_x_disable_who_was_shut_out_keeps_the_book_he_had(
    site: Site, nina: Person
) -> None:
    boss = plant(site, "boss", role=("site_administrator", "root"), org="root").browser
    done: list[str] = []

    def adds() -> Answer:
        done.clear()
        answer = add(nina.browser)
        done.append("added")
        return answer

    def disables() -> Answer:
        answer = boss.post(f"/v1/staff/users/{nina.id}/disable", {})
        done.append("disabled")
        return answer

    seen = set()
    for added, shut in orders(site, [adds, disables], SCHEDULES):
        assert said(shut) == DONE
        assert said(added) == (MADE if done[0] == "added" else (409, "session_changed"))
        kept = site.cloud.row(f"USER#{nina.id}", "ADDRESSES")
        assert (kept is not None) == (said(added) == MADE)
        seen.add(said(added))
    assert len(seen) == 2
