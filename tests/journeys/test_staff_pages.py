"""The pages of staff: who waits, who is who, what can be done now; shown to who may, in words."""

import json
import re
from html import unescape
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import ROOT, Site
from tests.journeys.test_account_pages import hidden, text
from tests.ordering import place
from tests.visiting import OTHER_PASSWORD, PASSWORD, VOUCHER, Answer, Browser

ADMIN, DEMO = "admin@studio.example.com", "a long demo passphrase"
ANA = "ana@studio.example.com"
NINA = "nina@example.com"
EVIL = "<script>alert(1)</script>"
MINUTE, HOUR = 60, 3_600
PAGES = ("/staff", "/staff/people", "/staff/people/new", "/staff/organizations")


def staff(gateway: Gateway, email: str = ADMIN, password: str = DEMO) -> Browser:
    """Signed in as they must: a password, and a code on a browser we do not know."""
    browser = Browser(gateway, address="203.0.113.9")
    assert browser.sign_in(email, password).json["code"] == "code_required"
    assert browser.sign_in(email, password, code=browser.code(email)).status_code == 200
    return browser


@pytest.fixture
def admin(gateway: Gateway) -> Browser:
    return staff(gateway)


@pytest.fixture
def guest(browser: Browser) -> Browser:
    """Nina, who registers with the hotel and waits, something in her cart."""
    browser.add(VOUCHER)
    browser.sign_up(NINA, organization_id="hotel-miramar")
    activated = browser.activate(browser.token(NINA), password=PASSWORD)
    assert activated.json["status"] == "pending_approval"
    return browser


def found(admin: Browser, email: str = NINA) -> str:
    """The page of whose address it is."""
    page = admin.get(f"/staff/people?email={email}")
    (path,) = re.findall(r'<h2><a href="(/staff/people/[^"]+)"', page.text)
    return str(path)


def act(admin: Browser, person: str, deed: str, **typed: str) -> Answer:
    """The form as the page shows it, filled in."""
    fields = hidden(admin.get(person), f"{person}/{deed}")
    return admin.submit(f"{person}/{deed}", **{**fields, **typed})


def done(answer: Answer) -> str:
    assert answer.status_code == 303, text(answer)
    return answer.headers["Location"].partition("?done=")[2]


def supervisor(site: Site, gateway: Gateway, role: str, org: str = "hotel-miramar") -> Browser:
    """Staff of one organization."""
    email = "sam@example.com"
    Browser(gateway, address="203.0.113.77").register(email)
    admin = staff(gateway)
    person = found(admin, email)
    keep = hidden(admin.get(person), f"{person}/roles")
    answer = admin.submit(f"{person}/roles", **keep, role=role, organization_id=org)
    assert done(answer) == "roles"
    return staff(gateway, email, PASSWORD)


# ---- who may see what ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/staff/people/demo-client-0000000001"])
def test_staff_pages_are_there_for_staff_alone(
    gateway: Gateway, browser: Browser, path: str
) -> None:
    nobody = browser.get(path)
    assert nobody.status_code == 401
    assert hidden(nobody, "/sign-in")["back"] == path
    client = Browser(gateway, address="192.0.2.2").register(NINA)
    assert client.get(path).status_code == 404
    assert "staff" not in client.get("/account").text
    admin = staff(gateway)
    assert admin.get(path).status_code == 200
    assert 'href="/staff"' in admin.get("/account").text


def test_a_client_can_send_no_form_of_staff(site: Site, gateway: Gateway) -> None:
    client = Browser(gateway, address="192.0.2.2").register(NINA)
    before = site.cloud.rows()
    person = "/staff/people/demo-client-0000000001"
    for path in (
        *(f"{person}/{deed}" for deed in ("approve", "disable", "enable", "resend", "roles")),
        f"{person}/password-reset",
        "/staff/organizations/default",
    ):
        answer = client.submit(path, name="x", approval="required", keep="x")
        assert answer.status_code == 404, path
    assert client.submit(f"{person}/reject", reason="no").status_code == 404
    assert client.submit("/staff/people/new", email=NINA, name="x").status_code == 404
    new = {"name": "x", "parent_id": "root", "approval": "inherit"}
    assert client.submit("/staff/organizations", **new).status_code == 404
    assert site.cloud.rows() == before


def test_who_only_keeps_galleries_is_shown_organizations_and_no_people(gateway: Gateway) -> None:
    ana = staff(gateway, ANA)
    page = ana.get("/staff")
    assert "Organizations" in text(page)
    assert "Find a person" not in text(page)
    assert "Open an account" not in text(page)
    assert ana.get("/staff/people").status_code == 404
    assert ana.get("/staff/people/new").status_code == 404
    tree = ana.get("/staff/organizations")
    assert "Studio Ana" in text(tree)
    assert "Add an organization" not in text(tree)
    assert ana.get("/staff/people/demo-client-0000000001").status_code == 404


def test_a_supervisor_sees_his_organization_and_what_he_may_do(
    site: Site, gateway: Gateway, guest: Browser
) -> None:
    sam = supervisor(site, gateway, "customer_service_supervisor")
    person = found(sam)
    page = sam.get(person)
    assert "Approve" in text(page)
    assert f"{person}/roles" not in page.text
    assert "registered customer (Hotel Miramar)" in text(page)
    assert sam.get("/staff/people/demo-client-0000000001").status_code == 404
    assert sam.get("/staff/people/demo-administrator-001").status_code == 404
    assert "Nobody whom you look after" in text(sam.get("/staff/people?email=carla@example.com"))
    assert done(act(sam, person, "approve")) == "approved"
    assert "· you" in text(sam.get(person))


def test_the_list_a_mail_names_is_what_one_sees_after_signing_in(gateway: Gateway) -> None:
    browser = Browser(gateway, address="203.0.113.9")
    asked = browser.get("/staff/people?status=pending_approval&lang=en&path=x&done=y")
    form = {**hidden(asked, "/sign-in"), "email": ADMIN, "password": DEMO}
    assert form["back"] == "/staff/people?status=pending_approval"
    again = browser.submit("/sign-in?lang=en", **form)
    form |= hidden(again, "/sign-in")
    arrived = browser.submit("/sign-in?lang=en", **form, code=browser.code(ADMIN))
    place = arrived.headers["Location"]
    assert place == "/staff/people?status=pending_approval&done=signed-in&lang=en"
    assert "Nobody waits" in text(browser.get(place))


# ---- deciding ------------------------------------------------------------------------------------


def test_who_waits_is_seen_approved_and_signs_in_with_the_cart(
    gateway: Gateway, admin: Browser, guest: Browser
) -> None:
    desk = admin.get("/staff")
    assert "1 person waits." in text(desk)
    assert NINA in text(desk)
    listed = text(admin.get("/staff/people?status=pending_approval"))
    assert "Nina" in listed
    assert "waits for approval, since 2026-11-22" in listed
    assert "Hotel Miramar" in listed
    person = found(admin)
    page = admin.get(person)
    assert "by the rule “everybody else”" in text(page)
    assert "Disable" not in text(page)
    answer = act(admin, person, "approve")
    assert done(answer) == "approved"
    page = admin.get(answer.headers["Location"])
    assert 'role="status"' in page.text
    assert "the cart is kept" in text(page)
    assert "Approve" not in re.findall(r"<button[^>]*>([^<]+)", page.text)
    assert "is approved" in guest.mails(NINA)[0]["subject"]
    assert guest.sign_in(NINA).status_code == 200
    assert guest.quantities() == {"voucher": 1}
    assert "Nobody waits" in text(admin.get("/staff"))


def test_a_rejection_needs_a_reason_and_the_person_may_sign_up_again(
    admin: Browser, guest: Browser
) -> None:
    person = found(admin)
    for typed, said in (("", "This is missing."), ("x" * 401, "This is too long.")):
        refused = act(admin, person, "reject", reason=typed)
        assert refused.status_code == 422
        assert said in text(refused)
        assert f'value="{typed}"' in refused.text
        assert 'href="#reason"' in refused.text
        assert admin.get(f"{person}/reject").headers["Location"] == person
    assert done(act(admin, person, "reject", reason=f"Not ours {EVIL}")) == "rejected"
    page = admin.get(person)
    assert f"Not ours {EVIL}" in unescape(page.text)
    assert "<script>" not in page.text
    assert "Not ours" in guest.mails(NINA)[0]["text"]
    refused = guest.submit("/sign-in", email=NINA, password=PASSWORD)
    assert refused.status_code == 403
    assert "Sign up again" in text(refused)
    assert 'href="/sign-up"' in refused.text


def test_who_registers_again_is_shown_with_what_was_rejected_before(
    gateway: Gateway, admin: Browser, guest: Browser
) -> None:
    first = found(admin)
    act(admin, first, "reject", reason="Who are you?")
    other = Browser(gateway, address="192.0.2.8")
    other.sign_up(NINA, organization_id="hotel-miramar")
    other.activate(other.token(NINA), password=PASSWORD)
    second = found(admin)
    page = admin.get(second)
    assert "Registered before with this address" in text(page)
    assert f'href="{first}"' in page.text
    earlier = admin.get(first)
    assert "rejected, and registered again since" in text(earlier)
    link = re.search(r'href="(/staff/people\?email=[^"]+)"', earlier.text)
    assert link
    assert f'href="{second}"' in admin.get(unescape(link[1])).text
    assert "Details" not in text(earlier)


def test_who_waits_is_told_what_comes_next(guest: Browser) -> None:
    refused = guest.submit("/sign-in", email=NINA, password=PASSWORD)
    assert refused.status_code == 403
    assert "There is nothing for you to do" in text(refused)


def test_a_decision_made_meanwhile_comes_back_with_the_status(
    admin: Browser, guest: Browser
) -> None:
    person = found(admin)
    fields = hidden(admin.get(person), f"{person}/reject")
    act(admin, person, "approve")
    refused = admin.submit(f"{person}/reject", **fields, reason="Too late")
    assert refused.status_code == 409
    assert "The account is now: approved." in text(refused)
    assert "Disable" in text(refused)
    assert done(act(admin, person, "disable")) == "disabled"
    assert "Enable" in text(admin.get(person))
    assert guest.sign_in(NINA).json["code"] == "account_disabled"
    again = admin.submit(f"{person}/disable", key="")
    assert again.status_code == 409
    assert done(act(admin, person, "enable")) == "enabled"
    assert guest.sign_in(NINA).status_code == 200


def test_the_same_form_twice_is_done_once(site: Site, admin: Browser, guest: Browser) -> None:
    person = found(admin)
    fields = hidden(admin.get(person), f"{person}/approve")
    first = admin.submit(f"{person}/approve", **fields)
    rows = site.cloud.rows()
    second = admin.submit(f"{person}/approve", **fields)
    assert done(first) == done(second) == "approved"
    assert site.cloud.rows() == rows


def test_nobody_decides_about_himself(admin: Browser) -> None:
    person = found(admin, ADMIN)
    page = admin.get(person)
    assert "This is your own account" in text(page)
    assert f"{person}/disable" not in page.text
    assert f"{person}/roles" not in page.text
    assert "What can be done now" not in text(page)
    refused = admin.submit(f"{person}/disable")
    assert refused.status_code == 403
    assert "Ask somebody else on the staff" in text(refused)


# ---- helping -------------------------------------------------------------------------------------


def test_details_are_edited_and_what_somebody_else_changed_is_not_written_over(
    admin: Browser, guest: Browser
) -> None:
    person = found(admin)
    typed = {"name": f"Nina {EVIL}", "company": "Ñandú & co", "phone": "+34 600", "locale": "es"}
    stale = hidden(admin.get(person), f"{person}/edit")
    refused = act(admin, person, "edit", **{**typed, "phone": "call me"})
    assert refused.status_code == 422
    assert 'value="call me"' in refused.text
    assert 'href="#phone"' in refused.text
    assert done(act(admin, person, "edit", **typed)) == "edited"
    page = admin.get(person)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "Ñandú & co" in text(page)
    assert "Details were changed" in text(page)
    assert "<script>" not in admin.get("/staff").text
    assert "<script>" not in admin.get("/staff/people").text
    late = admin.submit(f"{person}/edit", **{**typed, **stale, "name": "Mine"})
    assert late.status_code == 412
    assert "It has changed in the meantime" in text(late)
    assert 'value="Mine"' in late.text
    again = hidden(late, f"{person}/edit")
    assert done(admin.submit(f"{person}/edit", **{**typed, **again, "name": "Mine"})) == "edited"


def test_a_password_link_is_mailed_and_so_often_alone(gateway: Gateway, admin: Browser) -> None:
    nina = Browser(gateway, address="192.0.2.2").register(NINA)
    person = found(admin)
    for _ in range(5):
        assert done(act(admin, person, "password-reset")) == "reset-mailed"
    assert nina.reset(nina.token(NINA), OTHER_PASSWORD).status_code == 200
    assert "A link to a new password was mailed" in text(admin.get(person))
    refused = act(admin, person, "password-reset")
    assert refused.status_code == 429
    assert "You can try again in 60 minutes." in text(refused)


# ---- an account for somebody ---------------------------------------------------------------------


def opened(admin: Browser, **typed: str) -> Answer:
    fields = hidden(admin.get("/staff/people/new"), "/staff/people/new")
    form = {"email": "otto@example.com", "name": "Otto", "locale": "fr", "profile_type": "B"}
    return admin.submit("/staff/people/new", **{**fields, **form, **typed})


def test_an_account_is_opened_and_its_owner_makes_it_his(gateway: Gateway, admin: Browser) -> None:
    answer = opened(admin, organization_id="hotel-miramar", company="Otto & Cie")
    assert done(answer) == "opened"
    page = admin.get(answer.headers["Location"])
    assert "Nothing was agreed to in the person’s name" in text(page)
    assert "waits until the link is opened" in text(page)
    assert "Opened by you" in text(page)
    person = found(admin, "otto@example.com")
    otto = Browser(gateway, address="192.0.2.66", language="en")
    old = otto.token("otto@example.com")
    assert done(act(admin, person, "resend")) == "resent"
    assert otto.submit("/activate/link", token=old).status_code == 410
    link = otto.submit("/activate/link", token=otto.token("otto@example.com"))
    assert "The studio has opened an account for Otto" in text(link)
    assert "Nothing was agreed to in your name" in text(link)
    assert 'name="name"' not in link.text
    assert not re.search(r'name="terms"[^>]* required', link.text)
    missing = otto.submit("/activate", **hidden(link, "/activate"))
    assert missing.status_code == 422
    assert "Please choose a password" in text(missing)
    answer = otto.submit("/activate", **hidden(link, "/activate"), password=PASSWORD)
    assert answer.headers["Location"] == "/account?done=activated"
    assert otto.session()["next"] == ["accept_terms"]
    assert "approved" in text(admin.get(person))  # a site administrator opened it
    refused = admin.submit(f"{person}/resend")
    assert refused.status_code == 409
    assert "The account is now: approved." in text(refused)


def test_a_double_click_opens_one_account(site: Site, admin: Browser) -> None:
    fields = hidden(admin.get("/staff/people/new"), "/staff/people/new")
    form = {"email": "otto@example.com", "name": "Otto", "profile_type": "C"}
    first = admin.submit("/staff/people/new", **fields, **form)
    second = admin.submit("/staff/people/new", **fields, **form)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(admin.mails("otto@example.com")) == 1
    changed = admin.submit("/staff/people/new", **fields, **{**form, "name": "Otto the second"})
    assert changed.status_code == 412
    assert 'value="Otto the second"' in changed.text
    assert hidden(changed, "/staff/people/new")["key"] != fields["key"]


def test_an_account_that_cannot_be_opened_says_why_and_keeps_what_was_typed(
    site: Site, admin: Browser
) -> None:
    before = site.cloud.rows()
    refused = opened(admin, email="otto", name=EVIL, phone="no")
    assert refused.status_code == 422
    for field in ("email", "phone"):
        assert f'href="#{field}"' in refused.text
    assert "<script>" not in refused.text
    assert 'value="otto"' in refused.text
    assert site.cloud.rows() == before
    taken = opened(admin, email="carla@example.com")
    assert taken.status_code == 409
    assert 'href="/staff/people/demo-client-0000000001"' in taken.text
    assert opened(admin, organization_id="nowhere").status_code == 404


# ---- finding -------------------------------------------------------------------------------------


def test_the_list_is_read_page_by_page(gateway: Gateway, admin: Browser) -> None:
    for number in range(21):
        opened(admin, email=f"p{number}@example.com", name=f"Person {number}")
    page = admin.get("/staff/people?status=pending_email_activation")
    first = re.findall(r"Person (\d+)", page.text)
    (following,) = re.findall(r'href="([^"]+cursor=[^"]+)"', page.text)
    following = unescape(following)
    assert "status=pending_email_activation" in following
    second = re.findall(r"Person (\d+)", admin.get(following).text)
    assert sorted(map(int, first + second)) == list(range(21))
    for bad in (following[:-1], following.replace("status=pending_email_activation", "status=")):
        refused = admin.get(bad)
        assert refused.status_code == 422
        assert "cannot be found again" in text(refused)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("email=nobody@example.com", 200, "Nobody whom you look after has this address."),
        ("email=x", 422, "This is not an address mail can be sent to."),
        ("status=odd", 422, "This is not as it should be."),
        ("status=rejected", 200, "Nobody is here yet."),
        ("organization_id=nowhere", 404, "Page not found"),
    ],
)
def test_a_list_of_nobody_says_so(admin: Browser, query: str, status: int, said: str) -> None:
    answer = admin.get(f"/staff/people?{query}")
    assert answer.status_code == status
    assert said in text(answer)


def test_where_there_are_too_many_organizations_one_is_chosen(admin: Browser) -> None:
    for number in range(21):
        fields = hidden(admin.get("/staff/organizations"), "/staff/organizations")
        new = {"name": f"Team {number}", "parent_id": "hotel-miramar", "approval": "inherit"}
        assert done(admin.submit("/staff/organizations", **fields, **new)) == "added"
    refused = admin.get("/staff/people")
    assert refused.status_code == 422
    assert "Too many organizations for one list" in text(refused)
    assert 'href="#organization_id"' in refused.text
    assert "Team 20" in refused.text
    assert "Choose an organization" in text(admin.get("/staff"))
    assert admin.get("/staff/people?organization_id=default").status_code == 200


# ---- roles ---------------------------------------------------------------------------------------


def test_a_role_is_given_and_taken_with_a_fresh_proof(
    site: Site, gateway: Gateway, admin: Browser
) -> None:
    Browser(gateway, address="192.0.2.2").register(NINA)
    person = found(admin)
    site.advance(11 * MINUTE)
    given = {"role": "buyer_administrator", "organization_id": "hotel-miramar"}
    asked = act(admin, person, "roles", keep="registered_customer default", **given)
    assert asked.status_code == 401
    fields = hidden(asked, "/account/proof")
    assert fields["back"] == person
    wrong = admin.submit("/account/proof", **fields, password="not this one at all")
    assert hidden(wrong, "/account/proof")["back"] == person
    proved = admin.submit("/account/proof", **fields, password=DEMO)
    assert proved.headers["Location"] == f"{person}?done=proved"
    assert "For ten minutes you can change roles" in text(admin.get(proved.headers["Location"]))
    answer = act(admin, person, "roles", keep="registered_customer default", **given)
    assert done(answer) == "roles"
    page = text(admin.get(person))
    assert "administrator of an organization (Hotel Miramar)" in page
    assert "given by you" in page
    assert "Given: administrator of an organization (Hotel Miramar)" in page
    assert done(act(admin, person, "roles")) == "roles"  # every box unchecked
    page = text(admin.get(person))
    assert "Taken away: registered customer" in page
    assert "None yet." in page


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_r29_a_proof_leads_back_to_this_site_alone(admin: Browser, back: str) -> None:
    proved = admin.submit("/account/proof", password=DEMO, back=back)
    assert proved.headers["Location"] == "/?done=proved"
    assert "evil" not in admin.submit("/account/proof/code", back=back).text


def test_roles_that_cannot_be_given_say_why_at_their_field(
    site: Site, gateway: Gateway, admin: Browser, guest: Browser
) -> None:
    person = found(admin)
    page = admin.get(person)
    assert "once the account is approved" in text(page)
    keep = "registered_customer hotel-miramar"
    for given, status, said in (
        ({"role": "buyer", "organization_id": "default"}, 409, "cannot have a role yet"),
        ({"role": "king", "organization_id": "root"}, 422, "There is no such role."),
        ({"role": "buyer"}, 422, "This is missing."),
        ({"organization_id": "root"}, 422, "This is missing."),
        ({"role": "buyer", "organization_id": "nowhere"}, 403, "cannot give or take away this"),
        (
            {"role": "site_administrator", "organization_id": "default"},
            403,
            "cannot give or take away this",
        ),
    ):
        refused = act(admin, person, "roles", keep=keep, **given)
        assert (refused.status_code, said in text(refused)) == (status, True), given
    act(admin, person, "approve")
    stale = hidden(admin.get(person), f"{person}/roles")
    more = {"role": "buyer", "organization_id": "default"}
    assert done(act(admin, person, "roles", keep=keep, **more)) == "roles"
    late = admin.submit(f"{person}/roles", had=stale["had"])
    assert late.status_code == 412  # what was given meanwhile is not taken away
    assert "buyer" in text(admin.get(person))


def test_what_is_above_the_member_of_staff_is_not_his_to_take(
    site: Site, gateway: Gateway, admin: Browser, guest: Browser
) -> None:
    act(admin, found(admin), "approve")
    sam = supervisor(site, gateway, "buyer_administrator")
    person = found(sam)
    page = sam.get(person)
    offered = re.findall(r'<option value="(\w+)"', page.text)
    assert "site_administrator" not in offered
    assert "buyer_administrator" not in offered
    assert "customer_service_supervisor" in offered
    keep = "registered_customer hotel-miramar"
    given = {"role": "customer_service_supervisor", "organization_id": "hotel-miramar"}
    assert done(act(sam, person, "roles", keep=keep, **given)) == "roles"


def test_administrators_may_act_on_each_other(gateway: Gateway, admin: Browser) -> None:
    """Above them is nobody; on himself none may."""
    Browser(gateway, address="192.0.2.2").register(NINA)
    given = {"role": "site_administrator", "organization_id": "root"}
    assert done(act(admin, found(admin), "roles", **given)) == "roles"
    nina = staff(gateway, NINA, PASSWORD)
    alex = found(nina, ADMIN)
    assert done(act(nina, alex, "disable")) == "disabled"
    assert "disabled" in text(nina.get(alex))
    assert admin.get("/staff").status_code == 401


# ---- organizations -------------------------------------------------------------------------------


def test_organizations_are_a_tree_that_administrators_keep(admin: Browser) -> None:
    page = admin.get("/staff/organizations")
    assert "Hotel Miramar" in text(page)
    assert "Who registers waits for approval" in text(page)
    assert 'class="depth-1"' in page.text
    empty = admin.submit("/staff/organizations", name="", parent_id="root", approval="odd")
    assert empty.status_code == 422
    assert 'href="#name"' in empty.text
    fields = hidden(page, "/staff/organizations")
    new = {"name": EVIL, "parent_id": "hotel-miramar", "approval": "not_required"}
    for _ in range(2):  # a double click
        assert done(admin.submit("/staff/organizations", **fields, **new)) == "added"
    page = admin.get("/staff/organizations?done=added")
    assert page.text.count("?change=") == 5  # the four of the demo, and one
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    assert 'class="depth-2"' in page.text
    change = admin.get("/staff/organizations?change=hotel-miramar")
    assert 'value="Hotel Miramar"' in change.text
    path = "/staff/organizations/hotel-miramar"
    answer = admin.submit(path, name="Hotel Mirador", approval="not_required")
    assert answer.headers["Location"] == "/staff/organizations?done=changed"
    assert "Hotel Mirador" in text(admin.get("/staff/organizations"))
    refused = admin.submit(path, name="", approval="required")
    assert refused.status_code == 422
    assert "Change Hotel Mirador" in text(refused)
    assert admin.get(path).headers["Location"] == "/staff/organizations"


def test_an_organization_too_deep_or_the_roots_own_setting_is_refused_at_its_field(
    admin: Browser,
) -> None:
    parent = "hotel-miramar"
    for level in range(6):
        new = {"name": f"Level {level}", "parent_id": parent, "approval": "inherit"}
        fields = hidden(admin.get("/staff/organizations"), "/staff/organizations")
        assert done(admin.submit("/staff/organizations", **fields, **new)) == "added"
        page = admin.get("/staff/organizations")
        (parent,) = re.findall(rf'<option value="([\w-]+)">[– ]*Level {level}<', page.text)
    deep = {"name": "Too deep", "parent_id": parent, "approval": "inherit"}
    refused = admin.submit("/staff/organizations", **deep)
    assert refused.status_code == 409
    assert 'href="#parent_id"' in refused.text
    assert 'value="Too deep"' in refused.text
    root = admin.submit("/staff/organizations/root", name="Studio Ana", approval="inherit")
    assert root.status_code == 422
    assert 'href="#approval"' in root.text
    nowhere = admin.submit("/staff/organizations/nowhere", name="x", approval="inherit")
    assert nowhere.status_code == 404


# ---- as a whole ----------------------------------------------------------------------------------


def test_every_form_of_staff_has_a_page_that_leads_back(admin: Browser, browser: Browser) -> None:
    document: Any = json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())
    forms = [
        path
        for path, operations in document["paths"].items()
        if re.match("/staff/(?!galleries)", path) and "post" in operations
    ]
    assert len(forms) == 17
    browser.add(VOUCHER)
    ids = {
        "user_id": "demo-client-0000000001",
        "org_id": "default",
        "product_id": "voucher",
        "order_id": place(browser, NINA).json["id"],
    }
    for path in forms:
        assert "get" in document["paths"][path], path
        address = path.format(**ids)
        answer = admin.get(address)
        assert answer.status_code in {200, 303}, path
        if answer.status_code == 303:
            assert admin.get(answer.headers["Location"]).status_code == 200


def test_a_session_that_ended_while_staff_typed_loses_nothing(
    site: Site, gateway: Gateway, admin: Browser, guest: Browser
) -> None:
    person = found(admin)
    fields = hidden(admin.get(person), f"{person}/reject")
    site.advance(2 * HOUR)
    ended = admin.submit(f"{person}/reject", **fields, reason="Not ours")
    assert ended.status_code == 401
    assert "The reason Not ours" in text(ended)
    page = admin.submit("/sign-in/continue", **hidden(ended, "/sign-in/continue"))
    kept = hidden(page, "/sign-in")
    page = admin.submit("/sign-in", **kept, email=ADMIN, password=DEMO)
    assert done(admin.submit(f"{person}/reject", **hidden(page, person))) == "rejected"


def test_roles_that_were_ticked_are_all_kept_while_one_signs_in_again(
    site: Site, gateway: Gateway, admin: Browser
) -> None:
    """Of boxes of one name all are sent again, or a role would be taken that was to stay."""
    site.advance(2 * HOUR)
    body = "keep=a+x&keep=b+y&had=a+x%2Cb+y&role=&name=z"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    ended = admin.send("POST", "/staff/people/x/roles", data=body, headers=kind)
    kept = hidden(ended, "/sign-in/continue")["kept"]
    assert "keep=a+x&keep=b+y" in kept


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", "En attente"), ("es", "espera")],
)
def test_the_pages_speak_the_languages_of_the_site(
    admin: Browser, guest: Browser, language: str, words: str
) -> None:
    person = found(admin)
    for path in (*PAGES, person, f"{person}?done=approved", "/account/history"):
        join = "&" if "?" in path else "?"
        page = admin.get(f"{path}{join}lang={language}")
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text
    assert words.casefold() in text(admin.get(f"{person}?lang={language}")).casefold()


# ---- what the first who used it stumbled over ----------------------------------------------------


def test_who_was_rejected_registers_again_with_the_same_organization(
    admin: Browser, guest: Browser
) -> None:
    person = found(admin)
    act(admin, person, "reject", reason="By mistake.")
    (link,) = [x for x in guest.mails(NINA)[0]["links"] if "/sign-up" in x]
    assert "organization_id=hotel-miramar" in link
    page = admin.get(person)
    offer = re.search(r'href="(/staff/people/new[^"]+)"', page.text)
    assert offer
    form = admin.get(unescape(offer[1]))
    assert f'value="{NINA}"' in form.text


def test_what_somebody_else_changed_meanwhile_is_shown_and_not_undone(
    site: Site, admin: Browser, guest: Browser
) -> None:
    person = found(admin)
    mine = hidden(admin.get(person), f"{person}/edit")
    before = {"name": "Nina", "company": "", "phone": "", "locale": "en"}
    path = f"/v1{person.replace('/people/', '/users/')}"
    admin.send("PATCH", path, json={"company": "Port Deux"})
    answer = admin.submit(f"{person}/edit", **mine, **{**before, "phone": "+33 1 22"})
    assert answer.status_code == 412
    assert 'name="company" type="text" value="Port Deux"' in answer.text
    assert 'value="+33 1 22"' in answer.text
    again = hidden(answer, f"{person}/edit")
    both = {**before, "company": "Port Deux", "phone": "+33 1 22"}
    assert admin.submit(f"{person}/edit", **again, **both).status_code == 303


def test_who_was_let_in_is_told_where_his_cart_is(
    site: Site, admin: Browser, guest: Browser
) -> None:
    guest.add(VOUCHER)
    act(admin, found(admin), "approve")
    page = guest.get("/cart")
    assert "You have an account by now" in text(page)
    assert 'href="/sign-in?back=' in page.text


def test_staff_read_in_the_mail_that_a_code_alone_does_not_let_them_in(admin: Browser) -> None:
    admin.ask_code("admin@studio.example.com")
    assert "goes with your password" in admin.mails("admin@studio.example.com")[0]["text"]
