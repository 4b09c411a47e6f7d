"""A server on this machine that answers as the sources do, and time that passes only in tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app import sources
from app.sources.base import Fetched, Request
from app.sources.http import Access, Http

NAMES = ("fred", "fred_api", "bcb_sgs", "bcb_focus", "tesouro")


@dataclass(frozen=True)
class Answer:
    """What the server says once."""

    body: str | bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    promised: int | None = None  # a Content-Length that is not kept
    silent: bool = False  # the connection ends without a word


@dataclass
class Outside:
    """The outside world: answers in their order, the last one again and again; and what was asked."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    route: Callable[[str, dict[str, str]], Answer] | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, *answers: Answer) -> None:
        self.answers[:] = answers

    def answer(self, target: str) -> Answer:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path, query))
        if self.route:
            return self.route(parts.path, query)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _handler(outside: Outside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = outside.answer(self.path)
            if said.silent:
                return
            body = said.body.encode() if isinstance(said.body, str) else said.body
            self.send_response(said.status)
            if said.kind:
                self.send_header("Content-Type", said.kind)
            for name, value in said.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if said.promised is None else said.promised))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def outside() -> Iterator[Outside]:
    """A server on a free port of 127.0.0.1."""
    found = Outside()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(found)) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@dataclass
class Time:
    """Seconds that pass only while somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def passing() -> Time:
    return Time()


@pytest.fixture
def new_http(outside: Outside, passing: Time, tmp_path: Path) -> Callable[..., Http]:
    """Makes what asks the local server, with the best of luck: no pause is longer than it must be."""

    def make(*, cache: bool = False, **given: Any) -> Http:
        access = Access(
            cache_dir=tmp_path / "answers" if cache else None,
            urls=dict.fromkeys(NAMES, outside.url),
            keys=given.pop("keys", {}),
        )
        options = {"sleep": passing.sleep, "clock": passing, "chance": lambda: 0.0} | given
        return Http(access, **options)

    return make


@pytest.fixture
def fetch(new_http: Callable[..., Http]) -> Callable[..., Fetched]:
    """Ask a source of the local server."""

    def ask(source: str, *items: str, start: str = "2024-01-01", end: str = "2024-12-31", **given: Any) -> Fetched:
        http, report = new_http(keys=given.pop("keys", {})), given.pop("report", lambda *_: None)
        chosen = sources.get(source)
        params = chosen.validate(given)
        return chosen.fetch(Request(items, start, end), http, report, **params)

    return ask
