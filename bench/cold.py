"""(b) Cold start: CPU of a fresh process, user and system, against TYPICAL in the same run.

Nothing is subtracted: Python's own start is in every figure, and a row of its own. Rounds take
turns (A, B, C, A, B, C …), so that what slows the machine down slows all of them.
"""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.artefact import RESOLVER, TRIMMED, TYPICAL, Artefact
from local.site import ROOT
from local.tables import table

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
PROGRAM = str(ROOT / "bench" / "first_event.py")
TARGETS = {"SessionFunction": 0.80, "CartFunction": 0.80, "SessionFunction, generic user": 0.50}


@dataclass(frozen=True)
class Start:
    """What is started: a function, and the event it answers (or "" where that needs the table: then
    it makes its client)."""

    name: str
    function: str
    event: str


@dataclass(frozen=True)
class Took:
    """Seconds of CPU: the whole process, and the parts of it by when they ended."""

    whole: float
    python: float = 0.0
    imports: float = 0.0
    first: float = 0.0


def measure(
    plain: Artefact, compiled: Artefact, tell: Callable[[str], None]
) -> tuple[str, dict[str, Any]]:
    """The tables, and the figures in them."""
    artefacts = {"bytecode": compiled, "plain": plain}
    found: dict[tuple[str, str], list[Took]] = {}
    for number in range(ROUNDS):
        tell(f"cold start, round {number + 1} of {ROUNDS}")
        for variant, artefact in artefacts.items():
            found.setdefault((variant, PYTHON), []).append(_bare(artefact))
            for start in starts(artefact):
                found.setdefault((variant, start.name), []).append(_start(artefact, start))
    took = {key: _median(runs) for key, runs in found.items()}
    tell("cold start: which imports it is made of")
    imports = {start.name: import_times(compiled, start) for start in starts(compiled)}
    return _tables(took, imports), {
        "rounds": ROUNDS,
        "seconds": {f"{name} ({variant})": vars(t) for (variant, name), t in took.items()},
        "imports_seconds": imports,
    }


PYTHON = "python -c pass"


def starts(artefact: Artefact) -> list[Start]:
    """The rivals, what of ours needs no table, then every function with its client."""
    session = (ROOT / "events" / "session-get.json").read_text(encoding="utf-8")
    home = json.loads((ROOT / "events" / "pages-home.json").read_text(encoding="utf-8"))
    home["rawPath"] = home["requestContext"]["http"]["path"] = "/sign-in"
    return [
        Start(TYPICAL, TYPICAL, session),
        Start(TRIMMED, TRIMMED, session),
        Start(RESOLVER, RESOLVER, session),
        Start("SessionFunction, generic user", "SessionFunction", session),
        Start("PagesFunction, generic user", "PagesFunction", json.dumps(home)),
        *(Start(name, name, "") for name in artefact.functions),
    ]


def _start(artefact: Artefact, start: Start) -> Took:
    command, environment = artefact.command(start.function, PROGRAM, start.event)
    whole, said = _run(command, environment)
    python, imported, answered = map(float, said.split()[-3:])
    return Took(whole, python, imported - python, answered - imported)


def _bare(artefact: Artefact) -> Took:
    command, environment = artefact.command(TYPICAL, "-c", "pass")
    return Took(_run(command, environment)[0])


def _run(command: Sequence[str], environment: dict[str, str]) -> tuple[float, str]:
    """Seconds of CPU of a process, and what it said on stderr."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    return used.ru_utime + used.ru_stime, said


def _median(runs: Sequence[Took]) -> Took:
    return Took(*(median(vars(run)[part] for run in runs) for part in vars(runs[0])))


def import_times(artefact: Artefact, start: Start) -> dict[str, float]:
    """Seconds each top-level package took to be imported, without what it imported in turn: by the
    clock, so the least of three looks."""
    arguments = ("-X", "importtime", PROGRAM, start.event)
    command, environment = artefact.command(start.function, *arguments)
    looks = []
    for _ in range(3):
        _, said = _run(command, environment)
        spent: Counter[str] = Counter()
        for micros, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", said):
            spent[name.partition(".")[0]] += int(micros)
        looks.append(spent)
    least = {name: min(look[name] for look in looks) / 1e6 for name in looks[0]}
    return dict(sorted(least.items(), key=lambda item: -item[1]))


# Whose a package is; whatever else there is belongs to the standard library.
OWNERS = {
    "ours": {"foyer", "app", "skin"},
    "Powertools": {"aws_lambda_powertools", "jmespath"},
    "pydantic": {"pydantic", "pydantic_core", "annotated_types", "typing_inspection"},
    "SDK": {"botocore", "boto3", "s3transfer", "urllib3", "dateutil", "six"},
    "Tracer": {"aws_xray_sdk", "wrapt"},
    "Jinja2": {"jinja2", "markupsafe"},
    "others": {"typing_extensions", "itsdangerous", "email_validator", "idna", "argon2", "cffi"},
}


# ---- tables -------------------------------------------------------------------------------------


def _tables(took: dict[tuple[str, str], Took], imports: dict[str, dict[str, float]]) -> str:
    names = [name for variant, name in took if variant == "bytecode"]
    rows = []
    for name in names:
        with_, without = took["bytecode", name], took["plain", name]
        ratio = with_.whole / took["bytecode", TYPICAL].whole
        rows.append(
            [
                name,
                _ms(with_.whole),
                f"{ratio:.2f}",
                _verdict(ratio, TARGETS.get(name)),
                *(map(_ms, (with_.python, with_.imports, with_.first))),
                _ms(without.whole),
                f"{without.whole / took['plain', TYPICAL].whole:.2f}",
                f"{without.whole / with_.whole:.1f} x",
            ]
        )
    head = ["cold start, ms of CPU", "bytecode", "ratio", "target"]
    head += ["python", "imports", "first event or client", "plain", "ratio", "plain/bytecode"]
    made_of = []
    for name, spent in imports.items():
        theirs = {owner: sum(spent.get(p, 0) for p in own) for owner, own in OWNERS.items()}
        rest = sum(spent.values()) - sum(theirs.values())
        made_of.append([name, *map(_ms, [*theirs.values(), rest, sum(spent.values())])])
    return "\n".join(
        [
            table(f"(b) Cold start against TYPICAL, median of {ROUNDS} rounds", head, rows),
            table(
                "The imports with bytecode, ms without what each imported in turn",
                ["function", *OWNERS, "standard library", "together"],
                made_of,
            ),
        ]
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _verdict(ratio: float, target: float | None) -> str:
    if target is None:
        return ""
    return f"{'met' if ratio <= target else 'MISSED'}: {target:.2f}"
