"""What a studio does with its orders: see what waits, confirm, fulfil, cancel."""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import sales
from foyer.rules.orders import LEADS_TO, Order, Status, Step
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power
from foyer.web import cursors
from foyer.web.api import request
from foyer.web.models import Body, Id, Note, OrderStatus
from skin.page import Kept, Page, documented, form_page, read, see_other, seen_at
from skin.products import LISTING, seller
from skin.staff import STAFF, Asked, Cursor, Key, choices, names, once, reached, sent_before
from skin.studio import DEEDS

router = Router()

OrderId = Annotated[str, InPath(max_length=64)]

AT_ONCE = 20  # orders in a list
ORDERS = "/staff/orders"

# What the order's page itself says of what was tried there.
SHOWN = {Reason.WRONG_STATUS, Reason.KEY_REUSED, Reason.BUSY}
STEPPING = documented(*DEEDS, Reason.WRONG_STATUS, Reason.VERSION_MISMATCH, success=303)


def order_path(order_id: str) -> str:
    return f"{ORDERS}/{quote(order_id, safe='')}"


# ---- the list ------------------------------------------------------------------------------------


class Filter(Body):
    status: OrderStatus | None
    organization_id: Id | None


@router.get(ORDERS, responses=documented(*LISTING), tags=["pages"])
def all_of_them(status: Asked = "", organization_id: Asked = "", cursor: Cursor = None) -> Page:
    """Those that wait first. Where there are too many organizations for one list, it asks for one
    of them."""
    me, visitor, now = seller(), request().visitor, clock.now()
    typed = {"status": status, "organization_id": organization_id}
    asked_by = {name: value for name, value in typed.items() if value}
    query, refusal = f"orders {status} {organization_id}", None
    found, following, too_many = list[Order](), None, False
    form, wrong = read(Filter, **{name: value or None for name, value in typed.items()})
    try:
        if form is None:
            raise Refusal(Reason.INVALID_INPUT)
        listed, last = sales.listed(
            visitor,
            now,
            limit=AT_ONCE,
            status=Status(form.status) if form.status else None,
            organization_id=form.organization_id,
            after=cursors.read(cursor, query, me.id, now),
        )
        found = [order for order, _ in listed]
        following = cursors.sign(last, query, me.id, now)
    except Refusal as refused:
        shown = {Reason.INVALID_INPUT, Reason.TOO_MANY_ORGANIZATIONS, Reason.INVALID_CURSOR}
        if refused.reason not in shown:
            raise
        too_many = refused.reason is Reason.TOO_MANY_ORGANIZATIONS
        refusal = None if too_many and not organization_id else refused
    known = reached()
    return form_page(
        "studio-orders.html",
        refusal,
        wrong,
        typed=typed,
        asked_by=asked_by,
        orders=found,
        statuses=[one.value for one in Status],
        organizations=choices(known, me, Power.SELL),
        names=names(known),
        too_many=too_many,
        later=cursor is not None,
        following={**asked_by, "cursor": following} if following else None,
    )


# ---- one of them ---------------------------------------------------------------------------------


@router.get(f"{ORDERS}/<order_id>", responses=documented(*STAFF), tags=["pages"])
def see(order_id: OrderId) -> Page:
    return _order_page(order_id, done=request().query.get("done", ""))


def _order_page(
    order_id: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    done: str = "",
) -> Page:
    me = seller()
    order, may = sales.see(request().visitor, order_id, clock.now())
    phone = order.contact.phone if order.contact is not None else None
    return form_page(
        "studio-order.html",
        refusal,
        wrong,
        order=order,
        act=order_path(order_id),
        may=may,
        decides=sales.decides(me.roles, order),
        galleries=sales.galleries(me, order),
        names=names(reached()) if len(order.paths) > 1 else {},
        # Where it can be dialled from: of what was typed, what a telephone knows.
        dialled=re.sub("[^0-9+]", "", phone or ""),
        typed={"reason": "", **(typed or {})},
        key=new_id(),
        done=done,
        happened={entry.status.value: entry for entry in order.history},
    )


# ---- what is done --------------------------------------------------------------------------------


@router.post(f"{ORDERS}/<order_id>/confirm", status_code=303, responses=STEPPING, tags=["pages"])
def confirm(order_id: OrderId, key: Key = "") -> Page:
    return _step(order_id, Step.CONFIRM, key)


@router.post(f"{ORDERS}/<order_id>/fulfil", status_code=303, responses=STEPPING, tags=["pages"])
def fulfil(order_id: OrderId, key: Key = "") -> Page:
    return _step(order_id, Step.FULFIL, key)


class Cancelling(Body):
    reason: Note | None


@router.post(f"{ORDERS}/<order_id>/cancel", status_code=303, responses=STEPPING, tags=["pages"])
def cancel(order_id: OrderId, reason: Kept = "", key: Key = "") -> Page:
    """The reason goes into the mail: what was typed on several lines as one."""
    form, wrong = read(Cancelling, reason=" ".join(reason.split()) or None)
    if form is None:
        return _order_page(order_id, Refusal(Reason.INVALID_INPUT), wrong, {"reason": reason})
    return _step(order_id, Step.CANCEL, key, form.reason, {"reason": reason})


def _step(
    order_id: str,
    step: Step,
    key: str,
    reason: str | None = None,
    typed: Mapping[str, str] | None = None,
) -> Page:
    """What happened is said where the order is: also that somebody else had done it before."""
    me, visitor, now = seller(), request().visitor, clock.now()
    attempt = once(key, reason=reason)
    try:
        order, _ = sales.step(visitor, order_id, step, now, reason=reason, once=attempt)
    except Refusal as refusal:
        if refusal.reason not in SHOWN:
            raise
        return _order_page(order_id, sent_before(refusal), None, typed)
    became = LEADS_TO[step]
    own = any(
        (one.status, one.actor, one.reason) == (became, me.id, reason) for one in order.history
    )
    return see_other(order_path(order_id), done=became.value if own else "before")


_BACK = documented(Reason.NOT_FOUND, success=303)


@router.get(f"{ORDERS}/<order_id>/confirm", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{ORDERS}/<order_id>/fulfil", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{ORDERS}/<order_id>/cancel", status_code=303, responses=_BACK, tags=["pages"])
def back_to_the_order(order_id: OrderId) -> Page:  # noqa: ARG001 - stands in the path
    return see_other(quote(seen_at(request().path)))
