"""What strategies said in a day, as it was told on the channel of signals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.events import SIGNALS
from app.reports.parts import Period, Section, Table, worst
from app.wiring import Services

NAME, TITLE = "signals", "Signals"
MOST_SURE = 10
FLIP, SURGE, DIVERGENCE = "signal_flip", "conviction_surge", "signal_divergence"
_SAID = ("strategy_id", "symbol", "dataset_id", "bar_at", "direction", "conviction", "reason", "quality")


def signals(services: Services, period: Period) -> Section:
    """What was said for the first time. Recomputations and backfills are no news, as on the channel."""
    events = services.store.events.during(SIGNALS, period.start, period.end)
    said = [event.data for event in events if event.type != DIVERGENCE]
    if not said:
        return Section(NAME, TITLE, nothing="No strategy said anything new.")
    counted = Counter(event.type for event in events)
    figures = {
        "signals": len(said),
        "strategies": len({data["strategy_id"] for data in said}),
        "flips": counted[FLIP],
        "surges": counted[SURGE],
        "divergences": counted[DIVERGENCE],
    }
    tables = (
        Table.of("flips", [_row(event.data) for event in events if event.type == FLIP]),
        Table.of("surges", [_row(event.data) for event in events if event.type == SURGE]),
        Table.of("divergences", [_sides(event.data) for event in events if event.type == DIVERGENCE]),
        Table.of("strongest", _strongest(said), most=MOST_SURE),
    )
    return Section(NAME, TITLE, quality=worst(data["quality"] for data in said), figures=figures, tables=tables)


def _strongest(said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The last word of each strategy on each symbol that is not neutral, the largest conviction first."""
    last = {(data["strategy_id"], data["dataset_id"], data["symbol"]): data for data in said}
    ranked = sorted(last.items(), key=lambda item: (-abs(item[1]["conviction"]), item[0]))
    return [_row(data) for _, data in ranked if data["conviction"]]


def _row(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in _SAID}


def _sides(data: Mapping[str, Any]) -> dict[str, Any]:
    names = {side: ", ".join(one["strategy_id"] for one in data[side]) for side in ("long", "short")}
    return {name: data[name] for name in ("symbol", "dataset_id", "bar_at")} | names
