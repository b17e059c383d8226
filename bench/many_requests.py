"""Warm requests, in a process of its own: imports a handler, answers the same event as often as it
is told to on stdin, and says how much CPU one took, or whose code took it. Knows of Foyer only how
to do without its table, where the module asked for is a function of ours that needs one."""

import cProfile
import json
import pstats
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from bench.first_event import Context

WARM_UP = 200


def main(module: str, event: str) -> None:
    handler = import_module(module).lambda_handler
    if module == "app":
        without_the_table()
    asked, context = json.loads(event), Context()
    for _ in range(WARM_UP):
        answer = handler(asked, context)
    print(json.dumps(answer), file=sys.stderr, flush=True)

    def often(times: int) -> None:
        for _ in range(times):
            handler(asked, context)

    for line in sys.stdin:
        what, times = line.split()
        if what == "profile":
            print(json.dumps(shares(partial(often, int(times)))), file=sys.stderr, flush=True)
            continue
        began = time.process_time()
        often(int(times))
        print((time.process_time() - began) / int(times), file=sys.stderr, flush=True)


def shares(work: Callable[[], None]) -> dict[str, float]:
    """Whose code took how much of it, by the profiler, which makes many small calls look dearer."""
    profile = cProfile.Profile()
    profile.runcall(work)
    spent: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[_owner(file, name)] += own
    whole = sum(spent.values())
    return {owner: own / whole for owner, own in spent.most_common()}


def _owner(file: str, name: str) -> str:
    if file == "~":
        return "pydantic" if "pydantic_core" in name else "built into Python"
    for owner, marks in OWNERS.items():
        if any(mark in file for mark in marks):
            return owner
    return "standard library"


# By what is in the path of a file.
OWNERS = {
    "ours": ("/foyer/web/", "/foyer/rules/", "/foyer/operations/", "/foyer/s", "/app.py"),
    "Powertools' logger, logging": ("/aws_lambda_powertools/logging/", "/logging/__init__.py"),
    "Powertools": ("/aws_lambda_powertools/",),
    "pydantic": ("/pydantic/",),
}


def without_the_table() -> None:
    """What an add to the cart leads to is ten lines, for us as for the rivals."""
    from foyer.operations import shopping
    from foyer.rules.carts import PricedLine, Thing

    lines = tuple(
        PricedLine(f"line-{n}", Thing(f"thing-{n}"), f"Thing {n}", None, n, 100, 100 * n)
        for n in range(1, 11)
    )
    cart = {"lines": lines, "shipping": 500, "total": 6000, "currency": "EUR", "version": 10}

    def put_into_cart(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(**cart, quote="kept-as-it-is")

    shopping.put_into_cart = put_into_cart


if __name__ == "__main__":
    main(*sys.argv[1:])
