"""Ports: the next free one, and who holds a busy one."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from app.embedded import ports
from app.errors import StartRefused


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield int(held.getsockname()[1])


def test_a_free_port_is_taken(busy: int) -> None:
    free = ports.any_free()
    assert ports.is_free("127.0.0.1", free)
    assert ports.choose("127.0.0.1", free, asked=True, option="--port") == free


def test_a_busy_port_that_was_asked_for_is_refused_by_name(busy: int) -> None:
    with pytest.raises(StartRefused, match=rf"Port {busy} on 127.0.0.1 is taken.*--port") as caught:
        ports.choose("127.0.0.1", busy, asked=True, option="--port")
    if sys.platform == "linux":
        assert f"(pid {os.getpid()})" in caught.value.message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the holder is looked up in /proc")
def test_the_holder_is_found_whatever_else_it_closes_meanwhile() -> None:
    with socket.socket() as gap, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        gap.close()  # its number, lower than the other's, goes to the look itself, which is over when the link is read
        assert f"(pid {os.getpid()})" in str(ports.who_holds(held.getsockname()[1]))


def test_a_busy_port_that_nobody_asked_for_is_replaced_by_the_next_free_one(busy: int) -> None:
    found = ports.choose("127.0.0.1", busy, asked=False, option="--port")
    assert found > busy
    assert ports.is_free("127.0.0.1", found)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StartRefused, match=r"192\.0\.2\.1"):
        ports.is_free("192.0.2.1", 8000)


def test_a_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(StartRefused, match=r"no\.such\.host\.invalid"):
        ports.is_free("no.such.host.invalid", 8000)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nobody_holds_a_free_port() -> None:
    assert ports.who_holds(ports.any_free()) is None
