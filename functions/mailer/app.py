"""Outbox rows become mails and events: from the table's stream as they are written, and every 15
minutes whatever is still unsent. The only function that may send."""

import json
import os
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from foyer import clock
from foyer.operations import digests, feedback
from foyer.operations.feedback import News
from foyer.operations.mailing import MaybeSent, redrive, send_one
from foyer.rules.invitations import Delivery
from foyer.settings import settings
from foyer.storage.keys import Key
from foyer.storage.outbox import Event, Mail
from foyer.storage.table import cause, patience, session
from foyer.web.language import money, translations

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

HERE = Path(__file__).parent
MOST_TIME_FOR_ONE = 35_000  # milliseconds: a call to SES and the mark, at their worst
SOURCE = "foyer"  # of our events, for the rules of whoever listens

ONE_CLICK = {"newsletter"}  # a mail program ends them by itself (RFC 8058)


class _Mails(EmailPolicy):
    """Headers as the standard library lays them out, but for an address that mail programs read as
    it stands: folded or encoded, it is none."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}".encode()
        return super().fold_binary(name, value)


settings()  # said at start, if it cannot work as it was deployed
logger = Logger(service="foyer")
processor = BatchProcessor(
    event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False
)


def lambda_handler(event: Mapping[str, Any], context: Any) -> Any:
    if "Records" in event:
        return process_partial_response(dict(event), _send_record, processor, context)
    if event.get("source") == "aws.ses":
        return _feedback(event.get("detail") or {})
    return _redrive(context)


_BECAME = {
    "Send": Delivery.SENT,
    "Delivery": Delivery.DELIVERED,
    "Bounce": Delivery.BOUNCED,
    "Complaint": Delivery.COMPLAINED,
}


def _feedback(detail: Mapping[str, Any]) -> None:
    """What SES tells of a mail, in its own words; what we do not understand we leave alone."""
    became = _BECAME.get(str(detail.get("eventType")))
    mail = detail.get("mail") or {}
    tags = {name: values[0] for name, values in (mail.get("tags") or {}).items() if values}
    if became is None or "outbox" not in tags:
        return
    told = detail.get(str(detail.get("eventType")).lower()) or {}
    for_good = became is Delivery.COMPLAINED or told.get("bounceType") == "Permanent"
    # whom we mailed: a bounce may name whomever it likes
    addresses = [str(one) for one in mail.get("destination") or []]
    news = News(tags["outbox"], became, addresses, for_good, tags.get("gallery"), tags.get("grant"))
    feedback.note(news, clock.now())
    logger.info("feedback", extra={"outbox": news.mail_id, "became": became.value})


def _send_record(record: Any) -> None:
    keys = record.raw_event["dynamodb"]["Keys"]
    key = Key(keys["pk"]["S"], keys["sk"]["S"])
    try:
        send_one(key, post, clock.now())
    except Exception as error:
        _failed(key, error)
        raise


def _failed(key: Key, error: Exception) -> None:
    logger.error("not sent", extra={"outbox": key.pk, "row": key.sk, "cause": cause(error)})


def _redrive(context: Any) -> dict[str, Any]:
    try:
        digests.tell(clock.now())  # rows of the outbox, that come back by the stream
    except Exception as error:  # what is unsent is sent all the same
        logger.error("digests not written", extra={"cause": type(error).__name__})
    swept = redrive(
        post,
        clock.now,
        failed=_failed,
        time_is_left=lambda: context.get_remaining_time_in_millis() > MOST_TIME_FOR_ONE,
    )
    logger.info("redriven", extra=vars(swept))
    if swept.failed:
        with single_metric("MailsUnsent", MetricUnit.Count, swept.failed, namespace="Foyer"):
            pass
    return vars(swept)


def post(waiting: Mail | Event) -> str:
    return send(waiting) if isinstance(waiting, Mail) else publish(waiting)


def publish(event: Event) -> str:
    """Puts it on the site's bus; answers with EventBridge's id of it. Whose answer is lost is
    published again: who listens knows it by our id."""
    from botocore.exceptions import ClientError

    at = _when(event.at)
    said = {"id": event.id, "type": event.kind, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    answer = _bus().put_events(
        Entries=[
            {
                "EventBusName": os.environ["EVENT_BUS"],
                "Source": SOURCE,
                "DetailType": event.kind,
                "Detail": json.dumps({**said, **event.facts}, ensure_ascii=False),
                "Time": at,
            }
        ]
    )
    (entry,) = answer["Entries"]
    if answer["FailedEntryCount"]:  # the call went well, and yet it was not taken
        raise ClientError({"Error": {"Code": entry["ErrorCode"]}}, "PutEvents")
    return str(entry["EventId"])


def send(mail: Mail) -> str:
    """Sends it raw, as we built it; answers with SES's message id."""
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

    raw = render(mail).as_bytes()
    try:
        answer = _ses().send_email(
            FromEmailAddress=os.environ["SENDER"],
            Destination={"ToAddresses": [mail.to]},
            Content={"Raw": {"Data": raw}},
            ConfigurationSetName=os.environ["CONFIGURATION_SET"],
            EmailTags=[{"Name": name, "Value": value} for name, value in _tags(mail).items()],
        )
    except (ConnectionClosedError, ReadTimeoutError) as error:
        raise MaybeSent(type(error).__name__) from error
    return answer["MessageId"]


def _tags(mail: Mail) -> dict[str, str]:
    """What SES says of a mail again when it tells what became of it."""
    told = {name: mail.facts[name] for name in ("gallery", "grant") if mail.facts.get(name)}
    return {"kind": mail.kind, "outbox": mail.id, **told}


def render(mail: Mail) -> EmailMessage:
    """The mail a person gets, in his language: what its kind says, laid out as text and as HTML."""
    environment = _templates(mail.language)
    facts = {
        "browser": "",
        **mail.facts,
        "kind": mail.kind,
        "queued": _when(mail.queued_at),
        "site_name": settings().site_name,
        "site_url": settings().site_url,
    }

    def part(name: str) -> str:
        return environment.get_template(name).render(facts)

    said = environment.get_template(f"{mail.kind}.jinja").make_module(facts)
    sender = os.environ["SENDER"]
    message = EmailMessage(policy=_Mails(cte_type="7bit"))
    message["Subject"] = str(said.subject)  # type: ignore[attr-defined]
    message["From"] = Address(settings().site_name, addr_spec=sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Date"] = format_datetime(facts["queued"])
    message["Message-ID"] = f"<{mail.id}@{sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if mail.kind in ONE_CLICK:
        url = f"{settings().site_url}/v1/unsubscribe/{mail.facts['token']}"
        message["List-Unsubscribe"] = f"<{url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(part("layout.txt"))
    message.add_alternative(part("layout.html"), subtype="html")
    message["Content-Language"] = mail.language  # set earlier, it would go to the text part alone
    return message


def _when(seconds: int) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)


@cache
def _templates(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = translations("mails", HERE / "locales", language)
    environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["money"] = lambda amount, currency: money(int(amount), currency, language)
    environment.globals["language"] = language
    return environment


@cache
def _ses() -> "SESV2Client":
    from botocore.config import Config

    # One attempt: SES knows no idempotency token, the outbox decides when to try again.
    config = Config(connect_timeout=2, read_timeout=25, retries={"total_max_attempts": 1})
    return cast("SESV2Client", session().create_client("sesv2", config=config))


@cache
def _bus() -> Any:
    return session().create_client("events", config=patience())
