"""Every macro strategy reads what it declares, in the unit that it declares, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

import strategies
from engine.errors import BadData
from engine.panel import Panel
from tests.macro import reason_at, small, world
from tests.shelf import MACRO


class Watched(dict):
    """A mapping that remembers which keys were looked at."""

    def __init__(self, items):
        super().__init__(items)
        self.asked = set()

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key):
        self.asked.add(key)
        return super().__contains__(key)

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)


def declared(item, bars):
    groups = tuple(f"{need.key}." for need in item.series if need.group)
    single = {need.key for need in item.series if not need.group}
    return single | {key for key in bars.panel.series if groups and key.startswith(groups)}


def readings(item):
    """Bars with all that is declared, then without each of the optional series; and what is read of their panels."""
    for without in [(), *[(need.key,) for need in item.series if need.optional]]:
        bars = world(item, without=without)
        series, calendars = Watched(bars.panel.series), Watched(bars.panel.calendars)
        item.bind(**small(item)).decide(bars.with_panel(Panel(series, calendars, bars.panel.delay)))
        yield bars, series.asked, calendars.asked


@pytest.mark.parametrize("item", MACRO, ids=lambda item: item.id)
def test_what_is_read_of_the_panel_is_what_is_declared(item):
    _, series, calendars = zip(*readings(item), strict=True)
    assert set().union(*series) == declared(item, world(item))
    assert set().union(*calendars) == set(item.calendars)


@pytest.mark.parametrize("item", MACRO, ids=lambda item: item.id)
def test_a_series_in_another_unit_than_the_declared_one_is_refused(item):
    refused = set()
    for bars, series, _ in readings(item):
        for key in series & bars.panel.series.keys():
            other = replace(bars.panel.series[key], unit="furlongs")
            panel = replace(bars.panel, series={**bars.panel.series, key: other})
            with pytest.raises(BadData, match=f"{key} is in furlongs") as mixed:
                item.bind(**small(item)).decide(bars.with_panel(panel))
            assert mixed.value.code == "unit_mismatch"
            refused.add(key)
    assert refused == declared(item, world(item))


@pytest.mark.parametrize("item", MACRO, ids=lambda item: item.id)
def test_a_macro_strategy_says_how_sure_it_is(item):
    assert item.bind(**small(item)).decide(world(item)).conviction is not None
    assert item.dataset == "macro_synthetic"


@pytest.mark.parametrize("item", [item for item in MACRO if item.calendars], ids=lambda item: item.id)
def test_without_its_calendar_there_is_no_position_and_the_reason_names_it(item):
    (key,) = item.calendars
    decision = item.bind(**small(item)).decide(world(item, without=(key,)))
    assert not decision.weights.any()
    assert reason_at(decision, -1) == f"The calendar {key} is missing or stale."


@pytest.mark.parametrize(("without", "told"), [((), "real"), (("BRL_IMPLIED_VOL",), "proxy")])
def test_a_result_on_a_proxy_that_a_strategy_made_itself_is_of_that_quality(without, told):
    item = strategies.get("FX_04")
    assert item.quality(world(item, without=without).panel, "real") == told


def test_a_proxy_that_a_strategy_made_of_synthetic_data_is_synthetic():
    item = strategies.get("FX_04")
    assert item.quality(world(item, without=("BRL_IMPLIED_VOL",)).panel, "synthetic") == "synthetic"
