"""Monte Carlo: what a request may say, and what its result says beside that of the run."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.web.fields import Amount, Choice, Truth, Whole
from app.web.schemas import RunSchema, told
from app.web.shapes.parts import count, mapping, number, text
from engine.montecarlo import Plan
from engine.montecarlo.plan import METHODS

_PLAN = Plan.schema()["properties"]


def _whole(name: str) -> Whole:
    return Whole(low=_PLAN[name]["minimum"], high=_PLAN[name]["maximum"], allow_none=True, metadata=_described(name))


def _amount(name: str) -> Amount:
    bounds = {key: _PLAN[name][key] for key in ("minimum", "maximum")}
    return Amount(allow_none="null" in _PLAN[name]["type"], metadata=_described(name) | bounds)


def _described(name: str) -> dict[str, object]:
    return {key: _PLAN[name][key] for key in ("description", "default")}


class MonteCarloSchema(RunSchema):
    """A backtest, and how its paths are made."""

    method = Choice(*METHODS, metadata=_described("method"))
    paths = _whole("paths")
    block = _amount("block")
    horizon = _whole("horizon")
    replacement = Truth(metadata=_described("replacement"))
    jitter = _amount("jitter")
    stress = _amount("stress")
    ruin = _amount("ruin")


class Probability(ma.Schema):
    """A share of the paths."""

    probability = number()
    standard_error = number("Of the Monte Carlo alone: sqrt(p (1 - p) / paths).")
    low = number("Wilson's 95% interval.")
    high = number()


class MonteCarloFound(ma.Schema):
    """What the paths say together."""

    method = text()
    paths = count()
    seed = count()
    unit = text("What steps count: bars or trades.")
    steps = count("Of each path.")
    block = number("Mean length of a block in bars; null where there are none.", none=True)
    redrawn = count("Parameter sets that did not fit together and were drawn again.")
    figures = mapping(
        "final_equity, total_return, sharpe, max_drawdown: mean, std, p05 to p95, the run's own (`observed`), the "
        "share of paths below it (`percentile_of_observed`), and how many paths have the figure (`defined`)."
    )
    bands = mapping(
        "p05 to p95 of `equity` and `drawdown` after so many steps (`step`), with `time` where they have one."
    )
    probability_of_ruin = fields.Nested(Probability, required=True)
    probability_of_loss = fields.Nested(Probability, required=True)
    ladder = fields.List(fields.Dict(), metadata=told("Of costs: the figures with all costs multiplied together."))
    meaning = text("What it says, in a sentence or two.")
    caveat = text("What it does not say.")
