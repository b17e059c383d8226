"""What galleries, invitations and selections may cost, by DynamoDB's arithmetic: nothing grows with
the size of a gallery or with what else somebody owns (house.md, section 3)."""

import math

import pytest

from local.cloud import size
from local.site import Site
from tests.inviting import (
    FIRST_DANCE,
    PARTY,
    PARTY_PASSWORD,
    UNNAMED,
    WEDDING,
    accept,
    invite,
    invited,
    photographer,
    pictures,
    step,
)
from tests.people import plant
from tests.visiting import PASSWORD, PRINT, VOUCHER, Browser

NINA = "nina@example.com"
KEPT = f"/v1/selections/{UNNAMED}/pictures/coast/low-tide"


@pytest.fixture
def warm(browser: Browser) -> Browser:
    """A browser whose containers have fetched both keys: that is counted apart."""
    Browser(browser.gateway, address="192.0.2.99").register("warm@example.com")
    return browser


def hang(site: Site, gallery_id: str, number: int) -> None:
    catalogue, galleries = (
        site.module("foyer.storage.catalogue"),
        site.module("foyer.rules.galleries"),
    )
    write = site.module("foyer.storage.table").write
    for start in range(0, number, 100):
        write(
            *(
                catalogue.put_picture(
                    galleries.Picture(
                        f"p{n:05}", gallery_id, f"Picture {n}", f"/p/{n}.jpg", ("print-30x45",)
                    )
                )
                for n in range(start, min(start + 100, number))
            )
        )


@pytest.mark.parametrize("who", ["generic", "invited"])
def test_entering_a_gallery_of_5000_pictures_reads_one_page(
    site: Site, warm: Browser, who: str
) -> None:
    gallery = "coast" if who == "generic" else WEDDING
    if who == "invited":
        invited(photographer(site).browser, NINA)
        accept(warm, warm.token(NINA))
    costs = []
    for number in (100, 5000):
        hang(site, gallery, number)
        page = pictures(warm, gallery).json
        assert (len(page["items"]), bool(page["next"])) == (20, True)
        costs.append(warm.cost())
        behind = warm.get(f"/v1/galleries/{gallery}/pictures?cursor={page['next']}")
        assert len(behind.json["items"]) == 20
        costs.append(warm.cost())
    assert costs[0] == costs[2]
    assert costs[1] == costs[3]
    assert costs[0]["calls"] <= (2 if who == "generic" else 3)
    # one page of pictures, what they are offered as and, known, who he is and what he holds
    assert costs[0]["reads"] <= (3 if who == "generic" else 6)
    assert all(cost["writes"] == 0 for cost in costs)


def test_a_public_gallery_costs_the_generic_user_2_calls_and_2_reads(warm: Browser) -> None:
    for path in ("/v1/galleries/coast/pictures", "/v1/galleries/coast", "/v1/galleries"):
        assert warm.get(path).status_code == 200
        assert warm.cost()["calls"] <= 2
        assert warm.cost()["reads"] <= 2
        assert warm.cost()["writes"] == 0


def test_a_door_costs_a_call_and_two_counters_and_the_pass_costs_nothing_afterwards(
    site: Site, warm: Browser
) -> None:
    warm.post(f"/v1/galleries/{PARTY}/door", {"password": PARTY_PASSWORD})
    assert warm.cost() == {"calls": 3, "reads": 2.0, "writes": 2, "index_writes": 0}
    assert pictures(warm, PARTY).status_code == 200
    assert warm.cost()["calls"] <= 2
    assert warm.cost()["writes"] == 0


@pytest.mark.parametrize("lines", [0, 30])
def test_accepting_costs_4_calls_whatever_the_guest_has(
    site: Site, warm: Browser, lines: int
) -> None:
    boss = photographer(site).browser
    for number in range(lines):
        warm.add({**PRINT, "quantity": 1}) if not number else None
        warm.send("PUT", f"/v1/selections/{UNNAMED}/pictures/hills/pine-ridge")
    invited(boss, NINA)
    token = warm.token(NINA)
    assert accept(warm, token, password=PASSWORD).status_code == 200
    cost = warm.cost()
    assert cost["calls"] <= 4
    assert cost["reads"] <= 8
    assert cost["writes"] <= 30


def test_accepting_as_a_client_costs_3_calls(site: Site, warm: Browser) -> None:
    warm.register(NINA)
    invited(photographer(site).browser, NINA)
    accept(warm, warm.token(NINA), name=None)
    cost = warm.cost()
    assert cost["calls"] <= 3
    assert cost["reads"] <= 8
    assert cost["writes"] <= 10


@pytest.mark.parametrize("others", [0, 40])
def test_what_else_somebody_was_invited_to_costs_nothing_at_a_door_or_in_the_cart(
    site: Site, warm: Browser, others: int
) -> None:
    boss, client = photographer(site).browser, plant(site, "client")
    for number in range(others):
        club = boss.post("/v1/staff/galleries", {"title": f"Club {number}"}).json["id"]
        invite(boss, client.email, gallery=club, key=f"a-key-number-{number:08}")
    invited(boss, client.email)
    accept(client.browser, client.browser.token(client.email), name=None)
    client.browser.add(VOUCHER)
    client.browser.add(FIRST_DANCE)
    cost = client.browser.cost()
    assert cost["calls"] <= 2
    assert cost["reads"] <= 7
    client.browser.get("/v1/cart")
    cost = client.browser.cost()
    assert cost["calls"] == 2
    assert cost["reads"] <= 2 + 1 / 4 + 0.5 * (2 + 1 + 1 + 3)  # things, picture, gallery, grants
    client.browser.get("/v1/account/galleries?limit=5")
    assert client.browser.cost()["calls"] <= 5


def test_keeping_a_picture_costs_2_calls_and_the_selection_once(site: Site, warm: Browser) -> None:
    assert warm.send("PUT", KEPT).status_code == 204  # makes the guest
    assert warm.cost()["calls"] <= 3
    assert warm.cost()["writes"] <= 6
    warm.send("PUT", KEPT.replace("low-tide", "first-light"))
    user = warm.session()["user"]["id"]
    k = math.ceil(size(site.cloud.row(f"USER#{user}", f"SELECTION#{UNNAMED}")) / 1024)
    warm.send("PUT", KEPT.replace("low-tide", "north-pier"))
    assert warm.cost()["calls"] == 2
    assert warm.cost()["writes"] <= 2 * k + 2  # and that the guest is still one
    warm.send("PUT", KEPT)
    assert warm.cost()["calls"] == 1
    assert warm.cost()["writes"] == 0


def test_the_board_and_a_step_on_it_cost_the_same_for_ten_and_for_two_hundred(
    site: Site, warm: Browser
) -> None:
    boss = photographer(site).browser
    seen = []
    for number in (10, 200):
        many = [f"b{number}x{n}@example.com" for n in range(number)]
        results = invite(boss, *many, key=f"a-key-number-{number:08}").json["results"]
        site.drain()
        boss.get(f"/v1/staff/galleries/{WEDDING}/invitations?limit=10")
        seen.append(boss.cost())
        step(boss, results[0]["id"], "resend")
        assert boss.cost()["calls"] <= 4
        assert boss.cost()["writes"] <= 12  # two counters, the invitation, its mail, two checks
        step(boss, results[1]["id"], "")
        assert boss.cost()["calls"] <= 2
    assert seen[0]["calls"] == seen[1]["calls"] == 2
    assert abs(seen[0]["reads"] - seen[1]["reads"]) <= 1
