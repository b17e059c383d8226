"""The cart, over HTTP: the first line makes the guest, the guest keeps the cart."""

import re
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.carts import fill
from tests.visiting import CALENDAR, PRINT, VOUCHER, Browser

COOKIE = "__Host-foyer"


def test_h4_the_first_add_makes_exactly_one_guest(site: Site, browser: Browser) -> None:
    def users() -> set[str]:
        return {row["pk"]["S"] for row in site.cloud.rows() if row["sk"]["S"] == "USER"}

    before = users()
    answer = browser.add(VOUCHER)
    assert answer.status_code == 201
    session = browser.session()
    assert session["authentication"] == "guest"
    assert session["user"]["registration_type"] == "G"
    assert session["user"]["id"] != "-1002"
    assert session["user"]["roles"] == []  # H6
    assert session["cart"] == {"line_count": 1}
    assert users() - before == {f"USER#{session['user']['id']}"}


def test_the_cookie_is_safe_and_lives_as_long_as_the_guest(browser: Browser) -> None:
    cookie = browser.add(VOUCHER).headers["Set-Cookie"]
    assert cookie.startswith("__Host-foyer=g.")
    for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=34560000"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_only_the_operation_that_makes_the_guest_sets_a_cookie(browser: Browser) -> None:
    browser.add(VOUCHER)
    answers = [
        browser.add(VOUCHER),
        browser.get("/v1/session"),
        browser.get("/cart"),
        browser.submit("/language", language="fr"),
        browser.get("/v1/nothing"),
    ]
    assert all("Set-Cookie" not in answer.headers for answer in answers)


def test_the_cookie_finds_the_cart_later_in_another_function_and_after_a_restart(
    site: Site, browser: Browser
) -> None:
    cart = browser.add(VOUCHER).json
    assert browser.cart() == cart
    assert "Gift voucher" in browser.get("/cart").text  # pages
    assert browser.session()["cart"]["line_count"] == 1  # session
    site.reload()
    assert browser.cart() == cart


def test_h5_the_table_keeps_no_secret(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    secret = browser.cookies[COOKIE].rpartition(".")[2]
    assert secret not in str(site.cloud.rows())


def test_the_cart_shows_what_the_shop_charges_and_the_flat_shipping_of_prints(
    browser: Browser,
) -> None:
    browser.add({**VOUCHER, "quantity": 2})
    cart = browser.add(PRINT).json
    line = cart["lines"][1]
    assert cart["lines"][0]["total"] == {"amount": 30000, "currency": "EUR"}
    assert line == {
        "id": line["id"],
        "product_id": "print-30x45",
        "gallery_id": "coast",
        "picture_id": "low-tide",
        "name": "Print 30 × 45 cm – Low tide",
        "quantity": 1,
        "unit_price": {"amount": 6500, "currency": "EUR"},
        "total": {"amount": 6500, "currency": "EUR"},
        "available": True,
    }
    assert cart["shipping"]["amount"] == 590
    assert cart["total"]["amount"] == 30000 + 6500 + 590
    assert browser.cart() == cart


def test_the_same_thing_again_adds_up(browser: Browser) -> None:
    browser.add({**VOUCHER, "quantity": 2})
    cart = browser.add({**VOUCHER, "quantity": 3}).json
    assert [line["quantity"] for line in cart["lines"]] == [5]


def test_the_same_product_of_two_pictures_is_two_lines(browser: Browser) -> None:
    browser.add(PRINT)
    cart = browser.add({**PRINT, "picture_id": "north-pier"}).json
    assert [line["picture_id"] for line in cart["lines"]] == ["low-tide", "north-pier"]


def test_a_line_can_be_changed_and_taken_out_twice(browser: Browser) -> None:
    line = browser.add(VOUCHER).json["lines"][0]["id"]
    changed = browser.send("PATCH", f"/v1/cart/lines/{line}", json={"quantity": 7})
    assert changed.status_code == 200
    assert changed.json["lines"][0]["quantity"] == 7
    for _ in range(2):
        gone = browser.send("DELETE", f"/v1/cart/lines/{line}")
        assert (gone.status_code, gone.json["lines"]) == (200, [])
    assert browser.cart() == gone.json


def test_a_line_that_is_not_there_cannot_be_changed(browser: Browser) -> None:
    for _ in range(2):  # as generic user, then as guest
        answer = browser.send("PATCH", "/v1/cart/lines/nothing", json={"quantity": 1})
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        browser.add(VOUCHER)


def test_taking_out_as_the_generic_user_makes_no_guest(site: Site, browser: Browser) -> None:
    before = site.cloud.rows()
    answer = browser.send("DELETE", "/v1/cart/lines/nothing")
    assert (answer.status_code, answer.json["lines"]) == (200, [])
    assert site.cloud.rows() == before


# ---- limits ------------------------------------------------------------------------------------


def test_the_hundredth_piece_is_refused_and_the_cart_unchanged(browser: Browser) -> None:
    browser.add({**VOUCHER, "quantity": 98})
    cart = browser.add(VOUCHER).json
    answer = browser.add(VOUCHER)
    assert (answer.status_code, answer.json["code"]) == (409, "quantity_limit")
    assert browser.cart() == cart


@pytest.mark.parametrize("quantity", [0, 100, -1, 1.5, "1", None, True, [], 10**30])
def test_a_quantity_is_a_whole_number_from_1_to_99(browser: Browser, quantity: object) -> None:
    line = browser.add(VOUCHER).json["lines"][0]["id"]
    for answer in (
        browser.add({**VOUCHER, "quantity": quantity}),
        browser.send("PATCH", f"/v1/cart/lines/{line}", json={"quantity": quantity}),
    ):
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
        assert answer.json["errors"][0]["pointer"] == "#/quantity"
    assert browser.quantities() == {"voucher": 1}


def test_line_101_is_refused_and_the_cart_unchanged(site: Site, browser: Browser) -> None:
    fill(site, browser, 99)
    assert browser.add(CALENDAR).status_code == 201
    cart = browser.cart()
    assert len(cart["lines"]) == 100
    answer = browser.add(VOUCHER)
    assert (answer.status_code, answer.json["code"]) == (409, "cart_full")
    assert browser.cart() == cart
    again = browser.add({"product_id": cart["lines"][0]["product_id"], "quantity": 1})
    assert again.status_code == 201  # more of what is there is no new line


# ---- what may be put in ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thing", "status", "code"),
    [
        ({"product_id": "nothing"}, 404, "not_found"),
        ({"product_id": "print-30x45"}, 422, "picture_required"),
        ({"product_id": "print-30x45", "picture_id": "low-tide"}, 422, "invalid_input"),
        ({**PRINT, "picture_id": "nothing"}, 404, "not_found"),
        ({**PRINT, "gallery_id": "nothing"}, 404, "not_found"),
        ({**PRINT, "gallery_id": "hills"}, 404, "not_found"),
        ({**PRINT, "product_id": "print-60x90"}, 404, "not_found"),  # not offered of it
        (
            {**PRINT, "gallery_id": "lea-and-tom-2026-06-13", "picture_id": "after-rain"},
            404,
            "not_found",
        ),
        ({"product_id": "coast-poster"}, 404, "not_found"),
        ({"product_id": "voucher", "gallery_id": "coast"}, 422, "invalid_input"),
    ],
)
def test_what_this_visitor_may_not_have_is_refused_and_makes_no_guest(
    site: Site, browser: Browser, thing: dict[str, object], status: int, code: str
) -> None:
    before = site.cloud.rows()
    answer = browser.add({**thing, "quantity": 1})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert "Set-Cookie" not in answer.headers
    assert site.cloud.rows() == before


def test_missing_and_forbidden_galleries_answer_alike(browser: Browser) -> None:
    missing, forbidden = (
        browser.add({**PRINT, "gallery_id": gallery, "picture_id": "after-rain"})
        for gallery in ("nothing-here", "lea-and-tom-2026-06-13")
    )
    assert missing.json | {"instance": ""} == forbidden.json | {"instance": ""}


def test_a_line_whose_product_went_away_says_so_and_counts_nothing(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.add(CALENDAR)
    update(site, "PRODUCT#voucher", "PRODUCT", "active", {"BOOL": False})
    cart = browser.cart()
    assert [line["available"] for line in cart["lines"]] == [False, True]
    assert cart["lines"][0]["unit_price"] is cart["lines"][0]["total"] is None
    assert cart["total"]["amount"] == 2800
    assert "No longer available" in browser.get("/cart").text


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        (("GALLERY#coast", "GALLERY"), "visibility", {"S": "private"}),
        (("GALLERY#coast", "GALLERY"), "expires_at", {"N": "1"}),
        (("GALLERY#coast", "GALLERY#PICTURE#low-tide"), "hidden", {"BOOL": True}),
    ],
)
def test_a_picture_that_closed_keeps_its_line_and_loses_its_name_and_price(
    site: Site, browser: Browser, row: tuple[str, str], name: str, value: dict[str, object]
) -> None:
    browser.add(PRINT)
    update(site, *row, name, value)
    line = browser.cart()["lines"][0]
    assert (line["available"], line["unit_price"], line["quantity"]) == (False, None, 1)
    assert "Low tide" not in line["name"]
    assert browser.cart()["shipping"]["amount"] == 0


def test_a_price_that_changed_is_shown_at_once(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    update(site, "PRODUCT#voucher", "PRODUCT", "amount", {"N": "16000"})
    assert browser.cart()["total"]["amount"] == 16000


def update(site: Site, pk: str, sk: str, name: str, value: Mapping[str, Any]) -> None:
    site.cloud.client("dynamodb").update_item(
        TableName=site.cloud.table_name,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET #name = :v",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":v": value},
    )


# ---- lost updates ------------------------------------------------------------------------------


def test_the_etag_is_the_version_and_serves_if_match_alone(browser: Browser) -> None:
    answer = browser.add(VOUCHER)
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"'
    again = browser.get("/v1/cart", **{"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 200  # no 304
    assert again.headers["ETag"] == answer.headers["ETag"]


def test_if_match_lets_only_the_version_through_that_was_seen(browser: Browser) -> None:
    first = browser.add(VOUCHER)
    line = first.json["lines"][0]["id"]
    second = browser.add(VOUCHER, If_Match=first.headers["ETag"])
    assert second.status_code == 201
    for method, path, body in (
        ("POST", "/v1/cart/lines", VOUCHER),
        ("PATCH", f"/v1/cart/lines/{line}", {"quantity": 5}),
        ("DELETE", f"/v1/cart/lines/{line}", None),
    ):
        for tag in (first.headers["ETag"], "W/" + second.headers["ETag"], "nonsense", ""):
            answer = browser.send(method, path, json=body, headers={"If-Match": tag})
            assert (answer.status_code, answer.json["code"]) == (412, "version_mismatch")
    assert browser.cart() == second.json
    for tag in (f'"0", {second.headers["ETag"]}', "*"):
        answer = browser.send(
            "PATCH", f"/v1/cart/lines/{line}", json={"quantity": 2}, headers={"If-Match": tag}
        )
        assert (answer.status_code, tag) == (200, tag)


def test_if_match_on_a_cart_that_does_not_exist_makes_no_guest(
    site: Site, browser: Browser
) -> None:
    before = site.cloud.rows()
    for tag in ('"3"', "*"):
        assert browser.add(VOUCHER, If_Match=tag).status_code == 412
    assert site.cloud.rows() == before
    assert browser.add(VOUCHER, If_Match='"0"').status_code == 201


def test_64_concurrent_adds_of_one_thing_lose_none(gateway: Gateway, browser: Browser) -> None:
    browser.add(CALENDAR)
    statuses = at_once(browser, [VOUCHER] * 64)
    assert statuses == [201] * 64
    assert browser.quantities() == {"calendar": 1, "voucher": 64}


def test_64_concurrent_adds_of_different_things_lose_none(site: Site, browser: Browser) -> None:
    names = sorted(set(site.module("local.pictures").SCENES))
    galleries = {name: "coast" if name in COAST else "hills" for name in names}
    things = [
        {"product_id": product, "gallery_id": galleries[name], "picture_id": name, "quantity": 1}
        for name in names
        for product in ("print-30x45", "download")
    ] * 4
    browser.add(CALENDAR)
    assert at_once(browser, things) == [201] * 64
    assert sum(line["quantity"] for line in browser.cart()["lines"]) == 65
    assert browser.cart()["version"] == 65


COAST = {"low-tide", "first-light", "north-pier", "harbour-at-dusk"}


def at_once(browser: Browser, things: list[dict[str, object]]) -> list[int]:
    statuses: list[int] = []
    start = threading.Barrier(len(things))

    def add(thing: dict[str, object]) -> None:
        tab = browser.twin()
        start.wait()
        statuses.append(tab.add(thing).status_code)

    threads = [threading.Thread(target=add, args=(thing,)) for thing in things]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_very_many_changes_within_a_minute_keep_the_cart_small_and_usable(
    site: Site, browser: Browser
) -> None:
    line = browser.add(VOUCHER).json["lines"][0]["id"]
    path, statuses = f"/v1/cart/lines/{line}", []
    for number in range(140):
        answer = browser.send("PATCH", path, json={"quantity": number % 99 + 1})
        statuses.append(answer.status_code)
    assert statuses[:120] == [200] * 120
    assert set(statuses[120:]) == {200, 503}
    site.advance(61)
    for _ in range(12):
        assert browser.send("PATCH", path, json={"quantity": 5}).status_code == 200
    user = browser.session()["user"]["id"]
    assert len((site.cloud.row(f"USER#{user}", "CART") or {})["writes"]["M"]) <= 12
    assert browser.quantities() == {"voucher": 5}


# ---- retries -----------------------------------------------------------------------------------

KEY = "a-key-of-twenty-char"


def test_r51_a_repeat_under_its_key_counts_once_and_says_the_same(browser: Browser) -> None:
    browser.add(VOUCHER)
    first = browser.add({**VOUCHER, "quantity": 2}, Idempotency_Key=KEY)
    second = browser.add({**VOUCHER, "quantity": 2}, Idempotency_Key=KEY)
    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert browser.quantities() == {"voucher": 3}


def test_r51_a_repeat_is_answered_with_the_cart_as_it_is_now(browser: Browser) -> None:
    browser.add(VOUCHER)
    browser.add(VOUCHER, Idempotency_Key=KEY)
    browser.add(CALENDAR)
    assert browser.add(VOUCHER, Idempotency_Key=KEY).json == browser.cart()


def test_r51_a_key_stands_for_one_body(browser: Browser) -> None:
    browser.add(VOUCHER)
    browser.add(VOUCHER, Idempotency_Key=KEY)
    answer = browser.add({**VOUCHER, "quantity": 9}, Idempotency_Key=KEY)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert browser.quantities() == {"voucher": 2}


def test_r51_a_key_is_the_visitors_own(gateway: Gateway, browser: Browser) -> None:
    other = Browser(gateway)
    for one in (browser, other):
        one.add(VOUCHER)
        one.add(VOUCHER, Idempotency_Key=KEY)
    assert browser.quantities() == other.quantities() == {"voucher": 2}


def test_r51_a_key_is_forgotten_after_a_day(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    browser.add(VOUCHER, Idempotency_Key=KEY)
    site.advance(86_399)
    browser.add(VOUCHER, Idempotency_Key=KEY)
    assert browser.quantities() == {"voucher": 2}
    site.advance(1)
    browser.add({**VOUCHER, "quantity": 5}, Idempotency_Key=KEY)
    assert browser.quantities() == {"voucher": 7}


def test_r51_sixteen_repeats_at_once_count_once(browser: Browser) -> None:
    browser.add(VOUCHER)
    statuses: list[int] = []

    def add() -> None:
        statuses.append(browser.twin().add(VOUCHER, Idempotency_Key=KEY).status_code)

    threads = [threading.Thread(target=add) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 16
    assert browser.quantities() == {"voucher": 2}


@pytest.mark.parametrize("key", ["", "short", "x" * 15, "x" * 65, "with\ttab-in-the-middle"])
def test_a_key_that_is_none_is_refused(browser: Browser, key: str) -> None:
    browser.add(VOUCHER)
    answer = browser.add(VOUCHER, Idempotency_Key=key)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert browser.quantities() == {"voucher": 1}


# ---- cookies that are none ---------------------------------------------------------------------


def invented(cookie: str) -> list[str]:
    kind, user, secret = cookie.split(".")
    flipped = ("A" if secret[0] != "A" else "B") + secret[1:]
    return [
        f"{kind}.{user}.{flipped}",  # a real guest, a wrong secret
        f"{kind}.{'A' * 22}.{secret}",  # nobody
        cookie[:-1],
        cookie + "A",
        f"s.{user}.{secret}",
        f"{kind}.-1002.{secret}",
        "-1002",
        "g..",
        "",
        "null",
        "é" * 40,
        "x" * 4000,
        f"{kind}.{user}#SESSION.{secret}",
    ]


def test_r26_a_cookie_we_did_not_give_is_never_adopted(site: Site, gateway: Gateway) -> None:
    owner = Browser(gateway)
    owner.add(VOUCHER)
    mine = owner.session()["user"]["id"]
    for number, cookie in enumerate(invented(owner.cookies[COOKIE])):
        thief = Browser(gateway, address=f"198.51.100.{number}")
        thief.cookies = {COOKIE: cookie}
        assert thief.session()["authentication"] == "generic", cookie
        assert thief.cart()["lines"] == []
        assert thief.add(CALENDAR).status_code == 201
        assert thief.cookies[COOKIE] != cookie  # a guest of his own
        assert thief.session()["user"]["id"] not in {mine, "-1002", "A" * 22}
    assert owner.quantities() == {"voucher": 1}


def test_another_guests_cart_is_out_of_reach(gateway: Gateway) -> None:
    one, other = Browser(gateway), Browser(gateway)
    line = one.add(VOUCHER).json["lines"][0]["id"]
    other.add(CALENDAR)
    assert other.send("PATCH", f"/v1/cart/lines/{line}", json={"quantity": 9}).status_code == 404
    other.send("DELETE", f"/v1/cart/lines/{line}")
    assert one.quantities() == {"voucher": 1}


def die(site: Site, browser: Browser, ago: int) -> None:
    user = browser.session()["user"]["id"]
    at = {"N": str(site.now() - ago)}
    update(site, f"USER#{user}", "USER", "ended_at", at)


def test_0_17_a_cookie_that_died_a_moment_ago_makes_no_second_guest(
    site: Site, browser: Browser
) -> None:
    line = browser.add(VOUCHER).json["lines"][0]["id"]
    die(site, browser, ago=0)
    before = site.cloud.rows()
    for answer in (
        browser.add(CALENDAR),
        browser.send("PATCH", f"/v1/cart/lines/{line}", json={"quantity": 2}),
        browser.send("DELETE", f"/v1/cart/lines/{line}"),
        browser.submit("/cart/lines", product_id="voucher"),
        browser.submit("/language", language="fr"),
    ):
        assert answer.status_code == 409
        assert "Set-Cookie" not in answer.headers
        if answer.is_json or "problem" in answer.headers["Content-Type"]:
            assert answer.json["code"] == "session_changed"
    assert site.cloud.rows() == before
    assert browser.session()["authentication"] == "generic"
    assert browser.get("/").status_code == 200


def test_0_17_a_cookie_that_died_two_minutes_ago_is_no_cookie(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    old = browser.session()["user"]["id"]
    die(site, browser, ago=120)
    assert browser.add(CALENDAR).status_code == 201
    assert browser.session()["user"]["id"] != old
    assert browser.quantities() == {"calendar": 1}


# ---- time --------------------------------------------------------------------------------------


def row(site: Site, browser: Browser) -> dict[str, str]:
    user = browser.session()["user"]["id"]
    found = site.cloud.row(f"USER#{user}", "USER")
    assert found is not None
    return {name: next(iter(value.values())) for name, value in found.items()}


def test_a7_a_guest_waits_for_the_clean_up_from_the_start(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    guest = row(site, browser)
    assert re.fullmatch(r"GUEST#[0-7]", guest["due"])
    assert int(guest["due_at"]) - int(guest["seen_at"]) == 30 * 86_400


def test_0_13_looking_pushes_the_idle_clock_once_a_day_and_never_more(
    site: Site, browser: Browser
) -> None:
    browser.add(VOUCHER)
    born = row(site, browser)
    site.advance(86_000)
    browser.get("/v1/session")
    assert browser.cost()["writes"] == 0
    site.advance(1_000)
    browser.get("/cart")
    assert browser.cost()["writes"] == 1
    browser.get("/cart")
    assert browser.cost()["writes"] == 0
    seen = row(site, browser)
    assert int(seen["seen_at"]) - int(born["seen_at"]) >= 87_000
    assert int(seen["due_at"]) - int(seen["seen_at"]) == 30 * 86_400


def test_0_13_a_guest_who_comes_back_late_still_finds_his_cart(
    site: Site, browser: Browser
) -> None:
    cart = browser.add(VOUCHER).json
    site.advance(30 * 86_400 - 1)
    assert browser.cart() == cart
