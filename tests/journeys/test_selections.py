"""Selections: a guest has one, a client many; shown to others and sent to the photographer, and
nobody sees more by one than he may (P8, P11, A17, mission 0.12)."""

from collections.abc import Callable
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.conftest import SCHEDULES
from tests.inviting import PARTY, PARTY_PASSWORD, UNNAMED, WEDDING, invited, photographer
from tests.journeys.test_limits import MOST, spend
from tests.journeys.test_registration import refused, require_approval
from tests.people import HOTEL, STUDIO, Person, plant
from tests.visiting import VOUCHER, Answer, Browser, orders, said

TIDE, LIGHT, PIER, DUSK = (
    f"coast/{name}" for name in ("low-tide", "first-light", "north-pier", "harbour-at-dusk")
)
RINGS = f"{WEDDING}/winter-field"
NINA = "nina@example.com"
QUARTER = 900
KEPT = (204, "")


@pytest.fixture
def ana(site: Site) -> Person:
    """The photographer of the studio; the demo's own is told of nothing else."""
    return photographer(site)


@pytest.fixture
def client(site: Site) -> Browser:
    return plant(site, "mona").browser


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="198.51.100.200")


def keep(browser: Browser, picture: str, selection: str = UNNAMED, **headers: str) -> Answer:
    path = f"/v1/selections/{selection}/pictures/{picture}"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.send("PUT", path, headers=names)


def drop(browser: Browser, picture: str, selection: str = UNNAMED, **headers: str) -> Answer:
    path = f"/v1/selections/{selection}/pictures/{picture}"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.send("DELETE", path, headers=names)


def see(browser: Browser, selection: str = UNNAMED) -> Any:
    answer = browser.get(f"/v1/selections/{selection}")
    assert answer.status_code == 200, answer.json
    return answer.json


def kept(browser: Browser, selection: str = UNNAMED) -> set[str]:
    return {f"{p['gallery_id']}/{p['picture_id']}" for p in see(browser, selection)["pictures"]}


def new(browser: Browser, name: str | None, **headers: str) -> Answer:
    return browser.post("/v1/selections", {} if name is None else {"name": name}, **headers)


def named(browser: Browser, name: str) -> str:
    answer = new(browser, name)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def share(browser: Browser, selection: str = UNNAMED) -> str:
    answer = browser.send("POST", f"/v1/selections/{selection}/share")
    assert answer.status_code == 200, answer.json
    url, _, token = answer.json["url"].partition("#t=")
    assert url == "http://localhost:8000/shared-selection"
    return str(token)


def look(browser: Browser, token: str) -> Answer:
    return browser.post("/v1/selections/shared", {"token": token})


def submit(browser: Browser, selection: str = UNNAMED, **body: str) -> Answer:
    return browser.post(f"/v1/selections/{selection}/submit", body)


def received(ana: Person, gallery: str = "coast") -> list[Any]:
    answer = ana.browser.get(f"/v1/staff/galleries/{gallery}/selections")
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def hide(ana: Person, picture: str, *, hidden: bool = True) -> None:
    gallery, _, id_ = picture.partition("/")
    path = f"/v1/staff/galleries/{gallery}/pictures/{id_}"
    assert ana.browser.send("PATCH", path, json={"hidden": hidden}).status_code == 200


def allow(ana: Person, quota: int, gallery: str = "coast") -> None:
    path = f"/v1/staff/galleries/{gallery}"
    answer = ana.browser.send("PATCH", path, json={"selection_quota": quota})
    assert answer.json["selection_quota"] == quota


def rows_of(site: Site, user_id: str) -> dict[str, Any]:
    """The selections of somebody, as they are stored."""
    return {
        row["sk"]["S"].removeprefix("SELECTION#"): row
        for row in site.cloud.rows()
        if row["pk"]["S"] == f"USER#{user_id}" and row["sk"]["S"].startswith("SELECTION#")
    }


def users(site: Site) -> set[str]:
    return {row["pk"]["S"] for row in site.cloud.rows() if row["sk"]["S"] == "USER"}


# ---- a guest's one -------------------------------------------------------------------------------


def test_p8_looking_at_selections_makes_nobody_and_nothing(site: Site, browser: Browser) -> None:
    before = site.cloud.rows()
    answer = browser.get("/v1/selections")
    assert answer.json == {"items": [], "next": None}
    assert "Set-Cookie" not in answer.headers
    assert browser.cost()["calls"] == 0
    assert refused(browser.get(f"/v1/selections/{UNNAMED}")) == (404, "not_found")
    assert browser.cost()["calls"] == 0
    assert site.cloud.rows() == before


def test_p8_the_first_picture_makes_the_guest_and_his_selection(
    site: Site, browser: Browser
) -> None:
    before = users(site)
    answer = keep(browser, TIDE)
    assert said(answer) == KEPT
    assert browser.cookies["__Host-foyer"].startswith("g.")
    assert users(site) - before == {f"USER#{browser.who()}"}
    session = browser.session()
    assert (session["authentication"], session["user"]["registration_type"]) == ("guest", "G")
    assert browser.get("/v1/selections").json["items"] == [
        {
            "id": UNNAMED,
            "name": None,
            "picture_count": 1,
            "shared": False,
            "submitted_at": None,
            "version": 1,
        }
    ]
    assert see(browser)["pictures"] == [
        {
            "gallery_id": "coast",
            "picture_id": "low-tide",
            "gallery": "The coast, early and late",
            "title": "Low tide",
            "src": "/_dev/pictures/low-tide.svg",
            "available": True,
        }
    ]


def test_p8_a_guest_who_keeps_pictures_is_read_at_once_and_written_to_by_nothing_he_looks_at(
    site: Site, browser: Browser
) -> None:
    keep(browser, TIDE)
    assert browser.cost()["calls"] == 3  # what is there; how many guests come from here; both rows
    keep(browser, LIGHT)
    assert browser.cost()["calls"] == 2
    before = site.cloud.rows()
    for path in ("/v1/selections", f"/v1/selections/{UNNAMED}"):
        assert browser.get(path).status_code == 200
        assert (browser.cost()["calls"], browser.cost()["writes"]) == (2, 0)
    assert site.cloud.rows() == before


def test_p8_asking_for_a_selection_makes_it_once_and_a_guests_has_no_name(
    site: Site, browser: Browser
) -> None:
    first = new(browser, "For the hall")
    assert (first.status_code, first.json["id"], first.json["name"]) == (201, UNNAMED, None)
    assert first.headers["ETag"] == '"1"'
    keep(browser, TIDE)
    again = new(browser, "For the stairs")
    assert (again.status_code, again.json["id"], again.json["name"]) == (201, UNNAMED, None)
    assert again.json["picture_count"] == 1
    assert set(rows_of(site, browser.who())) == {UNNAMED}
    answer = browser.send("PATCH", f"/v1/selections/{UNNAMED}", json={"name": "Mine"})
    assert refused(answer) == (422, "invalid_input")


def test_a_refused_first_picture_makes_no_guest(site: Site, browser: Browser) -> None:
    before = site.cloud.rows()
    for picture in ("coast/no-such", "nowhere/low-tide", RINGS, f"{PARTY}/first-light"):
        answer = keep(browser, picture)
        assert refused(answer) == (404, "not_found")
        assert "Set-Cookie" not in answer.headers
    assert refused(keep(browser, TIDE, "another-selection")) == (404, "not_found")
    assert refused(keep(browser, TIDE, If_Match='"1"')) == (412, "version_mismatch")
    for answer in (drop(browser, TIDE), submit(browser), browser.send("DELETE", PATH)):
        assert refused(answer) == (404, "not_found")
    assert site.cloud.rows() == before


PATH = f"/v1/selections/{UNNAMED}"


def test_the_601st_guest_of_an_hour_waits_here_as_well(site: Site, browser: Browser) -> None:
    spend(site, browser, MOST)
    for answer in (keep(browser, TIDE), new(browser, None)):
        assert refused(answer) == (429, "too_many_guests")
        assert "Set-Cookie" not in answer.headers


def test_what_a_dead_guest_keeps_is_refused_and_makes_no_other(
    site: Site, browser: Browser, client: Browser
) -> None:
    keep(browser, TIDE)
    tab = browser.twin()
    browser.sign_in("mona@example.com")
    before = site.cloud.rows()
    for answer in (keep(tab, LIGHT), drop(tab, TIDE), new(tab, None), submit(tab)):
        assert refused(answer)[0] in {404, 409}
    assert refused(keep(tab, LIGHT)) == (409, "session_changed")
    assert refused(drop(tab, TIDE)) == (409, "session_changed")
    assert refused(new(tab, None)) == (409, "session_changed")
    assert site.cloud.rows() == before


# ---- what is in it -------------------------------------------------------------------------------


def test_p8_keeping_twice_is_once_and_so_is_letting_go(site: Site, browser: Browser) -> None:
    for _ in range(2):
        assert said(keep(browser, TIDE)) == KEPT
        assert see(browser)["version"] == 1
    keep(browser, PIER)
    for _ in range(2):
        assert said(drop(browser, TIDE)) == KEPT
        assert (kept(browser), see(browser)["version"]) == ({PIER}, 3)
    assert said(drop(browser, "coast/no-such")) == KEPT
    assert said(drop(browser, PIER)) == KEPT
    assert (see(browser)["pictures"], see(browser)["version"]) == ([], 4)
    assert said(keep(browser, PIER)) == KEPT
    assert (kept(browser), see(browser)["version"]) == ({PIER}, 5)


def test_r38_a_picture_one_may_not_see_is_the_same_404_as_a_missing_one(
    site: Site, ana: Person, browser: Browser, client: Browser, other: Browser
) -> None:
    hide(ana, DUSK)
    over = ana.browser.post("/v1/staff/galleries", {"title": "Over", "access": "login"}).json["id"]
    hung = {"title": "A", "src": "/a.svg"}
    picture = ana.browser.post(f"/v1/staff/galleries/{over}/pictures", hung).json["id"]
    keep(browser, TIDE)  # a guest
    for visitor in (browser, client, other):
        answers = [
            keep(visitor, where)
            for where in (
                "coast/nothing",
                "nowhere/nothing",
                RINGS,
                f"{WEDDING}/nothing",
                f"{PARTY}/first-light",
                f"{over}/{picture}",
                DUSK,
            )
        ]
        bodies = [{**answer.json, "instance": ""} for answer in answers]
        assert all(body == bodies[0] for body in bodies)
        assert bodies[0]["status"] == 404
        headers = [dict(answer.headers) | {"X-Request-Id": "", "Date": ""} for answer in answers]
        assert all(one == headers[0] for one in headers)


def test_p10_whoever_has_the_password_may_keep_what_is_behind_the_door(browser: Browser) -> None:
    door = browser.post(f"/v1/galleries/{PARTY}/door", {"password": PARTY_PASSWORD})
    assert door.status_code == 204
    assert said(keep(browser, f"{PARTY}/first-light")) == KEPT
    assert see(browser)["pictures"][0]["available"]
    del browser.cookies["__Host-door"]
    (closed,) = see(browser)["pictures"]
    assert (closed["available"], closed["title"], closed["src"]) == (False, None, None)
    assert closed["gallery"] is None


def test_p11_an_invited_client_keeps_what_he_was_invited_to(ana: Person, client: Browser) -> None:
    assert refused(keep(client, RINGS)) == (404, "not_found")
    invited(ana.browser, "mona@example.com")
    assert said(keep(client, RINGS)) == KEPT
    assert see(client)["pictures"][0]["title"] == "Two rings"


def test_what_went_away_stays_and_is_not_available(ana: Person, browser: Browser) -> None:
    for picture in (TIDE, LIGHT, PIER):
        keep(browser, picture)
    hide(ana, TIDE)
    ana.browser.send("DELETE", "/v1/staff/galleries/coast/pictures/first-light")
    shown = {p["picture_id"]: p for p in see(browser)["pictures"]}
    assert {id_: p["available"] for id_, p in shown.items()} == {
        "low-tide": False,
        "first-light": False,
        "north-pier": True,
    }
    for gone in ("low-tide", "first-light"):
        assert (shown[gone]["title"], shown[gone]["src"]) == (None, None)
    assert said(keep(browser, TIDE)) == (404, "not_found")
    assert said(drop(browser, TIDE)) == KEPT
    assert kept(browser) == {LIGHT, PIER}


def test_a17_a_full_selection_takes_no_more(site: Site, browser: Browser) -> None:
    keep(browser, TIDE)
    rules, storage = site.module("foyer.rules.selections"), site.module("foyer.storage.selections")
    before = storage.from_item(stored(site, browser))
    more = frozenset(rules.Kept("coast", f"p{number}") for number in range(299))
    full = site.module("dataclasses").replace(before, pictures=before.pictures | more)
    site.module("foyer.storage.table").write(storage.put(browser.who(), full, before))
    assert refused(keep(browser, PIER)) == (409, "selection_full")
    assert said(keep(browser, TIDE)) == KEPT
    assert see(browser)["picture_count"] == 300
    drop(browser, "coast/p0")
    assert said(keep(browser, PIER)) == KEPT


def stored(site: Site, browser: Browser) -> Any:
    keys, table = site.module("foyer.storage.keys"), site.module("foyer.storage.table")
    key = keys.selection(browser.who(), UNNAMED)
    return table.read([key], consistent=True)[key]


# ---- the photographer's quota --------------------------------------------------------------------


def test_a17_a_photographers_quota_is_kept_by_the_server_for_each_visitor(
    ana: Person, browser: Browser, client: Browser
) -> None:
    allow(ana, 2)
    assert browser.get("/v1/galleries/coast").json["selection_quota"] == 2
    for visitor in (browser, client):
        assert said(keep(visitor, TIDE)) == said(keep(visitor, LIGHT)) == KEPT
        answer = keep(visitor, PIER)
        assert refused(answer) == (409, "selection_quota")
        assert answer.json["quota"] == 2
        assert said(keep(visitor, TIDE)) == KEPT  # it is there
        assert said(keep(visitor, "hills/pine-ridge")) == KEPT  # another gallery
        drop(visitor, LIGHT)
        assert said(keep(visitor, PIER)) == KEPT
        assert kept(visitor) == {TIDE, PIER, "hills/pine-ridge"}


def test_a17_a_quota_that_shrinks_takes_nothing_away(ana: Person, browser: Browser) -> None:
    for picture in (TIDE, LIGHT, PIER):
        keep(browser, picture)
    allow(ana, 1)
    assert kept(browser) == {TIDE, LIGHT, PIER}
    assert refused(keep(browser, DUSK)) == (409, "selection_quota")


def test_a17_of_two_at_the_limit_one_is_turned_away(
    site: Site, ana: Person, browser: Browser
) -> None:
    allow(ana, 2)
    keep(browser, TIDE)
    one, two = browser.twin(), browser.twin()
    flows = [lambda: keep(one, LIGHT), lambda: keep(two, PIER)]
    for answers in orders(site, flows, SCHEDULES):
        assert sorted(map(said, answers)) == [KEPT, (409, "selection_quota")]
        assert len(kept(browser)) == 2
        assert TIDE in kept(browser)


# ---- at once, and versions -----------------------------------------------------------------------


@pytest.mark.parametrize("begun", [(), (TIDE,)])
def test_p11_what_is_kept_and_let_go_at_once_loses_nothing(
    site: Site, browser: Browser, begun: tuple[str, ...]
) -> None:
    """The first picture of all among them: the guest is there, his selection is not."""
    browser.add(VOUCHER)
    for picture in begun:
        keep(browser, picture)
    one, two = browser.twin(), browser.twin()
    for answers in orders(site, [lambda: keep(one, LIGHT), lambda: keep(two, PIER)], SCHEDULES):
        assert list(map(said, answers)) == [KEPT, KEPT]
        assert kept(browser) == {LIGHT, PIER, *begun}
        assert see(browser)["version"] == len(begun) + 2
    flows = [lambda: drop(one, LIGHT), lambda: keep(two, DUSK)]
    for answers in orders(site, flows, SCHEDULES):
        assert list(map(said, answers)) == [KEPT, KEPT]
        assert kept(browser) == {PIER, DUSK, *begun}


def test_p8_two_tabs_that_ask_for_a_selection_have_one(site: Site, browser: Browser) -> None:
    browser.add(VOUCHER)
    one, two = browser.twin(), browser.twin()
    for answers in orders(site, [lambda: new(one, None), lambda: keep(two, PIER)], SCHEDULES):
        assert [answer.status_code for answer in answers] == [201, 204]
        assert set(rows_of(site, browser.who())) == {UNNAMED}
        assert kept(browser) == {PIER}


def test_lost_updates_are_refused_where_if_match_says_so(browser: Browser, client: Browser) -> None:
    keep(browser, TIDE)
    assert browser.get(PATH).headers["ETag"] == '"1"'
    assert said(keep(browser, LIGHT, If_Match='"1"')) == KEPT
    for tag in ('"1"', 'W/"2"', '"nonsense"'):
        assert refused(keep(browser, PIER, If_Match=tag)) == (412, "version_mismatch")
        assert refused(drop(browser, TIDE, If_Match=tag)) == (412, "version_mismatch")
    assert (kept(browser), see(browser)["version"]) == ({TIDE, LIGHT}, 2)
    assert said(drop(browser, TIDE, If_Match='"1", "2"')) == KEPT
    assert said(keep(browser, PIER, If_Match="*")) == KEPT
    hall = named(client, "Hall")
    path = f"/v1/selections/{hall}"
    headers = {"If-Match": '"1"'}
    answer = client.send("PATCH", path, json={"name": "Stairs"}, headers=headers)
    assert (answer.json["name"], answer.json["version"]) == ("Stairs", 2)
    assert answer.headers["ETag"] == '"2"'
    answer = client.send("PATCH", path, json={"name": "Attic"}, headers=headers)
    assert refused(answer) == (412, "version_mismatch")
    assert see(client, hall)["name"] == "Stairs"


# ---- a client's many -----------------------------------------------------------------------------


def test_p11_a_client_has_many_and_they_are_kept_apart_by_their_names(client: Browser) -> None:
    hall, album = named(client, "Hall"), named(client, "Album")
    keep(client, TIDE, hall)
    keep(client, TIDE, album)
    keep(client, PIER, album)
    keep(client, DUSK)
    items = client.get("/v1/selections").json["items"]
    assert {(i["name"], i["picture_count"]) for i in items} == {
        ("Hall", 1),
        ("Album", 2),
        (None, 1),
    }
    assert kept(client, album) == {TIDE, PIER}
    drop(client, TIDE, album)
    assert (kept(client, hall), kept(client, album)) == ({TIDE}, {PIER})
    client.send("PATCH", f"/v1/selections/{album}", json={"name": "Wedding album"})
    assert see(client, album)["name"] == "Wedding album"
    for _ in range(2):
        assert client.send("DELETE", f"/v1/selections/{hall}").status_code == 204
        assert refused(client.get(f"/v1/selections/{hall}")) == (404, "not_found")
    assert {i["id"] for i in client.get("/v1/selections").json["items"]} == {album, UNNAMED}
    assert refused(keep(client, TIDE, hall)) == (404, "not_found")


def test_p11_a_client_may_have_an_unnamed_one_too(client: Browser) -> None:
    for _ in range(2):
        answer = new(client, None)
        assert (answer.status_code, answer.json["id"]) == (201, UNNAMED)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "two\nlines", "\u202eback", 7, ["a"]])
def test_a_name_is_one_line_of_text(client: Browser, name: Any) -> None:
    before = client.get("/v1/selections").json
    assert refused(client.post("/v1/selections", {"name": name})) == (422, "invalid_input")
    assert client.get("/v1/selections").json == before


def test_p11_many_selections_are_listed_page_by_page_and_a_cursor_is_its_owners(
    site: Site, client: Browser
) -> None:
    made = {named(client, f"Number {number}") for number in range(5)}
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/selections?limit=2{cursor and '&cursor=' + cursor}").json
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert len(seen) == 5
    assert set(seen) == made
    cursor = client.get("/v1/selections?limit=2").json["next"]
    stranger = plant(site, "eve").browser
    for answer in (
        stranger.get(f"/v1/selections?limit=2&cursor={cursor}"),
        client.get(f"/v1/selections?limit=2&cursor=x{cursor}"),
        client.get(f"/v1/products?limit=2&cursor={cursor}"),
    ):
        assert refused(answer) == (422, "invalid_cursor")


def test_r51_the_same_key_makes_one_selection(client: Browser) -> None:
    key = "a-key-of-twenty-char"
    first = new(client, "Hall", Idempotency_Key=key)
    keep(client, TIDE, first.json["id"])
    again = new(client, "Hall", Idempotency_Key=key)
    assert (again.status_code, again.json["id"]) == (201, first.json["id"])
    assert again.json["picture_count"] == 1  # as it is now
    other = new(client, "Stairs", Idempotency_Key=key)
    assert refused(other) == (422, "idempotency_key_reused")
    assert len(client.get("/v1/selections").json["items"]) == 1


def test_a_client_makes_fifty_selections_a_day(site: Site, client: Browser) -> None:
    for number in range(50):
        named(client, f"Number {number}")
    answer = new(client, "One more")
    assert refused(answer) == (429, "too_many_selections")
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400
    assert said(keep(client, TIDE)) == KEPT  # the unnamed one is not among them


def test_r38_somebody_elses_selection_is_not_there(
    site: Site, client: Browser, browser: Browser
) -> None:
    hall = named(client, "Hall")
    keep(client, TIDE, hall)
    keep(browser, PIER)
    eve = plant(site, "eve").browser
    before = site.cloud.rows()
    for visitor in (browser, eve):
        path = f"/v1/selections/{hall}"
        answers = [
            visitor.get(path),
            visitor.get("/v1/selections/no-such-selection-0000"),
            visitor.send("PATCH", path, json={"name": "Mine"}),
            keep(visitor, LIGHT, hall),
            drop(visitor, TIDE, hall),
            visitor.send("POST", f"{path}/share"),
            visitor.send("DELETE", f"{path}/share"),
            submit(visitor, hall),
        ]
        bodies = [{**answer.json, "instance": ""} for answer in answers]
        assert all(body == bodies[0] for body in bodies)
        assert bodies[0]["code"] == "not_found"
        assert visitor.send("DELETE", path).status_code == 204  # nothing of his is there
    assert site.cloud.rows() == before
    assert kept(client, hall) == {TIDE}


def test_0_14_who_is_only_remembered_signs_in_again_for_his_selections(
    site: Site, client: Browser, other: Browser
) -> None:
    other.sign_in("mona@example.com", remember=True)
    hall = named(other, "Hall")
    keep(other, TIDE, hall)
    token = share(other, hall)
    site.advance(7200)
    assert other.session()["authentication"] == "remembered"
    before = site.cloud.rows()
    path = f"/v1/selections/{hall}"
    for answer in (
        other.get("/v1/selections"),
        other.get(path),
        other.get(f"/v1/selections/{UNNAMED}"),
        new(other, "Stairs"),
        new(other, None),
        keep(other, LIGHT, hall),
        keep(other, LIGHT),
        drop(other, TIDE, hall),
        other.send("PATCH", path, json={"name": "Stairs"}),
        other.send("DELETE", path),
        other.send("POST", f"{path}/share"),
        other.send("DELETE", f"{path}/share"),
        submit(other, hall),
    ):
        assert refused(answer) == (401, "sign_in_again")
        assert answer.json["next"] == "sign_in"
    assert site.cloud.rows() == before
    assert look(other, token).status_code == 200  # as anybody


# ---- shown to others -----------------------------------------------------------------------------


def test_p11_a_link_shows_a_selection_read_only_and_nothing_of_its_owner(
    site: Site, client: Browser, other: Browser
) -> None:
    hall = named(client, "For the hall")
    keep(client, TIDE, hall)
    keep(client, PIER, hall)
    token = share(client, hall)
    assert see(client, hall)["shared"]
    assert share(client, hall) == token
    before = site.cloud.rows()
    answer = look(other, token)
    assert answer.status_code == 200
    assert set(answer.json) == {"name", "pictures", "closed"}
    assert (answer.json["name"], answer.json["closed"]) == ("For the hall", 0)
    assert answer.json["pictures"] == see(client, hall)["pictures"]
    assert "Set-Cookie" not in answer.headers
    assert "mona" not in str(answer.json).casefold()
    assert client.who() not in str(answer.json)
    assert site.cloud.rows() == before
    # the owner's way in is not the link's
    assert refused(other.get(f"/v1/selections/{hall}")) == (404, "not_found")
    assert refused(keep(other, LIGHT, hall)) == (404, "not_found")


def test_0_12_the_link_shows_each_only_what_he_may_see_himself(
    site: Site, ana: Person, client: Browser, browser: Browser, other: Browser
) -> None:
    invited(ana.browser, "mona@example.com")
    lea = plant(site, "lea")
    invited(ana.browser, lea.email, key="another-key-of-chars")
    for picture in (TIDE, PIER, RINGS):
        keep(client, picture)
    hide(ana, PIER)
    token = share(client)
    browser.add(VOUCHER)
    for stranger in (other, browser, plant(site, "eve").browser):
        shown = look(stranger, token).json
        assert [p["picture_id"] for p in shown["pictures"]] == ["low-tide"]
        assert shown["closed"] == 2
        assert WEDDING not in str(shown)
        assert "north-pier" not in str(shown)
    shown = look(lea.browser, token).json
    assert [p["picture_id"] for p in shown["pictures"]] == ["low-tide", "winter-field"]
    assert shown["closed"] == 1
    # a link opens no gallery
    assert refused(other.get(f"/v1/galleries/{WEDDING}")) == (404, "not_found")
    hide(ana, PIER, hidden=False)
    assert look(other, token).json["closed"] == 1


def test_p11_a_link_taken_back_shows_nothing_and_the_next_is_another(
    client: Browser, other: Browser
) -> None:
    keep(client, TIDE)
    token = share(client)
    for _ in range(2):
        assert client.send("DELETE", f"{PATH}/share").status_code == 204
        answer = look(other, token)
        assert refused(answer) == (410, "link_expired")
        assert answer.json["next"] == "ask_again"
        assert "coast" not in str(answer.json)
    assert not see(client)["shared"]
    fresh = share(client)
    assert fresh != token
    assert look(other, fresh).status_code == 200
    assert refused(look(other, token)) == (410, "link_expired")
    client.send("DELETE", PATH)
    assert refused(look(other, fresh)) == (410, "link_expired")


def test_a_link_that_was_made_up_is_none(site: Site, client: Browser, other: Browser) -> None:
    keep(client, TIDE)
    token = share(client)
    pieces = [token[4:26], token[26:48], token[48:70], token[70:]]
    changes: list[Callable[[list[str]], list[str]]] = [
        lambda p: ["x" * 22, *p[1:]],
        lambda p: [p[0], "x" * 22, *p[2:]],
        lambda p: [*p[:2], "x" * 22, p[3]],
        lambda p: [*p[:3], "x" * 22],
        lambda p: p[:3],
    ]
    forged = ["sel_" + "".join(change(pieces)) for change in changes]
    forged += ["", "x", "inv_" + token[4:], token.upper()]
    for wrong in forged:
        assert refused(look(other, wrong)) in {(404, "link_invalid"), (422, "invalid_input")}
        assert look(other, wrong).status_code == 404 or wrong == ""


def test_p8_a_guest_may_show_his_to_others(browser: Browser, other: Browser) -> None:
    keep(browser, TIDE)
    shown = look(other, share(browser)).json
    assert (shown["name"], len(shown["pictures"])) == (None, 1)


# ---- sent to the photographer --------------------------------------------------------------------


def test_p11_a_submitted_selection_is_its_photographers_and_told_in_one_mail(
    site: Site, ana: Person, client: Browser, browser: Browser
) -> None:
    hall = named(client, "Hall")
    for picture in (TIDE, PIER, "hills/pine-ridge"):
        keep(client, picture, hall)
    answer = submit(client, hall, message="Thank you!\nMona")
    assert answer.status_code == 200
    assert (answer.json["id"], answer.json["submitted_at"]) == (hall, "2026-11-22T08:00:00Z")
    assert answer.headers["ETag"] == f'"{see(client, hall)["version"]}"'
    assert see(client, hall)["submitted_at"] == "2026-11-22T08:00:00Z"
    (item,) = received(ana)
    assert {name: item[name] for name in item if name != "pictures"} == {
        "selection_id": hall,
        "user_id": client.who(),
        "name": "Mona",
        "address": "mona@example.com",
        "message": "Thank you!\nMona",
        "submitted_at": "2026-11-22T08:00:00Z",
    }
    assert [p["id"] for p in item["pictures"]] == ["low-tide", "north-pier"]
    assert [p["id"] for p in received(ana, "hills")[0]["pictures"]] == ["pine-ridge"]
    # a guest sends his as well, under the name he gives
    keep(browser, DUSK)
    assert submit(browser, name="Otto").status_code == 200
    assert {(i["name"], i["address"]) for i in received(ana)} == {
        ("Mona", "mona@example.com"),
        ("Otto", None),
    }
    assert client.mails(ana.email) == []
    site.advance(QUARTER)
    (mail,) = client.mails(ana.email)
    assert "selection" in mail["subject"]
    assert "Hills and weather, The coast, early and late" in " ".join(mail["text"].split())
    assert "mona" not in mail["text"].casefold()
    site.advance(QUARTER)
    assert len(client.mails(ana.email)) == 1
    assert client.mails("admin@studio.example.com") == []  # there are photographers


def test_a_clients_name_is_his_own_whatever_he_says_he_is_called(
    ana: Person, client: Browser
) -> None:
    keep(client, TIDE)
    submit(client, name="Somebody Else")
    assert received(ana)[0]["name"] == "Mona"


def test_a_selection_sent_again_is_as_it_is_now_and_in_one_place(
    site: Site, ana: Person, client: Browser
) -> None:
    keep(client, TIDE)
    submit(client, message="First")
    keep(client, PIER)
    (sent,) = received(ana)
    assert [p["id"] for p in sent["pictures"]] == ["low-tide"]  # as it was then
    site.advance(QUARTER)
    drop(client, TIDE)
    submit(client)
    (sent,) = received(ana)
    assert [p["id"] for p in sent["pictures"]] == ["north-pier"]
    assert (sent["message"], sent["submitted_at"]) == (None, "2026-11-22T08:15:00Z")
    assert len(client.mails(ana.email)) == 1
    site.advance(QUARTER)
    assert len(client.mails(ana.email)) == 2


def test_what_cannot_be_seen_any_more_is_not_sent(site: Site, ana: Person, client: Browser) -> None:
    assert refused(submit(client, named(client, "Empty"))) == (409, "selection_empty")
    keep(client, TIDE)
    keep(client, PIER)
    hide(ana, TIDE)
    submit(client)
    assert [p["id"] for p in received(ana)[0]["pictures"]] == ["north-pier"]
    hide(ana, PIER)
    before = site.cloud.rows()
    assert refused(submit(client)) == (409, "selection_empty")
    assert site.cloud.rows() == before


def test_a_message_leads_nobody_anywhere(client: Browser) -> None:
    keep(client, TIDE)
    for message in ("See https://evil.example", "go to www.evil.example", "evil.example", ""):
        assert refused(submit(client, message=message)) == (422, "invalid_input")
    assert refused(submit(client, name="a\nb")) == (422, "invalid_input")


def test_what_clients_send_is_for_their_photographer_alone(
    site: Site, ana: Person, client: Browser
) -> None:
    keep(client, TIDE)
    submit(client)
    boss = plant(site, "boss", role=("site_administrator", "root"), org="root")
    assert len(received(boss)) == 1
    foreign = photographer(site, "paul", HOTEL).browser
    clerk = plant(site, "clerk", role=("customer_service_supervisor", STUDIO), org=STUDIO).browser
    for stranger in (foreign, clerk, client):
        answer = stranger.get("/v1/staff/galleries/coast/selections")
        assert refused(answer) == (404, "not_found")


def test_what_was_sent_stays_with_the_photographer_when_it_is_deleted(
    ana: Person, client: Browser
) -> None:
    hall = named(client, "Hall")
    keep(client, TIDE, hall)
    submit(client, hall)
    client.send("DELETE", f"/v1/selections/{hall}")
    assert [p["id"] for p in received(ana)[0]["pictures"]] == ["low-tide"]


def test_what_clients_sent_is_listed_page_by_page(
    ana: Person, gateway: Gateway, browser: Browser
) -> None:
    for number in range(3):
        guest = Browser(gateway, address=f"192.0.2.{100 + number}")
        keep(guest, TIDE)
        submit(guest, name=f"Guest {number}")
    path = "/v1/staff/galleries/coast/selections?limit=2"
    first = ana.browser.get(path).json
    second = ana.browser.get(f"{path}&cursor={first['next']}").json
    names = [item["name"] for item in first["items"] + second["items"]]
    assert sorted(names) == ["Guest 0", "Guest 1", "Guest 2"]
    assert second["next"] is None
    other = f"/v1/staff/galleries/hills/selections?limit=2&cursor={first['next']}"
    assert refused(ana.browser.get(other)) == (422, "invalid_cursor")


# ---- carried along -------------------------------------------------------------------------------


def test_h9_a_guest_who_registers_keeps_his_selection_where_it_is(
    site: Site, ana: Person, browser: Browser, other: Browser
) -> None:
    keep(browser, TIDE)
    keep(browser, PIER)
    submit(browser, name="Nina")
    token = share(browser)
    guest, before = browser.who(), rows_of(site, browser.who())
    browser.register(NINA)
    assert browser.who() == guest
    assert rows_of(site, guest) == before
    assert kept(browser) == {TIDE, PIER}
    assert see(browser)["name"] is None
    assert look(other, token).status_code == 200
    hall = named(browser, "Hall")  # and now he may have many
    assert {i["id"] for i in browser.get("/v1/selections").json["items"]} == {hall, UNNAMED}


@pytest.fixture
def nina(gateway: Gateway) -> Browser:
    """A client with two pictures in her unnamed selection, and a named one."""
    browser = Browser(gateway, address="203.0.113.40").register(NINA)
    keep(browser, TIDE)
    keep(browser, LIGHT)
    keep(browser, DUSK, named(browser, "Hall"))
    return browser


MOVED = {"pictures": 2, "before": 2, "after": 3}


def carried_along(site: Site, guest_id: str, answer: Answer, browser: Browser) -> None:
    """Both selections together, the receipt says it, and the guest has none any more."""
    assert answer.status_code == 200, answer.json
    assert answer.json["transfer"] == {"mode": "max", "lines": [], "selection": MOVED}
    assert kept(browser) == {TIDE, LIGHT, PIER}
    assert see(browser)["name"] is None
    assert rows_of(site, guest_id) == {}
    assert len(browser.get("/v1/selections").json["items"]) == 2


def filled(browser: Browser) -> str:
    """A guest with two pictures, one of which Nina has as well."""
    keep(browser, LIGHT)
    keep(browser, PIER)
    return browser.who()


def test_0_7_a_guests_selection_joins_the_accounts_at_sign_in(
    site: Site, nina: Browser, browser: Browser
) -> None:
    guest, lost = filled(browser), browser.twin()
    carried_along(site, guest, browser.sign_in(NINA), browser)
    again = lost.sign_in(NINA)
    carried_along(site, guest, again, lost)
    assert see(lost)["version"] == 3


def test_0_7_and_at_sign_in_by_code(site: Site, nina: Browser, browser: Browser) -> None:
    guest = filled(browser)
    browser.ask_code(NINA)
    carried_along(site, guest, browser.sign_in_by_code(NINA, browser.code(NINA)), browser)


def test_0_7_and_at_a_reset(site: Site, nina: Browser, browser: Browser) -> None:
    guest, lost = filled(browser), browser.twin()
    browser.post("/v1/password-resets", {"email": NINA})
    token = browser.token(NINA)
    carried_along(site, guest, browser.reset(token), browser)
    carried_along(site, guest, lost.reset(token), lost)


@pytest.mark.parametrize("take_over", [True, False])
def test_0_7_and_at_activation_elsewhere_where_it_is_asked_for(
    site: Site, browser: Browser, other: Browser, take_over: bool
) -> None:
    guest = filled(browser)
    browser.sign_up(NINA)
    token = browser.token(NINA)
    lost = other.twin()
    answer = other.elsewhere(token, take_over=take_over)
    again = lost.elsewhere(token, take_over=take_over)
    if not take_over:
        assert answer.json["transfer"] is again.json["transfer"] is None
        assert kept(browser) == {LIGHT, PIER}
        assert other.get("/v1/selections").json["items"] == []
        return
    moved = {"pictures": 2, "before": 0, "after": 2}
    for done, who in ((answer, other), (again, lost)):
        assert done.json["transfer"] == {"mode": "max", "lines": [], "selection": moved}
        assert (kept(who), see(who)["version"]) == ({LIGHT, PIER}, 1)
    assert rows_of(site, guest) == {}


def test_0_7_two_guests_hand_theirs_over_at_once(
    site: Site, browser: Browser, other: Browser
) -> None:
    """The guest of the claim and the one of the browser that redeems it."""
    first = filled(browser)
    browser.sign_up(NINA)
    keep(other, TIDE)
    keep(other, PIER)
    second = other.who()
    answer = other.elsewhere(browser.token(NINA), take_over=True)
    moved = answer.json["transfer"]["selection"]
    assert moved == {"pictures": 3, "before": 0, "after": 3}
    assert kept(other) == {TIDE, LIGHT, PIER}
    assert rows_of(site, first) == rows_of(site, second) == {}


def test_0_7_a_transfer_turns_nothing_away_and_the_next_picture_is(
    ana: Person, nina: Browser, browser: Browser
) -> None:
    allow(ana, 2)
    filled(browser)
    assert browser.sign_in(NINA).json["transfer"]["selection"] == MOVED
    assert kept(browser) == {TIDE, LIGHT, PIER}
    assert refused(keep(browser, DUSK)) == (409, "selection_quota")


def test_0_7_cart_and_selection_are_one_receipt(nina: Browser, browser: Browser) -> None:
    filled(browser)
    browser.add(VOUCHER)
    transfer = browser.sign_in(NINA).json["transfer"]
    assert [line["product_id"] for line in transfer["lines"]] == ["voucher"]
    assert transfer["selection"] == MOVED


def test_0_7_what_is_left_behind_stays_the_guests(
    site: Site, nina: Browser, browser: Browser
) -> None:
    guest = filled(browser)
    browser.add(VOUCHER)
    site.advance(86_400)
    left = browser.twin()
    assert refused(browser.sign_in(NINA)) == (409, "take_over_required")
    assert kept(left) == {LIGHT, PIER}
    assert browser.sign_in(NINA, take_over=False).json["transfer"] is None
    assert kept(browser) == {TIDE, LIGHT}
    assert kept(left) == {LIGHT, PIER}
    assert set(rows_of(site, guest)) == {UNNAMED}


def test_0_7_a_guest_who_waits_for_approval_hands_his_over_and_lives_on(
    site: Site, nina: Browser, browser: Browser
) -> None:
    guest = filled(browser)
    browser.sign_up("otto@example.com")
    require_approval(site)
    answer = browser.activate(browser.token("otto@example.com"))
    assert answer.json["status"] == "pending_approval"
    assert kept(browser) == {LIGHT, PIER}  # as the guest he was
    waiting = browser.twin()
    assert browser.sign_in(NINA).json["transfer"]["selection"] == MOVED
    assert kept(browser) == {TIDE, LIGHT, PIER}
    assert waiting.session()["authentication"] == "guest"
    assert waiting.get("/v1/selections").json["items"] == []
    assert rows_of(site, guest) == {}
    assert said(keep(waiting, DUSK)) == KEPT
    assert kept(waiting) == {DUSK}


def test_0_7_a_password_pass_is_not_handed_over_and_opens_nothing_elsewhere(
    nina: Browser, browser: Browser
) -> None:
    browser.post(f"/v1/galleries/{PARTY}/door", {"password": PARTY_PASSWORD})
    keep(browser, f"{PARTY}/first-light")
    browser.sign_in(NINA)
    seen = {p["gallery_id"]: p["available"] for p in see(nina)["pictures"]}
    assert seen[PARTY] is False
    assert {p["gallery_id"]: p["available"] for p in see(browser)["pictures"]}[PARTY] is True


@pytest.mark.parametrize("begun", [(), (LIGHT,)])
def test_0_7_what_is_kept_while_he_signs_in_is_carried_along_or_refused(
    site: Site, nina: Browser, browser: Browser, begun: tuple[str, ...]
) -> None:
    """Never lost: either the account has it, or its sender is told that he is somebody else now."""
    browser.add(VOUCHER)
    for picture in begun:
        keep(browser, picture)
    guest, tab = browser.who(), browser.twin()
    flows = [lambda: keep(tab, PIER), lambda: browser.sign_in(NINA)]
    seen = set()
    for keeping, entering in orders(site, flows, SCHEDULES):
        assert entering.status_code == 200
        assert said(keeping) in {KEPT, (409, "session_changed")}
        expected = {TIDE, LIGHT} | ({PIER} if said(keeping) == KEPT else set())
        assert kept(browser) == expected
        assert rows_of(site, guest) == {}
        seen.add(said(keeping))
    assert len(seen) == 2


def test_h9_what_is_kept_while_he_registers_is_his(site: Site, browser: Browser) -> None:
    keep(browser, TIDE)
    browser.sign_up(NINA)
    token, tab = browser.token(NINA), browser.twin()
    flows = [lambda: keep(tab, PIER), lambda: browser.activate(token)]
    for keeping, entering in orders(site, flows, SCHEDULES):
        assert entering.status_code == 200
        assert said(keeping) in {KEPT, (409, "session_changed")}
        assert kept(browser) == {TIDE} | ({PIER} if said(keeping) == KEPT else set())


# ---- gone ----------------------------------------------------------------------------------------


def test_p8_a_deleted_selection_is_gone_and_begins_anew(site: Site, browser: Browser) -> None:
    keep(browser, TIDE)
    for _ in range(2):
        assert browser.send("DELETE", PATH).status_code == 204
        assert refused(browser.get(PATH)) == (404, "not_found")
        assert rows_of(site, browser.who()) == {}
    assert browser.get("/v1/selections").json["items"] == []
    assert said(keep(browser, PIER)) == KEPT
    assert kept(browser) == {PIER}


def test_a_selection_deleted_while_a_picture_is_kept_is_there_whole_or_not_at_all(
    site: Site, client: Browser
) -> None:
    hall = named(client, "Hall")
    keep(client, TIDE, hall)
    one, two = client.twin(), client.twin()
    flows = [
        lambda: keep(one, PIER, hall),
        lambda: two.send("DELETE", f"/v1/selections/{hall}"),
    ]
    for keeping, deleting in orders(site, flows, SCHEDULES):
        assert deleting.status_code == 204
        assert said(keeping) in {KEPT, (404, "not_found")}
        assert rows_of(site, client.who()) == {}
