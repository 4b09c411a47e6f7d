"""What must hold for any prices, any targets and any settings."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from engine import Bars, Config, backtest, figures, kernel, measure, simulate, simulation, sums, trades
from engine import ledger as ledgers
from engine.figures import Run
from engine.intake import FIELDS

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
FREE = {"commission_bps": 0.0, "slippage_bps": 0.0}

seeds = st.integers(0, 2**32 - 1)


@st.composite
def configs(draw):
    rebalance = draw(st.sampled_from(["on_change", "daily", "weekly", "monthly", "drift"]))
    fraction = st.none() | st.floats(0.005, 0.2)
    return Config(
        initial_capital=draw(st.sampled_from([1000.0, 1e6])),
        fill=draw(st.sampled_from(["next_open", "next_close", "same_close"])),
        rebalance=rebalance,
        drift_band=0.05 if rebalance == "drift" else None,
        commission_bps=draw(st.floats(0, 50)),
        cost_table=draw(st.none() | st.dictionaries(st.sampled_from(["x", "y", "unknown"]), st.floats(0, 50))),
        commission_per_share=draw(st.sampled_from([0.0, 0.01])),
        commission_minimum=draw(st.sampled_from([0.0, 1.0])),
        slippage_bps=draw(st.floats(0, 50)),
        volume_impact=draw(st.sampled_from([0.0, 0.1, 0.8])),
        borrow_bps=draw(st.sampled_from([0.0, 300.0])),
        funding_bps=draw(st.sampled_from([0.0, 500.0])),
        cash_bps=draw(st.sampled_from([0.0, 400.0])),
        max_leverage=draw(st.sampled_from([0.5, 1.0, 3.0])),
        allow_short=draw(st.booleans()),
        stop_loss=draw(fraction),
        take_profit=draw(fraction),
        trailing_stop=draw(fraction),
        max_holding_bars=draw(st.none() | st.integers(1, 20)),
        lot_size=draw(st.none() | st.sampled_from([0.1, 1.0])),
        volume_limit=draw(st.none() | st.floats(0.01, 1.0)),
        risk_free_rate=draw(st.sampled_from([0.0, 0.03])),
    )


def test_every_setting_takes_part():
    drawn = []

    @settings(derandomize=True, max_examples=100, deadline=None)
    @given(configs())
    def draw(config):
        drawn.append(config)

    draw()
    for field in dataclasses.fields(Config):
        assert len({repr(getattr(config, field.name)) for config in drawn}) > 1, field.name


def market(seed, total=120, size=None, holes=0.05, volatility=0.02):
    """Random bars of one symbol, of three or of five: there are loops for one, and loops over four at a time."""
    size = (1, 3, 5)[seed % 3] if size is None else size
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, (total, size)), axis=0))
    open = close * np.exp(rng.normal(0, 0.01, close.shape))
    high = np.maximum(open, close) * (1 + rng.exponential(0.005, close.shape))
    low = np.minimum(open, close) * (1 - rng.uniform(0, 0.02, close.shape))
    volume = rng.integers(0, 200, close.shape).astype(float)
    missing = rng.random(close.shape) < holes
    for values in (open, high, low, close, volume):
        values[missing] = np.nan
    time = np.busday_offset("2020-01-01", np.arange(total), roll="forward")
    keys = (("x", None, "y", "z", "unknown", "x", "y", None) * size)[:size]
    symbols = tuple(chr(ord("A") + n) for n in range(size))
    return Bars.from_arrays(time, open, high, low, close, volume, symbols=symbols, cost_keys=keys)


def targets(seed, shape, scale=1.0):
    rng = np.random.default_rng(seed + 1)
    weights = rng.uniform(-scale, scale, shape)
    weights[rng.random(shape) < 0.7] = np.nan
    return weights


def truncated(bars, stop):
    return bars.select(end=bars.time[stop - 1])


def same_past(whole, part, stop):
    for name in ("equity", "cash", "positions", "gross", "borrow", "funding", "interest"):
        assert getattr(whole, name)[:stop].tobytes() == getattr(part, name).tobytes(), name
    assert whole.fills[whole.fills["bar"] < stop].tobytes() == part.fills.tobytes()


@BOUNDED
@given(seeds, configs(), st.integers(5, 119))
def test_the_future_does_not_change_the_ledger_of_the_past(seed, config, stop):
    bars = market(seed)
    weights = targets(seed, bars.close.shape)
    whole = simulate(bars, weights, config)
    same_past(whole, simulate(truncated(bars, stop), weights[:stop], config), stop)


@BOUNDED
@given(seeds, configs(), st.floats(0.001, 0.3), st.sampled_from([0.01, 0.3]))
def test_one_symbol_alone_does_what_it_does_beside_an_idle_one(seed, config, volatility, spoken):
    """Alone it is taken through stretches of bars, beside another bar by bar."""
    bars = market(seed, total=400, size=1, volatility=volatility)
    other = market(seed + 1, total=400, size=1)
    columns = {name: np.hstack((getattr(bars, name), getattr(other, name))) for name in FIELDS}
    both = dataclasses.replace(bars, symbols=("A", "B"), cost_keys=(bars.cost_keys[0], None), **columns)
    rng = np.random.default_rng(seed)
    weights = np.where(rng.random((400, 1)) < spoken, rng.uniform(-3.0, 3.0, (400, 1)), np.nan)
    alone = simulate(bars, weights, config)
    beside = simulate(both, np.hstack((weights, np.zeros((400, 1)))), config)
    for name in ("equity", "cash", "gross", "borrow", "funding", "interest", "fills"):
        assert getattr(alone, name).tobytes() == getattr(beside, name).tobytes(), name
    assert alone.ruined_at == beside.ruined_at


@BOUNDED
@given(seeds, configs())
def test_the_compiled_kernel_equals_its_twin_bit_for_bit(seed, config):
    bars = market(seed, total=80)
    weights = targets(seed, bars.close.shape)
    compiled = simulate(bars, weights, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "run", kernel.run.twin)
        twin = simulate(bars, weights, config)
    same_past(compiled, twin, len(bars))
    found = trades.from_ledger(bars, compiled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trades, "collect", trades.collect.twin)
        patch.setattr(trades, "live", trades.live.twin)
        assert trades.from_ledger(bars, twin).tobytes() == found.tobytes()
    run = Run(bars.time, compiled, found, bars.periods_per_year, 0.02)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "add_up", sums.add_up.twin)
        patch.setattr(figures, "fall", sums.fall.twin)
        patch.setattr(ledgers, "earn", ledgers.earn.twin)
        patch.setattr(ledgers, "replay", ledgers.replay.twin)
        other = Run(bars.time, twin, found, bars.periods_per_year, 0.02)
        assert other.sums == run.sums
        assert other.drawdown.tobytes() == run.drawdown.tobytes()
        assert twin.positions.tobytes() == compiled.positions.tobytes()


@settings(derandomize=True, max_examples=25, deadline=None)
@given(seeds, configs())
def test_many_symbols_are_compiled_to_vectors_that_equal_the_twin_bit_for_bit(seed, config):
    bars = market(seed, total=40, size=37)
    weights = targets(seed, bars.close.shape)
    compiled = simulate(bars, weights, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "run", kernel.run.twin)
        same_past(compiled, simulate(bars, weights, config), len(bars))


@BOUNDED
@given(seeds, configs())
def test_equity_is_cash_and_positions_at_their_last_price(seed, config):
    bars = market(seed)
    ledger = simulate(bars, targets(seed, bars.close.shape), config)
    seen = np.maximum.accumulate(np.where(np.isnan(bars.close), -1, np.arange(len(bars))[:, None]), axis=0)
    price = np.where(seen < 0, 0.0, np.take_along_axis(bars.close, np.maximum(seen, 0), axis=0))
    value = ledger.cash + (ledger.positions * price).sum(axis=1)
    np.testing.assert_allclose(ledger.equity, value, rtol=1e-9, atol=1e-6)


@BOUNDED
@given(seeds, configs())
def test_pnl_of_trades_and_interest_are_the_gain_of_the_account(seed, config):
    bars = market(seed)
    ledger = simulate(bars, targets(seed, bars.close.shape), config)
    gain = ledger.equity[-1] - config.initial_capital
    made = trades.from_ledger(bars, ledger)["pnl"].sum() + ledger.interest.sum()
    assert made == pytest.approx(gain, rel=1e-9, abs=1e-6)


@BOUNDED
@given(seeds, configs())
def test_no_figure_is_nan_and_none_is_lost(seed, config):
    bars = market(seed, volatility=0.2)
    ledger = simulate(bars, targets(seed, bars.close.shape), config)
    against = np.random.default_rng(seed).normal(0, 0.01, len(bars))
    run = Run(bars.time, ledger, trades.from_ledger(bars, ledger), bars.periods_per_year, 0.02, against)
    for name, value in measure(run).items():
        assert value is None or math.isfinite(value), name


@BOUNDED
@given(seeds, configs())
def test_zero_targets_stay_flat(seed, config):
    bars = market(seed)
    ledger = simulate(bars, np.zeros(bars.close.shape), config)
    assert len(ledger.fills) == 0
    assert (np.diff(ledger.equity, prepend=config.initial_capital) >= 0.0).all()
    assert (ledger.equity == ledger.cash).all()
    assert config.cash_bps > 0.0 or (ledger.equity == config.initial_capital).all()


@BOUNDED
@given(seeds, configs(), st.floats(0.01, 0.3))
def test_a_position_is_whole_lots_or_none_however_volume_cuts_it(seed, config, most):
    config = dataclasses.replace(config, lot_size=0.1, volume_limit=most)
    bars = market(seed)
    lots = simulate(bars, targets(seed, bars.close.shape), config).positions / 0.1
    np.testing.assert_allclose(lots, np.round(lots), rtol=0.0, atol=1e-6)
    assert (lots[np.round(lots) == 0.0] == 0.0).all()


@BOUNDED
@given(seeds, configs())
def test_gross_exposure_after_an_order_is_within_the_leverage(seed, config):
    config = dataclasses.replace(
        config, rebalance="on_change", drift_band=None, fill="same_close", max_leverage=1.0, allow_short=False
    )
    bars = market(seed, holes=0.0)
    ledger = simulate(bars, targets(seed, bars.close.shape), config)
    assert ledger.cash.min() >= -1e-9 * config.initial_capital


@BOUNDED
@given(seeds, st.floats(0, 100), st.floats(0, 100))
def test_costs_never_help_whoever_buys_and_holds(seed, commission, slippage):
    bars = market(seed)
    bound = strategies.get("buy_and_hold").bind()
    free = backtest(bars, bound, Config(**FREE)).ledger
    dear = backtest(bars, bound, Config(commission_bps=commission, slippage_bps=slippage)).ledger
    if (free.positions[-1] > 0).all() and len(free.fills) == len(bars.symbols):
        assert (dear.positions[-1] <= free.positions[-1] * (1 + 1e-12)).all()


COSTS = ("commission_bps", "commission_per_share", "commission_minimum", "slippage_bps", "volume_impact")
COSTS_OF_HOLDING = ("borrow_bps", "funding_bps")
NO_CLIFFS = {"drift_band": None, "stop_loss": None, "take_profit": None, "trailing_stop": None, "lot_size": None}


@BOUNDED
@given(seeds, configs())
def test_costs_never_help_an_account_of_one_symbol(seed, config):
    """At no bar, whatever the targets, until the account without costs is ruined.

    Of several symbols costs shift the mix, and stops, bands and lots are cliffs: there luck may reward them.
    """
    rebalance = "daily" if config.rebalance == "drift" else config.rebalance
    dear = dataclasses.replace(config, rebalance=rebalance, **NO_CLIFFS)
    free = dataclasses.replace(dear, cost_table=None, **dict.fromkeys((*COSTS, *COSTS_OF_HOLDING), 0.0))
    bars = market(seed, size=1)
    weights = targets(seed, bars.close.shape, scale=config.max_leverage)
    without, paid = (simulate(bars, weights, each).equity for each in (free, dear))
    alive = np.logical_and.accumulate(without > 0.0)
    assert (paid <= without * (1 + 1e-12))[alive].all()


@BOUNDED
@given(seeds, st.sampled_from([0.25, 2.0, 1024.0]), configs())
def test_scaling_prices_and_capital_scales_equity_exactly(seed, factor, config):
    """By powers of two every float keeps its digits; fees per unit and minimum fees are amounts of their own."""
    config = dataclasses.replace(config, commission_per_share=0.0, commission_minimum=0.0)
    bars = market(seed)
    scaled = Bars.from_arrays(
        bars.time,
        *(getattr(bars, name) * factor for name in ("open", "high", "low", "close")),
        bars.volume,
        symbols=bars.symbols,
        cost_keys=bars.cost_keys,
    )
    weights = targets(seed, bars.close.shape)
    one = simulate(bars, weights, config)
    other = simulate(scaled, weights, dataclasses.replace(config, initial_capital=config.initial_capital * factor))
    assert (one.equity * factor).tobytes() == other.equity.tobytes()
    assert one.positions.tobytes() == other.positions.tobytes()


@BOUNDED
@given(seeds, configs(), st.permutations(range(3)))
def test_the_order_of_symbols_does_not_matter(seed, config, order):
    # Lots, bands and least fees are cliffs: there the last bit of a sum can decide, and sums depend on the order.
    rebalance = "daily" if config.rebalance == "drift" else config.rebalance
    config = dataclasses.replace(config, lot_size=None, rebalance=rebalance, drift_band=None, commission_minimum=0.0)
    bars = market(seed, size=3)
    weights = targets(seed, bars.close.shape)
    one = simulate(bars, weights, config)
    other = simulate(bars.select([bars.symbols[i] for i in order]), weights[:, list(order)], config)
    np.testing.assert_allclose(other.equity, one.equity, rtol=1e-9)
    np.testing.assert_allclose(other.positions, one.positions[:, list(order)], rtol=1e-9, atol=1e-9)


@BOUNDED
@given(seeds, configs())
def test_a_symbol_that_is_never_held_changes_nothing(seed, config):
    """One symbol has a loop of its own: it makes the bits of the loop for many."""
    bars = market(seed, size=2)
    weights = targets(seed, bars.close.shape)
    weights[:, 1] = 0.0
    alone = simulate(bars.select(["A"]), weights[:, :1], config)
    beside = simulate(bars, weights, config)
    for name in ("equity", "cash", "gross", "borrow", "funding"):
        assert getattr(alone, name).tobytes() == getattr(beside, name).tobytes(), name
    assert alone.fills.tobytes() == beside.fills.tobytes()


@BOUNDED
@given(seeds, configs())
def test_one_row_of_weights_for_all_times_is_that_row_at_every_bar(seed, config):
    bars = market(seed)
    row = targets(seed, (1, len(bars.symbols)))
    once = simulate(bars, np.broadcast_to(row, bars.close.shape), config)
    same_past(once, simulate(bars, np.repeat(row, len(bars), axis=0), config), len(bars))


@BOUNDED
@given(seeds, configs(), st.floats(0.0, 0.5))
def test_decisions_at_some_bars_are_those_of_a_table_that_says_nothing_at_others(seed, config, share):
    bars = market(seed)
    rows = np.flatnonzero(np.random.default_rng(seed).random(len(bars)) < share)
    some = targets(seed, (len(rows), len(bars.symbols)))
    whole = np.full(bars.close.shape, np.nan)
    whole[rows] = some
    same_past(simulate(bars, some, config, rows=rows), simulate(bars, whole, config), len(bars))


@BOUNDED
@given(seeds, configs())
def test_a_run_repeats_itself_to_the_last_bit(seed, config):
    bars = market(seed)
    weights = targets(seed, bars.close.shape)
    same_past(simulate(bars, weights, config), simulate(bars, weights, config), len(bars))


@BOUNDED
@given(seeds, st.sampled_from(["next_open", "next_close", "same_close"]))
def test_without_costs_the_account_earns_the_weighted_returns(seed, fill):
    """Daily rebalancing to full targets at one price per bar is the textbook sum of weight x return."""
    bars = market(seed, size=3, holes=0.0)
    flat = Bars.from_arrays(bars.time, *[bars.close] * 4, bars.volume, symbols=bars.symbols)
    weights = np.abs(np.nan_to_num(targets(seed, bars.close.shape, scale=0.3)))
    ledger = simulate(flat, weights, Config(fill=fill, rebalance="daily", **FREE))
    lag = 1 if fill == "same_close" else 2
    returns = bars.close[1:] / bars.close[:-1] - 1
    expected = np.zeros(len(bars))
    expected[lag:] = (weights[:-lag] * returns[lag - 1 :]).sum(axis=1)
    np.testing.assert_allclose(ledger.returns, expected, atol=1e-12)
