"""Galleries, doors, invitations and selections in the browser: the journey from the mail to the
pictures, and every page and state of it."""

import itertools
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from local.gateway import Gateway
from tests.browser.chromium import LANGUAGES, LOOKS, Place, chromium, look_at, place, visit
from tests.browser.test_account import code_in_mail, link_in_mail, press, sign_in
from tests.inviting import PARTY, PARTY_PASSWORD, UNNAMED, WEDDING, invite, photographer, step
from tests.journeys.test_cart import update
from tests.people import plant
from tests.visiting import PASSWORD, TERMS
from tests.visiting import Browser as Program

pytestmark = pytest.mark.browser
__all__ = ["chromium", "place"]  # fixtures

HOUR, DAY = 3_600, 86_400
SCANNERS = ("Outlook-Android/2.0", "Barracuda Sentinel", "curl/8.0")
MESSAGE = "Dear all,\nhere are the pictures of our day.\n" + "Wolfeschlegelsteinhausenberger" * 3
_number = itertools.count(1)


@pytest.fixture
def boss(place: Place) -> Program:
    """The photographer, from another program."""
    return photographer(place.site, f"ana_{next(_number)}").browser


def mailed(place: Place, boss: Program, page: Page, address: str, **more: Any) -> str:
    """The link in the invitation of this address, just sent."""
    place.site.advance(HOUR // 2)
    key = f"the-key-of-{address}"
    answer = invite(boss, address, key=key, **more)
    assert answer.json["results"][0]["result"] == "invited"
    place.site.drain()
    return link_in_mail(place, page, address)


def scan(place: Place, link: str) -> None:
    """Opens the link as mail programs do, and presses what there is to press."""
    path = link.removeprefix(place.url).partition("#")[0]
    for number, agent in enumerate(SCANNERS):
        scanner = Program(Gateway(place.site), address=f"198.51.100.{number + 1}")
        for method in ("GET", "HEAD"):
            answer = scanner.send(method, path, headers={"User-Agent": agent})
            assert answer.status_code == 200
        assert scanner.submit(path).status_code == 404
        assert scanner.cookies == {}


def who(page: Page, place: Place) -> Any:
    return page.request.get(f"{place.url}/v1/session").json()


@pytest.mark.parametrize("language", LANGUAGES)
def test_p3_from_the_mail_to_the_pictures_by_one_page_and_one_form_with_the_cart(
    place: Place, chromium: Browser, boss: Program, language: str
) -> None:
    address = f"nina{next(_number)}@example.com"
    context = visit(chromium, language, 320, "light")
    page = context.new_page()
    for number in range(2):
        page.goto(f"{place.url}/galleries/coast")
        page.locator("form.buy button").nth(number).click()
    guest = who(page, place)["user"]["id"]
    link = mailed(place, boss, page, address, locale=language)
    scan(place, link)

    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    page.goto(link)
    page.wait_for_url(re.compile("/invitation/link"))
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("main form:visible").count() == 1
    assert page.locator("main form:visible input:visible").count() == 3  # name, terms, newsletter
    assert page.locator("main [type=checkbox]:checked").count() == 0
    page.fill("[name=name]", "Nina López")
    page.check("[name=terms]")
    press(page)
    page.wait_for_url(re.compile(rf"/galleries/{WEDDING}\?done=accepted"))
    # the page that reads the link goes on by itself, what follows is the form, then the pictures
    places = [url.partition("?")[0].removeprefix(place.url) for url in seen if "#" not in url]
    assert list(dict.fromkeys(places)) == [
        *(["/invitation"] if "/invitation" in places else []),
        "/invitation/link",
        f"/galleries/{WEDDING}",
    ]
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("heading", name="First dance")).to_be_visible()
    now = who(page, place)
    assert (now["user"]["id"], now["authentication"]) == (guest, "signed_in")
    assert now["user"]["name"] == "Nina López"
    page.goto(f"{place.url}/cart")
    assert page.locator("ul.lines > li").count() == 2
    context.close()


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_door_can_be_read_by_everybody(
    place: Place, chromium: Browser, boss: Program, language: str, width: int, scheme: str
) -> None:
    place.site.advance(HOUR // 2)
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        wrong.extend(look_at(page, f"{name}-{language}-{width}-{scheme}"))
        assert page.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    go("/")
    look("home-cards")
    go("/galleries")
    look("galleries")
    go(f"/galleries/{PARTY}")
    look("door-password")
    page.fill("[name=password]", "open barley")
    press(page)
    expect(page.get_by_role("alert")).to_be_visible()
    look("door-wrong-password")
    page.locator("summary").click()
    page.fill("[name=email]", "otto@example.com")
    page.fill("[name=message]", "see http://example.com")
    page.locator("details button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("door-ask-refused")
    page.fill("[name=message]", "I danced, too.\nOtto")
    page.locator("details button").click()
    look("door-asked")
    go(f"/galleries/{PARTY}")
    page.fill("[name=password]", PARTY_PASSWORD)
    press(page)
    expect(page.get_by_role("status")).to_be_visible()
    look("gallery-opened")

    update(place.site, f"GALLERY#{WEDDING}", "GALLERY", "visibility", {"S": "unlisted"})
    go(f"/galleries/{WEDDING}")
    look("door-sign-in")
    page.fill("#email", "carla@example.com")
    page.fill("[name=password]", "a long demo passphrase")
    press(page)
    expect(page.get_by_text("carla@example.com")).to_be_visible()
    page.locator(f"footer button[value={language}]").click()
    look("door-not-invited")
    update(place.site, f"GALLERY#{WEDDING}", "GALLERY", "visibility", {"S": "private"})
    go(f"/galleries/{WEDDING}")
    look("gallery-not-found")
    go("/account/galleries")
    look("shared-with-me-none")
    context.close()
    assert wrong == []


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_of_an_invitation_can_be_read_by_everybody(
    place: Place, chromium: Browser, boss: Program, language: str, width: int, scheme: str
) -> None:
    number = next(_number)
    address, second = f"guest{number}@example.com", f"second{number}@example.com"
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str, at: Page = page) -> None:
        wrong.extend(look_at(at, f"invitation-{name}-{language}-{width}-{scheme}"))
        assert at.locator("html").get_attribute("lang") == language, name

    def send(action: str, at: Page = page) -> None:
        """Sends the form, whatever the browser itself would say of it."""
        form = at.locator(f"form[action='{action}'], form[action^='{action}?']").last
        form.evaluate("e => e.noValidate = true")
        form.locator("button").first.click()

    def follow(link: str, at: Page = page) -> None:
        at.goto(link)
        at.wait_for_url(re.compile("/invitation/link"))

    page.goto(f"{place.url}/invitation")
    look("paste")
    page.fill("[name=token]", "nonsense")
    press(page)
    look("garbled")
    link = mailed(place, boss, page, address, message=MESSAGE, locale=language)
    follow(link)
    look("register")
    send("/invitation")
    look("register-refused")
    page.locator("main summary").last.click()
    send("/invitation/decline")
    look("decline-refused")
    page.check("[name=confirm]")
    send("/invitation/decline")
    look("declined")
    follow(link)
    look("register-after-all")
    page.fill("[name=name]", "Nina López")
    page.check("[name=terms]")
    page.locator("summary").first.click()
    page.fill("[name=password]", "passwordpassword")
    press(page)
    look("register-weak")
    page.fill("[name=password]", PASSWORD)
    press(page)
    page.wait_for_url(re.compile("done=accepted"))
    look("inside")
    invite(boss, address, gallery=PARTY, key=f"the-key-of-{number}-party")
    page.goto(f"{place.url}/account/galleries")
    look("shared-with-me-locked")
    page.goto(f"{place.url}/account/security")
    look("security-unproved")
    page.goto(f"{place.url}/account")
    look("my-space")

    page.goto(f"{place.url}/account/galleries")
    send("/account/proof/code")
    page.fill("[name=code]", code_in_mail(place, page, address))
    page.locator("form:has([name=code]) button").click()
    page.wait_for_url(re.compile("/account/galleries"))
    look("shared-with-me")

    # for somebody else, whose address this account has not
    theirs = mailed(place, boss, page, second, locale=language)
    for proved in (False, True):
        otto = plant(place.site, f"otto{number}{proved}".lower(), proved=proved)
        there = visit(chromium, language, width, scheme)
        tab = there.new_page()
        sign_in(place, tab, otto.email)
        expect(tab.get_by_role("status")).to_be_visible()
        follow(theirs, tab)
        look(f"other-account-{proved}", tab)
        send("/invitation/transfer", tab)
        look(f"transfer-{proved}", tab)
        follow(theirs, tab)
        send("/invitation/switch", tab)
        look(f"switched-{proved}", tab)
        there.close()

    # somebody who has an account, by password and by code
    elsewhere = visit(chromium, language, width, scheme)
    tab = elsewhere.new_page()
    again = mailed(place, boss, page, f"client{number}@example.com", locale=language)
    client = Program(Gateway(place.site), address=f"203.0.113.{number}")
    client.register(f"client{number}@example.com")
    follow(again, tab)
    look("sign-in", tab)
    send("/invitation/sign-in", tab)
    look("sign-in-refused", tab)
    tab.fill("[name=email]", f"client{number}@example.com")
    tab.locator("[formaction]").click()
    look("sign-in-code", tab)
    tab.fill("[name=code]", "000000")
    press(tab)
    look("sign-in-wrong-code", tab)
    tab.fill("[name=code]", code_in_mail(place, tab, f"client{number}@example.com"))
    press(tab)
    tab.wait_for_url(re.compile("done=accepted"))
    follow(again, tab)
    look("accepted-already", tab)
    elsewhere.close()

    # too late
    late = f"late{number}@example.com"
    old = mailed(place, boss, page, late, locale=language)
    id_ = boss.get(f"/v1/staff/galleries/{WEDDING}/invitations?email={late}").json["items"][0]["id"]
    step(boss, id_, "resend")
    stranger = visit(chromium, language, width, scheme)
    tab = stranger.new_page()
    follow(old, tab)
    look("replaced", tab)
    step(boss, id_, "")
    follow(old, tab)
    look("revoked", tab)
    send("/invitation/ask-again", tab)
    look("asked-again", tab)
    stranger.close()
    context.close()
    assert wrong == []


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_page_of_a_selection_can_be_read_by_everybody(
    place: Place, chromium: Browser, language: str, width: int, scheme: str
) -> None:
    number = next(_number)
    place.site.advance(HOUR)
    context = visit(chromium, language, width, scheme)
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str, at: Page = page) -> None:
        wrong.extend(look_at(at, f"selection-{name}-{language}-{width}-{scheme}"))
        assert at.locator("html").get_attribute("lang") == language, name

    def go(path: str) -> None:
        page.goto(f"{place.url}{path}")

    def send(action: str) -> None:
        form = page.locator(f"form[action^='{action}']").last
        form.evaluate("e => e.noValidate = true")
        form.locator("button").first.click()

    mine = f"/selections/{UNNAMED}"
    go("/selections")
    look("none")
    go("/galleries/coast")
    page.locator("form.keep button").nth(1).click()
    page.wait_for_url(re.compile("/galleries/coast#picture-"))
    look("kept")
    kept = page.locator("li:has(p.kept)")
    expect(kept).to_be_in_viewport()
    go(f"/galleries/{PARTY}")
    page.fill("[name=password]", PARTY_PASSWORD)
    press(page)
    page.locator("form.keep button").first.click()
    go("/selections")
    look("list-guest")
    go(mine)
    look("guest")
    send(f"{mine}/share")
    look("shared")
    link = page.locator("#link").input_value()
    page.fill("[name=message]", "www.example.com")
    send(f"{mine}/submit")
    look("send-refused")
    page.fill("[name=message]", "For the album.\nThank you!")
    page.fill("[name=sender]", "Nina")
    send(f"{mine}/submit")
    expect(page.get_by_role("status")).to_be_visible()
    look("sent")
    page.locator("main summary").click()
    send(f"{mine}/delete")
    look("delete-refused")

    friends = visit(chromium, language, width, scheme)
    friend = friends.new_page()
    friend.goto(f"{place.url}/shared-selection")
    look("paste", friend)
    friend.goto("about:blank")
    friend.goto(link)
    expect(friend.locator("main figure")).to_be_visible()
    look("of-a-friend", friend)
    send(f"{mine}/unshare")
    friend.goto("about:blank")
    friend.goto(link)
    expect(friend.get_by_role("alert")).to_be_visible()
    look("not-shared", friend)
    friends.close()

    update_hidden(place, hidden=True)
    go(mine)
    look("picture-gone")
    update_hidden(place, hidden=False)

    email = f"chooser{number}@example.com"
    ours = {"Sec-Fetch-Site": "same-origin"}
    form = {
        "email": email,
        "name": "Nina",
        "profile_type": "C",
        "consents": {"terms": TERMS, "newsletter": False},
    }
    page.request.post(f"{place.url}/v1/registrations", data=form, headers=ours)
    page.goto(link_in_mail(place, page, email))
    page.wait_for_url(re.compile("/activate/link"))
    press(page)
    page.wait_for_url(re.compile("done=activated"))
    go("/selections")
    send("/selections")
    look("begin-refused")
    page.fill("[name=name]", "For the album of my grandmother, who likes it large")
    send("/selections")
    page.wait_for_url(re.compile("done=begun"))
    look("begun")
    own = page.url.partition("?")[0].removeprefix(place.url)
    go(f"/galleries/coast?into={own.rpartition('/')[2]}")
    look("choose-which")
    page.locator("form.keep button").first.click()
    go(own)
    look("named")
    go("/selections")
    look("list-client")
    context.close()
    assert wrong == []


def update_hidden(place: Place, *, hidden: bool) -> None:
    for picture in ("first-light", "harbour-at-dusk", "low-tide", "north-pier"):
        key = f"GALLERY#PICTURE#{picture}"
        update(place.site, "GALLERY#coast", key, "hidden", {"BOOL": hidden})
