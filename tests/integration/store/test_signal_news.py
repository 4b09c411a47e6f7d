"""What strategies say is told once: when it is newer than anything that they said before."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.store import signals as store_signals
from app.store.signals import DAY_SECONDS, Spoken

NOON = 1_700_000_000.0


def row(day, symbol="A", conviction=0.4, change=None):
    direction = "LONG" if conviction > 0 else "SHORT" if conviction < 0 else "NEUTRAL"
    said = {"direction": direction, "strength": "weak", "conviction": conviction, "weight": conviction / 2}
    said |= {"z_score": 0.7, "raw_value": None, "reason": "Because.", "change": change, "leg": "ABC".index(symbol)}
    return {"symbol": symbol, "at": NOON + day * DAY_SECONDS, **said}


@pytest.fixture
def speak(world):
    """Finish a job that says this; the events of the channel that it has written."""

    def finish(*rows, strategy="FX_05", dataset="macro", **more):
        said = replace(Spoken(strategy, dataset, "s1", 1, "d1", "real", NOON, rows), **more)
        head = world.store.events.head("signals")
        claim = world.running()
        assert world.jobs.finish(claim, replace(world.output, signals=said)) == "succeeded"
        return world.store.events.since("signals", head)

    return finish


def told(events):
    return [(event.type, event.data["symbol"], event.data["bar_at"][:10]) for event in events]


def test_a_first_computation_tells_its_newest_bar_only(speak):
    events = speak(row(0), row(1, change="flip"), row(2), row(2, "B", -0.3, "surge"))
    assert told(events) == [("signal_update", "A", "2023-11-16"), ("conviction_surge", "B", "2023-11-16")]
    assert events[1].data == {
        "strategy_id": "FX_05",
        "dataset_id": "macro",
        "symbol": "B",
        "bar_at": "2023-11-16T22:13:20.000Z",
        "direction": "SHORT",
        "strength": "weak",
        "conviction": -0.3,
        "weight": -0.15,
        "z_score": 0.7,
        "raw_value": None,
        "reason": "Because.",
        "quality": "real",
        "strategy_version": "s1",
        "params_version": 1,
        "dataset_version": "d1",
    }


def test_the_same_again_and_a_past_that_is_said_anew_tell_nothing(speak):
    speak(row(0), row(1))
    assert speak(row(0), row(1)) == []
    assert speak(row(0, conviction=-0.4), row(1, conviction=-0.4, change="flip"), dataset_version="d2") == []
    assert speak(row(0), row(1), params_version=2) == []
    assert speak(row(-3), row(0), row(1), params_version=2, since=NOON - 9 * DAY_SECONDS) == []


def test_newer_bars_tell_what_is_new_in_them_in_their_order(speak):
    speak(row(0), row(0, "B"))
    events = speak(row(0), row(0, "B"), row(2, "B", change="surge"), row(2), row(1, change="flip"), row(1, "B"))
    assert told(events) == [
        ("signal_flip", "A", "2023-11-15"),
        ("signal_update", "B", "2023-11-15"),
        ("signal_update", "A", "2023-11-16"),
        ("conviction_surge", "B", "2023-11-16"),
    ]
    assert [event.seq for event in events] == [3, 4, 5, 6]


def test_other_strategies_and_other_datasets_begin_by_themselves(speak):
    speak(row(5))
    assert told(speak(row(1), strategy="FX_02")) == [("signal_update", "A", "2023-11-15")]
    assert told(speak(row(1), dataset="real")) == [("signal_update", "A", "2023-11-15")]


def test_of_many_new_bars_the_newest_signals_are_told(speak, monkeypatch):
    monkeypatch.setattr(store_signals, "MOST_TOLD", 3)
    speak(row(0))
    events = speak(*[row(day) for day in range(6)])
    assert [bar for *_, bar in told(events)] == ["2023-11-17", "2023-11-18", "2023-11-19"]


def test_what_is_told_is_published_after_the_commit(world, speak):
    with world.bus.subscribe() as ear:
        event = speak(row(0))[0]
        heard = [ear.next(0.01) for _ in range(6)]
    assert (event.channel, event.seq, event.frame()) in [(news.channel, news.seq, news.frame) for news in heard if news]


def test_a_job_that_fails_or_is_fenced_off_or_cancelled_tells_nothing(world):
    said = replace(world.output, signals=Spoken("FX_05", "macro", "s1", 1, "d1", "real", NOON, [row(0)]))
    failed, lost, cancelled = world.running(), world.running(), world.running("w2")
    world.jobs.fail(failed, world.error)
    world.jobs.give_back(lost.job_id, lease_owner="w1")
    world.jobs.cancel(cancelled.job_id, "ada")
    assert world.jobs.finish(lost, said) is None
    assert world.jobs.finish(cancelled, said) == "cancelled"
    assert world.store.events.since("signals", 0) == []


def test_two_strategies_that_begin_to_contradict_each_other_are_told_once(speak):
    speak(row(0, conviction=0.8), row(0, "B", 0.9))
    assert told(speak(row(0, conviction=-0.49), strategy="FX_02")) == [("signal_update", "A", "2023-11-14")]
    update, divergence = speak(row(0), row(1, conviction=-0.5), strategy="FX_02")
    assert (update.type, divergence.type) == ("signal_update", "signal_divergence")
    assert divergence.data == {
        "symbol": "A",
        "dataset_id": "macro",
        "bar_at": "2023-11-15T22:13:20.000Z",
        "long": [{"strategy_id": "FX_05", "conviction": 0.8}],
        "short": [{"strategy_id": "FX_02", "conviction": -0.5}],
    }
    assert told(speak(row(2, conviction=-0.9), strategy="FX_02")) == [("signal_update", "A", "2023-11-16")]
    assert told(speak(row(1, conviction=0.6))) == [("signal_update", "A", "2023-11-15")]
    speak(row(3, conviction=0.0), strategy="FX_02")  # over
    assert [kind for kind, *_ in told(speak(row(4, conviction=-0.7), strategy="FX_02"))][-1] == "signal_divergence"


def test_what_is_old_or_of_other_data_contradicts_nobody(speak):
    speak(row(0, conviction=0.8))
    speak(row(9, conviction=0.8), strategy="FX_07", dataset="real")
    assert [kind for kind, *_ in told(speak(row(9, conviction=-0.8), strategy="FX_02"))] == ["signal_update"]


def test_of_two_strategies_that_speak_at_the_same_moment_one_tells_the_divergence(world):
    claims = [world.running(), world.running()]
    start = threading.Barrier(2)

    def finish(number):
        said = Spoken(f"FX_0{number}", "macro", "s1", 1, "d1", "real", NOON, [row(0, conviction=(0.9, -0.9)[number])])
        start.wait()
        assert world.jobs.finish(claims[number], replace(world.output, signals=said)) == "succeeded"

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(finish, range(2)))
    kinds = [event.type for event in world.store.events.since("signals", 0)]
    assert kinds == ["signal_update", "signal_update", "signal_divergence"]


def test_a_worker_that_is_lost_leaves_a_trace_and_one_that_stops_does_not(world):
    lost, stopped = world.running("node-1"), world.running("node-2")
    world.jobs.hand_back(stopped.job_id, lease_owner="node-2")
    world.expire()
    world.jobs.reap()
    (event,) = world.store.events.since("workers", 0)
    assert event.type == "worker_lost"
    told_of = {name: event.data[name] for name in ("worker", "owner", "job_id", "attempt", "status")}
    assert told_of == {"worker": "node-1", "owner": "ada", "job_id": lost.job_id, "attempt": 1, "status": "queued"}
