"""The country: output, inflation, expectations and the policy rate, month by month; the currency day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.macroworld.abroad import Abroad
from app.macroworld.calendars import Events
from app.macroworld.chance import BOOM, STRAIN, STRESS, Clustering, plain, reverting, shocks
from app.macroworld.days import Days
from app.macroworld.weather import Weather
from engine.intake import Floats

# Percent by month of the year: harvests, school fees, tariffs.
SEASON = np.array([0.14, 0.20, 0.06, 0.05, -0.03, -0.16, -0.18, -0.20, -0.06, 0.02, 0.03, 0.13])
NEUTRAL_REAL_RATE = 4.5  # percent
US_TREND = 2.2
LOWEST_RATE = 2.0
CDI_BELOW_TARGET = 0.10  # percentage points
FIRST_SPOT = 1.80  # on the first session that is shown
CURRENCY_SIZE = np.array([0.85, 0.80, 1.45, 1.20])
CURRENCY_DRIFT = np.array([-0.0001, -0.0004, 0.0010, 0.0004])


def target(year: int) -> float:
    """The inflation target of a year in percent: 4.5, from 2019 on a quarter point less a year until 3."""
    return float(np.clip(4.5 - 0.25 * (year - 2018), 3.0, 4.5))


def band(year: int) -> float:
    """How far from the target inflation may be, percentage points."""
    return 2.0 if year < 2017 else 1.5


@dataclass(frozen=True)
class Home:
    """Monthly [M] unless it says [T].

    Args:
        gap: output over its potential, percent.
        inflation, preview, inflation_12m: IPCA and IPCA-15 over a month, IPCA over twelve, percent.
        expected: inflation of the next twelve months as people see it after the month's release, percent.
        rule: what the policy rate would be without inertia, percent.
        selic: the policy rate [T], percent.
        spot: USDBRL [T].
        currency: what moved it beside inflation, unit size [T].
    """

    gap: Floats
    inflation: Floats
    preview: Floats
    inflation_12m: Floats
    expected: Floats
    rule: Floats
    selic: Floats
    spot: Floats
    currency: Floats

    @property
    def cdi(self) -> Floats:
        return self.selic - CDI_BELOW_TARGET


def home(air: Weather, outside: Abroad, copom: Events) -> Home:
    currency, real = _real_exchange_rate(air, outside)
    economy = _Economy(air, real)
    places = _within(air.days, copom)
    meetings = dict(zip(air.days.month_of[places].tolist(), places.tolist(), strict=True))
    selic = np.empty(len(air.days.sessions))
    rate, since = 12.0, 0
    for month in range(len(air.days.months)):
        economy.advance(month, rate)
        if month in meetings:
            selic[since : meetings[month] + 1], since = rate, meetings[month] + 1
            step = np.clip(0.35 * (economy.rule[month] - rate), -1.0, 1.25)
            rate = max(LOWEST_RATE, rate + round(float(step) * 4.0) / 4.0)
    selic[since:] = rate
    logs = real + np.cumsum(economy.drift()[air.days.month_of])
    spot = FIRST_SPOT * np.exp(logs - logs[np.argmax(air.days.visible)])
    preview = 0.5 * (economy.inflation + np.append(economy.inflation[0], economy.inflation[:-1]))
    preview += 0.06 * plain(air.stream("preview"), len(air.days.months))
    return Home(
        gap=economy.gap,
        inflation=economy.inflation,
        preview=preview,
        inflation_12m=economy.year,
        expected=economy.expected,
        rule=economy.rule,
        selic=selic,
        spot=spot,
        currency=currency,
    )


def _within(days: Days, events: Events) -> NDArray[np.intp]:
    """The sessions that have an event."""
    places = days.place(events.date)
    return places[places < len(days.sessions)]


def _real_exchange_rate(air: Weather, outside: Abroad) -> tuple[Floats, Floats]:
    """Daily shocks of unit size, and the log of the real exchange rate (higher is a weaker currency). [T] each"""
    own = shocks(air.stream("currency"), CURRENCY_SIZE[air.regime], Clustering(0.08, 0.89, 6.0))
    mixed = 0.33 * air.risk + 0.42 * air.home - 0.20 * air.demand + 0.78 * own
    fair = -0.35 * outside.terms_of_trade
    return mixed, reverting(0.0094 * mixed + CURRENCY_DRIFT[air.regime], 0.0030, fair)


class _Economy:
    """A small New Keynesian economy with inertia, one month after the other."""

    def __init__(self, air: Weather, real: Floats) -> None:
        count = len(air.days.months)
        self.years = air.days.year_of_month
        self.season = SEASON[air.days.months.astype(np.int64) % 12]
        self.weaker = np.diff(real[air.days.month_ends], prepend=real[0]) * 100.0
        fear = air.share(STRESS)
        self.pull = 0.22 * air.share(BOOM) - 0.42 * fear - 0.22 * air.share(STRAIN)
        self.doubt = 1.2 * air.share(STRAIN) - 0.8 * fear
        self.demand = 0.42 * plain(air.stream("output"), count, 4.0)
        self.supply = reverting(0.16 * plain(air.stream("prices"), count, 5.0), 0.45)
        self.mood = 0.06 * plain(air.stream("expectations"), count)
        self.gap, self.inflation, self.year, self.expected, self.rule = (np.zeros(count) for _ in range(5))

    def advance(self, month: int, rate: float) -> None:
        """Make the month out of those before and of the policy rate at its beginning."""
        aim = target(int(self.years[month]))
        before, expected = (self.gap[month - 1], self.expected[month - 1]) if month else (0.0, 5.0)
        tight = rate - expected - NEUTRAL_REAL_RATE
        self.gap[month] = 0.93 * before - 0.035 * tight + self.pull[month] + self.demand[month]
        passed = 0.018 * float(self.weaker[max(0, month - 3) : month].sum())
        monthly = expected / 12.0 + self.season[month] + 0.025 * self.gap[month] + passed + self.supply[month]
        self.inflation[month] = monthly
        # The year begins with what was expected where there are not twelve months yet.
        known = self.inflation[max(0, month - 11) : month + 1]
        self.year[month] = (np.prod(1.0 + known / 100.0) - 1.0) * 100.0 + (12 - len(known)) * 5.0 / 12.0
        wanted = aim + 0.55 * (self.year[month] - aim) + 0.02 * float(self.weaker[month])
        self.expected[month] = expected + 0.12 * (wanted - expected) + self.mood[month]
        surprise = self.expected[month] - aim
        calm = NEUTRAL_REAL_RATE + self.expected[month] + 2.0 * surprise + 0.60 * self.gap[month]
        self.rule[month] = calm + 0.40 * (self.year[month] - aim) + self.doubt[month]

    def drift(self) -> Floats:
        """What inflation at home over that abroad adds to the log of the spot rate on a session, [M]."""
        drift: Floats = (self.expected - US_TREND) / 100.0 / 252.0
        return drift
