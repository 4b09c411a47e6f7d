"""What moves everything: the regime of each session and a handful of common shocks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.macroworld.chance import Clustering, plain, regimes, shocks
from app.macroworld.days import Days
from engine.intake import Floats

# How large shocks are in each regime: calm, boom, stress, strain.
RISK_SIZE = np.array([0.80, 0.75, 1.70, 1.00])
HOME_SIZE = np.array([0.80, 0.80, 1.20, 1.50])


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers of one part of the world: what another part draws does not change them."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


@dataclass(frozen=True)
class Weather:
    """Common shocks of about unit variance, [T] each.

    Args:
        seed, days: of the world.
        regime: see `chance`.
        risk: fear abroad; positive is bad.
        home: distrust of the country; positive is bad.
        demand: for commodities; positive is good.
        bonds: of the level of US yields; fear pulls it down.
    """

    seed: int
    days: Days
    regime: NDArray[np.intp]
    risk: Floats
    home: Floats
    demand: Floats
    bonds: Floats

    def stream(self, name: str) -> np.random.Generator:
        return stream(self.seed, name)

    def own(self, name: str) -> Floats:
        """Shocks that nothing else shares, of constant size, [T]."""
        return plain(self.stream(name), len(self.days.sessions))

    def share(self, regime: int) -> Floats:
        """Which part of each month the regime had, [M]."""
        months = self.days.month_of
        share: Floats = np.bincount(months, weights=self.regime == regime) / np.bincount(months)
        return share


def weather(seed: int, days: Days) -> Weather:
    count = len(days.sessions)
    regime = regimes(stream(seed, "regime"), count)
    risk = shocks(stream(seed, "risk"), RISK_SIZE[regime], Clustering(0.09, 0.87, 6.0))
    home = shocks(stream(seed, "home"), HOME_SIZE[regime], Clustering(0.06, 0.90, 6.5))
    own = shocks(stream(seed, "demand"), np.ones(count))
    bonds = shocks(stream(seed, "bonds"), np.ones(count), Clustering(0.09, 0.89, 8.0))
    return Weather(seed, days, regime, risk, home, 0.92 * own - 0.30 * risk, 0.94 * bonds - 0.28 * risk)
