"""SOV_02: Brazil's default swaps against those of its peers."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from engine import views
from engine.bars import Bars, Floats
from engine.strategy import Decision, Need, Range, strategy

HOME, SPREAD = "BR", "CDS_5Y"
FIGURES = ("DEBT_GDP", "CURRENT_ACCOUNT", "INFLATION", "GROWTH")


def first_score(*, window: int, **_: Any) -> int:
    return -(-window // 2)


@strategy(
    id="SOV_02",
    lookback=first_score,
    family="SOVEREIGN",
    source="Aizenman, Hutchison and Jinjarak (2013), What is the risk of European sovereign debt defaults?, "
    "Journal of International Money and Finance 34",
    dataset="macro_synthetic",
    legs=("CDS_5Y",),
    series=(Need(SPREAD, "bps", group=True), *(Need(name, "percent", group=True) for name in FIGURES)),
    defaults={"max_holding_bars": 28, "stop_loss": 0.2, "take_profit": 0.15},
)
def sov_02(
    bars: Bars,
    window: Annotated[int, Range(20, 1260), "Observations of the z-score."] = 252,
    least_peers: Annotated[int, Range(6, 50), "Peers that a fit needs, Brazil not among them."] = 6,
    threshold: Annotated[float, Range(0.1, 5.0), "|z| from which there is a position."] = 1.5,
    max_position: Annotated[float, Range(0.01, 1.0), "Largest weight."] = 1.0,
) -> Decision:
    """Sell Brazil's protection when it is unusually dear for its fundamentals among peers, buy it when unusually cheap.

    At each bar ordinary least squares of CDS_5Y (basis points) on a constant, DEBT_GDP, CURRENT_ACCOUNT, INFLATION and
    GROWTH (percent) over all peers of which all five are known then, at least 6 and without Brazil. The residual is
    Brazil's CDS_5Y less what the fit says for its figures, in basis points; z over 252 bars.

    z >= 1.5 is SHORT CDS_5Y (sell protection), z <= -1.5 LONG. The weight is tanh(|z| / 2) times the largest
    weight, taken at the entry. Score: z. Raw: the residual.
    """
    own = {f"{name}.{HOME}": _known(bars, name, [HOME])[:, 0] for name in (SPREAD, *FIGURES)}
    peers = [name for name in bars.panel.members(SPREAD) if name != HOME]
    spreads = _known(bars, SPREAD, peers)
    figures = np.stack([_known(bars, name, peers) for name in FIGURES], axis=2)
    whole = np.isfinite(spreads) & np.isfinite(figures).all(axis=2)
    few = whole.sum(axis=1) < least_peers
    home = np.stack([own[f"{name}.{HOME}"] for name in FIGURES], axis=1)
    fair = np.where(few, np.nan, _fitted(spreads, figures, whole, home))
    residual = own[f"{SPREAD}.{HOME}"] - fair
    score = views.z(residual, window)
    return views.decide(
        bars,
        {"CDS_5Y": max_position},
        -views.toward(score, threshold),
        views.size_of(score),
        inputs={
            **own,
            f"A panel of {least_peers} peers with {', '.join((SPREAD, *FIGURES))}": np.where(few, np.nan, 0.0),
        },
        outside=f"|z| is below {threshold:g}.",
        score=score,
        raw=residual,
    )


def _known(bars: Bars, key: str, members: list[str]) -> Floats:
    """A figure of each member at each bar. [T, members]"""
    unit = "bps" if key == SPREAD else "percent"
    return np.array([bars.known(f"{key}.{name}", unit) for name in members]).reshape(-1, len(bars)).T


def _fitted(spreads: Floats, figures: Floats, whole: NDArray[np.bool_], home: Floats) -> Floats:
    """What the fit over the members that are whole says for the home figures; NaN where they do not tell apart. [T]"""
    # A member that is not whole is a row of zeros, which has no part in least squares.
    design = np.where(whole[..., None], np.insert(figures, 0, 1.0, axis=2), 0.0)
    slopes = (np.linalg.pinv(design) * np.where(whole, spreads, 0.0)[:, None, :]).sum(axis=2)
    told = (np.insert(home, 0, 1.0, axis=1) * slopes).sum(axis=1)
    return np.where(np.linalg.matrix_rank(design) == design.shape[2], told, np.nan)
