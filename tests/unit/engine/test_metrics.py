"""Figures: the keys of the contract, and what happens where a figure is not defined."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from engine import Bars, Config, backtest, measure, strategy, trades
from engine.errors import BadData
from engine.figures import METRICS, Run, metric
from engine.overfit import probabilistic_sharpe
from engine.tables import drawdown_table, monthly_returns

FREE = {"commission_bps": 0.0, "slippage_bps": 0.0}
PLAIN = [
    "final_equity",
    "total_return",
    "cagr",
    "annual_volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "max_drawdown_days",
    "var_95",
    "cvar_95",
    "omega",
    "tail_ratio",
    "skew",
    "kurtosis",
    "downside_deviation",
    "total_trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "average_win",
    "average_loss",
    "average_bars_held",
    "exposure",
    "turnover",
    "total_commission",
    "total_slippage",
    "total_borrow",
    "best_day",
    "worst_day",
    "psr",
]
RELATIVE = ["alpha", "beta", "information_ratio", "tracking_error", "up_capture", "down_capture"]


@pytest.fixture
def figures(bars, run):
    def measured(price, weights, *, benchmark=None, **config):
        prices = bars(price, price)
        ledger = run(prices, weights, **config)
        found = trades.from_ledger(prices, ledger)
        return measure(Run(prices.time, ledger, found, 252.0, 0.0, benchmark))

    return measured


def test_every_key_of_the_contract_is_measured(figures):
    found = figures([10.0, 11.0, 12.0], [1, 1, 1])
    assert set(PLAIN + RELATIVE) <= set(found)
    assert all(found[name] is None for name in RELATIVE)


def test_every_metric_says_what_it_is():
    for item in METRICS.values():
        assert item.unit in ("fraction", "ratio", "money", "days", "bars", "count", "per_year")
        assert item.better in ("higher", "lower", "none")
        assert len(item.doc) > 15


def test_a_second_metric_of_one_name_is_refused():
    def sharpe(run):
        return None

    with pytest.raises(ValueError, match="two metrics called sharpe"):
        metric("ratio", "higher")(sharpe)


@pytest.mark.parametrize("price", [[10.0, 10.0], [10.0, 10.0, 10.0], [10.0, 11.0], [10.0, 10.0, 0.01, 0.01]])
@pytest.mark.parametrize("weight", [0.0, 1.0, -1.0])
def test_no_figure_is_ever_nan_or_infinite(figures, price, weight):
    flat = np.zeros(len(price))
    for benchmark in (None, flat):
        for value in figures(price, [weight] * len(price), benchmark=benchmark).values():
            assert value is None or math.isfinite(value)


def test_a_flat_run_has_no_ratios_and_no_outcomes(figures):
    found = figures([10.0, 11.0, 9.0, 12.0], [0, 0, 0, 0])
    undefined = "sharpe sortino calmar omega tail_ratio skew kurtosis psr win_rate profit_factor expectancy average_win"
    assert [name for name in undefined.split() if found[name] is not None] == []
    assert found["annual_volatility"] == 0.0
    assert found["max_drawdown"] == 0.0
    assert found["total_trades"] == 0


def test_a_run_that_never_loses_has_no_sortino_ratio(figures):
    price = 1.01 ** np.arange(10.0)
    assert figures(price, [1.0] * 10, fill="same_close")["sortino"] is None


def test_trade_figures_count_closed_trades(figures):
    price = [10.0, 10.0, 20.0, 20.0, 10.0, 10.0, 10.0, 30.0]
    found = figures(price, [0.1, 0, 0.1, 0, 0, 0.1, 0.1, 0.1])
    # +100; then 110 at 20 -> 10 loses 55; the last one stays open.
    assert found["total_trades"] == 3
    assert found["win_rate"] == 0.5
    assert found["average_win"] == pytest.approx(100.0)
    assert found["average_loss"] == pytest.approx(-55.0)
    assert found["profit_factor"] == pytest.approx(100 / 55)
    assert found["expectancy"] == pytest.approx(22.5)
    assert found["average_bars_held"] == 1.0


def test_ruin_has_a_total_but_no_growth_rate(figures):
    found = figures([10.0, 10.0, 30.0, 30.0], [-1.0] * 4)
    assert found["total_return"] == -2.0
    assert found["cagr"] is None
    assert found["calmar"] is None
    assert found["max_drawdown"] == -2.0


def test_exposure_and_turnover(figures):
    found = figures([10.0, 10.0, 10.0, 10.0], [0.5, 0.5, 0, 0])
    assert found["exposure"] == pytest.approx((0.5 + 0.5) / 4)
    assert found["turnover"] == pytest.approx((0.5 + 0.5) / 4 * 252)


def run_of(bars, run, price, **config):
    prices = bars(price, price, start=config.pop("start", "2024-01-01"))
    ledger = run(prices, [1.0] * len(price), fill="same_close", **config)
    return Run(prices.time, ledger, trades.from_ledger(prices, ledger), 252.0)


def test_drawdowns_have_dates_depth_and_days_deepest_first(bars, run):
    view = run_of(bars, run, [10.0, 9.0, 10.0, 12.0, 6.0, 9.0, 11.0])
    deep, shallow = drawdown_table(view)
    assert deep == {
        "start": "2024-01-04T00:00:00Z",
        "trough": "2024-01-05T00:00:00Z",
        "end": None,
        "depth": -0.5,
        "days": 5.0,
    }
    assert shallow["start"] == "2024-01-01T00:00:00Z"
    assert shallow["end"] == "2024-01-03T00:00:00Z"
    assert shallow["depth"] == pytest.approx(-0.1)
    assert measure(view)["max_drawdown_days"] == 5.0
    assert len(drawdown_table(view, 1)) == 1


def test_a_drawdown_from_the_initial_capital_counts(bars, run):
    view = run_of(bars, run, [10.0, 10.0, 10.0], commission_bps=100)
    (only,) = drawdown_table(view)
    assert only["start"] == only["trough"] == "2024-01-01T00:00:00Z"
    assert only["depth"] == pytest.approx(-1 + 1 / 1.01)


def test_an_account_that_never_falls_has_no_drawdowns(bars, run):
    view = run_of(bars, run, [10.0, 11.0, 11.0, 12.0])
    assert drawdown_table(view) == []
    assert measure(view)["max_drawdown"] == measure(view)["max_drawdown_days"] == 0.0


def test_months_compound_to_the_total(bars, run):
    view = run_of(bars, run, [10.0, 11.0, 12.0, 9.0], start="2024-01-30")
    months = monthly_returns(view)
    assert [row["month"] for row in months] == ["2024-01", "2024-02"]
    assert [row["return"] for row in months] == pytest.approx([0.1, 9 / 11 - 1])


def test_a_day_is_all_of_its_bars_together():
    hours = np.datetime64("2024-01-01T21:00") + np.arange(8) * np.timedelta64(1, "h")
    price = np.array([10.0, 10.0, 11.0, 12.0, 9.0, 9.0, 9.0, 8.0])  # five of them on the second day
    found = backtest(Bars.from_closes(hours, price, ("A",)), hold.bind(), Config(fill="same_close", **FREE)).metrics
    assert found["best_day"] == pytest.approx(11 / 10 - 1)
    assert found["worst_day"] == pytest.approx(8 / 11 - 1)


@pytest.mark.parametrize("seed", range(8))
def test_days_may_have_any_number_of_bars(seed):
    rng = np.random.default_rng(seed)
    usual = rng.integers(1, 9)
    counts = np.where(rng.random(20) < 0.7, usual, rng.integers(1, 12, 20))
    day = np.repeat(np.cumsum(rng.integers(1, 4, 20)), counts)
    time = day.astype("datetime64[D]") + np.concatenate([np.arange(count) for count in counts]).astype("m8[h]")
    price = 100.0 + rng.normal(size=len(day)).cumsum()
    found = backtest(Bars.from_closes(time, price, ("A",)), hold.bind(), Config(fill="same_close", **FREE)).metrics

    last = price[np.flatnonzero(np.append(day[1:] != day[:-1], True))]
    gains = last / np.append(price[0], last[:-1]) - 1
    assert found["best_day"] == pytest.approx(gains.max(), rel=1e-12)
    assert found["worst_day"] == pytest.approx(gains.min(), rel=1e-12)


def test_a_single_bar_has_a_return_but_nothing_that_needs_two(bars, run):
    ledger = run(bars([10.0, 12.0], [10.0, 12.0]), [1.0, 1.0], fill="same_close", commission_bps=100)
    series = {name: getattr(ledger, name)[:1] for name in ("equity", "cash", "gross", "borrow", "funding")}
    first = dataclasses.replace(ledger, **series)
    view = Run(np.array(["2024-01-01"], "datetime64[ns]"), first, trades.round_trips(first), 252.0, 0.0, np.zeros(1))
    found = measure(view)
    assert found["total_return"] == pytest.approx(-1 + 1 / 1.01)
    assert found["best_day"] == found["worst_day"] == found["total_return"]
    undefined = ("annual_volatility", "sharpe", "psr", "skew", "kurtosis", "alpha", "beta", "tracking_error")
    assert [name for name in undefined if found[name] is not None] == []


def test_a_sharpe_ratio_whose_estimate_has_no_variance_has_no_probability():
    assert probabilistic_sharpe(0.0, 0.0, 3.0, 100) == 0.5
    assert probabilistic_sharpe(2.0, 3.0, 3.0, 100) is None


@strategy(family="test", source="none")
def hold(bars):
    """Hold."""
    return np.ones(bars.close.shape)


def test_a_benchmark_is_aligned_by_the_last_known_close(bars):
    price = [10.0, 11.0, 12.0, 13.0]
    prices = bars(price, price)
    other = bars([5.0, 6.0, 7.0], [5.0, 6.0, 7.0], start="2023-12-29")
    from_bars = backtest(prices, hold.bind(), benchmark=other)
    from_array = backtest(prices, hold.bind(), benchmark=np.array([6.0, 7.0, 7.0, 7.0]))
    assert from_bars.metrics["beta"] == from_array.metrics["beta"] is not None


@pytest.mark.parametrize("benchmark", [np.ones(3), np.array([1.0, 0.0, 1.0, 1.0]), np.array([1.0, np.nan, 1.0, 1.0])])
def test_a_benchmark_that_does_not_fit_is_refused(bars, benchmark):
    price = [10.0, 11.0, 12.0, 13.0]
    with pytest.raises(BadData) as refused:
        backtest(bars(price, price), hold.bind(), benchmark=benchmark)
    assert refused.value.code == "bad_benchmark"


def test_a_benchmark_that_starts_later_or_has_two_symbols_is_refused(bars):
    price = [10.0, 11.0, 12.0, 13.0]
    with pytest.raises(BadData, match="no close at or before"):
        backtest(bars(price, price), hold.bind(), benchmark=bars(price, price, start="2025-01-01"))
    with pytest.raises(BadData, match="one symbol"):
        backtest(bars(price, price), hold.bind(), benchmark=bars([[1.0, 1.0]] * 4, [[1.0, 1.0]] * 4))


def test_a_backtest_reports_its_phases_and_prints_its_conventions(bars):
    seen = []
    price = [10.0, 11.0, 12.0, 13.0]
    result = backtest(bars(price, price), hold.bind(), Config(), report=lambda *call: seen.append(call))
    figures = [(done, len(METRICS), "measure") for done in range(len(METRICS))]
    assert seen == [(0, 1, "weights"), (0, 4, "simulate"), (0, 1, "measure"), *figures, (1, 1, "measure")]
    assert result.conventions["fill"] == "next_open"
    assert result.conventions["costs"] == "commission 1 bps, slippage 1 bps"
    assert result.conventions["periods_per_year"] == 252.0
    assert all(isinstance(value, str | int | float) for value in result.conventions.values())
    assert result.trade_rows()[0]["exit_reason"] == "open"
    assert result.warnings == ()


def test_a_result_makes_its_tables_of_its_own_run(bars):
    price = [10.0, 11.0, 12.0, 9.0, 10.0]
    result = backtest(bars(price, price, start="2023-12-28"), hold.bind(), Config(fill="same_close", **FREE))
    assert result.drawdown.tolist() == pytest.approx([0.0, 0.0, 0.0, -0.25, 10 / 12 - 1])
    assert result.top_drawdowns[0]["depth"] == result.metrics["max_drawdown"] == -0.25
    assert [row["month"] for row in result.monthly_returns] == ["2023-12", "2024-01"]
    assert [row["year"] for row in result.yearly_returns] == ["2023", "2024"]
    for table in (result.monthly_returns, result.yearly_returns):
        assert [row["return"] for row in table] == pytest.approx([0.1, 10 / 11 - 1])
    (only,) = result.trade_rows()
    assert only["exit_time"] is None
    assert only["pnl"] == pytest.approx(result.metrics["final_equity"] - 100_000.0) == 0.0


def test_figures_through_time_are_those_of_each_window_alone(bars):
    price = 10 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.02, 30)))
    prices, config = bars(price, price), Config(fill="same_close", risk_free_rate=0.03, **FREE)
    result = backtest(prices, hold.bind(), config, benchmark=prices)
    found, returns = result.rolling(10), result.run.returns
    for t in (9, 17, 29):
        window = returns[t - 9 : t + 1]
        assert found.volatility[t] == pytest.approx(window.std(ddof=1) * 252**0.5)
        assert found.sharpe[t] == pytest.approx((window.mean() - 0.03 / 252) / window.std(ddof=1) * 252**0.5)
    assert found.beta[10:] == pytest.approx(1.0)
    assert all(np.isnan(series[:9]).all() for series in (found.sharpe, found.volatility, found.beta))
    assert np.isnan(backtest(prices, hold.bind(), config).rolling().beta).all()


def test_a_run_without_an_order_says_so(bars):
    @strategy(family="test", source="none")
    def idle(bars):
        """Do nothing."""
        return np.zeros(bars.close.shape)

    price = [10.0, 11.0, 12.0, 13.0]
    assert "No order was filled" in backtest(bars(price, price), idle.bind()).warnings[0]
