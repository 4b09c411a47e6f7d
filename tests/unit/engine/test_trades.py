"""Fills become round trips, and their pnl adds up to what the account gained."""

from __future__ import annotations

import numpy as np
import pytest

from engine import trades

OPEN = [10.0, 20.0, 40.0, 50.0, 50.0]
CLOSE = [15.0, 30.0, 45.0, 60.0, 55.0]
HIGH = [16.0, 31.0, 46.0, 70.0, 56.0]
LOW = [9.0, 18.0, 39.0, 49.0, 45.0]


def rows(bars, ledger):
    return list(trades.rows(bars, trades.from_ledger(bars, ledger)))


def test_a_round_trip_has_the_fields_of_the_contract(bars, run):
    prices = bars(OPEN, CLOSE, high=HIGH, low=LOW)
    (trade,) = rows(prices, run(prices, [0.5, 0.5, 0, 0, 0], commission_bps=100))
    assert trade == {
        "symbol": "A",
        "side": "long",
        "entry_time": "2024-01-02T00:00:00Z",
        "entry_price": 20.0,
        "exit_time": "2024-01-04T00:00:00Z",
        "exit_price": 50.0,
        "quantity": 25.0,
        "pnl": pytest.approx(25 * 30 - 5.0 - 12.5),
        "return": pytest.approx((25 * 30 - 17.5) / 500),
        "costs": pytest.approx(17.5),
        "bars_held": 2,
        "exit_reason": "signal",
        "mae": pytest.approx(18 / 20 - 1),  # bars 1 and 2, and the exit at 50; not the 70 of the exit bar
        "mfe": pytest.approx(50 / 20 - 1),
    }


def test_a_fill_at_the_close_lives_through_its_last_bar_but_not_its_first(bars, run):
    prices = bars(OPEN, CLOSE, high=HIGH, low=LOW)
    (trade,) = rows(prices, run(prices, [0.5, 0.5, 0, 0, 0], fill="next_close"))
    assert (trade["entry_price"], trade["exit_price"]) == (30.0, 60.0)
    assert trade["mae"] == 0.0
    assert trade["mfe"] == pytest.approx(70 / 30 - 1)


def test_an_open_position_is_marked_and_says_so(bars, run):
    prices = bars(OPEN, CLOSE, high=HIGH, low=LOW)
    (trade,) = rows(prices, run(prices, [0.5] * 5))
    assert trade["exit_time"] is None
    assert trade["exit_reason"] == "open"
    assert trade["exit_price"] == 55.0
    assert trade["bars_held"] == 3
    assert trade["mfe"] == pytest.approx(70 / 20 - 1)


def test_a_short_gains_when_the_price_falls(bars, run):
    prices = bars([50, 50, 40, 40], [50, 45, 40, 40], high=[50, 55, 40, 40], low=[50, 42, 40, 40])
    (trade,) = rows(prices, run(prices, [-1, 0, 0, 0]))
    assert trade["side"] == "short"
    assert trade["quantity"] == 20.0
    assert trade["pnl"] == 200.0
    assert trade["mae"] == pytest.approx(-0.1)
    assert trade["mfe"] == pytest.approx(0.2)


def test_a_reversal_splits_into_two_trades(bars, run):
    prices = bars(OPEN, CLOSE)
    found = rows(prices, run(prices, [0.5, -0.5, -0.5, 0, 0]))
    assert [(trade["side"], trade["bars_held"]) for trade in found] == [("long", 1), ("short", 2)]


def test_additions_and_reductions_belong_to_one_trade_at_average_prices(bars, run):
    prices = bars([10, 10, 20, 40, 40], [10, 10, 20, 40, 40])
    # 20 units at 10; then 1400 equity, 0.8 of it is 56 at 20; then 56 x 20 more: 0.2 of 2520 / 40 = 12.6 left.
    (trade,) = rows(prices, run(prices, [0.2, 0.8, 0.2, 0, 0]))
    bought = 20 + (48 - 20)
    assert trade["quantity"] == pytest.approx(bought)
    assert trade["entry_price"] == pytest.approx((20 * 10 + 28 * 20) / bought)
    assert trade["exit_price"] == pytest.approx(40.0)


def test_pnl_of_all_trades_is_what_the_account_gained_with_every_cost(bars, run):
    rng = np.random.default_rng(5)
    price = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (400, 3)), axis=0))
    prices = bars(price, price * 1.001)
    weights = np.repeat(rng.uniform(-1.0, 1.0, (40, 3)), 10, axis=0)
    ledger = run(
        prices,
        weights,
        max_leverage=2.0,
        commission_bps=5,
        slippage_bps=5,
        borrow_bps=300,
        funding_bps=500,
        cash_bps=200,
        stop_loss=0.05,
        rebalance="weekly",
    )
    found = trades.from_ledger(prices, ledger)
    assert ledger.borrow.sum() > 0.0
    assert ledger.funding.sum() > 0.0
    assert len(found) > 20
    assert ledger.interest.sum() > 0.0
    assert found["pnl"].sum() + ledger.interest.sum() == pytest.approx(ledger.equity[-1] - 1000.0, rel=1e-9)
    total = ledger.commission + ledger.slippage + ledger.borrow + ledger.funding
    assert found["costs"].sum() == pytest.approx(total.sum(), rel=1e-9)


def test_trades_are_sorted_by_entry_then_symbol(bars, run):
    price = [[10.0, 10.0]] * 5
    prices = bars(price, price)
    found = rows(prices, run(prices, [[0.3, 0.3], [0.3, 0], [0, 0], [0, 0], [0, 0]]))
    assert [trade["symbol"] for trade in found] == ["A", "B"]


def test_ruin_is_an_exit_reason(bars, run):
    price = [10.0, 10.0, 30.0, 30.0]
    prices = bars(price, price)
    (trade,) = rows(prices, run(prices, [-1.0] * 4))
    assert trade["exit_reason"] == "ruin"
    assert trade["pnl"] == -2000.0


def test_no_fills_make_no_trades(bars, run):
    prices = bars(OPEN, CLOSE)
    assert rows(prices, run(prices, [0.0] * 5)) == []


def test_a_bar_without_prices_is_neither_the_best_nor_the_worst_of_a_trade(bars, run):
    price, nan = [10.0, 10.0, np.nan, 10.0, 10.0], np.nan
    prices = bars(price, price, high=[10.0, 12.0, nan, 11.0, 10.0], low=[10.0, 9.0, nan, 8.0, 10.0])
    (trade,) = rows(prices, run(prices, [1, 1, 1, 0, 0]))
    assert (trade["mae"], trade["mfe"]) == pytest.approx((-0.2, 0.2))
