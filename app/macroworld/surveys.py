"""What analysts expect: inflation and the policy rate by horizon, as surveys say it day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.macroworld.calendars import Events, preview_releases
from app.macroworld.chance import reverting
from app.macroworld.home import NEUTRAL_REAL_RATE, SEASON, Home, target
from app.macroworld.weather import Weather
from engine.intake import Floats, Times

ADJUSTMENT = 0.12  # share of the news that answers take in each session
SPEED = 1.1  # a year, at which the policy rate is thought to go where it is going


@dataclass(frozen=True)
class Surveys:
    """Percent, [T] each; lists are for this calendar year, the next, …"""

    inflation_12m: Floats
    inflation: list[Floats]
    selic: list[Floats]
    destination: Floats  # where the policy rate is thought to go
    aim: Floats  # the inflation target of the year that a year from now is in


class Monthly(NamedTuple):
    """Surveys about single months: first day of the month, day of the survey, percent. [R]"""

    observed: Times
    asked: Times
    value: Floats


def surveys(air: Weather, home: Home, releases: Events) -> Surveys:
    noise = reverting(0.012 * air.own("focus"), 0.06)
    expected = _taken_in(_since_release(air, releases, home.expected)) + noise
    years = air.days.sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    aims = [np.array([target(year + ahead) for year in years]) for ahead in range(3)]
    rule = _taken_in(_since_release(air, releases, home.rule))
    rest = NEUTRAL_REAL_RATE + aims[1]
    destination = np.maximum(2.0, 0.55 * rest + 0.45 * rule)
    this_year = _this_year(air, home, releases, expected)
    following = [aim + share * (expected - aim) for aim, share in zip(aims[1:], (0.65, 0.35), strict=True)]
    noises = [reverting(0.010 * air.own(f"focus {year}"), 0.05) for year in range(3)]
    inflation = [said + doubt for said, doubt in zip([this_year, *following], noises, strict=True)]
    return Surveys(expected, inflation, _selic(air, home, destination), destination, aims[1])


def _since_release(air: Weather, releases: Events, monthly: Floats) -> Floats:
    """The value of the last month that was released before each session, [T]."""
    places = air.days.place(releases.date[: len(monthly)])
    known = np.searchsorted(places, np.arange(len(air.days.sessions)), side="right") - 1
    return monthly[np.maximum(known, 0)]


def _taken_in(news: Floats) -> Floats:
    return reverting(np.zeros(len(news)), ADJUSTMENT, news)


def _this_year(air: Weather, home: Home, releases: Events, expected: Floats) -> Floats:
    """What was released of the calendar year, and what is expected of its other months, compounded. [T]"""
    places = air.days.place(releases.date[: len(air.days.months)])
    known = np.searchsorted(places, np.arange(len(air.days.sessions)), side="right")
    logs = np.append(0.0, np.cumsum(np.log1p(home.inflation / 100.0)))
    months = air.days.months.astype(np.int64)
    january = air.days.month_of - months[air.days.month_of] % 12
    told = np.maximum(known, january)
    to_come = january + 12 - told
    seasons = np.append(0.0, np.cumsum(np.tile(SEASON, 2)))
    season = seasons[12] - seasons[told - january]
    year: Floats = np.expm1(logs[told] - logs[january] + (to_come * expected / 12.0 + season) / 100.0) * 100.0
    return year


def path_mean(start: Floats, end: Floats, first: Floats | float, last: Floats | float) -> Floats:
    """The mean of end + (start - end) e^(-SPEED t) between two times ahead, in years."""
    span = np.maximum(np.asarray(last) - np.asarray(first), 1e-9)
    faded = (np.exp(-SPEED * np.asarray(first)) - np.exp(-SPEED * np.asarray(last))) / (SPEED * span)
    mean: Floats = end + (start - end) * faded
    return mean


def _selic(air: Weather, home: Home, destination: Floats) -> list[Floats]:
    """The mean policy rate of this calendar year (what has passed of it counts too) and of the next three."""
    year = air.days.sessions.astype("datetime64[Y]")
    passed = (air.days.sessions - year.astype("datetime64[D]")).astype(np.int64) / 365.25
    first = np.searchsorted(year, year)
    summed = np.append(0.0, np.cumsum(home.selic))
    rows = np.arange(len(year))
    so_far = (summed[rows + 1] - summed[first]) / (rows + 1 - first)
    to_come = path_mean(home.selic, destination, 0.0, 1.0 - passed)
    means = [passed * so_far + (1.0 - passed) * to_come]
    means += [path_mean(home.selic, destination, ahead - passed, ahead + 1.0 - passed) for ahead in (1, 2, 3)]
    noises = [reverting(0.015 * air.own(f"focus selic {year}"), 0.05) for year in range(4)]
    return [mean + doubt for mean, doubt in zip(means, noises, strict=True)]


def monthly_surveys(air: Weather, home: Home, survey: Surveys, releases: Events) -> Monthly:
    """Weekly answers about one month, from the week before it until its release: closer and closer to it.

    How much of the truth they have in them: a tenth before the month, a half before its preview, then four fifths.
    """
    rng = air.stream("focus monthly")
    previews = preview_releases(air.days)
    found: list[tuple[np.datetime64, np.datetime64, float]] = []
    for month, name in enumerate(air.days.months):
        first, release = name.astype("datetime64[D]"), releases.date[month]
        weekly = np.arange(first - 7, release, 7)
        asked = np.unique(air.days.open_from(weekly[weekly > air.days.sessions[0]]))
        for day in asked[asked < min(release, air.days.sessions[-1])]:
            usual = survey.inflation_12m[air.days.place(day)] / 12.0 + SEASON[int(name.astype(np.int64)) % 12]
            share = 0.10 if day < first else 0.50 if day < previews[month] else 0.80
            told = usual + share * (home.inflation[month] - usual) + 0.025 * rng.standard_normal()
            found.append((first, day, float(told)))
    observed, asked_on, value = zip(*found, strict=True)
    return Monthly(np.array(observed), np.array(asked_on), np.array(value))
