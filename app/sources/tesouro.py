"""Rates of Brazilian government bonds as the Treasury offered them to the public (Tesouro Transparente, CSV).

Zero-coupon bonds only, so that a bond's rate is a point of the zero curve: "Tesouro Prefixado" (LTN, nominal) and
"Tesouro IPCA+" (NTN-B Principal, real). Rates are the mean of the morning's two, percent a year over 252 days. Between
two maturities the logarithm of the discount factor is linear in time (constant forward rate). Nothing is drawn beyond
the first and the last maturity: a day on which no bonds enclose a tenor has no value for it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import numpy as np

from app.sources.base import Fetched, Report, Request, one_by_one, source
from app.sources.http import Http, Origin
from app.sources.macro import Days, as_days, as_numbers, listed
from app.sources.texts import rows_of
from engine.intake import Floats
from engine.panel import Series

CKAN = Origin(
    "tesouro", "tesouro", "https://www.tesourotransparente.gov.br", answers="csv", pause=1.0, most_bytes=128 << 20
)
_PATH = (
    "/ckan/dataset/df56aa42-484a-4a59-8184-7676580c81e3/resource/796d2059-14e9-44e3-80c9-2d9e30b405c1"
    "/download/precotaxatesourodireto.csv"
)
_KNOWN = listed("tesouro")
_BONDS = {"DI": "Tesouro Prefixado", "NTNB": "Tesouro IPCA+"}
_FIELDS = ("Tipo Titulo", "Data Vencimento", "Data Base", "Taxa Compra Manha", "Taxa Venda Manha")
_YEAR = 365.25
# A tenor may lie so far outside the bonds' maturities (years) and still be that of the nearest bond.
_NEAR = 0.1


@source(
    title="Tesouro Nacional, rates of bonds offered to the public",
    items="series",
    terms="Open data (ODbL): free with the source cited.",
    known=tuple(_KNOWN),
    since="2002-01-01",
)
def tesouro(request: Request, http: Http, report: Report) -> Fetched:
    """Points of the nominal and the real zero curve by tenor."""

    def ask(item: str) -> tuple[Series, dict[str, str]]:
        told = _KNOWN[item]
        rows = http.get(CKAN, _PATH, {}, partial(rows_of, fields=_FIELDS, delimiter=";"), item=item)
        bond = _BONDS[item.partition("_")[0]]
        days, values = _tenor(
            [row for row in rows if row["Tipo Titulo"].strip() == bond], float(told.id.rstrip("Y")), request
        )
        return told.series(days, values), told.about()

    return one_by_one(request, http, report, CKAN, ask)


def _tenor(rows: list[dict[str, str]], years: float, request: Request) -> tuple[Days, Floats]:
    """The rate of one tenor on each day between the wanted ones, NaN where no bonds enclose it."""
    based, due = (as_days((row[name] for row in rows), "%d/%m/%Y") for name in ("Data Base", "Data Vencimento"))
    bid, ask = (_decimals(rows, name) for name in ("Taxa Compra Manha", "Taxa Venda Manha"))
    rates = (bid + ask) / 2
    curves: dict[np.datetime64, list[tuple[float, float]]] = defaultdict(list)
    first, last = np.datetime64(request.start), np.datetime64(request.end)
    for row in np.flatnonzero((based >= first) & (based <= last) & (due > based) & np.isfinite(rates)):
        curves[based[row]].append((float((due[row] - based[row]).astype(int)) / _YEAR, float(rates[row])))
    days = np.array(sorted(curves), dtype="datetime64[D]")
    return days, np.array([point(curves[day], years) for day in days])


def _decimals(rows: list[dict[str, str]], name: str) -> Floats:
    found = as_numbers(row[name].replace(".", "").replace(",", ".") for row in rows)
    return np.where(found > 0, found, np.nan)  # a bond that is not offered has rate 0


def point(curve: list[tuple[float, float]], years: float) -> float:
    """The zero rate (percent, annual compounding) at a tenor from (years, rate) of bonds; NaN outside them."""
    terms, rates = (np.array(part) for part in zip(*sorted(curve), strict=True))
    if not terms[0] - _NEAR <= years <= terms[-1] + _NEAR:
        return float("nan")
    if not terms[0] <= years <= terms[-1]:
        return float(rates[0] if years < terms[0] else rates[-1])
    growth = np.interp(years, terms, terms * np.log1p(rates / 100))
    return float(np.expm1(growth / years) * 100)
