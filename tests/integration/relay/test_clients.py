"""The Python client at a running server: several channels, filters, and a position that is gone on from."""

from __future__ import annotations

import asyncio

import pytest

from app.client import ApiError, Client
from app.events import SIGNALS


def say_signal(live, symbol):
    with live.services.store.database.write() as tx:
        data = {"strategy_id": "sma_cross", "symbol": symbol}
        event = live.services.store.events.append(tx, SIGNALS, "signal_update", data)
    live.services.bus.publish(event)


@pytest.fixture
def client(live, tmp_path):
    base = f"127.0.0.1:{live.port}"
    with Client(f"http://{base}", live.key, home=tmp_path, live_url=f"ws://{base}") as client:
        yield client


def test_several_channels_are_heard_each_through_its_filter_and_gone_on_from(live, client):
    # Whoever has a position is sent what came after it, so nothing here depends on who is faster.
    log = live.services.store.events
    start = f"{log.epoch}:jobs={log.head(f'jobs:{live.owner}')},signals={log.head(SIGNALS)}"
    live.say(1)
    for symbol in ("EURUSD", "USDJPY", "EURUSD"):
        say_signal(live, symbol)
    wanted = {"jobs": None, "signals": {"symbol": "EURUSD", "strategy": "sma_cross"}}
    stream = client.events(wanted, since=start, timeout=20)
    heard = [next(stream) for _ in range(3)]
    stream.close()
    assert sorted(event.type for event in heard) == ["job_queued", "signal_update", "signal_update"]
    assert {event.data["symbol"] for event in heard if event.channel == "signals"} == {"EURUSD"}
    live.say(1)
    again = client.events(wanted, since=heard[-1].position, timeout=20)
    assert (next(again).channel, again.close()) == ("jobs", None)


def test_asyncio_hears_the_same(live, client):
    async def take(count):
        log = live.services.store.events
        stream = client.aevents(["jobs"], since=f"{log.epoch}:jobs=0", filter={"type": "job_queued"})
        found = [await anext(stream) for _ in range(count)]
        await stream.aclose()
        return [event.seq for event in found]

    live.say(3)
    assert asyncio.run(asyncio.wait_for(take(3), 20)) == [1, 2, 3]


def test_what_the_server_refuses_says_what_was_meant(client):
    with pytest.raises(ApiError) as caught:
        next(client.events("jobs", filter={"typ": "job_queued"}))
    assert (caught.value.status, caught.value.code, caught.value.nearest) == (422, "unknown_filter", "type")
    with pytest.raises(ApiError) as caught:
        next(client.events(["jobs", "signal"]))
    assert (caught.value.code, caught.value.nearest) == ("unknown_channel", "signals")
