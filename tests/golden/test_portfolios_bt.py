"""Monthly portfolios of stocks and of currencies against bt (`make_portfolios_bt.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import Config, indicators, simulate

GOLDEN = json.loads(Path(__file__).with_name("portfolios_bt.json").read_text())
CASE = {
    "name": "Monthly portfolios: equal, inverse volatility",
    "data": "5 stocks, 12 currencies (ECB), late listings",
    "peer": "bt 1.4.1",
    "compared": "equity, final units, number of orders, commission",
}
AMOUNTS = {
    "name": "The same, commission taken out of each order",
    "data": CASE["data"],
    "peer": CASE["peer"],
    "compared": "equity, to 2e-4: each order differs by the commission on it",
}


def weights_of(case, bars):
    """Decided at the last close of each month, no opinion in between."""
    if case["scheme"] == "equal":
        wished = (~np.isnan(bars.close)).astype(float)
    else:
        wished = 1.0 / indicators.rolling_std(indicators.returns(bars.close), GOLDEN["window"])
    wished = np.nan_to_num(wished)
    total = wished.sum(axis=1, keepdims=True)
    np.divide(wished, total, out=wished, where=total > 0.0)
    months = bars.time.astype("datetime64[M]")
    decided = np.append(months[1:] != months[:-1], False)
    return np.where(decided[:, None], wished, np.nan)


@pytest.fixture(params=GOLDEN["cases"], ids=lambda case: f"{case['data']}-{case['scheme']}-{case['payment']}")
def case(request):
    return request.param


def test_a_monthly_portfolio_equals_bt(request, agree, case):
    bars = request.getfixturevalue(case["data"])
    config = Config(
        initial_capital=GOLDEN["cash"],
        fill="next_close",
        rebalance="monthly",
        commission_bps=0.0 if case["payment"] == "free" else GOLDEN["commission"] * 1e4,
        slippage_bps=0.0,
    )
    invested = GOLDEN["invested"] if case["payment"] == "units" else 1.0
    ledger = simulate(bars, weights_of(case, bars) * invested, config)
    if case["payment"] == "amounts":
        # Orders differ by the commission on them, 1e-3 of a few percent of equity a month, and that moves with prices.
        agree(AMOUNTS, ledger.equity[::50], case["equity_every_50"], rel=2e-4)
        agree(AMOUNTS, ledger.equity[-1], case["final_equity"], rel=2e-4)
        return
    assert len(ledger.fills) == case["orders"]
    agree(CASE, ledger.equity[::50], case["equity_every_50"])
    agree(CASE, ledger.equity[-1], case["final_equity"])
    agree(CASE, ledger.positions[-1], case["final_units"])
    agree(CASE, ledger.commission.sum(), case["total_fees"], abs=1e-9)
