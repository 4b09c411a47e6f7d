"""The paper book: what it is given, and what it replies."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields
from marshmallow.validate import Range

from app.paper import DAYS, DEFAULTS, NOT_OF_A_BOOK
from app.web.fields import Amount, Day, Document, Listing, Text, Whole
from app.web.schemas import MOST_POINTS, Strict, told
from app.web.shapes.parts import count, mapping, maybe_text, number, text
from engine.config import Config
from engine.portfolio.mandate import MOST_SLEEVES

_QUALITY = "real, proxy or synthetic: the worst of what it was made from."


def _config() -> dict[str, Any]:
    """The configuration of a run without what a book does not have, and with the defaults of a book."""
    schema = Config.schema()
    properties = {name: item for name, item in schema["properties"].items() if name not in NOT_OF_A_BOOK}
    properties |= {name: properties[name] | {"default": value} for name, value in DEFAULTS.items()}
    fills = [name for name in properties["fill"]["enum"] if name != "same_close"]
    return schema | {"properties": properties | {"fill": properties["fill"] | {"enum": fills}}}


class BookSleeve(Strict):
    """A strategy of the book."""

    strategy_id = Text(most=64, required=True, metadata=told("An id of GET /strategies.", example="sma_cross"))
    weight = Amount(allow_none=True, metadata=told("Share of the account: of all strategies or of none of them."))


class Sleeves(fields.Field[Any]):
    """A list of strategies, or the word `all`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.listed = Listing(fields.Nested(BookSleeve), least=1, most=MOST_SLEEVES)
        name = {"type": "string", "minLength": 1, "maxLength": 64}
        weight = {"type": ["number", "null"], "minimum": 0, "maximum": 100}
        one = {"type": "object", "properties": {"strategy_id": name, "weight": weight}, "required": ["strategy_id"]}
        listed: dict[str, Any] = {"type": "array", "minItems": 1, "maxItems": MOST_SLEEVES}
        listed["items"] = one | {"additionalProperties": False}
        self.json_schema = {"anyOf": [{"type": "string", "enum": ["all"]}, listed]}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if value == "all":
            return value
        if not isinstance(value, list):
            raise ValidationError("must be a list of strategies, or 'all'.")
        return self.listed.deserialize(value)


class BreakerSchema(Strict):
    """When the book holds less, and for how long."""

    drawdown = Amount(
        required=True,
        validate=Range(0.001, 0.99, error="must lie between 0.001 and 0.99."),
        metadata=told("It opens where equity is so far below its reference, a fraction.", example=0.15),
    )
    fraction = Amount(
        validate=Range(0.0, 0.99, error="must lie between 0 and 0.99."),
        metadata=told("The part of its wishes that the book still follows then.", default=0),
    )
    cooldown_bars = Whole(low=1, high=1000, metadata=told("Bars until it recovers, and until it closes.", default=20))


class BookSchema(Strict):
    """How the book is made up; what is left out has its default, capital and start stay what they are."""

    strategies = Sleeves(
        metadata=told(
            "Objects of strategy_id and weight, or `all`: with equal shares, every strategy that spoke in the last "
            f"{DAYS} days."
        )
    )
    capital = Amount(metadata=told("What it is opened with.", minimum=1, maximum=1e12, default=1e6))
    start_date = Day(metadata=told(f"First day; else {DAYS} days before the newest signal at its opening."))
    config = Document(_config(), metadata=told("How it is filled, charged and limited."))
    breaker = fields.Nested(BreakerSchema, allow_none=True, metadata=told("Null, or left out: there is none."))


class BookDaysQuery(Strict):
    """How far back."""

    days = Whole(low=1, high=3660, query=True, metadata=told("Calendar days up to the last bar; else all."))


class HistoryQuery(BookDaysQuery):
    """How far back, and how fine."""

    points = Whole(
        low=10,
        high=MOST_POINTS,
        query=True,
        metadata=told("At most so many points; the first, the last and every extreme stay."),
    )


class BookConfig(ma.Schema):
    """How the book is made up."""

    version = count("Counts from 1; 0 is the default, which nobody has changed.")
    strategies = fields.Raw(required=True, metadata=told("`all`, or objects of strategy_id and weight."))
    capital = number()
    start_date = maybe_text()
    config = mapping()
    breaker = mapping("Null where there is none.", none=True)
    changed_by = maybe_text()
    changed_at = maybe_text()


class Position(ma.Schema):
    """What the book holds of a symbol."""

    dataset_id = text()
    symbol = text()
    quantity = number("Units; negative ones are owed.")
    price = number("The last one.")
    average_price = number("Of entry, with slippage.")
    value = number()
    weight = number("Value / equity.", none=True)
    pnl = number("Of what is held, against its average price; costs and what was closed before are not in it.")
    quality = text(_QUALITY)


class Halt(ma.Schema):
    """Why the book stands still."""

    at = text()
    code = text()
    message = text()


class CurrentBook(ma.Schema):
    """Where the book stands."""

    as_of = text("The last bar, UTC.")
    halted = fields.Nested(
        Halt, required=True, allow_none=True, metadata=told("Null unless its last step failed: then bars wait.")
    )
    live_since = text("Up to this bar it is what the book would have done; what follows it did, bar by bar.")
    equity = number()
    cash = number()
    capital = number("What it was opened with.")
    pnl = fields.Dict(keys=fields.String(), values=fields.Float(), required=True, metadata=told("`day` and `total`."))
    drawdown = number("From the highest equity so far: 0 or less.")
    gross_exposure = number("Sizes of positions / equity.", none=True)
    net_exposure = number("Positions / equity.", none=True)
    positions = fields.List(fields.Nested(Position), required=True)
    quality = text(_QUALITY)
    book_version = count()
    datasets = mapping("The versions of the data, by dataset.")
    breaker = maybe_text("closed, open or recovery; null without one.")


class Target(ma.Schema):
    """What the book is after in a symbol."""

    dataset_id = text()
    symbol = text()
    weight = number("Of equity, within the limits of the book: what the next bar fills.")
    asked = number("The sum of what the strategies want, as far as the breaker lets it through.")
    wants = mapping("What each strategy wants, as a part of the book's equity.")
    quality = text(_QUALITY)


class BookTarget(ma.Schema):
    """What the book is after."""

    as_of = text()
    targets = fields.List(fields.Nested(Target), required=True)
    gross = number("Sum of the sizes of the weights.")
    net = number("Sum of the weights.")
    quality = text(_QUALITY)
    book_version = count()


class Contribution(ma.Schema):
    """What a strategy brought the book."""

    strategy_id = text()
    pnl = number("In money, after costs.")
    contribution = number("pnl / equity before the first bar of the days.", none=True)


class BookAttribution(ma.Schema):
    """Whose the gains were; they sum to the change of equity."""

    start = text("The first bar.")
    end = text("The last bar.")
    total = number("Change of equity over these bars.")
    total_return = number(none=True)
    sleeves = fields.List(fields.Nested(Contribution), required=True, metadata=told("The largest gain first."))
    quality = text(_QUALITY)


class BookHistory(ma.Schema):
    """The book through time."""

    time = fields.List(fields.String(), required=True)
    equity = fields.List(fields.Float(), required=True)
    cash = fields.List(fields.Float(), required=True)
    pnl = fields.List(fields.Float(), required=True, metadata=told("Since the point before."))
    drawdown = fields.List(fields.Float(), required=True)
    gross_exposure = fields.List(fields.Float(allow_none=True), required=True)
    net_exposure = fields.List(fields.Float(allow_none=True), required=True)
    bars = count("How many there are; fewer points where it was decimated.")
    live_since = text()
    quality = text(_QUALITY)


class Fill(ma.Schema):
    """A trade of the book."""

    n = count("Counts from 1.")
    time = text()
    dataset_id = text()
    symbol = text()
    quantity = number("Bought, or sold where it is negative.")
    price = number("With slippage.")
    commission = number()
    slippage = number("In money; it is in the price.")
    carry = number("Borrow and funding of the symbol since its fill before.")
    reason = text()


class Fills(ma.Schema):
    """Trades of the book, newest first."""

    trades = fields.List(fields.Nested(Fill), required=True)
    next = maybe_text()
