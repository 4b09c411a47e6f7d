"""Ports: take the next free one where nobody asked for one, and say who holds the one that was asked for."""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path

from app.errors import StartRefused

_TRIES = 100


def choose(host: str, port: int, *, asked: bool, option: str) -> int:
    """`port` if it is free. Otherwise the next free one, or StartRefused when this very port was asked for."""
    last = port if asked else min(port + _TRIES, 65535)
    for candidate in range(port, last + 1):
        if is_free(host, candidate):
            return candidate
    holder = who_holds(port)
    raise StartRefused(
        f"Port {port} on {host} is taken{f' by {holder}' if holder else ''}. "
        f"Stop that program or choose another port with {option}."
    )


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there. Raises StartRefused for an address that is not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do it: connections of a stopped server that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise StartRefused(f"'{host}' is not an address of this machine.") from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise StartRefused(f"'{host}' is not an address of this machine.") from error
            if error.errno == errno.EACCES:
                raise StartRefused(f"Port {port} needs more rights than this user has.") from error
            return False
        return True


def any_free(host: str = "127.0.0.1") -> int:
    """A free port that the system chooses."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def who_holds(port: int) -> str | None:
    """The process that listens on a port, as far as this user may see it (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if sockets and any(_leads_to(link, sockets) for link in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
        except OSError:
            continue  # gone meanwhile, or another user's
    return None


def _leads_to(link: Path, sockets: set[str]) -> bool:
    try:
        return str(link.readlink()) in sockets
    except FileNotFoundError:  # closed since the folder was listed
        return False


def _listening(port: int) -> list[str]:
    rows = [line.split() for table in ("tcp", "tcp6") for line in _table(table)]
    return [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]


def _table(name: str) -> list[str]:
    path = Path("/proc/net") / name
    return path.read_text().splitlines()[1:] if path.exists() else []
