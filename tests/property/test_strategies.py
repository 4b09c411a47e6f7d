"""What must hold for every strategy of the shelf, whatever the prices."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import simulate
from tests.property.test_engine import configs, market, same_past, seeds, truncated
from tests.shelf import PRICE

SMALL = {
    "buy_and_hold": {},
    "sma_cross": {"fast": 3, "slow": 8, "side": "both"},
    "donchian_breakout": {"entry": 6, "exit": 3, "side": "both"},
    "time_series_momentum": {"months": 2},
    "ema_cross": {"fast": 3, "slow": 8, "side": "both"},
    "macd_trend": {"fast": 3, "slow": 8, "signal": 3, "side": "both"},
    "bollinger_reversion": {"window": 8, "width": 1.0, "side": "both"},
    "keltner_breakout": {"window": 8, "range_window": 5, "width": 1.0, "side": "both"},
    "rsi_reversion": {"window": 2, "entry": 15.0, "trend": 20, "exit_average": 3, "side": "both"},
    "cross_sectional_momentum": {"months": 3, "side": "both"},
    "low_volatility": {"window": 20, "side": "both"},
    "vol_target": {"window": 20, "volatility_target": 0.3},
    "pairs_spread": {"window": 20, "entry": 1.0},
}


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
@settings(derandomize=True, max_examples=15, deadline=None)
@given(seed=seeds, stop=st.integers(90, 299), config=configs())
def test_no_strategy_sees_the_future(item, seed, stop, config):
    bars = market(seed, total=300)
    bound = item.bind(**SMALL.get(item.id, {}))
    cut = truncated(bars, stop)
    whole, part = bound(bars), bound(cut)
    assert whole[:stop].tobytes() == part.tobytes()
    same_past(simulate(bars, whole, config), simulate(cut, part, config), stop)


REPEAT = """
import hashlib, numpy as np, strategies
from engine import Bars, Config, backtest
from tests.shelf import PRICE
rng = np.random.default_rng(9)
close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (600, 3)), axis=0))
time = np.busday_offset("2015-01-01", np.arange(600), roll="forward")
bars = Bars.from_closes(time, close, ("A", "B", "C"))
exits = Config(stop_loss=0.05, trailing_stop=0.1, rebalance="weekly", borrow_bps=50.0, lot_size=0.1)
shelf = [item.bind() for item in strategies.all() if not item.legs]
results = [backtest(bars, bound, config) for bound in shelf for config in (Config(), exits)]
print(hashlib.sha256(b"".join(r.ledger.equity.tobytes() + repr(r.metrics).encode() for r in results)).hexdigest())
"""


def test_another_process_makes_the_same_bits():
    digests = {
        subprocess.run(
            [sys.executable, "-c", REPEAT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
@settings(derandomize=True, max_examples=15, deadline=None)
@given(seed=seeds, several=st.lists(configs(), min_size=3, max_size=3))
def test_threads_do_not_disturb_each_other(item, seed, several):
    bound, work = item.bind(**SMALL.get(item.id, {})), []
    for at, config in enumerate(several):
        work += [(market(seed + at, total=300 + 200 * at), config)] * 3

    def run(bars_and_config):
        bars, config = bars_and_config
        return simulate(bars, bound(bars), config)

    with ThreadPoolExecutor(4) as pool:
        for (bars, _), alone, beside in zip(work, list(map(run, work)), pool.map(run, work), strict=True):
            same_past(alone, beside, len(bars))
