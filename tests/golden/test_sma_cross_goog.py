"""SMA crossings of Google with stop and target against backtesting.py, in whole shares (`make_sma_cross_goog.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import strategies
from engine import Config, simulate, trades
from engine.book import SIGNAL
from engine.trades import EXIT_REASONS

GOLDEN = json.loads(Path(__file__).with_name("sma_cross_goog.json").read_text())
CASE = {
    "name": "SMA crossings with stop and target, whole shares",
    "data": "GOOG",
    "peer": "backtesting.py 0.6.6",
    "compared": "every closed trade: bars, shares, prices, pnl, commission, exit reason; equity",
}


def named(case):
    return "-".join([case["side"], case["fill"], *(f"{name}-{value}" for name, value in case["exits"].items())])


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=named)
def test_crossings_of_google_equal_backtesting_py(goog, agree, case):
    bound = strategies.get("sma_cross").bind(fast=GOLDEN["fast"], slow=GOLDEN["slow"], side=case["side"])
    config = Config(
        initial_capital=GOLDEN["cash"],
        fill=case["fill"],
        commission_bps=GOLDEN["commission"] * 1e4,
        slippage_bps=0.0,
        lot_size=1.0,
        **case["exits"],
    )
    # Half of equity there is as many shares as half of equity pays for, commission included.
    ledger = simulate(goog, bound(goog) * GOLDEN["part"] / (1.0 + GOLDEN["commission"]), config)
    found = trades.from_ledger(goog, ledger)
    ours, theirs = found[found["exit_bar"] >= 0], case["trades"]
    assert [EXIT_REASONS[reason] for reason in ours["exit_reason"]] == [row[7] for row in theirs]
    entry, exit, size, entry_price, exit_price, pnl, commission = zip(*(row[:7] for row in theirs), strict=True)
    agree(CASE, ours["entry_bar"], entry, rel=0)
    agree(CASE, ours["exit_bar"], exit, rel=0)
    agree(CASE, ours["quantity"] * ours["side"], size, rel=0)
    agree(CASE, ours["entry_price"], entry_price)
    agree(CASE, ours["exit_price"], exit_price)
    agree(CASE, ours["pnl"], pnl, abs=1e-6)
    agree(CASE, ours["costs"], commission)
    # With trade_on_close an order at close t is carried out at the start of t + 1, after the equity of t was noted.
    late = ledger.fills["bar"][ledger.fills["reason"] == SIGNAL] if case["fill"] == "same_close" else []
    rows = np.setdiff1d(np.arange(0, len(goog), 50), late)
    agree(CASE, ledger.equity[rows], np.array(case["equity_every_50"])[rows // 50])
    agree(CASE, ledger.equity[-1], case["final_equity"])
