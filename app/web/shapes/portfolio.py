"""What a portfolio is asked by."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.forms import MOST_SYMBOLS
from app.web.fields import Amount, Choice, Day, Document, Listing, Text, Whole
from app.web.schemas import CAPITAL, TAG_PATTERN, Strict, told
from engine.config import Config
from engine.portfolio.mandate import MOST_SLEEVES, described

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._:/=+#-]*$"
_FIELDS = {item.name: item for item in described()}


def _told(name: str) -> dict[str, Any]:
    """What the mandate's own schema says of a field, but for its type."""
    return {key: value for key, value in _FIELDS[name].schema().items() if key not in ("type", "enum")}


class SleeveSchema(Strict):
    """A strategy of a portfolio."""

    strategy_id = Text(most=64, required=True, metadata=told("An id of GET /strategies.", example="sma_cross"))
    params = Document(metadata=told("Parameters of the strategy; what is left out has its default."))
    dataset = Text(most=128, metadata=told("`dataset_id` or `dataset_id@version`; else the strategy's own."))
    symbols = Listing(Text(most=64), most=MOST_SYMBOLS, metadata=told("Symbols of the dataset."))
    weight = Amount(metadata=told("Share of the account, with allocation fixed.", minimum=0, maximum=100))
    name = Text(most=64, pattern=NAME_PATTERN, metadata=told("What the sleeve is called; else by its strategy."))


class PortfolioSchema(Strict):
    """Several strategies to run on one account."""

    strategies = Listing(fields.Nested(SleeveSchema), least=1, most=MOST_SLEEVES, required=True)
    allocation = Choice(*_FIELDS["allocation"].choices, metadata=_told("allocation"))
    rebalance = Choice(*_FIELDS["rebalance"].choices, metadata=_told("rebalance"))
    lookback = Whole(low=20, high=2520, metadata=_told("lookback"))
    drift_band = Amount(allow_none=True, metadata=_told("drift_band"))
    max_weight = Amount(allow_none=True, metadata=_told("max_weight"))
    volatility_target = Amount(allow_none=True, metadata=_told("volatility_target"))
    start_date = Day(metadata=told("First day, included."))
    end_date = Day(metadata=told("Last day, included."))
    initial_capital = Amount(
        metadata={name: CAPITAL[name] for name in ("description", "minimum", "maximum", "default")}
    )
    config = Document(Config.schema(), metadata=told("How the book is simulated."))
    benchmark = Text(
        most=200,
        allow_none=True,
        metadata=told("What to compare with: a symbol of the sleeves' datasets, or `dataset:symbol` of any."),
    )
    seed = Whole(low=0, high=2**53 - 1, metadata=told("Seed of whatever is random in the run."))
    tags = Listing(Text(most=64, pattern=TAG_PATTERN), most=20, metadata=told("Words to find the job by."))
