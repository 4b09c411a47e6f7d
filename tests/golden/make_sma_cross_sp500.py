"""Make `sma_cross_sp500.json`: SMA crossings on the S&P 500 as vectorbt sees them.

Run it in an environment of its own, never in the project's:

    python -m venv vbt && vbt/bin/pip install "vectorbt==1.2.*" "arch==8.*"
    vbt/bin/python tests/golden/make_sma_cross_sp500.py

Data: `arch.data.sp500` (Yahoo Finance daily bars, 1999-2018). Decided at close t, filled at the open of t + 1,
sized as a target percentage valued at the fill price, fees and slippage on. With side "both" half of equity is
used: vectorbt binds a purchase by cash but not a short sale, so at 100 % a reversal has no single leverage limit.
"""

from __future__ import annotations

import json
from pathlib import Path

import arch
import numpy as np
import vectorbt as vbt
from arch.data import sp500

FEES, SLIPPAGE, CASH = 0.001, 0.0005, 100_000.0
CASES = [(fast, slow, side) for fast, slow in ((10, 30), (20, 50), (50, 200)) for side in ("long", "short", "both")]


def held(up: np.ndarray, down: np.ndarray) -> np.ndarray:
    state, out = 0.0, np.zeros(len(up))
    for t in range(len(up)):
        state = 1.0 if up[t] else 0.0 if down[t] else state
        out[t] = state
    return out


def targets(close: object, fast: int, slow: int, side: str) -> np.ndarray:
    a, b = vbt.MA.run(close, fast), vbt.MA.run(close, slow)
    up, down = a.ma_crossed_above(b).to_numpy(), a.ma_crossed_below(b).to_numpy()
    target = np.zeros(len(close))
    if side != "short":
        target += held(up, down)
    if side != "long":
        target -= held(down, up)
    return target * (0.5 if side == "both" else 1.0)


def case(data: object, fast: int, slow: int, side: str) -> dict[str, object]:
    target = targets(data["Close"], fast, slow, side)
    size = np.full(len(target), np.nan)  # an order only where the target changes, one bar later
    changed = np.flatnonzero(np.diff(target, prepend=0.0))
    changed = changed[changed + 1 < len(target)]
    size[changed + 1] = target[changed]
    portfolio = vbt.Portfolio.from_orders(
        data["Close"],
        size=size,
        size_type="targetpercent",
        price=data["Open"],
        val_price=data["Open"],
        fees=FEES,
        slippage=SLIPPAGE,
        init_cash=CASH,
        freq="1D",
    )
    value = portfolio.value().to_numpy()
    trades = portfolio.positions.records
    returns = portfolio.returns().to_numpy()
    return {
        "fast": fast,
        "slow": slow,
        "side": side,
        "final_equity": float(value[-1]),
        "equity_every_100": value[::100].tolist(),
        "max_drawdown": float(portfolio.max_drawdown()),
        "sharpe": float(np.mean(returns) / np.std(returns, ddof=1) * np.sqrt(252)),
        "total_fees": float(portfolio.orders.records["fees"].sum()),
        "trades": [
            [
                int(row.entry_idx),
                int(row.exit_idx),
                int(row.status),
                float(row.entry_price),
                float(row.exit_price),
                float(row.pnl),
            ]
            for row in trades.itertuples()
        ],
    }


if __name__ == "__main__":
    frame = sp500.load()
    found = {
        "source": f"vectorbt {vbt.__version__} on arch.data.sp500 of arch {arch.__version__}",
        "bars": len(frame),
        "fees": FEES,
        "slippage": SLIPPAGE,
        "cash": CASH,
        "cases": [case(frame, *item) for item in CASES],
    }
    path = Path(__file__).with_name("sma_cross_sp500.json")
    path.write_text(json.dumps(found, indent=1) + "\n")
