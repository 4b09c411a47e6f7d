"""The Python client.

from app.client import Client

job = Client().backtest("sma_cross", params={"fast": 10, "slow": 50}, dataset="fx_daily", symbols=["EURUSD"])
print(job.wait().result().metrics["sharpe"])
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.client.channels import Channels, Filter, LiveEvent, Place, channels_of
from app.client.connection import Connection
from app.client.errors import ApiError, ClientError, JobFailed, StillRunning, Unreachable
from app.client.jobs import Job, Result

if TYPE_CHECKING:
    from app.client.asynchronous import AsyncClient, AsyncJob
    from app.client.live import Listener

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncJob",
    "Client",
    "ClientError",
    "Job",
    "JobFailed",
    "LiveEvent",
    "Result",
    "StillRunning",
    "Unreachable",
]


def __getattr__(name: str) -> Any:
    if name in ("AsyncClient", "AsyncJob"):  # it is made of this module's client
        from app.client import asynchronous

        return getattr(asynchronous, name)
    raise AttributeError(name)


class Client(Connection):
    """A connection to one server.

    Args:
        url: the server; default: QUEUANT_URL, else the server that runs in the home folder.
        api_key: default: QUEUANT_API_KEY, else the key in the home folder.
        home: the home folder; default: QUEUANT_HOME, else ~/.queuant.
        live_url: where sockets are opened, when that is not the server's own address.
    """

    # Backtests and jobs

    def backtest(
        self,
        /,
        strategy_id: str,
        *,
        params: Mapping[str, Any] | None = None,
        dataset: str | None = None,
        symbols: Sequence[str] | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        fresh: bool = False,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Job:
        """Queue a backtest. Raises ApiError when the request is not accepted.

        Args:
            strategy_id: a name from `strategies()`.
            params: parameters of the strategy; what is left out has its default.
            dataset: an id from `datasets()`, or id@version; default, as of `symbols`: the strategy's own.
            fresh: run again even if the same request has been answered before.
            idempotency_key: a repetition with the same key is the same job; default: a new one.
            more: config, initial_capital, benchmark, seed, tags: as in the HTTP API.
        """
        body = {
            "strategy_id": strategy_id,
            "params": dict(params) if params is not None else None,
            "dataset": dataset,
            "symbols": symbols,
            "start_date": start_date,
            "end_date": end_date,
            **more,
        }
        given = {name: value for name, value in body.items() if value is not None}
        return self._queue("/backtest/run", given, fresh=fresh, idempotency_key=idempotency_key)

    def montecarlo(
        self,
        /,
        strategy_id: str,
        *,
        method: str = "stationary",
        fresh: bool = False,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Job:
        """Queue a Monte Carlo around a backtest. Its result has `montecarlo` and, path by path, `paths`.

        Args:
            strategy_id, fresh, idempotency_key: as for `backtest`.
            method: stationary, circular, trades, parameters or costs.
            more: paths, block, horizon, replacement, jitter, stress, ruin, and all fields of a backtest.
        """
        body = {"strategy_id": strategy_id, "method": method, **more}
        given = {name: value for name, value in body.items() if value is not None}
        return self._queue("/backtest/montecarlo", given, fresh=fresh, idempotency_key=idempotency_key)

    def portfolio(
        self,
        /,
        strategies: Sequence[str | Mapping[str, Any]],
        *,
        allocation: str | None = None,
        fresh: bool = False,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Job:
        """Queue several strategies on one account. Raises ApiError when the request is not accepted.

        Args:
            strategies: each an id, or an object of strategy_id, params, dataset, symbols, weight and name.
            allocation: fixed, equal, risk_parity, …; default: fixed where there are weights, else equal.
            fresh, idempotency_key: as of `backtest`.
            more: rebalance, lookback, volatility_target, config, …: as in the HTTP API.
        """
        sleeves = [{"strategy_id": item} if isinstance(item, str) else dict(item) for item in strategies]
        body = {"strategies": sleeves, "allocation": allocation, **more}
        given = {name: value for name, value in body.items() if value is not None}
        return self._queue("/backtest/portfolio", given, fresh=fresh, idempotency_key=idempotency_key)

    def sweep(
        self, /, strategy_id: str, *, fresh: bool = False, idempotency_key: str | None = None, **more: Any
    ) -> Job:
        """Queue a search among parameters. Its result has `sweep`, and every trial is in `trials`.

        Args:
            strategy_id, fresh, idempotency_key: as for `backtest`.
            more: grid, random, bayesian, objective, constraints, each_symbol, top, and all fields of a backtest.
        """
        given = {"strategy_id": strategy_id, **more}
        return self._queue("/backtest/sweep", given, fresh=fresh, idempotency_key=idempotency_key)

    def walkforward(
        self, /, strategy_id: str, *, fresh: bool = False, idempotency_key: str | None = None, **more: Any
    ) -> Job:
        """Queue a search whose trials are chosen on some bars and tested on later ones. Its result has `walkforward`.

        Args:
            strategy_id, fresh, idempotency_key: as for `backtest`.
            more: grid, train_months, test_months, or cpcv, and all else as in the HTTP API.
        """
        given = {"strategy_id": strategy_id, **more}
        return self._queue("/backtest/walkforward", given, fresh=fresh, idempotency_key=idempotency_key)

    def batch(
        self, runs: Sequence[Mapping[str, Any]], *, fresh: bool = False, idempotency_key: str | None = None
    ) -> list[Job]:
        """Queue many backtests: all of them, or none where one is not accepted (ApiError says which and why).

        Args:
            runs: each a request as in the HTTP API: strategy_id, params, dataset, symbols, …
            fresh, idempotency_key: as for `backtest`, for all of them.
        """
        body = {"runs": [dict(run) for run in runs]}
        query = {"fresh": "true"} if fresh else None
        key = idempotency_key or uuid.uuid4().hex
        answer = self.api("POST", "/backtest/batch", body=body, query=query, idempotency_key=key)
        return [Job(self, state) for state in answer["jobs"]]

    def job(self, job_id: str) -> Job:
        """A job by its id."""
        return Job(self, self.api("GET", f"/jobs/{job_id}"))

    def jobs(self, /, *, limit: int = 50, **filters: Any) -> list[Job]:
        """The newest jobs; filters as in `GET /jobs` (status, strategy_id, tag, …)."""
        found: list[Job] = []
        for state in self.pages("/jobs", "jobs", query={**filters, "limit": min(limit, 200)}):
            found.append(Job(self, state))
            if len(found) == limit:
                break
        return found

    def compare(
        self, *, job_ids: Sequence[str] | None = None, strategy_ids: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Results side by side; what has none is listed under `missing`."""
        query = {"job_ids": job_ids, "strategy_ids": strategy_ids}
        return dict(self.api("GET", "/backtest/comparison", query=query))

    def events(
        self, channels: Channels, *, since: str = "", filter: Filter | None = None, timeout: float | None = None
    ) -> Iterator[LiveEvent]:
        """What happens on some channels, for ever, each event once and in order across lost connections.

        Events that are lost for good are told as one of the type `resync`. Raises ApiError for what the server
        refuses, Unreachable when no connection comes back for a minute, and StillRunning after `timeout` seconds.

        Args:
            channels: jobs, jobs/<id>, signals, alerts, …: one, several, or a mapping of each to its filter.
            since: the `position` of an event that was heard before; default: from now on.
            filter: strategy, symbol, severity (the least), type; for every one of the channels.
        """
        from app.client.live import Listener  # who only asks the API need not load what sockets take

        listener = Listener(self.live_url, self._transport.key, channels_of(channels, filter), since=since)
        with listener:
            yield from listener.events(timeout)

    async def aevents(
        self, channels: Channels, *, since: str = "", filter: Filter | None = None
    ) -> AsyncGenerator[LiveEvent, None]:
        """The same from asyncio."""
        import asyncio  # a program without it need not load it

        from app.client.alive import listen

        url = await asyncio.to_thread(lambda: self.live_url)
        place = Place(channels_of(channels, filter), since=since)
        async with aclosing(listen(url, self._transport.key, place)) as heard:
            async for event in heard:
                yield event

    def watch(self, job_id: str | None = None, *, timeout: float | None = None) -> Iterator[LiveEvent]:
        """Events of jobs. With a job: its own from the first one on, until it has ended. Without: `events("jobs")`."""
        with self.listen(job_id) as listener:
            for event in listener.events(timeout):
                yield event
                if job_id and event.ended:
                    return

    def listen(self, job_id: str | None = None) -> Listener:
        """A subscription that can be opened before the jobs it is about are queued."""
        from app.client.live import Listener

        channel = f"jobs/{job_id}" if job_id else "jobs"
        missed = (lambda seq: self.past_events(job_id, after=seq)) if job_id else None
        return Listener(self.live_url, self._transport.key, channel, missed=missed)

    def past_events(self, job_id: str, *, after: int = 0) -> list[LiveEvent]:
        """The stored events of a job after a sequence number."""
        answer = self.api("GET", f"/jobs/{job_id}/events", query={"since": after})
        return [LiveEvent.of(event) for event in answer["events"]]

    # What there is to run

    def strategies(self) -> list[dict[str, Any]]:
        return list(self.api("GET", "/strategies")["strategies"])

    def strategy(self, strategy_id: str) -> dict[str, Any]:
        """One strategy with the JSON Schema of its parameters."""
        return dict(self.api("GET", f"/strategies/{strategy_id}"))

    def signals(self, strategy_id: str | None = None, *, days: int | None = None) -> dict[str, Any]:
        """What all strategies said last (`signals`), and which have not spoken (`missing`); or what one has said.

        Args:
            days: 1 to 365: of one strategy everything that it said in the days up to its newest signal.
        """
        if strategy_id is None:
            return dict(self.api("GET", "/signals/latest"))
        part = "latest" if days is None else "history"
        return dict(self.api("GET", f"/strategies/{strategy_id}/signal/{part}", query={"days": days}))

    def book(self, /, part: str = "current", **query: Any) -> dict[str, Any]:
        """The paper book: `current`, `target`, `attribution`, `history`, `trades`, or how it is made up (`book`).

        Args:
            query: days, points, limit, cursor: as in the HTTP API.
        """
        return dict(self.api("GET", f"/portfolio/{part}", query=query))

    def close_book(self) -> None:
        """Close the paper book: its ledger is removed, and the next step opens a new one."""
        self.api("DELETE", "/portfolio/book")

    def set_book(self, /, strategies: str | Sequence[str | Mapping[str, Any]] = "all", **more: Any) -> dict[str, Any]:
        """Make up the paper book otherwise, from the next bar on.

        Args:
            strategies: ids, objects of strategy_id and weight, or "all".
            more: capital, start_date, config: as in the HTTP API; what is left out has its default.
        """
        listed = strategies
        if not isinstance(strategies, str):
            listed = [{"strategy_id": item} if isinstance(item, str) else dict(item) for item in strategies]
        return dict(self.api("PUT", "/portfolio/book", body={"strategies": listed, **more}))

    def risk(self, /, part: str = "var", **query: Any) -> dict[str, Any]:
        """What the paper book may lose: `var`, `stress`, or what it uses of its `limits`.

        Args:
            query: horizon: as in the HTTP API.
        """
        return dict(self.api("GET", f"/risk/{part}", query=query))

    def set_limits(self, /, **limits: float | None) -> dict[str, Any]:
        """Set the limits of the paper book: all of them, what is left out has its default, None is no limit."""
        return dict(self.api("PUT", "/risk/limits", body=limits))

    def alerts(self, /, **query: Any) -> dict[str, Any]:
        """What asked for attention, newest first: `alerts`, and the cursor of the `next` page.

        Args:
            query: status, severity, kind, rule_id, strategy_id, since, limit, cursor: as in the HTTP API.
        """
        return dict(self.api("GET", "/alerts", query=query))

    def acknowledge(self, alert_id: str, *, note: str | None = None) -> dict[str, Any]:
        """Say that somebody has seen an alert, and what is known or done about it."""
        body = None if note is None else {"note": note}
        return dict(self.api("POST", f"/alerts/{alert_id}/ack", body=body))

    def report(self, date: str | None = None, *, make: bool = False) -> dict[str, Any]:
        """The daily report of a date, or the newest one; with `make` it is made where nobody has."""
        return dict(self.api("POST" if make else "GET", "/reports/daily", query={"date": date}))

    def post_expression(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Put a strategy that is data on the shelf, or its next version: `{name, params, entry, exit}`."""
        return dict(self.api("POST", "/strategies/expressions", body=dict(spec)))

    def datasets(self) -> list[dict[str, Any]]:
        return list(self.api("GET", "/datasets")["datasets"])

    def upload(
        self,
        /,
        path: str | Path,
        *,
        name: str,
        progress: Callable[[int, int], None] | None = None,
        **meaning: str,
    ) -> dict[str, Any]:
        """Send a CSV or Parquet file as a dataset, and get its id, version and what was found in it.

        Args:
            path: the file; it is read while it is sent.
            name: becomes the id.
            progress: called with the bytes that were sent and their total.
            meaning: frequency, calendar, units, source, licence, quality: as in the HTTP API.
        """
        with Path(path).open("rb") as file:
            return dict(self._transport.upload("/datasets", file, {"name": name, **meaning}, progress))

    def sources(self) -> list[dict[str, Any]]:
        """Sources of data, with what they have and whether the package that asks them is installed."""
        return list(self.api("GET", "/datasets/sources")["sources"])

    def fetch(self, /, source: str, items: Sequence[str], *, name: str, fresh: bool = False, **more: Any) -> Job:
        """Queue a job that fetches symbols or series from a source; its result names the dataset that it made.

        Args:
            source: an id from `sources()`.
            items: symbols or series of it.
            name: id of the dataset; a new version where there is one.
            fresh: ask again even if the same request has succeeded today.
            more: start_date, end_date, params, tags: as in the HTTP API.
        """
        body = {"source": source, "items": list(items), "name": name, **more}
        return self._queue("/datasets/fetch", body, fresh=fresh)

    def compose(
        self,
        /,
        name: str,
        datasets: Sequence[str],
        *,
        rename: Mapping[str, str] | None = None,
        fresh: bool = False,
        **more: Any,
    ) -> Job:
        """Queue a job that makes a dataset to trade of the series of others; its result names the dataset.

        Args:
            name: id of the dataset; a new version where there is one.
            datasets: ids from `datasets()`, or id@version.
            rename: new names of series and symbols, by the old ones.
            fresh: compose again even if the same request has succeeded before.
            more: tags: as in the HTTP API.
        """
        body = {"name": name, "datasets": list(datasets), "rename": dict(rename or {}), **more}
        return self._queue("/datasets/compose", body, fresh=fresh)

    # The API below

    def _queue(self, path: str, body: Mapping[str, Any], *, fresh: bool, idempotency_key: str | None = None) -> Job:
        """A new job, or the one that an equal request or the same key has made before."""
        query = {"fresh": "true"} if fresh else None
        key = idempotency_key or uuid.uuid4().hex
        return Job(self, self.api("POST", path, body=body, query=query, idempotency_key=key))
