"""Which language to answer in, and the words for it."""

import gettext
from functools import cache
from pathlib import Path

from foyer.settings import own_language, settings


def chosen(text: str | None) -> str | None:
    """The language `?lang=` names, if it is one of ours."""
    language = (text or "").lower()
    return language if language in settings().locales else None


def preferred(accept_language: str) -> str:
    """The first of ours a browser asks for (RFC 9110, 12.5.4); else the site's own."""
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(accept_language[:1000].split(",")):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if language in settings().locales and weight > 0:
            ranked.append((-weight, position, language))
    return min(ranked)[2] if ranked else own_language()


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


@cache
def translations(domain: str, folder: Path, language: str) -> gettext.NullTranslations:
    """The words of `domain` in `language`; English is what the source says."""
    return gettext.translation(domain, folder, [language], fallback=True)


_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}


def money(amount: int, currency: str, language: str) -> str:
    """An amount in minor units as people of that language write it."""
    symbol = _SYMBOLS.get(currency, currency)
    whole, minor = divmod(amount, 100)
    if language == "en":
        return f"{symbol}{whole:,}.{minor:02}"
    grouped = f"{whole:,}".replace(",", "\u202f" if language == "fr" else ".")
    return f"{grouped},{minor:02}\u00a0{symbol}"
