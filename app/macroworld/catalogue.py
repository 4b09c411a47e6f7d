"""Every series of the world under its key, with unit, frequency and publication lag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.instruments import DI, NTNB, UST
from app.macroworld.abroad import Abroad, us_inflation_release
from app.macroworld.calendars import Events, preview_releases
from app.macroworld.chance import plain
from app.macroworld.days import AFTER_CLOSE, MORNING, NOON, STATISTICS, at, month_day, month_end
from app.macroworld.home import Home, band, target
from app.macroworld.markets import Markets
from app.macroworld.published import Desk, Published
from app.macroworld.rates import Rates
from app.macroworld.sovereign import Country, Sovereign
from app.macroworld.surveys import Monthly, Surveys
from app.macroworld.weather import Weather
from engine.intake import Floats, Times

Places: TypeAlias = NDArray[np.int64]

_WEEKLY_HOUR, _TRADERS_HOUR = "17:30", "20:30"


@dataclass(frozen=True)
class Parts:
    """Everything that was made."""

    air: Weather
    outside: Abroad
    home: Home
    survey: Surveys
    single_months: Monthly
    rates: Rates
    state: Sovereign
    others: dict[str, Country]
    market: Markets
    releases: Events


def everything(parts: Parts) -> list[Published]:
    """Daily series first."""
    desk = Desk(parts.air.days)
    return [
        *_prices(desk, parts),
        *_curves(desk, parts),
        *_expectations(desk, parts),
        *_monthly(desk, parts),
        *_weekly(desk, parts),
        *_peers(desk, parts),
    ]


def daily_values(published: list[Published]) -> dict[str, Floats]:
    """By key, what the daily series say of each session that is shown."""
    return {item.key: item.value for item in published if item.frequency == "daily"}


def _prices(desk: Desk, parts: Parts) -> Iterator[Published]:
    outside, market = parts.outside, parts.market
    yield desk.daily("USDBRL", "Reais for one US dollar", "price", parts.home.spot, decimals=4)
    yield desk.daily("IBOV", "Index of Brazilian shares", "price", market.shares, decimals=0)
    named = {"SOY": "Soybeans", "IRON": "Iron ore", "BRENT": "Crude oil", "SUGAR": "Raw sugar", "COFFEE": "Coffee"}
    for key, title in named.items():
        yield desk.daily(key, f"{title}, front month", "price", outside.commodities[key], decimals=2)
    yield desk.daily("VIX", "Implied volatility of US shares", "index", outside.vix, decimals=2, clock=AFTER_CLOSE)
    yield desk.daily(
        "BRL_IMPLIED_VOL", "Implied volatility of USDBRL, one month", "percent", market.implied, decimals=2
    )
    yield desk.daily("CDS_5Y", "Protection on Brazil, five years", "bps", parts.state.cds_5y, decimals=1)
    yield desk.daily("CDS_1Y", "Protection on Brazil, one year", "bps", parts.state.cds_1y, decimals=1)
    yield desk.daily("USDBRL_FWD_1Y", "Reais for one US dollar in a year", "price", parts.rates.forward, decimals=4)


def _curves(desk: Desk, parts: Parts) -> Iterator[Published]:
    home, outside, rates = parts.home, parts.outside, parts.rates
    yield desk.daily("SELIC_TARGET", "Policy rate in force", "percent", home.selic, decimals=2, clock=MORNING)
    overnight = {"CDI": ("Interbank rate", home.cdi), "FED_FUNDS": ("US policy rate, effective", outside.fed_funds)}
    overnight["SOFR"] = ("US secured overnight rate", outside.sofr)
    for key, (title, values) in overnight.items():
        yield desk.daily(key, title, "percent", values, decimals=2, clock=MORNING, later=1)
    for column, name in enumerate(DI):
        yield desk.daily(name, f"Nominal zero yield, {name[3:]}", "percent", rates.di[:, column])
    for column, name in enumerate(UST):
        yield desk.daily(name, f"US Treasury yield, {name[4:]}", "percent", outside.yields[:, column])
    for column, name in enumerate(NTNB):
        yield desk.daily(name, f"Real zero yield, {name[5:]}", "percent", rates.real[:, column])
    yield desk.daily("CUPOM_6M", "Onshore dollar rate, six months", "percent", rates.cupom_6m)
    yield desk.daily("CUPOM_1Y", "Onshore dollar rate, one year", "percent", rates.cupom_1y)
    yield desk.daily("NDF_6M", "Dollar rate that offshore forwards imply, six months", "percent", rates.ndf_6m)


def _expectations(desk: Desk, parts: Parts) -> Iterator[Published]:
    survey, days = parts.survey, parts.air.days
    whens = ("this year", "the next year", "the year after that", "the third year after this")

    def daily(key: str, title: str, values: Floats) -> Published:
        return desk.daily(key, title, "percent", values, decimals=2, clock=MORNING, later=1)

    yield daily("FOCUS_IPCA_12M", "Expected inflation, next twelve months", survey.inflation_12m)
    for ahead, values in enumerate(survey.inflation):
        yield daily(f"FOCUS_IPCA_Y{ahead}", f"Expected inflation, {whens[ahead]}", values)
    for ahead, values in enumerate(survey.selic):
        yield daily(f"FOCUS_SELIC_Y{ahead}", f"Expected mean policy rate, {whens[ahead]}", values)
    single = parts.single_months
    about = ("FOCUS_IPCA_MONTHLY", "Expected inflation of one month, dated by its first day", "percent", "monthly")
    yield desk.rows(about, single.observed, at(days.open_from(single.asked, 1), MORNING), single.value)


def _monthly(desk: Desk, parts: Parts) -> Iterator[Published]:
    days, home, state = parts.air.days, parts.home, parts.state
    months, ends = days.months, month_end(days.months)
    ipca = at(parts.releases.date[: len(months)], NOON)
    yield desk.rows(("IPCA_MOM", "Consumer prices, over the month", "percent", "monthly"), ends, ipca, home.inflation)
    about = ("IPCA_12M", "Consumer prices, over twelve months", "percent", "monthly")
    yield desk.rows(about, ends, ipca, home.inflation_12m)
    about = ("IPCA15_MOM", "Preview of consumer prices, over the month to its middle", "percent", "monthly")
    yield desk.rows(about, month_day(months, 15), at(preview_releases(days), NOON), home.preview)
    about = ("US_CPI_YOY", "US consumer prices, over twelve months", "percent", "monthly")
    yield desk.rows(about, ends, at(us_inflation_release(days), STATISTICS), parts.outside.inflation)
    fiscal = at(days.open_until(month_end(months + 1)), MORNING)
    yield desk.rows(("DEBT_GDP", "Gross public debt over GDP", "percent", "monthly"), ends, fiscal, state.debt)
    about = ("PRIMARY_GDP", "Primary surplus over GDP, twelve months", "percent", "monthly")
    yield desk.rows(about, ends, fiscal, state.primary)
    trade = at(days.open_from(month_day(months + 1, 1)), "18:00")
    about = ("TRADE_BAL", "Trade balance", "usd_mn", "monthly")
    yield desk.rows(about, ends, trade, np.round(state.trade))
    yield _activity(desk, parts)
    yield _gap(desk, parts)
    yield from _targets(desk, days.year_of_month)


def _activity(desk: Desk, parts: Parts) -> Published:
    """Published in the middle of the second month after, with an error that two revisions remove."""
    days, said = parts.air.days, parts.state.activity
    error = 0.35 * plain(parts.air.stream("activity error"), len(said))
    whens = [at(days.open_from(month_day(days.months + later, 15)), MORNING) for later in (2, 3, 4)]
    vintages = [(when, said + share * error) for when, share in zip(whens, (1.0, 0.4, 0.0), strict=True)]
    about = ("IBC_BR", "Economic activity, seasonally adjusted", "index", "monthly")
    return desk.revised(about, month_end(days.months), vintages)


def _gap(desk: Desk, parts: Parts) -> Published:
    days, said = parts.air.days, parts.home.gap
    error = 0.5 * plain(parts.air.stream("gap error"), len(said))
    whens = [at(days.open_from(month_day(days.months + later, 25)), MORNING) for later in (2, 6)]
    vintages = [(when, said + share * error) for when, share in zip(whens, (1.0, 0.4), strict=True)]
    about = ("OUTPUT_GAP", "Output over its potential, an estimate", "percent", "monthly")
    return desk.revised(about, month_end(days.months), vintages)


def _targets(desk: Desk, of_months: Places) -> Iterator[Published]:
    """Decreed on 30 June two years before, three from 2018 on; next years' are known long before they begin."""
    years = np.arange(int(of_months[0]), int(of_months[-1]) + 1)
    begins = np.array([f"{year}-01-01" for year in years], dtype="datetime64[D]")
    decreed = [f"{year - (2 if year < 2018 else 3)}-06-30" for year in years]
    known = at(np.array(decreed, dtype="datetime64[D]"), NOON)
    for key, title, rule in (
        ("INFLATION_TARGET", "Inflation target of the year", target),
        ("INFLATION_BAND", "Tolerance around the target, each way", band),
    ):
        yield desk.rows((key, title, "percent", "yearly"), begins, known, np.array([rule(int(year)) for year in years]))


def _weekly(desk: Desk, parts: Parts) -> Iterator[Published]:
    days, market = parts.air.days, parts.market
    shown = days.sessions[days.visible]
    # The week to Friday is published on the Wednesday after it.
    wednesday = days.open_from(shown + (9 - (shown.astype(np.int64) + 3) % 7))
    for key, title, values in (
        ("FXFLOW_TOTAL", "Currency that came in, net", market.flow),
        ("FXFLOW_FIN", "Currency that came in by the financial account, net", market.financial),
    ):
        known, said = at(wednesday, _WEEKLY_HOUR), np.round(values[days.visible])
        yield desk.rows((key, title, "usd_mn", "daily"), shown, known, said)
    friday = days.open_from(market.tuesdays + 3)
    about = ("CFTC_BRL_NET", "Speculators' net position in the real", "contracts", "weekly")
    later = market.tuesdays >= np.datetime64(days.shown) - 365 * 3
    yield desk.rows(about, market.tuesdays[later], at(friday, _TRADERS_HOUR)[later], market.contracts[later])


def _peers(desk: Desk, parts: Parts) -> Iterator[Published]:
    """Brazil among its peers: spreads daily; by year in April after it, revised in October."""
    countries = parts.others | {"BR": _brazil(parts)}
    years = np.unique(parts.air.days.year_of_month)
    ends = np.array([f"{year}-12-31" for year in years], dtype="datetime64[D]")
    for name, item in sorted(countries.items()):
        yield desk.daily(f"CDS_5Y.{name}", f"Protection on {name}, five years", "bps", item.spread, decimals=1)
        for key, title, values in (
            ("DEBT_GDP", "Public debt over GDP", item.debt),
            ("CURRENT_ACCOUNT", "Current account over GDP", item.current_account),
            ("INFLATION", "Consumer prices over the year", item.inflation),
            ("GROWTH", "Growth of GDP over the year", item.growth),
        ):
            about = (f"{key}.{name}", f"{title}, {name}", "percent", "yearly")
            yield desk.revised(about, ends, _yearly(parts, f"{key}.{name}", years, values))


def _yearly(parts: Parts, key: str, years: Places, values: Floats) -> list[tuple[Times, Floats]]:
    error = 0.25 * plain(parts.air.stream(f"error {key}"), len(values))
    whens = [
        at(np.array([f"{year + 1}-{month}-15" for year in years], dtype="datetime64[D]"), STATISTICS)
        for month in ("04", "10")
    ]
    return [(when, values + share * error) for when, share in zip(whens, (1.0, 0.3), strict=True)]


def _brazil(parts: Parts) -> Country:
    """The country of the world in the form of its peers, by December of each year."""
    days, state, home = parts.air.days, parts.state, parts.home
    december = np.flatnonzero(days.months.astype(np.int64) % 12 == 11)
    before = np.maximum(december - 12, 0)
    years = np.arange(len(december))
    over_the_year = np.add.reduceat(state.trade, december[years] - 11)
    return Country(
        spread=state.cds_5y,
        debt=state.debt[december],
        current_account=over_the_year / 18_000.0 - 3.0,  # percent of a GDP of USD 1.8 tn, less services and income
        inflation=home.inflation_12m[december],
        growth=(state.activity[december] / state.activity[before] - 1.0) * 100.0,
    )
