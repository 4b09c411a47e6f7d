"""What holds for paths of any returns, and that compiled code says what its twin says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.blocks import optimal_block
from engine.montecarlo import Plan, walks
from engine.montecarlo.chance import words
from engine.montecarlo.figures import bands, probability, summary
from engine.montecarlo.redrawing import Drawn, picks_of, redraw

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)

seeds = st.integers(0, 2**53 - 1)
plans = st.sampled_from(["stationary", "circular", "trades"])


def returns_of(seed, count, ruinous):
    returns = np.random.default_rng(seed).standard_t(3, count) * 0.05
    return np.maximum(returns, -2.0 if ruinous else -0.99)


@BOUNDED
@given(seed=seeds, count=st.integers(1, 40), steps=st.integers(1, 60), block=st.integers(1, 50))
@pytest.mark.usefixtures("compiled")
def test_the_compiled_picks_equal_their_twins(seed, count, steps, block):
    drawn = words(seed, 3, 4, steps)
    for name, arguments in (
        ("stationary", (round(2**32 / block), count)),
        ("circular", (block, count)),
        ("shuffled", ()),
    ):
        kernel, (one, other) = getattr(walks, name), np.full((2, 4, steps), -1)
        kernel(drawn, *arguments, one)
        kernel.twin(drawn, *arguments, other)
        assert (one == other).all()
        assert one.min() >= 0
        if name != "shuffled":
            assert one.max() < count


@BOUNDED
@given(seed=seeds, count=st.integers(2, 40), steps=st.integers(1, 60), ruinous=st.booleans())
@pytest.mark.usefixtures("compiled")
def test_the_compiled_walk_equals_its_twin_bit_for_bit(seed, count, steps, ruinous):
    returns = returns_of(seed, count, ruinous)
    picks = picks_of(Plan(paths=3, seed=seed), 3.0, count, slice(0, 3), steps)
    at = np.unique(np.array([1, (steps + 1) // 2, steps]))
    outs = [(np.zeros((len(at), 3)), np.zeros((len(at), 3)), np.zeros((3, walks.COLUMNS))) for _ in range(2)]
    with np.errstate(all="ignore"):
        walks.follow(returns, float(returns.mean()), picks, at, *outs[0])
        walks.follow.twin(returns, float(returns.mean()), picks, at, *outs[1])
    for one, other in zip(*outs, strict=True):
        assert one.tobytes() == other.tobytes()


@BOUNDED
@given(seed=seeds, method=plans, count=st.integers(2, 60), paths=st.integers(1, 30))
def test_paths_are_made_of_the_returns_and_of_nothing_else(seed, method, count, paths):
    """Each path again by numpy, from its picks."""
    returns, plan = returns_of(seed, count, False), Plan(method, paths=paths, seed=seed)
    found = redraw(Drawn(returns, 252.0, 0.0001, 50.0), plan, 4.0, None)
    picks = picks_of(plan, 4.0, count, slice(0, paths), count)
    curves = 50.0 * np.cumprod(1 + returns[picks], axis=1)
    peaks = np.maximum(np.maximum.accumulate(curves, axis=1), 50.0)
    assert found.equity == pytest.approx(curves[:, found.at - 1].T, rel=1e-9)
    assert found.drawdown == pytest.approx((curves / peaks - 1)[:, found.at - 1].T, abs=1e-9)
    assert found.figures["max_drawdown"] == pytest.approx((curves / peaks - 1).min(axis=1), abs=1e-9)
    assert found.figures["lowest_equity"] == pytest.approx(curves.min(axis=1), rel=1e-9)
    deviation = returns[picks].std(axis=1, ddof=1)
    sharpe = (returns[picks].mean(axis=1) - 0.0001) / np.where(deviation > 1e-12, deviation, np.nan) * math.sqrt(252)
    assert found.figures["sharpe"] == pytest.approx(sharpe, rel=1e-6, nan_ok=True)


@BOUNDED
@given(seed=seeds, method=plans, first=st.integers(0, 10**9), count=st.integers(2, 30))
def test_a_path_is_the_same_whatever_is_made_beside_it(seed, method, first, count):
    plan = Plan(method, seed=seed)
    some = picks_of(plan, 5.0, count, slice(first, first + 6), count)
    assert (picks_of(plan, 5.0, count, slice(first + 4, first + 5), count)[0] == some[4]).all()
    if method == "trades":
        assert (np.sort(some, axis=1) == np.arange(count)).all()


@BOUNDED
@given(seed=seeds, count=st.integers(2, 400), circular=st.booleans())
def test_a_block_length_is_within_its_bounds_and_knows_no_scale(seed, count, circular):
    returns = returns_of(seed, count, False)
    length = optimal_block(returns, circular=circular)
    assert 1.0 <= length <= max(1, math.ceil(min(3 * math.sqrt(count), count / 3)))
    assert optimal_block(returns * 64, circular=circular) == length
    assert optimal_block(np.full(count, returns[0]), circular=circular) == 1.0


@BOUNDED
@given(values=st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=50), at=st.floats(-1e6, 1e6))
def test_a_summary_has_no_nan_and_its_quantiles_are_in_order(values, at):
    told = summary(np.array(values), at)
    figures = [told[name] for name in ("p05", "p25", "p50", "p75", "p95") if told[name] is not None]
    assert all(value is None or math.isfinite(value) for value in told.values())
    assert figures == sorted(figures)
    assert len(figures) in (0, 5)
    (row,) = np.array([list(bands(np.array([values])).values())]) if told["defined"] == len(values) else (np.empty(0),)
    assert row.ravel().tolist() == (figures if told["defined"] == len(values) else [])


@BOUNDED
@given(paths=st.integers(1, 10**5), share=st.floats(0, 1))
def test_a_probability_lies_within_its_interval(paths, share):
    found = probability(int(share * paths), paths)
    assert 0.0 <= found["low"] <= found["probability"] <= found["high"] <= 1.0
