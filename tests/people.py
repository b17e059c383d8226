"""People as tests need them: in the table and signed in at once, with whatever roles."""

from dataclasses import dataclass
from typing import Any

from local.gateway import Gateway
from local.site import Site
from local.verify import breaches, plain_row
from tests.visiting import PASSWORD, SECRETS, TERMS, Browser

STUDIO, HOTEL = "studio-ana", "hotel-miramar"
PATHS = {
    "root": ("root",),
    "default": ("root", "default"),
    STUDIO: ("root", STUDIO),
    HOTEL: ("root", HOTEL),
}


@dataclass(frozen=True)
class Person:
    id: str
    email: str
    browser: Browser


def plant(
    site: Site,
    name: str,
    *,
    role: tuple[str, str] | None = None,
    org: str = "default",
    status: str = "approved",
    password: bool = True,
    proved: bool = True,
    agreed: bool = True,
    profile_type: str = "C",
) -> Person:
    """Somebody of the organization, with a role (and where it is held), signed in. `agreed`: to the
    terms."""
    users, storage = site.module("foyer.rules.users"), site.module("foyer.storage.users")
    roles = site.module("foyer.rules.roles")
    table, members = site.module("foyer.storage.table"), site.module("foyer.storage.members")
    credentials = site.module("foyer.credentials")
    sessions = site.module("foyer.rules.sessions")
    now, id_, email = site.now(), f"{name:_<22}", f"{name}@example.com"
    bearer = credentials.Bearer.new_session(id_)
    session = sessions.Session(
        bearer.session_id, bearer.secret_hash, now, now, now, False, "Firefox, Linux"
    )
    pending = status == "pending_email_activation"
    user = users.User(
        id=id_,
        language="en",
        seen_at=now,
        status=users.State(status),
        status_at=now,
        email=email,
        address=email,
        profile=users.Profile(name.title(), profile_type, org),
        path=PATHS[org],
        roles=(roles.Role(*role, by="operator", at=now),) if role else (),
        epoch=1,
        version=1,
        sessions={session.id: session} if status == "approved" else {},
        password_id="planted" if password and not pending else None,
        terms=TERMS if agreed else None,
        is_proved=proved,
    )
    rows: list[Any] = [storage.new_account(user), members.put(user)]
    if pending:
        on_behalf = site.module("foyer.operations.on_behalf")
        from dataclasses import replace
        from secrets import token_bytes

        user = replace(user, claim_id=f"claim-{id_}"[:22], kind="on_behalf", created_by="x")
        claim = on_behalf._claim(user, now, token_bytes)
        rows = [
            storage.new_account(user),
            members.put(user),
            site.module("foyer.storage.claims").new_claim(claim),
        ]
    else:
        rows.append(storage.own_address(email, id_, now, asked_at=now))
    if password and not pending:
        hashed = site.module("foyer.passwords").hashed(
            PASSWORD, site.module("foyer.operations.sessions").cost()
        )
        rows.append(storage.put_password(user, hashed, now))
    rows += members.works(id_, (), user.roles)
    if agreed:
        consents = site.module("foyer.storage.consents")
        shop = site.module("foyer.rules.policy").POLICY.shop
        entries = site.module("foyer.rules.consents").said(shop, "sign_up", now, terms=True)
        rows += [consents.add(user, entry) for entry in entries]
    rows += site.module("foyer.storage.administrators").kept(None, user)
    table.write(*rows)
    browser = Browser(Gateway(site), address=f"198.51.100.{sum(name.encode()) % 250}")
    if status == "approved":
        browser.cookies["__Host-foyer"] = str(bearer)
        SECRETS.add(bearer.secret)
    return Person(id_, email, browser)


def administrator(site: Site) -> Person:
    return plant(site, "boss", role=("site_administrator", "root"), org="root")


def is_consistent(site: Site, raw: list[Any] | None = None) -> None:
    """What must hold of the table at any moment (trust.md, I1 to I9)."""
    found = breaches(map(plain_row, site.cloud.rows() if raw is None else raw))
    assert not found, "\n".join(map(str, found))
