"""What the price strategies make of a panel of real markets that the project does not carry.

    python -m bench.panel FOLDER

The folder holds `equity_ohlcv_daily.parquet` (stocks and funds, with adj_close), `fx_usd_daily.parquet` (dollar
pairs), `energy_daily.parquet` (Brent, Henry Hub) and `xauusd_daily.parquet` (gold). Three sets of bars are made of
them: stocks at total-return prices, currencies, and all of it together at closes on the days of the stocks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

import strategies
from app.columns import moments, numbers
from engine import Bars, backtest
from engine.bars import Floats, Times
from engine.errors import QueuantError

FIELDS = ("open", "high", "low", "close", "volume", "adj_close")


def _read(folder: Path, name: str) -> pa.Table:
    return pyarrow.parquet.ParquetFile(folder / f"{name}.parquet").read()


def stocks(folder: Path) -> Bars:
    """Open to volume and adjusted closes of every symbol, NaN where it did not trade."""
    table = _read(folder, "equity_ohlcv_daily")
    days, rows = np.unique(moments(table["date"]), return_inverse=True)
    names, columns = np.unique(np.array(table["symbol"].to_pylist()), return_inverse=True)
    whole = {name: np.full((len(days), len(names)), np.nan) for name in FIELDS}
    for name, values in whole.items():
        values[rows, columns] = numbers(table[name])
    return Bars.from_arrays(days, **whole, symbols=tuple(names.tolist()))


def closes(folder: Path, name: str, wanted: tuple[str, ...] = ()) -> tuple[Times, dict[str, Floats]]:
    """Days and the closes of a wide file."""
    table = _read(folder, name)
    names = wanted or tuple(column for column in table.column_names if column != "date")
    return moments(table["date"]), {column: numbers(table[column]) for column in names}


def together(folder: Path) -> Bars:
    """All markets on the days of the stocks: the last close of each at most five days old."""
    equity = stocks(folder)
    found = dict(zip(equity.symbols, equity.close.T, strict=True))
    sets = (
        closes(folder, "fx_usd_daily"),
        closes(folder, "energy_daily", ("BRENT", "HENRYHUB")),
        closes(folder, "xauusd_daily", ("close",)),
    )
    for days, columns in sets:
        for name, values in columns.items():
            known = np.flatnonzero(np.isfinite(values) & (values > 0.0))
            at = np.searchsorted(days[known], equity.time, side="right") - 1
            fresh = (at >= 0) & (equity.time - days[known][at] <= np.timedelta64(5, "D"))
            found["XAUUSD" if name == "close" else name] = np.where(fresh, values[known][at], np.nan)
    return Bars.from_closes(equity.time, np.column_stack(list(found.values())), tuple(found))


def sets(folder: Path) -> Iterator[tuple[str, Bars]]:
    yield "stocks", stocks(folder)
    days, pairs = closes(folder, "fx_usd_daily")
    yield "currencies", Bars.from_closes(days, np.column_stack(list(pairs.values())), tuple(pairs))
    yield "all", together(folder)


def cell(bars: Bars, name: str) -> str:
    """Trades, Sharpe and total return, or the code of why there are none."""
    try:
        found = backtest(bars, strategies.get(name).bind()).metrics
    except QueuantError as refused:
        return refused.code
    sharpe = "-" if found["sharpe"] is None else f"{found['sharpe']:.2f}"
    return f"{sharpe} ({found['total_return']:.0%}, {found['total_trades']:,})"


def main() -> None:
    markets = list(sets(Path(sys.argv[1])))
    print("| strategy | " + " | ".join(f"{name}, {len(bars.symbols)}" for name, bars in markets) + " |")
    print("|---" * (len(markets) + 1) + "|")
    for item in strategies.all():
        if not item.legs:
            print(f"| `{item.id}` | " + " | ".join(cell(bars, item.id) for _, bars in markets) + " |")


if __name__ == "__main__":
    main()
