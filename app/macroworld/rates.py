"""The curves at home: nominal zeros, real yields, and the dollar rates on both sides of the border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.instruments import DI, NTNB, UST
from app.macroworld.abroad import Abroad
from app.macroworld.calendars import Events, next_meeting
from app.macroworld.chance import BOOM, STRAIN, STRESS, Clustering, reverting, shocks
from app.macroworld.home import LOWEST_RATE, Home
from app.macroworld.surveys import Surveys, path_mean
from app.macroworld.weather import HOME_SIZE, Weather
from engine.intake import Floats

# What lenders ask beyond expectations where the regime lasts, percentage points at the long end.
PREMIUM = {STRESS: 0.6, STRAIN: 1.1, BOOM: -0.5}


@dataclass(frozen=True)
class Rates:
    """Percent, [T] each; `di` [T, 8] and `real` [T, 3] by tenor."""

    di: Floats
    real: Floats
    cupom_6m: Floats
    cupom_1y: Floats
    ndf_6m: Floats
    forward: Floats  # USDBRL in a year, a price


def rates(air: Weather, outside: Abroad, home: Home, survey: Surveys, copom: Events) -> Rates:
    di = _nominal(air, home, survey, copom)
    tenors = list(UST)
    squeeze = np.where(air.regime == STRESS, 1.1, 0.0)
    basis = reverting(0.045 * (0.5 * air.risk + 0.4 * air.home) + 0.05 * air.own("basis"), 0.02, squeeze)
    own = reverting(0.03 * air.own("basis 6m"), 0.06)
    half = outside.yields[:, tenors.index("UST_6M")] + 0.7 + 1.1 * basis + own
    year = outside.yields[:, tenors.index("UST_1Y")] + 0.8 + basis
    wall = reverting(0.028 * (0.8 * air.own("offshore") + 0.4 * air.home), 0.03)
    one = di[:, list(DI).index("DI_1Y")]
    forward = home.spot * (1.0 + one / 100.0) / (1.0 + year / 100.0 * 365.0 / 360.0)
    return Rates(di, _real(air, di, survey), half, year, half - 0.15 - wall, forward)


def _nominal(air: Weather, home: Home, survey: Surveys, copom: Events) -> Floats:
    """Expected policy path, what the market makes of it beyond surveys, and a premium that grows with the term."""
    count = len(air.days.sessions)
    mean = sum((np.where(air.regime == regime, extra, 0.0) for regime, extra in PREMIUM.items()), np.zeros(count))
    uneasy = 0.45 * air.home + 0.25 * air.risk + 0.10 * home.currency
    own = shocks(air.stream("premium"), HOME_SIZE[air.regime], Clustering(0.08, 0.88, 6.0))
    lately = shocks(air.stream("view"), np.ones(count), Clustering(0.08, 0.88, 6.0))
    premium = 0.55 + reverting(0.095 * (uneasy + 0.65 * own), 0.008, mean)
    view = reverting(0.085 * (0.8 * lately + 0.5 * uneasy), 0.012)
    near = _next_step(air, home, copom)
    columns = []
    for name, years in DI.items():
        path = path_mean(home.selic, survey.destination, 0.0, years)
        belly = -np.expm1(-2.5 * years) * np.exp(-years / 7.0)
        term = -np.expm1(-years / 2.5)
        noise = (0.004 + 0.012 * min(1.0, years)) * air.own(name)
        columns.append(path + near * np.exp(-2.0 * years) + view * belly + premium * term + noise)
    found: Floats = np.maximum(np.column_stack(columns), 0.6 * LOWEST_RATE)
    return found


def _next_step(air: Weather, home: Home, copom: Events) -> Floats:
    """What the next decision adds to the month from today: a guess of it, by the days on which it will rule. [T]"""
    rule = home.rule[air.days.month_of]
    guess = np.clip(0.35 * (rule - home.selic), -1.0, 1.25)
    guess += reverting(0.035 * air.own("copom watch"), 0.06)
    _, away = next_meeting(air.days, copom)
    share: Floats = np.clip((21.0 - away) / 21.0, 0.0, 1.0)
    return guess * share


def _real(air: Weather, di: Floats, survey: Surveys) -> Floats:
    """(1 + nominal) / (1 + expected inflation + premium) - 1 for each tenor, [T, 3]."""
    premium = 0.15 + reverting(0.040 * (0.85 * air.own("inflation risk") + 0.3 * air.home), 0.010)
    long_run = survey.aim
    columns = []
    for name, years in NTNB.items():
        faded = -np.expm1(-0.7 * years) / (0.7 * years)
        expected = long_run + (survey.inflation_12m - long_run) * faded
        wanted = expected + premium * (0.8 + 0.02 * years) + 0.015 * air.own(name)
        nominal = di[:, list(DI.values()).index(years)]
        columns.append(((1.0 + nominal / 100.0) / (1.0 + wanted / 100.0) - 1.0) * 100.0)
    found: Floats = np.column_stack(columns)
    return found
