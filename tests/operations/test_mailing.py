"""The outbox: every mail goes out, once; what cannot be sent ends in sight (R56, R57, I5)."""

import json
from contextlib import suppress
from email import message_from_string, policy
from typing import Any

import pytest
from botocore.exceptions import HTTPClientError

from local import mailbox
from local.site import Site
from tests.seam import Fault, Killed, error, killed_after, killed_before, lost_answer

SES = "POST /v2/email/outbound-emails"


def queue(site: Site, *names: str, **changes: Any) -> None:
    """Writes a mail to each name into the outbox, as an operation would."""
    outbox, table = site.module("foyer.storage.outbox"), site.module("foyer.storage.table")
    for name in names:
        mail = outbox.Mail(
            id=f"mail-{name}",
            kind="welcome",
            to=f"{name}@example.com",
            language="en",
            facts={},
            queued_at=site.now(),
        )
        row = outbox.new_mail(mail)
        table.write(table.Put({**row.item, **changes}, row.condition))


def received() -> list[str]:
    return sorted(letter.to.partition("@")[0] for letter in mailbox.letters())


def row(site: Site, name: str) -> dict[str, Any]:
    found = site.cloud.row(f"OUTBOX#mail-{name}", "MAIL")
    assert found is not None
    return {key: next(iter(value.values())) for key, value in found.items()}


def dead_letters(site: Site) -> list[Any]:
    sqs = site.cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="MailerDeadLetters")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def stream_event(site: Site, *names: str) -> dict[str, Any]:
    """The batch Lambda would hand over for these mails."""
    return {
        "Records": [
            {
                "eventID": str(number),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "awsRegion": "eu-west-1",
                "dynamodb": {
                    "Keys": {"pk": {"S": f"OUTBOX#mail-{name}"}, "sk": {"S": "MAIL"}},
                    "SequenceNumber": str(number),
                },
            }
            for number, name in enumerate(names, 1)
        ]
    }


def test_opening_the_site_welcomes_its_administrator_once(empty_site: Site) -> None:
    for _ in range(2):
        empty_site.module("local.seed").plant(empty_site.now())
        empty_site.drain()
        assert [letter.to for letter in mailbox.letters()] == ["admin@studio.example.com"]


def test_every_mail_goes_out_once_and_its_text_goes_from_the_table(empty_site: Site) -> None:
    names = [f"n{number:02}" for number in range(25)]
    queue(empty_site, *names)
    assert empty_site.drain() == 25
    assert received() == names
    sent = row(empty_site, "n00")
    assert int(sent["sent_at"]) == empty_site.now()
    assert sent["message_id"]
    assert not {"due", "due_at", "facts", "to", "lease_until"} & sent.keys()
    assert int(sent["expires"]) == empty_site.now() + 30 * 86_400


def test_the_same_batch_twice_sends_once(empty_site: Site) -> None:
    queue(empty_site, "ann", "ben")
    for _ in range(2):
        answer = empty_site.invoke("MailerFunction", stream_event(empty_site, "ann", "ben"))
        assert answer == {"batchItemFailures": []}
    assert received() == ["ann", "ben"]


def test_a_mailer_that_dies_after_the_send_loses_none_and_doubles_only_that_one(
    empty_site: Site,
) -> None:
    queue(empty_site, "ann", "ben", "cid")
    died = Fault(killed_after, 1, operation=SES)
    empty_site.cloud.intercept = died
    with pytest.raises(Killed):
        empty_site.invoke("MailerFunction", stream_event(empty_site, "ann", "ben", "cid"))
    assert died.seen == 2
    empty_site.cloud.intercept = None
    empty_site.advance(41)  # the lease of the dead ends
    answer = empty_site.invoke("MailerFunction", stream_event(empty_site, "ann", "ben", "cid"))
    assert answer == {"batchItemFailures": []}
    assert received() == ["ann", "ben", "ben", "cid"]


@pytest.mark.parametrize("death", [killed_before, killed_after])
def test_f8_a_mailer_that_dies_at_any_call_loses_no_mail(empty_site: Site, death: Any) -> None:
    for at in range(9):
        name = f"n{at}"
        queue(empty_site, name, f"m{at}")
        empty_site.cloud.intercept = Fault(death, at)
        with suppress(Killed):
            empty_site.invoke("MailerFunction", stream_event(empty_site, name, f"m{at}"))
        empty_site.cloud.intercept = None
        empty_site.advance(41)
        empty_site.invoke("MailerFunction", stream_event(empty_site, name, f"m{at}"))
        assert {name, f"m{at}"} <= set(received())
        assert "sent_at" in row(empty_site, name)


def test_a_mail_somebody_else_is_sending_is_left_to_him_and_tried_again(
    empty_site: Site,
) -> None:
    queue(empty_site, "ann")
    empty_site.module("foyer.storage.outbox").take(
        empty_site.module("foyer.storage.keys").mail("mail-ann"), "another", empty_site.now()
    )
    answer = empty_site.invoke("MailerFunction", stream_event(empty_site, "ann"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert received() == []
    empty_site.advance(40)
    empty_site.invoke("MailerFunction", stream_event(empty_site, "ann"))
    assert received() == ["ann"]


@pytest.mark.parametrize("place", [0, 2, 4])
def test_one_poisoned_record_ends_in_the_dead_letters_and_all_others_go_out_once(
    empty_site: Site, place: int
) -> None:
    names = ["ann", "ben", "cid", "dot", "eve"]
    for number, name in enumerate(names):
        queue(empty_site, name, **({"kind": "no-such-kind"} if number == place else {}))
    empty_site.drain()
    poisoned = names.pop(place)
    assert received() == names
    (letter,) = dead_letters(empty_site)
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["requestContext"]["approximateInvokeCount"] == 6  # once, and 5 retries
    assert row(empty_site, poisoned)["due"].startswith("OUTBOX#")  # not lost: still to be sent


@pytest.mark.parametrize("broken", ["kind", "to", "language", "queued_at", "facts"])
def test_a31_a_row_of_another_version_of_us_stops_nobody(empty_site: Site, broken: str) -> None:
    queue(empty_site, "ann", **{broken: None})
    queue(empty_site, "ben")
    empty_site.drain()
    assert received() == ["ben"]
    assert len(dead_letters(empty_site)) == 1


def test_a_failing_ses_is_tried_again_and_then_by_the_15_minute_trigger(empty_site: Site) -> None:
    queue(empty_site, "ann", "ben")
    empty_site.cloud.intercept = Fault(
        error("TooManyRequestsException", 429), *range(99), operation=SES
    )
    empty_site.drain()
    assert received() == []
    assert len(dead_letters(empty_site)) == 1
    empty_site.cloud.intercept = None
    empty_site.advance(899)
    assert received() == []
    empty_site.advance(1)
    assert received() == ["ann", "ben"]


def test_an_answer_of_ses_that_is_lost_doubles_that_mail_once_and_no_other(
    empty_site: Site,
) -> None:
    queue(empty_site, "ann", "ben")
    empty_site.cloud.intercept = Fault(lost_answer, 0, operation=SES)
    empty_site.drain()
    empty_site.cloud.intercept = None
    assert received() == ["ann", "ben"]  # nobody knows that ann has hers
    empty_site.advance(900)
    assert received() == ["ann", "ann", "ben"]
    assert "sent_at" in row(empty_site, "ann")


def test_a_ses_that_never_answers_does_not_flood_anybody(empty_site: Site) -> None:
    queue(empty_site, "ann")
    empty_site.cloud.intercept = Fault(lost_answer, *range(999), operation=SES)
    empty_site.drain()
    for _ in range(20):
        empty_site.advance(900)
    assert received() == ["ann", "ann"]
    assert "dead_at" in row(empty_site, "ann")  # in sight, not lost


def test_a_ses_that_is_not_reached_stops_no_sweep(empty_site: Site) -> None:
    def unreachable(_: Any) -> Any:
        raise HTTPClientError(error="no route")

    queue(empty_site, "ann", "ben")
    empty_site.cloud.intercept = Fault(unreachable, *range(99), operation=SES)
    empty_site.drain()
    empty_site.cloud.intercept = Fault(unreachable, 0, operation=SES)
    empty_site.advance(900)
    assert len(received()) == 1
    empty_site.advance(900)
    assert received() == ["ann", "ben"]


def test_a_lease_whose_answer_was_lost_is_still_ours(empty_site: Site) -> None:
    queue(empty_site, "ann")
    empty_site.cloud.intercept = Fault(lost_answer, 0, operation="UpdateItem")
    empty_site.drain()
    empty_site.cloud.intercept = None
    assert received() == ["ann"]
    assert dead_letters(empty_site) == []


def test_a_mailer_that_dies_in_the_stream_loses_none_and_doubles_only_that_one(
    empty_site: Site,
) -> None:
    """Through the pump: the retries meet the lease of the dead, the 15-minute trigger sends."""
    queue(empty_site, "ann", "ben", "cid")
    empty_site.cloud.intercept = Fault(killed_after, 1, operation=SES)
    empty_site.drain()
    empty_site.cloud.intercept = None
    empty_site.advance(900)
    assert received() == ["ann", "ben", "ben", "cid"]
    assert all("sent_at" in row(empty_site, name) for name in ("ann", "ben", "cid"))


def test_a_slow_sweep_leases_each_mail_from_when_it_is_sent(empty_site: Site) -> None:
    queue(empty_site, "ann", "ben", "cid")
    leases: list[int] = []

    def slow(mail: Any) -> str:
        (name,) = (mail.to.partition("@")[0],)
        leases.append(int(row(empty_site, name)["lease_until"]) - empty_site.now())
        empty_site._ahead += 15
        return "id"

    empty_site.advance(899)
    empty_site._ahead += 1
    mailing = empty_site.module("foyer.operations.mailing")
    mailing.redrive(slow, empty_site.now, failed=lambda *_: None, time_is_left=lambda: True)
    assert leases == [40, 40, 40]


def test_the_15_minute_trigger_gives_up_after_a_day_and_says_so_meanwhile(
    empty_site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    queue(empty_site, "ann", kind="no-such-kind")
    empty_site.drain()
    for _ in range(4 * 24 - 1):
        empty_site.advance(900)
    assert "due" in row(empty_site, "ann")
    assert '"MailsUnsent":[1.0]' in capsys.readouterr().out
    empty_site.advance(900)
    dead = row(empty_site, "ann")
    assert int(dead["dead_at"]) == empty_site.now()
    assert "due" not in dead
    capsys.readouterr()
    empty_site.advance(900)
    assert "MailsUnsent" not in capsys.readouterr().out


def test_the_15_minute_trigger_stops_before_its_time_runs_out(empty_site: Site) -> None:
    queue(empty_site, "ann", "ben")
    empty_site.advance(899)
    mailer = empty_site.module("functions.mailer.app")

    class Hurried:
        def __init__(self) -> None:
            self.left = [40_000, 30_000]

        def get_remaining_time_in_millis(self) -> int:
            return self.left.pop(0)

    empty_site.module("foyer.clock").read = lambda: empty_site.now() + 1
    assert mailer.lambda_handler({"trigger": "redrive"}, Hurried()) == {
        "sent": 1,
        "failed": 0,
        "dead": 0,
        "more": True,
    }


def test_what_is_no_outbox_row_wakes_nobody(site: Site) -> None:
    site.module("local.seed")
    table, keys = site.module("foyer.storage.table"), site.module("foyer.storage.keys")
    key = keys.user("somebody")
    table.write(table.Put({"pk": key.pk, "sk": key.sk}))
    assert site.drain() == 0


# ---- the mail itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("en", "Studio Ana is open", "Visitors can look at its public galleries"),
        ("fr", "Studio Ana est ouvert", "Les visiteurs peuvent regarder ses galeries publiques"),
        ("es", "Studio Ana está abierto", "Los visitantes pueden mirar sus galerías públicas"),
    ],
)
def test_a_mail_is_text_and_html_in_the_readers_language(
    empty_site: Site, language: str, subject: str, words: str
) -> None:
    queue(empty_site, "ann", language=language)
    empty_site.drain()
    (letter,) = mailbox.letters()
    mail = message_from_string(letter.source, policy=policy.default)
    assert letter.subject == subject
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert words in letter.text
    assert words in letter.html
    assert f'<html lang="{language}"' in letter.html
    assert mail["From"] == "Studio Ana <studio@example.com>"
    assert mail["Content-Language"] == language
    assert mail["Auto-Submitted"] == "auto-generated"
    assert letter.links == ["http://localhost:8000/"]


@pytest.mark.parametrize(
    "to", ["a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "<a@example.com>",
           "a", "", "=?utf-8?q?a?= <a@example.com>"],
)  # fmt: skip
def test_r43_an_address_can_smuggle_in_no_header_and_no_reader(empty_site: Site, to: str) -> None:
    queue(empty_site, "ann", to=to)
    queue(empty_site, "ben")
    empty_site.drain()
    assert received() == ["ben"]


def test_a_mail_is_the_same_each_time_it_is_made(empty_site: Site) -> None:
    """So that a reader who gets it twice sees one thread, and a test can compare."""
    mailer = empty_site.module("functions.mailer.app")
    mail = empty_site.module("foyer.storage.outbox").Mail(
        "id", "welcome", "a@b.example", "en", {}, 0
    )
    one, other = (mailer.render(mail) for _ in range(2))
    assert one["Message-ID"] == other["Message-ID"] == "<id@example.com>"
    assert one["Date"] == other["Date"]
    assert one.get_body(("plain",)).get_content() == other.get_body(("plain",)).get_content()


def test_the_mailbox_shows_what_was_sent(empty_site: Site) -> None:
    queue(empty_site, "ann")
    empty_site.drain()
    (entry,) = mailbox.as_json()
    assert entry.keys() == {"id", "to", "subject", "text", "html", "links"}
    assert "Studio Ana is open" in mailbox.page()
