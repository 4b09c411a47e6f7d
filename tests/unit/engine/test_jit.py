"""Kernels: lazy, cached where told, and callable as plain Python."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest

from engine.jit import jit


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


def test_a_kernel_may_call_kernels_of_its_own_file():
    assert quadruple(1.5) == quadruple.twin(1.5) == 6.0


def test_a_kernel_may_not_call_one_of_another_file(tmp_path):
    stranger = tmp_path / "stranger.py"
    stranger.write_text("from engine.jit import jit\n\n@jit\ndef triple(x):\n    return 3.0 * x\n")
    namespace = runpy.run_path(str(stranger))
    outer = jit(quadruple._function)
    outer._function.__globals__["double"], kept = namespace["triple"], double
    try:
        with pytest.raises(TypeError, match="a kernel of another file"):
            outer(1.0)
    finally:
        outer._function.__globals__["double"] = kept


def test_warm_compiles_everything_a_first_job_needs():
    code = (
        "import engine; engine.warm()\n"
        "import numpy as np, strategies\n"
        "from engine import kernel, trades\n"
        "from engine.indicators import crossing, rolling\n"
        "from engine.jit import Kernel\n"
        "kernels = [k for m in (crossing, rolling, kernel, trades) for k in vars(m).values()]\n"
        "kernels = [k for k in kernels if isinstance(k, Kernel)]\n"
        "known = [len(k.compile().signatures) for k in kernels]\n"
        "rng = np.random.default_rng(1)\n"
        "close = np.exp(np.cumsum(rng.normal(0, .01, (600, 2)), axis=0))\n"
        "time = np.datetime64('2020-01-01', 'ns') + np.arange(600) * np.timedelta64(1, 'D')\n"
        "bars = engine.Bars.from_arrays(time, close, close, close, close, close, symbols=('A', 'B'))\n"
        "[engine.backtest(bars.select(start='2020-02-01'), s.bind()) for s in strategies.all()]\n"
        "print(sum(known) > 0, known == [len(k.compile().signatures) for k in kernels])"
    )
    assert python(code) == "True True"
