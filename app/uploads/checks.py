"""What no row of an upload may be. Each refusal names the row and the column."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.uploads.figures import Rows
from app.uploads.refusals import cell
from engine.bars import Floats, Times
from engine.checks import LARGEST_PRICE, SMALLEST_PRICE
from engine.intake import PRICES, told


def price(values: Floats, column: str, row: Rows) -> None:
    """A price is positive and within the range of prices."""
    low = values <= 0.0
    if low.any():
        at = int(np.argmax(low))
        raise cell("a price must be positive.", "non_positive_price", row(at), column, values[at])
    beyond = (values < SMALLEST_PRICE) | (values > LARGEST_PRICE)
    if beyond.any():
        at = int(np.argmax(beyond))
        raise cell("too small or too large to be a price.", "bad_ohlc", row(at), column, values[at])


def volume(values: Floats, column: str, row: Rows) -> None:
    low = values < 0.0
    if low.any():
        at = int(np.argmax(low))
        raise cell("a volume must not be negative.", "bad_volume", row(at), column, values[at])


def bars(values: Mapping[str, Floats], names: Mapping[str, str], row: Rows) -> None:
    """High and low enclose the bar, and a bar has all of its prices or none."""
    if "open" not in values:
        return
    first, high, low, close = (values[name] for name in PRICES)
    known = ~np.isnan(close)
    for name in (*PRICES, *(["adj_close"] if "adj_close" in values else [])):
        partial = np.isnan(values[name]) == known
        if partial.any():
            at = int(np.argmax(partial))
            which = name if known[at] else "close"
            raise cell("the bar has only a part of its prices.", "bad_ohlc", row(at), names[which])
    beside = (("low", low), ("open", first), ("close", close))
    for name, other in beside:
        under = high < other
        if under.any():
            at = int(np.argmax(under))
            raise cell(f"the high is below the {name} {other[at]:g}.", "bad_ohlc", row(at), names["high"], high[at])
    for name, other in beside[1:]:
        over = low > other
        if over.any():
            at = int(np.argmax(over))
            raise cell(f"the low is above the {name} {other[at]:g}.", "bad_ohlc", row(at), names["low"], low[at])


def once(times: Times, symbols: np.ndarray | None, column: str, row: Rows) -> bool:
    """Whether the rows are sorted by time (within each symbol). Raises InvalidInput for a time that comes twice."""
    keys = (times,) if symbols is None else (times, symbols)
    order = np.lexsort(keys)
    same = np.diff(times[order]) == np.timedelta64(0, "ns")
    if symbols is not None:
        same &= np.diff(symbols[order]) == 0
    if same.any():
        first = int(np.argmax(same))
        one, other = (row(int(order[at])) for at in (first, first + 1))
        raise cell(
            f"the same time{'' if symbols is None else ' and symbol'} as in row {one}.",
            "duplicate_bar",
            other,
            column,
            told(times[order[first]]),
        )
    rising = order if symbols is None else order[np.argsort(symbols[order], kind="stable")]
    by_time = symbols is None or bool((np.diff(times) >= np.timedelta64(0, "ns")).all())
    return bool((np.diff(rising) > 0).all()) or (symbols is not None and by_time)


def event_once(dates: Times, calendars: np.ndarray, column: str, row: Rows) -> None:
    """A calendar has a day once. Raises InvalidInput for one that comes twice."""
    days = dates.astype("datetime64[D]")
    order = np.lexsort((days, calendars))
    same = (np.diff(days[order]).astype(np.int64) == 0) & (np.diff(calendars[order]) == 0)
    if same.any():
        first = int(np.argmax(same))
        one, other = (row(int(order[at])) for at in (first, first + 1))
        raise cell(f"the same calendar and day as in row {one}.", "duplicate_event", other, column, days[order[first]])
