"""What a fuzzer starts from goes through, and what it would report as a finding is one."""

from __future__ import annotations

import logging
import threading
import time
from itertools import islice
from pathlib import Path

import pytest

from bench.hostile import fuzz
from bench.hostile.targets import TARGETS, Mishaps, timed


@pytest.mark.parametrize("name", fuzz.NAMES)
def test_some_seeds_are_taken_and_some_refused(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    with target.open(tmp_path) as take:
        outcomes = [take(seed[: target.longest]) for seed in islice(target.seeds(), 60)]
    assert 0 < outcomes.count("taken") < len(outcomes)


def test_every_target_can_be_asked_for() -> None:
    assert set(fuzz.NAMES) == set(TARGETS)


def test_what_takes_longer_than_a_second_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter((0.0, 0.9, 5.0, 6.1))
    monkeypatch.setattr(time, "process_time", lambda: next(ticks))
    take = timed(lambda _: "taken")
    assert take(b"") == "taken"
    with pytest.raises(AssertionError, match=r"it took 1\.1 s"):
        take(b"")


def test_what_goes_wrong_out_of_sight_is_a_finding() -> None:
    hook = threading.excepthook
    with Mishaps() as mishaps:
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
        logging.getLogger("app.web.session").error("a conversation failed")
    assert [type(error) for error in mishaps.seen] == [ZeroDivisionError, RuntimeError]
    assert threading.excepthook is hook
