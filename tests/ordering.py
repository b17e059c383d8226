"""Orders as tests place them."""

from itertools import count
from typing import Any

from tests.visiting import Answer, Browser, said

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
    return said(staff.post(f"/v1/staff/orders/{order_id}/{step}", {}))
