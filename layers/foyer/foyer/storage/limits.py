"""Counters of what may be done how often. Counted before the act, so that no race passes a limit
(R8); the SDK's retry of a lost answer may count twice, which errs on the safe side."""

from collections.abc import Sequence
from dataclasses import dataclass

from foyer.credentials import fingerprint
from foyer.rules.policy import POLICY
from foyer.rules.sessions import DAY, HOUR
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.secrets import site_key
from foyer.storage.table import ConditionFailed, Delete, Item, Update, write

MINUTE = 60
FAILURES_KEPT = 30 * DAY  # "in a row" reaches back so far


@dataclass(frozen=True)
class Limit:
    """So many of `action` by `subject` in each window of so many seconds; `weight` of them at
    once."""

    action: str
    subject: str
    most: int
    seconds: int = HOUR
    weight: int = 1

    def retry_after(self, now: int) -> int:
        """Seconds until the window is over."""
        return self.seconds - now % self.seconds

    def one_more(self, now: int) -> Update:
        window = now // self.seconds
        return Update(
            _key(self.action, self.subject, window, now),
            "ADD n :weight SET expires = if_not_exists(expires, :expires)",
            condition="attribute_not_exists(n) OR n <= :room",
            values={
                ":weight": self.weight,
                ":room": self.most - self.weight,
                ":expires": (window + 2) * self.seconds,
            },
        )


def count(limit: Limit, now: int) -> int | None:
    """How many that makes, or None where the limit was reached."""
    try:
        row = write(limit.one_more(now))
    except ConditionFailed:
        return None
    return int(row["n"]) if row is not None else None


def count_all(limits: Sequence[Limit], now: int) -> Limit | None:
    """Counts one more of each; where one was reached, that one, and none is counted."""
    try:
        write(*(limit.one_more(now) for limit in limits))
    except ConditionFailed as failed:
        reached = [lim for lim, row in zip(limits, failed.items, strict=True) if row is not None]
        return max(reached or limits, key=lambda limit: limit.retry_after(now))
    return None


def sign_ins(source: str, *, with_password: bool, now: int) -> int | None:
    """Counts an attempt of this source, with a password as a failure until it succeeds: the seconds
    to wait, or None."""
    rules, window = POLICY.sign_in, now // MINUTE
    failed = " AND (attribute_not_exists(f) OR f < :failures)" if with_password else ""
    values = {":one": 1, ":most": rules.per_source_per_minute, ":expires": (window + 2) * MINUTE}
    if with_password:
        values[":failures"] = rules.failures_per_source_per_minute
    update = Update(
        _key("sign-in-source", source, window, now),
        f"ADD n :one{', f :one' if with_password else ''} "
        "SET expires = if_not_exists(expires, :expires)",
        condition=f"(attribute_not_exists(n) OR n < :most){failed}",
        values=values,
    )
    try:
        write(update)
    except ConditionFailed:
        return MINUTE - now % MINUTE
    return None


def no_failure(source: str, now: int) -> Update:
    """Takes back the failure that was counted in advance."""
    key = _key("sign-in-source", source, now // MINUTE, now)
    return Update(key, "ADD f :less", values={":less": -1})


@dataclass(frozen=True)
class Guesses:
    """Failed passwords in a row, on one address by browsers it does not know, or by one it knows.
    `key` is of their row."""

    key: Key
    of_device: bool

    def count(self, now: int) -> tuple[bool, int | None]:
        """Counts one more: whether the password may be compared at all (after so many in a row it
        is ended, until there is a new one), and the seconds to wait where it is too soon."""
        return self._count_of_device(now) if self.of_device else self._count_of_strangers(now)

    def _count_of_device(self, now: int) -> tuple[bool, int | None]:
        window = POLICY.sign_in.device_window_seconds
        values = {":one": 1, ":most": POLICY.sign_in.failures_per_device, ":expires": now + window}
        condition = "attribute_not_exists(n) OR n < :most"
        update = Update(self.key, "ADD n :one SET expires = :expires", condition, values=values)
        try:
            write(update)
        except ConditionFailed:
            return False, window - now % window
        return True, None

    def _count_of_strangers(self, now: int) -> tuple[bool, int | None]:
        """The waits double (R6): after the free failures 1 s, 2 s, 4 s … up to the longest."""
        rules = POLICY.sign_in
        waits, step = [], 1
        while step < rules.longest_wait_seconds:
            waits.append(step)
            step *= 2
        waits.append(rules.longest_wait_seconds)
        values = {":one": 1, ":now": now, ":expires": now + FAILURES_KEPT}
        allowed = ["attribute_not_exists(n)", "n < :n0"]
        values[":n0"] = rules.free_failures
        for i, wait in enumerate(waits):
            values |= {f":n{i + 1}": rules.free_failures + i, f":t{i + 1}": now - wait}
            allowed.append(f"(n <= :n{i + 1} AND tried_at <= :t{i + 1})")
        values[":longest"] = now - rules.longest_wait_seconds
        allowed.append("tried_at <= :longest")
        update = Update(
            self.key,
            "ADD n :one SET tried_at = :now, expires = :expires",
            condition=" OR ".join(allowed),
            values=values,
        )
        try:
            row = write(update)
        except ConditionFailed as failed:
            old: Item = failed.items[0] or {"n": 0, "tried_at": now}
            exceeding = min(old["n"] - rules.free_failures, len(waits) - 1)
            return False, max(1, old["tried_at"] + waits[exceeding] - now)
        failures = int(row["n"]) if row is not None else 1
        return failures <= rules.password_ends_after, None

    def forget(self) -> Delete:
        return Delete(self.key)


def guesses(email: str, device: str | None, now: int) -> Guesses:
    if device is None:
        return Guesses(_key("sign-in", email, 0, now), of_device=False)
    window = now // POLICY.sign_in.device_window_seconds
    return Guesses(_key("sign-in-device", device, window, now), of_device=True)


# ---- mailed codes --------------------------------------------------------------------------------


def code_key(nonce: str, now: int) -> Key:
    return keys.code(fingerprint(site_key(now), "codes", nonce))


def count_code(nonce: str, email: str, *, digits: bool, now: int) -> bool:
    """Counts a try of the code and, of digits, a guess on the account, before either is compared;
    False where it was one too many."""
    rules = POLICY.codes
    updates = [
        Update(
            code_key(nonce, now),
            "ADD n :one SET expires = if_not_exists(expires, :expires)",
            condition="attribute_not_exists(n) OR n < :most",
            values={":one": 1, ":most": rules.tries, ":expires": now + HOUR},
        )
    ]
    if digits:
        updates.append(
            Update(
                wrong_codes_key(email, now),
                "ADD n :one SET expires = :expires",
                condition="attribute_not_exists(n) OR n < :most",
                values={
                    ":one": 1,
                    ":most": rules.wrong_before_links,
                    ":expires": now + FAILURES_KEPT,
                },
            )
        )
    try:
        write(*updates)
    except ConditionFailed:
        return False
    return True


def spend_code(nonce: str, now: int) -> Update:
    """Spent by its first success; good again for two minutes, for an answer that was lost."""
    return Update(
        code_key(nonce, now),
        "SET spent_at = if_not_exists(spent_at, :now)",
        condition="attribute_not_exists(spent_at) OR spent_at > :recently",
        values={":now": now, ":recently": now - POLICY.codes.repeat_seconds},
    )


def no_wrong_codes(email: str, now: int) -> Delete:
    return Delete(wrong_codes_key(email, now))


def too_many_wrong_codes(item: Item | None) -> bool:
    return item is not None and bool(item["n"] >= POLICY.codes.wrong_before_links)


def wrong_codes_key(email: str, now: int) -> Key:
    return _key("codes", email, 0, now)


def _key(action: str, subject: str, window: int, now: int) -> Key:
    return keys.limit(action, fingerprint(site_key(now), "limits", subject), window)
