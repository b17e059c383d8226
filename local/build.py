"""`make build`, after `sam build`: takes out what nobody reads on Lambda, adds bytecode, prints how
big everything is; fails where something is in it that should not be, or is larger than it may be.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from local.deployed import SHORT
from local.site import ROOT
from local.tables import table
from local.template import Template, load

BUILT = ROOT / ".aws-sam" / "build"
MB = 1_000_000
LAYERS_LIMIT = 60 * MB  # all layers together; AWS takes 250 MB with the function
FUNCTION_LIMIT = 1 * MB
POLICY_LIMIT = 18_000  # AWS takes 20 KB
ARM64 = (183).to_bytes(2, "little")  # EM_AARCH64
WHAT_IS_SAID = (ROOT / "template.yaml", ROOT / "samconfig.toml")
OURS_ALONE = {"local", "tests", "bench"}  # folders of this machine, never deployed


def main() -> int:
    built = yaml.safe_load((BUILT / "template.yaml").read_text(encoding="utf-8"))
    runtime = built["Globals"]["Function"]["Runtime"]
    layers = _artefacts(built, "AWS::Serverless::LayerVersion", "ContentUri")
    functions = _artefacts(built, "AWS::Serverless::Function", "CodeUri")
    interpreter = find_interpreter(runtime)
    for folder, where in _places(layers, functions):
        for words in folder.rglob("*.po"):  # for translators; what is read is the .mo beside it
            words.unlink()
        for bytecode in [*folder.rglob("__pycache__")]:  # of the Python that runs here
            shutil.rmtree(bytecode)
        if interpreter is not None:
            compile_bytecode(interpreter, folder, where)
    artefacts = layers | functions
    target = BUILT / "template.yaml"
    name = release(artefacts, *WHAT_IS_SAID)
    target.write_text(json.dumps(released(built, name)))
    sizes = {name: size(path) for name, path in artefacts.items()}
    template = load(ROOT / "template.yaml", {})
    policies = {name: policy_size(template, name) for name in functions}
    print(_shown(sizes, policies, layers))
    print(_about_bytecode(interpreter, runtime))
    print(f"Release {name[:SHORT]}, if it is deployed with samconfig.toml as it is now.")
    found = [
        *too_big({name: sizes[name] for name in layers}, sizes, policies),
        *strangers([*layers.values(), *functions.values()], runtime, interpreter is not None),
    ]
    for sentence in found:
        print(sentence, file=sys.stderr)
    return 1 if found else 0


def _artefacts(built: Mapping[str, Any], kind: str, uri: str) -> dict[str, Path]:
    return {
        name: BUILT / resource["Properties"][uri]
        for name, resource in built["Resources"].items()
        if resource["Type"] == kind
    }


def _places(
    layers: Mapping[str, Path], functions: Mapping[str, Path]
) -> Iterator[tuple[Path, str]]:
    """Each folder, and where Lambda lays it."""
    yield from ((folder, "/opt") for folder in layers.values())
    yield from ((folder, "/var/task") for folder in functions.values())


# ---- what makes a deploy a release ---------------------------------------------------------------


def release(artefacts: Mapping[str, Path], *more: Path) -> str:
    """A name for just this: another one where anything that is built, or a file of `more`, is."""
    known = hashlib.sha256()
    for name, folder in sorted(artefacts.items()):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            known.update(f"{name}/{path.relative_to(folder)}\n".encode())
            known.update(hashlib.sha256(path.read_bytes()).digest())
    for path in more:
        known.update(hashlib.sha256(path.read_bytes()).digest())
    return known.hexdigest()


def released(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The template, each function published as this release. By itself SAM publishes a function
    anew where its own folder has changed: a new layer, another parameter would never go live."""
    resources = {
        logical_id: {
            **resource,
            "Properties": {**resource["Properties"], "AutoPublishCodeSha256": name},
        }
        if resource["Type"] == "AWS::Serverless::Function"
        else resource
        for logical_id, resource in template["Resources"].items()
    }
    return {**template, "Resources": resources}


# ---- bytecode -----------------------------------------------------------------------------------


def find_interpreter(runtime: str) -> str | None:
    """A Python of the runtime's own minor version: on PATH or under pyenv."""
    name, minor = runtime, runtime.removeprefix("python")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [sys.executable, shutil.which(name)]
    candidates += map(str, sorted(pyenv.glob(f"{minor}*/bin/{name}")))
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, candidates):
        # pyenv puts stand-ins on PATH that end with an error where no version is chosen
        said = subprocess.run([candidate, "-c", ask], capture_output=True, text=True, check=False)
        if said.stdout.strip() == minor:
            return candidate
    return None


def compile_bytecode(interpreter: str, folder: Path, where: str) -> None:
    """Unchecked: a zip moves the times of files, and Python would not believe its own bytecode."""
    options = ["-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", where]
    subprocess.run([interpreter, "-m", "compileall", *options, str(folder)], check=True)


def _about_bytecode(interpreter: str | None, runtime: str) -> str:
    if interpreter is None:
        return (
            f"WITHOUT BYTECODE: no {runtime} was found on PATH or under pyenv. What is built "
            "works, but its cold starts take longer (make bench)."
        )
    return f"With bytecode of {runtime}, which Lambda uses as it is (unchecked-hash)."


# ---- limits -------------------------------------------------------------------------------------


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def policy_size(template: Template, function: str, stack: str = "s" * 40) -> int:
    """Bytes of a function's own policy: SAM writes one permission a route into it."""
    account = "123456789012"
    arn = f"arn:aws:lambda:eu-central-1:{account}:function:{stack}-{function}-ABCDEFGHIJKL"
    source = f"arn:aws:execute-api:eu-central-1:{account}:abcdefghij/*/"
    statements = [
        {
            "Sid": f"{stack}-{function}{'E' * 24}Permission-ABCDEFGHIJKL",
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": arn,
            "Condition": {
                "ArnLike": {
                    "AWS:SourceArn": source + re.sub(r"{\w+}", "*", f"{route.method}{route.path}")
                }
            },
        }
        for route in template.routes
        if route.function == function
    ]
    return len(json.dumps(statements, separators=(",", ":")))


def too_big(
    layers: Mapping[str, int], sizes: Mapping[str, int], policies: Mapping[str, int]
) -> list[str]:
    """A sentence for everything that is larger than it may be."""
    found = []
    if (together := sum(layers.values())) > LAYERS_LIMIT:
        found.append(f"The layers have {_mb(together)} together; {_mb(LAYERS_LIMIT)} are allowed.")
    for name, policy in policies.items():
        if sizes[name] > FUNCTION_LIMIT:
            found.append(f"{name} has {_mb(sizes[name])}; {_mb(FUNCTION_LIMIT)} is allowed.")
        if policy >= POLICY_LIMIT:
            found.append(f"{name} has a policy of {policy} bytes; under {POLICY_LIMIT} is allowed.")
    return found


def strangers(folders: list[Path], runtime: str, compiled: bool) -> Iterator[str]:
    """A sentence for everything that is not to be deployed."""
    tag = f".{runtime.replace('python', 'cpython-').replace('.', '')}.pyc"
    for folder in folders:
        inside = sorted(folder.rglob("*"))
        for path in inside:
            if path.is_dir() and path.name in OURS_ALONE:
                yield f"{folder.name}/{path.relative_to(folder)} must not be deployed."
        for path in inside:
            if path.suffix == ".so" and _machine(path) != ARM64:
                yield f"{folder.name}/{path.relative_to(folder)} is no machine code of arm64."
        bytecode = [path.name for path in inside if path.suffix == ".pyc"]
        if foreign := [name for name in bytecode if not (compiled and name.endswith(tag))]:
            yield f"{folder.name} has bytecode of another Python: {', '.join(foreign[:3])}"


def _machine(library: Path) -> bytes:
    """ELF's e_machine, low byte first."""
    with library.open("rb") as read:
        return read.read(20)[18:]


# ---- what is printed ----------------------------------------------------------------------------


def _mb(size: int) -> str:
    return f"{size / MB:.2f} MB"


def _shown(
    sizes: Mapping[str, int], policies: Mapping[str, int], layers: Mapping[str, Path]
) -> str:
    rows = [[name, _mb(size), policies.get(name, "")] for name, size in sorted(sizes.items())]
    rows.append(["all layers", _mb(sum(sizes[name] for name in layers)), ""])
    limits = ["at most", f"{_mb(LAYERS_LIMIT)}, a function {_mb(FUNCTION_LIMIT)}", POLICY_LIMIT]
    head = ["what is deployed", "unzipped", "policy, bytes"]
    return table(f"Built in {BUILT.relative_to(ROOT)}, for arm64", head, [*rows, limits])


if __name__ == "__main__":
    sys.exit(main())
