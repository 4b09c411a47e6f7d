"""What golden tests share: real prices, and `agree`, which compares and keeps count for `docs/parity.md`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.catalog import Catalog
from engine import Bars
from engine.book import FILL
from engine.figures import Run
from engine.ledger import Ledger
from engine.trades import TRADE

# Per golden module: values compared, largest absolute and largest relative difference.
COUNTS = pytest.StashKey[dict[str, tuple[int, float, float]]]()
# A value smaller than this part of the largest beside it is judged by its absolute difference only.
SMALL = 1e-3


@pytest.fixture(scope="session")
def agree(pytestconfig):
    """agree(case, ours, theirs, rel=1e-9, abs=0.0): equal within |theirs| * rel + abs, NaN only where both have it."""
    counts = pytestconfig.stash.setdefault(COUNTS, {})

    def check(case, ours, theirs, *, rel=1e-9, abs=0.0, what=""):
        ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
        assert ours.shape == theirs.shape, what
        np.testing.assert_allclose(ours, theirs, rtol=rel, atol=abs, equal_nan=True, err_msg=what)
        known = ~np.isnan(theirs)
        apart, size = np.abs(ours - theirs)[known], np.abs(theirs)[known]
        large = size > SMALL * size.max(initial=0.0)
        total, most, relative = counts.get(case["name"], (0, 0.0, 0.0))
        counts[case["name"]] = (
            total + int(known.sum()),
            max(most, float(apart.max(initial=0.0))),
            max(relative, float((apart[large] / size[large]).max(initial=0.0))),
        )

    return check


@pytest.fixture(scope="session")
def sp500():
    return Catalog.standard().bars("sp500_daily")


@pytest.fixture(scope="session")
def nasdaq():
    return Catalog.standard().bars("nasdaq_daily")


@pytest.fixture(scope="session")
def currencies():
    """Closes of twelve currencies; one of them is listed nine years late."""
    return Catalog.standard().bars("fx_daily")


def stock_frame():
    return pd.read_parquet(Path(__file__).with_name("stocks.parquet"))


@pytest.fixture(scope="session")
def goog():
    """Google's bars as traded, 2004 to 2013 (`make_stocks.py`)."""
    frame = stock_frame().query("ticker == 'GOOG'")
    columns = (frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    return Bars.from_arrays(frame["date"].to_numpy(dtype="datetime64[ns]"), *columns, symbols=("GOOG",))


@pytest.fixture(scope="session")
def stocks():
    """Adjusted closes of five stocks, 2000 to 2013, two of them listed later."""
    wide = stock_frame().pivot(index="date", columns="ticker", values="adjusted")
    time = np.array(wide.index, dtype="datetime64[ns]")
    return Bars.from_closes(time, wide.to_numpy(dtype=np.float64), tuple(wide.columns))


@pytest.fixture(scope="session")
def run_of():
    """run_of(returns, time=None, *, benchmark, rate): a run that earned these returns, on weekdays unless said."""

    def make(returns, time=None, *, benchmark=None, rate=0.0):
        equity = 1000.0 * np.cumprod(1.0 + returns)
        nothing = np.zeros(len(equity))
        ledger = Ledger(
            equity=equity,
            cash=equity,
            gross=nothing,
            borrow=nothing,
            funding=nothing,
            interest=nothing,
            fills=np.zeros(0, dtype=FILL),
            open_carry=np.zeros(1),
            marks=np.ones(1),
            initial_capital=1000.0,
            fill="next_open",
            ruined_at=None,
            warnings=(),
        )
        if time is None:
            time = np.busday_offset("2015-01-01", np.arange(len(equity)), roll="forward").astype("datetime64[ns]")
        return Run(time, ledger, np.zeros(0, dtype=TRADE), 252.0, rate, benchmark)

    return make
