"""Making guests is bounded by source (R8, R10, A29)."""

import json

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.visiting import CALENDAR, VOUCHER, Browser

MOST = 600


def spend(site: Site, browser: Browser, guests: int) -> None:
    """So many guests were made from this browser's address within this hour."""
    browser.add(VOUCHER)
    browser.cookies.clear()
    (row,) = [row for row in site.cloud.rows() if row["pk"]["S"].startswith("LIMIT#")]
    site.cloud.client("dynamodb").update_item(
        TableName=site.cloud.table_name,
        Key={"pk": row["pk"], "sk": row["sk"]},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": str(guests)}},
    )


def test_r10_the_601st_guest_of_a_source_within_an_hour_waits(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    old = browser.twin()
    old.add(VOUCHER)
    spend(site, browser, MOST - 1)
    assert browser.add(VOUCHER).status_code == 201
    browser.cookies.clear()
    before = site.cloud.rows()
    answer = browser.add(VOUCHER)
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_guests")
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert "Set-Cookie" not in answer.headers
    assert site.cloud.rows() == before
    assert browser.submit("/cart/lines", product_id="voucher").status_code == 429
    # nobody else waits, nor who is a guest already; and looking goes on
    assert Browser(gateway, address="192.0.2.2").add(VOUCHER).status_code == 201
    assert old.add(CALENDAR).status_code == 201
    assert browser.get("/").status_code == 200
    site.advance(int(answer.headers["Retry-After"]))
    assert browser.add(VOUCHER).status_code == 201


def test_r8_the_source_is_who_connects_not_what_he_claims(site: Site, browser: Browser) -> None:
    spend(site, browser, MOST)
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "True-Client-Ip"):
        answer = browser.send(
            "POST", "/v1/cart/lines", json=VOUCHER, headers={header: "203.0.113.9"}
        )
        assert answer.status_code == 429


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2:3::4", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    ],
)
def test_an_ipv6_host_owns_its_whole_64(
    site: Site, gateway: Gateway, one: str, other: str, same: bool
) -> None:
    spend(site, Browser(gateway, address=one), MOST)
    answer = Browser(gateway, address=other).add(VOUCHER)
    assert answer.status_code == (429 if same else 201)


def test_the_counter_forgets_and_names_nobody(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    (row,) = [row for row in site.cloud.rows() if row["pk"]["S"].startswith("LIMIT#")]
    assert browser.address not in str(row)
    assert site.now() < int(row["expires"]["N"]) <= site.now() + 2 * 3600


def test_r10_the_60th_guest_of_a_source_and_all_after_him_are_reported(
    site: Site, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    spend(site, browser, 58)
    metrics = []
    for _ in range(3):
        browser.add(VOUCHER)
        browser.cookies.clear()
        metrics.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert metrics[0] == []
    for number, (metric,) in enumerate(metrics[1:], 60):
        assert metric["GuestsFromOneSource"] == [float(number)]
        assert metric["service"] == "foyer"  # the dimension the template's alarm listens to
