"""The house's own rules: which way things point, what the template promises, what is current."""

import ast
import json
import re
import runpy
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import meta

from foyer.settings import _HOST, WRITTEN
from local import build, openapi, site, translations
from local.site import ROOT
from local.template import _Loader, load
from tests.schemas import FOLDER, schemas

LAYER = ROOT / "layers/foyer/foyer"
TEMPLATE = load(ROOT / "template.yaml", {})
RAW = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)  # noqa: S506

# Each may import those before it (house.md, section 2).
MAY = {
    "rules": {"rules"},
    "credentials": set(),
    "clock": set(),
    "settings": set(),
    "storage": {"rules", "credentials", "settings", "storage"},
    "passwords": set(),
    "operations": {"rules", "credentials", "passwords", "settings", "storage", "operations"},
    "web": {"rules", "credentials", "settings", "storage", "operations", "web"},
}
SDK = {"boto3", "botocore"}


def sources(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(LAYER).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(sources(LAYER)), ids=lambda p: str(p.relative_to(LAYER)))
def test_things_point_one_way(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        return
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("foyer.")}
    assert ours <= MAY[part], f"{part} must not import {ours - MAY[part]}"
    assert not {name for name in imports(path) if name.split(".")[0] in {"local", "functions"}}
    outside = {name.split(".")[0] for name in imports(path)}
    if part != "storage":
        assert not outside & SDK, "only storage/ knows AWS"
    if part == "rules":
        assert not outside & {"pydantic", "time", "datetime", "random", "secrets", "os"}


@pytest.mark.parametrize("path", sorted(sources(ROOT / "functions")), ids=str)
def test_functions_import_the_layer_and_their_own_package(path: Path) -> None:
    """Nobody else's, and a package does not import its handler."""
    names = imports(path)
    function = path.relative_to(ROOT / "functions").parts[0]
    packages = own_packages()
    foreign = {name for name, owners in packages.items() if owners != [function]}
    foreign |= {"local", "functions", "tests", "app"}
    assert not {name for name in names if name.split(".")[0] in foreign}
    if function != "mailer":  # the one that sends
        assert not {name for name in names if name.split(".")[0] in SDK}


def own_packages() -> dict[str, list[str]]:
    """The packages beside handlers, and whose they are."""
    packages: dict[str, list[str]] = {}
    for path in sorted((ROOT / "functions").glob("*/*/__init__.py")):
        packages.setdefault(path.parent.name, []).append(path.parent.parent.name)
    return packages


def test_every_package_of_a_function_is_known_here_as_on_lambda() -> None:
    """All functions share one process here: their packages need names of their own, a place on
    the path, and to be forgotten when they change."""
    for name, owners in own_packages().items():
        assert len(owners) == 1, f"{name} is in {owners}"
        assert name in site.OURS
        assert str(ROOT / "functions" / owners[0]) in site.PATH


def test_keys_are_spelled_in_one_place() -> None:
    spelled = re.compile(
        r'f?"(USER|CLAIM|EMAIL|CODE|GALLERY|PRODUCT|ORG|OUTBOX|LIMIT|KEY|GUEST|ROLE|MEMBERS|STAFF|'
        r"DIGEST|AUDIT|CONSENT|LINK|RECEIPT|GRANTS?|SELECTION|SUBMITTED|REQUEST|GALLERIES|"
        r"PRODUCTS(_BY)?)#"
    )
    strangers = {
        str(path.relative_to(ROOT)): found
        for path in [*sources(LAYER), *sources(ROOT / "functions")]
        if path.name != "keys.py" and (found := spelled.findall(path.read_text()))
    }
    allowed = {"storage/catalogue.py"}  # reads one back
    assert {name for name in strangers if name.split("foyer/foyer/")[-1] not in allowed} == set()


def test_the_clock_is_read_in_one_place() -> None:
    reading = re.compile(r"\btime\.time\(|\.now\(\)|utcnow|perf_counter|monotonic")
    for path in [*sources(LAYER), *sources(ROOT / "functions")]:
        text = path.read_text().replace("clock.now()", "")
        assert path.name == "clock.py" or not reading.search(text), path


# ---- the template ------------------------------------------------------------------------------


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in RAW["Resources"].items():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy["Statement"]:
                yield name, statement


def test_r49_policies_name_exact_actions_and_resources() -> None:
    seen = 0
    for name, statement in statements():
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        for action in actions:
            assert re.fullmatch(r"[a-z]+:[A-Z]\w+", action), (name, action)
            assert "Scan" not in action
            assert not action.startswith(("ses:", "events:")) or name == "MailerFunction"
        listed = statement["Resource"]
        always = [r for r in listed if "Fn::If" not in r] if isinstance(listed, list) else listed
        assert "*" not in json.dumps(always), name
        seen += 1
    assert seen >= 8


def test_each_functions_own_policy_has_room_for_its_routes() -> None:
    """SAM writes one permission a route into it, and it ends at 20 KB: under 18 with a stack name
    of 40 letters (house.md, section 5)."""
    for name in TEMPLATE.functions:
        size = build.policy_size(TEMPLATE, name)
        assert size < build.POLICY_LIMIT, f"{name}: {size} bytes"
    assert build.policy_size(TEMPLATE, "StudioFunction") > 10_000


def test_the_build_keeps_the_sdks_data_of_every_client_there_is() -> None:
    trim = runpy.run_path(str(ROOT / "layers/dependencies/trim.py"))
    asked = {
        service
        for path in [*sources(LAYER), *sources(ROOT / "functions")]
        for service in re.findall(r'\bcreate_client\(\s*"(\w+)"', path.read_text())
    }
    assert set(trim["SERVICES"]) == asked


def test_the_mailer_may_send_raw_mail_as_the_site_alone() -> None:
    """SESv2's SendEmail of a raw mail is authorised as SendRawEmail; moto checks neither."""
    (statement,) = [s for _, s in statements() if s["Sid"] == "SendAsTheSite"]
    assert statement["Action"] == ["ses:SendEmail", "ses:SendRawEmail"]
    assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "SenderAddress"}}}
    address, domain, sandbox, configuration = statement["Resource"]
    assert address["Fn::Sub"].endswith(":identity/${SenderAddress}")
    assert domain["Fn::Sub"][1] == {
        "Domain": {"Fn::Select": [1, {"Fn::Split": ["@", {"Ref": "SenderAddress"}]}]}
    }
    assert configuration["Fn::Sub"].endswith(":configuration-set/${MailConfiguration}")
    condition, every, nothing = sandbox["Fn::If"]
    assert (condition, nothing) == ("IsSandbox", {"Ref": "AWS::NoValue"})
    assert every["Fn::Sub"].endswith(":identity/*")
    assert RAW["Parameters"]["SesSandbox"]["Default"] == "no"


def test_the_mailer_may_publish_on_the_sites_bus_alone() -> None:
    (statement,) = [s for _, s in statements() if s["Sid"] == "PublishOnTheSitesBus"]
    assert statement["Action"] == "events:PutEvents"
    assert statement["Resource"] == {"Fn::GetAtt": ["EventBus", "Arn"]}
    variables = RAW["Resources"]["MailerFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["EVENT_BUS"] == {"Ref": "EventBus"}
    assert RAW["Outputs"]["EventBusName"]["Value"] == {"Ref": "EventBus"}


def test_every_function_has_its_folder_and_every_folder_its_function() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {f.folder for f in TEMPLATE.functions.values()} == {f"functions/{n}" for n in folders}


def test_the_routes_of_the_template_are_those_of_the_functions() -> None:
    """Read from the OpenAPI document, which is made from the functions."""
    document = json.loads(openapi.TARGET.read_text())
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        if path.startswith("/v1/")
        for method in operations
    }
    routed = {(route.method, route.path) for route in TEMPLATE.routes}
    heads = {(method, path) for method, path in routed if method == "HEAD"}
    assert routed - heads == described
    assert heads == {("HEAD", path) for method, path in described if method == "GET"}
    assert TEMPLATE.functions[TEMPLATE.default].folder == "functions/pages"


def test_the_outbox_mapping_is_as_the_house_says() -> None:
    (trigger,) = TEMPLATE.streams
    expected = {
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 5,
        "MaximumRecordAgeInSeconds": 3600,
    }
    assert expected.items() <= trigger.properties.items()
    assert trigger.properties["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    schedules = {schedule.function: schedule.seconds for schedule in TEMPLATE.schedules}
    assert schedules == {trigger.function: 900, "CleanupFunction": 900}


def test_the_table_has_what_the_house_says() -> None:
    table = RAW["Resources"]["Table"]["Properties"]
    assert {index["IndexName"]: index["Projection"]["ProjectionType"]
            for index in table["GlobalSecondaryIndexes"]} == {
        "listing": "ALL",
        "due": "KEYS_ONLY",
    }  # fmt: skip
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["StreamSpecification"]
    secrets = [n for n, r in RAW["Resources"].items() if r["Type"] == "AWS::SecretsManager::Secret"]
    assert sorted(secrets) == ["LinksSecret", "SiteSecret"]


def test_nothing_local_is_deployed() -> None:
    deployed = {f.folder for f in TEMPLATE.functions.values()}
    deployed |= {
        str(r["Properties"]["ContentUri"]).strip("/")
        for r in RAW["Resources"].values()
        if r["Type"] == "AWS::Serverless::LayerVersion"
    }
    assert not any(folder.split("/")[0] in {"local", "tests", "events"} for folder in deployed)


# ---- events ------------------------------------------------------------------------------------


def emitted() -> Iterator[str]:
    """What `happened(…)` is called with, "*" for a part that is only known then."""
    for path in [*sources(LAYER), *sources(ROOT / "functions")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and "happened" in ast.unparse(node.func).split("."):
                yield _kind(node.args[0], path)


def _kind(said: ast.expr, path: Path) -> str:
    parts = said.values if isinstance(said, ast.JoinedStr) else [said]
    texts = [part.value if isinstance(part, ast.Constant) else "*" for part in parts]
    kind = "".join(str(text) for text in texts)
    assert re.fullmatch(r"[a-z]+\.([a-z]+|\*)", kind), f"{path}: say the kind where it happens"
    return kind


def test_every_event_has_its_schema_and_every_schema_its_event() -> None:
    kinds = set(emitted())
    assert [kind for kind in kinds if not any(fnmatch(name, kind) for name in schemas())] == []
    assert [name for name in schemas() if not any(fnmatch(name, kind) for kind in kinds)] == []


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and every one within it."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(inner, dict | list):
            yield from nodes(inner)


CONTACTS = """email mail name phone company address contact note reason city region postal_code
line1 line2 ip browser"""
PERSONAL = ("nina@example.com", "Nina Berg", "+34 600 123 456", "Calle Mayor 1", "Zoë")


@pytest.mark.parametrize("kind", sorted(schemas()))
def test_a_schema_is_strict_and_has_no_room_for_a_personal_datum(kind: str) -> None:
    schema = schemas()[kind]
    assert meta.is_valid(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == schema["properties"]["type"]["const"] == kind
    for node in nodes(schema):
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
            assert not node["properties"].keys() & set(CONTACTS.split())
        if "string" in node.get("type", []):
            assert not any(re.search(node["pattern"], datum) for datum in PERSONAL), node


def test_the_events_of_an_order_differ_in_its_status_alone() -> None:
    def plain(status: str) -> Any:
        schema = dict(schemas()[f"order.{status}"])
        assert schema["properties"]["status"] == {"const": status}
        text = json.dumps({k: v for k, v in schema.items() if k != "description"})
        return text.replace(f"order.{status}", "").replace(f'"{status}"', "")

    assert len({plain(s) for s in ("placed", "confirmed", "fulfilled", "cancelled")}) == 1


def test_the_table_of_events_is_whole() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z.]+)` \|", readme, re.M)) == schemas().keys()


# ---- what must be current ----------------------------------------------------------------------


def test_the_openapi_document_is_current() -> None:
    assert openapi.TARGET.read_text(encoding="utf-8") == openapi.document(), "make openapi"


def test_every_word_is_translated_and_compiled() -> None:
    assert list(translations.missing()) == [], "make translations"


def test_every_pin_is_the_one_of_pyproject() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    runtime = project["project"]["dependencies"]
    for file, wanted in (
        ("layers/dependencies/requirements.txt", runtime),
        ("requirements-run.txt", [*runtime, *groups["run"]]),
        ("requirements-dev.txt", [*runtime, *groups["run"], *groups["dev"]]),
        ("requirements-bench.txt", [*runtime, *groups["bench"]]),
        ("requirements-sam.txt", groups["sam"]),
    ):
        text = (ROOT / file).read_text()
        pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.M))
        for pin in wanted:
            if isinstance(pin, str):
                name, version = re.sub(r"\[.*\]", "", pin).split("==")
                assert pinned.get(name.lower()) == version, (file, pin)
        assert "http" not in text, f"{file} names a host"


def test_the_layer_holds_only_what_functions_need() -> None:
    names = re.findall(
        r"^([\w.-]+)==", (ROOT / "layers/dependencies/requirements.txt").read_text(), re.M
    )
    assert not {"moto", "pytest", "babel", "werkzeug", "pyyaml", "watchfiles"} & set(names)


def test_every_command_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`make ([a-z-]+)", readme)) | set(
        re.findall(r"^make ([a-z-]+)", readme, re.M)
    )
    assert {"run", "test", "check", "browser"} <= named <= known


def test_ci_calls_the_commands_of_the_readme_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^make ([a-z-]+)$", (ROOT / ".ci/run").read_text(), re.M)
    assert "test" in commands
    assert all(f"make {command}" in readme for command in commands)


def test_make_alone_prints_help() -> None:
    run = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make run" in run.stdout
    assert "make test" in run.stdout


# ---- what an operator relies on ------------------------------------------------------------------


def test_every_parameter_says_what_it_is_and_takes_nothing_else() -> None:
    for name, parameter in RAW["Parameters"].items():
        assert len(parameter["Description"]) > 20, name
        assert "Default" in parameter, name
        known = {"AllowedPattern", "AllowedValues", "MaxLength", "MaxValue"}
        assert known & parameter.keys(), name


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://accounts.example.com", True),
        ("http://localhost:8000", True),
        ("https://accounts.example.com/", False),
        ("https://Accounts.example.com", False),
        ("http://accounts.example.com", False),
        ("https://abcdefghij.execute-api.eu-west-1.amazonaws.com", False),
    ],
)
def test_an_execute_api_host_is_no_address_of_a_site(url: str, good: bool) -> None:
    """It is another site to every page of yours: browsers keep its cookies from them."""
    parameter = RAW["Parameters"]["SiteUrl"]
    assert bool(re.fullmatch(parameter["AllowedPattern"], url)) is good
    assert "execute-api" in parameter["ConstraintDescription"]
    assert _HOST.pattern in parameter["AllowedPattern"]  # what functions start with


def test_the_template_takes_the_languages_there_are_words_in() -> None:
    known = "|".join(WRITTEN)
    assert RAW["Parameters"]["Locales"]["AllowedPattern"] == f"^({known})(,({known}))*$"
    for folder in ("functions/pages", "functions/mailer", "layers/foyer/foyer/web"):
        found = {path.name for path in (ROOT / folder / "locales").iterdir() if path.is_dir()}
        assert found | {"en"} == set(WRITTEN), folder


def test_the_log_of_access_tells_of_no_path_query_cookie_or_address() -> None:
    settings = RAW["Resources"]["Api"]["Properties"]["AccessLogSettings"]
    told = set(re.findall(r"\$context\.([\w.]+)", settings["Format"]))
    assert json.loads(settings["Format"]).keys() >= {"request", "route", "status", "ms"}
    assert told <= {
        "requestId",
        "requestTime",
        "routeKey",
        "status",
        "responseLength",
        "responseLatency",
        "integrationStatus",
        "error.message",
    }


def test_what_is_throttled_by_itself_is_a_route() -> None:
    settings = RAW["Resources"]["Api"]["Properties"]["RouteSettings"]
    assert settings.keys() <= {route.key for route in TEMPLATE.routes}
    default = RAW["Resources"]["Api"]["Properties"]["DefaultRouteSettings"]
    assert default["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    for own in settings.values():
        assert own["ThrottlingRateLimit"] < RAW["Parameters"]["RequestsPerSecond"]["MinValue"]


def test_only_production_outlives_its_stack() -> None:
    for answer, kept in (("yes", "Retain"), ("no", "Delete")):
        table = load(ROOT / "template.yaml", {"Production": answer}).resources["Table"]
        assert table["DeletionProtectionEnabled"] is (answer == "yes")
        recovery = table["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is (answer == "yes")
        for name in ("Table", "LinksSecret", "SiteSecret"):  # the table says little without them
            assert kept in RAW["Resources"][name]["DeletionPolicy"]["Fn::If"]
            assert kept in RAW["Resources"][name]["UpdateReplacePolicy"]["Fn::If"]
    assert RAW["Parameters"]["Production"]["Default"] == "yes"


def test_what_names_an_export_has_the_table_made_of_it_and_nothing_else_does() -> None:
    where = {"RestoreBucket": "exports", "RestorePrefix": "AWSDynamoDB/1-a/data/"}
    assert "ImportSourceSpecification" not in TEMPLATE.resources["Table"]
    restored = dict(load(ROOT / "template.yaml", where).resources["Table"])
    assert restored.pop("ImportSourceSpecification") == {
        "InputFormat": "DYNAMODB_JSON",
        "InputCompressionType": "GZIP",
        "S3BucketSource": {"S3Bucket": "exports", "S3KeyPrefix": "AWSDynamoDB/1-a/data/"},
    }
    assert restored == TEMPLATE.resources["Table"]


def test_the_readme_tells_an_operator_of_every_alarm_and_parameter() -> None:
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    alarms = {n for n, r in RAW["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    rows = re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)
    assert alarms <= set(rows)
    assert set(rows) - alarms == set(), "an alarm that is none"
    for name in RAW["Parameters"]:
        assert f"`{name}`" in told, name


def test_what_samconfig_shows_can_be_deployed() -> None:
    """SAM ends a value at a space, unless it has quotes of its own."""
    shown = re.findall(
        r'^#     "(\w+)=(.*)",$', (ROOT / "samconfig.toml").read_text(), re.MULTILINE
    )
    assert len(shown) >= 5
    for name, value in shown:
        assert " " not in value or value.startswith("'"), name
        pattern = RAW["Parameters"][name].get("AllowedPattern", ".*")
        real = value.strip("'").replace(":…:", ":123456789012:").replace("…", "abc")
        assert re.fullmatch(pattern, real), name


def test_two_stacks_of_one_account_share_no_metric() -> None:
    shared = RAW["Globals"]["Function"]["Environment"]["Variables"]
    assert shared["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    ours = [
        resource["Properties"]["Dimensions"]
        for resource in RAW["Resources"].values()
        if resource.get("Properties", {}).get("Namespace") == "Foyer"
    ]
    assert len(ours) >= 4
    assert all(d == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}] for d in ours)


def test_every_alarm_tells_somebody_and_every_trigger_has_its_dead_letters() -> None:
    alarms = {n: r for n, r in RAW["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert len(alarms) >= 10
    for name, alarm in alarms.items():
        tells = {"Fn::If": ["HasAlarmMail", [{"Ref": "Alarms"}], {"Ref": "AWS::NoValue"}]}
        assert alarm["Properties"]["AlarmActions"] == tells, name
        assert alarm["Properties"]["OKActions"] == tells, name
        told = "breaching" if name == "ScheduleStands" else "notBreaching"
        assert alarm["Properties"]["TreatMissingData"] == told, name
    for name, resource in RAW["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] != "HttpApi":
                assert {"DeadLetterConfig", "DestinationConfig"} & event["Properties"].keys(), name
            if event["Type"] == "ScheduleV2":
                assert event["Properties"]["RetryPolicy"].keys() == {
                    "MaximumRetryAttempts",
                    "MaximumEventAgeInSeconds",
                }
