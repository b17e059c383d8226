"""Whatever is taken out of the template is missed by name, before anything is deployed."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from local.site import ROOT
from local.template import _Loader
from tests.needs import functions, wrong

RAW = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)  # noqa: S506 - safe


def test_the_template_gives_what_the_code_needs_and_nothing_else() -> None:
    assert wrong(RAW) == []


def action(function: str, sid: str, name: str) -> Callable[[Any], None]:
    def take(raw: Any) -> None:
        for policy in functions(raw)[function]["Policies"]:
            for statement in policy["Statement"]:
                if statement["Sid"] == sid:
                    listed = statement["Action"]
                    statement["Action"] = [a for a in listed if a != name and a != [name]]
                    if isinstance(listed, str):
                        statement["Action"] = []

    return take


def event(function: str, name: str) -> Callable[[Any], None]:
    return lambda raw: functions(raw)[function]["Events"].pop(name)


def variable(function: str | None, name: str) -> Callable[[Any], None]:
    def take(raw: Any) -> None:
        where = raw["Globals"]["Function"] if function is None else functions(raw)[function]
        del where["Environment"]["Variables"][name]

    return take


def every_part(raw: Any) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """All that a function is given, with what takes it away."""
    for name in raw["Globals"]["Function"]["Environment"]["Variables"]:
        if name != "POWERTOOLS_SERVICE_NAME":  # the code reads it nowhere; test_house asks for it
            yield name, variable(None, name)
    for function, properties in functions(raw).items():
        for name in properties["Events"]:
            yield f"{function} {name}", event(function, name)
        for name in properties.get("Environment", {}).get("Variables", {}):
            yield f"{function} {name}", variable(function, name)
        for policy in properties["Policies"]:
            for statement in policy["Statement"]:
                listed = statement["Action"]
                for one in [listed] if isinstance(listed, str) else listed:
                    sid = statement["Sid"]
                    yield f"{function} {sid} {one}", action(function, sid, one)


def test_nothing_can_be_taken_away_unnoticed() -> None:
    """Each of some 300 parts, one at a time."""
    parts = dict(every_part(RAW))
    assert len(parts) > 250
    for name, take in parts.items():
        raw = copy.deepcopy(RAW)
        take(raw)
        assert wrong(raw), name


@pytest.mark.parametrize(
    ("take", "missed"),
    [
        (
            action("CartFunction", "ReadAndWriteCartsAndSelections", "dynamodb:PutItem"),
            "no permission: CartFunction dynamodb:PutItem Table",
        ),
        (
            action("MailerFunction", "PublishOnTheSitesBus", "events:PutEvents"),
            "no permission: MailerFunction events:PutEvents EventBus",
        ),
        (
            action("SessionFunction", "ListProducts", "dynamodb:Query"),
            "no permission: SessionFunction dynamodb:Query Table/index/listing",
        ),
        (event("CartFunction", "PostLine"), "no route POST /v1/cart/lines"),
        (event("SessionFunction", "HeadStore"), "no route HEAD /v1/store"),
        (event("PagesFunction", "Default"), "no route $default"),
        (
            event("MailerFunction", "Outbox"),
            "MailerFunction has no trigger for events/mailer-outbox.json",
        ),
        (
            event("MailerFunction", "Feedback"),
            "MailerFunction has no trigger for events/mailer-feedback.json",
        ),
        (
            event("CleanupFunction", "Sweep"),
            "CleanupFunction has no trigger for events/cleanup-sweep.json",
        ),
        (variable(None, "SITE_URL"), "CartFunction lacks the variable SITE_URL"),
        (variable("MailerFunction", "SENDER"), "MailerFunction lacks the variable SENDER"),
        (
            variable("RegistrationFunction", "LINKS_SECRET"),
            "RegistrationFunction lacks the variable LINKS_SECRET",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_taken_away_is_missed(take: Callable[[Any], None], missed: str) -> None:
    raw = copy.deepcopy(RAW)
    take(raw)
    assert missed in wrong(raw)
