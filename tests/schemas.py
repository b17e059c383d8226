"""The documented events, events/schemas: whatever any test publishes must be one of them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator

from local.site import ROOT

FOLDER = ROOT / "events/schemas"


@cache
def schemas() -> dict[str, Any]:
    """Each type's schema."""
    files = sorted(FOLDER.glob("*.schema.json"))
    return {path.name.removesuffix(".schema.json"): json.loads(path.read_text()) for path in files}


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(schemas()[kind], validate_formats=True)


def check(event: Mapping[str, Any]) -> None:
    """An event as it is on the bus. Raises what is wrong with it."""
    assert event["source"] == "foyer"
    assert event["detail-type"] == event["detail"]["type"]
    assert event["time"] == event["detail"]["at"]
    check_facts(event["detail-type"], event["detail"])


def check_facts(kind: str, detail: Mapping[str, Any]) -> None:
    assert kind in schemas(), f"{kind} has no schema"
    _validator(kind).validate(dict(detail))
