"""Parameter sets to try: checked once, kept as columns, and counted before they are made."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidInput, InvalidParameter
from engine.parameters import Parameter, refuse_unknown, shown
from engine.strategy import BoundStrategy, Strategy

# Most parameter sets of one sweep, and of a grid before its rule is applied.
MAX_TRIALS = 500_000

# No parameter reaches as far; what lies beyond is a mistake, and would overflow where sizes are multiplied.
_FAR = 1e18

Axis: TypeAlias = Sequence[object] | Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Trials:
    """Parameter sets of one strategy as columns [n], defaults included.

    `skipped` counts the combinations of a grid that the strategy's rule between parameters excludes. `longest` is
    the trial with the longest lookback.
    """

    strategy: Strategy
    columns: dict[str, NDArray[Any]]
    size: int
    skipped: int
    longest: int

    @classmethod
    def of(cls, strategy: Strategy, sets: Sequence[Mapping[str, object]]) -> Trials:
        """These parameter sets, in this order.

        Raises:
            InvalidInput: `sweep_too_large`, or `empty_sweep` without any.
            InvalidParameter: as `Strategy.validate`.
        """
        refuse_size(len(sets))
        return made(strategy, [tuple(strategy.validate(given).values()) for given in sets], 0)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, at: int) -> dict[str, Any]:
        """The parameters of a trial as plain values."""
        values = {name: column[at] for name, column in self.columns.items()}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[at] for at in range(len(self)))

    def bound(self, at: int) -> BoundStrategy:
        """The strategy with the parameters of a trial, which have been checked."""
        return BoundStrategy(self.strategy, self[at])


def grid(strategy: Strategy, axes: Mapping[str, Axis]) -> Trials:
    """Every combination of some values per parameter, the last parameter running fastest; others have defaults.

    Args:
        strategy: whose parameters they are. Combinations that break its rule between parameters are left out.
        axes: by parameter, a list of values, or {"start", "stop", "step"} with the stop included (step 1 by default).

    Raises:
        InvalidInput: `sweep_too_large` for more than MAX_TRIALS combinations, told before any is made;
            `invalid_grid` for a range that is none; `empty_sweep` when nothing is left.
        InvalidParameter: for an unknown parameter or a value that it does not take.
    """
    refuse_unknown(
        axes,
        (item.name for item in strategy.parameters),
        error=InvalidParameter,
        where="/grid",
        kind=f"parameter of {strategy.id}",
    )
    refuse_size(math.prod(axis_size(name, axis) for name, axis in axes.items()))
    values = [
        axis_values(item, axes[item.name]) if item.name in axes else [item.default] for item in strategy.parameters
    ]
    names = [item.name for item in strategy.parameters]
    combinations = list(itertools.product(*values))
    kept = [each for each in combinations if strategy.rule(**dict(zip(names, each, strict=True))) is None]
    return made(strategy, kept, len(combinations) - len(kept))


def refuse_size(count: int, most: int = MAX_TRIALS) -> None:
    """Raise InvalidInput when so many trials are too many, or none."""
    if count > most:
        raise InvalidInput(
            f"A sweep of {count} trials is too large: at most {most} are run.",
            code="sweep_too_large",
            pointer="/grid",
            given=shown(count),
            allowed={"maximum": most},
        )
    if count == 0:
        raise InvalidInput("There is no parameter set to try.", code="empty_sweep", pointer="/grid")


def made(strategy: Strategy, sets: list[tuple[Any, ...]], skipped: int) -> Trials:
    """Trials of parameter sets that have been checked, in the order of the strategy's parameters."""
    if not sets:
        raise InvalidInput(
            f"Each of the {skipped} combinations breaks the rule of {strategy.id}.",
            code="empty_sweep",
            pointer="/grid",
            given=skipped,
        )
    names = [item.name for item in strategy.parameters]
    needs = [strategy.needs(**dict(zip(names, each, strict=True))) for each in sets]
    columns = {
        item.name: np.array(column, dtype=object if item.optional else None)
        for item, column in zip(strategy.parameters, zip(*sets, strict=True), strict=True)
    }
    return Trials(strategy, columns, len(sets), skipped, int(np.argmax(needs)))


def axis_size(name: str, axis: Axis) -> int:
    """How many values an axis has, without making them."""
    if isinstance(axis, Mapping):
        start, stop, step = _range(name, axis)
        # The stop belongs to the range also where adding up steps misses it by the rounding of decimals.
        return math.floor(min((stop - start) / step * (1.0 + 1e-12), _FAR)) + 1
    if isinstance(axis, str) or not isinstance(axis, Sequence):
        raise _invalid(name, axis, "must be a list of values or a range")
    return len(axis)


def _range(name: str, axis: Mapping[str, object]) -> tuple[float, float, float]:
    refuse_unknown(axis, ("start", "stop", "step"), error=InvalidInput, where=f"/grid/{name}", kind="field of a range")
    given = (axis.get("start"), axis.get("stop"), axis.get("step", 1))
    numbers = [value for value in given if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 3 or not all(abs(value) <= _FAR for value in numbers):
        raise _invalid(name, axis, "needs numbers start, stop and step")
    start, stop, step = numbers
    if step <= 0 or stop < start:
        raise _invalid(name, axis, "needs start <= stop and step > 0")
    return start, stop, step


def axis_values(parameter: Parameter, axis: Axis) -> list[Any]:
    """The values of an axis, each checked."""
    listed: Sequence[object]
    if isinstance(axis, Mapping):
        start, _, step = _range(parameter.name, axis)
        listed = [start + at * step for at in range(axis_size(parameter.name, axis))]
    else:
        listed = axis
    return [parameter.check(value, error=InvalidParameter, where="/grid") for value in listed]


def _invalid(name: str, given: object, what: str) -> InvalidInput:
    return InvalidInput(f"The axis {name} {what}.", code="invalid_grid", pointer=f"/grid/{name}", given=shown(given))
