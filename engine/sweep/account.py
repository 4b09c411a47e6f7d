"""What all compiled trials of a sweep share: one symbol's bars and terms, and figures from the sums of a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats
from engine.bits import flags_for
from engine.config import Config
from engine.simulation import delay_of, terms_of
from engine.sweep.changes import Wishes, least_of, replayed
from engine.sweep.course import Course, course_of
from engine.sweep.kernel import COMMISSION, DEPTH, FINAL, GAINS, SLIPPAGE, SOUND, SQUARES, TRADES
from engine.sweep.lanes import lanes_of
from engine.sweep.orders import Fees

# Fields of a configuration that the compiled pass knows; with another one that is not at its default, it is not used.
_KNOWN = (
    "initial_capital",
    "fill",
    "commission_bps",
    "cost_table",
    "commission_per_share",
    "slippage_bps",
    "max_leverage",
    "allow_short",
    "risk_free_rate",
)
# Where less of the mean square is variance, the difference of sums has lost digits.
_VARIANCE = 1e-3
_SMALLEST = 1e-20


def simple(config: Config) -> bool:
    """Whether the compiled pass does what this configuration asks: orders on change, linear costs."""
    plain = replace(Config(), **{name: getattr(config, name) for name in _KNOWN})
    return plain == config


def fees_of(bars: Bars, config: Config, symbol: int) -> Fees:
    """What the symbol in this column of the bars is charged."""
    terms = terms_of(bars, config)
    return Fees(float(terms.commission[symbol]), terms.per_share, terms.slippage, terms.leverage)


@dataclass(frozen=True, eq=False)
class Account:
    """One symbol as the kernels read it. A decision of a traded bar is carried out `delay` traded bars later."""

    course: Course
    config: Config
    fees: Fees
    delay: int

    @classmethod
    def of(cls, bars: Bars, config: Config, symbol: int = 0) -> Account:
        """The symbol in this column of the bars; the configuration has been fitted to them."""
        course = course_of(bars, symbol, at_open=config.fill == "next_open")
        return cls(course, config, fees_of(bars, config, symbol), delay_of(config))

    def replay(self, weights: NDArray[np.generic], rows: Floats) -> int:
        """Trials [n] from their weights [n, T] over all bars: float64, or signals of one byte.

        Says which trial has a weight that is too large, -1 if none has.
        """
        weights = np.ascontiguousarray(weights).view(np.float64 if weights.dtype == np.float64 else np.int8)
        weights.flags.writeable = False  # kernels are compiled for one kind of array, whoever owns it
        total = weights.shape[1]
        wishes = Wishes(
            weights=weights,
            bits=weights.view(np.int64) if weights.dtype == np.float64 else weights,
            fills=np.searchsorted(self.course.rows, np.arange(total) + self.delay),
            least=least_of(self.config),
            most=self.config.max_leverage,
            flags=flags_for(total),
        )
        lanes = lanes_of(len(self.course.rows))
        return replayed(wishes, self.config.initial_capital, self.course, self.fees, lanes, rows)


@dataclass(frozen=True, eq=False)
class Sums:
    """Figures from the sums that trials left in `rows` [..., n, COLUMNS]; `total` [..., 1] counts the bars."""

    rows: Floats
    total: NDArray[np.int64]
    config: Config
    periods: Floats

    def sound(self) -> NDArray[np.bool_]:
        """Which trials the sums can speak for; the others are for the single run."""
        squares = self.rows[..., SQUARES]
        spread = squares - self.rows[..., GAINS] ** 2 / self.total
        clear = (squares == 0.0) | ((squares > _SMALLEST) & (spread > _VARIANCE * squares))
        sound: NDArray[np.bool_] = clear & (self.rows[..., SOUND] == 1.0)
        return sound

    def total_return(self) -> Floats:
        return self.rows[..., FINAL] / self.config.initial_capital - 1.0

    def max_drawdown(self) -> Floats:
        depth: Floats = np.minimum(0.0, self.rows[..., DEPTH] - 1.0)
        return depth

    def deviation(self) -> Floats:
        spread = self.rows[..., SQUARES] - self.rows[..., GAINS] ** 2 / self.total
        deviation: Floats = np.sqrt(np.maximum(spread, 0.0) / (self.total - 1))
        return deviation

    def annual_volatility(self) -> Floats:
        volatility: Floats = self.deviation() * np.sqrt(self.periods)
        return volatility

    def sharpe(self) -> Floats:
        deviation = self.deviation()
        excess = self.rows[..., GAINS] / self.total - self.config.risk_free_rate / self.periods
        ratio: Floats = np.full(deviation.shape, np.nan)
        np.divide(excess, deviation, out=ratio, where=deviation > 0.0)
        sharpe: Floats = ratio * np.sqrt(self.periods)
        return sharpe


# By the name of the metric that it equals.
FROM_SUMS: dict[str, Callable[[Sums], Floats]] = {
    "final_equity": lambda sums: sums.rows[..., FINAL].copy(),
    "total_return": Sums.total_return,
    "annual_volatility": Sums.annual_volatility,
    "sharpe": Sums.sharpe,
    "max_drawdown": Sums.max_drawdown,
    "total_trades": lambda sums: sums.rows[..., TRADES].copy(),
    "total_commission": lambda sums: sums.rows[..., COMMISSION].copy(),
    "total_slippage": lambda sums: sums.rows[..., SLIPPAGE].copy(),
}
