"""Total returns of what has a yield, a rate or a spread instead of a price.

Every function gives the simple return of each session, a fraction [T], 0 on the first; NaN where an input of the
session or of the one before is NaN. Rates and yields are percent a year, spreads basis points. A session earns at the
rates of the one before, and every position is funded: a return is that over cash.
"""

from __future__ import annotations

import numpy as np

from engine.curves import SESSIONS_PER_YEAR, yield_at
from engine.intake import Floats

_PERCENT, _BPS = 100.0, 10_000.0


def prices(returns: Floats, start: float = 100.0) -> Floats:
    """The price series that has these returns: start * prod(1 + r). NaN from the first NaN on."""
    level: Floats = np.cumprod(1.0 + returns) * np.float64(start)
    return level


def dollar(spot: Floats, domestic: Floats, foreign: Floats) -> Floats:
    """A long position in foreign currency: ln(S_t / S_t-1) - (domestic - foreign) / 252, as a simple return.

    Covered interest parity: buying the currency forward costs the difference of the two overnight rates.

    Args:
        spot: domestic money for one unit of the foreign one.
        domestic, foreign: overnight rates, percent.
    """
    return _over(np.log(spot[1:] / spot[:-1]), (domestic - foreign)[:-1])


def index_future(index: Floats, funding: Floats) -> Floats:
    """A long position in an index: ln(I_t / I_t-1) - funding / 252, as a simple return."""
    return _over(np.log(index[1:] / index[:-1]), funding[:-1])


def _over(logs: Floats, rate: Floats) -> Floats:
    return _from_second(np.expm1(logs - rate / SESSIONS_PER_YEAR / _PERCENT))


def zero_coupon(
    tenors: Floats, yields: Floats, years: float, funding: Floats, *, accrual: Floats | float = 0.0
) -> Floats:
    """Receiving (owning) a zero of a constant maturity: (y - funding)/252 - D dy + C dy^2 / 2 + accrual.

    y is the yield of T years at the session before, dy what became of it: the yield of T - 1/252 years now, less y, so
    rolling down the curve is in it. D = T / (1 + y) and C = T (T + 1) / (1 + y)^2 (Tuckman and Serrat, Fixed Income
    Securities, ch. 4). A yield that falls is a gain.

    Args:
        tenors: of the curve, years [K].
        yields: percent [T, K].
        years: the maturity T that is held.
        funding: the overnight rate that the position is paid with, percent [T].
        accrual: what the principal grows by over each session (inflation), a fraction [T].
    """
    before = yield_at(tenors, yields, years)[:-1]
    now = yield_at(tenors, yields, years - 1.0 / SESSIONS_PER_YEAR)[1:]
    change, base = (now - before) / _PERCENT, 1.0 + before / _PERCENT
    duration, convexity = years / base, years * (years + 1.0) / base**2
    carry = (before - funding[:-1]) / SESSIONS_PER_YEAR / _PERCENT
    grown = np.broadcast_to(np.asarray(accrual, dtype=np.float64), len(funding))[1:]
    return _from_second(carry - duration * change + convexity * change**2 / 2.0 + grown)


def protection(spread: Floats, rate: Floats, *, years: float = 5.0, recovery: float = 0.25) -> Floats:
    """Bought protection (a CDS) of constant maturity: -s/252 + RD ds. A spread that widens is a gain.

    RD = (1 - e^-(r + h) T) / (r + h) with the hazard rate h = s / (1 - recovery) is the risky duration under flat
    curves (O'Kane, Modelling Single-name and Multi-name Credit Derivatives, ch. 6).

    Args:
        spread: basis points.
        rate: the riskless rate that premiums are discounted with, percent.
        recovery: what is left of a defaulted claim, a fraction.
    """
    duration = risky_duration(spread[:-1], rate[:-1], years=years, recovery=recovery)
    level = spread / _BPS
    return _from_second(-level[:-1] / SESSIONS_PER_YEAR + duration * np.diff(level))


def risky_duration(spread: Floats, rate: Floats, *, years: float = 5.0, recovery: float = 0.25) -> Floats:
    """RD of `protection`: what a spread that is wider by 1 (10,000 bp) is worth to whoever has bought it."""
    discount = rate / _PERCENT + spread / _BPS / (1.0 - recovery)
    duration: Floats = -np.expm1(-discount * years) / discount
    return duration


def _from_second(values: Floats) -> Floats:
    return np.append(0.0, values)
