"""RATES_04: term premium of the DI curve."""

from __future__ import annotations

from typing import Annotated, Any

from engine import views
from engine.bars import Bars
from engine.strategy import Decision, Need, Range, strategy

YEARS = 2.0
PATH = ("FOCUS_SELIC_Y0", "FOCUS_SELIC_Y1", "FOCUS_SELIC_Y2")


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="RATES_04",
    lookback=first_score,
    family="RATES_BR",
    source="Kim and Orphanides (2012), Term Structure Estimation with Survey Data on Interest Rate Forecasts, "
    "Journal of Financial and Quantitative Analysis 47(1)",
    dataset="macro_synthetic",
    legs=("DI_2Y",),
    series=(Need("DI_2Y", "percent"), *(Need(key, "percent") for key in PATH)),
    defaults={"max_holding_bars": 28, "stop_loss": 0.015, "take_profit": 0.025},
)
def rates_04(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 504,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 1.5,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Receive the two-year rate when it pays unusually much more than the Selic that is expected, pay it when little.

    TP = DI_2Y - the mean of the expected Selic over two years: with f the part of its calendar year that was left on
    the day of the survey, (f Y0 + Y1 + (1 - f) Y2) / 2. z of TP over 504 days: z >= 1.5 is LONG DI_2Y (receive),
    z <= -1.5 SHORT (pay). The size is tanh(|z| / 2) times the largest weight, taken at the entry.

    Inputs: DI_2Y, and FOCUS_SELIC_Y0, _Y1 and _Y2, the Selic expected on average in the calendar year of the survey and
    in the next two, in percent. Score: z. Raw: TP, percent.
    """
    rate = bars.known("DI_2Y", "percent")
    path = {key: bars.known(key, "percent") for key in PATH}
    left = views.rest_of_year(bars, PATH[0])
    this, following, last = path.values()
    premium = rate - (left * this + following + (YEARS - 1.0 - left) * last) / YEARS
    score = views.z(premium, window)
    return views.decide(
        bars,
        {"DI_2Y": max_position},
        views.toward(score, threshold),
        views.size_of(score),
        inputs={"DI_2Y": rate, **path},
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=premium,
    )
