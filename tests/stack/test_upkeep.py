"""The last to run: the table after all the journeys, races and faults restored, a deploy over the
first, and what an operator does beside."""

import json
import re
from collections.abc import Callable

import pytest

from local import deployed, feedback, stack, verify
from tests.stack.wire import Cloud, eventually
from tests.visiting import PASSWORD, VOUCHER, Browser

pytestmark = pytest.mark.stack

DRILL = "foyer-drill"


def test_a_table_restored_to_a_point_in_time_is_whole(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The drill of README: restore beside, `make verify-table TABLE=foyer-drill`, remove."""
    cloud.settle()
    dynamodb, table = cloud.client("dynamodb"), cloud.ids["Table"]
    dynamodb.update_continuous_backups(  # as Production=yes has it
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=DRILL, UseLatestRestorableTime=True
    )
    monkeypatch.setenv("TABLE", DRILL)
    eventually(
        lambda: dynamodb.describe_table(TableName=DRILL)["Table"]["TableStatus"] == "ACTIVE",
        "the restored table",
    )
    broken = verify.main()
    said = capsys.readouterr().out
    assert broken == 0, said
    assert f"{len(cloud.rows()):,} rows" in said
    dynamodb.delete_table(TableName=DRILL)


def test_a_table_made_of_an_export_takes_the_place_of_the_one_there_was(
    cloud: Cloud,
    browser: Browser,
    visitor: Callable[[], Browser],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """RestoreBucket and RestorePrefix replace the table, and with it what functions, policies and
    the stream name. The emulator takes no rows from a bucket: they are put there instead."""
    browser.register("zita@example.com")
    browser.add(VOUCHER)
    cloud.settle()
    rows, before, live = cloud.rows(), cloud.ids["Table"], cloud.live()
    where = {"RestoreBucket": "exports", "RestorePrefix": "AWSDynamoDB/1-a/data/"}
    stack.deploy(cloud.environment, where)
    cloud.look()
    assert cloud.ids["Table"] != before
    assert not set(live.items()) & set(cloud.live().items()), "not all was published anew"
    assert browser.session()["authentication"] == "generic", "the emulator filled the table"
    cloud.plant(rows)
    assert browser.session()["authentication"] == "signed_in"
    assert browser.quantities() == {"voucher": 1}
    late = visitor()
    assert late.sign_up("yara@example.com").status_code == 202
    assert late.activate(late.token("yara@example.com"), password=PASSWORD).status_code == 200
    monkeypatch.setenv("TABLE", cloud.ids["Table"])
    assert verify.main() == 0, capsys.readouterr().out


# ---- what an operator does -----------------------------------------------------------------------


@pytest.fixture
def operate(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """`make COMMAND STACK=foyer`; what it says."""
    monkeypatch.setenv("STACK", stack.NAME)

    def run(command: str, **given: str) -> str:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        result, (out, err) = deployed.main([command]), capsys.readouterr()
        assert (result == 0) is (err == ""), err
        return str(out + err)

    return run


def test_a_release_is_gone_back_to_of_every_function_at_once(
    cloud: Cloud, operate: Callable[..., str]
) -> None:
    after = cloud.live()
    lines = [line.split() for line in operate("rollback").splitlines() if line]
    releases = {words[0]: words[-1] for words in lines if re.fullmatch("[0-9a-f]{10}", words[0])}
    ((now, _),) = [(name, said) for name, said in releases.items() if said == "live"]
    (before,) = releases.keys() - {now}
    assert f"{before} is live" in operate("rollback", RELEASE=before)
    assert not set(after.items()) & set(cloud.live().items())
    operate("rollback", RELEASE=now)
    assert cloud.live() == after
    assert "No releases begin with x" in operate("rollback", RELEASE="x")


def test_a_site_that_is_shut_runs_nothing_until_it_is_open_again(
    cloud: Cloud, browser: Browser, operate: Callable[..., str]
) -> None:
    """Lambda turns away whatever way a function is called, the emulator where no alias is named."""
    functions, store = cloud.client("lambda"), cloud.ids["SessionFunction"]
    assert "make reopen" in operate("shut")
    try:
        for name in cloud.live():
            set_ = functions.get_function_concurrency(FunctionName=cloud.ids[name])
            assert set_["ReservedConcurrentExecutions"] == 0, name
        with pytest.raises(functions.exceptions.TooManyRequestsException):
            functions.invoke(FunctionName=store, Payload=b"{}")
    finally:
        operate("reopen")
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(
        FunctionName=store
    )
    assert browser.get("/v1/store").status_code == 200


def test_what_ses_told_and_nobody_took_is_told_again(
    cloud: Cloud, operate: Callable[..., str]
) -> None:
    """As EventBridge leaves it in the queue, and as Lambda does."""
    sent = next(row for row in cloud.rows() if "delivery" in row and "address" in row)
    news = feedback.told({**sent, "address": {"S": "bounce@example.com"}})
    queue = cloud.client("sqs")
    for letter in (news, {"requestPayload": news}, {"requestPayload": {"trigger": "redrive"}}):
        queue.send_message(QueueUrl=cloud.ids["MailerDeadLetters"], MessageBody=json.dumps(letter))
    said = operate("replay")
    assert "news of mails, told again" in said
    assert "of what stands in the table, taken away" in said
    assert not cloud.queued_in("MailerDeadLetters")
    row = cloud.row(sent["pk"]["S"], sent["sk"]["S"])
    assert row is not None
    assert row["delivery"]["S"] == "bounced"
    assert operate("replay") == "No letters.\n"
