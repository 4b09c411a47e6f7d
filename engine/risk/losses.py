"""Value at risk and expected shortfall of positions as they are now, on what their instruments did before.

Losses are positive, in the unit of `values`; one that is negative is a gain. A horizon of h sessions is that of one
times sqrt(h), which holds for independent returns without a mean.

Every function needs two returns at least and finite numbers, and raises ValueError otherwise: what has a gap is to be
left out by whoever asks, who can say so. How many returns a figure needs before it means something: `least`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.bars import Floats
from engine.overfit.normal import ndtri
from engine.tails import mean_of_lowest

# Levels of confidence, and the share of outcomes beyond each. Both are written down: 1 - 0.95 is not 0.05.
TAILS = {0.95: 0.05, 0.99: 0.01}
# Fewer returns say little of any deviation.
LEAST = 60


class Loss(NamedTuple):
    """Value at risk, expected shortfall, and the part of each position in both [N]: parts sum to the whole.

    A part is the derivative by the position's value, times the value (Euler; Tasche 1999, Risk Contributions and
    Performance Measurement): what the position loses where the whole loses just its VaR, or is beyond it on average.
    """

    var: float
    cvar: float
    var_parts: Floats
    cvar_parts: Floats


def least(tail: float) -> int:
    """Returns without which no figure of a tail is told: `LEAST`, and one beyond the tail: 1 / tail."""
    return max(LEAST, math.ceil(1.0 / tail))


def historical(returns: Floats, values: Floats, tail: float) -> Loss:
    """Losses of the present positions on each day of the past.

    With p the gains `returns @ values` in ascending order: VaR = -(quantile `tail` of p, linear interpolation at place
    tail (T - 1)), and the shortfall is -(mean of the lowest int(tail (T - 1)) + 1 of p): the conventions of `var_95`
    and `cvar_95` of `engine.metrics`, with the sign of a loss. Parts are those of the days that count; of VaR these are
    one or two, so its parts are rough. (McNeil, Frey and Embrechts 2015, Quantitative Risk Management, ch. 2, 9.)

    Args:
        returns: simple returns [T, N].
        values: of the positions, negative where short [N].
        tail: a share, as of `TAILS`.
    """
    _require(returns, values)
    gains = returns @ values
    order = np.argsort(gains, kind="stable")
    place = tail * (len(gains) - 1)
    first = int(place)
    worst, two = order[: first + 1], order[[first, min(first + 1, len(order) - 1)]]
    below, above = gains[two]
    days = returns[two[0]] + (returns[two[1]] - returns[two[0]]) * (place - first)
    return Loss(
        var=float(-(below + (above - below) * (place - first))),
        cvar=-mean_of_lowest(gains, first + 1, float(below)),
        var_parts=-days * values,
        cvar_parts=-returns[worst].mean(axis=0) * values,
    )


def parametric(returns: Floats, values: Floats, tail: float) -> Loss:
    """Losses under a normal distribution of mean 0 and the covariance C of the returns (sample, ddof 1).

    sigma = sqrt(w'Cw), VaR = -z sigma and shortfall = sigma phi(z) / tail with z = Phi^-1(tail); parts of either are
    w_i (Cw)_i / sigma times the same. (McNeil, Frey and Embrechts 2015, ch. 2 and 8.) The mean is
    taken as 0, as a mean of days is small and mostly error (J.P. Morgan 1996, RiskMetrics Technical Document, ch. 5).
    Without any variance everything is 0.
    """
    _require(returns, values)
    centred = returns - returns.mean(axis=0)
    gains = centred @ values
    sigma = math.sqrt(float(gains @ gains) / (len(gains) - 1))
    if sigma == 0.0:
        return Loss(0.0, 0.0, *np.zeros((2, len(values))))
    z = ndtri(tail)
    beyond = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / tail
    share = values * (gains @ centred) / (len(gains) - 1) / sigma  # w_i (Cw)_i / sigma
    return Loss(var=-z * sigma, cvar=beyond * sigma, var_parts=-z * share, cvar_parts=beyond * share)


def _require(returns: Floats, values: Floats) -> None:
    if returns.ndim != 2 or len(returns) < 2 or values.shape != returns.shape[1:]:
        raise ValueError(f"Returns of shape {returns.shape} do not go with positions of shape {values.shape}.")
    if not (np.isfinite(returns).all() and np.isfinite(values).all()):
        raise ValueError("Returns and positions must be finite.")
