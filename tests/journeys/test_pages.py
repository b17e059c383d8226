"""The pages, without a browser: what they say, where they lead, in which language."""

import re

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.carts import fill
from tests.journeys.test_cart import update
from tests.seam import Fault, error
from tests.visiting import VOUCHER, Browser


def test_the_front_shows_the_public_galleries_and_what_is_for_sale(browser: Browser) -> None:
    page = browser.get("/").text
    for words in ("The coast, early and late", "Hills and weather", "Gift voucher", "€150.00",
                  "Print 30 × 45 cm"):  # fmt: skip
        assert words in page
    assert "Léa and Tom" not in page


def test_a_picture_goes_from_its_gallery_into_the_cart(browser: Browser) -> None:
    page = browser.get("/galleries/coast").text
    assert 'value="low-tide"' in page
    answer = browser.submit(
        "/cart/lines",
        gallery_id="coast",
        picture_id="low-tide",
        product_id="print-30x45",
        quantity="2",
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart?done=added")
    cart = browser.get(answer.headers["Location"]).text
    assert "It is in your cart" in cart
    assert "Print 30 × 45 cm – Low tide" in cart
    assert "€135.90" in cart


def test_a_line_is_changed_and_taken_out_by_forms(browser: Browser) -> None:
    line = browser.add(VOUCHER).json["lines"][0]["id"]
    for form, left in (
        ({"quantity": "7", "action": "set"}, {"voucher": 7}),
        ({"quantity": " 8 "}, {"voucher": 8}),
        ({"quantity": "0"}, {}),
    ):
        answer = browser.submit(f"/cart/lines/{line}", **form)
        assert answer.status_code == 303
        assert browser.quantities() == left
    browser.add(VOUCHER)
    browser.submit(f"/cart/lines/{line}", quantity="nonsense", action="remove")
    assert browser.quantities() == {}


@pytest.mark.parametrize("quantity", ["", "abc", "100", "-1", "1.5", "٣", "1e1", "9" * 20])
def test_a_wrong_quantity_is_said_at_its_line_and_kept_as_typed(
    browser: Browser, quantity: str
) -> None:
    line = browser.add(VOUCHER).json["lines"][0]["id"]
    answer = browser.submit(f"/cart/lines/{line}", quantity=quantity)
    assert answer.status_code == 422
    assert "<title>Error: Your cart" in answer.text
    assert "a whole number from 1 to 99" in answer.text
    assert f'value="{quantity}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert browser.quantities() == {"voucher": 1}


@pytest.mark.parametrize("quantity", ["", "abc", "100", "0", "-1"])
def test_a_wrong_quantity_in_a_gallery_says_so_and_leads_back(
    browser: Browser, quantity: str
) -> None:
    answer = browser.submit(
        "/cart/lines",
        gallery_id="coast",
        picture_id="low-tide",
        product_id="print-30x45",
        quantity=quantity,
    )
    assert answer.status_code == 422
    assert "a whole number from 1 to 99" in answer.text
    assert 'href="/galleries/coast"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_an_address_that_says_done_does_not_lie(browser: Browser) -> None:
    assert "It is in your cart" not in browser.get("/cart?done=added").text
    assert browser.get("/cart?done=x&done=y").status_code == 200


def test_a_full_line_and_a_full_cart_are_said_on_the_cart_page(
    site: Site, browser: Browser
) -> None:
    browser.add({**VOUCHER, "quantity": 99})
    answer = browser.submit("/cart/lines", product_id="voucher")
    assert answer.status_code == 409
    assert "That is more than a cart takes" in answer.text
    other = Browser(browser.gateway)
    fill(site, other, 100)
    answer = other.submit("/cart/lines", product_id="calendar")
    assert answer.status_code == 409
    assert "Your cart is full" in answer.text


def test_without_a_language_the_browsers_settings_decide(browser: Browser) -> None:
    for header, language in (
        ("fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("de, es;q=0.5", "es"),
        ("en;q=0.1, es;q=0.9", "es"),
        ("fr;q=0, de", "en"),
        ("fr;q=x", "en"),
        ("*", "en"),
        ("", "en"),
        ("," * 5000, "en"),
    ):
        answer = browser.get("/", **{"Accept-Language": header})
        assert answer.headers["Content-Language"] == language
        assert f'<html lang="{language}">' in answer.text


def test_0_20_the_generic_users_language_travels_in_the_address(browser: Browser) -> None:
    page = browser.get("/?lang=fr").text
    links = re.findall(r'(?:href|action)="(/[^"]*)"', page)
    inside = [link for link in links if not link.startswith("/static/") and "lang=" in link]
    assert {"/cart?lang=fr", "/galleries/coast?lang=fr", "/cart/lines?lang=fr"} <= set(inside)
    assert 'href="/?lang=es"' in page  # the switch keeps the page
    answer = browser.submit("/cart/lines?lang=fr", product_id="voucher")
    assert answer.headers["Location"] == "/cart?done=added&lang=fr"


def test_0_20_a_guests_language_is_stored_at_his_first_post(browser: Browser) -> None:
    browser.submit("/cart/lines?lang=fr", product_id="voucher")
    answer = browser.get("/cart", **{"Accept-Language": "es"})
    assert answer.headers["Content-Language"] == "fr"
    assert "Votre panier" in answer.text


def test_0_20_a_guest_switches_his_language_for_good(browser: Browser) -> None:
    browser.add(VOUCHER)
    answer = browser.submit("/language", language="es", back="/cart")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    assert "Su carrito" in browser.get("/cart").text
    assert browser.get("/nothing").headers["Content-Language"] == "es"


def test_a_language_we_do_not_have_is_ignored(browser: Browser) -> None:
    assert browser.get("/?lang=xx").headers["Content-Language"] == "en"
    assert browser.submit("/language", language="xx").status_code == 422


@pytest.mark.parametrize("language", ["en", "fr", "es"])
def test_every_page_is_wholly_in_its_language(browser: Browser, language: str) -> None:
    texts = {
        "en": ("Your cart", "Galleries", "Page not found", "Terms and your data"),
        "fr": (
            "Votre panier",
            "Galeries",
            "Page introuvable",
            "Conditions et données personnelles",
        ),
        "es": ("Su carrito", "Galerías", "Página no encontrada", "Condiciones y datos personales"),
    }
    paths = ("/cart", "/", "/nothing", "/terms")
    for path, words in zip(paths, texts[language], strict=True):
        page = browser.get(f"{path}?lang={language}").text
        assert words in page
        for other in texts.keys() - {language}:
            assert texts[other][paths.index(path)] not in page


@pytest.mark.parametrize(
    ("language", "price"),
    [("en", "€1,500.00"), ("fr", "1\u202f500,00\u00a0€"), ("es", "1.500,00\u00a0€")],
)
def test_prices_are_written_as_people_write_them(
    browser: Browser, language: str, price: str
) -> None:
    browser.add({**VOUCHER, "quantity": 10})
    assert price in browser.get(f"/cart?lang={language}").text


def test_names_of_the_shop_are_shown_as_text(site: Site, browser: Browser) -> None:
    evil = '<script>alert("x")</script>'
    update(site, "PRODUCT#voucher", "PRODUCT", "name", {"S": evil})
    update(site, "GALLERY#coast", "GALLERY", "title", {"S": evil})
    browser.add(VOUCHER)
    for path in ("/", "/cart", "/galleries/coast"):
        page = browser.get(path).text
        assert evil not in page
        assert "&lt;script&gt;" in page


def test_pages_need_no_script_and_no_inline_style(browser: Browser) -> None:
    browser.add(VOUCHER)
    for path in ("/", "/cart", "/galleries/coast", "/nothing", "/terms"):
        page = browser.get(path).text
        assert "<script" not in page
        assert " style=" not in page
        assert " on" not in re.sub(r">[^<]*<", "><", page)


def test_the_stylesheet_may_be_kept_for_ever_because_its_address_changes(
    browser: Browser,
) -> None:
    href = re.search(r'href="(/static/site\.css\?v=\w+)"', browser.get("/").text)
    assert href is not None
    answer = browser.get(href[1])
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"].startswith("text/css")


def test_a_failure_in_aws_is_a_page_that_says_nothing_is_lost(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    for path in ("/", "/cart", "/galleries/coast"):
        site.cloud.intercept = Fault(error("InternalServerError", 500), *range(99))
        answer = browser.get(path)
        site.cloud.intercept = None
        assert answer.status_code == 503
        assert "Nothing you had is lost" in answer.text
        assert int(answer.headers["Retry-After"]) > 0


def test_a_gallery_with_many_pictures_is_shown_in_parts(site: Site, browser: Browser) -> None:
    galleries = site.module("foyer.rules.galleries")
    catalogue = site.module("foyer.storage.catalogue")
    write = site.module("foyer.storage.table").write
    for number in range(60):
        hidden = number == 5
        write(catalogue.put_picture(galleries.Picture(
            f"p{number:02}", "coast", f"Picture {number:02}", "/p.svg", ("download",), hidden
        )))  # fmt: skip
    seen: list[str] = []
    path: str | None = "/galleries/coast"
    while path:
        page = browser.get(path).text
        assert browser.cost()["calls"] <= 3
        seen += re.findall(r"<h2>(Picture \d\d)</h2>", page)
        more = re.search(r'class="button" href="(/galleries/coast\?after=[^"]+)"', page)
        path = more[1] if more else None
    assert seen == [f"Picture {n:02}" for n in range(60) if n != 5]
    # another language keeps the place
    page = browser.get("/galleries/coast?after=p30").text
    assert 'href="/galleries/coast?after=p30&amp;lang=fr"' in page
    assert "Picture 31" in browser.get("/galleries/coast?after=p30&lang=fr").text


def test_who_goes_on_behind_a_picture_still_needs_the_door(browser: Browser) -> None:
    assert browser.get("/galleries/lea-and-tom-2026-06-13?after=after-rain").status_code == 404
    assert browser.get("/galleries/nothing?after=x").status_code == 404
    assert browser.get("/galleries/coast?after=a/b").status_code == 422


def test_the_head_counts_the_lines(gateway: Gateway) -> None:
    browser = Browser(gateway)
    assert 'class="count"' not in browser.get("/").text
    browser.add(VOUCHER)
    assert re.search(r'class="count">.*?1<', browser.get("/terms").text)
