"""Products, galleries and pictures as rows, and what the shop shows of them."""

from collections.abc import Iterable, Mapping

from foyer.rules.carts import Known, Product, Thing
from foyer.rules.galleries import Gallery, Picture
from foyer.storage import keys, table
from foyer.storage.keys import Key
from foyer.storage.table import Item, Page, Put

# How long a container may describe a line by what it read before. Only for lines a request did not
# touch: what is added, shown by GET, or charged is read each time.
REMEMBERED = 30
_memory: dict[Key, tuple[int, Item | None]] = {}
_MOST = 2_000


def keys_of(thing: Thing) -> list[Key]:
    wanted = [keys.product(thing.product_id)]
    if thing.gallery_id is not None:
        wanted.append(keys.gallery(thing.gallery_id))
        if thing.picture_id is not None:
            wanted.append(keys.picture(thing.gallery_id, thing.picture_id))
    return wanted


def known(items: Mapping[Key, Item]) -> Known:
    products, galleries, pictures = {}, {}, {}
    for key, item in items.items():
        if key.sk == "PRODUCT":
            products[item["id"]] = product(item)
        elif key.sk == "GALLERY":
            galleries[item["id"]] = gallery(item)
        elif key.sk.startswith("GALLERY#PICTURE#"):
            pictures[(item["gallery"], item["id"])] = picture(item)
    return Known(products, galleries, pictures)


def look_up(things: Iterable[Thing]) -> Known:
    """What is known of these things now: one call for each 100 different rows."""
    wanted = [key for thing in things for key in keys_of(thing)]
    return known(table.read(wanted, consistent=False)) if wanted else Known()


def recall(things: Iterable[Thing], fresh: Mapping[Key, Item], now: int) -> Known:
    """As `look_up`, for lines the request did not touch: what was just read is taken from `fresh`,
    what this container read within REMEMBERED seconds from memory, the rest is read."""
    wanted = {key for thing in things for key in keys_of(thing)}
    have: dict[Key, Item | None] = {key: fresh.get(key) for key in wanted if key in fresh}
    for key in wanted - have.keys():
        at, item = _memory.get(key, (-REMEMBERED, None))
        if 0 <= now - at < REMEMBERED:
            have[key] = item
    missing = sorted(wanted - have.keys())
    if missing:
        found = table.read(missing, consistent=False)
        have |= {key: found.get(key) for key in missing}
        remember(missing, found, now)
    return known({key: item for key, item in have.items() if item is not None})


def remember(wanted: Iterable[Key], found: Mapping[Key, Item], now: int) -> None:
    if len(_memory) > _MOST:
        _memory.clear()
    _memory.update({key: (now, found.get(key)) for key in wanted})


def forget() -> None:
    """As a new container."""
    _memory.clear()


def public_galleries(limit: int) -> tuple[Gallery, ...]:
    return tuple(gallery(item) for item in table.listing(keys.PUBLIC_GALLERIES, limit=limit).items)


def products(gallery: Gallery | None, *, limit: int, after: Item | None) -> Page:
    """A page of the products everybody may see (the store-wide ones first) or of one gallery's."""
    if gallery is None:
        return table.listing(keys.PUBLIC_PRODUCTS, limit=limit, after=after)
    prefix = keys.product_position(gallery.id, "")
    return table.listing(_products_list(gallery), prefix=prefix, limit=limit, after=after)


def _products_list(gallery: Gallery | None) -> str:
    """Each product stands in one list: the one everybody may see, or its closed gallery's."""
    if gallery is None or (gallery.visibility, gallery.access) == ("public", "public"):
        return keys.PUBLIC_PRODUCTS
    return keys.products_of(gallery.id)


def gallery_with_pictures(
    gallery_id: str, limit: int, after: str | None
) -> tuple[Gallery | None, list[Picture], bool]:
    """The gallery, `limit` of its pictures, and whether there are more. The first ones take one
    query, for gallery and pictures sort together; those behind the picture `after` a read more."""
    key = keys.gallery(gallery_id)
    if after is None:
        page = table.family(key, key.sk, limit=limit + 1)
        door, hung = page.items[:1], page.items[1:]
    else:
        door = list(table.read([key], consistent=False).values())
        behind = keys.picture(gallery_id, after)
        page = table.family(key, keys.picture(gallery_id, "").sk, limit=limit, after=behind)
        hung = page.items
    if not door or door[0]["sk"] != key.sk:
        return None, [], False
    return gallery(door[0]), [picture(row) for row in hung], page.last is not None


def product(item: Item) -> Product:
    return Product(
        id=item["id"],
        name=item["name"],
        kind=item["kind"],
        amount=item["amount"],
        gallery_id=item.get("gallery"),
        of_picture=item["of_picture"],
        active=item["active"],
        until=item.get("until"),
    )


def gallery(item: Item) -> Gallery:
    return Gallery(
        id=item["id"],
        title=item["title"],
        studio=item["studio"],
        visibility=item["visibility"],
        access=item["access"],
        cover=item.get("cover"),
        expires_at=item.get("expires_at"),
    )


def picture(item: Item) -> Picture:
    return Picture(
        id=item["id"],
        gallery_id=item["gallery"],
        title=item["title"],
        src=item["src"],
        products=tuple(item["products"]),
        hidden=item["hidden"],
    )


def put_product(product: Product, gallery: Gallery | None, org_id: str, now: int) -> Put:
    """The row of a product, store-wide or of `gallery`."""
    key = keys.product(product.id)
    return Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "id": product.id,
            "org": org_id,
            "name": product.name,
            "kind": product.kind,
            "amount": product.amount,
            "gallery": product.gallery_id,
            "of_picture": product.of_picture,
            "active": product.active,
            "until": gallery.expires_at if gallery is not None else None,
            "list": _products_list(gallery) if product.active else None,
            "list_at": keys.product_position(product.gallery_id, f"{now:012d}#{product.id}")
            if product.active
            else None,
        }
    )


def put_gallery(gallery: Gallery, org_id: str, now: int) -> Put:
    key = keys.gallery(gallery.id)
    listed = gallery.visibility == "public"
    return Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "id": gallery.id,
            "org": org_id,
            "title": gallery.title,
            "studio": gallery.studio,
            "visibility": gallery.visibility,
            "access": gallery.access,
            "cover": gallery.cover,
            "expires_at": gallery.expires_at,
            "list": keys.PUBLIC_GALLERIES if listed else None,
            "list_at": f"{now:012d}#{gallery.id}" if listed else None,
        }
    )


def put_picture(picture: Picture) -> Put:
    key = keys.picture(picture.gallery_id, picture.id)
    return Put(
        {
            "pk": key.pk,
            "sk": key.sk,
            "id": picture.id,
            "gallery": picture.gallery_id,
            "title": picture.title,
            "src": picture.src,
            "products": list(picture.products),
            "hidden": picture.hidden,
        }
    )
