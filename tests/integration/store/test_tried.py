"""Trials that were made are counted once, and for good, whatever becomes of the job that made them."""

from __future__ import annotations

import pytest

from app.store import Chunk, Output, Rest
from engine.overfit import Tally

REQUEST = {"strategy_id": "sma_cross", "dataset_id": "fx_daily", "n": 1}
OTHER = REQUEST | {"n": 2}
ONE, THREE = Tally.of([0.5]), Tally.of([0.1, 1.0, 1.3])


def found(trials):
    return Output(None, "", {"part": b"PAR"}, 1.0, trials=trials)


def sweep(world, request=REQUEST):
    """A sweep in the hands of a worker."""
    job, _ = world.jobs.submit("ada", "sweep", request, fresh=True)
    return world.claim(job.id)


def parked(world, request=REQUEST, *, trials=None):
    """A sweep that waits for two chunks, with the trials of one that is done; the ids of the chunks."""
    claim = sweep(world, request)
    done = [Chunk(0, 3, b"PAR", 1.0)] if trials else []
    assert world.jobs.park(claim, Rest([*done, Chunk(3, 4), Chunk(4, 7)], 0, trials)) == "running"
    return claim, world.store.families.waiting(claim.job_id)


def before(world, request_hash="new", *, owner="ada", **more):
    return world.store.tried.before(owner, REQUEST | more, request_hash)


def test_a_request_counts_once_and_stays_when_its_jobs_are_deleted(world):
    made = Output({"sweep": {}}, "0f", {}, 1.0, trials=Tally(174, 3, 0.5, 0.02))
    for asked in (REQUEST, REQUEST, OTHER):
        claim = sweep(world, asked)
        world.jobs.finish(claim, made)
        world.jobs.delete(claim.job_id, "ada")

    assert before(world) == Tally(348, 6, 0.5, 0.04)
    assert before(world, claim.request_hash) == Tally(174, 3, 0.5, 0.02)
    assert before(world, owner="bob") == Tally()
    assert before(world, dataset_id="sp500_daily") == Tally()


@pytest.mark.parametrize("end", ["cancel", "fail", "delete"])
def test_what_chunks_have_tried_counts_though_the_job_ends_badly(world, end):
    claim, (first, second) = parked(world)
    world.jobs.finish(world.claim(first, "w2"), found(ONE))
    if end == "fail":
        world.jobs.fail(world.claim(second, "w3"), world.error)
    else:
        world.jobs.cancel(claim.job_id, "ada")
    if end == "delete":
        world.jobs.delete(claim.job_id, "ada")

    assert world.row(claim.job_id) is None or world.row(claim.job_id).status in ("cancelled", "failed")
    assert before(world) == ONE


def test_a_chunk_that_was_running_when_its_job_was_cancelled_counts_if_it_is_kept(world):
    claim, (first, second) = parked(world)
    held = [world.claim(first, "w2"), world.claim(second, "w3")]
    world.jobs.finish(held[0], found(ONE))
    world.jobs.cancel(claim.job_id, "ada")
    kept = world.jobs.finish(held[1], found(THREE)) == "succeeded"

    assert before(world).trials == (4 if kept else 1)


def test_what_was_done_before_the_job_was_laid_down_counts_with_its_chunks(world):
    claim, (first, _) = parked(world, trials=THREE)
    assert before(world) == THREE
    world.jobs.finish(world.claim(first, "w2"), found(ONE))
    world.jobs.cancel(claim.job_id, "ada")

    together = before(world)
    assert (together.trials, together.known) == (4, 4)
    assert together.mean == pytest.approx(Tally.of([0.5, 0.1, 1.0, 1.3]).mean, rel=1e-15)
    assert together.variance == pytest.approx(Tally.of([0.5, 0.1, 1.0, 1.3]).variance, rel=1e-15)


def test_a_job_that_ends_well_has_made_what_it_says_whatever_its_chunks_were(world):
    claim, waiting = parked(world, trials=THREE)
    for chunk, trials in zip(waiting, (ONE, THREE), strict=True):
        world.jobs.finish(world.claim(chunk, "w2"), found(trials))
    whole = Tally.of([0.1, 1.0, 1.3, 0.5, 0.1, 1.0, 1.3])
    world.jobs.finish(world.claim(claim.job_id), Output({"sweep": {}}, "0f", {}, 1.0, trials=whole))

    assert before(world) == whole


def test_of_several_jobs_of_a_request_the_one_that_came_furthest_counts(world):
    for trials in (ONE, THREE, None):
        claim, (first, _) = parked(world)
        if trials:
            world.jobs.finish(world.claim(first, "w2"), found(trials))
        world.jobs.cancel(claim.job_id, "ada")

    assert before(world) == THREE
    assert before(world, claim.request_hash) == Tally()
