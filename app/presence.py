"""Says every few seconds that this process is there, and how much it has done: who watches sees progress, not a pid."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.errors import StoreUnavailable
from app.store import Node, Store
from engine.version import ENGINE_VERSION

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
# Who was not heard of for so long is gone, or cannot speak.
SILENT_SECONDS = 15.0
_AGAIN_SECONDS = 1.0


def new_node(role: str, *, concurrency: int = 0) -> Node:
    """A name that no other process has."""
    host = socket.gethostname()
    return Node(f"{host[:64]}-{uuid.uuid4().hex[:12]}", role, host[:255], ENGINE_VERSION, concurrency)


@contextmanager
def presence(
    store: Store, node: Node, moves: Callable[[], int], *, every: float = BEAT_SECONDS, waits: bool = True
) -> Iterator[None]:
    """A thread that beats for the length of a `with` block; at its end the node is gone.

    `moves` counts what the process has done, so that one that stands still can be told from one that has nothing to do.
    One that does not wait for others who write tries again a little later: where threads are greenlets, a wait inside
    of SQLite would be one of the whole process.
    """
    ended, talks = threading.Event(), threading.Lock()
    # A process that is forked in the midst of a write to SQLite would undo it in the memory that both share.
    os.register_at_fork(before=talks.acquire, after_in_parent=talks.release, after_in_child=talks.release)

    def beat() -> None:
        while True:
            with talks:
                done = _told(lambda: store.nodes.beat(node, moves(), waits=waits), quietly=not waits)
            if ended.wait(every if done or waits else min(every, _AGAIN_SECONDS)):
                return

    thread = threading.Thread(target=beat, name="presence", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _told(lambda: store.nodes.leave(node.name))


def _told(say: Callable[[], None], *, quietly: bool = False) -> bool:
    try:
        say()
    except StoreUnavailable as error:
        log.log(logging.DEBUG if quietly else logging.WARNING, "cannot be seen: %s", error.message)  # all else goes on
        return False
    return True
