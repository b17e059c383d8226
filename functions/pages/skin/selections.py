"""Selections: pictures kept together, shown to others, sent to the photographer (P8, P11)."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import quote

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Form, Query
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from pydantic import AfterValidator

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import selections
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.selections import UNNAMED, Kept
from foyer.rules.users import GENERIC_ID
from foyer.settings import settings
from foyer.storage.keys import Key as RowKey
from foyer.web import cursors
from foyer.web.api import request
from foyer.web.models import Body, Id, Line, Message
from skin.galleries import gallery_page
from skin.page import (
    IDENTIFYING,
    POSTED,
    SCRIPT,
    Page,
    Typed,
    Yes,
    back_to_its_page,
    documented,
    form_page,
    own_path,
    page,
    read,
    see_other,
)
from skin.registration import agreed, pasted_token
from skin.signing_in import sign_in_form
from skin.staff import Key, once, sent_before

AT_ONCE = 20

router = Router()

OF_A_SELECTION = (Reason.SIGN_IN_AGAIN, Reason.NOT_FOUND)
LINK = (Reason.LINK_INVALID, Reason.LINK_EXPIRED)

Long = Annotated[str, Form(max_length=4000)]
SelectionId = Annotated[str, InPath(max_length=64)]


# ---- mine ----------------------------------------------------------------------------------------


@router.get(
    "/selections", responses=documented(Reason.SIGN_IN_AGAIN, Reason.INVALID_CURSOR), tags=["pages"]
)
def mine(cursor: Annotated[str | None, Query(max_length=2000)] = None) -> Page:
    return _list_page(cursor=cursor, done=request().query.get("done", ""))


def _list_page(
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    name: str = "",
    cursor: str | None = None,
    done: str = "",
) -> Page:
    visitor, now, query = request().visitor, clock.now(), "selections"
    who = visitor.bearer.user_id if visitor.bearer else GENERIC_ID
    after = cursors.read(cursor, query, who, now)
    begin = RowKey(after["pk"], after["sk"]) if after else None
    found, last = selections.listed(visitor, now, limit=AT_ONCE, after=begin)
    return form_page(
        "selections.html",
        refusal,
        wrong,
        selections=found,
        name=name,
        key=new_id(),
        done=done,
        later=cursor is not None,
        following=cursors.sign(last, query, who, now),
    )


class NameForm(Body):
    name: Line


@router.post(
    "/selections",
    status_code=303,
    responses=documented(
        *POSTED,
        Reason.SIGN_IN_AGAIN,
        Reason.TOO_MANY_GUESTS,
        Reason.TOO_MANY_SELECTIONS,
        success=303,
    ),
    tags=["pages"],
)
def begin(name: Typed = "", key: Key = "") -> Page:
    """Another one of a client's. A guest has one, whatever it is called: that one is shown."""
    form, wrong = read(NameForm, name=name)
    if form is None:
        return _list_page(Refusal(Reason.INVALID_INPUT), wrong, name=name)
    try:
        made = selections.create(
            request().visitor, form.name, clock.now(), once=once(key, name=form.name)
        )
    except Refusal as refusal:
        if refusal.reason not in {Reason.TOO_MANY_SELECTIONS, Reason.KEY_REUSED}:
            raise
        return _list_page(sent_before(refusal), name=name)
    return see_other(f"/selections/{made.id}", done="begun")


# ---- one of them ---------------------------------------------------------------------------------


@router.get("/selections/<selection_id>", responses=documented(*OF_A_SELECTION), tags=["pages"])
def one(selection_id: SelectionId) -> Page:
    return _selection_page(selection_id, done=request().query.get("done", ""))


def _selection_page(
    selection_id: str,
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    done: str = "",
    url: str = "",
) -> Page:
    view = selections.see(request().visitor, selection_id, clock.now())
    return form_page(
        "selection.html",
        refusal,
        wrong,
        selection=view.selection,
        pictures=view.pictures,
        seen=sum(1 for shown in view.pictures if shown.picture is not None),
        sent=max(view.selection.submitted.values(), default=None),
        is_named=view.selection.id != UNNAMED,
        typed={"name": view.selection.name or "", "sender": "", "message": "", **(typed or {})},
        done=done,
        url=url,
    )


@router.post(
    "/selections/<selection_id>/rename",
    status_code=303,
    responses=documented(*POSTED, *OF_A_SELECTION, success=303),
    tags=["pages"],
)
def rename(selection_id: SelectionId, name: Typed = "") -> Page:
    form, wrong = read(NameForm, name=name)
    if form is None:
        refusal = Refusal(Reason.INVALID_INPUT)
        return _selection_page(selection_id, refusal, wrong, {"name": name})
    try:
        selections.rename(request().visitor, selection_id, form.name, clock.now())
    except Refusal as refusal:
        if refusal.reason is not Reason.INVALID_INPUT:
            raise
        return _selection_page(selection_id, refusal)
    return see_other(f"/selections/{selection_id}", done="renamed")


@router.post(
    "/selections/<selection_id>/share",
    responses=documented(*POSTED, *OF_A_SELECTION),
    tags=["pages"],
)
def share(selection_id: SelectionId) -> Page:
    """The link, the same while it is shared; a GET, which changes nothing, cannot make it."""
    token = selections.share(request().visitor, selection_id, clock.now())
    url = f"{settings().site_url}/shared-selection#t={token}"
    return _selection_page(selection_id, url=url)


@router.post(
    "/selections/<selection_id>/unshare",
    status_code=303,
    responses=documented(*POSTED, *OF_A_SELECTION, success=303),
    tags=["pages"],
)
def unshare(selection_id: SelectionId) -> Page:
    selections.unshare(request().visitor, selection_id, clock.now())
    return see_other(f"/selections/{selection_id}", done="unshared")


class SendForm(Body):
    sender: Line | None
    message: Message | None


@router.post(
    "/selections/<selection_id>/submit",
    status_code=303,
    responses=documented(
        *POSTED,
        *OF_A_SELECTION,
        Reason.SELECTION_EMPTY,
        Reason.SELECTION_FULL,
        Reason.TOO_MANY_REQUESTS,
        success=303,
    ),
    tags=["pages"],
)
def submit(selection_id: SelectionId, sender: Typed = "", message: Long = "") -> Page:
    """`sender` is what a guest calls himself."""
    typed = {"sender": sender, "message": message}
    form, wrong = read(SendForm, sender=sender or None, message=message.strip() or None)
    if form is None:
        return _selection_page(selection_id, Refusal(Reason.INVALID_INPUT), wrong, typed)
    try:
        selections.submit(
            request().visitor, selection_id, clock.now(), name=form.sender, message=form.message
        )
    except Refusal as refusal:
        shown = {Reason.SELECTION_EMPTY, Reason.SELECTION_FULL, Reason.TOO_MANY_REQUESTS}
        if refusal.reason not in shown:
            raise
        return _selection_page(selection_id, refusal, None, typed)
    return see_other(f"/selections/{selection_id}", done="sent")


class DeleteForm(Body):
    confirm: Annotated[str, AfterValidator(agreed)]


@router.post(
    "/selections/<selection_id>/delete",
    status_code=303,
    responses=documented(*POSTED, *OF_A_SELECTION, success=303),
    tags=["pages"],
)
def delete(selection_id: SelectionId, confirm: Yes = "") -> Page:
    form, wrong = read(DeleteForm, confirm=confirm)
    if form is None:
        return _selection_page(selection_id, Refusal(Reason.INVALID_INPUT), wrong)
    selections.delete(request().visitor, selection_id, clock.now())
    return see_other("/selections", done="deleted")


@router.get(
    "/selections/<selection_id>/rename",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
@router.get(
    "/selections/<selection_id>/share",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
@router.get(
    "/selections/<selection_id>/submit",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
@router.get(
    "/selections/<selection_id>/delete",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
def back_to_the_selection(selection_id: SelectionId) -> Page:  # noqa: ARG001 - it is in the path
    return back_to_its_page()


# ---- its pictures --------------------------------------------------------------------------------


@router.post(
    "/selections/pictures",
    status_code=303,
    responses=documented(
        *POSTED,
        *OF_A_SELECTION,
        Reason.SELECTION_FULL,
        Reason.SELECTION_QUOTA,
        Reason.TOO_MANY_GUESTS,
        success=303,
    ),
    tags=["pages"],
)
def keep(
    gallery_id: Annotated[Id, Form()],
    picture_id: Annotated[Id, Form()],
    action: Annotated[Literal["keep", "remove"], Form()],
    selection_id: Annotated[Id, Form()] = UNNAMED,
    after: Annotated[Id | None, Form()] = None,
    back: Annotated[str, Form(max_length=200)] = "",
) -> Page:
    """`after` is where the gallery's page began that this was done on."""
    visitor, now, kept = request().visitor, clock.now(), Kept(gallery_id, picture_id)
    try:
        if action == "keep":
            selections.add(visitor, selection_id, kept, now)
        else:
            selections.remove(visitor, selection_id, kept, now)
    except Refusal as refusal:
        if refusal.reason is Reason.SIGN_IN_AGAIN:
            return sign_in_form(refusal, back=own_path(back))
        if refusal.reason not in {Reason.SELECTION_FULL, Reason.SELECTION_QUOTA}:
            raise
        return gallery_page(gallery_id, after, selection_id, refusal)
    if own_path(back).startswith("/selections/"):
        return see_other(quote(own_path(back)), done="removed")
    begins = {"after": after} if after else {}
    into = {"into": selection_id} if selection_id != UNNAMED else {}
    answer = see_other(f"/galleries/{gallery_id}", **begins, **into)
    answer.headers["Location"] = f"{answer.headers['Location']}#picture-{picture_id}"
    return answer


@router.get(
    "/selections/pictures", status_code=303, responses=documented(success=303), tags=["pages"]
)
def back_to_mine() -> Page:
    return see_other("/selections")


# ---- shown to others -----------------------------------------------------------------------------


@router.get("/shared-selection", responses=documented(), tags=["pages"])
def link_page() -> Page:
    return _link_page(None)


@router.post("/shared-selection", responses=documented(*IDENTIFYING, *LINK), tags=["pages"])
def shared(token: Typed = "") -> Page:
    """Changes nothing: the token travels in the body, where no log sees it."""
    try:
        view = selections.shared(request().visitor, pasted_token(token), clock.now())
    except Refusal as refusal:
        if refusal.reason not in LINK:
            raise
        return _link_page(refusal)
    seen = [shown for shown in view.pictures if shown.picture is not None]
    return page(
        "shared-selection.html",
        name=view.selection.name,
        pictures=seen,
        closed=len(view.pictures) - len(seen),
    )


def _link_page(refusal: Refusal | None) -> Page:
    return form_page("open-link.html", refusal, token="", of="selection", **SCRIPT)
