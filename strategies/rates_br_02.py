"""RATES_BR_02: distance from a Taylor rule."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


@strategy(
    id="RATES_BR_02",
    family="RATES_BR",
    source="Taylor (1993), Discretion versus policy rules in practice, Carnegie-Rochester Conference Series 39",
    dataset="macro_synthetic",
    legs=("DI_1Y",),
    series=(
        Need("DI_1Y", "percent"),
        Need("FOCUS_IPCA_12M", "percent"),
        Need("INFLATION_TARGET", "percent"),
        Need("OUTPUT_GAP", "percent", optional=True),
    ),
    defaults={"max_holding_bars": 63, "stop_loss": 0.04, "take_profit": 0.10},
)
def rates_br_02(
    bars: Bars,
    real_rate: Annotated[float, Range(-5.0, 15.0), "Neutral real rate r*, percent."] = 4.5,
    inflation_weight: Annotated[float, Range(0.0, 3.0), "Weight of expected inflation above its target."] = 0.5,
    gap_weight: Annotated[float, Range(0.0, 3.0), "Weight of the output gap."] = 0.5,
    threshold: Annotated[float, Range(1.0, 1000.0), "Gap beyond which there is a position, bps."] = 100.0,
    full: Annotated[float, Range(1.0, 3000.0), "Gap from which the position is a full one, bps."] = 300.0,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Pay the one-year rate when a Taylor rule asks for a higher one, receive it when it asks for a lower one.

    i* = r* + e + 0.5 (e - target) + 0.5 output gap, with e the inflation expected over 12 months, the target of the
    calendar year of the bar, and r* = 4.5; gap = 100 (i* - DI_1Y) in basis points. gap > 100 is SHORT DI_1Y (pay),
    gap < -100 LONG (receive). The size is min(1, |gap| / 300) times the largest weight, taken at the entry. Without an
    output gap it counts as 0, and a note says so.

    Inputs: DI_1Y, FOCUS_IPCA_12M and INFLATION_TARGET in percent. Optional: OUTPUT_GAP in percent. Score: none, the gap
    is no z-score. Raw: the gap in basis points.
    """
    names = ("DI_1Y", "FOCUS_IPCA_12M", "INFLATION_TARGET")
    paid, expected, target = (bars.known(name, "percent") for name in names)
    output = bars.known("OUTPUT_GAP", "percent")
    rule = real_rate + expected + inflation_weight * (expected - target) + gap_weight * np.nan_to_num(output)
    gap = 100.0 * (rule - paid)
    return views.decide(
        bars,
        {"DI_1Y": max_position},
        -views.toward(gap, threshold, strict=True),
        np.minimum(1.0, np.abs(gap) / full),
        inputs=dict(zip(names, (paid, expected, target), strict=True)),
        outside=f"The gap is within {threshold:g} bps.",
        raw=gap,
        notes=[("Without OUTPUT_GAP it counts as 0.", np.isnan(output))],
    )
