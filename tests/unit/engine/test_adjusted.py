"""Splits and dividends: with adjusted closes, a run earns the total return that the shares themselves earned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arch.data import sp500

import strategies
from engine import Bars, Config, backtest, simulate
from engine.errors import BadData

FREE = Config(initial_capital=1000.0, commission_bps=0.0, slippage_bps=0.0)
DAYS = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"], dtype="datetime64[ns]")
NAN, INF = float("nan"), float("inf")

# Two for one before the third day, a dividend of 1 a share before the fourth.
CLOSE = np.array([100.0, 104.0, 51.0, 50.5, 52.0])
OPEN = np.array([99.0, 102.0, 52.0, 50.0, 50.5])
HIGH, LOW = np.maximum(OPEN, CLOSE) + 1, np.minimum(OPEN, CLOSE) - 1
VOLUME = np.array([1000.0, 1000.0, 2000.0, 2000.0, 2000.0])
# What 1 becomes whose holder puts the dividend back at the close of its day: 1.04, 2 x 51 / 104, 51.5 / 51, 52 / 50.5.
TOTAL = np.array([1.0, 1.04, 1.02, 1.02 * 51.5 / 51, 1.02 * 51.5 / 51 * 52 / 50.5])
ADJUSTED = TOTAL * 52 / TOTAL[-1]


def bars(**change):
    columns = {"open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE, "volume": VOLUME, "adj_close": ADJUSTED}
    return Bars.from_arrays(DAYS, **(columns | change), symbols=("ACME",))


def test_buy_and_hold_earns_the_total_return_of_the_shares():
    ledger = simulate(bars(), np.ones((5, 1)), replace(FREE, fill="same_close"))
    # 10 shares, 20 after the split; 20 x 1 buys 20 / 50.5 more.
    assert TOTAL[-1] == pytest.approx((20 + 20 / 50.5) * 52 / 1000, rel=1e-15)
    assert ledger.equity.tolist() == pytest.approx((1000 * TOTAL).tolist(), rel=1e-14)
    unadjusted = simulate(bars(adj_close=None), np.ones((5, 1)), replace(FREE, fill="same_close"))
    assert unadjusted.equity[-1] == pytest.approx(520.0)


def test_a_bar_keeps_its_shape_and_the_money_that_was_traded():
    found = bars()
    assert found.close[:, 0].tolist() == ADJUSTED.tolist()
    for name, values in {"open": OPEN, "high": HIGH, "low": LOW}.items():
        np.testing.assert_allclose(getattr(found, name)[:, 0] / ADJUSTED, values / CLOSE, rtol=1e-15)
    np.testing.assert_allclose(found.volume[:, 0] * found.close[:, 0], VOLUME * CLOSE, rtol=1e-15)
    # The last day is as it was; before the split there were half as many shares of today, up to the dividend.
    assert found.open[-1, 0] == OPEN[-1]
    assert found.volume[0, 0] == pytest.approx(2000 * 51.5 / 50.5, rel=1e-14)


def test_the_bars_and_the_conventions_say_it():
    result = backtest(bars(), strategies.get("buy_and_hold").bind(), FREE)
    assert result.conventions["adjusted"] is True
    assert bars().select(start="2024-01-03").adjusted
    plain = bars(adj_close=None)
    assert not plain.adjusted
    assert backtest(plain, strategies.get("buy_and_hold").bind(), FREE).conventions["adjusted"] is False


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"adj_close": [50.0, 0.0, 51, 50.5, 52]}, "non_positive_price", "ACME has an adjusted close that is not posi"),
        ({"adj_close": [50.0, -1.0, 51, 50.5, 52]}, "non_positive_price", "not positive at 2024-01-03"),
        ({"adj_close": [50.0, 52, NAN, 50.5, 52]}, "bad_ohlc", "a close without an adjusted close at 2024-01-04"),
        ({"adj_close": [50.0, 52, INF, 50.5, 52]}, "bad_ohlc", "infinite adjusted close at 2024-01-04"),
        ({"adj_close": [50.0, 52, 51, 50.5]}, "bad_shape", "adj_close has shape"),
        ({"adj_close": [50.0, 1e-40, 51, 50.5, 52]}, "bad_ohlc", "too small or too large"),
        ({"volume": [1e308] * 5, "adj_close": [1e-20] * 5}, "bad_volume", "volume that is negative or infinite"),
        ({"high": LOW}, "bad_ohlc", "high below"),
    ],
)
def test_adjusted_closes_that_are_none_are_refused_with_symbol_and_date(change, code, says):
    with pytest.raises(BadData, match=says) as refused:
        bars(**change)
    assert refused.value.code == code


def test_a_bar_without_prices_has_no_adjusted_close_either():
    gap = np.array([1.0, NAN, 1, 1, 1])
    holes = {name: values * gap for name, values in {"open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE}.items()}
    assert np.isnan(bars(**holes, adj_close=ADJUSTED * gap).high[1, 0])
    with pytest.raises(BadData, match="an adjusted close without a close at 2024-01-03"):
        bars(**holes)


def real(**change):
    frame = sp500.load()
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    columns = {field: frame[name].to_numpy(dtype=float) for field, name in names.items()} | change
    return Bars.from_arrays(frame.index.to_numpy(), **columns, symbols=("SPX",)), frame["Adj Close"].to_numpy()


def test_adjusted_closes_that_are_the_closes_change_no_bit_of_real_bars():
    plain, adjusted = real()
    same, _ = real(adj_close=adjusted)
    assert same.adjusted
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(same, name).tobytes() == getattr(plain, name).tobytes(), name


def test_real_prices_before_a_split_and_dividends_come_back_from_their_adjusted_closes():
    """A made-up split in 2010 and a dividend every quarter on real prices, as a vendor would deliver them."""
    plain, adjusted = real()
    factor = np.where(np.arange(len(plain)) < 2700, 0.5, 1.0) * 0.995 ** ((len(plain) - np.arange(len(plain))) // 63)
    raw = {name: getattr(plain, name)[:, 0] / factor for name in ("open", "high", "low", "close")}
    found, _ = real(**raw, volume=plain.volume[:, 0] * factor, adj_close=adjusted)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), rtol=1e-14)
    bound = strategies.get("buy_and_hold").bind()
    np.testing.assert_allclose(
        backtest(found, bound, FREE).ledger.equity, backtest(plain, bound, FREE).ledger.equity, rtol=1e-12
    )


def test_rounding_never_moves_a_price_past_the_high_or_the_low():
    rng = np.random.default_rng(4)
    close = rng.uniform(1, 100, 5000)
    open = np.where(rng.random(5000) < 0.3, close, np.nextafter(close, rng.choice([0.0, 200.0], 5000)))
    time = np.datetime64("2000-01-01") + np.arange(5000)
    high, low = np.maximum(open, close), np.minimum(open, close)
    found = Bars.from_arrays(time, open, high, low, close, adj_close=close * rng.uniform(0.01, 3, 5000), symbols=("A",))
    assert (found.open == found.close)[open == close].all()
