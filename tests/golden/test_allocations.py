"""Shares of stocks against skfolio and PyPortfolioOpt (`make_allocations.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.portfolio.allocation import ALLOCATIONS, estimate

GOLDEN = json.loads(Path(__file__).with_name("allocations.json").read_text())
CLOSED = {
    "name": "Shares: inverse volatility, hierarchical risk parity",
    "data": "3 to 5 stocks, five stretches of 63 to 252 sessions",
    "peer": "skfolio 1.12.2, PyPortfolioOpt 1.6.0",
    "compared": "every share; HRP with single linkage",
}
CASE = {
    "name": "Shares: risk parity, least variance, largest ratio, with and without a cap",
    "data": CLOSED["data"],
    "peer": CLOSED["peer"],
    "compared": "every share, to 3e-5 of it: what their solvers leave",
}


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['start']}-{case['cap']}")
@pytest.mark.parametrize("peer", ["skfolio", "pypfopt"])
def test_shares_equal_those_of_the_peer(agree, stocks, peer, case):
    bars = stocks.select(case["symbols"], start=case["start"])
    closes = bars.close[: case["sessions"] + 1]
    returns = closes[1:] / closes[:-1] - 1.0
    for name, theirs in case[peer].items():
        found = estimate(name, returns, case["cap"])
        assert not found.notes
        assert not found.still.any()
        if name in ("inverse_volatility", "hrp"):
            agree(CLOSED, found.shares, theirs, what=name)
        else:
            agree(CASE, found.shares, theirs, rel=1e-5, abs=1e-6, what=name)


def test_every_allocation_has_a_peer():
    compared = {name for case in GOLDEN["cases"] for peer in ("skfolio", "pypfopt") for name in case[peer]}
    assert compared == set(ALLOCATIONS)


def test_where_the_peers_refuse_the_largest_ratio_there_is_no_gain(stocks):
    refused = [case for case in GOLDEN["cases"] if "max_sharpe" not in case["skfolio"]]
    assert refused
    for case in refused:
        closes = stocks.select(case["symbols"], start=case["start"]).close[: case["sessions"] + 1]
        found = estimate("max_sharpe", closes[1:] / closes[:-1] - 1.0, case["cap"])
        assert found.notes == {"no_gain"}
        np.testing.assert_allclose(found.shares, case["skfolio"]["min_variance"], atol=1e-6)
