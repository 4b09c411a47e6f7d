"""A search that is shared among workers: whoever dies, its result is that of one process that nobody disturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import chaos_sweep
from bench.fleet import Fleet

# Sleeps, so that chunks last; ends its own process where it is told to.
DOOMED = '''
import os
import signal
import time
from typing import Annotated

import numpy as np

from engine import Range, strategy


@strategy(family="house", source="house", dataset="fx_daily", symbols=("EURUSD",))
def doomed(bars, days: Annotated[int, Range(1, 5000)] = 5, last: Annotated[int, Range(1, 5000)] = 5000):
    """Hold nothing."""
    time.sleep(0.002)
    if days == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.zeros(bars.close.shape)
'''


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    home = tmp_path_factory.mktemp("fleet") / "home"
    (home / "strategies").mkdir(parents=True)
    (home / "strategies" / "doomed.py").write_text(DOOMED)
    with Fleet(home, lease_seconds=2.0, max_attempts=2) as fleet:
        yield fleet


def look(fleet: Fleet, job_id: str) -> chaos_sweep.Look:
    return chaos_sweep.Look.at(fleet, job_id)


@pytest.mark.timeout(300)
def test_a_divided_search_loses_and_doubles_nothing_when_a_node_and_the_queue_server_are_killed(
    new_home: Callable[[], Path],
) -> None:
    faults = (chaos_sweep.KILLED, chaos_sweep.QUEUE)
    report = chaos_sweep.run("sweep", 3_000, 1, new_home(), faults=faults, nap=0.002, lease_seconds=2.0)

    assert report.broken == [], chaos_sweep.said(report)
    assert sorted(fault.what for fault in report.faults) == sorted(faults)
    assert report.ledger.chunks >= 3


@pytest.mark.timeout(120)
def test_a_search_that_is_cancelled_while_its_node_dies_ends_at_once_and_leaves_nothing_running(
    fleet: Fleet, eventually: Callable[..., None]
) -> None:
    with fleet.client() as client:
        job = client.sweep("doomed", grid={"days": {"start": 1, "stop": 4000}})
        eventually(lambda: look(fleet, job.id).held(fleet.name(0)), 60)
        fleet.kill_worker(0)
        job.cancel()
        assert job.refresh().status == "cancelled"
        eventually(lambda: not _unfinished(fleet, job.id), 30)
        done = [row for row in look(fleet, job.id).chunks if row.status == "succeeded"]
        found = client.api("GET", f"/jobs/{job.id}/trials", query={"limit": 1})
        assert found["total"] == sum(row.units for row in done)
        assert [event.type for event in client.past_events(job.id)][-1] == "job_cancelled"


@pytest.mark.timeout(120)
def test_a_search_one_of_whose_trials_kills_every_worker_fails_and_says_where(
    fleet: Fleet, eventually: Callable[..., None]
) -> None:
    with fleet.client() as client:
        job = client.sweep("doomed", params={"last": 1490}, grid={"days": {"start": 1, "stop": 1500}})
        eventually(lambda: job.refresh().ended, 90)
        error = job.state["error"]
        assert (job.status, error["code"]) == ("failed", "worker_lost")
        assert error["part"]["first"] <= 1489 < error["part"]["stop"]
        eventually(lambda: not _unfinished(fleet, job.id), 30)


def _unfinished(fleet: Fleet, job_id: str) -> list[Any]:
    return [row for row in look(fleet, job_id).chunks if row.status in ("queued", "running")]
