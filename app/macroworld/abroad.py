"""The world outside: fear, commodities, US inflation, the Fed and its curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.instruments import UST
from app.macroworld.calendars import Events, next_meeting
from app.macroworld.chance import BOOM, STRESS, Clustering, plain, reverting, shocks
from app.macroworld.days import Days, month_day
from app.macroworld.weather import Weather
from engine.intake import Floats, Times

LOWEST_YIELD = 0.03  # percent


class Commodity(NamedTuple):
    """Price that it reverts to, daily volatility, share of the common demand, pull towards the mean per session."""

    price: float
    volatility: float
    demand: float
    pull: float


COMMODITIES = {
    "SOY": Commodity(12.0, 0.0135, 0.40, 0.0015),
    "IRON": Commodity(100.0, 0.0200, 0.45, 0.0015),
    "BRENT": Commodity(78.0, 0.0205, 0.55, 0.0020),
    "SUGAR": Commodity(19.0, 0.0185, 0.35, 0.0020),
    "COFFEE": Commodity(160.0, 0.0190, 0.30, 0.0015),
}
# Where the log of VIX and of commodities is drawn to in each regime.
FEAR = np.log(np.array([15.0, 15.0, 32.0, 19.5]))
PROSPERITY = np.array([0.0, 0.35, -0.40, -0.05])


@dataclass(frozen=True)
class Abroad:
    """[T] each, yields [T, 6]; US inflation [M]."""

    vix: Floats
    commodities: dict[str, Floats]
    fed_funds: Floats
    sofr: Floats
    yields: Floats
    inflation: Floats

    @property
    def terms_of_trade(self) -> Floats:
        """The mean log of commodity prices over where they revert to, [T]."""
        logs = [np.log(self.commodities[name] / item.price) for name, item in COMMODITIES.items()]
        mean: Floats = np.mean(logs, axis=0)
        return mean


def abroad(air: Weather, fomc: Events) -> Abroad:
    inflation = us_inflation(air)
    funds, step = _fed_funds(air, inflation, fomc)
    sofr = np.maximum(0.01, funds - 0.05 + 0.015 * air.own("sofr"))
    fear = 0.075 * (0.84 * air.risk + 0.54 * air.own("vix"))
    vix = np.exp(reverting(fear, 0.050, FEAR[air.regime]))
    prices = {name: _commodity(air, name) for name in COMMODITIES}
    return Abroad(vix, prices, funds, sofr, _yields(air, funds, _ahead(air, step, fomc)), inflation)


def us_inflation(air: Weather) -> Floats:
    """Twelve-month US inflation in percent: it has momentum, and booms heat it. [M]"""
    rng = air.stream("us inflation")
    pushes = 0.09 * plain(rng, len(air.days.months), 4.0)
    pushes += 0.06 * air.share(BOOM) - 0.12 * air.share(STRESS)
    momentum = reverting(pushes, 0.20)
    found: Floats = np.clip(reverting(momentum, 0.05, 2.3), -1.0, 9.0)
    return found


def _fed_funds(air: Weather, inflation: Floats, fomc: Events) -> tuple[Floats, Floats]:
    """Steps of 25 bp by meetings after a Taylor rule of what was published, in force from the next session on.

    The second one is the step that the rule would take on each session. [T] each
    """
    days = air.days
    known = inflation[np.maximum(0, days.month_of - 2)]
    wanted = known + 0.5 * (known - 2.0) - np.where(air.regime == STRESS, 2.5, 0.0)
    funds, rate, since = np.empty(len(days.sessions)), 2.0, 0
    for place in days.place(fomc.date):
        if place >= len(funds):
            break
        funds[since : place + 1], since = rate, place + 1
        step = np.clip(np.round(0.22 * (wanted[place] - rate) * 4.0) / 4.0, -0.75, 0.75)
        rate = max(0.125, rate + float(step))
    funds[since:] = rate
    return funds, np.clip(0.22 * (np.maximum(wanted, 0.125) - funds), -0.75, 0.75)


def _ahead(air: Weather, step: Floats, fomc: Events) -> Floats:
    """What of the next step is in short rates already: more of it the nearer the meeting. [T]"""
    _, away = next_meeting(air.days, fomc)
    share: Floats = np.clip(1.0 - away / 36.0, 0.0, 1.0)
    return step * share


def _yields(air: Weather, funds: Floats, ahead: Floats) -> Floats:
    """Nelson and Siegel's three shapes: a level, the policy rate's path to it, and a hump of expectations. [T, 6]"""
    level = reverting(0.049 * air.bonds, 0.0012, 3.0)
    lively = np.clip(0.45 + 0.28 * funds, 0.45, 1.5)  # near zero nothing moves at the short end
    bends = shocks(air.stream("hump"), lively, Clustering(0.12, 0.86, 6.0))
    hump = reverting(0.065 * (0.92 * bends + 0.12 * air.bonds * lively), 0.008, -0.2)
    start = funds + ahead + reverting(0.018 * air.own("fed watch"), 0.03)
    columns = []
    for name, years in UST.items():
        path = -np.expm1(-0.5 * years) / (0.5 * years)
        bulge = path - np.exp(-0.5 * years)
        noise = 0.008 * air.own(name)
        columns.append(level + (start - level) * path + hump * 1.9 * bulge + noise)
    found: Floats = np.maximum(np.column_stack(columns), LOWEST_YIELD)
    return found


def _commodity(air: Weather, name: str) -> Floats:
    item = COMMODITIES[name]
    own = shocks(air.stream(name), np.ones(len(air.days.sessions)), Clustering(0.07, 0.90, 6.0))
    steps = item.volatility * (item.demand * air.demand + np.sqrt(1 - item.demand**2) * own)
    logs: Floats = reverting(steps, item.pull, PROSPERITY[air.regime], start=-0.3)
    prices: Floats = item.price * np.exp(logs)
    return prices


def us_inflation_release(days: Days) -> Times:
    """US CPI of each month: the first session from the 12th of the next month on. [M]"""
    found: Times = days.open_from(month_day(days.months + 1, 12))
    return found
