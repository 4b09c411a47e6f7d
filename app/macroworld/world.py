"""The whole world of one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.instruments import INFLATION, prices
from app.macroworld.abroad import abroad
from app.macroworld.calendars import COPOM, FOMC, Events, inflation_releases, meetings
from app.macroworld.catalogue import Parts, daily_values, everything
from app.macroworld.days import Days
from app.macroworld.home import home
from app.macroworld.markets import markets
from app.macroworld.published import Published
from app.macroworld.rates import rates
from app.macroworld.sovereign import peers, sovereign
from app.macroworld.surveys import monthly_surveys, surveys
from app.macroworld.weather import weather
from engine.intake import Floats, Times

SEED = 25  # of the world that is shipped
PRICE_DECIMALS = 4


@dataclass(frozen=True)
class World:
    """Sessions [T], prices by instrument [T], series as published, calendars."""

    seed: int
    sessions: Times
    prices: dict[str, Floats]
    series: list[Published]
    calendars: dict[str, Events]


def generate(seed: int = SEED, days: Days | None = None) -> World:
    """Make a world. The same seed makes the same numbers, up to the last bits of the machine's exp and log."""
    days = days or Days()
    fomc, copom = meetings(days, FOMC, "06-15"), meetings(days, COPOM, "06-28")
    parts = _parts(seed, days, fomc, copom)
    series = everything(parts)
    shown = days.sessions[days.visible]
    made = prices(daily_values(series) | {INFLATION: released_inflation(shown, series)})
    calendars = {"FOMC": fomc, "COPOM": copom, "IBGE_IPCA": parts.releases}
    return World(
        seed=seed,
        sessions=shown,
        prices={name: np.round(values, PRICE_DECIMALS) for name, values in made.items()},
        series=[item.until(days) for item in series],
        calendars={key: _recent(events, days) for key, events in calendars.items()},
    )


def released_inflation(sessions: Times, series: list[Published]) -> Floats:
    """The last IPCA that was released by the close of each session, percent a month. [T]"""
    monthly = next(item for item in series if item.key == "IPCA_MOM")
    known = np.searchsorted(monthly.available.astype("datetime64[D]"), sessions, side="right") - 1
    return monthly.value[known]


def _parts(seed: int, days: Days, fomc: Events, copom: Events) -> Parts:
    air, releases = weather(seed, days), inflation_releases(days)
    outside = abroad(air, fomc)
    inside = home(air, outside, copom)
    survey = surveys(air, inside, releases)
    state = sovereign(air, outside, inside)
    return Parts(
        air=air,
        outside=outside,
        home=inside,
        survey=survey,
        single_months=monthly_surveys(air, inside, survey, releases),
        rates=rates(air, outside, inside, survey, copom),
        state=state,
        others=peers(air),
        market=markets(air, outside, inside, state),
        releases=releases,
    )


def _recent(events: Events, days: Days) -> Events:
    """From the year before the first session that is shown on."""
    kept = events.date >= np.datetime64(days.shown) - 365
    return Events(events.date[kept], events.announced[kept], events.reference[kept])
