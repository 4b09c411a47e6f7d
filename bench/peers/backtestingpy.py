"""backtesting.py: a `Strategy` class and `Backtest.run()`."""

from __future__ import annotations

from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from bench.peers import workloads
from bench.peers.workloads import Figures, Job, Size

# Whole shares only: with so much money that their size does not matter.
_CASH = 1e9


def _average(values: Any, window: int) -> Any:
    return pd.Series(values).rolling(window).mean()


class SmaCross(Strategy):
    """Long from one crossing to the other."""

    def init(self) -> None:
        self.fast = self.I(_average, self.data.Close, workloads.FAST)
        self.slow = self.I(_average, self.data.Close, workloads.SLOW)

    def next(self) -> None:
        if crossover(self.fast, self.slow):
            self.buy()
        elif crossover(self.slow, self.fast):
            self.position.close()


def w1(size: Size) -> dict[str, Job]:
    walk = workloads.one(size)
    columns = zip(("Open", "High", "Low", "Close", "Volume"), walk[1:], strict=True)
    frame = pd.DataFrame({name: values[:, 0] for name, values in columns}, pd.DatetimeIndex(walk.time))

    def run() -> Any:
        return Backtest(frame, SmaCross, cash=_CASH, commission=workloads.COST).run()

    def figures(found: Any) -> Figures:
        return {
            "total_return": [found["Return [%]"] / 100],
            "max_drawdown": [found["Max. Drawdown [%]"] / 100],
        }

    what = "whole shares, hence a thousand million in cash; its Sharpe ratio is of compounded returns"
    return {"backtesting.py": Job(run, figures, {"initial_capital": _CASH}, tolerance=1e-5, differs=what)}


JOBS = {"W1": w1}
