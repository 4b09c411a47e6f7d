"""The report of a job that succeeded: its stored result, as sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.reports.parts import Section, Table
from app.reports.text import words

MOST_MONTHS = 1200
_REQUEST = ("strategy_id", "dataset_id", "start_date", "end_date", "benchmark", "seed")
_MADE = ("source", "licence", "engine_version", "strategy_version", "dataset_version", "request_hash", "result_hash")
_SENTENCES = ("sentence", "meaning", "caveat")
# Of a walk-forward the metrics are those of the result, and what a portfolio tells by sleeve stands in their rows.
_TOLD = ("out_of_sample", "attribution", "risk_contributions", "weights")


def title(result: Mapping[str, Any]) -> str:
    """What ran, in a few words."""
    request = result.get("request", {})
    about = " on ".join(str(request[name]) for name in ("strategy_id", "dataset_id") if request.get(name))
    if result["kind"] == "backtest":
        return about or "Backtest"
    return " of ".join(part for part in (words(result["kind"]), about) if part)


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
        if isinstance(value, Mapping) and name not in _TOLD:
            notes += [str(value[sentence]) for sentence in _SENTENCES if sentence in value]
            tables.append(Table.of(name, _named(value)))
        elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
            rows = [_flat(one) for one in value]
            tables.append(Table.of(name, _even(map(_figures_first, rows) if name == "sleeves" else rows)))
    yield Section(kind, words(kind), notes=notes, figures=figures, tables=tables)


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


def _named(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Figures by name as rows; of figures of figures the names stand in the first column."""
    inner = [value for value in values.values() if isinstance(value, Mapping)]
    if inner and len(inner) == len(values):
        return _even([{"name": name} | _flat(one) for name, one in values.items()])
    return [{"name": name, "figure": value} for name, value in _flat(values).items() if name not in _SENTENCES]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without anything below it: of what a trial or a fold made the main figures, of ranges their ends."""
    told: dict[str, Any] = {}
    for name, value in row.items():
        if name in ("params", "symbols") and value:
            told[name] = _joined(value)
        elif name == "figures" and isinstance(value, Mapping):
            told |= _scalars(value)
        elif name in ("in_sample", "out_of_sample") and isinstance(value, Mapping):
            told[f"{name}_sharpe"] = value.get("sharpe")
        elif name in ("train", "test") and isinstance(value, Mapping):
            told[name] = f"{str(value.get('start'))[:10]} to {str(value.get('end'))[:10]}"
        else:
            told |= _scalars({name: value})
    return told


def _figures_first(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a sleeve made next to its name, before what it is made of, which is wide."""
    return dict(sorted(row.items(), key=lambda item: item[0] != "name" and not isinstance(item[1], float)))


def _even(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the names of all of them, in the order in which they come; none where there are no names."""
    rows = list(found)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows] if names else []


def _joined(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={item}" for name, item in value.items())
    return ", ".join(map(str, value))
