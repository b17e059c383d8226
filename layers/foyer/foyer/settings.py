"""What the template says to a function through its environment, read once and checked at start."""

import os
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

Language = Literal["en", "fr", "es"]  # there are words in: the folders called locales
WRITTEN: tuple[str, ...] = get_args(Language)

_HOST = re.compile(r"(https://[a-z0-9.-]+|http://localhost)(:[0-9]+)?")


class BrokenSettings(ValueError):
    """The site cannot start as it was deployed; the message says why, and what to do."""


@dataclass(frozen=True)
class Settings:
    site_name: str
    site_url: str  # scheme and host, no slash at the end
    site_secret: str  # the ARN of the secret
    links_secret: str  # likewise
    password_cost: str  # of argon2id: KiB of memory, passes, lanes (R3)
    locales: tuple[str, ...]  # the languages offered, the site's own first


@cache
def settings() -> Settings:
    """Raises BrokenSettings."""
    return Settings(
        site_name=os.environ["SITE_NAME"],
        site_url=_site_url(os.environ["SITE_URL"].rstrip("/")),
        site_secret=os.environ.get("SITE_SECRET", ""),
        links_secret=os.environ.get("LINKS_SECRET", ""),
        password_cost=os.environ.get("PASSWORD_COST", "19456,2,1"),
        locales=_locales(os.environ["LOCALES"].split(",")),
    )


def own_language() -> str:
    """The site's, where nobody chose another."""
    return settings().locales[0]


def _site_url(url: str) -> str:
    if ".execute-api." in url:
        raise BrokenSettings(
            f"SITE_URL is {url}: to pages of any other site an execute-api host is another site, "
            "and browsers keep its cookies from them. Deploy with SiteUrl at a host of yours, and "
            "DomainName or a CDN in front of the API (README, Deploy)."
        )
    if not _HOST.fullmatch(url):
        raise BrokenSettings(
            f"SITE_URL is {url}: it must be https:// and a host in lower case, as browsers write "
            "it, nothing behind it. Deploy with SiteUrl=https://accounts.example.com, say."
        )
    return url


def _locales(named: list[str]) -> tuple[str, ...]:
    if strange := [name for name in named if name not in WRITTEN]:
        raise BrokenSettings(
            f"LOCALES names {strange[0]!r}: there are words in {', '.join(WRITTEN)} alone. Deploy "
            "with Locales naming some of them, or translate (README, Configure)."
        )
    return tuple(dict.fromkeys(named))
