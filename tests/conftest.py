"""Fixtures: the site in this process, and browsers to visit it with."""

import json
import logging
import os
import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from moto.backends import get_backend

from local.cloud import Published
from local.gateway import Gateway
from local.site import Site
from local.template import ACCOUNT, REGION
from local.verify import plain
from tests import calls, schemas, visiting
from tests.calls import (  # noqa: F401 - pytest takes them up here
    no_function_asks_for_what_it_may_not,
    pytest_sessionfinish,
    pytest_testnodedown,
)
from tests.visiting import URL, Browser

# How many cases of everything that has very many: 40 in `make test`, 1,000 in `make test-all`.
# One hash a sign-in must be made; it need not be slow here.
os.environ.setdefault("PASSWORD_COST", "8,1,1")

CASES = int(os.environ.get("FOYER_CASES", "40"))
# How many orders of two flows' calls, at most: mostly that is all there are.
SCHEDULES = int(os.environ.get("FOYER_SCHEDULES", "200"))

# Random cases, the same each time: a failure found today is found tomorrow.
settings.register_profile(
    "foyer",
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("foyer")


PUBLISHED: list[Published] = []  # all that a test put on the bus, whatever it took back


@dataclass
class House:
    """The one site of a test process, and the ways back to how it was."""

    site: Site
    emptied: Callable[[], None]
    planted: Callable[[], None]


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """Its clock stands still unless a test moves it: at the full hour, where limits begin anew. So
    does its functions' time: a slow machine does not cut them short."""
    started = 1_795_334_400.0
    with Site(URL, clock=lambda: started, stopwatch=lambda: 0.0) as site:
        emptied = site.remember()
        site.module("local.seed").plant(site.now())
        site.drain()
        site.cloud.listen = PUBLISHED.append
        yield House(site, emptied, site.remember())


@pytest.fixture
def empty_site(house: House) -> Site:
    """The site with nothing in it."""
    house.emptied()
    calls.watch(house.site)
    return house.site


@pytest.fixture
def site(house: House) -> Site:
    """The demo studio, its welcome mail sent."""
    house.planted()
    calls.watch(house.site)
    return house.site


NUMBERS = {
    "created",
    "msecs",
    "process",
    "relativeCreated",
    "request_id",
    "thread",
    "threadName",
}


class _Log(logging.Handler):
    """Everything that is logged, exceptions with their traces."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        # clocks, process ids and request ids hold six digits now and then that are no code
        said = {n: v for n, v in record.__dict__.items() if n not in NUMBERS}
        self.lines.append(f"{said} {trace}")


@pytest.fixture(autouse=True)
def no_secret_gets_out(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test (G10): no password, token, code or cookie that a browser of it was given or
    sent stands in a log, the table or a dead letter; no address in a log or a dead letter."""
    if "house" not in request.fixturenames:
        yield
        return
    cloud = request.getfixturevalue("house").site.cloud
    visiting.SECRETS.clear()
    visiting.CODES.clear()
    log, logger = _Log(), logging.getLogger("foyer")
    logger.addHandler(log)
    logger.setLevel(logging.INFO)
    yield
    logger.removeHandler(log)
    logged = "\n".join([*log.lines, *dead_letters()])
    stored = json.dumps(cloud.rows())
    for secret in visiting.SECRETS:
        if len(secret) >= 15 and "@" not in secret:
            assert secret not in logged, "a secret is logged"
            assert json.dumps(secret)[1:-1] not in stored, "a secret is stored"
    for code in visiting.CODES:
        assert not re.search(rf"(?<!\d){code}(?!\d)", logged), "a code is logged"
        assert f'"{code}"' not in stored, "a code is stored"
    assert "@example" not in logged.replace("studio@example.com", ""), "an address is logged"


@pytest.fixture(autouse=True)
def every_event_is_documented(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test: what it put on the bus, and what waits to be, is as its schema says."""
    PUBLISHED.clear()
    yield
    for event in PUBLISHED:
        schemas.check(event)
    if "house" not in request.fixturenames:
        return
    for raw in request.getfixturevalue("house").site.cloud.rows(sk="EVENT"):
        row = {name: plain(value) for name, value in raw.items()}
        if {"kind", "facts", "queued_at"} <= row.keys():  # not yet sent, nor planted to be broken
            if row["kind"].startswith("order."):  # it names the order alone until it leaves
                assert row["facts"].keys() == {"order_id"}
                continue
            said = {"id": row["pk"].rpartition("#")[2], "type": row["kind"]}
            at = {"at": "2026-11-22T08:00:00Z"}
            schemas.check_facts(row["kind"], {**said, **at, **row["facts"]})


def dead_letters() -> list[str]:
    queues = get_backend("sqs")[ACCOUNT][REGION].queues.values()
    return [str(message.body) for queue in queues for message in queue._messages]


@pytest.fixture
def gateway(site: Site) -> Gateway:
    return Gateway(site)


@pytest.fixture
def browser(gateway: Gateway) -> Browser:
    return Browser(gateway)
