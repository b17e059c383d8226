"""Taking everything along as a file, and closing the account (N19)."""

import json
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator

from foyer import clock
from foyer.operations import account, closing, export, orders
from foyer.rules.orders import LIVE
from foyer.rules.refusals import Reason, Refusal
from foyer.web import cursors
from foyer.web.account import export_answer
from foyer.web.api import request
from foyer.web.models import Body
from skin.page import MINE, POSTED, Page, Yes, documented, form_page, page, read
from skin.registration import agreed

router = Router()

EXPORT = "/account/export"
CLOSE = "/account/close"
PROOF = (*MINE, Reason.PROOF_REQUIRED, Reason.PROVE_ADDRESS)


@router.get(
    EXPORT,
    responses=documented(*PROOF, Reason.INVALID_CURSOR, content={"application/json": {}}),
    tags=["pages"],
)
def export_file(cursor: Annotated[str | None, Query(max_length=2000)] = None) -> Page:
    """Older orders that found no room in it come by the cursor that is in it."""
    visitor, now, query = request().visitor, clock.now(), "export"
    me = visitor.named_id
    found = export.export(visitor, now, after=cursors.read(cursor, query, me, now))
    answer = export_answer(found, cursors.sign(found.last, query, me, now), now)
    text = json.dumps(answer.model_dump(mode="json"), ensure_ascii=False, indent=1)
    named = {"Content-Disposition": 'attachment; filename="my-account.json"'}
    return Response(200, "application/json; charset=utf-8", text, headers=named)


class Sure(Body):
    sure: Annotated[str, AfterValidator(agreed)]


@router.get(CLOSE, responses=documented(*PROOF), tags=["pages"])
def ask() -> Page:
    return _close_page()


@router.post(
    CLOSE,
    responses=documented(*POSTED, *PROOF, Reason.LAST_ADMINISTRATOR),
    tags=["pages"],
)
def close(sure: Yes = "") -> Page:
    """The same browser may ask again: what was cut short goes on."""
    visitor, now = request().visitor, clock.now()
    form, wrong = read(Sure, sure=sure)
    if form is None:
        account.signed_in(visitor, now, changing=True)
        return _close_page(Refusal(Reason.INVALID_INPUT), wrong)
    try:
        closing.close(visitor, now, time_is_left=request().time_is_left)
    except Refusal as refusal:
        if refusal.reason is not Reason.LAST_ADMINISTRATOR:
            raise
        return _close_page(refusal)
    return page("closed.html", line_count=0)


def _close_page(refusal: Refusal | None = None, wrong: dict[str, str] | None = None) -> Page:
    found, _ = orders.mine(request().visitor, clock.now(), limit=20)
    live = [one.order.number for one in found if one.order.status in LIVE]
    return form_page("close.html", refusal, wrong, live=live)
