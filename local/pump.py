"""The table's stream, brought to its function as Lambda's event source mapping would: filter,
batches, partial failures, bisecting, retries, age, and a dead-letter queue at the end.

Deterministic: `drain()` delivers all there is and returns. Retries follow at once; Lambda waits a
little longer each time.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.cloud import Cloud
from local.template import StreamTrigger

Invoke = Callable[[str, Mapping[str, Any]], Any]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class _Batch:
    records: list[Record]
    attempts: int = 0  # so many have failed before


class Pump:
    def __init__(
        self, cloud: Cloud, trigger: StreamTrigger, invoke: Invoke, now: Callable[[], int]
    ) -> None:
        self._cloud = cloud
        self._trigger = trigger
        self._invoke = invoke
        self._now = now
        self._patterns = [
            json.loads(entry["Pattern"])
            for entry in trigger.properties.get("FilterCriteria", {}).get("Filters", [])
        ]
        self.place: str | None = None  # the last record that was read
        if trigger.properties["StartingPosition"] == "LATEST":
            while self._next_records():
                pass

    def drain(self) -> int:
        """Delivers what the stream holds, also what the deliveries themselves write. Answers how
        many records went to the function or to the dead letters."""
        delivered = 0
        while records := self._next_records():
            wanted = [record for record in records if self._is_wanted(record)]
            size = int(self._trigger.properties.get("BatchSize", 100))
            for start in range(0, len(wanted), size):
                batch = wanted[start : start + size]
                self._deliver(_Batch(batch))
                delivered += len(batch)
        return delivered

    def _next_records(self) -> list[Record]:
        records = self._cloud.stream(after=self.place)
        if records:
            self.place = records[-1]["dynamodb"]["SequenceNumber"]
        return [_as_lambda_sees(record) for record in records]

    def _is_wanted(self, record: Record) -> bool:
        return not self._patterns or any(matches(p, record) for p in self._patterns)

    def _deliver(self, batch: _Batch) -> None:
        queue = [batch]
        while queue:
            current = self._young_enough(queue.pop(0))
            if not current.records:
                continue
            queue[0:0] = self._try(current)

    def _young_enough(self, batch: _Batch) -> _Batch:
        """Without the records that are too old; those go to the dead letters."""
        most = int(self._trigger.properties.get("MaximumRecordAgeInSeconds", -1))
        if most < 0:
            return batch
        age = {
            id(r): self._now() - r["dynamodb"]["ApproximateCreationDateTime"] for r in batch.records
        }
        old = [r for r in batch.records if age[id(r)] > most]
        if not old:
            return batch
        self._give_up(_Batch(old, batch.attempts), "RecordAgeExceeded")
        return _Batch([r for r in batch.records if age[id(r)] <= most], batch.attempts)

    def _try(self, batch: _Batch) -> list[_Batch]:
        """One invocation: what is left of the batch to try again, in order."""
        try:
            answer = self._invoke(self._trigger.function, {"Records": batch.records})
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # also a process that died
            return self._after_error(batch)
        if "ReportBatchItemFailures" not in self._trigger.properties.get(
            "FunctionResponseTypes", []
        ):
            return []
        failed = {f["itemIdentifier"] for f in (answer or {}).get("batchItemFailures", [])}
        if not failed:
            return []
        # The lowest failed record is the checkpoint: it and all behind it are delivered again.
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch.records]
        if not failed <= set(numbers):
            return self._after_error(batch)
        first = min(numbers.index(number) for number in failed)
        rest = _Batch(batch.records[first:], batch.attempts + 1)
        return self._unless_exhausted(rest)

    def _after_error(self, batch: _Batch) -> list[_Batch]:
        again = _Batch(batch.records, batch.attempts + 1)
        if not self._trigger.properties.get("BisectBatchOnFunctionError") or len(again.records) < 2:
            return self._unless_exhausted(again)
        # Splitting a batch costs no retry.
        half = len(again.records) // 2
        return [
            _Batch(again.records[:half], batch.attempts),
            _Batch(again.records[half:], batch.attempts),
        ]

    def _unless_exhausted(self, batch: _Batch) -> list[_Batch]:
        most = int(self._trigger.properties.get("MaximumRetryAttempts", -1))
        if most < 0 or batch.attempts <= most:
            return [batch]
        self._give_up(batch, "RetryAttemptsExhausted")
        return []

    def _give_up(self, batch: _Batch, condition: str) -> None:
        """The dead-letter queue gets the numbers, not the records, as Lambda sends them."""
        shard_id, arn = self._cloud.shard()
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch.records]
        message = {
            "requestContext": {
                "functionArn": self._trigger.function,
                "condition": condition,
                "approximateInvokeCount": batch.attempts,
            },
            "DDBStreamBatchInfo": {
                "shardId": shard_id,
                "startSequenceNumber": numbers[0],
                "endSequenceNumber": numbers[-1],
                "batchSize": len(numbers),
                "streamArn": arn,
            },
        }
        destination = self._trigger.properties.get("DestinationConfig", {}).get("OnFailure")
        if destination is None:
            return
        sqs = self._cloud.client("sqs")
        queue = str(destination["Destination"]).removesuffix(".Arn")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))


def _as_lambda_sees(record: Mapping[str, Any]) -> Record:
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.1",
        "awsRegion": record["awsRegion"],
        "dynamodb": dict(record["dynamodb"]),
    }


def matches(pattern: Any, value: Any) -> bool:
    """EventBridge's pattern language, as far as event source mappings use it here: nested names,
    lists of values, `prefix`, `exists`, `anything-but`."""
    if isinstance(pattern, dict):
        have = value if isinstance(value, Mapping) else {}
        return all(matches(inner, have.get(name)) for name, inner in pattern.items())
    values = value if isinstance(value, list) else [value]  # of a list one is enough
    return any(_matches_one(entry, one) for entry in pattern for one in values)


def _matches_one(entry: Any, value: Any) -> bool:
    if not isinstance(entry, dict):
        return bool(entry == value)
    kind, wanted = next(iter(entry.items()))
    if kind == "prefix":
        return isinstance(value, str) and value.startswith(str(wanted))
    if kind == "exists":
        return bool((value is not None) == wanted)
    if kind == "anything-but":
        return value is not None and value not in wanted
    raise ValueError(f"the local pump does not know the filter {kind!r}")
