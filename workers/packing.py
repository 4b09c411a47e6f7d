"""A run as it is stored: the document that clients read, and its large parts as Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from app.canonical import canonical_json
from app.dataset import Dataset
from app.jobs import Claim
from app.store.paper import Step
from app.store.signals import Spoken
from engine.backtesting import Outcome, Result
from engine.bars import Floats
from engine.overfit import Tally
from engine.signals import last_words
from engine.trades import EXIT_REASONS

_TIME = pa.timestamp("ms", tz="UTC")


class Made(NamedTuple):
    """What a run leaves: a document (a chunk has none), large parts by name, signals, the trials that it made, and a
    step of the paper book.
    """

    document: dict[str, Any] | None
    parts: dict[str, bytes]
    signals: Spoken | None = None
    trials: Tally | None = None
    book: Step | None = None


def document(claim: Claim, dataset: Dataset, result: Result, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """What every run over one dataset tells."""
    return {
        "request": dict(claim.request),
        "conventions": result.conventions,
        "provenance": provenance(claim, dataset, result),
        "lookahead": dict(verdict),
        **figures(result),
    }


def figures(result: Outcome) -> dict[str, Any]:
    """What every run tells of itself."""
    return {
        "metrics": result.metrics,
        "monthly_returns": result.monthly_returns,
        "yearly_returns": result.yearly_returns,
        "top_drawdowns": result.top_drawdowns,
        "trades_summary": _trades_summary(result),
        "gaps": result.gaps,
        "warnings": list(result.warnings),
        "bars": len(result.bars),
    }


def parts(result: Outcome) -> dict[str, bytes]:
    """The large parts of a run: its equity curve and its trades."""
    return {"equity": parquet(_equity(result)), "trades": parquet(_trades(result))}


def positions(result: Outcome) -> bytes:
    """A row for each bar and symbol at whose close the account held other units than at the one before."""
    held, equity = result.ledger.positions, result.ledger.equity
    rows, columns = np.nonzero(np.diff(held, axis=0, prepend=0.0))
    units, prices = held[rows, columns], last_words(result.bars.close)[rows, columns]
    names = np.array(result.bars.symbols, dtype=object)
    return parquet(
        pa.table(
            {
                "time": stamps(result.bars.time[rows]),
                "symbol": pa.array(names[columns], pa.string()),
                "quantity": units,
                "weight": np.divide(units * prices, equity[rows], out=np.zeros(len(rows)), where=equity[rows] > 0.0),
            }
        )
    )


def provenance(claim: Claim, dataset: Dataset, result: Result) -> dict[str, Any]:
    """Code, data and seed that made a result."""
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
        "result_hash": result_hash(result),
    }


def result_hash(result: Outcome, *more: Floats) -> str:
    """SHA-256 over the numbers themselves: equal runs have equal hashes on every machine and worker."""
    digest = hashlib.sha256(canonical_json(result.metrics))
    ledger = result.ledger
    for array in (result.bars.time, ledger.equity, ledger.cash, ledger.fills, result.trades, *more):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _trades_summary(result: Outcome) -> dict[str, Any]:
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


def _equity(result: Outcome) -> pa.Table:
    ledger, rolling = result.ledger, result.rolling()
    return pa.table(
        {
            "time": stamps(result.bars.time),
            "value": ledger.equity,
            "drawdown": result.drawdown,
            "exposure": ledger.exposure,
            "cash": ledger.cash,
            "rolling_sharpe": rolling.sharpe,
            "rolling_volatility": rolling.volatility,
            "rolling_beta": rolling.beta,
        }
    )


def _trades(result: Outcome) -> pa.Table:
    trades, times = result.trades, result.bars.time
    closed = trades["exit_bar"] >= 0
    symbols = np.array(result.bars.symbols, dtype=object)
    plain = ("entry_price", "exit_price", "quantity", "pnl", "return", "costs", "bars_held", "mae", "mfe")
    return pa.table(
        {
            "symbol": pa.array(symbols[trades["symbol"]], pa.string()),
            "side": pa.array(np.where(trades["side"] > 0, "long", "short"), pa.string()),
            "entry_time": stamps(times[trades["entry_bar"]]),
            "exit_time": stamps(times[trades["exit_bar"]], missing=~closed),
            **{name: trades[name].copy() for name in plain},
            "exit_reason": pa.array(np.array(EXIT_REASONS, dtype=object)[trades["exit_reason"]], pa.string()),
        }
    )


def stamps(values: Any, missing: Any = None) -> pa.Array:
    """Times of bars as Parquet keeps them."""
    return pa.array(values, mask=missing).cast(pa.timestamp("ms")).cast(_TIME)


def parquet(table: pa.Table) -> bytes:
    """The table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())
