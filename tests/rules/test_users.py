"""What a cookie is worth, and when a look counts as a sign of life."""

from dataclasses import replace

import pytest

from foyer.rules.users import JUST_ENDED, SEEN_EVERY, Standing, User, idle_clock_is_due, standing

NOW = 1_800_000_000
GUEST = User("id", "hash", NOW, "en")


@pytest.mark.parametrize(
    ("user", "secret", "expected"),
    [
        (GUEST, "hash", Standing.LIVE),
        (GUEST, "other", Standing.WORTHLESS),
        (GUEST, "", Standing.WORTHLESS),
        (None, "hash", Standing.WORTHLESS),
        (replace(GUEST, ended_at=NOW), "hash", Standing.JUST_ENDED),
        (replace(GUEST, ended_at=NOW - JUST_ENDED + 1), "hash", Standing.JUST_ENDED),
        (replace(GUEST, ended_at=NOW - JUST_ENDED), "hash", Standing.WORTHLESS),
        (replace(GUEST, ended_at=NOW), "other", Standing.WORTHLESS),
    ],
)
def test_0_17_what_a_cookie_is_worth(user: User | None, secret: str, expected: Standing) -> None:
    assert standing(user, secret, NOW) is expected


def test_0_13_the_idle_clock_is_pushed_at_most_once_a_day() -> None:
    assert not idle_clock_is_due(GUEST, NOW + SEEN_EVERY - 1)
    assert idle_clock_is_due(GUEST, NOW + SEEN_EVERY)


def test_h8_a_guest_is_of_type_g() -> None:
    assert GUEST.registration_type == "G"
