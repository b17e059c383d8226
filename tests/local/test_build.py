"""What `make build` looks at, on folders made up here; it looks at the real ones itself."""

import sys
from pathlib import Path

from local import build
from local.site import ROOT
from local.tables import table
from local.template import load

MB = build.MB


def test_what_is_too_big_is_named() -> None:
    fits = build.too_big({"A": 30 * MB, "B": 30 * MB}, {"F": MB}, {"F": 17_999})
    assert fits == []
    found = build.too_big(
        {"A": 30 * MB, "B": 31 * MB}, {"F": MB + 1, "G": 9}, {"F": 2, "G": 18_000}
    )
    assert found == [
        "The layers have 61.00 MB together; 60.00 MB are allowed.",
        "F has 1.00 MB; 1.00 MB is allowed.",
        "G has a policy of 18000 bytes; under 18000 is allowed.",
    ]


def test_what_is_not_to_be_deployed_is_named(tmp_path: Path) -> None:
    layer = tmp_path / "Layer"
    for name in ("a.cpython-313.pyc", "b.cpython-311.pyc", "tests/test_a.py"):
        (layer / name).parent.mkdir(parents=True, exist_ok=True)
        (layer / name).write_bytes(b"")
    tests, bytecode = "Layer/tests must not be deployed.", "Layer has bytecode of another Python: "
    assert list(build.strangers([layer], "python3.13", compiled=True)) == [
        tests,
        bytecode + "b.cpython-311.pyc",
    ]
    assert list(build.strangers([layer], "python3.13", compiled=False)) == [
        tests,
        bytecode + "a.cpython-313.pyc, b.cpython-311.pyc",
    ]


def test_machine_code_of_another_machine_is_not_deployed(tmp_path: Path) -> None:
    for name, machine in (("ours.so", 183), ("theirs.so", 62)):
        (tmp_path / name).write_bytes(b"\x7fELF".ljust(18, b"\0") + machine.to_bytes(2, "little"))
    (said,) = build.strangers([tmp_path], "python3.13", compiled=True)
    assert said == f"{tmp_path.name}/theirs.so is no machine code of arm64."


def test_bytecode_is_believed_whatever_the_times_of_its_source(tmp_path: Path) -> None:
    """And says nothing of the machine that made it."""
    (tmp_path / "a.py").write_text("x = 1\n")
    build.compile_bytecode(sys.executable, tmp_path, "/opt")
    (made,) = tmp_path.glob("__pycache__/*.pyc")
    assert made.read_bytes()[4:8] == b"\x01\x00\x00\x00"  # hashed, and never checked (PEP 552)
    assert str(tmp_path).encode() not in made.read_bytes()


def test_whatever_changes_makes_another_release(tmp_path: Path) -> None:
    """SAM would publish a function for a change of its own folder alone."""
    layer, said = tmp_path / "layer", tmp_path / "samconfig.toml"
    layer.mkdir()
    (layer / "a.py").write_text("x = 1\n")
    said.write_text("")
    names = [build.release({"Layer": layer}, said)]
    assert build.release({"Layer": layer}, said) == names[0]
    (layer / "a.py").write_text("x = 2\n")
    names.append(build.release({"Layer": layer}, said))
    said.write_text("parameter_overrides = []\n")
    names.append(build.release({"Layer": layer}, said))
    (layer / "a.py").rename(layer / "b.py")
    names.append(build.release({"Layer": layer}, said))
    assert len(set(names)) == 4


def test_a_release_publishes_every_function_anew() -> None:
    template = load(ROOT / "template.yaml", {})
    raw = {n: {"Type": t, "Properties": {}} for n, t in template.types.items()}
    made = build.released({"Resources": raw}, "a" * 64)["Resources"]
    published = {n for n, r in made.items() if r["Properties"].get("AutoPublishCodeSha256")}
    assert published == template.functions.keys()


def test_a_python_that_is_not_there_is_not_found() -> None:
    assert build.find_interpreter("python3.99") is None


def test_a_table_stands_in_columns() -> None:
    assert table("Costs", ["use", "calls"], [["a", 1], ["longer", 100]]).splitlines() == [
        "Costs",
        "",
        "use     calls",
        "------  -----",
        "a           1",
        "longer    100",
    ]
