"""polars_backtest: one row per day and symbol in a polars frame, `backtest_with_report`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import polars_backtest as pl_bt

from bench.peers import workloads
from bench.peers.workloads import Figures, Job, Size


def _frame(size: Size) -> Any:
    walk = workloads.many(size)
    total, count = walk.close.shape
    return pl.DataFrame(
        {
            "date": np.repeat(walk.time.astype("datetime64[us]"), count),
            "symbol": np.tile([f"S{n:03d}" for n in range(count)], total),
            "close": walk.close.ravel(),
        }
    ).with_columns(pl.col("date").cast(pl.Date))


def _job(size: Size, weigh: Callable[[Any], Any], **like: object) -> dict[str, Job]:
    frame = _frame(size)

    def run() -> Any:
        report = pl_bt.backtest_with_report(
            weigh(frame),
            trade_at_price="close",
            position="weight",
            resample="M",
            fee_ratio=workloads.COST + workloads.SLIPPAGE,
            tax_ratio=0.0,
        )
        return report.get_stats(), report.trades

    def figures(found: Any) -> Figures:
        stats, _ = found
        return {"total_return": [float(stats["total_return"][0])], "max_drawdown": [float(stats["max_drawdown"][0])]}

    costs = {"commission_bps": (workloads.COST + workloads.SLIPPAGE) * 1e4, "slippage_bps": 0.0}
    what = "next close, slippage as commission; charges costs to each position, not to the cash of all"
    return {"polars_backtest": Job(run, figures, {"fill": "next_close", **costs, **like}, 1e-3, what)}


def w4(size: Size) -> dict[str, Job]:
    return _job(size, lambda frame: frame.with_columns(weight=pl.lit(1.0 / size.assets)), first_month=True)


def w4iv(size: Size) -> dict[str, Job]:
    def weigh(frame: Any) -> Any:
        spread = pl.col("close").pct_change().rolling_std(workloads.VOLATILITY)
        frame = frame.with_columns(inverse=1.0 / spread.over("symbol"))
        return frame.with_columns(weight=pl.col("inverse") / pl.col("inverse").sum().over("date"))

    return _job(size, weigh)


JOBS = {"W4": w4, "W4iv": w4iv}
