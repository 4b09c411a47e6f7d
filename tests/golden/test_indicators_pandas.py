"""Indicators against pandas on daily exchange rates, and against exact fractions where pandas itself rounds."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from engine import indicators as i
from engine.indicators.ranking import COUNTED

BOUNDS = {"rel": 1e-9, "abs": 1e-12}
YEN = 4
CASE = {
    "name": "Indicators that TA-Lib has not",
    "data": "12 currencies, S&P 500",
    "peer": "pandas 3.1",
    "compared": "moments, ranks, correlation, volatilities, crossings, month ends, every bar or every 7th window",
}
EXACT = {
    "name": "Moments of large prices that hardly move",
    "data": "prices of 10,000 to 1,000,000 that move by 0.0001 to 100, with spikes",
    "peer": "exact fractions, rounded once",
    "compared": "deviation, z-score, skewness, kurtosis, weighted average",
}


@pytest.fixture(scope="module")
def closes(currencies):
    """Twelve currencies against the dollar, 1999 on; one of them is listed nine years late."""
    return currencies.close


def by_column(values, statistic):
    """A pandas statistic of each column's traded bars, laid back onto all of them."""
    frame = pd.DataFrame(values)
    return pd.DataFrame({n: statistic(frame[n].dropna()) for n in frame}, index=frame.index).to_numpy()


def by_window(values, window, statistic):
    """A pandas statistic of whole windows, every seventh one: `rolling` would carry rounding from one to the next."""
    windows = np.lib.stride_tricks.sliding_window_view(values, window)[::7]
    return statistic(pd.DataFrame(windows)).to_numpy()


@pytest.mark.parametrize("window", [5, 20, 252])
@pytest.mark.parametrize("name", ["std", "skew", "kurt"])
@pytest.mark.parametrize("column", [0, YEN])
def test_moments_of_returns_equal_pandas(closes, agree, window, name, column):
    moves = i.returns(closes[:, column])[1:]
    ours = getattr(i, f"rolling_{name}")(moves, window)[window - 1 :: 7]
    theirs = by_window(moves, window, lambda frame: getattr(frame, name)(axis=1))
    agree(CASE, ours, theirs, **BOUNDS)


@pytest.mark.parametrize("window", [5, 20, 252])
@pytest.mark.parametrize("column", [0, YEN])
def test_zscore_equals_pandas(closes, agree, window, column):
    ours = i.zscore(closes[:, column], window)[window - 1 :: 7]
    theirs = by_window(closes[:, column], window, lambda f: (f[window - 1] - f.mean(axis=1)) / f.std(axis=1))
    # pandas takes the mean of prices first; it is rounded in their sixteenth digit, not in that of the deviation.
    agree(CASE, ours, theirs, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("window", [5, 20, 252, COUNTED + 1])
def test_percentile_rank_and_rolling_deviation_equal_pandas(closes, agree, window):
    """The late listing included: each column by its own traded bars."""
    rank = by_column(closes, lambda s: s.rolling(window).rank(pct=True))
    agree(CASE, i.percentile_rank(closes, window), rank, rel=1e-15)
    moves = i.returns(closes)
    expected = by_column(moves, lambda s: s.rolling(window).std())
    agree(CASE, i.rolling_std(moves, window), expected, **BOUNDS)


@pytest.mark.parametrize("window", [5, 60, 252])
def test_correlation_and_beta_to_one_market_equal_pandas(closes, agree, window):
    moves = i.returns(closes)
    market = pd.Series(moves[:, YEN])
    cov = by_column(moves, lambda s: s.rolling(window).cov(market[s.index]))
    var = by_column(moves, lambda s: market[s.index].rolling(window).var())
    corr = by_column(moves, lambda s: s.rolling(window).corr(market[s.index]))
    agree(CASE, i.rolling_beta(moves, moves[:, YEN], window), cov / var, **BOUNDS)
    agree(CASE, i.rolling_corr(moves, moves[:, [YEN]], window), corr, **BOUNDS)


def test_returns_and_exponential_variance_equal_pandas(closes, agree):
    euro = closes[:, :1]
    moves = i.returns(euro)
    agree(CASE, moves[1:], pd.DataFrame(euro).pct_change().to_numpy()[1:], rel=1e-12)
    expected = pd.DataFrame(moves).ewm(com=60).var(bias=True).to_numpy()
    agree(CASE, i.ewm_variance(moves, 60.0)[5:], expected[5:], rel=1e-9)
    agree(CASE, i.lag(euro, 3), pd.DataFrame(euro).shift(3).to_numpy(), rel=0)


@pytest.mark.parametrize("window", [5, 20, 252])
def test_volatilities_equal_their_papers_formulas_in_pandas(sp500, agree, window):
    o, h, l, c = (pd.Series(np.log(values[:, 0])) for values in (sp500.open, sp500.high, sp500.low, sp500.close))  # noqa: E741
    gap, body, year = o - c.shift(1), c - o, math.sqrt(252)
    inner = ((h - c) * (h - o) + (l - c) * (l - o)).rolling(window).mean()
    k = 0.34 / (1.34 + (window + 1) / (window - 1))
    garman_klass = 0.5 * (h - l) ** 2 - (2 * math.log(2) - 1) * body**2
    expected = {
        "volatility": c.diff().rolling(window).std(),
        "parkinson": (((h - l) ** 2).rolling(window).mean() / (4 * math.log(2))) ** 0.5,
        "garman_klass": garman_klass.rolling(window).mean() ** 0.5,
        "yang_zhang": (gap.rolling(window).var() + k * body[1:].rolling(window).var() + (1 - k) * inner) ** 0.5,
    }
    prices = {"volatility": "close", "parkinson": "high low"}
    for name, theirs in expected.items():
        inputs = [getattr(sp500, field) for field in prices.get(name, "open high low close").split()]
        ours = getattr(i, name)(*inputs, window=window, periods_per_year=252.0)[:, 0]
        agree(CASE, ours, theirs.to_numpy() * year, what=name)


def test_crosses_of_averages_are_those_of_pandas(closes, agree):
    euro = pd.Series(closes[:, 0])
    fast, slow = euro.rolling(20).mean(), euro.rolling(50).mean()
    above = (fast > slow) & (fast.shift(1) <= slow.shift(1)) & slow.shift(1).notna()
    below = (fast < slow) & (fast.shift(1) >= slow.shift(1)) & slow.shift(1).notna()
    mine = i.sma(closes[:, 0], 20), i.sma(closes[:, 0], 50)
    agree(CASE, i.cross_above(*mine), above, rel=0)
    agree(CASE, i.cross_below(*mine), below, rel=0)
    assert above.sum() > 50
    relation = i.compare_averages(closes[:, 0], 20, 50)
    agree(CASE, relation, np.sign(fast - slow), rel=0)
    up, down = i.crosses(relation)
    agree(CASE, up, above, rel=0)
    agree(CASE, down, below, rel=0)
    held = pd.Series(np.where(above, 1.0, np.where(below, 0.0, np.nan))).ffill().fillna(0.0)
    agree(CASE, i.latch(up, down), held, rel=0)
    turned = pd.Series(np.where(above, 1.0, np.where(below, -1.0, np.nan))).ffill().fillna(0.0)
    agree(CASE, i.last_cross(relation), turned, rel=0)


@pytest.mark.parametrize("window", [5, 20, 252])
def test_averages_equal_pandas(closes, agree, window):
    agree(CASE, i.sma(closes, window), by_column(closes, lambda s: s.rolling(window).mean()), rel=1e-12)
    agree(CASE, i.rolling_sum(closes, window), by_column(closes, lambda s: s.rolling(window).sum()), rel=1e-12)


def test_month_ends_are_the_last_weekdays_of_pandas_or_the_first_bar_after(sp500, agree):
    days = pd.DatetimeIndex(sp500.time)
    on_day = days == days + pd.offsets.BMonthEnd(0)
    expected, months = on_day.copy(), days.to_period("M")
    for month in months.unique()[:-1]:
        if not on_day[months == month].any():  # a holiday
            expected[np.argmax(months > month)] = True
    assert expected.sum() == 240
    agree(CASE, i.month_ends(sp500.time), expected, rel=0)


def exact(window):
    """Deviation, z-score, skewness and excess kurtosis of a window of floats in exact fractions, rounded once."""
    values = [Fraction(float(value)) for value in window]
    n, mean = len(values), sum(values) / len(values)
    m2, m3, m4 = (float(sum((value - mean) ** power for value in values) / n) for power in (2, 3, 4))
    deviation = math.sqrt(m2 * n / (n - 1))
    skew = math.sqrt(n * (n - 1)) / (n - 2) * m3 / m2**1.5
    kurt = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * m4 / m2**2 - 3 * (n - 1))
    return deviation, float(values[-1] - mean) / deviation, skew, kurt


@pytest.mark.parametrize(("level", "movement"), [(1e4, 1e-4), (1e6, 1e-3), (1e6, 1e2)])
@pytest.mark.parametrize("spike", [0.0, 2e6])
def test_large_prices_of_tiny_variance_are_exact_where_pandas_is_not(agree, level, movement, spike):
    """pandas is off by 2e-6 here. The spikes leave the window as if they had never been there."""
    values = level + np.random.default_rng(1).normal(0, movement, 1000)
    values[::200] += spike
    rows = np.arange(70, 1000, 31)
    expected = np.array([exact(values[t - 59 : t + 1]) for t in rows])
    for n, ours in enumerate((i.rolling_std, i.zscore, i.rolling_skew, i.rolling_kurt)):
        agree(EXACT, ours(values, 60)[rows], expected[:, n], abs=1e-12, what=ours.__name__)
    average = [float(sum(k * Fraction(float(v)) for k, v in enumerate(values[t - 59 : t + 1], 1)) / 1830) for t in rows]
    agree(EXACT, i.wma(values, 60)[rows], average, rel=1e-15)
