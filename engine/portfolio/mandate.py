"""How a book is split over its sleeves. A field is its own schema, as in `engine.config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, get_type_hints

from engine.errors import InvalidConfig, InvalidInput
from engine.parameters import Parameter, Range, check_all, read
from engine.portfolio.allocation import ALLOCATIONS

Rebalance: TypeAlias = Literal["daily", "weekly", "monthly", "drift"]
# Not estimated: they are what they are from the first bar on.
FIXED, EQUAL = "fixed", "equal"
MOST_SLEEVES = 50


@dataclass(frozen=True)
class Mandate:
    """The settings of a split; every value is checked on construction.

    Raises:
        InvalidConfig: with the pointer "/<field>", what was given and what is allowed.
    """

    allocation: Annotated[str, "How the account is split over the sleeves."] = EQUAL
    rebalance: Annotated[
        Rebalance,
        "When the shares are set anew: at the close of every session, of the first one of a week or a month, or of the "
        "one at which a share has drifted.",
    ] = "monthly"
    lookback: Annotated[
        int, Range(20, 2520), "Sessions that shares are estimated from. Before there are so many they are equal."
    ] = 126
    drift_band: Annotated[
        float | None,
        Range(0.0001, 1.0),
        "With rebalance drift: how far a share may stray, as a fraction of the account.",
    ] = None
    max_weight: Annotated[
        float | None, Range(0.02, 1.0), "Largest share of a sleeve, with min_variance and max_sharpe."
    ] = None
    volatility_target: Annotated[
        float | None,
        Range(0.001, 2.0),
        "Yearly volatility that all shares together are scaled to, as far as max_leverage lets them.",
    ] = None

    def __post_init__(self) -> None:
        for parameter in described():
            value = parameter.check(getattr(self, parameter.name), error=InvalidConfig, where="")
            object.__setattr__(self, parameter.name, value)
        if (self.rebalance == "drift") != (self.drift_band is not None):
            raise InvalidConfig(
                "drift_band belongs to rebalance drift, and rebalance drift needs it.",
                pointer="/drift_band",
                given=self.drift_band,
            )
        if self.max_weight is not None and self.allocation not in ("min_variance", "max_sharpe"):
            raise InvalidConfig(
                f"max_weight belongs to min_variance and max_sharpe, not to {self.allocation}.",
                pointer="/max_weight",
                given=self.max_weight,
            )

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> Mandate:
        """The split that a request describes; what it leaves out has its default."""
        return cls(**check_all(described(), given, error=InvalidConfig, where="", kind="field of a portfolio"))

    @property
    def estimated(self) -> bool:
        """Whether shares are made of what was earned."""
        return self.allocation in ALLOCATIONS

    def fixed(self, weights: tuple[float | None, ...], leverage: float) -> tuple[float, ...] | None:
        """The weights that are fixed for the sleeves, or None where the shares are equal or estimated.

        Raises:
            InvalidInput: `invalid_weight` where one is missing or given and not used, all are 0, or their sum is above
                the leverage: shares are never scaled without being asked.
        """
        for place, weight in enumerate(weights):
            if (weight is None) == (self.allocation == FIXED):
                why = "needs a weight for each sleeve" if weight is None else "finds the weights itself: leave this out"
                raise _refused(f"Allocation {self.allocation} {why}.", place, weight)
        if self.allocation != FIXED:
            if self.max_weight is not None and self.max_weight * len(weights) < 1.0:
                raise InvalidConfig(
                    f"{len(weights)} sleeves of at most {self.max_weight:g} do not make a whole.",
                    pointer="/max_weight",
                    given=self.max_weight,
                    allowed={"minimum": 1.0 / len(weights)},
                )
            return None
        found = tuple(float(weight or 0.0) for weight in weights)
        total = sum(found)
        if not 0.0 < total <= leverage * (1.0 + 1e-12):
            text = f"Weights sum to {total:g}: above 0 and at most max_leverage, {leverage:g}, is allowed."
            raise _refused(text, 0, total, allowed={"maximum": leverage})
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, by field."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def _refused(text: str, place: int, given: object, **more: Any) -> InvalidInput:
    return InvalidInput(text, code="invalid_weight", pointer=f"/strategies/{place}/weight", given=given, **more)


@cache
def described() -> tuple[Parameter, ...]:
    """Every field of Mandate as a Parameter; the allocations are those of the registry."""
    hints = get_type_hints(Mandate, include_extras=True)
    hints["allocation"] = Annotated[Literal[(FIXED, EQUAL, *ALLOCATIONS)], hints["allocation"].__metadata__[0]]
    return tuple(read(item.name, hints[item.name], item.default) for item in fields(Mandate))
