"""A job that is done in chunks: each counts once, whoever dies, and the job ends when the last of them has."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.errors import LeaseLost, Unknown
from app.store import Chunk, JobFilter, Output, Rest
from app.tables import artifacts, jobs

FOUND = Output(None, "", {"part": b"PAR"}, 100.0)


def chunks(count, *, size=10, done=0):
    """So many chunks in a row; the first ones have been done."""
    return [
        Chunk(at * size, (at + 1) * size, b"PAR" if at < done else None, 50.0 if at < done else 0.0)
        for at in range(count)
    ]


def parked(world, count=3, **options):
    """A job that waits for its chunks, and their ids."""
    claim = world.running()
    assert world.jobs.park(claim, Rest(chunks(count, **options))) == "running"
    return claim, list(world.queue.rung["batch"])


def finished(world, chunk_id, worker="w2"):
    assert world.jobs.finish(world.claim(chunk_id, worker), FOUND) == "succeeded"


def children(world, parent_id):
    with world.store.database.read() as tx:
        return tx.execute(select(jobs).where(jobs.c.parent_id == parent_id)).all()


def test_a_parked_job_holds_no_lease_and_is_nobodys(world):
    claim, waiting = parked(world)

    row = world.row(claim.job_id)
    assert (row.status, row.lease_owner, row.lease_until) == ("running", None, None)
    assert (row.units, row.done, row.pending) == (30, 0, 3)
    assert len(waiting) == 3
    world.expire()
    assert world.jobs.reap() == 0
    assert world.jobs.claim(claim.job_id, lease_owner="w9") is None
    assert world.jobs.held_by("w1") == []


def test_a_beat_that_comes_after_the_parking_takes_no_lease(world):
    """Else the lease ran out, and the job was taken for lost, queued, and gathered from the chunks done by then."""
    claim, _ = parked(world)

    with pytest.raises(LeaseLost):
        world.jobs.beat(claim, {"done": 1})
    assert world.row(claim.job_id).lease_until is None
    assert world.row(claim.job_id).progress is None
    world.expire()
    assert world.jobs.reap() == 0


def test_who_was_fenced_off_parks_nothing(world):
    claim = world.running()
    world.expire()
    world.jobs.reap()

    assert world.jobs.park(claim, Rest(chunks(3))) is None
    assert children(world, claim.job_id) == []
    assert world.queue.length("batch") == 0


def test_every_chunk_counts_once_and_the_last_one_wakes_the_job(world):
    claim, waiting = parked(world)
    world.queue.take()  # the job's own first doorbell
    for number, chunk_id in enumerate(waiting, start=1):
        held = world.claim(chunk_id, "w2")
        assert world.jobs.finish(held, FOUND) == "succeeded"
        assert world.jobs.finish(held, FOUND) is None
        row = world.row(claim.job_id)
        assert (row.done, row.pending) == (number * 10, 3 - number)
        assert list(world.queue.rung["interactive"]) == ([claim.job_id] if number == 3 else [])

    gathering = world.claim(claim.job_id, "w3")
    assert gathering.parked
    assert gathering.fence > claim.fence
    found = world.store.families.parts(claim.job_id)
    assert [(part.first, part.stop, part.found) for part in found] == [
        (0, 10, b"PAR"),
        (10, 20, b"PAR"),
        (20, 30, b"PAR"),
    ]


def test_the_chunks_are_gone_when_the_job_has_its_result(world):
    claim, waiting = parked(world, done=1)
    for chunk_id in waiting:
        finished(world, chunk_id)
    assert world.jobs.finish(world.claim(claim.job_id), world.output) == "succeeded"

    row = world.row(claim.job_id)
    assert row.compute_ms == pytest.approx(12.5 + 50.0 + 2 * 100.0)
    assert children(world, claim.job_id) == []
    with world.store.database.read() as tx:
        names = tx.execute(select(artifacts.c.name).where(artifacts.c.job_id == claim.job_id)).scalars().all()
    assert sorted(names) == ["equity", "trades"]


def test_a_job_whose_chunks_were_all_done_before_is_ready_at_once(world):
    claim, waiting = parked(world, 2, done=2)

    assert waiting == []
    assert world.jobs.claim(claim.job_id, lease_owner="w2").parked


def test_nobody_hears_of_chunks(world):
    claim, waiting = parked(world)
    for chunk_id in waiting:
        finished(world, chunk_id)
    world.jobs.finish(world.claim(claim.job_id), world.output)

    assert world.told(claim.job_id) == ["job_queued", "job_running", "job_succeeded"]
    assert [event.data["job_id"] for event in world.store.events.since("jobs:ada", 0)] == [claim.job_id] * 3
    rows, _ = world.jobs.page("ada", JobFilter(), limit=10, before=None)
    assert [row.id for row in rows] == [claim.job_id]


def test_a_chunk_is_no_job_of_its_owner(world):
    _, waiting = parked(world)

    with pytest.raises(Unknown):
        world.jobs.get(waiting[0], "ada")
    with pytest.raises(Unknown):
        world.jobs.cancel(waiting[0], "ada")


def test_progress_is_told_as_chunks_end(world):
    with world.bus.subscribe() as ear:
        claim, waiting = parked(world, done=1)
        finished(world, waiting[0])
        heard = []
        while news := ear.next(0.05):
            heard.append(news)
    told = [news for news in heard if "job_progress" in str(news) and f"jobs/{claim.job_id}" in str(news)]
    assert len(told) == 1
    assert '"done":20' in str(told[0])
    assert '"total":30' in str(told[0])


def test_a_chunk_whose_worker_is_lost_is_tried_again(world):
    claim, waiting = parked(world)
    held = world.claim(waiting[0], "w2")
    world.expire()
    assert world.jobs.reap() == 1

    assert world.jobs.finish(held, FOUND) is None
    assert world.row(claim.job_id).pending == 3
    for chunk_id in waiting:
        finished(world, chunk_id, "w3")
    assert world.row(claim.job_id).pending == 0


def test_a_chunk_that_fails_for_good_fails_its_job_and_calls_the_others_off(world):
    claim, waiting = parked(world)
    running = world.claim(waiting[1], "w3")
    assert world.jobs.fail(world.claim(waiting[0], "w2"), world.error) == "failed"

    row = world.row(claim.job_id)
    assert row.status == "failed"
    assert row.error == {**world.error, "part": {"first": 0, "stop": 10}}
    assert world.told(claim.job_id)[-1] == "job_failed"
    assert world.row(waiting[2]).status == "cancelled"
    assert world.jobs.beat(running)  # it is asked to stop
    assert world.jobs.finish(running, FOUND) == "cancelled"


def test_a_chunk_that_loses_every_worker_fails_its_job(world):
    claim, waiting = parked(world, 1)
    for _ in range(3):
        world.claim(waiting[0], "w2")
        world.expire()
        world.jobs.reap()

    assert world.row(claim.job_id).status == "failed"
    assert world.row(claim.job_id).error["code"] == "worker_lost"


def test_cancelling_ends_a_parked_job_at_once_and_keeps_what_is_done(world):
    claim, waiting = parked(world)
    finished(world, waiting[0])
    running = world.claim(waiting[1], "w3")

    assert world.jobs.cancel(claim.job_id, "ada").status == "cancelled"
    assert world.row(waiting[2]).status == "cancelled"
    assert world.jobs.finish(running, FOUND) == "cancelled"
    assert [part.first for part in world.store.families.parts(claim.job_id)] == [0]
    assert world.told(claim.job_id)[-1] == "job_cancelled"
    assert world.jobs.claim(claim.job_id, lease_owner="w4") is None


def test_a_cancel_before_the_parking_wins_and_keeps_what_is_done(world):
    claim = world.running()
    world.jobs.cancel(claim.job_id, "ada")

    assert world.jobs.park(claim, Rest(chunks(3, done=1))) == "cancelled"
    assert world.queue.length("batch") == 0
    assert [row.status for row in children(world, claim.job_id)] == ["succeeded"]
    assert world.told(claim.job_id)[-1] == "job_cancelled"


def test_no_worker_takes_a_chunk_of_a_job_that_has_ended(world):
    """Whoever ended the job may die before it calls the chunks off: the supervisor does."""
    claim, waiting = parked(world)
    assert world.store.jobs.cancel(claim.job_id, "ada")

    assert world.jobs.claim(waiting[0], lease_owner="w2") is None
    assert world.row(waiting[0]).status == "queued"
    assert world.jobs.call_off() == 3
    assert world.jobs.call_off() == 0
    assert {row.status for row in children(world, claim.job_id)} == {"cancelled"}


def test_a_round_of_a_supervisor_takes_back_calls_off_and_rings(world):
    claim, _ = parked(world)
    assert world.store.jobs.cancel(claim.job_id, "ada")  # and nobody calls its chunks off
    lost = world.running("w2")
    world.clock.advance(world.jobs.lease_seconds + 1)
    forgotten = world.submit()
    world.queue.rung["interactive"].clear()
    world.clock.advance(3)

    assert world.jobs.make_round() == (1, 1)
    assert {row.status for row in children(world, claim.job_id)} == {"cancelled"}
    assert set(world.queue.rung["interactive"]) == {lost.job_id, forgotten.id}
    assert world.jobs.make_round() == (0, 0)


def test_deleting_a_job_takes_its_chunks_along(world):
    claim, waiting = parked(world)
    running = world.claim(waiting[0], "w2")
    world.jobs.cancel(claim.job_id, "ada")
    world.jobs.delete(claim.job_id, "ada")

    assert children(world, claim.job_id) == []
    assert world.jobs.finish(running, FOUND) is None


def test_a_lost_doorbell_of_a_chunk_or_of_a_ready_job_is_rung_again(world):
    claim, waiting = parked(world, 1)
    for name in ("interactive", "batch"):
        world.queue.rung[name].clear()
    world.clock.advance(3)
    assert world.jobs.ring_missing() == 1
    assert list(world.queue.rung["batch"]) == waiting

    finished(world, waiting[0])
    for name in ("interactive", "batch"):
        world.queue.rung[name].clear()
    world.clock.advance(3)
    assert world.jobs.ring_missing() == 1
    assert list(world.queue.rung["interactive"]) == [claim.job_id]


def test_whoever_gathers_and_is_lost_is_followed_by_another(world):
    claim, waiting = parked(world, 1)
    finished(world, waiting[0])
    lost = world.claim(claim.job_id, "w2")
    world.expire()
    world.jobs.reap()

    assert world.row(claim.job_id).status == "queued"
    again = world.claim(claim.job_id, "w3")
    assert again.parked
    assert world.jobs.finish(lost, world.output) is None
    assert world.jobs.finish(again, world.output) == "succeeded"


def test_chunks_do_not_count_among_the_jobs_that_an_owner_may_queue(new_world):
    world = new_world(max_queued=2)
    parked(world, 5)

    world.submit()
    world.submit()


def test_chunks_that_end_at_the_same_moment_are_all_counted(world):
    claim, waiting = parked(world, 8)
    held = [world.claim(chunk_id, f"w{number}") for number, chunk_id in enumerate(waiting)]
    start = threading.Barrier(8)

    def end(chunk):
        start.wait()
        return world.jobs.finish(chunk, FOUND)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(end, held)) == ["succeeded"] * 8
    row = world.row(claim.job_id)
    assert (row.done, row.pending) == (80, 0)
    assert list(world.queue.rung["interactive"]).count(claim.job_id) == 2  # when it was submitted, and now


def test_chunks_that_fail_while_their_job_is_cancelled_end_everything_once(world):
    claim, waiting = parked(world, 6)
    held = [world.claim(chunk_id, f"w{number}") for number, chunk_id in enumerate(waiting)]
    start = threading.Barrier(7)

    def act(number):
        start.wait()
        if number == 6:
            return world.store.jobs.cancel(claim.job_id, "ada")
        return world.jobs.fail(held[number], world.error)

    with ThreadPoolExecutor(7) as pool:
        list(pool.map(act, range(7)))
    world.jobs.call_off()
    assert world.row(claim.job_id).status in ("failed", "cancelled")
    ends = [kind for kind in world.told(claim.job_id) if kind in ("job_failed", "job_cancelled")]
    assert len(ends) == 1
    assert all(row.status in ("failed", "cancelled") for row in children(world, claim.job_id))
