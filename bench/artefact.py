"""What Lambda would have on its disk, laid out here for the Python that measures: once as pip and
SAM leave it, once with bytecode as `make build` adds it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.build import compile_bytecode
from local.site import ROOT
from local.template import load

PLACE = ROOT / ".aws-sam" / "bench"
RIVALS = ROOT / "bench" / "rivals"
TYPICAL = "TYPICAL"  # with botocore as pip installs it
TRIMMED = "TYPICAL, botocore as ours"
RESOLVER = "Powertools alone, validating"
HANDLERS = {TYPICAL: "typical", TRIMMED: "typical", RESOLVER: "resolver"}  # in bench/rivals/
# What Lambda sets, as far as anybody looks at it. No network is used: the keys are nobody's.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
}


def base_python() -> str:
    """The Python of the rivals' environment, without that environment: all are measured by it."""
    return _asked(str(ROOT / ".venv-bench" / "bin" / "python"), "sys._base_executable")


def version(artefact: "Artefact") -> str:
    return _asked(artefact.python, "sys.version.split()[0]")


def _asked(python: str, what: str) -> str:
    command = [python, "-c", f"import sys; print({what})"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Artefact:
    """One layout."""

    folder: Path
    python: str

    @property
    def functions(self) -> list[str]:
        """Ours."""
        return sorted(load(ROOT / "template.yaml", {}).functions)

    def command(self, function: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """How a Python is started in it, and the environment it then has."""
        environment, packages = dict(ENVIRONMENT), [self.folder / "opt" / "python"]
        if function in HANDLERS:
            packages.append(self.folder / "opt" / "rivals")
            if function == TYPICAL:
                environment["AWS_DATA_PATH"] = str(_rivals_packages() / "botocore" / "data")
        else:
            template = load(ROOT / "template.yaml", {})
            environment |= {n: str(v) for n, v in template.functions[function].environment.items()}
        task = self.folder / "task" / HANDLERS.get(function, function)
        environment["PYTHONPATH"] = os.pathsep.join(map(str, [task, *packages, ROOT]))
        return [self.python, "-s", "-S", *arguments], environment


def lay_out() -> tuple[Artefact, Artefact]:
    """Without bytecode, and with it."""
    python = base_python()
    plain, compiled = (Artefact(PLACE / name, python) for name in ("plain", "bytecode"))
    shutil.rmtree(PLACE, ignore_errors=True)
    opt = plain.folder / "opt"
    for layer, target in (("dependencies", "DependenciesLayer"), ("foyer", "FoyerLayer")):
        made = [
            "make",
            "-s",
            f"build-{target}",
            f"ARTIFACTS_DIR={opt}",
            "PLATFORM=",
            f"PYTHON={python}",
        ]
        subprocess.run(made, cwd=ROOT / "layers" / layer, check=True, stdout=sys.stderr)
    for function in load(ROOT / "template.yaml", {}).functions.values():
        _copy(ROOT / function.folder, plain.folder / "task" / function.name)
    _lay_rivals(plain.folder)
    shutil.copytree(plain.folder, compiled.folder)
    compile_bytecode(python, compiled.folder, "/")
    return plain, compiled


def _lay_rivals(folder: Path) -> None:
    """Their handlers, boto3, and the tracer's own SDK: Foyer does without both."""
    for handler in set(HANDLERS.values()):
        (folder / "task" / handler).mkdir()
        shutil.copy(RIVALS / f"{handler}.py", folder / "task" / handler / "app.py")
    for name in ("aws_xray_sdk", "boto3", "s3transfer", "wrapt"):
        _copy(_rivals_packages() / name, folder / "opt" / "rivals" / name)


def _rivals_packages() -> Path:
    (packages,) = (ROOT / ".venv-bench" / "lib").glob("python*/site-packages")
    return packages


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.po"))
