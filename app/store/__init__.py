"""The store: everything that must survive. The only place that speaks SQL.

Store
├── jobs         Lifecycle: the compare-and-set statements of the job state machine
├── families     Families: jobs that are done in chunks
├── nodes        Nodes: who keeps the platform going
├── read         Queries: jobs, results, artifacts
├── events       EventLog: append, since, heads
├── expressions  Expressions: strategies that were posted as data
├── verdicts     Verdicts: who looks ahead
├── params       Parameters: what strategies were given by PUT
├── book         PaperBook: the paper book
├── reports      Reports: the report of each day
├── retention    Retention: what is deleted when it is old
├── risk         Risk: what it may lose, and its limits
├── tried        Tried: how many trials were made
├── signals      Signals: what strategies said
├── alerts       Alerts: what asked for attention
├── rules        AlertRules: which rules owners changed
├── deliveries   Deliveries: where alerts are sent, and what is still to be sent
└── access       Access: API keys and tickets
"""

from __future__ import annotations

from collections.abc import Callable

from app.store.access import Access, Caller
from app.store.alerts import AlertFilter, Alerts
from app.store.database import Database
from app.store.deliveries import Deliveries
from app.store.events import EventLog
from app.store.expressions import Expressions
from app.store.families import Families
from app.store.lifecycle import Lifecycle
from app.store.news import TERMINAL
from app.store.nodes import Node, Nodes
from app.store.paper import PaperBook
from app.store.parameters import Parameters
from app.store.queries import JobFilter, Queries
from app.store.records import Change, Chunk, Idempotency, NewJob, Output, Rest
from app.store.reports import Reports
from app.store.retention import Retention
from app.store.risk import Risk
from app.store.rules import AlertRules
from app.store.signals import Signals
from app.store.tried import Tried
from app.store.verdicts import Verdicts

__all__ = [
    "TERMINAL",
    "AlertFilter",
    "Caller",
    "Change",
    "Chunk",
    "Idempotency",
    "JobFilter",
    "NewJob",
    "Node",
    "Output",
    "Rest",
    "Store",
]


class Store:
    """Repositories over one database.

    Args:
        url: an SQLAlchemy URL of SQLite or PostgreSQL whose tables exist (`queuant db upgrade`).
        clock: replaces the database's clock, for tests that must move time.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        self.database = Database(url, clock=clock)
        self.events = EventLog(self.database)
        self.families = Families(self.database, self.events)
        self.jobs = Lifecycle(self.database, self.events, self.families)
        self.nodes = Nodes(self.database)
        self.read = Queries(self.database)
        self.verdicts = Verdicts(self.database)
        self.params = Parameters(self.database)
        self.signals = Signals(self.database)
        self.alerts = Alerts(self.database, self.events)
        self.rules = AlertRules(self.database)
        self.deliveries = Deliveries(self.database)
        self.book = PaperBook(self.database, self.events)
        self.reports = Reports(self.database)
        self.retention = Retention(self.database)
        self.risk = Risk(self.database)
        self.tried = Tried(self.database)
        self.access = Access(self.database)
        self.expressions = Expressions(self.database)

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self.database.time()

    def ping(self) -> None:
        """Raise StoreUnavailable unless the database answers."""
        self.database.ping()

    def after_fork(self) -> None:
        self.database.after_fork()

    def close(self) -> None:
        self.database.close()
