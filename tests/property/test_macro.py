"""What must hold for every macro strategy, in whatever world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.panel import Panel
from engine.strategy import Decision
from tests.macro import small, world
from tests.property.test_engine import seeds
from tests.shelf import MACRO

TOTAL = 260


def told(decision: Decision) -> Iterator[tuple[str, np.ndarray]]:
    """Every array of a decision by name."""
    for name in ("weights", "score", "raw", "conviction"):
        if getattr(decision, name) is not None:
            yield name, np.ascontiguousarray(getattr(decision, name))
    yield from decision.reasons.items()


@pytest.mark.parametrize("macro", MACRO, ids=lambda item: item.id)
@settings(derandomize=True, max_examples=12, deadline=None)
@given(seed=seeds, data=st.data())
def test_no_macro_strategy_sees_what_was_published_later(macro, seed, data):
    bars, bound = world(macro, total=TOTAL, seed=seed), macro.bind(**small(macro))
    stop = data.draw(st.integers(bound.lookback + 2, TOTAL - 1))
    whole, part = dict(told(bound.decide(bars))), dict(told(bound.decide(bars.until(stop))))
    assert whole.keys() == part.keys()
    for name, values in part.items():
        assert values.tobytes() == whole[name][:stop].tobytes(), name


@pytest.mark.parametrize("macro", MACRO, ids=lambda item: item.id)
@settings(derandomize=True, max_examples=8, deadline=None)
@given(seed=seeds, stop=st.integers(200, TOTAL))
def test_what_is_published_a_minute_after_the_close_is_not_used_that_day(macro, seed, stop):
    bars, bound = world(macro, total=TOTAL, seed=seed).until(stop), macro.bind(**small(macro))
    today, late = bars.time[-1:], bars.decided[-1:] + np.timedelta64(1, "m")
    series = [
        replace(
            one,
            observed=np.append(one.observed, today),
            available=np.append(one.available, late),
            value=np.append(one.value, 3.0 * np.abs(one.value[-1:]) + 1.0),
        )
        for one in bars.panel.series.values()
    ]
    told_late = bars.with_panel(Panel.of(series, bars.panel.calendars.values(), delay=bars.panel.delay))
    for (name, before), (_, after) in zip(told(bound.decide(bars)), told(bound.decide(told_late)), strict=True):
        assert before.tobytes() == after.tobytes(), name


@pytest.mark.parametrize("macro", MACRO, ids=lambda item: item.id)
@settings(derandomize=True, max_examples=8, deadline=None)
@given(seed=seeds, most=st.floats(0.01, 1.0))
def test_no_leg_is_larger_than_it_may_be_and_who_stands_aside_says_why(macro, seed, most):
    bars = world(macro, total=TOTAL, seed=seed)
    decision = macro.bind(**small(macro, max_position=most)).decide(bars)
    assert np.isfinite(decision.weights).all()
    assert np.abs(decision.weights).max() <= most * (1.0 + 1e-12)
    assert ((decision.conviction >= 0.0) & (decision.conviction <= 1.0)).all()
    flat = ~decision.weights.any(axis=1)
    assert np.any(list(decision.reasons.values()), axis=0)[flat].all()


@pytest.mark.parametrize("macro", MACRO, ids=lambda item: item.id)
@settings(derandomize=True, max_examples=8, deadline=None)
@given(seed=seeds, data=st.data())
def test_an_input_that_is_missing_leaves_no_position_and_is_named(macro, seed, data):
    """Without an optional one there may be a position: of a strategy that has no others, all are taken away."""
    needed = [(need.key,) for need in macro.series if not need.optional]
    without = data.draw(st.sampled_from(needed or [tuple(need.key for need in macro.series)]))
    bars = world(macro, total=TOTAL, seed=seed, without=without)
    decision = macro.bind(**small(macro)).decide(bars)
    assert not decision.weights.any()
    named = [holds for sentence, holds in decision.reasons.items() if any(key in sentence for key in without)]
    assert named
    assert np.any(named, axis=0).all()
