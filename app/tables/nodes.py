"""The processes that keep the platform going."""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, String, Table

from app.tables.base import metadata

# A row for each process of a role. Who has ended removes it; of one that was killed it falls silent.
nodes = Table(
    "nodes",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("role", String(16), nullable=False),  # worker | supervisor | api | relay
    Column("host", String(255), nullable=False),
    Column("version", String(32), nullable=False),  # of the engine
    Column("concurrency", Integer, nullable=False),  # jobs at once; 0 where it runs none
    Column("moves", Integer, nullable=False),  # doorbells heard, rounds made, requests answered
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("moved_at", Double, nullable=False),  # when `moves` grew
)
