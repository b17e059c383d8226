"""What studios sell, as staff keep it: products and their prices (api.md, products of staff)."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local.cloud import Send
from local.site import Site
from local.verify import plain
from tests.conftest import SCHEDULES
from tests.inviting import KEY, PARTY, WEDDING, photographer
from tests.journeys.test_registration import refused
from tests.journeys.test_studio import change as change_gallery
from tests.journeys.test_studio import delete as delete_gallery
from tests.journeys.test_studio import hang, items, make, of_gallery, on_sale, pages, sell, titles
from tests.people import HOTEL, PATHS, STUDIO, administrator, plant
from tests.seam import TRANSIENT, Fault, Killed, calls_of, killed_after
from tests.visiting import PRINT, VOUCHER, Answer, Browser, orders, said, settled

PRODUCTS = "/v1/staff/products"
PRICE = {"amount": 4500, "currency": "EUR"}
MUG = {"name": "Mug", "kind": "other", "price": PRICE}
MOST = 99_999_999
# newest first: as the demo planted them
DEMO = ["coast-poster", "download", "print-60x90", "print-30x45", "calendar", "voucher"]


@pytest.fixture
def ana(site: Site) -> Browser:
    site.advance(10)  # the demo's own products are a little older
    return photographer(site).browser


def offer(who: Browser, **more: Any) -> Any:
    answer = who.post(PRODUCTS, {**MUG, **more})
    assert answer.status_code == 201, answer.json
    return answer.json


def change(who: Browser, product: str, tag: str | None = None, **body: Any) -> Answer:
    headers = {"If-Match": tag}
    return who.send("PATCH", f"{PRODUCTS}/{product}", json=body, headers=headers)


def delete(who: Browser, product: str) -> Answer:
    return who.send("DELETE", f"{PRODUCTS}/{product}")


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def ids(who: Browser, query: str = "") -> list[str]:
    return [one["id"] for one in items(who, f"{PRODUCTS}{query}")]


def is_in_order(site: Site) -> None:
    """Each product is found by its studio, and by visitors in the list its gallery's door says."""
    rows = [{name: plain(value) for name, value in row.items()} for row in site.cloud.rows()]
    at = {(row["pk"], row["sk"]): row for row in rows}
    products = [row for row in rows if row["sk"] == "PRODUCT"]
    pointers = set()
    for one in products:
        gallery = at.get((f"GALLERY#{one.get('gallery')}", "GALLERY"))
        beside = (f"PRODUCT#{one['id']}", "STUDIO")
        listed = "PRODUCTS"
        if "gallery" in one:
            assert gallery is not None, "no product without its gallery"
            beside = (f"GALLERY#{gallery['id']}", f"PRODUCT#{one['made_at']:012d}#{one['id']}")
            public = (gallery["visibility"], gallery["access"]) == ("public", "public")
            listed = "PRODUCTS" if public else f"PRODUCTS#{gallery['id']}"
            assert one["path"] == gallery["path"]
            if one["active"]:
                assert one.get("until") == gallery.get("expires_at")
        assert one.get("list") == (listed if one["active"] else None)
        assert at[beside]["list"] == f"PRODUCTS_BY#{one['path'][-1]}"
        pointers.add(beside)
    found = {(row["pk"], row["sk"]) for row in rows if row.get("list", "")[:12] == "PRODUCTS_BY#"}
    assert found == pointers, "a pointer leads nowhere"


# ---- making one ----------------------------------------------------------------------------------


def test_what_is_made_is_sold_at_once_at_its_price(
    site: Site, ana: Browser, browser: Browser
) -> None:
    answer = ana.post(PRODUCTS, MUG)
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    made = answer.json
    assert made == {
        **MUG,
        "id": made["id"],
        "organization_id": STUDIO,
        "gallery_id": None,
        "of_picture": False,
        "active": True,
        "created_at": "2026-11-22T08:00:10Z",
        "version": 1,
    }
    seen = ana.get(f"{PRODUCTS}/{made['id']}")
    assert (seen.json, seen.headers["ETag"]) == (made, '"1"')
    assert ids(ana) == [made["id"], *DEMO]
    shown = {p["id"]: p for p in items(browser, "/v1/products")}[made["id"]]
    assert (shown["name"], shown["price"]) == ("Mug", PRICE)
    assert "Mug" in browser.get("/").text
    (line,) = browser.add({"product_id": made["id"], "quantity": 3}).json["lines"]
    assert (line["unit_price"], line["total"]) == (PRICE, euros(13_500))
    is_in_order(site)


def test_what_is_not_sold_yet_is_there_to_its_studio_alone(ana: Browser, browser: Browser) -> None:
    id_ = offer(ana, active=False)["id"]
    assert not on_sale(browser, id_)
    assert refused(browser.add({"product_id": id_, "quantity": 1})) == (404, "not_found")
    assert ids(ana)[0] == id_
    change(ana, id_, active=True)
    assert on_sale(browser, id_)
    assert browser.add({"product_id": id_, "quantity": 1}).status_code == 201


def test_a_gallerys_product_is_its_studios_and_sold_behind_its_door(
    site: Site, ana: Browser, browser: Browser
) -> None:
    made = offer(ana, gallery_id=PARTY, kind="print", of_picture=True)
    assert (made["organization_id"], made["gallery_id"]) == (STUDIO, PARTY)
    assert made["of_picture"] is True
    assert not on_sale(browser, made["id"])
    assert of_gallery(browser, PARTY) is None
    browser.post(f"/v1/galleries/{PARTY}/door", {"password": "open sesame"})
    assert of_gallery(browser, PARTY) == [made["id"]]
    open_ = offer(ana, gallery_id="coast")["id"]
    assert on_sale(browser, open_)
    assert of_gallery(browser, "coast") == ["coast-poster", open_]
    is_in_order(site)


def test_a_picture_is_offered_as_what_its_gallery_sells(ana: Browser, browser: Browser) -> None:
    made = offer(ana, gallery_id="coast", kind="print", of_picture=True)["id"]
    picture = hang(ana, "coast", products=[made])
    thing = {"product_id": made, "gallery_id": "coast", "picture_id": picture, "quantity": 2}
    assert browser.add(thing).json["lines"][0]["total"] == euros(9000)


def test_a_store_wide_product_is_of_the_studio_named_or_the_one_he_works_for(site: Site) -> None:
    boss = administrator(site).browser
    assert offer(boss, organization_id=HOTEL)["organization_id"] == HOTEL
    assert offer(boss)["organization_id"] == "root"
    both = offer(boss, gallery_id="coast", organization_id=STUDIO)
    assert both["organization_id"] == STUDIO
    answer = boss.post(PRODUCTS, {**MUG, "gallery_id": "coast", "organization_id": HOTEL})
    assert refused(answer) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == "#/organization_id"
    is_in_order(site)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "#/name"),
    ({"name": ""}, "#/name"),
    ({"name": "x" * 101}, "#/name"),
    ({"name": "two\nlines"}, "#/name"),
    ({"name": "www.evil.example"}, "#/name"),
    ({"name": 7}, "#/name"),
    ({"price": None}, "#/price"),
    ({"price": 4500}, "#/price"),
    ({"price": {"amount": 4500}}, "#/price/currency"),
    ({"price": {"currency": "EUR"}}, "#/price/amount"),
    *(
        ({"price": {"amount": amount, "currency": "EUR"}}, "#/price/amount")
        for amount in (-1, MOST + 1, 10**30, 45.5, 45.0, "4500", True, None, [4500])
    ),
    *(
        ({"price": {"amount": 4500, "currency": currency}}, "#/price/currency")
        for currency in ("USD", "GBP", "eur", "EURO", "EU", "", "€", 978, None)
    ),
    ({"price": {"amount": 4500, "currency": "EUR", "tax": 20}}, "#/price/tax"),
    ({"active": "yes"}, "#/active"),
]
BAD_WHEN_NEW = [
    ({"kind": None}, "#/kind"),
    ({"kind": "gift"}, "#/kind"),
    ({"of_picture": "yes"}, "#/of_picture"),
    ({"of_picture": 1}, "#/of_picture"),
    ({"gallery_id": "a/b"}, "#/gallery_id"),
    ({"organization_id": ""}, "#/organization_id"),
]


def is_refused_at(answer: Answer, pointer: str) -> None:
    assert refused(answer) == (422, "invalid_input")
    assert pointer in {error["pointer"] for error in answer.json["errors"]}, answer.json


@pytest.mark.parametrize(("body", "pointer"), [*BAD, *BAD_WHEN_NEW], ids=str)
def test_what_makes_no_sense_of_a_product_is_refused_and_nothing_made(
    site: Site, ana: Browser, body: dict[str, Any], pointer: str
) -> None:
    before = site.cloud.rows()
    is_refused_at(ana.post(PRODUCTS, {**MUG, **body}), pointer)
    if (body, pointer) in BAD and None not in body.values():  # null says nothing of a change
        is_refused_at(change(ana, "voucher", **body), pointer)
    assert site.cloud.rows() == before


@pytest.mark.parametrize("missing", ["name", "kind", "price"])
def test_a_product_has_a_name_a_kind_and_a_price(site: Site, ana: Browser, missing: str) -> None:
    before = site.cloud.rows()
    answer = ana.post(PRODUCTS, {n: value for n, value in MUG.items() if n != missing})
    is_refused_at(answer, f"#/{missing}")
    assert site.cloud.rows() == before


@pytest.mark.parametrize("amount", [0, 1, MOST])
def test_a_price_at_its_limits_stays_exact(ana: Browser, browser: Browser, amount: int) -> None:
    id_ = offer(ana, price=euros(amount))["id"]
    cart = browser.add({"product_id": id_, "quantity": 99}).json
    assert cart["lines"][0]["unit_price"] == euros(amount)
    assert cart["lines"][0]["total"] == cart["total"] == euros(99 * amount)
    assert browser.cart() == cart


# ---- changing it ---------------------------------------------------------------------------------


def test_a_new_price_and_a_new_name_show_in_carts_at_once(
    site: Site, ana: Browser, browser: Browser
) -> None:
    browser.add({**VOUCHER, "quantity": 2})
    answer = change(ana, "voucher", price=euros(16_001), name="Portrait session")
    assert (answer.status_code, answer.json["version"]) == (200, 2)
    assert answer.headers["ETag"] == '"2"'
    (line,) = browser.cart()["lines"]
    assert (line["name"], line["unit_price"]) == ("Portrait session", euros(16_001))
    assert (line["total"], browser.cart()["total"]) == (euros(32_002), euros(32_002))
    assert items(browser, "/v1/products")[0]["price"] == euros(16_001)
    assert ids(ana) == DEMO  # where it was
    is_in_order(site)


@pytest.mark.parametrize("going", ["inactive", "deleted"])
def test_what_is_sold_no_more_makes_its_line_unavailable(
    ana: Browser, browser: Browser, going: str
) -> None:
    browser.add({**PRINT, "quantity": 2})
    browser.add(VOUCHER)
    if going == "inactive":
        assert change(ana, "print-30x45", active=False).json["active"] is False
    else:
        assert delete(ana, "print-30x45").status_code == 204
    cart = browser.cart()
    gone, there = cart["lines"]
    assert (gone["available"], gone["unit_price"], gone["total"]) == (False, None, None)
    assert there["available"]
    assert (cart["shipping"], cart["total"]) == (euros(0), euros(15_000))
    assert "No longer available" in browser.get("/cart").text
    assert refused(browser.add(PRINT)) == (404, "not_found")
    assert browser.add(VOUCHER).json["total"] == euros(30_000)
    shown = {p["id"]: p["products"] for p in items(browser, "/v1/galleries/coast/pictures")}
    assert shown["low-tide"] == ["download", "coast-poster"]
    assert not on_sale(browser, "print-30x45")
    for path in ("/", "/galleries/coast"):
        assert "Print 30" not in browser.get(path).text
    if going == "inactive":
        change(ana, "print-30x45", active=True)
        assert browser.cart()["lines"][0]["unit_price"] == euros(6500)


@pytest.mark.parametrize(
    "body",
    [{"kind": "other"}, {"gallery_id": "hills"}, {"gallery_id": None}, {"of_picture": False},
     {"organization_id": HOTEL}, {"version": 7}, {"id": "other"}, {"path": ["root"]},
     {"amount": 1}],
    ids=str,
)  # fmt: skip
def test_what_a_product_is_never_changes(site: Site, ana: Browser, body: dict[str, Any]) -> None:
    before = site.cloud.rows()
    answer = change(ana, "coast-poster", name="Poster", **body)
    assert refused(answer) == (422, "invalid_input")
    assert {error["code"] for error in answer.json["errors"]} == {"unknown_field"}
    assert site.cloud.rows() == before


def test_what_is_not_sent_stays(site: Site, ana: Browser) -> None:
    before = ana.get(f"{PRODUCTS}/calendar").json
    rows = site.cloud.rows()
    for nothing in ({}, {"name": None, "price": None, "active": None}, {"name": before["name"]}):
        answer = change(ana, "calendar", **nothing)
        assert (answer.status_code, answer.json) == (200, before)
    assert site.cloud.rows() == rows
    assert change(ana, "calendar", active=False).json == before | {"active": False, "version": 2}
    assert change(ana, "calendar", price=euros(0)).json["price"] == euros(0)


def test_lost_updates_of_a_product_are_refused_where_if_match_says_so(ana: Browser) -> None:
    tag = ana.get(f"{PRODUCTS}/voucher").headers["ETag"]
    assert tag == '"1"'
    assert change(ana, "voucher", tag, name="A").headers["ETag"] == '"2"'
    for stale in (tag, 'W/"2"', '"x"', ""):
        assert refused(change(ana, "voucher", stale, name="B")) == (412, "version_mismatch")
    assert ana.get(f"{PRODUCTS}/voucher").json["name"] == "A"
    assert change(ana, "voucher", "*", name="B").json["version"] == 3
    assert change(ana, "voucher", '"1", "3"', name="C").json["version"] == 4


def test_two_changes_of_a_product_at_once_are_both_made(site: Site, ana: Browser) -> None:
    one, two = ana.twin(), ana.twin()
    for product in ("voucher", "coast-poster"):
        flows: list[Callable[[], Answer]] = [
            lambda id_=product: change(one, id_, name="A"),  # type: ignore[misc]
            lambda id_=product: change(two, id_, price=euros(1)),  # type: ignore[misc]
        ]
        for answers in orders(site, flows, SCHEDULES):
            assert [said(answer) for answer in answers] == [(200, ""), (200, "")]
            now = ana.get(f"{PRODUCTS}/{product}").json
            assert (now["name"], now["price"], now["version"]) == ("A", euros(1), 3)
            is_in_order(site)


# ---- once ----------------------------------------------------------------------------------------


def test_r51_the_same_key_makes_one_product(site: Site, ana: Browser) -> None:
    first = ana.post(PRODUCTS, MUG, Idempotency_Key=KEY)
    change(ana, first.json["id"], price=euros(1))
    again = ana.post(PRODUCTS, MUG, Idempotency_Key=KEY)
    assert (again.status_code, again.json["id"]) == (201, first.json["id"])
    assert again.json["price"] == euros(1)  # as it is now
    other = ana.post(PRODUCTS, {**MUG, "price": euros(1)}, Idempotency_Key=KEY)
    assert refused(other) == (422, "idempotency_key_reused")
    assert len(ids(ana)) == 7
    colleague = photographer(site, "berta").browser
    assert colleague.post(PRODUCTS, MUG, Idempotency_Key=KEY).json["id"] != first.json["id"]
    delete(ana, first.json["id"])
    assert refused(ana.post(PRODUCTS, MUG, Idempotency_Key=KEY)) == (404, "not_found")
    is_in_order(site)


@pytest.mark.parametrize("gallery", [{}, {"gallery_id": "coast"}], ids=["store", "gallery"])
def test_r51_two_at_once_under_one_key_make_one_product(
    site: Site, ana: Browser, gallery: dict[str, str]
) -> None:
    one, two = ana.twin(), ana.twin()
    flows = [
        lambda: one.post(PRODUCTS, {**MUG, **gallery}, Idempotency_Key=KEY),
        lambda: two.post(PRODUCTS, {**MUG, **gallery}, Idempotency_Key=KEY),
    ]
    for answers in orders(site, flows, SCHEDULES):
        assert [said(answer) for answer in answers] == [(201, ""), (201, "")]
        assert answers[0].json == answers[1].json
        assert len(ids(ana)) == 7
        is_in_order(site)


@pytest.mark.parametrize("fault", TRANSIENT)
def test_r51_whatever_fails_once_a_product_is_made_changed_and_taken_away_once(
    site: Site, ana: Browser, fault: str
) -> None:
    new = {**MUG, "gallery_id": "coast"}
    cloud, again = site.cloud, settled(site)
    steps: list[Callable[[], Answer]] = [
        lambda: ana.post(PRODUCTS, new, Idempotency_Key=KEY),
        lambda: change(ana, "coast-poster", price=euros(1)),
        lambda: delete(ana, "coast-poster"),
    ]
    for number, step in enumerate(steps):
        again()
        calls = calls_of(cloud, step)
        for at in range(calls):
            again()
            cloud.intercept = Fault(TRANSIENT[fault], at)
            answer = step()
            cloud.intercept = None
            if answer.status_code == 503:  # and asked again
                answer = step()
            assert answer.status_code == (201, 200, 204)[number], (number, at, answer.json)
            assert len(ids(ana)) == (7, 6, 5)[number]
            is_in_order(site)


def test_r51_wherever_the_answer_is_lost_the_same_request_ends_it(site: Site, ana: Browser) -> None:
    new = {**MUG, "gallery_id": "coast"}
    cloud, again = site.cloud, settled(site)
    steps: list[Callable[[], Answer]] = [
        lambda: ana.post(PRODUCTS, new, Idempotency_Key=KEY),
        lambda: change(ana, "coast-poster", price=euros(1)),
        lambda: delete(ana, "coast-poster"),
    ]
    for number, step in enumerate(steps):
        again()
        for at in range(calls_of(cloud, step)):
            again()
            cloud.intercept = Fault(killed_after, at)
            with pytest.raises(Killed):
                step()
            cloud.intercept = None
            is_in_order(site)
            assert step().status_code == (201, 200, 204)[number]
            assert len(ids(ana)) == (7, 6, 5)[number]
            is_in_order(site)


# ---- taking it away ------------------------------------------------------------------------------


def test_a_product_is_taken_away_for_good_and_once_more_is_the_same(site: Site) -> None:
    ana, berta = photographer(site).browser, photographer(site, "berta").browser
    for product in ("voucher", "coast-poster"):
        for _ in range(2):
            answer = delete(ana, product)
            assert (answer.status_code, answer.data) == (204, b"")
        assert product not in ids(ana)
        is_in_order(site)
        for answer in (
            ana.get(f"{PRODUCTS}/{product}"),
            change(ana, product, name="Back"),
            delete(berta, product),
        ):
            assert refused(answer) == (404, "not_found")


def test_a_picture_may_name_what_was_taken_away(ana: Browser, browser: Browser) -> None:
    delete(ana, "coast-poster")
    assert len(titles(browser, "coast")) == 4
    assert browser.get("/galleries/coast").status_code == 200
    assert ana.get("/staff/galleries/coast").status_code == 200
    shown = items(ana, "/v1/staff/galleries/coast/pictures")
    assert "coast-poster" in shown[0]["products"]


def test_a_product_changed_while_it_is_taken_away_is_gone(site: Site, ana: Browser) -> None:
    one, two = ana.twin(), ana.twin()
    flows = [
        lambda: change(one, "coast-poster", active=False),
        lambda: delete(two, "coast-poster"),
    ]
    for changed, deleted in orders(site, flows, SCHEDULES):
        assert deleted.status_code == 204
        assert said(changed) in {(200, ""), (404, "not_found")}
        assert "coast-poster" not in ids(ana)
        is_in_order(site)


# ---- a gallery's products and its door -----------------------------------------------------------


def test_a9_a_product_is_listed_as_the_door_stands_whatever_comes_first(
    site: Site, ana: Browser, browser: Browser
) -> None:
    one, two = ana.twin(), ana.twin()
    asleep = offer(ana, gallery_id="coast", active=False)["id"]
    closing: list[dict[str, Any]] = [
        {"access": "password", "password": "pelican bay"},
        {"expires_at": "2026-12-24T12:00:00Z"},
    ]
    selling: list[Callable[[], Answer]] = [
        lambda: two.post(PRODUCTS, {**MUG, "gallery_id": "coast"}),
        lambda: change(two, asleep, active=True),
        lambda: change(two, "coast-poster", name="A"),
        lambda: change(two, "coast-poster", active=False),
        lambda: delete(two, "coast-poster"),
    ]
    again = settled(site)
    for wish in closing:
        for step in selling:
            again()
            flows: list[Callable[[], Answer]] = [
                lambda w=wish: change_gallery(one, "coast", **w),  # type: ignore[misc]
                step,
            ]
            for door, product in orders(site, flows, SCHEDULES):
                assert said(door) == (200, "")
                assert product.status_code in {200, 201, 204}, product.json
                is_in_order(site)
                if "expires_at" not in wish:
                    listed = {p["gallery_id"] for p in items(browser, "/v1/products?limit=100")}
                    assert listed == {None}


def test_a9_a_product_of_a_hidden_gallery_comes_into_the_lists_with_it(
    site: Site, ana: Browser, browser: Browser
) -> None:
    gallery = make(ana)["id"]
    sold, asleep = (offer(ana, gallery_id=gallery, active=is_)["id"] for is_ in (True, False))
    assert not on_sale(browser, sold)
    change_gallery(ana, gallery, visibility="public", access="public")
    assert on_sale(browser, sold)
    assert not on_sale(browser, asleep)
    change(ana, asleep, active=True)
    assert on_sale(browser, asleep)
    is_in_order(site)


def test_a_gallery_changes_its_title_while_its_products_change(site: Site, ana: Browser) -> None:
    """And whoever shows its page need not load it anew for a price."""
    tag = ana.get("/v1/staff/galleries/coast").headers["ETag"]
    offer(ana, gallery_id="coast")
    change(ana, "coast-poster", price=euros(1))
    delete(ana, "coast-poster")
    path = "/v1/staff/galleries/coast"
    answer = ana.send("PATCH", path, json={"title": "Sea"}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json["version"]) == (200, 2)


def test_a_gallery_sells_no_more_products_than_its_door_can_move(site: Site, ana: Browser) -> None:
    gallery = make(ana, visibility="public", access="public")["id"]
    sell(site, gallery, *(f"number-{n}" for n in range(39)), active=False)
    one, two = ana.twin(), ana.twin()
    new = {**MUG, "gallery_id": gallery}
    flows = [lambda: one.post(PRODUCTS, new), lambda: two.post(PRODUCTS, new)]
    for answers in orders(site, flows, SCHEDULES):
        assert sorted(map(said, answers)) == [(201, ""), (409, "too_many_products")]
        assert len(ids(ana, f"?gallery_id={gallery}")) == 40
    assert refused(ana.post(PRODUCTS, new)) == (409, "too_many_products")
    assert change(ana, "number-7", active=True).status_code == 200
    assert change_gallery(ana, gallery, visibility="private").status_code == 200
    is_in_order(site)
    delete(ana, "number-7")
    assert ana.post(PRODUCTS, new).status_code == 201
    assert offer(ana)["gallery_id"] is None  # the shop itself has no such limit


def test_with_a_gallery_goes_what_it_sells(site: Site, ana: Browser, browser: Browser) -> None:
    gallery = make(ana, visibility="public", access="public")["id"]
    sold = [offer(ana, gallery_id=gallery, active=n != 1)["id"] for n in range(3)]
    browser.add({"product_id": sold[0], "gallery_id": gallery, "quantity": 1})
    assert delete_gallery(ana, gallery).status_code == 204
    assert browser.cart()["lines"][0]["available"] is False
    assert ids(ana) == DEMO
    assert [ana.get(f"{PRODUCTS}/{id_}").status_code for id_ in sold] == [404] * 3
    is_in_order(site)


def test_nothing_is_made_for_a_gallery_that_is_taken_away(site: Site, ana: Browser) -> None:
    gallery = make(ana, visibility="public", access="public")["id"]
    sold = offer(ana, gallery_id=gallery)["id"]
    one, two = ana.twin(), ana.twin()
    steps: list[Callable[[], Answer]] = [
        lambda: two.post(PRODUCTS, {**MUG, "gallery_id": gallery}),
        lambda: change(two, sold, active=False),
        lambda: delete(two, sold),
    ]
    again = settled(site)
    for step in steps:
        again()
        for gone, product in orders(site, [lambda: delete_gallery(one, gallery), step], SCHEDULES):
            assert gone.status_code == 204
            done = {(200, ""), (201, ""), (204, ""), (404, "not_found")}
            assert said(product) in done, product.json
            assert ids(ana) == DEMO
            is_in_order(site)


def test_of_a_gallery_that_is_leaving_nothing_is_sold_or_changed(
    site: Site, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = make(ana, visibility="public", access="public")["id"]
    sold = offer(ana, gallery_id=gallery)["id"]
    asked = site.module("foyer.web.request").Request
    monkeypatch.setattr(asked, "time_is_left", lambda _: False)
    assert delete_gallery(ana, gallery).status_code == 202
    for answer in (
        ana.post(PRODUCTS, {**MUG, "gallery_id": gallery}),
        ana.get(f"{PRODUCTS}?gallery_id={gallery}"),
        change(ana, sold, name="A"),
    ):
        assert refused(answer) == (404, "not_found")


# ---- which there are -----------------------------------------------------------------------------


def test_products_are_listed_the_newest_first_page_by_page(site: Site, ana: Browser) -> None:
    made = []
    for number in range(5):
        site.advance(10)
        where = {"gallery_id": ("coast", WEDDING)[number % 2]} if number else {}
        made.append(offer(ana, **where, active=number != 2)["id"])
    expected = [*reversed(made), *DEMO]
    for limit in (1, 2, 3, 11, 100):
        found = list(pages(ana, f"{PRODUCTS}?limit={limit}"))
        assert [one["id"] for page in found for one in page] == expected
        assert all(len(page) == limit for page in found[:-1])
    for gallery, wanted in (
        ("coast", [made[4], made[2], "coast-poster"]),
        (WEDDING, [made[3], made[1]]),
        ("hills", []),
    ):
        for limit in (1, 2, 3):
            assert ids(ana, f"?gallery_id={gallery}&limit={limit}") == wanted
    assert ids(ana, f"?gallery_id=coast&organization_id={STUDIO}") == [
        made[4],
        made[2],
        "coast-poster",
    ]


def test_g7_everybody_sees_the_products_he_looks_after(site: Site, ana: Browser) -> None:
    boss = administrator(site).browser
    foreign = photographer(site, "paul", HOTEL).browser
    rooms = make(foreign, "Rooms")["id"]
    hotels = [offer(foreign)["id"], offer(foreign, gallery_id=rooms)["id"]]
    assert ids(ana) == DEMO
    assert sorted(ids(foreign)) == sorted(hotels)
    for limit in (1, 3, 4, 8, 100):
        assert sorted(ids(boss, f"?limit={limit}")) == sorted([*hotels, *DEMO])
    assert sorted(ids(boss, f"?organization_id={HOTEL}")) == sorted(hotels)
    assert ids(boss, f"?gallery_id={rooms}") == hotels[1:]
    for query in (
        f"organization_id={HOTEL}",
        "organization_id=nowhere",
        f"gallery_id={rooms}",
        "gallery_id=nothing",
        f"gallery_id=coast&organization_id={HOTEL}",
    ):
        assert refused(ana.get(f"{PRODUCTS}?{query}")) == (404, "not_found")


def test_where_there_are_too_many_organizations_one_must_be_named(site: Site) -> None:
    boss = administrator(site).browser
    for number in range(19):
        new = {"name": f"Team {number}", "parent_id": HOTEL, "approval": "inherit"}
        assert boss.post("/v1/staff/organizations", new).status_code == 201
    assert refused(boss.get(PRODUCTS)) == (422, "too_many_organizations")
    assert ids(boss, f"?organization_id={STUDIO}") == DEMO
    assert ids(boss, "?gallery_id=coast") == ["coast-poster"]


def test_a21_a_cursor_of_products_is_its_owners_and_its_lists(site: Site, ana: Browser) -> None:
    other = photographer(site, "berta").browser
    offer(ana, gallery_id="coast")
    for query, elsewhere in (("", "?gallery_id=coast&"), ("gallery_id=coast&", "?")):
        path = f"{PRODUCTS}?{query}limit=1"
        cursor = ana.get(path).json["next"]
        assert ana.get(f"{path}&cursor={cursor}").status_code == 200
        for answer in (
            other.get(f"{path}&cursor={cursor}"),
            ana.get(f"{PRODUCTS}{elsewhere}cursor={cursor}"),
            ana.get(f"{path}&cursor=x{cursor}"),
        ):
            assert refused(answer) == (422, "invalid_cursor")
    for wrong in ("limit=0", "limit=101", "limit=x", "gallery_id=a/b", "organization_id="):
        assert refused(ana.get(f"{PRODUCTS}?{wrong}")) == (422, "invalid_input")


def test_a_list_goes_on_for_who_lost_the_organization_its_page_ended_in(site: Site) -> None:
    """Its cursor means nothing any more; what he still looks after begins anew."""
    boss = administrator(site).browser
    rooms = [offer(boss, organization_id=HOTEL)["id"] for _ in range(2)]
    ended = boss.get(f"{PRODUCTS}?limit=1").json
    assert ended["items"][0]["id"] in rooms
    site.advance(10)
    newest = offer(boss, organization_id="root")["id"]
    key = {"pk": {"S": f"ORG#{HOTEL}"}, "sk": {"S": "ORG"}}
    site.cloud.client("dynamodb").delete_item(TableName=site.cloud.table_name, Key=key)
    answer = boss.get(f"{PRODUCTS}?limit=1&cursor={ended['next']}")
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json["items"]] == [newest]


# ---- who may -------------------------------------------------------------------------------------


def test_r38_products_of_another_studio_are_not_there(site: Site, ana: Browser) -> None:
    foreign = photographer(site, "paul", HOTEL).browser
    before = site.cloud.rows()
    answers = [
        answer
        for product, gallery in (("coast-poster", "coast"), ("no-such-thing", "no-such-gallery"))
        for answer in (
            foreign.get(f"{PRODUCTS}/{product}"),
            change(foreign, product, price=euros(1)),
            change(foreign, product, '"1"', price=euros(1)),
            delete(foreign, product),
            foreign.post(PRODUCTS, {**MUG, "gallery_id": gallery}),
            foreign.get(f"{PRODUCTS}?gallery_id={gallery}"),
        )
    ]
    bodies = [{**answer.json, "instance": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "not_found"
    assert site.cloud.rows() == before


def test_g7_products_are_kept_by_who_sells_alone(site: Site, browser: Browser) -> None:
    guest = browser
    nobody = Browser(browser.gateway, address="192.0.2.7")
    guest.add(VOUCHER)
    client = plant(site, "carol", role=("registered_customer", STUDIO), org=STUDIO).browser
    clerk = plant(site, "sam", role=("customer_service_supervisor", STUDIO), org=STUDIO).browser
    before = site.cloud.rows()
    for who, status, code in (
        (nobody, 401, "sign_in_required"),
        (guest, 401, "sign_in_required"),
        (client, 404, "not_found"),
        (clerk, 404, "not_found"),
    ):
        for answer in (
            who.get(PRODUCTS),
            who.get(f"{PRODUCTS}/voucher"),
            who.post(PRODUCTS, MUG),
            change(who, "voucher", price=euros(0)),
            delete(who, "voucher"),
        ):
            assert refused(answer) == (status, code)
    assert site.cloud.rows() == before


@pytest.mark.parametrize("number", range(3))
def test_r37_who_loses_his_role_while_he_sends_sells_nothing(site: Site, number: int) -> None:
    """Who acts is checked where it is written, not only where it is read."""
    ana = photographer(site)
    boss = administrator(site).browser
    step: Callable[[], Answer] = (
        lambda: ana.browser.post(PRODUCTS, MUG),
        lambda: change(ana.browser, "voucher", price=euros(1)),
        lambda: delete(ana.browser, "voucher"),
    )[number]

    def sacked_first(operation: str, _: Mapping[str, Any], send: Send) -> Any:
        if operation == "TransactWriteItems":
            site.cloud.intercept = None
            answer = boss.send("PUT", f"/v1/staff/users/{ana.id}/roles", json={"roles": []})
            assert answer.status_code == 200
        return send()

    site.cloud.intercept = sacked_first
    assert step().status_code in {401, 404, 409}
    assert ids(boss) == DEMO
    assert items(boss, "/v1/products")[0]["price"] == euros(15_000)


def test_looking_at_products_changes_nothing(site: Site, ana: Browser) -> None:
    ana.get(PRODUCTS)
    before = site.cloud.rows()
    for path in (PRODUCTS, f"{PRODUCTS}/voucher", f"{PRODUCTS}?gallery_id=coast"):
        assert ana.get(path).status_code == 200
        head = ana.send("HEAD", path)
        assert (head.status_code, head.data) == (200, b"")
    assert site.cloud.rows() == before


def test_the_demo_is_in_order(site: Site) -> None:
    is_in_order(site)
    rows = [row for row in site.cloud.rows() if row["sk"]["S"] == "PRODUCT"]
    assert {tuple(plain(row["path"])) for row in rows} == {PATHS[STUDIO]}
