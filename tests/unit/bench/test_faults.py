"""Faults of a chaos run end, and what could not be done is told."""

from __future__ import annotations

import random

import pytest

from app.embedded.home import Home
from app.store import Store
from bench.chaos import faults


@pytest.fixture
def nobody(tmp_path, sqlite_url):
    """A field without any process."""
    store = Store(sqlite_url)
    yield faults.Field(-1, Home(tmp_path), store, lambda: (), random.Random(1))
    store.close()


def test_what_can_be_done_to_nobody_ends_and_is_named(nobody, monkeypatch):
    monkeypatch.setattr(faults, "DONE_SECONDS", 0.3)
    firing = faults.Firing(nobody, 0.01, ["relay killed"])
    with pytest.raises(TimeoutError, match="relay killed"):
        firing.stop()
    assert firing.counts() == {}


def test_only_a_run_of_many_jobs_has_time_for_a_fault_that_lasts():
    assert set(faults.FAULTS) - set(faults.kinds_for(150)) == {"queue server away for a minute"}
    assert set(faults.kinds_for(faults.MANY)) == set(faults.FAULTS)
