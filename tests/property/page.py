"""Write the table of `docs/properties.md` from the property tests themselves.

python -m tests.property.page
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests import shelf
from tests.property import test_indicators

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "properties.md"
HEAD = ("| what holds | examples | for each |", "|---|---:|---|")
# What the arguments of a parametrised test are, and the names of all that there are.
KINDS = {
    "item": ("price strategy", {item.id for item in shelf.PRICE}),
    "macro": ("macro strategy", {item.id for item in shelf.MACRO}),
    "name": ("indicator", set(test_indicators.CASES)),
}


def properties() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Module and function of every test that is given examples, in the order in which they are written."""
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"tests.property.{path.stem}")
        for name, test in vars(module).items():
            if name.startswith("test_") and hasattr(test, "hypothesis"):
                yield path.stem, test


def row(test: Callable[..., Any]) -> str:
    """The test's name as a sentence, how many examples it is given, and for each of what."""
    marks = [each(*mark.args) for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    sentence = test.__name__.removeprefix("test_").replace("_", " ")
    count = test._hypothesis_internal_use_settings.max_examples
    return f"| {sentence} | {count} | {', '.join(marks)} |"


def each(argument: str, values: Iterable[Any]) -> str:
    """Of what each is tested, and which of them are not."""
    word, everything = KINDS[argument]
    without = sorted(everything - {getattr(value, "id", value) for value in values})
    return f"{word}, without {' and '.join(without)}" if without else word


def table() -> str:
    """A table for each module."""
    lines: list[str] = []
    last = ""
    for module, test in properties():
        if module != last:
            lines += ["", f"`tests/property/{module}.py`", "", *HEAD]
            last = module
        lines.append(row(test))
    return "\n".join(lines).strip()


def main() -> None:
    before = PAGE.read_text(encoding="utf-8").split("\n`tests/property/")[0]
    PAGE.write_text(f"{before}\n{table()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
