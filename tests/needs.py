"""What the code needs of the template, and what the template gives without need: in sentences."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from local import openapi
from local.site import ROOT
from tests.calls import told

Raw = Mapping[str, Any]  # the template as it is written

_READ = re.compile(r'os\.environ\["(\w+)"\]')
_SECRETS = {"LINKS_SECRET": "LinksSecret", "SITE_SECRET": "SiteSecret"}


def wrong(raw: Raw) -> list[str]:
    return sorted({*_routes(raw), *_triggers(raw), *_variables(raw), *_permissions(raw)})


def functions(raw: Raw) -> dict[str, Any]:
    return {
        name: resource["Properties"]
        for name, resource in raw["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def _events(raw: Raw, kind: str) -> Iterator[tuple[str, Any]]:
    for name, properties in functions(raw).items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == kind:
                yield name, event["Properties"]


def _routes(raw: Raw) -> Iterator[str]:
    routed = {
        (event["Method"].upper(), event["Path"])
        for _, event in _events(raw, "HttpApi")
        if "Path" in event
    }
    described = _described()
    for method, path in described - routed:
        yield f"no route {method} {path}"
    for method, path in routed - described:
        yield f"route {method} {path} of nothing"
    if not [event for _, event in _events(raw, "HttpApi") if "Path" not in event]:
        yield "no route $default"


@cache
def _described() -> frozenset[tuple[str, str]]:
    """The OpenAPI document is made from the functions."""
    document = json.loads(openapi.TARGET.read_text())
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        if path.startswith("/v1/")
        for method in operations
    }
    return frozenset(described | {("HEAD", path) for method, path in described if method == "GET"})


def _triggers(raw: Raw) -> Iterator[str]:
    """events/ holds one JSON a trigger, named after the function it is for."""
    for path in sorted((ROOT / "events").glob("*.json")):
        event = json.loads(path.read_text())
        function = f"{path.name.partition('-')[0].title()}Function"
        if "requestContext" in event:
            continue
        if "Records" in event:
            found = [name for name, _ in _events(raw, "DynamoDB")]
        elif "source" in event:
            found = [
                name
                for name, properties in _events(raw, "EventBridgeRule")
                if event["source"] in properties["Pattern"]["source"]
                and event["detail-type"] in properties["Pattern"]["detail-type"]
            ]
        else:
            found = [
                name
                for name, properties in _events(raw, "ScheduleV2")
                if json.loads(properties["Input"]) == event
            ]
        if function not in found:
            yield f"{function} has no trigger for events/{path.name}"


def _variables(raw: Raw) -> Iterator[str]:
    shared = raw["Globals"]["Function"]["Environment"]["Variables"]
    everywhere = _reads("layers/foyer/foyer")
    for name, properties in functions(raw).items():
        given = {*shared, *properties.get("Environment", {}).get("Variables", {})}
        used = {v for v, s in _SECRETS.items() if f"{name} {_GET} {s}" in told()}
        needed = everywhere | _reads(properties["CodeUri"]) | used
        yield from (f"{name} lacks the variable {variable}" for variable in needed - given)
        extra = given - needed - {"POWERTOOLS_SERVICE_NAME"}
        yield from (f"{name} has the variable {variable} and never reads it" for variable in extra)


@cache
def _reads(folder: str) -> set[str]:
    return {
        variable
        for path in (ROOT / folder).rglob("*.py")
        for variable in _READ.findall(path.read_text(encoding="utf-8"))
    }


_GET = "secretsmanager:GetSecretValue"


def _permissions(raw: Raw) -> Iterator[str]:
    """calls.txt is what the functions ask for while the whole suite runs."""
    granted = {
        f"{name} {action} {resource}"
        for name, properties in functions(raw).items()
        for policy in properties.get("Policies", [])
        for statement in policy["Statement"]
        for action in _listed(statement["Action"])
        for resource in _resources(statement)
    }
    yield from (f"no permission: {line}" for line in told() - granted)
    yield from (f"a permission nobody needs: {line}" for line in granted - told())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resources(statement: Raw) -> set[str]:
    if str(_listed(statement["Action"])[0]).startswith("ses:"):
        return {
            "sender"
        }  # an identity, its domain, a configuration set: looked at by a test of its own
    return {_named(resource) for resource in _listed(statement["Resource"])}


def _named(resource: Any) -> str:
    """As it is called where nothing is deployed: by its logical id."""
    ((how, what),) = resource.items()
    if how == "Fn::GetAtt":
        return str(what[0])
    return str(what).replace("${Table.Arn}", "Table")
