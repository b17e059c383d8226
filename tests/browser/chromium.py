"""Debian's Chromium without windows, and what is wrong with a page as it stands. With PICTURES=1
its pictures land in screenshots/, to be looked at."""

import itertools
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from local.gateway import Gateway
from local.site import ROOT, Site

CHROMIUM = "/usr/bin/chromium-headless-shell"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
LANGUAGES = {"en": "en-GB", "fr": "fr-FR", "es": "es-ES"}
EVERY_LOOK = list(itertools.product(LANGUAGES, (320, 1280), ("light", "dark")))
# Of pages that take long to come to: all languages, both widths, both schemes, not every mixture.
LOOKS = [
    ("en", 320, "light"),
    ("fr", 1280, "dark"),
    ("es", 320, "dark"),
]


# Of an order: its letters are chance, what fits must not be.
WIDEST_NUMBERS = """() => document.querySelectorAll('.number').forEach(
    e => { e.textContent = e.textContent.replace(/-\\w{4}-\\w{4}$/, '-MMMM-MMMM'); })"""


@dataclass
class Place:
    url: str
    site: Site


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    url = f"http://localhost:{server.port}"
    with Site(url, clock=lambda: 1_795_334_400.0, stopwatch=lambda: 0.0) as site:
        site.module("local.seed").plant(site.now())
        server.app = Gateway(site)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Place(url, site)
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def visit(chromium: Browser, language: str, width: int, scheme: str) -> BrowserContext:
    context = chromium.new_context(
        locale=LANGUAGES[language],
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
        java_script_enabled=True,  # axe needs it; the pages have none
    )
    context.set_default_timeout(10_000)
    return context


def picture(page: Page, name: str) -> None:
    """The whole page in screenshots/, where somebody asked for pictures: no test needs them."""
    if os.environ.get("PICTURES"):
        page.screenshot(path=ROOT / "screenshots" / f"{name}.png", full_page=True)


def look_at(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it stands."""
    page.wait_for_load_state("load")
    page.evaluate(WIDEST_NUMBERS)
    picture(page, name)
    wrong = [
        f"{name}: {violation['id']}: {violation['nodes'][0]['html']}"
        for violation in Axe().run(page).response["violations"]
    ]
    wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.unseen'))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    wrong += [f"{name}: sticks out: {html}" for html in wide]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append(f"{name}: scrolls sideways")
    return wrong
