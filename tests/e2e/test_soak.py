"""Clients hear every event once and in order while the relay, the queue server and connections die."""

from __future__ import annotations

from bench.soak import soak


def test_no_event_is_missed_or_doubled_while_everything_dies() -> None:
    found = soak(1_800, 3, seed=3, rate=200.0)
    assert sum(found.faults.values()) >= 4
    assert {"cut", "relay"} <= set(found.faults)
    assert (found.missing, found.doubled, found.disordered, found.resyncs) == (0, 0, 0, 0)
