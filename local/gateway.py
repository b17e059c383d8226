"""An HTTP API as API Gateway is one: payload 2.0 in, its answers out, its limits, no kindness."""

import base64
import json
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.cloud import Cost
from local.dev import DevDoors
from local.site import Site
from local.template import ACCOUNT, Route

BODY_LIMIT = 10 * 1024 * 1024
HEADER_LIMIT = 10_240
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def message(cls, status: int, text: str) -> "Reply":
        """API Gateway's own answers: no handler saw the request."""
        body = json.dumps({"message": text}).encode()
        return cls(status, [("Content-Type", "application/json")], body)


Log = Callable[[str, str, int, float, Cost, str], None]


class Gateway:
    """A WSGI application. `log` is told of every request that a function answered."""

    def __init__(self, site: Site, log: Log | None = None) -> None:
        self.site = site
        self._log = log
        self._doors = DevDoors(site)
        self.work = threading.Event()  # set when the stream may hold something new

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        reply = self._reply(environ)
        headers = [*reply.headers]
        if environ["REQUEST_METHOD"] == "HEAD":
            reply = Reply(reply.status, reply.headers, b"")
        else:
            headers.append(("Content-Length", str(len(reply.body))))
        phrase = HTTPStatus(reply.status).phrase
        start(f"{reply.status} {phrase}", headers)
        return [reply.body]

    def _reply(self, environ: dict[str, Any]) -> Reply:
        path = _path(environ)
        headers = _headers(environ)
        if sum(len(k) + len(v) for k, v in headers.items()) + len(path) > HEADER_LIMIT:
            return Reply.message(431, "Request Header Fields Too Large")
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            return Reply.message(400, "Bad Request")
        if int(length) > BODY_LIMIT:
            return Reply.message(413, "Request Entity Too Large")
        body = environ["wsgi.input"].read(int(length))
        if path.startswith("/_dev/"):
            if headers.get("host", "").partition(":")[0] not in {"localhost", "127.0.0.1"}:
                return Reply.message(403, "Forbidden")  # another site must not read the mailbox
            return Reply(*self._doors.answer(environ["REQUEST_METHOD"], path[6:], body))
        return self._invoke(environ, path, headers, body)

    def _invoke(
        self, environ: dict[str, Any], path: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        method = environ["REQUEST_METHOD"]
        route, parameters = self._route(method, path)
        function = route.function if route else self.site.template.default
        request_id = str(uuid.uuid4())
        event = _event(environ, path, headers, body, route, parameters, request_id)
        began = time.perf_counter()
        answer: Any = None
        cost = Cost()
        try:
            answer, cost = self.site.invoke_metered(function, event, request_id)
            reply = _from_answer(answer)
        except Exception as error:
            traceback.print_exception(error)
            reply = Reply.message(500, "Internal Server Error")
        self._doors.last_cost = cost
        if self._log is not None:
            took = time.perf_counter() - began
            self._log(method, path, reply.status, took, cost, request_id)
        self.work.set()
        return reply

    def _route(self, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        """The route of the template that matches, the one with the fewest parameters first."""
        for route in sorted(self.site.template.routes, key=lambda route: route.path.count("{")):
            if route.method in {method, "ANY"} and (found := route.match(path)) is not None:
                return route, found
        return None, {}


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    if environ.get("CONTENT_LENGTH"):
        headers["content-length"] = environ["CONTENT_LENGTH"]
    return headers


def _path(environ: Mapping[str, Any]) -> str:
    """As it was asked for: WSGI servers join slashes, API Gateway does not."""
    raw = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "")
    if raw.startswith("/"):
        return unquote(raw.partition("?")[0], errors="replace")
    return str(environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")


def _event(
    environ: Mapping[str, Any],
    path: str,
    headers: dict[str, str],
    body: bytes,
    route: Route | None,
    parameters: dict[str, str],
    request_id: str,
) -> dict[str, Any]:
    """Payload 2.0: cookies in a list of their own, names in lower case, repeated query parameters
    joined, and a body that is no text in base64."""
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True):
        query.setdefault(name, []).append(value)
    is_text = headers.get("content-type", "").lower().startswith(TEXT_TYPES)
    key = route.key if route else "$default"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": environ.get("QUERY_STRING", ""),
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": headers.get("host", "localhost"),
            "http": {
                "method": environ["REQUEST_METHOD"],
                "path": path,
                "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
                "sourceIp": environ.get("REMOTE_ADDR", "127.0.0.1"),
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": key,
            "stage": "$default",
            "timeEpoch": int(time.time() * 1000),
        },
        "isBase64Encoded": bool(body) and not is_text,
    }
    if cookies:
        event["cookies"] = cookies
    if query:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in query.items()}
    if parameters:
        event["pathParameters"] = parameters
    if body:
        event["body"] = (
            body.decode("utf-8", "replace") if is_text else base64.b64encode(body).decode()
        )
    return event


def _from_answer(answer: Any) -> Reply:
    body = answer.get("body") or ""
    raw = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    headers = [(name, str(value)) for name, value in answer.get("headers", {}).items()]
    headers += [("Set-Cookie", cookie) for cookie in answer.get("cookies", [])]
    return Reply(int(answer["statusCode"]), headers, raw)
