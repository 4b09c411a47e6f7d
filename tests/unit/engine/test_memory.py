"""Memory that a run gives back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PAGES = """
import resource
import numpy as np
from engine.memory import keep_memory

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        arrays = [np.ones(size) for size in (125_000, 250_000, 400_000)]  # 1 to 3 MB, of usual pages
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

as_it_is = pages()
assert keep_memory()
pages()
print(as_it_is, pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_memory_that_was_given_back_is_not_asked_for_again():
    said = subprocess.run([sys.executable, "-c", PAGES], capture_output=True, text=True, check=True)
    as_it_is, kept = map(int, said.stdout.split())
    assert as_it_is > 1000
    assert kept < as_it_is / 100


def test_where_the_c_library_has_no_such_setting_nothing_changes(monkeypatch):
    from engine import memory

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert not memory.keep_memory()
