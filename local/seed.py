"""The demo studio: what somebody finds who starts the site for the first time."""

from contextlib import suppress
from dataclasses import replace

from foyer import passwords
from foyer.operations import inviting, organizations, sessions
from foyer.rules.carts import Product
from foyer.rules.consents import said
from foyer.rules.galleries import Gallery, Picture, Rights, forgiven
from foyer.rules.organizations import Approval, Organization
from foyer.rules.policy import POLICY
from foyer.rules.roles import DEFAULT, ROOT, SITE_ADMINISTRATOR, Role
from foyer.rules.users import Profile, State, User
from foyer.storage import administrators, catalogue, consents, grants, members, users
from foyer.storage.organizations import new_organization
from foyer.storage.table import ConditionFailed, write
from local.pictures import SCENES

ADMINISTRATOR = "admin@studio.example.com"
PASSWORD = "a long demo passphrase"
STUDIO = "Studio Ana"
ORG = "studio-ana"
PHOTOGRAPHER = "demo-photographer-0001"

GALLERY_PASSWORD = "open sesame"

COAST = Gallery(
    "coast",
    "The coast, early and late",
    STUDIO,
    "public",
    "public",
    "/_dev/pictures/harbour-at-dusk.svg",
    path=(ROOT, ORG),
)
HILLS = Gallery(
    "hills",
    "Hills and weather",
    STUDIO,
    "public",
    "public",
    "/_dev/pictures/pine-ridge.svg",
    path=(ROOT, ORG),
)
# Whoever has the password may enter, and choose ten pictures for the album.
PARTY = Gallery(
    "summer-party-2026-0815",
    "The summer party",
    STUDIO,
    "public",
    "password",
    path=(ROOT, ORG),
    everybody=Rights(download="web"),
    password_id="demo",  # noqa: S106 - an id
    quota=10,
)
# There for the invited alone.
WEDDING = Gallery(
    "lea-and-tom-2026-06-13",
    "Léa and Tom",
    STUDIO,
    "private",
    "login",
    path=(ROOT, ORG),
    everybody=Rights(enter=False),
    transfers="approve",
)

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
    PARTY: ("print-30x45", "download"),
    WEDDING: ("print-30x45", "print-60x90", "download"),
}
HUNG = {
    COAST: ["low-tide", "first-light", "north-pier", "harbour-at-dusk"],
    HILLS: ["pine-ridge", "after-rain", "red-cliffs", "winter-field"],
    PARTY: ["first-light", "north-pier"],
    WEDDING: ["after-rain", "winter-field"],
}
TITLES = {"first-light": "Lanterns", "north-pier": "The last dance"}
WEDDING_TITLES = {"after-rain": "First dance", "winter-field": "Two rings"}
INVITED = ("carla@example.com", "nina@example.com")  # nina has no account


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
        PHOTOGRAPHER,
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
    galleries = {gallery.id: gallery for gallery in (COAST, HILLS, PARTY, WEDDING)}
    for offset, gallery in enumerate(galleries.values()):
        gallery = replace(gallery, made_at=now + offset)
        with suppress(ConditionFailed):  # planted before
            write(catalogue.put_gallery(gallery), catalogue.list_for_studio(gallery))
    kept = passwords.hashed(forgiven(GALLERY_PASSWORD), sessions.cost())
    write(catalogue.put_gallery_password(PARTY, kept, now))
    for offset, product in enumerate(PRODUCTS):
        of = galleries.get(product.gallery_id or "")
        product = replace(product, path=(ROOT, ORG), made_at=now + offset, version=1)
        with suppress(ConditionFailed):  # planted before
            write(catalogue.put_product(product, of), catalogue.list_product_for_studio(product))
    for gallery, names in HUNG.items():
        titles = {PARTY: TITLES, WEDDING: WEDDING_TITLES}.get(gallery, {})
        for name in names:
            src = f"/_dev/pictures/{name}.svg"
            title = titles.get(name, SCENES[name].title)
            write(catalogue.put_picture(Picture(name, gallery.id, title, src, OFFERED[gallery])))
    for person in PEOPLE:
        roles = tuple(replace(role, at=now) for role in person.roles)
        user = replace(person, seen_at=now, status_at=now, roles=roles)
        with suppress(ConditionFailed):  # planted before
            write(
                users.new_account(user),
                users.own_address(user.email or "", user.id, now, asked_at=now),
                users.put_password(user, passwords.hashed(PASSWORD, sessions.cost()), now),
                members.put(user),
                *(consents.add(user, one) for one in said(POLICY.shop, "sign_up", now, terms=True)),
                *members.works(user.id, (), user.roles),
                *administrators.kept(None, user),
            )


def invite(now: int) -> None:
    """Léa and Tom's guests, whose invitations are in the mailbox."""
    for address in INVITED:
        invitation, mail = inviting.new(WEDDING, address, PHOTOGRAPHER, now, language="en")
        with suppress(ConditionFailed):  # invited before
            write(grants.put(invitation), mail)
