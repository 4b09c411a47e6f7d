"""Figures through time equal empyrical's: a crossing on the S&P 500 beside NASDAQ, real daily bars."""

from __future__ import annotations

import empyrical
import numpy as np
import pandas as pd
import pytest

import strategies
from engine import Config, backtest

CASE = {
    "name": "Figures through time",
    "data": "a crossing on the S&P 500 beside NASDAQ",
    "peer": "empyrical-reloaded 0.7",
    "compared": "Sharpe ratio, volatility and beta over 126 bars, yearly returns",
}
WINDOW = 126


@pytest.fixture(scope="module")
def result(sp500, nasdaq):
    bound = strategies.get("sma_cross").bind(fast=20, slow=50, side="both")
    return backtest(sp500, bound, Config(), benchmark=nasdaq)


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
def test_figures_through_time(result, series, agree, name, expected):
    found = getattr(result.rolling(), name)
    assert np.isnan(found[: WINDOW - 1]).all()
    held = np.abs(series[0]).rolling(WINDOW).sum().to_numpy()[WINDOW - 1 :] > 0  # else there is no Sharpe ratio
    theirs = np.asarray(expected(*series))
    assert held.sum() > 4000
    agree(CASE, found[WINDOW - 1 :][held], theirs[held], abs=1e-12)


def test_years_compound_like_empyricals(result, series, agree):
    expected = empyrical.aggregate_returns(series[0], "yearly")
    found = result.yearly_returns
    assert [row["year"] for row in found] == [str(year) for year in expected.index]
    agree(CASE, [row["return"] for row in found], expected.to_numpy())


def test_without_a_benchmark_there_is_no_beta_and_without_movement_no_sharpe_ratio(sp500):
    flat = backtest(sp500.select(end="2000-12-31"), strategies.get("sma_cross").bind(fast=199, slow=400)).rolling(20)
    assert np.isnan(flat.beta).all()
    assert np.isnan(flat.sharpe).all()
    assert (flat.volatility[19:] == 0.0).all()
