"""Machines with addresses of their own, on one switch, whose cables can be pulled: network namespaces of Linux."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_CLONE_NEWNET = 0x40000000


def why_not() -> str | None:
    """Why this machine can have no such machines; None where it can."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        return "needs Linux, root and the command `ip`"
    name = f"q{secrets.token_hex(4)}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        return "may not make network namespaces"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return None


class Network:
    """Hosts by name. A host whose cable is pulled hears nothing and is not told so, and nobody else is."""

    def __init__(self, *hosts: str) -> None:
        self._prefix = f"q{secrets.token_hex(3)}"
        self._ports = {name: f"p{at}" for at, name in enumerate(hosts, 1)}
        self._switch = f"{self._prefix}-switch"

    def __enter__(self) -> Network:
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "br0", "up")
        for name, port in self._ports.items():
            host = self._namespace(name)
            _ip("netns", "add", host)
            _ip("link", "add", port, "netns", self._switch, "type", "veth", "peer", "name", "eth0", "netns", host)
            _ip("-n", host, "address", "add", f"{self.address(name)}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", host, "link", "set", device, "up")
            _ip("-n", self._switch, "link", "set", port, "up")
            self.plug(name)
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in (*map(self._namespace, self._ports), self._switch):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)

    def address(self, name: str) -> str:
        return f"10.77.0.{10 + list(self._ports).index(name)}"

    def command(self, name: str, *command: str | Path) -> list[str]:
        """The command line that runs a command on a host."""
        return ["ip", "netns", "exec", self._namespace(name), *map(str, command)]

    def plug(self, name: str) -> None:
        _ip("-n", self._switch, "link", "set", self._ports[name], "master", "br0")

    def pull(self, name: str) -> None:
        """From now on nothing that is sent to the host or from it arrives, and no error says so."""
        _ip("-n", self._switch, "link", "set", self._ports[name], "nomaster")

    @contextlib.contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Sockets that this thread opens in the block are the host's."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self._namespace(name)}") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())

    def _namespace(self, name: str) -> str:
        return f"{self._prefix}-{name}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


FORWARDER = """
import asyncio, sys

address, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    to_reader, to_writer = await asyncio.open_unix_connection(path)
    await asyncio.gather(copy(reader, to_writer), copy(to_reader, writer))


async def main():
    server = await asyncio.start_server(serve, address, port)
    await server.serve_forever()


asyncio.run(main())
"""
