"""Make the Flask application out of services. Nothing here connects to anything."""

from __future__ import annotations

from typing import Literal

from flask import Flask
from flask_smorest import Blueprint

from app.web import access, context, headers, metrics, pages, problems, relay, strict_json, telemetry
from app.web.api import (
    alerts,
    backtest,
    book,  # noqa: F401 - its routes are of the tag of `portfolio`
    expressions,  # noqa: F401 - its routes are of the tag of `strategies`
    fetching,  # noqa: F401 - its routes are of the tag of `market_data`
    health,
    jobs,
    keys,  # noqa: F401 - its routes are of the tag of `monitoring`
    macro,
    market_data,
    monitoring,
    optimization,
    portfolio,
    reports,
    risk,
    signals,
    strategies,
    websocket,
)
from app.web.edge import Api
from app.web.presenters import API
from app.web.uploading import FORM_BYTES, StreamedRequest
from app.wiring import Services
from engine import ENGINE_VERSION

Role = Literal["api", "relay"]
EVERYWHERE: tuple[Blueprint, ...] = (health.blp,)
API_ONLY: tuple[Blueprint, ...] = (
    backtest.blp,
    optimization.blp,
    portfolio.blp,
    jobs.blp,
    strategies.blp,
    signals.blp,
    market_data.blp,
    macro.blp,
    risk.blp,
    alerts.blp,
    reports.blp,
    monitoring.blp,
    websocket.blp,
)


def create_app(services: Services, *, role: Role = "api") -> Flask:
    """The web application.

    Args:
        services: what `app.wiring.build` made.
        role: "api" serves everything; "relay" only the live channels, health and metrics.
    """
    app = Flask("app.web", static_folder=None)
    app.request_class = StreamedRequest
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.config["MAX_UPLOAD_LENGTH"] = (services.settings.max_upload_mib << 20) + FORM_BYTES
    app.url_map.merge_slashes = False  # one address for one thing: no redirects
    strict_json.init_app(app)
    problems.init_app(app)
    telemetry.init_app(app, context.init_app(app, services).telemetry)
    headers.init_app(app, services.settings)
    access.init_app(app, services)
    api = Api(app, version=ENGINE_VERSION)
    for blueprint in EVERYWHERE:
        api.register_blueprint(blueprint)
    if role == "api":
        for blueprint in API_ONLY:
            api.register_blueprint(blueprint, url_prefix=API)
        pages.init_app(app, services, api.spec)
    register_sockets(app, services, api, role)
    return app


def register_sockets(app: Flask, services: Services, api: Api, role: Role) -> None:
    """Add the live channels, and say in the specification how one is opened."""
    sockets = relay.register(app, services, role=role)
    context.context_of(app).telemetry.registry.register(metrics.Live(sockets))
    for rule in app.url_map.iter_rules():
        if rule.rule in relay.ROUTES:
            api.describe_socket(rule)
        elif rule.rule == relay.STREAM:
            api.describe_stream(rule)
