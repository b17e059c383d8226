"""What `template.yaml` says, as far as one machine needs it: functions, routes, triggers, table."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ACCOUNT = "123456789012"
REGION = "eu-west-1"


class BrokenTemplate(Exception):
    """The template cannot be served; the message says what is wrong, and where."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str  # as in the template: /v1/cart/lines/{line_id}
    function: str

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    def match(self, path: str) -> dict[str, str] | None:
        """The path parameters, if this route's path is the one."""
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


@dataclass(frozen=True)
class Function:
    name: str  # the logical id
    folder: str  # functions/cart
    module: str  # functions.cart.app
    handler: str
    timeout: int
    environment: Mapping[str, str]


@dataclass(frozen=True)
class StreamTrigger:
    """A mapping from the table's stream to a function, in Lambda's own words."""

    function: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Schedule:
    function: str
    seconds: int
    payload: str


@dataclass(frozen=True)
class Rule:
    """A rule of EventBridge: which events of the bus a function gets."""

    function: str
    pattern: Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    default: str  # the function of $default
    streams: tuple[StreamTrigger, ...]
    schedules: tuple[Schedule, ...]
    rules: tuple[Rule, ...]
    resources: Mapping[str, Mapping[str, Any]]  # their properties, resolved, by logical id
    types: Mapping[str, str]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, kept as {"Ref": …} and {"Fn::…": …}."""


def _short_tag(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": value}


yaml.add_multi_constructor("!", _short_tag, Loader=_Loader)


def load(path: Path, parameters: Mapping[str, str]) -> Template:
    """The template with its parameters filled in. Raises BrokenTemplate."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - safe
    except OSError as error:
        raise BrokenTemplate(f"{path.name} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        what = getattr(error, "problem", None) or error
        raise BrokenTemplate(f"{path.name}{line} is no YAML: {what}") from error
    if not isinstance(document, dict):
        raise BrokenTemplate(f"{path.name} is empty, or no template")
    try:
        return _read(document, parameters, path.parent)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BrokenTemplate(f"{path.name} lacks something we need: {error!r}") from error


def _read(document: Any, parameters: Mapping[str, str], root: Path) -> Template:
    values: dict[str, Any] = {
        name: p.get("Default", "") for name, p in document["Parameters"].items()
    }
    values |= parameters
    values |= {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
    values |= {"AWS::StackName": "foyer", "AWS::NoValue": None}
    conditions = document.get("Conditions", {})
    values |= {name: bool(_resolved(said, values, {})) for name, said in conditions.items()}
    raw = document["Resources"]
    types = {name: resource["Type"] for name, resource in raw.items()}
    shared = document["Globals"]["Function"]
    properties = {
        name: _resolved(resource.get("Properties", {}), values, types)
        for name, resource in raw.items()
    }
    functions: dict[str, Function] = {}
    routes, streams, schedules, rules, default = [], [], [], [], ""
    for name, kind in types.items():
        if kind != "AWS::Serverless::Function":
            continue
        functions[name] = _function(name, properties[name], _resolved(shared, values, types), root)
        for event in properties[name].get("Events", {}).values():
            details = event.get("Properties", {})
            if event["Type"] == "HttpApi" and "Path" in details:
                routes.append(Route(details["Method"].upper(), details["Path"], name))
            elif event["Type"] == "HttpApi":
                default = name
            elif event["Type"] == "DynamoDB":
                streams.append(StreamTrigger(name, details))
            elif event["Type"] == "ScheduleV2":
                seconds = _seconds(details["ScheduleExpression"])
                schedules.append(Schedule(name, seconds, details.get("Input", "{}")))
            elif event["Type"] == "EventBridgeRule":
                rules.append(Rule(name, details["Pattern"]))
            else:
                raise BrokenTemplate(
                    f"template.yaml: {name} has an event of type {event['Type']}, "
                    "which the local server does not know"
                )
    if not default:
        raise BrokenTemplate("template.yaml: no function has the $default route")
    return Template(
        functions,
        tuple(routes),
        default,
        tuple(streams),
        tuple(schedules),
        tuple(rules),
        properties,
        types,
    )


def _function(name: str, own: Mapping[str, Any], shared: Mapping[str, Any], root: Path) -> Function:
    folder = str(own["CodeUri"]).strip("/")
    file, _, handler = str(own.get("Handler", shared["Handler"])).rpartition(".")
    if not (root / folder / f"{file}.py").is_file():
        raise BrokenTemplate(f"template.yaml: {name} wants {folder}/{file}.py, which is not there")
    environment = {
        **shared["Environment"]["Variables"],
        **own.get("Environment", {}).get("Variables", {}),
    }
    return Function(
        name=name,
        folder=folder,
        module=f"{folder.replace('/', '.')}.{file}",
        handler=handler,
        timeout=int(own.get("Timeout", shared["Timeout"])),
        environment=environment,
    )


def _seconds(expression: str) -> int:
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if found is None:
        raise BrokenTemplate(f"template.yaml: the local server does not know {expression!r}")
    return int(found[1]) * {"minute": 60, "hour": 3600, "day": 86400}[found[2]]


def _resolved(value: Any, values: Mapping[str, Any], types: Mapping[str, str]) -> Any:
    """The value with Ref, GetAtt, Sub and conditions filled in; a resource is known by its logical
    id."""
    if isinstance(value, list):
        return [_resolved(inner, values, types) for inner in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Fn::If"}:
        condition, then, otherwise = value["Fn::If"]
        return _resolved(then if values[condition] else otherwise, values, types)
    if set(value) == {"Fn::Equals"}:
        first, second = _resolved(value["Fn::Equals"], values, types)
        return first == second
    if set(value) == {"Fn::Not"}:
        (said,) = _resolved(value["Fn::Not"], values, types)
        return not said
    if set(value) == {"Ref"}:
        return _named(value["Ref"], values, types)
    if set(value) == {"Fn::GetAtt"}:
        return ".".join(value["Fn::GetAtt"])
    if set(value) == {"Fn::Sub"}:
        text, own = value["Fn::Sub"], {}
        if isinstance(text, list):
            text, own = text[0], _resolved(text[1], values, types)
        known = {**values, **own}
        return re.sub(r"\$\{([\w:.]+)\}", lambda m: str(_named(m[1], known, types)), text)
    known = {name: _resolved(inner, values, types) for name, inner in value.items()}
    return {name: inner for name, inner in known.items() if inner is not None}


def _named(name: str, values: Mapping[str, Any], types: Mapping[str, str]) -> Any:
    if name in values:
        return values[name]
    if name.partition(".")[0] in types:
        return name
    raise BrokenTemplate(f"template.yaml: nothing is called {name}")
