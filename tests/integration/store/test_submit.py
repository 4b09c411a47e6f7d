"""Submitting: idempotency keys, answers that are there already, and the limit of the queue."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import Conflict, Overloaded, Unknown
from app.store import Idempotency, JobFilter

KEY = Idempotency("order-1", "a" * 64)


def count(world, owner="ada"):
    return len(world.store.read.page(owner, JobFilter(), limit=1000, before=None))


def test_a_new_job_is_queued_rung_and_told(world):
    row, cached = world.jobs.submit("ada", "backtest", {"strategy_id": "s", "dataset_id": "d"}, tags=("x",))

    assert not cached
    assert (row.status, row.attempt, row.fence, row.tags) == ("queued", 0, 0, ["x"])
    assert (row.strategy_id, row.dataset_id, row.queue) == ("s", "d", "interactive")
    assert row.created_at == row.rung_at == world.clock.now
    assert world.queue.take() == row.id
    assert world.told(row.id) == ["job_queued"]


def test_the_same_key_and_request_give_the_same_job(world):
    first, _ = world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY)
    again, _ = world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY)

    assert again.id == first.id
    assert count(world) == 1
    assert world.queue.length("interactive") == 1
    assert world.told(first.id) == ["job_queued"]


def test_the_same_key_with_another_request_is_a_conflict(world):
    world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY)

    with pytest.raises(Conflict) as refusal:
        world.jobs.submit("ada", "backtest", {"seed": 2}, idempotency=Idempotency(KEY.key, "b" * 64))
    assert refusal.value.code == "idempotency_conflict"
    assert count(world) == 1


def test_a_key_belongs_to_its_owner(world):
    mine, _ = world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY)
    other, _ = world.jobs.submit("bob", "backtest", {"seed": 2}, idempotency=Idempotency(KEY.key, "b" * 64))

    assert other.id != mine.id
    assert world.store.jobs.remembered("bob", Idempotency(KEY.key, "b" * 64)).id == other.id
    assert world.store.jobs.remembered("eve", KEY) is None


def test_a_key_outlives_the_run_of_its_job(world):
    first, _ = world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY, fresh=True)
    world.jobs.fail(world.claim(first.id), world.error)

    assert world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY, fresh=True)[0].id == first.id


def test_a_key_is_free_again_when_its_job_was_deleted(world):
    first, _ = world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY)
    world.jobs.cancel(first.id, "ada")
    world.jobs.delete(first.id, "ada")

    again, _ = world.jobs.submit("ada", "backtest", {"seed": 2}, idempotency=Idempotency(KEY.key, "b" * 64))
    assert again.id != first.id


def test_twenty_requests_with_one_key_make_one_job(world):
    start = threading.Barrier(20)

    def submit(_):
        start.wait()
        return world.jobs.submit("ada", "backtest", {"seed": 1}, idempotency=KEY, fresh=True)[0].id

    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(submit, range(20)))
    assert len(ids) == 1
    assert count(world) == 1
    assert world.told(ids.pop()) == ["job_queued"]
    assert world.queue.length("interactive") == 1


def test_retry_twenty_times_with_one_key_makes_one_job(world):
    job = world.submit()
    world.jobs.cancel(job.id, "ada")
    start = threading.Barrier(20)

    def retry(_):
        start.wait()
        return world.jobs.retry(job.id, "ada", idempotency=KEY).id

    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(retry, range(20)))
    assert len(ids) == 1
    assert count(world) == 2
    assert world.jobs.retry(job.id, "ada", idempotency=KEY).id in ids


def test_an_equal_request_is_answered_by_the_job_that_succeeded(world):
    done = world.succeeded(seed=7)
    row, cached = world.jobs.submit("ada", "backtest", {"seed": 7})

    assert cached
    assert row.id == done.id
    assert count(world) == 1


@pytest.mark.parametrize(
    ("owner", "kind", "request_"),
    [("bob", "backtest", {"seed": 7}), ("ada", "sweep", {"seed": 7}), ("ada", "backtest", {"seed": 8})],
)
def test_another_owner_kind_or_request_is_not_answered_by_it(world, owner, kind, request_):
    done = world.succeeded(seed=7)
    row, cached = world.jobs.submit(owner, kind, request_)

    assert not cached
    assert row.id != done.id


def test_the_order_of_a_request_does_not_matter(world):
    done = world.succeeded(a=1, b=2)

    assert world.jobs.submit("ada", "backtest", {"b": 2, "a": 1})[0].id == done.id


def test_fresh_runs_an_equal_request_again(world):
    done = world.succeeded(seed=7)
    row, cached = world.jobs.submit("ada", "backtest", {"seed": 7}, fresh=True)

    assert not cached
    assert row.id != done.id


@pytest.mark.parametrize("end", ["fail", "cancel", None])
def test_a_job_without_success_answers_nothing(world, end):
    first = world.submit(seed=7)
    if end == "cancel":
        world.jobs.cancel(first.id, "ada")
    if end == "fail":
        world.jobs.fail(world.claim(first.id), world.error)

    row, cached = world.jobs.submit("ada", "backtest", {"seed": 7})
    assert not cached
    assert row.id != first.id


def test_the_newest_of_several_twins_answers(world):
    world.succeeded(seed=7)
    world.clock.advance(1)
    row, _ = world.jobs.submit("ada", "backtest", {"seed": 7}, fresh=True)
    world.jobs.finish(world.claim(row.id), world.output)

    assert world.jobs.submit("ada", "backtest", {"seed": 7})[0].id == row.id


def test_a_key_stands_for_the_twin_that_answered_it(world):
    done = world.succeeded(seed=7)
    world.jobs.submit("ada", "backtest", {"seed": 7}, idempotency=KEY)

    assert world.store.jobs.remembered("ada", KEY).id == done.id
    world.jobs.delete(done.id, "ada")
    assert world.store.jobs.remembered("ada", KEY) is None


def test_a_full_queue_refuses_and_leaves_nothing_behind(new_world):
    world = new_world(max_queued=2)
    first = world.submit()
    world.submit()

    with pytest.raises(Overloaded) as refusal:
        world.jobs.submit("ada", "backtest", {"seed": 99}, idempotency=KEY)
    assert refusal.value.retry_after > 0
    assert world.store.jobs.remembered("ada", KEY) is None
    assert count(world) == 2

    world.submit("bob")  # the limit is each owner's own
    world.claim(first.id)  # and only waiting jobs count
    assert world.jobs.submit("ada", "backtest", {"seed": 99}, idempotency=KEY)[0].status == "queued"


def test_a_quota_of_a_day_refuses_what_is_too_much_until_the_next_day(new_world, clock):
    world = new_world(max_daily=2)
    clock.advance(-clock() % 86_400 + 60)  # a minute after midnight
    done = world.succeeded(seed=7)
    world.submit()
    world.jobs.delete(done.id, "ada")  # which gives nothing back

    with pytest.raises(Overloaded) as refusal:
        world.jobs.submit("ada", "backtest", {"seed": 99}, idempotency=KEY)
    assert (refusal.value.code, refusal.value.retry_after) == ("quota_exceeded", 86_400 - 60)
    assert (refusal.value.given, refusal.value.allowed) == ({"jobs": 2}, {"jobs": 2})
    assert world.store.jobs.remembered("ada", KEY) is None
    assert count(world) == 1

    world.submit("bob")  # the quota is each owner's own
    assert world.store.read.queued_today("ada") == (2, 86_400 - 60)
    clock.advance(refusal.value.retry_after)
    assert world.store.read.queued_today("ada") == (0, 86_400)
    assert world.jobs.submit("ada", "backtest", {"seed": 99}, idempotency=KEY)[0].status == "queued"


def test_what_is_answered_from_the_store_or_asked_by_the_platform_takes_no_quota(new_world):
    world = new_world(max_daily=1)
    done = world.succeeded(seed=7)

    assert world.jobs.submit("ada", "backtest", {"seed": 7})[0].id == done.id
    assert world.jobs.submit("ada", "signals", {"seed": 8}, queue="batch")[0].status == "queued"
    with pytest.raises(Overloaded):
        world.jobs.submit("ada", "backtest", {"seed": 9})


def test_several_jobs_fit_into_the_quota_together_or_not_at_all(new_world):
    world = new_world(max_daily=3)
    world.jobs.submit("ada", "backtest", {"seed": 0})

    with pytest.raises(Overloaded, match=r"queued 1 jobs today .* may queue 3 a day; 3 more do not fit"):
        world.jobs.submit_all("ada", "backtest", [({"seed": seed}, ()) for seed in (1, 2, 3)])
    assert len(world.jobs.submit_all("ada", "backtest", [({"seed": seed}, ()) for seed in (1, 2)])) == 2


def test_many_at_once_do_not_pass_the_quota(new_world):
    world = new_world(max_daily=5)

    def submit(seed):
        try:
            return world.jobs.submit("ada", "backtest", {"seed": seed})
        except Overloaded:
            return None

    with ThreadPoolExecutor(8) as pool:
        assert sum(made is not None for made in pool.map(submit, range(16))) == 5
    assert count(world) == 5


def test_a_full_queue_still_answers_what_it_knows(new_world):
    world = new_world(max_queued=1)
    done = world.succeeded(seed=7)
    waiting, _ = world.jobs.submit("ada", "backtest", {"seed": 8}, idempotency=KEY)

    assert world.jobs.submit("ada", "backtest", {"seed": 7})[0].id == done.id
    assert world.jobs.submit("ada", "backtest", {"seed": 8}, idempotency=KEY)[0].id == waiting.id


def test_deleting_a_job_while_it_answers_another_request_leaves_no_dangling_key(world):
    """A key that stood for a job that is gone would answer every later use of it with an error."""
    for round_ in range(15):
        done = world.succeeded(seed=round_ + 1000)
        start = threading.Barrier(2)
        key = Idempotency(f"k{round_}", "a" * 64)

        def delete(job_id=done.id, start=start):
            start.wait()
            world.jobs.delete(job_id, "ada")

        def submit(request={"seed": round_ + 1000}, start=start, key=key):  # noqa: B006 - each round its own
            start.wait()
            return world.jobs.submit("ada", "backtest", request, idempotency=key)[0].id

        with ThreadPoolExecutor(2) as pool:
            deleted, answered = pool.submit(delete), pool.submit(submit)
            deleted.result()
            answer = answered.result()
        known = world.store.jobs.remembered("ada", key)
        if known is None:  # it was answered first, then the job and its key were removed
            assert answer == done.id
        else:
            assert known.id == answer != done.id
        assert submit(start=threading.Barrier(1)) == (known.id if known else world.store.jobs.remembered("ada", key).id)


def test_a_request_that_json_cannot_carry_is_refused_before_anything_is_stored(world):
    with pytest.raises(ValueError, match="not JSON compliant"):
        world.jobs.submit("ada", "backtest", {"seed": float("nan")})
    assert count(world) == 0


def test_an_unknown_job_is_unknown_to_every_question(world):
    for ask in (world.jobs.get, world.jobs.cancel, world.jobs.retry, world.jobs.delete, world.jobs.result):
        with pytest.raises(Unknown):
            ask("nope", "ada")


def test_several_jobs_are_queued_together_or_not_at_all(new_world):
    world = new_world(max_queued=3)
    world.jobs.submit("ada", "backtest", {"seed": 0})

    with pytest.raises(Overloaded):
        world.jobs.submit_all("ada", "backtest", [({"seed": seed}, ()) for seed in (1, 2, 3)], idempotency=KEY)
    assert count(world) == world.queue.length("interactive") == 1
    assert world.store.jobs.remembered("ada", KEY) is None

    found = world.jobs.submit_all("ada", "backtest", [({"seed": 1}, ("x",)), ({"seed": 1}, ())], idempotency=KEY)
    again = world.jobs.submit_all("ada", "backtest", [({"seed": 1}, ("x",)), ({"seed": 1}, ())], idempotency=KEY)
    assert [row.id for row, _ in again] == [row.id for row, _ in found]
    assert [row.tags for row, _ in found] == [["x"], []]
    assert count(world) == world.queue.length("interactive") == 3
    assert [world.told(row.id) for row, _ in found] == [["job_queued"]] * 2


def test_a_wrong_key_in_the_middle_takes_back_what_came_before(world):
    wanted = [({"seed": seed}, ()) for seed in (1, 2)]
    first, second = world.jobs.submit_all("ada", "backtest", wanted, idempotency=KEY)
    world.jobs.cancel(first[0].id, "ada")
    world.jobs.delete(first[0].id, "ada")  # and the client's own key with it

    with pytest.raises(Conflict):
        world.jobs.submit_all("ada", "backtest", wanted, idempotency=Idempotency(KEY.key, "b" * 64))
    assert [row.id for row in world.store.read.page("ada", JobFilter(), limit=9, before=None)] == [second[0].id]
