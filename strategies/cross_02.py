"""CROSS_02: risk appetite."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import indicators, views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy

# The sign says whether appetite rises with a figure.
SHARES = {
    "VIX": -0.25,
    "CDS_5Y": -0.20,
    "The volatility of USDBRL": -0.15,
    "The correlation of IBOV and DI_2Y": 0.15,
    "DI_1M less SELIC_TARGET": -0.15,
    "The momentum of IBOV": 0.10,
}


def first_score(*, volatility: int, correlation: int, momentum: int, window: int, least: int, **_: Any) -> int:
    """Three of the six figures need no past of their own."""
    return sorted((0, 0, 0, volatility, correlation, momentum))[least - 1] - (-window // 2)


@strategy(
    id="CROSS_02",
    lookback=first_score,
    family="CROSS_ASSET",
    source="Kumar and Persaud (2002), Pure contagion and investors' shifting risk appetite, International Finance 5(3)",
    dataset="macro_synthetic",
    legs=("IBOV", "USDBRL", "DI_2Y"),
    series=(
        Need("VIX", "index", optional=True),
        Need("CDS_5Y", "bps", optional=True),
        Need("USDBRL", "price", optional=True),
        Need("IBOV", "price", optional=True),
        Need("DI_1M", "percent", optional=True),
        Need("SELIC_TARGET", "percent", optional=True),
    ),
    defaults={"max_holding_bars": 14, "max_leverage": 3.0},
)
def cross_02(
    bars: Bars,
    volatility: Annotated[int, Range(5, 252), "Bars of the volatility of USDBRL."] = 21,
    correlation: Annotated[int, Range(10, 252), "Bars of the correlation of stocks and bonds."] = 63,
    momentum: Annotated[int, Range(5, 252), "Bars over which the return of IBOV is taken."] = 63,
    window: Annotated[int, Range(20, 1260), "Observations of each z-score."] = 252,
    least: Annotated[int, Range(1, 6), "Of the six figures, how many must be known."] = 4,
    threshold: Annotated[float, Range(0.1, 5.0), "|R| above which there is a position."] = 1.0,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.03,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.04,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Own stocks, the real and its rates when the appetite for risk is high, sell them when it is low.

    R = -0.25 z(VIX) - 0.20 z(CDS_5Y) - 0.15 z(s) + 0.15 z(c) - 0.15 z(DI_1M - SELIC_TARGET) + 0.10 z(m), each z over
    252 bars, divided by the sum of the |shares| of the figures that are known, of which there must be 4. VIX: index
    points. CDS_5Y: basis points. s: volatility of USDBRL over 21 bars, a fraction a year. c: correlation over 63 bars
    of the log returns of the series IBOV and of the leg DI_2Y. DI_1M and SELIC_TARGET: percent. m: log return of IBOV
    over 63 bars.

    R > 1 is IBOV long, USDBRL short, DI_2Y long; R < -1 the reverse. Each weight is tanh(|R| / 2) times the largest
    weight, taken at the entry. A figure that others count for is told. Score and raw: R.

    All legs end at the first close at which together they have lost 3 % or gained 4 % of what is in the largest
    one, and stay flat until the direction changes.
    """
    dollar, stocks = bars.known("USDBRL", "price"), np.log(bars.known("IBOV", "price"))
    bonds = np.log(bars.close[:, bars.column("DI_2Y")])
    figures = (
        bars.known("VIX", "index"),
        bars.known("CDS_5Y", "bps"),
        indicators.volatility(dollar, volatility),
        indicators.rolling_corr(views.change(stocks, 1), views.change(bonds, 1), correlation),
        bars.known("DI_1M", "percent") - bars.known("SELIC_TARGET", "percent"),
        views.change(stocks, momentum),
    )
    scores = np.array([views.z(figure, window) for figure in figures])
    shares = np.array(list(SHARES.values()))[:, None]
    missing = np.isnan(scores)
    few = (~missing).sum(axis=0) < least
    there = np.where(missing, 0.0, np.abs(shares)).sum(axis=0)
    appetite = np.where(few, np.nan, np.nansum(shares * scores, axis=0) / np.where(few, 1.0, there))
    told = dict(zip(SHARES, missing, strict=True))
    return views.decide(
        bars,
        {"IBOV": max_position, "USDBRL": -max_position, "DI_2Y": max_position},
        views.toward(appetite, threshold, strict=True),
        views.size_of(appetite),
        inputs={name: np.where(out & few, np.nan, 0.0) for name, out in told.items()},
        notes=[(f"{name} is missing or stale; the other figures count for it.", out) for name, out in told.items()],
        stop=(stop, take),
        outside=f"|R| is not above {threshold:g}.",
        score=appetite,
        raw=appetite,
    )
