"""Which addresses exist, and for which methods: read from the OpenAPI document beside this file,
which a test keeps equal to the functions and to the template."""

import json
import re
from functools import cache
from pathlib import Path

from foyer.rules.refusals import Reason, Refusal
from foyer.web.request import Request

DOCUMENT = Path(__file__).with_name("openapi.json")


def check_route(request: Request) -> None:
    """Refuses NOT_FOUND, or METHOD_NOT_ALLOWED with what is allowed."""
    fitting = (methods for pattern, methods in _routes() if pattern.fullmatch(request.path))
    allowed = next(fitting, None)
    if allowed is None:
        raise Refusal(Reason.NOT_FOUND)
    if request.method not in allowed:
        raise Refusal(Reason.METHOD_NOT_ALLOWED, allow=tuple(sorted(allowed)))


@cache
def _routes() -> list[tuple[re.Pattern[str], set[str]]]:
    """Of two that fit an address, the one that says more of it comes first."""
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    return [
        (_pattern(path), _methods(operations))
        for path, operations in sorted(paths.items(), key=lambda item: item[0].count("{"))
    ]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


def _methods(operations: dict[str, object]) -> set[str]:
    methods = {method.upper() for method in operations}
    return methods | {"HEAD"} if "GET" in methods else methods
