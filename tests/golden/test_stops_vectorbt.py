"""Stop-loss, take-profit and trailing stop against vectorbt, trade by trade (`make_stops_vectorbt.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import Config, measure, simulate, trades
from engine.figures import Run
from engine.trades import EXIT_REASONS

GOLDEN = json.loads(Path(__file__).with_name("stops_vectorbt.json").read_text())
CASE = {
    "name": "Stops, targets, trailing stops",
    "data": "S&P 500, NASDAQ (arch), GOOG",
    "peer": "vectorbt 1.2.0",
    "compared": "every trade: bars, prices, pnl, exit reason; equity, commission; gaps, entry bar, both touched",
}
FIGURES = {
    "name": "Figures of those runs",
    "data": CASE["data"],
    "peer": CASE["peer"],
    "compared": "12 figures of returns, 6 of closed trades",
}


def named(case):
    exits = "-".join(f"{name}-{value}" for name, value in case["exits"].items() if name != "halves")
    return f"{case['data']}-{case['side']}-{case['fill']}-{exits}"


def weights_of(case, bars):
    """100 % of vectorbt buys or sells cash / (price with slippage x (1 + fees)), as a fraction of equity."""
    target = np.zeros(len(bars))
    for bar, value in GOLDEN["changes"][f"{case['data']} {case['side']}"]:
        target[bar:] = value
    return (target / (1.0 + target * GOLDEN["slippage"]) / (1.0 + GOLDEN["fees"])).reshape(-1, 1)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=named)
def test_exits_equal_vectorbt(request, agree, case):
    bars = request.getfixturevalue(case["data"])
    exits = {name: value for name, value in case["exits"].items() if name != "halves"}
    config = Config(
        initial_capital=GOLDEN["cash"],
        fill=case["fill"],
        commission_bps=GOLDEN["fees"] * 1e4,
        slippage_bps=GOLDEN["slippage"] * 1e4,
        max_leverage=1.01,  # vectorbt lets a short pay its costs out of the proceeds
        **exits,
    )
    ledger = simulate(bars, weights_of(case, bars), config)
    ours, theirs = trades.from_ledger(bars, ledger), case["trades"]
    assert len(bars) == GOLDEN["bars"][case["data"]]
    assert [EXIT_REASONS[reason] for reason in ours["exit_reason"]] == [row[5] for row in theirs]
    entry, exit, entry_price, exit_price, pnl = zip(*(row[:5] for row in theirs), strict=True)
    agree(CASE, ours["entry_bar"], entry, rel=0)
    agree(CASE, np.where(ours["exit_bar"] < 0, len(bars) - 1, ours["exit_bar"]), exit, rel=0)
    agree(CASE, ours["entry_price"], entry_price)
    agree(CASE, ours["exit_price"], exit_price)
    agree(CASE, ours["pnl"], pnl, abs=1e-9 * GOLDEN["cash"])
    agree(CASE, ledger.equity[::50], case["equity_every_50"])
    agree(CASE, ledger.equity[-1], case["final_equity"])
    agree(CASE, ledger.commission.sum(), case["total_fees"])
    figures = measure(Run(bars.time, ledger, ours, bars.periods_per_year))
    for name, value in case["figures"].items():
        agree(FIGURES, figures[name], value, what=name)


def test_the_runs_hold_every_kind_of_bar_that_exits_are_defined_for():
    assert {name: count for name, count in GOLDEN["seen"].items() if count < 5} == {}
