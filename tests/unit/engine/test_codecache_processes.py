"""Processes that compile at the same time, or die of it."""

from __future__ import annotations

import subprocess
import sys

COMPUTE = """
import hashlib, sys
import numpy as np
from engine import indicators, jit
jit.set_cache_dir(sys.argv[1])
values = np.random.default_rng(1).normal(size=(500, 2))
found = [indicators.returns(values), indicators.rolling_sum(values, 5), indicators.ema(values, 5)]
print(hashlib.sha256(b"".join(array.tobytes() for array in found)).hexdigest())
from engine.indicators import abreast, averages, rolling
kernels = (rolling._change, abreast.sums, averages.exponential)
print([sum(kernel.compile().stats.cache_misses.values()) for kernel in kernels])
"""

WAIT = """
import sys, time
from engine import codecache, jit
jit.set_cache_dir(sys.argv[1])
from pathlib import Path
busy = Path(sys.argv[1]) / "busy"
with codecache.one_at_a_time(jit.cache_folder()):
    missing = not list(jit.cache_folder().glob("whole-*"))
    if missing:
        assert not busy.exists(), "two at a time"
        busy.touch()
        time.sleep(0.2)
    exec(COMPUTE)
    if missing:
        busy.unlink()
"""

DIE = """
import os, pathlib, signal
replace, kept = pathlib.Path.replace, []

def killed(path, target):
    if kept:
        path.write_bytes(path.read_bytes()[:1000])
        os.kill(os.getpid(), signal.SIGKILL)
    kept.append(target)
    return replace(path, target)

pathlib.Path.replace = killed
"""


def start(code, folder):
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)


def told(process):
    digest, misses = process.communicate(timeout=100)[0].split("\n")[:2]
    assert process.returncode == 0
    return digest, misses


def test_processes_that_start_at_once_on_an_empty_folder_agree_and_leave_it_usable(tmp_path):
    together = [told(process) for process in [start(COMPUTE, tmp_path) for _ in range(4)]]
    assert len({digest for digest, _ in together}) == 1
    assert told(start(COMPUTE, tmp_path)) == (together[0][0], "[0, 0, 0]")


def test_one_that_is_killed_while_it_writes_leaves_a_folder_that_works(tmp_path):
    killed = start(DIE + COMPUTE, tmp_path)
    killed.communicate(timeout=100)
    assert killed.returncode == -9
    assert any(path.name.startswith("draft-") for path in tmp_path.rglob("*"))
    first = told(start(COMPUTE, tmp_path))
    assert first[1] == "[0, 1, 1]"
    assert told(start(COMPUTE, tmp_path)) == (first[0], "[0, 0, 0]")


def test_of_processes_that_start_at_once_one_compiles_and_the_others_load(tmp_path):
    wait = f"COMPUTE = {COMPUTE!r}\n{WAIT}"
    together = [told(process) for process in [start(wait, tmp_path) for _ in range(3)]]
    assert len({digest for digest, _ in together}) == 1
    assert sorted(misses for _, misses in together) == ["[0, 0, 0]", "[0, 0, 0]", "[1, 1, 1]"]


def test_one_that_dies_while_others_wait_leaves_the_work_to_the_next(tmp_path):
    dying = f"import os, signal\nCOMPUTE = 'os.kill(os.getpid(), signal.SIGKILL)'\n{WAIT.replace('busy.touch()', '')}"
    killed = start(dying, tmp_path)
    killed.communicate(timeout=100)
    assert killed.returncode == -9
    assert told(start(f"COMPUTE = {COMPUTE!r}\n{WAIT}", tmp_path))[1] == "[1, 1, 1]"
