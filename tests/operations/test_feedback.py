"""What SES tells of mails, in any order and more than once: the board tells the truth, and who
cannot or will not be mailed is not (A20, N9, R44, mission 0.16)."""

from itertools import permutations
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from local.verify import plain
from tests.inviting import WEDDING, invite, invited, line, photographer, step
from tests.visiting import Browser, said

NINA = "nina@example.com"
DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
}


@pytest.fixture
def boss(site: Site) -> Browser:
    return photographer(site).browser


def news(site: Site, id_: str, kind: str, *, address: str = NINA, bounce: str = "Permanent") -> Any:
    """The event EventBridge would bring about the newest mail of this invitation."""
    site.drain()
    row = plain({"M": site.cloud.row(f"GALLERY#{WEDDING}", f"GRANT#{id_}") or {}})
    tags = {"kind": ["invitation"], "outbox": [row["mail"]]}
    tags |= {"gallery": [WEDDING], "grant": [id_], "ses:configuration-set": ["MailConfiguration"]}
    mail = {"messageId": "0102", "destination": [address], "tags": tags}
    detail: dict[str, Any] = {"eventType": kind, "mail": mail, kind.lower(): {}}
    if kind == "Bounce":
        recipients = [{"emailAddress": address, "status": "5.1.1"}]
        detail["bounce"] = {"bounceType": bounce, "bouncedRecipients": recipients}
    if kind == "Complaint":
        detail["complaint"] = {"complainedRecipients": [{"emailAddress": address}]}
    return {"source": "aws.ses", "detail-type": DETAIL_TYPES[kind], "detail": detail}


def tell(site: Site, *events: Any) -> None:
    (rule,) = site.template.rules
    for event in events:
        assert event["detail-type"] in rule.pattern["detail-type"]
        site.invoke(rule.function, event)


def test_a20_the_board_says_queued_then_sent_then_what_ses_tells(site: Site, boss: Browser) -> None:
    id_ = invited(boss, NINA)
    assert line(boss, NINA)["delivery"] == "queued"
    site.drain()
    assert line(boss, NINA)["delivery"] == "sent"
    tell(site, news(site, id_, "Delivery"))
    assert line(boss, NINA)["delivery"] == "delivered"


KINDS = ["Send", "Delivery", "Bounce", "Complaint"]
WORST = {"Send": "sent", "Delivery": "delivered", "Bounce": "bounced", "Complaint": "complained"}


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_n9_in_every_order_and_doubled_the_worst_that_happened_stands(
    site: Site, boss: Browser, size: int
) -> None:
    id_ = invited(boss, NINA)
    site.drain()
    back = site.remember()
    for order in permutations(KINDS, size):
        back()
        worst = WORST[max(order, key=KINDS.index)]
        events = [news(site, id_, kind) for kind in order]
        tell(site, *events, *events, *reversed(events))
        assert line(boss, NINA)["delivery"] == worst, order


def test_n9_news_before_our_own_mark_is_not_lost(site: Site, boss: Browser) -> None:
    """SES is quicker than we are: the bounce comes before the mail is marked as sent."""
    id_ = invited(boss, NINA)
    row = plain({"M": site.cloud.row(f"GALLERY#{WEDDING}", f"GRANT#{id_}") or {}})
    early = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": []}}
    tags = {"outbox": [row["mail"]], "gallery": [WEDDING], "grant": [id_]}
    tell(
        site,
        {
            "source": "aws.ses",
            "detail-type": "Email Bounced",
            "detail": {**early, "mail": {"tags": tags}},
        },
    )
    site.drain()
    assert line(boss, NINA)["delivery"] == "bounced"


def test_n9_news_of_an_older_mail_says_nothing_of_the_newer(site: Site, boss: Browser) -> None:
    id_ = invited(boss, NINA)
    old = news(site, id_, "Bounce", bounce="Transient")
    step(boss, id_, "resend")
    tell(site, news(site, id_, "Delivery"), old)
    assert line(boss, NINA)["delivery"] == "delivered"


def test_n9_where_mails_come_back_the_address_is_corrected_and_no_mail_goes_to_it(
    site: Site, boss: Browser
) -> None:
    id_ = invited(boss, "nima@example.com")
    tell(site, news(site, id_, "Bounce", address="Nima@example.com"))
    assert line(boss, "nima@example.com")["delivery"] == "bounced"
    assert said(step(boss, id_, "resend")) == (409, "address_suppressed")
    assert len(boss.mails("nima@example.com")) == 1
    right = step(boss, id_, "correct", address=NINA).json
    assert right["address"] == NINA
    assert len(boss.mails(NINA)) == 1
    # invited elsewhere, the board says so without a mail
    invite(boss, "nima@example.com", gallery="coast", key="second-key-of-20-char")
    site.drain()
    assert line(boss, "nima@example.com", "coast")["delivery"] == "bounced"
    assert len(boss.mails("nima@example.com")) == 1


def test_n9_those_whose_mails_came_back_are_found_among_many(site: Site, boss: Browser) -> None:
    many = [f"guest{n:03}@example.com" for n in range(130)]
    results = invite(boss, *many).json["results"]
    for one in (results[3], results[77], results[129]):
        tell(site, news(site, one["id"], "Bounce", address=one["address"]))
    path = f"/v1/staff/galleries/{WEDDING}/invitations?delivery=bounced"
    assert {one["address"] for one in boss.get(path).json["items"]} == {
        "guest003@example.com",
        "guest077@example.com",
        "guest129@example.com",
    }
    found, cursor = [], ""
    while cursor is not None:
        page = boss.get(f"{path}&limit=1" + (f"&cursor={cursor}" if cursor else "")).json
        found += page["items"]
        cursor = page["next"]
    assert len(found) == 3


def test_r44_a_bounce_stops_the_mails_of_whom_we_mailed_whoever_it_names(
    site: Site, boss: Browser, browser: Browser
) -> None:
    """What a bounce says of its recipient is the sender's of the bounce to say."""
    browser.register("uma@example.com")
    id_ = invited(boss, NINA)
    event = news(site, id_, "Bounce")
    event["detail"]["bounce"]["bouncedRecipients"] = [{"emailAddress": "uma@example.com"}]
    tell(site, event)
    browser.ask_code("uma@example.com")
    assert browser.sign_in_by_code("uma@example.com", browser.code("uma@example.com"))
    assert said(step(boss, id_, "resend")) == (409, "address_suppressed")


def test_r44_a_mailbox_that_was_not_there_is_tried_again_after_a_month(
    site: Site, boss: Browser, browser: Browser
) -> None:
    browser.register(NINA)
    tell(site, news(site, invited(boss, NINA), "Bounce"))
    site.advance(30 * 86_400)
    browser.ask_code(NINA)
    assert browser.sign_in_by_code(NINA, browser.code(NINA)).status_code == 200


def test_0_16_a_complaint_is_ours_to_heed_and_not_sess(site: Site) -> None:
    """On SES's own list it would stop codes and resets as well."""
    options = site.template.resources["MailConfiguration"]["SuppressionOptions"]
    assert options["SuppressedReasons"] == ["BOUNCE"]


def test_r44_a_mailbox_that_is_full_today_is_not_given_up(site: Site, boss: Browser) -> None:
    id_ = invited(boss, NINA)
    tell(site, news(site, id_, "Bounce", bounce="Transient"))
    assert line(boss, NINA)["delivery"] == "bounced"
    assert step(boss, id_, "resend").status_code == 200
    assert len(boss.mails(NINA)) == 2


def test_0_16_a_complaint_stops_invitations_and_what_strangers_cause_never_a_code(
    site: Site, gateway: Gateway, boss: Browser, browser: Browser
) -> None:
    browser.register(NINA)
    id_ = invited(boss, NINA)
    tell(site, news(site, id_, "Complaint"))
    before = len(browser.mails(NINA))
    invite(boss, NINA, gallery="coast", key="second-key-of-20-char")
    Browser(gateway, address="192.0.2.50").sign_up(NINA)
    assert len(browser.mails(NINA)) == before
    assert line(boss, NINA, "coast")["delivery"] == "complained"
    other = Browser(gateway, address="192.0.2.51")
    other.ask_code(NINA)
    assert other.sign_in_by_code(NINA, other.code(NINA)).status_code == 200
    other.post("/v1/password-resets", {"email": NINA})
    assert "#t=" in str(other.mails(NINA)[0]["links"])


def test_0_16_a_mailbox_that_is_not_there_gets_nothing_at_all_with_the_same_answers(
    site: Site, gateway: Gateway, boss: Browser, browser: Browser
) -> None:
    browser.register(NINA)
    id_ = invited(boss, NINA)
    tell(site, news(site, id_, "Bounce"))
    before = len(browser.mails(NINA))
    other = Browser(gateway, address="192.0.2.51")
    assert other.ask_code(NINA).status_code == 202
    assert other.post("/v1/password-resets", {"email": NINA}).status_code == 202
    assert other.sign_up(NINA).status_code == 202
    assert len(browser.mails(NINA)) == before
    site.advance(900)  # nothing of it is tried again and again
    dropped = [row for row in site.cloud.rows() if "dropped_at" in row]
    assert len(dropped) == 3
    assert all("to" not in row and "due" not in row for row in dropped)


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"eventType": "Open"},
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": None},
        {"eventType": "Bounce", "mail": {"tags": {"outbox": []}}, "bounce": None},
        {"eventType": "Delivery", "mail": {"tags": {"outbox": ["x"], "gallery": ["y"]}}},
        {"eventType": "Send", "mail": {"tags": {n: ["x"] for n in ("outbox", "gallery", "grant")}}},
    ],
)  # fmt: skip
def test_a31_news_we_do_not_understand_changes_nothing(site: Site, detail: Any) -> None:
    before = site.cloud.rows()
    tell(site, {"source": "aws.ses", "detail-type": "Email Bounced", "detail": detail})
    assert site.cloud.rows() == before


def test_an_invitation_revoked_before_its_mail_left_is_not_mailed(
    site: Site, boss: Browser
) -> None:
    id_ = invited(boss, NINA)
    step(boss, id_, "")
    assert boss.mails(NINA) == []
    (row,) = [row for row in site.cloud.rows() if "dropped_at" in row]
    assert row["why"]["S"] == "moot"


def test_ses_is_asked_for_its_news_and_it_comes_to_the_mailer(site: Site) -> None:
    """The configuration set we send with, its event destination, the bus, the rule: one chain."""
    resources, types = site.template.resources, site.template.types
    (name,) = [n for n, kind in types.items() if kind.endswith("ConfigurationSetEventDestination")]
    told = resources[name]
    assert told["ConfigurationSetName"] == "MailConfiguration"
    destination = told["EventDestination"]
    assert destination["Enabled"] is True
    assert set(destination["MatchingEventTypes"]) == {"SEND", "DELIVERY", "BOUNCE", "COMPLAINT"}
    assert destination["EventBridgeDestination"]["EventBusArn"].endswith(":event-bus/default")
    (rule,) = site.template.rules
    assert rule.function == "MailerFunction"
    assert set(rule.pattern["detail-type"]) == set(DETAIL_TYPES.values())
    (resource,) = rule.pattern["resources"]
    assert resource.endswith(":configuration-set/MailConfiguration")
