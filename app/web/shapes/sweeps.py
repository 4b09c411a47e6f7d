"""Sweeps: what to search, and what a search leaves."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.sweeps import GRID, LIMITS, MOST_ASKED, MOST_ROUND, ROUND
from app.web.fields import Choice, Document, OneOrMore, Text, Truth, Whole
from app.web.schemas import PageQuery, RunSchema, Strict, told
from app.web.shapes.parts import count, floats, mapping, maybe_text, text, texts
from engine.sweep.trials import MAX_TRIALS


class RandomSchema(Strict):
    """A search that draws its trials."""

    trials = Whole(low=1, high=MAX_TRIALS, required=True, metadata=told("How many."))


class BayesianSchema(Strict):
    """A search that chooses its trials by what those before have made."""

    trials = Whole(low=1, high=MOST_ASKED, required=True, metadata=told("How many."))
    round = Whole(
        low=1,
        high=MOST_ROUND,
        metadata=told("How many are chosen at once, for the workers to share; the next ones know them.", default=ROUND),
    )


class SweepSchema(RunSchema):
    """A search among parameters."""

    grid = Document(
        GRID,
        metadata=told(
            "By parameter: a list of values, or {start, stop, step} with the stop included; for a random or a "
            "Bayesian search also {low, high, log}. Without a grid such a search is one of all that is taken.",
            example={"fast": {"start": 5, "stop": 30, "step": 5}, "slow": [50, 100, 200]},
        ),
    )
    random = fields.Nested(RandomSchema, metadata=told("Draw trials of the grid instead of making all of them."))
    bayesian = fields.Nested(
        BayesianSchema, metadata=told("Choose trials of the grid by what those before have made; not with `random`.")
    )
    objective = OneOrMore(
        most=8, metadata=told("The metric that ranks the trials, or several; the first one decides.", default="sharpe")
    )
    constraints = Document(
        LIMITS,
        metadata=told("By metric: trials outside of {min, max} are not ranked.", example={"total_trades": {"min": 10}}),
    )
    each_symbol = Truth(metadata=told("Run every trial on each symbol with an account of its own."))
    top = Whole(low=1, high=100, metadata=told("How many of the best are told with all metrics.", default=10))


class TrialsQuery(PageQuery):
    """Which trials."""

    limit = Whole(low=1, high=5000, query=True, load_default=500, metadata=told("How many.", default=500))
    trial = Whole(low=0, high=MAX_TRIALS, query=True, metadata=told("Only the one of this number."))
    sort = Text(
        most=65,
        pattern=r"^-?[a-z0-9_]{1,64}$",
        metadata=told(
            "A figure to sort by, `-` in front for the largest first; or `best`: as the search ranks, those outside of "
            "the constraints last. Else in the order of the search."
        ),
    )


class SurfaceQuery(Strict):
    """A figure over two parameters."""

    x = Text(most=64, metadata=told("A parameter of the grid; else its first."))
    y = Text(most=64, metadata=told("Another one; else the first that is not x."))
    figure = Text(most=64, metadata=told("A figure of the trials; else the objective."))
    take = Choice("best", "mean", load_default="best", metadata=told("Of trials with equal x and y.", default="best"))
    symbol = Text(most=64, metadata=told("Where every symbol has its own account: only of this one."))
    bins = Whole(
        low=2,
        high=200,
        query=True,
        metadata=told("Tell numbers that have more values than this in so many equal stretches, by their middles."),
    )


class Trials(ma.Schema):
    """Trials of a search: trial, params, figures, error, and the symbol where each has its own account."""

    trials = fields.List(fields.Dict(), required=True)
    total = count("How many have been made.")
    axes = texts("The parameters that are searched.")
    objective = texts("The figures that the search goes by; the first one ranks.")
    better = mapping("By figure: higher, lower or none.")
    complete = fields.Boolean(required=True, metadata=told("False while the search runs, or when it was cut short."))
    next = maybe_text("The cursor of the next page; null on the last one.")


class Surface(ma.Schema):
    """z[i][j] is the figure at y[i] and x[j], and trial[i][j] the best trial there; null where none was made.

    Where only one parameter was searched, y is one null.
    """

    x = fields.List(fields.Raw(), required=True)
    y = fields.List(fields.Raw(), required=True)
    z = fields.List(floats(), required=True)
    parameters = fields.Dict(
        keys=fields.String(), values=fields.String(allow_none=True), required=True, metadata=told("Of x and y.")
    )
    trial = fields.List(fields.List(fields.Integer(allow_none=True)), required=True)
    figure = text()
    take = text()
