"""Six shocks, and what positions lose or gain of them at once.

A position depends on a factor. Where that is a yield or a spread its gain is -DV01 dy, with DV01 = D value / 10,000,
the money that it loses for one basis point up, and D its modified duration: of a receiver (who owns the bond) DV01 is
positive and rates that rise hurt, of a payer it is negative and they help. (Tuckman and Serrat, Fixed Income
Securities, ch. 4.) Convexity is left out, which flatters payers and is hard on receivers where shocks are large. Where
the factor is a price the gain is value times its relative move. What has no factor gains nothing here, and whoever asks
must say so.

The shocks are hypothetical and round. None is a forecast, and their factors are moved at once, without time passing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

_BPS = 10_000.0
# Currencies by how they move against the US dollar when much is at stake.
CURRENCIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fx_haven": ("JPY", "CHF"),
        "fx_g10": ("EUR", "GBP", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK"),
        "fx_brl": ("BRL",),
        "fx_em": (
            *("CLP", "COP", "MXN", "PEN", "CZK", "HUF", "ILS", "PLN", "RON", "TRY", "ZAR"),
            *("CNH", "CNY", "IDR", "INR", "KRW", "MYR", "PHP", "THB", "TWD"),
        ),
        "fx_pegged": ("HKD",),
        "fx_usd": ("USD",),
    }
)
GROUP_OF: Mapping[str, str] = {name: group for group, names in CURRENCIES.items() for name in names}
# Factors that are yields or spreads.
CURVES = ("brl_nominal", "brl_real", "usd_rates", "usd_onshore", "credit")


@dataclass(frozen=True)
class Rate:
    """Depends on a yield or spread of so many years; `duration` is the relative loss by a move of 1 (10,000 bp).

    The duration of bought protection is negative: a spread that widens is its gain.
    """

    curve: str
    years: float
    duration: float


@dataclass(frozen=True)
class Price:
    """Depends on a price: an equity index, a commodity."""

    factor: str


@dataclass(frozen=True)
class Pair:
    """Depends on an exchange rate: what one unit of `base` costs in `quote`."""

    base: str
    quote: str


Exposure = Rate | Price | Pair


@dataclass(frozen=True)
class Scenario:
    """Moves at once of some factors; the others stay.

    Args:
        rates: by curve, (years, basis points): linear between two of them, and beyond the ends theirs.
        prices: by factor, a fraction; of a group of currencies, that of each against the US dollar.
    """

    name: str
    title: str
    rates: Mapping[str, Sequence[tuple[float, float]]]
    prices: Mapping[str, float]

    def move(self, exposure: Exposure) -> float:
        """The gain of a long position, a fraction of its value."""
        if isinstance(exposure, Rate):
            return -exposure.duration * self.shift(exposure.curve, exposure.years) / _BPS + 0.0  # no -0
        if isinstance(exposure, Pair):
            base, quote = (self.prices.get(GROUP_OF[name], 0.0) for name in (exposure.base, exposure.quote))
            return (1.0 + base) / (1.0 + quote) - 1.0
        return self.prices.get(exposure.factor, 0.0)

    def shift(self, curve: str, years: float) -> float:
        """The move of a curve at a maturity, in basis points."""
        told = np.array(self.rates.get(curve, ((years, 0.0),)))
        return float(np.interp(years, told[:, 0], told[:, 1]))


def _flat(shock: float) -> tuple[tuple[float, float], ...]:
    return ((1.0, shock),)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "rates_up",
        "Rates rise in parallel",
        {"brl_nominal": _flat(200.0), "brl_real": _flat(150.0), "usd_rates": _flat(100.0), "usd_onshore": _flat(100.0)},
        {},
    ),
    Scenario(
        "curve_steepening",
        "The short end falls, the long end rises",
        {
            "brl_nominal": ((1.0, -50.0), (10.0, 150.0)),
            "brl_real": ((2.0, -25.0), (10.0, 100.0)),
            "usd_rates": ((1.0, -50.0), (10.0, 75.0)),
        },
        {},
    ),
    Scenario(
        "brl_depreciation",
        "The real loses a fifth, and Brazil with it",
        {
            "brl_nominal": _flat(150.0),
            "brl_real": _flat(100.0),
            "usd_onshore": _flat(100.0),
            "credit": _flat(80.0),
        },
        {"fx_brl": -0.20, "fx_em": -0.05, "equity_br": -0.08},
    ),
    Scenario(
        "equity_crash",
        "Equities fall by a fifth and more",
        {"usd_rates": _flat(-50.0), "credit": _flat(100.0), "brl_nominal": _flat(50.0), "brl_real": _flat(50.0)},
        {"equity_us": -0.20, "equity_br": -0.25, "oil": -0.15, "fx_brl": -0.08, "fx_em": -0.05, "fx_haven": 0.02},
    ),
    Scenario(
        "credit_widening",
        "Sovereign credit widens",
        {
            "credit": _flat(250.0),
            "brl_nominal": _flat(150.0),
            "brl_real": _flat(100.0),
            "usd_onshore": _flat(150.0),
        },
        {"fx_brl": -0.10, "fx_em": -0.04, "equity_br": -0.12, "equity_us": -0.05},
    ),
    Scenario(
        "global_risk_off",
        "Everybody sells what is risky",
        {
            "brl_nominal": _flat(250.0),
            "brl_real": _flat(200.0),
            "usd_rates": _flat(-100.0),
            "usd_onshore": _flat(200.0),
            "credit": _flat(300.0),
        },
        {
            "equity_us": -0.30,
            "equity_br": -0.35,
            "oil": -0.40,
            "fx_brl": -0.25,
            "fx_em": -0.12,
            "fx_g10": -0.05,
            "fx_haven": 0.05,
        },
    ),
)
