"""Is the best of many strategies better than nothing? White's reality check and Hansen's test.

White (2000), A reality check for data snooping, Econometrica 68; Hansen (2005), A test for superior predictive
ability, Journal of Business and Economic Statistics 23. Both ask how often the best of all strategies would be as good
as it was if none were better than the benchmark, in resamples of the bars that keep all strategies beside each other,
so that it counts how alike they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from engine.blocks import optimal_block
from engine.intake import Floats
from engine.overfit.bootstrap import stationary_draws
from engine.overfit.series import columns, spread

# So many numbers of a transform are in memory at a time.
_CELLS = 1 << 20


class Snooping(NamedTuple):
    """p values: Hansen's `consistent` one with its `lower` and `upper` bounds, and White's `reality_check`.

    The lower one takes all strategies with a loss for hopeless, the upper one takes none for it, and the consistent one
    those that lost too much for their length. White's compares means without regard to their errors.
    """

    lower: float
    consistent: float
    upper: float
    reality_check: float
    block_length: float
    replications: int


def superior_ability(
    excess: ArrayLike, rng: np.random.Generator, *, block_length: float | None = None, replications: int = 1000
) -> Snooping | None:
    """p values of no strategy being better than the benchmark, by the stationary bootstrap.

    Args:
        excess: returns above those of the benchmark [T, n]; the returns themselves where it is to earn nothing.
        rng: seeded, `Generator(Philox(seed))`; the same one gives the same figures.
        block_length: mean, in bars. By default `optimal_block` of the strategy with the highest Sharpe ratio.
        replications: resamples. A p value is (1 + those as good as the sample) / (1 + replications), never 0.

    None below 3 bars, or where no strategy varies.
    """
    values = columns(excess, "excess")
    if len(values) < 3 or not values.size:
        return None
    mean, deviation = spread(values)
    varies = deviation > 0.0
    if not varies.any():
        return None
    if block_length is None:
        ratios = np.divide(mean, deviation, out=np.full_like(mean, -np.inf), where=varies)
        block_length = optimal_block(values[:, ratios.argmax()])
    return from_draws(values, stationary_draws(len(values), block_length, replications, rng), block_length)


def from_draws(excess: Floats, draws: Iterable[Floats], block_length: float) -> Snooping:
    """The p values of given resamples: how often each bar was drawn, in batches [b, T].

    The statistic is max(0, max_k sqrt(T) d_k / w_k), d_k the mean and w_k^2 = T var(mean) under the bootstrap (Hansen's
    sections 2 and 3; `bootstrap_variance`). A resample's is that of its means less d_k where the
    strategy counts: where d_k > 0 (lower), where sqrt(T) d_k / w_k >= -sqrt(2 log log T) (consistent), always (upper).
    White's is max_k (d*_k - d_k) against max_k d_k. A strategy without variance never traded: it is left out.
    """
    bars = len(excess)
    mean, deviation = spread(excess)
    varies = deviation > 0.0
    if not varies.all():
        excess, mean = excess[:, varies], mean[varies]
    error = np.sqrt(bootstrap_variance(excess, block_length))
    mean = mean / error
    hopeless = mean * math.sqrt(bars) < -math.sqrt(2.0 * math.log(math.log(bars)))
    centres = (np.maximum(mean, 0.0), np.where(hopeless, 0.0, mean), mean)
    observed = np.append(np.full(3, max(0.0, float(mean.max()))), (mean * error).max())
    as_good, total = np.zeros(4), 0
    for counts in draws:
        means = counts @ excess / (bars * error)
        best = [np.maximum((means - centre).max(axis=1), 0.0) for centre in centres]
        best.append(((means - mean) * error).max(axis=1))
        as_good += (np.array(best) >= observed[:, None]).sum(axis=1)
        total += len(counts)
    lower, consistent, upper, check = ((1.0 + as_good) / (1.0 + total)).tolist()
    return Snooping(lower, consistent, upper, check, block_length, total)


def bootstrap_variance(values: Floats, block_length: float) -> Floats:
    """T times the variance of each column's mean under the stationary bootstrap [n], exactly.

    sum_i k_i c_i, c_i the autocovariance on a circle at lag i = 0 .. T - 1 and, with q = 1 - 1 / block_length,
    k_i = (1 - i/T) q^i + (i/T) q^(T - i): Politis and Romano (1994), lemma 1.
    """
    bars, strategies = values.shape
    lags = np.arange(bars)
    stay = 1.0 - 1.0 / block_length
    kernel = (1.0 - lags / bars) * stay**lags + lags / bars * stay ** (bars - lags)
    variance = np.empty(strategies)
    step = max(1, _CELLS // bars)
    for first in range(0, strategies, step):
        part = values[:, first : first + step]
        power = np.abs(np.fft.rfft(part - part.mean(axis=0), axis=0)) ** 2
        variance[first : first + step] = kernel @ np.fft.irfft(power, bars, axis=0) / bars
    return variance
