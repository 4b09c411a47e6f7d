"""bt: a strategy of algos over target weights, `bt.run`, and its statistics."""

from __future__ import annotations

from typing import Any

import bt
import numpy as np
import pandas as pd

from bench.peers import workloads
from bench.peers.workloads import Figures, Job, Size


def w1(size: Size) -> dict[str, Job]:
    walk = workloads.one(size)
    frame = pd.DataFrame(walk.close, pd.DatetimeIndex(walk.time), ["A"])

    def run() -> Any:
        fast, slow = (frame.rolling(window).mean() for window in (workloads.FAST, workloads.SLOW))
        up, down = (workloads.later(rows[:, 0]) for rows in workloads.crosses(fast.to_numpy(), slow.to_numpy()))
        target = pd.DataFrame(np.where(up, 1.0, np.where(down, 0.0, np.nan)), frame.index, ["A"]).dropna()
        strategy = bt.Strategy("sma_cross", [bt.algos.WeighTarget(target), bt.algos.Rebalance()])
        test = bt.Backtest(
            strategy,
            frame,
            initial_capital=workloads.CASH,
            commissions=lambda quantity, price: abs(quantity) * price * workloads.COST,
            integer_positions=False,
            progress_bar=False,
        )
        result = bt.run(test)
        return result.stats, result.get_transactions()

    def figures(found: Any) -> Figures:
        stats, _ = found
        return {
            "total_return": [float(stats.loc["total_return"].iloc[0])],
            "max_drawdown": [float(stats.loc["max_drawdown"].iloc[0])],
        }

    what = "closes only: filled at the next close"
    return {"bt": Job(run, figures, {"fill": "next_close"}, tolerance=1e-5, differs=what)}


JOBS = {"W1": w1}
