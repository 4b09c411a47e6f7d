"""Limits of a book: what is used of each, and whether it is too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

# From this share of a limit on it is nearly used up.
WARNING = 0.8

Status = Literal["ok", "warning", "breach"]
STATUSES: tuple[Status, ...] = ("ok", "warning", "breach")


@dataclass(frozen=True)
class Limit:
    """A figure that should stay below something: `default`, a fraction of equity unless somebody says otherwise."""

    name: str
    about: str
    default: float


_ALL = (
    Limit("gross", "Sizes of all positions / equity.", 1.5),
    Limit("net", "|Sum of all positions| / equity.", 1.25),
    Limit("instrument", "Size of the position in each instrument / equity.", 0.5),
    Limit("strategy", "Sizes of what each strategy holds / equity.", 1.25),
    Limit("var_95", "Value at risk of one session at 95 %, the largest of its methods / equity.", 0.025),
    Limit("var_99", "Value at risk of one session at 99 %, the largest of its methods / equity.", 0.04),
    Limit("drawdown", "Fall of equity from its highest level so far.", 0.15),
    Limit("stress", "Loss in the worst scenario / equity.", 0.25),
)
LIMITS: Mapping[str, Limit] = MappingProxyType({limit.name: limit for limit in _ALL})
# What a limit may be.
LOWEST, HIGHEST = 1e-6, 1e3


def utilisation(value: float, limit: float) -> float:
    """Value / limit: 1 is all of it. What is negative (a gain where a loss is limited) uses nothing."""
    return max(value, 0.0) / limit


def status(used: float) -> Status:
    """`breach` from the limit on, the limit itself included; `warning` from `WARNING` of it on."""
    if used >= 1.0:
        return "breach"
    return "warning" if used >= WARNING else "ok"
