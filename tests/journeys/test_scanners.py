"""Mail scanners open every link, follow it, press buttons: nothing of it may change anything, and
afterwards the owner's click still works (N1, R20, R21)."""

from urllib.parse import urlsplit

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.ordering import place
from tests.visiting import OTHER_PASSWORD, PASSWORD, VOUCHER, Browser

NINA = "nina@example.com"
AGENTS = ("Mozilla/5.0 (Windows NT 10.0) Outlook-Android/2.0", "Barracuda Sentinel", "curl/8.0")

FORMS = [
    "/sign-up",
    "/sign-up/again",
    "/activate/link",
    "/activate",
    "/sign-in",
    "/sign-in/continue",
    "/sign-in/code",
    "/sign-in/code/enter",
    "/forgotten-password",
    "/reset",
    "/sign-out",
    "/account/security/password",
    "/account/security/sessions",
    "/account/proof",
    "/account/proof/code",
    "/account/profile",
    "/account/addresses",
    "/account/privacy",
    "/account/terms",
    "/unsubscribe",
    "/checkout",
    "/account/orders/x",
    "/account/claims/x",
    *(f"/staff/orders/x/{deed}" for deed in ("confirm", "fulfil", "cancel")),
]


def scan(site: Site, gateway: Gateway, links: list[str]) -> None:
    """50 times GET and HEAD on each link, and every form of the site left empty."""
    before = site.cloud.rows()
    scanner = Browser(gateway, address="198.51.100.99")
    for link in links:
        parts = urlsplit(link)
        for number in range(50):
            agent = AGENTS[number % len(AGENTS)]
            for method in ("GET", "HEAD"):
                path = f"{parts.path}?{parts.query}"
                answer = scanner.send(method, path, headers={"User-Agent": agent})
                assert answer.status_code in {200, 401}
                assert "Set-Cookie" not in answer.headers
    for form in FORMS:
        answer = scanner.submit(form)
        assert answer.status_code in {200, 303, 401, 404, 412, 422}
        assert "Set-Cookie" not in answer.headers, form
    assert scanner.session()["authentication"] == "generic"
    assert site.cloud.rows() == before


def links(browser: Browser) -> list[str]:
    """Every link of every mail to Nina, the fragment left on, as it stands in the mail."""
    return [link for mail in browser.mails(NINA) for link in mail["links"]]


def test_n1_activation_survives_any_number_of_scanners_before_and_after(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    token = browser.token(NINA)
    scan(site, gateway, links(browser))
    assert browser.activate(token).status_code == 200
    scan(site, gateway, links(browser))
    assert browser.session()["authentication"] == "signed_in"


def test_n1_an_orders_link_survives_scanners_before_and_after(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    browser.add(VOUCHER)
    order = place(browser, NINA).json
    token = browser.token(NINA)
    scan(site, gateway, links(browser))
    assert browser.activate(token).json["status"] == "approved"
    scan(site, gateway, links(browser))
    (mine,) = browser.get("/v1/account/orders").json["items"]
    assert mine["id"] == order["id"]


def test_n1_a_reset_link_survives_scanners_and_the_session_too(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    browser.register(NINA)
    other = Browser(gateway, address="203.0.113.3")
    other.post("/v1/password-resets", {"email": NINA})
    token = other.token(NINA)
    scan(site, gateway, links(browser))
    assert other.reset(token).status_code == 200
    scan(site, gateway, links(browser))
    assert other.session()["authentication"] == "signed_in"


def test_n1_a_code_survives_scanners(site: Site, gateway: Gateway, browser: Browser) -> None:
    browser.register(NINA)
    other = Browser(gateway, address="203.0.113.3")
    other.ask_code(NINA)
    scan(site, gateway, links(browser))
    assert other.sign_in_by_code(NINA, other.code(NINA)).status_code == 200


def test_r21_a_scanner_that_runs_scripts_and_presses_buttons_gains_and_breaks_nothing(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    """It has the token: it sees the preview, and presses the button of the form as it stands."""
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    token = browser.token(NINA)
    scanner = Browser(gateway, address="198.51.100.99")
    before = site.cloud.rows()
    for _ in range(5):
        page = scanner.submit("/activate/link", token=token)
        assert page.status_code == 200
        assert "Make the account" in page.text
        assert scanner.submit("/activate", token=token).status_code == 422
        assert scanner.submit("/activate", token=token, name="Nina").status_code == 422
        assert scanner.submit("/activate", token=token, password="", name="").status_code == 422
        assert scanner.post("/v1/activations", {"token": token}).status_code == 422
    assert site.cloud.rows() == before
    assert scanner.cookies == {}
    assert browser.activate(token).status_code == 200


@pytest.mark.parametrize("form", ["/account/security/password", "/account/security/sessions"])
def test_an_empty_form_of_a_signed_in_client_changes_nothing(
    site: Site, browser: Browser, form: str
) -> None:
    browser.register(NINA)
    browser.mails(NINA)
    before = site.cloud.rows()
    assert browser.submit(form).status_code in {404, 422}
    assert site.cloud.rows() == before
    assert browser.sign_in(NINA, PASSWORD).status_code == 200
    assert OTHER_PASSWORD not in browser.get("/account").text
