"""Shapes that more than one function's bodies and answers share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from unicodedata import category
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from foyer.operations.sessions import Presence
from foyer.rules.addresses import COUNTRIES, Postal
from foyer.rules.carts import PricedCart
from foyer.rules.galleries import Entry, Gallery, forgiven
from foyer.rules.orders import Order, Status
from foyer.rules.policy import POLICY, MergeMode, ProfileType
from foyer.rules.sessions import Level
from foyer.rules.users import GENERIC_ID, Edit, Profile, masked, what_is_next
from foyer.settings import Language, settings
from foyer.storage.receipts import Receipt
from foyer.storage.users import Record

# Longer than any id of ours, short enough for a key of the table.
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


def _address(text: str) -> str:
    """Normalised, its domain in ASCII; one that SES could not write to is none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise PydanticCustomError("address", "not an address") from error
    return f"{found.local_part}@{found.ascii_domain}"


def _plain(text: str) -> str:
    """What people type into a line: no control or direction characters (R43)."""
    text = text.strip()
    if not text or any(category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for c in text):
        raise PydanticCustomError("malformed", "not a line of text")
    return text


# Anything mail programs would make a link of: a scheme, "www.", or letters, a dot and more letters.
_LINK = re.compile(r"://|\bwww\.|(?<=[\w-])\.(?=[^\W\d_]{2})", re.IGNORECASE)


def _without_links(text: str) -> str:
    """What somebody writes to somebody else through our mails: text of several lines, and no way to
    lead anybody elsewhere (R43)."""
    lines = [line.strip() for line in text.strip().splitlines()]
    kept = "\n".join(lines)
    if any(category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} and c != "\n" for c in kept):
        raise PydanticCustomError("malformed", "not text")
    if _LINK.search(kept):
        raise PydanticCustomError("link", "no links")
    return kept


def _source(text: str) -> str:
    """Where a picture lies: an https address, or a path of this site (the browser asks for it)."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # a number, if it is there
    except ValueError as error:
        raise PydanticCustomError("picture_address", "no https address") from error
    ours = text.startswith("/") and not text.startswith(("//", "/\\"))
    elsewhere = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    if not (ours or elsewhere) or not text.isascii() or not text.isprintable() or " " in text:
        raise PydanticCustomError("picture_address", "no https address")
    if any(c in text for c in '\\"<>`{}^|'):
        raise PydanticCustomError("picture_address", "no https address")
    return text


def mailable(text: str) -> str | None:
    """The address as one can mail to it, or None."""
    try:
        return _address(text) if len(text) <= 254 else None
    except PydanticCustomError:
        return None


def _long_enough(text: str) -> str:
    """What is left of a gallery's password when all is forgiven that may be."""
    if len(forgiven(text)) < 6:
        raise PydanticCustomError("string_too_short", "too short")
    return text


def _writable(text: str) -> str:
    """Any text; half a surrogate pair, which JSON can say, is none."""
    if any(category(c) == "Cs" for c in text):
        raise PydanticCustomError("malformed", "not text")
    return text


def _without_spaces(text: str) -> str:
    return "".join(text.split())


Address = Annotated[str, Field(max_length=254), AfterValidator(_address)]
Line = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain)]
Note = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_plain)]
Message = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_without_links)]
# What stands in the subject of mails.
Title = Annotated[
    str,
    Field(min_length=1, max_length=100),
    AfterValidator(_plain),
    AfterValidator(_without_links),
]
Source = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_source)]
# A gallery's, which is no account's: spaces around it and the like are forgiven.
DoorPassword = Annotated[
    str,
    Field(min_length=6, max_length=100),
    AfterValidator(_writable),
    AfterValidator(_long_enough),
]
Phone = Annotated[str, Field(min_length=3, max_length=40, pattern=r"^[0-9+()/. -]+$")]
# As typed: 15 to 256 characters, any (R1). What is given to sign in may be anything.
NewPassword = Annotated[str, Field(min_length=15, max_length=256), AfterValidator(_writable)]
GivenPassword = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_writable)]
Token = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_writable)]
Code = Annotated[
    str,
    Field(min_length=6, max_length=40, pattern=r"^[A-Za-z0-9_ -]+$"),
    AfterValidator(_without_spaces),
]
Quote = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_writable)]


def _offered(language: str) -> str:
    if language not in settings().locales:
        raise PydanticCustomError("literal_error", "not offered here")
    return language


Offered = Annotated[Language, AfterValidator(_offered)]


def _country(text: str) -> str:
    code = text.strip().upper()
    if code not in COUNTRIES:
        raise PydanticCustomError("country", "no country of ISO 3166")
    return code


Country = Annotated[str, Field(min_length=2, max_length=2), AfterValidator(_country)]
PostalCode = Annotated[str, Field(min_length=1, max_length=16), AfterValidator(_plain)]


class Body(BaseModel):
    """What a request may send: nothing we did not ask for (R36)."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Notice(BaseModel):
    """What happens next; the same for every address."""

    code: Literal["check_your_mail"]


class Asked(BaseModel):
    """Somebody else decides; the same, whoever asks."""

    code: Literal["asked"] = "asked"


class Money(BaseModel):
    """An amount in minor units of its currency, tax included."""

    amount: int
    currency: str


def timestamp(seconds: int) -> str:
    """Epoch seconds as RFC 3339, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=16, max_length=64)
]


class Consents(Body):
    """What somebody agreed to: the version of the terms he read; the newsletter apart."""

    terms: Annotated[str, Field(min_length=1, max_length=40)]
    newsletter: bool = False


class Applicant(Body):
    """What is said of somebody who registers, by himself or by staff."""

    email: Address
    name: Line
    profile_type: ProfileType
    organization_id: Id | None = None
    phone: Phone | None = None
    company: Line | None = None
    locale: Offered | None = None
    gallery_id: Id | None = None

    def profile(self) -> Profile:
        return Profile(self.name, self.profile_type, self.organization_id, self.phone, self.company)


class ProfileChange(Body):
    """What is not sent stays; `phone` and `company` sent as null are cleared."""

    name: Line | None = None
    phone: Phone | None = None
    company: Line | None = None
    locale: Offered | None = None

    def edit(self) -> Edit:
        sent = self.model_fields_set & {"phone", "company"}
        cleared = frozenset(name for name in sent if getattr(self, name) is None)
        return Edit(self.name, self.phone, self.company, self.locale, cleared)


class PostalAddress(Body):
    """Where something is sent; `country` is an ISO 3166 code of two letters."""

    line1: Line
    line2: Line | None = None
    postal_code: PostalCode
    city: Line
    region: Line | None = None
    country: Country

    def postal(self) -> Postal:
        return Postal(**self.model_dump(include=set(PostalAddress.model_fields)))


class BookEntry(PostalAddress):
    """One of an address book. Without a name it is its owner whom the postman finds there."""

    name: Line | None = None


class PostalAnswer(BaseModel):
    line1: str
    line2: str | None
    postal_code: str
    city: str
    region: str | None
    country: str


def postal_answer(postal: Postal) -> PostalAnswer:
    return PostalAnswer.model_validate(vars(postal))


class RoleAnswer(BaseModel):
    role: str
    organization_id: str


class RecordAnswer(BaseModel):
    """Something that happened to an account."""

    at: str
    event: str
    actor: str
    note: str | None
    gained: list[RoleAnswer]
    lost: list[RoleAnswer]


def record_answer(record: Record, actor: str) -> RecordAnswer:
    return RecordAnswer(
        at=timestamp(record.at),
        event=record.event,
        actor=actor,
        note=record.note,
        gained=[_role_named(name) for name in record.gained],
        lost=[_role_named(name) for name in record.lost],
    )


def _role_named(name: str) -> RoleAnswer:
    role, _, organization_id = name.partition(" ")
    return RoleAnswer(role=role, organization_id=organization_id)


class SessionUser(BaseModel):
    id: str
    registration_type: Literal["G", "R", "A", "S"]
    profile_type: ProfileType | None
    status: str | None
    email: str | None
    name: str | None
    roles: list[RoleAnswer]


class SessionCart(BaseModel):
    line_count: int


class SessionAnswer(BaseModel):
    user: SessionUser
    authentication: Literal["generic", "guest", "remembered", "signed_in"]
    cart: SessionCart
    next: list[str]


def session_answer(here: Presence) -> SessionAnswer:
    """Who this is; of whom is only remembered nothing personal (mission 0.14)."""
    user, following = here.user, list[str]()
    known = user if here.level is Level.SIGNED_IN else None
    if user is not None and here.level is Level.SIGNED_IN:
        following = list(what_is_next(user, POLICY.shop.terms.version))
    elif here.level is Level.REMEMBERED:
        following = ["sign_in"]
    profile = known.profile if known is not None else None
    return SessionAnswer(
        user=SessionUser.model_validate(
            {
                "id": user.id if user else GENERIC_ID,
                "registration_type": user.registration_type if user else "G",
                "profile_type": profile.profile_type if profile else None,
                "status": known.status if known else None,
                "email": known.address if known else None,
                "name": profile.name if profile else None,
                "roles": [
                    {"role": role.role, "organization_id": role.organization_id}
                    for role in (known.roles if known else ())
                ],
            }
        ),
        authentication=here.level.value,
        cart=SessionCart(line_count=here.line_count),
        next=following,
    )


class RightsAnswer(BaseModel):
    enter: bool
    download: Literal["none", "web", "original"]


class GalleryAnswer(BaseModel):
    """A gallery and how its door stands for who asks; `rights` are what he may do inside."""

    id: str
    title: str
    studio: str
    access: Literal["public", "password", "login"]
    door: Literal["open", "password", "sign_in", "not_invited"]
    rights: RightsAnswer
    cover: str | None
    selection_quota: int | None = Field(description="So many pictures one may choose of it.")


def gallery_answer(gallery: Gallery, entry: Entry) -> GalleryAnswer:
    return GalleryAnswer.model_validate(
        {
            "id": gallery.id,
            "title": gallery.title,
            "studio": gallery.studio,
            "access": gallery.access,
            "door": entry.door.value,
            "rights": {"enter": entry.rights.enter, "download": entry.rights.download},
            "cover": gallery.cover,
            "selection_quota": gallery.quota,
        }
    )


class LineAnswer(BaseModel):
    """A line at what the shop charges now. What can no longer be had is not `available`, has no
    price and counts nothing."""

    id: str
    product_id: str
    gallery_id: str | None
    picture_id: str | None
    name: str
    quantity: int
    unit_price: Money | None
    total: Money | None
    available: bool


class CartAnswer(BaseModel):
    lines: list[LineAnswer]
    shipping: Money
    total: Money
    version: int
    quote: str = Field(description="Stands for what is in it and what it costs now.")


def cart_answer(cart: PricedCart) -> CartAnswer:
    """Validated once: a model made for each line takes longer than the whole."""

    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": cart.currency}

    return CartAnswer.model_validate(
        {
            "lines": [
                {
                    "id": line.id,
                    "product_id": line.thing.product_id,
                    "gallery_id": line.thing.gallery_id,
                    "picture_id": line.thing.picture_id,
                    "name": line.name,
                    "quantity": line.quantity,
                    "unit_price": None if line.unit_price is None else money(line.unit_price),
                    "total": None if line.total is None else money(line.total),
                    "available": line.available,
                }
                for line in cart.lines
            ],
            "shipping": money(cart.shipping),
            "total": money(cart.total),
            "version": cart.version,
            "quote": cart.quote,
        }
    )


OrderStatus = Literal["placed", "confirmed", "fulfilled", "cancelled"]


class OrderLineAnswer(BaseModel):
    product_id: str
    gallery_id: str | None
    picture_id: str | None
    name: str
    quantity: int
    unit_price: Money
    total: Money


class OrderAnswer(BaseModel):
    """An order as whoever placed it sees it again: nothing personal is in it (A9)."""

    id: str
    number: str
    status: OrderStatus
    placed_at: str
    lines: list[OrderLineAnswer]
    shipping: Money
    total: Money


class ContactAnswer(BaseModel):
    email: str | None
    name: str | None
    phone: str | None
    address: PostalAnswer | None


class OrderEvent(BaseModel):
    """`by` is "you" ("client" where its studio sees it) or "studio"."""

    status: OrderStatus
    at: str
    by: str
    reason: str | None


class WholeOrderAnswer(OrderAnswer):
    """An order in an account, or as its studio sees it. Where it is `masked`, the contact's name,
    phone and postal address and the note are not told, and of its address of mail a hint."""

    masked: bool
    contact: ContactAnswer | None
    note: str | None
    history: list[OrderEvent]


def order_answer(order: Order) -> OrderAnswer:
    return OrderAnswer.model_validate(_order(order))


def whole_order_answer(
    order: Order, *, whole: bool, seen_by_studio: bool = False
) -> WholeOrderAnswer:
    """`by` is "client" instead of "you" where its studio sees it."""
    client = "client" if seen_by_studio else "you"
    contact = order.contact
    postal = contact.postal if contact is not None and whole else None
    return WholeOrderAnswer.model_validate(
        {
            **_order(order),
            "masked": not whole and contact is not None,
            "contact": None
            if contact is None
            else {
                "email": (contact.address if whole else masked(contact.address)) or None,
                "name": contact.name if whole else None,
                "phone": contact.phone if whole else None,
                "address": None if postal is None else postal_answer(postal),
            },
            "note": order.note if whole else None,
            "history": [
                {
                    "status": entry.status.value,
                    "at": timestamp(entry.at),
                    "by": client if entry.status is Status.PLACED else "studio",
                    "reason": entry.reason,
                }
                for entry in order.history
            ],
        }
    )


def _order(order: Order) -> dict[str, Any]:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=order.currency)

    return {
        "id": order.id,
        "number": order.number,
        "status": order.status.value,
        "placed_at": timestamp(order.placed_at),
        "lines": [
            OrderLineAnswer(
                product_id=line.thing.product_id,
                gallery_id=line.thing.gallery_id,
                picture_id=line.thing.picture_id,
                name=line.name,
                quantity=line.quantity,
                unit_price=money(line.unit_price),
                total=money(line.total),
            )
            for line in order.lines
        ],
        "shipping": money(order.shipping),
        "total": money(order.total),
    }


class MovedLine(BaseModel):
    product_id: str
    gallery_id: str | None
    picture_id: str | None
    quantity: int = Field(description="In the guest's cart.")
    before: int = Field(description="In the account's cart, before; 0 where it was not there.")
    after: int = Field(description="In the account's cart, after; 0 where it found no room.")


class MovedPictures(BaseModel):
    pictures: int = Field(description="In the guest's selection.")
    before: int = Field(description="In the account's unnamed one, before.")
    after: int


class TransferAnswer(BaseModel):
    """The receipt of what a guest handed over: the same, however often it is asked for."""

    mode: MergeMode = Field(description="What became of a thing in both carts.")
    lines: list[MovedLine]
    selection: MovedPictures | None = None


def transfer_answer(receipt: Receipt | None) -> TransferAnswer | None:
    if receipt is None:
        return None
    guest, before, after = receipt.pictures
    return TransferAnswer(
        mode=receipt.mode,
        selection=MovedPictures(pictures=guest, before=before, after=after) if guest else None,
        lines=[
            MovedLine(
                product_id=line.thing.product_id,
                gallery_id=line.thing.gallery_id,
                picture_id=line.thing.picture_id,
                quantity=line.guest,
                before=line.before,
                after=line.after,
            )
            for line in receipt.lines
        ],
    )
