"""The client's own space: his profile and address book, what he agreed to, proving to be himself,
his password, his address, his history."""

from collections.abc import Mapping
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from aws_lambda_powertools.event_handler.openapi.params import Path as InPath
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from foyer import clock
from foyer.operations import (
    account,
    address,
    addresses,
    closing,
    consents,
    export,
    galleries,
    profile,
    sessions,
)
from foyer.operations.consents import Ledger
from foyer.rules.policy import POLICY
from foyer.rules.refusals import Reason
from foyer.rules.users import User
from foyer.storage.idempotency import Once
from foyer.web import cursors
from foyer.web.account import (
    AccountAnswer,
    ConsentAnswer,
    EntryAnswer,
    ExportAnswer,
    SharedGallery,
    account_answer,
    consent_answer,
    entry_answer,
    export_answer,
    records_answer,
    shared_gallery,
)
from foyer.web.api import CHANGING, NOTHING, SIGNED_IN, answers, new_api, nothing, request, serve
from foyer.web.models import (
    Address,
    Body,
    BookEntry,
    Code,
    GivenPassword,
    IdempotencyKey,
    NewPassword,
    Notice,
    ProfileChange,
    RecordAnswer,
    SessionAnswer,
    Token,
    session_answer,
)

app = new_api()

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The profile's ETag.")]


# ---- his profile ---------------------------------------------------------------------------------


@app.get("/v1/account", responses=answers(200, AccountAnswer, *SIGNED_IN), tags=["account"])
def see() -> AccountAnswer:
    user, _ = account.signed_in(request().visitor, clock.now())
    return _tagged(user)


@app.patch(
    "/v1/account",
    responses=answers(200, AccountAnswer, *CHANGING, *SIGNED_IN, Reason.VERSION_MISMATCH),
    tags=["account"],
)
def change(form: ProfileChange, if_match: IfMatch = None) -> AccountAnswer:  # noqa: ARG001
    asked = request()
    return _tagged(profile.change(asked.visitor, form.edit(), clock.now(), if_match=asked.if_match))


def _tagged(user: User) -> AccountAnswer:
    request().etag = str(user.version)
    return account_answer(user)


# ---- his address book ----------------------------------------------------------------------------

HIS_BOOK = (*SIGNED_IN, Reason.PROVE_ADDRESS)
EntryId = Annotated[str, InPath(min_length=1, max_length=64)]


class BookAnswer(BaseModel):
    """All of them: the one used last comes first."""

    items: list[EntryAnswer]
    next: None = None


@app.get("/v1/account/addresses", responses=answers(200, BookAnswer, *HIS_BOOK), tags=["account"])
def see_addresses() -> BookAnswer:
    book = addresses.book(request().visitor, clock.now())
    return BookAnswer(items=[entry_answer(entry) for entry in book.by_use()])


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
    return entry_answer(entry)


@app.put(
    "/v1/account/addresses/<address_id>",
    responses=answers(200, EntryAnswer, *CHANGING, *HIS_BOOK, Reason.NOT_FOUND),
    tags=["account"],
)
def change_address_entry(address_id: EntryId, form: BookEntry) -> EntryAnswer:
    visitor, now = request().visitor, clock.now()
    return entry_answer(addresses.change(visitor, address_id, form.name, form.postal(), now))


@app.delete(
    "/v1/account/addresses/<address_id>",
    status_code=204,
    responses=nothing(*CHANGING, *HIS_BOOK, Reason.NOT_FOUND),  # of what is no id at all
    tags=["account"],
)
def take_out_address(address_id: EntryId) -> Response[None]:
    addresses.take_out(request().visitor, address_id, clock.now())
    return NOTHING


# ---- what he agreed to ---------------------------------------------------------------------------


class Said(Body):
    """The version of the terms he agrees to, whether he wants the newsletter, or both."""

    terms: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    newsletter: bool | None = None

    @model_validator(mode="after")
    def something(self) -> "Said":
        if self.terms is None and self.newsletter is None:
            raise PydanticCustomError("missing", "terms or newsletter")
        return self


class TermsAnswer(BaseModel):
    version: str
    accepted: str | None = Field(description="The version he agreed to.")
    url: str


class ConsentsAnswer(BaseModel):
    """How he stands, and what he said, the newest first."""

    terms: TermsAnswer
    newsletter: bool
    items: list[ConsentAnswer]
    next: str | None


@app.get(
    "/v1/account/consents",
    responses=answers(200, ConsentsAnswer, *SIGNED_IN, Reason.INVALID_CURSOR),
    tags=["account"],
)
def see_consents(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> ConsentsAnswer:
    visitor, now = request().visitor, clock.now()
    me = visitor.named_id
    after = cursors.read(cursor, CONSENTS, me, now)
    return _consents_answer(consents.ledger(visitor, now, limit=limit, after=after), now)


@app.post(
    "/v1/account/consents",
    responses=answers(
        200,
        ConsentsAnswer,
        *CHANGING,
        *SIGNED_IN,
        Reason.TERMS_CHANGED,
        Reason.TOO_MANY_MAILS,
        Reason.KEY_REUSED,
    ),
    tags=["account"],
)
def say(form: Said, idempotency_key: IdempotencyKey = None) -> ConsentsAnswer:  # noqa: ARG001
    asked, now = request(), clock.now()
    once = Once(asked.idempotency_key, form.model_dump_json())
    ledger = consents.say(
        asked.visitor, now, terms=form.terms, newsletter=form.newsletter, once=once
    )
    return _consents_answer(ledger, now)


CONSENTS = "my consents"  # the list a cursor is of


def _consents_answer(ledger: Ledger, now: int) -> ConsentsAnswer:
    terms = POLICY.shop.terms
    return ConsentsAnswer(
        terms=TermsAnswer(version=terms.version, accepted=ledger.user.terms, url=terms.url),
        newsletter=ledger.user.newsletter,
        items=[consent_answer(entry) for entry in ledger.entries],
        next=cursors.sign(ledger.last, CONSENTS, ledger.user.id, now),
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
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    found, last = galleries.shared_with(visitor, now, limit=limit, after=after)
    return SharedGalleries(
        items=[shared_gallery(one) for one in found],
        next=cursors.sign(last, query, me, now),
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
    me = visitor.named_id
    after = cursors.read(cursor, query, me, now)
    records, last = account.history(visitor, now, limit=limit, after=after)
    return HistoryAnswer(items=records_answer(records, me), next=cursors.sign(last, query, me, now))


# ---- taking it along, and leaving ----------------------------------------------------------------


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
    me = visitor.named_id
    found = export.export(visitor, now, after=cursors.read(cursor, query, me, now))
    return export_answer(found, cursors.sign(found.last, query, me, now), now)


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
