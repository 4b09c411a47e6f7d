"""Real splits and dividends: on bars adjusted by what their publisher says, a holder earns the total return."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import strategies
from engine import Bars, Config, backtest

CASE = {
    "name": "Buying and holding through splits and dividends",
    "data": "AAPL, GOOG, IBM, MSFT as traded",
    "peer": "adjusted closes of WIKI Prices",
    "compared": "equity at every bar, traded money",
}
FRAME = pd.read_parquet(Path(__file__).with_name("stocks.parquet"))
FREE = Config(fill="same_close", commission_bps=0.0, slippage_bps=0.0)
# Apple split in 2000 and 2005, Microsoft in 2003; both prices of a day are as traded.
SPLITS = {"AAPL": ["2000-06-21", "2005-02-28"], "MSFT": ["2003-02-18"], "GOOG": [], "IBM": []}


@pytest.mark.parametrize("ticker", SPLITS)
def test_buy_and_hold_earns_the_total_return_of_a_real_stock(ticker, agree):
    frame = FRAME[FRAME["ticker"] == ticker]
    columns = {name: frame[name].to_numpy(dtype=float) for name in ("open", "high", "low", "close", "volume")}
    time, index = frame["date"].to_numpy(dtype="datetime64[ns]"), frame["adjusted"].to_numpy(dtype=float)
    adjusted = Bars.from_arrays(time, **columns, adj_close=index, symbols=(ticker,))
    bound = strategies.get("buy_and_hold").bind()
    equity = backtest(adjusted, bound, FREE).ledger.equity
    agree(CASE, equity, FREE.initial_capital * index / index[0], rel=1e-12)
    agree(CASE, (adjusted.volume * adjusted.close)[:, 0], columns["volume"] * columns["close"], rel=1e-14)
    traded = Bars.from_arrays(time, **columns, symbols=(ticker,))
    for day in SPLITS[ticker]:
        at = int(np.searchsorted(time, np.datetime64(day)))
        fell, went = (bars.close[at, 0] / bars.close[at - 1, 0] - 1.0 for bars in (traded, adjusted))
        assert fell < -0.4
        assert abs(went) < 0.12
