"""The tables. Times are seconds since 1970 (UTC) by the database's own clock; `migrations/` builds them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A job's row is the job: what it is, where it stands, who holds it, and how often it was tried.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("queue", String(16), nullable=False),
    Column("strategy_id", String(64)),
    Column("dataset_id", String(64)),
    Column("request", JSON, nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("tags", JSON, nullable=False),
    Column("retry_of", String(32)),
    # A job may be done in chunks, which are rows of their own (`app.store.families`): a child knows its `parent_id` and
    # how many `units` it is; the parent how many there are, how many are `done`, and how many children are `pending`.
    Column("parent_id", String(32)),
    Column("units", Integer),
    Column("done", Integer),
    Column("pending", Integer),
    Column("status", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("fence", Integer, nullable=False),  # grows with every claim; an older holder's writes match no row
    Column("lease_owner", String(128)),
    Column("lease_until", Double),
    Column("cancel_at", Double),
    Column("rung_at", Double, nullable=False),
    Column("progress", JSON),
    Column("error", JSON),
    Column("compute_ms", Double),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Index(None, "status", "queue", "rung_at"),
    Index(None, "status", "lease_until"),
    Index(None, "owner", "created_at", "id"),
    Index(None, "owner", "request_hash"),
    Index(None, "owner", "strategy_id", "finished_at"),
    Index(None, "parent_id"),
)
# The newest job on the signals of each strategy is asked for again and again, among jobs of all kinds.
Index(
    "ix_jobs_signals",
    jobs.c.strategy_id,
    jobs.c.created_at,
    sqlite_where=text("kind = 'signals'"),
    postgresql_where=text("kind = 'signals'"),
)

results = Table(
    "results",
    metadata,
    Column("job_id", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("fence", Integer, nullable=False),
    Column("result", JSON, nullable=False),
    Column("result_hash", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
)

# The large parts of a result, each a Parquet file: they are written in the transaction that finishes the job.
artifacts = Table(
    "artifacts",
    metadata,
    Column("job_id", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("job_id", String(32), nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "job_id"),
)

# `seq` is counted up inside the transaction that causes an event: gapless and in commit order.
channels = Table(
    "channels",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("seq", Integer, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("channel", String(128), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", String(32), nullable=False),
    Column("at", Double, nullable=False),
    Column("data", JSON, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
)

# Short-lived secrets that work once (a dashboard login, a socket) or until they expire (a browser session).
tickets = Table(
    "tickets",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("expires_at", Double, nullable=False),
)

# One row: the epoch names this event log, so that a client can tell a restored database from the one it knew.
log_epoch = Table("log_epoch", metadata, Column("epoch", String(32), primary_key=True))

# Every set of parameters that a strategy was given by PUT; the newest is what runs and signals start from.
strategy_params = Table(
    "strategy_params",
    metadata,
    Column("strategy_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("params", JSON, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Double, nullable=False),
)

# Strategies that were posted as data. A version is never changed; the newest one that is not withdrawn is listed.
expressions = Table(
    "expressions",
    metadata,
    Column("strategy_id", String(64), primary_key=True),
    Column("version", String(12), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("withdrawn_at", Double),
)

# Whether a strategy at a version, with these parameters on this data, looked ahead.
verdicts = Table(
    "verdicts",
    metadata,
    Column("strategy_id", String(64), primary_key=True),
    Column("strategy_version", String(12), primary_key=True),
    Column("dataset_id", String(64), primary_key=True),
    Column("dataset_version", String(12), primary_key=True),
    Column("params_hash", String(64), primary_key=True),
    Column("verdict", String(16), nullable=False),  # clean | looks_ahead
    Column("detail", JSON, nullable=False),
    Column("checked_at", Double, nullable=False),
)

# What a strategy said of a symbol at a bar, with the versions of everything that it was computed from.
signals = Table(
    "signals",
    metadata,
    Column("strategy_id", String(64), primary_key=True),
    Column("dataset_id", String(64), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("at", Double, primary_key=True),  # the time of the bar
    Column("leg", Integer, nullable=False),  # the place of the symbol among those of the strategy
    Column("direction", String(8), nullable=False),  # LONG | SHORT | NEUTRAL
    Column("strength", String(8), nullable=False),  # strong | moderate | weak | none
    Column("conviction", Double, nullable=False),
    Column("weight", Double, nullable=False),
    Column("z_score", Double),
    Column("raw_value", Double),
    Column("reason", String(200), nullable=False),
    Column("change", String(8)),  # flip | surge
    Column("quality", String(16), nullable=False),  # real | proxy | synthetic: the worst of what it was said from
    Column("strategy_version", String(12), nullable=False),
    Column("params_version", Integer, nullable=False),
    Column("dataset_version", String(12), nullable=False),
    Column("computed_at", Double, nullable=False),
    Index(None, "at"),
)

# How many trials each job has made, and how their Sharpe ratios lay. A row stays when its job is deleted: forgetting
# them would flatter the next.
trials = Table(
    "trials",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("strategy_id", String(64), primary_key=True),
    Column("dataset_id", String(64), primary_key=True),
    Column("request_hash", String(64), primary_key=True),
    Column("job_id", String(32), primary_key=True, server_default=""),
    Column("count", Integer, nullable=False),
    # Of those whose annual Sharpe ratio is known: how many, their mean, the sum of squared deviations from it.
    Column("known", Integer, nullable=False, server_default="0"),
    Column("mean", Double, nullable=False, server_default="0"),
    Column("squares", Double, nullable=False, server_default="0"),
    Column("made_at", Double, nullable=False),
)

# How far whoever follows a channel of events has come; moved in the transaction that writes what follows from them.
cursors = Table(
    "cursors",
    metadata,
    Column("name", String(160), primary_key=True),
    Column("seq", Integer, nullable=False),
)

# What owners changed of the built-in rules of alerts (the fields that they gave), and rules of their own.
alert_rules = Table(
    "alert_rules",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("rule_id", String(64), primary_key=True),
    Column("rule", JSON, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Double, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("rule_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("severity", String(8), nullable=False),  # info | warning | critical
    Column("entity", String(300), nullable=False),
    Column("message", String(1000), nullable=False),
    Column("value", Double),
    Column("threshold", Double),
    Column("status", String(16), nullable=False),  # open | acknowledged | resolved
    Column("data", JSON, nullable=False),
    Column("raised_at", Double, nullable=False),
    Column("acknowledged_at", Double),
    Column("acknowledged_by", String(64)),
    Column("resolved_at", Double),
    Index(None, "owner", "raised_at", "id"),
    Index(None, "raised_at"),
)
# Of a rule and an entity at most one alert is not resolved.
Index(
    "uq_alerts_unresolved",
    alerts.c.owner,
    alerts.c.rule_id,
    alerts.c.entity,
    unique=True,
    sqlite_where=text("status <> 'resolved'"),
    postgresql_where=text("status <> 'resolved'"),
)

# Where the alerts of an owner are sent to.
webhooks = Table(
    "webhooks",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("url", String(2000), nullable=False),
    Column("secret", String(200), nullable=False),  # it signs, so it is needed as it is
    Column("severity", String(8), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("changed_at", Double, nullable=False),
)

# What is to be sent: written in the transaction that raises the alert, taken by a lease, tried until it is due no more.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alert_id", String(32), ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("webhook_id", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("status", String(8), nullable=False),  # pending | sent | failed
    Column("attempt", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("lease_until", Double),
    Column("error", String(300)),
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    Index(None, "status", "due_at"),
    Index(None, "alert_id"),
)

# The paper book. Every configuration that it was given; without one the default stands, as version 0.
book_versions = Table(
    "book_versions",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("strategies", JSON, nullable=False),  # "all", or [{strategy_id, weight}]
    Column("capital", Double, nullable=False),
    Column("start_date", String(10)),
    Column("config", JSON, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Double, nullable=False),
)

# One row: how many marks there are, and what the next bar depends on, to the last bit.
book_state = Table(
    "book_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("fills", Integer, nullable=False),
    Column("capital", Double, nullable=False),
    Column("live_since", Double, nullable=False),  # the last bar that was there when the book was opened
    Column("seen", JSON, nullable=False),  # by dataset: the time of the last bar that was taken
    Column("state", JSON, nullable=False),
    Column("opened_at", Double, nullable=False),
)

# The book after each bar, in the order in which the bars were taken.
book_marks = Table(
    "book_marks",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("bar_at", Double, nullable=False),
    Column("years", Double, nullable=False),  # since the mark before: what carry was charged for
    Column("equity", Double, nullable=False),
    Column("cash", Double, nullable=False),
    Column("gross", Double, nullable=False),
    Column("net", Double, nullable=False),
    Column("pnl", Double, nullable=False),
    Column("drawdown", Double, nullable=False),
    Column("quality", String(16), nullable=False),  # real | proxy | synthetic: the worst of its sleeves
    Column("positions", JSON, nullable=False),  # every instrument, in the order in which sums are made
    Column("target", JSON, nullable=False),
    Column("sleeves", JSON, nullable=False),  # what the bar brought each, in money
    Column("book_version", Integer, nullable=False),
    Column("datasets", JSON, nullable=False),  # the version that the bars were read at
    Column("computed_at", Double, nullable=False),
    Index(None, "bar_at"),
)

# The ledger: fills are added and never changed.
book_fills = Table(
    "book_fills",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("mark", Integer, nullable=False),
    Column("bar_at", Double, nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("quantity", Double, nullable=False),
    Column("price", Double, nullable=False),
    Column("commission", Double, nullable=False),
    Column("slippage", Double, nullable=False),
    Column("carry", Double, nullable=False),
    Column("reason", String(16), nullable=False),
    Index(None, "mark"),
)

# Daily reports. The row of a date without an owner is for everybody; what concerns an owner alone is in their row.
reports = Table(
    "reports",
    metadata,
    Column("date", String(10), primary_key=True),
    Column("owner", String(64), primary_key=True),
    Column("start_at", Double, nullable=False),
    Column("end_at", Double, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("sections", JSON, nullable=False),
)

# What the positions after a mark may lose: of the last mark of each step.
book_risk = Table(
    "book_risk",
    metadata,
    Column("mark", Integer, primary_key=True),
    Column("risk", JSON, nullable=False),
)

# Every set of limits that was given; without one the defaults stand, as version 0.
risk_limits = Table(
    "risk_limits",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("limits", JSON, nullable=False),  # by name: a number, or null for none
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Double, nullable=False),
)
