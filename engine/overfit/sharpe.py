"""How well a Sharpe ratio is known.

`per_bar` is mean(r) / sd(r) (ddof 1) of returns above the risk-free rate, `annual` is per_bar sqrt(P), with P bars a
year. The formulas hold for the ratio per bar and a length in bars; the two are kept apart by name. Kurtosis is 3 for
a normal. NaN and infinite returns are refused (`series`); a statistic that is not defined is None.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import BadData
from engine.intake import Floats
from engine.overfit.hac import automatic_lag, long_run_variance
from engine.overfit.normal import ndtr, ndtri
from engine.overfit.series import column

# Below this the influence of a bar is rounding: nothing varies.
_NOTHING = 1e-20


class Shape(NamedTuple):
    """Sharpe ratio per bar, skewness and kurtosis (population form, 3 for a normal) of returns over so many bars."""

    per_bar: float
    skewness: float
    kurtosis: float
    bars: int


class Interval(NamedTuple):
    """An annual Sharpe ratio (or a difference of two), its standard error, the interval, the lags that were weighed.

    `p_value`: of the ratio (or difference) being 0, two-sided.
    """

    annual: float
    standard_error: float
    low: float
    high: float
    p_value: float
    lag: int


def shape(returns: ArrayLike) -> Shape | None:
    """What the formulas need to know of returns [T]; None below two of them or without variance."""
    values = column(returns, "returns")
    if len(values) < 2:
        return None
    mean = float(values.mean())
    centred = values - mean
    spread = math.sqrt(float((centred * centred).mean()))
    if spread <= 1e-15 * max(1.0, float(np.abs(values).max())):
        return None
    standard = centred / spread
    squares = standard * standard
    deviation = spread * math.sqrt(len(values) / (len(values) - 1))
    return Shape(mean / deviation, float((squares * standard).mean()), float((squares * squares).mean()), len(values))


def probabilistic_sharpe(
    per_bar: float, skewness: float, kurtosis: float, bars: int, *, benchmark_per_bar: float = 0.0
) -> float | None:
    """Probability that a Sharpe ratio measured over so many `bars` is truly above a benchmark's.

    Phi((S - S*) sqrt(T - 1) / sqrt(1 - g3 S + (g4 - 1)/4 S^2)), S and S* per bar, g3 the skewness and g4 the
    kurtosis (3 for a normal) of the returns: Bailey and Lopez de Prado (2012), The Sharpe ratio efficient
    frontier, equation 11. None below two bars and where the estimate's variance is not positive.
    """
    variance = _variance(per_bar, skewness, kurtosis)
    if variance <= 0.0 or bars < 2:
        return None
    return float(ndtr((per_bar - benchmark_per_bar) * math.sqrt(bars - 1) / math.sqrt(variance)))


def minimum_track_record(
    per_bar: float, skewness: float, kurtosis: float, *, benchmark_per_bar: float = 0.0, confidence: float = 0.95
) -> float | None:
    """Bars after which `probabilistic_sharpe` reaches `confidence`, if the returns go on as they are.

    1 + (1 - g3 S + (g4 - 1)/4 S^2) (Phi^-1(confidence) / (S - S*))^2: Bailey and Lopez de Prado (2012), equation 13.
    None where S is not above S*: no length is enough.
    """
    variance, above = _variance(per_bar, skewness, kurtosis), per_bar - benchmark_per_bar
    if above <= 0.0 or variance <= 0.0:
        return None
    errors = float(ndtri(confidence)) / above
    length = 1.0 + variance * errors * errors
    return length if math.isfinite(length) else None


def _variance(per_bar: float, skewness: float, kurtosis: float) -> float:
    """T times the variance of a Sharpe ratio per bar of independent returns (Mertens 2002)."""
    return 1.0 - skewness * per_bar + (kurtosis - 1.0) / 4.0 * per_bar * per_bar


def sharpe_interval(
    returns: ArrayLike, periods_per_year: float, *, confidence: float = 0.95, lag: int | None = None
) -> Interval | None:
    """Annual Sharpe ratio with a standard error that allows for fat tails and dependence between bars.

    By the delta method a bar moves the ratio by x_t = z_t - S/2 (z_t^2 - 1), z the standardised returns, and the
    variance of the ratio is the long-run variance of x over T: Lo (2002), The statistics of Sharpe ratios, appendix
    A; Ledoit and Wolf (2008), section 3.1. Newey and West's weights; `lag` by their rule unless given, 0 for
    independent bars, where the variance is the one of `probabilistic_sharpe`. The interval is that of a normal.
    The ratio is annualised by sqrt(P) whatever the dependence. None below two returns or without variance.
    """
    found, values = shape(returns), column(returns, "returns")
    if found is None:
        return None
    return _interval(found.per_bar, _influence(values), periods_per_year, confidence, lag)


def sharpe_difference(
    first: ArrayLike, second: ArrayLike, periods_per_year: float, *, confidence: float = 0.95, lag: int | None = None
) -> Interval | None:
    """Annual Sharpe ratio of `first` less that of `second` over the same bars: interval, and p value of no difference.

    As `sharpe_interval` with x the difference of the two influences, so that what the two share cancels: Ledoit and
    Wolf (2008), Robust performance hypothesis testing with the Sharpe ratio, section 3.1. For independent normal
    returns the variance is that of Jobson and Korkie (1981) with Memmel's correction (2003). With few bars the normal
    interval is somewhat too narrow (their section 3.2). None below two returns, where one of the two has no variance,
    and where their difference has none: the same returns, or one a multiple of the other.

    Raises:
        BadData: `bad_shape` for series of different lengths.
    """
    ours, theirs = column(first, "first"), column(second, "second")
    if len(ours) != len(theirs):
        raise BadData(f"The two series have {len(ours)} and {len(theirs)} bars, expected the same.", code="bad_shape")
    one, other = shape(ours), shape(theirs)
    if one is None or other is None:
        return None
    apart = _influence(ours) - _influence(theirs)
    return _interval(one.per_bar - other.per_bar, apart, periods_per_year, confidence, lag)


def _influence(values: Floats) -> Floats:
    """By how much each bar moves the Sharpe ratio per bar, times T; the mean is zero."""
    standard = (values - values.mean()) / values.std()
    per_bar = float(values.mean() / values.std())
    influence: Floats = standard - per_bar / 2.0 * (standard * standard - 1.0)
    return influence


def _interval(
    per_bar: float, influence: Floats, periods_per_year: float, confidence: float, lag: int | None
) -> Interval | None:
    lags = automatic_lag(influence) if lag is None else lag
    variance = long_run_variance(influence, lags)
    if variance <= _NOTHING:
        return None
    scale = math.sqrt(periods_per_year)
    annual, error = per_bar * scale, math.sqrt(variance / len(influence)) * scale
    reach = float(ndtri(0.5 + confidence / 2.0)) * error
    return Interval(annual, error, annual - reach, annual + reach, 2.0 * float(ndtr(-abs(annual / error))), lags)
