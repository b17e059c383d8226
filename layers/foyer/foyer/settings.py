"""What the template says to a function through its environment, read once."""

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Settings:
    site_name: str
    site_url: str  # scheme and host, no slash at the end
    site_secret: str  # the ARN of the secret
    links_secret: str  # likewise
    password_cost: str  # of argon2id: KiB of memory, passes, lanes (R3)


@cache
def settings() -> Settings:
    return Settings(
        site_name=os.environ["SITE_NAME"],
        site_url=os.environ["SITE_URL"].rstrip("/"),
        site_secret=os.environ.get("SITE_SECRET", ""),
        links_secret=os.environ.get("LINKS_SECRET", ""),
        password_cost=os.environ.get("PASSWORD_COST", "19456,2,1"),
    )
