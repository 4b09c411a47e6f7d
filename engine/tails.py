"""Both tails of many returns, without sorting what lies between them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.bars import Floats
from engine.jit import jit

# Fewer returns are sorted at once. Of more, every so manieth (a prime, which no session's length is a multiple of) says
# where the tails begin. They are taken longer than they should be, by three standard errors of a sample's quantile.
MANY = 512
_STRIDES = 7, 251
_MANY_TO_SAMPLE = 32_768
_ERRORS = 3.0


class Tails(NamedTuple):
    """5th and 95th percentile of returns (linear interpolation), and the mean of the lowest int(0.05 (T - 1)) + 1."""

    low: float
    high: float
    shortfall: float


@jit
def gather(returns: Floats, low: float, high: float, lowest: Floats, highest: Floats) -> tuple[int, int]:
    """Copy returns up to `low` and those from `high` on; says how many there are.

    Each is written behind the last one that counts, and counts or not: there is no branch to be guessed wrong.
    """
    below = above = 0
    for t in range(returns.shape[0]):
        value = returns[t]
        lowest[below] = value
        below += 1 if value <= low else 0
        highest[above] = value
        above += 1 if value >= high else 0
    return below, above


def tails_of(returns: Floats) -> Tails:
    """Both tails of returns."""
    last = len(returns) - 1
    low, high = 0.05 * last, 0.95 * last
    lowest, highest = _ends(returns)
    first = len(returns) - len(highest)  # the place of the first of the highest among all
    if len(lowest) < int(low) + 2 or int(high) < first:
        lowest = highest = np.sort(returns)
        first = 0
    elif first > 0:
        _arrange(highest, int(high) - first)
    return Tails(_at(lowest, low), _at(highest, high - first), float(lowest[: int(low) + 1].mean()))


def _ends(returns: Floats) -> tuple[Floats, Floats]:
    """The lowest returns in order, the highest in any: as a rule enough of each. Where there are few, all in order."""
    if len(returns) < MANY:
        ordered = np.sort(returns)
        return ordered, ordered
    sample = np.sort(returns[:: _STRIDES[len(returns) >= _MANY_TO_SAMPLE]])
    count = int(0.05 * len(sample) + _ERRORS * math.sqrt(0.05 * 0.95 * len(sample)))
    lowest, highest = np.empty((2, len(returns)))
    below, above = gather(returns, float(sample[count]), float(sample[-1 - count]), lowest, highest)
    return np.sort(lowest[:below]), highest[:above]


def _arrange(values: Floats, place: int) -> None:
    """Put the values at a place and behind it where they would be in order; few are sorted sooner than that."""
    if len(values) < MANY:
        values.sort()
    else:
        values.partition((place, place + 1))


def _at(ordered: Floats, place: float) -> float:
    """The value at a place between two of an ordered row, linearly."""
    first = int(place)
    below, above = ordered[first], ordered[min(first + 1, len(ordered) - 1)]
    return float(below + (above - below) * (place - first))
