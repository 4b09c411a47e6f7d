"""Figures against empyrical-reloaded, and moments against scipy, where they define the same quantity."""

from __future__ import annotations

import empyrical
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine import measure
from engine.book import FILL
from engine.figures import Run
from engine.ledger import Ledger
from engine.metrics import probabilistic_sharpe
from engine.tables import monthly_returns
from engine.trades import TRADE

DAYS = 1500


def run_of(returns, *, benchmark=None, rate=0.0, periods=252.0):
    equity = 1000.0 * np.cumprod(1.0 + returns)
    nothing = np.zeros(len(equity))
    ledger = Ledger(
        equity=equity,
        cash=equity,
        gross=nothing,
        borrow=nothing,
        funding=nothing,
        fills=np.zeros(0, dtype=FILL),
        open_carry=np.zeros(1),
        marks=np.ones(1),
        initial_capital=1000.0,
        fill="next_open",
        ruined_at=None,
        warnings=(),
    )
    time = np.busday_offset("2015-01-01", np.arange(len(equity)), roll="forward").astype("datetime64[ns]")
    return Run(time, ledger, np.zeros(0, dtype=TRADE), periods, rate, benchmark)


@pytest.fixture(scope="module", params=[1, 2, 3])
def series(request):
    rng = np.random.default_rng(request.param)
    benchmark = rng.normal(0.0004, 0.011, DAYS)
    return 0.6 * benchmark + rng.standard_t(4, DAYS) * 0.006, benchmark


EQUAL = {
    "total_return": lambda r, b: empyrical.cum_returns_final(r),
    "cagr": lambda r, b: empyrical.annual_return(r),
    "annual_volatility": lambda r, b: empyrical.annual_volatility(r),
    "sharpe": lambda r, b: empyrical.sharpe_ratio(r),
    "sortino": lambda r, b: empyrical.sortino_ratio(r),
    "calmar": lambda r, b: empyrical.calmar_ratio(r),
    "max_drawdown": lambda r, b: empyrical.max_drawdown(r),
    "var_95": lambda r, b: empyrical.value_at_risk(r),
    "cvar_95": lambda r, b: empyrical.conditional_value_at_risk(r),
    "omega": lambda r, b: empyrical.omega_ratio(r),
    "tail_ratio": lambda r, b: empyrical.tail_ratio(r),
    "downside_deviation": lambda r, b: empyrical.downside_risk(r),
    "skew": lambda r, b: stats.skew(r),
    "kurtosis": lambda r, b: stats.kurtosis(r),
    "alpha": lambda r, b: empyrical.alpha(r, b),
    "beta": lambda r, b: empyrical.beta(r, b),
    "information_ratio": lambda r, b: empyrical.excess_sharpe(r, b) * np.sqrt(252),
    "tracking_error": lambda r, b: empyrical.annual_volatility(r - b),
    "up_capture": lambda r, b: empyrical.up_capture(r, b),
    "down_capture": lambda r, b: empyrical.down_capture(r, b),
}


@pytest.mark.parametrize("name", EQUAL)
def test_a_figure_equals_empyrical(series, name):
    returns, benchmark = series
    run = run_of(returns, benchmark=benchmark)
    index = pd.DatetimeIndex(run.time)
    expected = EQUAL[name](pd.Series(returns, index), pd.Series(benchmark, index))
    assert measure(run)[name] == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("name", ["sharpe", "sortino", "omega", "alpha", "beta"])
def test_a_risk_free_rate_is_subtracted_like_empyricals_per_bar(series, name):
    returns, benchmark = series
    run = run_of(returns, benchmark=benchmark, rate=0.0252)
    r, b, rate = pd.Series(returns), pd.Series(benchmark), 0.0001
    expected = {
        "sharpe": lambda: empyrical.sharpe_ratio(r, risk_free=rate),
        "sortino": lambda: empyrical.sortino_ratio(r, required_return=rate),
        "omega": lambda: empyrical.omega_ratio(r, risk_free=rate),
        "alpha": lambda: empyrical.alpha(r, b, risk_free=rate),
        "beta": lambda: empyrical.beta(r, b, risk_free=rate),
    }[name]()
    assert measure(run)[name] == pytest.approx(float(expected), rel=1e-9)


def test_months_equal_empyrical(series):
    run = run_of(series[0])
    expected = empyrical.aggregate_returns(pd.Series(series[0], pd.DatetimeIndex(run.time)), "monthly")
    found = [row["return"] for row in monthly_returns(run)]
    np.testing.assert_allclose(found, expected.to_numpy(), rtol=1e-9)


@pytest.mark.parametrize(("skewness", "kurtosis", "expected"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)])
def test_the_probabilistic_sharpe_ratio_of_the_paper(skewness, kurtosis, expected):
    """Bailey and Lopez de Prado (2012), the numerical example: yearly 1.585 over 24 months."""
    ratio = 1.585 / np.sqrt(12)
    assert probabilistic_sharpe(ratio, skewness, kurtosis, 24) == pytest.approx(expected, abs=1e-3)
