"""The paper book, what it may lose, and the reports of days."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, Index, Integer, String, Table

from app.tables.base import metadata

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
    Column("breaker", JSON),
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
