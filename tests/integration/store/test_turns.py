"""Owners whose jobs wait take turns, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.store import Chunk, Rest, turns

CHUNKS = Rest([Chunk(at, at + 1) for at in range(3)])


def submit(world, owner, count=1):
    jobs = []
    for _ in range(count):
        world.clock.advance(1)
        jobs.append(world.submit(owner).id)
    return jobs


def take(world, bell, worker="w1"):
    world.clock.advance(1)
    return world.jobs.claim_next(bell, lease_owner=worker)


def owners(world, bell, count):
    """Whose jobs are begun, and ended before the next one begins."""
    found = []
    for _ in range(count):
        claim = take(world, bell)
        found.append(claim.owner)
        world.jobs.finish(claim, world.output)
    return found


def test_jobs_of_one_owner_begin_in_the_order_in_which_they_were_posted(world):
    jobs = submit(world, "ada", 4)
    assert [take(world, jobs[-1]).job_id for _ in jobs] == jobs
    assert take(world, jobs[0]) is None


def test_one_job_behind_many_of_another_owner_is_second(world):
    many = submit(world, "ada", 20)
    only = submit(world, "bob")
    assert owners(world, many[0], 4) == ["ada", "bob", "ada", "ada"]
    assert world.row(only[0]).status == "succeeded"


def test_owners_take_turns_while_they_have_jobs(world):
    bells = submit(world, "ada", 5) + submit(world, "bob", 2) + submit(world, "cy", 3)
    assert owners(world, bells[0], 10) == ["ada", "bob", "cy", "ada", "bob", "cy", "ada", "cy", "ada", "ada"]


def test_who_has_the_fewest_running_jobs_is_next_whenever_they_began(world):
    bells = submit(world, "ada", 6)
    held = [take(world, bells[0]) for _ in range(4)]
    submit(world, "bob", 3)
    assert [take(world, bells[0]).owner for _ in range(3)] == ["bob", "bob", "bob"]  # 1, 2, 3 beside 4
    for claim in held:
        world.jobs.finish(claim, world.output)
    submit(world, "bob")
    assert take(world, bells[0]).owner == "ada"


def test_a_bell_is_for_a_queue_and_stale_where_nothing_waits(world):
    mine = submit(world, "ada")[0]
    batch = world.jobs.submit("bob", "backtest", {"seed": -1}, queue="batch")[0].id
    assert take(world, batch).job_id == batch
    assert take(world, batch) is None  # the other one waits in the other queue
    assert take(world, "no such job") is None
    assert take(world, mine).job_id == mine


def test_a_job_whose_chunks_are_done_comes_before_all(world):
    parent = take(world, submit(world, "ada")[0])
    world.jobs.park(parent, CHUNKS)
    bell = world.store.families.waiting(parent.job_id)[0]
    for _ in range(3):
        world.jobs.finish(take(world, bell), world.output)
    others = submit(world, "bob", 2)
    assert take(world, others[0]).job_id == parent.job_id


def test_chunks_of_two_owners_take_turns_too(world):
    bells = []
    for owner in ("ada", "bob"):
        parent = world.claim(submit(world, owner)[0])
        world.jobs.park(parent, CHUNKS)
        bells += world.store.families.waiting(parent.job_id)
    assert owners(world, bells[0], 6) == ["ada", "bob"] * 3


def test_no_two_workers_take_the_same_job_and_none_goes_away_with_nothing(world):
    jobs = submit(world, "ada", 8) + submit(world, "bob", 8)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda at: world.jobs.claim_next(jobs[0], lease_owner=f"w{at}"), range(16)))
    assert sorted(claim.job_id for claim in claims) == sorted(jobs)


@pytest.mark.parametrize(("owner", "places"), [("ada", [1, 3, 5, 6, 7]), ("bob", [2, 4])])
def test_a_place_in_the_queue_counts_the_turns_of_others(world, owner, places):
    found = {"ada": submit(world, "ada", 5), "bob": submit(world, "bob", 2)}
    world.jobs.submit("cy", "backtest", {"seed": -1}, queue="batch")
    rows = [world.row(job_id) for job_id in found[owner]]
    assert [world.store.read.queue_position(row) for row in rows] == places


def test_places_are_the_order_in_which_jobs_begin(world):
    bells = submit(world, "ada", 4) + submit(world, "bob", 3) + submit(world, "cy", 1)
    for _ in range(2):
        world.jobs.finish(take(world, bells[0]), world.output)
    waiting = [row for row in map(world.row, bells) if row.status == "queued"]
    places = {row.id: world.store.read.queue_position(row) for row in waiting}
    for place in range(1, len(waiting) + 1):
        claim = take(world, bells[0])
        assert places[claim.job_id] == place
        world.jobs.finish(claim, world.output)


@pytest.mark.parametrize("farthest", range(1, 9))
def test_places_are_exact_up_to_the_farthest_that_is_told(world, monkeypatch, farthest):
    rows = list(map(world.row, submit(world, "ada", 1) + submit(world, "bob", 5) + submit(world, "cy", 2)))
    take(world, submit(world, "bob")[0])  # it is ada's job that begins
    exact = [world.store.read.queue_position(row) for row in rows[1:]]
    assert sorted(exact) == [1, 2, 3, 4, 5, 6, 7]
    monkeypatch.setattr(turns, "FARTHEST", farthest)
    assert [world.store.read.queue_position(row) for row in rows[1:]] == [min(place, farthest) for place in exact]


def test_what_a_task_of_a_node_holds_is_taken_from_it_alone(world):
    bell = submit(world, "ada", 3)[0]
    for holder in ("node/1", "node/2", "node2/1"):
        take(world, bell, holder)
    assert [len(world.jobs.held_by(name)) for name in ("node", "node/1", "node2", "nod")] == [2, 1, 1, 0]
    (lost,) = world.jobs.held_by("node/1")
    assert world.jobs.give_back(lost, lease_owner="node/2") is None
    assert world.jobs.give_back(lost, lease_owner="node/1") == "queued"
    assert world.store.events.since("workers", 0)[-1].data["worker"] == "node"
