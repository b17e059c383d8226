"""The demo studio: what somebody finds who starts the site for the first time."""

from contextlib import suppress
from dataclasses import replace

from foyer import passwords
from foyer.operations import organizations, sessions
from foyer.rules.carts import Product
from foyer.rules.galleries import Gallery, Picture
from foyer.rules.organizations import Approval, Organization
from foyer.rules.policy import POLICY
from foyer.rules.roles import DEFAULT, ROOT, SITE_ADMINISTRATOR, Role
from foyer.rules.users import Profile, State, User
from foyer.storage import administrators, catalogue, members, users
from foyer.storage.organizations import new_organization
from foyer.storage.table import ConditionFailed, write
from local.pictures import SCENES

ADMINISTRATOR = "admin@studio.example.com"
PASSWORD = "a long demo passphrase"
STUDIO = "Studio Ana"
ORG = "studio-ana"

COAST = Gallery(
    "coast",
    "The coast, early and late",
    STUDIO,
    "public",
    "public",
    "/_dev/pictures/harbour-at-dusk.svg",
)
HILLS = Gallery(
    "hills", "Hills and weather", STUDIO, "public", "public", "/_dev/pictures/pine-ridge.svg"
)
WEDDING = Gallery("lea-and-tom", "Léa and Tom", STUDIO, "private", "login")

PRODUCTS = [
    Product("voucher", "Gift voucher for a portrait session", "other", 15000),
    Product("calendar", "Wall calendar “The coast”", "other", 2800),
    Product("print-30x45", "Print 30 × 45 cm", "print", 6500, of_picture=True),
    Product("print-60x90", "Print 60 × 90 cm", "print", 18500, of_picture=True),
    Product("download", "Digital picture, private use", "download", 2900, of_picture=True),
    Product("coast-poster", "Poster “The coast”", "print", 3900, "coast", of_picture=True),
]
OFFERED = {
    COAST: ("print-30x45", "download", "coast-poster"),
    HILLS: ("print-30x45", "print-60x90", "download"),
}
HUNG = {
    COAST: ["low-tide", "first-light", "north-pier", "harbour-at-dusk"],
    HILLS: ["pine-ridge", "after-rain", "red-cliffs", "winter-field"],
}


def _person(id_: str, email: str, name: str, role: Role, path: tuple[str, ...]) -> User:
    return User(
        id=id_,
        language="en",
        seen_at=0,
        status=State.APPROVED,
        email=email,
        address=email,
        profile=Profile(name, "C", path[-1]),
        path=path,
        roles=(role,),
        epoch=1,
        password_id="demo",  # noqa: S106 - an id
        terms=POLICY.shop.terms.version,
    )


# Each may sign in with PASSWORD; staff are asked for a mailed code as well.
PEOPLE = [
    _person(
        "demo-administrator-001",
        ADMINISTRATOR,
        "Alex",
        Role(SITE_ADMINISTRATOR, ROOT, by="operator"),
        (ROOT,),
    ),
    _person(
        "demo-photographer-0001",
        "ana@studio.example.com",
        "Ana",
        Role("photographer", ORG, by="demo-administrator-001"),
        (ROOT, ORG),
    ),
    _person(
        "demo-client-0000000001",
        "carla@example.com",
        "Carla",
        Role("registered_customer", DEFAULT, by="rule:everybody else"),
        (ROOT, DEFAULT),
    ),
]
# Beside `root` and `default`: the studio's own people, and a customer whose people must be let in.
ORGANIZATIONS = [
    Organization(ORG, STUDIO, (ROOT, ORG), Approval.INHERIT),
    Organization("hotel-miramar", "Hotel Miramar", (ROOT, "hotel-miramar"), Approval.REQUIRED),
]


def plant(now: int) -> None:
    """Opens the site (which welcomes its administrator by mail) and hangs the pictures."""
    organizations.open_site(STUDIO, ADMINISTRATOR, "en", now)
    for organization in ORGANIZATIONS:
        with suppress(ConditionFailed):  # planted before
            write(new_organization(organization))
    galleries = {gallery.id: gallery for gallery in (COAST, HILLS, WEDDING)}
    for offset, gallery in enumerate(galleries.values()):
        write(catalogue.put_gallery(gallery, ORG, now + offset))
    for offset, product in enumerate(PRODUCTS):
        of = galleries.get(product.gallery_id or "")
        write(catalogue.put_product(product, of, ORG, now + offset))
    for gallery, names in HUNG.items():
        for name in names:
            src = f"/_dev/pictures/{name}.svg"
            write(
                catalogue.put_picture(
                    Picture(name, gallery.id, SCENES[name].title, src, OFFERED[gallery])
                )
            )
    for person in PEOPLE:
        roles = tuple(replace(role, at=now) for role in person.roles)
        user = replace(person, seen_at=now, status_at=now, roles=roles)
        with suppress(ConditionFailed):  # planted before
            write(
                users.new_account(user),
                users.own_address(user.email or "", user.id, now, asked_at=now),
                users.put_password(user, passwords.hashed(PASSWORD, sessions.cost()), now),
                members.put(user),
                *members.works(user.id, (), user.roles),
                *administrators.kept(None, user),
            )
    secret = Picture(
        "first-dance", WEDDING.id, "First dance", "/_dev/pictures/after-rain.svg", ("print-30x45",)
    )
    write(catalogue.put_picture(secret))
