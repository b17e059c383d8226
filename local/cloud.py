"""AWS in this process: moto, made as strict as AWS where it is kinder, and metered.

What moto lacks and we must not lack when we test: it is not thread-safe (one lock), ignores
`ClientRequestToken`, lets a transaction exceed 4 MB, and under-reports what things cost. All of it
is mended at one seam, the call that leaves botocore. `intercept` lets tests stand in that seam: to
lose an answer, to fail a call, to decide whose turn it is. What is put on a bus is kept there, as
whoever listens gets it: moto keeps none.
"""

import copy
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.backends import get_backend
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from local.faster import make_faster
from local.template import ACCOUNT, REGION, Template

Send = Callable[[], AWSResponse]
Intercept = Callable[[str, Mapping[str, Any], Send], AWSResponse]

Published = Mapping[str, Any]  # an event as EventBridge hands it to a rule's target

TRANSACTION_LIMIT = 4 * 1024 * 1024
ENTRY_LIMIT = 256 * 1024
TOKEN_KEPT = 600
# Set where a cloud starts, not where this is imported: `make administrator STACK=…` imports it too,
# and goes by the credentials of whoever calls.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "eu-west-1",
    # moto's streams do not know the account-based endpoints of newer SDKs
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
}


@dataclass
class Cost:
    """What a stretch of work cost: round trips to DynamoDB and units by its arithmetic."""

    calls: int = 0
    reads: float = 0
    writes: float = 0
    index_writes: float = 0


_account: ContextVar[Cost | None] = ContextVar("account", default=None)


@contextmanager
def metered() -> Iterator[Cost]:
    """Counts what the work inside costs; work in other threads is not counted."""
    cost = Cost()
    token = _account.set(cost)
    try:
        yield cost
    finally:
        _account.reset(token)


class Cloud:
    """moto with the template's resources in it; one at a time in a process."""

    def __init__(self, template: Template, now: Callable[[], int]) -> None:
        self.template = template
        self.intercept: Intercept | None = None
        self.published: list[Published] = []
        self.listen: Callable[[Published], None] | None = None  # told of each, whatever is restored
        self.asked: Callable[[str, str], None] | None = None  # told what a policy is asked for
        self.table_name = "Table"
        self._now = now
        self._lock = threading.RLock()
        self._tokens: dict[str, tuple[int, str, int, bytes]] = {}
        self._mock = mock_aws()
        self._indexes: dict[str, tuple[str, str, bool]] = {}

    def start(self) -> None:
        os.environ |= ENVIRONMENT
        self._mock.start()
        make_faster()
        self._original = BotocoreStubber.__call__
        cloud, original = self, cast(Any, self._original)

        def seam(stubber: Any, event_name: str, request: Any, **kwargs: Any) -> Any:
            return cloud._through(lambda: original(stubber, event_name, request, **kwargs), request)

        BotocoreStubber.__call__ = seam  # type: ignore[method-assign, assignment]
        self._create()

    def stop(self) -> None:
        BotocoreStubber.__call__ = self._original  # type: ignore[method-assign]
        self._mock.stop()

    def client(self, service: str) -> Any:
        import boto3

        return cast(Any, boto3.client)(service)

    # ---- resources, from the template -----------------------------------------------------------

    def _makers(self) -> dict[str, Callable[[str, Mapping[str, Any]], None]]:
        return {
            "AWS::DynamoDB::Table": self._create_table,
            "AWS::SecretsManager::Secret": self._create_secret,
            "AWS::SQS::Queue": self._create_queue,
            "AWS::SES::ConfigurationSet": self._create_configuration_set,
            "AWS::Events::EventBus": self._create_bus,
        }

    def needs_restart(self, template: Template) -> bool:
        """Whether a changed template asks for other resources than those that were made."""

        def made(of: Template) -> dict[str, Any]:
            return {n: of.resources[n] for n, kind in of.types.items() if kind in self._makers()}

        return made(template) != made(self.template)

    def _create(self) -> None:
        for name, kind in self.template.types.items():
            if kind in self._makers():
                self._makers()[kind](name, self.template.resources[name])
        senders = {f.environment.get("SENDER") for f in self.template.functions.values()} - {None}
        for sender in senders:
            self.client("sesv2").create_email_identity(EmailIdentity=sender)

    def _create_table(self, name: str, properties: Mapping[str, Any]) -> None:
        known = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        stream = {**properties["StreamSpecification"], "StreamEnabled": True}
        self.client("dynamodb").create_table(
            TableName=name,
            StreamSpecification=stream,
            **{key: properties[key] for key in known},
        )
        self.client("dynamodb").update_time_to_live(
            TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
        )
        for index in properties["GlobalSecondaryIndexes"]:
            hash_key, range_key = (part["AttributeName"] for part in index["KeySchema"])
            everything = index["Projection"]["ProjectionType"] == "ALL"
            self._indexes[index["IndexName"]] = (hash_key, range_key, everything)
        self.table_name = name

    def _create_secret(self, name: str, properties: Mapping[str, Any]) -> None:
        key = properties["GenerateSecretString"]["GenerateStringKey"]
        self.client("secretsmanager").create_secret(
            Name=name, SecretString=json.dumps({key: os.urandom(32).hex()})
        )

    def _create_queue(self, name: str, _: Mapping[str, Any]) -> None:
        self.client("sqs").create_queue(QueueName=name)

    def _create_configuration_set(self, name: str, _: Mapping[str, Any]) -> None:
        self.client("sesv2").create_configuration_set(ConfigurationSetName=name)

    def _create_bus(self, name: str, _: Mapping[str, Any]) -> None:
        self.client("events").create_event_bus(Name=name)

    # ---- there and back -------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The table as it is, for `restore`."""
        with self._lock:
            return copy.deepcopy(dict(get_backend("dynamodb")[ACCOUNT][REGION].tables))

    def restore(self, snapshot: dict[str, Any]) -> None:
        """The table as it was, the mailbox, the bus and the queues empty, nobody at the seam."""
        with self._lock:
            self.intercept = None
            self.published.clear()
            self._tokens.clear()
            get_backend("dynamodb")[ACCOUNT][REGION].tables.clear()
            get_backend("dynamodb")[ACCOUNT][REGION].tables.update(copy.deepcopy(snapshot))
            get_backend("ses")[ACCOUNT][REGION].sent_messages.clear()
            for queue in get_backend("sqs")[ACCOUNT][REGION].queues.values():
                queue._messages.clear()  # moto allows a purge a minute, as AWS does

    # ---- the seam -------------------------------------------------------------------------------

    def _through(self, send: Send, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        service, _, operation = target.partition(".")
        if self.asked is not None:
            for action, resource in needed(request.url, target, request.body):
                self.asked(action, resource)
        if operation == "PutEvents":
            body = json.loads(request.body)
            return self._sent(operation, body, lambda: self._publish(body, send))
        if not service.startswith("DynamoDB_"):
            name = operation or f"{request.method} {request.url.split('amazonaws.com')[-1]}"
            return self._sent(name, {}, lambda: self._locked(send))
        body = json.loads(request.body)
        return self._sent(operation, body, lambda: self._dynamodb(operation, body, send))

    def _sent(self, operation: str, body: Mapping[str, Any], send: Send) -> Any:
        return send() if self.intercept is None else self.intercept(operation, body, send)

    def _locked(self, send: Send) -> AWSResponse:
        with self._lock:
            return send()

    def _publish(self, body: Mapping[str, Any], send: Send) -> AWSResponse:
        with self._lock:
            _check_entries(body["Entries"])
            response = send()
            if response.status_code != 200:
                return response
            told = json.loads(response.raw.getvalue())["Entries"]
            for entry, answer in zip(body["Entries"], told, strict=True):
                if "EventId" in answer:
                    self.published.append(_delivered(entry, answer["EventId"]))
                    if self.listen is not None:
                        self.listen(self.published[-1])
            return response

    def _dynamodb(self, operation: str, body: Mapping[str, Any], send: Send) -> AWSResponse:
        with self._lock:
            known = self._known_token(operation, body)
            if known is not None:
                return known
            _check_expressions(body)
            written = _written_keys(operation, body)
            cost = _account.get()
            before = {} if cost is None else {key: self.row(*key) for key in written}
            whole = operation == "TransactWriteItems"
            response = self._transact(written, send) if whole else send()
            self._stamp_stream()
            if cost is not None:
                self._meter(cost, operation, body, response, before)
            self._keep_token(operation, body, response)
            return response

    def _transact(self, written: Sequence[tuple[str, str]], send: Send) -> AWSResponse:
        """moto copies the whole table before a transaction, to be able to roll it back. We know
        which rows it may touch, and roll back ourselves."""
        table = self._table()
        before = {key: copy.deepcopy(self._item(*key)) for key in written}
        seen = len(table.stream_shard.items)
        table.__deepcopy__ = lambda _: table
        try:
            response = send()
        finally:
            del table.__deepcopy__
        if response.status_code != 200:
            for (pk, sk), item in before.items():
                rows = table.items[DynamoType({"S": pk})]
                if item is None:
                    rows.pop(DynamoType({"S": sk}), None)
                else:
                    rows[DynamoType({"S": sk})] = item
            del table.stream_shard.items[seen:]
        return response

    def _table(self) -> Any:
        return get_backend("dynamodb")[ACCOUNT][REGION].tables[self.table_name]

    def _stamp_stream(self) -> None:
        """moto stamps records of the stream by this machine's clock; their age goes by ours."""
        table = self._table()
        for record in reversed(table.stream_shard.items):
            if getattr(record, "stamped", False):
                break
            record.record["dynamodb"]["ApproximateCreationDateTime"] = self._now()
            record.stamped = True

    def shard(self) -> tuple[str, str]:
        """The id of the stream's one shard, and the stream's ARN."""
        table = self._table()
        return table.stream_shard.id, f"{table.table_arn}/stream/{table.latest_stream_label}"

    def stream(self, *, after: str | None, most: int = 1000) -> list[dict[str, Any]]:
        """What the table's stream holds behind this sequence number, without a call."""
        with self._lock:
            shard = self._table().stream_shard
            first = 0 if after is None else int(after) - shard.starting_sequence_number + 1
            return [record.record for record in shard.items[first : first + most]]

    def row(self, pk: str, sk: str) -> dict[str, Any] | None:
        """A row as it stands, in DynamoDB's notation, without a call."""
        item = self._item(pk, sk)
        return None if item is None else json.loads(json.dumps(item.to_json()))["Attributes"]

    def plant(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Puts rows in DynamoDB's notation into the table as if they had long been there: without a
        call, a check or a record in the stream. For tables with very many."""
        with self._lock:
            table = self._table()
            for row in rows:
                pk, sk = DynamoType(row["pk"]), DynamoType(row["sk"])
                table.items[pk][sk] = Item(pk, sk, dict(row))

    def _item(self, pk: str, sk: str) -> Any:
        return self._table().items.get(DynamoType({"S": pk}), {}).get(DynamoType({"S": sk}))

    def rows(self, sk: str | None = None) -> list[dict[str, Any]]:
        """Every row, or every one with this sort key, for tests that look at what is left."""
        with self._lock:
            items = self._table().all_items()
            wanted = [i for i in items if sk is None or i.attrs["sk"].value == sk]
            return [json.loads(json.dumps(i.to_json()))["Attributes"] for i in wanted]

    def _known_token(self, operation: str, body: Mapping[str, Any]) -> AWSResponse | None:
        token = body.get("ClientRequestToken")
        if operation != "TransactWriteItems" or token not in self._tokens:
            return None
        at, asked, status, content = self._tokens[token]
        if self._now() - at >= TOKEN_KEPT:
            return None
        if asked != json.dumps(body["TransactItems"], sort_keys=True):
            status, content = 400, error_body("IdempotentParameterMismatchException")
        return response(status, content)

    def _keep_token(self, operation: str, body: Mapping[str, Any], response: AWSResponse) -> None:
        if operation != "TransactWriteItems" or response.status_code != 200:
            return
        content = response.raw.getvalue()
        asked = json.dumps(body["TransactItems"], sort_keys=True)
        if len(asked.encode()) > TRANSACTION_LIMIT:
            raise AssertionError("a transaction of more than 4 MB: AWS would refuse it")
        self._tokens[body["ClientRequestToken"]] = (self._now(), asked, 200, content)

    # ---- the meter ------------------------------------------------------------------------------

    def _meter(
        self,
        cost: Cost,
        operation: str,
        body: Mapping[str, Any],
        response: AWSResponse,
        before: Mapping[tuple[str, str], dict[str, Any] | None],
    ) -> None:
        cost.calls += 1
        if operation in {"BatchGetItem", "Query"} and response.status_code == 200:
            cost.reads += _read_units(operation, body, json.loads(response.raw.getvalue()))
        factor = 2 if operation == "TransactWriteItems" else 1
        for key, old in before.items():
            new = self.row(*key)
            biggest = max(size(old), size(new), 1)
            cost.writes += factor * math.ceil(biggest / 1024)
            cost.index_writes += self._index_units(old, new)

    def _index_units(self, old: dict[str, Any] | None, new: dict[str, Any] | None) -> int:
        units = 0
        for hash_key, range_key, everything in self._indexes.values():

            def projected(
                row: dict[str, Any] | None,
                /,
                h: str = hash_key,
                r: str = range_key,
                whole: bool = everything,
            ) -> dict[str, Any] | None:
                if row is None or h not in row or r not in row:
                    return None
                return row if whole else {name: row[name] for name in ("pk", "sk", h, r)}

            was, is_ = projected(old), projected(new)
            if was == is_:
                continue
            moved = (
                was is not None
                and is_ is not None
                and any(was[name] != is_[name] for name in (hash_key, range_key))
            )
            units += math.ceil(max(size(was), size(is_), 1) / 1024) * (2 if moved else 1)
        return units


def _check_expressions(body: Mapping[str, Any]) -> None:
    """DynamoDB takes expressions of 4 KB; moto takes any."""
    actions = [next(iter(a.values())) for a in body.get("TransactItems", [])] or [body]
    for action in actions:
        for name in ("UpdateExpression", "ConditionExpression", "KeyConditionExpression"):
            if len(action.get(name, "").encode()) > 4096:
                raise AssertionError(f"{name} of more than 4 KB: AWS would refuse it")


def needed(url: str, target: str, raw: bytes | str) -> Iterator[tuple[str, str]]:
    """The permissions a call needs: actions, and on what of the template."""
    service, _, operation = target.partition(".")
    if url.endswith("/v2/email/outbound-emails"):
        yield from (("ses:SendEmail", "sender"), ("ses:SendRawEmail", "sender"))
    elif not target:
        return
    elif operation == "PutEvents":
        for entry in json.loads(raw)["Entries"]:
            yield "events:PutEvents", entry["EventBusName"]
    elif service == "secretsmanager":
        yield f"secretsmanager:{operation}", json.loads(raw)["SecretId"]
    elif operation == "BatchGetItem":
        yield from (("dynamodb:BatchGetItem", table) for table in json.loads(raw)["RequestItems"])
    elif operation == "TransactWriteItems":
        for ((what, item),) in (one.items() for one in json.loads(raw)["TransactItems"]):
            action = "ConditionCheckItem" if what == "ConditionCheck" else f"{what}Item"
            yield f"dynamodb:{action}", item["TableName"]
    elif service.startswith("DynamoDB_"):
        body = json.loads(raw)
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        yield f"dynamodb:{operation}", body["TableName"] + index


def _check_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    for entry in entries:
        texts = (entry[name] for name in ("Source", "DetailType", "Detail"))
        if 14 + sum(len(text.encode()) for text in texts) > ENTRY_LIMIT:
            raise AssertionError("an event of more than 256 KB: AWS would refuse it")


def _delivered(entry: Mapping[str, Any], event_id: str) -> Published:
    at = datetime.fromtimestamp(entry["Time"], UTC)
    return {
        "version": "0",
        "id": event_id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": entry.get("Resources", []),
        "detail": json.loads(entry["Detail"]),
    }


def _read_units(operation: str, body: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    if operation == "Query":
        share = 1.0 if body.get("ConsistentRead") else 0.5
        return share * max(1, math.ceil(sum(size(item) for item in answer["Items"]) / 4096))
    units = 0.0
    for table, asked in body["RequestItems"].items():
        share = 1.0 if asked.get("ConsistentRead") else 0.5
        found = answer["Responses"].get(table, [])
        units += share * sum(max(1, math.ceil(size(item) / 4096)) for item in found)
        units += share * (len(asked["Keys"]) - len(found))  # what is not there costs one, too
    return units


def _written_keys(operation: str, body: Mapping[str, Any]) -> list[tuple[str, str]]:
    if operation == "TransactWriteItems":
        writes = [next(iter(action.values())) for action in body["TransactItems"]]
    elif operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        writes = [body]
    else:
        return []
    rows = [write.get("Key") or write["Item"] for write in writes]
    return [(row["pk"]["S"], row["sk"]["S"]) for row in rows]


def size(item: Mapping[str, Any] | None) -> int:
    """Bytes of an item by DynamoDB's rules; `item` in its own notation."""
    if item is None:
        return 0
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    kind, inner = next(iter(value.items()))
    if kind == "S":
        return len(inner.encode())
    if kind == "N":
        digits = inner.lstrip("-").replace(".", "").strip("0")
        return math.ceil(len(digits) / 2) + 1 + int(inner.startswith("-"))
    if kind == "M":
        return 3 + size(inner) + len(inner)
    if kind == "L":
        return 3 + sum(1 + _value_size(element) for element in inner)
    return 1


def error_body(code: str) -> bytes:
    return json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()


def response(status: int, content: bytes) -> AWSResponse:
    """An answer of DynamoDB's."""
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/x-amz-json-1.0"
    return AWSResponse("https://dynamodb", status, headers, MockRawResponse(content))
