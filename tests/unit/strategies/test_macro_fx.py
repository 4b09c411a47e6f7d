"""What the FX strategies decide, in worlds made for the question, against figures worked out the slow way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import strategies
from engine import views
from engine.errors import InvalidParameter
from engine.panel import Panel
from tests.macro import entries, last_z, reason_at, sides, small, weekdays, world

ROWS = (130, 200, 259)


def decided(name, bars, **params):
    item = strategies.get(name)
    return item.bind(**small(item, **params)).decide(bars)


def scene(name, **more):
    return world(strategies.get(name), total=260, **more)


def returns_of(price):
    return np.diff(np.log(price))


def slow_02(known, t, change=10, carry_window=42, momentum_window=84):
    log = np.log(known["USDBRL"])
    spread = known["SELIC_TARGET"] - known["FED_FUNDS"]
    carry, moved = [], []
    for u in range(change, t + 1):
        deviation = np.std(np.diff(log[u - change : u + 1]), ddof=1)
        carry.append(spread[u] / (100 * deviation * math.sqrt(252)))
        moved.append(log[u] - log[u - change])
    return 0.5 * last_z(carry, carry_window) - 0.5 * last_z(moved, momentum_window)


def slow_04(known, t, short=5, long=10, window=42, tail_window=84):
    """With implied volatility."""
    moves = returns_of(known["USDBRL"])
    premium, rise, skews, kurts = [], [], [], []
    for u in range(long, t + 1):
        now, usual = (100 * np.std(moves[u - n : u], ddof=1) * math.sqrt(252) for n in (short, long))
        premium.append(known["BRL_IMPLIED_VOL"][u] - now)
        rise.append(now / usual)
        part = moves[u - long : u] - moves[u - long : u].mean()
        m2, m3, m4 = (np.mean(part**k) for k in (2, 3, 4))
        n = long
        skews.append(math.sqrt(n * (n - 1)) / (n - 2) * m3 / m2**1.5)
        kurts.append((n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * m4 / m2**2 - 3 * (n - 1)))
    tails = 0.20 * last_z(skews, tail_window) + 0.15 * last_z(kurts, tail_window)
    return 0.40 * last_z(premium, window) + 0.25 * last_z(rise, window) + tails


def slow_05(known, t, change=10, window=84):
    shares = {"SOY": 0.30, "IRON": 0.25, "BRENT": 0.20, "SUGAR": 0.15, "COFFEE": 0.10}
    basket, dollar = [], []
    for u in range(change, t + 1):
        basket.append(sum(share * math.log(known[k][u] / known[k][u - change]) for k, share in shares.items()))
        dollar.append(math.log(known["USDBRL"][u] / known["USDBRL"][u - change]))
    return last_z(basket, window) + last_z(dollar, window)


def slow_br_01(known, t, window=42, volatility=5, flow=5):
    log, spread = np.log(known["USDBRL"]), known["SELIC_TARGET"] - known["FED_FUNDS"]
    carry = [
        spread[u] / (100 * np.std(np.diff(log[u - volatility : u + 1]), ddof=1) * math.sqrt(252))
        for u in range(volatility, t + 1)
    ]
    value = [log[u] - log[u - window + 1 : u + 1].mean() for u in range(window - 1, t + 1)]
    flows = [known["FXFLOW_TOTAL"][u - flow + 1 : u + 1].sum() for u in range(flow - 1, t + 1)]
    parts = (0.40, carry), (0.35, value), (0.25, flows)
    return sum(weight * math.tanh(last_z(values, window) / 2) for weight, values in parts)


@pytest.mark.parametrize(
    ("name", "slow", "params"),
    [
        ("FX_BR_01", slow_br_01, {"volatility": 5, "flow": 5}),
        ("FX_02", slow_02, {"volatility": 5}),
        ("FX_04", slow_04, {"short": 5}),
        ("FX_05", slow_05, {}),
    ],
)
def test_the_score_is_that_of_the_rule_worked_out_bar_by_bar(name, slow, params):
    bars = scene(name, seed=5)
    known = {need.key: bars.known(need.key) for need in strategies.get(name).series}
    score = decided(name, bars, **params).score
    np.testing.assert_allclose(score[list(ROWS)], [slow(known, t) for t in ROWS], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "threshold", "side", "never_stopped"),
    [
        ("FX_BR_01", 0.1, -1, {}),
        ("FX_02", 0.75, -1, {"stop": 10.0, "take": 10.0, "horizon": 252}),
        ("FX_04", 1.0, 1, {"stop": 10.0, "take": 10.0, "horizon": 252}),
        ("FX_05", 1.0, -1, {}),
    ],
)
def test_beyond_the_threshold_the_dollar_is_held_on_the_stated_side_and_inside_it_not(
    name, threshold, side, never_stopped
):
    seen = set()
    for seed in range(12):
        decision = decided(name, scene(name, seed=seed), **never_stopped)
        expected = side * sides(decision.score, threshold)
        np.testing.assert_array_equal(np.sign(decision.weights[:, 0]), expected)
        seen |= set(expected.tolist())
    assert seen == {-1.0, 0.0, 1.0}


@pytest.mark.parametrize(("name", "params"), [("FX_04", {"threshold": 0.5}), ("FX_05", {})])
def test_the_size_is_that_of_the_score_at_the_entry_and_stays(name, params):
    decision = decided(name, scene(name, seed=5), max_position=0.5, **params)
    weights = decision.weights[:, 0]
    begun = np.flatnonzero(entries(weights))
    assert len(begun) > 2
    for row in begun:
        size = 0.5 * math.tanh(abs(decision.score[row]) / 2)
        assert abs(weights[row]) == pytest.approx(size, rel=1e-12)
        if weights[row + 1] != 0.0 and not entries(weights)[row + 1]:
            assert weights[row + 1] == weights[row]


def test_carry_and_momentum_is_smaller_when_the_dollar_swings_more_than_its_target():
    bars = scene("FX_02", seed=2)
    decision = decided("FX_02", bars, volatility=5, target_volatility=0.13, threshold=0.3)
    score, weights = decision.score, decision.weights[:, 0]
    moves = returns_of(bars.known("USDBRL"))
    begun = np.flatnonzero(entries(weights))
    yearly = [math.sqrt(252) * np.std(moves[row - 5 : row], ddof=1) for row in begun]
    expected = [math.tanh(abs(score[row]) / 2) * min(1.0, 0.13 / each) for row, each in zip(begun, yearly, strict=True)]
    np.testing.assert_allclose(np.abs(weights[begun]), expected, rtol=1e-9)
    assert min(yearly) < 0.13 < max(yearly)


@pytest.mark.parametrize(("name", "stop", "horizon"), [("FX_02", 2.5, 21), ("FX_04", 2.0, 14)])
@pytest.mark.parametrize("against", [True, False])
def test_a_position_ends_at_the_close_that_is_so_many_deviations_away_and_stays_flat(name, stop, horizon, against):
    """The leg stands still after the entry but for one jump, a little short of the level or a little beyond it."""
    quiet = scene(name, seed=3, closes={"USDBRL": np.full(260, 5.0)})
    held = decided(name, quiet, threshold=0.5).weights[:, 0]
    row = next(
        row for row in np.flatnonzero(entries(held)) if (np.sign(held[row : row + 5]) == np.sign(held[row])).all()
    )
    short = strategies.get(name).validate(small(strategies.get(name)))
    count = short["volatility"] if name == "FX_02" else short["short"]
    deviation = np.std(returns_of(quiet.known("USDBRL")[row - count : row + 1]), ddof=1)
    level = stop * deviation * math.sqrt(short["horizon"]) * (1.0 if against else 1.5)
    way = -np.sign(held[row]) if against else np.sign(held[row])
    for share, stays in ((0.99, True), (1.01, False)):
        close = np.full(260, 5.0)
        close[row + 2] *= 1.0 + way * share * level
        decision = decided(name, scene(name, seed=3, closes={"USDBRL": close}), threshold=0.5)
        found = decision.weights[row : row + 5, 0]
        assert found.tolist() == (held[row : row + 5].tolist() if stays else [held[row]] * 2 + [0.0] * 3)
        if not stays:
            assert reason_at(decision, row + 3) == views.ENDED
    assert strategies.get(name).validate()["horizon"] == horizon


def test_carry_is_halved_when_risk_is_shunned_and_a_note_says_when_nobody_knows():
    calm = 40.0 - 0.1 * np.arange(260)
    feared = calm + np.where(np.arange(260) >= 200, 30.0, 0.0)
    quiet = decided("FX_BR_01", scene("FX_BR_01", changed={"VIX": calm}, without=("CDS_5Y",)))
    afraid = decided("FX_BR_01", scene("FX_BR_01", changed={"VIX": feared}, without=("CDS_5Y",)))
    neither = decided("FX_BR_01", scene("FX_BR_01", without=("VIX", "CDS_5Y")))
    usual = np.tanh(np.abs(quiet.score[100:]) / 2)
    np.testing.assert_array_equal(quiet.score, afraid.score)
    np.testing.assert_allclose(quiet.conviction[100:], usual, rtol=1e-12)
    np.testing.assert_allclose(afraid.conviction[200:205], 0.5 * usual[100:105], rtol=1e-12)
    np.testing.assert_allclose(afraid.conviction[100:200], usual[:100], rtol=1e-12)
    note = "Without VIX and CDS_5Y the size is not halved when risk is shunned."
    assert neither.reasons[note].all()
    assert not quiet.reasons[note][50:].any()
    np.testing.assert_array_equal(neither.conviction, quiet.conviction)


def test_without_implied_volatility_a_proxy_stands_for_it_and_is_flagged():
    bars = scene("FX_04", seed=5, without=("BRL_IMPLIED_VOL",))
    decision = decided("FX_04", bars, short=5)
    assert decision.reasons["Implied volatility is a proxy."].all()
    moves = returns_of(bars.known("USDBRL"))
    now, year = (100 * math.sqrt(252) * np.std(moves[-n:], ddof=1) for n in (5, 42))
    assert decision.raw[-1] == pytest.approx(math.sqrt((now**2 + year**2) / 2) - now)
    given = scene("FX_04", seed=5)
    assert not decided("FX_04", given).reasons["Implied volatility is a proxy."][60:].any()
    told = [replace(one, quality="proxy") for one in given.panel.series.values()]
    flagged = given.with_panel(Panel.of(told, delay=given.panel.delay))
    assert decided("FX_04", flagged).reasons["Implied volatility is a proxy."].all()


def test_flow_is_decided_at_the_end_of_the_week_and_kept_until_the_next():
    decision = decided("FX_03", scene("FX_03", seed=4))
    fridays = (weekdays(260).astype("datetime64[D]").astype(int) + 3) % 7 == 4
    changed = np.flatnonzero(np.diff(decision.weights[:, 0]) != 0.0) + 1
    assert len(changed) > 5
    assert fridays[changed].all()


def test_the_score_of_flow_is_of_weeks_and_knows_positions_from_friday_on():
    bars = scene("FX_03", seed=4)
    decision = decided("FX_03", bars, flow=20)
    days = weekdays(260)
    friday = int(np.flatnonzero((days.astype("datetime64[D]").astype(int) + 3) % 7 == 4)[-1])
    known = {key: bars.known(key) for key in ("FXFLOW_TOTAL", "FXFLOW_FIN")}
    weekly = {
        key: [values[t - 19 : t + 1].sum() for t in range(friday % 5, friday + 1, 5) if t >= 19]
        for key, values in known.items()
    }
    cftc = bars.panel.series["CFTC_BRL_NET"]
    seen = cftc.value[cftc.available <= bars.decided[friday]]
    assert cftc.observed[len(seen) - 1] == days[friday] - np.timedelta64(3, "D")
    expected = (
        0.40 * last_z(weekly["FXFLOW_TOTAL"], 17) + 0.35 * last_z(seen, 17) + 0.25 * last_z(weekly["FXFLOW_FIN"], 17)
    )
    assert decision.score[friday] == pytest.approx(expected)
    assert decision.score[friday - 1] != decision.score[friday]


def test_flow_fades_to_the_contrary_side_without_a_cliff():
    """The position as a function of X, over many worlds: -X's side up to 2, none at 2.5, the contrary one from 3 on."""
    seen = set()
    for seed in range(30):
        decision = decided(
            "FX_03", scene("FX_03", seed=seed), threshold=0.2, fade_from=1.0, fade_to=1.5, stop=1.0, take=1.0, hold=252
        )
        for score, weight in zip(decision.score, decision.weights[:, 0], strict=True):
            if math.isnan(score) or abs(score) < 0.2:
                assert weight == 0.0
                continue
            fade = 1.0 if abs(score) <= 1.0 else max(-1.0, 1.0 - 2.0 * (abs(score) - 1.0) / 0.5)
            assert weight == pytest.approx(-np.sign(score) * fade * math.tanh(abs(score) / 2), abs=1e-12)
            seen.add((score > 0, fade == 1.0, fade == -1.0))
    assert {(side, *full) for side in (True, False) for full in ((True, False), (False, True), (False, False))} == seen


@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("FX_BR_01", {"carry_weight": 0.0, "value_weight": 0.0, "flow_weight": 0.0}, "must be above 0"),
        ("FX_03", {"fade_from": 3.0}, r"fade_from \(3\) < fade_to \(3\)"),
        ("FX_03", {"threshold": 2.5}, r"threshold \(2.5\) < fade_from \(2\)"),
        ("FX_04", {"short": 63}, r"short \(63\) must be below long \(63\)"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(name, params, told):
    with pytest.raises(InvalidParameter, match=told) as refused:
        strategies.get(name).validate(params)
    assert refused.value.pointer == "/params"


def test_the_family_is_complete_and_trades_the_dollar_alone():
    family = [item for item in strategies.all() if item.family == "FX"]
    assert [item.id for item in family] == ["FX_02", "FX_03", "FX_04", "FX_05", "FX_BR_01"]
    assert {item.symbols for item in family} == {("USDBRL",)}
