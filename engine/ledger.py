"""The ledger: what happened in a run, bar by bar and fill by fill."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.jit import jit


@jit
def replay(fills: NDArray[np.void], positions: Floats) -> None:
    """Write what is held at each bar."""
    done = 0
    for t in range(positions.shape[0]):
        for n in range(positions.shape[1]):
            positions[t, n] = positions[t - 1, n] if t > 0 else 0.0
        while done < fills.shape[0] and fills[done]["bar"] == t:
            positions[t, fills[done]["symbol"]] += fills[done]["quantity"]
            done += 1


@jit
def earn(equity: Floats, capital: float, returns: Floats) -> None:
    """Write the return of each bar."""
    returns[0] = equity[0] / capital - 1.0
    before, after, gains = equity[: equity.shape[0] - 1], equity[1:], returns[1:]
    for t in range(gains.shape[0]):
        gains[t] = after[t] / before[t] - 1.0 if before[t] > 0.0 else 0.0


@dataclass(frozen=True, eq=False)
class Ledger:
    """Money in the currency of the prices; series are [T].

    `borrow`, `funding` and `interest` are read-only, one zero for all bars, where the configuration charges none.
    `fills` is a structured array in the order of execution: bar, symbol (column), quantity (signed), price (with
    slippage), commission, slippage (money), carry (borrow and funding that the symbol ran up since its previous
    fill) and reason. `open_carry` [N] is the carry after the last fill, `marks` [N] the last price of each symbol
    (0 where it never had one). `ruined_at` is a bar or None.
    """

    equity: Floats
    cash: Floats
    gross: Floats
    borrow: Floats
    funding: Floats
    interest: Floats
    fills: NDArray[np.void]
    open_carry: Floats
    marks: Floats
    initial_capital: float
    fill: str
    ruined_at: int | None
    warnings: tuple[str, ...]

    @cached_property
    def positions(self) -> Floats:
        """Units held at each close [T, N]: the fills, added up in their order."""
        positions = np.empty((len(self.equity), len(self.marks)))
        replay(self.fills, positions)
        return positions

    @cached_property
    def returns(self) -> Floats:
        """One return per bar; the first is against the initial capital, so that they compound to the total.

        From ruin on (equity not positive) there is nothing left to earn a return: 0.
        """
        returns = np.empty(len(self.equity))
        earn(self.equity, self.initial_capital, returns)
        return returns

    @cached_property
    def exposure(self) -> Floats:
        """Gross market value / equity at each close; 0 where equity is not positive."""
        return _ratio(self.gross, self.equity)

    @cached_property
    def turnover(self) -> Floats:
        """Traded notional (buys and sells) / equity at the close; 0 where equity is not positive."""
        traded = self._per_bar(np.abs(self.fills["quantity"]) * self.fills["price"])
        return _ratio(traded, self.equity)

    @cached_property
    def commission(self) -> Floats:
        return self._per_bar(self.fills["commission"])

    @cached_property
    def slippage(self) -> Floats:
        return self._per_bar(self.fills["slippage"])

    def _per_bar(self, amounts: Floats) -> Floats:
        sums = np.bincount(self.fills["bar"], weights=amounts, minlength=len(self.equity))
        return sums.astype(np.float64, copy=False)


def _ratio(amount: Floats, equity: Floats) -> Floats:
    ratio = np.zeros(len(equity))
    np.divide(amount, equity, out=ratio, where=equity > 0.0)
    return ratio
