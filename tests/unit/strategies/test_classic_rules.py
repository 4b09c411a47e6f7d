"""What the classic strategies decide: on prices made for the question, and bar by bar in the plainest way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib

import strategies
from engine import Bars, positions
from engine.errors import BadData, InvalidParameter
from engine.indicators import month_ends
from engine.indicators.months import last_of_month

SIDES = ("long", "short", "both")


def decide(name, bars, **params):
    return strategies.get(name).bind(**params).decide(bars)


def weights(name, bars, **params):
    return decide(name, bars, **params).weights


def noise(seed, total=400, size=1, drift=0.0, volatility=0.02, start="2018-01-01"):
    """Bars with opens and ranges of their own, on business days."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(drift + rng.normal(0, 1, (total, size)) * volatility, axis=0))
    open = close * np.exp(rng.normal(0, 0.005, close.shape))
    high, low = np.maximum(open, close) * 1.004, np.minimum(open, close) * 0.995
    time = np.busday_offset(start, np.arange(total), roll="forward")
    return Bars.from_arrays(time, open, high, low, close, symbols=tuple("ABCDEFGHIJKLMNOPQRST"[:size]))


def held_by_hand(total, side, long, short):
    """The states of two positions, bar by bar; `long` and `short` tell of a bar whether it opens and whether it ends."""
    out, up, down = [], 0, 0
    for t in range(total):
        opens, ends = long(t)
        up = 1 if opens else 0 if ends else up
        opens, ends = short(t)
        down = 1 if opens else 0 if ends else down
        out.append({"long": up, "short": -down, "both": up - down}[side])
    return out


def crossed(x, y):
    """Whether x goes above y at a bar, by comparing with the bar before; NaN compares as no."""
    return lambda t: t > 0 and x[t - 1] <= y[t - 1] and x[t] > y[t]


ZIGZAG = [5, 4, 3, 2, 3, 4, 5, 4, 3, 2, 1, 2, 3]


def test_exponential_averages_that_start_apart_open_nothing_until_they_cross(closes):
    assert not weights("ema_cross", closes([1, 2, 3, 4, 5, 6, 7, 8]), fast=2, slow=3).any()
    # ema(2) and ema(3) by hand: 3.5, 2.5, 2.83, 3.61, 4.54, 4.18, … and 4, 3, 3, 3.5, 4.25, 4.125, 3.56, …
    found = weights("ema_cross", closes(ZIGZAG), fast=2, slow=3)[:, 0]
    assert found.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("side", SIDES)
def test_ema_cross_holds_from_cross_to_cross_of_talibs_averages(side):
    bars = noise(1)
    fast, slow = (talib.EMA(bars.close[:, 0], window) for window in (5, 12))
    up, down = crossed(fast, slow), crossed(slow, fast)
    expected = held_by_hand(len(bars), side, lambda t: (up(t), down(t)), lambda t: (down(t), up(t)))
    assert weights("ema_cross", bars, fast=5, slow=12, side=side)[:, 0].tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("side", SIDES)
def test_macd_trend_holds_from_cross_to_cross_of_talibs_lines(side):
    bars = noise(2)
    line, signal, _ = talib.MACD(bars.close[:, 0], 12, 26, 9)
    line = np.where(np.isnan(signal), np.nan, line)
    up, down = crossed(line, signal), crossed(signal, line)
    expected = held_by_hand(len(bars), side, lambda t: (up(t), down(t)), lambda t: (down(t), up(t)))
    assert weights("macd_trend", bars, side=side)[:, 0].tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("name", ["ema_cross", "macd_trend"])
def test_the_fast_average_must_be_below_the_slow_one(name):
    with pytest.raises(InvalidParameter, match=r"fast \(26\) must be below slow \(26\)"):
        strategies.get(name).validate({"fast": 26, "slow": 26})


# The band of three bars and one deviation is left at 3 (9 is below 10 - 0.47) and the middle is reached again at 5.
DIP = [10, 10, 10, 9, 9, 9.5, 10, 11, 10.5, 10]


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("long", [0, 0, 0, 1, 1, 0, 0, 0, 0, 1]),
        ("short", [0, 0, 0, 0, 0, -1, -1, -1, 0, 0]),
    ],
)
def test_reversion_buys_below_the_lower_band_and_sells_at_the_middle(closes, side, expected):
    found = weights("bollinger_reversion", closes(DIP), window=3, width=1.0, side=side)[:, 0]
    price, by_hand = np.array(DIP, dtype=float), []
    state = 0
    for t in range(len(price)):
        if t >= 3:
            middle, width = price[t - 2 : t + 1].mean(), price[t - 2 : t + 1].std()
            last, last_width = price[t - 3 : t].mean(), price[t - 3 : t].std()
            way = 1 if side == "long" else -1
            beyond = way * (middle - price[t]) > width * (1 + 1e-9)
            before = way * (last - price[t - 1]) > last_width * (1 + 1e-9)
            if beyond and not before:
                state = way
            elif way * (price[t] - middle) >= 0:
                state = 0
        by_hand.append(state)
    assert found.tolist() == by_hand
    assert by_hand == expected


@pytest.mark.parametrize("side", SIDES)
def test_bollinger_reversion_is_what_a_loop_over_talibs_bands_holds(side):
    bars = noise(3)
    price = bars.close[:, 0]
    upper, middle, lower = talib.BBANDS(price, 20, 2, 2)
    falls, rises = crossed(lower, price), crossed(price, upper)
    expected = held_by_hand(
        len(bars), side, lambda t: (falls(t), price[t] >= middle[t]), lambda t: (rises(t), price[t] <= middle[t])
    )
    assert weights("bollinger_reversion", bars, side=side)[:, 0].tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("side", SIDES)
def test_keltner_breakout_is_what_a_loop_over_talibs_averages_holds(side):
    bars = noise(4, drift=0.001)
    high, low, price = (values[:, 0] for values in (bars.high, bars.low, bars.close))
    middle, ranges = talib.EMA((high + low + price) / 3, 20), talib.ATR(high, low, price, 10)
    upper, lower = middle + 1.5 * ranges, middle - 1.5 * ranges
    rises, falls = crossed(price, upper), crossed(lower, price)
    expected = held_by_hand(
        len(bars), side, lambda t: (rises(t), price[t] < middle[t]), lambda t: (falls(t), price[t] > middle[t])
    )
    # The engine's average true range starts with the ten bars before the channel, TA-Lib's with the first ten.
    found = weights("keltner_breakout", bars, width=1.5, side=side)[:, 0]
    assert found[150:].tolist() == expected[150:]
    assert len(set(expected[150:])) > 1


def test_keltner_enters_on_the_close_beyond_the_line_and_leaves_below_the_middle(closes):
    found = weights("keltner_breakout", closes([10, 11, 10, 11, 10, 14, 15, 16, 12, 11]), window=3, range_window=2)
    assert found[:, 0].tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    found = weights(
        "keltner_breakout", closes([10, 11, 10, 11, 10, 14, 15, 16, 12, 11]), window=3, range_window=2, width=0.5
    )
    assert found[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("name", ["bollinger_reversion", "keltner_breakout", "rsi_reversion", "pairs_spread"])
def test_prices_that_never_move_open_nothing(closes, name):
    assert not weights(
        name, closes(np.full((80, 2), 0.1)), **({"side": "both"} if name != "pairs_spread" else {})
    ).any()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "params", [{}, {"window": 2, "entry": 5.0, "trend": 100, "exit_average": 5}, {"window": 5, "exit": 50.0}]
)
def test_rsi_reversion_is_what_a_loop_over_talibs_index_holds(side, params):
    bars = noise(5, total=600)
    price = bars.close[:, 0]
    index = talib.RSI(price, params.get("window", 14))
    trend = talib.SMA(price, params["trend"]) if "trend" in params else None
    near = talib.SMA(price, params["exit_average"]) if "exit_average" in params else None
    entry, exit = params.get("entry", 30.0), params.get("exit", 70.0)

    def long(t):
        ends = index[t] > exit if near is None else price[t] > near[t]
        return index[t] < entry and (trend is None or price[t] > trend[t]) and not ends, ends

    def short(t):
        ends = index[t] < 100 - exit if near is None else price[t] < near[t]
        return index[t] > 100 - entry and (trend is None or price[t] < trend[t]) and not ends, ends

    expected = held_by_hand(len(bars), side, long, short)
    assert weights("rsi_reversion", bars, side=side, **params)[:, 0].tolist() == expected
    assert len(set(expected)) > 1


def test_connors_buys_the_fall_above_its_long_average_only(closes):
    up = [*range(100, 120), 118, 116, 119, 121]
    down = [*range(140, 120, -1), 118, 116, 119, 121]
    params = {"window": 2, "entry": 10.0, "trend": 15, "exit_average": 3}
    found = weights("rsi_reversion", closes(np.column_stack([up, down])), **params)
    assert found[:, 0].tolist() == [0.0] * 21 + [0.5, 0, 0]
    assert not found[:, 1].any()


def test_the_index_at_which_one_buys_is_below_that_at_which_one_sells():
    with pytest.raises(InvalidParameter, match=r"entry \(50\) must be below exit \(50\)"):
        strategies.get("rsi_reversion").validate({"entry": 50, "exit": 50})


def test_the_best_and_the_worst_share_a_side_evenly():
    scores = np.array([[0.3, np.nan, 0.1, 0.4, 0.2, 0.5]])
    assert positions.chosen(scores, "long", share=0.4).tolist() == [[0, 0, 0, 0.5, 0, 0.5]]
    assert positions.chosen(scores, "short", share=0.4).tolist() == [[0, 0, -0.5, 0, -0.5, 0]]
    assert positions.chosen(scores, "both", share=0.4).tolist() == [[0, 0, -0.25, 0.25, -0.25, 0.25]]
    assert positions.chosen(scores, "long", share=0.01).tolist() == [[0, 0, 0, 0, 0, 1]]
    assert positions.chosen(scores, "both", share=0.1, count=9).tolist() == [[0, 0, -0.25, 0.25, -0.25, 0.25]]
    assert positions.chosen(scores, "long", share=0.1, count=9).tolist() == [[0.2, 0, 0.2, 0.2, 0.2, 0.2]]


def test_a_share_that_is_a_whole_number_on_paper_is_not_rounded_down():
    found = positions.chosen(np.arange(100.0)[None, :], "long", share=0.29)
    assert np.count_nonzero(found) == 29


def test_among_equal_scores_the_later_symbol_is_the_higher_one():
    assert positions.chosen(np.array([[1.0, 1.0, 1.0]]), "both", share=0.1).tolist() == [[-0.5, 0, 0.5]]


@pytest.mark.parametrize("scores", [[[0.1]], [[np.nan, 0.1, np.nan]], [[np.nan, np.nan]]])
def test_one_symbol_alone_is_neither_better_nor_worse(scores):
    assert not positions.chosen(np.array(scores), "both", share=0.5).any()


def naive_momentum(bars, months, skip, count):
    """Weights at each month's end by dictionaries of month and last close."""
    month = [str(day)[:7] for day in bars.sessions]
    last = {}
    for t, name in enumerate(month):
        last[name] = t
    names = sorted(last)
    out = {}
    for at, name in enumerate(names[:-1]):
        if at < months:
            continue
        end, start = last[names[at - skip]], last[names[at - months]]
        order = np.argsort(bars.close[end] / bars.close[start])
        row = np.zeros(len(bars.symbols))
        row[order[-count:]] = 1 / count
        out[last[name]] = row
    return out


@pytest.mark.parametrize(("months", "skip"), [(12, 1), (6, 0)])
def test_cross_sectional_momentum_holds_the_winners_of_the_months_by_the_calendar(months, skip):
    bars = noise(6, total=500, size=20)
    found = weights("cross_sectional_momentum", bars, months=months, skip=skip)
    expected = naive_momentum(bars, months, skip, count=2)
    assert len(expected) > 5
    for row, held in expected.items():
        assert found[row].tolist() == held.tolist(), bars.sessions[row]
    rest = [t for t in range(len(bars)) if t not in expected]
    assert not np.nan_to_num(found[rest]).any()


def test_losers_are_sold_and_both_sides_share_equity():
    bars = noise(6, total=500, size=20)
    long, short, both = (weights("cross_sectional_momentum", bars, side=side) for side in SIDES)
    np.testing.assert_array_equal(both, (long + short) / 2)
    row = np.flatnonzero(np.nansum(np.abs(both), axis=1))[0]
    assert np.abs(both[row]).sum() == pytest.approx(1.0)
    assert both[row].sum() == pytest.approx(0.0)


def test_the_skipped_month_does_not_count():
    bars = noise(7, total=300, size=4)
    jump = bars.close.copy()
    last = np.flatnonzero(bars.sessions.astype("M8[M]") == np.datetime64("2019-01"))
    jump[last, 0] *= 3.0
    jumped = Bars.from_closes(bars.time, jump, bars.symbols)
    plain = Bars.from_closes(bars.time, bars.close, bars.symbols)
    end = last[-1]
    skipped = [weights("cross_sectional_momentum", b, months=6)[end].tolist() for b in (plain, jumped)]
    assert skipped[0] == skipped[1]
    counted = [weights("cross_sectional_momentum", b, months=6, skip=0)[end].tolist() for b in (plain, jumped)]
    assert counted[1] == [1, 0, 0, 0] != counted[0]


def test_a_symbol_that_has_stopped_trading_is_sold_at_the_month_end():
    bars = noise(8, total=400, size=3)
    close = bars.close.copy()
    close[:, 0] = np.linspace(10, 90, 400)  # the clear winner
    close[330:, 0] = np.nan
    found = weights("cross_sectional_momentum", Bars.from_closes(bars.time, close, bars.symbols))
    decided = [t for t in np.flatnonzero(np.isfinite(found[:, 0])) if t > 270]
    assert [found[t, 0] for t in decided if t < 330] == [1.0, 1.0]
    assert {found[t, 0] for t in decided if t > 345} == {0.0}


def test_skip_is_within_the_months():
    with pytest.raises(InvalidParameter, match=r"skip \(6\) must be below months \(6\)"):
        strategies.get("cross_sectional_momentum").validate({"months": 6, "skip": 6})


@pytest.mark.parametrize("name", ["cross_sectional_momentum", "low_volatility"])
def test_a_ranking_of_one_symbol_says_why_it_stands_aside(name):
    said = decide(name, noise(9, total=400))
    assert not np.nan_to_num(said.weights).any()
    assert said.reasons["A ranking needs two symbols."].all()


@pytest.mark.parametrize("name", ["cross_sectional_momentum", "low_volatility"])
def test_a_symbol_without_prices_is_as_good_as_none_in_a_ranking(name):
    bars = noise(10, total=400, size=5)
    close = bars.close.copy()
    close[:, 2] = np.nan
    holed = weights(name, Bars.from_closes(bars.time, close, bars.symbols), side="both")
    four = [0, 1, 3, 4]
    alone = weights(name, Bars.from_closes(bars.time, close[:, four], tuple("ABDE")), side="both")
    np.testing.assert_array_equal(holed[:, four], alone)


def test_low_volatility_holds_the_calmest_and_sells_the_wildest():
    rng = np.random.default_rng(11)
    scale = np.linspace(0.03, 0.005, 10)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1, (400, 10)) * scale, axis=0))
    bars = Bars.from_closes(np.busday_offset("2018-01-01", np.arange(400), roll="forward"), close, tuple("ABCDEFGHIJ"))
    found = weights("low_volatility", bars, share=0.2, side="both")
    returns = np.diff(np.log(close), axis=0)
    decided = [t for t in np.flatnonzero(month_ends(bars.time)) if t >= 252]
    assert len(decided) > 5
    for t in decided:
        order = np.argsort(returns[t - 252 : t].std(axis=0, ddof=1))
        row = np.zeros(10)
        row[order[:2]], row[order[-2:]] = 0.25, -0.25
        assert found[t].tolist() == row.tolist()
    assert {8, 9} & set(np.flatnonzero(found[decided[0]] > 0))


def test_the_target_of_volatility_is_met_and_capped():
    bars = noise(12, total=300, size=2)
    found = weights("vol_target", bars, volatility_target=0.1, exposure=-0.5)
    decided = [t for t in np.flatnonzero(month_ends(bars.time)) if t >= 126]
    returns = np.diff(np.log(bars.close), axis=0)
    assert np.flatnonzero(np.isfinite(found[:, 0])).tolist() == decided
    for t in decided:
        yearly = returns[t - 126 : t].std(axis=0, ddof=1) * math.sqrt(252)
        np.testing.assert_allclose(found[t], -0.5 * 0.1 / yearly / 2, rtol=1e-12)
    assert np.nanmax(weights("vol_target", bars, volatility_target=1.0)) == 0.5
    assert np.nanmax(weights("vol_target", bars, volatility_target=1.0, max_scale=3.0)) == 1.5
    assert np.nanmax(weights("vol_target", Bars.from_closes(bars.time, np.ones(300), ("A",)))) == 1.0


def naive_pair(bars, window, entry, exit):
    """z and slope by least squares on each window; then the position by hand."""
    y, x = np.log(bars.close).T
    way, slope_then, out = 0, 0.0, []
    for t in range(len(y)):
        if t >= window - 1:
            rows = slice(t - window + 1, t + 1)
            slope, level = np.polyfit(x[rows], y[rows], 1)
            rest = y[rows] - level - slope * x[rows]
            z = rest[-1] / rest.std(ddof=1)
            if (way > 0 and z >= -exit) or (way < 0 and z <= exit):
                way = 0
            if slope > 0 and abs(z) >= entry and way != -np.sign(z):
                way, slope_then = -int(np.sign(z)), slope
        out.append((way / (1 + slope_then), -way * slope_then / (1 + slope_then)))
    return np.array(out)


@pytest.mark.parametrize(("entry", "exit"), [(2.0, 0.0), (1.5, 0.5)])
def test_pairs_spread_is_what_regressions_on_each_window_hold(entry, exit):
    rng = np.random.default_rng(13)
    common = np.cumsum(rng.normal(0, 0.01, 400))
    apart = np.zeros(400)
    for t in range(1, 400):
        apart[t] = 0.9 * apart[t - 1] + rng.normal(0, 0.004)
    close = 100 * np.exp(np.column_stack([0.8 * common + apart, common]))
    bars = Bars.from_closes(np.busday_offset("2018-01-01", np.arange(400), roll="forward"), close, ("A", "B"))
    found = weights("pairs_spread", bars, entry=entry, exit=exit)
    expected = naive_pair(bars, 60, entry, exit)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert {-1, 0, 1} == set(np.sign(expected[:, 0]))
    gross = np.abs(found).sum(axis=1)
    np.testing.assert_allclose(gross[gross > 0], 1.0)


def test_symbols_pair_up_in_their_order_and_the_odd_one_is_left_out():
    bars = noise(14, total=300, size=5)
    found = weights("pairs_spread", bars, entry=1.0)
    for first in (0, 2):
        names = bars.symbols[first : first + 2]
        np.testing.assert_array_equal(
            found[:, first : first + 2], weights("pairs_spread", bars.select(names), entry=1.0) / 2
        )
    assert not found[:, 4].any()


def test_a_pair_that_moves_against_each_other_is_no_hedge(closes):
    rng = np.random.default_rng(15)
    steps = rng.normal(0, 0.01, (200, 1))
    close = 100 * np.exp(np.cumsum(np.hstack([steps, -steps]) + rng.normal(0, 0.002, (200, 2)), axis=0))
    assert not weights("pairs_spread", closes(close), window=20, entry=1.0).any()


def test_one_symbol_is_no_pair_and_says_so():
    said = decide("pairs_spread", noise(16, total=100))
    assert not said.weights.any()
    assert said.reasons["A pair needs two symbols."].all()


def test_a_pair_leaves_where_it_enters_no_more():
    with pytest.raises(InvalidParameter, match=r"exit \(2\) must be below entry \(2\)"):
        strategies.get("pairs_spread").validate({"exit": 2.0})


def test_the_turn_of_the_month_is_held_over_its_last_weekday_and_three_sessions(closes):
    bars = closes(np.ones(70), start="2024-01-15")
    found = weights("turn_of_month", bars)[:, 0]
    held = {str(bars.sessions[t + 1]) for t in range(69) if found[t]}  # what is decided is held over the next bar
    assert held == {
        *("2024-01-31", "2024-02-01", "2024-02-02", "2024-02-05"),
        *("2024-02-29", "2024-03-01", "2024-03-04", "2024-03-05"),
        *("2024-03-29", "2024-04-01", "2024-04-02", "2024-04-03"),
    }


def test_a_holiday_at_the_turn_costs_one_session_and_no_more():
    days = np.busday_offset("2024-03-11", np.arange(25), roll="forward")
    days = days[days != np.datetime64("2024-03-29")]  # Good Friday was the last weekday
    bars = Bars.from_closes(days, np.ones(len(days)), ("A",))
    found = weights("turn_of_month", bars)[:, 0]
    held = [str(bars.sessions[t + 1]) for t in range(len(days) - 1) if found[t]]
    assert held == ["2024-04-01", "2024-04-02", "2024-04-03"]


@pytest.mark.parametrize(
    ("params", "held"),
    [
        ({"before": 0}, ["2024-05-01", "2024-05-02", "2024-05-03"]),
        ({"before": 2, "after": 0}, ["2024-04-29", "2024-04-30"]),
        ({"before": 0, "after": 0}, []),
    ],
)
def test_the_days_of_the_turn_can_be_chosen(closes, params, held):
    bars = closes(np.ones(30), start="2024-04-10")
    found = weights("turn_of_month", bars, **params)[:, 0]
    assert [str(bars.sessions[t + 1]) for t in range(29) if found[t]] == held


def test_a_market_that_trades_on_weekends_counts_weekdays():
    days = np.datetime64("2024-05-20") + np.arange(25)
    bars = Bars.from_closes(days, np.ones(25), ("A",))
    found = weights("turn_of_month", bars)[:, 0]
    held = [str(bars.sessions[t + 1]) for t in range(24) if found[t]]
    # Friday 31 May is the last weekday; 1 and 2 June are a weekend.
    assert held == ["2024-05-31", *(f"2024-06-0{day}" for day in range(1, 6))]


@pytest.mark.parametrize("name", ["cross_sectional_momentum", "low_volatility", "turn_of_month", "vol_target"])
def test_monthly_ideas_need_daily_bars(name):
    weekly = np.datetime64("2010-01-01", "ns") + np.arange(400) * np.timedelta64(7, "D")
    with pytest.raises(BadData, match=f"{name} needs daily bars") as refused:
        weights(name, Bars.from_closes(weekly, np.ones(400), ("A",)))
    assert refused.value.code == "wrong_frequency"


def test_the_last_value_of_a_month_is_read_no_later_than_the_decision():
    days = np.datetime64("2024-05-27") + np.arange(10)  # with the weekend of 1 and 2 June
    values = np.arange(10.0)[:, None]
    at = np.flatnonzero(month_ends(days.astype("M8[ns]")))
    assert last_of_month(days, values, at).tolist() == [[4.0]]
    sunday = np.append(np.datetime64("2024-06-28"), np.datetime64("2024-06-30"))
    assert last_of_month(sunday, values[:2], np.array([0])).tolist() == [[0.0]]


def test_a_month_without_a_value_falls_back_or_is_missing():
    days = np.array(["2024-01-31", "2024-02-29", "2024-03-01", "2024-03-29"], dtype="M8[D]")
    values = np.array([[1.0], [np.nan], [np.nan], [4.0]])
    assert last_of_month(days, values, np.array([3]), 1).tolist() == [[1.0]]
    assert np.isnan(last_of_month(days, values, np.array([3]), 1, only=True)).all()
    assert np.isnan(last_of_month(days, values, np.array([3]), 5)).all()
