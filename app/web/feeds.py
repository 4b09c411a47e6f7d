"""Channels that a client can ask for, and how its words are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import Unknown
from app.events import job_channel, owner_channel
from app.store import Caller
from app.wiring import Services
from engine.errors import InvalidInput, UnknownName


@dataclass(frozen=True)
class Feed:
    """An opened channel: the key of its events, and the REST path that tells its present state."""

    key: str
    resync: str


def _jobs(services: Services, caller: Caller, job_id: str) -> Feed:
    if not job_id:
        return Feed(owner_channel(caller.owner), "/api/v1/jobs")
    if not (job_id.isascii() and job_id.isalnum()):  # some databases refuse what JSON can carry
        raise Unknown("There is no such job.", code="unknown_job")
    row = services.jobs.get(job_id, caller.owner)
    return Feed(job_channel(row.id), f"/api/v1/jobs/{row.id}")


CHANNELS: Mapping[str, Callable[[Services, Caller, str], Feed]] = {"jobs": _jobs}


def open_feed(services: Services, caller: Caller, name: str) -> Feed:
    """The channel of that name if the caller may hear it. Raises UnknownName and Unknown."""
    family, slash, rest = name.partition("/")
    if family not in CHANNELS or (slash and not rest):
        raise UnknownName.of("channel", name, CHANNELS, pointer="/channel")
    return CHANNELS[family](services, caller, rest)


def read_resume(epoch: object, seq: object) -> tuple[str, int] | None:
    """What the client saw last, from a query or a message; None when it says nothing. Raises InvalidInput."""
    if epoch in (None, "") and seq in (None, ""):
        return None
    if isinstance(seq, str) and seq.isdecimal() and len(seq) <= 16:
        seq = int(seq)
    if not isinstance(epoch, str) or isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq < 10**16:
        raise InvalidInput("To resume, say `epoch` and a whole `seq` of 0 or more, as an event carries them.")
    return epoch, seq


def read_message(text: str | bytes) -> Mapping[str, Any]:
    """A client's message. Raises InvalidInput for anything but a JSON object."""
    try:
        message = json.loads(text, parse_constant=_refuse_constant) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InvalidInput('Send JSON objects as text, such as {"type": "ping"}.', code="bad_message")
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def read_channel(message: Mapping[str, Any]) -> str:
    name = message.get("channel")
    if not isinstance(name, str) or not 0 < len(name) <= 100:
        raise InvalidInput("Say the channel's name.", code="bad_message", pointer="/channel")
    return name
