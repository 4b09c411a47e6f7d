"""Doorbells may be lost: the supervisor rings again by the deficit of the queue, and never storms."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import QueueUnavailable
from app.jobs import SILENT_SECONDS
from app.store import NewJob, lifecycle

SILENT = SILENT_SECONDS + 0.1


def lose_bells(world, count):
    for _ in range(count):
        world.queue.take()


def bells(world):
    return list(world.queue.rung["interactive"])


def test_nothing_is_rung_while_every_job_has_its_doorbell(world):
    for _ in range(5):
        world.submit()
    world.clock.advance(60)

    assert world.jobs.ring_missing() == 0
    assert world.queue.length("interactive") == 5


def test_a_lost_doorbell_is_rung_again_after_the_silent_time(world):
    job_id = world.submit().id
    lose_bells(world, 1)
    world.clock.advance(SILENT_SECONDS)
    assert world.jobs.ring_missing() == 0
    world.clock.advance(0.1)

    assert world.jobs.ring_missing() == 1
    assert bells(world) == [job_id]
    assert world.jobs.ring_missing() == 0


def test_a_doorbell_that_is_lost_again_is_rung_again(world):
    job_id = world.submit().id
    for _ in range(3):
        lose_bells(world, 1)
        assert world.jobs.ring_missing() == 0  # it was rung a moment ago
        world.clock.advance(SILENT)
        assert world.jobs.ring_missing() == 1
    assert bells(world) == [job_id]


def test_an_emptied_queue_is_filled_at_once(world):
    ids = [world.submit().id for _ in range(12)]
    world.queue.rung["interactive"].clear()
    world.clock.advance(SILENT)

    assert world.jobs.ring_missing() == 12
    assert sorted(bells(world)) == sorted(ids)


@pytest.mark.parametrize("lost", range(7))
def test_there_are_never_more_doorbells_than_waiting_jobs(world, lost):
    for _ in range(6):
        world.submit()
    lose_bells(world, lost)
    for _ in range(4):
        world.clock.advance(SILENT)
        world.jobs.ring_missing()
        assert world.queue.length("interactive") == 6


def test_the_longest_silent_is_rung_first(world):
    rows = []
    for _ in range(4):
        rows.append(world.submit().id)
        world.clock.advance(1)
    world.clock.advance(SILENT)
    lose_bells(world, 2)

    assert world.jobs.ring_missing() == 2
    assert bells(world)[-2:] == rows[:2]


def test_a_stale_doorbell_delays_a_lost_one_only_until_it_is_heard(world):
    cancelled, waiting = world.submit().id, world.submit().id
    world.jobs.cancel(cancelled, "ada")
    world.queue.rung["interactive"].remove(waiting)
    world.clock.advance(SILENT)
    assert world.jobs.ring_missing() == 0  # one job waits, one doorbell is there

    assert world.jobs.claim(world.queue.take(), lease_owner="w1") is None
    assert world.jobs.ring_missing() == 1
    assert bells(world) == [waiting]


def test_only_waiting_jobs_are_rung(world):
    world.running()
    world.succeeded()
    cancelled = world.submit()
    world.jobs.cancel(cancelled.id, "ada")
    world.queue.rung["interactive"].clear()
    world.clock.advance(SILENT)

    assert world.jobs.ring_missing() == 0


def test_each_queue_has_its_own_deficit(world):
    world.submit()
    batch = NewJob("b1", "ada", "backtest", "batch", {}, "h", 3)
    world.store.jobs.submit(batch, idempotency=None, reuse=False, max_queued=9)  # committed, then never rung
    world.clock.advance(SILENT)

    assert world.jobs.ring_missing() == 1
    assert world.queue.take("batch") == "b1"
    assert world.queue.length("interactive") == 1


def test_several_supervisors_ring_each_job_once(world):
    ids = [world.submit().id for _ in range(20)]
    world.queue.rung["interactive"].clear()
    world.clock.advance(SILENT)
    start = threading.Barrier(5)

    def supervise(_):
        start.wait()
        world.jobs.reap()
        return world.jobs.ring_missing()

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(supervise, range(5))) == 20
    assert sorted(bells(world)) == sorted(ids)


def test_one_round_rings_so_many_jobs_at_most_and_the_next_goes_on(world, monkeypatch):
    monkeypatch.setattr(lifecycle, "RING_AT_MOST", 3)
    ids = [world.submit().id for _ in range(5)]
    world.queue.rung["interactive"].clear()
    world.clock.advance(SILENT)

    assert [world.jobs.ring_missing() for _ in range(3)] == [3, 2, 0]
    assert sorted(bells(world)) == sorted(ids)


class Deaf:
    """A queue or bus whose server does not answer."""

    def __init__(self, quiet_after: int = 0) -> None:
        self.left = quiet_after

    def ring(self, job_id: str, queue: str) -> None:
        self._answer()

    def publish(self, event: object) -> None:
        self._answer()

    def length(self, queue: str) -> int:
        return 0

    def _answer(self) -> None:
        if self.left <= 0:
            raise QueueUnavailable("The queue server does not answer.")
        self.left -= 1


def test_a_client_does_not_notice_that_queue_and_bus_are_away(world, monkeypatch):
    monkeypatch.setattr(world.jobs, "_queue", Deaf())
    monkeypatch.setattr(world.jobs, "_bus", Deaf())

    row = world.submit()
    claim = world.claim(row.id)
    world.jobs.tell_progress(claim, {"done": 1}, world.clock.now)
    assert world.jobs.give_back(row.id, lease_owner="w1") == "queued"
    claim = world.claim(row.id)
    world.jobs.cancel(row.id, "ada")
    assert world.jobs.finish(claim, world.output) == "cancelled"
    world.jobs.retry(row.id, "ada")
    assert world.told(row.id) == [
        f"job_{state}" for state in ("queued", "running", "queued", "running", "cancelling", "cancelled")
    ]


def test_a_change_waits_only_once_for_a_bus_that_is_away(world, monkeypatch):
    waits = []

    class Slow(Deaf):
        def publish(self, event):
            waits.append(event)
            super().publish(event)

    monkeypatch.setattr(world.jobs, "_bus", Slow())
    world.submit()
    assert len(waits) == 1


def test_many_jobs_wait_only_once_for_a_queue_and_a_bus_that_are_away(world, monkeypatch):
    tried = []

    class Slow(Deaf):
        def _answer(self):
            tried.append(self)
            super()._answer()

    bus, queue = Slow(), Slow()
    monkeypatch.setattr(world.jobs, "_bus", bus)
    monkeypatch.setattr(world.jobs, "_queue", queue)
    found = world.jobs.submit_all("ada", "backtest", [({"seed": seed}, ()) for seed in range(9)])
    assert {row.status for row, _ in found} == {"queued"}
    assert tried == [bus, queue]


def test_what_could_not_be_rung_is_rung_when_the_queue_is_back(world, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(world.jobs, "_queue", Deaf())
        ids = [world.submit().id for _ in range(3)]
    world.clock.advance(SILENT)

    assert world.jobs.ring_missing() == 3
    assert sorted(bells(world)) == sorted(ids)


def test_a_queue_that_goes_away_between_two_doorbells_loses_none_for_good(world, monkeypatch):
    ids = [world.submit().id for _ in range(4)]
    world.queue.rung["interactive"].clear()
    world.clock.advance(SILENT)
    with monkeypatch.context() as patch:
        patch.setattr(world.jobs, "_queue", Deaf(quiet_after=2))
        with pytest.raises(QueueUnavailable):
            world.jobs.ring_missing()
    world.clock.advance(SILENT)

    assert world.jobs.ring_missing() == 4
    assert sorted(bells(world)) == sorted(ids)
