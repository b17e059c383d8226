"""What a studio does with its orders: find them, confirm, fulfil, cancel. Each within the reach of
his role (rules/roles.py); an order of several studios is seen by each of them, and goes on by who
reaches them all."""

from collections.abc import Sequence
from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.operations import places
from foyer.operations.events import order_event
from foyer.operations.sessions import RETRIES, Visitor, attempt_of
from foyer.operations.staff import acting
from foyer.rules.orders import LIFE, Order, Status, Step, stepped
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, Role, reach
from foyer.rules.users import User
from foyer.storage import catalogue, keys, orders, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.outbox import Mail, new_mail
from foyer.storage.table import Change, ConditionFailed, Item, Page, read, write


def sees(roles: Sequence[Role], order: Order) -> bool:
    return any(reach(roles, Power.SELL, path) is not None for path in order.paths)


def decides(roles: Sequence[Role], order: Order) -> bool:
    return all(reach(roles, Power.SELL, path) is not None for path in order.paths)


def possible(actor: User, order: Order) -> set[Step]:
    """What the actor may do with the order now."""
    if not decides(actor.roles, order):
        return set()
    return {step for status, step in LIFE if status is order.status}


def listed(
    visitor: Visitor,
    now: int,
    *,
    limit: int,
    status: Status | None = None,
    organization_id: str | None = None,
    after: Item | None = None,
) -> tuple[list[tuple[Order, set[Step]]], Item | None]:
    """A page of orders, each with what he may do with it: one organization after the other, those
    that wait first, the newest of each kind first. Refuses NOT_FOUND where he sells for nobody
    there."""
    actor, _ = acting(visitor, now)
    ids = places.reached(visitor, Power.SELL, organization_id, now)

    def of(id_: str, most: int, behind: Item | None) -> Page:
        return orders.of_studio(id_, status, limit=most, after=behind)

    page = places.through(ids, of, limit=limit, after=after)
    wanted = list(dict.fromkeys(keys.id_in(pointer["pk"]) for pointer in page.items))
    found = orders.read(wanted, consistent=False) if wanted else {}
    here = [(found[id_], possible(actor, found[id_])) for id_ in wanted if id_ in found]
    return here, page.last


def see(visitor: Visitor, order_id: str, now: int) -> tuple[Order, set[Step]]:
    """The order, and what he may do with it. NOT_FOUND where nothing of it is his studio's."""
    key = keys.order(order_id)
    actor, rows = acting(visitor, now, more=[key])
    order = orders.from_item(rows.get(key))
    if order is None or not sees(actor.roles, order):
        raise Refusal(Reason.NOT_FOUND)
    return order, possible(actor, order)


def galleries(actor: User, order: Order) -> dict[str, str]:
    """What the galleries its pictures hang in are called, by their ids: those he looks after."""
    things = [line.thing for line in order.lines]
    wanted = sorted({keys.gallery(one.gallery_id) for one in things if one.gallery_id})
    rows = read(wanted, consistent=False) if wanted else {}
    found = [catalogue.gallery(row) for row in rows.values()]
    reached = [one for one in found if reach(actor.roles, Power.SELL, one.path) is not None]
    return {one.id: one.title for one in reached if not one.leaving}


def step(
    visitor: Visitor,
    order_id: str,
    step: Step,
    now: int,
    *,
    reason: str | None = None,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> tuple[Order, set[Step]]:
    """The order goes on, and whoever ordered is told by mail: once, however often it is asked for.
    Refuses WRONG_STATUS for a step that is not drawn."""
    key, attempt = keys.order(order_id), attempt_of(visitor, once, f"{step.value}#{order_id}")
    for _ in range(RETRIES + 1):
        more = [key, *([attempt.row_key] if attempt else [])]
        actor, rows = acting(visitor, now, more=more, changing=True)
        before = orders.from_item(rows.get(key))
        if before is None or not decides(actor.roles, before):
            raise Refusal(Reason.NOT_FOUND)
        if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
            return before, possible(actor, before)
        after = stepped(before, step, actor.id, now, reason)
        if after is before:
            return before, possible(actor, before)
        records = [attempt.record(now)] if attempt else []
        try:
            write(
                users.acts(actor),
                *orders.change(before, after),
                *_mail(after, reason, now, entropy),
                order_event(after, now, entropy),
                *records,
            )
        except ConditionFailed:
            continue
        return after, possible(actor, after)
    raise Refusal(Reason.BUSY, retry_after=1)


def _mail(order: Order, reason: str | None, now: int, entropy: Entropy) -> list[Change]:
    """To the address that was given; where its owner closed his account there is none."""
    if order.contact is None or order.email is None:
        return []
    kind, facts = f"order_{order.status.value}", {"order": order.id, "reason": reason or ""}
    to = order.contact.address
    return [new_mail(Mail(new_id(entropy), kind, to, order.language, facts, now))]
