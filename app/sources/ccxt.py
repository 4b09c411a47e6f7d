"""Bars of crypto exchanges, through the ccxt package."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np

from app.sources.base import Fetched, Report, Request, required, source
from app.sources.http import Again, Http, Origin, Refused
from app.sources.spread import Frame, spread
from engine.intake import FIELDS

_SECONDS = {"1h": 3600, "4h": 14_400, "1d": 86_400}
_DAY = 86_400_000
# Some exchanges answer with nothing for a time before a market began: look on so many bars later.
_STEP = 100


@source(
    title="Crypto exchanges, through ccxt",
    items="symbols",
    terms="The exchange's terms of use; ccxt is under the MIT licence.",
    known=("BTC/USDT", "ETH/USDT", "BTC/USD", "ETH/USD"),
    pattern=r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}(:[A-Z0-9]{1,20})?",
    since="2017-01-01",
    package="ccxt",
)
def ccxt(
    request: Request,
    http: Http,
    report: Report,
    *,
    exchange: Annotated[
        Literal["binance", "bitfinex", "bitstamp", "bybit", "coinbase", "gate", "kraken", "kucoin", "okx"],
        "Exchange that is asked.",
    ] = "binance",
    timeframe: Annotated[Literal["1h", "4h", "1d"], "Length of a bar; its time is when it begins, in UTC."] = "1d",
) -> Fetched:
    """Open, high, low, close and volume of spot and swap markets; only bars that have ended."""
    package = required("ccxt", "ccxt", source="ccxt")
    market = getattr(package, exchange)({"enableRateLimit": False, "timeout": 30_000})
    pause = max(float(getattr(market, "rateLimit", 1000)), 250.0) / 1000
    venue = _Venue(package, market, timeframe, Origin("ccxt", f"ccxt_{exchange}", "", pause=pause), http)
    return Fetched(
        bars=spread("ccxt", request, report, lambda item: venue.frame(item, request)),
        units="price in the quoted currency; volume in the other one",
        calendar="every day, UTC",
        notes=(f"As {exchange} has them.",),
    )


@dataclass(frozen=True)
class _Venue:
    """One exchange, asked for bars of one length."""

    package: Any
    market: Any
    timeframe: str
    origin: Origin
    http: Http

    def frame(self, symbol: str, request: Request) -> Frame:
        """All bars of a symbol, page by page, as long as there are later ones."""
        since, stop = _milliseconds(request.start), _milliseconds(request.end) + _DAY
        length = _SECONDS[self.timeframe] * 1000
        rows: list[list[float]] = []
        while since < stop:
            page = self.http.patiently(self.origin, symbol, partial(self._page, symbol, since))
            new = [row for row in page if since <= row[0] < stop]
            rows += new
            if page and not new:
                break  # the exchange has nothing later, or keeps no history
            since = int(new[-1][0]) + length if new else since + _STEP * length
        table = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
        times = table[:, 0].astype(np.int64).astype("datetime64[ms]").astype("datetime64[ns]")
        frame = Frame(times, {name: table[:, column] for column, name in enumerate(FIELDS, start=1)})
        return frame.between(request.start, request.end)

    def _page(self, symbol: str, since: int) -> list[list[float]]:
        package = self.package
        try:
            found = self.market.fetch_ohlcv(symbol, self.timeframe, since)
        except (package.RateLimitExceeded, package.DDoSProtection) as error:
            raise Again("answered that it is asked too often", code="rate_limited") from error
        except package.NetworkError as error:
            raise Again(f"did not answer ({type(error).__name__})") from error
        except package.BaseError as error:
            raise Refused(f"refused the request ({type(error).__name__})") from error
        if not isinstance(found, list) or not all(isinstance(row, list) and len(row) >= 6 for row in found):
            raise Refused("sent bars that are not time, open, high, low, close, volume", code="source_changed")
        return [[float("nan") if value is None else float(value) for value in row[:6]] for row in found]


def _milliseconds(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * _DAY
