"""What must hold for every indicator, whatever the prices and the window.

`CASES` names each public indicator once; a test compares it with `engine.indicators.__all__`.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import indicators as i
from engine.indicators.abreast import ABREAST
from engine.indicators.comparing import TIE
from engine.jit import Kernel

TYPES = {"Channel", "Directional", "Macd", "Stochastic"}
CALENDAR = {"month_ends"}  # takes times, not values, and has a property of its own


@dataclass(frozen=True)
class Market:
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> Market:
        return Market(*(change(values) for values in (self.open, self.high, self.low, self.close)))


@dataclass(frozen=True)
class Case:
    """How to compute an indicator with windows around w, and what is known of each of its outputs."""

    compute: Callable[[Market, int], Any]
    warm: Callable[[int], tuple[int | None, ...]]  # first row with a value; None for truths, which always have one
    constant: tuple[float, ...]  # on prices that are always 1.1
    degree: int = 0  # multiplying the prices by c multiplies the outputs by c to this power


NAN = float("nan")
CASES = {
    "rolling_sum": Case(lambda m, w: i.rolling_sum(m.close, w), lambda w: (w - 1,), (5 * 1.1,), 1),
    "rolling_max": Case(lambda m, w: i.rolling_max(m.high, w), lambda w: (w - 1,), (1.1,), 1),
    "rolling_min": Case(lambda m, w: i.rolling_min(m.low, w), lambda w: (w - 1,), (1.1,), 1),
    "rolling_std": Case(lambda m, w: i.rolling_std(m.close, w), lambda w: (w - 1,), (0.0,), 1),
    "rolling_skew": Case(lambda m, w: i.rolling_skew(m.close, w), lambda w: (w - 1,), (NAN,)),
    "rolling_kurt": Case(lambda m, w: i.rolling_kurt(m.close, w), lambda w: (w - 1,), (NAN,)),
    "rolling_corr": Case(lambda m, w: i.rolling_corr(m.close, m.high, w), lambda w: (w - 1,), (NAN,)),
    "rolling_beta": Case(lambda m, w: i.rolling_beta(m.close, m.high, w), lambda w: (w - 1,), (NAN,)),
    "zscore": Case(lambda m, w: i.zscore(m.close, w), lambda w: (w - 1,), (NAN,)),
    "percentile_rank": Case(lambda m, w: i.percentile_rank(m.close, w), lambda w: (w - 1,), (0.6,)),
    "lag": Case(lambda m, w: i.lag(m.close, w), lambda w: (w,), (1.1,), 1),
    "returns": Case(lambda m, w: i.returns(m.close), lambda w: (1,), (0.0,)),
    "roc": Case(lambda m, w: i.roc(m.close, w), lambda w: (w,), (0.0,)),
    "ewm_variance": Case(lambda m, w: i.ewm_variance(m.close, w), lambda w: (0,), (0.0,), 2),
    "sma": Case(lambda m, w: i.sma(m.close, w), lambda w: (w - 1,), (1.1,), 1),
    "ema": Case(lambda m, w: i.ema(m.close, w), lambda w: (w - 1,), (1.1,), 1),
    "rma": Case(lambda m, w: i.rma(m.close, w), lambda w: (w - 1,), (1.1,), 1),
    "wma": Case(lambda m, w: i.wma(m.close, w), lambda w: (w - 1,), (1.1,), 1),
    "rsi": Case(lambda m, w: i.rsi(m.close, w), lambda w: (w,), (NAN,)),
    "macd": Case(
        lambda m, w: i.macd(m.close, fast=w, slow=w + 3, signal=w - 1),
        lambda w: (w + 2, 2 * w, 2 * w),
        (0.0, 0.0, 0.0),
        1,
    ),
    "stochastic": Case(
        lambda m, w: i.stochastic(m.high, m.low, m.close, window=w, smooth=3, signal=2),
        lambda w: (w + 1, w + 2),
        (NAN, NAN),
    ),
    "cci": Case(lambda m, w: i.cci(m.high, m.low, m.close, window=w), lambda w: (w - 1,), (NAN,)),
    "adx": Case(lambda m, w: i.adx(m.high, m.low, m.close, window=w), lambda w: (2 * w - 1, w, w), (NAN, NAN, NAN)),
    "true_range": Case(lambda m, w: i.true_range(m.high, m.low, m.close), lambda w: (1,), (0.0,), 1),
    "atr": Case(lambda m, w: i.atr(m.high, m.low, m.close, window=w), lambda w: (w,), (0.0,), 1),
    "volatility": Case(lambda m, w: i.volatility(m.close, w), lambda w: (w,), (0.0,)),
    "parkinson": Case(lambda m, w: i.parkinson(m.high, m.low, w), lambda w: (w - 1,), (0.0,)),
    "garman_klass": Case(
        lambda m, w: i.garman_klass(m.open, m.high, m.low, m.close, window=w), lambda w: (w - 1,), (0.0,)
    ),
    "yang_zhang": Case(lambda m, w: i.yang_zhang(m.open, m.high, m.low, m.close, window=w), lambda w: (w,), (0.0,)),
    "bollinger": Case(lambda m, w: i.bollinger(m.close, w), lambda w: (w - 1,) * 3, (1.1, 1.1, 1.1), 1),
    "keltner": Case(
        lambda m, w: i.keltner(m.high, m.low, m.close, window=w, range_window=w),
        lambda w: (w, w, w),
        (1.1, 1.1, 1.1),
        1,
    ),
    "donchian": Case(lambda m, w: i.donchian(m.high, m.low, w), lambda w: (w - 1,) * 3, (1.1, 1.1, 1.1), 1),
    "compare_averages": Case(lambda m, w: i.compare_averages(m.close, w - 2, w), lambda w: (w - 1,), (0.0,)),
    "crosses": Case(lambda m, w: i.crosses(np.sign(m.close - m.open)), lambda w: (None, None), (0.0, 0.0)),
    "cross_above": Case(lambda m, w: i.cross_above(m.close, m.open), lambda w: (None,), (0.0,)),
    "cross_below": Case(lambda m, w: i.cross_below(m.close, i.sma(m.close, w)), lambda w: (None,), (0.0,)),
    "last_cross": Case(lambda m, w: i.last_cross(np.sign(m.close - m.open)), lambda w: (None,), (0.0,)),
    "latch": Case(lambda m, w: i.latch(m.close > m.open, m.close < m.open), lambda w: (None,), (0.0,)),
}

every = pytest.mark.parametrize("name", sorted(CASES))
few = settings(derandomize=True, max_examples=15, deadline=None)
seeds = st.integers(0, 2**32 - 1)
windows = st.integers(4, 12)


def market(seed, total=60, size=3, holes=0.15):
    """Random bars, some with prices in ticks so that values repeat, some listed late, all with holes."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (total, size)), axis=0))
    open = close * np.exp(rng.normal(0, 0.01, close.shape))
    if rng.random() < 0.5:
        close, open = np.round(close), np.round(open)
    high = np.maximum(open, close) * (1 + rng.exponential(0.005, close.shape))
    low = np.minimum(open, close) * (1 - rng.uniform(0, 0.02, close.shape))
    missing = rng.random(close.shape) < holes
    missing[: rng.integers(0, 10), 0] = holes > 0
    return Market(open, high, low, close).map(lambda values: np.where(missing, np.nan, values))


def outputs(name, bars, window):
    found = CASES[name].compute(bars, window)
    return found if isinstance(found, tuple) else (found,)


def in_plain_python(name, bars, window):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kernel, "__call__", lambda kernel, *arguments: kernel.twin(*arguments))
        return outputs(name, bars, window)


def same(one, other):
    return len(one) == len(other) and all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def test_every_public_indicator_has_its_case():
    assert set(CASES) == set(i.__all__) - TYPES - CALENDAR


@every
@few
@given(seed=seeds, window=windows, stop=st.integers(1, 59))
def test_later_bars_never_change_earlier_values(name, seed, window, stop):
    bars = market(seed)
    whole = outputs(name, bars, window)
    part = outputs(name, bars.map(lambda values: values[:stop]), window)
    assert same([values[:stop] for values in whole], part)


@every
@few
@given(seed=seeds, window=windows)
def test_compiled_and_plain_python_agree_to_the_last_bit(name, seed, window):
    bars = market(seed)
    assert same(outputs(name, bars, window), in_plain_python(name, bars, window))


@pytest.mark.parametrize("name", sorted(set(CASES) - {"latch", "last_cross"}))  # what stands is never missing
@few
@given(seed=seeds, window=windows)
def test_bars_that_did_not_trade_are_skipped(name, seed, window):
    """The result is that of the traded bars alone, and says nothing on the others."""
    bars = market(seed, size=1)
    known = ~np.isnan(bars.close[:, 0])
    dense = outputs(name, bars.map(lambda values: values[known]), window)
    sparse = outputs(name, bars, window)
    assert same([values[known] for values in sparse], dense)
    for values in sparse:
        assert not values[~known].any() if values.dtype == bool else np.isnan(values[~known]).all()


@every
@few
@given(seed=seeds, window=windows)
def test_columns_know_nothing_of_each_other_and_one_may_come_alone(name, seed, window):
    bars = market(seed)
    beside = outputs(name, bars, window)
    for n in range(3):
        alone = outputs(name, bars.map(lambda values, n=n: values[:, n]), window)
        assert all(values.shape == (60,) for values in alone)
        assert same([values[:, n] for values in beside], alone)


@every
@few
@given(
    seed=seeds,
    window=windows,
    size=st.sampled_from([2, 5, ABREAST + 2]),
    apart=st.sampled_from([0, 1, 3]),
    share=st.sampled_from([0.0, 0.1]),
)
def test_columns_that_trade_in_the_same_rows_are_what_each_is_alone(name, seed, window, size, apart, share):
    """Side by side they are one operation for many columns; `apart` of them miss rows of their own."""
    rng = np.random.default_rng(seed)
    missing = np.repeat(rng.random((60, 1)) < share, size, axis=1)
    missing[:, rng.integers(0, size, apart)] |= rng.random((60, apart)) < 0.05
    bars = market(seed, size=size, holes=0.0).map(lambda values: np.where(missing, np.nan, values))
    beside = outputs(name, bars, window)
    for n in {0, 1, *rng.integers(0, size, 4).tolist(), size - 1}:
        alone = outputs(name, bars.map(lambda values, n=n: values[:, n]), window)
        assert same([values[:, n] for values in beside], alone)
    few_columns = bars.map(lambda values: values[:, :3])
    assert same(outputs(name, few_columns, window), in_plain_python(name, few_columns, window))


@every
@pytest.mark.parametrize("window", [4, 7, 12])
def test_the_first_value_comes_when_the_warm_up_says(name, window):
    found = outputs(name, market(3, holes=0), window)
    first = tuple(int(np.argmax(~np.isnan(values[:, 0]))) if values.dtype == float else None for values in found)
    expected = CASES[name].warm(window)
    assert first == (expected if None not in expected else tuple(0 if v.dtype == float else None for v in found))
    for values in found:
        assert not np.isnan(values[max(first[0] or 0, 2 * window) :]).any()


@every
@few
@given(seed=seeds, window=windows, power=st.sampled_from([-6, 3, 10]))
def test_other_units_of_price_scale_the_result(name, seed, window, power):
    """Powers of two round nothing, so the law holds to the last bit."""
    bars, factor = market(seed), 2.0**power
    scaled = outputs(name, bars.map(lambda values: values * factor), window)
    law = [
        values if values.dtype == bool else values * factor ** CASES[name].degree
        for values in outputs(name, bars, window)
    ]
    assert same(scaled, law)


@every
def test_prices_that_never_move(name):
    flat = np.full((40, 2), 1.1)
    bars = Market(flat, flat, flat, flat)
    found = outputs(name, bars, 5)
    assert same(found, in_plain_python(name, bars, 5))
    for values, expected in zip(found, CASES[name].constant, strict=True):
        np.testing.assert_allclose(values[20:], expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", ["rolling_std", "zscore", "rolling_skew", "rolling_kurt", "rolling_corr", "cci"])
def test_prices_that_stop_moving_leave_no_rounding_behind(name):
    rng = np.random.default_rng(5)
    moving = np.where(np.arange(90)[:, None] < 50, 1e6 * (1 + 0.1 * rng.random((90, 1))), 123456.7)
    (found,) = outputs(name, Market(moving, moving, moving, moving), 7)
    expected = 0.0 if name == "rolling_std" else np.nan
    np.testing.assert_array_equal(found[57:], expected)


@pytest.mark.parametrize(
    "name", ["rolling_std", "zscore", "rolling_skew", "rolling_kurt", "rolling_corr", "rolling_beta"]
)
def test_movements_whose_square_is_no_float_are_none(name):
    tiny = np.where(np.arange(40)[:, None] % 3 == 0, 0.0, 1e-200)
    bars = Market(tiny, tiny, tiny, tiny)
    found = outputs(name, bars, 5)
    np.testing.assert_array_equal(found[0][4:], 0.0 if name == "rolling_std" else np.nan)
    assert same(found, in_plain_python(name, bars, 5))


def averages_compared(values, fast, slow):
    """The rule in fractions, which round nothing."""
    found = []
    for t in range(len(values)):
        ahead = slow * sum(map(Fraction, values[t + 1 - fast : t + 1]))
        behind = fast * sum(map(Fraction, values[t + 1 - slow : t + 1]))
        gap = ahead - behind
        tie = abs(gap) <= Fraction(TIE) * abs(behind)
        found.append(math.nan if t + 1 < max(fast, slow) else 0.0 if tie else math.copysign(1.0, gap))
    return found


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    seed=seeds,
    pair=st.tuples(st.integers(1, 6), st.integers(1, 12)),
    digits=st.integers(0, 4),
    fall=st.sampled_from([1.0, 1e-4, 1e-9, 1e6]),
    below_zero=st.booleans(),
)
def test_averages_are_compared_as_fractions_would(seed, pair, digits, fall, below_zero):
    """Decimals that tie on paper, levels that break by powers of ten, and sums that cancel."""
    rng = np.random.default_rng(seed)
    values = np.round(100.0 + np.cumsum(rng.integers(-2, 3, 80)) * 10.0**-digits, digits)
    values[40:] *= fall
    if below_zero:
        values *= rng.choice([-1.0, 1.0], 80)
    expected = averages_compared(values.tolist(), *pair)
    np.testing.assert_array_equal(i.compare_averages(values, *pair), expected)
    beside = np.column_stack((values, values[::-1]))
    np.testing.assert_array_equal(i.compare_averages(beside, *pair)[:, 0], expected)


@few
@given(seed=seeds, pair=st.sampled_from([(2, 5), (20, 50), (7, 300)]))
def test_averages_of_long_columns_are_compared_as_of_each_alone(seed, pair):
    """Longer than any number of bars that goes without exact sums; some columns stand still, some fall to nothing."""
    rng = np.random.default_rng(seed)
    values = np.round(100.0 + np.cumsum(rng.integers(-2, 3, (700, 4)) * 0.1, axis=0), 1)
    values[300:600, 1], values[400:, 2] = 5.5, values[400:, 2] * 1e-9
    found = i.compare_averages(values, *pair)
    for n in range(4):
        np.testing.assert_array_equal(found[:, n], i.compare_averages(values[:, n], *pair))


@few
@given(seed=seeds, window=windows)
def test_ranks_are_the_same_counted_and_looked_up(seed, window):
    values = np.random.default_rng(seed).choice([1.0, 2.0, 3.0, -0.0, 0.0, np.inf, np.nan], (60, 3))
    counted = i.percentile_rank(values, window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.indicators.rolling.COUNTED", 0)
        looked_up = i.percentile_rank(values, window)
        patch.setattr(Kernel, "__call__", lambda kernel, *arguments: kernel.twin(*arguments))
        assert same([looked_up], [i.percentile_rank(values, window)])
    assert same([counted], [looked_up])


@few
@given(seed=seeds)
def test_the_last_cross_is_what_the_crosses_say(seed):
    relation = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0, np.nan], (60, 3))
    up, down = i.crosses(relation)
    np.testing.assert_array_equal(i.last_cross(relation), i.latch(up, down) - i.latch(down, up))


def month_ends_one_by_one(days):
    """The rule read out bar by bar, with what has been seen so far."""
    found: list[bool] = []
    done = None  # the last month whose last weekday had a bar
    for n, day in enumerate(days):
        length = calendar.monthrange(day.year, day.month)[1]
        last = max(at for at in range(1, length + 1) if date(day.year, day.month, at).weekday() < 5)
        before = days[n - 1] if n else day
        month, previous = (day.year, day.month), (before.year, before.month)
        late = month != previous and done != previous
        on_day = day.day == last and (n == 0 or day != before)
        found.append(late or on_day)
        done = month if on_day else done
    return found


@settings(derandomize=True, max_examples=100, deadline=None)
@given(seed=seeds, hours=st.sampled_from([6, 24, 24 * 7, 24 * 31]), kept=st.floats(0.05, 1.0), share=st.floats(0, 1))
def test_month_ends_follow_the_calendar_and_see_no_later_bar(seed, hours, kept, share):
    """Hours, days, weeks and months between bars, with holes and without."""
    rng = np.random.default_rng(seed)
    time = np.datetime64("2019-01-01T03", "ns") + np.arange(300) * np.timedelta64(hours, "h")
    time = time[rng.random(300) < kept]
    found = i.month_ends(time)
    assert found.tolist() == month_ends_one_by_one(time.astype("datetime64[D]").tolist())
    stop = int(share * len(time))
    assert found[:stop].tobytes() == i.month_ends(time[:stop]).tobytes()
