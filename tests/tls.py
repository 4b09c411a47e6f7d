"""Certificates that are made for a test, and TLS in front of servers that have none built in."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1, which is its own authority, and a context that shows it."""
    command = shutil.which("openssl") or pytest.skip("openssl, which makes certificates, is not installed")
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    options = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
    options += f" -addext subjectAltName=IP:127.0.0.1 -out {paths[0]} -keyout {paths[1]}"
    subprocess.run([command, *options.split()], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    return paths[0], context


@dataclass
class Tunnel:
    """A port of this machine where TLS ends, in front of a server; and how many bytes clients have said there."""

    port: int = 0
    heard: int = 0


@contextlib.contextmanager
def tunnel(
    context: ssl.SSLContext, connect: Callable[[], Awaitable[Streams]], *, asked_first: bool = False
) -> Iterator[Tunnel]:
    """Put TLS in front of a server.

    Args:
        context: with the certificate to show.
        connect: opens a connection to the server.
        asked_first: whether clients ask in the clear whether there is TLS, as those of PostgreSQL do.
    """
    made, ended = Tunnel(), threading.Event()
    clients: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        clients.add(task)
        task.add_done_callback(clients.discard)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), _held(writer):
            if asked_first:
                await reader.readexactly(8)
                writer.write(b"S")
                await writer.start_tls(context)
            said = await reader.read(65536)
            if said:
                far_reader, far_writer = await connect()
                with _held(far_writer):
                    far_writer.write(said)
                    made.heard += len(said)
                    await _first(_pump(reader, far_writer), _pump(far_reader, writer))

    async def run(ready: threading.Event) -> None:
        async with await asyncio.start_server(take, "127.0.0.1", 0, ssl=None if asked_first else context) as server:
            made.port = server.sockets[0].getsockname()[1]
            ready.set()
            await asyncio.to_thread(ended.wait)
            left = list(clients)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0.01)  # what was aborted closes its socket in the next turn of the loop

    ready = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(run(ready),))
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        ended.set()
        thread.join(10)


@contextlib.contextmanager
def _held(writer: asyncio.StreamWriter) -> Iterator[None]:
    """Whatever becomes of a connection, its socket is closed."""
    try:
        yield
    finally:
        writer.transport.abort()


async def _first(*ways: Coroutine[Any, Any, None]) -> None:
    """Wait until one of them ends, and end the others."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
