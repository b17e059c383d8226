"""policy.toml is read strictly: what it says wrongly is named."""

from pathlib import Path

import pytest

from foyer.rules import policy
from foyer.rules.policy import BrokenPolicy, parse

TEXT = Path(policy.__file__).with_name("policy.toml").read_text(encoding="utf-8")


def test_the_policy_that_ships_is_understood() -> None:
    assert parse(TEXT).shop.currency == "EUR"


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("currency", "curency", "unknown key shop.curency"),
        ("shipping = 590 ", "# ", "shop.shipping is missing"),
        ("shipping = 590", 'shipping = "590"', "shop.shipping must be of type int"),
        ("shipping = 590", "shipping = -1", "shop.shipping must not be negative"),
        ("guest_orders = true", "guest_orders = 1", "shop.guest_orders must be of type bool"),
        ("idle_days = 30", "idle_days = true", "guests.idle_days must be of type int"),
        ('offered = ["en", "fr", "es"]', 'offered = "en"', "languages.offered must be a list"),
        ('default = "en"', 'default = "de"', "languages.default is not among"),
        ("lines = 100", "lines = 101", "carts.lines goes to 100"),
        ("quantity = 99", "quantity = 0", "carts.quantity to 99"),
        ("[outbox]", "[outbox", "policy.toml"),
        ("[shop.terms]", "[shop.other]", "unknown key shop.other"),
    ],
)
def test_what_is_wrong_is_named(before: str, after: str, named: str) -> None:
    assert before in TEXT
    with pytest.raises(BrokenPolicy, match=named):
        parse(TEXT.replace(before, after, 1))
