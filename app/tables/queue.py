"""Jobs and what they leave; events; keys and tickets."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, ForeignKey, Index, Integer, LargeBinary, String, Table, text

from app.tables.base import metadata

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
    Column("lease_owner", String(128)),  # node/task
    Column("lease_until", Double),
    Column("cancel_at", Double),
    Column("rung_at", Double, nullable=False),
    Column("queued_at", Double),  # since when it waits, or last waited
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
    Index(None, "owner", "started_at"),
    Index(None, "finished_at"),
)
# Whose turn it is (`app.store.turns`), and how many jobs of an owner wait.
Index(
    "ix_jobs_waiting",
    jobs.c.queue,
    jobs.c.owner,
    jobs.c.created_at,
    jobs.c.id,
    sqlite_where=text("status = 'queued'"),
    postgresql_where=text("status = 'queued'"),
)
# How long the oldest of a queue has waited.
Index(
    "ix_jobs_waits",
    jobs.c.queue,
    jobs.c.queued_at,
    sqlite_where=text("status = 'queued'"),
    postgresql_where=text("status = 'queued'"),
)
Index(
    "ix_jobs_queued",
    jobs.c.owner,
    sqlite_where=text("status = 'queued' AND parent_id IS NULL"),
    postgresql_where=text("status = 'queued' AND parent_id IS NULL"),
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
    Column("label", String(100)),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),  # none: never
    Column("last_used_at", Double),  # to the minute
    Column("revoked_at", Double),
)

# How many jobs each owner has had queued on the last day (since 1970) on which there were any.
quotas = Table(
    "quotas",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("jobs", Integer, nullable=False),
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
    Column("key_id", String(16)),  # the key that it stands for, with which it ends; none: it came from no key
)

# One row: the epoch names this event log, so that a client can tell a restored database from the one it knew.
log_epoch = Table("log_epoch", metadata, Column("epoch", String(32), primary_key=True))
