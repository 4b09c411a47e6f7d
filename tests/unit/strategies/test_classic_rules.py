"""What the classic strategies decide: on prices made for the question, and bar by bar in the plainest way."""

from __future__ import annotations

import numpy as np
import pytest
import talib

import strategies
from engine import Bars
from engine.errors import InvalidParameter

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
    """Two positions, bar by bar; `long` and `short` tell of a bar whether it opens and whether it ends."""
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
    params = {"window": 2, "entry": 20.0, "trend": 15, "exit_average": 3}
    found = weights("rsi_reversion", closes(np.column_stack([up, down])), **params)
    assert found[:, 0].tolist() == [0.0] * 21 + [0.5, 0, 0]
    assert not found[:, 1].any()


def test_the_index_at_which_one_buys_is_below_that_at_which_one_sells():
    with pytest.raises(InvalidParameter, match=r"entry \(50\) must be below exit \(50\)"):
        strategies.get("rsi_reversion").validate({"entry": 50, "exit": 50})


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
