"""What is old goes, with all that it left, and what others stand on stays; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from app.events import owner_channel
from app.store import Chunk, Idempotency, Output, Rest
from app.store.retention import AT_ONCE
from app.tables import artifacts, channels, events, idempotency_keys, jobs, reports, results, trials

DAY = 86_400.0


def count(world, table):
    with world.store.database.read() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def test_an_old_job_goes_with_all_that_it_left_and_a_younger_one_stays(world):
    key = Idempotency("key", "print")
    old = world.jobs.submit("ada", "backtest", {"seed": -1}, idempotency=key)[0]
    world.jobs.finish(world.claim(old.id), world.output)
    world.clock.advance(2 * DAY)
    young, waiting = world.succeeded(), world.submit()
    assert world.store.retention.jobs(3 * DAY) == 0
    assert world.store.retention.jobs(DAY) == 1
    assert [world.row(row.id) is None for row in (old, young, waiting)] == [True, False, False]
    assert [count(world, table) for table in (results, artifacts, idempotency_keys)] == [1, 2, 0]
    assert world.told(old.id) == []
    assert world.store.retention.jobs(DAY) == 0


def test_what_waits_or_runs_is_never_old(world):
    world.submit()
    world.running()
    parked = world.running()
    world.jobs.park(parked, Rest([Chunk(0, 10), Chunk(10, 20)]))
    done = world.store.families.waiting(parked.job_id)[0]
    world.jobs.finish(world.claim(done), Output(None, "", {"part": b"PAR"}, 1.0))
    world.clock.advance(1000 * DAY)
    assert world.store.retention.jobs(DAY) == 0
    assert count(world, jobs) == 5


def test_the_chunks_of_a_job_go_with_it_and_its_trials_stay_counted(world):
    parked = world.running(kind="sweep", strategy_id="sma_cross", dataset_id="fx_daily")
    world.jobs.park(parked, Rest([Chunk(0, 10), Chunk(10, 20)]))
    world.jobs.cancel(parked.job_id, "ada")
    world.store.families.call_off()
    before = count(world, trials)
    world.clock.advance(2 * DAY)
    assert world.store.retention.jobs(DAY) == 1
    assert (count(world, jobs), count(world, trials)) == (0, before)


def test_the_newest_job_on_the_signals_of_a_strategy_and_of_the_book_stays(world):
    for _ in range(2):
        for kind, strategy in (("signals", "a"), ("signals", "b"), ("book", None)):
            more = {"strategy_id": strategy} if strategy else {}
            job = world.submit("system", kind=kind, at=world.clock(), **more)
            world.jobs.fail(world.claim(job.id), world.error)
            world.clock.advance(1)
    world.clock.advance(2 * DAY)
    assert world.store.retention.jobs(DAY) == 3
    with world.store.database.read() as tx:
        left = tx.execute(select(jobs.c.kind, jobs.c.strategy_id).order_by(jobs.c.created_at)).all()
    assert [tuple(row) for row in left] == [("signals", "a"), ("signals", "b"), ("book", None)]
    assert set(world.store.signals.runs()) == {"a", "b"}
    assert world.store.book.run("system") is not None


def test_the_newest_good_job_on_signals_outlives_what_failed_after_it(world):
    for good in (True, True, False, False):
        claim = world.claim(world.submit("system", kind="signals", at=world.clock(), strategy_id="a").id)
        assert world.jobs.finish(claim, world.output) if good else world.jobs.fail(claim, world.error)
        world.clock.advance(1)
    world.clock.advance(2 * DAY)
    assert world.store.retention.jobs(DAY) == 2
    with world.store.database.read() as tx:
        left = tx.execute(select(jobs.c.status).order_by(jobs.c.created_at)).scalars().all()
    assert left == ["succeeded", "failed"]


def test_old_events_of_shared_channels_go_and_their_numbers_do_not_begin_anew(world):
    old = world.succeeded()
    world.clock.advance(2 * DAY)
    young = world.succeeded()
    mine = owner_channel("ada")
    head = world.store.events.head(mine)
    assert world.store.retention.events(DAY) == 3
    assert [event.seq for event in world.store.events.since(mine, 0)] == [4, 5, 6]
    assert world.store.events.head(mine) == head == 6
    assert world.told(old.id) == world.told(young.id) == ["job_queued", "job_running", "job_succeeded"]
    world.clock.advance(2 * DAY)
    assert world.store.retention.events(DAY) == 3
    assert world.store.events.since(mine, 0) == []
    world.submit()
    assert [event.seq for event in world.store.events.since(mine, 0)] == [7]


def test_no_more_than_a_few_are_deleted_at_once(world):
    log = world.store.events
    with world.store.database.write() as tx:
        for name in ("alerts:ada", "alerts:bob"):
            log.append_all(tx, name, [("stale_data", {})] * (AT_ONCE - 50))
    world.clock.advance(2 * DAY)
    assert [world.store.retention.events(DAY) for _ in range(3)] == [AT_ONCE, AT_ONCE - 100, 0]
    assert (count(world, events), count(world, channels)) == (0, 2)


def test_old_reports_go(world):
    with world.store.database.write() as tx:
        for day in (1, 2, 3):
            row = {"start_at": 0.0, "end_at": world.clock() - day * DAY, "made_at": 0.0, "sections": []}
            tx.execute(reports.insert().values(date=f"2026-01-0{day}", owner="", **row))
    assert world.store.retention.reports(1.5 * DAY) == 2
    assert [row.date for row in world.store.reports.page(limit=9, before=None)] == ["2026-01-01"]


@pytest.mark.parametrize("what", ["jobs", "events"])
def test_several_that_delete_at_once_leave_nothing_and_wait_for_nobody(world, what):
    for _ in range(12):
        world.succeeded()
    world.clock.advance(2 * DAY)
    with ThreadPoolExecutor(4) as pool:
        deleted = list(pool.map(lambda _: getattr(world.store.retention, what)(DAY), range(4)))
    left = count(world, jobs) if what == "jobs" else len(world.store.events.since(owner_channel("ada"), 0))
    assert left == 0
    assert sum(deleted) >= (12 if what == "jobs" else 36)
