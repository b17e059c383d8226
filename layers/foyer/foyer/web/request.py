"""A request as our handlers see it: checked before anything looks at it (api.md, house rules)."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv6Address, ip_address
from typing import Any

from foyer.credentials import Bearer
from foyer.operations.sessions import Visitor
from foyer.rules.refusals import Reason, Refusal
from foyer.settings import settings
from foyer.web import browsers, language

BODY_LIMIT = 16 * 1024
# Inviting takes a thousand addresses in one call (api.md).
LARGE_BODY_LIMIT = 128 * 1024
LARGE = re.compile(r"(/v1)?/staff/galleries/[^/]+/invitations")
# What mail programs send by themselves for who wants no more newsletters (RFC 8058): from no page
# of ours, without cookies, as a form of either kind. The token in the path is all that counts.
ONE_CLICK = re.compile(r"(/v1/unsubscribe/)[^/]+")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SESSION_COOKIE = "__Host-foyer"
DEVICE_COOKIE = "__Host-device"
CODE_COOKIE = "__Host-code"
DOOR_COOKIE = "__Host-door"
COOKIE_LIMIT = 300  # characters of any cookie of ours, but that of the doors
DOOR_COOKIE_LIMIT = 3800
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass
class Request:
    """One request. `headers` have lower-case names; `etag` is for the answer."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    source: str
    id: str
    raw_body: str
    body_is_base64: bool
    remaining_ms: Callable[[], int] = field(default=lambda: 10_000)  # until Lambda ends it
    etag: str | None = field(default=None, init=False)
    refused: str | None = field(default=None, init=False)  # why, for the log

    @classmethod
    def from_event(cls, event: Mapping[str, Any], lambda_context: Any = None) -> "Request":
        """Reads a payload 2.0 event; what is missing in it is taken as empty."""
        left = getattr(lambda_context, "get_remaining_time_in_millis", None)
        context = event.get("requestContext") or {}
        http = context.get("http") or {}
        headers = {k.lower(): str(v) for k, v in (event.get("headers") or {}).items()}
        # Payload 2.0 has its own list; some emulators leave the header.
        crumbs = event.get("cookies") or [headers.get("cookie", "")]
        return cls(
            method=str(http.get("method") or "GET").upper(),
            path=str(event.get("rawPath") or "/"),
            query={k: str(v) for k, v in (event.get("queryStringParameters") or {}).items()},
            headers=headers,
            cookies=_cookies(str(crumb) for crumb in crumbs),
            source=_source(str(http.get("sourceIp") or "")),
            id=str(context.get("requestId") or ""),
            raw_body=str(event.get("body") or ""),
            body_is_base64=bool(event.get("isBase64Encoded")),
            **({} if left is None else {"remaining_ms": left}),
        )

    @cached_property
    def visitor(self) -> Visitor:
        """Whoever sends it; nothing is read to make him."""
        return Visitor(
            bearer=Bearer.parse(self.cookies.get(SESSION_COOKIE)),
            source=self.source,
            chosen_language=language.chosen(self.query.get("lang")),
            preferred_language=language.preferred(self.headers.get("accept-language", "")),
            device=self._cookie(DEVICE_COOKIE),
            asked=self._cookie(CODE_COOKIE),
            passes=self._cookie(DOOR_COOKIE, DOOR_COOKIE_LIMIT),
            browser=browsers.name(self.headers.get("user-agent", "")),
        )

    def _cookie(self, name: str, limit: int = COOKIE_LIMIT) -> str:
        value = self.cookies.get(name, "")
        return value if len(value) <= limit and value.isascii() else ""

    @property
    def path_for_logs(self) -> str:
        """Without the token that stands in one."""
        return ONE_CLICK.sub(r"\1…", self.path)

    @property
    def body_limit(self) -> int:
        return LARGE_BODY_LIMIT if LARGE.fullmatch(self.path) else BODY_LIMIT

    @property
    def is_one_click(self) -> bool:
        return ONE_CLICK.fullmatch(self.path) is not None

    @cached_property
    def body(self) -> str:
        """The body as text. Refuses TOO_LARGE, and INVALID_INPUT for what is no UTF-8."""
        if self.is_one_click:
            return ""  # whatever it says
        try:
            raw = (
                base64.b64decode(self.raw_body, validate=True)
                if self.body_is_base64
                else self.raw_body.encode()
            )
            if len(raw) > self.body_limit:
                raise Refusal(Reason.TOO_LARGE)
            return raw.decode()
        except (binascii.Error, UnicodeError) as error:
            raise Refusal(Reason.INVALID_INPUT) from error

    @property
    def if_match(self) -> frozenset[str] | None:
        """The versions `If-Match` names ("*": any); a weak tag names none (RFC 9110, 13.1.1)."""
        header = self.headers.get("if-match")
        if header is None:
            return None
        tags = [tag.strip() for tag in header.split(",")]
        return frozenset(
            tag if tag == "*" else tag.removeprefix('"').removesuffix('"')
            for tag in tags
            if not tag.startswith("W/")
        )

    @property
    def idempotency_key(self) -> str | None:
        """Refuses INVALID_INPUT for one that is not 16-64 visible characters."""
        key = self.headers.get("idempotency-key")
        if key is not None and not (16 <= len(key) <= 64 and key.isascii() and key.isprintable()):
            raise Refusal(Reason.INVALID_INPUT, pointer="header:Idempotency-Key")
        return key

    def check(self, accepted: str) -> None:
        """A request that changes something must come from the site itself and be of the accepted
        media type; refused before anybody reads its body."""
        if self.method in SAFE:
            return
        if not self.is_one_click:
            self._check_origin()
        length = len(self.raw_body)
        if length > self.body_limit * 2:  # certainly too large, encoded or not; not worth decoding
            raise Refusal(Reason.TOO_LARGE)
        if self.is_one_click:
            return
        if self.raw_body or "content-type" in self.headers:  # nothing need not say what it is
            media_type, _, parameters = self.headers.get("content-type", "").partition(";")
            charset = parameters.strip().lower()
            if media_type.strip().lower() != accepted or charset not in _UTF8:
                raise Refusal(Reason.UNSUPPORTED_MEDIA_TYPE)
        if accepted == JSON and self.body:
            _check_json(self.body)

    def time_is_left(self) -> bool:
        """Whether another bit of long work may begin: a call at its worst, then the answer."""
        return self.remaining_ms() > 4_000

    def _check_origin(self) -> None:
        """Fetch metadata where the browser sends it, else Origin; neither is nobody we know."""
        site = self.headers.get("sec-fetch-site")
        ours = (
            site == "same-origin"
            if site is not None
            else self.headers.get("origin") == settings().site_url
        )
        if not ours:
            raise Refusal(Reason.FOREIGN_ORIGIN)


_UTF8 = {"", "charset=utf-8", 'charset="utf-8"', "charset=utf8"}


def _check_json(text: str) -> None:
    """Refuses what Python's parser would choke on or be kinder to than JSON is."""
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(Reason.INVALID_INPUT, pointer="#") from error


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _cookies(crumbs: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for crumb in filter(None, crumbs):
        try:
            jar = SimpleCookie(crumb)
        except CookieError:
            continue
        for name, morsel in jar.items():
            found.setdefault(name, morsel.value)
    return found


def _source(address: str) -> str:
    """The address a visitor is counted under: an IPv6 host owns its whole /64 (R6)."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return parsed.exploded[:19]
