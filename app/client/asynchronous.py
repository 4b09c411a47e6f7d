"""The client for asyncio: the same calls to await, made in threads, so that the loop never waits for a server.

async with AsyncClient() as client:
    jobs = [await client.backtest("sma_cross", params={"fast": fast}) for fast in (5, 10, 20)]
    results = await asyncio.gather(*(job.result() for job in jobs))
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from app.client import Client
from app.client.channels import LiveEvent
from app.client.jobs import Job, Pauses, Result
from app.client.telling import Progress, teller

P = ParamSpec("P")
T = TypeVar("T")


def _asked(method: Callable[Concatenate[Client, P], T]) -> Callable[Concatenate[AsyncClient, P], Awaitable[T]]:
    """A method of `Client` to await."""

    @functools.wraps(method)
    async def asked(client: AsyncClient, /, *args: P.args, **given: P.kwargs) -> T:
        return await asyncio.to_thread(method, client.sync, *args, **given)

    return asked


def _queued(
    method: Callable[Concatenate[Client, P], Job],
) -> Callable[Concatenate[AsyncClient, P], Awaitable[AsyncJob]]:
    """A method of `Client` that gives a job, to await."""

    @functools.wraps(method)
    async def queued(client: AsyncClient, /, *args: P.args, **given: P.kwargs) -> AsyncJob:
        return AsyncJob(await asyncio.to_thread(method, client.sync, *args, **given))

    return queued


class AsyncClient:
    """A `Client` whose calls are awaited; arguments, answers and errors are the same.

    Args:
        given: as for `Client`.
    """

    def __init__(self, *args: Any, **given: Any) -> None:
        self.sync = Client(*args, **given)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sync.close()

    backtest = _queued(Client.backtest)
    montecarlo = _queued(Client.montecarlo)
    portfolio = _queued(Client.portfolio)
    sweep = _queued(Client.sweep)
    walkforward = _queued(Client.walkforward)
    fetch = _queued(Client.fetch)
    compose = _queued(Client.compose)
    job = _queued(Client.job)

    acknowledge = _asked(Client.acknowledge)
    alerts = _asked(Client.alerts)
    api = _asked(Client.api)
    book = _asked(Client.book)
    close_book = _asked(Client.close_book)
    compare = _asked(Client.compare)
    datasets = _asked(Client.datasets)
    past_events = _asked(Client.past_events)
    post_expression = _asked(Client.post_expression)
    report = _asked(Client.report)
    risk = _asked(Client.risk)
    set_book = _asked(Client.set_book)
    set_limits = _asked(Client.set_limits)
    signals = _asked(Client.signals)
    sources = _asked(Client.sources)
    strategies = _asked(Client.strategies)
    strategy = _asked(Client.strategy)
    upload = _asked(Client.upload)

    async def batch(self, *args: Any, **given: Any) -> list[AsyncJob]:
        """As `Client.batch`."""
        return [AsyncJob(job) for job in await asyncio.to_thread(self.sync.batch, *args, **given)]

    async def jobs(self, *, limit: int = 50, **filters: Any) -> list[AsyncJob]:
        """As `Client.jobs`."""
        return [AsyncJob(job) for job in await asyncio.to_thread(self.sync.jobs, limit=limit, **filters)]

    async def events(self, *args: Any, **given: Any) -> AsyncIterator[LiveEvent]:
        """As `Client.aevents`."""
        async with aclosing(self.sync.aevents(*args, **given)) as heard:
            async for event in heard:
                yield event


class AsyncJob:
    """A `Job` to await; `sync` is the job itself."""

    def __init__(self, job: Job) -> None:
        self.sync = job

    def __repr__(self) -> str:
        return f"<AsyncJob {self.id} {self.status}>"

    @property
    def id(self) -> str:
        return self.sync.id

    @property
    def state(self) -> dict[str, Any]:
        """What the server last said."""
        return self.sync.state

    @property
    def status(self) -> str:
        return self.sync.status

    async def refresh(self) -> AsyncJob:
        await asyncio.to_thread(self.sync.refresh)
        return self

    async def wait(self, timeout: float | None = None, *, progress: Progress | bool = False) -> AsyncJob:
        """Wait until the job has succeeded, as `Job.wait` does; other tasks go on meanwhile."""
        pauses = Pauses(self.sync, timeout)
        with teller(progress) as tell:
            while not self.sync.ended:
                await asyncio.sleep(pauses.next())
                await self.refresh()
                tell(self.sync.state)
        self.sync.require_success()
        return self

    async def result(self, *tables: str) -> Result:
        """Wait for the job, and its result.

        Args:
            tables: of them (`equity`, `trades`, `positions`, …) what is to be read at once. Whatever else is asked of
                the result later is read then, and the loop waits for it.
        """
        await self.wait()
        result = await asyncio.to_thread(self.sync.result)
        for name in tables:
            await asyncio.to_thread(getattr, result, name)
        return result

    async def cancel(self) -> AsyncJob:
        await asyncio.to_thread(self.sync.cancel)
        return self

    async def retry(self) -> AsyncJob:
        return AsyncJob(await asyncio.to_thread(self.sync.retry))

    async def reproduce(self) -> AsyncJob:
        return AsyncJob(await asyncio.to_thread(self.sync.reproduce))

    async def events(self) -> list[LiveEvent]:
        return await asyncio.to_thread(self.sync.events)
