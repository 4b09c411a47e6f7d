"""One application over a real SQLite store; every test is an owner of its own, so none sees what another one did."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import schema
from app.bus import MemoryBus
from app.catalog import Catalog
from app.depot import depot_of
from app.jobs import Jobs
from app.settings import Settings
from app.shelf import Shelf
from app.store import Output, Store
from app.taskqueue import MemoryQueue
from app.usercode import UserCode
from app.web.factory import create_app
from app.wiring import Services

RUN = "/api/v1/backtest/run"


@dataclass
class Web:
    """An application and one caller of it."""

    app: Flask
    services: Services
    owner: str = field(default_factory=lambda: f"owner-{secrets.token_hex(6)}")
    scopes: tuple[str, ...] = ("read", "run")

    def __post_init__(self) -> None:
        self.key = self.services.store.access.create_key(self.owner, self.scopes)

    def call(self, method: str, path: str, *, key: str | None = "", **options: Any) -> TestResponse:
        """A request with the caller's key; `key=None` sends none."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.key}"
        with self.app.test_client(use_cookies=False) as client:
            return client.open(path, method=method, headers=headers, buffered=True, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, **({"json": body} if body is not None else {}), **options)

    def run(self, **body: Any) -> str:
        """Queue a backtest and give its job's id."""
        reply = self.post(f"{RUN}?fresh=true", {"strategy_id": "sma_cross", **body})
        assert reply.status_code == 202, reply.text
        return str(reply.get_json()["job_id"])

    def start(self, **body: Any) -> str:
        """A running job."""
        job_id = self.run(**body)
        assert self.services.jobs.claim(job_id, lease_owner="test")
        return job_id

    def succeed(self, job_id: str, *, result: dict[str, Any] | None = None, **tables: pa.Table) -> None:
        """Do as a worker that claims the job and finishes it."""
        claim = self.services.jobs.claim(job_id, lease_owner="test")
        assert claim
        tables = {"equity": equity_table(), "trades": trades_table()} | tables
        parts = {name: parquet(table) for name, table in tables.items()}
        told = document(dict(claim.request)) | (result or {})
        assert self.services.jobs.finish(claim, Output(told, "f" * 64, parts, 12.5)) == "succeeded"

    def fail(self, job_id: str) -> None:
        claim = self.services.jobs.claim(job_id, lease_owner="test")
        assert claim
        self.services.jobs.fail(claim, {"code": "strategy_error", "message": "sma_cross raised ValueError: no"})

    def finished(self, **body: Any) -> str:
        job_id = self.run(**body)
        self.succeed(job_id)
        return job_id

    def other(self, *scopes: str) -> Web:
        """Somebody else at the same application."""
        return Web(self.app, self.services, scopes=scopes or ("read", "run"))


def document(request: dict[str, Any]) -> dict[str, Any]:
    """A result as the worker stores it."""
    return {
        "request": request,
        "conventions": {"fill": request["config"]["fill"], "periods_per_year": 252.0, "sharpe": "arithmetic"},
        "provenance": {"engine_version": request["engine_version"], "source": "a test", "result_hash": "f" * 64},
        "metrics": {"total_return": 0.25, "sharpe": 1.5, "alpha": None},
        "monthly_returns": [{"month": "2020-01", "return": 0.01}],
        "yearly_returns": [{"year": "2020", "return": 0.01}],
        "top_drawdowns": [],
        "trades_summary": {"total": 2, "open": 1},
        "warnings": [],
        "bars": 4,
    }


def equity_table(values: tuple[float, ...] = (100.0, 110.0, 99.0, 125.0)) -> pa.Table:
    count = len(values)
    peak = [max(values[: row + 1]) for row in range(count)]
    return pa.table(
        {
            "time": pa.array([86_400_000 * row for row in range(count)], pa.timestamp("ms", "UTC")),
            "value": pa.array(values, pa.float64()),
            "drawdown": pa.array([value / top - 1 for value, top in zip(values, peak, strict=True)], pa.float64()),
            "exposure": pa.array([1.0] * count, pa.float64()),
            "cash": pa.array([0.0] * count, pa.float64()),
            "rolling_sharpe": pa.array([float("nan")] * count, pa.float64()),
            "rolling_volatility": pa.array([float("nan")] * count, pa.float64()),
            "rolling_beta": pa.array([float("nan")] * count, pa.float64()),
        }
    )


def trades_table(symbols: tuple[str, ...] = ("EURUSD", "EURUSD")) -> pa.Table:
    count = len(symbols)
    times = [86_400_000 * row for row in range(count)]
    return pa.table(
        {
            "symbol": pa.array(symbols, pa.string()),
            "entry_time": pa.array(times, pa.timestamp("ms", "UTC")),
            "exit_time": pa.array([*times[:-1], None][:count], pa.timestamp("ms", "UTC")),
            "exit_price": pa.array([*([1.5] * (count - 1)), None][:count], pa.float64()),
            "pnl": pa.array([-2.5] * count, pa.float64()),
            "bars_held": pa.array([3] * count, pa.int64()),
        }
    )


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


@pytest.fixture(scope="session")
def make_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Services]]:
    """Makes services over a new store, with the bus and the queue of one process."""
    shipped = Catalog.standard()._fixed
    made: list[Services] = []

    def make(**settings: Any) -> Services:
        home: Path = tmp_path_factory.mktemp("home")
        chosen = Settings.from_env({}, home=home, **settings)
        store, bus, queue = Store(chosen.database_url), MemoryBus(), MemoryQueue()
        schema.upgrade(store)
        jobs = Jobs(store, bus, queue, max_queued=chosen.max_queued, max_daily=chosen.max_daily)
        own = UserCode(chosen.strategy_folders, required=False)
        shelf = Shelf(user_code=own, expressions=store.expressions)
        found = Catalog.standard(depot=depot_of(chosen), bars_dir=chosen.bars_dir)
        found.__dict__["_fixed"] = shipped  # read once for all of them
        made.append(Services(chosen, store, bus, queue, found, jobs, shelf))
        return made[-1]

    yield make
    for services in made:
        services.close()


@pytest.fixture(scope="session")
def shared(make_services: Callable[..., Services]) -> Web:
    # Tests that make requests up by the thousand share it: see `test_limits` for what else would happen.
    services = make_services(api_threads=12, rate_reads=0, rate_writes=0, rate_uploads=0, rate_failures=0)
    return Web(create_app(services), services)


@pytest.fixture
def web(shared: Web) -> Web:
    """The shared application, as seen by a new owner."""
    return shared.other()


@pytest.fixture
def make_web(make_services: Callable[..., Services]) -> Callable[..., Web]:
    """Makes an application of the test's own, with other settings."""

    def make(**settings: Any) -> Web:
        services = make_services(**settings)
        return Web(create_app(services), services)

    return make


@pytest.fixture(scope="session")
def make_trades() -> Callable[[tuple[str, ...]], pa.Table]:
    """Makes a table of trades in some symbols; the last one is open."""
    return trades_table
