"""Every staff route, asked by everybody, of people and organizations of their own and of others, of
every rank, and every route of what somebody ordered: the answers stand in authorisation.txt, and
each is asserted (G7, R38, A15)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.gateway import Gateway
from local.site import Site
from tests.inviting import invited, photographer
from tests.ordering import contact, place
from tests.people import HOTEL, STUDIO, Person, plant
from tests.visiting import VOUCHER, Answer, Browser, settled

HEAD, *ROWS = [
    [cell.strip() for cell in line.split("|")]
    for line in Path(__file__).with_name("authorisation.txt").read_text().splitlines()
]
ACTORS = HEAD[1:]
PARTS = 3
PRICE = {"amount": 4500, "currency": "EUR"}
ROUTES = {
    "/v1/staff/organizations": "GET POST",
    "/v1/staff/organizations/{org_id}": "GET PATCH",
    "/v1/staff/guests/abandoned": "GET",
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
    "/v1/staff/galleries": "GET POST",
    "/v1/staff/galleries/{gallery_id}": "GET PATCH DELETE",
    "/v1/staff/galleries/{gallery_id}/pictures": "GET POST",
    "/v1/staff/galleries/{gallery_id}/pictures/{picture_id}": "PATCH DELETE",
    "/v1/staff/galleries/{gallery_id}/invitations": "GET POST",
    "/v1/staff/galleries/{gallery_id}/invitations/{invitation_id}": "PATCH DELETE",
    "/v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/resend": "POST",
    "/v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/correct": "POST",
    "/v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/transfer/approve": "POST",
    "/v1/staff/galleries/{gallery_id}/invitations/{invitation_id}/transfer/decline": "POST",
    "/v1/staff/galleries/{gallery_id}/access-requests": "GET",
    "/v1/staff/galleries/{gallery_id}/access-requests/{request_id}": "DELETE",
    "/v1/staff/galleries/{gallery_id}/selections": "GET",
    "/v1/staff/galleries/{gallery_id}/selections/{user_id}/{selection_id}": "DELETE",
    "/v1/staff/products": "GET POST",
    "/v1/staff/products/{product_id}": "GET PATCH DELETE",
    "/v1/staff/orders": "GET",
    "/v1/staff/orders/{order_id}": "GET",
    "/v1/staff/orders/{order_id}/confirm": "POST",
    "/v1/staff/orders/{order_id}/fulfil": "POST",
    "/v1/staff/orders/{order_id}/cancel": "POST",
    "/v1/orders": "POST",
    "/v1/orders/{order_id}": "GET",
    "/v1/account/orders": "GET",
    "/v1/account/orders/{order_id}": "GET",
    "/v1/account/claims": "GET",
    "/v1/account/claims/{order_id}": "POST DELETE",
    "/v1/account/export": "GET",
}
# Of the account itself the rest is tested where it is at home.
CLOSING = "DELETE /v1/account"
# The words of a line that stand for an id, by the word before them.
IDS = {
    "organizations": "org_id",
    "users": "user_id",
    "galleries": "gallery_id",
    "products": "product_id",
    "orders": "order_id",
    "claims": "order_id",
    "pictures": "picture_id",
    "invitations": "invitation_id",
    "access-requests": "request_id",
    "selections": "user_id",
    "kim": "selection_id",  # whose it is stands before it
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


@pytest.fixture
def places(site: Site, cast: dict[str, Person]) -> dict[str, str]:
    """What the words of the table stand for: a gallery of the studio and one of the hotel, each
    with all that can be in one; orders of some of those who ask, and one that names the client.
    Whoever asks has a cart again."""
    found = {f"{kind}/no-such": f"no-such-{kind}" for kind in ("galleries", "products", "orders")}
    client = cast["client"].browser
    for name, home in (("ours", STUDIO), ("hotels", HOTEL)):
        who = photographer(site, f"of_{name}", home).browser
        door = {"visibility": "unlisted", "access": "login", "transfers": "approve"}
        gallery = who.post("/v1/staff/galleries", {"title": name, **door}).json["id"]
        path, hung = f"/v1/staff/galleries/{gallery}", {"title": "A", "src": "/a.svg"}
        found[f"galleries/{name}"] = gallery
        sold = {"name": name, "kind": "print", "price": PRICE, "gallery_id": gallery}
        found[f"products/{name}"] = who.post("/v1/staff/products", sold).json["id"]
        thing = {"name": name, "kind": "other", "price": PRICE}
        bought = who.post("/v1/staff/products", thing).json["id"]
        buyer = Browser(who.gateway, address=f"198.51.100.{len(found)}")
        buyer.add({"product_id": bought, "quantity": 1})
        found[f"orders/{name}"] = place(buyer, f"{name}@example.org").json["id"]
        found[f"pictures/of-{name}"] = who.post(f"{path}/pictures", hung).json["id"]
        found[f"invitations/of-{name}"] = invited(who, f"{name}@example.com", gallery)
        asked = {"email": "kim@example.com"}
        assert client.post(f"/v1/galleries/{gallery}/access-requests", asked).status_code == 202
        (item,) = who.get(f"{path}/access-requests").json["items"]
        found[f"access-requests/of-{name}"] = item["id"]
        token = {"token": client.token(f"{name}@example.com")}
        assert client.post("/v1/invitations/transfer", token).status_code == 202
    stranger = Person("", cast["client"].email, Browser(client.gateway, address="198.51.100.9"))
    for name, who_ordered in (
        ("guests", cast["guest"]),
        ("clients", cast["client"]),
        ("unproveds", cast["unproved"]),
        ("of-client", stranger),
    ):
        who_ordered.browser.add(VOUCHER)
        whom = who_ordered.email or "guest@example.org"
        order = place(who_ordered.browser, whom).json["id"]
        found[f"orders/{name}"] = found[f"claims/{name}"] = order
    for actor in ACTORS:
        if actor != "generic":
            cast[actor].browser.add(VOUCHER)
    return found


def ask(
    request: str, actor: Person, cast: dict[str, Person], places: dict[str, str], number: int
) -> Answer:
    """What a line of the table stands for."""
    method, path, *more = request.split()
    home = more[-1] if more else ""
    if path.startswith("/v1/"):
        return ask_of_his_own(method, path, actor, places, number)
    if path.startswith(("galleries", "products", "orders")):
        return ask_of_gallery(method, path, home, actor, places, number)
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


def ask_of_gallery(
    method: str, path: str, home: str, actor: Person, places: dict[str, str], number: int
) -> Answer:
    words = path.split("/")
    path = named(path, places)
    bodies: dict[tuple[str, str], Any] = {
        ("POST", "galleries"): {"title": f"Gallery {number}", "organization_id": home},
        ("POST", "products"): {
            "name": f"Product {number}",
            "kind": "other",
            "price": PRICE,
            "organization_id": home,
        },
        ("POST", "pictures"): {"title": "B", "src": "/b.svg"},
        ("POST", "invitations"): {"addresses": [f"new{number}@example.com"]},
        ("POST", "correct"): {"address": f"new{number}@example.com"},
        ("POST", "approve"): {},
        ("POST", "decline"): {},
        ("POST", "confirm"): {},
        ("POST", "fulfil"): {},
        ("POST", "cancel"): {},
    }
    changes: dict[str, Any] = {
        "galleries": {"title": f"Gallery {number}"},
        "products": {"name": f"Product {number}"},
        "pictures": {"hidden": True},
        "invitations": {"enter": False},
    }
    body = changes[words[-2]] if method == "PATCH" else bodies.get((method, words[-1]))
    headers = {"Idempotency-Key": f"key-of-request-{number:06d}"}
    return actor.browser.send(method, f"/v1/staff/{path}", json=body, headers=headers)


def ask_of_his_own(
    method: str, path: str, actor: Person, places: dict[str, str], number: int
) -> Answer:
    body: Any = {} if method == "POST" else None
    if path == "/v1/orders":
        body = {"contact": contact(f"new{number}@example.org")}
    headers = {"Idempotency-Key": f"key-of-request-{number:06d}"}
    return actor.browser.send(method, named(path, places), json=body, headers=headers)


def named(path: str, places: dict[str, str]) -> str:
    """With the ids of what its words stand for."""
    words = path.split("/")
    pairs = zip(["", *words], words, strict=False)
    return "/".join(places.get(f"{before}/{word}", word) for before, word in pairs)


def route_of(line: str) -> str:
    """The route a line of the table asks."""
    method, path = line.split()[:2]
    whole = path if path.startswith("/v1/") else f"/v1/staff/{path}"
    words = whole.partition("?")[0].split("/")
    for at, word in enumerate(words[:-1]):
        if word in IDS:
            words[at + 1] = f"{{{IDS[word]}}}"
    return f"{method} {'/'.join(words)}"


def cells() -> Iterator[tuple[list[str], str, int]]:
    for row in ROWS:
        for actor, expected in zip(ACTORS, row[1:], strict=True):
            yield row, actor, int(expected)


@pytest.mark.parametrize("part", range(PARTS))  # so that two workers share it
def test_g7_every_cell_of_the_table(
    site: Site, cast: dict[str, Person], places: dict[str, str], part: int
) -> None:
    begun, wrong = settled(site), list[str]()
    for number, (row, actor, expected) in enumerate(cells()):
        if number % PARTS != part:
            continue
        answer = ask(row[0], cast[actor], cast, places, number)
        if answer.status_code != expected:
            wrong.append(f"{row[0]} by {actor}: {answer.status_code}, not {expected}")
        if answer.status_code == expected == 404 and answer.json["code"] != "not_found":
            wrong.append(f"{row[0]} by {actor}: {answer.json['code']}")
        if expected >= 400 and cast[actor].browser.cost()["writes"]:
            wrong.append(f"{row[0]} by {actor}: refused, but something was written")
        if answer.status_code < 400:
            begun()
    assert not wrong, "\n".join(wrong)
    assert len(list(cells())) == len(ROWS) * 10


def test_every_route_of_staff_and_of_orders_stands_in_the_table() -> None:
    import json

    from local.site import ROOT

    document = json.loads((ROOT / "layers/foyer/foyer/web/openapi.json").read_text())
    described = {
        path: set(operations)
        for path, operations in document["paths"].items()
        if path.startswith(("/v1/staff/", "/v1/orders"))
        or re.match("/v1/account/(orders|claims|export)", path)
    }
    assert described == {path: set(m.lower().split()) for path, m in ROUTES.items()}
    asked = {f"{method} {path}" for path, m in ROUTES.items() for method in m.split()}
    assert {route_of(row[0]) for row in ROWS} == asked | {CLOSING}


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


def test_r38_galleries_products_and_orders_of_others_are_not_there_whoever_asks(
    site: Site, cast: dict[str, Person], places: dict[str, str]
) -> None:
    """Of another studio, or asked for by staff whose business they are not: as if missing."""
    foreign = photographer(site, "of_nobody", HOTEL)
    ours = ("galleries/ours", "products/ours", "orders/ours")
    lines = [row[0] for row in ROWS if row[0].split()[1].startswith(ours)]
    assert len(lines) > 18
    for actor in (foreign, cast["css"], cast["buyer"]):
        for number, line in enumerate(lines):
            missing = re.sub("(galleries|products|orders)/ours", r"\1/no-such", line)
            answers = [ask(text, actor, cast, places, number).json for text in (line, missing)]
            assert {**answers[0], "instance": ""} == {**answers[1], "instance": ""}, line
            assert answers[0]["status"] == 404
