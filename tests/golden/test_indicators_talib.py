"""Indicators against TA-Lib and pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from engine import indicators


@pytest.fixture(scope="module")
def prices():
    rng = np.random.default_rng(11)
    return 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (3000, 2)), axis=0))


@pytest.mark.parametrize("window", [2, 20, 200])
def test_sma_equals_talib(prices, window):
    for column in range(2):
        expected = talib.SMA(prices[:, column].copy(), window)
        np.testing.assert_allclose(indicators.sma(prices, window)[:, column], expected, rtol=1e-12)


@pytest.mark.parametrize("window", [2, 20, 55])
def test_rolling_extremes_equal_talib(prices, window):
    column = prices[:, 0].copy()
    np.testing.assert_array_equal(indicators.rolling_max(prices, window)[:, 0], talib.MAX(column, window))
    np.testing.assert_array_equal(indicators.rolling_min(prices, window)[:, 0], talib.MIN(column, window))


def test_ewm_variance_equals_pandas(prices):
    returns = indicators.returns(prices)
    np.testing.assert_allclose(returns[1:], pd.DataFrame(prices).pct_change().to_numpy()[1:], rtol=1e-12)
    expected = pd.DataFrame(returns).ewm(com=60).var(bias=True).to_numpy()
    np.testing.assert_allclose(indicators.ewm_variance(returns, 60.0)[5:], expected[5:], rtol=1e-9)


def test_missing_bars_are_skipped_like_a_series_without_them(prices):
    holes = prices.copy()
    holes[::7, 0] = np.nan
    kept = ~np.isnan(holes[:, 0])
    dense = prices[kept][:, :1].copy()
    for indicator in (indicators.sma, indicators.rolling_max, indicators.rolling_min, indicators.lag):
        found = indicator(holes, 20)[:, 0]
        assert np.isnan(found[~kept]).all()
        np.testing.assert_array_equal(found[kept], indicator(dense, 20)[:, 0])
