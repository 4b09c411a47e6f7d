"""The whitelist: every function and operator that an expression may use, in one table.

Names, arguments, defaults and fields of indicators are read from `engine.indicators` itself; what stands here beside
a name is how many rows its first value waits for.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from engine import indicators
from engine.expression import values

Kind: TypeAlias = Literal["number", "series", "truth", "record"]
# What an argument may be: "value" is a number or a series, "whole" and "positive" are numbers, "time" is not written.
Takes: TypeAlias = Literal["series", "value", "truth", "whole", "positive", "time"]
Bounds: TypeAlias = tuple[float, float]
ANY = (-math.inf, math.inf)


@dataclass(frozen=True)
class Parameter:
    """An argument of a function."""

    name: str
    takes: Takes
    default: float | None = None


@dataclass(frozen=True, eq=False)
class Function:
    """Something that may be called.

    Args:
        gives: what comes out; None means a number of numbers and else a series.
        waits: by field ("" where there is none) how many rows later than its inputs it has its first value, of
            the whole arguments by name.
        rule: takes the whole arguments; a sentence where they do not fit together.
        bounds: of a number that is made of numbers, from theirs.
        whole: whole numbers make a whole number.
        more: the last argument may be repeated.
        named: its arguments are handed over by name.
    """

    name: str
    call: Callable[..., Any]
    arguments: tuple[Parameter, ...]
    gives: Kind | None = None
    waits: Mapping[str, Callable[..., int]] = field(default_factory=lambda: {"": lambda **_: 0})
    rule: Callable[..., str | None] = lambda **_: None
    bounds: Callable[..., Bounds] = lambda *_: ANY
    whole: bool = False
    more: bool = False
    named: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name in self.waits if name)


def _window(window: int) -> int:
    return window - 1


def _after_window(window: int) -> int:
    return window


def _bars(bars: int) -> int:
    return bars


def _keltner(window: int, range_window: int) -> int:
    return max(window - 1, range_window)


def _rising(*, fast: int, slow: int, **_: int) -> str | None:
    return None if fast < slow else f"fast ({fast}) must be below slow ({slow})."


# Rows before the first value, as the indicators' docstrings have them under "Warm-up"; one entry for each field.
_WAITS: Mapping[str, Callable[..., int] | Mapping[str, Callable[..., int]]] = {
    **dict.fromkeys(("sma", "ema", "rma", "wma", "cci", "parkinson", "garman_klass", "zscore"), _window),
    **dict.fromkeys(("rolling_sum", "rolling_max", "rolling_min", "rolling_std", "rolling_skew"), _window),
    **dict.fromkeys(("rolling_kurt", "rolling_corr", "rolling_beta", "percentile_rank"), _window),
    **dict.fromkeys(("rsi", "atr", "volatility", "yang_zhang"), _after_window),
    **dict.fromkeys(("lag", "roc"), _bars),
    **dict.fromkeys(("returns", "true_range", "cross_above", "cross_below", "last_cross"), lambda: 1),
    **dict.fromkeys(("ewm_variance", "latch", "month_ends"), lambda: 0),
    "compare_averages": lambda fast, slow: max(fast, slow) - 1,
    **dict.fromkeys(("bollinger", "donchian"), dict.fromkeys(indicators.Channel._fields, _window)),
    "keltner": dict.fromkeys(indicators.Channel._fields, _keltner),
    "macd": {
        "line": lambda slow, **_: slow - 1,
        **dict.fromkeys(("signal", "histogram"), lambda slow, signal, **_: slow + signal - 2),
    },
    "stochastic": {
        "k": lambda window, smooth, **_: window + smooth - 2,
        "d": lambda window, smooth, signal: window + smooth + signal - 3,
    },
    "adx": {"adx": lambda window: 2 * window - 1, **dict.fromkeys(("plus", "minus"), _after_window)},
}
_RULES = {"macd": _rising}
# Arguments that are always as they are by default.
_FIXED = ("ddof", "up", "down")
# The least that an indicator's whole arguments may be, where that is not 1.
LEAST = {"yang_zhang": 2, "adx": 2, "zscore": 2, "rolling_std": 2, "rolling_corr": 2, "rolling_beta": 2} | {
    "rolling_skew": 3,
    "rolling_kurt": 4,
}
_TAKES: Mapping[str, Takes] = {
    "Floats": "series",
    "ArrayLike": "value",
    "NDArray[np.bool_]": "truth",
    "int": "whole",
    "float": "positive",
    "Times": "time",
}


def _indicator(name: str) -> Function:
    function = getattr(indicators, name)
    signature = inspect.signature(function)
    described = [item for item in signature.parameters.values() if item.name not in _FIXED]
    arguments = [
        Parameter(item.name, _TAKES[str(item.annotation)], None if item.default is item.empty else item.default)
        for item in described
    ]
    if arguments[0].takes == "value":  # one side of a cross may be a level
        arguments[0] = Parameter(arguments[0].name, "series")
    waits = _WAITS[name]
    gives: Kind = {"Floats": "series", "NDArray[np.bool_]": "truth"}.get(signature.return_annotation, "record")  # type: ignore[assignment]
    return Function(
        name,
        {"latch": values.latched}.get(name, function),
        tuple(arguments),
        gives,
        waits if isinstance(waits, Mapping) else {"": waits},
        _RULES.get(name, lambda **_: None),
        named=True,
    )


def _sum(x: Bounds, y: Bounds) -> Bounds:
    return x[0] + y[0], x[1] + y[1]


def _difference(x: Bounds, y: Bounds) -> Bounds:
    return x[0] - y[1], x[1] - y[0]


def _product(x: Bounds, y: Bounds) -> Bounds:
    corners = [0.0 if 0.0 in (a, b) else a * b for a in x for b in y]
    return min(corners), max(corners)


def _quotient(x: Bounds, y: Bounds) -> Bounds:
    return _product(x, (1.0 / y[1], 1.0 / y[0])) if y[0] > 0.0 else ANY


def _least(*each: Bounds) -> Bounds:
    return min(low for low, _ in each), min(high for _, high in each)


def _most(*each: Bounds) -> Bounds:
    return max(low for low, _ in each), max(high for _, high in each)


def _operator(sign: str, call: Callable[..., Any], bounds: Callable[..., Bounds]) -> Function:
    sides = (Parameter("left", "value"), Parameter("right", "value"))
    return Function(sign, call, sides, bounds=bounds, whole=sign != "/")


def _comparison(sign: str, test: Callable[[Any, Any], Any]) -> Function:
    sides = (Parameter("left", "value"), Parameter("right", "value"))
    return Function(sign, values.comparison(test), sides, "truth")


def _logic(sign: str, call: Callable[..., Any], *names: str) -> Function:
    return Function(sign, call, tuple(Parameter(name, "truth") for name in names), "truth")


def _of_values(name: str, call: Callable[..., Any], *names: str, **more: Any) -> Function:
    return Function(name, call, tuple(Parameter(item, "value") for item in names), **more)


_ALL = [
    _operator("+", np.add, _sum),
    _operator("-", np.subtract, _difference),
    _operator("*", np.multiply, _product),
    _operator("/", values.quotient, _quotient),
    _comparison("<", np.less),
    _comparison("<=", np.less_equal),
    _comparison(">", np.greater),
    _comparison(">=", np.greater_equal),
    _comparison("==", np.equal),
    _comparison("!=", np.not_equal),
    _logic("and", values.both, "left", "right"),
    _logic("or", values.either, "left", "right"),
    _logic("not", values.opposite, "right"),
]
NEGATION = _of_values("-", np.negative, "right", bounds=partial(_difference, (0.0, 0.0)), whole=True)
OPERATORS: Mapping[str, Function] = {item.name: item for item in _ALL}
FUNCTIONS: Mapping[str, Function] = {
    item.name: item
    for item in (
        *map(_indicator, _WAITS),
        Function("rank", values.rank, (Parameter("values", "series"),), "series"),
        Function(
            "where",
            values.chosen,
            (Parameter("condition", "truth"), Parameter("then", "value"), Parameter("otherwise", "value")),
            "series",
        ),
        _of_values("min", values.smallest, "values", "others", bounds=_least, whole=True, more=True),
        _of_values("max", values.largest, "values", "others", bounds=_most, whole=True, more=True),
        _of_values("abs", np.abs, "values"),
        _of_values("sign", np.sign, "values"),
        _of_values("log", np.log, "values"),
        _of_values("exp", np.exp, "values"),
        _of_values("sqrt", np.sqrt, "values"),
    )
}
