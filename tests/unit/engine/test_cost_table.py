"""Commission by cost key: who pays which, what is refused, and that a table reads the same however it is written."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Annotated

import numpy as np
import pytest

import strategies
from engine import STANDARD_COSTS, Bars, Config, backtest, strategy
from engine.errors import BadData, InvalidConfig
from engine.parameters import Numbers, Table, read

PRICE = [[10.0, 20.0, 50.0]] * 4
THIRDS = [[0.3, 0.3, 0.3]] * 4
DAYS = np.array(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[ns]")


def keyed(*keys):
    return Bars.from_arrays(DAYS, PRICE, PRICE, PRICE, PRICE, symbols=("ES2412", "CDS5Y", "Z"), cost_keys=keys)


def charged(ledger):
    return ledger.fills["commission"].tolist()


def test_each_symbol_pays_the_rate_of_its_key(run):
    ledger = run(keyed("ES", "CDS", None), THIRDS, cost_table={"ES": 1, "CDS": 5.0, "unknown": 2.0})
    # Three fills of 300 each: 1, 5 and 2 bps.
    assert charged(ledger) == pytest.approx([0.03, 0.15, 0.06])
    assert ledger.equity[-1] == pytest.approx(1000 - 0.24)


def test_a_symbol_without_a_listed_key_pays_commission_bps_where_the_table_has_no_unknown(run):
    ledger = run(keyed("ES", "DI", None), THIRDS, cost_table={"ES": 1.0}, commission_bps=10.0)
    assert charged(ledger) == pytest.approx([0.03, 0.3, 0.3])
    assert ledger.warnings == ("cost_table lists no cost key of CDS5Y, Z: charged commission_bps, 10 bps.",)


def test_a_name_that_looks_like_a_key_is_none(run):
    ledger = run(keyed(None, None, None), THIRDS, cost_table={"ES": 1.0, "CDS": 5.0, "ES2412": 9.0, "unknown": 2.0})
    assert charged(ledger) == pytest.approx([0.06, 0.06, 0.06])
    assert ledger.warnings == ("cost_table lists no cost key of ES2412, CDS5Y, Z: charged its 'unknown', 2 bps.",)


def test_an_all_in_order_keeps_back_what_its_own_symbol_costs(run):
    bars = keyed("A", "B", "A").select(("CDS5Y",))
    ledger = run(bars, [1] * 4, cost_table={"A": 0.0, "B": 100.0})
    assert ledger.fills["quantity"][0] == pytest.approx(1000 / (20 * 1.01), rel=1e-14)
    assert ledger.cash[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_selection_keeps_the_keys_of_its_symbols():
    bars = keyed("ES", None, "UST")
    assert bars.select(("Z", "ES2412")).cost_keys == ("UST", "ES")
    assert bars.select(start="2024-01-02").cost_keys == ("ES", None, "UST")
    assert Bars.from_closes(DAYS, PRICE, ("A", "B", "C")).cost_keys == (None, None, None)
    assert Bars.from_closes(DAYS, PRICE, ("A", "B", "C"), cost_keys=["x", None, "y"]).cost_keys == ("x", None, "y")


@pytest.mark.parametrize("keys", ["ABC", ("A",), ("A", "B", 3), ("A", "", "B"), ("A", "B", "x" * 65)])
def test_keys_that_are_none_are_refused(keys):
    with pytest.raises(BadData) as refused:
        Bars.from_closes(DAYS, PRICE, ("A", "B", "C"), cost_keys=keys)
    assert refused.value.code == "bad_cost_keys"


def test_the_standard_table_has_a_name_and_is_a_constant():
    spelled = Config.parse({"cost_table": dict(reversed(list(STANDARD_COSTS.items())))})
    assert Config.parse({"cost_table": "standard"}) == Config(cost_table=STANDARD_COSTS) == spelled
    assert dict(STANDARD_COSTS)["NTN-B"] == 3.0
    # What is stored is the table itself, so the name may get another meaning without changing an old request.
    assert spelled.as_dict()["cost_table"]["unknown"] == 2.0


def test_a_table_reads_the_same_however_it_is_written():
    one = Config.parse({"cost_table": {"B": 2, "A": 1}})
    other = Config.parse({"cost_table": {"A": 1.0, "B": 2.0}})
    assert one == other
    assert hash(one) == hash(other)
    assert json.dumps(one.as_dict()) == json.dumps(other.as_dict())
    assert Config.parse(one.as_dict()) == Config(**one.as_dict()) == one
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert repr(one.cost_table) == "{'A': 1.0, 'B': 2.0}"


def test_nobody_can_change_a_table():
    given = {"A": 1.0}
    config = Config(cost_table=given)
    given["A"] = 2.0
    assert config.cost_table == {"A": 1.0}
    with pytest.raises(TypeError):
        config.cost_table["A"] = 3.0  # type: ignore[index]


@pytest.mark.parametrize(
    ("table", "pointer", "says"),
    [
        ({"DI": -1}, "/config/cost_table/DI", "DI must lie between 0 and 1000"),
        ({"DI": 1, "a/b~": 1001}, "/config/cost_table/a~1b~0", "between"),
        ({"DI": "1"}, "/config/cost_table/DI", "must be a number"),
        ({"DI": True}, "/config/cost_table/DI", "must be a number"),
        ({"DI": None}, "/config/cost_table/DI", "must be a number"),
        ({"DI": float("nan")}, "/config/cost_table/DI", "finite"),
        ({"DI": float("inf")}, "/config/cost_table/DI", "finite"),
        ({"DI": 10**400}, "/config/cost_table/DI", "between"),
        ({"": 1.0}, "/config/cost_table", "names of 1 to 64 characters"),
        ({7: 1.0}, "/config/cost_table", "names of 1 to 64 characters"),
        ({"x" * 65: 1.0}, "/config/cost_table", "names of 1 to 64 characters"),
        ({str(i): 1.0 for i in range(201)}, "/config/cost_table", "at most 200 entries"),
        ("standrad", "/config/cost_table", "name of a table"),
        ([["DI", 1.0]], "/config/cost_table", "must be an object of numbers"),
        (1.0, "/config/cost_table", "must be an object of numbers"),
    ],
)
def test_a_wrong_table_is_refused_where_it_is_wrong(table, pointer, says):
    with pytest.raises(InvalidConfig, match=says) as refused:
        Config.parse({"cost_table": table})
    assert refused.value.pointer == pointer
    json.dumps(refused.value.detail())
    if table == "standrad":
        assert refused.value.nearest == "standard"


def test_the_schema_says_what_a_table_is():
    assert Config.schema()["properties"]["cost_table"]["anyOf"] == [
        {"type": "string", "enum": ["standard"]},
        {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 64},
            "additionalProperties": {"type": "number", "minimum": 0.0, "maximum": 1000.0},
            "maxProperties": 200,
        },
        {"type": "null"},
    ]


def test_the_conventions_say_what_was_charged():
    bars = keyed("ES", "CDS", None)
    result = backtest(bars, strategies.get("buy_and_hold").bind(), Config.parse({"cost_table": "standard"}))
    assert result.conventions["costs"] == "commission 1 to 5 bps by symbol, slippage 1 bps"
    assert result.conventions["commission_bps"] == {"ES2412": 1.0, "CDS5Y": 5.0, "Z": 2.0}
    assert result.warnings == ("cost_table lists no cost key of Z: charged its 'unknown', 2 bps.",)
    plain = backtest(bars, strategies.get("buy_and_hold").bind())
    assert plain.conventions["costs"] == "commission 1 bps, slippage 1 bps"
    assert "commission_bps" not in plain.conventions


def test_a_warning_names_a_few_symbols_and_counts_the_rest(run):
    names = tuple(f"S{i}" for i in range(9))
    bars = Bars.from_closes(DAYS, np.ones((4, 9)), names)
    (warning,) = run(bars, np.zeros((4, 9)), cost_table={}).warnings
    assert warning == "cost_table lists no cost key of S0, S1, S2, S3, S4 and 4 more: charged commission_bps, 0 bps."


def test_a_strategy_takes_no_table():
    def idea(bars: Bars, table: Annotated[Mapping[str, float] | None, Table(0.0, 1.0)] = None) -> np.ndarray:
        """Nothing."""
        return np.zeros(bars.close.shape)

    with pytest.raises(TypeError, match="table cannot be a mapping"):
        strategy(family="test", source="none")(idea)


def test_a_field_that_is_a_table_may_have_a_default():
    field = read("table", Annotated[Mapping[str, float], Table(0.0, 2.0)], {"B": 1, "A": 2})
    assert field.schema()["default"] == {"A": 2.0, "B": 1.0}
    assert json.dumps(field.schema())
    assert field.default == Numbers({"A": 2.0, "B": 1.0})
    with pytest.raises(TypeError, match="needs its Table"):
        read("table", Mapping[str, float], {})
