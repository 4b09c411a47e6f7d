"""Settings at their ends and against each other: refused, or what they do is known and said."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Bars, Config, backtest, measure, simulate, strategy, trades
from engine.config import described
from engine.errors import InvalidConfig
from engine.figures import Run

FLAT = [10.0] * 6
NAN = float("nan")
FREE = {"commission_bps": 0.0, "slippage_bps": 0.0}
NONSENSE = [NAN, math.inf, -math.inf, -1, True, "1", "", b"1", 1e308, 10**5000, [], (1,), object(), 1 + 0j]


@strategy(family="test", source="none")
def hold(bars: Bars) -> np.ndarray:
    """Hold everything in equal parts."""
    return np.full(bars.close.shape, 1.0 / len(bars.symbols))


@strategy(family="test", source="none")
def sell(bars: Bars) -> np.ndarray:
    """Sell everything short in equal parts."""
    return np.full(bars.close.shape, -1.0 / len(bars.symbols))


@pytest.mark.parametrize("field", described(), ids=lambda field: field.name)
@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: repr(value)[:12] if value != 10**5000 else "huge")
def test_no_field_takes_nonsense(field, value):
    if field.type == "bool" and value is True:
        return
    with pytest.raises(InvalidConfig) as refused:
        Config.parse({field.name: value})
    assert refused.value.pointer == f"/config/{field.name}"
    assert len(json.dumps(refused.value.detail())) < 1000


ENDS = {field.name: (field.low, field.high) for field in described() if field.type in ("int", "float")}


@st.composite
def extremes(draw):
    chosen = draw(st.lists(st.sampled_from(sorted(set(ENDS) - {"drift_band"})), min_size=1, max_size=6, unique=True))
    drift = draw(st.none() | st.sampled_from(ENDS["drift_band"]))
    return Config(
        **{name: draw(st.sampled_from(ENDS[name])) for name in chosen},
        fill=draw(st.sampled_from(["next_open", "next_close", "same_close"])),
        allow_short=draw(st.booleans()),
        drift_band=drift,
        rebalance="on_change" if drift is None else "drift",
    )


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), extremes(), st.sampled_from([1e-6, 1.0, 1e6]))
def test_fields_at_their_ends_make_finite_accounts_that_add_up(seed, config, level):
    rng = np.random.default_rng(seed)
    close = level * 100 * np.exp(np.cumsum(rng.normal(0, 0.05, (80, 2)), axis=0))
    open = close * np.exp(rng.normal(0, 0.02, close.shape))
    high, low = np.maximum(open, close) * 1.01, np.minimum(open, close) * 0.99
    time = np.busday_offset("2020-01-01", np.arange(80), roll="forward")
    volume = rng.integers(0, 200, close.shape)
    bars = Bars.from_arrays(time, open, high, low, close, volume, symbols=("A", "B"))
    weights = np.where(rng.random(close.shape) < 0.7, NAN, rng.uniform(-1, 1, close.shape))
    ledger = simulate(bars, weights, config)
    found = trades.from_ledger(bars, ledger)
    assert np.isfinite(ledger.equity).all()
    assert all(np.isfinite(found[name]).all() for name in found.dtype.names)
    figures = measure(Run(bars.time, ledger, found, 252.0, config.risk_free_rate))
    assert all(value is None or math.isfinite(value) for value in figures.values())
    gain = ledger.equity[-1] - config.initial_capital
    scale = max(config.initial_capital, np.abs(ledger.cash).max(), np.abs(found["pnl"]).sum())
    assert found["pnl"].sum() + ledger.interest.sum() == pytest.approx(gain, abs=1e-9 * scale)


def test_a_target_of_a_whole_price_never_ends_a_short(bars, run):
    price = [10.0, 10.0, 1.0, 0.1, 0.01, 0.001]
    ledger = run(bars(price, price), [-0.5] * 6, take_profit=1.0)
    assert ledger.positions[-1, 0] == -50.0
    assert len(run(bars(price, price), [-0.5] * 6, take_profit=0.9).fills) == 2


def test_a_stop_of_a_whole_price_never_ends_a_long(bars, run):
    price = [10.0, 10.0, 1.0, 0.1, 0.01, 0.001]
    for name in ("stop_loss", "trailing_stop"):
        assert run(bars(price, price), [0.5] * 6, **{name: 1.0}).positions[-1, 0] == 50.0


def test_a_trailing_stop_on_closes_alone_is_seen_and_filled_at_the_close():
    days = np.busday_offset("2024-01-01", np.arange(6), roll="forward")
    closes = Bars.from_closes(days, [10.0, 10.0, 20.0, 18.5, 17.0, 30.0], ("A",))
    ledger = simulate(closes, np.ones((6, 1)), Config(trailing_stop=0.1, initial_capital=1000.0, **FREE))
    # The best close is 20, so 18 is the stop; the close below it is 17.
    assert ledger.fills[["bar", "price"]].tolist() == [(1, 10.0), (4, 17.0)]


def test_a_stop_within_the_slippage_is_said(bars, run):
    ledger = run(bars(FLAT, FLAT), [0.5] * 6, slippage_bps=200, stop_loss=0.01)
    assert ledger.warnings == ("stop_loss 0.01 is less than slippage costs: a purchase is stopped out at once.",)
    assert ledger.fills["bar"].tolist() == [1, 1]
    assert run(bars(FLAT, FLAT), [0.5] * 6, slippage_bps=200, stop_loss=0.02).warnings == ()


def test_lots_that_no_volume_lets_through_are_said(bars, run):
    prices = bars(FLAT, FLAT, volume=[100.0, 50.0, 100.0, NAN, 100.0, 99.0])
    ledger = run(prices, [1.0] * 6, volume_limit=0.1, lot_size=11.0)
    assert len(ledger.fills) == 0
    assert ledger.warnings == ("On no bar of A are 110 units traded: volume_limit 0.1 lets not one lot of 11 through.",)
    assert run(prices, [1.0] * 6, volume_limit=0.1, lot_size=10.0).warnings == ()


def test_a_symbol_of_unknown_volume_is_named(bars, run):
    two = np.column_stack((FLAT, FLAT))
    prices = bars(two, two, volume=np.column_stack(([100.0] * 6, [NAN] * 6)))
    weights = [[0.4, 0.4]] * 6
    assert run(prices, weights, volume_limit=0.5).warnings == (
        "No volume is known of B: volume_limit lets no order through.",
    )
    ledger = run(prices, weights, volume_impact=0.1)
    assert ledger.warnings == ("No volume is known of B: every fill pays the whole volume_impact.",)
    assert ledger.fills["price"].tolist() == pytest.approx([10 * (1 + 0.1 * 0.16), 11.0])


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"commission_minimum": 1e6}, "What may stand in their way: a commission_minimum of 1e+06."),
        ({"lot_size": 1e9}, "What may stand in their way: a lot_size of 1000000000.0 units."),
        (
            {"lot_size": 7.0, "volume_limit": 0.01},
            "What may stand in their way: a lot_size of 7.0 units, a volume_limit of 0.01.",
        ),
    ],
)
def test_a_run_without_fills_says_what_stands_against_them(bars, config, says):
    result = backtest(bars(FLAT, FLAT, volume=[100.0] * 6), hold.bind(), Config(**config))
    assert result.warnings[-1] == f"No order was filled, though the strategy asked for positions. {says}"


def test_shorts_that_are_not_allowed_are_a_reason_too(bars):
    result = backtest(bars(FLAT, FLAT), sell.bind(), Config(allow_short=False))
    assert result.warnings[0] == "allow_short is false: negative targets were set to zero."
    assert result.warnings[-1].endswith("What may stand in their way: shorts that are not allowed.")


def test_a_minimum_that_eats_the_account_ruins_it_in_the_open(bars, run):
    ledger = run(bars(FLAT, FLAT), [0.05, 0.0, 0.0, 0.0, 0.0, 0.0], commission_minimum=900.0)
    # Bought for 50 and 900, sold for 50 less 900.
    assert ledger.equity.tolist() == [1000.0, 100.0, -800.0, -800.0, -800.0, -800.0]
    assert ledger.ruined_at == 2
