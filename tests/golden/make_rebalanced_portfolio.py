"""Make `rebalanced_portfolio.json`: five symbols, one cash account, monthly back to 18 % each, as vectorbt sees it.

    vbt/bin/python tests/golden/make_rebalanced_portfolio.py      (environment: see make_sma_cross_sp500.py)

18 % leaves cash for costs, so that no purchase is cut: vectorbt cuts them in the order of execution, we in proportion.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt

TOTAL, SIZE, TARGET = 750, 5, 0.18
FEES, SLIPPAGE, CASH = 0.001, 0.0005, 100_000.0


def prices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days [T], open and close [T, N] of a seeded random walk."""
    rng = np.random.default_rng(42)
    close = 50 * np.exp(np.cumsum(rng.normal(0.0003, 0.02, (TOTAL, SIZE)), axis=0))
    open = np.vstack((close[:1], close[:-1])) * np.exp(rng.normal(0, 0.004, close.shape))
    return np.busday_offset("2015-01-01", np.arange(TOTAL), roll="forward"), open, close


if __name__ == "__main__":
    days, open, close = prices()
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"))
    months = index.to_period("M")
    size = np.full(close.shape, np.nan)
    size[1] = TARGET  # decided at the first close
    size[np.flatnonzero(months[1:] != months[:-1]) + 1] = TARGET
    portfolio = vbt.Portfolio.from_orders(
        pd.DataFrame(close, index),
        size=size,
        size_type="targetpercent",
        price=open,
        val_price=open,
        fees=FEES,
        slippage=SLIPPAGE,
        init_cash=CASH,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1D",
    )
    found = {
        "source": f"vectorbt {vbt.__version__}, prices from numpy's default_rng(42)",
        "fees": FEES,
        "slippage": SLIPPAGE,
        "cash": CASH,
        "target": TARGET,
        "orders": int(portfolio.orders.count()),
        "total_fees": float(portfolio.orders.records["fees"].sum()),
        "equity_every_10": portfolio.value().to_numpy()[::10].tolist(),
        "final_units": portfolio.assets().to_numpy()[-1].tolist(),
    }
    Path(__file__).with_name("rebalanced_portfolio.json").write_text(json.dumps(found, indent=1) + "\n")
