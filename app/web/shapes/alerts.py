"""Requests and replies about alerts."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from app.alerts.kinds import KINDS
from app.events import SEVERITIES
from app.store.alerts import LONGEST_COOLDOWN, MOST_NOTE, STATUSES
from app.web.fields import Amount, Choice, Instant, Text, Truth
from app.web.schemas import Headers, PageQuery, Strict, told
from app.web.shapes.parts import count, mapping, maybe_text, number, text


class AlertsQuery(PageQuery):
    """Which alerts."""

    status = Choice(*STATUSES, metadata=told("Only in this state."))
    severity = Choice(*SEVERITIES, metadata=told("Only of this severity."))
    kind = Choice(*KINDS, metadata=told("Only of this kind.", example="job_failed"))
    rule_id = Text(most=64, metadata=told("Only of this rule."))
    strategy_id = Text(most=64, metadata=told("Only about this strategy."))
    since = Instant(metadata=told("Only those that were raised then or later."))


class AlertRuleFilter(Strict):
    """What a rule is about; what is left out may be anything."""

    strategy_id = Text(most=64, metadata=told("Only this strategy."))
    symbol = Text(most=64, metadata=told("Only this symbol."))
    dataset_id = Text(most=64, metadata=told("Only this dataset."))


class AlertRuleChange(Strict):
    """What is to be other than the kind has it; a rule of your own says its kind."""

    kind = Text(most=32, metadata=told("What it looks for; of a built-in rule its id.", example="stale_data"))
    threshold = Amount(allow_none=True, metadata=told("It fires at this value and above, in the unit of the kind."))
    severity = Choice(*SEVERITIES, metadata=told("How loud it is."))
    cooldown_seconds = Amount(
        validate=ma.validate.Range(min=0, max=LONGEST_COOLDOWN, error=f"must lie between 0 and {LONGEST_COOLDOWN}."),
        metadata=told("No second alert of the same entity for so long."),
    )
    enabled = Truth(metadata=told("Whether it is looked at."))
    filter = fields.Nested(AlertRuleFilter, metadata=told("What it is about."))


class Acknowledgement(Strict):
    """What to say about it. The body may be left out."""

    optional = True

    note = Text(most=MOST_NOTE, allow_none=True, metadata=told("What is known or done about it.", example="Looked at."))


class RuleHeaders(Headers):
    """Headers that guard a change."""

    if_match = Text(
        most=40,
        pattern=r'^"[0-9TZ:.-]{0,30}"$',
        data_key="If-Match",
        metadata=told('The `changed_at` that was read, in quotes; `""` for none. Else the change is refused.'),
    )


class WebhookAddress(Strict):
    """Where alerts are sent to."""

    url = Text(most=2000, required=True, metadata=told("https://…", example="https://hooks.example.com/queuant"))
    secret = Text(
        most=200,
        least=16,
        pattern=r"^[\x21-\x7e]+$",
        metadata=told("What deliveries are signed with. When it is left out the webhook keeps its own, or gets one."),
    )
    severity = Choice(*SEVERITIES, load_default="info", metadata=told("The least severity.", default="info"))
    enabled = Truth(load_default=True, metadata=told("Whether anything is sent.", default=True))


class Alert(ma.Schema):
    """What asked for attention."""

    alert_id = text()
    rule_id = text()
    kind = text()
    severity = fields.String(required=True, metadata={"enum": list(SEVERITIES)})
    entity = text("What it is about; of a rule and an entity one alert is open at most.")
    message = text()
    value = number("What was found.", none=True)
    threshold = number("Of the rule, when it fired.", none=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    raised_at = text()
    acknowledged_at = maybe_text()
    acknowledged_by = maybe_text()
    note = maybe_text("Of whoever acknowledged it.")
    resolved_at = maybe_text()
    strategy_id = maybe_text()
    symbol = maybe_text()
    dataset_id = maybe_text()
    job_id = maybe_text()
    data = mapping("Facts about it; which ones depends on the kind.")


class Delivery(ma.Schema):
    """What became of sending it to a webhook."""

    delivery_id = text()
    webhook_id = text()
    status = fields.String(required=True, metadata={"enum": ["pending", "sent", "failed"]})
    attempt = count("How often it was tried.")
    due_at = text("Of a pending one: when it is tried next.")
    sent_at = maybe_text()
    error = maybe_text("Of the last attempt.")


class WebhookDelivery(Delivery):
    """The same, with the alert that it tells of."""

    alert_id = text()
    message = text()
    raised_at = text()


class WebhookDeliveries(ma.Schema):
    """What became of sending alerts to a webhook."""

    deliveries = fields.List(fields.Nested(WebhookDelivery), required=True, metadata=told("Newest first, at most 50."))


class AlertDetail(Alert):
    """An alert, and where it was sent."""

    deliveries = fields.List(fields.Nested(Delivery), required=True)


class AlertPage(ma.Schema):
    """Alerts, newest first."""

    alerts = fields.List(fields.Nested(Alert), required=True)
    next = maybe_text("The cursor of the next page; null on the last one.")


class AlertRule(ma.Schema):
    """A rule as it stands."""

    rule_id = text()
    kind = text()
    built_in = fields.Boolean(required=True)
    threshold = number(none=True)
    severity = fields.String(required=True, metadata={"enum": list(SEVERITIES)})
    cooldown_seconds = number()
    enabled = fields.Boolean(required=True)
    filter = mapping()
    changed_at = maybe_text("Null where a built-in rule is as it was built.")
    changed_by = maybe_text()


class AlertRuleKind(ma.Schema):
    """What rules can look for."""

    kind = text()
    about = text()
    unit = maybe_text("Of the threshold; null where there is none.")
    resolves = fields.Boolean(required=True, metadata=told("Whether its alerts end by themselves."))


class AlertRules(ma.Schema):
    """The rules: built-in ones, then your own."""

    rules = fields.List(fields.Nested(AlertRule), required=True)
    kinds = fields.List(fields.Nested(AlertRuleKind), required=True)


class Webhook(ma.Schema):
    """Where alerts are sent to."""

    webhook_id = text()
    url = text("Of a service of the extra `alerts` only its name: the rest is secret.")
    severity = fields.String(required=True, metadata={"enum": list(SEVERITIES)})
    enabled = fields.Boolean(required=True)
    changed_at = text()


class NewWebhook(Webhook):
    """A webhook that was put."""

    secret = maybe_text("Where one was made for it: shown here and never again.")


class Webhooks(ma.Schema):
    """Where alerts are sent to."""

    webhooks = fields.List(fields.Nested(Webhook), required=True)
