"""Carts: what may be put in, how it adds up, and what it costs now.

A line's id is derived from the thing it holds, so "the same thing again" is the same line and two
carts merge by id. Prices are never in the cart: they are the shop's, each time it is shown.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

from foyer.rules.galleries import Gallery, Picture
from foyer.rules.organizations import DEFAULT_PATH
from foyer.rules.policy import Carts, MergeMode, Shop
from foyer.rules.refusals import Reason, Refusal


@dataclass(frozen=True)
class Thing:
    """What a line holds: a product, alone or of a picture in a gallery."""

    product_id: str
    gallery_id: str | None = None
    picture_id: str | None = None

    @property
    def line_id(self) -> str:
        parts = (self.product_id, self.gallery_id or "", self.picture_id or "")
        digest = sha256("\n".join(parts).encode()).digest()
        return urlsafe_b64encode(digest[:9]).decode()


@dataclass(frozen=True)
class Line:
    """`added_at` in epoch seconds; `place` orders the lines as they were put in; `told` is the
    price of one when it was last put in (None in rows of before there were orders)."""

    thing: Thing
    quantity: int
    added_at: int
    place: int
    told: int | None = None


@dataclass(frozen=True)
class Cart:
    lines: Mapping[str, Line] = field(default_factory=dict)
    version: int = 0


Kind = Literal["print", "download", "other"]


@dataclass(frozen=True)
class Product:
    """Amounts are minor units of the shop's currency, tax included. `path` is of the organization
    that sells it, from the root down to itself."""

    id: str
    name: str
    kind: Kind
    amount: int
    gallery_id: str | None = None
    of_picture: bool = False
    active: bool = True
    until: int | None = None  # when its gallery ends, epoch seconds
    path: tuple[str, ...] = DEFAULT_PATH  # of its organization, from the root down
    made_at: int = 0
    version: int = 0


@dataclass(frozen=True)
class Known:
    """What the shop has, as far as somebody looked it up; `open` are the galleries whose door is
    open to this visitor."""

    products: Mapping[str, Product] = field(default_factory=dict)
    galleries: Mapping[str, Gallery] = field(default_factory=dict)
    pictures: Mapping[tuple[str, str], Picture] = field(default_factory=dict)
    open: frozenset[str] = frozenset()


def add(
    cart: Cart, thing: Thing, quantity: int, now: int, limits: Carts, told: int | None = None
) -> Cart:
    """The cart with so many more of the thing, `told` to cost so much. Refuses past the limits, the
    cart unchanged."""
    line = cart.lines.get(thing.line_id)
    if line is None:
        if len(cart.lines) >= limits.lines:
            raise Refusal(Reason.CART_FULL)
        line = Line(thing, 0, now, cart.version + 1)
    if line.quantity + quantity > limits.quantity:
        raise Refusal(Reason.QUANTITY_LIMIT, pointer="#/quantity")
    return _with(cart, replace(line, quantity=line.quantity + quantity, told=told))


def set_quantity(cart: Cart, line_id: str, quantity: int) -> Cart:
    line = cart.lines.get(line_id)
    if line is None:
        raise Refusal(Reason.NOT_FOUND)
    return _with(cart, replace(line, quantity=quantity))


def remove(cart: Cart, line_id: str) -> Cart:
    """The cart without the line; taking away what is not there changes nothing."""
    if line_id not in cart.lines:
        return cart
    lines = {id_: line for id_, line in cart.lines.items() if id_ != line_id}
    return Cart(lines, cart.version + 1)


@dataclass(frozen=True)
class Merged:
    """What became of one line where two carts met. `before` is 0 for what the account did not
    have; `after` equals it for what found no room."""

    thing: Thing
    guest: int
    before: int
    after: int

    def differed(self, mode: MergeMode) -> bool:
        """Whether the thing was in both, and something was decided about how many stay."""
        if mode == "sum":
            return self.before > 0 and self.after > self.before
        return self.before not in {0, self.guest}

    def found_no_room(self, mode: MergeMode) -> bool:
        """For all of it, or where quantities are added up for some of it."""
        return self.after == 0 or (mode == "sum" and self.after < self.guest + self.before)


def brought(carts: Sequence[Cart], mode: MergeMode) -> Cart:
    """What one person brings along as several guests, as one cart: of a thing in more than one the
    larger number, or their sum, however large."""
    lines: dict[str, Line] = {}
    for cart in carts:
        for line_id, line in cart.lines.items():
            other = lines.get(line_id)
            if other is None:
                lines[line_id] = line
                continue
            numbers = (other.quantity, line.quantity)
            quantity = sum(numbers) if mode == "sum" else max(numbers)
            lines[line_id] = replace(other, quantity=quantity)
    return Cart(lines)


def merge(guest: Cart, account: Cart, limits: Carts) -> tuple[Cart, tuple[Merged, ...]]:
    """The account's cart with what the guest's holds: of a thing in both, the larger number, so
    that doing it twice is doing it once; or by policy their sum, or what the account had (0.7). The
    account's own lines are never turned away, nor made fewer."""
    lines, place = dict(account.lines), account.version
    report: list[Merged] = []
    for line_id, line in sorted(guest.lines.items(), key=lambda item: (item[1].place, item[0])):
        own = lines.get(line_id)
        before = 0 if own is None else own.quantity
        if own is None and len(lines) >= limits.merged_lines:
            report.append(Merged(line.thing, line.quantity, 0, 0))
            continue
        after = _together(line.quantity, before, limits)
        if own is None:
            place += 1
            lines[line_id] = replace(line, quantity=after, place=place)
        else:
            lines[line_id] = replace(own, quantity=after)
        report.append(Merged(line.thing, line.quantity, before, after))
    if not report:
        return account, ()
    return Cart(lines, max(account.version, place) + 1), tuple(report)


def _together(guest: int, account: int, limits: Carts) -> int:
    if limits.mode == "keep" and account:
        return account
    together = min(guest + account, limits.quantity) if limits.mode == "sum" else guest
    return max(together, account)


def _with(cart: Cart, line: Line) -> Cart:
    return Cart({**cart.lines, line.thing.line_id: line}, cart.version + 1)


def is_on_show(product: Product, now: int) -> bool:
    return product.active and (product.until is None or now < product.until)


def offered(thing: Thing, known: Known) -> Product:
    """The product, if this visitor may buy the thing now. What is missing, inactive, hidden or
    behind a door is the same NOT_FOUND; a product that is made of a picture asks for one, and a
    picture for its gallery."""
    if thing.picture_id is not None and thing.gallery_id is None:
        raise Refusal(Reason.INVALID_INPUT, pointer="#/gallery_id")
    product = known.products.get(thing.product_id)
    if product is None or not product.active:
        raise Refusal(Reason.NOT_FOUND)
    if product.gallery_id is not None and product.gallery_id != thing.gallery_id:
        raise Refusal(Reason.NOT_FOUND)
    if thing.gallery_id is not None and thing.gallery_id not in known.open:
        raise Refusal(Reason.NOT_FOUND)
    if thing.picture_id is None:
        if product.of_picture:
            raise Refusal(Reason.PICTURE_REQUIRED, pointer="#/picture_id")
        if thing.gallery_id != product.gallery_id:  # else one thing could be two lines
            raise Refusal(Reason.INVALID_INPUT, pointer="#/gallery_id")
        return product
    picture = known.pictures.get((thing.gallery_id or "", thing.picture_id))
    if picture is None or picture.hidden or product.id not in picture.products:
        raise Refusal(Reason.NOT_FOUND)
    return product


@dataclass(frozen=True)
class PricedLine:
    """A line as shown. `unit_price` and `total` are None where the thing cannot be had any more."""

    id: str
    thing: Thing
    name: str
    picture: Picture | None
    quantity: int
    unit_price: int | None
    total: int | None

    @property
    def available(self) -> bool:
        return self.unit_price is not None


@dataclass(frozen=True)
class PricedCart:
    """A cart as shown. `shipped`: something in it is sent by post."""

    lines: tuple[PricedLine, ...]
    shipping: int
    total: int
    currency: str
    version: int
    shipped: bool

    @property
    def quote(self) -> str:
        """Stands for what is in it and what it costs: another price or quantity is another one."""
        said = [f"{line.id} {line.quantity} {line.unit_price}" for line in self.lines]
        text = "\n".join([self.currency, str(self.shipping), *said])
        return urlsafe_b64encode(sha256(text.encode()).digest()[:16]).decode().rstrip("=")


def told_anew(cart: Cart, shown: PricedCart) -> Cart:
    """The cart with what its lines cost now as what was told; the same one where that is so."""
    lines = dict(cart.lines)
    for line in shown.lines:
        if line.unit_price is not None and lines[line.id].told != line.unit_price:
            lines[line.id] = replace(lines[line.id], told=line.unit_price)
    return cart if lines == cart.lines else Cart(lines, cart.version + 1)


def priced(cart: Cart, known: Known, shop: Shop) -> PricedCart:
    """The cart at what the shop charges now, in the order it was filled. What went away stays in
    it, named as far as this visitor may know it, and costs nothing."""
    ordered = sorted(cart.lines.items(), key=lambda item: (item[1].place, item[0]))
    lines = tuple(_priced_line(line_id, line, known) for line_id, line in ordered)
    shipped = any(
        line.available and known.products[line.thing.product_id].kind == "print" for line in lines
    )
    shipping = shop.shipping if shipped else 0
    total = shipping + sum(line.total or 0 for line in lines)
    return PricedCart(lines, shipping, total, shop.currency, cart.version, shipped)


def _priced_line(line_id: str, line: Line, known: Known) -> PricedLine:
    product = known.products.get(line.thing.product_id)
    try:
        price: int | None = offered(line.thing, known).amount
    except Refusal:
        price = None
    picture = None
    if price is not None and line.thing.picture_id is not None:
        picture = known.pictures[(line.thing.gallery_id or "", line.thing.picture_id)]
    name = product.name if product is not None else ""
    if product is not None and product.gallery_id is not None and price is None:
        name = ""  # the name of a closed gallery's product is not this visitor's to read
    if picture is not None:
        name = f"{name} – {picture.title}"
    total = None if price is None else price * line.quantity
    return PricedLine(line_id, line.thing, name, picture, line.quantity, price, total)
