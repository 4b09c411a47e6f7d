"""SMA crossings on the S&P 500, against what vectorbt 1.2.0 made of the same bars (`make_sma_cross_sp500.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from arch.data import sp500

import strategies
from engine import Bars, Config, measure, simulate, trades
from engine.figures import Run

GOLDEN = json.loads(Path(__file__).with_name("sma_cross_sp500.json").read_text())


@pytest.fixture(scope="module")
def bars():
    frame = sp500.load()
    columns = (frame[name] for name in ("Open", "High", "Low", "Close", "Volume"))
    return Bars.from_arrays(frame.index.to_numpy(), *columns, symbols=("SPX",))


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['fast']}-{case['slow']}-{case['side']}")
def test_crossings_of_the_sp500_equal_vectorbt(bars, case):
    bound = strategies.get("sma_cross").bind(fast=case["fast"], slow=case["slow"], side=case["side"])
    config = Config(
        initial_capital=GOLDEN["cash"],
        commission_bps=GOLDEN["fees"] * 1e4,
        slippage_bps=GOLDEN["slippage"] * 1e4,
        # vectorbt lets a short of 100 % pay its costs out of the proceeds; a long is bound by cash in both.
        max_leverage=1.0 if case["side"] == "long" else 1.01,
    )
    part = 0.5 if case["side"] == "both" else 1.0
    ledger = simulate(bars, bound(bars) * part, config)
    found = trades.from_ledger(bars, ledger)
    figures = measure(Run(bars.time, ledger, found, bars.periods_per_year))
    assert len(bars) == GOLDEN["bars"]
    np.testing.assert_allclose(ledger.equity[::100], case["equity_every_100"], rtol=1e-9)
    assert figures["final_equity"] == pytest.approx(case["final_equity"], rel=1e-9)
    assert figures["max_drawdown"] == pytest.approx(case["max_drawdown"], rel=1e-9)
    assert figures["sharpe"] == pytest.approx(case["sharpe"], rel=1e-9)
    assert figures["total_commission"] == pytest.approx(case["total_fees"], rel=1e-9)
    assert len(found) == len(case["trades"])
    for ours, theirs in zip(found, case["trades"], strict=True):
        entry, exit, status, entry_price, exit_price, pnl = theirs
        assert ours["entry_bar"] == entry
        assert ours["exit_bar"] == (exit if status == 1 else -1)
        assert ours["entry_price"] == pytest.approx(entry_price, rel=1e-9)
        assert ours["exit_price"] == pytest.approx(exit_price, rel=1e-9)
        assert ours["pnl"] == pytest.approx(pnl, rel=1e-9, abs=1e-6)
