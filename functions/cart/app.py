"""The cart and selections. The first POST or PUT makes the guest."""

from collections.abc import Mapping
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from foyer import clock
from foyer.operations import selections, shopping
from foyer.operations.selections import Shown
from foyer.operations.shopping import Terms
from foyer.rules.carts import PricedCart, Thing
from foyer.rules.refusals import Reason
from foyer.rules.selections import Kept, Selection
from foyer.rules.users import GENERIC_ID
from foyer.settings import settings
from foyer.storage.idempotency import Once
from foyer.storage.keys import Key
from foyer.web import cursors
from foyer.web.api import CHANGING, IDENTIFYING, NOTHING, answers, new_api, nothing, request, serve
from foyer.web.models import (
    CartAnswer,
    Id,
    IdempotencyKey,
    Line,
    Message,
    Token,
    cart_answer,
    timestamp,
)

app = new_api()


def _number(value: Any) -> Any:
    """JSON's own numbers only: pydantic would also take "2" and true."""
    if isinstance(value, bool | str):
        raise ValueError("not a number")
    return value


Quantity = Annotated[int, Field(ge=1, le=99), BeforeValidator(_number)]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The cart's ETag.")]
LineId = Annotated[str, Path(min_length=1, max_length=64)]


class NewLine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product_id: Id
    gallery_id: Id | None = None
    picture_id: Id | None = None
    quantity: Quantity


class NewQuantity(BaseModel):
    model_config = ConfigDict(extra="forbid")
    quantity: Quantity


@app.get("/v1/cart", responses=answers(200, CartAnswer), tags=["cart"])
def see() -> CartAnswer:
    return _answer(shopping.see_cart(request().visitor, clock.now()))


@app.post(
    "/v1/cart/lines",
    status_code=201,
    responses=answers(
        201,
        CartAnswer,
        Reason.NOT_FOUND,
        Reason.PICTURE_REQUIRED,
        Reason.QUANTITY_LIMIT,
        Reason.CART_FULL,
        Reason.TOO_MANY_GUESTS,
        Reason.SIGN_IN_REQUIRED,
        Reason.NOT_OFFERED,
        Reason.VERSION_MISMATCH,
        Reason.KEY_REUSED,
        *CHANGING,
    ),
    tags=["cart"],
)
def add(
    line: Annotated[NewLine, Body()],
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001 - documented here, read by the request
    if_match: IfMatch = None,  # noqa: ARG001
) -> CartAnswer:
    asked = request()
    cart = shopping.put_into_cart(
        asked.visitor,
        Thing(line.product_id, line.gallery_id, line.picture_id),
        line.quantity,
        now=clock.now(),
        terms=Terms(asked.if_match, asked.idempotency_key, line.model_dump_json()),
    )
    return _answer(cart)


@app.patch(
    "/v1/cart/lines/<line_id>",
    responses=answers(
        200,
        CartAnswer,
        Reason.NOT_FOUND,
        Reason.VERSION_MISMATCH,
        *CHANGING,
    ),
    tags=["cart"],
)
def change(
    line_id: LineId,
    line: Annotated[NewQuantity, Body()],
    if_match: IfMatch = None,  # noqa: ARG001
) -> CartAnswer:
    asked = request()
    terms = Terms(asked.if_match)
    return _answer(
        shopping.change_line(asked.visitor, line_id, line.quantity, now=clock.now(), terms=terms)
    )


@app.delete(
    "/v1/cart/lines/<line_id>",
    responses=answers(200, CartAnswer, Reason.NOT_FOUND, Reason.VERSION_MISMATCH, *CHANGING),
    tags=["cart"],
)
def remove(line_id: LineId, if_match: IfMatch = None) -> CartAnswer:  # noqa: ARG001
    asked = request()
    terms = Terms(asked.if_match)
    return _answer(shopping.remove_line(asked.visitor, line_id, now=clock.now(), terms=terms))


def _answer(cart: PricedCart) -> CartAnswer:
    request().etag = str(cart.version)
    return cart_answer(cart)


# ---- selections ----------------------------------------------------------------------------------

SelectionId = Annotated[str, Path(min_length=1, max_length=64)]
PartId = Annotated[str, Path(min_length=1, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=2000)]
MINE = (Reason.SIGN_IN_AGAIN, Reason.NOT_FOUND)


class SelectionItem(BaseModel):
    """`name` is null of the one that needs no name: a guest's, which is his client's later."""

    id: str
    name: str | None
    picture_count: int
    shared: bool
    submitted_at: str | None
    version: int


class SelectionsAnswer(BaseModel):
    items: list[SelectionItem]
    next: str | None


class SelectedPicture(BaseModel):
    """What went away, or whose gallery's door is closed to this visitor, is not `available`."""

    gallery_id: str
    picture_id: str
    gallery: str | None
    title: str | None
    src: str | None
    available: bool


class SelectionAnswer(SelectionItem):
    pictures: list[SelectedPicture]


def _selection(selection: Selection) -> dict[str, Any]:
    last = max(selection.submitted.values(), default=None)
    return {
        "id": selection.id,
        "name": selection.name,
        "picture_count": len(selection.pictures),
        "shared": selection.share_id is not None,
        "submitted_at": None if last is None else timestamp(last),
        "version": selection.version,
    }


def _item(selection: Selection) -> SelectionItem:
    request().etag = str(selection.version)
    return SelectionItem.model_validate(_selection(selection))


def _picture(shown: Shown) -> SelectedPicture:
    picture, gallery = shown.picture, shown.gallery
    return SelectedPicture(
        gallery_id=shown.kept.gallery_id,
        picture_id=shown.kept.picture_id,
        gallery=gallery.title if gallery is not None else None,
        title=picture.title if picture is not None else None,
        src=picture.src if picture is not None else None,
        available=picture is not None,
    )


class NewSelection(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Line | None = None


@app.get(
    "/v1/selections",
    responses=answers(200, SelectionsAnswer, Reason.SIGN_IN_AGAIN, Reason.INVALID_CURSOR),
    tags=["selections"],
)
def my_selections(limit: Limit = 20, cursor: Cursor = None) -> SelectionsAnswer:
    visitor, now, query = request().visitor, clock.now(), "selections"
    who = visitor.bearer.user_id if visitor.bearer else GENERIC_ID
    after = cursors.read(cursor, query, who, now)
    begin = Key(after["pk"], after["sk"]) if after else None
    found, last = selections.listed(visitor, now, limit=limit, after=begin)
    return SelectionsAnswer(
        items=[SelectionItem.model_validate(_selection(one)) for one in found],
        next=cursors.sign(last, query, who, now),
    )


@app.post(
    "/v1/selections",
    status_code=201,
    responses=answers(
        201,
        SelectionItem,
        *CHANGING,
        Reason.SIGN_IN_AGAIN,
        Reason.TOO_MANY_GUESTS,
        Reason.TOO_MANY_SELECTIONS,
        Reason.KEY_REUSED,
    ),
    tags=["selections"],
)
def new_selection(
    form: Annotated[NewSelection, Body()],
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> SelectionItem:
    """A client's have names; a guest has one, without: asked for again it is the same."""
    once = Once(request().idempotency_key, form.model_dump_json())
    return _item(selections.create(request().visitor, form.name, clock.now(), once=once))


class SharedLink(BaseModel):
    model_config = ConfigDict(extra="forbid")
    token: Token


class SharedAnswer(BaseModel):
    """A selection as whoever has its link may see it: `closed` counts what is not for his eyes."""

    name: str | None
    pictures: list[SelectedPicture]
    closed: int


@app.post(
    "/v1/selections/shared",
    responses=answers(200, SharedAnswer, *IDENTIFYING, Reason.LINK_INVALID, Reason.LINK_EXPIRED),
    tags=["selections"],
)
def shared(form: Annotated[SharedLink, Body()]) -> SharedAnswer:
    """Changes nothing: the token travels in the body, where no log sees it."""
    view = selections.shared(request().visitor, form.token, clock.now())
    seen = [one for one in view.pictures if one.picture is not None]
    return SharedAnswer(
        name=view.selection.name,
        pictures=[_picture(one) for one in seen],
        closed=len(view.pictures) - len(seen),
    )


@app.get(
    "/v1/selections/<selection_id>",
    responses=answers(200, SelectionAnswer, *MINE),
    tags=["selections"],
)
def see_selection(selection_id: SelectionId) -> SelectionAnswer:
    view = selections.see(request().visitor, selection_id, clock.now())
    request().etag = str(view.selection.version)
    return SelectionAnswer.model_validate(
        {**_selection(view.selection), "pictures": [_picture(one) for one in view.pictures]}
    )


class NewName(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Line


@app.patch(
    "/v1/selections/<selection_id>",
    responses=answers(200, SelectionItem, *CHANGING, *MINE, Reason.VERSION_MISMATCH),
    tags=["selections"],
)
def rename(
    selection_id: SelectionId,
    form: Annotated[NewName, Body()],
    if_match: IfMatch = None,  # noqa: ARG001
) -> SelectionItem:
    asked = request()
    return _item(
        selections.rename(
            asked.visitor, selection_id, form.name, clock.now(), if_match=asked.if_match
        )
    )


@app.delete(
    "/v1/selections/<selection_id>",
    status_code=204,
    responses=nothing(*CHANGING, *MINE),
    tags=["selections"],
)
def delete_selection(selection_id: SelectionId) -> Response[None]:
    selections.delete(request().visitor, selection_id, clock.now())
    return NOTHING


PICTURE = "/v1/selections/<selection_id>/pictures/<gallery_id>/<picture_id>"


@app.put(
    PICTURE,
    status_code=204,
    responses=nothing(
        *CHANGING,
        *MINE,
        Reason.SELECTION_FULL,
        Reason.SELECTION_QUOTA,
        Reason.TOO_MANY_GUESTS,
        Reason.VERSION_MISMATCH,
    ),
    tags=["selections"],
)
def keep(
    selection_id: SelectionId,
    gallery_id: PartId,
    picture_id: PartId,
    if_match: IfMatch = None,  # noqa: ARG001
) -> Response[None]:
    """Twice is once. Into `my-unnamed-selection--` also where there is none yet."""
    asked, kept = request(), Kept(gallery_id, picture_id)
    selections.add(asked.visitor, selection_id, kept, clock.now(), if_match=asked.if_match)
    return NOTHING


@app.delete(
    PICTURE,
    status_code=204,
    responses=nothing(*CHANGING, *MINE, Reason.VERSION_MISMATCH),
    tags=["selections"],
)
def let_go(
    selection_id: SelectionId,
    gallery_id: PartId,
    picture_id: PartId,
    if_match: IfMatch = None,  # noqa: ARG001
) -> Response[None]:
    asked, kept = request(), Kept(gallery_id, picture_id)
    selections.remove(asked.visitor, selection_id, kept, clock.now(), if_match=asked.if_match)
    return NOTHING


class ShareAnswer(BaseModel):
    url: str


@app.post(
    "/v1/selections/<selection_id>/share",
    responses=answers(200, ShareAnswer, *CHANGING, *MINE),
    tags=["selections"],
)
def share(selection_id: SelectionId) -> ShareAnswer:
    """A read-only link, the same while it is shared."""
    token = selections.share(request().visitor, selection_id, clock.now())
    return ShareAnswer(url=f"{settings().site_url}/shared-selection#t={token}")


@app.delete(
    "/v1/selections/<selection_id>/share",
    status_code=204,
    responses=nothing(*CHANGING, *MINE),
    tags=["selections"],
)
def unshare(selection_id: SelectionId) -> Response[None]:
    selections.unshare(request().visitor, selection_id, clock.now())
    return NOTHING


class Submission(BaseModel):
    """`name` is what a guest calls himself; a client's is known."""

    model_config = ConfigDict(extra="forbid")
    name: Line | None = None
    message: Message | None = None


@app.post(
    "/v1/selections/<selection_id>/submit",
    responses=answers(
        200,
        SelectionItem,
        *CHANGING,
        *MINE,
        Reason.SELECTION_EMPTY,
        Reason.SELECTION_FULL,
        Reason.TOO_MANY_REQUESTS,
    ),
    tags=["selections"],
)
def submit(selection_id: SelectionId, form: Annotated[Submission, Body()]) -> SelectionItem:
    """To the photographers of its galleries, who are told in their next digest."""
    return _item(
        selections.submit(
            request().visitor,
            selection_id,
            clock.now(),
            name=form.name,
            message=form.message,
        )
    )


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    return serve(app, event, context)
