"""Prices of what has a yield, a rate or a spread instead of a price, out of series by the models of `engine.returns`.

An instrument has the key of the series that it is made of: `DI_2Y` is the yield as a series and the zero of that yield
as an instrument. `UST_1M` and the like, of less than a year, only shape their curve.
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
    """What is traded: how it is charged, the series that it cannot be made without, and its returns out of them."""

    cost_key: str
    needs: tuple[str, ...]
    returns: Callable[[Mapping[str, Floats]], Floats]


def _zero(key: str, curve: Mapping[str, float], funding: str) -> Callable[[Mapping[str, Floats]], Floats]:
    """The returns of a zero, on those points of its curve that are known on all of its sessions."""

    def of(told: Mapping[str, Floats]) -> Floats:
        points = [name for name in curve if name in told and np.isfinite(told[name]).all()]
        tenors, yields = np.array([curve[name] for name in points]), np.column_stack([told[name] for name in points])
        accrual: Floats | float = 0.0
        if curve is NTNB:
            accrual = np.expm1(np.log1p(told[INFLATION] / 100.0) / _A_MONTH)
        return returns.zero_coupon(tenors, yields, curve[key], told[funding], accrual=accrual)

    return of


def _zeros(curve: Mapping[str, float], funding: str, cost_key: str, *more: str) -> dict[str, Instrument]:
    return {key: Instrument(cost_key, (key, funding, *more), _zero(key, curve, funding)) for key in curve}


def _dollar(told: Mapping[str, Floats]) -> Floats:
    return returns.dollar(told["USDBRL"], told["CDI"], told["SOFR"])


INSTRUMENTS: Mapping[str, Instrument] = {
    "USDBRL": Instrument("DOL", ("USDBRL", "CDI", "SOFR"), _dollar),
    **{key: item for key, item in _zeros(DI, "CDI", "DI").items() if key != "DI_1M"},
    **{key: item for key, item in _zeros(UST, "SOFR", "UST").items() if UST[key] >= 1.0},
    **_zeros(NTNB, "CDI", "NTN-B", INFLATION),
    **_zeros(CUPOM, "SOFR", "DDI"),
    **_zeros(NDF, "SOFR", "NDF"),
    "CDS_5Y": Instrument(
        "CDS", ("CDS_5Y", "UST_5Y"), lambda told: returns.protection(told["CDS_5Y"], told["UST_5Y"])
    ),
    "IBOV": Instrument("IBOV", ("IBOV", "CDI"), lambda told: returns.index_future(told["IBOV"], told["CDI"])),
}
# The entry of a cost table that each is charged by.
COST_KEYS = {name: item.cost_key for name, item in INSTRUMENTS.items()}


def prices(told: Mapping[str, Floats]) -> dict[str, Floats]:
    """Total-return prices over cash of every instrument whose series are there. [T] each

    100 on the first session on which all of its series are known, USDBRL the spot rate; NaN where one of them is not.

    Args:
        told: by key, the value of each session in its unit, [T]; `IPCA_MOM` the figure that was released last.
    """
    return {name: made for name, item in INSTRUMENTS.items() if (made := _price(name, item, told)) is not None}


def _price(name: str, item: Instrument, told: Mapping[str, Floats]) -> Floats | None:
    if not set(item.needs) <= told.keys():
        return None
    known = np.isfinite([told[key] for key in item.needs]).all(axis=0)
    if np.count_nonzero(known) < 2:
        return None
    kept = {key: values[known] for key, values in told.items() if len(values) == len(known)}
    start = float(kept["USDBRL"][0]) if name == "USDBRL" else 100.0
    price = np.full(len(known), np.nan)
    price[known] = returns.prices(item.returns(kept), start)
    return price
