"""`make verify-table`: it finds nothing on a site that lived, and everything that can be wrong."""

import ast
import gzip
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from foyer.storage import keys
from foyer.storage.keys import Key
from local import invariants, verify
from local.gateway import Gateway
from local.invariants import KINDS, breaches, kind_of
from local.site import ROOT, Site
from local.verify import plain_row
from tests.conftest import House
from tests.inviting import (
    CONSENTS,
    PARTY,
    PARTY_PASSWORD,
    UNNAMED,
    WEDDING,
    accept,
    invited,
    photographer,
    step,
)
from tests.ordering import move, place
from tests.people import HOTEL, administrator, is_consistent, plant
from tests.visiting import CALENDAR, PRINT, VOUCHER, Browser

NINA, DORA, OLGA = "nina.m@example.org", "dora@example.org", "olga@example.com"


class Rows(dict[Key, dict[str, Any]]):
    """A whole table, to be spoilt."""

    def the(self, kind: str, **having: Any) -> dict[str, Any]:
        """The first row of this kind with these values; `...` is any, None none."""

        def has(row: dict[str, Any], name: str, value: Any) -> bool:
            return name in row if value is ... else row.get(name) == value

        for key, row in self.items():
            if kind_of(key) == kind and all(has(row, n, v) for n, v in having.items()):
                return row
        raise AssertionError(f"no {kind} with {having}")

    def add(self, key: Key, **facts: Any) -> None:
        self[key] = {**key._asdict(), **facts}

    def drop(self, row: dict[str, Any]) -> None:
        del self[Key(row["pk"], row["sk"])]

    def move(self, row: dict[str, Any], to: Key) -> None:
        self.drop(row)
        self[to] = row | to._asdict()

    def beside(self, row: dict[str, Any], sk: str) -> dict[str, Any]:
        return self[Key(row["pk"], sk)]

    def account(self, email: str) -> dict[str, Any]:
        return self.the("user", email=email)

    def by_address(self, email: str) -> dict[str, Any]:
        return self[keys.email(email)]


def a_whole_journey(site: Site) -> None:
    """Guests and clients who order, claim, refuse, meet, are let in, invited and sent away: a row
    of every kind, and of each in every state."""
    site.module("local.seed").invite(site.now())
    gateway, numbers = Gateway(site), iter(range(1, 250))

    def somebody() -> Browser:
        return Browser(gateway, address=f"10.3.1.{next(numbers)}")

    boss, olga = administrator(site).browser, plant(site, "olga").browser
    orders_come_and_go(somebody, boss, olga)
    people_come_and_go(somebody, boss, olga)
    galleries_are_shown(site, somebody)
    deliveries, table = (site.module(f"foyer.storage.{name}") for name in ("deliveries", "table"))
    bounced = site.module("foyer.rules.invitations").Delivery.BOUNCED
    table.write(deliveries.note("nowhere@example.org", bounced, site.now()))
    somebody().sign_up("nowhere@example.org")  # a mail that is dropped
    site.drain()
    somebody().sign_up("new@example.org")  # and one that waits
    site.invoke("CleanupFunction", {})


def orders_come_and_go(somebody: Callable[[], Browser], boss: Browser, olga: Browser) -> None:
    nina = somebody()
    nina.add(PRINT)
    nina.add(VOUCHER)
    first = place(nina, NINA, consents=CONSENTS).json
    nina.activate(nina.token(NINA))
    for step_ in ("confirm", "fulfil"):
        assert move(boss, first["id"], step_) == (200, "")
    nina.add(CALENDAR)
    second = place(nina, NINA).json
    assert move(boss, second["id"], "cancel") == (200, "")
    nina.add(CALENDAR)
    place(nina, "a-friend@example.org")  # a claim that is no guest's
    for answer in ("claim", "refuse", "wait"):
        guest = somebody()
        guest.add(PRINT)
        path = f"/v1/account/claims/{place(guest, OLGA).json['id']}"
        if answer == "claim":
            assert olga.post(path, {"postal_code": "29900"}).status_code == 200
        if answer == "refuse":
            assert olga.send("DELETE", path).status_code == 204
    dora = somebody()
    dora.add(VOUCHER)
    place(dora, DORA)
    somebody().elsewhere(dora.token(DORA))


def people_come_and_go(somebody: Callable[[], Browser], boss: Browser, olga: Browser) -> None:
    guest = somebody()
    guest.add(VOUCHER)
    guest.send("PUT", f"/v1/selections/{UNNAMED}/pictures/coast/low-tide")
    assert guest.sign_in(OLGA).json["transfer"]
    olga.add(CALENDAR)
    by_code = somebody()
    by_code.ask_code(OLGA)
    assert by_code.sign_in_by_code(OLGA, by_code.code(OLGA)).status_code == 200
    by_code.post("/v1/password-resets", {"email": OLGA})
    mover = somebody().register("mover@example.org")
    mover.post("/v1/account/email", {"email": "moved@example.org"})
    moved = mover.token("moved@example.org")
    assert mover.post("/v1/account/email/redeem", {"token": moved}).status_code == 200
    form = {"email": "opened@example.org", "name": "Opened", "profile_type": "C"}
    boss.post("/v1/staff/users", form, Idempotency_Key="open-an-account-1")
    boss.post("/v1/staff/organizations", {"name": "Annex", "parent_id": HOTEL})
    for name, deed in (("waiting", ""), ("let-in", "approve"), ("again", "reject")):
        email, applicant = f"{name}@example.org", somebody()
        applicant.sign_up(email, organization_id=HOTEL)
        applicant.activate(applicant.token(email))
        if deed:
            path = f"/v1/staff/users/{applicant.who()}/{deed}"
            assert boss.post(path, {"reason": "No."} if deed == "reject" else {}).status_code == 200
    elsewhere = somebody()
    elsewhere.sign_up("again@example.org", name="Again")
    assert elsewhere.activate(elsewhere.token("again@example.org")).status_code == 200
    shut_out = somebody().register("shut-out@example.org").who()
    assert boss.post(f"/v1/staff/users/{shut_out}/disable", {}).status_code == 200


def galleries_are_shown(site: Site, somebody: Callable[[], Browser]) -> None:
    ana, guest = photographer(site).browser, somebody()
    for email in ("lea@example.org", "tom@example.org"):
        invited(ana, email, key=f"inviting-{email}")
        assert accept(somebody(), guest.token(email)).status_code == 200
    step(ana, invited(ana, "gone@example.org", key="inviting-somebody"), "")
    asking = {"email": "asks@example.org", "message": "Please"}
    assert guest.post(f"/v1/galleries/{PARTY}/access-requests", asking).status_code == 202
    guest.post(f"/v1/galleries/{PARTY}/door", {"password": PARTY_PASSWORD})
    guest.send("PUT", f"/v1/selections/{UNNAMED}/pictures/{PARTY}/first-light")
    assert (
        guest.send("POST", f"/v1/selections/{UNNAMED}/submit", json={"name": "G"}).status_code < 300
    )


@pytest.fixture(scope="module")
def lived(house: House) -> Rows:
    house.planted()
    a_whole_journey(house.site)
    return Rows(
        {Key(row["pk"], row["sk"]): dict(row) for row in map(plain_row, house.site.cloud.rows())}
    )


def test_nothing_is_wrong_with_a_site_that_just_opened_and_one_that_lived(
    site: Site, lived: Rows
) -> None:
    is_consistent(site)
    site.module("local.seed").invite(site.now())
    is_consistent(site)
    assert breaches(lived.values()) == []
    assert breaches([]) == []
    assert {kind_of(key) for key in lived} == set(KINDS), "a row of every kind"


# ---- whatever can be wrong -----------------------------------------------------------------------

CONFIRMED_LIST = "3#"  # where the list of a studio's orders tells what is confirmed


def two_of_one_address(rows: Rows) -> None:
    rows.account(NINA)["email"] = OLGA


def known_by_another_address(rows: Rows) -> None:
    rows.account(OLGA)["address"] = "Somebody@example.com"


def an_address_without_a_row(rows: Rows) -> None:
    rows.drop(rows.by_address(OLGA))


def an_address_nobody_left(rows: Rows) -> None:
    del rows.by_address("mover@example.org")["left_at"]


def an_address_of_somebody_who_is_not_there(rows: Rows) -> None:
    rows.by_address("mover@example.org")["user"] = "nobody"


def an_address_of_somebody_who_opened_none(rows: Rows) -> None:
    rows.by_address("mover@example.org")["user"] = rows.the("user", status=None)["pk"][5:]


def a_claim_that_made_nobody(rows: Rows) -> None:
    rows.the("claim", redeemed=...)["redeemed"]["by"] = "nobody"


def a_claim_of_the_future(rows: Rows) -> None:
    rows.the("claim", redeemed=...)["redeemed"]["epoch"] = 99


def an_opened_account_that_was_taken_without_its_link(rows: Rows) -> None:
    rows.account("opened@example.org")["status"] = "approved"


def a_link_of_the_future(rows: Rows) -> None:
    rows.the("link")["epoch"] = 99


def an_invitation_accepted_by_nobody(rows: Rows) -> None:
    del rows.the("grant", answer="accepted")["bound_to"]


def a_total_that_is_not_one(rows: Rows) -> None:
    rows.the("order")["total"] += 1


def an_order_of_nothing(rows: Rows) -> None:
    rows.the("order").update(lines=[], shipping=0, total=0)


def a_line_of_less_than_nothing(rows: Rows) -> None:
    order = rows.the("order", email=DORA)
    order["lines"][0]["q"], order["total"] = -1, -order["total"]


def a_contact_half_struck(rows: Rows) -> None:
    del rows.the("order", email=DORA)["contact"]


def an_order_under_another_address_than_its_contacts(rows: Rows) -> None:
    rows.the("order", email=DORA)["contact"]["address"] = "other@example.org"


def a_print_for_nowhere(rows: Rows) -> None:
    orders = [r for r in rows.values() if r["sk"] == "ORDER" and r["lines"][0]["k"] == "print"]
    order = next(r for r in orders if "postal" in r["contact"])
    order["history"] = order["history"][:1]
    del order["contact"]["postal"]


def a_history_that_begins_otherwise(rows: Rows) -> None:
    rows.the("order")["history"][0]["at"] += 1


def a_step_that_is_not_drawn(rows: Rows) -> None:
    order = rows.the("order", email=DORA)
    order["history"].append({"status": "fulfilled", "at": 2_000_000_000, "by": "boss"})


def fewer_versions_than_steps(rows: Rows) -> None:
    next(row for key, row in rows.items() if key.sk == "ORDER" and row["version"] > 1)[
        "version"
    ] = 1


def an_order_its_studio_does_not_find(rows: Rows) -> None:
    rows.drop(rows.the("order of a studio"))


def an_order_in_the_list_of_another_status(rows: Rows) -> None:
    pointer = rows.the("order of a studio")
    pointer["list_at"] = CONFIRMED_LIST + pointer["list_at"].partition("#")[2]


def an_order_found_by_a_stranger(rows: Rows) -> None:
    pointer = rows.the("order of a studio")
    key = keys.order_of_studio(pointer["pk"][6:], HOTEL)
    rows.add(key, list=keys.orders_of(HOTEL), list_at=pointer["list_at"])


def a_studio_that_finds_no_order(rows: Rows) -> None:
    rows.move(rows.the("order of a studio"), keys.order_of_studio("none", HOTEL))


def an_order_no_address_leads_to(rows: Rows) -> None:
    rows.drop(rows.the("order by address"))


def an_order_that_is_in_no_account(rows: Rows) -> None:
    order = rows.the("order", own=True)
    rows.drop(rows[keys.order_of(order["by"], order["pk"][6:])])


def an_address_that_leads_to_no_order(rows: Rows) -> None:
    rows.add(keys.order_to(DORA, "none"), placed_at=1)


def an_address_of_a_struck_order(rows: Rows) -> None:
    order = rows.the("order", email=DORA)
    del order["email"], order["contact"]


def an_address_that_leads_to_somebody_elses_order(rows: Rows) -> None:
    pointer = rows.the("order by address", pk=keys.email(DORA).pk)
    rows.add(keys.order_to(OLGA, pointer["sk"][6:]), placed_at=pointer["placed_at"])


def an_address_that_leads_to_its_owners_order(rows: Rows) -> None:
    order = rows.the("order", own=True)
    rows.add(keys.order_to(NINA, order["pk"][6:]), placed_at=order["placed_at"])


def an_answer_there_is_not(rows: Rows) -> None:
    rows.the("order by address", answer="refused")["answer"] = "perhaps"


def an_answer_by_nobody(rows: Rows) -> None:
    del rows.the("order by address", answer="refused")["answered_by"]


def a_claimed_order_that_is_nowhere(rows: Rows) -> None:
    claimed = rows.the("order by address", answer="claimed", pk=keys.email(OLGA).pk)
    rows.drop(rows[keys.order_of(claimed["answered_by"], claimed["sk"][6:])])


def an_account_that_shows_no_order(rows: Rows) -> None:
    rows.add(keys.order_of(rows.account(OLGA)["pk"][5:], "none"), whole=True, at=1)


def an_account_that_shows_anybodys_order(rows: Rows) -> None:
    order = rows.the("order", email=DORA)
    rows.add(keys.order_of(rows.account(OLGA)["pk"][5:], order["pk"][6:]), whole=True, at=1)


def an_account_that_shows_what_it_refused(rows: Rows) -> None:
    refused = rows.the("order by address", answer="refused")
    rows.add(keys.order_of(refused["answered_by"], refused["sk"][6:]), whole=True, at=1)


def _placed(rows: Rows) -> dict[str, Any]:
    return next(r for k, r in rows.items() if k.sk.startswith("KEY#orders#") and "made" in r)


def a_key_of_no_order(rows: Rows) -> None:
    _placed(rows)["made"] = "none"


def a_key_of_another_ones_order(rows: Rows) -> None:
    record = _placed(rows)
    rows.move(record, Key(rows.account(OLGA)["pk"], record["sk"]))


def two_keys_of_one_order(rows: Rows) -> None:
    record = _placed(rows)
    rows.add(Key(record["pk"], record["sk"] + "x"), body="x", expires=1, made=record["made"])


def a_key_of_a_step_of_no_order(rows: Rows) -> None:
    key = keys.idempotency(rows.account(OLGA)["pk"][5:], "confirm", "none#a-key-of-twenty-char")
    rows.add(key, body="x", expires=1)


def a_claim_of_no_order(rows: Rows) -> None:
    rows.the("claim", order=...)["order"] = "none"


def a_claim_of_another_ones_order(rows: Rows) -> None:
    rows.the("claim", email=DORA)["order"] = rows.the("order", own=True)["pk"][6:]


def a_mail_that_is_lost(rows: Rows) -> None:
    mail = rows.the("mail", sent_at=...)
    del mail["sent_at"]


def a_mail_that_was_sent_and_given_up(rows: Rows) -> None:
    rows.the("mail", sent_at=...)["dead_at"] = 1


def a_mail_that_is_being_sent_again(rows: Rows) -> None:
    rows.the("mail", sent_at=...)["lease_until"] = 1


def a_mail_to_nobody(rows: Rows) -> None:
    del rows.the("mail", due=...)["to"]


def a_mail_whose_text_stayed(rows: Rows) -> None:
    rows.the("mail", dropped_at=...)["to"] = "x@example.org"


def a_mail_that_stays_for_ever(rows: Rows) -> None:
    del rows.the("mail", sent_at=...)["expires"]


def a_line_under_another_id(rows: Rows) -> None:
    lines = rows.beside(rows.account(OLGA), "CART")["lines"]
    lines["x"] = lines.pop(next(iter(lines)))


def a_line_of_nothing(rows: Rows) -> None:
    next(iter(rows.beside(rows.account(OLGA), "CART")["lines"].values()))["q"] = 0


def a_closed_cart_with_something_in_it(rows: Rows) -> None:
    lines = rows.beside(rows.account(OLGA), "CART")["lines"]
    rows.the("cart", closed_at=...)["lines"] = lines


def a_closed_cart_of_the_living(rows: Rows) -> None:
    rows.beside(rows.account(NINA), "CART")["closed_at"] = 1


def an_open_cart_of_the_dead(rows: Rows) -> None:
    del rows.the("cart", closed_at=...)["closed_at"]


def a_selection_of_the_dead(rows: Rows) -> None:
    rows.move(rows.the("selection"), keys.selection(_dead(rows), UNNAMED))


def _dead(rows: Rows) -> str:
    return str(rows.the("user", handed_to=...)["pk"][5:])


def a_guest_half_removed_in_no_queue(rows: Rows) -> None:
    row = rows.the("user", handed_to=...)
    row["removed_at"] = 1
    del row["due"]


def an_order_of_the_dead(rows: Rows) -> None:
    order = rows.the("order", email=DORA)
    order["by"] = order["history"][0]["by"] = _dead(rows)


def a_guest_who_forgot_that_he_ordered(rows: Rows) -> None:
    del rows.the("user", status=None, ordered_at=...)["ordered_at"]


def a_receipt_that_does_not_add_up(rows: Rows) -> None:
    rows.the("receipt")["lines"][0]["a"] += 1


def a_receipt_of_pictures_that_went(rows: Rows) -> None:
    rows.the("receipt")["pictures"] = [1, 2, 1]


def a_grant_nobody_holds(rows: Rows) -> None:
    rows.drop(rows.the("gallery held"))


def a_grant_with_other_rights(rows: Rows) -> None:
    rows.the("grant", answer="accepted")["rights"]["enter"] = False


def a_gallery_held_by_nothing(rows: Rows) -> None:
    rows.the("gallery held")["by_none"] = {"enter": True, "download": "original"}


def a_session_of_who_is_shut_out(rows: Rows) -> None:
    open_ones = rows.account(OLGA)["sessions"]
    rows.account("shut-out@example.org")["sessions"] = open_ones


def a_session_of_a_guest(rows: Rows) -> None:
    rows.the("user", status=None, ended_at=None)["sessions"] = rows.account(OLGA)["sessions"]


def more_sessions_than_one_may_have(rows: Rows) -> None:
    sessions = rows.account(OLGA)["sessions"]
    one = next(iter(sessions.values()))
    sessions.update({f"s{number}": one for number in range(10)})


def a_guests_cookie_that_outlives_him(rows: Rows) -> None:
    rows.account(NINA)["secret"] = rows.account(NINA)["was"]


def a_password_of_an_earlier_life(rows: Rows) -> None:
    rows.beside(rows.account(OLGA), "CREDENTIAL")["id"] = "another"


def who_left_and_is_listed(rows: Rows) -> None:
    left = rows.the("user", status="superseded")
    rows.move(rows.beside(rows.account(OLGA), "MEMBER"), keys.member(left["pk"][5:]))


def who_is_not_listed(rows: Rows) -> None:
    rows.drop(rows.beside(rows.account(OLGA), "MEMBER"))


def who_is_listed_as_somebody_else(rows: Rows) -> None:
    rows.beside(rows.account(OLGA), "MEMBER")["name"] = "Somebody"


def who_is_in_the_list_of_another_status(rows: Rows) -> None:
    member = rows.beside(rows.account(OLGA), "MEMBER")
    member["list_at"] = member["list_at"].replace("approved", "rejected")


def an_account_without_a_name(rows: Rows) -> None:
    del rows.account(OLGA)["profile"]


def a_role_that_is_not_found(rows: Rows) -> None:
    rows.drop(rows.the("role"))


def a_role_nobody_has(rows: Rows) -> None:
    rows.move(rows.the("role"), keys.role(rows.account(OLGA)["pk"][5:], "photographer", HOTEL))


def an_administrator_who_does_not_count(rows: Rows) -> None:
    rows.the("administrators")["ids"].pop()


def an_administrator_who_is_none(rows: Rows) -> None:
    rows.the("administrators")["ids"].add("nobody")


def _give(rows: Rows, email: str, role: str, org: str, by: str) -> None:
    rows.account(email)["roles"].append({"role": role, "organization_id": org, "by": by, "at": 1})


def an_administrative_role_by_a_rule(rows: Rows) -> None:
    _give(rows, OLGA, "photographer", HOTEL, "rule:everybody else")


def a_role_that_nobody_gave(rows: Rows) -> None:
    _give(rows, NINA, "buyer", HOTEL, "boss")


def a_role_that_was_taken_back(rows: Rows) -> None:
    nina = rows.account(NINA)
    lost = {
        "event": "roles_changed",
        "actor": "x",
        "at": 1,
        "lost": ["registered_customer default"],
    }
    rows.add(keys.audit(nina["pk"][5:], 2_000_000_000, 9, "x"), **lost)


def a_role_nowhere(rows: Rows) -> None:
    _give(rows, OLGA, "photographer", "nowhere", "boss")


def an_account_below_what_is_not_there(rows: Rows) -> None:
    rows.account(OLGA)["path"] = ["root", "nowhere"]


def a_gallery_below_what_is_not_there(rows: Rows) -> None:
    rows.the("gallery")["path"] = ["root", "nowhere"]


def an_order_below_what_is_not_there(rows: Rows) -> None:
    rows.the("order")["paths"][0][0] = "other"


def an_organization_below_what_is_not_there(rows: Rows) -> None:
    annex = rows.the("organization", name="Annex")
    annex["path"].insert(1, "nowhere")
    annex["list_at"] = "".join(f"{id_}/" for id_ in annex["path"])


def a_partition_without_its_user(rows: Rows) -> None:
    rows.drop(rows.the("user", status=None, ordered_at=None, ended_at=None))


def a_partition_without_its_gallery(rows: Rows) -> None:
    rows.drop(rows[keys.gallery("coast")])


def an_order_of_somebody_who_is_gone(rows: Rows) -> None:
    order = rows.the("order", email=DORA)
    order["by"] = order["history"][0]["by"] = "nobody"


def what_was_handed_over_to_nobody(rows: Rows) -> None:
    rows.the("user", handed_to=...)["handed_to"] = "nobody"


def a_step_by_somebody_who_is_gone(rows: Rows) -> None:
    order = next(r for r in rows.values() if len(r.get("history", ())) > 1)
    order["history"][1]["by"] = "nobody"


def an_order_claimed_by_somebody_who_is_gone(rows: Rows) -> None:
    rows.the("order by address", answer="refused")["answered_by"] = "nobody"


def a_user_who_goes_by_himself(rows: Rows) -> None:
    rows.account(OLGA)["expires"] = 1


def an_order_that_goes_by_itself(rows: Rows) -> None:
    rows.the("order")["expires"] = 1


def a_limit_that_stays(rows: Rows) -> None:
    del rows.the("limit")["expires"]


def a_row_of_no_kind(rows: Rows) -> None:
    rows.add(Key(rows.account(OLGA)["pk"], "NOTE#olga@example.com"))


def a_row_half_written(rows: Rows) -> None:
    del rows.the("order", email=DORA)["history"]


def a_history_without_a_beginning(rows: Rows) -> None:
    rows.the("order", email=DORA)["history"] = []


def a_redeemed_claim_in_no_list(rows: Rows) -> None:
    del rows.the("claim", redeemed=...)["list"]


def a_claim_in_the_list_of_another_address(rows: Rows) -> None:
    rows.the("claim", redeemed=None)["list"] = keys.claims_on("other@example.org")


def a_claim_in_no_list(rows: Rows) -> None:
    del rows.the("claim", redeemed=None)["list"]


def a_role_in_the_list_of_another_studio(rows: Rows) -> None:
    rows.the("role")["list"] = keys.staff_of("default")


def an_organization_in_another_place(rows: Rows) -> None:
    rows.the("organization", name="Annex")["list_at"] = "root/"


def a_private_gallery_in_public(rows: Rows) -> None:
    rows[keys.gallery(WEDDING)].update(list=keys.PUBLIC_GALLERIES, list_at="x")


def a_gallery_its_studio_does_not_find(rows: Rows) -> None:
    rows[keys.gallery_of_studio("coast")]["list"] = keys.galleries_of("default")


def a_product_that_is_off_and_listed(rows: Rows) -> None:
    rows[keys.product("voucher")]["active"] = False


def a_product_in_the_list_of_a_gallery_it_is_not_of(rows: Rows) -> None:
    rows[keys.product("voucher")]["list"] = keys.products_of("coast")


def a_product_in_another_place(rows: Rows) -> None:
    rows[keys.product("coast-poster")]["list_at"] = "0#000000000001#coast-poster"


def a_grant_in_the_list_of_another_address(rows: Rows) -> None:
    rows.the("grant", link=...)["list"] = keys.grants_on("other@example.org")


def a_user_who_stands_in_a_list(rows: Rows) -> None:
    rows.account(OLGA)["list"] = keys.members_of("default")


def an_account_that_waits_to_be_cleaned_away(rows: Rows) -> None:
    olga = rows.account(OLGA)
    olga["due"], olga["due_at"] = keys.idle_guests(keys.shard_of(olga["pk"][5:])), 1


def a_guest_nobody_ever_cleans_away(rows: Rows) -> None:
    del rows.the("user", status=None, ended_at=None)["due_at"]


def a_mail_in_the_queue_of_another_shard(rows: Rows) -> None:
    rows.the("mail", due=...)["due"] = keys.unsent(99)


def a_digest_that_waits_for_nothing(rows: Rows) -> None:
    del rows.the("digest")["due"]


# What must be said of each.
WRONG: list[tuple[Callable[[Rows], None], str, str]] = [
    (two_of_one_address, "I1", "its address is another account's as well"),
    (known_by_another_address, "I1", "is known by another address than it is written to"),
    (an_address_without_a_row, "I2", "is approved and does not own its address"),
    (an_address_nobody_left, "I2", "is nobody's and was never left by anybody"),
    (
        an_address_of_somebody_who_is_not_there,
        "I2",
        "is said to be of nobody, who does not have it",
    ),
    (an_address_of_somebody_who_opened_none, "I2", "is said to be of .+, who does not have it"),
    (a_claim_that_made_nobody, "I3", "made the account nobody, which is none"),
    (a_claim_of_the_future, "I3", "made .+ of an epoch that is still to come"),
    (an_opened_account_that_was_taken_without_its_link, "I3", "and .+ it opens, are not at one"),
    (a_link_of_the_future, "I3", "is of an epoch of its user that is still to come"),
    (an_invitation_accepted_by_nobody, "I3", "is accepted and bound to None"),
    (a_total_that_is_not_one, "I4", "its lines and shipping make .+, its total says .+"),
    (an_order_of_nothing, "I4", "has no lines"),
    (a_line_of_less_than_nothing, "I4", "has a line of nothing or of less than nothing"),
    (a_contact_half_struck, "I4", "has a contact without its key, or the key without it"),
    (
        an_order_under_another_address_than_its_contacts,
        "I4",
        "stands under another address than its contact's",
    ),
    (a_print_for_nowhere, "I4", "has a print in it and nowhere to send it"),
    (a_history_that_begins_otherwise, "I4", "its history does not begin with its placing"),
    (a_step_that_is_not_drawn, "I4", "took a step that is not drawn"),
    (fewer_versions_than_steps, "I4", "has more of a history than versions"),
    (an_order_its_studio_does_not_find, "I4", "is not found by .+"),
    (an_order_in_the_list_of_another_status, "I4", "does not stand in the list of what is .+"),
    (an_order_found_by_a_stranger, "I4", "is of an order in which nothing is that studio's"),
    (a_studio_that_finds_no_order, "I4", "is of an order that is not there"),
    (an_order_no_address_leads_to, "I4", "is not found by the address it names"),
    (an_order_that_is_in_no_account, "I4", "was placed in an account that does not show it"),
    (an_address_that_leads_to_no_order, "I4", "is of an order that is not there"),
    (
        an_address_of_a_struck_order,
        "I4",
        "keeps the address of an order whose contact was struck",
    ),
    (
        an_address_that_leads_to_somebody_elses_order,
        "I4",
        "is of an order that names another address",
    ),
    (
        an_address_that_leads_to_its_owners_order,
        "I4",
        "says otherwise of its order than that does",
    ),
    (an_answer_by_nobody, "I4", "is answered by nobody"),
    (a_claimed_order_that_is_nowhere, "I4", "was claimed by .+, who does not have it"),
    (an_account_that_shows_no_order, "I4", "is of an order that is not there"),
    (
        an_account_that_shows_anybodys_order,
        "I4",
        "shows an order that he neither placed nor claimed",
    ),
    (
        an_account_that_shows_what_it_refused,
        "I4",
        "shows an order that he neither placed nor claimed",
    ),
    (a_key_of_no_order, "I4", "is of the order none, which is not there"),
    (a_key_of_another_ones_order, "I4", "is of the order .+, which another placed"),
    (two_keys_of_one_order, "I4", "was placed under more than one key"),
    (a_key_of_a_step_of_no_order, "I4", "is of a step of none, which is not there"),
    (a_claim_of_no_order, "I4", "is of the order none, which is not there"),
    (a_claim_of_another_ones_order, "I4", "is of the order .+, which names another address"),
    (a_mail_that_is_lost, "I5", "neither waits nor was sent, dropped or given up"),
    (a_mail_that_was_sent_and_given_up, "I5", "is at once sent_at and dead_at"),
    (a_mail_that_is_being_sent_again, "I5", "is being sent and does not wait"),
    (a_mail_to_nobody, "I5", "waits and does not say to"),
    (a_mail_whose_text_stayed, "I5", "is over and still says what and to whom"),
    (a_mail_that_stays_for_ever, "I5", "is over and never goes"),
    (a_line_under_another_id, "I6", "has a line under the id of another thing"),
    (a_line_of_nothing, "I6", "has a line of nothing or of less than nothing"),
    (a_closed_cart_with_something_in_it, "I6", "is closed and not empty"),
    (a_closed_cart_of_the_living, "I6", "is closed and its user is approved"),
    (an_open_cart_of_the_dead, "I6", "was handed over and its cart is open"),
    (a_guest_half_removed_in_no_queue, "I9", "is half removed and waits in no queue"),
    (a_selection_of_the_dead, "I6", "was handed over and still has a selection"),
    (an_order_of_the_dead, "I6", "was handed over though it has orders"),
    (a_guest_who_forgot_that_he_ordered, "I6", "its guest .+ does not know that he ordered"),
    (a_receipt_that_does_not_add_up, "I6", "tells of lines that no merging makes"),
    (a_receipt_of_pictures_that_went, "I6", "tells of pictures that went"),
    (a_grant_nobody_holds, "I6", "is bound to .+, who does not hold what it grants"),
    (a_grant_with_other_rights, "I6", "is bound to .+, who does not hold what it grants"),
    (a_gallery_held_by_nothing, "I6", "is held by the grant none, which is not his"),
    (a_session_of_who_is_shut_out, "I7", r"is disabled and has a session \(H19\)"),
    (a_session_of_a_guest, "I7", r"is guest and has a session \(H19\)"),
    (more_sessions_than_one_may_have, "I7", "has more sessions than one may have"),
    (a_guests_cookie_that_outlives_him, "I7", "is approved and its guest's cookie still good"),
    (a_password_of_an_earlier_life, "I7", "names a password that is not there"),
    (who_left_and_is_listed, "I7", "is superseded and still listed"),
    (who_is_not_listed, "I7", "is not listed"),
    (who_is_listed_as_somebody_else, "I7", "shows another name"),
    (who_is_in_the_list_of_another_status, "I7", "shows another list_at"),
    (an_account_without_a_name, "I7", "is an account without a name or address"),
    (a_role_that_is_not_found, "I7", "is missing: who has the role is not found by it"),
    (a_role_nobody_has, "I7", "is of a role that its user does not have"),
    (an_administrator_who_does_not_count, "I8", "does not count .+, who administers the site"),
    (an_administrator_who_is_none, "I8", "counts nobody, who does not administer the site"),
    (an_administrative_role_by_a_rule, "I8", "was given the role photographer .+ by a rule"),
    (a_role_that_nobody_gave, "I8", "has the role buyer .+, which nobody gave it"),
    (a_role_that_was_taken_back, "I8", "has the role registered_customer .+ nobody gave it"),
    (a_role_nowhere, "I8", "has the role photographer nowhere where there is no organization"),
    (an_account_below_what_is_not_there, "I8", "is below root/nowhere, which the tree does .+"),
    (a_gallery_below_what_is_not_there, "I8", "is below root/nowhere, which the tree .+"),
    (an_order_below_what_is_not_there, "I8", "is below other/.+, which the tree does not know"),
    (an_organization_below_what_is_not_there, "I8", "is below root/nowhere.*, which the tree .+"),
    (a_partition_without_its_user, "I9", "is left of user .+, which is not there"),
    (a_partition_without_its_gallery, "I9", "is left of gallery coast, which is not there"),
    (an_order_of_somebody_who_is_gone, "I9", "still waits and nobody, who ordered, is gone"),
    (what_was_handed_over_to_nobody, "I9", "names the account nobody, which is gone"),
    (a_step_by_somebody_who_is_gone, "I9", "names the account nobody, which is gone"),
    (an_order_claimed_by_somebody_who_is_gone, "I9", "names the account nobody, which is gone"),
    (a_user_who_goes_by_himself, "I9", "goes by TTL and must stay"),
    (an_order_that_goes_by_itself, "I9", "goes by TTL and must stay"),
    (a_limit_that_stays, "schema", "must go by TTL and does not say when"),
    (a_row_of_no_kind, "schema", "is of no kind that keys.py knows"),
    (a_row_half_written, "schema", r"cannot be read as order \(KeyError\)"),
    (an_answer_there_is_not, "schema", r"cannot be read as order by address \(ValueError\)"),
    (a_history_without_a_beginning, "schema", r"cannot be read as order \(AssertionError\)"),
    (a_redeemed_claim_in_no_list, "schema", "does not stand in its list .+"),
    (a_claim_in_the_list_of_another_address, "schema", "does not stand in its list .+"),
    (a_claim_in_no_list, "schema", "does not stand in its list .+"),
    (a_role_in_the_list_of_another_studio, "schema", "does not stand in its list STAFF#.+"),
    (an_organization_in_another_place, "schema", "does not stand in its list ORGS"),
    (a_private_gallery_in_public, "schema", "stands in a list it does not belong in"),
    (a_gallery_its_studio_does_not_find, "schema", "does not stand in its list GALLERIES#.+"),
    (a_product_that_is_off_and_listed, "schema", "stands in a list it does not belong in"),
    (
        a_product_in_the_list_of_a_gallery_it_is_not_of,
        "schema",
        "does not stand in its list PRODUCTS",
    ),
    (a_product_in_another_place, "schema", "does not stand in its list PRODUCTS"),
    (a_grant_in_the_list_of_another_address, "schema", "does not stand in its list .+"),
    (a_user_who_stands_in_a_list, "schema", "stands in a list it does not belong in"),
    (an_account_that_waits_to_be_cleaned_away, "schema", "waits in a queue it does not .+"),
    (a_guest_nobody_ever_cleans_away, "schema", "does not wait in its queue GUEST#.+"),
    (a_mail_in_the_queue_of_another_shard, "schema", "does not wait in its queue OUTBOX#.+"),
    (a_digest_that_waits_for_nothing, "schema", "does not wait in its queue DIGEST"),
]


@pytest.mark.parametrize(
    ("spoil", "invariant", "wrong"), WRONG, ids=[spoil.__name__ for spoil, _, _ in WRONG]
)
def test_what_is_wrong_is_reported_without_a_personal_datum(
    lived: Rows, spoil: Callable[[Rows], None], invariant: str, wrong: str
) -> None:
    rows = deepcopy(lived)
    spoil(rows)
    found = breaches(rows.values())
    assert any(b.invariant == invariant and re.fullmatch(wrong, b.wrong) for b in found), found
    told = "\n".join(map(str, found))
    for datum in ("@", "Marchetti", "Sea Road", "olga@", "example.org"):
        assert datum not in told


def test_every_check_is_among_those_that_are_tried(lived: Rows) -> None:
    """Whatever words it may use, some spoilt table makes it use."""
    said = set()
    for spoil, _, _ in WRONG:
        rows = deepcopy(lived)
        spoil(rows)
        said |= {(b.invariant, b.wrong) for b in breaches(rows.values())}
    words = list(_words_of_checks())
    assert len(words) > 60
    for invariant, pattern in words:
        assert any(i == invariant and re.fullmatch(pattern, w) for i, w in said), pattern


def _words_of_checks() -> Iterator[tuple[str, str]]:
    """What the checks may say, from their source, as patterns."""
    source = ast.parse(Path(invariants.__file__).read_text(encoding="utf-8"))
    for function in (
        node for node in source.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ):
        named = {
            node.targets[0].id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_breach":
                invariant, _, said = node.args
                assert isinstance(invariant, ast.Constant)
                said = named[said.id] if isinstance(said, ast.Name) else said
                yield str(invariant.value), _pattern(said)


def _pattern(said: ast.expr) -> str:
    if isinstance(said, ast.Constant):
        return re.escape(str(said.value))
    assert isinstance(said, ast.JoinedStr)
    parts = (re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".*" for p in said.values)
    return "".join(parts)


def test_every_key_of_keys_py_is_of_a_kind(lived: Rows) -> None:
    """A kind that is new must be told to the checks."""
    # where a family begins, and another way to a row that is told
    beginnings = {"audit_of", "consents_of", "submitted_to", "products_in", "product_in"}
    made = {
        name
        for name, function in vars(keys).items()
        if getattr(function, "__annotations__", {}).get("return") is Key
    }
    source = Path(invariants.__file__).read_text(encoding="utf-8")
    told = set(re.findall(r'": keys\.(\w+)\(', source))
    assert made - beginnings == told


def test_no_row_however_spoilt_stops_it(lived: Rows) -> None:
    seen = {kind_of(key): key for key in lived}
    for key in seen.values():
        for name in lived[key].keys() - {"pk", "sk"}:
            for worse in (..., 0, "x", [0], {"x": "x"}):
                row = {n: v for n, v in lived[key].items() if n != name}
                spoilt = {**lived, key: row if worse is ... else row | {name: worse}}
                for breach in breaches(spoilt.values()):
                    assert "@" not in str(breach)


# ---- the command ---------------------------------------------------------------------------------

Lines = list[dict[str, Any]]


@pytest.fixture
def stored(site: Site) -> Lines:
    """The seeded site's rows as an export has them."""
    return [{"Item": row} for row in site.cloud.rows()]


def spoil_one(stored: Lines) -> None:
    found = [one["Item"] for one in stored if one["Item"]["pk"]["S"] == "PRODUCT#voucher"]
    (product,) = [one for one in found if one["sk"]["S"] == "PRODUCT"]
    product["expires"] = {"N": "1"}


BREACH = "I9     PRODUCT#voucher PRODUCT: goes by TTL and must stay"


def run(monkeypatch: pytest.MonkeyPatch, **environment: object) -> int:
    for name in ("EXPORT", "TABLE", "PORT"):
        monkeypatch.setenv(name, str(environment.get(name, "")))
    return verify.main()


def written(file: Path, stored: Lines) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in stored)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


def exported(folder: Path, stored: Lines, promised: int | None = None) -> Path:
    """As DynamoDB writes it to S3."""
    half = len(stored) // 2
    written(folder / "data" / "a3xmple1.json.gz", stored[:half])
    written(folder / "data" / "b4xmple2.json.gz", stored[half:])
    (folder / "manifest-files.json").write_text('{"itemCount": 1}\n{"itemCount": 1}')
    summary = {"version": "2020-06-30", "itemCount": promised or len(stored)}
    (folder / "manifest-summary.json").write_text(json.dumps(summary))
    (folder / "manifest-summary.md5").write_text("x")
    return folder


@pytest.mark.parametrize("form", ["an export", "lines", "packed lines"])
def test_an_export_or_a_file_is_read_and_what_is_wrong_in_it_told(
    stored: Lines,
    tmp_path: Path,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def place(name: str) -> Path:
        if form == "an export":
            return exported(tmp_path / name, stored)
        return written(tmp_path / f"{name}.json{'.gz' if form == 'packed lines' else ''}", stored)

    assert run(monkeypatch, EXPORT=place("whole")) == 0
    said = capsys.readouterr().out
    assert f"{len(stored)} rows: " in said
    assert ", 6 product" in said
    assert said.endswith("Nothing is wrong.\n")
    spoil_one(stored)
    assert run(monkeypatch, EXPORT=place("spoilt")) == 1
    said = capsys.readouterr().out
    assert BREACH in said.splitlines()
    assert said.endswith("1 breach.\n")


def test_what_is_no_whole_export_is_refused_with_what_to_do(
    stored: Lines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "ion").mkdir()
    (tmp_path / "ion" / "x.ion.gz").write_text("")
    for name in ("one", "two"):
        exported(tmp_path / "both" / name, stored)
    later = {"Keys": stored[0]["Item"], "NewImage": stored[0]["Item"]}
    unpacked = tmp_path / "unpacked.json.gz"
    unpacked.write_text("no gzip")
    words = {
        tmp_path / "nowhere": "There is no",
        tmp_path / "empty": "Name the folder of an export",
        tmp_path / "ion": "Export the table as DynamoDB JSON",
        tmp_path / "both": "holds 2 exports. Name the folder of one",
        exported(tmp_path / "half", stored, promised=999): "Fetch all of the export's files",
        written(tmp_path / "later.json", [later]): "Make a full one",
        written(tmp_path / "other.json", [{"pk": "USER#nina@example.com"}]): "line 1, is no",
        unpacked: "cannot be read",
    }
    for source, said in words.items():
        assert run(monkeypatch, EXPORT=source) == 2
        told = capsys.readouterr().err
        assert said in told
        assert str(source) in told
        assert "nina@" not in told
    assert run(monkeypatch, EXPORT=tmp_path, TABLE="Table") == 2
    assert "Name one of them" in capsys.readouterr().err


def test_a_table_is_scanned_and_in_doubt_once_more(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    table = site.cloud.client("dynamodb")
    key = {"pk": {"S": "PRODUCT#voucher"}, "sk": {"S": "PRODUCT"}}

    def watched(operation: str, _: Any, send: Any) -> Any:
        asked.append(operation)
        return send()

    site.cloud.intercept = watched
    assert run(monkeypatch, TABLE=site.cloud.table_name) == 0
    assert asked == ["Scan"]
    assert capsys.readouterr().out.endswith("Nothing is wrong.\n")
    table.update_item(
        TableName=site.cloud.table_name,
        Key=key,
        UpdateExpression="SET expires = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    asked.clear()
    assert run(monkeypatch, TABLE=site.cloud.table_name) == 1
    assert asked == ["Scan", "Scan"]
    assert BREACH in capsys.readouterr().out

    def mended(operation: str, _: Any, send: Any) -> Any:
        """What was only half seen is whole the second time."""
        found = send()
        site.cloud.intercept = None
        table.update_item(
            TableName=site.cloud.table_name, Key=key, UpdateExpression="REMOVE expires"
        )
        return found

    site.cloud.intercept = mended
    assert run(monkeypatch, TABLE=site.cloud.table_name) == 0
    assert capsys.readouterr().out.endswith("Nothing is wrong.\n")
    assert run(monkeypatch, TABLE="no-such-table") == 2
    assert "Check its name, AWS_DEFAULT_REGION and your credentials" in capsys.readouterr().err


def test_the_site_on_this_machine_is_read_by_its_own_door(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = make_server("127.0.0.1", 0, Gateway(site), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert run(monkeypatch, PORT=server.port) == 0
    finally:
        server.shutdown()
        thread.join()
    assert f"localhost:{server.port}" in capsys.readouterr().out
    assert run(monkeypatch, PORT=9) == 2
    assert "Start it with `make run`" in capsys.readouterr().err


def test_progress_is_told_on_the_way(
    stored: Lines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(verify, "EVERY", 20)
    run(monkeypatch, EXPORT=written(tmp_path / "x.json", stored))
    assert "20 rows …\n40 rows …\n" in capsys.readouterr().out


def test_make_says_what_it_is_for_and_the_command_finds_its_way_alone(
    stored: Lines, tmp_path: Path
) -> None:
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make verify-table" in told
    assert "EXPORT=" in told
    spoil_one(stored)
    place = written(tmp_path / "x.json", stored)
    command = [sys.executable, "-m", "local.verify"]
    environment = {**os.environ, "EXPORT": str(place), "TABLE": "", "PYTHONPATH": ""}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert BREACH in done.stdout


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"N": "1795334400"}, 1795334400),
        ({"N": "1.5E3"}, 1500),
        ({"N": "0.5"}, Decimal("0.5")),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1", "2"]}, {1, 2}),
        ({"NULL": True}, None),
        ({"BOOL": False}, False),
        ({"M": {"x": {"L": [{"S": "y"}]}}}, {"x": ["y"]}),
    ],
)
def test_dynamodbs_notation_is_read_as_it_is_meant(value: Any, meant: Any) -> None:
    assert verify.plain(value) == meant
