"""Bars and rates that the installed arch package carries: no network, the same numbers on every machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from app.columns import moments, numbers
from app.errors import SourceFailed
from app.sources.base import Fetched, Report, Request, source
from app.sources.http import Http
from app.sources.spread import Frame, spread
from engine.intake import Floats, Times

_CLOSE = {"WTI": ("wti/wti.csv.gz", "DCOILWTICO"), "VIX": ("vix/vix.csv.gz", "vix")}
_BARS = {"SP500": "sp500/sp500.csv.gz", "NASDAQ": "nasdaq/nasdaq.csv.gz"}


@source(
    title="Bars carried by the installed arch package",
    items="symbols",
    terms="NCSA licence of the package; its figures come from Yahoo Finance and FRED.",
    known=(*_BARS, *_CLOSE),
    since="1980-01-01",
    package="arch",
)
def arch(request: Request, _: Http, report: Report) -> Fetched:
    """S&P 500 and NASDAQ (1999 to 2018), WTI and VIX, daily."""
    bars = spread("arch", request, report, lambda item: _frame(item).between(request.start, request.end))
    return Fetched(bars=bars, units="index points and US dollars a barrel", calendar="New York")


def _frame(item: str) -> Frame:
    if item in _CLOSE:
        times, table = _table(_CLOSE[item][0])
        close: Floats = numbers(table[_CLOSE[item][1]])
        return Frame.of_closes(times, np.where(close > 0, close, np.nan))  # oil once had a price below zero
    times, table = _table(_BARS[item])
    fields = {name.lower(): numbers(table[name]) for name in ("Open", "High", "Low", "Close", "Volume")}
    return Frame(times, fields)


def _table(name: str) -> tuple[Times, pa.Table]:
    found = importlib.util.find_spec("arch")  # finds the files without running the package
    if found is None or not found.submodule_search_locations:
        raise SourceFailed("arch is not installed: pip install arch", source="arch", code="missing_extra")
    path = Path(found.submodule_search_locations[0]) / "data" / name
    converted = pyarrow.csv.ConvertOptions(
        timestamp_parsers=["%m/%d/%Y"], column_types={"Date": pa.timestamp("s")}, null_values=["", "."]
    )
    table = pyarrow.csv.read_csv(path, convert_options=converted)
    return moments(table["Date"]), table
