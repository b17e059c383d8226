"""What people agree to and take back: the ledger, the newsletter and the one click that ends it
(N15, P20, mission "consents", RFC 8058)."""

import re
from collections.abc import Callable
from email import message_from_string, policy
from hashlib import sha256
from html import unescape
from typing import Any

import pytest

from foyer.rules.policy import POLICY
from foyer.settings import WRITTEN
from local import mailbox
from local.gateway import Gateway
from local.site import ROOT, Site
from tests.conftest import SCHEDULES
from tests.inviting import accept, invited, photographer
from tests.journeys.test_registration import require_approval
from tests.people import Person, administrator, plant
from tests.visiting import (
    DONE,
    PASSWORD,
    SECRETS,
    TERMS,
    URL,
    VOUCHER,
    Answer,
    Browser,
    orders,
    said,
)

NINA = "nina@example.com"
HOUR, DAY = 3_600, 86_400
CONSENTS = "/v1/account/consents"
YES: dict[str, Any] = {"terms": TERMS, "newsletter": True}
FORM = "application/x-www-form-urlencoded"
SUBSCRIBED = "You will get the newsletter"


@pytest.fixture
def nina(site: Site) -> Person:
    """She agreed to nothing yet: staff opened the account."""
    return plant(site, "nina", agreed=False)


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="192.0.2.88")


def update(site: Site, user_id: str, expression: str, **values: Any) -> None:
    site.cloud.client("dynamodb").update_item(
        TableName=site.cloud.table_name,
        Key={"pk": {"S": f"USER#{user_id}"}, "sk": {"S": "USER"}},
        UpdateExpression=expression,
        **({"ExpressionAttributeValues": values} if values else {}),
    )


def say(browser: Browser, headers: dict[str, str] | None = None, **body: Any) -> Answer:
    return browser.send("POST", CONSENTS, json=body, headers=headers or {})


def see(browser: Browser) -> Any:
    answer = browser.get(CONSENTS)
    assert answer.status_code == 200, answer.json
    return answer.json


def ledger(browser: Browser) -> list[tuple[str, bool, str]]:
    """What was said to what, and where; the newest first."""
    return [(e["document"], e["given"], e["channel"]) for e in see(browser)["items"]]


def rows(site: Site, user_id: str) -> list[dict[str, Any]]:
    """Somebody's ledger, as it is stored."""
    return [
        row
        for row in site.cloud.rows()
        if row["pk"]["S"] == f"USER#{user_id}" and row["sk"]["S"].startswith("CONSENT#")
    ]


def stands_as_it_says(browser: Browser) -> None:
    """How somebody stands is what the newest entry of each document says."""
    now = see(browser)
    newest = {e["document"]: e["given"] for e in reversed(now["items"])}
    assert newest.get("newsletter", False) == now["newsletter"]
    assert newest.get("terms", False) == (now["terms"]["accepted"] is not None)


def subscribed(browser: Browser, email: str) -> int:
    return sum(SUBSCRIBED in mail["subject"] for mail in browser.mails(email))


def unsubscribe(browser: Browser, token: str, **more: Any) -> Answer:
    """As a mail program does it."""
    headers = {"Sec-Fetch-Site": None}
    sent = {"headers": headers, "data": "List-Unsubscribe=One-Click", "content_type": FORM}
    return browser.send("POST", f"/v1/unsubscribe/{token}", **{**sent, **more})


# ---- the words -----------------------------------------------------------------------------------


def words(browser: Browser, document: str) -> str:
    """What people are shown when they are asked, in all languages."""
    path, where = {
        "terms": ("/terms", r"(?s)<main.*?</main>"),
        "newsletter": ("/sign-up", r'<input[^>]*name="newsletter"[^>]*> <span>(.*?)</span>'),
    }[document]
    shown = []
    for language in WRITTEN:
        (part,) = re.findall(where, browser.get(f"{path}?lang={language}").text)
        shown.append(" ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split()))
    return "\n".join(shown)


@pytest.mark.parametrize("document", ["terms", "newsletter"])
def test_n15_the_hash_in_the_policy_is_of_the_words_people_are_shown(
    browser: Browser, document: str
) -> None:
    text = getattr(POLICY.shop, document)
    now = sha256(words(browser, document).encode()).hexdigest()
    assert text.sha256 == now, (
        f"What people are shown of the {document} has changed. In policy.toml, [shop.{document}], "
        f'give it another version (people are asked again) and write sha256 = "{now}"'
    )


def test_the_newsletters_sentence_stands_in_one_place() -> None:
    templates = (ROOT / "functions/pages/templates").glob("*.html")
    places = [path.name for path in templates if "Send me the newsletter." in path.read_text()]
    assert places == ["consents.html"]
    asked = [path for path in (ROOT / "functions/pages/templates").glob("*.html")
             if re.search(r"\bnewsletter\(", path.read_text())]  # fmt: skip
    assert len(asked) >= 4


# ---- becoming a client ---------------------------------------------------------------------------


def test_n15_each_document_is_an_entry_with_its_version_hash_channel_and_time(
    site: Site, browser: Browser
) -> None:
    browser.sign_up(NINA, consents=YES)
    assert rows(site, browser.who()) == [], (
        "a sign-up is a claim: nobody has agreed to anything yet"
    )
    site.advance(HOUR)
    browser.activate(browser.token(NINA))
    now = see(browser)
    assert now["terms"] == {"version": TERMS, "accepted": TERMS, "url": "/terms"}
    assert now["newsletter"] is True
    assert now["items"] == [
        {
            "document": document,
            "version": TERMS,
            "sha256": getattr(POLICY.shop, document).sha256,
            "given": True,
            "channel": "sign_up",
            "actor": "self",
            "at": "2026-11-22T09:00:00Z",
        }
        for document in ("terms", "newsletter")
    ]
    assert now["next"] is None
    account = browser.get("/v1/account").json
    assert (account["terms"], account["newsletter"]) == (TERMS, True)


def test_no_personal_datum_is_in_an_entry(site: Site, browser: Browser) -> None:
    browser.sign_up(NINA, consents=YES, name="Nina López", phone="12345")
    browser.activate(browser.token(NINA))
    for row in rows(site, browser.who()):
        names = {"pk", "sk", "document", "version", "sha256", "given", "channel", "at", "actor"}
        assert row.keys() == names
        assert row["pk"]["S"] == f"USER#{browser.who()}"
        assert not re.search(r"nina|L.pez|12345\b", str(row["sk"]) + str(row["channel"]), re.I)


def test_the_newsletter_is_never_taken_for_granted(site: Site, browser: Browser) -> None:
    for page in ("/sign-up",):
        assert not re.search(r'name="newsletter"[^>]*checked', browser.get(page).text)
    browser.sign_up(NINA, consents={"terms": TERMS})
    browser.activate(browser.token(NINA))
    assert ledger(browser) == [("terms", True, "sign_up")]
    assert see(browser)["newsletter"] is False
    assert subscribed(browser, NINA) == 0


def test_who_accepts_an_invitation_agrees_there(site: Site, browser: Browser) -> None:
    invited(photographer(site).browser, "kim@example.com")
    accept(browser, browser.token("kim@example.com"), consents=YES)
    assert ledger(browser) == [("terms", True, "invitation"), ("newsletter", True, "invitation")]
    assert subscribed(browser, "kim@example.com") == 1


def test_0_3_elsewhere_nothing_counts_that_was_not_sent_again(
    browser: Browser, other: Browser
) -> None:
    """Whoever signs up with a stranger's address subscribes nobody."""
    browser.sign_up(NINA, consents=YES)
    other.elsewhere(browser.token(NINA))
    assert ledger(other) == []
    assert other.session()["next"] == ["accept_terms"]
    assert see(other)["newsletter"] is False
    assert subscribed(other, NINA) == 0


def test_what_changed_since_the_sign_up_was_not_agreed_to(site: Site, browser: Browser) -> None:
    shop = site.module("foyer.rules.policy").POLICY.shop
    browser.sign_up(NINA, consents=YES)
    token = browser.token(NINA)
    for text in (shop.terms, shop.newsletter):
        object.__setattr__(text, "version", "2027-01-01")
    try:
        browser.activate(token)
        assert browser.session()["next"] == ["choose_password", "accept_terms"]
        assert see(browser)["items"] == []
        assert see(browser)["newsletter"] is False
        assert said(say(browser, terms=TERMS)) == (422, "terms_changed")
        assert say(browser, terms="2027-01-01").json["items"][0]["version"] == "2027-01-01"
    finally:
        for text in (shop.terms, shop.newsletter):
            object.__setattr__(text, "version", TERMS)


def test_p20_who_staff_opened_an_account_for_is_asked_until_he_says_so_himself(
    site: Site, browser: Browser
) -> None:
    form = {"email": NINA, "name": "Nina", "profile_type": "C"}
    administrator(site).browser.post("/v1/staff/users", form)
    browser.activate(browser.token(NINA), password=PASSWORD)
    assert browser.session()["next"] == ["accept_terms"]
    assert see(browser) == {
        "terms": {"version": TERMS, "accepted": None, "url": "/terms"},
        "newsletter": False,
        "items": [],
        "next": None,
    }
    assert say(browser, terms=TERMS).json["terms"]["accepted"] == TERMS
    assert browser.session()["next"] == []
    assert ledger(browser) == [("terms", True, "account")]


def test_who_waits_for_approval_may_end_what_he_asked_for(
    site: Site, browser: Browser, other: Browser
) -> None:
    require_approval(site)
    browser.sign_up(NINA, consents=YES)
    browser.activate(browser.token(NINA))
    assert subscribed(browser, NINA) == 1
    assert unsubscribe(other, browser.token(NINA)).status_code == 200
    assert [row["given"]["BOOL"] for row in rows(site, browser.who())] == [True, True, False]


def test_0_4_who_registers_again_and_asks_for_less_gets_less(site: Site, browser: Browser) -> None:
    require_approval(site)
    boss = administrator(site).browser
    browser.sign_up(NINA, consents=YES)
    browser.activate(browser.token(NINA))
    (waits,) = boss.get(f"/v1/staff/users?email={NINA}").json["items"]
    boss.post(f"/v1/staff/users/{waits['id']}/reject", {"reason": "No."})
    browser.sign_up(NINA)
    browser.activate(browser.token(NINA))
    boss.post(f"/v1/staff/users/{waits['id']}/approve", {})
    browser.sign_up("x@example.com")  # the guest's cookie is dead
    browser.ask_code(NINA)
    browser.sign_in_by_code(NINA, browser.code(NINA))
    assert ledger(browser) == [
        ("terms", True, "sign_up"),
        ("newsletter", False, "sign_up"),
        ("terms", True, "sign_up"),
        ("newsletter", True, "sign_up"),
    ]
    stands_as_it_says(browser)


# ---- in his space --------------------------------------------------------------------------------


def test_he_agrees_and_takes_back_and_the_same_again_writes_nothing(
    site: Site, nina: Person
) -> None:
    answer = say(nina.browser, **YES)
    assert (answer.status_code, answer.json) == (200, see(nina.browser))
    assert ledger(nina.browser) == [("terms", True, "account"), ("newsletter", True, "account")]
    assert subscribed(nina.browser, nina.email) == 1
    for body, entries in (
        (YES, 2),
        ({"newsletter": True}, 2),
        ({"newsletter": False}, 3),
        ({"newsletter": False}, 3),
        ({"terms": TERMS}, 3),
        ({"newsletter": True}, 4),
    ):
        before = site.cloud.rows()
        answer = say(nina.browser, **body)
        assert len(answer.json["items"]) == entries
        if entries == len([row for row in before if row in rows(site, nina.id)]):
            assert site.cloud.rows() == before
        stands_as_it_says(nina.browser)
    assert subscribed(nina.browser, nina.email) == 2
    assert nina.browser.session()["next"] == []


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, (422, "invalid_input")),
        ({"terms": None}, (422, "invalid_input")),
        ({"terms": "1999-01-01"}, (422, "terms_changed")),
        ({"terms": "1999-01-01", "newsletter": True}, (422, "terms_changed")),
        ({"terms": True}, (422, "invalid_input")),
        ({"newsletter": "yes"}, (422, "invalid_input")),
        ({"newsletter": 1}, (422, "invalid_input")),
        ({"newsletter": True, "actor": "staff"}, (422, "invalid_input")),
        ({"newsletter": True, "at": 1}, (422, "invalid_input")),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    site: Site, nina: Person, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    before = site.cloud.rows()
    refused = say(nina.browser, **body)
    assert said(refused) == answer
    if answer[1] == "terms_changed":
        assert refused.json["errors"][0]["pointer"] == "#/terms"
    assert site.cloud.rows() == before


def test_r51_a_late_repeat_does_not_bring_back_what_was_taken_back(
    site: Site, nina: Person
) -> None:
    key = {"Idempotency-Key": "a-key-of-twenty-char"}
    say(nina.browser, key, newsletter=True)
    say(nina.browser, newsletter=False)
    before = site.cloud.rows()
    assert say(nina.browser, key, newsletter=True).json["newsletter"] is False
    assert said(say(nina.browser, key, newsletter=False)) == (422, "idempotency_key_reused")
    assert site.cloud.rows() == before


def test_the_ledger_is_read_page_by_page_and_the_pages_are_his(site: Site, nina: Person) -> None:
    for number in range(5):
        site.advance(HOUR)
        say(nina.browser, newsletter=number % 2 == 0)
    first = nina.browser.get(f"{CONSENTS}?limit=2").json
    assert [entry["given"] for entry in first["items"]] == [True, False]
    then = nina.browser.get(f"{CONSENTS}?limit=10&cursor={first['next']}").json
    assert [entry["given"] for entry in then["items"]] == [True, False, True]
    assert then["next"] is None
    otto = plant(site, "otto").browser
    assert said(otto.get(f"{CONSENTS}?cursor={first['next']}")) == (422, "invalid_cursor")


def test_it_is_for_who_is_signed_in_not_for_who_is_only_remembered(
    site: Site, gateway: Gateway, nina: Person
) -> None:
    generic, guest, remembered = (Browser(gateway, address=f"192.0.2.{n}") for n in (60, 61, 62))
    guest.add(VOUCHER)
    remembered.sign_in(nina.email, PASSWORD, remember=True)
    site.advance(2 * HOUR)
    before = site.cloud.rows()
    for browser, code in (
        (generic, "sign_in_required"),
        (guest, "sign_in_required"),
        (remembered, "sign_in_again"),
    ):
        assert said(browser.get(CONSENTS)) == (401, code)
        assert said(say(browser, terms="1999-01-01")) == (401, code)
        assert said(say(browser, newsletter=True)) == (401, code)
    assert site.cloud.rows() == before


def test_0_16_nobody_fills_a_mailbox_with_asking(site: Site, nina: Person) -> None:
    answers = []
    for _ in range(11):
        answers.append(said(say(nina.browser, newsletter=True)))
        say(nina.browser, newsletter=False)
    assert answers == [DONE] * 10 + [(429, "too_many_mails")]
    assert see(nina.browser)["newsletter"] is False
    stands_as_it_says(nina.browser)


def test_0_9_what_somebody_else_agreed_to_is_none_of_the_owners(
    site: Site, browser: Browser, other: Browser
) -> None:
    invited(photographer(site).browser, "kim@example.com")
    accept(browser, browser.token("kim@example.com"), consents=YES)
    other.ask_code("kim@example.com")
    other.sign_in_by_code("kim@example.com", other.code("kim@example.com"))
    assert "accept_terms" in other.session()["next"]
    assert see(other)["newsletter"] is False
    assert ledger(other)[:2] == [("terms", False, "proof"), ("newsletter", False, "proof")]
    stands_as_it_says(other)


# ---- the newsletter's mail, and the one click that ends it ---------------------------------------


def newsletter_of(person: Person) -> tuple[mailbox.Letter, str]:
    """The mail somebody gets who asks for it, and its token."""
    assert say(person.browser, newsletter=True).status_code == 200
    token = person.browser.token(person.email)
    letter = next(one for one in mailbox.letters() if one.to == person.email)
    assert SUBSCRIBED in letter.subject
    return letter, token


def test_the_mail_can_be_ended_by_a_mail_program(nina: Person) -> None:
    nina.browser.choose_password("another lantern by the sea")
    letter, token = newsletter_of(nina)
    one_click = f"{URL}/v1/unsubscribe/{token}"
    assert f"\nList-Unsubscribe: <{one_click}>\n" in letter.source.replace("\r\n", "\n"), "as it is"
    mail = message_from_string(letter.source, policy=policy.default)
    assert mail["List-Unsubscribe"] == f"<{one_click}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.links == [f"{URL}/unsubscribe?lang=en#t={token}"]
    others = [one for one in mailbox.letters() if SUBSCRIBED not in one.subject]
    assert others
    assert not any("List-Unsubscribe" in one.source for one in others)


PARTS = (
    '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    "sent",
    [
        {"data": "List-Unsubscribe=One-Click", "content_type": FORM},
        {"data": PARTS, "content_type": "multipart/form-data; boundary=b"},
        {"data": "{}", "content_type": "application/json"},
        {"data": b"", "content_type": None},
        {"data": b"\xff\xfe{", "content_type": "application/octet-stream"},
    ],
)
@pytest.mark.parametrize("origin", [None, URL, "https://mail.example", "null"])
@pytest.mark.parametrize("fetched", [None, "same-origin", "cross-site"])
def test_rfc_8058_it_is_ended_from_anywhere_in_whatever_form(
    site: Site, nina: Person, other: Browser, sent: dict[str, Any], origin: str | None, fetched: str
) -> None:
    _, token = newsletter_of(nina)
    headers = {"Origin": origin, "Sec-Fetch-Site": fetched}
    answer = unsubscribe(other, token, headers=headers, **sent)
    assert (answer.status_code, answer.json) == (200, {"newsletter": False})
    assert "Set-Cookie" not in answer.headers
    assert see(nina.browser)["newsletter"] is False
    assert ledger(nina.browser)[0] == ("newsletter", False, "mail")


def test_it_ends_the_newsletter_and_nothing_else_as_often_as_it_is_clicked(
    site: Site, nina: Person, other: Browser
) -> None:
    _, token = newsletter_of(nina)
    kept, session = nina.browser.get("/v1/account").json, nina.browser.session()
    assert unsubscribe(other, token).status_code == 200
    now = nina.browser.get("/v1/account").json
    assert now == {**kept, "newsletter": False, "version": kept["version"] + 1}
    assert nina.browser.session() == session
    before = site.cloud.rows()
    for browser in (other, nina.browser, other):
        assert unsubscribe(browser, token).json == {"newsletter": False}
    assert site.cloud.rows() == before
    assert say(nina.browser, newsletter=True).json["newsletter"] is True
    assert unsubscribe(other, token).status_code == 200, "the older mail ends the newer wish too"
    stands_as_it_says(nina.browser)


def test_whose_browser_it_is_does_not_matter(site: Site, nina: Person) -> None:
    """Cookies are not read: somebody else's session is none of its business."""
    _, token = newsletter_of(nina)
    otto = plant(site, "otto")
    say(otto.browser, newsletter=True)
    answer = unsubscribe(otto.browser, token)
    assert answer.status_code == 200
    assert otto.browser.cost()["calls"] == 2
    assert see(otto.browser)["newsletter"] is True
    assert see(nina.browser)["newsletter"] is False


def test_what_is_no_token_of_this_purpose_ends_nothing(
    site: Site, nina: Person, other: Browser
) -> None:
    _, token = newsletter_of(nina)
    other.sign_up("kim@example.com")
    activation = other.token("kim@example.com")
    id_ = nina.id
    before = site.cloud.rows()
    for wrong in (
        token[:-1],
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.replace("uns_", "act_"),
        activation,
        activation.replace("act_", "uns_"),
        f"uns_{id_ * 3}{'A' * 22}",
        "uns_",
        "x" * 200,
    ):
        answer = unsubscribe(other, wrong)
        assert said(answer) == (404, "link_invalid"), wrong
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert unsubscribe(other, "x" * 201).status_code == 422
    assert site.cloud.rows() == before


def test_looking_ends_nothing(site: Site, nina: Person, other: Browser) -> None:
    """Scanners open every address of a mail, also those of its headers."""
    letter, token = newsletter_of(nina)
    before = site.cloud.rows()
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        answer = other.send(method, f"/v1/unsubscribe/{token}", headers={"Sec-Fetch-Site": None})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    for link in letter.links:
        assert other.get(link.removeprefix(URL).partition("#")[0]).status_code == 200
    assert other.submit("/unsubscribe").status_code == 404, "an empty form neither"
    assert site.cloud.rows() == before


def test_g10_the_token_stands_in_no_log(
    nina: Person, other: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """Besides this, tests/conftest.py looks for it after every test."""
    _, token = newsletter_of(nina)
    assert {token, token[-22:]} <= SECRETS
    caplog.clear()
    unsubscribe(other, token)
    other.get(f"/v1/unsubscribe/{token}")  # answered by the pages
    unsubscribe(other, f"{token}x")
    paths = [record.__dict__["path"] for record in caplog.records if record.msg == "request"]
    assert paths == ["/v1/unsubscribe/…"] * 3


def test_withdrawn_before_the_mail_left_it_does_not_leave(nina: Person) -> None:
    say(nina.browser, newsletter=True)
    say(nina.browser, newsletter=False)
    assert subscribed(nina.browser, nina.email) == 0


def test_0_16_a_complaint_stops_newsletters_and_no_code(site: Site, nina: Person) -> None:
    deliveries = site.module("foyer.storage.deliveries")
    complained = site.module("foyer.rules.invitations").Delivery.COMPLAINED
    site.module("foyer.storage.table").write(deliveries.note(nina.email, complained, site.now()))
    say(nina.browser, newsletter=True)
    assert subscribed(nina.browser, nina.email) == 0
    assert nina.browser.post("/v1/account/proof", {}).status_code == 200
    assert nina.browser.code(nina.email)


def test_the_mail_goes_where_he_is_now_in_his_language(site: Site, nina: Person) -> None:
    say(nina.browser, newsletter=True)
    nina.browser.send("PATCH", "/v1/account", json={"locale": "fr"})
    update(site, nina.id, "SET address = :a", **{":a": {"S": "Nina.New@example.com"}})
    assert subscribed(nina.browser, nina.email) == 0
    (mail,) = nina.browser.mails("Nina.New@example.com")
    assert "?lang=fr#t=uns_" in mail["links"][0]


# ---- races ---------------------------------------------------------------------------------------


def check_all(site: Site, flows: list[Callable[[], Any]], browser: Browser, most: int) -> set[Any]:
    """Every order: each is answered well, and how he stands is what the ledger says."""
    seen = set()
    for results in orders(site, flows, most):
        assert [answer.status_code for answer in results] == [200] * len(results)
        stands_as_it_says(browser)
        seen.add(see(browser)["newsletter"])
    return seen


def test_consent_x_consent_the_last_word_stands(site: Site, nina: Person) -> None:
    say(nina.browser, newsletter=True)
    tab = nina.browser.twin()
    flows = [lambda: say(nina.browser, **YES), lambda: say(tab, newsletter=False)]
    assert check_all(site, flows, nina.browser, SCHEDULES) == {True, False}


def test_consent_x_the_same_consent_is_one_entry_and_one_mail(site: Site, nina: Person) -> None:
    tabs = (nina.browser, nina.browser.twin())
    flows = [lambda: say(tabs[0], **YES), lambda: say(tabs[1], **YES)]
    for results in orders(site, flows, SCHEDULES):
        assert [said(one) for one in results] == [DONE, DONE]
        assert len(ledger(nina.browser)) == 2
        assert subscribed(nina.browser, nina.email) == 1


def test_consent_x_the_click_in_the_mail(site: Site, nina: Person, other: Browser) -> None:
    _, token = newsletter_of(nina)
    flows = [lambda: say(nina.browser, **YES), lambda: unsubscribe(other, token)]
    assert check_all(site, flows, nina.browser, SCHEDULES) == {True, False}


def test_two_clicks_are_one_entry(site: Site, nina: Person, other: Browser) -> None:
    _, token = newsletter_of(nina)
    flows = [lambda: unsubscribe(other, token), lambda: unsubscribe(nina.browser.twin(), token)]
    for results in orders(site, flows, SCHEDULES):
        assert [said(one) for one in results] == [DONE, DONE]
        assert ledger(nina.browser) == [
            ("newsletter", False, "mail"),
            ("newsletter", True, "account"),
        ]


def test_consent_x_profile_neither_is_lost(site: Site, nina: Person) -> None:
    tab = nina.browser.twin()
    flows = [
        lambda: say(nina.browser, **YES),
        lambda: tab.send("PATCH", "/v1/account", json={"phone": "12345"}),
    ]
    assert check_all(site, flows, nina.browser, SCHEDULES) == {True}
    assert nina.browser.get("/v1/account").json["phone"] == "12345"
