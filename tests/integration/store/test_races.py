"""Many processes at one job or one queue: each thing happens once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import Conflict


def at_once(count, action):
    """What `count` threads get that all start at the same moment."""
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        return action(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_one_of_many_workers_gets_the_job(world):
    job_id = world.submit().id
    claims = at_once(10, lambda number: world.jobs.claim(job_id, lease_owner=f"w{number}"))

    winner = [claim for claim in claims if claim]
    assert len(winner) == 1
    assert world.row(job_id).attempt == 1
    assert world.told(job_id) == ["job_queued", "job_running"]


def test_one_of_many_finishes_is_stored(world):
    claim = world.running()
    ends = at_once(10, lambda _: world.jobs.finish(claim, world.output))

    assert sorted(ends, key=str) == [None] * 9 + ["succeeded"]


def test_many_supervisors_give_an_expired_job_back_once(world):
    claims = [world.running() for _ in range(6)]
    world.expire()

    assert sum(at_once(6, lambda _: world.jobs.reap())) == 6
    for claim in claims:
        assert world.told(claim.job_id) == ["job_queued", "job_running", "job_queued"]
        assert world.row(claim.job_id).fence == 2


def test_many_supervisors_ring_each_lost_doorbell_once(world):
    ids = [world.submit().id for _ in range(30)]
    world.queue.rung["interactive"].clear()
    world.clock.advance(3)

    rung = at_once(6, lambda _: world.store.jobs.ring_again("interactive", count=30, silent_seconds=2))
    assert sorted(job_id for some in rung for job_id in some) == sorted(ids)


def test_a_cancel_that_was_accepted_is_never_followed_by_success(world):
    for _ in range(8):
        claim = world.running()

        def act(number, claim=claim):
            if number:
                return world.jobs.finish(claim, world.output)
            try:
                return world.jobs.cancel(claim.job_id, "ada").id
            except Conflict:
                return None

        accepted, end = at_once(2, act)
        assert end == ("cancelled" if accepted else "succeeded")


@pytest.mark.parametrize("count", [12])
def test_a_cancel_races_a_claim_and_the_job_still_ends(world, count):
    for _ in range(count):
        job_id = world.submit().id
        claim, row = at_once(
            2,
            lambda number, job_id=job_id: (
                world.jobs.cancel(job_id, "ada") if number else world.jobs.claim(job_id, lease_owner="w1")
            ),
        )
        if claim is None:
            assert row.status == "cancelled"
        else:
            assert world.jobs.finish(claim, world.output) == "cancelled"
