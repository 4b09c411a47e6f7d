"""Make `stops_vectorbt.json`: stop-loss, take-profit and trailing stop as vectorbt fills them on real daily bars.

    python -m venv vbt && vbt/bin/pip install "vectorbt==1.2.*" "arch==8.*" pyarrow
    vbt/bin/python tests/golden/make_stops_vectorbt.py

`Portfolio.from_signals` with `stop_exit_price="stopmarket"` (slippage applies to stops too; an open beyond the stop
is the price). The settings under which both engines mean the same thing:

- Orders at the close (`same_close`, or signals one bar later for `next_close`): vectorbt takes one order per bar, so
  it watches no stop on the bar of entry, which we do after an entry at the open.
- For `next_open`, and where a bar opens beyond the target and then reaches the stop (vectorbt looks at the stop first,
  we know that the open came first), each bar is given to vectorbt as two: its open alone, then the whole bar.
- We measure stop-loss and take-profit from the entry price with slippage, the trailing stop from the best price
  without. vectorbt knows one entry price: `fillprice`, or, with a trailing stop, `price` and a target so converted.
- vectorbt has either a fixed or a trailing stop, never both.
- 100 % of vectorbt is cash / (price with slippage x (1 + fees)), for shorts too.
- With side "both" long and short never follow each other on the next bar, because vectorbt drops the order of a bar
  on which a stop was hit.
"""

from __future__ import annotations

import json
from pathlib import Path

import arch
import numpy as np
import pandas as pd
import vectorbt as vbt
from arch.data import nasdaq, sp500

FEES, SLIPPAGE, CASH = 0.001, 0.0005, 100_000.0
EXITS = [
    {"stop_loss": 0.03},
    {"take_profit": 0.04},
    {"trailing_stop": 0.04},
    {"stop_loss": 0.02, "take_profit": 0.03},
    {"trailing_stop": 0.03, "take_profit": 0.05},
    {"stop_loss": 0.006, "take_profit": 0.008, "halves": True},
    {"stop_loss": 0.015, "halves": True},
]
SEEN = (
    "both touched",
    "gap through the stop",
    "gap through the target",
    "stopped on the bar of entry",
    "opened beyond the target, then reached the stop",
)
SIDES = ("long", "short", "both")


def frames() -> dict[str, pd.DataFrame]:
    stocks = pd.read_parquet(Path(__file__).with_name("stocks.parquet"))
    found = {"sp500": sp500.load(), "nasdaq": nasdaq.load(), "goog": stocks[stocks["ticker"] == "GOOG"]}
    return {
        name: frame.rename(columns=str.lower)[["open", "high", "low", "close"]].reset_index(drop=True)
        for name, frame in found.items()
    }


def targets(close: pd.Series, side: str) -> np.ndarray:
    """1, 0, -1 decided at each close: an average of 20 above or below one of 60 by more than half a percent."""
    apart = (close.rolling(20).mean() / close.rolling(60).mean()).fillna(1.0).to_numpy() - 1.0
    wished = np.where(apart > 0.005, 1.0, np.where(apart < -0.005, -1.0, 0.0))
    if side != "both":
        return np.maximum(wished, 0.0) if side == "long" else np.minimum(wished, 0.0)
    out, last = np.zeros(len(wished)), 0.0
    for t, wish in enumerate(wished):
        last = 0.0 if wish == -last else wish
        out[t] = last
    return out


def changes(close: pd.Series, side: str) -> list[list[int]]:
    target = targets(close, side)
    return [[int(t), int(target[t])] for t in np.flatnonzero(np.diff(target, prepend=0.0))]


def halved(data: pd.DataFrame) -> pd.DataFrame:
    """Each bar as two: its open alone, then all of it."""
    out = data.loc[data.index.repeat(2)].reset_index(drop=True)
    for name in ("high", "low", "close"):
        out.loc[::2, name] = out.loc[::2, "open"]
    return out


def reason(
    trade: object,
    data: pd.DataFrame,
    exits: dict[str, float],
    fill: str,
    signalled: set[int],
    seen: dict,
    slippage: float,
) -> str:
    """Why vectorbt left, told by the price that it left at; `seen` counts the kinds of bars."""
    if trade.status == 0:
        return "open"
    side = 1.0 if trade.direction == 0 else -1.0
    bar = data.iloc[trade.exit_idx]
    price = trade.exit_price / (1.0 - side * slippage)
    low, high = (bar.low, bar.high) if side > 0 else (-bar.high, -bar.low)
    opened, left = side * bar.open, side * price
    paid, raw = trade.entry_price, trade.entry_price / (1.0 + side * slippage)
    since = data.iloc[trade.entry_idx + 1 : trade.exit_idx]
    best = max([raw, *since.high]) if side > 0 else min([raw, *since.low])
    stop = -np.inf
    if "stop_loss" in exits:
        stop = side * paid * (1.0 - side * exits["stop_loss"])
    if "trailing_stop" in exits:
        stop = side * best * (1.0 - side * exits["trailing_stop"])
    target = side * paid * (1.0 + side * exits["take_profit"]) if "take_profit" in exits else np.inf
    entered_now = trade.entry_idx == trade.exit_idx
    if opened >= target and low <= stop:
        if "halves" not in exits:
            raise ValueError(f"bar {trade.exit_idx} opens beyond the target and reaches the stop")
        seen["opened beyond the target, then reached the stop"] += 1
    touched = low <= stop or high >= target
    if trade.exit_idx in signalled and (fill == "next_open" or not touched):
        expected = bar.open if fill == "next_open" else bar.close
        if np.isclose(price, expected, rtol=1e-12):
            return "signal"
    seen["stopped on the bar of entry"] += int(entered_now)
    seen["both touched"] += int(low <= stop < opened < target <= high)
    if np.isclose(left, max(opened, target), rtol=1e-12):
        seen["gap through the target"] += int(opened >= target)
        return "take_profit"
    if np.isclose(left, min(opened, stop), rtol=1e-12):
        seen["gap through the stop"] += int(opened <= stop)
        return "trailing_stop" if "trailing_stop" in exits else "stop_loss"
    raise ValueError(f"no reason for the exit at bar {trade.exit_idx}")


def figures(portfolio: vbt.Portfolio) -> dict[str, float | None]:
    """What vectorbt says of the run, with 252 bars a year; of trades it counts the closed ones. x / 0 becomes None."""
    closed = portfolio.positions.closed
    found = {
        "total_return": portfolio.total_return(),
        "cagr": portfolio.annualized_return(),
        "annual_volatility": portfolio.annualized_volatility(),
        "sharpe": portfolio.sharpe_ratio(),
        "sortino": portfolio.sortino_ratio(),
        "calmar": portfolio.calmar_ratio(),
        "omega": portfolio.omega_ratio(),
        "max_drawdown": portfolio.max_drawdown(),
        "downside_deviation": portfolio.downside_risk(),
        "tail_ratio": portfolio.tail_ratio(),
        "var_95": portfolio.value_at_risk(),
        "cvar_95": portfolio.cond_value_at_risk(),
        "win_rate": closed.win_rate(),
        "profit_factor": closed.profit_factor(),
        "expectancy": closed.expectancy(),
        "average_win": closed.winning.pnl.mean(),
        "average_loss": closed.losing.pnl.mean(),
        "average_bars_held": (closed.records["exit_idx"] - closed.records["entry_idx"]).mean(),
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in found.items()}


def case(
    name: str,
    data: pd.DataFrame,
    target: np.ndarray,
    side: str,
    fill: str,
    exits: dict[str, float],
    seen: dict,
    slippage: float = SLIPPAGE,
) -> dict:
    order = target if fill == "same_close" else np.append(0.0, target[:-1])
    signalled = set(np.flatnonzero(np.diff(order, prepend=0.0)).tolist())
    bars, parts = data, 1
    if "halves" in exits:
        bars, parts = halved(data), 2
        order = np.repeat(order, 2)  # on the first half of its bar where it trades at the open
        order = order if fill == "next_open" else np.append(0.0, order[:-1])
    before = np.append(0.0, order[:-1])
    trailing = "trailing_stop" in exits
    take = exits.get("take_profit", np.nan)
    if trailing:  # from the price without slippage; a long pays more, a short receives less
        signs = np.sign(order)
        take = np.abs((1.0 + signs * slippage) * (1.0 + signs * take) - 1.0)
    portfolio = vbt.Portfolio.from_signals(
        bars["close"],
        entries=(order > 0) & (before <= 0),
        exits=(order <= 0) & (before > 0),
        short_entries=(order < 0) & (before >= 0),
        short_exits=(order >= 0) & (before < 0),
        open=bars["open"],
        high=bars["high"],
        low=bars["low"],
        size=1.0,
        size_type="percent",
        sl_stop=exits.get("trailing_stop", exits.get("stop_loss", np.nan)),
        sl_trail=trailing,
        tp_stop=take,
        stop_entry_price="price" if trailing else "fillprice",
        stop_exit_price="stopmarket",
        fees=FEES,
        slippage=slippage,
        init_cash=CASH,
        freq="1D",
    )
    value = portfolio.value().to_numpy()[parts - 1 :: parts]
    trades = portfolio.positions.records
    trades["entry_idx"] //= parts
    trades["exit_idx"] //= parts
    return {
        "data": name,
        "side": side,
        "fill": fill,
        "exits": exits,
        "total_fees": float(portfolio.orders.records["fees"].sum()),
        "equity_every_50": value[::50].tolist(),
        "final_equity": float(value[-1]),
        "figures": figures(portfolio) if parts == 1 else {},
        "trades": [
            [
                int(row.entry_idx),
                int(row.exit_idx),
                float(row.entry_price),
                float(row.exit_price),
                float(row.pnl),
                reason(row, data, exits, fill, signalled, seen, slippage),
            ]
            for row in trades.itertuples()
        ],
    }


def write(name: str, found: dict) -> None:
    """One line per case and per trade."""
    text = json.dumps(found).replace('"], [', '"],\n  [').replace('{"data"', '\n {"data"')
    Path(__file__).with_name(name).write_text(text + "\n")


if __name__ == "__main__":
    vbt.settings.returns["year_freq"] = "252 days"
    seen = dict.fromkeys(SEEN, 0)
    data = frames()
    cases = []
    for name in data:
        for n, exits in enumerate(EXITS):
            for m, side in enumerate(SIDES):
                if name != "nasdaq" or n % 3 == m:
                    fills = ("next_open", "same_close") if "halves" in exits else ("same_close", "next_close")
                    fill = "next_open" if n == len(EXITS) - 1 else fills[(n + m) % 2]
                    cases.append(case(name, data[name], targets(data[name]["close"], side), side, fill, exits, seen))
    found = {
        "source": f"vectorbt {vbt.__version__}; arch {arch.__version__}; stocks.parquet",
        "bars": {name: len(frame) for name, frame in data.items()},
        "fees": FEES,
        "slippage": SLIPPAGE,
        "cash": CASH,
        "seen": seen,
        # Side by side: [bar, target from its close on].
        "changes": {f"{name} {side}": changes(frame["close"], side) for name, frame in data.items() for side in SIDES},
        "cases": cases,
    }
    write("stops_vectorbt.json", found)
