"""What a search found: its best trials, or what was chosen fold by fold, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.cli.common import plain_table
from app.cli.figures import SHOWN, written

_SHOWN = ("sharpe", "total_return", "max_drawdown", "total_trades")
_MOST_FOLDS = 40


def sweep(found: Mapping[str, Any]) -> Iterator[Any]:
    """A row for each of the best trials, and what they are worth together."""
    counts = ", ".join(f"{found[name]:,} {name}" for name in ("failed", "skipped") if found[name])
    yield f"{found['trials_made']:,} trials by {found['objective']}" + (f" ({counts})" if counts else "")
    if not found["top"]:
        yield "No trial keeps to the constraints."
        return
    names = list(dict.fromkeys((found["objective"], *_SHOWN)))
    params = list(found["top"][0]["params"])
    symbol = ["symbol"] if "symbol" in found["top"][0] else []
    table = plain_table("rank", *params, *symbol, *(_label(name) for name in names))
    for rank, row in enumerate(found["top"], 1):
        own = [str(row["params"][name]) for name in params] + [row[name] for name in symbol]
        table.add_row(str(rank), *own, *(_figure(row["metrics"], name) for name in names))
    yield table
    if plateau := found["plateau"]:
        yield f"\nThe best neighbourhood is that of {_said(plateau['params'])}: {plateau['mean']:,.2f} on average."
    yield from _sentence(found["statistics"])


def walkforward(found: Mapping[str, Any]) -> Iterator[Any]:
    """A row for each fold: what was chosen on its training, and what that made before and after."""
    objective, folds = found["objective"], found["folds"]
    yield f"{found['trials_made']:,} trials by {objective} in {len(folds):,} folds"
    table = plain_table("tested", "chosen", f"{_label(objective)} in sample", "out of sample", "Return", "Drawdown")
    for fold in folds[:_MOST_FOLDS]:
        inside, outside = fold["in_sample"] or {}, fold["out_of_sample"]
        told = [_figure(outside, name) for name in (objective, "total_return", "max_drawdown")]
        table.add_row(_tested(fold), _said(fold["params"]), _figure(inside, objective), *told)
    yield table
    if len(folds) > _MOST_FOLDS:
        yield f"… and {len(folds) - _MOST_FOLDS:,} folds more"
    held, ratio = found["held_up"], found["overfit_ratio"]
    text = f"{held['above_zero']} of {len(folds)} tests have a Sharpe ratio above 0"
    more = "no training had one." if ratio is None else f"the median kept {ratio:.0%} of that of its training."
    yield f"\n{text}; {more}"
    if statistics := found["out_of_sample"]["statistics"]:
        yield f"\nThe tests together are one trial. {statistics['sentence'].removeprefix('One trial. ')}"


SEARCHES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Any]]] = {"sweep": sweep, "walkforward": walkforward}


def _sentence(statistics: Mapping[str, Any] | None) -> Iterator[str]:
    if statistics is not None:
        yield f"\n{statistics['sentence']}"


def _tested(fold: Mapping[str, Any]) -> str:
    if "test_groups" in fold:
        return f"groups {', '.join(map(str, fold['test_groups']))}"
    return f"{fold['test']['start'][:10]} to {fold['test']['end'][:10]}"


def _said(params: Mapping[str, Any] | None) -> str:
    return "nothing" if params is None else " ".join(f"{name}={value}" for name, value in params.items())


def _label(name: str) -> str:
    return SHOWN[name][0] if name in SHOWN else name


def _figure(figures: Mapping[str, Any], name: str) -> str:
    return written(figures.get(name), SHOWN[name][1] if name in SHOWN else "number")
