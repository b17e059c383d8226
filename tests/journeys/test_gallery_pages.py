"""Galleries, doors, invitations and selections as pages: forms without scripts, what is wrong said
at its field, and no way that ends nowhere."""

import re
from html import unescape
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.inviting import (
    PARTY,
    PARTY_PASSWORD,
    UNNAMED,
    WEDDING,
    accept,
    invited,
    is_in,
    line,
    photographer,
    step,
)
from tests.journeys.test_account_pages import hidden, text
from tests.journeys.test_cart import update
from tests.people import plant
from tests.visiting import CALENDAR, PASSWORD, VOUCHER, Answer, Browser

NINA, CARLA = "nina@example.com", "carla@example.com"
DEMO = "a long demo passphrase"
LIGHT = {"gallery_id": "coast", "picture_id": "first-light"}
TIDE = {"gallery_id": "coast", "picture_id": "low-tide"}
HOUR, DAY = 3_600, 86_400


@pytest.fixture
def boss(site: Site) -> Browser:
    return photographer(site).browser


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="203.0.113.77")


def at(answer: Answer) -> str:
    """Where a form leads when it did what it is for."""
    assert answer.status_code == 303, text(answer)
    return answer.headers["Location"]


def opened(browser: Browser, token: str) -> Answer:
    """What the script of the link page does by itself."""
    return browser.submit("/invitation/link", token=token)


def keep(browser: Browser, picture: dict[str, str] = LIGHT, **more: str) -> Answer:
    form = {"action": "keep", "back": f"/galleries/{picture['gallery_id']}", **picture, **more}
    return browser.submit("/selections/pictures", **form)


def set_gallery(site: Site, gallery: str, name: str, value: Any) -> None:
    update(site, f"GALLERY#{gallery}", "GALLERY", name, value)


# ---- the list ------------------------------------------------------------------------------------


def test_a9_the_list_says_of_each_public_gallery_what_it_asks_for(
    site: Site, browser: Browser
) -> None:
    for path in ("/", "/galleries"):
        page = text(browser.get(path))
        assert "The coast, early and late" in page
        assert "The summer party Asks for its password" in page
        assert "Léa and Tom" not in page
    set_gallery(site, "hills", "access", {"S": "login"})
    assert "Hills and weather Asks you to sign in" in text(browser.get("/galleries"))
    everybody = {"M": {"enter": {"BOOL": False}, "download": {"S": "none"}}}
    set_gallery(site, "hills", "everybody", everybody)
    said = text(browser.get("/galleries"))
    assert "Hills and weather For invited clients: asks you to sign in" in said


def test_a21_the_list_goes_on_behind_what_one_page_holds(site: Site, browser: Browser) -> None:
    gallery = site.module("foyer.rules.galleries").Gallery
    catalogue, table = site.module("foyer.storage.catalogue"), site.module("foyer.storage.table")
    for number in range(30):
        made = gallery(
            f"more-{number:02}", f"More {number:02}", "Studio Ana", "public", "public",
            path=("root", "studio-ana"), made_at=site.now() + 100 + number,
        )  # fmt: skip
        table.write(catalogue.put_gallery(made))
    first = browser.get("/galleries?lang=en")
    assert first.text.index("More 29") < first.text.index("More 10")
    (following,) = re.findall(r'href="(/galleries\?cursor=[^"]+)"', first.text)
    second = text(browser.get(unescape(following)))
    assert "More 00" in second
    assert "The coast" in second
    assert "More 29" not in second
    assert browser.get("/galleries?cursor=nonsense").status_code == 422


# ---- the door ------------------------------------------------------------------------------------


def test_p10_a_password_gallery_opens_with_its_password_and_no_account(
    site: Site, browser: Browser
) -> None:
    before = site.cloud.rows()
    door = browser.get(f"/galleries/{PARTY}")
    assert door.status_code == 401
    assert "The summer party Studio Ana" in text(door)
    assert "No account is needed" in text(door)
    assert "Lanterns" not in door.text
    answer = browser.submit(f"/galleries/{PARTY}/door", password=f"  {PARTY_PASSWORD.upper()} ")
    page = browser.get(at(answer))
    assert page.status_code == 200
    assert "Lanterns" in page.text
    assert "You may keep copies of these pictures" in text(page)
    assert "__Host-foyer" not in browser.cookies
    changed = [row for row in site.cloud.rows() if row not in before]
    assert all(row["pk"]["S"].startswith("LIMIT#") for row in changed)


def test_p10_a_wrong_password_is_said_at_the_door_and_too_many_wait(browser: Browser) -> None:
    wrong = browser.submit(f"/galleries/{PARTY}/door", password="open barley")
    assert wrong.status_code == 401
    assert "This is not the password of the gallery" in text(wrong)
    assert 'aria-invalid="true"' in wrong.text
    assert "open barley" not in wrong.text
    assert "mailed" not in text(wrong)
    for _ in range(9):
        browser.submit(f"/galleries/{PARTY}/door", password="open barley")
    stopped = browser.submit(f"/galleries/{PARTY}/door", password=PARTY_PASSWORD)
    assert stopped.status_code == 429
    assert "You can try again in" in text(stopped)
    assert 'name="password"' in stopped.text


def test_an_empty_password_is_no_attempt(site: Site, browser: Browser) -> None:
    before = site.cloud.rows()
    answer = browser.submit(f"/galleries/{PARTY}/door")
    assert answer.status_code == 422
    assert "This is missing." in text(answer)
    assert site.cloud.rows() == before


def test_r32_a_gallery_that_asks_for_no_password_has_no_such_door(browser: Browser) -> None:
    for gallery in ("coast", WEDDING, "nowhere"):
        answer = browser.submit(f"/galleries/{gallery}/door", password="whatever")
        assert answer.status_code == 404, gallery


def test_p9_the_door_of_a_login_gallery_is_the_sign_in_form_and_behind_it_are_the_pictures(
    site: Site, gateway: Gateway, browser: Browser
) -> None:
    set_gallery(site, "hills", "access", {"S": "login"})
    Browser(gateway, address="192.0.2.9").register(NINA)
    browser.add(VOUCHER)
    door = browser.get("/galleries/hills")
    assert door.status_code == 401
    assert "Hills and weather Studio Ana" in text(door)
    assert "Pine ridge" not in door.text
    assert 'href="/sign-up?gallery_id=hills"' in door.text
    form = hidden(door, "/sign-in")
    answer = browser.submit("/sign-in", **form, email=NINA, password=PASSWORD)
    assert at(answer) == "/galleries/hills?done=signed-in&brought=max.1.0.0.0"
    page = browser.get(at(answer))
    assert "You are signed in. 1 item was brought along" in text(page)
    assert "Pine ridge" in page.text


def test_p9_a_mailed_code_leads_into_the_gallery_as_well(site: Site, browser: Browser) -> None:
    set_gallery(site, "hills", "access", {"S": "login"})
    browser.get("/galleries/hills")
    asked = browser.get("/sign-in/code?back=/galleries/hills")
    browser.submit("/sign-in/code", **hidden(asked, "/sign-in/code"), email=CARLA)
    answer = browser.submit(
        "/sign-in/code/enter", email=CARLA, code=browser.code(CARLA), back="/galleries/hills"
    )
    assert at(answer) == "/galleries/hills?done=signed-in"


def test_p9_who_is_not_invited_is_told_which_account_this_is_and_can_ask(
    site: Site, gateway: Gateway, boss: Browser, browser: Browser
) -> None:
    set_gallery(site, WEDDING, "visibility", {"S": "unlisted"})
    client = Browser(gateway, address="192.0.2.9").register("otto@example.com")
    door = client.get(f"/galleries/{WEDDING}")
    assert door.status_code == 403
    assert "You are signed in as otto@example.com" in text(door)
    assert 'value="otto@example.com"' in door.text
    assert "First dance" not in door.text
    path = f"/galleries/{WEDDING}/access"
    refused = client.submit(path, email="otto", message="see http://evil.example")
    assert refused.status_code == 422
    assert "Please write no links" in text(refused)
    assert 'value="otto"' in refused.text
    asked = client.submit(path, email="otto@example.com", message="The best man.\nOtto")
    assert asked.status_code == 200
    assert "an invitation comes to otto@example.com" in text(asked)
    (request,) = boss.get(f"/v1/staff/galleries/{WEDDING}/access-requests").json["items"]
    assert request["message"] == "The best man.\nOtto"


def test_a12_who_asks_too_often_is_told_to_wait(browser: Browser) -> None:
    path = f"/galleries/{PARTY}/access"
    for number in range(10):
        assert browser.submit(path, email=f"a{number}@example.com").status_code == 200
    answer = browser.submit(path, email="b@example.com", message="Please")
    assert answer.status_code == 429
    assert "You have asked several times already" in text(answer)
    assert 'value="b@example.com"' in answer.text
    assert ">Please</textarea>" in answer.text
    long = browser.submit(path, email="b@example.com", message="x" * 1001)
    assert long.status_code == 422
    assert "This is too long." in text(long)


def test_a9_a_hidden_gallery_is_the_same_page_as_none_for_every_form(
    gateway: Gateway, browser: Browser
) -> None:
    client = Browser(gateway, address="192.0.2.9").register("otto@example.com")
    for who in (browser, client):
        pages = [who.get(f"/galleries/{id_}") for id_ in (WEDDING, "nowhere")]
        assert [page.status_code for page in pages] == [404, 404]
        said = [text(page).rpartition("reference")[0] for page in pages]
        assert said[0] == said[1] != ""
        for id_ in (WEDDING, "nowhere"):
            assert who.submit(f"/galleries/{id_}/access", email=NINA).status_code == 404


def test_0_14_who_is_only_remembered_is_asked_to_sign_in_before_a_hidden_gallery(
    site: Site, boss: Browser, browser: Browser
) -> None:
    browser.register(NINA)
    invited(boss, NINA)
    assert is_in(browser)
    browser.sign_in(NINA, remember=True)
    site.advance(3 * HOUR)
    answers = [browser.get(f"/galleries/{id_}") for id_ in (WEDDING, "nowhere")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert hidden(answers[0], "/sign-in")["back"] == f"/galleries/{WEDDING}"


# ---- invitations: somebody new -------------------------------------------------------------------


def test_p3_one_page_with_one_form_leads_from_the_mail_to_the_pictures_with_the_cart(
    boss: Browser, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.add(CALENDAR)
    guest = browser.who()
    invited(boss, NINA, key="a-key-of-twenty-chars")
    page = opened(browser, browser.token(NINA))
    assert page.status_code == 200
    assert "Studio Ana invites you to “Léa and Tom”" in text(page)
    assert "n…@e….com" in text(page)
    assert "The 2 items in your cart stay there." in text(page)
    assert "checked" not in page.text
    form = hidden(page, "/invitation")
    answer = browser.submit("/invitation", **form, name="Nina", terms="yes")
    assert at(answer) == f"/galleries/{WEDDING}?done=accepted"
    inside = browser.get(at(answer))
    assert "First dance" in inside.text
    assert "The 2 items in your cart were kept." in text(inside)
    assert "Please confirm your address" in text(inside)
    assert 'href="/account/security"' in inside.text
    assert browser.who() == guest
    assert browser.quantities() == {"voucher": 1, "calendar": 1}
    assert line(boss, NINA)["state"] == "accepted"


def test_p3_the_form_says_all_that_is_missing_at_once_and_keeps_what_was_typed(
    site: Site, boss: Browser, browser: Browser
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    site.drain()
    before = site.cloud.rows()
    empty = browser.submit("/invitation", token=token)
    assert empty.status_code == 422
    assert "Your name : This is missing." in text(empty)
    assert "I agree to the terms : Please agree to this first." in text(empty)
    weak = browser.submit(
        "/invitation", token=token, name="Nina López", terms="yes", newsletter="yes",
        password="passwordpassword",
    )  # fmt: skip
    assert weak.status_code == 422
    assert "too easy to guess" in text(weak)
    assert 'href="#password"' in weak.text
    assert 'value="Nina López"' in weak.text
    assert weak.text.count(" checked") == 2
    short = browser.submit("/invitation", token=token, name="Nina", terms="yes", password="abc")
    assert "This is too short." in text(short)
    assert site.cloud.rows() == before
    assert browser.cookies == {}


def test_p3_a_password_is_theirs_to_choose_and_signs_them_in_elsewhere(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    invited(boss, NINA)
    form = {"token": browser.token(NINA), "name": "Nina", "terms": "yes"}
    at(browser.submit("/invitation", **form, password=PASSWORD))
    assert other.sign_in(NINA).status_code == 200


def test_0_18_the_same_form_sent_twice_lets_in_twice(boss: Browser, browser: Browser) -> None:
    browser.add(VOUCHER)
    invited(boss, NINA)
    token, lost = browser.token(NINA), browser.twin()
    for who in (lost, browser):
        answer = who.submit("/invitation", token=token, name="Nina", terms="yes")
        assert at(answer) == f"/galleries/{WEDDING}?done=accepted"
    assert browser.who() == lost.who()
    assert browser.quantities() == {"voucher": 1}


def test_n1_scanners_and_empty_forms_leave_an_invitation_as_it_is(
    site: Site, gateway: Gateway, boss: Browser, browser: Browser
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    site.drain()
    before = site.cloud.rows()
    scanner = Browser(gateway, address="198.51.100.99")
    forms = ("link", "sign-in", "code", "switch", "transfer", "ask-again", "decline")
    paths = ["/invitation", *(f"/invitation/{form}" for form in forms)]
    for path in (*paths, "/shared-selection", "/selections", "/selections/pictures"):
        for method in ("GET", "HEAD"):
            assert scanner.send(method, path).status_code in {200, 303}, path
        answer = scanner.submit(path)
        assert answer.status_code in {200, 404, 422}, path
        assert "Set-Cookie" not in answer.headers
    for path in paths:
        if path != "/invitation/ask-again":  # which mails the newest link again
            answer = scanner.submit(path, token=token)
            assert answer.status_code in {200, 401, 422}, path
            assert "__Host-foyer" not in scanner.cookies, path
    assert site.cloud.rows() == before
    assert at(browser.submit("/invitation", token=token, name="Nina", terms="yes"))


# ---- invitations: somebody known -----------------------------------------------------------------


def test_p3_a_client_signs_in_and_accepts_in_one_step_and_his_guests_cart_comes_along(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    browser.add(VOUCHER)
    invited(boss, NINA)
    other.add(CALENDAR)
    page = opened(other, other.token(NINA))
    assert "who has an account here" in text(page)
    form = hidden(page, "/invitation/sign-in")
    wrong = other.submit("/invitation/sign-in", **form, email=NINA, password="wrong")
    assert wrong.status_code == 401
    assert "That did not fit" in text(wrong)
    assert f'value="{NINA}"' in wrong.text
    assert line(boss, NINA)["state"] == "pending"
    empty = other.submit("/invitation/sign-in", **form, email="nina")
    assert empty.status_code == 422
    assert "E-mail address : This is not an address" in text(empty)
    assert "Password : This is missing." in text(empty)
    answer = other.submit("/invitation/sign-in", **form, email=NINA, password=PASSWORD)
    assert at(answer) == f"/galleries/{WEDDING}?done=accepted&brought=max.1.0.0.0"
    page = other.get(at(answer))
    assert "1 item was brought along" in text(page)
    assert "First dance" in page.text
    assert other.quantities() == {"voucher": 1, "calendar": 1}
    assert line(boss, NINA)["state"] == "accepted"


def test_p3_without_a_password_a_mailed_code_does_the_same(
    boss: Browser, browser: Browser, other: Browser
) -> None:
    browser.register(NINA, password=None)
    invited(boss, NINA)
    token = other.token(NINA)
    form = hidden(opened(other, token), "/invitation/sign-in")
    refused = other.submit("/invitation/code", **form, email="nina")
    assert refused.status_code == 422
    page = other.submit("/invitation/code", **form, email=NINA)
    assert "We have written to nina@example.com" in text(page)
    form = hidden(page, "/invitation/sign-in")
    assert form == {"token": token, "by": "code"}
    wrong = other.submit("/invitation/sign-in", **form, email=NINA, code="000000")
    assert wrong.status_code == 401
    assert "This code does not fit" in text(wrong)
    assert hidden(wrong, "/invitation/sign-in")["by"] == "code"
    none = other.submit("/invitation/sign-in", **form, email=NINA)
    assert "The code from the mail : This is missing." in text(none)
    code = other.code(NINA)
    answer = other.submit("/invitation/sign-in", **form, email=NINA, code=f"{code[:3]} {code[3:]}")
    assert at(answer) == f"/galleries/{WEDDING}?done=accepted"
    assert is_in(other)


def test_0_7_an_older_cart_is_asked_about_before_anything_happens(
    site: Site, boss: Browser, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    other.add(CALENDAR)
    invited(boss, NINA)
    site.advance(2 * DAY)
    form = hidden(opened(other, other.token(NINA)), "/invitation/sign-in")
    asked = other.submit("/invitation/sign-in", **form, email=NINA, password=PASSWORD)
    assert asked.status_code == 409
    assert "Is it yours?" in text(asked)
    assert other.session()["authentication"] == "guest"
    answer = other.submit(
        "/invitation/sign-in", **form, email=NINA, password=PASSWORD, take_over="yes"
    )
    assert at(answer).endswith("done=accepted&brought=max.1.0.0.0")


def test_who_is_signed_in_as_the_invited_presses_one_button(
    boss: Browser, browser: Browser
) -> None:
    browser.register(NINA)
    invited(boss, NINA)
    page = opened(browser, browser.token(NINA))
    assert f"You are signed in as Nina, {NINA}." in text(page)
    answer = browser.submit("/invitation", **hidden(page, "/invitation"))
    assert at(answer) == f"/galleries/{WEDDING}?done=accepted"


def test_n4_who_is_signed_in_as_somebody_else_signs_out_or_asks_to_be_admitted_too(
    boss: Browser, browser: Browser
) -> None:
    browser.register("otto@example.com")
    invited(boss, NINA)
    token = browser.token(NINA)
    page = opened(browser, token)
    assert "It is meant for n…@e….com. You are signed in as otto@example.com." in text(page)
    refused = browser.submit("/invitation", token=token, name="Nina", terms="yes")
    assert refused.status_code == 409
    assert hidden(refused, "/invitation/switch") == {"token": token}
    asked = browser.submit("/invitation/transfer", **hidden(page, "/invitation/transfer"))
    assert asked.status_code == 200
    assert "we write to otto@example.com" in text(asked)
    assert line(boss, NINA)["state"] == "transferring"
    switched = browser.submit("/invitation/switch", token=token)
    assert hidden(switched, "/invitation") == {"token": token}
    assert browser.session()["authentication"] == "generic"
    assert at(browser.submit("/invitation", token=token, name="Nina", terms="yes"))


def test_switching_without_a_link_of_ours_signs_nobody_out(browser: Browser) -> None:
    browser.register(NINA)
    for token in ("", "inv_nothing"):
        assert browser.submit("/invitation/switch", token=token).status_code == 404
    assert browser.session()["authentication"] == "signed_in"


def test_signing_in_as_another_than_the_invited_says_so_on_the_same_page(
    gateway: Gateway, boss: Browser, browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    Browser(gateway, address="192.0.2.9").register("otto@example.com")
    invited(boss, NINA)
    token = other.token(NINA)
    answer = other.submit(
        "/invitation/sign-in", token=token, email="otto@example.com", password=PASSWORD
    )
    assert answer.status_code == 409
    assert "You are signed in as otto@example.com" in text(answer)
    assert line(boss, NINA)["state"] == "pending"


def test_0_14_who_is_only_remembered_signs_in_on_the_page_of_the_invitation(
    site: Site, boss: Browser, browser: Browser
) -> None:
    browser.register(NINA)
    browser.sign_in(NINA, remember=True)
    invited(boss, NINA)
    token = browser.token(NINA)
    site.advance(3 * HOUR)
    page = opened(browser, token)
    assert hidden(page, "/invitation/sign-in") == {"token": token}
    assert NINA not in text(page)
    again = browser.submit("/invitation", token=token)
    assert again.status_code == 401
    assert hidden(again, "/invitation/sign-in") == {"token": token}


def test_0_9_who_came_by_a_link_and_asks_to_be_admitted_confirms_his_address_first(
    site: Site, boss: Browser
) -> None:
    otto = plant(site, "otto", proved=False).browser
    invited(boss, NINA)
    answer = otto.submit("/invitation/transfer", token=otto.token(NINA))
    assert answer.status_code == 403
    assert 'href="/account/security"' in answer.text


def test_h24_staff_on_an_unknown_browser_type_a_mailed_code_as_well(
    site: Site, boss: Browser, other: Browser
) -> None:
    ana = plant(site, "sam", role=("photographer", "studio-ana"), org="studio-ana")
    invited(boss, ana.email)
    form = {"token": other.token(ana.email), "email": ana.email}
    asked = other.submit("/invitation/sign-in", **form, password=PASSWORD)
    assert asked.status_code == 401
    assert 'name="code"' in asked.text
    code = other.code(ana.email)
    wrong = other.submit("/invitation/sign-in", **form, password="not it", code=code)
    assert wrong.status_code == 401
    assert 'name="code"' in wrong.text
    assert 'name="password"' in wrong.text
    at(other.submit("/invitation/sign-in", **form, password=PASSWORD, code=code))
    assert is_in(other)


# ---- invitations: no, and too late ---------------------------------------------------------------


def test_a_no_needs_a_tick_and_can_be_taken_back(boss: Browser, browser: Browser) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    unticked = browser.submit("/invitation/decline", token=token)
    assert unticked.status_code == 422
    assert "I do not want this invitation : Please agree to this first." in text(unticked)
    assert line(boss, NINA)["state"] == "pending"
    answer = browser.submit("/invitation/decline", token=token, confirm="yes")
    assert "You declined the invitation" in text(answer)
    assert "you can still accept it" in text(answer)
    assert line(boss, NINA)["state"] == "declined"
    again = opened(browser, token)
    assert "You declined it earlier" in text(again)
    assert at(browser.submit("/invitation", token=token, name="Nina", terms="yes"))


@pytest.mark.parametrize("why", ["expired", "revoked", "replaced"])
def test_n10_a_link_that_is_over_leads_to_another(
    site: Site, gateway: Gateway, boss: Browser, browser: Browser, why: str
) -> None:
    id_ = invited(boss, NINA)
    token = browser.token(NINA)
    if why == "expired":
        site.advance(31 * DAY)
    else:
        step(boss, id_, "" if why == "revoked" else "resend")
    mails = len(browser.mails(NINA))
    said = {
        "expired": "This invitation is too old",
        "revoked": "This invitation was withdrawn",
        "replaced": "This link is not the newest one",
    }
    page = opened(browser, token)
    assert page.status_code == 200
    assert said[why] in text(page)
    tried = browser.submit("/invitation", token=token, name="Nina", terms="yes")
    assert tried.status_code == 410
    assert said[why] in text(tried)
    answer = browser.submit("/invitation/ask-again", **hidden(page, "/invitation/ask-again"))
    assert answer.status_code == 200
    assert "the photographer has been asked" in text(answer)
    assert len(browser.mails(NINA)) - mails == (1 if why == "replaced" else 0)


def test_n10_behind_a_gallery_that_is_gone_there_is_nothing_to_ask_for(
    site: Site, boss: Browser, browser: Browser
) -> None:
    invited(boss, NINA)
    token = browser.token(NINA)
    set_gallery(site, WEDDING, "expires_at", {"N": str(site.now() - 1)})
    page = opened(browser, token)
    assert "This invitation is too old" in text(page)
    answer = browser.submit("/invitation/ask-again", token=token)
    assert answer.status_code == 410
    assert "This gallery is closed" in text(answer)


def test_a_garbled_link_can_be_pasted_anew(boss: Browser, browser: Browser) -> None:
    invited(boss, NINA)
    (link, *_) = [one for one in browser.mails(NINA)[0]["links"] if "#t=" in one]
    browser.token(NINA)
    for token in ("", "inv_nothing", "act_x", "x" * 400):
        answer = opened(browser, token)
        assert answer.status_code == 404
        assert "This link is not complete" in text(answer)
        assert 'name="token"' in answer.text
    assert "invites you to" in text(opened(browser, f" {link}\n"))
    assert "script-src 'self'" in browser.get("/invitation").headers["Content-Security-Policy"]


# ---- shared with me ------------------------------------------------------------------------------


def test_p2_what_is_shared_with_me_is_listed_and_what_is_not_proved_is_only_counted(
    site: Site, boss: Browser, browser: Browser
) -> None:
    assert browser.get("/account/galleries").status_code == 401
    invited(boss, NINA)
    accept(browser, browser.token(NINA))
    invited(boss, NINA, gallery=PARTY, key="another-key-of-twenty")
    page = text(browser.get("/account/galleries"))
    assert "Léa and Tom" in page
    assert "One more gallery: confirm your address to see it" in page
    assert "summer party" not in page
    assert 'href="/account/galleries"' in browser.get("/account").text
    form = hidden(browser.get("/account/galleries"), "/account/proof/code")
    mailed = browser.submit("/account/proof/code", **form)
    proof = hidden(mailed, "/account/proof")
    done = browser.submit("/account/proof", **proof, code=browser.code(NINA))
    assert at(done) == "/account/galleries?done=proved"
    page = text(browser.get(at(done)))
    assert "your address is confirmed" in page
    assert "The summer party" in page


def test_p2_who_has_none_is_told_how_they_come(browser: Browser) -> None:
    browser.register(NINA)
    page = browser.get("/account/galleries")
    assert f"None yet. As soon as a photographer invites {NINA}" in text(page)
    assert browser.get("/account/galleries?cursor=nonsense").status_code == 422


# ---- selections ----------------------------------------------------------------------------------


def test_p8_a_picture_is_kept_where_it_hangs_without_an_account(
    site: Site, browser: Browser
) -> None:
    before = site.cloud.rows()
    page = browser.get("/galleries/coast")
    assert "Keep in my selection" in text(page)
    assert site.cloud.rows() == before
    answer = keep(browser)
    assert at(answer) == "/galleries/coast#picture-first-light"
    page = browser.get("/galleries/coast")
    assert "✓ In my selection" in text(page)
    assert "1 picture of this gallery is in your selection" in text(page)
    assert browser.session()["authentication"] == "guest"
    at(keep(browser))
    answer = keep(browser, action="remove")
    assert at(answer) == "/galleries/coast#picture-first-light"
    assert "✓" not in browser.get("/galleries/coast").text


def test_p8_the_place_in_a_long_gallery_and_the_language_are_kept(browser: Browser) -> None:
    answer = browser.submit(
        "/selections/pictures?lang=fr", **LIGHT, action="keep", after="low-tide", back="//evil.com"
    )
    assert at(answer) == "/galleries/coast?after=low-tide&lang=fr#picture-first-light"


def test_p8_a_form_that_is_not_whole_keeps_nothing_and_makes_nobody(
    site: Site, browser: Browser
) -> None:
    before = site.cloud.rows()
    for form in (
        {},
        {"action": "keep"},
        {**LIGHT},
        {**LIGHT, "action": "burn"},
        {**LIGHT, "action": "keep", "picture_id": "../x"},
    ):
        assert browser.submit("/selections/pictures", **form).status_code == 422, form
    assert browser.submit("/selections").status_code == 422
    hidden_one = {"gallery_id": WEDDING, "picture_id": "after-rain"}
    assert keep(browser, hidden_one).status_code == 404
    assert keep(browser, selection_id="someone-elses").status_code == 404
    assert site.cloud.rows() == before
    assert browser.cookies == {}


def test_a17_as_many_as_agreed_and_not_one_more(site: Site, browser: Browser) -> None:
    set_gallery(site, "coast", "quota", {"N": "1"})
    page = text(browser.get("/galleries/coast"))
    assert "You may choose 1 picture of this gallery: 0 are in your selection." in page
    at(keep(browser))
    answer = keep(browser, TIDE)
    assert answer.status_code == 409
    assert "as many pictures of this gallery as agreed" in text(answer)
    assert "You may choose 1 picture of this gallery: 1 is in your selection." in text(answer)
    assert "First light" in answer.text


def test_p8_a_guests_selection_is_seen_taken_from_and_deleted(browser: Browser) -> None:
    assert "Nothing is kept yet" in text(browser.get("/selections"))
    assert browser.cookies == {}
    at(keep(browser))
    at(keep(browser, TIDE))
    mine = browser.get("/selections")
    assert "My selection 2 pictures" in text(mine)
    assert "With an account you can keep several" in text(mine)
    path = f"/selections/{UNNAMED}"
    page = browser.get(path)
    assert "First light" in page.text
    assert f'action="{path}/rename"' not in page.text
    taken = keep(browser, TIDE, action="remove", selection_id=UNNAMED, back=path)
    assert at(taken) == f"{path}?done=removed"
    assert "Low tide" not in browser.get(path).text
    unticked = browser.submit(f"{path}/delete")
    assert unticked.status_code == 422
    assert at(browser.submit(f"{path}/delete", confirm="yes")) == "/selections?done=deleted"
    assert "Nothing is kept yet" in text(browser.get("/selections?done=deleted"))
    assert browser.get(path).status_code == 404


def test_p11_a_client_has_many_with_names_and_chooses_which_to_keep_in(browser: Browser) -> None:
    browser.register(NINA)
    listed = browser.get("/selections")
    empty = browser.submit("/selections", name=" ")
    assert empty.status_code == 422
    form = {**hidden(listed, "/selections"), "name": "For the album"}
    made = at(browser.submit("/selections", **form))
    assert at(browser.submit("/selections", **form)) == made  # sent twice, made once
    path = made.partition("?")[0]
    id_ = path.rpartition("/")[2]
    gallery = browser.get(f"/galleries/coast?into={id_}")
    assert "Keep in “For the album”" in text(gallery)
    assert hidden(gallery, "/selections/pictures")["selection_id"] == id_
    answer = keep(browser, selection_id=id_)
    assert at(answer) == f"/galleries/coast?into={id_}#picture-first-light"
    assert "✓ In “For the album”" in text(browser.get(f"/galleries/coast?into={id_}"))
    assert "✓" not in browser.get("/galleries/coast").text
    assert at(browser.submit(f"{path}/rename", name="Our album")) == f"{path}?done=renamed"
    assert browser.submit(f"{path}/rename", name="").status_code == 422
    page = browser.get(path)
    assert "Our album" in text(page)
    assert "First light" in page.text
    assert browser.submit(f"/selections/{UNNAMED}/rename", name="x").status_code in {404, 422}


def test_p8_a_shared_selection_shows_others_what_they_may_see_and_no_more(
    browser: Browser, other: Browser
) -> None:
    browser.submit(f"/galleries/{PARTY}/door", password=PARTY_PASSWORD)
    at(keep(browser))
    at(keep(browser, {"gallery_id": PARTY, "picture_id": "north-pier"}))
    path = f"/selections/{UNNAMED}"
    assert "shared-selection#t=" not in browser.get(path).text
    shared = browser.submit(f"{path}/share")
    (link,) = re.findall(r'value="(http[^"]+/shared-selection#t=[^"]+)" readonly', shared.text)
    assert link in browser.submit(f"{path}/share").text
    seen = other.submit("/shared-selection", token=link)
    assert seen.status_code == 200
    assert "First light" in seen.text
    assert "The last dance" not in seen.text
    assert "1 picture is not for you to see" in text(seen)
    assert "<form" not in re.search("(?s)<main.*</main>", seen.text)[0]  # type: ignore[index]
    assert other.cookies == {}
    assert at(browser.submit(f"{path}/unshare")) == f"{path}?done=unshared"
    gone = other.submit("/shared-selection", token=link)
    assert gone.status_code == 410
    assert "It is not shared any more" in text(gone)
    assert other.submit("/shared-selection", token="sel_x").status_code == 404


def test_p11_a_selection_is_sent_to_the_photographer_with_a_name_and_a_message(
    boss: Browser, browser: Browser
) -> None:
    browser.submit(f"/galleries/{PARTY}/door", password=PARTY_PASSWORD)
    at(keep(browser, {"gallery_id": PARTY, "picture_id": "north-pier"}))
    path = f"/selections/{UNNAMED}"
    refused = browser.submit(f"{path}/submit", sender="Nina", message="www.evil.example")
    assert refused.status_code == 422
    assert "Please write no links" in text(refused)
    assert 'value="Nina"' in refused.text
    answer = browser.submit(f"{path}/submit", sender="Nina", message="For the album.\nThank you")
    assert at(answer) == f"{path}?done=sent"
    page = text(browser.get(at(answer)))
    assert "It was sent." in page
    assert "last sent to the photographer" in page
    (sent,) = boss.get(f"/v1/staff/galleries/{PARTY}/selections").json["items"]
    assert (sent["name"], sent["message"]) == ("Nina", "For the album.\nThank you")


def test_p8_a_picture_that_went_away_can_be_taken_out_and_an_empty_one_is_not_sent(
    site: Site, browser: Browser
) -> None:
    at(keep(browser))
    update(site, "GALLERY#coast", "GALLERY#PICTURE#first-light", "hidden", {"BOOL": True})
    path = f"/selections/{UNNAMED}"
    page = browser.get(path)
    assert "A picture that is not there any more" in text(page)
    assert "First light" not in page.text
    assert f'action="{path}/submit"' not in page.text
    refused = browser.submit(f"{path}/submit")
    assert refused.status_code == 409
    assert "nothing in this selection to send" in text(refused)
    at(keep(browser, LIGHT, action="remove", back=path))


def test_0_14_selections_of_who_is_only_remembered_ask_for_a_sign_in(
    site: Site, browser: Browser
) -> None:
    browser.register(NINA)
    browser.sign_in(NINA, remember=True)
    at(keep(browser))
    site.advance(3 * HOUR)
    assert hidden(browser.get("/selections"), "/sign-in")["back"] == "/selections"
    gallery = browser.get("/galleries/coast")
    assert gallery.status_code == 200
    assert "✓" not in gallery.text
    refused = keep(browser, TIDE)
    assert refused.status_code == 401
    assert hidden(refused, "/sign-in")["back"] == "/galleries/coast"


def test_p8_nobody_sees_or_changes_the_selection_of_another(
    browser: Browser, other: Browser
) -> None:
    browser.register(NINA)
    listed = browser.get("/selections")
    made = browser.submit("/selections", **hidden(listed, "/selections"), name="Mine")
    path = at(made).partition("?")[0]
    for who in (other, other.register("otto@example.com")):
        assert who.get(path).status_code == 404
        for deed in ("rename", "share", "unshare", "submit"):
            assert who.submit(f"{path}/{deed}", name="x").status_code == 404, deed
        who.submit(f"{path}/delete", confirm="yes")  # what is not there is gone
    assert browser.get(path).status_code == 200


# ---- as everywhere -------------------------------------------------------------------------------


def test_the_address_of_a_page_that_answered_a_form_leads_to_the_form(browser: Browser) -> None:
    for path, place in (
        ("/invitation/link", "/invitation"),
        ("/invitation/sign-in", "/invitation"),
        ("/galleries/coast/door", "/galleries/coast"),
        ("/galleries/coast/access", "/galleries/coast"),
        ("/selections/pictures", "/selections"),
        (f"/selections/{UNNAMED}/share", f"/selections/{UNNAMED}"),
        (f"/selections/{UNNAMED}/submit", f"/selections/{UNNAMED}"),
    ):
        assert at(browser.get(path)) == place
        assert at(browser.get(f"{path}?lang=fr")) == f"{place}?lang=fr"


def test_what_others_wrote_is_shown_as_text(site: Site, boss: Browser, browser: Browser) -> None:
    evil = "<script>alert(1)</script>"
    boss.send(
        "POST",
        f"/v1/staff/galleries/{WEDDING}/invitations",
        headers={"Idempotency-Key": "a-key-of-twenty-char"},
        json={"addresses": [NINA], "message": f"{evil}\nAna"},
    )
    token = browser.token(NINA)
    page = opened(browser, token)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\nAna" in page.text
    at(browser.submit("/invitation", token=token, name=evil, terms="yes"))
    named = browser.submit("/selections", name=evil)
    for path in (at(named), "/selections", "/galleries/coast", "/account/galleries"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert evil not in answer.text


def test_pages_need_no_script_and_no_inline_style(boss: Browser, browser: Browser) -> None:
    invited(boss, NINA)
    at(keep(browser))
    pages = [
        browser.get(path)
        for path in (
            "/galleries",
            "/galleries/coast",
            f"/galleries/{PARTY}",
            "/selections",
            f"/selections/{UNNAMED}",
        )
    ]
    for page in (*pages, opened(browser, browser.token(NINA))):
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert " on" not in re.sub(r">[^<]*<", "><", page.text)
