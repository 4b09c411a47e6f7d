"""The page about sources says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from app import sources
from app.sources.macro import LISTINGS, NOT_FREE

PAGE = (Path(__file__).resolve().parents[3] / "docs/data-sources.md").read_text(encoding="utf-8")


def row_of(item):
    kind = f"{item.unit}, {item.frequency}" + (", proxy" if item.quality == "proxy" else "")
    number = item.id if item.factor == 1 else f"{item.factor:g} × {item.id}"
    return f"| {item.key} | {item.source} | {number} | {kind} | {known_of(item)} | {item.note} |"


def known_of(item):
    if item.source == "bcb_focus":
        return "Monday after"
    return f"{item.lag}" + (", or vintages" if item.source == "fred" and item.revised else "")


def table():
    head = "| series | source | id | what | days until known | note |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(row_of(item) for item in LISTINGS)


def not_free():
    return "| what | why |\n|---|---|\n" + "\n".join(f"| {names} | {why} |" for names, why in NOT_FREE.items())


def test_the_page_has_every_series_of_the_table():
    assert table() in PAGE, f"Write it anew:\n{table()}"


def test_the_page_has_everything_that_nobody_gives_away():
    assert not_free() in PAGE, f"Write it anew:\n{not_free()}"


def test_the_page_has_every_source():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(sources.every())
