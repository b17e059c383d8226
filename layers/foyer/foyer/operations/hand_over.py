"""Handing a guest's things over to an account: on every road to a session (mission 0.7, N2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from foyer.rules.carts import Cart, brought, merge
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.selections import UNNAMED, Selection
from foyer.rules.users import User
from foyer.storage import carts, keys, receipts, selections, users
from foyer.storage.carts import Stored
from foyer.storage.keys import Key
from foyer.storage.receipts import Receipt
from foyer.storage.table import Change, Item, read


@dataclass(frozen=True)
class Guest:
    """A guest and his cart, as read."""

    user: User
    cart: Stored

    def begun_at(self) -> int | None:
        """When the oldest line was put in, epoch seconds."""
        return min((line.added_at for line in self.cart.cart.lines.values()), default=None)


@dataclass(frozen=True)
class HandOver:
    """Who hands over, the changes that do it, the account's cart afterwards, and what to tell."""

    guests: tuple[str, ...]
    changes: tuple[Change, ...]
    cart: Cart
    receipt: Receipt | None


def wanted(guest: Guest | None, take_over: bool | None, now: int) -> Guest | None:
    """The guest to hand over, if any: at once where something was put into his cart within a day,
    else as asked (0.7). Refuses TAKE_OVER_REQUIRED where it must be asked. Looking does not count:
    whoever sits down at a shared computer looks before he signs in."""
    if guest is None or take_over is False:
        return None
    idle = now - guest.cart.changed_at
    if (
        guest.cart.cart.lines
        and take_over is None
        and idle >= POLICY.carts.taken_over_unasked_seconds
    ):
        about = {"line_count": len(guest.cart.cart.lines), "begun": guest.begun_at()}
        raise Refusal(Reason.TAKE_OVER_REQUIRED, facts={"cart": about})
    return guest


def arriving(
    guest: Guest | None,
    take_over: bool | None,
    account_id: str,
    rows: Mapping[Key, Item],
    now: int,
) -> HandOver:
    """This browser's guest, if he is wanted, to the account whose cart is among the rows that were
    read. Refuses TAKE_OVER_REQUIRED."""
    coming = wanted(guest, take_over, now)
    cart = carts.from_item(rows.get(keys.cart(account_id)))
    return remembering(guest, hand_over([coming] if coming else [], account_id, cart, now))


def remembering(guest: Guest | None, moved: HandOver) -> HandOver:
    """The same, with this browser's guest among those who came, also where he keeps what he has: of
    what he ordered under a key the account is answered, should it ask again (0.18)."""
    if guest is None or not guest.user.lives_on or guest.user.id in moved.guests:
        return moved
    return replace(moved, guests=(*moved.guests, guest.user.id))


def hand_over(guests: Sequence[Guest], account_id: str, account: Stored, now: int) -> HandOver:
    """All lines and the unnamed selection go to the account and each guest is dead; one who has
    orders or waits for approval lives on with an empty cart. The number of calls and changes does
    not depend on what there is of it."""
    if not guests:
        return HandOver((), (), account.cart, None)
    rules = POLICY.carts
    theirs = brought([guest.cart.cart for guest in guests], rules.mode)
    cart, told = merge(theirs, account.cart, rules)
    changes = [change for guest in guests for change in _dead(guest, account_id, now)]
    if cart is not account.cart:
        changes.append(carts.replace(account_id, account, cart))
    pictures, moved = _selections(guests, account_id, now)
    changes += moved
    receipt = Receipt(told, rules.mode, pictures) if told or pictures[0] else None
    if receipt is not None:
        changes.append(receipts.put(account_id, guests[0].user.id, receipt, now))
    return HandOver(tuple(guest.user.id for guest in guests), tuple(changes), cart, receipt)


def _selections(
    guests: Sequence[Guest], account_id: str, now: int
) -> tuple[tuple[int, int, int], list[Change]]:
    """The guests' pictures join the account's own unnamed selection: none is ever turned away, and
    none comes after: where a guest has no selection, he has none while he hands over."""
    own = keys.selection(account_id, UNNAMED)
    theirs = [keys.selection(guest.user.id, UNNAMED) for guest in guests]
    rows = read([own, *theirs], consistent=True)
    found = [(g, selections.from_item(rows.get(k))) for g, k in zip(guests, theirs, strict=True)]
    changes: list[Change] = [
        selections.none(g.user.id, UNNAMED) if one is None else selections.drop(g.user.id, one)
        for g, one in found
    ]
    kept = frozenset(picture for _, one in found if one is not None for picture in one.pictures)
    if not kept:
        return (0, 0, 0), changes
    before = selections.from_item(rows.get(own)) or Selection(UNNAMED, made_at=now)
    room = max(0, POLICY.selections.merged - len(before.pictures))
    more = sorted(kept - before.pictures)[:room]
    after = replace(before, pictures=before.pictures | set(more), version=before.version + 1)
    changes.append(selections.put(account_id, after, before))
    return (len(kept), len(before.pictures), len(after.pictures)), changes


def _dead(guest: Guest, account_id: str, now: int) -> list[Change]:
    if not guest.user.lives_on:
        return [
            users.hand_over(guest.user, account_id, now),
            carts.close(guest.user.id, guest.cart, now),
        ]
    if not guest.cart.cart.lines:
        return []
    emptied = Cart({}, guest.cart.cart.version + 1)
    return [carts.replace(guest.user.id, guest.cart, emptied)]
