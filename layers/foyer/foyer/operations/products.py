"""What studios sell: products and their prices. Each within the organizations a role reaches;
anything else is not there to whoever asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.operations import doors, places
from foyer.operations.sessions import RETRIES, Visitor, attempt_of
from foyer.operations.staff import acting
from foyer.operations.studio import PRODUCTS
from foyer.rules.carts import Kind, Product
from foyer.rules.galleries import Gallery
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.roles import Power, reach
from foyer.rules.users import User
from foyer.storage import catalogue, keys, users
from foyer.storage.idempotency import UNKEYED, Once
from foyer.storage.keys import Key
from foyer.storage.table import Change, ConditionFailed, Item, Page, read, write


def listed(
    visitor: Visitor,
    now: int,
    *,
    limit: int,
    organization_id: str | None = None,
    gallery_id: str | None = None,
    after: Item | None = None,
) -> tuple[list[Product], Item | None]:
    """A page of those he looks after, sold just now or not: one organization after the other or
    those of one gallery, the newest first."""
    if gallery_id is not None:
        gallery = gallery_of(visitor, gallery_id, now)
        if organization_id not in {None, gallery.path[-1]}:
            raise Refusal(Reason.NOT_FOUND)
        page = catalogue.products_in(gallery_id, limit=limit, after=after)
    else:
        ids = places.reached(visitor, Power.SELL, organization_id, now)

        def of(id_: str, most: int, behind: Item | None) -> Page:
            return catalogue.products_by(id_, limit=most, after=behind)

        page = places.through(ids, of, limit=limit, after=after)
    wanted = [catalogue.product_of(pointer) for pointer in page.items]
    rows = read(wanted, consistent=False) if wanted else {}
    return [catalogue.product(rows[key]) for key in wanted if key in rows], page.last


def gallery_of(visitor: Visitor, gallery_id: str, now: int) -> Gallery:
    """A gallery whose products he looks after."""
    actor, rows = acting(visitor, now, more=[keys.gallery(gallery_id)])
    return _within_reach(actor, doors.gallery_in(rows, gallery_id))


def _within_reach(actor: User, gallery: Gallery | None) -> Gallery:
    if gallery is None or gallery.leaving or reach(actor.roles, Power.SELL, gallery.path) is None:
        raise Refusal(Reason.NOT_FOUND)
    return gallery


def titles(products: Iterable[Product]) -> dict[str, str]:
    """What the galleries of these products are called, by their ids."""
    wanted = sorted({keys.gallery(one.gallery_id) for one in products if one.gallery_id})
    rows = read(wanted, consistent=False) if wanted else {}
    return {row["id"]: catalogue.gallery(row).title for row in rows.values()}


def see(visitor: Visitor, product_id: str, now: int) -> Product:
    actor, rows = acting(visitor, now, more=[keys.product(product_id)])
    return _reached(actor, product_id, rows)


def _reached(actor: User, product_id: str, rows: Mapping[Key, Item]) -> Product:
    row = rows.get(keys.product(product_id))
    product = None if row is None else catalogue.product(row)
    if product is None or reach(actor.roles, Power.SELL, product.path) is None:
        raise Refusal(Reason.NOT_FOUND)
    return product


@dataclass(frozen=True)
class Price:
    """Minor units, tax included."""

    amount: int
    currency: str


@dataclass(frozen=True)
class NewProduct:
    """Store-wide, or of a gallery; what it is never changes, for carts hold it by its id alone."""

    name: str
    kind: Kind
    price: Price
    gallery_id: str | None = None
    of_picture: bool = False
    active: bool = True


def create(
    visitor: Visitor,
    new: NewProduct,
    organization_id: str | None,
    now: int,
    *,
    once: Once = UNKEYED,
    entropy: Entropy = token_bytes,
) -> Product:
    """One more product: of its gallery's studio or, store-wide, of the one named or that he works
    for. Refuses NOT_FOUND for a gallery or organization out of reach."""
    attempt = attempt_of(visitor, once, "products")
    wanted = [attempt.row_key] if attempt else []
    wanted += [keys.gallery(new.gallery_id)] if new.gallery_id else []
    wanted += [keys.organization(organization_id)] if organization_id else []
    id_ = new_id(entropy)
    for _ in range(RETRIES + 1):
        actor, rows = acting(visitor, now, more=wanted, changing=True)
        if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
            return see(visitor, rows[attempt.row_key]["made"], now)
        amount = _amount(new.price)
        path, gallery = _home(actor, new.gallery_id, organization_id, rows)
        product = Product(id_, new.name, new.kind, amount, new.gallery_id, new.of_picture)
        product = replace(product, active=new.active, path=path, made_at=now, version=1)
        records = [attempt.record(now, made=id_)] if attempt else []
        try:
            write(
                users.acts(actor),
                catalogue.put_product(product, gallery),
                catalogue.list_product_for_studio(product),
                *_beside(gallery),
                *records,
            )
        except ConditionFailed:
            continue
        return product
    raise Refusal(Reason.BUSY, retry_after=1)


def _amount(price: Price) -> int:
    if price.currency != POLICY.shop.currency:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/price/currency")
    return price.amount


def _home(
    actor: User, gallery_id: str | None, organization_id: str | None, rows: Mapping[Key, Item]
) -> tuple[tuple[str, ...], Gallery | None]:
    """The path of who will sell it, and its gallery. Refuses TOO_MANY_PRODUCTS of one gallery."""
    if gallery_id is None:
        return places.chosen(actor, Power.SELL, organization_id, rows).path, None
    gallery = _within_reach(actor, doors.gallery_in(rows, gallery_id))
    if organization_id not in {None, gallery.path[-1]}:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/organization_id")
    if len(catalogue.products_in(gallery_id, limit=PRODUCTS).items) >= PRODUCTS:
        raise Refusal(Reason.TOO_MANY_PRODUCTS)
    return gallery.path, gallery


def _beside(gallery: Gallery | None) -> list[Change]:
    return [] if gallery is None else [catalogue.sells(gallery)]


@dataclass(frozen=True)
class Wish:
    """What is said of a product; what is None stays."""

    name: str | None = None
    price: Price | None = None
    active: bool | None = None


def change(
    visitor: Visitor,
    product_id: str,
    wish: Wish,
    now: int,
    *,
    if_match: frozenset[str] | None = None,
) -> Product:
    """The product as it is wished for; carts show it so at once. Refuses VERSION_MISMATCH where
    `if_match` names another version."""
    for _ in range(RETRIES + 1):
        actor, rows = acting(visitor, now, more=[keys.product(product_id)], changing=True)
        product = _reached(actor, product_id, rows)
        if if_match is not None and not if_match & {"*", str(product.version)}:
            raise Refusal(Reason.VERSION_MISMATCH)
        after = _wished(product, wish)
        if after == product:
            return product
        after = replace(after, version=product.version + 1)
        gallery = _gallery(actor, product)
        try:
            write(
                users.acts(actor),
                catalogue.put_product(after, gallery, product),
                *_beside(gallery),
            )
        except ConditionFailed:
            continue
        return after
    raise Refusal(Reason.BUSY, retry_after=1)


def _wished(product: Product, wish: Wish) -> Product:
    return replace(
        product,
        name=wish.name or product.name,
        amount=product.amount if wish.price is None else _amount(wish.price),
        active=product.active if wish.active is None else wish.active,
    )


def _gallery(actor: User, product: Product) -> Gallery | None:
    """What it is listed with; while that is being taken away there is nothing to change."""
    if product.gallery_id is None:
        return None
    key = keys.gallery(product.gallery_id)
    return _within_reach(actor, doors.gallery_in(read([key], consistent=True), product.gallery_id))


def delete(visitor: Visitor, product_id: str, now: int) -> None:
    """The product is sold no more; lines of carts that hold it say so. Once more by the same person
    is the same, for a day."""
    attempt = attempt_of(visitor, Once(product_id), "products-deleted")
    wanted = [keys.product(product_id), *([attempt.row_key] if attempt else [])]
    for _ in range(RETRIES + 1):
        actor, rows = acting(visitor, now, more=wanted, changing=True)
        if attempt is not None and attempt.is_repeat(rows.get(attempt.row_key), now):
            return
        product = _reached(actor, product_id, rows)
        records = [attempt.record(now)] if attempt else []
        try:
            write(users.acts(actor), *catalogue.delete_product(product), *records)
        except ConditionFailed:
            continue
        return
    raise Refusal(Reason.BUSY, retry_after=1)
