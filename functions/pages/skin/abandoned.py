"""Whom the clean-up takes next, and what it did last: for site administrators."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from foyer import clock
from foyer.operations import housekeeping
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason
from foyer.web import cursors
from foyer.web.api import request
from skin.page import Page, documented, page
from skin.staff import STAFF, Cursor

router = Router()

AT_ONCE = 20


@router.get(
    "/staff/guests/abandoned", responses=documented(*STAFF, Reason.INVALID_CURSOR), tags=["pages"]
)
def abandoned(cursor: Cursor = None) -> Page:
    visitor, now, query = request().visitor, clock.now(), "abandoned page"
    after = cursors.read(cursor, query, visitor.named_id, now)
    found = housekeeping.abandoned(visitor, now, limit=AT_ONCE, after=after)
    return page(
        "abandoned.html",
        found=found,
        days=POLICY.guests.idle_days,
        opened_days=POLICY.claims.on_behalf_days,
        claim_days=POLICY.claims.days,
        later=cursor is not None,
        following=cursors.sign(found.last, query, visitor.named_id, now),
    )
