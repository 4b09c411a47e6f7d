"""What the positions after a step of the paper book may lose, as the document that is stored with its last mark.

Figures are made leg by leg (what a strategy holds of a symbol), so that their parts sum by symbol and by strategy.
Returns are those between days on which every symbol that is held has a close, up to the bars that the book has taken:
nothing later is in them. A symbol that has too short or too old a past is left out, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.exposures import Unmapped, exposure
from engine.bars import Bars, Floats, Times
from engine.paper.state import State
from engine.risk import drawing, losses
from engine.risk.stress import SCENARIOS, Exposure, Pair, Rate, Scenario

# Returns that count at most: two years.
WINDOW = 504
PATHS = 20_000
SEED = 20_000_101
# Days after which a last close is none of the present, and between bars from which they are not of sessions.
OLD_DAYS = 10
APART_DAYS = 4


@dataclass(frozen=True)
class Past:
    """The bars of a dataset that the book has taken, and those symbols of it that the book knows."""

    name: str
    bars: Bars

    def closes(self, symbol: str) -> tuple[Times, Floats]:
        """The last close of each session that has one, with its day."""
        values = self.bars.close[:, self.bars.symbols.index(symbol)]
        rows = np.flatnonzero(np.isfinite(values))
        days = self.bars.sessions[rows].astype("datetime64[D]")
        last = np.append(days[1:] != days[:-1], True)[: len(days)]
        return days[last], values[rows[last]]

    def known(self, key: str) -> float:
        """The present value of a series at the last bar's decision; NaN where there is none."""
        series = self.bars.panel.series.get(key)
        return float("nan") if series is None else float(series.at(self.bars.decided[-1:])[0])

    def exposure(self, symbol: str) -> Exposure | Unmapped:
        key = self.bars.cost_keys[self.bars.symbols.index(symbol)]
        return exposure(self.name, symbol, key, self.known)


@dataclass(frozen=True)
class Held:
    """What strategies hold of a symbol: money by strategy, negative where short."""

    dataset: str
    symbol: str
    legs: Mapping[str, float]

    @property
    def value(self) -> float:
        return sum(self.legs.values())

    def named(self, **more: Any) -> dict[str, Any]:
        return {"dataset_id": self.dataset, "symbol": self.symbol, **more}


def measure(state: State, pasts: Iterable[Past]) -> dict[str, Any]:
    """The document: what is held by strategy, value at risk and shortfall, and what each scenario would do."""
    held, known = _held(state), {past.name: past for past in pasts}
    gross: dict[str, float] = {}
    for item in held:
        for sleeve, value in item.legs.items():
            gross[sleeve] = gross.get(sleeve, 0.0) + abs(value)
    return {
        "positions": len(held),
        "gross": [{"strategy_id": sleeve, "gross": value} for sleeve, value in gross.items()],
        "var": _losses(held, known, state),
        "stress": _stress(held, known),
    }


def _held(state: State) -> list[Held]:
    found: dict[str, dict[str, float]] = {}
    prices = dict(zip(state.symbols, state.numbers["mark"].tolist(), strict=True))
    for (sleeve, name), units in zip(state.legs, state.numbers["held"].tolist(), strict=True):
        if units:
            found.setdefault(name, {})[sleeve] = units * prices[name]
    return [Held(name.partition(":")[0], name.partition(":")[2], legs) for name, legs in found.items()]


def _losses(held: Sequence[Held], known: Mapping[str, Past], state: State) -> dict[str, Any]:
    """Figures by method and level, and what they are made of."""
    pasts, without = _pasts(held, known, state)
    measured = [item for item in held if (item.dataset, item.symbol) in pasts]
    days, returns = _together([pasts[item.dataset, item.symbol] for item in measured])
    gross = sum(abs(item.value) for item in held)
    enough = len(returns) >= losses.LEAST
    degrees = [drawing.degrees_of(column) for column in returns.T] if enough else []
    return {
        "observations": len(returns),
        "start": str(days[0]) if len(days) else None,
        "end": str(days[-1]) if len(days) else None,
        "coverage": sum(abs(item.value) for item in measured) / gross if gross else None,
        "unmeasured": without,
        "paths": PATHS,
        "seed": SEED,
        "degrees_of_freedom": [item.named(value=found) for item, found in zip(measured, degrees, strict=False)],
        "figures": list(_figures(held, measured, returns)),
    }


def _figures(held: Sequence[Held], measured: Sequence[Held], returns: Floats) -> Iterator[dict[str, Any]]:
    """One for each method and level; nothing held loses nothing, and of too short a past nothing is said."""
    enough = len(returns) >= losses.LEAST
    drawn = drawing.draw(returns, paths=PATHS, seed=SEED) if enough else returns
    for name, method, outcomes in (
        ("historical", losses.historical, returns),
        ("parametric", losses.parametric, returns),
        ("monte_carlo", losses.historical, drawn),
    ):
        for level, tail in losses.TAILS.items():
            figure = {"method": name, "level": level}
            if not held:
                yield figure | _nothing(0.0, None)
            elif not measured:
                yield figure | _nothing(None, "Nothing that is held has a past to measure it by.")
            elif len(returns) < losses.least(tail):
                short = f"There are {len(returns)} returns in common; {level:.0%} needs {losses.least(tail)}."
                yield figure | _nothing(None, short)
            else:
                yield figure | _figure(method(outcomes[:, _columns(measured)], _values(measured), tail), measured)


def _nothing(loss: float | None, reason: str | None) -> dict[str, Any]:
    return {"var": loss, "cvar": loss, "reason": reason, "instruments": [], "strategies": []}


def _columns(held: Sequence[Held]) -> NDArray[np.intp]:
    """Of each leg the column of its symbol."""
    return np.repeat(np.arange(len(held)), [len(item.legs) for item in held])


def _values(held: Sequence[Held]) -> Floats:
    return np.array([value for item in held for value in item.legs.values()])


def _figure(loss: losses.Loss, held: Sequence[Held]) -> dict[str, Any]:
    """A loss of legs, its parts summed by symbol and by strategy."""
    parts = np.stack([loss.var_parts, loss.cvar_parts], axis=1)
    by_symbol, by_sleeve = np.zeros((len(held), 2)), {sleeve: np.zeros(2) for item in held for sleeve in item.legs}
    np.add.at(by_symbol, _columns(held), parts)
    for part, sleeve in zip(parts, [sleeve for item in held for sleeve in item.legs], strict=True):
        by_sleeve[sleeve] += part
    return {
        "var": loss.var,
        "cvar": loss.cvar,
        "reason": None,
        "instruments": [item.named(**_parts(part)) for item, part in zip(held, by_symbol, strict=True)],
        "strategies": [{"strategy_id": sleeve, **_parts(part)} for sleeve, part in by_sleeve.items()],
    }


def _parts(part: Floats) -> dict[str, float]:
    return {"var": float(part[0]), "cvar": float(part[1])}


def _pasts(
    held: Sequence[Held], known: Mapping[str, Past], state: State
) -> tuple[dict[tuple[str, str], tuple[Times, Floats]], list[dict[str, Any]]]:
    """Days and closes of each symbol that can be measured, and what cannot, with the reason."""
    today = np.datetime64(state.clock, "ns").astype("datetime64[D]")
    found, without = {}, []
    for item in held:
        past = known.get(item.dataset)
        days, closes = np.zeros(0, dtype="datetime64[D]"), np.zeros(0)
        if past is not None and item.symbol in past.bars.symbols:
            days, closes = past.closes(item.symbol)
        if (reason := _unfit(days, today)) is None:
            found[item.dataset, item.symbol] = days, closes
        else:
            without.append(item.named(value=item.value, reason=reason))
    return found, without


def _unfit(days: Times, today: np.datetime64) -> str | None:
    """Why a past cannot be measured by."""
    if len(days) <= losses.LEAST:
        return f"It has {max(len(days) - 1, 0)} returns; {losses.LEAST} are needed."
    if (today - days[-1]).astype(int) > OLD_DAYS:
        return f"Its last bar is of {days[-1]}."
    apart = float(np.median(np.diff(days[-losses.LEAST :]).astype(int)))
    return f"Its bars are {apart:g} days apart." if apart > APART_DAYS else None


def _together(pasts: Sequence[tuple[Times, Floats]]) -> tuple[Times, Floats]:
    """The days that all have, at most the last WINDOW + 1, and the returns between them [T, N]."""
    if not pasts:
        return np.zeros(0, dtype="datetime64[D]"), np.zeros((0, 0))
    days = pasts[0][0]
    for other, _ in pasts[1:]:
        days = np.intersect1d(days, other, assume_unique=True)
    days = days[-WINDOW - 1 :]
    closes = np.column_stack([values[np.searchsorted(own, days)] for own, values in pasts])
    returns: Floats = closes[1:] / closes[:-1] - 1.0
    return days, returns


def _stress(held: Sequence[Held], known: Mapping[str, Past]) -> dict[str, Any]:
    mapped: list[tuple[Held, Exposure]] = []
    without = []
    for item in held:
        past = known.get(item.dataset)
        found: Exposure | Unmapped = Unmapped("Its dataset has no bars of it.")
        if past is not None and item.symbol in past.bars.symbols:
            found = past.exposure(item.symbol)
        if isinstance(found, Unmapped):
            without.append(item.named(value=item.value, reason=found.reason))
        else:
            mapped.append((item, found))
    return {
        "exposures": [item.named(value=item.value, **_told(found, item.value)) for item, found in mapped],
        "unmapped": without,
        "scenarios": [_scenario(scenario, mapped) for scenario in SCENARIOS],
    }


def _told(found: Exposure, value: float) -> dict[str, Any]:
    if isinstance(found, Rate):
        return {"factor": f"{found.curve} {found.years:g}y", "dv01": found.duration * value / 10_000.0}
    return {"factor": f"{found.base}/{found.quote}" if isinstance(found, Pair) else found.factor, "dv01": None}


def _scenario(scenario: Scenario, mapped: Sequence[tuple[Held, Exposure]]) -> dict[str, Any]:
    moves = [scenario.move(found) for _, found in mapped]
    sleeves: dict[str, float] = {}
    for (item, _), move in zip(mapped, moves, strict=True):
        for sleeve, value in item.legs.items():
            sleeves[sleeve] = sleeves.get(sleeve, 0.0) + value * move
    gains = [item.value * move for (item, _), move in zip(mapped, moves, strict=True)]
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "shocks": {
            "rates_bps": {name: [list(point) for point in points] for name, points in scenario.rates.items()},
            "prices": dict(scenario.prices),
        },
        "pnl": sum(gains),
        "instruments": [item.named(pnl=gain) for (item, _), gain in zip(mapped, gains, strict=True)],
        "strategies": [{"strategy_id": sleeve, "pnl": gain} for sleeve, gain in sleeves.items()],
    }
