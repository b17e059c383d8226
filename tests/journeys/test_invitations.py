"""Invitations: from the photographer's list of addresses to the pictures, and every way they go
astray (P3, P14, P15, A13, A18, N4, N9; mission 0.8, 0.9)."""

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.inviting import (
    CONSENTS,
    FIRST_DANCE,
    PARTY,
    WEDDING,
    accept,
    invite,
    invited,
    is_in,
    line,
    photographer,
    pictures,
    preview,
    step,
)
from tests.people import Person
from tests.visiting import CALENDAR, OTHER_PASSWORD, PASSWORD, VOUCHER, Browser, said

NINA, CARLA = "nina@example.com", "carla@example.com"
DAY = 86_400


@pytest.fixture
def ana(site: Site) -> Person:
    return photographer(site)


@pytest.fixture
def boss(ana: Person) -> Browser:
    return ana.browser


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="203.0.113.77")


# ---- somebody new --------------------------------------------------------------------------------


def test_p3_one_link_one_form_and_the_pictures_are_there_with_what_the_guest_had(
    site: Site, boss: Browser, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.add(CALENDAR)
    guest = browser.who()
    invited(boss, NINA)
    mail = browser.mails(NINA)[0]
    assert "Léa and Tom" in mail["subject"]
    token = browser.token(NINA)
    seen = preview(browser, token)
    assert (seen["state"], seen["next"]) == ("pending", "register")
    assert seen["gallery"] == {"id": WEDDING, "title": "Léa and Tom"}
    assert "nina" not in seen["address"]
    done = accept(browser, token).json
    assert done["session"]["user"]["id"] == guest == browser.who()
    assert done["session"]["authentication"] == "signed_in"
    assert done["session"]["cart"]["line_count"] == 2
    assert (done["gallery"]["id"], done["gallery"]["door"]) == (WEDDING, "open")
    assert done["transfer"] is None
    assert "prove_address" in done["session"]["next"]
    assert [one["title"] for one in pictures(browser).json["items"]] == ["First dance", "Two rings"]
    assert browser.quantities() == {"voucher": 1, "calendar": 1}
    told = [mail["subject"] for mail in browser.mails(NINA)]
    assert len(told) == 2  # the invitation, and that there is an account now
    assert line(boss, NINA)["state"] == "accepted"


def test_p3_in_a_browser_of_nobody_a_fresh_client_is_made_and_needs_no_password(
    boss: Browser, browser: Browser
) -> None:
    invited(boss, NINA)
    done = accept(browser, browser.token(NINA)).json
    assert done["session"]["user"]["roles"] == [
        {"role": "registered_customer", "organization_id": "default"}
    ]
    assert is_in(browser)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "name_required"),
        ({"name": "Nina"}, "terms_required"),
        ({"consents": CONSENTS}, "name_required"),
        ({"name": "Nina", "consents": {"terms": "1999-01-01"}}, "terms_changed"),
        (
            {"name": "Nina", "consents": CONSENTS, "password": "nina nina nina nina"},
            "weak_password",
        ),
    ],
)
def test_r21_a_partial_form_changes_nothing(
    site: Site, boss: Browser, browser: Browser, body: dict[str, object], code: str
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    before = site.cloud.rows()
    answer = browser.post("/v1/invitations/accept", {"token": token, **body})
    assert said(answer) == (422, code)
    assert site.cloud.rows() == before
    assert browser.cookies == {}
    assert accept(browser, token).status_code == 200


def test_n1_scanners_neither_use_up_a_link_nor_learn_or_change_anything(
    site: Site, boss: Browser, browser: Browser, other: Browser
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    before = site.cloud.rows()
    for _ in range(20):
        preview(other, token)
        accept(other, token, name=None)
        other.post("/v1/invitations/transfer", {"token": token})
    assert site.cloud.rows() == before
    assert other.cookies == {}
    assert accept(browser, token).status_code == 200


def test_0_18_an_answer_that_was_lost_is_asked_for_again_by_cookie_or_password(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    old = browser.twin()
    invited(boss, NINA)
    token = browser.token(NINA)
    accept(browser, token, password=PASSWORD)
    again = accept(old, token)
    assert again.status_code == 200
    assert again.json["session"]["user"]["id"] == browser.who()
    assert is_in(old)
    by_password = accept(other, token, password=PASSWORD)
    assert by_password.status_code == 200
    stranger = Browser(browser.gateway, address="203.0.113.9")
    assert said(accept(stranger, token, password=OTHER_PASSWORD)) == (409, "already_active")
    assert said(accept(stranger, token)) == (401, "sign_in_required")


def test_0_18_after_ten_minutes_one_signs_in(
    site: Site, boss: Browser, browser: Browser, other: Browser
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    accept(browser, token, password=PASSWORD)
    site.advance(600)
    assert said(accept(other, token, password=PASSWORD)) == (401, "sign_in_required")
    assert preview(other, token)["next"] == "sign_in"
    assert said(accept(browser, token)) == (200, "")


# ---- somebody known ------------------------------------------------------------------------------


def test_p14_a_known_client_signs_in_and_it_opens(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    invited(boss, NINA)
    assert "Sign in" in browser.mails(NINA)[0]["text"]
    token = browser.token(NINA)
    other.add(CALENDAR)
    assert preview(other, token)["next"] == "sign_in"
    assert said(accept(other, token, name=None)) == (401, "sign_in_required")
    assert other.sign_in(NINA).json["transfer"]["lines"]
    assert preview(other, token)["next"] == "accept"
    done = accept(other, token, name=None)
    assert done.json["session"]["user"]["id"] == other.who()
    assert is_in(other)
    assert line(boss, NINA)["state"] == "accepted"


def test_p15_who_is_authorised_before_there_is_an_account_needs_no_migration(
    site: Site, boss: Browser, browser: Browser
) -> None:
    """She signs up by herself, never opens the invitation, and it is there."""
    invited(boss, NINA)
    browser.register(NINA)
    assert is_in(browser)
    (shared,) = browser.get("/v1/account/galleries").json["items"]
    assert (shared["id"], shared["title"], shared["locked"]) == (WEDDING, "Léa and Tom", False)
    assert browser.add(FIRST_DANCE).status_code == 201


def test_p14_the_same_link_again_is_the_same(boss: Browser, browser: Browser) -> None:
    browser.register(NINA)
    invited(boss, NINA)
    token = browser.token(NINA)
    for _ in range(3):
        assert accept(browser, token, name=None).status_code == 200
    assert line(boss, NINA)["state"] == "accepted"


@pytest.mark.parametrize("typed", ["Nina@Example.com", "NINA@EXAMPLE.COM", " nina@example.com "])
def test_r31_an_address_in_other_letter_case_is_the_same_person(
    boss: Browser, browser: Browser, typed: str
) -> None:
    browser.register(NINA)
    invited(boss, typed)
    assert is_in(browser)
    again = invite(boss, NINA, key="another-key-of-twenty").json["results"]
    assert [one["result"] for one in again] == ["already_invited"]


@pytest.mark.parametrize(
    ("typed", "known"),
    [("nina@bücher.example", "nina@xn--bcher-kva.example"), ("nina@ＢÜCHER.example", None)],
)
def test_r31_a_domain_with_another_unicode_spelling_is_the_same(
    boss: Browser, browser: Browser, typed: str, known: str | None
) -> None:
    browser.register(known or "nina@xn--bcher-kva.example")
    invited(boss, typed)
    assert is_in(browser)


def test_r31_a_local_part_that_only_looks_alike_is_nobody_we_know(
    boss: Browser, browser: Browser
) -> None:
    browser.register(NINA)
    results = invite(boss, "nınа@example.com", "nina@example.com\r\nBcc: x@example.com").json
    assert [one["result"] for one in results["results"]] == ["malformed", "malformed"]
    assert not is_in(browser)


# ---- forwarded -----------------------------------------------------------------------------------


def test_0_9_a_forwarded_invitation_opens_that_gallery_and_nothing_else_of_the_invited(
    site: Site, boss: Browser, other: Browser
) -> None:
    """Nina was invited to two galleries and forwards one mail."""
    club = boss.post("/v1/staff/galleries", {"title": "The club"}).json["id"]
    invited(boss, NINA, gallery=club, key="first-key-of-20-chars")
    invited(boss, NINA)
    accept(other, other.token(NINA), name="Mallory", password=PASSWORD)
    assert is_in(other)
    assert said(pictures(other, club)) == (404, "not_found")
    items = other.get("/v1/account/galleries").json["items"]
    assert [(one["id"], one["title"], one["locked"]) for one in items] == [
        (WEDDING, "Léa and Tom", False),
        (club, None, True),
    ]
    assert said(other.post("/v1/account/email", {"email": "m@example.com"})) == (
        403,
        "prove_address",
    )
    assert other.session()["next"] == ["prove_address"]


def test_0_9_the_first_proof_from_another_browser_voids_what_was_set_before(
    site: Site, boss: Browser, browser: Browser, other: Browser
) -> None:
    club = boss.post("/v1/staff/galleries", {"title": "The club"}).json["id"]
    invited(boss, NINA, gallery=club, key="first-key-of-20-chars")
    invited(boss, NINA)
    token = other.token(NINA)
    accept(other, token, name="Mallory", password=PASSWORD)
    mallory = other.who()
    assert preview(browser, token)["next"] == "sign_in"
    browser.ask_code(NINA)
    entered = browser.sign_in_by_code(NINA, browser.code(NINA)).json
    assert entered["user"]["id"] == mallory
    assert "Mallory" not in str(entered)
    assert entered["next"] == ["choose_password", "accept_terms"]
    assert other.session()["authentication"] == "generic"
    assert said(other.sign_in(NINA)) == (401, "wrong_credentials")
    assert is_in(browser)
    assert is_in(browser, club)
    assert not is_in(other)
    # a browser that was known before is a stranger's now
    other.ask_code(NINA)
    other.ask_code(NINA)
    assert said(other.sign_in(NINA)) == (401, "wrong_credentials")


def test_0_9_so_does_a_new_password_by_mail(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    invited(boss, NINA)
    accept(other, other.token(NINA), name="Mallory", password=PASSWORD)
    browser.post("/v1/password-resets", {"email": NINA})
    done = browser.reset(browser.token(NINA)).json["session"]
    assert "Mallory" not in str(done)
    assert "prove_address" not in done["next"]
    assert other.session()["authentication"] == "generic"
    assert is_in(browser)


def test_0_9_the_code_typed_in_the_browser_that_accepted_proves_and_voids_nothing(
    boss: Browser, browser: Browser
) -> None:
    club = boss.post("/v1/staff/galleries", {"title": "The club"}).json["id"]
    invited(boss, NINA, gallery=club, key="first-key-of-20-chars")
    invited(boss, NINA)
    accept(browser, browser.token(NINA), password=PASSWORD)
    browser.post("/v1/account/proof", {})
    assert browser.post("/v1/account/proof", {"code": browser.code(NINA)}).status_code == 204
    assert is_in(browser, club)
    assert browser.session()["user"]["name"] == "Nina"
    browser.send("DELETE", "/v1/session")
    assert browser.sign_in(NINA).status_code == 200


def test_0_9_signed_in_again_by_code_in_the_browser_that_accepted_voids_nothing_either(
    boss: Browser, browser: Browser
) -> None:
    invited(boss, NINA)
    accept(browser, browser.token(NINA), password=PASSWORD)
    browser.send("DELETE", "/v1/session")
    browser.ask_code(NINA)
    entered = browser.sign_in_by_code(NINA, browser.code(NINA)).json
    assert (entered["user"]["name"], entered["next"]) == ("Nina", [])


# ---- signed in under another address -------------------------------------------------------------


def test_8_signed_in_under_another_address_one_is_told_and_may_switch(
    boss: Browser, browser: Browser
) -> None:
    browser.register("nina@work.example.com")
    invited(boss, NINA)
    token = browser.token(NINA)
    seen = preview(browser, token)
    assert (seen["next"], seen["may_transfer"]) == ("switch_account", True)
    refused = accept(browser, token)
    assert said(refused) == (409, "other_address")
    assert refused.json["address"] == "n…@e….com"
    assert not is_in(browser)
    browser.send("DELETE", "/v1/session")
    assert accept(browser, token).status_code == 200


def ask_transfer(browser: Browser, boss: Browser) -> str:
    """Nina's private account asks to be let in by the invitation of her work; the invitation."""
    browser.register(NINA)
    id_ = invited(boss, "nina@work.example.com")
    token = browser.token("nina@work.example.com")
    answer = browser.post("/v1/invitations/transfer", {"token": token})
    assert (answer.status_code, answer.json) == (202, {"code": "asked"})
    return id_


@pytest.mark.parametrize("strike_out", [False, True])
def test_n4_the_photographer_may_admit_that_account_as_well(
    site: Site, ana: Person, browser: Browser, other: Browser, strike_out: bool
) -> None:
    boss, work = ana.browser, "nina@work.example.com"
    id_ = ask_transfer(browser, boss)
    asking = line(boss, work)
    assert asking["state"] == "transferring"
    assert [one["address"] for one in asking["transfers"]] == [NINA]
    assert not is_in(browser)
    site.advance(900)
    assert "Léa and Tom" in boss.mails(ana.email)[0]["text"]
    admitted = step(boss, id_, "transfer/approve", strike_out=strike_out).json
    assert (admitted["address"], admitted["state"]) == (NINA, "accepted")
    assert is_in(browser)
    assert "You may now see" in browser.mails(NINA)[0]["subject"]
    assert NINA in browser.mails(work)[0]["text"]
    other.register(work)
    assert is_in(other) is not strike_out
    assert line(boss, work)["state"] == ("revoked" if strike_out else "pending")


def test_n4_a_photographer_who_says_no_is_believed(boss: Browser, browser: Browser) -> None:
    id_ = ask_transfer(browser, boss)
    assert step(boss, id_, "transfer/decline").json["state"] == "pending"
    assert not is_in(browser)
    assert "did not agree" in browser.mails(NINA)[0]["text"]
    assert said(step(boss, id_, "transfer/approve")) == (409, "wrong_state")


def test_n4_only_where_the_gallery_allows_it_and_only_a_proved_account(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    invited(boss, "a@example.com", gallery=PARTY)
    browser.register(NINA)
    token = browser.token("a@example.com")
    assert preview(browser, token)["may_transfer"] is False
    asked = browser.post("/v1/invitations/transfer", {"token": token})
    assert said(asked) == (403, "not_offered")
    invited(boss, "b@example.com", gallery=PARTY, key="second-key-of-20-char")
    invited(boss, "c@example.com", key="third-key-of-20-chars")
    accept(other, other.token("b@example.com"))
    asked = other.post("/v1/invitations/transfer", {"token": other.token("c@example.com")})
    assert said(asked) == (403, "prove_address")
    nobody = Browser(browser.gateway, address="203.0.113.10")
    asked = nobody.post("/v1/invitations/transfer", {"token": token})
    assert said(asked) == (401, "sign_in_required")


# ---- over: expired, revoked, corrected, replaced, declined ---------------------------------------


def test_a18_an_invitation_ends_after_thirty_days_and_leads_to_asking_again(
    site: Site, boss: Browser, browser: Browser, other: Browser
) -> None:
    id_ = invited(boss, NINA)
    token = browser.token(NINA)
    other.register(NINA)
    site.advance(30 * DAY - 1)
    other.sign_in(NINA)
    assert is_in(other)
    assert preview(browser, token)["state"] == "pending"
    site.advance(1)
    assert not is_in(other)
    seen = preview(browser, token)
    assert (seen["state"], seen["next"]) == ("expired", "ask_again")
    refused = accept(browser, token)
    assert said(refused) == (410, "link_expired")
    assert refused.json["next"] == "ask_again"
    assert browser.post("/v1/invitations/ask-again", {"token": token}).status_code == 202
    boss = photographer(site, "fresh").browser
    path = f"/v1/staff/galleries/{WEDDING}/access-requests"
    assert [one["address"] for one in boss.get(path).json["items"]] == [NINA]
    assert step(boss, id_, "resend").json["state"] == "pending"
    assert said(accept(browser, token)) == (410, "link_replaced")
    assert is_in(other)


def test_a18_a_revoked_invitation_opens_nothing_whoever_took_it(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    id_ = invited(boss, NINA)
    token = browser.token(NINA)
    accept(browser, token)
    assert is_in(browser)
    assert step(boss, id_, "").status_code == 204
    assert said(pictures(browser)) == (404, "not_found")
    assert browser.get("/v1/account/galleries").json["items"] == []
    assert said(accept(browser, token, name=None)) == (410, "link_revoked")
    assert preview(other, token)["next"] == "ask_again"
    assert step(boss, id_, "").status_code == 204
    # invited again, she is in again; the old link is not good for it
    assert invited(boss, NINA, key="second-key-of-20-char") == id_
    assert said(accept(browser, token, name=None)) == (410, "link_replaced")
    prove(browser)
    assert is_in(browser)
    assert accept(browser, browser.token(NINA), name=None).status_code == 200
    assert is_in(browser)


def test_a8_a_corrected_address_is_invited_and_the_wrong_one_opens_nothing(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    """The stranger at the wrong address was quicker, and has an account by it."""
    id_ = invited(boss, "nima@example.com")
    token = other.token("nima@example.com")
    accept(other, token, name="Nima")
    assert is_in(other)
    corrected = step(boss, id_, "correct", address=NINA).json
    assert (corrected["address"], corrected["state"]) == (NINA, "pending")
    assert corrected["id"] != id_
    assert not is_in(other)
    assert said(accept(other, token, name=None)) == (410, "link_revoked")
    assert accept(browser, browser.token(NINA)).status_code == 200
    assert is_in(browser)
    assert said(step(boss, id_, "correct", address="x@example.com")) == (409, "wrong_state")
    assert said(step(boss, corrected["id"], "correct", address=NINA))[0] == 422


def test_a18_a_new_mail_replaces_the_link_of_the_one_before(
    boss: Browser, browser: Browser
) -> None:
    id_ = invited(boss, NINA)
    old = browser.token(NINA)
    assert step(boss, id_, "resend").json["delivery"] == "queued"
    new = browser.token(NINA)
    assert new != old
    refused = accept(browser, old)
    assert (said(refused), refused.json["next"]) == ((410, "link_replaced"), "ask_again")
    # asked again from anywhere, the newest link goes out unchanged, to the same address
    assert browser.post("/v1/invitations/ask-again", {"token": old}).status_code == 202
    assert browser.token(NINA) == new
    assert len(browser.mails(NINA)) == 3
    assert accept(browser, new).status_code == 200
    assert said(step(boss, id_, "resend")) == (409, "wrong_state")


def test_a18_declining_is_reversible_by_the_same_link(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    for _ in range(2):
        assert browser.post("/v1/invitations/decline", {"token": token}).status_code == 204
    assert line(boss, NINA)["state"] == "declined"
    other.register(NINA)
    assert not is_in(other)
    assert accept(other, token, name=None).status_code == 200
    assert is_in(other)
    assert said(browser.post("/v1/invitations/decline", {"token": token})) == (
        409,
        "already_active",
    )


@pytest.mark.parametrize("token", ["", "inv_x", "act_" + "x" * 88, "inv_" + "x" * 88, "inv_" * 22])
@pytest.mark.parametrize("route", ["preview", "accept", "decline", "ask-again"])
def test_a30_a_link_we_never_mailed_is_refused(
    site: Site, browser: Browser, route: str, token: str
) -> None:
    before = site.cloud.rows()
    answer = browser.post(f"/v1/invitations/{route}", {"token": token})
    assert said(answer) in {(404, "link_invalid"), (422, "invalid_input")}
    assert site.cloud.rows() == before


def test_r16_a_link_is_good_for_its_own_purpose_and_gallery(
    boss: Browser, browser: Browser
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    for route, prefix in (("activations", "act_"), ("activations", "inv_")):
        changed = prefix + token[4:]
        answer = browser.post(f"/v1/{route}", {"token": changed, "name": "N", "password": PASSWORD})
        assert said(answer) == (404, "link_invalid")
    elsewhere = "inv_" + PARTY + token[26:]
    assert said(accept(browser, elsewhere)) == (404, "link_invalid")


def test_an_invitation_to_a_gallery_that_was_taken_away_says_it_is_over(
    boss: Browser, browser: Browser
) -> None:
    club = boss.post("/v1/staff/galleries", {"title": "The club"}).json["id"]
    invited(boss, NINA, gallery=club)
    token = browser.token(NINA)
    assert boss.send("DELETE", f"/v1/staff/galleries/{club}").status_code == 204
    assert said(accept(browser, token)) == (410, "link_expired")
    assert preview(browser, token)["next"] == "ask_again"


# ---- addresses that change hands -----------------------------------------------------------------


def prove(browser: Browser) -> None:
    browser.post("/v1/account/proof", {})
    assert browser.post("/v1/account/proof", {"code": browser.code(NINA)}).status_code == 204


def change_address(browser: Browser, new: str) -> None:
    browser.post("/v1/account/proof", {"password": PASSWORD})
    assert browser.post("/v1/account/email", {"email": new}).status_code == 200
    token = browser.token(new)
    assert browser.post("/v1/account/email/redeem", {"token": token}).status_code == 200


def test_0_8_changing_ones_address_keeps_ones_galleries_and_the_next_owner_gets_none(
    site: Site, boss: Browser, browser: Browser, other: Browser
) -> None:
    club = boss.post("/v1/staff/galleries", {"title": "The club"}).json["id"]
    browser.register(NINA)
    invited(boss, NINA, key="first-key-of-20-chars")
    accept(browser, browser.token(NINA), name=None)
    link = browser.token(NINA)
    invited(boss, NINA, gallery=club, key="second-key-of-20-char")  # never opened
    unopened = browser.token(NINA)
    site.advance(60)
    change_address(browser, "nina@new.example.com")
    assert is_in(browser)
    assert is_in(browser, club)
    assert {one["id"] for one in browser.get("/v1/account/galleries").json["items"]} == {
        WEDDING,
        club,
    }
    site.advance(60)
    other.register(NINA)
    assert other.get("/v1/account/galleries").json["items"] == []
    for gallery in (WEDDING, club):
        assert said(pictures(other, gallery)) == (404, "not_found")
    for token in (link, unopened):
        assert said(accept(other, token, name=None)) == (410, "link_revoked")
        assert accept(browser, token, name=None).status_code == 200  # still hers
    assert line(boss, "nina@new.example.com") is None  # named by her account, not by an address
    # invited himself, he comes in; she stays
    invited(boss, NINA, gallery=club, key="third-key-of-20-chars")
    assert accept(other, other.token(NINA), name=None).status_code == 200
    assert is_in(other, club)
    assert is_in(browser, club)
    change_address(browser, "nina@third.example.com")
    assert is_in(browser)
    assert is_in(browser, club)


def test_n4_whoever_comes_in_by_two_invitations_stays_in_by_either(
    boss: Browser, browser: Browser
) -> None:
    """Admitted as well by one, invited himself by another; each is withdrawn in turn."""
    first = ask_transfer(browser, boss)
    admitted = step(boss, first, "transfer/approve").json["id"]
    invited(boss, NINA, key="second-key-of-20-char")
    assert accept(browser, browser.token(NINA), name=None).status_code == 200
    assert line(boss, NINA)["state"] == "accepted"
    assert step(boss, admitted, "").status_code == 204
    assert is_in(browser)
    assert step(boss, line(boss, NINA)["id"], "").status_code == 204
    assert not is_in(browser)


def test_0_8_an_invitation_mailed_before_an_address_was_left_admits_nobody_new_by_its_link(
    site: Site, boss: Browser, browser: Browser, other: Browser
) -> None:
    """Declined by the old owner, so bound to nobody."""
    browser.register(NINA)
    invited(boss, NINA)
    token = browser.token(NINA)
    browser.post("/v1/invitations/decline", {"token": token})
    change_address(browser, "nina@new.example.com")
    site.advance(60)
    refused = accept(other, token)
    assert said(refused) == (410, "link_expired")
    other.register(NINA)
    refused = accept(other, token, name=None)
    assert (said(refused), refused.json["next"]) == ((410, "link_expired"), "ask_again")
    assert not is_in(other)


# ---- inviting ------------------------------------------------------------------------------------


def test_p14_inviting_needs_a_key_and_answers_for_each_address(boss: Browser) -> None:
    missing = invite(boss, NINA, key=None)
    assert said(missing) == (428, "idempotency_key_required")
    results = invite(boss, NINA, "nobody", "Nina@example.com", CARLA).json
    assert results["remaining"] == 0
    assert [(one["address"], one["result"]) for one in results["results"]] == [
        (NINA, "invited"),
        ("nobody", "malformed"),
        ("Nina@example.com", "already_invited"),
        (CARLA, "invited"),
    ]
    assert invite(boss, NINA, "nobody", "Nina@example.com", CARLA).json == results
    assert said(invite(boss, NINA)) == (422, "idempotency_key_reused")
    assert len(boss.mails(NINA)) == len(boss.mails(CARLA)) == 1


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"addresses": []}, "#/addresses", "malformed"),
        ({"addresses": ["a@example.com"] * 1001}, "#/addresses", "malformed"),
        ({"addresses": [7]}, "#/addresses/0", "malformed"),
        ({"addresses": ["a@example.com"], "message": "see http://evil"}, "#/message", "no_links"),
        ({"addresses": ["a@example.com"], "message": "see evil.example"}, "#/message", "no_links"),
        ({"addresses": ["a@example.com"], "message": "a\u202eb"}, "#/message", "malformed"),
        ({"addresses": ["a@example.com"], "rights": {"enter": False}}, "#/rights/enter", ""),
        ({"addresses": ["a@example.com"], "rights": {"download": "all"}}, "#/rights/download", ""),
    ],
)
def test_what_makes_no_sense_invites_nobody(
    site: Site, boss: Browser, body: dict[str, object], pointer: str, code: str
) -> None:
    before = site.cloud.rows()
    answer = boss.send(
        "POST",
        f"/v1/staff/galleries/{WEDDING}/invitations",
        headers={"Idempotency-Key": "a-key-of-twenty-char"},
        json=body,
    )
    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert error["pointer"] == pointer
    assert error["code"] == (code or error["code"])
    assert site.cloud.rows() == before


def test_r43_the_personal_message_is_text_in_both_parts_of_the_mail(boss: Browser) -> None:
    message = "Dear all,\n<b>see you</b> & bring cake"
    invite(boss, NINA, message=message, locale="fr")
    (mail,) = boss.mails(NINA)
    assert "<b>see you</b> & bring cake" in mail["text"]
    assert "&lt;b&gt;see you&lt;/b&gt; &amp; bring cake" in mail["html"]
    assert len([link for link in mail["links"] if "#t=" in link]) == 1


def test_0_16_so_many_invitations_a_day_and_then_one_waits(site: Site, boss: Browser) -> None:
    policy = site.module("foyer.rules.policy").POLICY
    object.__setattr__(policy.invitations, "per_staff_per_day", 10)
    try:
        many = [f"a{n}@example.com" for n in range(16)]
        first = invite(boss, *many).json
        assert (len(first["results"]), first["remaining"]) == (7, 9)
        limited = invite(boss, "x@example.com", *many[8:], key="second-key-of-20-char")
        assert said(limited) == (429, "too_many_invitations")
        assert int(limited.headers["Retry-After"]) > 0
        assert said(invite(boss, *many)) == (429, "too_many_invitations")  # nobody more today
        boss = photographer(site, "another").browser  # who has an allowance of her own
        assert invite(boss, *many, key="third-key-of-20-chars").json["remaining"] == 0
    finally:
        object.__setattr__(policy.invitations, "per_staff_per_day", 5000)


# ---- what an attack found ------------------------------------------------------------------------


def test_a8_withdrawing_the_line_of_an_address_that_was_left_withdraws_it_from_its_person(
    boss: Browser, browser: Browser
) -> None:
    """The photographer still has the old line on her screen."""
    browser.register(NINA)
    id_ = invited(boss, NINA)
    accept(browser, browser.token(NINA), name=None)
    change_address(browser, "nina@new.example.com")
    shown = line(boss, NINA)
    assert (shown["address"], shown["state"]) == ("nina@new.example.com", "accepted")
    board = boss.get(f"/v1/staff/galleries/{WEDDING}/invitations").json["items"]
    assert [one["address"] for one in board] == ["nina@new.example.com"]
    assert step(boss, id_, "").status_code == 204
    assert not is_in(browser)


def test_a10_a_change_of_address_neither_adds_rights_nor_takes_any(
    boss: Browser, browser: Browser
) -> None:
    first = ask_transfer(browser, boss)
    own = step(boss, first, "transfer/approve").json["id"]
    path = f"/v1/staff/galleries/{WEDDING}/invitations/{own}"
    boss.send("PATCH", path, json={"download": "original"})
    invited(boss, NINA, key="second-key-of-20-char")
    accept(browser, browser.token(NINA), name=None)
    seen = browser.get(f"/v1/galleries/{WEDDING}").json["rights"]
    assert seen == {"enter": True, "download": "original"}
    change_address(browser, "nina@new.example.com")
    assert browser.get(f"/v1/galleries/{WEDDING}").json["rights"] == seen


def test_0_8_a_change_of_address_that_fails_changes_no_invitation(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    invited(boss, NINA)
    browser.post("/v1/account/email", {"email": "taken@example.com"})
    token = browser.token("taken@example.com")
    other.register("taken@example.com")
    refused = browser.post("/v1/account/email/redeem", {"token": token})
    assert said(refused) == (409, "address_taken")
    assert line(boss, NINA)["state"] == "pending"
    assert accept(browser, browser.token(NINA), name=None).status_code == 200


def test_a10_who_is_shut_out_before_he_accepts_makes_no_account_by_it(
    site: Site, boss: Browser, browser: Browser
) -> None:
    id_ = invited(boss, NINA)
    token = browser.token(NINA)
    path = f"/v1/staff/galleries/{WEDDING}/invitations/{id_}"
    assert boss.send("PATCH", path, json={"enter": False}).status_code == 200
    before = site.cloud.rows()
    assert preview(browser, token)["next"] == "ask_again"
    assert said(accept(browser, token)) == (410, "link_revoked")
    assert site.cloud.rows() == before
    boss.send("PATCH", path, json={"enter": True})
    assert accept(browser, token).status_code == 200
    boss.send("PATCH", path, json={"enter": False})
    assert not is_in(browser)
    assert said(accept(browser, token)) == (410, "link_revoked")


def test_n4_who_came_in_meanwhile_only_stops_asking(boss: Browser, browser: Browser) -> None:
    """She asks to be admitted as well, then takes the invited address and accepts."""
    id_ = ask_transfer(browser, boss)
    token = browser.token("nina@work.example.com")
    change_address(browser, "nina@work.example.com")
    assert accept(browser, token, name=None).status_code == 200
    assert line(boss, "nina@work.example.com")["state"] == "accepted"
    refused = step(boss, id_, "transfer/approve", strike_out=True)
    assert said(refused) == (409, "wrong_state")
    assert is_in(browser)


def test_0_16_correcting_back_and_forth_mails_nobody_without_end(boss: Browser) -> None:
    id_ = invited(boss, "a@example.com")
    answers = []
    for number in range(16):
        to = NINA if number % 2 == 0 else "a@example.com"
        answer = step(boss, id_, "correct", address=to)
        answers.append(said(answer))
        if answer.status_code != 200:
            break
        id_ = answer.json["id"]
        boss.mails(NINA)
    assert answers[-1] == (429, "too_many_mails")
    assert len(boss.mails(NINA)) <= 5


def test_0_9_what_a_stranger_shared_before_the_first_proof_shows_nothing_after_it(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    invited(boss, NINA)
    accept(other, other.token(NINA), name="Mallory")
    kept = "/v1/selections/my-unnamed-selection--"
    other.send("PUT", f"{kept}/pictures/coast/low-tide")
    token = other.post(f"{kept}/share", {}).json["url"].partition("#t=")[2]
    stranger = Browser(browser.gateway, address="203.0.113.11")
    assert stranger.post("/v1/selections/shared", {"token": token}).status_code == 200
    browser.ask_code(NINA)
    browser.sign_in_by_code(NINA, browser.code(NINA))
    refused = stranger.post("/v1/selections/shared", {"token": token})
    assert said(refused) == (410, "link_expired")


def test_a18_who_was_invited_too_long_ago_is_invited_anew_whoever_asked_by_it(
    site: Site, boss: Browser, browser: Browser
) -> None:
    ask_transfer(browser, boss)
    site.advance(31 * DAY)
    boss = photographer(site, "later").browser
    assert line(boss, "nina@work.example.com")["state"] == "expired"
    invited(boss, "nina@work.example.com", key="second-key-of-20-char")


@pytest.mark.parametrize("password", ["\u200b" * 6, "      ", " a b c "])
def test_p10_a_password_that_is_nothing_once_all_is_forgiven_is_no_password(
    boss: Browser, password: str
) -> None:
    answer = boss.send("PATCH", f"/v1/staff/galleries/{PARTY}", json={"password": password})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/password"
