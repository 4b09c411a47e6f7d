"""What no bars may be: times out of order, prices that cannot be. Each refusal names the symbol and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadData
from engine.intake import FIELDS, PRICES, Times, told

if TYPE_CHECKING:
    from engine.bars import Bars

# Prices outside are mistakes, and units or money would leave the range of a float.
SMALLEST_PRICE, LARGEST_PRICE = 1e-30, 1e30


def check(bars: Bars) -> None:
    """Raise BadData, naming symbol and time, for what bars must not be."""
    check_form(bars)
    _check_time(bars.time)
    _check_prices(bars)


def check_form(bars: Bars) -> None:
    """Raise BadData where arrays do not fit together; no price is looked at."""
    shape = (len(bars.time), len(bars.symbols))
    if bars.time.ndim != 1:
        raise BadData(f"time has shape {bars.time.shape}, expected one time per bar.", code="bad_shape")
    for name in FIELDS:
        if getattr(bars, name).shape != shape:
            raise BadData(f"{name} has shape {getattr(bars, name).shape}, expected {shape}.", code="bad_shape")
    if len(bars) < 2:
        raise BadData(f"At least 2 bars are needed, there are {len(bars)}.", code="not_enough_bars")


def _check_time(time: Times) -> None:
    if np.isnat(time).any():
        raise BadData(f"Bar {int(np.argmax(np.isnat(time)))} has no time.", code="bad_time")
    late = np.diff(time) <= np.timedelta64(0, "ns")
    if late.any():
        at = int(np.argmax(late)) + 1
        what = "twice" if time[at] == time[at - 1] else "out of order"
        raise BadData(f"{told(time[at])} comes {what}.", code="bad_time")


def _check_prices(bars: Bars) -> None:
    known = np.isfinite(bars.close)
    prices = (bars.open, bars.high, bars.low, bars.close)
    if not known.all() or not all(np.isfinite(values).all() for values in prices):
        for name, values in zip(PRICES, prices, strict=True):
            refuse(bars, np.isinf(values), f"has an infinite {name}", "bad_ohlc")
            refuse(bars, np.isfinite(values) != known, f"has only a part of its prices ({name})", "bad_ohlc")
    for name, values in zip(PRICES, prices, strict=True):
        refuse(bars, values <= 0.0, f"has a {name} that is not positive", "non_positive_price")
        out_of_range = (values < SMALLEST_PRICE) | (values > LARGEST_PRICE)
        refuse(bars, out_of_range, f"has a {name} that is too small or too large to be a price", "bad_ohlc")
    if bars.close_only:
        other = known & ((bars.open != bars.close) | (bars.high != bars.close) | (bars.low != bars.close))
        refuse(bars, other, "has more than a close, though the bars are said to hold only closes", "bad_ohlc")
    else:
        above = np.maximum(bars.open, bars.close)
        below = np.minimum(bars.open, bars.close)
        refuse(bars, bars.high < np.maximum(above, bars.low), "has a high below its other prices", "bad_ohlc")
        refuse(bars, bars.low > below, "has a low above its other prices", "bad_ohlc")
    bad_volume = (bars.volume < 0.0) | np.isinf(bars.volume)
    refuse(bars, bad_volume, "has a volume that is negative or infinite", "bad_volume")


def refuse(bars: Bars, wrong: NDArray[np.bool_], what: str, code: str) -> None:
    """Raise BadData about the first bar that is wrong."""
    if wrong.any():
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise BadData(f"{bars.symbols[column]} {what} at {told(bars.time[row])}.", code=code)
