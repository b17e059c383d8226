"""What the last clean-up did, for staff to see."""

from dataclasses import dataclass, fields

from foyer.storage import keys
from foyer.storage.table import Item, Put


@dataclass
class Sweep:
    """How many were taken whose time is over: guests, those who handed over among them; accounts
    nobody took; claims; closed accounts of which nothing is left now. Something kept others, or
    they returned meanwhile; `failed` could not be done. `left`, as far as it was counted, is for
    the next one; `more`: this one was cut short."""

    at: int
    guests: int = 0
    accounts: int = 0
    claims: int = 0
    closed: int = 0
    kept: int = 0
    returned: int = 0
    failed: int = 0
    left: int = 0
    more: bool = False

    @property
    def handled(self) -> int:
        return self.guests + self.accounts + self.claims + self.kept + self.returned + self.failed


def put(sweep: Sweep) -> Put:
    return Put({**keys.sweep()._asdict(), **vars(sweep)})


def from_item(item: Item | None) -> Sweep | None:
    if item is None:
        return None
    return Sweep(**{field.name: item[field.name] for field in fields(Sweep)})
