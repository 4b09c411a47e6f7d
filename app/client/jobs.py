"""A job and its result, as a program holds them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.client.channels import LiveEvent
from app.client.errors import JobFailed, StillRunning
from app.client.telling import Progress, teller

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from app.client import Client

ENDED = frozenset({"succeeded", "failed", "cancelled"})
_FIRST_POLL_SECONDS = 0.05
_SLOWEST_POLL_SECONDS = 2.0
_GROWTH = 1.4


class Job:
    """One job. It knows what the server last said; `refresh` asks again."""

    def __init__(self, client: Client, state: Mapping[str, Any]) -> None:
        self._client = client
        self.state = dict(state)

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.status}>"

    @property
    def id(self) -> str:
        return str(self.state["job_id"])

    @property
    def status(self) -> str:
        """queued, running, succeeded, failed or cancelled, as last heard."""
        return str(self.state["status"])

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def cached(self) -> bool:
        """Whether an earlier, identical run answered."""
        return bool(self.state.get("cached", False))

    def refresh(self) -> Job:
        """Ask the server for the newest state."""
        self.state |= self._client.api("GET", f"/jobs/{self.id}")
        return self

    def wait(self, timeout: float | None = None, *, progress: Progress | bool = False) -> Job:
        """Wait until the job has succeeded. Raises JobFailed, and StillRunning after `timeout` seconds.

        Args:
            progress: True shows it, as a bar in a terminal and a notebook; a function gets each progress as it changes.
        """
        pauses = Pauses(self, timeout)
        with teller(progress) as tell:
            while not self.ended:
                time.sleep(pauses.next())
                tell(self.refresh().state)
        self.require_success()
        return self

    def require_success(self) -> None:
        """Raise JobFailed when the job has ended otherwise."""
        if self.status != "succeeded":
            raise JobFailed(self.refresh().state)

    def result(self) -> Result:
        """The result of a job that has succeeded. Raises ApiError (409) when there is none."""
        return Result(self._client, self._client.api("GET", f"/jobs/{self.id}/result"))

    def cancel(self) -> Job:
        """Ask the job to stop. A queued one ends at once, a running one within a moment."""
        self.state |= self._client.api("POST", f"/jobs/{self.id}/cancel")
        return self

    def retry(self) -> Job:
        """Queue the same request again, as a new job, when this one has failed or was cancelled."""
        state = self._client.api("POST", f"/jobs/{self.id}/retry", idempotency_key=uuid.uuid4().hex)
        return Job(self._client, state)

    def reproduce(self) -> Job:
        """Queue this job's request again; the new job's result says under `reproduction` whether it gave the same."""
        state = self._client.api("POST", f"/jobs/{self.id}/verify", idempotency_key=uuid.uuid4().hex)
        return Job(self._client, state)

    def events(self) -> list[LiveEvent]:
        """What has happened to the job so far, from the log."""
        return self._client.past_events(self.id)

    def watch(self, timeout: float | None = None) -> Iterator[LiveEvent]:
        """Follow the job over the WebSocket until it has ended."""
        return self._client.watch(self.id, timeout=timeout)


class Pauses:
    """How long to wait before a job is asked for again: longer each time, and never past the timeout."""

    def __init__(self, job: Job, timeout: float | None) -> None:
        self._job = job
        self._timeout = timeout
        self._started = time.monotonic()
        self._pause: float = max(_FIRST_POLL_SECONDS, float(job.state.get("poll_after_ms", 0)) / 1000)

    def next(self) -> float:
        """Seconds. Raises StillRunning when the time is over."""
        pause, self._pause = self._pause, min(self._pause * _GROWTH, _SLOWEST_POLL_SECONDS)
        if self._timeout is None:
            return pause
        left = self._timeout - (time.monotonic() - self._started)
        if left <= 0:
            raise StillRunning(f"Job {self._job.id} is {self._job.status} after {self._timeout:g} s; it goes on.")
        return min(pause, left)


class Result:
    """What a backtest computed, with everything that is needed to compute it again."""

    def __init__(self, client: Client, data: Mapping[str, Any]) -> None:
        self._client = client
        self.data = dict(data)

    def __repr__(self) -> str:
        return f"<Result of job {self.job_id}: {self.request.get('strategy_id') or self.data['kind']}>"

    def _repr_html_(self) -> str:
        from app.client.pictures import summary

        return summary(self)

    def plot(self, picture: str = "equity") -> Figure:
        """A Plotly figure: `equity` over its drawdown, `months`; `surface` of a sweep, `paths` of a Monte Carlo or
        `weights` of a portfolio. Raises UnknownName for a picture that this result does not have.
        """
        from app.client.pictures import plot

        return plot(self, picture)

    def report_html(self) -> bytes:
        """The report as a page of its own, without scripts, to be kept or handed on."""
        return self._client.download(f"/jobs/{self.job_id}/report.html")

    @property
    def job_id(self) -> str:
        return str(self.data["job_id"])

    @property
    def metrics(self) -> dict[str, float | int | None]:
        """The figures; none where no account was run, as by a search whose trials all break its constraints."""
        return dict(self.data.get("metrics", {}))

    @property
    def request(self) -> dict[str, Any]:
        """The request with every default filled in."""
        return dict(self.data["request"])

    @property
    def conventions(self) -> dict[str, Any]:
        """How to read the numbers: fill rule, periods per year, …"""
        return dict(self.data["conventions"])

    @property
    def provenance(self) -> dict[str, Any]:
        """Code, data and seed that made the numbers."""
        return dict(self.data["provenance"])

    @property
    def warnings(self) -> list[str]:
        return list(self.data.get("warnings", []))

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Every bar of the run by time: value, drawdown, exposure, cash, and figures of the last half year."""
        return self._table("equity").set_index("time")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Every trade, one row each."""
        return self._table("trades")

    @cached_property
    def positions(self) -> pd.DataFrame:
        """What was held, a row for each close at which a symbol's units had become others."""
        return self._table("positions")

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Every trial of a sweep, one row each; a column `param:NAME` for each parameter."""
        return self._table("trials").set_index("trial")

    def surface(self, x: str | None = None, y: str | None = None, *, figure: str | None = None) -> pd.DataFrame:
        """Of a sweep: the best value of a figure for each x (columns) and y (rows), by default of its first two
        parameters and its objective. Raises ApiError for names that were not searched.
        """
        import pandas as pd

        query = {"x": x, "y": y, "figure": figure}
        found = self._client.api("GET", f"/jobs/{self.job_id}/surface", query=query)
        names = found["parameters"]
        columns, rows = (pd.Index(found[axis], name=names[axis]) for axis in ("x", "y"))
        frame = pd.DataFrame(found["z"], index=rows, columns=columns)
        frame.attrs["figure"] = found["figure"]
        return frame

    @property
    def montecarlo(self) -> dict[str, Any]:
        """What the paths of a Monte Carlo say: bands, figures, probabilities."""
        return dict(self.data["montecarlo"])

    @property
    def walkforward(self) -> dict[str, Any]:
        """What a walk forward or a cross-validation chose and what became of it: folds, paths, statistics."""
        return dict(self.data["walkforward"])

    @cached_property
    def paths(self) -> pd.DataFrame:
        """The figures of every path of a Monte Carlo, and what was drawn for it, one row each.

        Of a cross-validation the equity of every path, by time.
        """
        table = self._table("paths")
        return table.set_index("time" if "time" in table else "path")

    @cached_property
    def weights(self) -> pd.DataFrame:
        """Of a portfolio: every sleeve's share of the account at every bar."""
        return self._table("weights").pivot(index="time", columns="sleeve", values="weight")

    def _table(self, part: str) -> pd.DataFrame:
        import pyarrow as pa  # it and pandas: a program that only reads metrics need not load them
        import pyarrow.parquet

        content = self._client.download(f"/jobs/{self.job_id}/export", query={"format": "parquet", "part": part})
        # Threads of Arrow's that are still there when the program ends may abort it (apache/arrow#34314).
        table = pyarrow.parquet.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
        frame: pd.DataFrame = table.to_pandas(use_threads=False)
        return frame
