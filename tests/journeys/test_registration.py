"""From guest to client: signing up, the mailed link, in this browser and in another."""

import pytest

from foyer.credentials import Token
from local.gateway import Gateway
from local.site import Site
from tests.carts import fill
from tests.visiting import (
    CALENDAR,
    OTHER_PASSWORD,
    PASSWORD,
    PRINT,
    TERMS,
    VOUCHER,
    Answer,
    Browser,
)

NINA = "nina@example.com"
DAY = 86_400


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    """Another browser, somewhere else."""
    return Browser(gateway, address="198.51.100.7")


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def row(site: Site, *key: str) -> dict[str, object] | None:
    return site.cloud.row(*key)


# ---- signing up ----------------------------------------------------------------------------------


def test_p5_a_visitor_signs_up_with_name_and_address_and_is_mailed_a_link(browser: Browser) -> None:
    answer = browser.sign_up(NINA)
    assert (answer.status_code, answer.json) == (202, {"code": "check_your_mail"})
    (mail,) = browser.mails(NINA)
    assert "/activate?lang=en#t=act_" in mail["links"][0]
    assert "24 hours" in mail["text"]


def test_0_2_signing_up_makes_the_generic_user_a_guest(browser: Browser) -> None:
    browser.sign_up(NINA)
    session = browser.session()
    assert session["authentication"] == "guest"
    assert session["user"] == {
        "id": session["user"]["id"],
        "registration_type": "G",
        "profile_type": None,
        "status": None,
        "email": None,
        "name": None,
        "roles": [],
    }


def test_p6_before_the_click_he_is_still_a_guest_and_cannot_sign_in(
    browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up(NINA)
    assert browser.session()["user"]["registration_type"] == "G"
    assert browser.who() == guest
    assert refused(other.sign_in(NINA)) == (401, "wrong_credentials")
    other.ask_code(NINA)  # brings the link, for there is only a claim
    assert "#t=act_" in browser.mails(NINA)[0]["text"]


@pytest.mark.parametrize(
    "body",
    [
        {"email": "nobody"},
        {"email": ""},
        {"email": "a@b@example.com"},
        {"email": "nina@example.com\r\nBcc: x@example.com"},
        {"email": "ünïcode@example.com"},
        {"email": "nina@localhost"},
        {"name": ""},
        {"name": " "},
        {"name": "Nina\u202e"},
        {"name": "Ni\nna"},
        {"name": "x" * 101},
        {"profile_type": "X"},
        {"profile_type": None},
        {"consents": {}},
        {"consents": {"terms": "1999-01-01"}},
        {"consents": {"terms": TERMS, "newsletter": "yes"}},
        {"consents": None},
        {"locale": "de"},
        {"phone": "call me"},
        {"status": "approved"},
        {"roles": ["site_administrator"]},
        {"registration_type": "S"},
        {"password": PASSWORD},
        {"id": "-1002"},
        {"epoch": 9},
    ],
)
def test_r36_what_is_malformed_or_not_asked_for_changes_nothing(
    site: Site, browser: Browser, body: dict[str, object]
) -> None:
    before = site.cloud.rows()
    answer = (
        browser.sign_up(NINA, **{k: v for k, v in body.items() if k != "email"})
        if ("email" not in body)
        else browser.sign_up(str(body["email"]))
    )
    assert answer.status_code == 422
    assert "Set-Cookie" not in answer.headers
    assert site.cloud.rows() == before


def test_r31_an_international_domain_is_written_to_in_ascii(browser: Browser) -> None:
    assert browser.sign_up("Nina@BÜCHER.example").status_code == 202
    assert browser.mails("nina@xn--bcher-kva.example")


def test_r43_a_strangers_mail_holds_nothing_he_typed(browser: Browser) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0) WIN MONEY http://evil.example Chrome/120 Safari/537"
    form = {
        "email": NINA,
        "name": "Win money at evil.example",
        "profile_type": "B",
        "company": "evil.example",
        "consents": {"terms": TERMS},
    }
    browser.send("POST", "/v1/registrations", json=form, headers={"User-Agent": agent})
    (mail,) = browser.mails(NINA)
    for part in (mail["text"], mail["html"], mail["subject"]):
        assert "evil" not in part
        assert "money" not in part.casefold()
    assert "Chrome, Windows" in mail["text"]


def test_0_3_a_sixth_claim_replaces_the_oldest(browser: Browser) -> None:
    tokens = []
    for number in range(6):
        browser.sign_up(f"n{number}@example.com")
        tokens.append(browser.token(f"n{number}@example.com"))
    assert refused(browser.activate(tokens[0])) == (410, "link_expired")
    assert browser.activate(tokens[1]).json["status"] == "approved"


def test_0_3_claims_on_one_address_wait_side_by_side_and_the_first_click_wins(
    browser: Browser, other: Browser
) -> None:
    browser.sign_up(NINA)
    mine = browser.token(NINA)
    other.sign_up(NINA)
    theirs = browser.token(NINA)
    assert browser.activate(mine).json["status"] == "approved"
    assert refused(other.activate(theirs)) == (409, "already_active")


def test_unknown_organizations_and_galleries_are_ignored(browser: Browser) -> None:
    answer = browser.sign_up(NINA, organization_id="nowhere", gallery_id="nothing")
    assert answer.status_code == 202
    assert browser.activate(browser.token(NINA)).json["status"] == "approved"


def test_a_sign_up_sent_again_under_its_key_mails_once(browser: Browser, other: Browser) -> None:
    browser.add(VOUCHER)
    key = {"headers": {"Idempotency-Key": "a-key-of-twenty-char"}}
    form = {
        "email": NINA,
        "name": "Nina",
        "profile_type": "C",
        "consents": {"terms": TERMS, "newsletter": False},
    }
    for path, body in (
        ("/v1/registrations", form),
        ("/v1/registrations/resend", {"email": NINA}),
        ("/v1/password-resets", {"email": NINA}),
    ):
        before = len(browser.mails(NINA))
        for _ in range(3):
            assert browser.send("POST", path, json=body, **key).status_code == 202
        assert len(browser.mails(NINA)) == before + 1
        another = {**body, "email": "otto@example.com"}
        assert refused(browser.send("POST", path, json=another, **key)) == (
            422,
            "idempotency_key_reused",
        )


# ---- the link, in the browser that signed up -----------------------------------------------------


def test_h9_the_guest_becomes_the_client_the_same_user_with_the_same_cart(
    browser: Browser,
) -> None:
    browser.add(VOUCHER)
    browser.add(PRINT)
    guest, cart = browser.who(), browser.cart()
    browser.sign_up(NINA)
    token = browser.token(NINA)
    answer = browser.activate(token)
    assert answer.status_code == 200
    assert answer.json["status"] == "approved"
    assert answer.json["transfer"] is None
    session = browser.session()
    assert answer.json["session"] == session
    assert session["user"]["id"] == guest
    assert session["user"]["registration_type"] == "R"
    assert session["user"]["status"] == "approved"
    assert session["user"]["email"] == NINA
    assert session["user"]["name"] == "Nina"
    assert session["authentication"] == "signed_in"
    assert session["next"] == ["choose_password"]
    assert browser.cart() == cart


def test_h17_where_nobody_need_approve_he_is_signed_in_at_once(browser: Browser) -> None:
    browser.register(NINA)
    assert browser.session()["authentication"] == "signed_in"
    (told,) = [m for m in browser.mails(NINA) if "is active" in m["subject"]]
    assert "It was not you?" in told["text"]


def test_h10_the_logon_id_is_the_address_in_any_case(browser: Browser, other: Browser) -> None:
    browser.register("Nina.Lopez@Example.com")
    assert other.sign_in("NINA.LOPEZ@EXAMPLE.COM").status_code == 200
    assert other.session()["user"]["email"] == "Nina.Lopez@example.com"
    third = Browser(browser.gateway, address="203.0.113.1")
    third.sign_up("nina.lopez@example.com")
    assert "already have an account" in browser.mails("nina.lopez@example.com")[0]["subject"]


@pytest.mark.parametrize("lines", [0, 100])
def test_r50_activation_writes_the_same_items_whatever_the_cart_holds(
    site: Site, browser: Browser, lines: int
) -> None:
    browser.sign_up(NINA)
    if lines:
        fill(site, browser, lines)
    token = browser.token(NINA)
    written: list[int] = []

    def count(operation, body, send):  # type: ignore[no-untyped-def]
        if operation == "TransactWriteItems":
            written.append(len(body["TransactItems"]))
        return send()

    site.cloud.intercept = count
    browser.activate(token)
    site.cloud.intercept = None
    assert written == [8]  # the event among them
    cost = browser.cost()
    assert cost["calls"] <= 3
    assert cost["reads"] <= 4
    assert cost["writes"] <= 30
    assert browser.session()["cart"]["line_count"] == lines


def test_the_preview_says_what_will_happen_and_changes_nothing(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    token = browser.token(NINA)
    before = site.cloud.rows()
    here = browser.post("/v1/activations/preview", {"token": token}).json
    assert here["this_browser"] is True
    assert here["address"] == "n…@e….com"
    assert here["name"] == "Nina"
    assert here["cart"]["line_count"] == 1
    assert here["cart"]["begun"].endswith("Z")
    assert here["terms_accepted"] is True
    there = other.post("/v1/activations/preview", {"token": token}).json
    assert there == {**here, "this_browser": False, "terms_accepted": False}
    assert site.cloud.rows() == before


def test_0_3_in_the_guests_browser_any_valid_link_on_the_address_redeems_his_own_claim(
    browser: Browser, other: Browser
) -> None:
    """The owner signed up, then somebody else did; he clicks on the newer mail."""
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up(NINA)
    other.sign_up(NINA, name="Somebody else")
    newest = browser.token(NINA)
    assert browser.post("/v1/activations/preview", {"token": newest}).json["this_browser"] is True
    answer = browser.activate(newest)
    assert answer.json["session"]["user"]["id"] == guest
    assert answer.json["session"]["user"]["name"] == "Nina"
    assert other.session()["authentication"] == "guest"


def test_0_3_a_sign_up_from_a_signed_in_browser_is_tied_to_no_user(
    browser: Browser, other: Browser
) -> None:
    browser.register("otto@example.com")
    otto = browser.who()
    browser.add(VOUCHER)
    assert browser.sign_up(NINA).status_code == 202
    token = browser.token(NINA)
    assert refused(browser.activate(token)) == (409, "other_address")
    answer = other.elsewhere(token, take_over=True)
    assert answer.json["session"]["user"]["id"] != otto
    assert answer.json["transfer"] is None
    assert browser.session()["cart"]["line_count"] == 1


def test_signed_in_as_the_same_a_link_of_a_later_sign_up_is_already_active(
    browser: Browser, other: Browser
) -> None:
    other.sign_up(NINA)
    token = browser.token(NINA)
    browser.register(NINA)
    assert refused(browser.activate(token)) == (409, "already_active")


# ---- the link, in another browser ----------------------------------------------------------------


def test_elsewhere_a_password_is_required_then_a_name_and_nothing_changes_without(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.sign_up(NINA)
    token = browser.token(NINA)
    before = site.cloud.rows()
    assert refused(other.activate(token)) == (422, "password_required")
    assert refused(other.activate(token, name="Nina")) == (422, "password_required")
    assert refused(other.activate(token, password=PASSWORD)) == (422, "name_required")
    assert other.activate(token, password="too short", name="Nina").status_code == 422
    assert refused(other.elsewhere(token, password="passwordpassword")) == (422, "weak_password")
    assert site.cloud.rows() == before
    assert other.elsewhere(token).status_code == 200


def test_elsewhere_a_fresh_user_is_made_and_the_first_browsers_guest_lives_on(
    browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up(NINA)
    answer = other.elsewhere(browser.token(NINA), name="Nina herself")
    user = answer.json["session"]["user"]
    assert user["id"] != guest
    assert user["name"] == "Nina herself"
    assert answer.json["session"]["cart"]["line_count"] == 0
    assert answer.json["session"]["next"] == ["accept_terms"]
    assert browser.session()["authentication"] == "guest"
    assert browser.quantities() == {"voucher": 1}


def test_elsewhere_the_cart_comes_along_by_request_and_then_the_first_guest_is_dead(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    browser.add(PRINT)
    browser.sign_up(NINA)
    answer = other.elsewhere(
        browser.token(NINA), take_over=True, consents={"terms": TERMS, "newsletter": True}
    )
    assert other.quantities() == {"voucher": 1, "print-30x45": 1}
    lines = answer.json["transfer"]["lines"]
    assert [(li["product_id"], li["quantity"], li["before"], li["after"]) for li in lines] == [
        ("voucher", 1, 0, 1),
        ("print-30x45", 1, 0, 1),
    ]
    assert answer.json["session"]["next"] == []
    assert browser.session()["authentication"] == "generic"
    assert refused(browser.add(VOUCHER)) == (409, "session_changed")
    site.advance(120)
    assert browser.add(VOUCHER).status_code == 201  # a new guest
    assert other.quantities() == {"voucher": 1, "print-30x45": 1}


def test_0_7_elsewhere_the_browsers_own_guest_hands_over_as_at_sign_in(
    browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    other.add(CALENDAR)
    answer = other.elsewhere(browser.token(NINA))
    assert other.quantities() == {"calendar": 1}
    assert [line["product_id"] for line in answer.json["transfer"]["lines"]] == ["calendar"]


def test_0_7_elsewhere_both_carts_come_along_as_one(browser: Browser, other: Browser) -> None:
    browser.add({**VOUCHER, "quantity": 3})
    browser.add(PRINT)
    browser.sign_up(NINA)
    other.add(CALENDAR)
    other.add(VOUCHER)
    other.elsewhere(browser.token(NINA), take_over=True)
    assert other.quantities() == {"voucher": 3, "calendar": 1, "print-30x45": 1}


def test_0_7_elsewhere_an_older_guest_is_asked_about(
    site: Site, browser: Browser, other: Browser
) -> None:
    other.add(CALENDAR)
    site.advance(DAY)
    browser.sign_up(NINA)
    token = browser.token(NINA)
    answer = other.elsewhere(token)
    assert refused(answer) == (409, "take_over_required")
    assert answer.json["cart"]["line_count"] == 1
    assert other.elsewhere(token, take_over=False).json["transfer"] is None
    assert other.quantities() == {}


def test_0_2_the_guests_other_claims_stay_redeemable_as_elsewhere(
    browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    mine = browser.token(NINA)
    browser.sign_up("second@example.com")
    second = browser.token("second@example.com")
    browser.activate(mine)
    answer = other.elsewhere(second, take_over=True)
    assert answer.json["session"]["cart"]["line_count"] == 0  # the guest is a client now
    assert browser.quantities() == {"voucher": 1}


# ---- links that do not work any more, and what to do then ----------------------------------------


def test_r18_a_link_is_good_for_24_hours_and_not_a_second_longer(
    site: Site, browser: Browser
) -> None:
    browser.sign_up(NINA)
    token = browser.token(NINA)
    site.advance(DAY - 1)
    assert browser.post("/v1/activations/preview", {"token": token}).status_code == 200
    site.advance(1)
    answer = browser.activate(token)
    assert refused(answer) == (410, "link_expired")
    assert answer.json["next"] == "resend"


def test_n10_an_expired_link_leads_to_a_new_one_from_any_browser(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.sign_up(NINA)
    old = browser.token(NINA)
    site.advance(DAY)
    assert other.post("/v1/registrations/resend", {"email": NINA}).status_code == 202
    new = browser.token(NINA)
    assert new != old
    assert refused(browser.activate(old)) == (410, "link_replaced")
    assert browser.activate(new).status_code == 200


def test_0_3_only_the_browser_that_holds_the_claim_replaces_its_link(
    browser: Browser, other: Browser
) -> None:
    browser.sign_up(NINA)
    first = browser.token(NINA)
    other.post("/v1/registrations/resend", {"email": NINA})
    assert browser.token(NINA) == first  # mailed again, unchanged
    assert len(browser.mails(NINA)) == 2
    browser.post("/v1/registrations/resend", {"email": NINA})
    second = browser.token(NINA)
    assert second != first
    answer = browser.activate(first)
    assert refused(answer) == (410, "link_replaced")
    assert answer.json["next"] == "resend"
    assert browser.activate(second).status_code == 200


def test_what_mails_nothing_replaces_nothing(browser: Browser) -> None:
    browser.sign_up(NINA)
    for _ in range(2):
        browser.post("/v1/registrations/resend", {"email": NINA})
    token = browser.token(NINA)
    answer = browser.post("/v1/registrations/resend", {"email": NINA})
    assert refused(answer) == (429, "too_many_mails")
    assert int(answer.headers["Retry-After"]) > 0
    assert browser.activate(token).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "act_", "rst_" + "A" * 88, "act_" + "A" * 88, "é" * 92])
def test_a_garbled_link_is_told_from_an_expired_one(browser: Browser, token: str) -> None:
    for path in ("/v1/activations", "/v1/activations/preview"):
        answer = browser.post(path, {"token": token})
        assert answer.status_code in {404, 422}
        if token:
            assert answer.json["code"] == "link_invalid"


@pytest.mark.parametrize("token", [None, [], {}, ["act_"], 0, True])
def test_r16_a_token_that_is_no_text_is_refused(browser: Browser, token: object) -> None:
    for path in ("/v1/activations", "/v1/activations/preview", "/v1/password-resets/redeem"):
        assert browser.post(path, {"token": token, "password": PASSWORD}).status_code == 422


def test_r16_a_token_changed_in_any_part_opens_nothing(browser: Browser, other: Browser) -> None:
    browser.sign_up(NINA)
    other.sign_up("otto@example.com")
    mine, theirs = browser.token(NINA), browser.token("otto@example.com")
    parsed = [Token.parse("act", text) for text in (mine, theirs)]
    parts = [(t.owner, t.subject, t.link_id, t.proof) for t in parsed if t is not None]
    for mask in range(1, 15):
        mixed = [parts[mask >> i & 1][i] for i in range(4)]
        assert refused(browser.activate("act_" + "".join(mixed))) == (404, "link_invalid")
    assert refused(browser.reset(mine.replace("act_", "rst_"))) == (404, "link_invalid")
    assert browser.activate(mine).status_code == 200


# ---- again: lost answers, and other people's second tries ----------------------------------------


def test_0_18_whoever_activated_may_ask_again_with_his_old_cookie_for_ten_minutes(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    token, lost = browser.token(NINA), browser.twin()
    first = browser.activate(token)
    again = lost.activate(token)
    assert again.status_code == 200
    assert again.json == first.json
    assert lost.session()["authentication"] == "signed_in"
    late = browser.twin()
    late.cookies = {"__Host-foyer": lost.cookies["__Host-foyer"]}
    site.advance(600)
    assert refused(Browser(browser.gateway).elsewhere(token)) == (409, "already_active")


def test_0_18_elsewhere_the_same_password_may_ask_again_another_may_not(
    browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    token, lost = browser.token(NINA), other.twin()
    first = other.elsewhere(token, take_over=True)
    assert refused(lost.elsewhere(token, password=OTHER_PASSWORD)) == (409, "already_active")
    assert refused(lost.activate(token)) == (409, "already_active")
    again = lost.elsewhere(token, take_over=True)
    assert again.json == first.json
    assert again.json["transfer"]["lines"]


def test_0_18_in_this_browser_another_password_does_not_replace_the_first(
    browser: Browser, other: Browser
) -> None:
    browser.sign_up(NINA)
    token, lost = browser.token(NINA), browser.twin()
    browser.activate(token, password=PASSWORD)
    assert refused(lost.activate(token, password=OTHER_PASSWORD)) == (409, "already_active")
    assert lost.activate(token, password=PASSWORD).status_code == 200
    assert other.sign_in(NINA, PASSWORD).status_code == 200


def test_n1_a_used_link_says_sign_in_and_never_expired(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.sign_up(NINA)
    token = browser.token(NINA)
    browser.activate(token)
    for wait in (0, 601, DAY):
        site.advance(wait)
        for visitor in (browser, other):
            answer = visitor.activate(token)
            assert refused(answer) == (409, "already_active")
            assert answer.json["next"] == "sign_in"


def test_0_17_the_guests_cookie_is_dead_after_activation(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    old = browser.twin()
    browser.activate(browser.token(NINA))
    assert old.session()["authentication"] == "generic"
    answer = old.add(VOUCHER)
    assert refused(answer) == (409, "session_changed")
    assert "Set-Cookie" not in answer.headers
    site.advance(120)
    assert old.add(VOUCHER).status_code == 201
    assert browser.quantities() == {"voucher": 1}


# ---- waiting for approval, and after a rejection -------------------------------------------------


def require_approval(site: Site, required: str = "required") -> None:
    site.cloud.client("dynamodb").update_item(
        TableName=site.cloud.table_name,
        Key={"pk": {"S": "ORG#default"}, "sk": {"S": "ORG"}},
        UpdateExpression="SET approval = :a",
        ExpressionAttributeValues={":a": {"S": required}},
    )


def set_status(site: Site, user_id: str, status: str) -> None:
    site.cloud.client("dynamodb").update_item(
        TableName=site.cloud.table_name,
        Key={"pk": {"S": f"USER#{user_id}"}, "sk": {"S": "USER"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": status}},
    )


@pytest.mark.parametrize("setting", ["required", "inherit"])
def test_0_4_who_waits_for_approval_goes_on_as_the_guest_he_was(
    site: Site, browser: Browser, other: Browser, setting: str
) -> None:
    require_approval(site, setting)  # root requires it
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up(NINA)
    token = browser.token(NINA)
    answer = browser.activate(token, password=PASSWORD)
    assert answer.json == {
        "status": "pending_approval",
        "session": None,
        "transfer": None,
        "gallery_id": None,
        "order_id": None,
    }
    assert "Set-Cookie" not in answer.headers
    session = browser.session()
    assert (session["user"]["id"], session["authentication"]) == (guest, "guest")
    assert session["user"]["registration_type"] == "G"
    assert browser.add(VOUCHER).status_code == 201
    assert refused(other.sign_in(NINA)) == (403, "approval_pending")
    assert refused(other.sign_in(NINA, OTHER_PASSWORD)) == (401, "wrong_credentials")
    assert browser.activate(token, password=PASSWORD).json["status"] == "pending_approval"


def test_h20_a_rejected_person_registers_again_in_the_same_browser_as_the_same_user(
    site: Site, browser: Browser
) -> None:
    require_approval(site)
    browser.add(VOUCHER)
    guest = browser.who()
    browser.sign_up(NINA)
    browser.activate(browser.token(NINA))
    set_status(site, guest, "rejected")
    require_approval(site, "not_required")
    browser.sign_up(NINA)
    answer = browser.activate(browser.token(NINA))
    assert answer.json["session"]["user"]["id"] == guest
    assert answer.json["session"]["user"]["status"] == "approved"
    assert browser.quantities() == {"voucher": 1}


def test_h20_elsewhere_the_address_of_a_rejected_person_moves_to_the_new_user(
    site: Site, browser: Browser, other: Browser
) -> None:
    require_approval(site)
    browser.sign_up(NINA)
    guest = browser.who()
    browser.activate(browser.token(NINA), password=PASSWORD)
    set_status(site, guest, "rejected")
    require_approval(site, "not_required")
    other.sign_up(NINA)
    answer = other.activate(browser.token(NINA), password=OTHER_PASSWORD)
    assert answer.json["session"]["user"]["id"] != guest
    third = Browser(browser.gateway, address="203.0.113.9")
    assert refused(third.sign_in(NINA, PASSWORD)) == (401, "wrong_credentials")
    assert third.sign_in(NINA, OTHER_PASSWORD).status_code == 200
    assert (row(site, f"USER#{guest}", "USER") or {})["status"] == {"S": "superseded"}


def test_h20_a_rejected_persons_row_never_becomes_another_persons(
    site: Site, browser: Browser, other: Browser
) -> None:
    """On a shared computer: his password would open what is now hers."""
    require_approval(site)
    browser.sign_up("anton@example.com")
    anton = browser.who()
    browser.activate(browser.token("anton@example.com"), password=PASSWORD)
    set_status(site, anton, "rejected")
    require_approval(site, "not_required")
    browser.sign_up("berta@example.com")
    token = browser.token("berta@example.com")
    assert refused(browser.activate(token)) == (422, "password_required")
    assert browser.elsewhere(token, password=OTHER_PASSWORD).status_code == 200
    assert browser.who() != anton
    assert refused(other.sign_in("berta@example.com", PASSWORD)) == (401, "wrong_credentials")


def test_h20_an_earlier_applications_password_is_none_of_the_new_one(
    site: Site, browser: Browser, other: Browser
) -> None:
    require_approval(site)
    browser.sign_up(NINA)
    browser.activate(browser.token(NINA), password=PASSWORD)
    set_status(site, browser.who(), "rejected")
    require_approval(site, "not_required")
    browser.sign_up(NINA)
    assert browser.activate(browser.token(NINA)).json["session"]["next"] == ["choose_password"]
    assert refused(other.sign_in(NINA, PASSWORD)) == (401, "wrong_credentials")


def test_0_18_a_repeat_brings_along_what_the_browser_has_by_then(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    token = browser.token(NINA)
    other.elsewhere(token)
    third = Browser(browser.gateway, address="203.0.113.9")
    third.add(CALENDAR)
    answer = third.elsewhere(token)
    assert [line["product_id"] for line in answer.json["transfer"]["lines"]] == ["calendar"]
    assert third.quantities() == {"calendar": 1}


def test_r27_a_repeat_does_not_outlive_a_new_password(
    site: Site, browser: Browser, other: Browser
) -> None:
    browser.sign_up(NINA)
    token, old = browser.token(NINA), browser.twin()
    browser.activate(token)
    other.post("/v1/password-resets", {"email": NINA})
    assert other.reset(other.token(NINA)).status_code == 200
    assert refused(old.activate(token)) == (409, "already_active")
    assert old.session()["authentication"] == "generic"
