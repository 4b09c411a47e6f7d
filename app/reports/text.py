"""A report for people: names as words, figures in their units, and Markdown of all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import engine.metrics  # noqa: F401  (fills the registry)
from engine.figures import METRICS

ABSENT = "–"
# How a figure is written, by its name; others by the end of their name, or as what they are.
_PERCENT = {"pnl_return", "drawdown", "gross_exposure", "net_exposure", "weight", "contribution", "return", "depth"}
_PERCENT |= {"average_weight", "last_weight", "risk_contribution", "percentile_of_observed"}
_PERCENT |= {"var_fraction", "cvar_fraction", "utilisation"}
_PERCENT |= {m.name for m in METRICS.values() if m.unit == "fraction"}
_MONEY = {"equity", "cash", "capital", "pnl", "value", "commission", "slippage"}
_MONEY |= {m.name for m in METRICS.values() if m.unit == "money"}
_FORMATS: Mapping[str, str] = {
    **dict.fromkeys(_PERCENT, "{:.2%}"),
    **dict.fromkeys(_MONEY, "{:,.2f}"),
    **dict.fromkeys(("quantity", "price"), "{:,.4f}"),
    "conviction": "{:+.2f}",
}
# Words that are no words.
_SHORT = {"pnl": "P&L", "var": "VaR", "cvar": "CVaR", "cagr": "CAGR", "psr": "PSR", "pbo": "PBO", "spa": "SPA"}
_SHORT |= {"sharpe": "Sharpe", "walkforward": "walk forward", "montecarlo": "Monte Carlo"}
# Columns of figures that stand under `name`.
_OF_ROW = {"figure", "mean", "std", "p05", "p25", "p50", "p75", "p95", "observed"}
# Of amounts with a sign, the sign of a gain too.
_SIGNED = {"pnl", "pnl_return", "contribution"}


def words(name: str) -> str:
    """A name as a heading, without its unit: `wait_p95_seconds` is `Wait p95`."""
    told = re.sub(r"_(seconds|fraction|at|id)$", "", plain(name)).replace("_", " ")
    told = re.sub(r"[a-z]+", lambda found: _SHORT.get(found[0], found[0]), told)
    return f"{told[:1].upper()}{told[1:]}"


def written(name: str, value: Any) -> str:
    """A value under its name. Characters that are no text (of a terminal's commands, say) are told as `?`."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(name, value)
    text = str(value)
    if moment := re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(\.\d+)?Z", text):
        return moment[1] if text[11:19] == "00:00:00" else f"{moment[1]} {moment[2]}"
    return plain(text)


def cell(row: Mapping[str, Any], column: str) -> str:
    """A value of a table; a `figure` is one of what stands under `name`, and so are quantiles."""
    return written(str(row["name"]) if column in _OF_ROW and "name" in row else column, row[column])


def heading(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    """What stands above a column; what names a row too (of correlations, say) is told as it is there."""
    return plain(column) if any(row.get("name") == column for row in rows) else words(column)


def numeric(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """The columns in which nothing but numbers stand, and dashes for those that are not known."""
    return {name for name in rows[0] if all(isinstance(row[name], int | float | None) for row in rows)}


def months(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[dict[str, str]]]]:
    """Monthly returns as a row for each year, newest first: twelve cells, each with its text and how strong it is."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        year, month = str(row["month"]).split("-")
        cells = found.setdefault(year, [{"text": "", "tone": ""} for _ in range(12)])
        cells[int(month) - 1] = {"text": written("return", row["return"]), "tone": _tone(row["return"])}
    return sorted(found.items(), reverse=True)


def _tone(value: float | None) -> str:
    """`gain1` to `gain3` and `loss1` to `loss3`: below 1 %, below 4 %, above."""
    if not value:
        return ""
    size = sum(abs(value) >= bound for bound in (0.0, 0.01, 0.04))
    return f"{'gain' if value > 0 else 'loss'}{size}"


def plain(text: str) -> str:
    """The text without characters that are none."""
    return "".join(char if char.isprintable() else "?" for char in text)


def period(report: Mapping[str, Any]) -> str:
    """Which hours it tells."""
    start, end = (str(report[name])[:16].replace("T", " ") for name in ("start_at", "end_at"))
    return f"{start} to {end} UTC"


def standing_on(section: Mapping[str, Any]) -> str | None:
    """What the figures of a section stand on; None where that is no market data."""
    quality = section["quality"]
    return None if quality is None else f"The market data are {quality}."


def cut(table: Mapping[str, Any]) -> str | None:
    """How many rows are not told; None where all are."""
    left = table["total"] - len(table["rows"])
    return f"{left:,} more are not shown." if left else None


def markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown, which is plain text as well."""
    parts = [f"# Report of {report['date']}", period(report)]
    for section in report["sections"]:
        parts += [f"## {section['title']}", *_section(section)]
    return "\n\n".join(parts) + "\n"


def _section(section: Mapping[str, Any]) -> list[str]:
    if section["nothing"]:
        return [_escaped(section["nothing"])]
    said = [standing_on(section), *section["notes"]]
    parts = [_escaped(text) for text in said if text]
    figures = [(words(name), written(name, value)) for name, value in section["figures"].items()]
    parts.append("\n".join(f"- {label}: {_escaped(value)}" for label, value in figures))
    for table in section["tables"]:
        parts += [f"### {words(table['name'])}", _table(table["rows"])]
        if left := cut(table):
            parts.append(left)
    return [part for part in parts if part]


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0])
    cells = [[_escaped(cell(row, name)) for name in names] for row in rows]
    cells.insert(0, [heading(rows, name) for name in names])
    widths = [max(len(row[at]) for row in cells) for at in range(len(names))]
    numbers = [name in numeric(rows) for name in names]
    lines = [_line(row, widths, numbers) for row in cells]
    rule = ["-" * (width - right) + ":" * right for width, right in zip(widths, numbers, strict=True)]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    cells = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(row, widths, numbers, strict=True)
    ]
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text that is nothing but text in Markdown: no HTML, no end of a cell, no link."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", plain(text))


def _number(name: str, value: float) -> str:
    if name in _FORMATS:
        told = _FORMATS[name].format(value)
        return f"+{told}" if name in _SIGNED and value > 0 else told
    if name.endswith("_seconds"):
        return f"{value:,.1f} s"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if abs(value) < 1000 or value.is_integer() else f"{value:,.2f}"
