"""Pictures of results for notebooks: Plotly figures, and a summary in HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from app.reports.text import words, written
from engine.errors import UnknownName

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from app.client.jobs import Result

_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#7f8790"  # of Okabe and Ito (2008): all kinds of eyes tell them apart
_FIRST = ("total_return", "cagr", "annual_volatility", "sharpe", "sortino", "max_drawdown", "total_trades", "win_rate")


def plot(result: Result, picture: str) -> Figure:
    """A picture of a result by its name. Raises UnknownName for one that this result does not have."""
    known = {name: draw for name, (has, draw) in _PICTURES.items() if has(result.data)}
    if picture not in known:
        raise UnknownName.of("picture", picture, list(known), pointer="/picture")
    return known[picture](result)


def summary(result: Result) -> str:
    """What ran on which data, and the first figures, as HTML."""
    request, provenance = result.request, result.provenance
    title = request.get("strategy_id") or result.data["kind"]
    about = " · ".join(
        str(part)
        for part in (
            ", ".join(request.get("symbols") or ()),
            f"{request.get('start_date')} to {request.get('end_date')}",
            f"{provenance.get('quality', '')} data",
        )
        if part
    )
    metrics = result.metrics
    rows = "".join(
        f"<tr><th>{escape(words(name))}</th><td>{escape(written(name, metrics[name]))}</td></tr>"
        for name in _FIRST
        if name in metrics
    )
    return f"<h4>{escape(str(title))}</h4><p>{escape(about)}</p><table>{rows}</table>"


def _equity(result: Result) -> Figure:
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    curve = result.equity
    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.03)
    figure.add_trace(Scatter(x=curve.index, y=curve["value"], name="equity", line={"color": _BLUE}), 1, 1)
    fall = Scatter(x=curve.index, y=curve["drawdown"], name="drawdown", fill="tozeroy", line={"color": _ORANGE})
    figure.add_trace(fall, 2, 1)
    figure.update_yaxes(tickformat=".0%", row=2, col=1)
    return figure.update_layout(title=_title(result), showlegend=False)


def _months(result: Result) -> Figure:
    from plotly.graph_objects import Figure, Heatmap

    found: dict[str, dict[str, float]] = {}
    for item in result.data["monthly_returns"]:
        year, month = item["month"].split("-")
        found.setdefault(year, {})[month] = item["return"]
    months = [f"{number:02}" for number in range(1, 13)]
    values = [[row.get(month) for month in months] for row in found.values()]
    scale = [[0, _ORANGE], [0.5, "#ffffff"], [1, _BLUE]]
    heat = Heatmap(
        x=months, y=list(found), z=values, zmid=0, colorscale=scale, texttemplate="%{z:.1%}", showscale=False
    )
    return Figure(heat).update_layout(title=f"{_title(result)}: returns by month", yaxis={"autorange": "reversed"})


def _surface(result: Result) -> Figure:
    """The best trial at each point of the first two parameters that were searched."""
    from plotly.graph_objects import Figure, Heatmap

    found = result.surface()
    heat = Heatmap(x=found.columns, y=found.index, z=found.to_numpy(), colorscale="Viridis")
    axes = {"xaxis_title": found.columns.name, "yaxis_title": found.index.name}
    return Figure(heat).update_layout(title=f"{_title(result)}: {found.attrs['figure']}", **axes)


def _paths(result: Result) -> Figure:
    from plotly.graph_objects import Figure, Scatter

    bands = result.montecarlo["bands"]
    x = bands.get("time") or bands["step"]
    equity = bands["equity"]
    traces = [
        Scatter(x=x, y=equity["p05"], line={"width": 0}, showlegend=False, hoverinfo="skip"),
        Scatter(x=x, y=equity["p95"], name="5 to 95 %", fill="tonexty", line={"width": 0, "color": _GREY}),
        Scatter(x=x, y=equity["p50"], name="median", line={"color": _BLUE}),
    ]
    return Figure(traces).update_layout(title=f"{_title(result)}: {result.montecarlo['paths']:,} paths")


def _weights(result: Result) -> Figure:
    from plotly.graph_objects import Figure, Scatter

    weights = result.weights
    areas = [Scatter(x=weights.index, y=weights[name], name=name, stackgroup="all") for name in weights.columns]
    return Figure(areas).update_layout(title=f"{_title(result)}: shares", yaxis={"tickformat": ".0%"})


def _title(result: Result) -> str:
    request = result.request
    return f"{request.get('strategy_id') or result.data['kind']} ({result.provenance.get('quality', '')} data)"


_Has = Callable[[Mapping[str, Any]], bool]
_PICTURES: Mapping[str, tuple[_Has, Callable[[Any], Any]]] = {
    "equity": (lambda data: "metrics" in data, _equity),
    "months": (lambda data: bool(data.get("monthly_returns")), _months),
    "surface": (lambda data: "sweep" in data, _surface),
    "paths": (lambda data: "montecarlo" in data, _paths),
    "weights": (lambda data: "portfolio" in data, _weights),
}
