"""Closing an account (N19): orders keep what the law asks for, all else goes."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.ordering import contact, new_key, place
from tests.people import STUDIO, Person, administrator, is_consistent, plant
from tests.seam import TRANSIENT, Fault, Killed, calls_of, killed_after, killed_before
from tests.visiting import CALENDAR, PASSWORD, PRINT, TERMS, VOUCHER, Browser, said

NAME = "Wilhelmina Quartz"
PERSONAL = (
    "wilma",
    "quartz",
    "sea road",
    "29900",
    "concarneau",
    "+33 6 11",
    "please ring twice",
)


def close(browser: Browser) -> Any:
    browser.post("/v1/account/proof", {"password": PASSWORD})
    return browser.send("DELETE", "/v1/account")


def named(site: Site, words: tuple[str, ...] = PERSONAL) -> list[str]:
    """What of somebody stands in the table, which is whole: the row's keys alone are said."""
    site.drain()
    is_consistent(site)
    found = []
    for row in site.cloud.rows():
        text = json.dumps(row, ensure_ascii=False).casefold()
        found += [f"{row['pk']['S']} {row['sk']['S']}: {word}" for word in words if word in text]
    return found


@pytest.fixture
def ana(site: Site) -> Person:
    return plant(site, "ana", role=("photographer", STUDIO), org=STUDIO)


def wilma_has_everything(site: Site, gateway: Gateway, ana: Person) -> tuple[Browser, Any]:
    """A client with every kind of row there is, and her first order."""
    browser = Browser(gateway, address="198.51.100.77")
    elsewhere = Browser(gateway, address="198.51.100.78")
    # ordered as a guest, to two addresses; signed up twice; asked to be let in; sent a selection
    browser.send("PUT", "/v1/selections/my-unnamed-selection--/pictures/coast/low-tide")
    browser.add(PRINT)
    more = {"name": NAME, "phone": "+33 6 11 22 33 44"}
    body = {"contact": contact("wilma@example.org", **more), "note": "Please ring twice"}
    order = browser.post("/v1/orders", body, Idempotency_Key=new_key()).json
    browser.add(VOUCHER)
    gift = browser.post(
        "/v1/orders", {"contact": contact("other@example.org", **more)}, Idempotency_Key=new_key()
    ).json
    ana.browser.post(f"/v1/staff/orders/{gift['id']}/cancel", {"reason": "Wilhelmina asked for it"})
    elsewhere.sign_up("wilma@example.org", name=NAME)
    body = {"email": "wilma@example.org", "message": "It is Wilhelmina Quartz"}
    elsewhere.post("/v1/galleries/summer-party-2026-0815/access-requests", body)
    consents = {"terms": TERMS, "newsletter": True}
    token = browser.token("wilma@example.org")
    activated = browser.activate(token, password=PASSWORD, consents=consents)
    assert activated.json["status"] == "approved", activated.json
    browser.post("/v1/selections/my-unnamed-selection--/submit", {"message": "Quartz chose these"})
    # invited, an unclaimed order and a refused one, another address, a session elsewhere, a cart
    invited = ana.browser.post(
        "/v1/staff/galleries/lea-and-tom-2026-06-13/invitations",
        {"addresses": ["wilma@example.org"], "rights": {"download": "web"}},
        Idempotency_Key=new_key(),
    )
    assert invited.json["results"][0]["result"] == "invited", invited.json
    accepted = browser.post("/v1/invitations/accept", {"token": browser.token("wilma@example.org")})
    assert accepted.status_code == 200, accepted.json
    browser.post("/v1/account/proof", {"password": PASSWORD})
    browser.post("/v1/account/email", {"email": "wilma.q@example.org"})
    browser.post("/v1/account/email/redeem", {"token": browser.token("wilma.q@example.org")})
    for visitor in (elsewhere, Browser(gateway, address="198.51.100.79")):
        visitor.add(VOUCHER)
        to = {"line1": "1 Other Street", "postal_code": "10115", "city": "Berlin", "country": "DE"}
        placed = place(
            visitor,
            "wilma.q@example.org",
            contact={"email": "wilma.q@example.org", "name": "Somebody Else", "address": to},
        ).json
    browser.send("DELETE", f"/v1/account/claims/{placed['id']}")
    elsewhere.post("/v1/password-resets", {"email": "wilma.q@example.org"})
    elsewhere.mails("wilma.q@example.org")
    elsewhere.add(VOUCHER)
    elsewhere.sign_in("wilma.q@example.org")
    browser.add(CALENDAR)
    browser.post("/v1/account/addresses", {**contact("x")["address"], "name": NAME})
    browser.post("/v1/selections", {"name": "Quartz album"})
    site.drain()
    return browser, order


def test_n19_after_closing_nothing_personal_is_left_anywhere(
    site: Site, gateway: Gateway, ana: Person
) -> None:
    browser, order = wilma_has_everything(site, gateway, ana)
    assert named(site)
    who = browser.who()
    assert close(browser).status_code == 204
    assert browser.session()["authentication"] == "generic"
    (mail, *_) = browser.mails("wilma.q@example.org")
    assert "is closed" in mail["subject"]
    assert named(site) == []
    kept = ana.browser.get(f"/v1/staff/orders/{order['id']}").json
    assert kept["number"] == order["number"]
    assert kept["total"] == order["total"]
    assert kept["lines"] == order["lines"]
    assert (kept["country"], kept["contact"], kept["note"]) == ("FR", None, None)
    left = [r["sk"]["S"] for r in site.cloud.rows() if r["pk"]["S"] == f"USER#{who}"]
    claim, user = left  # somebody else's address can still take over what was ordered for it
    assert (claim.partition("#")[0], user) == ("CLAIM", "USER")
    assert said(Browser(gateway).sign_in("wilma.q@example.org")) == (401, "wrong_credentials")


# ---- what is asked before, and what may go wrong -------------------------------------------------


def test_closing_and_exporting_ask_for_a_fresh_proof_and_a_proved_address(site: Site) -> None:
    clara = plant(site, "clara").browser
    site.advance(601)
    assert said(clara.send("DELETE", "/v1/account")) == (401, "proof_required")
    assert said(clara.get("/v1/account/export")) == (401, "proof_required")
    unproved = plant(site, "ulla", proved=False).browser
    assert said(unproved.send("DELETE", "/v1/account")) == (403, "prove_address")
    assert said(unproved.get("/v1/account/export")) == (403, "prove_address")
    assert said(Browser(clara.gateway).send("DELETE", "/v1/account")) == (401, "sign_in_required")


def test_the_last_site_administrator_cannot_close_his_account(empty_site: Site) -> None:
    boss = administrator(empty_site)
    assert said(close(boss.browser)) == (409, "last_administrator")
    assert boss.browser.session()["authentication"] == "signed_in"


def test_whoever_closed_may_sign_up_again_with_nothing_of_before(
    site: Site, gateway: Gateway, ana: Person
) -> None:
    browser, _ = wilma_has_everything(site, gateway, ana)
    before = browser.who()
    close(browser)
    again = Browser(gateway, address="203.0.113.40").register("wilma.q@example.org")
    assert again.who() != before
    for path in ("orders", "claims", "galleries", "audit"):
        items = again.get(f"/v1/account/{path}").json["items"]
        assert len(items) == (1 if path == "audit" else 0), path
    assert again.get("/v1/selections").json["items"] == []


def test_an_order_that_is_somebody_elses_too_stays_his(site: Site, gateway: Gateway) -> None:
    """Signed in, he ordered for another address; its owner took the order over, and leaves."""
    buyer, other = plant(site, "bert"), plant(site, "olga")
    buyer.browser.add(PRINT)
    order = place(buyer.browser, other.email).json
    other.browser.post(f"/v1/account/claims/{order['id']}", {})
    assert close(other.browser).status_code == 204
    mine = buyer.browser.get(f"/v1/account/orders/{order['id']}").json
    assert mine["contact"]["email"] is None
    assert mine["contact"]["address"]["line1"] == "12 Sea Road"
    assert named(site, ("olga@",)) == []


def test_closing_cut_short_after_any_call_comes_to_the_same_end(
    site: Site, gateway: Gateway, ana: Person
) -> None:
    """Killed before and after each call; then the schedule, or the same browser asking again."""
    browser, _ = wilma_has_everything(site, gateway, ana)
    browser.post("/v1/account/proof", {"password": PASSWORD})
    browser.session()
    site.drain()
    back, cookies = site.remember(), dict(browser.cookies)

    def again(fault: Callable[..., Any] | None, at: int = 0) -> None:
        back()
        browser.cookies = dict(cookies)
        if fault is None:
            return
        site.cloud.intercept = Fault(fault, at)
        with pytest.raises(Killed):
            browser.send("DELETE", "/v1/account")
        site.cloud.intercept = None

    calls = calls_of(site.cloud, lambda: browser.send("DELETE", "/v1/account"))
    assert named(site) == []
    assert calls > 20
    # before the first, then after each, which is before the next
    for at, fault in [(0, killed_before), *((at, killed_after) for at in range(calls))]:
        again(fault, at)
        if at % 2:
            assert browser.send("DELETE", "/v1/account").status_code == 204
        else:
            closed = browser.session()["authentication"] == "generic"
            site.advance(900)
            if not closed:  # it had not begun
                assert named(site)
                continue
        assert named(site) == [], (at, fault)
        mails = browser.mails("wilma.q@example.org")
        assert sum("is closed" in mail["subject"] for mail in mails) == 1


def test_the_schedule_ends_it_with_what_the_template_gives_it(
    site: Site, gateway: Gateway, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No secret: here all functions share one environment, and would not notice."""
    function = site.template.functions["CleanupFunction"]
    assert not {"SITE_SECRET", "LINKS_SECRET"} & function.environment.keys()
    browser, _ = wilma_has_everything(site, gateway, ana)
    browser.post("/v1/account/proof", {"password": PASSWORD})
    site.drain()
    site.cloud.intercept = Fault(killed_after, 1)  # closed, and nothing erased yet
    with pytest.raises(Killed):
        browser.send("DELETE", "/v1/account")
    site.cloud.intercept = None
    assert named(site)
    monkeypatch.delattr(site.module("foyer.storage.secrets"), "_secret")
    assert site.invoke("CleanupFunction", {})["closed"] == 1
    monkeypatch.undo()
    assert named(site) == []


@pytest.mark.parametrize("fault", sorted(TRANSIENT))
def test_closing_while_aws_fails_once_anywhere_is_closed_after_a_retry(
    site: Site, gateway: Gateway, fault: str
) -> None:
    person = plant(site, "wilma")
    browser = person.browser
    browser.add(PRINT)
    place(browser, person.email)
    browser.post("/v1/account/proof", {"password": PASSWORD})
    site.drain()
    back, cookies = site.remember(), dict(browser.cookies)
    calls = calls_of(site.cloud, lambda: browser.send("DELETE", "/v1/account"))
    for at in range(calls):
        back()
        browser.cookies = dict(cookies)
        site.cloud.intercept = Fault(TRANSIENT[fault], at)
        answer = browser.send("DELETE", "/v1/account")
        site.cloud.intercept = None
        if answer.status_code != 204:
            assert answer.status_code == 503
            assert browser.send("DELETE", "/v1/account").status_code == 204
        assert named(site, ("wilma@", "sea road")) == [], (fault, at)


def test_n19_the_export_is_everything_his_own_pages_show(
    site: Site, gateway: Gateway, ana: Person
) -> None:
    browser, order = wilma_has_everything(site, gateway, ana)
    browser.post("/v1/account/proof", {"password": PASSWORD})
    export = browser.get("/v1/account/export").json
    assert export["account"] == browser.get("/v1/account").json
    assert export["orders"] == browser.get("/v1/account/orders").json["items"]
    assert [one["id"] for one in export["orders"]] == [order["id"]]
    rest = export["rest"]
    for name, path in (
        ("addresses", "/v1/account/addresses"),
        ("galleries", "/v1/account/galleries"),
        ("history", "/v1/account/audit"),
    ):
        assert rest[name] == browser.get(path).json["items"], name
        assert rest[name]
    assert rest["cart"] == browser.cart()
    assert {one["id"] for one in rest["selections"]} == {
        one["id"] for one in browser.get("/v1/selections").json["items"]
    }
    assert len(rest["sessions"]) == len(browser.get("/v1/account/sessions").json["items"])
    assert [one["id"] for one in rest["claims"]] == [
        one["id"] for one in browser.get("/v1/account/claims").json["items"]
    ]
    assert export["next"] is None


# ---- no kind of row is forgotten -----------------------------------------------------------------

# Of each kind of row of storage/keys.py: where the export shows it (or why it does not), and what
# becomes of it when its owner closes. {me}, {email}, {left}: her id, her address, the one before.
KINDS = {
    "user": ("account", "kept", "USER#{me} USER"),
    "cart": ("rest.cart", "erased", "USER#{me} CART"),
    "credential": ("a hash: a secret of hers", "erased", "USER#{me} CREDENTIAL"),
    "claim": ("not hers before it is redeemed", "erased", "USER#.* CLAIM#.*"),
    "link": ("a secret", "erased", "USER#{me} LINK#.*"),
    "receipt": ("told once, where it happened", "erased", "USER#{me} RECEIPT#.*"),
    "consent": ("rest.consents", "erased", "USER#{me} CONSENT#.*"),
    "audit": ("rest.history", "erased", "USER#{me} AUDIT#.*"),
    "member": ("account", "erased", "USER#{me} MEMBER"),
    "role": ("only staff have one", "erased", None),
    "email": ("account", "erased", "EMAIL#{email} EMAIL"),
    "code": ("names nobody", "names nobody", None),
    "idempotency": ("names nobody", "erased", "USER#{me} KEY#.*"),
    "organization": ("not hers", "names nobody", None),
    "organization_audit": ("not hers", "names nobody", None),
    "administrators": ("not hers", "names nobody", None),
    "digest": ("not hers", "names nobody", None),
    "product": ("not hers", "names nobody", None),
    "product_of_studio": ("not hers", "names nobody", None),
    "gallery": ("not hers", "names nobody", None),
    "picture": ("not hers", "names nobody", None),
    "gallery_password": ("not hers", "names nobody", None),
    "gallery_of_studio": ("not hers", "names nobody", None),
    "grant": ("rest.galleries", "erased", "GALLERY#.* GRANT#.*"),
    "held": ("rest.galleries", "erased", "USER#{me} GRANT#.*"),
    "access_request": ("the photographer's", "erased", "GALLERY#.* REQUEST#.*"),
    "submitted": ("rest.selections", "erased", "GALLERY#.* SUBMITTED#{me}#.*"),
    "selection": ("rest.selections", "erased", "USER#{me} SELECTION#.*"),
    "order": ("orders", "kept", "ORDER#.* ORDER"),
    "order_of_studio": ("not hers", "names nobody", None),
    "order_of": ("orders", "erased", "USER#{me} ORDER#.*"),
    "order_to": ("rest.claims", "erased", "EMAIL#{email} ORDER#.*"),
    "addresses": ("rest.addresses", "erased", "USER#{me} ADDRESSES"),
    "delivery": ("what SES tells us", "erased", "EMAIL#{email} DELIVERY"),
    "mail": ("gone once sent", "gone once sent", None),
    "event": ("names nobody", "names nobody", None),
    "sweep": ("names nobody", "names nobody", None),
    "limit": ("names nobody", "names nobody", None),
}
NO_ROWS = {
    "audit_of",
    "consents_of",
    "product_in",
    "products_in",
    "submitted_to",
}  # of no kind of their own


def test_every_kind_of_row_is_exported_or_not_and_erased_or_not_for_a_reason(site: Site) -> None:
    keys = site.module("foyer.storage.keys")
    kinds = {
        name
        for name, made in vars(keys).items()
        if callable(made) and getattr(made, "__annotations__", {}).get("return") is keys.Key
    }
    assert kinds - NO_ROWS == set(KINDS), "say of the new kind what export and closing do"


def test_she_has_a_row_of_every_kind_and_after_closing_of_none(
    site: Site, gateway: Gateway, ana: Person
) -> None:
    browser, _ = wilma_has_everything(site, gateway, ana)
    names = {"me": browser.who(), "email": "wilma.q@example.org"}
    deliveries = site.module("foyer.storage.deliveries")
    bounced = site.module("foyer.rules.invitations").Delivery.COMPLAINED
    site.module("foyer.storage.table").write(deliveries.note(names["email"], bounced, site.now()))
    browser.post("/v1/account/proof", {"password": PASSWORD})
    exported = browser.get("/v1/account/export").json

    def rows_of(pattern: str) -> list[Any]:
        wanted = re.compile(pattern.format(**{n: re.escape(v) for n, v in names.items()}))
        return [
            row
            for row in site.cloud.rows()
            if wanted.fullmatch(f"{row['pk']['S']} {row['sk']['S']}")
            and ("{" in pattern or "wilma" in json.dumps(row))
        ]

    for kind, (shown, _, pattern) in KINDS.items():
        if pattern is not None:
            assert rows_of(pattern), f"she has no {kind}"
        if shown.split(".")[0] in exported:
            found = exported
            for part in shown.split("."):
                found = found[part]
            assert found, f"the export shows no {kind}"
    assert close(browser).status_code == 204
    site.drain()
    for kind, (_, fate, pattern) in KINDS.items():
        if fate == "erased" and pattern is not None:
            assert not rows_of(pattern), f"{kind} is left"
    assert named(site) == []


# ---- the pages -----------------------------------------------------------------------------------


def test_the_pages_offer_everything_as_a_file_and_ask_twice_before_closing(
    site: Site, gateway: Gateway, ana: Person
) -> None:
    browser, order = wilma_has_everything(site, gateway, ana)
    site.advance(601)
    asked = browser.get("/account/export")
    assert asked.status_code == 401
    assert "Show that it is you" in asked.text
    browser.submit("/account/proof", password=PASSWORD, back="/account/export")
    file = browser.get("/account/export")
    assert file.headers["Content-Disposition"] == 'attachment; filename="my-account.json"'
    assert json.loads(file.text) == browser.get("/v1/account/export").json
    privacy = browser.get("/account/privacy").text
    assert 'href="/account/close"' in privacy
    assert 'href="/account/export"' in privacy
    page = browser.get("/account/close").text
    assert order["number"] in page  # which is still under way
    unsure = browser.submit("/account/close")
    assert unsure.status_code == 422
    assert browser.session()["authentication"] == "signed_in"
    closed = browser.submit("/account/close", sure="yes")
    assert closed.status_code == 200
    assert "Your account is closed" in closed.text
    assert named(site) == []
    again = browser.submit("/account/close", sure="yes")
    assert again.status_code in {200, 401}
