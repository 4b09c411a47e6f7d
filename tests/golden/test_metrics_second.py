"""A second opinion on figures: quantstats and ffn on real series (`make_metrics_second.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import measure

GOLDEN = json.loads(Path(__file__).with_name("metrics_second.json").read_text())
CASE = {
    "name": "Figures of returns, a second opinion",
    "data": "4 stocks, one of them held short",
    "peer": "quantstats 0.0.86, ffn 1.4.1",
    "compared": "14 figures",
}


@pytest.mark.parametrize("name", GOLDEN["series"])
def test_figures_equal_quantstats_and_ffn(stocks, run_of, agree, name):
    ticker = name.removeprefix("short ")
    traded = ~np.isnan(stocks.close[:, stocks.symbols.index(ticker)])
    closes = stocks.close[traded]
    change = closes[1:] / closes[:-1] - 1.0
    returns = change[:, stocks.symbols.index(ticker)] * (-1.0 if name.startswith("short") else 1.0)
    market = change[:, stocks.symbols.index(GOLDEN["market"])]
    run = run_of(returns, stocks.time[traded][1:], benchmark=market)
    figures = measure(run)
    for values in GOLDEN["series"][name].values():
        for figure, value in values.items():
            agree(CASE, figures[figure], value, what=figure)
