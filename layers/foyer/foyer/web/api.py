"""From a Lambda event to an answer: checks, routing, refusals, headers, one log line a request."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from foyer.operations.sessions import Visitor
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.sessions import DAY
from foyer.settings import settings
from foyer.storage.table import Unavailable
from foyer.web import problems
from foyer.web.problems import FieldError
from foyer.web.request import (
    CODE_COOKIE,
    DEVICE_COOKIE,
    DOOR_COOKIE,
    JSON,
    SESSION_COOKIE,
    Request,
)

logger = Logger(service="foyer")

Answer = dict[str, Any]

# As long as browsers keep a cookie: a guest's lives as long as the guest, and the server knows how
# long that is (mission 0.13).
COOKIE_LIFE = 400 * DAY

HEADERS = {
    "Cache-Control": "no-store",
    # Tells others nothing. Under "no-referrer" browsers send our own forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Vary": "Accept-Language, Cookie, Origin, Sec-Fetch-Site",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
JSON_POLICY = "default-src 'none'; frame-ancestors 'none'"

_request: ContextVar[Request] = ContextVar("request")


def request() -> Request:
    """The request being answered."""
    return _request.get()


class Api(APIGatewayHttpResolver):
    """Powertools' resolver, its state per thread: one Lambda environment serves one request at a
    time, the local server and the tests serve many."""

    _own: ContextVar[dict[str, Any]] = ContextVar("own")

    @property
    def current_event(self) -> Any:
        return self._own.get()["event"]

    @current_event.setter
    def current_event(self, value: Any) -> None:
        self._own.get()["event"] = value

    @property
    def context(self) -> dict[str, Any]:
        own = self._own.get({})
        context: dict[str, Any] = own.setdefault("context", {})
        return context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._own.get({})["context"] = value

    def _to_proxy_event(self, event: dict[str, Any]) -> Any:
        """What `resolve` makes of the event, and then keeps where all threads share it."""
        self.current_event = made = super()._to_proxy_event(event)
        return made

    def answer(self, event: Mapping[str, Any], context: Any) -> Answer:
        token = self._own.set({"context": {}})
        try:
            return self.resolve(event, context)
        finally:
            self._own.reset(token)


Refuse = Callable[[Request, Refusal, list[FieldError]], "Response[str]"]


def refuse_as_problem(
    request: Request, refusal: Refusal, errors: list[FieldError]
) -> "Response[str]":
    body = problems.problem(refusal, request.visitor.language, request.id, errors)
    return Response(
        status_code=body["status"],
        content_type=problems.CONTENT_TYPE,
        body=json.dumps(body, ensure_ascii=False),
        headers=problems.headers(refusal),
    )


def new_api(*, refuse: Refuse = refuse_as_problem, enable_validation: bool = True) -> Api:
    """A resolver whose every refusal and failure becomes an answer by `refuse`. Raises
    BrokenSettings."""
    settings()
    app = Api(enable_validation=enable_validation, serializer=_json)

    def refused(error: Refusal) -> "Response[str]":
        request().refused = error.reason.value
        return refuse(request(), error, [])

    def invalid(error: RequestValidationError) -> "Response[str]":
        wrong = [
            FieldError(_pointer(e["loc"]), problems.field_code(str(e["type"])))
            for e in error.errors()
        ]
        return refuse(request(), Refusal(Reason.INVALID_INPUT), wrong)

    def unavailable(error: Unavailable) -> "Response[str]":
        logger.warning("unavailable", extra={"request_id": request().id, "cause": str(error)})
        return refuse(request(), Refusal(Reason.UNAVAILABLE, retry_after=2), [])

    def unexpected(error: Exception) -> "Response[str]":
        logger.exception("unexpected", exc_info=error, extra={"request_id": request().id})
        return refuse(request(), Refusal(Reason.UNEXPECTED), [])

    def not_found(_: Exception) -> "Response[str]":
        return refuse(request(), Refusal(Reason.NOT_FOUND), [])

    app.exception_handler(Refusal)(refused)
    app.exception_handler(RequestValidationError)(invalid)
    app.exception_handler(Unavailable)(unavailable)
    app.exception_handler(Exception)(unexpected)
    app.not_found(not_found)
    return app


def _json(body: Any) -> str:
    return to_json(body).decode()


def _pointer(location: tuple[Any, ...]) -> str:
    where, *path = (str(part) for part in location)
    if where != "body":
        return f"{where}:{'/'.join(path)}"
    if not path:
        return "#"  # the body as a whole
    return "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)


def serve(
    app: Api,
    event: Mapping[str, Any],
    context: Any,
    *,
    accepted: str = JSON,
    refuse: Refuse = refuse_as_problem,
    policy: str = JSON_POLICY,
    check_route: Callable[[Request], None] = lambda _: None,
) -> Answer:
    """The answer to one event. HEAD is answered as GET, without the body.

    `accepted` is the media type of bodies; `check_route` may refuse a request before all else.
    """
    asked = Request.from_event(event, context)
    token = _request.set(asked)
    try:
        try:
            check_route(asked)
            asked.check(accepted)
            answer = app.answer(_as_get(event, asked), context)
        except Refusal as refusal:
            asked.refused = refusal.reason.value
            answer = _plain_answer(refuse(asked, refusal, []))
        _finish(answer, asked, policy)
        logger.info(
            "request",
            extra={
                "request_id": asked.id,
                "method": asked.method,
                "path": asked.path_for_logs,
                "status": answer["statusCode"],
                "refusal": asked.refused,
                "user_id": asked.visitor.user.id if asked.visitor.user else None,
                "made": "guest" if asked.visitor.minted else None,  # counted by the template
            },
        )
        return answer
    finally:
        _request.reset(token)


def _as_get(event: Mapping[str, Any], asked: Request) -> dict[str, Any]:
    """The event as Powertools should see it: HEAD as GET, the body as checked text."""
    context = event.get("requestContext") or {}
    method = "GET" if asked.method == "HEAD" else asked.method
    http = {**(context.get("http") or {}), "method": method, "path": asked.path}
    return {
        **event,
        "rawPath": asked.path,
        "headers": dict(asked.headers),
        "queryStringParameters": dict(asked.query),
        "requestContext": {"stage": "$default", **context, "http": http},
        "body": asked.body if asked.method not in {"GET", "HEAD"} else None,
        "isBase64Encoded": False,
    }


def _plain_answer(response: "Response[str]") -> Answer:
    return {
        "statusCode": response.status_code,
        "headers": dict(response.headers),
        "cookies": [],
        "body": response.body or "",
        "isBase64Encoded": False,
    }


def _finish(answer: Answer, asked: Request, policy: str) -> None:
    headers = {**HEADERS, "Content-Security-Policy": policy, **answer.get("headers", {})}
    headers["X-Request-Id"] = asked.id
    headers["Content-Language"] = asked.visitor.language
    if asked.etag is not None and answer["statusCode"] < HTTPStatus.BAD_REQUEST:
        headers["ETag"] = f'"{asked.etag}"'
    answer["headers"] = headers
    answer["cookies"] = [*answer.get("cookies", []), *map(str, _new_cookies(asked.visitor))]
    if asked.visitor.minted is not None:
        _count_guest(asked.visitor.minted.of_source)
    if asked.method == "HEAD" or answer.get("body") is None:  # of a 204
        answer["body"] = ""
        answer["isBase64Encoded"] = False


def _new_cookies(visitor: Visitor) -> Iterator[Cookie]:
    """What this request made of its sender. No answer touches the session cookie but that of the
    operation that changes who he is (mission 0.17)."""
    if visitor.opened is not None:
        life = POLICY.sessions.remembered_days * DAY if visitor.opened.remember else None
        yield _cookie(SESSION_COOKIE, str(visitor.opened.bearer), life)
        yield _cookie(DEVICE_COOKIE, visitor.opened.device, POLICY.sessions.device_days * DAY)
    elif visitor.minted is not None:
        yield _cookie(SESSION_COOKIE, str(visitor.minted.bearer), COOKIE_LIFE)
    elif visitor.left:
        yield _cookie(SESSION_COOKIE, "", 0)
    if visitor.new_asked is not None:
        yield _cookie(CODE_COOKIE, visitor.new_asked, POLICY.codes.seconds)
    if visitor.new_passes is not None:
        yield _cookie(DOOR_COOKIE, visitor.new_passes, POLICY.galleries.pass_days * DAY)


def _cookie(name: str, value: str, life: int | None) -> Cookie:
    """`life` in seconds; None until the browser closes."""
    return Cookie(
        name,
        value,
        path="/",
        secure=True,
        http_only=True,
        max_age=life,
        same_site=SameSite.LAX_MODE,
    )


def _count_guest(of_source: int) -> None:
    """Says that somebody makes very many guests (R10); the alarm in the template listens."""
    if of_source >= POLICY.guests.alarm_at:
        from aws_lambda_powertools.metrics import MetricUnit, single_metric

        with single_metric("GuestsFromOneSource", MetricUnit.Count, of_source, namespace="Foyer"):
            pass


# ---- what the OpenAPI document says of every route -------------------------------------------


class ProblemError(BaseModel):
    model_config = ConfigDict(title="ProblemError")
    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457: what went wrong, for people (`title`, `detail`) and for programs (`code`)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[ProblemError]


def answers(success: int, model: type[BaseModel], *reasons: Reason) -> dict[int, Any]:
    """The documented answers of a JSON route: its own, and a problem for each reason to refuse."""
    documented: dict[int, Any] = {
        success: {
            "description": HTTPStatus(success).phrase,
            "content": {JSON: {"model": model}},
        }
    }
    for reason in (*reasons, Reason.INVALID_INPUT, Reason.UNAVAILABLE):
        status = problems.status(reason)
        entry = documented.setdefault(
            status.value,
            {"description": "", "content": {problems.CONTENT_TYPE: {"model": Problem}}},
        )
        entry["description"] = ", ".join(filter(None, [entry["description"], reason.value]))
    return documented


def nothing(*reasons: Reason) -> dict[int, Any]:
    """The documented answers of a route that answers 204."""
    documented = answers(204, Problem, *reasons)
    del documented[204]["content"]
    return documented


NOTHING: "Response[None]" = Response(204)

CHANGING = (
    Reason.FOREIGN_ORIGIN,
    Reason.TOO_LARGE,
    Reason.UNSUPPORTED_MEDIA_TYPE,
    Reason.SESSION_CHANGED,
    Reason.BUSY,
)
# Routes that change who somebody is take a cookie that died as none (mission 0.17).
IDENTIFYING = tuple(reason for reason in CHANGING if reason is not Reason.SESSION_CHANGED)
SIGNED_IN = (Reason.SIGN_IN_REQUIRED, Reason.SIGN_IN_AGAIN)
