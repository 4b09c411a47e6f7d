"""Make `allocations.json`: shares that skfolio and PyPortfolioOpt find for stocks over several stretches of time.

    python -m venv peers && peers/bin/pip install "skfolio==1.12.2" "pyportfolioopt==1.6.0" pyarrow
    peers/bin/python tests/golden/make_allocations.py

Data: returns of the adjusted closes in `stocks.parquet`, of the stocks that have them over the whole stretch. Both take
the sample covariance (ddof 1) and the arithmetic mean; the risk-free rate is 0 and shares are long only.

- skfolio: `InverseVolatility`; `RiskBudgeting` of the variance; `MeanRisk` that minimises the variance, or maximises
  the ratio to the deviation. Clarabel solves them, to tolerances that are tightened here.
- PyPortfolioOpt: `EfficientFrontier.min_volatility` and `max_sharpe`, and `HRPOpt` with its default of single linkage.
  skfolio's HRP orders the leaves in another way (optimal leaf ordering), so it is not a peer of ours.

The largest ratio is left out where no shares have a positive mean: both refuse that.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pypfopt
import skfolio
from pypfopt import EfficientFrontier, HRPOpt
from skfolio import RiskMeasure
from skfolio.optimization import InverseVolatility, MeanRisk, ObjectiveFunction, RiskBudgeting

HERE = Path(__file__).parent
STRETCHES = (("2000-01-03", 252), ("2004-09-01", 126), ("2008-06-02", 126), ("2009-03-02", 63), ("2012-06-01", 126))
CAPS = (1.0, 0.4)
EXACT = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}


def gains(returns: np.ndarray, cap: float) -> bool:
    """Whether some shares within the cap have a positive mean: those of the highest means, one after another."""
    best = np.sort(returns.mean(axis=0))[::-1]
    shares = np.clip(1.0 - cap * np.arange(len(best)), 0.0, cap)
    return bool((best * shares).sum() > 0.0)


def by_skfolio(returns: np.ndarray, cap: float) -> dict[str, list[float]]:
    common = {"solver": "CLARABEL", "solver_params": EXACT, "scale_objective": 1e3}
    bounded = common | {"min_weights": 0.0, "max_weights": cap, "risk_measure": RiskMeasure.VARIANCE}
    models = {
        "min_variance": MeanRisk(objective_function=ObjectiveFunction.MINIMIZE_RISK, **bounded),
        "max_sharpe": MeanRisk(
            objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
            **bounded | {"risk_measure": RiskMeasure.STANDARD_DEVIATION},
        ),
    }
    if not gains(returns, cap):
        del models["max_sharpe"]
    if cap == 1.0:
        models["inverse_volatility"] = InverseVolatility()
        models["risk_parity"] = RiskBudgeting(risk_measure=RiskMeasure.VARIANCE, **common)
    return {name: model.fit(returns).weights_.tolist() for name, model in models.items()}


def by_pypfopt(returns: np.ndarray, cap: float) -> dict[str, list[float]]:
    frame = pd.DataFrame(returns)
    solver = {"solver": "CLARABEL", "solver_options": EXACT, "weight_bounds": (0.0, cap)}
    found = {}
    for name, solve in (("min_variance", "min_volatility"), ("max_sharpe", "max_sharpe")):
        if name == "max_sharpe" and not gains(returns, cap):
            continue
        frontier = EfficientFrontier(frame.mean(), frame.cov(), **solver)
        options = {} if solve == "min_volatility" else {"risk_free_rate": 0.0}
        getattr(frontier, solve)(**options)
        found[name] = frontier.weights.tolist()
    if cap == 1.0:
        shares = HRPOpt(frame).optimize()
        found["hrp"] = [shares[column] for column in frame.columns]
    return found


if __name__ == "__main__":
    wide = pd.read_parquet(HERE / "stocks.parquet").pivot(index="date", columns="ticker", values="adjusted")
    wide.index = pd.DatetimeIndex(wide.index)
    cases = []
    for start, sessions in STRETCHES:
        closes = wide.loc[start:].iloc[: sessions + 1].dropna(axis=1)
        returns = closes.pct_change(fill_method=None).iloc[1:].to_numpy(dtype=float)
        for cap in CAPS:
            case = {"start": start, "sessions": sessions, "symbols": closes.columns.to_list(), "cap": cap}
            cases.append(case | {"skfolio": by_skfolio(returns, cap), "pypfopt": by_pypfopt(returns, cap)})
    found = {"source": f"skfolio {skfolio.__version__}, PyPortfolioOpt {pypfopt.__version__}", "cases": cases}
    (HERE / "allocations.json").write_text(json.dumps(found).replace('{"start"', '\n {"start"') + "\n")
