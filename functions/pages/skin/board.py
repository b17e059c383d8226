"""Who is invited to a gallery, and what became of each invitation."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from urllib.parse import quote

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from aws_lambda_powertools.event_handler.openapi.params import Query

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import inviting
from foyer.operations.inviting import Invited
from foyer.rules.galleries import Download, Rights
from foyer.rules.invitations import Delivery, Invitation, Transfer
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Address, Body
from skin.page import (
    Kept,
    Page,
    Typed,
    Yes,
    documented,
    form_page,
    read,
    see_other,
    seen_at,
)
from skin.staff import STAFF, Asked, Cursor, Key, once, sent_before
from skin.studio import AT_ONCE, DEEDS, GalleryId, path_of, photographer

router = Router()

InvitationId = Annotated[str, InPath(max_length=64)]

# What the board itself says of what was tried there.
SHOWN = {
    Reason.INVALID_INPUT,
    Reason.WRONG_STATE,
    Reason.ADDRESS_SUPPRESSED,
    Reason.TOO_MANY_MAILS,
    Reason.TOO_MANY_INVITATIONS,
    Reason.KEY_REUSED,
    Reason.BUSY,
}

BOARD = "/staff/galleries/<gallery_id>/invitations"
LINE = f"{BOARD}/<invitation_id>"


# ---- the board -----------------------------------------------------------------------------------


class Search(Body):
    email: Address | None


@router.get(BOARD, responses=documented(*STAFF, Reason.INVALID_CURSOR), tags=["pages"])
def board(
    gallery_id: GalleryId,
    email: Asked = "",
    only: Annotated[Literal["", "bounced"], Query()] = "",
    cursor: Cursor = None,
) -> Page:
    """All who were invited, those whose mails came back, or the one of an address."""
    done = request().query.get("done", "")
    return board_page(gallery_id, email=email.strip(), only=only, cursor=cursor, done=done)


def board_page(
    gallery_id: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    email: str = "",
    only: str = "",
    cursor: str | None = None,
    done: str = "",
    results: Invited | None = None,
    too_many: int = 0,
) -> Page:
    me, visitor, now = photographer(), request().visitor, clock.now()
    query = f"board {gallery_id} {only}".strip()
    form, wrong_search = read(Search, email=email or None)
    if form is None:
        refusal, wrong = refusal or Refusal(Reason.INVALID_INPUT), {**wrong_search, **(wrong or {})}
    after = cursors.read(cursor, query, me.id, now)
    found = inviting.board(
        visitor,
        gallery_id,
        now,
        limit=AT_ONCE,
        address=form.email if form is not None else None,
        delivery=Delivery(only) if only else None,
        after=after,
    )
    empty = {"addresses": "", "message": "", "download": "none", "locale": visitor.language}
    empty |= {"at": "", "address": "", "enter": ""}
    return form_page(
        "studio-board.html",
        refusal,
        wrong,
        gallery=found.gallery,
        act=f"{path_of(gallery_id)}/invitations",
        gallery_path=path_of(gallery_id),
        invitations=found.invitations,
        asking={one.id: _asking(one) for one in found.invitations},
        following=cursors.sign(found.last, query, me.id, now),
        email=email,
        only=only,
        cursor=cursor or "",
        typed={**empty, **(typed or {})},
        results=grouped(results) if results is not None else None,
        too_many=too_many,
        most_addresses=POLICY.invitations.addresses,
        days=POLICY.invitations.days,
        now=now,
        key=new_id(),
        done=done,
        number=number(request().query.get("number", "")),
    )


def _asking(one: Invitation) -> list[Transfer]:
    return sorted(one.transfers.values(), key=lambda asked: (asked.at, asked.user_id))


def number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else 0


def grouped(invited: Invited) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {"invited": [], "already_invited": [], "malformed": []}
    for one in invited.results:
        groups[one.result].append(one.address)
    return groups


# ---- one invitation ------------------------------------------------------------------------------

STEP = documented(*DEEDS, Reason.WRONG_STATE, Reason.VERSION_MISMATCH, success=303)


def _done(
    gallery_id: str,
    invitation_id: str,
    deed: Callable[[], object],
    done: str,
    typed: Mapping[str, str],
) -> Page:
    """Back to where he was on the board, or the board with what was wrong at this line."""
    email, cursor = typed.get("email", ""), _known(gallery_id, typed.get("cursor", ""))
    at_line = {**typed, "at": invitation_id}
    try:
        deed()
    except Refusal as refusal:
        if refusal.reason not in SHOWN:
            raise
        wrong = {}
        if refusal.pointer is not None:
            words = problems.field_words("malformed", request().visitor.language)
            wrong = {f"{refusal.pointer.removeprefix('#/')}-{invitation_id}": words}
            refusal = Refusal(refusal.reason)
        refusal = sent_before(refusal)
        return board_page(gallery_id, refusal, wrong, at_line, email=email, cursor=cursor)
    where = {"email": email} if email else {"cursor": cursor} if cursor else {}
    return see_other(f"{path_of(gallery_id)}/invitations", done=done, **where)


def _refused(
    gallery_id: str, invitation_id: str, wrong: Mapping[str, str], typed: Mapping[str, str]
) -> Page:
    at_line = {f"{name}-{invitation_id}": words for name, words in wrong.items()}
    return board_page(
        gallery_id,
        Refusal(Reason.INVALID_INPUT),
        at_line,
        {**typed, "at": invitation_id},
        email=typed.get("email", ""),
        cursor=_known(gallery_id, typed.get("cursor", "")),
    )


def _known(gallery_id: str, cursor: str) -> str | None:
    """Where in the list he was, if that can be found again."""
    bearer = request().visitor.bearer
    try:
        user_id = bearer.user_id if bearer else ""
        cursors.read(cursor or None, f"board {gallery_id}", user_id, clock.now())
    except Refusal:
        return None
    return cursor or None


@router.post(
    f"{LINE}/resend",
    status_code=303,
    responses=STEP | documented(Reason.TOO_MANY_MAILS, success=303),
    tags=["pages"],
)
def resend(
    gallery_id: GalleryId,
    invitation_id: InvitationId,
    email: Typed = "",
    cursor: Kept = "",
    key: Key = "",
) -> Page:
    visitor, now, typed = request().visitor, clock.now(), {"email": email, "cursor": cursor}
    return _done(
        gallery_id,
        invitation_id,
        lambda: inviting.resend(visitor, gallery_id, invitation_id, now, once=once(key)),
        "resent",
        typed,
    )


class Correction(Body):
    address: Address


@router.post(f"{LINE}/correct", status_code=303, responses=STEP, tags=["pages"])
def correct(
    gallery_id: GalleryId,
    invitation_id: InvitationId,
    address: Typed = "",
    email: Typed = "",
    cursor: Kept = "",
    key: Key = "",
) -> Page:
    """Leads to the line of the right address."""
    visitor, now = request().visitor, clock.now()
    typed = {"address": address, "email": email, "cursor": cursor}
    form, wrong = read(Correction, address=address)
    if form is None:
        return _refused(gallery_id, invitation_id, wrong, typed)
    right, attempt = form.address, once(key, address=address)
    answer = _done(
        gallery_id,
        invitation_id,
        lambda: inviting.correct(visitor, gallery_id, invitation_id, right, now, once=attempt),
        "corrected",
        typed,
    )
    if answer.status_code != 303:
        return answer
    return see_other(f"{path_of(gallery_id)}/invitations", done="corrected", email=right)


@router.post(f"{LINE}/withdraw", status_code=303, responses=STEP, tags=["pages"])
def withdraw(
    gallery_id: GalleryId,
    invitation_id: InvitationId,
    sure: Yes = "",
    email: Typed = "",
    cursor: Kept = "",
) -> Page:
    visitor, now, typed = request().visitor, clock.now(), {"email": email, "cursor": cursor}
    if sure != "yes":
        wrong = {"sure": problems.field_words("missing", visitor.language)}
        return _refused(gallery_id, invitation_id, wrong, typed)
    return _done(
        gallery_id,
        invitation_id,
        lambda: inviting.revoke(visitor, gallery_id, invitation_id, now),
        "withdrawn",
        typed,
    )


class RightsForm(Body):
    download: Download


@router.post(f"{LINE}/rights", status_code=303, responses=STEP, tags=["pages"])
def change_rights(
    gallery_id: GalleryId,
    invitation_id: InvitationId,
    download: Typed = "",
    enter: Yes = "",
    email: Typed = "",
    cursor: Kept = "",
) -> Page:
    """Who may not enter is shut out, whatever others may."""
    visitor, now, typed = request().visitor, clock.now(), {"email": email, "cursor": cursor}
    form, wrong = read(RightsForm, download=download)
    if form is None:
        return _refused(gallery_id, invitation_id, wrong, typed)
    rights = Rights(enter == "yes", form.download)
    return _done(
        gallery_id,
        invitation_id,
        lambda: inviting.change_rights(visitor, gallery_id, invitation_id, rights, now),
        "rights",
        typed,
    )


@router.post(f"{LINE}/admit", status_code=303, responses=STEP, tags=["pages"])
def admit(
    gallery_id: GalleryId,
    invitation_id: InvitationId,
    user_id: Typed = "",
    strike_out: Yes = "",
    email: Typed = "",
    cursor: Kept = "",
) -> Page:
    """The account that asks, beside the invited address or in its place (N4)."""
    visitor, now, typed = request().visitor, clock.now(), {"email": email, "cursor": cursor}
    who, struck = user_id or None, strike_out == "yes"
    return _done(
        gallery_id,
        invitation_id,
        lambda: inviting.admit(
            visitor, gallery_id, invitation_id, now, user_id=who, strike_out=struck
        ),
        "admitted-alone" if struck else "admitted",
        typed,
    )


@router.post(f"{LINE}/decline", status_code=303, responses=STEP, tags=["pages"])
def turn_down(
    gallery_id: GalleryId,
    invitation_id: InvitationId,
    user_id: Typed = "",
    email: Typed = "",
    cursor: Kept = "",
) -> Page:
    visitor, now, typed = request().visitor, clock.now(), {"email": email, "cursor": cursor}
    who = user_id or None
    return _done(
        gallery_id,
        invitation_id,
        lambda: inviting.turn_down(visitor, gallery_id, invitation_id, now, user_id=who),
        "turned-down",
        typed,
    )


# ---- the address of a form, typed or bookmarked --------------------------------------------------

_BACK = documented(Reason.NOT_FOUND, success=303)


@router.get(f"{LINE}/resend", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{LINE}/correct", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{LINE}/withdraw", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{LINE}/rights", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{LINE}/admit", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{LINE}/decline", status_code=303, responses=_BACK, tags=["pages"])
def back_to_the_board(gallery_id: GalleryId, invitation_id: InvitationId) -> Page:  # noqa: ARG001
    return see_other(quote(seen_at(request().path)))
