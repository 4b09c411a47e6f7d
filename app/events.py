"""Events: what a client may see happen.

A durable event has a `seq` that was counted up in the transaction that caused it, so a gap can be noticed and
repaired from the log. News of the moment (`job_progress`) has none: the latest wins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

VERSION = 1
# What strategies say, for everybody.
SIGNALS = "signals"
# Workers that were lost with a job in their hands: read by what follows from it, no channel for clients.
WORKERS = "workers"
# Attempts that came back after their job had been given to another one, and changed nothing: no channel for clients.
FENCED = "fenced"
SEVERITIES = ("info", "warning", "critical")
# What everybody with a key may hear of the paper book.
PORTFOLIO = "portfolio"


@dataclass(frozen=True)
class Event:
    """One message of a channel.

    `channel` is the key it is stored and routed under; clients see it without its owner (`jobs:ada` is `jobs`).
    """

    channel: str
    epoch: str
    seq: int | None
    type: str
    at: float
    data: Mapping[str, Any]

    def frame(self) -> str:
        """The JSON text that every client of the channel gets: encoded once for all of them."""
        message: dict[str, Any] = {"v": VERSION, "epoch": self.epoch, "seq": self.seq}
        if self.seq is None:
            del message["seq"]
        message |= {
            "channel": self.channel.partition(":")[0],
            "type": self.type,
            "at": iso(self.at),
            "data": self.data,
        }
        return json.dumps(message, allow_nan=False, separators=(",", ":"))


def owner_channel(owner: str) -> str:
    """All jobs of one owner."""
    return f"jobs:{owner}"


def alerts_channel(owner: str) -> str:
    """What asks for the attention of one owner."""
    return f"alerts:{owner}"


def job_channel(job_id: str) -> str:
    return f"jobs/{job_id}"


def iso(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
