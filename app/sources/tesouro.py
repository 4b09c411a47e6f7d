"""Rates of Brazilian government bonds as the Treasury offered them to the public (Tesouro Transparente, CSV).

The rate of a zero-coupon bond is a point of the zero curve: "Tesouro Prefixado" (LTN, nominal) and "Tesouro IPCA+"
(NTN-B Principal, real). Beyond the last of them the nominal curve is drawn on by bonds with coupons (NTN-F). Rates are
the mean of the morning's two, percent a year over 252 days. Between two maturities the logarithm of the discount factor
is linear in time (constant forward rate). Nothing is drawn beyond the first and the last maturity: a day on which no
bonds enclose a tenor has no value for it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TypeAlias

import numpy as np

from app.sources.base import Fetched, Report, Request, one_by_one, source
from app.sources.http import Http, Origin
from app.sources.macro import as_days, as_numbers, listed
from app.sources.texts import rows_of
from engine.intake import Floats
from engine.panel import Series

# (years, rate) of bonds of one day
Curve: TypeAlias = "list[tuple[float, float]]"

CKAN = Origin(
    "tesouro", "tesouro", "https://www.tesourotransparente.gov.br", answers="csv", pause=1.0, most_bytes=128 << 20
)
_PATH = (
    "/ckan/dataset/df56aa42-484a-4a59-8184-7676580c81e3/resource/796d2059-14e9-44e3-80c9-2d9e30b405c1"
    "/download/precotaxatesourodireto.csv"
)
_KNOWN = listed("tesouro")
_ZEROS = {"DI": "Tesouro Prefixado", "NTNB": "Tesouro IPCA+"}
_COUPONS = {"DI": "Tesouro Prefixado com Juros Semestrais"}
# What an NTN-F pays every half year on 1, at 10 % a year.
_COUPON = 1.1**0.5 - 1
_FIELDS = ("Tipo Titulo", "Data Vencimento", "Data Base", "Taxa Compra Manha", "Taxa Venda Manha")
_YEAR = 365.25
_STEPS = 8  # of Newton's method: it doubles the digits at each
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
        family, years = item.partition("_")[0], float(told.id.rstrip("Y"))
        zeros, coupons = (_rates(rows, names.get(family, ""), request) for names in (_ZEROS, _COUPONS))
        days = sorted(zeros)
        values = [point(extended(zeros[day], coupons.get(day, [])), years) for day in days]
        return told.series(np.array(days, dtype="datetime64[D]"), np.array(values)), told.about()

    return one_by_one(request, http, report, CKAN, ask)


def _rates(rows: list[dict[str, str]], bond: str, request: Request) -> dict[np.datetime64, Curve]:
    """By day between the wanted ones: (years, rate) of each bond of a kind."""
    rows = [row for row in rows if row["Tipo Titulo"].strip() == bond]
    based, due = (as_days((row[name] for row in rows), "%d/%m/%Y") for name in ("Data Base", "Data Vencimento"))
    bid, ask = (_decimals(rows, name) for name in ("Taxa Compra Manha", "Taxa Venda Manha"))
    rates = (bid + ask) / 2
    curves: dict[np.datetime64, Curve] = defaultdict(list)
    first, last = np.datetime64(request.start), np.datetime64(request.end)
    for row in np.flatnonzero((based >= first) & (based <= last) & (due > based) & np.isfinite(rates)):
        curves[based[row]].append((float((due[row] - based[row]).astype(int)) / _YEAR, float(rates[row])))
    return curves


def _decimals(rows: list[dict[str, str]], name: str) -> Floats:
    found = as_numbers(row[name].replace(".", "").replace(",", ".") for row in rows)
    return np.where(found > 0, found, np.nan)  # a bond that is not offered has rate 0


def point(curve: Curve, years: float) -> float:
    """The zero rate (percent, annual compounding) at a tenor from (years, rate) of bonds; NaN outside them."""
    terms, growth = _growth(curve)
    if not terms[1] - _NEAR <= years <= terms[-1] + _NEAR:
        return float("nan")
    near = min(max(years, terms[1]), terms[-1])  # beside the curve's ends the rate is that of the end
    return float(np.expm1(np.interp(near, terms, growth) / near) * 100)


def extended(curve: Curve, bonds: Curve) -> Curve:
    """The zero curve drawn on by coupon bonds: each sets the forward rate from the last point to its own end."""
    for years, rate in sorted(bonds):
        if years > max(curve)[0] + _NEAR:
            curve = [*curve, (years, _zero(curve, years, rate))]
    return curve


def _zero(curve: Curve, years: float, rate: float) -> float:
    """The zero rate at a coupon bond's end that gives it the price of its own rate; by Newton's method."""
    times = np.arange(years, 0.0, -0.5)
    paid = np.full(len(times), _COUPON)
    paid[0] += 1
    price = (paid * (1 + rate / 100) ** -times).sum()
    terms, growth = _growth(curve)
    known = np.interp(times, terms, growth)  # past the curve's end: that of its end
    share = np.clip((times - terms[-1]) / (years - terms[-1]), 0.0, None)
    end, wrong = np.log1p(rate / 100) * years, np.inf
    for _ in range(_STEPS):
        worth = paid * np.exp(-known - share * (end - growth[-1]))
        wrong = worth.sum() - price
        end += wrong / (worth * share).sum()
    return float(np.expm1(end / years) * 100) if abs(wrong) < 1e-9 else float("nan")


def _growth(curve: Curve) -> tuple[Floats, Floats]:
    """Years and the logarithm of what 1 becomes, from now on."""
    terms, rates = (np.array([0.0, *part]) for part in zip(*sorted(curve), strict=True))
    return terms, terms * np.log1p(rates / 100)
