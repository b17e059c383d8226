"""What the clean-up takes next and what it did last, as a site administrator sees it (N11)."""

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.journeys.test_account_pages import text
from tests.ordering import place
from tests.people import STUDIO, administrator, plant
from tests.visiting import PRINT, VOUCHER, Browser, said

DAY = 86_400
PATH = "/v1/staff/guests/abandoned"


@pytest.fixture
def boss(site: Site, gateway: Gateway) -> Browser:
    """Signed in when all the others have been away for long."""
    guest, client, ordering = (Browser(gateway, address=f"192.0.2.{n}") for n in (7, 8, 9))
    guest.add(VOUCHER)
    guest.send("PUT", "/v1/selections/my-unnamed-selection--/pictures/coast/low-tide")
    client.register("nina@example.com")
    handing = Browser(gateway, address="192.0.2.10")
    handing.add(VOUCHER)
    handing.sign_in("nina@example.com")
    ordering.add(PRINT)
    place(ordering, "otto@example.com")
    opening = plant(site, "opening", role=("customer_service_supervisor", STUDIO), org=STUDIO)
    form = {"email": "eva@example.com", "name": "Eva", "profile_type": "C"}
    assert opening.browser.post("/v1/staff/users", form).status_code == 201
    site.advance(91 * DAY, schedules=False)
    return administrator(site).browser


def test_n11_a_dry_run_tells_whom_the_next_sweep_takes_and_changes_nothing(
    site: Site, boss: Browser
) -> None:
    before = site.cloud.rows()
    found = boss.get(PATH).json
    assert site.cloud.rows() == before
    told = {
        (one["kind"], one["line_count"], one["picture_count"], one["kept_by"])
        for one in found["items"]
    }
    assert told == {
        ("guest", 1, 1, None),
        ("guest", 0, 0, "order"),
        ("handed_over", 0, 0, None),
        ("opened_for_somebody", 0, 0, None),
    }
    assert (found["users"], found["more"], found["last_sweep"]) == (4, False, None)
    report = site.invoke("CleanupFunction", {})
    assert (report["guests"], report["accounts"], report["kept"]) == (2, 1, 1)
    assert 0 < report["claims"] <= found["claims"]  # what went with its guest is not counted again
    after = boss.get(PATH).json
    assert (after["items"], after["users"], after["claims"]) == ([], 0, 0)
    assert after["last_sweep"]["guests"] == 2
    assert after["last_sweep"]["at"].startswith("2027-")


def test_it_is_read_page_by_page(site: Site, boss: Browser) -> None:
    whole = [one["id"] for one in boss.get(PATH).json["items"]]
    paged, cursor = list[str](), ""
    while True:
        page = boss.get(f"{PATH}?limit=1{cursor}").json
        paged += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert paged == whole
    assert said(boss.get(f"{PATH}?cursor=nonsense")) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Guests nobody came back to", "an order is under way", "4 guests or accounts")),
        ("fr", ("Visiteurs jamais revenus", "une commande est en cours", "4 visiteurs ou comptes")),
        ("es", ("Visitantes que no volvieron", "hay un pedido en curso", "4 visitantes o cuentas")),
    ],
)
def test_the_page_says_so_in_every_language(
    site: Site, boss: Browser, language: str, words: tuple[str, ...]
) -> None:
    assert "/staff/guests/abandoned" in boss.get("/staff").text
    shown = text(boss.get(f"/staff/guests/abandoned?lang={language}"))
    for word in words:
        assert word in shown
    site.invoke("CleanupFunction", {})
    after = text(boss.get("/staff/guests/abandoned"))
    assert "Nothing waits" in after
    assert "Guests taken 2" in after


def test_nobody_else_sees_it(site: Site, gateway: Gateway) -> None:
    ana = plant(site, "ana", role=("photographer", STUDIO), org=STUDIO).browser
    assert ana.get("/staff/guests/abandoned").status_code == 404
    assert "/staff/guests/abandoned" not in ana.get("/staff").text
    assert Browser(gateway).get("/staff/guests/abandoned").status_code == 401


def test_the_local_door_runs_the_scheduled_function_and_answers_its_report(
    site: Site, boss: Browser
) -> None:
    report = boss.post("/_dev/cleanup", {}).json
    assert (report["guests"], report["accounts"]) == (2, 1)
    assert boss.post("/_dev/cleanup", {}).json["guests"] == 0


def test_metrics_and_a_log_line_tell_what_was_done_and_what_is_left(
    site: Site, boss: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    site.invoke("CleanupFunction", {})
    printed = capsys.readouterr().out
    assert '"GuestsRemoved":[2.0]' in printed.replace(" ", "")
    assert '"SweepLeftOver":[0.0]' in printed.replace(" ", "")
    assert "example.com" not in printed
