"""What photographers do with galleries and pictures (api.md, galleries of staff)."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.site import Site
from tests.conftest import SCHEDULES
from tests.inviting import (
    KEY,
    PARTY,
    PARTY_PASSWORD,
    UNNAMED,
    WEDDING,
    accept,
    invited,
    is_in,
    photographer,
    preview,
)
from tests.journeys.test_registration import refused
from tests.people import HOTEL, PATHS, STUDIO, administrator, plant
from tests.seam import Fault, Killed, calls_of, killed_after
from tests.visiting import PRINT, Answer, Browser, orders, said, settled

GALLERIES = "/v1/staff/galleries"
HUNG = {"title": "A picture", "src": "/pictures/a.jpg"}


@pytest.fixture
def ana(site: Site) -> Browser:
    site.advance(10)  # the demo's own galleries are a little older
    return photographer(site).browser


def make(who: Browser, title: str = "Portraits", **more: Any) -> Any:
    answer = who.post(GALLERIES, {"title": title, **more})
    assert answer.status_code == 201, answer.json
    return answer.json


def change(who: Browser, gallery: str, **body: Any) -> Answer:
    return who.send("PATCH", f"{GALLERIES}/{gallery}", json=body)


def delete(who: Browser, gallery: str) -> Answer:
    return who.send("DELETE", f"{GALLERIES}/{gallery}")


def hang(who: Browser, gallery: str, title: str = "A picture", **more: Any) -> str:
    answer = who.post(f"{GALLERIES}/{gallery}/pictures", {**HUNG, "title": title, **more})
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def repaint(who: Browser, gallery: str, picture: str, **body: Any) -> Answer:
    return who.send("PATCH", f"{GALLERIES}/{gallery}/pictures/{picture}", json=body)


def take_down(who: Browser, gallery: str, picture: str) -> Answer:
    return who.send("DELETE", f"{GALLERIES}/{gallery}/pictures/{picture}")


def pages(who: Browser, path: str) -> Iterator[Any]:
    """All pages of a list."""
    mark, cursor = "&" if "?" in path else "?", ""
    while cursor is not None:
        answer = who.get(f"{path}{cursor and f'{mark}cursor={cursor}'}")
        assert answer.status_code == 200, answer.json
        yield answer.json["items"]
        cursor = answer.json["next"]


def items(who: Browser, path: str) -> list[Any]:
    return list(itertools.chain.from_iterable(pages(who, path)))


def titles(who: Browser, gallery: str) -> list[str]:
    """What hangs there for a visitor."""
    return [one["title"] for one in items(who, f"/v1/galleries/{gallery}/pictures")]


def many(site: Site, gallery: str, number: int, hidden: range = range(0)) -> None:
    """So many pictures at once."""
    catalogue, table = site.module("foyer.storage.catalogue"), site.module("foyer.storage.table")
    picture = site.module("foyer.rules.galleries").Picture
    hung = [
        catalogue.put_picture(picture(f"p{n:03d}", gallery, f"P {n}", "/p.svg", hidden=n in hidden))
        for n in range(number)
    ]
    for start in range(0, number, 50):
        table.write(*hung[start : start + 50])


def sell(site: Site, gallery: str, *ids: str, active: bool = True) -> None:
    """Products of the gallery, as they are listed while it is as it is."""
    catalogue, table = site.module("foyer.storage.catalogue"), site.module("foyer.storage.table")
    keys, product = site.module("foyer.storage.keys"), site.module("foyer.rules.carts").Product
    key = keys.gallery(gallery)
    of = catalogue.gallery(table.read([key], consistent=True)[key])
    for id_ in ids:
        made = product(id_, f"Print {id_}", "print", 900, gallery, of_picture=True, active=active)
        made = replace(made, path=PATHS[STUDIO], made_at=site.now(), version=1)
        table.write(catalogue.put_product(made, of), catalogue.list_product_for_studio(made))


def on_sale(visitor: Browser, product: str) -> bool:
    return product in {one["id"] for one in items(visitor, "/v1/products?limit=100")}


def of_gallery(visitor: Browser, gallery: str) -> list[str] | None:
    answer = visitor.get(f"/v1/products?gallery_id={gallery}")
    return None if answer.status_code == 404 else [one["id"] for one in answer.json["items"]]


# ---- galleries -----------------------------------------------------------------------------------


def test_a9_a_new_gallery_is_for_the_invited_alone_unless_something_else_is_said(
    ana: Browser, browser: Browser
) -> None:
    answer = ana.post(GALLERIES, {"title": "Portraits"})
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    made = answer.json
    assert made == {
        "id": made["id"],
        "title": "Portraits",
        "studio": "Studio Ana",
        "organization_id": STUDIO,
        "visibility": "private",
        "access": "login",
        "has_password": False,
        "expires_at": None,
        "transfers": "strict",
        "everybody": {"enter": False, "download": "none"},
        "selection_quota": None,
        "cover": None,
        "created_at": "2026-11-22T08:00:10Z",
        "leaving": False,
        "version": 1,
    }
    seen = ana.get(f"{GALLERIES}/{made['id']}")
    assert (seen.json, seen.headers["ETag"]) == (made, '"1"')
    assert ana.get(GALLERIES).json["items"][0] == made
    assert refused(browser.get(f"/v1/galleries/{made['id']}")) == (404, "not_found")
    assert made["id"] not in {one["id"] for one in browser.get("/v1/galleries").json["items"]}


def test_a9_all_of_it_may_be_said_at_once(site: Site, ana: Browser, browser: Browser) -> None:
    said_of_it = {
        "visibility": "public",
        "access": "public",
        "organization_id": STUDIO,
        "expires_at": "2026-12-01T12:00:00+01:00",
        "transfers": "approve",
        "everybody": {"enter": True, "download": "web"},
        "selection_quota": 300,
        "cover": "https://pictures.example.com/cover.jpg?w=800",
    }
    made = make(ana, "Portraits", **said_of_it)
    expected = said_of_it | {"expires_at": "2026-12-01T11:00:00Z"}
    assert {name: made[name] for name in expected} == expected
    shown = browser.get(f"/v1/galleries/{made['id']}").json
    assert (shown["door"], shown["rights"]) == ("open", {"enter": True, "download": "web"})
    assert (shown["selection_quota"], shown["cover"]) == (300, said_of_it["cover"])
    assert browser.get("/v1/galleries").json["items"][0] == shown


@pytest.mark.parametrize(
    ("access", "enter"), [("login", False), ("password", True), ("public", True)]
)
def test_a10_what_everybody_may_do_follows_from_the_kind_of_door(
    ana: Browser, access: str, enter: bool
) -> None:
    made = make(ana, access=access, password="pelican bay")
    assert made["everybody"] == {"enter": enter, "download": "none"}
    assert made["has_password"] is (access == "password")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/title"),
        ({"title": ""}, "#/title"),
        ({"title": "x" * 101}, "#/title"),
        ({"title": "Look at evil.example"}, "#/title"),
        ({"title": "two\nlines"}, "#/title"),
        ({"visibility": "secret"}, "#/visibility"),
        ({"access": "link"}, "#/access"),
        ({"access": "password"}, "#/password"),
        ({"access": "password", "password": "short"}, "#/password"),
        ({"access": "password", "password": "x" * 101}, "#/password"),
        ({"expires_at": "tomorrow"}, "#/expires_at"),
        ({"expires_at": "2026-12-01T12:00:00"}, "#/expires_at"),
        ({"expires_at": 1795334400}, "#/expires_at"),
        ({"transfers": "open"}, "#/transfers"),
        ({"everybody": {"download": "all"}}, "#/everybody/download"),
        ({"everybody": {"enter": "yes"}}, "#/everybody/enter"),
        ({"selection_quota": 0}, "#/selection_quota"),
        ({"selection_quota": 301}, "#/selection_quota"),
        ({"selection_quota": "9"}, "#/selection_quota"),
        ({"cover": "http://pictures.example.com/a.jpg"}, "#/cover"),
        ({"id": "mine"}, "#/id"),
    ],
)
def test_what_makes_no_sense_of_a_gallery_is_refused_and_nothing_made(
    site: Site, ana: Browser, body: dict[str, Any], pointer: str
) -> None:
    before = site.cloud.rows()
    title = {} if body == {} else {"title": "A"}
    answer = ana.post(GALLERIES, {**title, **body})
    assert refused(answer) == (422, "invalid_input")
    assert pointer in {error["pointer"] for error in answer.json["errors"]}
    if "title" not in pointer and pointer != "#/id":
        answer = change(ana, "coast", **body)
        assert refused(answer) == (422, "invalid_input")
        assert pointer in {error["pointer"] for error in answer.json["errors"]}
    assert site.cloud.rows() == before


def test_h14_a_gallery_is_made_where_its_maker_works_and_nowhere_else(
    site: Site, ana: Browser
) -> None:
    before = site.cloud.rows()
    for place in (HOTEL, "root", "nowhere"):
        answer = ana.post(GALLERIES, {"title": "A", "organization_id": place})
        assert refused(answer) == (404, "not_found")
    assert site.cloud.rows() == before
    boss = administrator(site).browser
    assert make(boss, organization_id=HOTEL)["studio"] == "Hotel Miramar"
    assert make(boss, organization_id=STUDIO)["organization_id"] == STUDIO


def test_what_is_not_sent_stays_and_what_is_sent_as_null_is_cleared(ana: Browser) -> None:
    made = make(
        ana,
        expires_at="2027-01-01T00:00:00Z",
        selection_quota=5,
        cover="/cover.jpg",
        transfers="approve",
    )
    same = change(ana, made["id"])
    assert (same.status_code, same.json) == (200, made)
    assert change(ana, made["id"], title="Portraits").json["version"] == 1  # it is called so
    answer = change(ana, made["id"], title="Faces")
    assert answer.json == made | {"title": "Faces", "version": 2}
    assert answer.headers["ETag"] == '"2"'
    answer = change(ana, made["id"], expires_at=None, selection_quota=None, cover=None)
    cleared = {"expires_at": None, "selection_quota": None, "cover": None, "version": 3}
    assert answer.json == made | {"title": "Faces"} | cleared
    answer = change(ana, made["id"], title=None, visibility=None, transfers=None, access=None)
    assert answer.json["version"] == 3  # those have no "none"
    assert ana.get(f"{GALLERIES}/{made['id']}").json == answer.json


def test_lost_updates_are_refused_where_if_match_says_so(ana: Browser) -> None:
    path = f"{GALLERIES}/coast"
    tag = ana.get(path).headers["ETag"]
    assert tag == '"1"'

    def title(text: str, tag: str) -> Answer:
        return ana.send("PATCH", path, json={"title": text}, headers={"If-Match": tag})

    assert title("Sea", tag).headers["ETag"] == '"2"'
    for stale in (tag, 'W/"2"', '"x"'):
        assert refused(title("Sand", stale)) == (412, "version_mismatch")
    assert ana.get(path).json["title"] == "Sea"
    assert title("Sand", "*").json["title"] == "Sand"


def test_a9_two_changes_at_once_are_both_made(site: Site, ana: Browser) -> None:
    one, two = ana.twin(), ana.twin()
    flows = [
        lambda: change(one, "coast", title="Sea"),
        lambda: change(two, "coast", selection_quota=7),
    ]
    for answers in orders(site, flows, SCHEDULES):
        assert [answer.status_code for answer in answers] == [200, 200]
        now = ana.get(f"{GALLERIES}/coast").json
        assert (now["title"], now["selection_quota"], now["version"]) == ("Sea", 7, 3)


def test_r51_the_same_key_makes_one_gallery_and_hangs_one_picture(ana: Browser) -> None:
    first = ana.post(GALLERIES, {"title": "A"}, Idempotency_Key=KEY)
    change(ana, first.json["id"], title="B")
    again = ana.post(GALLERIES, {"title": "A"}, Idempotency_Key=KEY)
    assert (again.status_code, again.json["id"]) == (201, first.json["id"])
    assert again.json["title"] == "B"  # as it is now
    other = ana.post(GALLERIES, {"title": "C"}, Idempotency_Key=KEY)
    assert refused(other) == (422, "idempotency_key_reused")
    assert len(items(ana, GALLERIES)) == 5
    path = f"{GALLERIES}/{first.json['id']}/pictures"
    hung = [ana.post(path, HUNG, Idempotency_Key=KEY) for _ in range(2)]
    assert [answer.status_code for answer in hung] == [201, 201]
    assert hung[0].json == hung[1].json
    other = ana.post(path, HUNG | {"title": "B"}, Idempotency_Key=KEY)
    assert refused(other) == (422, "idempotency_key_reused")
    assert len(items(ana, path)) == 1
    elsewhere = ana.post(f"{GALLERIES}/coast/pictures", HUNG, Idempotency_Key=KEY)
    assert elsewhere.status_code == 201  # another route
    delete(ana, first.json["id"])
    gone = ana.post(GALLERIES, {"title": "A"}, Idempotency_Key=KEY)
    assert refused(gone) == (404, "not_found")


def test_r51_two_at_once_under_one_key_make_one_gallery(site: Site, ana: Browser) -> None:
    one, two = ana.twin(), ana.twin()
    flows = [
        lambda: one.post(GALLERIES, {"title": "A"}, Idempotency_Key=KEY),
        lambda: two.post(GALLERIES, {"title": "A"}, Idempotency_Key=KEY),
    ]
    for answers in orders(site, flows, SCHEDULES):
        statuses = sorted(said(answer) for answer in answers)
        assert statuses in ([(201, ""), (201, "")], [(201, ""), (503, "busy")])
        assert len(items(ana, GALLERIES)) == 5


# ---- the door ------------------------------------------------------------------------------------


def test_p10_another_password_closes_every_pass_and_the_old_one_is_none(
    ana: Browser, browser: Browser
) -> None:
    door = f"/v1/galleries/{PARTY}/door"
    assert browser.post(door, {"password": PARTY_PASSWORD}).status_code == 204
    assert is_in(browser, PARTY)
    answer = change(ana, PARTY, password="pelican bay")
    assert (answer.status_code, answer.json["version"]) == (200, 2)
    assert not is_in(browser, PARTY)
    assert refused(browser.post(door, {"password": PARTY_PASSWORD})) == (401, "wrong_password")
    assert browser.post(door, {"password": " Pelican  Bay"}).status_code == 204
    assert is_in(browser, PARTY)
    # said again it is another one: whoever has a pass types it again
    assert change(ana, PARTY, password="pelican bay").json["version"] == 3
    assert not is_in(browser, PARTY)


def test_p10_another_kind_of_door_closes_every_pass_and_forgets_the_password(
    site: Site, ana: Browser, browser: Browser
) -> None:
    door = f"/v1/galleries/{PARTY}/door"
    browser.post(door, {"password": PARTY_PASSWORD})
    answer = change(ana, PARTY, access="login")
    assert (answer.json["has_password"], answer.json["everybody"]["enter"]) == (False, False)
    assert answer.json["everybody"]["download"] == "web"  # nothing was said of it
    assert refused(browser.get(f"/v1/galleries/{PARTY}/pictures")) == (401, "sign_in")
    assert refused(browser.post(door, {"password": PARTY_PASSWORD})) == (404, "not_found")
    before = site.cloud.rows()
    answer = change(ana, PARTY, access="password")
    assert refused(answer) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == "#/password"
    assert site.cloud.rows() == before
    answer = change(ana, PARTY, access="password", password=PARTY_PASSWORD)
    assert (answer.json["has_password"], answer.json["everybody"]["enter"]) == (True, True)
    assert not is_in(browser, PARTY)  # an old pass is none
    assert browser.post(door, {"password": PARTY_PASSWORD}).status_code == 204
    assert change(ana, PARTY, access="public").json["everybody"]["enter"] is True
    assert is_in(Browser(browser.gateway), PARTY)


def test_a_password_said_of_a_gallery_without_a_password_door_is_none(ana: Browser) -> None:
    answer = change(ana, "coast", password="pelican bay")
    assert (answer.json["has_password"], answer.json["version"]) == (False, 1)


def test_r1_a_gallerys_password_is_told_by_nothing(site: Site, ana: Browser) -> None:
    made = make(ana, access="password", password="pelican bay")
    assert "pelican" not in str(ana.get(f"{GALLERIES}/{made['id']}").json)
    assert "pelican" not in str(site.cloud.rows())


def test_a10_a_gallery_for_every_client(site: Site, ana: Browser, browser: Browser) -> None:
    made = make(ana, visibility="unlisted", access="login")
    client = plant(site, "mona").browser
    assert refused(client.get(f"/v1/galleries/{made['id']}/pictures")) == (403, "not_invited")
    change(ana, made["id"], everybody={"enter": True, "download": "original"})
    assert is_in(client, made["id"])
    assert client.get(f"/v1/galleries/{made['id']}").json["rights"]["download"] == "original"
    assert refused(browser.get(f"/v1/galleries/{made['id']}/pictures")) == (401, "sign_in")


# ---- lists that follow the door ------------------------------------------------------------------


def test_a9_a_gallerys_products_are_listed_where_its_door_lets_them_be_seen(
    site: Site, ana: Browser, browser: Browser
) -> None:
    id_ = make(ana, visibility="public", access="public")["id"]
    sell(site, id_, "one", "two")
    sell(site, id_, "retired", active=False)
    assert on_sale(browser, "one")
    assert on_sale(browser, "two")
    for wish, is_listed, inside in (
        ({"visibility": "unlisted"}, False, ["one", "two"]),
        ({"visibility": "private"}, False, None),
        ({"visibility": "public"}, True, ["one", "two"]),
        ({"access": "password", "password": "pelican bay"}, False, None),
        ({"access": "login"}, False, None),
        ({"access": "public"}, True, ["one", "two"]),
    ):
        assert change(ana, id_, **wish).status_code == 200
        assert on_sale(browser, "one") is on_sale(browser, "two") is is_listed, wish
        assert of_gallery(browser, id_) == inside, wish
        assert not on_sale(browser, "retired")


def test_a15_when_a_gallery_ends_follows_it_into_the_lists(
    site: Site, ana: Browser, browser: Browser
) -> None:
    id_ = make(ana, visibility="public", access="public")["id"]
    sell(site, id_, "one")
    change(ana, id_, expires_at="2026-11-22T08:10:00Z")
    site.advance(589)
    assert on_sale(browser, "one")
    site.advance(1)
    assert not on_sale(browser, "one")
    assert refused(browser.get(f"/v1/galleries/{id_}")) == (404, "not_found")
    assert id_ in {one["id"] for one in items(ana, GALLERIES)}  # to its photographer it is there
    change(ana, id_, expires_at="2026-11-22T08:20:00Z")
    assert on_sale(browser, "one")
    site.advance(600)
    assert not on_sale(browser, "one")
    change(ana, id_, expires_at=None)
    assert on_sale(browser, "one")
    assert of_gallery(browser, id_) == ["one"]


def test_a_gallery_with_too_many_products_keeps_its_door(site: Site, ana: Browser) -> None:
    id_ = make(ana, visibility="public", access="public")["id"]
    sell(site, id_, *(f"number-{n}" for n in range(41)))
    before = site.cloud.rows()
    assert refused(change(ana, id_, visibility="private")) == (409, "too_many_products")
    assert site.cloud.rows() == before
    assert change(ana, id_, title="Other").status_code == 200
    assert delete(ana, id_).status_code == 204
    assert not on_sale(ana, "number-7")


# ---- which there are -----------------------------------------------------------------------------


def test_galleries_are_listed_the_newest_first_page_by_page(site: Site, ana: Browser) -> None:
    made = []
    for number in range(3):
        site.advance(10)
        made.append(make(ana, f"Number {number}")["id"])
    expected = [*reversed(made), WEDDING, PARTY, "hills", "coast"]
    assert [one["id"] for one in items(ana, GALLERIES)] == expected
    for limit in (1, 2, 3, 7):
        found = list(pages(ana, f"{GALLERIES}?limit={limit}"))
        assert [one["id"] for page in found for one in page] == expected
        assert all(len(page) == limit for page in found[:-1])


def test_g7_everybody_sees_the_galleries_he_looks_after(site: Site, ana: Browser) -> None:
    boss = administrator(site).browser
    foreign = photographer(site, "paul", HOTEL).browser
    hotels = make(foreign, "Rooms")["id"]
    own = [WEDDING, PARTY, "hills", "coast"]
    assert [one["id"] for one in items(ana, GALLERIES)] == own
    assert [one["id"] for one in items(foreign, GALLERIES)] == [hotels]
    for limit in (1, 2, 4, 5, 100):
        found = [one["id"] for one in items(boss, f"{GALLERIES}?limit={limit}")]
        assert sorted(found) == sorted([hotels, *own])
    only = items(boss, f"{GALLERIES}?organization_id={HOTEL}")
    assert [one["id"] for one in only] == [hotels]
    for place in (HOTEL, "nowhere"):
        answer = ana.get(f"{GALLERIES}?organization_id={place}")
        assert refused(answer) == (404, "not_found")


def test_a21_a_cursor_is_its_owners_and_its_lists(site: Site, ana: Browser) -> None:
    other = photographer(site, "berta").browser
    for path, elsewhere in (
        (GALLERIES, f"{GALLERIES}/coast/pictures"),
        (f"{GALLERIES}/coast/pictures", f"{GALLERIES}/hills/pictures"),
        ("/v1/galleries/coast/pictures", "/v1/galleries/hills/pictures"),
        ("/v1/galleries", "/v1/galleries/coast/pictures"),
    ):
        cursor = ana.get(f"{path}?limit=1").json["next"]
        assert ana.get(f"{path}?limit=1&cursor={cursor}").status_code == 200
        strangers = [] if path == "/v1/galleries" else [other.get(f"{path}?cursor={cursor}")]
        for answer in (
            *strangers,
            ana.get(f"{elsewhere}?cursor={cursor}"),
            ana.get(f"{path}?cursor=x{cursor}"),
            ana.get(f"{path}?cursor=x"),
        ):
            assert refused(answer) == (422, "invalid_cursor")
        assert refused(ana.get(f"{path}?limit=0")) == (422, "invalid_input")
        assert refused(ana.get(f"{path}?limit=101")) == (422, "invalid_input")


# ---- pictures ------------------------------------------------------------------------------------


def test_pictures_are_shown_in_the_order_they_were_hung(
    site: Site, ana: Browser, browser: Browser
) -> None:
    id_ = make(ana, visibility="public", access="public")["id"]
    wanted = []
    for number in range(12):
        wanted.append(f"Number {number}")
        hang(ana, id_, wanted[-1])
        if number % 4 == 3:
            site.advance(1)
    assert titles(browser, id_) == wanted
    assert [p["title"] for p in items(ana, f"{GALLERIES}/{id_}/pictures?limit=5")] == wanted
    assert [p["title"] for p in items(browser, f"/v1/galleries/{id_}/pictures?limit=5")] == wanted


def test_a_picture_is_what_was_said_of_it(ana: Browser, browser: Browser) -> None:
    body = {
        "title": "Léa – “yes”",
        "src": "https://pictures.example.com/a.jpg?w=800#top",
        "products": ["print-30x45", "coast-poster", "print-30x45"],
    }
    answer = ana.post(f"{GALLERIES}/coast/pictures", body)
    picture = answer.json
    products = ["print-30x45", "coast-poster"]
    assert picture == {**body, "id": picture["id"], "products": products, "hidden": False}
    (shown,) = [
        one for one in items(browser, "/v1/galleries/coast/pictures") if one["id"] == picture["id"]
    ]
    assert shown == {name: picture[name] for name in ("id", "title", "src", "products")}
    answer = repaint(ana, "coast", picture["id"], products=[], title="Léa")
    assert answer.json == picture | {"products": [], "title": "Léa"}
    assert repaint(ana, "coast", picture["id"]).json == answer.json
    answer = repaint(ana, "coast", picture["id"], title=None, src=None, products=None, hidden=None)
    assert (answer.status_code, answer.json["title"]) == (200, "Léa")
    bought = {**PRINT, "picture_id": "low-tide"}
    assert browser.add(bought).status_code == 201


GOOD = [
    "/a.jpg",
    "/_dev/pictures/low-tide.svg",
    "https://pictures.example.com/a.jpg",
    "https://pictures.example.com:8443/a%20b.jpg?w=1&h=2",
]
BAD = [
    "",
    "a.jpg",
    "http://pictures.example.com/a.jpg",
    "HTTP://pictures.example.com/a.jpg",
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://",
    "data:image/svg+xml,x",
    "//pictures.example.com/a.jpg",
    "/\\pictures.example.com/a.jpg",
    "\\\\pictures.example.com/a.jpg",
    "https:\\\\pictures.example.com/a.jpg",
    "https:/pictures.example.com/a.jpg",
    "https:pictures.example.com",
    "https://",
    "https:///a.jpg",
    "https://me@pictures.example.com/a.jpg",
    "https://me:pw@pictures.example.com/a.jpg",
    "https://@pictures.example.com/a.jpg",
    "/a b.jpg",
    " /a.jpg",
    "/a.jpg ",
    "/a\n.jpg",
    "/\t/pictures.example.com/a.jpg",
    "https://pictures.example.com/a.jpg\r\n",
    "https://pictures.éxample.com/a.jpg",
    "/é.jpg",
    '/a".jpg',
    "/<script>.jpg",
    "https://[::1/a.jpg",
    "https://pictures.example.com:port/a.jpg",
    "/" + "a" * 500,
    7,
    None,
]


@pytest.mark.parametrize("src", GOOD)
def test_a_picture_lies_under_https_or_on_this_site(
    ana: Browser, browser: Browser, src: str
) -> None:
    hang(ana, "coast", "New", src=src)
    assert src in {p["src"] for p in items(browser, "/v1/galleries/coast/pictures")}


@pytest.mark.parametrize("src", BAD, ids=lambda src: repr(src)[:30])
def test_r43_a_picture_lies_nowhere_else(site: Site, ana: Browser, src: Any) -> None:
    before = site.cloud.rows()
    answer = ana.post(f"{GALLERIES}/coast/pictures", {"title": "A", "src": src})
    assert refused(answer) == (422, "invalid_input")
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/src"]
    if src is not None:  # there it says nothing
        assert refused(repaint(ana, "coast", "low-tide", src=src)) == (422, "invalid_input")
        assert refused(change(ana, "coast", cover=src)) == (422, "invalid_input")
    assert site.cloud.rows() == before


def test_a_picture_is_offered_only_as_what_can_be_made_of_it_here(site: Site, ana: Browser) -> None:
    before = site.cloud.rows()
    for products in (["no-such-thing"], ["print-30x45", "coast-poster", "x"], ["coast-poster"]):
        gallery = "hills" if products == ["coast-poster"] else "coast"
        for answer in (
            ana.post(f"{GALLERIES}/{gallery}/pictures", {**HUNG, "products": products}),
            repaint(
                ana, gallery, "pine-ridge" if gallery == "hills" else "low-tide", products=products
            ),
        ):
            assert refused(answer) == (422, "unknown_product")
            assert answer.json["errors"][0]["pointer"] == "#/products"
    too_many = [f"product-{n}" for n in range(21)]
    answer = ana.post(f"{GALLERIES}/coast/pictures", {**HUNG, "products": too_many})
    assert refused(answer) == (422, "invalid_input")
    assert site.cloud.rows() == before


def test_a11_a_hidden_picture_is_nowhere_to_visitors(ana: Browser, browser: Browser) -> None:
    keep = f"/v1/selections/{UNNAMED}/pictures/coast/low-tide"
    browser.add(PRINT)
    browser.send("PUT", keep)
    assert "Low tide" in titles(browser, "coast")
    assert repaint(ana, "coast", "low-tide", hidden=True).json["hidden"] is True
    other = Browser(browser.gateway, address="192.0.2.9")
    for visitor in (browser, other):
        assert "Low tide" not in titles(visitor, "coast")
        assert refused(visitor.add(PRINT)) == (404, "not_found")
        assert refused(visitor.send("PUT", keep)) == (404, "not_found")
    (line,) = browser.cart()["lines"]
    assert (line["available"], line["unit_price"]) == (False, None)
    (kept,) = browser.get(f"/v1/selections/{UNNAMED}").json["pictures"]
    assert (kept["available"], kept["title"], kept["src"]) == (False, None, None)
    shown = {p["id"]: p["hidden"] for p in items(ana, f"{GALLERIES}/coast/pictures")}
    assert shown["low-tide"] is True
    assert shown["north-pier"] is False
    repaint(ana, "coast", "low-tide", hidden=False)
    assert "Low tide" in titles(browser, "coast")
    assert browser.cart()["lines"][0]["available"]


@pytest.mark.parametrize(
    "hidden",
    [range(25), range(3, 28), range(1, 30, 2), range(10, 30), range(2, 3), range(0, 30, 3)],
)
def test_a11_pages_stay_full_however_many_pictures_are_hidden(
    site: Site, ana: Browser, browser: Browser, hidden: range
) -> None:
    id_ = make(ana, visibility="public", access="public")["id"]
    many(site, id_, 30, hidden)
    wanted = [f"P {n}" for n in range(30) if n not in hidden]
    found = list(pages(browser, f"/v1/galleries/{id_}/pictures?limit=5"))
    assert [p["title"] for page in found for p in page] == wanted
    assert all(len(page) == 5 for page in found[: len(wanted) // 5])
    assert browser.cost()["calls"] <= 7


def test_a_gallery_of_hidden_pictures_is_empty_and_its_pages_end(
    site: Site, ana: Browser, browser: Browser
) -> None:
    id_ = make(ana, visibility="public", access="public")["id"]
    many(site, id_, 60, range(60))
    assert items(browser, f"/v1/galleries/{id_}/pictures?limit=2") == []


def test_a_picture_is_taken_down_once_and_for_good(
    site: Site, ana: Browser, browser: Browser
) -> None:
    browser.add(PRINT)
    before = len(titles(browser, "coast"))
    for _ in range(2):
        assert take_down(ana, "coast", "low-tide").status_code == 204
        assert len(titles(browser, "coast")) == before - 1
    assert browser.cart()["lines"][0]["available"] is False
    assert refused(repaint(ana, "coast", "low-tide", title="B")) == (404, "not_found")
    assert site.cloud.row("GALLERY#coast", "GALLERY#PICTURE#low-tide") is None


def test_r38_pictures_of_another_studio_are_not_there(site: Site, ana: Browser) -> None:
    foreign = photographer(site, "paul", HOTEL).browser
    before = site.cloud.rows()
    answers = [
        answer
        for gallery in ("coast", "no-such-gallery")
        for answer in (
            foreign.get(f"{GALLERIES}/{gallery}"),
            change(foreign, gallery, title="Mine"),
            foreign.get(f"{GALLERIES}/{gallery}/pictures"),
            foreign.post(f"{GALLERIES}/{gallery}/pictures", HUNG),
            repaint(foreign, gallery, "low-tide", hidden=True),
            take_down(foreign, gallery, "low-tide"),
            delete(foreign, gallery),
        )
    ]
    bodies = [{**answer.json, "instance": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "not_found"
    assert site.cloud.rows() == before


# ---- taking a gallery away -----------------------------------------------------------------------


class Full:
    """A gallery with 60 pictures, a product, guests who came by invitation, one who was invited
    only, one who asks to be let in, and a selection that was sent."""

    def __init__(self, site: Site, ana: Browser) -> None:
        self.site, self.ana = site, ana
        self.id = make(ana, "Full", visibility="public", access="login", transfers="approve")["id"]
        many(site, self.id, 60)
        sell(site, self.id, "full-print")
        self.clients = [plant(site, name) for name in ("lea", "tom", "kim")]
        for client in self.clients:
            invited(ana, client.email, self.id, key=f"inviting-{client.email}")
            token = client.browser.token(client.email)
            assert accept(client.browser, token, None).status_code == 200
        invited(ana, "nina@example.com", self.id)
        self.token = ana.token("nina@example.com")
        self.lea = self.clients[0].browser
        self.keep = f"/v1/selections/{UNNAMED}/pictures/{self.id}/p000"
        assert self.lea.send("PUT", self.keep).status_code == 204
        assert self.lea.post(f"/v1/selections/{UNNAMED}/submit", {}).status_code == 200
        self.stranger = Browser(ana.gateway, address="192.0.2.44")
        asking = {"email": "otto@example.com"}
        answer = self.stranger.post(f"/v1/galleries/{self.id}/access-requests", asking)
        assert answer.status_code == 202
        assert len(self.rows()) == 60 + 1 + 1 + 1 + 4 + 1 + 1
        assert len(self.pointers()) == 3

    def rows(self) -> set[str]:
        """The sort keys of what stands under it."""
        return {
            row["sk"]["S"]
            for row in self.site.cloud.rows()
            if row["pk"]["S"] == f"GALLERY#{self.id}"
        }

    def pointers(self) -> set[str]:
        sk = f"GRANT#{self.id}"
        return {row["pk"]["S"] for row in self.site.cloud.rows() if row["sk"]["S"] == sk}

    def is_found_by_nobody(self) -> None:
        path = f"/v1/galleries/{self.id}"
        for visitor in (self.stranger, self.lea):
            assert refused(visitor.get(path)) == (404, "not_found")
            assert refused(visitor.get(f"{path}/pictures")) == (404, "not_found")
            assert self.id not in str(visitor.get("/v1/galleries").json)
            assert refused(visitor.send("PUT", self.keep)) == (404, "not_found")
            assert of_gallery(visitor, self.id) is None
        assert not on_sale(self.lea, "full-print")
        assert self.lea.get("/v1/account/galleries").json["items"] == []
        (kept,) = self.lea.get(f"/v1/selections/{UNNAMED}").json["pictures"]
        assert not kept["available"]
        assert preview(self.stranger, self.token)["next"] == "ask_again"
        for answer in (
            self.ana.get(f"{GALLERIES}/{self.id}"),
            self.ana.get(f"{GALLERIES}/{self.id}/pictures"),
            self.ana.get(f"{GALLERIES}/{self.id}/invitations"),
            self.ana.post(f"{GALLERIES}/{self.id}/pictures", HUNG),
            change(self.ana, self.id, title="Back"),
        ):
            assert refused(answer) == (404, "not_found")
        # to its photographer alone, as long as there is something to go on with
        leaving = {one["id"] for one in items(self.ana, GALLERIES) if one["leaving"]}
        assert leaving == ({self.id} if "GALLERY" in self.rows() else set())

    def is_gone(self) -> None:
        self.is_found_by_nobody()
        assert self.rows() == set()
        assert self.pointers() == set()


@pytest.fixture
def full(site: Site, ana: Browser) -> Full:
    return Full(site, ana)


def test_a_gallery_is_taken_away_with_all_that_is_in_it(full: Full) -> None:
    assert said(delete(full.ana, full.id)) == (204, "")
    full.is_gone()
    assert refused(delete(full.ana, full.id)) == (404, "not_found")


@pytest.mark.parametrize("access", ["public", "password"])
def test_the_products_of_a_gallery_that_was_taken_away_are_sold_nowhere(
    site: Site, ana: Browser, browser: Browser, access: str
) -> None:
    id_ = make(ana, visibility="public", access=access, password="pelican bay")["id"]
    sell(site, id_, "one")
    assert on_sale(browser, "one") is (access == "public")
    assert delete(ana, id_).status_code == 204
    assert not on_sale(browser, "one")
    assert of_gallery(browser, id_) is None


def test_where_time_runs_out_nobody_finds_it_and_the_same_request_goes_on(
    full: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own row goes last: what is left of it can always be found, and taken away."""
    turns = itertools.count()
    asked = full.site.module("foyer.web.request").Request
    monkeypatch.setattr(asked, "time_is_left", lambda _: next(turns) % 2 == 0)
    left = [len(full.rows())]
    while True:
        answer = delete(full.ana, full.id)
        left.append(len(full.rows()))
        full.is_found_by_nobody()
        if answer.status_code == 204:
            break
        assert (answer.status_code, answer.json) == (202, {"remaining": True})
        assert left[-1] < left[-2]
        assert "GALLERY" in full.rows()
        assert len(left) < 20
    assert left[-1] == 0
    full.is_gone()


def test_wherever_taking_it_away_is_cut_off_asking_again_ends_it(full: Full) -> None:
    cloud, again = full.site.cloud, settled(full.site)
    calls = calls_of(cloud, lambda: delete(full.ana, full.id))
    assert calls < 45
    for at in range(calls):
        again()
        cloud.intercept = Fault(killed_after, at)
        with pytest.raises(Killed):
            delete(full.ana, full.id)
        cloud.intercept = None
        rest = full.rows()
        if rest:
            assert "GALLERY" in rest, "what is in it goes first"
            assert said(delete(full.ana, full.id)) == (204, "")
        assert full.rows() == full.pointers() == set()
    full.is_gone()


def test_nothing_is_hung_in_a_gallery_while_it_is_taken_away(site: Site, ana: Browser) -> None:
    id_ = make(ana, visibility="public", access="public")["id"]
    hang(ana, id_)
    one, two = ana.twin(), ana.twin()
    flows = [
        lambda: two.post(f"{GALLERIES}/{id_}/pictures", HUNG),
        lambda: delete(one, id_),
    ]
    for hanging, deleting in orders(site, flows, SCHEDULES):
        assert deleting.status_code == 204
        assert said(hanging) in {(201, ""), (404, "not_found"), (503, "busy")}
        assert not [r for r in site.cloud.rows() if r["pk"]["S"] == f"GALLERY#{id_}"]


def test_nobody_enters_for_good_while_a_gallery_is_taken_away(site: Site, ana: Browser) -> None:
    id_ = make(ana)["id"]
    lea = plant(site, "lea")
    invited(ana, lea.email, id_)
    token = lea.browser.token(lea.email)
    flows = [lambda: accept(lea.browser, token, None), lambda: delete(ana, id_)]
    for entering, deleting in orders(site, flows, SCHEDULES):
        assert deleting.status_code == 204
        assert said(entering) in {(200, ""), (410, "link_expired"), (503, "busy")}
        assert not [r for r in site.cloud.rows() if id_ in r["pk"]["S"]]
        assert site.cloud.row(f"USER#{lea.id}", f"GRANT#{id_}") is None
