"""The pages: the same operations as the JSON routes, as HTML that needs no JavaScript. `$default`
belongs here, so this is also who says 404 and 405, for pages and for /v1."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath

from foyer.rules.refusals import Reason, Refusal
from foyer.web import problems
from foyer.web.api import new_api, refuse_as_problem, request, serve
from foyer.web.problems import FieldError
from foyer.web.request import FORM, Request
from foyer.web.routes import DOCUMENT, check_route
from skin import (
    abandoned,
    account,
    board,
    galleries,
    hanging,
    invitation,
    inviting,
    leaving,
    orders,
    organizations,
    person,
    privacy,
    products,
    profile,
    registration,
    sales,
    selections,
    shop,
    signing_in,
    staff,
    studio,
)
from skin.account import proof_page
from skin.page import (
    FOR_EVER,
    POLICY_OF_PAGES,
    STATIC,
    TEXT,
    Page,
    back_to_its_page,
    documented,
    error_page,
    page,
    seen_at,
    static_text,
)
from skin.signing_in import ended_page, sign_in_form


def refuse(asked: Request, refusal: Refusal, errors: list[FieldError]) -> Page:
    """A page that says what happened and what to do; a problem for programs."""
    if asked.path.startswith("/v1/"):
        return refuse_as_problem(asked, refusal, errors)
    if refusal.reason in {Reason.PROOF_REQUIRED, Reason.PROVE_ADDRESS}:
        return proof_page(refusal, back=seen_at(asked.path))
    wants_session = {Reason.SIGN_IN_REQUIRED, Reason.SIGN_IN_AGAIN}
    if _is_over(asked) and refusal.reason in {*wants_session, Reason.NOT_FOUND}:
        refusal = Refusal(Reason.SESSION_ENDED)
        wants_session.add(Reason.SESSION_ENDED)
    if asked.method != "POST" and refusal.reason in wants_session:
        return sign_in_form(refusal, back=f"{asked.path}?{urlencode(asked.query)}")
    if asked.method == "POST" and refusal.reason in {*wants_session, Reason.SESSION_CHANGED}:
        return ended_page(asked, refusal)
    return error_page(asked, refusal)


def _is_over(asked: Request) -> bool:
    """Whether this browser had a session that is worth nothing any more."""
    bearer = asked.visitor.bearer
    return bearer is not None and bearer.session_id is not None and asked.visitor.user is None


app = new_api(refuse=refuse)
for part in (
    shop,
    orders,
    galleries,
    invitation,
    leaving,
    selections,
    registration,
    signing_in,
    account,
    profile,
    privacy,
    staff,
    person,
    abandoned,
    organizations,
    studio,
    hanging,
    board,
    inviting,
    products,
    sales,
):
    app.include_router(part.router)


@app.get("/activate/link", status_code=303, responses=documented(success=303), tags=["pages"])
@app.get("/sign-up/again", status_code=303, responses=documented(success=303), tags=["pages"])
@app.get("/sign-in/continue", status_code=303, responses=documented(success=303), tags=["pages"])
@app.get("/sign-in/code/enter", status_code=303, responses=documented(success=303), tags=["pages"])
@app.get("/account/proof", status_code=303, responses=documented(success=303), tags=["pages"])
@app.get("/account/proof/code", status_code=303, responses=documented(success=303), tags=["pages"])
@app.get(
    "/account/address/confirm", status_code=303, responses=documented(success=303), tags=["pages"]
)
def back_to_the_form() -> Page:
    """The address of a page that answered a form, typed or bookmarked: the form itself."""
    return back_to_its_page()


@app.get("/problems/<code>", responses=documented(Reason.NOT_FOUND), tags=["pages"])
def problem(code: Annotated[str, InPath(max_length=64)]) -> Page:
    """Where the `type` of a problem leads."""
    if code not in {reason.value for reason in Reason}:
        raise Refusal(Reason.NOT_FOUND)
    reason = Reason(code)
    title, detail = problems.words(reason, request().visitor.language)
    return page(
        "problem.html",
        reason=reason,
        title=title,
        detail=detail,
        number=problems.status(reason).value,
    )


@app.get(
    "/openapi.json",
    responses=documented(content={"application/json": {"schema": {"type": "object"}}}),
    tags=["pages"],
)
def openapi() -> Page:
    return Response(200, "application/json", DOCUMENT.read_text(encoding="utf-8"))


@app.get(
    "/static/<name>",
    responses=documented(
        Reason.NOT_FOUND, content={name.partition(";")[0]: TEXT for name in STATIC.values()}
    ),
    tags=["pages"],
)
def static(name: Annotated[str, InPath(max_length=64)]) -> Page:
    if name not in STATIC:
        raise Refusal(Reason.NOT_FOUND)
    return Response(200, STATIC[name], static_text(name), headers={"Cache-Control": FOR_EVER})


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(
        app,
        event,
        context,
        accepted=FORM,
        refuse=refuse,
        policy=POLICY_OF_PAGES,
        check_route=check_route,
    )
