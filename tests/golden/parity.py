"""Write the table of `docs/parity.md` from the comparisons of the golden tests.

    python -m tests.golden.parity

Runs the golden tests, in which `agree` counts what is compared (`conftest.py`), and replaces the table of the page.
A module's `CASE` dictionaries are its rows.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "parity.md"
HEAD = (
    "| case | data | compared with | what | values | largest difference | relative |",
    "|---|---|---|---|---:|---:|---:|",
)
FIELDS = ("name", "data", "peer", "compared")


def cases() -> list[dict[str, str]]:
    """Every case of the golden tests, read from their source: dictionaries with `FIELDS`, at the top of a module."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        names: dict[str, dict[str, str]] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                keys = [ast.unparse(key).strip("'") if key else "" for key in node.value.keys]
                if tuple(keys) == FIELDS:
                    values = [
                        names[value.value.id][value.slice.value]
                        if isinstance(value, ast.Subscript)
                        else ast.literal_eval(value)
                        for value in node.value.values
                    ]
                    names[node.targets[0].id] = dict(zip(FIELDS, values, strict=True))
        found += names.values()
    return found


def text_of(case: dict[str, str]) -> str:
    """The part of a row that no run changes."""
    return "| " + " | ".join(case[field] for field in FIELDS) + " |"


def row_of(case: dict[str, str], counts: tuple[int, float, float]) -> str:
    total, most, relative = counts
    sizes = ("0" if size == 0.0 else f"{size:.0e}" for size in (most, relative))
    return f"{text_of(case)} {total:,} | {' | '.join(sizes)} |"


class Counts:
    """A pytest plugin that keeps what `agree` counted."""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        module = session.config.pluginmanager.get_plugin(str(HERE / "conftest.py"))
        self.found = session.config.stash[module.COUNTS]


if __name__ == "__main__":
    counts = Counts()
    arguments = ["-q", "-p", "no:cacheprovider", str(HERE), f"--ignore={HERE / 'test_parity.py'}"]
    if status := pytest.main(arguments, [counts]):
        sys.exit(status)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(HEAD[0])
    after = rest[rest.index("\n\n") :]
    rows = [row_of(case, counts.found[case["name"]]) for case in cases()]
    PAGE.write_text(before + "\n".join([*HEAD, *rows]) + after, encoding="utf-8")
