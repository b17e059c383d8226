"""The OpenAPI document, put to the test: no 5xx, no answer it does not tell of (R48, G6)."""

import itertools
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks

from local.gateway import Gateway
from local.site import ROOT, Site
from tests.conftest import CASES
from tests.visiting import VOUCHER, Browser

DOCUMENT = json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())
VOUCHERS_LINE = "UVDiUmEYep33"
_turn = itertools.count()
load_all_checks()
(POSITIVE,) = CHECKS.get_by_names(["positive_data_acceptance"])
(NEGATIVE,) = CHECKS.get_by_names(["negative_data_rejection"])
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture
def cookies(gateway: Gateway) -> list[str]:
    """Of nobody, a guest with a line, a client with one."""
    guest = Browser(gateway)
    guest.add(VOUCHER)
    client = Browser(gateway, address="192.0.2.2").register("nina@example.com")
    client.add(VOUCHER)
    return ["", guest.cookies["__Host-foyer"], client.cookies["__Host-foyer"]]


@schema.parametrize()
@settings(
    max_examples=CASES // 4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_undocumented(
    case: Case[Any], site: Site, gateway: Gateway, cookies: list[str]
) -> None:
    """In turn as nobody, as a guest and as a client, whose line the paths then name: there is
    something to change."""
    case.operation.app = gateway
    headers = {"Sec-Fetch-Site": "same-origin"}
    cookie = cookies[next(_turn) % 3]
    if cookie:
        headers["Cookie"] = f"__Host-foyer={cookie}"
        if "line_id" in (case.path_parameters or {}):
            case.path_parameters["line_id"] = VOUCHERS_LINE
    answer = case.call(app=gateway, headers=headers)
    # What a schema cannot say: a picture needs its gallery, a typed quantity must be a number, a
    # cursor and a token must be ours, an address one can be mailed to, a password a strong one, and
    # who asks must be signed in. There alone valid data may be refused.
    plain = {"/", "/cart", "/terms", "/openapi.json", "/v1/session", "/v1/store", "/v1/cart"}
    excluded: Any = [] if case.operation.path in plain and case.method == "GET" else [POSITIVE]
    if answer.status_code == 413:  # a refusal like any other, which schemathesis does not know
        excluded = [*excluded, NEGATIVE]
    case.validate_response(answer, excluded_checks=excluded)
    assert answer.status_code < 500


def test_the_document_is_served(browser: Browser) -> None:
    assert browser.get("/openapi.json").json == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")
