"""`make stack`: the template as it would be deployed, on a local AWS that runs its functions,
streams and schedules and enforces its policies (MiniStack, in `.venv-stack`); then the tests of
`tests/stack` through real HTTP, and away with it. With FOYER_URL= the same journeys visit a site
that is deployed already.

Where MiniStack is not as AWS, this file makes up for it, and nothing else does. It ignores the
OpenAPI body of an HTTP API: the routes are created from the transformed template, after the deploy.
It runs functions on its own Python: the layers are built for that one. `Ref` of a secret is its
name there, not its ARN, and it asks `ses:SendEmail` of no resource: `mended` says both otherwise.
"""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, cast

import yaml

from local.build import released
from local.site import ROOT
from local.template import _Loader

HOME = ROOT / ".aws-sam" / "stack"  # what is built, and the logs of a failed run
NAME = "foyer"
REGION = "eu-west-1"
DOMAIN = "accounts.foyer.test"
URL = f"https://{DOMAIN}"
SENDER = f"studio@{DOMAIN}"
PARAMETERS = {"SiteUrl": URL, "SenderAddress": SENDER, "DomainName": DOMAIN, "Production": "no"}
PATIENCE = 60  # seconds for the emulator to answer
ROOM = 4 * 1024**3  # bytes: some 70 workers
AT_ONCE = 12  # workers that run; whoever asks for one more is told to wait, as Lambda tells him

began = time.monotonic()


class Failed(Exception):
    """A step went wrong; the message says which, and where to look."""


def main(arguments: list[str]) -> int:
    if os.environ.get("FOYER_URL"):
        return tests({}, arguments)
    for one in (signal.SIGTERM, signal.SIGHUP):  # the emulator is stopped then, too
        signal.signal(one, _leave)
    try:
        build(HOME)
        with emulator(HOME) as environment:
            deploy(environment, prepare(environment))
            say(f"created {route(environment)} routes")
            result = tests(environment, arguments)
            if result == 0:
                remove(environment)
    except Failed as failed:
        print(f"make stack: {failed}", file=sys.stderr)
        return 1
    if result:
        print(f"The logs of the functions and of the emulator are in {HOME.relative_to(ROOT)}.")
    else:
        say("all is well; nothing is left running")
    return result


def say(what: str) -> None:
    print(f"[{time.monotonic() - began:5.0f} s] {what}", flush=True)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


# ---- built ---------------------------------------------------------------------------------------


def build(home: Path) -> None:
    """The template and its artefacts, for this machine's architecture and Python."""
    say("building for this machine")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    built = home / "build"
    # the layer's Makefile asks for wheels of Lambda's platform, unless told of none
    sam("build", ["--build-dir", str(built), "--no-cached"], {"PLATFORM": ""})
    # Lambda unpacks with the times kept, MiniStack does not: bytecode that asks for none
    compiled = [sys.executable, "-m", "compileall", "-q", "-f", "-s", str(built)]
    _run("compile", [*compiled, "--invalidation-mode", "unchecked-hash", str(built)], {}, home)


def mended(template: Any) -> Any:
    """The template with what MiniStack reads differently in its words."""
    secrets = {
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SecretsManager::Secret"
    }

    def mend(value: Any) -> Any:
        if isinstance(value, list):
            return [mend(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if value.get("Ref") in secrets:
            return {"Fn::GetAtt": [value["Ref"], "Id"]}
        value = {name: mend(inner) for name, inner in value.items()}
        if str(value.get("Action")).startswith("['ses:"):
            return {n: "*" if n == "Resource" else v for n, v in value.items() if n != "Condition"}
        return value

    return mend(template)


def sam(command: str, arguments: list[str], environment: Mapping[str, str]) -> None:
    quiet = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    called = [str(ROOT / ".venv-sam/bin/sam"), command, *arguments]
    _run(f"sam {command}", called, {**quiet, **environment}, HOME)


def _run(what: str, command: list[str], environment: Mapping[str, str], home: Path) -> None:
    log = home / f"{what.replace(' ', '-')}.log"
    with log.open("w") as out:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise Failed(f"{what} failed ({log.relative_to(ROOT)}):\n{end}")


# ---- the emulator --------------------------------------------------------------------------------


@contextmanager
def emulator(home: Path) -> Iterator[dict[str, str]]:
    """MiniStack on a free port of this machine alone, policies enforced; what an SDK must know to
    reach it. It and the functions it runs are one process group, ended whatever happens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    say(f"starting MiniStack on port {port}")
    caller = {
        "AWS_ACCESS_KEY_ID": "test",  # its root
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }
    scratch = _scratch()
    settings = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "TMPDIR": scratch,
        "LAMBDA_ACCOUNT_CONCURRENCY": str(AT_ONCE),
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with (home / "ministack.log").open("w") as log:
        process = subprocess.Popen(
            [str(ROOT / ".venv-stack/bin/ministack")],
            env={**inherited, **caller, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(endpoint, process, home)
        yield {**caller, "AWS_ENDPOINT_URL": endpoint}
    finally:
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(scratch, ignore_errors=True)


def _scratch() -> str:
    """Where functions are unpacked, 2,000 files for each worker: in memory, where there is room."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    return tempfile.mkdtemp(prefix="foyer-stack-", dir=memory if roomy else None)


def _wait_for(endpoint: str, process: subprocess.Popen[bytes], home: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise Failed(f"MiniStack does not answer: see {(home / 'ministack.log').relative_to(ROOT)}")


# ---- deployed ------------------------------------------------------------------------------------


def client(service: str, environment: Mapping[str, str]) -> Any:
    import boto3

    return cast(Any, boto3.client)(
        service,
        region_name=environment["AWS_DEFAULT_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def prepare(environment: Mapping[str, str]) -> dict[str, str]:
    """What an operator sees to before he deploys; the parameters to deploy with."""
    say("verifying the sender, asking for a certificate")
    client("sesv2", environment).create_email_identity(EmailIdentity=SENDER)
    certificate = client("acm", environment).request_certificate(DomainName=DOMAIN)
    return {**PARAMETERS, "CertificateArn": certificate["CertificateArn"]}


def deploy(environment: Mapping[str, str], parameters: Mapping[str, str]) -> None:
    """For the first time, or again: what is not said stays as it was."""
    say("deploying")
    built = HOME / "build"
    given = [f"{name}={value}" for name, value in parameters.items()]
    release = hashlib.sha256(" ".join(given).encode()).hexdigest()
    raw = yaml.load((built / "template.yaml").read_text(), Loader=_Loader)  # noqa: S506 - safe
    template = built / "released.json"
    template.write_text(json.dumps(released(mended(raw), release)))
    options = ["--resolve-s3", "--no-confirm-changeset", "--no-progressbar"]
    where = ["--template-file", str(template), "--stack-name", NAME]
    rights = ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    sam("deploy", [*where, *rights, *options, "--parameter-overrides", *given], environment)


def route(environment: Mapping[str, str]) -> int:
    """Creates the routes that the transformed template gives the HTTP API, with their integrations:
    one a function, with the alias that is live."""
    stack = client("cloudformation", environment)
    ids = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in stack.describe_stack_resources(StackName=NAME)["StackResources"]
    }
    template = stack.get_template(StackName=NAME, TemplateStage="Processed")["TemplateBody"]
    body = template["Resources"]["Api"]["Properties"]["Body"]
    api = client("apigatewayv2", environment)
    integrations: dict[str, str] = {}
    routes = [
        (path if path == "$default" else f"{method.upper()} {path}", operation)
        for path, methods in body["paths"].items()
        for method, operation in methods.items()
    ]
    for key, operation in routes:
        asked = operation["x-amazon-apigateway-integration"]
        uri = asked["uri"]["Fn::Sub"]
        if uri not in integrations:
            made = api.create_integration(
                ApiId=ids["Api"],
                IntegrationType="AWS_PROXY",
                IntegrationUri=ids[uri.partition("functions/${")[2].partition("}")[0]],
                PayloadFormatVersion=asked["payloadFormatVersion"],
            )
            integrations[uri] = made["IntegrationId"]
        target = f"integrations/{integrations[uri]}"
        api.create_route(ApiId=ids["Api"], RouteKey=key, Target=target)
    return len(routes)


def tests(environment: Mapping[str, str], arguments: list[str]) -> int:
    say("visiting")
    which = "tests/stack" if environment else "tests/stack/test_journeys.py"
    command = [sys.executable, "-m", "pytest", "-m", "stack", which, "-rs", *arguments]
    told = {"FOYER_STACK": NAME} if environment else {}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment, **told}, check=False)
    if environment and done.returncode:
        keep_logs(environment)
    return done.returncode


def keep_logs(environment: Mapping[str, str]) -> None:
    logs = client("logs", environment)
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        with (HOME / f"{name.strip('/').replace('/', '-')}.log").open("w") as out:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                out.writelines(f"{event['message'].rstrip()}\n" for event in page["events"])


def remove(environment: Mapping[str, str]) -> None:
    say("removing the stack")
    stack = client("cloudformation", environment)
    stack.delete_stack(StackName=NAME)
    stack.get_waiter("stack_delete_complete").wait(
        StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": PATIENCE}
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
