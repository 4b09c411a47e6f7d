"""The examples of a property are those of its own text, whatever ran before it."""

from __future__ import annotations

import sys
from types import ModuleType

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import CONSTANTS_OF_MODULES


def drawn() -> list[float]:
    seen: list[float] = []

    @settings(derandomize=True, max_examples=200, database=None)
    @given(st.floats(0.0, 1e6))
    def note(value: float) -> None:
        seen.append(value)

    note()
    return seen


def test_a_module_that_is_loaded_changes_no_example(monkeypatch, tmp_path):
    before = drawn()
    module = ModuleType("constants_of_a_module")
    module.__file__ = str(tmp_path / "constants_of_a_module.py")
    (tmp_path / "constants_of_a_module.py").write_text("FIRST, SECOND, THIRD = 271_828.182, 314_159.265, 141_421.356")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert drawn() == before
    assert 271_828.182 in CONSTANTS_OF_MODULES().floats, "or the module was none that would have been looked into"
