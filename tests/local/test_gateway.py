"""The local HTTP API is as API Gateway's, and the doors under /_dev are as api.md says."""

import base64
import json
from typing import Any
from unittest.mock import Mock

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.visiting import VOUCHER, Browser


@pytest.fixture
def events(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the functions are invoked with."""
    seen: list[Any] = []
    invoke = site.invoke

    def spy(function: str, event: Any, request_id: str = "") -> Any:
        seen.append((function, event))
        return invoke(function, event, request_id)

    monkeypatch.setattr(site, "invoke", spy)
    return seen


def test_an_event_is_payload_2_0(browser: Browser, events: list[Any]) -> None:
    browser.cookies = {"a": "1", "b": "2"}
    browser.send(
        "PATCH",
        "/v1/cart/lines/some%20line?x=1&x=2&y=",
        json={"quantity": 1},
        headers={"X-Some-Header": "Value"},
    )
    function, event = events[0]
    assert function == "CartFunction"
    assert event["version"] == "2.0"
    assert event["routeKey"] == "PATCH /v1/cart/lines/{line_id}"
    assert event["rawPath"] == "/v1/cart/lines/some line"
    assert event["pathParameters"] == {"line_id": "some line"}
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-some-header"] == "Value"
    assert "cookie" not in event["headers"]
    assert event["requestContext"]["http"]["sourceIp"] == "192.0.2.1"
    assert (event["body"], event["isBase64Encoded"]) == ('{"quantity": 1}', False)


def test_a_form_arrives_in_base64(browser: Browser, events: list[Any]) -> None:
    browser.submit("/cart/lines", product_id="voucher")
    _, event = events[0]
    assert event["routeKey"] == "$default"
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"product_id=voucher"


def test_head_matches_its_own_route(browser: Browser, events: list[Any]) -> None:
    browser.send("HEAD", "/v1/session")
    assert events[0][0] == "SessionFunction"


def test_a_handler_that_breaks_is_api_gateways_500(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(site.module("functions.session.app"), "lambda_handler", broken)
    answer = browser.get("/v1/session")
    assert (answer.status_code, answer.json) == (500, {"message": "Internal Server Error"})
    assert "broken on purpose" in capsys.readouterr().err


def test_the_cost_is_that_of_the_last_request_outside_dev(browser: Browser) -> None:
    browser.add(VOUCHER)
    costs = [browser.cost() for _ in range(2)]
    assert costs[0] == costs[1]
    assert costs[0].keys() == {"calls", "reads", "writes", "index_writes"}
    assert costs[0]["calls"] >= 3


def test_the_clock_moves_by_whole_seconds_and_runs_what_came_due(
    site: Site, browser: Browser
) -> None:
    before = site.now()
    assert browser.post("/_dev/clock", {"advance": 100}).json == {"now": before + 100}
    nonsenses: list[Any] = [
        {"advance": -1},
        {"advance": "1"},
        {"advance": 1.5},
        {},
        [],
        {"advance": True},
    ]
    for nonsense in nonsenses:
        assert browser.post("/_dev/clock", nonsense).status_code == 422
    assert site.now() == before + 100


def test_the_mailbox_is_a_page_and_json_newest_first(site: Site, browser: Browser) -> None:
    organizations = site.module("foyer.operations.organizations")
    outbox, table = site.module("foyer.storage.outbox"), site.module("foyer.storage.table")
    assert (
        organizations.open_site("Studio", "a@example.com", "en", site.now()) is False
    )  # open already
    for name in ("first", "second"):
        mail = outbox.Mail(name, "welcome", f"{name}@example.com", "fr", {}, site.now())
        table.write(outbox.new_mail(mail))
    mails = browser.get("/_dev/mail.json").json  # delivers what is in the stream
    assert [mail["to"] for mail in mails] == ["second@example.com", "first@example.com"]
    page = browser.get("/_dev/mail")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.text.index("second@example.com") < page.text.index("first@example.com")


def test_a_door_that_is_not_there_says_which_are(browser: Browser) -> None:
    answer = browser.get("/_dev/nothing")
    assert answer.status_code == 404
    assert "GET /_dev/mail" in answer.json["doors"]


def test_the_doors_are_open_to_this_machine_alone(browser: Browser) -> None:
    for host, status in (("localhost:8000", 200), ("127.0.0.1:8000", 200), ("evil.example", 403)):
        assert browser.get("/_dev/mail.json", Host=host).status_code == status


def test_a_length_that_is_none_is_refused(gateway: Gateway) -> None:
    for length in ("-1", "x", "1e3"):
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/v1/cart/lines",
            "CONTENT_LENGTH": length,
        }
        start = Mock()
        gateway(environ, start)
        assert start.call_args.args[0] == "400 Bad Request"


def test_the_demo_pictures_are_drawn(browser: Browser) -> None:
    page = browser.get("/galleries/coast").text
    assert "/_dev/pictures/low-tide.svg" in page
    picture = browser.get("/_dev/pictures/low-tide.svg")
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert picture.text.startswith("<svg")
    assert browser.get("/_dev/pictures/nothing.svg").status_code == 404


def test_a_client_request_token_is_honoured_as_aws_does(site: Site) -> None:
    """What moto lacks, and we rely on: the same token applies once, another body is refused."""
    client = site.cloud.client("dynamodb")

    def put(token: str, value: str) -> Any:
        item = {"pk": {"S": "x"}, "sk": {"S": "x"}, "v": {"S": value}}
        return client.transact_write_items(
            ClientRequestToken=token,
            TransactItems=[
                {
                    "Put": {
                        "TableName": site.cloud.table_name,
                        "Item": item,
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                }
            ],
        )

    put("token", "1")
    put("token", "1")
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        put("token", "2")
    site.advance(600)
    with pytest.raises(client.exceptions.TransactionCanceledException):
        put("token", "1")


def test_every_event_file_is_answered(site: Site) -> None:
    """events/*.json: one a trigger, as it would reach the function."""
    from local.site import ROOT

    expected = {
        "session-get": ("SessionFunction", 200),
        "session-sign-in": ("SessionFunction", 401),
        "registration-sign-up": ("RegistrationFunction", 202),
        "account-password": ("AccountFunction", 401),
        "account-consents": ("AccountFunction", 401),
        "staff-approve": ("StaffFunction", 401),
        "cart-get": ("CartFunction", 200),
        "cart-add-line": ("CartFunction", 201),
        "galleries-pictures": ("GalleriesFunction", 200),
        "studio-invite": ("StudioFunction", 401),
        "sales-product": ("SalesFunction", 401),
        "sales-confirm": ("SalesFunction", 401),
        "pages-home": ("PagesFunction", 200),
        "pages-add-line": ("PagesFunction", 303),
        "pages-checkout": ("PagesFunction", 409),  # nothing is in his cart
        "orders-place": ("OrdersFunction", 409),
        "mailer-outbox": ("MailerFunction", None),
        "mailer-event": ("MailerFunction", None),
        "mailer-redrive": ("MailerFunction", None),
        "mailer-feedback": ("MailerFunction", None),
        "cleanup-sweep": ("CleanupFunction", None),
    }
    files = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}
    assert files.keys() == expected.keys()
    for name, (function, status) in expected.items():
        answer = site.invoke(function, files[name])
        if status is not None:
            assert answer["statusCode"] == status, name
    assert site.invoke("MailerFunction", files["mailer-outbox"]) == {"batchItemFailures": []}
    assert site.invoke("MailerFunction", files["mailer-event"]) == {"batchItemFailures": []}
    assert site.invoke("MailerFunction", files["mailer-redrive"])["failed"] == 0
    assert site.invoke("MailerFunction", files["mailer-feedback"]) is None
    assert site.invoke("CleanupFunction", files["cleanup-sweep"])["more"] is False
    noted = site.cloud.row("EMAIL#nobody@example.com", "DELIVERY")
    assert noted is not None
    assert "bounced_at" in noted
    assert {f for f, _ in expected.values()} == set(site.template.functions)


def test_one_gateway_serves_two_browsers_at_once(gateway: Gateway) -> None:
    one, other = Browser(gateway), Browser(gateway)
    one.add(VOUCHER)
    assert other.session()["authentication"] == "generic"
    assert one.session()["authentication"] == "guest"
