"""Inviting from a page: any number of addresses at a time, and those who ask to be invited."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated
from urllib.parse import quote

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import inviting, studio
from foyer.operations.inviting import Invited, Inviting
from foyer.rules.galleries import Download, Rights
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.web import cursors, problems
from foyer.web.api import request
from foyer.web.models import Body, Message, Offered, mailable
from skin.board import BOARD, SHOWN, board_page, grouped, number
from skin.page import SCRIPT, Kept, Page, Typed, documented, form_page, read, see_other, seen_at
from skin.staff import STAFF, Cursor, Key, once, sent_before
from skin.studio import AT_ONCE, DEEDS, GalleryId, path_of, photographer

router = Router()

Pasted = Annotated[str, Form(max_length=60_000)]
RequestId = Annotated[str, InPath(max_length=64)]

STEPS = 21  # of seven addresses each: what one form does before its page shows how far it is
REQUESTS = "/staff/galleries/<gallery_id>/requests"


class InvitingForm(Body):
    download: Download
    message: Message | None
    locale: Offered


@router.post(
    BOARD,
    status_code=303,
    responses=documented()
    | documented(*DEEDS, Reason.TOO_MANY_INVITATIONS, Reason.VERSION_MISMATCH, success=303),
    tags=["pages"],
)
def invite(
    gallery_id: GalleryId,
    addresses: Pasted = "",
    download: Typed = "",
    message: Kept = "",
    locale: Typed = "",
    so_far: Typed = "",
    key: Key = "",
) -> Page:
    """Any number of addresses, some at a time: its page says how far it is and goes on."""
    asked, now = request(), clock.now()
    typed = {"addresses": addresses, "download": download, "message": message, "locale": locale}
    pairs = [(one, mailable(one)) for one in pasted(addresses)]
    form, wrong = read(
        InvitingForm, download=download or "none", message=message.strip() or None, locale=locale
    )
    too_many = len(pairs) if len(pairs) > POLICY.invitations.addresses else 0
    if not pairs or too_many:
        code = "too_long" if too_many else "missing"
        wrong = {"addresses": problems.field_words(code, asked.visitor.language), **wrong}
    if form is None or wrong:
        refusal = Refusal(Reason.INVALID_INPUT)
        return board_page(gallery_id, refusal, wrong, typed, too_many=too_many)
    steps = _Steps(asked.time_is_left)
    wish = Inviting(pairs, Rights(download=form.download), form.message, form.locale)
    whole = {**typed, "addresses": " ".join(one for one, _ in pairs), "message": form.message or ""}
    key = key or new_id()
    try:
        done = inviting.invite(
            asked.visitor, gallery_id, wish, now, once=once(key, **whole), time_is_left=steps
        )
    except Refusal as refusal:
        if refusal.reason not in SHOWN:
            raise
        return board_page(gallery_id, sent_before(refusal), None, typed)
    if done.remaining and not steps.over:  # as many as may be invited in one day
        return _stopped(gallery_id, pairs, done, typed)
    if done.remaining:
        return _going_on(gallery_id, done, {**whole, "key": key}, number(so_far))
    groups = grouped(done)
    if groups["already_invited"] or groups["malformed"]:
        given_back = {**typed, "addresses": "\n".join(groups["malformed"])}
        return board_page(gallery_id, None, None, given_back, results=done)
    return see_other(
        f"{path_of(gallery_id)}/invitations", done="invited", number=str(len(groups["invited"]))
    )


class _Steps:
    """Says when one form has done its part. `over` once it said so."""

    def __init__(self, time_is_left: Callable[[], bool]) -> None:
        self.time_is_left, self.left, self.over = time_is_left, STEPS, False

    def __call__(self) -> bool:
        self.left -= 1
        self.over = self.left < 0 or not self.time_is_left()
        return not self.over


def pasted(text: str) -> list[str]:
    """The addresses in what was pasted, each once: of a mail program's `Name <address>` the
    address."""
    parts = list[str]()
    for part in re.split(r"[,;\r\n]+", text):
        named = re.findall(r"<([^<>\s]+@[^<>\s]+)>", part)
        parts += named or part.split()
    return list({one.casefold(): one for one in reversed(parts)}.values())[::-1]


def _stopped(
    gallery_id: str,
    pairs: list[tuple[str, str | None]],
    done: Invited,
    typed: Mapping[str, str],
) -> Page:
    """Those nobody invited yet are given back, with what is no address."""
    told = {one.address for one in done.results if one.result != "malformed"}
    rest = [one for one, _ in pairs if one not in told]
    refusal = Refusal(Reason.TOO_MANY_INVITATIONS)
    given_back = {**typed, "addresses": "\n".join(rest)}
    return board_page(gallery_id, refusal, None, given_back, results=done)


def _going_on(gallery_id: str, done: Invited, fields: Mapping[str, str], before: int) -> Page:
    """The script sends it again as long as it gets anywhere."""
    so_far = sum(1 for one in done.results if one.result != "malformed")
    return form_page(
        "studio-inviting.html",
        None,
        gallery=studio.see(request().visitor, gallery_id, clock.now()),
        act=f"{path_of(gallery_id)}/invitations",
        fields={**fields, "so_far": str(so_far)},
        so_far=so_far,
        in_all=so_far + done.remaining,
        by_itself=so_far > before,
        **SCRIPT,
    )


# ---- who would like to be invited ----------------------------------------------------------------


@router.get(REQUESTS, responses=documented(*STAFF, Reason.INVALID_CURSOR), tags=["pages"])
def requests(gallery_id: GalleryId, cursor: Cursor = None) -> Page:
    return _requests_page(gallery_id, cursor=cursor, done=request().query.get("done", ""))


def _requests_page(
    gallery_id: str, refusal: Refusal | None = None, *, cursor: str | None = None, done: str = ""
) -> Page:
    me, visitor, now = photographer(), request().visitor, clock.now()
    query = f"studio requests {gallery_id}"
    gallery = studio.see(visitor, gallery_id, now)
    after = cursors.read(cursor, query, me.id, now)
    found, last = studio.access_requests(visitor, gallery_id, now, limit=AT_ONCE, after=after)
    return form_page(
        "studio-requests.html",
        refusal,
        gallery=gallery,
        act=f"{path_of(gallery_id)}/requests",
        gallery_path=path_of(gallery_id),
        asking=found,
        following=cursors.sign(last, query, me.id, now),
        key=new_id(),
        done=done,
    )


@router.post(
    f"{REQUESTS}/<request_id>/invite",
    status_code=303,
    responses=documented(*DEEDS, Reason.TOO_MANY_INVITATIONS, Reason.VERSION_MISMATCH, success=303),
    tags=["pages"],
)
def invite_who_asks(
    gallery_id: GalleryId, request_id: RequestId, email: Typed = "", key: Key = ""
) -> Page:
    """Invites the address, and the request goes: also where the address is invited already."""
    asked, now, address = request(), clock.now(), mailable(email)
    if address is None:
        return _requests_page(gallery_id, Refusal(Reason.INVALID_INPUT))
    wish = Inviting([(email, address)], inviting.INVITED, None, asked.visitor.language)
    try:
        inviting.invite(
            asked.visitor,
            gallery_id,
            wish,
            now,
            once=once(key or new_id(), email=email),
            time_is_left=lambda: True,
        )
    except Refusal as refusal:
        if refusal.reason not in SHOWN:
            raise
        return _requests_page(gallery_id, sent_before(refusal))
    studio.dismiss(asked.visitor, gallery_id, request_id, now)
    return see_other(f"{path_of(gallery_id)}/requests", done="invited")


@router.post(
    f"{REQUESTS}/<request_id>/dismiss",
    status_code=303,
    responses=documented(*DEEDS, success=303),
    tags=["pages"],
)
def dismiss(gallery_id: GalleryId, request_id: RequestId) -> Page:
    studio.dismiss(request().visitor, gallery_id, request_id, clock.now())
    return see_other(f"{path_of(gallery_id)}/requests", done="dismissed")


_BACK = documented(Reason.NOT_FOUND, success=303)


@router.get(f"{REQUESTS}/<request_id>/invite", status_code=303, responses=_BACK, tags=["pages"])
@router.get(f"{REQUESTS}/<request_id>/dismiss", status_code=303, responses=_BACK, tags=["pages"])
def back_to_the_requests(gallery_id: GalleryId, request_id: RequestId) -> Page:  # noqa: ARG001
    return see_other(quote(seen_at(request().path)))
