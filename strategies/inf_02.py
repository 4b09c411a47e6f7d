"""INF_02: surprises of the monthly inflation figure."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from engine import views
from engine.bars import Bars, Floats, Times
from engine.strategy import Decision, Need, Range, strategy

CALENDAR, FIGURE, SURVEY, EARLY = "IBGE_IPCA", "IPCA_MOM", "FOCUS_IPCA_MONTHLY", "IPCA15_MOM"


@strategy(
    id="INF_02",
    family="INFLATION",
    source="Balduzzi, Elton and Green (2001), Economic news and bond prices, "
    "Journal of Financial and Quantitative Analysis 36(4)",
    dataset="macro_synthetic",
    legs=("NTNB_2Y", "DI_2Y"),
    series=(
        Need(EARLY, "percent", optional=True),
        Need(FIGURE, "percent"),
        Need(SURVEY, "percent"),
        Need("NTNB_2Y", "percent"),
        Need("DI_2Y", "percent"),
    ),
    calendars=(CALENDAR,),
    defaults={"max_holding_bars": 14, "max_leverage": 2.0},
)
def inf_02(
    bars: Bars,
    before: Annotated[int, Range(0, 15), "Weekdays before a release from which there may be a position."] = 3,
    after: Annotated[int, Range(0, 15), "Weekdays after a release up to which there may be one."] = 2,
    years: Annotated[int, Range(1, 20), "Years of the same month that stand in for the IPCA-15."] = 5,
    window: Annotated[int, Range(4, 240), "Past surprises whose spread is the unit of the score."] = 60,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 1.0,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.015,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.025,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Own breakeven inflation before a monthly figure that should come above the survey, sell it before one below.

    From 3 weekdays before a release of IBGE_IPCA to 2 after it: the model of the month that is released is its own
    IPCA15_MOM, and without one the mean of IPCA_MOM of the same month in each of the 5 years before. z = (model -
    FOCUS_IPCA_MONTHLY for that month) / sd, in percent a month; sd (ddof 1) is that of the last 60 surprises, at least
    half of them there: IPCA_MOM as first published less the last survey before it.

    z >= 1 is LONG breakeven (NTNB_2Y long, DI_2Y short), z <= -1 SHORT. The legs are DV01-neutral with durations
    2 / (1 + y). The larger weight is tanh(|z| / 2) times the largest weight, taken at the entry.
    Score: z. Raw: model - survey, percent a month.

    Both legs end at the first close at which together they have lost 1.5 % or gained 2.5 % of what is in the larger
    one, and stay flat until the direction changes.
    """
    month = _released(bars, before, after)
    model, survey = _model(bars, month, years), bars.about(SURVEY, _day(month, 1), "percent")
    spread = _spread(bars, window)
    score = (model - survey) / spread
    real, nominal = bars.known("NTNB_2Y", "percent"), bars.known("DI_2Y", "percent")
    durations = views.modified_duration(2.0, real), views.modified_duration(2.0, nominal)
    linked, plain = views.neutral(*durations, max_position)
    near = ~np.isnat(month)
    return views.decide(
        bars,
        {"NTNB_2Y": linked, "DI_2Y": plain},
        np.where(near, views.toward(score, threshold), 0.0),
        np.where(near, views.size_of(score), 0.0),
        inputs={
            f"The calendar {CALENDAR}": views.has_calendar(bars, CALENDAR),
            "NTNB_2Y": real,
            "DI_2Y": nominal,
            f"{SURVEY} of the month": np.where(near, survey, 0.0),
            f"{EARLY} of the month, and {FIGURE} of the same month in {years} years before it,": np.where(
                near, model, 0.0
            ),
            f"The spread of past surprises ({FIGURE} less {SURVEY})": spread,
        },
        reasons=[(f"No release of {CALENDAR} is near.", ~near)],
        stop=(stop, take),
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=model - survey,
    )


def _released(bars: Bars, before: int, after: int) -> Times:
    """The month whose figure is about to be released or just was, NaT when none is. [T]"""
    month = np.full(len(bars), np.datetime64("NaT"), dtype="datetime64[M]")
    if CALENDAR in bars.panel.calendars:
        calendar = bars.panel.calendar(CALENDAR)
        reference = calendar.date if calendar.reference is None else calendar.reference
        event = bars.near(CALENDAR, before=before, after=after)
        month[event >= 0] = reference[event[event >= 0]].astype("datetime64[M]")
    return month


def _day(month: Times, day: int) -> Times:
    """A day of each month; day 0 is the last one of the month before."""
    return (month.astype("datetime64[D]") + (day - 1)).astype("datetime64[ns]")


def _model(bars: Bars, month: Times, years: int) -> Floats:
    """What the month's figure should be, in percent. [T]"""
    early = bars.about(EARLY, _day(month, 15), "percent")
    same = [bars.about(FIGURE, _day(month - 12 * year + 1, 0), "percent") for year in range(1, years + 1)]
    return np.where(np.isnan(early), np.mean(same, axis=0), early)


def _spread(bars: Bars, window: int) -> Floats:
    """Standard deviation of the surprises known by each bar, in percent. [T]"""
    if not {FIGURE, SURVEY} <= set(bars.panel.series):
        return np.full(len(bars), np.nan)
    figure = views.first_vintages(bars.panel.get(FIGURE, "percent"))
    moments = views.published(figure) - np.timedelta64(1, "ns")
    month = figure.observed.astype("datetime64[M]").astype("datetime64[ns]")
    surprise = figure.value - bars.panel.get(SURVEY, "percent").about(moments, month)

    def spread(values: Floats) -> Floats:
        parts = [values[max(0, stop - window) : stop] for stop in range(1, len(values) + 1)]
        least = max(2, -(-window // 2))
        found = np.array([part.std(ddof=1) if len(part) >= least else np.nan for part in parts], dtype=np.float64)
        return np.where(found > 0.0, found, np.nan)

    return views.with_values(figure, surprise).derived(bars.decided, spread)
