"""Orders that name an address, offered to who has proved it: one by one, masked, refusable
(mission 0.11, N7). Nobody's order comes into an account by the address alone."""

from collections.abc import Mapping
from secrets import token_bytes

from foyer.credentials import Entropy
from foyer.operations.orders import Seen, in_the_book, seen, signed_in_and_proved
from foyer.operations.sessions import RETRIES, Visitor
from foyer.rules.addresses import same_postal_code
from foyer.rules.orders import Answer, Named, Order
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY
from foyer.rules.users import User
from foyer.storage import keys, limits, orders, users
from foyer.storage.keys import Key
from foyer.storage.limits import Limit
from foyer.storage.table import Change, ConditionFailed, Item, read, write


def offered(
    visitor: Visitor, now: int, *, limit: int, after: Item | None = None
) -> tuple[list[Order], Item | None]:
    """A page of the orders that name his address and are nobody's yet, the newest first. Refuses
    PROVE_ADDRESS."""
    user, _ = signed_in_and_proved(visitor, now)
    if after is not None and after["pk"] != keys.order_to(user.email or "", "").pk:
        raise Refusal(Reason.INVALID_CURSOR)  # he has another address by now
    page = orders.named_by(user.email or "", limit=limit, after=after)
    address = keys.email(user.email or "")
    left_at = users.left_at(read([address], consistent=True).get(address))
    named = [one for row in page.items if (one := orders.named_from(row)) is not None]
    ids = [one.order_id for one in named if one.is_offered(left_at)]
    wanted = [key for id_ in ids for key in (keys.order(id_), keys.order_of(user.id, id_))]
    rows = read(wanted, consistent=True) if wanted else {}
    # what he placed signed in, before he had proved the address, his account shows
    shown = {id_: orders.shown_from(rows.get(keys.order_of(user.id, id_))) for id_ in ids}
    fresh = [id_ for id_ in ids if shown[id_] is None]
    found = [orders.from_item(rows.get(keys.order(id_))) for id_ in fresh]
    return [order for order in found if order is not None], page.last


def claim(
    visitor: Visitor,
    order_id: str,
    now: int,
    *,
    postal_code: str | None = None,
    entropy: Entropy = token_bytes,
) -> Seen:
    """The order is in his account from now on; with its postal code all of it is shown, also where
    he claimed it before without. Refuses WRONG_POSTAL_CODE, tries of which are counted, and
    NOT_FOUND for any order that is not offered to him."""
    whole: bool | None = None
    for _ in range(RETRIES + 1):
        user, rows = _read(visitor, order_id, now)
        order = orders.from_item(rows.get(keys.order(order_id)))
        shown = orders.shown_from(rows.get(keys.order_of(user.id, order_id)))
        named = _named(user, order_id, rows)
        if shown is None and named is not None and named.claimed_by == user.id:
            continue  # in another tab, between our two reads
        if order is None or (shown is None and not _is_offered(user, named, rows)):
            raise Refusal(Reason.NOT_FOUND)
        if shown is not None and (shown.is_whole(user.owned_at) or postal_code is None):
            return seen(order, whole=shown.is_whole(user.owned_at))
        if whole is None:  # asked again by ourselves it is the same try
            whole = _has_its_postal_code(order, postal_code, now)
        changes: list[Change] = [users.acts(user)]
        if shown is None:
            changes.append(orders.show(user.id, order_id, now, whole=whole))
            changes.append(orders.answer(user.email or "", order_id, user.id, Answer.CLAIMED, now))
        else:
            changes.append(orders.show_whole(user.id, order_id, now))
        book = rows.get(keys.addresses(user.id))
        if whole and book is None:  # somebody else may have typed it: what is in his book is his
            changes += in_the_book(user.id, order, book, now, entropy)
        try:
            write(*changes)
        except ConditionFailed:
            continue
        return seen(order, whole=whole)
    raise Refusal(Reason.BUSY, retry_after=1)


def _has_its_postal_code(order: Order, typed: str | None, now: int) -> bool:
    postal = order.contact.postal if order.contact is not None else None
    if typed is None or postal is None:
        return False
    limit = Limit("postal-code", order.id, POLICY.orders.postal_code_tries_per_day, DAY)
    if limits.count(limit, now) is None:
        raise Refusal(Reason.TOO_MANY_ATTEMPTS, retry_after=limit.retry_after(now))
    if not same_postal_code(typed, postal.postal_code):
        raise Refusal(Reason.WRONG_POSTAL_CODE, pointer="#/postal_code")
    return True


def refuse(visitor: Visitor, order_id: str, now: int) -> None:
    """It was not his: it is offered to him no more. Once more is the same, and so it is for an
    order that is not offered to him."""
    for _ in range(RETRIES + 1):
        user, rows = _read(visitor, order_id, now)
        if not _is_offered(user, _named(user, order_id, rows), rows):
            return
        try:
            write(
                users.acts(user),
                orders.answer(user.email or "", order_id, user.id, Answer.REFUSED, now),
            )
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)


def _read(visitor: Visitor, order_id: str, now: int) -> tuple[User, Mapping[Key, Item]]:
    mine = visitor.named_id
    wanted = [keys.order(order_id), keys.order_of(mine, order_id), keys.addresses(mine)]
    user, rows = signed_in_and_proved(visitor, now, more=wanted, changing=True)
    email = user.email or ""
    named = read([keys.email(email), keys.order_to(email, order_id)], consistent=True)
    return user, {**rows, **named}


def _named(user: User, order_id: str, rows: Mapping[Key, Item]) -> Named | None:
    return orders.named_from(rows.get(keys.order_to(user.email or "", order_id)))


def _is_offered(user: User, named: Named | None, rows: Mapping[Key, Item]) -> bool:
    left_at = users.left_at(rows.get(keys.email(user.email or "")))
    return named is not None and named.is_offered(left_at)
