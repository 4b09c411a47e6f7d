"""What strategies were given, what they said, who looks ahead, and how often was searched."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, Index, Integer, String, Table

from app.tables.base import metadata

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
