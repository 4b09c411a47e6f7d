"""Zero-coupon curves by tenor: the yield between two tenors, and what time earns on a curve that stays where it is.

Yields are percent a year, compounded once a year: a zero of T years costs (1 + y/100)^-T. Tenors are years of 252
sessions. Between two tenors the yield is linear, outside of the first and the last it is theirs.
"""

from __future__ import annotations

import numpy as np

from engine.intake import Floats

SESSIONS_PER_YEAR = 252


def yield_at(tenors: Floats, yields: Floats, years: float) -> Floats:
    """The yield of a maturity.

    Args:
        tenors: increasing, in years, [K].
        yields: percent, the last axis by tenor, [..., K].
        years: the maturity.

    Returns:
        Percent [...]; NaN where a tenor that counts is NaN.
    """
    place = int(np.searchsorted(tenors, years))
    if place in (0, len(tenors)) or tenors[place] == years:
        exact: Floats = yields[..., min(place, len(tenors) - 1)]
        return exact
    share = (years - tenors[place - 1]) / (tenors[place] - tenors[place - 1])
    between: Floats = yields[..., place - 1] + share * (yields[..., place] - yields[..., place - 1])
    return between


def roll_down(tenors: Floats, yields: Floats, years: float, sessions: int = 21) -> Floats:
    """What a zero gains beyond its own yield while it grows shorter on a curve that stays: a fraction, [...].

    ((1 + y(T)) / (1 + y(T - h)))^(T - h) - 1 with h = sessions / 252; 0 on a flat curve, positive on a rising one.
    A zero that matures by then gains 0.
    """
    left = max(0.0, years - sessions / SESSIONS_PER_YEAR)
    now = 1.0 + yield_at(tenors, yields, years) / 100.0
    later = 1.0 + yield_at(tenors, yields, left) / 100.0
    gained: Floats = (now / later) ** left - 1.0
    return gained
