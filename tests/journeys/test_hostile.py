"""Bad input gets a clear 4xx and changes nothing, whatever the bytes (R25, R28, R48)."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.site import Site
from tests.visiting import URL, VOUCHER, Browser

SITES = ["same-origin", "same-site", "cross-site", "none", "nonsense", None]
ORIGINS = [
    URL,
    "http://localhost:8001",
    "https://localhost:8000",
    "http://evil.example",
    "http://localhost:8000.evil.example",
    "null",
    "",
    None,
]


@pytest.mark.parametrize(("site_header", "origin"), list(itertools.product(SITES, ORIGINS)))
@pytest.mark.parametrize("path", ["/v1/cart/lines", "/cart/lines"])
def test_r25_only_the_site_itself_may_change_anything(
    site: Site, browser: Browser, path: str, site_header: str | None, origin: str | None
) -> None:
    before = site.cloud.rows()
    headers = {"Sec-Fetch-Site": site_header, "Origin": origin}
    if path.startswith("/v1"):
        answer = browser.send("POST", path, headers=headers, json=VOUCHER)
    else:
        answer = browser.send("POST", path, headers=headers, data={"product_id": "voucher"})
    ours = site_header == "same-origin" or (site_header is None and origin == URL)
    if ours:
        assert answer.status_code in {201, 303}
    else:
        assert answer.status_code == 403
        assert site.cloud.rows() == before


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml",
     "application/json; charset=latin-1", "application/jsonx", None],
)  # fmt: skip
def test_r25_only_json_is_read_by_the_json_routes(
    site: Site, browser: Browser, content_type: str | None
) -> None:
    before = site.cloud.rows()
    answer = browser.send(
        "POST", "/v1/cart/lines", data=json.dumps(VOUCHER), content_type=content_type
    )
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert site.cloud.rows() == before


def test_json_with_a_charset_is_json(browser: Browser) -> None:
    answer = browser.send(
        "POST",
        "/v1/cart/lines",
        data=json.dumps(VOUCHER),
        content_type="application/json; charset=UTF-8",
    )
    assert answer.status_code == 201


def test_only_forms_are_read_by_the_pages(browser: Browser) -> None:
    assert browser.send("POST", "/cart/lines", json=VOUCHER).status_code == 415


@pytest.mark.parametrize("size", [16 * 1024 + 1, 200_000])
def test_a_body_over_16_kib_is_refused(browser: Browser, size: int) -> None:
    body = json.dumps({**VOUCHER, "x": ""})
    body = body[:-2] + "y" * (size - len(body)) + body[-2:]
    for path, kind in (
        ("/v1/cart/lines", "application/json"),
        ("/cart/lines", "application/x-www-form-urlencoded"),
    ):
        assert browser.send("POST", path, data=body, content_type=kind).status_code == 413


def test_a_body_of_16_kib_is_read(browser: Browser) -> None:
    body = json.dumps(VOUCHER) + " " * (16 * 1024 - len(json.dumps(VOUCHER)))
    answer = browser.send("POST", "/v1/cart/lines", data=body, content_type="application/json")
    assert answer.status_code == 201


def test_api_gateways_own_refusals_are_as_there(browser: Browser) -> None:
    huge = browser.send("POST", "/v1/cart/lines", data=b"x" * (10 * 1024 * 1024 + 1))
    assert (huge.status_code, huge.json) == (413, {"message": "Request Entity Too Large"})
    assert browser.get("/", **{"X-Long": "y" * 11_000}).status_code == 431


BODIES = [
    b"", b"{", b"null", b"[]", b'"x"', b"1", b"{}", b"\xff\xfe", b"[" * 16_000, b'{"a":' * 3000,
    b'{"product_id": NaN, "quantity": 1}', b'{"product_id": "voucher", "quantity": Infinity}',
    b'{"product_id": "voucher", "quantity": 1e400}', b'{"product_id": "\\ud800", "quantity": 1}',
    b'{"product_id": "voucher", "quantity": 1, "user_id": "x"}',
    b'{"product_id": ["voucher"], "quantity": 1}', b'{"product_id": "../x", "quantity": 1}',
    b'{"product_id": "voucher", "quantity": ' + b"9" * 5000 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_r48_a_body_that_makes_no_sense_is_a_clear_422(
    site: Site, browser: Browser, body: bytes
) -> None:
    before = site.cloud.rows()
    answer = browser.send("POST", "/v1/cart/lines", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert site.cloud.rows() == before


def test_r36_no_field_can_be_smuggled_in(site: Site, browser: Browser) -> None:
    before = site.cloud.rows()
    for name in ("id", "user_id", "unit_price", "price", "roles", "registration_type", "version"):
        answer = browser.add({**VOUCHER, name: 1})
        assert answer.status_code == 422
        assert answer.json["errors"] == [
            {
                "pointer": f"#/{name}",
                "code": "unknown_field",
                "detail": "Unknown field.",
            }
        ]
    assert site.cloud.rows() == before


@pytest.mark.parametrize(
    "path",
    ["/v1/nothing", "/nothing", "/v1", "/cart/", "/cart//", "/v1/cart/%00", "/galleries/%ff%fe",
     "/static/../app.py", "/static/..%2fapp.py", "/galleries/lea-and-tom-2026-06-13",
     "/problems/nothing"],
)  # fmt: skip
def test_what_is_not_there_is_a_404(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    if path.startswith("/v1/"):
        assert answer.json["code"] == "not_found"
        assert answer.headers["Content-Type"] == "application/problem+json"
    else:
        assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/cart", "GET, HEAD"),
        ("GET", "/v1/cart/lines", "POST"),
        ("POST", "/v1/cart/lines/x", "DELETE, PATCH"),
        ("PATCH", "/v1/session", "DELETE, GET, HEAD, POST"),
        ("POST", "/", "GET, HEAD"),
        ("OPTIONS", "/cart", "GET, HEAD"),
        ("TRACE", "/cart/lines", "POST"),
        ("GET", "/language", "POST"),
        ("GET", "/v1/orders", "POST"),
        ("POST", "/v1/orders/x", "GET, HEAD"),
        ("PATCH", "/v1/account/claims/x", "DELETE, POST"),
        ("GET", "/v1/staff/orders/x/confirm", "POST"),
        ("POST", "/v1/account/export", "GET, HEAD"),
        ("POST", "/staff/orders/x", "GET, HEAD"),
        ("OPTIONS", "/v1/selections/shared", "POST"),  # not of a selection that is called so
        ("OPTIONS", "/v1/selections/x", "DELETE, GET, HEAD, PATCH"),
    ],
)
def test_a_wrong_method_is_a_405_that_says_which_is_right(
    browser: Browser, method: str, path: str, allow: str
) -> None:
    answer = browser.send(method, path, headers={"Sec-Fetch-Site": None})
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)


def test_r28_every_answer_carries_its_headers(browser: Browser) -> None:
    answers = [
        browser.get("/"),
        browser.get("/v1/session"),
        browser.get("/v1/nothing"),
        browser.get("/nothing"),
        browser.add(VOUCHER),
        browser.add({}),
        browser.submit("/cart/lines", product_id="voucher"),
        browser.send("POST", "/v1/cart/lines", headers={"Sec-Fetch-Site": "cross-site"}, json={}),
    ]
    for answer in answers:
        headers = answer.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "max-age=63072000" in headers["Strict-Transport-Security"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Request-Id"]
        assert headers["Content-Language"] in {"en", "fr", "es"}
        assert "Cookie" in headers["Vary"]


def test_r29_no_page_links_to_where_its_own_address_points(site: Site, browser: Browser) -> None:
    for path in ("//evil.example/login", "/\\evil.example", "/a?b#c", "/nothing"):
        event = {"rawPath": path, "requestContext": {"http": {"method": "GET", "path": path}}}
        page = site.invoke("PagesFunction", event)["body"]
        assert 'href="//' not in page
        assert 'href="/\\' not in page
        assert page.count('?lang=fr"') >= 1
    answer = browser.get("//evil.example/login")
    assert answer.status_code == 404
    assert "evil.example" not in answer.text


def test_errors_are_problems_in_the_visitors_language(browser: Browser) -> None:
    for language, title in (
        ("en", "Page not found"),
        ("fr", "Page introuvable"),
        ("es", "Página no encontrada"),
    ):
        answer = browser.get("/v1/nothing", **{"Accept-Language": f"{language}-XX, en;q=0.1"})
        assert answer.json["title"] == title
        assert answer.json == {
            "type": "/problems/not_found",
            "title": title,
            "status": 404,
            "detail": answer.json["detail"],
            "instance": answer.headers["X-Request-Id"],
            "code": "not_found",
            "errors": [],
        }
        assert browser.get(answer.json["type"]).status_code == 200  # the type leads somewhere
        asked = browser.get(f"/v1/nothing?lang={language}", **{"Accept-Language": "de"})
        assert asked.json["title"] == title


def test_r22_no_host_header_changes_an_answer(browser: Browser) -> None:
    ours = browser.get("/v1/store").data
    for header in ("Host", "X-Forwarded-Host", "Forwarded"):
        assert browser.get("/v1/store", **{header: "evil.example"}).data == ours


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", "",
                                  "javascript:alert(1)", "/cart\r\nX: y", "/\t/evil.example", "x",
                                  "/cart?lang=en", "/é"])  # fmt: skip
def test_r29_a_way_back_stays_on_the_site(browser: Browser, back: str) -> None:
    answer = browser.submit("/language", language="fr", back=back)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/?lang=fr"


# ---- raw events --------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
words = st.text(max_size=40)
events = st.fixed_dictionaries(
    {},
    optional={
        "rawPath": st.sampled_from(
            ["/v1/session", "/v1/cart", "/v1/cart/lines", "/", "/cart", "/v1/orders",
             "/v1/orders/x", "/v1/account", "/v1/account/claims/x", "/v1/account/export",
             "/v1/staff/orders", "/v1/staff/orders/x/cancel", "/checkout", "/staff/orders"]
        )
        | words,
        "headers": st.none()
        | st.dictionaries(
            st.sampled_from(["content-type", "cookie", "sec-fetch-site", "origin", "if-match",
                             "accept-language", "idempotency-key"])
            | words,
            st.sampled_from(["application/json", "same-origin", "__Host-foyer=g.x.y"]) | words,
        ),
        "cookies": st.none() | st.lists(words, max_size=3),
        "queryStringParameters": st.none() | st.dictionaries(words, words, max_size=2),
        "body": st.none() | words | json_values.map(json.dumps),
        "isBase64Encoded": st.booleans(),
        "requestContext": st.fixed_dictionaries(
            {
                "http": st.fixed_dictionaries(
                    {"method": st.sampled_from(["GET", "POST", "PATCH", "DELETE", "HEAD", "PUT"])},
                    optional={"sourceIp": words},
                )
            },
            optional={"requestId": words, "stage": words},
        ),
    },
)  # fmt: skip


@given(
    event=events,
    function=st.sampled_from(
        [
            "SessionFunction",
            "CartFunction",
            "PagesFunction",
            "OrdersFunction",
            "AccountFunction",
            "SalesFunction",
        ]
    ),
)
def test_r48_no_event_is_answered_with_a_5xx(
    site: Site, event: Mapping[str, Any], function: str
) -> None:
    answer = site.invoke(function, event)
    assert 200 <= answer["statusCode"] < 500, answer
