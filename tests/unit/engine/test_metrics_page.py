"""The page of metrics is that of the code.

python -m tests.unit.engine.test_metrics_page writes its tables anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.figures import Metric
from engine.metrics import METRICS

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "metrics.md"
MARK = "<!-- figures: python -m tests.unit.engine.test_metrics_page writes them anew -->\n"
HEAD = ("| key | unit | better | what it is | null |", "|---|---|---|---|---|")


def row(item: Metric) -> str:
    """The first paragraph of its docstring, apart from the sentence that begins with `None`."""
    text = " ".join(item.doc.partition("\n\n")[0].split())
    what, _, null = text.partition(" None ")
    better = "" if item.better == "none" else item.better
    cells = (f"`{item.name}`", item.unit, better, what.replace("|", "\\|"), null.rstrip("."))
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def tables() -> str:
    """The figures of every run, and those that need a benchmark."""
    alone = [row(item) for item in METRICS.values() if not item.compares]
    beside = [row(item) for item in METRICS.values() if item.compares]
    return "\n".join(["", *HEAD, *alone, "", "With a benchmark, else null:", "", *HEAD, *beside, ""])


def test_the_page_of_metrics_is_the_code():
    assert PAGE.read_text("utf-8").endswith(f"{MARK}{tables()}"), "python -m tests.unit.engine.test_metrics_page"


def test_every_metric_stands_there_once_with_a_formula():
    said = re.findall(r"^\| `(\w+)` \| \w+ \|(?: \w+)? \| .{6}", PAGE.read_text("utf-8"), re.MULTILINE)
    assert said == [item.name for alone in (False, True) for item in METRICS.values() if item.compares == alone]


def main() -> None:
    before = PAGE.read_text("utf-8").partition(MARK)[0]
    PAGE.write_text(f"{before}{MARK}{tables()}", "utf-8")


if __name__ == "__main__":
    main()
