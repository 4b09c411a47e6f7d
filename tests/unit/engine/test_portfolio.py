"""A book by hand: what it trades, whose the gains are, and what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Bars, Config, backtest, strategy
from engine.book import MAX_HOLDING, SIGNAL
from engine.errors import BadData, InvalidConfig, RunFailed
from engine.portfolio.book import Sleeve, portfolio, wish
from engine.portfolio.joining import Instrument, join, names
from engine.portfolio.mandate import Mandate

FREE = {"initial_capital": 1000.0, "commission_bps": 0.0, "slippage_bps": 0.0}


def says(rows):
    """A strategy that says these weights, whatever the bars are."""

    @strategy(family="test", source="none")
    def told(bars: Bars) -> np.ndarray:
        """Say what is written."""
        weights = np.asarray(rows, dtype=float)
        return np.broadcast_to(weights, bars.close.shape) if weights.ndim == 1 else weights

    return told.bind()


def market(total=80, size=1, seed=0, start="2020-01-01", symbols=None):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0.0005, 0.01 * (1 + seed), (total, size)), axis=0))
    open = close * np.exp(rng.normal(0, 0.003, close.shape))
    time = np.busday_offset(start, np.arange(total), roll="forward")
    high, low = np.maximum(open, close) * 1.002, np.minimum(open, close) * 0.998
    return Bars.from_arrays(time, open, high, low, close, symbols=symbols or tuple("ABCDE"[:size]))


def book(*sleeves, config=None, **mandate):
    """Sleeves as (bars, weights) or (bars, weights, dataset)."""
    config = Config(**FREE | (config or {}))
    made = [
        Sleeve(f"s{n}", bars, says(rows), config, *(more or ("one",)), weight=None)
        for n, (bars, rows, *more) in enumerate(sleeves)
    ]
    return portfolio(made, Mandate(**mandate), config)


# What is traded


def test_sleeves_that_want_the_same_instrument_trade_it_once(bars):
    one = bars([10.0] * 5, [10.0] * 5)
    result = book((one, [0.8]), (one, [-0.4]), config={"commission_bps": 10.0})
    assert result.bars.symbols == ("A",)
    assert result.targets[0].tolist() == [pytest.approx(0.2)]
    assert len(result.ledger.fills) == 1
    assert result.ledger.fills["quantity"][0] == pytest.approx(20.0, rel=1e-3)


def test_words_that_cancel_out_are_no_position_of_some_rounding(bars):
    one = bars([10.0] * 5, [10.0] * 5)
    words = ([0.1], [0.2], [-0.3])
    sleeves = [Sleeve(f"s{n}", one, says(word), Config(**FREE), weight=1.0) for n, word in enumerate(words)]
    result = portfolio(sleeves, Mandate(allocation="fixed"), Config(**FREE, max_leverage=3.0))
    assert 0.1 + 0.2 - 0.3 != 0.0
    assert not result.targets.any()


def test_costs_of_a_netted_trade_fall_to_who_traded_in_proportion(bars):
    one = bars([10.0] * 5, [10.0] * 5)
    result = book((one, [0.8]), (one, [-0.4]), config={"commission_bps": 10.0})
    paid = -result.gains.sum(axis=0)
    assert paid.sum() == pytest.approx(result.ledger.commission.sum())
    assert paid[0] / paid[1] == pytest.approx(2.0)


def test_what_sleeves_trade_against_each_other_changes_hands_without_a_cost(bars):
    one = bars([10.0, 10.0, 10.0, 12.0, 12.0], [10.0, 10.0, 11.0, 12.0, 12.0])
    result = book((one, [1.0]), (one, [-1.0]), config={"commission_bps": 10.0})
    assert len(result.ledger.fills) == 0
    assert result.gains.sum(axis=0).tolist() == [pytest.approx(100.0), pytest.approx(-100.0)]
    assert "No order was filled" in result.warnings[0]


def test_gains_are_those_of_each_sleeves_own_units(bars):
    one = bars([[10.0, 20.0]] * 2 + [[11.0, 20.0]] * 2, [[10.0, 20.0]] * 2 + [[12.0, 18.0]] * 2)
    result = book((one.select(["A"]), [1.0]), (one.select(["B"]), [1.0]))
    assert result.gains.sum(axis=0).tolist() == [pytest.approx(500 * 0.2), pytest.approx(-500 * 0.1)]
    assert result.attribution == {"s0": pytest.approx(0.1), "s1": pytest.approx(-0.05)}
    assert result.contributions[-1].sum() == pytest.approx(result.metrics["total_return"], abs=1e-15)


def test_leverage_is_of_the_book_and_what_it_takes_is_taken_from_all(bars):
    one = bars([[10.0, 20.0]] * 5, [[10.0, 20.0]] * 5)
    config = Config(**FREE)
    sleeves = [
        Sleeve("long", one.select(["A"]), says([2.0]), Config(**FREE, max_leverage=3.0), "one"),
        Sleeve("short", one.select(["B"]), says([-1.0]), config, "one"),
    ]
    result = portfolio(sleeves, Mandate(), config)
    assert result.ledger.gross[-1] == pytest.approx(1000.0)
    assert result.ledger.positions[-1].tolist() == [pytest.approx(200 / 3 * 1.0), pytest.approx(-50 / 3)]
    assert "Alone long may use more leverage" in result.warnings[-1]
    assert any("scaled down together" in text for text in result.warnings)


def test_a_stop_of_the_book_watches_the_net_position_and_ends_every_part_of_it(bars):
    closes = [10.0, 10.0, 10.0, 8.0, 8.0, 9.0]
    one = bars(closes, closes)
    sleeves = [Sleeve(f"s{n}", one, says([word]), Config(**FREE)) for n, word in enumerate((1.0, -0.5))]
    result = portfolio(sleeves, Mandate(), Config(**FREE, stop_loss=0.1))
    assert result.ledger.positions[-1].tolist() == [0.0]
    assert result.gains[-1].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(result.gains.sum(axis=1), np.diff(result.ledger.equity, prepend=1000.0), atol=1e-12)


@pytest.mark.parametrize("fill", ["next_open", "next_close", "same_close"])
def test_an_exit_of_a_strategys_own_ends_its_wish_until_it_changes_its_mind(bars, fill):
    closes = [10.0, 10.0, 10.0, 8.0, 8.0, 9.0, 9.0]
    own = Config(**FREE, fill=fill, stop_loss=0.1)
    rows = [[1.0]] * 5 + [[0.5]] * 2
    alone = backtest(bars(closes, closes), says(rows), own)
    assert wish(alone)[:, 0].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0, 0.5, 0.5]


def test_who_waits_longest_is_out_of_it_too(bars):
    closes = [10.0] * 8
    alone = backtest(bars(closes, closes), says([[1.0]] * 8), Config(**FREE, max_holding_bars=3))
    assert wish(alone)[:, 0].tolist() == [1.0] * 4 + [0.0] * 4


def test_another_word_at_the_bar_of_an_exit_stands(bars):
    closes = [10.0, 10.0, 10.0, 8.0, 8.0, 8.0]
    own = Config(**FREE, fill="next_close", stop_loss=0.1)
    alone = backtest(bars(closes, closes), says([[1.0]] * 2 + [[0.5]] * 4), own)
    assert alone.ledger.fills["bar"].tolist() == [1, 3, 3]
    assert wish(alone)[:, 0].tolist() == [1.0, 1.0, 0.5, 0.5, 0.5, 0.5]


def test_the_longest_holding_of_the_book_ends_every_part_at_the_order(bars):
    closes = [10.0, 10.0, 11.0, np.nan, 12.0, 13.0, 14.0]
    one = bars(closes, closes)
    sleeves = [Sleeve(f"s{n}", one, says([word]), Config(**FREE)) for n, word in enumerate((1.0, -0.5))]
    result = portfolio(sleeves, Mandate(), Config(**FREE, max_holding_bars=3))
    assert result.gains[4].tolist() == [pytest.approx(50.0), pytest.approx(-25.0)]
    assert not result.gains[5:].any()


def test_what_left_at_its_age_and_came_back_in_the_bar_costs_who_left_and_came_back(bars):
    one = bars([10.0] * 4, [10.0] * 4)
    words = ([[0.8], [0.4], [0.4], [0.4]], [[0.4], [0.4], [0.4], [0.4]], [[0.0]] * 4)
    sleeves = [Sleeve(f"s{n}", one, says(word), Config(**FREE), weight=1 / 3) for n, word in enumerate(words)]
    config = Config(**FREE | {"commission_bps": 10.0}, max_holding_bars=1)
    result = portfolio(sleeves, Mandate(allocation="fixed"), config)
    assert result.ledger.fills["reason"][result.ledger.fills["bar"] == 2].tolist() == [MAX_HOLDING, SIGNAL]
    paid = -result.gains[2]
    assert paid.sum() == pytest.approx(result.ledger.commission[2].sum())
    assert paid[0] / paid[1] == pytest.approx(3.0 / 2.0, rel=1e-2)  # out of 0.8 and into 0.4; out of 0.4 and into it
    assert paid[2] == 0.0


def test_who_is_ruined_alone_wants_nothing_any_more(bars):
    closes = [10.0, 10.0, 10.0, 25.0, 25.0, 25.0]
    alone = backtest(bars(closes, closes), says([[-1.0]] * 6), Config(**FREE))
    assert alone.ledger.ruined_at == 3
    assert wish(alone)[:, 0].tolist() == [-1.0] * 3 + [0.0] * 3


def test_shorts_that_are_not_allowed_are_not_wanted(bars):
    alone = backtest(bars([10.0] * 5, [10.0] * 5), says([-1.0]), Config(**FREE, allow_short=False))
    assert not wish(alone).any()


@pytest.mark.parametrize("fill", ["next_open", "next_close"])
def test_carry_falls_to_who_caused_it(bars, fill):
    one = bars([[10.0, 20.0]] * 9, [[10.0, 20.0]] * 9)
    costs = {"borrow_bps": 1000.0, "funding_bps": 500.0, "cash_bps": 200.0, "max_leverage": 3.0, "fill": fill}
    result = book((one.select(["A"]), [3.0]), (one.select(["B"]), [-1.0]), config=costs)
    ledger = result.ledger
    np.testing.assert_allclose(result.gains.sum(axis=1), np.diff(ledger.equity, prepend=1000.0), atol=1e-12)
    assert result.gains[:, 1].sum() == pytest.approx(-ledger.borrow.sum() + 0.5 * ledger.interest.sum())


def test_funding_without_a_long_position_falls_to_the_shares(bars):
    """A short that lost more than its proceeds leaves negative cash once it is closed."""
    closes = [10.0, 10.0, 10.0, 10.0, 24.9, 24.9, 24.9, 24.9]
    one = bars(closes, closes)
    rows = [[-1.0]] * 3 + [[-0.01]] * 5
    costs = {"funding_bps": 1000.0, "commission_minimum": 50.0}
    result = book((one, rows), (one, [0.0]), config=costs)
    np.testing.assert_allclose(result.gains.sum(axis=1), np.diff(result.ledger.equity, prepend=1000.0), atol=1e-12)


# Shares through time


def test_equal_shares_are_equal_from_the_first_bar_and_reset_every_month(bars):
    one = market(80, 2)
    result = book((one.select(["A"]), [1.0]), (one.select(["B"]), [1.0]))
    assert (result.shares == 0.5).all()
    months = one.time.astype("datetime64[M]")
    decided = np.flatnonzero(months[1:] != months[:-1]) + 1
    assert set(result.ledger.fills["bar"].tolist()) == {1, *(decided + 1).tolist()}
    assert result.warnings == ()


def test_before_there_is_enough_shares_are_equal_and_that_is_said():
    result = book((market(80, 1), [1.0]), (market(80, 1, seed=3), [1.0], "two"), lookback=30, allocation="risk_parity")
    first = int(np.flatnonzero(result.shares[:, 0] != 0.5)[0])
    assert first == 30
    assert f"Shares were equal until {result.bars.time[30].astype('datetime64[D]')}" in result.warnings[0]
    assert result.shares[-1, 0] > 0.6  # the calmer one has more


def test_a_run_that_is_too_short_for_an_estimate_says_so():
    result = book((market(25), [1.0]), (market(25, seed=2), [1.0], "two"), lookback=40, allocation="hrp")
    assert (result.shares == 0.5).all()
    assert result.warnings[0].startswith("Shares were equal throughout")


def test_weekly_and_drifting_books_are_reset_when_they_say():
    one = market(80, 2)
    sleeves = ((one.select(["A"]), [1.0]), (one.select(["B"]), [1.0]))
    weekly, drifting = book(*sleeves, rebalance="weekly"), book(*sleeves, rebalance="drift", drift_band=0.02)
    traded = one.sessions[np.unique(weekly.ledger.fills["bar"])[1:]].tolist()
    assert {day.isoweekday() for day in traded} == {2}  # decided on Mondays
    assert len(weekly.ledger.fills) > len(drifting.ledger.fills) > 2


def test_fixed_weights_stay_and_leave_the_rest_in_cash(bars):
    one, config = bars([10.0] * 5, [10.0] * 5), Config(**FREE)
    sleeve = Sleeve("only", one, says([1.0]), config, weight=0.3)
    result = portfolio([sleeve], Mandate(allocation="fixed"), config)
    assert result.ledger.cash[-1] == pytest.approx(700.0)


def test_a_volatility_target_scales_the_book_within_the_leverage():
    quick = market(200, seed=2)
    config = {"max_leverage": 2.0}
    low = book((quick, [1.0]), config=config, volatility_target=0.1, lookback=60)
    high = book((quick, [1.0]), config=config, volatility_target=1.9, lookback=60)
    assert low.shares[-1].sum() < 0.4
    assert high.shares[-1].sum() == 2.0
    assert any("out of reach of max_leverage" in text for text in high.warnings)
    assert any("not scaled to volatility_target until" in text for text in low.warnings)
    held = low.shares[:, 0] != 1.0
    trailing = np.std(low.returns[-60:], ddof=1) * np.sqrt(252) * low.shares[-1, 0]
    assert trailing == pytest.approx(0.1, rel=0.35)
    assert held[61:].all()


def test_nothing_that_moved_cannot_be_scaled():
    result = book((market(60), [0.0]), volatility_target=0.1, lookback=20, rebalance="weekly")
    assert (result.shares == 1.0).all()
    assert any("Nothing moved through the lookback" in text for text in result.warnings)


def test_who_stood_still_and_who_had_no_gain_are_named():
    falling = market(80, seed=1)
    shrunk = Bars.from_arrays(
        falling.time, *[100 - 0.5 * np.arange(80.0) + 0.1 * np.cos(np.arange(80.0))] * 4, symbols=("A",)
    )
    result = book((shrunk, [1.0]), (falling, [0.0], "two"), lookback=20, allocation="max_sharpe")
    told = " ".join(result.warnings)
    assert "s1 stood still through the lookback of" in told
    assert "No shares had a positive mean in" in told
    twins = book((falling, [1.0]), (falling, [1.0]), lookback=20, allocation="min_variance")
    assert any("singular and shrunk" in text for text in twins.warnings)


def test_the_account_that_is_used_up_keeps_its_shares():
    closes = np.array([10.0] * 22 + [25.0] * 4)
    one = Bars.from_arrays(market(26).time, *[closes] * 4, symbols=("A",))
    result = book((one, [-1.0]), (one, [-1.0]), lookback=20, rebalance="daily", allocation="inverse_volatility")
    assert np.isfinite(result.shares).all()
    assert result.ledger.ruined_at is not None


# What it says of itself


def test_correlation_and_risk_of_a_book():
    one = market(200, 2)
    result = book((one.select(["A"]), [1.0]), (one.select(["B"]), [1.0]), (one.select(["A"]), [0.0]))
    own = np.corrcoef(result.returns[:, :2].T)[0, 1]
    assert result.correlation["s0"] == {"s0": 1.0, "s1": pytest.approx(own), "s2": None}
    assert result.correlation["s1"]["s0"] == result.correlation["s0"]["s1"]
    assert result.correlation["s2"]["s2"] is None
    assert sum(result.risk_contributions.values()) == pytest.approx(1.0)
    assert result.risk_contributions["s2"] == pytest.approx(0.0, abs=1e-12)
    parts = result.gains / np.concatenate(([1000.0], result.ledger.equity[:-1]))[:, None]
    expected = parts.std(axis=0, ddof=1).sum() / parts.sum(axis=1).std(ddof=1)
    assert result.diversification_ratio == pytest.approx(expected)
    assert "shares" in result.conventions


def test_a_book_that_stood_still_has_no_risk(bars):
    result = book((bars([10.0] * 5, [10.0] * 5), [0.0]))
    assert result.risk_contributions == {"s0": None}
    assert result.diversification_ratio is None


def test_progress_is_told_in_the_order_of_the_work(bars):
    told = []
    sleeve = Sleeve("only", bars([10.0] * 5, [10.0] * 5), says([1.0]), Config())
    portfolio([sleeve], Mandate(), report=lambda done, total, phase: told.append(phase))
    assert list(dict.fromkeys(told)) == ["sleeves", "allocate", "simulate", "measure"]


# Bars side by side


def test_days_of_two_calendars_are_the_days_of_the_book():
    one, other = market(10), market(10, seed=1)
    some = other.select(start=other.time[2])
    late = Bars.from_arrays(
        some.time + np.timedelta64(21, "h"), some.open, some.high, some.low, some.close, symbols=("A",)
    )
    joint = join([("one", "v", one), ("two", "v", late)])
    assert joint.bars.symbols == ("one:A", "two:A")
    assert (joint.bars.sessions == one.sessions).all()
    assert joint.bars.time[2:].tolist() == late.time.tolist()
    assert np.isnan(joint.bars.close[:2, 1]).all()
    assert joint.rows[1].tolist() == list(range(2, 10))


def test_minutes_are_joined_by_their_times_and_not_with_days():
    time = np.datetime64("2020-01-01T10:00") + np.arange(12) * np.timedelta64(30, "m")
    prices = np.linspace(10.0, 11.0, 12)
    one = Bars.from_closes(time, prices, ("A",))
    other = Bars.from_closes(time + np.timedelta64(15, "m"), prices, ("B",))
    joint = join([("one", "v", one), ("two", "v", other)])
    assert len(joint.bars) == 24
    with pytest.raises(BadData) as caught:
        join([("one", "v", one), ("two", "v", market(10))])
    assert caught.value.code == "mixed_frequencies"


def test_a_name_says_as_much_as_it_must():
    assert names([Instrument("a", "1", "X"), Instrument("b", "1", "Y")]) == ("X", "Y")
    assert names([Instrument("a", "1", "X"), Instrument("b", "1", "X")]) == ("a:X", "b:X")
    assert names([Instrument("a", "1", "X"), Instrument("a", "2", "X")]) == ("a@1:X", "a@2:X")
    sly = [Instrument("a", "1", "X"), Instrument("b", "1", "X"), Instrument("c", "1", "a:X")]
    assert names(sly) == ("a@1:X", "b@1:X", "c@1:a:X")


def test_closes_beside_opens_are_filled_at_closes_and_opens_are_refused():
    one = market(10)
    closes = Bars.from_closes(one.time, one.close, ("A",))
    result = book((one, [1.0]), (closes, [1.0], "two"))
    assert result.config.fill == "next_close"
    config = Config(**FREE, fill="next_open")
    sleeves = [
        Sleeve("one", one, says([1.0]), config, "one"),
        Sleeve("two", closes, says([1.0]), Config(**FREE), "two"),
    ]
    with pytest.raises(InvalidConfig) as caught:
        portfolio(sleeves, Mandate(), config)
    assert (caught.value.code, caught.value.pointer) == ("fill_unavailable", "/config/fill")


# What is refused


def test_a_strategy_that_fails_is_named(bars):
    @strategy(family="test", source="none")
    def broken(bars: Bars) -> np.ndarray:
        """Fail."""
        raise ValueError("no")

    with pytest.raises(RunFailed, match=r"broken raised ValueError") as caught:
        portfolio([Sleeve("mine", bars([10.0] * 5, [10.0] * 5), broken.bind(), Config())], Mandate())
    assert caught.value.message.startswith("mine: broken raised")
