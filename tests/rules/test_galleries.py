"""The rules of galleries, pure: the truth table of the door (A9, A10), passwords forgiven (P10)."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foyer.rules.galleries import HIDDEN, Door, Entry, Gallery, Rights, entry, forgiven

NOW = 1_800_000_000
PLAIN = Gallery("g", "Title", "Studio", "public", "public")
WEB, ORIGINAL = Rights(download="web"), Rights(download="original")
BARRED = Rights(enter=False)

# visibility  access    everybody enters | nobody known | with a pass | signed in | + pass
TABLE = """
public    public    yes | open        | open        | open        | open
public    public    no  | sign_in     | sign_in     | not_invited | not_invited
public    password  yes | password    | open        | password    | open
public    password  no  | password    | sign_in     | password    | not_invited
public    login     yes | sign_in     | sign_in     | open        | open
public    login     no  | sign_in     | sign_in     | not_invited | not_invited
unlisted  public    yes | open        | open        | open        | open
unlisted  public    no  | sign_in     | sign_in     | not_invited | not_invited
unlisted  password  yes | password    | open        | password    | open
unlisted  password  no  | password    | sign_in     | password    | not_invited
unlisted  login     yes | sign_in     | sign_in     | open        | open
unlisted  login     no  | sign_in     | sign_in     | not_invited | not_invited
private   public    yes | hidden      | hidden      | hidden      | hidden
private   public    no  | hidden      | hidden      | hidden      | hidden
private   password  yes | hidden      | hidden      | hidden      | hidden
private   password  no  | hidden      | hidden      | hidden      | hidden
private   login     yes | hidden      | hidden      | hidden      | hidden
private   login     no  | hidden      | hidden      | hidden      | hidden
"""
VISITORS = [(False, False), (False, True), (True, False), (True, True)]  # signed in, passed
ROWS = [line.split("|") for line in TABLE.strip().splitlines()]


def gallery(text: str) -> Gallery:
    visibility, access, enters = text.split()
    everybody = Rights(enter=enters == "yes", download="web")
    return replace(PLAIN, visibility=visibility, access=access, everybody=everybody)  # type: ignore[arg-type]


def cells() -> list[tuple[str, tuple[bool, bool], str]]:
    return [
        (row[0].strip(), visitor, door.strip())
        for row in ROWS
        for visitor, door in zip(VISITORS, row[1:], strict=True)
    ]


def test_the_table_is_whole() -> None:
    kinds = {tuple(row[0].split()) for row in ROWS}
    wanted = product(
        ("public", "unlisted", "private"), ("public", "password", "login"), ("yes", "no")
    )
    assert kinds == set(wanted)


@pytest.mark.parametrize(("kind", "visitor", "door"), cells())
def test_a9_the_door_without_an_invitation(
    kind: str, visitor: tuple[bool, bool], door: str
) -> None:
    signed_in, passed = visitor
    found = entry(gallery(kind), NOW, signed_in=signed_in, passed=passed, grant=None)
    assert found.door.value == door
    assert found.rights == (WEB if door == "open" else BARRED)


@pytest.mark.parametrize(("kind", "visitor", "_"), cells())
def test_a10_who_is_named_enters_every_gallery_with_his_own_rights(
    kind: str, visitor: tuple[bool, bool], _: str
) -> None:
    signed_in, passed = visitor
    found = entry(gallery(kind), NOW, signed_in=signed_in, passed=passed, grant=ORIGINAL)
    assert found == Entry(Door.OPEN, ORIGINAL)


@pytest.mark.parametrize(("kind", "visitor", "_"), cells())
def test_a10_who_is_barred_by_name_stays_out_but_of_what_anybody_may_enter(
    kind: str, visitor: tuple[bool, bool], _: str
) -> None:
    signed_in, passed = visitor
    one = gallery(kind)
    found = entry(one, NOW, signed_in=signed_in, passed=passed, grant=BARRED)
    if one.visibility == "private":
        assert found == HIDDEN
    elif one.access == "public" and one.everybody.enter:
        assert found.door is Door.OPEN
    else:
        assert found == Entry(Door.NOT_INVITED)


@pytest.mark.parametrize("grant", [None, ORIGINAL])
@pytest.mark.parametrize("kind", [row[0] for row in ROWS])
def test_a15_a_gallery_that_is_over_is_there_for_nobody(kind: str, grant: Rights | None) -> None:
    over = replace(gallery(kind), expires_at=NOW)
    for signed_in, passed in VISITORS:
        assert entry(over, NOW, signed_in=signed_in, passed=passed, grant=grant) == HIDDEN
    last = replace(over, expires_at=NOW + 1)
    assert entry(last, NOW, signed_in=True, passed=True, grant=ORIGINAL).is_open
    gone = replace(gallery(kind), leaving=True)
    assert entry(gone, NOW, signed_in=True, passed=True, grant=grant) == HIDDEN
    assert entry(None, NOW, signed_in=True, passed=True, grant=grant) == HIDDEN


@pytest.mark.parametrize(
    "typed",
    [
        "  open sesame\n",
        "Open Sesame",
        "OPEN  SESAME",
        "open\u00a0sesame",
        "\u200bopen sesame\ufeff",
        "0pen sesame",
        "ｏｐｅｎ sesame",
    ],
)
def test_p10_a_gallerys_password_forgives_what_keyboards_and_cards_do_to_it(typed: str) -> None:
    assert forgiven(typed) == forgiven("open sesame")


@pytest.mark.parametrize(
    ("card", "typed"),
    [("Lea’s 1O-day–trip", "lea's lo-day-trip"), ("“Il mare”", '"ll mare"'), ("a|b10", "albio")],
)
def test_p10_characters_that_look_alike_are_alike(card: str, typed: str) -> None:
    assert forgiven(card) == forgiven(typed)


@pytest.mark.parametrize("typed", ["open sesam", "opensesame", "open sesame!", "", "open_sesame"])
def test_p10_another_password_is_another(typed: str) -> None:
    assert forgiven(typed) != forgiven("open sesame")


@given(st.text(max_size=40))
def test_p10_what_is_forgiven_once_is_forgiven(text: str) -> None:
    assert forgiven(f" {text}\t") == forgiven(text)
    assert forgiven(forgiven(text)) == forgiven(text)
