"""Indicators against TA-Lib: the S&P 500 from 1999 to 2018 of the `arch` package, from each one's first value on.

Where TA-Lib defines something else under the same name, the test says what.
"""

from __future__ import annotations

import numpy as np
import pytest
import talib

from engine import indicators as i

# The tightest bound that TA-Lib's own rounding allows: its sums of squares carry what has left the window.
TIGHT = {"rel": 1e-9, "abs": 1e-12}
CASE = {
    "name": "Indicators",
    "data": "S&P 500",
    "peer": "TA-Lib 0.8.2",
    "compared": "23 functions with several windows each, every bar",
}


@pytest.fixture(scope="module")
def prices(sp500):
    """Open, high, low and close of the S&P 500, [T] each."""
    fields = (sp500.open, sp500.high, sp500.low, sp500.close)
    return tuple(np.ascontiguousarray(values[:, 0]) for values in fields)


@pytest.fixture(scope="module")
def equal(agree):
    def check(ours, theirs, *, first, **bounds):
        """Equal where TA-Lib has a value, which begins at row `first`."""
        assert int(np.argmax(~np.isnan(theirs))) == first
        agree(CASE, ours[first:], theirs[first:], **(TIGHT | bounds))

    return check


@pytest.mark.parametrize("window", [2, 20, 200])
@pytest.mark.parametrize("name", ["sma", "ema", "wma", "rma"])
def test_averages_equal_talib(prices, equal, name, window):
    close = prices[3]
    theirs = getattr(talib, name.upper())(close, window)
    equal(getattr(i, name)(close, window), theirs, first=window - 1, abs=0)


@pytest.mark.parametrize("window", [2, 20, 55])
def test_extremes_and_sums_equal_talib(prices, agree, equal, window):
    _, high, low, close = prices
    agree(CASE, i.rolling_max(high, window), talib.MAX(high, window), rel=0)
    agree(CASE, i.rolling_min(low, window), talib.MIN(low, window), rel=0)
    equal(i.rolling_sum(close, window), talib.SUM(close, window), first=window - 1, abs=0)


@pytest.mark.parametrize("window", [2, 14, 50])
def test_rsi_equals_talib(prices, equal, window):
    equal(i.rsi(prices[3], window), talib.RSI(prices[3], window), first=window)


@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 26, 9), (3, 10, 16)])
def test_macd_equals_talib_which_hides_the_line_until_the_signal_starts(prices, equal, fast, slow, signal):
    ours = i.macd(prices[3], fast=fast, slow=slow, signal=signal)
    for mine, theirs in zip(ours, talib.MACD(prices[3], fast, slow, signal), strict=True):
        equal(mine, theirs, first=slow + signal - 2)


@pytest.mark.parametrize("window", [5, 20, 100])
def test_bollinger_bands_and_their_deviation_equal_talib(prices, equal, window):
    close = prices[3]
    for mine, theirs in zip(i.bollinger(close, window, width=2.5), talib.BBANDS(close, window, 2.5, 2.5), strict=True):
        equal(mine, theirs, first=window - 1)
    equal(i.rolling_std(close, window, ddof=0), talib.STDDEV(close, window, 1.0), first=window - 1)


@pytest.mark.parametrize("window", [2, 14, 50])
def test_ranges_and_directions_equal_talib(prices, equal, window):
    _, *hlc = prices
    equal(i.true_range(*hlc), talib.TRANGE(*hlc), first=1)
    equal(i.atr(*hlc, window=window), talib.ATR(*hlc, window), first=window)
    ours = i.adx(*hlc, window=window)
    equal(ours.adx, talib.ADX(*hlc, window), first=2 * window - 1)
    equal(ours.plus, talib.PLUS_DI(*hlc, window), first=window)
    equal(ours.minus, talib.MINUS_DI(*hlc, window), first=window)


@pytest.mark.parametrize(("window", "ranges"), [(20, 10), (5, 10), (20, 30)])
def test_keltner_channels_equal_talib(prices, equal, window, ranges):
    _, *hlc = prices
    ours = i.keltner(*hlc, window=window, range_window=ranges, width=1.5)
    for mine, theirs in zip(ours, talib.KC(*hlc, window, ranges, 1.5), strict=True):
        equal(mine, theirs, first=max(window - 1, ranges))


@pytest.mark.parametrize("window", [2, 20, 55])
def test_donchian_channels_equal_talib(prices, equal, window):
    _, high, low, _ = prices
    for mine, theirs in zip(i.donchian(high, low, window), talib.DONCHIAN(high, low, window), strict=True):
        equal(mine, theirs, first=window - 1, rel=1e-15)


@pytest.mark.parametrize(("window", "smooth", "signal"), [(14, 3, 3), (5, 1, 3)])
def test_stochastic_equals_talib_which_hides_k_until_d_starts(prices, equal, window, smooth, signal):
    _, *hlc = prices
    ours = i.stochastic(*hlc, window=window, smooth=smooth, signal=signal)
    for mine, theirs in zip(ours, talib.STOCH(*hlc, window, smooth, 0, signal, 0), strict=True):
        equal(mine, theirs, first=window + smooth + signal - 3)


@pytest.mark.parametrize("window", [5, 20, 100])
def test_cci_equals_talib(prices, equal, window):
    _, *hlc = prices
    equal(i.cci(*hlc, window=window), talib.CCI(*hlc, window), first=window - 1, abs=1e-9)


@pytest.mark.parametrize("bars", [1, 10])
def test_rate_of_change_is_talibs_rocp_and_a_hundredth_of_its_roc(prices, equal, bars):
    close = prices[3]
    equal(i.roc(close, bars), talib.ROCP(close, bars), first=bars)
    equal(100 * i.roc(close, bars), talib.ROC(close, bars), first=bars, abs=1e-11)


@pytest.mark.parametrize("window", [5, 30])
def test_correlation_equals_talib(prices, equal, window):
    _, high, _, close = prices
    equal(i.rolling_corr(close, high, window), talib.CORREL(close, high, window), first=window - 1)


@pytest.mark.parametrize("window", [5, 30])
def test_talibs_beta_is_ours_of_the_returns_with_the_market_first(prices, equal, window):
    _, high, _, close = prices
    ours = i.rolling_beta(i.returns(close), i.returns(high), window)
    equal(ours, talib.BETA(high, close, window), first=window)


def test_talibs_percent_rank_counts_the_lower_ones_of_the_bars_before(prices, equal):
    """It leaves the value itself out: with one bar more and no ties, ours is (theirs x n + 1) / (n + 1)."""
    moving = i.returns(prices[3])[1:]
    theirs = talib.PERCENTRANK(moving, 100) / 100
    equal(i.percentile_rank(moving, 101), (theirs * 100 + 1) / 101, first=100)


def test_what_talib_calls_zero_is_missing_here():
    flat = np.full(60, 1.5)
    assert talib.RSI(flat, 14)[-1] == talib.STOCH(flat, flat, flat)[0][-1] == talib.CCI(flat, flat, flat, 14)[-1] == 0.0
    assert np.isnan(i.rsi(flat)[-1])
    assert np.isnan(i.stochastic(flat, flat, flat).k[-1])
    assert np.isnan(i.cci(flat, flat, flat)[-1])
