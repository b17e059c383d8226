"""The tree of organizations: seen by staff, kept by site administrators."""

from collections.abc import Mapping
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer import clock
from foyer.credentials import new_id
from foyer.operations import organizations
from foyer.rules.organizations import Approval, Organization
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import ROOT, Power, has
from foyer.web import cursors
from foyer.web.api import request
from foyer.web.models import Body, Id, Line
from skin.page import (
    POSTED,
    Page,
    Typed,
    back_to_its_page,
    documented,
    form_page,
    read,
    see_other,
)
from skin.staff import (
    CHOICES,
    STAFF,
    Asked,
    Cursor,
    Key,
    actor,
    choices,
    once,
    places,
    reached,
    sent_before,
)

router = Router()

OrganizationId = Annotated[str, InPath(max_length=64)]
Setting = Literal["required", "not_required", "inherit"]


@router.get(
    "/staff/organizations", responses=documented(*STAFF, Reason.INVALID_CURSOR), tags=["pages"]
)
def tree(change: Asked = "", cursor: Cursor = None) -> Page:
    return _tree_page(changing=change, cursor=cursor, done=request().query.get("done", ""))


class NewOrganizationForm(Body):
    name: Line
    parent_id: Id
    approval: Setting


@router.post(
    "/staff/organizations",
    status_code=303,
    responses=documented(*POSTED, *STAFF, Reason.TOO_DEEP, success=303),
    tags=["pages"],
)
def add(name: Typed = "", parent_id: Typed = "", approval: Typed = "", key: Key = "") -> Page:
    typed = {"name": name, "parent_id": parent_id, "approval": approval}
    form, wrong = read(NewOrganizationForm, **typed)
    if form is None:
        return _tree_page(Refusal(Reason.INVALID_INPUT), wrong, typed)
    visitor, now, setting = request().visitor, clock.now(), Approval(form.approval)
    try:
        organizations.create(
            visitor, form.name, form.parent_id, setting, now, once=once(key, **typed)
        )
    except Refusal as refusal:
        if refusal.reason not in {Reason.TOO_DEEP, Reason.KEY_REUSED, Reason.BUSY}:
            raise
        return _tree_page(sent_before(refusal), None, typed)
    return see_other("/staff/organizations", done="added")


class OrganizationForm(Body):
    name: Line
    approval: Setting


@router.post(
    "/staff/organizations/<org_id>",
    status_code=303,
    responses=documented(*POSTED, *STAFF, success=303),
    tags=["pages"],
)
def change(org_id: OrganizationId, name: Typed = "", approval: Typed = "") -> Page:
    typed = {"name": name, "approval": approval}
    form, wrong = read(OrganizationForm, **typed)
    if form is None:
        return _tree_page(Refusal(Reason.INVALID_INPUT), wrong, typed, changing=org_id)
    visitor, now, setting = request().visitor, clock.now(), Approval(form.approval)
    try:
        organizations.change(visitor, org_id, now, name=form.name, approval=setting)
    except Refusal as refusal:
        if refusal.reason not in {Reason.INVALID_INPUT, Reason.BUSY}:
            raise
        return _tree_page(refusal, None, typed, changing=org_id)
    return see_other("/staff/organizations", done="changed")


@router.get(
    "/staff/organizations/<org_id>",
    status_code=303,
    responses=documented(Reason.NOT_FOUND, success=303),
    tags=["pages"],
)
def back_to_the_tree(org_id: OrganizationId) -> Page:  # noqa: ARG001 - stands in the path
    return back_to_its_page()


def _tree_page(
    refusal: Refusal | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    changing: str = "",
    cursor: str | None = None,
    done: str = "",
) -> Page:
    visitor, now, me, query = request().visitor, clock.now(), actor(), "staff organizations"
    if not has(me.roles, Power.SEE_ORGANIZATIONS):
        raise Refusal(Reason.NOT_FOUND)
    after = cursors.read(cursor, query, me.id, now)
    found, last = organizations.tree(visitor, now, limit=CHOICES, after=after)
    organize = has(me.roles, Power.ORGANIZE)
    changed = _changed(changing) if changing and organize else None
    if changed is not None:
        said = {"name": changed.name, "approval": changed.approval.value, "parent_id": ""}
    else:
        said = {"name": "", "approval": Approval.INHERIT.value, "parent_id": ROOT}
    return form_page(
        "organizations.html",
        refusal,
        wrong,
        typed={**said, **(typed or {})},
        places=places(found),
        following=cursors.sign(last, query, me.id, now),
        organize=organize,
        changed=changed,
        parents=choices(reached(), me, Power.ORGANIZE) if organize and changed is None else [],
        settings=[
            one.value
            for one in Approval
            if changed is None or changed.id != ROOT or one is not Approval.INHERIT
        ],
        root=ROOT,
        key=new_id(),
        done=done,
    )


def _changed(org_id: str) -> Organization:
    return organizations.see(request().visitor, org_id, clock.now())
