"""Pages: no inline script, nothing from the network, files only from where they belong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import app.web.pages

STATIC = Path(app.web.pages.__file__).parent / "static"
PAGES = ("/", "/sign-in", "/docs")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_forbids_whatever_is_inline_or_from_elsewhere(web: Any, path: str) -> None:
    reply = web.get(path, key=None)
    policy = dict(part.split(" ", 1) for part in reply.headers["Content-Security-Policy"].split("; "))
    assert reply.status_code == 200
    assert reply.content_type.startswith("text/html")
    assert (policy["default-src"], policy["script-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert policy["connect-src"] == "'self'"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_uses_only_files_that_are_served_here(web: Any, path: str) -> None:
    text = web.get(path, key=None).text
    used = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert used
    web.post("/api/v1/reports/daily")  # there is one a moment after the start
    for address in (one for one in used if not one.startswith("#/")):  # those are screens of the page itself
        assert address.startswith("/")
        key = "" if address.startswith("/api/") else None  # a link may lead to what a session opens
        assert web.get(address, key=key).status_code == 200, address
    assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|style=", text)


def test_the_modules_of_the_page_are_served_as_scripts(web: Any) -> None:
    for path in STATIC.rglob("*.js"):
        name = path.relative_to(STATIC).as_posix()
        reply = web.get(f"/static/{name}", key=None)
        assert (reply.status_code, reply.mimetype) == (200, "text/javascript")
        assert reply.data == path.read_bytes()
        assert web.get(f"/static/{name}", headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304


def test_every_module_imports_what_is_there() -> None:
    for path in STATIC.rglob("*.js"):
        for name in re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', path.read_text("utf-8")):
            assert (path.parent / name).is_file(), f"{path.name}: {name}"


def test_no_file_reaches_for_the_network() -> None:
    for path in (path for path in STATIC.rglob("*") if path.is_file()):
        for address in re.findall(r"https?://[^\s\"'`<>]+", path.read_text("utf-8")):
            assert address == "http://www.w3.org/2000/svg", f"{path.name}: {address}"


def test_plotly_and_swagger_come_out_of_their_packages(web: Any) -> None:
    plotly = web.get("/vendor/plotly/plotly.min.js", key=None)
    assert plotly.status_code == 200
    assert len(plotly.data) > 1_000_000
    assert web.get("/vendor/flask_swagger_ui/swagger-ui-bundle.js", key=None).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pages.py",
        "/static/..%2fpages.py",
        "/static/%2e%2e/pages.py",
        "/static//etc/passwd",
        "/static/",
        "/static/%00",
        "/vendor/plotly/datasets",
        "/vendor/plotly/..%2f__init__.py",
        "/vendor/os/path.py",
        "/vendor/flask_swagger_ui/index.html",
    ],
)
def test_nothing_else_is_served(web: Any, path: str) -> None:
    assert web.get(path, key=None).status_code == 404


def test_a_page_may_reach_the_relay_where_there_is_one(make_web: Any) -> None:
    web = make_web(relay_url="wss://live.example.org/some/path")
    assert "connect-src 'self' wss://live.example.org;" in web.get("/", key=None).headers["Content-Security-Policy"]
