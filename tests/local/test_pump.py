"""The local pump does with a batch what Lambda's event source mapping would."""

import json
from typing import Any

import pytest

from local.pump import Pump, matches
from local.site import Site
from local.template import StreamTrigger

BASE: dict[str, Any] = {
    "StartingPosition": "LATEST",
    "BatchSize": 4,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "BisectBatchOnFunctionError": True,
    "MaximumRetryAttempts": 2,
    "MaximumRecordAgeInSeconds": 3600,
    "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": "MailerDeadLetters.Arn"}},
}


class Function:
    """Remembers what it was given; fails as told."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.breaks_at: set[str] = set()  # raises if one of these is in the batch
        self.reports: set[str] = set()  # reports these as failed

    def __call__(self, _: str, event: Any) -> Any:
        names = {r["dynamodb"]["SequenceNumber"]: r["dynamodb"]["Keys"]["pk"]["S"]
                 for r in event["Records"]}  # fmt: skip
        self.batches.append(list(names.values()))
        if self.breaks_at & set(names.values()):
            raise RuntimeError("told to")
        return {
            "batchItemFailures": [
                {"itemIdentifier": number} for number, name in names.items() if name in self.reports
            ]
        }


@pytest.fixture
def function() -> Function:
    return Function()


def run(site: Site, function: Function, names: str, later: int = 0, **changes: Any) -> None:
    """Puts a row for each letter, then drains by a pump with the properties changed so."""
    pump = Pump(
        site.cloud,
        StreamTrigger("Function", {**BASE, **changes}),
        function,
        lambda: site.now() + later,
    )
    table = site.module("foyer.storage.table")
    for name in names:
        table.write(table.Put({"pk": name, "sk": "x"}))
    pump.drain()


def dead(site: Site) -> list[Any]:
    sqs = site.cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="MailerDeadLetters")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_records_come_in_order_in_batches(site: Site, function: Function) -> None:
    run(site, function, "abcdef")
    assert function.batches == [list("abcd"), list("ef")]


def test_a_reported_failure_is_tried_again_with_all_behind_it(
    site: Site, function: Function
) -> None:
    function.reports = {"c"}
    run(site, function, "abcd")
    assert function.batches == [list("abcd"), list("cd"), list("cd")]
    (letter,) = dead(site)
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 2
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"


def test_a_batch_that_breaks_is_split_and_splitting_costs_no_retry(
    site: Site, function: Function
) -> None:
    function.breaks_at = {"c"}
    run(site, function, "abcd")
    assert function.batches == [list("abcd"), ["a", "b"], ["c", "d"], ["c"], ["c"], ["c"], ["d"]]
    assert [letter["DDBStreamBatchInfo"]["batchSize"] for letter in dead(site)] == [1]


def test_without_bisecting_the_whole_batch_is_tried_again(site: Site, function: Function) -> None:
    function.breaks_at = {"a"}
    run(site, function, "ab", BisectBatchOnFunctionError=False)
    assert function.batches == [["a", "b"]] * 3
    assert [letter["DDBStreamBatchInfo"]["batchSize"] for letter in dead(site)] == [2]


def test_without_reporting_an_answer_is_a_success(site: Site, function: Function) -> None:
    function.reports = {"a"}
    run(site, function, "ab", FunctionResponseTypes=[])
    assert function.batches == [["a", "b"]]


def test_a_report_of_a_number_that_is_not_in_the_batch_fails_the_batch(site: Site) -> None:
    given: list[int] = []

    def confused(_: str, event: Any) -> Any:
        given.append(len(event["Records"]))
        return {"batchItemFailures": [{"itemIdentifier": "nothing"}]}

    run(site, confused, "a")  # type: ignore[arg-type]
    assert given == [1, 1, 1]
    assert len(dead(site)) == 1


def test_records_that_are_too_old_go_to_the_dead_letters_unseen(
    site: Site, function: Function
) -> None:
    run(site, function, "ab", later=3700)
    assert function.batches == []
    (letter,) = dead(site)
    assert letter["requestContext"]["condition"] == "RecordAgeExceeded"


def test_only_what_the_filter_names_is_delivered(site: Site, function: Function) -> None:
    pattern = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "b"}]}}}}
    run(site, function, "abc", FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    assert function.batches == [["b"]]


def test_a_filter_the_pump_does_not_know_is_said_so() -> None:
    assert matches({"a": [{"exists": False}]}, {})
    assert matches({"a": [{"anything-but": ["x"]}]}, {"a": "y"})
    with pytest.raises(ValueError, match="does not know"):
        matches({"a": [{"numeric": [">", 1]}]}, {"a": 2})
