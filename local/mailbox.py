"""The mails the site "sent": what moto's SES received, read as a mail program would."""

import re
from dataclasses import asdict, dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from functools import lru_cache
from html import escape
from typing import Any

from moto.backends import get_backend

from local.template import ACCOUNT, REGION


@dataclass(frozen=True)
class Letter:
    id: str
    to: str
    subject: str
    text: str
    html: str
    links: list[str]
    source: str


def letters() -> list[Letter]:
    """All of them, the newest first."""
    sent = get_backend("ses")[ACCOUNT][REGION].sent_messages
    return [_letter(message.id, message.raw_data) for message in reversed(sent)]


def as_json() -> list[dict[str, Any]]:
    return [
        {name: value for name, value in asdict(letter).items() if name != "source"}
        for letter in letters()
    ]


@lru_cache(maxsize=1000)
def _letter(id_: str, source: str) -> Letter:
    mail = message_from_string(source, policy=policy.default)
    text, html = (_part(mail, kind) for kind in ("plain", "html"))
    return Letter(
        id=id_,
        to=str(mail["To"]),
        subject=str(mail["Subject"]),
        text=text,
        html=html,
        links=links_of(text),
        source=source,
    )


def links_of(text: str) -> list[str]:
    """The first with a fragment is the one that redeems."""
    return sorted(re.findall(r"https?://[^\s<>\"]+", text), key=lambda link: "#" not in link)


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content())


def page() -> str:
    """The mailbox for a person: each mail as its reader sees it, as text, and as sent."""
    found = letters()
    entries = "".join(_entry(letter) for letter in found)
    nothing = "<p>No mail yet. What the site sends arrives here.</p>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mailbox ({len(found)})</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/_dev/mailbox.css">
<link rel="icon" href="/static/icon.svg"></head>
<body><h1>Mailbox</h1><p>Nothing leaves this machine. <a href="/_dev/mail">Look again</a> ·
<a href="/_dev/events.json">What other programs are told</a> ·
<a href="/">Back to the site</a></p>{entries or nothing}</body></html>"""


def _entry(letter: Letter) -> str:
    return f"""<article><h2>{escape(letter.subject)}</h2><p>To {escape(letter.to)}</p>
<iframe sandbox="allow-popups allow-top-navigation-by-user-activation" title="The mail as HTML"
 srcdoc="{escape(letter.html)}"></iframe>
<details><summary>Text</summary><pre>{escape(letter.text)}</pre></details>
<details><summary>Source</summary><pre>{escape(letter.source)}</pre></details></article>"""


STYLE = """:root{color-scheme:light dark;font-family:system-ui,sans-serif}
body{max-width:46rem;margin:1rem auto;padding:0 1rem}
article{border:1px solid #8888;border-radius:.5rem;padding:1rem;margin:1rem 0}
h2{margin:0}iframe{width:100%;height:34rem;border:1px solid #8888}
pre{white-space:pre-wrap;overflow-wrap:anywhere}"""
