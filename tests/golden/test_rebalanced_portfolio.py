"""A rebalanced portfolio on one cash account, against vectorbt 1.2.0 (`make_rebalanced_portfolio.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine import Bars, Config, simulate

GOLDEN = json.loads(Path(__file__).with_name("rebalanced_portfolio.json").read_text())

CASE = {
    "name": "A monthly rebalanced portfolio at the open",
    "data": "5 random walks (seeded)",
    "peer": "vectorbt 1.2.0",
    "compared": "equity, number of orders, final units, commission",
}


def prices():
    """The same walk as in the script that made the numbers."""
    rng = np.random.default_rng(42)
    close = 50 * np.exp(np.cumsum(rng.normal(0.0003, 0.02, (750, 5)), axis=0))
    open = np.vstack((close[:1], close[:-1])) * np.exp(rng.normal(0, 0.004, close.shape))
    return np.busday_offset("2015-01-01", np.arange(750), roll="forward"), open, close


def test_a_monthly_rebalanced_portfolio_equals_vectorbt(agree):
    days, open, close = prices()
    bars = Bars.from_arrays(days, open, np.maximum(open, close), np.minimum(open, close), close, symbols=tuple("ABCDE"))
    config = Config(
        initial_capital=GOLDEN["cash"],
        rebalance="monthly",
        commission_bps=GOLDEN["fees"] * 1e4,
        slippage_bps=GOLDEN["slippage"] * 1e4,
    )
    ledger = simulate(bars, np.full(close.shape, GOLDEN["target"]), config)
    assert len(ledger.fills) == GOLDEN["orders"]
    agree(CASE, ledger.equity[::10], GOLDEN["equity_every_10"])
    agree(CASE, ledger.positions[-1], GOLDEN["final_units"])
    agree(CASE, ledger.commission.sum(), GOLDEN["total_fees"])
