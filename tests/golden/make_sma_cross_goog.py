"""Make `sma_cross_goog.json`: SMA crossings of Google with stop and target as backtesting.py trades them.

    python -m venv btpy && btpy/bin/pip install "backtesting==0.6.6" pyarrow
    btpy/bin/python tests/golden/make_sma_cross_goog.py

Whole shares, commission 10 bps, half of equity: int(0.5 equity / (price (1 + commission))) shares; no spread, which
backtesting.py charges at the entry only. Two things are told to it so that both mean the same:

- A stop or target is a price given with the order. For orders at the next open the script looks that price up, so
  that both measure from the entry, and puts it in behind the check against the last close, which a gap may be beyond.
  (`trade_on_close` needs no such thing: the price is the close.)
- An exit by signal takes the stop and the target back. Otherwise backtesting.py would carry out a stop that the next
  bar reaches before the exit at that bar's open.

backtesting.py looks at the stop first even where the open was beyond the target; the script refuses such a bar.
"""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path

import backtesting
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

COMMISSION, CASH, PART, FAST, SLOW = 0.001, 100_000.0, 0.5, 8, 25
EXITS = ({"stop_loss": 0.03, "take_profit": 0.06}, {"stop_loss": 0.02}, {"take_profit": 0.04}, {"stop_loss": 0.01})


def average(values: np.ndarray, window: int) -> np.ndarray:
    return pd.Series(values).rolling(window).mean().to_numpy()


class Cross(Strategy):
    side, stop_loss, take_profit, on_close, opens = 1, None, None, False, None

    def init(self) -> None:
        self.fast = self.I(average, self.data.Close, FAST)
        self.slow = self.I(average, self.data.Close, SLOW)

    def next(self) -> None:
        up, down = crossover(self.fast, self.slow), crossover(self.slow, self.fast)
        enters, leaves = (up, down) if self.side > 0 else (down, up)
        if leaves:
            for trade in self.trades:
                trade.sl = trade.tp = None
                trade.close()
        t = len(self.data) - 1
        if enters and not self.position and (self.on_close or t + 1 < len(self.opens)):
            price = self.data.Close[-1] if self.on_close else self.opens[t + 1]
            stop = price * (1 - self.side * self.stop_loss) if self.stop_loss else None
            target = price * (1 + self.side * self.take_profit) if self.take_profit else None
            order = (self.buy if self.side > 0 else self.sell)(size=PART)
            order._replace(sl_price=stop, tp_price=target)


def reason(trade: object, frame: pd.DataFrame, side: int) -> str:
    """An exit by signal has taken stop and target back; of the others the price tells which it was."""
    bar = frame.iloc[trade.ExitBar]
    opened, left = side * bar.Open, side * trade.ExitPrice
    stop = side * trade.SL if pd.notna(trade.SL) else -np.inf
    target = side * trade.TP if pd.notna(trade.TP) else np.inf
    if opened >= target and (bar.Low if side > 0 else -bar.High) <= stop:
        raise ValueError(f"bar {trade.ExitBar} opens beyond the target and reaches the stop")
    if left == max(opened, target):
        return "take_profit"
    if left == min(opened, stop):
        return "stop_loss"
    if np.isfinite(stop) or np.isfinite(target):
        raise ValueError(f"no reason for the exit at bar {trade.ExitBar}")
    return "signal"


def case(frame: pd.DataFrame, side: int, fill: str, exits: dict[str, float]) -> dict:
    on_close = fill == "same_close"
    test = Backtest(frame, Cross, cash=CASH, commission=COMMISSION, trade_on_close=on_close, finalize_trades=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = test.run(side=side, on_close=on_close, opens=tuple(frame["Open"]), **exits)
    equity = stats["_equity_curve"]["Equity"].to_numpy()
    return {
        "side": "long" if side > 0 else "short",
        "fill": fill,
        "exits": exits,
        "equity_every_50": equity[::50].tolist(),
        "final_equity": float(equity[-1]),
        "trades": [
            [
                int(row.EntryBar),
                int(row.ExitBar),
                int(row.Size),
                float(row.EntryPrice),
                float(row.ExitPrice),
                float(row.PnL),
                float(row.Commission),
                reason(row, frame, side),
            ]
            for row in stats["_trades"].sort_values("EntryBar").itertuples()
        ],
    }


if __name__ == "__main__":
    stocks = pd.read_parquet(Path(__file__).with_name("stocks.parquet"))
    frame = stocks[stocks["ticker"] == "GOOG"].set_index("date")
    frame.index = pd.DatetimeIndex(frame.index)
    frame = frame[["open", "high", "low", "close", "volume"]].rename(columns=str.capitalize)
    found = {
        "source": f"backtesting.py {backtesting.__version__}; stocks.parquet",
        "commission": COMMISSION,
        "cash": CASH,
        "part": PART,
        "fast": FAST,
        "slow": SLOW,
        "cases": [
            case(frame, side, fill, exits)
            for side, fill, exits in itertools.product((1, -1), ("next_open", "same_close"), EXITS)
        ],
    }
    text = json.dumps(found).replace('"], [', '"],\n  [').replace('{"side"', '\n {"side"')
    Path(__file__).with_name("sma_cross_goog.json").write_text(text + "\n")
