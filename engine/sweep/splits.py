"""Which bars a trial is chosen on, and which it is tested on: folds that walk forward, and combinations of groups.

Light on purpose: what a request asks for is checked with it, where nothing is run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats
from engine.errors import InvalidInput
from engine.intake import Times

# Most folds of a walk, and most splits of a cross-validation: each is a choice among all trials.
MOST_SPLITS = 1000
# A part of fewer bars has no returns to judge.
LEAST_BARS = 2


class Fold(NamedTuple):
    """Bars first <= t < split are for training, split <= t < stop for the test."""

    first: int
    split: int
    stop: int


def month_folds(
    sessions: Times, *, train: int, test: int, step: int | None = None, anchored: bool = False, purge: int = 0
) -> tuple[Fold, ...]:
    """Folds of whole calendar months: `train` of them, and `test` after them.

    The first training begins with the first bar, in whose month the count begins; every further fold is `step` months
    later (as many as `test` by default). A test ends with the last bar of its last month, or with the last bar there
    is when that is in this month; months that no whole test reaches are in none, nor is the last bar of all where it
    alone would be a test. The dates alone say where a fold lies: bars that are added later move none.

    Args:
        sessions: the date of each bar [T], in order.
        anchored: let every training begin with the first bar, so that it grows.
        purge: bars that will be dropped from the end of a training; some must be left.

    Raises:
        InvalidInput: `invalid_folds`, pointing at /train_months, when not one fold has room, or a part of one has less
            than 2 bars; `too_many_folds` for more than 1,000.
    """
    months = sessions.astype("datetime64[M]").astype(np.int64)
    months = months - months[0]
    step = test if step is None else step
    covered = int(months[-1]) + 1
    starts = range(train, covered - test + 1, step)
    if not starts:
        raise _misfit(
            f"{train} months of training and {test} of test do not fit into the {covered} months that there are.",
            given={"train_months": train, "test_months": test},
            allowed={"months": covered},
        )
    if len(starts) > MOST_SPLITS:
        raise _too_many(len(starts), "folds", "/step_months")
    edges = [(0 if anchored else start - train, start, start + test) for start in starts]
    folds = tuple(Fold(*map(int, np.searchsorted(months, edge))) for edge in edges)
    if len(folds) > 1 and folds[-1].split == len(months) - 1:
        folds, edges = folds[:-1], edges[:-1]
    for fold, (_, start, _) in zip(folds, edges, strict=True):
        if min(fold.split - purge - fold.first, fold.stop - fold.split) < LEAST_BARS:
            month = np.datetime64(sessions[0], "M") + start
            raise _misfit(
                f"The fold whose test begins in {month} has {max(0, fold.split - purge - fold.first)} bars of training "
                f"and {fold.stop - fold.split} of test; each needs at least {LEAST_BARS}.",
                given={"train_months": train, "test_months": test, "purge": purge},
            )
    return folds


@dataclass(frozen=True, eq=False)
class Groups:
    """Bars in groups, of which every combination of some is tested once: combinatorial purged cross-validation.

    Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 12. `total` bars are cut into `count` groups
    of equal size, the first ones a bar longer where they cannot be; each split tests `tested` of them and trains on
    the others. Of these `purge` bars before and after every tested group are dropped, and `embargo` more after it.

    Raises:
        InvalidInput: `invalid_groups` with a pointer below /cpcv (or at /purge) when there are too few groups or bars,
            or when a training has nothing left; `too_many_folds` for more than 1,000 splits.
    """

    total: int
    count: int
    tested: int
    purge: int = 0
    embargo: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.tested < self.count:
            raise _ungrouped(
                f"Of {self.count} groups 1 to {self.count - 1} can be tested at once, not {self.tested}.",
                "/cpcv/test_groups",
                self.tested,
            )
        if self.total // self.count < LEAST_BARS:
            raise _ungrouped(
                f"{self.total} bars are too few for {self.count} groups of at least {LEAST_BARS}.",
                "/cpcv/groups",
                self.count,
            )
        if math.comb(self.count, self.tested) > MOST_SPLITS:
            raise _too_many(math.comb(self.count, self.tested), "splits", "/cpcv")
        least = min(self.trained)
        if least < LEAST_BARS:
            raise _ungrouped(
                f"A purge of {self.purge} and an embargo of {self.embargo} bars leave {least} bars of a training.",
                "/embargo" if self.embargo > self.purge else "/purge",
                {"purge": self.purge, "embargo": self.embargo},
            )

    @cached_property
    def bounds(self) -> tuple[int, ...]:
        """Where each group begins, and the end of the last one [count + 1]."""
        size, longer = divmod(self.total, self.count)
        return tuple(at * size + min(at, longer) for at in range(self.count + 1))

    @cached_property
    def splits(self) -> tuple[tuple[int, ...], ...]:
        """The groups that each split tests, in order: C(count, tested) of them."""
        return tuple(combinations(range(self.count), self.tested))

    def training(self, split: tuple[int, ...]) -> dict[int, tuple[int, int]]:
        """By group, the bars first <= t < stop of it that a split trains on; groups that have none are left out."""
        first, stop = self._kept(split)
        kept = np.flatnonzero(first < stop)
        stretches = zip(first[kept].tolist(), stop[kept].tolist(), strict=True)
        return dict(zip(kept.tolist(), stretches, strict=True))

    @cached_property
    def trained(self) -> tuple[int, ...]:
        """How many bars each split trains on."""
        return tuple(int(np.maximum(0, stop - first).sum()) for first, stop in map(self._kept, self.splits))

    def _kept(self, split: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where what a split trains on of each group begins and stops [count]; nothing is left where it stops before.

        Of the tested groups only the nearest one on either side can reach into a group.
        """
        bounds, tested = np.array(self.bounds), np.array(split)
        first, stop = bounds[:-1].copy(), bounds[1:].copy()
        place = np.searchsorted(tested, np.arange(self.count))  # of the nearest tested group at or after each
        behind, ahead = place > 0, place < len(tested)
        earlier = bounds[tested[place[behind] - 1] + 1] + self.purge + self.embargo
        first[behind] = np.maximum(first[behind], earlier)
        stop[ahead] = np.minimum(stop[ahead], bounds[tested[place[ahead]]] - self.purge)
        stop[tested] = first[tested]
        return first, stop

    @cached_property
    def paths(self) -> NDArray[np.int64]:
        """Which split tests each group of a path [paths, count]: the jth path has the jth split that tests it.

        There are C(count - 1, tested - 1) = tested / count C(count, tested) of them, and every test of every split is
        in exactly one.
        """
        testing = [[at for at, split in enumerate(self.splits) if group in split] for group in range(self.count)]
        return np.array(testing, dtype=np.int64).T


def overfit_ratio(inside: Floats, outside: Floats) -> float | None:
    """The median of outside / inside over the choices that promised something: inside > 0, both known.

    About 1 where what was found held up, 0 where nothing of it was left. None where no choice promised anything.
    """
    known = promised(inside, outside)
    return float(np.median(outside[known] / inside[known])) if known.any() else None


def promised(inside: Floats, outside: Floats) -> NDArray[np.bool_]:
    """Which choices have a figure above 0 in the training and any in the test."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(inside) & np.isfinite(outside) & (inside > 0.0)


def drift(chosen: Sequence[Mapping[str, Any] | None], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How the chosen parameters moved: by name the value of each fold, how often it changed, and its range.

    `changes` counts the folds whose value is not that of the fold before; `distinct` the values; `low` and `high` are
    None where values are no numbers. A fold without a choice has None and is passed over.
    """
    return {name: _moved([None if params is None else params[name] for params in chosen]) for name in names}


def _moved(values: list[Any]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    numbers = [value for value in known if isinstance(value, int | float) and not isinstance(value, bool)]
    ordered = bool(numbers) and len(numbers) == len(known)
    return {
        "values": values,
        "changes": sum(one != other for one, other in pairwise(known)),
        "distinct": len(list(_once(known))),
        "low": min(numbers) if ordered else None,
        "high": max(numbers) if ordered else None,
    }


def _once(values: list[Any]) -> Iterator[Any]:
    seen: list[Any] = []
    for value in values:
        if value not in seen:
            seen.append(value)
            yield value


def _misfit(text: str, *, given: Any, allowed: Any = None) -> InvalidInput:
    return InvalidInput(text, code="invalid_folds", pointer="/train_months", given=given, allowed=allowed)


def _ungrouped(text: str, pointer: str, given: Any) -> InvalidInput:
    return InvalidInput(text, code="invalid_groups", pointer=pointer, given=given)


def _too_many(count: int, what: str, pointer: str) -> InvalidInput:
    return InvalidInput(
        f"That makes {count:,} {what}; at most {MOST_SPLITS:,} are run.",
        code="too_many_folds",
        pointer=pointer,
        given=count,
        allowed={"maximum": MOST_SPLITS},
    )
