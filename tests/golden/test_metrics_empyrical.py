"""Figures against empyrical-reloaded, and moments against scipy, where they define the same quantity.

On returns with fat tails and on real ones: the S&P 500 beside the NASDAQ, the Mexican peso (listed nine years late)
beside the euro, and a strategy that sells the S&P 500 short, with costs, beside the index.
"""

from __future__ import annotations

import empyrical
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import strategies
from engine import Config, backtest, measure
from engine.overfit import probabilistic_sharpe
from engine.tables import monthly_returns

DAYS = 1500
PESO, EURO = 9, 0
CASE = {
    "name": "Figures of returns",
    "data": "S&P 500, NASDAQ, Mexican peso, a short strategy, fat-tailed random returns",
    "peer": "empyrical-reloaded 0.7, scipy 1.17",
    "compared": "20 figures, 5 of them above a risk-free rate, months",
}


def changes(close):
    return close[1:] / close[:-1] - 1.0


@pytest.fixture(scope="module", params=["fat tails 1", "fat tails 2", "fat tails 3", "index", "peso", "short strategy"])
def series(request):
    """Time [T] or None, returns [T] and those of a benchmark [T]."""
    name = request.param
    if name.startswith("fat tails"):
        rng = np.random.default_rng(int(name[-1]))
        benchmark = rng.normal(0.0004, 0.011, DAYS)
        return None, 0.6 * benchmark + rng.standard_t(4, DAYS) * 0.006, benchmark
    sp500 = request.getfixturevalue("sp500")
    if name == "index":
        nasdaq = request.getfixturevalue("nasdaq")
        assert (nasdaq.time == sp500.time).all()
        return sp500.time[1:], changes(sp500.close[:, 0]), changes(nasdaq.close[:, 0])
    if name == "peso":
        rates = request.getfixturevalue("currencies")
        listed = ~np.isnan(rates.close[:, PESO])
        assert 0.2 < np.mean(~listed) < 0.5
        closes = rates.close[listed]
        return rates.time[listed][1:], changes(closes[:, PESO]), changes(closes[:, EURO])
    bound = strategies.get("sma_cross").bind(fast=10, slow=40, side="short")
    found = backtest(sp500, bound, Config(commission_bps=10.0, slippage_bps=5.0, borrow_bps=50.0))
    return sp500.time[1:], found.ledger.returns[1:], changes(sp500.close[:, 0])


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
def test_a_figure_equals_empyrical(series, run_of, agree, name):
    time, returns, benchmark = series
    run = run_of(returns, time, benchmark=benchmark)
    index = pd.DatetimeIndex(run.time)
    expected = EQUAL[name](pd.Series(returns, index), pd.Series(benchmark, index))
    agree(CASE, measure(run)[name], float(expected), what=name)


@pytest.mark.parametrize("name", ["sharpe", "sortino", "omega", "alpha", "beta"])
def test_a_risk_free_rate_is_subtracted_like_empyricals_per_bar(series, run_of, agree, name):
    time, returns, benchmark = series
    run = run_of(returns, time, benchmark=benchmark, rate=0.0252)
    r, b, rate = pd.Series(returns), pd.Series(benchmark), 0.0001
    expected = {
        "sharpe": lambda: empyrical.sharpe_ratio(r, risk_free=rate),
        "sortino": lambda: empyrical.sortino_ratio(r, required_return=rate),
        "omega": lambda: empyrical.omega_ratio(r, risk_free=rate),
        "alpha": lambda: empyrical.alpha(r, b, risk_free=rate),
        "beta": lambda: empyrical.beta(r, b, risk_free=rate),
    }[name]()
    agree(CASE, measure(run)[name], float(expected), what=name)


def test_months_equal_empyrical(series, run_of, agree):
    run = run_of(series[1], series[0])
    expected = empyrical.aggregate_returns(pd.Series(series[1], pd.DatetimeIndex(run.time)), "monthly")
    agree(CASE, [row["return"] for row in monthly_returns(run)], expected.to_numpy(), abs=1e-12)


@pytest.mark.parametrize(("skewness", "kurtosis", "expected"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)])
def test_the_probabilistic_sharpe_ratio_of_the_paper(skewness, kurtosis, expected):
    """Bailey and Lopez de Prado (2012), the numerical example: yearly 1.585 over 24 months."""
    ratio = 1.585 / np.sqrt(12)
    assert probabilistic_sharpe(ratio, skewness, kurtosis, 24) == pytest.approx(expected, abs=1e-3)
