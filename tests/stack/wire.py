"""A deployed site as the WSGI application that the journeys' browser visits: what it asks leaves as
real HTTP. What only a site on this machine shows under /_dev (mails, events) is the emulator's."""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from local.deployed import facts
from local.gateway import StartResponse
from local.mailbox import links_of
from local.stack import NAME, REGION, URL, client

PATIENCE = 30  # seconds for what follows by itself: a mail, an event
SCHEDULE = 90  # seconds for what comes once a minute here

NO_CLOUD = "needs what a site that is deployed elsewhere keeps to itself (table, functions)"
NO_MAILBOX = "needs to read what is mailed: a site deployed elsewhere mails to people"

Found = TypeVar("Found")


def eventually(ask: Callable[[], Found], what: str, patience: float = PATIENCE) -> Found:
    """What `ask` answers, as soon as that is something."""
    until, pause = time.monotonic() + patience, 0.05
    while not (found := ask()):
        assert time.monotonic() < until, f"waited {patience} s in vain for {what}"
        time.sleep(pause)
        pause = min(1, pause * 1.5)  # whoever asks keeps the emulator from working
    return found


class Cloud:
    """The emulator and the stack in it, as an operator sees them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.endpoint = environment["AWS_ENDPOINT_URL"]
        self.look()

    def look(self) -> None:
        """What is deployed now, and what of it our own modules must know."""
        os.environ |= facts(NAME)
        resources = self.client("cloudformation").describe_stack_resources(StackName=NAME)
        self.ids = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources["StackResources"]
        }

    def client(self, service: str) -> Any:
        return client(service, self.environment)

    def own(self, path: str) -> Any:
        """What the emulator tells of itself."""
        place = urlsplit(self.endpoint)
        with closing(http.client.HTTPConnection(place.netloc, timeout=10)) as connection:
            connection.request("GET", path)
            return json.load(connection.getresponse())

    # ---- the mailbox and the bus ----------------------------------------------------------------

    def mails(self) -> list[dict[str, Any]]:
        """As `/_dev/mail.json` tells of them, the newest first."""
        accounts = self.own("/_ministack/ses/messages")["messages"]
        return [
            {
                "id": mail["MessageId"],
                "to": mail["To"][0],
                "subject": mail["Subject"],
                "text": mail["BodyText"],
                "html": mail["BodyHtml"],
                "links": links_of(mail["BodyText"]),
            }
            for account in accounts.values()
            for mail in reversed(account)
        ]

    def listen(self) -> None:
        """Keeps what is put on the site's bus, in a queue."""
        queue = self.client("sqs").create_queue(QueueName="listener")["QueueUrl"]
        wanted = ["QueueArn"]
        arn = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=wanted)
        bus = self.client("events")
        pattern = json.dumps({"source": ["foyer"]})
        bus.put_rule(Name="listener", EventBusName=self.ids["EventBus"], EventPattern=pattern)
        targets = [{"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}]
        bus.put_targets(Rule="listener", EventBusName=self.ids["EventBus"], Targets=targets)

    def events(self) -> list[Any]:
        """As `/_dev/events.json` tells of them, the newest first."""
        return [json.loads(body) for body in reversed(self.queued("listener"))]

    def queued(self, name: str) -> list[str]:
        """What is in a queue; it stays there."""
        regions = self.own("/_ministack/sqs/messages")["messages"]
        return [
            message["Body"]
            for queues in regions.values()
            for by_url in queues.values()
            for url, messages in by_url.items()
            if url.rpartition("/")[2] == name
            for message in messages
        ]

    def queued_in(self, resource: str) -> list[str]:
        """Likewise, of a queue of the template."""
        return self.queued(self.ids[resource].rpartition("/")[2])

    # ---- the outbox -----------------------------------------------------------------------------

    def settle(self) -> None:
        """Returns once nothing waits to be sent."""
        from foyer.storage import outbox

        ever = 2**40
        eventually(lambda: not outbox.unsent(ever, 1), "the outbox to be empty")

    # ---- a deploy of one function ---------------------------------------------------------------

    def change(self, function: str, *, code: bytes | None = None, **configuration: Any) -> None:
        """As a deploy does: what is changed is published, and live from then on."""
        functions, name = self.client("lambda"), self.ids[function]
        if code is not None:
            functions.update_function_code(FunctionName=name, ZipFile=code)
        if configuration:
            functions.update_function_configuration(FunctionName=name, **configuration)
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def live(self) -> dict[str, str]:
        """The version of each function that visitors meet."""
        functions = self.client("lambda")
        return {
            name: functions.get_alias(FunctionName=id_, Name="live")["FunctionVersion"]
            for name, id_ in self.ids.items()
            if name.endswith("Function")
        }

    def logged(self, since: float) -> list[dict[str, Any]]:
        """What the functions logged since then, the lines that are JSON."""
        pages = (
            self.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=self.ids["Logs"], startTime=int(since * 1000))
        )
        lines = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(line) for line in lines if line.startswith("{")]

    @contextmanager
    def without(self, function: str, action: str) -> Iterator[None]:
        """The function's policy lacks the action meanwhile."""
        iam, role = self.client("iam"), self.ids[f"{function}Role"]
        policies = {
            name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        ((name, whole),) = [(n, p) for n, p in policies.items() if f'"{action}"' in json.dumps(p)]
        less = json.loads(json.dumps(whole))
        for statement in less["Statement"]:
            actions = statement["Action"]
            listed = [actions] if isinstance(actions, str) else actions
            statement["Action"] = [one for one in listed if one != action] or ["none:None"]
        try:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
            yield
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))

    # ---- time, and what SES tells ---------------------------------------------------------------

    def row(self, pk: str, sk: str) -> dict[str, Any] | None:
        """In DynamoDB's notation."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        table = self.ids["Table"]
        found = self.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
        return cast("dict[str, Any] | None", found.get("Item"))

    def rows(self) -> list[dict[str, Any]]:
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.ids["Table"])
        return [row for page in pages for row in page["Items"]]

    def plant(self, rows: Iterable[dict[str, Any]]) -> None:
        dynamodb = self.client("dynamodb")
        for row in rows:
            dynamodb.put_item(TableName=self.ids["Table"], Item=row)

    def overdue(self, pk: str, sk: str) -> None:
        """As if the row had waited long enough."""
        self.client("dynamodb").update_item(
            TableName=self.ids["Table"],
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET due_at = :then",
            ExpressionAttributeValues={":then": {"N": str(int(time.time()) - 1)}},
        )

    def is_overdue(self, pk: str, sk: str) -> bool:
        row = self.row(pk, sk) or {}
        return "due_at" in row and int(row["due_at"]["N"]) <= time.time()

    def hurry(self) -> None:
        """What the template runs every 15 minutes runs every minute, for us not to wait."""
        scheduler = self.client("scheduler")
        for found in scheduler.list_schedules()["Schedules"]:
            schedule = scheduler.get_schedule(Name=found["Name"])
            scheduler.update_schedule(
                Name=found["Name"],
                ScheduleExpression="rate(1 minute)",
                FlexibleTimeWindow=schedule["FlexibleTimeWindow"],
                Target=schedule["Target"],
            )

    def hear_from_us(self) -> None:
        """Only SES itself may say it is SES: the rule takes what it would say from us as well, in
        an envelope."""
        bus = self.client("events")
        (rule,) = bus.list_rules()["Rules"]
        pattern = json.loads(rule["EventPattern"])
        (target,) = bus.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        pattern["source"] = ["in.place.of.ses"]
        bus.put_rule(Name=rule["Name"], EventPattern=json.dumps(pattern))
        bus.put_targets(Rule=rule["Name"], Targets=[{**target, "InputPath": "$.detail.said"}])

    def ses_says(self, event: Mapping[str, Any]) -> None:
        """An event as SES puts it on the default bus."""
        ours = self.ids["MailConfiguration"]
        account = self.ids["MailerDeadLetters"].split("/")[-2]
        entry = {
            "Source": "in.place.of.ses",
            "DetailType": event["detail-type"],
            "Resources": [f"arn:aws:ses:{REGION}:{account}:configuration-set/{ours}"],
            "Detail": json.dumps({"said": event}),
        }
        told = self.client("events").put_events(Entries=[entry])
        assert not told["FailedEntryCount"], told


class Wire:
    """`cloud` is None of a site that is deployed elsewhere."""

    def __init__(self, cloud: Cloud | None) -> None:
        self.cloud = cloud
        self.url = os.environ.get("FOYER_URL", URL).rstrip("/")
        self._place = urlsplit(self.url if cloud is None else cloud.endpoint)

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ["RAW_URI"]
        if self.cloud is not None and path.startswith("/_dev/"):
            self.cloud.settle()
            doors = {"/_dev/mail.json": self.cloud.mails, "/_dev/events.json": self.cloud.events}
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(doors[path]()).encode()]
        headers = {
            name[5:].replace("_", "-").title(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        headers["Host"] = urlsplit(self.url).netloc
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with closing(self._connection()) as connection:
            connection.request(environ["REQUEST_METHOD"], path, body or None, headers)
            answer = connection.getresponse()
            start(f"{answer.status} {answer.reason}", answer.getheaders())
            return [answer.read()]

    def mails_can_be_read(self) -> bool:
        """In the emulator, or where `make run` serves the site."""
        if self.cloud is not None:
            return True
        with closing(self._connection()) as connection:
            host = {"Host": urlsplit(self.url).netloc}
            connection.request("GET", "/_dev/mail.json", headers=host)
            return connection.getresponse().status == HTTPStatus.OK

    def _connection(self) -> http.client.HTTPConnection:
        secure = self._place.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(self._place.netloc, timeout=60)
