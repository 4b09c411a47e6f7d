"""The client against a server that is played by a function."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from app.client import ApiError, Client, JobFailed, StillRunning, Unreachable
from app.client import transport as client_transport

Handler = Callable[[httpx.Request], httpx.Response]
pytestmark = pytest.mark.usefixtures("pauses")


def job(status: str, **more: Any) -> dict[str, Any]:
    return {"job_id": "a" * 32, "status": status, "progress": None, "error": None, **more}


def test_a_backtest_is_posted_with_the_key_and_an_idempotency_key(connect: Callable[[Handler], Client]) -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json=job("queued"))

    client = connect(server)
    made = client.backtest("sma_cross", params={"fast": 10}, symbols=("EURUSD",), tags=["x"], fresh=True)
    client.backtest("sma_cross")
    assert made.status == "queued"
    first, second = seen
    assert str(first.url) == "http://server/api/v1/backtest/run?fresh=true"
    assert first.headers["Authorization"] == "Bearer bt_1_secret"
    assert json.loads(first.content) == {
        "strategy_id": "sma_cross",
        "params": {"fast": 10},
        "symbols": ["EURUSD"],
        "tags": ["x"],
    }
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


def test_a_portfolio_is_posted_with_what_was_said(connect: Callable[[Handler], Client]) -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json=job("queued"))

    connect(server).portfolio(["sma_cross", {"strategy_id": "buy_and_hold"}], allocation="hrp", lookback=63)
    assert seen[0].url.path == "/api/v1/backtest/portfolio"
    assert json.loads(seen[0].content) == {
        "strategies": [{"strategy_id": "sma_cross"}, {"strategy_id": "buy_and_hold"}],
        "allocation": "hrp",
        "lookback": 63,
    }


@pytest.mark.parametrize("kind", ["sweep", "walkforward", "montecarlo"])
def test_every_kind_of_run_is_posted_with_what_was_said_and_a_key(
    connect: Callable[[Handler], Client], kind: str
) -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json=job("queued"))

    asked = {"seed": 3, "method": "circular"} if kind == "montecarlo" else {"grid": {"fast": [5, 10]}}
    getattr(connect(server), kind)("sma_cross", fresh=True, idempotency_key="k", **asked)
    assert str(seen[0].url) == f"http://server/api/v1/backtest/{kind}?fresh=true"
    assert seen[0].headers["Idempotency-Key"] == "k"
    assert json.loads(seen[0].content) == {"strategy_id": "sma_cross", **asked}


@pytest.mark.parametrize(
    ("table", "index"),
    [
        (pd.DataFrame({"path": [0, 1], "sharpe": [0.5, 1.0]}), "path"),
        (pd.DataFrame({"time": pd.to_datetime(["2020-01-01"], utc=True), "path_0": [1.0], "path_1": [2.0]}), "time"),
    ],
)
def test_paths_are_read_by_their_number_or_by_time(
    connect: Callable[[Handler], Client], table: pd.DataFrame, index: str
) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/result"):
            return httpx.Response(200, json={"job_id": "a" * 32, "walkforward": {"mode": "cpcv"}})
        if request.url.path.endswith("/export"):
            assert request.url.params["part"] == "paths"
            buffer = io.BytesIO()
            table.to_parquet(buffer)
            return httpx.Response(200, content=buffer.getvalue())
        return httpx.Response(200, json=job("succeeded"))

    result = connect(server).job("a" * 32).result()
    assert result.walkforward == {"mode": "cpcv"}
    assert result.paths.index.name == index
    assert list(result.paths.columns) == [name for name in table.columns if name != index]


def test_a_batch_is_posted_under_one_key_and_gives_its_jobs(connect: Callable[[Handler], Client]) -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json={"jobs": [job("queued"), job("succeeded", cached=True)]})

    runs = [{"strategy_id": "sma_cross", "seed": seed} for seed in (1, 2)]
    made = connect(server).batch(runs, fresh=True, idempotency_key="k")
    assert [(each.status, each.cached) for each in made] == [("queued", False), ("succeeded", True)]
    assert str(seen[0].url) == "http://server/api/v1/backtest/batch?fresh=true"
    assert (seen[0].headers["Idempotency-Key"], json.loads(seen[0].content)) == ("k", {"runs": runs})


def test_a_job_is_reproduced_as_another_job(connect: Callable[[Handler], Client]) -> None:
    seen: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url.path}")
        return httpx.Response(200 if request.method == "GET" else 202, json=job("succeeded"))

    assert connect(server).job("a" * 32).reproduce().id
    assert seen[-1] == f"POST /api/v1/jobs/{'a' * 32}/verify"


def test_the_book_is_read_in_parts_and_made_up_of_names_or_objects(connect: Callable[[Handler], Client]) -> None:
    seen: list[tuple[str, str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url.raw_path, "ascii"), json.loads(request.content or "null")))
        return httpx.Response(200, json={"version": 3})

    client = connect(server)
    assert client.book() == client.book("history", days=9) == {"version": 3}
    client.set_book()
    client.set_book(["a", {"strategy_id": "b"}], config={"slippage_bps": 2})
    assert seen == [
        ("GET", "/api/v1/portfolio/current", None),
        ("GET", "/api/v1/portfolio/history?days=9", None),
        ("PUT", "/api/v1/portfolio/book", {"strategies": "all"}),
        (
            "PUT",
            "/api/v1/portfolio/book",
            {"strategies": [{"strategy_id": "a"}, {"strategy_id": "b"}], "config": {"slippage_bps": 2}},
        ),
    ]


def test_risk_is_read_in_parts_and_limits_are_set_together(connect: Callable[[Handler], Client]) -> None:
    seen: list[tuple[str, str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url.raw_path, "ascii"), json.loads(request.content or "null")))
        return httpx.Response(200, json={"version": 1})

    client = connect(server)
    assert client.risk() == client.risk("stress") == client.set_limits(gross=2.0, stress=None) == {"version": 1}
    client.risk("var", horizon=10)
    assert seen == [
        ("GET", "/api/v1/risk/var", None),
        ("GET", "/api/v1/risk/stress", None),
        ("PUT", "/api/v1/risk/limits", {"gross": 2.0, "stress": None}),
        ("GET", "/api/v1/risk/var?horizon=10", None),
    ]


def test_signals_are_those_of_all_strategies_or_the_days_of_one(connect: Callable[[Handler], Client]) -> None:
    seen: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"signals": []})

    client = connect(server)
    assert client.signals() == client.signals("FX_05") == client.signals("FX_05", days=9) == {"signals": []}
    one = "/api/v1/strategies/FX_05/signal"
    assert seen == ["/api/v1/signals/latest", f"{one}/latest", f"{one}/history?days=9"]


def test_a_busy_server_is_asked_again_when_it_says(connect: Callable[[Handler], Client], pauses: list[float]) -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "7"}, json={"code": "queue_full"})]
    keys: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        return answers.pop() if answers else httpx.Response(202, json=job("queued"))

    connect(server).backtest("sma_cross")
    assert pauses == [7.0]
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_who_is_told_to_come_back_tomorrow_does_not_wait(
    connect: Callable[[Handler], Client], pauses: list[float]
) -> None:
    problem = {"code": "quota_exceeded", "detail": "You have queued 5 jobs today."}
    client = connect(lambda _: httpx.Response(429, headers={"Retry-After": "43200"}, json=problem))
    with pytest.raises(ApiError, match="You have queued 5 jobs today"):
        client.backtest("sma_cross")
    assert pauses == []


def test_a_post_without_an_idempotency_key_is_never_repeated(connect: Callable[[Handler], Client]) -> None:
    calls: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return httpx.Response(503, json={"code": "store_unavailable", "detail": "later"})

    client = connect(server)
    with pytest.raises(ApiError) as caught:
        client.api("POST", "/jobs/x/cancel")
    assert caught.value.status == 503
    assert calls == ["POST"]


def test_retries_end(connect: Callable[[Handler], Client], pauses: list[float]) -> None:
    client = connect(lambda _: httpx.Response(503, json={"code": "store_unavailable", "detail": "later"}))
    with pytest.raises(ApiError, match="later"):
        client.datasets()
    assert len(pauses) == 3


def test_a_refusal_carries_the_problem(connect: Callable[[Handler], Client]) -> None:
    problem = {
        "code": "unknown_strategy",
        "detail": "There is no strategy 'sma_cros'.",
        "pointer": "/strategy_id",
        "given": "sma_cros",
        "allowed": ["sma_cross"],
        "nearest": "sma_cross",
    }
    client = connect(lambda _: httpx.Response(422, json=problem))
    with pytest.raises(ApiError) as caught:
        client.backtest("sma_cros")
    error = caught.value
    assert (error.status, error.code, error.pointer, error.nearest) == (
        422,
        "unknown_strategy",
        "/strategy_id",
        "sma_cross",
    )


def test_a_stranger_on_the_port_is_named(connect: Callable[[Handler], Client]) -> None:
    client = connect(lambda _: httpx.Response(200, text="<html>hello</html>"))
    with pytest.raises(ApiError, match="does not speak like a Queuant server") as caught:
        client.datasets()
    assert caught.value.code == "not_queuant"


def test_nobody_there_is_said_at_once(connect: Callable[[Handler], Client], pauses: list[float]) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Unreachable, match="http://server"):
        connect(server).datasets()
    assert pauses == []


def test_a_server_that_restarts_is_waited_for(connect: Callable[[Handler], Client], pauses: list[float]) -> None:
    calls = iter([True, False, False, True])

    def server(request: httpx.Request) -> httpx.Response:
        if not next(calls):
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, json={"datasets": []})

    client = connect(server)
    assert client.datasets() == []
    assert client.datasets() == []
    assert pauses == [0.2, 0.6]


def test_wait_polls_until_the_job_has_succeeded(connect: Callable[[Handler], Client]) -> None:
    progress = {"done": 1, "total": 2, "fraction": 0.5, "phase": "simulate"}
    states = [job("succeeded"), job("running", progress=progress), job("running", progress=progress), job("queued")]
    told: list[Any] = []

    def server(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=job("queued") if request.method == "POST" else states.pop())

    done = connect(server).backtest("sma_cross").wait(progress=told.append)
    assert done.status == "succeeded"
    assert told == [progress]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_wait_raises_when_the_job_ends_without_a_result(connect: Callable[[Handler], Client], status: str) -> None:
    error = {"code": "run_failed", "message": "The strategy raised."} if status == "failed" else None
    client = connect(lambda _: httpx.Response(200, json=job(status, error=error)))
    with pytest.raises(JobFailed) as caught:
        client.job("a" * 32).wait()
    assert caught.value.status == status
    assert ("The strategy raised." if error else "cancelled") in str(caught.value)


def test_wait_gives_up_when_its_time_is_over(
    connect: Callable[[Handler], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    client = connect(lambda _: httpx.Response(200, json=job("running")))
    with pytest.raises(StillRunning, match="running after 3 s"):
        client.job("a" * 32).wait(timeout=3)


def test_a_result_reads_its_tables_when_they_are_asked_for(connect: Callable[[Handler], Client]) -> None:
    curve = pd.DataFrame({"time": pd.to_datetime(["2020-01-01"], utc=True), "value": [1.0], "drawdown": [0.0]})
    paths: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("/export"):
            assert dict(request.url.params) == {"format": "parquet", "part": "equity"}
            buffer = io.BytesIO()
            curve.to_parquet(buffer)
            return httpx.Response(200, content=buffer.getvalue())
        if request.url.path.endswith("/result"):
            return httpx.Response(200, json={"job_id": "a" * 32, "metrics": {"sharpe": 0.5, "psr": None}})
        return httpx.Response(200, json=job("succeeded"))

    result = connect(server).job("a" * 32).result()
    assert result.metrics == {"sharpe": 0.5, "psr": None}
    assert len(paths) == 2
    assert list(result.equity["value"]) == [1.0]
    assert result.equity is result.equity


def test_an_expression_is_posted_as_it_is(connect: Callable[[Handler], Client]) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/api/v1/strategies/expressions")
        return httpx.Response(201, json={"strategy_id": "dips", "spec": json.loads(request.content)})

    spec = {"name": "Dips", "weight": "1 / symbol_count"}
    assert connect(server).post_expression(spec) == {"strategy_id": "dips", "spec": spec}


def test_pages_are_followed(connect: Callable[[Handler], Client]) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("cursor") == "two":
            return httpx.Response(200, json={"jobs": [job("failed")], "next": None})
        return httpx.Response(200, json={"jobs": [job("queued"), job("running")], "next": "two"})

    client = connect(server)
    assert [found.status for found in client.jobs()] == ["queued", "running", "failed"]
    assert len(client.jobs(limit=1)) == 1


def test_the_home_folder_names_server_and_key(tmp_path: Path) -> None:
    (tmp_path / "api_key").write_text("bt_1_fromfile\n")
    (tmp_path / "server.json").write_text('{"api_url": "http://127.0.0.1:8123", "live_url": "ws://127.0.0.1:8124"}')
    client = Client(home=tmp_path)
    assert client.url == "http://127.0.0.1:8123"
    assert client.live_url == "ws://127.0.0.1:8124"
    assert client._transport.key == "bt_1_fromfile"


def test_the_key_of_the_home_folder_is_not_sent_to_a_server_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "api_key").write_text("bt_1_fromfile\n")
    assert Client("http://elsewhere.example", home=tmp_path)._transport.key == ""


def test_the_environment_names_server_and_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUANT_URL", "http://elsewhere.example")
    monkeypatch.setenv("QUEUANT_API_KEY", "bt_1_fromenv")
    client = Client(home=tmp_path)
    assert (client.url, client._transport.key) == ("http://elsewhere.example", "bt_1_fromenv")


def test_a_named_server_says_where_its_sockets_are(connect: Callable[[Handler], Client]) -> None:
    client = connect(lambda _: httpx.Response(200, json={"ticket": "t", "url": "wss://live.example/"}))
    assert client.live_url == "wss://live.example"


def test_loopback_is_known_by_its_names() -> None:
    assert client_transport.is_loopback("http://127.0.0.1:8000")
    assert client_transport.is_loopback("http://[::1]:8000")
    assert not client_transport.is_loopback("http://example.com")
