"""Debian's Chromium, and what is wrong with a page as it stands. The pictures land in screenshots/,
to be looked at."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from local.gateway import Gateway
from local.site import ROOT, Site

SHOTS = ROOT / "screenshots"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
LANGUAGES = {"en": "en-GB", "fr": "fr-FR", "es": "es-ES"}
LOOKS = list(itertools.product(LANGUAGES, (320, 1280), ("light", "dark")))


@dataclass
class Place:
    url: str
    site: Site


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    url = f"http://localhost:{server.port}"
    with Site(url, clock=lambda: 1_795_334_400.0) as site:
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
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
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


def look_at(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it stands; takes its picture."""
    page.wait_for_load_state("load")
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
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
