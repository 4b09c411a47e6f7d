"""What was said is written over only by other versions, or by data that say something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.errors import Conflict
from app.store import Output
from app.store.signals import DAY_SECONDS, Spoken

NOON = 1_700_000_000.0


def row(day, symbol="A", **more):
    said = {"direction": "LONG", "strength": "weak", "conviction": 0.5, "weight": 0.25, "z_score": 0.7}
    said |= {"raw_value": None, "reason": "Because.", "change": None, "leg": "ABC".index(symbol)}
    return {"symbol": symbol, "at": NOON + day * DAY_SECONDS, **said, **more}


def spoken(*rows, **more):
    told = Spoken("FX_05", "macro", "s1", 1, "d1", "real", NOON, rows)
    return replace(told, **more)


@pytest.fixture
def speak(world):
    """Finish a job that says this."""

    def finish(said):
        claim = world.running()
        assert world.jobs.finish(claim, replace(world.output, signals=said)) == "succeeded"

    return finish


def history(store, days=365, pair=("FX_05", "macro")):
    return store.signals.history(pair, days)


def versions(store):
    return [(one.at, one.strategy_version, one.params_version, one.dataset_version) for one in history(store)]


def test_a_job_leaves_its_signals_with_its_versions(store, clock, speak):
    speak(spoken(row(0), row(0, "B", direction="SHORT", z_score=None, change="flip")))
    first, second = history(store)
    assert (first.symbol, first.direction, first.conviction, first.quality) == ("A", "LONG", 0.5, "real")
    assert (second.symbol, second.z_score, second.change, second.computed_at) == ("B", None, "flip", clock.now)
    assert (first.strategy_version, first.params_version, first.dataset_version) == ("s1", 1, "d1")


def test_a_job_that_was_fenced_off_or_cancelled_leaves_no_signals(store, world):
    said = replace(world.output, signals=spoken(row(0)))
    lost, cancelled = world.running(), world.running()
    world.expire()
    world.jobs.reap()
    assert world.jobs.finish(lost, said) is None
    again = world.claim(cancelled.job_id, "w2")
    world.jobs.cancel(again.job_id, "ada")
    assert world.jobs.finish(again, said) == "cancelled"
    assert history(store) == []


def test_the_same_versions_change_nothing_and_say_so_by_their_time(store, clock, speak):
    speak(spoken(row(0), row(1)))
    clock.advance(60)
    speak(spoken(row(0), row(1)))
    assert {one.computed_at for one in history(store)} == {clock.now - 60}


def test_newer_data_that_say_the_same_of_a_day_leave_it_as_it_was_said(store, clock, speak):
    speak(spoken(row(0), row(1)))
    clock.advance(60)
    speak(spoken(row(0), row(1, reason="Revised."), row(2), dataset_version="d2"))
    assert [one.dataset_version for one in history(store)] == ["d1", "d2", "d2"]
    assert [one.computed_at for one in history(store)] == [clock.now - 60, clock.now, clock.now]


@pytest.mark.parametrize("change", [{"strategy_version": "s2"}, {"params_version": 2}])
def test_another_strategy_or_other_parameters_replace_what_they_recomputed_and_no_more(store, speak, change):
    speak(spoken(row(0), row(5)))
    speak(spoken(row(5), since=NOON + 5 * DAY_SECONDS, **change))
    first, second = history(store)
    assert (first.strategy_version, first.params_version) == ("s1", 1)
    assert (second.strategy_version, second.params_version) == (
        change.get("strategy_version", "s1"),
        change.get("params_version", 1),
    )


def test_what_is_said_no_more_is_removed_within_what_was_recomputed(store, speak):
    speak(spoken(row(0, "B"), row(3), row(3, "B"), row(9)))
    speak(spoken(row(3), since=NOON + DAY_SECONDS, dataset_version="d2"))
    assert [(one.symbol, one.at) for one in history(store)] == [("B", NOON), ("A", NOON + 3 * DAY_SECONDS)]


def test_a_late_job_of_older_parameters_does_not_win(store, speak):
    speak(spoken(row(0, conviction=0.9), params_version=2))
    speak(spoken(row(0, conviction=0.1), row(1), params_version=1))
    assert [(one.conviction, one.params_version) for one in history(store)] == [(0.9, 2), (0.5, 1)]


def test_other_strategies_and_datasets_are_left_alone(store, speak):
    speak(spoken(row(0)))
    speak(spoken(row(0, conviction=0.1), strategy_id="FX_02"))
    speak(spoken(row(0, conviction=0.2), dataset_id="real", strategy_version="s9"))
    assert [one.conviction for one in history(store)] == [0.5]
    assert [one.conviction for one in history(store, pair=("FX_05", "real"))] == [0.2]


def test_the_latest_signals_are_those_of_each_strategys_newest_bar(store, speak):
    speak(spoken(row(0), row(4), row(4, "B")))
    speak(spoken(row(2), strategy_id="FX_02"))
    found = store.signals.latest([("FX_05", "macro"), ("FX_02", "macro"), ("FX_01", "macro")])
    assert [(one.strategy_id, one.symbol, (one.at - NOON) / DAY_SECONDS) for one in found] == [
        ("FX_02", "A", 2.0),
        ("FX_05", "A", 4.0),
        ("FX_05", "B", 4.0),
    ]
    assert store.signals.latest([]) == []


def test_history_counts_its_days_back_from_the_newest_signal(store, speak):
    speak(spoken(*[row(day) for day in range(10)]))
    assert [(one.at - NOON) / DAY_SECONDS for one in history(store, 3)] == [7.0, 8.0, 9.0]
    assert len(history(store, 1)) == 1


def test_the_loudest_signal_of_a_bar_is_found_and_of_equal_ones_the_first_leg(store, speak):
    speak(spoken(row(0, conviction=0.1), row(0, "B", conviction=-0.8), row(1, "C", conviction=-0.5), row(1, "B")))
    speak(spoken(row(9, conviction=0.0), strategy_id="FX_02"))
    pairs = [("FX_05", "macro"), ("FX_02", "macro")]
    assert [(one.symbol, one.conviction) for one in store.signals.loudest(pairs, 30)] == [
        ("B", -0.8),
        ("B", 0.5),
        ("A", 0.0),
    ]
    assert [one.strategy_id for one in store.signals.loudest(pairs, 8)] == ["FX_02"]


def test_the_newest_job_on_signals_is_found_for_each_strategy(store, world):
    world.submit(kind="signals", strategy_id="FX_05")
    world.clock.advance(1)
    newest = world.submit("bob", kind="signals", strategy_id="FX_05")
    other = world.submit(kind="signals", strategy_id="FX_02")
    world.clock.advance(1)
    world.submit(strategy_id="FX_05")
    assert {name: job.id for name, job in store.signals.runs().items()} == {"FX_05": newest.id, "FX_02": other.id}


def test_a_set_of_parameters_stands_until_another_one_does(store, clock):
    assert store.params.current("sma_cross") is None
    assert store.params.overrides("sma_cross") == {}
    first = store.params.put("sma_cross", {"fast": 10}, by="ada")
    clock.advance(5)
    second = store.params.put("sma_cross", {"slow": 90}, by="bob")
    assert (first.version, first.changed_by, first.changed_at) == (1, "ada", clock.now - 5)
    assert (second.version, second.params) == (2, {"slow": 90})
    assert store.params.overrides("sma_cross") == {"slow": 90}
    assert [one.version for one in store.params.history("sma_cross", limit=9)] == [2, 1]
    assert [one.version for one in store.params.history("sma_cross", limit=1)] == [2]
    assert {name: one.version for name, one in store.params.everyone().items()} == {"sma_cross": 2}


def test_the_same_set_again_is_no_new_version(store):
    store.params.put("sma_cross", {"fast": 10}, by="ada")
    assert store.params.put("sma_cross", {"fast": 10}, by="bob").changed_by == "ada"
    assert len(store.params.history("sma_cross", limit=9)) == 1


def test_a_change_of_a_version_that_does_not_stand_is_refused(store):
    store.params.put("sma_cross", {"fast": 10}, by="ada", expected=0)
    with pytest.raises(Conflict, match="version 1 by now") as refused:
        store.params.put("sma_cross", {"fast": 11}, by="bob", expected=0)
    assert (refused.value.code, refused.value.given, refused.value.allowed) == ("params_changed", 0, [1])
    assert store.params.put("sma_cross", {"fast": 11}, by="bob", expected=1).version == 2


def test_an_output_without_signals_writes_none(store, world):
    assert isinstance(world.output, Output)
    world.succeeded()
    assert store.signals.latest([("FX_05", "macro")]) == []


def test_heads_are_the_newest_bar_of_each_strategy_on_each_dataset(store, speak):
    speak(spoken(row(0), row(4), row(4, "B")))
    speak(spoken(row(2), strategy_id="FX_02"))
    speak(spoken(row(3), dataset_id="real"))
    assert store.signals.heads() == {
        ("FX_05", "macro"): NOON + 4 * DAY_SECONDS,
        ("FX_02", "macro"): NOON + 2 * DAY_SECONDS,
        ("FX_05", "real"): NOON + 3 * DAY_SECONDS,
    }


def test_what_stood_at_a_time_comes_with_what_was_said_later(store, speak):
    speak(spoken(*(row(day, symbol) for day in (0, 2, 4) for symbol in "AB")))

    def since(day):
        return [
            (one.at - NOON) / DAY_SECONDS for one in store.signals.since(("FX_05", "macro"), NOON + day * DAY_SECONDS)
        ]

    assert since(3) == since(2) == [2.0, 2.0, 4.0, 4.0]
    assert since(9) == [4.0, 4.0]
    assert since(-1) == [0.0, 0.0, 2.0, 2.0, 4.0, 4.0]
