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
from engine import ENGINE_VERSION

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0


def new_node(role: str, *, concurrency: int = 0) -> Node:
    """A name that no other process has."""
    host = socket.gethostname()
    return Node(f"{host[:64]}-{uuid.uuid4().hex[:12]}", role, host[:255], ENGINE_VERSION, concurrency)


@contextmanager
def presence(store: Store, node: Node, moves: Callable[[], int], *, every: float = BEAT_SECONDS) -> Iterator[None]:
    """A thread that beats for the length of a `with` block; at its end the node is gone.

    `moves` counts what the process has done, so that one that stands still can be told from one that has nothing to do.
    """
    ended, talks = threading.Event(), threading.Lock()
    # A process that is forked in the midst of a write to SQLite would undo it in the memory that both share.
    os.register_at_fork(before=talks.acquire, after_in_parent=talks.release, after_in_child=talks.release)

    def beat() -> None:
        while True:
            with talks:
                _told(lambda: store.nodes.beat(node, moves()))
            if ended.wait(every):
                return

    thread = threading.Thread(target=beat, name="presence", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _told(lambda: store.nodes.leave(node.name))


def _told(say: Callable[[], None]) -> None:
    try:
        say()
    except StoreUnavailable as error:
        log.warning("cannot be seen: %s", error.message)  # by whoever watches; jobs go on
