"""`queuant report` prints what the server has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import Result

SECTION = {"name": "book", "title": "Paper book", "nothing": "No book is kept.", "quality": None}
REPORT: dict[str, Any] = {
    "date": "2025-06-15",
    "start_at": "2025-06-14T22:00:00.000Z",
    "end_at": "2025-06-15T22:00:00.000Z",
    "made_at": "2025-06-15T22:01:00.000Z",
    "sections": [SECTION | {"notes": [], "figures": {}, "tables": []}],
}


class Server:
    """Answers with the report, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.raw_path.decode()))
        return httpx.Response(200, json=REPORT)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), ("GET", "/api/v1/reports/daily")),
        (("--date", "2025-06-15"), ("GET", "/api/v1/reports/daily?date=2025-06-15")),
        (("show", "--date", "2025-06-15"), ("GET", "/api/v1/reports/daily?date=2025-06-15")),
        (("make",), ("POST", "/api/v1/reports/daily")),
        (("make", "--date", "2025-06-15"), ("POST", "/api/v1/reports/daily?date=2025-06-15")),
    ],
)
def test_a_report_is_shown_or_made(run: Callable[..., Result], arguments: tuple[str, ...], asked: object) -> None:
    server = Server()
    said = run("report", *arguments, server=server)
    assert said.stdout.startswith("# Report of 2025-06-15\n\n2025-06-14 22:00 to 2025-06-15 22:00 UTC\n")
    assert said.stdout.endswith("## Paper book\n\nNo book is kept.\n")
    assert server.asked == [asked]


def test_as_json_it_is_what_the_server_said(run: Callable[..., Result]) -> None:
    assert json.loads(run("report", "--json", server=Server()).stdout) == REPORT


def test_a_day_without_a_report_names_those_that_have_one(run: Callable[..., Result]) -> None:
    detail = "There is no report of 2025-06-05; the nearest are of 2025-06-03 and 2025-06-07."
    problem = {"status": 404, "code": "no_report", "detail": detail, "allowed": ["2025-06-03", "2025-06-07"]}
    said = run("report", "--date", "2025-06-05", server=lambda _: httpx.Response(404, json=problem))
    assert said.exit_code == 2
    assert said.stderr == f"{detail}\n  allowed  2025-06-03, 2025-06-07\n"
