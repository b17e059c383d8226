"""The client's own space: proving to be himself, his password."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from foyer import clock
from foyer.operations import account
from foyer.rules.refusals import Reason
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import Body, Code, GivenPassword, NewPassword, Notice

app = new_api()


class Proof(Body):
    """Empty: a code is mailed. With a password or that code: proved for ten minutes."""

    password: GivenPassword | None = None
    code: Code | None = None


@app.post(
    "/v1/account/proof",
    responses=answers(
        200,
        Notice,
        *CHANGING,
        *SIGNED_IN,
        Reason.WRONG_CREDENTIALS,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.TOO_MANY_MAILS,
    )
    | nothing(),
    tags=["account"],
)
def prove(form: Proof) -> Response[Any]:
    visitor, now = request().visitor, clock.now()
    if form.password is None and form.code is None:
        account.ask_proof(visitor, now)
        return Response(200, "application/json", Notice(code="check_your_mail"))
    account.prove(visitor, password=form.password, code=form.code, now=now)
    return NOTHING


class ChosenPassword(Body):
    new: NewPassword


@app.put(
    "/v1/account/password",
    status_code=204,
    responses=nothing(*CHANGING, *SIGNED_IN, Reason.PROOF_REQUIRED, Reason.WEAK_PASSWORD),
    tags=["account"],
)
def choose_password(form: ChosenPassword) -> Response[None]:
    account.choose_password(request().visitor, form.new, clock.now())
    return NOTHING


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
