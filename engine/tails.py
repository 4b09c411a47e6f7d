"""Both tails of returns, without putting in order what lies between them or beyond them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.bits import WORD, append_set_bits, equal_mask, flags_for, places_for, popcount
from engine.jit import inlined, jit
from engine.sums import AT_ONCE, BLOCK, LANES, total, whole

# Of as many returns or more, every so manieth (a prime, which no session's length is a multiple of) says between which
# two returns each percentile lies: as a rule, as those are three standard errors of a sample's quantile to either side.
MANY = 32_768
_STRIDE = 127
_ERRORS = 3.0
# Where a return lies: below, around the lower percentile, between the two, around the higher one, above.
BELOW, LOWER, MIDDLE, HIGHER, ABOVE = range(5)


class Tails(NamedTuple):
    """5th and 95th percentile of returns (linear interpolation), and the mean of the lowest int(0.05 (T - 1)) + 1."""

    low: float
    high: float
    shortfall: float


class Ends(NamedTuple):
    """Returns around both percentiles in order, and the places among them at or next below each percentile."""

    ordered: Floats
    low: int
    high: int


@inlined
def add_lower(some: Floats, rows: int, limit: float, room: Floats) -> None:
    """Add those of `rows` returns that are less to each lane's sum, and count them."""
    for k in range(min(LANES, some.shape[0])):
        added, count = room[0, k], room[1, k]
        for row in range(rows):
            value = some[row * LANES + k]
            added += value if value < limit else 0.0
            count += 1.0 if value < limit else 0.0
        room[0, k], room[1, k] = added, count


@jit
def beneath(returns: Floats, limit: float, room: Floats) -> tuple[float, int]:
    """Sum and number of the returns that are less. `room` is [2, LANES]."""
    count = returns.shape[0]
    room[:] = 0.0
    for first in range(0, whole(count), BLOCK):
        add_lower(returns[first : first + BLOCK], AT_ONCE, limit, room)
    for first in range(whole(count), count, LANES):
        add_lower(returns[first : first + LANES], 1, limit, room)
    return total(room[0]), int(total(room[1]))


@jit
def gather(
    returns: Floats,
    low: tuple[float, float],
    high: tuple[float, float],
    flags: NDArray[np.int8],
    places: NDArray[np.int32],
    near: Floats,
) -> tuple[int, int, int]:
    """Copy the returns from `low[0]` to `low[1]`, and those from `high[0]` to `high[1]`, which lie above, to `near`.

    Returns how many are below `low[0]`, how many below `high[0]`, and how many were copied. A flag says between which
    of the four a return lies; `flags` (of `flags_for(BLOCK)`) and `places` (of `places_for(BLOCK)`) are room.
    """
    below = beyond = count = 0
    for first in range(0, returns.shape[0], BLOCK):
        some = returns[first : first + BLOCK]
        flags[:] = MIDDLE
        for k in range(some.shape[0]):
            value = some[k]
            flags[k] = ABOVE - int(value < low[0]) - int(value <= low[1]) - int(value < high[0]) - int(value <= high[1])
        found = 0
        for at in range(0, some.shape[0], WORD):
            lower, higher = equal_mask(flags, at, LOWER), equal_mask(flags, at, HIGHER)
            below += popcount(equal_mask(flags, at, BELOW))
            beyond += popcount(higher) + popcount(equal_mask(flags, at, ABOVE))
            found = append_set_bits(lower | higher, at, found, places)
        for k in range(found):
            near[count + k] = some[places[k]]
        count += found
    return below, returns.shape[0] - beyond, count


def tails_of(returns: Floats) -> Tails:
    """Both tails of returns."""
    last = len(returns) - 1
    low, high = 0.05 * last, 0.95 * last
    ends = _ends(returns, int(low), int(high)) if len(returns) >= MANY else None
    ordered, first, second = ends or Ends(np.sort(returns), int(low), int(high))
    return Tails(
        low=_at(ordered, first, low - int(low)),
        high=_at(ordered, second, high - int(high)),
        shortfall=mean_of_lowest(returns, int(low) + 1, float(ordered[first])),
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
    below, under, count = gather(returns, lower, higher, flags_for(BLOCK), places_for(BLOCK), near)
    ordered = np.sort(near[:count])
    lows = int(np.searchsorted(ordered, lower[1], "right"))
    if not (below <= low < below + lows - 1 and under <= high < under + count - lows - 1):
        return None
    return Ends(ordered, low - below, lows + high - under)


def _at(ordered: Floats, first: int, beyond: float) -> float:
    """The value at a place between the `first` of an ordered row and the next one, linearly."""
    below, above = float(ordered[first]), float(ordered[min(first + 1, len(ordered) - 1)])
    return below + (above - below) * beyond
