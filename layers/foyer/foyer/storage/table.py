"""The one table: reading by key, querying an index, writing under conditions.

The only module that knows DynamoDB's API. The SDK is imported on first use, so that a function
that answers the generic user never loads it.
"""

import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from foyer.storage.keys import Key

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]

BATCH = 100  # keys in one BatchGetItem
CONFLICT_ATTEMPTS = 4


class Unavailable(Exception):
    """AWS did not do it, for now. Whether a write happened is not known."""


class Contended(Unavailable):
    """Others write the same rows, or an earlier attempt of ours still does."""


class ConditionFailed(Exception):
    """Nothing was written. `items` holds, per change, the row that stood against it, or None."""

    def __init__(self, items: Sequence[Item | None]) -> None:
        super().__init__("condition failed")
        self.items = items


@dataclass(frozen=True)
class Put:
    item: Item
    condition: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Update:
    key: Key
    expression: str
    condition: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delete:
    key: Key
    condition: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """Nothing changes in this row; the others change only while it is so."""

    key: Key
    condition: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


Change = Put | Update | Delete | Check

ABSENT = "attribute_not_exists(pk)"


def setting(
    key: Key,
    sets: Mapping[str, Any],
    *,
    removes: Sequence[str] = (),
    condition: str | None = None,
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Update:
    """An Update that sets attributes to values and removes others, by paths like "sessions.x"; what
    is None is not set. `names` and `values` are the condition's own."""
    aliases: dict[str, str] = {}

    def path(text: str) -> str:
        steps = text.split(".")
        return ".".join(aliases.setdefault(step, f"#a{len(aliases)}") for step in steps)

    given = {name: value for name, value in sets.items() if value is not None}
    parts = ["SET " + ", ".join(f"{path(n)} = :s{i}" for i, n in enumerate(given))] if given else []
    parts += ["REMOVE " + ", ".join(path(name) for name in removes)] if removes else []
    expression = " ".join(parts)
    return Update(
        key,
        expression,
        condition,
        {**{alias: step for step, alias in aliases.items()}, **(names or {})},
        {**{f":s{i}": value for i, value in enumerate(given.values())}, **(values or {})},
    )


@cache
def session() -> Any:
    """One session for all clients of a container. botocore's own: boto3 adds resources, and what
    moves files to S3, to every cold start."""
    from botocore.session import Session

    return Session()


def patience() -> "Config":
    """Timeouts that nest in a function's ten seconds."""
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    return Config(connect_timeout=1, read_timeout=2, retries=retries)


@cache
def _client() -> "DynamoDBClient":
    return cast("DynamoDBClient", session().create_client("dynamodb", config=patience()))


def read(keys: Sequence[Key], *, consistent: bool) -> dict[Key, Item]:
    """The rows under these keys, those that exist; one call for each 100 different keys."""
    found: dict[Key, Item] = {}
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), BATCH):
        request = [_key(key) for key in wanted[start : start + BATCH]]
        for attempt in range(CONFLICT_ATTEMPTS):
            table = {_name(): {"Keys": request, "ConsistentRead": consistent}}
            answer = _call(lambda t=table: _client().batch_get_item(RequestItems=t))  # type: ignore[misc]
            for raw in answer["Responses"].get(_name(), []):
                item = _plain(raw)
                found[Key(item["pk"], item["sk"])] = item
            request = answer["UnprocessedKeys"].get(_name(), {}).get("Keys", [])
            if not request:
                break
            _pause(attempt)
        else:
            raise Unavailable("unprocessed keys")
    return found


@dataclass(frozen=True)
class Page:
    items: list[Item]
    last: Item | None  # where the next page begins, or None


def listing(
    name: str,
    *,
    limit: int,
    prefix: str = "",
    after: Item | None = None,
    newest_first: bool = False,
) -> Page:
    """A page of the list `name`, in the order of `list_at` (which begins with `prefix`).
    Eventually consistent."""
    condition, values = "#list = :list", {":list": name}
    if prefix:
        condition += " AND begins_with(list_at, :prefix)"
        values[":prefix"] = prefix
    return _query(
        condition,
        values,
        {"#list": "list"},
        index="listing",
        limit=limit,
        after=after,
        backwards=newest_first,
    )


def waiting(name: str, *, before: int, limit: int, after: Item | None = None) -> Page:
    """A page of what has waited in the queue `name` until `before` (epoch seconds), the oldest
    first: keys alone. Eventually consistent."""
    values = {":due": name, ":before": before}
    condition = "due = :due AND due_at <= :before"
    return _query(condition, values, {}, index="due", limit=limit, after=after)


def due(name: str, *, before: int, limit: int) -> list[Key]:
    """The first of what has waited in the queue `name`."""
    page = waiting(name, before=before, limit=limit)
    return [Key(item["pk"], item["sk"]) for item in page.items]


def everything(page: Callable[..., Page]) -> Iterator[Item]:
    """What is on all pages: `page(after=…)` reads one."""
    after: Item | None = None
    while True:
        found = page(after=after)
        yield from found.items
        after = found.last
        if after is None:
            return


def family(
    head: Key,
    prefix: str,
    *,
    limit: int,
    after: Key | None = None,
    newest_first: bool = False,
    consistent: bool = False,
) -> Page:
    """The rows of `head`'s partition whose sort key begins so, in its order, behind `after`."""
    start = None if after is None else after._asdict()
    values = {":pk": head.pk, ":sk": prefix}
    condition = "pk = :pk AND begins_with(sk, :sk)"
    return _query(
        condition,
        values,
        {},
        limit=limit,
        after=start,
        backwards=newest_first,
        consistent=consistent,
    )


def partition(head: Key, *, limit: int, after: Key | None = None) -> Page:
    """All rows of `head`'s partition, in the order of their sort keys; read consistently."""
    start = None if after is None else after._asdict()
    return _query("pk = :pk", {":pk": head.pk}, {}, limit=limit, after=start, consistent=True)


def _query(
    condition: str,
    values: Mapping[str, Any],
    names: Mapping[str, str],
    *,
    limit: int,
    index: str | None = None,
    after: Item | None = None,
    backwards: bool = False,
    consistent: bool = False,
) -> Page:
    options: dict[str, Any] = {"ScanIndexForward": False} if backwards else {}
    if consistent:
        options["ConsistentRead"] = True
    if index is not None:
        options["IndexName"] = index
    if names:
        options["ExpressionAttributeNames"] = dict(names)
    if after is not None:
        options["ExclusiveStartKey"] = _typed(after)
    answer = _call(
        lambda: _client().query(
            TableName=_name(),
            KeyConditionExpression=condition,
            ExpressionAttributeValues=_typed(values),
            Limit=limit + 1,  # one more than is shown tells whether there is a next page
            **options,
        )
    )
    items = [_plain(raw) for raw in answer["Items"]]
    if len(items) <= limit:
        # DynamoDB ends a page at 1 MB as well
        more = answer.get("LastEvaluatedKey")
        return Page(items, _plain(more) if more else None)
    names_of_key = ("pk", "sk", *_INDEX_KEYS.get(index or "", ()))
    return Page(items[:limit], {name: items[limit - 1][name] for name in names_of_key})


_INDEX_KEYS = {"listing": ("list", "list_at"), "due": ("due", "due_at")}


def write(*changes: Change) -> Item | None:
    """All changes or none. One change is a plain write and answers with the row as it is now (an
    Update) or None; several are a transaction. Tries again while others hold the rows. Raises
    ConditionFailed."""
    actions = [_action(change) for change in changes]
    # One token for all attempts, the SDK's and ours: whichever gets through, it applies once.
    token = str(uuid.uuid4())
    for attempt in range(CONFLICT_ATTEMPTS):
        try:
            if len(actions) == 1:
                return _write_one(actions[0])
            _call(
                lambda: _client().transact_write_items(
                    TransactItems=cast(Any, actions), ClientRequestToken=token
                )
            )
            return None
        except Contended:
            if attempt == CONFLICT_ATTEMPTS - 1:
                raise
            _pause(attempt)
    raise AssertionError("unreachable")


def _write_one(action: Mapping[str, Any]) -> Item | None:
    if "Put" in action:
        _call(lambda: _client().put_item(**action["Put"]))
        return None
    if "Delete" in action:
        _call(lambda: _client().delete_item(**action["Delete"]))
        return None
    answer = _call(lambda: _client().update_item(**action["Update"], ReturnValues="ALL_NEW"))
    return _plain(answer["Attributes"])


def _action(change: Change) -> dict[str, Any]:
    body: dict[str, Any] = {
        "TableName": _name(),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if change.condition is not None:
        body["ConditionExpression"] = change.condition
    if change.names:
        body["ExpressionAttributeNames"] = dict(change.names)
    if change.values:
        body["ExpressionAttributeValues"] = _typed(change.values)
    if isinstance(change, Put):
        return {"Put": body | {"Item": _typed(change.item)}}
    if isinstance(change, Delete):
        return {"Delete": body | {"Key": _key(change.key)}}
    if isinstance(change, Check):
        return {"ConditionCheck": body | {"Key": _key(change.key)}}
    return {"Update": body | {"Key": _key(change.key), "UpdateExpression": change.expression}}


def _call(send: Callable[[], Any]) -> Any:
    """The answer of AWS; its errors as ours."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        return send()
    except ParamValidationError:
        raise  # our mistake, not AWS's: it would be refused for ever
    except BotoCoreError as error:
        raise Unavailable(type(error).__name__) from error
    except ClientError as error:
        raise _translated(error) from error


def _translated(error: "ClientError") -> Exception:
    code = error.response["Error"]["Code"]
    reasons: list[Any] = cast(Any, error.response).get("CancellationReasons", [])
    if code == "ConditionalCheckFailedException":
        return ConditionFailed([_old(error.response)])
    if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
        return ConditionFailed([_old(reason) for reason in reasons])
    if code in _CONTENDED or any(reason.get("Code") == "TransactionConflict" for reason in reasons):
        return Contended(code)
    return error if code == "ValidationException" else Unavailable(cause(error))


def cause(error: Exception) -> str:
    """What went wrong, in words for logs: the kind of error alone, for its own words may hold an
    address; of what our policy lacks, the action."""
    answer = getattr(error, "response", None) or {}  # who was not reached has none
    said = answer.get("Error", {})
    lacks = re.search(r"not authorized to perform: ([\w-]+:\w+)", said.get("Message") or "")
    code = str(said.get("Code") or type(error).__name__)
    return f"{code} {lacks[1]}" if lacks else code


_CONTENDED = {"TransactionConflictException", "TransactionInProgressException"}


def _old(response: Mapping[str, Any]) -> Item | None:
    raw = response.get("Item")
    return _plain(raw) if raw else None


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, not a secret


def _name() -> str:
    return os.environ["TABLE_NAME"]


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _typed(item: Mapping[str, Any]) -> dict[str, Any]:
    """In DynamoDB's notation; what is None is left out."""
    return {name: _noted(value) for name, value in item.items() if value is not None}


def _noted(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": {name: _noted(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [_noted(inner) for inner in value]}
        case set() | frozenset() if value and all(isinstance(inner, str) for inner in value):
            return {"SS": sorted(value)}
    raise TypeError(f"no attribute of ours: {value!r}")


def _plain(raw: Mapping[str, Any]) -> Item:
    return {name: _read(value) for name, value in raw.items()}


def _read(value: Mapping[str, Any]) -> Any:
    """Our numbers are all whole."""
    ((kind, inner),) = value.items()
    if kind == "N":
        return int(inner)
    if kind == "M":
        return {name: _read(part) for name, part in inner.items()}
    if kind == "L":
        return [_read(part) for part in inner]
    if kind == "SS":
        return set(inner)
    return None if kind == "NULL" else inner
