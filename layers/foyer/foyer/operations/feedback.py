"""What SES tells of the mails it took: shown on the board of invitations, and kept for the address
(A20, N9, R44). News comes in any order, late and more than once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from foyer.rules.invitations import Delivery
from foyer.rules.users import logon_id
from foyer.storage import deliveries, grants
from foyer.storage.table import ConditionFailed, write


@dataclass(frozen=True)
class News:
    """What became of a mail. `for_good`: mails to these addresses will never arrive, or are not
    wanted; `gallery_id` and `grant_id` where it was about an invitation."""

    mail_id: str
    became: Delivery
    addresses: Sequence[str]
    for_good: bool
    gallery_id: str | None = None
    grant_id: str | None = None


def note(news: News, now: int) -> None:
    """Writes it down; only what is worse than what is known changes anything."""
    if news.for_good and news.became in {Delivery.BOUNCED, Delivery.COMPLAINED}:
        for address in news.addresses:
            write(deliveries.note(logon_id(address), news.became, now))
    if news.gallery_id is not None and news.grant_id is not None:
        with suppress(ConditionFailed):
            write(grants.tell(news.gallery_id, news.grant_id, news.mail_id, news.became))
