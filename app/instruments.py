"""Prices of what has a yield, a rate or a spread instead of a price, out of series by the models of `engine.returns`.

An instrument has the key of the series that it is made of: `DI_2Y` is the yield as a series and the zero of that yield
as an instrument. `DI_1M` and the UST of less than a year only shape their curves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from engine import returns
from engine.intake import Floats

# Curves of zero yields: years to maturity by key.
DI = {
    "DI_1M": 1 / 12,
    "DI_3M": 0.25,
    "DI_6M": 0.5,
    "DI_1Y": 1.0,
    "DI_2Y": 2.0,
    "DI_3Y": 3.0,
    "DI_5Y": 5.0,
    "DI_10Y": 10.0,
}
UST = {"UST_3M": 0.25, "UST_6M": 0.5, "UST_1Y": 1.0, "UST_2Y": 2.0, "UST_5Y": 5.0, "UST_10Y": 10.0}
NTNB = {"NTNB_2Y": 2.0, "NTNB_5Y": 5.0, "NTNB_10Y": 10.0}
CUPOM = {"CUPOM_6M": 0.5, "CUPOM_1Y": 1.0}
NDF = {"NDF_6M": 0.5}
INFLATION = "IPCA_MOM"

_A_MONTH = 21  # sessions over which a month of inflation accrues


class Instrument(NamedTuple):
    """What is traded: how it is charged, the series that it cannot be made without, and its returns out of them.

    `shorter` are points of its curve that it rolls down to, short ones first: the nearest that is known counts.
    """

    cost_key: str
    needs: tuple[str, ...]
    returns: Callable[[Mapping[str, Floats]], Floats]
    shorter: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Every series that may go into its price."""
        return (*self.needs, *self.shorter)


def _zero(key: str, curve: Mapping[str, float], funding: str, cost_key: str) -> Instrument:
    shorter = tuple(name for name in curve if curve[name] < curve[key])

    def of(told: Mapping[str, Floats]) -> Floats:
        accrual = np.expm1(np.log1p(told[INFLATION] / 100.0) / _A_MONTH) if curve is NTNB else 0.0

        def along(*points: str) -> Floats:
            tenors, yields = (
                np.array([curve[name] for name in points]),
                np.column_stack([told[name] for name in points]),
            )
            return returns.zero_coupon(tenors, yields, curve[key], told[funding], accrual=accrual)

        found = along(key)
        for point in shorter:
            if point in told:
                found = np.where(np.isfinite(told[point]), along(point, key), found)
        return found

    return Instrument(cost_key, (key, funding, *([INFLATION] if curve is NTNB else [])), of, shorter)


def _zeros(curve: Mapping[str, float], funding: str, cost_key: str, least: float = 0.0) -> dict[str, Instrument]:
    return {key: _zero(key, curve, funding, cost_key) for key, years in curve.items() if years >= least}


def _dollar(told: Mapping[str, Floats]) -> Floats:
    return returns.dollar(told["USDBRL"], told["CDI"], told["SOFR"])


def _protection(told: Mapping[str, Floats]) -> Floats:
    return returns.protection(told["CDS_5Y"], told["UST_5Y"])


def _index(told: Mapping[str, Floats]) -> Floats:
    return returns.index_future(told["IBOV"], told["CDI"])


INSTRUMENTS: Mapping[str, Instrument] = {
    "USDBRL": Instrument("DOL", ("USDBRL", "CDI", "SOFR"), _dollar),
    **_zeros(DI, "CDI", "DI", least=0.25),
    **_zeros(UST, "SOFR", "UST", least=1.0),
    **_zeros(NTNB, "CDI", "NTN-B"),
    **_zeros(CUPOM, "SOFR", "DDI"),
    **_zeros(NDF, "SOFR", "NDF"),
    "CDS_5Y": Instrument("CDS", ("CDS_5Y", "UST_5Y"), _protection),
    "IBOV": Instrument("IBOV", ("IBOV", "CDI"), _index),
}
# The entry of a cost table that each is charged by.
COST_KEYS = {name: item.cost_key for name, item in INSTRUMENTS.items()}
# The unit of every series that goes into a price.
UNITS = {
    key: {"USDBRL": "price", "IBOV": "price", "CDS_5Y": "bps"}.get(key, "percent")
    for item in INSTRUMENTS.values()
    for key in item.reads
}


def prices(told: Mapping[str, Floats]) -> dict[str, Floats]:
    """The price of every instrument whose series are there, as `price` makes it. [T] each"""
    return {name: made for name in INSTRUMENTS if (made := price(name, told)) is not None}


def price(name: str, told: Mapping[str, Floats]) -> Floats | None:
    """The total-return price over cash of an instrument; None where no two sessions know all that it needs. [T]

    100 on the first session on which everything is known, of USDBRL the spot rate; NaN where something is not. What
    happens from one such session to the next is the return of one session.

    Args:
        name: a key of `INSTRUMENTS`.
        told: by key, the value of each session in its unit, [T]; `IPCA_MOM` the figure that was released last.
    """
    item = INSTRUMENTS[name]
    if not set(item.needs) <= told.keys():
        return None
    needed = np.stack([told[key] for key in item.needs])
    known = np.flatnonzero(np.isfinite(needed).all(axis=0))
    if len(known) < 2:
        return None
    kept = {key: told[key][known] for key in item.reads if key in told}
    start = float(kept["USDBRL"][0]) if name == "USDBRL" else 100.0
    found = np.full(needed.shape[1], np.nan)
    found[known] = returns.prices(item.returns(kept), start)
    return found
