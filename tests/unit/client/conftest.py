"""A client of a server that is played by a function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.client import Client

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody really sleeps; the list says how long they would have."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.fixture
def connect(tmp_path: Path, pauses: list[float]) -> Callable[[Handler], Client]:
    def make(handler: Handler) -> Client:
        client = Client("http://server", "bt_1_secret", home=tmp_path, transport=httpx.MockTransport(handler))
        client._transport._sleep = pauses.append
        return client

    return make
