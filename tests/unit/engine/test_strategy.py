"""The contract of a strategy: its signature is its schema, and its output is checked."""

from __future__ import annotations

import weakref
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import pytest

from engine import Bars, Range, backtest, strategy
from engine.errors import BadData, InvalidParameter, RunFailed


def ordered(*, low, high, **_):
    return None if low < high else "low must be below high."


@strategy(family="test", source="a book", check=ordered, lookback=lambda high, **_: high, symbols=("A",))
def sample(
    bars: Bars,
    low: Annotated[int, Range(1, 10), "The lower one."] = 2,
    high: Annotated[int, Range(1, 20)] = 5,
    share: Annotated[float, Range(0.0, 1.0)] = 0.5,
    strict: bool = False,
    side: Literal["long", "short"] = "long",
) -> np.ndarray:
    """Do as told. And more.

    Longer.
    """
    return np.full(bars.close.shape, share)


@pytest.fixture
def ten(bars):
    return bars([10.0] * 10, [10.0] * 10)


def test_the_signature_is_the_schema():
    assert sample.id == "sample"
    assert sample.summary == "Do as told."
    assert sample.schema() == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sample",
        "description": "Do as told.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "low": {
                "type": "integer",
                "minimum": 1,
                "maximum": 10,
                "default": 2,
                "description": "The lower one.",
            },
            "high": {"type": "integer", "minimum": 1, "maximum": 20, "default": 5},
            "share": {"type": "number", "minimum": 0.0, "maximum": 1.0, "default": 0.5},
            "strict": {"type": "boolean", "default": False},
            "side": {"type": "string", "enum": ["long", "short"], "default": "long"},
        },
    }


def test_defaults_are_filled_in_and_whole_floats_become_ints():
    found = sample.validate({"low": 3.0, "share": 1})
    assert found == {"low": 3, "high": 5, "share": 1.0, "strict": False, "side": "long"}
    assert type(found["low"]) is int
    assert type(found["share"]) is float


@pytest.mark.parametrize(
    ("params", "pointer", "nearest"),
    [
        ({"lwo": 1}, "/params/lwo", "low"),
        ({"low": True}, "/params/low", None),
        ({"low": 2.5}, "/params/low", None),
        ({"low": "2"}, "/params/low", None),
        ({"low": None}, "/params/low", None),
        ({"low": 0}, "/params/low", None),
        ({"low": 10**400}, "/params/low", None),
        ({"share": float("nan")}, "/params/share", None),
        ({"share": float("inf")}, "/params/share", None),
        ({"share": np.True_}, "/params/share", None),
        ({"strict": 1}, "/params/strict", None),
        ({"side": "lnog"}, "/params/side", "long"),
        ({"side": ["long"]}, "/params/side", None),
        ({"low": 7}, "/params", None),
    ],
)
def test_a_wrong_parameter_is_refused_with_pointer_and_nearest(params, pointer, nearest):
    with pytest.raises(InvalidParameter) as refused:
        sample.validate(params)
    assert refused.value.pointer == pointer
    assert refused.value.nearest == nearest


def test_binding_checks_and_remembers_the_parameters():
    bound = sample.bind(high=9)
    assert bound.strategy is sample
    assert bound.params["high"] == 9
    assert bound.lookback == sample.lookback({"high": 9}) == 9
    with pytest.raises(InvalidParameter):
        sample.bind(hgih=9)
    with pytest.raises(InvalidParameter, match="'self'"):
        sample.bind(self=9)


def test_too_few_bars_are_refused_with_how_many_are_needed(ten):
    with pytest.raises(BadData, match="needs 12 bars") as refused:
        backtest(ten, sample.bind(high=10))
    assert refused.value.code == "not_enough_bars"
    assert refused.value.given == 10
    backtest(ten, sample.bind(high=8))


def test_version_follows_the_source():
    assert sample.version == sample.version
    assert len(sample.version) == 12
    namespace = {"strategy": strategy, "__name__": "nowhere"}
    exec('@strategy(family="t", source="t")\ndef typed(bars):\n    "Doc."\n    return bars.close', namespace)
    assert len(namespace["typed"].version) == 12


def returning(value):
    @strategy(family="test", source="none")
    def wrong(bars):
        """Return nonsense."""
        if isinstance(value, Exception):
            raise value
        return value

    return wrong.bind()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "bad_weights"),
        ([[1.0]] * 10, "bad_weights"),
        (np.ones(10), "bad_weights"),
        (np.ones((9, 1)), "bad_weights"),
        (np.full((10, 1), "a"), "bad_weights"),
        (np.full((10, 1), np.inf), "bad_weights"),
        (ZeroDivisionError("by hand"), "strategy_error"),
    ],
)
def test_nonsense_and_exceptions_of_a_strategy_fail_the_run(ten, value, code):
    with pytest.raises(RunFailed) as failed:
        returning(value)(ten)
    assert failed.value.code == code


def test_a_table_instead_of_an_array_is_told_how_it_becomes_one(ten):
    with pytest.raises(RunFailed, match=r"^wrong returned DataFrame, .* \(10, 1\)\. Return its \.to_numpy\(\)\.$"):
        returning(pd.DataFrame({"A": np.ones(10)}))(ten)


def test_an_exception_shows_type_and_message_only(ten):
    with pytest.raises(RunFailed, match=r"^wrong raised ZeroDivisionError: by hand$"):
        returning(ZeroDivisionError("by hand"))(ten)


def test_an_error_of_ours_passes_through(ten):
    with pytest.raises(BadData, match="no such"):
        returning(BadData("no such series"))(ten)


def test_nan_and_integers_are_fine(ten):
    weights = returning(np.full((10, 1), np.nan))(ten)
    assert np.isnan(weights).all()
    assert returning(np.ones((10, 1), dtype=int))(ten).dtype == np.float64


def test_weights_that_nobody_else_holds_are_kept_and_others_copied(ten):
    made, kept = [], []

    @strategy(family="test", source="none")
    def forgetful(bars):
        """Keep nothing."""
        weights = np.ones(bars.close.size)
        made.append(weights.ctypes.data)
        return weights.reshape(bars.close.shape)

    @strategy(family="test", source="none")
    def hoarder(bars):
        """Keep a view of what is returned."""
        weights = np.ones(bars.close.size)
        kept.append(weights[:])
        return weights.reshape(bars.close.shape)

    rooms = weakref.WeakValueDictionary()

    @strategy(family="test", source="none")
    def thrifty(bars):
        """Write into the room of the last call as long as it is there."""
        room = rooms.get("room")
        if room is None:
            rooms["room"] = room = np.empty(bars.close.size)
        room[:] = len(made)
        return room.reshape(bars.close.shape)

    first = thrifty.bind()(ten)
    assert forgetful.bind()(ten).ctypes.data == made[0]
    thrifty.bind()(ten)
    assert (first == 0.0).all()
    weights = hoarder.bind()(ten)
    kept[0][:] = 7.0
    assert (weights == 1.0).all()
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 0.0


def test_a_strategy_cannot_change_the_bars(ten):
    @strategy(family="test", source="none")
    def vandal(bars):
        """Change the prices."""
        bars.close[0, 0] = 1.0

    with pytest.raises(RunFailed, match="read-only"):
        vandal.bind()(ten)


def no_doc(bars, n: Annotated[int, Range(1, 2)] = 1): ...


def no_default(bars, n: Annotated[int, Range(1, 2)]):
    """Doc."""


def no_annotation(bars, n=1):
    """Doc."""


def no_range(bars, n: int = 1):
    """Doc."""


def odd_type(bars, n: list = ()):
    """Doc."""


def odd_union(bars, n: int | str = 1):
    """Doc."""


@pytest.mark.parametrize("function", [no_doc, no_default, no_annotation, no_range, odd_type, odd_union])
def test_a_signature_that_says_too_little_is_refused(function):
    with pytest.raises(TypeError):
        strategy(family="test", source="none")(function)
