"""Products, galleries and pictures as rows, and what the shop shows of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from foyer.rules.carts import Known, Product, Thing
from foyer.rules.galleries import Gallery, Picture, Rights
from foyer.storage import keys, table
from foyer.storage.keys import Key
from foyer.storage.table import ABSENT, Change, Check, Delete, Item, Page, Put, Update, setting

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


def look_up(things: Iterable[Thing], more: Sequence[Key] = ()) -> dict[Key, Item]:
    """What there is now of these things, and the rows `more`: a call for each 100 of them."""
    wanted = [*(key for thing in things for key in keys_of(thing)), *more]
    return table.read(wanted, consistent=False) if wanted else {}


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


def public_galleries(limit: int, after: Item | None = None) -> Page:
    """The listed ones, the newest first."""
    return table.listing(keys.PUBLIC_GALLERIES, limit=limit, after=after, newest_first=True)


def galleries_of(org_id: str, *, limit: int, after: Item | None) -> Page:
    """Pointers to all galleries of one organization, the newest first."""
    return table.listing(keys.galleries_of(org_id), limit=limit, after=after, newest_first=True)


def products(gallery: Gallery | None, *, limit: int, after: Item | None) -> Page:
    """A page of the products everybody may see (the store-wide ones first) or of one gallery's."""
    if gallery is None:
        return table.listing(keys.PUBLIC_PRODUCTS, limit=limit, after=after)
    prefix = keys.product_position(gallery.id, "")
    return table.listing(_products_list(gallery), prefix=prefix, limit=limit, after=after)


def _products_list(gallery: Gallery | None) -> str:
    """Each product stands in one list: the one everybody may see, or its closed gallery's; one that
    is being taken away is closed."""
    if gallery is None:
        return keys.PUBLIC_PRODUCTS
    if (gallery.visibility, gallery.access) == ("public", "public") and not gallery.leaving:
        return keys.PUBLIC_PRODUCTS
    return keys.products_of(gallery.id)


def pictures_after(gallery_id: str, after: str | None, limit: int) -> tuple[list[Picture], bool]:
    """So many pictures of the gallery, hidden ones among them, behind the picture `after`, and
    whether there are more."""
    first = keys.picture(gallery_id, "")
    behind = None if after is None else keys.picture(gallery_id, after)
    page = table.family(first, first.sk, limit=limit, after=behind)
    return [picture(row) for row in page.items], page.last is not None


def last_picture(gallery_id: str, prefix: str) -> str | None:
    """The last of the ids of its pictures that begin so."""
    first = keys.picture(gallery_id, prefix)
    page = table.family(first, first.sk, limit=1, newest_first=True)
    return page.items[0]["id"] if page.items else None


def gallery_with_pictures(
    gallery_id: str, limit: int
) -> tuple[Gallery | None, list[Picture], bool]:
    """The gallery, the first `limit` of its pictures, hidden ones among them, and whether there are
    more: one query, for they sort together."""
    key = keys.gallery(gallery_id)
    page = table.family(key, key.sk, limit=limit + 1)
    if not page.items or page.items[0]["sk"] != key.sk:
        return None, [], False
    hung = [picture(row) for row in page.items[1:]]
    return gallery(page.items[0]), hung, page.last is not None


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
        path=tuple(item["path"]),
        made_at=item["made_at"],
        version=item["version"],
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
        path=tuple(item["path"]),
        everybody=rights_from(item["everybody"]),
        password_id=item.get("password"),
        transfers=item["transfers"],
        quota=item.get("quota"),
        made_at=item["made_at"],
        version=item["version"],
        product_version=item["product_version"],
        leaving="leaving" in item,
    )


def rights_from(raw: Mapping[str, Any]) -> Rights:
    return Rights(raw["enter"], raw["download"])


def rights_raw(rights: Rights) -> dict[str, Any]:
    return {"enter": rights.enter, "download": rights.download}


def picture(item: Item) -> Picture:
    return Picture(
        id=item["id"],
        gallery_id=item["gallery"],
        title=item["title"],
        src=item["src"],
        products=tuple(item["products"]),
        hidden=item["hidden"],
    )


def put_product(product: Product, gallery: Gallery | None, before: Product | None = None) -> Put:
    """A product, store-wide or of `gallery`; a new one, or in place of the version that was read.
    It stands in the list its gallery's door lets it be seen in, while it is sold."""
    key = keys.product(product.id)
    place = keys.product_position(product.gallery_id, f"{product.made_at:012d}#{product.id}")
    item = {
        "pk": key.pk,
        "sk": key.sk,
        "id": product.id,
        "path": list(product.path),
        "name": product.name,
        "kind": product.kind,
        "amount": product.amount,
        "gallery": product.gallery_id,
        "of_picture": product.of_picture,
        "active": product.active,
        "until": gallery.expires_at if gallery is not None else None,
        "made_at": product.made_at,
        "version": product.version,
        "list": _products_list(gallery) if product.active else None,
        "list_at": place if product.active else None,
    }
    if before is None:
        return Put(item, condition=ABSENT)
    return Put(item, "#version = :read", {"#version": "version"}, {":read": before.version})


def list_product_for_studio(product: Product) -> Put:
    """Where staff find it, also while nobody else does."""
    return Put(
        {
            **_pointer_to(product)._asdict(),
            "list": keys.products_by(product.path[-1]),
            "list_at": f"{product.made_at:012d}#{product.id}",
        }
    )


def _pointer_to(product: Product) -> Key:
    return keys.product_of_studio(product.id, product.gallery_id, product.made_at)


def products_by(org_id: str, *, limit: int, after: Item | None) -> Page:
    """Pointers to all products of one organization, the newest first."""
    return table.listing(keys.products_by(org_id), limit=limit, after=after, newest_first=True)


def products_in(gallery_id: str, *, limit: int, after: Item | None = None) -> Page:
    """Pointers to all products of one gallery, the newest first; consistent."""
    head = keys.products_in(gallery_id)
    behind = None if after is None else Key(after["pk"], after["sk"])
    return table.family(
        head, head.sk, limit=limit, after=behind, newest_first=True, consistent=True
    )


def product_of(pointer: Item) -> Key:
    return keys.product_in(Key(pointer["pk"], pointer["sk"]))


def sells(gallery: Gallery) -> Update:
    """Goes with every change of its products, so that it has the door they are listed by: who
    changes the door meanwhile, or another of its products, looks again."""
    return setting(
        keys.gallery(gallery.id),
        {"product_version": gallery.product_version + 1},
        condition=f"{_AS_READ} AND attribute_not_exists(leaving)",
        names={"#version": "version"},
        values=_as_read(gallery),
    )


_AS_READ = "#version = :read AND product_version = :sells"


def _as_read(gallery: Gallery) -> dict[str, int]:
    return {":read": gallery.version, ":sells": gallery.product_version}


def relist_product(item: Item, gallery: Gallery) -> Update:
    """A product of a gallery whose door or end has changed, as lists show it from now on."""
    return setting(
        Key(item["pk"], item["sk"]),
        {"list": _products_list(gallery), "until": gallery.expires_at},
        removes=["until"] if gallery.expires_at is None else [],
        condition="attribute_exists(#list)",
        names={"#list": "list"},
    )


def delete_product(product: Product) -> list[Change]:
    return [Delete(keys.product(product.id)), Delete(_pointer_to(product))]


def put_gallery(gallery: Gallery, before: Gallery | None = None) -> Put:
    """The gallery; a new one, or in place of the version that was read, with the products it had
    then."""
    key = keys.gallery(gallery.id)
    listed = gallery.visibility == "public" and not gallery.leaving
    item = {
        "pk": key.pk,
        "sk": key.sk,
        "id": gallery.id,
        "title": gallery.title,
        "studio": gallery.studio,
        "visibility": gallery.visibility,
        "access": gallery.access,
        "cover": gallery.cover,
        "expires_at": gallery.expires_at,
        "path": list(gallery.path),
        "everybody": rights_raw(gallery.everybody),
        "password": gallery.password_id,
        "transfers": gallery.transfers,
        "quota": gallery.quota,
        "made_at": gallery.made_at,
        "version": gallery.version,
        "product_version": gallery.product_version,
        "leaving": gallery.leaving or None,
        "list": keys.PUBLIC_GALLERIES if listed else None,
        "list_at": f"{gallery.made_at:012d}#{gallery.id}" if listed else None,
    }
    if before is None:
        return Put(item, condition=ABSENT)
    return Put(item, _AS_READ, {"#version": "version"}, _as_read(before))


def list_for_studio(gallery: Gallery) -> Put:
    """Where staff find it: a list of its own, for each row stands in one."""
    return Put(
        {
            **keys.gallery_of_studio(gallery.id)._asdict(),
            "list": keys.galleries_of(gallery.path[-1]),
            "list_at": f"{gallery.made_at:012d}#{gallery.id}",
        }
    )


def put_gallery_password(gallery: Gallery, password_hash: str, now: int) -> Put:
    """The password the gallery's row names."""
    key = keys.gallery_password(gallery.id)
    item = {**key._asdict(), "id": gallery.password_id, "hash": password_hash, "set_at": now}
    return Put(item)


def password_of(gallery: Gallery, rows: Mapping[Key, Item]) -> str | None:
    """The hash of its password, if the row that was read is the one the gallery names."""
    row = rows.get(keys.gallery_password(gallery.id), {})
    named = gallery.password_id is not None and row.get("id") == gallery.password_id
    return row["hash"] if named else None


def still_there(gallery: Gallery) -> Check:
    """Nothing is hung in, and nobody invited to, a gallery that is being taken away."""
    return Check(keys.gallery(gallery.id), "attribute_exists(pk) AND attribute_not_exists(leaving)")


def rest_of_gallery(gallery_id: str, limit: int) -> list[Item]:
    """Some of what stands under a gallery's key beside its own row, for taking it away; what it
    sells first."""
    for first in (
        keys.products_in(gallery_id),
        keys.grant(gallery_id, ""),
        keys.access_request(gallery_id, ""),
        keys.submitted_to(gallery_id),
        keys.picture(gallery_id, ""),
    ):
        page = table.family(first, first.sk, limit=limit, consistent=True)
        if page.items:
            return page.items
    return []


def take_away(item: Item) -> list[Change]:
    """A row under a gallery's key; with a pointer goes the product."""
    key = Key(item["pk"], item["sk"])
    product = [Delete(keys.product_in(key))] if keys.is_product_in_gallery(key.sk) else []
    return [Delete(key), *product]


def delete_gallery(gallery: Gallery) -> list[Change]:
    """The last of it, once it is leaving: its own row and what belongs to that."""
    return [
        Delete(keys.gallery(gallery.id), condition="attribute_exists(leaving)"),
        Delete(keys.gallery_password(gallery.id)),
        Delete(keys.gallery_of_studio(gallery.id)),
    ]


def put_picture(picture: Picture, *, new: bool = False) -> Put:
    """The picture as it is from now on: one that was there, or a `new` one."""
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
        },
        condition=ABSENT if new else None,
    )


def change_picture(picture: Picture, said: Iterable[str]) -> Update:
    """What was said of a picture that is there, and no more: others may say more meanwhile."""
    is_: dict[str, Any] = {**vars(picture), "products": list(picture.products)}
    return setting(
        keys.picture(picture.gallery_id, picture.id),
        {name: is_[name] for name in said},
        condition="attribute_exists(pk)",
    )


def take_down(gallery_id: str, picture_id: str) -> Delete:
    return Delete(keys.picture(gallery_id, picture_id))
