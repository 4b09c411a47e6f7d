"""Prices of what can be traded, out of published series by the return models of `engine.returns`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.macroworld.abroad import UST
from app.macroworld.rates import DI, NTNB
from engine import returns
from engine.intake import Floats

# The entry of a cost table that each is charged by.
COST_KEYS = {
    "USDBRL": "DOL",
    **{name: "DI" for name in DI if name != "DI_1M"},
    **{name: "UST" for name, years in UST.items() if years >= 1.0},
    **dict.fromkeys(NTNB, "NTN-B"),
    "CUPOM_6M": "DDI",
    "CUPOM_1Y": "DDI",
    "NDF_6M": "NDF",
    "CDS_5Y": "CDS",
    "IBOV": "IBOV",
}
_A_MONTH = 21  # sessions over which a month of inflation accrues


def prices(told: Mapping[str, Floats], inflation: Floats) -> dict[str, Floats]:
    """Total-return prices over cash, 100 on the first session (USDBRL: the spot rate). [T] each

    Args:
        told: daily series by key, in their units, [T].
        inflation: on each session the last IPCA that was released, percent a month, [T].
    """
    cdi, sofr = told["CDI"], told["SOFR"]
    accrual = np.expm1(np.log1p(inflation / 100.0) / _A_MONTH)
    dollars = {"CUPOM_6M": 0.5, "CUPOM_1Y": 1.0}
    made = {
        **_zeros(told, DI, cdi),
        **_zeros(told, UST, sofr),
        **_zeros(told, NTNB, cdi, accrual=accrual),
        **_zeros(told, dollars, sofr),
        **_zeros(told, {"NDF_6M": 0.5}, sofr),
        "CDS_5Y": returns.protection(told["CDS_5Y"], told["UST_5Y"]),
        "IBOV": returns.index_future(told["IBOV"], cdi),
    }
    found = {"USDBRL": returns.prices(returns.dollar(told["USDBRL"], cdi, sofr), float(told["USDBRL"][0]))}
    found |= {name: returns.prices(made[name]) for name in COST_KEYS if name != "USDBRL"}
    return found


def _zeros(
    told: Mapping[str, Floats], curve: Mapping[str, float], funding: Floats, *, accrual: Floats | float = 0.0
) -> dict[str, Floats]:
    tenors, yields = np.array(list(curve.values())), np.column_stack([told[name] for name in curve])
    return {
        name: returns.zero_coupon(tenors, yields, years, funding, accrual=accrual)
        for name, years in curve.items()
        if name in COST_KEYS
    }
