"""RATES_BR_01: carry and roll-down of the DI curve."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from engine import indicators, views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy

# Years to maturity of the points of the curve; what is traded rolls down towards the point before it.
TENORS = {
    "DI_1M": 1 / 12,
    "DI_3M": 0.25,
    "DI_6M": 0.5,
    "DI_1Y": 1.0,
    "DI_2Y": 2.0,
    "DI_3Y": 3.0,
    "DI_5Y": 5.0,
    "DI_10Y": 10.0,
}
LEGS = tuple(TENORS)[1:]


def first_ratio(*, volatility: int, **_: Any) -> int:
    return volatility + 1


@strategy(
    id="RATES_BR_01",
    lookback=first_ratio,
    family="RATES_BR",
    source="Koijen, Moskowitz, Pedersen and Vrugt (2018), Carry, Journal of Financial Economics 127(2)",
    dataset="macro_synthetic",
    legs=LEGS,
    series=(*(Need(key, "percent") for key in TENORS), Need("CDI", "percent")),
    defaults={"max_holding_bars": 21, "stop_loss": 0.03, "take_profit": 0.08},
)
def rates_br_01(
    bars: Bars,
    horizon: Annotated[int, Range(1, 42), "Days that carry and roll-down are earned over."] = 21,
    volatility: Annotated[int, Range(10, 504), "Bars of the deviation of a yield's daily change."] = 63,
    threshold: Annotated[float, Range(0.05, 10.0), "|ratio| above which there is a position."] = 1.5,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Receive or pay the tenor of the DI curve that earns or costs most, for its risk, if yields stay where they are.

    Of each tenor T, over h = 21 days: ratio = ((y_T - CDI) h / 252 + D (y_T - y_(T - h))) / (D s sqrt(h)), with
    D = T / (1 + y_T), s the deviation of the daily change of y_T over 63 days, and y_(T - h) on the straight line to
    the point of the curve before T. The largest |ratio| is chosen: above 1.5 it is LONG the tenor (receive) when the
    ratio is positive and SHORT when it is negative. The tenor is kept for as long as its own ratio stands beyond 1.5
    on the same side; then the best one is chosen anew. The size is tanh(|ratio| / 2) times the largest weight, taken
    at the entry.

    Inputs: DI_1M to DI_10Y and CDI, in percent; all of them are needed. Score: the ratio of the tenor that is held,
    else the largest. Raw: its carry and roll-down, percent of the price.
    """
    cdi = bars.known("CDI", "percent")
    curve = {key: bars.known(key, "percent") for key in TENORS}
    earned, risk = _over_horizon(curve, cdi, horizon, volatility)
    ratio = np.column_stack([views.over(*both) for both in zip(earned.T, risk.T, strict=True)])
    ways = _kept(ratio, threshold)
    sizes = [views.entry_size(way, views.size_of(own)) for way, own in zip(ways.T, ratio.T, strict=True)]
    chosen = np.where(ways.any(axis=1), np.argmax(np.abs(ways), axis=1), _largest(ratio))
    rows = np.arange(len(bars))
    return views.decide(
        bars,
        {leg: max_position * np.abs(way) for leg, way in zip(LEGS, ways.T, strict=True)},
        np.where(np.isnan(ratio).any(axis=1), np.nan, ways.sum(axis=1)),
        np.sum(sizes, axis=0),
        inputs={**curve, "CDI": cdi},
        outside=f"No |ratio| is above {threshold:g}.",
        score=ratio[rows, chosen],
        raw=earned[rows, chosen],
        follow=True,
    )


def _over_horizon(curve: dict[str, Floats], cdi: Floats, horizon: int, volatility: int) -> tuple[Floats, Floats]:
    """What each tenor earns if yields stay, and one deviation of what they may cost it; percent of the price. [T, K]"""
    earned, risk = [], []
    for before, key in pairwise(TENORS):
        value, years = curve[key], TENORS[key]
        duration = views.modified_duration(years, value)
        slope = (value - curve[before]) / (years - TENORS[before])
        earned.append((value - cdi) * horizon / 252.0 + duration * slope * horizon / 252.0)
        deviation = indicators.rolling_std(views.change(value, 1), volatility)
        risk.append(duration * deviation * math.sqrt(horizon))
    return np.column_stack(earned), np.column_stack(risk)


def _largest(ratio: Floats) -> Any:
    """The tenor of the largest |ratio| at each bar. [T]"""
    return np.argmax(np.abs(np.nan_to_num(ratio)), axis=1)


def _kept(ratio: Floats, threshold: float) -> Floats:
    """+1 or -1 for the tenor that is held at each bar. [T, K]"""
    ways = np.zeros(ratio.shape)
    largest, held, side = _largest(ratio), 0, 0.0
    for t, row in enumerate(ratio):
        if not side * row[held] > threshold:
            held = int(largest[t])
            side = float(np.sign(row[held])) if abs(row[held]) > threshold else 0.0
        if np.isnan(row).any():
            side = 0.0
        ways[t, held] = side
    return ways
