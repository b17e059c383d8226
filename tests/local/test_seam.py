"""The races of the tests themselves: leaving out orders that cannot make a difference leaves out no
outcome."""

import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloud import Cloud, Intercept
from tests.seam import interleavings

Step = tuple[str, str]  # "read", "write" or "add", and a row


class Memory:
    """A cloud of three rows, whose calls pass the seam."""

    def __init__(self) -> None:
        self.intercept: Intercept | None = None
        self.rows = dict[str, int]()

    def row(self, pk: str, _: str) -> Any:
        """What is there waits in a queue."""
        return {"due": {"S": "QUEUE"}} if pk in self.rows else None

    def call(self, operation: str, body: dict[str, Any], send: Callable[[], Any]) -> Any:
        return send() if self.intercept is None else self.intercept(operation, body, send)

    def flow(self, number: int, steps: list[Step]) -> Callable[[], tuple[int, ...]]:
        """Reads rows, writes its number into them, or what it read last plus one."""

        def run() -> tuple[int, ...]:
            seen = [0]
            for kind, row in steps:
                key = {"pk": {"S": row}, "sk": {"S": "ROW"}}
                if kind == "read":
                    body: dict[str, Any] = {"RequestItems": {"Table": {"Keys": [key]}}}
                    seen.append(
                        self.call("BatchGetItem", body, lambda row=row: self.rows.get(row, 0))  # type: ignore[misc]
                    )
                else:
                    value = 10 * number if kind == "write" else seen[-1] + 1
                    write = lambda row=row, value=value: self.rows.update({row: value})  # noqa: E731
                    self.call("PutItem", {"Item": key}, write)
            return tuple(seen)

        return run


def outcomes(programs: list[list[Step]]) -> set[Any]:
    """What can come of them, by the seam's schedules."""
    memory = Memory()
    flows = [memory.flow(number, steps) for number, steps in enumerate(programs, 1)]
    found = interleavings(cast(Cloud, memory), flows, memory.rows.clear, most=10_000)
    return {(tuple(results), tuple(sorted(memory.rows.items()))) for results in found}


def all_outcomes(programs: list[list[Step]]) -> set[Any]:
    """The same, by every order there is."""
    turns = [number for number, steps in enumerate(programs) for _ in steps]
    return {outcome(order, programs) for order in set(itertools.permutations(turns))}


def outcome(order: tuple[int, ...], programs: list[list[Step]]) -> Any:
    rows, places = dict[str, int](), [0] * len(programs)
    seen = [[0] for _ in programs]
    for who in order:
        kind, row = programs[who][places[who]]
        places[who] += 1
        if kind == "read":
            seen[who].append(rows.get(row, 0))
        else:
            rows[row] = 10 * (who + 1) if kind == "write" else seen[who][-1] + 1
    return tuple(map(tuple, seen)), tuple(sorted(rows.items()))


STEPS = st.lists(
    st.tuples(st.sampled_from(["read", "write", "add"]), st.sampled_from("abc")), max_size=3
)


@given(st.lists(STEPS, min_size=2, max_size=3).filter(lambda all_: sum(map(len, all_)) <= 7))
def test_no_outcome_is_left_out(programs: list[list[Step]]) -> None:
    assert outcomes(programs) == all_outcomes(programs)


def test_calls_that_do_not_meet_are_tried_in_one_order() -> None:
    memory = Memory()
    steps: list[list[Step]] = [[("write", "a")] * 4, [("write", "b")] * 4]
    flows = [memory.flow(number, each) for number, each in enumerate(steps)]
    assert len(list(interleavings(cast(Cloud, memory), flows, memory.rows.clear, most=100))) == 1


def test_a_call_that_waits_meets_what_its_row_has_come_to_be_since() -> None:
    """A deletion of a row that another flow puts into a queue while it waits."""
    memory = Memory()
    key = {"pk": {"S": "a"}, "sk": {"S": "ROW"}}
    item = {**key, "due": {"S": "QUEUE"}}

    def queues_and_looks() -> int:
        memory.call("PutItem", {"Item": item}, lambda: memory.rows.update(a=1))
        body = {"ExpressionAttributeValues": {":due": {"S": "QUEUE"}}}
        return int(memory.call("Query", body, lambda: len(memory.rows)))

    def deletes() -> None:
        memory.call("DeleteItem", {"Key": key}, lambda: memory.rows.pop("a", None) and None)

    flows = [queues_and_looks, deletes]
    found = interleavings(cast(Cloud, memory), flows, memory.rows.clear, most=100)
    assert {results[0] for results in found} == {0, 1}


def test_flows_that_do_something_else_each_time_are_told() -> None:
    memory, times = Memory(), itertools.count()

    def strays() -> None:
        for _ in range(max(0, 4 - next(times))):
            memory.flow(1, [("write", "a")])()

    flows = [strays, memory.flow(2, [("write", "a"), ("write", "a")])]
    with pytest.raises(AssertionError, match="the same each time"):
        list(interleavings(cast(Cloud, memory), flows, memory.rows.clear, most=100))
