"""Series and calendars as they became known."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Bars
from engine.errors import BadData, UnknownName
from engine.panel import Calendar, Panel, Series
from engine.strategy import Need


def days(*texts):
    return np.array(texts, dtype="datetime64[ns]")


def monthly(values=(1.0, 2.0, 3.0), **more):
    observed = days("2024-01-31", "2024-02-29", "2024-03-31")[: len(values)]
    available = days("2024-02-10", "2024-03-10", "2024-04-10")[: len(values)]
    return Series("IPCA", "percent", observed, available, np.array(values), 75.0, **more)


def test_a_value_is_visible_from_its_publication_on_and_not_from_its_period():
    asked = days("2024-02-09T23:59", "2024-02-10", "2024-03-09", "2024-04-10")
    assert monthly().at(asked).tolist()[1:] == [1.0, 1.0, 3.0]
    assert np.isnan(monthly().at(asked)[0])


def test_a_value_that_was_announced_early_waits_for_its_own_time():
    target = Series("TARGET", "percent", days("2025-01-01"), days("2022-06-30"), np.array([3.0]), 500.0)
    found = target.at(days("2024-12-31", "2025-01-01"))
    assert np.isnan(found[0])
    assert found[1] == 3.0


def test_a_value_goes_stale():
    found = monthly().at(days("2024-06-24", "2024-06-25"))
    assert found[0] == 3.0
    assert np.isnan(found[1])


def test_a_revision_counts_from_the_day_on_which_it_was_made():
    revised = Series(
        "GDP",
        "percent",
        days("2024-01-31", "2024-02-29", "2024-01-31"),
        days("2024-02-10", "2024-03-10", "2024-03-20"),
        np.array([1.0, 2.0, 1.5]),
        75.0,
    )
    asked = days("2024-03-01", "2024-03-15", "2024-03-25")
    assert revised.revised
    assert revised.at(asked).tolist() == [1.0, 2.0, 2.0]  # the newest month stays the present one
    assert revised.derived(asked, np.cumsum).tolist() == [1.0, 3.0, 3.5]
    assert revised.about(asked, np.repeat(days("2024-01-31"), 3)).tolist() == [1.0, 1.0, 1.5]


def test_what_is_derived_of_an_unrevised_series_is_that_of_its_history_at_each_moment():
    asked = days("2024-02-11", "2024-03-11", "2024-04-11")
    assert not monthly().revised
    assert monthly().derived(asked, np.cumsum).tolist() == [1.0, 3.0, 6.0]


def test_cutting_off_the_future_changes_nothing_that_was_known():
    rng = np.random.default_rng(3)
    observed = np.datetime64("2020-01-01", "ns") + np.sort(rng.integers(0, 900, 300)) * np.timedelta64(1, "D")
    available = (
        observed + rng.integers(0, 90, 300) * np.timedelta64(1, "D") + rng.permutation(300) * np.timedelta64(1, "s")
    )
    series = Series("X", "index", observed, available, rng.normal(size=300), 40.0)
    moments = np.datetime64("2020-01-01", "ns") + np.arange(1000) * np.timedelta64(1, "D")
    whole, summed = series.at(moments), series.derived(moments, np.cumsum)
    for stop in (50, 333, 700):
        past = series.until(moments[stop - 1])
        assert past.at(moments[:stop]).tobytes() == whole[:stop].tobytes()
        assert past.derived(moments[:stop], np.cumsum).tobytes() == summed[:stop].tobytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"observed": days("2024-01-31")}, "different lengths"),
        ({"available": days("2024-02-10", "NaT", "2024-04-10")}, "without a time"),
        ({"value": np.array([1.0, np.nan, 3.0])}, "no number at 2024-02-29"),
        ({"observed": days("2024-01-31", "2024-01-31", "2024-03-31"), "available": days(*["2024-05-01"] * 3)}, "two"),
        ({"stale_days": -1.0}, "stale after -1 days"),
        ({"stale_days": 1e300}, "stale after 1e\\+300 days, not after 0 to 100,000"),
        ({"stale_days": float("nan")}, "stale after nan days"),
    ],
)
def test_a_series_that_is_not_whole_is_refused_by_name(change, told):
    good = {name: getattr(monthly(), name) for name in ("key", "unit", "observed", "available", "value", "stale_days")}
    with pytest.raises(BadData, match=told) as refused:
        Series(**good | change)
    assert "IPCA" in refused.value.message
    assert refused.value.code == "bad_series"


def test_an_event_is_near_once_it_is_announced_and_the_next_one_comes_before_the_last():
    calendar = Calendar("FOMC", days("2024-01-31", "2024-02-07"), days("2023-06-01", "2024-02-01"))
    asked = days("2024-01-23", "2024-01-24", "2024-01-31", "2024-02-01", "2024-02-02", "2024-02-10")
    assert calendar.near(asked, 5, 2).tolist() == [-1, 0, 0, 1, 1, 1]
    assert calendar.until(np.datetime64("2024-01-15")).near(asked, 5, 2).tolist() == [-1, 0, 0, 0, 0, -1]


def test_a_panel_refuses_two_series_of_one_key_and_suggests_names():
    with pytest.raises(BadData, match="two series of the key IPCA"):
        Panel.of([monthly(), monthly()])
    panel = Panel.of([monthly()])
    with pytest.raises(UnknownName) as unknown:
        panel.get("IPCB")
    assert unknown.value.nearest == "IPCA"
    with pytest.raises(UnknownName, match="no calendar 'FOMC'"):
        panel.calendar("FOMC")
    with pytest.raises(BadData) as mixed:
        panel.get("IPCA", "bps")
    assert mixed.value.code == "unit_mismatch"


def test_members_of_a_group_are_those_after_the_point():
    named = [
        Series(key, "bps", days("2024-01-01"), days("2024-01-01"), np.ones(1), 7.0) for key in ("C.MX", "C.BR", "CD")
    ]
    assert Panel.of(named).members("C") == ("BR", "MX")


def test_bars_read_their_panel_at_the_decision_and_not_before():
    time = days("2024-02-09", "2024-02-10", "2024-02-11")
    morning = Series("X", "percent", days("2024-02-10"), days("2024-02-10T20:01"), np.ones(1), 7.0)
    bars = Bars.from_closes(time, np.ones(3), ("A",)).with_panel(Panel.of([morning], delay=np.timedelta64(20, "h")))
    assert np.isnan(bars.known("X")).tolist() == [True, True, False]
    assert np.isnan(bars.known("Y")).all()
    assert bars.select(start="2024-02-10").known("X").tolist()[1] == 1.0
    past = bars.until(2)
    assert len(past) == 2
    assert len(past.panel.series["X"].value) == 0


def test_what_is_computed_of_a_proxy_is_a_proxy():
    panel = Panel.of([monthly(quality="proxy")])
    assert panel.quality(["IPCA"], "real") == "proxy"
    assert panel.quality(["IPCA"], "synthetic") == "synthetic"
    assert panel.quality(["other"], "real") == "real"
    with pytest.raises(BadData, match="quality 'good', not one of real, proxy, synthetic"):
        monthly(quality="good")


def test_a_calendar_needs_a_date_and_an_announcement_for_each_event():
    for date, announced in ((days("2024-01-31"), days("NaT")), (days("2024-01-31", "2024-02-07"), days("2023-06-01"))):
        with pytest.raises(BadData, match="Calendar FOMC needs a date and an announcement"):
            Calendar("FOMC", date, announced)


def test_what_is_made_of_observations_is_one_number_for_each():
    with pytest.raises(BadData, match=r"IPCA: expected \(3,\) numbers, got \(2,\)"):
        monthly().derived(days("2024-04-11"), lambda values: values[1:])


def test_bars_are_near_no_event_of_a_calendar_that_they_do_not_have():
    bars = Bars.from_closes(days("2024-01-30", "2024-01-31"), np.ones(2), ("A",))
    assert bars.near("FOMC", before=5, after=2).tolist() == [-1, -1]
    meetings = Panel.of(calendars=[Calendar("FOMC", days("2024-01-31"), days("2023-06-01"))])
    assert bars.with_panel(meetings).near("FOMC", before=5, after=2).tolist() == [0, 0]


def test_a_need_means_what_the_panel_has_of_it():
    panel = Panel.of([monthly()])
    assert Need("IPCA", "percent").keys(panel) == ("IPCA",)
    assert Need("GDP", "percent").keys(panel) == ()
    assert Need("IPCA", "percent", group=True).keys(panel) == ()
