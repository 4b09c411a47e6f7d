"""A portfolio as a job: several strategies on one account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from app.jobs import Claim
from app.portfolios import benchmark_bars, dataset_name
from app.wiring import Services
from engine import Config
from engine.errors import QueuantError
from engine.figures import Report
from engine.panel import QUALITIES
from engine.portfolio.book import PortfolioResult, Sleeve, portfolio
from engine.portfolio.mandate import Mandate
from engine.tables import said_all
from workers import packing
from workers.verifying import require_honest
from workers.versions import load

# Rows of shares that a document holds; a book that is split more often tells all of them in its file.
MOST_ROWS = 500


def run_portfolio(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The book's document, and its equity curve, trades, shares and sleeves as Parquet."""
    request = claim.request
    report(0, 1, "load")
    sleeves = [_sleeve(item, services) for item in request["sleeves"]]
    result = portfolio(
        sleeves,
        Mandate(**request["mandate"]),
        Config(**request["config"]),
        benchmark=benchmark_bars(request, services.catalog),
        report=report,
    )
    verdicts = [_verdict(services, item, result, place, report=report) for place, item in enumerate(request["sleeves"])]
    document = {
        "request": dict(request),
        "conventions": result.conventions,
        "provenance": _provenance(claim, services, result),
        "lookahead": _all_of(verdicts),
        **packing.figures(result),
        "portfolio": _portfolio(request["sleeves"], result, verdicts),
    }
    return document, packing.parts(result) | {
        "weights": packing.parquet(_shares(result)),
        "sleeves": packing.parquet(_sleeves(result)),
        "positions": packing.positions(result),
    }


def _sleeve(item: Mapping[str, Any], services: Services) -> Sleeve:
    bars, bound = load(item, services)
    config = Config(**item["config"])
    return Sleeve(item["name"], bars, bound, config, item["dataset_id"], item["dataset_version"], item["weight"])


def _verdict(
    services: Services, item: Mapping[str, Any], result: PortfolioResult, place: int, *, report: Report
) -> dict[str, Any]:
    sleeve, alone = result.sleeves[place], result.alone[place]
    try:
        return require_honest(services, item, sleeve.bars, sleeve.bound, alone.decision, report)
    except QueuantError as error:
        error.message = f"{sleeve.name}: {error.message}"
        raise


def _all_of(verdicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The verdict on a book; one of whose sleeves looks ahead has no result."""
    text = "The decisions of each sleeve stood when the future was taken away."
    return {"verdict": verdicts[0]["verdict"], "sentence": text, "leak": None}


def _provenance(claim: Claim, services: Services, result: PortfolioResult) -> dict[str, Any]:
    request = claim.request
    beside = [dataset_name(request["benchmark"])] if "benchmark" in request else []
    names = list(dict.fromkeys([*map(dataset_name, request["sleeves"]), *beside]))
    manifests = [services.catalog.get(name).manifest for name in names]
    qualities = [_quality(sleeve, services) for sleeve in result.sleeves]
    qualities += [services.catalog.get(name).quality for name in beside]
    return {
        "engine_version": request["engine_version"],
        "strategy_versions": {item["name"]: item["strategy_version"] for item in request["sleeves"]},
        "datasets": names,
        "quality": max(qualities, key=QUALITIES.index),
        "source": "; ".join(dict.fromkeys(str(manifest["cite"]) for manifest in manifests)),
        "licence": "; ".join(dict.fromkeys(str(manifest["licence"]) for manifest in manifests)),
        "seed": request["seed"],
        "request_hash": claim.request_hash,
        "result_hash": packing.result_hash(result, result.shares, result.gains),
    }


def _quality(sleeve: Sleeve, services: Services) -> str:
    own = services.catalog.get(f"{sleeve.dataset}@{sleeve.version}").quality
    return sleeve.bound.strategy.quality(sleeve.bars.panel, own)


def _portfolio(
    items: Sequence[Mapping[str, Any]], result: PortfolioResult, verdicts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    risks, attribution = result.risk_contributions, result.attribution
    return {
        "attribution": attribution,
        "correlation": result.correlation,
        "risk_contributions": risks,
        "diversification_ratio": result.diversification_ratio,
        "weights": _dated(result),
        "sleeves": [
            {name: item[name] for name in ("name", "strategy_id", "strategy_version", "params")}
            | {"dataset": f"{item['dataset_id']}@{item['dataset_version']}", "symbols": item["symbols"]}
            | {
                "average_weight": float(result.shares[:, place].mean()),
                "last_weight": float(result.shares[-1, place]),
                "contribution": attribution[item["name"]],
                "pnl": float(result.gains[:, place].sum()),
                "risk_contribution": risks[item["name"]],
                "metrics": result.alone[place].metrics,
                "lookahead": dict(verdicts[place]),
                "warnings": list(result.alone[place].warnings),
            }
            for place, item in enumerate(items)
        ],
    }


def _dated(result: PortfolioResult) -> dict[str, Any]:
    """The shares on the days on which they became others, evenly fewer where there are very many."""
    shares = result.shares
    changed = np.flatnonzero(np.append(True, (shares[1:] != shares[:-1]).any(axis=1)))
    rows = changed[np.linspace(0, len(changed) - 1, min(len(changed), MOST_ROWS)).astype(int)]
    return {
        "time": said_all(result.bars.time[rows]),
        "changes": len(changed) - 1,
        "sleeves": {name: shares[rows, place].tolist() for place, name in enumerate(result.names)},
    }


def _shares(result: PortfolioResult) -> pa.Table:
    """A row for each bar and sleeve."""
    return pa.table(_keys(result) | {"weight": result.shares.ravel()})


def _sleeves(result: PortfolioResult) -> pa.Table:
    """What each sleeve had contributed by each bar, and what it would have earned there alone."""
    return pa.table(_keys(result) | {"contribution": result.contributions.ravel(), "alone": result.returns.ravel()})


def _keys(result: PortfolioResult) -> dict[str, pa.Array]:
    total, size = result.shares.shape
    return {
        "time": packing.stamps(np.repeat(result.bars.time, size)),
        "sleeve": pa.array(list(result.names) * total, pa.string()),
    }
