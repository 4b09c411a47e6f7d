"""W1 beside what one would write by hand: SMA 20/50 crossover, long only, 2,520 daily bars, next open, 10 bps.

    python -m bench.engine

The baseline computes the same positions and equity with numpy and pandas, and five figures; ours computes the
whole result (ledger, every figure, tables, trades). Both are timed alternately in one process.
"""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd

import strategies
from bench import walks
from bench.process import seconds
from engine import Bars, Config, backtest

COST = 0.001
ROUNDS = 200


def bars_of(total: int = 2520) -> Bars:
    return Bars.from_arrays(*walks.daily(20, total, start="2014-01-01"), symbols=("A",))


def baseline(frame: pd.DataFrame) -> dict[str, float]:
    """The usual hand-written backtest: positions from rolling means, returns split at the open, costs on changes."""
    relation = np.sign(frame["close"].rolling(20).mean() - frame["close"].rolling(50).mean())
    up = (relation > 0) & (relation.shift() <= 0)
    down = (relation < 0) & (relation.shift() >= 0)
    held = pd.Series(np.where(up, 1.0, np.where(down, 0.0, np.nan)), frame.index).ffill().fillna(0.0)
    before, now = held.shift(2).fillna(0.0), held.shift().fillna(0.0)
    overnight = before * (frame["open"] / frame["close"].shift() - 1).fillna(0.0)
    intraday = now * (frame["close"] / frame["open"] - 1)
    cost = np.where(now > before, 1 / (1 + COST), np.where(now < before, 1 - COST, 1.0))
    growth = (1 + overnight) * cost * (1 + intraday)
    equity = 100_000.0 * growth.cumprod()
    returns = equity.pct_change().fillna(0.0)
    return {
        "final_equity": float(equity.iloc[-1]),
        "sharpe": float(returns.mean() / returns.std() * np.sqrt(252)),
        "max_drawdown": float((equity / equity.cummax() - 1).min()),
        "annual_volatility": float(returns.std() * np.sqrt(252)),
        "entries": float((now > before).sum()),
    }


def main() -> None:
    bars = bars_of()
    frame = pd.DataFrame({"open": bars.open[:, 0], "close": bars.close[:, 0]}, index=bars.time)
    bound = strategies.get("sma_cross").bind(fast=20, slow=50)
    config = Config(commission_bps=COST * 1e4, slippage_bps=0.0)
    ours, theirs = backtest(bars, bound, config).metrics, baseline(frame)
    for name in ("final_equity", "sharpe", "max_drawdown", "annual_volatility"):
        if not np.isclose(float(ours[name] or 0.0), theirs[name], rtol=1e-9):
            raise SystemExit(f"{name}: {ours[name]} here, {theirs[name]} by hand")
    rounds = [(seconds(lambda: backtest(bars, bound, config)), seconds(lambda: baseline(frame))) for _ in range(ROUNDS)]
    mine, hand = (statistics.median(column) * 1e3 for column in zip(*rounds, strict=True))
    print(f"W1  engine {mine:.3f} ms   numpy/pandas by hand {hand:.3f} ms   ratio {hand / mine:.1f}")


if __name__ == "__main__":
    main()
