"""From a score to a decision: what macro strategies share. Everything is made of what was known by each bar.

Directions are of prices: LONG a rate instrument gains when its yield falls, LONG protection when the spread widens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine import indicators
from engine.bars import Bars, Floats
from engine.indicators.months import decided
from engine.intake import Times
from engine.panel import Calendar, Series
from engine.strategy import Decision

__all__ = [
    "ENDED",
    "breakeven",
    "change",
    "clipped",
    "decide",
    "entry_size",
    "first_vintages",
    "has_calendar",
    "modified_duration",
    "neutral",
    "over",
    "published",
    "rest_of_year",
    "scheduled",
    "size_of",
    "standing",
    "stopped",
    "sum_of",
    "toward",
    "week_ends",
    "with_values",
    "year_on_year",
    "z",
    "zscore_of",
]

# |z| from which a score is called so; a conviction is that of the z whose size it equals.
STRENGTHS = ((2.0, "strong"), (1.0, "moderate"), (0.5, "weak"))

# Why a position that its strategy ends by itself is no more.
ENDED = "The position reached its stop, its target or its longest holding."


def z(values: Floats, window: int) -> Floats:
    """(x_t - mean) / sd (ddof 1) over the last `window` known values of [T], from window / 2 of them on; else NaN.

    NaN too where all values of the window are one. What is missing is skipped and stays NaN.
    """
    known = np.flatnonzero(np.isfinite(values))
    told = values[known]
    found = indicators.zscore(told.reshape(-1, 1), window)[:, 0] if len(told) else told.copy()
    mean = squares = 0.0
    for count, value in enumerate(told[: window - 1].tolist(), start=1):  # Welford (1962): no window is full yet
        before = value - mean
        mean += before / count
        squares += before * (value - mean)
        if count >= max(2, -(-window // 2)) and squares > 0.0:
            found[count - 1] = (value - mean) / math.sqrt(squares / (count - 1))
    out = np.full(values.shape, np.nan)
    out[known] = found
    return out


def zscore_of(window: int) -> Callable[[Floats], Floats]:
    """`z` as a function of observations, for `Bars.derived`."""
    return lambda values: z(values, window)


def sum_of(window: int) -> Callable[[Floats], Floats]:
    """The sum of the last `window` observations, for `Bars.derived`; NaN before there are so many."""
    return lambda values: indicators.rolling_sum(values, window)


def change(values: Floats, bars: int) -> Floats:
    """How much the values are above those of so many known bars ago. [T]"""
    return values - indicators.lag(values, bars)


def over(values: Floats, by: Floats) -> Floats:
    """The values in units of others; NaN where those are 0. [T]"""
    return values / np.where(by == 0.0, np.nan, by)


def size_of(score: Floats) -> Floats:
    """tanh(|z| / 2): how large a position a score asks for, 0 to 1."""
    return np.tanh(np.abs(score) / 2.0)


def toward(score: Floats, threshold: float, *, strict: bool = False) -> Floats:
    """The sign of a score from |score| = threshold on (`strict`: beyond it), 0 inside, NaN where it is unknown. [T]"""
    size = np.abs(score)
    return np.where(size > threshold if strict else size >= threshold, np.sign(score), 0.0 * score)


def clipped(values: Floats, most: float = 1.0) -> Floats:
    """The values, none beyond -most or most."""
    return np.clip(values, -most, most)


def modified_duration(years: float, yield_percent: Floats) -> Floats:
    """T / (1 + y) of a zero-coupon bond, in years."""
    return years / (1.0 + yield_percent / 100.0)


def neutral(first: Floats, second: Floats, most: float) -> tuple[Floats, Floats]:
    """Weights of a pair that is long the first leg and short the second, without a bet on the level of rates.

    w1 D1 + w2 D2 = 0 with the modified durations D; the larger weight is `most` in size.
    """
    unit = most / np.maximum(first, second)
    return unit * second, -unit * first


def week_ends(time: Times) -> NDArray[np.bool_]:
    """The bar of each week at which to decide: its Friday's first, else the first bar after the week. [T]

    No later bar is looked at; see `engine.indicators.month_ends`.
    """
    days = time.astype("datetime64[D]")
    number = days.astype(np.int64) + 3  # 1970-01-01 was a Thursday: weeks begin on Monday
    return decided(days, number % 7 == 4, number // 7)


def scheduled(bars: Bars, calendar: str, *, before: int, after: int, notice: int) -> NDArray[np.bool_]:
    """Whether a bar is from `before` weekdays ahead to `after` past of an event announced `notice` days or more ahead.

    A meeting that was called in haste is none of them. [T]
    """
    found = bars.panel.calendars.get(calendar)
    if found is None:
        return np.zeros(len(bars), dtype=np.bool_)
    kept = found.date - found.announced >= np.timedelta64(notice, "D")
    known = Calendar(calendar, found.date[kept], found.announced[kept])
    return known.near(bars.decided, before, after) >= 0


def has_calendar(bars: Bars, calendar: str) -> Floats:
    """An input for `decide`: 0, or NaN where there is no such calendar. [T]"""
    return np.full(len(bars), 0.0 if calendar in bars.panel.calendars else np.nan)


def standing(opens: Floats, stays: Floats) -> Floats:
    """The direction that was opened last, for as long as `stays` says the same; NaN where `opens` is. [T]

    Args:
        opens: the direction in which a position is opened at a bar, else 0.
        stays: the direction in which one that is open may stand, else 0.
    """
    out, way = np.empty(len(opens)), 0.0
    for t, (opening, staying) in enumerate(zip(opens.tolist(), stays.tolist(), strict=True)):
        if opening in (1.0, -1.0):
            way = opening
        elif staying != way or np.isnan(opening):
            way = 0.0
        out[t] = np.nan if np.isnan(opening) else way
    return out


def stopped(
    direction: Floats,
    closes: Floats,
    shares: Floats,
    loss: Floats | float,
    gain: Floats | float,
    hold: int | None = None,
) -> tuple[Floats, NDArray[np.bool_]]:
    """A direction that ends at the close at which its legs together lost or gained enough, and where it has so ended.

    The move is that of all legs since the close of the entry's decision, each by its share then. `loss` and `gain` are
    fractions of what is in the largest leg, as they are at that bar. What has ended stays flat until the direction
    changes. A bar on which a leg did not trade ends nothing. [T]

    Args:
        direction: +1, -1 or 0 at each bar. [T]
        closes, shares: price of each leg, and its weight in direction +1. [T, legs]
        loss, gain: numbers or [T].
        hold: after so many bars it ends too.
    """
    out, ended = direction.copy(), np.zeros(len(direction), dtype=np.bool_)
    losses, gains = np.broadcast_to(loss, out.shape), np.broadcast_to(gain, out.shape)
    starts = np.flatnonzero(direction != np.append(0.0, direction[:-1]))
    for first, last in pairwise([*starts.tolist(), len(direction)]):
        largest = np.abs(shares[first]).max()
        if direction[first] == 0.0 or largest == 0.0:
            continue
        moved = np.zeros(last - first)
        for share, prices in zip(shares[first] / largest, closes[first:last].T, strict=True):
            entry = prices[np.argmax(np.isfinite(prices))]
            moved += direction[first] * share * (prices / entry - 1.0)
        over = np.maximum.accumulate((moved <= -losses[first]) | (moved >= gains[first]))
        if hold is not None:
            over[hold:] = True
        out[first:last][over], ended[first:last] = 0.0, over
    return out, ended


def entry_size(direction: Floats, size: Floats) -> Floats:
    """The size that a position had when it was opened, for as long as its direction stands; 0 without one. [T]

    A target that follows its score every day would trade every day: the score decides at the entry.
    """
    return np.where(direction == 0.0, 0.0, size[_entries(direction)])


def _entries(direction: Floats) -> NDArray[np.intp]:
    """The row on which the present direction began. [T]"""
    began = direction != np.append(0.0, direction[:-1])
    return np.maximum.accumulate(np.where(began, np.arange(len(direction)), 0))


def decide(
    bars: Bars,
    legs: Mapping[str, Floats | float],
    direction: Floats,
    size: Floats,
    *,
    inputs: Mapping[str, Floats],
    outside: str,
    score: Floats | None = None,
    raw: Floats | None = None,
    reasons: Iterable[tuple[str, NDArray[np.bool_]]] = (),
    notes: Iterable[tuple[str, NDArray[np.bool_]]] = (),
    stop: tuple[Floats | float, Floats | float] | None = None,
    hold: int | None = None,
    follow: bool = False,
) -> Decision:
    """Positions in some legs of one idea.

    Args:
        legs: by symbol, the weight of a full position in direction +1 (a number or [T]).
        direction: +1, -1 or 0 at each bar; NaN counts as 0. [T]
        size: 0 to 1, taken when the direction begins (`entry_size`). [T]
        inputs: by name, what the idea cannot do without: where one is NaN there is no position, and the reason says so.
        outside: why there is no position where all inputs are there and the direction is 0.
        score, raw: see `Decision`.
        reasons: further sentences with the bars on which they hold, told before `outside`.
        notes: the same, told after all others: what a position does without.
        stop: loss and gain at which all legs end together, see `stopped`. The stops of a run know one leg at a time.
        hold: with `stop`, the longest holding in bars; needed with `follow`, as a new size ends what a run has ended.
        follow: the size and the legs are those of each bar, and not those of the entry.
    """
    missing = {f"{name} is missing or stale.": np.isnan(values) for name, values in inputs.items()}
    blind = np.any([np.isnan(direction), np.isnan(size), *missing.values()], axis=0)
    way = np.where(blind, 0.0, np.nan_to_num(direction))
    columns = [bars.column(symbol) for symbol in legs]
    most = np.column_stack([np.broadcast_to(np.asarray(full, dtype=np.float64), way.shape) for full in legs.values()])
    ended = np.zeros(len(way), dtype=np.bool_)
    if stop is not None:
        way, ended = stopped(way, bars.close[:, columns], most, *stop, hold=hold)
    weights = np.zeros(bars.close.shape)
    sized = np.arange(len(way)) if follow else _entries(way)
    weights[:, columns] = np.where(way == 0.0, 0.0, way * (size[:, None] * most)[sized].T).T
    young = {"There is too little history for a score.": np.isnan(direction) | np.isnan(size)}
    told = {**missing, **young, ENDED: ended, **dict(reasons), outside: way == 0.0, **dict(notes)}
    return Decision(weights, score=score, raw=raw, conviction=np.where(blind, 0.0, size), reasons=told)


def breakeven(nominal: Floats, real: Floats) -> Floats:
    """(1 + n) / (1 + r) - 1: the inflation at which a nominal and a real yield pay the same; all in percent."""
    return 100.0 * ((1.0 + nominal / 100.0) / (1.0 + real / 100.0) - 1.0)


def year_on_year(values: Floats) -> Floats:
    """Change over 12 monthly observations in percent; NaN for the first 12."""
    return 100.0 * (values / indicators.lag(values, 12) - 1.0)


def published(series: Series) -> Times:
    """When each value of a series may first be read. [M]"""
    return np.maximum(series.observed, series.available)


def first_vintages(series: Series) -> Series:
    """What was said of each time when it was first published, revisions left out."""
    _, rows = np.unique(series.observed, return_index=True)
    return _of_rows(series, np.sort(rows), series.value)


def with_values(series: Series, values: Floats) -> Series:
    """Other values [M] in place of those of a series, known at the same moments; NaN is left out."""
    return _of_rows(series, np.flatnonzero(np.isfinite(values)), values)


def _of_rows(series: Series, rows: NDArray[np.intp], values: Floats) -> Series:
    return replace(series, observed=series.observed[rows], available=series.available[rows], value=values[rows])


def rest_of_year(bars: Bars, key: str) -> Floats:
    """Which part of its calendar year was left on the day of a survey's present answer, NaN without one. [T]

    The last survey of a year is the present one on the first days of the next, and counts years from its own.
    """
    if key not in bars.panel.series:
        return np.full(len(bars), np.nan)
    survey = bars.panel.get(key)
    days, years = survey.observed.astype("datetime64[D]"), survey.observed.astype("datetime64[Y]")
    first, end = years.astype("datetime64[D]"), (years + 1).astype("datetime64[D]")
    return with_values(survey, (end - days) / (end - first)).at(bars.decided)
