"""A strategy that decides at some bars only gives the rows of these, and nothing else has to know of it."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Bars, Config, backtest, kernel, simulate, simulation, strategy
from engine.errors import RunFailed
from engine.lookahead import find_leak
from engine.signals import Signals
from engine.strategy import Decision

TOTAL, SYMBOLS = 12, ("A", "B")
ROWS = np.array([2, 5, 9])
WEIGHTS = np.array([[0.5, -0.5], [np.nan, 0.25], [0.0, 0.3]])
NOT_BARS = "rows that are not bars: an array of integers from 0 to 11, each larger than the one before"


@pytest.fixture
def bars():
    time = np.arange("2024-01-01", "2024-01-13", dtype="datetime64[D]")
    close = 100.0 + np.random.default_rng(7).normal(size=(TOTAL, 2)).cumsum(axis=0)
    return Bars.from_closes(time, close, SYMBOLS)


def deciding(weights=WEIGHTS, rows=ROWS, **more):
    @strategy(family="test", source="none")
    def some_bars(bars):
        """Decide at some bars."""
        return Decision(weights, rows=rows, **more)

    return some_bars.bind()


def table():
    whole = np.full((TOTAL, 2), np.nan)
    whole[ROWS] = WEIGHTS
    return whole


def same(one, other):
    assert (one.equity.tobytes(), one.fills.tobytes()) == (other.equity.tobytes(), other.fills.tobytes())


def test_it_trades_as_with_a_row_for_each_bar(bars):
    found = backtest(bars, deciding(), Config(rebalance="weekly"))
    assert len(found.ledger.fills) > 4
    same(found.ledger, simulate(bars, table(), Config(rebalance="weekly")))


def test_whoever_asks_for_weights_gets_those_of_every_bar(bars):
    bound = deciding(score=np.ones(TOTAL))
    for weights in (bound(bars), bound.decide(bars).weights, backtest(bars, bound).weights):
        np.testing.assert_array_equal(weights, table())
        assert not weights.flags.writeable
    assert bound.decide(bars).score is not None
    for said in (bound.decide(bars), bound.say(bars)):
        assert Signals.of(bars, said).weight[-1].tolist() == [0.0, 0.3]


def test_the_compiled_kernel_equals_its_twin(bars, monkeypatch):
    compiled = simulate(bars, WEIGHTS, rows=ROWS)
    monkeypatch.setattr(simulation, "run", kernel.run.twin)
    same(simulate(bars, WEIGHTS, rows=ROWS), compiled)


def test_one_symbol_is_decided_at_some_bars_too(bars):
    one = bars.select(["A"])
    same(simulate(one, WEIGHTS[:, :1], rows=ROWS), simulate(one, table()[:, :1]))


def test_one_row_for_all_of_these_bars_is_decided_once(bars):
    row = np.array([0.5, 0.25])
    ledger = simulate(bars, np.broadcast_to(row, (3, 2)), rows=ROWS)
    assert ledger.fills["bar"].tolist() == [3, 3]


def test_no_bars_are_no_decision(bars):
    found = backtest(bars, deciding(np.empty((0, 2)), np.empty(0, dtype=int)))
    assert len(found.ledger.fills) == 0
    assert "took no position" in found.warnings[-1]


def test_what_is_written_over_the_rows_later_changes_nothing(bars):
    rows = ROWS.copy()
    said = deciding(rows=rows).say(bars)
    rows[:] = 0
    assert said.rows.tolist() == ROWS.tolist()
    assert not said.rows.flags.writeable


NO_ROWS = {
    "a list": [2, 5, 9],
    "no integers": np.array([2.0, 5.0, 9.0]),
    "truths": np.arange(TOTAL) % 4 == 1,
    "twice one": np.array([2, 5, 5]),
    "not in order": np.array([5, 2, 9]),
    "before the first": np.array([-1, 5, 9]),
    "after the last": np.array([2, 5, 12]),
    "a table": np.array([[2, 5, 9]]),
    "masked": np.ma.array([2, 9, 5], mask=[0, 1, 0]),
}


@pytest.mark.parametrize("rows", NO_ROWS.values(), ids=NO_ROWS)
def test_rows_that_are_not_bars_are_refused(bars, rows):
    with pytest.raises(RunFailed, match=f"some_bars returned {NOT_BARS}") as failed:
        deciding(rows=rows)(bars)
    assert failed.value.code == "bad_weights"
    with pytest.raises(RunFailed, match=f"There are {NOT_BARS}"):
        simulate(bars, WEIGHTS, rows=rows)


def test_weights_of_another_number_of_rows_are_refused(bars):
    with pytest.raises(RunFailed, match=r"returned float64 \(12, 2\), expected an array of numbers \(3, 2\)"):
        deciding(table())(bars)
    with pytest.raises(RunFailed, match=r"must be of the shape \(3, 2\), these are \(12, 2\)"):
        simulate(bars, table(), rows=ROWS)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_weight_that_nobody_means_is_named_with_its_bar(bars, row):
    weights = WEIGHTS.copy()
    weights[row, 1] = 2e6
    message = f"a weight of 2e.06 for B at 2024-01-{ROWS[row] + 1:02d};"
    with pytest.raises(RunFailed, match=f"There is {message}"):
        simulate(bars, weights, rows=ROWS)
    with pytest.raises(RunFailed, match=f"some_bars returned {message}"):
        deciding(weights)(bars)


def test_a_weight_that_nobody_means_is_named_even_where_it_would_never_be_carried_out(bars):
    weights = np.array([[0.5, 0.5], [np.inf, 0.0]])
    with pytest.raises(RunFailed, match="There is a weight of inf for A at 2024-01-12;"):
        simulate(bars, weights, rows=np.array([0, TOTAL - 1]))


@pytest.mark.parametrize("looks_ahead", [True, False])
def test_a_look_ahead_is_found_and_nothing_else(bars, looks_ahead):
    @strategy(family="test", source="none")
    def every_third_bar(bars):
        """Know the last close, or not."""
        rows = np.arange(2, len(bars), 3)
        return Decision(np.where(bars.close[rows] < (bars.close[-1] if looks_ahead else 100.0), 0.5, 0.0), rows=rows)

    bound = every_third_bar.bind()
    for whole in (None, bound.say(bars), backtest(bars, bound).decision):
        leak = find_leak(bars, bound, whole)
        assert (leak is not None) is looks_ahead
        assert leak is None or (leak.what, int(leak.at[-2:]) % 3) == ("weight", 0)
