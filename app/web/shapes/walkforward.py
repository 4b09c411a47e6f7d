"""Walking forward: on which months, or groups of bars, trials of a search are chosen and tested."""

from __future__ import annotations

from marshmallow import fields

from app.web.fields import Truth, Whole
from app.web.schemas import Strict, told
from app.web.shapes.sweeps import SweepSchema

_MOST_MONTHS = 2_400
_MOST_BARS = 1_000_000


class CpcvSchema(Strict):
    """Combinatorial purged cross-validation."""

    groups = Whole(low=2, high=1000, required=True, metadata=told("Into how many groups the bars are cut."))
    test_groups = Whole(low=1, high=999, required=True, metadata=told("How many of them each split tests."))


class WalkforwardSchema(SweepSchema):
    """A search whose trials are chosen on some bars and tested on others."""

    class Meta(Strict.Meta):
        exclude = ("bayesian", "each_symbol", "top")

    train_months = Whole(low=1, high=_MOST_MONTHS, metadata=told("Calendar months of training.", example=24))
    test_months = Whole(low=1, high=_MOST_MONTHS, metadata=told("Calendar months of test.", example=6))
    step_months = Whole(
        low=1, high=_MOST_MONTHS, metadata=told("How much later the next fold is; else as many as test_months.")
    )
    anchored = Truth(metadata=told("Let every training begin with the first bar.", default=False))
    purge = Whole(
        low=0,
        high=_MOST_BARS,
        metadata=told("Bars dropped from a training before a test; with cpcv on both sides of it.", default=0),
    )
    embargo = Whole(
        low=0,
        high=_MOST_BARS,
        metadata=told(
            "Bars dropped from a training after a test, besides the purge. With cpcv the longest lookback of the "
            "search by default; walking forward no training comes after its test, and nothing is dropped."
        ),
    )
    cpcv = fields.Nested(
        CpcvSchema, metadata=told("Test every combination of groups instead of walking forward by months.")
    )
