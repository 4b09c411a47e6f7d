"""Both tails of returns, without putting in order what lies between them or beyond them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import jit
from engine.sums import LANES, total

# Of as many returns or more, every so manieth (a prime, which no session's length is a multiple of) says between which
# two returns each percentile lies: as a rule, as those are three standard errors of a sample's quantile to either side.
MANY = 32_768
_STRIDE = 127
_ERRORS = 3.0


class Tails(NamedTuple):
    """5th and 95th percentile of returns (linear interpolation), and the mean of the lowest int(0.05 (T - 1)) + 1."""

    low: float
    high: float
    shortfall: float


class Ends(NamedTuple):
    """Returns around each percentile, in order; `below` of all returns are less than those around the lower one,
    `under` less than those around the upper one.
    """

    low: Floats
    high: Floats
    below: int = 0
    under: int = 0


@jit
def beneath(returns: Floats, limit: float, room: Floats) -> tuple[float, int]:
    """Sum and number of the returns that are less. `room` is [2, LANES]."""
    room[:] = 0.0
    for first in range(0, returns.shape[0], LANES):
        some = returns[first : first + LANES]
        for k in range(some.shape[0]):
            room[0, k] += some[k] if some[k] < limit else 0.0
            room[1, k] += 1.0 if some[k] < limit else 0.0
    return total(room[0]), int(total(room[1]))


@jit
def gather(
    returns: Floats,
    low: tuple[float, float],
    high: tuple[float, float],
    room: Floats,
    marks: NDArray[np.bool_],
    near: Floats,
) -> tuple[int, int, int]:
    """Copy the returns from `low[0]` to `low[1]` and those from `high[0]` to `high[1]`, which lie above, to `near`.

    Returns how many are below `low[0]`, how many below `high[0]`, and how many were copied. Each is written behind the
    last one that counts, and counts or not: there is no branch to be guessed wrong. `room` is [2, LANES], `marks`
    [LANES].
    """
    room[:] = 0.0
    count = np.uint64(0)
    for first in range(0, returns.shape[0], LANES):
        some = returns[first : first + LANES]
        for k in range(some.shape[0]):
            value = some[k]
            room[0, k] += 1.0 if value < low[0] else 0.0
            room[1, k] += 1.0 if value < high[0] else 0.0
            marks[k] = ((value >= low[0]) & (value <= low[1])) | ((value >= high[0]) & (value <= high[1]))
        for k in range(some.shape[0]):
            near[count] = some[k]
            count += np.uint64(marks[k])
    return int(total(room[0])), int(total(room[1])), int(count)


def tails_of(returns: Floats) -> Tails:
    """Both tails of returns."""
    last = len(returns) - 1
    low, high = 0.05 * last, 0.95 * last
    ends = _ends(returns, int(low), int(high)) if len(returns) >= MANY else None
    if ends is None:
        ordered = np.sort(returns)
        ends = Ends(ordered, ordered)
    place = int(low) - ends.below
    return Tails(
        low=_at(ends.low, place, low - int(low)),
        high=_at(ends.high, int(high) - ends.under, high - int(high)),
        shortfall=mean_of_lowest(returns, int(low) + 1, float(ends.low[place])),
    )


def mean_of_lowest(returns: Floats, count: int, largest: float) -> float:
    """Mean of the lowest `count` returns, of which this is the largest.

    Whoever asks for it gets the same bits: the sum goes through the returns in time, however they were put in order.
    """
    less, fewer = beneath(returns, largest, np.empty((2, LANES)))
    return (less + largest * (count - fewer)) / count


def _ends(returns: Floats, low: int, high: int) -> Ends | None:
    """The returns around the percentiles of a sample, None where the sample has misled."""
    sample = np.sort(returns[::_STRIDE])
    last = len(sample) - 1
    error = _ERRORS * math.sqrt(0.05 * 0.95 * last)
    first, stop = int(0.05 * last - error), math.ceil(0.05 * last + error)
    lower, higher = (sample[first], sample[stop]), (sample[last - stop], sample[last - first])
    if not lower[1] < higher[0]:
        return None
    near = np.empty(len(returns))
    below, under, count = gather(returns, lower, higher, np.empty((2, LANES)), np.empty(LANES, np.bool_), near)
    is_low = near[:count] <= lower[1]
    lowest, highest = near[:count][is_low], near[:count][~is_low]
    if not (below <= low < below + len(lowest) - 1 and under <= high < under + len(highest) - 1):
        return None
    return Ends(np.sort(lowest), np.sort(highest), below, under)


def _at(ordered: Floats, first: int, beyond: float) -> float:
    """The value at a place between the `first` of an ordered row and the next one, linearly."""
    below, above = ordered[first], ordered[min(first + 1, len(ordered) - 1)]
    return float(below + (above - below) * beyond)
