"""Statistics of the last n traded bars: sums, extremes, deviation, shape, dependence, rank."""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.indicators import abreast, dependence, moments, places, ranking
from engine.indicators.arrays import as_rows, run, together, whole
from engine.indicators.columns import room_for
from engine.indicators.ranking import COUNTED
from engine.jit import inlined, jit


@jit
def _change(values: Floats, last: Floats, out: Floats) -> None:
    """Rows in their order, so that columns can be the lanes of vectors; `last` [N] is the last traded value."""
    for t in range(values.shape[0]):
        for n in range(values.shape[1]):
            value, before = values[t, n], last[n]
            out[t, n] = np.nan if before == 0.0 else value / before - 1.0
            last[n] = before if math.isnan(value) else value


@inlined
def weighed(value: float, decay: float, weight: float, mean: float, moment: float) -> tuple[float, float, float]:
    """Weight, mean and moment with one more value (West 1979)."""
    heavier = 1.0 + decay * weight
    before = value - mean
    later = mean + before / heavier
    return heavier, later, decay * moment + before * (value - later)


@inlined
def _ewm_variance_of_one(values: Floats, decay: float, out: Floats) -> None:
    weight = mean = moment = 0.0
    for t in range(values.shape[0]):
        out[t, 0] = np.nan
        if not math.isnan(values[t, 0]):
            weight, mean, moment = weighed(values[t, 0], decay, weight, mean, moment)
            out[t, 0] = moment / weight


@jit
def _ewm_variance(values: Floats, decay: float, state: Floats, out: Floats) -> None:
    """Weighted variance around the weighted mean, weights decay^age.

    Rows in their order, so that columns can be the lanes of vectors; `state` [3, N] is 0.
    """
    if values.shape[1] == 1:
        _ewm_variance_of_one(values, decay, out)
        return
    weights, means, moments = state[0], state[1], state[2]
    for t in range(values.shape[0]):
        row, found = values[t], out[t]
        for n in range(row.shape[0]):
            value, weight, mean, moment = row[n], weights[n], means[n], moments[n]
            heavier, later, grown = weighed(value, decay, weight, mean, moment)
            traded = not math.isnan(value)
            found[n] = grown / heavier  # NaN where the value is
            weights[n] = heavier if traded else weight
            means[n] = later if traded else mean
            moments[n] = grown if traded else moment


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
    state = np.zeros((3, math.prod(np.shape(values)[1:])))
    return run(_ewm_variance, values, center_of_mass / (1.0 + center_of_mass), state)


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
    return run(dependence.comoments, x, as_rows(y), window, False, np.empty(dependence.ROOM))


def rolling_beta(values: Floats, others: Floats, window: int) -> Floats:
    """Slope of the regression of `values` on `others` over the last `window` bars on which both traded.

    cov(x, y) / var(y); give it returns, and the market's as `others`. Unit: that of x per unit of y.
    Source: Sharpe (1964), Journal of Finance 19(3).
    Warm-up: row window - 1. NaN: a bar counts when both are known; NaN too where `others` stands still.
    """
    whole(2, window=window)
    x, y = together(values, others)
    return run(dependence.comoments, x, as_rows(y), window, True, np.empty(dependence.ROOM))


def percentile_rank(values: Floats, window: int) -> Floats:
    """Rank of the value among the last `window` traded bars, itself included, divided by their number.

    (values below + (equal ones + 1) / 2) / window: ties share their mean rank. Unit: fraction, above 0 up to 1.
    Source: Fenwick (1994), Software: Practice and Experience 24(3), for long windows in O(log T) per bar.
    Warm-up: row window - 1. NaN: skipped.
    """
    whole(1, window=window)
    rows = as_rows(values)
    if window <= COUNTED:
        return run(ranking.counted, values, window, *room_for(len(rows)), infinite=True)
    # Ranks in the whole column only say which of two values is larger: counts, unlike sums, know no later bars.
    places = np.zeros(rows.shape, dtype=np.int64)
    for n in range(rows.shape[1]):
        known = ~np.isnan(rows[:, n])
        places[known, n] = np.unique(rows[known, n], return_inverse=True)[1] + 1
    tree = np.empty(len(rows) + 1, dtype=np.int64)
    return run(ranking.looked_up, values, places, window, tree, infinite=True)
