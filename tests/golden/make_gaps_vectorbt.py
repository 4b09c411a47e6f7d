"""Make `gaps_vectorbt.json`: opens beyond stops and targets, bars that touch both, prices exactly at a level.

    vbt/bin/python tests/golden/make_gaps_vectorbt.py      (environment and method: see make_stops_vectorbt.py)

Made bars: whole prices from a seeded generator that jump by a few percent, in and out of the market every few bars,
no slippage, so that levels such as 2 % from 100 are whole prices too and are met exactly.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import vectorbt as vbt
from make_stops_vectorbt import CASH, FEES, SEEN, case, write

TOTAL = 900
EXITS = [
    {"stop_loss": 0.02, "take_profit": 0.02},
    {"stop_loss": 0.01, "take_profit": 0.03},
    {"stop_loss": 0.04, "take_profit": 0.01},
    {"stop_loss": 0.02},
    {"take_profit": 0.02},
]


def bars() -> pd.DataFrame:
    """Whole prices around 100 [T]: open, high, low, close."""
    rng = np.random.default_rng(7)
    four = 100 + np.clip(np.rint(rng.normal(0.0, 2.5, (TOTAL, 4))), -9, 9)
    open, close = four[:, 0], four[:, 1]
    return pd.DataFrame({"open": open, "high": four.max(axis=1), "low": four.min(axis=1), "close": close})


def targets(side: str) -> np.ndarray:
    """In for four bars, out for two; long, short, or in turn."""
    t = np.arange(TOTAL)
    sign = {"long": 1.0, "short": -1.0, "both": np.where(t // 6 % 2 == 0, 1.0, -1.0)}[side]
    return np.where(t % 6 < 4, 1.0, 0.0) * sign


if __name__ == "__main__":
    seen = dict.fromkeys(SEEN, 0)
    cases = []
    for n, exits in enumerate(EXITS):
        for m, fill in enumerate(("next_open", "same_close", "next_close")):
            side = ("long", "short", "both")[(n + m) % 3]
            cases.append(case("made", bars(), targets(side), side, fill, {**exits, "halves": True}, seen, slippage=0.0))
    write(
        "gaps_vectorbt.json",
        {
            "source": f"vectorbt {vbt.__version__}; numpy's default_rng(7)",
            "fees": FEES,
            "cash": CASH,
            "bars": TOTAL,
            "seen": seen,
            "cases": cases,
        },
    )
