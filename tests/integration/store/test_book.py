"""A step of the paper book is stored whole, once, and only where the book still stands where it began."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from app.errors import Conflict
from app.store.paper import Step

DAY = 86_400.0
NOON = 1_700_000_000.0


def mark(day, equity=1000.0, **more):
    """The row of a mark that holds nothing."""
    return {
        "bar_at": NOON + day * DAY,
        "years": 1 / 365,
        **dict.fromkeys(("equity", "cash"), equity),
        **dict.fromkeys(("gross", "net", "pnl", "drawdown"), 0.0),
        "quality": "real",
        "positions": [],
        "target": [],
        "sleeves": {"one": 0.0},
        "book_version": 0,
        "datasets": {"d": "v1"},
        **more,
    }


def fill(place, quantity=0.1 + 0.2, **more):
    costs = dict.fromkeys(("price", "commission", "slippage", "carry"), 1 / 3)
    return {"mark": place, "bar_at": NOON, "dataset_id": "d", "symbol": "A", "reason": "signal"} | {
        "quantity": quantity,
        **costs,
        **more,
    }


def step(after, *days, fills=(), events=(("pnl_update", {"equity": 1.5}),)):
    state = {"cash": (1 / 3).hex(), "after": after}
    return Step(after, 1000.0, state, {"d": NOON + days[-1] * DAY}, [mark(day) for day in days], fills, events)


@pytest.fixture
def go(world):
    """Finish a job that leaves this step."""

    def finish(left):
        claim = world.running(kind="book")
        assert world.jobs.finish(claim, replace(world.output, book=left)) == "succeeded"

    return finish


def test_a_step_leaves_marks_fills_state_and_events_together(store, clock, go):
    go(step(0, 1, 2, fills=[fill(2), fill(2, -1.0)]))
    go(step(2, 3, fills=[fill(1, 1e-17)]))
    state = store.book.state()
    assert (state.number, state.fills, state.seen) == (3, 3, {"d": NOON + 3 * DAY})
    assert (state.capital, state.live_since, state.opened_at) == (1000.0, NOON + 2 * DAY, clock.now)
    assert float.fromhex(state.state["cash"]) == 1 / 3
    assert [(row.n, row.bar_at) for row in store.book.marks(after=0, limit=9)] == [
        (n, NOON + n * DAY) for n in (1, 2, 3)
    ]
    assert [(row.n, row.mark, row.quantity) for row in store.book.ledger(1, 9)] == [
        (1, 2, 0.1 + 0.2),
        (2, 2, -1.0),
        (3, 3, 1e-17),
    ]
    assert store.book.ledger(1, 9)[0].price == 1 / 3
    told = store.events.since("portfolio", 0)
    assert [(event.seq, event.type, event.data) for event in told] == [
        (n, "pnl_update", {"equity": 1.5}) for n in (1, 2)
    ]


def test_what_the_last_mark_may_lose_is_stored_with_it(store, go):
    go(replace(step(0, 1, 2), risk={"positions": 1, "var": 1 / 3}))
    go(step(2, 3))
    assert [store.risk.of(mark) for mark in (1, 2, 3)] == [None, {"positions": 1, "var": 1 / 3}, None]


def test_what_a_step_tells_is_published_with_the_end_of_its_job(world):
    claim = world.running(kind="book")
    with world.bus.subscribe() as ear:
        world.jobs.finish(claim, replace(world.output, book=step(0, 1)))
        heard = [ear.next(1).channel for _ in range(3)]
    assert heard == ["portfolio", f"jobs/{claim.job_id}", "jobs:ada"]


def test_a_job_that_was_fenced_off_or_cancelled_leaves_no_step(store, world):
    left = replace(world.output, book=step(0, 1, fills=[fill(1)]))
    lost, cancelled = world.running(), world.running()
    world.expire()
    world.jobs.reap()
    assert world.jobs.finish(lost, left) is None
    again = world.claim(cancelled.job_id, "w2")
    world.jobs.cancel(again.job_id, "ada")
    assert world.jobs.finish(again, left) == "cancelled"
    assert (store.book.state(), store.book.newest(), store.events.head("portfolio")) == (None, None, 0)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_step_from_elsewhere_is_refused_with_all_of_its_job(store, world, go, after):
    go(step(0, 1, 2))
    claim = world.running()
    with pytest.raises(Conflict) as raised:
        world.jobs.finish(claim, replace(world.output, book=step(after, 3, fills=[fill(1)])))
    assert raised.value.code == "book_moved"
    assert (store.book.state().number, store.book.ledger(1, 9), store.events.head("portfolio")) == (2, [], 1)
    assert world.row(claim.job_id).status == "running"
    assert world.jobs.fail(claim, raised.value.detail()) == "failed"


@pytest.mark.parametrize("after", [0, 1])
def test_of_steps_that_end_at_once_one_is_stored(store, world, go, after):
    if after:
        go(step(0, 1))
    claims, ended = [world.running(f"w{at}", seed=at) for at in range(4)], []

    def finish(claim):
        try:
            ended.append(world.jobs.finish(claim, replace(world.output, book=step(after, 5, fills=[fill(1)]))))
        except Conflict as error:
            ended.append(error.code)

    threads = [threading.Thread(target=finish, args=(claim,)) for claim in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["book_moved"] * 3 + ["succeeded"]
    assert (store.book.state().number, store.book.state().fills) == (after + 1, 1)


def test_configurations_are_versions_and_the_same_one_is_none(store, go):
    first = {"strategies": "all", "capital": 1000.0, "start_date": None, "config": {"slippage_bps": 2.0}}
    assert store.book.version() is None
    assert store.book.put(first, by="ada").version == 1
    assert store.book.put(first, by="bob").changed_by == "ada"
    other = first | {"strategies": [{"strategy_id": "a", "weight": 0.5}]}
    assert store.book.put(other, by="bob").version == 2
    assert (store.book.version().strategies, store.book.version(1).strategies) == (other["strategies"], "all")
    go(step(0, 1))
    for change in ({"capital": 5.0}, {"start_date": "2024-01-01"}):
        with pytest.raises(Conflict) as raised:
            store.book.put(first | change, by="ada")
        assert raised.value.code == "book_is_open"
    assert store.book.put(first, by="ada").version == 3


def test_a_curve_is_of_the_days_up_to_the_newest_bar(store, go):
    go(step(0, 1, 2, 3, 2))  # the last one came late
    assert [(row.bar_at - NOON) / DAY for row in store.book.curve(2)] == [2.0, 3.0, 2.0]
    assert len(store.book.curve()) == 4
    go(step(4, 1, 4))  # and here the first one: what it brought is of these days
    assert [(row.bar_at - NOON) / DAY for row in store.book.curve(2)] == [3.0, 2.0, 1.0, 4.0]


def test_trades_are_read_from_a_number_on(store, go):
    go(step(0, 1, fills=[fill(1)] * 5))
    assert [row.n for row in store.book.trades(before=None, limit=2)] == [5, 4]
    assert [row.n for row in store.book.trades(before=4, limit=9)] == [3, 2, 1]


def test_the_newest_job_of_the_book_is_known_by_its_kind(store, world, clock):
    assert store.book.run("system") is None
    world.submit("system", kind="book", after=0)
    clock.advance(1)
    newest = world.submit("system", kind="book", after=1)
    world.submit("system", kind="signals")
    world.submit("ada", kind="book", after=2)
    assert store.book.run("system").id == newest.id
