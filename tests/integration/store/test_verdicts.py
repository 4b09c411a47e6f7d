"""There is one verdict on a thing, and the bad one is not hidden by a good one."""

from __future__ import annotations

from dataclasses import replace

from app.store.verdicts import CLEAN, LOOKS_AHEAD, Checked

ABOUT = Checked("sma_cross", "a" * 12, "fx_daily", "b" * 12, "c" * 64)


def test_a_look_ahead_that_is_found_later_stands_in_place_of_a_clean_verdict_for_good(store, clock):
    assert store.verdicts.get(ABOUT) is None
    for verdict, stands in ((CLEAN, CLEAN), (CLEAN, CLEAN), (LOOKS_AHEAD, LOOKS_AHEAD), (CLEAN, LOOKS_AHEAD)):
        store.verdicts.put(ABOUT, verdict, {"verdict": verdict})
        row = store.verdicts.get(ABOUT)
        assert (row.verdict, row.detail) == (stands, {"verdict": stands})
        clock.advance(5)
    assert row.checked_at == clock.now - 10
    for name in vars(ABOUT):
        assert store.verdicts.get(replace(ABOUT, **{name: "other"})) is None


def test_a_version_is_clean_otherwise_when_no_parameters_looked_ahead_on_the_same_data(store):
    other = replace(ABOUT, params_hash="e" * 64)
    assert not store.verdicts.clean_otherwise(other)
    store.verdicts.put(ABOUT, CLEAN, {})
    assert store.verdicts.clean_otherwise(other)
    for name in ("strategy_id", "strategy_version", "dataset_id", "dataset_version"):
        assert not store.verdicts.clean_otherwise(replace(other, **{name: "new"}))
    store.verdicts.put(replace(ABOUT, params_hash="f" * 64), LOOKS_AHEAD, {})
    assert not store.verdicts.clean_otherwise(other)


def test_of_several_verdicts_on_a_version_the_worst_is_shown(store, clock):
    assert store.verdicts.worst("sma_cross", "a" * 12) is None
    store.verdicts.put(replace(ABOUT, dataset_id="bad"), LOOKS_AHEAD, {})
    clock.advance(5)
    store.verdicts.put(ABOUT, CLEAN, {})
    assert store.verdicts.worst("sma_cross", "a" * 12).dataset_id == "bad"
    assert store.verdicts.worst("sma_cross", "d" * 12) is None


def test_the_verdicts_that_stand_are_the_worst_of_each_version(store):
    for version, verdict in (("a", CLEAN), ("b", CLEAN), ("b", LOOKS_AHEAD)):
        store.verdicts.put(replace(ABOUT, strategy_version=version, params_hash=verdict), verdict, {})
    assert store.verdicts.standing() == {("sma_cross", "a"): CLEAN, ("sma_cross", "b"): LOOKS_AHEAD}
