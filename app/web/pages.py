"""What people open in a browser: the page, the documentation, signing in."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Flask, Response

from app.web.access import PUBLIC
from app.wiring import Services


def init_app(app: Flask, services: Services, spec: dict[str, Any]) -> None:
    pages = Blueprint("pages", __name__)
    text = json.dumps(spec, allow_nan=False)

    @pages.get("/openapi.json")
    def specification() -> Response:
        return Response(text, content_type="application/json")

    specification.scope = PUBLIC  # type: ignore[attr-defined]
    app.register_blueprint(pages)
