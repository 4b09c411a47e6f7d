"""What to vary, and how often. A field is its own schema, as in `engine.config`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_type_hints

from engine.config import Config
from engine.errors import InvalidConfig, InvalidInput
from engine.parameters import Parameter, Range, check_all, object_schema, read, shown
from engine.strategy import BoundStrategy

Method: TypeAlias = Literal["stationary", "circular", "trades", "parameters", "costs"]
METHODS: tuple[str, ...] = get_args(Method)
# Methods that run the strategy, or at least its account, again for each path.
RERUNS = ("parameters", "costs")
MOST_PATHS, MOST_RERUNS = 100_000, 2_000
# Steps of all paths together: a minute or two of one core.
MOST_STEPS = 10_000_000_000
# Steps of one path, which is held in memory whole: 16 bytes each.
LONGEST = 10_000_000

# Fields that belong to some methods only, and what they are there when nothing is said.
_OWN: Mapping[str, Mapping[str, Any]] = {
    "stationary": {"block": None, "horizon": None},
    "circular": {"block": None, "horizon": None},
    "trades": {"replacement": False},
    "parameters": {"jitter": 0.1},
    "costs": {"stress": 5.0},
}
_SHARED = ("method", "paths", "ruin")

# By what the multipliers of a cost path multiply: commission, slippage, and what holding costs.
STRESSED: Mapping[str, tuple[str, ...]] = {
    "commission": ("commission_bps", "commission_per_share", "commission_minimum"),
    "slippage": ("slippage_bps", "volume_impact"),
    "borrow": ("borrow_bps", "funding_bps"),
}


@dataclass(frozen=True)
class Plan:
    """How paths are made.

    Raises:
        InvalidInput: for a field that is unknown, mistyped, out of bounds or not of this method; `pointer` is its name.
    """

    method: Annotated[
        Method,
        "stationary, circular: blocks of the run's returns drawn anew; trades: its closed trades in another order; "
        "parameters: run again with parameters nearby; costs: run again with higher costs.",
    ] = "stationary"
    paths: Annotated[
        int | None,
        Range(1, MOST_PATHS),
        f"How many; 1000 by default. Of parameters and costs at most {MOST_RERUNS}, 200 by default.",
    ] = None
    block: Annotated[
        float | None,
        Range(1, LONGEST),
        "Length of a block in bars (stationary: its mean). Null: by the rule of Politis and White.",
    ] = None
    horizon: Annotated[int | None, Range(2, LONGEST), "Bars of a path of blocks. Null: as many as the run has."] = None
    replacement: Annotated[
        bool, "Draw trades with replacement, so that the total varies too; else each comes once."
    ] = False
    jitter: Annotated[
        float | None,
        Range(0.0, 1.0),
        "How far each numeric parameter may stray, as a fraction of its value (0.1 by default), at least by 1 where it "
        "is whole; 0: not at all.",
    ] = None
    stress: Annotated[
        float | None, Range(1.0, 100.0), "The largest multiple of commission, slippage and borrow; 5 by default."
    ] = None
    ruin: Annotated[
        float, Range(0.0, 1.0), "A path is ruined once its equity is at or below this fraction of the initial capital."
    ] = 0.5
    seed: Annotated[int, Range(0, 2**53 - 1), "Of the random numbers."] = 0

    def __post_init__(self) -> None:
        for parameter in described():
            value = parameter.check(getattr(self, parameter.name), error=InvalidInput, where="")
            object.__setattr__(self, parameter.name, value)
        own = _OWN[self.method]
        for name in sorted({name for others in _OWN.values() for name in others} - set(own)):
            if getattr(self, name) not in (None, False):
                raise self._foreign(name)
        for name, default in {"paths": 200 if self.reruns else 1000, **own}.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        if self.reruns and self.count > MOST_RERUNS:
            raise InvalidInput(
                f"Each path of {self.method} is a run: at most {MOST_RERUNS} are made.",
                pointer="/paths",
                given=self.paths,
                allowed={"minimum": 1, "maximum": MOST_RERUNS},
            )
        if self.method == "circular" and self.block is not None and self.block % 1:
            raise InvalidInput(
                "A block of the circular bootstrap is a whole number of bars.", pointer="/block", given=self.block
            )

    def _foreign(self, name: str) -> InvalidInput:
        methods = [method for method, own in _OWN.items() if name in own]
        return InvalidInput(
            f"{name} belongs to {' and '.join(methods)}, not to {self.method}.",
            code="not_of_this_method",
            pointer=f"/{name}",
            given=shown(getattr(self, name)),
            allowed={"method": methods},
        )

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> Plan:
        """The plan that a request describes; what it leaves out has its default."""
        return cls(**check_all(described(), given, error=InvalidInput, where="", kind="field"))

    @staticmethod
    def schema() -> dict[str, Any]:
        """JSON Schema (2020-12) of a plan."""
        return object_schema("plan", described(), "How paths are made.")

    @property
    def count(self) -> int:
        """How many paths."""
        return int(self.paths or 0)

    @property
    def reruns(self) -> bool:
        return self.method in RERUNS

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the fields that belong to the method, without the seed."""
        return {name: getattr(self, name) for name in (*_SHARED, *_OWN[self.method])}

    def require(self, bound: BoundStrategy, config: Config, steps: int) -> None:
        """Raise InvalidInput where a run of so many steps (bars, or closed trades) cannot be varied like this.

        Too long a block (`invalid_request`), too many steps (`montecarlo_too_large`), nothing that could vary
        (`nothing_to_vary`), or costs that no configuration may have (`invalid_request`).
        """
        if self.block is not None and self.block > steps:
            raise InvalidInput(
                f"A block of {self.block:g} bars is longer than the run, which has {steps}.",
                pointer="/block",
                given=self.block,
                allowed={"minimum": 1, "maximum": steps},
            )
        self._require_size(self.horizon or steps)
        numeric = (item.name for item in bound.strategy.parameters if is_numeric(item))
        if self.method == "parameters" and all(bound.params[name] is None for name in numeric):
            raise _unvaried(f"{bound.strategy.id} has no numeric parameter here.", "/strategy_id", bound.strategy.id)
        if self.method == "costs":
            if not any(costs_of(config)):
                raise _unvaried("The run has no costs that could be multiplied.", "/config", 0)
            most = float(self.stress or 1.0)
            try:
                stressed(config, dict.fromkeys(STRESSED, most))
            except InvalidConfig as error:
                text = f"At {most:g} times the costs of the run {error.message[0].lower()}{error.message[1:]}"
                raise InvalidInput(text, pointer="/stress", given=most, allowed=error.allowed) from error

    def _require_size(self, steps: int) -> None:
        if steps > LONGEST or steps * self.count > MOST_STEPS:
            raise InvalidInput(
                f"{self.count:,} paths of {steps:,} steps are too many: a path has at most {LONGEST:,}, all of them "
                f"{MOST_STEPS:,}.",
                code="montecarlo_too_large",
                pointer="/paths" if steps <= LONGEST else "/horizon",
                given=self.count if steps <= LONGEST else steps,
                allowed={
                    "minimum": 1,
                    "maximum": min(MOST_STEPS // steps, MOST_PATHS) if steps <= LONGEST else LONGEST,
                },
            )


def _unvaried(text: str, pointer: str, given: object) -> InvalidInput:
    return InvalidInput(
        f"{text} Every path would be the run itself.", code="nothing_to_vary", pointer=pointer, given=given
    )


def is_numeric(parameter: Parameter) -> bool:
    """Whether a parameter can stray a little: words, truths and tables cannot."""
    return parameter.type in ("int", "float")


def costs_of(config: Config) -> Iterable[float]:
    """Every cost of a configuration, in whatever unit."""
    yield from (getattr(config, name) for names in STRESSED.values() for name in names)
    yield from (config.cost_table or {}).values()


def stressed(config: Config, multiples: Mapping[str, float]) -> Config:
    """The configuration with its costs multiplied. Raises InvalidConfig where one leaves its bounds."""
    given = config.as_dict()
    for kind, names in STRESSED.items():
        given |= {name: given[name] * multiples[kind] for name in names}
    if config.cost_table is not None:
        given["cost_table"] = {name: bps * multiples["commission"] for name, bps in config.cost_table.items()}
    return Config(**given)


@cache
def described() -> tuple[Parameter, ...]:
    """Every field of a plan as a Parameter."""
    hints = get_type_hints(Plan, include_extras=True)
    return tuple(read(item.name, hints[item.name], item.default) for item in fields(Plan))
