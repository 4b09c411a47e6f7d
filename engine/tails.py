"""Both tails of many returns, without sorting what lies between them or beyond them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.bars import Floats
from engine.jit import jit
from engine.sums import LANES, total

# Fewer returns are sorted at once. Of more, every so manieth (a prime, which no session's length is a multiple of) says
# between which two returns each percentile lies: as a rule, as those are three standard errors of a sample's quantile
# to either side.
MANY = 512
_STRIDES = 7, 127
_MANY_TO_SAMPLE = 32_768
_ERRORS = 3.0
# Returns that are looked at together before any is copied, because most are not.
AT_ONCE = 8


class Tails(NamedTuple):
    """5th and 95th percentile of returns (linear interpolation), and the mean of the lowest int(0.05 (T - 1)) + 1."""

    low: float
    high: float
    shortfall: float


@jit
def gather(
    returns: Floats, low: tuple[float, float], high: tuple[float, float], room: Floats, ends: Floats
) -> tuple[float, int, int, int, int]:
    """Copy the returns from `low[0]` to `low[1]` and those from `high[0]` to `high[1]` into two rows of `ends`.

    Returns the sum of those below `low[0]`, how many these are, how many were copied, how many are below `high[0]`,
    and how many were copied there. Each is written behind the last one that counts, and counts or not: there is no
    branch to be guessed wrong. `room` is [3, LANES].
    """
    room[:] = 0.0
    few = many = 0
    for first in range(0, returns.shape[0], LANES):
        some = returns[first : first + LANES]
        for k in range(some.shape[0]):
            room[0, k] += some[k] if some[k] < low[0] else 0.0
            room[1, k] += 1.0 if some[k] < low[0] else 0.0
            room[2, k] += 1.0 if some[k] < high[0] else 0.0
        for start in range(0, some.shape[0], AT_ONCE):
            part = some[start : start + AT_ONCE]
            here = False
            for k in range(part.shape[0]):
                value = part[k]
                here |= ((value >= low[0]) & (value <= low[1])) | ((value >= high[0]) & (value <= high[1]))
            if here:
                for k in range(part.shape[0]):
                    value = part[k]
                    ends[0, few] = value
                    few += 1 if (value >= low[0]) & (value <= low[1]) else 0
                    ends[1, many] = value
                    many += 1 if (value >= high[0]) & (value <= high[1]) else 0
    return total(room[0]), int(total(room[1])), few, int(total(room[2])), many


class Ends(NamedTuple):
    """Returns in order around each percentile: `lowest`, `below` of all being less, which sum to `lost`, and `highest`,
    `under` being less.
    """

    lost: float
    below: int
    lowest: Floats
    under: int
    highest: Floats


def tails_of(returns: Floats) -> Tails:
    """Both tails of returns."""
    last = len(returns) - 1
    low, high = 0.05 * last, 0.95 * last
    ends = _ends(returns) if len(returns) >= MANY else None
    if ends is None or not (
        ends.below <= low < ends.below + len(ends.lowest) - 1
        and ends.under <= high < ends.under + len(ends.highest) - 1
    ):
        ordered = np.sort(returns)
        ends = Ends(0.0, 0, ordered, 0, ordered)
    worst = int(low) + 1
    return Tails(
        low=_at(ends.lowest, low - ends.below),
        high=_at(ends.highest, high - ends.under),
        shortfall=(ends.lost + float(ends.lowest[: worst - ends.below].sum())) / worst,
    )


def _ends(returns: Floats) -> Ends:
    """The returns around the percentiles of a sample."""
    sample = np.sort(returns[:: _STRIDES[len(returns) >= _MANY_TO_SAMPLE]])
    last = len(sample) - 1
    error = _ERRORS * math.sqrt(0.05 * 0.95 * last)
    first, stop = max(int(0.05 * last - error), 0), math.ceil(0.05 * last + error)
    low, high = (sample[first], sample[stop]), (sample[last - stop], sample[last - first])
    found = np.empty((2, len(returns)))
    lost, below, few, under, many = gather(returns, low, high, np.empty((3, LANES)), found)
    lowest, highest = found[0, :few], found[1, :many]
    lowest.sort()
    highest.sort()
    return Ends(lost, below, lowest, under, highest)


def _at(ordered: Floats, place: float) -> float:
    """The value at a place between two of an ordered row, linearly."""
    first = int(place)
    below, above = ordered[first], ordered[min(first + 1, len(ordered) - 1)]
    return float(below + (above - below) * (place - first))
