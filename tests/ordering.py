"""Orders as tests place them."""

from itertools import count
from typing import Any

from tests.visiting import Answer, Browser

POSTAL = {"line1": "12 Sea Road", "postal_code": "29900", "city": "Concarneau", "country": "FR"}

_keys = count(1)


def new_key() -> str:
    return f"order-{next(_keys):012d}"


def contact(email: str, **more: Any) -> dict[str, Any]:
    return {"email": email, "name": "Nina Marchetti", "address": POSTAL, **more}


def place(browser: Browser, email: str, *, key: str | None = None, **more: Any) -> Answer:
    """All that is in the cart, to this address of mail."""
    body = {"contact": contact(email), **more}
    return browser.post("/v1/orders", body, Idempotency_Key=key or new_key())


def move(staff: Browser, order_id: str, step: str) -> tuple[int, str]:
    """confirm, fulfil or cancel: what `said` tells of the answer."""
    site = staff.gateway.site
    refusals, table = site.module("foyer.rules.refusals"), site.module("foyer.storage.table")
    bearer = site.module("foyer.credentials").Bearer.parse(staff.cookies["__Host-foyer"])
    visitor = site.module("foyer.operations.sessions").Visitor(bearer, staff.address)
    steps = site.module("foyer.rules.orders").Step
    try:
        site.module("foyer.operations.sales").step(visitor, order_id, steps(step), site.now())
    except refusals.Refusal as refusal:
        status = site.module("foyer.web.problems").status(refusal.reason).value
        return status, refusal.reason.value
    except table.Unavailable:
        return 503, "unavailable"
    return 200, ""
