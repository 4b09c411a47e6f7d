"""Kernels: readable Python functions that are compiled when they are first called.

With `instructions` and `codecache`, which only it imports, this is the one place that knows numba.

    @jit
    def rolling_sum(values, window): ...

    rolling_sum(x, 20)        # imports numba and compiles (or loads from the disk cache) once, then runs
    rolling_sum.twin(x, 20)   # the same function as plain Python: what it means, and what a test compares with

Importing a module that holds kernels imports no numba: the web process reads strategies and never pays for it.
A kernel may call kernels of its own file and of the engine, not those of any other file: strategies do not know each
other. Compiled code is kept on disk (`engine.codecache`). An `instruction` is a function whose compiled form is
written by hand in `engine.instructions`; its Python is its twin.

Compiled code releases the GIL, runs on one thread, and is never `fastmath`: NaN means something here. A kernel
allocates nothing: it writes into arrays that it is given. A loop that should run in vector instructions goes over a
slice (`row = values[t, n:stop]`, then `row[k]`): for all that the compiler knows `values[t, n + k]` might be negative,
and it fetches every lane on its own, which took three times as long.
"""

from __future__ import annotations

import dis
import hashlib
import importlib
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Generic, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

# Without reference counts (_nrt): kernels allocate nothing, and counting the arrays of a tuple at every call made
# a bar with stops six times dearer.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}

_ENGINE = Path(__file__).parent
_lock = threading.RLock()
_cache_dir: Path | None = None


def set_cache_dir(path: Path | str) -> None:
    """Keep compiled code below `path` instead of beside the source. Call it before the first kernel runs."""
    global _cache_dir
    _cache_dir = Path(path)


@cache
def _skip_blas() -> None:
    """Let numba believe that there is no BLAS when it asks, as it does before the first kernel is compiled or loaded.

    To answer it would import `scipy.linalg`, a quarter of what the first run of a process takes. Nothing is lost: the
    answer only decides how `np.convolve` and `np.correlate` add up inside compiled code, which no kernel calls. Another
    thread that imports scipy at this moment must not hear of it, so where there is one nothing is done.
    """
    if threading.active_count() > 1 or "scipy.linalg.cython_blas" in sys.modules:
        return
    sys.modules["scipy.linalg.cython_blas"] = None  # type: ignore[assignment]  # refuses its import
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules["scipy.linalg.cython_blas"]


class Kernel(Generic[P, R]):
    """A function that runs compiled; `.twin` runs it, and every kernel that it calls, as plain Python."""

    def __init__(self, function: Callable[P, R], *, inline: bool = False) -> None:
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self._function = cast(FunctionType, function)
        self._inline = inline
        self._compiled: Callable[P, R] | None = None
        self._twin: Callable[P, R] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        compiled = self._compiled or self.compile()
        return compiled(*args, **kwargs)

    @property
    def twin(self) -> Callable[P, R]:
        if self._twin is None:
            self._twin = self._rebound(lambda kernel: kernel.twin)
        return self._twin

    def compile(self) -> Callable[P, R]:
        """The numba dispatcher of this kernel. It specialises on the argument types at each new first call."""
        with _lock:
            if self._compiled is None:
                import numba

                _skip_blas()
                from engine.codecache import CodeCache

                rebound = self._rebound(lambda kernel: kernel.compile())
                compiled = numba.njit(**_OPTIONS, forceinline=self._inline)(rebound)
                compiled._cache = CodeCache(self._function, self._meaning(), cache_folder())
                self._compiled = compiled
            return self._compiled

    def _meaning(self) -> bytes:
        """Digest of the code, and of the kernels and constants that it names.

        The source alone does not do: it may have changed since it was imported.
        """
        code = self._function.__code__
        digest = hashlib.sha256(repr((code.co_code, code.co_consts, code.co_names, self._inline)).encode())
        for name in _globals_of(code):
            value = self._function.__globals__.get(name)
            if isinstance(value, Kernel):
                digest.update(value._meaning())
            elif isinstance(value, bool | int | float | str | tuple):
                digest.update(repr((name, value)).encode())
            elif isinstance(value, np.ndarray | np.generic):
                digest.update(value.tobytes())
        return digest.digest()

    def _rebound(self, replace: Callable[[Kernel[..., Any]], object]) -> Callable[P, R]:
        """The function with the kernels among its globals replaced: numba cannot call a Kernel object."""
        function = self._function
        names = dict(function.__globals__)
        for name in _globals_of(function.__code__):
            inner = names.get(name)
            if not isinstance(inner, Kernel):
                continue
            home = Path(inner._function.__code__.co_filename)
            if _ENGINE not in home.parents and home != Path(function.__code__.co_filename):
                raise TypeError(f"{self.__name__} calls {name}, a kernel of another file")
            names[name] = replace(inner)
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
        copy.__qualname__ = function.__qualname__
        copy.__module__ = function.__module__
        return cast("Callable[P, R]", copy)


class Instruction(Kernel[P, R]):
    """A kernel of `engine.instructions`; the function says what it does. Only kernels call it compiled."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.twin(*args, **kwargs)

    def compile(self) -> Callable[P, R]:
        from engine import instructions

        return cast("Callable[P, R]", getattr(instructions, self.__name__))


@cache
def _source() -> str:
    """Digest of every file of the engine that holds kernels, or the tuples and constants that they take."""
    sources = (path.read_bytes() for path in sorted(_ENGINE.rglob("*.py")))
    kernels = (source for source in sources if any(word in source for word in (b"jit", b"numba", b"NamedTuple")))
    return hashlib.sha256(b"".join(kernels)).hexdigest()[:12]


def cache_folder() -> Path:
    """Where the code that is compiled from this state of the engine is kept."""
    import numba

    return _folder(vars(numba.config)["CACHE_DIR"])


def _folder(configured: str) -> Path:
    """A folder that changes with the source of the engine's kernels.

    It lies where `set_cache_dir` said, else where NUMBA_CACHE_DIR said, else beside the source, else, where that
    cannot be written, among the user's caches.
    """
    if _cache_dir is not None or configured:
        return (_cache_dir or Path(configured)) / _source()
    if os.access(_ENGINE, os.W_OK):
        return _ENGINE / "__pycache__" / _source()
    from engine.codecache import user_folder

    return user_folder() / _source()


@cache  # a kernel is asked by each of its callers, and to take its code apart is slow
def _globals_of(code: CodeType) -> tuple[str, ...]:
    return tuple(sorted({step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}))


def jit(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function of numbers, arrays and named tuples of them, without closure or defaults."""
    return Kernel(function)


def inlined(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel whose code is put into each of its callers: for few lines that run at every bar.

    A call hands over seven numbers for every array, which takes longer than such lines do.
    """
    return Kernel(function, inline=True)


def instruction(function: Callable[P, R]) -> Instruction[P, R]:
    """Let a function stand for what has its name in `engine.instructions`, for all kernels that call it."""
    return Instruction(function)
