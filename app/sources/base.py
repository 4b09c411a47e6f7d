"""What a data source is: what it has, under which terms, how it is asked, and what it gives back.

A source is one decorated function. The annotations of its keyword-only parameters are their schema, validation and
documentation, as with strategies. Another package adds a source by an entry point of the group `queuant.datasources`
that names such a function.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias, get_type_hints

from app.errors import SourceFailed
from app.sources.http import Http, Origin
from engine.bars import Bars
from engine.errors import InvalidParameter
from engine.figures import Report as Report
from engine.panel import Series
from engine.parameters import Parameter, check_all, object_schema, read

Kind: TypeAlias = Literal["symbols", "series"]


@dataclass(frozen=True)
class Request:
    """What is wanted: symbols or series, from one day to another, both included (ISO)."""

    items: tuple[str, ...]
    start: str
    end: str


@dataclass(frozen=True)
class Fetched:
    """What a source gave: bars that can be traded, or series that inform. `notes` says what a reader should know.

    `adjusted` says that splits and dividends are in the prices.
    `about` has for a series what its numbers do not say (`note`: how its availability was found, `source`, `title`).
    """

    bars: Bars | None = None
    series: tuple[Series, ...] = ()
    units: str = ""
    calendar: str = "days of the source"
    adjusted: bool = False
    notes: tuple[str, ...] = ()
    about: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


# The function behind a source: (request, http, report, *, …) -> Fetched.
Asks: TypeAlias = "Callable[..., Fetched]"


@dataclass(frozen=True, eq=False)
class DataSource:
    """One source of data.

    Args:
        id: its name in requests.
        title: what it is, in a line.
        items: whether it is asked for `symbols` or `series`.
        terms: licence or terms of use, in a sentence.
        known: items that it is known to have; `pattern` says which others may be asked for.
        since: the first day that is asked for when a request names none.
        package: what must be installed for it, None for nothing.
        parameters: what else a request may say.
    """

    id: str
    title: str
    items: Kind
    terms: str
    known: tuple[str, ...]
    pattern: str
    since: str
    package: str | None
    parameters: tuple[Parameter, ...]
    function: Asks
    doc: str

    @property
    def installed(self) -> bool:
        return self.package is None or importlib.util.find_spec(self.package) is not None

    def has(self, item: str) -> bool:
        """Whether this may be asked for; the source itself may still not have it."""
        return item in self.known or (self.pattern != "" and re.fullmatch(self.pattern, item) is not None)

    def validate(self, params: Mapping[str, object]) -> dict[str, Any]:
        """All parameters with their checked or default values. Raises InvalidParameter."""
        return check_all(self.parameters, params, error=InvalidParameter, where="/params", kind="parameter")

    def schema(self) -> dict[str, Any]:
        return object_schema(self.id, self.parameters, self.doc)

    def fetch(self, request: Request, http: Http, report: Report, **params: Any) -> Fetched:
        """Ask. Raises SourceFailed, BadData for prices that cannot be, and whatever `report` raises."""
        return self.function(request, http, report, **params)


def source(
    *,
    title: str,
    items: Kind,
    terms: str,
    known: tuple[str, ...] = (),
    pattern: str = "",
    since: str = "1990-01-01",
    package: str | None = None,
) -> Callable[[Asks], DataSource]:
    """Make a source of a function; its name is the source's id."""

    def made(function: Asks) -> DataSource:
        hints = get_type_hints(function, include_extras=True)
        parameters = tuple(
            read(name, hints[name], parameter.default)
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        )
        doc = inspect.getdoc(function) or ""
        return DataSource(
            function.__name__, title, items, terms, known, pattern, since, package, parameters, function, doc
        )

    return made


def one_by_one(
    request: Request,
    http: Http,
    report: Report,
    origin: Origin,
    ask: Callable[[str], tuple[Series, Mapping[str, str]]],
) -> Fetched:
    """The wanted series, each with what is said about it, as `ask` finds them."""
    found: dict[str, tuple[Series, Mapping[str, str]]] = {}
    for done, item in enumerate(request.items):
        report(done, len(request.items), "fetch")
        found[item] = http.judged(origin, item, partial(ask, item))
    return Fetched(
        series=tuple(series for series, _ in found.values()), about={item: told for item, (_, told) in found.items()}
    )


def required(package: str, distribution: str, *, source: str) -> Any:
    """A package of the extra `data`, imported only when it is asked for. Raises SourceFailed (`missing_extra`)."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise SourceFailed(
            f"The source '{source}' needs the package {distribution}, which is not installed where workers run: "
            f"pip install {distribution}",
            source=source,
            code="missing_extra",
        ) from error
