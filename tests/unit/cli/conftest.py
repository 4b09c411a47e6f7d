"""The command line in this process, with a server that is played by a function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from app import cli
from app.client import Client

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command line; the client of the command talks to `server`."""

    def invoke(*arguments: str, server: Handler | None = None) -> Result:
        def make(url: str | None = None, *, home: str | None = None) -> Client:
            transport = httpx.MockTransport(server) if server else None
            return Client(
                url or "http://server", "bt_1_x", home=tmp_path, live_url="ws://127.0.0.1:9", transport=transport
            )

        monkeypatch.setattr("app.client.Client", make)
        monkeypatch.setattr("time.sleep", lambda _: None)
        monkeypatch.setenv("QUEUANT_HOME", str(tmp_path))
        return CliRunner().invoke(cli.cli, list(arguments))

    return invoke
