"""Numbers belong to a version: results are stored under it, and an identical request is answered from the store.

When this fails because a result has rightly changed, raise `ENGINE_VERSION` and record the new numbers:

    python tests/golden/test_version.py
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from arch.data import sp500

import strategies
from engine import ENGINE_VERSION, Bars, Config, backtest

RECORD = Path(__file__).with_name(f"engine_{ENGINE_VERSION}.json")
CONFIGS = {
    "default": {},
    "weekly_with_stops": {"rebalance": "weekly", "stop_loss": 0.04, "take_profit": 0.08, "trailing_stop": 0.05},
    "lots_at_the_close": {"fill": "next_close", "lot_size": 1.0, "borrow_bps": 100, "commission_minimum": 5.0},
}
CASES = [
    (name, config)
    for name in ("buy_and_hold", "sma_cross", "donchian_breakout", "time_series_momentum")
    for config in CONFIGS
]


def measured(name, config):
    frame = sp500.load()
    columns = (frame[column] for column in ("Open", "High", "Low", "Close", "Volume"))
    bars = Bars.from_arrays(frame.index.to_numpy(), *columns, symbols=("SPX",))
    return backtest(bars, strategies.get(name).bind(), Config(**CONFIGS[config])).metrics


@pytest.mark.parametrize(("name", "config"), CASES)
def test_this_version_still_makes_its_numbers(name, config):
    recorded = json.loads(RECORD.read_text())[f"{name} {config}"]
    found = measured(name, config)
    assert set(found) == set(recorded)
    for figure, value in recorded.items():
        expected = value if value is None else pytest.approx(value, rel=1e-10)
        assert found[figure] == expected, figure


if __name__ == "__main__":
    RECORD.write_text(json.dumps({f"{n} {c}": measured(n, c) for n, c in CASES}, indent=1) + "\n")
