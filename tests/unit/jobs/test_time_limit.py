"""A job whose time is over ends as that, wherever the signal of it came."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from engine.errors import RunFailed
from tests.working import Hand
from workers import tasks


def between(claim, services, report):
    raise SoftTimeLimitExceeded


def inside_a_strategy(claim, services, report):
    raise RunFailed("mine raised SoftTimeLimitExceeded", code="strategy_error") from SoftTimeLimitExceeded()


def forgotten(claim, services, report):
    report(1, 2, "verify")


@pytest.mark.parametrize(("run", "seconds"), [(between, 60), (inside_a_strategy, 60), (forgotten, -1)])
def test_a_job_whose_time_is_over_says_so(world, monkeypatch, run, seconds):
    job = world.submit()
    monkeypatch.setattr(tasks, "run", run)
    services = SimpleNamespace(jobs=world.jobs, settings=SimpleNamespace(job_seconds=seconds))
    assert Hand(services, "node").do(job.id) == "failed"
    assert world.jobs.get(job.id, job.owner).error["code"] == "timed_out"


def test_a_job_that_needs_too_much_memory_says_so_and_is_not_tried_again(world, monkeypatch):
    job = world.submit()

    def run(*_):
        raise MemoryError

    monkeypatch.setattr(tasks, "run", run)
    services = SimpleNamespace(jobs=world.jobs, settings=SimpleNamespace(job_seconds=60))
    assert Hand(services, "node").do(job.id) == "failed"
    row = world.row(job.id)
    assert (row.error["code"], row.attempt) == ("out_of_memory", 1)
