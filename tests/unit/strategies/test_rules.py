"""What each strategy decides, on prices made for the question."""

from __future__ import annotations

import numpy as np
import pytest

import strategies
from engine import Bars, Config, backtest
from engine.errors import BadData, InvalidParameter
from tests.shelf import PRICE


def weights(name, bars, **params):
    return strategies.get(name).bind(**params)(bars)


def test_buy_and_hold_splits_equity_at_the_first_bar(closes):
    assert weights("buy_and_hold", closes(np.ones((5, 4)))).tolist() == [[0.25] * 4] * 5


def test_averages_that_start_apart_open_nothing_until_they_cross(closes):
    rising = closes([1, 2, 3, 4, 5, 6, 7, 8])
    assert not weights("sma_cross", rising, fast=2, slow=3).any()


ZIGZAG = [5, 4, 3, 2, 3, 4, 5, 4, 3, 2, 1, 2, 3]
# fast 2 - slow 3: below from bar 2, tie at 4 (2.5, 2.667 is below), above at 5, below at 8, above at 12.


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("long", [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1]),
        ("short", [0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, 0]),
        ("both", [0, 0, 0, 0, 0, 1, 1, 1, -1, -1, -1, -1, 1]),
    ],
)
def test_sma_cross_acts_on_the_cross(closes, side, expected):
    assert weights("sma_cross", closes(ZIGZAG), fast=2, slow=3, side=side)[:, 0].tolist() == expected


def test_each_of_n_symbols_gets_its_share(closes):
    found = weights("sma_cross", closes(np.column_stack([ZIGZAG, ZIGZAG[::-1]])), fast=2, slow=3)
    assert set(np.unique(found)) == {0.0, 0.5}


def test_fast_must_be_below_slow():
    with pytest.raises(InvalidParameter, match=r"fast \(50\) must be below slow \(50\)") as refused:
        strategies.get("sma_cross").validate({"fast": 50})
    assert refused.value.pointer == "/params"


BREAKOUT = [5, 6, 5, 6, 7, 8, 7, 6, 5, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("long", [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1]),
        ("short", [0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, 0, 0]),
        ("both", [0, 0, 0, 0, 1, 1, 1, -1, -1, -1, -1, 1, 1]),
    ],
)
def test_donchian_enters_beyond_the_channel_of_the_bars_before(closes, side, expected):
    bars = closes(BREAKOUT)
    found = weights("donchian_breakout", bars, entry=3, exit=2, side=side)[:, 0]
    slow_way = donchian_by_hand(BREAKOUT, 3, 2, side)
    assert found.tolist() == slow_way
    if side == "long":
        assert found.tolist() == expected


def donchian_by_hand(price, entry, exit, side):
    out, long, short = [], 0, 0
    for t, close in enumerate(price):
        before = price[max(0, t - entry) : t]
        nearer = price[max(0, t - exit) : t]
        if t >= exit and close < min(nearer):
            long = 0
        if t >= exit and close > max(nearer):
            short = 0
        if t >= entry and close > max(before):
            long = 1
        if t >= entry and close < min(before):
            short = -1
        out.append({"long": long, "short": short, "both": long + short}[side])
    return out


def test_donchian_exit_is_not_wider_than_its_entry():
    with pytest.raises(InvalidParameter, match="exit"):
        strategies.get("donchian_breakout").validate({"entry": 5, "exit": 6})


@pytest.fixture
def trending():
    rng = np.random.default_rng(4)
    time = np.busday_offset("2018-01-01", np.arange(800), roll="forward")
    drift = np.array([0.001, -0.001])
    close = 100 * np.exp(np.cumsum(drift + rng.normal(0, 0.01, (800, 2)), axis=0))
    return Bars.from_closes(time, close, ("UP", "DOWN"))


def test_momentum_has_the_sign_of_twelve_months_and_the_size_of_its_volatility(trending):
    found = weights("time_series_momentum", trending)
    decided = np.flatnonzero(~np.isnan(found[:, 0]))
    days = trending.sessions[decided].astype(str)
    assert days[0] == "2019-01-31"
    at = decided[0]
    ended = np.flatnonzero(trending.sessions == np.datetime64("2018-01-31"))[0]
    returns = trending.close[1:] / trending.close[:-1] - 1
    age = np.arange(at)[::-1]
    share = (60 / 61) ** age
    share /= share.sum()
    window = returns[:at]
    mean = share @ window
    volatility = np.sqrt(261 * (share @ (window - mean) ** 2))
    expected = np.sign(trending.close[at] / trending.close[ended] - 1) * 0.40 / volatility / 2
    np.testing.assert_allclose(found[at], expected, rtol=1e-9)


def test_momentum_decides_once_a_month_and_keeps_between(trending):
    found = weights("time_series_momentum", trending)
    months = trending.time[~np.isnan(found[:, 0])].astype("datetime64[M]")
    assert len(months) == len(np.unique(months)) > 12


def test_momentum_weights_are_capped(trending):
    found = weights("time_series_momentum", trending, max_weight=0.5)
    assert np.nanmax(np.abs(found)) == pytest.approx(0.25)


def test_momentum_refuses_weekly_bars():
    weekly = np.datetime64("2010-01-01", "ns") + np.arange(400) * np.timedelta64(7, "D")
    with pytest.raises(BadData, match="daily bars"):
        weights("time_series_momentum", Bars.from_closes(weekly, np.ones(400), ("A",)))


def test_a_price_that_never_moves_is_no_momentum(closes):
    found = weights("time_series_momentum", closes(np.ones(400), start="2018-01-01"))
    assert not np.nan_to_num(found).any()


@pytest.mark.parametrize("item", PRICE, ids=lambda item: item.id)
def test_a_backtest_runs_end_to_end(item, trending):
    result = backtest(trending, item.bind(), Config())
    assert result.metrics["final_equity"] == pytest.approx(100_000 + result.trades["pnl"].sum(), rel=1e-9)
