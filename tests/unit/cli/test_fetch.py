"""`queuant data fetch` and `compose` against a server that is played by a function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from app import cli
from app.client import Client

JOB_ID = "a" * 32
DATASET = {
    "dataset_id": "rates",
    "version": "0123456789ab",
    "kind": "series",
    "symbols": ["DFF"],
    "bars": 1200,
    "frequency": "daily",
    "start": "2020-01-01",
    "end": "2024-06-28",
}
RESULT = {"job_id": JOB_ID, "kind": "fetch", "dataset": DATASET, "warnings": ["DFF begins late."]}
SOURCE = {"source": "ccxt", "title": "Exchanges", "known": ["BTC/USDT"], "installed": False}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was posted to a server that has done everything at once."""
    posted: list[tuple[str, Any]] = []
    answers = {JOB_ID: {"job_id": JOB_ID, "status": "succeeded"}, "result": RESULT, "sources": {"sources": [SOURCE]}}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            posted.append((str(request.url.query), json.loads(request.content)))
            return httpx.Response(202, json={"job_id": JOB_ID, "status": "queued"})
        return httpx.Response(200, json=answers[request.url.path.rpartition("/")[2]])

    def make(*_: Any, **__: Any) -> Client:
        return Client("http://server", "bt_1_x", home=tmp_path, transport=httpx.MockTransport(answer))

    monkeypatch.setattr("app.client.Client", make)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return posted


def run(*arguments: str) -> str:
    said = CliRunner().invoke(cli.cli, list(arguments))
    assert said.exit_code == 0, said.output
    return said.stdout


def test_fetch_waits_and_says_what_it_has_made(server: list[tuple[str, Any]]) -> None:
    said = run("data", "fetch", "fred", "DFF", "--name", "rates", "--start", "2020-01-01", "-p", "unit=percent")

    assert said.splitlines() == [
        "rates@0123456789ab: 1,200 daily times of 1 series, 2020-01-01 to 2024-06-28",
        "! DFF begins late.",
    ]
    (query, body) = server[0]
    assert body == {
        "source": "fred",
        "items": ["DFF"],
        "name": "rates",
        "start_date": "2020-01-01",
        "params": {"unit": "percent"},
    }
    assert "fresh" not in query


def test_a_fetch_can_be_asked_again_and_read_as_json(server: list[tuple[str, Any]]) -> None:
    said = run("data", "fetch", "fred", "DFF", "--name", "rates", "--fresh", "--json")

    assert json.loads(said) == RESULT
    assert "fresh=true" in server[0][0]


def test_compose_waits_and_a_symbol_may_have_a_sign_of_its_own(server: list[tuple[str, Any]]) -> None:
    said = run("data", "compose", "brazil", "curve", "market@0123456789ab", "--rename", "BRL=X=USDBRL", "--fresh")

    assert said.startswith("rates@0123456789ab: ")
    (query, body) = server[0]
    assert body == {"name": "brazil", "datasets": ["curve", "market@0123456789ab"], "rename": {"BRL=X": "USDBRL"}}
    assert "fresh=true" in query
    wrong = CliRunner().invoke(cli.cli, ["data", "compose", "brazil", "curve", "--rename", "BRL"])
    assert (wrong.exit_code, "is not OLD=NEW" in wrong.stderr) == (2, True)


def test_the_result_of_a_fetch_is_told_as_a_dataset(server: list[tuple[str, Any]]) -> None:
    assert run("result", JOB_ID).startswith("rates@0123456789ab: ")


def test_sources_say_what_they_need(server: list[tuple[str, Any]]) -> None:
    assert "pip install ccxt" in run("data", "sources")
