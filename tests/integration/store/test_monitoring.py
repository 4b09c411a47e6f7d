"""Who is there, who moves, and what follows from it, on both databases."""

from __future__ import annotations

import contextlib
import threading
import time
from types import SimpleNamespace

import pytest

from app import monitoring
from app.errors import QueueUnavailable, StoreUnavailable
from app.presence import new_node, presence
from app.store import Node, Store

WORKER = Node("host-w1", "worker", "host", "0.3.0", 2)
SUPERVISOR = Node("host-s1", "supervisor", "host", "0.3.0")
API = Node("host-a1", "api", "host", "0.3.0")


@pytest.fixture
def platform(world):
    """A worker, a supervisor and an API that have just moved."""
    services = SimpleNamespace(store=world.store, queue=world.queue, bus=world.bus)
    world.store.nodes.beat(WORKER, 1)
    world.store.nodes.beat(SUPERVISOR, 1)
    world.store.nodes.beat(API, 1)
    return services


def states(platform):
    return {node.row.name: node.state for node in monitoring.nodes(platform) if node.row.role != "api"}


def checks(platform):
    return {check.name: check.status for check in monitoring.health(platform)}


def pass_time(world, seconds, *, moves=None):
    """All speak to the end of it; with `moves` they have done as much by then."""
    world.clock.advance(seconds)
    for node in (WORKER, SUPERVISOR, API):
        world.store.nodes.beat(node, 1 if moves is None else moves)


def test_a_worker_with_nothing_to_do_is_idle_and_one_with_a_job_is_busy(platform, world):
    assert states(platform) == {"host-w1": "idle", "host-s1": "busy"}
    pass_time(world, 1000, moves=2)
    assert states(platform) == {"host-w1": "idle", "host-s1": "busy"}
    claim = world.running("host-w1/task")
    (node,) = [node for node in monitoring.nodes(platform) if node.row.role == "worker"]
    assert (node.state, node.busy) == ("busy", 1)
    world.jobs.finish(claim, world.output)
    assert states(platform)["host-w1"] == "idle"
    assert set(checks(platform).values()) == {"ok"}


def test_a_worker_that_hears_nothing_while_jobs_wait_is_stuck(platform, world):
    world.submit()
    pass_time(world, 10)
    assert states(platform)["host-w1"] == "idle"  # not yet
    pass_time(world, 10)
    assert states(platform)["host-w1"] == "stuck"
    assert checks(platform)["workers"] == "problem"
    world.store.nodes.beat(WORKER, 2)
    assert states(platform)["host-w1"] == "idle"


def test_a_worker_whose_places_are_all_taken_is_busy_however_long(platform, world):
    for _ in range(2):
        world.running("host-w1/task")
    world.submit()
    pass_time(world, 1000)
    assert states(platform)["host-w1"] == "busy"


def test_a_supervisor_that_makes_no_rounds_is_stuck(platform, world):
    pass_time(world, 20)
    assert states(platform)["host-s1"] == "stuck"
    assert checks(platform)["supervisors"] == "problem"


def test_an_api_that_nobody_asks_is_idle_and_without_one_a_warning_says_so(platform, world):
    def state():
        (found,) = [node.state for node in monitoring.nodes(platform) if node.row.role == "api"]
        return found

    assert state() == "busy"
    pass_time(world, 20)
    assert state() == "idle"
    assert checks(platform)["web"] == "ok"
    world.store.nodes.leave(API.name)
    assert checks(platform)["web"] == "warning"


def test_a_node_that_was_killed_is_silent_and_forgotten_after_an_hour(platform, world):
    world.clock.advance(20)
    world.store.nodes.beat(SUPERVISOR, 2)
    assert states(platform) == {"host-w1": "silent", "host-s1": "busy"}
    assert checks(platform) | {"nodes": "warning", "workers": "problem"} == checks(platform)
    world.clock.advance(3600)
    world.store.nodes.beat(SUPERVISOR, 3)
    assert states(platform) == {"host-s1": "busy"}


def test_a_node_that_ends_is_gone_at_once(platform, world):
    world.store.nodes.leave(WORKER.name)
    assert states(platform) == {"host-s1": "busy"}


def test_one_stuck_worker_among_others_is_a_warning_that_names_it(platform, world):
    world.submit()
    pass_time(world, 20)
    world.store.nodes.beat(Node("host-w2", "worker", "host", "0.3.0", 2), 1)
    (check,) = [check for check in monitoring.health(platform) if check.name == "workers"]
    assert check.status == "warning"
    assert "host-w1" in check.detail


def test_a_job_whose_worker_is_gone_is_overdue_until_it_is_taken_back(platform, world):
    world.running("gone/task")
    world.expire()
    pass_time(world, 20, moves=2)
    assert checks(platform)["leases"] == "warning"
    world.jobs.reap()
    assert checks(platform)["leases"] == "ok"


def test_queues_say_what_waits_and_how_long_what_ended_had_waited_and_run(platform, world):
    for seconds in (1, 3):
        job = world.submit()
        world.clock.advance(seconds)
        claim = world.claim(job.id)
        world.clock.advance(10 * seconds)
        world.jobs.finish(claim, world.output)
    world.submit()
    world.clock.advance(5)
    interactive, batch = monitoring.queues(platform)
    assert interactive == {
        "queue": "interactive",
        "waiting": 1,
        "running": 0,
        "oldest_wait_seconds": pytest.approx(5),
        "bells": 3,
        "ended": 2,
        "wait_p50_seconds": pytest.approx(2),
        "wait_p95_seconds": pytest.approx(2.9),
        "run_p50_seconds": pytest.approx(20),
        "run_p95_seconds": pytest.approx(29),
    }
    assert (batch["queue"], batch["waiting"], batch["ended"], batch["wait_p50_seconds"]) == ("batch", 0, 0, None)
    world.clock.advance(400)
    assert monitoring.queues(platform)[0]["ended"] == 0


def test_what_does_not_answer_is_a_problem_that_is_told(platform, world, monkeypatch):
    def away(*_):
        raise QueueUnavailable("The queue server does not answer.")

    monkeypatch.setattr(world.queue, "length", away)
    monkeypatch.setattr(world.bus, "ping", away, raising=False)
    assert monitoring.queues(platform)[0]["bells"] is None
    assert checks(platform)["queue_server"] == "problem"

    def gone(*_):
        raise StoreUnavailable("The database did not answer in time.")

    monkeypatch.setattr(world.store.nodes, "all", gone)
    assert [(check.name, check.detail) for check in monitoring.health(platform)] == [
        ("store", "The database did not answer in time.")
    ]


def test_who_does_not_wait_for_others_tries_again_soon(sqlite_url, monkeypatch):
    store, tried = Store(sqlite_url), threading.Event()
    beat = store.nodes.beat

    def told(*args, **options):
        try:
            beat(*args, **options)
        finally:
            tried.set()

    monkeypatch.setattr(store.nodes, "beat", told)
    with contextlib.ExitStack() as there:
        with store.database.write():
            there.enter_context(presence(store, API, lambda: 1, every=1000.0, waits=False))
            assert tried.wait(5.0)  # sooner than SQLite waits for a lock
            assert store.nodes.all()[1] == []
        ends = time.monotonic() + 20.0
        while not store.nodes.all()[1]:
            assert time.monotonic() < ends, "it was not seen"
    store.close()


def test_presence_beats_while_it_lasts_and_no_longer(sqlite_url):
    store = Store(sqlite_url)
    node, moves = new_node("worker", concurrency=3), iter(range(1, 1000))
    with presence(store, node, lambda: next(moves), every=0.01):
        ends = time.monotonic() + 20.0
        while not ((rows := store.nodes.all()[1]) and rows[0].moves > 3):
            assert time.monotonic() < ends, "it was not seen to move"
        assert (rows[0].name, rows[0].role, rows[0].concurrency) == (node.name, "worker", 3)
        assert rows[0].seen_at > rows[0].started_at
    assert store.nodes.all()[1] == []
    store.close()
