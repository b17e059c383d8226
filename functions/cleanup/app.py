"""What time alone brings to an end: every 15 minutes, whatever was cut short before."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from foyer import clock
from foyer.operations import closing

LONGEST_BIT = 15_000  # milliseconds: a transaction at its worst, and the answer
AT_ONCE = 25

logger = Logger(service="foyer")


def lambda_handler(_: Mapping[str, Any], context: Any) -> dict[str, Any]:
    def time_is_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > LONGEST_BIT)

    erased, more = closing.go_on(clock.now(), limit=AT_ONCE, time_is_left=time_is_left)
    report = {"accounts_erased": erased, "more": more}
    logger.info("swept", extra=report)
    return report
