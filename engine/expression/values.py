"""What expressions calculate with, and what has no name among the indicators.

A series is float64 [T, N], or [T, 1] for one column that stands beside every symbol; a number is a float. What is
missing or not defined (a quotient by zero, the logarithm of what is not positive, a value beyond the range of a
float) is NaN; there is no infinity. A truth is known to be so, known not to be so, or not known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import indicators
from engine.bars import Floats

Flags = NDArray[np.bool_]


class Truth(NamedTuple):
    """Where something is so and where it is not; elsewhere it is not known, and opens and closes nothing."""

    yes: Flags
    no: Flags


def finite(values: Any) -> Any:
    """The values, NaN for infinity."""
    wrong = np.isinf(values)
    return np.where(wrong, np.nan, values)[()] if wrong.any() else values


def comparison(test: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Truth]:
    """A comparison that is not known where one of its sides is not."""

    def compared(x: Any, y: Any) -> Truth:
        return known(test(x, y), x, y)

    return compared


def known(yes: Any, *inputs: Any) -> Truth:
    """A truth about inputs: it is not known where one of them is not."""
    missing = np.zeros((), dtype=bool)
    for values in inputs:
        missing = missing | np.isnan(values)
    return Truth(yes & ~missing, ~yes & ~missing)


def both(x: Truth, y: Truth) -> Truth:
    return Truth(x.yes & y.yes, x.no | y.no)


def either(x: Truth, y: Truth) -> Truth:
    return Truth(x.yes | y.yes, x.no & y.no)


def opposite(x: Truth) -> Truth:
    return Truth(x.no, x.yes)


def quotient(x: Any, y: Any) -> Any:
    return np.where(np.equal(y, 0.0), np.nan, np.divide(x, y))[()]


def smallest(*values: Any) -> Any:
    return _folded(np.minimum, values)


def largest(*values: Any) -> Any:
    return _folded(np.maximum, values)


def _folded(function: Callable[[Any, Any], Any], values: tuple[Any, ...]) -> Any:
    found = values[0]
    for item in values[1:]:
        found = function(found, item)
    return found


def chosen(condition: Truth, then: Any, otherwise: Any) -> Any:
    """`then` where the condition holds, `otherwise` where it does not, NaN where it is not known."""
    return np.where(condition.yes, then, np.where(condition.no, otherwise, np.nan))


def latched(on: Truth, off: Truth) -> Floats:
    """1 from each bar on which `on` is known to hold until the next with `off`."""
    return indicators.latch(*np.broadcast_arrays(on.yes, off.yes))


def rank(values: Floats) -> Floats:
    """Rank among the symbols that are known on the same bar, divided by their number: above 0 up to 1.

    (values below + (equal ones + 1) / 2) / known ones, as `percentile_rank` has it through time. NaN: skipped.
    """
    order = np.argsort(values, axis=1, kind="stable")  # NaN comes last
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    new = np.ones(values.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    last = np.ones(values.shape, dtype=bool)
    last[:, :-1] = new[:, 1:]
    first_equal = np.maximum.accumulate(np.where(new, places, 0), axis=1)
    beyond = np.where(last, places, values.shape[1])
    last_equal = np.minimum.accumulate(beyond[:, ::-1], axis=1)[:, ::-1]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, 0.5 * (first_equal + last_equal) + 1.0, axis=1)
    count = np.count_nonzero(~np.isnan(values), axis=1, keepdims=True)
    return np.where(np.isnan(values), np.nan, found / np.maximum(count, 1))
