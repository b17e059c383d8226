"""policy.toml is read strictly: what it says wrongly is named."""

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from foyer.rules import policy
from foyer.rules.policy import BrokenPolicy, parse
from local.site import ROOT

TEXT = Path(policy.__file__).with_name("policy.toml").read_text(encoding="utf-8")


def test_the_policy_that_ships_is_understood() -> None:
    assert parse(TEXT).shop.currency == "EUR"


RULE = 'name = "everybody else"'
LATE = '[[registration]]\nname = "{}"\n{}\nroles = []\n\n[approvals]'


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("currency", "curency", "unknown key shop.curency. Known here: currency, "),
        ("shipping = 590 ", "# ", "shop.shipping is missing. Say what"),
        ("shipping = 590", 'shipping = "590"', "shop.shipping is '590'. It must be a whole number"),
        ("shipping = 590", "shipping = -1", "shop.shipping is -1. It must not be negative"),
        ("idle_days = 30", "idle_days = true", "guests.idle_days is True. It must be a whole"),
        ('sign_up = ["G", "R", "A", "S"]', 'sign_up = "G"', "actions.sign_up must be a list"),
        ("lines = 100", "lines = 101", "carts.lines is 101. It goes from 1 to 100"),
        ("quantity = 99", "quantity = 0", "carts.quantity is 0. It goes from 1 to 99"),
        ("[outbox]", "[outbox", "this is no TOML"),
        ('sha256 = "', 'sha256 = "x', "shop.terms.sha256 is no SHA-256. `make test` says"),
        ("[shop.terms]", "[shop.other]", "unknown key shop.other"),
        ('order = ["G"', 'order = ["X"', "actions.order.0. is 'X'. Name one of G, R, A, S"),
        ('profile_type = "B"', 'profile_type = "X"', "Name one of C, B"),
        (RULE, RULE + '\nkind = "walk_in"', "Name one of sign_up, on_behalf"),
        (RULE, RULE + "\nwhen = 1", r"unknown key registration\[1\].when"),
        ('{ role = "buyer"', '{ role = "photographer"', "administrative role .photographer.. No r"),
        ('{ role = "buyer"', '{ role = "byer"', "unknown role .byer.. Name one of registered_c"),
        ('"buyer", "reseller"]', '"buyer", "photographer"]', "only staff give those"),
        ("[approvals]", LATE.format("late", ""), '"late" can never match: .*"everybody else"'),
        (RULE, RULE.replace("everybody else", "people of a business customer"), "two rules are"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_what_to_do(
    before: str, after: str, named: str
) -> None:
    assert before in TEXT
    broken = TEXT.replace(before, after, 1)
    with pytest.raises(BrokenPolicy, match=named) as raised:
        parse(broken)
    line = re.match(r"policy.toml, line (\d+): ", str(raised.value))
    assert line
    changed = next(
        number
        for number, (old, new) in enumerate(
            itertools.zip_longest(TEXT.splitlines(), broken.splitlines()), 1
        )
        if old != new
    )
    assert abs(int(line[1]) - changed) <= 14, "the line is of the place, or of its table"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('profile_type = "B"', 'profile_type = "B"\nkind = "order"'),
        ('organization = "root"', 'organization = "studio"'),
        ('organization = "studio"', 'organization = "studio"\nprofile_type = "C"'),
    ],
)
def test_a_rule_that_can_never_match_is_named(first: str, second: str) -> None:
    rules = "".join(
        f'[[registration]]\nname = "{name}"\n{what}\nroles = []\n'
        for name, what in (("first", first), ("second", second))
    )
    start, end = TEXT.index("[[registration]]"), TEXT.index("[approvals]")
    with pytest.raises(BrokenPolicy, match='rule "second" can never match'):
        parse(TEXT[:start] + rules + TEXT[end:])
    swapped = rules.replace("first", "third")
    parts = swapped.split("[[registration]]")
    parse(TEXT[:start] + "[[registration]]".join(["", parts[2], parts[1]]) + TEXT[end:])


def test_rules_that_together_take_everything_leave_nothing() -> None:
    both = "".join(
        f'[[registration]]\nname = "{type_}"\nprofile_type = "{type_}"\nroles = []\n'
        for type_ in "BC"
    )
    start, end = TEXT.index("[[registration]]"), TEXT.index("[approvals]")
    late = '[[registration]]\nname = "late"\norganization = "studio"\nroles = []\n'
    with pytest.raises(BrokenPolicy, match='taken by "B" and "C"'):
        parse(TEXT[:start] + both + late + TEXT[end:])


def test_a_broken_policy_stops_the_start_and_the_build(tmp_path: Path) -> None:
    """Both import it: the start of every function, and the layer's build."""
    copied = tmp_path / "foyer"
    shutil.copytree(ROOT / "layers/foyer/foyer", copied)
    (copied / "rules/policy.toml").write_text(TEXT.replace("again = 3", "agin = 3"))
    makefile = (ROOT / "layers/foyer/Makefile").read_text()
    (check,) = re.findall(r"^\t\$\(PYTHON\) (-c .*)$", makefile, re.M)
    run = subprocess.run(
        ["sh", "-c", f"python3 {check}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode != 0
    assert "policy.toml, line" in run.stderr
    assert "unknown key approvals.agin. Known here: again, again_days" in run.stderr
