"""How macro positions end: after how long, at which loss and gain, and all legs of an idea at once."""

from __future__ import annotations

import numpy as np
import pytest

import strategies
from app.catalog import Catalog
from engine import Config, backtest, views
from tests.macro import reason_at, small, world
from tests.shelf import MACRO

# Bars of holding, stop and target.
ENDS = {
    "FX_BR_01": (21, 0.05, 0.10),
    "FX_02": (21, 2.5, 1.5),  # deviations, and times that
    "FX_03": (14, 0.03, 0.05),
    "FX_04": (14, 2.0, 1.5),
    "FX_05": (28, 0.04, 0.06),
    "RATES_BR_01": (21, 0.03, 0.08),
    "RATES_BR_02": (63, 0.04, 0.10),
    "RATES_BR_03": (63, 0.03, 0.06),
    "RATES_BR_04": (21, 0.04, 0.08),
    "RATES_03": (21, 0.02, 0.03),
    "RATES_04": (28, 0.015, 0.025),
    "RATES_05": (7, 0.015, 0.02),
    "RATES_06": (7, 0.015, 0.02),
    "INF_BR_01": (63, 0.03, 0.06),
    "INF_02": (14, 0.015, 0.025),
    "INF_03": (21, 0.015, 0.02),
    "CUPOM_01": (63, 0.03, 0.06),
    "CUPOM_02": (21, 0.02, 0.03),
    "SOV_BR_01": (63, 0.05, 0.12),
    "SOV_01": (21, 0.15, 0.10),
    "SOV_02": (28, 0.20, 0.15),
    "SOV_03": (28, 0.20, 0.15),
    "CROSS_01": (21, 0.03, 0.05),
    "CROSS_02": (14, 0.03, 0.04),
}
# RATES_BR_01 may trade seven legs and holds one at a time.
TOGETHER = [item for item in MACRO if len(item.symbols) > 1 and item.id != "RATES_BR_01"]
LOOSE = {"threshold": 0.3, "risk_threshold": 0.1, "spread_threshold": 0.1, "hedge": True, "move": 0.0}
OWN = {"SOV_03": {"threshold": 0.55}, "INF_BR_01": {"threshold": 1.0}}


@pytest.mark.parametrize("item", MACRO, ids=lambda item: item.id)
def test_holding_stop_and_target_are_those_of_the_idea(item):
    said, own = item.defaults, item.validate()
    found = (
        said.get("max_holding_bars", own.get("hold")),
        said.get("stop_loss", own.get("stop")),
        said.get("take_profit", own.get("take")),
    )
    assert found == ENDS[item.id]
    assert ("stop" in own) != ("stop_loss" in said)
    assert ("hold" in own) != ("max_holding_bars" in said)


def decided(item, bars):
    loose = {name: value for name, value in LOOSE.items() if name in item.validate()}
    return item.bind(**small(item, **{**loose, **OWN.get(item.id, {})})).decide(bars)


def entry(weights):
    """A row on which a position begins that stands for five bars."""
    held = (weights != 0.0).any(axis=1)
    return next(
        row
        for row in range(1, len(held) - 5)
        if held[row] and not held[row - 1] and np.ptp(weights[row : row + 5], 0).max() == 0
    )


@pytest.mark.parametrize("gained", [True, False])
@pytest.mark.parametrize("item", TOGETHER, ids=lambda item: item.id)
def test_all_legs_end_together_when_the_whole_has_lost_or_gained_enough(item, gained):
    still = {leg: np.full(300, 100.0) for leg in item.symbols}
    if item.id == "CROSS_02":  # it asks how bonds move with stocks
        still["DI_2Y"] = 100.0 + 1e-6 * np.random.default_rng(1).normal(size=300)
    held = decided(item, world(item, seed=5, closes=still)).weights
    row = entry(held)
    largest = int(np.argmax(np.abs(held[row])))
    level = ENDS[item.id][2 if gained else 1] * np.sign(held[row, largest]) * (1.0 if gained else -1.0)
    for share, stays in ((0.99, True), (1.01, False)):
        closes = {leg: prices.copy() for leg, prices in still.items()}
        closes[item.symbols[largest]][row + 2 :] *= 1.0 + share * level
        decision = decided(item, world(item, seed=5, closes=closes))
        after = held[row : row + 5] if stays else np.vstack([held[row : row + 2], np.zeros((3, held.shape[1]))])
        np.testing.assert_array_equal(decision.weights[row : row + 5], after)
        assert (reason_at(decision, row + 3) == views.ENDED) != stays


def test_a_leg_that_loses_what_the_other_one_gains_ends_nothing():
    closes = np.full((6, 2), 100.0)
    closes[2:, 0], closes[2:, 1] = 110.0, 120.0
    shares = np.tile([1.0, -0.5], (6, 1))
    way, ended = views.stopped(np.ones(6), closes, shares, 0.03, 0.06)
    assert way.tolist() == [1.0] * 6
    assert not ended.any()


def test_a_move_is_measured_from_the_entry_by_the_shares_of_the_entry_and_after_the_end_all_is_flat():
    closes = np.column_stack([np.full(8, 100.0), [50.0, 100.0, 100.0, 103.0, 100.0, 100.0, 100.0, 100.0]])
    shares = np.column_stack([np.full(8, 0.4), [0.1, -0.2, -9.0, -9.0, -9.0, -0.2, -0.2, -0.2]])
    # Short the second leg by half of the first one: its rise by 3 % costs 1.5 % of that.
    ways = np.array([0.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 0.0])
    for loss, way in ((0.0149, [0.0, 1.0, 1.0, 0.0, 0.0, -1.0, -1.0, 0.0]), (0.0151, ways.tolist())):
        found, ended = views.stopped(ways, closes, shares, loss, 0.5)
        assert found.tolist() == way
        assert ended.tolist() == [a != b for a, b in zip(way, ways.tolist(), strict=True)]


def test_a_bar_on_which_a_leg_did_not_trade_ends_nothing():
    closes = np.array([[np.nan, 100.0], [100.0, 50.0], [np.nan, 50.0], [100.0, 100.0], [100.0, 50.0]])
    way, _ = views.stopped(np.ones(5), closes, np.ones((5, 2)), 0.1, 0.9)
    # Entered at 100 each, as far as known: the first and the third bar lack a leg.
    assert way.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    quiet = closes.copy()
    quiet[1, 1] = quiet[4, 1] = 100.0
    assert views.stopped(np.ones(5), quiet, np.ones((5, 2)), 0.1, 0.9)[0].tolist() == [1.0] * 5


def test_no_leg_of_a_flattener_is_left_without_its_partner():
    item = strategies.get("RATES_BR_03")
    bars = Catalog.standard().bars(item.dataset, item.symbols)
    result = backtest(bars, item.bind(), Config(**item.defaults))
    legs = [result.trades[result.trades["symbol"] == number] for number in (0, 1)]
    assert len(legs[0]) > 20
    for name in ("entry_bar", "exit_bar"):
        assert legs[0][name].tolist() == legs[1][name].tolist()


def test_what_a_stop_has_ended_is_not_taken_up_again_by_another_size_of_the_same_direction():
    item, still = strategies.get("FX_03"), {"USDBRL": np.full(300, 5.0)}

    def weights(closes):
        return item.bind(**small(item, threshold=0.3)).decide(world(item, seed=3, closes=closes)).weights[:, 0]

    held = weights(still)
    side = np.sign(held)
    row = next(
        row
        for row in range(1, 280)
        if side[row] and side[row - 1] != side[row] and (side[row : row + 8] == side[row]).all()
    )
    assert len(set(held[row : row + 8].tolist())) > 1
    fallen = still["USDBRL"].copy()
    fallen[row + 2 :] *= 1.0 - 0.031 * side[row]
    found = weights({"USDBRL": fallen})
    end = row + int(np.argmax(side[row:] != side[row]))
    assert found[row : row + 2].tolist() == held[row : row + 2].tolist()
    assert not found[row + 2 : end].any()
    assert found[end] == held[end]


def test_a_position_whose_size_follows_its_score_is_held_no_longer_than_it_may():
    item = strategies.get("FX_03")
    bars = world(item, seed=3, closes={"USDBRL": np.full(300, 5.0)})
    held, short = (item.bind(**small(item, threshold=0.3, hold=hold)).decide(bars).weights[:, 0] for hold in (252, 6))
    began = np.flatnonzero(np.sign(held) != np.append(0.0, np.sign(held[:-1])))
    age = np.arange(300) - began[np.maximum(np.searchsorted(began, np.arange(300), side="right") - 1, 0)]
    assert (held[age >= 6] != 0.0).any()
    np.testing.assert_array_equal(short, np.where(age >= 6, 0.0, held))
