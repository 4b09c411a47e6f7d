"""CUPOM_01: the basis of covered interest parity."""

from __future__ import annotations

from typing import Annotated, Any

from engine import views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy

# The dollar rate is linear over actual days, a year of them here; the DI compounds over its 252 business days.
YEAR = 360.0 / 365.0


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="CUPOM_01",
    lookback=first_score,
    family="CUPOM",
    source="Du, Tepper and Verdelhan (2018), Deviations from covered interest rate parity, Journal of Finance 73(3)",
    dataset="macro_synthetic",
    legs=("CUPOM_1Y", "UST_1Y"),
    series=(
        Need("UST_1Y", "percent"),
        Need("DI_1Y", "percent", optional=True),
        Need("USDBRL", "price", optional=True),
        Need("USDBRL_FWD_1Y", "price", optional=True),
        Need("CUPOM_1Y", "percent", optional=True),
    ),
    defaults={"max_holding_bars": 63, "max_leverage": 2.0},
)
def cupom_01(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 252,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 2.0,
    stop: Annotated[float, Range(0.001, 1.0), "Loss that ends all legs, as a part of the largest one."] = 0.03,
    take: Annotated[float, Range(0.001, 1.0), "Gain that ends all legs, as a part of the largest one."] = 0.06,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight of a leg."] = 1.0,
) -> Decision:
    """Receive the onshore dollar rate against Treasuries when it is unusually high, pay it when unusually low.

    cupom = ((1 + DI_1Y) USDBRL / USDBRL_FWD_1Y - 1) 360 / 365, in percent, of the two prices in reais a
    dollar; where the dataset has no USDBRL_FWD_1Y it is CUPOM_1Y. basis = cupom - UST_1Y, in percent; z over 252 bars.

    z >= 2 is SHORT the basis (CUPOM_1Y long, UST_1Y short: it gains when the basis falls), z <= -2 LONG. The legs are
    DV01-neutral with durations 1 / (1 + y). The larger weight is tanh(|z| / 2) times the largest weight, taken at the
    entry. Score: z. Raw: the basis.

    Both legs end at the first close at which together they have lost 3 % or gained 6 % of what is in the larger
    one, and stay flat until the direction changes.
    """
    treasury = bars.known("UST_1Y", "percent")
    cupom, inputs = _cupom(bars)
    basis = cupom - treasury
    score = views.z(basis, window)
    durations = views.modified_duration(1.0, cupom), views.modified_duration(1.0, treasury)
    onshore, abroad = views.neutral(*durations, max_position)
    return views.decide(
        bars,
        {"CUPOM_1Y": -onshore, "UST_1Y": -abroad},
        -views.toward(score, threshold),
        views.size_of(score),
        inputs={**inputs, "UST_1Y": treasury},
        stop=(stop, take),
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=basis,
    )


def _cupom(bars: Bars) -> tuple[Floats, dict[str, Floats]]:
    """The onshore dollar rate in percent, and what it was made of."""
    if "USDBRL_FWD_1Y" not in bars.panel.series:
        quoted = bars.known("CUPOM_1Y", "percent")
        return quoted, {"CUPOM_1Y": quoted}
    rate, spot = bars.known("DI_1Y", "percent"), bars.known("USDBRL", "price")
    forward = bars.known("USDBRL_FWD_1Y", "price")
    implied: Floats = 100.0 * ((1.0 + rate / 100.0) * spot / forward - 1.0) * YEAR
    return implied, {"DI_1Y": rate, "USDBRL": spot, "USDBRL_FWD_1Y": forward}
