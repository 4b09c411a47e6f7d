"""SMA crossings on the S&P 500, against what vectorbt 1.2.0 made of the same bars (`make_sma_cross_sp500.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import strategies
from engine import Config, measure, simulate, trades
from engine.figures import Run

GOLDEN = json.loads(Path(__file__).with_name("sma_cross_sp500.json").read_text())


CASE = {
    "name": "SMA crossings",
    "data": "S&P 500",
    "peer": "vectorbt 1.2.0",
    "compared": "every trade: bars, prices, pnl; equity, drawdown, Sharpe ratio, commission",
}


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['fast']}-{case['slow']}-{case['side']}")
def test_crossings_of_the_sp500_equal_vectorbt(sp500, agree, case):
    bound = strategies.get("sma_cross").bind(fast=case["fast"], slow=case["slow"], side=case["side"])
    config = Config(
        initial_capital=GOLDEN["cash"],
        commission_bps=GOLDEN["fees"] * 1e4,
        slippage_bps=GOLDEN["slippage"] * 1e4,
        # vectorbt lets a short of 100 % pay its costs out of the proceeds; a long is bound by cash in both.
        max_leverage=1.0 if case["side"] == "long" else 1.01,
    )
    part = 0.5 if case["side"] == "both" else 1.0
    ledger = simulate(sp500, bound(sp500) * part, config)
    found = trades.from_ledger(sp500, ledger)
    figures = measure(Run(sp500.time, ledger, found, sp500.periods_per_year))
    assert len(sp500) == GOLDEN["bars"]
    agree(CASE, ledger.equity[::100], case["equity_every_100"])
    for name in ("final_equity", "max_drawdown", "sharpe"):
        agree(CASE, figures[name], case[name], what=name)
    agree(CASE, figures["total_commission"], case["total_fees"])
    assert len(found) == len(case["trades"])
    entry, exit, status, entry_price, exit_price, pnl = (
        np.array(column) for column in zip(*case["trades"], strict=True)
    )
    agree(CASE, found["entry_bar"], entry, rel=0)
    agree(CASE, found["exit_bar"], np.where(status == 1, exit, -1), rel=0)
    agree(CASE, found["entry_price"], entry_price)
    agree(CASE, found["exit_price"], exit_price)
    agree(CASE, found["pnl"], pnl, abs=1e-6)
