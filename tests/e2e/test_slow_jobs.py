"""Jobs that run for seconds: progress, not-ready results, cancels, and workers that die or stop meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.client import ApiError
from app.settings import Settings
from app.store import Store

MINUTES = 1_500_000
# It takes seconds on the fastest machine too: it is called once, and again at every place where its honesty is checked.
SLEEPER = '''
import time

import numpy as np

from engine import strategy


@strategy(family="house", source="house", dataset="fx_daily", symbols=("EURUSD",))
def sleeper(bars):
    """Sleep, and hold nothing."""
    time.sleep(0.7)
    return np.zeros(bars.close.shape)
'''
SLOW = {"dataset": "minutes", "params": {"fast": 20, "slow": 50}, "fresh": True}


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset of minute closes, large enough to keep a worker busy for seconds."""
    folder = tmp_path_factory.mktemp("datasets") / "minutes"
    folder.mkdir()
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-4, (MINUTES, 4)), axis=0))
    time = np.datetime64("2020-01-01", "ms") + np.arange(MINUTES) * np.timedelta64(1, "m")
    table = pa.table({"date": time, **{name: closes[:, column] for column, name in enumerate("ABCD")}})
    pyarrow.parquet.write_table(table, folder / "data.parquet")
    digest = hashlib.sha256((folder / "data.parquet").read_bytes()).hexdigest()
    words = dict.fromkeys(("title", "calendar", "source", "cite", "licence", "units", "notes"), "a random walk")
    manifest = {"kind": "bars", "frequency": "minute", "quality": "synthetic", "file": "data.parquet"}
    manifest |= {"sha256": digest, "time": "date", "layout": "wide", **words}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder.parent


@pytest.fixture(scope="session")
def slow_server(new_server: Callable[..., Any], datasets: Path) -> Any:
    server = new_server("--workers", "1", QUEUANT_DATASET_ROOTS=str(datasets), QUEUANT_LEASE_SECONDS="3")
    return server.wait_until_ready()


@pytest.mark.timeout(240)
def test_a_running_job_tells_its_progress_has_no_result_and_stops_when_cancelled(
    slow_server: Any, eventually: Callable[..., None]
) -> None:
    with slow_server.client() as client:
        job = client.backtest("sma_cross", **SLOW)
        eventually(lambda: client.job(job.id).state["progress"] is not None, 60)
        assert client.job(job.id).state["progress"]["unit"] == "bars"
        with pytest.raises(ApiError) as refused:
            job.result()
        assert (refused.value.status, refused.value.code) == (409, "not_ready")
        client.job(job.id).cancel()
        eventually(lambda: client.job(job.id).status == "cancelled", 30)
        with pytest.raises(ApiError) as refused:
            job.result()
        assert (refused.value.status, refused.value.code) == (409, "job_cancelled")


@pytest.mark.timeout(240)
def test_a_job_whose_worker_process_is_killed_runs_again_at_once(
    slow_server: Any, eventually: Callable[..., None]
) -> None:
    with slow_server.client() as client:
        job = client.backtest("sma_cross", **SLOW)
        eventually(lambda: client.job(job.id).status == "running", 60)
        for child in slow_server.pids("workers worker")[1:]:
            os.kill(child, signal.SIGKILL)
        done = job.wait(timeout=120)
        assert (done.status, client.job(job.id).state["attempt"]) == ("succeeded", 2)


@pytest.mark.timeout(240)
def test_a_worker_that_is_stopped_lets_its_job_end_and_waits_no_longer(
    new_server: Callable[..., Any], tmp_path: Path, eventually: Callable[..., None]
) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER.replace("0.7", "0.1"))
    variables = {"QUEUANT_STRATEGY_DIRS": str(tmp_path), "QUEUANT_GRACE_SECONDS": "40"}
    server = new_server("--workers", "1", **variables).wait_until_ready()
    with server.client() as client:
        job = client.backtest("sleeper")
        eventually(lambda: client.job(job.id).status == "running", 60)
    began = time.monotonic()
    assert server.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 30
    store = Store(Settings.from_env({}, home=server.home).database_url)
    (row,) = store.read.ended(0.0)
    store.close()
    assert (row.id, row.status, row.attempt) == (job.id, "succeeded", 1)


@pytest.mark.timeout(240)
def test_a_worker_that_is_stopped_hands_its_job_back_without_counting_the_attempt(
    new_server: Callable[..., Any], tmp_path: Path, eventually: Callable[..., None]
) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    variables = {"QUEUANT_STRATEGY_DIRS": str(tmp_path), "QUEUANT_GRACE_SECONDS": "1"}
    server = new_server("--workers", "1", **variables).wait_until_ready()
    with server.client() as client:
        job = client.backtest("sleeper")
        eventually(lambda: client.job(job.id).status == "running", 60)
    assert server.end(signal.SIGTERM) == 0

    again = new_server("--workers", "1", home=server.home, **variables).wait_until_ready()
    with again.client() as client:
        assert client.job(job.id).wait(timeout=120).status == "succeeded"
        assert client.job(job.id).state["attempt"] == 1
        told = [event.type for event in client.past_events(job.id)]
    assert told == ["job_queued", "job_running", "job_queued", "job_running", "job_succeeded"]
