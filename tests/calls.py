"""What each function asks of AWS: `calls.txt` says it, a permission a line, and the template grants
just that (test_house.py). Whatever a test makes a function ask for must stand there; and over the
whole suite all that stands there is asked for. `FOYER_CALLS=write make test` writes it anew."""

import os
from pathlib import Path
from typing import Any

import pytest

from local.site import Site, running

FILE = Path(__file__).with_name("calls.txt")
WRITE = os.environ.get("FOYER_CALLS") == "write"
WHOLE = "not browser and not stack"  # what `make test` runs

SEEN: set[str] = set()


def told() -> set[str]:
    return set(FILE.read_text().splitlines()) if FILE.exists() else set()


def note(action: str, resource: str) -> None:
    """Only what a function asks for: a test does by itself what it likes."""
    if function := running.get():
        SEEN.add(f"{function} {action} {resource}")


def watch(site: Site) -> None:
    """A secret counts as asked for wherever it is used: here all functions share what one keeps.
    Once more is the same; after a reload it is needed."""
    secrets = site.module("foyer.storage.secrets")
    kept = secrets._secret
    if hasattr(kept, "watched"):
        return

    def secret(arn: str, now: int) -> Any:
        note("secretsmanager:GetSecretValue", arn)
        return kept(arn, now)

    secret.watched = True  # type: ignore[attr-defined]
    secrets._secret = secret
    site.cloud.asked = note


@pytest.fixture(autouse=True)
def no_function_asks_for_what_it_may_not() -> Any:
    yield
    if not WRITE:
        strange = SEEN - told()
        SEEN.difference_update(strange)  # the next test is not at fault
        assert not strange, f"not in tests/calls.txt: {sorted(strange)}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["calls"] = sorted(SEEN)
    elif WRITE:
        FILE.write_text("".join(f"{line}\n" for line in sorted(SEEN)))
    elif _is_whole(session) and (unused := told() - SEEN):
        print(f"\nin tests/calls.txt, and no test asks for it: {sorted(unused)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    SEEN.update(getattr(node, "workeroutput", {}).get("calls", ()))


def _is_whole(session: pytest.Session) -> bool:
    options = session.config.option
    args = session.config.invocation_params.args
    return (
        session.testsfailed == 0
        and options.markexpr == WHOLE
        and not options.keyword
        and not [arg for arg in args if str(arg).startswith("tests")]
    )
