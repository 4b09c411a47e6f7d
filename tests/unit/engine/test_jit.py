"""Kernels: lazy, cached where told, and callable as plain Python."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest

from engine.jit import _skip_blas, jit


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_engine_and_the_strategies_imports_neither_numba_nor_the_simulator():
    code = (
        "import sys, engine, strategies, engine.strategy, engine.config, engine.errors, engine.bars\n"
        "[s.schema() for s in strategies.all()]\n"
        "print([m for m in ('numba', 'scipy', 'pandas', 'engine.simulation', 'engine.kernel') if m in sys.modules])"
    )
    assert python(code) == "[]"


def test_compiled_code_goes_where_it_is_told(tmp_path):
    code = (
        "from engine import jit\n"
        f"jit.set_cache_dir({str(tmp_path)!r})\n"
        "import numpy as np\n"
        "from engine import indicators\n"
        "print(indicators.rolling_sum(np.ones((4, 1)), 2)[-1, 0])"
    )
    assert python(code) == "2.0"
    assert list(tmp_path.rglob("*.nbc"))


FIRST_KERNEL = """
import sys, threading
import numpy as np
from engine import indicators
{before}
found = indicators.returns(np.array([1.0, 2.0]))[1]
print(found, "scipy.linalg" in sys.modules)
import numba, scipy.linalg.cython_blas
two = np.ones((2, 2))
print(numba.njit(lambda a: np.dot(a, a))(two)[0, 0], numba.njit(lambda a: np.convolve(a, a))(two[0]).tolist())
"""


@pytest.mark.parametrize(
    ("before", "loaded"),
    [("", False), ("threading.Thread(target=threading.Event().wait, daemon=True).start()", True)],
    ids=["alone", "beside another thread"],
)
def test_the_first_kernel_does_without_scipy_which_is_there_for_others_all_the_same(before, loaded):
    said = python(FIRST_KERNEL.format(before=before)).splitlines()
    assert said == [f"1.0 {loaded}", "2.0 [1.0, 2.0, 1.0]"]


def test_scipy_is_hidden_from_numba_alone_and_only_while_it_asks(monkeypatch):
    asked = []
    monkeypatch.setattr("threading.active_count", lambda: 1)
    monkeypatch.delitem(sys.modules, "scipy.linalg.cython_blas", raising=False)
    monkeypatch.setattr(
        "importlib.import_module", lambda name: asked.append((name, sys.modules["scipy.linalg.cython_blas"]))
    )
    _skip_blas.__wrapped__()
    assert asked == [("numba.np.arraymath", None)]
    assert "scipy.linalg.cython_blas" not in sys.modules


def test_public_names_are_there_and_others_are_not():
    import engine

    assert all(getattr(engine, name) is not None for name in engine.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        engine.nonsense  # noqa: B018


@jit
def double(x):
    return 2.0 * x


@jit
def quadruple(x):
    return double(double(x))


@pytest.mark.usefixtures("compiled")
def test_a_kernel_may_call_kernels_of_its_own_file():
    assert quadruple(1.5) == quadruple.twin(1.5) == 6.0


def test_a_kernel_may_not_call_one_of_another_file(tmp_path, monkeypatch):
    stranger = tmp_path / "stranger.py"
    stranger.write_text("from engine.jit import jit\n\n@jit\ndef triple(x):\n    return 3.0 * x\n")
    namespace = runpy.run_path(str(stranger))
    monkeypatch.setitem(quadruple._function.__globals__, "double", namespace["triple"])
    with pytest.raises(TypeError, match="a kernel of another file"):
        jit(quadruple._function)(1.0)
