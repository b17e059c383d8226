"""(c) Warm CPU of a request, against a bare handler and FastAPI + Mangum that give the same answer
to the same event: the process's own CPU, the contestants taking turns, the median of the rounds.

The database is left out of all of them. Ours does what it does for every request besides: checks
where it comes from, chooses the language. The rival sets the same headers, and logs the same line
by the same logger; once more without, for a line costs as much as a framework. The bare handler
never logs.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench.artefact import ENVIRONMENT, RIVALS, Artefact
from local.site import ROOT
from local.tables import table

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
TIMES = 300  # requests a round
PROGRAM = ROOT / "bench" / "many_requests.py"
BARE, RIVAL, FOYER = "bare handler", "FastAPI + Mangum", "Foyer"
TARGET = 0.80  # of FastAPI + Mangum's


def events() -> dict[str, tuple[str, str]]:
    """What is asked: our function that answers it, and the event."""
    session = (ROOT / "events" / "session-get.json").read_text(encoding="utf-8")
    add = json.loads((ROOT / "events" / "cart-add-line.json").read_text(encoding="utf-8"))
    refused = {**add, "body": '{"product_id": "voucher", "quantity": 100}'}
    return {
        "GET /v1/session, generic user": ("SessionFunction", session),
        "POST /v1/cart/lines, refused 422": ("CartFunction", json.dumps(refused)),
        "POST /v1/cart/lines, 201, ten lines": ("CartFunction", json.dumps(add)),
    }


LOGGING = {"a line logged": "INFO", "nothing logged": "CRITICAL"}


def measure(artefact: Artefact, tell: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
    """The table, and the figures in it."""
    took: dict[str, dict[str, float]] = {}
    made_of: dict[str, dict[str, float]] = {}
    for name, (function, event) in events().items():
        for logging, level in LOGGING.items():
            tell(f"warm requests: {name}, {logging}")
            case = f"{name}; {logging}"
            took[case], made_of[case] = _race(artefact, function, event, level)
    rows = []
    for name, seconds in took.items():
        ratio = seconds[FOYER] / seconds[RIVAL]
        rows.append(
            [
                name,
                *(f"{seconds[who] * 1e6:.0f}" for who in (BARE, FOYER, RIVAL)),
                f"{seconds[FOYER] / seconds[BARE]:.1f} x",
                f"{seconds[RIVAL] / seconds[BARE]:.1f} x",
                f"{ratio:.2f}",
                f"{'met' if ratio <= TARGET else 'MISSED'}: {TARGET:.2f}",
            ]
        )
    head = ["warm request, µs of CPU", "bare", "Foyer", "FastAPI + Mangum"]
    head += ["Foyer/bare", "FastAPI/bare", "Foyer/FastAPI", "target"]
    title = f"(c) Warm CPU of a request, median of {ROUNDS} rounds of {TIMES}"
    owners = list(dict.fromkeys(owner for shares in made_of.values() for owner in shares))
    whose = [
        [name, *(f"{shares.get(owner, 0):.0%}" for owner in owners)]
        for name, shares in made_of.items()
    ]
    text = table(title, head, rows) + "\n"
    text += table("Whose code that is in Foyer, by the profiler", ["warm request", *owners], whose)
    return text, {"rounds": ROUNDS, "times": TIMES, "seconds": took, "made_of": made_of}


def _race(
    artefact: Artefact, function: str, event: str, level: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds a request takes each of them, and whose code it is in ours."""
    command, environment = artefact.command(function, str(PROGRAM), "app", event)
    bare = [artefact.python, "-s", "-S", str(PROGRAM), "bare", event]
    framework = [str(ROOT / ".venv-bench/bin/python"), str(PROGRAM), "fastapi_mangum", event]
    theirs = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, [RIVALS, ROOT]))}
    logging = {"POWERTOOLS_LOG_LEVEL": level}
    with (
        _contestant(command, environment | logging) as ours,
        _contestant(bare, theirs) as nothing,
        _contestant(framework, theirs | logging) as rival,
    ):
        everybody = {BARE: nothing, RIVAL: rival, FOYER: ours}
        _same_answers({name: json.loads(_said(process)) for name, process in everybody.items()})
        found: dict[str, list[float]] = {name: [] for name in everybody}
        for _ in range(ROUNDS):
            for name, process in everybody.items():
                found[name].append(float(_asked(process, f"time {TIMES}")))
        made_of: dict[str, float] = json.loads(_asked(ours, f"profile {TIMES}"))
    return {name: median(rounds) for name, rounds in found.items()}, made_of


@contextmanager
def _contestant(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[str]"]:
    """Its logs are written, to nowhere."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _asked(process: "subprocess.Popen[str]", what: str) -> str:
    assert process.stdin is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()
    return _said(process)


def _said(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    said = process.stderr.readline()
    if not said or said.startswith("Traceback"):
        raise RuntimeError(f"{process.args!r} failed:\n{said}{process.stderr.read()}")
    return said


def _same_answers(answers: Mapping[str, Any]) -> None:
    told = {
        name: (answer["statusCode"], json.loads(answer["body"])) for name, answer in answers.items()
    }
    if any(answer != told[FOYER] for answer in told.values()):
        raise RuntimeError(f"the answers are not the same: {told}")
