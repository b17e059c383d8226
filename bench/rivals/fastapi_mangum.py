"""The same routes, models, answers and headers with FastAPI and Mangum, and the same line logged by
the same logger. Its endpoints are coroutines: plain functions would each cost it a thread."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger
from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from mangum import Mangum
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Vary": "Accept-Language, Cookie, Origin, Sec-Fetch-Site",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Content-Language": "en",
}
app = FastAPI()
logger = Logger(service="rival")


class RoleAnswer(BaseModel):
    role: str
    organization_id: str


class SessionUser(BaseModel):
    id: str
    registration_type: Literal["G", "R", "A", "S"]
    profile_type: Literal["C", "B"] | None
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


class Money(BaseModel):
    amount: int
    currency: str


class LineAnswer(BaseModel):
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
    quote: str


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("not a number")
    return value


Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Quantity = Annotated[int, Field(ge=1, le=99), BeforeValidator(_number)]


class NewLine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product_id: Id
    gallery_id: Id | None = None
    picture_id: Id | None = None
    quantity: Quantity


@app.get("/v1/session")
async def who_am_i() -> SessionAnswer:
    user = SessionUser(
        id="-1002",
        registration_type="G",
        profile_type=None,
        status=None,
        email=None,
        name=None,
        roles=[],
    )
    return SessionAnswer(
        user=user, authentication="generic", cart=SessionCart(line_count=0), next=[]
    )


@app.post("/v1/cart/lines", status_code=201)
async def add(
    line: NewLine,
    idempotency_key: Annotated[str | None, Header(min_length=16, max_length=64)] = None,
    if_match: Annotated[str | None, Header()] = None,
) -> CartAnswer:
    return CartAnswer(
        lines=[
            LineAnswer(
                id=f"line-{n}",
                product_id=f"thing-{n}",
                gallery_id=None,
                picture_id=None,
                name=f"Thing {n}",
                quantity=n,
                unit_price=Money(amount=100, currency="EUR"),
                total=Money(amount=100 * n, currency="EUR"),
                available=True,
            )
            for n in range(1, 11)
        ],
        shipping=Money(amount=500, currency="EUR"),
        total=Money(amount=6000, currency="EUR"),
        version=10,
        quote="kept-as-it-is",
    )


CODES = {"less_than_equal": "out_of_range", "greater_than_equal": "out_of_range"}
WORDS = {"out_of_range": "This is too small or too large."}


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    wrong = []
    for one in error.errors():
        code = CODES.get(one["type"], "malformed")
        pointer = "#/" + "/".join(map(str, one["loc"][1:]))
        wrong.append({"pointer": pointer, "code": code, "detail": WORDS.get(code, "")})
    body = {
        "type": "/problems/invalid_input",
        "title": "Please check what you sent",
        "status": 422,
        "detail": "Something in it is missing or not as it should be. Nothing was changed.",
        "instance": request.scope["aws.event"]["requestContext"]["requestId"],
        "code": "invalid_input",
        "errors": wrong,
    }
    return JSONResponse(body, 422, media_type="application/problem+json")


def with_headers(inner):
    """The headers of every answer and the line in the log, by the cheapest way there is: FastAPI's
    own middleware costs more than all the rest of a request."""
    always = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def outer(scope, receive, send):
        asked = scope["aws.event"]["requestContext"]["requestId"]

        async def send_with_them(message):
            if message["type"] == "http.response.start":
                own = (b"x-request-id", asked.encode())
                message["headers"] = [*message["headers"], *always, own]
                logger.info(
                    "request",
                    extra={
                        "request_id": asked,
                        "method": scope["method"],
                        "path": scope["path"],
                        "status": message["status"],
                        "refusal": None,
                        "user_id": None,
                    },
                )
            await send(message)

        await inner(scope, receive, send_with_them)

    return outer


TEXT = ["application/json", "application/problem+json"]
lambda_handler = Mangum(with_headers(app), lifespan="off", text_mime_types=TEXT)
