"""What goes wrong in operation, on purpose: a permission that is missing, a mailer that is broken,
a key that changes."""

import io
import json
import secrets
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local.site import ROOT
from local.stack import HOME
from local.template import load
from tests.ordering import place
from tests.stack.wire import SCHEDULE, Cloud, eventually
from tests.visiting import PASSWORD, VOUCHER, Answer, Browser, said

pytestmark = pytest.mark.stack

Visitor = Callable[[], Browser]

# ---- permissions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "action", "visit"),
    [
        ("CartFunction", "dynamodb:PutItem", lambda b: b.add(VOUCHER)),
        ("SessionFunction", "dynamodb:Query", lambda b: b.get("/v1/products")),
        ("RegistrationFunction", "dynamodb:PutItem", lambda b: b.sign_up("xenia@example.com")),
    ],
)
def test_a_permission_that_is_missing_is_named(
    browser: Browser, cloud: Cloud, function: str, action: str, visit: Callable[[Browser], Answer]
) -> None:
    began = time.time()
    with cloud.without(function, action):
        assert said(visit(browser)) == (503, "unavailable")
    causes = {line.get("cause") for line in cloud.logged(began)}
    assert f"AccessDeniedException {action}" in causes, causes
    assert visit(browser).status_code in {200, 201, 202}


def test_an_event_that_may_not_be_published_waits_until_it_may(
    browser: Browser, cloud: Cloud
) -> None:
    began = time.time()
    with cloud.without("MailerFunction", "events:PutEvents"):
        browser.add(VOUCHER)
        order = place(browser, "yves@example.com").json["id"]
        named = "AccessDeniedException events:PutEvents"
        eventually(
            lambda: named in {line.get("cause") for line in cloud.logged(began)}, "it to be named"
        )
        assert not [e for e in cloud.events() if e["detail"].get("order_id") == order]
    redrive(cloud)
    told = [e["detail"]["type"] for e in cloud.events() if e["detail"].get("order_id") == order]
    assert told == ["order.placed"]


# ---- the mailer ----------------------------------------------------------------------------------


def artefact(function: str, changed: Mapping[str, str | None]) -> bytes:
    """As it was built, with files changed: what None is is missing."""
    buffer, folder = io.BytesIO(), HOME / "build" / function
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and "__pycache__" not in path.parts:
                content = changed.get(path.name, path.read_bytes())
                if content is not None:
                    archive.writestr(name, content)
    return buffer.getvalue()


def redrive(cloud: Cloud) -> dict[str, Any]:
    """The 15-minute trigger, of all that is unsent; its report."""
    for row in unsent(cloud):
        cloud.overdue(row["pk"]["S"], row["sk"]["S"])
    answer = cloud.client("lambda").invoke(
        FunctionName=f"{cloud.ids['MailerFunction']}:live", Payload=b'{"trigger": "redrive"}'
    )
    return dict(json.load(answer["Payload"]))


def unsent(cloud: Cloud) -> list[dict[str, Any]]:
    return [r for r in cloud.rows() if r["pk"]["S"].startswith("OUTBOX#") and "due" in r]


@pytest.mark.usefixtures("overdue")  # for whom time passes meanwhile
def test_a_broken_mailer_loses_nothing_and_repaired_sends_each_mail_once(
    visitor: Visitor, cloud: Cloud
) -> None:
    """Broken as a whole, the stream tries until a record is too old and leaves it to the dead
    letters; broken for mails alone, the alarm's metric moves."""
    cloud.settle()
    people = [f"{name}@example.org" for name in ("adam", "bella", "cyril")]
    functions, before = cloud.client("lambda"), len(cloud.queued_in("MailerDeadLetters"))
    (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
    patience = {"UUID": mapping["UUID"], "MaximumRecordAgeInSeconds": 60}
    functions.update_event_source_mapping(**patience)
    cloud.change("MailerFunction", code=artefact("MailerFunction", {"app.py": "1 / 0"}))
    try:
        for person in people:
            assert visitor().sign_up(person).status_code == 202
        waiting = {row["pk"]["S"] for row in unsent(cloud)}
        assert len(waiting) == len(people)
        eventually(
            lambda: len(cloud.queued_in("MailerDeadLetters")) > before, "dead letters", patience=120
        )
        letter = json.loads(cloud.queued_in("MailerDeadLetters")[-1])
        assert letter["DDBStreamBatchInfo"]["batchSize"] >= 1
        assert letter["requestContext"]["condition"] == "MaxRecordAgeExceeded"
        assert {row["pk"]["S"] for row in unsent(cloud)} == waiting

        half = artefact("MailerFunction", {"layout.txt": None})
        cloud.change("MailerFunction", code=half)
        began = time.time()
        assert redrive(cloud)["failed"] == len(people)
        moved = [line for line in cloud.logged(began) if "MailsUnsent" in line]
        assert moved
        alarm = load(ROOT / "template.yaml", {}).resources["MailIsStuck"]
        (told,) = moved[0]["_aws"]["CloudWatchMetrics"]
        assert told["Namespace"] == alarm["Namespace"]
        assert told["Dimensions"] == [[one["Name"] for one in alarm["Dimensions"]]]
        assert all(moved[0][one["Name"]] == one["Value"] for one in alarm["Dimensions"])
        assert sum(moved[0]["MailsUnsent"]) >= alarm["Threshold"]
        assert not [mail for mail in cloud.mails() if mail["to"] in people]
    finally:
        cloud.change("MailerFunction", code=artefact("MailerFunction", {}))
        patience["MaximumRecordAgeInSeconds"] = 3600
        functions.update_event_source_mapping(**patience)
    for row in unsent(cloud):
        cloud.overdue(row["pk"]["S"], row["sk"]["S"])
    eventually(lambda: not unsent(cloud), "the trigger", SCHEDULE)
    assert sorted(m["to"] for m in cloud.mails() if m["to"] in people) == people


# ---- the key of links ----------------------------------------------------------------------------


def test_a_link_mailed_before_the_key_changed_works_and_a_forged_one_does_not(
    visitor: Visitor, cloud: Cloud
) -> None:
    from foyer.credentials import Token

    early, late, forger = visitor(), visitor(), visitor()
    early.sign_up("dora@example.com")
    forger.sign_up("emil@example.com")
    mailed, genuine = early.token("dora@example.com"), forger.token("emil@example.com")
    secret = cloud.client("secretsmanager")
    old = json.loads(secret.get_secret_value(SecretId=cloud.ids["LinksSecret"])["SecretString"])
    rotated = {"key": secrets.token_hex(32), "version": "2", "previous": {"1": old["key"]}}
    secret.put_secret_value(SecretId=cloud.ids["LinksSecret"], SecretString=json.dumps(rotated))
    for function in ("RegistrationFunction", "MailerFunction"):
        cloud.change(function, Description="knows the new key")  # others notice within 10 minutes

    late.sign_up("fritz@example.com")
    fresh = late.token("fritz@example.com")
    assert early.activate(mailed, password=PASSWORD).status_code == 200
    assert late.activate(fresh, password=PASSWORD).status_code == 200
    token = Token.parse("act", genuine)
    assert token is not None
    forged = Token.made(b"of neither", "act", token.owner, token.subject, token.link_id)
    assert said(forger.activate(str(forged), password=PASSWORD)) == (404, "link_invalid")
    assert forger.activate(genuine, password=PASSWORD).status_code == 200
    by_new = Token.parse("act", fresh)
    assert by_new is not None
    made = Token.made(rotated["key"].encode(), "act", by_new.owner, by_new.subject, by_new.link_id)  # type: ignore[attr-defined]
    assert str(made) == fresh
