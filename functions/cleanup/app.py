"""What time alone brings to an end: every 15 minutes, those whose time is over and whatever was cut
short before."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from foyer import clock
from foyer.operations import housekeeping

LONGEST_BIT = 15_000  # milliseconds: a transaction at its worst, and the answer

logger = Logger(service="foyer")
metrics = Metrics(namespace="Foyer")


def lambda_handler(_: Mapping[str, Any], context: Any) -> dict[str, Any]:
    def time_is_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > LONGEST_BIT)

    swept = housekeeping.sweep(clock.now(), time_is_left=time_is_left, failed=_failed)
    report = vars(swept)
    logger.info("swept", extra=report)
    metrics.add_metric("GuestsRemoved", MetricUnit.Count, swept.guests)
    metrics.add_metric("AccountsNobodyTook", MetricUnit.Count, swept.accounts)
    metrics.add_metric("ClaimsExpired", MetricUnit.Count, swept.claims)
    metrics.add_metric("SweepFailed", MetricUnit.Count, swept.failed)
    metrics.add_metric("SweepLeftOver", MetricUnit.Count, swept.left)
    metrics.flush_metrics()
    return report


def _failed(what: str, error: Exception) -> None:
    # the kind of error alone: its words may hold what a row says
    logger.error("not swept", extra={"what": what, "cause": type(error).__name__})
