"""A deployed site, as its operator handles it, with STACK= and his AWS credentials:
`make rollback`, `make shut`, `make reopen`, `make replay`."""

import json
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from local.tables import table

SHORT = 10  # letters of a release's name


class Problem(Exception):
    """What is in the way, and what to do."""


def main(arguments: list[str]) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    commands = {"rollback": roll_back, "shut": shut, "reopen": reopen, "replay": replay}
    (name,) = arguments
    stack = os.environ.get("STACK", "").strip()
    try:
        if not stack:
            raise Problem(f"Say of which stack: make {name} STACK=foyer")
        commands[name](stack)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"AWS would not: {error}. Once more goes on where it was.", file=sys.stderr)
        return 1
    return 0


def client(service: str) -> Any:
    import boto3

    making: Any = boto3.client
    return making(service)


# ---- what there is -------------------------------------------------------------------------------


def facts(stack: str) -> dict[str, str]:
    """What functions are told by the template, read back from the deployed stack."""
    outputs, parameters = _described(stack)
    return {
        "TABLE_NAME": outputs["TableName"],
        "SITE_NAME": parameters.get("SiteName", stack),
        "SITE_URL": parameters.get("SiteUrl", ""),
        "LOCALES": parameters.get("Locales", "en"),
        "SENDER": parameters.get("SenderAddress", ""),
    }


def _described(stack: str) -> tuple[dict[str, str], dict[str, str]]:
    """Its outputs and its parameters."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        (found,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise Problem(
            f"The stack {stack} cannot be read: {error}. Check its name, AWS_DEFAULT_REGION and "
            "your credentials."
        ) from error
    outputs = {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])}
    if "TableName" not in outputs:
        raise Problem(f"The stack {stack} is not of this template: it says nothing of a table.")
    return outputs, {p["ParameterKey"]: p["ParameterValue"] for p in found.get("Parameters", [])}


def functions(stack: str) -> dict[str, str]:
    """Names in Lambda, by logical id."""
    pages = client("cloudformation").get_paginator("list_stack_resources")
    return {
        found["LogicalResourceId"]: found["PhysicalResourceId"]
        for page in pages.paginate(StackName=stack)
        for found in page["StackResourceSummaries"]
        if found["ResourceType"] == "AWS::Lambda::Function"
    }


# ---- shut and open -------------------------------------------------------------------------------


def shut(stack: str) -> None:
    """No function runs: visitors are answered by a 5xx, what should be mailed waits."""
    for name, function in functions(stack).items():
        client("lambda").put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=0
        )
        print(f"{name} is shut")
    print(f"Nothing runs. Open it again: make reopen STACK={stack}")


def reopen(stack: str) -> None:
    for name, function in functions(stack).items():
        client("lambda").delete_function_concurrency(FunctionName=function)
        print(f"{name} is open")


# ---- releases ------------------------------------------------------------------------------------


def roll_back(stack: str) -> None:
    """Shows the releases; with RELEASE= makes that one live, of every function."""
    wanted = os.environ.get("RELEASE", "").strip()
    own = functions(stack)
    versions = _versions(own)
    live = _live(own, versions)
    if not wanted:
        print(_shown(stack, versions, live, len(own)))
        return
    found = [name for name in versions if name.startswith(wanted)]
    if len(found) != 1:
        number = len(found) or "No"
        raise Problem(f"{number} releases begin with {wanted}: see make rollback STACK={stack}")
    (release,) = found
    if missing := own.keys() - versions[release].keys():
        raise Problem(
            f"{wanted} is not of every function ({', '.join(sorted(missing))} lack it): its deploy "
            "was taken back. Take another."
        )
    for name, function in own.items():
        number, _ = versions[release][name]
        client("lambda").update_alias(
            FunctionName=function, Name="live", FunctionVersion=str(number)
        )
        print(f"{name} is at version {number}")
    print(f"{release[:SHORT]} is live. Deploy the commit it is of, so that it stays.")


Versions = dict[str, dict[str, tuple[int, str]]]  # release -> function -> its newest, and when


def _versions(own: dict[str, str]) -> Versions:
    found: Versions = defaultdict(dict)
    for name, function in own.items():
        pages = client("lambda").get_paginator("list_versions_by_function")
        for page in pages.paginate(FunctionName=function):
            for version in page["Versions"]:
                release = _release(version)
                if release is not None and version["Version"].isdigit():
                    made = (int(version["Version"]), version["LastModified"])
                    found[release][name] = max(made, found[release].get(name, made))
    return found


def _release(version: dict[str, Any]) -> str | None:
    """SAM writes it behind a function's description, and a version has that of its function."""
    last = str(version.get("Description", "")).rpartition(" ")[2]
    return last if re.fullmatch(r"[0-9a-f]{64}", last) else None


def _live(own: dict[str, str], versions: Versions) -> Counter[str]:
    """Of how many functions each release is live."""
    releases = {
        (name, number): release
        for release, made in versions.items()
        for name, (number, _) in made.items()
    }
    found: Counter[str] = Counter()
    for name, function in own.items():
        alias = client("lambda").get_alias(FunctionName=function, Name="live")
        found[releases.get((name, int(alias["FunctionVersion"])), "")] += 1
    return found


def _shown(stack: str, versions: Versions, live: Counter[str], most: int) -> str:
    def remark(release: str) -> str:
        if live[release]:
            return "live" if live[release] == most else f"live in {live[release]} of {most}"
        return "" if len(versions[release]) == most else "not of every function"

    def published(release: str) -> str:
        return max(when for _, when in versions[release].values())[:16].replace("T", " ")

    newest = sorted(versions, key=published, reverse=True)
    rows = [[release[:SHORT], published(release), remark(release)] for release in newest]
    text = table(f"Releases of {stack}", ["release", "published", ""], rows)
    return f"{text}\nTo go back: make rollback STACK={stack} RELEASE=…"


# ---- dead letters --------------------------------------------------------------------------------


def replay(stack: str) -> None:
    """Tells the mailer again what SES told, and takes all letters away that it took. Of the others
    nothing is needed: what they are about stands in the table."""
    outputs, _ = _described(stack)
    mailer = f"{functions(stack)['MailerFunction']}:live"
    done: Counter[str] = Counter()
    for queue in (outputs["DeadLettersUrl"], outputs["ScheduleDeadLettersUrl"]):
        for letter in _letters(queue):
            news = news_in(letter["Body"])
            if news is None:
                done["of what stands in the table, taken away"] += 1
            elif "FunctionError" in client("lambda").invoke(FunctionName=mailer, Payload=news):
                done["refused again, and kept"] += 1
                continue
            else:
                done["news of mails, told again"] += 1
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=letter["ReceiptHandle"])
    for what, number in done.items():
        print(f"{number} {what}")
    if not done:
        print("No letters.")


def news_in(letter: str) -> bytes | None:
    """The event of SES that a letter holds: as it was, or as Lambda wraps what it gives up."""
    try:
        held = json.loads(letter)
    except ValueError:
        return None
    event = held.get("requestPayload", held) if isinstance(held, dict) else None
    if not isinstance(event, dict) or event.get("source") != "aws.ses":
        return None
    return json.dumps(event).encode()


def _letters(queue: str) -> Iterator[dict[str, Any]]:
    while True:
        answer = client("sqs").receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=300, WaitTimeSeconds=1
        )
        if not answer.get("Messages"):
            return
        yield from answer["Messages"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
