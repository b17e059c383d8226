"""A user's life, what a cookie is worth, and when a look counts as a sign of life."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from foyer.rules import users
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Role
from foyer.rules.sessions import (
    DAY,
    HOUR,
    JUST_ENDED,
    Level,
    Session,
    clock_is_due,
    is_proved,
    level,
    to_drop,
)
from foyer.rules.users import (
    LIFE,
    Event,
    ImpossibleStep,
    Standing,
    State,
    User,
    after,
    guest_standing,
    logon_id,
    masked,
    may_sign_in,
    rate_id,
    session_standing,
    what_is_next,
)

NOW = 1_800_000_000
RULES = POLICY.sessions
GUEST = User("id", "en", NOW, "hash")
SESSION = Session("sid", "hash", NOW, NOW, NOW, False, "Firefox, Windows")
CLIENT = User(
    "id", "en", NOW, status=State.APPROVED, sessions={"sid": SESSION}, was="was", promoted_at=NOW
)


def test_the_life_of_a_user_is_what_the_diagram_draws() -> None:
    text = Path(users.__file__).with_name("users.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^ +(\w+) --> (\w+): (\w+)$", text, re.M)
    assert len(drawn) == text.count("-->")
    assert {((State(a), Event(e)), State(b)) for a, b, e in drawn} == set(LIFE.items())


def test_every_edge_that_is_not_drawn_is_refused() -> None:
    for state, event in product(State, Event):
        if (state, event) in LIFE:
            assert after(state, event) is LIFE[state, event]
        else:
            with pytest.raises(ImpossibleStep):
                after(state, event)


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
        (CLIENT, "was", Standing.JUST_ENDED),
        (replace(CLIENT, promoted_at=NOW - JUST_ENDED), "was", Standing.WORTHLESS),
        (CLIENT, "hash", Standing.WORTHLESS),
        (replace(GUEST, status=State.PENDING_APPROVAL), "hash", Standing.LIVE),
    ],
)
def test_0_17_what_a_guests_cookie_is_worth(
    user: User | None, secret: str, expected: Standing
) -> None:
    assert guest_standing(user, secret, NOW) is expected


@pytest.mark.parametrize(
    ("user", "session_id", "secret", "expected"),
    [
        (CLIENT, "sid", "hash", (Standing.LIVE, Level.SIGNED_IN)),
        (CLIENT, "sid", "other", (Standing.WORTHLESS, Level.GENERIC)),
        (CLIENT, "gone", "hash", (Standing.WORTHLESS, Level.GENERIC)),
        (None, "sid", "hash", (Standing.WORTHLESS, Level.GENERIC)),
        (
            replace(CLIENT, sessions_ended_at=NOW - 1),
            "gone",
            "hash",
            (Standing.JUST_ENDED, Level.GENERIC),
        ),
        (
            replace(CLIENT, status=State.DISABLED),
            "sid",
            "hash",
            (Standing.WORTHLESS, Level.GENERIC),
        ),
        (GUEST, "sid", "hash", (Standing.WORTHLESS, Level.GENERIC)),
    ],
)
def test_0_17_what_a_sessions_cookie_is_worth(
    user: User | None, session_id: str, secret: str, expected: tuple[Standing, Level]
) -> None:
    assert session_standing(user, session_id, secret, NOW, RULES) == expected


REMEMBERED = replace(SESSION, remember=True)


@pytest.mark.parametrize(
    ("session", "after_", "staff", "expected"),
    [
        (SESSION, 2 * HOUR - 1, False, Level.SIGNED_IN),
        (SESSION, 2 * HOUR, False, Level.GENERIC),
        (REMEMBERED, 2 * HOUR, False, Level.REMEMBERED),
        (REMEMBERED, 30 * DAY - 1, False, Level.REMEMBERED),
        (REMEMBERED, 30 * DAY, False, Level.GENERIC),
        (SESSION, HOUR - 1, True, Level.SIGNED_IN),
        (SESSION, HOUR, True, Level.GENERIC),
        (REMEMBERED, HOUR, True, Level.GENERIC),
        (replace(SESSION, seen_at=NOW + DAY), DAY, True, Level.GENERIC),
        (replace(SESSION, seen_at=NOW + 30 * DAY), 30 * DAY, False, Level.GENERIC),
    ],
)
def test_0_14_r24_how_long_a_session_lasts(
    session: Session, after_: int, staff: bool, expected: Level
) -> None:
    assert level(session, NOW + after_, RULES, staff=staff) is expected


def test_0_13_a_clients_clock_is_pushed_at_most_once_an_hour_staffs_every_ten_minutes() -> None:
    assert not clock_is_due(SESSION, NOW + HOUR - 1, staff=False)
    assert clock_is_due(SESSION, NOW + HOUR, staff=False)
    assert clock_is_due(SESSION, NOW + 600, staff=True)


def test_0_14_a_proof_is_fresh_for_ten_minutes() -> None:
    assert is_proved(SESSION, NOW + 599, RULES)
    assert not is_proved(SESSION, NOW + 600, RULES)


def test_r24_the_eleventh_session_ends_the_oldest_and_what_is_over_goes_first() -> None:
    ten = [replace(SESSION, id=str(n), started_at=NOW + n) for n in range(10)]
    assert to_drop(ten[:9], NOW + 20, RULES) == []
    assert to_drop(ten, NOW + 20, RULES) == ["0"]
    assert to_drop(ten, NOW + 30 * DAY + 1, RULES) == ["0", "1"]


def test_h19_only_the_approved_may_sign_in_and_the_others_hear_why() -> None:
    may_sign_in(CLIENT)
    reasons = {
        State.PENDING_APPROVAL: Reason.APPROVAL_PENDING,
        State.REJECTED: Reason.REGISTRATION_REJECTED,
        State.DISABLED: Reason.ACCOUNT_DISABLED,
        State.CLOSED: Reason.WRONG_CREDENTIALS,
        None: Reason.WRONG_CREDENTIALS,
    }
    for status, reason in reasons.items():
        with pytest.raises(Refusal) as refused:
            may_sign_in(replace(CLIENT, status=status))
        assert refused.value.reason is reason


def test_h8_h11_h14_h15_the_type_is_derived() -> None:
    site = Role("site_administrator", "root")
    photographer = Role("photographer", "studio-ana")
    client = Role("registered_customer", "default")
    assert GUEST.registration_type == "G"
    assert replace(GUEST, status=State.PENDING_APPROVAL).registration_type == "G"
    assert CLIENT.registration_type == "R"
    assert replace(CLIENT, roles=(client,)).registration_type == "R"
    assert replace(CLIENT, roles=(client, photographer)).registration_type == "A"
    assert replace(CLIENT, roles=(photographer, site)).registration_type == "S"
    assert replace(CLIENT, roles=(site,), status=State.DISABLED).registration_type == "S"


def test_what_is_next_names_what_is_missing() -> None:
    assert what_is_next(CLIENT, "v1") == ("choose_password", "accept_terms")
    assert what_is_next(replace(CLIENT, password_id="x", terms="v1"), "v1") == ()


def test_r31_an_address_is_the_same_in_any_case_and_limits_drop_tags_and_dots() -> None:
    assert logon_id("Nina.Lopez+x@Example.COM") == "nina.lopez+x@example.com"
    assert rate_id("nina.lopez+x@example.com") == "ninalopez@example.com"


def test_an_address_is_masked_beyond_its_first_letters() -> None:
    assert masked("nina@example.com") == "n…@e….com"
    assert masked("n@localhost") == "n…@l…"
