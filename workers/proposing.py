"""What a Bayesian search tries next: points that a tree-structured Parzen estimator expects to be good.

Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (2011), as optuna has it. A round of points is a function
of the space, the seed, and what came before it, so nothing of the sampler need be kept between two rounds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from engine.sweep.asked import Point, keeps_to_rule
from engine.sweep.search import Interval, Space, Values

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

_Axes: TypeAlias = "dict[str, BaseDistribution]"

# Points that were tried already and come in a row, before one is drawn that was not.
_REPEATS = 10
# How far a point is from being allowed where its strategy's rule excludes it, or it failed: further than any other.
FORBIDDEN = 1e9


class Past(NamedTuple):
    """A point that was tried: what it is worth, more is better, and by how much it violates what is wanted (0: not)."""

    point: Point
    worth: float
    violation: float


def propose(space: Space, past: Sequence[Past], *, seed: int, wanted: int, most: int) -> list[Point]:
    """The points of the next round, in the order in which they are asked for; none that was tried before.

    Args:
        space: where to look. A list of numbers in ascending order is searched as one, any other as a choice.
        past: all that was tried, in its order.
        seed: with the number of points in the past it decides the round.
        wanted: so many of the points keep to the strategy's rule. The others stand between them: the sampler learns of
            each at once.
        most: points at most. Fewer than wanted come back where these are reached, or where the space is exhausted.
    """
    axes = _axes(space)
    study = _study(axes, past, seed)
    random = np.random.Generator(np.random.Philox([seed, len(past)]))
    seen = {each.point for each in past}
    found: list[Point] = []
    while wanted > 0 and len(found) < most and len(seen) != space.size:
        point = _new(study, axes, space, seen, random)
        seen.add(point)
        found.append(point)
        if keeps_to_rule(space, point):
            wanted -= 1
        else:
            study.add_trial(_trial(Past(point, 0.0, FORBIDDEN), axes))
    return found


def _new(study: optuna.Study, axes: _Axes, space: Space, seen: set[Point], random: np.random.Generator) -> Point:
    """A point that the sampler likes; where it likes only what was tried already, any other one."""
    from optuna.trial import TrialState

    for _ in range(_REPEATS):
        trial = study.ask(axes)
        point = tuple(trial.params[name] for name in axes)
        if point not in seen:
            return point
        study.tell(trial, state=TrialState.FAIL)
    while True:
        point = tuple(_anywhere(values, random) for values in space.axes.values())
        if point not in seen:
            return point


def _study(axes: _Axes, past: Sequence[Past], seed: int) -> optuna.Study:
    """A sampler that knows the past, and nothing else."""
    import optuna

    # What it has to say goes the way of every other line, and that a study begins is nothing to say.
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    state = int(np.random.SeedSequence([seed, len(past)]).generate_state(1)[0])
    with warnings.catch_warnings():  # the three arguments are years old, and optuna's version is held
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # `multivariate`: parameters are looked at together. `constant_liar`: points that were asked for and have no
        # figures yet count as bad, so that those of a round keep apart.
        sampler = optuna.samplers.TPESampler(
            seed=state, multivariate=True, constant_liar=True, constraints_func=_violation
        )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials([_trial(each, axes) for each in past])
    return study


def _violation(trial: optuna.trial.FrozenTrial) -> Sequence[float]:
    """What the sampler would ask of a trial that ends; those here come with the answer."""
    raise AssertionError(f"trial {trial.number} has been told what it violates")


def _trial(past: Past, axes: _Axes) -> optuna.trial.FrozenTrial:
    """A trial that has ended, as the sampler reads it."""
    import optuna

    return optuna.trial.create_trial(
        value=past.worth,
        params=dict(zip(axes, past.point, strict=True)),
        distributions=dict(axes),
        system_attrs={"constraints": (past.violation,)},
    )


def _axes(space: Space) -> _Axes:
    """By axis how it is searched: numbers between two bounds, places in an order, or choices."""
    kinds = {item.name: item.type for item in space.strategy.parameters}
    return {name: _axis(values, ordered=kinds[name] in ("int", "float")) for name, values in space.axes.items()}


def _axis(values: Values, *, ordered: bool) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(values, Interval):
        return FloatDistribution(values.low, values.high, log=values.log)
    if ordered and None not in values and all(a < b for a, b in pairwise(values)):
        return IntDistribution(0, len(values) - 1)
    return CategoricalDistribution(range(len(values)))


def _anywhere(values: Values, random: np.random.Generator) -> float:
    if isinstance(values, Interval):
        return float(values.at(random.random(1))[0])
    return int(random.integers(len(values)))
