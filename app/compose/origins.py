"""Which series a composed dataset has: those of its inputs, each once, under the names that a request gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from app.dataset import Dataset
from engine.errors import InvalidInput


class Origin(NamedTuple):
    """Where a series of the composed dataset comes from, and what it is called there."""

    dataset: Dataset
    key: str

    @property
    def unit(self) -> str:
        series = self.dataset.panel.series
        return series[self.key].unit if self.key in series else "price"

    def __str__(self) -> str:
        return f"{self.key} of {pinned(self.dataset)}"


def pinned(dataset: Dataset) -> str:
    """A dataset at its version, as requests name it."""
    return f"{dataset.id}@{dataset.version}"


def names_of(dataset: Dataset) -> list[str]:
    """Series, and symbols as series of closes. A symbol that is called as a series beside it was made of that one."""
    series = dataset.panel.series
    return [*series, *(name for name in dataset.symbols if dataset.kind == "bars" and name not in series)]


def origins_of(inputs: Sequence[Dataset], rename: Mapping[str, str]) -> dict[str, Origin]:
    """Every series by its new name. Raises InvalidInput where two would have one name, and for calendars likewise."""
    found: dict[str, Origin] = {}
    calendars: dict[str, Dataset] = {}
    for place, dataset in enumerate(inputs):
        for own in names_of(dataset):
            origin, key = Origin(dataset, own), rename.get(own, own)
            if key in found:
                raise _twice(f"Two series would be called {key}: {found[key]}, and {origin}.", key, place)
            found[key] = origin
        for key in dataset.panel.calendars:
            if key in calendars:
                both = f"{pinned(calendars[key])} and {pinned(dataset)}"
                raise _twice(f"Both {both} have the calendar {key}.", key, place)
            calendars[key] = dataset
    return found


def _twice(message: str, key: str, place: int) -> InvalidInput:
    return InvalidInput(
        f"{message} A composed dataset has each once: leave one of the datasets out, or fetch it without that.",
        code="duplicate_series",
        pointer=f"/datasets/{place}",
        given=key,
    )


def session_close(inputs: Iterable[Dataset]) -> str | None:
    """When the decisions of all of them are made, UTC; None where none says. Raises InvalidInput for two times."""
    said: dict[str, str] = {}
    for dataset in inputs:
        if dataset.session_close:
            said.setdefault(dataset.session_close, pinned(dataset))
    if len(said) > 1:
        both = ", ".join(f"{name} at {close}" for close, name in said.items())
        raise InvalidInput(
            f"The sessions of these datasets close at different times (UTC): {both}.",
            code="session_close_mismatch",
            pointer="/datasets",
            given=list(said),
        )
    return next(iter(said), None)
