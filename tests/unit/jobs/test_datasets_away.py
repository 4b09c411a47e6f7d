"""A job whose datasets lie in a store that is away waits for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.errors import DatasetsUnavailable
from tests.working import Hand
from workers import tasks


@pytest.fixture
def hand(world, monkeypatch):
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)
    return Hand(SimpleNamespace(jobs=world.jobs, settings=SimpleNamespace(job_seconds=60)), "node")


def away(times, then=None):
    """A run that meets such a store so often."""
    left = iter(range(times))

    def run(claim, services, report):
        if next(left, None) is None:
            return then
        raise DatasetsUnavailable("The bucket of datasets cannot be used.")

    return run


def test_it_runs_in_the_same_attempt_when_the_store_is_back(world, hand, monkeypatch):
    job = world.submit()
    monkeypatch.setattr(tasks, "run", away(3, world.output))
    assert hand.do(job.id) == "succeeded"
    assert world.row(job.id).attempt == 1


def test_it_fails_with_the_reason_when_the_store_stays_away(world, hand, monkeypatch):
    job = world.submit()
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(tasks, "run", away(10_000))
    assert hand.do(job.id) == "failed"
    assert world.row(job.id).error["code"] == "datasets_unavailable"


def test_it_can_be_cancelled_meanwhile(world, hand, monkeypatch):
    job = world.submit()
    run = away(10_000)

    def cancelled(claim, services, report):
        world.jobs.cancel(job.id, job.owner)
        return run(claim, services, report)

    monkeypatch.setattr(tasks, "run", cancelled)
    assert hand.do(job.id) == "cancelled"
