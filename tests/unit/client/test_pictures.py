"""What a notebook shows of a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pandas as pd
import pytest

from app.client import Client
from app.client.jobs import Result
from engine.errors import UnknownName

Handler = Callable[[httpx.Request], httpx.Response]
DATA = {
    "job_id": "a" * 32,
    "kind": "backtest",
    "request": {"strategy_id": "<b>mine</b>", "symbols": ["A"], "start_date": "2020-01-01", "end_date": "2020-03-01"},
    "provenance": {"quality": "synthetic"},
    "metrics": {
        "total_return": 0.1234, "cagr": None, "annual_volatility": 0.2, "sharpe": 1.5, "sortino": 2.0,
        "max_drawdown": -0.05, "total_trades": 3, "win_rate": 0.5,
    },
    "monthly_returns": [{"month": "2020-01", "return": 0.1}, {"month": "2020-02", "return": -0.02}],
}  # fmt: skip


@pytest.fixture
def result(connect: Callable[[Handler], Client]) -> Callable[..., Result]:
    def make(**more: Any) -> Result:
        made = Result(connect(lambda _: httpx.Response(404)), {**DATA, **more})
        times = pd.to_datetime(["2020-01-01", "2020-01-02"], utc=True)
        made.__dict__["equity"] = pd.DataFrame({"value": [100.0, 110.0], "drawdown": [0.0, 0.0]}, index=times)
        return made

    return make


def test_the_summary_says_what_ran_on_which_data_and_escapes_it(result: Callable[..., Result]) -> None:
    shown = result()._repr_html_()
    assert "&lt;b&gt;mine&lt;/b&gt;" in shown
    assert "<b>" not in shown
    assert "synthetic data" in shown
    assert "<td>12.34%</td>" in shown
    assert "<tr><th>CAGR</th><td>–</td></tr>" in shown
    assert "<tr><th>Total trades</th><td>3</td></tr>" in shown


def test_the_summary_of_a_search_without_a_winner_has_no_figures(result: Callable[..., Result]) -> None:
    found = result()
    del found.data["metrics"]
    assert found.metrics == {}
    assert found._repr_html_().endswith("synthetic data</p><table></table>")


def test_equity_is_drawn_over_its_drawdown(result: Callable[..., Result]) -> None:
    above, below = result().plot().data
    assert list(above.y) == [100.0, 110.0]
    assert (above.yaxis, below.yaxis) == ("y", "y2")


def test_months_are_rows_of_years(result: Callable[..., Result]) -> None:
    (heat,) = result().plot("months").data
    assert list(heat.y) == ["2020"]
    assert list(heat.z[0][:3]) == [0.1, -0.02, None]


def test_a_picture_that_the_result_does_not_have_is_refused_with_those_it_has(result: Callable[..., Result]) -> None:
    with pytest.raises(UnknownName) as caught:
        result().plot("surface")
    assert caught.value.allowed == ["equity", "months"]


def test_the_surface_of_a_sweep_is_a_table_of_what_was_searched(connect: Callable[[Handler], Client]) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"y": "slow"}
        answer = {
            "x": [5, 10],
            "y": [40],
            "z": [[0.5, None]],
            "parameters": {"x": "fast", "y": "slow"},
            "figure": "sharpe",
        }
        return httpx.Response(200, json=answer)

    found = Result(connect(server), {**DATA, "sweep": {}}).surface(y="slow")
    assert (found.columns.name, found.index.name, found.loc[40, 5]) == ("fast", "slow", 0.5)
    assert found.isna().loc[40, 10]
