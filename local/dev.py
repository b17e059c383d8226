"""The doors under /_dev that only the local server has: mailbox, events, clock, cost, the table as
it stands, demo pictures."""

import json
from collections.abc import Callable
from typing import Any

from local import mailbox, pictures
from local.administrator import address
from local.cloud import Cost
from local.site import Site

Answer = tuple[int, list[tuple[str, str]], bytes]


class DevDoors:
    def __init__(self, site: Site) -> None:
        self._site = site
        self.last_cost = Cost()

    def answer(self, method: str, door: str, body: bytes) -> Answer:
        doors: dict[tuple[str, str], Callable[[bytes], Answer]] = {
            ("GET", "mail"): lambda _: _text(mailbox.page(), "text/html; charset=utf-8"),
            ("GET", "mail.json"): lambda _: _json(self._mails()),
            ("GET", "events.json"): lambda _: _json(self._events()),
            ("GET", "mailbox.css"): lambda _: _text(mailbox.STYLE, "text/css"),
            ("GET", "cost"): lambda _: _json(vars(self.last_cost)),
            ("GET", "table.json"): lambda _: _json(self._site.cloud.rows()),
            ("POST", "clock"): self._advance,
            ("POST", "cleanup"): lambda _: _json(self._clean_up()),
            ("POST", "administrator"): self._administrator,
        }
        if method == "GET" and door.startswith("pictures/"):
            return _picture(door.removeprefix("pictures/"))
        if (method, door) not in doors:
            known = [f"{m} /_dev/{d}" for m, d in doors]
            return _json({"message": "Not Found", "doors": known}, 404)
        return doors[(method, door)](body)

    def _mails(self) -> list[dict[str, Any]]:
        self._site.drain()  # what was written is delivered before anybody asks for it
        return mailbox.as_json()

    def _events(self) -> list[Any]:
        """What was put on the site's bus, the newest first, as a rule's target gets it."""
        self._site.drain()
        return self._site.cloud.published[::-1]

    def _advance(self, body: bytes) -> Answer:
        try:
            seconds = json.loads(body)["advance"]
        except (ValueError, KeyError, TypeError):
            seconds = None
        if type(seconds) is not int or not 0 <= seconds <= 10 * 365 * 86_400:
            return _json({"message": 'send {"advance": seconds}, a whole number from 0 on'}, 422)
        self._site.drain()
        self._site.advance(seconds)
        return _json({"now": self._site.now()})

    def _clean_up(self) -> Any:
        """Runs the scheduled function; its report."""
        return self._site.invoke("CleanupFunction", {"trigger": "sweep"})

    def _administrator(self, body: bytes) -> Answer:
        """What `make administrator` asks of the site on this machine."""
        try:
            email = address(str(json.loads(body)["email"]))
        except (ValueError, KeyError, TypeError):
            email = None
        if email is None:
            return _json({"message": 'send {"email": an address}'}, 422)
        invite = self._site.module("foyer.operations.on_behalf").invite_administrator
        name = self._site.module("foyer.settings").settings().site_name
        return _json({"result": invite(email, name, "en", self._site.now())})


def _json(value: Any, status: int = 200) -> Answer:
    return status, [("Content-Type", "application/json")], json.dumps(value).encode()


def _text(text: str, kind: str) -> Answer:
    return 200, [("Content-Type", kind), ("Cache-Control", "no-store")], text.encode()


def _picture(name: str) -> Answer:
    drawn = pictures.draw(name.removesuffix(".svg"))
    if drawn is None:
        return _json({"message": "Not Found"}, 404)
    return (
        200,
        [("Content-Type", "image/svg+xml"), ("Cache-Control", "max-age=3600")],
        (drawn.encode()),
    )
