"""Counters of what may be done how often: one row an action, subject and hour."""

from foyer.credentials import fingerprint
from foyer.storage import keys
from foyer.storage.secrets import site_key
from foyer.storage.table import ConditionFailed, Update, write

HOUR = 3_600


def count(action: str, subject: str, most: int, now: int) -> int | None:
    """Counts one more of `action` by `subject` in this hour: how many it makes, or None where
    `most` were reached. Counted before the act, so that no race passes the limit (R8); the SDK's
    retry of a lost answer may count twice, which errs on the safe side."""
    window = now // HOUR
    update = Update(
        keys.limit(action, fingerprint(site_key(now), "limits", subject), window),
        "ADD n :one SET expires = if_not_exists(expires, :expires)",
        condition="attribute_not_exists(n) OR n < :most",
        values={":one": 1, ":most": most, ":expires": (window + 2) * HOUR},
    )
    try:
        row = write(update)
    except ConditionFailed:
        return None
    return int(row["n"]) if row is not None else None


def retry_after(now: int) -> int:
    """Seconds until the hour is over."""
    return HOUR - now % HOUR
