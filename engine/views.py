"""From a score to a decision: what macro strategies share. Everything is made of what was known by each bar.

Directions are of prices: LONG a rate instrument gains when its yield falls, LONG protection when the spread widens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine import indicators
from engine.bars import Bars, Floats
from engine.strategy import Decision

__all__ = ["clipped", "decide", "entry_size", "modified_duration", "size_of", "strength_of", "z", "zscore_of"]

# |z| from which a score is called so; a conviction is that of the z whose size it equals.
STRENGTHS = ((2.0, "strong"), (1.0, "moderate"), (0.5, "weak"))


def z(values: Floats, window: int) -> Floats:
    """(x_t - mean) / sd (ddof 1) over the last `window` known values of [T], from window / 2 of them on; else NaN.

    NaN too where all values of the window are one. What is missing is skipped and stays NaN.
    """
    known = np.flatnonzero(np.isfinite(values))
    told = values[known]
    found = indicators.zscore(told.reshape(-1, 1), window)[:, 0] if len(told) else told.copy()
    for count in range(max(2, -(-window // 2)), min(window, len(told) + 1)):
        part = told[:count]
        deviation = part.std(ddof=1)
        found[count - 1] = (part[-1] - part.mean()) / deviation if deviation > 0.0 else np.nan
    out = np.full(values.shape, np.nan)
    out[known] = found
    return out


def zscore_of(window: int) -> Callable[[Floats], Floats]:
    """`z` as a function of observations, for `Bars.derived`."""
    return lambda values: z(values, window)


def size_of(score: Floats) -> Floats:
    """tanh(|z| / 2): how large a position a score asks for, 0 to 1."""
    return np.tanh(np.abs(score) / 2.0)


def strength_of(score: float) -> str:
    """What |z| is called: strong, moderate, weak or none."""
    return next((name for least, name in STRENGTHS if abs(score) >= least), "none")


def clipped(values: Floats, most: float = 1.0) -> Floats:
    """The values, none beyond -most or most."""
    return np.clip(values, -most, most)


def modified_duration(years: float, yield_percent: Floats) -> Floats:
    """T / (1 + y) of a zero-coupon bond, in years."""
    return years / (1.0 + yield_percent / 100.0)


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
    """
    missing = {f"{name} is missing or stale.": np.isnan(values) for name, values in inputs.items()}
    blind = np.any([np.isnan(direction), np.isnan(size), *missing.values()], axis=0)
    way = np.where(blind, 0.0, np.nan_to_num(direction))
    weights = np.zeros(bars.close.shape)
    held = entry_size(way, np.where(blind, 0.0, size))
    for symbol, full in legs.items():
        at_entry = np.broadcast_to(np.asarray(full, dtype=np.float64), way.shape)[_entries(way)]
        weights[:, bars.column(symbol)] = np.where(way == 0.0, 0.0, way * held * at_entry)
    told = {**missing, **dict(reasons), outside: way == 0.0}
    return Decision(weights, score=score, raw=raw, conviction=np.where(blind, 0.0, size), reasons=told)
