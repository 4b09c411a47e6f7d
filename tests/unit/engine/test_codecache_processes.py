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
found = [indicators.lag(values, 3), indicators.rolling_sum(values, 5), indicators.ema(values, 5)]
print(hashlib.sha256(b"".join(array.tobytes() for array in found)).hexdigest())
from engine.indicators import abreast, averages, rolling
kernels = (rolling._lag, abreast.sums, averages.exponential)
print([sum(kernel.compile().stats.cache_misses.values()) for kernel in kernels])
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
