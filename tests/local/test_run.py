"""`make run`, as a process: it serves, reloads, fails in one sentence, ends cleanly."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from local.site import ROOT

COPIED = ("functions", "layers", "local", "template.yaml", "Makefile", "requirements-run.txt")
PATIENCE = 30  # seconds a step may take on a slow machine


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project in a folder of its own, so that a test may change it."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=folder,
            env={**os.environ, "PORT": str(self.port), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self._lines.put(line)

    def until(self, words: str) -> str:
        """Waits until it says a line with these words."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"never said {words!r}: {''.join(self.said)}") from None
            self.said.append(line)
            if words in line:
                return line

    def fetch(self, path: str, body: Any = None, cookie: str = "") -> tuple[Any, str]:
        headers = {"Sec-Fetch-Site": "same-origin", "Cookie": cookie}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(
            f"http://localhost:{self.port}{path}", data=data, headers=headers
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - ours
            text = answer.read().decode()
            crumb = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
        return (json.loads(text) if text.startswith(("{", "[")) else text), crumb


@pytest.fixture
def running(copy: Path) -> Iterator[tuple[Running, Path]]:
    site = Running(copy)
    try:
        site.until("Ctrl-C ends it all")
        yield site, copy
    finally:
        site.process.kill()
        site.process.wait()


def test_it_serves_logs_reloads_without_losing_data_and_ends_on_ctrl_c(
    running: tuple[Running, Path],
) -> None:
    site, folder = running
    assert f"http://localhost:{site.port}" in site.said[0]
    assert "Studio Ana" in site.fetch("/")[0]
    mailed = {mail["to"] for mail in site.fetch("/_dev/mail.json")[0]}
    assert mailed == {"admin@studio.example.com", "carla@example.com", "nina@example.com"}
    cart, cookie = site.fetch("/v1/cart/lines", {"product_id": "voucher", "quantity": 2})
    line = site.until("/v1/cart/lines")
    assert line.startswith("201 POST")
    for word in (" ms ", "3 calls", "read", "written"):
        assert word in line
    assert len(line.split()[-1]) == 36  # the request's id

    page = folder / "functions/pages/templates/home.html"
    page.write_text(page.read_text().replace("<h1>", "<h1>Renamed: "))
    app = folder / "functions/session/app.py"
    app.write_text(app.read_text().replace("max-age=300", "max-age=301"))
    site.until("reloading:")
    eventually(lambda: "Renamed: " in site.fetch("/")[0])
    assert site.fetch("/v1/cart", cookie=cookie)[0] == cart

    template = folder / "template.yaml"
    good = template.read_text()
    for broken in (
        good.replace("functions/cart/", "functions/kart/"),
        good.replace("KeyType: RANGE", "KeyType: HASH"),
    ):
        save_as_editors_do(template, broken)
        site.until("The site goes on as it was.")
        assert site.fetch("/v1/cart", cookie=cookie)[0] == cart
    save_as_editors_do(template, good.replace("Path: /v1/store }", "Path: /v1/shop }"))
    site.until("reloading: template.yaml")
    eventually(lambda: site.fetch("/v1/cart", cookie=cookie)[0] == cart)

    site.process.send_signal(signal.SIGINT)
    site.until("Closed.")
    assert site.process.wait(timeout=PATIENCE) == 0
    assert "Traceback" not in "".join(site.said)


def save_as_editors_do(path: Path, text: str) -> None:
    """By renaming: the file that was watched is gone."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_code_that_does_not_load_is_said_and_mended_by_the_next_save(
    running: tuple[Running, Path],
) -> None:
    site, folder = running
    app = folder / "functions/session/app.py"
    good = app.read_text()
    app.write_text(good + "\nthis is no python\n")
    site.until("reloading:")
    with pytest.raises(urllib.error.HTTPError) as failed:
        site.fetch("/v1/session")
    assert failed.value.code == 500
    failed.value.close()
    assert site.fetch("/v1/cart")[0]["lines"] == []  # the others go on
    app.write_text(good)
    site.until("reloading:")
    eventually(lambda: site.fetch("/v1/store")[0]["name"] == "Studio Ana")


def test_the_clock_can_be_moved(running: tuple[Running, Path]) -> None:
    site, _ = running
    before = time.time()
    answer, _ = site.fetch("/_dev/clock", {"advance": 86_400})
    assert answer["now"] >= before + 86_400 - 1


def fails(folder: Path, *command: str, **env: str) -> str:
    run = subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True,
        timeout=PATIENCE,
    )  # fmt: skip
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    return run.stdout + run.stderr


RUN = (sys.executable, "-m", "local")


def test_a_port_that_is_taken_is_one_clear_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = fails(ROOT, *RUN, PORT=str(port))
    assert said == f"Port {port} is taken. Choose another: make run PORT={port + 1}\n"


@pytest.mark.parametrize("port", ["", "x", "0", "70000", "-1", "٣"])
def test_a_port_that_is_none_is_one_clear_sentence(port: str) -> None:
    assert "must be a number from 1 to 65535" in fails(ROOT, *RUN, PORT=port)


def test_a_broken_template_is_one_clear_sentence(copy: Path) -> None:
    (copy / "template.yaml").write_text("Resources: [")
    said = fails(copy, *RUN, PORT=str(free_port()))
    assert said.startswith("template.yaml, line 1 is no YAML: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("template.yaml", "AttributeName: pk", "AttributeNam: pk", "template.yaml: Parameter"),
        ("layers/foyer/foyer/rules/policy.toml", "lines = ", "linez = ", "unknown key carts.linez"),
    ],
)
def test_what_cannot_be_started_is_one_clear_sentence(
    copy: Path, file: str, before: str, after: str, said: str
) -> None:
    path = copy / file
    path.write_text(path.read_text().replace(before, after))
    sentence = fails(copy, *RUN, PORT=str(free_port()))
    assert said in sentence
    assert sentence.count("\n") == 1


def test_a_python_that_is_too_old_is_one_clear_sentence(copy: Path) -> None:
    old = copy / "old-python"
    old.write_text('#!/bin/sh\ntest "$1" = -V && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    said = fails(copy, "make", "run", f"PYTHON={old}")
    assert f"Foyer needs Python 3.11 or later; {old} is Python 3.9.2." in said
    assert not (copy / ".venv").exists()
