"""A client's own things as answers: his account, addresses, galleries and consents, and all of it
together as he may take it along."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field

from foyer.operations.export import Export, Rest
from foyer.operations.galleries import Shared
from foyer.operations.selections import View
from foyer.rules.addresses import Entry
from foyer.rules.consents import Channel, Consent, Document
from foyer.rules.policy import ProfileType
from foyer.rules.users import Profile, User
from foyer.settings import Language
from foyer.storage.users import Record
from foyer.web.models import (
    CartAnswer,
    Money,
    PostalAnswer,
    RecordAnswer,
    RightsAnswer,
    WholeOrderAnswer,
    cart_answer,
    postal_answer,
    record_answer,
    timestamp,
    whole_order_answer,
)


class AccountAnswer(BaseModel):
    id: str
    email: str
    name: str
    phone: str | None
    company: str | None
    profile_type: ProfileType
    locale: Language
    organization_id: str
    proved: bool = Field(description="Whether the address is known to be his, by a mailed code.")
    terms: str | None = Field(description="The version he agreed to.")
    newsletter: bool
    version: int


def account_answer(user: User) -> AccountAnswer:
    said = user.profile or Profile("", "C")
    return AccountAnswer.model_validate(
        {
            "id": user.id,
            "email": user.address,
            "name": said.name,
            "phone": said.phone,
            "company": said.company,
            "profile_type": said.profile_type,
            "locale": user.language,
            "organization_id": user.organization_id,
            "proved": user.is_proved,
            "terms": user.terms,
            "newsletter": user.newsletter,
            "version": user.version,
        }
    )


class EntryAnswer(PostalAnswer):
    """`name` is whom the postman finds there."""

    id: str
    name: str
    used_at: str


def entry_answer(entry: Entry) -> EntryAnswer:
    return EntryAnswer(
        id=entry.id,
        name=entry.name,
        used_at=timestamp(entry.used_at),
        **postal_answer(entry.postal).model_dump(),
    )


class ConsentAnswer(BaseModel):
    """An entry of the ledger: what he said to a document, and in which words it was shown."""

    document: Document
    version: str
    sha256: str
    given: bool
    channel: Channel
    actor: Literal["self"]
    at: str


def consent_answer(entry: Consent) -> ConsentAnswer:
    return ConsentAnswer(**{**vars(entry), "at": timestamp(entry.at)})


class SharedGallery(BaseModel):
    """`locked` while the address is not proved: then only that there is one is told."""

    id: str
    title: str | None
    studio: str | None
    door: Literal["open", "password", "sign_in", "not_invited"]
    locked: bool
    rights: RightsAnswer


def shared_gallery(one: Shared) -> SharedGallery:
    return SharedGallery.model_validate(
        {
            "id": one.gallery_id,
            "title": one.gallery.title if one.gallery else None,
            "studio": one.gallery.studio if one.gallery else None,
            "door": one.entry.door.value,
            "locked": one.gallery is None,
            "rights": vars(one.entry.rights),
        }
    )


def records_answer(records: Iterable[Record], me: str) -> list[RecordAnswer]:
    return [record_answer(one, "you" if one.actor == me else "studio") for one in records]


class ExportedSession(BaseModel):
    browser: str
    started_at: str
    seen_at: str


class ExportedPicture(BaseModel):
    """`title` is null of what he may not see any more."""

    gallery_id: str
    picture_id: str
    title: str | None


class ExportedSelection(BaseModel):
    id: str
    name: str | None
    created_at: str
    shared: bool
    submitted_at: dict[str, str] = Field(description="By gallery: when it was sent there last.")
    pictures: list[ExportedPicture]


class ExportedOffer(BaseModel):
    """An order that names his address and is nobody's yet."""

    id: str
    number: str
    placed_at: str
    total: Money


class ExportedRest(BaseModel):
    sessions: list[ExportedSession]
    addresses: list[EntryAnswer]
    claims: list[ExportedOffer]
    cart: CartAnswer
    selections: list[ExportedSelection]
    galleries: list[SharedGallery]
    consents: list[ConsentAnswer]
    history: list[RecordAnswer]


class ExportAnswer(BaseModel):
    """Everything the person's own pages show. What does not fit into one answer are older orders:
    with `?cursor=` they come, and then `rest` is null."""

    exported_at: str
    account: AccountAnswer
    orders: list[WholeOrderAnswer]
    next: str | None
    rest: ExportedRest | None


def export_answer(found: Export, following: str | None, now: int) -> ExportAnswer:
    """`following` is the signed cursor of the rest of the orders."""
    return ExportAnswer(
        exported_at=timestamp(now),
        account=account_answer(found.user),
        orders=[whole_order_answer(one.order, whole=one.whole) for one in found.orders],
        next=following,
        rest=None if found.rest is None else _rest(found.rest, found.user.id),
    )


def _rest(rest: Rest, me: str) -> ExportedRest:
    return ExportedRest(
        sessions=[
            ExportedSession(
                browser=one.browser,
                started_at=timestamp(one.started_at),
                seen_at=timestamp(one.seen_at),
            )
            for one in rest.sessions
        ],
        addresses=[entry_answer(entry) for entry in rest.book.by_use()],
        claims=[
            ExportedOffer(
                id=order.id,
                number=order.number,
                placed_at=timestamp(order.placed_at),
                total=Money(amount=order.total, currency=order.currency),
            )
            for order in rest.offered
        ],
        cart=cart_answer(rest.cart),
        selections=[_selection(view) for view in rest.selections],
        galleries=[shared_gallery(one) for one in rest.galleries],
        consents=[consent_answer(one) for one in rest.consents],
        history=records_answer(rest.history, me),
    )


def _selection(view: View) -> ExportedSelection:
    selection = view.selection
    return ExportedSelection(
        id=selection.id,
        name=selection.name,
        created_at=timestamp(selection.made_at),
        shared=selection.share_id is not None,
        submitted_at={id_: timestamp(at) for id_, at in selection.submitted.items()},
        pictures=[
            ExportedPicture(
                gallery_id=one.kept.gallery_id,
                picture_id=one.kept.picture_id,
                title=one.picture.title if one.picture is not None else None,
            )
            for one in view.pictures
        ],
    )
