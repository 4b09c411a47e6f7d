"""Gaps, bars that touch stop and target, and prices exactly at a level, against vectorbt (`make_gaps_vectorbt.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import Bars, Config, simulate, trades
from engine.trades import EXIT_REASONS

GOLDEN = json.loads(Path(__file__).with_name("gaps_vectorbt.json").read_text())
CASE = {
    "name": "Gaps through stops and targets, both touched, exact ties",
    "data": "made bars of whole prices",
    "peer": "vectorbt 1.2.0",
    "compared": "every trade: bars, prices, pnl, exit reason; equity, commission",
}


@pytest.fixture(scope="module")
def made():
    """The same bars as in the script that made the numbers."""
    rng = np.random.default_rng(7)
    four = 100 + np.clip(np.rint(rng.normal(0.0, 2.5, (GOLDEN["bars"], 4))), -9, 9)
    days = np.busday_offset("2015-01-01", np.arange(len(four)), roll="forward")
    return Bars.from_arrays(days, four[:, 0], four.max(axis=1), four.min(axis=1), four[:, 1], symbols=("MADE",))


def target_of(side):
    t = np.arange(GOLDEN["bars"])
    sign = {"long": 1.0, "short": -1.0, "both": np.where(t // 6 % 2 == 0, 1.0, -1.0)}[side]
    return (np.where(t % 6 < 4, 1.0, 0.0) * sign).reshape(-1, 1)


def named(case):
    exits = "-".join(f"{name}-{value}" for name, value in case["exits"].items() if name != "halves")
    return f"{case['side']}-{case['fill']}-{exits}"


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=named)
def test_exits_of_made_bars_equal_vectorbt(made, agree, case):
    exits = {name: value for name, value in case["exits"].items() if name != "halves"}
    config = Config(
        initial_capital=GOLDEN["cash"],
        fill=case["fill"],
        commission_bps=GOLDEN["fees"] * 1e4,
        slippage_bps=0.0,
        max_leverage=1.01,
        **exits,
    )
    ledger = simulate(made, target_of(case["side"]) / (1.0 + GOLDEN["fees"]), config)
    ours, theirs = trades.from_ledger(made, ledger), case["trades"]
    assert [EXIT_REASONS[reason] for reason in ours["exit_reason"]] == [row[5] for row in theirs]
    entry, exit, entry_price, exit_price, pnl = zip(*(row[:5] for row in theirs), strict=True)
    agree(CASE, ours["entry_bar"], entry, rel=0)
    agree(CASE, np.where(ours["exit_bar"] < 0, len(made) - 1, ours["exit_bar"]), exit, rel=0)
    agree(CASE, ours["entry_price"], entry_price)
    agree(CASE, ours["exit_price"], exit_price)
    agree(CASE, ours["pnl"], pnl, abs=1e-9 * GOLDEN["cash"])
    agree(CASE, ledger.equity[::50], case["equity_every_50"])
    agree(CASE, ledger.commission.sum(), case["total_fees"])


def test_the_runs_hold_every_kind_of_bar_many_times():
    assert {name: count for name, count in GOLDEN["seen"].items() if count < 50} == {}
