"""Every staff route, asked by everybody, of people and organizations of their own and of others, of
every rank: the answers stand in authorisation.txt, and each is asserted (G7, R38, A15)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.people import HOTEL, STUDIO, Person, plant
from tests.visiting import VOUCHER, Answer, Browser

HEAD, *ROWS = [
    [cell.strip() for cell in line.split("|")]
    for line in Path(__file__).with_name("authorisation.txt").read_text().splitlines()
]
ACTORS = HEAD[1:]
PARTS = 3
ROUTES = {
    "/v1/staff/organizations": "GET POST",
    "/v1/staff/organizations/{org_id}": "GET PATCH",
    "/v1/staff/users": "GET POST",
    "/v1/staff/users/{user_id}": "GET PATCH",
    "/v1/staff/users/{user_id}/approve": "POST",
    "/v1/staff/users/{user_id}/reject": "POST",
    "/v1/staff/users/{user_id}/disable": "POST",
    "/v1/staff/users/{user_id}/enable": "POST",
    "/v1/staff/users/{user_id}/resend": "POST",
    "/v1/staff/users/{user_id}/password-reset": "POST",
    "/v1/staff/users/{user_id}/roles": "GET PUT",
    "/v1/staff/users/{user_id}/roles/explain": "GET",
    "/v1/staff/users/{user_id}/audit": "GET",
}


@pytest.fixture
def cast(site: Site, gateway: Gateway) -> dict[str, Person]:
    guest = Browser(gateway)
    guest.add(VOUCHER)
    people = {
        "generic": Person("", "", Browser(gateway)),
        "guest": Person(guest.who(), "", guest),
        "a_guest": Person(guest.who(), "", guest),
        "nobody": Person("nobody-at-all-________", "", guest),
        "site": plant(site, "site", role=("site_administrator", "root"), org="root"),
        "boss_two": plant(site, "boss_two", role=("site_administrator", "root"), org="root"),
        "other_buyer": plant(site, "other_buyer", role=("buyer_administrator", HOTEL), org=HOTEL),
    }
    for name, role in (
        ("photographer", "photographer"),
        ("csr", "customer_service_representative"),
        ("css", "customer_service_supervisor"),
        ("buyer", "buyer_administrator"),
    ):
        for who in (name, f"{name}_two"):
            people[who] = plant(site, who, role=(role, STUDIO), org=STUDIO)
    customer = ("registered_customer", STUDIO)
    people["client"] = plant(site, "client", role=customer, org=STUDIO)
    people["unproved"] = plant(site, "unproved", role=customer, org=STUDIO, proved=False)
    people["foreign"] = plant(site, "foreign", org=HOTEL)
    for org, suffix in ((STUDIO, ""), (HOTEL, "_foreign")):
        for name, status in (
            ("pending", "pending_approval"),
            ("rejected", "rejected"),
            ("disabled", "disabled"),
            ("opened", "pending_email_activation"),
        ):
            people[name + suffix] = plant(site, name + suffix, org=org, status=status)
    return people


def ask(request: str, actor: Person, cast: dict[str, Person], number: int) -> Answer:
    """What a line of the table stands for."""
    method, path, *more = request.split()
    home = more[-1] if more else ""
    body: Any = None
    if path.startswith("users/"):
        target = path.split("/")[1]
        person = actor if target == "himself" else cast[target]
        path = path.replace(f"users/{target}", f"users/{person.id or 'nobody'}")
        home = HOTEL if target.endswith("foreign") or target == "foreign" else STUDIO
    if method == "PATCH":
        body = {"name": f"Name {number}"}
    elif path.endswith("/reject"):
        body = {"reason": "Nobody here knows you."}
    elif method == "POST":
        body = {}
    if request.startswith("POST organizations"):
        body = {"name": "New", "parent_id": home, "approval": "inherit"}
    if request.startswith("POST users in"):
        address = f"new{number}@example.com"
        body = {"email": address, "name": "N", "profile_type": "B", "organization_id": home}
    if method == "PUT":
        role, elsewhere = more[0], more[-1] == "elsewhere"
        where = "default" if elsewhere else "root" if role == "site_administrator" else home
        body = {"roles": [{"role": role, "organization_id": where}] if role != "none" else []}
    return actor.browser.send(method, f"/v1/staff/{path}", json=body)


def cells() -> Iterator[tuple[list[str], str, int]]:
    for row in ROWS:
        for actor, expected in zip(ACTORS, row[1:], strict=True):
            yield row, actor, int(expected)


@pytest.mark.parametrize("part", range(PARTS))  # so that two workers share it
def test_g7_every_cell_of_the_table(site: Site, cast: dict[str, Person], part: int) -> None:
    begun, wrong = site.remember(), list[str]()
    for number, (row, actor, expected) in enumerate(cells()):
        if number % PARTS != part:
            continue
        answer = ask(row[0], cast[actor], cast, number)
        if answer.status_code != expected:
            wrong.append(f"{row[0]} by {actor}: {answer.status_code}, not {expected}")
        if expected == 404 and answer.json["code"] != "not_found":
            wrong.append(f"{row[0]} by {actor}: {answer.json['code']}")
        if expected >= 400 and cast[actor].browser.cost()["writes"]:
            wrong.append(f"{row[0]} by {actor}: refused, but something was written")
        if answer.status_code < 400:
            begun()
    assert not wrong, "\n".join(wrong)
    assert len(list(cells())) == len(ROWS) * 10


def test_every_staff_route_stands_in_the_table() -> None:
    import json

    from local.site import ROOT

    document = json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())
    described = {
        path: set(operations)
        for path, operations in document["paths"].items()
        if path.startswith("/v1/staff/")
    }
    assert described == {path: set(m.lower().split()) for path, m in ROUTES.items()}
    lines = "\n".join(row[0] for row in ROWS)
    for path, methods in ROUTES.items():
        last = path.rpartition("}")[2] if "{" in path else ""
        thing = "organizations" if "organizations" in path else "users"
        for method in methods.split():
            assert any(
                line.startswith(f"{method} {thing}") and (not last or last in line)
                for line in lines.splitlines()
            ), (method, path)


def test_r38_what_is_foreign_missing_or_forbidden_is_the_same_404(
    cast: dict[str, Person],
) -> None:
    browser = cast["css"].browser
    answers = []
    for target in ("foreign", "nobody", "a_guest", "buyer_two", "boss_two", "pending_foreign"):
        for method, rest in (("GET", ""), ("POST", "/approve"), ("PATCH", "")):
            path = f"/v1/staff/users/{cast[target].id}{rest}"
            answer = browser.send(method, path, json=None if method == "GET" else {})
            answers.append({**answer.json, "instance": ""})
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == 404
