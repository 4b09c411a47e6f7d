"""Make `portfolios_bt.json`: monthly rebalanced portfolios of stocks and of currencies as bt keeps their books.

    python -m venv bt && bt/bin/pip install "bt==1.4.1" pyarrow
    bt/bin/python tests/golden/make_portfolios_bt.py

Data: `stocks.parquet` (adjusted closes, two of five listed later) and the ECB's exchange rates that the project ships
(one of twelve listed later). Positions are fractional. Weights are decided at the last close of a month and traded at
the first close of the next one (`next_close`):

- equal: 1 / number of those that have a price;
- inverse volatility: 1 / sample deviation of the last 63 returns (pandas), of those that have 63, scaled to sum 1.

Three ways to pay, because bt takes the commission out of the amount of each order, so that a purchase buys less and a
sale sells more, while we trade to the target and pay on top:

- "free": bt's own `Rebalance` without commission, fully invested;
- "units": commission of 10 bps, 98 % invested, orders in units of target x equity / price, placed by `transact`; bt
  does the cash, the commission, the marks and the sums;
- "amounts": bt's own `Rebalance` with that commission, fully invested. The difference is the commission times what is
  traded, per order, and stays first order: the test says how large.
"""

from __future__ import annotations

import json
from pathlib import Path

import bt
import numpy as np
import pandas as pd

COMMISSION, CASH, INVESTED, WINDOW = 0.001, 100_000.0, 0.98, 63
HERE = Path(__file__).parent


def prices() -> dict[str, pd.DataFrame]:
    stocks = pd.read_parquet(HERE / "stocks.parquet").pivot(index="date", columns="ticker", values="adjusted")
    rates = pd.read_parquet(HERE.parents[1] / "app/datasets/fx_daily/data.parquet")
    for frame in (stocks, rates):
        frame.index = pd.DatetimeIndex(frame.index)
    return {"stocks": stocks, "currencies": rates}


def weights_of(frame: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """At the first session of each month what was decided at the last session of the month before."""
    if scheme == "equal":
        wished = frame.notna().astype(float)
    else:
        wished = 1.0 / frame.pct_change(fill_method=None).rolling(WINDOW).std()
    wished = wished.div(wished.sum(axis=1), axis=0).fillna(0.0)
    months = frame.index.to_period("M")
    first = np.append(False, months[1:] != months[:-1])
    return wished.shift(1)[first & (wished.shift(1).sum(axis=1) > 0.5).to_numpy()]


class Units(bt.Algo):
    """Orders in units of target x equity / price, the ones that reduce first; equity before the costs of today."""

    def __call__(self, target: bt.Strategy) -> bool:
        equity, wished = target.value, target.temp["weights"]
        orders = {}
        for name, weight in wished.items():
            held = target.children[name].position if name in target.children else 0.0
            price = target.universe.loc[target.now, name]
            if np.isfinite(price):
                orders[name] = INVESTED * weight * equity / price - held
        for name in sorted(orders, key=orders.get):
            if orders[name] != 0.0:
                target.transact(orders[name], child=name)
        return True


def case(name: str, frame: pd.DataFrame, scheme: str, payment: str) -> dict:
    weights = weights_of(frame, scheme)
    algos = [bt.algos.RunOnDate(*weights.index), bt.algos.WeighTarget(weights)]
    algos.append(Units() if payment == "units" else bt.algos.Rebalance())
    children = [bt.Security(symbol) for symbol in frame.columns]
    charge = 0.0 if payment == "free" else COMMISSION
    test = bt.Backtest(
        bt.Strategy(name, algos, children),
        frame,
        initial_capital=CASH,
        integer_positions=False,
        commissions=lambda quantity, price: abs(quantity) * price * charge,
        progress_bar=False,
    )
    test.run()
    days = slice(1, None)  # bt puts a day without prices before the first
    held = test.strategy.positions.reindex(columns=frame.columns, fill_value=0.0).iloc[days]
    orders = held.diff().fillna(held.iloc[0])
    return {
        "data": name,
        "scheme": scheme,
        "payment": payment,
        "rebalances": len(weights),
        "orders": int((orders.abs() > 1e-9).to_numpy().sum()),
        "total_fees": float(test.strategy.fees.sum()),
        "equity_every_50": test.strategy.values.iloc[days].to_list()[::50],
        "final_equity": float(test.strategy.values.iloc[-1]),
        "final_units": held.iloc[-1].to_list(),
    }


if __name__ == "__main__":
    found = {
        "source": f"bt {bt.__version__}, weights of pandas {pd.__version__}",
        "commission": COMMISSION,
        "cash": CASH,
        "invested": INVESTED,
        "window": WINDOW,
        "cases": [
            case(name, frame, scheme, payment)
            for name, frame in prices().items()
            for scheme in ("equal", "inverse_volatility")
            for payment in ("free", "units", "amounts")
        ],
    }
    text = json.dumps(found).replace('{"data"', '\n {"data"')
    (HERE / "portfolios_bt.json").write_text(text + "\n")
