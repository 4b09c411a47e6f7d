"""The report of a comparison: figures of several results in columns, and their differences in pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.reports.parts import Section, Table

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "returns": ("final_equity", "total_return", "cagr", "sharpe", "psr", "sortino", "calmar", "omega"),
    "risk": ("annual_volatility", "max_drawdown", "max_drawdown_days", "var_95", "cvar_95", "worst_day", "skew"),
    "trading": ("total_trades", "win_rate", "profit_factor", "average_bars_held", "exposure", "turnover"),
    "costs": ("total_commission", "total_slippage", "total_borrow", "total_funding", "total_interest"),
}
_PAIR = ("p_value", "correlation", "drawdown_overlap", "bars")


def sections(found: Mapping[str, Any], names: Mapping[str, str]) -> list[Section]:
    """What `GET /backtest/comparison` answers, for people.

    Args:
        found: the answer.
        names: what each job is called.
    """
    told = [_figures(found, names), _pairs(found, names)]
    if found["missing"]:
        told.append(Section("missing", "Left out", tables=(Table.of("results", found["missing"]),)))
    return told


def _figures(found: Mapping[str, Any], names: Mapping[str, str]) -> Section:
    """A row for each result; what none of them has is left out."""
    if not found["rows"]:
        return Section("metrics", "Figures", nothing="None of them has a result.")
    known = [name for name in found["columns"] if any(row["metrics"][name] is not None for row in found["rows"])]
    grouped = {name for members in _GROUPS.values() for name in members}
    groups = {**_GROUPS, "others": tuple(name for name in known if name not in grouped)}
    tables = []
    for title, members in groups.items():
        if shown := [name for name in members if name in known]:
            rows = [
                {"result": names[row["job_id"]]} | {name: row["metrics"][name] for name in shown}
                for row in found["rows"]
            ]
            tables.append(Table.of(title, rows))
    return Section("metrics", "Figures", tables=tables)


def _pairs(found: Mapping[str, Any], names: Mapping[str, str]) -> Section:
    if not found["pairs"]:
        return Section("pairs", "In pairs", nothing="There are no two to compare.")
    rows = [
        {"a": names[pair["a"]], "b": names[pair["b"]]}
        | {"sharpe_difference": pair["sharpe_difference"], "interval": _interval(pair["interval"])}
        | {name: pair[name] for name in _PAIR}
        for pair in found["pairs"]
    ]
    note = "The difference is that of the annual Sharpe ratios, a less b, with its 95 % interval, on the days of both."
    return Section("pairs", "In pairs", notes=(note,), tables=(Table.of("pairs", rows),))


def _interval(ends: Any) -> str | None:
    return None if ends is None else f"{ends[0]:+.2f} to {ends[1]:+.2f}"
