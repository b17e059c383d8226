"""What happened, for whoever listens on the site's bus: ids alone, no contacts.

What each kind says is fixed by its schema in `events/schemas`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from foyer.credentials import Entropy, new_id
from foyer.rules.orders import Order, Status
from foyer.storage import orders
from foyer.storage.outbox import Event, new_event
from foyer.storage.table import Put

_OF_ORDERS = {f"order.{status.value}": status for status in Status}


def happened(kind: str, facts: Mapping[str, Any], now: int, entropy: Entropy) -> Put:
    """The outbox row of an event: it rides in the transaction of what happened."""
    return new_event(Event(new_id(entropy), kind, facts, now))


def order_event(order: Order, now: int, entropy: Entropy) -> Put:
    """That an order has come to its status. The row names the order alone, whose lines may be many
    and never change: what is told of them is read when it leaves."""
    return happened(f"order.{order.status.value}", {"order_id": order.id}, now, entropy)


def written(event: Event) -> Event:
    """The event as it leaves."""
    status, order_id = _OF_ORDERS.get(event.kind), event.facts.get("order_id", "")
    if status is None:
        return event
    order = orders.read([order_id], consistent=True)[order_id]  # no order ever goes
    return replace(event, facts=_told(order, status))


def _told(order: Order, status: Status) -> Mapping[str, Any]:
    def money(amount: int) -> Mapping[str, Any]:
        return {"amount": amount, "currency": order.currency}

    return {
        "order_id": order.id,
        "number": order.number,
        "user_id": order.placed_by,
        "organization_ids": order.organization_ids,
        "status": status.value,
        "lines": [
            {
                "product_id": line.thing.product_id,
                "gallery_id": line.thing.gallery_id,
                "picture_id": line.thing.picture_id,
                "quantity": line.quantity,
                "unit_price": money(line.unit_price),
            }
            for line in order.lines
        ],
        "shipping": money(order.shipping),
        "total": money(order.total),
        "country": order.country,
    }
