"""What every indicator does with its arguments: check them, line them up, and run a kernel over them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.intake import beyond

# The largest finite number.
LARGEST = float(np.finfo(np.float64).max)


def run(kernel: Callable[..., None], values: Floats, *arguments: Any, infinite: bool = False) -> Floats:
    """Fill an array of the same shape by `kernel(rows, *arguments, out)`; [T] counts as [T, 1].

    Raises:
        InvalidInput: when there is an infinite value, unless `infinite` says that the kernel only compares.
    """
    rows = as_rows(values)
    if not infinite and (first := beyond(rows, LARGEST)) >= 0:
        row = first // rows.shape[1]
        raise InvalidInput(f"An indicator takes numbers and NaN; row {row} holds an infinite value.")
    out = np.empty(rows.shape)
    kernel(rows, *arguments, out)
    return out.reshape(np.shape(values))


def as_rows(values: ArrayLike) -> Floats:
    """The values as the one type of array that kernels are compiled for: [T, N], contiguous, read-only."""
    array = np.asarray(values, dtype=np.float64, order="C")
    if array.ndim not in (1, 2):
        raise InvalidInput(f"An indicator takes values [T] or [T, N], given the shape {array.shape}.")
    rows = array.view() if array.ndim == 2 else array.reshape(len(array), 1)
    rows.flags.writeable = False
    return rows


def together(*arrays: ArrayLike) -> tuple[Floats, ...]:
    """The arrays in one shape, NaN in all of them where one is: a row counts when everything is known.

    [T] and [T, 1] stand beside each of N columns, a number beside every value.
    """
    known = [np.asarray(values, dtype=np.float64) for values in arrays]
    wide = max(values.ndim for values in known)
    known = [values[:, None] if values.ndim == 1 and wide == 2 else values for values in known]
    shape = max((values.shape for values in known), key=lambda shape: (len(shape), math.prod(shape)))
    for values in known:
        if values.shape not in ((), shape, (shape[0], 1)):
            raise InvalidInput(f"Values of the shapes {shape} and {values.shape} do not stand beside each other.")
    missing = np.isnan(known[0])
    for values in known[1:]:
        missing = missing | np.isnan(values)
    if not missing.any():  # as they are: nobody writes into them
        return tuple(np.broadcast_to(values, shape) for values in known)
    return tuple(np.where(missing, np.nan, values) for values in known)


def positive_prices(*arrays: ArrayLike) -> tuple[Floats, ...]:
    """The arrays lined up by `together`, for a logarithm.

    Raises:
        InvalidInput: when a price is zero or negative.
    """
    prices = together(*arrays)
    for values in prices:
        if (values <= 0.0).any():
            raise InvalidInput(f"Logarithms need positive prices; row {_row(values <= 0.0)} holds another.")
    return prices


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """The quotient, NaN where the denominator is zero."""
    out = np.full(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0.0)
    return out


def whole(least: int, **named: int) -> None:
    """Refuse what is not a whole number of at least `least`."""
    for name, value in named.items():
        try:
            fits = operator.index(value) >= least
        except TypeError:
            fits = False
        if not fits:
            raise InvalidInput(f"{name} must be a whole number of at least {least}, given {value!r}.", given=value)


def positive(**named: float) -> None:
    """Refuse what is not a finite number above zero."""
    for name, value in named.items():
        if not (math.isfinite(value) and value > 0.0):
            raise InvalidInput(f"{name} must be a positive number, given {value!r}.", given=value)


def _row(found: NDArray[np.bool_]) -> int:
    return int(np.argwhere(found)[0][0])
