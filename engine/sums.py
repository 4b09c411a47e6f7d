"""What figures are made of: sums, extremes and counts of a run, taken in one compiled pass over each of its parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import inlined, jit

_DAY = 86_400_000_000_000  # nanoseconds
# A sum over bars is taken as so many sums of every so manieth bar, because an addition has to wait for the one before;
# up to SIDE_BY_SIDE such sums are taken in one pass. Each adds AT_ONCE bars between being read and being written.
LANES, SIDE_BY_SIDE, AT_ONCE = 128, 6, 4
BLOCK = LANES * AT_ONCE


class Sums(NamedTuple):
    """Of a run with returns r (one per bar, the first against the initial capital) and excess e = r - rf / P.

    `mean` of r; `second`, `third`, `fourth`: mean powers of r - mean; `lowest`, `highest` r; `shortfall`: mean of
    min(e, 0)^2; `above`, `below`: sums of positive and of negative e. `best_day`, `worst_day`: r compounded to UTC
    days. `depth`: smallest drawdown, `underwater`: longest time below a former maximum in nanoseconds. `exposure`:
    mean gross value / equity; `traded`: sum of traded notional / equity at the close; both 0 where equity is not
    positive. `commission`, `slippage`: money. Of closed trades: how many, how many `winners` and `losers`, `won`
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
    _CLOSED,
    _WINNERS,
    _LOSERS,
    _WON,
    _LOST,
    _HELD,
) = range(len(Sums._fields))


@inlined
def total(lane: Floats) -> float:
    """The sum of the sums: of halves, of their halves, and so on, as pairs are added up; leaves nothing behind."""
    half = lane.shape[0] // 2
    while half > 0:
        for k in range(half):
            lane[k] += lane[half + k]
        half //= 2
    return float(lane[0])


@inlined
def whole(count: int) -> int:
    """How many of the bars are in whole blocks."""
    return count // BLOCK * BLOCK


@inlined
def extend(some: Floats, rows: int, lanes: Floats) -> None:
    """Add `rows` returns to each lane's sum, lowest and highest."""
    for k in range(min(LANES, some.shape[0])):
        added, lowest, highest = lanes[0, k], lanes[1, k], lanes[2, k]
        for row in range(rows):
            value = some[row * LANES + k]
            added += value
            lowest = value if value < lowest else lowest
            highest = value if value > highest else highest
        lanes[0, k], lanes[1, k], lanes[2, k] = added, lowest, highest


@jit
def extremes(returns: Floats, lanes: Floats, out: Floats) -> None:
    """Mean, lowest and highest of returns."""
    count = returns.shape[0]
    lanes[0] = 0.0
    lanes[1:3] = returns[0]
    for first in range(0, whole(count), BLOCK):
        extend(returns[first : first + BLOCK], AT_ONCE, lanes)
    for first in range(whole(count), count, LANES):
        extend(returns[first : first + LANES], 1, lanes)
    out[_MEAN] = total(lanes[0]) / count
    lowest, highest = lanes[1, 0], lanes[2, 0]
    for k in range(LANES):
        lowest = min(lowest, lanes[1, k])
        highest = max(highest, lanes[2, k])
    out[_LOWEST] = lowest
    out[_HIGHEST] = highest


@inlined
def raise_up(some: Floats, rows: int, mean: float, rate: float, lanes: Floats) -> None:
    """Add the powers of `rows` returns, their shortfall and what is below and above, to each lane's sums."""
    for k in range(min(LANES, some.shape[0])):
        second, third, fourth = lanes[0, k], lanes[1, k], lanes[2, k]
        shortfall, below, above = lanes[3, k], lanes[4, k], lanes[5, k]
        for row in range(rows):
            centred, excess = some[row * LANES + k] - mean, some[row * LANES + k] - rate
            square, short = centred * centred, excess if excess < 0.0 else 0.0
            second += square
            third += square * centred
            fourth += square * square
            shortfall += short * short
            below += short
            above += excess - short
        lanes[0, k], lanes[1, k], lanes[2, k] = second, third, fourth
        lanes[3, k], lanes[4, k], lanes[5, k] = shortfall, below, above


@jit
def powers(returns: Floats, rate: float, lanes: Floats, out: Floats) -> None:
    """Central powers of returns, whose mean is known, and their shortfall below and sums around `rate`."""
    count, mean = returns.shape[0], out[_MEAN]
    lanes[:] = 0.0
    for first in range(0, whole(count), BLOCK):
        raise_up(returns[first : first + BLOCK], AT_ONCE, mean, rate, lanes)
    for first in range(whole(count), count, LANES):
        raise_up(returns[first : first + LANES], 1, mean, rate, lanes)
    out[_SECOND] = total(lanes[0]) / count
    out[_THIRD] = total(lanes[1]) / count
    out[_FOURTH] = total(lanes[2]) / count
    out[_SHORTFALL] = total(lanes[3]) / count
    out[_BELOW] = total(lanes[4])
    out[_ABOVE] = total(lanes[5])


@inlined
def day_after(t: int, count: int, time: NDArray[np.int64]) -> int:
    """The first bar of a later UTC day than that of bar t, the day before which had `count` bars.

    If this one has as many it is found at once, as most times do not come out of the memory then. Else it is looked for
    in steps that double, then halve.
    """
    end = (time[t] // _DAY + 1) * _DAY
    if t + count < time.shape[0] and time[t + count - 1] < end and time[t + count] >= end:
        return t + count
    step = 1
    while t + step < time.shape[0] and time[t + step] < end:
        t += step
        step *= 2
    while step > 1:
        step //= 2
        if t + step < time.shape[0] and time[t + step] < end:
            t += step
    return t + 1


@jit
def days(time: NDArray[np.int64], equity: Floats, capital: float, out: Floats) -> None:
    """Best and worst return of a UTC day: its last equity / that before the day - 1; 0 from ruin on.

    Where every bar has a day of its own they are the highest and the lowest return, which are known.
    """
    later = time[1:]
    apart = later.shape[0] == 0 or later[0] - time[0] >= _DAY
    for k in range(later.shape[0] if apart else 0):
        apart &= later[k] - time[k] >= _DAY
    if apart:
        out[_BEST_DAY], out[_WORST_DAY] = out[_HIGHEST], out[_LOWEST]
        return
    best, worst = -np.inf, np.inf
    before = capital
    t, count = 0, 1
    while t < time.shape[0]:
        first, t = t, day_after(t, count, time)
        count = t - first
        gain = equity[t - 1] / before - 1.0 if before > 0.0 else 0.0
        best = max(best, gain)
        worst = min(worst, gain)
        before = equity[t - 1]
    out[_BEST_DAY] = best
    out[_WORST_DAY] = worst


@jit
def fall(equity: Floats, capital: float, drawdown: Floats) -> None:
    """Equity / its running maximum - 1, the initial capital included."""
    peak = capital
    for t in range(equity.shape[0]):
        peak = max(peak, equity[t])
        drawdown[t] = equity[t] / peak - 1.0


@jit
def sink(time: NDArray[np.int64], equity: Floats, capital: float, out: Floats) -> None:
    """The smallest drawdown, and the longest time below zero.

    A time below a maximum lasts from that maximum (at the earliest the first bar) to the bar of recovery or the last.
    The smallest drawdown of that time is that of its lowest equity, to the last bit.
    """
    peak = low = capital
    depth = 0.0
    since = time[0]
    longest = 0
    for first in range(0, equity.shape[0], LANES):
        some = equity[first : first + LANES]
        recovers = sinks = False
        for k in range(some.shape[0]):
            recovers |= some[k] >= peak
            sinks |= some[k] < low
        if not recovers and not sinks:
            continue
        for k in range(some.shape[0]):
            value = some[k]
            if value >= peak:
                if low < peak:
                    depth = min(depth, low / peak - 1.0)
                    longest = max(longest, time[first + k] - since)
                peak = low = value
                since = time[first + k]
            low = min(low, value)
    if low < peak:
        depth = min(depth, low / peak - 1.0)
        longest = max(longest, time[time.shape[0] - 1] - since)
    out[_DEPTH] = depth
    out[_UNDERWATER] = float(longest)


@inlined
def expose(equity: Floats, gross: Floats, rows: int, lanes: Floats) -> None:
    """Add the exposures of `rows` bars to each lane's sum."""
    for k in range(min(LANES, equity.shape[0])):
        added = lanes[0, k]
        for row in range(rows):
            value = equity[row * LANES + k]
            added += gross[row * LANES + k] / value if value > 0.0 else 0.0
        lanes[0, k] = added


@jit
def account(equity: Floats, gross: Floats, lanes: Floats, out: Floats) -> None:
    """Mean exposure."""
    count = equity.shape[0]
    lanes[0] = 0.0
    for first in range(0, whole(count), BLOCK):
        expose(equity[first : first + BLOCK], gross[first : first + BLOCK], AT_ONCE, lanes)
    for first in range(whole(count), count, LANES):
        expose(equity[first : first + LANES], gross[first : first + LANES], 1, lanes)
    out[_EXPOSURE] = total(lanes[0]) / count


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
    fills: NDArray[np.void],
    trades: NDArray[np.void],
    lanes: Floats,
    out: Floats,
) -> None:
    """Write the fields of `Sums`; what reads the returns comes last, because both their tails are asked for next."""
    sink(time, equity, capital, out)
    account(equity, gross, lanes, out)
    trading(fills, equity, out)
    outcomes(trades, out)
    extremes(returns, lanes, out)
    days(time, equity, capital, out)
    powers(returns, rate, lanes, out)
