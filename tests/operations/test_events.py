"""The bus: every event is published, at least once, by the same road as mails (R56, R57, I5)."""

import json
from contextlib import suppress
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from local.cloud import Send, response
from local.gateway import Gateway
from local.site import Site
from tests.inviting import WEDDING, accept, invited, photographer
from tests.operations.test_mailing import SES, dead_letters, queue, received
from tests.ordering import place
from tests.seam import (
    TRANSIENT,
    Fault,
    calls_of,
    error,
    killed_after,
    killed_before,
    lost_answer,
    lost_request,
)
from tests.visiting import VOUCHER, Browser, settled

PUT = "PutEvents"
KIND = "invitation.accepted"


def happen(site: Site, *names: str, **changes: Any) -> None:
    """Writes an event of each name into the outbox, as an operation would."""
    outbox, table = site.module("foyer.storage.outbox"), site.module("foyer.storage.table")
    for name in names:
        facts = {"gallery_id": WEDDING, "user_id": name}
        row = outbox.new_event(outbox.Event(f"event-{name}", KIND, facts, site.now()))
        table.write(table.Put({**row.item, **changes}, row.condition))


def told(site: Site) -> list[str]:
    """Of whom the bus was told, in order."""
    return [event["detail"]["user_id"] for event in site.cloud.published]


def row(site: Site, name: str) -> dict[str, Any]:
    found = site.cloud.row(f"OUTBOX#event-{name}", "EVENT")
    assert found is not None
    return {key: next(iter(value.values())) for key, value in found.items()}


def is_sent(site: Site, name: str) -> bool:
    left = row(site, name)
    return "sent_at" in left and not {"due", "due_at", "facts", "lease_until"} & left.keys()


def stream_event(*names: str) -> dict[str, Any]:
    """The batch Lambda would hand over for these events."""
    return {
        "Records": [
            {
                "eventID": str(number),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "awsRegion": "eu-west-1",
                "dynamodb": {
                    "Keys": {"pk": {"S": f"OUTBOX#event-{name}"}, "sk": {"S": "EVENT"}},
                    "SequenceNumber": str(number),
                },
            }
            for number, name in enumerate(names, 1)
        ]
    }


def not_taken(_: Send) -> AWSResponse:
    """The call goes well, the entry in it does not."""
    entry = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
    return response(200, json.dumps({"FailedEntryCount": 1, "Entries": [entry]}).encode())


def test_an_event_is_published_once_and_its_facts_go_from_the_table(empty_site: Site) -> None:
    happen(empty_site, "ann")
    asked: list[Any] = []

    def listening(operation: str, body: Any, send: Send) -> AWSResponse:
        asked.append(body) if operation == PUT else None
        return send()

    empty_site.cloud.intercept = listening
    assert empty_site.drain() == 1
    (body,) = asked
    assert body["Entries"][0]["EventBusName"] == "EventBus"
    (event,) = empty_site.cloud.published
    assert event["source"] == "foyer"
    assert event["detail-type"] == KIND
    assert event["time"] == "2026-11-22T08:00:00Z"
    assert event["detail"] == {
        "id": "event-ann",
        "type": KIND,
        "at": "2026-11-22T08:00:00Z",
        "gallery_id": WEDDING,
        "user_id": "ann",
    }
    sent = row(empty_site, "ann")
    assert sent["message_id"] == event["id"]
    assert int(sent["sent_at"]) == empty_site.now()
    assert not {"due", "due_at", "facts", "lease_until", "lease_by"} & sent.keys()
    assert int(sent["expires"]) == empty_site.now() + 30 * 86_400
    assert received() == []


def test_the_same_record_of_the_stream_again_publishes_once(empty_site: Site) -> None:
    happen(empty_site, "ann", "ben")
    for names in (("ann", "ann", "ben"), ("ben", "ann")):
        answer = empty_site.invoke("MailerFunction", stream_event(*names))
        assert answer == {"batchItemFailures": []}
    assert told(empty_site) == ["ann", "ben"]


@pytest.mark.parametrize("death", [killed_before, killed_after])
def test_f8_a_mailer_that_dies_at_any_call_loses_no_event_and_doubles_at_most_that_one(
    empty_site: Site, death: Any
) -> None:
    """The 15-minute trigger takes up what it left."""
    happen(empty_site, "ann", "ben")
    back = empty_site.remember()
    calls = calls_of(empty_site.cloud, empty_site.drain)
    assert calls == 6  # of each: taken, published, marked
    for at in range(calls):
        back()
        empty_site.cloud.intercept = Fault(death, at)
        with suppress(BaseException):
            empty_site.invoke("MailerFunction", stream_event("ann", "ben"))
        empty_site.cloud.intercept = None
        empty_site.advance(900)
        names = told(empty_site)
        assert set(names) == {"ann", "ben"}, at
        assert len(names) <= 3, at
        ids = {event["detail"]["id"] for event in empty_site.cloud.published}
        assert ids == {"event-ann", "event-ben"}  # by which whoever listens knows the second
        assert is_sent(empty_site, "ann")
        assert is_sent(empty_site, "ben")


@pytest.mark.parametrize("death", [killed_before, killed_after])
def test_f8_the_event_of_an_order_is_the_same_each_time_it_is_published(
    site: Site, browser: Browser, death: Any
) -> None:
    """What it says of the order is read as it leaves."""
    browser.add(VOUCHER)
    place(browser, "nina@example.com")
    back = site.remember()
    calls = calls_of(site.cloud, site.drain)
    for at in range(calls):
        back()
        site.cloud.intercept = Fault(death, at)
        site.drain()
        site.cloud.intercept = None
        site.advance(900)
        published = [json.dumps(event["detail"]) for event in site.cloud.published]
        assert 1 <= len(published) <= 2, at
        assert len(set(published)) == 1


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (error("ThrottlingException"), 1),
        (error("InternalException", 500), 1),
        (error("AccessDeniedException"), 1),
        (lost_request, 1),
        (lost_answer, 2),
        (not_taken, 1),
    ],
    ids=["throttled", "failed", "refused", "request lost", "answer lost", "entry not taken"],
)
def test_what_the_bus_did_not_take_is_published_again(
    empty_site: Site, fault: Any, times: int
) -> None:
    happen(empty_site, "ann", "ben")
    empty_site.cloud.intercept = Fault(fault, 0, operation=PUT)
    empty_site.drain()
    assert sorted(told(empty_site)) == ["ann"] * times + ["ben"]
    assert is_sent(empty_site, "ann")
    assert is_sent(empty_site, "ben")
    assert dead_letters(empty_site) == []


@pytest.mark.parametrize("fault", [error("InternalException", 500), not_taken, lost_request])
def test_a_bus_that_takes_nothing_for_a_while_gets_all_by_the_15_minute_trigger(
    empty_site: Site, fault: Any
) -> None:
    happen(empty_site, "ann", "ben")
    empty_site.cloud.intercept = Fault(fault, *range(999), operation=PUT)
    empty_site.drain()
    for _ in range(3):
        empty_site.advance(900)
    assert told(empty_site) == []
    assert len(dead_letters(empty_site)) == 1
    empty_site.cloud.intercept = None
    empty_site.advance(899)
    assert told(empty_site) == []
    empty_site.advance(1)
    assert sorted(told(empty_site)) == ["ann", "ben"]


def test_a_bus_whose_answers_are_lost_for_hours_costs_no_event(empty_site: Site) -> None:
    """A mail would be given up, lest it flood somebody; who listens here knows what he has."""
    happen(empty_site, "ann")
    empty_site.cloud.intercept = Fault(lost_answer, *range(999), operation=PUT)
    empty_site.drain()
    for _ in range(8):
        empty_site.advance(900)
    assert "due" in row(empty_site, "ann")
    assert {event["detail"]["id"] for event in empty_site.cloud.published} == {"event-ann"}
    empty_site.cloud.intercept = None
    empty_site.advance(900)
    assert is_sent(empty_site, "ann")


def test_an_event_nobody_takes_for_a_day_is_given_up_in_sight_of_the_alarm(
    empty_site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(empty_site, "ann")
    empty_site.cloud.intercept = Fault(error("AccessDeniedException"), *range(9999), operation=PUT)
    empty_site.drain()
    for _ in range(4 * 24 - 1):
        empty_site.advance(900)
    assert "due" in row(empty_site, "ann")
    assert '"MailsUnsent":[1.0]' in capsys.readouterr().out
    empty_site.advance(900)
    dead = row(empty_site, "ann")
    assert int(dead["dead_at"]) == empty_site.now()
    assert "due" not in dead
    assert "facts" in dead  # for whoever publishes it by hand
    capsys.readouterr()
    empty_site.advance(900)
    assert "MailsUnsent" not in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["kind", "facts", "queued_at"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_poisoned_event_keeps_back_neither_mails_nor_events(
    empty_site: Site, place: int, broken: str
) -> None:
    for number, name in enumerate(["ann", "ben", "cid", "dot"]):
        if number == place:
            happen(empty_site, "poison", **{broken: None})
        queue(empty_site, name)
        happen(empty_site, name)
    empty_site.drain()
    assert received() == ["ann", "ben", "cid", "dot"]
    assert sorted(told(empty_site)) == ["ann", "ben", "cid", "dot"]
    (letter,) = dead_letters(empty_site)
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert row(empty_site, "poison")["due"].startswith("OUTBOX#")  # not lost: still to be sent


def test_a_mail_service_that_fails_keeps_back_no_event_and_a_bus_that_fails_no_mail(
    empty_site: Site,
) -> None:
    for name, failing in (("ann", SES), ("ben", PUT)):
        queue(empty_site, name)
        happen(empty_site, name)
        fault = Fault(error("ServiceUnavailable", 503), *range(999), operation=failing)
        empty_site.cloud.intercept = fault
        empty_site.drain()
        went = {SES: received(), PUT: told(empty_site)}
        assert name not in went.pop(failing)
        assert all(name in names for names in went.values())
        empty_site.cloud.intercept = None
        empty_site.advance(900)
    assert received() == told(empty_site) == ["ann", "ben"]


def test_an_event_somebody_else_is_publishing_is_left_to_him(empty_site: Site) -> None:
    happen(empty_site, "ann")
    empty_site.module("foyer.storage.outbox").take(
        empty_site.module("foyer.storage.keys").event("event-ann"), "another", empty_site.now()
    )
    answer = empty_site.invoke("MailerFunction", stream_event("ann"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert told(empty_site) == []
    empty_site.advance(40)
    empty_site.invoke("MailerFunction", stream_event("ann"))
    assert told(empty_site) == ["ann"]


def test_what_kept_an_event_from_the_bus_is_logged_by_its_kind_alone(
    empty_site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    happen(empty_site, "ann")
    empty_site.cloud.intercept = Fault(not_taken, 0, operation=PUT)
    empty_site.drain()
    (said,) = [one for one in caplog.records if one.getMessage() == "not sent"]
    assert said.__dict__["cause"] == "ThrottlingException"
    assert said.__dict__["row"] == "EVENT"


def test_the_bus_is_empty_once_the_site_is_as_it_was(empty_site: Site) -> None:
    back = settled(empty_site)
    happen(empty_site, "ann")
    empty_site.drain()
    assert told(empty_site) == ["ann"]
    back()
    assert told(empty_site) == []


@pytest.mark.parametrize("name", [*TRANSIENT, "killed before", "killed after"])
def test_whatever_fails_while_somebody_joins_the_bus_is_told_once_of_what_is_committed(
    site: Site, gateway: Gateway, name: str
) -> None:
    """Both events are of the transaction they tell of, whichever call of it fails."""
    deaths = {"killed before": killed_before, "killed after": killed_after}
    guest = Browser(gateway)
    guest.add(VOUCHER)
    invited(photographer(site).browser, "nina@example.com")
    token, id_ = guest.token("nina@example.com"), guest.who()
    back = settled(site)
    calls = calls_of(site.cloud, lambda: accept(guest, token))
    for at in range(calls):
        back()
        site.cloud.intercept = Fault(({**TRANSIENT, **deaths})[name], at)
        with suppress(BaseException):
            accept(guest, token)
        site.cloud.intercept = None
        assert accept(guest, token).status_code == 200
        joined = {"gallery_id": WEDDING, "user_id": id_}
        told_ = {one["type"]: one for one in guest.events()}
        assert len(guest.events()) == 2, (name, at)
        assert told_["invitation.accepted"].items() >= joined.items()
        assert told_["guest.promoted"]["user_id"] == id_
