"""The value so many traded bars ago, and the extremes since: column by column, or of columns side by side.

What goes side by side makes the same comparisons in the same order, so the bits are the same: see `abreast`.
"""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.indicators.abreast import in_step
from engine.indicators.moments import following
from engine.jit import jit


@jit
def lag(n: int, values: Floats, bars: int, out: Floats) -> None:
    """The value of column n so many traded bars ago."""
    count = 0
    behind = 0
    for t in range(values.shape[0]):
        out[t, n] = np.nan
        if math.isnan(values[t, n]):
            continue
        count += 1
        if count > bars:
            while math.isnan(values[behind, n]):
                behind += 1
            out[t, n] = values[behind, n]
            behind += 1


@jit
def lag_abreast(values: Floats, n: int, stop: int, bars: int, out: Floats) -> None:
    """`lag` of the columns n to `stop`."""
    count = 0
    behind = following(values, 0, n)
    for t in range(values.shape[0]):
        found = out[t, n:stop]
        traded = not math.isnan(values[t, n])
        count += 1 if traded else 0
        if not traded or count <= bars:
            found[:] = np.nan
        else:
            before = values[behind, n:stop]
            for lane in range(found.shape[0]):
                found[lane] = before[lane]
            behind = following(values, behind + 1, n)


@jit
def lags(values: Floats, bars: int, out: Floats) -> None:
    """The value so many traded bars ago."""
    n = 0
    while n < values.shape[1]:
        width = in_step(values, n)
        if width == 1:
            lag(n, values, bars, out)
        else:
            lag_abreast(values, n, n + width, bars, out)
        n += width


@jit
def extreme(n: int, values: Floats, window: int, sign: float, out: Floats) -> None:
    """Largest value (sign 1) or smallest (sign -1) of the last `window` traded bars of column n, in two passes.

    The bars are cut into blocks of `window`, counted from the first one. A window is the end of one block and the
    start of the next: its extreme is that of the next block so far (first pass, forward) or that of the rest of the
    block before (second pass, backward). After van Herk (1992) and Gil and Werman (1993).
    """
    count = 0
    best = 0.0
    for t in range(values.shape[0]):
        out[t, n] = values[t, n]
        if math.isnan(values[t, n]):
            continue
        if count % window == 0 or sign * values[t, n] >= sign * best:
            best = values[t, n]
        out[t, n] = best
        count += 1
    start = values.shape[0]
    begun = count
    for t in range(values.shape[0] - 1, -1, -1):
        if math.isnan(values[t, n]):
            continue
        # Of `count` bars up to t the window is the last `window`; `start` walks back to the first of them.
        while begun > 0 and begun > count - window:
            start -= 1
            if math.isnan(values[start, n]):
                continue
            if begun % window == 0 or begun == count or sign * values[start, n] > sign * best:
                best = values[start, n]
            begun -= 1
        if count < window:
            out[t, n] = np.nan
        elif sign * best > sign * out[t, n]:
            out[t, n] = best
        count -= 1


@jit
def extreme_abreast(values: Floats, n: int, stop: int, window: int, sign: float, room: Floats, out: Floats) -> None:
    """`extreme` of the columns n to `stop`; `room` has a place for each."""
    best = room[: stop - n]
    count = 0
    for t in range(values.shape[0]):
        now, found = values[t, n:stop], out[t, n:stop]
        if math.isnan(now[0]):
            found[:] = np.nan
            continue
        anew = count % window == 0
        for lane in range(best.shape[0]):
            better = anew | (sign * now[lane] >= sign * best[lane])
            best[lane] = found[lane] = now[lane] if better else best[lane]
        count += 1
    start = values.shape[0]
    begun = count
    for t in range(values.shape[0] - 1, -1, -1):
        if math.isnan(values[t, n]):
            continue
        while begun > 0 and begun > count - window:
            start -= 1
            if math.isnan(values[start, n]):
                continue
            row, anew = values[start, n:stop], begun % window == 0 or begun == count
            for lane in range(best.shape[0]):
                best[lane] = row[lane] if anew | (sign * row[lane] > sign * best[lane]) else best[lane]
            begun -= 1
        found = out[t, n:stop]
        if count < window:
            found[:] = np.nan
        else:
            for lane in range(found.shape[0]):
                found[lane] = best[lane] if sign * best[lane] > sign * found[lane] else found[lane]
        count -= 1


@jit
def extremes(values: Floats, window: int, sign: float, room: Floats, out: Floats) -> None:
    """Largest value (sign 1) or smallest (sign -1) of the last `window` traded bars."""
    n = 0
    while n < values.shape[1]:
        width = in_step(values, n)
        if width == 1:
            extreme(n, values, window, sign, out)
        else:
            extreme_abreast(values, n, n + width, window, sign, room, out)
        n += width
