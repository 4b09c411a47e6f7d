"""The event log: numbered without gaps in the order of commits, in the transaction of the change."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import schema
from app.store import Store

TERMINAL_EVENTS = {"job_succeeded", "job_failed", "job_cancelled"}


def test_a_life_is_told_on_the_jobs_channel_and_on_its_owners(world):
    claim = world.running()
    world.jobs.finish(claim, world.output)

    log = world.store.events
    mine, all_of_ada = log.since(f"jobs/{claim.job_id}", 0), log.since("jobs:ada", 0)
    assert [(event.seq, event.type) for event in mine] == [(1, "job_queued"), (2, "job_running"), (3, "job_succeeded")]
    assert [(event.type, event.data) for event in all_of_ada] == [(event.type, event.data) for event in mine]
    assert mine[-1].data["status"] == "succeeded"
    assert mine[-1].data["job_id"] == claim.job_id
    assert log.since("jobs:bob", 0) == []


def test_a_failure_tells_its_error(world):
    claim = world.running()
    world.jobs.fail(claim, world.error)

    assert world.store.events.since(f"jobs/{claim.job_id}", 2)[0].data["error"] == world.error


def test_reading_goes_on_after_the_last_number_seen(world):
    for _ in range(5):
        world.submit()
    log = world.store.events

    assert [event.seq for event in log.since("jobs:ada", 2)] == [3, 4, 5]
    assert [event.seq for event in log.since("jobs:ada", 2, limit=2)] == [3, 4]
    assert log.since("jobs:ada", 5) == log.since("jobs:ada", 99) == []
    assert log.head("jobs:ada") == 5
    assert log.head("jobs:nobody") == 0
    assert log.heads(["jobs:ada", "jobs:nobody"]) == {"jobs:ada": 5}


def test_what_is_published_is_what_is_stored(world):
    with world.bus.subscribe() as ear:
        claim = world.running()
        world.jobs.finish(claim, world.output)
        heard = [ear.next(0.01) for _ in range(6)]
        assert ear.next(0.01) is None

    stored = world.store.events.since(f"jobs/{claim.job_id}", 0) + world.store.events.since("jobs:ada", 0)
    assert sorted((news.channel, news.seq, news.frame) for news in heard) == sorted(
        (event.channel, event.seq, event.frame()) for event in stored
    )


def test_a_frame_hides_the_owner_and_carries_number_and_epoch(world):
    row = world.submit()
    event = world.store.events.since("jobs:ada", 0)[0]
    frame = json.loads(event.frame())

    assert frame == {
        "v": 1,
        "epoch": world.store.events.epoch,
        "seq": 1,
        "channel": "jobs",
        "type": "job_queued",
        "at": "2025-06-15T15:06:40.000Z",
        "data": {
            "job_id": row.id,
            "kind": "backtest",
            "status": "queued",
            "strategy_id": None,
            "attempt": 0,
            "error": None,
        },
    }


def test_progress_has_no_number_and_is_not_stored(world):
    claim = world.running()
    head = world.store.events.head("jobs:ada")
    with world.bus.subscribe() as ear:
        world.jobs.tell_progress(claim, {"done": 1, "total": 4}, world.clock.now)
        first, second = ear.next(0.01), ear.next(0.01)

    assert {first.channel, second.channel} == {f"jobs/{claim.job_id}", "jobs:ada"}
    frame = json.loads(first.frame)
    assert "seq" not in frame
    assert frame["data"] == {"job_id": claim.job_id, "attempt": 1, "done": 1, "total": 4}
    assert world.store.events.head("jobs:ada") == head


def test_two_databases_have_two_epochs_and_one_keeps_its_own(database_url, new_sqlite):
    first, again = Store(database_url), Store(database_url)
    other = Store(new_sqlite())
    schema.downgrade(other, "base")  # a copy of the template has the template's
    schema.upgrade(other)

    assert first.events.epoch == again.events.epoch != other.events.epoch
    for store in (first, again, other):
        store.close()


class Interrupted(Exception):
    """Stands for whatever may go wrong between two statements."""


@pytest.mark.parametrize("action", ["submit", "claim", "finish", "fail", "cancel", "cancel running", "give back"])
def test_a_change_whose_transaction_fails_leaves_neither_state_nor_event(world, monkeypatch, action):
    queued, running = world.submit(), world.running()
    ids = (queued.id, running.job_id)
    append = world.store.events.append

    def append_then_break(tx, channel, type, data):
        append(tx, channel, type, data)
        if channel.startswith("jobs:"):  # the last of the transaction
            raise Interrupted

    def act():
        jobs = world.jobs
        return {
            "submit": lambda: world.submit(),
            "claim": lambda: jobs.claim(queued.id, lease_owner="w2"),
            "finish": lambda: jobs.finish(running, world.output),
            "fail": lambda: jobs.fail(running, world.error),
            "cancel": lambda: jobs.cancel(queued.id, "ada"),
            "cancel running": lambda: jobs.cancel(running.job_id, "ada"),
            "give back": lambda: jobs.give_back(running.job_id, lease_owner="w1"),
        }[action]()

    def everything():
        log = world.store.events
        return (
            [world.row(job_id) for job_id in ids],
            [world.store.read.result(job_id) for job_id in ids],
            [world.store.read.artifact(job_id, "equity") for job_id in ids],
            [log.since(name, 0) for name in ("jobs:ada", *(f"jobs/{job_id}" for job_id in ids))],
            log.heads(["jobs:ada"]),
            world.store.read.counts(),
            world.queue.length("interactive"),
        )

    before = everything()
    with monkeypatch.context() as patch, world.bus.subscribe() as ear:
        patch.setattr(world.store.events, "append", append_then_break)
        with pytest.raises(Interrupted):
            act()
        assert ear.next(0.01) is None
    assert everything() == before
    act()  # and the same works when nothing breaks
    assert world.store.events.head("jobs:ada") == before[4]["jobs:ada"] + 1


def test_numbers_are_gapless_and_readable_in_order_while_many_write(world):
    """A reader that has seen number n never finds n+2 before n+1: that is what makes a cursor safe."""
    done = threading.Event()

    def live(worker):
        for _ in range(5):
            claim = world.running(f"w{worker}")
            world.jobs.finish(claim, world.output)

    def read():
        seen = []
        while True:
            last_round = done.is_set()
            seen += [event.seq for event in world.store.events.since("jobs:ada", len(seen))]
            if last_round:
                return seen

    with ThreadPoolExecutor(9) as pool:
        reader = pool.submit(read)
        list(pool.map(live, range(8)))
        done.set()
        assert reader.result() == list(range(1, 8 * 5 * 3 + 1))


def test_every_job_has_exactly_one_terminal_event_whoever_races(world):
    """Finish, fail, cancel and loss at once: one of them ends the job, the others find it ended."""
    for _ in range(8):
        claim = world.running()
        start = threading.Barrier(4)
        actions = [
            lambda claim=claim: world.jobs.finish(claim, world.output),
            lambda claim=claim: world.jobs.fail(claim, world.error),
            lambda claim=claim: world.store.jobs.cancel(claim.job_id, "ada"),
            lambda claim=claim: world.jobs.give_back(claim.job_id, lease_owner="w1"),
        ]

        def run(action, start=start):
            start.wait()
            action()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(run, actions))
        row = world.row(claim.job_id)
        told = world.told(claim.job_id)
        assert len(TERMINAL_EVENTS.intersection(told)) == sum(name in TERMINAL_EVENTS for name in told) <= 1
        assert (row.status == "queued") == (not TERMINAL_EVENTS.intersection(told))
        assert told[-1] == f"job_{row.status}"
        assert (world.store.read.result(row.id) is not None) == (row.status == "succeeded")
        if "job_cancelling" in told:
            assert row.status == "cancelled"
