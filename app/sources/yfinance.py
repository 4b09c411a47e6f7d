"""Daily prices of Yahoo Finance, through the yfinance package."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

import numpy as np

from app.sources.base import Fetched, Report, Request, one_by_one, required, source
from app.sources.http import Again, Http, Origin, Refused
from app.sources.macro import Listing, listed
from app.sources.spread import Frame, spread
from engine.intake import FIELDS
from engine.panel import Series

YAHOO = Origin("yfinance", "yfinance", "", pause=1.0)
_KNOWN = listed("yfinance")
_TIMEOUT = 30


@source(
    title="Yahoo Finance, through yfinance",
    items="symbols",
    terms="Yahoo's terms of use: for personal use; yfinance is under the Apache licence 2.0.",
    known=tuple(_KNOWN),
    pattern=r"[A-Za-z0-9^][A-Za-z0-9^=._-]{0,31}",
    since="1990-01-01",
    package="yfinance",
)
def yfinance(
    request: Request,
    http: Http,
    report: Report,
    *,
    shape: Annotated[
        Literal["bars", "closes", "series"],
        "Bars to trade, their closes alone, or series of closes for strategies to read.",
    ] = "bars",
    adjusted: Annotated[bool, "Whether splits and dividends are in the prices."] = True,
) -> Fetched:
    """Stocks, funds, indices, futures and currencies by Yahoo's symbol, or by the name of a series of the table."""
    package = required("yfinance", "yfinance", source="yfinance")
    package.config.debug.hide_exceptions = False  # else an error is a line in a log and an empty table

    def frame(item: str) -> Frame:
        ticker = _KNOWN[item].id if item in _KNOWN else item
        found = http.patiently(YAHOO, item, lambda: _frame(package, ticker, request, adjusted))
        found = found.between(request.start, request.end)
        return Frame.of_closes(found.times, found.fields["close"]) if shape == "closes" else found

    def ask(item: str) -> tuple[Series, dict[str, str]]:
        told = _KNOWN.get(item) or Listing(item, "yfinance", item, "price")
        prices = frame(item)
        return told.series(prices.times.astype("datetime64[D]"), prices.fields["close"]), told.about()

    if shape == "series":
        return one_by_one(request, http, report, YAHOO, ask)
    return Fetched(
        bars=spread("yfinance", request, report, frame),
        adjusted=adjusted and shape == "bars",
        units="as Yahoo quotes it" + (", adjusted for splits and dividends" if adjusted else ""),
        notes=() if adjusted else ("Prices without dividends.",),
    )


def _frame(package: Any, ticker: str, request: Request, adjusted: bool) -> Frame:
    after = date.fromisoformat(request.end) + timedelta(days=1)
    errors = package.exceptions
    try:
        found = package.Ticker(ticker).history(
            start=request.start,
            end=after.isoformat(),
            interval="1d",
            auto_adjust=adjusted,
            actions=False,
            timeout=_TIMEOUT,
        )
    except errors.YFRateLimitError as error:
        raise Again("answered that it is asked too often", code="rate_limited") from error
    except errors.YFTickerMissingError as error:
        raise Refused("has no prices of it between these days") from error
    except errors.YFException as error:
        raise Again(f"did not answer ({type(error).__name__})") from error
    except OSError as error:  # those of requests and curl_cffi are OSErrors
        raise Again(f"did not answer ({type(error).__name__})") from error
    lost = [name for name in FIELDS if name.capitalize() not in found]
    if lost and len(found):
        raise Refused(f"sent a table without {lost[0].capitalize()}", code="source_changed")
    if not len(found):
        raise Refused("has no prices of it between these days")
    days = found.index.tz_localize(None).to_numpy().astype("datetime64[D]").astype("datetime64[ns]")
    return Frame(days, {name: np.asarray(found[name.capitalize()], dtype=np.float64) for name in FIELDS})
