"""What callers hand over, as the arrays that bars hold, or a refusal that says what it was instead."""

from __future__ import annotations

import numbers
import sys
import warnings
import weakref
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import BadData
from engine.jit import jit
from engine.parameters import LONGEST_NAME, shown

Floats: TypeAlias = NDArray[np.float64]
Times: TypeAlias = NDArray[np.datetime64]

# What a bar has: four prices, and the volume.
PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")
# Between these days a nanosecond fits into 64 bits.
FIRST, LAST = np.datetime64("1678-01-01"), np.datetime64("2262-01-01")
# Values that are looked at together, because a branch at each takes longer.
AT_ONCE = 256
_KINDS = {"b": "truths", "c": "complex numbers", "U": "text", "S": "bytes", "M": "times", "m": "durations"}


def floats(values: ArrayLike, name: str) -> Floats:
    """Numbers as a contiguous float64 array; what is masked is NaN.

    Raises:
        BadData: `bad_shape` for rows of different lengths, `bad_numbers` for what is no number, with the first one.
    """
    array = _array(values, name)
    kind = array.dtype.kind
    if kind == "O":
        array = _objects(array, name)
    elif kind not in "fiu":
        raise BadData(f"{name} holds {_KINDS.get(kind, 'records')}, expected numbers.", code="bad_numbers")
    with np.errstate(over="ignore"):  # a long double may become infinite, which is refused as such
        if isinstance(values, np.ma.MaskedArray):
            array = np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)
        return np.ascontiguousarray(array, dtype=np.float64)


def unshared(held: list[Any]) -> bool:
    """Whether the array that this list of one holds is held by nobody else, nor its memory: it need not be copied."""
    # One reference is the list's, or the view's whose memory it is, and one that of the question.
    if type(held[0]) is not np.ndarray or sys.getrefcount(held[0]) > 2 or weakref.getweakrefcount(held[0]):
        return False
    if held[0].base is None:
        return held[0].flags.owndata
    if type(held[0].base) is not np.ndarray or sys.getrefcount(held[0].base) > 2:
        return False
    return held[0].base.flags.owndata and not weakref.getweakrefcount(held[0].base)


@jit
def beyond(rows: Floats, most: float) -> int:
    """Number of the first value, counted row by row, whose size is above `most`; -1 without one."""
    flat = rows.reshape(rows.size)
    for first in range(0, flat.shape[0], AT_ONCE):
        some = flat[first : first + AT_ONCE]
        found = False
        for k in range(some.shape[0]):
            found |= abs(some[k]) > most
        if found:
            k = 0
            while not abs(some[k]) > most:
                k += 1
            return first + k
    return -1


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise BadData(f"{name} has rows of different lengths.", code="bad_shape") from error


def _objects(array: NDArray[Any], name: str) -> Floats:
    """Python numbers one by one: an object array may hold anything."""
    out = np.empty(array.size)
    for place, item in enumerate(array.ravel().tolist()):
        number = isinstance(item, numbers.Real | Decimal) and not isinstance(item, bool)
        try:
            out[place] = float(item) if number else np.nan
        except (OverflowError, ValueError):  # an integer of 400 digits, a signalling NaN
            number = False
        if not number:
            row = np.unravel_index(place, array.shape)[0] if array.ndim else 0
            raise BadData(f"{name} holds {_shown(item)} in row {row}, expected numbers.", code="bad_numbers")
    return out.reshape(array.shape)


def _shown(item: object) -> str:
    return f"the text '{item[:40]}'" if isinstance(item, str) else str(shown(item))


def times(values: ArrayLike) -> Times:
    """Times in UTC, datetime64[ns]: from datetime64, dates, datetimes (without a zone they are UTC) or ISO 8601 texts.

    numpy would wrap a year such as 2300 around without a word, and take a number for nanoseconds since 1970.
    """
    array = _array(values, "time")
    if array.dtype.kind == "O" and all(isinstance(item, str) for item in array.flat):
        array = array.astype(str)
    if array.dtype.kind == "O":
        array = np.array(
            [_moment(item, row) for row, item in enumerate(array.ravel().tolist())], dtype="datetime64[us]"
        )
    elif array.dtype.kind == "U":
        array = _parsed(array)
    if array.size == 0:
        array = array.astype("datetime64[ns]")
    if array.dtype.kind != "M":
        what = _KINDS.get(array.dtype.kind, "numbers")
        raise BadData(f"time holds {what}, expected datetime64, dates or ISO 8601 texts.", code="bad_time")
    beyond = (array < FIRST) | (array >= LAST)
    if beyond.any():
        raise BadData(f"{told(array[beyond][0])} is outside the years 1678 to 2261.", code="bad_time")
    return np.ascontiguousarray(array, dtype="datetime64[ns]")


def _moment(item: object, row: int) -> np.datetime64:
    if item is None:
        return np.datetime64("NaT")
    if isinstance(item, datetime) and item.tzinfo is not None:
        item = item.astimezone(UTC).replace(tzinfo=None)
    if not isinstance(item, date | np.datetime64):
        raise BadData(f"time holds {_shown(item)} in row {row}, expected a date or time.", code="bad_time")
    return np.datetime64(cast(Any, item), "us")


def _parsed(texts: NDArray[Any]) -> Times:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns of a time zone and drops it
            return texts.astype("datetime64")
    except (ValueError, UserWarning) as error:
        raise BadData(f"time holds a text that is no ISO 8601 time in UTC: {error}"[:200], code="bad_time") from error


def instant(said: np.datetime64) -> np.datetime64:
    """A time in nanoseconds; one beyond their range is before or after everything, as the range's own ends are."""
    found: np.datetime64 = min(max(said, FIRST), LAST).astype("datetime64[ns]")
    return found


def told(time: np.datetime64) -> str:
    """A time as errors say it."""
    return str(time.astype("datetime64[s]")).removesuffix("T00:00:00")


def names(symbols: Iterable[str]) -> tuple[str, ...]:
    """Names of symbols: different ones, at least one, each a text with something in it."""
    if isinstance(symbols, str) or not isinstance(symbols, Iterable):
        raise BadData(f"symbols must be a sequence of names, got {_shown(symbols)}.", code="bad_symbols")
    found = tuple(symbols)
    for name in found:
        if not isinstance(name, str) or not name:
            raise BadData(f"A symbol must be a name, got {_shown(name)}.", code="bad_symbols")
    if len(set(found)) != len(found) or not found:
        raise BadData("Symbols must be unique, and there must be at least one.", code="bad_symbols")
    return found


def cost_keys(keys: Sequence[str | None], symbols: tuple[str, ...]) -> tuple[str | None, ...]:
    """One key or None for each symbol."""
    if isinstance(keys, str) or not isinstance(keys, Sequence) or len(keys) not in (0, len(symbols)):
        raise BadData(f"cost_keys must be a key or None for each of the {len(symbols)} symbols.", code="bad_cost_keys")
    for symbol, key in zip(symbols, keys, strict=False):
        if key is not None and not (isinstance(key, str) and 1 <= len(key) <= LONGEST_NAME):
            raise BadData(
                f"The cost key of {symbol} must be a text of 1 to {LONGEST_NAME} characters.", code="bad_cost_keys"
            )
    return tuple(keys) or (None,) * len(symbols)
