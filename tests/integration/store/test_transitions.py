"""Every arrow of the state machine, and every arrow that must not exist, on both databases."""

from __future__ import annotations

import pytest

from app.errors import Conflict, LeaseLost, Unknown
from app.events import FENCED

STATES = ("queued", "running", "last attempt", "cancelling", "succeeded", "failed", "cancelled")
ENDED = ("succeeded", "failed", "cancelled")

# What an action makes of a state. Whatever is not named here changes nothing and tells nobody.
ARROWS = {
    ("queued", "claim"): "running",
    ("queued", "cancel"): "cancelled",
    ("running", "finish"): "succeeded",
    ("running", "fail"): "failed",
    ("running", "cancel"): "cancelling",
    ("running", "lose worker"): "queued",
    ("running", "expire"): "queued",
    ("last attempt", "finish"): "succeeded",
    ("last attempt", "fail"): "failed",
    ("last attempt", "cancel"): "cancelling",
    ("last attempt", "lose worker"): "failed",
    ("last attempt", "expire"): "failed",
    ("cancelling", "finish"): "cancelled",
    ("cancelling", "fail"): "cancelled",
    ("cancelling", "lose worker"): "cancelled",
    ("cancelling", "expire"): "cancelled",
    ("succeeded", "delete"): None,
    ("failed", "delete"): None,
    ("cancelled", "delete"): None,
}
ACTIONS = ("claim", "finish", "fail", "cancel", "lose worker", "expire", "stale worker", "delete")


def reach(world, state):
    """A job in that state, and the fence of whoever holds or last held it."""
    job_id = world.submit().id
    if state == "queued":
        return job_id, 0
    if state == "last attempt":
        for _ in range(2):
            world.claim(job_id)
            world.expire()
            world.jobs.reap()
    claim = world.claim(job_id)
    if state == "succeeded":
        world.jobs.finish(claim, world.output)
    if state == "failed":
        world.jobs.fail(claim, world.error)
    if state in ("cancelling", "cancelled"):
        world.jobs.cancel(job_id, "ada")
    if state == "cancelled":
        world.jobs.finish(claim, world.output)
    return job_id, claim.fence


def act(world, action, job_id, fence):
    """Try one change straight at the store, where nothing refuses but the statement itself."""
    jobs = world.store.jobs
    match action:
        case "claim":
            jobs.claim(job_id, lease_owner="w2", lease_seconds=15)
        case "finish":
            jobs.finish(job_id, fence, world.output)
        case "fail":
            jobs.fail(job_id, fence, world.error)
        case "cancel":
            jobs.cancel(job_id, "ada")
        case "lose worker":
            jobs.give_back(job_id, lease_owner="w1", error={"code": "worker_lost"})
        case "expire":
            world.expire()
            jobs.give_back(job_id, error={"code": "worker_lost"})
        case "stale worker":
            jobs.beat(job_id, fence - 1, lease_seconds=999, progress={"done": 1})
            jobs.finish(job_id, fence - 1, world.output)
            jobs.fail(job_id, fence - 1, world.error)
            jobs.give_back(job_id, lease_owner="w0", error={"code": "worker_lost"})
            jobs.give_back(job_id, error={"code": "worker_lost"})
        case "delete":
            jobs.delete(job_id, "ada")


def state_of(row):
    if row is None:
        return None
    return "cancelling" if row.status == "running" and row.cancel_at else row.status


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", STATES)
def test_an_action_takes_its_arrow_or_changes_nothing(world, state, action):
    job_id, fence = reach(world, state)
    before = world.row(job_id)
    told = world.told(job_id)
    told_owner = world.store.events.head("jobs:ada")

    act(world, action, job_id, fence)

    after = world.row(job_id)
    if (state, action) not in ARROWS:
        assert after == before
        assert world.told(job_id) == told
        assert world.store.events.head("jobs:ada") == told_owner
        return
    expected = ARROWS[state, action]
    assert state_of(after) == expected
    if expected is None:
        assert world.told(job_id) == []
    else:
        assert world.told(job_id) == [*told, f"job_{expected}"]
        assert world.store.events.head("jobs:ada") == told_owner + 1
        assert (world.store.read.result(job_id) is not None) == (expected == "succeeded")


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_job_has_an_end_and_no_holder(world, state):
    row = world.row(reach(world, state)[0])

    assert row.finished_at == world.clock.now
    assert (row.lease_owner, row.lease_until, row.progress) == (None, None, None)
    assert (row.error is not None) == (state == "failed")


def test_claim_counts_the_attempt_and_sets_fence_and_lease(world):
    job_id = world.submit().id
    claim = world.claim(job_id)

    row = world.row(job_id)
    assert (row.attempt, row.fence, row.lease_owner) == (1, 1, "w1")
    assert row.lease_until == world.clock.now + world.jobs.lease_seconds
    assert (claim.attempt, claim.fence, claim.request) == (1, 1, row.request)


def test_a_second_doorbell_finds_nothing_to_claim(world):
    claim = world.running()

    assert world.jobs.claim(claim.job_id, lease_owner="w2") is None
    assert world.jobs.claim("no such job", lease_owner="w2") is None
    assert world.row(claim.job_id).lease_owner == "w1"


def test_beat_extends_the_lease_and_keeps_the_progress(world):
    claim = world.running()
    world.clock.advance(10)

    assert world.jobs.beat(claim, {"done": 3, "total": 9}) is False
    row = world.row(claim.job_id)
    assert row.lease_until == world.clock.now + world.jobs.lease_seconds
    assert row.progress == {"done": 3, "total": 9}
    world.jobs.beat(claim)
    assert world.row(claim.job_id).progress == {"done": 3, "total": 9}
    assert world.told(claim.job_id) == ["job_queued", "job_running"]


def test_a_lease_that_is_beaten_in_time_never_runs_out(world):
    claim = world.running()
    for _ in range(5):
        world.clock.advance(world.jobs.lease_seconds * 0.9)
        world.jobs.beat(claim)
        assert world.jobs.reap() == 0


def test_an_expired_lease_sends_the_job_back_once(world):
    claim = world.running()
    world.clock.advance(world.jobs.lease_seconds)
    assert world.jobs.reap() == 0  # exactly at its end it is still his
    world.clock.advance(0.001)

    assert world.jobs.reap() == 1
    assert world.jobs.reap() == 0
    row = world.row(claim.job_id)
    assert (row.status, row.attempt, row.lease_owner, row.error) == ("queued", 1, None, None)
    assert world.queue.length("interactive") == 2  # rung at submit and again now


def test_the_former_holder_can_write_nothing_any_more(world):
    old = world.running("w1")
    world.expire()
    world.jobs.reap()
    new = world.claim(old.job_id, "w2")
    before, told = world.row(old.job_id), world.told(old.job_id)

    with pytest.raises(LeaseLost):
        world.jobs.beat(old, {"done": 9})
    assert world.jobs.finish(old, world.output) is None
    assert world.jobs.fail(old, world.error) is None
    assert world.jobs.give_back(old.job_id, lease_owner="w1") is None
    assert world.row(old.job_id) == before
    assert world.told(old.job_id) == told
    assert world.store.read.result(old.job_id) is None

    assert world.jobs.finish(new, world.output) == "succeeded"
    assert world.store.read.result(old.job_id).fence == new.fence > old.fence


def test_a_holder_that_comes_back_while_the_job_waits_is_fenced_off(world):
    old = world.running()
    world.expire()
    world.jobs.reap()

    assert world.jobs.finish(old, world.output) is None
    assert world.row(old.job_id).status == "queued"


def test_attempts_that_are_fenced_off_are_counted_and_no_others(world):
    lost, kept = world.running(), world.running()
    world.expire()
    world.jobs.reap()
    again = world.claim(lost.job_id)
    with pytest.raises(LeaseLost):
        world.jobs.beat(lost)
    world.jobs.finish(kept, world.output)
    world.jobs.finish(again, world.output)

    told = world.store.events.since(FENCED, 0)
    assert [event.type for event in told] == ["attempt_fenced"] * 2
    assert [event.data["job_id"] for event in told] == [lost.job_id, kept.job_id]
    assert told[0].data == {"job_id": lost.job_id, "kind": lost.kind, "attempt": 1, "fence": lost.fence}


def test_a_lost_worker_gives_back_only_what_it_held(world):
    mine, other = world.running("w1"), world.running("w2")

    assert world.jobs.give_back(mine.job_id, lease_owner="w1") == "queued"
    assert world.jobs.give_back(other.job_id, lease_owner="w1") is None
    assert world.jobs.give_back(mine.job_id, lease_owner="w1") is None
    assert world.row(other.job_id).status == "running"


def test_a_job_that_loses_every_worker_fails(world):
    job_id = world.submit().id
    ends = []
    for _ in range(3):
        world.claim(job_id)
        ends.append(world.jobs.give_back(job_id, lease_owner="w1"))

    assert ends == ["queued", "queued", "failed"]
    row = world.row(job_id)
    assert row.error["code"] == "worker_lost"
    assert (row.attempt, row.max_attempts) == (3, 3)
    assert world.jobs.claim(job_id, lease_owner="w1") is None


def test_a_job_that_stopping_workers_hand_back_never_runs_out_of_attempts(world):
    job_id = world.submit().id
    for _ in range(5):
        world.claim(job_id)
        assert world.jobs.hand_back(job_id, lease_owner="w2") is None
        assert world.jobs.hand_back(job_id, lease_owner="w1") == "queued"

    assert world.row(job_id).attempt == 0
    old = world.claim(job_id)
    world.jobs.hand_back(job_id, lease_owner="w1")
    new = world.claim(job_id)
    assert (old.attempt, new.attempt) == (1, 1)
    assert world.jobs.finish(old, world.output) is None
    assert world.jobs.finish(new, world.output) == "succeeded"


def test_a_wanted_cancel_wins_over_a_hand_back(world):
    claim = world.running("w1")
    world.jobs.cancel(claim.job_id, "ada")

    assert world.jobs.hand_back(claim.job_id, lease_owner="w1") == "cancelled"


def test_a_job_that_was_killed_at_its_limit_fails_with_attempts_left(world):
    claim, other = world.running("w1"), world.running("w2")
    assert world.store.jobs.held_by("w1") == [claim.job_id]
    assert world.jobs.time_out(other.job_id, lease_owner="w1") is None

    assert world.jobs.time_out(claim.job_id, lease_owner="w1") == "failed"
    row = world.row(claim.job_id)
    assert (row.attempt, row.error["code"]) == (1, "timed_out")
    assert world.told(claim.job_id)[-1] == "job_failed"
    assert world.jobs.finish(claim, world.output) is None
    assert world.store.jobs.held_by("w1") == []


def test_a_wanted_cancel_wins_over_a_kill_at_the_limit(world):
    claim = world.running("w1")
    world.jobs.cancel(claim.job_id, "ada")

    assert world.jobs.time_out(claim.job_id, lease_owner="w1") == "cancelled"
    assert world.row(claim.job_id).error is None


def test_cancelling_a_running_job_tells_its_worker_at_the_next_beat(world):
    claim = world.running()
    row = world.jobs.cancel(claim.job_id, "ada")

    assert (row.status, row.cancel_at) == ("running", world.clock.now)
    assert row.finished_at is None
    assert world.jobs.beat(claim) is True


def test_cancel_wins_over_finish_and_leaves_no_result(world):
    claim = world.running()
    world.jobs.cancel(claim.job_id, "ada")

    assert world.jobs.finish(claim, world.output) == "cancelled"
    assert world.store.read.result(claim.job_id) is None
    assert world.store.read.artifact(claim.job_id, "equity") is None


def test_cancel_wins_over_an_error(world):
    claim = world.running()
    world.jobs.cancel(claim.job_id, "ada")

    assert world.jobs.fail(claim, world.error) == "cancelled"
    assert world.row(claim.job_id).error is None


def test_cancelling_twice_is_no_error_and_tells_once(world):
    claim = world.running()
    world.jobs.cancel(claim.job_id, "ada")
    asked_at = world.row(claim.job_id).cancel_at
    world.clock.advance(1)
    assert world.jobs.cancel(claim.job_id, "ada").status == "running"
    assert world.row(claim.job_id).cancel_at == asked_at

    world.jobs.finish(claim, world.output)
    assert world.jobs.cancel(claim.job_id, "ada").status == "cancelled"
    assert world.told(claim.job_id) == ["job_queued", "job_running", "job_cancelling", "job_cancelled"]


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_cancelling_after_the_end_is_refused(world, state):
    job_id, _ = reach(world, state)

    with pytest.raises(Conflict) as refusal:
        world.jobs.cancel(job_id, "ada")
    assert refusal.value.code == "illegal_transition"


@pytest.mark.parametrize("state", ["queued", "running", "cancelling"])
def test_a_job_that_has_not_ended_cannot_be_deleted(world, state):
    job_id, _ = reach(world, state)

    with pytest.raises(Conflict) as refusal:
        world.jobs.delete(job_id, "ada")
    assert refusal.value.code == "illegal_transition"
    assert world.row(job_id) is not None


def test_delete_takes_everything_of_the_job_and_nothing_of_another(world):
    job, other = world.succeeded(), world.succeeded()

    world.jobs.delete(job.id, "ada")

    with pytest.raises(Unknown):
        world.jobs.get(job.id, "ada")
    assert world.store.read.result(job.id) is None
    assert world.store.read.artifact(job.id, "equity") is None
    assert world.store.events.head(f"jobs/{job.id}") == 0
    assert world.store.read.result(other.id) is not None
    assert world.store.read.artifact(other.id, "equity") == b"PAR1"
    assert world.told(other.id) == ["job_queued", "job_running", "job_succeeded"]
    with pytest.raises(Unknown):
        world.jobs.delete(job.id, "ada")


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_retry_queues_the_same_request_as_a_new_job(world, state):
    job_id, _ = reach(world, state)
    again = world.jobs.retry(job_id, "ada")

    old = world.row(job_id)
    assert again.id != job_id
    assert (again.status, again.attempt, again.retry_of) == ("queued", 0, job_id)
    assert (again.request, again.request_hash, again.kind) == (old.request, old.request_hash, old.kind)
    assert old.status == state


@pytest.mark.parametrize("state", ["queued", "running", "cancelling", "succeeded"])
def test_retry_of_a_job_that_did_not_go_wrong_is_refused(world, state):
    job_id, _ = reach(world, state)

    with pytest.raises(Conflict) as refusal:
        world.jobs.retry(job_id, "ada")
    assert refusal.value.code == "illegal_transition"
