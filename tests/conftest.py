"""Fixtures: the site in this process, and browsers to visit it with."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings

from local.gateway import Gateway
from local.site import Site
from tests.visiting import URL, Browser

# How many cases of everything that has very many: 60 in `make test`, 1,000 in `make test-all`.
# One hash a sign-in must be made; it need not be slow here.
os.environ.setdefault("PASSWORD_COST", "8,1,1")

CASES = int(os.environ.get("FOYER_CASES", "60"))
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


@dataclass
class House:
    """The one site of a test process, and the ways back to how it was."""

    site: Site
    emptied: Callable[[], None]
    planted: Callable[[], None]


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """Its clock stands still unless a test moves it: at the full hour, where limits begin anew."""
    started = 1_795_334_400.0
    with Site(URL, clock=lambda: started) as site:
        emptied = site.remember()
        site.module("local.seed").plant(site.now())
        site.drain()
        yield House(site, emptied, site.remember())


@pytest.fixture
def empty_site(house: House) -> Site:
    """The site with nothing in it."""
    house.emptied()
    return house.site


@pytest.fixture
def site(house: House) -> Site:
    """The demo studio, its welcome mail sent."""
    house.planted()
    return house.site


@pytest.fixture
def gateway(site: Site) -> Gateway:
    return Gateway(site)


@pytest.fixture
def browser(gateway: Gateway) -> Browser:
    return Browser(gateway)
