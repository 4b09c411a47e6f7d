"""Files that the client sends, to a server that is played by a function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.client import ApiError, Client

Handler = Callable[[httpx.Request], httpx.Response]


def test_a_file_is_sent_in_parts_and_tells_how_far_it_is(connect: Callable[[Handler], Client], tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"x" * 300_000)
    seen: list[httpx.Request] = []
    told: list[tuple[int, int]] = []

    def server(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(201, json={"dataset_id": "mine"})

    found = connect(server).upload(path, name="mine", units="USD", progress=lambda *news: told.append(news))
    assert found == {"dataset_id": "mine"}
    assert (seen[0].method, seen[0].url.path) == ("POST", "/api/v1/datasets")
    assert int(seen[0].headers["Content-Length"]) == len(seen[0].content)
    assert seen[0].content.count(b"x" * 300_000) == 1
    assert str(path).encode() not in seen[0].content
    assert (told[0], told[-1]) == ((65_536, 300_000), (300_000, 300_000))


def test_a_refused_file_is_an_error_of_the_api(connect: Callable[[Handler], Client], tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("date,A\n2024-01-02,x\n")
    client = connect(lambda _: httpx.Response(422, json={"code": "bad_number", "detail": "Row 2"}))
    with pytest.raises(ApiError) as caught:
        client.upload(path, name="mine")
    assert caught.value.code == "bad_number"
