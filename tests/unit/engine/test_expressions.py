"""The language of expressions: what is read, what it means, and what is refused at which character."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from engine import Bars, backtest, indicators
from engine.errors import BadData, InvalidExpression, InvalidInput, InvalidParameter, UnknownName
from engine.expression import strategy_of
from engine.expression.functions import FUNCTIONS
from engine.expression.parse import MAX_DEPTH
from engine.expression.tokens import MAX_TEXT, MAX_TOKENS
from engine.expression.writer import MAX_LOOKBACK
from engine.sweep import sweep

N = {"type": "int", "min": 0, "max": 50, "default": 5}
WIDTH = {"type": "float", "min": 0.0, "max": 3.0, "default": 1.0}


@pytest.fixture
def bars():
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (60, 4)), axis=0))
    close[10:13, 1] = np.nan
    close[:, 3] = np.nan
    time = np.busday_offset("2020-01-01", np.arange(60), roll="forward")
    return Bars.from_arrays(time, close, close * 1.01, close * 0.99, close, symbols=tuple("ABCD"))


def value(text, bars, **params):
    """What a series or number says, on a scale on which nothing is cut."""
    found = strategy_of({"name": "x", "params": params, "weight": f"({text}) / 1e9", "max_weight": 10})
    return np.asarray(found.bind()(bars)) * 1e9


def holds(text, bars):
    """The bars on which a truth holds."""
    entry = strategy_of({"name": "x", "entry": text, "exit": f"not ({text})"}).function
    return entry(bars) * len(bars.symbols) == 1


def refused(text, **params):
    with pytest.raises(InvalidExpression) as error:
        strategy_of({"name": "x", "params": params, "weight": text})
    return error.value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 - 3 - 2", 3),
        ("8 / 4 / 2", 1),
        ("-2 * -3", 6),
        ("2 - -3", 5),
        ("+4", 4),
        (".5 + 1.", 1.5),
        ("1e3", 1000),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("abs(-3) + sign(-2) + sqrt(16) + log(exp(2))", 8),
        ("symbol_count", 4),
        ("where(1 < 2 and not 2 < 1, 5, 6)", 5),
        ("where(1 < 2 or 1 < 2 and 2 < 1, 5, 6)", 5),
        ("where(not 1 == 1 or true, 5, 6)", 5),
        ("where(false, 5, 6)", 6),
        ("\n 1\t+\r\n1 ", 2),
    ],
)
def test_arithmetic_is_what_it_looks_like(text, number, bars):
    assert value(text, bars)[5, 0] == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize("text", ["1 / 0", "0 / 0", "log(0)", "log(0 - 1)", "sqrt(-1)", "exp(1e6)", "1e15 * exp(700)"])
def test_what_is_not_defined_is_missing_and_never_infinite(text, bars):
    assert np.isnan(value(text, bars)).all()
    assert np.isnan(value(f"{text} * close", bars)).all()
    assert not holds(f"{text} != close", bars).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sma(close, 5)", lambda b: indicators.sma(b.close, 5)),
        ("bollinger(close).upper", lambda b: indicators.bollinger(b.close).upper),
        ("bollinger(close, width=1.5, window=9).lower", lambda b: indicators.bollinger(b.close, 9, width=1.5).lower),
        ("macd(close, 3, 6, 4).signal", lambda b: indicators.macd(b.close, fast=3, slow=6, signal=4).signal),
        ("keltner(high, low, close).lower", lambda b: indicators.keltner(b.high, b.low, b.close).lower),
        ("atr(high, low, close, 7)", lambda b: indicators.atr(b.high, b.low, b.close, window=7)),
        ("rolling_corr(close, close['A'], 9)", lambda b: indicators.rolling_corr(b.close, b.close[:, :1], 9)),
        ("close / close['A']", lambda b: b.close / b.close[:, :1]),
        ("latch(close > open, close < 90)", lambda b: indicators.latch(b.close > b.open, b.close < 90)),
        ("sma(where(true, 1, 2), 3)", lambda b: indicators.sma(np.ones((len(b), 4)), 3)),
    ],
)
def test_an_indicator_is_that_of_the_engine(text, expected, bars):
    np.testing.assert_allclose(value(text, bars), expected(bars), rtol=1e-12)


def test_every_indicator_is_a_word_of_the_language_or_said_in_other_words():
    elsewhere = {"crosses": "cross_above and cross_below, one direction each"}
    known = {name for name in indicators.__all__ if inspect.isfunction(getattr(indicators, name))}
    assert known - set(FUNCTIONS) == set(elsewhere)


def test_what_is_missing_is_neither_true_nor_false(bars):
    gap = np.isnan(bars.close)
    up, not_up = holds("close > lag(close, 1)", bars), holds("not close > lag(close, 1)", bars)
    assert not (up & not_up).any()
    assert (up | not_up | gap)[1:].all()
    opened = strategy_of({"name": "x", "entry": "close > 0", "exit": "not close > 0"})
    assert (opened.bind()(bars)[:, 1] == 0.25).all(), "a bar without a trade is no reason to sell"
    assert holds("close > 0 or true", bars).all()
    assert not holds("close > 0 and false", bars).any()


def test_a_rank_is_among_the_symbols_known_on_the_bar(bars):
    assert value("rank(close)", bars)[0, :3] == pytest.approx((bars.close[0, :3].argsort().argsort() + 1) / 3)
    assert np.nansum(value("rank(close)", bars)[11]) == pytest.approx(1.5)
    tied = value("rank(where(close > 0, 7, 7))", bars)
    assert tied[0, :3] == pytest.approx(2 / 3)
    assert np.isnan(tied[:, 3]).all()
    slow = [[np.sum(row < x) + (np.sum(row == x) + 1) / 2 for x in row] for row in ROWS]
    wide = Bars.from_closes(bars.time[: len(ROWS)], ROWS, tuple("ABCDE"))
    assert value("rank(close)", wide) == pytest.approx(np.array(slow) / 5)


ROWS = np.array([[1.0, 2.0, 2.0, 3.0, 1.0], [5.0, 4.0, 3.0, 2.0, 1.0], [2.0, 2.0, 2.0, 2.0, 2.0]])

# Text -> position, and what the sentence says.
REFUSED = {
    "": (0, "found the end"),
    "close >": (7, "found the end"),
    "close close": (6, "Expected an operator"),
    "close = 3": (6, "Write == to compare"),
    "close > 1 AND close < 9": (10, "found 'AND'. Write and."),
    "(close > 1 Or close < 9)": (11, "Expected ')' to close the bracket, found 'Or'. Write or."),
    "(close": (6, "close the bracket"),
    "sma(close, 3": (12, "Expected ','"),
    "sma(close,, 3)": (10, "Expected a value"),
    "sma(close, 3,)": (13, "Expected a value"),
    "close ^ 2": (6, "means nothing here"),
    "close & 2": (6, "Did you mean 'and'"),
    "close ≤ 2": (6, "Did you mean '<='"),
    "clóse": (2, "'ó' means nothing"),
    "close\x00": (5, "U+0000"),
    "'close'": (0, "Expected a value"),
    'close["A': (6, "not closed"),
    "close[A]": (6, "quotation marks"),
    'close[""]': (6, "1 to 64"),
    'clse["A"]': (0, "Did you mean 'close'"),
    "opn": (0, "Did you mean 'open'"),
    "smaa(close, 3)": (0, "Did you mean 'sma'"),
    "sma": (0, "write sma(values, window)"),
    "close(3)": (0, "no function 'close'"),
    "__import__('os')": (0, "no function"),
    "close.__class__": (6, "Only what has fields"),
    "().__subclasses__()": (1, "Expected a value"),
    "macd(close).__class__": (12, "no field of macd"),
    "macd(close).sgnal": (12, "Did you mean 'signal'"),
    "macd(close)": (0, "Take one of its fields: .line, .signal, .histogram"),
    "1 + macd(close)": (4, "Take one of its fields: .line"),
    "macd(close, 26, 12).line": (0, "fast (26) must be below slow (12)"),
    "sma(3, 3)": (4, "must be a series, this is a number"),
    "sma(close > 3, 3)": (10, "must be a series, this is a truth"),
    "sma(close, close)": (11, "must be a number"),
    "sma(close, 2.5)": (11, "whole number"),
    "sma(close, 4 / 2)": (13, "whole number"),
    "sma(close, symbol_count)": (11, "whole number"),
    "sma(close, 0)": (11, "at least 1"),
    "sma(close, n)": (11, "this may be 0"),
    "sma(close, 5 - n)": (13, "this may be -45"),
    "close + 1 + sma(close, 1 - 1)": (25, "at least 1"),
    "zscore(close, 1)": (14, "at least 2"),
    "lag(close, 0)": (11, "would look ahead"),
    "lag(close, -1)": (11, "would look ahead"),
    "bollinger(close, 5, width=w).upper": (26, "positive number"),
    "sma(close)": (0, "'window' is missing: sma(values, window)"),
    "sma(close, 3, 4)": (14, "takes 2 arguments"),
    "sma(close, 3, window=4)": (14, "given twice"),
    "sma(close, window=3, values=close)": (21, "given twice"),
    "sma(close, widow=3)": (11, "Did you mean 'window'"),
    "bollinger(values=close, 3).upper": (24, "after a named one"),
    "min(close)": (0, "'others' is missing"),
    "1 < 2 < 3": (2, "a < b and b < c"),
    "close > 1 and 1": (14, "must be a truth"),
    "not close": (4, "must be a truth"),
    "close > 1": (6, "A weight must be a number or a series; this is a truth"),
    "1e16": (0, "too large"),
    "9" * 400: (0, "too large"),
    f"sma(close, {MAX_LOOKBACK + 1})": (11, "at most 10,000"),
    "sma(sma(close, 6000), 6000)": (0, "looks back 11,999 bars"),
    "sma(lag(close, n * 150 + 1), n * 100 + 1)": (0, "looks back 12,502 bars"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_text_is_refused_with_the_place_of_the_mistake(text):
    found = refused(text, n=N, w=WIDTH)
    position, sentence = REFUSED[text]
    assert (found.position, found.pointer) == (position, "/weight"), found
    assert sentence in found.message
    assert found.detail()["position"] == position


def test_the_caret_stands_below_the_mistake_on_its_line():
    assert refused("close\n + smaa(close, 3)\n + 1").caret == " + smaa(close, 3)\n   ^"
    assert refused("1 + " * 50 + "oops\x00").caret.splitlines()[1].index("^") == 60
    assert str(refused("opn")).endswith("\nopn\n^")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("close + " * (MAX_TEXT // 8) + "close", "characters"),
        ("1+" * MAX_TOKENS + "1", "words"),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "nested"),
        ("-" * 500 + "1", "nested"),
        ("not " * 300 + "true", "nested"),
        ("sma(" * 60 + "close" + ", 2)" * 60, "nested"),
        ("(" * 10**6, "characters"),
        ("+".join(f"{number}.5" for number in range(290)), "too many parts"),
    ],
)
def test_a_text_that_is_too_large_is_refused(text, what):
    found = refused(text)
    assert found.code == "expression_too_large"
    assert what in found.message


def test_equal_parts_are_computed_once_whichever_expression_they_stand_in(bars, monkeypatch):
    calls = []
    counted = FUNCTIONS["sma"].call
    monkeypatch.setitem(
        FUNCTIONS["sma"].__dict__, "call", lambda **given: calls.append(given["window"]) or counted(**given)
    )
    spec = {
        "entry": "close > sma(close, 3) + sma(close, 2 + 1)",
        "exit": "sma( close, 3 ) > close or sma(close, 4) < 1",
    }
    strategy_of({"name": "x", **spec}).bind()(bars)
    assert calls == [3, 3, 4]  # 2 + 1 is another text of the same number


def test_the_lookback_follows_from_the_expressions_and_their_parameters():
    params = {"n": N | {"min": 1}}
    found = strategy_of(
        {
            "name": "x",
            "params": params,
            "entry": "sma(lag(close, n), 10) > 1",
            "exit": "adx(high, low, close, 7).adx > 1",
        }
    )
    assert found.lookback() == 5 + 10
    assert found.lookback({"n": 1}) == 14  # the adx: 2 x 7 - 1 bars before it
    assert found.lookback({"n": 50}) == 60
    assert strategy_of({"name": "x", "weight": "macd(close, 2, 5, 3).line"}).lookback() == 5
    assert strategy_of({"name": "x", "weight": "macd(close, 2, 5, 3).signal"}).lookback() == 7


def test_arguments_that_fit_together_for_no_default_are_refused_by_the_rule_of_the_indicator():
    params = {"n": N | {"min": 1}}
    found = strategy_of({"name": "x", "params": params, "weight": "macd(close, n, 20).line"})
    with pytest.raises(InvalidParameter, match=r"In macd, fast \(20\) must be below slow \(20\)"):
        found.bind(n=20)
    with pytest.raises(InvalidParameter, match="In macd"):
        strategy_of({"name": "x", "params": params, "weight": "macd(close, 20, n).line"})


def test_a_symbol_may_be_read_beside_those_that_are_traded(bars):
    found = strategy_of({"name": "x", "weight": 'where(close["A"] > close["B"], 1, 0) / symbol_count'})
    assert found.beside == ("A", "B")
    part = bars.select(["C"])
    with pytest.raises(UnknownName, match="no symbol 'A'"):
        found.bind()(part)
    beside = part.with_beside(bars.select(["A", "B"]))
    told = found.bind()(beside)
    known = ~np.isnan(bars.close[:, 1])
    assert np.array_equal(told[known, 0], (bars.close[known, 0] > bars.close[known, 1]).astype(float))
    assert np.array_equal(found.bind()(beside.until(30)), told[:30], equal_nan=True)
    with pytest.raises(BadData, match="the same times"):
        part.with_beside(bars.until(30))


def test_an_indicator_that_refuses_its_values_says_where_it_stands(bars):
    found = strategy_of({"name": "x", "weight": "1 + volatility(close - 1000, 5)"})
    with pytest.raises(InvalidExpression, match="positive prices") as error:
        found.bind()(bars)
    assert (error.value.position, error.value.code) == (4, "invalid_expression")


def test_weights_are_cut_to_their_bound_and_missing_ones_say_nothing(bars):
    found = strategy_of({"name": "x", "weight": "where(close > 0, -7, 0)", "max_weight": 2.5}).bind()(bars)
    assert np.array_equal(found, np.where(np.isnan(bars.close), np.nan, -2.5), equal_nan=True)


def test_a_short_strategy_needs_no_long_side(bars):
    spec = {"name": "Only short", "short_entry": "close < lag(close, 1)", "short_exit": "close > lag(close, 1)"}
    assert set(np.unique(strategy_of(spec).bind()(bars))) == {-0.25, 0.0}
    assert backtest(bars, strategy_of(spec).bind()).metrics["total_trades"] > 5


def test_a_sweep_of_an_expression_finds_what_its_single_runs_find(bars):
    spec = {"params": {"n": N | {"min": 1}}, "entry": "close > lag(close, n)", "exit": "close < lag(close, n)"}
    found = strategy_of({"name": "x", **spec})
    trials = [{"n": n} for n in (1, 4, 9)]
    swept = sweep(bars, found, trials, figures=["sharpe", "total_return"])
    for at, params in enumerate(trials):
        single = backtest(bars, found.bind(**params)).metrics
        assert {name: swept.figures[name][at] for name in swept.figures} == pytest.approx(
            {name: single[name] for name in swept.figures}, rel=1e-9
        )


# What is wrong with a document -> its pointer.
DOCUMENTS = {
    "no name": ({"name": None}, "/name"),
    "an empty name": ({"name": ""}, "/name"),
    "a name of signs": ({"name": "!!!"}, "/name"),
    "a name that begins with a digit": ({"name": "3 ducks"}, "/name"),
    "a name with a line break": ({"name": "a\nb"}, "/name"),
    "a long name": ({"name": "x" * 65}, "/name"),
    "an unknown field": ({"entri": "true"}, "/entri"),
    "neither entry nor weight": ({"entry": None, "exit": None}, "/entry"),
    "an entry without exit": ({"exit": None}, "/exit"),
    "half a short side": ({"short_exit": "true"}, "/short_entry"),
    "weight and entry": ({"weight": "1"}, "/entry"),
    "a bound without a weight": ({"max_weight": 2}, "/max_weight"),
    "an entry that is a number": ({"entry": 3}, "/entry"),
    "an entry of numbers": ({"entry": "close"}, "/entry"),
    "params as a list": ({"params": []}, "/params"),
    "17 params": ({"params": {f"p{n}": N for n in range(17)}}, "/params"),
    "an unused parameter": ({"params": {"n": N}}, "/params/n"),
    "a parameter called close": ({"params": {"close": N}}, "/params/close"),
    "a parameter called and": ({"params": {"and": N}}, "/params/and"),
    "a parameter with a capital": ({"params": {"N": N}}, "/params/N"),
    "a parameter called /": ({"params": {"/": N}}, "/params/~1"),
    "a parameter as a number": ({"params": {"n": 3}}, "/params/n"),
    "an unknown type": ({"params": {"n": N | {"type": "bool"}}}, "/params/n/type"),
    "an unknown field of a parameter": ({"params": {"n": N | {"step": 1}}}, "/params/n/step"),
    "no bound": ({"params": {"n": {"type": "int", "min": 1, "default": 1}}}, "/params/n/max"),
    "half a bound": ({"params": {"n": N | {"max": 2.5}}}, "/params/n/max"),
    "an endless bound": ({"params": {"n": N | {"max": 10**300}}}, "/params/n/max"),
    "bounds the wrong way": ({"params": {"n": N | {"min": 51}}}, "/params/n/min"),
    "a default outside": ({"params": {"n": N | {"default": 51}}}, "/params/n/default"),
    "a doc that is none": ({"params": {"n": N | {"doc": 3}}}, "/params/n/doc"),
}


def test_what_is_no_document_is_refused():
    with pytest.raises(InvalidInput, match="must be an object"):
        strategy_of([])


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_document_is_refused_with_the_place_of_the_mistake(case):
    change, pointer = DOCUMENTS[case]
    spec = {"name": "x", "entry": "true", "exit": "false"} | change
    with pytest.raises(InvalidInput) as error:
        strategy_of({name: item for name, item in spec.items() if item is not None})
    assert error.value.pointer == pointer, error.value


def test_equal_documents_have_one_version_and_others_another():
    entry = {"entry": "close > n", "exit": "close < n"}
    one = strategy_of({"name": "Golden  cross!", "params": {"n": N}, **entry})
    same = strategy_of({"params": {"n": N | {"min": 0.0, "doc": ""}}, **entry, "name": "Golden  cross!"}, source="me")
    assert (one.id, one.family, one.summary) == ("golden_cross", "expression", "Golden  cross!.")
    assert one.version == same.version
    assert one.schema()["properties"]["n"] == {"type": "integer", "minimum": 0, "maximum": 50, "default": 5}
    assert same.source == "me"
    assert strategy_of({"name": "Golden  cross!", "params": {"n": N | {"default": 6}}, **entry}).version != one.version
    assert strategy_of(dict(one.spec)).version == one.version
