"""INF_BR_01: breakeven inflation against the survey."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy


def full_from_entry_on(*, threshold: float, full: float, **_: Any) -> str | None:
    return None if full >= threshold else f"full ({full:g}) must be at least threshold ({threshold:g})"


@strategy(
    id="INF_BR_01",
    check=full_from_entry_on,
    family="INFLATION",
    source="Gürkaynak, Sack and Wright (2010), The TIPS yield curve and inflation compensation, "
    "American Economic Journal: Macroeconomics 2(1)",
    dataset="macro_synthetic",
    legs=("NTNB_2Y", "DI_2Y"),
    series=(
        Need("NTNB_2Y", "percent"),
        Need("DI_2Y", "percent"),
        Need("FOCUS_IPCA_12M", "percent"),
        Need("FOCUS_IPCA_Y1", "percent"),
        Need("FOCUS_IPCA_Y2", "percent"),
    ),
    defaults={"max_holding_bars": 63, "max_leverage": 2.0},
)
def inf_br_01(
    bars: Bars,
    threshold: Annotated[float, Range(1.0, 500.0), "|d| in basis points above which there is a position."] = 50.0,
    full: Annotated[float, Range(1.0, 1000.0), "|d| in basis points from which a position has its full size."] = 150.0,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.03,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.06,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Own breakeven inflation when the survey expects more than the curve pays for, sell it in the opposite case.

    BE = (1 + DI_2Y) / (1 + NTNB_2Y) - 1, in percent a year. The survey's inflation over the same two years is the mean
    of FOCUS_IPCA_12M and of the 12 months after: f of FOCUS_IPCA_Y1 and 1 - f of FOCUS_IPCA_Y2, f being the part of
    the calendar year that was left on the day of the survey. d = 100 (survey - BE) basis points.

    d > 50 is LONG breakeven (NTNB_2Y long, DI_2Y short), d < -50 SHORT. The legs are DV01-neutral with durations
    2 / (1 + y). The larger weight is min(1, |d| / 150) times the largest weight, taken at the entry. Raw: d.

    Both legs end at the first close at which together they have lost 3 % or gained 6 % of what is in the larger
    one, and stay flat until the direction changes.
    """
    real, nominal = bars.known("NTNB_2Y", "percent"), bars.known("DI_2Y", "percent")
    near, next_year, year_after = (bars.known(f"FOCUS_IPCA_{part}", "percent") for part in ("12M", "Y1", "Y2"))
    left = views.rest_of_year(bars, "FOCUS_IPCA_Y1")
    survey = (near + left * next_year + (1.0 - left) * year_after) / 2.0
    gap = 100.0 * (survey - views.breakeven(nominal, real))
    durations = views.modified_duration(2.0, real), views.modified_duration(2.0, nominal)
    linked, plain = views.neutral(*durations, max_position)
    return views.decide(
        bars,
        {"NTNB_2Y": linked, "DI_2Y": plain},
        views.toward(gap, threshold, strict=True),
        np.minimum(1.0, np.abs(gap) / full),
        inputs={
            "NTNB_2Y": real,
            "DI_2Y": nominal,
            "FOCUS_IPCA_12M": near,
            "FOCUS_IPCA_Y1": next_year,
            "FOCUS_IPCA_Y2": year_after,
        },
        stop=(stop, take),
        outside=f"Survey and breakeven are within {threshold:g} basis points.",
        raw=gap,
    )
