"""Several strategies on one account."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.web import shapes, submitting
from app.web.edge import Blueprint
from app.web.schemas import RunHeaders, RunQuery
from app.web.shapes.portfolio import PortfolioSchema

blp = Blueprint("Portfolio", __name__)


@blp.route("/backtest/portfolio", methods=["POST"], scope="run")
@blp.arguments(PortfolioSchema)
@blp.arguments(RunQuery, location="query")
@blp.arguments(RunHeaders, location="headers")
@blp.response(202, shapes.Submitted, description="Queued, or answered by an earlier run of the same request")
@blp.alt_response(
    200,
    schema={"oneOf": [shapes.DryRun, shapes.Job]},
    description="The answer of a dry run; or the job itself when it ended while the client waited",
    success=True,
)
def run_portfolio(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Run several strategies on one account, as a job

    The account is split by what each strategy earned up to then. Trades are netted, leverage and costs are joint, and
    the result says what each strategy contributed.
    """
    return submitting.portfolio(body, query, headers)
