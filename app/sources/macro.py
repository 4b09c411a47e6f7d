"""The series that the macro shelf reads, and where they are free: one table for all sources.

A source without vintages says what a value is, not since when it has been known. Then a value counts as known `lag`
days after the day (or the end of the period) that it belongs to, moved on from a weekend to Monday: a bound from the
publisher's calendar, late rather than early. Such a series says so in its note.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.sources.http import Refused
from engine.intake import Floats
from engine.panel import STALE_DAYS, Series
from engine.parameters import Range

Days: TypeAlias = "NDArray[np.datetime64]"

_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}

# What a request says of series that the table does not know.
Unit: TypeAlias = Annotated[
    Literal["index", "percent", "bps", "price", "usd_mn", "contracts", "fraction"],
    "Unit of the series that Queuant does not know by name.",
]
Frequency: TypeAlias = Annotated[
    Literal["daily", "weekly", "monthly", "quarterly", "yearly"], "Frequency of those series."
]
Lag: TypeAlias = Annotated[
    int, Range(0, 400), "Days after its period until a value of those series counts as known, where no vintage tells."
]


@dataclass(frozen=True)
class Listing:
    """One series of one source.

    Args:
        key: its name for strategies; unit: of the values, after `factor` and `change`.
        source, id: who has it, and under which name.
        lag: days until a value counts as known where the source has no vintages.
        change: "year_on_year" percent change of an index, or "annualised": a rate a day, compounded over 252 days.
        revised: whether vintages say more than the lag; what is never revised needs none.
        day: of the first month of its period, where a value belongs there and not to the last day.
    """

    key: str
    source: str
    id: str
    unit: str
    frequency: str = "daily"
    lag: int = 1
    factor: float = 1.0
    change: str = ""
    revised: bool = False
    day: int | None = None
    quality: str = "real"
    note: str = ""

    def about(self, availability: str = "") -> dict[str, str]:
        """What the manifest says of it besides its numbers."""
        said = availability or f"availability: assumed lag of {self.lag} days"
        if self.revised and not availability:
            said += "; values as they stand now, not as they were first published"
        return {"source": f"{self.source} {self.id}", "note": "; ".join(filter(None, (said, self.note)))}

    def series(self, days: Days, values: Floats, available: Days | None = None) -> Series:
        """The values as the source has them, oldest first, as the series that strategies read.

        Of vintages that can be seen at the same moment (`available` before the period has come) the last one counts.
        Raises Refused when nothing is left of the values.
        """
        if self.change == "year_on_year" and available is None:
            days, values = year_on_year(days, values)
        elif self.change == "annualised":
            values = ((1 + values / 100) ** 252 - 1) * 100
        known = np.isfinite(values)
        if not known.any():
            raise Refused("has no values between these days")
        observed, values = self._observed(days[known]), values[known] * self.factor
        if available is None:
            available = lagged(observed, self.lag)
        else:
            available = available[known]
            rows = _vintages(observed, available)
            observed, available, values = observed[rows], available[rows], values[rows]
        return Series(
            key=self.key,
            unit=self.unit,
            observed=observed.astype("datetime64[ns]"),
            available=available.astype("datetime64[ns]"),
            value=values,
            stale_days=float(STALE_DAYS[self.frequency]),
            quality=self.quality,
        )

    def _observed(self, days: Days) -> Days:
        """A period is told by its first day; it belongs to its last one, or to `day` of its first month."""
        if self.frequency not in _MONTHS:
            return days
        months = days.astype("datetime64[M]")
        if self.day is not None:
            return (months.astype("datetime64[D]") + (self.day - 1)).astype("datetime64[D]")
        after = months + _MONTHS[self.frequency]
        return (after.astype("datetime64[D]") - 1).astype("datetime64[D]")


def _vintages(observed: Days, available: Days) -> NDArray[np.intp]:
    """Rows of which no two are of one period and come to be seen at once: the newest of each."""
    visible = np.maximum(observed, available)
    order = np.lexsort((available, visible, observed))  # stable: of equal ones the later row is the newer
    same = (np.diff(observed[order]) == np.timedelta64(0)) & (np.diff(visible[order]) == np.timedelta64(0))
    rows: NDArray[np.intp] = order[np.append(~same, True)]
    return rows


def lagged(observed: Days, days: int) -> Days:
    """So many days later; from a weekend on to Monday."""
    return np.busday_offset(observed.astype("datetime64[D]") + np.timedelta64(days, "D"), 0, roll="forward")


def year_on_year(days: Days, values: Floats) -> tuple[Days, Floats]:
    """Percent change over the same month a year before, where there is one."""
    months = days.astype("datetime64[M]")
    before = dict(zip((months + 12).tolist(), values.tolist(), strict=True))
    base = np.array([before.get(month, np.nan) for month in months.tolist()])
    return days, (values / base - 1) * 100


def as_days(texts: Iterable[str], form: str = "%Y-%m-%d") -> Days:
    """Days as a source writes them. Raises Refused naming the first that is none."""
    told = list(texts)
    known: dict[str, date] = {}
    for text in dict.fromkeys(told):  # a table has many rows of one day
        try:
            known[text] = datetime.strptime(text, form).date()
        except ValueError as error:
            raise Refused(f"has a day {text[:40]!r}, which is none", code="source_changed") from error
    return np.array([known[text] for text in told], dtype="datetime64[D]")


def as_numbers(texts: Iterable[str | float | None], *, missing: tuple[str, ...] = ("", ".")) -> Floats:
    """Numbers as a source writes them; what is missing is NaN. Raises Refused naming the first that is none."""
    found = []
    for text in texts:
        if text is None or text in missing:
            found.append(np.nan)
            continue
        try:
            found.append(float(text))
        except ValueError as error:
            raise Refused(f"has a value {str(text)[:40]!r}, which is no number", code="source_changed") from error
    return np.array(found, dtype=np.float64)


def _rates(source: str, ids: dict[str, str], note: str = "") -> list[Listing]:
    return [Listing(key, source, id, "percent", note=note) for key, id in ids.items()]


_PAR = "par yields; the Treasury tells them the same evening"
_DI = ("1Y", "2Y", "3Y", "5Y", "10Y")
_BONDS = "between bonds of the Treasury, whose rates are not quite those of swaps"

LISTINGS: tuple[Listing, ...] = (
    Listing("USDBRL", "yfinance", "BRL=X", "price"),
    Listing("IBOV", "yfinance", "^BVSP", "price"),
    Listing("SOY", "yfinance", "ZS=F", "price"),
    Listing("IRON", "yfinance", "TIO=F", "price"),
    Listing("BRENT", "yfinance", "BZ=F", "price"),
    Listing("SUGAR", "yfinance", "SB=F", "price"),
    Listing("COFFEE", "yfinance", "KC=F", "price"),
    Listing("USDBRL", "fred", "DEXBZUS", "price", lag=7, note="noon in New York; published once a week"),
    Listing("BRENT", "fred", "DCOILBRENTEU", "price", lag=7, note="spot; published once a week"),
    *_rates("fred", {"FED_FUNDS": "DFF", "SOFR": "SOFR"}),
    *_rates("fred", {"UST_3M": "DGS3MO", "UST_6M": "DGS6MO", "UST_1Y": "DGS1", "UST_2Y": "DGS2"}, _PAR),
    *_rates("fred", {"UST_5Y": "DGS5", "UST_10Y": "DGS10"}, _PAR),
    Listing("VIX", "fred", "VIXCLS", "index"),
    Listing("US_CPI_YOY", "fred", "CPIAUCSL", "percent", "monthly", 20, change="year_on_year", revised=True),
    Listing("SELIC_TARGET", "bcb_sgs", "432", "percent", lag=0, note="told the evening before it is in force"),
    Listing("CDI", "bcb_sgs", "12", "percent", change="annualised", note="a rate a day, annualised"),
    Listing("IPCA_MOM", "bcb_sgs", "433", "percent", "monthly", 14),
    Listing("IPCA15_MOM", "bcb_sgs", "7478", "percent", "monthly", 14, day=15),
    Listing("IPCA_12M", "bcb_sgs", "13522", "percent", "monthly", 14),
    Listing("INFLATION_TARGET", "bcb_sgs", "13521", "percent", "yearly", 0, day=1, note="decreed years before"),
    Listing("DEBT_GDP", "bcb_sgs", "13762", "percent", "monthly", 35, revised=True),
    Listing("PRIMARY_GDP", "bcb_sgs", "5793", "percent", "monthly", 35, factor=-1.0, revised=True),
    Listing("IBC_BR", "bcb_sgs", "24363", "index", "monthly", 50, revised=True),
    Listing("TRADE_BAL", "bcb_sgs", "22707", "usd_mn", "monthly", 35, revised=True),
    Listing("FXFLOW_FIN", "bcb_sgs", "13967", "usd_mn", lag=10, note="published once a week"),
    Listing("FXFLOW_TOTAL", "bcb_sgs", "13970", "usd_mn", lag=10, note="published once a week"),
    Listing("FOCUS_IPCA_12M", "bcb_focus", "IPCA 12 months, smoothed", "percent"),
    *(Listing(f"FOCUS_IPCA_Y{n}", "bcb_focus", f"IPCA year +{n}", "percent") for n in range(3)),
    Listing("FOCUS_IPCA_MONTHLY", "bcb_focus", "IPCA by month", "percent", "monthly", day=1),
    *(
        Listing(
            f"FOCUS_SELIC_Y{n}",
            "bcb_focus",
            f"Selic year +{n}",
            "percent",
            quality="proxy",
            note="the end of the year, not its average" if n == 0 else "the mean of two ends of years, not the average",
        )
        for n in range(4)
    ),
    *(Listing(f"DI_{t}", "tesouro", t, "percent", quality="proxy", note=_BONDS) for t in _DI),
    *(Listing(f"NTNB_{t}", "tesouro", t, "percent") for t in ("2Y", "5Y", "10Y")),
)

# What strategies read and nobody gives away with a history. It is never made up: a strategy that needs it runs on
# the synthetic world, or on data that somebody who has them uploads.
NOT_FREE: dict[str, str] = {
    "CDS_5Y, CDS_1Y and CDS_5Y.*": "credit default swaps are sold, not published",
    "DI_1M, DI_3M and DI_6M": "no bond is offered that short; the exchange sells its curve",
    "CUPOM_6M, CUPOM_1Y, NDF_6M and USDBRL_FWD_1Y": "sold by the exchange and by brokers",
    "BRL_IMPLIED_VOL": "sold by the exchange and by brokers",
    "OUTPUT_GAP": "an estimate; the central bank publishes it in a report, not as a series",
    "INFLATION_BAND": "in decrees, not as a series",
    "CFTC_BRL_NET": "free at the CFTC (report TFF, contract 102741), without a connector yet",
    "DEBT_GDP.*, CURRENT_ACCOUNT.*, INFLATION.* and GROWTH.*": "of peers; free in reports, without a connector yet",
    "FOMC, COPOM and IBGE_IPCA": "calendars; on web pages, not as data",
}


def listed(source: str) -> dict[str, Listing]:
    """The table's series of one source, by key."""
    return {item.key: item for item in LISTINGS if item.source == source}
