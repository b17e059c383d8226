"""What was done under an `Idempotency-Key`: a row in the operation's own transaction.

It holds a keyed hash of the body, by which a repeat is told from another request under the same
key, and no answer: the repeat is answered with the state as it is now.
"""

from dataclasses import dataclass

from foyer.credentials import fingerprint
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.secrets import site_key
from foyer.storage.table import ABSENT, Item, Put


@dataclass(frozen=True)
class Once:
    """A request that may be sent again: its Idempotency-Key, if it has one, and its body."""

    key: str | None = None
    body: str = ""

    def of(self, user_id: str | None, route: str) -> "Attempt | None":
        """The attempt of this user, or None where no key is honoured: there must be a user."""
        if self.key is None or user_id is None:
            return None
        return Attempt(user_id, route, self.key, self.body)


UNKEYED = Once()


@dataclass(frozen=True)
class Attempt:
    """One request under a key: scoped to the user and the route (R51)."""

    user_id: str
    route: str
    key: str
    body: str

    @property
    def row_key(self) -> Key:
        return keys.idempotency(self.user_id, self.route, self.key)

    def is_repeat(self, row: Item | None, now: int) -> bool:
        """Whether it was done before. Refuses KEY_REUSED where the key stands for another body."""
        if row is None or row["expires"] <= now:
            return False
        if row["body"] != self._fingerprint(now):
            raise Refusal(Reason.KEY_REUSED)
        return True

    def going_on(self, now: int) -> Put:
        """The same for a request that is done bit by bit: each goes on under the same key and body
        where the last one stopped."""
        first = self.record(now)
        values = {**first.values, ":body": first.item["body"]}
        return Put(first.item, f"{first.condition} OR body = :body", values=values)

    def record(self, now: int, made: str | None = None) -> Put:
        """Goes into the transaction that does it; fails it where the key was used meanwhile. `made`
        is the id of what it makes, for the answer to a repeat."""
        key = self.row_key
        body = {"body": self._fingerprint(now), "expires": now + DAY, "made": made}
        return Put(
            {"pk": key.pk, "sk": key.sk, **body},
            condition=f"{ABSENT} OR expires <= :now",
            values={":now": now},
        )

    def _fingerprint(self, now: int) -> str:
        return fingerprint(site_key(now), "idempotency", self.route, self.body)
