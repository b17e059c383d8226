"""What must hold of the whole table at any moment: the invariants I1 to I9 of trust.md as far as
rows tell of them, and the schema of storage/keys.py. Rows in, breaches out: nothing here reads a
table, a clock or a network, so that it tells of a backup what it tells of a site.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from foyer.operations.orders import ROUTE
from foyer.rules import orders as life
from foyer.rules.carts import Line, Merged
from foyer.rules.galleries import Gallery
from foyer.rules.invitations import State as Answer
from foyer.rules.orders import Answer as Said
from foyer.rules.orders import Order, Step
from foyer.rules.policy import POLICY, MergeMode
from foyer.rules.roles import ADMINISTRATIVE
from foyer.rules.users import State, User, logon_id
from foyer.storage import (
    addresses,
    carts,
    catalogue,
    claims,
    digests,
    grants,
    keys,
    links,
    members,
    orders,
    organizations,
    receipts,
    requests,
    selections,
    users,
)
from foyer.storage.keys import Key
from foyer.storage.table import Put

Row = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Breach:
    """`invariant` is trust.md's, or "schema". `row` is the key of the row it was seen in. Neither
    it nor `wrong` holds more of an address than the beginning of its SHA-256."""

    invariant: str
    row: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.invariant:<7}{self.row}: {self.wrong}"


def breaches(rows: Iterable[Row]) -> list[Breach]:
    """Everything that is wrong in a whole table; `rows` with plain values. What it cannot see: what
    went away by TTL, what was never written, and whether a mail that says it was sent arrived."""
    table = _Table(rows)
    return sorted({*table.unreadable, *(b for check in _CHECKS for b in _found(check, table))})


def _found(check: "Check", table: "_Table") -> Iterator[Breach]:
    """What the check finds, until it meets a row so wrong that it cannot go on."""
    try:
        yield from check(table)
    except Exception as error:
        # the kind of error alone: its words may hold what a row says
        wrong = f"{check.__name__[1:]} cannot be told ({type(error).__name__})"
        yield Breach("schema", "the whole table", wrong)


def _breach(invariant: str, key: Key, wrong: str) -> Breach:
    return Breach(invariant, f"{_told(key.pk)} {_told(key.sk)}", wrong)


def _told(part: str) -> str:
    """Part of a key, or the name of a list, without an address."""
    if "@" not in part:
        return part
    head, mark, rest = part.partition("#")
    if not mark or "@" in head:
        head, mark, rest = "", "", part
    return f"{head}{mark}sha256:{sha256(rest.encode()).hexdigest()[:12]}"


# ---- kinds of rows -------------------------------------------------------------------------------

# In place of parts of a key: an id, a text of any kind, a number.
_ID, _TEXT, _NUMBER = "\x01", "\x02", 999_999
_STANDS_FOR = {_ID: "[^#]+", _TEXT: ".+", str(_NUMBER): r"\d+"}

# Every kind of row, by an example of its key. Rows of value never go by TTL: nobody would notice.
KEPT: Mapping[str, Key] = {
    "user": keys.user(_ID),
    "password": keys.credential(_ID),
    "cart": keys.cart(_ID),
    "selection": keys.selection(_ID, _ID),
    "gallery held": keys.held(_ID, _ID),
    "member": keys.member(_ID),
    "role": keys.role(_ID, _ID, _ID),
    "order": keys.order(_ID),
    "order of a studio": keys.order_of_studio(_ID, _ID),
    "order of an account": keys.order_of(_ID, _ID),
    "order by address": keys.order_to(_TEXT, _ID),
    "address book": keys.addresses(_ID),
    "consent": keys.consent(_ID, _NUMBER, _ID),
    "audit": keys.audit(_ID, _NUMBER, _NUMBER, _ID),
    "address": keys.email(_TEXT),
    "delivery": keys.delivery(_TEXT),
    "organization": keys.organization(_ID),
    "organization audit": keys.organization_audit(_ID, _NUMBER, _ID),
    "administrators": keys.administrators(),
    "digest": keys.digest(_ID, _NUMBER, _TEXT),
    "product": keys.product(_ID),
    "product of a studio": keys.product_of_studio(_ID, None, 0),
    "product of a gallery": keys.product_of_studio(_ID, _ID, 999_999_999_999),
    "gallery": keys.gallery(_ID),
    "gallery password": keys.gallery_password(_ID),
    "gallery of a studio": keys.gallery_of_studio(_ID),
    "picture": keys.picture(_ID, _ID),
    "grant": keys.grant(_ID, _ID),
    "clean-up": keys.sweep(),
}
PASSING: Mapping[str, Key] = {
    "claim": keys.claim(_ID, _ID + _ID),
    "claim of nobody": keys.claim(_ID, _ID),
    "link": keys.link(_ID, _ID),
    "receipt": keys.receipt(_ID, _ID),
    "idempotency record": keys.idempotency(_ID, _ID, _TEXT),
    "code": keys.code(_ID),
    "access request": keys.access_request(_ID, _ID),
    "limit": keys.limit(_ID, _ID, _NUMBER),
}
OFTEN_KEPT: Mapping[str, Key] = {
    "submitted selection": keys.submitted(_ID, _ID, _ID),
    "mail": keys.mail(_ID),
    "event": keys.event(_ID),
}
KINDS: Mapping[str, Key] = {**KEPT, **PASSING, **OFTEN_KEPT}


def _pattern(part: str) -> re.Pattern[str]:
    text = re.escape(part)
    for token, stands_for in _STANDS_FOR.items():
        text = re.sub(f"(?:{re.escape(token)})+", stands_for.replace("\\", r"\\"), text)
    return re.compile(text)


_PATTERNS: Mapping[str, list[tuple[str, re.Pattern[str], re.Pattern[str]]]] = {
    head: [
        (kind, _pattern(key.pk), _pattern(key.sk))
        for kind, key in KINDS.items()
        if key.pk.partition("#")[0] == head
    ]
    for head in {key.pk.partition("#")[0] for key in KINDS.values()}
}


def key_of(row: Row) -> Key:
    return Key(row["pk"], row["sk"])


def kind_of(key: Key) -> str | None:
    for kind, pk, sk in _PATTERNS.get(key.pk.partition("#")[0], []):
        if pk.fullmatch(key.pk) and sk.fullmatch(key.sk):
            return kind
    return None


def _order(row: Row) -> Order | None:
    order = orders.from_item(row)
    assert order is None or (order.history and all(order.paths))  # noqa: S101 - to be read at all
    return order


def _gallery(row: Row) -> Gallery:
    gallery = catalogue.gallery(row)
    assert gallery.path  # noqa: S101
    return gallery


_READ: Mapping[str, Callable[[Row], Any]] = {
    "user": users.from_item,
    "claim": lambda row: claims.from_item(row, 0),
    "claim of nobody": lambda row: claims.from_item(row, 0),
    "link": links.from_item,
    "cart": carts.from_item,
    "receipt": receipts.from_item,
    "selection": selections.from_item,
    "gallery held": grants.held_from,
    "member": lambda row: members.from_item(row, ()),
    "order": _order,
    "order of an account": orders.shown_from,
    "order by address": orders.named_from,
    "address book": addresses.from_item,
    "audit": users.record_from,
    "organization": organizations.from_item,
    "digest": digests.from_item,
    "product": catalogue.product,
    "gallery": _gallery,
    "picture": catalogue.picture,
    "grant": grants.from_item,
    "access request": requests.from_item,
    "submitted selection": selections.submitted_from,
}


class _Table:
    """All rows by their keys, and by kind with what our own code reads in them. A row it cannot
    read is reported and counts as there, but nothing more is asked of it."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows: dict[Key, Row] = {key_of(row): row for row in rows}
        self.kinds: dict[str, list[tuple[Key, Row, Any]]] = defaultdict(list)
        self.unreadable: list[Breach] = []
        for key, row in self.rows.items():
            self._take_in(key, row)
        self.users: dict[str, User] = {user.id: user for _, _, user in self.kinds["user"]}
        self.orders: dict[str, Order] = {order.id: order for _, _, order in self.kinds["order"]}

    def _take_in(self, key: Key, row: Row) -> None:
        kind = kind_of(key)
        if kind is None:
            self.unreadable.append(_breach("schema", key, "is of no kind that keys.py knows"))
            return
        try:
            read = _READ[kind](row) if kind in _READ else row
        except Exception as error:
            # the kind of error alone: its words may hold what the row says
            wrong = f"cannot be read as {kind} ({type(error).__name__})"
            self.unreadable.append(_breach("schema", key, wrong))
            return
        if kind == "user" and read is None:
            return  # the clean-up has begun to take away what he had
        self.kinds[kind].append((key, row, read))

    def of(self, *kinds: str) -> Iterator[tuple[Key, Row, Any]]:
        for kind in kinds:
            yield from self.kinds[kind]

    def accounts(self) -> Iterator[tuple[Key, Row, User]]:
        """Users who registered, or for whom staff did."""
        return (found for found in self.of("user") if found[2].status is not None)


Check = Callable[[_Table], Iterator[Breach]]

OWNING = {State.APPROVED, State.PENDING_APPROVAL, State.REJECTED, State.DISABLED}
LEFT = {State.SUPERSEDED, State.CLOSED}  # nobody finds these any more


# ---- I1, I2: whose an address is -----------------------------------------------------------------


def _addresses_are_one_accounts(table: _Table) -> Iterator[Breach]:
    owners = Counter(user.email for _, _, user in table.accounts() if user.status in OWNING)
    for key, _, user in table.accounts():
        if user.status not in OWNING:
            continue
        if owners[user.email] > 1:
            yield _breach("I1", key, "its address is another account's as well")
        if logon_id(user.address or "") != user.email:
            yield _breach("I1", key, "is known by another address than it is written to")
        if users.owner_of(table.rows.get(keys.email(user.email or ""))) != user.id:
            yield _breach("I2", key, f"is {user.status} and does not own its address")


def _addresses_are_somebodys(table: _Table) -> Iterator[Breach]:
    for key, row, _ in table.of("address"):
        owner = users.owner_of(row)
        if owner is None:
            if "left_at" not in row:
                yield _breach("I2", key, "is nobody's and was never left by anybody")
            continue
        user = table.users.get(owner)
        if user is None or user.status not in OWNING or keys.email(user.email or "") != key:
            yield _breach("I2", key, f"is said to be of {owner}, who does not have it")


# ---- I3: what was redeemed, and its effect -------------------------------------------------------


def _claims_made_whom_they_say(table: _Table) -> Iterator[Breach]:
    for key, _, claim in table.of("claim", "claim of nobody"):
        if claim.redeemed_at is not None:
            made = table.users.get(claim.redeemed_by or "")
            if made is None or made.status is None:
                yield _breach("I3", key, f"made the account {claim.redeemed_by}, which is none")
            elif made.epoch < (claim.redeemed_epoch or 0):
                yield _breach("I3", key, f"made {made.id} of an epoch that is still to come")
        opened = table.users.get(claim.owner) if claim.on_behalf else None
        if opened is not None and opened.claim_id == claim.id:
            waits = opened.status is State.PENDING_EMAIL_ACTIVATION
            if waits != (claim.redeemed_at is None):
                yield _breach("I3", key, f"and {opened.id}, which it opens, are not at one")


def _links_are_of_the_past(table: _Table) -> Iterator[Breach]:
    for key, _, link in table.of("link"):
        user = table.users.get(link.user_id)
        if user is not None and link.epoch > user.epoch:
            yield _breach("I3", key, "is of an epoch of its user that is still to come")


def _grants_are_accepted_by_somebody(table: _Table) -> Iterator[Breach]:
    for key, _, grant in table.of("grant"):
        if (grant.answer is Answer.ACCEPTED) != (grant.bound_to is not None):
            yield _breach("I3", key, f"is {grant.answer} and bound to {grant.bound_to}")


# ---- I4: orders ----------------------------------------------------------------------------------


def _orders_add_up(table: _Table) -> Iterator[Breach]:
    for key, row, order in table.of("order"):
        if not order.lines:
            yield _breach("I4", key, "has no lines")
        if any(line.quantity < 1 or line.unit_price < 0 for line in order.lines):
            yield _breach("I4", key, "has a line of nothing or of less than nothing")
        made = order.shipping + sum(line.quantity * line.unit_price for line in order.lines)
        if row.get("total") != made:
            wrong = f"its lines and shipping make {made}, its total says {row.get('total')}"
            yield _breach("I4", key, wrong)
        contact = order.contact
        address = "" if contact is None else contact.address
        if (address == "") != (order.email is None):
            yield _breach("I4", key, "has a contact without its key, or the key without it")
        elif address and logon_id(address) != order.email:
            yield _breach("I4", key, "stands under another address than its contact's")
        waits = contact is not None and order.status in life.LIVE
        if waits and contact.postal is None and life.needs_postal(order.lines):
            yield _breach("I4", key, "has a print in it and nowhere to send it")


def _orders_lived_as_drawn(table: _Table) -> Iterator[Breach]:
    drawn = {(was, after) for (was, _), after in life.LIFE.items()}
    for key, _, order in table.of("order"):
        first, *later = order.history
        if (first.status, first.at, first.actor) != (
            life.Status.PLACED,
            order.placed_at,
            order.placed_by,
        ):
            yield _breach("I4", key, "its history does not begin with its placing")
        steps = zip(order.history, later, strict=False)
        if any((was.status, after.status) not in drawn for was, after in steps):
            yield _breach("I4", key, "took a step that is not drawn")
        if order.version < len(order.history):
            yield _breach("I4", key, "has more of a history than versions")


def _studios_find_their_orders(table: _Table) -> Iterator[Breach]:
    for key, _, order in table.of("order"):
        wanted = {key_of(put): put for put in _studio_rows(order)}
        for pointer, put in wanted.items():
            row = table.rows.get(pointer)
            if row is None:
                yield _breach("I4", key, f"is not found by {keys.id_in(pointer.sk)}")
            elif row != put:
                wrong = f"does not stand in the list of what is {order.status}"
                yield _breach("I4", pointer, wrong)
    for key, _, _ in table.of("order of a studio"):
        order_id = key.pk.removeprefix(keys.order("").pk)
        placed = table.orders.get(order_id)
        if keys.order(order_id) not in table.rows:
            yield _breach("I4", key, "is of an order that is not there")
        elif placed is not None and keys.id_in(key.sk) not in placed.organization_ids:
            yield _breach("I4", key, "is of an order in which nothing is that studio's")


def _studio_rows(order: Order) -> list[Row]:
    return [change.item for change in orders.place(order)[1:] if isinstance(change, Put)]


def _orders_are_found_by_whom_they_name(table: _Table) -> Iterator[Breach]:
    for key, _, order in table.of("order"):
        if order.email is None:  # struck
            continue
        if order.is_own and keys.order_of(order.placed_by, order.id) not in table.rows:
            yield _breach("I4", key, "was placed in an account that does not show it")
        if not order.is_own and keys.order_to(order.email, order.id) not in table.rows:
            yield _breach("I4", key, "is not found by the address it names")


def _addresses_name_their_orders(table: _Table) -> Iterator[Breach]:
    for key, _, named in table.of("order by address"):
        order = table.orders.get(named.order_id)
        if keys.order(named.order_id) not in table.rows:
            yield _breach("I4", key, "is of an order that is not there")
        if order is None:
            continue
        if order.email is None:
            yield _breach("I4", key, "keeps the address of an order whose contact was struck")
        elif keys.order_to(order.email, order.id) != key:
            yield _breach("I4", key, "is of an order that names another address")
        elif order.is_own or order.placed_at != named.placed_at:
            yield _breach("I4", key, "says otherwise of its order than that does")


def _claimed_orders_are_where_they_were_claimed(table: _Table) -> Iterator[Breach]:
    for key, _, named in table.of("order by address"):
        if (named.answer is None) != (named.by is None):
            yield _breach("I4", key, "is answered by nobody")
        by = table.users.get(named.claimed_by or "")
        if by is None or by.status in LEFT:
            continue
        if keys.order_of(by.id, named.order_id) not in table.rows:
            yield _breach("I4", key, f"was claimed by {by.id}, who does not have it")


def _accounts_show_their_own_orders(table: _Table) -> Iterator[Breach]:
    for key, _, shown in table.of("order of an account"):
        user_id, order_id = key.pk.removeprefix(keys.user("").pk), keys.id_in(key.sk)
        order = table.orders.get(order_id)
        if keys.order(order_id) not in table.rows:
            yield _breach("I4", key, "is of an order that is not there")
        elif shown is None and order is not None and order.placed_by != user_id:
            yield _breach("I4", key, "is a guest's, of an order that another placed")
        if order is None or order.email is None or order.placed_by == user_id:
            continue
        row = table.rows.get(keys.order_to(order.email, order.id), {})
        if (row.get("answer"), row.get("answered_by")) != (Said.CLAIMED, user_id):
            yield _breach("I4", key, "shows an order that he neither placed nor claimed")


def _one_order_a_key(table: _Table) -> Iterator[Breach]:
    placing = keys.idempotency("", ROUTE, "").sk
    stepping = {step: keys.idempotency("", step.value, "").sk for step in Step}
    found: Counter[str] = Counter()
    for key, row, _ in table.of("idempotency record"):
        if key.sk.startswith(placing) and "made" in row:
            found[row["made"]] += 1
            order = table.orders.get(row["made"])
            if keys.order(row["made"]) not in table.rows:
                yield _breach("I4", key, f"is of the order {row['made']}, which is not there")
            elif order is not None and keys.user(order.placed_by).pk != key.pk:
                yield _breach("I4", key, f"is of the order {order.id}, which another placed")
        for start in stepping.values():
            order_id = key.sk.removeprefix(start).partition("#")[0]
            if key.sk.startswith(start) and keys.order(order_id) not in table.rows:
                yield _breach("I4", key, f"is of a step of {order_id}, which is not there")
    for key, _, order in table.of("order"):
        if found[order.id] > 1:
            yield _breach("I4", key, "was placed under more than one key")


def _claims_are_of_their_orders(table: _Table) -> Iterator[Breach]:
    for key, _, claim in table.of("claim", "claim of nobody"):
        if claim.order_id is None:
            continue
        order = table.orders.get(claim.order_id)
        if keys.order(claim.order_id) not in table.rows:
            yield _breach("I4", key, f"is of the order {claim.order_id}, which is not there")
        elif order is not None and order.email not in {None, claim.email}:
            yield _breach("I4", key, f"is of the order {order.id}, which names another address")


# ---- I5: the outbox ------------------------------------------------------------------------------

_OVER = ("sent_at", "dropped_at", "dead_at")
_SAID = {"mail": ("kind", "to", "language", "facts", "queued_at"), "event": ("kind", "facts")}


def _what_must_be_told_waits_or_is_over(table: _Table) -> Iterator[Breach]:
    for kind, said in _SAID.items():
        for key, row, _ in table.of(kind):
            stands = [name for name in ("due", *_OVER) if name in row]
            if not stands:
                yield _breach("I5", key, "neither waits nor was sent, dropped or given up")
            if len(stands) > 1:
                yield _breach("I5", key, f"is at once {' and '.join(stands)}")
            if "due" not in row and "lease_until" in row:
                yield _breach("I5", key, "is being sent and does not wait")
            if stands == ["due"] and not all(name in row for name in said):
                missing = ", ".join(name for name in said if name not in row)
                yield _breach("I5", key, f"waits and does not say {missing}")
            if {"sent_at", "dropped_at"} & row.keys() and {"to", "facts"} & row.keys():
                yield _breach("I5", key, "is over and still says what and to whom")
            if "due" not in row and "expires" not in row:
                yield _breach("I5", key, "is over and never goes")


# ---- I6: what somebody has, and what was handed over ---------------------------------------------


def _carts_are_whole(table: _Table) -> Iterator[Breach]:
    for key, _, cart in table.of("cart"):
        lines: Mapping[str, Line] = cart.cart.lines
        if any(line.thing.line_id != line_id for line_id, line in lines.items()):
            yield _breach("I6", key, "has a line under the id of another thing")
        if any(line.quantity < 1 for line in lines.values()):
            yield _breach("I6", key, "has a line of nothing or of less than nothing")
        if cart.closed and lines:
            yield _breach("I6", key, "is closed and not empty")
        user = table.users.get(key.pk.removeprefix(keys.user("").pk))
        if cart.closed and user is not None and user.state not in {State.HANDED_OVER, State.CLOSED}:
            yield _breach("I6", key, f"is closed and its user is {user.state}")


def _the_dead_left_nothing(table: _Table) -> Iterator[Breach]:
    ordered = {order.placed_by for order in table.orders.values()}
    selecting = {key.pk for key, _, _ in table.of("selection")}
    for key, _, user in table.of("user"):
        if user.handed_to is None:
            continue
        cart = table.rows.get(keys.cart(user.id))
        if cart is None or "closed_at" not in cart:
            yield _breach("I6", key, "was handed over and its cart is open")
        if key.pk in selecting:
            yield _breach("I6", key, "was handed over and still has a selection")
        if user.id in ordered:
            yield _breach("I6", key, "was handed over though it has orders")


def _guests_who_ordered_live_on(table: _Table) -> Iterator[Breach]:
    for key, _, order in table.of("order"):
        user = table.users.get(order.placed_by)
        if user is not None and user.status is None and user.ordered_at is None:
            yield _breach("I6", key, f"its guest {user.id} does not know that he ordered")


def _receipts_tell_what_can_be(table: _Table) -> Iterator[Breach]:
    for key, _, receipt in table.of("receipt"):
        for line in receipt.lines:
            no_room = line.before == line.after == 0
            if line.guest < 1 or not (no_room or line.after == _together(receipt.mode, line)):
                yield _breach("I6", key, "tells of lines that no merging makes")
        _, before, after = receipt.pictures
        if after < before:
            yield _breach("I6", key, "tells of pictures that went")


def _together(mode: MergeMode, line: Merged) -> int:
    """What a thing in both carts comes to (I6)."""
    if mode == "keep":
        return line.before or line.guest
    if mode == "sum":
        return max(line.before, min(line.guest + line.before, POLICY.carts.quantity))
    return max(line.guest, line.before)


def _who_took_a_grant_holds_it(table: _Table) -> Iterator[Breach]:
    held: dict[tuple[Key, str], Any] = {
        (key, name.removeprefix("by_")): rights
        for key, row, _ in table.of("gallery held")
        for name, rights in row.items()
        if name.startswith("by_")
    }
    taken = set()
    for key, row, grant in table.of("grant"):
        if grant.bound_to is None:
            continue
        pointer = keys.held(grant.bound_to, grant.gallery_id), grant.id
        taken.add(pointer)
        if held.get(pointer) != row["rights"]:
            wrong = f"is bound to {grant.bound_to}, who does not hold what it grants"
            yield _breach("I6", key, wrong)
    left = {user.id for user in table.users.values() if user.status in LEFT}
    for key, grant_id in held.keys() - taken:
        if key.pk.removeprefix(keys.user("").pk) in left:
            continue  # an account that is being erased
        yield _breach("I6", key, f"is held by the grant {grant_id}, which is not his")


# ---- I7: sessions, and how lists show an account -------------------------------------------------


def _only_the_approved_are_in(table: _Table) -> Iterator[Breach]:
    for key, _, user in table.of("user"):
        if user.sessions and user.status is not State.APPROVED:
            yield _breach("I7", key, f"is {user.state} and has a session (H19)")
        if len(user.sessions) > POLICY.sessions.most:
            yield _breach("I7", key, "has more sessions than one may have")
        if user.status is State.APPROVED and user.secret_hash is not None:
            yield _breach("I7", key, "is approved and its guest's cookie still good")
        named = table.rows.get(keys.credential(user.id), {}).get("id")
        if user.password_id is not None and named != user.password_id:
            yield _breach("I7", key, "names a password that is not there")


def _lists_show_accounts_as_they_are(table: _Table) -> Iterator[Breach]:
    for key, _, user in table.accounts():
        member = table.rows.get(keys.member(user.id))
        if user.status in LEFT:
            if member is not None:
                yield _breach("I7", key, f"is {user.status} and still listed")
            continue
        if user.profile is None or user.address is None:
            yield _breach("I7", key, "is an account without a name or address")
            continue
        wanted = {n: v for n, v in members.put(user).item.items() if v is not None}
        shown = dict(member or {})
        differing = sorted(n for n in wanted.keys() | shown if wanted.get(n) != shown.get(n))
        if member is None:
            yield _breach("I7", key, "is not listed")
        elif differing:
            yield _breach("I7", keys.member(user.id), f"shows another {', '.join(differing)}")


def _who_works_somewhere_has_the_role(table: _Table) -> Iterator[Breach]:
    wanted: set[Key] = set()
    for _, _, user in table.accounts():
        if user.status not in LEFT:
            roles = [role for role in user.roles if role.role in ADMINISTRATIVE]
            wanted |= {keys.role(user.id, role.role, role.organization_id) for role in roles}
    there = {key for key, _, _ in table.of("role")}
    for key in wanted - there:
        yield _breach("I7", key, "is missing: who has the role is not found by it")
    for key in there - wanted:
        yield _breach("I7", key, "is of a role that its user does not have")


# ---- I8: who may do what -------------------------------------------------------------------------


def _administrators_are_those_who_are(table: _Table) -> Iterator[Breach]:
    key = keys.administrators()
    counted = set(table.rows.get(key, {}).get("ids", ()))
    are = {user.id for user in table.users.values() if user.is_site_administrator}
    for user_id in sorted(are - counted):
        yield _breach("I8", key, f"does not count {user_id}, who administers the site")
    for user_id in sorted(counted - are):
        yield _breach("I8", key, f"counts {user_id}, who does not administer the site")


def _roles_were_given(table: _Table) -> Iterator[Breach]:
    logs: dict[str, list[Any]] = defaultdict(list)
    for key, _, record in sorted(table.of("audit"), key=lambda found: found[0]):
        logs[key.pk].append(record)
    for key, _, user in table.accounts():
        if user.status in LEFT | {State.PENDING_EMAIL_ACTIVATION}:
            continue
        log = logs[key.pk]
        whole = bool(log) and log[0].event in {"opened", "activated", "approval_asked"}
        for role in user.roles:
            name = f"{role.role} {role.organization_id}"
            if role.by.startswith("rule:") and role.role in ADMINISTRATIVE:
                yield _breach("I8", key, f"was given the role {name} by a rule")
            if whole and not _was_given(name, log):
                yield _breach("I8", key, f"has the role {name}, which nobody gave it")
            if keys.organization(role.organization_id) not in table.rows:
                yield _breach("I8", key, f"has the role {name} where there is no organization")


def _was_given(name: str, log: Iterable[Any]) -> bool:
    given = False
    for record in log:
        given = (given or name in record.gained) and name not in record.lost
    return given


def _paths_are_those_of_the_tree(table: _Table) -> Iterator[Breach]:
    tree = {org.id: org.path for _, _, org in table.of("organization")}
    said: list[tuple[Key, tuple[str, ...]]] = [
        *((key, org.path[:-1]) for key, _, org in table.of("organization") if org.parent_id),
        *((key, user.path) for key, _, user in table.accounts()),
        *((key, gallery.path) for key, _, gallery in table.of("gallery")),
        *((key, path) for key, _, order in table.of("order") for path in order.paths),
    ]
    for key, path in said:
        if not path or tree.get(path[-1]) != path:
            yield _breach("I8", key, f"is below {'/'.join(path)}, which the tree does not know")


# ---- I9: nothing is gone by half -----------------------------------------------------------------

_HEADS: Mapping[str, Callable[[str], Key]] = {
    "USER": keys.user,
    "GALLERY": keys.gallery,
    "ORG": keys.organization,
}


def _nothing_is_left_of_what_is_gone(table: _Table) -> Iterator[Breach]:
    for key in table.rows:
        head, _, id_ = key.pk.partition("#")
        if head in _HEADS and _HEADS[head](id_) not in table.rows:
            yield _breach("I9", key, f"is left of {head.lower()} {id_}, which is not there")


def _nobody_is_gone_who_is_needed(table: _Table) -> Iterator[Breach]:
    there = {key.pk.removeprefix(keys.user("").pk) for key in table.rows if key.sk == "USER"}
    for key, _, order in table.of("order"):
        struck, done = order.contact is None, order.status not in life.LIVE
        if not struck and not done and order.placed_by not in there:
            yield _breach("I9", key, f"still waits and {order.placed_by}, who ordered, is gone")
    needed: list[tuple[Key, str | None]] = [
        *((key, user.handed_to) for key, _, user in table.of("user")),
        *((key, grant.bound_to) for key, _, grant in table.of("grant")),
        *((key, row.get("answered_by")) for key, row, _ in table.of("order by address")),
        *((k, entry.actor) for k, _, o in table.of("order") for entry in o.history[1:]),
    ]
    for key, user_id in needed:
        if user_id is not None and user_id not in there:
            yield _breach("I9", key, f"names the account {user_id}, which is gone")


def _who_is_being_removed_is_gone_on_with(table: _Table) -> Iterator[Breach]:
    for key, row in table.rows.items():
        if "removed_at" in row and row.get("due") != keys.idle_guests(
            keys.shard_of(keys.id_in(key.pk))
        ):
            yield _breach("I9", key, "is half removed and waits in no queue")


def _only_what_nobody_misses_goes_by_itself(table: _Table) -> Iterator[Breach]:
    for kind in KEPT:
        for key, row, _ in table.of(kind):
            if "expires" in row:
                yield _breach("I9", key, "goes by TTL and must stay")
    for kind in PASSING:
        for key, row, _ in table.of(kind):
            if type(row.get("expires")) is not int:
                yield _breach("schema", key, "must go by TTL and does not say when")


# ---- the schema: lists and queues ----------------------------------------------------------------

# What stands in a list or queue: its name, and what its place there must be like.
_Place = tuple[str, str] | None


def _in_list(table: _Table, kind: str, key: Key, row: Row, read: Any) -> _Place:
    """Where a row of the kind must stand in the index `listing`; what is None stands in none."""
    if kind == "product":
        return _of_product(row, read)
    if kind == "grant" and "link" not in row:
        return None
    return _LISTED[kind](table, key, read) if kind in _LISTED else None


def _of_role(_: _Table, key: Key, __: Any) -> _Place:
    role, org_id = key.sk.split("#")[1:]
    return keys.staff_of(org_id), re.escape(f"{role}#{keys.id_in(key.pk)}")


def _of_gallery_pointer(table: _Table, key: Key, _: Any) -> _Place:
    gallery = next((g for k, _, g in table.of("gallery") if k.pk == key.pk), None)
    return None if gallery is None else _where(catalogue.list_for_studio(gallery).item)


def _of_product_pointer(table: _Table, key: Key, _: Any) -> _Place:
    product = next((p for _, _, p in table.of("product") if p.id == _product_id(key)), None)
    return None if product is None else _where(catalogue.list_product_for_studio(product).item)


def _of_access_request(_: _Table, __: Key, read: Any) -> _Place:
    asked = read[1]
    return keys.requests_of(asked.email), rf"\d{{12}}#{re.escape(asked.gallery_id)}"


def _of_submitted(_: _Table, __: Key, read: Any) -> _Place:
    rest = re.escape(f"#{read.gallery_id}#{read.selection_id}")
    return keys.sent_by(read.user_id), rf"\d{{12}}{rest}"


def _of_grant(_: _Table, __: Key, read: Any) -> _Place:
    return keys.grants_on(read.email), rf"\d{{12}}#{re.escape(read.gallery_id)}"


_LISTED: Mapping[str, Callable[[_Table, Key, Any], _Place]] = {
    "claim": lambda _, __, read: _where(claims.new_claim(read).item),
    "claim of nobody": lambda _, __, read: _where(claims.new_claim(read).item),
    "role": _of_role,
    "organization": lambda _, __, read: _where(organizations.new_organization(read).item),
    "gallery": lambda _, __, read: _where(catalogue.put_gallery(read).item),
    "gallery of a studio": _of_gallery_pointer,
    "product of a studio": _of_product_pointer,
    "product of a gallery": _of_product_pointer,
    "access request": _of_access_request,
    "submitted selection": _of_submitted,
    "grant": _of_grant,
}


def _product_id(pointer: Key) -> str:
    return keys.id_in(keys.product_in(pointer).pk)


def _of_product(row: Row, product: Any) -> _Place:
    """In the list everybody sees or in its gallery's: which of them goes by its door."""
    if not product.active:
        return None
    own = {keys.PUBLIC_PRODUCTS, keys.products_of(product.gallery_id or "")}
    name = row.get("list")
    if product.gallery_id is None or name not in own:
        name = keys.PUBLIC_PRODUCTS
    position = keys.product_position(product.gallery_id, _ID)
    place = re.escape(position).replace(_ID, rf"\d{{12}}#{re.escape(product.id)}")
    return name, place


def _where(item: Row) -> _Place:
    return (item["list"], re.escape(item["list_at"])) if item.get("list") else None


_MAY_EXPIRE = {None, State.PENDING_EMAIL_ACTIVATION}


def _in_queue(kind: str, key: Key, row: Row, read: Any) -> str | None:
    """The queue of the index `due` in which a row of the kind must wait."""
    shard = keys.shard_of(keys.id_in(key.pk))
    if kind == "user" and read.status in _MAY_EXPIRE:
        return keys.idle_guests(shard)
    if kind == "user" and "erasing" in row:
        return keys.CLOSING
    if kind in {"mail", "event"} and not any(name in row for name in _OVER):
        return keys.unsent(shard)
    if kind in {"claim", "claim of nobody"}:
        return keys.expiring_claims(keys.shard_of(keys.id_in(key.sk)))
    return keys.DIGESTS if kind == "digest" else None


# Compared with the whole row of their owner already.
_COMPARED = {"member", "order of a studio"}


def _lists_and_queues_are_as_keys_says(table: _Table) -> Iterator[Breach]:
    for kind in KINDS.keys() - _COMPARED:
        for key, row, read in table.of(kind):
            listed = _in_list(table, kind, key, row, read)
            if listed is None:
                if {"list", "list_at"} & row.keys():
                    yield _breach("schema", key, "stands in a list it does not belong in")
            elif row.get("list") != listed[0] or not _is(row.get("list_at"), listed[1]):
                yield _breach("schema", key, f"does not stand in its list {_told(listed[0])}")
            queue = _in_queue(kind, key, row, read)
            if queue is None:
                if {"due", "due_at"} & row.keys():
                    yield _breach("schema", key, "waits in a queue it does not belong in")
            elif row.get("due") != queue or type(row.get("due_at")) is not int:
                yield _breach("schema", key, f"does not wait in its queue {queue}")


def _is(place: Any, pattern: str) -> bool:
    return isinstance(place, str) and re.fullmatch(pattern, place) is not None


_CHECKS: tuple[Check, ...] = (
    _addresses_are_one_accounts,
    _addresses_are_somebodys,
    _claims_made_whom_they_say,
    _links_are_of_the_past,
    _grants_are_accepted_by_somebody,
    _orders_add_up,
    _orders_lived_as_drawn,
    _studios_find_their_orders,
    _orders_are_found_by_whom_they_name,
    _addresses_name_their_orders,
    _claimed_orders_are_where_they_were_claimed,
    _accounts_show_their_own_orders,
    _one_order_a_key,
    _claims_are_of_their_orders,
    _what_must_be_told_waits_or_is_over,
    _carts_are_whole,
    _the_dead_left_nothing,
    _guests_who_ordered_live_on,
    _receipts_tell_what_can_be,
    _who_took_a_grant_holds_it,
    _only_the_approved_are_in,
    _lists_show_accounts_as_they_are,
    _who_works_somewhere_has_the_role,
    _administrators_are_those_who_are,
    _roles_were_given,
    _paths_are_those_of_the_tree,
    _nothing_is_left_of_what_is_gone,
    _nobody_is_gone_who_is_needed,
    _who_is_being_removed_is_gone_on_with,
    _only_what_nobody_misses_goes_by_itself,
    _lists_and_queues_are_as_keys_says,
)
