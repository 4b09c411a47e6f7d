"""Whatever dies, every job ends, none is lost and none has two results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import chaos


@pytest.mark.timeout(300)
def test_every_job_ends_once_while_workers_and_the_queue_are_killed(new_home: Callable[[], Path]) -> None:
    report = chaos.run(150, seed=1, home=new_home(), rate=15)
    assert report.ok, report
    assert sum(report.statuses.values()) == 150
    assert report.faults["queue server killed"] == 1
    assert report.faults["queue emptied"] == 1
    assert report.faults["worker node killed"] == 1
    assert report.faults["worker process killed"] >= 5


@pytest.mark.timeout(300)
def test_a_burst_of_jobs_survives_the_queue_server(new_home: Callable[[], Path]) -> None:
    """The server dies while every process is busy: their acknowledgements have nobody to go to."""
    report = chaos.run(30, seed=2, home=new_home(), rate=60)
    assert report.ok, report
    assert sum(report.statuses.values()) == 30
