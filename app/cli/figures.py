"""Metrics as a table: the same rows for one result or for several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.cli.common import plain_table

_PERCENT = "percent"
_NUMBER = "number"
_COUNT = "count"
_MONEY = "money"
_FORMS = {_PERCENT: "{:,.2%}", _NUMBER: "{:,.2f}", _COUNT: "{:,.0f}", _MONEY: "{:,.2f}"}
_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDE = 32
# name -> what it is called, how it is written (as in reports and on the screen); the others are in `--json`.
SHOWN: Mapping[str, tuple[str, str]] = {
    "final_equity": ("Final equity", _MONEY),
    "total_return": ("Total return", _PERCENT),
    "cagr": ("CAGR", _PERCENT),
    "annual_volatility": ("Annual volatility", _PERCENT),
    "sharpe": ("Sharpe", _NUMBER),
    "psr": ("PSR", _PERCENT),
    "sortino": ("Sortino", _NUMBER),
    "calmar": ("Calmar", _NUMBER),
    "max_drawdown": ("Max drawdown", _PERCENT),
    "max_drawdown_days": ("Max drawdown days", _COUNT),
    "total_trades": ("Total trades", _COUNT),
    "win_rate": ("Win rate", _PERCENT),
    "profit_factor": ("Profit factor", _NUMBER),
    "exposure": ("Exposure", _PERCENT),
    "total_commission": ("Total commission", _MONEY),
}


def metrics_table(results: Sequence[Mapping[str, Any]]) -> Any:
    """A column for each result: what ran, on which data from where, filled how, and the figures."""
    table = plain_table("", *[str(result["request"].get("strategy_id", "portfolio")) for result in results])
    for label, read in _FACTS.items():
        table.add_row(label, *[read(result) for result in results])
    table.add_row("Equity", *[sparkline(result.get("equity", {}).get("value", ())) for result in results])
    table.add_section()
    for name, (label, kind) in SHOWN.items():
        table.add_row(label, *[written(result["metrics"].get(name), kind) for result in results])
    return table


def sparkline(values: Sequence[float | None], width: int = _WIDE) -> str:
    """A curve as a row of blocks, between its least and its largest value."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or min(known) == max(known):
        return _BLOCKS[0] * width if known else ""
    low, high = min(known), max(known)
    at = (known[round(step * (len(known) - 1) / (width - 1))] for step in range(width))
    return "".join(_BLOCKS[int((value - low) / (high - low) * (len(_BLOCKS) - 1) + 0.5)] for value in at)


def paths_table(found: Mapping[str, Any]) -> Any:
    """The figures of a Monte Carlo: quantiles over the paths, and where the run stands among them."""
    table = plain_table(f"{found['paths']:,} paths: {found['method']}", "5%", "25%", "50%", "75%", "95%", "run", "rank")
    for name, figure in found["figures"].items():
        label, kind = SHOWN[name]
        shown = (figure[key] for key in ("p05", "p25", "p50", "p75", "p95", "observed"))
        rank = written(figure["percentile_of_observed"], _PERCENT)
        table.add_row(label, *(written(value, kind) for value in shown), rank)
    return table


def written(value: float | int | None, kind: str = _NUMBER) -> str:
    """A figure for people; what is undefined is a dash."""
    return "-" if value is None else _FORMS[kind].format(value)


def sleeves_table(sleeves: Sequence[Mapping[str, Any]]) -> Any:
    """A row for each strategy of a portfolio: its part of the account, and what it made of the whole."""
    table = plain_table("", "Share on average", "Contribution", "Of the risk", "Sharpe alone")
    for item in sleeves:
        parts = [written(item[name], _PERCENT) for name in ("average_weight", "contribution", "risk_contribution")]
        table.add_row(item["name"], *parts, written(item["metrics"]["sharpe"]))
    return table


def _on(result: Mapping[str, Any]) -> str:
    if "sleeves" in result["request"]:
        return ", ".join(result["provenance"]["datasets"])
    return f"{', '.join(result['request']['symbols'])} of {result['request']['dataset_id']}"


def _parameters(result: Mapping[str, Any]) -> str:
    if "mandate" in result["request"]:
        return " ".join(f"{name}={value}" for name, value in result["request"]["mandate"].items() if value is not None)
    return " ".join(f"{name}={value}" for name, value in result["request"]["params"].items()) or "none"


def _source(result: Mapping[str, Any]) -> str:
    source = str(result["provenance"]["source"]).removeprefix("Source: ")
    return f"{source} ({result['provenance']['quality']})"


def _costs(result: Mapping[str, Any]) -> str:
    config = result["request"]["config"]
    commission = "by cost_table" if config.get("cost_table") is not None else f"{config.get('commission_bps', 0):g} bps"
    return f"commission {commission}, slippage {config.get('slippage_bps', 0):g} bps"


_FACTS = {
    "On": _on,
    "Parameters": _parameters,
    "Period": lambda result: f"{result['request']['start_date']} to {result['request']['end_date']}",
    "Source": _source,
    "Fill": lambda result: str(result["conventions"]["fill"]),
    "Costs": _costs,
}
