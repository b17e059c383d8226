"""Postal addresses and a client's address book (P12): he who ordered once types nothing again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from foyer.rules.refusals import Reason, Refusal

COUNTRIES = frozenset(  # ISO 3166-1 alpha-2
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ
    BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM
    DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS
    GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
    KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
    VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905 - as people read it
)


@dataclass(frozen=True)
class Postal:
    """Where something is sent, as its owner writes it. `country` is of COUNTRIES."""

    line1: str
    postal_code: str
    city: str
    country: str
    line2: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class Entry:
    """One of a book: whom the postman finds there, and when it was last used (epoch seconds)."""

    id: str
    name: str
    postal: Postal
    used_at: int


@dataclass(frozen=True)
class Book:
    entries: Mapping[str, Entry] = field(default_factory=dict)
    version: int = 0

    def by_use(self) -> list[Entry]:
        """The one used last comes first."""
        return sorted(self.entries.values(), key=lambda one: (-one.used_at, one.id))


def same(book: Book, entry: Entry) -> Entry | None:
    """The entry that names the same person at the same address."""
    said = (entry.name, entry.postal)
    return next((o for o in book.entries.values() if (o.name, o.postal) == said), None)


def put(book: Book, entry: Entry, most: int) -> Book:
    """The book with the entry, new or in place of the one of that id. Refuses TOO_MANY_ADDRESSES
    where it is full."""
    if entry.id not in book.entries and len(book.entries) >= most:
        raise Refusal(Reason.TOO_MANY_ADDRESSES)
    return Book({**book.entries, entry.id: entry}, book.version + 1)


def without(book: Book, entry_id: str) -> Book:
    """Taking away what is not there changes nothing."""
    if entry_id not in book.entries:
        return book
    rest = {id_: one for id_, one in book.entries.items() if id_ != entry_id}
    return Book(rest, book.version + 1)


def used(book: Book, entry: Entry, most: int) -> Book:
    """The book after something was sent there: the same address of the same person is the same
    entry, and a full book lets go of what was used longest ago."""
    known = same(book, entry)
    if known is not None:
        again = replace(known, used_at=entry.used_at)
        return Book({**book.entries, known.id: again}, book.version + 1)
    kept = book.by_use()[: most - 1]
    return Book({**{one.id: one for one in kept}, entry.id: entry}, book.version + 1)


def same_postal_code(one: str, other: str) -> bool:
    """As people type them: the case and what stands between do not count (0.11)."""
    return _bare(one) == _bare(other) != ""


def _bare(code: str) -> str:
    return "".join(c for c in code.casefold() if c.isalnum())
