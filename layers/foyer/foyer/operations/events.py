"""What happened, for whoever listens on the site's bus: ids alone, no contacts.

What each kind says is fixed by its schema in `events/schemas`.
"""

from collections.abc import Mapping
from typing import Any

from foyer.credentials import Entropy, new_id
from foyer.storage.outbox import Event, new_event
from foyer.storage.table import Put


def happened(kind: str, facts: Mapping[str, Any], now: int, entropy: Entropy) -> Put:
    """The outbox row of an event: it rides in the transaction of what happened."""
    return new_event(Event(new_id(entropy), kind, facts, now))
