"""(d) Clean-up of M abandoned guests among T: what is read follows M, not T.

The guests are planted into the table; what takes the abandoned ones is the scheduled function
itself, invoked until it says that nothing is left.
"""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any

from botocore.awsrequest import AWSResponse

from local.cloud import metered
from local.site import Site
from local.tables import table
from tests.visiting import URL

FUNCTION = "CleanupFunction"
ABANDONED = 30
AMONG = (100, 1_000, 10_000, 100_000)  # guests, of whom so many are abandoned
MANY = (10, 100, 1_000)  # abandoned guests
AMONG_MANY = 10_000
NOW = 1_795_334_400
LONG_AGO = NOW - 400 * 86_400
MOST_RUNS = 200  # of one clean-up; then it does not end


def measure(tell: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
    """The table, and the figures in it."""
    cases = [(total, ABANDONED) for total in AMONG] + [(AMONG_MANY, number) for number in MANY]
    figures = []
    for total, abandoned in cases:
        tell(f"clean-up: {abandoned} guests among {total:,}")
        figures.append(_clean_up(total, abandoned))
    rows = [
        [
            f"{figure['total']:,}",
            f"{figure['abandoned']:,}",
            f"{figure['taken']:,}",
            figure["runs"],
            figure["calls"],
            f"{figure['rows_read']:,}",
            f"{figure['reads']:g}",
            f"{figure['writes'] + figure['index_writes']:g}",
            *(f"{figure[what] / figure['abandoned']:.1f}" for what in ("calls", "rows_read")),
        ]
        for figure in figures
    ]
    head = ["guests (T)", "abandoned (M)", "taken", "runs", "calls", "rows read", "reads", "writes"]
    head += ["calls/M", "rows read/M"]
    return table("(d) Clean-up of M among T guests", head, rows), {"cases": figures}


def _clean_up(total: int, abandoned: int) -> dict[str, Any]:
    with Site(URL, clock=lambda: float(NOW)) as site:
        site.cloud.plant(_guests(site, total - abandoned, "here", NOW))
        site.cloud.plant(_guests(site, abandoned, "gone", LONG_AGO))
        rows_read = 0

        def counting(_: str, __: Any, send: Callable[[], AWSResponse]) -> AWSResponse:
            nonlocal rows_read
            answer = send()
            told = json.loads(answer.raw.getvalue() or b"{}")
            batches = told.get("Responses", {})
            rows_read += len(told.get("Items", []))
            if isinstance(batches, dict):
                rows_read += sum(map(len, batches.values()))
            return answer

        site.cloud.intercept = counting
        runs = 0
        with metered() as cost, redirect_stdout(io.StringIO()):  # it prints its metrics
            while runs < MOST_RUNS:
                runs += 1
                if not site.invoke(FUNCTION, {"trigger": "sweep"})["more"]:
                    break
        site.cloud.intercept = None
        left = sum(row["pk"]["S"].startswith("USER#gone") for row in site.cloud.rows("USER"))
        known = {"total": total, "abandoned": abandoned, "taken": abandoned - left}
        return {**known, "runs": runs, "rows_read": rows_read, **vars(cost)}


def _guests(site: Site, number: int, name: str, seen_at: int) -> Iterator[dict[str, Any]]:
    """Guests last seen then; those that are abandoned left something in their carts."""
    users, storage = site.module("foyer.rules.users"), site.module("foyer.storage.users")
    carts = site.module("foyer.rules.carts")
    typed = site.module("foyer.storage.table")._typed
    held = carts.Cart()
    limits = site.module("foyer.rules.policy").POLICY.carts
    for thing in ("voucher", "calendar"):
        held = carts.add(held, carts.Thing(thing), 1, seen_at, limits, told=100)
    for n in range(number):
        user = users.User(f"{name}{n:018}", "en", seen_at, secret_hash="0" * 43)
        yield typed(storage.new_guest(user).item)
        if seen_at == LONG_AGO:
            new_cart = site.module("foyer.storage.carts").new_cart
            yield typed(new_cart(user.id, held, "write-id", seen_at).item)
