"""Which bars a request means, and what it takes to say so."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from app.catalog import Catalog
from app.contracts import load_bars, resolve_backtest
from app.dataset import iso_day
from app.shelf import Shelf
from engine import Bars
from engine.errors import BadData

from .conftest import market


def asked(root, **body):
    return resolve_backtest({"strategy_id": "buy_and_hold", "dataset": "made", **body}, Catalog([root]), Shelf())


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), ("2020-03-01", None), (None, "2020-09-05"), ("2020-05-16", "2020-06-20")]
)
@pytest.mark.parametrize("symbols", [None, ["S1"], ["S2", "S0"]])
def test_a_range_goes_from_the_first_to_the_last_bar_that_any_symbol_has(dataset, symbols, start, end):
    bars = market()
    found = asked(dataset(bars), symbols=symbols, start_date=start, end_date=end)

    columns = [bars.symbols.index(name) for name in symbols or bars.symbols]
    known = np.isfinite(bars.close[:, columns]).any(axis=1)
    days = [iso_day(time) for time in bars.time[known] if (start or "0") <= iso_day(time) <= (end or "9")]
    assert (found["start_date"], found["end_date"]) == (days[0], days[-1])
    assert found["symbols"] == list(symbols or bars.symbols)


def test_a_symbol_without_bars_in_the_range_is_named_with_what_there_is(dataset):
    late = market().close.copy()
    late[:100, 1] = np.nan
    bars = Bars.from_closes(market().time, late, market().symbols)
    with pytest.raises(BadData) as refused:
        asked(dataset(bars), end_date=iso_day(bars.time[99]))

    first = bars.time[np.flatnonzero(np.isfinite(late[:, 1]))[0]]
    assert (refused.value.code, refused.value.pointer) == ("no_data_in_range", "/end_date")
    assert refused.value.message.startswith("S1 has no bars between the beginning and ")
    assert refused.value.allowed["start"] == iso_day(first)


def test_a_request_for_all_symbols_copies_no_prices_and_one_for_some_only_theirs(dataset, tmp_path):
    root = dataset(market(total=2000, size=60))
    catalog = Catalog([root], bars_dir=tmp_path / "bars")
    whole = catalog.get("made").all_bars

    def taken(**body):
        tracemalloc.start()
        try:
            request = resolve_backtest({"strategy_id": "buy_and_hold", "dataset": "made", **body}, catalog, Shelf())
            load_bars(request, catalog)
            return tracemalloc.get_traced_memory()[1] / whole.close.nbytes
        finally:
            tracemalloc.stop()

    taken()
    assert taken() < 0.25  # one byte for each price: whether it is there
    assert taken(start_date="2021-01-01", end_date="2021-12-31") < 0.1
    assert taken(symbols=list(whole.symbols[:6])) < 0.5
