"""The report of a job that succeeded: its stored result, as sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.reports.parts import Section, Table

MOST_MONTHS = 1200
_REQUEST = ("strategy_id", "dataset_id", "start_date", "end_date", "benchmark", "seed")
_MADE = ("source", "licence", "engine_version", "strategy_version", "dataset_version", "request_hash", "result_hash")
_SENTENCES = ("sentence", "meaning")


def title(result: Mapping[str, Any]) -> str:
    """What ran, in a few words."""
    request = result.get("request", {})
    about = " on ".join(str(request[name]) for name in ("strategy_id", "dataset_id") if request.get(name))
    return about if about and result["kind"] == "backtest" else f"{result['kind']} {about}".strip()


def sections(result: Mapping[str, Any]) -> list[Section]:
    """Everything that a person should know of a result. What a kind of job does not compute is left out."""
    found = [_run(result), _metrics(result), *_own(result), _curve(result), _trades(result), _made(result)]
    return [section for section in found if section is not None]


def _run(result: Mapping[str, Any]) -> Section:
    request, conventions = result.get("request", {}), result.get("conventions", {})
    figures = {name: request[name] for name in _REQUEST if request.get(name) is not None}
    figures |= {name: _joined(request[name]) for name in ("params", "symbols") if request.get(name)}
    figures |= {name: conventions[name] for name in ("fill", "costs") if name in conventions}
    notes = [result["lookahead"]["sentence"]] if "lookahead" in result else []
    notes += result.get("warnings", [])
    quality = result.get("provenance", {}).get("quality")
    return Section("run", "What ran", quality=quality, notes=notes, figures=figures)


def _metrics(result: Mapping[str, Any]) -> Section:
    if "metrics" not in result:
        return Section("metrics", "Figures", nothing="This job computed no account.")
    return Section("metrics", "Figures", figures=_scalars(result["metrics"]))


def _own(result: Mapping[str, Any]) -> Iterator[Section]:
    """What only this kind of job finds, as far as it is figures, or rows of them."""
    kind = result["kind"]
    block = result.get(kind)
    if not isinstance(block, Mapping):
        return
    notes = [str(block[name]) for name in _SENTENCES if name in block]
    tables, figures = [], {name: value for name, value in _scalars(block).items() if name not in _SENTENCES}
    for name, value in block.items():
        if isinstance(value, Mapping):
            notes += [str(value[sentence]) for sentence in _SENTENCES if sentence in value]
            tables.append(Table.of(name, _pairs(value)))
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            names = _scalars(value[0])
            tables.append(Table.of(name, [{key: one.get(key) for key in names} for one in value] if names else []))
    yield Section(kind, kind.capitalize(), notes=notes, figures=figures, tables=tables)


def _curve(result: Mapping[str, Any]) -> Section | None:
    """Months and years, and the deepest drawdowns."""
    tables = (
        Table.of("drawdowns", result.get("top_drawdowns", [])),
        Table.of("years", result.get("yearly_returns", [])),
        Table.of("months", result.get("monthly_returns", []), most=MOST_MONTHS),
    )
    return Section("curve", "Through time", tables=tables) if any(table.rows for table in tables) else None


def _trades(result: Mapping[str, Any]) -> Section | None:
    summary = result.get("trades_summary")
    if not summary:
        return None
    reasons = Table.of("exits", [{"reason": name, "trades": n} for name, n in summary.get("exit_reasons", {}).items()])
    return Section("trades", "Trades", figures=_scalars(summary), tables=(reasons,))


def _made(result: Mapping[str, Any]) -> Section:
    made = result.get("provenance", {})
    return Section("made", "Made from", figures={name: made[name] for name in _MADE if made.get(name) is not None})


def _scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is None or isinstance(value, str | int | float)}


def _pairs(values: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Figures by name as rows; of figures of figures the names stand in the first column."""
    inner = [value for value in values.values() if isinstance(value, Mapping)]
    if inner and len(inner) == len(values):
        names = _scalars(inner[0])
        return [{"name": name, **{key: one.get(key) for key in names}} for name, one in values.items()] if names else []
    told = {name: value for name, value in _scalars(values).items() if name not in _SENTENCES}
    return [{"name": name, "figure": value} for name, value in told.items()]


def _joined(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={item}" for name, item in value.items())
    return ", ".join(map(str, value))
