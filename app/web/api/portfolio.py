"""Several strategies on one account."""

from __future__ import annotations

from typing import Any

from flask import Response

from app import portfolios
from app.web import submitting
from app.web.api.queueing import queues
from app.web.edge import Blueprint
from app.web.shapes.portfolio import PortfolioSchema

blp = Blueprint("Portfolio", __name__)


@queues(blp, "/backtest/portfolio", PortfolioSchema)
def run_portfolio(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Run several strategies on one account, as a job

    The account is split by what each strategy earned up to then. Trades are netted, leverage and costs are joint, and
    the result says what each strategy contributed.
    """
    return submitting.submit(portfolios.KIND, body, query, headers)
