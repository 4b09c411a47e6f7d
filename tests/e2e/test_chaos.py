"""Whatever dies, every job ends, none is lost and none has two results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import chaos
from bench.chaos.faults import kinds_for


@pytest.mark.timeout(300)
def test_every_job_ends_once_whatever_is_killed_frozen_emptied_or_locked(new_home: Callable[[], Path]) -> None:
    report = chaos.run(150, seed=1, home=new_home(), rate=15, pause_seconds=0.5, outage_seconds=2.0)
    assert report.ok, report
    assert sum(report.found.statuses.values()) == 150
    assert set(report.faults) == set(kinds_for(150))
    assert report.found.unlucky == 0
    assert report.poison == 1
    assert report.acknowledged_cancels >= 1
    assert report.found.statuses["cancelled"] == report.acknowledged_cancels


@pytest.mark.timeout(300)
def test_a_burst_of_jobs_survives_the_queue_server(new_home: Callable[[], Path]) -> None:
    """The server dies while every process is busy: their acknowledgements have nobody to go to."""
    report = chaos.run(30, seed=2, home=new_home(), rate=60, pause_seconds=0.25, kinds=["queue server killed"])
    assert report.ok, report
    assert sum(report.found.statuses.values()) == 30
