"""What each strategy of the shelf makes of its default data, and how long all of their latest decisions take.

    python -m bench.shelf [--write]

`--write` puts the tables on the page of strategies. A figure on proxy or synthetic data is marked by its quality.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from app.catalog import Catalog
from app.contracts import load_bars, resolve_backtest
from app.shelf import Shelf
from bench.process import seconds
from engine import Config, backtest
from engine.errors import QueuantError
from engine.strategy import Strategy

PAGE = Path(__file__).parents[1] / "docs" / "strategies.md"
MARK = "\n## The shelf\n"
TIMES = 3


class Row(NamedTuple):
    """One strategy: the cells of its line, and the seconds of its decisions; None where it could not run."""

    cells: tuple[str, ...]
    decided: float | None


def catalogue(shelf: Shelf) -> list[str]:
    """What there is, from the strategies themselves."""
    lines = ["| strategy | family | what it does | parameters | source |", "|---|---|---|---|---|"]
    for item in shelf.all():
        defaults = ", ".join(f"{parameter.name} {_said(parameter.default)}" for parameter in item.parameters)
        lines.append(
            f"| `{item.id}` | {item.family} | {item.summary} | {defaults} | {item.source} |".replace("|  |", "| |")
        )
    return lines


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def measured(item: Strategy, shelf: Shelf, catalog: Catalog) -> Row:
    """A run with every default, or why there is none."""
    try:
        request = resolve_backtest({"strategy_id": item.id}, catalog, shelf)
    except QueuantError as refused:
        return Row((f"`{item.id}`", str(item.dataset), "not run", refused.message), None)
    bars, bound = load_bars(request, catalog), item.bind(**request["params"])
    result = backtest(bars, bound, Config(**request["config"]))
    quality = item.quality(bars.panel, catalog.get(request["dataset_id"]).quality)
    names = request["symbols"]
    figures = result.metrics
    cells = (
        f"`{item.id}`",
        f"{', '.join(names) if len(names) <= 2 else f'{len(names)} symbols'} of {request['dataset_id']}",
        quality,
        f"{figures['total_trades']:,}",
        f"{figures['exposure']:.0%}",
        "" if figures["sharpe"] is None else f"{figures['sharpe']:.2f}",
        f"{figures['total_return']:.1%}",
    )
    return Row(cells, min(seconds(lambda: bound.decide(bars)) for _ in range(TIMES)))


def results(shelf: Shelf, catalog: Catalog) -> list[str]:
    """A line for each strategy, and what all decisions take together."""
    rows = [measured(item, shelf, catalog) for item in shelf.all()]
    times = [row.decided for row in rows if row.decided is not None]
    lines = [
        "| strategy | on | quality | trades | exposure | Sharpe | total return |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    lines += [f"| {' | '.join((*row.cells, '', '', '')[:7])} |" for row in rows]
    together = f"{1000 * sum(times):.0f} ms in one thread, {1000 * max(times):.0f} of them for the slowest"
    return [*lines, "", f"The latest decision of {len(times)} strategies, each over all of its data: {together}."]


def main() -> None:
    shelf, catalog = Shelf(), Catalog.standard()
    what, made = catalogue(shelf), results(shelf, catalog)
    if "--write" not in sys.argv[1:]:
        print("\n".join(made))
        return
    text = PAGE.read_text(encoding="utf-8").split(MARK)[0]
    note = (
        "Every default, from the first bar to the last, after costs. Each figure is in sample, and each is one of many "
        "that one could have looked at: a shelf is no advice. `python -m bench.shelf --write` writes what follows."
    )
    PAGE.write_text(
        "\n".join([text + MARK, *what, "", "### What they made", "", note, "", *made, ""]), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
