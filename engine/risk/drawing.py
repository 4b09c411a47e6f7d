"""Returns of a day to come, drawn: Student's t for each instrument, joined by a Gaussian copula.

    historical(draw(returns, paths=20_000, seed=7), values, tail)

is the Monte Carlo counterpart of the other measures of `engine.risk.losses`.
"""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.montecarlo.chance import uniform, words

# Degrees of freedom that are tried, 6 % apart: what 500 returns can say of them is several times as wide.
DEGREES: Floats = np.geomspace(2.1, 100.0, 64)


def likelihoods(returns: Floats) -> Floats:
    """Log-likelihood of a row of returns [T] with variance at each of `DEGREES`.

    Student's t of mean 0 is scaled to variance 1, as in Bollerslev 1987 (A Conditionally Heteroskedastic Time Series
    Model for Speculative Prices and Rates of Return), and x are the returns less their mean over their deviation
    (population form): log L = T (lnGamma((n + 1) / 2) - lnGamma(n / 2) - ln(pi (n - 2)) / 2)
    - (n + 1) / 2 sum ln(1 + x^2 / (n - 2)).
    """
    squares = ((returns - returns.mean()) / returns.std()) ** 2
    gammas = np.array([math.lgamma((n + 1.0) / 2.0) - math.lgamma(n / 2.0) for n in DEGREES])
    spread = np.log1p(squares / (DEGREES[:, None] - 2.0)).sum(axis=1)
    constant = gammas - np.log(math.pi * (DEGREES - 2.0)) / 2.0
    found: Floats = len(returns) * constant - (DEGREES + 1.0) / 2.0 * spread
    return found


def degrees_of(returns: Floats) -> float:
    """The likeliest degrees of freedom of a row of returns [T]; without variance the most, which is nearly a normal."""
    place = np.argmax(likelihoods(returns)) if returns.std() > 0.0 else -1
    return float(DEGREES[place])


def draw(returns: Floats, *, paths: int, seed: int) -> Floats:
    """Returns of one day [paths, N], of mean 0.

    Each instrument has the sample deviation (ddof 1) of its returns and `degrees_of` them. The copula is Gaussian with
    the correlations of the normal scores Phi^-1(rank / (T + 1)), ties by their mean rank (McNeil, Frey and Embrechts
    2015, Quantitative Risk Management, ch. 7): positive semi-definite whatever T and N are. A Gaussian copula knows no
    dependence of the utmost tails; heavy tails are those of each instrument.

    The same arguments give the same bits on the same machine and versions of numpy and scipy.

    Args:
        returns: simple returns [T, N], finite, T >= 2.
        paths: how many days are drawn.
        seed: 0 <= seed < 2^64.
    """
    from scipy.special import ndtr, ndtri, stdtrit  # what reads only the other measures needs no scipy

    size = returns.shape[1]
    scores = ndtri(np.column_stack([_ranks(column) for column in returns.T]) / (len(returns) + 1))
    scores -= scores.mean(axis=0)
    lengths = np.sqrt((scores**2).sum(axis=0))
    root = np.linalg.qr(scores / np.where(lengths > 0.0, lengths, 1.0), mode="r")  # R'R is their correlation
    drawn = uniform(words(seed, 0, paths, size))[:, :size]
    normal = ndtri(np.maximum(drawn, 2.0**-54))[:, : len(root)] @ root
    degrees = np.array([degrees_of(column) for column in returns.T])
    scale = returns.std(axis=0, ddof=1) * np.sqrt((degrees - 2.0) / degrees)
    # The lower tail is exact where the upper one is 1 less a little: the distribution is symmetric.
    tails: Floats = np.copysign(stdtrit(degrees, ndtr(-np.abs(normal))), normal) * scale
    return tails


def _ranks(values: Floats) -> Floats:
    """Ranks from 1 on; of equal values their mean."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2.0)[place]
    return ranks
