"""A real browser at a real server, signed in.

Whatever the page writes to the console as an error fails the test, and so does an answer of the server's own failing. A
refusal (4xx) is for the page to tell.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, Route, expect, sync_playwright

from app.client import Client
from tests.conftest import missing
from tests.serving import Server, serving

NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 20_000.0
Browse = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a worker that all these tests share; what a test needs to see it asks for itself."""
    with serving(tmp_path_factory.mktemp("browser") / "home", QUEUANT_MAX_DAILY="100000") as server:
        yield server


@pytest.fixture(scope="session")
def client(platform: Server) -> Iterator[Client]:
    with platform.client() as client:
        yield client


# Of a module, not of the session: while Playwright runs no other test of its process can run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or another one on PATH."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        missing(f"no browser: none of {', '.join(NAMES)} is on PATH (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [], timeout=60_000
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, platform: Server) -> Any:
    """The cookies of somebody who has signed in with the form."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{origin(platform)}/sign-in")
    page.get_by_label("API key").fill((platform.home / "api_key").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{origin(platform)}/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def browse(chromium: Browser, platform: Server, signed_in: Any) -> Iterator[Browse]:
    """Opens a screen: `browse("jobs?status=failed", viewport=PHONE)`."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_screen(address: str, **options: Any) -> Page:
        context = chromium.new_context(
            **{"storage_state": signed_in, "viewport": {"width": 1400, "height": 900}} | options
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        listen(page, complaints)
        go(page, platform, address)
        return page

    yield open_screen
    for context in contexts:
        context.close()
    assert not complaints


def listen(page: Page, complaints: list[str]) -> None:
    """Note everything that should not be."""

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def answered(response: Response) -> None:
        if response.status >= 500:
            complaints.append(f"{response.status} {response.url}")

    page.on("console", said)
    page.on("response", answered)
    page.on("pageerror", lambda error: complaints.append(str(error)))


def go(page: Page, platform: Server, address: str) -> None:
    """Open a screen and wait until it is there."""
    page.goto(f"{origin(platform)}/#/{address}")
    page.wait_for_selector("#live.live")
    page.wait_for_selector(".screen:not([aria-busy])")


def caught(page: Page, routes: list[Route], count: int) -> list[Route]:
    """Requests that a route has kept, once there are so many: it hears of one later than who expects it."""
    patience = time.monotonic() + 10.0
    while len(routes) < count and time.monotonic() < patience:
        page.wait_for_timeout(10)
    assert len(routes) == count
    return routes


def origin(platform: Server) -> str:
    return f"http://127.0.0.1:{platform.port}"


def suits_everybody(page: Page) -> None:
    """Hold that axe finds nothing in light and dark, and that a phone shows the page whole."""
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")  # which changes colours and nothing else
    assert violations(page, "color-contrast") == []
    page.set_viewport_size(PHONE)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def violations(page: Page, *rules: str) -> list[str]:
    """What axe has against the page as it is now: WCAG 2.1, levels A and AA, and good practice; or some `rules` only.

    A chart is one image with words to it; what it is drawn of is not read to anybody.
    """
    only = {"runOnly": list(rules)} if rules else None
    found = Axe().run(page, context={"exclude": [[".chart"]]}, options=only).response["violations"]
    return [f"{item['id']}: {node['html'][:160]}" for item in found for node in item["nodes"]]
