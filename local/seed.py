"""The demo studio: what somebody finds who starts the site for the first time."""

from foyer.operations import staff
from foyer.rules.carts import Product
from foyer.rules.galleries import Gallery, Picture
from foyer.storage import catalogue
from foyer.storage.table import write
from local.pictures import SCENES

ADMINISTRATOR = "admin@studio.example.com"
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


def plant(now: int) -> None:
    """Opens the site (which welcomes its administrator by mail) and hangs the pictures."""
    staff.open_site(STUDIO, ADMINISTRATOR, "en", now)
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
    secret = Picture(
        "first-dance", WEDDING.id, "First dance", "/_dev/pictures/after-rain.svg", ("print-30x45",)
    )
    write(catalogue.put_picture(secret))
