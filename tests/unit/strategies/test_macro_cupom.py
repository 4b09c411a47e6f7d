"""The onshore dollar rate against Treasuries and against forwards offshore: direction, size, reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

import strategies
from engine.panel import Series
from tests.macro import reason_at, steady, world, z_of

TOTAL = 40


def item(name):
    return strategies.get(name)


def flat(**values):
    return {key: np.full(TOTAL, value) for key, value in values.items()}


@pytest.mark.parametrize(
    ("name", "without", "told"),
    [
        ("CUPOM_01", {"UST_1Y"}, "UST_1Y"),
        ("CUPOM_01", {"DI_1Y"}, "DI_1Y"),
        ("CUPOM_01", {"USDBRL"}, "USDBRL"),
        ("CUPOM_01", {"USDBRL_FWD_1Y", "CUPOM_1Y"}, "CUPOM_1Y"),
        ("CUPOM_02", {"CUPOM_6M"}, "CUPOM_6M"),
        ("CUPOM_02", {"NDF_6M"}, "NDF_6M"),
    ],
)
def test_without_an_input_there_is_no_position_and_the_reason_names_it(name, without, told):
    bars = world(item(name), total=100, without=without)
    decision = item(name).bind(window=20).decide(bars)
    assert not decision.weights.any()
    assert reason_at(decision, -1) == f"{told} is missing or stale."


def test_a_forward_that_went_stale_is_not_replaced_by_the_quoted_rate():
    forward = np.full(TOTAL, 5.5)
    forward[20:] = np.nan
    bars = world(item("CUPOM_01"), total=TOTAL, changed={"USDBRL_FWD_1Y": forward})
    assert reason_at(item("CUPOM_01").bind(window=20).decide(bars), -1) == "USDBRL_FWD_1Y is missing or stale."


def test_the_onshore_dollar_rate_is_what_spot_forward_and_real_rate_leave():
    made = flat(DI_1Y=12.0, USDBRL=5.0, USDBRL_FWD_1Y=5.35, UST_1Y=3.5, CUPOM_1Y=9.0)
    raw = item("CUPOM_01").bind(window=20).decide(world(item("CUPOM_01"), total=TOTAL, changed=made)).raw
    # 1.12 * 5.0 / 5.35 = 1.046729; linear over 360 of 365 days: 4.608885 %.
    assert raw[-1] == pytest.approx(4.608885 - 3.5, abs=1e-6)


@pytest.mark.parametrize(("shock", "direction"), [(0.4, -1.0), (-0.4, 1.0), (0.0, 0.0)])
def test_a_wide_basis_is_received_and_a_narrow_one_paid(shock, direction):
    cupom = steady(5.0, TOTAL, shock=shock)
    bars = world(
        item("CUPOM_01"), total=TOTAL, changed={**flat(UST_1Y=4.0), "CUPOM_1Y": cupom}, without=("USDBRL_FWD_1Y",)
    )
    decision = item("CUPOM_01").bind(window=20, max_position=0.7).decide(bars)
    score = z_of(cupom - 4.0, 20)
    assert decision.score[-1] == pytest.approx(score)
    assert decision.raw[-1] == pytest.approx(cupom[-1] - 4.0)
    size = 0.7 * math.tanh(abs(score) / 2.0)
    durations = np.array([1.0 / (1.0 + cupom[-1] / 100.0), 1.0 / 1.04])
    # SHORT the basis is long CUPOM_1Y and short UST_1Y, each in inverse proportion to its duration.
    expected = -direction * size * np.array([1.0, -1.0]) * durations.min() / durations
    assert decision.weights[-1] == pytest.approx(expected)
    assert decision.weights[-1] @ durations == pytest.approx(0.0, abs=1e-12)
    assert reason_at(decision, -1) == ("" if direction else "|z| is below 2.")


@pytest.mark.parametrize(("shock", "direction"), [(0.3, -1.0), (-0.3, 1.0), (0.0, 0.0)])
def test_onshore_dollars_are_received_when_they_pay_unusually_more_than_offshore(shock, direction):
    onshore, offshore = steady(5.0, TOTAL, shock=shock), np.linspace(4.0, 4.02, TOTAL)
    bars = world(item("CUPOM_02"), total=TOTAL, changed={"CUPOM_6M": onshore, "NDF_6M": offshore})
    decision = item("CUPOM_02").bind(window=20).decide(bars)
    score = z_of(onshore - offshore, 20)
    assert decision.score[-1] == pytest.approx(score)
    assert abs(score) < 1.5 or direction
    durations = 0.5 / (1.0 + np.array([onshore[-1], offshore[-1]]) / 100.0)
    expected = -direction * math.tanh(abs(score) / 2.0) * np.array([1.0, -1.0]) * durations.min() / durations
    assert decision.weights[-1] == pytest.approx(expected)
    assert reason_at(decision, -1) == ("" if direction else "|z| is below 1.5.")


@pytest.mark.parametrize(("hour", "used"), [(19, True), (21, False)])
def test_a_rate_that_comes_after_the_close_waits_for_the_next_day(hour, used):
    made = world(item("CUPOM_02"), total=TOTAL, changed={"CUPOM_6M": steady(5.0, TOTAL), "NDF_6M": np.full(TOTAL, 4.0)})
    rate = made.panel.get("CUPOM_6M")
    available = np.append(rate.available[:-1], made.time[-1] + np.timedelta64(hour, "h"))
    value = np.append(rate.value[:-1], 6.0)
    late = Series("CUPOM_6M", "percent", rate.observed, available, value, rate.stale_days)
    bars = world(item("CUPOM_02"), total=TOTAL, changed={"CUPOM_6M": late, "NDF_6M": np.full(TOTAL, 4.0)})
    decision = item("CUPOM_02").bind(window=20).decide(bars)
    assert decision.weights[-1].any() == used
    assert decision.raw[-1] == pytest.approx(2.0 if used else rate.value[-2] - 4.0)


@pytest.mark.parametrize("name", ["CUPOM_01", "CUPOM_02"])
def test_no_leg_is_above_the_largest_weight(name):
    decision = item(name).bind(window=40, threshold=1.0, max_position=0.6).decide(world(item(name), total=300, seed=2))
    assert decision.weights.any()
    assert np.abs(decision.weights).max() <= 0.6
