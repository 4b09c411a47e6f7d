"""Statistics of the last n traded bars: sums, extremes, deviation, shape, dependence, rank."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.indicators import abreast, moments, places
from engine.indicators.arrays import as_rows, run, together, whole
from engine.jit import jit


@jit
def _change(values: Floats, last: Floats, out: Floats) -> None:
    """Rows in their order, so that columns can be the lanes of vectors; `last` [N] is the last traded value."""
    for t in range(values.shape[0]):
        for n in range(values.shape[1]):
            value, before = values[t, n], last[n]
            out[t, n] = np.nan if before == 0.0 else value / before - 1.0
            last[n] = before if math.isnan(value) else value


@jit
def _ewm_variance(values: Floats, decay: float, out: Floats) -> None:
    """Weighted variance around the weighted mean, weights decay^age, updated as in West (1979)."""
    for n in range(values.shape[1]):
        weight = 0.0
        mean = 0.0
        moment = 0.0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            weight = 1.0 + decay * weight
            before = values[t, n] - mean
            mean += before / weight
            moment = decay * moment + before * (values[t, n] - mean)
            out[t, n] = moment / weight


@jit
def _count(tree: NDArray[np.int64], rank: int, change: int) -> None:
    """Add to the number of values of this rank (Fenwick 1994: a tree of counts in one array)."""
    while rank < tree.shape[0]:
        tree[rank] += change
        rank += rank & -rank


@jit
def _up_to(tree: NDArray[np.int64], rank: int) -> int:
    """How many values have this rank or a lower one."""
    found = 0
    while rank > 0:
        found += tree[rank]
        rank -= rank & -rank
    return found


@jit
def _percentile_rank(
    values: Floats, ranks: NDArray[np.int64], window: int, tree: NDArray[np.int64], out: Floats
) -> None:
    for n in range(values.shape[1]):
        for rank in range(tree.shape[0]):
            tree[rank] = 0
        count = 0
        oldest = 0
        for t in range(values.shape[0]):
            out[t, n] = np.nan
            if math.isnan(values[t, n]):
                continue
            count += 1
            _count(tree, ranks[t, n], 1)
            if count > window:
                while math.isnan(values[oldest, n]):
                    oldest += 1
                _count(tree, ranks[oldest, n], -1)
                oldest += 1
            if count >= window:
                below = _up_to(tree, ranks[t, n] - 1)
                equal = _up_to(tree, ranks[t, n]) - below
                out[t, n] = (below + 0.5 * (equal + 1.0)) / window


def rolling_sum(values: Floats, window: int) -> Floats:
    """Sum of the last `window` traded bars.

    Unit: that of the values. Source: Knuth (1997), The Art of Computer Programming 2, 4.2.2 (TwoSum).
    Warm-up: row window - 1. NaN: skipped.
    """
    whole(1, window=window)
    return run(abreast.sums, values, window, np.empty(abreast.ROOM))


def rolling_max(values: Floats, window: int) -> Floats:
    """Largest of the last `window` traded bars, the current one included.

    Unit: that of the values. Source: van Herk (1992), Pattern Recognition Letters 13(7).
    Warm-up: row window - 1. NaN: skipped.
    """
    whole(1, window=window)
    return run(places.extremes, values, window, 1.0, np.empty(abreast.ABREAST), infinite=True)


def rolling_min(values: Floats, window: int) -> Floats:
    """Smallest of the last `window` traded bars, the current one included.

    Unit: that of the values. Source: van Herk (1992), Pattern Recognition Letters 13(7).
    Warm-up: row window - 1. NaN: skipped.
    """
    whole(1, window=window)
    return run(places.extremes, values, window, -1.0, np.empty(abreast.ABREAST), infinite=True)


def lag(values: Floats, bars: int) -> Floats:
    """The value `bars` traded bars ago.

    Unit: that of the values. Source: none, it is a shift. Warm-up: row bars. NaN: skipped.
    """
    whole(0, bars=bars)
    return run(places.lags, values, bars, infinite=True)


def returns(values: Floats) -> Floats:
    """Simple return since the previous traded bar: x_t / x_(t-1) - 1.

    Unit: fraction. Source: Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, 1.4.
    Warm-up: row 1. NaN: skipped; NaN too after a value of zero.
    """
    return run(_change, values, np.full(math.prod(np.shape(values)[1:]), np.nan), infinite=True)


def ewm_variance(values: Floats, center_of_mass: float) -> Floats:
    """Exponentially weighted variance around the weighted mean, weights (c / (1 + c))^age normalised to 1.

    Unit: that of the values, squared. Source: West (1979), Communications of the ACM 22(9).
    Warm-up: row 0, where it is 0. NaN: skipped, without ageing the weights.
    """
    if not (math.isfinite(center_of_mass) and center_of_mass >= 0.0):
        raise InvalidInput(f"center_of_mass must be a number of at least 0, given {center_of_mass!r}.")
    return run(_ewm_variance, values, center_of_mass / (1.0 + center_of_mass))


def rolling_std(values: Floats, window: int, *, ddof: int = 1) -> Floats:
    """Standard deviation of the last `window` traded bars: sqrt(sum((x - mean)^2) / (window - ddof)).

    Unit: that of the values. Source: Chan, Golub and LeVeque (1983), The American Statistician 37(3).
    Warm-up: row window - 1. NaN: skipped. Exactly 0 where all values of the window are one.
    """
    whole(0, ddof=ddof)
    whole(ddof + 1, window=window)
    return run(abreast.deviations, values, window, ddof, False, np.empty(abreast.ROOM))


def zscore(values: Floats, window: int, *, ddof: int = 1) -> Floats:
    """How many standard deviations the value is from the mean of the last `window` traded bars, itself included.

    Unit: standard deviations. Source: Kreyszig (1979), Advanced Engineering Mathematics, 4th ed.
    Warm-up: row window - 1. NaN: skipped; NaN too where all values of the window are one.
    """
    whole(0, ddof=ddof)
    whole(max(ddof + 1, 2), window=window)
    return run(abreast.deviations, values, window, ddof, True, np.empty(abreast.ROOM))


def rolling_skew(values: Floats, window: int) -> Floats:
    """Skewness of the last `window` traded bars, bias-corrected (G1 = sqrt(n (n - 1)) / (n - 2) m3 / m2^1.5).

    Unit: none. Source: Joanes and Gill (1998), The Statistician 47(1).
    Warm-up: row window - 1. NaN: skipped; NaN too where all values of the window are one.
    """
    whole(3, window=window)
    return run(moments.shapes, values, window, False)


def rolling_kurt(values: Floats, window: int) -> Floats:
    """Excess kurtosis of the last `window` traded bars, bias-corrected (G2), 0 for a normal distribution.

    (n - 1) / ((n - 2) (n - 3)) ((n + 1) m4 / m2^2 - 3 (n - 1)). Unit: none.
    Source: Joanes and Gill (1998), The Statistician 47(1).
    Warm-up: row window - 1. NaN: skipped; NaN too where all values of the window are one.
    """
    whole(4, window=window)
    return run(moments.shapes, values, window, True)


def rolling_corr(values: Floats, others: Floats, window: int) -> Floats:
    """Pearson's correlation with `others` over the last `window` bars on which both traded.

    cov(x, y) / (std(x) std(y)), between -1 and 1. Unit: none. Source: Pearson (1895), Proc. Royal Society 58.
    Warm-up: row window - 1. NaN: a bar counts when both are known; NaN too where one of them stands still.
    """
    whole(2, window=window)
    x, y = together(values, others)
    return run(moments.comoments, x, as_rows(y), window, False)


def rolling_beta(values: Floats, others: Floats, window: int) -> Floats:
    """Slope of the regression of `values` on `others` over the last `window` bars on which both traded.

    cov(x, y) / var(y); give it returns, and the market's as `others`. Unit: that of x per unit of y.
    Source: Sharpe (1964), Journal of Finance 19(3).
    Warm-up: row window - 1. NaN: a bar counts when both are known; NaN too where `others` stands still.
    """
    whole(2, window=window)
    x, y = together(values, others)
    return run(moments.comoments, x, as_rows(y), window, True)


def percentile_rank(values: Floats, window: int) -> Floats:
    """Rank of the value among the last `window` traded bars, itself included, divided by their number.

    (values below + (equal ones + 1) / 2) / window: ties share their mean rank. Unit: fraction, above 0 up to 1.
    Source: Fenwick (1994), Software: Practice and Experience 24(3), for the counting in O(log T) per bar.
    Warm-up: row window - 1. NaN: skipped.
    """
    whole(1, window=window)
    rows = as_rows(values)
    # Ranks in the whole column only say which of two values is larger: counts, unlike sums, know no later bars.
    ranks = np.zeros(rows.shape, dtype=np.int64)
    for n in range(rows.shape[1]):
        known = ~np.isnan(rows[:, n])
        ranks[known, n] = np.unique(rows[known, n], return_inverse=True)[1] + 1
    tree = np.empty(len(rows) + 1, dtype=np.int64)
    return run(_percentile_rank, values, ranks, window, tree, infinite=True)
