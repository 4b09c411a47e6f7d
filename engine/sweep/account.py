"""What all compiled trials of a sweep share: the traded bars of one symbol, the terms, and figures from their sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.book import LEVERAGE_SLACK, Terms
from engine.config import Config
from engine.simulation import delay_of, terms_of
from engine.strategy import Weights
from engine.sweep.kernel import (
    COMMISSION,
    DEPTH,
    FINAL,
    GAINS,
    SLIPPAGE,
    SOUND,
    SQUARES,
    STRIDE,
    TRADES,
    Course,
    follow,
)

# Fields of a configuration that the compiled pass knows; with another one that is not at its default, it is not used.
_KNOWN = (
    "initial_capital",
    "fill",
    "commission_bps",
    "commission_per_share",
    "slippage_bps",
    "max_leverage",
    "allow_short",
    "risk_free_rate",
)
# Where less of the mean square is variance, the difference of sums has lost digits.
_VARIANCE = 1e-3
_SMALLEST = 1e-20


def simple(bars: Bars, config: Config) -> bool:
    """Whether the compiled pass does what this configuration asks: one symbol, orders on change, linear costs."""
    plain = replace(Config(), **{name: getattr(config, name) for name in _KNOWN})
    return len(bars.symbols) == 1 and plain == config


@dataclass(frozen=True, eq=False)
class Account:
    """The traded bars of one symbol as the kernels read them; `rows` are their numbers among all bars."""

    bars: Bars
    config: Config
    rows: NDArray[np.int64]
    course: Course
    terms: Terms

    @classmethod
    def of(cls, bars: Bars, config: Config) -> Account:
        rows = np.flatnonzero(~np.isnan(bars.close[:, 0]))
        close = np.ascontiguousarray(bars.close[rows, 0])
        price = np.ascontiguousarray(bars.open[rows, 0]) if config.fill == "next_open" else close
        gain = np.zeros(len(close))
        gain[1:] = close[1:] / close[:-1] - 1.0
        course = Course(
            price=price,
            close=close,
            tops=_ahead(close, np.maximum),
            bottoms=_ahead(close, np.minimum),
            gains=np.cumsum(gain),
            squares=np.cumsum(gain * gain),
            lowest=float(close.min(initial=np.inf)),
        )
        return cls(bars, config, rows, course, terms_of(bars, config))

    def fills(self) -> NDArray[np.int64]:
        """At which traded bar a decision of a traded bar is carried out; from their number on, at none."""
        return np.searchsorted(self.rows - delay_of(self.config), self.rows)

    def levels(self, weights: list[float]) -> list[float]:
        """The targets that a run makes of these weights."""
        return [float(target) for target in self._targets(np.array(weights))[0]]

    def measure(self, weights: Weights, row: Floats) -> None:
        """One trial from its weights: what is ordered while the symbol does not trade waits for its next bar."""
        targets, changed = self._targets(weights[:, 0])
        delay = delay_of(self.config)
        ordered = np.flatnonzero(changed) + delay
        at = np.unique(np.searchsorted(self.rows, ordered))
        at = at[at < len(self.rows)]
        wanted = targets[self.rows[at] - delay]
        follow(len(at), at, wanted, self.config.initial_capital, self.course, self.terms, row)

    def _targets(self, weights: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Targets within the limits [T], and where one is ordered anew."""
        said = ~np.isnan(weights)
        last = np.maximum.accumulate(np.where(said, np.arange(len(weights)), -1))
        wished = np.where(last < 0, 0.0, weights[np.maximum(last, 0)])
        if not self.config.allow_short:
            wished = np.maximum(wished, 0.0)
        changed = np.diff(wished, prepend=0.0) != 0.0
        leverage, gross = self.config.max_leverage, np.abs(wished)
        over = gross > leverage * LEVERAGE_SLACK
        targets: Floats = np.where(over, wished * (leverage / np.where(over, gross, 1.0)), wished)
        return targets, changed


def _ahead(close: Floats, extreme: np.ufunc) -> Floats:
    """The extreme of the STRIDE closes from each bar on, of fewer at the end."""
    out = close.copy()
    for later in range(1, STRIDE):
        extreme(out[:-later], close[later:], out=out[:-later])
    return out


@dataclass(frozen=True, eq=False)
class Sums:
    """Figures from the sums that trials left in `rows` [n, COLUMNS]; `total` counts the bars."""

    rows: Floats
    total: int
    config: Config
    periods: float

    def sound(self) -> NDArray[np.bool_]:
        """Which trials the sums can speak for; the others are for the single run."""
        squares = self.rows[:, SQUARES]
        spread = squares - self.rows[:, GAINS] ** 2 / self.total
        clear = (squares == 0.0) | ((squares > _SMALLEST) & (spread > _VARIANCE * squares))
        sound: NDArray[np.bool_] = clear & (self.rows[:, SOUND] == 1.0)
        return sound

    def total_return(self) -> Floats:
        return self.rows[:, FINAL] / self.config.initial_capital - 1.0

    def max_drawdown(self) -> Floats:
        depth: Floats = np.minimum(0.0, self.rows[:, DEPTH] - 1.0)
        return depth

    def deviation(self) -> Floats:
        spread = self.rows[:, SQUARES] - self.rows[:, GAINS] ** 2 / self.total
        deviation: Floats = np.sqrt(np.maximum(spread, 0.0) / (self.total - 1))
        return deviation

    def annual_volatility(self) -> Floats:
        volatility: Floats = self.deviation() * math.sqrt(self.periods)
        return volatility

    def sharpe(self) -> Floats:
        deviation = self.deviation()
        excess = self.rows[:, GAINS] / self.total - self.config.risk_free_rate / self.periods
        ratio: Floats = np.full(len(deviation), np.nan)
        np.divide(excess, deviation, out=ratio, where=deviation > 0.0)
        return ratio * math.sqrt(self.periods)


# By the name of the metric that it equals.
FROM_SUMS: dict[str, Callable[[Sums], Floats]] = {
    "final_equity": lambda sums: sums.rows[:, FINAL].copy(),
    "total_return": Sums.total_return,
    "annual_volatility": Sums.annual_volatility,
    "sharpe": Sums.sharpe,
    "max_drawdown": Sums.max_drawdown,
    "total_trades": lambda sums: sums.rows[:, TRADES].copy(),
    "total_commission": lambda sums: sums.rows[:, COMMISSION].copy(),
    "total_slippage": lambda sums: sums.rows[:, SLIPPAGE].copy(),
}
