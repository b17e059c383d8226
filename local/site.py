"""The whole site in one process: the real handlers behind the template's routes and triggers."""

import importlib
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from local.cloud import Cloud, Cost, metered
from local.pump import Pump
from local.template import BrokenTemplate, Function, load

ROOT = Path(__file__).resolve().parent.parent
# What Lambda has on its path: the layer, and the folder of the function, for its own package. Here
# all functions share one path, so no two may call their packages the same.
PATH = [str(ROOT / "layers" / "foyer"), str(ROOT / "functions" / "pages"), str(ROOT)]
OURS = ("foyer", "functions", "skin")

running: ContextVar[str] = ContextVar("running", default="")  # the function that handles an event


class LambdaContext:
    """What Lambda tells a handler about its invocation."""

    def __init__(self, function: Function, request_id: str, stopwatch: Callable[[], float]) -> None:
        self.function_name = function.name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = 512
        self.invoked_function_arn = (
            f"arn:aws:lambda:eu-west-1:123456789012:function:{function.name}"
        )
        self.aws_request_id = request_id
        self._stopwatch = stopwatch
        self._ends = stopwatch() + function.timeout

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends - self._stopwatch()) * 1000))


class Site:
    """`with Site(url) as site:`. One at a time in a process."""

    def __init__(
        self,
        url: str,
        template: Path = ROOT / "template.yaml",
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        """`stopwatch` tells functions how much of their time is left."""
        self.url = url
        self._clock = clock
        self._stopwatch = stopwatch
        self._template_path = template
        self._parameters = {"SiteUrl": url, "SenderAddress": "studio@example.com"}
        self._reloading = threading.RLock()
        self._draining = threading.Lock()
        self._ahead = 0
        self._last_run: dict[str, int] = {}
        self.template = load(template, self._parameters)
        self.cloud = Cloud(self.template, self.now)

    def __enter__(self) -> "Site":
        self.cloud.start()
        self._set_environment()
        self._before = self._forget_modules()
        self._last_run = {s.function: self.now() for s in self.template.schedules}
        self.pumps = [
            Pump(self.cloud, trigger, self.invoke, self.now) for trigger in self.template.streams
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self._forget_modules()
        sys.modules.update(self._before)
        self.cloud.stop()

    def remember(self) -> Callable[[], None]:
        """What takes everything back to now: the data, the clock, what is in the stream."""
        data, ahead = self.cloud.snapshot(), self._ahead
        places = [pump.place for pump in self.pumps]

        def back() -> None:
            self.cloud.restore(data)
            self._ahead = ahead
            self._last_run = dict.fromkeys(self._last_run, self.now())
            for pump, place in zip(self.pumps, places, strict=True):
                pump.place = place
            self.module("foyer.storage.catalogue").forget()

        return back

    # ---- time -----------------------------------------------------------------------------------

    def now(self) -> int:
        return int(self._clock()) + self._ahead

    def advance(self, seconds: int, *, schedules: bool = True) -> None:
        """Moves the clock of everything; schedules that come due meanwhile run once."""
        self._ahead += seconds
        if schedules:
            self.run_due_schedules()

    def run_due_schedules(self) -> None:
        for schedule in self.template.schedules:
            if self.now() - self._last_run[schedule.function] >= schedule.seconds:
                self._last_run[schedule.function] = self.now()
                self.invoke(schedule.function, json.loads(schedule.payload))

    # ---- code -----------------------------------------------------------------------------------

    def module(self, name: str) -> Any:
        """A module of ours as it is now; anything kept across a reload would be of the old code."""
        with self._reloading:
            importlib.import_module("foyer.clock").read = self.now  # type: ignore[attr-defined]
            return importlib.import_module(name)

    def reload(self) -> None:
        """Takes up changed code and routes; the table and the mailbox stay. Raises BrokenTemplate,
        and then everything stays."""
        template = load(self._template_path, self._parameters)
        if self.cloud.needs_restart(template):
            raise BrokenTemplate(
                "template.yaml: the table, a secret or a queue has changed. Restart to apply it."
            )
        with self._reloading:
            self.template = template
            self._set_environment()
            self._forget_modules()

    def _forget_modules(self) -> dict[str, ModuleType]:
        importlib.invalidate_caches()
        ours = [
            name for name in sys.modules if name.partition(".")[0] in OURS or name == "local.seed"
        ]
        return {name: sys.modules.pop(name) for name in ours}

    def _set_environment(self) -> None:
        for function in self.template.functions.values():
            os.environ |= {name: str(value) for name, value in function.environment.items()}
        os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "WARNING")

    # ---- invoking -------------------------------------------------------------------------------

    def invoke(self, function: str, event: Mapping[str, Any], request_id: str = "") -> Any:
        """The handler's answer, as Lambda would get it: through JSON, both ways."""
        target = self.template.functions[function]
        handler = getattr(self.module(target.module), target.handler)
        context = LambdaContext(target, request_id or str(uuid.uuid4()), self._stopwatch)
        token = running.set(function)
        try:
            answer = handler(json.loads(json.dumps(event)), context)
        finally:
            running.reset(token)
        return json.loads(json.dumps(answer))

    def invoke_metered(
        self, function: str, event: Mapping[str, Any], request_id: str
    ) -> tuple[Any, Cost]:
        with metered() as cost:
            return self.invoke(function, event, request_id), cost

    def drain(self) -> int:
        """Delivers what is in the stream, now."""
        with self._draining:
            return sum(pump.drain() for pump in self.pumps)
