"""What the monthly strategies decide: rankings, targets of volatility and the turn of the month."""

from __future__ import annotations

import math

import numpy as np
import pytest

import strategies
from engine import Bars, positions
from engine.errors import BadData, InvalidParameter
from engine.indicators import month_ends

SIDES = ("long", "short", "both")


def decide(name, bars, **params):
    return strategies.get(name).bind(**params).decide(bars)


def weights(name, bars, **params):
    return decide(name, bars, **params).weights


def noise(seed, total=400, size=1):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (total, size)), axis=0))
    time = np.busday_offset("2018-01-01", np.arange(total), roll="forward")
    return Bars.from_closes(time, close, tuple("ABCDEFGHIJKLMNOPQRST"[:size]))


def test_the_best_and_the_worst_share_a_side_evenly():
    scores = np.array([[0.3, np.nan, 0.1, 0.4, 0.2, 0.5]])
    assert positions.chosen(scores, "long", share=0.4).tolist() == [[0, 0, 0, 0.5, 0, 0.5]]
    assert positions.chosen(scores, "short", share=0.4).tolist() == [[0, 0, -0.5, 0, -0.5, 0]]
    assert positions.chosen(scores, "both", share=0.4).tolist() == [[0, 0, -0.25, 0.25, -0.25, 0.25]]
    assert positions.chosen(scores, "long", share=0.01).tolist() == [[0, 0, 0, 0, 0, 1]]
    assert positions.chosen(scores, "both", share=0.1, count=9).tolist() == [[0, 0, -0.25, 0.25, -0.25, 0.25]]
    assert positions.chosen(scores, "long", share=0.1, count=9).tolist() == [[0.2, 0, 0.2, 0.2, 0.2, 0.2]]


def test_a_share_that_is_a_whole_number_on_paper_is_not_rounded_down():
    found = positions.chosen(np.arange(100.0)[None, :], "long", share=0.29)
    assert np.count_nonzero(found) == 29


def test_among_equal_scores_the_later_symbol_is_the_higher_one():
    assert positions.chosen(np.array([[1.0, 1.0, 1.0]]), "both", share=0.1).tolist() == [[-0.5, 0, 0.5]]


@pytest.mark.parametrize("scores", [[[0.1]], [[np.nan, 0.1, np.nan]], [[np.nan, np.nan]]])
def test_one_symbol_alone_is_neither_better_nor_worse(scores):
    assert not positions.chosen(np.array(scores), "both", share=0.5).any()


def naive_momentum(bars, months, skip, count):
    """Weights at each month's end by dictionaries of month and last close."""
    month = [str(day)[:7] for day in bars.sessions]
    last = {}
    for t, name in enumerate(month):
        last[name] = t
    names = sorted(last)
    out = {}
    for at, name in enumerate(names[:-1]):
        if at < months:
            continue
        end, start = last[names[at - skip]], last[names[at - months]]
        order = np.argsort(bars.close[end] / bars.close[start])
        row = np.zeros(len(bars.symbols))
        row[order[-count:]] = 1 / count
        out[last[name]] = row
    return out


@pytest.mark.parametrize(("months", "skip"), [(12, 1), (6, 0)])
def test_cross_sectional_momentum_holds_the_winners_of_the_months_by_the_calendar(months, skip):
    bars = noise(6, total=505, size=20)
    found = weights("cross_sectional_momentum", bars, months=months, skip=skip)
    expected = naive_momentum(bars, months, skip, count=2)
    assert len(expected) > 5
    for row, held in expected.items():
        assert found[row].tolist() == held.tolist(), bars.sessions[row]
    rest = [t for t in range(len(bars)) if t not in expected]
    assert not np.nan_to_num(found[rest]).any()


def test_what_was_ranked_stands_until_the_next_decision():
    bars = noise(6, total=330, size=4)
    said = decide("cross_sectional_momentum", bars)
    decided = np.flatnonzero(np.isfinite(said.weights[:, 0]) & (np.arange(330) > 270))
    assert np.isnan(said.raw[: decided[0] - 25]).all()
    month = said.raw[decided[0] : decided[1]]
    assert (month == month[0]).all()
    assert month[0].argmax() == said.weights[decided[0]].argmax()
    assert (said.raw[decided[1]] != month[0]).all()


def test_losers_are_sold_and_both_sides_share_equity():
    bars = noise(6, total=505, size=20)
    long, short, both = (weights("cross_sectional_momentum", bars, side=side) for side in SIDES)
    np.testing.assert_array_equal(both, (long + short) / 2)
    row = np.flatnonzero(np.nansum(np.abs(both), axis=1))[0]
    assert np.abs(both[row]).sum() == pytest.approx(1.0)
    assert both[row].sum() == pytest.approx(0.0)


def test_the_skipped_month_does_not_count():
    bars = noise(7, total=300, size=4)
    jump = bars.close.copy()
    last = np.flatnonzero(bars.sessions.astype("M8[M]") == np.datetime64("2019-01"))
    jump[last, 0] *= 3.0
    jumped = Bars.from_closes(bars.time, jump, bars.symbols)
    plain = Bars.from_closes(bars.time, bars.close, bars.symbols)
    end = last[-1]
    skipped = [weights("cross_sectional_momentum", b, months=6)[end].tolist() for b in (plain, jumped)]
    assert skipped[0] == skipped[1]
    counted = [weights("cross_sectional_momentum", b, months=6, skip=0)[end].tolist() for b in (plain, jumped)]
    assert counted[1] == [1, 0, 0, 0] != counted[0]


def test_a_symbol_that_has_stopped_trading_is_sold_at_the_month_end():
    bars = noise(8, total=400, size=3)
    close = bars.close.copy()
    close[:, 0] = np.linspace(10, 90, 400)  # the clear winner
    close[330:, 0] = np.nan
    found = weights("cross_sectional_momentum", Bars.from_closes(bars.time, close, bars.symbols))
    decided = [t for t in np.flatnonzero(np.isfinite(found[:, 0])) if t > 270]
    assert [found[t, 0] for t in decided if t < 330] == [1.0, 1.0, 1.0]
    assert {found[t, 0] for t in decided if t > 360} == {0.0}


def test_skip_is_within_the_months():
    with pytest.raises(InvalidParameter, match=r"skip \(6\) must be below months \(6\)"):
        strategies.get("cross_sectional_momentum").validate({"months": 6, "skip": 6})


@pytest.mark.parametrize("name", ["cross_sectional_momentum", "low_volatility"])
def test_a_ranking_of_one_symbol_says_why_it_stands_aside(name):
    said = decide(name, noise(9, total=400))
    assert not np.nan_to_num(said.weights).any()
    assert said.reasons["A ranking needs two symbols."].all()


@pytest.mark.parametrize("name", ["cross_sectional_momentum", "low_volatility"])
def test_a_symbol_without_prices_is_as_good_as_none_in_a_ranking(name):
    bars = noise(10, total=400, size=5)
    close = bars.close.copy()
    close[:, 2] = np.nan
    holed = weights(name, Bars.from_closes(bars.time, close, bars.symbols), side="both")
    four = [0, 1, 3, 4]
    alone = weights(name, Bars.from_closes(bars.time, close[:, four], tuple("ABDE")), side="both")
    np.testing.assert_array_equal(holed[:, four], alone)


def test_low_volatility_holds_the_calmest_and_sells_the_wildest():
    rng = np.random.default_rng(11)
    scale = np.linspace(0.03, 0.005, 10)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1, (400, 10)) * scale, axis=0))
    bars = Bars.from_closes(np.busday_offset("2018-01-01", np.arange(400), roll="forward"), close, tuple("ABCDEFGHIJ"))
    found = weights("low_volatility", bars, share=0.2, side="both")
    returns = np.diff(np.log(close), axis=0)
    decided = [t for t in np.flatnonzero(month_ends(bars.time)) if t >= 252]
    assert len(decided) > 5
    for t in decided:
        order = np.argsort(returns[t - 252 : t].std(axis=0, ddof=1))
        row = np.zeros(10)
        row[order[:2]], row[order[-2:]] = 0.25, -0.25
        assert found[t].tolist() == row.tolist()
    assert {8, 9} & set(np.flatnonzero(found[decided[0]] > 0))


def test_the_target_of_volatility_is_met_and_capped():
    bars = noise(12, total=300, size=2)
    found = weights("vol_target", bars, volatility_target=0.1, exposure=-0.5)
    decided = [t for t in np.flatnonzero(month_ends(bars.time)) if t >= 126]
    returns = np.diff(np.log(bars.close), axis=0)
    assert np.flatnonzero(np.isfinite(found[:, 0])).tolist() == decided
    for t in decided:
        yearly = returns[t - 126 : t].std(axis=0, ddof=1) * math.sqrt(252)
        np.testing.assert_allclose(found[t], -0.5 * 0.1 / yearly / 2, rtol=1e-12)
    assert np.nanmax(weights("vol_target", bars, volatility_target=1.0)) == 0.5
    assert np.nanmax(weights("vol_target", bars, volatility_target=1.0, max_scale=3.0)) == 1.5
    assert np.nanmax(weights("vol_target", Bars.from_closes(bars.time, np.ones(300), ("A",)))) == 1.0


def test_the_turn_of_the_month_is_held_over_its_last_weekday_and_three_sessions(closes):
    bars = closes(np.ones(70), start="2024-01-15")
    found = weights("turn_of_month", bars)[:, 0]
    held = {str(bars.sessions[t + 1]) for t in range(69) if found[t]}  # what is decided is held over the next bar
    assert held == {
        *("2024-01-31", "2024-02-01", "2024-02-02", "2024-02-05"),
        *("2024-02-29", "2024-03-01", "2024-03-04", "2024-03-05"),
        *("2024-03-29", "2024-04-01", "2024-04-02", "2024-04-03"),
    }


def test_a_holiday_at_the_turn_costs_one_session_and_no_more():
    days = np.busday_offset("2024-03-11", np.arange(25), roll="forward")
    days = days[days != np.datetime64("2024-03-29")]  # Good Friday was the last weekday
    bars = Bars.from_closes(days, np.ones(len(days)), ("A",))
    found = weights("turn_of_month", bars)[:, 0]
    held = [str(bars.sessions[t + 1]) for t in range(len(days) - 1) if found[t]]
    assert held == ["2024-04-01", "2024-04-02", "2024-04-03"]


@pytest.mark.parametrize(
    ("params", "held"),
    [
        ({"before": 0}, ["2024-05-01", "2024-05-02", "2024-05-03"]),
        ({"before": 2, "after": 0}, ["2024-04-29", "2024-04-30"]),
        ({"before": 0, "after": 0}, []),
    ],
)
def test_the_days_of_the_turn_can_be_chosen(closes, params, held):
    bars = closes(np.ones(30), start="2024-04-10")
    found = weights("turn_of_month", bars, **params)[:, 0]
    assert [str(bars.sessions[t + 1]) for t in range(29) if found[t]] == held


def test_a_market_that_trades_on_weekends_counts_weekdays():
    days = np.datetime64("2024-05-20") + np.arange(25)
    bars = Bars.from_closes(days, np.ones(25), ("A",))
    found = weights("turn_of_month", bars)[:, 0]
    held = [str(bars.sessions[t + 1]) for t in range(24) if found[t]]
    # Friday 31 May is the last weekday; 1 and 2 June are a weekend.
    assert held == ["2024-05-31", *(f"2024-06-0{day}" for day in range(1, 6))]


@pytest.mark.parametrize("name", ["cross_sectional_momentum", "low_volatility", "turn_of_month", "vol_target"])
def test_monthly_ideas_need_daily_bars(name):
    weekly = np.datetime64("2010-01-01", "ns") + np.arange(400) * np.timedelta64(7, "D")
    with pytest.raises(BadData, match=f"{name} needs daily bars") as refused:
        weights(name, Bars.from_closes(weekly, np.ones(400), ("A",)))
    assert refused.value.code == "wrong_frequency"


def test_the_last_value_of_a_month_is_read_no_later_than_the_decision():
    days = np.datetime64("2024-05-27") + np.arange(10)  # with the weekend of 1 and 2 June
    values = np.arange(10.0)[:, None]
    at = np.flatnonzero(month_ends(days.astype("M8[ns]")))
    assert positions.last_of_month(days, values, at).tolist() == [[4.0]]
    sunday = np.append(np.datetime64("2024-06-28"), np.datetime64("2024-06-30"))
    assert positions.last_of_month(sunday, values[:2], np.array([0])).tolist() == [[0.0]]


def test_a_month_without_a_value_falls_back_or_is_missing():
    days = np.array(["2024-01-31", "2024-02-29", "2024-03-01", "2024-03-29"], dtype="M8[D]")
    values = np.array([[1.0], [np.nan], [np.nan], [4.0]])
    assert positions.last_of_month(days, values, np.array([3]), 1).tolist() == [[1.0]]
    assert np.isnan(positions.last_of_month(days, values, np.array([3]), 1, only=True)).all()
    assert np.isnan(positions.last_of_month(days, values, np.array([3]), 5)).all()
