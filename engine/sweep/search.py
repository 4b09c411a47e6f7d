"""What a search tries: candidates by number, so that any stretch of them is made alone, anywhere, and the same.

The candidates of a grid are its combinations, the last parameter running fastest. Those of a random search are drawn
without repetition where the space is a lattice; a draw is a function of the seed and its number.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.errors import InvalidInput, InvalidParameter
from engine.parameters import Parameter, refuse_unknown, shown
from engine.strategy import Strategy
from engine.sweep.trials import MAX_TRIALS, Axis, Trials, axis_size, axis_values, made

# Candidates of a random search for one trial, at most: where a rule excludes more of a space, fewer trials are made.
MOST_DRAWS = 20
# Candidates that are looked through at once for the first trial.
_LOOK = 2_000
# Points of a lattice that a number can count.
_COUNTABLE = 2**62


class Interval(NamedTuple):
    """All numbers between two bounds; `log` spreads them evenly over the orders of magnitude."""

    low: float
    high: float
    log: bool = False

    def at(self, share: Floats) -> Floats:
        """The numbers that lie at these shares of the way."""
        if self.log:
            return np.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        return self.low + share * (self.high - self.low)


Values: TypeAlias = "tuple[Any, ...] | Interval"


@dataclass(frozen=True, eq=False)
class Space:
    """The values that parameters of a strategy may take together.

    `axes` are by parameter, in the order of the strategy; `base` has the values of the other parameters.
    """

    strategy: Strategy
    axes: Mapping[str, Values]
    base: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        strategy: Strategy,
        grid: Mapping[str, Axis],
        base: Mapping[str, Any] | None = None,
        *,
        lattice: bool = True,
    ) -> Space:
        """The space of a grid.

        Args:
            strategy: whose parameters they are.
            grid: by parameter a list of values, or {"start", "stop", "step"} with the stop included, or
                {"low", "high"}, all values in between; of numbers that are not whole those are no lattice, and
                "log" spreads them over the orders of magnitude.
            base: values of parameters that are no axis; those left out have their defaults, axes are passed over.
            lattice: refuse intervals of numbers, and more combinations than a grid may have.

        Raises:
            InvalidInput: `invalid_grid`, `sweep_too_large`, with the pointer of the axis or of the grid.
            InvalidParameter: for an unknown parameter or a value that it does not take.
        """
        names = [item.name for item in strategy.parameters]
        refuse_unknown(grid, names, error=InvalidParameter, where="/grid", kind=f"parameter of {strategy.id}")
        asked = {item: _spelled(item, grid[item.name]) for item in strategy.parameters if item.name in grid}
        for item, axis in asked.items():
            if lattice and _is_interval(axis):
                raise _no_interval(item, axis, "is an interval: a grid needs a list of values or a range with a step")
        if lattice:
            _refuse_size({item.name: axis_size(item.name, axis) for item, axis in asked.items()})
        axes = {item.name: _values(item, axis) for item, axis in asked.items()}
        given = base or {}
        refuse_unknown(given, names, error=InvalidParameter, where="/params", kind=f"parameter of {strategy.id}")
        fixed = [item for item in strategy.parameters if item.name not in axes]
        values = {
            item.name: item.check(given[item.name], error=InvalidParameter, where="/params")
            if item.name in given
            else item.default
            for item in fixed
        }
        return cls(strategy, axes, values)

    @classmethod
    def whole(cls, strategy: Strategy, base: Mapping[str, Any]) -> Space:
        """Everything that the parameters of a strategy may be, but for those in `base`."""
        free = (item for item in strategy.parameters if item.name not in base)
        return cls.of(strategy, {item.name: _everything(item) for item in free}, base, lattice=False)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """How many values each axis has; None where one is an interval."""
        counts = [len(values) for values in self.axes.values() if not isinstance(values, Interval)]
        return tuple(counts) if len(counts) == len(self.axes) else None

    @property
    def size(self) -> int | None:
        """How many points the lattice has; None where it is none, or one that a number cannot count."""
        size = None if self.shape is None else math.prod(self.shape)
        return size if size is not None and size < _COUNTABLE else None

    def told(self) -> dict[str, Any]:
        """The axes as plain values for JSON."""
        return {
            name: values._asdict() if isinstance(values, Interval) else list(values)
            for name, values in self.axes.items()
        }

    def points(self, codes: NDArray[np.int64]) -> list[list[Any]]:
        """Columns of values of the lattice's points with these numbers."""
        assert self.shape is not None  # noqa: S101 - only a lattice has numbers
        places = np.unravel_index(codes, self.shape) if self.shape else ()
        return [[values[at] for at in place.tolist()] for values, place in zip(self.axes.values(), places, strict=True)]

    def draws(self, shares: Floats) -> list[list[Any]]:
        """Columns of values at shares [n, axes] of the way along each axis."""
        columns: list[list[Any]] = []
        for share, values in zip(shares.T, self.axes.values(), strict=True):
            if isinstance(values, Interval):
                columns.append(values.at(share).tolist())
            else:
                columns.append([values[at] for at in (share * len(values)).astype(np.int64).tolist()])
        return columns


class Stretch(NamedTuple):
    """Some candidates: the numbers [n] of those that are trials, the trials (None without any), and the others."""

    numbers: NDArray[np.int64]
    trials: Trials | None
    skipped: int


@dataclass(frozen=True, eq=False)
class Search:
    """Candidates of a space: all of its lattice, or `draws` trials that are drawn with a seed."""

    space: Space
    draws: int | None = None
    seed: int = 0

    @cached_property
    def _drawn(self) -> NDArray[Any]:
        """What was drawn so far."""
        return self._draw(0)

    @cached_property
    def candidates(self) -> int:
        """How many there are. For a random search as many as it takes, which are looked through once."""
        if self.draws is None:
            return math.prod(self.space.shape or ())
        left, at = self.draws, 0
        while at < self._most:
            stop = min(self._most, at + self.draws)
            found = self.stretch(at, stop).numbers
            if len(found) >= left:
                return int(found[left - 1]) + 1
            left, at = left - len(found), stop
        return self._most

    def stretch(self, first: int, stop: int) -> Stretch:
        """The candidates first <= number < stop."""
        rows = self._rows(first, stop)
        strategy, names = self.space.strategy, [item.name for item in self.space.strategy.parameters]
        kept = [at for at, row in enumerate(rows) if not strategy.broken(dict(zip(names, row, strict=True)))]
        skipped = len(rows) - len(kept)
        trials = made(strategy, [rows[at] for at in kept], skipped) if kept else None
        return Stretch(np.array(kept, dtype=np.int64) + first, trials, skipped)

    def first(self) -> dict[str, Any]:
        """The parameters of the first trial. Raises InvalidInput (`empty_sweep`) where the rule excludes them all."""
        end = MAX_TRIALS if self.draws is None else self._most
        end = min(end, self.candidates) if self.draws is None else min(end, _LOOK * MOST_DRAWS)
        at = 0
        while at < end:  # as a rule one of the first few is a trial
            stop = min(end, at + min(_LOOK, 2 * at + 1))
            trials = self.stretch(at, stop).trials
            if trials is not None:
                return trials[0]
            at = stop
        names = (item.name for item in self.space.strategy.parameters)
        sample = dict(zip(names, self._rows(0, 1)[0], strict=True))
        raise InvalidInput(
            f"The rule of {self.space.strategy.id} excludes each of the {end} combinations: "
            f"{self.space.strategy.broken(sample)}",
            code="empty_sweep",
            pointer="/grid",
            given=sample,
        )

    def _rows(self, first: int, stop: int) -> list[tuple[Any, ...]]:
        """The parameters, in the order of the strategy, of the candidates first <= number < stop."""
        varied = dict(zip(self.space.axes, self._columns(first, stop), strict=True))
        names = [item.name for item in self.space.strategy.parameters]
        if not names:
            return [()] * (stop - first)
        return list(zip(*(varied.get(name) or [self.space.base[name]] * (stop - first) for name in names), strict=True))

    def _columns(self, first: int, stop: int) -> list[list[Any]]:
        """The values on each axis of these candidates."""
        if self.draws is None or not self.space.axes:
            return self.space.points(np.arange(first, stop))
        if len(self._drawn) < stop:  # the first ones of more are the same
            vars(self)["_drawn"] = self._draw(stop)
        drawn = self._drawn[first:stop]
        return self.space.draws(drawn) if self.space.size is None else self.space.points(drawn)

    @property
    def _most(self) -> int:
        """More candidates than these are not looked at."""
        most = MOST_DRAWS * (self.draws or 0)
        return most if self.space.size is None else min(most, self.space.size)

    def _draw(self, count: int) -> NDArray[Any]:
        """The first `count` draws: shares of the way along each axis, or points of a lattice, none twice."""
        rng, size = np.random.Generator(np.random.Philox(self.seed)), self.space.size
        if size is None:
            return rng.random((count, len(self.space.axes)))
        if size <= MOST_DRAWS * (self.draws or 0):
            return rng.permutation(size)
        drawn = rng.integers(size, size=count)
        while True:
            places = np.sort(np.unique(drawn, return_index=True)[1])
            if len(places) >= count:
                return drawn[places[:count]]
            drawn = np.append(drawn, rng.integers(size, size=count))


def _refuse_size(counts: Mapping[str, int]) -> None:
    """Raise InvalidInput for too many combinations, before any is made, and say what would fit."""
    total = math.prod(counts.values())
    if total <= MAX_TRIALS:
        return
    # The least n of which every nth value of each axis makes a grid that fits.
    every = bisect_left(range(max(counts.values())), True, key=lambda n: _combinations(counts, n + 1) <= MAX_TRIALS) + 1
    raise InvalidInput(
        f"The grid has {_counted(total)} combinations; at most {MAX_TRIALS:,} are run. One value in {every} of each "
        f'axis would fit, or a random search of the same space: "random": {{"trials": {MAX_TRIALS}}}.',
        code="sweep_too_large",
        pointer="/grid",
        given=shown(total),
        allowed={"maximum": MAX_TRIALS},
    )


def _combinations(counts: Mapping[str, int], every: int) -> int:
    return math.prod(-(-count // every) for count in counts.values())


def _counted(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"about 10^{len(str(number)) - 1}"


def _spelled(parameter: Parameter, axis: Axis) -> Axis:
    """The axis, with all whole numbers between two bounds as a range."""
    if parameter.type != "int" or not isinstance(axis, Mapping) or not {"low", "high"} & axis.keys():
        return axis
    _refuse_fields(parameter, axis)
    return {"start": axis.get("low"), "stop": axis.get("high"), "step": 1}


def _values(parameter: Parameter, axis: Axis) -> Values:
    if _is_interval(axis):
        return _interval(parameter, axis)
    size = axis_size(parameter.name, axis)
    if not 1 <= size <= MAX_TRIALS:
        raise InvalidInput(
            f"The axis {parameter.name} has {_counted(size)} values; 1 to {MAX_TRIALS:,} are taken.",
            code="invalid_grid",
            pointer=f"/grid/{parameter.name}",
            given=shown(size),
            allowed={"minimum": 1, "maximum": MAX_TRIALS},
        )
    return tuple(dict.fromkeys(axis_values(parameter, axis)))  # a value that is listed twice is one


def _is_interval(axis: Axis) -> TypeGuard[Mapping[str, object]]:
    return isinstance(axis, Mapping) and bool({"low", "high"} & axis.keys())


def _refuse_fields(parameter: Parameter, axis: Mapping[str, object]) -> None:
    where = f"/grid/{parameter.name}"
    refuse_unknown(axis, Interval._fields, error=InvalidInput, where=where, kind="field of an interval")


def _interval(parameter: Parameter, axis: Mapping[str, object]) -> Values:
    _refuse_fields(parameter, axis)
    if parameter.type != "float":
        raise _no_interval(parameter, axis, "has no values in between: list those to try")
    low, high = (parameter.check(axis.get(name), error=InvalidParameter, where="/grid") for name in ("low", "high"))
    log = axis.get("log", False)
    if not isinstance(low, float) or not isinstance(high, float) or not low < high:
        raise _no_interval(parameter, axis, "needs low < high")
    if not isinstance(log, bool) or (log and low <= 0.0):
        raise _no_interval(parameter, axis, "takes log true or false, and true only above 0")
    return Interval(low, high, log)


def _no_interval(parameter: Parameter, axis: object, why: str) -> InvalidInput:
    name = parameter.name
    return InvalidInput(f"The axis {name} {why}.", code="invalid_grid", pointer=f"/grid/{name}", given=shown(axis))


def _everything(parameter: Parameter) -> Axis:
    """All that a parameter of a strategy may be."""
    if parameter.type == "bool":
        return [False, True]
    if parameter.type == "choice":
        return list(parameter.choices)
    return {"low": parameter.low, "high": parameter.high}
