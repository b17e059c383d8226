"""`make administrator EMAIL=…`: the first one, on this machine and of a deployed stack (0.10)."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber
from werkzeug.serving import make_server

from local import administrator
from local.gateway import Gateway
from local.site import ROOT, Site
from tests.people import is_consistent, plant
from tests.visiting import PASSWORD, Browser

OWNER = "owner@studio.example.com"
DAY = 86_400


def invite(browser: Browser, email: str) -> Any:
    return browser.send("POST", "/_dev/administrator", data=json.dumps({"email": email})).json


@pytest.fixture
def browser(empty_site: Site) -> Browser:
    return Browser(Gateway(empty_site))


def enter(browser: Browser, email: str) -> Any:
    """Signs in as staff do: a password, and a mailed code on a browser that is not known."""
    answer = browser.sign_in(email)
    if answer.status_code == 401:
        answer = browser.sign_in(email, code=browser.code(email))
    return answer.json["user"]


def test_the_first_administrator_is_invited_into_a_site_that_is_not_even_open(
    empty_site: Site, browser: Browser
) -> None:
    assert invite(browser, OWNER) == {"result": "invited"}
    answer = browser.activate(browser.token(OWNER))
    assert answer.json["code"] == "password_required", "no default password exists anywhere"
    user = browser.activate(browser.token(OWNER), password=PASSWORD).json["session"]["user"]
    assert (user["registration_type"], user["email"]) == ("S", OWNER)
    is_consistent(empty_site)
    assert browser.get("/v1/staff/users").status_code == 200
    names = [one["id"] for one in browser.get("/v1/staff/organizations").json["items"]]
    assert names == ["root", "default"]
    assert invite(browser, OWNER) == {"result": "already"}


def test_who_has_an_account_with_a_password_is_one_at_once_and_signs_in_anew(
    empty_site: Site, browser: Browser
) -> None:
    invite(browser, "first@example.com")
    browser.register(OWNER)
    assert invite(browser, OWNER.upper()) == {"result": "granted"}
    assert browser.session()["authentication"] == "generic"
    assert enter(browser, OWNER)["registration_type"] == "S"
    assert any("roles" in mail["subject"] for mail in browser.mails(OWNER))
    is_consistent(empty_site)


def test_who_cannot_be_one_yet_is_told_why(empty_site: Site, browser: Browser) -> None:
    invite(browser, "first@example.com")
    browser.register(OWNER, password=None)
    before = empty_site.cloud.rows()
    assert invite(browser, OWNER) == {"result": "no_password"}
    assert empty_site.cloud.rows() == before


def test_asked_twice_it_is_one_invitation_with_the_newest_link(
    empty_site: Site, browser: Browser
) -> None:
    invite(browser, OWNER)
    first = browser.token(OWNER)
    empty_site.advance(2)
    assert invite(browser, OWNER) == {"result": "invited"}
    waiting = [row for row in empty_site.cloud.rows() if row["sk"]["S"] == "USER"]
    assert len(waiting) == 1
    assert browser.activate(first, password=PASSWORD).json["code"] == "link_replaced"
    assert browser.activate(browser.token(OWNER), password=PASSWORD).status_code == 200


def test_an_invitation_ends_however_often_strangers_ask_for_it(
    empty_site: Site, browser: Browser
) -> None:
    invite(browser, OWNER)
    stranger = Browser(browser.gateway, address="203.0.113.5")
    for _ in range(3):
        empty_site.advance(3 * DAY)
        stranger.post("/v1/registrations/resend", {"email": OWNER})
    assert "no account" in browser.mails(OWNER)[0]["subject"]
    token = browser.token(OWNER)
    assert browser.activate(token, password=PASSWORD).json["code"] == "link_expired"


def test_a_demoted_administrator_is_not_one_again_by_an_old_invitation(
    empty_site: Site, browser: Browser
) -> None:
    """She signed up herself, so the invitation was never redeemed; then she left the address."""
    invite(browser, OWNER)
    invited = browser.token(OWNER)
    browser.register(OWNER)
    invite(browser, OWNER)
    boss = plant(empty_site, "boss", role=("site_administrator", "root"), org="root")
    enter(browser, OWNER)
    path = f"/v1/staff/users/{browser.who()}/roles"
    assert boss.browser.send("PUT", path, json={"roles": []}).status_code == 200
    browser.cookies.clear()
    browser.sign_in(OWNER)
    assert browser.session()["user"]["registration_type"] == "R"
    empty_site.advance(5)
    browser.post("/v1/account/email", {"email": "away@example.com"})
    answer = browser.post("/v1/account/email/redeem", {"token": browser.token("away@example.com")})
    assert answer.status_code == 200
    empty_site.advance(60)
    other = Browser(browser.gateway, address="203.0.113.6")
    answer = other.activate(invited, password=PASSWORD)
    assert (answer.status_code, answer.json["code"]) == (410, "link_expired")
    other.post("/v1/registrations/resend", {"email": OWNER})
    assert "no account" in other.mails(OWNER)[0]["subject"]
    other.sign_up(OWNER)  # the address itself is free for whoever reads its mail
    answer = other.activate(other.token(OWNER))
    assert answer.json["session"]["user"]["registration_type"] == "R"


def test_who_has_not_proved_his_address_is_not_made_one(empty_site: Site, browser: Browser) -> None:
    invite(browser, "first@example.com")
    plant(empty_site, "somebody", proved=False)
    assert invite(browser, "somebody@example.com") == {"result": "no_password"}


def test_nonsense_is_refused(browser: Browser) -> None:
    for body in ('{"email": "x"}', "[]", "{", '{"email": null}'):
        answer = browser.send("POST", "/_dev/administrator", data=body)
        assert answer.status_code == 422


# ---- the command ---------------------------------------------------------------------------------


@pytest.fixture
def served(empty_site: Site) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, Gateway(empty_site), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()


def run(monkeypatch: pytest.MonkeyPatch, **environment: str) -> int:
    for name in ("EMAIL", "STACK", "PORT"):
        monkeypatch.setenv(name, environment.get(name, ""))
    return administrator.main()


def test_the_command_asks_the_site_on_this_machine(
    empty_site: Site,
    served: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, EMAIL=OWNER, PORT=str(served)) == 0
    said = capsys.readouterr().out
    assert OWNER in said
    assert "/_dev/mail" in said
    assert run(monkeypatch, EMAIL="", PORT=str(served)) == 1
    assert "EMAIL=you@example.com" in capsys.readouterr().err
    assert run(monkeypatch, EMAIL=OWNER, PORT="9") == 1
    assert "Start it with `make run`" in capsys.readouterr().err


def test_the_command_finds_the_table_of_a_deployed_stack(
    empty_site: Site,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = {
        "StackName": "foyer",
        "CreationTime": 0,
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": "TableName", "OutputValue": "Table"}],
        "Parameters": [
            {"ParameterKey": "SiteName", "ParameterValue": "Studio Ana"},
            {"ParameterKey": "SenderAddress", "ParameterValue": "hello@studio.example"},
        ],
    }
    # moto's CloudFormation wants packages of services that Foyer does not use
    cloud = boto3.client("cloudformation", region_name="eu-west-1")
    answers = Stubber(cloud)
    answers.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "foyer"})
    answers.add_client_error("describe_stacks", "ValidationError", "no such stack")
    monkeypatch.setattr("boto3.client", {"cloudformation": cloud, "sesv2": ses()}.__getitem__)
    answers.activate()
    monkeypatch.setenv("TABLE_NAME", "elsewhere")
    for name in ("SITE_NAME", "SITE_URL", "LOCALES", "SENDER"):
        monkeypatch.setenv(name, "elsewhere")
    assert run(monkeypatch, EMAIL=OWNER, STACK="foyer") == 0
    said = capsys.readouterr().out
    assert "A link is on its way" in said
    assert "SES is in its sandbox" in said
    assert run(monkeypatch, EMAIL=OWNER, STACK="no-such-stack") == 1
    assert "cannot be read" in capsys.readouterr().err
    monkeypatch.undo()
    assert browser.activate(browser.token(OWNER), password=PASSWORD).status_code == 200


def ses(*verified: str, sandbox: bool = True, sends: bool = True) -> Any:
    """As SES answers of these identities, to whoever may ask."""
    client = boto3.client("sesv2", region_name="eu-west-1")

    def answer(params: Any, **_: Any) -> Any:
        account = {"ProductionAccessEnabled": not sandbox, "SendingEnabled": sends}
        identity = params["url_path"].rpartition("/")[2]
        if identity == "account":
            return AWSResponse("", 200, HTTPHeaders(), None), account
        if unquote(identity) in verified:
            return AWSResponse("", 200, HTTPHeaders(), None), {"VerifiedForSendingStatus": True}
        missing = {"Error": {"Code": "NotFoundException", "Message": "none"}}
        return AWSResponse("", 404, HTTPHeaders(), None), missing

    client.meta.events.register("before-call.sesv2", answer)
    return client


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"verified": ["studio.example"], "sandbox": False}, []),
        ({"verified": ["studio.example", OWNER]}, []),
        ({"verified": ["hello@studio.example"]}, ["SES is in its sandbox"]),
        ({"verified": ["example"], "sandbox": False}, ["SES does not know hello@"]),
        ({"verified": ["studio.example"], "sandbox": False, "sends": False}, ["SES has paused"]),
    ],
)
def test_what_keeps_the_link_from_arriving_is_said(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, Any], told: list[str]
) -> None:
    client = ses(*known.pop("verified"), **known)
    monkeypatch.setattr("boto3.client", lambda _: client)
    said = administrator.in_the_way("hello@studio.example", OWNER)
    assert len(said) == len(told)
    assert all(sentence.startswith(begin) for sentence, begin in zip(said, told, strict=True))


@pytest.mark.parametrize("command", ["administrator", "verify"])
def test_a_command_for_a_deployed_site_leaves_the_credentials_of_whoever_calls(
    command: str,
) -> None:
    asked = f"import os, local.{command}; print(os.environ['AWS_ACCESS_KEY_ID'])"
    said = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "mine\n"


def test_make_says_what_it_needs() -> None:
    told = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make administrator" in told
    assert "EMAIL=" in told
