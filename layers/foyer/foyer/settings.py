"""What the template says to a function through its environment, read once."""

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Settings:
    site_name: str
    site_url: str  # scheme and host, no slash at the end
    site_secret: str  # the ARN of the secret


@cache
def settings() -> Settings:
    return Settings(
        site_name=os.environ["SITE_NAME"],
        site_url=os.environ["SITE_URL"].rstrip("/"),
        site_secret=os.environ.get("SITE_SECRET", ""),
    )
