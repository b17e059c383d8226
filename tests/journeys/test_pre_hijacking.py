"""Pre-hijacking (trust.md A1-A6): an attacker who does not read the owner's mail, and the owner,
each with two browsers, in any order. The attacker never holds a session of the owner's account nor
reads anything of it; the owner always gets in.
"""

import itertools
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from local.gateway import Gateway
from local.site import Site
from tests.conftest import CASES, House
from tests.visiting import CALENDAR, VOUCHER, Browser

OWNER = "owner@example.com"
ATTACKER = "attacker@example.com"
OWNERS_PASSWORD = "the owner's own lantern 7"
ATTACKERS_PASSWORD = "an attacker's crowbar 13"
SECRET = {"product_id": "coast-poster", "gallery_id": "coast", "picture_id": "north-pier"}
HOUR = 3_600

which = st.integers(0, 1)


class Hijack(RuleBasedStateMachine):
    """Mailboxes are apart: each reads only what came to him."""

    house: ClassVar[House]
    site: Site

    @initialize()
    def begin(self) -> None:
        self.house.planted()
        self.site = self.house.site
        gateway = Gateway(self.site)
        self.addresses = itertools.count(1)
        self.owner = [Browser(gateway) for _ in range(2)]
        self.attacker = [Browser(gateway) for _ in range(2)]
        self.stolen: list[Browser] = []
        self.move_on()

    def move_on(self) -> None:
        """Everybody from a new address: limits are tested elsewhere."""
        for browser in [*self.owner, *self.attacker]:
            number = next(self.addresses)
            browser.address = f"10.{number >> 8 & 255}.{number & 255}.1"

    def owners_id(self) -> str | None:
        row = self.site.cloud.row(f"EMAIL#{OWNER}", "EMAIL")
        return None if row is None else row["user"]["S"]

    # ---- what both do -----------------------------------------------------------------------

    def _tokens(self, email: str, kind: str) -> list[str]:
        found = self.owner[0].mails(email)
        links = [link for mail in found for link in mail["links"]]
        return [t for link in links for t in [link.partition("#t=")[2]] if t.startswith(kind)]

    @rule(n=which, by_owner=st.booleans(), address=st.sampled_from([OWNER, ATTACKER]))
    def sign_up(self, n: int, by_owner: bool, address: str) -> None:
        browser = (self.owner if by_owner else self.attacker)[n]
        email = OWNER if by_owner else address
        browser.sign_up(email, name="The owner" if by_owner else "The attacker")

    @rule(n=which, by_owner=st.booleans(), address=st.sampled_from([OWNER, ATTACKER]))
    def ask_again(self, n: int, by_owner: bool, address: str) -> None:
        browser = (self.owner if by_owner else self.attacker)[n]
        body = {"email": OWNER if by_owner else address}
        browser.post("/v1/registrations/resend", body)

    @rule(n=which, by_owner=st.booleans(), address=st.sampled_from([OWNER, ATTACKER]))
    def forget(self, n: int, by_owner: bool, address: str) -> None:
        browser = (self.owner if by_owner else self.attacker)[n]
        browser.post("/v1/password-resets", {"email": OWNER if by_owner else address})

    @rule(n=which, by_owner=st.booleans())
    def sign_out(self, n: int, by_owner: bool) -> None:
        (self.owner if by_owner else self.attacker)[n].send("DELETE", "/v1/session")

    @rule(n=which)
    def attacker_fills_a_cart(self, n: int) -> None:
        self.attacker[n].add(CALENDAR)

    @rule(n=which)
    def owner_fills_a_cart(self, n: int) -> None:
        self.owner[n].add(VOUCHER)

    @rule(seconds=st.sampled_from([1, 121, 601, HOUR, 25 * HOUR]))
    def time_passes(self, seconds: int) -> None:
        self.site.drain()
        self.site.advance(seconds)
        self.move_on()

    # ---- what only the owner of the mailbox does --------------------------------------------

    @rule(n=which, newest=st.integers(0, 3), take_over=st.booleans(), chooses=st.booleans())
    def owner_activates(self, n: int, newest: int, take_over: bool, chooses: bool) -> None:
        tokens = self._tokens(OWNER, "act_")
        if not tokens:
            return
        more: dict[str, Any] = {"take_over": take_over}
        if chooses:
            more |= {"password": OWNERS_PASSWORD, "name": "The owner"}
        self.owner[n].activate(tokens[min(newest, len(tokens) - 1)], **more)

    @rule(n=which, newest=st.integers(0, 2))
    def owner_resets(self, n: int, newest: int) -> None:
        tokens = self._tokens(OWNER, "rst_")
        if tokens:
            token = tokens[min(newest, len(tokens) - 1)]
            self.owner[n].reset(token, OWNERS_PASSWORD, take_over=True)

    @rule(n=which)
    def owner_signs_in(self, n: int) -> None:
        self.owner[n].sign_in(OWNER, OWNERS_PASSWORD, take_over=True)

    @rule(n=which)
    def owner_puts_a_secret_into_his_cart(self, n: int) -> None:
        if self.owner[n].session()["authentication"] == "signed_in":
            self.owner[n].add({**SECRET, "quantity": 1})

    @rule(n=which)
    def owner_signs_in_by_code(self, n: int) -> None:
        if self.owner[n].ask_code(OWNER).status_code != 202:
            return
        newest = self.owner[n].mails(OWNER)[0]
        if "Your code" in newest["subject"]:
            code = self.owner[n].code(OWNER)
            assert self.owner[n].sign_in_by_code(OWNER, code, take_over=True).status_code == 200

    # ---- what the attacker does, with all he can have ---------------------------------------

    @rule(n=which, password=st.sampled_from([None, ATTACKERS_PASSWORD]))
    def attacker_activates_his_own(self, n: int, password: str | None) -> None:
        tokens = self._tokens(ATTACKER, "act_")
        if tokens:
            body = {} if password is None else {"password": password, "name": "The attacker"}
            self.attacker[n].activate(tokens[0], **body)

    @rule(n=which)
    def attacker_resets_his_own(self, n: int) -> None:
        tokens = self._tokens(ATTACKER, "rst_")
        if tokens:
            self.attacker[n].reset(tokens[0], ATTACKERS_PASSWORD, take_over=True)

    @rule(n=which, email=st.sampled_from([OWNER, ATTACKER]))
    def attacker_signs_in(self, n: int, email: str) -> None:
        self.attacker[n].sign_in(email, ATTACKERS_PASSWORD, take_over=True)

    @rule(n=which)
    def attacker_guesses_a_code(self, n: int) -> None:
        self.attacker[n].ask_code(OWNER)
        self.attacker[n].sign_in_by_code(OWNER, "000000")

    @rule(n=which)
    def attacker_chooses_a_password(self, n: int) -> None:
        self.attacker[n].choose_password(ATTACKERS_PASSWORD)

    @rule(n=which)
    def attacker_turns_his_link_into_another(self, n: int) -> None:
        for kind in ("act_", "rst_"):
            for token in self._tokens(ATTACKER, kind)[:1]:
                self.attacker[n].reset("rst_" + token[4:], ATTACKERS_PASSWORD)
                self.attacker[n].elsewhere("act_" + token[4:], password=ATTACKERS_PASSWORD)

    @rule(n=which)
    def attacker_keeps_a_copy_of_his_cookies(self, n: int) -> None:
        if len(self.stolen) < 4:
            self.stolen.append(self.attacker[n].twin())

    # ---- what must always hold --------------------------------------------------------------

    @invariant()
    def the_attacker_is_never_in_and_reads_nothing(self) -> None:
        if not hasattr(self, "owner"):
            return
        owner = self.owners_id()
        for browser in [*self.attacker, *self.stolen]:
            session = browser.session()
            assert session["user"]["email"] != OWNER
            assert owner is None or session["user"]["id"] != owner
            assert "The owner" not in str(session)
            assert "coast-poster" not in str(browser.cart())

    @invariant()
    def the_attackers_password_opens_nothing_of_the_owners(self) -> None:
        if not hasattr(self, "owner"):
            return
        owner = self.owners_id()
        row = owner and self.site.cloud.row(f"USER#{owner}", "CREDENTIAL")
        if row:
            passwords = self.site.module("foyer.passwords")
            cost = passwords.Cost(8, 1, 1)
            assert not passwords.verify(ATTACKERS_PASSWORD, row["hash"]["S"], cost).right

    def teardown(self) -> None:
        if not hasattr(self, "owner"):
            return
        self.the_owner_gets_in()

    def the_owner_gets_in(self) -> None:
        """Whatever happened: by a fresh browser, his mailbox and nothing else, in a day at most
        (the attacker may have used up the mails of this one)."""
        self.site.drain()
        self.site.advance(25 * HOUR)
        self.move_on()
        fresh = Browser(self.owner[0].gateway, address="192.0.2.250")
        if self.owners_id() is None:
            fresh.sign_up(OWNER, name="The owner")
            answer = fresh.activate(fresh.token(OWNER))
            assert answer.status_code == 200, answer.json
        else:
            fresh.post("/v1/password-resets", {"email": OWNER})
            answer = fresh.reset(fresh.token(OWNER), "the owner gets in at last 9")
            assert answer.status_code == 200, answer.json
        session = fresh.session()
        assert session["user"]["email"] == OWNER
        assert session["user"]["id"] == self.owners_id()
        self.the_attacker_is_never_in_and_reads_nothing()


def test_n8_a1_to_a6_the_attacker_never_gets_in_and_the_owner_always_does(house: House) -> None:
    Hijack.house = house
    run_state_machine_as_test(
        Hijack,
        settings=settings(
            max_examples=CASES,
            stateful_step_count=40 if CASES < 1000 else 60,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


# ---- each class of the attack by itself ----------------------------------------------------------


def scene(gateway: Gateway) -> tuple[Browser, Browser]:
    return Browser(gateway, address="198.51.100.1"), Browser(gateway, address="192.0.2.1")


def test_a2_the_attackers_guest_does_not_become_the_owners_account(gateway: Gateway) -> None:
    attacker, owner = scene(gateway)
    attacker.add(CALENDAR)
    attacker.sign_up(OWNER)
    answer = owner.elsewhere(owner.token(OWNER), take_over=True)
    assert answer.status_code == 200
    assert attacker.session()["authentication"] == "generic"
    assert attacker.activate(owner.token(OWNER)).json["code"] == "already_active"
    attacker.cookies.clear()
    assert attacker.sign_in(OWNER, ATTACKERS_PASSWORD).status_code == 401


def test_a3_what_the_attacker_said_of_the_owner_does_not_stick(gateway: Gateway) -> None:
    attacker, owner = scene(gateway)
    attacker.sign_up(OWNER, name="Mallory", profile_type="B", company="Mallory Ltd", phone="+1 234")
    owner.elsewhere(owner.token(OWNER), name="The owner")
    user = owner.session()["user"]
    assert (user["name"], user["profile_type"]) == ("The owner", "C")
    row = gateway.site.cloud.row(f"USER#{user['id']}", "USER") or {}
    assert "Mallory" not in str(row)
    assert "+1 234" not in str(row)


def test_a6_reverse_takeover_a_later_sign_up_changes_nothing_in_the_owners_own(
    gateway: Gateway,
) -> None:
    attacker, owner = scene(gateway)
    owner.sign_up(OWNER, name="The owner")
    mine = owner.token(OWNER)
    attacker.sign_up(OWNER, name="Mallory")
    theirs = owner.token(OWNER)
    assert mine != theirs
    assert owner.activate(theirs).json["session"]["user"]["name"] == "The owner"
    assert attacker.session()["authentication"] == "guest"
    assert attacker.session()["user"]["id"] != owner.who()


def test_a_claim_made_from_a_signed_in_browser_gives_that_browser_nothing(
    gateway: Gateway,
) -> None:
    attacker, owner = scene(gateway)
    attacker.register(ATTACKER)
    attacker.sign_up(OWNER)
    token = owner.token(OWNER)
    owner.elsewhere(token)
    assert attacker.session()["user"]["email"] == ATTACKER
    attacker.send("DELETE", "/v1/session")
    assert attacker.activate(token).json["code"] == "already_active"
    assert attacker.session()["authentication"] == "generic"
