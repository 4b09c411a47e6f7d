"""Rules, what they found, and where that is sent."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, jsonify, request

from app.errors import Unknown
from app.web import alerts
from app.web.edge import Blueprint
from app.web.shapes import alerts as shapes
from engine.errors import InvalidInput

blp = Blueprint("Alerts", __name__)
NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


def check_names() -> None:
    """An id that cannot exist is not looked up: a database may refuse its characters."""
    for name, value in (request.view_args or {}).items():
        if name == "alert_id" and not re.fullmatch("[0-9a-f]{32}", value):
            raise Unknown("There is no alert with this id: an id has 32 hexadecimal digits.", code="unknown_alert")
        if not re.fullmatch(NAME, value):
            raise InvalidInput(
                "A name has 1 to 64 letters, digits, _ and -, and begins with a letter or a digit.",
                code="invalid_name",
                given=value[:80],
            )


blp.before_request(check_names)


@blp.route("/alerts", scope="read")
@blp.arguments(shapes.AlertsQuery, location="query")
@blp.response(200, shapes.AlertPage)
def list_alerts(query: dict[str, Any]) -> Response:
    """List alerts, newest first"""
    return jsonify(alerts.page(query))


@blp.route("/alerts/<alert_id>", scope="read")
@blp.response(200, shapes.AlertDetail)
def read_alert(alert_id: str) -> Response:
    """Read an alert, and where it was sent"""
    return jsonify(alerts.one(alert_id))


@blp.route("/alerts/<alert_id>/ack", methods=["POST"], scope="run")
@blp.arguments(shapes.Acknowledgement)
@blp.response(200, shapes.AlertDetail)
def acknowledge_alert(body: dict[str, Any], alert_id: str) -> Response:
    """Say that somebody has seen an alert, with a note or without

    Asking twice is no error; an alert that is resolved, and a note beside another one, are refused with 409.
    """
    return jsonify(alerts.acknowledge(alert_id, note=body.get("note")))


@blp.route("/alerts/<alert_id>/resolve", methods=["POST"], scope="run")
@blp.response(200, shapes.AlertDetail)
def resolve_alert(alert_id: str) -> Response:
    """Say that an alert is over

    Asking twice is no error. What stands badly still raises another one after the rule has cooled down.
    """
    return jsonify(alerts.resolve(alert_id))


@blp.route("/alerts/rules", scope="read")
@blp.response(200, shapes.AlertRules)
def list_rules() -> Response:
    """List the rules that raise your alerts, and the kinds of rules"""
    return jsonify(alerts.all_rules())


@blp.route("/alerts/rules/<rule_id>", methods=["PUT"], scope="run")
@blp.arguments(shapes.AlertRuleChange)
@blp.arguments(shapes.RuleHeaders, location="headers")
@blp.response(200, shapes.AlertRule)
def put_rule(body: dict[str, Any], headers: dict[str, Any], rule_id: str) -> Response:
    """Change a built-in rule, or write one of your own

    The body is all that is to be other than the kind has it: what is left out is as built. A rule of your own says its
    `kind`. The same again changes nothing.
    """
    return jsonify(alerts.put_rule(rule_id, body, headers.get("if_match")))


@blp.route("/alerts/rules/<rule_id>", methods=["DELETE"], scope="run")
@blp.response(204)
def delete_rule(rule_id: str) -> Response:
    """Delete a rule of your own, or have a built-in one as it was

    Alerts that it raised stay, until somebody resolves them.
    """
    alerts.delete_rule(rule_id)
    return Response(status=204)


@blp.route("/alerts/webhooks", scope="read")
@blp.response(200, shapes.Webhooks)
def list_webhooks() -> Response:
    """List where your alerts are sent to"""
    return jsonify(alerts.all_webhooks())


@blp.route("/alerts/webhooks/<webhook_id>", scope="read")
@blp.response(200, shapes.Webhook)
def read_webhook(webhook_id: str) -> Response:
    """Read where alerts are sent to, without the secret"""
    return jsonify(alerts.webhook(webhook_id))


@blp.route("/alerts/webhooks/<webhook_id>/deliveries", scope="read")
@blp.response(200, shapes.WebhookDeliveries)
def list_deliveries(webhook_id: str) -> Response:
    """List what was sent to a webhook last, and what became of it"""
    return jsonify(alerts.deliveries(webhook_id))


@blp.route("/alerts/webhooks/<webhook_id>", methods=["PUT"], scope="run")
@blp.arguments(shapes.WebhookAddress)
@blp.response(200, shapes.NewWebhook)
def put_webhook(body: dict[str, Any], webhook_id: str) -> Response:
    """Have alerts sent to an address

    Deliveries are signed: `X-Queuant-Signature` is `v1=` and the HMAC-SHA256, in hex, of `X-Queuant-Timestamp`, a full
    stop and the body, with the secret. Only public https addresses are sent to.
    """
    return jsonify(alerts.put_webhook(webhook_id, body))


@blp.route("/alerts/webhooks/<webhook_id>", methods=["DELETE"], scope="run")
@blp.response(204)
def delete_webhook(webhook_id: str) -> Response:
    """Send no more to an address"""
    alerts.delete_webhook(webhook_id)
    return Response(status=204)
