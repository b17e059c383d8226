"""The client's own space: his profile and address book, proving to be himself, his password, his
address, his history."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from pydantic import BaseModel, Field

from foyer import clock
from foyer.operations import (
    account,
    address,
    addresses,
    closing,
    export,
    galleries,
    profile,
    sessions,
)
from foyer.operations.export import Rest
from foyer.operations.galleries import Shared
from foyer.operations.selections import View
from foyer.rules.addresses import Entry
from foyer.rules.policy import ProfileType
from foyer.rules.refusals import Reason
from foyer.rules.users import Profile, User
from foyer.storage.idempotency import Once
from foyer.storage.users import Record
from foyer.web import cursors
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import (
    Address,
    Body,
    BookEntry,
    CartAnswer,
    Code,
    GivenPassword,
    IdempotencyKey,
    Language,
    Money,
    NewPassword,
    Notice,
    PostalAnswer,
    ProfileChange,
    RecordAnswer,
    RightsAnswer,
    SessionAnswer,
    Token,
    WholeOrderAnswer,
    cart_answer,
    postal_answer,
    record_answer,
    session_answer,
    timestamp,
    whole_order_answer,
)

app = new_api()

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The profile's ETag.")]


# ---- his profile ---------------------------------------------------------------------------------


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


@app.get("/v1/account", responses=answers(200, AccountAnswer, *SIGNED_IN), tags=["account"])
def see() -> AccountAnswer:
    user, _ = account.signed_in(request().visitor, clock.now())
    return _account_answer(user)


@app.patch(
    "/v1/account",
    responses=answers(200, AccountAnswer, *CHANGING, *SIGNED_IN, Reason.VERSION_MISMATCH),
    tags=["account"],
)
def change(form: ProfileChange, if_match: IfMatch = None) -> AccountAnswer:  # noqa: ARG001
    asked = request()
    return _account_answer(
        profile.change(asked.visitor, form.edit(), clock.now(), if_match=asked.if_match)
    )


def _account_answer(user: User) -> AccountAnswer:
    said = user.profile or Profile("", "C")
    request().etag = str(user.version)
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


# ---- his address book ----------------------------------------------------------------------------

HIS_BOOK = (*SIGNED_IN, Reason.PROVE_ADDRESS)
EntryId = Annotated[str, InPath(min_length=1, max_length=64)]


class EntryAnswer(PostalAnswer):
    """`name` is whom the postman finds there."""

    id: str
    name: str
    used_at: str


class BookAnswer(BaseModel):
    """All of them: the one used last comes first."""

    items: list[EntryAnswer]
    next: None = None


@app.get("/v1/account/addresses", responses=answers(200, BookAnswer, *HIS_BOOK), tags=["account"])
def see_addresses() -> BookAnswer:
    book = addresses.book(request().visitor, clock.now())
    return BookAnswer(items=[_entry_answer(entry) for entry in book.by_use()])


@app.post(
    "/v1/account/addresses",
    status_code=201,
    responses=answers(
        201,
        EntryAnswer,
        *CHANGING,
        *HIS_BOOK,
        Reason.TOO_MANY_ADDRESSES,
        Reason.KEY_REUSED,
        Reason.NOT_FOUND,
    ),
    tags=["account"],
)
def add_address(
    form: BookEntry,
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001 - documented here, read by the request
) -> EntryAnswer:
    """What is in the book already is answered as it is."""
    asked = request()
    once = Once(asked.idempotency_key, form.model_dump_json())
    entry = addresses.add(asked.visitor, form.name, form.postal(), clock.now(), once=once)
    return _entry_answer(entry)


@app.put(
    "/v1/account/addresses/<address_id>",
    responses=answers(200, EntryAnswer, *CHANGING, *HIS_BOOK, Reason.NOT_FOUND),
    tags=["account"],
)
def change_address_entry(address_id: EntryId, form: BookEntry) -> EntryAnswer:
    visitor, now = request().visitor, clock.now()
    return _entry_answer(addresses.change(visitor, address_id, form.name, form.postal(), now))


@app.delete(
    "/v1/account/addresses/<address_id>",
    status_code=204,
    responses=nothing(*CHANGING, *HIS_BOOK, Reason.NOT_FOUND),  # of what is no id at all
    tags=["account"],
)
def take_out_address(address_id: EntryId) -> Response[None]:
    addresses.take_out(request().visitor, address_id, clock.now())
    return NOTHING


def _entry_answer(entry: Entry) -> EntryAnswer:
    return EntryAnswer(
        id=entry.id,
        name=entry.name,
        used_at=timestamp(entry.used_at),
        **postal_answer(entry.postal).model_dump(),
    )


# ---- proving to be himself -----------------------------------------------------------------------


class Proof(Body):
    """Empty: a code is mailed. With a password or that code: proved for ten minutes."""

    password: GivenPassword | None = None
    code: Code | None = None


@app.post(
    "/v1/account/proof",
    responses=answers(
        200,
        Notice,
        *CHANGING,
        *SIGNED_IN,
        Reason.WRONG_CREDENTIALS,
        Reason.TOO_MANY_ATTEMPTS,
        Reason.TOO_MANY_MAILS,
    )
    | nothing(),
    tags=["account"],
)
def prove(form: Proof) -> Response[Any]:
    visitor, now = request().visitor, clock.now()
    if form.password is None and form.code is None:
        account.ask_proof(visitor, now)
        return Response(200, "application/json", Notice(code="check_your_mail"))
    account.prove(visitor, password=form.password, code=form.code, now=now)
    return NOTHING


class ChosenPassword(Body):
    new: NewPassword


@app.put(
    "/v1/account/password",
    status_code=204,
    responses=nothing(*CHANGING, *SIGNED_IN, Reason.PROOF_REQUIRED, Reason.WEAK_PASSWORD),
    tags=["account"],
)
def choose_password(form: ChosenPassword) -> Response[None]:
    account.choose_password(request().visitor, form.new, clock.now())
    return NOTHING


# ---- another e-mail address ----------------------------------------------------------------------


class NewAddress(Body):
    email: Address


@app.post(
    "/v1/account/email",
    responses=answers(
        200,
        Notice,
        *CHANGING,
        *SIGNED_IN,
        Reason.PROOF_REQUIRED,
        Reason.PROVE_ADDRESS,
        Reason.TOO_MANY_MAILS,
    ),
    tags=["account"],
)
def ask_address(form: NewAddress) -> Notice:
    address.ask(request().visitor, form.email, clock.now())
    return Notice(code="check_your_mail")  # the same, whether or not the address is somebody's


class AToken(Body):
    token: Token


@app.post(
    "/v1/account/email/redeem",
    responses=answers(
        200,
        SessionAnswer,
        *CHANGING,
        *SIGNED_IN,
        Reason.LINK_INVALID,
        Reason.LINK_EXPIRED,
        Reason.LINK_REPLACED,
        Reason.OTHER_ADDRESS,
        Reason.ADDRESS_TAKEN,
    ),
    tags=["account"],
)
def change_address(form: AToken) -> SessionAnswer:
    visitor, now = request().visitor, clock.now()
    user = address.redeem(visitor, form.token, now)
    count = sessions.line_count(visitor, now)
    return session_answer(sessions.Presence(user, visitor.level, count))


# ---- what is shared with him, and what happened --------------------------------------------------


class SharedGallery(BaseModel):
    """`locked` while the address is not proved: then only that there is one is told."""

    id: str
    title: str | None
    studio: str | None
    door: Literal["open", "password", "sign_in", "not_invited"]
    locked: bool
    rights: RightsAnswer


class SharedGalleries(BaseModel):
    items: list[SharedGallery]
    next: str | None


@app.get(
    "/v1/account/galleries",
    responses=answers(200, SharedGalleries, *SIGNED_IN, Reason.INVALID_CURSOR),
    tags=["account"],
)
def shared_with_me(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> SharedGalleries:
    """Every gallery this account may enter by invitation, however long before there was one."""
    visitor, now, query = request().visitor, clock.now(), "galleries shared with me"
    me = visitor.bearer.user_id if visitor.bearer else ""
    after = cursors.read(cursor, query, me, now)
    found, last = galleries.shared_with(visitor, now, limit=limit, after=after)
    return SharedGalleries(
        items=[_shared(one) for one in found],
        next=cursors.sign(last, query, me, now),
    )


def _shared(one: Shared) -> SharedGallery:
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


class HistoryAnswer(BaseModel):
    items: list[RecordAnswer]
    next: str | None


@app.get(
    "/v1/account/audit",
    responses=answers(200, HistoryAnswer, *SIGNED_IN, Reason.INVALID_CURSOR),
    tags=["account"],
)
def history(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> HistoryAnswer:
    """What happened to the account; `actor` is "you" or "studio"."""
    visitor, now, query = request().visitor, clock.now(), "my audit"
    me = visitor.bearer.user_id if visitor.bearer else ""
    after = cursors.read(cursor, query, me, now)
    records, last = account.history(visitor, now, limit=limit, after=after)
    return HistoryAnswer(items=_records(records, me), next=cursors.sign(last, query, me, now))


def _records(records: Iterable[Record], me: str) -> list[RecordAnswer]:
    return [record_answer(one, "you" if one.actor == me else "studio") for one in records]


# ---- taking it along, and leaving ----------------------------------------------------------------


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
    history: list[RecordAnswer]


class ExportAnswer(BaseModel):
    """Everything the person's own pages show. What does not fit into one answer are older orders:
    with `?cursor=` they come, and then `rest` is null."""

    exported_at: str
    account: AccountAnswer
    orders: list[WholeOrderAnswer]
    next: str | None
    rest: ExportedRest | None


@app.get(
    "/v1/account/export",
    responses=answers(
        200,
        ExportAnswer,
        *SIGNED_IN,
        Reason.PROOF_REQUIRED,
        Reason.PROVE_ADDRESS,
        Reason.INVALID_CURSOR,
    ),
    tags=["account"],
)
def export_all(cursor: Annotated[str | None, Query(max_length=2000)] = None) -> ExportAnswer:
    visitor, now, query = request().visitor, clock.now(), "export"
    me = visitor.bearer.user_id if visitor.bearer else ""
    found = export.export(visitor, now, after=cursors.read(cursor, query, me, now))
    return ExportAnswer(
        exported_at=timestamp(now),
        account=_account_answer(found.user),
        orders=[whole_order_answer(one.order, whole=one.whole) for one in found.orders],
        next=cursors.sign(found.last, query, me, now),
        rest=None if found.rest is None else _rest(found.rest, me),
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
        addresses=[_entry_answer(entry) for entry in rest.book.by_use()],
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
        galleries=[_shared(one) for one in rest.galleries],
        history=[
            record_answer(one, "you" if one.actor == me else "studio") for one in rest.history
        ],
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


@app.delete(
    "/v1/account",
    status_code=204,
    responses=nothing(
        *CHANGING,
        *SIGNED_IN,
        Reason.PROOF_REQUIRED,
        Reason.PROVE_ADDRESS,
        Reason.LAST_ADMINISTRATOR,
    ),
    tags=["account"],
)
def close() -> Response[None]:
    """Of its orders number, lines, totals and country are kept; all else goes."""
    closing.close(request().visitor, clock.now(), time_is_left=request().time_is_left)
    return NOTHING


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
