"""CROSS_01: allocation by regimes of growth and inflation."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np

from engine import views
from engine.bars import Bars, Floats
from engine.panel import Causal
from engine.strategy import Decision, Need, Range, strategy

LEGS = ("IBOV", "DI_2Y", "USDBRL", "NTNB_2Y")
# Growth above its mean or not, inflation above its mean or not: what each leg does.
REGIMES = {
    (True, False): (1, 1, -1, 1),  # Goldilocks
    (True, True): (1, -1, -1, 1),  # reflation
    (False, True): (-1, -1, 1, 0),  # stagflation
    (False, False): (0, 1, -1, 1),  # deflation
}


@strategy(
    id="CROSS_01",
    family="CROSS_ASSET",
    source="Ilmanen, Maloney and Ross (2014), Exploring macroeconomic sensitivities, "
    "Journal of Portfolio Management 40(3)",
    dataset="macro_synthetic",
    legs=LEGS,
    series=(Need("IBC_BR", "index"), Need("IPCA_12M", "percent")),
    defaults={"max_holding_bars": 21, "max_leverage": 4.0},
)
def cross_01(
    bars: Bars,
    window: Annotated[int, Range(12, 240), "Months of the z-scores of growth and inflation."] = 60,
    confirmations: Annotated[int, Range(1, 12), "Monthly readings in a row that make a new regime."] = 2,
    threshold: Annotated[float, Range(0.0, 5.0), "The larger |z| from which there is a position."] = 0.5,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.03,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.05,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Hold the assets that the present regime of growth and inflation has been kind to, sell those it has not.

    g = z of the change of IBC_BR (index) over 12 months, p = z of IPCA_12M (percent), over 60 months each. A reading is
    taken at each first publication of a month of IBC_BR, with the inflation known at that moment; a regime begins with
    the second reading in a row that says so. IBOV, DI_2Y, USDBRL, NTNB_2Y are in Goldilocks (g > 0, p <= 0) + + - +, in
    reflation (g > 0, p > 0) + - - +, in stagflation (g <= 0, p > 0) - - + 0, in deflation (g <= 0, p <= 0) 0 + - +.

    There is a position while max(|g|, |p|) >= 0.5. Each weight is tanh(max(|g|, |p|) / 2) times the largest weight,
    taken at the entry or when the regime changes. Score: max(|g|, |p|). Raw: the regime, 0 to 3 in the order above.

    All legs end at the first close at which together they have lost 3 % or gained 5 % of what is in the largest
    one, and stay flat until the direction or the regime changes.
    """
    growth = bars.derived("IBC_BR", _growth_score(window), "index")
    inflation = bars.derived("IPCA_12M", views.zscore_of(window), "percent")
    regime = _regime(bars, window, confirmations)
    score = np.maximum(np.abs(growth), np.abs(inflation))
    parts = [
        views.decide(
            bars,
            {leg: max_position * way for leg, way in zip(LEGS, ways, strict=True)},
            np.where((regime == number) & (score >= threshold), 1.0, 0.0 * (regime + score)),
            views.size_of(score),
            inputs={
                "IBC_BR, or its history,": growth,
                "IPCA_12M, or its history,": inflation,
                f"A regime of IBC_BR and IPCA_12M with {confirmations} readings": regime,
            },
            stop=(stop, take),
            outside=f"Growth and inflation are within {threshold:g} standard deviations.",
            score=score,
            raw=regime,
        )
        for number, ways in enumerate(REGIMES.values())
    ]
    weights = np.sum([part.weights for part in parts], axis=0)
    reasons = {
        text: (np.any if text == views.ENDED else np.all)([part.reasons[text] for part in parts], axis=0)
        for text in parts[0].reasons
    }
    return replace(parts[0], weights=weights, reasons=reasons)


def _growth_score(window: int) -> Causal:
    return lambda values: views.z(views.year_on_year(values), window)


def _regime(bars: Bars, window: int, confirmations: int) -> Floats:
    """The number of the confirmed regime in REGIMES; NaN before the first one and when activity is stale. [T]"""
    if not {"IBC_BR", "IPCA_12M"} <= set(bars.panel.series):
        return np.full(len(bars), np.nan)
    activity = bars.panel.get("IBC_BR", "index")
    first = views.first_vintages(activity)
    moments = views.published(first)
    growth = activity.derived(moments, _growth_score(window))
    inflation = bars.panel.get("IPCA_12M", "percent").derived(moments, views.zscore_of(window))
    numbers = {quadrant: float(number) for number, quadrant in enumerate(REGIMES)}
    readings = [
        numbers[g > 0.0, p > 0.0] if np.isfinite(g + p) else np.nan for g, p in zip(growth, inflation, strict=True)
    ]
    return views.with_values(first, _confirmed(readings, confirmations)).at(bars.decided)


def _confirmed(readings: list[float], confirmations: int) -> Floats:
    """The last reading that came so many times in a row; NaN before one did. A reading that is NaN ends a row."""
    found, present, last, row = np.full(len(readings), np.nan), np.nan, np.nan, 0
    for at, reading in enumerate(readings):
        row = row + 1 if reading == last else int(np.isfinite(reading))
        last = reading
        if row >= confirmations:
            present = reading
        found[at] = present
    return found
