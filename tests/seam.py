"""What can go wrong at the seam to AWS: faults at a chosen call, and whose turn it is.

The seam is `Cloud.intercept`: every call of the SDK passes it, also the SDK's own retries.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from local.cloud import Cloud, Send, error_body, response


class Killed(BaseException):
    """The process died here: no `except Exception` of ours runs."""


def refused(code: str, status: int = 400) -> AWSResponse:
    """An error of DynamoDB's, nothing committed."""
    return response(status, error_body(code))


def timeout() -> Exception:
    return ReadTimeoutError(endpoint_url="https://dynamodb")


class Fault:
    """Does something else at the calls `at` (the first is 0), for `operation` only if given."""

    def __init__(
        self,
        what: Callable[[Send], AWSResponse],
        *at: int,
        operation: str = "",
    ) -> None:
        self.what, self.at, self.operation = what, at, operation
        self.seen = 0

    def __call__(self, operation: str, _: Mapping[str, Any], send: Send) -> AWSResponse:
        if self.operation and operation != self.operation:
            return send()
        now, self.seen = self.seen, self.seen + 1
        return self.what(send) if now in self.at else send()


def lost_answer(send: Send) -> AWSResponse:
    """It was done; nobody hears of it."""
    send()
    raise timeout()


def lost_request(_: Send) -> AWSResponse:
    raise timeout()


def killed_before(_: Send) -> AWSResponse:
    raise Killed


def killed_after(send: Send) -> AWSResponse:
    send()
    raise Killed


def error(code: str, status: int = 400) -> Callable[[Send], AWSResponse]:
    return lambda _: refused(code, status)


# Each is mended by one retry, ours or the SDK's.
TRANSIENT = {
    "throttled": error("ThrottlingException"),
    "internal error": error("InternalServerError", 500),
    "request lost": lost_request,
    "answer lost": lost_answer,
    "conflict": error("TransactionConflictException"),
}


def calls_of(cloud: Cloud, work: Callable[[], object]) -> int:
    """How many calls a piece of work makes when all goes well: the places where it may go wrong."""
    golden = Fault(lambda send: send())
    cloud.intercept = golden
    work()
    cloud.intercept = None
    return golden.seen


# ---- interleavings -----------------------------------------------------------------------------

_turn: ContextVar[int | None] = ContextVar("turn", default=None)


@dataclass(frozen=True)
class Footprint:
    """What a call reads and writes; `shows` is what a reader of it would see of the writes."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    shows: frozenset[str] = frozenset()

    def meets(self, other: "Footprint") -> bool:
        """Whether it matters which of the two comes first."""
        return bool(
            self.writes & other.writes or self.reads & other.shows or self.shows & other.reads
        )


def footprint(cloud: Cloud, operation: str, body: Mapping[str, Any]) -> Footprint:
    """A query of a partition sees what is written there; one of an index what stands in that list
    or queue, or is put into it: whoever does that names it."""
    if operation == "BatchGetItem":
        asked = (key for table in body["RequestItems"].values() for key in table["Keys"])
        return Footprint(reads=frozenset(_row(key) for key in asked))
    if operation == "Query":
        values = body["ExpressionAttributeValues"]
        name = next(values[n]["S"] for n in (":pk", ":list", ":due") if n in values)
        return Footprint(reads=frozenset([name]))
    actions: list[tuple[str, Any]] = [(operation, body)]
    if operation == "TransactWriteItems":
        actions = [next(iter(action.items())) for action in body["TransactItems"]]
    written, checked = list[Any](), list[Any]()
    for kind, action in actions:
        key = action.get("Key") or action.get("Item")
        if key is None:  # of another service: in the order of the like of it
            return Footprint(writes=frozenset([operation]))
        (checked if kind == "ConditionCheck" else written).append(key)
    rows, named = frozenset(map(_row, written)), {key["pk"]["S"] for key in written}
    for _, action in actions:
        named |= _texts(action.get("Item", {})) | _texts(
            action.get("ExpressionAttributeValues", {})
        )
    for key in written:
        named |= _texts(cloud.row(key["pk"]["S"], key["sk"]["S"]) or {})
    return Footprint(frozenset(map(_row, checked)), rows, rows | named)


def _texts(values: Mapping[str, Any]) -> set[str]:
    return {value["S"] for value in values.values() if "S" in value}


def _row(key: Mapping[str, Any]) -> str:
    return f"{key['pk']['S']} / {key['sk']['S']}"


@dataclass
class _Node:
    """A moment when somebody's turn is chosen: who waits and with which call, whose turn it need
    not be any more, whose it was or is to be."""

    waiting: dict[int, Footprint]
    asleep: dict[int, Footprint]
    chosen: int = -1
    tried: set[int] = field(default_factory=set)

    def seen_again(self, waiting: Mapping[int, Footprint]) -> None:
        """The same moment of another run: ids that are chance are others now."""
        self.waiting = dict(waiting)
        self.asleep = {flow: waiting[flow] for flow in self.asleep}

    def choose(self, flow: int) -> None:
        self.chosen = flow
        self.tried.add(flow)

    def other(self) -> bool:
        """Chooses who goes first here next, if anybody is to."""
        self.asleep[self.chosen] = self.waiting[self.chosen]
        left = self.tried - self.asleep.keys()
        if left:
            self.choose(min(left))
        return bool(left)

    def asleep_after(self, waiting: Mapping[int, Footprint]) -> dict[int, Footprint]:
        """Who went first here already need not go next where that would be the same; `waiting` are
        the calls as they are after this step."""
        step = self.waiting[self.chosen]
        return {
            flow: waiting[flow]
            for flow, call in self.asleep.items()
            if flow != self.chosen and not call.meets(step) and not waiting[flow].meets(step)
        }


class _Redundant(BaseException):
    """This order is one that was tried already."""


class _Run:
    """One schedule: at each step exactly one flow makes exactly one call."""

    def __init__(self, cloud: Cloud, nodes: list[_Node]) -> None:
        self.cloud = cloud
        self.nodes = nodes
        self.redundant = False
        self.strayed = False
        self._step = 0
        self._condition = threading.Condition()
        self._waiting: dict[int, tuple[str, Mapping[str, Any]]] = {}
        self._running: set[int] = set()
        self._granted: int | None = None

    def intercept(self, operation: str, body: Mapping[str, Any], send: Send) -> AWSResponse:
        me = _turn.get()
        if me is None:
            return send()
        with self._condition:
            self._running.discard(me)
            self._waiting[me] = (operation, body)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._granted == me or self.redundant)
            self._granted = None
            self._waiting.pop(me)
            if self.redundant:
                raise _Redundant
            self._running.add(me)
        return send()

    def go(self, flows: Sequence[Callable[[], Any]]) -> list[Any]:
        results: list[Any] = [None] * len(flows)

        def flow(me: int) -> None:
            _turn.set(me)
            try:
                results[me] = flows[me]()
            except Exception as raised:
                results[me] = raised
            except _Redundant:
                pass
            finally:
                with self._condition:
                    self._running.discard(me)
                    self._condition.notify_all()

        self._running = set(range(len(flows)))
        threads = [
            threading.Thread(target=copy_context().run, args=(flow, me)) for me in range(len(flows))
        ]
        self.cloud.intercept = self.intercept
        for thread in threads:
            thread.start()
        while True:
            with self._condition:
                self._condition.wait_for(lambda: not self._running and self._granted is None)
                if not self._waiting:
                    break
                chosen = self._choose()
                if chosen is None:
                    self.redundant = True
                else:
                    self._granted = chosen
                    self._running.add(chosen)
                self._condition.notify_all()
                if self.redundant:
                    break
        for thread in threads:
            thread.join()
        self.cloud.intercept = None
        assert not self.strayed, "the flows do not do the same each time"
        return results

    def _choose(self) -> int | None:
        # as the rows are now: what waits may meet more than when it began to wait
        waiting = {flow: footprint(self.cloud, *call) for flow, call in self._waiting.items()}
        if self._step == len(self.nodes):
            asleep = self.nodes[-1].asleep_after(waiting) if self.nodes else {}
            node = _Node(waiting, asleep)
            awake = sorted(node.waiting.keys() - asleep.keys())
            if not awake:
                return None
            node.choose(awake[0])
            self.nodes.append(node)
        node = self.nodes[self._step]
        if waiting.keys() != node.waiting.keys():
            self.strayed = True
            return None
        node.seen_again(waiting)
        self._step += 1
        return node.chosen


def interleavings(
    cloud: Cloud, flows: Sequence[Callable[[], Any]], back: Callable[[], None], most: int
) -> Iterator[list[Any]]:
    """Runs the flows, each time from where `back` leads to, under every order of their calls that
    can make a difference, at most `most`; yields what each flow returned or raised. Two orders
    that differ only in who is first of two calls that do not meet are one (dynamic partial order
    reduction with source sets and sleep sets, by Abdulla and others)."""
    for flow in flows:  # what a container fetches once, it has from here on
        with suppress(Exception):
            flow()
    nodes: list[_Node] = []
    tried = 0
    while tried < most:
        run = _Run(cloud, nodes)
        back()
        results = run.go(flows)
        if not run.redundant:
            tried += 1
            yield results
        _want_other_orders(nodes)
        while nodes and not nodes[-1].other():
            nodes.pop()
        if not nodes:
            return


def _want_other_orders(nodes: Sequence[_Node]) -> None:
    """Where two calls of different flows meet, and nothing between them settles who is first, one
    who leads to the other order is wanted first as well, unless there is one."""
    after: list[set[int]] = []  # the earlier steps that each step comes after in every such order
    for j, node in enumerate(nodes):
        races = _after(j, nodes, after)
        for i in races:
            rest = [k for k in range(i + 1, j) if i not in after[k]] + [j]
            firsts = {nodes[k].chosen: k for k in reversed(rest)}
            leading = {flow for flow, k in firsts.items() if not after[k] & set(rest)}
            if not leading & nodes[i].tried:
                nodes[i].tried.add(node.chosen if node.chosen in leading else min(leading))


def _after(j: int, nodes: Sequence[_Node], after: list[set[int]]) -> list[int]:
    """Adds what step `j` comes after; answers with the steps it might as well have come before."""
    call, before, races = nodes[j].waiting[nodes[j].chosen], set[int](), list[int]()
    for i in reversed(range(j)):
        earlier = nodes[i]
        if i in before:
            continue
        if earlier.chosen != nodes[j].chosen:
            if not call.meets(earlier.waiting[earlier.chosen]):
                continue
            races.append(i)
        before |= {i} | after[i]
    after.append(before)
    return races
