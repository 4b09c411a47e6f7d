"""Stops, targets, trailing stops and the longest holding time, bar by bar by hand."""

from __future__ import annotations

import pytest

from engine import trades
from engine.book import MAX_HOLDING, SIGNAL, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP

FLAT = [100.0] * 6


def exits(ledger):
    closing = ledger.fills[ledger.fills["quantity"] * ledger.fills["quantity"][0] < 0]
    return [tuple(row) for row in closing[["bar", "price", "reason"]].tolist()]


def bent(row, value):
    return [value if i == row else 100.0 for i in range(6)]


def test_a_stop_is_filled_at_its_level(bars, run):
    ledger = run(bars(FLAT, FLAT, low=bent(3, 94.0)), [1] * 6, stop_loss=0.05)
    assert exits(ledger) == [(3, 95.0, STOP_LOSS)]


def test_a_gap_through_the_stop_is_filled_at_the_open(bars, run):
    ledger = run(bars(bent(3, 90.0), FLAT), [1] * 6, stop_loss=0.05)
    assert exits(ledger) == [(3, 90.0, STOP_LOSS)]


def test_a_target_is_filled_at_its_level_and_a_gap_above_it_at_the_open(bars, run):
    assert exits(run(bars(FLAT, FLAT, high=bent(3, 120.0)), [1] * 6, take_profit=0.1)) == [
        (3, pytest.approx(110.0), TAKE_PROFIT)
    ]
    assert exits(run(bars(bent(3, 115.0), FLAT), [1] * 6, take_profit=0.1)) == [(3, 115.0, TAKE_PROFIT)]


def test_when_one_bar_touches_both_the_stop_counts(bars, run):
    ledger = run(bars(FLAT, FLAT, high=bent(3, 120.0), low=bent(3, 80.0)), [1] * 6, stop_loss=0.05, take_profit=0.1)
    assert exits(ledger) == [(3, 95.0, STOP_LOSS)]


def test_an_open_beyond_the_target_comes_before_a_later_stop(bars, run):
    ledger = run(bars(bent(3, 120.0), FLAT, low=bent(3, 80.0)), [1] * 6, stop_loss=0.05, take_profit=0.1)
    assert exits(ledger) == [(3, 120.0, TAKE_PROFIT)]


def test_a_short_stops_above_and_takes_below(bars, run):
    stopped = run(bars(FLAT, FLAT, high=bent(3, 107.0)), [-1] * 6, stop_loss=0.05)
    assert exits(stopped) == [(3, pytest.approx(105.0), STOP_LOSS)]
    taken = run(bars(FLAT, FLAT, low=bent(3, 80.0)), [-1] * 6, take_profit=0.1)
    assert exits(taken) == [(3, 90.0, TAKE_PROFIT)]


def test_a_trailing_stop_follows_the_best_price_of_the_bars_before(bars, run):
    high = [100.0, 100.0, 120.0, 121.0, 100.0, 100.0]
    low = [100.0, 100.0, 100.0, 110.0, 100.0, 100.0]
    rising = [100.0, 100.0, 100.0, 115.0, 100.0, 100.0]
    ledger = run(bars(rising, rising, high=high, low=low), [1] * 6, trailing_stop=0.05)
    # Bar 2 makes the high of 120, which binds from bar 3 on: 114.
    assert exits(ledger) == [(3, pytest.approx(114.0), TRAILING_STOP)]


def test_each_symbol_trails_its_own_best_price(bars, run):
    price = [[100.0, 50.0], [100.0, 50.0], [120.0, 50.0], [115.0, 60.0], [110.0, 60.0], [110.0, 56.0]]
    ledger = run(bars(price, price), [[0.5, 0.5]] * 6, trailing_stop=0.05)
    assert exits(ledger) == [(4, pytest.approx(110.0), TRAILING_STOP), (5, pytest.approx(56.0), TRAILING_STOP)]


def test_the_tighter_of_two_stops_counts(bars, run):
    low = bent(3, 80.0)
    assert exits(run(bars(FLAT, FLAT, low=low), [1] * 6, stop_loss=0.1, trailing_stop=0.05))[0][2] == TRAILING_STOP
    assert exits(run(bars(FLAT, FLAT, low=low), [1] * 6, stop_loss=0.05, trailing_stop=0.1))[0][2] == STOP_LOSS


def test_the_entry_bar_is_watched_when_it_was_entered_at_its_open(bars, run):
    low = bent(1, 90.0)
    assert exits(run(bars(FLAT, FLAT, low=low), [1] * 6, stop_loss=0.05)) == [(1, 95.0, STOP_LOSS)]
    assert exits(run(bars(FLAT, FLAT, low=low), [1] * 6, stop_loss=0.05, fill="next_close")) == []


def test_on_closes_alone_a_stop_is_seen_and_filled_at_the_close(bars, run):
    closes = [100.0, 100.0, 94.0, 93.0, 93.0, 93.0]
    ledger = run(bars(closes, closes), [1] * 6, stop_loss=0.05, fill="next_close")
    assert exits(ledger) == [(2, 94.0, STOP_LOSS)]


def test_after_a_stop_the_symbol_stays_flat_until_its_target_changes(bars, run):
    low = bent(2, 90.0)
    held = run(bars(FLAT, FLAT, low=low), [1] * 6, stop_loss=0.05, rebalance="daily")
    assert held.positions[2:].max() == 0.0
    again = run(bars(FLAT, FLAT, low=low), [1, 1, 1, 0.5, 0.5, 0.5], stop_loss=0.05)
    assert (again.positions[:, 0] > 0).tolist() == [False, True, False, False, True, True]


def test_a_stopped_symbol_is_not_bought_back_because_another_one_moved(bars, run):
    price = [[100.0, 100.0]] * 6
    low = [[100.0, 100.0]] * 2 + [[90.0, 100.0]] + [[100.0, 100.0]] * 3
    weights = [[0.8, 0.0]] * 3 + [[0.8, 0.8]] * 3
    ledger = run(bars(price, price, low=low), weights, stop_loss=0.05)
    assert ledger.positions[2:, 0].max() == 0.0


def test_a_position_ends_after_the_longest_holding_time(bars, run):
    ledger = run(bars(FLAT, FLAT), [1] * 6, max_holding_bars=2)
    assert exits(ledger) == [(3, 100.0, MAX_HOLDING)]
    assert ledger.positions[3:].max() == 0.0


def test_a_target_that_changes_on_the_last_holding_bar_opens_anew(bars, run):
    ledger = run(bars(FLAT, FLAT), [1, 1, 0.5, 0.5, 0.5, 0.5], max_holding_bars=2)
    assert [row["reason"] for row in ledger.fills] == [SIGNAL, MAX_HOLDING, SIGNAL, MAX_HOLDING]
    assert ledger.positions[3, 0] == 5.0


def test_stop_orders_slip_like_any_other(bars, run):
    ledger = run(bars(FLAT, FLAT, low=bent(3, 90.0)), [0.5] * 6, stop_loss=0.05, slippage_bps=100)
    # Entered at 101, so the stop is at 95.95, and is sold 1 % below.
    assert ledger.fills["price"][1] == pytest.approx(101 * 0.95 * 0.99)


def test_a_bar_without_a_price_triggers_nothing(bars, run):
    nan = float("nan")
    price = [100.0, 100.0, nan, 90.0, 90.0, 90.0]
    ledger = run(bars(price, price), [1] * 6, stop_loss=0.05)
    assert exits(ledger) == [(3, 90.0, STOP_LOSS)]


def test_every_reason_has_its_name(bars, run):
    prices = bars(FLAT, FLAT, low=bent(3, 90.0))
    ledger = run(prices, [1] * 6, stop_loss=0.05)
    (row,) = trades.rows(prices, trades.from_ledger(prices, ledger))
    assert row["exit_reason"] == "stop_loss"


@pytest.mark.parametrize("exit", [{"stop_loss": 0.05}, {"max_holding_bars": 2}])
def test_a_target_that_changed_while_there_was_no_price_is_not_forgotten_by_an_exit(bars, run, exit):
    nan = float("nan")
    price = [100.0, 100.0, nan, nan, 90.0, 90.0, 90.0]
    ledger = run(bars(price, price), [1, 1, -1, -1, -1, -1, -1], fill="next_close", **exit)
    assert ledger.fills["quantity"][:3].tolist() == [10.0, -10.0, -10.0]
    assert ledger.positions[4, 0] == -10.0
