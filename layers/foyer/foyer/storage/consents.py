"""The ledger of consents as rows beside the user: only ever added to, in the transaction that
changes how he stands, and without a personal datum."""

from foyer.rules.consents import Consent
from foyer.rules.users import User
from foyer.storage import keys
from foyer.storage.keys import Key
from foyer.storage.table import ABSENT, Item, Page, Put, family


def add(account: User, consent: Consent) -> Put:
    """`account` as it is afterwards: entries stand in the order of its versions."""
    key = keys.consent(account.id, account.version, consent.document)
    return Put({**key._asdict(), **vars(consent)}, condition=ABSENT)


def from_item(item: Item) -> Consent:
    return Consent(
        item["document"],
        item["version"],
        item["sha256"],
        item["given"],
        item["channel"],
        item["at"],
        item["actor"],
    )


def of(user_id: str, *, limit: int, after: Item | None = None) -> Page:
    """The newest first; what was said a moment ago is among them."""
    start = None if after is None else Key(after["pk"], after["sk"])
    head = keys.consents_of(user_id)
    return family(head, head.sk, limit=limit, after=start, newest_first=True, consistent=True)
