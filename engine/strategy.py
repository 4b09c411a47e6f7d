"""The contract of a strategy: one decorated function of bars and parameters that returns target weights.

    @strategy(check=fast_below_slow, lookback=one_cross, family="trend", source="…", dataset="fx_daily")
    def sma_cross(bars: Bars, fast: Annotated[int, Range(2, 200), "Bars of …"] = 20, …) -> Weights:
        "First sentence is the summary. …"

The signature is the schema: what the API validates, the form shows and the documentation says is read from it.

Weights are float64 [T, N]. Row t is decided with what is known at the close of bar t, and says which fraction
of equity each symbol should have (negative = short); NaN says "no opinion, keep what there is". The delay
between decision and fill is not the strategy's business: `engine.simulation` alone applies it. A strategy that
decides at some bars only, or has more to say (a score, the reason why it stands aside), returns a Decision.
"""

from __future__ import annotations

import hashlib
import inspect
import marshal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars
from engine.config import Config
from engine.decisions import Rows, absurd, disordered, on_every_bar
from engine.errors import BadData, InvalidInput, InvalidParameter, QueuantError, RunFailed
from engine.intake import unshared
from engine.panel import Panel
from engine.parameters import Parameter, Range, check_all, object_schema, read

__all__ = ["BoundStrategy", "Crossing", "Parameter", "Range", "Strategy", "Weights", "strategy"]

Weights: TypeAlias = NDArray[np.float64]
# Takes the parameters by name; returns a sentence when they do not fit together, else None.
Check: TypeAlias = Callable[..., "str | None"]
Lookback: TypeAlias = Callable[..., int]
Said = TypeVar("Said", str, int)


def _one_bar(**_: Any) -> int:
    return 1


def _no_rule(**_: Any) -> None:
    return None


class Need(NamedTuple):
    """A series that a strategy reads, and the unit that it counts on.

    `group` means all series `KEY.MEMBER`. `proxied`: where there is none, the strategy makes a proxy of other series.
    """

    key: str
    unit: str
    optional: bool = False
    group: bool = False
    proxied: bool = False

    def keys(self, panel: Panel) -> tuple[str, ...]:
        """The keys of a panel that it means; none where the panel does not have it."""
        if self.group:
            return tuple(f"{self.key}.{name}" for name in panel.members(self.key))
        return (self.key,) if self.key in panel.series else ()


@dataclass(frozen=True, eq=False)
class Decision:
    """What a strategy says at every bar.

    Args:
        weights: target weights [T, N]; with `rows` [K, N].
        score: how far from usual things are, in standard deviations (z), [T] or [T, N].
        raw: the figure behind it in its own unit, [T] or [T, N].
        conviction: 0 to 1, how sure it is, [T] or [T, N]; it takes its sign from the direction of the weight. Without
            it |weight| * N counts, at most 1.
        reasons: sentences, each with the bars [T] on which it holds. Of several the first is told.
        rows: the bars [K], in their order, at which `weights` are decided; without it at every bar.
    """

    weights: Weights
    score: Weights | None = None
    raw: Weights | None = None
    conviction: Weights | None = None
    reasons: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    rows: Rows | None = None

    def on_every_bar(self, total: int) -> Decision:
        """The same with weights of each of `total` bars: NaN where nothing is said."""
        if self.rows is None:
            return self
        return replace(self, weights=on_every_bar(self.weights, self.rows, total), rows=None)


class Crossing(NamedTuple):
    """Names of the parameters of a strategy that holds the crosses of two simple averages of closes, and no more.

    It buys on `indicators.crosses` upwards and sells on one downwards; `side` ("long", "short" or "both") says which
    of the two positions it holds, all of equity split evenly over the symbols; None means long. `engine.sweep` needs
    no weights of such a strategy.
    """

    fast: str
    slow: str
    side: str | None = None


@dataclass(frozen=True, eq=False)
class Strategy:
    """A strategy and everything that can be said about it without running it.

    `spec` is the document of a strategy that is data: see `engine.expression`. `beside` names symbols whose prices it
    looks at, traded or not: see `Bars.beside`.
    """

    function: Callable[..., Weights | Decision]
    id: str
    summary: str
    doc: str
    family: str
    source: str
    dataset: str | None
    symbols: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    rule: Check = field(repr=False)
    needs: Lookback = field(repr=False)
    crossing: Crossing | None = None
    legs: bool = False
    series: tuple[Need, ...] = ()
    calendars: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    code: bytes | None = field(default=None, repr=False)
    spec: Mapping[str, Any] | None = None
    beside: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the parameters, with their defaults."""
        return object_schema(self.id, self.parameters, self.summary)

    def validate(self, params: Mapping[str, object] | None = None) -> dict[str, Any]:
        """All parameters, checked, with defaults filled in.

        Raises:
            InvalidParameter: for an unknown name, a wrong type, a value out of bounds, or values that do not
                fit together; `pointer` is "/params/<name>", or "/params" for a rule between parameters.
        """
        values = check_all(
            self.parameters,
            {} if params is None else params,
            error=InvalidParameter,
            where="/params",
            kind=f"parameter of {self.id}",
        )
        broken = self.broken(values)
        if broken:
            raise InvalidParameter(broken, pointer="/params", given=values)
        return values

    def broken(self, values: dict[str, Any]) -> str:
        """The sentence of the rule that these parameters break together, "" if none. Raises as `validate`."""
        return self._said("check", values, lambda: str(self.rule(**values) or ""))

    def _said(self, what: str, values: dict[str, Any], ask: Callable[[], Said]) -> Said:
        """What a function beside the strategy says of parameters. It is its author's code, and may raise anything."""
        try:
            return ask()
        except InvalidInput:
            raise
        except (Exception, SystemExit) as error:
            text = f"The {what} of {self.id} raised {type(error).__name__}: {str(error)[:200]}"
            raise InvalidParameter(text, code="strategy_error", pointer="/params", given=values) from error

    def bind(self, /, **params: object) -> BoundStrategy:
        """This strategy with checked parameters, ready to be called with bars."""
        return BoundStrategy(self, self.validate(params))

    def lookback(self, params: Mapping[str, object] | None = None) -> int:
        """How many bars the first decision needs, the deciding one included."""
        return self.bind(**(params or {})).lookback

    def reads(self, panel: Panel) -> tuple[str, ...]:
        """The keys of a panel that it reads."""
        return tuple(key for need in self.series for key in need.keys(panel))

    def quality(self, panel: Panel, own: str) -> str:
        """The worst quality of what it reads of a panel, of the proxies that it makes itself, and of `own`."""
        made = any(need.proxied and need.key not in panel.series for need in self.series)
        return panel.quality(self.reads(panel), own, *(["proxy"] if made else []))

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that change with the source of the strategy's module, or with `code` where that is said."""
        if self.code is not None:
            return hashlib.sha256(self.code).hexdigest()[:12]
        try:
            source = inspect.getsource(sys.modules[self.function.__module__]).encode()
        except (OSError, TypeError, KeyError):  # typed at a prompt: there is only its compiled form
            source = marshal.dumps(self.function.__code__)
        return hashlib.sha256(source).hexdigest()[:12]


@dataclass(frozen=True, eq=False)
class BoundStrategy:
    """A strategy with its parameters: call it with bars to get the target weights [T, N]."""

    strategy: Strategy
    params: dict[str, Any]

    @property
    def lookback(self) -> int:
        """How many bars the first decision needs. Raises InvalidParameter (`strategy_error`) when that is no number."""
        return self.strategy._said("lookback", self.params, lambda: max(0, int(self.strategy.needs(**self.params))))

    def __call__(self, bars: Bars) -> Weights:
        """Target weights, float64 [T, N]; raises what `decide` raises."""
        return self.decide(bars).weights

    def decide(self, bars: Bars) -> Decision:
        """Everything that the strategy says of these bars; `weights` are float64 [T, N], other series as it gave them.

        Raises what `say` raises.
        """
        return self.say(bars).on_every_bar(len(bars))

    def say(self, bars: Bars) -> Decision:
        """`decide`, but weights of a strategy that decides at some bars only are those of its `rows`.

        Raises:
            BadData: `not_enough_bars` when fewer than lookback + 2 bars leave nothing to decide, fill and mark.
            RunFailed: `strategy_error` when the function raised, `bad_weights` when it returned nonsense.
        """
        needed = self.lookback + 2
        if len(bars) < needed:
            raise BadData(
                f"{self.strategy.id} needs {needed} bars with these parameters, the range has {len(bars)}.",
                code="not_enough_bars",
                given=len(bars),
                allowed={"minimum": needed},
            )
        held = [self._decide(bars)]  # by nobody else, as a rule
        if not isinstance(held[0], Decision):
            return Decision(self._checked(held, bars))
        said = held[0]
        if said.rows is not None and (wrong := disordered(said.rows, len(bars))):
            raise RunFailed(f"{self.strategy.id} returned {wrong}.", code="bad_weights")
        shape = (len(bars), len(bars.symbols))
        for name in ("score", "raw", "conviction"):
            values = getattr(said, name)
            if values is not None and not _numbers(values, (shape, shape[:1])):
                text = (
                    f"{self.strategy.id} returned a {name} {np.shape(values)}, expected numbers {shape[:1]} or {shape}."
                )
                raise RunFailed(text, code="bad_weights")
        if not _sentences(said.reasons, shape[:1]):
            text = f"{self.strategy.id} returned reasons that are not sentences, each with {shape[:1]} truths."
            raise RunFailed(text, code="bad_weights")
        rows = None if said.rows is None else said.rows.astype(np.intp)
        if rows is not None:
            rows.flags.writeable = False
        return replace(said, weights=self._checked([said.weights], bars, rows), rows=rows)

    def _decide(self, bars: Bars) -> object:
        try:
            return self.strategy.function(bars, **self.params)
        except QueuantError:
            raise
        except (Exception, SystemExit) as error:  # a strategy is the user's code and may raise anything
            text = f"{type(error).__name__}: {str(error)[:200]}"
            raise RunFailed(f"{self.strategy.id} raised {text}", code="strategy_error") from error

    def _checked(self, held: list[Any], bars: Bars, rows: Rows | None = None) -> Weights:
        ours = unshared(held)
        weights = held[0]
        shape = (len(bars) if rows is None else len(rows), len(bars.symbols))
        if not isinstance(weights, np.ndarray) or weights.shape != shape or weights.dtype.kind not in "fiu":
            got = f"{weights.dtype} {weights.shape}" if isinstance(weights, np.ndarray) else type(weights).__name__
            hint = " Return its .to_numpy()." if hasattr(weights, "to_numpy") else ""
            text = f"{self.strategy.id} returned {got}, expected an array of numbers {shape}.{hint}"
            raise RunFailed(text, code="bad_weights", given=got)
        # One row for all times (`np.broadcast_to`) stays one row. A copy where a strategy may write over its own later.
        once = weights.strides[0] == 0
        said = np.array(weights[:1] if once else weights, dtype=np.float64, order="C", copy=None if ours else True)
        said.flags.writeable = False
        wrong = absurd(said, bars, rows=rows)
        if wrong is not None:
            raise RunFailed(f"{self.strategy.id} returned {wrong}.", code="bad_weights")
        return np.broadcast_to(said, shape) if once else said


def _sentences(reasons: object, shape: tuple[int, ...]) -> bool:
    return isinstance(reasons, Mapping) and all(
        isinstance(text, str) and "\0" not in text and np.shape(holds) == shape for text, holds in reasons.items()
    )


def _numbers(values: Any, shapes: tuple[tuple[int, ...], ...]) -> bool:
    return np.shape(values) in shapes and np.asarray(values).dtype.kind in "bfiu"


def strategy(
    *,
    family: str,
    source: str,
    dataset: str | None = None,
    symbols: tuple[str, ...] = (),
    check: Check = _no_rule,
    lookback: Lookback = _one_bar,
    crossing: Crossing | None = None,
    id: str | None = None,
    legs: tuple[str, ...] = (),
    series: tuple[Need, ...] = (),
    calendars: tuple[str, ...] = (),
    defaults: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Weights | Decision]], Strategy]:
    """Make a Strategy of a function `(bars, **parameters) -> weights`.

    Args:
        family: what kind of idea it is ("trend").
        source: the paper or book that it is from.
        dataset: the dataset on which it runs when a request names none.
        symbols: the symbols on which it runs when a request names none; () means all of the dataset.
        check: takes the parameters; returns a sentence when they do not fit together.
        lookback: takes the parameters; returns how many bars the first decision needs.
        crossing: says that the weights are those of a crossing of averages, which sweeps run compiled.
        id: its stable name, when that is not the function's.
        legs: the symbols that it trades by name, in place of `symbols`: it runs on nothing else.
        series, calendars: what it reads of the panel.
        defaults: fields of `engine.Config` that belong to the idea (stop_loss, max_holding_bars); a run may set them.

    Raises:
        TypeError: when the signature does not describe every parameter with type, bounds and default.
    """

    def decorate(function: Callable[..., Weights | Decision]) -> Strategy:
        doc = inspect.cleandoc(function.__doc__ or "")
        if not doc:
            raise TypeError(f"{function.__name__} needs a docstring: it is the documentation")
        summary = " ".join(doc.split("\n\n")[0].split()).split(". ")[0].rstrip(".") + "."
        parameters = _parameters(function)
        return Strategy(
            function=function,
            id=id or function.__name__,
            summary=summary,
            doc=doc,
            family=family,
            source=source,
            dataset=dataset,
            symbols=legs or symbols,
            parameters=parameters,
            rule=check,
            needs=lookback,
            crossing=crossing,
            legs=bool(legs),
            series=series,
            calendars=calendars,
            defaults=_defaults(defaults or {}),
        )

    return decorate


def _defaults(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fields of Config, checked now: a strategy with a bad default must not reach the shelf."""
    Config.parse(given)
    return dict(given)


def _parameters(function: Callable[..., Weights | Decision]) -> tuple[Parameter, ...]:
    hints = get_type_hints(function, include_extras=True)
    _, *described = inspect.signature(function).parameters.values()  # the first one is the bars
    for item in described:
        if item.default is inspect.Parameter.empty or item.name not in hints:
            raise TypeError(f"{function.__name__}: {item.name} needs an annotation and a default")
    parameters = tuple(read(item.name, hints[item.name], item.default) for item in described)
    for parameter in parameters:
        if parameter.table is not None:
            raise TypeError(f"{function.__name__}: {parameter.name} cannot be a mapping")
    return parameters
