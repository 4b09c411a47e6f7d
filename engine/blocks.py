"""How long the blocks of a bootstrap should be, wherever one is drawn: of paths, and of tests against luck.

Politis and White (2004), Automatic block-length selection for the dependent bootstrap, with the correction of Patton,
Politis and White (2009).
"""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats

# Fewer returns say nothing about how they hang together.
_FEWEST = 8


def optimal_block(returns: Floats, *, circular: bool = False) -> float:
    """The block length that makes the variance of a bootstrapped mean most exact, at least 1.

    b = (2 g^2 / D)^(1/3) T^(1/3) with s = sum of w(k/M) R(k) over |k| <= M, g = sum of w(k/M) |k| R(k), D = 2 s^2 for
    the stationary and 4/3 s^2 for the circular bootstrap; R are autocovariances, w is 1 up to 1/2 and falls from there
    to 0 at 1. At most min(3 sqrt(T), T/3). It looks at the autocorrelation of the returns alone, not at that of their
    size. 1 for fewer than 8 returns, or without variance.
    """
    count = len(returns)
    if count < _FEWEST or returns.min() == returns.max():
        return 1.0
    centred = returns - returns.mean()
    reach = _reach(centred)
    covariance = np.array([_product(centred, lag) for lag in range(reach + 1)]) / count
    lag = np.arange(1, reach + 1)
    weight = np.minimum(1.0, 2.0 * (1.0 - lag / reach))
    spread = covariance[0] + 2.0 * (weight * covariance[1:]).sum()
    slope = 2.0 * (weight * lag * covariance[1:]).sum()
    longest = float(math.ceil(min(3.0 * math.sqrt(count), count / 3.0)))
    power, against = 2.0 * slope**2 * count, (4.0 / 3.0 if circular else 2.0) * spread**2
    # s may be as small as 0, and the length without end.
    return longest if power >= longest**3 * against else max(1.0, math.cbrt(power / against))


def _product(centred: Floats, lag: int) -> float:
    """The sum of x_t x_(t-lag), added up in one order on every machine, as a library for matrices would not."""
    return float((centred[lag:] * centred[: len(centred) - lag]).sum())


def _reach(centred: Floats) -> int:
    """M: how many lags count. Twice the first one of max(5, log10 T) in a row whose autocorrelations are near 0.

    Near is within 2 sqrt(log10(T) / T). Where there is no such row, all lags that are looked at count.
    """
    count = len(centred)
    row = max(5, int(math.log10(count)))
    furthest = min(math.ceil(math.sqrt(count)) + row, count - 2)
    near = 2.0 * math.sqrt(math.log10(count) / count)
    squares = np.cumsum(centred**2)
    small = 0
    for lag in range(1, furthest):
        # Both parts leave out one more value than the lag, as the authors' own program does.
        scale = math.sqrt((squares[-1] - squares[lag]) * squares[count - lag - 2])
        small = small + 1 if abs(_product(centred, lag)) < near * scale else 0
        if small == row:
            return min(2 * (lag - row + 1), furthest)
    return furthest
