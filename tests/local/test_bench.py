"""The bench's arithmetic; what it measures takes minutes, and is no test."""

import subprocess
import sys

import pytest

from bench import uses, warm
from bench.many_requests import shares
from local.cloud import Cost
from local.site import ROOT


def test_dollars_are_those_of_a_million_uses() -> None:
    assert uses.dollars(0, 0) == 0
    assert uses.dollars(2, 3) == pytest.approx(2 * 0.1415 + 3 * 0.7075)


def test_a_use_is_within_its_budget_or_says_that_it_is_not() -> None:
    use = uses.Use("any", lambda *_: Cost(), lambda k, n: (2, k, n), floor=(1, 0, 1))
    cost = Cost(calls=2, reads=1, writes=10, index_writes=1)
    assert uses._figure(use, 10, cost, 1)["within"]
    assert not uses._figure(use, 9, cost, 1)["within"]
    row = uses._row(uses._figure(use, 10, cost, 1), first=True)
    assert row[0] == "any"
    assert row[-2:] == ["2.0 x", f"{(0.1415 + 11 * 0.7075) / 0.7075:.1f} x"]


def test_what_costs_nothing_where_the_floor_is_nothing_is_a_tie() -> None:
    nothing = {"calls": 0, "dollars_a_million": 0.0}
    assert uses._ratios(nothing, (0, 0, 0)) == ["tie", "tie"]
    assert uses._ratios({"calls": 1, "dollars_a_million": 0.1}, (0, 0, 0)) == ["over", "over"]


def test_every_use_of_the_budget_is_driven() -> None:
    assert len(uses.USES) == len({use.name for use in uses.USES}) == 13


def test_the_readme_shows_what_a_month_costs_as_it_is_measured() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench.month"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_rivals_answer_what_ours_answers() -> None:
    same = {"statusCode": 200, "body": '{"a": 1}'}
    warm._same_answers({warm.FOYER: same, warm.BARE: {"statusCode": 200, "body": '{"a":1}'}})
    with pytest.raises(RuntimeError, match="not the same"):
        warm._same_answers({warm.FOYER: same, warm.BARE: {"statusCode": 201, "body": "{}"}})


def test_shares_are_of_the_whole() -> None:
    found = shares(lambda: print(sum(range(1000)), end=""))
    assert sum(found.values()) == pytest.approx(1)
