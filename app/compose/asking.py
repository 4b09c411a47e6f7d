"""What a request to compose a dataset means. The API resolves it before queueing, and the worker reads the result."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app import forms
from app.catalog import Catalog
from app.compose.origins import Origin, names_of, origins_of, pinned, session_close
from app.dataset import Dataset
from app.instruments import INSTRUMENTS, UNITS
from engine.errors import InvalidInput, UnknownName
from engine.panel import NO_PANEL
from engine.parameters import escaped
from engine.version import ENGINE_VERSION


def resolve_compose(body: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The request with a version for every dataset; their order does not matter.

    Raises InvalidInput with the pointer of the offending field, what is allowed, and the nearest match.
    """
    inputs: list[Dataset] = []
    for place, name in enumerate(body["datasets"]):
        with _pointing(f"/datasets/{place}"):
            inputs.append(_input(name, body["name"], catalog, inputs))
    rename = dict(body.get("rename") or {})
    _require_names(rename, inputs)
    origins = origins_of(inputs, rename)
    session_close(inputs)
    _require_units(origins)
    _require_instruments(origins)
    return {
        "dataset_id": body["name"],
        "datasets": sorted(map(pinned, inputs)),
        "rename": rename,
        "engine_version": ENGINE_VERSION,
    }


def estimate(request: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """How many series a resolved request brings together, which instruments can be made of them, and why others not."""
    origins = origins_of([catalog.get(name) for name in request["datasets"]], request["rename"])
    made = {"instruments": possible(origins), "lacking": lacking(origins)}
    return {"datasets": len(request["datasets"]), "series": len(origins), **made}


def possible(keys: Collection[str]) -> list[str]:
    """The instruments that can be made of these series."""
    return [name for name, item in INSTRUMENTS.items() if set(item.needs) <= set(keys)]


def lacking(keys: Collection[str]) -> list[str]:
    """A sentence about each instrument whose own series is among these, and another one that it needs is not."""
    missing = {
        name: [key for key in INSTRUMENTS[name].needs if key not in keys] for name in INSTRUMENTS if name in keys
    }
    return [f"{name} is not traded: it needs {' and '.join(more)} too." for name, more in missing.items() if more]


@contextmanager
def _pointing(pointer: str) -> Iterator[None]:
    """Let what is refused be refused at its place in the request."""
    try:
        yield
    except InvalidInput as error:
        error.pointer = pointer
        raise


def _input(name: str, composed: str, catalog: Catalog, before: Iterable[Dataset]) -> Dataset:
    dataset = catalog.get(name)
    if dataset.id == composed:
        raise InvalidInput(f"'{composed}' cannot be composed of itself. Choose another name.", given=name)
    if pinned(dataset) in map(pinned, before):
        raise InvalidInput(f"'{dataset.id}' is named twice.", given=name)
    if dataset.kind != "bars" and dataset.panel is NO_PANEL:
        raise InvalidInput(
            f"Dataset '{dataset.id}' does not say since when its values were known.",
            code="unknown_publication",
            given=name,
        )
    return dataset


def _require_names(rename: Mapping[str, Any], inputs: Iterable[Dataset]) -> None:
    """Every name that is changed is there, and becomes one that a series may have."""
    names = {name for dataset in inputs for name in names_of(dataset)}
    if names:  # calendars alone have none, and no instrument can be made of them
        with _pointing("/datasets"):
            forms.check_symbols(names)
    for old, new in rename.items():
        with _pointing(f"/rename/{escaped(old)}"):
            if old not in names:
                raise UnknownName.of("series", old, names)
            if not isinstance(new, str):
                raise InvalidInput("The new name of a series must be a text.", given=new)
            forms.check_symbols([new])


def _require_units(origins: Mapping[str, Origin]) -> None:
    """What goes into prices is in the unit that they are made of."""
    for key, unit in UNITS.items():
        if key in origins and origins[key].unit != unit:
            raise InvalidInput(
                f"{origins[key]} is in {origins[key].unit}; instruments are made of {key} in {unit}.",
                code="unit_mismatch",
                pointer="/datasets",
                given=origins[key].unit,
                allowed=unit,
            )


def _require_instruments(origins: Mapping[str, Origin]) -> None:
    if not possible(origins):
        raise InvalidInput(
            " ".join(["No instrument can be made of these series.", *lacking(origins)[:3]]),
            code="no_instruments",
            pointer="/datasets",
            given=list(origins)[:100],
            allowed={name: list(item.needs) for name, item in INSTRUMENTS.items()},
        )
