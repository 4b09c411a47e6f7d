"""When, at what price and how much is traded: every number here is worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Bars, Config, simulate
from engine.errors import InvalidConfig, RunFailed

OPEN = [10.0, 20.0, 40.0, 50.0]
CLOSE = [15.0, 30.0, 45.0, 60.0]
NAN = float("nan")


def fills(ledger):
    return [tuple(row) for row in ledger.fills[["bar", "quantity", "price"]].tolist()]


def test_a_decision_is_filled_at_the_next_open(bars, run):
    ledger = run(bars(OPEN, CLOSE), [1, 1, 0, 0])
    assert ledger.fill == "next_open"
    assert fills(ledger) == [(1, 50.0, 20.0), (3, -50.0, 50.0)]
    assert ledger.equity.tolist() == [1000.0, 1500.0, 2250.0, 2500.0]
    assert ledger.cash.tolist() == [1000.0, 0.0, 0.0, 2500.0]
    assert ledger.positions[:, 0].tolist() == [0.0, 50.0, 50.0, 0.0]


def test_a_decision_can_be_filled_at_the_next_close(bars, run):
    ledger = run(bars(OPEN, CLOSE), [1, 1, 0, 0], fill="next_close")
    assert fills(ledger) == [(1, 1000 / 30, 30.0), (3, -1000 / 30, 60.0)]
    assert ledger.equity.tolist() == [1000.0, 1000.0, 1500.0, 2000.0]


def test_a_decision_can_be_filled_at_its_own_close_on_request(bars, run):
    ledger = run(bars(OPEN, CLOSE), [1, 1, 0, 0], fill="same_close")
    assert fills(ledger) == [(0, 1000 / 15, 15.0), (2, -1000 / 15, 45.0)]


def test_the_last_decision_is_never_filled(bars, run):
    assert len(run(bars(OPEN, CLOSE), [0, 0, 0, 1]).fills) == 0


def test_close_only_bars_fill_at_the_next_close_and_refuse_an_open():
    closes = Bars.from_closes(np.array(["2024-01-01", "2024-01-02", "2024-01-03"]), [1.0, 2.0, 4.0], ("A",))
    weights = np.ones((3, 1))
    ledger = simulate(closes, weights, Config(commission_bps=0, slippage_bps=0))
    assert ledger.fill == "next_close"
    assert ledger.equity.tolist() == [100_000.0, 100_000.0, 200_000.0]
    with pytest.raises(InvalidConfig) as refused:
        simulate(closes, weights, Config(fill="next_open"))
    assert refused.value.code == "fill_unavailable"
    assert refused.value.allowed == ["next_close", "same_close"]


def test_units_are_held_until_the_target_changes(bars, run):
    ledger = run(bars(OPEN, CLOSE), [0.5, 0.5, 0.5, 0.5])
    assert fills(ledger) == [(1, 25.0, 20.0)]


def test_nan_keeps_the_target(bars, run):
    ledger = run(bars(OPEN, CLOSE), [0.5, NAN, NAN, NAN])
    assert fills(ledger) == [(1, 25.0, 20.0)]


def test_nan_says_nothing_of_its_symbol_while_another_one_is_changed(bars, run):
    price = [[10.0, 10.0]] * 4
    ledger = run(bars(price, price), [[0.5, 0.5], [np.nan, 0.2], [0.1, np.nan], [0, 0]])
    assert ledger.positions.tolist() == [[0, 0], [50, 50], [50, 20], [10, 20]]


def test_daily_rebalancing_goes_back_to_the_target_at_every_open(bars, run):
    ledger = run(bars(OPEN, CLOSE), [0.5, 0.5, 0.5, 0.5], rebalance="daily")
    # Bar 2: 500 cash + 25 x 40 = 1500, half of it is 18.75 units.
    assert fills(ledger)[:2] == [(1, 25.0, 20.0), (2, -6.25, 40.0)]


@pytest.mark.parametrize(
    ("rebalance", "start", "expected"),
    [
        ("weekly", "2024-01-04", [1, 2]),  # Thursday, Friday, Monday, Tuesday
        ("weekly", "2024-01-01", [1]),  # Monday to Thursday: no new week begins
        ("monthly", "2024-01-30", [1, 2]),  # January 30, 31, February 1, 2
    ],
)
def test_calendar_rebalancing_trades_in_the_first_session_of_a_period(bars, run, rebalance, start, expected):
    ledger = run(bars(OPEN, CLOSE, start=start), [0.5, 0.5, 0.5, 0.5], rebalance=rebalance)
    assert ledger.fills["bar"].tolist() == expected


def test_a_drift_band_trades_only_when_a_weight_has_strayed_at_the_close(bars, run):
    price = [10.0, 10.0, 10.5, 20.0, 20.0]
    ledger = run(bars(price, price), [0.5] * 5, rebalance="drift", drift_band=0.1)
    # At the close of bar 3 the weight is 50 x 20 / 1500 = 0.667; filled at the open of bar 4.
    assert fills(ledger) == [(1, 50.0, 10.0), (4, 37.5 - 50.0, 20.0)]


def test_an_entry_does_not_count_as_drift_of_the_others(bars, run):
    price = [[10.0, 10.0], [10.0, 10.0], [11.0, 10.0], [11.0, 10.0]]
    weights = [[0.4, 0.0], [0.4, 0.4], [0.4, 0.4], [0.4, 0.4]]
    ledger = run(bars(price, price), weights, rebalance="drift", drift_band=0.1)
    assert ledger.fills["symbol"].tolist() == [0, 1]


def test_all_in_buys_cash_over_price_and_costs(bars, run):
    ledger = run(bars(OPEN, CLOSE), [1, 1, 1, 1], commission_bps=100, slippage_bps=50)
    paid = 20.0 * 1.005
    assert ledger.fills["quantity"][0] == pytest.approx(1000.0 / (paid * 1.01), rel=1e-14)
    assert ledger.fills["price"][0] == paid
    assert ledger.cash[1] == pytest.approx(0.0, abs=1e-9)


def test_sales_receive_less_and_pay_commission_on_what_they_receive(bars, run):
    ledger = run(bars(OPEN, CLOSE), [0.5, 0.0, 0.0, 0.0], commission_bps=100, slippage_bps=50)
    bought, sold = ledger.fills
    assert bought["quantity"] == 25.0
    assert bought["commission"] == pytest.approx(25 * 20.1 * 0.01)
    assert sold["price"] == pytest.approx(40 * 0.995)
    assert sold["commission"] == pytest.approx(25 * 39.8 * 0.01)
    assert ledger.equity[-1] == pytest.approx(1000 - 25 * 20.1 * 1.01 + 25 * 39.8 * 0.99)
    assert ledger.slippage.tolist() == pytest.approx([0.0, 25 * 0.1, 25 * 0.2, 0.0])


def test_commission_per_share_and_its_minimum(bars, run):
    ledger = run(bars(OPEN, CLOSE), [0.5, 0.5, 0.25, 0.25], commission_per_share=0.1, commission_minimum=2.0)
    # 25 x 0.1 = 2.5; then equity 497.5 + 25 x 50 = 1747.5, a quarter is 8.7375 units: 16.2625 x 0.1 < 2.
    assert ledger.fills["commission"].tolist() == pytest.approx([2.5, 2.0])


def test_a_minimum_commission_is_kept_back_from_an_all_in_order(bars, run):
    ledger = run(bars(OPEN, CLOSE), [1, 1, 1, 1], commission_bps=1, commission_minimum=10.0)
    assert ledger.fills["quantity"][0] == pytest.approx(990.0 / 20.0)
    assert ledger.cash[1] == pytest.approx(0.0, abs=1e-9)


def test_an_order_that_only_costs_is_not_made(bars, run):
    assert len(run(bars(OPEN, CLOSE), [1, 1, 1, 1], commission_minimum=1000.0).fills) == 0


def test_lots_are_rounded_towards_zero(bars, run):
    ledger = run(bars(OPEN, CLOSE), [0.99, 0.99, -0.99, -0.99], lot_size=10)
    # 495 / 20 = 49.5 -> 40 units; then equity 200 + 40 x 50 = 2200, -0.99 x 2200 / 50 = -43.56 -> -40.
    assert ledger.positions[:, 0].tolist() == [0.0, 40.0, 40.0, -40.0]


def test_a_volume_limit_spreads_an_order_over_bars(bars, run):
    prices = [10.0] * 5
    ledger = run(bars(prices, prices, volume=[100.0, 100.0, NAN, 200.0, 1e6]), [1] * 5, volume_limit=0.1)
    assert fills(ledger) == [(1, 10.0, 10.0), (3, 20.0, 10.0), (4, 70.0, 10.0)]


def test_a_volume_limit_without_volume_is_refused(bars, run):
    with pytest.raises(InvalidConfig, match="no volume") as refused:
        run(bars(OPEN, CLOSE), [1, 1, 1, 1], volume_limit=0.1)
    assert refused.value.code == "volume_unavailable"


def test_an_order_waits_for_a_price_and_then_uses_the_latest_target(bars, run):
    price = [10.0, NAN, NAN, 10.0, 10.0]
    ledger = run(bars(price, price), [0.5, 1.0, 1.0, 1.0, 1.0])
    assert fills(ledger) == [(3, 100.0, 10.0)]


def test_a_bar_without_a_price_is_marked_at_the_last_one(bars, run):
    ledger = run(bars([10, 10, NAN, 30], [10, 20, NAN, 30]), [1, 1, 1, 1])
    assert ledger.equity.tolist() == [1000.0, 2000.0, 2000.0, 3000.0]


def test_a_reversal_is_two_fills(bars, run):
    ledger = run(bars(OPEN, CLOSE), [1, -1, -1, -1], max_leverage=2.0)
    # Bar 2: 50 x 40 = 2000; all of it short is 50 units.
    assert fills(ledger) == [(1, 50.0, 20.0), (2, -50.0, 40.0), (2, -50.0, 40.0)]
    assert ledger.equity[-1] == 2000 - 50 * (60 - 40)


def test_shorts_pay_borrow_by_calendar_days_on_the_previous_mark(bars, run):
    price = [10.0, 10.0, 10.0, 10.0]
    ledger = run(bars(price, price, start="2024-01-03"), [-1.0] * 4, borrow_bps=365.0)  # Wed Thu Fri Mon
    # 1000 short x 3.65 % / 365 = 0.1 a day; from Friday to Monday three days.
    assert ledger.borrow.tolist() == pytest.approx([0.0, 0.0, 0.1, 0.3])
    assert ledger.equity[-1] == pytest.approx(1000 - 0.4)


def test_negative_cash_pays_funding(bars, run):
    price = [10.0, 10.0, 10.0]
    ledger = run(bars(price, price), [2.0] * 3, max_leverage=2.0, funding_bps=3650.0)
    assert ledger.funding.tolist() == pytest.approx([0.0, 0.0, 1000 * 0.365 / 365])
    assert ledger.open_carry.tolist() == pytest.approx([1.0])


def test_positive_cash_earns_by_calendar_days_and_interest_on_interest(bars, run):
    price = [10.0, 10.0, 10.0, 10.0]
    ledger = run(bars(price, price, start="2024-01-03"), [0.5] * 4, cash_bps=365.0)  # Wed Thu Fri Mon
    # 1000 x 3.65 % / 365 = 0.1 a day; half of 1000.1 is bought; from Friday to Monday three days.
    friday = 500.05 * 1e-4
    assert ledger.interest.tolist() == pytest.approx([0.0, 0.1, friday, 3e-4 * (500.05 + friday)], rel=1e-12)
    assert ledger.cash[-1] == pytest.approx(500.05 * 1.0001 * 1.0003, rel=1e-14)
    assert ledger.equity[-1] == pytest.approx(1000 + ledger.interest.sum(), rel=1e-14)
    assert ledger.open_carry.tolist() == [0.0]


def test_an_account_without_positions_earns_interest_too(bars, run):
    ledger = run(bars(OPEN, CLOSE), [0.0] * 4, cash_bps=3650.0)
    assert ledger.equity.tolist() == pytest.approx([1000.0, 1001.0, 1002.001, 1003.003001], rel=1e-14)


def test_negative_cash_earns_nothing_and_the_proceeds_of_a_short_do(bars, run):
    price = [10.0, 10.0, 10.0]
    assert run(bars(price, price), [2.0] * 3, max_leverage=2.0, cash_bps=3650.0).interest[2] == 0.0
    short = run(bars(price, price), [-1.0] * 3, cash_bps=3650.0)
    assert short.interest.tolist() == pytest.approx([0.0, 1.0, 2002.0 / 1000], rel=1e-12)


def test_after_ruin_nothing_is_earned(bars, run):
    price = [10.0, 10.0, 25.0, 1.0, 1.0]
    ledger = run(bars(price, price), [-1.0] * 5, cash_bps=100.0)
    assert ledger.ruined_at == 2
    assert ledger.interest[3:].tolist() == [0.0, 0.0]


def test_targets_above_the_leverage_are_scaled_together_and_that_is_said(bars, run):
    price = [[10.0, 10.0]] * 3
    ledger = run(bars(price, price), [[1.5, -0.5]] * 3)
    assert ledger.positions[-1].tolist() == [75.0, -25.0]
    assert "max_leverage" in ledger.warnings[0]


def test_leverage_holds_after_costs(bars, run):
    price = [[10.0, 10.0]] * 3
    ledger = run(bars(price, price), [[1.5, -0.5]] * 3, max_leverage=2.0, commission_bps=500)
    assert ledger.gross[1] == pytest.approx(2.0 * ledger.equity[1], rel=1e-12)


def test_shorts_are_clipped_when_they_are_not_allowed_and_that_is_said(bars, run):
    ledger = run(bars(OPEN, CLOSE), [-1, -1, 1, 1], allow_short=False)
    assert ledger.positions.min() == 0.0
    assert "allow_short" in ledger.warnings[0]


def test_symbols_share_one_cash_account_and_sales_come_first(bars, run):
    price = [[10.0, 10.0]] * 4
    ledger = run(bars(price, price), [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    assert [row[:2] for row in ledger.fills[["bar", "symbol"]].tolist()] == [(1, 1), (2, 1), (2, 0)]
    assert ledger.positions[2].tolist() == [100.0, 0.0]


def test_purchases_share_what_cash_there_is_in_proportion(bars, run):
    price = [[10.0, 10.0, 10.0], [10.0, 10.0, 10.0], [30.0, 10.0, 10.0], [30.0, 10.0, 10.0]]
    weights = [[0.5, 0, 0], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]
    ledger = run(bars(price, price), weights)
    # Bar 2: A has grown to 1500 of 2000; B and C want 500 each, 500 are left.
    assert ledger.positions[2].tolist() == [50.0, 25.0, 25.0]
    assert ledger.cash[2] == 0.0


def test_ruin_closes_everything_and_ends_the_run(bars, run):
    price = [10.0, 10.0, 25.0, 1.0, 1.0]
    ledger = run(bars(price, price), [-1.0] * 5)
    assert ledger.ruined_at == 2
    assert ledger.equity.tolist() == [1000.0, 1000.0, -500.0, -500.0, -500.0]
    assert ledger.positions[2:].max() == 0.0
    assert ledger.returns.tolist() == [0.0, 0.0, -1.5, 0.0, 0.0]
    assert "Ruin at 2024-01-03" in ledger.warnings[0]


def test_ruin_can_come_at_the_close_of_a_bar(bars, run):
    ledger = run(bars([10.0, 10.0, 10.0, 10.0], [10.0, 10.0, 30.0, 10.0]), [-1.0] * 4)
    assert ledger.ruined_at == 2
    assert ledger.equity[-1] == -1000.0


def test_report_is_called_between_blocks_and_may_end_the_run(bars, monkeypatch):
    monkeypatch.setattr("engine.simulation.BLOCK", 2)
    seen = []
    prices = bars(OPEN, CLOSE)
    simulate(prices, np.ones((4, 1)), Config(), lambda *call: seen.append(call))
    assert seen == [(0, 4, "simulate"), (2, 4, "simulate")]

    def cancel(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(prices, np.ones((4, 1)), Config(), cancel)


def test_blocks_and_a_full_buffer_do_not_change_the_result(bars, run, monkeypatch):
    price = 10 + np.arange(3000.0) % 7
    weights = (np.arange(3000) % 2).astype(float)
    whole = run(bars(price, price), weights)
    assert len(whole.fills) > 1100
    monkeypatch.setattr("engine.simulation.BLOCK", 7)
    monkeypatch.setattr("engine.simulation.ROOM", 1)
    parts = run(bars(price, price), weights)
    assert parts.equity.tobytes() == whole.equity.tobytes()
    assert parts.fills.tobytes() == whole.fills.tobytes()


@pytest.mark.parametrize("weights", [np.ones((3, 1)), np.ones(4), np.ones((4, 2)), 1.0, [["a"]] * 4, [[1], [1, 2]]])
def test_weights_that_do_not_fit_are_refused(bars, weights):
    with pytest.raises(RunFailed, match=r"Weights must be|weights (holds|has)") as refused:
        simulate(bars(OPEN, CLOSE), weights)
    assert refused.value.code == "bad_weights"


@pytest.mark.parametrize("weight", [np.inf, -np.inf, 1e308, -1.0000001e6])
def test_a_weight_that_nobody_can_mean_is_refused_with_symbol_and_time(bars, weight):
    weights = np.ones((4, 2))
    weights[2, 1] = weight
    price = np.ones((4, 2))
    with pytest.raises(
        RunFailed, match=r"There is a weight of \S+ for B at 2024-01-03; no weight .* 1e\+06"
    ) as refused:
        simulate(bars(price, price), weights)
    assert refused.value.code == "bad_weights"
    weights[2, 1] = 1e6
    assert "max_leverage" in simulate(bars(price, price), weights).warnings[0]


@pytest.mark.parametrize("fill", ["next_open", "next_close", "same_close"])
@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("symbols", [1, 2])
def test_such_a_weight_is_refused_in_whichever_row_it_stands_the_last_one_too(bars, fill, row, symbols, monkeypatch):
    monkeypatch.setattr("engine.simulation.BLOCK", 2)
    weights, price = np.full((4, symbols), 0.5), np.ones((4, symbols))
    weights[row, -1] = np.inf
    with pytest.raises(RunFailed, match=f"There is a weight of inf for {'AB'[symbols - 1]} at 2024-01-0{row + 1};"):
        simulate(bars(price, price), weights, Config(fill=fill))


def test_of_several_such_weights_the_first_is_named(bars):
    weights, price = np.full((6, 1), 0.5), np.ones((6, 1))
    weights[[2, 4, 5], 0] = np.inf, 2e6, 3e6
    with pytest.raises(RunFailed, match=r"There is a weight of inf for A at 2024-01-03;"):
        simulate(bars(price, price), weights)


def test_an_order_that_waits_for_a_price_does_not_bring_ruin_forward(bars, run):
    opened, closed = [10.0, 10.0, 25.0, 10.0], [10.0, 10.0, 10.0, 10.0]
    alone = run(bars(opened, closed), [-1.0] * 4)
    never = np.full(4, NAN)
    beside = run(
        bars(np.column_stack((opened, never)), np.column_stack((closed, never))), [[-1.0, 0.5]] * 4, max_leverage=1.5
    )
    assert alone.ruined_at is beside.ruined_at is None
    assert beside.equity.tolist() == alone.equity.tolist()


def test_an_increase_of_one_lot_is_made_however_large_the_position(bars, run):
    price = [1.0] * 5
    weights = [0.100001, 0.100002, 0.100003, 0.100004, 0.100005]
    ledger = run(bars(price, price), weights, initial_capital=1e5, lot_size=0.1)
    assert np.diff(ledger.positions[:, 0]).round(9).tolist() == [10000.1, 0.1, 0.1, 0.1]


@pytest.mark.parametrize("low", [1e-30, 1.0])  # in units, and in money
def test_an_account_beyond_the_range_of_a_float_is_refused(bars, run, low):
    price = [low, 1e30] * 12
    with pytest.raises(RunFailed, match="are the prices right") as refused:
        run(bars(price, price), np.tile([1.0, 0.0], 12), fill="same_close")
    assert refused.value.code == "overflow"


def test_a_negative_price_that_nobody_has_checked_changes_nothing_where_nothing_is_filled():
    closes = np.linspace(10.0, 20.0, 100)[:, None]
    time = np.datetime64("2020-01-01", "ns") + np.arange(100) * np.timedelta64(1, "D")
    opens = closes.copy()
    opens[50] = -1.0
    values = (opens, closes, closes, closes, closes)
    weights = np.ones((100, 1))
    odd = simulate(
        Bars.of_checked(time, values, symbols=("A",), close_only=False, cost_keys=(None,), adjusted=True), weights
    )
    plain = simulate(Bars.from_arrays(time, *(closes for _ in range(5)), symbols=("A",)), weights)
    assert odd.equity.tobytes() == plain.equity.tobytes()
