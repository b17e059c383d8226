"""Looking costs nothing and leaves nothing (H1-H3, N5, I13)."""

import itertools
import json
import subprocess
import sys

import pytest

from local.gateway import Gateway
from local.site import ROOT, Site
from tests.inviting import UNNAMED
from tests.visiting import Browser

GET_ROUTES = sorted(
    path
    for path, operations in json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())[
        "paths"
    ].items()
    if "get" in operations
)
EXAMPLES = {
    "gallery_id": "coast",
    "product_id": "voucher",
    "code": "cart_full",
    "name": "site.css",
    "user_id": "demo-client-0000000001",
    "org_id": "default",
    "selection_id": UNNAMED,
    "picture_id": "low-tide",
    "invitation_id": "x",
    "request_id": "x",
    "order_id": "x",
    "address_id": "x",
}
FREE = {
    "/v1/session",
    "/v1/store",
    "/v1/cart",
    "/cart",
    "/checkout",
    "/unsubscribe",
    "/terms",
    "/openapi.json",
    "/problems/{code}",
    "/static/{name}",
    "/sign-up",
    "/activate",
    "/sign-in",
    "/sign-in/code",
    "/forgotten-password",
    "/reset",
    "/invitation",
    "/shared-selection",
    "/selections",
    "/v1/selections",
}
# Somebody's own: the generic user is asked to sign in, and that costs nothing either.
ANSWERS = {  # the address of a page that answered a form leads to the form
    "/activate/link",
    "/sign-up/again",
    "/sign-in/continue",
    "/sign-in/code/enter",
    "/account/proof",
    "/account/proof/code",
    "/account/address/confirm",
    "/account/addresses/{address_id}/delete",
    "/account/claims/{order_id}",
    "/staff/organizations/{org_id}",
    "/galleries/{gallery_id}/door",
    "/galleries/{gallery_id}/access",
    "/selections/pictures",
    *(
        f"/invitation/{deed}"
        for deed in ("ask-again", "code", "decline", "link", "sign-in", "switch", "transfer")
    ),
    *(f"/selections/{{selection_id}}/{deed}" for deed in ("delete", "rename", "share", "submit")),
    *(f"/staff/orders/{{order_id}}/{deed}" for deed in ("cancel", "confirm", "fulfil")),
    "/staff/galleries/{gallery_id}/pictures",
    "/staff/galleries/{gallery_id}/pictures/{picture_id}",
    "/staff/galleries/{gallery_id}/pictures/{picture_id}/down",
    "/staff/galleries/{gallery_id}/pictures/{picture_id}/hidden",
    "/staff/galleries/{gallery_id}/requests/{request_id}/dismiss",
    "/staff/galleries/{gallery_id}/selections/{user_id}/{selection_id}",
    "/staff/galleries/{gallery_id}/requests/{request_id}/invite",
    *(
        f"/staff/galleries/{{gallery_id}}/invitations/{{invitation_id}}/{deed}"
        for deed in ("admit", "correct", "decline", "resend", "rights", "withdraw")
    ),
    *(
        f"/staff/people/{{user_id}}/{deed}"
        for deed in (
            "approve",
            "reject",
            "disable",
            "enable",
            "resend",
            "password-reset",
            "edit",
            "roles",
        )
    ),
}
PERSONAL = {
    route
    for route in GET_ROUTES
    if route.startswith(("/account", "/staff", "/v1/account", "/v1/staff")) and route not in ANSWERS
}
# The generic user has no selection and no order: there is none to look for.
NONE = {
    "/selections/{selection_id}",
    "/v1/selections/{selection_id}",
    "/orders/{order_id}",
    "/v1/orders/{order_id}",
}


def example(route: str) -> str:
    return route.format(**EXAMPLES)


def test_h1_a_thousand_looks_as_the_generic_user_write_nothing_and_make_no_guest(
    site: Site, gateway: Gateway
) -> None:
    before = site.cloud.rows()
    routes = itertools.cycle(itertools.product(GET_ROUTES, ["GET", "HEAD"], ["", "?lang=fr"]))
    for number, (route, method, query) in enumerate(itertools.islice(routes, 1000)):
        browser = Browser(gateway, address=f"192.0.2.{number % 250}")
        answer = browser.send(method, example(route) + query)
        statuses = {**dict.fromkeys(PERSONAL, 401), **dict.fromkeys(ANSWERS, 303)}
        statuses |= dict.fromkeys(NONE, 404)
        assert answer.status_code == statuses.get(route, 200), route
        assert "Set-Cookie" not in answer.headers
        cost = browser.cost()
        assert cost["writes"] == cost["index_writes"] == 0
        if route in FREE | PERSONAL | ANSWERS | NONE:
            assert cost["calls"] == 0, route
        else:
            assert cost["calls"] <= 2, route
            assert cost["reads"] <= 2, route
    assert site.cloud.rows() == before


def test_h2_everybody_who_looks_is_the_generic_user(browser: Browser) -> None:
    assert browser.session() == {
        "user": {
            "id": "-1002",
            "registration_type": "G",
            "profile_type": None,
            "status": None,
            "email": None,
            "name": None,
            "roles": [],
        },
        "authentication": "generic",
        "cart": {"line_count": 0},
        "next": [],
    }


def test_answering_the_generic_user_imports_no_sdk() -> None:
    """In a process of its own: what a cold start loads."""
    program = """
import json, os, sys
sys.path[0:0] = ["layers/foyer", "."]
os.environ |= {"SITE_NAME": "s", "SITE_URL": "https://s", "TABLE_NAME": "t", "SITE_SECRET": "a"}
from functions.session.app import lambda_handler
class Context:
    aws_request_id = "r"
for path in ("/v1/session", "/v1/store"):
    event = {"rawPath": path, "requestContext": {"http": {"method": "GET", "path": path}}}
    assert lambda_handler(event, Context())["statusCode"] == 200
loaded = {"boto3", "botocore.session", "botocore.client", "jinja2", "itsdangerous"}
print(json.dumps(sorted(loaded & set(sys.modules))))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout.splitlines()[-1]) == []


def test_head_is_get_without_a_body(browser: Browser) -> None:
    for route in GET_ROUTES:
        got, asked = browser.get(example(route)), browser.send("HEAD", example(route))
        assert asked.status_code == got.status_code
        assert asked.data == b""
        assert asked.headers["Content-Type"] == got.headers["Content-Type"]


def test_the_store_tells_what_a_browser_must_know_and_may_be_cached(browser: Browser) -> None:
    answer = browser.get("/v1/store")
    assert answer.json == {
        "name": "Studio Ana",
        "locales": ["en", "fr", "es"],
        "currency": "EUR",
        "terms": {"version": "2026-11-01", "url": "/terms"},
        "sign_up": True,
        "guest_orders": True,
        "selection_label": "selection",
    }
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_the_first_two_products_are_store_wide_and_need_no_picture(browser: Browser) -> None:
    items = browser.get("/v1/products").json["items"]
    assert [(p["gallery_id"], p["of_picture"]) for p in items[:2]] == [(None, False)] * 2
    assert all(p["price"]["amount"] > 0 and p["price"]["currency"] == "EUR" for p in items)


def test_products_are_listed_page_by_page(browser: Browser) -> None:
    whole = [p["id"] for p in browser.get("/v1/products?limit=100").json["items"]]
    seen, cursor = [], ""
    while cursor is not None:
        page = browser.get(f"/v1/products?limit=2{cursor and '&cursor=' + cursor}").json
        assert len(page["items"]) <= 2
        seen += [p["id"] for p in page["items"]]
        cursor = page["next"]
    assert seen == whole


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: "x" + c, lambda _: "x", str.upper])
def test_a21_a_cursor_we_did_not_give_is_refused(browser: Browser, change: object) -> None:
    cursor = browser.get("/v1/products?limit=2").json["next"]
    answer = browser.get(f"/v1/products?limit=2&cursor={change(cursor)}")  # type: ignore[operator]
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_cursor")


def test_a21_a_cursor_of_one_list_does_not_open_another(browser: Browser) -> None:
    cursor = browser.get("/v1/products?limit=2").json["next"]
    answer = browser.get(f"/v1/products?gallery_id=coast&cursor={cursor}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_cursor")


def test_a_public_gallerys_products_are_listed_and_no_other_gallery_exists(
    browser: Browser,
) -> None:
    items = browser.get("/v1/products?gallery_id=coast").json["items"]
    assert [p["id"] for p in items] == ["coast-poster"]
    hidden, missing = (
        browser.get(f"/v1/products?gallery_id={g}") for g in ("lea-and-tom-2026-06-13", "no")
    )
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json | {"instance": ""} == missing.json | {"instance": ""}


def test_the_products_of_a_gallery_that_is_over_are_not_shown(site: Site, browser: Browser) -> None:
    catalogue = site.module("foyer.storage.catalogue")
    carts, galleries = site.module("foyer.rules.carts"), site.module("foyer.rules.galleries")
    write = site.module("foyer.storage.table").write
    over = site.now() + 100
    gallery = galleries.Gallery("short", "Short", "S", "public", "public", None, over)
    write(catalogue.put_gallery(gallery))
    product = carts.Product("short-print", "Short print", "print", 100, "short", of_picture=True)
    write(catalogue.put_product(product, gallery))
    for shown in (True, False):
        ids = [p["id"] for p in browser.get("/v1/products").json["items"]]
        assert ("short-print" in ids) is shown
        assert ("Short print" in browser.get("/").text) is shown
        site.advance(100)


def test_the_last_page_is_known_to_be_the_last(browser: Browser) -> None:
    page = browser.get("/v1/products?limit=6").json
    assert (len(page["items"]), page["next"]) == (6, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "gallery_id=a/b", "limit="])
def test_a_query_that_makes_no_sense_is_a_clear_422(browser: Browser, query: str) -> None:
    answer = browser.get(f"/v1/products?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"].startswith("query:")
