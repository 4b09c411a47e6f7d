"""Statistics of a search: what does not matter to them, what they equal when written out, and what they never say."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from engine.overfit import (
    Tally,
    backtest_overfitting,
    expected_maximum_sharpe,
    mean_correlation,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_difference,
    sharpe_interval,
    statistics,
    superior_ability,
)
from engine.overfit.sharpe import shape

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def searches(draw):
    """Returns of 2 to 12 trials, some of them copies, idle for a while or always, in any unit, with any edge."""
    rng = np.random.default_rng(draw(seeds))
    bars, trials = draw(st.integers(16, 90)), draw(st.integers(2, 12))
    returns = rng.standard_normal((bars, trials)) * 0.01 + rng.normal(0.0, 0.004, trials)
    for column in range(trials):
        kind = draw(st.sampled_from(["full", "full", "full", "copy", "late", "early", "idle"]))
        if kind == "copy":
            returns[:, column] = returns[:, rng.integers(trials)]
        elif kind == "idle":
            returns[:, column] = 0.0
        elif kind != "full":
            half = slice(0, bars // 2) if kind == "late" else slice(bars // 2, bars)
            returns[half, column] = 0.0
    return returns


def sharpe_of(returns):
    deviation = returns.std(axis=0, ddof=1)
    return np.where(deviation > 0.0, returns.mean(axis=0) / np.where(deviation > 0.0, deviation, 1.0), 0.0)


def written_out(returns, blocks):
    """Every split by itself, its halves put together bar by bar: logits and ratios, in the order of the sets."""
    edges = np.linspace(0, len(returns), blocks + 1).astype(int)
    parts = [returns[first:last] for first, last in itertools.pairwise(edges)]
    found = []
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        ours = sharpe_of(np.vstack([parts[at] for at in chosen]))
        theirs = sharpe_of(np.vstack([parts[at] for at in range(blocks) if at not in chosen]))
        best = np.isclose(ours, ours.max(), rtol=0.0, atol=1e-13)
        rank = rankdata(np.round(theirs, 12))[best].mean()
        found.append((math.log(rank / (returns.shape[1] + 1 - rank)), ours.max(), theirs[best].mean()))
    return np.array(found)


@given(searches(), st.sampled_from([2, 4, 6]))
@BOUNDED
def test_splits_are_what_they_are_when_each_is_written_out(returns, blocks):
    found, expected = backtest_overfitting(returns, blocks), written_out(returns, blocks)
    if found is None:
        assert not sharpe_of(returns).any()
        return
    ours = np.array([found.logits, found.in_sample, found.out_of_sample]).T
    for column in range(3):
        assert np.sort(ours[:, column]) == pytest.approx(np.sort(expected[:, column]), abs=1e-9)
    below, level = expected[:, 0] < -1e-9, np.abs(expected[:, 0]) <= 1e-9
    assert found.pbo == pytest.approx((below + 0.5 * level).mean())


def same_splits(one, other):
    assert (one is None) == (other is None)
    if one is not None:
        assert np.array_equal(one.logits, other.logits)
        assert one.pbo == other.pbo
        assert one.in_sample == pytest.approx(other.in_sample, abs=1e-12)
        assert one.out_of_sample == pytest.approx(other.out_of_sample, abs=1e-12)


@given(searches(), seeds)
@BOUNDED
def test_the_order_of_trials_does_not_matter(returns, seed):
    order = np.random.default_rng(seed).permutation(returns.shape[1])
    other = np.ascontiguousarray(returns[:, order])
    same_splits(backtest_overfitting(returns, 4), backtest_overfitting(other, 4))
    one, two = (
        superior_ability(values, np.random.default_rng(1), block_length=2, replications=99)
        for values in (returns, other)
    )
    assert (one is None) == (two is None)
    assert one is None or one[:4] == pytest.approx(two[:4], abs=0.011)


@given(searches(), st.integers(-6, 6))
@BOUNDED
def test_leverage_does_not_matter(returns, power):
    """By powers of two, which round nothing, and another one for every trial."""
    scales = 2.0 ** (np.arange(returns.shape[1]) % 5 + power)
    same_splits(backtest_overfitting(returns, 4), backtest_overfitting(returns * scales, 4))
    one, two = (
        superior_ability(values, np.random.default_rng(1), block_length=2, replications=99)
        for values in (returns, returns * scales)
    )
    assert (one is None) == (two is None)
    assert one is None or one[:3] == pytest.approx(two[:3], abs=0.011)
    assert mean_correlation(returns) == pytest.approx(mean_correlation(returns * scales), abs=1e-9)


@given(searches(), st.integers(2, 4))
@BOUNDED
def test_copies_of_every_trial_change_no_pbo(returns, times):
    one, many = backtest_overfitting(returns, 4), backtest_overfitting(np.repeat(returns, times, axis=1), 4)
    assert (one is None) == (many is None)
    if one is not None:
        assert one.pbo == many.pbo
        assert np.array_equal(np.sign(one.logits), np.sign(many.logits))
        assert one.out_of_sample == pytest.approx(many.out_of_sample, abs=1e-12)


@given(searches())
@BOUNDED
def test_a_copy_of_the_worst_trial_raises_no_pbo(returns):
    """Where one trial loses on every bar, to lose with it twice makes the choice look no worse."""
    worst = -0.02 - 0.001 * np.random.default_rng(0).random((len(returns), 1))
    one, two = (backtest_overfitting(np.hstack([returns, *[worst] * times]), 4) for times in (1, 2))
    assert two.pbo <= one.pbo


@given(seeds, st.floats(0.2, 5.0), st.integers(0, 12))
@BOUNDED
def test_a_difference_turns_its_sign_with_the_order_and_not_with_leverage(seed, scale, lag):
    first, second = np.random.default_rng(seed).standard_normal((2, 60)) * 0.01 + 0.001
    one = sharpe_difference(first, second, 252, lag=lag)
    other = sharpe_difference(second * scale, first, 252, lag=lag)
    assert (one.annual, one.low, one.high) == pytest.approx(
        (-other.annual, -other.high, -other.low), rel=1e-6, abs=1e-9
    )
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


@given(seeds, st.integers(2, 200), st.sampled_from([None, 0, 5]))
@BOUNDED
def test_an_interval_is_around_its_ratio_and_wider_for_more_confidence(seed, bars, lag):
    values = np.random.default_rng(seed).standard_normal(bars) * 0.01
    narrow, wide = (sharpe_interval(values, 252, confidence=level, lag=lag) for level in (0.8, 0.99))
    if narrow is None:
        assert wide is None
        return
    assert wide.low < narrow.low < narrow.annual < narrow.high < wide.high
    assert narrow.annual == pytest.approx(shape(values).per_bar * math.sqrt(252))
    assert (narrow.p_value < 0.2) == (narrow.low > 0.0 or narrow.high < 0.0)


@given(st.floats(-0.5, 0.5), st.floats(-2.0, 2.0), st.floats(0.0, 20.0), st.integers(2, 5000))
@BOUNDED
def test_a_higher_benchmark_is_less_likely_to_be_beaten(per_bar, skewness, above, bars):
    """Kurtosis is at least 1 + skewness^2 whatever the returns are."""
    kurtosis = 1.0 + skewness**2 + above
    found = [probabilistic_sharpe(per_bar, skewness, kurtosis, bars, benchmark_per_bar=at) for at in (-0.1, 0.0, 0.1)]
    assert found == sorted(found, reverse=True)
    length = minimum_track_record(per_bar, skewness, kurtosis)
    if length is not None and length < 1e9:
        for count, enough in ((math.floor(length) - 1, False), (math.ceil(length) + 1, True)):
            reached = probabilistic_sharpe(per_bar, skewness, kurtosis, count)
            assert reached is None or (reached >= 0.95) == enough


@given(st.floats(1.0, 1e6), st.floats(1.0, 1e3), st.floats(0.0, 10.0))
@BOUNDED
def test_more_trials_and_more_variance_make_luck_expect_more(trials, more, variance):
    few, many = expected_maximum_sharpe(variance, trials), expected_maximum_sharpe(variance, trials * more)
    assert 0.0 <= few <= many * (1.0 + 1e-12)
    assert expected_maximum_sharpe(4.0 * variance, trials) == pytest.approx(2.0 * few)
    assert many <= math.sqrt(2.0 * variance * math.log(trials * more)) * 1.05


@given(st.lists(st.lists(st.one_of(st.just(math.nan), st.floats(-9.0, 9.0)), max_size=9), max_size=5))
@BOUNDED
def test_searches_are_judged_together_as_one_search_of_all_their_trials(searches):
    parts, whole = Tally.together(*map(Tally.of, searches)), Tally.of([ratio for each in searches for ratio in each])
    assert parts[:2] == whole[:2]
    assert parts == pytest.approx(whole, rel=1e-9, abs=1e-12)


@given(searches(), st.integers(0, 50), st.booleans())
@BOUNDED
def test_no_block_holds_nan_and_every_probability_is_one(returns, before, matrix):
    ratios = np.where(returns.std(axis=0) > 0.0, sharpe_of(returns), np.nan) * math.sqrt(252)
    best = returns[:, 0 if np.isnan(ratios).all() else np.nanargmax(ratios)]
    found = statistics(
        best, ratios, periods_per_year=252, returns_matrix=returns if matrix else None, before=Tally(before)
    )
    block = json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False))
    for name in ("psr", "deflated_sharpe", "pbo", "spa_p_value"):
        assert block[name] is None or 0.0 <= block[name] <= 1.0
    assert block["sentence"].endswith((".", ")."))
    assert "nan" not in block["sentence"]
    if found.deflated_sharpe is not None:
        assert found.deflated_sharpe <= found.psr
