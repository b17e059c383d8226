"""The ledger of consents (N15, P20): what somebody said to a document, in which words it was shown,
where and when. An entry is never changed; how he stands now is what the newest of each document
says. Nobody says yes for another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from foyer.rules.policy import Kind, Shop
from foyer.rules.users import User

Document = Literal["terms", "newsletter"]
# Where it was said. "mail": by the header or the link of a newsletter. "proof": he proved the
# address of an account that somebody else had begun, and what was agreed to until then is none of
# his (mission 0.9).
Channel = Literal["sign_up", "invitation", "order", "account", "mail", "proof"]

OF_KIND: Mapping[Kind, Channel] = {
    "sign_up": "sign_up",
    "on_behalf": "sign_up",  # its owner says it, as he takes the account over
    "invitation": "invitation",
    "order": "order",
}


@dataclass(frozen=True)
class Consent:
    """One entry. `sha256` is of the words as they are shown in all languages; `at` in epoch
    seconds."""

    document: Document
    version: str
    sha256: str
    given: bool
    channel: Channel
    at: int
    actor: Literal["self"] = "self"


def said(
    shop: Shop,
    channel: Channel,
    now: int,
    *,
    terms: bool | None = None,
    newsletter: bool | None = None,
) -> list[Consent]:
    """An entry for each document of which something was said, as it reads now; None: nothing."""
    told: list[tuple[Document, str, str, bool | None]] = [
        ("terms", shop.terms.version, shop.terms.sha256, terms),
        ("newsletter", shop.newsletter.version, shop.newsletter.sha256, newsletter),
    ]
    return [
        Consent(document, version, sha256, given, channel, now)
        for document, version, sha256, given in told
        if given is not None
    ]


def changed(shop: Shop, channel: Channel, now: int, before: User, after: User) -> list[Consent]:
    """The entries by which he came to stand as he does."""
    terms = None if after.terms == before.terms else after.terms is not None
    newsletter = None if after.newsletter == before.newsletter else after.newsletter
    return said(shop, channel, now, terms=terms, newsletter=newsletter)
