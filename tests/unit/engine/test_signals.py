"""Signals are the weights that a backtest trades, in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine import Bars, backtest, strategy
from engine.panel import Panel, Series
from engine.signals import DIRECTIONS, LONGEST_REASON, SESSIONS, SURGE, Signals
from engine.strategy import Decision
from engine.views import size_of
from tests.macro import small, world
from tests.shelf import MACRO, PRICE

NAN = np.nan


def market(total=700, size=3):
    rng = np.random.default_rng(11)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (total, size)), axis=0))
    time = np.busday_offset("2015-01-01", np.arange(total), roll="forward").astype("datetime64[ns]")
    return Bars.from_closes(time, close, ("A", "B", "C")[:size])


def said(weights, **more):
    """Signals of one symbol, or of several, by hand."""
    rows = np.array(weights, dtype=float)
    rows = rows[:, None] if rows.ndim == 1 else rows
    return Signals.of(market(len(rows), rows.shape[1]), Decision(rows, **more))


def words(signals, column=0):
    return [DIRECTIONS[int(way)] for way in signals.direction[:, column]]


def last_words(weights):
    """The weights that stand, one by one."""
    stands, rows = [0.0] * weights.shape[1], []
    for row in weights:
        stands = [old if np.isnan(new) else new for old, new in zip(stands, row, strict=True)]
        rows.append(stands)
    return np.array(rows)


@pytest.mark.parametrize("item", [*PRICE, *MACRO], ids=lambda item: item.id)
def test_signals_are_the_weights_that_a_backtest_of_the_strategy_trades(item):
    bars, bound = (world(item, total=700), item.bind(**small(item))) if item.legs else (market(), item.bind())
    traded = last_words(backtest(bars, bound).weights)
    rows = list(Signals.of(bars, bound.decide(bars)).rows())
    assert [row["weight"] for row in rows] == traded.ravel().tolist()
    assert [row["direction"] for row in rows] == [DIRECTIONS[int(np.sign(w))] for w in traded.ravel()]
    assert all(np.sign(row["conviction"]) in (0.0, np.sign(row["weight"])) for row in rows)
    assert [row["symbol"] for row in rows] == list(bars.symbols) * len(bars)
    assert np.count_nonzero(traded) > 0


def test_a_weight_without_an_opinion_keeps_the_last_word():
    signals = said([NAN, 0.5, NAN, -0.25, NAN, 0.0, NAN])
    assert signals.weight[:, 0].tolist() == [0.0, 0.5, 0.5, -0.25, -0.25, 0.0, 0.0]
    assert words(signals) == ["NEUTRAL", "LONG", "LONG", "SHORT", "SHORT", "NEUTRAL", "NEUTRAL"]


def test_conviction_takes_its_sign_from_the_direction_and_never_from_the_score():
    signals = said([-1.0, 1.0, 0.0], score=np.array([2.0, -2.0, 2.0]), conviction=np.array([0.8, 0.6, 0.9]))
    assert signals.conviction[:, 0].tolist() == [-0.8, 0.6, 0.0]
    assert signals.z_score[:, 0].tolist() == [2.0, -2.0, 2.0]


def test_without_a_conviction_the_share_of_an_even_split_counts():
    signals = said([[0.25, -0.5], [0.75, 0.0]])
    assert signals.conviction.tolist() == [[0.5, -1.0], [1.0, 0.0]]


def test_an_unknown_conviction_is_none_and_a_large_one_is_cut():
    assert said([1.0, -1.0], conviction=np.array([NAN, 7.0])).conviction[:, 0].tolist() == [0.0, -1.0]


def test_strength_is_that_of_the_score():
    scores = np.array([-2.0, 1.99, -1.0, 0.5, 0.49, NAN])
    signals = said([1.0] * 6, score=scores, conviction=np.zeros(6))
    assert signals.strength[:, 0].tolist() == ["strong", "moderate", "moderate", "weak", "none", "none"]


def test_strength_without_a_score_is_that_of_the_z_that_has_the_conviction():
    convictions = size_of(np.array([2.0, 1.999, 1.0, 0.999, 0.5, 0.499]))
    signals = said([-1.0] * 6, conviction=convictions)
    assert signals.strength[:, 0].tolist() == ["strong", "moderate", "moderate", "weak", "weak", "none"]
    assert said([1.0, 0.0]).strength[:, 0].tolist() == ["strong", "none"]


def test_the_reason_is_the_first_sentence_that_holds_else_the_facts():
    reasons = {"A is missing.": np.array([True, False, False, False]), "B.": np.array([True, True, False, False])}
    signals = said([0.0, 0.0, 0.0, -0.125], reasons=reasons, score=np.array([NAN, 0.1, 0.2, 1.5]))
    told = [row["reason"] for row in signals.rows()]
    began = signals.bars.time[3].astype("datetime64[D]")
    assert told == ["A is missing.", "B.", "No position so far.", f"Short since {began}, weight -0.125, z +1.50."]


def test_a_position_that_was_closed_says_since_when():
    signals = said([1.0, 0.0, 0.0])
    told = [row["reason"] for row in signals.rows()]
    days = signals.bars.time.astype("datetime64[D]")
    assert told == [f"Long since {days[0]}, weight +1.", *[f"No position since {days[1]}."] * 2]


def test_a_reason_is_never_longer_than_the_store_holds():
    signals = said([0.0, 0.0], reasons={"word " * 100: np.array([True, True])})
    assert {len(row["reason"]) for row in signals.rows()} == {LONGEST_REASON}


@pytest.mark.parametrize(
    ("weights", "flips"),
    [
        ([1, -1, -1, 1], [1, 3]),
        ([1, 0, 0, -1], [3]),
        ([1, 0, 0, 1], []),
        ([0, 0, 1, 1], []),
        ([-1, NAN, NAN, 0.5], [3]),
        ([0.5, 1, 0.25, 1], []),
    ],
)
def test_a_flip_is_a_position_opposite_to_the_last_one(weights, flips):
    assert np.flatnonzero(said(weights).flip[:, 0]).tolist() == flips


def surges(*convictions):
    return np.flatnonzero(said([1.0] * len(convictions), conviction=np.array(convictions)).surge[:, 0]).tolist()


def test_a_surge_is_told_once_and_on_the_day_on_which_it_is_complete():
    assert surges(0, SURGE, SURGE, SURGE, SURGE, SURGE, SURGE, SURGE) == [1]
    assert surges(0, 0, 0.2, 0.4, 0.6, 0.6, 0.6, 0.6) == [4]
    assert surges(0, 0.75, 0.75, 0.0, 0.0) == [1, 3]
    assert surges(0.25, 0.5, 0.74) == []


def test_a_drift_that_takes_longer_than_the_sessions_is_no_surge():
    steps = np.linspace(0, SURGE, SESSIONS + 2)
    assert surges(*steps) == []
    assert surges(*np.linspace(0, SURGE, SESSIONS + 1)) == [SESSIONS]


def test_a_flip_comes_before_a_surge():
    rows = [row["change"] for row in said([1.0, -1.0, 0.0, 0.0]).rows()]
    assert rows == [None, "flip", "surge", None]


def test_a_row_is_plain_values_and_nan_is_none():
    signals = said([[0.5, 0.5], [0.5, NAN]], score=np.array([[NAN, 1.0], [2.5, NAN]]), raw=np.array([7.0, np.inf]))
    (row, other) = signals.rows(first=1)
    assert row | {"reason": ""} == {
        "symbol": "A",
        "leg": 0,
        "at": float(signals.bars.time[1].astype("datetime64[s]").astype(int)),
        "direction": "LONG",
        "strength": "strong",
        "conviction": 1.0,
        "weight": 0.5,
        "z_score": 2.5,
        "raw_value": None,
        "reason": "",
        "change": None,
    }
    assert (other["symbol"], other["leg"], other["z_score"]) == ("B", 1, None)


def test_what_is_said_of_a_bar_is_made_of_the_bars_up_to_it():
    rng = np.random.default_rng(3)
    weights = rng.choice([NAN, -1.0, -0.2, 0.0, 0.3, 1.0], (200, 2), p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    whole = Decision(
        weights,
        score=rng.normal(0, 2, 200),
        raw=rng.normal(0, 1, (200, 2)),
        conviction=rng.random(200),
        reasons={"Now and then.": rng.random(200) < 0.3},
    )
    bars = market(200, 2)
    everything = list(Signals.of(bars, whole).rows())
    for stop in (2, 3, 7, 50, 151):
        parts = {name: getattr(whole, name)[:stop] for name in ("weights", "score", "raw", "conviction")}
        reasons = {name: holds[:stop] for name, holds in whole.reasons.items()}
        past = dataclasses.replace(whole, **parts, reasons=reasons)
        assert list(Signals.of(bars.select(end=bars.time[stop - 1]), past).rows()) == everything[: 2 * stop]


def test_a_strategy_that_reads_series_tells_its_score_and_why_it_stands_aside():
    bars = market(100, 1)
    known = Series("GDP", "index", bars.time, bars.time, np.where(np.arange(100) < 50, 1.0, -1.0), 9.0)
    bars = bars.with_panel(Panel.of([known]))

    @strategy(family="test", source="none")
    def growth(bars):
        """Long while growth is positive."""
        score = bars.known("GDP")
        return Decision((score > 0)[:, None] * 0.5, score=score, reasons={"Growth is negative.": score < 0})

    rows = list(Signals.of(bars, growth.bind().decide(bars)).rows())
    assert (rows[49]["direction"], rows[49]["strength"], rows[49]["z_score"]) == ("LONG", "moderate", 1.0)
    assert (rows[50]["direction"], rows[50]["reason"]) == ("NEUTRAL", "Growth is negative.")
