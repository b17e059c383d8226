"""(e) What a month costs a site of so many clients: a stated mix of uses, each of which is driven
through the real handlers and metered, at stated prices. `python -m bench.month` prints it alone;
README shows it, and a test compares.
"""

import io
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from bench import uses
from bench.uses import READ_PRICE, WRITE_PRICE, Bench, Visit
from local.cloud import Cost, metered, size
from local.site import PATH, ROOT, Site
from local.tables import table
from local.template import load
from tests.visiting import VOUCHER

CLIENTS = (100, 10_000, 1_000_000)
LINES = 10  # in a cart
RUNS = 30 * 96  # of what runs every 15 minutes

# Dollars, eu-west-1, on demand, without free tiers. Assumptions: look them up before you rely on
# them. How long a function is paid for is one as well: what a machine of Lambda's takes, and the
# waiting for DynamoDB, are not measured here.
REQUEST = 1.11e-6 + 0.20e-6  # HTTP API and Lambda
SECOND = 0.5 * 1.33334e-5  # of a function: 512 MB, arm64
PAID_SECONDS = 0.05  # a request; a mail
MAIL = 1e-4
GIGABYTE_OUT = 0.09
GIGABYTE_LOGGED = 0.57
LOGGED = 1_500  # bytes a request: our line, Lambda's two, the access log's
GIGABYTE_KEPT = 0.283 + 0.2264  # in the table, and restorable
ALARM, METRIC, SECRET = 0.10, 0.30, 0.40
METRICS = 5  # that the clean-up tells whatever happens
GIGABYTE = 1e9


@dataclass(frozen=True)
class Habit:
    """What is done so often a month, for each client the site has."""

    name: str
    times: float
    visit: Visit
    mails: int = 0


@dataclass(frozen=True)
class Spent:
    """Once: units by DynamoDB's arithmetic, its mails' included, and bytes of the answer."""

    reads: float
    writes: float
    bytes: int


def page_of_client(bench: Bench, lines: int) -> Cost:
    bench.browser.register(uses.NINA)
    bench.fill(bench.browser, lines)
    return bench.cost(bench.browser, bench.browser.get("/cart"))


def removal(bench: Bench, lines: int) -> Cost:
    """Of a guest nobody came back to, with what he had."""
    bench.fill(bench.browser, lines)
    bench.site.advance(31 * 86_400, schedules=False)
    with metered() as cost:
        sweep(bench.site)
    return cost


def sweep(site: Site) -> None:
    with redirect_stdout(io.StringIO()):  # it prints its metrics
        site.invoke("CleanupFunction", {"trigger": "sweep"})


# Ten people look at a site for each who has an account there; of those who begin a cart, three in
# four go without a word.
HABITS = [
    Habit("pages, by people without a cart", 100, uses.looking("/")),
    Habit("carts begun", 4, uses.first_add),
    Habit("things added", 12, uses.next_add),
    Habit("guests removed", 3, removal),
    Habit("sign-ups", 0.1, uses.sign_up, mails=1),
    Habit("activations", 0.1, uses.activate),
    Habit("sign-ins, with a cart to bring along", 1, uses.sign_in_and_merge),
    Habit("pages, signed in", 20, page_of_client),
    Habit("orders", 0.2, uses.order, mails=1),
]


def measure(tell: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
    """The table, and the figures in it."""
    spent: dict[str, Spent] = {}
    with uses.scene() as (site, back):
        for habit in HABITS:
            tell(f"a month: {habit.name}")
            back()
            spent[habit.name] = _once(Bench(site), habit)
        back()
        idle, kept = _idle(site), _kept(site)
    resources = list(load(ROOT / "template.yaml", {}).types.values())
    fixed = {
        "alarms": ALARM * resources.count("AWS::CloudWatch::Alarm"),
        "metrics": METRIC * (METRICS + resources.count("AWS::Logs::MetricFilter")),
        "secrets": SECRET * resources.count("AWS::SecretsManager::Secret"),
        "what runs every 15 minutes": RUNS * (uses.dollars(idle.reads, idle.writes) / 1e6)
        + 2 * RUNS * (0.20e-6 + SECOND * PAID_SECONDS),
    }
    a_client = _of_a_client(spent, kept)
    rows = [
        [name, *(f"{number * dollars:,.2f}" for number in CLIENTS)]
        for name, dollars in a_client.items()
    ]
    rows += [[name, *[f"{dollars:,.2f}"] * len(CLIENTS)] for name, dollars in fixed.items()]
    totals = {n: n * sum(a_client.values()) + sum(fixed.values()) for n in CLIENTS}
    rows.append(["together", *(f"{dollars:,.2f}" for dollars in totals.values())])
    rows.append(["a client", *(f"{dollars / n:.5f}" for n, dollars in totals.items())])
    head = ["dollars a month", *(f"{number:,} clients" for number in CLIENTS)]
    text = table("(e) What a month costs", head, rows)
    uses_of = [[h.name, f"{h.times:g}", *_units(spent[h.name])] for h in HABITS]
    mix = table(
        "Of which each client causes", ["", "a month", "reads", "writes", "bytes out"], uses_of
    )
    return f"{text}\n{mix}", {"totals": totals, "a_client": a_client, "fixed": fixed}


def _once(bench: Bench, habit: Habit) -> Spent:
    cost = habit.visit(bench, LINES)
    with metered() as mailing:
        bench.site.drain()
    of_mails = mailing if habit.mails else Cost()
    writes = (c.writes + c.index_writes for c in (cost, of_mails))
    return Spent(cost.reads + of_mails.reads, sum(writes), bench.bytes_out)


def _idle(site: Site) -> Spent:
    """A run of both schedules that find nothing to do."""
    with metered() as cost:
        sweep(site)
        site.invoke("MailerFunction", {"trigger": "redrive"})
    return Spent(cost.reads, cost.writes + cost.index_writes, 0)


def _kept(site: Site) -> int:
    """Bytes of a client with a cart and an order, and what DynamoDB adds to each row."""
    before = sum(size(row) + 100 for row in site.cloud.rows())
    bench = Bench(site)
    bench.browser.register(uses.NINA)
    bench.browser.add(VOUCHER)
    uses.order(bench, LINES)
    bench.fill(bench.browser, LINES)
    site.drain()
    return sum(size(row) + 100 for row in site.cloud.rows()) - before


def _of_a_client(spent: Mapping[str, Spent], kept: int) -> dict[str, float]:
    def sum_of(part: Callable[[Habit, Spent], float]) -> float:
        return sum(habit.times * part(habit, spent[habit.name]) for habit in HABITS)

    def requests(habit: Habit, _: Spent) -> float:
        return 0 if habit.visit is removal else 1

    asked = sum_of(requests)
    mails = sum_of(lambda habit, _: habit.mails)
    return {
        "DynamoDB, reads": READ_PRICE / 1e6 * sum_of(lambda _, once: once.reads),
        "DynamoDB, writes": WRITE_PRICE / 1e6 * sum_of(lambda _, once: once.writes),
        "DynamoDB, storage": GIGABYTE_KEPT * kept / GIGABYTE,
        "HTTP API and Lambda": asked * (REQUEST + SECOND * PAID_SECONDS),
        "mails": mails * (MAIL + SECOND * PAID_SECONDS),
        "logs": asked * LOGGED / GIGABYTE * GIGABYTE_LOGGED,
        "traffic": GIGABYTE_OUT / GIGABYTE * sum_of(lambda _, once: once.bytes),
    }


def _units(once: Spent) -> list[str]:
    return [f"{once.reads:g}", f"{once.writes:g}", f"{once.bytes:,}"]


if __name__ == "__main__":
    sys.path[0:0] = PATH
    print(measure(lambda _: None)[0])
