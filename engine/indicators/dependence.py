"""Kernels of how two columns move together, on sliding sums of products as in `moments`; many columns side by side."""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.indicators.abreast import ABREAST, count_same, in_step
from engine.indicators.moments import NOTHING, following, plus, value_of
from engine.jit import inlined, jit

# Where the room keeps what of each column.
SAME_X, SAME_Y, BASE_X, BASE_Y, X, X_REST, Y, Y_REST, XX, XX_REST, YY, YY_REST, XY, XY_REST = range(
    0, 14 * ABREAST, ABREAST
)
ROOM = 14 * ABREAST


@inlined
def correlation_of(both: float, spread_x: float, spread_y: float) -> float:
    """NaN where one of them has no variance; no branch, so that columns can be lanes."""
    varies = (spread_x > 0.0) & (spread_y > 0.0)
    found = both / (math.sqrt(spread_x if varies else 1.0) * math.sqrt(spread_y if varies else 1.0))
    return min(1.0, max(-1.0, found)) if varies else np.nan


@inlined
def slope_of(both: float, spread_x: float, spread_y: float) -> float:
    """NaN where y has no variance, 0 where x has none; a variance that is no float is one."""
    found = both / (1.0 if spread_y <= 0.0 else spread_y)
    found = 0.0 if spread_x <= 0.0 else found
    return np.nan if spread_y <= 0.0 else found


@jit
def comoments_of(n: int, values: Floats, others: Floats, window: int, slope: bool, out: Floats) -> None:
    """Those of column n."""
    first = following(values, 0, n)
    count, same_x, same_y = 0, 0, 0
    last_x = last_y = base_x = base_y = 0.0
    sum_x = sum_y = sum_xx = sum_yy = sum_xy = NOTHING
    for t in range(values.shape[0]):
        out[t, n] = np.nan
        if math.isnan(values[t, n]):
            continue
        count += 1
        same_x = same_x + 1 if values[t, n] == last_x else 1
        same_y = same_y + 1 if others[t, n] == last_y else 1
        last_x, last_y = values[t, n], others[t, n]
        if count > window:
            x, y = values[first, n] - base_x, others[first, n] - base_y
            first = following(values, first + 1, n)
            sum_x, sum_y, sum_xy = plus(sum_x, -x), plus(sum_y, -y), plus(sum_xy, -x * y)
            sum_xx, sum_yy = plus(sum_xx, -x * x), plus(sum_yy, -y * y)
        start = t
        if count % window == 0:
            base_x, base_y, start = last_x, last_y, first
            sum_x = sum_y = sum_xx = sum_yy = sum_xy = NOTHING
        if count < window:
            continue
        for row in range(start, t + 1):
            if not math.isnan(values[row, n]):
                x, y = values[row, n] - base_x, others[row, n] - base_y
                sum_x, sum_y, sum_xy = plus(sum_x, x), plus(sum_y, y), plus(sum_xy, x * y)
                sum_xx, sum_yy = plus(sum_xx, x * x), plus(sum_yy, y * y)
        mean_y = value_of(sum_y) / window
        both = value_of(sum_xy) - value_of(sum_x) * mean_y
        spread_x = value_of(sum_xx) - value_of(sum_x) * value_of(sum_x) / window if same_x < window else 0.0
        spread_y = value_of(sum_yy) - value_of(sum_y) * mean_y if same_y < window else 0.0
        out[t, n] = slope_of(both, spread_x, spread_y) if slope else correlation_of(both, spread_x, spread_y)


@inlined
def add(sign: float, xs: Floats, ys: Floats, room: Floats) -> None:
    """Add a row to the sums, or take it away."""
    for lane in range(xs.shape[0]):
        x, y = xs[lane] - room[BASE_X + lane], ys[lane] - room[BASE_Y + lane]
        signed_x, signed_y = sign * x, sign * y
        room[X + lane], room[X_REST + lane] = plus((room[X + lane], room[X_REST + lane]), signed_x)
        room[Y + lane], room[Y_REST + lane] = plus((room[Y + lane], room[Y_REST + lane]), signed_y)
        room[XX + lane], room[XX_REST + lane] = plus((room[XX + lane], room[XX_REST + lane]), signed_x * x)
        room[YY + lane], room[YY_REST + lane] = plus((room[YY + lane], room[YY_REST + lane]), signed_y * y)
        room[XY + lane], room[XY_REST + lane] = plus((room[XY + lane], room[XY_REST + lane]), signed_x * y)


@inlined
def tell(window: int, slope: bool, room: Floats, out: Floats) -> None:
    """The figures of the windows that the sums hold."""
    for lane in range(out.shape[0]):
        x, y = room[X + lane] + room[X_REST + lane], room[Y + lane] + room[Y_REST + lane]
        mean_y = y / window
        both = room[XY + lane] + room[XY_REST + lane] - x * mean_y
        spread_x = room[XX + lane] + room[XX_REST + lane] - x * x / window
        spread_y = room[YY + lane] + room[YY_REST + lane] - y * mean_y
        spread_x = spread_x if room[SAME_X + lane] < window else 0.0
        spread_y = spread_y if room[SAME_Y + lane] < window else 0.0
        out[lane] = slope_of(both, spread_x, spread_y) if slope else correlation_of(both, spread_x, spread_y)


@jit
def comoments_abreast(
    values: Floats, others: Floats, n: int, stop: int, window: int, slope: bool, room: Floats, out: Floats
) -> None:
    """Those of the columns n to `stop`, which trade in the same rows."""
    first = before = following(values, 0, n)
    room[:] = 0.0
    count = 0
    for t in range(values.shape[0]):
        xs, ys, found = values[t, n:stop], others[t, n:stop], out[t, n:stop]
        traded = not math.isnan(xs[0])
        count += 1 if traded else 0
        if not traded or count < window:
            found[:] = np.nan
        if not traded:
            continue
        count_same(xs, values[before, n:stop], SAME_X, room)
        count_same(ys, others[before, n:stop], SAME_Y, room)
        before = t
        if count > window:
            add(-1.0, values[first, n:stop], others[first, n:stop], room)
            first = following(values, first + 1, n)
        if count % window == 0:
            room[BASE_X:] = 0.0
            for lane in range(found.shape[0]):
                room[BASE_X + lane], room[BASE_Y + lane] = xs[lane], ys[lane]
            for row in range(first, t):
                if not math.isnan(values[row, n]):
                    add(1.0, values[row, n:stop], others[row, n:stop], room)
        if count >= window:
            add(1.0, xs, ys, room)
            tell(window, slope, room, found)


@jit
def comoments(values: Floats, others: Floats, window: int, slope: bool, room: Floats, out: Floats) -> None:
    """Correlation of two columns or, when `slope`, the slope of the regression of `values` on `others`.

    Both are NaN in the same rows.
    """
    n = 0
    while n < values.shape[1]:
        width = in_step(values, n)
        if width == 1:
            comoments_of(n, values, others, window, slope, out)
        else:
            comoments_abreast(values, others, n, n + width, window, slope, room, out)
        n += width
