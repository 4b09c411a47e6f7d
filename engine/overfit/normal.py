"""The normal distribution, without a library that takes half a second to import."""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD = NormalDist()


def ndtr(value: float) -> float:
    """Phi(value) = erfc(-value / sqrt(2)) / 2: to a few units of the last digit, in the lower tail too."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))


def ndtri(probability: float) -> float:
    """Phi^-1(probability) for 0 < probability <= 1; infinite at 1."""
    return math.inf if probability == 1.0 else _STANDARD.inv_cdf(probability)
