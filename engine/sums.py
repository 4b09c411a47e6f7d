"""What figures are made of: sums, extremes and counts of a run, taken in one compiled pass over each of its parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import jit

_DAY = 86_400_000_000_000  # nanoseconds


class Sums(NamedTuple):
    """Of a run with returns r (one per bar, the first against the initial capital) and excess e = r - rf / P.

    `mean` of r; `second`, `third`, `fourth`: mean powers of r - mean; `lowest`, `highest` r; `shortfall`: mean of
    min(e, 0)^2; `above`, `below`: sums of positive and of negative e. `best_day`, `worst_day`: r compounded to UTC
    days. `depth`: smallest drawdown, `underwater`: longest time below a former maximum in nanoseconds. `exposure`:
    mean gross value / equity; `traded`: sum of traded notional / equity at the close; both 0 where equity is not
    positive. `commission` to `funding`: money. Of closed trades: how many, how many `winners` and `losers`, `won`
    and `lost` (negative) money, bars `held`.
    """

    mean: float
    second: float
    third: float
    fourth: float
    lowest: float
    highest: float
    shortfall: float
    above: float
    below: float
    best_day: float
    worst_day: float
    depth: float
    underwater: float
    exposure: float
    traded: float
    commission: float
    slippage: float
    borrow: float
    funding: float
    closed: float
    winners: float
    losers: float
    won: float
    lost: float
    held: float


(
    _MEAN,
    _SECOND,
    _THIRD,
    _FOURTH,
    _LOWEST,
    _HIGHEST,
    _SHORTFALL,
    _ABOVE,
    _BELOW,
    _BEST_DAY,
    _WORST_DAY,
    _DEPTH,
    _UNDERWATER,
    _EXPOSURE,
    _TRADED,
    _COMMISSION,
    _SLIPPAGE,
    _BORROW,
    _FUNDING,
    _CLOSED,
    _WINNERS,
    _LOSERS,
    _WON,
    _LOST,
    _HELD,
) = range(len(Sums._fields))


@jit
def powers(returns: Floats, rate: float, out: Floats) -> None:
    """Mean, central powers and extremes of returns, and their shortfall below and sums around `rate`."""
    count = returns.shape[0]
    total = 0.0
    lowest = highest = returns[0]
    for t in range(count):
        total += returns[t]
        lowest = min(lowest, returns[t])
        highest = max(highest, returns[t])
    mean = total / count
    second = third = fourth = shortfall = above = below = 0.0
    for t in range(count):
        centred = returns[t] - mean
        square = centred * centred
        second += square
        third += square * centred
        fourth += square * square
        excess = returns[t] - rate
        short = min(excess, 0.0)
        shortfall += short * short
        below += short
        above += max(excess, 0.0)
    out[_MEAN] = mean
    out[_SECOND] = second / count
    out[_THIRD] = third / count
    out[_FOURTH] = fourth / count
    out[_LOWEST] = lowest
    out[_HIGHEST] = highest
    out[_SHORTFALL] = shortfall / count
    out[_ABOVE] = above
    out[_BELOW] = below


@jit
def days(time: NDArray[np.int64], returns: Floats, out: Floats) -> None:
    """Best and worst return of a UTC day."""
    best, worst = -np.inf, np.inf
    growth = 1.0
    for t in range(time.shape[0]):
        growth *= 1.0 + returns[t]
        if t + 1 == time.shape[0] or time[t + 1] // _DAY != time[t] // _DAY:
            best = max(best, growth - 1.0)
            worst = min(worst, growth - 1.0)
            growth = 1.0
    out[_BEST_DAY] = best
    out[_WORST_DAY] = worst


@jit
def sink(time: NDArray[np.int64], equity: Floats, capital: float, drawdown: Floats, out: Floats) -> None:
    """Equity / its running maximum - 1, the initial capital included; the smallest, and the longest time below zero.

    A time below a maximum lasts from that maximum (at the earliest the first bar) to the bar of recovery or the last.
    """
    peak = capital
    depth = 0.0
    since = time[0]
    longest = 0
    for t in range(time.shape[0]):
        peak = max(peak, equity[t])
        drawdown[t] = equity[t] / peak - 1.0
        if drawdown[t] < 0.0:
            depth = min(depth, drawdown[t])
            longest = max(longest, time[t] - since)
        else:
            if t > 0 and drawdown[t - 1] < 0.0:
                longest = max(longest, time[t] - since)
            since = time[t]
    out[_DEPTH] = depth
    out[_UNDERWATER] = float(longest)


@jit
def account(equity: Floats, gross: Floats, borrow: Floats, funding: Floats, out: Floats) -> None:
    """Mean exposure, and what holding cost."""
    exposure = borrowed = funded = 0.0
    for t in range(equity.shape[0]):
        exposure += gross[t] / equity[t] if equity[t] > 0.0 else 0.0
        borrowed += borrow[t]
        funded += funding[t]
    out[_EXPOSURE] = exposure / equity.shape[0]
    out[_BORROW] = borrowed
    out[_FUNDING] = funded


@jit
def trading(fills: NDArray[np.void], equity: Floats, out: Floats) -> None:
    """What trading cost, and how much was traded."""
    traded = commission = slippage = 0.0
    for i in range(fills.shape[0]):
        fill = fills[i]
        value = equity[fill["bar"]]
        if value > 0.0:
            traded += abs(fill["quantity"]) * fill["price"] / value
        commission += fill["commission"]
        slippage += fill["slippage"]
    out[_TRADED] = traded
    out[_COMMISSION] = commission
    out[_SLIPPAGE] = slippage


@jit
def outcomes(trades: NDArray[np.void], out: Floats) -> None:
    """How closed trades ended."""
    out[_CLOSED:] = 0.0
    for i in range(trades.shape[0]):
        trade = trades[i]
        if trade["exit_bar"] < 0:
            continue
        pnl = trade["pnl"]
        out[_CLOSED] += 1.0
        out[_HELD] += trade["bars_held"]
        if pnl > 0.0:
            out[_WINNERS] += 1.0
            out[_WON] += pnl
        elif pnl < 0.0:
            out[_LOSERS] += 1.0
            out[_LOST] += pnl


@jit
def add_up(
    time: NDArray[np.int64],
    returns: Floats,
    rate: float,
    capital: float,
    equity: Floats,
    gross: Floats,
    borrow: Floats,
    funding: Floats,
    fills: NDArray[np.void],
    trades: NDArray[np.void],
    drawdown: Floats,
    out: Floats,
) -> None:
    """Write the drawdown [T] and the fields of `Sums`."""
    powers(returns, rate, out)
    days(time, returns, out)
    sink(time, equity, capital, drawdown, out)
    account(equity, gross, borrow, funding, out)
    trading(fills, equity, out)
    outcomes(trades, out)
