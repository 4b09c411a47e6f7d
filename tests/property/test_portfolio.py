"""Whatever the prices, strategies, shares and settings: nothing is seen early, and every gain is somebody's."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Bars, Range, backtest, strategy
from engine.portfolio import attribution
from engine.portfolio.allocation import ALLOCATIONS
from engine.portfolio.book import Sleeve, portfolio, wish
from engine.portfolio.mandate import Mandate
from tests.property import test_engine

BOUNDED = settings(derandomize=True, max_examples=40, deadline=None)
TOTAL = 120
LEVELS = ("stop_loss", "take_profit", "trailing_stop")

seeds = st.integers(0, 2**32 - 1)


@strategy(family="test", source="none")
def throws(
    bars: Bars,
    seed: Annotated[int, Range(0, 100), "Which throws."] = 0,
    scale: Annotated[float, Range(0.0, 3.0), "Largest weight."] = 1.0,
) -> np.ndarray:
    """Weights at random, with and without an opinion; a row does not depend on how many there are."""
    thrown = np.random.default_rng(seed).random((len(bars), len(bars.symbols), 2))
    weights = np.round((2.0 * thrown[..., 0] - 1.0) * scale, 1)
    weights[thrown[..., 1] < 0.7] = np.nan
    return weights


@st.composite
def mandates(draw, allocations=("fixed", "equal", *ALLOCATIONS)):
    allocation = draw(st.sampled_from(allocations))
    rebalance = draw(st.sampled_from(["daily", "weekly", "monthly", "drift"]))
    capped = allocation in ("min_variance", "max_sharpe") and draw(st.booleans())
    return Mandate(
        allocation=allocation,
        rebalance=rebalance,
        lookback=draw(st.sampled_from([20, 30])),
        drift_band=0.03 if rebalance == "drift" else None,
        max_weight=0.6 if capped else None,
        volatility_target=draw(st.sampled_from([None, 0.05, 0.3])),
    )


def datasets(seed):
    """Two sets of bars whose days and symbols partly have the same names."""
    one = test_engine.market(seed, total=TOTAL, size=3)
    other = test_engine.market(seed + 1, total=TOTAL, size=1)
    held = np.random.default_rng(seed).random(TOTAL) < 0.9
    held[[0, -1]] = True
    columns = {name: getattr(other, name)[held] for name in ("time", *test_engine.FIELDS)}
    return {"one": one, "other": dataclasses.replace(other, **columns)}


def sleeves_of(seed, config, mandate, stop=TOTAL):
    sets = {
        name: bars.select(end=sorted(datasets(seed)["one"].time)[stop - 1]) for name, bars in datasets(seed).items()
    }
    chosen = [("one", ("A", "B")), ("one", ("B", "C")), ("other", ("A",))]
    weights = (0.1, 0.2, 0.15) if mandate.allocation == "fixed" else (None,) * 3
    return [
        Sleeve(f"s{n}", sets[name].select(symbols), throws.bind(seed=(seed + n) % 101), config, name, weight=weight)
        for n, ((name, symbols), weight) in enumerate(zip(chosen, weights, strict=True))
    ]


def run(seed, config, mandate, stop=TOTAL):
    return portfolio(sleeves_of(seed, config, mandate, stop), mandate, config)


@BOUNDED
@given(seeds, test_engine.configs(), mandates(), st.integers(30, TOTAL - 1))
def test_the_future_changes_no_share_target_or_gain_of_the_past(seed, config, mandate, stop):
    whole, part = run(seed, config, mandate), run(seed, config, mandate, stop)
    count = len(part.bars)
    for name in ("shares", "targets", "returns", "gains"):
        assert getattr(whole, name)[:count].tobytes() == getattr(part, name).tobytes(), name
    test_engine.same_past(whole.ledger, part.ledger, count)


@BOUNDED
@given(seeds, test_engine.configs(), mandates())
def test_the_gains_of_sleeves_are_the_change_of_equity_at_every_bar(seed, config, mandate):
    result = run(seed, config, mandate)
    equity = np.concatenate(([config.initial_capital], result.ledger.equity))
    scale = config.initial_capital * max(1.0, float(np.abs(equity).max()) / config.initial_capital)
    np.testing.assert_allclose(result.gains.sum(axis=1), np.diff(equity), rtol=0.0, atol=1e-12 * scale)
    total = sum(result.attribution.values())
    assert abs(total - result.metrics["total_return"]) <= 1e-12 * scale / config.initial_capital


@BOUNDED
@given(seeds, test_engine.configs(), mandates())
def test_a_book_of_one_sleeve_is_its_backtest_bit_for_bit(seed, config, mandate):
    mandate = dataclasses.replace(mandate, volatility_target=None, max_weight=None)
    # An order that waits for volume or a drift that is seen while a position is stopped out, and targets that are
    # scaled to the leverage, may be orders of another kind or bar.
    config = dataclasses.replace(config, volume_limit=None)
    if config.rebalance == "drift":
        config = dataclasses.replace(config, rebalance="on_change", drift_band=None)
    weight = 1.0 if mandate.allocation == "fixed" else None
    if weight is not None:
        config = dataclasses.replace(config, max_leverage=max(1.0, config.max_leverage))
    modest = throws.bind(seed=seed % 101, scale=config.max_leverage / 2.0)
    sleeve = dataclasses.replace(sleeves_of(seed, config, mandate)[0], bound=modest, config=config, weight=weight)
    book, alone = portfolio([sleeve], mandate, config), backtest(sleeve.bars, sleeve.bound, config)
    assert book.ledger.equity.tobytes() == alone.ledger.equity.tobytes()
    assert book.ledger.fills.tobytes() == alone.ledger.fills.tobytes()
    assert book.metrics == alone.metrics


@BOUNDED
@given(seeds, test_engine.configs(), mandates(allocations=("equal",)))
def test_two_sleeves_that_are_the_same_are_one(seed, config, mandate):
    if mandate.rebalance == "drift":  # two halves stray half as far
        mandate = dataclasses.replace(mandate, volatility_target=None)
    sleeve = sleeves_of(seed, config, mandate)[0]
    one = portfolio([sleeve], mandate, config)
    two = portfolio([sleeve, dataclasses.replace(sleeve, name="twin")], mandate, config)
    assert one.ledger.equity.tobytes() == two.ledger.equity.tobytes()
    assert two.gains[:, 0].tobytes() == two.gains[:, 1].tobytes()


@BOUNDED
@given(seeds, test_engine.configs(), mandates(), st.permutations(range(3)))
def test_the_order_of_sleeves_does_not_matter(seed, config, mandate, order):
    """But for rounding: what could turn it into another order, or charge one that is nothing, is left out."""
    left_out = dict.fromkeys((*LEVELS, "lot_size", "volume_limit", "max_holding_bars"))
    config = dataclasses.replace(config, **left_out, commission_minimum=0.0)
    if config.rebalance in ("on_change", "drift"):
        config = dataclasses.replace(config, rebalance="daily", drift_band=None)
    if mandate.rebalance == "drift":
        mandate = dataclasses.replace(mandate, rebalance="weekly", drift_band=None)
    sleeves = sleeves_of(seed, config, mandate)
    one, other = portfolio(sleeves, mandate, config), portfolio([sleeves[at] for at in order], mandate, config)
    near = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(other.shares, one.shares[:, order], **near)
    np.testing.assert_allclose(other.ledger.equity, one.ledger.equity, rtol=1e-6, atol=1e-6 * config.initial_capital)
    np.testing.assert_allclose(other.gains, one.gains[:, order], rtol=1e-6, atol=1e-6 * config.initial_capital)
    assert other.attribution == pytest.approx(one.attribution, rel=1e-6, abs=1e-5)


@BOUNDED
@given(seeds, test_engine.configs(), mandates(allocations=("fixed",)))
def test_a_sleeve_without_a_share_changes_nothing(seed, config, mandate):
    mandate = dataclasses.replace(mandate, volatility_target=None)
    first, second, _ = sleeves_of(seed, config, mandate)
    idle = dataclasses.replace(second, bars=first.bars, weight=0.0)
    one, other = portfolio([first], mandate, config), portfolio([first, idle], mandate, config)
    test_engine.same_past(other.ledger, one.ledger, TOTAL)
    assert one.gains[:, 0].tobytes() == other.gains[:, 0].tobytes()
    assert not other.gains[:, 1].any()
    assert one.metrics == other.metrics


@BOUNDED
@given(seeds, test_engine.configs(), mandates())
def test_shares_are_long_and_within_what_they_may_be(seed, config, mandate):
    shares = run(seed, config, mandate).shares
    assert np.isfinite(shares).all()
    assert shares.min() >= 0.0
    if mandate.volatility_target is not None:
        assert shares.sum(axis=1).max() <= max(1.0, config.max_leverage) * (1.0 + 1e-12)
    elif mandate.allocation != "fixed":
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)


@BOUNDED
@given(seeds, test_engine.configs(), mandates())
def test_a_wish_is_within_the_leverage_of_its_sleeve(seed, config, mandate):
    for result in run(seed, config, mandate).alone:
        assert np.abs(wish(result)).sum(axis=1).max() <= config.max_leverage * (1.0 + 1e-12)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seeds, test_engine.configs(), mandates())
def test_the_compiled_attribution_equals_its_twin_bit_for_bit(seed, config, mandate):
    compiled = run(seed, config, mandate).gains
    kernel, attribution.attribute = attribution.attribute, attribution.attribute.twin
    try:
        twin = run(seed, config, mandate).gains
    finally:
        attribution.attribute = kernel
    assert compiled.tobytes() == twin.tobytes()
