"""Listening from asyncio: what `live` does, without a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from app.client.channels import HELLO_SECONDS, LiveEvent, Patience, Place, handshake, refusal
from app.client.errors import Unreachable


async def listen(url: str, key: str, place: Place) -> AsyncGenerator[LiveEvent]:
    """Every event from now on, across lost connections. Raises ApiError and Unreachable.

    Args:
        url: where sockets are opened (ws:// or wss://).
        key: the API key.
        place: the channels, without a log.
    """
    patience = Patience(url)
    was_open = False
    while True:
        async with AsyncExitStack() as held:
            try:
                socket, greeted = await _opened(url, key, place, held)
                was_open = True
                patience.opened()
                for event in greeted:
                    yield event
                while True:
                    text = await socket.recv()
                    patience.heard()
                    for event in _events(place, text):
                        yield event
            except (ConnectionClosed, Unreachable) as error:
                if not was_open:
                    raise
                pause = patience.pause_after(error)
        await asyncio.sleep(pause)


async def _opened(url: str, key: str, place: Place, held: AsyncExitStack) -> tuple[ClientConnection, list[LiveEvent]]:
    """A socket on which every channel was greeted, and what came with that."""
    try:
        socket = await held.enter_async_context(connect(place.address(url), **handshake(url, key)))
    except InvalidStatus as error:
        raise refusal(error, url) from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise Unreachable(f"No relay answers at {url}: {error}") from error
    found: list[LiveEvent] = []
    try:
        for pause, request in place.requests():
            await asyncio.sleep(pause)
            await socket.send(request)
        while not place.is_greeted:
            found += _events(place, await asyncio.wait_for(socket.recv(), HELLO_SECONDS))
    except (ConnectionClosed, TimeoutError) as error:
        raise Unreachable(f"The relay at {url} does not greet: {error}") from error
    return socket, found


def _events(place: Place, text: str | bytes) -> list[LiveEvent]:
    return [item for item in place.take(text) if isinstance(item, LiveEvent)]
