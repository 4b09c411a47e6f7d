"""The asynchronous client at a real server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.client import ApiError, AsyncClient, Client, StillRunning
from tests.serving import Server

EURO = {"dataset": "fx_daily", "symbols": ["EURUSD"]}


def test_many_jobs_are_awaited_at_once_and_their_tables_are_there(server: Server) -> None:
    async def program() -> list[Any]:
        async with AsyncClient(home=server.home) as client:
            jobs = [await client.backtest("sma_cross", params={"fast": fast}, **EURO) for fast in (5, 10, 20)]
            results = await asyncio.gather(*(job.result("equity") for job in jobs))
            assert [job.status for job in jobs] == ["succeeded"] * 3
            return results

    for result in asyncio.run(program()):
        assert "equity" in vars(result)  # read already: nothing is asked any more
        assert result.equity["value"].iloc[-1] == pytest.approx(result.metrics["final_equity"], rel=1e-12)


def test_other_tasks_go_on_while_a_job_is_waited_for(server: Server) -> None:
    async def program() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        async with AsyncClient(home=server.home) as client:
            clock = asyncio.create_task(tick())
            job = await client.sweep("sma_cross", fresh=True, grid={"fast": list(range(5, 25))}, **EURO)
            told: list[Any] = []
            await job.wait(progress=told.append)
            clock.cancel()
            assert {event.type for event in await job.events()} >= {"job_queued", "job_succeeded"}
        return ticks

    assert asyncio.run(program()) > 3


def test_what_the_server_refuses_and_what_takes_too_long_is_raised(server: Server) -> None:
    async def program() -> None:
        async with AsyncClient(home=server.home) as client:
            with pytest.raises(ApiError, match="Did you mean 'sma_cross'"):
                await client.backtest("sma_cros")
            job = await client.montecarlo("sma_cross", method="parameters", paths=2000, fresh=True, **EURO)
            with pytest.raises(StillRunning):
                await job.wait(timeout=0.001)
            await job.cancel()

    asyncio.run(program())


def test_every_call_of_the_client_can_be_awaited() -> None:
    own = {"aevents", "watch", "listen", "close", "download", "pages"}  # other words for them, or of one thread
    calls = {name for name, value in vars(Client).items() if callable(value) and not name.startswith("_")} | {"api"}
    assert calls - own <= set(vars(AsyncClient)) | {"events"}


def test_an_asynchronous_client_needs_no_server_to_be_made(tmp_path: Path) -> None:
    assert "127.0.0.1" in AsyncClient(home=tmp_path).sync.url
