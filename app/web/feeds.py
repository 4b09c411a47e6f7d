"""Channels that a client can ask for, and how its words are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.alerts.kinds import KINDS
from app.errors import Unknown
from app.events import PORTFOLIO, SEVERITIES, SIGNALS, alerts_channel, job_channel, owner_channel
from app.store import Caller
from app.web.filters import FIELDS, Filter, read_filter
from app.wiring import Services
from engine.errors import InvalidInput, UnknownName


@dataclass(frozen=True)
class Feed:
    """An opened channel: the key of its events, and the REST path that tells its present state."""

    key: str
    resync: str


@dataclass(frozen=True)
class Family:
    """Channels of one kind.

    Args:
        open: gives the channel; its last argument is what a name has after the slash.
        types: the types of its events.
        filters: what may be filtered besides `type`.
    """

    open: Callable[[Services, Caller, str], Feed]
    types: tuple[str, ...]
    filters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """One channel as a client asks for it: from where on, and what of it."""

    channel: str
    resume: tuple[str, int] | None = None
    filter: Filter | None = None


def _jobs(services: Services, caller: Caller, job_id: str) -> Feed:
    if not job_id:
        return Feed(owner_channel(caller.owner), "/api/v1/jobs")
    if not (job_id.isascii() and job_id.isalnum()):  # some databases refuse what JSON can carry
        raise Unknown("There is no such job.", code="unknown_job")
    row = services.jobs.get(job_id, caller.owner)
    return Feed(job_channel(row.id), f"/api/v1/jobs/{row.id}")


def _whole(rest: str, feed: Feed) -> Feed:
    """A channel that has no parts. Raises Unknown for one."""
    if rest:
        raise Unknown("This channel has no parts; open it by its name alone.", code="unknown_channel")
    return feed


_SPOKEN = ("signal_update", "signal_flip", "conviction_surge", "signal_divergence")
_ENDED = ("job_succeeded", "job_failed", "job_cancelled")

CHANNELS: Mapping[str, Family] = {
    "jobs": Family(
        _jobs, ("job_queued", "job_running", "job_cancelling", *_ENDED, "job_progress", "trial_rows"), ("strategy",)
    ),
    "signals": Family(
        lambda _, __, rest: _whole(rest, Feed(SIGNALS, "/api/v1/signals/latest")), _SPOKEN, ("strategy", "symbol")
    ),
    "alerts": Family(
        lambda _, caller, rest: _whole(rest, Feed(alerts_channel(caller.owner), "/api/v1/alerts")),
        (*KINDS, "alert_acknowledged", "alert_resolved"),
        ("strategy", "symbol", "severity"),
    ),
    "portfolio": Family(
        lambda _, __, rest: _whole(rest, Feed(PORTFOLIO, "/api/v1/portfolio/current")),
        ("rebalance", "position_update", "pnl_update", "book_closed"),
    ),
}


def open_feed(services: Services, caller: Caller, name: str) -> Feed:
    """The channel of that name if the caller may hear it. Raises UnknownName and Unknown."""
    return _family(name).open(services, caller, name.partition("/")[2])


def _family(name: str) -> Family:
    family, slash, rest = name.partition("/")
    if family not in CHANNELS or (slash and not rest):
        raise UnknownName.of("channel", name, CHANNELS, pointer="/channel")
    return CHANNELS[family]


def filter_of(services: Services, channel: str, given: Mapping[str, object]) -> Filter | None:
    """What a client asks of a channel. Raises UnknownName and InvalidInput."""
    family = _family(channel)
    values = {"type": family.types, "severity": SEVERITIES}
    found = read_filter(given, {name: values.get(name, ()) for name in ("type", *family.filters)})
    try:
        for name in dict(found.wanted).get(FIELDS["strategy"], ()) if found else ():
            services.shelf.get(name)
    except UnknownName as error:
        error.pointer = "/filter/strategy"
        raise
    return found


def filters_of(services: Services, names: list[str], given: Mapping[str, object]) -> dict[str, Filter | None]:
    """The same for several channels: each is held to the filters that it has, and every filter must have a channel."""
    of = {name: {"type", *_family(name).filters} for name in names}
    strange = given.keys() - set().union(*of.values())
    if strange:
        raise UnknownName.of("filter", min(strange), set().union(*of.values()), pointer=f"/{min(strange)}")
    kept = {name: {key: given[key] for key in given.keys() & of[name]} for name in names}
    return {name: filter_of(services, name, kept[name]) for name in names}


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


def read_wanted(services: Services, message: Mapping[str, Any]) -> Wanted:
    """What a `subscribe` message asks for. Raises InvalidInput and UnknownName."""
    channel = read_channel(message)
    given = message.get("filter")
    if given is not None and not isinstance(given, dict):
        raise InvalidInput('A filter is an object, such as {"symbol": "EURUSD"}.', pointer="/filter")
    resume = read_resume(message.get("epoch"), message.get("seq"))
    return Wanted(channel, resume, filter_of(services, channel, given or {}))
