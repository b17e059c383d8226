"""The deployed site, and browsers to visit it with: the stack that `make stack` deployed, or with
FOYER_URL= a site that is deployed elsewhere."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from local.site import PATH
from tests.ordering import place
from tests.stack.wire import NO_CLOUD, NO_MAILBOX, Cloud, Wire
from tests.visiting import PASSWORD, SECRETS, VOUCHER, Browser


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    """The demo studio is planted where the site is ours alone. What its functions logged holds no
    password, token or cookie that a browser was given or sent (G10)."""
    if "FOYER_STACK" not in os.environ:
        yield Wire(None)
        return
    cloud = Cloud(os.environ)
    os.environ |= {
        "SITE_SECRET": cloud.ids["SiteSecret"],
        "LINKS_SECRET": cloud.ids["LinksSecret"],
    }
    sys.path[0:0] = [entry for entry in PATH if entry not in sys.path]
    from local import seed

    cloud.listen()
    cloud.hurry()
    cloud.hear_from_us()
    seed.plant(int(time.time()))
    yield Wire(cloud)
    logged = "\n".join(map(str, cloud.logged(0)))
    assert logged
    for secret in SECRETS:
        if len(secret) >= 15 and "@" not in secret:
            assert secret not in logged, "a secret is logged"


@pytest.fixture
def cloud(wire: Wire) -> Cloud:
    """What only the stack of `make stack` lets us see or do."""
    if wire.cloud is None:
        pytest.skip(NO_CLOUD)
    return wire.cloud


@pytest.fixture
def mailbox(wire: Wire) -> None:
    if not wire.mails_can_be_read():
        pytest.skip(NO_MAILBOX)


@pytest.fixture
def address() -> Callable[[str], str]:
    """Somebody nobody has heard of yet."""
    return lambda name: f"{name}-{secrets.token_hex(4)}@example.com"


@pytest.fixture
def visitor(wire: Wire) -> Callable[[], Browser]:
    """A new browser each time."""
    return lambda: Browser(cast(Any, wire))


@pytest.fixture
def browser(visitor: Callable[[], Browser]) -> Browser:
    return visitor()


@dataclass
class Overdue:
    """Ids of people whose time is over, for the schedule to meet."""

    closed: str  # who closed her account; what she had was left for later
    guest: str  # nobody came back
    waiting: str  # a guest as long idle, with an order under way


@pytest.fixture(scope="session")
def overdue(wire: Wire) -> Overdue:
    """The schedule comes once a minute here: they are there early, so that nobody waits for it."""
    if wire.cloud is None:
        pytest.skip(NO_CLOUD)
    cloud = wire.cloud
    tina, guest, waiting = (Browser(cast(Any, wire)) for _ in range(3))
    tina.register("tina@example.com")
    for browser in (tina, guest, waiting):
        browser.add(VOUCHER)
    assert place(waiting, "theo@example.com").status_code == 201
    them = Overdue(tina.who(), guest.who(), waiting.who())
    cloud.change("AccountFunction", Timeout=4)  # too short of time to erase anything yet
    assert tina.post("/v1/account/proof", {"password": PASSWORD}).status_code == 204
    assert tina.send("DELETE", "/v1/account").status_code == 204
    cloud.change("AccountFunction", Timeout=10)
    assert cloud.row(f"USER#{them.closed}", "CART")
    for id_ in (them.closed, them.guest, them.waiting):
        cloud.overdue(f"USER#{id_}", "USER")
    return them


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What a policy lacks is the first thing to know."""
    if terminalreporter.stats.get("failed") and "FOYER_STACK" in os.environ:
        lines = Cloud(os.environ).logged(0)
        lacking = {str(line["cause"]) for line in lines if "AccessDenied" in str(line.get("cause"))}
        for cause in sorted(lacking):
            terminalreporter.write_line(f"a function was told: {cause}")
