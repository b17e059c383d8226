"""Prices as people type them: exact, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foyer.rules.prices import MOST, as_typed, minor_units


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("45", 4500),
        ("45.00", 4500),
        ("45,00", 4500),
        ("45.5", None),
        ("0.05", 5),
        ("0", 0),
        ("00,10", 10),
        (" 45,50\t", 4550),
        ("\u00a045\u202f", 4500),
        ("999999.99", MOST),
        ("999999999999", 99_999_999_999_900),
        ("9999999999999", None),
        ("19.99", 1999),
        ("4.35", 435),
        ("1.15", 115),
    ],
)
def test_a_price_is_read_to_the_last_cent(typed: str, amount: int | None) -> None:
    assert minor_units(typed) == amount


@pytest.mark.parametrize(
    "typed",
    ["", " ", "free", "-1", "+1", "−1", "45.", "45,", ".50", ",50", "45.0", "45.000", "1,250",
     "1.250", "1,250.00", "1.250,00", "1 250", "1'250", "45.00.00", "45,00 €", "€45", "EUR 45",
     "4e3", "0x10", "4_5", "٤٥", "４５", "45.٠٠", "½", "NaN", "inf", "45\n46", "45;00", "9" * 5000],
    ids=lambda typed: repr(typed)[:12],
)  # fmt: skip
def test_whatever_else_is_typed_is_no_price(typed: str) -> None:
    assert minor_units(typed) is None


@given(st.integers(0, MOST), st.sampled_from(".,"))
def test_every_price_we_show_in_a_form_is_read_as_itself(amount: int, mark: str) -> None:
    assert minor_units(as_typed(amount, mark)) == amount


@given(st.text(alphabet="0123456789., €-eE\u00a0\u202f", max_size=20))
def test_what_is_read_as_a_price_is_what_is_written_there(typed: str) -> None:
    amount = minor_units(typed)
    if amount is not None:
        digits = typed.strip().replace(",", ".")
        assert digits.count(".") <= 1
        assert as_typed(amount).lstrip("0") in {digits.lstrip("0"), f"{digits}.00".lstrip("0")}
