"""A browser as far as HTTP goes: keeps its cookies, says where a request comes from."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.cookies import SimpleCookie
from typing import Any
from weakref import WeakSet

from werkzeug.test import Client, TestResponse

from local.gateway import Gateway
from local.site import Site
from tests.seam import interleavings

URL = "http://localhost:8000"

VOUCHER = {"product_id": "voucher", "quantity": 1}
CALENDAR = {"product_id": "calendar", "quantity": 1}
PRINT = {
    "product_id": "print-30x45",
    "gallery_id": "coast",
    "picture_id": "low-tide",
    "quantity": 1,
}


TERMS = "2026-11-01"
PASSWORD = "sunflower river 42 candle"
OTHER_PASSWORD = "another lantern by the sea"


# Those that are about, so that all of them can go back to how they were.
BROWSERS: WeakSet["Browser"] = WeakSet()

# Whatever must be found in no log, no row, no dead letter: what these browsers were given or sent.
# tests/conftest.py looks for it after every test.
SECRETS: set[str] = set()
CODES: set[str] = set()
_SECRET_FIELDS = ("password", "new", "token")


class Answer(TestResponse):
    @property
    def json(self) -> Any:
        return self.get_json()


class Browser:
    """`cookies` may be set by hand; Python's own jars do not send `__Host-` cookies over http."""

    def __init__(self, gateway: Gateway, *, address: str = "192.0.2.1", language: str = "") -> None:
        self._client = Client(gateway, response_wrapper=Answer, use_cookies=False)
        self.gateway = gateway
        self.address = address
        self.language = language
        self.cookies: dict[str, str] = {}
        BROWSERS.add(self)

    def twin(self) -> "Browser":
        """Another tab of the same browser."""
        other = Browser(self.gateway, address=self.address, language=self.language)
        other.cookies = dict(self.cookies)
        return other

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | None] | None = None,
        **body: Any,
    ) -> Answer:
        """A header given as None is left out."""
        sent: dict[str, str | None] = {"Sec-Fetch-Site": "same-origin"}
        if self.language:
            sent["Accept-Language"] = self.language
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= headers or {}
        answer: Any = self._client.open(
            path,
            method=method,
            headers={name: value for name, value in sent.items() if value is not None},
            environ_overrides={"REMOTE_ADDR": self.address},
            **body,
        )
        for crumb in answer.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(crumb).items():
                self.cookies[name] = morsel.value
                SECRETS.add(morsel.value.rpartition(".")[2])
        for fields in (body.get("json"), body.get("data")):
            if isinstance(fields, dict):
                SECRETS.update(v for n in _SECRET_FIELDS if isinstance(v := fields.get(n), str))
        assert isinstance(answer, Answer)
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, json: Any, **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, json=json, headers=names)

    def submit(self, path: str, **form: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, data=form, headers=kind)

    # ---- what tests ask for often ---------------------------------------------------------------

    def add(self, thing: Mapping[str, Any], **headers: str) -> Answer:
        return self.post("/v1/cart/lines", dict(thing), **headers)

    def cart(self) -> Any:
        return self.get("/v1/cart").json

    def quantities(self) -> dict[str, int]:
        return {line["product_id"]: line["quantity"] for line in self.cart()["lines"]}

    def session(self) -> Any:
        return self.get("/v1/session").json

    def who(self) -> str:
        """The id he has."""
        return str(self.session()["user"]["id"])

    def sign_up(self, email: str, **more: Any) -> Answer:
        form = {
            "email": email,
            "name": "Nina",
            "profile_type": "C",
            "consents": {"terms": TERMS, "newsletter": False},
        }
        return self.post("/v1/registrations", form | more)

    def activate(self, token: str, **more: Any) -> Answer:
        return self.post("/v1/activations", {"token": token, **more})

    def elsewhere(self, token: str, **more: Any) -> Answer:
        """As a browser that did not sign up must: with a name and a password."""
        return self.activate(token, **{"name": "Nina", "password": PASSWORD, **more})

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> Answer:
        return self.post("/v1/session", {"email": email, "password": password, **more})

    def ask_code(self, email: str) -> Answer:
        return self.post("/v1/session/codes", {"email": email})

    def sign_in_by_code(self, email: str, code: str, **more: Any) -> Answer:
        return self.post("/v1/session", {"email": email, "code": code, **more})

    def reset(self, token: str, password: str = OTHER_PASSWORD, **more: Any) -> Answer:
        body = {"token": token, "password": password, **more}
        return self.post("/v1/password-resets/redeem", body)

    def choose_password(self, password: str = PASSWORD) -> Answer:
        return self.send("PUT", "/v1/account/password", json={"new": password})

    def register(self, email: str, password: str | None = PASSWORD) -> "Browser":
        """Signs up and activates here; the rest of the mailbox is left as it is."""
        assert self.sign_up(email).status_code == 202
        body = {} if password is None else {"password": password}
        answer = self.activate(self.token(email), **body)
        assert answer.json["status"] == "approved", answer.json
        return self

    # ---- the mailbox ----------------------------------------------------------------------------

    def mails(self, to: str) -> list[Any]:
        """What an address got, the newest first."""
        found = self.get("/_dev/mail.json").json
        return [mail for mail in found if mail["to"].casefold() == to.casefold()]

    def token(self, to: str) -> str:
        """The token of the newest link mailed to the address."""
        links = [link for mail in self.mails(to) for link in mail["links"] if "#t=" in link]
        token = str(links[0].partition("#t=")[2])
        SECRETS.update({token, token[-22:]})
        return token

    def code(self, to: str) -> str:
        """The newest code mailed to the address."""
        codes = [c for mail in self.mails(to) for c in re.findall(r"\b\d{6}\b", mail["text"])]
        CODES.add(codes[0])
        return str(codes[0])

    def events(self, kind: str | None = None) -> list[Any]:
        """What was put on the bus, of one kind or of all, the newest first."""
        told = [event["detail"] for event in self.get("/_dev/events.json").json]
        return [detail for detail in told if kind in {None, detail["type"]}]

    def cost(self) -> Any:
        return self.get("/_dev/cost").json


def settled(site: Site) -> Callable[[], None]:
    """What takes the site and all browsers back to now."""
    site.drain()
    back, cookies = site.remember(), [(b, dict(b.cookies)) for b in BROWSERS]

    def again() -> None:
        back()
        for browser, kept in cookies:
            browser.cookies.clear()
            browser.cookies.update(kept)

    return again


def said(answer: Answer) -> tuple[int, str]:
    """Its status and the code of a problem."""
    return answer.status_code, (answer.json or {}).get("code", "")


DONE = (200, "")


def orders(site: Site, flows: Sequence[Callable[[], Any]], most: int) -> Iterator[list[Any]]:
    """What the flows answer under every order of their calls, at most so many, each from how all is
    now. What a flow raised is raised."""
    for results in interleavings(site.cloud, flows, settled(site), most):
        for result in results:
            if isinstance(result, BaseException):
                raise result
        yield results
