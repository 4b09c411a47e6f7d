"""What the paper book may lose: requests and replies."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from app.web.fields import Amount, Whole
from app.web.schemas import Strict, told
from app.web.shapes.parts import count, mapping, maybe_text, number, text
from engine.risk.limits import HIGHEST, LIMITS, LOWEST, STATUSES, Limit
from engine.risk.losses import TAILS
from engine.risk.stress import SCENARIOS

LONGEST_HORIZON = 250


def _listed(shape: type[ma.Schema], about: str = "") -> fields.List[Any]:
    return fields.List(fields.Nested(shape), required=True, metadata=told(about) if about else {})


class HorizonQuery(Strict):
    """How far ahead."""

    horizon = Whole(
        low=1,
        high=LONGEST_HORIZON,
        query=True,
        load_default=1,
        metadata=told("Sessions: losses are those of one times the square root of it.", default=1),
    )


class _Named(ma.Schema):
    dataset_id = text()
    symbol = text()


class LeftOut(_Named):
    """A position that a figure leaves out."""

    value = number("In money; negative where short.")
    reason = text()


class Degrees(_Named):
    """How heavy the tails of an instrument are."""

    value = number("Degrees of freedom of its Student's t.")


class InstrumentLoss(_Named):
    """The part of an instrument in a loss."""

    var = number()
    cvar = number()


class StrategyLoss(ma.Schema):
    """The part of a strategy in a loss."""

    strategy_id = text()
    var = number()
    cvar = number()


class LossFigure(ma.Schema):
    """A loss by one method, at one level of confidence. Parts sum to the whole."""

    method = fields.String(required=True, metadata={"enum": ["historical", "parametric", "monte_carlo"]})
    level = fields.Float(required=True, metadata={"enum": list(TAILS)})
    var = number("Value at risk, in money: a loss is positive. Null where there is a reason.", none=True)
    cvar = number("Expected shortfall: the mean loss beyond it.", none=True)
    var_fraction = number("Of equity.", none=True)
    cvar_fraction = number("Of equity.", none=True)
    reason = maybe_text("Why there is no figure.")
    instruments = _listed(InstrumentLoss)
    strategies = _listed(StrategyLoss)


class _Measured(ma.Schema):
    as_of = text("The last bar, UTC.")
    equity = number()
    positions = count("How many symbols are held: of none every loss is 0.")
    quality = text("real, proxy or synthetic: the worst of what it was made from.")
    book_version = count()


class BookLosses(_Measured):
    """What the positions of the paper book may lose."""

    horizon_days = count("Sessions.")
    observations = count("Returns that the figures are made of.")
    start = maybe_text("The first day of them.")
    end = maybe_text("The last one.")
    coverage = number("Sizes of the positions that are measured / of all; null where nothing is held.", none=True)
    unmeasured = _listed(LeftOut, "Positions that no figure has in it.")
    paths = count("Draws of the Monte Carlo figures.")
    seed = count("Of the draws: the same positions and returns give the same figures.")
    degrees_of_freedom = _listed(Degrees)
    figures = _listed(LossFigure)


class Exposed(_Named):
    """What a position depends on."""

    value = number()
    factor = text("A curve with its years, a price, or a pair of currencies.")
    dv01 = number("Money that it loses when the rate rises by a basis point; null where it is no rate.", none=True)


class InstrumentGain(_Named):
    """What a position gains in a scenario."""

    pnl = number()


class StrategyGain(ma.Schema):
    """What a strategy gains in a scenario."""

    strategy_id = text()
    pnl = number()


class ScenarioResult(ma.Schema):
    """What a scenario would do."""

    scenario = fields.String(required=True, metadata={"enum": [item.name for item in SCENARIOS]})
    title = text()
    shocks = mapping("`rates_bps` by curve, [years, basis points]; `prices` by factor, fractions.")
    pnl = number("In money; what is unmapped counts 0.")
    pnl_fraction = number("Of equity.", none=True)
    instruments = _listed(InstrumentGain)
    strategies = _listed(StrategyGain)


class BookStress(_Measured):
    """What scenarios would do to the paper book."""

    exposures = _listed(Exposed)
    unmapped = _listed(LeftOut, "Positions that no scenario moves.")
    scenarios = _listed(ScenarioResult)


def _limit(item: Limit) -> Amount:
    bounds = ma.validate.Range(LOWEST, HIGHEST, error=f"must lie between {LOWEST:g} and {HIGHEST:g}, or be null.")
    return Amount(allow_none=True, validate=bounds, metadata=told(item.about, default=item.default))


LimitsChange = Strict.from_dict({name: _limit(item) for name, item in LIMITS.items()}, name="LimitsChange")
LimitsChange.__doc__ = "Limits of the book, parts of equity; what is left out has its default, null is no limit."


class LimitUse(ma.Schema):
    """What is used of a limit, by the book, an instrument or a strategy."""

    limit = fields.String(required=True, metadata={"enum": list(LIMITS)})
    bound = number("The limit; null for none.", none=True)
    value = number("A part of equity; null where it is not known.", none=True)
    utilisation = number("value / bound.", none=True)
    status = fields.String(
        required=True,
        allow_none=True,
        metadata=told("breach from the limit on, warning from 0.8 of it on.", enum=[*STATUSES, None]),
    )
    reason = maybe_text("Why there is no value.")
    dataset_id = maybe_text()
    symbol = maybe_text()
    strategy_id = maybe_text()


class BookLimits(ma.Schema):
    """The limits of the paper book, and what is used of them."""

    version = count("Counts from 1; 0 are the defaults, which nobody has changed.")
    limits = mapping("By name, parts of equity; null is no limit.")
    changed_by = maybe_text()
    changed_at = maybe_text()
    usage = _listed(LimitUse, "After the last bar; nothing before the book is open.")
    status = fields.String(
        required=True,
        allow_none=True,
        metadata=told("The worst of all; null where none is known.", enum=[*STATUSES, None]),
    )
