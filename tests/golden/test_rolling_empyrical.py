"""Figures through time equal empyrical's: a crossing on the S&P 500 beside NASDAQ, real daily bars."""

from __future__ import annotations

import empyrical
import numpy as np
import pandas as pd
import pytest
from arch.data import nasdaq, sp500

import strategies
from engine import Bars, Config, backtest

WINDOW = 126


def bars_of(frame, symbol):
    columns = (frame[column] for column in ("Open", "High", "Low", "Close", "Volume"))
    return Bars.from_arrays(frame.index.to_numpy(), *columns, symbols=(symbol,))


@pytest.fixture(scope="module")
def result():
    bound = strategies.get("sma_cross").bind(fast=20, slow=50, side="both")
    return backtest(bars_of(sp500.load(), "SPX"), bound, Config(), benchmark=bars_of(nasdaq.load(), "NDX"))


@pytest.fixture(scope="module")
def series(result):
    index = pd.DatetimeIndex(result.bars.time)
    return pd.Series(result.run.returns, index), pd.Series(result.run.benchmark, index)


def test_the_window_is_half_a_year_unless_said_otherwise(result):
    assert result.rolling().bars == result.conventions["rolling_bars"] == WINDOW
    assert result.rolling(20).bars == 20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sharpe", lambda returns, _: empyrical.roll_sharpe_ratio(returns, window=WINDOW)),
        ("volatility", lambda returns, _: empyrical.roll_annual_volatility(returns, window=WINDOW)),
        ("beta", lambda returns, benchmark: empyrical.roll_beta(returns, benchmark, window=WINDOW)),
    ],
)
def test_figures_through_time(result, series, name, expected):
    found = getattr(result.rolling(), name)
    assert np.isnan(found[: WINDOW - 1]).all()
    held = np.abs(series[0]).rolling(WINDOW).sum().to_numpy()[WINDOW - 1 :] > 0  # else there is no Sharpe ratio
    theirs = np.asarray(expected(*series))
    assert held.sum() > 4000
    np.testing.assert_allclose(found[WINDOW - 1 :][held], theirs[held], rtol=1e-9, atol=1e-12)


def test_years_compound_like_empyricals(result, series):
    expected = empyrical.aggregate_returns(series[0], "yearly")
    found = result.yearly_returns
    assert [row["year"] for row in found] == [str(year) for year in expected.index]
    np.testing.assert_allclose([row["return"] for row in found], expected.to_numpy(), rtol=1e-9)


def test_without_a_benchmark_there_is_no_beta_and_without_movement_no_sharpe_ratio():
    bars = bars_of(sp500.load(), "SPX").select(end="2000-12-31")
    flat = backtest(bars, strategies.get("sma_cross").bind(fast=199, slow=400)).rolling(20)
    assert np.isnan(flat.beta).all()
    assert np.isnan(flat.sharpe).all()
    assert (flat.volatility[19:] == 0.0).all()
