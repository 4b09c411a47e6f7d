"""The world that ships is what its seed makes, it holds what strategies count on, and nothing is known too early."""

from __future__ import annotations

import numpy as np
import pytest

from app.catalog import Catalog
from app.instruments import COST_KEYS, INFLATION, prices
from app.macroworld.days import Days
from app.macroworld.world import PRICE_DECIMALS, SEED, generate
from app.macroworld.write import write
from engine import STANDARD_COSTS
from tests.shelf import MACRO

PEERS = ("BR", "CL", "CO", "HU", "MX", "PL", "TR", "ZA")
# By unit: every series that a strategy may count on.
UNITS = {
    "price": "USDBRL IBOV SOY IRON BRENT SUGAR COFFEE USDBRL_FWD_1Y",
    "percent": "SELIC_TARGET CDI FED_FUNDS SOFR DI_1M DI_3M DI_6M DI_1Y DI_2Y DI_3Y DI_5Y DI_10Y UST_3M UST_6M UST_1Y "
    "UST_2Y UST_5Y UST_10Y NTNB_2Y NTNB_5Y NTNB_10Y IPCA_MOM IPCA15_MOM IPCA_12M FOCUS_IPCA_12M FOCUS_IPCA_Y0 "
    "FOCUS_IPCA_Y1 FOCUS_IPCA_Y2 FOCUS_IPCA_MONTHLY FOCUS_SELIC_Y0 FOCUS_SELIC_Y1 FOCUS_SELIC_Y2 FOCUS_SELIC_Y3 "
    "INFLATION_TARGET INFLATION_BAND OUTPUT_GAP US_CPI_YOY DEBT_GDP PRIMARY_GDP BRL_IMPLIED_VOL CUPOM_6M CUPOM_1Y "
    "NDF_6M "
    + " ".join(f"{key}.{name}" for key in ("DEBT_GDP", "CURRENT_ACCOUNT", "INFLATION", "GROWTH") for name in PEERS),
    "index": "IBC_BR VIX",
    "usd_mn": "TRADE_BAL FXFLOW_TOTAL FXFLOW_FIN",
    "contracts": "CFTC_BRL_NET",
    "bps": "CDS_5Y CDS_1Y " + " ".join(f"CDS_5Y.{name}" for name in PEERS),
}
DAY = np.timedelta64(1, "D")


def lag(item):
    """Whole days from what a value belongs to until it was known."""
    return (item.available.astype("datetime64[D]") - item.observed.astype("datetime64[D]")) / DAY


def weekday(times):
    return (times.astype("datetime64[D]").astype(np.int64) + 3) % 7


def test_the_seed_that_is_shipped_makes_the_values_that_are_shipped(made, shipped):
    assert shipped.manifest["source"].endswith(f"seed {SEED}")
    bars = shipped.all_bars
    assert np.array_equal(bars.sessions, made.sessions)
    for name, values in made.prices.items():
        assert np.abs(bars.close[:, bars.column(name)] - values).max() <= 1.01 * 10**-PRICE_DECIMALS, name
    for item in made.series:
        found = shipped.panel.series[item.key]
        order = np.lexsort((item.observed, np.maximum(item.observed.astype("datetime64[s]"), item.available)))
        assert np.array_equal(found.observed, item.observed[order]), item.key
        assert np.array_equal(found.available, item.available[order]), item.key
        # The last digit may round the other way where exp and log of another machine do.
        step = 10.0 ** -next(digits for digits in range(5) if np.array_equal(np.round(item.value, digits), item.value))
        assert np.abs(found.value - item.value[order]).max() <= 1.01 * step, item.key
    for key, events in made.calendars.items():
        found = shipped.panel.calendars[key]
        for name in events._fields:
            assert np.array_equal(getattr(found, name), getattr(events, name)), (key, name)


def test_another_seed_is_another_world_of_the_same_form(made, tmp_path):
    days = Days(first="2006-01-02", shown="2010-01-04", last="2012-12-28")
    one, other = generate(1, days), generate(2, days)
    assert [item.key for item in one.series] == [item.key for item in made.series]
    assert not np.array_equal(one.prices["USDBRL"], other.prices["USDBRL"])
    write(one, tmp_path / "mine")
    found = Catalog([tmp_path]).get("mine")
    assert found.end == "2012-12-28"
    assert found.quality == "synthetic"
    assert np.array_equal(found.all_bars.close[:, 0], one.prices["USDBRL"])
    assert all(item.available.max() <= np.datetime64("2012-12-28T20:00") for item in found.panel.series.values())


def test_every_series_that_strategies_count_on_is_there_in_its_unit_and_called_synthetic(series, shipped):
    wanted = {key: unit for unit, keys in UNITS.items() for key in keys.split()}
    assert {key: item.unit for key, item in series.items()} == wanted
    assert {item.quality for item in series.values()} == {"synthetic"}
    assert set(shipped.panel.calendars) == {"FOMC", "COPOM", "IBGE_IPCA"}


def test_every_instrument_has_a_price_on_every_session_and_a_cost_of_its_own(shipped):
    bars = shipped.all_bars
    assert set(bars.symbols) == set(COST_KEYS)
    assert dict(zip(bars.symbols, bars.cost_keys, strict=True)) == COST_KEYS
    assert set(COST_KEYS.values()) <= set(STANDARD_COSTS)
    assert bars.complete
    assert (bars.sessions[0], bars.sessions[-1]) == (np.datetime64("2010-01-04"), np.datetime64("2024-12-31"))


def test_prices_are_what_the_return_models_make_of_the_published_series(series, shipped):
    bars = shipped.all_bars
    known = {key: np.append(item.value, item.value[-1])[: len(bars)] for key, item in series.items()}
    ipca = series["IPCA_MOM"]
    released = np.searchsorted(ipca.available.astype("datetime64[D]"), bars.sessions, side="right") - 1
    found = prices(known | {INFLATION: ipca.value[released]})
    for name, values in found.items():
        assert bars.close[:, bars.column(name)] == pytest.approx(values, abs=1e-4), name


def test_nothing_is_known_before_the_period_that_it_is_about_but_targets_and_surveys(series):
    early = {key for key, item in series.items() if (item.available < item.observed).any()}
    assert early == {"INFLATION_TARGET", "INFLATION_BAND", "FOCUS_IPCA_MONTHLY"}
    assert lag(series["INFLATION_TARGET"]).max() < -365


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("USDBRL", 0, 0),
        ("SELIC_TARGET", 0, 0),
        ("CDI", 1, 5),
        ("FOCUS_IPCA_12M", 1, 5),
        ("IPCA_MOM", 8, 13),
        ("IPCA_12M", 8, 13),
        ("IPCA15_MOM", 9, 13),
        ("US_CPI_YOY", 12, 15),
        ("TRADE_BAL", 1, 5),
        ("DEBT_GDP", 25, 31),
        ("CFTC_BRL_NET", 3, 7),
        ("FXFLOW_TOTAL", 5, 10),
        ("IBC_BR", 42, 110),
        ("GROWTH.MX", 105, 289),
    ],
)
def test_a_value_becomes_known_as_late_as_in_life(series, key, least, most):
    assert lag(series[key]).min() >= least
    assert lag(series[key]).max() <= most


def test_days_of_publication_are_those_of_life(series):
    assert set(weekday(series["CFTC_BRL_NET"].observed)) == {1}
    assert np.mean(weekday(series["CFTC_BRL_NET"].available) == 4) > 0.97
    assert np.mean(weekday(series["FXFLOW_FIN"].available) == 2) > 0.95
    assert {item.key for item in series.values() if item.revised} >= {"IBC_BR", "OUTPUT_GAP", "DEBT_GDP.BR"}
    assert not series["DEBT_GDP"].revised


def test_a_daily_series_is_never_stale_on_a_session(shipped, series):
    bars = shipped.all_bars
    for key in ("USDBRL", "CDI", "VIX", "FXFLOW_TOTAL", "FOCUS_SELIC_Y0", "CFTC_BRL_NET", "IPCA_12M", "DEBT_GDP.TR"):
        assert np.isfinite(series[key].at(bars.decided)[12:]).all(), key


def test_a_decision_of_copom_rules_and_is_seen_from_the_next_session_on(shipped, series):
    bars = shipped.all_bars
    meetings = shipped.panel.calendars["COPOM"].date
    rate = bars.known("SELIC_TARGET", "percent")
    moved = bars.sessions[1:][np.diff(rate) != 0.0]
    before = bars.sessions[:-1][np.diff(rate) != 0.0]
    assert len(moved) > 40
    assert np.isin(before, meetings.astype("datetime64[D]")).all()
    assert set(np.round(np.diff(rate)[np.diff(rate) != 0.0] / 0.25, 9) % 1.0) == {0.0}
    assert not np.isin(moved, meetings.astype("datetime64[D]")).any()


def test_events_are_announced_long_before_and_each_release_is_about_the_month_before_it(shipped):
    for calendar in shipped.panel.calendars.values():
        assert ((calendar.date - calendar.announced) / DAY).min() > 30
        assert calendar.date.max() > np.datetime64("2025-01-01")  # what is announced of the time after the last bar
    ipca = shipped.panel.calendars["IBGE_IPCA"]
    assert np.array_equal(ipca.reference.astype("datetime64[M]"), (ipca.date - 20 * DAY).astype("datetime64[M]"))
    released = shipped.panel.series["IPCA_MOM"].available.astype("datetime64[D]")
    assert np.isin(ipca.date[ipca.date < np.datetime64("2025")].astype("datetime64[D]"), released).all()


def test_surveys_of_a_month_come_nearer_to_it(series):
    said, true = series["FOCUS_IPCA_MONTHLY"], series["IPCA_MOM"]
    months = true.observed.astype("datetime64[M]").astype("datetime64[ns]")
    first, last = (np.abs(said.about(true.available + shift, months) - true.value) for shift in (-35 * DAY, -1 * DAY))
    assert np.nanmean(last) < 0.5 * np.nanmean(first)


@pytest.mark.parametrize(
    "item", [item for item in MACRO if item.dataset == "macro_synthetic"], ids=lambda item: item.id
)
def test_every_macro_strategy_finds_something_to_do_in_it(shipped, item):
    decided = item.bind().decide(shipped.all_bars.select(item.symbols))
    held = (np.nan_to_num(decided.weights) != 0.0).any(axis=1)
    assert 0.01 < held.mean() < 0.99, decided.reasons.keys()
