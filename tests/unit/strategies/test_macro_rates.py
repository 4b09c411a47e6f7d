"""What the rates strategies decide, in worlds made for the question, against figures worked out the slow way."""

from __future__ import annotations

import math

import numpy as np
import pytest

import strategies
from engine import views
from engine.errors import InvalidParameter
from engine.panel import Calendar, Panel, Series
from tests.macro import daily, entries, last_z, reason_at, sides, small, weekdays, world

ROWS = (130, 200, 259)
TOTAL = 260


def decided(name, bars, **params):
    item = strategies.get(name)
    return item.bind(**small(item, **params)).decide(bars)


def scene(name, **more):
    return world(strategies.get(name), total=TOTAL, **more)


def constant(key, value, unit="percent"):
    days = weekdays(TOTAL)
    return daily(key, unit, days, np.full(TOTAL, value))


def meetings(bars, key, dates, *, announced="2017-01-01"):
    """The same bars with these meetings only."""
    dates = np.array(dates, dtype="datetime64[ns]")
    known = np.full(len(dates), np.datetime64(announced, "ns")) if isinstance(announced, str) else announced
    calendars = [Calendar(key, dates, known)]
    return bars.with_panel(Panel.of(bars.panel.series.values(), calendars, delay=bars.panel.delay))


def taylor(k):
    slack = np.clip(0.3 * (k["FED_FUNDS"] - 2.5 - k["US_CPI_YOY"]), -2.0, 2.0)
    return k["UST_2Y"] - (2.5 + k["US_CPI_YOY"] + 0.5 * (k["US_CPI_YOY"] - 2.0) + 0.5 * slack)


def copom(k):
    above = k["IPCA_12M"] > k["INFLATION_TARGET"] + k["INFLATION_BAND"]
    below = k["IPCA_12M"] < k["INFLATION_TARGET"] - k["INFLATION_BAND"]
    return k["DI_1M"] - k["SELIC_TARGET"] - (0.25 * above - 0.25 * below)


def real_spread(k):
    return (k["DI_2Y"] - k["IPCA_12M"]) - (k["UST_2Y"] - k["US_CPI_YOY"]) - k["CDS_5Y"] / 100.0


def premium(k):
    year = np.datetime64("2018-01-01")
    left = np.array([1.0 - (day.astype("datetime64[D]") - year).astype(int) / 365.0 for day in weekdays(TOTAL)])
    path = left * k["FOCUS_SELIC_Y0"] + k["FOCUS_SELIC_Y1"] + (1.0 - left) * k["FOCUS_SELIC_Y2"]
    return k["DI_2Y"] - path / 2.0


FIGURES = {
    "RATES_BR_03": (lambda k: k["DI_5Y"] - k["DI_2Y"], 42),
    "RATES_BR_04": (lambda k: k["DI_1Y"] - k["UST_1Y"], 42),
    "RATES_03": (real_spread, 84),
    "RATES_04": (premium, 84),
    "RATES_05": (taylor, 84),
    "RATES_06": (copom, 42),
}


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_the_score_is_that_of_the_rule_worked_out_by_hand(name):
    figure, window = FIGURES[name]
    bars = scene(name, seed=6)
    raw = figure({need.key: bars.known(need.key) for need in strategies.get(name).series})
    decision = decided(name, bars)
    np.testing.assert_allclose(decision.raw[5:], raw[5:], rtol=1e-12)
    expected = [last_z(raw[: row + 1], window) for row in ROWS]
    np.testing.assert_allclose(decision.score[list(ROWS)], expected, rtol=1e-8)


def test_the_last_survey_of_a_year_counts_years_from_its_own():
    """On 2 January the survey of 31 December still means the old year by Y0: nothing jumps."""
    bars = world(strategies.get("RATES_04"), total=TOTAL, start="2018-12-27")
    days, flat = bars.time, np.full(TOTAL, 1.0)
    levels = {"DI_2Y": 10.0, "FOCUS_SELIC_Y0": 6.0, "FOCUS_SELIC_Y1": 8.0, "FOCUS_SELIC_Y2": 9.0}
    series = []
    for key, level in levels.items():
        kept = np.flatnonzero((key == "DI_2Y") | (np.arange(TOTAL) != 4))  # 2019-01-02 has no survey
        series.append(daily(key, "percent", days[kept], level * flat[kept]))
    raw = decided("RATES_04", bars.with_panel(Panel.of(series, delay=bars.panel.delay))).raw
    assert [str(day)[:10] for day in days[2:6]] == ["2018-12-31", "2019-01-01", "2019-01-02", "2019-01-03"]
    assert raw[2] == pytest.approx(10.0 - (6.0 / 365 + 8.0 + 9.0 * 364 / 365) / 2)
    assert raw[3] == pytest.approx(10.0 - (6.0 + 8.0) / 2)
    assert raw[4] == raw[3]
    assert raw[5] == pytest.approx(10.0 - (6.0 * 363 / 365 + 8.0 + 9.0 * 2 / 365) / 2)


@pytest.mark.parametrize(
    ("name", "threshold", "leg"),
    [("RATES_BR_03", 1.5, "DI_5Y"), ("RATES_03", 1.25, "DI_2Y"), ("RATES_04", 1.5, "DI_2Y")],
)
def test_beyond_the_threshold_what_pays_much_is_received_and_inside_it_nothing_is_held(name, threshold, leg):
    seen = set()
    for seed in range(8):
        bars = scene(name, seed=seed)
        decision = decided(name, bars, **({} if name == "RATES_04" else {"stop": 1.0, "take": 1.0}))
        expected = sides(decision.score, threshold)
        np.testing.assert_array_equal(np.sign(decision.weights[:, bars.column(leg)]), expected)
        seen |= set(expected.tolist())
    assert seen == {-1.0, 0.0, 1.0}


def test_a_single_leg_has_the_size_of_its_score_at_the_entry():
    decision = decided("RATES_04", scene("RATES_04", seed=1), max_position=0.4)
    begun = entries(decision.weights[:, 0])
    assert begun.sum() > 2
    np.testing.assert_allclose(
        np.abs(decision.weights[begun, 0]), 0.4 * np.tanh(np.abs(decision.score[begun]) / 2.0), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("name", "params", "long", "short"),
    [
        ("RATES_BR_03", {}, ("DI_5Y", 5.0), ("DI_2Y", 2.0)),
        ("RATES_03", {"agreement": 0.0}, ("DI_2Y", 2.0), ("UST_2Y", 2.0)),
        ("RATES_BR_04", {"hedge": True, "move": 0.0}, ("DI_1Y", 1.0), ("UST_1Y", 1.0)),
    ],
)
def test_a_pair_has_opposite_dv01_at_the_entry_and_its_larger_leg_the_stated_size(name, params, long, short):
    bars = scene(name, seed=1)
    decision = decided(name, bars, max_position=0.8, **params)
    weights = {leg: decision.weights[:, bars.column(leg)] for leg, _ in (long, short)}
    begun = np.flatnonzero(entries(weights[long[0]]))
    assert len(begun) > 1
    for row in begun:
        exposure = [weights[leg][row] * years / (1.0 + bars.known(leg)[row] / 100.0) for leg, years in (long, short)]
        assert exposure[0] == pytest.approx(-exposure[1], rel=1e-12)
        larger = max(abs(weights[leg][row]) for leg in weights)
        assert larger == pytest.approx(0.8 * math.tanh(abs(decision.score[row]) / 2.0), rel=1e-12)


def test_agreement_of_five_years_adds_a_tenth_to_the_size():
    bars = scene("RATES_03", seed=1)
    with_it, without = (decided("RATES_03", bars, agreement=more) for more in (0.1, 0.0))
    k = {need.key: bars.known(need.key) for need in strategies.get("RATES_03").series}
    longer = real_spread({**k, "DI_2Y": k["DI_5Y"], "UST_2Y": k["UST_5Y"]})
    fives = np.array([last_z(longer[: row + 1], 84) if row > 60 else np.nan for row in range(TOTAL)])
    agree = (sides(fives, 1.25) == sides(with_it.score, 1.25)) & (sides(fives, 1.25) != 0.0)
    beyond = sides(with_it.score, 1.25) != 0.0
    beyond[:61] = False
    assert agree.any()
    assert (beyond & ~agree).any()
    gained = np.minimum(1.0, without.conviction + 0.1 * agree)
    np.testing.assert_allclose(with_it.conviction[beyond], gained[beyond], rtol=1e-12)


def curve(**yields):
    """A curve that is flat at 10 % but for what is said, every yield swinging by 1 bp a day, over a CDI of 10."""
    swing = 0.005 * (-1.0) ** np.arange(TOTAL)
    tenors = ("DI_1M", "DI_3M", "DI_6M", "DI_1Y", "DI_2Y", "DI_3Y", "DI_5Y", "DI_10Y")
    return {key: yields.get(key, 10.0) + swing for key in tenors} | {"CDI": np.full(TOTAL, 10.0)}


def test_the_tenor_that_pays_most_for_its_risk_is_received_and_one_that_costs_most_is_paid():
    for three, way in ((10.5, 1.0), (9.5, -1.0)):
        given = curve(DI_3M=three)
        bars = scene("RATES_BR_01", changed=given)
        decision = decided("RATES_BR_01", bars, horizon=21, volatility=10, max_position=0.7)
        column = bars.column("DI_3M")
        y, before = given["DI_3M"][-1], given["DI_1M"][-1]
        duration = 0.25 / (1.0 + y / 100.0)
        rolled = y - (y - before) * (21 / 252) / (0.25 - 1 / 12)
        earned = (y - 10.0) * 21 / 252 + duration * (y - rolled)
        ratio = earned / (duration * np.std(np.diff(given["DI_3M"][-11:]), ddof=1) * math.sqrt(21))
        assert decision.score[-1] == pytest.approx(ratio)
        assert decision.raw[-1] == pytest.approx(earned)
        assert np.flatnonzero(decision.weights[-1]).tolist() == [column]
        first = int(np.flatnonzero(decision.weights[:, column])[0])
        assert decision.weights[-1, column] == pytest.approx(way * 0.7 * math.tanh(abs(decision.score[first]) / 2))


def test_on_a_flat_curve_at_the_cdi_no_tenor_is_worth_it():
    decision = decided("RATES_BR_01", scene("RATES_BR_01", changed=curve()))
    assert not decision.weights.any()
    assert reason_at(decision, 200) == "No |ratio| is above 1.5."


def test_a_tenor_is_kept_while_its_own_ratio_stands_though_another_one_is_better():
    given = curve(DI_3M=10.5)
    six = given["DI_6M"].copy()
    six[150:] = 12.0 + 0.0005 * (-1.0) ** np.arange(TOTAL - 150)
    better = {**given, "DI_6M": six}
    over = {**better, "DI_3M": np.where(np.arange(TOTAL) < 220, given["DI_3M"], given["DI_1M"])}
    bars = scene("RATES_BR_01", changed=over)
    decision = decided("RATES_BR_01", bars, horizon=21, volatility=10)
    held = [bars.symbols[row.nonzero()[0][0]] if row.any() else None for row in decision.weights]
    assert held[149] == held[200] == held[219] == "DI_3M"
    assert held[221] == "DI_6M"


@pytest.mark.parametrize(
    ("paid", "expected", "output", "gap"),
    [
        (10.0, 5.0, None, 50.0),  # 4.5 + 5 + 0.5 (5 - 3) = 10.5
        (9.5, 5.0, None, 100.0),
        (8.0, 5.0, None, 250.0),
        (13.0, 5.0, None, -250.0),
        (8.0, 5.0, 1.0, 300.0),
        (17.0, 5.0, -1.0, -700.0),
    ],
)
def test_the_taylor_gap_and_its_size(paid, expected, output, gap):
    given = {"DI_1Y": constant("DI_1Y", paid), "FOCUS_IPCA_12M": constant("FOCUS_IPCA_12M", expected)}
    without = ("OUTPUT_GAP",) if output is None else ()
    if output is not None:
        given["OUTPUT_GAP"] = constant("OUTPUT_GAP", output)
    decision = decided("RATES_BR_02", scene("RATES_BR_02", changed=given, without=without), max_position=0.5)
    weight = 0.0 if abs(gap) <= 100.0 else -math.copysign(0.5 * min(1.0, abs(gap) / 300.0), gap)
    np.testing.assert_allclose(decision.raw, gap, rtol=1e-12)
    np.testing.assert_allclose(decision.weights[:, 0], weight, rtol=1e-12)
    assert decision.reasons["Without OUTPUT_GAP it counts as 0."].all() == (output is None)


def test_the_target_is_that_of_the_year_though_the_next_one_is_decreed():
    years = np.array(["2018-01-01", "2019-01-01"], dtype="datetime64[ns]")
    decreed = np.array(["2015-06-30", "2016-06-30"], dtype="datetime64[ns]")
    target = Series("INFLATION_TARGET", "percent", years, decreed, np.array([4.5, 4.25]), 500.0)
    given = {key: constant(key, 5.0) for key in ("DI_1Y", "FOCUS_IPCA_12M")} | {"INFLATION_TARGET": target}
    bars = world(strategies.get("RATES_BR_02"), total=TOTAL, start="2018-12-20", changed={"INFLATION_TARGET": target})
    bars = bars.with_panel(
        Panel.of(
            [
                daily(key, "percent", bars.time, np.full(TOTAL, 5.0)) if key in given and key != target.key else one
                for key, one in bars.panel.series.items()
                if key != "OUTPUT_GAP"
            ],
            delay=bars.panel.delay,
        )
    )
    raw = decided("RATES_BR_02", bars).raw
    turn = int(np.searchsorted(bars.time, np.datetime64("2019-01-01")))
    np.testing.assert_allclose(raw[:turn], 100.0 * (4.5 + 0.5 * 0.5))
    np.testing.assert_allclose(raw[turn:], 100.0 * (4.5 + 0.5 * 0.75))


def jumping(at, us, size):
    """Brazil's yield swings by a basis point until it jumps by `size` at a bar, and that of the US by `us` percent."""
    swing = 0.005 * (-1.0) ** np.arange(TOTAL)
    since = np.arange(TOTAL) >= at
    return {"DI_1Y": 10.0 + swing + size * since, "UST_1Y": 3.0 + us * since + 0.0 * swing}


@pytest.mark.parametrize("way", [1.0, -1.0])
@pytest.mark.parametrize(("us", "opened"), [(0.15, True), (-0.15, True), (0.149, False)])
def test_spill_over_opens_only_when_us_rates_have_moved_and_stands_until_the_score_is_back(way, us, opened):
    days = weekdays(TOTAL)
    given = jumping(200, us, way * 1.0)
    same_day = daily("UST_1Y", "percent", days, given["UST_1Y"])
    bars = scene("RATES_BR_04", changed={"DI_1Y": given["DI_1Y"], "UST_1Y": same_day})
    decision = decided("RATES_BR_04", bars)
    weights = decision.weights[:, bars.column("DI_1Y")]
    assert not weights[:200].any()
    if not opened:
        assert not weights.any()
        assert reason_at(decision, 201) == "UST_1Y has not moved by 15 bps."
        return
    beyond = np.flatnonzero(sides(decision.score, 2.0)[200:])
    last = int(beyond[np.append(np.diff(beyond) > 1, True)][0])
    assert last > 5  # it outlives the five days of the move
    assert (np.sign(weights[200 : 201 + last]) == way).all()
    assert weights[201 + last] == 0.0
    assert not decision.weights[:, bars.column("UST_1Y")].any()


DAYS = weekdays(TOTAL)
MEETING = int(np.searchsorted(DAYS, np.datetime64("2018-10-10")))


@pytest.mark.parametrize(("name", "calendar"), [("RATES_05", "FOMC"), ("RATES_06", "COPOM")])
def test_positions_are_only_held_around_scheduled_meetings(name, calendar):
    seen = set()
    for seed in range(8):
        bars = meetings(scene(name, seed=seed), calendar, [DAYS[MEETING]])
        decision = decided(name, bars)
        inside = np.zeros(TOTAL, dtype=bool)
        inside[MEETING - 5 : MEETING + 3] = True
        assert not decision.weights[~inside].any()
        row = MEETING - 5
        side = sides(decision.score, 1.0)[row]
        assert np.sign(decision.weights[row, 0]) == side
        assert abs(decision.weights[row, 0]) == pytest.approx(abs(side) * math.tanh(abs(decision.score[row]) / 2))
        seen.add(side)
        assert "near" in reason_at(decision, MEETING + 3)
    assert seen == {-1.0, 0.0, 1.0}


@pytest.mark.parametrize(("name", "calendar"), [("RATES_05", "FOMC"), ("RATES_06", "COPOM")])
def test_a_meeting_that_was_called_in_haste_is_none(name, calendar):
    bars = scene(name, seed=0)
    for notice, counts in ((13, False), (14, True)):
        said = DAYS[[MEETING]] - np.timedelta64(notice, "D")
        decision = decided(name, meetings(bars, calendar, [DAYS[MEETING]], announced=said), threshold=0.5)
        assert decision.weights.any() == counts


def test_a_position_of_the_fomc_is_opened_at_one_deviation_and_closed_below_half_of_one():
    opened = kept = 0
    for seed in range(25):
        decision = decided("RATES_05", scene("RATES_05", seed=seed))
        inside = ~decision.reasons["No scheduled meeting of the FOMC is near."]
        way = 0.0
        for row in range(60, TOTAL):
            score = decision.score[row]
            if not inside[row] or abs(score) < 0.5 or np.sign(score) != way:
                way = 0.0
            if inside[row] and abs(score) >= 1.0:
                opened += way == 0.0
                way = np.sign(score)
            kept += way != 0.0 and abs(score) < 1.0
            if row > 75:  # past a window that began before
                assert np.sign(decision.weights[row, 0]) == way
    assert opened > 5
    assert kept > 5


def test_the_decision_of_copom_is_not_known_before_it_is_published():
    """The Selic that a meeting sets is published after the close: until then the old one counts."""
    known = np.full(TOTAL, 10.0)
    known[MEETING:] = 10.5
    days = np.append(DAYS[:MEETING], DAYS[MEETING:])
    hours = np.where(np.arange(TOTAL) == MEETING, 21, 18)
    selic = Series("SELIC_TARGET", "percent", days, days + hours.astype("timedelta64[h]"), known, 7.0)
    given = {"DI_1M": constant("DI_1M", 10.4), "IPCA_12M": constant("IPCA_12M", 3.0), "SELIC_TARGET": selic}
    raw = decided("RATES_06", scene("RATES_06", changed=given)).raw
    np.testing.assert_allclose(raw[MEETING - 1 : MEETING + 2], [0.4, 0.4, -0.1], atol=1e-12)


@pytest.mark.parametrize(("inflation", "model"), [(4.6, 0.25), (4.5, 0.0), (1.5, 0.0), (1.4, -0.25)])
def test_inflation_outside_its_band_asks_for_a_move_of_the_selic(inflation, model):
    given = {key: constant(key, 10.0) for key in ("DI_1M", "SELIC_TARGET")}
    bars = scene("RATES_06", changed={**given, "IPCA_12M": constant("IPCA_12M", inflation)})
    np.testing.assert_allclose(decided("RATES_06", bars).raw, -model, atol=1e-12)


@pytest.mark.parametrize(("fed", "rule"), [(5.5, 4.65), (15.0, 5.5), (-9.0, 3.5)])
def test_the_slack_that_the_fed_funds_rate_tells_counts_for_two_points_at_most(fed, rule):
    """2.5 + 2 + 0.5 x 0 + 0.5 clip(0.3 (fed - 4.5), -2, 2)"""
    given = {"UST_2Y": 5.0, "US_CPI_YOY": 2.0, "FED_FUNDS": fed}
    bars = scene("RATES_05", changed={key: constant(key, value) for key, value in given.items()})
    np.testing.assert_allclose(decided("RATES_05", bars).raw, 5.0 - rule, rtol=1e-12)


def test_leaving_must_not_ask_for_more_than_opening():
    with pytest.raises(InvalidParameter, match=r"leave \(1.5\) must not be above threshold \(1\)"):
        strategies.get("RATES_05").validate({"leave": 1.5})


def test_the_families_and_their_holding_times():
    family = {item.id: item for item in strategies.all() if item.family in ("RATES_BR", "RATES_US")}
    holding = {name: item.defaults["max_holding_bars"] for name, item in family.items()}
    assert holding == {
        "RATES_03": 21,
        "RATES_04": 28,
        "RATES_05": 7,
        "RATES_06": 7,
        "RATES_BR_01": 21,
        "RATES_BR_02": 63,
        "RATES_BR_03": 63,
        "RATES_BR_04": 21,
    }
    assert [name for name, item in family.items() if item.family == "RATES_US"] == ["RATES_05"]


def test_the_end_of_a_week_is_its_friday_or_the_first_bar_after_a_week_without_one():
    days = np.array(
        ["2024-03-25", "2024-03-28", "2024-04-01", "2024-04-05", "2024-04-06", "2024-04-08", "2024-04-15"],
        dtype="datetime64[ns]",
    )  # Good Friday is the 29th of March, and the week of the 8th has only its Monday
    assert views.week_ends(days).tolist() == [False, False, True, True, False, False, True]
