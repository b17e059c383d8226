"""Warm requests, in a process of its own: imports a handler, answers the same event as often as it
is told to on stdin, and says how much CPU one took. Knows of Foyer only how to do without its
table, where the module asked for is a function of ours that needs one."""

import json
import sys
import time
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
    for line in sys.stdin:
        began, times = time.process_time(), int(line)
        for _ in range(times):
            handler(asked, context)
        print((time.process_time() - began) / times, file=sys.stderr, flush=True)


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
