"""Staff let people in, open accounts, help, give roles (H10-H26, P16-P20, N17, N18)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.people import HOTEL, STUDIO, Person, administrator, is_consistent, plant
from tests.visiting import (
    CALENDAR,
    OTHER_PASSWORD,
    PASSWORD,
    TERMS,
    VOUCHER,
    Answer,
    Browser,
)

NINA = "nina@example.com"
DAY = 86_400


@pytest.fixture
def boss(site: Site) -> Person:
    return administrator(site)


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="192.0.2.77")


def apply(browser: Browser, email: str = NINA, **more: Any) -> Answer:
    """Signs up with the hotel, whose people must be let in, and confirms the address here."""
    form = {"organization_id": HOTEL, "profile_type": "B", **more}
    assert browser.sign_up(email, **form).status_code == 202
    return browser.activate(browser.token(email))


def waiting(boss: Person, **query: str) -> list[Any]:
    filters = "&".join(f"{name}={value}" for name, value in query.items())
    answer = boss.browser.get(f"/v1/staff/users?status=pending_approval&{filters}")
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def do(who: Person, user_id: str, what: str, **body: Any) -> Answer:
    return who.browser.post(f"/v1/staff/users/{user_id}/{what}", body)


def user_row(site: Site, user_id: str) -> Any:
    return site.cloud.row(f"USER#{user_id}", "USER") or {}


# ---- who must be let in --------------------------------------------------------------------------


def test_h17_under_the_default_organization_nobody_waits(site: Site, browser: Browser) -> None:
    browser.register(NINA)
    user = browser.session()["user"]
    assert (user["status"], user["registration_type"]) == ("approved", "R")
    assert user["roles"] == [{"role": "registered_customer", "organization_id": "default"}]


def test_h18_h19_who_must_be_let_in_waits_as_the_guest_he_was_with_the_same_cart(
    boss: Person, browser: Browser
) -> None:
    browser.add(VOUCHER)
    guest = browser.who()
    answer = apply(browser)
    assert answer.json == {
        "status": "pending_approval",
        "session": None,
        "transfer": None,
        "gallery_id": None,
        "order_id": None,
    }
    assert browser.session()["authentication"] == "guest"
    assert browser.who() == guest
    browser.add(CALENDAR)
    (person,) = waiting(boss)
    assert (person["id"], person["email"], person["status"]) == (guest, NINA, "pending_approval")
    assert person["organization_id"] == HOTEL
    browser.ask_code(NINA)
    assert "has yet to approve" in browser.mails(NINA)[0]["text"]

    approved = do(boss, guest, "approve")
    assert (approved.status_code, approved.json["status"]) == (200, "approved")
    assert browser.session()["authentication"] == "generic", "approval ends the guest's cookie"
    assert browser.add(VOUCHER).json["code"] == "session_changed"
    assert "is approved" in browser.mails(NINA)[0]["subject"]
    browser.ask_code(NINA)
    assert browser.sign_in_by_code(NINA, browser.code(NINA)).status_code == 200
    assert browser.who() == guest
    assert browser.quantities() == {"voucher": 1, "calendar": 1}
    assert {role["role"] for role in browser.session()["user"]["roles"]} == {
        "registered_customer",
        "buyer",
    }


def test_h16_an_organization_inherits_whether_it_asks(boss: Person, browser: Browser) -> None:
    made = {}
    for name, parent, approval in (
        ("strict", "root", "required"),
        ("open", "root", "not_required"),
    ):
        body = {"name": name, "parent_id": parent, "approval": approval}
        made[name] = boss.browser.post("/v1/staff/organizations", body).json["id"]
        body = {"name": f"{name} below", "parent_id": made[name], "approval": "inherit"}
        made[f"{name} below"] = boss.browser.post("/v1/staff/organizations", body).json["id"]
    for number, (name, status) in enumerate(
        {"strict below": "pending_approval", "open below": "approved"}.items()
    ):
        visitor = Browser(browser.gateway, address=f"192.0.2.{number + 20}")
        answer = apply(visitor, f"n{number}@example.com", organization_id=made[name])
        assert answer.json["status"] == status


def test_a_setting_that_changes_counts_for_who_comes_after(boss: Person, browser: Browser) -> None:
    path = f"/v1/staff/organizations/{HOTEL}"
    boss.browser.send("PATCH", path, json={"approval": "not_required"})
    assert apply(browser).json["status"] == "approved"


def test_h20_a_rejected_person_reads_why_and_registers_again_as_the_same_user(
    site: Site, boss: Person, browser: Browser
) -> None:
    browser.add(VOUCHER)
    guest = browser.who()
    apply(browser)
    assert do(boss, guest, "reject", reason="x" * 401).status_code == 422
    answer = do(boss, guest, "reject", reason="We do not know a Nina.")
    assert (answer.status_code, answer.json["status"]) == (200, "rejected")
    told = browser.mails(NINA)[0]
    assert "We do not know a Nina." in told["text"]
    assert "/sign-up" in told["links"][0]
    assert browser.session()["authentication"] == "guest", "he goes on as before"
    assert apply(browser).json["status"] == "pending_approval"
    assert browser.who() == guest
    assert browser.quantities() == {"voucher": 1}
    do(boss, guest, "approve")
    history = boss.browser.get(f"/v1/staff/users/{guest}/audit").json
    assert [one["event"] for one in history["items"]] == [
        "approved",
        "approval_asked",
        "rejected",
        "approval_asked",
    ]
    assert history["items"][2]["note"] == "We do not know a Nina."
    assert [one["user_id"] for one in history["earlier"]] == [guest]


def test_a_rejected_person_registers_again_elsewhere_and_the_history_goes_along(
    site: Site, boss: Person, browser: Browser, other: Browser
) -> None:
    apply(browser)
    first = browser.who()
    do(boss, first, "reject", reason="Who?")
    other.sign_up(NINA, organization_id=HOTEL, profile_type="B")
    assert other.activate(other.token(NINA)).json["status"] == "pending_approval"
    second = other.who()
    assert second != first
    assert user_row(site, first)["status"]["S"] == "superseded"
    assert [person["id"] for person in waiting(boss)] == [second]
    assert do(boss, first, "approve").json["code"] == "wrong_status"
    history = boss.browser.get(f"/v1/staff/users/{second}/audit").json
    assert [one["user_id"] for one in history["earlier"]] == [first]
    old = boss.browser.get(f"/v1/staff/users/{first}/audit").json["items"]
    assert [one["event"] for one in old] == ["superseded", "rejected", "approval_asked"]


def test_0_4_a_rejected_person_may_register_again_three_times_in_30_days(
    site: Site, boss: Person, browser: Browser, gateway: Gateway
) -> None:
    for number in range(4):  # the first time, and three times again
        visitor = Browser(gateway, address=f"203.0.113.{number}")
        visitor.sign_up(NINA, organization_id=HOTEL)
        assert visitor.activate(visitor.token(NINA)).json["status"] == "pending_approval"
        do(boss, visitor.who(), "reject", reason="No.")
        site.advance(DAY)
        boss = plant(site, f"boss{number}", role=("site_administrator", "root"), org="root")
    last = Browser(gateway, address="203.0.113.99")
    last.add(VOUCHER)
    last.sign_up(NINA, organization_id=HOTEL)
    token, before = last.token(NINA), site.cloud.rows()
    for answer in (
        last.post("/v1/activations/preview", {"token": token}),
        last.activate(token),
    ):
        assert (answer.status_code, answer.json["code"]) == (429, "too_many_applications")
        # the first of the three times was three days ago
        assert int(answer.headers["Retry-After"]) == 27 * DAY
    assert site.cloud.rows() == before
    site.advance(27 * DAY)
    last.sign_up(NINA, organization_id=HOTEL)
    assert last.activate(last.token(NINA)).json["status"] == "pending_approval"
    (person,) = waiting(plant(site, "late", role=("site_administrator", "root"), org="root"))
    history = boss_of(site).browser.get(f"/v1/staff/users/{person['id']}/audit").json
    assert len(history["earlier"]) == 4, "the history remembers each"


def boss_of(site: Site) -> Person:
    return plant(site, "one_more", role=("site_administrator", "root"), org="root")


def test_0_4_the_three_times_are_the_addresss_whatever_happens_in_between(
    site: Site, boss: Person, gateway: Gateway
) -> None:
    """Let in under the default organization, then gone to another address, and back again."""
    for number in range(5):
        site.advance(10)
        visitor = Browser(gateway, address=f"203.0.113.{number}")
        visitor.sign_up(NINA, organization_id=HOTEL)
        answer = visitor.elsewhere(visitor.token(NINA), organization_id=HOTEL)
        if answer.status_code == 429:
            break
        do(boss, visitor_of(boss), "reject", reason="No.")
        visitor = Browser(gateway, address=f"203.0.113.{number + 100}")
        visitor.sign_up(NINA)
        answer = visitor.activate(visitor.token(NINA), password=PASSWORD)
        if answer.status_code == 429:
            break
        visitor.post("/v1/account/email", {"email": f"away{number}@example.com"})
        token = visitor.token(f"away{number}@example.com")
        assert visitor.post("/v1/account/email/redeem", {"token": token}).status_code == 200
    assert (number, answer.json["code"]) == (3, "too_many_applications")


def visitor_of(boss: Person) -> str:
    return str(waiting(boss)[0]["id"])


def test_who_was_superseded_is_history_and_nothing_is_done_to_him(
    site: Site, boss: Person, browser: Browser, other: Browser
) -> None:
    apply(browser)
    first = browser.who()
    do(boss, first, "reject", reason="Who?")
    other.sign_up(NINA)
    other.activate(other.token(NINA), password=PASSWORD)
    mails, before = len(other.mails(NINA)), site.cloud.rows()
    path = f"/v1/staff/users/{first}"
    for answer in (
        boss.browser.send("PATCH", path, json={"name": "Somebody"}),
        give(boss, first),
        do(boss, first, "password-reset"),
        do(boss, first, "resend"),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "wrong_status")
    assert site.cloud.rows() == before
    assert len(other.mails(NINA)) == mails
    is_consistent(site)


def test_staff_who_rejected_somebody_by_mistake_open_an_account_for_him(
    site: Site, boss: Person, browser: Browser, other: Browser
) -> None:
    apply(browser)
    do(boss, browser.who(), "reject", reason="A mistake.")
    assert opened(boss, organization_id=HOTEL).status_code == 201
    done = other.activate(other.token(NINA), password=PASSWORD)
    assert done.json["status"] == "approved"
    is_consistent(site)


def test_what_was_before_is_told_to_who_may_see_it(
    site: Site, boss: Person, browser: Browser, other: Browser
) -> None:
    apply(browser)
    do(boss, browser.who(), "reject", reason="No.")
    service = plant(site, "serves", role=("customer_service_representative", "default"))
    other.sign_up(NINA)
    other.activate(other.token(NINA))
    path = f"/v1/staff/users/{other.who()}/audit"
    assert len(boss.browser.get(path).json["earlier"]) == 1
    assert service.browser.get(path).json["earlier"] == []


def test_every_edge_that_is_not_drawn_is_refused_and_changes_nothing(
    site: Site, boss: Person
) -> None:
    allowed = {
        ("pending_approval", "approve"),
        ("pending_approval", "reject"),
        ("approved", "disable"),
        ("disabled", "enable"),
    }
    statuses = ["pending_email_activation", "pending_approval", "approved", "rejected", "disabled"]
    for status in statuses:
        person = plant(site, f"p_{status}"[:20], status=status)
        for what in ("approve", "reject", "disable", "enable"):
            if (status, what) in allowed:
                continue
            before = site.cloud.rows()
            answer = do(boss, person.id, what, **({"reason": "No"} if what == "reject" else {}))
            assert (answer.status_code, answer.json["code"]) == (409, "wrong_status")
            assert answer.json["user_status"] == status
            assert site.cloud.rows() == before


# ---- the digest ----------------------------------------------------------------------------------


def digests(browser: Browser, to: str) -> list[str]:
    return [m["subject"] for m in browser.mails(to) if "for approval" in m["subject"]]


def test_0_16_approvals_asked_reach_staff_in_one_mail_a_quarter_of_an_hour(
    site: Site, boss: Person, browser: Browser, gateway: Gateway
) -> None:
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    foreign = plant(site, "ana_buys", role=("buyer_administrator", STUDIO), org=STUDIO)
    service = plant(site, "serves", role=("customer_service_representative", HOTEL), org=HOTEL)
    for number in range(3):
        visitor = Browser(gateway, address=f"192.0.2.{number + 30}")
        org = HOTEL if number else STUDIO
        apply(visitor, f"n{number}@example.com", organization_id=org)
    assert digests(browser, buyer.email) == [], "not one by one"
    site.advance(900)
    assert digests(browser, buyer.email) == ["2 people wait for approval at Studio Ana"]
    assert digests(browser, foreign.email) == ["1 person waits for approval at Studio Ana"]
    assert digests(browser, boss.email) == ["3 people wait for approval at Studio Ana"]
    assert digests(browser, service.email) == [], "he may not decide"
    mail = browser.mails(boss.email)[0]
    assert "Hotel Miramar, Studio Ana" in mail["text"]
    assert "/staff/people?status=pending_approval" in mail["links"][0]
    site.advance(3 * 900)
    assert len(digests(browser, boss.email)) == 1, "once"


def test_who_was_decided_about_meanwhile_is_in_no_digest(
    site: Site, boss: Person, browser: Browser
) -> None:
    apply(browser)
    do(boss, browser.who(), "approve")
    site.advance(1800)
    assert digests(browser, boss.email) == []


def test_many_who_work_there_do_not_hide_those_who_decide(
    site: Site, boss: Person, browser: Browser
) -> None:
    for number in range(26):
        plant(site, f"serves{number}", role=("customer_service_representative", HOTEL), org=HOTEL)
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    apply(browser)
    site.advance(900)
    assert len(digests(browser, buyer.email)) == len(digests(browser, boss.email)) == 1


def test_a_digest_waits_until_there_is_somebody_to_decide(empty_site: Site) -> None:
    site, browser = empty_site, Browser(Gateway(empty_site))
    site.module("foyer.operations.organizations").ensure_open("Studio Ana")
    browser.sign_up(NINA, organization_id="root")
    browser.activate(browser.token(NINA))
    site.advance(900)
    boss = plant(site, "boss", role=("site_administrator", "root"), org="root")
    site.advance(900)
    assert len(digests(browser, boss.email)) == 1


# ---- disabled ------------------------------------------------------------------------------------


def test_a_reason_may_be_400_characters(boss: Person, browser: Browser) -> None:
    apply(browser)
    assert do(boss, browser.who(), "reject", reason="x" * 400).status_code == 200


def test_r27_a_code_asked_for_before_his_sessions_ended_is_dead(
    site: Site, boss: Person, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    user_id = browser.who()
    other.ask_code(NINA)
    code = other.code(NINA)
    site.advance(5)
    do(boss, user_id, "disable")
    do(boss, user_id, "enable")
    assert other.sign_in_by_code(NINA, code).json["code"] == "wrong_credentials"
    site.advance(5)
    other.ask_code(NINA)
    assert other.sign_in_by_code(NINA, other.code(NINA)).status_code == 200


def test_0_10_a_browser_that_knew_the_addresss_last_owner_is_not_known_to_the_next(
    site: Site, gateway: Gateway
) -> None:
    old = plant(site, "desk", role=("site_administrator", "root"), org="root")
    old.browser.cookies.clear()
    old.browser.sign_in(old.email)
    old.browser.sign_in(old.email, code=old.browser.code(old.email))
    device = old.browser.cookies["__Host-device"]
    old.browser.post("/v1/account/email", {"email": "away@example.com"})
    token = old.browser.token("away@example.com")
    assert old.browser.post("/v1/account/email/redeem", {"token": token}).status_code == 200
    site.advance(60)
    new = Browser(gateway, address="192.0.2.50").register(old.email, OTHER_PASSWORD)
    again = plant(site, "again", role=("site_administrator", "root"), org="root")
    assert give(again, new.who(), ("site_administrator", "root")).status_code == 200
    thief = Browser(gateway, address="192.0.2.51")
    thief.cookies["__Host-device"] = device
    answer = thief.sign_in(old.email, OTHER_PASSWORD)
    assert (answer.status_code, answer.json["code"]) == (401, "code_required")


def test_r27_who_is_disabled_is_out_at_once_and_comes_back_by_signing_in(
    boss: Person, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    browser.add(VOUCHER)
    user_id = browser.who()
    assert do(boss, user_id, "disable").json["status"] == "disabled"
    assert "closed for now" in browser.mails(NINA)[0]["subject"], "he is told"
    assert browser.session()["authentication"] == "generic"
    assert browser.add(VOUCHER).json["code"] == "session_changed"
    answer = other.sign_in(NINA)
    assert (answer.status_code, answer.json["code"]) == (403, "account_disabled")
    other.post("/v1/password-resets", {"email": NINA})
    assert "closed for now" in other.mails(NINA)[0]["text"]
    assert do(boss, user_id, "enable").json["status"] == "approved"
    assert any("open again" in mail["subject"] for mail in browser.mails(NINA))
    assert browser.session()["authentication"] == "generic", "a dead session stays dead"
    assert other.sign_in(NINA).status_code == 200
    assert other.quantities() == {"voucher": 1}


# ---- accounts opened on behalf -------------------------------------------------------------------


def opened(boss: Person, **more: Any) -> Answer:
    form = {"email": NINA, "name": "Nina", "profile_type": "C", **more}
    return boss.browser.post("/v1/staff/users", form)


def test_p16_to_p20_an_account_opened_on_behalf_becomes_its_owners_by_a_password_of_his_own(
    site: Site, boss: Person, browser: Browser
) -> None:
    browser.add(VOUCHER)
    answer = opened(boss, company="Nina Ltd", phone="+33 1 23 45", locale="fr")
    assert answer.status_code == 201
    person = answer.json
    assert person["status"] == "pending_email_activation"
    assert (person["created_by"], person["has_password"]) == (boss.id, False)
    assert user_row(site, person["id"])["due"]["S"].startswith("GUEST#"), "90 days, then it goes"
    mail = browser.mails(NINA)[0]
    assert mail["subject"] == "Studio Ana vous a ouvert un compte"
    token = browser.token(NINA)
    shown = browser.post("/v1/activations/preview", {"token": token}).json
    assert (shown["on_behalf"], shown["this_browser"], shown["name"]) == (True, False, "Nina")
    refused = browser.activate(token)
    assert (refused.status_code, refused.json["code"]) == (422, "password_required")
    done = browser.activate(token, password=PASSWORD, name="Mallory", profile_type="B")
    assert done.json["status"] == "approved"
    user = done.json["session"]["user"]
    assert (user["id"], user["name"], user["profile_type"]) == (person["id"], "Nina", "C")
    assert done.json["session"]["next"] == ["accept_terms"], "nobody agreed for him (P20)"
    assert browser.get("/v1/account/consents").json["items"] == []
    assert done.json["transfer"]["lines"], "what he had in his cart as a guest comes along"
    assert browser.quantities() == {"voucher": 1}
    seen = boss.browser.get(f"/v1/staff/users/{person['id']}").json
    assert (seen["company"], seen["phone"], seen["locale"]) == ("Nina Ltd", "+33 1 23 45", "fr")
    assert (seen["status"], seen["has_password"]) == ("approved", True)
    assert "due" not in user_row(site, person["id"])


def test_what_staff_corrected_before_the_owner_came_is_what_he_gets(
    boss: Person, browser: Browser
) -> None:
    person = opened(boss, name="Nyna").json
    path = f"/v1/staff/users/{person['id']}"
    assert boss.browser.send("PATCH", path, json={"name": "Nina"}).status_code == 200
    token = browser.token(NINA)
    assert browser.post("/v1/activations/preview", {"token": token}).json["name"] == "Nina"
    done = browser.activate(token, password=PASSWORD)
    assert done.json["session"]["user"]["name"] == "Nina"


def test_p20_terms_sent_by_the_owner_are_his(site: Site, boss: Person, browser: Browser) -> None:
    opened(boss)
    consents = {"terms": TERMS, "newsletter": True}
    browser.activate(browser.token(NINA), password=PASSWORD, consents=consents)
    assert browser.session()["next"] == []
    entries = browser.get("/v1/account/consents").json["items"]
    assert {(entry["document"], entry["given"], entry["actor"]) for entry in entries} == {
        ("terms", True, "self"),
        ("newsletter", True, "self"),
    }


def test_a_consent_in_staffs_request_is_refused(boss: Person, browser: Browser) -> None:
    answer = opened(boss, consents={"terms": TERMS, "newsletter": True})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["code"] == "unknown_field"
    assert browser.mails(NINA) == []


def test_h16_who_a_site_administrator_creates_needs_no_approval_who_others_create_does(
    site: Site, boss: Person, browser: Browser, other: Browser
) -> None:
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    opened(boss, organization_id=HOTEL)
    done = browser.activate(browser.token(NINA), password=PASSWORD)
    assert done.json["status"] == "approved"
    opened(buyer, organization_id=HOTEL, email="otto@example.com")
    done = other.activate(other.token("otto@example.com"), password=PASSWORD)
    assert done.json["status"] == "pending_approval"
    assert [person["email"] for person in waiting(buyer)] == ["otto@example.com"]


def test_h25_where_none_is_named_it_is_the_default_or_ones_own(site: Site, boss: Person) -> None:
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    assert opened(boss).json["organization_id"] == "default"
    assert opened(buyer, email="o@example.com").json["organization_id"] == HOTEL


def test_what_staff_opened_and_the_owners_own_sign_up_go_by_who_redeems_first(
    site: Site, boss: Person, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    own = browser.token(NINA)
    person = opened(boss, company="Nina Ltd").json
    theirs = browser.token(NINA)
    assert browser.activate(theirs, password=PASSWORD).json["session"]["user"]["id"] == person["id"]
    browser.send("DELETE", "/v1/session")
    assert browser.elsewhere(own).json["code"] == "already_active"


def test_the_owner_who_signed_up_himself_first_makes_the_opened_account_void(
    boss: Person, browser: Browser, other: Browser
) -> None:
    person = opened(boss).json
    theirs = browser.token(NINA)
    browser.register(NINA)
    answer = other.activate(theirs, password=OTHER_PASSWORD)
    assert answer.json["code"] == "already_active"
    assert do(boss, person["id"], "resend").status_code == 204
    assert "already have an account" in other.mails(NINA)[0]["subject"]


def test_p18_staff_mail_the_link_again_and_the_one_before_is_replaced(
    site: Site, boss: Person, browser: Browser
) -> None:
    person = opened(boss).json
    first = browser.token(NINA)
    site.advance(2)
    assert do(boss, person["id"], "resend").status_code == 204
    second = browser.token(NINA)
    assert second != first
    assert browser.activate(first, password=PASSWORD).json["code"] == "link_replaced"
    assert browser.activate(second, password=PASSWORD).status_code == 200
    assert do(boss, person["id"], "resend").json["code"] == "wrong_status"


def test_n10_a_link_that_is_too_old_is_mailed_anew_at_the_owners_wish(
    site: Site, boss: Person, browser: Browser
) -> None:
    opened(boss)
    token = browser.token(NINA)
    site.advance(30 * DAY)
    assert browser.activate(token, password=PASSWORD).json["code"] == "link_expired"
    browser.post("/v1/registrations/resend", {"email": NINA})
    assert browser.activate(browser.token(NINA), password=PASSWORD).status_code == 200


def test_p19_staff_mail_a_password_link_and_never_see_a_password(
    boss: Person, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    user_id = browser.who()
    assert do(boss, user_id, "password-reset").status_code == 204
    assert other.reset(other.token(NINA)).status_code == 200
    answer = boss.browser.post(f"/v1/staff/users/{user_id}/password-reset", {"password": PASSWORD})
    assert answer.status_code == 422


def test_staff_hear_that_an_address_is_taken_only_of_people_they_see(
    site: Site, boss: Person, browser: Browser
) -> None:
    browser.register(NINA)
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    answer = opened(boss)
    assert (answer.status_code, answer.json["code"]) == (409, "address_taken")
    assert answer.json["user_id"] == browser.who()
    assert opened(buyer).status_code == 201, "of anybody else the answer tells nothing"
    assert "already have an account" in browser.mails(NINA)[0]["subject"]


def test_an_account_that_waits_for_its_owner_is_not_opened_twice(
    site: Site, boss: Person, browser: Browser
) -> None:
    person = opened(boss).json
    answer = opened(boss, name="Nina again")
    assert (answer.status_code, answer.json["code"]) == (409, "address_taken")
    assert answer.json["user_id"] == person["id"]
    assert len(browser.mails(NINA)) == 1
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    assert opened(buyer).status_code == 201, "of anybody else the answer tells nothing"


def test_what_staff_may_cause_is_limited_by_itself(boss: Person, browser: Browser) -> None:
    person = opened(boss).json
    answers = [do(boss, person["id"], "resend").status_code for _ in range(5)]
    assert answers == [204, 204, 204, 204, 429]
    other = Browser(browser.gateway, address="192.0.2.99")
    assert other.sign_up(NINA).status_code == 202, "what strangers may cause is counted apart"


def test_sent_twice_under_one_key_is_done_once(site: Site, boss: Person, browser: Browser) -> None:
    key = {"Idempotency_Key": "0123456789abcdef"}
    form = {"email": NINA, "name": "Nina", "profile_type": "C"}
    first, second = (boss.browser.post("/v1/staff/users", form, **key) for _ in range(2))
    assert first.json == second.json
    assert len(browser.mails(NINA)) == 1
    other = boss.browser.post("/v1/staff/users", {**form, "name": "Otto"}, **key)
    assert other.json["code"] == "idempotency_key_reused"
    body = {"name": "Acme", "parent_id": "root", "approval": "inherit"}
    made = [boss.browser.post("/v1/staff/organizations", body, **key).json for _ in range(2)]
    assert made[0] == made[1]
    apply(browser, "otto@example.com")
    path = f"/v1/staff/users/{browser.who()}/approve"
    answers = [boss.browser.post(path, {}, **key) for _ in range(2)]
    assert [(a.status_code, a.json["status"]) for a in answers] == [(200, "approved")] * 2
    assert sum("is approved" in mail["subject"] for mail in browser.mails("otto@example.com")) == 1


# ---- people found --------------------------------------------------------------------------------


def test_a_list_of_people_is_paged_by_status_the_longest_waiting_first(
    site: Site, boss: Person
) -> None:
    for number in range(5):
        site.advance(1)
        plant(
            site, f"waits{number}", org=HOTEL if number % 2 else STUDIO, status="pending_approval"
        )
    boss.browser.cookies["__Host-foyer"] = administrator_again(site)
    seen: list[str] = []
    path = "/v1/staff/users?status=pending_approval&limit=2"
    cursor = ""
    for _ in range(10):
        page = boss.browser.get(path + cursor).json
        assert len(page["items"]) <= 2
        seen += [person["name"] for person in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == [f"Waits{n}" for n in range(5)]
    assert [n for n in seen if n in {"Waits1", "Waits3"}] == ["Waits1", "Waits3"]
    assert page["next"] is None
    stolen = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    assert stolen.browser.get(path + cursor).json["code"] == "invalid_cursor"
    other = f"/v1/staff/users?status=approved&limit=2{cursor}"
    assert boss.browser.get(other).json["code"] == "invalid_cursor", "of another query"


def administrator_again(site: Site) -> str:
    return plant(site, "again", role=("site_administrator", "root"), org="root").browser.cookies[
        "__Host-foyer"
    ]


def test_a_person_is_found_by_his_address_in_any_case_and_only_within_reach(
    site: Site, boss: Person, browser: Browser
) -> None:
    browser.register("Nina.L@example.com")
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    path = "/v1/staff/users?email=nina.l@EXAMPLE.com"
    (found,) = boss.browser.get(path).json["items"]
    assert (found["id"], found["email"]) == (browser.who(), "Nina.L@example.com")
    assert buyer.browser.get(path).json["items"] == []
    person = opened(boss).json
    (found,) = boss.browser.get(f"/v1/staff/users?email={NINA}").json["items"]
    assert (found["id"], found["status"]) == (person["id"], "pending_email_activation")
    assert boss.browser.get("/v1/staff/users?email=nobody@example.com").json["items"] == []


def test_a_list_over_too_many_organizations_asks_for_one(site: Site, boss: Person) -> None:
    for number in range(17):  # with root, default, studio and hotel 21
        body = {"name": f"Org {number}", "parent_id": "root"}
        assert boss.browser.post("/v1/staff/organizations", body).status_code == 201
    answer = boss.browser.get("/v1/staff/users")
    assert (answer.status_code, answer.json["code"]) == (422, "too_many_organizations")
    assert answer.json["errors"][0]["pointer"] == "query:organization_id"
    assert boss.browser.get(f"/v1/staff/users?organization_id={HOTEL}").status_code == 200
    names: list[str] = []
    cursor = ""
    while True:
        page = boss.browser.get(f"/v1/staff/organizations?limit=8{cursor}").json
        names += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(names) == len(set(names) | {"Studio Ana"}) + 2 == 21  # three are called Studio Ana


def test_what_is_done_to_an_organization_is_written_down(site: Site, boss: Person) -> None:
    path = f"/v1/staff/organizations/{HOTEL}"
    assert boss.browser.send("PATCH", path, json={"approval": "inherit"}).status_code == 200
    assert boss.browser.send("PATCH", path, json={"approval": "inherit"}).status_code == 200
    assert boss.browser.send("PATCH", path, json={}).status_code == 200
    rows = [r for r in site.cloud.rows() if r["pk"]["S"] == f"ORG#{HOTEL}"]
    (record,) = [row for row in rows if row["sk"]["S"].startswith("AUDIT#")]
    assert (record["actor"]["S"], record["approval"]["S"]) == (boss.id, "inherit")


def test_a_tree_has_an_end(boss: Person) -> None:
    parent = "root"
    for depth in range(7):
        body = {"name": f"Level {depth}", "parent_id": parent}
        parent = boss.browser.post("/v1/staff/organizations", body).json["id"]
    answer = boss.browser.post("/v1/staff/organizations", {"name": "Deeper", "parent_id": parent})
    assert (answer.status_code, answer.json["code"]) == (409, "too_deep")
    path = "/v1/staff/organizations/root"
    answer = boss.browser.send("PATCH", path, json={"approval": "inherit"})
    assert answer.status_code == 422, "the root inherits from nobody"


def test_staff_change_name_phone_company_and_language_and_never_the_address(
    boss: Person, browser: Browser
) -> None:
    browser.register(NINA)
    path = f"/v1/staff/users/{browser.who()}"
    seen = boss.browser.get(path)
    etag = seen.headers["ETag"]
    form = {"name": "Nina L", "phone": "+1 234", "company": "L", "locale": "es"}
    answer = boss.browser.send("PATCH", path, json=form, headers={"If-Match": etag})
    assert answer.status_code == 200
    assert {name: answer.json[name] for name in form} == form
    again = boss.browser.send("PATCH", path, json=form, headers={"If-Match": etag})
    assert (again.status_code, again.json["code"]) == (412, "version_mismatch")
    (found,) = boss.browser.get(f"/v1/staff/users?email={NINA}").json["items"]
    assert found["name"] == "Nina L"
    assert boss.browser.send("PATCH", path, json={"email": "x@example.com"}).status_code == 422
    cleared = boss.browser.send("PATCH", path, json={"phone": None, "company": None}).json
    assert (cleared["phone"], cleared["company"], cleared["name"]) == (None, None, "Nina L")
    assert browser.session()["authentication"] == "signed_in"


# ---- roles ---------------------------------------------------------------------------------------


def give(boss: Person, user_id: str, *roles: tuple[str, str], **headers: str) -> Answer:
    given = [{"role": role, "organization_id": org} for role, org in roles]
    path = f"/v1/staff/users/{user_id}/roles"
    return boss.browser.send("PUT", path, json={"roles": given}, headers=headers)


def test_h14_h15_the_type_follows_from_the_roles_and_every_session_ends(
    boss: Person, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    user_id, customer = browser.who(), ("registered_customer", "default")
    for role, org, kind in (
        ("customer_service_representative", "default", "A"),
        ("site_administrator", "root", "S"),
    ):
        assert give(boss, user_id, customer, (role, org)).status_code == 200
        assert browser.session()["authentication"] == "generic", (
            "with other roles one signs in anew"
        )
        assert "roles" in browser.mails(NINA)[0]["subject"]
        other.cookies.clear()
        answer = other.sign_in(NINA)
        assert (answer.status_code, answer.json["code"]) == (401, "code_required")
        code = other.code(NINA)
        assert other.sign_in(NINA, code=code).status_code == 200
        assert other.session()["user"]["registration_type"] == kind
        assert "new browser" in other.mails(NINA)[0]["subject"], "staff hear of each (R45)"
    assert give(boss, user_id, customer).status_code == 200
    assert other.session()["authentication"] == "generic"
    other.cookies.clear()
    assert other.sign_in(NINA).json["user"]["registration_type"] == "R"


def test_roles_need_a_fresh_proof_of_who_gives_them(
    site: Site, boss: Person, browser: Browser
) -> None:
    browser.register(NINA)
    site.advance(601)
    answer = give(boss, browser.who(), ("photographer", STUDIO))
    assert (answer.status_code, answer.json["code"]) == (401, "proof_required")
    boss.browser.post("/v1/account/proof", {"password": PASSWORD})
    assert give(boss, browser.who(), ("photographer", STUDIO)).status_code == 200


@pytest.mark.parametrize(
    "what", [{"password": False}, {"proved": False}, {"status": "pending_approval"}]
)
def test_0_10_roles_are_for_approved_people_with_a_password_and_a_proved_address(
    site: Site, boss: Person, what: dict[str, Any]
) -> None:
    person = plant(site, "somebody", **what)
    answer = give(boss, person.id, ("photographer", STUDIO))
    assert (answer.status_code, answer.json["code"]) == (409, "not_eligible")


def test_0_10_the_last_site_administrator_stays(site: Site, boss: Person) -> None:
    demo = "demo-administrator-001"
    second = plant(site, "second", role=("site_administrator", "root"), org="root")
    assert do(boss, demo, "disable").status_code == 200
    assert give(boss, second.id).status_code == 200
    assert second.browser.session()["authentication"] == "generic"
    # the last one can only be reached by another: who was one when he asked
    rows = site.module("foyer.storage.administrators")
    assert rows is not None
    members = site.cloud.row("ORG#root", "ADMINISTRATORS") or {}
    assert members["ids"]["SS"] == [boss.id]
    for answer in (do(boss, boss.id, "disable"), give(boss, boss.id)):
        assert (answer.status_code, answer.json["code"]) == (403, "own_account")


def test_only_what_changes_must_be_in_ones_power(site: Site, boss: Person) -> None:
    person = plant(site, "somebody", org=HOTEL)
    give(boss, person.id, ("reseller", "default"))
    buyer = plant(site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL)
    kept = ("reseller", "default")
    assert give(buyer, person.id, kept, ("customer_service_supervisor", HOTEL)).status_code == 200
    answer = give(buyer, person.id, ("customer_service_supervisor", HOTEL))
    assert (answer.status_code, answer.json["code"]) == (403, "role_not_allowed")
    assert answer.json["errors"][0]["pointer"] == "#/roles"
    answer = give(buyer, person.id, kept, ("reseller", "root"))
    assert answer.json["errors"][0]["pointer"] == "#/roles/1"
    for role, org in (("site_administrator", HOTEL), ("photographer", "nowhere")):
        assert give(boss, person.id, (role, org)).json["code"] == "role_not_allowed"
    assert give(boss, person.id, ("emperor", HOTEL)).status_code == 422


def test_n17_explain_says_which_rule_or_who_gave_each_role(
    site: Site, boss: Person, browser: Browser
) -> None:
    apply(browser, NINA)
    user_id = browser.who()
    do(boss, user_id, "approve")
    path = f"/v1/staff/users/{user_id}/roles/explain"
    told = boss.browser.get(path).json
    assert told["rule"] == "people of a business customer"
    assert {(r["role"], r["because"], r["rule"]) for r in told["roles"]} == {
        ("registered_customer", "rule", "people of a business customer"),
        ("buyer", "rule", "people of a business customer"),
    }
    browser.ask_code(NINA)
    browser.sign_in_by_code(NINA, browser.code(NINA))
    browser.choose_password()
    roles = [(r["role"], r["organization_id"]) for r in told["roles"]]
    assert give(boss, user_id, *roles, ("photographer", STUDIO)).status_code == 200
    told = boss.browser.get(path).json
    (granted,) = [role for role in told["roles"] if role["because"] == "granted"]
    assert (granted["role"], granted["by"]) == ("photographer", boss.id)
    assert [one["matched"] for one in told["tried"]] == [True]


def test_n18_the_client_sees_what_staff_did_to_his_account(boss: Person, browser: Browser) -> None:
    person = opened(boss).json
    browser.activate(browser.token(NINA), password=PASSWORD)
    boss.browser.send("PATCH", f"/v1/staff/users/{person['id']}", json={"name": "Nina L"})
    seen = browser.get("/v1/account/audit").json
    assert [(one["event"], one["actor"]) for one in seen["items"]] == [
        ("edited", "studio"),
        ("activated", "you"),
        ("opened", "studio"),
    ]
    assert boss.id not in str(seen)
    first = browser.get("/v1/account/audit?limit=2").json
    rest = browser.get(f"/v1/account/audit?limit=2&cursor={first['next']}").json
    assert first["items"] + rest["items"] == seen["items"]
    assert rest["next"] is None


# ---- what the shop allows ------------------------------------------------------------------------


@pytest.fixture
def allow(site: Site) -> Iterator[Any]:
    """Changes the action policy for a test."""
    changed: list[tuple[Any, Any]] = []

    def only(**actions: tuple[str, ...]) -> None:
        for name in ("shopping", "registration"):
            module = site.module(f"foyer.operations.{name}")
            changed.append((module, module.POLICY))
            module.POLICY = replace(
                module.POLICY, actions=replace(module.POLICY.actions, **actions)
            )

    yield only
    for module, before in reversed(changed):
        module.POLICY = before


def test_h7_a_shop_may_keep_its_cart_for_people_with_an_account(
    site: Site, browser: Browser, other: Browser, allow: Any
) -> None:
    other.register(NINA)
    allow(fill_cart=("R", "A", "S"))
    before = site.cloud.rows()
    answer = browser.add(VOUCHER)
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_required")
    assert "__Host-foyer" not in browser.cookies
    assert site.cloud.rows() == before
    assert other.add(VOUCHER).status_code == 201
    allow(fill_cart=("G",))
    assert other.add(VOUCHER).json["code"] == "not_offered"


def test_h7_a_shop_may_let_nobody_sign_up(site: Site, browser: Browser, allow: Any) -> None:
    allow(sign_up=())
    before = site.cloud.rows()
    answer = browser.sign_up(NINA)
    assert (answer.status_code, answer.json["code"]) == (403, "not_offered")
    assert site.cloud.rows() == before
