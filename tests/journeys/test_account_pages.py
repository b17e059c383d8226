"""The pages of becoming and being a client: forms without scripts, what is wrong said at its field,
nothing typed lost."""

import re
from functools import partial
from html import unescape

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.conftest import SCHEDULES
from tests.visiting import OTHER_PASSWORD, PASSWORD, VOUCHER, Answer, Browser, orders

NINA = "nina@example.com"
HOUR, DAY = 3_600, 86_400
LINE = "/cart/lines/UVDiUmEYep33"


def text(answer: Answer) -> str:
    main = re.search(r"(?s)<main.*?</main>", answer.text)
    assert main is not None
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main.group())))


def hidden(answer: Answer, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent there."""
    form = re.search(rf'(?s)<form[^>]*action="{action}[^"]*".*?</form>', answer.text)
    assert form is not None, action
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.group())
    return {name: unescape(value) for name, value in found}


@pytest.fixture
def nina(browser: Browser) -> Browser:
    return browser.register(NINA)


def test_signing_up_by_form_keeps_what_was_typed_and_says_what_is_wrong_with_it(
    site: Site, browser: Browser
) -> None:
    before = site.cloud.rows()
    answer = browser.submit("/sign-up", email="nina", name="Nina López", company="", terms="")
    assert answer.status_code == 422
    assert 'value="Nina López"' in answer.text
    assert 'value="nina"' in answer.text
    assert "This is not an address mail can be sent to." in text(answer)
    assert "Please agree to this first." in text(answer)
    assert '<a href="#email">' in answer.text
    assert "<title>Error:" in answer.text
    assert site.cloud.rows() == before
    sent = browser.submit("/sign-up", email=NINA, name="Nina López", terms="yes")
    assert "We have written to nina@example.com" in text(sent)


def test_the_pages_say_when_one_may_ask_again(browser: Browser) -> None:
    browser.submit("/sign-up", email=NINA, name="Nina", terms="yes")
    for _ in range(2):
        assert browser.submit("/sign-up/again", email=NINA).status_code == 200
    for path in ("/sign-up/again", "/sign-in/code", "/forgotten-password"):
        answer = browser.submit(path, email=NINA)
        assert answer.status_code == 429, path
        assert "You can try again in 60 minutes." in text(answer), path


@pytest.mark.parametrize("form", ["/activate/link", "/activate"])
def test_the_whole_link_may_be_pasted(browser: Browser, form: str) -> None:
    browser.sign_up(NINA)
    (link,) = browser.mails(NINA)[0]["links"]
    answer = browser.submit(form, token=f"  {link} ")
    assert answer.status_code == (200 if form == "/activate/link" else 303)


def test_a_link_in_another_browser_asks_for_name_password_and_terms(
    gateway: Gateway, browser: Browser
) -> None:
    browser.add(VOUCHER)
    browser.sign_up(NINA)
    token, other = browser.token(NINA), Browser(gateway, address="203.0.113.3")
    page = text(other.submit("/activate/link", token=token))
    assert "Somebody signed up with n…@e….com in another browser" in page
    assert "Bring the 1 item from the cart of that other browser" in page
    form = {"token": token, "password": PASSWORD, "name": "Nina", "terms": "yes"}
    answer = other.submit("/activate", **form, take_over="yes")
    assert answer.headers["Location"] == "/account?done=activated&brought=max.1.0.0.0"
    assert "1 item was brought along" in text(other.get(answer.headers["Location"]))
    assert other.session()["next"] == []
    used = other.submit("/activate/link", token=token)
    assert used.status_code == 409
    assert "Open my space" in text(used)


def test_signed_in_as_somebody_else_one_signs_out_and_goes_on_with_the_link(
    gateway: Gateway, nina: Browser
) -> None:
    Browser(gateway, address="203.0.113.3").sign_up("otto@example.com")
    token = nina.token("otto@example.com")
    page = nina.submit("/activate/link", token=token)
    assert page.status_code == 409
    assert "You are signed in under another address" in text(page)
    went_on = nina.submit("/sign-out", **hidden(page, "/sign-out"))
    assert "Somebody signed up with o…@e….com" in text(went_on)
    assert nina.session()["authentication"] == "generic"


def test_an_older_cart_is_asked_about_and_the_answer_counts(
    site: Site, gateway: Gateway, nina: Browser
) -> None:
    guest = Browser(gateway, address="203.0.113.3")
    guest.add(VOUCHER)
    site.advance(DAY)
    page = guest.submit("/sign-in", email=NINA, password=PASSWORD)
    assert page.status_code == 409
    assert "with 1 item. Is it yours?" in text(page)
    assert PASSWORD not in page.text
    answer = guest.submit("/sign-in", email=NINA, password=PASSWORD, take_over="yes")
    assert answer.headers["Location"] == "/account?done=signed-in&brought=max.1.0.0.0"


@pytest.mark.parametrize("by", ["password", "code"])
def test_a_session_that_ended_while_somebody_typed_loses_nothing(
    site: Site, nina: Browser, by: str
) -> None:
    nina.add(VOUCHER)
    site.advance(3 * HOUR)
    ended = nina.submit(LINE, quantity="7", action="set")
    assert ended.status_code == 401
    assert "Your session has ended" in text(ended)
    assert "Quantity 7" in text(ended)
    kept = hidden(ended, "/sign-in/continue")
    if by == "password":
        page = nina.submit("/sign-in/continue", **kept)
        fields = hidden(page, "/sign-in")
        page = nina.submit("/sign-in", **fields, email=NINA, password=PASSWORD)
    else:
        page = nina.submit("/sign-in/continue", **kept, by="code")
        fields = hidden(page, "/sign-in/code")
        page = nina.submit("/sign-in/code", **fields, email=NINA)
        fields = hidden(page, "/sign-in/code/enter")
        page = nina.submit("/sign-in/code/enter", **fields, code=nina.code(NINA))
    assert "What you typed was kept" in text(page)
    sent = nina.submit(LINE, **hidden(page, LINE))
    assert sent.status_code == 303
    assert nina.quantities() == {"voucher": 7}


def test_a_password_is_not_kept_and_the_way_back_is_offered(site: Site, nina: Browser) -> None:
    site.advance(3 * HOUR)
    page = nina.submit("/account/security/password", new=OTHER_PASSWORD)
    assert page.status_code == 401
    assert OTHER_PASSWORD not in page.text
    fields = hidden(page, "/sign-in")
    assert fields["back"] == "/account/security"
    answer = nina.submit("/sign-in", **fields, email=NINA, password=PASSWORD)
    assert answer.headers["Location"].startswith("/account/security")


def test_two_tabs_a_cart_that_changed_hands_is_sent_again(nina: Browser) -> None:
    nina.add(VOUCHER)
    tab = nina.twin()
    nina.sign_in(NINA)
    page = tab.submit(LINE, quantity="3", action="set")
    assert page.status_code == 409
    assert "Send it again" in text(page)
    assert hidden(page, LINE) == {"quantity": "3", "action": "set"}


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_r29_one_comes_back_to_this_site_alone(nina: Browser, back: str) -> None:
    answer = nina.submit("/sign-in", email=NINA, password=PASSWORD, back=back)
    assert answer.headers["Location"].startswith("/?done=signed-in")
    page = nina.submit("/sign-in", email=NINA, password=PASSWORD, then=back, kept="a=1")
    assert "evil" not in page.text
    assert "javascript" not in page.text


def test_kept_input_is_shown_as_text_and_nothing_else(nina: Browser) -> None:
    evil = 'quantity="><script>alert(1)</script>&password=x&%22onload=%22=1'
    page = nina.submit("/sign-in", email=NINA, password=PASSWORD, then="/cart", kept=evil)
    assert "<script>" not in page.text
    assert "password" not in hidden(page, "/cart")


def test_proof_is_asked_for_and_then_it_can_be_done(site: Site, nina: Browser) -> None:
    site.advance(601)
    asked = nina.submit("/account/security/password", new=OTHER_PASSWORD)
    assert asked.status_code == 401
    assert "Is it you?" in text(asked)
    wrong = nina.submit("/account/proof", password=OTHER_PASSWORD)
    assert (wrong.status_code, "type the password again" in text(wrong)) == (401, True)
    assert "The code from the mail" in text(nina.submit("/account/proof/code"))
    assert nina.submit("/account/proof", code=nina.code(NINA)).status_code == 303
    assert nina.submit("/account/security/password", new=OTHER_PASSWORD).status_code == 303
    nina.send("DELETE", "/v1/session")
    assert nina.sign_in(NINA, OTHER_PASSWORD).status_code == 200


def test_pages_that_answered_a_form_lead_back_to_it(browser: Browser) -> None:
    for path, form in (
        ("/activate/link", "/activate"),
        ("/sign-up/again", "/sign-up"),
        ("/sign-in/code/enter", "/sign-in/code"),
        ("/account/proof", "/account/security"),
        ("/account/address/confirm", "/account/address"),
    ):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, form)


def test_a_page_whose_session_ends_while_it_is_made_is_no_error(site: Site, nina: Browser) -> None:
    tab = nina.twin()
    for path in ("/account", "/account/security", "/cart"):
        flows = [partial(tab.get, path), partial(nina.send, "DELETE", "/v1/session")]
        for shown, _ in orders(site, flows, SCHEDULES):
            assert shown.status_code in {200, 401}
        nina.sign_in(NINA)
        tab = nina.twin()


def test_only_pages_that_read_a_fragment_run_a_script(browser: Browser) -> None:
    for path in ("/", "/sign-up", "/sign-in", "/forgotten-password", "/cart"):
        assert "script" not in browser.get(path).headers["Content-Security-Policy"]
        assert "<script" not in browser.get(path).text
    browser.register(NINA)
    for path in ("/activate", "/sign-in/code", "/reset", "/account/address"):
        answer = browser.get(path)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.text.count("<script") == 1


# ---- another address -----------------------------------------------------------------------------

NEW = "nina.new@example.com"


def test_an_address_is_changed_by_the_link_mailed_to_the_new_one(nina: Browser) -> None:
    assert "You sign in with nina@example.com" in text(nina.get("/account/address"))
    wrong = nina.submit("/account/address", email="nina at home")
    assert wrong.status_code == 422
    assert 'value="nina at home"' in wrong.text
    assert "This is not an address mail can be sent to." in text(wrong)
    assert nina.submit("/account/address", email=NINA).status_code == 422  # it is that already
    sent = nina.submit("/account/address", email=NEW)
    assert "Check your mail" in text(sent)
    assert f"We have written to {NEW}" in text(sent)
    assert "you sign in with nina@example.com, and we have told that address" in text(sent)
    assert NEW not in nina.mails(NINA)[0]["text"]
    other = nina.twin()
    answer = nina.submit("/account/address/confirm", token=f" {nina.mails(NEW)[0]['links'][0]} ")
    assert answer.headers["Location"] == "/account?done=address"
    done = text(nina.get("/account?done=address"))
    assert f"From now on you sign in with {NEW}" in done
    assert other.session()["user"]["email"] == NEW  # the same browser, another tab
    assert "The e-mail address was changed" in text(nina.get("/account/history"))
    nina.send("DELETE", "/v1/session")
    assert nina.sign_in(NEW).status_code == 200


def test_in_a_browser_not_signed_in_the_link_is_opened_again_after_signing_in(
    gateway: Gateway, nina: Browser
) -> None:
    nina.submit("/account/address", email=NEW)
    token, other = nina.token(NEW), Browser(gateway, address="203.0.113.3")
    asked = other.get("/account/address?lang=en")
    assert asked.status_code == 401
    assert "open it once more in this browser" in text(asked)
    sent = other.submit("/account/address/confirm", token=token)
    assert sent.status_code == 401
    assert token not in sent.text
    fields = hidden(sent, "/sign-in")
    assert fields["back"] == "/account/address"
    answer = other.submit("/sign-in", **fields, email=NINA, password=PASSWORD)
    assert "Open it once more now" in text(other.get(answer.headers["Location"]))
    assert other.submit("/account/address/confirm", token=token).status_code == 303


def test_a_link_to_another_address_that_is_not_good_says_so_and_changes_nothing(
    site: Site, gateway: Gateway, nina: Browser
) -> None:
    nina.submit("/account/address", email=NEW)
    old = nina.token(NEW)
    nina.submit("/account/address", email=NEW)
    token = nina.token(NEW)
    otto = Browser(gateway, address="203.0.113.3").register("otto@example.com")
    for browser, sent, status, said in (
        (nina, "", 422, "This is missing."),
        (nina, "eml_nothing", 404, "This link is not complete"),
        (nina, old, 410, "A newer link was mailed since"),
        (otto, token, 409, "You are signed in under another address"),
    ):
        answer = browser.submit("/account/address/confirm", token=sent)
        assert (answer.status_code, said in text(answer)) == (status, True), said
    Browser(gateway, address="203.0.113.4").register(NEW)
    taken = nina.submit("/account/address/confirm", token=token)
    assert (taken.status_code, "There is an account with" in text(taken)) == (409, True)
    site.advance(HOUR)
    late = nina.submit("/account/address/confirm", token=token)
    assert (late.status_code, "This link is too old" in text(late)) == (410, True)
    assert nina.session()["user"]["email"] == NINA


def test_another_address_needs_a_proof_and_one_comes_back_to_ask(site: Site, nina: Browser) -> None:
    site.advance(601)
    asked = nina.submit("/account/address", email=NEW)
    assert asked.status_code == 401
    assert nina.mails(NEW) == []
    fields = hidden(asked, "/account/proof")
    assert fields == {"back": "/account/address"}
    assert hidden(nina.submit("/account/proof/code", **fields), "/account/proof") == fields
    proved = nina.submit("/account/proof", **fields, password=PASSWORD)
    assert proved.headers["Location"] == "/account/address?done=proved"
    assert "For ten minutes" in text(nina.get("/account/address?done=proved"))
    assert nina.submit("/account/address", email=NEW).status_code == 200


def test_who_has_not_proved_his_address_is_asked_for_a_mailed_code(
    site: Site, nina: Browser
) -> None:
    """A link alone does not show whose a mailbox is, nor does a password."""
    site.cloud.client("dynamodb").update_item(
        TableName=site.cloud.table_name,
        Key={"pk": {"S": f"USER#{nina.who()}"}, "sk": {"S": "USER"}},
        UpdateExpression="SET unproved = :yes",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    asked = nina.submit("/account/address", email=NEW)
    assert asked.status_code == 403
    assert "Please show that the address is yours" in text(asked)
    assert 'name="password"' not in asked.text
    nina.submit("/account/proof/code", **hidden(asked, "/account/proof/code"))
    proved = nina.submit("/account/proof", code=nina.code(NINA), back="/account/address")
    assert proved.headers["Location"] == "/account/address?done=proved"
    assert nina.submit("/account/address", email=NEW).status_code == 200


def test_the_history_says_what_happened_and_who_did_it_page_by_page(
    site: Site, gateway: Gateway, nina: Browser
) -> None:
    first = text(nina.get("/account/history"))
    assert "The account became active" in first
    assert "by you" in first
    assert "Given: registered customer" in first
    for number in range(21):
        site.advance(1)
        assert nina.choose_password(f"{PASSWORD} {number}").status_code == 204
    page = nina.get("/account/history")
    assert page.text.count("A new password was chosen") == 20
    (path,) = re.findall(r'href="(/account/history\?cursor=[^"]+)"', page.text)
    before = nina.get(unescape(path))
    assert before.text.count("A new password was chosen") == 1
    assert "Back to the newest" in text(before)
    otto = Browser(gateway, address="203.0.113.3").register("otto@example.com")
    assert otto.get(unescape(path)).status_code == 422  # it is not his
    assert 'href="/account/history"' in nina.get("/account").text
    assert 'href="/account/address"' in nina.get("/account").text


# ---- who may become a client ---------------------------------------------------------------------


def test_where_signing_up_is_not_offered_a_sentence_stands_in_place_of_the_form(
    site: Site, browser: Browser
) -> None:
    actions = site.module("foyer.rules.policy").POLICY.actions
    offered = actions.sign_up
    object.__setattr__(actions, "sign_up", ("A", "S"))
    try:
        page = browser.get("/sign-up")
        assert page.status_code == 403
        assert "This is not offered here" in text(page)
        assert 'name="email"' not in page.text
        sent = browser.submit("/sign-up", email=NINA, name="Nina", terms="yes")
        assert sent.status_code == 403
        assert "This is not offered here" in text(sent)
        assert browser.mails(NINA) == []
        assert "/sign-up" not in browser.get("/sign-in").text
    finally:
        object.__setattr__(actions, "sign_up", offered)


def test_who_was_rejected_too_often_is_told_when_to_come_back(site: Site, gateway: Gateway) -> None:
    staff = Browser(gateway, address="203.0.113.9")
    admin, demo = "admin@studio.example.com", "a long demo passphrase"
    staff.sign_in(admin, demo)
    staff.sign_in(admin, demo, code=staff.code(admin))
    for number in range(5):
        other = Browser(gateway, address=f"192.0.2.{20 + number}")
        other.sign_up(NINA, organization_id="hotel-miramar")
        token = other.token(NINA)
        page = other.submit("/activate/link", token=token)
        if page.status_code == 429:
            break
        other.activate(token, password=PASSWORD)
        (waits,) = staff.get(f"/v1/staff/users?email={NINA}").json["items"]
        rejected = staff.post(f"/v1/staff/users/{waits['id']}/reject", {"reason": "No."})
        assert rejected.status_code == 200
        site.advance(HOUR // 2)
    assert number == 4
    assert "You have registered again several times" in text(page)
    assert "You can try again in 30 days." in text(page)
    assert other.submit("/activate", token=token, password=PASSWORD).status_code == 429


# ---- people of an organization -------------------------------------------------------------------


def test_h23_the_people_of_an_organization_sign_up_by_a_link_that_names_it(
    browser: Browser,
) -> None:
    page = browser.get("/sign-up?organization_id=hotel-miramar")
    assert "people of an organization" in text(page)
    hidden = re.search(r'name="organization_id" value="([^"]+)"', page.text)
    assert hidden
    form = {"email": "nina@example.com", "name": "Nina", "terms": "yes"}
    browser.submit("/sign-up", **form, organization_id=hidden[1])
    answer = browser.submit("/activate", token=browser.token("nina@example.com"))
    assert "The studio looks at each new account" in text(answer)


@pytest.mark.parametrize(("belongs", "waits"), [("yes", True), ("no", False)])
def test_h23_elsewhere_the_organization_counts_if_the_person_says_so(
    browser: Browser, gateway: Gateway, belongs: str, waits: bool
) -> None:
    form = {"email": "nina@example.com", "name": "Nina", "terms": "yes"}
    browser.submit("/sign-up", **form, organization_id="hotel-miramar")
    other = Browser(gateway, address="192.0.2.60")
    token = other.token("nina@example.com")
    page = other.submit("/activate/link", token=token)
    assert "Do you belong to Hotel Miramar?" in text(page)
    mine = {"name": "Nina", "password": PASSWORD, "terms": "yes", "belongs": belongs}
    answer = other.submit("/activate", token=token, organization_id="hotel-miramar", **mine)
    assert answer.status_code == (200 if waits else 303)
    assert ("The studio looks at each new account" in answer.text) == waits
