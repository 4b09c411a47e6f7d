"""What holds for every expression that is accepted, and for every text that is not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from engine import Bars, Config, backtest
from engine.errors import InvalidExpression, QueuantError, UnknownName
from engine.expression import strategy_of
from engine.expression.functions import FUNCTIONS, LEAST, OPERATORS
from engine.intake import FIELDS
from tests.property.test_engine import market, seeds

FAST = {"type": "int", "min": 2, "max": 200, "default": 20}
SLOW = {"type": "int", "min": 3, "max": 400, "default": 50}
CROSS = ("cross_above(sma(close, fast), sma(close, slow))", "cross_below(sma(close, fast), sma(close, slow))")
HIGHER, LOWER = "close > lag(rolling_max(high, {}), 1)", "close < lag(rolling_min(low, {}), 1)"
LONG, SHORT = ("entry", "exit"), ("short_entry", "short_exit")
sides = st.sampled_from(["long", "short", "both"])


def sided(side, long, short):
    parts = [(LONG, long)] * (side != "short") + [(SHORT, short)] * (side != "long")
    return {name: text for names, texts in parts for name, text in zip(names, texts, strict=True)}


def same_run(bars, ours, twin):
    assert ours.lookback == twin.lookback
    assert ours(bars).tobytes() == twin(bars).tobytes()
    config = Config(rebalance="weekly", stop_loss=0.05)
    one, other = (backtest(bars, bound, config) for bound in (ours, twin))
    assert one.ledger.equity.tobytes() == other.ledger.equity.tobytes()
    assert repr(one.metrics) == repr(other.metrics)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(seeds, st.integers(2, 40), st.integers(1, 40), sides, st.booleans())
def test_a_crossing_as_an_expression_is_the_shipped_one_bit_for_bit(seed, fast, more, side, coarse):
    bars = market(seed, total=300)
    if coarse:  # averages of such prices tie
        bars = Bars.from_closes(bars.time, np.round(bars.close), bars.symbols)
    spec = {"name": "mine", "params": {"fast": FAST, "slow": SLOW}, **sided(side, CROSS, CROSS[::-1])}
    params = {"fast": fast, "slow": fast + more}
    twin = strategies.get("sma_cross").bind(**params, side=side)
    same_run(bars, strategy_of(spec).bind(**params), twin)
    sign = {"long": "max(last, 0)", "short": "min(last, 0)", "both": "last"}[side]
    last = sign.replace("last", "last_cross(compare_averages(close, fast, slow))")
    whole = strategy_of({"name": "mine", "params": spec["params"], "weight": f"{last} / symbol_count"})
    assert np.array_equal(whole.bind(**params)(bars), twin(bars))


@settings(derandomize=True, max_examples=25, deadline=None)
@given(seeds, st.integers(2, 40), st.integers(1, 40), sides)
def test_a_breakout_as_an_expression_is_the_shipped_one_bit_for_bit(seed, entry, exit, side):
    wide, narrow = max(entry, exit), min(entry, exit)
    up, down = (HIGHER.format("wide"), LOWER.format("narrow")), (LOWER.format("wide"), HIGHER.format("narrow"))
    spec = {"name": "mine", "params": {"wide": FAST, "narrow": FAST | {"min": 1}}, **sided(side, up, down)}
    twin = strategies.get("donchian_breakout").bind(entry=wide, exit=narrow, side=side)
    same_run(market(seed, total=300), strategy_of(spec).bind(wide=wide, narrow=narrow), twin)


# By shipped strategy: parameters, and when it goes long, leaves, goes short and leaves.
TWINS = {
    "ema_cross": (
        {"fast": 5, "slow": 12},
        *(f"cross_{way}(ema(close, fast), ema(close, slow))" for way in ("above", "below", "below", "above")),
    ),
    "macd_trend": (
        {"fast": 4, "slow": 9, "signal": 5},
        *(
            f"cross_{way}(macd(close, fast, slow, signal).line, macd(close, fast, slow, signal).signal)"
            for way in ("above", "below", "below", "above")
        ),
    ),
    "bollinger_reversion": (
        {"window": 10},
        "cross_below(close, bollinger(close, window).lower)",
        "close >= bollinger(close, window).middle",
        "cross_above(close, bollinger(close, window).upper)",
        "close <= bollinger(close, window).middle",
    ),
    "keltner_breakout": (
        {"window": 10, "range_window": 7},
        "cross_above(close, keltner(high, low, close, window, range_window).upper)",
        "close < keltner(high, low, close, window, range_window).middle",
        "cross_below(close, keltner(high, low, close, window, range_window).lower)",
        "close > keltner(high, low, close, window, range_window).middle",
    ),
    "rsi_reversion": (
        {"window": 5},
        "rsi(close, window) < 30 and not rsi(close, window) > 70",
        "rsi(close, window) > 70",
        "rsi(close, window) > 100 - 30 and not rsi(close, window) < 100 - 70",
        "rsi(close, window) < 100 - 70",
    ),
}


@settings(derandomize=True, max_examples=40, deadline=None)
@given(seeds, st.sampled_from(sorted(TWINS)), sides, st.integers(0, 9))
def test_a_shipped_rule_as_an_expression_is_the_shipped_one_bit_for_bit(seed, name, side, more):
    defaults, *texts = TWINS[name]
    params = {key: value + more for key, value in defaults.items()}
    described = {key: {"type": "int", "min": 2, "max": 100, "default": value} for key, value in defaults.items()}
    spec = {"name": "mine", "params": described, **sided(side, texts[:2], texts[2:])}
    twin = strategies.get(name).bind(**params, side=side)
    same_run(market(seed, total=300), strategy_of(spec).bind(**params), twin)


def test_buy_and_hold_as_an_expression_is_the_shipped_one():
    bars = market(5)
    twin = strategies.get("buy_and_hold").bind()
    same_run(bars, strategy_of({"name": "mine", "weight": "1 / symbol_count"}).bind(), twin)


def wholes(least):
    shift = st.integers(least, least + 8).map(str)
    return shift | st.just(f"n + {least}") | st.just(f"max({least}, n * 2)")


def written(function, values, truths, draw):
    """A call of the function with arguments that it takes."""
    names = {
        "series": values,
        "value": values | st.sampled_from(["0.5", "100", "n", "x"]),
        "truth": truths,
        "whole": wholes(LEAST.get(function.name, 1)),
        "positive": st.sampled_from(["2", "0.5", "x", "x * 3 + n"]),
    }
    given = [draw(names[item.takes]) for item in function.arguments if item.takes != "time"]
    if function.name == "macd":
        given[1:3] = ["n", "n + 3"]
    tail = f".{draw(st.sampled_from(function.fields))}" if function.fields else ""
    return f"{function.name}({', '.join(given)}){tail}"


@st.composite
def series_from(draw, values, truths):
    makers = [item for item in FUNCTIONS.values() if item.gives in ("series", "record", None)]
    maker = draw(st.sampled_from([*makers, *(OPERATORS[sign] for sign in "+-*/")]))
    if maker.name in OPERATORS:
        return f"({draw(values)} {maker.name} {draw(values)})"
    text = written(maker, values, truths, draw)
    # Of numbers alone it would be a number.
    return f"({text} + close)" if maker.gives is None else text


@st.composite
def truths_from(draw, values, truths):
    makers = [item for item in FUNCTIONS.values() if item.gives == "truth"]
    maker = draw(st.sampled_from([*makers, *(item for item in OPERATORS.values() if item.gives == "truth")]))
    if maker.name == "not":
        return f"not ({draw(truths)})"
    if maker.name in OPERATORS:
        sides = truths if maker.arguments[0].takes == "truth" else values
        return f"({draw(sides)}) {maker.name} ({draw(sides)})"
    return written(maker, values, truths, draw)


prices = st.sampled_from([*FIELDS, 'close["A"]', 'low["READ"]'])
flags = st.sampled_from(["close > open", "true", "month_ends()", "n > 3"])
shallow = series_from(prices, flags)
shallow_flags = truths_from(prices, flags)
series = series_from(shallow | prices, shallow_flags) | shallow
truths = truths_from(series, shallow_flags)
PARAMS = {
    "n": {"type": "int", "min": 1, "max": 9, "default": 4},
    "x": {"type": "float", "min": 0.1, "max": 3.0, "default": 1.5},
}
USES = {"entry": "({}) or n + x < 0", "weight": "({}) + 0 * n * x"}


def bars_of(seed):
    return market(seed, total=90).with_beside(
        Bars.from_closes(market(seed, total=90).time, np.arange(1.0, 91), ["READ"])
    )


@settings(derandomize=True, max_examples=80, deadline=None)
@given(seeds, st.integers(45, 89), truths, truths, series, st.integers(1, 9), st.floats(0.1, 3.0))
def test_no_expression_sees_the_future(seed, stop, entry, exit, weight, n, x):
    bars = bars_of(seed)
    for spec in (
        {"entry": USES["entry"].format(entry), "exit": exit},
        {"weight": USES["weight"].format(weight), "max_weight": 3},
    ):
        run = strategy_of({"name": "any", "params": PARAMS, **spec}).bind(n=n, x=x).strategy.function
        try:
            whole = run(bars, n=n, x=x)
        except QueuantError:  # the logarithm of what is not positive
            continue
        assert whole.shape == bars.close.shape
        assert not np.isinf(whole).any()
        assert np.nanmax(np.abs(whole), initial=0.0) <= 3.0
        assert whole[:stop].tobytes() == run(bars.until(stop), n=n, x=x).tobytes()


@settings(derandomize=True, max_examples=60, deadline=None)
@given(truths, st.integers(1, 9), st.floats(0.1, 3.0))
def test_the_lookback_of_any_parameters_is_within_the_bound_that_was_checked(entry, n, x):
    spec = {"name": "any", "params": PARAMS, "entry": USES["entry"].format(entry), "exit": "false"}
    found = strategy_of(spec)
    least, most = (found.lookback({"n": value, "x": x}) for value in (n, 9))
    assert 1 <= least <= most == max(node.reach for node in found.function.nodes) + 1


words = st.sampled_from(
    [*FUNCTIONS, *OPERATORS, *FIELDS, *'()[],.=""', "n", "x", "1", "0.5", "-3", "1e9", '"A"', "symbol_count", "true"]
)


@settings(derandomize=True, max_examples=400, deadline=2000)
@given(st.text(max_size=60) | st.lists(words, max_size=40).map(" ".join), seeds)
def test_any_text_is_evaluated_or_refused_with_a_place_in_it(text, seed):
    bars, refused = market(seed, total=30), None
    try:
        weights = strategy_of({"name": "any", "weight": text}).function(bars)
    except UnknownName:  # a symbol that these bars do not have
        return
    except InvalidExpression as error:
        refused = error
    if refused is None:
        assert weights.shape == bars.close.shape
        return
    _line, caret = refused.caret.split("\n")
    assert 0 <= refused.position <= len(text)
    assert caret == " " * (len(caret) - 1) + "^"
    assert refused.pointer == "/weight"
