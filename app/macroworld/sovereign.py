"""The state: its debt, its spread, and the peers that both are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.macroworld.abroad import Abroad
from app.macroworld.chance import BOOM, STRAIN, STRESS, Clustering, plain, reverting, shocks
from app.macroworld.home import Home
from app.macroworld.weather import Weather
from engine.intake import Floats

GROWTH_TREND = 2.2  # percent a year
SPREAD = np.log(np.array([155.0, 115.0, 285.0, 300.0]))  # basis points, by regime

# Debt, current account, inflation and growth that a country is drawn to, and its spread beyond what those explain.
PEERS = {
    "MX": (45.0, -1.5, 4.2, 2.3, 0.00),
    "CO": (48.0, -3.8, 4.3, 3.4, 0.05),
    "CL": (24.0, -2.2, 3.4, 3.2, -0.35),
    "ZA": (54.0, -3.2, 5.4, 1.7, 0.15),
    "TR": (36.0, -4.6, 10.5, 4.6, 0.05),
    "PL": (52.0, -1.6, 2.6, 3.6, -0.50),
    "HU": (75.0, 0.4, 3.4, 2.6, -0.05),
}


@dataclass(frozen=True)
class Sovereign:
    """Spreads in basis points [T]; debt and primary surplus in percent of GDP, an index, trade in USD mn [M]."""

    cds_5y: Floats
    cds_1y: Floats
    debt: Floats
    primary: Floats
    activity: Floats
    trade: Floats


@dataclass(frozen=True)
class Country:
    """A peer: spread in basis points [T]; by year [Y], percent."""

    spread: Floats
    debt: Floats
    current_account: Floats
    inflation: Floats
    growth: Floats


def sovereign(air: Weather, outside: Abroad, home: Home) -> Sovereign:
    debt, primary = _budget(air, home)
    burden = 0.012 * (debt[air.days.month_of] - 72.0)
    own = shocks(air.stream("spread"), np.ones(len(air.days.sessions)), Clustering(0.08, 0.88, 6.0))
    moves = 0.030 * (0.52 * air.risk + 0.48 * air.home + 0.12 * home.currency + 0.55 * own)
    five = np.exp(reverting(moves, 0.012, SPREAD[air.regime] + burden))
    # Near a crisis one year costs nearly what five do.
    slope = 0.46 + 0.36 * np.tanh((five - 200.0) / 110.0)
    slope = slope + reverting(0.010 * air.own("short spread"), 0.03)
    activity = 100.0 * np.exp((np.arange(len(debt)) * GROWTH_TREND / 12.0 + home.gap) / 100.0)
    return Sovereign(five, five * np.clip(slope, 0.08, 0.95), debt, primary, activity, _trade(air, outside, home))


def _budget(air: Weather, home: Home) -> tuple[Floats, Floats]:
    """Debt grows by what it costs over what the economy grows, less the primary surplus that answers to it. [M]"""
    noise = reverting(0.22 * plain(air.stream("budget"), len(air.days.months)), 0.10)
    slack = -5.0 * air.share(STRAIN) - 2.2 * air.share(STRESS) + 2.0 * air.share(BOOM)
    policy = reverting(np.zeros(len(slack)), 0.08, slack)
    rate = home.selic[air.days.month_ends]
    debt, primary, level = np.empty(len(rate)), np.empty(len(rate)), 65.5
    for month in range(len(rate)):
        surplus = 1.25 + 0.015 * (level - 70.0) + 0.28 * home.gap[month] + policy[month] + noise[month]
        cost = 0.75 * (rate[month] - home.inflation_12m[month]) - GROWTH_TREND
        level += (level * cost / 100.0 - surplus) / 12.0
        debt[month], primary[month] = level, surplus
    return debt, primary


def _trade(air: Weather, outside: Abroad, home: Home) -> Floats:
    """Exports follow commodities and a weak currency with a lag, imports the cycle; USD mn a month. [M]"""
    ends = air.days.month_ends
    season = 900.0 * np.sin(2.0 * np.pi * (air.days.months.astype(np.int64) % 12 - 2) / 12.0)
    terms = outside.terms_of_trade[ends]
    weak = np.log(home.spot)[ends] - np.log(home.spot)[np.maximum(ends - 504, 0)]
    lagged = np.append(weak[:3], weak[:-3])
    noise = 1100.0 * plain(air.stream("trade"), len(ends))
    trade: Floats = 500.0 + 4200.0 * terms + 5500.0 * lagged - 550.0 * home.gap + season + noise
    return trade


def peers(air: Weather) -> dict[str, Country]:
    """Seven countries whose spreads follow their fundamentals, the fear abroad, and themselves."""
    return {name: _peer(air, name) for name in PEERS}


def _peer(air: Weather, name: str) -> Country:
    debt0, account0, inflation0, growth0, extra = PEERS[name]
    years = np.unique(air.days.year_of_month)
    rng = air.stream(f"peer {name}")
    debt = debt0 + reverting(2.2 * plain(rng, len(years)), 0.12)
    account = account0 + reverting(0.9 * plain(rng, len(years)), 0.35)
    inflation = np.maximum(-0.5, inflation0 + reverting(0.25 * inflation0 * plain(rng, len(years)), 0.35))
    growth = growth0 + reverting(1.8 * plain(rng, len(years)), 0.75)
    base = spread_of(debt, account, inflation, growth) + extra
    year = air.days.sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    mean = np.interp(year + 0.0, years + 1.0, base)
    fear = np.array([-0.12, -0.22, 0.45, 0.0])[air.regime]
    own = shocks(air.stream(f"spread {name}"), np.ones(len(air.days.sessions)), Clustering(0.08, 0.88, 6.0))
    spread = np.exp(reverting(0.028 * (0.58 * air.risk + 0.75 * own), 0.012, mean + fear))
    return Country(spread, debt, account, inflation, growth)


def spread_of(debt: Floats, account: Floats, inflation: Floats, growth: Floats) -> Floats:
    """The log of the spread in basis points that fundamentals explain."""
    said: Floats = 4.55 + 0.006 * (debt - 50.0) - 0.06 * account + 0.07 * (inflation - 4.0) - 0.05 * (growth - 3.0)
    return said
