"""The last to run: the table after all the journeys, races and faults, restored twice."""

from collections.abc import Callable

import pytest

from local import stack, verify
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
