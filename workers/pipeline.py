"""The way of a job through a worker: load, decide, simulate, measure, pack. A new kind of job is one more runner."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from app.canonical import canonical_json
from app.contracts import load_bars
from app.dataset import Dataset
from app.jobs import Claim
from app.store import Output
from app.store.signals import Spoken
from app.wiring import Services
from engine import Config, backtest
from engine.backtesting import Result
from engine.figures import Report
from engine.trades import EXIT_REASONS
from workers.fetching import run_fetch
from workers.signalling import run_signals
from workers.verifying import require_honest, run_verify
from workers.versions import load

Artifacts: TypeAlias = "dict[str, bytes]"
# The document, large parts by name, and signals where the job is about them.
Made: TypeAlias = "tuple[dict[str, Any], Artifacts] | tuple[dict[str, Any], Artifacts, Spoken]"

_TIME = pa.timestamp("ms", tz="UTC")


def run(claim: Claim, services: Services, report: Report) -> Output:
    """Run a claimed job. Raises QueuantError for what the job's owner should read, and whatever `report` raises."""
    started = time.perf_counter()
    document, artifacts, *spoken = RUNNERS[claim.kind](claim, services, report)
    report(1, 1, "store")
    seconds = time.perf_counter() - started
    return Output(document, document["provenance"]["result_hash"], artifacts, seconds * 1000, *spoken)


def run_backtest(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], Artifacts]:
    """One strategy over one dataset: the result's document, and its equity curve and trades as Parquet."""
    request = claim.request
    report(0, 1, "load")
    bars, bound = load(request, services)
    benchmark = None
    if request["benchmark"]:
        benchmark = load_bars({**request, "symbols": [request["benchmark"]]}, services.catalog)
    result = backtest(bars, bound, Config(**request["config"]), benchmark=benchmark, report=report)
    verdict = require_honest(services, request, bars, bound, result.decision, report)
    document = {
        "request": dict(request),
        "conventions": result.conventions,
        "provenance": _provenance(claim, services.catalog.get(request["dataset_id"]), result),
        "metrics": result.metrics,
        "monthly_returns": result.monthly_returns,
        "yearly_returns": result.yearly_returns,
        "top_drawdowns": result.top_drawdowns,
        "trades_summary": _trades_summary(result),
        "lookahead": verdict,
        "gaps": result.gaps,
        "warnings": list(result.warnings),
        "bars": len(bars),
    }
    return document, {"equity": _parquet(_equity(result)), "trades": _parquet(_trades(result))}


RUNNERS: Mapping[str, Callable[[Claim, Services, Report], Made]] = {
    "backtest": run_backtest,
    "fetch": run_fetch,
    "signals": run_signals,
    "verify": run_verify,
}


def _provenance(claim: Claim, dataset: Dataset, result: Result) -> dict[str, Any]:
    request, panel = claim.request, result.bars.panel
    return {
        "engine_version": request["engine_version"],
        "strategy_version": request["strategy_version"],
        "dataset_id": dataset.id,
        "dataset_version": dataset.version,
        "quality": result.bound.strategy.quality(panel, dataset.quality),
        "source": dataset.manifest["cite"],
        "licence": dataset.manifest["licence"],
        "seed": request["seed"],
        "request_hash": claim.request_hash,
        "result_hash": _result_hash(result),
    }


def _result_hash(result: Result) -> str:
    """SHA-256 over the numbers themselves: equal runs have equal hashes on every machine and worker."""
    digest = hashlib.sha256(canonical_json(result.metrics))
    ledger = result.ledger
    for array in (result.bars.time, ledger.equity, ledger.cash, ledger.fills, result.trades):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _trades_summary(result: Result) -> dict[str, Any]:
    trades = result.trades
    reasons = np.bincount(trades["exit_reason"], minlength=len(EXIT_REASONS))
    return {
        "total": len(trades),
        "long": int((trades["side"] > 0).sum()),
        "short": int((trades["side"] < 0).sum()),
        "open": int((trades["exit_bar"] < 0).sum()),
        "fills": len(result.ledger.fills),
        "exit_reasons": {name: int(count) for name, count in zip(EXIT_REASONS, reasons, strict=True) if count},
    }


def _equity(result: Result) -> pa.Table:
    ledger, rolling = result.ledger, result.rolling()
    return pa.table(
        {
            "time": _times(result.bars.time),
            "value": ledger.equity,
            "drawdown": result.drawdown,
            "exposure": ledger.exposure,
            "cash": ledger.cash,
            "rolling_sharpe": rolling.sharpe,
            "rolling_volatility": rolling.volatility,
            "rolling_beta": rolling.beta,
        }
    )


def _trades(result: Result) -> pa.Table:
    trades, times = result.trades, result.bars.time
    closed = trades["exit_bar"] >= 0
    symbols = np.array(result.bars.symbols, dtype=object)
    plain = ("entry_price", "exit_price", "quantity", "pnl", "return", "costs", "bars_held", "mae", "mfe")
    return pa.table(
        {
            "symbol": pa.array(symbols[trades["symbol"]], pa.string()),
            "side": pa.array(np.where(trades["side"] > 0, "long", "short"), pa.string()),
            "entry_time": _times(times[trades["entry_bar"]]),
            "exit_time": _times(times[trades["exit_bar"]], missing=~closed),
            **{name: trades[name].copy() for name in plain},
            "exit_reason": pa.array(np.array(EXIT_REASONS, dtype=object)[trades["exit_reason"]], pa.string()),
        }
    )


def _times(values: Any, missing: Any = None) -> pa.Array:
    return pa.array(values, mask=missing).cast(pa.timestamp("ms")).cast(_TIME)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())
