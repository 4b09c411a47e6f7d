"""How a run is simulated: capital, fills, rebalancing, costs, limits and exits. A field is its own schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, get_type_hints

import numpy as np

from engine.bars import Bars
from engine.errors import InvalidConfig
from engine.parameters import Numbers, Parameter, Range, Table, check_all, object_schema, read

Bps: TypeAlias = Annotated[float, Range(0.0, 1000.0)]
Fraction: TypeAlias = Annotated[float, Range(0.0001, 1.0)]
Fill: TypeAlias = Literal["next_open", "next_close", "same_close"]
Rebalance: TypeAlias = Literal["on_change", "daily", "weekly", "monthly", "drift"]

# The entry of a cost table for every symbol whose cost key it does not list.
UNKNOWN = "unknown"
# One-way costs in bps of traded notional that are usual in the field, by kind of instrument: Brazilian interest rate
# futures (DI), cupom cambial (DDI), dollar futures (DOL), non-deliverable forwards, inflation-linked (NTN-B) and
# discount (LTN) government bonds; US Treasuries, ten- and five-year note futures (ZN, ZF), S&P 500 futures (ES);
# credit default swaps; Ibovespa futures.
STANDARD_COSTS = Numbers(
    {
        "DI": 1.0,
        "DDI": 1.5,
        "DOL": 0.8,
        "NDF": 2.0,
        "NTN-B": 3.0,
        "LTN": 1.5,
        "UST": 0.6,
        "ZN": 1.1,
        "ZF": 1.1,
        "ES": 1.0,
        "CDS": 5.0,
        "IBOV": 1.5,
        UNKNOWN: 2.0,
    }
)


@dataclass(frozen=True)
class Config:
    """The simulation's settings; every value is checked on construction.

    Raises:
        InvalidConfig: with the pointer "/config/<field>", what was given and what is allowed.
    """

    initial_capital: Annotated[float, Range(1.0, 1e12), "Equity before the first bar."] = 100_000.0
    fill: Annotated[
        Fill | None, "At which price a decision is filled. Null: next_open, or next_close where there are no opens."
    ] = None
    rebalance: Annotated[
        Rebalance, "When symbols are brought back to their targets besides every change of a target."
    ] = "on_change"
    drift_band: Annotated[
        float | None,
        Range(0.0001, 1.0),
        "With rebalance drift: how far a weight may stray from its target, as a fraction of equity.",
    ] = None
    commission_bps: Annotated[Bps, "Commission on traded notional."] = 1.0
    cost_table: Annotated[
        Mapping[str, float] | None,
        Table(0.0, 1000.0, named={"standard": STANDARD_COSTS}),
        "Commission in bps by the cost key of a symbol, in place of commission_bps; 'unknown' is for symbols "
        "without a listed key. 'standard' stands for the usual table.",
    ] = None
    commission_per_share: Annotated[float, Range(0.0, 1e6), "Commission per unit traded."] = 0.0
    commission_minimum: Annotated[float, Range(0.0, 1e6), "Least commission of a fill."] = 0.0
    slippage_bps: Annotated[Bps, "Buys fill so much above the price, sells so much below."] = 1.0
    volume_impact: Annotated[
        float,
        Range(0.0, 0.8),
        "Further slippage, as a fraction of the price, of a fill that is all of the bar's volume; a part of the volume "
        "pays the square of its share of it. 0: none.",
    ] = 0.0
    borrow_bps: Annotated[float, Range(0.0, 10_000.0), "Yearly fee on the market value of shorts."] = 0.0
    funding_bps: Annotated[float, Range(0.0, 10_000.0), "Yearly interest on negative cash."] = 0.0
    cash_bps: Annotated[float, Range(0.0, 10_000.0), "Yearly interest that positive cash earns."] = 0.0
    max_leverage: Annotated[float, Range(0.01, 100.0), "Most gross exposure over all symbols, / equity."] = 1.0
    allow_short: Annotated[bool, "False: negative targets become zero, and the result says so."] = True
    stop_loss: Annotated[Fraction | None, "Exit at this loss from the average entry price."] = None
    take_profit: Annotated[float | None, Range(0.0001, 100.0), "Exit at this gain from the entry price."] = None
    trailing_stop: Annotated[Fraction | None, "Exit at this loss from the best price since entry."] = None
    max_holding_bars: Annotated[int | None, Range(1, 10_000_000), "Exit after so many bars."] = None
    lot_size: Annotated[float | None, Range(1e-9, 1e9), "Units trade in multiples of it. Null: any fraction."] = None
    volume_limit: Annotated[Fraction | None, "Most of a bar's volume that one fill may take."] = None
    risk_free_rate: Annotated[float, Range(-0.5, 1.0), "Yearly rate that ratios subtract."] = 0.0

    def __post_init__(self) -> None:
        for parameter in described():
            value = parameter.check(getattr(self, parameter.name), error=InvalidConfig, where="/config")
            object.__setattr__(self, parameter.name, value)
        if (self.rebalance == "drift") != (self.drift_band is not None):
            raise InvalidConfig(
                "drift_band belongs to rebalance drift, and rebalance drift needs it.",
                pointer="/config/drift_band",
                given=self.drift_band,
            )

    @classmethod
    def parse(cls, given: Mapping[str, object] | None = None) -> Config:
        """The configuration that a request describes; what it leaves out has its default."""
        values = check_all(
            described(),
            {} if given is None else given,
            error=InvalidConfig,
            where="/config",
            kind="configuration field",
        )
        return cls(**values)

    @staticmethod
    def schema() -> dict[str, Any]:
        """JSON Schema (2020-12) of the configuration."""
        return object_schema("config", described(), "How the run is simulated.")

    def fitted(self, bars: Bars) -> Config:
        """This configuration with its fill decided: as asked, else next_open, or next_close where there are no opens.

        Raises:
            InvalidConfig: when these bars cannot do what is asked (`fill_unavailable`, `volume_unavailable`).
        """
        if self.fill == "next_open" and bars.close_only:
            raise InvalidConfig(
                "These bars hold only closes: there is no open to fill at.",
                code="fill_unavailable",
                pointer="/config/fill",
                given=self.fill,
                allowed=["next_close", "same_close"],
            )
        for name, what in (("volume_limit", "a volume limit cannot be kept"), ("volume_impact", "there is no impact")):
            if getattr(self, name) and np.isnan(bars.volume).all():
                raise InvalidConfig(
                    f"These bars hold no volume: {what}.",
                    code="volume_unavailable",
                    pointer=f"/config/{name}",
                    given=getattr(self, name),
                )
        if self.fill is not None:
            return self
        fitted = object.__new__(type(self))  # `replace` would check every field again
        vars(fitted).update(vars(self), fill="next_close" if bars.close_only else "next_open")
        return fitted

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, by field."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values}


@cache
def described() -> tuple[Parameter, ...]:
    """Every field of Config as a Parameter."""
    hints = get_type_hints(Config, include_extras=True)
    return tuple(read(item.name, hints[item.name], item.default) for item in fields(Config))
