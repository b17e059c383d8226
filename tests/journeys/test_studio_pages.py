"""The pages of a photographer: galleries, their pictures, who is invited, what clients send."""

import json
import re
from html import unescape
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import ROOT, Site
from tests.journeys.test_account_pages import text
from tests.people import HOTEL, STUDIO, administrator, plant
from tests.visiting import PASSWORD, TERMS, Answer, Browser

GALLERIES = "/staff/galleries"
COAST = f"{GALLERIES}/coast"
PARTY = f"{GALLERIES}/summer-party-2026-0815"
WEDDING = f"{GALLERIES}/lea-and-tom-2026-06-13"
BOARD = f"{WEDDING}/invitations"
NINA, CARLA = "nina@example.com", "carla@example.com"
EVIL = "<script>alert(1)</script>"
HOUR, DAY = 3_600, 86_400
PAGES = (
    GALLERIES,
    COAST,
    BOARD,
    f"{COAST}/requests",
    f"{COAST}/selections",
    f"{COAST}/products",
)


@pytest.fixture
def ana(site: Site) -> Browser:
    return photographer(site)


@pytest.fixture
def invited(site: Site, ana: Browser) -> Browser:
    """Ana, two of whose invitations are out."""
    site.module("local.seed").invite(site.now())
    site.drain()
    return ana


def hidden(answer: Answer, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent there, and nowhere below."""
    form = re.search(rf'(?s)<form[^>]*action="{action}(?:\?[^"]*)?".*?</form>', answer.text)
    assert form is not None, action
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.group())
    return {name: unescape(value) for name, value in found}


def photographer(site: Site, name: str = "ana_two", org: str = STUDIO) -> Browser:
    return plant(site, name, role=("photographer", org), org=org).browser


def send(browser: Browser, path: str, fields: dict[str, Any], **typed: Any) -> Answer:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return browser.send("POST", path, data={**fields, **typed}, headers=kind)


def act(browser: Browser, page: str, path: str, **typed: Any) -> Answer:
    """The form as the page shows it, filled in."""
    return send(browser, path, hidden(browser.get(page), path), **typed)


def done(answer: Answer) -> str:
    assert answer.status_code == 303, text(answer)
    found = re.search(r"[?&]done=([\w-]+)", answer.headers["Location"])
    assert found is not None
    return found[1]


GALLERY = {"title": "The christening", "visibility": "private", "access": "login"}
GALLERY |= {"download": "none"}


def make(ana: Browser, **typed: str) -> Answer:
    return act(ana, GALLERIES, GALLERIES, **{**GALLERY, **typed})


def made(ana: Browser, **typed: str) -> str:
    answer = make(ana, **typed)
    assert done(answer) == "made"
    return str(answer.headers["Location"].partition("?")[0])


def invite(ana: Browser, addresses: str, gallery: str = WEDDING, **typed: str) -> Answer:
    path = f"{gallery}/invitations"
    form = {"addresses": addresses, "download": "none", "locale": "en", "message": ""}
    return act(ana, path, path, **{**form, **typed})


def line(ana: Browser, address: str, board: str = BOARD) -> str:
    """The path of the invitation of an address, as its line on the board has it."""
    page = ana.get(f"{board}?email={address}")
    found = re.search(rf'action="({board}/[^/"]+)/', page.text)
    assert found is not None, text(page)
    return found[1]


def step(ana: Browser, invited: str, deed: str, **typed: str) -> Answer:
    path = f"{line(ana, invited)}/{deed}"
    return act(ana, f"{BOARD}?email={invited}", path, **typed)


def tell(site: Site, address: str, became: str) -> None:
    """What SES says of the newest mail of an invitation."""
    feedback = site.module("foyer.operations.feedback")
    grants, invitations = (
        site.module("foyer.storage.grants"),
        site.module("foyer.rules.invitations"),
    )
    page = grants.of_gallery(WEDDING.rpartition("/")[2], limit=100)
    (one,) = [i for item in page.items if (i := grants.from_item(item)).address == address]
    delivery = invitations.Delivery(became)
    for_good = became in {"bounced", "complained"}
    news = feedback.News(one.mail_id, delivery, [address], for_good, one.gallery_id, one.id)
    feedback.note(news, site.now())


# ---- who may see what ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_galleries_are_kept_by_their_photographers_alone(
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
    assert stranger.get(path).status_code == (200 if path == GALLERIES else 404)
    assert "The coast" not in text(stranger.get(path))
    assert ana.get(path).status_code == 200
    assert GALLERIES not in clerk.get("/staff").text
    assert f'href="{GALLERIES}"' in ana.get("/staff").text


def test_nobody_else_can_send_a_photographers_form(
    site: Site, gateway: Gateway, invited: Browser
) -> None:
    one = line(invited, NINA)
    client = plant(site, "carol", role=None).browser
    stranger = photographer(site, "otto", HOTEL)
    before = site.cloud.rows()
    for path in forms():
        path = path.format(
            gallery_id="coast",
            picture_id="low-tide",
            invitation_id="x",
            request_id="x",
            user_id="x",
            selection_id="x",
        )
        answer = send(client, path, {}, sure="yes", addresses=NINA, title="x", locale="en")
        assert answer.status_code == 404, path
    for deed in ("resend", "correct", "withdraw", "rights", "admit", "decline"):
        form = {"sure": "yes", "address": "x@example.com", "download": "none"}
        assert send(stranger, f"{one}/{deed}", form).status_code == 404, deed
    assert send(stranger, f"{COAST}/delete", {}, sure="yes").status_code == 404
    assert send(stranger, f"{COAST}/pictures", {}, pictures="/x.jpg X").status_code == 404
    assert site.cloud.rows() == before


def forms() -> list[str]:
    document: Any = json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())
    paths = document["paths"].items()
    return [path for path, does in paths if path.startswith(GALLERIES) and "post" in does]


def test_every_form_of_a_photographer_has_a_page_that_leads_back(invited: Browser) -> None:
    assert len(forms()) == 18
    for path in forms():
        address = path.format(
            gallery_id="coast",
            picture_id="low-tide",
            invitation_id="x",
            request_id="x",
            user_id="x",
            selection_id="x",
        )
        answer = invited.get(address)
        assert answer.status_code in {200, 303}, path
        if answer.status_code == 303:
            assert invited.get(answer.headers["Location"]).status_code == 200


def test_looking_changes_nothing(site: Site, invited: Browser) -> None:
    for path in PAGES:  # the first of an hour says that somebody was here
        invited.get(path)
    before = site.cloud.rows()
    for path in PAGES:
        assert invited.get(path).status_code == 200
        assert invited.send("HEAD", path).status_code == 200
    assert site.cloud.rows() == before


# ---- galleries -----------------------------------------------------------------------------------


def test_a9_a_gallery_is_made_with_its_door_and_its_end(gateway: Gateway, ana: Browser) -> None:
    form = {"visibility": "unlisted", "access": "password", "password": "Blue Door"}
    path = made(ana, **form, expires_at="2027-01-31", selection_quota="12", download="web")
    page = ana.get(f"{path}?done=made")
    assert 'role="status"' in page.text
    assert "not listed · behind a password · open until 2027-02-01 00:00 UTC" in text(page)
    assert 'value="2027-01-31"' in page.text
    assert 'name="selection_quota" type="text" value="12"' in page.text
    guest = Browser(gateway, address="192.0.2.50")
    door = f"/v1/galleries/{path.rpartition('/')[2]}"
    assert guest.get(door).json["door"] == "password"
    assert guest.post(f"{door}/door", {"password": " blue door "}).status_code == 204
    assert guest.get(door).json["rights"]["download"] == "web"
    assert "The christening" in text(ana.get(GALLERIES))


def test_what_is_wrong_with_a_gallery_is_said_at_its_field_and_nothing_typed_is_lost(
    site: Site, ana: Browser
) -> None:
    before = site.cloud.rows()
    typed = {"title": "See www.evil.example", "access": "password", "expires_at": "soon"}
    refused = make(ana, **typed, selection_quota="many", cover="ftp://x", visibility="")
    assert refused.status_code == 422
    for field in ("title", "visibility", "password", "expires_at", "selection_quota", "cover"):
        assert f'href="#{field}"' in refused.text, field
        assert f'id="{field}"' in refused.text, field
    assert "Please write no links" in text(refused)
    assert 'value="soon"' in refused.text
    assert 'value="many"' in refused.text
    assert "<title>Error:" in refused.text
    for quota in ("0", "301", "-1", "1.5"):
        assert 'href="#selection_quota"' in make(ana, selection_quota=quota).text
    assert make(ana, access="password", password="short").status_code == 422
    assert site.cloud.rows() == before


def test_a_double_click_makes_one_gallery(site: Site, ana: Browser) -> None:
    fields = hidden(ana.get(GALLERIES), GALLERIES)
    first, second = (send(ana, GALLERIES, fields, **GALLERY) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    changed = send(ana, GALLERIES, fields, **{**GALLERY, "title": "Another"})
    assert changed.status_code == 412
    assert 'value="Another"' in changed.text


def test_who_looks_after_several_studios_says_whose_a_gallery_is(site: Site, ana: Browser) -> None:
    assert 'name="organization_id"' not in ana.get(GALLERIES).text
    boss = administrator(site).browser
    page = boss.get(GALLERIES)
    assert "Studio Ana" in page.text
    assert 'name="organization_id"' in page.text
    path = made(boss, title="At the hotel", organization_id=HOTEL)
    assert "At the hotel" in text(boss.get(f"{GALLERIES}?organization_id={HOTEL}"))
    assert "The summer party" not in text(boss.get(f"{GALLERIES}?organization_id={HOTEL}"))
    assert ana.get(path).status_code == 404
    assert make(ana, organization_id=HOTEL).status_code == 404


@pytest.fixture
def overseer(site: Site) -> Browser:
    """Who looks after more studios than one list can show."""
    boss = administrator(site).browser
    for number in range(19):
        new = {"name": f"Team {number}", "parent_id": HOTEL, "approval": "inherit"}
        assert boss.post("/v1/staff/organizations", new).status_code == 201
    return boss


def test_where_there_are_too_many_studios_one_is_chosen(overseer: Browser) -> None:
    page = overseer.get(GALLERIES)
    assert page.status_code == 200
    assert "choose one of them" in text(page)
    assert f'<option value="{STUDIO}">' in page.text
    assert done(make(overseer, organization_id=STUDIO)) == "made"


def test_of_too_many_studios_the_one_chosen_is_shown(overseer: Browser) -> None:
    page = overseer.get(f"{GALLERIES}?organization_id={STUDIO}")
    assert "The summer party" in text(page)


def test_a9_a_gallery_is_changed_and_what_somebody_else_changed_is_not_written_over(
    ana: Browser,
) -> None:
    page = ana.get(COAST)
    fields = hidden(page, COAST)
    form = {**GALLERY, "title": "Coast", "visibility": "public", "access": "public"}
    form |= {"cover": "/_dev/pictures/harbour-at-dusk.svg"}
    assert done(act(ana, COAST, COAST, **form)) == "changed"
    late = send(ana, COAST, fields, **{**form, "title": "Mine", "selection_quota": "5"})
    assert late.status_code == 412
    assert "It has changed in the meantime" in text(late)
    assert 'value="Mine"' in late.text
    again = hidden(late, COAST)
    assert done(send(ana, COAST, again, **{**form, "title": "Mine"})) == "changed"
    assert "Mine" in text(ana.get(COAST))


def test_a_gallery_keeps_its_password_and_its_hour_where_they_were_left_as_they_are(
    gateway: Gateway, ana: Browser
) -> None:
    api = "/v1/staff/galleries/summer-party-2026-0815"
    ana.send("PATCH", api, json={"expires_at": "2027-03-01T10:30:00Z"})
    form = {**GALLERY, "title": "The party", "visibility": "public", "access": "password"}
    form |= {"download": "web", "expires_at": "2027-03-01", "selection_quota": "10"}
    assert done(act(ana, PARTY, PARTY, **form)) == "changed"
    answer = ana.get(api).json
    assert answer["expires_at"] == "2027-03-01T10:30:00Z"
    assert answer["has_password"]
    guest = Browser(gateway, address="192.0.2.50")
    opened = guest.post("/v1/galleries/summer-party-2026-0815/door", {"password": "open sesame"})
    assert opened.status_code == 204
    form |= {"expires_at": "", "selection_quota": "", "transfers": "yes", "access": "login"}
    assert done(act(ana, PARTY, PARTY, **form, enter="yes")) == "changed"
    answer = ana.get(api).json
    assert answer["expires_at"] is answer["selection_quota"] is None
    assert answer["transfers"] == "approve"
    assert answer["everybody"] == {"enter": True, "download": "web"}
    assert not answer["has_password"]
    refused = act(ana, PARTY, PARTY, **{**form, "access": "password"})
    assert refused.status_code == 422
    assert 'href="#password"' in refused.text


def test_a_gallery_is_deleted_once_one_is_sure(site: Site, invited: Browser) -> None:
    refused = act(invited, WEDDING, f"{WEDDING}/delete")
    assert refused.status_code == 422
    assert 'href="#sure"' in refused.text
    assert done(act(invited, WEDDING, f"{WEDDING}/delete", sure="yes")) == "deleted"
    assert "Léa and Tom" not in text(invited.get(GALLERIES))
    assert invited.get(WEDDING).status_code == 404
    assert invited.get(f"{WEDDING}/delete").headers["Location"] == GALLERIES


def test_a_large_gallery_is_deleted_bit_by_bit_and_the_page_says_so(
    site: Site, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = site.module("foyer.web.request").Request
    monkeypatch.setattr(asked, "time_is_left", lambda _: False)
    page = act(ana, COAST, f"{COAST}/delete", sure="yes")
    assert page.status_code == 200
    assert "still to go" in text(page)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert ana.get(COAST).status_code == 404
    monkeypatch.undo()
    fields = hidden(page, f"{COAST}/delete")
    assert done(send(ana, f"{COAST}/delete", fields)) == "deleted"


def test_galleries_are_read_page_by_page(ana: Browser) -> None:
    for number in range(18):
        made(ana, title=f"Number {number}")
    page = ana.get(GALLERIES)
    (following,) = re.findall(r'href="([^"]+cursor=[^"]+)"', page.text)
    both = page.text + ana.get(unescape(following)).text
    assert {f"Number {n}" for n in range(18)} <= set(re.findall(r"Number \d+", both))
    refused = ana.get(unescape(following)[:-1])
    assert refused.status_code == 422
    assert "cannot be found again" in text(refused)


# ---- pictures ------------------------------------------------------------------------------------


def test_pictures_are_hung_a_line_each_and_shown_to_who_may_enter(
    gateway: Gateway, ana: Browser
) -> None:
    lines = "https://pictures.example.com/1.jpg The first dance\r\n\r\n/2.jpg  Two rings"
    typed = {"pictures": lines, "products": ["print-30x45", "coast-poster"]}
    assert done(act(ana, COAST, f"{COAST}/pictures", **typed)) == "hung"
    page = text(ana.get(COAST))
    assert "The first dance" in page
    assert "guards the list of pictures, not the files" in page
    found = Browser(gateway, address="192.0.2.9").get("/v1/galleries/coast/pictures").json["items"]
    dance = next(one for one in found if one["title"] == "The first dance")
    assert dance["src"] == "https://pictures.example.com/1.jpg"
    assert set(dance["products"]) == {"print-30x45", "coast-poster"}


def test_pictures_that_cannot_be_hung_are_named_by_their_line(site: Site, ana: Browser) -> None:
    before = site.cloud.rows()
    path = f"{COAST}/pictures"
    for lines, said in (
        ("", "This is missing."),
        (f"/1.jpg Good\nhttp://x/2.jpg {EVIL}", "2: This is neither an https address nor"),
        ("/1.jpg", "1: This is missing."),
        ("\n".join(f"/{n}.jpg No {n}" for n in range(21)), "This is too long."),
    ):
        refused = act(ana, COAST, path, pictures=lines)
        assert refused.status_code == 422
        assert said in text(refused)
        assert 'href="#pictures"' in refused.text
        assert lines in unescape(refused.text)
        assert "<script>" not in refused.text
    foreign = act(ana, PARTY, f"{PARTY}/pictures", pictures="/1.jpg One", products=["coast-poster"])
    assert foreign.status_code == 422
    assert 'href="#products"' in foreign.text
    assert site.cloud.rows() == before


def test_a_double_click_hangs_once(ana: Browser) -> None:
    fields = hidden(ana.get(COAST), f"{COAST}/pictures")
    for _ in range(2):
        assert done(send(ana, f"{COAST}/pictures", fields, pictures="/1.jpg Only one")) == "hung"
    assert ana.get(COAST).text.count("<h3>Only one</h3>") == 1


def test_a_picture_is_hidden_shown_changed_and_taken_down(gateway: Gateway, ana: Browser) -> None:
    tide = f"{COAST}/pictures/low-tide"
    visitor = Browser(gateway, address="192.0.2.9")

    def seen() -> str:
        return visitor.get("/v1/galleries/coast/pictures").text

    assert done(act(ana, COAST, f"{tide}/hidden", hidden="yes")) == "hidden"
    assert "hidden: only you see it" in text(ana.get(COAST))
    assert "Low tide" not in seen()
    assert done(act(ana, COAST, f"{tide}/hidden", hidden="no")) == "shown"
    form: dict[str, Any] = {"title": f"Ebb {EVIL}", "src": "/ebb.jpg", "products": ["download"]}
    assert done(act(ana, COAST, tide, **form)) == "picture-changed"
    assert "Ebb <script>" in json.loads(seen())["items"][2]["title"]
    assert "<script>" not in ana.get(COAST).text
    refused = act(ana, COAST, tide, title="", src="nowhere")
    assert refused.status_code == 422
    assert 'href="#src-low-tide"' in refused.text
    assert 'href="#title-low-tide"' in refused.text
    assert 'value="nowhere"' in refused.text
    assert "<details open>" in refused.text
    refused = act(ana, COAST, tide, **{**form, "products": ["nothing"]})
    assert refused.status_code == 422
    assert 'href="#products-low-tide"' in refused.text
    assert 'href="#sure-low-tide"' in act(ana, COAST, f"{tide}/down").text
    assert done(act(ana, COAST, f"{tide}/down", sure="yes")) == "taken-down"
    assert "Ebb" not in seen()
    assert send(ana, tide, {}, title="x", src="/x.jpg").status_code == 404


def test_what_is_done_on_a_later_page_leads_back_to_it(ana: Browser) -> None:
    for batch in range(2):
        lines = "\n".join(f"/{batch}-{n}.jpg Picture {batch} {n}" for n in range(20))
        act(ana, COAST, f"{COAST}/pictures", pictures=lines)
    page = ana.get(COAST)
    (following,) = re.findall(r'href="([^"]+cursor=[^"]+)">More', page.text)
    later = ana.get(unescape(following))
    path = re.findall(rf'action="({COAST}/pictures/[^/"]+)/hidden"', later.text)[-1]
    fields = hidden(later, f"{path}/hidden")
    answer = send(ana, f"{path}/hidden", fields, hidden="yes")
    assert done(answer) == "hidden"
    back = ana.get(answer.headers["Location"])
    assert "hidden: only you see it" in text(back)
    forged = send(ana, f"{path}/hidden", {"cursor": "x"}, hidden="no")
    assert forged.headers["Location"] == f"{COAST}?done=shown"


# ---- inviting ------------------------------------------------------------------------------------


def test_p14_one_address_or_several_are_invited_however_they_are_separated(
    site: Site, ana: Browser
) -> None:
    pasted = "a@example.com, b@example.com;c@example.com\r\nNina López <d@example.com>\n"
    answer = invite(ana, f"{pasted}  A@example.com", message="Come and see", locale="fr")
    assert done(answer) == "invited"
    page = ana.get(answer.headers["Location"])
    assert "4 addresses were invited" in text(page)
    for name in "abcd":
        assert f"{name}@example.com" in text(page)
    (mail,) = ana.mails("d@example.com")
    assert "Come and see" in mail["text"]
    assert "Bonjour" in mail["text"] or "Léa" in mail["subject"]
    assert len(ana.mails("a@example.com")) == 1


def test_p15_each_address_is_told_of_and_what_is_none_comes_back_to_be_corrected(
    invited: Browser,
) -> None:
    answer = invite(invited, f"new@example.com {NINA} nonsense o@@example.com {EVIL}")
    assert answer.status_code == 200
    said = text(answer)
    assert "Invited now: 1 new@example.com" in said
    assert f"Invited before: nothing was mailed again: 1 {NINA}" in said
    assert "3 are not addresses" in said
    area = re.search(r'(?s)<textarea id="addresses"[^>]*>(.*?)</textarea>', answer.text)
    assert area is not None
    assert unescape(area[1]).split() == ["nonsense", "o@@example.com", EVIL]
    assert "<script>" not in answer.text
    assert len(invited.mails(NINA)) == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"addresses": " ,; "}, "addresses"),
        ({"message": "see www.evil.example"}, "message"),
        ({"message": "x" * 1001}, "message"),
        ({"download": "everything"}, "download"),
        ({"locale": "xx"}, "locale"),
    ],
)
def test_an_invitation_that_cannot_be_sent_says_why_at_its_field(
    site: Site, ana: Browser, typed: dict[str, str], field: str
) -> None:
    before = site.cloud.rows()
    refused = invite(ana, **{"addresses": NINA, **typed})
    assert refused.status_code == 422
    assert f'href="#{field}"' in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert site.cloud.rows() == before


def test_more_than_a_thousand_addresses_are_refused_and_kept(site: Site, ana: Browser) -> None:
    before = site.cloud.rows()
    refused = invite(ana, " ".join(f"a{n}@example.com" for n in range(1001)))
    assert refused.status_code == 422
    assert "These are 1001 addresses" in text(refused)
    assert "a1000@example.com" in refused.text
    assert site.cloud.rows() == before


def test_the_same_form_twice_mails_once(ana: Browser) -> None:
    fields = hidden(ana.get(BOARD), BOARD)
    form = {"addresses": "a@example.com b@example.com", "download": "web", "locale": "en"}
    assert done(send(ana, BOARD, fields, **form)) == "invited"
    assert done(send(ana, BOARD, fields, **form)) == "invited"
    assert len(ana.mails("a@example.com")) == 1
    other = send(ana, BOARD, fields, **{**form, "addresses": "c@example.com"})
    assert other.status_code == 412
    assert "c@example.com" in other.text
    assert done(send(ana, BOARD, {}, **{**form, "addresses": "d@example.com"})) == "invited"


def test_p15_hundreds_are_invited_in_steps_that_say_how_far_they_are(ana: Browser) -> None:
    many = "\n".join(f"guest{n}@example.com" for n in range(320))
    page = invite(ana, f"{many}\nnonsense", message="See you\nthere")
    far, seen = re.compile(r"(\d+) of 320 invited"), list[int]()
    while page.status_code == 200 and "<progress" in page.text:
        found = far.search(text(page))
        assert found is not None
        seen.append(int(found[1]))
        assert f'max="320" value="{found[1]}"' in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "data-go-on" in page.text
        page = send(ana, BOARD, hidden(page, BOARD))
    assert seen == [142, 284]
    assert page.status_code == 200
    assert "Invited now: 320" in text(page)
    assert "nonsense</textarea>" in page.text
    assert len(ana.mails("guest0@example.com")) == 1
    assert len(ana.mails("guest319@example.com")) == 1
    assert "See you\n\nthere" in ana.mails("guest200@example.com")[0]["text"]


def test_an_allowance_that_is_used_up_says_so_and_gives_the_rest_back(
    site: Site, ana: Browser
) -> None:
    policy = site.module("foyer.rules.policy").POLICY
    object.__setattr__(policy.invitations, "per_staff_per_day", 10)
    try:
        page = invite(ana, " ".join(f"a{n}@example.com" for n in range(16)))
        assert page.status_code == 429
        assert "as many invitations as we send for you in one day" in text(page)
        assert "Invited now: 7" in text(page)
        area = re.search(r'(?s)<textarea id="addresses"[^>]*>(.*?)</textarea>', page.text)
        assert area is not None
        assert area[1].split() == [f"a{n}@example.com" for n in range(7, 16)]
        refused = invite(ana, " ".join(f"b{n}@example.com" for n in range(4)))
        assert refused.status_code == 429
        assert "b3@example.com" in refused.text
    finally:
        object.__setattr__(policy.invitations, "per_staff_per_day", 5000)


# ---- the board -----------------------------------------------------------------------------------


def test_n9_the_board_tells_what_became_of_each_mail_in_plain_words(
    site: Site, invited: Browser
) -> None:
    assert "Invited, no answer yet · Mail sent" in text(invited.get(BOARD))
    for became, said in (
        ("delivered", "Mail arrived"),
        ("bounced", "Mail came back: the address is wrong"),
        ("complained", "Mail was marked as unwanted"),
    ):
        tell(site, NINA, became)
        assert said in text(invited.get(BOARD)), became
    site.advance(31 * DAY)
    ana = photographer(site, "late")
    assert "Not answered in time: the link is too old" in text(ana.get(BOARD))


def test_a18_the_board_tells_who_accepted_and_when(gateway: Gateway, invited: Browser) -> None:
    nina = Browser(gateway, address="192.0.2.60")
    body = {"token": nina.token(NINA), "name": "Nina", "consents": {"terms": TERMS}}
    assert nina.post("/v1/invitations/accept", body).status_code == 200
    page = text(invited.get(f"{BOARD}?email={NINA}"))
    assert "Accepted" in page
    assert "accepted 2026-11-22" in page
    assert "Send again" not in page
    assert "The right address" not in page
    assert CARLA not in page


def test_a20_a_mail_that_came_back_is_corrected_and_the_right_address_is_invited(
    site: Site, invited: Browser
) -> None:
    tell(site, NINA, "bounced")
    page = invited.get(f"{BOARD}?email={NINA}")
    assert page.text.index("The right address") < page.text.index("<details")
    again = step(invited, NINA, "resend")
    assert again.status_code == 409
    assert "Correct the address" in text(again)
    for typed in ("nonsense", NINA):
        refused = step(invited, NINA, "correct", address=typed)
        assert refused.status_code == 422
        assert f'href="#address-{line(invited, NINA).rpartition("/")[2]}"' in refused.text
        assert f'value="{typed}"' in refused.text
    answer = step(invited, NINA, "correct", address="nina@example.org")
    assert done(answer) == "corrected"
    page = invited.get(answer.headers["Location"])
    assert "nina@example.org" in text(page)
    assert "on its way to the right address" in text(page)
    assert invited.mails("nina@example.org")
    assert "Withdrawn" in text(invited.get(f"{BOARD}?email={NINA}"))


def test_a18_an_invitation_is_sent_again_withdrawn_and_begun_anew(
    gateway: Gateway, invited: Browser
) -> None:
    first = invited.token(NINA)
    assert done(step(invited, NINA, "resend")) == "resent"
    assert invited.token(NINA) != first
    refused = step(invited, NINA, "withdraw")
    assert refused.status_code == 422
    assert f'href="#sure-{line(invited, NINA).rpartition("/")[2]}"' in refused.text
    path = line(invited, NINA)
    assert done(step(invited, NINA, "withdraw", sure="yes")) == "withdrawn"
    page = invited.get(f"{BOARD}?email={NINA}")
    assert "Withdrawn" in text(page)
    late = send(invited, f"{path}/rights", {}, download="web", enter="yes", email=NINA)
    assert late.status_code == 409
    assert "cannot be done to the invitation" in text(late)
    form = page.text[page.text.index('id="board"') :]
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    assert done(send(invited, BOARD, again)) == "invited"
    assert "Invited, no answer yet" in text(invited.get(f"{BOARD}?email={NINA}"))


def test_mails_to_one_address_are_sent_again_so_often_a_day(invited: Browser) -> None:
    for _ in range(5):
        assert done(step(invited, NINA, "resend")) == "resent"
    limited = step(invited, NINA, "resend")
    assert limited.status_code == 429
    assert "We have sent enough mails" in text(limited)
    assert "You can try again in" in text(limited)


def test_a10_rights_are_given_line_by_line_and_somebody_is_shut_out(invited: Browser) -> None:
    assert done(step(invited, NINA, "rights", download="original", enter="yes")) == "rights"
    assert "download the originals" in text(invited.get(f"{BOARD}?email={NINA}"))
    assert done(step(invited, NINA, "rights", download="none")) == "rights"
    assert "shut out" in text(invited.get(f"{BOARD}?email={NINA}"))
    assert step(invited, NINA, "rights", download="all").status_code == 422


@pytest.fixture
def asking(site: Site, gateway: Gateway, invited: Browser) -> Browser:
    """Nina's link, opened by Carol, who asks to be let in by it."""
    carol = plant(site, "carol").browser
    answer = carol.post("/v1/invitations/transfer", {"token": carol.token(NINA)})
    assert answer.status_code == 202
    return carol


@pytest.mark.parametrize("strike_out", ["", "yes"])
def test_n4_another_account_is_let_in_beside_the_invited_or_in_its_place(
    invited: Browser, asking: Browser, strike_out: str
) -> None:
    page = invited.get(f"{BOARD}?email={NINA}")
    assert "Another account asks to be let in" in text(page)
    assert "carol@example.com asks to be let in with this invitation" in text(page)
    answer = step(invited, NINA, "admit", strike_out=strike_out)
    assert done(answer) == ("admitted-alone" if strike_out else "admitted")
    assert asking.get("/v1/galleries/lea-and-tom-2026-06-13").json["door"] == "open"
    after = text(invited.get(f"{BOARD}?email={NINA}"))
    assert ("Withdrawn" if strike_out else "Invited, no answer yet") in after
    assert "let in as well" in text(invited.get(BOARD))


def test_n4_another_account_is_not_let_in_and_told_so(invited: Browser, asking: Browser) -> None:
    page = invited.get(f"{BOARD}?email={NINA}")
    fields = hidden(page, f"{line(invited, NINA)}/admit")
    assert done(step(invited, NINA, "decline")) == "turned-down"
    assert asking.get("/v1/galleries/lea-and-tom-2026-06-13").status_code == 404
    late = send(invited, f"{line(invited, NINA)}/admit", fields)
    assert late.status_code == 409
    assert "Somebody may have answered it" in text(late)


def test_the_board_is_read_page_by_page_and_searched_by_address(ana: Browser) -> None:
    invite(ana, " ".join(f"g{n}@example.com" for n in range(25)))
    page = ana.get(BOARD)
    (following,) = re.findall(r'href="([^"]+cursor=[^"]+)">Next', page.text)
    second = ana.get(unescape(following))
    seen = re.findall(r"<h3>(g\d+@example.com)</h3>", page.text + second.text)
    assert sorted(seen) == sorted(f"g{n}@example.com" for n in range(25))
    path = re.findall(rf'action="({BOARD}/[^/"]+)/resend"', second.text)[0]
    answer = send(ana, f"{path}/resend", hidden(second, f"{path}/resend"))
    assert "cursor=" in answer.headers["Location"]
    assert path in ana.get(answer.headers["Location"]).text
    one = ana.get(f"{BOARD}?email=G7@example.com")
    assert re.findall(r"<h3>(\S+)</h3>", one.text) == ["g7@example.com"]
    assert "was not invited to this gallery" in text(ana.get(f"{BOARD}?email=x@example.com"))
    wrong = ana.get(f"{BOARD}?email=x")
    assert wrong.status_code == 422
    assert 'href="#email"' in wrong.text
    assert ana.get(unescape(following)[:-1]).status_code == 422


# ---- what clients send ---------------------------------------------------------------------------


def test_a12_who_asks_to_be_let_in_is_invited_or_dismissed(gateway: Gateway, ana: Browser) -> None:
    page = f"{PARTY}/requests"
    for number in range(2):
        asked = {"email": f"friend{number}@example.com", "message": f"It is me {EVIL}"}
        friend = Browser(gateway, address=f"192.0.2.{70 + number}")
        path = "/v1/galleries/summer-party-2026-0815/access-requests"
        assert friend.post(path, asked).status_code == 202
    answer = ana.get(page)
    assert "It is me <script>" in text(answer)
    assert "<script>" not in answer.text
    first = re.findall(rf'action="({page}/[^/"]+)/invite"', answer.text)[0]
    fields = hidden(answer, f"{first}/invite")
    invited = send(ana, f"{first}/invite", fields)
    assert done(invited) == "invited"
    assert ana.mails(fields["email"])
    left = ana.get(invited.headers["Location"])
    assert f"<h2>{fields['email']}</h2>" not in left.text
    (second,) = re.findall(rf'action="({page}/[^/"]+)/dismiss"', left.text)
    assert done(send(ana, f"{second}/dismiss", {})) == "dismissed"
    assert "Nobody asks" in text(ana.get(page))


def test_a16_selections_that_were_sent_are_seen_with_their_pictures(
    gateway: Gateway, ana: Browser
) -> None:
    carla = Browser(gateway, address="192.0.2.80").register("karla@example.com")
    unnamed = "/v1/selections/my-unnamed-selection--"
    for picture in ("low-tide", "first-light"):
        kept = carla.send("PUT", f"{unnamed}/pictures/coast/{picture}")
        assert kept.status_code == 204
    sent = carla.post(f"{unnamed}/submit", {"message": "For the album\nplease"})
    assert sent.status_code == 200, sent.json
    page = ana.get(f"{COAST}/selections")
    assert "karla@example.com" in text(page)
    assert "2 pictures" in text(page)
    assert "For the album please" in text(page)
    assert "/_dev/pictures/low-tide.svg" in page.text
    act(ana, COAST, f"{COAST}/pictures/low-tide/down", sure="yes")
    assert "1 of them hangs here no more." in text(ana.get(f"{COAST}/selections"))


# ---- as a whole ----------------------------------------------------------------------------------


def test_the_pages_speak_the_language_that_was_chosen(site: Site, invited: Browser) -> None:
    for language in ("fr", "es"):
        for path in (*PAGES, f"{BOARD}?done=resent"):
            join = "&" if "?" in path else "?"
            page = invited.get(f"{path}{join}lang={language}")
            assert page.status_code == 200
            assert f'<html lang="{language}"' in page.text


def test_a_session_that_ended_while_a_photographer_typed_loses_nothing(
    site: Site, ana: Browser
) -> None:
    fields = hidden(ana.get(BOARD), BOARD)
    site.advance(2 * HOUR)
    form = {"addresses": "a@example.com\nb@example.com", "download": "none", "locale": "en"}
    ended = send(ana, BOARD, fields, **form)
    assert ended.status_code == 401
    assert "Whom to invite a@example.com b@example.com" in text(ended)
    page = send(ana, "/sign-in/continue", hidden(ended, "/sign-in/continue"))
    kept = hidden(page, "/sign-in")
    code = {"email": "ana_two@example.com", "password": PASSWORD}
    again = send(ana, "/sign-in", kept, **code)
    kept = {**kept, **hidden(again, "/sign-in")}
    page = send(ana, "/sign-in", kept, **code, code=ana.code("ana_two@example.com"))
    assert done(send(ana, BOARD, hidden(page, BOARD))) == "invited"
    assert ana.mails("b@example.com")


def test_what_is_too_long_to_be_kept_is_shown_to_be_copied(site: Site, ana: Browser) -> None:
    fields = hidden(ana.get(BOARD), BOARD)
    site.advance(2 * HOUR)
    many = " ".join(f"guest{n}@example.com" for n in range(400))
    ended = send(ana, BOARD, fields, addresses=many, locale="en")
    assert ended.status_code == 401
    assert "Copy it first" in text(ended)
    assert "guest399@example.com" in text(ended)
    assert f'href="/sign-in?back={BOARD}"' in ended.text
    assert "/sign-in/continue" not in ended.text


def test_r43_what_others_wrote_is_shown_as_text(site: Site, ana: Browser) -> None:
    path = made(ana, title=f"Tom & {EVIL}")
    for page in (path, GALLERIES, f"{path}/invitations", f"{path}/requests", f"{path}/selections"):
        assert "<script>" not in ana.get(page).text
        assert "&lt;script&gt;" in ana.get(page).text
