"""A plain broadcast as FastAPI's documentation shows one: every client in a set, every event sent to each in turn.

It runs in an environment of its own (`bench.relay` makes it) and imports nothing of this project.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

TOPIC = "bt:events"
clients: set[WebSocket] = set()


async def listen() -> None:
    async with redis.asyncio.from_url(os.environ["REDIS_URL"], decode_responses=True).pubsub() as ear:
        await ear.subscribe(TOPIC)
        async for message in ear.listen():
            if message["type"] == "message":
                text = message["data"].split("\n", 2)[2]
                for client in list(clients):
                    await client.send_text(text)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(listen())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws/jobs")
async def jobs(client: WebSocket) -> None:
    await client.accept()
    await client.send_text('{"type":"hello"}')
    clients.add(client)
    try:
        while True:
            await client.receive_text()
    except WebSocketDisconnect:
        return
    finally:
        clients.discard(client)


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(os.environ["QUEUANT_RELAY_PORT"]),
        log_level="error",
        ws_per_message_deflate="BENCH_DEFLATE" in os.environ,
    )
