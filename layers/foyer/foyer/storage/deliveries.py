"""What SES tells of addresses: those that mails come back from, and whose owners complained. Rows
only ever grow worse, so that it does not matter in which order the news comes, or how often."""

from dataclasses import dataclass

from foyer.rules.invitations import Delivery
from foyer.rules.policy import POLICY
from foyer.rules.sessions import DAY
from foyer.storage import keys
from foyer.storage.table import Item, Update, setting


@dataclass(frozen=True)
class Suppressed:
    """Why mails do not go to an address. A complaint stops what strangers and photographers cause,
    a mailbox that is not there everything (mission 0.16)."""

    bounced: bool = False
    complained: bool = False

    def stops(self, *, needed: bool) -> Delivery | None:
        """What stands against a mail; `needed` by the owner of an account who asked for it."""
        if self.bounced:
            return Delivery.BOUNCED
        return Delivery.COMPLAINED if self.complained and not needed else None


def from_item(item: Item | None, now: int) -> Suppressed:
    """A mailbox that was not there is tried again after a while: it may be by then."""
    if item is None:
        return Suppressed()
    lately = now - POLICY.mails.bounced_days * DAY
    return Suppressed(item.get("bounced_at", lately) > lately, "complained_at" in item)


def note(email: str, why: Delivery, now: int) -> Update:
    field = "bounced_at" if why is Delivery.BOUNCED else "complained_at"
    return setting(keys.delivery(email), {field: now})
