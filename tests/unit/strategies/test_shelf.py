"""The shelf finds its strategies, and every one of them keeps the contract."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import strategies
from engine import Bars
from engine.errors import InvalidParameter, UnknownName
from tests.shelf import PRICE, RELATIVE

ALL = strategies.all()


@pytest.fixture(scope="module")
def bars():
    rng = np.random.default_rng(2)
    close = 100 * np.exp(np.cumsum(rng.normal(0.0002, 0.01, (700, 3)), axis=0))
    time = np.busday_offset("2015-01-01", np.arange(700), roll="forward")
    return Bars.from_arrays(time, close, close * 1.01, close * 0.99, close, symbols=("A", "B", "C"))


def test_the_shelf_lists_its_strategies_by_name():
    assert {"buy_and_hold", "donchian_breakout", "sma_cross", "time_series_momentum"} <= set(strategies.names())
    assert [item.id for item in ALL] == sorted(strategies.names())
    assert strategies.get("sma_cross").family == "trend"


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownName) as unknown:
        strategies.get("sma_corss")
    assert unknown.value.code == "unknown_strategy"
    assert unknown.value.nearest == "sma_cross"


def test_two_strategies_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two strategies called sma_cross"):
        strategies.add({"sma_cross": ALL[0]}, strategies.get("sma_cross"))


def test_one_file_is_one_strategy_that_imports_no_other():
    folder = Path(strategies.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == {name.lower() for name in strategies.names()}
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("strategies"), path


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)
def test_a_strategy_describes_itself(item):
    assert item.summary.endswith(".")
    assert item.source
    assert item.dataset
    assert set(item.schema()["properties"]) == {parameter.name for parameter in item.parameters}
    for parameter in item.parameters:
        assert parameter.doc, parameter.name


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
def test_weights_are_numbers_of_the_right_shape_within_bounds(item, bars):
    weights = item.bind()(bars)
    assert weights.shape == bars.close.shape
    known = weights[~np.isnan(weights)]
    assert known.size
    assert (np.abs(known).max() <= 10.0 / 3) if item.id == "time_series_momentum" else (np.abs(known).max() <= 1.0)


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)
def test_every_bound_is_enforced(item):
    for parameter in item.parameters:
        wrong = {"choice": "no such thing", "bool": 1}.get(parameter.type)
        for value in [wrong] if wrong else [parameter.low - 1e-3, parameter.high + 1, "1", True, float("nan")]:
            with pytest.raises(InvalidParameter) as refused:
                item.validate({parameter.name: value})
            assert refused.value.pointer == f"/params/{parameter.name}"


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
def test_nothing_is_decided_before_the_lookback(item, bars):
    before = item.bind()(bars)[: item.lookback() - 1]
    assert not np.nan_to_num(before).any()


@pytest.mark.parametrize("item", [item for item in PRICE if item.id not in RELATIVE], ids=lambda item: item.id)
def test_holes_leave_the_other_symbols_alone(item, bars):
    close = bars.close.copy()
    close[::9, 1] = np.nan
    holed = Bars.from_closes(bars.time, close, bars.symbols)
    whole = Bars.from_closes(bars.time, bars.close, bars.symbols)
    np.testing.assert_array_equal(item.bind()(holed)[:, [0, 2]], item.bind()(whole)[:, [0, 2]])


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
def test_a_symbol_that_never_traded_gets_no_position(item, bars):
    close = bars.close.copy()
    close[:, 1] = np.nan
    weights = item.bind()(Bars.from_closes(bars.time, close, bars.symbols))
    if item.id != "buy_and_hold":  # it asks for all, and the order waits for a price
        assert not np.nan_to_num(weights[:, 1]).any()
