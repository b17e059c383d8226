"""What time alone brings to an end: every 15 minutes, those whose time is over and whatever was cut
short before."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from foyer import clock
from foyer.operations import housekeeping
from foyer.storage.keys import Key

LONGEST_BIT = 15_000  # milliseconds: a transaction at its worst, and the answer

logger = Logger(service="foyer")


def lambda_handler(_: Mapping[str, Any], context: Any) -> dict[str, Any]:
    def time_is_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > LONGEST_BIT)

    swept = housekeeping.sweep(clock.now(), time_is_left=time_is_left, failed=_failed)
    report = vars(swept)
    logger.info("swept", extra=report)
    for name, value in (
        ("GuestsRemoved", swept.guests),
        ("AccountsNobodyTook", swept.accounts),
        ("ClaimsExpired", swept.claims),
        ("SweepFailed", swept.failed),
        ("SweepLeftOver", swept.left),
    ):
        with single_metric(name, MetricUnit.Count, value, namespace="Foyer"):
            pass
    return report


def _failed(key: Key, error: Exception) -> None:
    # the kind of error alone: its words may hold what a row says
    logger.error("not swept", extra={"row": key.pk, "cause": type(error).__name__})
