"""(a) What each use costs in calls and units, by DynamoDB's arithmetic, driven over HTTP through
the real handlers; beside house.md's budget, the floor, and what others pay."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.cloud import Cost
from local.gateway import Gateway
from local.site import Site
from local.tables import table
from tests.carts import fill, kilobytes
from tests.ordering import place
from tests.visiting import URL, VOUCHER, Answer, Browser

LINES = (1, 10, 100)
# DynamoDB on demand, eu-west-1, as since November 2024: dollars for a million request units. An
# assumption: look them up before you rely on them. Lambda, API Gateway, mail and logs come on top.
READ_PRICE, WRITE_PRICE = 0.1415, 0.7075

Budget = Callable[[int, int], tuple[float, float, float]]  # K and lines -> calls, reads, writes
Visit = Callable[["Bench", int], Cost]


@dataclass(frozen=True)
class Use:
    name: str
    visit: Visit
    budget: Budget
    grows: bool = True  # whether it has anything to do with a cart
    floor: tuple[float, float, float] | None = None  # calls, reads, writes (performance.md)
    floor_lines: tuple[int, ...] = LINES  # with how many lines that is the floor


def dollars(reads: float, writes: float) -> float:
    """What a million of such uses cost."""
    return reads * READ_PRICE + writes * WRITE_PRICE


class Bench:
    """The site with its demo studio, and browsers whose containers have fetched both keys: that is
    counted apart."""

    def __init__(self, site: Site) -> None:
        self.site, self.gateway = site, Gateway(site)
        self.browser = Browser(self.gateway)
        self.kilobytes = 0  # of the cart that counts
        self.bytes_out = 0  # of the answer that counts

    def other(self, address: str = "192.0.2.9") -> Browser:
        return Browser(self.gateway, address=address)

    def fill(self, browser: Browser, lines: int, prefix: str = "thing") -> None:
        fill(self.site, browser, lines, prefix)
        self.weigh(browser)

    def weigh(self, browser: Browser) -> None:
        self.kilobytes = kilobytes(self.site, browser)

    def cost(self, browser: Browser, answer: Answer, status: int = 200) -> Cost:
        """Of the last request, which must have succeeded."""
        if answer.status_code != status:
            raise RuntimeError(f"{answer.request.path}: {answer.status_code} {answer.text[:500]}")
        self.bytes_out = len(answer.data)
        return Cost(**browser.cost())


# ---- the uses of the budget, in its order -------------------------------------------------------

NINA = "nina@example.com"


def looking(*paths: str) -> Visit:
    """The dearest of these pages, for the generic user."""

    def visit(bench: Bench, _: int) -> Cost:
        costs = [bench.cost(bench.browser, bench.browser.get(path)) for path in paths]
        return max(costs, key=lambda cost: (cost.calls, cost.reads))

    return visit


def session_of_guest(bench: Bench, lines: int) -> Cost:
    bench.fill(bench.browser, lines)
    return bench.cost(bench.browser, bench.browser.get("/v1/session"))


def session_of_client(bench: Bench, lines: int) -> Cost:
    bench.browser.register(NINA)
    return session_of_guest(bench, lines)


def cart(bench: Bench, lines: int) -> Cost:
    bench.fill(bench.browser, lines)
    return bench.cost(bench.browser, bench.browser.get("/v1/cart"))


def first_add(bench: Bench, _: int) -> Cost:
    return bench.cost(bench.browser, bench.browser.add(VOUCHER), 201)


def next_add(bench: Bench, lines: int) -> Cost:
    """More of the last of so many lines."""
    bench.fill(bench.browser, lines)
    thing = {"product_id": f"thing-{lines - 1:016}", "quantity": 1}
    bench.browser.add(thing)  # the container has seen this cart
    return bench.cost(bench.browser, bench.browser.add(thing), 201)


def sign_up(bench: Bench, lines: int) -> Cost:
    bench.fill(bench.browser, lines)
    return bench.cost(bench.browser, bench.browser.sign_up(NINA), 202)


def activate(bench: Bench, lines: int) -> Cost:
    sign_up(bench, lines)
    return bench.cost(bench.browser, bench.browser.activate(bench.browser.token(NINA)))


def activate_elsewhere(bench: Bench, lines: int) -> Cost:
    sign_up(bench, lines)
    other = bench.other()
    answer = other.elsewhere(bench.browser.token(NINA), take_over=True)
    cost = bench.cost(other, answer)
    bench.weigh(other)
    return cost


def sign_in(bench: Bench, lines: int) -> Cost:
    bench.browser.register(NINA)
    bench.fill(bench.browser, lines)
    other = bench.other()
    return bench.cost(other, other.sign_in(NINA))


def sign_in_and_merge(bench: Bench, lines: int) -> Cost:
    """As many lines in the one cart as in the other, none of them the same."""
    bench.browser.register(NINA)
    bench.fill(bench.browser, lines, "hers")
    other = bench.other()
    bench.fill(other, lines, "mine")
    cost = bench.cost(other, other.sign_in(NINA))
    bench.weigh(other)
    return cost


def order(bench: Bench, lines: int) -> Cost:
    bench.fill(bench.browser, lines)
    return bench.cost(bench.browser, place(bench.browser, NINA), 201)


RECORD = 2  # written for the idempotency key an order must have: counted apart in the budget
USES = [
    Use(
        "session, store, sign-in, sign-up (generic)",
        looking("/v1/session", "/v1/store", "/sign-in", "/sign-up", "/activate"),
        lambda _k, _n: (0, 0, 0),
        grows=False,
        floor=(0, 0, 0),
    ),
    Use(
        "home, products, public gallery (generic)",
        looking("/", "/v1/products", "/v1/galleries/coast/pictures"),
        lambda _k, _n: (2, 2, 0),
        grows=False,
    ),
    Use("session of a guest", session_of_guest, lambda k, _n: (1, 2 + k / 4, 0)),
    Use("session, signed in", session_of_client, lambda k, _n: (1, 2 + k / 4, 0)),
    Use("the cart", cart, lambda k, n: (2, 2 + k / 4 + n / 2, 0)),
    Use("first add", first_add, lambda _k, _n: (3, 2, 6), grows=False, floor=(1, 0, 1)),
    Use("next add", next_add, lambda k, _n: (2, 3 + k / 4, k)),
    Use("sign up", sign_up, lambda _k, _n: (3, 3, 18), floor=(1, 0, 1)),
    Use("activate, this browser", activate, lambda _k, _n: (3, 4, 30), floor=(1, 0, 4)),
    Use(
        "activate elsewhere, take-over",
        activate_elsewhere,
        lambda k, _n: (4, 6 + k / 2, 30 + 6 * k),
    ),
    Use("sign in", sign_in, lambda _k, _n: (5, 4, 12), floor=(1, 0.5, 0)),
    Use(
        "sign in and merge",
        sign_in_and_merge,
        lambda k, _n: (6, 8 + k / 2, 20 + 6 * k),
        floor=(3, 0, 8),  # 8 to 40, as the carts are laid out
        floor_lines=(100,),
    ),
    Use("place an order", order, lambda k, n: (4, 6 + k / 4 + n / 2, 18 + 6 * k + RECORD)),
]

# performance.md, 2026-11-22: measured there, not here.
ELSEWHERE = [
    ["first anonymous view", "0", "0", "0", "0"],
    ["guest adds to cart", "2 calls, 2 WCU, 1 HTTP", "2-6 SQL", "no guests", "1 call, 1 WCU"],
    ["sign up", "Cognito", "13 SQL, 17 ms", "4 SQL, 10 ms", "1 call, 1 WCU"],
    ["activate", "Cognito", "7 SQL, 6.8 ms", "3 SQL, 6.7 ms", "1 call, 4 WCU"],
    ["sign in", "Cognito", "6 SQL, 7.6 ms", "1-3 SQL, 4.2 ms", "1 call, 0.5 RCU"],
    [
        "sign in and merge 100 lines",
        "422 calls, 400 WCU, doubles when retried",
        "9 SQL (blob) - 410 (table), 132 ms",
        "none",
        "3 calls, 8-40 WCU",
    ],
    ["clean up M guests", "TTL", "1 SQL, carts orphaned", "none", "O(M)"],
]


@contextmanager
def scene() -> Iterator[tuple[Site, Callable[[], None]]]:
    """The site before every use, and the way back to it."""
    os.environ.setdefault("PASSWORD_COST", "8,1,1")  # hashes are no calls
    with Site(URL, clock=lambda: 1_795_334_400.0) as site:  # the full hour: limits begin anew
        site.module("local.seed").plant(site.now())
        Bench(site).other("192.0.2.99").register("warm@example.com")
        site.drain()
        yield site, site.remember()


def measure(tell: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
    """The tables, and the figures in them."""
    figures, rows = [], []
    with scene() as (site, back):
        for use in USES:
            tell(f"uses: {use.name}")
            for lines in LINES if use.grows else (1,):
                back()
                bench = Bench(site)
                cost = use.visit(bench, lines)
                figure = _figure(use, lines, cost, bench.kilobytes)
                figures.append(figure)
                rows.append(_row(figure, first=lines == LINES[0]))
    head = ["use", "lines", "K", "calls", "reads", "writes", "index writes", "budget", "within"]
    head += ["$ a million", "floor", "calls/floor", "$/floor"]
    title = "(a) Calls and units of each use; the budget is house.md's: calls, reads, writes"
    others = ["measured elsewhere (performance.md)", "AWS shopping-cart sample"]
    others += ["Django + allauth", "fastapi-users", "the floor on DynamoDB"]
    text = table(title, head, rows) + "\n" + table("What others pay", others, ELSEWHERE)
    return text, {"prices": {"read": READ_PRICE, "write": WRITE_PRICE}, "uses": figures}


def _figure(use: Use, lines: int, cost: Cost, k: int) -> dict[str, Any]:
    budget = use.budget(k, lines)
    spent = (cost.calls, cost.reads, cost.writes)
    return {
        "use": use.name,
        "lines": lines if use.grows else None,
        "kilobytes": k,
        **vars(cost),
        "budget": budget,
        "within": all(is_ <= may for is_, may in zip(spent, budget, strict=True)),
        "dollars_a_million": dollars(cost.reads, cost.writes + cost.index_writes),
        "floor": use.floor if lines in use.floor_lines else None,
    }


def _row(figure: dict[str, Any], *, first: bool) -> list[str]:
    floor = figure["floor"]
    return [
        figure["use"] if first else "",
        str(figure["lines"] or "-"),
        str(figure["kilobytes"] or "-"),
        str(figure["calls"]),
        f"{figure['reads']:g}",
        f"{figure['writes']:g}",
        f"{figure['index_writes']:g}",
        ", ".join(f"{value:g}" for value in figure["budget"]),
        "yes" if figure["within"] else "NO",
        f"{figure['dollars_a_million']:.2f}",
        "" if floor is None else ", ".join(f"{value:g}" for value in floor),
        *(["", ""] if floor is None else _ratios(figure, floor)),
    ]


def _ratios(figure: dict[str, Any], floor: tuple[float, float, float]) -> list[str]:
    """Times the floor; where that is nothing, a tie or not."""

    def ratio(ours: float, least: float) -> str:
        return f"{ours / least:.1f} x" if least else ("tie" if not ours else "over")

    calls, reads, writes = floor
    paid = figure["dollars_a_million"]
    return [ratio(figure["calls"], calls), ratio(paid, dollars(reads, writes))]
