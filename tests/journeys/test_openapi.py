"""The OpenAPI document, put to the test: no 5xx, no answer it does not tell of (R48, G6)."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks

from local.gateway import Gateway
from local.site import ROOT, Site
from tests.conftest import CASES
from tests.inviting import PARTY, UNNAMED, WEDDING, invited, photographer
from tests.ordering import place
from tests.people import STUDIO
from tests.visiting import PRINT, VOUCHER, Browser, settled

DOCUMENT = json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())
VOUCHERS_LINE = "UVDiUmEYep33"
_turn = itertools.count()
load_all_checks()
(POSITIVE,) = CHECKS.get_by_names(["positive_data_acceptance"])
(NEGATIVE,) = CHECKS.get_by_names(["negative_data_rejection"])
schema = schemathesis.openapi.from_dict(DOCUMENT)


@dataclass(frozen=True)
class Scene:
    """The cookies of nobody, a guest with a line and a selection, a client with the same, an
    address, an order of his own and one to claim, and the photographer who sold them; and the ids
    paths then name."""

    cookies: list[str]
    invitation: str
    address: str
    order: str
    claim: str

    def name(self, path: str, parameters: dict[str, Any]) -> None:
        """There is something to see and to change."""
        invited_to = "invitation_id" in parameters
        there = {
            "line_id": VOUCHERS_LINE,
            "selection_id": UNNAMED,
            "gallery_id": WEDDING if invited_to else PARTY if path.endswith("/door") else "coast",
            "picture_id": "low-tide",
            "product_id": "coast-poster",
            "invitation_id": self.invitation,
            "address_id": self.address,
            "order_id": self.claim if "/claims/" in path else self.order,
            "user_id": "demo-client-0000000001",
            "org_id": STUDIO,
        }
        parameters.update({name: there[name] for name in parameters if name in there})


_set: list[tuple[Scene, Callable[[], None]]] = []  # once a process, and the way back to it


@pytest.fixture
def scene(site: Site, gateway: Gateway) -> Scene:
    if not _set:
        _set.append((_scene(site, gateway), settled(site)))
    made, back = _set[0]
    back()
    return made


def _scene(site: Site, gateway: Gateway) -> Scene:
    ana = photographer(site).browser
    guest = Browser(gateway)
    client = Browser(gateway, address="192.0.2.2").register("nina@example.com")
    for browser in (guest, client):
        browser.add(PRINT)
    claim, order = (place(browser, "nina@example.com").json["id"] for browser in (guest, client))
    for browser in (guest, client, ana):
        browser.add(VOUCHER)
        kept = browser.send("PUT", f"/v1/selections/{UNNAMED}/pictures/coast/low-tide")
        assert kept.status_code == 204
    home = {"line1": "Rambla 1", "postal_code": "08002", "city": "Barcelona", "country": "ES"}
    address = client.post("/v1/account/addresses", home).json["id"]
    known = [browser.cookies["__Host-foyer"] for browser in (guest, client, ana)]
    return Scene(["", *known], invited(ana, "kim@example.com"), address, order, claim)


@schema.parametrize()
@settings(
    max_examples=CASES // 4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_undocumented(
    case: Case[Any], site: Site, gateway: Gateway, scene: Scene
) -> None:
    case.operation.app = gateway
    headers = {"Sec-Fetch-Site": "same-origin"}
    cookie = scene.cookies[next(_turn) % len(scene.cookies)]
    if cookie:
        headers["Cookie"] = f"__Host-foyer={cookie}"
        scene.name(case.operation.path, case.path_parameters)
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
