"""What the market expects: the Focus survey of the Banco Central do Brasil, by OData (Olinda).

The statistics of a week's survey days come out on the Monday after, so that is when they count as known. Medians of
all answers of the last 30 days (`baseCalculo` 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from app.sources.base import Fetched, Report, Request, one_by_one, source
from app.sources.http import Http, Origin
from app.sources.macro import Days, Listing, as_days, as_numbers, listed
from app.sources.texts import json_of, records_of
from engine.panel import Series

OLINDA = Origin("bcb_focus", "bcb_focus", "https://olinda.bcb.gov.br")
_PATH = "/olinda/servico/Expectativas/versao/v1/odata/"
_PAGE = 10_000
_DATED = "availability: the Monday after the survey day"
_KNOWN = listed("bcb_focus")


@source(
    title="Banco Central do Brasil, Focus survey of expectations",
    items="series",
    terms="Open data (ODbL): free with the source cited.",
    known=tuple(_KNOWN),
    since="2001-01-01",
)
def bcb_focus(request: Request, http: Http, report: Report) -> Fetched:
    """Median expectations of inflation and the policy rate, as of each survey day."""

    def ask(item: str) -> tuple[Series, dict[str, str]]:
        return _reader(item)(_KNOWN[item], request, http), _KNOWN[item].about(_DATED)

    return one_by_one(request, http, report, OLINDA, ask)


def _reader(item: str) -> Callable[[Listing, Request, Http], Series]:
    if item == "FOCUS_IPCA_12M":
        return _twelve_months
    if item == "FOCUS_IPCA_MONTHLY":
        return _monthly
    return _yearly


def _twelve_months(told: Listing, request: Request, http: Http) -> Series:
    wanted = "Indicador eq 'IPCA' and Suavizada eq 'S'"
    rows = _rows("ExpectativasMercadoInflacao12Meses", wanted, told, request, http, reference=False)
    days = as_days(row["Data"] for row in rows)
    return told.series(days, as_numbers(row["Mediana"] for row in rows), published(days))


def _monthly(told: Listing, request: Request, http: Http) -> Series:
    """Belongs to the first day of its month, so that what is expected of a month can be seen before its end."""
    rows = _rows("ExpectativaMercadoMensais", "Indicador eq 'IPCA'", told, request, http)
    survey = as_days(row["Data"] for row in rows)
    months = as_days((str(row["DataReferencia"]) for row in rows), "%m/%Y")
    values = as_numbers(row["Mediana"] for row in rows)
    return told.series(months, values, published(survey))


def _yearly(told: Listing, request: Request, http: Http) -> Series:
    """What was expected on each survey day of the calendar year so many years ahead."""
    ahead = int(told.key[-1])
    indicator = "IPCA" if told.key.startswith("FOCUS_IPCA") else "Selic"
    rows = _rows("ExpectativasMercadoAnuais", f"Indicador eq '{indicator}'", told, request, http)
    survey = as_days(row["Data"] for row in rows)
    ends = dict(
        zip(
            ((day, int(str(row["DataReferencia"]))) for day, row in zip(survey.tolist(), rows, strict=True)),
            as_numbers(row["Mediana"] for row in rows).tolist(),
            strict=True,
        )
    )
    days = np.unique(survey)
    values = np.array([ends.get((day, day.year + ahead), np.nan) for day in days.tolist()])
    if indicator == "Selic" and ahead:
        values = (values + [ends.get((day, day.year + ahead - 1), np.nan) for day in days.tolist()]) / 2
    return told.series(days, values, published(days))


def published(survey: Days) -> Days:
    """The Monday after each survey day."""
    return np.busday_offset(survey + np.timedelta64(1, "D"), 0, roll="forward", weekmask="1000000")


def _rows(
    entity: str, wanted: str, told: Listing, request: Request, http: Http, *, reference: bool = True
) -> list[Mapping[str, Any]]:
    """All records between the days, page by page."""
    fields = ["Data", "Mediana", *(["DataReferencia"] if reference else [])]
    query: dict[str, str | int] = {
        "$filter": f"{wanted} and baseCalculo eq 0 and Data ge '{request.start}' and Data le '{request.end}'",
        "$select": ",".join(fields),
        "$orderby": "Data asc" + (",DataReferencia asc" if reference else ""),
        "$format": "json",
        "$top": _PAGE,
    }

    def read(body: bytes) -> list[Mapping[str, Any]]:
        found = json_of(body)
        return records_of(found.get("value") if isinstance(found, dict) else None, fields)

    return list(_pages(_PATH + entity, query, read, told, http))


def _pages(
    path: str,
    query: Mapping[str, str | int],
    read: Callable[[bytes], list[Mapping[str, Any]]],
    told: Listing,
    http: Http,
) -> Iterator[Mapping[str, Any]]:
    skipped = 0
    while True:
        page = http.get(OLINDA, path, {**query, "$skip": skipped}, read, item=told.key)
        yield from page
        skipped += _PAGE
        if len(page) < _PAGE:
            return
