"""Doors: who gets into which gallery, and what everybody else learns of it (P9, P10, A9, A12)."""

import json
from typing import Any

import pytest

from local.cloud import Send
from local.gateway import Gateway
from local.site import Site
from tests.inviting import (
    FIRST_DANCE,
    PARTY,
    PARTY_PASSWORD,
    UNNAMED,
    WEDDING,
    invite,
    photographer,
    pictures,
)
from tests.people import plant
from tests.visiting import PRINT, VOUCHER, Browser, said

MISSING = "no-such-gallery-at-all"
DOOR = f"/v1/galleries/{PARTY}/door"


def enter(browser: Browser, password: str = PARTY_PASSWORD, gallery: str = PARTY) -> Any:
    return browser.post(f"/v1/galleries/{gallery}/door", {"password": password})


def test_a9_the_public_galleries_are_listed_the_newest_first_with_how_their_doors_stand(
    browser: Browser,
) -> None:
    items = browser.get("/v1/galleries").json["items"]
    assert [(one["id"], one["access"], one["door"]) for one in items] == [
        (PARTY, "password", "password"),
        ("hills", "public", "open"),
        ("coast", "public", "open"),
    ]
    first = browser.get("/v1/galleries?limit=2").json
    rest = browser.get(f"/v1/galleries?limit=2&cursor={first['next']}").json
    assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in items]
    assert rest["next"] is None
    assert browser.cost()["writes"] == 0


# ---- the password --------------------------------------------------------------------------------


def test_p10_whoever_knows_the_password_enters_and_becomes_nobody_by_it(
    site: Site, browser: Browser
) -> None:
    assert said(pictures(browser, PARTY)) == (401, "password")
    before = {row["pk"]["S"].partition("#")[0] for row in site.cloud.rows()}
    users = [r for r in site.cloud.rows() if r["pk"]["S"].startswith("USER#")]
    assert enter(browser).status_code == 204
    assert set(browser.cookies) == {"__Host-door"}
    shown = pictures(browser, PARTY).json["items"]
    assert [one["title"] for one in shown] == ["Lanterns", "The last dance"]
    assert browser.session()["user"]["id"] == "-1002"
    assert {row["pk"]["S"].partition("#")[0] for row in site.cloud.rows()} <= before | {"LIMIT"}
    assert [r for r in site.cloud.rows() if r["pk"]["S"].startswith("USER#")] == users
    seen = browser.get(f"/v1/galleries/{PARTY}").json
    assert (seen["door"], seen["rights"]) == ("open", {"enter": True, "download": "web"})


@pytest.mark.parametrize("typed", ["  open sesame ", "Open Sesame", "0PEN SESAME"])
def test_p10_spaces_and_doubtful_characters_are_forgiven(browser: Browser, typed: str) -> None:
    assert enter(browser, typed).status_code == 204


def test_p10_a_wrong_password_opens_nothing_and_takes_no_pass_away(browser: Browser) -> None:
    assert said(enter(browser, "open barley")) == (401, "wrong_password")
    assert browser.cookies == {}
    enter(browser)
    assert enter(browser, "open barley").status_code == 401
    assert pictures(browser, PARTY).status_code == 200


def test_p10_what_is_inside_can_be_bought_and_kept_with_a_pass_alone(browser: Browser) -> None:
    lantern = {**PRINT, "gallery_id": PARTY, "picture_id": "first-light"}
    path = f"/v1/selections/{UNNAMED}/pictures/{PARTY}/first-light"
    assert said(browser.add(lantern)) == (404, "not_found")
    assert said(browser.send("PUT", path)) == (404, "not_found")
    enter(browser)
    assert browser.add(lantern).status_code == 201
    assert browser.send("PUT", path).status_code == 204
    assert [one["available"] for one in browser.cart()["lines"]] == [True]
    del browser.cookies["__Host-door"]
    (line,) = browser.cart()["lines"]
    assert (line["available"], line["name"]) == (False, "Print 30 × 45 cm")


def test_p10_another_password_closes_every_pass(site: Site, browser: Browser) -> None:
    boss = photographer(site).browser
    enter(browser)
    path = f"/v1/staff/galleries/{PARTY}"
    assert boss.send("PATCH", path, json={"password": "open barley"}).status_code == 200
    assert said(pictures(browser, PARTY)) == (401, "password")
    assert said(enter(browser)) == (401, "wrong_password")
    assert enter(browser, "open barley").status_code == 204
    assert pictures(browser, PARTY).status_code == 200
    # the same word again is another password all the same
    boss.send("PATCH", path, json={"password": "open barley"})
    assert said(pictures(browser, PARTY)) == (401, "password")


def test_p10_a_pass_is_good_for_a_week_and_for_its_gallery(site: Site, browser: Browser) -> None:
    enter(browser)
    site.advance(7 * 86_400 - 1)
    assert pictures(browser, PARTY).status_code == 200
    site.advance(1)
    assert said(pictures(browser, PARTY)) == (401, "password")


@pytest.mark.parametrize("change", ["gallery", "password", "until", "proof", "cut", "junk"])
def test_r11_a_pass_cannot_be_made_or_changed(browser: Browser, change: str) -> None:
    enter(browser)
    gallery, password, until, proof = browser.cookies["__Host-door"].split(".")
    browser.cookies["__Host-door"] = {
        "gallery": f"{WEDDING}.{password}.{until}.{proof}",
        "password": f"{gallery}.other.{until}.{proof}",
        "until": f"{gallery}.{password}.{int(until) + 9}.{proof}",
        "proof": f"{gallery}.{password}.{until}.{proof[::-1]}",
        "cut": f"{gallery}.{password}.{until}",
        "junk": "~".join(["....", "~", "x" * 3000]),
    }[change]
    assert said(pictures(browser, PARTY)) == (401, "password")


def test_p10_twenty_passes_fit_one_cookie_and_the_oldest_gives_way(
    site: Site, browser: Browser
) -> None:
    boss = photographer(site).browser
    ids = []
    for number in range(21):
        form = {"title": f"Party {number}", "visibility": "unlisted", "access": "password"}
        made = boss.post("/v1/staff/galleries", {**form, "password": "open sesame"}).json
        ids.append(made["id"])
    for id_ in ids:
        browser.address = f"192.0.2.{ids.index(id_)}"
        assert enter(browser, gallery=id_).status_code == 204
    assert len(browser.cookies["__Host-door"]) < 3800
    open_ = [id_ for id_ in ids if pictures(browser, id_).status_code == 200]
    assert open_ == ids[1:]


def test_r11_each_source_has_ten_guesses_in_five_minutes(site: Site, browser: Browser) -> None:
    for _ in range(10):
        assert said(enter(browser, "guess again")) == (401, "wrong_password")
    limited = enter(browser)
    assert said(limited) == (429, "too_many_guesses")
    assert int(limited.headers["Retry-After"]) <= 300
    site.advance(300)
    assert enter(browser).status_code == 204


def test_0_12_no_number_of_guesses_closes_the_door_to_everybody(
    site: Site, gateway: Gateway
) -> None:
    """After 100 within the hour each source is left two in five minutes; who holds a pass keeps
    what he has."""
    client = Browser(gateway, address="203.0.113.1")
    enter(client)
    for number in range(101):
        Browser(gateway, address=f"10.0.{number}.1").post(DOOR, {"password": "guess again"})
    robot = Browser(gateway, address="10.1.0.1")
    assert [enter(robot, "guess again").status_code for _ in range(4)] == [401, 401, 429, 429]
    assert enter(Browser(gateway, address="10.2.0.1")).status_code == 204
    assert [enter(client, "guess again").status_code for _ in range(9)] == [401] * 9
    assert pictures(client, PARTY).status_code == 200


def test_r8_guesses_are_counted_before_they_are_compared(site: Site, browser: Browser) -> None:
    calls: list[str] = []

    def noted(operation: str, _: Any, send: Send) -> Any:
        calls.append(operation)
        return send()

    site.cloud.intercept = noted
    enter(browser, "guess again")
    site.cloud.intercept = None
    assert calls == ["BatchGetItem", "UpdateItem", "UpdateItem"]


# ---- what is not there for everybody -------------------------------------------------------------


def routes(gallery: str, picture: str = "after-rain") -> list[tuple[str, str, Any]]:
    """Every route that names a gallery or a picture, as somebody who tries would use it."""
    there = {**FIRST_DANCE, "gallery_id": gallery, "picture_id": picture}
    return [
        ("GET", f"/v1/galleries/{gallery}", None),
        ("GET", f"/v1/galleries/{gallery}/pictures", None),
        ("GET", f"/v1/products?gallery_id={gallery}", None),
        ("POST", f"/v1/galleries/{gallery}/door", {"password": "open sesame"}),
        ("POST", f"/v1/galleries/{gallery}/access-requests", {"email": "x@example.com"}),
        ("POST", "/v1/cart/lines", there),
        ("PUT", f"/v1/selections/{UNNAMED}/pictures/{gallery}/{picture}", None),
    ]


def answer(browser: Browser, method: str, path: str, body: Any) -> tuple[int, str, list[str]]:
    """All of an answer but its number."""
    got = browser.send(method, path, json=body)
    text = json.dumps({**got.json, "instance": ""}, sort_keys=True)
    headers = [f"{k}: {v}" for k, v in got.headers if k not in {"X-Request-Id", "Date"}]
    return got.status_code, text, sorted(headers)


def strangers(site: Site, gateway: Gateway) -> dict[str, Browser]:
    guest = Browser(gateway, address="192.0.2.21")
    guest.add(VOUCHER)
    passed = Browser(gateway, address="192.0.2.22")
    enter(passed)
    csr = ("customer_service_representative", "studio-ana")
    return {
        "generic": Browser(gateway, address="192.0.2.20"),
        "guest": guest,
        "with a pass": passed,
        "client": plant(site, "client").browser,
        "csr": plant(site, "csr", role=csr, org="studio-ana").browser,
    }


def test_a_private_gallery_answers_byte_for_byte_like_one_that_does_not_exist(
    site: Site, gateway: Gateway
) -> None:
    site.module("local.seed").invite(site.now())
    for browser in strangers(site, gateway).values():
        pairs = zip(routes(WEDDING), routes(MISSING), strict=True)
        for (method, path, body), (_, other, nothing) in pairs:
            browser.cookies.pop("__Host-foyer", None) if "selections" in path else None
            private = answer(browser, method, path, body)
            missing = answer(browser, method, other, nothing)
            assert private == missing, path
            assert private[0] == 404
        for path in (f"/galleries/{WEDDING}", f"/galleries/{WEDDING}?after=after-rain"):
            page = browser.get(path).text
            assert browser.get(path).status_code == 404
            assert "Léa" not in page


def test_a_hidden_picture_answers_like_one_that_does_not_exist(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    boss = photographer(site).browser
    path = "/v1/staff/galleries/coast/pictures/low-tide"
    assert boss.send("PATCH", path, json={"hidden": True}).status_code == 200
    for picture in ("low-tide", "no-such-picture"):
        for method, where, body in routes("coast", picture)[-2:]:
            assert answer(browser, method, where, body)[0] == 404
    hidden, missing = (
        [answer(browser, *route) for route in routes("coast", picture)[-2:]]
        for picture in ("low-tide", "no-such-picture")
    )
    assert hidden == missing
    assert "low-tide" not in pictures(browser, "coast").text
    assert "low-tide" not in browser.get("/galleries/coast").text


def test_a15_a_gallery_that_is_over_is_there_for_nobody(site: Site, browser: Browser) -> None:
    boss = photographer(site).browser
    until = {"expires_at": "2026-11-22T09:00:00+01:00"}
    assert boss.send("PATCH", "/v1/staff/galleries/coast", json=until).status_code == 200
    assert [one["id"] for one in browser.get("/v1/galleries").json["items"]] == [PARTY, "hills"]
    for route in routes("coast", "low-tide"):
        assert answer(browser, *route)[0] == 404
    assert boss.get("/v1/staff/galleries/coast").json["expires_at"] == "2026-11-22T08:00:00Z"


# ---- behind a sign-in ----------------------------------------------------------------------------


def club(boss: Browser, **more: Any) -> str:
    form = {"title": "The club", "visibility": "unlisted", "access": "login", **more}
    return str(boss.post("/v1/staff/galleries", form).json["id"])


def test_p9_a_gallery_for_clients_asks_who_is_nobody_to_sign_in_and_lets_clients_in(
    site: Site, gateway: Gateway
) -> None:
    boss = photographer(site).browser
    id_ = club(boss, everybody={"enter": True, "download": "web"})
    nobody, guest = Browser(gateway), Browser(gateway, address="192.0.2.5")
    guest.add(VOUCHER)
    for browser in (nobody, guest):
        assert browser.get(f"/v1/galleries/{id_}").json["door"] == "sign_in"
        assert said(pictures(browser, id_)) == (401, "sign_in")
    guest.register("nina@example.com")
    seen = guest.get(f"/v1/galleries/{id_}").json
    assert (seen["door"], seen["rights"]["download"]) == ("open", "web")


def test_a9_a_gallery_for_the_invited_tells_other_clients_so(site: Site, gateway: Gateway) -> None:
    boss, client = photographer(site).browser, plant(site, "client")
    id_ = club(boss)
    assert said(pictures(Browser(gateway), id_)) == (401, "sign_in")
    assert said(pictures(client.browser, id_)) == (403, "not_invited")
    invite(boss, client.email, gallery=id_)
    assert pictures(client.browser, id_).status_code == 200


def test_0_14_who_is_only_remembered_is_nobody_at_a_door_and_keeps_his_cart(
    site: Site, gateway: Gateway
) -> None:
    boss = photographer(site).browser
    nina = Browser(gateway).register("nina@example.com")
    nina.sign_in("nina@example.com", remember=True)
    invite(boss, "nina@example.com")
    assert nina.add(FIRST_DANCE).status_code == 201
    site.advance(7200)
    assert nina.session()["authentication"] == "remembered"
    assert said(pictures(nina)) == (404, "not_found")
    assert [line["available"] for line in nina.cart()["lines"]] == [True]


def test_a10_the_row_that_names_somebody_wins_over_everybodys(site: Site) -> None:
    boss, client = photographer(site).browser, plant(site, "client")
    id_ = club(boss, everybody={"enter": True, "download": "web"})
    invite(boss, client.email, gallery=id_, rights={"download": "original"})
    path = f"/v1/galleries/{id_}"
    assert client.browser.get(path).json["rights"] == {"enter": True, "download": "original"}
    board = f"/v1/staff/galleries/{id_}/invitations"
    (item,) = boss.get(board).json["items"]
    barred = boss.send("PATCH", f"{board}/{item['id']}", json={"enter": False})
    assert barred.json["rights"] == {"enter": False, "download": "none"}
    assert said(pictures(client.browser, id_)) == (403, "not_invited")
    assert pictures(plant(site, "another").browser, id_).status_code == 200


# ---- asking to be let in -------------------------------------------------------------------------


def test_a12_who_asks_to_be_let_in_reaches_the_photographer_in_one_mail(
    site: Site, gateway: Gateway
) -> None:
    boss = photographer(site)
    path = f"/v1/galleries/{PARTY}/access-requests"
    for number in range(3):
        asked = {"email": f"friend{number}@example.com", "message": "It is me, from the party"}
        answer = Browser(gateway, address=f"192.0.2.{number}").post(path, asked)
        assert (answer.status_code, answer.json) == (202, {"code": "asked"})
    site.advance(900)
    (mail,) = boss.browser.mails(boss.email)
    assert "The summer party" in mail["text"]
    assert "friend" not in mail["text"]
    listed = boss.browser.get(f"/v1/staff/galleries/{PARTY}/access-requests").json["items"]
    assert {one["address"] for one in listed} == {f"friend{n}@example.com" for n in range(3)}
    assert listed[0]["message"] == "It is me, from the party"
    invite(boss.browser, "friend1@example.com", gallery=PARTY)
    gone = f"/v1/staff/galleries/{PARTY}/access-requests"
    left = boss.browser.get(gone).json["items"]
    assert len(left) == 2
    assert boss.browser.send("DELETE", f"{gone}/{left[0]['id']}").status_code == 204
    assert len(boss.browser.get(gone).json["items"]) == 1


def test_a12_asking_is_limited_by_source_and_carries_no_links(site: Site, browser: Browser) -> None:
    path = f"/v1/galleries/{PARTY}/access-requests"
    bad = browser.post(path, {"email": "a@example.com", "message": "see www.evil.example"})
    assert bad.json["errors"][0]["code"] == "no_links"
    for number in range(10):
        answer = browser.post(path, {"email": f"a{number}@example.com"})
        assert answer.status_code == 202
    limited = browser.post(path, {"email": "b@example.com"})
    assert said(limited) == (429, "too_many_requests")
    assert limited.headers["Retry-After"]


def test_p9_who_has_no_account_signs_up_at_the_door_and_is_in_the_gallery_after_it(
    site: Site, gateway: Gateway
) -> None:
    boss, nina = photographer(site).browser, Browser(gateway)
    id_ = club(boss, everybody={"enter": True, "download": "none"})
    door = nina.get(f"/galleries/{id_}").text
    assert f"/sign-up?gallery_id={id_}" in door
    assert f'name="gallery_id" value="{id_}"' in nina.get(f"/sign-up?gallery_id={id_}").text
    form = {"email": "nina@example.com", "name": "Nina", "terms": "yes", "gallery_id": id_}
    assert nina.submit("/sign-up", **form).status_code == 200
    answer = nina.submit("/activate", token=nina.token("nina@example.com"))
    assert answer.headers["Location"] == f"/galleries/{id_}?done=activated"
    assert "The club" in nina.get(answer.headers["Location"]).text
    assert pictures(nina, id_).status_code == 200


def test_p9_a_gallery_named_at_sign_up_is_where_one_goes_and_nothing_one_gets(
    site: Site, browser: Browser
) -> None:
    browser.sign_up("nina@example.com", gallery_id=WEDDING)
    done = browser.activate(browser.token("nina@example.com")).json
    assert (done["status"], done["gallery_id"]) == ("approved", WEDDING)
    assert said(pictures(browser)) == (404, "not_found")


def test_0_16_what_waits_reaches_who_may_do_something_about_it_and_waits_where_nobody_may(
    site: Site, gateway: Gateway
) -> None:
    """Two studios in one quarter of an hour: one has photographers, the other has none yet."""
    ana, boss = photographer(site), plant(site, "boss", role=("site_administrator", "root"))
    form = {"title": "The lobby", "visibility": "unlisted", "organization_id": "hotel-miramar"}
    lobby = boss.browser.post("/v1/staff/galleries", form).json["id"]
    for gallery in (PARTY, lobby):
        path = f"/v1/galleries/{gallery}/access-requests"
        assert Browser(gateway).post(path, {"email": "x@example.com"}).status_code == 202
    site.advance(900)
    assert "The summer party" in ana.browser.mails(ana.email)[0]["text"]
    assert "The lobby" not in ana.browser.mails(ana.email)[0]["text"]
    (mail,) = [m for m in boss.browser.mails(boss.email) if "let in" in m["text"]]
    assert "The lobby" in mail["text"]
    assert "The summer party" not in mail["text"]


def test_r38_the_work_for_a_private_gallery_is_that_for_a_missing_one(
    site: Site, gateway: Gateway
) -> None:
    for browser in strangers(site, gateway).values():
        for private, missing in zip(routes(WEDDING)[:2], routes(MISSING)[:2], strict=True):
            costs = []
            for method, path, body in (private, missing):
                browser.send(method, path, json=body)
                costs.append((browser.cost()["calls"], browser.cost()["reads"]))
            assert costs[0] == costs[1], private
