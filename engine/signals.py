"""What a strategy says of each symbol at each bar, for people to read: direction, conviction, strength, reason, news.

A signal is made of the very weights that a backtest trades, and row t of everything is made of rows <= t.

- weight: the last word that is no NaN, as the simulation holds it; 0 before the first one.
- direction: the sign of the weight. LONG a rate instrument gains when its yield falls.
- conviction: direction times how sure the decision is (`Decision.conviction`, else |weight| * N, at most 1), -1 to 1.
  It never takes its sign from a score; an unknown sureness is 0.
- strength: what |z| is called (`views.STRENGTHS`); without a score, what the z is called whose size tanh(|z| / 2) the
  conviction has.
- flip: a position begins, and it is opposite to the last one that was held, however long ago.
- surge: today's step takes the conviction at least SURGE away from what it was on one of the last SESSIONS bars, where
  yesterday's had not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.strategy import Decision
from engine.views import STRENGTHS, size_of

DIRECTIONS = {1: "LONG", 0: "NEUTRAL", -1: "SHORT"}
FLIP, SURGE_NEWS = "flip", "surge"
SURGE = 0.5
SESSIONS = 5
LONGEST_REASON = 200
_NAMES = np.array(["none", *(name for _, name in reversed(STRENGTHS))])
_LEAST = np.array([least for least, _ in STRENGTHS])


@dataclass(frozen=True, eq=False)
class Signals:
    """A decision as signals; arrays are [T, N] beside `bars`, NaN where a score or raw figure is not known."""

    bars: Bars
    weight: Floats
    direction: Floats
    conviction: Floats
    z_score: Floats
    raw_value: Floats
    flip: NDArray[np.bool_]
    surge: NDArray[np.bool_]
    decision: Decision

    @classmethod
    def of(cls, bars: Bars, decision: Decision) -> Signals:
        decision = decision.on_every_bar(len(bars))
        weight = last_words(decision.weights)
        direction = np.sign(weight)
        sure = np.abs(weight) * weight.shape[1]
        if decision.conviction is not None:
            sure = _wide(decision.conviction, weight)
        conviction = direction * np.clip(np.nan_to_num(sure), 0.0, 1.0) + 0.0  # a zero has no sign
        unknown = np.full(weight.shape, np.nan)
        return cls(
            bars=bars,
            weight=weight,
            direction=direction,
            conviction=conviction,
            z_score=unknown if decision.score is None else _wide(decision.score, weight),
            raw_value=unknown if decision.raw is None else _wide(decision.raw, weight),
            flip=flips(direction),
            surge=surges(conviction),
            decision=decision,
        )

    @cached_property
    def began(self) -> NDArray[np.intp]:
        """The row on which the present direction began. [T, N]"""
        before = np.vstack([np.full(self.direction.shape[1], np.nan), self.direction[:-1]])
        rows = np.where(self.direction != before, np.arange(len(before))[:, None], 0)
        return np.maximum.accumulate(rows, axis=0)

    @cached_property
    def strength(self) -> NDArray[np.str_]:
        """How many of the bounds are reached, by its name. [T, N]"""
        by_score, by_conviction = (
            (np.abs(values)[..., None] >= least).sum(axis=-1)
            for values, least in ((self.z_score, _LEAST), (self.conviction, size_of(_LEAST)))
        )
        names: NDArray[np.str_] = _NAMES[np.where(np.isfinite(self.z_score), by_score, by_conviction)]
        return names

    def reason(self, row: int, column: int) -> str:
        """The first sentence of the decision that holds, else one made of the facts."""
        told = (sentence for sentence, holds in self.decision.reasons.items() if holds[row])
        return next(told, None) or self._facts(row, column)

    def _facts(self, row: int, column: int) -> str:
        way, began = self.direction[row, column], int(self.began[row, column])
        if way == 0.0 and began == 0:
            return "No position so far."
        since = f"since {self.bars.time[began].astype('datetime64[D]')}"
        if way == 0.0:
            return f"No position {since}."
        score = self.z_score[row, column]
        told = f", z {score:+.2f}" if np.isfinite(score) else ""
        return f"{DIRECTIONS[int(way)].capitalize()} {since}, weight {self.weight[row, column]:+.4g}{told}."

    def news(self, row: int, column: int) -> str | None:
        """A flip, else a surge, else None."""
        if self.flip[row, column]:
            return FLIP
        return SURGE_NEWS if self.surge[row, column] else None

    def rows(self, first: int = 0) -> Iterator[dict[str, Any]]:
        """Plain values for each bar from row `first` on, and each symbol."""
        seconds = self.bars.time.astype(np.int64) / 1e9
        for row in range(first, len(self.bars)):
            for column, symbol in enumerate(self.bars.symbols):
                yield {
                    "symbol": symbol,
                    "leg": column,
                    "at": float(seconds[row]),
                    "direction": DIRECTIONS[int(self.direction[row, column])],
                    "strength": str(self.strength[row, column]),
                    "conviction": float(self.conviction[row, column]),
                    "weight": float(self.weight[row, column]),
                    "z_score": _known(self.z_score[row, column]),
                    "raw_value": _known(self.raw_value[row, column]),
                    "reason": _short(self.reason(row, column)),
                    "change": self.news(row, column),
                }


def last_words(weights: Floats) -> Floats:
    """The last word on each symbol: weights with each NaN replaced by what was said before it, 0 before the first."""
    said = np.where(np.isnan(weights), -1, np.arange(len(weights))[:, None])
    last = np.maximum.accumulate(said, axis=0)
    return np.where(last < 0, 0.0, np.take_along_axis(weights, np.maximum(last, 0), axis=0))


def flips(direction: Floats) -> NDArray[np.bool_]:
    """Where a direction begins that is opposite to the last one before it that was not 0. [T, N]"""
    held = last_words(np.where(direction == 0.0, np.nan, direction))
    before = np.vstack([np.zeros(direction.shape[1]), held[:-1]])
    opposite: NDArray[np.bool_] = (direction != 0.0) & (before == -direction)
    return opposite


def surges(conviction: Floats) -> NDArray[np.bool_]:
    """Where the last step takes the conviction at least SURGE away from one of the SESSIONS bars before. [T, N]"""
    found = np.zeros(conviction.shape, dtype=np.bool_)
    for back in range(1, min(SESSIONS, len(conviction) - 1) + 1):
        then, yesterday, now = conviction[:-back], conviction[back - 1 : -1], conviction[back:]
        found[back:] |= (np.abs(now - then) >= SURGE) & (np.abs(yesterday - then) < SURGE)
    return found


def _wide(values: Floats, like: Floats) -> Floats:
    """[T] or [T, N] as [T, N]."""
    array = np.asarray(values, dtype=np.float64)
    return np.broadcast_to(array if array.ndim == 2 else array[:, None], like.shape)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"
