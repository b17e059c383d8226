"""`make translations` as well: the names of countries in the languages of the pages, from Babel's
data into the file that pages read."""

import json
from unicodedata import combining, normalize

from babel import Locale

from foyer.rules.addresses import COUNTRIES
from foyer.settings import WRITTEN
from local.site import ROOT

TARGET = ROOT / "functions" / "pages" / "skin" / "countries.json"


def _place(name: str) -> str:
    """Where people look for it in a list: an accent does not make another letter."""
    return "".join(c for c in normalize("NFKD", name.casefold()) if not combining(c))


def document() -> str:
    """By language: each country's code and name, in the order of the names."""
    names = {}
    for language in WRITTEN:
        known = Locale.parse(language).territories
        ordered = sorted((_place(known[code]), code) for code in COUNTRIES)
        names[language] = {code: known[code] for _, code in ordered}
    return json.dumps(names, ensure_ascii=False, indent=1) + "\n"


def update() -> None:
    TARGET.write_text(document(), encoding="utf-8")
