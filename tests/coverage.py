"""How much of the engine the tests run: every line and every branch, or this fails.

    python -m tests.coverage

Kernels run as their plain-Python twins, whose lines can be watched; that compiled code does the same is the matter of
other tests. What a test does in a process of its own is not seen here, so those tests are left out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    "tests/unit/engine",
    "tests/unit/strategies",
    "tests/unit/jobs/test_proposing.py",
    "tests/property/test_indicators.py",
    "tests/property/test_paper.py",
    "tests/property/test_screening.py",
    "tests/property/test_search.py",
    "tests/property/test_splits.py",
    "tests/property/test_stitching.py",
    "tests/property/test_sweep.py",
    "tests/property/test_walk.py",
    "--deselect=tests/unit/engine/test_codecache_processes.py",
    "--deselect=tests/unit/engine/test_warm.py::test_after_warming_nothing_is_compiled_or_loaded_any_more",
)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        coverage = [sys.executable, "-m", "coverage"]
        data = f"--data-file={folder}/data"
        tests = [*coverage, "run", data, "-m", "pytest", "--twins", "-q", "-p", "no:xdist", "--timeout=600", *TESTS]
        failed = subprocess.run(tests, cwd=ROOT, check=False).returncode
        return subprocess.run([*coverage, "report", data], cwd=ROOT, check=False).returncode or failed


if __name__ == "__main__":
    raise SystemExit(main())
