"""What can go wrong at the seam to AWS: faults at a chosen call, and whose turn it is.

The seam is `Cloud.intercept`: every call of the SDK passes it, also the SDK's own retries.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar, copy_context
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


class _Run:
    """One schedule: at each step exactly one flow makes exactly one call."""

    def __init__(self, cloud: Cloud, choices: Sequence[int]) -> None:
        self.cloud = cloud
        self.choices = choices
        self.trace: list[tuple[int, int]] = []  # what was chosen, of how many
        self._condition = threading.Condition()
        self._waiting: set[int] = set()
        self._running: set[int] = set()
        self._granted: int | None = None

    def intercept(self, _: str, __: Mapping[str, Any], send: Send) -> AWSResponse:
        me = _turn.get()
        if me is None:
            return send()
        with self._condition:
            self._running.discard(me)
            self._waiting.add(me)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._granted == me)
            self._granted = None
            self._waiting.discard(me)
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
                options = sorted(self._waiting)
                step = len(self.trace)
                choice = self.choices[step] if step < len(self.choices) else 0
                self.trace.append((choice, len(options)))
                self._granted = options[choice]
                self._running.add(options[choice])
                self._condition.notify_all()
        for thread in threads:
            thread.join()
        self.cloud.intercept = None
        return results


def interleavings(
    cloud: Cloud, flows: Callable[[], Sequence[Callable[[], Any]]], most: int
) -> Iterator[list[Any]]:
    """Runs `flows()` (made anew for each schedule) under every order of their calls, at most `most`
    orders; yields what each flow returned or raised."""
    choices: list[int] = []
    for _ in range(most):
        run = _Run(cloud, choices)
        yield run.go(flows())
        trace = run.trace
        while trace and trace[-1][0] + 1 >= trace[-1][1]:
            trace.pop()
        if not trace:
            return
        choices = [choice for choice, _ in trace[:-1]] + [trace[-1][0] + 1]
