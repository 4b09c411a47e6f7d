"""Bars and a panel for a macro strategy, made of what it declares: seeded, plausible, and replaceable one by one.

    bars = world(strategies.get("FX_05"), changed={"SOY": soy}, without=("IRON",))
    decision = strategies.get("FX_05").bind(**small(item)).decide(bars)

Bars are those of weekdays, decided at 20:00 UTC. A daily series is published at 18:00 of its day (yields of the US a
day late), a weekly one on the Friday after its Tuesday, a monthly one 12 days after its month, and the values of some
months are revised.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine import Bars
from engine.panel import Calendar, Panel, Series
from engine.strategy import Decision, Need, Strategy

Times: TypeAlias = NDArray[np.datetime64]

MEMBERS = ("BR", "MX", "CO", "CL", "ZA", "TR", "PL", "HU")
MONTHLY = {"IPCA_MOM", "IPCA15_MOM", "IPCA_12M", "OUTPUT_GAP", "US_CPI_YOY", "DEBT_GDP", "PRIMARY_GDP", "IBC_BR"}
MONTHLY |= {"TRADE_BAL"}
YEARLY = {"INFLATION_TARGET", "INFLATION_BAND"}
YEARLY_GROUPS = {"DEBT_GDP", "CURRENT_ACCOUNT", "INFLATION", "GROWTH"}
STALE = {"daily": 7.0, "weekly": 14.0, "monthly": 75.0, "yearly": 500.0}

# Where a series starts and how far it moves from one observation to the next, by key, its first part, or unit.
PLACES: dict[str, tuple[float, float]] = {
    "USDBRL": (5.0, 0.009),
    "INFLATION_TARGET": (3.0, 0.0),
    "INFLATION_BAND": (1.5, 0.0),
    "IPCA_MOM": (0.4, 0.15),
    "IPCA15_MOM": (0.4, 0.15),
    "FOCUS_IPCA_MONTHLY": (0.4, 0.1),
    "OUTPUT_GAP": (0.0, 0.3),
    "DEBT_GDP": (78.0, 0.8),
    "PRIMARY_GDP": (-0.5, 0.2),
    "VIX": (18.0, 1.0),
    "FED": (3.0, 0.04),
    "UST": (3.0, 0.05),
    "US": (2.5, 0.2),
    "IPCA": (4.5, 0.3),
    "FOCUS": (4.0, 0.04),
    "NTNB": (5.0, 0.05),
    "CUPOM": (4.0, 0.05),
    "NDF": (4.0, 0.05),
    "percent": (8.0, 0.07),
    "bps": (180.0, 4.0),
    "usd_mn": (100.0, 500.0),
    "index": (140.0, 1.0),
    "price": (100.0, 0.012),
    "contracts": (10_000.0, 8_000.0),
}
NOISE = {"IPCA_MOM", "IPCA15_MOM", "FOCUS_IPCA_MONTHLY", "FXFLOW_TOTAL", "FXFLOW_FIN", "TRADE_BAL"}  # no memory


def world(
    item: Strategy,
    *,
    total: int = 300,
    seed: int = 0,
    start: str = "2018-01-01",
    changed: Mapping[str, Series | ArrayLike] | None = None,
    without: Collection[str] = (),
    closes: Mapping[str, ArrayLike] | None = None,
) -> Bars:
    """Bars of the strategy's legs beside a panel of all that it reads.

    Args:
        changed: by key, another series, or its values [T] on the days of the bars (NaN: none that day).
        without: keys of series and calendars that are left out; of a group all members, or one (`CDS_5Y.MX`).
        closes: by leg, other closes [T].
    """
    rng = np.random.default_rng(seed)
    days = weekdays(total, start)
    prices = {leg: 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.006, total))) for leg in item.symbols}
    prices |= {leg: np.asarray(values, dtype=float) for leg, values in (closes or {}).items()}
    bars = Bars.from_closes(days, np.column_stack([prices[leg] for leg in item.symbols]), item.symbols)
    made = {one.key: one for need in item.series for one in _made(need, days, rng)}
    for key, given in (changed or {}).items():
        made[key] = given if isinstance(given, Series) else daily(key, made[key].unit, days, given)
    series = [one for key, one in made.items() if key not in without and key.split(".")[0] not in without]
    calendars = [calendar(key, days) for key in item.calendars if key not in without]
    return bars.with_panel(Panel.of(series, calendars, delay=np.timedelta64(20, "h")))


def small(item: Strategy, **given: object) -> dict[str, Any]:
    """Parameters with windows a sixth of the usual ones, so that little data suffices; `given` goes before."""
    windows = {
        one.name: max(int(one.low or 0), one.default // 6)
        for one in item.parameters
        if one.type == "int" and one.default >= 20
    }
    return {**windows, **given}


def weekdays(total: int, start: str = "2018-01-01") -> Times:
    found: Times = np.busday_offset(start, np.arange(total), roll="forward").astype("datetime64[ns]")
    return found


def daily(key: str, unit: str, days: Times, values: ArrayLike, *, hours: int = 18) -> Series:
    """A series with a value a day, published so many hours after its day began."""
    values = np.asarray(values, dtype=float)
    known = np.isfinite(values)
    return Series(key, unit, days[known], days[known] + np.timedelta64(hours, "h"), values[known], STALE["daily"])


def calendar(key: str, days: Times) -> Calendar:
    """Meetings every six weeks on a Wednesday, releases on the 10th about the month before; known a year ahead."""
    first, last = days[0].astype("datetime64[D]"), days[-1].astype("datetime64[D]")
    year = np.timedelta64(365, "D")
    if key.startswith("IBGE"):
        months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 2)
        dates = np.busday_offset(months.astype("datetime64[D]") + np.timedelta64(9, "D"), 0, roll="forward")
        return Calendar(key, _ns(dates), _ns(dates - year), _ns(months - 1))
    dates = np.busday_offset(first, 12, roll="forward", weekmask="Mon Tue Wed Thu Fri")
    dates = np.arange(dates, last + np.timedelta64(60, "D"), np.timedelta64(42, "D"))
    return Calendar(key, _ns(dates), _ns(dates - year))


def last_z(values: ArrayLike, window: int) -> float:
    """How many deviations the last value is from the mean of the last `window` known ones, in one line."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)][-window:]
    return float((known[-1] - known.mean()) / known.std(ddof=1))


def sides(score: ArrayLike, threshold: float) -> NDArray[np.float64]:
    """The sign of a score where it is at least the threshold in size, 0 elsewhere."""
    score = np.asarray(score, dtype=float)
    return np.where(np.nan_to_num(np.abs(score)) >= threshold, np.sign(score), 0.0)


def entries(weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a position of one leg begins, or changes sides."""
    way = np.sign(weights)
    return (way != 0.0) & (way != np.append(0.0, way[:-1]))


def monthly(key: str, unit: str, values: ArrayLike, last: str, *, wait: float = 12.5) -> Series:
    """A value a month, the last one that of the month `last`, each published so many days after its month's last."""
    values = np.asarray(values, dtype=float)
    months = np.datetime64(last, "M") - np.arange(len(values))[::-1]
    ends = _ns((months + 1).astype("datetime64[D]") - np.timedelta64(1, "D"))
    return Series(key, unit, ends, ends + np.timedelta64(round(wait * 24), "h"), values, STALE["monthly"])


def steady(level: float, total: int, *, wiggle: float = 0.05, shock: float = 0.0) -> NDArray[np.float64]:
    """A value a day that goes up and down around a level (|z| below 1), and once far away, on the last day."""
    values = level + wiggle * (-1.0) ** np.arange(total)
    values[-1] += shock
    return values


def z_of(values: ArrayLike, window: int) -> float:
    """The z-score of the last value, by its definition."""
    part = np.asarray(values, dtype=float)[-window:]
    return float((part[-1] - part.mean()) / part.std(ddof=1))


def reason_at(decision: Decision, row: int) -> str:
    """The sentence that is told of this bar, "" for none."""
    return next((sentence for sentence, holds in decision.reasons.items() if holds[row]), "")


def _made(need: Need, days: Times, rng: np.random.Generator) -> list[Series]:
    keys = [f"{need.key}.{member}" for member in MEMBERS] if need.group else [need.key]
    return [_one(key, need, days, rng) for key in keys]


def _one(key: str, need: Need, days: Times, rng: np.random.Generator) -> Series:
    if need.key == "FOCUS_IPCA_MONTHLY":
        return _surveys(key, need.unit, days, rng)
    if need.key in YEARLY or (need.group and need.key in YEARLY_GROUPS):
        return _yearly(key, need, days, rng)
    if need.key in MONTHLY:
        return _monthly(key, need.unit, days, rng)
    if need.key == "CFTC_BRL_NET":
        tuesdays = _ns(np.busday_offset(days.astype("datetime64[D]"), 0, roll="forward", weekmask="Tue"))
        observed = np.unique(tuesdays)
        values = _path(need.key, need.unit, len(observed), rng)
        return Series(key, need.unit, observed, observed + np.timedelta64(3 * 24 + 19, "h"), values, STALE["weekly"])
    values = _path(need.key, need.unit, len(days), rng)
    return daily(key, need.unit, days, values, hours=36 if key.startswith("UST") else 18)


def _path(key: str, unit: str, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    level, step = _place(key, unit)
    noise = rng.normal(0.0, step, count)
    if unit == "price":
        return level * np.exp(np.cumsum(noise))
    return level + (noise if key in NOISE else np.cumsum(noise))


def _place(key: str, unit: str) -> tuple[float, float]:
    return PLACES.get(key) or PLACES.get(key.split("_")[0]) or PLACES[unit]


def _monthly(key: str, unit: str, days: Times, rng: np.random.Generator) -> Series:
    """A value a month from a year before the first bar on; every seventh is revised a month after its release."""
    months = np.arange(days[0].astype("datetime64[M]") - 12, days[-1].astype("datetime64[M]") + 1)
    ends = _ns((months + 1).astype("datetime64[D]") - np.timedelta64(1, "D"))
    if key == "IPCA15_MOM":
        ends = _ns(months.astype("datetime64[D]") + np.timedelta64(14, "D"))
    level, step = _place(key, unit)
    noise = rng.normal(0.0, step, len(ends))
    values = level + (noise if key in NOISE else np.cumsum(noise))
    released = ends + np.timedelta64(12 * 24 + 12, "h")
    again = np.arange(len(ends)) % 7 == 3
    return Series(
        key,
        unit,
        np.append(ends, ends[again]),
        np.append(released, released[again] + np.timedelta64(30, "D")),
        np.append(values, values[again] + rng.normal(0.0, step, int(again.sum()))),
        STALE["monthly"],
    )


def _yearly(key: str, need: Need, days: Times, rng: np.random.Generator) -> Series:
    """Targets are decreed years ahead; figures of a year come a hundred days after it began."""
    years = np.arange(days[0].astype("datetime64[Y]") - 3, days[-1].astype("datetime64[Y]") + 3)
    observed = _ns(years)
    level, step = PLACES.get(need.key, (5.0, 1.5))
    spread = 0.0 if need.key in YEARLY else rng.normal(0.0, 3.0)
    values = level + spread + np.cumsum(rng.normal(0.0, step, len(years)))
    wait = np.timedelta64(-900 if need.key in YEARLY else 100, "D")
    return Series(key, need.unit, observed, observed + wait, values, STALE["yearly"])


def _surveys(key: str, unit: str, days: Times, rng: np.random.Generator) -> Series:
    """Every Friday what is expected of this month and of the next two; `observed` is the month's first day."""
    fridays = np.unique(np.busday_offset(days.astype("datetime64[D]"), 0, roll="forward", weekmask="Fri"))
    asked = np.repeat(fridays, 3)
    months = asked.astype("datetime64[M]") + np.tile(np.arange(3), len(fridays))
    level, step = PLACES["FOCUS_IPCA_MONTHLY"]
    values = level + rng.normal(0.0, step, len(asked))
    # What is expected of a month becomes visible when the month begins: of the surveys before it only the last counts.
    begun = np.maximum(_ns(months), _ns(asked))
    order = np.lexsort((asked, begun, months))
    last = np.append((months[order][1:] != months[order][:-1]) | (begun[order][1:] != begun[order][:-1]), True)
    kept = order[last]
    available = _ns(asked[kept]) + np.timedelta64(12, "h")
    return Series(key, unit, _ns(months[kept]), available, values[kept], STALE["weekly"] + 31.0)


def _ns(times: NDArray[Any]) -> Times:
    found: Times = times.astype("datetime64[ns]")
    return found
