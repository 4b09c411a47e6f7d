"""What strategies say now, and the parameters that they say it with."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from app.web import reading, shapes, signals, submitting
from app.web.api import strategies
from app.web.edge import Blueprint
from app.web.schemas import DaysQuery, ParamsHeaders, ParamsSchema, RunHeaders
from app.web.shapes import signals as said

blp = Blueprint("Signals", __name__)


@blp.route("/signals/latest", scope="read")
@blp.response(200, said.LatestSignals)
def latest_signals() -> Response:
    """Read what every strategy said last, and which have not spoken"""
    return jsonify(signals.of_all())


@blp.route("/signals/heatmap", scope="read")
@blp.arguments(said.HeatQuery, location="query")
@blp.response(200, said.HeatMap)
def heat_map(query: dict[str, Any]) -> Response:
    """Read the convictions of all strategies by day

    A cell is the strategy's signal with the largest conviction of that day; of equal ones that of its first symbol.
    """
    return jsonify(signals.heat_map(**query))


@strategies.blp.route("/strategies/<strategy_id>/signal/latest", scope="read")
@strategies.blp.response(200, said.StrategySignals)
def latest_signal(strategy_id: str) -> Response:
    """Read what a strategy said last"""
    return jsonify(signals.of_one(strategy_id))


@strategies.blp.route("/strategies/<strategy_id>/signal/history", scope="read")
@strategies.blp.arguments(DaysQuery, location="query")
@strategies.blp.response(200, said.StrategySignals)
def signal_history(query: dict[str, Any], strategy_id: str) -> Response:
    """Read what a strategy said in the days up to its newest signal"""
    return jsonify(signals.of_one(strategy_id, query["days"]))


@strategies.blp.route("/strategies/<strategy_id>/signal", methods=["POST"], scope="run")
@strategies.blp.arguments(RunHeaders, location="headers")
@strategies.blp.response(202, shapes.Submitted)
@strategies.blp.alt_response(
    200, schema=shapes.Job, description="The job, when it ended while the client waited", success=True
)
def make_signal(headers: dict[str, Any], strategy_id: str) -> Response:
    """Compute the signals of a strategy as a job, now"""
    return submitting.signal(strategy_id, headers)


@strategies.blp.route("/strategies/<strategy_id>/params", scope="read")
@strategies.blp.response(200, said.StandingParams)
def read_params(strategy_id: str) -> Response:
    """Read the parameters that stand for a strategy, and those that stood"""
    return _tagged(signals.params(strategy_id))


@strategies.blp.route("/strategies/<strategy_id>/params", methods=["PUT"], scope="run")
@strategies.blp.arguments(ParamsSchema, unknown=ParamsSchema.Meta.unknown)
@strategies.blp.arguments(ParamsHeaders, location="headers")
@strategies.blp.response(200, said.ParamsChange)
def put_params(body: dict[str, Any], headers: dict[str, Any], strategy_id: str) -> Response:
    """Let other parameters stand for a strategy

    They are the whole set of overrides: what is left out has its default, `{}` takes all back. The next run that does
    not say otherwise and the next signal use them, whoever asks. The same set again changes nothing.
    """
    return _tagged(signals.put_params(strategy_id, body, headers.get("if_match")))


@strategies.blp.route("/strategies/<strategy_id>/backtest", scope="read")
@strategies.blp.response(200, shapes.Result)
def strategy_result(strategy_id: str) -> Response:
    """Read the latest result of a strategy"""
    return reading.latest({"strategy_id": strategy_id})


def _tagged(standing: dict[str, Any]) -> Response:
    response = jsonify(standing)
    response.set_etag(str(standing["version"]))
    return response
