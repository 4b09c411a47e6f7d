"""Kernels that compare two averages on their sums: a sliding gap, and exact sums where its rounding could decide."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.indicators.abreast import ABREAST
from engine.indicators.arrays import LARGEST
from engine.indicators.columns import STRIP, put, take
from engine.jit import inlined, jit

# Two averages of decimal prices that are equal on paper differ by the rounding of their binary forms, some 1e-16
# of their size; prices that differ on paper do so by far more than this.
TIE = 1e-12
EPSILON = 2.0**-52
# Bars that are compared together.
AT_ONCE = 256


@jit
def exact(values: Floats, n: int, t: int, window: int) -> float:
    """Sum of the last `window` values up to row t, none of them NaN, in two floats (Knuth's TwoSum)."""
    total = 0.0
    rest = 0.0
    for row in range(t, t - window, -1):
        value = values[row, n]
        grown = total + value
        part = grown - total
        rest += (total - (grown - part)) + (value - part)
        total = grown
    return total + rest


@jit
def decided(values: Floats, n: int, t: int, fast: int, slow: int) -> float:
    """The relation at row t of column n, by exact sums."""
    behind = fast * exact(values, n, t, slow)
    gap = slow * exact(values, n, t, fast) - behind
    return 0.0 if abs(gap) <= TIE * abs(behind) else math.copysign(1.0, gap)


@inlined
def accumulate(before: float, rows: Floats) -> float:
    """Make running sums of the rows, after what was before; says the last one.

    Four quarters go side by side, because each addition has to wait for the one before.
    """
    quarter = rows.shape[0] // 4
    one, two, three, four = (
        rows[:quarter],
        rows[quarter : 2 * quarter],
        rows[2 * quarter : 3 * quarter],
        rows[3 * quarter :],
    )
    a = b = c = d = 0.0
    for k in range(quarter):
        a, b, c, d = a + one[k, 0], b + two[k, 0], c + three[k, 0], d + four[k, 0]
        one[k, 0], two[k, 0], three[k, 0], four[k, 0] = a, b, c, d
    for k in range(quarter, four.shape[0]):
        d += four[k, 0]
        four[k, 0] = d
    first, second, third = before + a, before + a + b, before + a + b + c
    for k in range(quarter):
        one[k, 0] += before
        two[k, 0] += first
        three[k, 0] += second
    for k in range(four.shape[0]):
        four[k, 0] += third
    return third + d


@inlined
def finite(rows: Floats) -> bool:
    """Whether every value of the first column is a number."""
    whole = True
    for k in range(rows.shape[0]):
        whole &= abs(rows[k, 0]) <= LARGEST
    return whole


@jit
def relate(values: Floats, fast: int, slow: int, out: Floats) -> bool:
    """Relations of a column in which every bar is traded: a sliding gap, exact sums where its rounding could decide.

    False where a value is no number: then nothing has been found.

    The gap is slow x sum_fast - fast x sum_slow. What it grows by at each bar, and its sign, are taken from some bars
    at a time; only adding up has to wait for the bar before. With M the largest value so far, a step rounds by at
    most EPSILON M (2 fast slow + 3 (fast + slow)), and what it starts from by less than 6 EPSILON M fast slow.
    """
    total = values.shape[0]
    first = max(fast, slow)
    out[: first - 1] = np.nan
    if not finite(values[:first]):
        return False
    if first > total:
        return True
    out[first - 1, 0] = decided(values, 0, first - 1, fast, slow)
    reach = EPSILON * (8.0 * fast * slow + 4.0 * (fast + slow))
    largest, gap, steps = 0.0, 0.0, 0
    for t in range(first):
        largest = max(largest, abs(values[t, 0]))
    for t in range(first, total, AT_ONCE):
        stop = min(t + AT_ONCE, total)
        if steps == 0:
            gap, steps = slow * exact(values, 0, t - 1, fast) - fast * exact(values, 0, t - 1, slow), 1
        new, rows = values[t:stop], out[t:stop]
        old, older = values[t - fast : stop - fast], values[t - slow : stop - slow]
        whole, larger = True, False
        for k in range(rows.shape[0]):
            value = new[k, 0]
            whole &= abs(value) <= LARGEST
            larger |= abs(value) > largest
            rows[k, 0] = slow * (value - old[k, 0]) - fast * (value - older[k, 0])
        if not whole:
            return False
        gap = accumulate(gap, rows)
        if larger:
            for k in range(new.shape[0]):
                largest = max(largest, abs(new[k, 0]))
        steps += stop - t
        doubt = (TIE * fast * slow + reach * steps) * largest
        doubtful = False
        for k in range(rows.shape[0]):
            doubtful |= abs(rows[k, 0]) <= doubt
        if doubtful:
            steps = 0
            for k in range(rows.shape[0]):
                rows[k, 0] = decided(values, 0, t + k, fast, slow) if abs(rows[k, 0]) <= doubt else rows[k, 0]
        for k in range(rows.shape[0]):
            rows[k, 0] = 0.0 if rows[k, 0] == 0.0 else math.copysign(1.0, rows[k, 0])
    return True


@jit
def gapless(values: Floats, n: int) -> int:
    """How many columns from n on, at most ABREAST, trade in every row."""
    width = min(ABREAST, values.shape[1] - n)
    for t in range(values.shape[0]):
        row = values[t, n : n + width]
        missing = False
        for lane in range(row.shape[0]):
            missing |= math.isnan(row[lane])
        if missing:
            width = 0
            while not math.isnan(row[width]):
                width += 1
    return int(width)


@inlined
def restart(values: Floats, n: int, t: int, fast: int, slow: int, gaps: Floats) -> None:
    """The gaps at row t of the columns from n on, by exact sums."""
    for lane in range(gaps.shape[0]):
        gaps[lane] = slow * exact(values, n + lane, t, fast) - fast * exact(values, n + lane, t, slow)


@jit
def relate_abreast(values: Floats, n: int, stop: int, fast: int, slow: int, room: Floats, out: Floats) -> None:
    """`relate` of the columns n to `stop`, in which every bar is traded: row by row. `room` is [2, ABREAST]."""
    total = values.shape[0]
    first = max(fast, slow)
    out[: first - 1, n:stop] = np.nan
    if first > total:
        return
    gaps, largest = room[0, : stop - n], room[1, : stop - n]
    largest[:] = 0.0
    for t in range(first):
        row = values[t, n:stop]
        for lane in range(row.shape[0]):
            largest[lane] = max(largest[lane], abs(row[lane]))
    for lane in range(n, stop):
        out[first - 1, lane] = decided(values, lane, first - 1, fast, slow)
    reach = EPSILON * (8.0 * fast * slow + 4.0 * (fast + slow))
    for t in range(first, total):
        steps = (t - first) % AT_ONCE
        if steps == 0:
            restart(values, n, t - 1, fast, slow, gaps)
        share = TIE * fast * slow + reach * (steps + 2)
        new, found = values[t, n:stop], out[t, n:stop]
        old, older = values[t - fast, n:stop], values[t - slow, n:stop]
        doubtful = False
        for lane in range(found.shape[0]):
            value, most = new[lane], largest[lane]
            gap = gaps[lane] + (slow * (value - old[lane]) - fast * (value - older[lane]))
            most = abs(value) if abs(value) > most else most
            gaps[lane], largest[lane] = gap, most
            found[lane] = 1.0 if gap > 0.0 else -1.0
            doubtful |= abs(gap) <= share * most
        if doubtful:
            for lane in range(found.shape[0]):
                if abs(gaps[lane]) <= share * largest[lane]:
                    found[lane] = decided(values, n + lane, t, fast, slow)


@jit
def compare(
    values: Floats, fast: int, slow: int, row: Floats, room: Floats, counts: NDArray[np.int64], out: Floats
) -> None:
    """Relations of each column, found among its traded bars. `row` is [2, ABREAST]; for the room see `columns`."""
    series, found = room[0], room[1]
    n = 0
    while n < values.shape[1]:
        width = gapless(values, n)
        if width > 1:
            relate_abreast(values, n, n + width, fast, slow, row, out)
        else:
            width = min(STRIP, values.shape[1] - n)
            take(values, n, n + width, series, counts)
            for lane in range(width):
                relate(series[lane][: counts[lane]], fast, slow, found[lane][: counts[lane]])
            put(values, n, n + width, found, counts, out)
        n += width
