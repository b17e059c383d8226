"""The pages on which a studio keeps its products and prices."""

import re
from html import unescape
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_account_pages import text
from tests.journeys.test_products import is_in_order
from tests.journeys.test_studio_pages import act, done, hidden, photographer, send
from tests.people import HOTEL, STUDIO, administrator, plant
from tests.visiting import VOUCHER, Answer, Browser

PRODUCTS = "/staff/products"
API = "/v1/staff/products"
COAST = "/staff/galleries/coast/products"
MUG = {"name": "Mug", "price": "12.50", "kind": "other", "active": "yes"}
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def ana(site: Site) -> Browser:
    site.advance(10)  # the demo's own products are a little older
    return photographer(site)


def make(who: Browser, page: str = PRODUCTS, **typed: str) -> Answer:
    return act(who, page, page, **{**MUG, **typed})


def newest(who: Browser) -> Any:
    return who.get(f"{API}?limit=1").json["items"][0]


def edit(who: Browser, product: str, **typed: str) -> Answer:
    return act(who, f"{PRODUCTS}/{product}", f"{PRODUCTS}/{product}", **typed)


# ---- who may see what ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PRODUCTS, COAST, f"{PRODUCTS}/coast-poster"])
def test_products_are_kept_by_who_sells_them_alone(
    site: Site, gateway: Gateway, browser: Browser, ana: Browser, path: str
) -> None:
    nobody = browser.get(path)
    assert nobody.status_code == 401
    assert hidden(nobody, "/sign-in")["back"] == path
    client = plant(site, "nina", role=None).browser
    clerk = plant(site, "sam", role=("customer_service_supervisor", STUDIO), org=STUDIO).browser
    stranger = photographer(site, "otto", HOTEL)
    for other in (client, clerk):
        assert other.get(path).status_code == 404
    assert stranger.get(path).status_code == (200 if path == PRODUCTS else 404)
    assert "Poster" not in text(stranger.get(path))
    assert "Poster “The coast”" in text(ana.get(path))
    assert PRODUCTS not in clerk.get("/staff").text
    assert f'href="{PRODUCTS}"' in ana.get("/staff").text
    assert f'href="{COAST}"' in ana.get("/staff/galleries/coast").text


def test_nobody_else_can_send_a_form_about_products(site: Site, gateway: Gateway) -> None:
    client = plant(site, "carol", role=None).browser
    stranger = photographer(site, "otto", HOTEL)
    before = site.cloud.rows()
    for who in (client, stranger):
        for path in (COAST, f"{PRODUCTS}/voucher", f"{PRODUCTS}/voucher/delete"):
            assert send(who, path, {**MUG, "sure": "yes", "version": "1"}).status_code == 404, path
    assert send(client, PRODUCTS, MUG).status_code == 404
    assert send(stranger, PRODUCTS, {**MUG, "organization_id": STUDIO}).status_code == 404
    assert site.cloud.rows() == before


def test_looking_changes_nothing(site: Site, ana: Browser) -> None:
    paths = (PRODUCTS, COAST, f"{PRODUCTS}/voucher", f"{PRODUCTS}/voucher/delete")
    ana.get(PRODUCTS)
    before = site.cloud.rows()
    for path in paths:
        assert ana.get(path).status_code in {200, 303}
        assert ana.send("HEAD", path).status_code in {200, 303}
    assert ana.get(paths[-1]).headers["Location"] == f"{PRODUCTS}/voucher"
    assert ana.get(f"{PRODUCTS}/nothing/delete").headers["Location"] == PRODUCTS
    assert site.cloud.rows() == before


# ---- the list ------------------------------------------------------------------------------------


def test_the_list_says_what_is_sold_where_and_at_which_price(ana: Browser) -> None:
    ana.send("PATCH", f"{API}/calendar", json={"active": False})
    page = text(ana.get(PRODUCTS))
    assert "Gift voucher for a portrait session something else · in the whole shop" in page
    assert "€150.00 for sale" in page
    assert "€28.00 not for sale" in page
    coast = "something printed, made of a picture · in “The coast, early and late” €39.00 for sale"
    assert coast in page
    gallery = text(ana.get(COAST))
    assert "Poster “The coast” something printed, made of a picture €39.00 for sale" in gallery
    assert "Gift voucher" not in gallery
    assert "no products of its own yet" in text(ana.get("/staff/galleries/hills/products"))


def test_products_are_read_page_by_page(ana: Browser) -> None:
    for number in range(20):
        body = {"name": f"No {number}.", "kind": "other", "gallery_id": "coast"}
        price = {"amount": number, "currency": "EUR"}
        assert ana.post(API, {**body, "price": price}).status_code == 201
    for path, more in ((PRODUCTS, 26), (COAST, 21)):
        page = ana.get(path)
        (following,) = re.findall(r'href="([^"]+cursor=[^"]+)"', page.text)
        both = page.text + ana.get(unescape(following)).text
        assert len(set(re.findall(r'<h2><a href="(/staff/products/[^"]+)"', both))) == more
        refused = ana.get(unescape(following)[:-1])
        assert refused.status_code == 422
        assert "cannot be found again" in text(refused)


# ---- a new one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("45", 4500), ("45.00", 4500), ("45,00", 4500), (" 45,90 ", 4590), ("0", 0),
     ("999999.99", 99_999_999)],
)  # fmt: skip
def test_a_price_is_typed_as_people_write_it(
    site: Site, gateway: Gateway, ana: Browser, typed: str, amount: int
) -> None:
    answer = make(ana, price=typed)
    assert done(answer) == "made"
    page = ana.get(answer.headers["Location"])
    assert 'role="status"' in page.text
    assert "Mug something else · in the whole shop" in text(page)
    made = newest(ana)
    assert made["price"] == {"amount": amount, "currency": "EUR"}
    assert (made["kind"], made["active"], made["of_picture"]) == ("other", True, False)
    visitor = Browser(gateway, address="192.0.2.9")
    cart = visitor.add({"product_id": made["id"], "quantity": 2}).json
    assert cart["total"]["amount"] == 2 * amount
    is_in_order(site)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "This is missing."),
        ("   ", "This is missing."),
        ("forty", "write the price in figures"),
        ("-1", "write the price in figures"),
        ("1,250", "write the price in figures"),
        ("€45", "write the price in figures"),
        ("45.5", "write the price in figures"),
        ("1000000", "too small or too large"),
        ("9" * 300, "write the price in figures"),
    ],
)
def test_a_price_that_is_none_is_given_back_with_an_example(
    site: Site, ana: Browser, typed: str, said: str
) -> None:
    before = site.cloud.rows()
    refused = make(ana, price=typed, name="A mug")
    assert refused.status_code == 422
    assert 'href="#price"' in refused.text
    assert 'id="price-wrong"' in refused.text
    assert said in text(refused)
    assert f'value="{typed}"' in refused.text
    assert 'value="A mug"' in refused.text
    assert "<title>Error:" in refused.text
    assert edit(ana, "voucher", name="A voucher", price=typed).status_code == 422
    assert site.cloud.rows() == before


def test_nothing_typed_of_a_product_is_lost_and_each_mistake_is_named(
    site: Site, ana: Browser
) -> None:
    before = site.cloud.rows()
    form = {"name": EVIL + " www.evil.example", "price": "x", "kind": "", "active": ""}
    refused = make(ana, **form, of_picture="yes")
    assert refused.status_code == 422
    for field in ("name", "price", "kind"):
        assert f'href="#{field}"' in refused.text, field
        assert f'id="{field}"' in refused.text, field
    assert "<script>" not in refused.text
    assert re.search(r'name="of_picture" value="yes" checked', refused.text)
    assert not re.search(r'name="active" value="yes" checked', refused.text)
    assert 'name="active" value="yes" checked' in ana.get(PRODUCTS).text
    assert site.cloud.rows() == before


def test_a_gallerys_product_is_added_on_its_own_page(
    site: Site, gateway: Gateway, ana: Browser
) -> None:
    answer = make(ana, COAST, kind="print", of_picture="yes", active="")
    assert answer.headers["Location"].startswith(f"{COAST}?")
    made = newest(ana)
    assert (made["gallery_id"], made["of_picture"], made["active"]) == ("coast", True, False)
    assert "Mug" not in Browser(gateway, address="192.0.2.9").get("/v1/products").text
    assert "Mug" in text(ana.get(COAST))
    is_in_order(site)


def test_a_double_click_adds_one_product(ana: Browser) -> None:
    fields = hidden(ana.get(PRODUCTS), PRODUCTS)
    for _ in range(2):
        assert done(send(ana, PRODUCTS, fields, **MUG)) == "made"
    assert ana.get(PRODUCTS).text.count(">Mug</a>") == 1
    changed = send(ana, PRODUCTS, fields, **{**MUG, "price": "13"})
    assert changed.status_code == 412
    assert 'value="13"' in changed.text


def test_a_gallery_that_sells_enough_says_so_and_keeps_what_was_typed(ana: Browser) -> None:
    price = {"amount": 1, "currency": "EUR"}
    for number in range(39):
        body = {"name": f"No {number}.", "kind": "other", "gallery_id": "coast", "price": price}
        assert ana.post(API, body).status_code == 201
    refused = make(ana, COAST)
    assert refused.status_code == 409
    assert "too many products of its own" in text(refused)
    assert 'value="12.50"' in refused.text


def test_who_looks_after_several_studios_says_whose_a_product_is(site: Site, ana: Browser) -> None:
    assert 'name="organization_id"' not in ana.get(PRODUCTS).text
    boss = administrator(site).browser
    assert done(make(boss, organization_id=HOTEL)) == "made"
    own = text(boss.get(f"{PRODUCTS}?organization_id={HOTEL}"))
    assert "Mug something else · in the whole shop · Hotel Miramar €12.50" in own
    assert "Gift voucher" not in own
    assert "Mug" not in text(ana.get(PRODUCTS))
    assert 'name="organization_id"' not in boss.get(COAST).text


def test_where_there_are_too_many_studios_for_one_list_one_is_chosen(site: Site) -> None:
    boss = administrator(site).browser
    for number in range(19):
        new = {"name": f"Team {number}", "parent_id": HOTEL, "approval": "inherit"}
        assert boss.post("/v1/staff/organizations", new).status_code == 201
    page = boss.get(PRODUCTS)
    assert page.status_code == 200
    assert "choose one of them" in text(page)
    assert "Gift voucher" in text(boss.get(f"{PRODUCTS}?organization_id={STUDIO}"))
    assert done(make(boss, organization_id=STUDIO)) == "made"


# ---- changing it ---------------------------------------------------------------------------------


def test_a_product_is_changed_and_carts_show_it(gateway: Gateway, ana: Browser) -> None:
    visitor = Browser(gateway, address="192.0.2.9")
    visitor.add(VOUCHER)
    form = {"name": "A portrait session", "price": "99,90", "active": "yes"}
    answer = edit(ana, "voucher", **form)
    assert done(answer) == "changed"
    assert answer.headers["Location"].startswith(f"{PRODUCTS}?")
    cart = text(visitor.get("/cart"))
    assert "A portrait session" in cart
    assert "€99.90 each" in cart
    assert 'value="99.90"' in ana.get(f"{PRODUCTS}/voucher").text
    assert 'value="99,90"' in ana.get(f"{PRODUCTS}/voucher?lang=fr").text
    edit(ana, "voucher", name="A portrait session", price="99.90")
    assert "No longer available" in text(visitor.get("/cart"))
    answer = edit(ana, "coast-poster", name="Poster", price="1", active="yes")
    assert answer.headers["Location"].startswith(f"{COAST}?")


def test_a_product_somebody_else_changed_meanwhile_is_not_written_over(ana: Browser) -> None:
    path = f"{PRODUCTS}/voucher"
    fields = hidden(ana.get(path), path)
    form = {"name": "Gift voucher for a portrait session", "price": "150.00", "active": "yes"}
    ana.send("PATCH", f"/v1{path}", json={"name": "Theirs", "active": False})
    late = send(ana, path, fields, **{**form, "price": "160"})
    assert late.status_code == 412
    assert "It has changed in the meantime" in text(late)
    assert 'value="160"' in late.text
    assert 'value="Theirs"' in late.text  # what was not touched is as it is by now
    assert not re.search(r'name="active" value="yes" checked', late.text)
    again = hidden(late, path)
    assert done(send(ana, path, again, name="Theirs", price="160")) == "changed"
    said = ana.get(f"/v1{path}").json
    assert (said["name"], said["price"]["amount"], said["active"]) == ("Theirs", 16_000, False)


def test_a_product_is_deleted_once_one_is_sure(site: Site, ana: Browser) -> None:
    for product, shelf in (("voucher", PRODUCTS), ("coast-poster", COAST)):
        path = f"{PRODUCTS}/{product}"
        refused = act(ana, path, f"{path}/delete")
        assert refused.status_code == 422
        assert 'href="#sure"' in refused.text
        answer = act(ana, path, f"{path}/delete", sure="yes")
        assert done(answer) == "deleted"
        assert answer.headers["Location"].startswith(f"{shelf}?")
        assert done(send(ana, f"{path}/delete", {}, sure="yes")) == "deleted"  # a double click
        assert ana.get(path).status_code == 404
        assert ana.get(f"{path}/delete").headers["Location"] == PRODUCTS
        is_in_order(site)
    assert ana.get("/staff/galleries/coast").status_code == 200


def test_another_language_is_chosen_and_the_page_stays(ana: Browser) -> None:
    for path in (PRODUCTS, COAST, f"{PRODUCTS}/voucher"):
        assert f'name="back" value="{path}"' in ana.get(path).text
        assert '<html lang="es"' in ana.get(f"{path}?lang=es").text
    refused = send(ana, f"{PRODUCTS}/voucher/delete", {})
    assert f'name="back" value="{PRODUCTS}/voucher"' in refused.text


def test_a_session_that_ended_while_a_price_was_typed_loses_nothing(
    site: Site, ana: Browser
) -> None:
    fields = hidden(ana.get(PRODUCTS), PRODUCTS)
    site.advance(7200)
    ended = send(ana, PRODUCTS, fields, **MUG)
    assert ended.status_code == 401
    assert "Name Mug Price 12.50" in text(ended)
