"""Ways to split an account over sleeves: each is one function from a sample of their returns to shares that sum to 1.

A new way is one more function here: the API, its schema and the checks take its name from `ALLOCATIONS`. All are long
only. None sees a sleeve without variance, which has no risk to be measured (`estimate`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import RunFailed
from engine.intake import Floats
from engine.portfolio.algebra import budget, least_pivot, moments, smallest_quadratic

# A sleeve whose returns deviate by less stood still: what is left is rounding.
STILL = 1e-12
# Correlations whose elimination meets a smaller pivot are singular, and moved so far towards none at all.
SINGULAR, SHRUNK = 1e-8, 1e-3
_SWEEPS = 100_000


class Sample:
    """Returns [T, S] of sleeves that all moved, T > 1. `cap` is the largest share; `notes` what had to be done."""

    def __init__(self, returns: Floats, cap: float = 1.0) -> None:
        self.cap = cap
        self.notes: set[str] = set()
        size = returns.shape[1]
        self.mean, self.covariance = np.empty(size), np.empty((size, size))
        moments(np.ascontiguousarray(returns), self.mean, self.covariance)

    @cached_property
    def deviation(self) -> Floats:
        """Sample standard deviations [S]."""
        return np.sqrt(np.diagonal(self.covariance))

    @cached_property
    def correlation(self) -> Floats:
        """Correlations [S, S] with ones on the diagonal."""
        found: Floats = self.covariance / np.outer(self.deviation, self.deviation)
        np.fill_diagonal(found, 1.0)
        return found

    @cached_property
    def regular(self) -> Floats:
        """The correlations, shrunk towards none where they are singular: fewer sessions than sleeves, or twins."""
        if least_pivot(self.correlation) > SINGULAR:
            return self.correlation
        self.notes.add("singular")
        found = (1.0 - SHRUNK) * self.correlation
        np.fill_diagonal(found, 1.0)
        return found


Allocation: TypeAlias = Callable[[Sample], Floats]
ALLOCATIONS: dict[str, Allocation] = {}


def allocation(function: Allocation) -> Allocation:
    """Offer a way to split under the name of its function."""
    ALLOCATIONS[function.__name__] = function
    return function


@allocation
def inverse_volatility(sample: Sample) -> Floats:
    """Shares in proportion to 1 / standard deviation."""
    return _whole(1.0 / sample.deviation)


@allocation
def risk_parity(sample: Sample) -> Floats:
    """Equal risk contributions: x_i (Cov x)_i is the same for all (Maillard, Roncalli and Teiletche, 2010)."""
    sizes = np.ones(len(sample.mean))
    if not budget(sample.regular, sizes, _SWEEPS):
        raise RunFailed("Equal risk contributions were not found: the solver did not end.", code="no_convergence")
    return _whole(sizes / sample.deviation)


@allocation
def min_variance(sample: Sample) -> Floats:
    """The least variance: min x' Cov x with sum x = 1 and 0 <= x <= cap."""
    size = len(sample.mean)
    rows, bounds = _box(size, sample.cap)
    return _whole(np.clip(smallest_quadratic(_scaled(sample), np.ones(size), rows, bounds), 0.0, sample.cap))


@allocation
def max_sharpe(sample: Sample) -> Floats:
    """The most mean / deviation, with sum x = 1 and 0 <= x <= cap.

    By the substitution of Cornuejols and Tütüncü: the y of least y' Cov y with mean.y = 1, of which x is y / sum y.
    Where no such x has a positive mean there is nothing to maximise: then it is `min_variance`, and `notes` says so.
    """
    if _most_mean(sample) <= 0.0:
        sample.notes.add("no_gain")
        return min_variance(sample)
    rows = np.eye(len(sample.mean))
    if sample.cap < 1.0:
        rows = np.vstack([rows, sample.cap - rows])
    found = smallest_quadratic(_scaled(sample), sample.mean / sample.mean.max(), rows, np.zeros(len(rows)))
    return _whole(np.maximum(found, 0.0))


@allocation
def hrp(sample: Sample) -> Floats:
    """Hierarchical risk parity (López de Prado, Building Diversified Portfolios that Outperform Out of Sample, 2016).

    Distances sqrt((1 - correlation) / 2), single linkage, leaves in the order in which the tree is walked through (the
    left branch of each merger first, as scipy makes them); the row of leaves is halved again and again, and two halves
    share in inverse proportion to their variances, each that of its inverse-variance weights.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage  # what only reads the names of allocations needs no scipy

    size = len(sample.mean)
    shares = np.ones(size)
    if size == 1:
        return shares
    distance = np.sqrt(np.clip((1.0 - sample.correlation) / 2.0, 0.0, 1.0))
    clusters = [leaves_list(linkage(distance[np.triu_indices(size, 1)], "single")).tolist()]
    while clusters:
        halves = []
        for leaves in clusters:
            one, other = leaves[: len(leaves) // 2], leaves[len(leaves) // 2 :]
            risk, beside = _variance(sample.covariance, one), _variance(sample.covariance, other)
            shares[one] *= 1.0 - risk / (risk + beside)
            shares[other] *= risk / (risk + beside)
            halves += [part for part in (one, other) if len(part) > 1]
        clusters = halves
    return _whole(shares)


class Estimate(NamedTuple):
    """Shares [S] that sum to 1, which sleeves stood still [S], and what else had to be done."""

    shares: Floats
    still: NDArray[np.bool_]
    notes: set[str]


def estimate(name: str, returns: Floats, cap: float = 1.0) -> Estimate:
    """The shares that an allocation finds in these returns [T, S].

    A sleeve that stood still has no risk to be measured: it keeps an equal share, and the others split the rest. A
    trend follower that waits in cash has its part when it wakes up, and no part of anybody else's.
    """
    size = returns.shape[1]
    shares = np.full(size, 1.0 / size)
    everybody = Sample(returns)
    still = everybody.deviation <= STILL
    moved = int(size - still.sum())
    if not moved:
        return Estimate(shares, still, set())
    part = moved / size
    sample = everybody if moved == size else Sample(returns[:, ~still])
    sample.cap = min(1.0, cap / part)
    shares[~still] = ALLOCATIONS[name](sample) * part
    return Estimate(shares, still, sample.notes)


def _scaled(sample: Sample) -> Floats:
    """The covariance, of a size at which tolerances mean something: shares do not change with the unit of returns."""
    deviation = sample.deviation / sample.deviation.max()
    scaled: Floats = sample.regular * np.outer(deviation, deviation)
    return scaled


def _box(size: int, cap: float) -> tuple[Floats, Floats]:
    """0 <= x <= cap as rows x >= bounds."""
    rows, bounds = np.eye(size), np.zeros(size)
    if cap >= 1.0:
        return rows, bounds
    return np.vstack([rows, -rows]), np.append(bounds, np.full(size, -cap))


def _most_mean(sample: Sample) -> float:
    """The largest mean that any shares within the cap have."""
    left, most = 1.0, 0.0
    for mean in sorted(sample.mean.tolist(), reverse=True):
        taken = min(left, sample.cap)
        most += taken * mean
        left -= taken
    return most


def _variance(covariance: Floats, chosen: list[int]) -> float:
    """Variance of some sleeves in inverse proportion to their own."""
    part = covariance[np.ix_(chosen, chosen)]
    weights = _whole(1.0 / np.diagonal(part))
    return float((np.outer(weights, weights) * part).sum())


def _whole(sizes: Floats) -> Floats:
    """Sizes scaled to sum to 1."""
    whole: Floats = sizes / sizes.sum()
    return whole
