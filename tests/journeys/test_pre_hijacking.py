"""Pre-hijacking (trust.md A1-A6): an attacker who does not read the owner's mail, and the owner,
each with two browsers, in any order, while three kinds of staff decide about both. The attacker
never holds a session of the owner's account nor reads anything of it; the owner always gets in;
nobody holds a session without being approved, verified and of the current epoch; roles are never
more than the policy and the grants explain; no step is taken that is not drawn.
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

from foyer.rules.policy import POLICY
from foyer.rules.users import LIFE, State
from local.gateway import Gateway
from local.site import Site
from local.verify import plain_row
from tests.conftest import CASES, House
from tests.people import HOTEL, Person, is_consistent, plant
from tests.visiting import CALENDAR, PASSWORD, VOUCHER, Browser

OWNER = "owner@example.com"
OWNERS_OTHER = "owner-too@example.com"
OWNERS = (OWNER, OWNERS_OTHER)
ATTACKER = "attacker@example.com"
OWNERS_PASSWORD = "the owner's own lantern 7"
ATTACKERS_PASSWORD = "an attacker's crowbar 13"
SECRET = {"product_id": "coast-poster", "gallery_id": "coast", "picture_id": "north-pier"}
HOUR = 3_600

which = st.integers(0, 1)
ours = st.sampled_from(OWNERS)
deciding = st.sampled_from(["approve", "reject", "disable", "enable", "resend", "password-reset"])
DRAWN = {(before, after) for (before, _), after in LIFE.items()} | {
    (State.NOBODY, State.GUEST),  # of the generic user, who has no row
    (State.NOBODY, State.HANDED_OVER),
}
GIVEN = {role.role for rule in POLICY.registration for role in rule.roles}


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
        self.staff = [
            plant(self.site, "boss", role=("site_administrator", "root"), org="root"),
            plant(self.site, "buyer", role=("buyer_administrator", HOTEL), org=HOTEL),
            plant(self.site, "serves", role=("customer_service_supervisor", "default")),
        ]
        self.granted: set[tuple[str, str, str]] = set()
        self.acting: Browser | None = None
        self.entered: dict[Browser, tuple[str, int]] = {}
        self.states: dict[str, State] = {}
        self.move_on()

    def move_on(self) -> None:
        """Everybody from a new address: limits are tested elsewhere."""
        for browser in [*self.owner, *self.attacker, *(one.browser for one in self.staff)]:
            number = next(self.addresses)
            browser.address = f"10.{number >> 8 & 255}.{number & 255}.1"

    def owners_id(self, address: str = OWNER) -> str | None:
        row = self.site.cloud.row(f"EMAIL#{address}", "EMAIL")
        return None if row is None or "user" not in row else row["user"]["S"]  # he left it

    def owners_ids(self) -> set[str]:
        """The accounts of the owner's mailboxes: he may have one for each."""
        return {id_ for address in OWNERS if (id_ := self.owners_id(address)) is not None}

    # ---- what both do -----------------------------------------------------------------------

    def _tokens(self, email: str, kind: str) -> list[str]:
        found = self.owner[0].mails(email)
        links = [link for mail in found for link in mail["links"]]
        return [t for link in links for t in [link.partition("#t=")[2]] if t.startswith(kind)]

    @rule(
        n=which,
        by_owner=st.booleans(),
        address=st.sampled_from([OWNER, ATTACKER]),
        hotel=st.booleans(),
    )
    def sign_up(self, n: int, by_owner: bool, address: str, hotel: bool) -> None:
        browser = (self.owner if by_owner else self.attacker)[n]
        email = OWNER if by_owner else address
        wish = {"organization_id": HOTEL, "profile_type": "B"} if hotel else {}
        browser.sign_up(email, name="The owner" if by_owner else "The attacker", **wish)

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

    # ---- another address --------------------------------------------------------------------

    @rule(n=which, address=ours)
    def owner_asks_for_another_address(self, n: int, address: str) -> None:
        self.owner[n].post("/v1/account/proof", {"password": OWNERS_PASSWORD})
        self.owner[n].post("/v1/account/email", {"email": address})

    @rule(n=which, address=st.sampled_from([*OWNERS, ATTACKER]))
    def attacker_asks_for_another_address(self, n: int, address: str) -> None:
        self.attacker[n].post("/v1/account/proof", {"password": ATTACKERS_PASSWORD})
        self.attacker[n].post("/v1/account/email", {"email": address})

    @rule(n=which, address=ours, newest=st.integers(0, 2))
    def owner_opens_what_came_to_his_mailbox(self, n: int, address: str, newest: int) -> None:
        """Whoever asked for it: in his own session, or in none."""
        tokens = self._tokens(address, "eml_")
        if tokens:
            token = tokens[min(newest, len(tokens) - 1)]
            self.acting = self.owner[n]
            before = self.owner[n].session()["user"]["id"]
            answer = self.owner[n].post("/v1/account/email/redeem", {"token": token})
            if answer.status_code == 200:
                assert answer.json["user"]["id"] == before

    @rule(n=which)
    def attacker_opens_what_came_to_his_and_sends_it_on(self, n: int) -> None:
        """Redeemed by somebody else: the owner's session must not take the attacker's address."""
        for token in self._tokens(ATTACKER, "eml_")[:1]:
            self.acting = self.attacker[n]
            self.attacker[n].post("/v1/account/email/redeem", {"token": token})
            for browser in self.owner:
                mine = browser.session()["user"]["email"]
                answer = browser.post("/v1/account/email/redeem", {"token": token})
                assert answer.status_code in {401, 409, 410}, answer.json
                assert browser.session()["user"]["email"] in {mine, None}

    # ---- what staff do ----------------------------------------------------------------------

    def at_work(self, n: int) -> Person:
        """Staff sessions end after an hour: then they sign in anew, with a code where asked."""
        person = self.staff[n]
        if person.browser.session()["authentication"] != "signed_in":
            answer = person.browser.sign_in(person.email, PASSWORD)
            if answer.status_code == 401 and answer.json["code"] == "code_required":
                code = person.browser.code(person.email)
                answer = person.browser.sign_in(person.email, PASSWORD, code=code)
        return person

    def people(self) -> list[str]:
        """The accounts of both, the newest first."""
        staff = {person.id for person in self.staff} | {"demo-administrator-001"}
        return [id_ for id_ in reversed(self.states) if id_ not in staff]

    @rule(n=st.integers(0, 2), who=st.integers(0, 5), what=deciding)
    def staff_decide(self, n: int, who: int, what: str) -> None:
        people = self.people()
        if people:
            body = {"reason": "We do not know you."} if what == "reject" else {}
            path = f"/v1/staff/users/{people[who % len(people)]}/{what}"
            answer = self.at_work(n).browser.post(path, body)
            assert answer.status_code < 500

    @rule(n=st.integers(0, 2), who=st.integers(0, 5), role=st.sampled_from([
        ("registered_customer", "default"), ("reseller", HOTEL),
        ("customer_service_representative", HOTEL), ("buyer_administrator", HOTEL), None,
    ]))  # fmt: skip
    def staff_give_roles(self, n: int, who: int, role: tuple[str, str] | None) -> None:
        people = self.people()
        if not people:
            return
        user_id, staff = people[who % len(people)], self.at_work(n)
        staff.browser.post("/v1/account/proof", {"password": PASSWORD})
        given = [] if role is None else [{"role": role[0], "organization_id": role[1]}]
        path = f"/v1/staff/users/{user_id}/roles"
        answer = staff.browser.send("PUT", path, json={"roles": given})
        if answer.status_code == 200:
            self.granted |= {(user_id, *role)} if role else set()

    @rule(n=st.integers(0, 2), address=st.sampled_from([OWNER, ATTACKER]))
    def staff_open_an_account(self, n: int, address: str) -> None:
        form = {"email": address, "name": "Somebody", "profile_type": "C"}
        answer = self.at_work(n).browser.post("/v1/staff/users", form)
        assert answer.status_code in {201, 404, 409, 429}, answer.json

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
        self.acting = self.attacker[n]
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
    def all_is_as_it_must_be(self) -> None:
        if not hasattr(self, "owner"):
            return
        browsers = [*self.owner, *self.attacker, *self.stolen]
        sessions = {browser: browser.session() for browser in browsers}
        rows = self.site.cloud.rows()
        users = {
            row["pk"]["S"].removeprefix("USER#"): plain_row(row)
            for row in rows
            if row["sk"]["S"] == "USER"
        }
        self.the_attacker_is_never_in_and_reads_nothing(sessions)
        self.the_attackers_password_opens_nothing_of_the_owners()
        self.no_step_was_taken_that_is_not_drawn(users)
        is_consistent(self.site, rows)
        for browser, session in sessions.items():
            self.is_of_the_current_epoch(browser, session, users)
        self.acting = None

    def the_attacker_is_never_in_and_reads_nothing(self, sessions: dict[Browser, Any]) -> None:
        owners = self.owners_ids()
        for browser in [*self.attacker, *self.stolen]:
            session = sessions[browser]
            assert session["user"]["email"] not in OWNERS
            assert session["user"]["id"] not in owners
            assert "The owner" not in str(session)
            if session["cart"]["line_count"]:
                assert "coast-poster" not in str(browser.cart())

    def the_attackers_password_opens_nothing_of_the_owners(self) -> None:
        for owner in self.owners_ids():
            row = self.site.cloud.row(f"USER#{owner}", "CREDENTIAL")
            if row is None:
                continue
            passwords = self.site.module("foyer.passwords")
            cost = passwords.Cost(8, 1, 1)
            assert not passwords.verify(ATTACKERS_PASSWORD, row["hash"]["S"], cost).right

    def no_step_was_taken_that_is_not_drawn(self, users: dict[str, Any]) -> None:
        known = {person.id for person in self.staff}
        for id_, user in users.items():
            state = State.HANDED_OVER if "handed_to" in user else State(user.get("status", "guest"))
            before = self.states.get(id_, State.NOBODY)
            assert before == state or (before, state) in DRAWN, (before, state)
            self.states[id_] = state
            for role in user.get("roles", ()):
                held = role["role"], role["organization_id"]
                by_rule = role["by"].startswith("rule:") and role["role"] in GIVEN
                planted = id_ in known or id_.startswith("demo-")
                assert by_rule or planted or (id_, *held) in self.granted, held

    def is_of_the_current_epoch(
        self, browser: Browser, session: Any, users: dict[str, Any]
    ) -> None:
        """A session opened before the epoch rose is dead, but the one that made it rise."""
        if session["authentication"] != "signed_in":
            self.entered.pop(browser, None)
            return
        cookie, epoch = browser.cookies["__Host-foyer"], users[session["user"]["id"]]["epoch"]
        assert users[session["user"]["id"]]["status"] == "approved"
        known = self.entered.get(browser)
        if known is not None and known[0] == cookie and browser is not self.acting:
            assert known[1] == epoch
        self.entered[browser] = (cookie, epoch)

    def teardown(self) -> None:
        if not hasattr(self, "owner"):
            return
        self.the_owner_gets_in()

    def the_owner_gets_in(self) -> None:
        """Whatever happened: by a fresh browser, his mailbox and nothing else, in a day at most
        (the attacker may have used up the mails of this one)."""
        self.site.drain()
        self.site.advance(31 * 24 * HOUR)  # who was rejected often may register again by then
        self.move_on()
        fresh = Browser(self.owner[0].gateway, address="192.0.2.250")
        owner = self.owners_id()
        status = None if owner is None else self.states[owner]
        if owner is not None and status in {State.DISABLED, State.PENDING_APPROVAL}:
            what = "enable" if status is State.DISABLED else "approve"
            path = f"/v1/staff/users/{owner}/{what}"
            assert self.at_work(0).browser.post(path, {}).status_code == 200
        if status in {None, State.REJECTED}:
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
        self.all_is_as_it_must_be()


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
