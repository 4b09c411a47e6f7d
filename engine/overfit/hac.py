"""Variance of a mean whose observations depend on each other."""

from __future__ import annotations

import math

from engine.intake import Floats


def autocovariance(centred: Floats, lag: int) -> float:
    """sum_t x_t x_(t-lag) / T of a series whose mean is zero."""
    count = len(centred)
    return float((centred[lag:] * centred[: count - lag]).sum()) / count


def long_run_variance(centred: Floats, lag: int) -> float:
    """c_0 + 2 sum_(j=1..lag) (1 - j / (lag + 1)) c_j, c_j the autocovariances of a series whose mean is zero.

    T times the variance of the series' mean; never negative but for rounding. Newey and West (1987), A simple,
    positive semi-definite, heteroskedasticity and autocorrelation consistent covariance matrix. Lags beyond
    T - 1 have no pairs and count nothing.
    """
    lags = range(1, min(lag, len(centred) - 1) + 1)
    return autocovariance(centred, 0) + 2.0 * sum(
        (1.0 - each / (lag + 1.0)) * autocovariance(centred, each) for each in lags
    )


def automatic_lag(centred: Floats) -> int:
    """How many lags to weigh: floor(1.1447 (s1 / s0)^(2/3) T^(1/3)), at most floor(sqrt(T)).

    s0 = c_0 + 2 sum c_j and s1 = 2 sum j c_j over j = 1 .. floor(4 (T / 100)^(2/9)): Newey and West (1994), Automatic
    lag selection in covariance matrix estimation, table II B for the Bartlett kernel. The upper limit is ours: where
    s0 is close to 0 the rule asks for more lags than the series carries.
    """
    count = len(centred)
    most = math.isqrt(count)
    seen = range(1, min(math.floor(4.0 * (count / 100.0) ** (2.0 / 9.0)), count - 1) + 1)
    covariances = [autocovariance(centred, lag) for lag in seen]
    level = autocovariance(centred, 0) + 2.0 * sum(covariances)
    slope = 2.0 * sum(lag * each for lag, each in zip(seen, covariances, strict=True))
    power, against = slope * slope * count, level * level
    if 1.1447**3 * power >= most**3 * against:
        return most
    return math.floor(1.1447 * math.cbrt(power / against))
