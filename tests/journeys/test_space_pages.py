"""The pages of a client's own space: profile, address book, privacy, the end of the newsletter."""

import re
from html import unescape

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.inviting import WEDDING, invited, photographer
from tests.journeys.test_account_pages import hidden, text
from tests.journeys.test_addresses import HOME, WORK, book, fill
from tests.journeys.test_consents import ledger, say, see, subscribed, update
from tests.people import Person, administrator, plant
from tests.visiting import OTHER_PASSWORD, PASSWORD, TERMS, VOUCHER, Answer, Browser

HOUR = 3_600


@pytest.fixture
def nina(site: Site) -> Person:
    return plant(site, "nina")


@pytest.fixture
def unasked(site: Site) -> Person:
    """Somebody who agreed to nothing yet."""
    return plant(site, "uma", agreed=False)


@pytest.fixture
def other(gateway: Gateway) -> Browser:
    return Browser(gateway, address="192.0.2.88")


def ticked(answer: Answer) -> list[str]:
    boxes = re.findall(r'<input type="checkbox"[^>]*>', answer.text)
    return [box for box in boxes if " checked" in box]


def test_the_space_leads_to_all_of_it(nina: Person) -> None:
    page = nina.browser.get("/account").text
    for path in ("/account/profile", "/account/addresses", "/account/privacy"):
        assert f'href="{path}"' in page
        answer = nina.browser.get(path)
        assert answer.status_code == 200
        assert 'href="/account"' in answer.text
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    "path", ["/account/profile", "/account/addresses", "/account/privacy", "/account/terms"]
)
def test_they_are_for_who_is_signed_in_not_for_who_is_only_remembered(
    site: Site, nina: Person, other: Browser, path: str
) -> None:
    assert other.get(path).status_code == 401
    other.sign_in(nina.email, PASSWORD, remember=True)
    site.advance(2 * HOUR)
    before = site.cloud.rows()
    page = other.get(path)
    assert page.status_code == 401
    assert "Nina" not in text(page)
    assert hidden(page, "/sign-in")["back"] == path
    assert other.submit(path, name="Otto", terms="yes", newsletter="yes").status_code == 401
    assert site.cloud.rows() == before


# ---- profile -------------------------------------------------------------------------------------


def profile(browser: Browser, **typed: str) -> Answer:
    """The form as it stands, with something typed over it."""
    page = browser.get("/account/profile")
    fields = dict(re.findall(r'<input id="(\w+)" name="\w+"[^>]*? value="([^"]*)"', page.text))
    (locale,) = re.findall(r'<option value="(\w+)" selected', page.text)
    shown = hidden(page, "/account/profile")
    return browser.submit("/account/profile", **{**fields, "locale": locale, **shown, **typed})


def test_the_profile_is_changed_by_a_form_that_says_what_it_is_for(nina: Person) -> None:
    page = nina.browser.get("/account/profile")
    for name, token in (("name", "name"), ("company", "organization"), ("phone", "tel")):
        assert re.search(rf'name="{name}"[^>]*autocomplete="{token}"', page.text)
    answer = profile(nina.browser, name="Nina López", phone="+34 600", locale="fr")
    assert answer.headers["Location"] == "/account/profile?done=saved"
    now = nina.browser.get("/v1/account").json
    assert (now["name"], now["phone"], now["locale"]) == ("Nina López", "+34 600", "fr")
    saved = nina.browser.get("/account/profile?done=saved")
    assert saved.headers["Content-Language"] == "fr"
    assert profile(nina.browser, phone="").status_code == 303
    assert nina.browser.get("/v1/account").json["phone"] is None


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    site: Site, nina: Person
) -> None:
    before = site.cloud.rows()
    answer = profile(nina.browser, name="", phone="call me", company="Hotel")
    assert answer.status_code == 422
    assert "<title>Error:" in answer.text
    assert 'value="call me"' in answer.text
    assert 'value="Hotel"' in answer.text
    assert "This is missing." in text(answer)
    assert '<a href="#phone">' in answer.text
    assert site.cloud.rows() == before
    mended = hidden(answer, "/account/profile")
    form = {"name": "Nina", "phone": "12345", "company": "Hotel", "locale": "en"}
    assert nina.browser.submit("/account/profile", **mended, **form).status_code == 303
    assert nina.browser.get("/v1/account").json["company"] == "Hotel"


def test_what_another_tab_changed_meanwhile_is_not_written_over(nina: Person) -> None:
    shown = hidden(nina.browser.get("/account/profile"), "/account/profile")
    profile(nina.browser.twin(), company="Hotel")
    form = {"name": "Nina", "phone": "12345", "company": "", "locale": "en"}
    assert nina.browser.submit("/account/profile", **shown, **form).status_code == 303
    now = nina.browser.get("/v1/account").json
    assert (now["company"], now["phone"]) == ("Hotel", "12345")


# ---- the address book ----------------------------------------------------------------------------

FORM = {**HOME, "name": "Nina López"}


def test_addresses_are_added_changed_and_taken_out_by_forms(nina: Person) -> None:
    page = nina.browser.get("/account/addresses")
    assert "None yet." in text(page)
    assert 'value="Nina"' in page.text, "his own name is there already"
    answer = nina.browser.submit("/account/addresses", **FORM)
    assert answer.headers["Location"] == "/account/addresses?done=added"
    (entry,) = book(nina.browser)
    shown = text(nina.browser.get("/account/addresses?done=added"))
    assert "Nina López Carrer de la Marina 12 08005 Barcelona Spain" in shown
    path = f"/account/addresses/{entry['id']}"
    edit = nina.browser.get(path)
    assert 'value="Carrer de la Marina 12"' in edit.text
    assert '<option value="ES" selected>Spain</option>' in edit.text
    answer = nina.browser.submit(path, **{**FORM, **WORK})
    assert answer.headers["Location"] == "/account/addresses?done=changed"
    assert "3º 2ª 08005 Barcelona Cataluña Spain" in text(nina.browser.get("/account/addresses"))
    answer = nina.browser.submit(f"{path}/delete")
    assert answer.headers["Location"] == "/account/addresses?done=deleted"
    assert book(nina.browser) == []
    assert nina.browser.get(path).status_code == 404
    assert nina.browser.submit(path, **FORM).status_code == 404
    assert nina.browser.submit(f"{path}/delete").status_code == 303, "once more is the same"
    assert nina.browser.get(f"{path}/delete").headers["Location"] == path


def test_browsers_are_told_what_the_fields_are(nina: Person) -> None:
    page = nina.browser.get("/account/addresses").text
    for name, token in (
        ("name", "name"),
        ("line1", "address-line1"),
        ("line2", "address-line2"),
        ("postal_code", "postal-code"),
        ("city", "address-level2"),
        ("region", "address-level1"),
        ("country", "country"),
    ):
        assert re.search(rf'name="{name}"[^>]*autocomplete="{token}"', page), name


@pytest.mark.parametrize(
    ("language", "first", "germany"),
    [("en", "Afghanistan", "Germany"), ("fr", "Afghanistan", "Allemagne"),
     ("es", "Afganistán", "Alemania")],
)  # fmt: skip
def test_countries_are_called_as_in_the_pages_language(
    nina: Person, language: str, first: str, germany: str
) -> None:
    page = nina.browser.get(f"/account/addresses?lang={language}").text
    options = re.findall(r'<option value="(\w\w)">([^<]+)</option>', page)
    assert len(options) == 249
    assert unescape(options[0][1]) == first
    assert unescape(dict(options)["DE"]) == germany


def test_a_wrong_address_is_said_at_its_field_and_stays_as_it_was_typed(
    site: Site, nina: Person
) -> None:
    nina.browser.submit("/account/addresses", **FORM)
    (entry,) = book(nina.browser)
    before = site.cloud.rows()
    for path in ("/account/addresses", f"/account/addresses/{entry['id']}"):
        answer = nina.browser.submit(
            path, **{**FORM, "line1": "", "city": "Mérida", "country": "x"}
        )
        assert answer.status_code == 422
        assert "<title>Error:" in answer.text
        assert 'value="Mérida"' in answer.text
        assert '<a href="#line1">Street and number</a>' in answer.text
        assert '<a href="#country">Country</a>' in answer.text
    assert site.cloud.rows() == before


def test_a_full_book_says_so(nina: Person) -> None:
    fill(nina.browser, 20)
    page = nina.browser.get("/account/addresses")
    assert "There is room for 20 addresses." in text(page)
    assert 'name="line1"' not in page.text
    answer = nina.browser.submit("/account/addresses", **FORM)
    assert answer.status_code == 409
    assert "Your address book is full" in text(answer)


def test_the_address_book_of_another_is_not_there(site: Site, nina: Person) -> None:
    nina.browser.submit("/account/addresses", **FORM)
    (entry,) = book(nina.browser)
    otto, path = plant(site, "otto").browser, f"/account/addresses/{entry['id']}"
    before = site.cloud.rows()
    assert "Marina" not in otto.get("/account/addresses").text
    assert otto.get(path).status_code == 404
    assert otto.submit(path, **FORM).status_code == 404
    assert otto.submit(f"{path}/delete").status_code == 303
    assert site.cloud.rows() == before


def test_who_has_not_proved_his_address_proves_it_and_comes_back(site: Site) -> None:
    kim = plant(site, "kim", proved=False)
    page = kim.browser.get("/account/addresses")
    assert page.status_code == 403
    assert "Please show that the address is yours" in text(page)
    fields = hidden(page, "/account/proof/code")
    assert fields == {"back": "/account/addresses"}
    kim.browser.submit("/account/proof/code", **fields)
    proved = kim.browser.submit("/account/proof", code=kim.browser.code(kim.email), **fields)
    assert proved.headers["Location"] == "/account/addresses?done=proved"
    assert "your address is confirmed" in text(kim.browser.get("/account/addresses?done=proved"))


def test_a_session_that_ended_while_somebody_typed_an_address_loses_nothing(
    site: Site, nina: Person
) -> None:
    site.advance(3 * HOUR)
    ended = nina.browser.submit("/account/addresses", **FORM)
    assert ended.status_code == 401
    assert "Street and number Carrer de la Marina 12" in text(ended)
    page = nina.browser.submit("/sign-in/continue", **hidden(ended, "/sign-in/continue"))
    fields = hidden(page, "/sign-in")
    page = nina.browser.submit("/sign-in", **fields, email=nina.email, password=PASSWORD)
    kept = hidden(page, "/account/addresses")
    assert nina.browser.submit("/account/addresses", **kept).status_code == 303
    assert [entry["city"] for entry in book(nina.browser)] == ["Barcelona"]


# ---- privacy -------------------------------------------------------------------------------------


def test_terms_and_newsletter_are_agreed_to_apart(unasked: Person) -> None:
    browser = unasked.browser
    page = browser.get("/account/privacy")
    assert "You have not agreed to the terms yet. Nobody did so in your name." in text(page)
    assert ticked(page) == []
    shown = hidden(page, "/account/privacy")
    assert shown == {"version": TERMS}
    refused = browser.submit("/account/privacy", **shown)
    assert (refused.status_code, "Please agree to this first." in text(refused)) == (422, True)
    answer = browser.submit("/account/privacy", **shown, terms="yes")
    assert answer.headers["Location"] == "/account/privacy?done=agreed"
    assert ledger(browser) == [("terms", True, "account")]
    answer = browser.submit("/account/privacy", newsletter="yes")
    assert answer.headers["Location"] == "/account/privacy?done=newsletter"
    assert "You get our newsletter, at uma@example.com." in text(browser.get("/account/privacy"))
    assert subscribed(browser, unasked.email) == 1
    answer = browser.submit("/account/privacy", newsletter="no")
    assert answer.headers["Location"] == "/account/privacy?done=ended"
    page = browser.get("/account/privacy?done=ended")
    assert "You will not get our newsletter any more." in text(page)
    assert re.findall(r"<h3>(.*?)</h3>", page.text) == [
        "You ended the newsletter",
        "You asked for the newsletter",
        "You agreed to the terms",
    ]
    assert "in your space · version 2026-11-01" in text(page)


def test_terms_other_than_those_that_were_shown_are_not_agreed_to(unasked: Person) -> None:
    for path in ("/account/privacy", "/account/terms"):
        form = {"version": "2026-01-01", "terms": "yes"}
        answer = unasked.browser.submit(path, **form)
        assert (answer.status_code, "Our terms have changed" in text(answer)) == (422, True)
    assert see(unasked.browser)["terms"]["accepted"] is None


def test_an_address_that_says_done_does_not_lie(nina: Person) -> None:
    page = text(nina.browser.get("/account/privacy?done=newsletter"))
    assert "You will get our newsletter" not in page


def test_the_ledger_goes_on_on_the_next_page(site: Site, unasked: Person) -> None:
    for number in range(22):
        site.advance(HOUR // 2)
        unasked.browser.post("/v1/account/proof", {"password": PASSWORD})
        say(unasked.browser, newsletter=number % 2 == 0)
    page = unasked.browser.get("/account/privacy")
    assert page.text.count("<h3>") == 20
    (following,) = re.findall(r'href="(/account/privacy\?cursor=[^"]+)"', page.text)
    then = unasked.browser.get(unescape(following))
    assert then.text.count("<h3>") == 2
    assert "Back to the newest" in text(then)


# ---- asked after signing in ----------------------------------------------------------------------


def test_p20_who_has_not_agreed_is_asked_after_signing_in_and_may_say_not_now(
    unasked: Person, other: Browser
) -> None:
    other.add(VOUCHER)
    answer = other.submit("/sign-in", email=unasked.email, password=PASSWORD)
    where = answer.headers["Location"]
    assert where == "/account/terms?back=/account&done=signed-in&brought=max.1.0.0.0"
    page = other.get(where)
    assert "You are signed in. 1 item was brought along" in text(page)
    assert ticked(page) == []
    assert '<a href="/account">Not now</a>' in page.text
    space = other.get("/account")
    assert "You have not agreed to our terms yet." in text(space)
    assert 'href="/account/terms"' in space.text
    shown = hidden(page, "/account/terms")
    refused = other.submit("/account/terms", **shown, newsletter="yes")
    assert (refused.status_code, len(ticked(refused))) == (422, 1)
    assert see(other)["items"] == []
    answer = other.submit("/account/terms", **shown, terms="yes")
    assert answer.headers["Location"] == "/account?done=agreed"
    assert "You have agreed to the terms." in text(other.get("/account?done=agreed"))
    assert ledger(other) == [("terms", True, "account")]
    assert other.get("/account/terms").headers["Location"] == "/account", "asked no more"
    assert "agreed to our terms" not in text(other.get("/account"))


def test_both_may_be_said_at_once(unasked: Person) -> None:
    shown = hidden(unasked.browser.get("/account/terms?back=/cart"), "/account/terms")
    answer = unasked.browser.submit("/account/terms", **shown, terms="yes", newsletter="yes")
    assert answer.headers["Location"] == "/cart?done=agreed"
    assert ledger(unasked.browser) == [
        ("terms", True, "account"),
        ("newsletter", True, "account"),
    ]


def test_they_are_asked_by_whichever_way_they_sign_in(
    site: Site, unasked: Person, gateway: Gateway
) -> None:
    by_code, by_reset = (Browser(gateway, address=f"192.0.2.{n}") for n in (91, 92))
    page = by_code.submit("/sign-in/code", email=unasked.email)
    code = by_code.code(unasked.email)
    fields = hidden(page, "/sign-in/code/enter")
    answer = by_code.submit("/sign-in/code/enter", **fields, code=code)
    assert answer.headers["Location"].startswith("/account/terms?back=/account&done=signed-in")
    by_reset.submit("/forgotten-password", email=unasked.email)
    token = by_reset.token(unasked.email)
    answer = by_reset.submit("/reset", token=token, password=OTHER_PASSWORD)
    assert answer.headers["Location"].startswith("/account/terms?back=/account&done=reset")
    invited(photographer(site).browser, unasked.email)
    guest = Browser(gateway, address="192.0.2.93")
    token = guest.token(unasked.email)
    form = {"email": unasked.email, "password": OTHER_PASSWORD}
    answer = guest.submit("/invitation/sign-in", token=token, **form)
    there = f"/account/terms?back=/galleries/{WEDDING}&done=accepted"
    assert answer.headers["Location"] == there


def test_who_has_agreed_is_not_asked(nina: Person, other: Browser) -> None:
    answer = other.submit("/sign-in", email=nina.email, password=PASSWORD)
    assert answer.headers["Location"] == "/account?done=signed-in"


def test_changed_terms_are_asked_about_in_other_words_than_an_account_staff_opened(
    site: Site, nina: Person, browser: Browser
) -> None:
    update(site, nina.id, "SET terms = :old", **{":old": {"S": "2025-01-01"}})
    assert "Our terms have changed since you agreed" in text(nina.browser.get("/account/terms"))
    assert "Our terms have changed since you agreed" in text(nina.browser.get("/account"))
    form = {"email": "kim@example.com", "name": "Kim", "profile_type": "C"}
    administrator(site).browser.post("/v1/staff/users", form)
    browser.activate(browser.token("kim@example.com"), password=PASSWORD)
    page = text(browser.get("/account/terms"))
    assert "The studio opened this account for you. Nothing was agreed to in your name" in page


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_r29_one_comes_back_to_this_site_alone(unasked: Person, back: str) -> None:
    page = unasked.browser.get(f"/account/terms?back={back}")
    assert "evil" not in page.text
    form = {"version": TERMS, "terms": "yes", "back": back}
    answer = unasked.browser.submit("/account/terms", **form)
    assert answer.headers["Location"] == "/?done=agreed"
    assert unasked.browser.get(f"/account/terms?back={back}").headers["Location"] == "/"


def test_wherever_one_is_asked_nothing_is_ticked(site: Site, browser: Browser) -> None:
    pages = [browser.get("/sign-up")]
    invited(photographer(site).browser, "kim@example.com")
    pages.append(browser.submit("/invitation/link", token=browser.token("kim@example.com")))
    browser.sign_up("nina@example.com", consents={"terms": TERMS, "newsletter": True})
    elsewhere = Browser(browser.gateway, address="192.0.2.90")
    token = browser.token("nina@example.com")
    pages.append(elsewhere.submit("/activate/link", token=token))
    for page in pages:
        assert 'name="newsletter"' in page.text
        assert 'name="terms"' in page.text
        assert 'href="/terms"' in page.text
        assert ticked(page) == []


# ---- away from the newsletter --------------------------------------------------------------------


def test_the_link_in_the_mail_leads_to_a_page_where_one_click_ends_it(
    nina: Person, other: Browser
) -> None:
    say(nina.browser, newsletter=True)
    (link,) = nina.browser.mails(nina.email)[0]["links"]
    token = nina.browser.token(nina.email)
    page = other.get("/unsubscribe?lang=en")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.text.count("<script") == 1
    assert 'data-link="fill"' in page.text
    answer = other.submit("/unsubscribe", token=link)
    assert answer.status_code == 200
    assert "You will not get our newsletter any more. Nothing else has changed." in text(answer)
    assert token not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert see(nina.browser)["newsletter"] is False
    assert ledger(nina.browser)[0] == ("newsletter", False, "mail")
    again = other.submit("/unsubscribe", token=token)
    assert "It is ended" in text(again)


def test_a_link_that_is_not_whole_says_what_else_one_can_do(site: Site, other: Browser) -> None:
    before = site.cloud.rows()
    for token in ("", "uns_nothing", "https://example.com/unsubscribe#t=uns_x"):
        answer = other.submit("/unsubscribe", token=token)
        assert answer.status_code == 404
        assert "This link is not complete" in text(answer)
        assert "you can end the newsletter in your space" in text(answer)
    assert site.cloud.rows() == before


def test_it_is_taken_from_this_site_alone(nina: Person, other: Browser) -> None:
    """The page's form, unlike the header's address."""
    say(nina.browser, newsletter=True)
    token = nina.browser.token(nina.email)
    answer = other.send(
        "POST", "/unsubscribe", data={"token": token}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert see(nina.browser)["newsletter"] is True
