"""What photographers do, in the browser: every page and state of it, and inviting hundreds."""

import itertools
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import LOOKS, Place, chromium, look_at, picture, place, visit
from tests.people import STUDIO, Person, plant
from tests.visiting import Browser as Visitor

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

COAST = "/staff/galleries/coast"
PARTY = "/staff/galleries/summer-party-2026-0815"
WEDDING = "/staff/galleries/lea-and-tom-2026-06-13"
BOARD = f"{WEDDING}/invitations"
LONG = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaft"
NINA = "nina@example.com"
_number = itertools.count(1)


def photographer(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> BrowserContext:
    """Ana's colleague, signed in, in her language."""
    who = plant(place.site, f"ana{next(_number)}", role=("photographer", STUDIO), org=STUDIO)
    context = visit(chromium, language, width, scheme)
    sign_in(place, context, who)
    page = context.new_page()
    page.goto(f"{place.url}/staff")
    page.locator(f"footer button[value={language}]").click()
    page.close()
    return context


def sign_in(place: Place, context: BrowserContext, who: Person) -> None:
    cookie = who.browser.cookies["__Host-foyer"]
    context.add_cookies(
        [
            {
                "name": "__Host-foyer",
                "value": cookie,
                "domain": "localhost",
                "path": "/",
                "secure": True,
            }
        ]
    )


def send(page: Page, action: str) -> None:
    """Sends the form, whatever the browser itself would say of it."""
    posted = "form[method=post][action"
    form = page.locator(f"{posted}='{action}'], {posted}^='{action}?']").first
    form.evaluate("e => { e.closest('details')?.setAttribute('open', ''); e.noValidate = true }")
    with page.expect_navigation():
        form.locator("button").last.click()


def tell(place: Place, address: str, became: str) -> None:
    """What SES says of the newest mail of an invitation."""
    site = place.site
    feedback, grants = site.module("foyer.operations.feedback"), site.module("foyer.storage.grants")
    delivery = site.module("foyer.rules.invitations").Delivery(became)
    page = grants.of_gallery(WEDDING.rpartition("/")[2], limit=100)
    (one,) = [i for item in page.items if (i := grants.from_item(item)).address == address]
    news = feedback.News(one.mail_id, delivery, [address], False, one.gallery_id, one.id)
    feedback.note(news, site.now())


def path_of(page: Page, deed: str) -> str:
    """Where the form of a line that does this is sent."""
    action = page.locator(f"form[action*='/{deed}']").first.get_attribute("action")
    return str(action).partition("?")[0]


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_of_galleries_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    context = photographer(place, chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"studio-{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    go("/staff")
    look("desk")
    go("/staff/galleries")
    look("galleries")
    page.fill("[name=title]", "www.evil.example")
    page.check("[name=access][value=password]")
    page.fill("[name=selection_quota]", "0")
    send(page, "/staff/galleries")
    look("galleries-refused")
    page.fill("[name=title]", f"{LONG} & Söhne")
    page.fill("[name=password]", "open sesame")
    page.fill("[name=selection_quota]", "20")
    page.fill("[name=expires_at]", "2027-05-31")
    send(page, "/staff/galleries")
    expect(page.get_by_role("status")).to_be_visible()
    look("gallery-made")
    gallery = page.url.removeprefix(place.url).partition("?")[0]

    page.fill("[name=pictures]", "/_dev/pictures/low-tide.svg\nhttp://x/y.jpg A picture")
    send(page, f"{gallery}/pictures")
    look("gallery-hanging-refused")
    lines = f"/_dev/pictures/low-tide.svg {LONG}\n/_dev/pictures/first-light.svg Lanterns"
    page.fill("[name=pictures]", lines)
    page.check("#hang ~ form [value=download]")
    send(page, f"{gallery}/pictures")
    look("gallery-hung")
    hide = path_of(page, "hidden")
    send(page, hide)
    look("gallery-hidden")
    picture = hide.removesuffix("/hidden")
    page.locator("ul.hung summary").first.click()
    look("gallery-picture-open")
    page.locator("ul.hung [name=src]").first.fill("nowhere")
    send(page, picture)
    look("gallery-picture-refused")
    send(page, f"{picture}/down")
    look("gallery-not-sure")

    stale = context.new_page()
    stale.goto(place.url + gallery)
    page.fill("#title", f"The {LONG}")
    send(page, gallery)
    look("gallery-changed")
    stale.fill("#title", "Another")
    send(stale, gallery)
    expect(stale.get_by_role("alert")).to_be_visible()
    wrong.extend(look_at(stale, f"studio-gallery-stale-{language}-{width}-{scheme}"))
    stale.close()
    send(page, f"{gallery}/delete")
    look("gallery-delete-refused")
    page.check("#sure")
    send(page, f"{gallery}/delete")
    look("gallery-deleted")
    context.close()
    assert wrong == []


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_and_state_of_inviting_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    number = next(_number)
    long = f"{LONG[:60]}{number}@{LONG[:50]}.example.com".lower()
    context = photographer(place, chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"studio-{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    go(BOARD)
    look("board")
    page.fill("[name=message]", "www.evil.example")
    send(page, BOARD)
    look("board-refused")
    page.fill("[name=addresses]", f"{long}, bea{number}@example.com {NINA} nonsense")
    page.fill("[name=message]", "")
    send(page, BOARD)
    page.fill("[name=addresses]", f"{long} not-an-address also@nothing")
    send(page, BOARD)
    look("board-results")
    page.fill("[name=addresses]", f"carl{number}@example.com")
    send(page, BOARD)
    look("board-invited")
    tell(place, long, "bounced")
    go(f"{BOARD}?email={long}")
    look("board-bounced")
    send(page, path_of(page, "correct"))
    look("board-correct-refused")
    tell(place, NINA, "delivered")
    account = plant(place.site, f"carol{number}")
    token = Visitor(account.browser.gateway).token(NINA)
    answer = account.browser.post("/v1/invitations/transfer", {"token": token})
    assert answer.status_code == 202, answer.json
    go(f"{BOARD}?email={NINA}")
    page.locator("ul.board summary").first.click()
    look("board-asked")
    send(page, path_of(page, "withdraw"))
    look("board-withdraw-refused")
    send(page, path_of(page, "admit"))
    look("board-admitted")
    go(f"{BOARD}?email=nobody@example.com")
    look("board-nobody")

    go(f"{PARTY}/requests")
    look("requests-nobody")
    asked = {"email": f"{LONG[:60]}{number}@example.com", "message": f"It is me\n{LONG}"}
    friend = account.browser.twin()
    path = "/v1/galleries/summer-party-2026-0815/access-requests"
    assert friend.post(path, asked).status_code == 202
    go(f"{PARTY}/requests")
    look("requests")
    send(page, path_of(page, "invite"))
    look("requests-invited")

    go(f"{COAST}/selections")
    look(f"selections-{'nobody' if number == 2 else 'before'}")
    unnamed = "/v1/selections/my-unnamed-selection--"
    for id_ in ("low-tide", "first-light", "north-pier"):
        account.browser.send("PUT", f"{unnamed}/pictures/coast/{id_}")
    sent = account.browser.post(f"{unnamed}/submit", {"message": f"For the album, {LONG}"})
    assert sent.status_code == 200, sent.json
    go(f"{COAST}/selections")
    look("selections")
    context.close()
    assert wrong == []


@pytest.mark.parametrize("scripts", [True, False])
def test_p15_hundreds_are_invited_with_progress_with_and_without_scripts(
    place: Place, chromium: Browser, scripts: bool
) -> None:
    who = plant(place.site, f"hundreds{scripts}", role=("photographer", STUDIO), org=STUDIO)
    context = chromium.new_context(
        viewport={"width": 320, "height": 800}, java_script_enabled=scripts
    )
    sign_in(place, context, who)
    page = context.new_page()
    page.goto(f"{place.url}{BOARD}")
    many = "\n".join(f"guest{n}.{scripts}@example.com" for n in range(320))
    page.fill("[name=addresses]", many)
    page.locator("form:has([name=addresses]) button").first.click()
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=30_000)
    if not scripts:  # a picture of a page that leaves by itself can hang Chromium
        picture(page, "studio-inviting-320")
    while not scripts and page.get_by_role("progressbar").count():
        page.get_by_role("button", name="Go on").click(timeout=30_000)
        page.wait_for_load_state()
    expect(page.get_by_role("status")).to_contain_text("320 addresses", timeout=60_000)
    expect(page).to_have_url(re.compile("done=invited"))
    context.close()
