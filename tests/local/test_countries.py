"""The names of countries: Babel's, in every language of the pages, and all there are."""

import json

from foyer.rules.addresses import COUNTRIES
from foyer.settings import WRITTEN
from local import countries


def test_the_file_that_pages_read_is_current() -> None:
    assert countries.TARGET.read_text(encoding="utf-8") == countries.document(), "make translations"


def test_every_country_has_a_name_in_every_language_where_people_look_for_it() -> None:
    names = json.loads(countries.document())
    assert list(names) == list(WRITTEN)
    for known in names.values():
        assert known.keys() == COUNTRIES
        assert all(known.values())
    assert names["fr"]["DE"] == "Allemagne"
    french = list(names["fr"].values())
    assert french.index("Équateur") < french.index("Espagne"), "an accent is no letter of its own"
