"""Domain events: what happened, told to whoever listens on the bus (house.md, section 4)."""

from collections.abc import Mapping
from typing import Any

from foyer.credentials import Entropy, new_id
from foyer.storage.outbox import Event, new_event
from foyer.storage.table import Put


def happened(kind: str, facts: Mapping[str, Any], now: int, entropy: Entropy) -> Put:
    """The outbox row of an event, for the transaction of the state it tells of: ids alone."""
    return new_event(Event(new_id(entropy), kind, facts, now))
