"""Breakeven inflation against surveys, surprises and benchmarks: direction, size, reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

import strategies
from engine.errors import InvalidParameter
from engine.panel import Series
from tests.macro import monthly, reason_at, steady, world, z_of

TOTAL = 40
LEGS = ("NTNB_2Y", "DI_2Y")
UNSTOPPED = {"stop": 1.0, "take": 1.0}


def item(name):
    return strategies.get(name)


def legs_at(decision, bars, row=-1):
    return [float(decision.weights[row, bars.column(leg)]) for leg in LEGS]


def row_of(bars, day):
    return int(np.searchsorted(bars.sessions, np.datetime64(day)))


def flat(**values):
    return {key: np.full(TOTAL, value) for key, value in values.items()}


@pytest.mark.parametrize(
    ("name", "key"),
    [(name, need.key) for name in ("INF_BR_01", "INF_03") for need in strategies.get(name).series],
)
def test_without_an_input_there_is_no_position_and_the_reason_names_it(name, key):
    decision = item(name).bind().decide(world(item(name), total=200, without=(key,)))
    assert not decision.weights.any()
    assert reason_at(decision, -1) == f"{key} is missing or stale."


# BE = 1.10 / 1.05 - 1 = 4.7619 %.
CURVE = {"DI_2Y": 10.0, "NTNB_2Y": 5.0}


@pytest.mark.parametrize(
    ("survey", "direction", "gap"),
    [(5.5, 1.0, 73.8095), (4.0, -1.0, -76.1905), (5.2, 0.0, 43.8095), (7.5, 1.0, 273.8095)],
)
def test_breakeven_is_bought_when_the_survey_expects_more(survey, direction, gap):
    surveys = {f"FOCUS_IPCA_{part}": survey for part in ("12M", "Y1", "Y2")}
    bars = world(item("INF_BR_01"), total=TOTAL, changed=flat(**CURVE, **surveys))
    decision = item("INF_BR_01").bind(**UNSTOPPED, max_position=0.8).decide(bars)
    assert decision.raw[-1] == pytest.approx(gap, abs=1e-4)
    size = direction * min(1.0, abs(gap) / 150.0) * 0.8
    # Durations are 2 / 1.05 and 2 / 1.10: the nominal leg is the shorter one and the larger weight.
    assert legs_at(decision, bars) == pytest.approx([size * 1.05 / 1.10, -size], abs=1e-6)
    if direction == 0.0:
        assert reason_at(decision, -1) == "Survey and breakeven are within 50 basis points."


@pytest.mark.parametrize(("survey", "held"), [(0.5, False), (-0.5, False), (0.5625, True)])
def test_a_gap_of_just_the_threshold_is_no_position(survey, held):
    surveys = {f"FOCUS_IPCA_{part}": survey for part in ("12M", "Y1", "Y2")}
    bars = world(item("INF_BR_01"), total=TOTAL, changed=flat(DI_2Y=6.0, NTNB_2Y=6.0, **surveys))
    decision = item("INF_BR_01").bind(**UNSTOPPED).decide(bars)
    assert decision.raw[-1] == 100.0 * survey
    assert decision.weights[-1].any() == held


def test_the_survey_of_two_years_weighs_calendar_years_by_what_was_left_on_its_day():
    surveys = {"FOCUS_IPCA_12M": 4.0, "FOCUS_IPCA_Y1": 5.0, "FOCUS_IPCA_Y2": 9.0}
    changed = flat(**CURVE, **surveys)
    changed["FOCUS_IPCA_Y1"][10:] = np.nan
    bars = world(item("INF_BR_01"), total=TOTAL, start="2018-12-14", changed=changed)
    raw = item("INF_BR_01").bind().decide(bars).raw
    for row, asked in ((3, "2018-12-19"), (9, "2018-12-27"), (13, "2018-12-27")):  # on 2 January the last one is old
        left = (np.datetime64("2019-01-01") - np.datetime64(asked)) / np.timedelta64(365, "D")
        survey = (4.0 + left * 5.0 + (1.0 - left) * 9.0) / 2.0
        assert raw[row] == pytest.approx(100.0 * survey - 10_000.0 * (1.10 / 1.05 - 1.0))
    assert bars.sessions[13] == np.datetime64("2019-01-02")


def test_a_full_size_below_the_threshold_is_refused():
    with pytest.raises(InvalidParameter, match=r"full \(40\) must be at least threshold \(50\)"):
        item("INF_BR_01").validate({"full": 40.0})


def surprises(early=0.5, januaries=(0.4,) * 5, *, late=()):
    """Figures 0.1 above and below a survey of 0.3, by turns; the IPCA-15 of January 2019 is `early`, if any."""
    figures = 0.3 + 0.1 * (-1.0) ** np.arange(62)  # January 2014 to February 2019
    figures[:60:12] = januaries
    months = np.datetime64("2014-01", "M") + np.arange(62)
    first = months.astype("datetime64[ns]")
    day = np.timedelta64(1, "D")
    asked, available, said = first, first + 20 * day, np.full(62, 0.3)
    for month, told, value in late:
        asked, available = np.append(asked, np.datetime64(month)), np.append(available, np.datetime64(told))
        said = np.append(said, value)
    survey = Series("FOCUS_IPCA_MONTHLY", "percent", asked, available, said, 40.0)
    early_at = np.datetime64("2019-01-15", "ns")
    known = np.full(1 if early is not None else 0, early, dtype=float)
    sample = Series(
        "IPCA15_MOM",
        "percent",
        np.repeat(early_at, len(known)),
        np.repeat(early_at + 8 * day, len(known)),
        known,
        75.0,
    )
    told = monthly("IPCA_MOM", "percent", figures, "2019-02", wait=10.5)
    return {"IPCA_MOM": told, "FOCUS_IPCA_MONTHLY": survey, "IPCA15_MOM": sample, **flat(**CURVE)}, figures


def released(changed, **params):
    bars = world(item("INF_02"), total=TOTAL, start="2019-01-16", changed=changed)
    return bars, item("INF_02").bind(**{"window": 24, **params}).decide(bars)


@pytest.mark.parametrize(("early", "direction"), [(0.5, 1.0), (0.1, -1.0), (0.35, 0.0)])
def test_breakeven_is_bought_around_a_figure_that_should_surprise_upwards(early, direction):
    changed, figures = surprises(early)
    bars, decision = released(changed)
    before = row_of(bars, "2019-02-08")
    # Surprises known before the figure of January: those up to December.
    score = (early - 0.3) / np.std(figures[36:60] - 0.3, ddof=1)
    assert decision.score[before] == pytest.approx(score)
    assert decision.raw[before] == pytest.approx(early - 0.3)
    size = direction * math.tanh(abs(score) / 2.0)
    assert legs_at(decision, bars, before) == pytest.approx([size * 1.05 / 1.10, -size])
    # The release is on Monday 11 February: from Wednesday 6 to Wednesday 13.
    held = bars.sessions[decision.weights.any(axis=1)]
    inside = (bars.sessions >= np.datetime64("2019-02-06")) & (bars.sessions <= np.datetime64("2019-02-13"))
    assert held.tolist() == (bars.sessions[inside].tolist() if direction else [])
    assert reason_at(decision, row_of(bars, "2019-02-05")) == "No release of IBGE_IPCA is near."
    assert reason_at(decision, before) == ("" if direction else "|z| is below 1.")


def test_without_the_early_figure_the_same_month_of_five_years_stands_in():
    changed, figures = surprises(None, januaries=(0.9, 0.8, 0.7, 0.6, 0.5))
    bars, decision = released(changed)
    row = row_of(bars, "2019-02-08")
    assert decision.raw[row] == pytest.approx(0.7 - 0.3)
    assert decision.score[row] == pytest.approx(0.4 / np.std(figures[36:60] - 0.3, ddof=1))
    _, longer = released(changed, years=6)
    assert not longer.weights.any()
    assert reason_at(longer, row).startswith("IPCA15_MOM of the month, and IPCA_MOM of the same month in 6 years")


def test_an_early_figure_that_comes_after_the_close_waits_for_the_next_day():
    changed, _ = surprises(None)
    observed = np.array(["2019-01-15"], dtype="datetime64[ns]")
    told = np.array(["2019-02-07T21:00"], dtype="datetime64[ns]")
    changed["IPCA15_MOM"] = Series("IPCA15_MOM", "percent", observed, told, np.array([0.1]), 75.0)
    bars, decision = released(changed)
    row = row_of(bars, "2019-02-07")
    assert decision.raw[row] == pytest.approx(0.1)  # Januaries were 0.4
    assert decision.raw[row + 1] == pytest.approx(-0.2)


def test_a_surprise_is_measured_against_the_last_survey_before_the_figure():
    plain, figures = surprises()
    after = [("2018-12-01", "2019-01-11", 0.39)]  # the figure of December came on the 10th
    before = [("2018-12-01", "2019-01-09", 0.39)]
    row = row_of(released(plain)[0], "2019-02-08")
    expected = released(plain)[1].score[row]
    assert released(surprises(late=after)[0])[1].score[row] == expected
    moved = figures[36:60] - 0.3
    moved[-1] -= 0.09
    assert released(surprises(late=before)[0])[1].score[row] == pytest.approx(0.2 / np.std(moved, ddof=1))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("IBGE_IPCA", "The calendar IBGE_IPCA is missing or stale."),
        ("NTNB_2Y", "NTNB_2Y is missing or stale."),
        ("DI_2Y", "DI_2Y is missing or stale."),
        ("FOCUS_IPCA_MONTHLY", "FOCUS_IPCA_MONTHLY of the month is missing or stale."),
        ("IPCA_MOM", "The spread of past surprises (IPCA_MOM less FOCUS_IPCA_MONTHLY) is missing or stale."),
    ],
)
def test_without_what_a_surprise_is_made_of_there_is_no_position(key, told):
    changed = surprises()[0]
    changed.pop(key, None)
    bars = world(item("INF_02"), total=TOTAL, start="2019-01-16", changed=changed, without=(key,))
    decision = item("INF_02").bind(window=24).decide(bars)
    assert not decision.weights.any()
    assert reason_at(decision, row_of(bars, "2019-02-08")) == told


BENCHMARKS = {"INFLATION_TARGET": 3.0, "IPCA_12M": 4.5, "FOCUS_IPCA_12M": 4.0}


@pytest.mark.parametrize(("shock", "direction"), [(0.5, -1.0), (-0.5, 1.0), (0.0, 0.0)])
def test_breakeven_is_sold_when_it_pays_unusually_much_over_its_benchmarks(shock, direction):
    nominal, inflation = steady(10.0, TOTAL, shock=shock), steady(4.5, TOTAL, wiggle=0.01)
    changed = {**flat(NTNB_2Y=5.0, INFLATION_TARGET=3.0, FOCUS_IPCA_12M=4.0), "DI_2Y": nominal, "IPCA_12M": inflation}
    bars = world(item("INF_03"), total=TOTAL, changed=changed)
    decision = item("INF_03").bind(window=20).decide(bars)
    breakeven = 100.0 * ((1.0 + nominal / 100.0) / 1.05 - 1.0)
    score = (2.0 * z_of(breakeven, 20) + z_of(breakeven - inflation, 20)) / 3.0
    assert decision.score[-1] == pytest.approx(score)
    assert decision.raw[-1] == pytest.approx(breakeven[-1])
    size = direction * math.tanh(abs(score) / 2.0)
    assert legs_at(decision, bars) == pytest.approx([size * 1.05 / (1.0 + nominal[-1] / 100.0), -size])
    assert reason_at(decision, -1) == ("" if direction else "|z| is below 1.")


def test_a_benchmark_that_moves_with_the_breakeven_leaves_its_carry_as_it_was():
    """The distance of each day is from the benchmark of that day, not from today's."""
    step = np.where(np.arange(TOTAL) >= TOTAL - 1, 1.0, 0.0)
    wiggle = steady(0.0, TOTAL)
    nominal = 100.0 * (1.05 * (1.0 + (4.0 + wiggle + step) / 100.0) - 1.0)
    moved = {key: level + step for key, level in BENCHMARKS.items()}
    bars = world(item("INF_03"), total=TOTAL, changed={**flat(NTNB_2Y=5.0), **moved, "DI_2Y": nominal})
    decision = item("INF_03").bind(window=20).decide(bars)
    assert decision.score[-1] == pytest.approx(z_of(wiggle, 20))
    assert not decision.weights[-1].any()


def test_the_pair_has_no_rate_risk_and_no_leg_above_the_largest_weight():
    for name in ("INF_BR_01", "INF_02", "INF_03"):
        bars = world(item(name), total=300, seed=3)
        params = {"INF_BR_01": {}, "INF_02": {"window": 8}, "INF_03": {"window": 40}}[name]
        decision = item(name).bind(**params, max_position=0.6).decide(bars)
        held = decision.weights.any(axis=1)
        assert held.any()
        assert np.abs(decision.weights).max() <= 0.6
        opened = np.flatnonzero(held & ~np.append(False, held[:-1]))
        durations = np.column_stack([2.0 / (1.0 + bars.known(leg) / 100.0) for leg in bars.symbols])
        assert (decision.weights[opened] * durations[opened]).sum(axis=1) == pytest.approx(0.0, abs=1e-12)
