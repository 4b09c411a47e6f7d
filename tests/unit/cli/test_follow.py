"""Commands that go on: a line for every event of a channel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from click.testing import Result

from app.client import Client, LiveEvent


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Let the client hear these messages; returns what it is asked for."""

    def hears(*messages: dict[str, Any]) -> list[Any]:
        asked: list[Any] = []

        def events(_: Client, channel: str, *, filter: Any = None) -> Iterator[LiveEvent]:
            asked.append((channel, filter))
            yield from (LiveEvent.of({"at": "2026-01-02T03:04:05.678Z", **message}) for message in messages)

        monkeypatch.setattr(Client, "events", events)
        return asked

    return hears


def test_signals_are_followed_for_a_strategy_and_symbols(run: Callable[..., Result], heard: Any) -> None:
    data = {
        "strategy_id": "sma_cross",
        "symbol": "EURUSD",
        "direction": "long",
        "conviction": 0.5,
        "reason": "It rose.",
    }
    asked = heard({"type": "signal_flip", "seq": 4, "data": data})
    said = run("signals", "sma_cross", "--follow", "--symbol", "EURUSD,USDJPY")
    assert said.exit_code == 0, said.output
    assert said.stdout == "2026-01-02 03:04:05  signal_flip  sma_cross EURUSD long +0.50  It rose.\n"
    assert asked == [("signals", {"strategy": "sma_cross", "symbol": "EURUSD,USDJPY"})]


def test_alerts_are_followed_from_a_severity_on(run: Callable[..., Result], heard: Any) -> None:
    asked = heard(
        {"type": "stale_data", "seq": 1, "data": {"severity": "warning", "symbol": "WTI", "message": "Old bars."}},
        {"type": "job_failed", "channel": "alerts", "data": {"severity": "warning", "message": "A job failed."}},
        {"type": "resync", "data": {"resync": "/api/v1/alerts"}},
    )
    said = run("alerts", "--follow", "--severity", "warning")
    assert "stale_data  warning WTI  Old bars." in said.stdout
    assert "job_failed  warning  A job failed." in said.stdout
    assert "lost for good; the present state is at /api/v1/alerts" in said.stdout
    assert asked == [("alerts", {"severity": "warning"})]


@pytest.mark.parametrize(("following", "said"), [("later", True), (None, False)])
def test_alerts_are_a_table_that_says_when_there_are_older_ones(
    run: Callable[..., Result], following: str | None, said: bool
) -> None:
    alert = {"raised_at": "2026-01-02T03:04:05.678Z", "status": "open", "severity": "info", "kind": "drawdown"}
    page = {"alerts": [{**alert, "alert_id": "a1", "message": "It fell."}], "next": following}
    shown = run("alerts", server=lambda _: httpx.Response(200, json=page)).stdout
    row = ["a1", "2026-01-02", "03:04:05", "open", "info", "drawdown", "It", "fell."]
    assert row in map(str.split, shown.splitlines())
    assert ("Older ones are not shown." in shown) is said


@pytest.mark.parametrize(
    ("words", "sent"), [([], b""), (["--note", "The feed is down."], {"note": "The feed is down."})]
)
def test_an_alert_is_acknowledged_with_a_note_or_without(
    run: Callable[..., Result], words: list[str], sent: Any
) -> None:
    asked: list[Any] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, json.loads(request.content) if request.content else request.content))
        return httpx.Response(200, json={"alert_id": "a1", "status": "acknowledged"})

    assert run("alerts", "ack", "a1", *words, server=server).stdout == "a1  acknowledged\n"
    assert asked == [("/api/v1/alerts/a1/ack", sent)]


def test_json_is_one_object_a_line(run: Callable[..., Result], heard: Any) -> None:
    heard({"type": "signal_update", "seq": 7, "channel": "signals", "data": {"symbol": "EURUSD"}})
    (line,) = run("signals", "--follow", "--json").stdout.splitlines()
    found = json.loads(line)
    assert (found["type"], found["seq"], found["channel"], found["data"]) == (
        "signal_update",
        7,
        "signals",
        {"symbol": "EURUSD"},
    )


def test_a_job_is_watched_to_its_end(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(_: Client, job_id: str) -> Iterator[LiveEvent]:
        for kind in ("job_queued", "job_succeeded"):
            yield LiveEvent.of({"type": kind, "at": "2026-01-02T03:04:05Z", "seq": 1, "data": {"job_id": job_id}})

    monkeypatch.setattr(Client, "watch", watch)
    said = run("jobs", "watch", "j1", server=lambda _: httpx.Response(200, json={"job_id": "j1", "status": "queued"}))
    assert said.stdout.splitlines() == ["2026-01-02 03:04:05  j1 queued", "2026-01-02 03:04:05  j1 succeeded"]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_who_stops_waiting_hears_that_the_job_goes_on(run: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(202, json={"job_id": "a" * 32, "status": "queued"})
        raise KeyboardInterrupt

    said = run("run", "sma_cross", *arguments, server=server)
    assert said.exit_code == 130
    assert said.stderr.endswith(
        f"The job goes on. `queuant result {'a' * 32}` shows its result, `queuant cancel {'a' * 32}` stops it.\n"
    )
