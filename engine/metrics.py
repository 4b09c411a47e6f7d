"""Every figure of a run: one pure function each, of one frozen view of the run.

Conventions. r is one return per bar, the first against the initial capital, so that they compound to the total
return; P is `periods_per_year`; volatility is the sample standard deviation (ddof 1); ratios use the arithmetic
mean. Figures are fractions unless the unit says otherwise. A figure that is not defined (too few returns, no
variance, no losing trade …) is None, never NaN or infinite. Where empyrical-reloaded defines the same quantity,
ours equals it to 1e-9. Figures of the outcome of trades count closed trades: an open one has no outcome yet.
"""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.figures import METRICS, Figure, Report, Run, metric
from engine.overfit.sharpe import probabilistic_sharpe

_DAY = 86_400e9  # nanoseconds


def measure(run: Run, report: Report | None = None) -> dict[str, Figure]:
    """Every metric of a run by name; `report(done, total, "measure")` is called before each and may end the run."""
    figures: dict[str, Figure] = {}
    for done, (name, item) in enumerate(METRICS.items()):
        if report is not None:
            report(done, len(METRICS), "measure")
        figure = item.function(run)
        figures[name] = figure if figure is not None and math.isfinite(figure) else None
    return figures


def _deviation(values: Floats) -> float | None:
    """Sample standard deviation, None below two values or without variance.

    A constant series has a deviation of rounding errors only; a ratio to that would be a number without meaning.
    """
    if len(values) < 2:
        return None
    deviation = float(np.std(values, ddof=1))
    return deviation if deviation > 1e-15 * max(1.0, float(np.abs(values).max())) else None


def _all(amounts: Floats) -> float:
    """The sum of a series; where one zero stands for all bars there is nothing to add up."""
    return float(amounts.sum()) if amounts.strides[0] else 0.0


def _annual(growth: float, bars: int, periods: float) -> float | None:
    """Growth per year; None once everything is lost, or where it exceeds a float."""
    if growth < 0.0 or not bars:
        return None
    exponent = periods / bars
    return None if exponent * math.log(max(growth, 1e-300)) > 700.0 else growth**exponent - 1.0


@metric("money", "higher")
def final_equity(run: Run) -> Figure:
    """Equity at the last close."""
    return float(run.ledger.equity[-1])


@metric("fraction", "higher")
def total_return(run: Run) -> Figure:
    """Final equity / initial capital - 1."""
    return float(run.ledger.equity[-1]) / run.ledger.initial_capital - 1.0


@metric("fraction", "higher")
def cagr(run: Run) -> Figure:
    """(final / initial)^(P / T) - 1. None after ruin or where the annualised figure exceeds a float."""
    growth = float(run.ledger.equity[-1]) / run.ledger.initial_capital
    return _annual(growth, len(run.time), run.periods_per_year) if growth > 0.0 else None


@metric("fraction", "lower")
def annual_volatility(run: Run) -> Figure:
    """sd(r) sqrt(P), ddof 1. None below two returns."""
    count = len(run.time)
    return math.sqrt(run.sums.second * count / (count - 1) * run.periods_per_year) if count > 1 else None


@metric("ratio", "higher")
def sharpe(run: Run) -> Figure:
    """mean(r - rf/P) / sd(r) sqrt(P) (Sharpe 1994). None without variance."""
    excess = run.sums.mean - run.rate
    return None if run.deviation is None else excess / run.deviation * math.sqrt(run.periods_per_year)


@metric("fraction", "lower")
def downside_deviation(run: Run) -> Figure:
    """sqrt(mean(min(r - rf/P, 0)^2)) sqrt(P): root mean square of shortfalls over all bars (Sortino 1994)."""
    return math.sqrt(run.sums.shortfall * run.periods_per_year)


@metric("ratio", "higher")
def sortino(run: Run) -> Figure:
    """mean(r - rf/P) P / downside deviation. None when no return falls short."""
    below = downside_deviation(run)
    return (run.sums.mean - run.rate) * run.periods_per_year / below if below else None


@metric("fraction", "higher")
def max_drawdown(run: Run) -> Figure:
    """Smallest equity / running maximum - 1, the initial capital included; 0 or negative."""
    return run.sums.depth


@metric("days", "lower")
def max_drawdown_days(run: Run) -> Figure:
    """Longest time below a former maximum, in calendar days from that maximum to recovery or the last bar."""
    return run.sums.underwater / _DAY


@metric("ratio", "higher")
def calmar(run: Run) -> Figure:
    """cagr / |max drawdown| (Young 1991). None without a drawdown."""
    growth, depth = cagr(run), max_drawdown(run)
    return growth / -depth if growth is not None and depth else None


@metric("fraction", "higher")
def var_95(run: Run) -> Figure:
    """5th percentile of r, linear interpolation: historical value at risk per bar, as a (negative) return."""
    return run.tails.low


@metric("fraction", "higher")
def cvar_95(run: Run) -> Figure:
    """Mean of the lowest int(0.05 (T - 1)) + 1 returns: expected shortfall per bar."""
    return run.tails.shortfall


@metric("ratio", "higher")
def omega(run: Run) -> Figure:
    """Sum of r - rf/P above zero / sum below zero (Keating and Shadwick 2002). None when nothing is below."""
    return run.sums.above / -run.sums.below if run.sums.below < 0.0 else None


@metric("ratio", "higher")
def tail_ratio(run: Run) -> Figure:
    """|95th percentile of r| / |5th percentile|. None when the latter is 0."""
    return abs(run.tails.high) / abs(run.tails.low) if run.tails.low else None


def _skewness(run: Run) -> float:
    return run.sums.third / (run.sums.second * math.sqrt(run.sums.second))


def _peakedness(run: Run) -> float:
    return run.sums.fourth / (run.sums.second * run.sums.second)


@metric("ratio", "higher")
def skew(run: Run) -> Figure:
    """Third standardised moment of r, population form (as scipy.stats.skew). None without variance."""
    return None if run.deviation is None else _skewness(run)


@metric("ratio", "none")
def kurtosis(run: Run) -> Figure:
    """Fourth standardised moment of r minus 3, population form (as scipy.stats.kurtosis). None without variance."""
    return None if run.deviation is None else _peakedness(run) - 3.0


@metric("fraction", "higher")
def psr(run: Run) -> Figure:
    """Probability that the true Sharpe ratio is above 0: `probabilistic_sharpe` of r. None without variance."""
    if run.deviation is None:
        return None
    ratio = (run.sums.mean - run.rate) / run.deviation
    return probabilistic_sharpe(ratio, _skewness(run), _peakedness(run), len(run.time))


@metric("fraction", "higher")
def best_day(run: Run) -> Figure:
    """Largest return of a UTC day (of a bar, where bars are longer than a day)."""
    return run.sums.best_day


@metric("fraction", "higher")
def worst_day(run: Run) -> Figure:
    """Smallest return of a UTC day (of a bar, where bars are longer than a day)."""
    return run.sums.worst_day


@metric("fraction", "none")
def exposure(run: Run) -> Figure:
    """Mean over all bars of gross market value / equity."""
    return run.sums.exposure


@metric("per_year", "lower")
def turnover(run: Run) -> Figure:
    """Traded notional (buys and sells) / equity, summed over all bars, per year."""
    return run.sums.traded / len(run.time) * run.periods_per_year


@metric("money", "lower")
def total_commission(run: Run) -> Figure:
    """Commission paid."""
    return run.sums.commission


@metric("money", "lower")
def total_slippage(run: Run) -> Figure:
    """Money lost between the price and what was paid or received."""
    return run.sums.slippage


@metric("money", "lower")
def total_borrow(run: Run) -> Figure:
    """Fees paid on short positions."""
    return _all(run.ledger.borrow)


@metric("money", "lower")
def total_funding(run: Run) -> Figure:
    """Interest paid on negative cash."""
    return _all(run.ledger.funding)


@metric("money", "higher")
def total_interest(run: Run) -> Figure:
    """Interest earned on positive cash; in the equity, and in no trade."""
    return _all(run.ledger.interest)


def _each(total: float, count: float) -> float | None:
    return total / count if count else None


@metric("count", "none")
def total_trades(run: Run) -> Figure:
    """Trades opened, the ones still open included."""
    return len(run.trades)


@metric("fraction", "higher")
def win_rate(run: Run) -> Figure:
    """Closed trades with pnl > 0 / closed trades. None without closed trades."""
    return _each(run.sums.winners, run.sums.closed)


@metric("ratio", "higher")
def profit_factor(run: Run) -> Figure:
    """Sum of winning pnl / |sum of losing pnl| over closed trades. None without a loss."""
    return _each(run.sums.won, -run.sums.lost)


@metric("money", "higher")
def expectancy(run: Run) -> Figure:
    """Mean pnl of closed trades. None without one."""
    return _each(run.sums.won + run.sums.lost, run.sums.closed)


@metric("money", "higher")
def average_win(run: Run) -> Figure:
    """Mean pnl of closed trades with pnl > 0. None without one."""
    return _each(run.sums.won, run.sums.winners)


@metric("money", "higher")
def average_loss(run: Run) -> Figure:
    """Mean pnl of closed trades with pnl < 0 (a negative figure). None without one."""
    return _each(run.sums.lost, run.sums.losers)


@metric("bars", "none")
def average_bars_held(run: Run) -> Figure:
    """Mean bars from entry to exit of closed trades. None without one."""
    return _each(run.sums.held, run.sums.closed)


@metric("ratio", "none", compares=True)
def beta(run: Run) -> Figure:
    """cov(r, b) / var(b), b the benchmark's returns, both above the risk-free rate. None without variance of b."""
    if run.benchmark is None or _deviation(run.benchmark) is None:
        return None
    centred = run.benchmark - run.benchmark.mean()
    return float(np.dot(centred, run.returns) / np.dot(centred, centred))


@metric("fraction", "higher", compares=True)
def alpha(run: Run) -> Figure:
    """(1 + mean((r - rf/P) - beta (b - rf/P)))^P - 1: Jensen's alpha (1968), compounded to a year."""
    slope = beta(run)
    if slope is None or run.benchmark is None:
        return None
    mean = (run.sums.mean - run.rate) - slope * (float(run.benchmark.mean()) - run.rate)
    return _annual(1.0 + mean, 1, run.periods_per_year) if mean > -1.0 else None


@metric("fraction", "lower", compares=True)
def tracking_error(run: Run) -> Figure:
    """sd(r - b) sqrt(P), ddof 1. None without a benchmark or below two returns."""
    if run.benchmark is None or len(run.returns) < 2:
        return None
    return float(np.std(run.returns - run.benchmark, ddof=1)) * math.sqrt(run.periods_per_year)


@metric("ratio", "higher", compares=True)
def information_ratio(run: Run) -> Figure:
    """mean(r - b) / sd(r - b) sqrt(P) (Goodwin 1998). None where the two never differ."""
    if run.benchmark is None:
        return None
    active = run.returns - run.benchmark
    deviation = _deviation(active)
    return None if deviation is None else float(active.mean()) / deviation * math.sqrt(run.periods_per_year)


@metric("ratio", "higher", compares=True)
def up_capture(run: Run) -> Figure:
    """Annualised growth of r over that of b, on the bars on which b rose. None without such bars."""
    return _capture(run, 1.0)


@metric("ratio", "lower", compares=True)
def down_capture(run: Run) -> Figure:
    """Annualised growth of r over that of b, on the bars on which b fell. None without such bars."""
    return _capture(run, -1.0)


def _capture(run: Run, side: float) -> float | None:
    if run.benchmark is None:
        return None
    bars = side * run.benchmark > 0.0
    count = int(bars.sum())
    ours = _annual(float(np.prod(1.0 + run.returns[bars])), count, run.periods_per_year)
    theirs = _annual(float(np.prod(1.0 + run.benchmark[bars])), count, run.periods_per_year)
    return ours / theirs if ours is not None and theirs else None
