"""Flows, positions, volatility and shares: what follows the currency and the mood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.macroworld.abroad import Abroad
from app.macroworld.chance import Clustering, plain, reverting, shocks
from app.macroworld.home import Home
from app.macroworld.sovereign import Sovereign
from app.macroworld.weather import Weather
from engine.intake import Floats, Times

FIRST_INDEX = 68_000.0
SHARES_DRIFT = np.array([0.0006, 0.0008, -0.0012, -0.0001])


@dataclass(frozen=True)
class Markets:
    """[T] each, USD mn, percent, points; contracts by Tuesday [W]."""

    flow: Floats
    financial: Floats
    implied: Floats
    shares: Floats
    tuesdays: Times
    contracts: Floats


def markets(air: Weather, outside: Abroad, home: Home, state: Sovereign) -> Markets:
    financial = _financial(air, home)
    commercial = state.trade[air.days.month_of] / 21.0 + 110.0 * air.own("commercial")
    tuesdays, contracts = _positions(air, home)
    return Markets(financial + commercial, financial, _implied(air, outside, home), _shares(air), tuesdays, contracts)


def _financial(air: Weather, home: Home) -> Floats:
    """Money comes where the carry is, leaves with fear, and a part of a currency's move is its mark."""
    waves = reverting(18.0 * air.own("waves"), 0.03)
    draw = 14.0 * (home.selic - 10.0)
    pressed = -70.0 * home.currency - 45.0 * air.risk
    noise = 190.0 * plain(air.stream("financial"), len(air.days.sessions), 4.0)
    found: Floats = -40.0 + waves + draw + pressed + noise
    return found


def _positions(air: Weather, home: Home) -> tuple[Times, Floats]:
    """Speculators follow the trend of the real; contracts, positive is long BRL. [W]"""
    every = np.arange(air.days.sessions[0], air.days.sessions[-1] + 1)
    tuesdays = every[(every.astype(np.int64) + 3) % 7 == 1]
    places = np.searchsorted(air.days.sessions, tuesdays, side="right") - 1
    logs = np.log(home.spot)
    trend = (logs[places] - logs[np.maximum(places - 42, 0)]) * 100.0
    noise = 4200.0 * plain(air.stream("positions"), len(places))
    return tuesdays, np.round(reverting(-180.0 * trend + noise, 0.09, 2000.0))


def _implied(air: Weather, outside: Abroad, home: Home) -> Floats:
    """What options ask: recent volatility, drawn to its mean, and fear; percent a year. [T]"""
    squares = np.diff(np.log(home.spot), prepend=np.log(home.spot[0])) ** 2 * 252.0
    recent = np.sqrt(reverting(np.zeros(len(squares)), 0.05, squares, start=0.0225)) * 100.0
    asked = 0.65 * recent + 0.22 * (outside.vix - 18.0) + 6.2
    found: Floats = np.maximum(4.0, asked + reverting(0.30 * air.own("options"), 0.05))
    return found


def _shares(air: Weather) -> Floats:
    own = shocks(air.stream("shares"), np.ones(len(air.days.sessions)), Clustering(0.07, 0.90, 7.0))
    moves = 0.0135 * (0.58 * own - 0.55 * air.risk - 0.38 * air.home + 0.28 * air.demand)
    logs = np.cumsum(moves + SHARES_DRIFT[air.regime])
    shares: Floats = FIRST_INDEX * np.exp(logs - logs[np.argmax(air.days.visible)])
    return shares
