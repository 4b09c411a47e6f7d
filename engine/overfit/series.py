"""What the statistics are given: finite numbers, in one column or in several.

A return that is not a number is refused rather than left out: a series with holes has another length, and every
statistic here depends on the length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import BadData
from engine.intake import Floats, floats

# No return is as large; its fourth power would not be a number.
_FAR = 1e60
# So many numbers are worked on at a time.
_CELLS = 1 << 18


def column(values: ArrayLike, name: str) -> Floats:
    """Returns of one strategy [T].

    Raises:
        BadData: `bad_shape`, or `bad_numbers` with the first row that holds NaN or what is no return.
    """
    return _finite(floats(values, name), name, 1, "one number per bar")


def columns(values: ArrayLike, name: str) -> Floats:
    """Returns of several strategies [T, n]. Raises as `column`."""
    return _finite(floats(values, name), name, 2, "one row per bar and one column per trial")


def spread(values: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (ddof 0) of each column [n]; exactly 0 for one that is constant but for rounding.

    A few rows at a time: no second matrix as large as the first.
    """
    bars = len(values)
    mean = values.mean(axis=0)
    squares = np.zeros_like(mean)
    step = max(1, _CELLS // values.shape[1])
    for first in range(0, bars, step):
        centred = values[first : first + step] - mean
        np.multiply(centred, centred, out=centred)
        squares += centred.sum(axis=0)
    deviation = np.sqrt(squares / bars)
    size = np.maximum(1.0, np.maximum(values.max(axis=0), -values.min(axis=0)))
    return mean, np.where(deviation > 1e-15 * size, deviation, 0.0)


def _finite(array: Floats, name: str, dimensions: int, expected: str) -> Floats:
    if array.ndim != dimensions:
        raise BadData(f"{name} has shape {array.shape}, expected {expected}.", code="bad_shape")
    # No array of truths as long as the data, unless there is something to tell.
    if array.size and not (array.min() >= -_FAR and array.max() <= _FAR):
        place = tuple(np.argwhere(~(np.abs(array) <= _FAR))[0])
        raise BadData(f"{name} holds {array[place]} in row {place[0]}, expected finite returns.", code="bad_numbers")
    return array
