"""The main job, from the outside: POST, poll, read, listen, cancel."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from app.client import ApiError, Client, JobFailed

EURUSD = {"dataset": "fx_daily", "symbols": ["EURUSD"]}


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    with server.client() as client:
        yield client


@contextmanager
def frozen_workers(server: Any) -> Iterator[None]:
    """Nobody works for a while: whatever is posted stays queued."""
    pids = server.pids("workers", "worker")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_backtest_goes_from_post_to_result_over_plain_http(server: Any) -> None:
    key = (server.home / "api_key").read_text().strip()
    with httpx.Client(base_url=server.note["api_url"], headers={"Authorization": f"Bearer {key}"}) as http:
        body = {"strategy_id": "sma_cross", "params": {"fast": 11, "slow": 47}, **EURUSD}
        posted = http.post("/api/v1/backtest/run", json=body)
        assert posted.status_code == 202
        where = posted.headers["Location"]
        assert where == f"/api/v1/jobs/{posted.json()['job_id']}"
        deadline = time.monotonic() + 30
        while (state := http.get(where).json())["status"] in ("queued", "running"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert state["status"] == "succeeded", state
        result = http.get(f"{where}/result").json()
        assert result["request"]["params"] == {**result["request"]["params"], "fast": 11, "slow": 47}
        assert result["provenance"]["quality"] == "real"
        assert result["conventions"]["fill"] == "next_close"
        equity = http.get(f"{where}/equity").json()
        assert len(equity["time"]) == len(equity["value"]) == result["bars"]
        assert equity["value"][-1] == pytest.approx(result["metrics"]["final_equity"])
        trades = http.get(f"{where}/trades").json()["trades"]
        assert len(trades) == result["metrics"]["total_trades"]


def test_every_role_of_the_server_is_seen(server: Any) -> None:
    key = (server.home / "api_key").read_text().strip()
    with httpx.Client(base_url=server.note["api_url"], headers={"Authorization": f"Bearer {key}"}) as http:
        nodes = http.get("/api/v1/monitoring/workers").json()["nodes"]
    assert {"api", "relay", "supervisor", "worker"} == {node["role"] for node in nodes}


def test_the_python_client_does_it_in_one_line(client: Client) -> None:
    result = client.backtest("sma_cross", params={"fast": 10, "slow": 50}, **EURUSD).wait(timeout=30).result()
    assert result.metrics["final_equity"] == pytest.approx(result.equity["value"].iloc[-1])
    assert len(result.trades) == result.metrics["total_trades"]
    assert result.equity.index.tz is not None


def test_a_monte_carlo_tells_its_paths_and_can_be_stopped_between_them(
    client: Client, eventually: Callable[..., None]
) -> None:
    result = client.montecarlo("sma_cross", method="circular", paths=300, seed=7, **EURUSD).wait(timeout=60).result()
    found, paths = result.montecarlo, result.paths
    assert (len(paths), found["paths"], found["seed"]) == (300, 300, 7)
    assert found["figures"]["sharpe"]["p50"] == pytest.approx(paths["sharpe"].median())
    assert found["figures"]["sharpe"]["observed"] == result.metrics["sharpe"]
    assert found["probability_of_loss"]["probability"] == (paths["total_return"] < 0).mean()
    long = client.montecarlo("sma_cross", paths=100_000, **EURUSD)
    eventually(lambda: (long.refresh().state["progress"] or {}).get("phase") == "paths")
    assert long.state["progress"]["unit"] == "paths"
    long.cancel()
    eventually(lambda: long.refresh().ended)
    assert long.status == "cancelled"


def test_a_portfolio_goes_from_post_to_its_parts(client: Client) -> None:
    posted = {
        "strategies": [
            {"strategy_id": "sma_cross", "name": "trend", **EURUSD},
            {"strategy_id": "buy_and_hold", "dataset": "sp500_daily", "name": "hold"},
        ],
        "allocation": "inverse_volatility",
        "benchmark": "SP500",
        "start_date": "2016-01-01",
    }
    result = client.portfolio(**posted).wait(timeout=60).result()
    told = result.data["portfolio"]
    assert sum(told["attribution"].values()) == pytest.approx(result.metrics["total_return"], abs=1e-12)
    assert [sleeve["name"] for sleeve in told["sleeves"]] == ["trend", "hold"]
    assert result.metrics["beta"] is not None
    assert result.equity["value"].iloc[-1] == result.metrics["final_equity"]
    held = client.api("GET", f"/jobs/{result.job_id}/export", query={"part": "positions", "format": "json"})
    assert {row["symbol"] for row in held["positions"]} == {"EURUSD", "SP500"}
    assert client.portfolio(**posted).cached


def test_an_identical_request_is_answered_from_the_store(client: Client) -> None:
    first = client.backtest("sma_cross", params={"fast": 12}, **EURUSD).wait(timeout=30)
    again = client.backtest("sma_cross", params={"fast": 12}, **EURUSD)
    fresh = client.backtest("sma_cross", params={"fast": 12}, **EURUSD, fresh=True).wait(timeout=30)
    assert (again.id, again.cached, again.status) == (first.id, True, "succeeded")
    assert fresh.id != first.id
    assert fresh.result().data["provenance"]["result_hash"] == first.result().data["provenance"]["result_hash"]


def test_events_are_heard_live_in_order(client: Client) -> None:
    with client.listen() as listener:
        job = client.backtest("buy_and_hold", **EURUSD, fresh=True)
        heard = []
        for event in listener.events(timeout=30):
            if event.job_id == job.id:
                heard.append(event)
                if event.ended:
                    break
    durable = [event.type for event in heard if event.seq is not None]
    assert durable == ["job_queued", "job_running", "job_succeeded"]
    assert "job_progress" in {event.type for event in heard}
    assert [event.type for event in client.job(job.id).events()] == durable


def test_watching_a_job_that_has_ended_tells_its_whole_story(client: Client) -> None:
    job = client.backtest("buy_and_hold", **EURUSD, fresh=True).wait(timeout=30)
    told = [event.type for event in job.watch(timeout=10)]
    assert told == ["job_queued", "job_running", "job_succeeded"]


def test_a_queued_job_is_cancelled_at_once(server: Any, client: Client) -> None:
    with frozen_workers(server):
        job = client.backtest("sma_cross", params={"fast": 13}, **EURUSD)
        assert job.refresh().status == "queued"
        assert job.cancel().status == "cancelled"
    with pytest.raises(JobFailed, match="cancelled"):
        job.wait(timeout=5)
    with pytest.raises(ApiError) as caught:
        job.result()
    assert caught.value.status == 409
    assert job.retry().wait(timeout=30).status == "succeeded"


def test_a_job_without_a_result_says_not_ready(server: Any, client: Client) -> None:
    with frozen_workers(server):
        job = client.backtest("sma_cross", params={"fast": 14}, **EURUSD)
        with pytest.raises(ApiError) as caught:
            job.result()
    assert caught.value.status == 409
    assert caught.value.code == "not_ready"
    job.wait(timeout=30)


def test_a_misspelt_strategy_gets_a_suggestion(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.backtest("sma_cros")
    assert (caught.value.status, caught.value.nearest) == (422, "sma_cross")


def test_the_command_line_runs_a_backtest_and_shows_it(server: Any) -> None:
    said = queuant(
        server, "run", "sma_cross", "-p", "fast=15", "--dataset", "fx_daily", "--symbols", "EURUSD", "--fresh"
    )
    assert said.returncode == 0, said.stderr
    assert "live  succeeded" in said.stderr
    assert "next_close" in said.stdout
    assert "Sharpe" in said.stdout
    listed = queuant(server, "jobs", "--limit", "1")
    assert "succeeded" in listed.stdout


def test_the_command_line_shows_the_shelf_and_the_data(server: Any) -> None:
    assert "donchian_breakout" in queuant(server, "strategies").stdout
    assert "fast" in queuant(server, "strategies", "sma_cross").stdout
    assert "fx_daily" in queuant(server, "data").stdout
    assert "EURUSD" in queuant(server, "data", "fx_daily").stdout


def test_signals_that_were_asked_for_are_there_when_the_worker_is_done(server: Any, client: Client) -> None:
    state = client.api("POST", "/strategies/donchian_breakout/signal", idempotency_key=uuid.uuid4().hex)
    assert client.job(state["job_id"]).wait(timeout=60).status == "succeeded"
    (told,) = client.signals("donchian_breakout")["signals"]
    newest = client.signals("donchian_breakout", days=30)["signals"][-1]
    assert told == newest
    assert told["direction"] in ("LONG", "SHORT", "NEUTRAL")
    shown = queuant(server, "signals", "donchian_breakout")
    assert shown.returncode == 0, shown.stderr
    assert told["direction"] in shown.stdout


def test_a_second_server_of_the_same_home_says_who_holds_it(server: Any) -> None:
    said = queuant(server, "serve")
    assert said.returncode == 2
    assert server.note["api_url"] in said.stderr
    assert str(server.process.pid) in said.stderr


def test_a_port_that_was_asked_for_and_is_taken_is_named(server: Any, new_server: Callable[..., Any]) -> None:
    other = new_server("--port", str(server.port))
    assert other.process.wait(30) == 2
    assert f"Port {server.port} on 127.0.0.1 is taken by" in other.said()
    assert other.processes() == {}


def test_a_strategy_in_the_home_folder_runs_without_a_restart_and_a_broken_one_is_told(server: Any) -> None:
    assert queuant(server, "strategies", "new", "of_mine").returncode == 0
    done = queuant(server, "run", "of_mine", "--dataset", "fx_daily", "--symbols", "EURUSD", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["request"]["strategy_id"] == "of_mine"
    path = server.home / "strategies" / "of_mine.py"
    path.write_text(path.read_text().replace("indicators.latch(bars.close", "indicators.latch(bars.price"))
    assert (
        "AttributeError: 'Bars' object has no attribute 'price' (of_mine.py, line "
        in queuant(server, "run", "of_mine").stderr
    )
    path.write_text("def of_mine(:\n")
    assert "of_mine.py is left out: line 1: SyntaxError" in queuant(server, "strategies").stderr
    refused = queuant(server, "run", "of_mine").stderr
    assert refused.startswith("There is no strategy 'of_mine': of_mine.py is left out: line 1: SyntaxError")
    shutil.rmtree(server.home / "strategies")


def queuant(server: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env={**os.environ, "QUEUANT_HOME": str(server.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
