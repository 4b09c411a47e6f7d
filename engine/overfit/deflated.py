"""What the best of many tries is worth: the Sharpe ratio that luck alone would have found, and what is left above it.

Bailey and Lopez de Prado (2014), The deflated Sharpe ratio: correcting for selection bias, backtest overfitting and
non-normality. Ratios and their variance are per bar throughout.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import InvalidInput
from engine.overfit.normal import ndtri
from engine.overfit.series import columns, spread
from engine.overfit.sharpe import Shape, probabilistic_sharpe


def expected_maximum_sharpe(variance_per_bar: float, trials: float) -> float:
    """Sharpe ratio per bar to be expected of the best of so many independent trials that are all worth nothing.

    sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), g the Euler-Mascheroni constant, V the variance of the
    trials' ratios per bar: equation 1. The closed form is that of large N: it is 8 % too low for 2 trials and 2 to 3 %
    too high for 5 to 20. Below 1.6 trials, where it is negative, and so for a single trial: 0, nothing was picked.
    N may be a fraction (`effective_trials`).

    Raises:
        InvalidInput: `bad_trials` for less than one trial or a variance that is negative or not a number.
    """
    if not trials >= 1.0 or not variance_per_bar >= 0.0:
        raise InvalidInput(
            f"{trials} trials with a variance of {variance_per_bar} between them: there is at least one trial, and "
            "a variance is not negative.",
            code="bad_trials",
            given={"trials": trials, "variance": variance_per_bar},
        )
    # Phi^-1(1 - p) = -Phi^-1(p), which does not lose the digits of a small p.
    normal = -(1.0 - np.euler_gamma) * ndtri(1.0 / trials) - np.euler_gamma * ndtri(1.0 / (trials * math.e))
    return math.sqrt(variance_per_bar) * max(float(normal), 0.0)


def deflated_sharpe(found: Shape, variance_per_bar: float, trials: float) -> float | None:
    """`probabilistic_sharpe` of the best trial against `expected_maximum_sharpe`: equation 2.

    With one trial, and where all trials have the same ratio, nothing is deducted: the probability is that of a ratio
    above 0. None as `probabilistic_sharpe`.
    """
    benchmark = expected_maximum_sharpe(variance_per_bar, trials)
    return probabilistic_sharpe(*found, benchmark_per_bar=benchmark)


def effective_trials(trials: int, mean_correlation: float) -> float:
    """How many independent trials so many correlated ones are like: rho + (1 - rho) N, rho between 0 and 1.

    Bailey and Lopez de Prado (2014), appendix 3. A negative rho counts as 0. The variance measured
    between trials that are alike is smaller by 1 - rho already, so that fewer trials with this variance expect less
    than luck finds where any two correlate by rho. `statistics` therefore counts every trial; of mere copies that
    expects too much, which errs on the safe side.
    """
    rho = min(max(mean_correlation, 0.0), 1.0)
    return rho + (1.0 - rho) * trials


def mean_correlation(returns: ArrayLike) -> float | None:
    """Mean correlation between different columns of returns [T, n], those without variance left out. None below two.

    (mean_t (sum_i z_ti)^2 - n) / (n (n - 1)), z the standardised returns: no matrix [n, n] is made.
    """
    values = columns(returns, "returns")
    if not values.size:
        return None
    mean, deviation = spread(values)
    varies = deviation > 0.0
    count = int(varies.sum())
    if count < 2:
        return None
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies)
    together = values @ scale - mean @ scale
    return (float((together * together).mean()) - count) / (count * (count - 1.0))
