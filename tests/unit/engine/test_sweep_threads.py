"""The threads of a sweep: not shared with a fork or another caller, and at rest when the sweep has ended."""

from __future__ import annotations

import threading
import time
from multiprocessing import get_context

import numpy as np
import pytest

import strategies
from engine import Bars, Config
from engine.sweep import crossings, running, sweep

SMA = strategies.get("sma_cross")
CLOSE = 100.0 + np.cumsum(np.random.default_rng(5).normal(0.0, 1.0, 400))
BARS = Bars.from_closes(np.datetime64("2020-01-01") + np.arange(400), CLOSE, ("A",))
TRIALS = [{"fast": fast, "slow": 30} for fast in range(2, 28)]


class Stopped(Exception):
    pass


def _in_child(work):
    """What `work` finds in a process that is forked here; None where it does not come to an end."""
    context = get_context("fork")
    found, sent = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sent.send(work()))
    child.start()
    try:
        return found.recv() if found.poll(30) else None
    finally:
        child.kill()
        child.join()


def _final_equities():
    return sweep(BARS, SMA, TRIALS, threads=2)["final_equity"].tolist()


def test_a_process_that_is_forked_after_a_sweep_has_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(running, "BLOCK", 1_000)
    here = _final_equities()
    assert _in_child(_final_equities) == here


def test_a_sweep_that_is_ended_leaves_nothing_running(monkeypatch):
    monkeypatch.setattr(running, "BLOCK", 1)
    measured = []
    measure = crossings.Crossings.measure

    def slow(self, columns, first, *rest):
        time.sleep(0.01)
        measured.append(first)
        measure(self, columns, first, *rest)

    def end(done, *_):
        if done:
            raise Stopped

    monkeypatch.setattr(crossings.Crossings, "measure", slow)
    with pytest.raises(Stopped):
        sweep(BARS, SMA, TRIALS, report=end, threads=2)
    count = len(measured)
    time.sleep(0.1)
    assert len(measured) == count < 26


def test_who_ends_a_sweep_does_not_wait_for_another_threads_sweep(monkeypatch):
    monkeypatch.setattr(running, "BLOCK", 1)
    measure, going, goes_on = crossings.Crossings.measure, threading.Event(), threading.Event()

    def held_up(self, columns, first, stop, rows):
        if self.account.config.commission_bps == 7.0:
            going.set()
            goes_on.wait(30)
        measure(self, columns, first, stop, rows)

    def end(*_):
        raise Stopped

    monkeypatch.setattr(crossings.Crossings, "measure", held_up)
    other = threading.Thread(target=lambda: sweep(BARS, SMA, TRIALS, Config(commission_bps=7.0), threads=2))
    other.start()
    assert going.wait(30)
    with pytest.raises(Stopped):
        sweep(BARS, SMA, TRIALS, report=end, threads=2)
    still_there = other.is_alive()
    goes_on.set()
    other.join()
    assert still_there
